//! What both tables show, terminal and Markdown: one block for each variant, one row for each balancer.
//!
//! The lowest of each latency column is the best. The last columns hold every other balancer against the best one, replication by
//! replication on the same requests: a ratio is a geometric mean, its interval comes from the paired log ratios, and the
//! verdict from the corrected comparison.

use super::figures;
use super::style::Style;
use crate::measure::compare::{Comparison, Verdict};
use crate::measure::summary::{ResultSummary, Summary};
use std::collections::BTreeMap;

/// A piece of a row.
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) style: Style,
}

/// The balancers of one variant.
pub(super) struct Block {
    pub(super) variant: Option<String>,
    pub(super) head: Vec<&'static str>,
    /// The first cell of each is the balancer's label as it was written: writers make it harmless.
    pub(super) rows: Vec<Vec<Cell>>,
}

/// How much is shown; each step is narrower than the one before.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub(super) enum Detail {
    /// Everything.
    Full,
    /// Intervals only of the mean and p99.
    FewIntervals,
    /// And only p99 against the best.
    OneRatio,
    /// And no intervals beside the values.
    NoIntervals,
}

impl Detail {
    pub(super) const ALL: [Self; 4] = [Self::Full, Self::FewIntervals, Self::OneRatio, Self::NoIntervals];
}

type Pairs<'a> = BTreeMap<(&'a str, &'a str, &'a str), &'a Comparison>;

/// One block for each variant, in order of appearance.
pub(super) fn blocks(summary: &Summary, detail: Detail) -> Vec<Block> {
    let mut variants: Vec<&Option<String>> = Vec::new();
    for result in &summary.results {
        if !variants.contains(&&result.variant) {
            variants.push(&result.variant);
        }
    }
    variants.into_iter().map(|variant| block(summary, variant, detail)).collect()
}

fn block(summary: &Summary, variant: &Option<String>, detail: Detail) -> Block {
    let results: Vec<&ResultSummary> = summary.results.iter().filter(|result| result.variant == *variant).collect();
    let pairs: Pairs<'_> = summary
        .comparisons
        .iter()
        .filter(|one| one.variant == *variant && one.than_variant == *variant)
        .map(|one| ((one.balancer.as_str(), one.than.as_str(), one.metric.as_str()), one))
        .collect();
    let mut columns = vec![balancers(&results)];
    columns.extend(latencies(&results, detail));
    columns.push(errors(&results));
    columns.push(fairness(&results));
    if results.len() > 1 {
        if detail < Detail::OneRatio {
            columns.push(against("mean / best", &results, &pairs, "latency.mean", |one| one.latency_ms.mean));
        }
        columns.push(against("p99 / best", &results, &pairs, "latency.p99", |one| one.latency_ms.p99));
    }
    if results.iter().any(|one| one.overloaded_at_s.is_some()) {
        columns.push(overloads(&results));
    }
    turned(variant.clone(), columns, results.len())
}

/// Columns into rows.
fn turned(variant: Option<String>, columns: Vec<(&'static str, Vec<Cell>)>, rows: usize) -> Block {
    let head = columns.iter().map(|(head, _)| *head).collect();
    let mut table: Vec<Vec<Cell>> = (0..rows).map(|_| Vec::new()).collect();
    for (_, column) in columns {
        for (row, cell) in table.iter_mut().zip(column) {
            row.push(cell);
        }
    }
    Block { variant, head, rows: table }
}

type Column = (&'static str, Vec<Cell>);

fn plain(text: String) -> Cell {
    Cell { text, style: Style::Plain }
}

fn balancers(results: &[&ResultSummary]) -> Column {
    ("balancer", results.iter().map(|one| plain(one.balancer.clone())).collect())
}

fn latencies(results: &[&ResultSummary], detail: Detail) -> [Column; 4] {
    let few = detail >= Detail::FewIntervals;
    let none = detail >= Detail::NoIntervals;
    [
        latency("mean ms ", results, |one| one.latency_ms.mean, |one| one.latency_ms_ci95.mean.filter(|_| !none)),
        latency("p50 ", results, |one| one.latency_ms.p50, |one| one.latency_ms_ci95.p50.filter(|_| !few)),
        latency("p99 ", results, |one| one.latency_ms.p99, |one| one.latency_ms_ci95.p99.filter(|_| !none)),
        latency("p99.9 ", results, |one| one.latency_ms.p99_9, |one| one.latency_ms_ci95.p99_9.filter(|_| !few)),
    ]
}

/// Values with their intervals, the least marked where there are several.
fn latency(
    head: &'static str,
    results: &[&ResultSummary],
    value: impl Fn(&ResultSummary) -> Option<f64>,
    half: impl Fn(&ResultSummary) -> Option<f64>,
) -> Column {
    let least = least(results, &value);
    let cell = |one: &&ResultSummary| {
        let best = results.len() > 1 && value(one).is_some() && value(one) == least;
        let text = figures::with_interval(value(one), half(one));
        if best { Cell { text: text + "*", style: Style::Best } } else { plain(text + " ") }
    };
    (head, results.iter().map(cell).collect())
}

/// The least value there is; of those that are not overloaded, if there are any.
fn least(results: &[&ResultSummary], value: impl Fn(&ResultSummary) -> Option<f64>) -> Option<f64> {
    let of =
        |sound: bool| results.iter().filter(|one| !sound || one.overloaded_at_s.is_none()).filter_map(|one| value(one)).reduce(f64::min);
    of(true).or_else(|| of(false))
}

fn errors(results: &[&ResultSummary]) -> Column {
    let cell = |one: &&ResultSummary| match one.requests.unanswered() {
        None => plain("–".into()),
        Some(0.0) => plain("0%".into()),
        Some(share) => Cell { text: figures::percent(share), style: Style::Alarm },
    };
    ("errors", results.iter().map(cell).collect())
}

fn fairness(results: &[&ResultSummary]) -> Column {
    let text = |one: &&ResultSummary| plain(one.fairness.jain_requests.map_or_else(|| "–".into(), |jain| format!("{jain:.3}")));
    ("fair", results.iter().map(text).collect())
}

fn overloads(results: &[&ResultSummary]) -> Column {
    let cell = |one: &&ResultSummary| match one.overloaded_at_s {
        Some(at) => Cell { text: format!("at {} s", figures::short(at)), style: Style::Alarm },
        None => plain("–".into()),
    };
    ("overloaded", results.iter().map(cell).collect())
}

/// Everyone against the best.
fn against(
    head: &'static str,
    results: &[&ResultSummary],
    pairs: &Pairs<'_>,
    metric: &str,
    value: impl Fn(&ResultSummary) -> Option<f64>,
) -> Column {
    let least = least(results, &value);
    let best = results.iter().find(|one| value(one).is_some() && value(one) == least);
    let cell = |one: &&ResultSummary| match best {
        _ if value(one).is_none() => plain("–".into()),
        Some(best) if best.balancer == one.balancer => Cell { text: "best".into(), style: Style::Best },
        Some(best) => ratio(pairs, &one.balancer, &best.balancer, metric),
        None => plain("–".into()),
    };
    (head, results.iter().map(cell).collect())
}

fn ratio(pairs: &Pairs<'_>, one: &str, best: &str, metric: &str) -> Cell {
    let (found, turned) = match pairs.get(&(one, best, metric)) {
        Some(found) => (Some(found), false),
        None => (pairs.get(&(best, one, metric)), true),
    };
    let Some((found, value)) = found.and_then(|found| Some((found, found.ratio?))) else { return plain("–".into()) };
    let (value, bounds) =
        if turned { (1.0 / value, found.ratio_ci95.map(|[low, high]| [1.0 / high, 1.0 / low])) } else { (value, found.ratio_ci95) };
    let text = figures::ratio(value, bounds);
    match found.verdict {
        Verdict::Same => Cell { text: "same".into(), style: Style::Faint },
        Verdict::CannotTell => Cell { text: format!("~ {text}"), style: Style::Faint },
        Verdict::Better | Verdict::Worse => Cell { text, style: if value > 1.0 { Style::Worse } else { Style::Best } },
    }
}
