//! Where the time of answered requests went.

use super::axis::{Axis, Unit};
use super::bars::{Bars, Row};
use super::cast::{Cast, Role};
use super::words::{ms, or_dash};
use super::{Drawing, Figure, Table, Topic};
use crate::report::figures::percent;

const PARTS: [&str; 4] = ["queue", "service", "network", "retry"];

fn parts(role: &Role<'_>) -> [Option<f64>; 4] {
    let time = &role.detail.time;
    [time.queue_ms, time.service_ms, time.network_ms, time.retry_ms]
}

pub(super) fn figure(cast: &Cast<'_>) -> Option<Figure> {
    let known: Vec<Role<'_>> = cast.roles.iter().copied().filter(|role| parts(role).iter().any(Option::is_some)).collect();
    let row = |role: &Role<'_>| {
        let parts: Vec<f64> = parts(role).iter().map(|part| part.unwrap_or(0.0).max(0.0)).collect();
        let end = ms(parts.iter().sum());
        Row { series: Some(role.series), name: role.result.balancer.clone(), parts, end }
    };
    let rows: Vec<Row> = known.iter().map(row).collect();
    let title = claim(&known)?;
    let axis = Axis::from_zero("Mean latency of answered requests", Unit::Ms, rows.iter().map(|row| row.parts.iter().sum()));
    Some(Figure {
        name: cast.file("where-the-time-went"),
        finding: format!("{title}."),
        title,
        caption: "Queue: waiting for a worker or for a place. Service: being worked on, calls to other services included. Network: on the way. Retry: attempts before the one \
                  that was answered, and pauses between."
            .into(),
        variant: cast.variant.map(str::to_owned),
        topic: Topic::Spent,
        table: table(&known),
        drawing: Drawing::Bars(Bars { axis, parts: PARTS.to_vec(), rows }),
        slots: cast.slots.clone(),
        series: None,
    })
}

fn waiting(role: &Role<'_>) -> Option<f64> {
    let all: f64 = parts(role).iter().flatten().sum();
    parts(role)[0].filter(|_| all > 0.0).map(|queue| queue / all)
}

fn claim(roles: &[Role<'_>]) -> Option<String> {
    let known = || roles.iter().filter_map(|role| Some((role, waiting(role)?)));
    let most = known().reduce(|one, other| if other.1 > one.1 { other } else { one })?;
    let least = known().reduce(|one, other| if other.1 < one.1 { other } else { one })?;
    Some(match most.0.series == least.0.series {
        true => format!("{} of the latency is waiting in queues", percent(most.1)),
        false => format!(
            "{} of the latency is waiting in queues with {}, {} with {}",
            percent(most.1),
            most.0.name(),
            percent(least.1),
            least.0.name()
        ),
    })
}

fn table(roles: &[Role<'_>]) -> Table {
    let row = |role: &Role<'_>| {
        let cells =
            std::iter::once(role.name()).chain(parts(role).map(|part| or_dash(part, ms))).chain([or_dash(role.result.latency_ms.mean, ms)]);
        (Some(role.series), cells.collect())
    };
    let head = std::iter::once("balancer").chain(PARTS).chain(["mean latency"]);
    Table { head: head.map(str::to_owned).collect(), rows: roles.iter().map(row).collect(), columns: vec![] }
}
