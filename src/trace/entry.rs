//! One recorded request, whatever the format it was found in.

use std::borrow::Cow;

/// Bytes of a record: as they stand in it, or with its escapes undone.
pub type Text<'a> = Cow<'a, [u8]>;

/// A recorded request. All times are nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry<'a> {
    /// When it *arrived*: since 1970 in UTC where the record has dates, otherwise since the record's own zero. Where the record stamps the end of
    /// a request, its duration has been taken off.
    pub at: i64,
    /// How exact that instant is, in nanoseconds: 1,000,000,000 for whole seconds, 1 where it is as exact as it gets.
    pub tick: u32,
    /// The time that a backend worked on it, without what it waited for before.
    pub service: Option<u64>,
    /// The time from its arrival to the end of its answer, waiting included.
    pub duration: Option<u64>,
    /// The time it waited in a queue of the balancer, where the record tells it apart.
    pub queued: Option<u64>,
    /// What a hash balancer would look at: the path of its URL, an object, a prompt's prefix.
    pub key: Option<Text<'a>>,
    /// Who sent it: an address, a session, a user.
    pub client: Option<Text<'a>>,
    /// The backend that gave the answer (the last one that was tried).
    pub backend: Option<Text<'a>>,
    /// What it asked for in the large: a service, a function, a pool, a model.
    pub class: Option<Text<'a>>,
    /// The HTTP status that the client got.
    pub status: Option<u16>,
    /// How it ended.
    pub outcome: Outcome,
    /// Bytes of the answer.
    pub bytes: Option<u64>,
    /// Tokens of a prompt.
    pub input: Option<u64>,
    /// Tokens made for it.
    pub output: Option<u64>,
    /// How many backends were tried; 0 where none was, or where the record does not say.
    pub tries: u32,
}

/// How a recorded request ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered, as far as the record says.
    #[default]
    Succeeded,
    /// It was answered with an error of the server's side (5xx, or what a format says of it).
    Failed,
    /// It never reached a backend.
    Refused,
}

/// What a line turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// A request.
    Request(Entry<'a>),
    /// Not a request and not meant to be one: a header, a comment, another metric. The words say what, for the count.
    Other(&'static str),
    /// Not what the format promises.
    Unreadable(Reason),
}

/// Why a record could not be read: few different ones for a format, since they are counted.
pub type Reason = Cow<'static, str>;

/// A format whose records are lines.
pub trait LineFormat {
    /// Reads a line, given without its line end.
    fn read<'a>(&mut self, line: &'a [u8]) -> Line<'a>;
}

/// Nobody wants more records: reading ends, and whoever stopped knows why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop;

/// Where readers push what they find.
pub trait Sink {
    /// Another file begins: its first request may be from before the last one's end.
    fn file_begins(&mut self) {}

    /// A request. They come in the order of the record, which need not be that of time.
    ///
    /// # Errors
    /// [`Stop`] if no more are wanted.
    fn request(&mut self, entry: &Entry<'_>) -> Result<(), Stop>;

    /// Something at a line (counted from 1; for formats without lines, the record's number) that is not a request.
    ///
    /// # Errors
    /// [`Stop`] if no more are wanted.
    fn other(&mut self, line: u64, what: &'static str) -> Result<(), Stop>;

    /// Something at a line that could not be read.
    ///
    /// # Errors
    /// [`Stop`] if no more are wanted.
    fn unreadable(&mut self, line: u64, reason: Reason) -> Result<(), Stop>;
}

impl Entry<'_> {
    /// The same, with texts that are lent.
    #[must_use]
    pub fn borrowed(&self) -> Entry<'_> {
        Entry {
            key: self.key.as_deref().map(Cow::Borrowed),
            client: self.client.as_deref().map(Cow::Borrowed),
            backend: self.backend.as_deref().map(Cow::Borrowed),
            class: self.class.as_deref().map(Cow::Borrowed),
            at: self.at,
            tick: self.tick,
            service: self.service,
            duration: self.duration,
            queued: self.queued,
            status: self.status,
            outcome: self.outcome,
            bytes: self.bytes,
            input: self.input,
            output: self.output,
            tries: self.tries,
        }
    }
}
