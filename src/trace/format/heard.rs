//! A sink of the tests, which keeps all that a reader says.

use std::borrow::Cow;
use std::io::BufRead;

use super::{Document, DocumentFault};
use crate::trace::{Entry, Reason, Sink, Stop};

/// Keeps all that a reader says.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) requests: Vec<Entry<'static>>,
    pub(crate) other: Vec<(u64, &'static str)>,
    pub(crate) unreadable: Vec<(u64, String)>,
}

impl Sink for Heard {
    fn request(&mut self, entry: &Entry<'_>) -> Result<(), Stop> {
        let own = |text: &Option<Cow<'_, [u8]>>| text.as_ref().map(|text| Cow::Owned(text.to_vec()));
        let (key, client, backend, class) = (own(&entry.key), own(&entry.client), own(&entry.backend), own(&entry.class));
        self.requests.push(Entry { key, client, backend, class, ..*entry });
        Ok(())
    }

    fn other(&mut self, line: u64, what: &'static str) -> Result<(), Stop> {
        self.other.push((line, what));
        Ok(())
    }

    fn unreadable(&mut self, line: u64, reason: Reason) -> Result<(), Stop> {
        self.unreadable.push((line, reason.into_owned()));
        Ok(())
    }
}

/// What a reader says of a text, or why it could not be read.
pub(crate) fn hear(reader: &mut dyn Document, mut input: impl BufRead) -> Result<Heard, String> {
    let mut heard = Heard::default();
    match reader.read(&mut input, &mut heard) {
        Ok(()) => Ok(heard),
        Err(DocumentFault::Wrong { at, reason }) => Err(format!("{at}: {reason}")),
        Err(fault) => Err(format!("{fault:?}")),
    }
}

/// A text as an entry holds it.
pub(crate) fn text(text: &str) -> Option<Cow<'static, [u8]>> {
    Some(Cow::Owned(text.as_bytes().to_vec()))
}
