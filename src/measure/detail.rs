//! What a report draws beyond the summary: curves, series over time and where the time went.
//!
//! It is measured only where somebody will look at it, and saved beside the summary as `data/detail.json`, from which `evenkeel report` draws again. Lists over time are
//! columns: one value for each window, `None` where there was nothing to take it of. Windows are equal, begin at the start of the run, warm-up included, and hold
//! the requests that *arrive* in them, summed over replications; rates and means are per replication. What is said of backends (attempts sent, in flight, busy) is of the time
//! itself, up to the last arrival. A last window of which less than half passed is part of the one before.

use super::summary::ResultSummary;
use serde::{Deserialize, Serialize};

/// The version of the shape of this document.
pub const SCHEMA: u32 = 1;

/// What is drawn of a scenario's run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detail {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The command that makes the result again, without what is of one machine only; empty where nobody said it.
    #[serde(default)]
    pub reproduce: String,
    /// One for each variant (one in a scenario without variants).
    pub setups: Vec<Setup>,
    /// One for each result of the summary, in its order.
    pub results: Vec<ResultDetail>,
}

impl Detail {
    /// What does not fit together in what somebody may have changed by hand: drawing takes every column of a table to be as long as the others.
    ///
    /// # Errors
    /// Says what.
    pub fn check(&self, results: &[ResultSummary]) -> Result<(), String> {
        if self.results.len() != results.len() {
            return Err(format!("it has {} results, and the summary {}", self.results.len(), results.len()));
        }
        let variants = results.iter().map(|result| &result.variant);
        if let Some(Some(variant)) = variants.clone().find(|variant| self.setups.iter().all(|setup| setup.variant != **variant)) {
            return Err(format!("it does not describe the variant \"{variant}\""));
        }
        if self.setups.is_empty() {
            return Err("it describes no variant".to_owned());
        }
        for (result, of) in self.results.iter().zip(results) {
            result.windows.check(of.backends.len()).map_err(|wrong| format!("windows of \"{}\": {wrong}", of.balancer))?;
        }
        Ok(())
    }
}

/// What one variant is made of, as it is drawn and said in words.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// Its name.
    pub variant: Option<String>,
    /// What is said of it: `("traffic", "1 source, 800 requests/s, load 80.0%")`.
    pub facts: Vec<(String, String)>,
    /// Offered work ÷ nominal capacity, where both are known.
    pub load: Option<f64>,
    /// Where requests come from.
    pub sources: Vec<String>,
    /// Balancer instances.
    pub instances: u32,
    /// The services (one, named `""`, in a scenario without).
    pub services: Vec<ServiceSetup>,
    /// What goes wrong, in the first replication.
    pub faults: Vec<FaultSetup>,
}

/// One service of a variant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServiceSetup {
    /// Its name.
    pub name: String,
    /// The services it calls, by number.
    pub calls: Vec<u16>,
    /// Its groups of backends.
    pub groups: Vec<GroupSetup>,
}

/// A group of equal backends.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupSetup {
    /// Its name.
    pub name: String,
    /// How many.
    pub count: u32,
    /// Work done per unit of time by one worker.
    pub speed: f64,
    /// Served at once; `None` for unlimited.
    pub workers: Option<u32>,
    /// Its zone.
    pub zone: Option<String>,
}

/// When a fault is on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FaultSetup {
    /// Its name.
    pub name: String,
    /// Its kind in the catalogue.
    pub kind: String,
    /// From when to when, in seconds; at most [`FaultSetup::SPANS`] of them.
    pub spans_s: Vec<[f64; 2]>,
    /// Whether that is drawn, and so another time in every replication.
    pub drawn: bool,
}

impl FaultSetup {
    /// So many spans are kept: more could not be told apart in a drawing.
    pub const SPANS: usize = 200;
}

/// What is drawn of one result.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ResultDetail {
    /// The latencies of answered requests.
    pub latency: Distribution,
    /// Latency by percentile.
    pub percentiles: Vec<Percentile>,
    /// Where the time of answered requests went.
    pub time: TimeSpent,
    /// What happened over time.
    pub windows: Windows,
    /// The share of looks at a backend that found 0, 1, 2, … requests sent there and unanswered: the last entry is that many or more. Looks are taken of every backend that is
    /// there at the end of every window after the warm-up.
    pub depth: Vec<f64>,
    /// How many looks that were.
    pub looks: u64,
    /// Each class of requests by itself, where there are several.
    pub classes: Vec<ClassDetail>,
    /// What became of keys, where requests have keys that come again.
    pub keys: Option<KeyDetail>,
    /// What queueing theory says, where it has a closed form.
    #[serde(default)]
    pub theory: Vec<TheoryDetail>,
}

/// A distribution, bucket by bucket.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// How many values.
    pub count: u64,
    /// The least, in nanoseconds, exactly.
    pub min_ns: Option<u64>,
    /// The greatest, in nanoseconds, exactly.
    pub max_ns: Option<u64>,
    /// The exact mean.
    pub mean_ns: Option<f64>,
    /// The standard deviation.
    pub stddev_ns: Option<f64>,
    /// Ascending: the least value of a bucket in nanoseconds, how many nanoseconds it spans, how many values it holds.
    pub buckets: Vec<(u64, u64, u64)>,
}

/// A point of the curve of latency by percentile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Percentile {
    /// The share of answered requests at or below.
    pub share: f64,
    /// Their latency, of all replications together.
    pub ms: f64,
    /// The half-width of its 95% interval across replications; `None` with one.
    pub ci95_ms: Option<f64>,
    /// How many requests lie beyond: with fewer than ten it is hardly known.
    pub beyond: u64,
}

/// Where the latency of an answered request went, in the mean; the parts add up to `latency_ms.mean`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TimeSpent {
    /// Waiting for a worker of the backend that answered, or in the balancer's own queue.
    pub queue_ms: Option<f64>,
    /// In service there, calls to other services included.
    pub service_ms: Option<f64>,
    /// On the way there and back.
    pub network_ms: Option<f64>,
    /// Before the attempt that was answered was sent: attempts that failed, and pauses between.
    pub retry_ms: Option<f64>,
}

/// Series over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Windows {
    /// How long a window is, in seconds.
    pub width_s: f64,
    /// The end of the warm-up, in seconds: the mean over replications.
    pub warmup_s: f64,
    /// The last arrival, where the last window ends, in seconds: the mean over replications.
    pub ends_s: f64,
    /// Requests that arrived, per second.
    pub offered_rps: Vec<f64>,
    /// Of them, those that were answered, per second.
    pub goodput_rps: Vec<f64>,
    /// The share of them that failed.
    pub errors: Vec<Option<f64>>,
    /// Mean latency of those that were answered.
    pub mean_ms: Vec<Option<f64>>,
    /// Their median, within 6%.
    pub p50_ms: Vec<Option<f64>>,
    /// Their 99th percentile, within 6%; `None` with fewer than 100.
    pub p99_ms: Vec<Option<f64>>,
    /// Attempts per request.
    pub amplification: Vec<Option<f64>>,
    /// Requests sent to backends and unanswered, all backends together, a mean over the window.
    pub in_flight: Vec<f64>,
    /// Busy workers ÷ workers, all backends together; `None` with unlimited workers.
    pub utilization: Vec<Option<f64>>,
    /// Jain's index of attempts sent in the window, divided by capacity: the mean over replications.
    pub jain_requests: Vec<Option<f64>>,
    /// The greatest mean number in flight of a backend ÷ the mean of all, by capacity: the mean over replications.
    pub peak_to_mean_in_flight: Vec<Option<f64>>,
    /// Latencies of requests that were answered, within 6%: the least value of each bucket that holds any, in nanoseconds (exact below 32, and 16 buckets for each
    /// power of two above), and how many it holds, all replications together.
    pub latencies: Vec<Vec<(u64, u64)>>,
    /// One for each backend, in the order of the summary; empty beyond [`Windows::BACKENDS`].
    pub backends: Vec<BackendWindows>,
}

impl Windows {
    /// A run has at most so many windows: when there would be more, each two become one.
    pub const LIMIT: usize = 240;
    /// Backends are kept by themselves up to so many.
    pub const BACKENDS: usize = 1000;

    /// How many windows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offered_rps.len()
    }

    fn check(&self, backends: usize) -> Result<(), String> {
        let columns = [
            self.goodput_rps.len(),
            self.errors.len(),
            self.mean_ms.len(),
            self.p50_ms.len(),
            self.p99_ms.len(),
            self.amplification.len(),
            self.in_flight.len(),
            self.utilization.len(),
            self.jain_requests.len(),
            self.peak_to_mean_in_flight.len(),
            self.latencies.len(),
        ];
        let of_backend = |one: &BackendWindows| {
            let shared = one.utilization.as_ref().map_or(self.len(), Vec::len);
            [one.sent_rps.len(), one.in_flight.len(), shared]
        };
        if columns.into_iter().chain(self.backends.iter().flat_map(of_backend)).any(|length| length != self.len()) {
            return Err("columns of different length".to_owned());
        }
        if !self.backends.is_empty() && self.backends.len() != backends {
            return Err(format!("{} backends, and the summary has {backends}", self.backends.len()));
        }
        Ok(())
    }

    /// From when to when a window is, in seconds.
    #[must_use]
    pub fn span_s(&self, window: usize) -> [f64; 2] {
        // Multiplied, not added up: the tenth begins at ten times the width. To the nanosecond.
        let edge = |window: usize| (self.width_s * 1e9).round() * window as f64 / 1e9;
        let (start, end) = (edge(window), edge(window + 1));
        // The last one ends with the arrivals, unless it is the one in which what was in flight then is answered.
        [start, if window + 1 == self.len() && self.ends_s > start { self.ends_s } else { end }]
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.offered_rps.is_empty()
    }
}

/// One backend over time, a mean over replications.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BackendWindows {
    /// Attempts sent there, per second.
    pub sent_rps: Vec<f32>,
    /// Sent and unanswered, a mean over the window.
    pub in_flight: Vec<f32>,
    /// Busy workers ÷ workers; `None` with unlimited workers.
    pub utilization: Option<Vec<f32>>,
}

/// One class of requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassDetail {
    /// Its name.
    pub name: String,
    /// Requests that arrived.
    pub offered: u64,
    /// The share of them that was answered.
    pub success_rate: Option<f64>,
    /// Mean latency of those.
    pub mean_ms: Option<f64>,
    /// Their 99th percentile.
    pub p99_ms: Option<f64>,
    /// Mean latency ÷ mean work of the class: how much longer its requests take than alone on a backend of speed 1.
    pub slowdown: Option<f64>,
}

/// A figure that queueing theory knows, beside what was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TheoryDetail {
    /// The metric's path: `latency.mean`.
    pub metric: String,
    /// The model: `M/M/1 each`.
    pub model: String,
    /// Whether theory gives only what nobody can be below.
    pub is_bound: bool,
    /// What theory says, in milliseconds or as a share.
    pub expected: f64,
    /// The mean over replications.
    pub measured: Option<f64>,
    /// How far off, as the normal deviate that is as rare; `None` with one replication.
    pub z: Option<f64>,
    /// Whether |z| ≤ 3.9 or it is within 0.2%, or, for a bound, above it; `None` with one replication.
    pub holds: Option<bool>,
}

/// What became of keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KeyDetail {
    /// The share of requests, of those whose key came before, that went to the backend which had the key last.
    pub sticky: Option<f64>,
    /// Of keys that came both before and after backends joined or left, the share whose first request after went elsewhere than the last before.
    pub moved: Option<f64>,
    /// The greatest number of distinct backends that one key went to.
    pub spread: u64,
}
