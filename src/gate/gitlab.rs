//! GitLab's code quality report: a list of what did not hold, each with a fingerprint that stays the same until it is mended.

use crate::measure::summary::{Summary, VerdictSummary};
use crate::report::{json, neutral, verdicts};
use serde_json::{Value, json};

/// Everything that did not hold or could not be decided.
#[must_use]
pub fn draw(scenarios: &[(&str, &Summary)]) -> String {
    let broken = |verdict: &&VerdictSummary| verdict.counts && verdict.verdict != "held";
    let one = |file: &str, verdict: &VerdictSummary| {
        let about = verdicts::about(verdict);
        json!({
            "description": neutral::plain(&format!("{}: {}", verdict.rule, verdicts::line(verdict))),
            "check_name": "evenkeel-gate",
            "fingerprint": fingerprint(&[file, &verdict.rule, &about]),
            "severity": if verdict.verdict == "undecided" { "minor" } else { "major" },
            "location": {"path": neutral::plain(file), "lines": {"begin": verdict.line.unwrap_or(1)}},
        })
    };
    let all = scenarios.iter().flat_map(|(file, summary)| summary.verdicts.iter().filter(broken).map(move |verdict| one(file, verdict)));
    json::safe(&serde_json::to_string_pretty(&Value::Array(all.collect())).expect("texts and numbers are JSON"))
}

/// FNV-1a in 128 bits, of the parts with a mark between them.
fn fingerprint(parts: &[&str]) -> String {
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in parts.iter().flat_map(|part| part.bytes().chain([0])) {
        hash = (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    format!("{hash:032x}")
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn fingerprints_tell_parts_apart() {
        assert_ne!(fingerprint(&["a", "bc"]), fingerprint(&["ab", "c"]));
        // The empty text's published hash, before the mark.
        assert_eq!(fingerprint(&[]), "6c62272e07bb014262b821756295c58d");
    }
}
