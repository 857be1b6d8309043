//! Verdicts of a gate in words: what was measured beside what it was held against.
//!
//! Nothing here is escaped: names are made harmless by whoever puts the words into a terminal, a page or a file.

use super::figures;
use crate::measure::summary::VerdictSummary;

/// ✓ held, ✗ failed or nothing to measure, ? undecided.
#[must_use]
pub fn mark(verdict: &VerdictSummary) -> &'static str {
    match verdict.verdict.as_str() {
        "held" => "✓",
        "undecided" => "?",
        _ => "✗",
    }
}

/// Whom and which requests it is about: `p2c (3 retries), class gold, during lose one`.
#[must_use]
pub fn about(verdict: &VerdictSummary) -> String {
    let mut text = verdict.balancer.clone();
    if let Some(variant) = &verdict.variant {
        text += &format!(" ({variant})");
    }
    let parts = [("service", &verdict.service), ("class", &verdict.class), ("during", &verdict.during), ("after", &verdict.after)];
    for (word, name) in parts.into_iter().filter_map(|(word, name)| Some((word, name.as_ref()?))) {
        text += &format!(", {word} {name}");
    }
    let than = [&verdict.than, &verdict.than_variant].into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" in ");
    if !than.is_empty() {
        text += &format!(" against {than}");
    }
    text
}

/// What was measured, with half its interval: `231 ±4 ms`.
#[must_use]
pub fn value(verdict: &VerdictSummary) -> String {
    let half = verdict.ci95.map(|[low, high]| (high - low) / 2.0);
    match (verdict.unit.as_str(), verdict.value) {
        (_, None) => "no value".into(),
        ("ratio", Some(value)) => figures::ratio(value, verdict.ci95),
        ("share", Some(value)) => {
            let half = half.map(|half| format!(" ±{:.3}", 100.0 * half)).unwrap_or_default();
            format!("{:.3}{half}%", 100.0 * value)
        }
        (unit, Some(value)) => with_unit(&figures::with_interval(Some(value), half), unit),
    }
}

/// What it was held against: `250 ms`.
#[must_use]
pub fn bound(verdict: &VerdictSummary) -> String {
    let Some(bound) = verdict.bound else { return "–".into() };
    match verdict.unit.as_str() {
        "ratio" => format!("{}x", exact(bound)),
        "share" => format!("{}%", exact(100.0 * bound)),
        unit => with_unit(&exact(bound), unit),
    }
}

/// A bound is shown as it was written, but for what binary fractions add to it.
fn exact(value: f64) -> String {
    ((value * 1e9).round() / 1e9).to_string()
}

fn with_unit(number: &str, unit: &str) -> String {
    match unit {
        "ms" => format!("{number} ms"),
        "s" => format!("{number} s"),
        "1/s" => format!("{number}/s"),
        _ => number.to_owned(),
    }
}

/// All of it on one line, without the notes.
#[must_use]
pub fn line(verdict: &VerdictSummary) -> String {
    format!("{}: {}, bound {} ({})", about(verdict), value(verdict), bound(verdict), verdict.verdict)
}

/// How many there are of each sort: `3 rules: 2 held, 1 failed`.
#[must_use]
pub fn count(verdicts: &[VerdictSummary]) -> String {
    let names = ["held", "failed", "undecided", "no data"];
    let some = names.into_iter().filter_map(|name| {
        let count = verdicts.iter().filter(|verdict| verdict.verdict == name).count();
        (count > 0).then(|| format!("{count} {name}"))
    });
    let total = verdicts.len();
    format!("{total} verdict{}: {}", if total == 1 { "" } else { "s" }, some.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_their_units() {
        let of = |unit: &str, value: f64, half: f64, bound: f64| {
            let ci95 = Some([value - half, value + half]);
            let verdict = VerdictSummary {
                unit: unit.into(),
                value: Some(value),
                ci95,
                bound: Some(bound),
                balancer: "a".into(),
                ..VerdictSummary::default()
            };
            format!("{} | {}", super::value(&verdict), super::bound(&verdict))
        };
        assert_eq!(of("ms", 231.4, 4.2, 250.0), "231 ±4 ms | 250 ms");
        assert_eq!(of("share", 0.982, 0.001, 0.99), "98.200 ±0.100% | 99%");
        assert_eq!(of("ratio", 0.76, 0.02, 0.8), "0.76x ±0.02 | 0.8x");
        assert_eq!(of("1/s", 800.0, 0.0, 700.0), "800 ±0/s | 700/s");
        assert_eq!(of("count", 3.0, 0.0, 0.0), "3.00 ±0.00 | 0");
    }
}
