//! Any bytes as spans of OpenTelemetry and of Jaeger.

#![no_main]

mod quiet;

use evenkeel::trace::format::spans::{self, Jaeger, Otlp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    quiet::read(&mut Otlp::new(), data);
    quiet::read(&mut Jaeger::new(), data);
    let _ = (spans::recognise_otlp(data), spans::recognise_jaeger(data));
});
