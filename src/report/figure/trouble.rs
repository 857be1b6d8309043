//! What failed and why, and how long it took to get over each fault.

use super::axis::{Axis, Unit};
use super::bars::{Bars, Row};
use super::cast::{Cast, Role};
use super::words::{self, s};
use super::{Drawing, Figure, Table, Topic};
use crate::measure::summary::FaultSummary;
use crate::report::figures::percent;

const CAUSES: [&str; 6] = ["timeout", "refused", "error", "crashed", "no backend", "shed"];

pub(super) fn figures(cast: &Cast<'_>) -> Vec<Figure> {
    failures(cast).into_iter().chain(recovery(cast)).collect()
}

/// The share of offered requests that failed, by cause.
fn causes(role: &Role<'_>) -> [f64; 6] {
    let errors = &role.result.requests.errors;
    let all = role.result.requests.offered.max(1) as f64;
    [errors.timeout, errors.refused, errors.error, errors.crashed, errors.no_backend, errors.shed].map(|count| count as f64 / all)
}

fn failures(cast: &Cast<'_>) -> Option<Figure> {
    let failed = |role: &Role<'_>| causes(role).iter().sum::<f64>();
    let [(best, least), (worst, most)] = cast.extremes(|role| Some(failed(role)))?;
    if most == 0.0 {
        return None;
    }
    let (cause, _) = causes(&worst).into_iter().enumerate().reduce(|one, other| if other.1 > one.1 { other } else { one })?;
    let other = if best.series == worst.series { String::new() } else { format!("; {} with {}", percent(least), best.name()) };
    let title = format!("{} of requests fail with {}, most as \u{201c}{}\u{201d}{other}", percent(most), worst.name(), CAUSES[cause]);
    let row = |role: &Role<'_>| Row {
        series: Some(role.series),
        name: role.result.balancer.clone(),
        parts: causes(role).to_vec(),
        end: percent(failed(role)),
    };
    let rows: Vec<Row> = cast.roles.iter().map(row).collect();
    let cells = |role: &Role<'_>| (Some(role.series), std::iter::once(role.name()).chain(causes(role).map(percent)).collect());
    Some(Figure {
        name: cast.file("failures-by-cause"),
        finding: format!("{title}."),
        title,
        caption: "Of all requests that arrived, those that failed, by the cause of their last attempt.".into(),
        variant: cast.variant.map(str::to_owned),
        topic: Topic::Trouble,
        table: Table {
            columns: vec![],
            head: std::iter::once("balancer").chain(CAUSES).map(str::to_owned).collect(),
            rows: cast.roles.iter().map(cells).collect(),
        },
        drawing: Drawing::Bars(Bars {
            axis: Axis::from_zero("Share of offered requests", Unit::Share, cast.roles.iter().map(failed)),
            parts: CAUSES.to_vec(),
            rows,
        }),
        slots: cast.slots.clone(),
        series: None,
    })
}

fn recovery(cast: &Cast<'_>) -> Option<Figure> {
    let first = cast.roles.first()?;
    let mut rows = Vec::new();
    for (number, fault) in first.result.faults.iter().enumerate().filter(|(_, fault)| fault.occurrences > 0) {
        rows.push(Row { name: format!("{} {}", number + 1, words::name(&fault.name)), ..Row::default() });
        rows.extend(cast.roles.iter().filter_map(|role| Some(row(role, role.result.faults.get(number)?))));
    }
    let title = claim(cast)?;
    let axis = Axis::from_zero("Time since the fault began", Unit::S, rows.iter().map(|row| row.parts.iter().sum()));
    let cells = |role: &Role<'_>, fault: &FaultSummary| {
        let said = |value: Option<f64>| words::or_dash(value, s);
        (
            Some(role.series),
            vec![
                words::name(&fault.name),
                role.name(),
                said(fault.detect_s),
                said(fault.recover_s),
                words::or_dash(fault.recovered, percent),
            ],
        )
    };
    let table = cast.roles.iter().flat_map(|role| role.result.faults.iter().map(move |fault| cells(role, fault))).collect();
    Some(Figure {
        name: cast.file("recovery"),
        finding: format!("{title}."),
        title,
        caption: "From the beginning of each fault until a balancer stopped using what it hit, and until latency and errors were back where they were before. Means over its \
                  occurrences."
            .into(),
        variant: cast.variant.map(str::to_owned),
        topic: Topic::Trouble,
        table: Table { columns: vec![], head: ["fault", "balancer", "noticed after", "back after", "back in"].map(str::to_owned).to_vec(), rows: table },
        drawing: Drawing::Bars(Bars { axis, parts: vec!["until noticed", "until back"], rows }),
        slots: cast.slots.clone(),
        series: None,
    })
}

fn row(role: &Role<'_>, fault: &FaultSummary) -> Row {
    let (noticed, back) = (fault.detect_s.unwrap_or(0.0), fault.recover_s.unwrap_or(0.0));
    let end = match (fault.recover_s, fault.recovered) {
        (Some(0.0), _) => "never hurt".into(),
        (Some(_), Some(share)) if share < 1.0 => format!("back after {} in {}", s(back), percent(share)),
        (Some(_), _) => format!("back after {}", s(back)),
        (None, Some(_)) => "not back by the end".into(),
        (None, None) => "nothing calm before to compare with".into(),
    };
    let noticed = if fault.recover_s.is_some() { noticed.min(back) } else { noticed };
    Row { series: Some(role.series), name: role.result.balancer.clone(), parts: vec![noticed, (back - noticed).max(0.0)], end }
}

fn claim(cast: &Cast<'_>) -> Option<String> {
    let faults = || {
        cast.roles
            .iter()
            .flat_map(|role| role.result.faults.iter().map(move |fault| (role, fault)))
            .filter(|(_, fault)| fault.occurrences > 0)
    };
    if let Some((role, fault)) = faults().find(|(_, fault)| fault.recovered == Some(0.0)) {
        return Some(format!("{} does not come back after {}", role.name(), words::name(&fault.name)));
    }
    let known = || faults().filter_map(|(role, fault)| Some((role, fault, fault.recover_s?)));
    let (slow, fault, most) = known().reduce(|one, other| if other.2 > one.2 { other } else { one })?;
    let (quick, _, least) =
        known().filter(|(_, other, _)| other.name == fault.name).reduce(|one, other| if other.2 < one.2 { other } else { one })?;
    Some(match slow.series == quick.series {
        true => format!("After {} it takes {} until everything is back", words::name(&fault.name), s(most)),
        false => format!("After {}, {} is back in {}, {} in {}", words::name(&fault.name), quick.name(), s(least), slow.name(), s(most)),
    })
}
