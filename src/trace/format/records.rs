//! Records of delimited text, a few at a time, quoted line breaks and all.

use std::io::{self, BufRead};

use super::DocumentFault;
use memchr::{memchr, memchr2};

/// The longest record. What is longer is no table, or a quote that nobody closed.
pub(crate) const MAX_RECORD: usize = 1 << 20;

/// The most fields that are told apart in a record.
pub(crate) const MAX_FIELDS: usize = 4096;

/// Whether reading failed for a signal's sake alone, and is to be tried again.
pub(crate) fn is_passing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Interrupted
}

/// A record, taken apart into fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    data: &'a [u8],
    /// Where each field begins and ends.
    fields: &'a [(usize, usize)],
    /// How many there were; more than are told apart, maybe.
    pub(crate) count: usize,
}

impl<'a> Row<'a> {
    /// A field by its index.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&'a [u8]> {
        self.fields.get(index).map(|&(start, end)| &self.data[start..end])
    }

    /// Whether there is nothing in its line.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 1 && self.fields.first().is_some_and(|&(start, end)| start == end)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &'a [u8]> {
        let data = self.data;
        self.fields.iter().map(move |&(start, end)| &data[start..end])
    }
}

/// Where in a record the last byte seen stands (RFC 4180: a quote counts at the start of a field alone).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    Plain,
    Quoted,
    /// Behind a quote within quotes: the end, or the first of two.
    Quote,
}

/// Takes records out of a stream. It holds one record at most.
#[derive(Debug)]
pub(crate) struct Records {
    delimiter: u8,
    /// A record that began in an earlier buffer.
    pending: Vec<u8>,
    /// The fields of a record whose quotes had to be undone.
    unquoted: Vec<u8>,
    fields: Vec<(usize, usize)>,
    /// The line of the record that comes next.
    line: u64,
}

/// What a caller does with a record: told its line.
pub(crate) type Take<'f> = dyn FnMut(u64, Row<'_>) -> Result<(), DocumentFault> + 'f;

impl Records {
    pub(crate) fn new(delimiter: u8) -> Self {
        Self { delimiter, pending: Vec::new(), unquoted: Vec::new(), fields: Vec::new(), line: 1 }
    }

    /// Gives every record to `take`.
    pub(crate) fn read(&mut self, input: &mut dyn BufRead, take: &mut Take<'_>) -> Result<(), DocumentFault> {
        let mut state = State::Start;
        loop {
            let buffer = match input.fill_buf() {
                Err(error) if is_passing(&error) => continue,
                other => other?,
            };
            if buffer.is_empty() {
                return self.last(state, take);
            }
            let length = buffer.len();
            let mut used = 0;
            if !self.pending.is_empty() {
                let (end, after) = self.end_of_record(state, buffer);
                state = after;
                used = end.map_or(length, |end| end + 1);
                self.keep(state, &buffer[..end.unwrap_or(length)])?;
                if end.is_some() {
                    let record = std::mem::take(&mut self.pending);
                    self.record(&record, take)?;
                    self.pending = record;
                    self.pending.clear();
                    state = State::Start;
                }
            }
            while let (Some(end), _) = self.end_of_record(State::Start, &buffer[used..]) {
                self.record(&buffer[used..used + end], take)?;
                used += end + 1;
            }
            if used < length {
                let rest = &buffer[used..];
                state = self.end_of_record(state, rest).1;
                self.keep(state, rest)?;
            }
            input.consume(length);
        }
    }

    /// The record without a line end at the end of the file.
    fn last(&mut self, state: State, take: &mut Take<'_>) -> Result<(), DocumentFault> {
        if state == State::Quoted {
            let reason = "a quote that opens in the record which begins here is never closed".into();
            return Err(DocumentFault::Wrong { at: self.line, reason });
        }
        if self.pending.is_empty() {
            return Ok(());
        }
        let record = std::mem::take(&mut self.pending);
        self.record(&record, take)
    }

    /// Keeps a part of a record until the rest comes.
    fn keep(&mut self, state: State, part: &[u8]) -> Result<(), DocumentFault> {
        if self.pending.len() + part.len() <= MAX_RECORD {
            self.pending.extend_from_slice(part);
            return Ok(());
        }
        Err(self.too_long(state == State::Quoted))
    }

    fn too_long(&self, quoted: bool) -> DocumentFault {
        let reason = match quoted {
            true => "a quote that opens in the record which begins here is not closed within 1 MiB",
            false => "the line is longer than 1 MiB",
        };
        DocumentFault::Wrong { at: self.line, reason: reason.into() }
    }

    /// The line end that ends the record, and the state behind what was looked at.
    #[inline]
    fn end_of_record(&self, state: State, bytes: &[u8]) -> (Option<usize>, State) {
        if matches!(state, State::Start | State::Plain) {
            match memchr2(b'\n', b'"', bytes) {
                Some(end) if bytes[end] == b'\n' => return (Some(end), State::Start),
                Some(_) => {}
                // The last byte tells whether a field just begins; the state of an empty rest is what it was.
                None => {
                    let after = bytes.last().map_or(state, |&last| if last == self.delimiter { State::Start } else { State::Plain });
                    return (None, after);
                }
            }
        }
        self.end_with_quotes(state, bytes)
    }

    fn end_with_quotes(&self, mut state: State, bytes: &[u8]) -> (Option<usize>, State) {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            state = match (state, byte) {
                (State::Quoted, b'"') => State::Quote,
                (State::Quoted, _) => {
                    // Nothing but a quote matters here.
                    at += memchr(b'"', &bytes[at..]).unwrap_or(bytes.len() - at);
                    continue;
                }
                (State::Quote | State::Start, b'"') => State::Quoted,
                (_, b'\n') => return (Some(at), State::Start),
                (_, byte) if byte == self.delimiter => State::Start,
                _ => State::Plain,
            };
            at += 1;
        }
        (None, state)
    }

    /// Takes a record apart and gives it away.
    #[inline]
    fn record(&mut self, record: &[u8], take: &mut Take<'_>) -> Result<(), DocumentFault> {
        let line = self.line;
        if record.len() > MAX_RECORD {
            return Err(self.too_long(memchr(b'"', record).is_some()));
        }
        self.line += 1;
        let record = record.strip_suffix(b"\r").unwrap_or(record);
        self.fields.clear();
        if memchr(b'"', record).is_some() {
            let (lines, count) = self.split_quoted(record);
            self.line += lines;
            return take(line, Row { data: &self.unquoted, fields: &self.fields, count });
        }
        let count = self.split_plain(record);
        take(line, Row { data: record, fields: &self.fields, count })
    }

    /// Eight bytes at a time: fields are short, so most of the work is to find the next delimiter.
    #[inline]
    fn split_plain(&mut self, record: &[u8]) -> usize {
        const LOW: u64 = 0x7F7F_7F7F_7F7F_7F7F;
        let wanted = u64::from_ne_bytes([self.delimiter; 8]);
        let (chunks, rest) = record.as_chunks::<8>();
        let (mut start, mut count, mut base) = (0, 0, 0);
        for chunk in chunks {
            let zero_where_found = u64::from_le_bytes(*chunk) ^ wanted;
            // The highest bit of every byte that is zero, and of no other.
            let mut found = !(((zero_where_found & LOW) + LOW) | zero_where_found | LOW);
            while found != 0 {
                let end = base + found.trailing_zeros() as usize / 8;
                self.plain_field(&mut start, end, &mut count);
                found &= found - 1;
            }
            base += 8;
        }
        for (at, &byte) in rest.iter().enumerate() {
            if byte == self.delimiter {
                self.plain_field(&mut start, base + at, &mut count);
            }
        }
        self.plain_field(&mut start, record.len(), &mut count);
        count
    }

    #[inline]
    fn plain_field(&mut self, start: &mut usize, end: usize, count: &mut usize) {
        if *count < MAX_FIELDS {
            self.fields.push((*start, end));
        }
        *count += 1;
        *start = end + 1;
    }

    /// Undoes quotes; gives how many line breaks and how many fields there were.
    fn split_quoted(&mut self, record: &[u8]) -> (u64, usize) {
        self.unquoted.clear();
        let (mut state, mut start, mut count, mut lines) = (State::Start, 0, 0, 0);
        for &byte in record {
            state = match (state, byte) {
                (State::Start, b'"') => State::Quoted,
                (State::Quoted, b'"') => State::Quote,
                (State::Quote, b'"') => {
                    self.unquoted.push(b'"');
                    State::Quoted
                }
                (State::Quoted, byte) => {
                    lines += u64::from(byte == b'\n');
                    self.unquoted.push(byte);
                    State::Quoted
                }
                (_, byte) if byte == self.delimiter => {
                    count = self.end_field(start, count);
                    start = self.unquoted.len();
                    State::Start
                }
                (_, byte) => {
                    self.unquoted.push(byte);
                    State::Plain
                }
            };
        }
        (lines, self.end_field(start, count))
    }

    fn end_field(&mut self, start: usize, count: usize) -> usize {
        if count < MAX_FIELDS {
            self.fields.push((start, self.unquoted.len()));
        }
        count + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::BufReader;

    /// All records of a text, read through a buffer of a few bytes.
    fn rows(text: &[u8], buffer: usize) -> Result<Vec<(u64, Vec<String>)>, DocumentFault> {
        let mut found = Vec::new();
        let mut input = BufReader::with_capacity(buffer, text);
        Records::new(b',').read(&mut input, &mut |line, row| {
            found.push((line, row.iter().map(|field| String::from_utf8_lossy(field).into_owned()).collect()));
            Ok(())
        })?;
        Ok(found)
    }

    fn row(line: u64, fields: &[&str]) -> (u64, Vec<String>) {
        (line, fields.iter().map(|&field| field.to_owned()).collect())
    }

    #[test]
    fn quotes_line_breaks_and_the_last_line() {
        let text = b"a,b\r\n1,\"two\n\"\"lines\"\"\"\n,\n5\" pipe,x\"y\nlast,";
        let expected = [
            row(1, &["a", "b"]),
            row(2, &["1", "two\n\"lines\""]),
            row(4, &["", ""]),
            row(5, &["5\" pipe", "x\"y"]),
            row(6, &["last", ""]),
        ];
        for buffer in 1..40 {
            assert_eq!(rows(text, buffer).expect("it is read"), expected, "a buffer of {buffer}");
        }
    }

    /// A file whose every other read a signal interrupts.
    struct Interrupted<'t>(&'t [u8], bool);

    impl io::Read for Interrupted<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 { Err(io::ErrorKind::Interrupted.into()) } else { self.0.read(into) }
        }
    }

    #[test]
    fn signals_do_not_matter() {
        let mut found = 0;
        let mut input = BufReader::with_capacity(3, Interrupted(b"a,\"b\"\nc,d\n", false));
        let read = Records::new(b',').read(&mut input, &mut |_, row| {
            found += row.count;
            Ok(())
        });
        assert_eq!((read.is_ok(), found), (true, 4));
        let mut json = super::super::pull::Pull::new(BufReader::with_capacity(3, Interrupted(b" {\"a\": [1, \"text\", {}]} ", false)));
        assert!(json.skip().is_ok() && json.end().is_ok());
    }

    #[test]
    fn a_quote_that_is_not_closed_is_named_by_its_line() {
        let mut text = b"a,b\n1,2\n\"3,4\n".to_vec();
        let Err(DocumentFault::Wrong { at: 3, reason }) = rows(&text, 64) else { panic!("the quote stays open") };
        assert!(reason.contains("never closed"), "{reason}");
        text.resize(3 << 20, b'x');
        for buffer in [64, 8 << 20] {
            let Err(DocumentFault::Wrong { at: 3, reason }) = rows(&text, buffer) else { panic!("the quote stays open") };
            assert!(reason.contains("1 MiB"), "{reason}");
        }
        let Err(DocumentFault::Wrong { at: 1, reason }) = rows(&vec![b','; 2 << 20], 1 << 16) else { panic!("a long line") };
        assert_eq!(reason, "the line is longer than 1 MiB");
    }

    #[test]
    fn more_fields_than_are_told_apart_are_counted() {
        let mut count = 0;
        let text = vec![b','; 10_000];
        Records::new(b',')
            .read(&mut &text[..], &mut |_, row| {
                count = row.count;
                assert_eq!(row.iter().count(), MAX_FIELDS);
                Ok(())
            })
            .expect("it is read");
        assert_eq!(count, 10_001);
    }

    proptest! {
        #[test]
        fn buffers_do_not_show(text in "[a,\"\n\r]{0,60}", buffer in 1_usize..20) {
            let small = rows(text.as_bytes(), buffer).map_err(|fault| format!("{fault:?}"));
            let large = rows(text.as_bytes(), 1 << 16).map_err(|fault| format!("{fault:?}"));
            prop_assert_eq!(small, large);
        }

        #[test]
        fn fields_are_what_splitting_gives(record in proptest::collection::vec(prop_oneof![Just(b','), any::<u8>()], 1..80)) {
            prop_assume!(!record.iter().any(|byte| b"\r\n\"".contains(byte)));
            let expected: Vec<_> = record.split(|&byte| byte == b',').map(|field| String::from_utf8_lossy(field).into_owned()).collect();
            prop_assert_eq!(rows(&record, 1 << 10).expect("it is read"), vec![(1, expected)]);
        }

        #[test]
        fn what_is_quoted_is_read_again(fields in proptest::collection::vec("[a-c,\"\n\r]{0,8}", 1..6)) {
            let quoted: Vec<_> = fields.iter().map(|field| format!("\"{}\"", field.replace('"', "\"\""))).collect();
            let found = rows(quoted.join(",").as_bytes(), 7).expect("it is read");
            prop_assert_eq!(found, vec![(1, fields)]);
        }
    }
}
