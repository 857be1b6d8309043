//! Linkerd's proxy: peak EWMA that is only read, and a penalty for failures.
//!
//! **Rule.** A load is `latency × e^(−Δ ÷ decay) × (in flight + 1)`. A latency above the value as it has decayed by now replaces it; one
//! below moves it. A failed response counts as a latency of at least `penalty` (5 s), or of what its Retry-After asks for, up to five minutes: a
//! backend that fails fast does not look fast. **Pick.** Two different ready endpoints, drawn as Finagle does, ties to the first.

use crate::time::{SimTime, Span};

/// No Retry-After counts for more.
pub const LONGEST_RETRY_AFTER: Span = Span(300_000_000_000);

/// A decaying average, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Ewma {
    value: f64,
    stamp: SimTime,
    decay: Span,
}

impl Ewma {
    /// An average that begins with a value.
    #[must_use]
    pub fn new(value: f64, now: SimTime, decay: Span) -> Self {
        Self { value, stamp: now, decay }
    }

    #[inline]
    fn kept(&self, now: SimTime) -> f64 {
        libm::exp(-(now.since(self.stamp).0 as f64) / self.decay.0 as f64)
    }

    /// What is left of it now.
    #[inline]
    #[must_use]
    pub fn at(&self, now: SimTime) -> f64 {
        self.value * self.kept(now)
    }

    /// What it was when it was last moved.
    #[must_use]
    pub fn last(&self) -> f64 {
        self.value
    }

    /// Takes in a sample, unless it is not later than the last.
    pub fn add(&mut self, sample: f64, now: SimTime) {
        if now > self.stamp {
            let kept = self.kept(now);
            self.value = self.value * kept + sample * (1.0 - kept);
            self.stamp = now;
        }
    }

    /// Takes in a sample; a greater one than what is left replaces it.
    pub fn add_peak(&mut self, sample: f64, now: SimTime) {
        if self.at(now) < sample {
            (self.value, self.stamp) = (sample, now);
        } else {
            self.add(sample, now);
        }
    }
}

/// The latency that a failed response counts as, of what is left of the average and of what the response asks for.
#[must_use]
pub fn penalised(left: f64, penalty: Span, retry_after: Option<Span>) -> f64 {
    let asked = retry_after.unwrap_or(Span::ZERO).min(LONGEST_RETRY_AFTER);
    left.max(penalty.max(asked).as_secs_f64())
}

/// The load with so many in flight.
#[inline]
#[must_use]
pub fn load_at(latency: &Ewma, in_flight: u32, now: SimTime) -> f64 {
    latency.at(now) * (f64::from(in_flight) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_peak_is_compared_with_what_is_left() {
        let mut ewma = Ewma::new(10.0, SimTime(SECOND), Span(10 * SECOND));
        ewma.add_peak(1.0, SimTime(26 * SECOND));
        assert_eq!(ewma.last(), 1.0);
        ewma.add_peak(0.5, SimTime(26 * SECOND));
        assert_eq!(ewma.last(), 1.0);
    }

    #[test]
    fn a_failure_counts_as_slow() {
        let penalty = Span(5 * SECOND);
        let asked = |seconds| penalised(0.1, penalty, Some(Span(seconds * SECOND)));
        assert_eq!(
            [penalised(0.1, penalty, None), penalised(9.0, penalty, None), asked(1), asked(60), asked(999)],
            [5.0, 9.0, 5.0, 60.0, 300.0]
        );
    }
}
