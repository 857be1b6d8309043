//! Format strings, and lines read by them: the first line is the format.
#![no_main]

use evenkeel::trace::LineFormat;
use evenkeel::trace::format::{Pattern, Syntax};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.split(|&byte| byte == b'\n');
    let Some(Ok(format)) = lines.next().map(std::str::from_utf8) else { return };
    for syntax in [Syntax::Nginx, Syntax::Apache, Syntax::Envoy, Syntax::of(format)] {
        let Ok(mut pattern) = Pattern::new(format, syntax) else { continue };
        for line in lines.clone() {
            pattern.read(line);
            let _ = pattern.explain(line);
        }
    }
});
