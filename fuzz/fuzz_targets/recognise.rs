//! Which format it is.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = evenkeel::trace::format::recognise(bytes);
});
