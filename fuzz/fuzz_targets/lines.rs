//! The splitter of lines.
#![no_main]

use evenkeel::trace::input::{Lines, Piece};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut lines = Lines::new(bytes, 16);
    while let Some(piece) = lines.next().expect("memory can be read") {
        if let Piece::Line(line) | Piece::Unended(line) = piece {
            assert!(line.len() <= 16 && !line.contains(&b'\n'));
        }
    }
});
