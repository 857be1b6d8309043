//! How each number is computed from a record: one replication's, or all of them merged.

use super::entries::{Figure, Index, OfBackend, Shared, What};
use super::fairness::{self, Part};
use super::histogram::{Fine, Histogram};
use super::record::{BackendRecord, Record};
use super::setup::{Backend, Subject};

/// The number, where it exists; it may be infinite or NaN only if the record is nonsense.
pub(super) fn value(what: What, record: &Record, subject: &Subject) -> Option<f64> {
    let seconds = record.window_end.since(record.window_start).as_secs_f64();
    match what {
        What::Offered => Some(record.offered as f64),
        What::Succeeded => Some(record.succeeded as f64),
        What::Failed => Some(record.failed as f64),
        What::Unfinished => Some(record.unfinished as f64),
        What::Attempts => Some(record.attempts as f64),
        What::Retries => Some(record.retries as f64),
        What::Hedges => Some(record.hedges as f64),
        What::Error(failure) => Some(record.failures[failure as usize] as f64),
        What::Latency(figure) => figure.of(&record.latency),
        What::LatencyAll(figure) => figure.of(&all_latencies(record)),
        What::Wait(figure) => figure.of(&record.wait),
        What::WaitShare => over(record.waited as f64, record.succeeded as f64),
        What::OverloadedAt => record.overloaded_at.map(|at| at.as_secs_f64()),
        What::Duration => Some(record.end.as_secs_f64()),
        What::Throughput => over((record.succeeded + record.failed) as f64, seconds),
        What::Goodput => over(record.succeeded as f64, seconds),
        What::SuccessRate => over(record.succeeded as f64, record.offered as f64),
        What::Fair(index, shared) => index.of(&shares(shared, record, subject)),
        What::JainClients => fairness::jain(&client_means(record)?),
        What::InSystem => over(record.in_system_area as f64, window(record)),
        What::Amplification => over(record.attempts as f64, record.offered as f64),
        What::Wasted => {
            let away = record.wasted + record.lost;
            over(away as f64, (record.useful + away) as f64)
        }
        What::Backend(at, figure) => of_one(figure, record, record.backends.get(at)?, subject.backends.get(at)?),
    }
}

fn of_one(figure: OfBackend, record: &Record, backend: &BackendRecord, known: &Backend) -> Option<f64> {
    match figure {
        OfBackend::Requests => Some(backend.requests as f64),
        OfBackend::Share => over(backend.requests as f64, sent(record) as f64),
        OfBackend::Utilization => utilization(record, backend, known),
        OfBackend::InFlightMean => over(backend.in_flight_area as f64, window(record)),
        OfBackend::InFlightMax => Some(backend.in_flight_max as f64),
        OfBackend::Latency(Figure::Mean) => over(backend.latency_sum as f64 / 1e6, backend.answered as f64),
        OfBackend::Latency(figure) => figure.of(backend.latency.as_ref()?),
    }
}

impl Figure {
    /// In milliseconds.
    pub(super) fn of<const BITS: u32>(self, histogram: &Histogram<BITS>) -> Option<f64> {
        let ns = match self {
            Self::Mean => histogram.mean(),
            // The sum of squares is rounded: equal values have no deviation, whatever it says.
            Self::Stddev => {
                if histogram.min() == histogram.max() {
                    histogram.mean().map(|_| 0.0)
                } else {
                    histogram.stddev()
                }
            }
            Self::Min => histogram.min().map(|ns| ns as f64),
            Self::Max => histogram.max().map(|ns| ns as f64),
            Self::Quantile(share) => histogram.quantile(share).map(|ns| ns as f64),
        };
        ns.map(|ns| ns / 1e6)
    }
}

/// A quotient, where there is something to divide by.
pub(super) fn over(value: f64, by: f64) -> Option<f64> {
    (by > 0.0).then(|| value / by)
}

/// The window in nanoseconds.
pub(super) fn window(record: &Record) -> f64 {
    record.window_end.since(record.window_start).0 as f64
}

/// All attempts sent to backends: what `share` is a share of.
pub(super) fn sent(record: &Record) -> u64 {
    record.backends.iter().map(|backend| backend.requests).sum()
}

pub(super) fn utilization(record: &Record, backend: &BackendRecord, known: &Backend) -> Option<f64> {
    over(backend.busy_area as f64, window(record) * f64::from(known.workers?))
}

/// Succeeded and failed requests together.
fn all_latencies(record: &Record) -> Fine {
    let mut all = record.latency.clone();
    all.merge(&record.failed_latency);
    all
}

impl Index {
    fn of(self, values: &[f64]) -> Option<f64> {
        match self {
            Self::Jain => fairness::jain(values),
            Self::PeakToMean => fairness::peak_to_mean(values),
            Self::Cov => fairness::cov(values),
            Self::Gini => fairness::gini(values),
        }
    }
}

/// What each backend has of it, as the indices look at it.
fn shares(of: Shared, record: &Record, subject: &Subject) -> Vec<f64> {
    let part = |(backend, known): (&BackendRecord, &Backend)| {
        let (amount, by) = match of {
            Shared::Requests => (backend.requests as f64, known.capacity),
            // A utilization already is per capacity.
            Shared::Utilization => (utilization(record, backend, known)?, 1.0),
            // As an area: the window divides out.
            Shared::InFlight => (backend.in_flight_area as f64, known.capacity),
        };
        Some(Part { amount, by, was_used: backend.requests > 0 || backend.in_flight_area > 0 })
    };
    fairness::proportions(&subject.backends, record.backends.iter().zip(subject.backends.iter()).map(part))
}

/// Mean latencies of the clients that had an answer.
fn client_means(record: &Record) -> Option<Vec<f64>> {
    let clients = record.clients.as_ref()?;
    Some(clients.iter().filter(|(answered, _)| *answered > 0).map(|&(answered, sum)| sum as f64 / answered as f64).collect())
}
