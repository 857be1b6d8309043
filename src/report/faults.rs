//! What each fault did, one line for each balancer: below the tables of the terminal and of Markdown.

use super::figures::{percent, short};
use super::style::Style;
use crate::measure::summary::{FaultSummary, ResultSummary, Summary};

/// What one fault did in one variant.
pub(super) struct Told<'a> {
    /// Its name as it was written, and its kind: writers make them harmless.
    pub(super) name: &'a str,
    pub(super) kind: &'a str,
    pub(super) lines: Vec<Line<'a>>,
}

/// What it did with one balancer.
pub(super) struct Line<'a> {
    /// The balancer's label as it was written.
    pub(super) balancer: &'a str,
    /// What is said, piece by piece.
    pub(super) parts: Vec<String>,
    pub(super) style: Style,
}

/// Every fault of a variant, in the order of the scenario.
pub(super) fn told<'a>(summary: &'a Summary, variant: Option<&str>) -> Vec<Told<'a>> {
    let results = || summary.results.iter().filter(|one| one.variant.as_deref() == variant);
    let Some(first) = results().next() else { return Vec::new() };
    let one = |(number, fault): (usize, &'a FaultSummary)| {
        let line = |result: &'a ResultSummary| {
            let fault = result.faults.get(number)?;
            Some(Line { balancer: &result.balancer, parts: parts(fault), style: style(fault) })
        };
        Told { name: &fault.name, kind: &fault.kind, lines: results().filter_map(line).collect() }
    };
    first.faults.iter().enumerate().map(one).collect()
}

fn style(fault: &FaultSummary) -> Style {
    if fault.metastable.is_some() { Style::Alarm } else { Style::Plain }
}

/// `noticed after 6.10 s`, `back after 7.00 s`, `213 requests failed`, `48 delayed`.
fn parts(fault: &FaultSummary) -> Vec<String> {
    if fault.occurrences == 0 {
        return vec!["did not begin while it was measured".into()];
    }
    let mut parts = Vec::new();
    parts.extend(fault.detect_s.map(noticed));
    let is_never_back = fault.metastable.is_some() && fault.recover_s.is_none();
    parts.extend((!is_never_back).then(|| back(fault)));
    if let Some(what) = fault.metastable {
        parts.push(format!("METASTABLE: kept up by {}", what.name()));
    }
    match (fault.failed, fault.delayed) {
        // What was hurt is counted against what was before.
        _ if fault.recovered.is_none() => {}
        (0, 0) => parts.push("no request was hurt".into()),
        (failed, delayed) => {
            parts.push(format!("{failed} request{} failed", if failed == 1 { "" } else { "s" }));
            parts.push(format!("{delayed} delayed"));
        }
    }
    parts
}

fn noticed(seconds: f64) -> String {
    if seconds == 0.0 { "noticed at once".into() } else { format!("noticed after {} s", short(seconds)) }
}

fn back(fault: &FaultSummary) -> String {
    let after = |seconds: f64| if seconds == 0.0 { "never out of its band".into() } else { format!("back after {} s", short(seconds)) };
    match (fault.recovered, fault.recover_s) {
        (Some(1.0), Some(seconds)) => after(seconds),
        (Some(share), Some(seconds)) => format!("{} in {}", after(seconds), percent(share)),
        (Some(_), None) => "not back by the end".into(),
        (None, _) => "nothing calm before to compare with".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::record::Loop;

    #[test]
    fn it_is_said_in_words() {
        let sentence = |fault: &FaultSummary| parts(fault).join(", ");
        let calm = FaultSummary {
            name: "lose one".into(),
            kind: "crash".into(),
            occurrences: 5,
            detect_s: Some(6.1),
            recover_s: Some(7.0),
            recovered: Some(1.0),
            failed: 213,
            delayed: 48,
            load_moved: Some(0.9),
            metastable: None,
        };
        assert_eq!(sentence(&calm), "noticed after 6.10 s, back after 7.00 s, 213 requests failed, 48 delayed");
        let stuck = FaultSummary { detect_s: None, recover_s: None, recovered: Some(0.0), metastable: Some(Loop::Retries), ..calm.clone() };
        assert_eq!(sentence(&stuck), "METASTABLE: kept up by retries, 213 requests failed, 48 delayed");
        let announced = FaultSummary { detect_s: Some(0.0), ..calm.clone() };
        assert!(sentence(&announced).starts_with("noticed at once, back after"));
        let partly = FaultSummary { recovered: Some(0.8), failed: 1, delayed: 0, ..calm.clone() };
        assert_eq!(sentence(&partly), "noticed after 6.10 s, back after 7.00 s in 80.0%, 1 request failed, 0 delayed");
        let unfelt = FaultSummary { recover_s: Some(0.0), failed: 0, delayed: 0, ..calm.clone() };
        assert_eq!(sentence(&unfelt), "noticed after 6.10 s, never out of its band, no request was hurt");
        assert_eq!(
            sentence(&FaultSummary { recovered: None, recover_s: None, failed: 0, ..calm.clone() }),
            "noticed after 6.10 s, nothing calm before to compare with"
        );
        assert_eq!(sentence(&FaultSummary { occurrences: 0, ..calm }), "did not begin while it was measured");
    }
}
