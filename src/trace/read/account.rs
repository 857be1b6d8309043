//! Counts what was read, and what could not be, by reason.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::trace::entry::{Entry, Line, LineFormat, Reason, Sink, Stop};
use crate::trace::shown;

use super::{FileRead, Settings};

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Requests.
    pub requests: u64,
    /// Of these, how many have a service time.
    pub with_service: u64,
    /// Of these, how many have a duration.
    pub with_duration: u64,
    /// What is not a request and not meant to be one, by what it is.
    pub others: BTreeMap<&'static str, u64>,
    /// What could not be read, by reason.
    pub unread: BTreeMap<String, Unread>,
}

/// Records that could not be read for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// How many.
    pub count: u64,
    /// The file of the first one.
    pub file: String,
    /// Its line, or its number, from 1.
    pub line: u64,
    /// How it begins, if it is a line.
    pub begins: String,
}

/// More reasons than this are counted as one.
const MOST_REASONS: usize = 50;

/// More kinds of other lines than this are counted as one.
const MOST_OTHERS: usize = 50;

/// So many records are read before most of them being unreadable ends it.
const PATIENCE: u64 = 10_000;

impl Account {
    /// How many records could not be read.
    #[must_use]
    pub fn unreadable(&self) -> u64 {
        self.unread.values().map(|unread| unread.count).sum()
    }

    /// More than one in a hundred.
    pub(super) fn is_too_bad(&self) -> bool {
        let unreadable = self.unreadable();
        unreadable.saturating_mul(100) > self.requests.saturating_add(unreadable)
    }

    /// What could not be read, a line a reason, the most frequent first.
    pub(super) fn complaint(&self) -> String {
        let unreadable = self.unreadable();
        let all = self.requests.saturating_add(unreadable);
        let verdict =
            if self.is_too_bad() { "more than one in a hundred, so the format is likely another one" } else { "they were left out" };
        let mut text = format!("{unreadable} of {all} records could not be read: {verdict}");
        let mut reasons: Vec<_> = self.unread.iter().collect();
        reasons.sort_by_key(|(_, unread)| std::cmp::Reverse(unread.count));
        for (reason, Unread { count, file, line, begins }) in reasons {
            let _ = write!(text, "\n  {count} × {reason}, first at {file}:{line}");
            if !begins.is_empty() {
                let _ = write!(text, ": {begins}");
            }
        }
        text
    }

    /// What there is instead of requests.
    pub(super) fn instead(&self, files: &[FileRead], formats: &str) -> String {
        let mut parts: Vec<String> = self.others.iter().map(|(what, count)| format!("{count} × {what}")).collect();
        if parts.is_empty() {
            parts.push("nothing at all".into());
        }
        let of = if formats.is_empty() { String::new() } else { format!(", read as {formats}") };
        let more = if files.len() > 1 { format!(" and {} more", files.len() - 1) } else { String::new() };
        let first = files.first().map_or("no file", |file| &file.name);
        format!("{first}{more}{of}: {}", parts.join(", "))
    }
}

/// A sink that counts, and passes on.
pub(super) struct Counting<'a> {
    account: &'a mut Account,
    sink: &'a mut dyn Sink,
    file: &'a str,
    settings: &'a Settings,
    refused: bool,
    /// The first line that could not be read.
    first_line: Vec<u8>,
    unreadable: u64,
}

impl<'a> Counting<'a> {
    pub(super) fn new(account: &'a mut Account, sink: &'a mut dyn Sink, file: &'a str, settings: &'a Settings) -> Self {
        let unreadable = account.unreadable();
        Self { account, sink, file, settings, refused: false, first_line: Vec::new(), unreadable }
    }

    /// Reads a line with a format.
    #[inline]
    pub(super) fn line(&mut self, number: u64, line: &[u8], format: &mut dyn LineFormat) -> Result<(), Stop> {
        match format.read(line) {
            Line::Request(entry) => self.request(&entry),
            Line::Other(what) => self.other(number, what),
            Line::Unreadable(reason) => self.unread(number, reason, line),
        }
    }

    /// Notes a line that was longer than the limit.
    pub(super) fn too_long(&mut self, number: u64, start: &[u8]) -> Result<(), Stop> {
        self.unread(number, "the line is longer than the limit for lines".into(), start)
    }

    fn unread(&mut self, number: u64, reason: Reason, line: &[u8]) -> Result<(), Stop> {
        const KEPT: usize = 4096;
        if self.first_line.is_empty() {
            self.first_line = line[..line.len().min(KEPT)].to_vec();
        }
        let reasons = self.account.unread.len();
        match self.account.unread.get_mut(&*reason) {
            Some(unread) => unread.count += 1,
            None => {
                let name = if reasons < MOST_REASONS { reason.clone().into_owned() } else { "other reasons".to_owned() };
                let first = || Unread { count: 0, file: self.file.to_owned(), line: number, begins: shown::shown(line) };
                let begins = line.is_empty();
                let unread = self.account.unread.entry(name).or_insert_with(first);
                unread.count += 1;
                if begins {
                    unread.begins.clear();
                }
            }
        }
        self.unreadable += 1;
        let is_hopeless = self.unreadable > PATIENCE && self.unreadable > self.account.requests;
        if self.settings.strict || is_hopeless && !self.settings.bears_all {
            self.refused = true;
            return Err(Stop);
        }
        self.sink.unreadable(number, reason)
    }

    /// Why reading was ended here, if it was.
    pub(super) fn refusal(&self) -> Option<String> {
        self.refused.then(|| match (self.settings.strict, self.account.unread.iter().next()) {
            (true, Some((reason, Unread { file, line, begins, .. }))) => format!("{file}:{line}: {reason}: {begins}"),
            _ => self.account.complaint(),
        })
    }

    /// The first line that could not be read; empty if there is none.
    pub(super) fn first_line(&self) -> &[u8] {
        &self.first_line
    }
}

impl Sink for Counting<'_> {
    #[inline]
    fn request(&mut self, entry: &Entry<'_>) -> Result<(), Stop> {
        self.account.requests += 1;
        self.account.with_service += u64::from(entry.service.is_some());
        self.account.with_duration += u64::from(entry.duration.is_some());
        self.sink.request(entry)
    }

    fn other(&mut self, line: u64, what: &'static str) -> Result<(), Stop> {
        let kinds = self.account.others.len();
        let is_known = self.account.others.contains_key(what);
        *self.account.others.entry(if is_known || kinds < MOST_OTHERS { what } else { "other lines" }).or_insert(0) += 1;
        self.sink.other(line, what)
    }

    fn unreadable(&mut self, line: u64, reason: Reason) -> Result<(), Stop> {
        self.unread(line, reason, b"")
    }
}
