//! What a recorded stretch of traffic is like: numbers that grow with no record, from entries in the order of time.

pub(super) mod counts;
mod popular;

pub use counts::{Silence, Window};
pub use popular::Counted;

use std::collections::BTreeMap;

use crate::measure::histogram::{Coarse, Fine};
use crate::trace::{Entry, Outcome};
pub(super) use counts::Moments;
use counts::{Dispersion, Silences, Windows};
use popular::Popular;

/// The widths at which counts are compared, in nanoseconds: 0.1 s, 1 s, 10 s and 60 s.
pub const SCALES: [u64; 4] = [100_000_000, 1_000_000_000, 10_000_000_000, 60_000_000_000];

/// The most backends that are told apart.
const MAX_BACKENDS: usize = 10_000;

/// The longest name of a backend that is kept.
const MAX_NAME: usize = 256;

/// What a backend got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Requests.
    pub requests: u64,
    /// Of these, those that did not succeed.
    pub failures: u64,
    /// Nanoseconds of service, where it is known.
    pub service: u128,
}

/// In how many entries a thing was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The time that a backend worked.
    pub service: u64,
    /// The time to the answer.
    pub duration: u64,
    /// The time in a queue.
    pub queued: u64,
    /// What a hash balancer would look at.
    pub key: u64,
    /// Who sent it.
    pub client: u64,
    /// Who answered.
    pub backend: u64,
    /// What was asked for in the large.
    pub class: u64,
    /// The status.
    pub status: u64,
    /// Bytes of the answer.
    pub bytes: u64,
    /// Tokens of the prompt.
    pub input: u64,
    /// Tokens made.
    pub output: u64,
}

/// Counts entries as they come, in the order of time. An entry before the last one counts as if it came with it.
#[derive(Clone, Debug)]
pub struct Tally {
    requests: u64,
    first: i64,
    last: i64,
    ties: u64,
    coarsest: u32,
    gaps: Moments,
    dispersion: [Dispersion; SCALES.len()],
    windows: Windows,
    silences: Silences,
    told: Told,
    /// Nanoseconds that backends worked.
    pub service: Fine,
    /// Nanoseconds to the answer.
    pub duration: Fine,
    /// Nanoseconds in a queue.
    pub queued: Fine,
    /// Bytes of answers.
    pub bytes: Coarse,
    /// Tokens of prompts.
    pub input: Coarse,
    /// Tokens made.
    pub output: Coarse,
    keys: Popular,
    clients: Popular,
    classes: Popular,
    backends: BTreeMap<Vec<u8>, Share>,
    more_backends: Share,
    /// Requests by the first digit of their status; 0 where there is none.
    statuses: [u64; 10],
    outcomes: [u64; 3],
    /// Requests that were tried at more than one backend.
    retried: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            requests: 0,
            first: 0,
            last: 0,
            ties: 0,
            coarsest: 0,
            gaps: Moments::default(),
            dispersion: SCALES.map(Dispersion::new),
            windows: Windows::default(),
            silences: Silences::default(),
            told: Told::default(),
            service: Fine::default(),
            duration: Fine::default(),
            queued: Fine::default(),
            bytes: Coarse::default(),
            input: Coarse::default(),
            output: Coarse::default(),
            keys: Popular::default(),
            clients: Popular::default(),
            classes: Popular::default(),
            backends: BTreeMap::new(),
            more_backends: Share::default(),
            statuses: [0; 10],
            outcomes: [0; 3],
            retried: 0,
        }
    }
}

impl Tally {
    /// Counts an entry.
    pub fn add(&mut self, entry: &Entry<'_>) {
        let is_failure = entry.outcome != Outcome::Succeeded;
        self.time(entry, is_failure);
        self.values(entry);
        self.names(entry, is_failure);
        let class = entry.status.map_or(0, |status| usize::from(status / 100).min(9));
        self.statuses[class] += 1;
        self.outcomes[entry.outcome as usize] += 1;
        self.retried += u64::from(entry.tries > 1);
        self.told.status += u64::from(entry.status.is_some());
    }

    fn time(&mut self, entry: &Entry<'_>, is_failure: bool) {
        if self.requests == 0 {
            (self.first, self.last) = (entry.at, entry.at);
        } else {
            let at = entry.at.max(self.last);
            let gap = at.abs_diff(self.last);
            self.gaps.add(gap as f64);
            self.ties += u64::from(gap == 0);
            self.silences.add(self.last, gap);
            self.last = at;
        }
        self.requests += 1;
        self.coarsest = self.coarsest.max(entry.tick);
        let since = self.last.abs_diff(self.first);
        self.dispersion.iter_mut().for_each(|dispersion| dispersion.add(since));
        self.windows.add(since, is_failure, entry.service.unwrap_or(0));
    }

    fn values(&mut self, entry: &Entry<'_>) {
        let times = [
            (entry.service, &mut self.service, &mut self.told.service),
            (entry.duration, &mut self.duration, &mut self.told.duration),
            (entry.queued, &mut self.queued, &mut self.told.queued),
        ];
        for (value, histogram, told) in times {
            if let Some(value) = value {
                histogram.record(value);
                *told += 1;
            }
        }
        let sizes = [
            (entry.bytes, &mut self.bytes, &mut self.told.bytes),
            (entry.input, &mut self.input, &mut self.told.input),
            (entry.output, &mut self.output, &mut self.told.output),
        ];
        for (value, histogram, told) in sizes {
            if let Some(value) = value {
                histogram.record(value);
                *told += 1;
            }
        }
    }

    fn names(&mut self, entry: &Entry<'_>, is_failure: bool) {
        let names = [
            (&entry.key, &mut self.keys, &mut self.told.key),
            (&entry.client, &mut self.clients, &mut self.told.client),
            (&entry.class, &mut self.classes, &mut self.told.class),
        ];
        for (name, popular, told) in names {
            if let Some(name) = name {
                popular.add(name);
                *told += 1;
            }
        }
        let Some(backend) = &entry.backend else { return };
        self.told.backend += 1;
        let name = &backend[..backend.len().min(MAX_NAME)];
        let has_room = self.backends.len() < MAX_BACKENDS;
        if has_room && !self.backends.contains_key(name) {
            self.backends.insert(name.to_vec(), Share::default());
        }
        let share = self.backends.get_mut(name).unwrap_or(&mut self.more_backends);
        share.requests += 1;
        share.failures += u64::from(is_failure);
        share.service += u128::from(entry.service.unwrap_or(0));
    }
}

/// What was found.
impl Tally {
    /// How many requests there were.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// The instants of the first and the last.
    #[must_use]
    pub fn span(&self) -> Option<(i64, i64)> {
        (self.requests > 0).then_some((self.first, self.last))
    }

    /// Nanoseconds between them.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.last.abs_diff(self.first)
    }

    /// Requests a second: gaps by the time that they took together. `None` where all came at once.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        (self.length() > 0).then(|| (self.requests - 1) as f64 / (self.length() as f64 / 1e9))
    }

    /// Standard deviation of the gaps by their mean: 1 for a Poisson process, 0 for a metronome.
    #[must_use]
    pub fn gap_variation(&self) -> Option<f64> {
        self.gaps.variation()
    }

    /// Requests that came at the very instant of the one before.
    #[must_use]
    pub fn ties(&self) -> u64 {
        self.ties
    }

    /// Nanoseconds within which the least exact instant is known.
    #[must_use]
    pub fn coarsest_tick(&self) -> u32 {
        self.coarsest
    }

    /// For each of [`SCALES`] the variance by mean of the counts in windows of that width: 1 for a Poisson process. `None` where the record has
    /// fewer than two whole windows.
    #[must_use]
    pub fn dispersion(&self) -> [Option<f64>; SCALES.len()] {
        self.dispersion.each_ref().map(Dispersion::index)
    }

    /// The width of windows in nanoseconds, and what came in each (240 at most) from the first request on.
    #[must_use]
    pub fn windows(&self) -> (u64, &[Window]) {
        (self.windows.width, &self.windows.windows)
    }

    /// Silences so long that one of a hundred Poisson records of this rate and length has one: at most 16, longest first.
    #[must_use]
    pub fn silences(&self) -> Vec<Silence> {
        let gaps = self.requests.saturating_sub(1);
        self.silences.strange(gaps, self.length() as f64 / gaps.max(1) as f64)
    }

    /// Service by time: how many backends, each with one request at a time, the requests kept busy on average. `None` without service times.
    #[must_use]
    pub fn busy(&self) -> Option<f64> {
        (self.length() > 0 && self.told.service > 0).then(|| self.service.sum() as f64 / self.length() as f64)
    }

    /// In how many requests each thing was told.
    #[must_use]
    pub fn told(&self) -> Told {
        self.told
    }

    /// Requests by the first digit of their status; at 0 those without one.
    #[must_use]
    pub fn statuses(&self) -> [u64; 10] {
        self.statuses
    }

    /// Requests that ended so.
    #[must_use]
    pub fn ended(&self, outcome: Outcome) -> u64 {
        self.outcomes[outcome as usize]
    }

    /// Requests that were tried at more than one backend.
    #[must_use]
    pub fn retried(&self) -> u64 {
        self.retried
    }

    /// What each backend got, by name; and what those got that are beyond the 10,000 that are told apart.
    #[must_use]
    pub fn backends(&self) -> (&BTreeMap<Vec<u8>, Share>, Share) {
        (&self.backends, self.more_backends)
    }

    /// The number of equal backends that would be as uneven as these: the exponential of the entropy of their shares of requests.
    #[must_use]
    pub fn effective_backends(&self) -> Option<f64> {
        let counts = self.backends.values().map(|share| share.requests);
        (!self.backends.is_empty()).then(|| popular::effective(counts))
    }

    /// Keys.
    #[must_use]
    pub fn keys(&self) -> Names<'_> {
        Names(&self.keys)
    }

    /// Clients.
    #[must_use]
    pub fn clients(&self) -> Names<'_> {
        Names(&self.clients)
    }

    /// Classes.
    #[must_use]
    pub fn classes(&self) -> Names<'_> {
        Names(&self.classes)
    }
}

/// The names of a kind, and how often they came.
#[derive(Clone, Copy, Debug)]
pub struct Names<'t>(&'t Popular);

impl Names<'_> {
    /// How many requests had one.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.total()
    }

    /// How many different ones there were: exactly up to 4,096, then within about 1%.
    #[must_use]
    pub fn distinct(&self) -> f64 {
        self.0.distinct()
    }

    /// The most frequent, most frequent first.
    #[must_use]
    pub fn top(&self, most: usize) -> Vec<Counted> {
        self.0.top(most)
    }

    /// The exponent of Zipf's law that fits the most frequent ones: the slope of ln count over ln rank, by least squares.
    #[must_use]
    pub fn zipf(&self) -> Option<f64> {
        self.0.zipf()
    }
}

#[cfg(test)]
mod tests;
