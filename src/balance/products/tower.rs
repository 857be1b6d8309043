//! tower's load: power of two choices over peak EWMA.
//!
//! **Pick.** Two different ready services by Floyd's sampling, the one with no more load; ties to the first. **Load.** Smoothed latency × (in
//! flight + 1). A latency above the stored one replaces it; one below moves it by `e^(−Δ ÷ decay)`. A new service starts with a default
//! latency, which decays like any: so it is tried with caution, and an idle one is tried again. **Reading.** tower stores the decayed value whenever a load is read, which
//! changes what a later latency is compared with. Here [`load_at`](PeakEwma::load_at) only computes, and [`decay`](PeakEwma::decay)
//! says that a read took place. **Where it fails.** Without any traffic everybody's load goes to zero, also the slow one's.

use crate::balance::Listed;
use crate::balance::peak_ewma::{DECAY, PeakEwma as Signal, UNWEIGHTED};
use crate::balance::two_choices::{Ineligible, TwoChoices};
use crate::catalogue::{Entry, Kind, Parameter};
use crate::random::Stream;
use crate::time::{SimTime, Span};

pub(in crate::balance) static LISTED: Listed = Listed::new(
    Entry {
        name: "tower/p2c-peak-ewma",
        summary: "tower's two choices by peak EWMA",
        text: "Two different ready services by Floyd's sampling, the one with no more smoothed latency × (in flight + 1), the first on a tie. Reading a load decays what \
               is stored, as in tower. O(1) per pick.",
        parameters: &[
            DECAY,
            Parameter::with_default("default_latency", Kind::Period, "1s", "what a service that has never answered counts as: tower's documentation suggests 1s"),
        ],
        reference: "tower, src/balance/p2c, src/load/peak_ewma.rs",
    },
    |values| Box::new(TwoChoices::new(Signal::new(values, true), floyd, Ineligible::LeftOut)),
)
.of("tower 0.5")
.breaks(UNWEIGHTED);

/// The draws of [`pair`].
fn floyd(n: usize, chance: &mut Stream) -> (usize, usize) {
    let first = chance.below(n as u64 - 1) as usize;
    pair(n, first, chance.below(n as u64) as usize)
}

/// Two different places among `n`, at least two, from a draw below `n − 1` and one below `n`.
#[inline]
#[must_use]
pub fn pair(n: usize, first: usize, second: usize) -> (usize, usize) {
    if n < 2 { (0, 0) } else { (if first == second { n - 1 } else { first }, second) }
}

/// One backend's smoothed latency, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct PeakEwma {
    latency: f64,
    updated: SimTime,
}

impl PeakEwma {
    /// A backend that has never answered.
    #[must_use]
    pub fn new(default_latency: Span, now: SimTime) -> Self {
        Self { latency: default_latency.0 as f64, updated: now }
    }

    #[inline]
    fn with(&self, latency: f64, now: SimTime, decay: Span) -> f64 {
        if self.latency < latency {
            return latency;
        }
        let kept = libm::exp(-(now.since(self.updated).0 as f64) / decay.0 as f64);
        self.latency * kept + latency * (1.0 - kept)
    }

    /// Takes in a latency.
    pub fn observe(&mut self, latency: Span, now: SimTime, decay: Span) {
        *self = Self { latency: self.with(latency.0 as f64, now, decay), updated: now };
    }

    /// The load with so many in flight.
    #[inline]
    #[must_use]
    pub fn load_at(&self, now: SimTime, in_flight: u32, decay: Span) -> f64 {
        self.with(0.0, now, decay) * (f64::from(in_flight) + 1.0)
    }

    /// What tower does to what it stores when a load is read.
    #[inline]
    pub fn decay(&mut self, now: SimTime, decay: Span) {
        self.observe(Span::ZERO, now, decay);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_are_different() {
        assert_eq!([pair(3, 0, 0), pair(3, 0, 2), pair(4, 2, 2)], [(2, 0), (0, 2), (3, 2)]);
        for (first, second) in (0..4).flat_map(|a| (0..5).map(move |b| (a, b))) {
            let (a, b) = pair(5, first, second);
            assert!(a != b && a < 5 && b < 5);
        }
    }

    #[test]
    fn a_peak_counts_at_once_and_then_decays() {
        let decay = Span(1_000_000_000);
        let mut metric = PeakEwma::new(Span(20_000_000), SimTime(0));
        metric.observe(Span(200_000_000), SimTime(400_000_000), decay);
        assert_eq!(metric.load_at(SimTime(400_000_000), 1, decay), 400_000_000.0);
        assert!((metric.load_at(SimTime(1_400_000_000), 0, decay) - 73_575_888.234_288_47).abs() < 1e-6);
        assert_eq!(metric.load_at(SimTime(400_000_000), 0, decay), 200_000_000.0);
    }
}
