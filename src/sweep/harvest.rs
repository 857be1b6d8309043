//! From the journal to results: point by point, in the order of the plan, whoever computed what and when.
//!
//! Rows are handed on as they are made and forgotten; only what tables and charts show is kept.

use super::journal::Journal;
use super::judge::{self, Judged};
use super::plan::Plan;
use super::scene::Scene;
use crate::measure::compact::{self, Unpacked};
use crate::measure::surface::{self, Figure, Row, Surface, Varied};
use crate::measure::warnings::Warning;
use crate::report::sweep::rows;
use std::collections::BTreeMap;
use std::io;

/// What comes out beside rows.
#[derive(Debug)]
pub struct Harvest {
    /// What tables and charts show.
    pub surface: Surface,
    /// What to know before trusting the numbers: how many points it is said of, the first of them, and its words there; by kind.
    pub warnings: Vec<(usize, usize, Warning)>,
    /// Points that were left out, since not all of their cells are there.
    pub left_out: usize,
}

/// Takes text that goes into a file.
pub type Sink<'a> = &'a mut dyn FnMut(&str) -> io::Result<()>;

/// Judges every point that is complete.
///
/// # Errors
/// If the journal cannot be read, or the rows cannot be written.
pub fn harvest(plan: &Plan, journal: &Journal, csv: Sink<'_>, json_lines: Sink<'_>) -> io::Result<Harvest> {
    let mut harvest = Harvest { surface: begun(plan), warnings: Vec::new(), left_out: 0 };
    let mut warned: BTreeMap<String, usize> = BTreeMap::new();
    for point in 0..plan.points.len() {
        let Some((scene, judged)) = judged(plan, journal, point)? else {
            harvest.left_out += 1;
            continue;
        };
        let is_first = harvest.surface.metrics.is_empty();
        if is_first {
            harvest.surface.metrics = judge::shown(&scene, &plan.head.metrics).map_err(|fault| broken(&fault.to_string()))?;
        }
        let parameters = plan.head.parameters.point(point);
        let written = rows::Point {
            parameters: &parameters,
            summary: &judged.summary,
            metrics: &plan.head.metrics,
            asked: &judged.asked,
            more: &judged.more,
        };
        csv(&rows::csv(written, is_first))?;
        json_lines(&rows::json_lines(written))?;
        add_rows(&mut harvest.surface, plan, point, &judged);
        for warning in &judged.summary.warnings {
            let kind = format!("{:?}", warning.kind);
            let known = *warned.entry(kind).or_insert(harvest.warnings.len());
            match harvest.warnings.get_mut(known) {
                Some((count, ..)) => *count += 1,
                None => harvest.warnings.push((1, point, warning.clone())),
            }
        }
    }
    Ok(harvest)
}

fn begun(plan: &Plan) -> Surface {
    let varied = plan.head.parameters.axes().flat_map(|(axis, parameters)| {
        parameters.iter().map(move |one| Varied { key: one.key.clone(), values: one.values.clone(), is_log: one.is_log, axis })
    });
    Surface {
        title: plan.head.title.clone(),
        question: plan.head.question.clone(),
        parameters: varied.collect(),
        points: plan.points.len(),
        cells: plan.cells(),
        fingerprint: plan.fingerprint.clone(),
        ..Surface::default()
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// A point, if all of its cells are there.
fn judged(plan: &Plan, journal: &Journal, at: usize) -> io::Result<Option<(Scene, Judged)>> {
    let point = &plan.points[at];
    let width = plan.entrants(at).len();
    let cells = point.first as usize..point.first as usize + width * point.replications as usize;
    if !cells.clone().all(|cell| journal.has(cell)) {
        return Ok(None);
    }
    let Some(scene) = journal.scene(at)? else { return Ok(None) };
    let scene = Scene::read(&scene).ok_or_else(|| broken("what the journal says of a point cannot be read"))?;
    let mut records: Vec<Vec<Unpacked>> = (0..width).map(|_| Vec::new()).collect();
    for cell in cells {
        let bytes = journal.cell(cell)?.unwrap_or_default();
        let unpacked = compact::unpack(&bytes).ok_or_else(|| broken(&format!("the record of {} cannot be read", plan.words(cell))))?;
        records[plan.cell(cell).entrant].push(unpacked);
    }
    let judged = judge::judge(&scene, records, &plan.head.metrics).map_err(|fault| broken(&fault.to_string()))?;
    Ok(Some((scene, judged)))
}

fn add_rows(surface: &mut Surface, plan: &Plan, point: usize, judged: &Judged) {
    let at = plan.head.parameters.places(point);
    for (result, asked) in judged.summary.results.iter().zip(&judged.asked) {
        let (balancer, variant) = (surface.balancer(&result.balancer), surface.variant(result.variant.as_deref()));
        let mut figures = Vec::new();
        for number in 0..surface.metrics.len() {
            let metric = surface.metrics[number].metric.clone();
            let figure = judge::of_result(result, &metric).or_else(|| asked.get(number).cloned()).unwrap_or_default();
            let of = |comparisons| surface::beaten(comparisons, &result.balancer, result.variant.as_deref(), &metric);
            let beaten: Vec<&str> = of(&judged.summary.comparisons).chain(of(&judged.more)).collect();
            let beats = beaten.into_iter().map(|label| surface.balancer(label)).collect();
            figures.push(Figure { beats, ..figure });
        }
        let overloaded = result.overloaded_at_s.is_some();
        surface.rows.push(Row { point: point as u32, at: at.clone(), variant, balancer, overloaded, figures });
    }
}
