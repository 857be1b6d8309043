//! The JSON result: what the summary holds, field by field, for programs.
//!
//! Numbers are the shortest that read back the same. Characters that a terminal would obey are written as `\uXXXX`, which any JSON
//! reader turns back into what they were.

use super::neutral;
use crate::measure::detail::{self, Detail};
use crate::measure::summary::{self, Summary};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// One scenario: an object, indented, with a line end.
#[must_use]
pub fn one(summary: &Summary) -> String {
    pretty(summary)
}

/// Several scenarios: an array of such objects.
#[must_use]
pub fn several(summaries: &[Summary]) -> String {
    pretty(summaries)
}

/// Reads what [`one`] or [`several`] wrote, to the last bit.
///
/// # Errors
/// Says where the text is not such a result.
pub fn read(text: &str) -> Result<Vec<Summary>, serde_json::Error> {
    if text.trim_start().starts_with('[') { serde_json::from_str(text) } else { serde_json::from_str(text).map(|one| vec![one]) }
}

/// What is drawn: an object on one line.
#[must_use]
pub fn detail(detail: &Detail) -> String {
    safe(&serde_json::to_string(detail).expect("it has only strings as keys and no failing fields"))
}

/// Why a saved result cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is not JSON, or not of the shape.
    #[error("{0}")]
    Malformed(#[from] serde_json::Error),
    /// Another program's, or another version's.
    #[error("its \"schema\" is {found}, and this version reads {known}: draw it with the version that wrote it, or run the scenario again")]
    Version {
        /// As it says.
        found: u64,
        /// What can be read.
        known: u32,
    },
    /// It is JSON, and nothing of ours.
    #[error("it has no \"schema\": evenkeel did not write it")]
    Foreign,
    /// A list of results, as folders that show several side by side have.
    #[error("it holds several results: name the folder of each")]
    Several,
}

/// Reads what [`one`] wrote, if this version can.
///
/// # Errors
/// Says why not.
pub fn read_summary(text: &str) -> Result<Summary, Unreadable> {
    versioned(text, summary::SCHEMA)
}

/// Reads what [`detail`](fn@detail) wrote, if this version can.
///
/// # Errors
/// Says why not.
pub fn read_detail(text: &str) -> Result<Detail, Unreadable> {
    versioned(text, detail::SCHEMA)
}

/// Whether a text is a result that some version of evenkeel wrote.
#[must_use]
pub fn is_ours(text: &str) -> bool {
    let value: Option<serde_json::Value> = serde_json::from_str(text).ok();
    let is_one = |value: &serde_json::Value| value["tool"]["name"] == "evenkeel" && value["schema"].is_u64();
    value.is_some_and(|value| is_one(&value) || value.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(is_one)))
}

/// The version first: what another version wrote may have any shape.
fn versioned<T: DeserializeOwned>(text: &str, known: u32) -> Result<T, Unreadable> {
    #[derive(Deserialize)]
    struct Version {
        schema: Option<u64>,
    }
    if text.trim_start().starts_with('[') && is_ours(text) {
        return Err(Unreadable::Several);
    }
    match serde_json::from_str::<Version>(text)?.schema {
        Some(found) if found == u64::from(known) => Ok(serde_json::from_str(text)?),
        Some(found) => Err(Unreadable::Version { found, known }),
        None => Err(Unreadable::Foreign),
    }
}

fn pretty<T: Serialize + ?Sized>(value: &T) -> String {
    safe(&serde_json::to_string_pretty(value).expect("a summary has only strings as keys and no failing fields"))
}

/// The same with what a terminal would obey written as `\\uXXXX`.
pub(crate) fn safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        // Line ends are the layout's own: those of names are escaped already.
        if neutral::is_harmful(c) && c != '\n' { escape(&mut safe, c) } else { safe.push(c) }
    }
    safe.push('\n');
    safe
}

fn escape(text: &mut String, c: char) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        text.push_str(&format!("\\u{unit:04x}"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn it_equals_the_golden_file() {
        sample::equals(&one(&sample::summary()), include_str!("../../tests/data/summary.json"));
    }

    #[test]
    fn it_reads_back_the_same() {
        let summary = sample::summary();
        assert!(read(&one(&summary)).expect("it is JSON") == vec![summary.clone()]);
        let back = read(&several(&[summary.clone(), summary])).expect("it is JSON");
        assert_eq!(back.len(), 2);
        assert!(read("{}").is_err() && read("").is_err());
    }

    #[test]
    fn hostile_names_survive_without_reaching_the_terminal() {
        let summary = sample::hostile();
        let text = one(&summary);
        assert!(!text.chars().any(|c| neutral::is_harmful(c) && c != '\n'));
        let back: Summary = serde_json::from_str(&text).expect("it is JSON");
        assert_eq!(back.results[0].balancer, summary.results[0].balancer);
        assert_eq!(back.scenario.title, summary.scenario.title);
    }

    #[test]
    fn the_fields_are_those_of_the_contract() {
        let value: serde_json::Value = serde_json::from_str(&one(&sample::summary())).expect("it is JSON");
        let keys = |value: &serde_json::Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>().join(" ");
        assert_eq!(keys(&value), "schema tool scenario results comparisons verdicts warnings");
        assert_eq!(keys(&value["tool"]), "name version");
        assert_eq!(keys(&value["scenario"]), "title file_sha256 plan_sha256 seed replications requests warmup question");
        let result = &value["results"][0];
        assert_eq!(
            keys(result),
            "balancer kind variant requests latency_ms latency_ms_ci95 latency_all_ms wait_ms wait_share warmup_reached overloaded_at_s \
             duration_s throughput_rps goodput_rps success_rate fairness in_system_mean amplification work faults services backends"
        );
        assert_eq!(keys(&result["requests"]), "offered succeeded failed unfinished attempts retries hedges errors");
        assert_eq!(keys(&result["requests"]["errors"]), "timeout refused error crashed no-backend shed");
        assert_eq!(keys(&result["latency_ms"]), "mean stddev min p50 p75 p90 p95 p99 p99.9 p99.99 max");
        assert_eq!(keys(&result["latency_ms_ci95"]), "mean p50 p90 p95 p99 p99.9");
        assert_eq!(keys(&result["latency_all_ms"]), "mean p50 p99");
        assert_eq!(
            keys(&result["fairness"]),
            "jain_requests jain_utilization peak_to_mean_requests cov_requests gini_requests peak_to_mean_in_flight jain_client_latency \
             peak_to_mean_utilization cov_utilization gini_utilization jain_in_flight cov_in_flight gini_in_flight"
        );
        assert_eq!(keys(&result["backends"][0]), "name requests share utilization in_flight_mean in_flight_max latency_ms");
        assert_eq!(
            keys(&value["comparisons"][0]),
            "balancer than variant than_variant metric difference relative ci95 p_value verdict ratio ratio_ci95"
        );
        assert_eq!(
            keys(&value["results"][3]["faults"][0]),
            "name kind occurrences detect_s recover_s recovered failed delayed load_moved metastable"
        );
        assert_eq!(
            (&result["faults"], &result["services"], &value["verdicts"]),
            (&serde_json::json!([]), &serde_json::json!([]), &serde_json::json!([]))
        );
    }
}
