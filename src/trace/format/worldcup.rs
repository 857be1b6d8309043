//! The binary log of the 1998 football world cup's web site: records of 20 bytes, big-endian.

use std::borrow::Cow;
use std::io::BufRead;

use super::{Document, DocumentFault};
use crate::trace::{Entry, Sink};

/// The length of a record.
const RECORD: usize = 20;

/// Nanoseconds of a second.
const SECOND: i64 = 1_000_000_000;

/// Reads that log: stamp (whole seconds), client, object, size, and which server answered (`3-14`: number 14 of region 3).
///
/// What the numbers of statuses mean stands in a table of the log's own tools, so the status is left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct WorldCup;

impl WorldCup {
    /// A reader.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl Document for WorldCup {
    fn read(&mut self, input: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), DocumentFault> {
        for number in 1.. {
            let mut record = [0; RECORD];
            let mut length = 0;
            while length < RECORD {
                match input.read(&mut record[length..]) {
                    Ok(0) => break,
                    Ok(more) => length += more,
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error.into()),
                }
            }
            match length {
                0 => break,
                RECORD => request(&record, sink)?,
                _ => {
                    let reason = format!("record {number} has {length} bytes; each of this format has {RECORD}").into();
                    return Err(DocumentFault::Wrong { at: number, reason });
                }
            }
        }
        Ok(())
    }
}

fn request(record: &[u8; RECORD], sink: &mut dyn Sink) -> Result<(), DocumentFault> {
    let word = |at: usize| u32::from_be_bytes([record[at], record[at + 1], record[at + 2], record[at + 3]]);
    let (client, object) = (digits(word(4)), digits(word(8)));
    let size = word(12);
    let server = record[19];
    let backend = format!("{}-{}", server >> 5, server & 0x1F);
    let entry = Entry {
        at: i64::from(word(0)) * SECOND,
        tick: SECOND as u32,
        client: Some(Cow::Borrowed(&client)),
        key: Some(Cow::Borrowed(&object)),
        backend: Some(Cow::Borrowed(backend.as_bytes())),
        // All bits set: the size was not logged.
        bytes: (size != u32::MAX).then_some(u64::from(size)),
        ..Entry::default()
    };
    Ok(sink.request(&entry)?)
}

/// Whether a file's first bytes may be such records: stamps of 1998 that do not go back by more than a minute.
#[must_use]
pub fn recognise(head: &[u8]) -> bool {
    // From the end of April to the end of July 1998.
    const TIMES: std::ops::Range<u32> = 893_800_000..901_900_000;
    let (records, _) = head.as_chunks::<RECORD>();
    let stamps = records.iter().take(50).map(|record| u32::from_be_bytes([record[0], record[1], record[2], record[3]]));
    let mut last = 0;
    !records.is_empty() && stamps.into_iter().all(|stamp| TIMES.contains(&stamp) && stamp + 60 >= std::mem::replace(&mut last, stamp))
}

/// A number in digits, without a heap.
fn digits(mut number: u32) -> Digits {
    let mut text = [0; 10];
    let mut start = text.len();
    loop {
        start -= 1;
        text[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return Digits { text, start };
        }
    }
}

/// The digits of a number.
struct Digits {
    text: [u8; 10],
    start: usize,
}

impl std::ops::Deref for Digits {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.text[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::format::heard::{hear, text};
    use proptest::prelude::*;

    fn record(words: [u32; 4], bytes: [u8; 4]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).chain(bytes).collect()
    }

    #[test]
    fn records_are_requests() {
        let mut log = record([894_000_000, 42, 0, 4321], [0, 0x82, 1, 0x63]);
        log.extend(record([894_000_001, u32::MAX, 7, u32::MAX], [0, 0x3F, 1, 0xE0]));
        assert!(recognise(&log) && !recognise(b"") && !recognise(&[0; 40]));
        let heard = hear(&mut WorldCup::new(), &log[..]).expect("it is read");
        let first = Entry {
            at: 894_000_000 * SECOND,
            tick: 1_000_000_000,
            client: text("42"),
            key: text("0"),
            backend: text("3-3"),
            bytes: Some(4321),
            ..Entry::default()
        };
        assert_eq!(heard.requests[0], first);
        let second = &heard.requests[1];
        assert_eq!((second.client.clone(), second.bytes, second.backend.clone()), (text("4294967295"), None, text("7-0")));
    }

    #[test]
    fn a_piece_of_a_record_is_told_by_its_number() {
        let fault = hear(&mut WorldCup::new(), &[0; 47][..]).expect_err("seven bytes are too many");
        assert_eq!(fault, "3: record 3 has 7 bytes; each of this format has 20");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let whole = hear(&mut WorldCup::new(), &bytes[..]).is_ok();
            prop_assert_eq!(whole, bytes.len() % RECORD == 0);
            let _ = recognise(&bytes);
        }
    }
}
