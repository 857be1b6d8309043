use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use std::io::{BufRead, Cursor, Read, Write};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

/// A zstd frame of blocks that repeat one byte: `blocks` × 128 KiB.
fn zstd_bomb(blocks: usize, window_log: u8) -> Vec<u8> {
    let mut bytes = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, (window_log - 10) << 3];
    for block in 1..=blocks {
        let header = (128_u32 << 10 << 3) | (1 << 1) | u32::from(block == blocks);
        bytes.extend(&header.to_le_bytes()[..3]);
        bytes.push(b'x');
    }
    bytes
}

fn unpack(bytes: &[u8]) -> Result<Vec<u8>, InputFault> {
    unpacked(bytes, &Limits::default())
}

fn refused(bytes: &[u8]) -> (Cause, String) {
    let fault = unpack(bytes).expect_err("it is refused");
    (fault.cause, fault.text)
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("there is room for a few bytes")
}

fn file(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> Input {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("there is room for a few bytes");
    Input::File(path)
}

fn read(input: &Input) -> Result<(Vec<u8>, Vec<String>), InputFault> {
    let mut opened = open(input, &Limits::default(), Spent::default())?;
    let mut out = Vec::new();
    opened.read_to_end(&mut out).map_err(|error| InputFault::of(&error))?;
    Ok((out, opened.finish()?))
}

#[test]
fn packed_bytes_come_out_member_by_member() {
    for pack in [gzip, zstd] {
        let twice = [pack(b"one\n"), pack(b"two\n")].concat();
        assert_eq!(unpack(&twice).expect("two members are one text"), b"one\ntwo\n");
    }
    let padded = [gzip(b"one\n"), vec![0; 512], gzip(b"two\n"), vec![0; 9]].concat();
    assert_eq!(unpack(&padded).expect("zeros are padding"), b"one\ntwo\n");
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3], zstd(b"one").as_slice()].concat();
    assert_eq!(unpack(&skippable).expect("such frames are skipped"), b"one");
}

#[test]
fn what_is_cut_off_or_damaged_is_never_a_short_trace() {
    let long: Vec<u8> = (0..200_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let whole = gzip(&long);
    for cut in [5, 12, whole.len() / 2, whole.len() - 9, whole.len() - 8, whole.len() - 1] {
        let (cause, text) = refused(&whole[..cut]);
        assert!(cause == Cause::Damaged && text.contains("cut off in its member 1"), "{cut}: {text}");
    }
    let mut flipped = whole.clone();
    let crc = flipped.len() - 6;
    flipped[crc] ^= 1;
    assert!(refused(&flipped).1.contains("checksum"), "{}", refused(&flipped).1);
    let packed = zstd(&long);
    for cut in [packed.len() / 2, packed.len() - 1] {
        let (cause, text) = refused(&packed[..cut]);
        assert!(cause == Cause::Damaged && text.contains("cut off in its frame 1"), "{cut}: {text}");
    }
}

#[test]
fn bombs_stop_early() {
    let bomb = gzip(&vec![b'x'; 300 << 20]);
    let (cause, text) = refused(&bomb);
    assert!(cause == Cause::Limit && text.contains("bomb"), "{text}");
    let (cause, text) = refused(&zstd_bomb(4_000, 20));
    assert!(cause == Cause::Limit && text.contains("more than 200 times"), "{text}");
    let (cause, text) = refused(&zstd_bomb(1, 31));
    assert!(cause == Cause::Limit && text.contains("window") && text.contains("128 MiB"), "{text}");
    let limits = Limits { unpacked: 1_000, ..Limits::default() };
    assert!(unpacked(&gzip(&[b'x'; 2_000]), &limits).expect_err("the limit is lower").text.contains("1000 bytes"));
    assert_eq!(unpack(&zstd_bomb(16, 20)).expect("2 MiB are nothing").len(), 2 << 20);
}

#[test]
fn garbage_behind_the_end_is_said() {
    let folder = folder();
    for (name, packed) in [("a.gz", gzip(b"one\n")), ("a.zst", zstd(b"one\n"))] {
        let (bytes, warnings) = read(&file(&folder, name, &[packed, b"garbage".to_vec()].concat())).expect("the rest is left out");
        assert_eq!(bytes, b"one\n");
        assert!(warnings.iter().any(|warning| warning.contains("left out")), "{warnings:?}");
    }
}

#[test]
fn content_counts_not_the_name() {
    let folder = folder();
    let (bytes, warnings) = read(&file(&folder, "a.gz", b"plain\n")).expect("it is plain text");
    assert!(bytes == b"plain\n" && warnings[0].contains("its name says gzip, but it is plain text"), "{warnings:?}");
    let (bytes, warnings) = read(&file(&folder, "a.csv", &gzip(b"a,b\n"))).expect("it is gzip");
    assert!(bytes == b"a,b\n" && warnings[0].contains("but it is gzip"), "{warnings:?}");
    for (bytes, what) in [
        (&b"PAR1...."[..], "Parquet"),
        (b"\xd4\xc3\xb2\xa1", "pcap"),
        (b"PK\x03\x04", "spreadsheet"),
        (b"BZh9", "bzip2"),
        (b"\x89PNG", "PNG"),
        (b"\xff\xfea\0", "UTF-16"),
        (b"\xfd7zXZ\0", "xz"),
    ] {
        let fault = read(&file(&folder, "odd", bytes)).expect_err("it is foreign");
        assert!(fault.cause == Cause::Refused && fault.text.contains(what), "{}", fault.text);
        let fault = unpack(&gzip(bytes)).expect_err("packed it is foreign too");
        assert!(fault.text.contains(what), "{}", fault.text);
    }
    assert!(refused(&gzip(&gzip(b"x"))).1.contains("packed twice"));
}

#[test]
fn only_files_are_opened() {
    let folder = folder();
    let fault = read(&Input::File(folder.path().to_owned())).expect_err("a folder is no file");
    assert!(fault.cause == Cause::Refused && fault.text.contains("folder"), "{}", fault.text);
    let fault = read(&Input::File(folder.path().join("none"))).expect_err("there is none");
    assert!(fault.cause == Cause::Refused && fault.text.contains("no such file"), "{}", fault.text);
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_are_refused_without_waiting() {
    let folder = folder();
    let pipe = folder.path().join("pipe");
    if std::process::Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()) {
        assert!(read(&Input::File(pipe)).expect_err("a pipe may never end").text.contains("name it -"));
    }
    assert!(read(&Input::File("/dev/zero".into())).expect_err("a device never ends").text.contains("device"));
}

#[test]
fn changes_while_reading_are_noticed() {
    let folder = folder();
    let input = file(&folder, "live.log", b"one\ntwo\n");
    let Input::File(path) = &input else { unreachable!("it is a file") };
    let mut opened = open(&input, &Limits::default(), Spent::default()).expect("it is a file");
    std::fs::OpenOptions::new().append(true).open(path).and_then(|mut file| file.write_all(b"three\n")).expect("it can be written");
    let mut out = Vec::new();
    opened.read_to_end(&mut out).expect("it can be read");
    assert!(opened.has_grown() && out == b"one\ntwo\n", "only what was there at the start");
    assert!(opened.finish().expect("growing is no fault")[0].contains("grew by 6 bytes"));
    std::fs::write(path, b"").expect("it can be written");
    assert!(opened.finish().expect_err("it shrank").text.contains("shrank from 8 to 0"));
}

#[test]
fn names_and_patterns() {
    let folder = folder();
    for name in ["b.log", "a.log", "c.txt", "odd[1].log"] {
        file(&folder, name, b"");
    }
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let found = expand(&[path("?.log"), "-".into()]).expect("two files and standard input");
    assert_eq!(found, [Input::File(path("a.log").into()), Input::File(path("b.log").into()), Input::Standard]);
    assert_eq!(expand(&[path("odd[1].log")]).expect("it exists as written").len(), 1);
    assert!(expand(&[path("*.csv")]).expect_err("none fits").text.contains("no file fits"));
    assert!(expand(&["-".into(), "-".into()]).is_err());
    assert!(expand(&["***".into()]).is_err());
}

fn lines(bytes: &[u8], limit: usize, step: usize) -> Vec<(u64, Result<Vec<u8>, usize>)> {
    let mut lines = Lines::new(Dribble { inner: Cursor::new(bytes.to_vec()), step }, limit);
    let mut out = Vec::new();
    loop {
        let piece = match lines.next().expect("memory can be read") {
            None => return out,
            Some(Piece::Line(line) | Piece::Unended(line)) => Ok(line.to_vec()),
            Some(Piece::TooLong(start)) => Err(start.len()),
        };
        out.push((lines.number(), piece));
    }
}

/// Gives a few bytes at a time.
struct Dribble {
    inner: Cursor<Vec<u8>>,
    step: usize,
}

impl Read for Dribble {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let step = out.len().min(self.step);
        self.inner.read(&mut out[..step])
    }
}

#[test]
fn lines_end_in_every_way() {
    for step in [1, 2, 3, 1000] {
        let found = lines(b"\xef\xbb\xbfone\r\ntwo\n\nlast", 100, step);
        let expected = ["one", "two", "", "last"].map(|line| Ok(line.as_bytes().to_vec()));
        assert_eq!(found, (1..).zip(expected).collect::<Vec<_>>());
    }
    assert_eq!(lines(b"", 100, 9), []);
    assert_eq!(lines(b"\n", 100, 9), [(1, Ok(Vec::new()))]);
}

#[test]
fn a_line_that_is_too_long_is_skipped() {
    let long = [b"a\n".as_slice(), &vec![b'x'; 2 << 20], b"\nb\n", &[b'y'; 101], b"\n", &[b'z'; 300]].concat();
    let found = lines(&long, 100, 70_000);
    let expected = [(1, Ok(b"a".to_vec())), (2, Err(256)), (3, Ok(b"b".to_vec())), (4, Err(101)), (5, Err(256))];
    assert_eq!(found, expected);
    assert_eq!(lines(&long, 4 << 20, 70_000).len(), 5);
}

#[test]
fn the_head_is_not_taken() {
    let mut lines = Lines::new(Cursor::new(b"\xef\xbb\xbfone\ntwo".to_vec()), 100);
    assert_eq!(lines.head(1 << 20).expect("memory can be read"), b"one\ntwo");
    assert_eq!(lines.next().expect("memory can be read"), Some(Piece::Line(b"one")));
    let mut rest = String::new();
    lines.read_line(&mut rest).expect("memory can be read");
    assert_eq!(rest, "two");
}

proptest! {
    #[test]
    fn lines_are_those_of_a_simple_split(bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..400), limit in 1_usize..40, step in 1_usize..50) {
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let mut expected: Vec<&[u8]> = text.split(|&byte| byte == b'\n').collect();
        if expected.last().is_some_and(|last| last.is_empty()) {
            expected.pop();
        }
        let found = lines(&bytes, limit, step);
        prop_assert_eq!(found.len(), expected.len());
        for ((_, found), expected) in found.into_iter().zip(expected) {
            match found {
                Ok(line) => prop_assert_eq!(&line[..], expected.strip_suffix(b"\r").unwrap_or(expected)),
                Err(_) => prop_assert!(expected.len() > limit),
            }
        }
    }

    #[test]
    fn any_bytes_unpack_or_not(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), mark in 0_usize..3) {
        let marks: [&[u8]; 3] = [b"", &[0x1f, 0x8b, 8, 0], &[0x28, 0xb5, 0x2f, 0xfd]];
        bytes.splice(0..0, marks[mark].iter().copied());
        let _ = unpack(&bytes);
    }

    #[test]
    fn damaged_files_never_panic(at in any::<proptest::sample::Index>(), value in any::<u8>(), zst in any::<bool>()) {
        let text = b"the quick brown fox jumps over the lazy dog, the quick brown fox".repeat(20);
        let mut packed = if zst { zstd(&text) } else { gzip(&text) };
        let place = at.index(packed.len());
        packed[place] = value;
        let _ = unpack(&packed);
    }
}
