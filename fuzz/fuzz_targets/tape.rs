#![no_main]
//! A trace file of ours, or what calls itself one.

use evenkeel::trace::tape::Tape;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(tape) = Tape::from_bytes(bytes.to_vec()) {
        let _ = tape.each(&mut |_| Ok(()));
    }
});
