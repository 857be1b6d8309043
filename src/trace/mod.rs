//! Recorded traffic: logs and traces of real systems, read into one form.
//!
//! ```text
//!  files ──input──▶ bytes ──format──▶ Entry ──order──▶ entries in time ──tape──▶ columns ──traffic──▶ arrivals
//!          unpacked         a reader          at most a                 compact,
//!          bounded          per format        window held               checksummed
//! ```
//!
//! Readers push what they find into a [`Sink`]; nothing grows with the file.

#[cfg(feature = "traces")]
pub mod calibrate;
pub mod entry;
#[cfg(feature = "traces")]
pub mod fit;
#[cfg(feature = "traces")]
pub mod format;
#[cfg(feature = "traces")]
pub mod input;
#[cfg(feature = "traces")]
pub mod order;
#[cfg(feature = "traces")]
pub mod read;
#[cfg(feature = "traces")]
pub mod recording;
#[cfg(feature = "traces")]
mod shown;
#[cfg(feature = "traces")]
pub mod stamp;
#[cfg(feature = "traces")]
pub mod tally;
pub mod tape;
#[cfg(feature = "traces")]
mod twins;

pub use entry::{Entry, Line, LineFormat, Outcome, Reason, Sink, Stop};
