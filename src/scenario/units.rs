//! Numbers with units that do not read: what was meant, as a literal to paste.

use super::decoder::Decoder;
use super::diagnostic::{Fault, Finding};
use super::document::{Data, Node};
use super::path::Path;
use crate::catalogue::Kind;
use crate::time::UnitError;

/// What who writes an infinite rate wants.
pub(crate) const AS_FAST_AS_POSSIBLE: &str = "for \"as fast as possible\" write process = \"closed\"";

/// Something that is not a text where a text with a unit is needed: a bare number, most often.
pub(crate) fn no_text<T>(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>, kind: Kind) -> Option<T> {
    match &node.data {
        Data::Whole(_) | Data::Float(_) | Data::Huge => unit_fault(
            d,
            node,
            path,
            kind,
            if matches!(node.data, Data::Float(value) if !value.is_finite()) { UnitError::NotFinite } else { UnitError::NoUnit },
        ),
        _ => {
            d.wrong_type(node, path, kind, if matches!(kind, Kind::Rate) { "a rate in quotes" } else { "a duration in quotes" });
            None
        }
    }
}

/// A text that does not read as a number with its unit.
pub(crate) fn unit_fault<T>(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>, kind: Kind, error: UnitError) -> Option<T> {
    let found = d.found(node);
    let fault = match error {
        UnitError::NoUnit => Fault::NoUnit(found),
        UnitError::Negative | UnitError::TooLarge | UnitError::NotFinite => Fault::OutOfRange { found, why: error.to_string() },
        UnitError::NoNumber | UnitError::UnknownUnit => Fault::BadUnit { found, why: error.to_string() },
    };
    let written = crate::escape::visible(d.sources.slice(node.at).trim().trim_matches(['"', '\'']), 40);
    let finding = Finding::error(node.at, fault).path(path).allowed(kind);
    d.report(finding.help(unit_help(&written, path.last_key(), kind, error)));
    None
}

/// A literal to paste instead.
fn unit_help(written: &str, key: &str, kind: Kind, error: UnitError) -> String {
    let digits = written.trim_end_matches(|c: char| !c.is_ascii_digit());
    let rest = written[digits.len()..].trim();
    match (kind, error) {
        (Kind::Rate, UnitError::NoUnit) => format!("write {key} = \"{written}/s\""),
        (Kind::ShareOrSpan, UnitError::NoUnit) => format!("{written} what? write \"{written}%\" or \"{written}s\""),
        (Kind::Share, UnitError::NoUnit) => format!("write \"{written}%\", or a number from 0 to 1 without quotes"),
        (_, UnitError::NoUnit) => format!("{written} what? write \"{written}s\" or \"{written}ms\""),
        (Kind::Rate, UnitError::NotFinite) => AS_FAST_AS_POSSIBLE.into(),
        (Kind::Rate, UnitError::TooLarge) => "gaps are whole nanoseconds, so that 1e9/s is the most of one source".into(),
        (Kind::Rate, UnitError::UnknownUnit) if !digits.is_empty() => rate_help(digits, rest),
        (Kind::Share, _) => "write a share such as 0.2 or \"20%\"".into(),
        (_, UnitError::UnknownUnit) if !digits.is_empty() => match unit_meant(rest) {
            Some(unit) => format!("did you mean \"{digits}{unit}\"? (m is minutes, ms is milliseconds)"),
            None => "write, for example, \"250us\", \"10ms\" or \"2m\"".into(),
        },
        (Kind::Rate, _) => "write, for example, \"800/s\" or \"50/min\"".into(),
        (_, UnitError::TooLarge) => "simulated time is u64 nanoseconds: 584 years are the most".into(),
        _ => "write, for example, \"10ms\" or \"1.5s\"".into(),
    }
}

fn rate_help(digits: &str, rest: &str) -> String {
    let thousands = match rest.chars().next() {
        Some('k' | 'K') => "000",
        Some('M') => "000000",
        _ => "",
    };
    let per = rest.rsplit_once('/').and_then(|(_, per)| unit_meant(per)).unwrap_or("s");
    format!("did you mean \"{digits}{thousands}/{per}\"? (for example \"800/s\", \"50/min\", \"3/h\")")
}

/// The unit that a word means.
fn unit_meant(word: &str) -> Option<&'static str> {
    const UNITS: [(&str, &[&str]); 7] = [
        ("ns", &["nanosecond", "nanoseconds", "nsec"]),
        ("us", &["microsecond", "microseconds", "usec", "mus"]),
        ("ms", &["millisecond", "milliseconds", "msec", "millis"]),
        ("s", &["sec", "secs", "second", "seconds", "rps", "qps", "hz", "s"]),
        ("m", &["m", "min", "mins", "minute", "minutes"]),
        ("h", &["h", "hr", "hrs", "hour", "hours"]),
        ("d", &["d", "day", "days"]),
    ];
    let word = word.trim().to_lowercase();
    UNITS.iter().find(|(unit, words)| *unit == word || words.contains(&word.as_str())).map(|(unit, _)| *unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_can_be_pasted() {
        assert!(unit_help("10 minutes", "duration", Kind::Period, UnitError::UnknownUnit).contains("\"10m\""));
        assert!(unit_help("2k/s", "rate", Kind::Rate, UnitError::UnknownUnit).contains("\"2000/s\""));
        assert!(unit_help("50 rps", "rate", Kind::Rate, UnitError::UnknownUnit).contains("\"50/s\""));
        assert!(unit_help("5", "warmup", Kind::ShareOrSpan, UnitError::NoUnit).contains("\"5%\""));
    }
}
