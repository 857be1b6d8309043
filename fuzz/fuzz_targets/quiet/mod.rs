//! A sink that forgets, and checks what any reader promises.

use evenkeel::trace::format::Document;
use evenkeel::trace::{Entry, Reason, Sink, Stop};

/// The sink.
pub(crate) struct Quiet;

impl Sink for Quiet {
    fn request(&mut self, entry: &Entry<'_>) -> Result<(), Stop> {
        assert!(entry.tick > 0, "an instant is exact to something");
        Ok(())
    }

    fn other(&mut self, line: u64, _what: &'static str) -> Result<(), Stop> {
        assert!(line > 0, "lines are counted from 1");
        Ok(())
    }

    fn unreadable(&mut self, line: u64, reason: Reason) -> Result<(), Stop> {
        assert!(line > 0 && reason.len() < 500, "lines are counted from 1, reasons are short");
        Ok(())
    }
}

/// Reads all of it, whatever it says.
pub(crate) fn read(reader: &mut dyn Document, mut data: &[u8]) {
    let _ = reader.read(&mut data, &mut Quiet);
}
