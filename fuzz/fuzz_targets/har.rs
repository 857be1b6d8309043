//! Any bytes as HAR.

#![no_main]

mod quiet;

use evenkeel::trace::format::har::{self, Har};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    quiet::read(&mut Har::new(), data);
    let _ = har::recognise(data);
});
