//! gzip and zstd.
#![no_main]

use evenkeel::trace::input::{Limits, unpacked};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { unpacked: 1 << 24, window: 1 << 22, ..Limits::default() };
    let _ = unpacked(bytes, &limits);
});
