//! Finagle's peak EWMA: latency smoothed downwards and followed upwards at once, times requests in flight.
//!
//! **Rule.** A latency above the average replaces it; one below moves it by [its age](super::ema). A load is the average, as it has decayed by now,
//! × (in flight + 1). Who has requests in flight and no latency yet costs a penalty so large that nobody else is sent there; who has neither is free.
//! **Reading.** Finagle decays what it stores whenever a load is read, which changes what a later latency is compared with. Here
//! [`load_at`](PeakEwma::load_at) only computes, and [`decay`](PeakEwma::decay) says that a read took place.

use super::ema::Ema;
use crate::time::{SimTime, Span};

/// Added to the load of a backend that has never answered.
const PENALTY: f64 = ((1_u64 << 47) - 1) as f64;

/// One backend's smoothed latency, in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct PeakEwma {
    cost: Ema,
    stamp: u64,
}

impl PeakEwma {
    /// Nothing known.
    #[must_use]
    pub fn new(now: SimTime) -> Self {
        Self { cost: Ema::default(), stamp: now.0 }
    }

    /// Takes in a latency, of a success or a failure.
    pub fn observe(&mut self, latency: Span, now: SimTime, decay: Span) {
        self.stamp = self.stamp.max(now.0);
        let latency = latency.0 as f64;
        if latency > self.cost.last() {
            self.cost.reset();
        }
        self.cost.update(self.stamp as f64, latency, decay.0 as f64);
    }

    /// The load with so many in flight.
    #[inline]
    #[must_use]
    pub fn load_at(&self, now: SimTime, in_flight: u32, decay: Span) -> f64 {
        let cost = self.cost.with(self.stamp.max(now.0) as f64, 0.0, decay.0 as f64);
        match in_flight {
            0 => cost,
            in_flight if cost == 0.0 => PENALTY + f64::from(in_flight),
            in_flight => cost * (f64::from(in_flight) + 1.0),
        }
    }

    /// What Finagle does to what it stores when a load is read.
    #[inline]
    pub fn decay(&mut self, now: SimTime, decay: Span) {
        self.observe(Span::ZERO, now, decay);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_counts_at_once_and_reading_changes_nothing() {
        let decay = Span(10_000_000_000);
        let mut metric = PeakEwma::new(SimTime(0));
        assert_eq!([metric.load_at(SimTime(0), 0, decay), metric.load_at(SimTime(0), 1, decay)], [0.0, 140_737_488_355_328.0]);
        metric.observe(Span(10_000_000), SimTime(10_000_000), decay);
        let later = SimTime(1_010_000_000);
        assert_eq!(metric.load_at(later, 0, decay), metric.load_at(later, 0, decay));
        assert!((metric.load_at(later, 0, decay) - 9_048_374.180_359_595).abs() < 1e-6);
        metric.decay(later, decay);
        assert_eq!(metric.load_at(later, 0, decay), metric.cost.last());
    }
}
