//! `arrivals`: when requests come.

use super::decoder::Decoder;
use super::diagnostic::{Fault, Finding};
use super::document::{Data, Node};
use super::keys::{PROCESSES, SIZES, STATE};
use super::model::{Arrivals, BatchSize, Intensity, MmppState, Process};
use super::path::Path;
use super::reader::Fields;
use super::{scalar, shape};
use crate::catalogue::{Kind, Value};
use crate::time::Rate;

/// Reads `arrivals` of a source.
pub(crate) fn read(d: &mut Decoder<'_>, source: &Fields<'_>) -> Option<Arrivals> {
    let path = source.path.key("arrivals");
    let Some(node) = source.node("arrivals") else {
        source.missing(d, "arrivals", "arrivals = { process = \"poisson\", load = 0.8 }");
        return None;
    };
    let f = Fields::open_tagged(d, node, &path, &PROCESSES)?;
    if f.name() == "closed" {
        return Some(Arrivals { process: closed(d, &f)?, intensity: None, shape: super::model::Shape::Flat });
    }
    let recorded = if f.name() == "recorded" { Some(super::recorded::read(d, &f)) } else { None };
    let intensity = intensity(d, &f);
    let shape = shape::read(d, &f);
    let process = match f.name() {
        "poisson" => Some(Process::Poisson),
        "constant" => Some(Process::Constant),
        "renewal" => f.needed_dist(d, "gap").map(|gap| Process::Renewal { gap }),
        "mmpp" => mmpp(d, &f),
        "on-off" => on_off(d, &f),
        "batch" => batch(d, &f).map(|size| Process::Batch { size }),
        "recorded" => recorded.flatten().map(|recorded| Process::Recorded(Box::new(recorded))),
        other => panic!("the arrival process {other} is declared but not read"),
    };
    Some(Arrivals { process: process?, intensity: intensity?, shape: shape? })
}

/// `rate` or `load`; both may be left out where the process has a rate of its own.
fn intensity(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Option<Intensity>> {
    let is_one = f.at_most_one(d, &["rate", "load"]);
    let (rate, load) = (rate(d, f), f.number(d, "load"));
    if !f.has("rate") && !f.has("load") {
        if matches!(f.name(), "renewal" | "mmpp" | "recorded") {
            return Some(None);
        }
        let finding = Finding::error(f.at, Fault::Missing("rate` or `load".into())).path(f.path.key("rate")).allowed("exactly one of them");
        d.report(finding.help("add rate = \"800/s\", or load = 0.8 (a share of the pool's capacity)"));
        return None;
    }
    match (rate, load) {
        (Some(rate), None) if is_one => Some(Some(Intensity::Rate(rate))),
        (None, Some(load)) if is_one => Some(Some(Intensity::Load(load))),
        _ => None,
    }
}

/// A rate above zero.
fn rate(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Rate> {
    let node = f.node("rate")?;
    let value = f.number(d, "rate")?;
    let rate = Rate::per_second(value);
    if rate.is_none() {
        d.out_of_range(
            node,
            &f.path.key("rate"),
            "a rate above zero, such as \"800/s\"; at most 1e9/s",
            "it must be above zero: there would be no traffic",
            "\"800/s\"",
        );
    }
    rate
}

fn closed(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Process> {
    let (clients, think) = (f.needed_whole(d, "clients"), f.dist(d, "think"));
    Some(Process::Closed { clients: u32::try_from(clients?).ok()?, think: think? })
}

fn on_off(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Process> {
    let (on, off, off_factor) = (f.needed_dist(d, "on"), f.needed_dist(d, "off"), f.number(d, "off_factor"));
    Some(Process::OnOff { on: on?, off: off?, off_factor: off_factor? })
}

fn mmpp(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Process> {
    let Some(node) = f.node("states") else {
        f.missing(d, "states", "states = [{ rate = \"100/s\", mean_stay = \"9s\" }, { rate = \"2000/s\", mean_stay = \"1s\" }]");
        return None;
    };
    let path = f.path.key("states");
    let members = d.list(node, &path, Kind::Tables(&STATE));
    let mut states = Vec::new();
    for (index, member) in members.iter().enumerate() {
        let path = path.index(index, None);
        let Some(f) = Fields::open(d, member, &path, &STATE) else { continue };
        let (rate, mean_stay) = (f.needed_number(d, "rate"), f.needed_span(d, "mean_stay"));
        states.extend(rate.zip(mean_stay).map(|(rate, mean_stay)| MmppState { rate, mean_stay }));
    }
    if states.len() < members.len() || !matches!(node.data, Data::List(_)) {
        return None;
    }
    if states.len() < 2 || states.iter().all(|state| state.rate == 0.0) {
        let what = if states.len() < 2 { format!("there are {} states", states.len()) } else { "every state has a rate of zero".into() };
        d.report(
            Finding::error(node.at, Fault::Inconsistent(what))
                .path(path)
                .allowed("at least two states, one of them with a rate above zero")
                .help("for one state write process = \"poisson\""),
        );
        return None;
    }
    Some(Process::Mmpp { states })
}

/// `size = 2`, or a table with `dist`.
fn batch(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<BatchSize> {
    let Some(node) = f.node("size") else {
        f.missing(d, "size", "size = 2");
        return None;
    };
    let path = f.path.key("size");
    if node.as_table().is_some() {
        return size(d, node, &path);
    }
    match scalar::read(d, node, &path, Kind::Whole(1, 1_000_000))? {
        Value::Whole(size) => Some(BatchSize::Fixed(size)),
        other => panic!("a whole number read as {other:?}"),
    }
}

fn size(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<BatchSize> {
    let f = Fields::open_tagged(d, node, path, &SIZES)?;
    match f.name() {
        "fixed" => f.needed_whole(d, "size").map(BatchSize::Fixed),
        "geometric" => f.needed_number(d, "mean").map(BatchSize::Geometric),
        "uniform" => {
            let (min, max) = (f.needed_whole(d, "min"), f.needed_whole(d, "max"));
            let (min, max) = (min?, max?);
            if let (true, Some(low), Some(high)) = (min > max, f.node("min"), f.node("max")) {
                let fault = Fault::Inconsistent(format!("max = {max} is below min = {min}"));
                d.report(
                    Finding::error(high.at, fault)
                        .path(path.key("max"))
                        .allowed("max of at least min")
                        .related("min is set here", low.at)
                        .help("swap them"),
                );
                return None;
            }
            Some(BatchSize::Uniform(min, max))
        }
        other => panic!("the size {other} is declared but not read"),
    }
}
