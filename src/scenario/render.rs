//! Diagnostics as a terminal shows them, in the manner of rustc.

use std::fmt::Write as _;

use super::diagnostic::{Diagnostic, Diagnostics, Severity};
use super::position::Location;

/// How many diagnostics are shown before they are only counted.
pub const SHOWN: usize = 20;

/// What is written before and after each part: nothing, or colours.
#[derive(Clone, Debug, Default)]
pub struct Style {
    /// Before `error`.
    pub error: &'static str,
    /// Before `warning`.
    pub warning: &'static str,
    /// Before the headline.
    pub strong: &'static str,
    /// Before line numbers, bars and arrows.
    pub frame: &'static str,
    /// After each of them.
    pub reset: &'static str,
}

impl Style {
    /// No colours.
    #[must_use]
    pub fn plain() -> Self {
        Self::default()
    }

    /// ANSI colours, as rustc's.
    #[must_use]
    pub fn ansi() -> Self {
        Self { error: "\x1b[1;31m", warning: "\x1b[1;33m", strong: "\x1b[1m", frame: "\x1b[1;34m", reset: "\x1b[0m" }
    }
}

/// Writes the first [`SHOWN`] diagnostics and how many more there are.
#[must_use]
pub fn render(diagnostics: &Diagnostics, style: &Style) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics.iter().take(SHOWN) {
        one(&mut out, diagnostic, style);
    }
    if diagnostics.len() > SHOWN {
        let _ = writeln!(out, "… and {} more", diagnostics.len() - SHOWN);
    }
    out
}

/// One diagnostic: headline, place, line, caret, notes.
fn one(out: &mut String, diagnostic: &Diagnostic, style: &Style) {
    let (colour, word) = match diagnostic.severity {
        Severity::Error => (style.error, "error"),
        Severity::Warning => (style.warning, "warning"),
    };
    let Style { strong, frame, reset, .. } = *style;
    let colon = if diagnostic.path.is_empty() { "" } else { ": " };
    let _ =
        writeln!(out, "{colour}{word}[{}]{reset}{strong}: {}{colon}{}{reset}", diagnostic.fault.code(), diagnostic.path, diagnostic.fault);
    let gutter = diagnostic.related.iter().map(|(_, at)| at.line).chain([diagnostic.location.line]).max().unwrap_or(1).to_string().len();
    window(out, &diagnostic.location, "-->", "", gutter, style);
    for (role, location) in &diagnostic.related {
        window(out, location, ":::", role, gutter, style);
    }
    let allowed = diagnostic.allowed.iter().map(|text| ("allowed", text));
    for (label, text) in allowed.chain(diagnostic.help.iter().map(|text| ("help", text))) {
        let indented = text.replace('\n', &format!("\n{:gutter$}           ", ""));
        let _ = writeln!(out, "{:gutter$} {frame}={reset} {label}: {indented}", "");
    }
    out.push('\n');
}

/// A place, its line, and the caret under it.
fn window(out: &mut String, at: &Location, arrow: &str, role: &str, gutter: usize, style: &Style) {
    let Style { frame, reset, .. } = *style;
    let line = if at.is_flag { String::new() } else { at.line.to_string() };
    let place = if at.is_flag { at.source.clone() } else { format!("{}:{}:{}", at.source, at.line, at.column) };
    let mark = if arrow == "-->" { "^" } else { "-" };
    let _ = writeln!(out, "{:gutter$}{frame}{arrow}{reset} {place}", "");
    let _ = writeln!(out, "{:gutter$} {frame}|{reset}", "");
    let _ = writeln!(out, "{frame}{line:gutter$} |{reset} {}", at.excerpt.text);
    let carets = mark.repeat(at.excerpt.width);
    let marked = format!("{:indent$}{carets} {role}", "", indent = at.excerpt.indent);
    let _ = writeln!(out, "{:gutter$} {frame}|{reset} {}", "", marked.trim_end());
}

#[cfg(test)]
mod tests {
    use super::super::diagnostic::{Fault, Finding, diagnostics};
    use super::super::position::{Place, Sources};

    fn two_lines() -> Sources {
        let mut sources = Sources::default();
        sources.add("f.toml", "[run]\nseed = 1\nseed = 2\n".into(), false);
        sources
    }

    #[test]
    fn it_looks_like_rustc() {
        let finding = Finding::error(Place::new(0, 15..19), Fault::DuplicateKey("seed".into())).path("run.seed").help("remove one");
        let text = diagnostics(&two_lines(), vec![finding.related("first set here", Place::new(0, 6..10))]).to_string();
        let wanted = "error[duplicate-key]: run.seed: `seed` is set twice\n --> f.toml:3:1\n  |\n3 | seed = 2\n  | ^^^^\n ::: f.toml:2:1\n  |\n2 | seed = 1\n  | ---- first set here\n  = help: remove one\n\n";
        assert_eq!(text, wanted);
    }

    #[test]
    fn many_are_counted() {
        let findings = vec![Finding::error(Place::new(0, 0..5), Fault::Empty); 57];
        let text = diagnostics(&two_lines(), findings).to_string();
        assert!(text.ends_with("… and 37 more\n"));
        assert_eq!(text.matches("error[").count(), 20);
    }
}
