//! Peak EWMA: two choices by smoothed latency × (in flight + 1).
//!
//! **Rule.** Two different backends drawn, the one with the lower load, the first on a tie. A load is a latency, smoothed downwards and followed upwards
//! at once, that decays while nothing is heard, × (in flight + 1). **Cost.** O(1). **Who ships it.** Finagle, tower, Linkerd, Envoy, each with
//! its own start, penalty and smoothing: see their kinds. **Where it shines.** Backends of different speeds, and sudden slowness: it knows
//! within one answer. **Where it fails.** Latency of unequal work says little of the backend; fast failures look fast.

use super::products::tower::PeakEwma as Latency;
use super::two_choices::{Ineligible, Signal, TwoChoices, stepping};
use super::{Completion, Law, Listed};
use crate::catalogue::{Entry, Kind, Parameter, Values};
use crate::time::{SimTime, Span};

pub(super) const DECAY: Parameter =
    Parameter::with_default("decay", Kind::Period, "10s", "how long a latency is remembered: after this, e^-1 of it is left");
pub(super) const DEFAULT_LATENCY: Parameter =
    Parameter::with_default("default_latency", Kind::Period, "30ms", "what a backend that has never answered counts as");

pub(super) const UNWEIGHTED: &[(Law, &str)] =
    &[(Law::ZeroWeight, "it does not look at weights"), (Law::Weights, "it does not look at weights")];

pub(super) static LISTED: Listed = Listed::new(
    Entry {
        name: "peak-ewma",
        summary: "two choices by smoothed latency × (in flight + 1)",
        text: "Two different backends drawn; the one with the lower smoothed latency × (in flight + 1), the first on a tie. A latency above the smoothed one replaces it, one \
               below moves it, and it decays while nothing is heard. O(1) per pick. Knows of sudden slowness within one answer.",
        parameters: &[DECAY, DEFAULT_LATENCY],
        reference: "Finagle, PeakEwma; tower, load::PeakEwma",
    },
    |values| Box::new(TwoChoices::new(PeakEwma::new(values, false), stepping, Ineligible::LeftOut)),
)
.breaks(UNWEIGHTED);

/// The signal; reading may decay what is kept, as tower does.
#[derive(Debug)]
pub(super) struct PeakEwma {
    decay: Span,
    default: Span,
    decays_when_read: bool,
}

impl PeakEwma {
    pub(super) fn new(values: &Values, decays_when_read: bool) -> Self {
        Self { decay: values.span("decay"), default: values.span("default_latency"), decays_when_read }
    }
}

impl Signal for PeakEwma {
    type Kept = Latency;

    fn begin(&self, now: SimTime) -> Latency {
        Latency::new(self.default, now)
    }

    #[inline]
    fn load(&self, kept: &Latency, in_flight: u32, now: SimTime) -> f64 {
        kept.load_at(now, in_flight, self.decay)
    }

    #[inline]
    fn read(&self, kept: &mut Latency, now: SimTime) {
        if self.decays_when_read {
            kept.decay(now, self.decay);
        }
    }

    fn ended(&self, kept: &mut Latency, completion: &Completion, now: SimTime) {
        kept.observe(completion.latency, now, self.decay);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;
    use super::super::{BackendId, Ctx};
    use super::*;
    use crate::random::Stream;

    #[test]
    fn a_slow_answer_counts_at_once() {
        let signal = PeakEwma { decay: Span(10_000_000_000), default: Span(1_000_000), decays_when_read: false };
        let mut bench = Bench::new(Box::new(TwoChoices::new(signal, stepping, Ineligible::LeftOut)), &[1.0; 2]);
        let slow = Completion { request: 1, backend: BackendId(0), ok: true, latency: Span(50_000_000) };
        bench.balancer.finished(&slow, &bench.pool, &mut Ctx { now: SimTime::ZERO, chance: &mut Stream::new(1) });
        assert_eq!(bench.split(2, 100), [0, 100]);
    }
}
