//! What happened to requests by the time of their arrival: bins of requests, answers, attempts and latencies.
//!
//! A row is a bin: requests, answers and attempts, attempts by service and at the targets of each fault, and a histogram of latencies within 6%. Where there would be
//! more bins than asked for, each two become one (see `bins.rs`).

use super::bins::Bins;
use super::histogram::{Histogram, index};
use std::ops::Range;

/// A table of bins.
#[derive(Clone, Debug)]
pub(super) struct Series {
    services: usize,
    faults: usize,
    bins: Bins,
}

/// The first columns of a row; attempts by service follow, then those at the targets of each fault, then latencies by bucket.
const ARRIVED: usize = 0;
const SUCCEEDED: usize = 1;
const LATENCY: usize = 2;
const ATTEMPTS: usize = 3;
const PLAIN: usize = 4;

/// Buckets per power of two are 2 to the power of this.
const BITS: u32 = 4;
/// What took 2^50 ns (13 days) or longer counts as that long.
const BUCKETS: usize = ((50 - BITS + 1) << BITS) as usize;

/// Latencies of a bin.
pub(super) type Latencies = Histogram<BITS>;

/// Several bins together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    /// Requests that arrived.
    pub arrived: u64,
    /// Of them, those that were answered.
    pub succeeded: u64,
    /// The sum of their latencies, in nanoseconds.
    pub latency: u64,
    /// Attempts, calls between services included.
    pub attempts: u64,
}

impl Sum {
    /// The share that was not answered; `None` where nothing arrived.
    pub(super) fn lost(&self) -> Option<f64> {
        (self.arrived > 0).then(|| (self.arrived - self.succeeded) as f64 / self.arrived as f64)
    }

    /// The mean latency, in nanoseconds; `None` where nothing was answered.
    pub(super) fn mean(&self) -> Option<f64> {
        (self.succeeded > 0).then(|| self.latency as f64 / self.succeeded as f64)
    }

    /// Attempts ÷ requests; `None` where nothing arrived.
    pub(super) fn amplification(&self) -> Option<f64> {
        (self.arrived > 0).then(|| self.attempts as f64 / self.arrived as f64)
    }
}

impl Series {
    /// With fewer requests than this in a bin, in the mean, the noise of its mean latency would be taken for trouble.
    const ENOUGH: u64 = 100;
    /// Bins are not joined for that where only so few would be left.
    const FEWEST: usize = 50;

    /// An empty series of bins so wide (in nanoseconds, at least 1), at most so many.
    pub(super) fn new(width: u64, most: usize, services: usize, faults: usize) -> Self {
        Self { services, faults, bins: Bins::new(width, PLAIN + services + faults + BUCKETS, most) }
    }

    /// How wide a bin is, in nanoseconds.
    pub(super) fn width(&self) -> u64 {
        self.bins.width()
    }

    /// How many bins there are.
    pub(super) fn bins(&self) -> usize {
        self.bins.len()
    }

    /// Joins bins until there is enough in them, once all has been counted.
    pub(super) fn settle(&mut self) {
        let arrived = self.sum(0..self.bins()).arrived;
        while self.bins() >= 2 * Self::FEWEST && arrived < Self::ENOUGH * self.bins() as u64 {
            self.bins.fold();
        }
    }

    /// The table itself, to be made coarser or added to another's.
    pub(super) fn table(&mut self) -> &mut Bins {
        &mut self.bins
    }

    /// Adds a series of the same columns.
    pub(super) fn add(&mut self, other: Self) {
        self.bins.add(other.bins);
    }

    /// A request arrived.
    #[inline]
    pub(super) fn arrived(&mut self, at: u64) {
        *self.bins.cell(at, ARRIVED) += 1;
    }

    /// A request that arrived then was answered.
    #[inline(always)]
    pub(super) fn succeeded(&mut self, at: u64, latency: u64) {
        let first = PLAIN + self.services + self.faults;
        let row = self.bins.row(at);
        row[SUCCEEDED] += 1;
        row[LATENCY] = row[LATENCY].saturating_add(latency);
        row[first + index(latency, BITS).min(BUCKETS - 1)] += 1;
    }

    /// An attempt for a request that arrived then was sent.
    #[inline]
    pub(super) fn attempted(&mut self, at: u64) {
        *self.bins.cell(at, ATTEMPTS) += 1;
    }

    /// An attempt for a request that arrived then went to a backend of this service, a target of these faults.
    pub(super) fn sent(&mut self, at: u64, service: u16, hit_by: &[u16]) {
        let first = PLAIN + self.services;
        let row = self.bins.row(at);
        row[ATTEMPTS] += 1;
        row[PLAIN + usize::from(service)] += 1;
        hit_by.iter().for_each(|&fault| row[first + usize::from(fault)] += 1);
    }

    fn column(&self, column: usize, bins: Range<usize>) -> u64 {
        bins.map_while(|bin| self.bins.get(bin)).map(|row| row[column]).sum()
    }

    /// Several bins together.
    pub(super) fn sum(&self, bins: Range<usize>) -> Sum {
        let of = |column: usize| self.column(column, bins.clone());
        Sum { arrived: of(ARRIVED), succeeded: of(SUCCEEDED), latency: of(LATENCY), attempts: of(ATTEMPTS) }
    }

    /// The share of attempts to these services that went to the targets of a fault; `None` where there were none.
    pub(super) fn share(&self, fault: u16, services: &[u16], bins: Range<usize>) -> Option<f64> {
        let there = self.column(PLAIN + self.services + usize::from(fault), bins.clone());
        let all: u64 = services.iter().map(|&service| self.column(PLAIN + usize::from(service), bins.clone())).sum();
        (all > 0).then(|| there as f64 / all as f64)
    }

    /// The latencies of a bin, within 6%.
    pub(super) fn latencies(&self, bin: usize) -> Latencies {
        let first = PLAIN + self.services + self.faults;
        Histogram::from_counts(self.bins.get(bin).map(|row| row[first..].to_vec()).unwrap_or_default())
    }

    /// The bucket that holds the 99th percentile of these bins' latencies.
    pub(super) fn p99(&self, bins: Range<usize>) -> usize {
        let first = PLAIN + self.services + self.faults;
        let mut beyond = self.sum(bins.clone()).succeeded / 100;
        for bucket in (0..BUCKETS).rev() {
            let here = self.column(first + bucket, bins.clone());
            if here > beyond {
                return bucket;
            }
            beyond -= here;
        }
        0
    }

    /// Answered requests of these bins that took longer than what this bucket holds.
    pub(super) fn slower(&self, bucket: usize, bins: Range<usize>) -> u64 {
        let first = PLAIN + self.services + self.faults;
        (bucket + 1..BUCKETS).map(|bucket| self.column(first + bucket, bins.clone())).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_gets_coarser_and_loses_nothing() {
        let mut series = Series::new(10, 1000, 1, 1);
        for at in (0..40_000).step_by(5) {
            series.arrived(at);
            series.sent(at, 0, if at % 2 == 0 { &[0] } else { &[] });
            series.succeeded(at, 7);
        }
        assert_eq!((series.width(), series.bins()), (40, 1000));
        let all = Sum { arrived: 8000, succeeded: 8000, latency: 56_000, attempts: 8000 };
        assert_eq!(series.sum(0..series.bins()), all);
        assert_eq!(series.sum(3..5), Sum { arrived: 16, succeeded: 16, latency: 112, attempts: 16 });
        assert_eq!(series.share(0, &[0], 0..10), Some(0.5));
        series.settle();
        assert_eq!((series.width(), series.bins(), series.sum(0..100)), (640, 63, all));
    }

    #[test]
    fn percentiles_are_those_of_the_bins_that_are_asked_for() {
        let mut series = Series::new(10, 1000, 1, 0);
        (1..=1000).for_each(|latency| series.succeeded(5, latency));
        (0..50).for_each(|_| series.succeeded(15, 100_000));
        let p99 = series.p99(0..1);
        assert_eq!(p99, index(990, BITS));
        // The bucket of 990 ends with 991.
        assert!(series.slower(p99, 0..1) <= 10 && series.slower(p99, 1..2) == 50);
        assert_eq!((series.p99(5..9), series.sum(5..9)), (0, Sum::default()));
    }
}
