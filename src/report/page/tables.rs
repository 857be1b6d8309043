//! The tables at the end: theory, services, classes, keys, backends.

use super::{Side, charts};
use crate::measure::detail::TheoryDetail;
use crate::report::figure::words::{ms, name, or_dash};
use crate::report::figure::{Cast, Player, Table};
use crate::report::figures::{percent, short};

/// Backends that are listed; the rest is in the data files.
const BACKENDS: usize = 200;

pub(super) fn sections(sides: &[Side<'_>]) -> String {
    [
        ("theory", "What theory says", theory as fn(&Cast<'_>) -> Option<Table>, THEORY),
        ("services", "Services", services, ""),
        ("classes", "Classes of requests", classes, ""),
        ("keys", "Keys", keys, "Sticky: the share of requests whose key went to the same backend as before. Moved: of keys before and after backends came or went, those that changed places."),
        ("backends", "Backends", backends, "Of each balancer's requests, the share sent to a backend; how busy its workers were; the 99th percentile of its attempts."),
    ]
    .into_iter()
    .map(|(id, heading, table, note)| section(sides, id, heading, table, note))
    .collect()
}

fn section(sides: &[Side<'_>], id: &str, heading: &str, table: fn(&Cast<'_>) -> Option<Table>, note: &str) -> String {
    let mut text = String::new();
    for side in sides {
        for cast in &side.casts {
            let Some(found) = table(cast) else { continue };
            let drawn = super::scrolling(heading, &charts::table(&found));
            let folded = found.rows.len() > 12;
            let drawn = if folded { format!("<details><summary>{} rows</summary>\n{drawn}</details>\n", found.rows.len()) } else { drawn };
            text += &super::part(side, cast.variant);
            text += &drawn;
        }
    }
    if text.is_empty() {
        return text;
    }
    let note = if note.is_empty() { String::new() } else { format!("<p class=\"note\">{note}</p>\n") };
    text += &note;
    super::section(id, heading, &text)
}

const THEORY: &str = "Where queueing theory has a closed form for exactly this scenario. Off: how far the measured mean is from it, as the normal deviate that is as rare; \
                      beyond 3.9 something would be wrong. At least: nobody can be below that.";

fn theory(cast: &Cast<'_>) -> Option<Table> {
    let row = |role: &Player<'_>| {
        let (series, balancer) = (role.series, role.name());
        let one = move |row: &TheoryDetail| {
            let value = |value: f64| if row.metric == "wait_share" { percent(value) } else { ms(value) };
            let expected = format!("{}{}", if row.is_bound { "at least " } else { "" }, value(row.expected));
            let verdict = match row.holds {
                Some(true) => "✓ agrees",
                Some(false) => "✗ does not agree",
                None => "cannot tell",
            };
            let off = if row.is_bound { "–".into() } else { or_dash(row.z, |z| format!("{z:+.1}")) };
            let cells =
                vec![balancer.clone(), row.metric.clone(), row.model.clone(), expected, or_dash(row.measured, value), off, verdict.into()];
            (Some(series), cells)
        };
        role.detail.theory.iter().map(one).collect::<Vec<_>>()
    };
    let rows: Vec<_> = cast.roles.iter().flat_map(row).collect();
    let head = head(&["balancer", "figure", "model", "theory", "measured", "off", "verdict"]);
    (!rows.is_empty()).then_some(Table { head, rows, columns: vec![] })
}

fn head(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn services(cast: &Cast<'_>) -> Option<Table> {
    let row = |role: &Player<'_>| {
        let series = role.series;
        let balancer = role.name();
        role.result
            .services
            .iter()
            .map(move |one| {
                let failed = one.failed as f64 / one.requests.max(1) as f64;
                let (p50, p99) = (or_dash(one.latency_ms.p50, ms), or_dash(one.latency_ms.p99, ms));
                let amplification = or_dash(one.amplification, |value| format!("{}×", short(value)));
                (
                    Some(series),
                    vec![
                        balancer.clone(),
                        name(&one.name),
                        one.requests.to_string(),
                        percent(failed),
                        p50,
                        p99,
                        amplification,
                        or_dash(one.critical_share, percent),
                    ],
                )
            })
            .collect::<Vec<_>>()
    };
    let rows: Vec<_> = cast.roles.iter().flat_map(row).collect();
    let head = head(&[
        "balancer",
        "service",
        "requests and calls",
        "failed",
        "p50",
        "p99",
        "attempts per request offered",
        "share of the latency",
    ]);
    (!rows.is_empty()).then_some(Table { head, rows, columns: vec![] })
}

fn classes(cast: &Cast<'_>) -> Option<Table> {
    let row = |role: &Player<'_>| {
        let (series, balancer) = (role.series, role.name());
        let one = move |class: &crate::measure::detail::ClassDetail| {
            let failed = or_dash(class.success_rate, |rate| percent(1.0 - rate));
            let slowdown = or_dash(class.slowdown, |value| format!("{}×", short(value)));
            (
                Some(series),
                vec![
                    balancer.clone(),
                    name(&class.name),
                    class.offered.to_string(),
                    failed,
                    or_dash(class.mean_ms, ms),
                    or_dash(class.p99_ms, ms),
                    slowdown,
                ],
            )
        };
        role.detail.classes.iter().map(one).collect::<Vec<_>>()
    };
    let rows: Vec<_> = cast.roles.iter().flat_map(row).collect();
    let head = head(&["balancer", "class", "requests", "failed", "mean", "p99", "slowdown"]);
    (!rows.is_empty()).then_some(Table { head, rows, columns: vec![] })
}

fn keys(cast: &Cast<'_>) -> Option<Table> {
    let row = |role: &Player<'_>| {
        let keys = role.detail.keys?;
        Some((Some(role.series), vec![role.name(), or_dash(keys.sticky, percent), or_dash(keys.moved, percent), keys.spread.to_string()]))
    };
    let rows: Vec<_> = cast.roles.iter().filter_map(row).collect();
    let head = head(&["balancer", "sticky", "moved", "most backends of one key"]);
    (!rows.is_empty()).then_some(Table { head, rows, columns: vec![] })
}

/// A row for each backend, three columns for each balancer.
fn backends(cast: &Cast<'_>) -> Option<Table> {
    let first = cast.roles.first()?;
    let mut head = vec!["backend".to_owned()];
    let mut columns = vec![None];
    for role in &cast.roles {
        head.extend(["share", "busy", "p99"].map(|what| format!("{} {what}", role.name())));
        columns.extend([Some(role.series); 3]);
    }
    let row = |at: usize| {
        let cells = cast.roles.iter().flat_map(|role| {
            let backend = role.result.backends.get(at);
            let of = |value: Option<f64>, write: fn(f64) -> String| or_dash(value, write);
            [
                of(backend.and_then(|one| one.share), percent),
                of(backend.and_then(|one| one.utilization), percent),
                of(backend.and_then(|one| one.latency_ms.p99), ms),
            ]
        });
        (None, std::iter::once(name(&first.result.backends[at].name)).chain(cells).collect())
    };
    let count = first.result.backends.len();
    let mut rows: Vec<_> = (0..count.min(BACKENDS)).map(row).collect();
    if count > BACKENDS {
        rows.push((None, vec![format!("and {} more", count - BACKENDS)]));
    }
    (count > 0).then_some(Table { head, rows, columns })
}
