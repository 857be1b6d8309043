//! How many requests a look at a backend finds there.

use super::axis::{Axis, Unit};
use super::cast::{Cast, Role};
use super::lines::{Line, Lines};
use super::{Drawing, Figure, Table, Topic};
use crate::report::figures::percent;

/// A rarer depth is left out: the axis would be all about what hardly happens.
const RAREST: f64 = 1e-6;

pub(super) fn figure(cast: &Cast<'_>) -> Option<Figure> {
    let known: Vec<Role<'_>> = cast.roles.iter().copied().filter(|role| role.detail.looks > 0 && role.detail.depth.len() > 1).collect();
    let lines: Vec<Line> = known.iter().map(line).collect();
    let deepest =
        lines.iter().filter_map(|line| line.points.iter().rev().find(|point| point.1.is_some())).map(|point| point.0).fold(1.0, f64::max);
    let title = claim(&known)?;
    let y = Axis::log("Share of looks", Unit::Share, lines.iter().flat_map(|line| line.points.iter().filter_map(|point| point.1)));
    Some(Figure {
        name: cast.file("queue-depth"),
        finding: format!("{title}."),
        title,
        caption: format!(
            "Every backend is looked at after every window: how often so many requests were there, in service or waiting. The last point of a line that reaches {} stands \
             for that many or more.",
            known.iter().map(|role| role.detail.depth.len() - 1).max().unwrap_or(0)
        ),
        variant: cast.variant.map(str::to_owned),
        topic: Topic::Depth,
        table: table(&known),
        drawing: Drawing::Lines(Lines {
            x: Axis::between("Requests at the backend", Unit::Number, 0.0, deepest),
            y,
            lines,
            spans: Vec::new(),
            even: None,
            height: 320,
        }),
        slots: cast.slots.clone(),
        series: None,
    })
}

fn line(role: &Role<'_>) -> Line {
    let points: Vec<(f64, Option<f64>)> =
        role.detail.depth.iter().enumerate().map(|(depth, &share)| (depth as f64, Some(share).filter(|&share| share >= RAREST))).collect();
    Line { series: role.series, name: role.result.balancer.clone(), sure: points.len(), band: Vec::new(), points }
}

fn more_than(role: &Role<'_>, depth: usize) -> f64 {
    role.detail.depth.iter().skip(depth + 1).sum()
}

/// At the depth that tells the balancers apart best among a few round ones.
fn claim(roles: &[Role<'_>]) -> Option<String> {
    let spread = |&depth: &usize| {
        let most = roles.iter().map(|role| more_than(role, depth)).fold(0.0, f64::max);
        let least = roles.iter().map(|role| more_than(role, depth)).fold(1.0, f64::min);
        most - least
    };
    let depth = [1, 2, 5, 10, 20].into_iter().reduce(|one, other| if spread(&other) > spread(&one) { other } else { one })?;
    let most = roles.iter().reduce(|one, other| if more_than(other, depth) > more_than(one, depth) { other } else { one })?;
    let least = roles.iter().reduce(|one, other| if more_than(other, depth) < more_than(one, depth) { other } else { one })?;
    let share = |role: &Role<'_>| percent(more_than(role, depth));
    Some(match most.series == least.series {
        true => format!("In {} of looks a backend holds more than {depth}", share(most)),
        false => format!(
            "In {} of looks a backend holds more than {depth} with {}, in {} with {}",
            share(most),
            most.name(),
            share(least),
            least.name()
        ),
    })
}

fn table(roles: &[Role<'_>]) -> Table {
    let depths = [0, 1, 2, 3, 5, 10, 20, 50];
    let head = std::iter::once("balancer".to_owned())
        .chain(depths.iter().map(|depth| if *depth == 0 { "idle".into() } else { format!("{depth} or more") }));
    let share = |role: &Role<'_>, depth: usize| {
        if depth == 0 { role.detail.depth.first().copied().unwrap_or(0.0) } else { more_than(role, depth - 1) }
    };
    let row = |role: &Role<'_>| {
        (Some(role.series), std::iter::once(role.name()).chain(depths.iter().map(|&depth| percent(share(role, depth)))).collect())
    };
    Table { head: head.collect(), rows: roles.iter().map(row).collect(), columns: vec![] }
}
