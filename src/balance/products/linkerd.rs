//! Linkerd's proxy: peak EWMA that is only read, and a penalty for failures.
//!
//! **Rule.** A load is `latency × e^(−Δ ÷ decay) × (in flight + 1)`. A latency above the value as it has decayed by now replaces it; one
//! below moves it. A failed response counts as a latency of at least `penalty` (5 s), or of what its Retry-After asks for, up to five minutes: a
//! backend that fails fast does not look fast. **Pick.** Two different ready endpoints, drawn as Finagle does, ties to the first.

use crate::balance::peak_ewma::{DECAY, DEFAULT_LATENCY, PeakEwma, UNWEIGHTED};
use crate::balance::two_choices::{Ineligible, Signal, TwoChoices, stepping};
use crate::balance::{Completion, Listed};
use crate::catalogue::{Entry, Kind, Parameter};
use crate::time::{SimTime, Span};

pub(in crate::balance) static LISTED: Listed = Listed::new(
    Entry {
        name: "linkerd/p2c-peak-ewma",
        summary: "Linkerd's two choices by peak EWMA, on request with a penalty for failures",
        text: "Two different ready endpoints drawn, the one with the lower smoothed latency × (in flight + 1), the first on a tie. With `penalty` a failure counts as a latency of \
               at least that much, so that who fails fast does not look fast. O(1) per pick.",
        parameters: &[
            DECAY,
            DEFAULT_LATENCY,
            Parameter::with_default("penalty", Kind::Span, "0s", "what a failure counts as at least; 0s: it counts as fast as it was. Where it is on, Linkerd has 5s"),
        ],
        reference: "linkerd2-proxy, linkerd/pool/p2c, linkerd/load-biaser, linkerd/ewma",
    },
    |values| match values.span("penalty") {
        Span::ZERO => Box::new(TwoChoices::new(PeakEwma::new(values, true), stepping, Ineligible::LeftOut)),
        penalty => {
            let signal = Penalised { decay: values.span("decay"), default: values.span("default_latency"), penalty };
            Box::new(TwoChoices::new(signal, stepping, Ineligible::LeftOut))
        }
    },
)
.of("linkerd2-proxy 2025")
.breaks(UNWEIGHTED);

/// The signal with a penalty.
#[derive(Debug)]
struct Penalised {
    decay: Span,
    default: Span,
    penalty: Span,
}

impl Signal for Penalised {
    type Kept = Ewma;

    fn begin(&self, now: SimTime) -> Ewma {
        Ewma::new(self.default.as_secs_f64(), now, self.decay)
    }

    #[inline]
    fn load(&self, kept: &Ewma, in_flight: u32, now: SimTime) -> f64 {
        load_at(kept, in_flight, now)
    }

    fn ended(&self, kept: &mut Ewma, completion: &Completion, now: SimTime) {
        let latency = completion.latency.as_secs_f64();
        let sample = if completion.ok { latency } else { penalised(kept.at(now), self.penalty, None) };
        kept.add_peak(sample, now);
    }
}

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
