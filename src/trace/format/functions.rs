//! Azure Functions 2019: how often each function was called in each minute of a day, and percentiles of how long it took.
//!
//! Counts become arrivals minute by minute. One arrival is pending for each function that is called in the minute, and the next of all is
//! taken, so they come in the order of time, however many there are. What is drawn for a function depends on the seed, on its name and on
//! the minute alone: taking another function out of the file moves nothing.

mod chance;
mod durations;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::BufRead;

use super::columns::whole_number;
use super::records::{Records, Row};
use super::{Document, DocumentFault};
use crate::trace::{Entry, Reason, Sink};
use chance::Chance;
use durations::Durations;

pub use durations::recognise as recognise_durations;

/// The most functions of a file: the release has about 50,000 a day.
const MAX_FUNCTIONS: usize = 200_000;

/// The most pairs of a function and a minute in which it was called: 8 bytes each.
const MAX_CELLS: usize = 24 << 20;

/// Nanoseconds of a minute.
const MINUTE: u64 = 60_000_000_000;

/// How the calls of a minute lie in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spread {
    /// As many as were counted, each anywhere in the minute: what a Poisson process looks like, given its count.
    #[default]
    Uniform,
    /// As many as were counted, at equal distances, from a random start.
    Even,
    /// With exponential gaps: as many as were counted on average.
    Poisson,
}

/// Reads `invocations_per_function`: minute counts per function. Classes are apps, keys are functions, and time is the day's own.
#[derive(Clone, Debug)]
pub struct Functions {
    seed: u64,
    spread: Spread,
    durations: Durations,
    rows: Vec<Function>,
    /// For each minute the functions called, and how often.
    minutes: Vec<Vec<(u32, u32)>>,
    cells: usize,
}

/// A function: its app, its own name, and what both hash to.
#[derive(Clone, Debug)]
struct Function {
    app: Box<[u8]>,
    name: Box<[u8]>,
    id: u128,
}

/// Where the columns stand.
#[derive(Clone, Copy, Debug)]
struct Header {
    app: usize,
    function: usize,
    /// The column of the first minute, and how many minutes follow.
    first: usize,
    minutes: usize,
    width: usize,
}

impl Functions {
    /// Without durations: they are unknown.
    #[must_use]
    pub fn new(seed: u64, spread: Spread) -> Self {
        Self { seed, spread, durations: Durations::default(), rows: Vec::new(), minutes: Vec::new(), cells: 0 }
    }

    /// With the percentiles of `function_durations_percentiles`: durations are drawn between them, as service times. (They are percentiles
    /// of averages over 30 seconds, so single calls varied more.) Rows that cannot be read are told to the sink.
    ///
    /// # Errors
    /// If it is not that table, or cannot be read.
    pub fn with_durations(mut self, input: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<Self, DocumentFault> {
        self.durations = Durations::read(input, sink)?;
        Ok(self)
    }

    fn row(&mut self, header: Header, row: Row<'_>) -> Result<(), Reason> {
        if row.count != header.width {
            return Err("a row with another number of fields than the header".into());
        }
        let text = |index| row.get(index).unwrap_or_default();
        let count = |minute: usize| whole_number(text(header.first + minute)).and_then(|count| u32::try_from(count).ok());
        if (0..header.minutes).any(|minute| count(minute).is_none()) {
            return Err("a count of a minute that is no whole number".into());
        }
        let number = u32::try_from(self.rows.len()).map_err(|_| "too many functions")?;
        for (minute, cells) in self.minutes.iter_mut().enumerate() {
            if let Some(count @ 1..) = count(minute) {
                cells.push((number, count));
                self.cells += 1;
            }
        }
        let (app, name) = (text(header.app), text(header.function));
        self.rows.push(Function { app: app.into(), name: name.into(), id: id(app, name) });
        Ok(())
    }

    fn load(&mut self, input: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), DocumentFault> {
        let mut header = None;
        (self.rows, self.minutes, self.cells) = (Vec::new(), Vec::new(), 0);
        Records::new(b',').read(input, &mut |line, row| {
            let Some(header) = header else {
                let found = Header::find(row).map_err(|reason| DocumentFault::Wrong { at: line, reason })?;
                self.minutes.resize(found.minutes, Vec::new());
                header = Some(found);
                return Ok(sink.other(line, "a header")?);
            };
            if row.is_empty() {
                return Ok(sink.other(line, "an empty line")?);
            }
            if self.rows.len() >= MAX_FUNCTIONS || self.cells + header.minutes > MAX_CELLS {
                let reason = "more than 200,000 functions, or too many minutes with calls; split the file".into();
                return Err(DocumentFault::Wrong { at: line, reason });
            }
            match self.row(header, row) {
                Ok(()) => Ok(()),
                Err(reason) => Ok(sink.unreadable(line, reason)?),
            }
        })
    }

    /// The calls of a minute, in the order of time.
    fn minute(&self, minute: usize, calls: &[(u32, u32)], sink: &mut dyn Sink) -> Result<(), DocumentFault> {
        let mut pending: Vec<Pending> =
            calls.iter().map(|&(function, count)| Pending::new(self.seed, minute, self.rows[function as usize].id, count)).collect();
        let mut next = BinaryHeap::with_capacity(calls.len());
        for (index, pending) in pending.iter_mut().enumerate() {
            next.extend(pending.next(self.spread).map(|at| Reverse((at, index))));
        }
        let start = minute as u64 * MINUTE;
        while let Some(Reverse((at, index))) = next.pop() {
            let function = &self.rows[calls[index].0 as usize];
            let service = self.durations.draw(function.id, &mut pending[index].work);
            let entry = Entry {
                at: i64::try_from(start + at).unwrap_or(i64::MAX),
                // The instant is drawn: there is nothing left to spread.
                tick: 1,
                service,
                duration: service,
                class: Some(Cow::Borrowed(&function.app)),
                key: Some(Cow::Borrowed(&function.name)),
                ..Entry::default()
            };
            sink.request(&entry)?;
            next.extend(pending[index].next(self.spread).map(|at| Reverse((at, index))));
        }
        Ok(())
    }
}

impl Document for Functions {
    fn read(&mut self, input: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), DocumentFault> {
        self.load(input, sink)?;
        self.minutes.iter().enumerate().try_for_each(|(minute, calls)| self.minute(minute, calls, sink))
    }
}

impl Header {
    fn find(row: Row<'_>) -> Result<Self, Reason> {
        let at = |name: &str| row.iter().position(|found| found.trim_ascii() == name.as_bytes());
        let (Some(app), Some(function), Some(first)) = (at("HashApp"), at("HashFunction"), at("1")) else {
            let wanted = "HashApp, HashFunction and a column for each minute from 1";
            return Err(format!("this is not Azure Functions' table of invocations: the header must have {wanted}").into());
        };
        let numbers = row.iter().skip(first).zip(1..);
        let minutes = numbers.take_while(|&(name, number)| whole_number(name.trim_ascii()) == Some(number)).count();
        Ok(Self { app, function, first, minutes, width: row.count })
    }
}

/// What a function's names hash to.
fn id(app: &[u8], function: &[u8]) -> u128 {
    let half = |seed| {
        let app = xxhash_rust::xxh64::xxh64(app, seed);
        u128::from(xxhash_rust::xxh64::xxh64(function, app))
    };
    half(0) << 64 | half(1)
}

/// The calls of a function in a minute that are still to come.
#[derive(Clone, Copy, Debug)]
struct Pending {
    chance: Chance,
    /// Durations have draws of their own, so that they move no arrival.
    work: Chance,
    count: u32,
    left: u32,
    /// How far the minute is, from 0 to 1.
    passed: f64,
}

impl Pending {
    fn new(seed: u64, minute: usize, id: u128, count: u32) -> Self {
        Self { chance: Chance::new(seed, minute as u64, id), work: Chance::new(!seed, minute as u64, id), count, left: count, passed: 0.0 }
    }

    /// Nanoseconds of the minute at the next call.
    fn next(&mut self, spread: Spread) -> Option<u64> {
        let left = f64::from(self.left);
        self.left = self.left.checked_sub(1).or((spread == Spread::Poisson).then_some(0))?;
        match spread {
            // The least of `left` uniform values in what remains of the minute.
            Spread::Uniform => self.passed = 1.0 - (1.0 - self.passed) * libm::pow(self.chance.unit(), 1.0 / left),
            Spread::Even if self.passed == 0.0 => self.passed = self.chance.unit() / f64::from(self.count),
            Spread::Even => self.passed += 1.0 / f64::from(self.count),
            Spread::Poisson => {
                self.passed -= libm::log(self.chance.unit()) / f64::from(self.count);
                if self.passed >= 1.0 {
                    return None;
                }
            }
        }
        Some(((self.passed * MINUTE as f64) as u64).min(MINUTE - 1))
    }
}

/// Whether a file's first bytes are those of the table of invocations.
#[must_use]
pub fn recognise(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    head.starts_with(b"HashOwner,HashApp,HashFunction,Trigger,1,")
}

#[cfg(test)]
mod tests;
