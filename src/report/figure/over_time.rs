//! What happened over time: latency, errors, load, requests in flight, fairness.
//!
//! All have the same axis of time, with the warm-up and the faults shaded.

use super::axis::{Axis, Unit};
use super::cast::{Cast, Role};
use super::lines::{Line, Lines};
use super::words::{ms, s};
use super::{Drawing, Figure, Table, Topic};
use crate::measure::detail::Windows;
use crate::report::figures::{percent, short};

/// Rows of a table.
const ROWS: usize = 20;
/// So many times as much hides what is small.
const FAR: f64 = 100.0;

/// One figure over time, before it is drawn.
struct Series<'a> {
    stem: &'static str,
    what: &'static str,
    topic: Topic,
    axis: fn(&str, Unit, &mut dyn Iterator<Item = f64>) -> Axis,
    unit: Unit,
    caption: &'static str,
    even: Option<f64>,
    values: fn(&Windows) -> Vec<Option<f64>>,
    claim: &'a dyn Fn(&Moment<'_>, &Moment<'_>) -> String,
}

/// The greatest value of somebody, and when.
struct Moment<'a> {
    role: Role<'a>,
    value: f64,
    at: f64,
}

fn from_zero(name: &str, unit: Unit, values: &mut dyn Iterator<Item = f64>) -> Axis {
    Axis::from_zero(name, unit, values)
}

fn log(name: &str, unit: Unit, values: &mut dyn Iterator<Item = f64>) -> Axis {
    Axis::log(name, unit, values)
}

/// From zero, or logarithmic where somebody is so far above the others that these would lie on the axis.
fn from_zero_or_log(name: &str, unit: Unit, values: &mut dyn Iterator<Item = f64>) -> Axis {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let (low, most) = (values[values.len() / 4], values[values.len() - 1]);
    // What is below one is as good as nothing, and would only make the axis longer.
    let low = low.max(0.1);
    match most / low {
        ratio if ratio > FAR => Axis::log(name, unit, [values[values.len() / 20].max(low / 10.0), most].into_iter()),
        _ => from_zero(name, unit, &mut values.into_iter()),
    }
}

fn upto_one(name: &str, unit: Unit, values: &mut dyn Iterator<Item = f64>) -> Axis {
    let least = values.fold(1.0, f64::min);
    Axis::between(name, unit, if least < 0.5 { 0.0 } else { libm::floor(least * 10.0 - 0.5) / 10.0 }, 1.0)
}

fn known(values: &[f64]) -> Vec<Option<f64>> {
    values.iter().copied().map(Some).collect()
}

pub(super) fn figures(cast: &Cast<'_>) -> Vec<Figure> {
    let peak = |what: &'static str| {
        move |least: &Moment<'_>, most: &Moment<'_>| match least.role.series == most.role.series {
            true => format!("{what} peaks at {} at {}", ms(most.value), s(most.at)),
            false => format!(
                "{what} peaks at {} with {}, at {}; at {} with {}",
                ms(most.value),
                most.role.name(),
                s(most.at),
                ms(least.value),
                least.role.name()
            ),
        }
    };
    let (p99, p50) = (peak("p99"), peak("The median"));
    let fails = |least: &Moment<'_>, most: &Moment<'_>| {
        let others = if least.role.series == most.role.series {
            String::new()
        } else {
            format!("; with {} never more than {}", least.role.name(), percent(least.value))
        };
        format!("{} of requests fail with {} in its worst moment, at {}{others}", percent(most.value), most.role.name(), s(most.at))
    };
    let flies = |least: &Moment<'_>, most: &Moment<'_>| match least.role.series == most.role.series {
        true => format!("In flight peaks at {} requests (the mean of a window), at {}", short(most.value), s(most.at)),
        false => format!(
            "In flight peaks at {} requests with {}, at {} with {} (means of windows)",
            short(most.value),
            most.role.name(),
            short(least.value),
            least.role.name()
        ),
    };
    let all = [
        Series {
            stem: "p99-over-time",
            what: "p99 latency",
            topic: Topic::Time,
            axis: log,
            unit: Unit::Ms,
            caption: "The 99th percentile of requests that arrived in each window; no point where there were fewer than 100.",
            even: None,
            values: |windows| windows.p99_ms.clone(),
            claim: &p99,
        },
        Series {
            stem: "p50-over-time",
            what: "Median latency",
            topic: Topic::Time,
            axis: log,
            unit: Unit::Ms,
            caption: "The median of requests that arrived in each window.",
            even: None,
            values: |windows| windows.p50_ms.clone(),
            claim: &p50,
        },
        Series {
            stem: "errors-over-time",
            what: "Failed requests",
            topic: Topic::Time,
            axis: from_zero,
            unit: Unit::Share,
            caption: "The share of requests that arrived in each window and failed.",
            even: None,
            values: |windows| windows.errors.clone(),
            claim: &fails,
        },
    ];
    let mut figures: Vec<Figure> =
        all.iter().filter(|series| series.stem != "errors-over-time" || has_errors(cast)).filter_map(|series| draw(cast, series)).collect();
    figures.extend(load(cast));
    let in_flight = Series {
        stem: "in-flight-over-time",
        what: "Requests in flight, all backends",
        topic: Topic::Time,
        axis: from_zero_or_log,
        unit: Unit::Number,
        caption: "Requests sent to backends and not yet answered, a mean over each window: what grows without end under overload.",
        even: None,
        values: |windows| known(&windows.in_flight),
        claim: &flies,
    };
    figures.extend(draw(cast, &in_flight));
    figures
}

/// Evenness over time.
pub(super) fn fairness(cast: &Cast<'_>) -> Vec<Figure> {
    let jain = |least: &Moment<'_>, most: &Moment<'_>| {
        // The line that falls lowest: Moments are of the greatest unevenness.
        let even = |moment: &Moment<'_>| format!("{:.3}", 1.0 - moment.value);
        match least.role.series == most.role.series {
            true => format!("Requests are spread with a Jain's index of {} or more", even(most)),
            false => format!(
                "{} always spreads requests evenly (Jain's index {} or more); {} falls to {}",
                least.role.name(),
                even(least),
                most.role.name(),
                even(most)
            ),
        }
    };
    let peak = |least: &Moment<'_>, most: &Moment<'_>| match least.role.series == most.role.series {
        true => format!("The fullest backend has up to {} times the mean in flight", short(most.value)),
        false => format!(
            "The fullest backend has up to {} times the mean in flight with {}, {} times with {}",
            short(most.value),
            most.role.name(),
            short(least.value),
            least.role.name()
        ),
    };
    let all = [
        Series {
            stem: "fairness-over-time",
            what: "Jain's index of requests sent ÷ capacity",
            topic: Topic::Fairness,
            axis: upto_one,
            unit: Unit::Number,
            caption: "1 is perfectly even: every backend got its share of the window's requests by what it can do.",
            even: Some(1.0),
            values: |windows| windows.jain_requests.clone(),
            claim: &jain,
        },
        Series {
            stem: "peak-to-mean-over-time",
            what: "Fullest backend's in flight ÷ mean",
            topic: Topic::Fairness,
            axis: from_zero_or_log,
            unit: Unit::Number,
            caption: "How many times the mean the fullest backend holds, by capacity: 1 is perfectly even.",
            even: Some(1.0),
            values: |windows| windows.peak_to_mean_in_flight.clone(),
            claim: &peak,
        },
    ];
    all.iter().filter_map(|series| draw(cast, series)).collect()
}

fn has_errors(cast: &Cast<'_>) -> bool {
    cast.roles.iter().any(|role| role.detail.windows.errors.iter().flatten().any(|&share| share > 0.0))
}

/// The greatest value of each, after the warm-up.
fn moments<'a>(cast: &Cast<'a>, series: &Series<'_>) -> Vec<Moment<'a>> {
    let one = |role: &Role<'a>| {
        let windows = &role.detail.windows;
        let value = |value: f64| if series.stem == "fairness-over-time" { 1.0 - value } else { value };
        let begin = |at: usize| at as f64 * windows.width_s;
        let after = (series.values)(windows).into_iter().enumerate().filter(|&(at, _)| begin(at) >= windows.warmup_s);
        let known = after.filter_map(|(at, found)| Some(Moment { role: *role, value: value(found?), at: begin(at) }));
        known.reduce(|one, other| if other.value > one.value { other } else { one })
    };
    cast.roles.iter().filter_map(one).collect()
}

fn draw(cast: &Cast<'_>, series: &Series<'_>) -> Option<Figure> {
    let lines: Vec<Line> = cast.roles.iter().map(|role| line(role, (series.values)(&role.detail.windows))).filter(has_points).collect();
    let moments = moments(cast, series);
    let most = moments.iter().reduce(|one, other| if other.value > one.value { other } else { one })?;
    let least = moments.iter().reduce(|one, other| if other.value < one.value { other } else { one })?;
    let title = (series.claim)(least, most);
    Some(over_time(
        cast,
        series.stem,
        series.topic,
        title,
        series.caption,
        lines,
        |values| (series.axis)(series.what, series.unit, values),
        series.even,
    ))
}

fn has_points(line: &Line) -> bool {
    line.points.iter().any(|point| point.1.is_some())
}

fn line(role: &Role<'_>, values: Vec<Option<f64>>) -> Line {
    let width = role.detail.windows.width_s;
    let points: Vec<(f64, Option<f64>)> = values.into_iter().enumerate().map(|(at, value)| ((at as f64 + 0.5) * width, value)).collect();
    Line { series: role.series, name: role.result.balancer.clone(), sure: points.len(), band: Vec::new(), points }
}

#[allow(clippy::too_many_arguments, reason = "the parts of one figure, each said once")]
fn over_time(
    cast: &Cast<'_>,
    stem: &str,
    topic: Topic,
    title: String,
    caption: &str,
    lines: Vec<Line>,
    axis: impl Fn(&mut dyn Iterator<Item = f64>) -> Axis,
    even: Option<f64>,
) -> Figure {
    let y = axis(&mut lines.iter().flat_map(|line| line.points.iter().filter_map(|point| point.1)));
    let table = table(&lines, y.unit);
    Figure {
        name: cast.file(stem),
        finding: format!("{title}."),
        title,
        caption: format!("{caption}{}", cast.shades()),
        variant: cast.variant.map(str::to_owned),
        topic,
        drawing: Drawing::Lines(Lines {
            x: Axis::between("Simulated time", Unit::S, 0.0, cast.end()),
            y,
            lines,
            spans: cast.spans(),
            even,
            height: 300,
        }),
        table,
        slots: cast.slots.clone(),
        series: None,
    }
}

/// The load that is offered to all, and what each answers of it.
fn load(cast: &Cast<'_>) -> Option<Figure> {
    let offered = cast.roles.iter().max_by_key(|role| role.detail.windows.len())?;
    let mut lines: Vec<Line> =
        cast.roles.iter().map(|role| line(role, known(&role.detail.windows.goodput_rps))).filter(has_points).collect();
    let mut all = line(offered, known(&offered.detail.windows.offered_rps));
    if !has_points(&all) {
        return None;
    }
    (all.series, all.name) = (OFFERED, "offered".into());
    lines.insert(0, all);
    let title = match cast.extremes(|role| role.result.success_rate) {
        Some([(worst, least), _]) if least < 0.999_5 => {
            format!("{} answers {} of what is offered to it", worst.name(), percent(least))
        }
        _ if cast.roles.iter().any(|role| role.result.overloaded_at_s.is_some()) => {
            "What is offered is answered in the end, however late".into()
        }
        _ => "Every balancer answers what is offered".into(),
    };
    let caption =
        "The plain grey line: requests that arrive. The others: those of them that were answered, however late, by when they arrived.";
    let axis = |values: &mut dyn Iterator<Item = f64>| Axis::from_zero("Requests per second", Unit::Rate, values);
    Some(over_time(cast, "load-over-time", Topic::Time, title, caption, lines, axis, None))
}

/// The number of what is nobody's: it has no colour of its own.
pub(in crate::report) const OFFERED: u8 = 254;

fn table(lines: &[Line], unit: Unit) -> Table {
    let write = |value: f64| match unit {
        Unit::Ms => ms(value),
        Unit::Share => percent(value),
        _ => short(value),
    };
    let count = lines.iter().map(|line| line.points.len()).max().unwrap_or(0);
    let every = count.div_ceil(ROWS).max(1);
    let at = |row: usize| lines.iter().find_map(|line| line.points.get(row)).map_or(0.0, |point| point.0);
    let cell = |line: &Line, row: usize| line.points.get(row).and_then(|point| point.1).map_or_else(|| "–".into(), write);
    let row = |row: usize| (None, std::iter::once(s(at(row))).chain(lines.iter().map(|line| cell(line, row))).collect());
    let head = std::iter::once("around".to_owned()).chain(lines.iter().map(|line| super::words::name(&line.name)));
    let columns = std::iter::once(None).chain(lines.iter().map(|line| Some(line.series))).collect();
    Table { head: head.collect(), rows: (every / 2..count).step_by(every).map(row).collect(), columns }
}
