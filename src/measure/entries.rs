//! The numbers a user can name: the one list that parsing, explaining and suggesting are made from.

use super::metric::Part;
use super::record::Failure;

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Requests, attempts: whole numbers, per replication.
    Count,
    /// Milliseconds.
    Milliseconds,
    /// Seconds of simulated time.
    Seconds,
    /// Requests per second of simulated time.
    PerSecond,
    /// A share: 0 to 1.
    Share,
    /// A number without a unit.
    Number,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Less is.
    Lower,
    /// More is.
    Higher,
    /// Neither: it only describes.
    Neither,
}

/// A number that can be named.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its path; of a backend's numbers, what follows `backends.NAME.`.
    pub name: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// Which way is better.
    pub better: Better,
    /// What it is, in one line.
    pub about: &'static str,
    pub(super) what: What,
}

/// Which number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum What {
    Offered,
    Succeeded,
    Failed,
    Unfinished,
    Attempts,
    Retries,
    Hedges,
    Error(Failure),
    Latency(Figure),
    LatencyAll(Figure),
    Wait(Figure),
    WaitShare,
    OverloadedAt,
    Duration,
    Throughput,
    Goodput,
    SuccessRate,
    Fair(Index, Shared),
    JainClients,
    InSystem,
    Amplification,
    Wasted,
    Backend(usize, OfBackend),
}

impl What {
    /// See [`super::metric::Metric::is_known_of`].
    pub(super) fn is_known_of(self, part: Part) -> bool {
        match self {
            Self::Offered
            | Self::Succeeded
            | Self::Failed
            | Self::Attempts
            | Self::Retries
            | Self::Hedges
            | Self::Latency(_)
            | Self::LatencyAll(_)
            | Self::Throughput
            | Self::Goodput
            | Self::SuccessRate
            | Self::Amplification => true,
            Self::Unfinished | Self::Error(_) | Self::Wait(_) | Self::WaitShare => part == Part::Requests,
            Self::OverloadedAt
            | Self::Duration
            | Self::Fair(..)
            | Self::JainClients
            | Self::InSystem
            | Self::Wasted
            | Self::Backend(..) => false,
        }
    }
}

/// How evenly something is shared; see [`super::fairness`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Index {
    Jain,
    PeakToMean,
    Cov,
    Gini,
}

/// What backends share, in proportion to their capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shared {
    Requests,
    /// The work they do: busy workers ÷ workers.
    Utilization,
    InFlight,
}

/// A figure of a distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Figure {
    Mean,
    Stddev,
    Min,
    Max,
    Quantile(f64),
}

/// Which number of a backend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum OfBackend {
    Requests,
    Share,
    Utilization,
    InFlightMean,
    InFlightMax,
    Latency(Figure),
}

pub(super) const fn entry(name: &'static str, unit: Unit, better: Better, what: What, about: &'static str) -> Entry {
    Entry { name, unit, better, about, what }
}

const fn error(failure: Failure, name: &'static str, about: &'static str) -> Entry {
    entry(name, Unit::Count, Better::Lower, What::Error(failure), about)
}

const fn latency(name: &'static str, figure: Figure, about: &'static str) -> Entry {
    entry(name, Unit::Milliseconds, Better::Lower, What::Latency(figure), about)
}

/// Every number of a result but those of its backends, in the result's order.
pub const ENTRIES: &[Entry] = &[
    entry("offered", Unit::Count, Better::Neither, What::Offered, "requests that arrived"),
    entry("succeeded", Unit::Count, Better::Higher, What::Succeeded, "requests that were answered"),
    entry("failed", Unit::Count, Better::Lower, What::Failed, "requests that failed, all causes"),
    entry(
        "unfinished",
        Unit::Count,
        Better::Lower,
        What::Unfinished,
        "requests neither answered nor failed when an overloaded cell stopped",
    ),
    entry("attempts", Unit::Count, Better::Lower, What::Attempts, "attempts made for the offered requests"),
    entry("retries", Unit::Count, Better::Lower, What::Retries, "attempts that followed a failed one"),
    entry("hedges", Unit::Count, Better::Lower, What::Hedges, "attempts sent beside one still out"),
    error(Failure::Timeout, "errors.timeout", "requests whose caller's patience ran out"),
    error(Failure::Refused, "errors.refused", "requests refused by a full queue"),
    error(Failure::Error, "errors.error", "requests answered with an error"),
    error(Failure::Crashed, "errors.crashed", "requests lost in a crash"),
    error(Failure::NoBackend, "errors.no-backend", "requests that found no eligible backend"),
    error(Failure::Shed, "errors.shed", "requests shed by a backend that protects itself"),
    latency("latency.mean", Figure::Mean, "mean latency of succeeded requests"),
    latency("latency.stddev", Figure::Stddev, "standard deviation of their latencies"),
    latency("latency.min", Figure::Min, "least latency"),
    latency("latency.p50", Figure::Quantile(0.5), "median latency"),
    latency("latency.p75", Figure::Quantile(0.75), "latency that 75% do not exceed"),
    latency("latency.p90", Figure::Quantile(0.9), "latency that 90% do not exceed"),
    latency("latency.p95", Figure::Quantile(0.95), "latency that 95% do not exceed"),
    latency("latency.p99", Figure::Quantile(0.99), "latency that 99% do not exceed"),
    latency("latency.p99.9", Figure::Quantile(0.999), "latency that 99.9% do not exceed"),
    latency("latency.p99.99", Figure::Quantile(0.9999), "latency that 99.99% do not exceed"),
    latency("latency.max", Figure::Max, "greatest latency"),
    entry(
        "latency_all.mean",
        Unit::Milliseconds,
        Better::Lower,
        What::LatencyAll(Figure::Mean),
        "mean latency with failures, at the time they fail",
    ),
    entry("latency_all.p50", Unit::Milliseconds, Better::Lower, What::LatencyAll(Figure::Quantile(0.5)), "median with failures"),
    entry("latency_all.p99", Unit::Milliseconds, Better::Lower, What::LatencyAll(Figure::Quantile(0.99)), "99th percentile with failures"),
    entry("wait.mean", Unit::Milliseconds, Better::Lower, What::Wait(Figure::Mean), "mean time in a queue before service"),
    entry("wait.p50", Unit::Milliseconds, Better::Lower, What::Wait(Figure::Quantile(0.5)), "median time in a queue"),
    entry("wait.p99", Unit::Milliseconds, Better::Lower, What::Wait(Figure::Quantile(0.99)), "99th percentile of the time in a queue"),
    entry("wait_share", Unit::Share, Better::Lower, What::WaitShare, "share of succeeded requests that waited at all"),
    entry("overloaded_at_s", Unit::Seconds, Better::Higher, What::OverloadedAt, "when it became overloaded, if it did"),
    entry("duration_s", Unit::Seconds, Better::Neither, What::Duration, "from the start to the last completion"),
    entry("throughput_rps", Unit::PerSecond, Better::Higher, What::Throughput, "requests finished per second"),
    entry("goodput_rps", Unit::PerSecond, Better::Higher, What::Goodput, "requests succeeded per second"),
    entry("success_rate", Unit::Share, Better::Higher, What::SuccessRate, "succeeded ÷ offered"),
    entry(
        "fairness.jain_requests",
        Unit::Number,
        Better::Higher,
        What::Fair(Index::Jain, Shared::Requests),
        "Jain's index of attempts ÷ capacity: 1 is even",
    ),
    entry(
        "fairness.jain_utilization",
        Unit::Number,
        Better::Higher,
        What::Fair(Index::Jain, Shared::Utilization),
        "Jain's index of utilizations",
    ),
    entry(
        "fairness.peak_to_mean_requests",
        Unit::Number,
        Better::Lower,
        What::Fair(Index::PeakToMean, Shared::Requests),
        "greatest attempts ÷ capacity, by the mean",
    ),
    entry(
        "fairness.cov_requests",
        Unit::Number,
        Better::Lower,
        What::Fair(Index::Cov, Shared::Requests),
        "coefficient of variation of attempts ÷ capacity",
    ),
    entry(
        "fairness.gini_requests",
        Unit::Number,
        Better::Lower,
        What::Fair(Index::Gini, Shared::Requests),
        "Gini coefficient of attempts ÷ capacity",
    ),
    entry(
        "fairness.peak_to_mean_in_flight",
        Unit::Number,
        Better::Lower,
        What::Fair(Index::PeakToMean, Shared::InFlight),
        "greatest mean in flight ÷ capacity, by the mean",
    ),
    entry("fairness.jain_client_latency", Unit::Number, Better::Higher, What::JainClients, "Jain's index of clients' mean latencies"),
    entry(
        "fairness.peak_to_mean_utilization",
        Unit::Number,
        Better::Lower,
        What::Fair(Index::PeakToMean, Shared::Utilization),
        "greatest utilizations, by the mean",
    ),
    entry(
        "fairness.cov_utilization",
        Unit::Number,
        Better::Lower,
        What::Fair(Index::Cov, Shared::Utilization),
        "coefficient of variation of utilizations",
    ),
    entry(
        "fairness.gini_utilization",
        Unit::Number,
        Better::Lower,
        What::Fair(Index::Gini, Shared::Utilization),
        "Gini coefficient of utilizations",
    ),
    entry(
        "fairness.jain_in_flight",
        Unit::Number,
        Better::Higher,
        What::Fair(Index::Jain, Shared::InFlight),
        "Jain's index of mean in flight ÷ capacity",
    ),
    entry(
        "fairness.cov_in_flight",
        Unit::Number,
        Better::Lower,
        What::Fair(Index::Cov, Shared::InFlight),
        "coefficient of variation of mean in flight ÷ capacity",
    ),
    entry(
        "fairness.gini_in_flight",
        Unit::Number,
        Better::Lower,
        What::Fair(Index::Gini, Shared::InFlight),
        "Gini coefficient of mean in flight ÷ capacity",
    ),
    entry("in_system_mean", Unit::Number, Better::Lower, What::InSystem, "mean number of requests in the system"),
    entry("amplification", Unit::Number, Better::Lower, What::Amplification, "attempts ÷ offered requests"),
    entry(
        "work.wasted_share",
        Unit::Share,
        Better::Lower,
        What::Wasted,
        "worker-time of attempts that failed, were given up or lost ÷ all worker-time of attempts",
    ),
];

pub(super) const fn backend(name: &'static str, unit: Unit, better: Better, what: OfBackend, about: &'static str) -> Entry {
    entry(name, unit, better, What::Backend(0, what), about)
}

/// The numbers of one backend: their paths are `backends.NAME.` and one of these.
pub const BACKEND_ENTRIES: &[Entry] = &[
    backend("requests", Unit::Count, Better::Neither, OfBackend::Requests, "attempts sent there"),
    backend("share", Unit::Share, Better::Neither, OfBackend::Share, "their share of all attempts"),
    backend("utilization", Unit::Share, Better::Neither, OfBackend::Utilization, "busy workers ÷ workers"),
    backend("in_flight_mean", Unit::Number, Better::Lower, OfBackend::InFlightMean, "mean number sent and unanswered"),
    backend("in_flight_max", Unit::Count, Better::Lower, OfBackend::InFlightMax, "greatest number sent and unanswered"),
    backend("latency.mean", Unit::Milliseconds, Better::Lower, OfBackend::Latency(Figure::Mean), "mean latency of its attempts"),
    backend("latency.p50", Unit::Milliseconds, Better::Lower, OfBackend::Latency(Figure::Quantile(0.5)), "median latency of its attempts"),
    backend(
        "latency.p99",
        Unit::Milliseconds,
        Better::Lower,
        OfBackend::Latency(Figure::Quantile(0.99)),
        "99th percentile of its attempts",
    ),
];
