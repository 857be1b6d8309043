//! `[run]`: how much is simulated, and how often.

use super::decoder::Decoder;
use super::diagnostic::{Fault, Finding};
use super::document::Table;
use super::keys::{PRECISION, RUN};
use super::model::{Length, Precision, Run, Warmup};
use super::path::Path;
use super::position::Place;
use super::reader::Fields;
use super::recorded;
use crate::catalogue::Value;

/// Reads `[run]`.
pub(crate) fn read(d: &mut Decoder<'_>, root: &Table) -> Option<Run> {
    let Some(pair) = root.get("run") else {
        let finding = Finding::error(Place::default(), Fault::Missing("[run]".into()))
            .path("run")
            .allowed("one table [run] with `requests` or `duration`");
        d.report(finding.help("add\n[run]\nrequests = 200000"));
        return None;
    };
    let path = Path::Key(&Path::Root, "run");
    let f = Fields::open(d, &pair.value, &path, &RUN)?;
    let length = length(d, &f, recorded::is_all(root));
    let warmup = warmup(d, &f);
    let warmup_text = match f.node("warmup") {
        Some(node) => node.as_text().map_or_else(|| d.sources.slice(node.at).to_owned(), str::to_owned),
        None => f.parameter("warmup").default.unwrap_or("0%").to_owned(),
    };
    let (replications, seed, max_in_flight) = (f.whole(d, "replications"), f.whole(d, "seed"), f.whole(d, "max_in_flight"));
    let precision = precision(d, &f, replications);
    warmup_ends_before(d, &f, length, warmup);
    Some(Run {
        length: length?,
        warmup: warmup?,
        warmup_text,
        replications: u32::try_from(replications?).ok()?,
        precision: precision?,
        seed: seed?,
        max_in_flight: max_in_flight?,
    })
}

/// Exactly one of `requests` and `duration`; of recorded traffic everything, if neither is said.
fn length(d: &mut Decoder<'_>, f: &Fields<'_>, all_recorded: bool) -> Option<Length> {
    let is_one = f.at_most_one(d, &["requests", "duration"]);
    let (requests, duration) = (f.whole(d, "requests"), f.span(d, "duration"));
    if !f.has("requests") && !f.has("duration") {
        if all_recorded {
            return Some(Length::Requests(u64::MAX));
        }
        let finding =
            Finding::error(f.at, Fault::Missing("requests` or `duration".into())).path("run.requests").allowed("exactly one of them");
        d.report(finding.help("add the line requests = 200000 (or duration = \"60s\")"));
    }
    match (requests, duration) {
        (Some(requests), None) if is_one => Some(Length::Requests(requests)),
        (None, Some(duration)) if is_one => Some(Length::Duration(duration)),
        _ => None,
    }
}

fn warmup(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Warmup> {
    match f.value(d, "warmup")? {
        Value::Number(share) => Some(Warmup::Share(share)),
        Value::Span(span) => Some(Warmup::Time(span)),
        other => panic!("`warmup` is declared as a share or a duration, not {other:?}"),
    }
}

/// A warm-up as long as the run leaves nothing to measure.
fn warmup_ends_before(d: &mut Decoder<'_>, f: &Fields<'_>, length: Option<Length>, warmup: Option<Warmup>) {
    let (Some(Length::Duration(duration)), Some(Warmup::Time(warmup))) = (length, warmup) else { return };
    let (Some(long), Some(short)) = (f.node("duration"), f.node("warmup")) else { return };
    if warmup >= duration {
        let fault = Fault::Inconsistent(format!(
            "the warm-up of {warmup} is not shorter than the duration of {duration}: nothing would be left to measure"
        ));
        let finding = Finding::error(short.at, fault).path("run.warmup").allowed("a share such as \"10%\", or less than the duration");
        d.report(finding.related("the duration is set here", long.at).help("write warmup = \"10%\""));
    }
}

fn precision(d: &mut Decoder<'_>, f: &Fields<'_>, replications: Option<u64>) -> Option<Option<Precision>> {
    let Some(node) = f.node("precision") else { return Some(None) };
    let path = f.path.key("precision");
    let f = Fields::open(d, node, &path, &PRECISION)?;
    let (metric, relative, max) = (f.needed_text(d, "metric"), f.needed_number(d, "relative"), f.whole(d, "max_replications"));
    if let (Some(0.0), Some(node)) = (relative, f.node("relative")) {
        d.out_of_range(node, &path.key("relative"), "a share above 0, such as \"1%\"", "no interval is ever that narrow", "\"1%\"");
        return None;
    }
    if let (Some(max), Some(replications), Some(node)) = (max, replications, f.node("max_replications"))
        && max < replications
    {
        d.out_of_range(
            node,
            &path.key("max_replications"),
            &format!("at least run.replications, {replications}"),
            "it is below run.replications",
            &replications.to_string(),
        );
        return None;
    }
    Some(Some(Precision { metric: metric?, relative: relative?, max_replications: u32::try_from(max?).ok()? }))
}
