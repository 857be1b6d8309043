//! Report pages in a browser: `tests/browser/check.mjs` opens them, handles them by mouse and keyboard, and prints what it checked.
//!
//! It needs Node, Chromium, and `npm ci` in `tests/browser`. Where one of them is missing the test says so and passes; where `EVENKEEL_CI` is set it fails.

mod sample;

use evenkeel::measure::detail::Detail;
use evenkeel::measure::summary::Summary;
use evenkeel::report::page::{Shown, draw};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const COMMAND: &str = "evenkeel run scenario.toml --seed 42 --out report";

/// The pages that are checked, by the names of their files.
fn pages() -> Vec<(&'static str, String)> {
    let one = |(summary, detail): &(Summary, Detail)| draw(&[Shown { name: None, summary, detail }], COMMAND);
    let (before, after) = (sample::before(), sample::small());
    let both = [
        Shown { name: Some("before"), summary: &before.0, detail: &before.1 },
        Shown { name: Some("after"), summary: &after.0, detail: &after.1 },
    ];
    vec![
        ("five.html", one(&sample::five())),
        ("hostile.html", one(&sample::hostile())),
        ("many.html", one(&sample::many())),
        ("several.html", draw(&both, "evenkeel report before after")),
        ("small.html", one(&after)),
        ("variants.html", one(&sample::variants())),
    ]
}

/// The first of these programs that is installed.
fn program(names: &[&str]) -> Option<PathBuf> {
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?).collect();
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|path| path.is_file())
}

#[test]
fn pages_work_in_a_browser() {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let found = (program(&["node", "nodejs"]), program(&["chromium", "chromium-browser", "google-chrome"]));
    let is_installed = scripts.join("node_modules/playwright-core").is_dir() && scripts.join("node_modules/axe-core").is_dir();
    let (Some(node), Some(chromium), true) = (found.0, found.1, is_installed) else {
        assert!(env::var_os("EVENKEEL_CI").is_none(), "Node, Chromium or `npm ci` in tests/browser is missing");
        // Written past the test runner, which keeps back what passing tests print.
        let _ = writeln!(std::io::stderr(), "skipped: pages_work_in_a_browser needs Node, Chromium and `npm ci` in tests/browser");
        return;
    };
    let folder = env::temp_dir().join(format!("evenkeel-pages-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("temporary files can be written");
    for (name, page) in pages() {
        fs::write(folder.join(name), page).expect("temporary files can be written");
    }
    let done = Command::new(node).arg(scripts.join("check.mjs")).arg(chromium).arg(&folder).output().expect("Node starts");
    println!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "what does not hold is printed above");
    fs::remove_dir_all(&folder).expect("they were written here");
}
