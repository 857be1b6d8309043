//! A number of the result by its name: `latency.p99`, `errors.timeout`, `backends.web-0.utilization`.
//!
//! The names are those of the JSON result with dots, without `_ms` and `requests.`. Rules, baselines, comparisons and
//! `run.precision` find their numbers here, one value for each replication; the summary itself reads the merged record
//! through the same code, so that the two can never differ in meaning. `latency`, `latency_all`, `wait` and a backend's
//! `latency` know every percentile, not just the printed ones: `latency.p97.5`.

pub use super::entries::{BACKEND_ENTRIES, Better, ENTRIES, Entry, Unit};
use super::entries::{Figure, OfBackend, What, backend, entry};
use super::record::Record;
use super::setup::{Backend, Subject};
use super::value::value;

/// A number that was found by its name: see [`Metric::parse`].
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    path: String,
    what: What,
    unit: Unit,
    better: Better,
}

/// No number has that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no metric is called `{path}`; did you mean `{nearest}`?")]
pub struct UnknownMetric {
    /// The name that was given.
    pub path: String,
    /// The nearest name there is.
    pub nearest: String,
}

/// The number of that name, in one replication: `None` where it does not exist (no request succeeded, unlimited workers, …).
///
/// # Errors
/// Says that there is no such name, and the nearest that there is.
pub fn metric(path: &str, record: &Record, subject: &Subject) -> Result<Option<f64>, UnknownMetric> {
    Ok(Metric::parse(path, &subject.backends)?.of(record, subject))
}

impl Metric {
    /// Finds a number by its name among a result of these backends.
    ///
    /// # Errors
    /// Says that there is no such name, and the nearest that there is.
    pub fn parse(path: &str, backends: &[Backend]) -> Result<Self, UnknownMetric> {
        let found = ENTRIES.iter().find(|entry| entry.name == path).copied();
        found
            .or_else(|| percentile(path))
            .or_else(|| of_backend(path, backends))
            .map(|entry| Self { path: path.to_owned(), what: entry.what, unit: entry.unit, better: entry.better })
            .ok_or_else(|| UnknownMetric { path: path.to_owned(), nearest: nearest(path, backends) })
    }

    /// Its name.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its unit.
    #[must_use]
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// Which way is better.
    #[must_use]
    pub fn better(&self) -> Better {
        self.better
    }

    /// Its value in one replication; `None` where it does not exist, never infinite or NaN.
    #[must_use]
    pub fn of(&self, record: &Record, subject: &Subject) -> Option<f64> {
        // Adding zero makes a negative zero a plain one.
        value(self.what, record, subject).filter(|value| value.is_finite()).map(|value| value + 0.0)
    }

    /// Whether it is the mean of latencies or waits, which a cell that never settles does not have.
    #[must_use]
    pub fn is_mean_of_time(&self) -> bool {
        matches!(self.what, What::Latency(Figure::Mean | Figure::Stddev) | What::LatencyAll(Figure::Mean) | What::Wait(Figure::Mean))
    }
}

/// Some of the requests, of which a number may be asked: see [`Metric::is_known_of`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Requests of the traffic: of a class, or that arrive at some time.
    Requests,
    /// Requests and calls to one service.
    Visits,
}

impl Metric {
    /// Whether it is a number that some of the requests have, too: not one of backends, of the system or of the whole run.
    #[must_use]
    pub fn is_known_of(&self, part: Part) -> bool {
        self.what.is_known_of(part)
    }

    /// Of a percentile, its share.
    #[must_use]
    pub fn percentile(&self) -> Option<f64> {
        match self.what {
            What::Latency(Figure::Quantile(share)) | What::LatencyAll(Figure::Quantile(share)) | What::Wait(Figure::Quantile(share)) => {
                Some(share)
            }
            _ => None,
        }
    }
}

/// The names of the numbers that some of the requests have.
#[must_use]
pub fn known_of(part: Part) -> Vec<&'static str> {
    ENTRIES.iter().filter(|entry| entry.what.is_known_of(part)).map(|entry| entry.name).collect()
}

/// `latency.p97.5` and its like.
fn percentile(path: &str) -> Option<Entry> {
    let (family, what): (&str, fn(Figure) -> What) =
        [("latency.p", What::Latency as fn(Figure) -> What), ("latency_all.p", What::LatencyAll), ("wait.p", What::Wait)]
            .into_iter()
            .find(|(family, _)| path.starts_with(family))?;
    let figure = Figure::Quantile(share(&path[family.len()..])?);
    Some(entry("", Unit::Milliseconds, Better::Lower, what(figure), "a percentile"))
}

/// `97.5` as 0.975, correctly rounded; above 0, at most 1.
fn share(percent: &str) -> Option<f64> {
    let plain = percent.starts_with(|c: char| c.is_ascii_digit()) && percent.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let value: f64 = plain.then(|| format!("{percent}e-2").parse().ok())??;
    (value > 0.0 && value <= 1.0).then_some(value)
}

/// `backends.NAME.…`; a name may hold dots, so each backend's is tried.
fn of_backend(path: &str, backends: &[Backend]) -> Option<Entry> {
    let rest = path.strip_prefix("backends.")?;
    backends.iter().enumerate().find_map(|(at, backend)| {
        let figure = rest.strip_prefix(backend.name.as_str())?.strip_prefix('.')?;
        let known = BACKEND_ENTRIES.iter().find(|entry| entry.name == figure).copied().or_else(|| backend_percentile(figure))?;
        let What::Backend(_, what) = known.what else { return None };
        Some(Entry { what: What::Backend(at, what), ..known })
    })
}

fn backend_percentile(figure: &str) -> Option<Entry> {
    let share = share(figure.strip_prefix("latency.p")?)?;
    Some(backend("", Unit::Milliseconds, Better::Lower, OfBackend::Latency(Figure::Quantile(share)), "a percentile"))
}

/// The nearest name: by the fewest letters to change, the first of equals.
fn nearest(path: &str, backends: &[Backend]) -> String {
    if let Some(rest) = path.strip_prefix("backends.") {
        // At most a thousand are looked at: suggestions need not be complete.
        let name = |backend: &Backend| backend.name.clone();
        let backend = backends
            .iter()
            .take(1000)
            .min_by_key(|backend| distance(rest.split('.').next().unwrap_or(rest), &backend.name))
            .map_or_else(|| "NAME".into(), name);
        let figure = rest.split_once('.').map_or("utilization", |(_, figure)| figure);
        let entry = BACKEND_ENTRIES.iter().min_by_key(|entry| distance(figure, entry.name)).map_or("utilization", |entry| entry.name);
        return format!("backends.{backend}.{entry}");
    }
    // `p99` alone, or the JSON's own spelling, is understood as what it must mean.
    let bare = path.strip_prefix("requests.").unwrap_or(path).replace("_ms", "");
    let full = |entry: &&Entry| entry.name == bare || entry.name.split_once('.').is_some_and(|(_, tail)| tail == bare);
    let found = ENTRIES.iter().find(full).or_else(|| ENTRIES.iter().min_by_key(|entry| distance(&bare, entry.name)));
    found.map_or_else(String::new, |entry| entry.name.to_owned())
}

/// Letters to insert, delete or replace (Levenshtein), of the first 64 of each.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::record::BackendRecord;
    use crate::time::SimTime;

    fn subject() -> Subject {
        let backend = |name: &str, capacity: f64, workers| Backend { name: name.into(), capacity, workers, ..Backend::default() };
        Subject { backends: [backend("web-0", 2.0, Some(2)), backend("web.b", 1.0, None)].into(), ..Subject::default() }
    }

    /// Ten seconds: 4 succeeded in 1, 2, 3 and 4 ms, one timed out after 10 ms.
    fn record() -> Record {
        let one = BackendRecord {
            requests: 4,
            in_flight_area: 8_000_000,
            in_flight_max: 2,
            busy_area: 10_000_000_000,
            answered: 3,
            latency_sum: 6_000_000,
            latency: None,
        };
        let mut record = Record {
            offered: 5,
            succeeded: 4,
            failed: 1,
            attempts: 5,
            failures: [1, 0, 0, 0, 0, 0],
            waited: 1,
            window_start: SimTime(1_000_000_000),
            window_end: SimTime(11_000_000_000),
            end: SimTime(11_010_000_000),
            in_system_area: 20_000_000_000,
            backends: vec![one, BackendRecord { requests: 1, ..BackendRecord::default() }],
            clients: Some(vec![(2, 2_000_000), (2, 6_000_000), (0, 0)]),
            ..Record::default()
        };
        [1, 2, 3, 4].into_iter().for_each(|ms| record.latency.record(ms * 1_000_000));
        record.failed_latency.record(10_000_000);
        record
    }

    #[test]
    fn numbers_are_found_by_their_names() {
        let near = |path: &str, expected: f64| {
            let found = metric(path, &record(), &subject()).expect(path).expect(path);
            assert!((found - expected).abs() <= 0.001 * expected, "{path}: {found}");
        };
        near("latency.mean", 2.5);
        near("latency.p50", 2.0);
        near("latency.p75", 3.0);
        near("latency.p75.5", 4.0);
        near("latency.max", 4.0);
        near("latency_all.mean", 4.0);
        near("latency_all.p99", 10.0);
        near("errors.timeout", 1.0);
        near("success_rate", 0.8);
        near("throughput_rps", 0.5);
        near("goodput_rps", 0.4);
        near("wait_share", 0.25);
        near("in_system_mean", 2.0);
        near("duration_s", 11.01);
        near("backends.web-0.utilization", 0.5);
        near("backends.web-0.share", 0.8);
        near("backends.web-0.latency.mean", 2.0);
        near("backends.web-0.in_flight_mean", 0.0008);
        near("backends.web.b.requests", 1.0);
        // 4/2 and 1/1: (2+1)² ÷ (2·5).
        near("fairness.jain_requests", 0.9);
        // Clients of 1 and 3 ms: 16 ÷ 20; the one without an answer is left out.
        near("fairness.jain_client_latency", 0.8);
    }

    #[test]
    fn what_does_not_exist_is_none() {
        for path in ["backends.web.b.utilization", "backends.web-0.latency.p99", "overloaded_at_s", "wait.mean"] {
            assert_eq!(metric(path, &record(), &subject()), Ok(None), "{path}");
        }
        for entry in ENTRIES.iter().filter(|entry| entry.unit != Unit::Count && entry.unit != Unit::Seconds) {
            assert_eq!(metric(entry.name, &Record::default(), &Subject::default()), Ok(None), "{}", entry.name);
        }
    }

    #[test]
    fn every_listed_name_is_understood_and_listed_once() {
        for entry in ENTRIES {
            assert_eq!(Metric::parse(entry.name, &[]).map(|metric| metric.unit()), Ok(entry.unit));
            assert_eq!(ENTRIES.iter().filter(|other| other.name == entry.name).count(), 1);
        }
        for entry in BACKEND_ENTRIES {
            assert!(Metric::parse(&format!("backends.web-0.{}", entry.name), &subject().backends).is_ok());
        }
    }

    #[test]
    fn unknown_names_get_the_nearest() {
        let nearest = |path: &str| Metric::parse(path, &subject().backends).expect_err(path).nearest;
        assert_eq!(nearest("latency.p9g"), "latency.p90");
        assert_eq!(nearest("latncy.mean"), "latency.mean");
        assert_eq!(nearest("p99"), "latency.p99");
        assert_eq!(nearest("latency_ms.p99"), "latency.p99");
        assert_eq!(nearest("requests.errors.timeout"), "errors.timeout");
        assert_eq!(nearest("backends.web-1.utilisation"), "backends.web-0.utilization");
        for path in
            ["", "latency.p0", "latency.p101", "latency.pNaN", "latency.p1e1", "latency.p-5", "latency.p", "backends.", "backends.web-0"]
        {
            assert!(Metric::parse(path, &subject().backends).is_err(), "{path}");
        }
    }

    #[test]
    fn percentiles_are_read_to_the_last_bit() {
        assert_eq!((share("99.9"), share("99.99"), share("50")), (Some(0.999), Some(0.9999), Some(0.5)));
    }
}
