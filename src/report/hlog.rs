//! Latencies over time as an HdrHistogram interval log (format 1.2, V2 compressed histograms): a line for each window, with its tag.
//!
//! A window's histogram has one significant digit, which is how windows are kept: percentiles within 6%. Unlike the result's, windows begin at the start of
//! the run, warm-up included. Start times are simulated: the run begins at 0. A histogram is the reference implementation's V2 encoding (zigzag LEB128 counts, runs of
//! zeros as one negative number) in a zlib stream of stored blocks, which every reader takes: it is a few dozen bytes, and nothing to compress is left.

use super::base64::base64;
use crate::measure::detail::Windows;
use std::fmt::Write;

/// What an encoded histogram begins with, and what a compressed one does.
const COOKIE: u32 = 0x1c84_9313;
const COMPRESSED: u32 = 0x1c84_9314;
/// Significant digits: sixteen buckets for each power of two, and 32 exact values below.
const DIGITS: u32 = 1;
const SUB_BUCKET_BITS: u32 = 4;
/// What took longer is counted as that long.
const HIGHEST: u64 = 1 << 50;

/// The windows of a result; the tag may have no comma, space or line end.
#[must_use]
pub fn draw(windows: &Windows, tag: &str) -> String {
    let mut text = format!(
        "#[evenkeel: latencies of answered requests by the time of arrival, in nanoseconds, within 6%; the warm-up ends at {:.3} s]\n\
         #[Histogram log format version 1.2]\n\
         #[StartTime: 0.000 (seconds since epoch), Thu Jan 01 00:00:00 UTC 1970]\n\
         \"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n",
        windows.warmup_s
    );
    for (at, buckets) in windows.latencies.iter().enumerate() {
        let [start, end] = windows.span_s(at);
        let greatest = buckets.last().map_or(0, |&(least, _)| greatest_of(least));
        let length = (end - start).max(0.0);
        let _ = writeln!(text, "Tag={tag},{start:.3},{length:.3},{:.3},{}", greatest as f64 / 1e6, base64(&compressed(buckets)));
    }
    text
}

/// The place of a bucket's least value in the array of counts.
fn index(least: u64) -> usize {
    let shift = (64 - (least | (1 << SUB_BUCKET_BITS)).leading_zeros()) - 1 - SUB_BUCKET_BITS;
    ((shift as usize) << SUB_BUCKET_BITS) + (least >> shift) as usize
}

/// The greatest value of the bucket with this least one.
fn greatest_of(least: u64) -> u64 {
    let shift = (64 - (least | (1 << SUB_BUCKET_BITS)).leading_zeros()) - 1 - SUB_BUCKET_BITS;
    least + (1 << shift) - 1
}

/// A histogram as a log has it, before it is made text.
fn compressed(buckets: &[(u64, u64)]) -> Vec<u8> {
    let zlib = stored(&encoded(buckets));
    let mut bytes = COMPRESSED.to_be_bytes().to_vec();
    bytes.extend((zlib.len() as u32).to_be_bytes());
    bytes.extend(zlib);
    bytes
}

/// The V2 encoding.
fn encoded(buckets: &[(u64, u64)]) -> Vec<u8> {
    let mut counts = Vec::new();
    let mut next = 0;
    for &(least, count) in buckets {
        let at = index(least);
        if at > next {
            zigzag(&mut counts, -((at - next) as i64));
        }
        zigzag(&mut counts, count as i64);
        next = at + 1;
    }
    let mut bytes = Vec::with_capacity(40 + counts.len());
    for word in [COOKIE, counts.len() as u32, 0, DIGITS] {
        bytes.extend(word.to_be_bytes());
    }
    bytes.extend(1_u64.to_be_bytes());
    bytes.extend(HIGHEST.to_be_bytes());
    bytes.extend(1.0_f64.to_be_bytes());
    bytes.extend(counts);
    bytes
}

/// A signed number in one to nine bytes; the ninth has eight bits.
fn zigzag(bytes: &mut Vec<u8>, value: i64) {
    let mut left = ((value << 1) ^ (value >> 63)) as u64;
    for _ in 0..8 {
        if left < 0x80 {
            return bytes.push(left as u8);
        }
        bytes.push(left as u8 | 0x80);
        left >>= 7;
    }
    bytes.push(left as u8);
}

/// A zlib stream (RFC 1950) of stored blocks (RFC 1951).
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let mut blocks = bytes.chunks(0xFFFF).peekable();
    while let Some(block) = blocks.next() {
        let length = block.len() as u16;
        stream.push(u8::from(blocks.peek().is_none()));
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend(block);
    }
    stream.extend(adler32(bytes).to_be_bytes());
    stream
}

fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    let (one, two) = bytes.iter().fold((1, 0), |(one, two), &byte| {
        let one = (one + u32::from(byte)) % MODULUS;
        (one, (two + one) % MODULUS)
    });
    two << 16 | one
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn the_pieces_equal_published_vectors() {
        // adler32 of "Wikipedia"; LEB128 of 624485.
        assert_eq!(adler32(b"Wikipedia"), 0x11E6_0398);
        let of = |value| {
            let mut bytes = Vec::new();
            zigzag(&mut bytes, value);
            bytes
        };
        assert_eq!((of(0), of(-1), of(1), of(-65), of(312_243)), (vec![0], vec![1], vec![2], vec![0x81, 1], vec![0xE6, 0x8E, 0x26]));
        assert_eq!(of(i64::MIN), [0xFF; 9]);
    }

    #[test]
    fn the_reference_layout_finds_every_bucket() {
        let oracle = hdrhistogram::Histogram::<u64>::new_with_bounds(1, HIGHEST, DIGITS as u8).expect("bounds are in order");
        let mut value = 1_u64;
        while value < HIGHEST {
            let least = oracle.lowest_equivalent(value);
            assert_eq!(greatest_of(least), oracle.highest_equivalent(value), "{value}");
            assert_eq!(index(greatest_of(least)), index(least));
            value = value * 5 / 4 + 1;
        }
        assert_eq!((index(31), index(32), index(33), index(34)), (31, 32, 32, 33));
    }

    #[test]
    fn every_window_is_a_line() {
        let detail = sample::detail(&sample::summary());
        let text = draw(&detail.results[0].windows, "p2c");
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("Tag=p2c,")).collect();
        assert_eq!(rows.len(), 3);
        assert!(
            rows[0].starts_with("Tag=p2c,0.000,2.000,11.010,HISTFAAA") && rows[2].starts_with("Tag=p2c,4.000,1.500,0.000,HISTFAAA"),
            "{text}"
        );
    }
}
