//! Recorded traffic: logs and traces of real systems, read into one form.
//!
//! ```text
//!  files ──input──▶ bytes ──format──▶ Entry ──order──▶ entries in time ──tape──▶ columns ──traffic──▶ arrivals
//!          unpacked         a reader          at most a                 compact,
//!          bounded          per format        window held               checksummed
//! ```
//!
//! Readers push what they find into a [`Sink`]; nothing grows with the file.

pub mod entry;
pub mod format;
pub mod input;
pub mod order;
pub mod read;
mod shown;
pub mod stamp;
pub mod tally;

pub use entry::{Entry, Line, LineFormat, Outcome, Reason, Sink, Stop};
