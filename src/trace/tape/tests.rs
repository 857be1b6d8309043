use super::*;
use crate::trace::entry::{Entry, Outcome};
use std::borrow::Cow;

fn text(text: &'static str) -> Option<Cow<'static, [u8]>> {
    Some(Cow::Borrowed(text.as_bytes()))
}

/// Something of everything: 40,000 records, 3 blocks.
fn entries() -> Vec<Entry<'static>> {
    const BACKENDS: [&str; 3] = ["10.0.0.1:80", "10.0.0.2:80", "-"];
    let mut at = 1_700_000_000_000_000_000;
    (0..40_000_u64)
        .map(|number| {
            at += (number * 7919 % 1000) as i64 * 1_000_000;
            Entry {
                at,
                tick: 1_000_000,
                service: (!number.is_multiple_of(5)).then_some(number * 1000),
                duration: Some(number * 1001),
                key: text(["/", "/a", "/b\u{0}"][number as usize % 3]),
                client: (number > 20_000).then_some(Cow::Owned(format!("c{}", number % 777).into_bytes())),
                backend: text(BACKENDS[number as usize % 3]),
                status: Some(if number % 100 == 0 { 503 } else { 200 }),
                outcome: if number % 100 == 0 { Outcome::Refused } else { Outcome::Succeeded },
                bytes: Some(u64::MAX),
                tries: (number % 3) as u32,
                ..Entry::default()
            }
        })
        .collect()
}

fn written(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new()).expect("memory");
    entries.iter().try_for_each(|entry| writer.push(entry)).expect("memory");
    writer.finish(Origin { formats: vec!["nginx".into()], ..Origin::default() }).expect("memory")
}

#[test]
fn what_was_written_is_read() {
    let entries = entries();
    let tape = Tape::from_bytes(written(&entries)).expect("it is one");
    tape.verify().expect("it is whole");
    assert_eq!((tape.records(), tape.first(), tape.blocks()), (40_000, entries[0].at, 3));
    assert_eq!(tape.span() as i64, entries[39_999].at - entries[0].at);
    assert_eq!((tape.total(Column::Service).count, tape.total(Column::Duration).max), (32_000, 39_999 * 1001));
    assert_eq!((tape.names(Column::Client).len(), tape.names(Column::Class).len(), tape.names(Column::Bytes).len()), (777, 0, 0));
    let (mut block, mut number) = (Block::new(Columns::ALL), 0);
    for place in 0..tape.blocks() {
        tape.read(place, &mut block).expect("it is whole");
        for record in 0..block.len() {
            let (entry, value) = (&entries[number], |column| Some(block.value(column, record)).filter(|&value| value != NONE));
            assert_eq!(block.at()[record] as i64 + tape.first(), entry.at);
            assert_eq!((value(Column::Service), value(Column::Duration), value(Column::Input)), (entry.service, entry.duration, None));
            let named = |column| value(column).map(|name| tape.names(column).get(name as usize));
            assert_eq!((named(Column::Key), named(Column::Client)), (entry.key.as_deref(), entry.client.as_deref()));
            assert_eq!(value(Column::Bytes), Some(NONE - 1));
            assert_eq!(value(Column::Tries).unwrap_or(0), u64::from(entry.tries));
            number += 1;
        }
    }
    assert_eq!(number, entries.len());
    assert_eq!((tape.block_at(0), tape.block_at(u64::MAX)), (0, 2));
}

#[test]
fn only_what_is_wanted_is_unpacked() {
    let tape = Tape::from_bytes(written(&entries()[..100])).expect("it is one");
    let mut block = Block::new(Columns::of(&[Column::Service]));
    tape.read(0, &mut block).expect("it is whole");
    assert_eq!((block.value(Column::Service, 1), block.value(Column::Duration, 1), block.len()), (1000, NONE, 100));
}

#[test]
fn an_empty_one_is_one() {
    let tape = Tape::from_bytes(written(&[])).expect("it is one");
    assert_eq!((tape.records(), tape.blocks(), tape.span()), (0, 0, 0));
}

#[test]
fn a_spool_is_a_file_when_it_gets_large() {
    for most in [0, 100, 1 << 30] {
        let spool = Spool::new(most, tempfile::tempfile);
        let mut writer = Writer::new(spool).expect("it can be written");
        entries().iter().try_for_each(|entry| writer.push(entry)).expect("it can be written");
        let tape = writer.finish(Origin::default()).expect("it can be written").tape().expect("it is one");
        tape.verify().expect("it is whole");
        assert_eq!(tape.records(), 40_000);
    }
}

#[test]
fn whatever_is_cut_off_or_changed_is_noticed() {
    let whole = written(&entries()[..300]);
    let of = |bytes: Vec<u8>| Tape::from_bytes(bytes).and_then(|tape| tape.verify());
    assert!(of(whole.clone()).is_ok());
    for length in 0..whole.len() {
        assert!(of(whole[..length].to_vec()).is_err(), "cut off at {length}");
    }
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << bit;
            // The four spare bytes of the head say nothing.
            assert!((12..16).contains(&at) || of(flipped).is_err(), "byte {at}, bit {bit}");
        }
    }
}
