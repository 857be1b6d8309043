//! What the variables of format strings mean, and how a request is put together from them.

use crate::trace::entry::{Entry, Outcome, Text};
use crate::trace::format::values;
use crate::trace::stamp::{self, LastMinute, Span, Stamp, Unit};

/// What a variable means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// Nothing that is needed.
    Skip,
    /// An instant of the request.
    At(Form, Edge),
    /// From its arrival to the end of its answer.
    Duration(Unit),
    /// What the backend took.
    Service(Unit),
    /// Something of every try.
    Tries(Try),
    /// The backend that answered.
    Backend,
    /// `GET /path HTTP/1.1`.
    Request,
    /// A URL or its path.
    Url,
    /// The status.
    Status,
    /// Bytes of the answer.
    Bytes,
    /// The address of who sent it.
    Client,
    /// The addresses that forwarded it, the first one is who sent it.
    Forwarded,
    /// A pool.
    Class,
    /// A host, where nothing better says what was asked for.
    Host,
    /// Envoy's flags.
    Flags,
}

/// How an instant is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `17/May/2015:10:05:03 +0000`.
    CommonLog,
    /// `2016-04-15T20:17:00.310Z`.
    Iso,
    /// A number since 1970.
    Epoch(Unit),
    /// Whichever of these it is.
    Any,
}

/// Which instant it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edge {
    /// The request came.
    Arrival,
    /// The answer was sent.
    End,
}

/// Something that is written for every try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Try {
    /// Seconds to the end of the answer.
    Time,
    /// Seconds to its start.
    HeaderTime,
    /// Address.
    Address,
    /// Anything else.
    Other,
}

impl Field {
    /// What a value has to be.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::At(Form::CommonLog, _) => "a stamp like 17/May/2015:10:05:03 +0000",
            Self::At(Form::Iso, _) => "a stamp like 2016-04-15T20:17:00.310Z",
            Self::At(..) => "a stamp",
            Self::Duration(_) | Self::Service(_) | Self::Tries(_) => "a duration, - or -1",
            Self::Status => "a status of three digits",
            Self::Bytes => "a number of bytes",
            _ => "a value",
        }
    }
}

/// What is remembered between lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Moment {
    last: LastMinute,
}

/// The values of a line.
#[derive(Debug, Default)]
pub(super) struct Found<'a> {
    entry: Entry<'a>,
    stamp: Option<(Stamp, bool)>,
    header_time: Option<u64>,
    /// Whether it went to a backend, where the record says.
    was_sent: Option<bool>,
    is_forwarded: bool,
    has_pool: bool,
    flags: Option<Outcome>,
}

impl<'a> Found<'a> {
    /// Takes a value; `false` if it is none of its kind.
    #[inline]
    pub(super) fn take(&mut self, field: Field, text: &'a [u8], moment: &mut Moment) -> bool {
        match field {
            Field::Skip => true,
            Field::At(form, edge) => self.stamp(form, edge, text, moment).is_some(),
            Field::Request => {
                self.entry.key = values::path_of_request(text);
                true
            }
            Field::Status => values::status(text).map(|status| self.entry.status = status).is_some(),
            Field::Bytes => self.bytes(text).is_some(),
            Field::Duration(unit) => known(text, unit).map(|span| self.entry.duration = span).is_some(),
            Field::Client => {
                if !self.is_forwarded {
                    self.entry.client = address(text);
                }
                true
            }
            _ => self.take_rare(field, text),
        }
    }

    fn take_rare(&mut self, field: Field, text: &'a [u8]) -> bool {
        match field {
            Field::Service(unit) => return known(text, unit).map(|span| self.entry.service = span).is_some(),
            Field::Tries(what) => return self.tries(what, text).is_some(),
            Field::Backend => {
                self.entry.backend = values::present(text).map(Into::into);
                self.entry.tries = u32::from(self.entry.backend.is_some());
                self.was_sent = Some(self.entry.backend.is_some());
            }
            Field::Url => self.entry.key = values::path(text),
            Field::Forwarded => {
                if let Some(address) = values::first_forwarded(text) {
                    self.entry.client = Some(address.into());
                    self.is_forwarded = true;
                }
            }
            Field::Class => {
                if let Some(pool) = values::present(text) {
                    self.entry.class = Some(values::unescaped(pool));
                    self.has_pool = true;
                }
            }
            Field::Host if !self.has_pool => self.entry.class = values::present(text).map(values::unescaped),
            Field::Flags => self.flags = crate::trace::format::envoy::outcome_of_flags(text),
            _ => {}
        }
        true
    }

    fn bytes(&mut self, text: &[u8]) -> Option<()> {
        self.entry.bytes = Some(if text == b"-" { 0 } else { values::whole(text)? });
        Some(())
    }

    #[inline]
    fn stamp(&mut self, form: Form, edge: Edge, text: &[u8], moment: &mut Moment) -> Option<()> {
        let stamp = match form {
            Form::CommonLog => moment.last.common_log(text)?,
            Form::Iso => stamp::iso(text)?,
            Form::Epoch(unit) => stamp::epoch(text, unit)?,
            Form::Any => stamp::common_log(text).or_else(|| stamp::iso(text)).or_else(|| stamp::epoch(text, Unit::Seconds))?,
        };
        // Where a line has several, the most exact one counts, and of equals the arrival.
        let is_end = edge == Edge::End;
        if self.stamp.is_none_or(|(other, was_end)| (stamp.tick, is_end) < (other.tick, was_end)) {
            self.stamp = Some((stamp, is_end));
        }
        Some(())
    }

    fn tries(&mut self, what: Try, text: &'a [u8]) -> Option<()> {
        let (last, count) = values::tries(text);
        match what {
            Try::Time => self.entry.service = known(last, Unit::Seconds)?,
            Try::HeaderTime => self.header_time = known(last, Unit::Seconds)?,
            Try::Address => {
                let is_none = text == b"-" || text.is_empty();
                self.entry.backend = values::present(last).map(Into::into);
                self.entry.tries = if is_none { 0 } else { count };
                self.was_sent = Some(!is_none);
            }
            Try::Other => {}
        }
        Some(())
    }

    /// The request, unless its arrival lies outside what an i64 holds.
    #[inline]
    pub(super) fn entry(self) -> Option<Entry<'a>> {
        let (stamp, is_end) = self.stamp?;
        let mut entry = self.entry;
        let before = if is_end { i64::try_from(entry.duration.unwrap_or(0)).ok()? } else { 0 };
        entry.at = stamp.at.checked_sub(before)?;
        entry.tick = stamp.tick;
        entry.service = entry.service.or(self.header_time);
        entry.outcome = self.flags.unwrap_or_else(|| values::outcome(entry.status, self.was_sent));
        Some(entry)
    }
}

/// An address. What stands before a space was put there by whoever carried the log; what stands behind a colon is a port.
#[inline]
fn address(text: &[u8]) -> Option<Text<'_>> {
    let is_bare = text.iter().all(|&byte| byte.is_ascii_digit() || byte == b'.');
    if is_bare && !text.is_empty() {
        return Some(text.into());
    }
    let address = text.iter().rposition(|&byte| byte == b' ').map_or(text, |space| &text[space + 1..]);
    values::present(values::without_port(address)).map(Into::into)
}

/// A duration, or that there was none.
#[inline]
fn known(text: &[u8], unit: Unit) -> Option<Option<u64>> {
    // As nginx writes all its times.
    if let (&[digit @ b'0'..=b'9', b'.', a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'], Unit::Seconds) = (text, unit) {
        let number = |digit: u8| u64::from(digit - b'0');
        return Some(Some((number(digit) * 1000 + number(a) * 100 + number(b) * 10 + number(c)) * 1_000_000));
    }
    match stamp::span(text, unit)? {
        Span::Known(span) => Some(Some(span)),
        Span::NotReached => Some(None),
    }
}
