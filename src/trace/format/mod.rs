//! The formats that recorded traffic comes in.

pub mod alb;
mod catalogue;
pub mod cloudfront;
pub mod columns;
pub mod delimited;
mod envoy;
pub mod functions;
pub mod haproxy;
pub mod har;
#[cfg(test)]
pub(crate) mod heard;
pub mod json;
mod logs;
pub mod pattern;
pub mod presets;
pub(crate) mod pull;
mod recognise;
pub(crate) mod records;
pub mod spans;
mod values;
pub mod worldcup;

pub use catalogue::{Choices, Format, OpenFault, explain, open};
pub use columns::{Columns, Meaning, ROLES};
pub use haproxy::Timers;
pub use pattern::{Pattern, Syntax, SyntaxFault};
pub use recognise::{Recognised, recognise};

use std::cell::RefCell;
use std::fmt;
use std::io::{self, BufRead};
use std::rc::Rc;

use super::entry::{LineFormat, Reason, Sink, Stop};

/// A format whose records are no lines: one JSON text, binary records, two tables in one.
pub trait Document: fmt::Debug {
    /// Reads all of it.
    ///
    /// # Errors
    /// Why it could not be read to its end.
    fn read(&mut self, input: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), DocumentFault>;
}

/// Why a document was not read to its end.
#[derive(Debug)]
pub enum DocumentFault {
    /// The sink wanted no more.
    Stopped,
    /// The bytes could not be had.
    Io(io::Error),
    /// It is not what the format promises, and nothing can be read behind that place.
    Wrong {
        /// The line or the number of the record, from 1.
        at: u64,
        /// What is wrong with it.
        reason: Reason,
    },
}

impl From<Stop> for DocumentFault {
    fn from(Stop: Stop) -> Self {
        Self::Stopped
    }
}

impl From<io::Error> for DocumentFault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A reader of a format.
#[allow(missing_debug_implementations, reason = "a LineFormat need not print")]
pub enum Reading {
    /// Line by line.
    Lines(Box<dyn LineFormat>),
    /// All at once.
    Document(Box<dyn Document>),
}

/// How many lines had which layout of a format. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Tally(Rc<RefCell<Vec<(&'static str, u64)>>>);

impl Tally {
    #[inline]
    fn count(&self, name: &'static str) {
        let mut counts = self.0.borrow_mut();
        // Few names, each from one place: the pointers tell them apart.
        match counts.iter_mut().find(|(known, _)| std::ptr::eq(*known, name)) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }

    /// The layouts that were seen, in the order in which they were.
    #[must_use]
    pub fn counts(&self) -> Vec<(&'static str, u64)> {
        self.0.borrow().clone()
    }
}
