//! What a cell is looked at for when it will be drawn, beside its record; replications are added up.

use super::curve;
use super::detail::{ClassDetail, Distribution, ResultDetail, TimeSpent};
use super::histogram::{Coarse, Histogram};
use super::keys::KeyCounts;
use super::periods::Periods;
use super::record::Record;
use super::setup::{Backend, Source};
use super::value::over;

/// The last entry of [`Closeup::depth`] is that many or more.
pub(super) const DEEPEST: usize = 256;

/// One cell, or several together.
#[derive(Clone, Debug)]
pub struct Closeup {
    pub(super) periods: Periods,
    /// Looks at a backend, by how many requests were in flight there.
    pub(super) depth: Vec<u64>,
    /// What answered requests were on the way, and what passed before the attempt that was answered, in nanoseconds.
    pub(super) on_the_way: u128,
    pub(super) before: u128,
    /// By source, where there are several.
    pub(super) sources: Vec<SourceCounts>,
    pub(super) keys: Option<KeyCounts>,
    /// The end of the warm-up in nanoseconds.
    pub(super) warmup: u128,
    /// The percentiles of each replication.
    pub(super) curves: Vec<Vec<Option<f64>>>,
}

/// One source of traffic.
#[derive(Clone, Debug, Default)]
pub(super) struct SourceCounts {
    pub offered: u64,
    pub succeeded: u64,
    pub latency_sum: u128,
    pub latency: Coarse,
}

impl SourceCounts {
    fn add(&mut self, other: &Self) {
        self.offered += other.offered;
        self.succeeded += other.succeeded;
        self.latency_sum += other.latency_sum;
        self.latency.merge(&other.latency);
    }
}

impl Closeup {
    /// A cell is over, with this record.
    pub(super) fn close(mut self, record: &Record, backends: &[Backend]) -> Self {
        self.periods.close(backends);
        self.curves = vec![curve::of(&record.latency)];
        self.warmup = u128::from(record.window_start.0);
        self
    }

    /// Adds the next replication, which is closed.
    pub(super) fn add(&mut self, other: Self, backends: &[Backend]) {
        self.periods.add(other.periods, backends);
        self.depth.iter_mut().zip(other.depth).for_each(|(mine, theirs)| *mine += theirs);
        self.on_the_way += other.on_the_way;
        self.before += other.before;
        self.sources.iter_mut().zip(&other.sources).for_each(|(mine, theirs)| mine.add(theirs));
        if let (Some(mine), Some(theirs)) = (&mut self.keys, other.keys) {
            mine.add(theirs);
        }
        self.warmup += other.warmup;
        self.curves.extend(other.curves);
    }

    /// What is drawn of it; the record is of all replications. Means that nobody may quote are not said.
    pub(super) fn detail(self, record: &Record, settled: bool, backends: &[Backend], sources: &[Source]) -> ResultDetail {
        let looks: u64 = self.depth.iter().sum();
        let deepest = self.depth.iter().rposition(|&count| count > 0).map_or(0, |last| last + 1);
        let mut windows = self.periods.windows(backends);
        windows.warmup_s = self.warmup as f64 / 1e9 / (self.curves.len().max(1) as f64);
        ResultDetail {
            latency: distribution(&record.latency),
            percentiles: curve::curve(&record.latency, &self.curves),
            time: if settled { time_spent(record, self.on_the_way, self.before) } else { TimeSpent::default() },
            windows,
            depth: self.depth[..deepest].iter().map(|&count| count as f64 / looks.max(1) as f64).collect(),
            looks,
            classes: classes(sources, &self.sources),
            keys: self.keys.map(|keys| keys.detail()),
        }
    }
}

fn distribution<const BITS: u32>(latency: &Histogram<BITS>) -> Distribution {
    Distribution {
        count: latency.count(),
        min_ns: latency.min(),
        max_ns: latency.max(),
        mean_ns: latency.mean(),
        stddev_ns: latency.stddev(),
        buckets: latency.buckets().collect(),
    }
}

/// What was neither waited for, nor on the way, nor before, was service.
fn time_spent(record: &Record, on_the_way: u128, before: u128) -> TimeSpent {
    let of = |time: u128| over(time as f64 / 1e6, record.succeeded as f64);
    let (all, queue) = (record.latency.sum(), record.wait.sum());
    TimeSpent {
        queue_ms: of(queue),
        service_ms: of(all.saturating_sub(queue + on_the_way + before)),
        network_ms: of(on_the_way),
        retry_ms: of(before),
    }
}

/// Sources of the same class are one; a source without a class stands for itself. None, where that makes only one.
fn classes(sources: &[Source], counts: &[SourceCounts]) -> Vec<ClassDetail> {
    let mut names: Vec<&str> = Vec::new();
    for source in sources {
        if !names.contains(&source.class.as_str()) {
            names.push(&source.class);
        }
    }
    if names.len() < 2 {
        return Vec::new();
    }
    let of = |name: &str| {
        let mut all = SourceCounts::default();
        let mut work = 0.0;
        for (source, counts) in sources.iter().zip(counts).filter(|(source, _)| source.class == name) {
            all.add(counts);
            work += source.mean_work * counts.offered as f64;
        }
        let mean = over(all.latency_sum as f64, all.succeeded as f64);
        let slowdown = mean.zip(over(work, all.offered as f64)).and_then(|(mean, work)| over(mean, work));
        ClassDetail {
            name: name.to_owned(),
            offered: all.offered,
            success_rate: over(all.succeeded as f64, all.offered as f64),
            mean_ms: mean.map(|ns| ns / 1e6),
            p99_ms: all.latency.quantile(0.99).map(|ns| ns as f64 / 1e6),
            slowdown: slowdown.filter(|slowdown| slowdown.is_finite()),
        }
    };
    names.into_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_of_one_class_are_one() {
        let source = |class: &str, mean_work: f64| Source { class: class.into(), mean_work };
        let counts = |offered, latency: u64| {
            let mut one = SourceCounts { offered, succeeded: 1, latency_sum: latency.into(), ..SourceCounts::default() };
            one.latency.record(latency);
            one
        };
        let sources = [source("gold", 1e6), source("lead", 5e6), source("gold", 3e6)];
        let all = [counts(1, 4_000_000), counts(2, 10_000_000), counts(1, 8_000_000)];
        let found = classes(&sources, &all);
        assert_eq!(found.iter().map(|class| class.name.as_str()).collect::<Vec<_>>(), ["gold", "lead"]);
        assert_eq!((found[0].offered, found[0].success_rate, found[0].mean_ms, found[0].slowdown), (2, Some(1.0), Some(6.0), Some(3.0)));
        assert_eq!((found[1].success_rate, found[1].slowdown), (Some(0.5), Some(2.0)));
        assert!(classes(&sources[..1], &all[..1]).is_empty());
    }
}
