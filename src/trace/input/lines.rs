//! A fast splitter of lines: slices of a buffer, no copies.

use std::io::{self, BufRead, Read};

use memchr::memchr;

/// How much is read at once.
const CHUNK: usize = 256 << 10;

/// A line, or that it was too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Without its end, be that a line feed or a carriage return and a line feed.
    Line(&'a [u8]),
    /// The last one, which the file ends without a line feed.
    Unended(&'a [u8]),
    /// Longer than the limit: its rest was skipped. What is here is its start.
    TooLong(&'a [u8]),
}

/// Splits what a reader gives. Memory is bounded by the longest line that is allowed.
#[derive(Debug)]
pub struct Lines<R> {
    inner: R,
    buffer: Vec<u8>,
    /// What is in the buffer and not handed out.
    start: usize,
    end: usize,
    limit: usize,
    number: u64,
    is_over: bool,
    has_begun: bool,
}

impl<R: Read> Lines<R> {
    /// Lines of at most `limit` bytes.
    pub fn new(inner: R, limit: usize) -> Self {
        let buffer = vec![0; CHUNK];
        Self { inner, buffer, start: 0, end: 0, limit: limit.max(1), number: 0, is_over: false, has_begun: false }
    }

    /// The reader below.
    pub fn inner(&self) -> &R {
        &self.inner
    }

    /// The reader below.
    pub fn inner_mut(&mut self) -> &mut R {
        &mut self.inner
    }

    /// The number of the line that was handed out last, from 1; 0 before the first.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The first bytes, without a byte-order mark: at least `wanted` of them unless there are less. Nothing is taken.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn head(&mut self, wanted: usize) -> io::Result<&[u8]> {
        let wanted = wanted.min(CHUNK - 16);
        self.begin()?;
        while self.end - self.start < wanted && !self.is_over {
            self.fill()?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    /// The next line, or `None` at the end.
    ///
    /// # Errors
    /// Those of the reader. What stood before it in an unfinished line is lost.
    #[allow(clippy::should_implement_trait, reason = "an iterator cannot lend")]
    #[inline]
    pub fn next(&mut self) -> io::Result<Option<Piece<'_>>> {
        if let Some(length) = memchr(b'\n', &self.buffer[self.start..self.end]).filter(|&length| self.has_begun && length <= self.limit) {
            let line = self.start..self.start + length;
            self.start += length + 1;
            self.number += 1;
            return Ok(Some(Piece::Line(without_return(&self.buffer[line]))));
        }
        self.next_over_end()
    }

    #[cold]
    fn next_over_end(&mut self) -> io::Result<Option<Piece<'_>>> {
        self.begin()?;
        let mut searched = 0;
        loop {
            let found = memchr(b'\n', &self.buffer[self.start + searched..self.end]).map(|at| at + searched);
            let length = found.unwrap_or(self.end - self.start);
            if length > self.limit {
                return self.skip_line(length).map(Some);
            }
            if found.is_some() || self.is_over {
                if found.is_none() && length == 0 {
                    return Ok(None);
                }
                let line = self.start..self.start + length;
                self.start = (line.end + 1).min(self.end);
                self.number += 1;
                let line = without_return(&self.buffer[line]);
                return Ok(Some(if found.is_some() { Piece::Line(line) } else { Piece::Unended(line) }));
            }
            searched = length;
            self.fill()?;
        }
    }

    /// Keeps the start of a line that is too long, reads on to its end, and gives that start.
    fn skip_line(&mut self, length: usize) -> io::Result<Piece<'_>> {
        const KEPT: usize = 256;
        let kept = self.buffer[self.start..self.start + length.min(KEPT)].to_vec();
        loop {
            if let Some(at) = memchr(b'\n', &self.buffer[self.start..self.end]) {
                self.start += at + 1;
                break;
            }
            self.start = 0;
            self.end = 0;
            if self.is_over {
                break;
            }
            self.fill()?;
        }
        self.number += 1;
        // What was skipped lies before the start, unless the line ended right there: then there is room at the end.
        if self.start < kept.len() {
            self.make_room(kept.len());
        }
        let place = self.start - kept.len()..self.start;
        self.buffer[place.clone()].copy_from_slice(&kept);
        Ok(Piece::TooLong(&self.buffer[place]))
    }

    /// Moves what is left so that `room` bytes are free before it.
    fn make_room(&mut self, room: usize) {
        let length = self.end - self.start;
        if self.buffer.len() < room + length {
            self.buffer.resize(room + length, 0);
        }
        self.buffer.copy_within(self.start..self.end, room);
        (self.start, self.end) = (room, room + length);
    }

    /// Skips a byte-order mark.
    fn begin(&mut self) -> io::Result<()> {
        if !self.has_begun {
            while self.end < 3 && !self.is_over {
                self.fill()?;
            }
            if self.buffer[..self.end].starts_with(b"\xef\xbb\xbf") {
                self.start = 3;
            }
            self.has_begun = true;
        }
        Ok(())
    }

    /// Reads more behind what is left, which moves to the front; the buffer grows only where a line needs it.
    fn fill(&mut self) -> io::Result<()> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.buffer.len() {
            let larger = (self.buffer.len() * 2).min(self.limit.saturating_add(CHUNK)).max(self.end + 1);
            self.buffer.resize(larger, 0);
        }
        loop {
            match self.inner.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.is_over = true,
                Ok(count) => self.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            return Ok(());
        }
    }
}

/// Documents read bytes, behind the head that was looked at.
impl<R: Read> Read for Lines<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(out)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: Read> BufRead for Lines<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.begin()?;
        if self.start == self.end && !self.is_over {
            self.fill()?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}
