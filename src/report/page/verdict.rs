//! The answer in a sentence, and in a word how sure it is.

use super::Side;
use crate::measure::compare::{Comparison, Verdict};
use crate::measure::summary::{Summary, VerdictSummary};
use crate::report::figure::words::{and, ms, name, or_dash, s};
use crate::report::figure::{Cast, Player};
use crate::report::figures::{percent, with_interval};
use crate::report::neutral::html;

/// How a verdict looks: its word says the same.
struct Said {
    class: &'static str,
    word: &'static str,
    text: String,
}

pub(super) fn section(sides: &[Side<'_>]) -> String {
    let mut text = String::new();
    for side in sides {
        for cast in &side.casts {
            let said = said(cast);
            text += &super::part(side, cast.variant);
            text +=
                &format!("<p class=\"verdict {}\"><strong class=\"word\">{}</strong> {}</p>\n", said.class, said.word, html(&said.text));
        }
    }
    text.extend(sides.iter().map(rules));
    if text.is_empty() {
        text += "<p class=\"verdict bad\"><strong class=\"word\">Nothing</strong> Nothing was measured.</p>\n";
    }
    super::section("verdict", "The answer", &text)
}

/// What a gate said of its rules.
fn rules(side: &Side<'_>) -> String {
    let one = |found: &VerdictSummary| {
        let (mark, class) = match found.verdict.as_str() {
            "held" => ("✓", "held"),
            "failed" => ("✗", "alarm"),
            _ => ("?", "open"),
        };
        let variant = found.variant.as_deref().map(|variant| format!(" ({})", name(variant))).unwrap_or_default();
        let value = with_interval(found.value, found.ci95.map(|[low, high]| (high - low) / 2.0));
        let said = format!("{mark} {}: {}, {}{variant}: {value}", name(&found.verdict), name(&found.rule), name(&found.balancer));
        format!("<li class=\"{class}\">{}</li>\n", html(&said))
    };
    let all: String = side.shown.summary.verdicts.iter().map(one).collect();
    if all.is_empty() { all } else { format!("<h3 class=\"part\">Rules</h3>\n<ul class=\"did\">\n{all}</ul>\n") }
}

/// One against another by a metric: the one as a multiple of the other, its interval, the verdict from the one's side.
pub(super) fn between(
    summary: &Summary,
    variant: Option<&str>,
    one: &str,
    other: &str,
    metric: &str,
) -> Option<(Option<f64>, Option<[f64; 2]>, Verdict)> {
    let is = |found: &&Comparison, a: &str, b: &str| {
        found.metric == metric
            && found.balancer == a
            && found.than == b
            && found.variant.as_deref() == variant
            && found.than_variant == found.variant
    };
    if let Some(found) = summary.comparisons.iter().find(|found| is(found, one, other)) {
        return Some((found.ratio, found.ratio_ci95, found.verdict));
    }
    let found = summary.comparisons.iter().find(|found| is(found, other, one))?;
    let verdict = match found.verdict {
        Verdict::Better => Verdict::Worse,
        Verdict::Worse => Verdict::Better,
        same => same,
    };
    Some((found.ratio.map(|ratio| 1.0 / ratio), found.ratio_ci95.map(|[low, high]| [1.0 / high, 1.0 / low]), verdict))
}

fn said(cast: &Cast<'_>) -> Said {
    let p99 = |role: &Player<'_>| role.result.latency_ms.p99;
    let sound = cast.sound();
    let best = sound.iter().filter_map(|role| Some((*role, p99(role)?))).reduce(|one, other| if other.1 < one.1 { other } else { one });
    let Some((best, least)) = best else {
        if cast.roles.iter().all(|role| role.result.requests.offered == 0) {
            return Said { class: "bad", word: "Nothing", text: "No request arrived after the warm-up, so nothing was measured.".into() };
        }
        return Said { class: "bad", word: "Failed", text: "No request was answered, so there are no latencies to compare.".into() };
    };
    let mut rivals: Vec<Player<'_>> = sound.iter().copied().filter(|role| role.series != best.series && p99(role).is_some()).collect();
    rivals.sort_by(|one, other| p99(one).unwrap_or(0.0).total_cmp(&p99(other).unwrap_or(0.0)));
    let against = |role: &Player<'_>| between(cast.summary, cast.variant, &best.result.balancer, &role.result.balancer, "latency.p99");
    let is_beaten = |role: &&Player<'_>| against(role).is_some_and(|(_, _, verdict)| verdict == Verdict::Better);
    let beaten: Vec<&Player<'_>> = rivals.iter().filter(is_beaten).collect();
    let level: Vec<&Player<'_>> = rivals.iter().filter(|role| !is_beaten(role)).collect();
    let same = !level.is_empty() && level.iter().all(|role| against(role).is_some_and(|(_, _, verdict)| verdict == Verdict::Same));
    let mut text = tail(&best, least, &beaten, &level, same, |role| lead(against(role)));
    text += &errors(cast, &best);
    text += &overloads(cast);
    text += &replications(cast.summary.scenario.replications);
    let (class, word) = light(cast, &best, &level, same);
    Said { class, word, text }
}

/// `, 61% [57%, 64%] below`.
fn lead(found: Option<(Option<f64>, Option<[f64; 2]>, Verdict)>) -> String {
    let Some((Some(ratio), bounds, _)) = found else { return "below".into() };
    let part = |ratio: f64| format!("{:.0}%", 100.0 * (1.0 - ratio));
    let bounds = bounds.map(|[low, high]| format!(" [{}, {}]", part(high), part(low))).unwrap_or_default();
    format!("{}{bounds} below", part(ratio))
}

fn tail(
    best: &Player<'_>,
    least: f64,
    beaten: &[&Player<'_>],
    level: &[&Player<'_>],
    same: bool,
    lead: impl Fn(&Player<'_>) -> String,
) -> String {
    let names = |roles: &[&Player<'_>]| and(&roles.iter().map(|role| role.name()).collect::<Vec<_>>());
    let value = |role: &Player<'_>| or_dash(role.result.latency_ms.p99, ms);
    let least = match best.result.latency_ms_ci95.p99 {
        Some(half) if least < 9999.5 => format!("{} ms", with_interval(Some(least), Some(half))),
        _ => ms(least),
    };
    match (beaten, level) {
        ([], []) => format!("{} answers 99% of requests within {}.", best.name(), least),
        ([next, rest @ ..], []) => {
            let last = rest.last().map(|last| format!(", and {} {}'s {}", lead(last), last.name(), value(last))).unwrap_or_default();
            format!("{} has the shortest tail: a p99 of {}, {} {}'s {}{last}.", best.name(), least, lead(next), next.name(), value(next))
        }
        (beaten, level) => {
            let how = if same { "are equal by" } else { "cannot be told apart by" };
            let most = level.last().map(|role| value(role)).filter(|_| !same);
            let values = most.map_or_else(|| least.clone(), |most| format!("{least} to {most}"));
            format!("{} and {} {how} p99 ({values}).{}", best.name(), names(level), ahead(beaten, level.len()))
        }
    }
}

/// ` Both are ahead of p2c, whose p99 is 109 ms.`
fn ahead(beaten: &[&Player<'_>], level: usize) -> String {
    let Some(next) = beaten.first() else { return String::new() };
    let (who, least) = (if level == 1 { "Both" } else { "All of them" }, if beaten.len() == 1 { "" } else { "at least " });
    let names = and(&beaten.iter().map(|role| role.name()).collect::<Vec<_>>());
    format!(" {who} are ahead of {names}, whose p99 is {least}{}.", or_dash(next.result.latency_ms.p99, ms))
}

fn errors(cast: &Cast<'_>, best: &Player<'_>) -> String {
    let failed = |role: &Player<'_>| role.result.requests.unanswered().unwrap_or(0.0);
    let Some([(fewest, least), (_, most)]) = cast.extremes(|role| Some(failed(role))) else { return String::new() };
    if most <= 0.0 {
        return " No request failed.".into();
    }
    let own = failed(best);
    let more = between(cast.summary, cast.variant, &best.result.balancer, &fewest.result.balancer, "success_rate");
    match more {
        Some((.., Verdict::Worse)) => {
            format!(" But with {} {} of requests fail, against {} with {}.", best.name(), percent(own), percent(least), fewest.name())
        }
        _ if least == most || cast.roles.len() == 1 => format!(" {} of requests fail.", percent(own)),
        _ => format!(
            " With {} {} of requests fail; over all balancers from {} to {}.",
            best.name(),
            percent(own),
            percent(least),
            percent(most)
        ),
    }
}

fn overloads(cast: &Cast<'_>) -> String {
    let over = |role: &Player<'_>| Some(format!("{} (from {})", role.name(), s(role.result.overloaded_at_s?)));
    let names: Vec<String> = cast.roles.iter().filter_map(over).collect();
    if names.is_empty() { String::new() } else { format!(" Overloaded, with a backlog that grows without end: {}.", and(&names)) }
}

fn replications(count: u32) -> String {
    match count {
        1 => " One replication: how much of this is chance cannot be said.".into(),
        count => format!(" {count} replications, 95% intervals in brackets."),
    }
}

fn light(cast: &Cast<'_>, best: &Player<'_>, level: &[&Player<'_>], same: bool) -> (&'static str, &'static str) {
    let worse = |role: &Player<'_>| {
        let found = between(cast.summary, cast.variant, &best.result.balancer, &role.result.balancer, "success_rate");
        role.series != best.series && found.is_some_and(|(.., verdict)| verdict == Verdict::Worse)
    };
    match () {
        () if best.result.overloaded_at_s.is_some() => ("bad", "Overloaded"),
        () if cast.summary.scenario.replications < 2 => ("fair", "Uncertain"),
        () if cast.roles.iter().any(worse) => ("fair", "Trade-off"),
        () if same => ("good", "A tie"),
        () if !level.is_empty() => ("fair", "Too close to call"),
        () if cast.roles.len() == 1 => ("good", "Measured"),
        () => ("good", "Clear"),
    }
}

/// The sides of a page by name, for sentences.
pub(super) fn names(sides: &[Side<'_>]) -> Vec<String> {
    sides.iter().map(|side| side.shown.name.map_or_else(|| format!("result {}", side.number + 1), name)).collect()
}
