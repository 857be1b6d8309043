//! Lines of the format.
#![no_main]

use evenkeel::trace::format::{Choices, Format, Reading, open};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok((Reading::Lines(mut reader), _)) = open(Format::Alb, &Choices::default()) else { return };
    for line in bytes.split(|&byte| byte == b'\n') {
        reader.read(line);
    }
});
