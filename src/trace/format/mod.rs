//! The formats that recorded traffic comes in.

pub mod columns;
pub mod delimited;
pub mod functions;
pub mod har;
#[cfg(test)]
pub(crate) mod heard;
pub mod json;
pub mod presets;
pub(crate) mod pull;
pub(crate) mod records;
pub mod spans;
pub mod worldcup;

use std::fmt;
use std::io::{self, BufRead};

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
