//! Distributed traces: the spans of servers are requests.

mod jaeger;
mod otlp;

pub use jaeger::{Jaeger, recognise as recognise_jaeger};
pub use otlp::{Otlp, recognise as recognise_otlp};

use std::borrow::Cow;
use std::io::BufRead;

use super::DocumentFault;
use super::columns::{set_status, whole_number};
use super::pull::{Kind, Pull};
use crate::trace::{Entry, Outcome, Reason};

type Json<'i> = Pull<&'i mut dyn BufRead>;

/// Attributes that are wanted, old names and new, the better before the worse.
const NAMES: [&str; 27] = [
    "url.path",
    "http.target",
    "http.route",
    "url.full",
    "http.url",
    "client.address",
    "http.client_ip",
    "net.peer.ip",
    "net.sock.peer.addr",
    "network.peer.address",
    "peer.ipv4",
    "http.response.status_code",
    "http.status_code",
    "http.response.body.size",
    "http.response_content_length",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "error",
    "otel.status_code",
    "span.kind",
    "service.name",
    "service.instance.id",
    "host.name",
    "hostname",
    "ip",
];

/// Which of the names are for what.
type Names = std::ops::Range<usize>;
const KEY: Names = 0..5;
const CLIENT: Names = 5..11;
const STATUS: Names = 11..13;
const BYTES: Names = 13..15;
const INPUT: Names = 15..17;
const OUTPUT: Names = 17..19;
const ERROR: Names = 19..21;
const KIND: Names = 21..22;
const CLASS: Names = 22..23;
const BACKEND: Names = 23..27;

/// The attributes of a span or of a resource, those that are wanted.
#[derive(Clone, Debug)]
struct Attributes {
    values: [Vec<u8>; NAMES.len()],
    key: Vec<u8>,
    value: Vec<u8>,
}

impl Default for Attributes {
    fn default() -> Self {
        Self { values: [const { Vec::new() }; NAMES.len()], key: Vec::new(), value: Vec::new() }
    }
}

impl Attributes {
    fn clear(&mut self) {
        self.values.iter_mut().for_each(Vec::clear);
    }

    /// The first of the names that has a value.
    fn first(&self, names: &Names) -> Option<&[u8]> {
        self.values[names.clone()].iter().map(|value| &value[..]).find(|value| !value.is_empty())
    }

    /// Reads a list of `{key, value}`, where the value is plain or an object as `{"stringValue": …}`.
    fn read(&mut self, json: &mut Json<'_>) -> Result<(), DocumentFault> {
        list(json, &mut |json| {
            self.key.clear();
            self.value.clear();
            members(json, &mut |json| match json.text() {
                b"key" => keep(json, &mut self.key),
                b"value" => value(json, &mut self.value),
                _ => skip(json),
            })?;
            if let Some(index) = NAMES.iter().position(|name| name.as_bytes() == self.key) {
                std::mem::swap(&mut self.values[index], &mut self.value);
            }
            Ok(())
        })
    }

    /// Puts what is known of a span in its place.
    fn put<'a>(&'a self, entry: &mut Entry<'a>) -> Result<(), Reason> {
        let number = |names: &Names| self.first(names).and_then(whole_number);
        entry.key = self.first(&KEY).map(Cow::Borrowed);
        entry.client = self.first(&CLIENT).map(Cow::Borrowed);
        (entry.bytes, entry.input, entry.output) = (number(&BYTES), number(&INPUT), number(&OUTPUT));
        set_status(entry, self.first(&STATUS).unwrap_or_default())?;
        if self.values[ERROR].iter().any(|value| matches!(&value[..], b"true" | b"ERROR")) {
            entry.outcome = Outcome::Failed;
        }
        Ok(())
    }
}

/// A plain value, or that of an object's only member.
fn value(json: &mut Json<'_>, into: &mut Vec<u8>) -> Result<(), DocumentFault> {
    match json.kind().map_err(|fault| json.locate(fault))? {
        Kind::Object => members(json, &mut |json| keep(json, into)),
        _ => keep(json, into),
    }
}

/// What is done with a member: its key is the text, and its value must be read.
type Each<'f> = dyn FnMut(&mut Json<'_>) -> Result<(), DocumentFault> + 'f;

/// Goes through the members of an object. What is no object is skipped.
fn members(json: &mut Json<'_>, each: &mut Each<'_>) -> Result<(), DocumentFault> {
    if json.kind().map_err(|fault| json.locate(fault))? != Kind::Object {
        return skip(json);
    }
    let mut members = json.enter().map_err(|fault| json.locate(fault))?;
    while json.next_key(&mut members).map_err(|fault| json.locate(fault))? {
        each(json)?;
    }
    Ok(())
}

/// Goes through the items of a list. What is no list is skipped.
fn list(json: &mut Json<'_>, each: &mut Each<'_>) -> Result<(), DocumentFault> {
    if json.kind().map_err(|fault| json.locate(fault))? != Kind::Array {
        return skip(json);
    }
    let mut members = json.enter().map_err(|fault| json.locate(fault))?;
    while json.next_item(&mut members).map_err(|fault| json.locate(fault))? {
        each(json)?;
    }
    Ok(())
}

fn skip(json: &mut Json<'_>) -> Result<(), DocumentFault> {
    json.skip().map_err(|fault| json.locate(fault))
}

fn keep(json: &mut Json<'_>, into: &mut Vec<u8>) -> Result<(), DocumentFault> {
    json.keep(into).map_err(|fault| json.locate(fault))
}

#[cfg(test)]
mod tests;
