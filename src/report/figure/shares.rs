//! What each backend was sent, beside its fair share: that in proportion to what it can do.

use super::cast::{Cast, Role};
use super::strips::{self, Strip, Strips};
use super::words;
use super::{Drawing, Figure, Table, Topic};
use crate::measure::detail::Setup;
use crate::report::figures::{percent, short};

pub(super) fn figure(cast: &Cast<'_>) -> Option<Figure> {
    let strip = |role: &Role<'_>| {
        let values = relative(role, cast.setup);
        let (at, most) = greatest(&values)?;
        let end = format!("{}: {}×", role.result.backends[at].name, short(most));
        Some(Strip { series: role.series, name: role.result.balancer.clone(), values, end })
    };
    let strips: Vec<Strip> = cast.roles.iter().filter(|role| role.result.backends.len() > 1).filter_map(strip).collect();
    let first = cast.roles.iter().find(|role| role.result.backends.len() > 1)?;
    let names: Vec<String> = first.result.backends.iter().map(|backend| backend.name.clone()).collect();
    let title = claim(&strips, &names)?;
    let together = strips::merged(names.len());
    let merged = if together > 1 { format!(" Each bar is the mean of {together} neighbours.") } else { String::new() };
    Some(Figure {
        name: cast.file("load-per-backend"),
        finding: format!("{title}."),
        title,
        caption: format!(
            "A bar for each backend: what it was sent ÷ its fair share by capacity. The dashed line is 1, a fair share; at the right, the backend with the most.{merged}"
        ),
        variant: cast.variant.map(str::to_owned),
        topic: Topic::Shares,
        table: table(&strips, &names),
        drawing: Drawing::Strips(Strips { strips, names }),
        slots: cast.slots.clone(),
        series: None,
    })
}

fn greatest(values: &[f64]) -> Option<(usize, f64)> {
    values.iter().copied().enumerate().reduce(|one, other| if other.1 > one.1 { other } else { one })
}

/// What each backend was sent ÷ its fair share of what its service was sent.
fn relative(role: &Role<'_>, setup: Option<&Setup>) -> Vec<f64> {
    let sent: Vec<f64> = role.result.backends.iter().map(|backend| backend.requests as f64).collect();
    let mut values = Vec::with_capacity(sent.len());
    for capacities in capacities(setup, sent.len()) {
        let sent = &sent[values.len()..values.len() + capacities.len()];
        let (all, capacity): (f64, f64) = (sent.iter().sum(), capacities.iter().sum());
        let fair = |own: f64| if all > 0.0 && capacity > 0.0 { own / capacity * all } else { 0.0 };
        values.extend(sent.iter().zip(&capacities).map(|(sent, &own)| if fair(own) > 0.0 { sent / fair(own) } else { 0.0 }));
    }
    values
}

/// What each backend can do, service by service; all alike where backends came and went.
fn capacities(setup: Option<&Setup>, count: usize) -> Vec<Vec<f64>> {
    let service = |service: &crate::measure::detail::ServiceSetup| {
        let group =
            |group: &crate::measure::detail::GroupSetup| vec![group.speed * f64::from(group.workers.unwrap_or(1)); group.count as usize];
        service.groups.iter().flat_map(group).collect::<Vec<f64>>()
    };
    let all: Vec<Vec<f64>> = setup.iter().flat_map(|setup| &setup.services).map(service).collect();
    if all.iter().map(Vec::len).sum::<usize>() == count { all } else { vec![vec![1.0; count]] }
}

fn claim(strips: &[Strip], names: &[String]) -> Option<String> {
    let most = strips.iter().filter_map(|strip| Some((strip, greatest(&strip.values)?)));
    let (strip, (at, value)) = most.reduce(|one, other| if other.1.1 > one.1.1 { other } else { one })?;
    Some(match value {
        value if value >= 1.05 => {
            format!("{} sends {} {} times its fair share", words::name(&strip.name), words::name(&names[at]), short(value))
        }
        _ => "Every backend gets its fair share, within 5%, from every balancer".into(),
    })
}

fn table(strips: &[Strip], names: &[String]) -> Table {
    let row = |strip: &Strip| {
        let (most, least) = (
            greatest(&strip.values),
            strip.values.iter().copied().enumerate().reduce(|one, other| if other.1 < one.1 { other } else { one }),
        );
        let said = |found: Option<(usize, f64)>| {
            found.map_or_else(|| "–".into(), |(at, value)| format!("{}× ({})", short(value), words::name(&names[at])))
        };
        let near = strip.values.iter().filter(|value| (0.9..=1.1).contains(*value)).count();
        let near = percent(near as f64 / strip.values.len().max(1) as f64);
        (Some(strip.series), vec![words::name(&strip.name), said(most), said(least), near])
    };
    Table {
        columns: vec![],
        head: ["balancer", "most, × fair share", "least", "backends within 10% of it"].map(str::to_owned).to_vec(),
        rows: strips.iter().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::detail::{GroupSetup, ServiceSetup};

    #[test]
    fn shares_are_fair_by_capacity_within_a_service() {
        let group = |count, speed, workers| GroupSetup { count, speed, workers: Some(workers), ..GroupSetup::default() };
        let service = |groups| ServiceSetup { groups, ..ServiceSetup::default() };
        let setup = Setup {
            services: vec![service(vec![group(1, 1.0, 2), group(2, 0.5, 2)]), service(vec![group(1, 1.0, 1)])],
            ..Setup::default()
        };
        assert_eq!(capacities(Some(&setup), 4), [vec![2.0, 1.0, 1.0], vec![1.0]]);
        assert_eq!(capacities(Some(&setup), 5), [vec![1.0; 5]]);
    }
}
