//! Any bytes as the log of the 1998 world cup.

#![no_main]

mod quiet;

use evenkeel::trace::format::worldcup::{self, WorldCup};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    quiet::read(&mut WorldCup::new(), data);
    let _ = worldcup::recognise(data);
});
