//! `evenkeel selftest`: theory and determinism on this machine, as one table.

use super::Code;
use super::args::{ListFormat, SelftestArgs};
use super::terminal::Terminal;
use crate::report::style::Style;
use crate::selftest::{self, FINGERPRINT, Report};
use indicatif::ProgressBar;
use serde_json::json;
use std::fmt::Write;

pub(super) fn selftest(args: &SelftestArgs, terminal: &Terminal) -> Code {
    let bar = terminal.shows_progress().then(|| ProgressBar::new(1));
    let report = selftest::run(&|done, of| {
        if let Some(bar) = &bar {
            bar.set_length(of as u64);
            bar.set_position(done as u64);
        }
    });
    bar.inspect(ProgressBar::finish_and_clear);
    let shown = terminal.result(&if args.format == ListFormat::Json { listed(&report) } else { table(&report, terminal) });
    if report.held() { shown } else { Code::Failed }
}

fn table(report: &Report, terminal: &Terminal) -> String {
    let wide = report.checks.iter().map(|check| check.name.chars().count()).max().unwrap_or(0);
    let mut text = terminal.paint(Style::Heading, &format!("{:<wide$}  {:>12}  {:>12}  {:>6}", "check", "expected", "measured", "z"));
    text.push('\n');
    for check in &report.checks {
        let line = format!("{:<wide$}  {:>12.6}  {:>12.6}  {:>6.2}", check.name, check.expected, check.measured, check.z);
        let (style, end) = if check.held { (Style::Plain, "") } else { (Style::Alarm, "  does not hold") };
        let _ = writeln!(text, "{}", terminal.paint(style, &format!("{line}{end}")));
    }
    let held = report.checks.iter().filter(|check| check.held).count();
    let _ = writeln!(text, "\n{held} of {} checks hold; times in units of the mean work, z in standard errors", report.checks.len());
    let again = if report.repeats { "the same bits" } else { "OTHER BITS" };
    let _ = writeln!(text, "a second run of every model gave {again}");
    let same = if report.fingerprint == FINGERPRINT { "as everywhere" } else { "NOT what this version gives elsewhere" };
    let _ = writeln!(text, "fingerprint {:016x}, {same}", report.fingerprint);
    text
}

fn listed(report: &Report) -> String {
    let checks = report.checks.iter().map(|check| {
        json!({"name": check.name, "expected": check.expected, "measured": check.measured, "standard_error": check.error, "z": check.z, "held": check.held})
    });
    let value = json!({
        "checks": checks.collect::<Vec<_>>(),
        "repeats": report.repeats,
        "fingerprint": format!("{:016x}", report.fingerprint),
        "expected_fingerprint": format!("{FINGERPRINT:016x}"),
        "held": report.held(),
    });
    format!("{value:#}\n")
}
