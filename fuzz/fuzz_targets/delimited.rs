//! Any bytes as a table, by its header and as every known one.

#![no_main]

mod quiet;

use evenkeel::trace::format::columns::{Columns, Meaning};
use evenkeel::trace::format::delimited::Delimited;
use evenkeel::trace::format::presets;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    quiet::read(&mut Delimited::new(&Columns::default(), Meaning::default()), data);
    let _ = presets::recognise(data);
    presets::names().filter_map(Delimited::preset).for_each(|mut reader| quiet::read(&mut reader, data));
});
