//! How values, metrics and keys are called where there is little room.

use crate::measure::metric::Unit;
use crate::measure::surface::{Figure, Shown, Surface};
use crate::report::{figures, neutral};

/// The last part of a key, with as many before it as tell it from the others: `load`, `web.count`.
pub(super) fn keys(surface: &Surface) -> Vec<String> {
    let all: Vec<Vec<&str>> = surface.parameters.iter().map(|one| one.key.split('.').collect()).collect();
    let end = |parts: &[&str], count: usize| parts[parts.len().saturating_sub(count)..].join(".");
    let one = |parts: &Vec<&str>| {
        let is_alone = |count: &usize| all.iter().filter(|other| end(other, *count) == end(parts, *count)).count() == 1;
        end(parts, (1..parts.len()).find(is_alone).unwrap_or(parts.len()))
    };
    all.iter().map(|parts| neutral::plain(&one(parts))).collect()
}

/// A metric with its unit: `p99 ms`.
pub(super) fn metric(shown: &Shown) -> String {
    let name = shown.metric.strip_prefix("latency.").unwrap_or(&shown.metric);
    match shown.unit {
        Unit::Milliseconds => format!("{name} ms"),
        Unit::Seconds => format!("{name} s"),
        Unit::Count | Unit::PerSecond | Unit::Share | Unit::Number => name.to_owned(),
    }
}

/// A figure with its interval.
pub(super) fn figure(figure: &Figure) -> String {
    figures::with_interval(figure.value, figure.half)
}

/// A value as it is shown: harmless, and without quotes.
pub(super) fn value(text: &str) -> String {
    neutral::fitted(&super::rows::plain(text), 40)
}
