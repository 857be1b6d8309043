//! OTLP JSON: one object, or one a line.

use std::borrow::Cow;
use std::io::BufRead;

use super::{Attributes, BACKEND, CLASS, list, members};
use crate::trace::format::pull::{JsonFault, Kind, Pull};
use crate::trace::format::{Document, DocumentFault};
use crate::trace::stamp::{self, Unit};
use crate::trace::{Entry, Outcome, Reason, Sink};

/// Reads spans of OpenTelemetry: those of servers are requests. A server's span begins when it took the request, so it is both its service and its
/// duration: nobody knows what it waited for before.
#[derive(Clone, Debug, Default)]
pub struct Otlp {
    resource: Attributes,
    has_resource: bool,
    span: Span,
    number: u64,
}

/// What is kept of a span: empty where it is missing.
#[derive(Clone, Debug, Default)]
struct Span {
    kind: Vec<u8>,
    start: Vec<u8>,
    end: Vec<u8>,
    status: Vec<u8>,
    attributes: Attributes,
}

type Json<'i> = Pull<&'i mut dyn BufRead>;

impl Otlp {
    /// A reader.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An object with `resourceSpans`.
    fn object(&mut self, json: &mut Json<'_>, sink: &mut dyn Sink) -> Result<(), DocumentFault> {
        if json.kind().map_err(|fault| json.locate(fault))? != Kind::Object {
            return Err(json.locate(JsonFault::Wrong("this is no JSON object with resourceSpans")));
        }
        members(json, &mut |json| match json.text() {
            b"resourceSpans" => list(json, &mut |json| self.resource_spans(json, sink)),
            _ => super::skip(json),
        })
    }

    fn resource_spans(&mut self, json: &mut Json<'_>, sink: &mut dyn Sink) -> Result<(), DocumentFault> {
        self.resource.clear();
        self.has_resource = false;
        members(json, &mut |json| match json.text() {
            b"resource" => {
                self.has_resource = true;
                members(json, &mut |json| match json.text() {
                    b"attributes" => self.resource.read(json),
                    _ => super::skip(json),
                })
            }
            b"scopeSpans" | b"instrumentationLibrarySpans" => {
                if !self.has_resource {
                    sink.other(self.number + 1, "spans before their resource: their service is not known")?;
                }
                list(json, &mut |json| self.scope_spans(json, sink))
            }
            _ => super::skip(json),
        })
    }

    fn scope_spans(&mut self, json: &mut Json<'_>, sink: &mut dyn Sink) -> Result<(), DocumentFault> {
        members(json, &mut |json| match json.text() {
            b"spans" => list(json, &mut |json| {
                self.number += 1;
                self.span.read(json)?;
                if !matches!(&self.span.kind[..], b"2" | b"SPAN_KIND_SERVER") {
                    return Ok(sink.other(self.number, "a span that is not a server's")?);
                }
                match self.entry() {
                    Ok(entry) => Ok(sink.request(&entry)?),
                    Err(reason) => Ok(sink.unreadable(self.number, reason)?),
                }
            }),
            _ => super::skip(json),
        })
    }

    fn entry(&self) -> Result<Entry<'_>, Reason> {
        let time = |text: &[u8]| stamp::epoch(text, Unit::Nanoseconds).map(|stamp| stamp.at);
        let at = time(&self.span.start).ok_or("startTimeUnixNano is no number of nanoseconds")?;
        let end = time(&self.span.end).ok_or("endTimeUnixNano is no number of nanoseconds")?;
        let took = end.checked_sub(at).and_then(|took| u64::try_from(took).ok()).ok_or("the span ends before it starts")?;
        let mut entry = Entry { at, tick: 1, service: Some(took), duration: Some(took), ..Entry::default() };
        self.span.attributes.put(&mut entry)?;
        entry.class = self.resource.first(&CLASS).map(Cow::Borrowed);
        entry.backend = self.resource.first(&BACKEND).map(Cow::Borrowed);
        if matches!(&self.span.status[..], b"2" | b"STATUS_CODE_ERROR") {
            entry.outcome = Outcome::Failed;
        }
        Ok(entry)
    }
}

impl Span {
    fn read(&mut self, json: &mut Json<'_>) -> Result<(), DocumentFault> {
        [&mut self.kind, &mut self.start, &mut self.end, &mut self.status].into_iter().for_each(Vec::clear);
        self.attributes.clear();
        members(json, &mut |json| {
            let into = match json.text() {
                b"kind" => &mut self.kind,
                b"startTimeUnixNano" => &mut self.start,
                b"endTimeUnixNano" => &mut self.end,
                b"attributes" => return self.attributes.read(json),
                b"status" => {
                    return members(json, &mut |json| match json.text() {
                        b"code" => super::keep(json, &mut self.status),
                        _ => super::skip(json),
                    });
                }
                _ => return super::skip(json),
            };
            super::keep(json, into)
        })
    }
}

impl Document for Otlp {
    fn read(&mut self, input: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), DocumentFault> {
        let mut json = Pull::new(input);
        self.number = 0;
        json.byte_order_mark().map_err(|fault| json.locate(fault))?;
        while json.peek().map_err(|fault| json.locate(fault))?.is_some() {
            self.object(&mut json, sink)?;
        }
        Ok(())
    }
}

/// Whether a file's first bytes may be those of OTLP JSON.
#[must_use]
pub fn recognise(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    head.starts_with(b"{") && memchr::memmem::find(head, b"\"resourceSpans\"").is_some()
}
