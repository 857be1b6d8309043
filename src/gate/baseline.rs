//! What an earlier run had, in a file that is kept in git.
//!
//! Sorted, one metric a line, so that a change shows as a changed line; without a time, a path or a machine's name. The values of every replication are there to the last bit: whoever runs
//! the same traffic with the same seed again can be held against them replication by replication. It is read with suspicion: it may come from anybody.

use crate::measure::metric::{Better, Metric};
use crate::measure::result::Measured;
use crate::measure::summary::{SEMANTICS, Tool};
use crate::report::json;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The version of the file's shape.
pub const FORMAT: u32 = 1;
/// The largest file that is read.
pub const MAX_BYTES: usize = 16 << 20;
/// The most replications that a file may have.
const MAX_REPLICATIONS: usize = 100_000;

/// What is kept in any case, where it exists.
const ALWAYS: [&str; 5] = ["latency.mean", "latency.p50", "latency.p99", "success_rate", "throughput_rps"];

/// A file of baselines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// [`FORMAT`].
    pub evenkeel_baseline: u32,
    /// The program's version.
    pub program: String,
    /// [`SEMANTICS`].
    pub semantics: u32,
    /// One for each scenario.
    pub scenarios: Vec<Kept>,
}

/// What is kept of a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// The file's name, without folder and ending.
    pub name: String,
    /// SHA-256 of its text.
    pub file_sha256: String,
    /// SHA-256 of what was run.
    pub plan_sha256: String,
    /// `run.seed`.
    pub seed: u64,
    /// Replications.
    pub replications: u32,
    /// One for each variant and balancer, sorted.
    pub results: Vec<KeptResult>,
}

/// What is kept of a balancer in a variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptResult {
    /// The balancer.
    pub balancer: String,
    /// The variant.
    pub variant: Option<String>,
    /// What its traffic was.
    #[serde(flatten)]
    pub traffic: Traffic,
    /// By path.
    pub metrics: BTreeMap<String, KeptMetric>,
}

/// Which requests a result is of, as hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Of its sources: results of other traffic are not compared.
    pub traffic_sha256: String,
    /// Of its sources, length, warm-up and seed: the same requests, replication by replication.
    pub stream_sha256: String,
}

/// A number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptMetric {
    /// The mean over replications.
    pub value: Option<f64>,
    /// In each replication.
    pub values: Vec<Option<f64>>,
}

/// Why a file is no baseline, or not one of this.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// It is not JSON, or not of the shape.
    #[error("it is not a baseline: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Of another version.
    #[error("it has the format {found}, and this version reads {FORMAT}: write a new one with --save-baseline")]
    Format {
        /// As it says.
        found: u64,
    },
    /// JSON, but nothing of ours.
    #[error("it has no \"evenkeel_baseline\": `evenkeel gate --save-baseline FILE` writes one")]
    Foreign,
    /// Simulated by other rules.
    #[error(
        "evenkeel {program} wrote it, which simulates otherwise (semantics {found}, and this is {SEMANTICS}): results cannot be compared; write a new one with --save-baseline"
    )]
    Semantics {
        /// The version of the program.
        program: String,
        /// As it says.
        found: u32,
    },
    /// Numbers that do not fit each other.
    #[error("{0}")]
    Inconsistent(String),
    /// Nothing of this scenario.
    #[error("it has no scenario called `{name}`; it has {there}. Add it with --save-baseline")]
    Scenario {
        /// This one.
        name: String,
        /// Those that are there.
        there: String,
    },
    /// The same scenario with other traffic.
    #[error("`{name}` has other traffic now than when it was written: apples and pears. Write a new one with --save-baseline")]
    Traffic {
        /// The scenario.
        name: String,
    },
}

/// Reads a file.
///
/// # Errors
/// Says what is wrong with it, and where.
pub fn read(text: &str) -> Result<Baseline, Unfit> {
    #[derive(Deserialize)]
    struct Version {
        evenkeel_baseline: Option<u64>,
    }
    match serde_json::from_str::<Version>(text)?.evenkeel_baseline {
        None => return Err(Unfit::Foreign),
        Some(found) if found != u64::from(FORMAT) => return Err(Unfit::Format { found }),
        Some(_) => {}
    }
    let read: Baseline = serde_json::from_str(text)?;
    if read.semantics != SEMANTICS {
        return Err(Unfit::Semantics { program: read.program, found: read.semantics });
    }
    for (kept, result) in read.scenarios.iter().flat_map(|kept| kept.results.iter().map(move |result| (kept, result))) {
        let wrong = result
            .metrics
            .iter()
            .find(|(_, metric)| metric.values.len() != kept.replications as usize || metric.values.len() > MAX_REPLICATIONS);
        if let Some((path, metric)) = wrong {
            let (have, count) = (metric.values.len(), kept.replications);
            return Err(Unfit::Inconsistent(format!(
                "{path} of `{}` has {have} values, and there are {count} replications",
                result.balancer
            )));
        }
    }
    Ok(read)
}

impl Baseline {
    /// Of these scenarios, sorted.
    #[must_use]
    pub fn of(mut scenarios: Vec<Kept>) -> Self {
        scenarios.sort_by(|a, b| a.name.cmp(&b.name));
        Self { evenkeel_baseline: FORMAT, program: Tool::this().version, semantics: SEMANTICS, scenarios }
    }

    /// What it has of a scenario whose traffic is that, by variant.
    ///
    /// # Errors
    /// Where it is not there, or has other traffic.
    pub fn find(&self, name: &str, traffic: &[(Option<String>, Traffic)]) -> Result<&Kept, Unfit> {
        let names = || self.scenarios.iter().map(|kept| format!("`{}`", kept.name)).take(10).collect::<Vec<_>>().join(", ");
        let missing = || Unfit::Scenario { name: name.to_owned(), there: if self.scenarios.is_empty() { "none".into() } else { names() } };
        let kept = self.scenarios.iter().find(|kept| kept.name == name).ok_or_else(missing)?;
        let is_other = |result: &KeptResult| {
            let now = traffic.iter().find(|(variant, _)| *variant == result.variant);
            now.is_some_and(|(_, now)| now.traffic_sha256 != result.traffic.traffic_sha256)
        };
        if kept.results.iter().any(is_other) { Err(Unfit::Traffic { name: name.to_owned() }) } else { Ok(kept) }
    }

    /// The file.
    #[must_use]
    pub fn write(&self) -> String {
        let mut text = format!(
            "{{\n  \"evenkeel_baseline\": {FORMAT},\n  \"program\": {},\n  \"semantics\": {},\n  \"scenarios\": [",
            quoted(&self.program),
            self.semantics
        );
        let scenarios: Vec<String> = self.scenarios.iter().map(scenario).collect();
        text += &scenarios.join(",");
        text += "\n  ]\n}";
        json::safe(&text)
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text is JSON")
}

fn scenario(kept: &Kept) -> String {
    let Kept { name, file_sha256, plan_sha256, seed, replications, results } = kept;
    let head = format!(
        "\n    {{\n      \"name\": {},\n      \"file_sha256\": {},\n      \"plan_sha256\": {},\n      \"seed\": {seed},\n      \"replications\": {replications},\n      \"results\": [",
        quoted(name),
        quoted(file_sha256),
        quoted(plan_sha256)
    );
    let results: Vec<String> = results.iter().map(result).collect();
    head + results.join(",").as_str() + "\n      ]\n    }"
}

fn result(kept: &KeptResult) -> String {
    let variant = kept.variant.as_ref().map_or_else(|| "null".to_owned(), |name| quoted(name));
    let mut text = format!("\n        {{\n          \"balancer\": {},\n          \"variant\": {variant},\n", quoted(&kept.balancer));
    let Traffic { traffic_sha256, stream_sha256 } = &kept.traffic;
    let _ = writeln!(
        text,
        "          \"traffic_sha256\": {},\n          \"stream_sha256\": {},",
        quoted(traffic_sha256),
        quoted(stream_sha256)
    );
    let metric = |(path, metric): (&String, &KeptMetric)| {
        let number = serde_json::to_string(metric).expect("numbers are JSON");
        format!("\n            {}: {}", quoted(path), number.replace(',', ", ").replace(':', ": "))
    };
    text += "          \"metrics\": {";
    text += &kept.metrics.iter().map(metric).collect::<Vec<_>>().join(",");
    text + "\n          }\n        }"
}

/// What is kept of results, sorted by variant and balancer: the usual metrics, and those that rules are about.
#[must_use]
pub fn results<'a>(
    measured: &[Measured],
    metrics: impl Iterator<Item = &'a str>,
    traffic: &[(Option<String>, Traffic)],
) -> Vec<KeptResult> {
    let mut paths: Vec<&str> = ALWAYS.into_iter().chain(metrics).collect();
    paths.sort_unstable();
    paths.dedup();
    let one = |measured: &Measured| {
        let kept = paths.iter().filter_map(|&path| {
            let is_judged = Metric::parse(path, &measured.subject.backends).is_ok_and(|metric| metric.better() != Better::Neither);
            let values = measured.values(path).filter(|values| is_judged && values.iter().any(Option::is_some))?.to_vec();
            let present: Vec<f64> = values.iter().copied().flatten().collect();
            Some((path.to_owned(), KeptMetric { value: crate::measure::interval::mean(&present), values }))
        });
        let of = |known: &&(Option<String>, Traffic)| known.0 == measured.subject.variant;
        KeptResult {
            balancer: measured.subject.balancer.clone(),
            variant: measured.subject.variant.clone(),
            traffic: traffic.iter().find(of).map(|(_, traffic)| traffic.clone()).unwrap_or_default(),
            metrics: kept.collect(),
        }
    };
    let mut all: Vec<KeptResult> = measured.iter().map(one).collect();
    all.sort_by(|a, b| (&a.variant, &a.balancer).cmp(&(&b.variant, &b.balancer)));
    all
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn kept(balancer: &str, values: &[f64]) -> KeptResult {
        let metric = KeptMetric { value: crate::measure::interval::mean(values), values: values.iter().copied().map(Some).collect() };
        KeptResult {
            balancer: balancer.into(),
            variant: None,
            traffic: Traffic { traffic_sha256: "t".into(), stream_sha256: "s".into() },
            metrics: [("latency.mean".to_owned(), metric)].into(),
        }
    }

    fn baseline() -> Baseline {
        let results = vec![kept("\"a\"\u{1b}\n", &[0.1, 0.2]), kept("b", &[1e-7, 3.0])];
        let one = Kept { name: "x".into(), file_sha256: "f".into(), plan_sha256: "p".into(), seed: u64::MAX, replications: 2, results };
        Baseline::of(vec![one])
    }

    #[test]
    fn it_reads_back_to_the_last_bit_and_a_metric_is_a_line() {
        let text = baseline().write();
        assert_eq!(read(&text).expect("just written"), baseline());
        assert!(text.contains("\n            \"latency.mean\": {\"value\": 0.15000000000000002, \"values\": [0.1, 0.2]}\n"), "{text}");
        assert!(!text.contains('\u{1b}') && text.ends_with("}\n"));
    }

    #[test]
    fn what_is_no_baseline_is_told_with_its_place() {
        let text = baseline().write();
        for (text, said) in [
            (String::new(), "line 1"),
            ("null".into(), "not a baseline"),
            ("{}".into(), "--save-baseline"),
            ("{\"evenkeel_baseline\": 2}".into(), "format 2"),
            ("{\"evenkeel_baseline\": 1}".into(), "missing field"),
            (text.replace("\"semantics\": 1", "\"semantics\": 7"), "simulates otherwise"),
            (text.replace("[0.1, 0.2]", "[0.1]"), "has 1 values"),
            (text.replace("0.2]", "1e999]"), "out of range"),
            (text[..text.len() / 2].to_owned(), "EOF"),
            ("[".repeat(100_000), "line 1"),
        ] {
            let error = read(&text).expect_err("it is no baseline").to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn another_scenario_or_other_traffic_is_not_compared() {
        let baseline = baseline();
        let traffic = |hash: &str| vec![(None, Traffic { traffic_sha256: hash.into(), stream_sha256: "other".into() })];
        assert!(baseline.find("x", &traffic("t")).is_ok());
        assert!(baseline.find("x", &traffic("u")).expect_err("other traffic").to_string().contains("apples"));
        assert!(baseline.find("y", &traffic("t")).expect_err("not there").to_string().contains("it has `x`"));
    }
}
