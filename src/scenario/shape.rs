//! `arrivals.shape`: what multiplies the rate over time.

use super::decoder::Decoder;
use super::diagnostic::{Fault, Finding};
use super::document::Node;
use super::empirical::pairs;
use super::keys::{RAMP, SHAPES, SPIKE, WAVE};
use super::model::Shape;
use super::path::Path;
use super::reader::Fields;
use crate::catalogue::{Kind, Value};
use crate::time::Span;

/// Reads `shape`, of which there is at most one.
pub(crate) fn read(d: &mut Decoder<'_>, arrivals: &Fields<'_>) -> Option<Shape> {
    let Some(node) = arrivals.node("shape") else { return Some(Shape::Flat) };
    let path = arrivals.path.key("shape");
    let f = Fields::open(d, node, &path, &SHAPES)?;
    let is_one = f.at_most_one(d, &["steps", "ramp", "wave", "spike"]);
    let shape = if let Some(node) = f.node("steps") {
        steps(d, node, &path.key("steps"))
    } else if let Some(node) = f.node("ramp") {
        ramp(d, node, &path.key("ramp"))
    } else if let Some(node) = f.node("wave") {
        wave(d, node, &path.key("wave"))
    } else if let Some(node) = f.node("spike") {
        spike(d, node, &path.key("spike"))
    } else {
        d.report(
            Finding::error(node.at, Fault::Missing("steps`, `ramp`, `wave` or `spike".into()))
                .path(path)
                .allowed("exactly one of them")
                .help("add wave = { amplitude = 0.5, period = \"60s\" }, or remove `shape`"),
        );
        None
    };
    shape.filter(|_| is_one)
}

fn steps(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<Shape> {
    let pairs = pairs(d, node, path, (Kind::Span, Kind::Number(0.0, 1e9)))?;
    let steps: Vec<(Span, f64)> = pairs
        .into_iter()
        .filter_map(|pair| if let (Value::Span(at), Value::Number(factor)) = pair { Some((at, factor)) } else { None })
        .collect();
    let members = node.members();
    if let Some(index) = (1..steps.len()).find(|&index| steps[index].0 <= steps[index - 1].0) {
        let fault = Fault::Inconsistent(format!("step {index} does not come after the one before"));
        let finding = Finding::error(members[index].at, fault).path(path.index(index, None)).allowed("instants that ascend");
        d.report(finding.related("the step before", members[index - 1].at).help("sort the list, and remove what stands twice"));
        return None;
    }
    Some(Shape::Steps(steps))
}

fn ramp(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<Shape> {
    let f = Fields::open(d, node, path, &RAMP)?;
    let (from, to, over) = (f.number(d, "from"), f.needed_number(d, "to"), f.needed_span(d, "over"));
    Some(Shape::Ramp { from: from?, to: to?, over: over? })
}

fn wave(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<Shape> {
    let f = Fields::open(d, node, path, &WAVE)?;
    let (amplitude, period) = (f.needed_number(d, "amplitude"), f.needed_span(d, "period"));
    Some(Shape::Wave { amplitude: amplitude?, period: period? })
}

fn spike(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<Shape> {
    let f = Fields::open(d, node, path, &SPIKE)?;
    let (at, lasts, factor) = (f.needed_span(d, "at"), f.needed_span(d, "for"), f.needed_number(d, "factor"));
    Some(Shape::Spike { at: at?, lasts: lasts?, factor: factor? })
}
