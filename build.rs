//! Tells the program which commit it is of, where that can be found out.

use std::process::Command;

fn main() {
    // Written by every commit and checkout. Naming what is not there would rebuild the crate each time.
    let log = ".git/logs/HEAD";
    let watched = if std::path::Path::new(log).exists() { log } else { "build.rs" };
    println!("cargo:rerun-if-changed={watched}");
    let commit = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output().ok();
    let commit = commit.filter(|output| output.status.success()).and_then(|output| String::from_utf8(output.stdout).ok());
    let shown = commit.map(|commit| format!(" ({})", commit.trim())).unwrap_or_default();
    println!("cargo:rustc-env=EVENKEEL_COMMIT={shown}");
}
