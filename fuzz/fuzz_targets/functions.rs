//! Any bytes as Azure Functions' two tables, which a zero byte parts.

#![no_main]

mod quiet;

use evenkeel::trace::format::functions::{Functions, Spread};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let at = data.iter().position(|&byte| byte == 0).unwrap_or(data.len());
    let (mut durations, invocations) = data.split_at(at);
    // Counts with many digits are many calls, which take long and find nothing.
    if invocations.split(|byte| !byte.is_ascii_digit()).any(|number| number.len() > 3) {
        return;
    }
    if let Ok(mut reader) = Functions::new(1, Spread::Uniform).with_durations(&mut durations, &mut quiet::Quiet) {
        quiet::read(&mut reader, invocations);
    }
    quiet::read(&mut Functions::new(1, Spread::Poisson), invocations);
});
