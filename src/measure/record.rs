//! What one cell measured: plain counts, sums and histograms, mergeable, with nothing judged yet.
//!
//! A cell is one replication of one balancer. Everything is of the measured requests (those that arrive after the warm-up)
//! unless it says otherwise.

use super::closeup::Closeup;
use super::histogram::{Coarse, Fine};
use crate::time::{SimTime, Span};
use serde::{Deserialize, Serialize};

/// Why a request failed: the cause of its last attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(usize)]
pub enum Failure {
    /// The caller's patience ran out.
    Timeout,
    /// The backend's queue was full.
    Refused,
    /// The backend answered with an error.
    Error,
    /// The backend crashed with the work in hand.
    Crashed,
    /// No backend was eligible.
    NoBackend,
    /// The backend shed it to protect itself.
    Shed,
}

impl Failure {
    /// All of them, in the order of the result's fields.
    pub const ALL: [Self; 6] = [Self::Timeout, Self::Refused, Self::Error, Self::Crashed, Self::NoBackend, Self::Shed];

    /// The name in the result.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Error => "error",
            Self::Crashed => "crashed",
            Self::NoBackend => "no-backend",
            Self::Shed => "shed",
        }
    }
}

/// What one cell measured.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Requests that arrived.
    pub offered: u64,
    /// Requests that were answered.
    pub succeeded: u64,
    /// Requests that failed; the sum of `failures`.
    pub failed: u64,
    /// Requests neither answered nor failed when the cell stopped (only where it hit `run.max_in_flight`).
    pub unfinished: u64,
    /// Attempts made for the offered requests.
    pub attempts: u64,
    /// Attempts beyond the first that followed a failed one.
    pub retries: u64,
    /// Attempts beyond the first that were sent beside one still out.
    pub hedges: u64,
    /// Failed requests by cause, indexed by [`Failure`].
    pub failures: [u64; 6],
    /// Latencies of succeeded requests, in nanoseconds.
    pub latency: Fine,
    /// Latencies of failed requests: from arrival to the instant of failing.
    pub failed_latency: Fine,
    /// Waits of succeeded requests (zero counted).
    pub wait: Fine,
    /// Succeeded requests that waited at all.
    pub waited: u64,
    /// The end of the warm-up: where time averages begin.
    pub window_start: SimTime,
    /// The last arrival: where time averages and rates end.
    pub window_end: SimTime,
    /// The last completion: the end of the cell.
    pub end: SimTime,
    /// The integral of the number of requests in the system over the window, in request-nanoseconds.
    pub in_system_area: u128,
    /// Worker-time of attempts, in nanoseconds, that made answers which counted.
    pub useful: u128,
    /// Worker-time of attempts that failed, or that nobody waited for.
    pub wasted: u128,
    /// Worker-time that went with backends which crashed or hung.
    pub lost: u128,
    /// One for each service, where there are several.
    pub services: Vec<ServiceRecord>,
    /// One for each backend, in the order of the plan.
    pub backends: Vec<BackendRecord>,
    /// For each client: requests answered and the sum of their latencies. `None` without `clients`.
    pub clients: Option<Vec<(u64, u128)>>,
    /// One for each fault of the plan; empty where nobody watched for them.
    pub faults: Vec<FaultRecord>,
    /// One for each part of the requests that somebody asked for: see [`super::scoped`].
    pub scopes: Vec<Record>,
    /// When it became overloaded, if it did.
    pub overloaded_at: Option<SimTime>,
    /// Batch means of latency of succeeded requests in order of completion, from the very start (warm-up included): what MSER-5 looks at.
    pub batches: Batches,
    /// The share of `batches` that belongs to requests of the warm-up: succeeded requests of the warm-up ÷ all succeeded.
    pub warmup_share: f64,
    /// Events taken, for the speed that is told.
    pub events: u64,
    /// A running hash of every decision and outcome, in order.
    pub fingerprint: u64,
    /// What is drawn, where somebody asked for that.
    pub closeup: Option<Box<Closeup>>,
}

/// What one cell measured at one service.
#[derive(Clone, Debug, Default)]
pub struct ServiceRecord {
    /// Requests and calls to it that are over.
    pub requests: u64,
    /// Of them, those that were answered.
    pub succeeded: u64,
    /// Attempts sent to its backends.
    pub attempts: u64,
    /// Of them after a failed one.
    pub retries: u64,
    /// Latencies of the answered ones, as their callers saw them.
    pub latency: Coarse,
    /// Of the latencies of answered requests of the traffic: what was spent here, in nanoseconds, calls not counted, and of calls made at once only the last to be
    /// answered.
    pub path: u128,
}

/// What one fault did in one cell: counts and sums over its occurrences, from which means over all occurrences of all replications are made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FaultRecord {
    /// How often it began within the window.
    pub occurrences: u64,
    /// Of them, those with something before to be held against.
    pub judged: u64,
    /// Of those, the ones that the system came back after.
    pub recovered: u64,
    /// How long that took, all together, in nanoseconds.
    pub recover_time: u128,
    /// Pairs of a balancer instance and a target that it stopped using while the fault was on.
    pub noticed: u64,
    /// How long that took, all together, in nanoseconds.
    pub notice_time: u128,
    /// Requests that failed beyond what would have failed without.
    pub failed: f64,
    /// Requests that were answered late beyond what would have been.
    pub delayed: f64,
    /// The shares of load that moved away from the targets, all together, and of how many occurrences.
    pub moved: (f64, u64),
    /// Occurrences that the system did not come back after although their trigger was gone, by [`Loop`].
    pub metastable: [u64; 3],
}

/// What keeps up trouble whose trigger is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(usize)]
pub enum Loop {
    /// Failed attempts are made again, which makes more of them fail.
    #[serde(rename = "retries")]
    Retries,
    /// What is not in the caches takes so long that they do not fill.
    #[serde(rename = "cold caches")]
    ColdCaches,
    /// What has gathered is never worked off.
    #[serde(rename = "backlog")]
    Backlog,
}

impl Loop {
    /// All of them, in the order of [`FaultRecord::metastable`].
    pub const ALL: [Self; 3] = [Self::Retries, Self::ColdCaches, Self::Backlog];

    /// The name in the result.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Retries => "retries",
            Self::ColdCaches => "cold caches",
            Self::Backlog => "backlog",
        }
    }
}

/// What one cell measured at one backend.
#[derive(Clone, Debug, Default)]
pub struct BackendRecord {
    /// Attempts sent there (of measured requests).
    pub requests: u64,
    /// The integral of sent and unanswered attempts over the window, in nanoseconds.
    pub in_flight_area: u128,
    /// The most of them at once, in the window.
    pub in_flight_max: u64,
    /// The integral of busy workers over the window, in worker-nanoseconds.
    pub busy_area: u128,
    /// Answered attempts: how many, and the sum of their latencies from being sent to the answer.
    pub answered: u64,
    /// See `answered`.
    pub latency_sum: u128,
    /// Those latencies; `None` beyond 1,000 backends.
    pub latency: Option<Coarse>,
}

/// Means of equal batches of a series whose length is not known: when there are too many, neighbours are merged.
///
/// The batches begin with 5 values, as MSER-5 asks; whenever there are `2 · LIMIT` of them, each two become one of twice the
/// size. A series of any length keeps between `LIMIT` and `2 · LIMIT` batches.
#[derive(Clone, Debug)]
pub struct Batches {
    sums: Vec<f64>,
    size: u64,
    open_sum: f64,
    open_count: u64,
}

impl Default for Batches {
    fn default() -> Self {
        Self { sums: Vec::new(), size: 5, open_sum: 0.0, open_count: 0 }
    }
}

impl Batches {
    /// How many batches are kept at least, once there have been that many.
    pub const LIMIT: usize = 4096;

    /// Appends a value to the series.
    #[inline]
    pub fn push(&mut self, value: Span) {
        self.open_sum += value.0 as f64;
        self.open_count += 1;
        if self.open_count == self.size {
            self.close();
        }
    }

    #[inline(never)]
    fn close(&mut self) {
        self.sums.push(self.open_sum);
        (self.open_sum, self.open_count) = (0.0, 0);
        if self.sums.len() == 2 * Self::LIMIT {
            for at in 0..Self::LIMIT {
                self.sums[at] = self.sums[2 * at] + self.sums[2 * at + 1];
            }
            self.sums.truncate(Self::LIMIT);
            self.size *= 2;
        }
    }

    /// The means of the full batches, in order.
    #[must_use]
    pub fn means(&self) -> Vec<f64> {
        self.sums.iter().map(|sum| sum / self.size as f64).collect()
    }

    /// How many values a batch has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }
}
