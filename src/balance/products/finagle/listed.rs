//! Finagle's balancers of the catalogue.

use super::heap::Heap;
use super::opened::{Deterministic, Opened, Random};
use super::peak_ewma::PeakEwma as Metric;
use crate::balance::two_choices::{InFlight, Ineligible, Signal, TwoChoices, stepping};
use crate::balance::{Completion, Law, Listed};
use crate::catalogue::{Entry, Kind, Parameter};
use crate::time::{SimTime, Span};

/// What they were compared with.
const PRODUCT: &str = "Finagle 24";

/// Finagle's own balancers.
pub(in crate::balance) const LISTED: &[&Listed] = &[&P2C, &PEAK_EWMA, &HEAP, &APERTURE, &DETERMINISTIC_APERTURE];

const EFFORT: Parameter = Parameter::with_default(
    "max_effort",
    Kind::Whole(1, 100),
    "4",
    "how many pairs are drawn to find one that is open: 4 is enough while half are closed",
);

const PANICS: (Law, &str) = (Law::OnlyEligible, "after `max_effort` pairs without an open one the last is taken as it is");
const ALL_DOWN: (Law, &str) = (Law::NobodyLeft, "after `max_effort` pairs without an open one the last is taken as it is");
const BREAKS: &[(Law, &str)] =
    &[PANICS, ALL_DOWN, (Law::ZeroWeight, "weights count only in apertures"), (Law::Weights, "weights count only in apertures")];
const BREAKS_IN_APERTURES: &[(Law, &str)] = &[PANICS, ALL_DOWN, (Law::Weights, "one instance uses only a part of the backends")];

static P2C: Listed = Listed::new(
    Entry {
        name: "finagle/p2c",
        summary: "Finagle's power of two choices: the healthier, then the fewer requests in flight",
        text: "Two different backends drawn among all, whatever their state; the healthier (open, busy, closed), then the one with fewer requests in flight, the first on a \
               tie. Up to `max_effort` times until one is open. O(1) per pick.",
        parameters: &[EFFORT],
        reference: "Finagle, loadbalancer/p2c/P2CPick.scala, PanicMode.scala",
    },
    |values| Box::new(TwoChoices::new(InFlight, stepping, Ineligible::Drawn(values.whole("max_effort") as u32))),
)
.of(PRODUCT)
.breaks(BREAKS);

static PEAK_EWMA: Listed = Listed::new(
    Entry {
        name: "finagle/peak-ewma",
        summary: "Finagle's two choices by peak EWMA",
        text: "As finagle/p2c by smoothed latency × (in flight + 1). One that has never answered and has a request in flight has a penalty that nobody exceeds; one that is \
               idle is free, and is tried. O(1) per pick.",
        parameters: &[Parameter::with_default("decay", Kind::Period, "10s", "how long a latency is remembered"), EFFORT],
        reference: "Finagle, loadbalancer/PeakEwma.scala",
    },
    |values| {
        let signal = PeakEwma { decay: values.span("decay") };
        Box::new(TwoChoices::new(signal, stepping, Ineligible::Drawn(values.whole("max_effort") as u32)))
    },
)
.of(PRODUCT)
.breaks(BREAKS);

static HEAP: Listed = Listed::new(
    Entry {
        name: "finagle/heap",
        summary: "Finagle's least loaded of all",
        text: "The open backend with the fewest requests in flight; one that becomes idle goes to a drawn place among equals. O(log n) per pick.",
        parameters: &[],
        reference: "Finagle, loadbalancer/heap",
    },
    |_| Box::new(Heap::default()),
)
.of(PRODUCT)
.approximate("the order of equals in the heap, which depends on its history, is a random place each time a backend's count changes")
.breaks(&[(Law::ZeroWeight, "it does not look at weights"), (Law::Weights, "it does not look at weights")]);

const SMALLEST: Parameter = Parameter::with_default("min_aperture", Kind::Whole(1, 1_000_000), "1", "the fewest backends that are used");

static APERTURE: Listed = Listed::new(
    Entry {
        name: "finagle/aperture",
        summary: "Finagle's random aperture: as many backends as the load needs, two choices among them",
        text: "Each instance has its own order of backends and uses the first few: one more when its smoothed load per used backend reaches `high_load`, one fewer at \
               `low_load`. Of two drawn by weight, the healthier, then the lower load ÷ weight. O(log n) per pick.",
        parameters: &[
            SMALLEST,
            Parameter::with_default("low_load", Kind::Number(0.0, 1e6), "0.875", "closes by one at this load per used backend"),
            Parameter::with_default("high_load", Kind::Above(0.0, 1e6), "1.125", "opens by one at this load per used backend"),
            Parameter::with_default("smooth_window", Kind::Span, "15s", "over which the load is smoothed"),
            EFFORT,
        ],
        reference: "Finagle, loadbalancer/aperture",
    },
    |values| Box::new(Opened::new(Random::new(values), values.whole("max_effort") as u32)),
)
.of(PRODUCT)
.breaks(BREAKS_IN_APERTURES);

static DETERMINISTIC_APERTURE: Listed = Listed::new(
    Entry {
        name: "finagle/deterministic-aperture",
        summary: "Finagle's deterministic aperture: each client has its own arc of the circle of backends",
        text: "Client `instance` of `instances` covers an arc of at least `min_aperture` backends, laid so that all clients together use every backend alike; of two drawn by \
               how much of them is covered, the healthier, then the lower load ÷ covered part. O(log n) per pick.",
        parameters: &[
            Parameter::with_default("instances", Kind::Whole(1, 1_000_000), "1", "how many clients there are"),
            Parameter::with_default("instance", Kind::WholeOr(0, 1_000_000, "random"), "random", "which of them this is; random: drawn once"),
            Parameter::with_default("min_aperture", Kind::Whole(1, 1_000_000), "12", "the fewest backends that are used"),
            EFFORT,
        ],
        reference: "Finagle, loadbalancer/aperture/DeterministicAperture.scala",
    },
    |values| Box::new(Opened::new(Deterministic::new(values), values.whole("max_effort") as u32)),
)
.of(PRODUCT)
.breaks(&[PANICS, ALL_DOWN]);

/// The signal of [`super::peak_ewma`].
#[derive(Debug)]
struct PeakEwma {
    decay: Span,
}

impl Signal for PeakEwma {
    type Kept = Metric;

    fn begin(&self, now: SimTime) -> Metric {
        Metric::new(now)
    }

    #[inline]
    fn load(&self, kept: &Metric, in_flight: u32, now: SimTime) -> f64 {
        kept.load_at(now, in_flight, self.decay)
    }

    #[inline]
    fn read(&self, kept: &mut Metric, now: SimTime) {
        kept.decay(now, self.decay);
    }

    fn ended(&self, kept: &mut Metric, completion: &Completion, now: SimTime) {
        kept.observe(completion.latency, now, self.decay);
    }
}
