//! Latency by percentile: who is slow how often.

use super::axis::{Axis, Unit};
use super::cast::{Cast, Role};
use super::lines::{Line, Lines};
use super::words::{ms, or_dash};
use super::{Drawing, Figure, Table, Topic};
use crate::measure::compare::Verdict;
use crate::measure::detail::Percentile;

/// What the table says.
const SHARES: [(f64, &str); 9] = [
    (0.0, "least"),
    (0.5, "p50"),
    (0.75, "p75"),
    (0.9, "p90"),
    (0.95, "p95"),
    (0.99, "p99"),
    (0.999, "p99.9"),
    (0.9999, "p99.99"),
    (0.999_99, "p99.999"),
];
/// What is quicker than this share of somebody's requests is not drawn: the one request that took nothing would have the axis to itself.
const LOWEST: f64 = 0.1;
/// With fewer beyond, a percentile is hardly known.
const ENOUGH: u64 = 10;

pub(super) fn figure(cast: &Cast<'_>) -> Option<Figure> {
    let known: Vec<&Role<'_>> = cast.roles.iter().filter(|role| role.detail.percentiles.len() > 1).collect();
    let low = known
        .iter()
        .filter_map(|role| role.detail.percentiles.iter().find(|point| point.share >= LOWEST))
        .map(|point| point.ms)
        .fold(f64::INFINITY, f64::min);
    let lines: Vec<Line> = known.into_iter().map(|role| line(role, low)).collect();
    if lines.is_empty() {
        return None;
    }
    let most = lines.iter().filter_map(|line| line.points.last()).map(|point| point.0).fold(0.0, f64::max);
    let y = Axis::log("Latency", Unit::Ms, lines.iter().flat_map(|line| line.points.iter().filter_map(|point| point.1)));
    let title = claim(cast);
    let finding = format!("{title}. {}", finding(cast));
    Some(Figure {
        name: cast.file("latency-by-percentile"),
        title,
        finding,
        caption: "Read it from left to right: of all answered requests, the share below was at most this slow. Every step to the right is ten times rarer. \
                  Bands are 95% intervals; the pale dots at the end are percentiles with fewer than ten requests beyond them, which are hardly known."
            .into(),
        variant: cast.variant.map(str::to_owned),
        topic: Topic::Percentiles,
        table: table(cast),
        drawing: Drawing::Lines(Lines { x: Axis::nines("Share of answered requests that were as fast or faster", most), y, lines, spans: Vec::new(), even: None, height: 400 }),
        slots: cast.slots.clone(),
        series: None,
    })
}

fn line(role: &Role<'_>, low: f64) -> Line {
    let shown: Vec<&Percentile> =
        role.detail.percentiles.iter().filter(|point| point.share < 1.0 && point.ms >= low && point.ms > 0.0).collect();
    let band = |point: &&Percentile| point.ci95_ms.map(|half| [(point.ms - half).max(point.ms * 1e-3), point.ms + half]);
    Line {
        series: role.series,
        name: role.result.balancer.clone(),
        sure: shown.iter().position(|point| point.beyond < ENOUGH).unwrap_or(shown.len()),
        points: shown.iter().map(|point| (point.share, Some(point.ms))).collect(),
        band: shown.iter().map(band).collect(),
    }
}

/// `least-connections keeps p99 at 41 ms; round-robin needs 512 ms`.
fn claim(cast: &Cast<'_>) -> String {
    let p99 = |role: &Role<'_>| role.result.latency_ms.p99;
    let sound = cast.sound();
    let best = sound.iter().filter_map(|role| Some((*role, p99(role)?))).reduce(|one, other| if other.1 < one.1 { other } else { one });
    let Some([_, (worst, most)]) = cast.extremes(p99) else { return "No request was answered".into() };
    let Some((best, least)) = best else { return "No request was answered".into() };
    if best.series == worst.series && cast.roles.len() > 1 {
        return format!("p99 is {} with every balancer", ms(least));
    }
    if best.series == worst.series {
        return format!("{} answers 99% of requests within {}", best.name(), ms(least));
    }
    if told_apart(cast, &best, &worst) == Some(false) {
        return format!("p99 is {} to {}: no difference that can be told", ms(least), ms(most));
    }
    let overloaded = if worst.result.overloaded_at_s.is_some() { " and rising: it is overloaded" } else { "" };
    format!("{} keeps p99 at {}; {} needs {}{overloaded}", best.name(), ms(least), worst.name(), ms(most))
}

/// Whether the comparison of two says which is better, if there is one.
fn told_apart(cast: &Cast<'_>, one: &Role<'_>, other: &Role<'_>) -> Option<bool> {
    let names = |a: &str, b: &str| {
        (a == one.result.balancer && b == other.result.balancer) || (a == other.result.balancer && b == one.result.balancer)
    };
    let found = cast.summary.comparisons.iter().find(|found| {
        found.metric == "latency.p99"
            && names(&found.balancer, &found.than)
            && found.variant.as_deref() == cast.variant
            && found.than_variant == found.variant
    });
    found.filter(|found| found.p_value.is_some()).map(|found| matches!(found.verdict, Verdict::Better | Verdict::Worse))
}

fn finding(cast: &Cast<'_>) -> String {
    let said = cast.roles.iter().take(7).map(|role| {
        let latency = &role.result.latency_ms;
        format!("{}: median {}, p99 {}", role.name(), or_dash(latency.p50, ms), or_dash(latency.p99, ms))
    });
    said.collect::<Vec<_>>().join("; ") + "."
}

fn table(cast: &Cast<'_>) -> Table {
    let head = std::iter::once("balancer").chain(SHARES.map(|(_, name)| name)).chain(["most"]);
    let row = |role: &Role<'_>| {
        let at = |share: f64| {
            let curve = &role.detail.percentiles;
            let found = curve.iter().find(|point| point.share >= share - 1e-9).filter(|point| share == 0.0 || point.share < 1.0);
            let mark = |point: &Percentile| if point.beyond < ENOUGH { " ?" } else { "" };
            found.map_or_else(|| "–".into(), |point| ms(point.ms) + mark(point))
        };
        let most = or_dash(role.result.latency_ms.max, ms);
        let least = or_dash(role.result.latency_ms.min, ms);
        let cells = std::iter::once(role.name()).chain([least]).chain(SHARES[1..].iter().map(|(share, _)| at(*share)));
        (Some(role.series), cells.chain([most]).collect())
    };
    Table { head: head.map(str::to_owned).collect(), rows: cast.roles.iter().map(row).collect(), columns: vec![] }
}
