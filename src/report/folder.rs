//! Everything a report folder holds, as bytes by name: who writes it where is the command line's affair.
//!
//! The same result gives the same bytes on every machine: nothing in them is of a clock, a host or a path.

use super::{csv, events, hgrm, hlog, json, markdown, openmetrics, tidy};
use crate::measure::detail::Detail;
use crate::measure::summary::{ResultSummary, Summary};
use crate::measure::trace::Traced;

/// What may lie in the folder itself: everything else there is somebody else's.
pub const ENTRIES: [&str; 5] = ["report.html", SUMMARY, "plots", "data", "histograms"];
/// Files that are not made of a summary and a detail: whoever draws again keeps them as they are.
pub const KEPT: [&str; 2] = ["data/events.jsonl", "data/trace.json"];

/// A file of the folder: its path in it, with slashes, and its content.
pub type File = (String, Vec<u8>);

/// The summary: what makes a folder a result of ours.
pub const SUMMARY: &str = "summary.json";
/// The rest, from which a report is drawn again.
pub const DETAIL: &str = "data/detail.json";

/// All files of a result.
#[must_use]
pub fn files(summary: &Summary, detail: &Detail) -> Vec<File> {
    let mut files = vec![
        text(SUMMARY, json::one(summary)),
        text(DETAIL, json::detail(detail)),
        text("data/summary.csv", tidy::summary(summary)),
        text("data/summary.md", markdown::draw(summary)),
        text("data/backends.csv", tidy::backends(summary)),
        text("data/windows.csv", tidy::windows(summary, detail)),
        text("data/percentiles.csv", tidy::percentiles(summary, detail)),
        text("data/metrics.txt", openmetrics::draw(summary, detail)),
    ];
    if detail.results.iter().any(|result| !result.windows.backends.is_empty()) {
        files.push(text("data/backend-windows.csv", tidy::backend_windows(summary, detail)));
    }
    for (result, name) in detail.results.iter().zip(names(&summary.results)) {
        files.push(text(&format!("histograms/{name}.hgrm"), hgrm::draw(&result.latency)));
        files.push(text(&format!("histograms/{name}.hlog"), hlog::draw(&result.windows, &name)));
    }
    files
}

/// What was traced, in files of its own.
#[must_use]
pub fn traced(all: &[Traced]) -> [File; 2] {
    let [lines, trace] = KEPT;
    [text(lines, events::lines(all)), text(trace, events::chrome(all))]
}

/// A saved result, and how it is called among several.
#[derive(Debug)]
pub struct Saved {
    /// For people, and part of no file's name.
    pub name: String,
    /// What it came to.
    pub summary: Summary,
    /// What is drawn of it.
    pub detail: Detail,
}

/// All files of a folder that shows several results side by side.
#[must_use]
pub fn side_by_side(saved: &[Saved]) -> Vec<File> {
    let summaries: Vec<Summary> = saved.iter().map(|one| one.summary.clone()).collect();
    vec![text(SUMMARY, json::several(&summaries)), text("data/results.csv", csv::results(&summaries))]
}

/// What results' own files are called, in order: variant and balancer, made harmless, each once.
#[must_use]
pub fn names(results: &[ResultSummary]) -> Vec<String> {
    let mut names = Vec::new();
    for result in results {
        let whole = result.variant.iter().chain([&result.balancer]).map(String::as_str).collect::<Vec<_>>().join("-");
        names.push(unused(&slug(&whole), &names));
    }
    names
}

/// A name that every file system takes: letters, digits, `-`, `_` and `.` within, at most 80 of them; `result` where nothing is left.
#[must_use]
pub fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() || c == '_' || (c == '.' && !slug.is_empty()) {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() == 80 {
            break;
        }
    }
    let slug = slug.trim_end_matches(['-', '.']);
    let stem = slug.split('.').next().unwrap_or_default().to_ascii_lowercase();
    match stem.as_str() {
        "" => "result".to_owned(),
        // Devices on Windows, whatever the ending.
        "con" | "prn" | "aux" | "nul" => format!("_{slug}"),
        stem if (stem.starts_with("com") || stem.starts_with("lpt")) && stem.len() == 4 => format!("_{slug}"),
        _ => slug.to_owned(),
    }
}

/// A name that nobody has, in any letter case: with `-2`, `-3`, … behind it where it needs that.
#[must_use]
pub fn unused(name: &str, given: &[String]) -> String {
    let is_given = |name: &str| given.iter().any(|other| other.eq_ignore_ascii_case(name));
    let numbered = (2..).map(|number: u64| format!("{name}-{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(|name| !is_given(name)).expect("one of so many is free")
}

fn text(name: &str, content: String) -> File {
    (name.to_owned(), content.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn names_of_files_are_harmless_everywhere() {
        for (name, expected) in [
            ("p2c", "p2c"),
            ("calm / round-robin", "calm-round-robin"),
            ("../../etc/passwd", "etc-passwd"),
            ("envoy/least-request", "envoy-least-request"),
            ("<b>\u{202e}\0", "b"),
            ("負荷", "result"),
            ("NUL.txt", "_NUL.txt"),
            ("com7", "_com7"),
            ("...", "result"),
        ] {
            assert_eq!(slug(name), expected);
        }
        assert!(slug(&"x".repeat(5000)).len() <= 80);
        assert_eq!(unused("a", &["A".into(), "a-2".into()]), "a-3");
    }

    #[test]
    fn the_files_have_distinct_plain_names() {
        for summary in [sample::summary(), sample::hostile()] {
            let files = files(&summary, &sample::detail(&summary));
            let mut names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
            assert!(names.contains(&SUMMARY) && names.contains(&DETAIL));
            assert!(names.iter().all(|name| !name.starts_with('/') && !name.contains("..") && name.is_ascii()));
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), files.len());
        }
    }
}
