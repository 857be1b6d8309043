//! What is said of a run: the JSON result, field by field.
//!
//! The order and the names of the fields are promised to users. Times are milliseconds unless the name says otherwise; what does not
//! exist is `None` and becomes `null`; every number is finite. Counts are summed and histograms merged over replications.

use super::compare::{self, Comparison};
use super::record::{Loop, Record};
use super::result::{Measured, ResultBuilder};
use super::setup::{Setup, Subject};
use super::warnings::{self, Warning};
use serde::{Deserialize, Serialize};

/// The version of the shape of this document.
pub const SCHEMA: u32 = 1;

/// The version of what simulated numbers mean: raised with every change of results ("Results" in the changelog), so that baselines and unfinished sweeps of another one
/// are refused rather than mixed.
pub const SEMANTICS: u32 = 1;

/// The result of one scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// [`SCHEMA`].
    pub schema: u32,
    /// What wrote it.
    pub tool: Tool,
    /// What was run.
    pub scenario: Scenario,
    /// One for each balancer and variant.
    pub results: Vec<ResultSummary>,
    /// Each balancer against each other one, and each variant.
    pub comparisons: Vec<Comparison>,
    /// What a gate judged.
    pub verdicts: Vec<VerdictSummary>,
    /// What a reader has to know before trusting the numbers.
    #[serde(default)]
    pub warnings: Vec<Warning>,
}

impl Summary {
    /// Judges what was measured: results in the order given, comparisons, warnings; no verdicts yet.
    #[must_use]
    pub fn of(setup: &Setup, measured: &[Measured]) -> Self {
        let results: Vec<ResultSummary> = measured.iter().map(|one| one.result.clone()).collect();
        let warnings = warnings::all(setup.replications, measured);
        let comparisons = compare::all(measured);
        Self { schema: SCHEMA, tool: Tool::this(), scenario: Scenario::of(setup), results, comparisons, verdicts: Vec::new(), warnings }
    }
}

/// Judges cells that are all at hand: each result's replications in order. (A run adds them one by one to a
/// [`super::result::ResultBuilder`] instead, and forgets them.)
#[must_use]
pub fn summarize(setup: &Setup, cells: impl IntoIterator<Item = (Subject, Vec<Record>)>) -> Summary {
    let measured = |(subject, records): (Subject, Vec<Record>)| {
        let mut builder = ResultBuilder::new(subject, []).expect("nothing is asked for by name");
        records.into_iter().for_each(|record| builder.add(record));
        builder.finish()
    };
    Summary::of(setup, &cells.into_iter().map(measured).collect::<Vec<_>>())
}

/// The program that wrote a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// `evenkeel`.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Tool {
    /// This version of this program.
    #[must_use]
    pub fn this() -> Self {
        Self { name: env!("CARGO_PKG_NAME").into(), version: env!("CARGO_PKG_VERSION").into() }
    }
}

/// What was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scenario {
    /// `title`.
    pub title: Option<String>,
    /// SHA-256 of the text.
    pub file_sha256: String,
    /// SHA-256 of the plan.
    pub plan_sha256: String,
    /// `run.seed`.
    pub seed: u64,
    /// Replications that were run.
    pub replications: u32,
    /// Requests per replication, where the scenario says.
    pub requests: Option<u64>,
    /// `run.warmup` as written.
    pub warmup: String,
    /// `question`.
    #[serde(default)]
    pub question: Option<String>,
}

impl Scenario {
    fn of(setup: &Setup) -> Self {
        Self {
            title: setup.title.clone(),
            file_sha256: setup.file_sha256.clone(),
            plan_sha256: setup.plan_sha256.clone(),
            seed: setup.seed,
            replications: setup.replications,
            requests: setup.requests,
            warmup: setup.warmup.clone(),
            question: setup.question.clone(),
        }
    }
}

/// One balancer in one variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResultSummary {
    /// Its label.
    pub balancer: String,
    /// Its kind.
    pub kind: String,
    /// The variant.
    pub variant: Option<String>,
    /// Requests and attempts by outcome.
    pub requests: Requests,
    /// Latencies of succeeded requests.
    pub latency_ms: Latency,
    /// Half-widths of their 95% intervals across replications.
    pub latency_ms_ci95: LatencyInterval,
    /// Latencies with failures counted at the time they fail.
    pub latency_all_ms: Short,
    /// Waits of succeeded requests.
    pub wait_ms: Short,
    /// The share of succeeded requests that waited at all.
    pub wait_share: Option<f64>,
    /// Whether the warm-up was long enough (in more than half of the cells).
    pub warmup_reached: bool,
    /// The earliest time at which a replication became overloaded.
    pub overloaded_at_s: Option<f64>,
    /// From the start to the last completion, a mean over replications.
    pub duration_s: f64,
    /// Requests finished (succeeded or failed) per second.
    pub throughput_rps: Option<f64>,
    /// Requests succeeded per second.
    pub goodput_rps: Option<f64>,
    /// Succeeded ÷ offered.
    pub success_rate: Option<f64>,
    /// How evenly backends were used.
    pub fairness: Fairness,
    /// The mean number of requests in the system.
    pub in_system_mean: Option<f64>,
    /// Attempts ÷ offered requests.
    pub amplification: Option<f64>,
    /// What became of worker-time.
    pub work: Work,
    /// What each fault did.
    pub faults: Vec<FaultSummary>,
    /// Each service by itself, where there are several.
    pub services: Vec<ServiceSummary>,
    /// One for each backend.
    pub backends: Vec<BackendSummary>,
}

impl Requests {
    /// The share of offered requests that were not answered, those still waiting at the end among them; `None` where none were offered.
    #[must_use]
    pub fn unanswered(&self) -> Option<f64> {
        (self.offered > 0).then(|| (self.offered - self.succeeded) as f64 / self.offered as f64)
    }
}

/// What became of the worker-time that attempts had; `None` in scenarios where none of it can go to waste.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// It made answers that counted, in seconds.
    pub useful_s: Option<f64>,
    /// It was done for attempts that failed, or that nobody waited for any more.
    pub wasted_s: Option<f64>,
    /// It went with backends that crashed or hung.
    pub lost_s: Option<f64>,
    /// Wasted and lost ÷ all.
    pub wasted_share: Option<f64>,
}

/// What one fault did with one balancer; the terms are those of docs/src/failures.md. Counts are over all replications.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultSummary {
    /// Its name.
    pub name: String,
    /// Its kind in the catalogue.
    pub kind: String,
    /// How often it began between the end of the warm-up and the last arrival.
    pub occurrences: u64,
    /// From its beginning at a target until a balancer instance stopped using that: the mean over all that did, in seconds.
    pub detect_s: Option<f64>,
    /// From its beginning until latency and errors were back: the mean over the occurrences after which they came back, in seconds.
    pub recover_s: Option<f64>,
    /// The share of occurrences after which they came back before it happened again and before the end; of those with something before to be held against.
    pub recovered: Option<f64>,
    /// Requests that failed from its beginning until it was over and the system back, beyond the share that failed before.
    pub failed: u64,
    /// Requests that were answered meanwhile, but later than the 99th percentile before, beyond the share that was before.
    pub delayed: u64,
    /// 1 − the share of attempts that went to the targets while it was on ÷ their share before; negative where more went there.
    pub load_moved: Option<f64>,
    /// What kept up the trouble after it was gone, if anything did (in most of the occurrences that it did in).
    pub metastable: Option<Loop>,
}

/// One service of several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceSummary {
    /// Its name.
    pub name: String,
    /// Requests and calls to it.
    pub requests: u64,
    /// Of them, those that failed.
    pub failed: u64,
    /// Attempts sent to its backends.
    pub attempts: u64,
    /// Of them after a failed one.
    pub retries: u64,
    /// Answered ÷ requests.
    pub success_rate: Option<f64>,
    /// Attempts ÷ offered requests of the traffic: how much of it arrives here for each.
    pub amplification: Option<f64>,
    /// Latencies of answered requests and calls, as their callers saw them.
    pub latency_ms: Short,
    /// The share of the latency of answered requests that was spent here: calls not counted, and of calls made at once only the last to be answered.
    pub critical_share: Option<f64>,
}

/// Requests by outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// Arrived.
    pub offered: u64,
    /// Answered.
    pub succeeded: u64,
    /// Failed.
    pub failed: u64,
    /// Neither, when the cell stopped.
    pub unfinished: u64,
    /// Attempts made.
    pub attempts: u64,
    /// Of them after a failed one.
    pub retries: u64,
    /// Of them beside one still out.
    pub hedges: u64,
    /// Failed requests by cause.
    pub errors: Errors,
}

/// Failed requests by the cause of their last attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errors {
    /// The caller's patience ran out.
    pub timeout: u64,
    /// The backend's queue was full.
    pub refused: u64,
    /// The backend answered with an error.
    pub error: u64,
    /// The backend crashed with the work in hand.
    pub crashed: u64,
    /// No backend was eligible.
    #[serde(rename = "no-backend")]
    pub no_backend: u64,
    /// The backend protected itself.
    pub shed: u64,
}

/// A distribution of latencies.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it: percentiles")]
pub struct Latency {
    pub mean: Option<f64>,
    pub stddev: Option<f64>,
    pub min: Option<f64>,
    pub p50: Option<f64>,
    pub p75: Option<f64>,
    pub p90: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
    #[serde(rename = "p99.9")]
    pub p99_9: Option<f64>,
    #[serde(rename = "p99.99")]
    pub p99_99: Option<f64>,
    pub max: Option<f64>,
}

/// Half-widths of 95% intervals.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it: percentiles")]
pub struct LatencyInterval {
    pub mean: Option<f64>,
    pub p50: Option<f64>,
    pub p90: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
    #[serde(rename = "p99.9")]
    pub p99_9: Option<f64>,
}

/// A distribution in brief.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it: percentiles")]
pub struct Short {
    pub mean: Option<f64>,
    pub p50: Option<f64>,
    pub p99: Option<f64>,
}

/// Fairness indices over backends, each value divided by nominal capacity (see [`super::fairness`]).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fairness {
    /// Jain's index of attempts.
    pub jain_requests: Option<f64>,
    /// Jain's index of utilizations, of the backends that have one.
    pub jain_utilization: Option<f64>,
    /// The greatest share of attempts ÷ the mean.
    pub peak_to_mean_requests: Option<f64>,
    /// The coefficient of variation of attempts.
    pub cov_requests: Option<f64>,
    /// The Gini coefficient of attempts.
    pub gini_requests: Option<f64>,
    /// The greatest mean number in flight ÷ the mean.
    pub peak_to_mean_in_flight: Option<f64>,
    /// Jain's index of clients' mean latencies.
    pub jain_client_latency: Option<f64>,
    /// The greatest of the utilizations ÷ their mean.
    #[serde(default)]
    pub peak_to_mean_utilization: Option<f64>,
    /// The coefficient of variation of utilizations.
    #[serde(default)]
    pub cov_utilization: Option<f64>,
    /// The Gini coefficient of utilizations.
    #[serde(default)]
    pub gini_utilization: Option<f64>,
    /// Jain's index of mean numbers in flight.
    #[serde(default)]
    pub jain_in_flight: Option<f64>,
    /// The coefficient of variation of mean numbers in flight.
    #[serde(default)]
    pub cov_in_flight: Option<f64>,
    /// The Gini coefficient of mean numbers in flight.
    #[serde(default)]
    pub gini_in_flight: Option<f64>,
}

/// One backend.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackendSummary {
    /// Its name.
    pub name: String,
    /// Attempts sent there.
    pub requests: u64,
    /// Their share of all attempts.
    pub share: Option<f64>,
    /// Busy workers ÷ workers, over the window.
    pub utilization: Option<f64>,
    /// The mean number sent and unanswered.
    pub in_flight_mean: Option<f64>,
    /// The greatest number sent and unanswered.
    pub in_flight_max: u64,
    /// Latencies of attempts.
    pub latency_ms: Short,
}

/// What a gate said of one rule, or of one number that is held against a baseline. Values and bounds have the unit of the metric as the result has it (milliseconds, shares from 0 to 1);
/// those of relative rules and of baselines are multiples of the other's value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VerdictSummary {
    /// The rule as written.
    pub rule: String,
    /// The balancer it was applied to.
    pub balancer: String,
    /// The variant.
    pub variant: Option<String>,
    /// What was measured: a mean over replications.
    pub value: Option<f64>,
    /// Its 95% interval.
    pub ci95: Option<[f64; 2]>,
    /// What it was held against.
    pub bound: Option<f64>,
    /// `held`, `failed`, `undecided`, or `no data` where there was nothing to measure.
    pub verdict: String,
    /// The metric's path.
    #[serde(default)]
    pub metric: String,
    /// The unit of value and bound: `ms`, `s`, `1/s`, `count`, `share`, `number`, or `ratio` where they are multiples of another's.
    #[serde(default)]
    pub unit: String,
    /// The balancer that it is relative to.
    #[serde(default)]
    pub than: Option<String>,
    /// The variant that it is relative to.
    #[serde(default)]
    pub than_variant: Option<String>,
    /// Whether it is relative to a baseline.
    #[serde(default)]
    pub baseline: bool,
    /// Only requests and calls to this service.
    #[serde(default)]
    pub service: Option<String>,
    /// Only requests of this class.
    #[serde(default)]
    pub class: Option<String>,
    /// Only requests that arrive during this fault.
    #[serde(default)]
    pub during: Option<String>,
    /// Only requests that arrive after this fault.
    #[serde(default)]
    pub after: Option<String>,
    /// How many replications have the number.
    #[serde(default)]
    pub replications: u32,
    /// Of what is undecided: how many replications would probably decide it, where that can be said.
    #[serde(default)]
    pub needs_replications: Option<u32>,
    /// Whether the gate's code depends on it: not where there is nothing to measure and the rule says that this is fine.
    #[serde(default)]
    pub counts: bool,
    /// The line of the scenario that the rule stands in.
    #[serde(default)]
    pub line: Option<usize>,
    /// What there is to know besides: why it failed, what would decide it.
    #[serde(default)]
    pub notes: Vec<String>,
}
