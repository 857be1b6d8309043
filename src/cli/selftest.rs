//! `evenkeel selftest`: theory and determinism on this machine, as one table.

use super::Code;
use super::args::{ListFormat, SelftestArgs};
use super::terminal::Terminal;
use crate::random::mix;
use crate::report::style::Style;
use crate::selftest::chaos::{self, Verdict};
use crate::selftest::{self, FINGERPRINT, Report};
use indicatif::ProgressBar;
use serde_json::json;
use std::fmt::Write;

pub(super) fn selftest(args: &SelftestArgs, terminal: &Terminal) -> Code {
    if let Some(systems) = args.chaos {
        return chaos(args.seed, systems, args.format, terminal);
    }
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

/// Random systems, from a seed on. What fails is named by its seed, and printed.
fn chaos(first: u64, systems: u64, format: ListFormat, terminal: &Terminal) -> Code {
    let bar = terminal.shows_progress().then(|| ProgressBar::new(systems));
    let (mut requests, mut unanswered, mut hash) = (0_u64, 0_u64, 0_u64);
    for seed in first..first.saturating_add(systems) {
        // An invariant that does not hold ends the program where it was found out; the seed is said before.
        let verdict = std::panic::catch_unwind(|| chaos::run(seed));
        match verdict {
            Ok(Verdict::Held { requests: some, unanswered: lost, fingerprint }) => {
                (requests, unanswered, hash) = (requests + some, unanswered + lost, mix(hash ^ fingerprint));
            }
            other => {
                let what = match other {
                    Ok(Verdict::Differs) => "a second run gave other bits".to_owned(),
                    Ok(Verdict::Refused(why)) => format!("it is refused: {why}"),
                    _ => "an invariant does not hold".to_owned(),
                };
                terminal.error(&format!(
                    "random system {seed}: {what}\nrun it again with: evenkeel selftest --chaos 1 --seed {seed}\n\n{}",
                    chaos::system(seed)
                ));
                return Code::Failed;
            }
        }
        bar.iter().for_each(|bar| bar.inc(1));
    }
    bar.inspect(ProgressBar::finish_and_clear);
    terminal.result(&match format {
        ListFormat::Json => {
            let value = json!({ "systems": systems, "seed": first, "requests": requests, "unanswered": unanswered, "fingerprint": format!("{hash:016x}") });
            format!("{value:#}\n")
        }
        ListFormat::Table => format!(
            "{systems} random systems from seed {first}: every invariant held\n{requests} requests, {unanswered} of them failed or were never answered\nfingerprint {hash:016x}\n"
        ),
    })
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
