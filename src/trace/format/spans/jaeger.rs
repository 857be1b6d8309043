//! Traces as Jaeger's page saves them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::BufRead;

use super::{Attributes, BACKEND, KIND, list, members};
use crate::trace::format::pull::{JsonFault, Kind, Pull};
use crate::trace::format::{Document, DocumentFault};
use crate::trace::stamp::{self, Unit};
use crate::trace::{Entry, Reason, Sink};

/// The most spans that are held of a trace.
const MAX_SPANS: usize = 100_000;

/// The most bytes that are held of a trace.
const MAX_BYTES: usize = 64 << 20;

/// What a span takes besides its texts, roughly.
const SPAN_BYTES: usize = 256;

const TOO_LARGE: &str = "a trace of more than 100,000 spans or 64 MiB: what is beyond";

/// Reads Jaeger's traces. Spans that say `span.kind = server` are requests; in a trace where none says so, those without a parent.
///
/// A trace is held at a time, since the names of its services may come last.
#[derive(Clone, Debug, Default)]
pub struct Jaeger {
    trace: Trace,
    number: u64,
}

#[derive(Clone, Debug, Default)]
struct Trace {
    spans: Vec<Held>,
    /// By its id: a service and the machine that it ran on.
    processes: BTreeMap<Vec<u8>, (Vec<u8>, Vec<u8>)>,
    bytes: usize,
    has_kinds: bool,
    /// The span being read.
    start: Vec<u8>,
    duration: Vec<u8>,
    process: Vec<u8>,
    attributes: Attributes,
}

/// A span until its trace is over.
#[derive(Clone, Debug)]
struct Held {
    number: u64,
    entry: Result<Entry<'static>, Reason>,
    process: Vec<u8>,
    is_server: bool,
    has_parent: bool,
}

type Json<'i> = Pull<&'i mut dyn BufRead>;

impl Jaeger {
    /// A reader.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn trace(&mut self, json: &mut Json<'_>, sink: &mut dyn Sink) -> Result<(), DocumentFault> {
        self.trace = Trace::default();
        members(json, &mut |json| match json.text() {
            b"spans" => list(json, &mut |json| {
                self.number += 1;
                if !self.trace.span(json, self.number)? {
                    sink.unreadable(self.number, TOO_LARGE.into())?;
                }
                Ok(())
            }),
            b"processes" => members(json, &mut |json| self.trace.process(json)),
            _ => super::skip(json),
        })?;
        self.trace.tell(sink)
    }
}

impl Trace {
    /// Reads a span and holds it, if there is room.
    fn span(&mut self, json: &mut Json<'_>, number: u64) -> Result<bool, DocumentFault> {
        [&mut self.start, &mut self.duration, &mut self.process].into_iter().for_each(Vec::clear);
        self.attributes.clear();
        let mut has_parent = false;
        members(json, &mut |json| match json.text() {
            b"startTime" => super::keep(json, &mut self.start),
            b"duration" => super::keep(json, &mut self.duration),
            b"processID" => super::keep(json, &mut self.process),
            b"parentSpanID" => {
                let mut parent = Vec::new();
                super::keep(json, &mut parent)?;
                has_parent |= !parent.is_empty();
                Ok(())
            }
            b"references" => list(json, &mut |json| {
                has_parent = true;
                super::skip(json)
            }),
            b"tags" => self.attributes.read(json),
            _ => super::skip(json),
        })?;
        let entry = self.entry();
        let size = SPAN_BYTES + self.process.len() + entry.as_ref().map_or(0, |entry| texts(entry));
        if self.spans.len() >= MAX_SPANS || self.bytes + size > MAX_BYTES {
            return Ok(false);
        }
        self.bytes += size;
        let kind = self.attributes.first(&KIND);
        self.has_kinds |= kind.is_some();
        let is_server = kind == Some(b"server");
        let process = self.process.clone();
        self.spans.push(Held { number, entry, process, is_server, has_parent });
        Ok(true)
    }

    fn entry(&self) -> Result<Entry<'static>, Reason> {
        let stamp = stamp::epoch(&self.start, Unit::Microseconds).ok_or("startTime is no number of microseconds")?;
        let Some(stamp::Span::Known(took)) = stamp::span(&self.duration, Unit::Microseconds) else {
            return Err("duration is no number of microseconds".into());
        };
        let mut entry = Entry { at: stamp.at, tick: stamp.tick, service: Some(took), duration: Some(took), ..Entry::default() };
        self.attributes.put(&mut entry)?;
        let own = |text: Option<Cow<'_, [u8]>>| text.map(|text| Cow::Owned(text.into_owned()));
        Ok(Entry { key: own(entry.key), client: own(entry.client), backend: None, class: None, ..entry })
    }

    fn process(&mut self, json: &mut Json<'_>) -> Result<(), DocumentFault> {
        let id = json.text().to_vec();
        let mut service = Vec::new();
        self.attributes.clear();
        members(json, &mut |json| match json.text() {
            b"serviceName" => super::keep(json, &mut service),
            b"tags" => self.attributes.read(json),
            _ => super::skip(json),
        })?;
        let machine = self.attributes.first(&BACKEND).unwrap_or_default().to_vec();
        let size = SPAN_BYTES + id.len() + service.len() + machine.len();
        // A process beyond the bound stays without a name.
        if self.bytes + size <= MAX_BYTES {
            self.bytes += size;
            self.processes.insert(id, (service, machine));
        }
        Ok(())
    }

    /// Gives away what was held.
    fn tell(&mut self, sink: &mut dyn Sink) -> Result<(), DocumentFault> {
        for held in std::mem::take(&mut self.spans) {
            if !(held.is_server || !self.has_kinds && !held.has_parent) {
                sink.other(held.number, "a span that is not a server's")?;
                continue;
            }
            match held.entry {
                Ok(mut entry) => {
                    if let Some((service, machine)) = self.processes.get(&held.process) {
                        entry = named(entry, service, machine);
                    }
                    sink.request(&entry)?;
                }
                Err(reason) => sink.unreadable(held.number, reason)?,
            }
        }
        Ok(())
    }
}

/// The entry with the service and the machine of its process.
fn named<'a>(entry: Entry<'a>, service: &'a [u8], machine: &'a [u8]) -> Entry<'a> {
    let text = |text: &'a [u8]| (!text.is_empty()).then_some(Cow::Borrowed(text));
    Entry { class: text(service), backend: text(machine), ..entry }
}

/// Bytes of the texts of an entry.
fn texts(entry: &Entry<'_>) -> usize {
    [&entry.key, &entry.client].into_iter().flatten().map(|text| text.len()).sum()
}

impl Document for Jaeger {
    fn read(&mut self, input: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), DocumentFault> {
        let mut json = Pull::new(input);
        self.number = 0;
        json.byte_order_mark().map_err(|fault| json.locate(fault))?;
        let mut found = false;
        if json.kind().map_err(|fault| json.locate(fault))? == Kind::Object {
            members(&mut json, &mut |json| match json.text() {
                b"data" => {
                    found = true;
                    list(json, &mut |json| self.trace(json, sink))
                }
                _ => super::skip(json),
            })?;
        }
        if !found {
            return Err(json.locate(JsonFault::Wrong("there is no list of traces called data: this is not saved by Jaeger's page")));
        }
        json.end()
    }
}

/// Whether a file's first bytes may be those of Jaeger's traces.
#[must_use]
pub fn recognise(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let has = |word: &str| memchr::memmem::find(head, word.as_bytes()).is_some();
    head.starts_with(b"{") && has("\"data\"") && has("\"traceID\"")
}
