//! A number of the result by its name: `latency.p99`, `errors.timeout`, `backends.web-0.utilization`.
//!
//! The names are those of the JSON result with dots, without `_ms` and `requests.`. Rules, baselines, comparisons and
//! `run.precision` find their numbers here, one value for each replication; the summary itself reads the merged record
//! through the same code, so that the two can never differ in meaning. `latency`, `latency_all`, `wait` and a backend's
//! `latency` know every percentile, not just the printed ones: `latency.p97.5`.

use super::entries::{BACKEND_ENTRIES, ENTRIES, Figure, OfBackend, What, backend, entry};
pub use super::entries::{Better, Entry, Unit};
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
        value(self.what, record, subject).filter(|value| value.is_finite())
    }

    /// Whether it is the mean of latencies or waits, which a cell that never settles does not have.
    #[must_use]
    pub fn is_mean_of_time(&self) -> bool {
        matches!(self.what, What::Latency(Figure::Mean | Figure::Stddev) | What::LatencyAll(Figure::Mean) | What::Wait(Figure::Mean))
    }
}

/// `latency.p97.5` and its like.
fn percentile(path: &str) -> Option<Entry> {
    let (family, what): (&str, fn(Figure) -> What) = [
        ("latency.p", What::Latency as fn(Figure) -> What),
        ("latency_all.p", What::LatencyAll),
        ("wait.p", What::Wait),
    ]
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
        let backend = backends.iter().take(1000).min_by_key(|backend| distance(rest.split('.').next().unwrap_or(rest), &backend.name)).map_or_else(|| "NAME".into(), name);
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
