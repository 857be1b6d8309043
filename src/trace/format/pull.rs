//! A JSON text read piece by piece, in memory that nothing in the text can make grow.
//!
//! What is not wanted is skipped without being kept: of it, only strings, brackets and their nesting are looked at. Numbers stay as they are
//! written, so that no digit is lost. (`serde_json` keeps a number's digits and a bracket for each level for as long as a text likes to go on.)

mod skip;

use std::borrow::Cow;
use std::io::{self, BufRead};

use super::DocumentFault;
use super::records::is_passing;
use memchr::memchr2;

/// The most levels of a text.
const MAX_DEPTH: u32 = 128;

/// The longest string that is kept; the rest of a longer one is dropped.
const MAX_STRING: usize = 64 << 10;

/// The longest number.
const MAX_NUMBER: usize = 512;

/// Why a text cannot be read on.
#[derive(Debug)]
pub(crate) enum JsonFault {
    Io(io::Error),
    Wrong(&'static str),
}

impl From<io::Error> for JsonFault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

type Result<T> = std::result::Result<T, JsonFault>;

fn wrong<T>(what: &'static str) -> Result<T> {
    Err(JsonFault::Wrong(what))
}

const BREAKS_OFF: &str = "the JSON breaks off";

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    String,
    Number,
    /// `true`, `false` or `null`.
    Word,
}

/// The members of an object or an array, while they are read.
#[derive(Debug)]
pub(crate) struct Members {
    is_first: bool,
}

/// Where a string or a number stands in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// It stands in the text as it is, without escapes, and is whole.
    pub(crate) is_plain: bool,
}

/// Reads a JSON text.
#[derive(Debug)]
pub(crate) struct Pull<R> {
    input: R,
    /// How many bytes have been read.
    at: usize,
    /// The line that is being read.
    pub(crate) line: u64,
    depth: u32,
    text: Vec<u8>,
}

impl<R: BufRead> Pull<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, at: 0, line: 1, depth: 0, text: Vec::new() }
    }

    /// With a buffer that was used before.
    pub(crate) fn with_buffer(input: R, text: Vec<u8>) -> Self {
        Self { text, ..Self::new(input) }
    }

    /// Gives its buffer back.
    pub(crate) fn into_buffer(self) -> Vec<u8> {
        self.text
    }

    /// The string, key or number read last.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// A fault with the place where it was found.
    pub(crate) fn locate(&self, fault: JsonFault) -> DocumentFault {
        match fault {
            JsonFault::Io(error) => DocumentFault::Io(error),
            JsonFault::Wrong(what) => DocumentFault::Wrong { at: self.line, reason: Cow::Owned(format!("{what} (at byte {})", self.at)) },
        }
    }

    #[inline]
    fn byte(&mut self) -> Result<Option<u8>> {
        loop {
            match self.input.fill_buf() {
                Err(error) if is_passing(&error) => {}
                other => return Ok(other?.first().copied()),
            }
        }
    }

    #[inline]
    fn bump(&mut self, count: usize) {
        self.input.consume(count);
        self.at += count;
    }

    /// The next byte that is not white space; it is not taken.
    #[inline]
    pub(crate) fn peek(&mut self) -> Result<Option<u8>> {
        loop {
            match self.byte()? {
                Some(b' ' | b'\t' | b'\r') => self.bump(1),
                Some(b'\n') => {
                    self.line += 1;
                    self.bump(1);
                }
                other => return Ok(other),
            }
        }
    }

    /// Takes a byte-order mark, if the text begins with one.
    pub(crate) fn byte_order_mark(&mut self) -> Result<()> {
        for expected in *b"\xef\xbb\xbf" {
            if self.byte()? != Some(expected) {
                break;
            }
            self.bump(1);
        }
        Ok(())
    }

    /// What the next value is.
    #[inline]
    pub(crate) fn kind(&mut self) -> Result<Kind> {
        match self.peek()? {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::String),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b't' | b'f' | b'n') => Ok(Kind::Word),
            Some(_) => wrong("this is no JSON: a value is missing"),
            None => wrong(BREAKS_OFF),
        }
    }

    /// Enters an object or an array, whose bracket [`Pull::kind`] has seen.
    #[inline]
    pub(crate) fn enter(&mut self) -> Result<Members> {
        self.bump(1);
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return wrong("the JSON is nested too deep: 128 levels at most");
        }
        Ok(Members { is_first: true })
    }

    /// Goes to the next member of an object: its key is the text, its value comes next. False at the object's end.
    #[inline]
    pub(crate) fn next_key(&mut self, members: &mut Members) -> Result<bool> {
        if !self.next_member(members, b'}')? {
            return Ok(false);
        }
        if self.peek()? != Some(b'"') {
            return wrong("this is no JSON: a key is missing");
        }
        self.string()?;
        match self.peek()? {
            Some(b':') => self.bump(1),
            Some(_) => return wrong("this is no JSON: a colon is missing behind a key"),
            None => return wrong(BREAKS_OFF),
        }
        Ok(true)
    }

    /// Goes to the next value of an array. False at its end.
    #[inline]
    pub(crate) fn next_item(&mut self, members: &mut Members) -> Result<bool> {
        self.next_member(members, b']')
    }

    #[inline]
    fn next_member(&mut self, members: &mut Members, end: u8) -> Result<bool> {
        match self.peek()? {
            Some(byte) if byte == end => {
                self.bump(1);
                self.depth -= 1;
                Ok(false)
            }
            Some(b',') if !members.is_first => {
                self.bump(1);
                // A comma before the end is tolerated nowhere in JSON, and harmless; the value's reader refuses it.
                Ok(true)
            }
            Some(_) if std::mem::take(&mut members.is_first) => Ok(true),
            Some(_) => wrong("this is no JSON: a comma is missing"),
            None => wrong(BREAKS_OFF),
        }
    }

    /// Reads a value that is wanted as text: a string, a number as it is written, `true` or `false`. `None` for what is no such value.
    #[inline]
    pub(crate) fn scalar(&mut self) -> Result<Option<Piece>> {
        match self.kind()? {
            Kind::String => self.string().map(Some),
            Kind::Number => self.number().map(Some),
            Kind::Word => self.word(),
            Kind::Object | Kind::Array => self.skip().map(|()| None),
        }
    }

    /// Reads such a value into a buffer; empty for what is none.
    pub(crate) fn keep(&mut self, into: &mut Vec<u8>) -> Result<()> {
        into.clear();
        if self.scalar()?.is_some() {
            into.extend_from_slice(&self.text);
        }
        Ok(())
    }

    /// Nothing but white space may follow.
    pub(crate) fn end(&mut self) -> std::result::Result<(), DocumentFault> {
        match self.peek() {
            Ok(None) => Ok(()),
            Ok(Some(_)) => Err(self.locate(JsonFault::Wrong("something follows the end of the JSON text"))),
            Err(fault) => Err(self.locate(fault)),
        }
    }

    /// Reads a string into the text.
    pub(crate) fn string(&mut self) -> Result<Piece> {
        self.bump(1);
        self.text.clear();
        let start = self.at;
        let mut is_plain = true;
        loop {
            let buffer = match self.input.fill_buf() {
                Err(error) if is_passing(&error) => continue,
                other => other?,
            };
            if buffer.is_empty() {
                return wrong(BREAKS_OFF);
            }
            let found = memchr2(b'"', b'\\', buffer);
            let part = &buffer[..found.unwrap_or(buffer.len())];
            let room = MAX_STRING - self.text.len();
            is_plain &= part.len() <= room;
            self.text.extend_from_slice(&part[..part.len().min(room)]);
            let (length, stop) = (part.len(), found.map(|at| buffer[at]));
            self.bump(length);
            match stop {
                None => {}
                Some(b'"') => {
                    let end = self.at;
                    self.bump(1);
                    return Ok(Piece { start, end, is_plain });
                }
                Some(_) => {
                    is_plain = false;
                    self.bump(1);
                    self.escape()?;
                }
            }
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Result<()> {
        let byte = self.byte()?;
        self.bump(usize::from(byte.is_some()));
        let plain = match byte {
            Some(b'"' | b'\\' | b'/') => byte.unwrap_or_default(),
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => return self.escaped_character(),
            Some(_) => return wrong("this is no JSON: a backslash before what needs none"),
            None => return wrong(BREAKS_OFF),
        };
        self.push(&[plain]);
        Ok(())
    }

    /// `\u` and four digits, twice for characters beyond 16 bits. Halves without the other become U+FFFD.
    fn escaped_character(&mut self) -> Result<()> {
        let mut unit = self.four_digits()?;
        let mut pending = None;
        if (0xD800..0xDC00).contains(&unit) && self.byte()? == Some(b'\\') {
            self.bump(1);
            if self.byte()? != Some(b'u') {
                self.push("\u{fffd}".as_bytes());
                return self.escape();
            }
            self.bump(1);
            let low = self.four_digits()?;
            if (0xDC00..0xE000).contains(&low) {
                unit = 0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
            } else {
                pending = Some(low);
            }
        }
        for unit in [Some(unit), pending].into_iter().flatten() {
            let character = char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER);
            self.push(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        Ok(())
    }

    fn four_digits(&mut self) -> Result<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            match self.byte()?.map(|byte| char::from(byte).to_digit(16)) {
                Some(Some(digit)) => unit = unit * 16 + digit,
                Some(None) => return wrong("this is no JSON: \\u wants four hexadecimal digits"),
                None => return wrong(BREAKS_OFF),
            }
            self.bump(1);
        }
        Ok(unit)
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.text.len() + bytes.len() <= MAX_STRING {
            self.text.extend_from_slice(bytes);
        }
    }

    /// Reads a number into the text, as it is written.
    fn number(&mut self) -> Result<Piece> {
        self.text.clear();
        let start = self.at;
        loop {
            let buffer = match self.input.fill_buf() {
                Err(error) if is_passing(&error) => continue,
                other => other?,
            };
            let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
            let length = buffer.iter().position(|byte| !is_part(byte)).unwrap_or(buffer.len());
            let is_over = length < buffer.len() || buffer.is_empty();
            if self.text.len() + length > MAX_NUMBER {
                return wrong("a number is longer than 512 digits");
            }
            self.text.extend_from_slice(&buffer[..length]);
            self.bump(length);
            if is_over {
                return Ok(Piece { start, end: self.at, is_plain: true });
            }
        }
    }

    /// Reads `true`, `false` or `null`; `None` for the last.
    fn word(&mut self) -> Result<Option<Piece>> {
        self.text.clear();
        let start = self.at;
        while let Some(byte) = self.byte()?.filter(u8::is_ascii_lowercase) {
            if self.text.len() == 5 {
                break;
            }
            self.text.push(byte);
            self.bump(1);
        }
        match &self.text[..] {
            b"null" => Ok(None),
            b"true" | b"false" => Ok(Some(Piece { start, end: self.at, is_plain: true })),
            _ => wrong("this is no JSON: a word that is neither true, false nor null"),
        }
    }
}

#[cfg(test)]
mod tests;
