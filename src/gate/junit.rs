//! JUnit XML: one suite a scenario, one case a verdict. What XML 1.0 cannot hold is left out, as nextest does; what a terminal would obey is shown as its code.
//!
//! A rule that did not hold is a failure; one that could not be decided, or had nothing to measure, is an error; one that allows to have nothing is skipped.

use crate::measure::summary::{Summary, VerdictSummary};
use crate::report::{neutral, verdicts};

/// All scenarios, each with the file that it came from.
#[must_use]
pub fn draw(scenarios: &[(&str, &Summary)]) -> String {
    let count = |verdicts: &[VerdictSummary], wanted: Outcome| verdicts.iter().filter(|verdict| outcome(verdict) == wanted).count();
    let totals = |verdicts: &[VerdictSummary]| {
        format!(
            "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
            verdicts.len(),
            count(verdicts, Outcome::Failure),
            count(verdicts, Outcome::Error),
            count(verdicts, Outcome::Skipped)
        )
    };
    let all: Vec<VerdictSummary> = scenarios.iter().flat_map(|(_, summary)| summary.verdicts.clone()).collect();
    let mut text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"evenkeel\" {}>\n", totals(&all));
    for (file, summary) in scenarios {
        let name = summary.scenario.title.as_deref().unwrap_or(file);
        text += &format!("  <testsuite name=\"{}\" file=\"{}\" {}>\n", escaped(name), escaped(file), totals(&summary.verdicts));
        summary.verdicts.iter().for_each(|verdict| text += &case(file, verdict));
        text += "  </testsuite>\n";
    }
    text + "</testsuites>\n"
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Held,
    Failure,
    Error,
    Skipped,
}

fn outcome(verdict: &VerdictSummary) -> Outcome {
    match verdict.verdict.as_str() {
        _ if !verdict.counts => Outcome::Skipped,
        "held" => Outcome::Held,
        "failed" => Outcome::Failure,
        _ => Outcome::Error,
    }
}

fn case(file: &str, verdict: &VerdictSummary) -> String {
    let line = verdict.line.map(|line| format!(" line=\"{line}\"")).unwrap_or_default();
    let name = format!("{} [{}]", verdict.rule, verdicts::about(verdict));
    let head =
        format!("    <testcase classname=\"{}\" name=\"{}\" file=\"{}\"{line} time=\"0\"", escaped(file), escaped(&name), escaped(file));
    let said = verdicts::line(verdict);
    let notes = verdict.notes.iter().map(|note| format!("\n{}", escaped(note))).collect::<String>();
    let element = |element: &str| {
        let about = format!("type=\"{}\" message=\"{}\"", escaped(&verdict.verdict), escaped(&said));
        format!("{head}>\n      <{element} {about}>{}{notes}</{element}>\n    </testcase>\n", escaped(&said))
    };
    match outcome(verdict) {
        Outcome::Held => format!("{head}/>\n"),
        Outcome::Failure => element("failure"),
        Outcome::Error => element("error"),
        Outcome::Skipped => format!("{head}>\n      <skipped message=\"{}\"/>\n    </testcase>\n", escaped(&said)),
    }
}

/// For an attribute or for text.
fn escaped(text: &str) -> String {
    neutral::html(text).chars().filter(|&c| !matches!(c, '\u{fffe}' | '\u{ffff}')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_not_written() {
        let text = escaped("a<b>\"'&]]>\u{0}\u{b}\u{1b}\u{fffe}\u{ffff}\u{1f600}");
        assert_eq!(text, "a&lt;b&gt;&quot;&#39;&amp;]]&gt;\\u{0}\\u{b}\\u{1b}\u{1f600}");
    }
}
