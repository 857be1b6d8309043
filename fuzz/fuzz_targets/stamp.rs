//! Instants and durations.
#![no_main]

use evenkeel::trace::stamp::{LastMinute, Unit, common_log, epoch, iso, span};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    assert_eq!(LastMinute::default().common_log(bytes), common_log(bytes));
    let _ = iso(bytes);
    for (_, unit) in Unit::ALL {
        let _ = (epoch(bytes, unit), span(bytes, unit));
    }
});
