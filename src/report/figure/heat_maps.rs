//! Which backend had how much to do when, for each balancer.

use super::axis::{Axis, Unit};
use super::cast::{Cast, Role};
use super::heat::{self, Heat};
use super::words;
use super::{Drawing, Figure, Table, Topic};
use crate::report::figures::{percent, short};

/// The picture of a page's heat maps is to stay small: so many cells in all, else neighbouring windows are taken together.
const CELLS: usize = 260_000;

pub(super) fn figures(cast: &Cast<'_>) -> Vec<Figure> {
    let mut figures = in_flight(cast);
    figures.extend(utilization(cast));
    figures
}

type Rows<'a> = (Role<'a>, Vec<&'a [f32]>);

fn in_flight(cast: &Cast<'_>) -> Vec<Figure> {
    let all: Vec<Rows<'_>> = cast
        .roles
        .iter()
        .map(|role| (*role, role.detail.windows.backends.iter().map(|backend| backend.in_flight.as_slice()).collect::<Vec<_>>()))
        .filter(|(_, rows)| rows.len() > 1)
        .collect();
    // Of those that keep up: a backlog without end would make them all alike, and is seen as such when it is off the scale.
    let sound: Vec<Rows<'_>> = all.iter().filter(|(role, _)| role.result.overloaded_at_s.is_none()).cloned().collect();
    let most = nearly_most(if sound.is_empty() { &all } else { &sound });
    all.iter().map(|rows| figure(cast, rows, all.len(), "heat-map", "Requests in flight", Unit::Number, most)).collect()
}

fn utilization(cast: &Cast<'_>) -> Vec<Figure> {
    let all: Vec<Rows<'_>> = cast
        .roles
        .iter()
        .filter_map(|role| {
            Some((*role, role.detail.windows.backends.iter().map(|backend| backend.utilization.as_deref()).collect::<Option<Vec<_>>>()?))
        })
        .filter(|(_, rows)| rows.len() > 1)
        .collect();
    all.iter().map(|rows| figure(cast, rows, all.len(), "utilization", "Busy workers", Unit::Share, 1.0)).collect()
}

/// A value that one in 200 cells exceeds: a single peak is not to darken everything else.
fn nearly_most(all: &[Rows<'_>]) -> f64 {
    let mut values: Vec<f32> = all.iter().flat_map(|(_, rows)| rows.iter().flat_map(|row| row.iter().copied())).collect();
    values.sort_by(f32::total_cmp);
    let at = values.len() * 199 / 200;
    let found = values.get(at).copied().filter(|&value| value > 0.0).or_else(|| values.last().copied());
    f64::from(found.unwrap_or(1.0)).max(1e-9)
}

fn figure(cast: &Cast<'_>, (role, rows): &Rows<'_>, maps: usize, stem: &str, what: &str, unit: Unit, most: f64) -> Figure {
    let together = heat::merged(rows.len());
    let width = rows.iter().map(|row| row.len()).max().unwrap_or(1);
    let columns = (maps * width * rows.len() / together).div_ceil(CELLS).max(1);
    let backend = |at: usize| role.result.backends.get(at).map_or_else(|| format!("{at}"), |backend| backend.name.clone());
    let names: Vec<String> = (0..rows.len()).step_by(together).map(backend).collect();
    let title = claim(role, rows, unit);
    let merged = if together > 1 { format!(" Each row is the mean of {together} neighbouring backends.") } else { String::new() };
    Figure {
        name: cast.file(&format!("{stem}-{}", words::slug(&role.result.balancer))),
        finding: format!("{title}."),
        caption: format!(
            "A row for each backend, lighter where it has more; the scale is the same for every balancer. A bright row is a backend that is slow or preferred; \
             bright columns are requests that all go the same way at once.{merged}"
        ),
        title,
        variant: cast.variant.map(str::to_owned),
        topic: if unit == Unit::Share { Topic::Busy } else { Topic::Heat },
        table: table(role, rows, unit),
        drawing: Drawing::Heat(Heat {
            series: role.series,
            x: Axis::between("Simulated time", Unit::S, 0.0, role.detail.windows.width_s * width as f64),
            names,
            cells: heat::cells(rows, together, columns, most, unit),
            most,
            what: what.into(),
            unit,
            spans: cast.spans(),
        }),
        slots: cast.slots.clone(),
        series: Some(role.series),
    }
}

fn mean(row: &[f32]) -> f64 {
    row.iter().map(|&value| f64::from(value)).sum::<f64>() / row.len().max(1) as f64
}

fn claim(role: &Role<'_>, rows: &[&[f32]], unit: Unit) -> String {
    let means: Vec<f64> = rows.iter().map(|row| mean(row)).collect();
    let all = means.iter().sum::<f64>() / means.len() as f64;
    let (at, most) = means.iter().copied().enumerate().reduce(|one, other| if other.1 > one.1 { other } else { one }).unwrap_or((0, 0.0));
    let name = role.result.backends.get(at).map_or_else(|| format!("backend {at}"), |backend| words::name(&backend.name));
    let (who, write): (String, &dyn Fn(f64) -> String) = (role.name(), if unit == Unit::Share { &percent } else { &short });
    let what = if unit == Unit::Share { "busy" } else { "in flight" };
    match most / all {
        ratio if ratio >= 1.2 => format!("{who}: {name} is the fullest, {} {what} in the mean where all have {}", write(most), write(all)),
        _ => format!("{who}: every backend is about as full, {} {what} in the mean", write(all)),
    }
}

/// The fullest backends.
fn table(role: &Role<'_>, rows: &[&[f32]], unit: Unit) -> Table {
    let mut means: Vec<(usize, f64, f64)> =
        rows.iter().enumerate().map(|(at, row)| (at, mean(row), row.iter().copied().map(f64::from).fold(0.0, f64::max))).collect();
    means.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
    let write = |value: f64| if unit == Unit::Share { percent(value) } else { short(value) };
    let name = |at: usize| role.result.backends.get(at).map_or_else(|| at.to_string(), |backend| words::name(&backend.name));
    let row = |&(at, mean, most): &(usize, f64, f64)| (Some(role.series), vec![name(at), write(mean), write(most)]);
    Table {
        columns: vec![],
        head: ["the fullest backends", "mean", "most in a window"].map(str::to_owned).to_vec(),
        rows: means.iter().take(10).map(row).collect(),
    }
}
