//! Any bytes as lines of JSON, by their members and as every known format.

#![no_main]

use evenkeel::trace::LineFormat;
use evenkeel::trace::format::columns::{Columns, Meaning};
use evenkeel::trace::format::json::{self, JsonLines};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let known = json::names().filter_map(JsonLines::preset);
    for mut format in known.chain([JsonLines::new(&Columns::default(), Meaning::default())]) {
        data.split(|&byte| byte == b'\n').for_each(|line| drop(format.read(line)));
    }
    let _ = json::recognise_preset(data);
});
