//! What happened over time: two tables of equal windows, one of requests by the time of their arrival, one of backends by the time itself.
//!
//! A cell fills both; replications are added up. What is not a sum, how even a window was, is taken of each replication before it is added, and its mean is said. (Where
//! replications have windows of different width, because nobody knew how long they would be, those of the finer one are joined first; where that is what was added up
//! before, the means of two windows are joined.)

use super::bins::Bins;
use super::detail::{BackendWindows, Windows};
use super::fairness::{self, Part};
use super::series::{Series, Sum};
use super::setup::Backend;
use super::value::over;

/// The first columns of a row of backends: how much of the window was watched, the integrals of requests in flight and of busy workers over all backends.
pub(super) const COVERED: usize = 0;
pub(super) const FLIGHT: usize = 1;
pub(super) const BUSY: usize = 2;
/// Then, for each backend: attempts sent there, and its two integrals.
pub(super) const EACH: usize = 3;

/// A window has fewer buckets of latency to say a 99th percentile of with fewer values than this.
const ENOUGH_FOR_P99: u64 = 100;

/// The windows of one cell, or of several together.
#[derive(Clone, Debug)]
pub(super) struct Periods {
    pub requests: Series,
    pub backends: Bins,
    /// Of how many backends the table has columns.
    pub kept: usize,
    /// By window: sums of Jain's index and of peak ÷ mean over replications, and how many of each there were.
    fair: Vec<[(f64, u32); 2]>,
    replications: u64,
}

impl Periods {
    /// Empty windows so wide and at most so many, of which `kept` backends are kept by themselves.
    pub(super) fn new(width: u64, most: usize, kept: usize) -> Self {
        let backends = Bins::new(width, EACH + EACH * kept, most);
        Self { requests: Series::new(width, most, 0, 0), backends, kept, fair: Vec::new(), replications: 1 }
    }

    /// A cell is over: both tables become equally coarse, and it is judged how even each window was.
    pub(super) fn close(&mut self, known: &[Backend]) {
        self.align(0);
        self.fair = (0..self.backends.len()).map(|window| self.fairness(window, known)).collect();
    }

    fn align(&mut self, least: u64) {
        let width = self.requests.width().max(self.backends.width()).max(least);
        self.requests.table().widen(width);
        while self.backends.width() < width {
            self.backends.fold();
            self.fair = self.fair.chunks(2).map(joined).collect();
        }
    }

    fn fairness(&self, window: usize, known: &[Backend]) -> [(f64, u32); 2] {
        let Some(row) = self.backends.get(window) else { return [(0.0, 0); 2] };
        let shares = |column: usize| {
            let part = |(backend, known): (&[u64], &Backend)| {
                Some(Part { amount: backend[column] as f64, by: known.capacity, was_used: backend.iter().any(|&value| value > 0) })
            };
            fairness::proportions(known, row[EACH..].chunks(EACH).zip(known).map(part))
        };
        let counted = |value: Option<f64>| value.map_or((0.0, 0), |value| (value, 1));
        [counted(fairness::jain(&shares(0))), counted(fairness::peak_to_mean(&shares(1)))]
    }

    /// Adds another replication that is over.
    pub(super) fn add(&mut self, mut other: Self, known: &[Backend]) {
        self.align(other.backends.width());
        if other.backends.width() < self.backends.width() {
            other.align(self.backends.width());
            other.close(known);
        }
        self.requests.add(other.requests);
        self.backends.add(other.backends);
        self.fair.resize(self.fair.len().max(other.fair.len()), [(0.0, 0); 2]);
        self.fair.iter_mut().zip(other.fair).for_each(|(mine, theirs)| *mine = joined(&[*mine, theirs]));
        self.replications += other.replications;
    }

    /// A last window of which less than half was watched, in the mean, is part of the one before.
    fn join_short_end(&mut self) {
        while self.backends.len() > 1 {
            let last = self.backends.len() - 1;
            let covered = self.backends.get(last).map_or(0, |row| row[COVERED]);
            if covered.saturating_mul(2) >= self.replications.saturating_mul(self.backends.width()) {
                break;
            }
            self.backends.join_last();
            if self.requests.bins() > last {
                self.requests.table().join_last();
            }
            self.fair.pop();
        }
    }

    /// As they are drawn. `warmup_s` is left to whoever knows it.
    pub(super) fn windows(mut self, known: &[Backend]) -> Windows {
        self.join_short_end();
        let count = self.backends.len().max(self.requests.bins());
        let rows: Vec<Row<'_>> = (0..count).map(|window| Row::of(&self, window, known)).collect();
        fn each<T>(rows: &[Row<'_>], value: impl Fn(&Row<'_>) -> T) -> Vec<T> {
            rows.iter().map(value).collect()
        }
        Windows {
            width_s: self.backends.width() as f64 / 1e9,
            warmup_s: 0.0,
            ends_s: rows.iter().map(|row| row.covered).sum::<f64>() / 1e9 / self.replications as f64,
            offered_rps: each(&rows, |row| row.per_second(row.sum.arrived)),
            goodput_rps: each(&rows, |row| row.per_second(row.sum.succeeded)),
            errors: each(&rows, |row| row.sum.lost()),
            mean_ms: each(&rows, |row| row.sum.mean().map(|ns| ns / 1e6)),
            p50_ms: each(&rows, |row| row.quantile(0.5, 1)),
            p99_ms: each(&rows, |row| row.quantile(0.99, ENOUGH_FOR_P99)),
            amplification: each(&rows, |row| row.sum.amplification()),
            in_flight: each(&rows, |row| row.mean(FLIGHT).unwrap_or(0.0)),
            utilization: each(&rows, |row| row.workers.and_then(|workers| over(row.mean(BUSY)?, workers))),
            jain_requests: each(&rows, |row| row.fair[0]),
            peak_to_mean_in_flight: each(&rows, |row| row.fair[1]),
            latencies: each(&rows, |row| row.latencies.buckets().map(|(least, _, count)| (least, count)).collect()),
            backends: (0..self.kept).map(|backend| of_backend(&rows, backend, &known[backend])).collect(),
        }
    }
}

/// The sums of two windows, or of the same window in two replications.
fn joined(several: &[[(f64, u32); 2]]) -> [(f64, u32); 2] {
    let add = |of: usize| several.iter().fold((0.0, 0), |(sum, count), one| (sum + one[of].0, count + one[of].1));
    [add(0), add(1)]
}

fn of_backend(rows: &[Row<'_>], backend: usize, known: &Backend) -> BackendWindows {
    let at = EACH + EACH * backend;
    let column = |value: &dyn Fn(&Row<'_>) -> f64| rows.iter().map(|row| value(row) as f32).collect::<Vec<_>>();
    let workers = known.workers.map(f64::from);
    BackendWindows {
        sent_rps: column(&|row| row.per_second(row.backends.get(at).copied().unwrap_or(0))),
        in_flight: column(&|row| row.mean(at + 1).unwrap_or(0.0)),
        utilization: workers.map(|workers| column(&|row| row.mean(at + 2).unwrap_or(0.0) / workers)),
    }
}

/// One window.
struct Row<'a> {
    sum: Sum,
    latencies: super::series::Latencies,
    backends: &'a [u64],
    /// How long it was watched, in nanoseconds, all replications together.
    covered: f64,
    workers: Option<f64>,
    fair: [Option<f64>; 2],
}

impl<'a> Row<'a> {
    fn of(periods: &'a Periods, window: usize, known: &[Backend]) -> Self {
        let backends = periods.backends.get(window).unwrap_or(&[]);
        let fair = periods.fair.get(window).copied().unwrap_or_default();
        Self {
            sum: periods.requests.sum(window..window + 1),
            latencies: periods.requests.latencies(window),
            covered: backends.first().map_or(0.0, |&covered| covered as f64),
            backends,
            workers: known.iter().map(|backend| backend.workers.map(f64::from)).sum(),
            fair: fair.map(|(sum, count)| over(sum, f64::from(count))),
        }
    }

    fn per_second(&self, count: u64) -> f64 {
        over(count as f64 * 1e9, self.covered).unwrap_or(0.0)
    }

    fn mean(&self, column: usize) -> Option<f64> {
        over(*self.backends.get(column)? as f64, self.covered)
    }

    fn quantile(&self, share: f64, least: u64) -> Option<f64> {
        let ns = self.latencies.quantile(share).filter(|_| self.latencies.count() >= least)?;
        Some(ns as f64 / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<Backend> {
        vec![
            Backend { name: "a".into(), capacity: 1.0, workers: Some(1), ..Backend::default() },
            Backend { name: "b".into(), capacity: 2.0, workers: Some(2), ..Backend::default() },
        ]
    }

    /// So many windows of 10 ns, the last watched for 4: 3 sent to a, 6 to b in each; two requests that take 5 and 15.
    fn cell(windows: u64, most: usize) -> Periods {
        let mut periods = Periods::new(10, most, 2);
        for window in 0..windows {
            let covered = if window + 1 == windows { 4 } else { 10 };
            let row = periods.backends.row(window * 10);
            let add = [covered, 3 * covered, 2 * covered, 3, covered, covered / 2, 6, 2 * covered, covered + covered / 2];
            row.iter_mut().zip(add).for_each(|(sum, value)| *sum += value);
            for (at, latency) in [(0, 5), (3, 15)] {
                periods.requests.arrived(window * 10 + at);
                periods.requests.attempted(window * 10 + at);
                periods.requests.succeeded(window * 10 + at, latency);
            }
        }
        periods.close(&known());
        periods
    }

    #[test]
    fn a_hand_worked_cell() {
        let windows = cell(3, 240).windows(&known());
        // The last is short and part of the one before, which is 14 ns then.
        assert_eq!((windows.len(), windows.width_s), (2, 1e-8));
        assert_eq!(windows.offered_rps, [2e8, 4e9 / 14.0]);
        assert_eq!((windows.mean_ms[0], windows.amplification[1], windows.errors[0]), (Some(1e-5), Some(1.0), Some(0.0)));
        assert_eq!(windows.in_flight, [3.0, 3.0]);
        assert_eq!(windows.utilization[0], Some(2.0 / 3.0));
        // In proportion to capacity: 3 ÷ 1 and 6 ÷ 2.
        assert_eq!((windows.jain_requests[0], windows.peak_to_mean_in_flight[1]), (Some(1.0), Some(1.0)));
        assert_eq!((windows.backends[1].sent_rps[0], windows.backends[1].in_flight[0]), (6e8, 2.0));
        assert_eq!(windows.backends[0].utilization.as_ref().map(|all| all[0]), Some(0.5));
        assert_eq!((windows.p50_ms[0], windows.p99_ms[0]), (Some(5e-6), None));
        assert_eq!(windows.latencies[1], [(5, 2), (15, 2)]);
    }

    #[test]
    fn replications_that_ended_up_coarser_add_up() {
        for swapped in [false, true] {
            let (mut one, mut other) = (cell(8, 240), cell(20, 10));
            if swapped {
                std::mem::swap(&mut one, &mut other);
            }
            one.add(other, &known());
            let windows = one.windows(&known());
            assert_eq!(windows.width_s, 2e-8);
            let requests: f64 = windows.latencies.iter().flatten().map(|&(_, count)| count as f64).sum();
            // Of the last of ten, 14 of 40 ns were watched.
            assert_eq!((requests, windows.len()), (56.0, 9));
            assert_eq!(windows.jain_requests[0], Some(1.0));
        }
    }
}
