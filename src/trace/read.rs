//! The one way in: files of whatever format, read into requests, with a count of everything that is none.

mod account;
#[cfg(test)]
mod tests;

pub use account::{Account, Unread};

use super::entry::{LineFormat, Sink};
use super::format::functions::Functions;
use super::format::{self, Choices, Document, DocumentFault, Format, OpenFault, Reading, Syntax, Tally};
use super::input::{self, Cause, Input, InputFault, Lines, Opened, Piece, Spent};
use super::order;
use super::shown;
use super::tape;
use account::Counting;

/// How to read.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The format; `None`: by what is in each file.
    pub format: Option<Format>,
    /// What a user says of it.
    pub choices: Choices,
    /// The first record that cannot be read is refused, where otherwise one in a hundred is left out.
    pub strict: bool,
    /// However many cannot be read, they are counted and left out.
    pub bears_all: bool,
    /// What may be read at most.
    pub limits: input::Limits,
    /// What is held to put requests in order.
    pub order: order::Limits,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// The files, in the order in which they were read.
    pub files: Vec<FileRead>,
    /// What was counted in all of them.
    pub account: Account,
    /// In which order they stood, where they were put in order.
    pub order: order::Report,
    /// What may mislead.
    pub warnings: Vec<String>,
    /// Whether everything was read; whoever takes requests may have wanted no more.
    pub is_complete: bool,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRead {
    /// Its name.
    pub name: String,
    /// Its format; `None` if it is empty.
    pub format: Option<Format>,
    /// Why it is that; `None` if the user said so.
    pub why: Option<String>,
    /// Requests in it.
    pub requests: u64,
    /// Bytes of it, unpacked.
    pub bytes: u64,
    /// The layouts that its lines have, where a format has several.
    pub layouts: Vec<(&'static str, u64)>,
}

/// Why nothing can be done with what was read.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A file could not be read, or not to its end.
    #[error("{file}: {fault}{}", so_far(.requests))]
    Input {
        /// Its name.
        file: String,
        /// Why.
        fault: InputFault,
        /// Requests that had been read of it.
        requests: u64,
    },
    /// A file is of no format that is known.
    #[error(
        "{file}: this is no format that can be told from its content: it begins with {head}. Say which it is with a format ({known}), or give the log format of the server's configuration"
    )]
    Unknown {
        /// Its name.
        file: String,
        /// Its first bytes.
        head: String,
        /// All formats.
        known: String,
    },
    /// The format cannot be read so.
    #[error(transparent)]
    Format(#[from] OpenFault),
    /// A document is not what its format promises.
    #[error("{file}:{at}: {reason}{}", so_far(.requests))]
    Document {
        /// Its name.
        file: String,
        /// The line or the record, from 1.
        at: u64,
        /// What is wrong.
        reason: String,
        /// Requests that had been read of it.
        requests: u64,
    },
    /// Too much of it could not be read.
    #[error("{0}")]
    Unreadable(String),
    /// There are no requests.
    #[error("there are 0 requests in {0}")]
    Empty(String),
}

fn so_far(requests: &u64) -> String {
    if *requests == 0 { String::new() } else { format!(" ({requests} requests had been read before that)") }
}

impl Fault {
    /// Whether the system broke or a limit was met while reading, rather than that what was asked for is wrong.
    #[must_use]
    pub fn is_from_outside(&self) -> bool {
        match self {
            Self::Input { fault, .. } => fault.cause != Cause::Refused,
            _ => false,
        }
    }
}

/// A trace file stands for itself.
const TAPE: &str = "it is a trace file of `evenkeel trace convert`, which is read by itself: as the one file that is named, unpacked, and not through a pipe; \
                    to put several logs together, convert them together";

/// How much of a file shows what it is.
const HEAD: usize = 64 << 10;

/// Reads files one after the other and gives requests to the sink, in the order of the record.
///
/// # Errors
/// What cannot be read, and more than one in a hundred records that could not be.
pub fn read(inputs: &[Input], settings: &Settings, sink: &mut dyn Sink) -> Result<Read, Fault> {
    let mut run = Run::new(settings);
    for input in inputs {
        sink.file_begins();
        if !run.file(input, sink)? {
            return Ok(run.read);
        }
    }
    run.finish()
}

/// Reading of all files.
struct Run<'s> {
    settings: &'s Settings,
    read: Read,
    spent: Spent,
    /// The first line that could not be read, and the format that it was read as.
    first: Option<(Format, Vec<u8>)>,
}

impl<'s> Run<'s> {
    fn new(settings: &'s Settings) -> Self {
        Self { settings, read: Read::default(), spent: Spent::default(), first: None }
    }

    /// Reads a file; `false` if the sink wants no more.
    fn file(&mut self, input: &Input, sink: &mut dyn Sink) -> Result<bool, Fault> {
        let name = input.to_string();
        let (requests_before, spent_before) = (self.read.account.requests, self.spent);
        let fault = |fault| Fault::Input { file: name.clone(), fault, requests: 0 };
        let opened = input::open(input, &self.settings.limits, self.spent).map_err(fault)?;
        let mut lines = Lines::new(opened, self.settings.limits.line);
        let head = lines.head(HEAD).map_err(|error| fault(InputFault::of(&error)))?;
        let mut file = FileRead { name: name.clone(), format: None, why: None, requests: 0, bytes: 0, layouts: Vec::new() };
        let mut wants_more = true;
        if head.starts_with(tape::MAGIC) {
            return Err(fault(InputFault { cause: Cause::Refused, text: TAPE.into() }));
        }
        // Blank lines at the start are no reason to leave out what may follow.
        if head.len() >= HEAD || !head.trim_ascii().is_empty() {
            let format = self.format(head, &mut file)?;
            let (reading, tally) = match &self.settings.choices.durations {
                Some(durations) if format == Format::AzureFunctions2019 => (self.functions(durations, sink)?, Tally::default()),
                _ => format::open(format, &self.settings.choices)?,
            };
            wants_more = self.content(&mut lines, reading, &file, sink)?;
            self.layouts(&mut file, &tally);
        }
        let now = lines.inner().spent();
        file.requests = self.read.account.requests - requests_before;
        file.bytes = now.bytes - spent_before.bytes;
        self.spent.bytes = self.spent.bytes.saturating_add(file.bytes);
        self.spent.unpacked = self.spent.unpacked.saturating_add(now.unpacked - spent_before.unpacked);
        if wants_more {
            let requests = file.requests;
            let warnings = lines.inner().finish().map_err(|fault| Fault::Input { file: name.clone(), fault, requests })?;
            self.read.warnings.extend(warnings.into_iter().map(|warning| format!("{name}: {warning}")));
        }
        if file.format.is_none() {
            self.read.warnings.push(format!("{name} is empty"));
        }
        self.read.files.push(file);
        Ok(wants_more)
    }

    /// The format that was said, that of the log format that was given, or the one that the content shows.
    fn format(&self, head: &[u8], file: &mut FileRead) -> Result<Format, Fault> {
        let choices = &self.settings.choices;
        let of_syntax = |text: &str| match Syntax::of(text) {
            Syntax::Nginx => Format::Nginx,
            Syntax::Apache => Format::Apache,
            Syntax::Envoy => Format::Envoy,
        };
        let format = match self.settings.format.or_else(|| choices.log_format.as_deref().map(of_syntax)) {
            Some(format) => format,
            None => {
                let Some(found) = format::recognise(head) else {
                    let known = Format::all().map(Format::name).collect::<Vec<_>>().join(", ");
                    return Err(Fault::Unknown { file: file.name.clone(), head: shown::shown(head), known });
                };
                file.why = Some(found.why);
                found.format
            }
        };
        file.format = Some(format);
        Ok(format)
    }

    /// Functions with durations, which stand in a table of their own.
    fn functions(&mut self, durations: &Input, sink: &mut dyn Sink) -> Result<Reading, Fault> {
        let file = durations.to_string();
        let fault = |fault| Fault::Input { file: file.clone(), fault, requests: 0 };
        let opened = input::open(durations, &self.settings.limits, self.spent).map_err(fault)?;
        let mut lines = Lines::new(opened, self.settings.limits.line);
        let Choices { seed, spread, .. } = self.settings.choices;
        let mut counting = Counting::new(&mut self.read.account, sink, &file, self.settings);
        let reader = Functions::new(seed, spread).with_durations(&mut lines, &mut counting);
        self.spent = lines.inner().spent();
        match reader {
            Ok(reader) => Ok(Reading::Document(Box::new(reader))),
            Err(DocumentFault::Io(error)) => Err(fault(InputFault::of(&error))),
            Err(DocumentFault::Stopped) => Err(Fault::Unreadable(self.read.account.complaint())),
            Err(DocumentFault::Wrong { at, reason }) => Err(Fault::Document { file, at, reason: reason.into_owned(), requests: 0 }),
        }
    }

    fn content(&mut self, lines: &mut Lines<Opened>, reading: Reading, file: &FileRead, sink: &mut dyn Sink) -> Result<bool, Fault> {
        let settings = self.settings;
        let before = self.read.account.requests;
        let account = &mut self.read.account;
        let mut counting = Counting::new(account, sink, &file.name, settings);
        let end = match reading {
            Reading::Lines(mut format) => by_line(lines, &mut *format, &mut counting),
            Reading::Document(mut document) => by_document(lines, &mut *document, &mut counting),
        };
        let refusal = counting.refusal();
        let line = counting.first_line().to_vec();
        let requests = self.read.account.requests - before;
        if self.first.is_none() && !line.is_empty() {
            self.first = file.format.map(|format| (format, line));
        }
        if let Some(refusal) = refusal {
            return Err(self.unreadable(&refusal));
        }
        let file = file.name.clone();
        match end {
            Ok(()) => Ok(true),
            Err(DocumentFault::Stopped) => Ok(false),
            Err(DocumentFault::Io(error)) => Err(Fault::Input { file, fault: InputFault::of(&error), requests }),
            Err(DocumentFault::Wrong { at, reason }) => Err(Fault::Document { file, at, reason: reason.into_owned(), requests }),
        }
    }

    /// The complaint, with what the format says of the first line that did not fit.
    fn unreadable(&self, complaint: &str) -> Fault {
        let explained = self.first.as_ref().and_then(|(format, line)| format::explain(*format, &self.settings.choices, line));
        let more = explained.map(|explained| format!("\n  the first of them: {explained}")).unwrap_or_default();
        Fault::Unreadable(format!("{complaint}{more}"))
    }

    fn layouts(&mut self, file: &mut FileRead, tally: &Tally) {
        file.layouts = tally.counts();
        if let Some((layout, count)) = file.layouts.iter().find(|(layout, _)| layout.contains("with $request_time")) {
            self.read.warnings.push(format!(
                "{}: {count} lines were taken for {layout}, since they end in numbers of three decimals; give the log format to be sure",
                file.name
            ));
        }
    }

    fn finish(mut self) -> Result<Read, Fault> {
        let account = &self.read.account;
        let mut formats: Vec<_> = self.read.files.iter().filter_map(|file| file.format).collect();
        formats.sort_unstable();
        formats.dedup();
        if account.is_too_bad() && !(self.settings.bears_all && account.requests > 0) {
            return Err(self.unreadable(&account.complaint()));
        }
        if account.requests == 0 {
            let formats = formats.iter().map(|format| format.name()).collect::<Vec<_>>().join(", ");
            return Err(Fault::Empty(account.instead(&self.read.files, &formats)));
        }
        if account.unreadable() > 0 {
            self.read.warnings.push(account.complaint());
        }
        if formats.iter().any(|format| format.has_dates()) && !formats.iter().all(|format| format.has_dates()) {
            self.read
                .warnings
                .push("some of the files count time from 1970 and some from their own start: together they make no sense".into());
        }
        self.read.is_complete = true;
        Ok(self.read)
    }
}

fn by_line(lines: &mut Lines<Opened>, format: &mut dyn LineFormat, counting: &mut Counting<'_>) -> Result<(), DocumentFault> {
    loop {
        let number = lines.number() + 1;
        match lines.next()? {
            None => return Ok(()),
            Some(Piece::Line(line)) => counting.line(number, line, format)?,
            Some(Piece::TooLong(start)) => counting.too_long(number, start)?,
            Some(Piece::Unended(line)) => {
                let line = line.to_vec();
                // Whoever writes the file may have been in the middle of it.
                match lines.inner().has_grown() {
                    true => counting.other(number, "an unfinished line at the end of a file that grows")?,
                    false => counting.line(number, &line, format)?,
                }
            }
        }
    }
}

fn by_document(lines: &mut Lines<Opened>, document: &mut dyn Document, counting: &mut Counting<'_>) -> Result<(), DocumentFault> {
    document.read(lines, counting)
}
