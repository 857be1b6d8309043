//! `process = "recorded"`: which file, how it is read, and which part of it is played; and the work of its requests.

use super::decoder::Decoder;
use super::diagnostic::{Fault, Finding};
use super::document::{Data, Node, Table};
use super::keys::{COLUMNS, RECORDED_WORK};
use super::load::Recording;
use super::path::Path;
use super::reader::Fields;
use super::scalar;
use crate::catalogue::{Kind, Value};
use crate::dist::Dist;
use crate::trace::tape::Column;
use crate::traffic::{Cut, EVERYBODY, Recorded, Work};

/// What is asked of whoever can read recorded traffic: every key as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// `file`: at least one, with globs.
    pub files: Vec<String>,
    /// `format`; left out: what it looks like.
    pub format: Option<String>,
    /// `log_format` of nginx or Apache.
    pub log_format: Option<String>,
    /// `columns`: what stands in which, by the keys of `columns`.
    pub columns: Vec<(String, String)>,
    /// `time_unit`.
    pub time_unit: Option<String>,
    /// `timers` of HAProxy.
    pub timers: Option<String>,
    /// `durations` of the Azure Functions trace of 2019.
    pub durations: Option<String>,
    /// `spread = "uniform"`: instants are spread over what their stamps leave open.
    pub spread: bool,
    /// `strict`: the first line that cannot be read is the end.
    pub strict: bool,
}

/// Whether a source is recorded, as it is written.
pub(super) fn is_written(source: &Table) -> bool {
    let process = source.get("arrivals").and_then(|arrivals| arrivals.value.as_table()?.get("process"));
    process.is_some_and(|process| process.value.as_text() == Some("recorded"))
}

/// Whether all traffic is recorded, as it is written: then it ends by itself.
pub(super) fn is_all(root: &Table) -> bool {
    let is_written = |source: &Node| source.as_table().is_some_and(is_written);
    root.get("traffic").is_some_and(|traffic| match &traffic.value.data {
        Data::List(sources) => sources.iter().all(is_written),
        _ => is_written(&traffic.value),
    })
}

/// Reads the keys of a recorded process.
pub(super) fn read(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Recorded> {
    let wanted = wanted(d, f);
    let cut = cut(d, f);
    let (wanted, cut, node) = (wanted?, cut?, f.node("file")?);
    let refuse = |d: &mut Decoder<'_>, message: String| {
        let finding =
            Finding::error(node.at, Fault::File(message)).path(f.path.key("file")).allowed("a log or a trace with at least one request");
        d.report(finding.help("paths are relative to the scenario file; `evenkeel trace inspect FILE` shows what is in one"));
        None
    };
    let Recording { tape, notes } = match d.files.tape(&wanted) {
        Ok(recording) => recording,
        Err(error) => return refuse(d, error.to_string()),
    };
    notes.into_iter().for_each(|note| d.report(Finding::warning(node.at, note).path(f.path.key("file"))));
    match Recorded::new(tape, cut) {
        Ok(recorded) if recorded.requests() == 0 => {
            refuse(d, "nothing is left of it: no request is in the window `from` … `to` and in the sample".into())
        }
        Ok(recorded) => Some(recorded),
        Err(fault) => refuse(d, fault.to_string()),
    }
}

fn wanted(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Wanted> {
    let files = files(d, f)?;
    let mut text = |key| if f.has(key) { f.text(d, key).map(Some) } else { Some(None) };
    let (format, log_format, time_unit) = (text("format"), text("log_format"), text("time_unit"));
    let (timers, durations) = (text("timers"), text("durations"));
    let spread = f.text(d, "spread").map(|spread| spread == "uniform");
    let (strict, columns) = (f.bool(d, "strict"), columns(d, f));
    Some(Wanted {
        files,
        format: format?,
        log_format: log_format?,
        columns: columns?,
        time_unit: time_unit?,
        timers: timers?,
        durations: durations?,
        spread: spread?,
        strict: strict?,
    })
}

/// One name, or a list of them.
fn files(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Vec<String>> {
    let Some(node) = f.node("file") else {
        f.missing(d, "file", "file = \"access.log\"");
        return None;
    };
    let path = f.path.key("file");
    let members: Vec<&Node> = match &node.data {
        Data::List(members) => members.iter().collect(),
        _ => vec![node],
    };
    if members.is_empty() {
        d.out_of_range(node, &path, "at least one file", "it is an empty list", "\"access.log\"");
        return None;
    }
    let name = |member: &Node| match scalar::read(d, member, &path, Kind::Text)? {
        Value::Text(name) => Some(name),
        other => panic!("a text read as {other:?}"),
    };
    members.into_iter().map(name).collect::<Vec<_>>().into_iter().collect()
}

fn columns(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Vec<(String, String)>> {
    let Some(node) = f.node("columns") else { return Some(Vec::new()) };
    let path = f.path.key("columns");
    let f = Fields::open(d, node, &path, &COLUMNS)?;
    let named: Vec<&str> = f.parameters().map(|parameter| parameter.name).filter(|name| f.has(name)).collect();
    named.into_iter().map(|name| Some((name.to_owned(), f.text(d, name)?))).collect()
}

fn cut(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Cut> {
    let (from, to) = (f.span(d, "from"), if f.has("to") { f.span(d, "to").map(|to| to.0) } else { Some(u64::MAX) });
    let (sample, repeat, scale, sessions) = (f.number(d, "sample"), f.whole(d, "repeat"), f.number(d, "scale"), f.text(d, "loop"));
    f.at_most_one(d, &["rate", "load", "scale"]);
    let (from, to) = (from?.0, to?);
    if let (true, Some(node)) = (to <= from, f.node("to")) {
        d.out_of_range(node, &f.path.key("to"), "after `from`", "nothing is between them", "\"10m\"");
        return None;
    }
    Some(Cut {
        window: from..to,
        sample: (sample? * EVERYBODY as f64) as u64,
        repeat: repeat?,
        scale: scale?,
        work: Work::Drawn,
        sessions: sessions? == "session",
    })
}

/// The work of recorded requests, and a distribution with the same mean for whatever draws work anew; `None` in the first where it is drawn.
pub(super) fn work(d: &mut Decoder<'_>, source: &Fields<'_>, recorded: &mut Recorded) -> Option<Dist> {
    let (work, at) = match source.node("work") {
        Some(node) if node.as_table().is_some_and(|table| table.get("from").is_some()) => {
            (said(d, node, &source.path.key("work"), recorded)?, node.at)
        }
        Some(_) => return source.dist_or_table(d, "work"),
        None => (best(recorded), source.at),
    };
    let missing = work.columns().into_iter().find(|&column| recorded.tape().total(column).count == 0);
    if let Some(column) = missing {
        let finding = Finding::error(at, Fault::Missing("work".into())).path(source.path.key("work"));
        let help = "add work = { dist = \"exponential\", mean = \"10ms\" }, or work = { from = \"bytes\", base = \"1ms\", per_kb = \"10us\" } where it has sizes";
        d.report(finding.allowed(format!("work that the record has: it says nothing of {}", said_of(column))).help(help));
        return None;
    }
    if work == Work::Column(Column::Duration) {
        let text = "the work of a request is the whole time that it took, with what it waited then: a simulation adds waiting of its own, so that it counts twice. \
                    Log the time of the backend alone (nginx: $upstream_response_time), or give a distribution";
        d.report(Finding::warning(at, text).path(source.path.key("work")));
    }
    match recorded.clone().with_work(work) {
        Ok(counted) if counted.mean_work() > 0.0 => {
            *recorded = counted;
            Some(Dist::Constant(recorded.mean_work()))
        }
        Ok(_) => {
            let finding = Finding::error(at, Fault::Inconsistent("no recorded request has any work: all of it is 0".into()));
            d.report(finding.path(source.path.key("work")).help("give work as a distribution"));
            None
        }
        Err(fault) => {
            d.report(Finding::error(at, Fault::File(fault.to_string())).path(source.path.key("work")));
            None
        }
    }
}

/// The time of the backend where it is known, else the time of everything.
fn best(recorded: &Recorded) -> Work {
    let has = |column| recorded.tape().total(column).count > 0;
    Work::Column(if has(Column::Service) || !has(Column::Duration) { Column::Service } else { Column::Duration })
}

fn said(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>, recorded: &Recorded) -> Option<Work> {
    let f = Fields::open(d, node, path, &RECORDED_WORK)?;
    let from = f.text(d, "from");
    let mut span = |key| f.span(d, key).map(|span| span.0 as f64);
    let (base, per_kb, per_input, per_output) = (span("base")?, span("per_kb")?, span("per_input")?, span("per_output")?);
    Some(match from?.as_str() {
        "service" => Work::Column(Column::Service),
        "duration" => Work::Column(Column::Duration),
        "bytes" => Work::Linear(base, vec![(Column::Bytes, per_kb / 1000.0)]),
        "tokens" => Work::Linear(base, vec![(Column::Input, per_input), (Column::Output, per_output)]),
        _ => best(recorded),
    })
}

fn said_of(column: Column) -> &'static str {
    match column {
        Column::Bytes => "sizes",
        Column::Input | Column::Output => "tokens",
        _ => "how long a request took",
    }
}
