//! A log's own format string as a matcher: what stands between its variables is searched for, and a variable runs to there.

mod fields;
mod syntax;
#[cfg(test)]
mod tests;

pub(super) use fields::Moment;
use fields::{Field, Found};
pub use syntax::{Syntax, SyntaxFault};

use memchr::{memchr, memmem};

use crate::trace::entry::{Entry, Line, LineFormat, Reason};
use crate::trace::shown;

/// A format string, compiled.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// What every line begins with.
    prefix: Box<[u8]>,
    steps: Vec<Step>,
    /// Remembers the last minute between lines.
    moment: Moment,
}

/// A variable and what follows it.
#[derive(Clone, Debug)]
struct Step {
    field: Field,
    /// As the user wrote it.
    name: Box<str>,
    /// What stands behind it.
    literal: Box<[u8]>,
    end: End,
}

/// How the end of a variable is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It is the line's.
    Line,
    /// A quotation mark that is not escaped.
    Quote,
    /// The literal, where it does not stand within a list of tries.
    List,
    /// As many bytes as a stamp of the common log has, where the literal stands behind these; otherwise as `Plain`.
    Stamp,
    /// The literal behind ` HTTP/…`, if there is one.
    Request,
    /// The literal.
    Plain,
}

/// Where a line stopped fitting.
#[derive(Clone, Copy, Debug)]
struct Miss {
    /// The step; `None` at the prefix, the number of steps behind the last.
    step: Option<usize>,
    /// The byte of the line.
    at: usize,
    /// Whether a value was none of its kind; otherwise what should follow did not.
    is_value: bool,
}

/// Bytes of `17/May/2015:10:05:03 +0000`.
const STAMP: usize = 26;

impl Pattern {
    /// Compiles a format string of a product.
    ///
    /// # Errors
    /// Variables that nothing separates, no stamp, or what the product would not understand either.
    pub fn new(text: &str, syntax: Syntax) -> Result<Self, SyntaxFault> {
        let (prefix, pieces) = syntax::parse(text, syntax)?;
        let mut steps = Vec::with_capacity(pieces.len());
        let mut is_quoted = prefix.ends_with(b"\"");
        for piece in pieces {
            let opens_quote = piece.literal.ends_with(b"\"");
            steps.push(Step {
                end: end_of(piece.field, &piece.literal, is_quoted),
                field: piece.field,
                name: piece.name,
                literal: piece.literal,
            });
            is_quoted = opens_quote;
        }
        Ok(Self { prefix, steps, moment: Moment::default() })
    }

    /// Whether lines have a duration, a service time, a backend: what the format can give at all.
    #[must_use]
    pub fn has_times(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.field, Field::Duration(_) | Field::Service(_) | Field::Tries(_)))
    }

    /// Reads a line into its values.
    fn matches<'a>(&mut self, line: &'a [u8], found: &mut Found<'a>) -> Result<(), Miss> {
        if !line.starts_with(&self.prefix) {
            return Err(Miss { step: None, at: 0, is_value: false });
        }
        let mut at = self.prefix.len();
        for (index, step) in self.steps.iter().enumerate() {
            let rest = &line[at..];
            let Some(length) = step.length(rest) else { return Err(Miss { step: Some(index), at, is_value: false }) };
            if !found.take(step.field, &rest[..length], &mut self.moment) {
                return Err(Miss { step: Some(index), at, is_value: true });
            }
            at += length + step.literal.len();
        }
        if at < line.len() {
            return Err(Miss { step: Some(self.steps.len()), at, is_value: false });
        }
        Ok(())
    }

    /// Reads a line, if it fits.
    #[inline]
    pub(super) fn request<'a>(&mut self, line: &'a [u8]) -> Option<Entry<'a>> {
        // Filled in place: it is larger than what is worth moving.
        let mut found = Found::default();
        self.matches(line, &mut found).ok()?;
        found.entry()
    }

    /// Why a line does not fit, in few different words.
    #[cold]
    pub(super) fn reason(&mut self, line: &[u8]) -> Reason {
        match self.matches(line, &mut Found::default()) {
            Err(miss) => self.missed(miss).into(),
            Ok(_) => "its arrival lies outside what can be counted".into(),
        }
    }

    fn missed(&self, Miss { step, is_value, .. }: Miss) -> String {
        let Some(index) = step else { return format!("the line should begin with {}", shown::shown(&self.prefix)) };
        let Some(step) = self.steps.get(index) else {
            let last = self.steps.last().map_or("", |step| &step.name);
            return format!("the line should end behind {last}");
        };
        match is_value {
            true => format!("{} has to be {}", step.name, step.field.kind()),
            false => format!("{} should follow {}", shown::shown(&step.literal), step.name),
        }
    }

    /// The same with what stood there, for the first line that did not fit.
    #[must_use]
    pub fn explain(&mut self, line: &[u8]) -> Option<String> {
        let miss = self.matches(line, &mut Found::default()).err()?;
        let stood = shown::shown(&line[miss.at.min(line.len())..]);
        Some(format!("{}; at byte {} stands {stood}", self.missed(miss), miss.at + 1))
    }
}

fn end_of(field: Field, literal: &[u8], is_quoted: bool) -> End {
    match field {
        _ if literal.is_empty() => End::Line,
        _ if is_quoted && literal.starts_with(b"\"") => End::Quote,
        Field::Tries(_) => End::List,
        Field::At(fields::Form::CommonLog, _) => End::Stamp,
        Field::Request => End::Request,
        _ => End::Plain,
    }
}

impl Step {
    /// How long the value at the start of `rest` is; `None` if what should follow it does not.
    #[inline]
    fn length(&self, rest: &[u8]) -> Option<usize> {
        match self.end {
            End::Line => Some(rest.len()),
            End::Plain => find(&self.literal, rest, 0),
            End::Quote => self.quote(rest),
            End::Stamp if rest.get(STAMP..).is_some_and(|behind| begins(behind, &self.literal)) => Some(STAMP),
            End::Stamp => find(&self.literal, rest, 0),
            End::List => self.list(rest),
            End::Request => {
                let from = memmem::find(rest, b" HTTP/").map_or(0, |at| at + 1);
                find(&self.literal, rest, from).or_else(|| find(&self.literal, rest, 0))
            }
        }
    }

    /// A quotation mark with an odd number of backslashes before it belongs to the value.
    #[inline]
    fn quote(&self, rest: &[u8]) -> Option<usize> {
        let mut from = 0;
        while let Some(at) = memchr(b'"', &rest[from..]).map(|at| at + from) {
            let is_escaped = at > 0 && rest[at - 1] == b'\\' && rest[..at].iter().rev().take_while(|&&byte| byte == b'\\').count() % 2 == 1;
            if !is_escaped && begins(&rest[at..], &self.literal) {
                return Some(at);
            }
            from = at + 1;
        }
        None
    }

    /// A space of a list (`a, b : c`) does not end it.
    fn list(&self, rest: &[u8]) -> Option<usize> {
        let mut from = 0;
        while let Some(at) = find(&self.literal, rest, from) {
            let is_within = rest[at] == b' '
                && (rest[..at].ends_with(b",") || rest[..at].ends_with(b" :") || rest[at..].starts_with(b" : ") || rest[..at] == *b":");
            if !is_within {
                return Some(at);
            }
            from = at + 1;
        }
        None
    }
}

/// Literals are a few bytes long: comparing these by hand costs less than a call.
#[inline]
fn begins(text: &[u8], literal: &[u8]) -> bool {
    text.len() >= literal.len() && text.iter().zip(literal).all(|(a, b)| a == b)
}

/// Bytes that are looked at by hand.
const NEAR: usize = 8;

/// The literal in the text, from a place on.
#[inline]
fn find(literal: &[u8], text: &[u8], mut from: usize) -> Option<usize> {
    let (&first, more) = literal.split_first()?;
    loop {
        // Most values are short: a few bytes by hand cost less than a call.
        let near = text[from..].iter().take(NEAR).position(|&byte| byte == first);
        let at = match near {
            Some(near) => from + near,
            None => {
                let behind = (from + NEAR).min(text.len());
                behind + memchr(first, &text[behind..])?
            }
        };
        if begins(&text[at + 1..], more) {
            return Some(at);
        }
        from = at + 1;
    }
}

impl LineFormat for Pattern {
    fn read<'a>(&mut self, line: &'a [u8]) -> Line<'a> {
        match self.request(line) {
            Some(entry) => Line::Request(entry),
            None if line.is_empty() => Line::Other("empty lines"),
            None => Line::Unreadable(self.reason(line)),
        }
    }
}
