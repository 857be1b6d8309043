//! Puts requests in the order of their arrival, with bounded memory.
//!
//! Records are nearly in order: a log is written when a request ends. A window of them is held and sorted, and its first half goes on. What comes
//! later than that window allows makes a new *run* on disk, and in the end the runs are merged. Nothing is ever given out of order, and what
//! arrives at the same instant keeps the record's order.

mod kept;
mod runs;
#[cfg(test)]
mod tests;
mod watch;

use std::io;

use super::entry::{Entry, Stop};
use runs::{Key, Runs};
use watch::Watch;

/// What is held at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests in the window.
    pub entries: usize,
    /// Bytes of them.
    pub bytes: usize,
    /// Runs that are merged at once: open files, each with a buffer.
    pub fan_in: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { entries: 1 << 18, bytes: 32 << 20, fan_in: 64 }
    }
}

/// Why requests cannot be put in order.
#[derive(Debug, thiserror::Error)]
pub enum OrderFault {
    /// Whoever takes them wanted no more.
    #[error("no more were wanted")]
    Stopped,
    /// The disk that holds what memory does not.
    #[error("requests are sorted on disk, in the folder for temporary files, and that failed: {0}")]
    Disk(#[from] io::Error),
}

impl From<Stop> for OrderFault {
    fn from(Stop: Stop) -> Self {
        Self::Stopped
    }
}

/// What was seen of the order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Requests.
    pub requests: u64,
    /// How many arrived before the one that stands before them in their file.
    pub backwards: u64,
    /// The greatest of these steps, in nanoseconds.
    pub greatest_ns: u64,
    /// Runs that were written to disk; 0 if memory was enough.
    pub runs: u64,
    /// What looks like a clock that was set, or a unit that changed.
    pub warnings: Vec<String>,
}

/// Where requests go.
pub type Out<'a> = dyn FnMut(&Entry<'_>) -> Result<(), Stop> + 'a;

/// Puts requests in order.
#[derive(Debug)]
pub struct Order {
    limits: Limits,
    window: Window,
    runs: Runs,
    watch: Watch,
    number: u64,
}

/// Requests that are held, in a compact form.
#[derive(Debug, Default)]
struct Window {
    index: Vec<Slot>,
    bytes: Vec<u8>,
    spare: Vec<u8>,
    is_sorted: bool,
}

/// Where a request lies in the window's bytes.
#[derive(Clone, Copy, Debug)]
struct Slot {
    key: Key,
    start: usize,
    end: usize,
}

impl Order {
    /// With these limits.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let limits = Limits { entries: limits.entries.max(2), fan_in: limits.fan_in.max(2), ..limits };
        let window = Window { is_sorted: true, ..Window::default() };
        Self { limits, window, runs: Runs::new(limits.fan_in), watch: Watch::default(), number: 0 }
    }

    /// Another file begins: its first request may be before the last one's without a word.
    pub fn file_begins(&mut self) {
        self.watch.file_begins();
    }

    /// Takes a request.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn push(&mut self, entry: &Entry<'_>) -> Result<(), OrderFault> {
        self.push_moved(entry, 0)
    }

    /// Takes a request that was moved by so much from its stamp: what is told of the order is told of stamps.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn push_moved(&mut self, entry: &Entry<'_>, by: i64) -> Result<(), OrderFault> {
        self.number += 1;
        self.watch.see(entry.at.saturating_sub(by), entry.tick);
        self.window.push(Key { at: entry.at, number: self.number }, entry);
        if self.window.index.len() >= self.limits.entries || self.window.bytes.len() >= self.limits.bytes {
            self.window.sort();
            self.spill()?;
        }
        Ok(())
    }

    /// Gives out all that is left, in order, and says what was seen.
    ///
    /// # Errors
    /// Those of the disk, and [`OrderFault::Stopped`].
    pub fn finish(mut self, out: &mut Out<'_>) -> Result<Report, OrderFault> {
        self.window.sort();
        if self.runs.is_empty() {
            self.window.give(out)?;
        } else {
            self.write(self.window.index.len())?;
            self.runs.merge(out)?;
        }
        let mut report = self.watch.finish();
        report.requests = self.number;
        report.runs = self.runs.written();
        Ok(report)
    }

    /// Writes the window's first half behind the present run, or all of it as a new one where it does not fit behind.
    fn spill(&mut self) -> Result<(), OrderFault> {
        let first = self.window.index.first().map(|slot| slot.key);
        let count = if first.is_some_and(|first| self.runs.fits(first)) { self.window.half() } else { self.window.index.len() };
        self.write(count)
    }

    fn write(&mut self, count: usize) -> Result<(), OrderFault> {
        for slot in &self.window.index[..count] {
            self.runs.write(slot.key, &self.window.bytes[slot.start..slot.end])?;
        }
        self.window.drop_first(count);
        Ok(())
    }
}

impl Window {
    fn push(&mut self, key: Key, entry: &Entry<'_>) {
        self.is_sorted &= self.index.last().is_none_or(|last| last.key < key);
        let start = self.bytes.len();
        kept::keep(entry, &mut self.bytes);
        self.index.push(Slot { key, start, end: self.bytes.len() });
    }

    /// By arrival, and then by number.
    fn sort(&mut self) {
        if !self.is_sorted {
            self.index.sort_by_key(|slot| slot.key);
            self.is_sorted = true;
        }
    }

    /// How many go when it is full: half of them, but one at least.
    fn half(&self) -> usize {
        (self.index.len() / 2).max(1)
    }

    fn give(&self, out: &mut Out<'_>) -> Result<(), OrderFault> {
        for slot in &self.index {
            let entry = kept::entry(slot.key.at, &self.bytes[slot.start..slot.end]);
            out(&entry.expect("what was kept in memory is whole"))?;
        }
        Ok(())
    }

    /// Forgets the first ones, and moves the others to the front.
    fn drop_first(&mut self, count: usize) {
        self.index.drain(..count);
        self.spare.clear();
        for slot in &mut self.index {
            let start = self.spare.len();
            self.spare.extend_from_slice(&self.bytes[slot.start..slot.end]);
            (slot.start, slot.end) = (start, self.spare.len());
        }
        std::mem::swap(&mut self.bytes, &mut self.spare);
    }
}
