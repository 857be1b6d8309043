//! GitHub Actions: annotations at the rules' lines, and the summary of a step.
//!
//! A command ends with its line, and `:` and `,` divide its properties: they are escaped as the runner reads them (actions/toolkit, `command.ts`). GitHub shows ten annotations of a kind
//! for each step and takes 1 MiB of summary.

use crate::measure::summary::{Summary, VerdictSummary};
use crate::report::{neutral, verdicts};

/// So many annotations of a kind are shown for a step.
const MOST: usize = 10;
/// So large may a summary be, with room for what other commands of the step add.
const SUMMARY: usize = 1_000_000;

/// The commands, a line each; of more than ten, the tenth says how many more there are.
#[must_use]
pub fn annotations(scenarios: &[(&str, &Summary)]) -> String {
    let lines = |is_error: bool| {
        let wanted =
            move |verdict: &&VerdictSummary| verdict.counts && verdict.verdict != "held" && (verdict.verdict != "undecided") == is_error;
        let all: Vec<_> = scenarios
            .iter()
            .flat_map(|(file, summary)| summary.verdicts.iter().filter(wanted).map(move |verdict| (*file, verdict)))
            .collect();
        let kind = if is_error { "error" } else { "warning" };
        let shown = if all.len() > MOST { MOST - 1 } else { all.len() };
        let mut text: String = all[..shown].iter().map(|(file, verdict)| command(kind, file, verdict)).collect();
        if all.len() > shown {
            text += &format!("::{kind} title=evenkeel gate::{} more; all are in the summary of the step\n", all.len() - shown);
        }
        text
    };
    lines(true) + lines(false).as_str()
}

fn command(kind: &str, file: &str, verdict: &VerdictSummary) -> String {
    let title = property(&format!("evenkeel: {}", verdict.rule));
    // What was read from standard input has no file to point at.
    let place = if file.starts_with('<') { String::new() } else { format!("file={},", property(file)) };
    let line = verdict.line.filter(|_| !place.is_empty()).map(|line| format!("line={line},")).unwrap_or_default();
    let message = std::iter::once(verdicts::line(verdict)).chain(verdict.notes.iter().cloned()).collect::<Vec<_>>().join("\n");
    format!("::{kind} {place}{line}title={title}::{}\n", data(&message))
}

/// The value of a property.
fn property(text: &str) -> String {
    data(&neutral::plain(text)).replace(':', "%3A").replace(',', "%2C")
}

/// A message: its line ends are the only ones that survive.
fn data(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(neutral::plain).collect();
    lines.join("\n").replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A page cut to what GitHub takes, at the end of a line.
#[must_use]
pub fn step_summary(page: &str) -> String {
    if page.len() <= SUMMARY {
        return page.to_owned();
    }
    let cut = (0..=SUMMARY).rev().find(|&at| page.is_char_boundary(at)).unwrap_or(0);
    let end = page[..cut].rfind('\n').unwrap_or(cut);
    format!("{}\n\n(cut here: GitHub takes 1 MiB)\n", &page[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_ends_a_command_or_a_property() {
        assert_eq!(property("a,b:c%\n::error::x\u{1b}"), "a%2Cb%3Ac%25\\u{a}%3A%3Aerror%3A%3Ax\\u{1b}");
        assert_eq!(data("100%\r\n::stop"), "100%25\\u{d}%0A::stop");
    }

    #[test]
    fn a_summary_fits() {
        let page = "ü line\n".repeat(300_000);
        assert!(step_summary(&page).len() < 1 << 20);
        assert_eq!(step_summary("short"), "short");
    }
}
