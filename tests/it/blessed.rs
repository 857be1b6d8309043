//! Files that must say what the program says: compared, or written with `EVENKEEL_BLESS=1`.

use std::fs;
use std::path::{Path, PathBuf};

/// Where the generated part of a page begins and ends.
const BEGIN: &str = "<!-- made by a test: begin -->\n";
const END: &str = "<!-- made by a test: end -->";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// A file of the project, with LF line ends.
pub(crate) fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}")).replace("\r\n", "\n")
}

/// The whole file.
pub(crate) fn whole(name: &str, expected: &str) {
    compare(name, || fs::read_to_string(path(name)).unwrap_or_default().replace("\r\n", "\n"), expected);
}

/// The part of a file between the marks.
pub(crate) fn part(name: &str, expected: &str) {
    between(name, BEGIN, END, expected);
}

/// The part of a file between the first `begin` and the next `end`.
pub(crate) fn between(name: &str, begin: &str, end: &str, expected: &str) {
    let page = read(name);
    let from = page.find(begin).unwrap_or_else(|| panic!("{name} has no {begin:?}")) + begin.len();
    let to = from + page[from..].find(end).unwrap_or_else(|| panic!("{name} has no {end:?} after {begin:?}"));
    compare(name, || page.clone(), &format!("{}{expected}{}", &page[..from], &page[to..]));
}

#[allow(clippy::disallowed_methods, reason = "a test may look at the environment")]
fn compare(name: &str, found: impl Fn() -> String, expected: &str) {
    if found() == expected {
        return;
    }
    if std::env::var_os("EVENKEEL_BLESS").is_some() {
        fs::write(path(name), expected).unwrap_or_else(|error| panic!("{name}: {error}"));
        return;
    }
    panic!("{name} is not what the program says. It should be (EVENKEEL_BLESS=1 writes it):\n{expected}");
}
