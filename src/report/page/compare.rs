//! The comparison in numbers: a row for each balancer, intervals as small bars, the best marked.

use super::verdict::between;
use super::{Side, swatch};
use crate::measure::compare::{Comparison, Verdict};
use crate::measure::summary::ResultSummary;
use crate::report::figure::words::name;
use crate::report::figure::{Cast, Player, Table, palette};
use crate::report::figures::{percent, ratio, short, with_interval};
use crate::report::neutral::html;

/// A column of latencies: its head, the metric by which it is compared if it is, the value, half its interval.
type Latency = (&'static str, Option<&'static str>, fn(&ResultSummary) -> Option<f64>, fn(&ResultSummary) -> Option<f64>);

const LATENCIES: [Latency; 5] = [
    ("p50", Some("latency.p50"), |one| one.latency_ms.p50, |one| one.latency_ms_ci95.p50),
    ("p90", None, |one| one.latency_ms.p90, |one| one.latency_ms_ci95.p90),
    ("p99", Some("latency.p99"), |one| one.latency_ms.p99, |one| one.latency_ms_ci95.p99),
    ("p99.9", None, |one| one.latency_ms.p99_9, |one| one.latency_ms_ci95.p99_9),
    ("max", None, |one| one.latency_ms.max, |_| None),
];

pub(super) fn section(sides: &[Side<'_>]) -> String {
    let mut text = String::new();
    for side in sides {
        for cast in &side.casts {
            text += &super::part(side, cast.variant);
            text += &super::scrolling("Comparison of balancers", &table(cast));
        }
    }
    if text.is_empty() {
        return text;
    }
    text.extend(sides.iter().map(variants));
    text += "<p class=\"note\">Latencies in milliseconds, ± half a 95% interval; the small bars show it on a scale from 0 to the greatest of the column (of balancers that keep up). \u{2605} the best of a column, \u{2248} what cannot be told from it (of p50 and p99, which are compared). \
             \u{201c}p99 against the best\u{201d} is paired on the same requests; ~ means: cannot tell, the difference may be chance. Fair: Jain's index of requests ÷ capacity, 1 is even.</p>\n";
    super::section("comparison", "The comparison", &text)
}

/// Each balancer in each variant against itself in the first.
fn variants(side: &Side<'_>) -> String {
    let Some(first) = side.casts.first().and_then(|cast| cast.variant) else { return String::new() };
    let comparisons = &side.shown.summary.comparisons;
    let found = |role: &Player<'_>, variant: &str, metric: &str| {
        let is = |one: &&Comparison| {
            one.metric == metric
                && one.balancer == role.result.balancer
                && one.than == one.balancer
                && one.variant.as_deref() == Some(variant)
        };
        comparisons.iter().filter(is).find(|one| one.than_variant.as_deref() == Some(first))
    };
    let mut rows = Vec::new();
    for cast in side.casts.iter().skip(1) {
        let Some(variant) = cast.variant else { continue };
        for role in &cast.roles {
            let said = |metric: &str| found(role, variant, metric).map_or_else(|| "–".into(), multiple);
            rows.push((
                Some(role.series),
                vec![name(variant), role.name(), said("latency.p50"), said("latency.p99"), said("success_rate")],
            ));
        }
    }
    let head = ["variant", "balancer", "p50", "p99", "answered"].map(str::to_owned).to_vec();
    if rows.is_empty() {
        return String::new();
    }
    let heading = format!("Against \u{201c}{}\u{201d}", name(first));
    let table = super::charts::table(&Table { head, rows, columns: vec![] });
    format!("<h3 class=\"part\">{}</h3>\n{}", html(&heading), super::scrolling(&heading, &table))
}

/// To hundredths, and never a zero with a minus.
fn rounded(points: f64) -> f64 {
    (points * 100.0).round() / 100.0 + 0.0
}

/// `1.42x ±0.03, worse`.
fn multiple(found: &Comparison) -> String {
    match (found.ratio, found.verdict) {
        (_, Verdict::Same) => "same".into(),
        // Of shares it is the difference that is seen.
        (_, verdict) if found.metric == "success_rate" => {
            let points = found.difference.map(|points| format!("{:+.2} points, ", rounded(100.0 * points))).unwrap_or_default();
            format!("{points}{}", verdict.name())
        }
        (Some(value), verdict) => format!("{}, {}", ratio(value, found.ratio_ci95), verdict.name()),
        (None, verdict) => verdict.name().into(),
    }
}

fn table(cast: &Cast<'_>) -> String {
    let mut head = String::from("<th scope=\"col\">balancer</th>");
    head.extend(LATENCIES.iter().map(|(name, ..)| format!("<th scope=\"col\">{name}</th>")));
    head.extend(["p99 against the best", "errors", "goodput", "fair"].map(|name| format!("<th scope=\"col\">{name}</th>")));
    if any_overloaded(cast) {
        head += "<th scope=\"col\">overload</th>";
    }
    let rows: String = cast.roles.iter().map(|role| row(cast, role)).collect();
    format!("<table class=\"compare\">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>")
}

fn any_overloaded(cast: &Cast<'_>) -> bool {
    cast.roles.iter().any(|role| role.result.overloaded_at_s.is_some())
}

fn row(cast: &Cast<'_>, role: &Player<'_>) -> String {
    let mut cells = format!("<th scope=\"row\">{}{}</th>", swatch(palette::slot(&cast.slots, role.series)), html(&role.name()));
    for column in LATENCIES {
        cells += &latency(cast, role, column);
    }
    cells += &against(cast, role);
    let share = |one: &ResultSummary| one.requests.unanswered().unwrap_or(0.0);
    let failed = share(role.result);
    let fewest = extreme(cast, |one| Some(-share(one)));
    cells += &plain(&percent(failed), fewest == Some(-failed), failed > 0.0);
    let goodput = role.result.goodput_rps;
    cells += &plain(
        &goodput.map_or_else(|| "–".into(), |rate| format!("{}/s", short(rate))),
        goodput.is_some() && goodput == extreme(cast, |one| one.goodput_rps),
        false,
    );
    // Who answers nothing is evenly bad.
    let fair_of = |one: &ResultSummary| one.fairness.jain_requests.filter(|_| one.requests.succeeded > 0);
    let fair = role.result.fairness.jain_requests;
    cells += &plain(
        &fair.map_or_else(|| "–".into(), |fair| format!("{fair:.3}")),
        fair_of(role.result).is_some() && fair == extreme(cast, fair_of),
        false,
    );
    let over = role.result.overloaded_at_s;
    if any_overloaded(cast) {
        cells += &plain(&over.map_or_else(|| "no".into(), |at| format!("from {} s", short(at))), false, over.is_some());
    }
    format!("<tr data-series=\"{}\">{cells}</tr>\n", role.series)
}

/// The greatest of what sound balancers have, where it is not the same for all.
fn extreme(cast: &Cast<'_>, value: impl Fn(&ResultSummary) -> Option<f64>) -> Option<f64> {
    let all: Vec<f64> = cast.sound().iter().filter_map(|role| value(role.result)).collect();
    let most = all.iter().copied().reduce(f64::max)?;
    (cast.roles.len() > 1 && all.iter().any(|&value| value < most)).then_some(most)
}

fn latency(cast: &Cast<'_>, role: &Player<'_>, (_, metric, value, half): Latency) -> String {
    let (own, own_half) = (value(role.result), half(role.result));
    let least = extreme(cast, |one| value(one).map(|value| -value)).map(|value| -value);
    let most = cast.sound().iter().filter_map(|role| Some(value(role.result)? + half(role.result).unwrap_or(0.0))).fold(0.0, f64::max);
    let bar = own.filter(|_| most > 0.0).map(|own| interval(own / most, own_half.map_or(0.0, |half| half / most))).unwrap_or_default();
    let best = cast.sound().into_iter().find(|one| least.is_some() && value(one.result) == least);
    let is_level = best.zip(metric).filter(|(best, _)| best.series != role.series && own != least).is_some_and(|(best, metric)| {
        let found = between(cast.summary, cast.variant, &role.result.balancer, &best.result.balancer, metric);
        found.is_some_and(|(.., verdict)| matches!(verdict, Verdict::CannotTell | Verdict::Same))
    });
    let text = with_interval(own, own_half) + if is_level { " ≈" } else { "" };
    cell(&text, own.is_some() && least == own, false, &bar)
}

/// A value on a short scale, with its interval.
fn interval(at: f64, half: f64) -> String {
    let x = |part: f64| 2.0 + 76.0 * part.clamp(0.0, 1.0);
    format!(
        "<svg class=\"ci\" viewBox=\"0 0 80 8\" width=\"80\" height=\"8\" aria-hidden=\"true\"><path class=\"axis\" d=\"M2 4h76\"/>\
         <path class=\"span\" d=\"M{:.1} 4H{:.1}\"/><path class=\"dot\" d=\"M{:.1} 1v6\"/></svg>",
        x(at - half),
        x(at + half),
        x(at)
    )
}

fn plain(text: &str, is_best: bool, is_alarming: bool) -> String {
    cell(text, is_best, is_alarming, "")
}

fn cell(text: &str, is_best: bool, is_alarming: bool, after: &str) -> String {
    let text = html(text);
    match (is_best, is_alarming) {
        (true, _) => format!("<td class=\"best\"><strong>{text} <abbr title=\"the best of its column\">★</abbr></strong>{after}</td>"),
        (false, true) => format!("<td class=\"alarm\">{text}{after}</td>"),
        (false, false) => format!("<td>{text}{after}</td>"),
    }
}

fn against(cast: &Cast<'_>, role: &Player<'_>) -> String {
    let p99 = |role: &Player<'_>| role.result.latency_ms.p99;
    let best = cast
        .sound()
        .into_iter()
        .filter_map(|role| Some((role, p99(&role)?)))
        .reduce(|one, other| if other.1 < one.1 { other } else { one });
    let Some((best, _)) = best.filter(|_| p99(role).is_some() && cast.roles.len() > 1) else { return plain("–", false, false) };
    if best.series == role.series {
        return plain("best", true, false);
    }
    match between(cast.summary, cast.variant, &role.result.balancer, &best.result.balancer, "latency.p99") {
        None | Some((None, ..)) => plain("–", false, false),
        Some((_, _, Verdict::Same)) => plain("same", false, false),
        Some((Some(value), bounds, Verdict::CannotTell)) => plain(&format!("~ {} cannot tell", ratio(value, bounds)), false, false),
        Some((Some(value), bounds, Verdict::Better | Verdict::Worse)) => plain(&ratio(value, bounds), false, false),
    }
}
