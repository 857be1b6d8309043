//! Envoy's peak EWMA: two choices by [cost](super::cost).
//!
//! **Rule.** Two backends drawn (with replacement, as least request does), the one with the lower cost, the first on a tie. **Approximate.** Only the cost
//! rule of one version was read; how Envoy smooths latencies is taken to be as tower does. **Where it fails.** See [`super::cost`]: an
//! untried backend with a request in flight is shunned until it has answered.

use super::balancer::{At, Envoy, Fresh, Within};
use super::cluster::{FAIL_ON_PANIC, OVERPROVISIONING, Options, PANIC, Spread};
use super::cost::cost;
use super::{BREAKS_UNWEIGHTED, PRODUCT};
use crate::balance::power_of_d::least_loaded;
use crate::balance::products::tower::PeakEwma as Latency;
use crate::balance::{BackendId, Completion, Ctx, Listed, Listens, Pool, Request};
use crate::catalogue::{Entry, Kind, Parameter};
use crate::time::{SimTime, Span};

pub(in crate::balance) static LISTED: Listed = Listed::new(
    Entry {
        name: "envoy/peak-ewma",
        summary: "two choices by smoothed latency × (in flight + 1)",
        text: "Two backends drawn, the one with the lower smoothed latency × (in flight + 1). One that has not answered yet costs `default_latency` while idle and a \
               penalty while it has requests in flight. O(1) per pick.",
        parameters: &[
            Parameter::with_default("decay", Kind::Period, "10s", "how long latencies are remembered"),
            Parameter::with_default("default_latency", Kind::Span, "10ms", "what an untried idle backend counts as"),
            Parameter::with_default("penalty", Kind::Number(0.0, 1e15), "1e6", "in milliseconds, what an untried busy one counts as"),
            PANIC,
            OVERPROVISIONING,
            FAIL_ON_PANIC,
        ],
        reference: "Envoy, source/extensions/load_balancing_policies/peak_ewma/cost.cc",
    },
    |values| {
        let rule = PeakEwma {
            decay: values.span("decay"),
            default_ms: values.span("default_latency").as_millis_f64(),
            penalty_ms: values.number("penalty"),
            latencies: Vec::new(),
        };
        Box::new(Envoy::new(Options::of(values, Spread::Even), Box::new(rule)))
    },
)
.of(PRODUCT)
.approximate("only the rule of costs is known; drawing and smoothing are taken from least request and from tower")
.breaks(BREAKS_UNWEIGHTED);

#[derive(Debug)]
struct PeakEwma {
    decay: Span,
    default_ms: f64,
    penalty_ms: f64,
    /// Who has answered.
    latencies: Vec<Option<Latency>>,
}

impl PeakEwma {
    #[inline]
    fn cost(&self, backend: BackendId, pool: &Pool, now: SimTime) -> f64 {
        let latency = self.latencies[backend.index()].map_or(0.0, |latency| latency.load_at(now, 0, self.decay) / 1e6);
        cost(latency, pool.in_flight(backend), self.default_ms, self.penalty_ms)
    }
}

impl Within for PeakEwma {
    fn rebuild(&mut self, fresh: &Fresh<'_>) {
        self.latencies.resize(fresh.pool.len(), None);
    }

    #[inline]
    fn pick(&mut self, at: &At<'_>, _: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Option<BackendId> {
        let n = at.backends.len();
        if n == 0 {
            return None;
        }
        let drawn = [ctx.chance.bits(), ctx.chance.bits()].map(|draw| at.backends[(draw % n as u64) as usize]);
        least_loaded(drawn, |backend| self.cost(backend, pool, ctx.now))
    }

    fn listens(&self) -> Listens {
        Listens::ATTEMPTS
    }

    fn finished(&mut self, completion: &Completion, now: SimTime) {
        let latency = &mut self.latencies[completion.backend.index()];
        match latency {
            Some(latency) => latency.observe(completion.latency, now, self.decay),
            None => *latency = Some(Latency::new(completion.latency, now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::Pick;
    use crate::balance::testing::Bench;
    use crate::random::Stream;

    #[test]
    fn a_slow_backend_is_taken_only_when_it_is_drawn_twice() {
        let rule = PeakEwma { decay: Span(10_000_000_000), default_ms: 1.0, penalty_ms: 1e6, latencies: Vec::new() };
        let options = Options { overprovisioning: 140.0, panic_threshold: 50.0, fail_on_panic: false, spread: Spread::Even };
        let mut bench = Bench::new(Box::new(Envoy::new(options, Box::new(rule))), &[1.0, 1.0]);
        let slow = Completion { request: 1, backend: BackendId(1), ok: true, latency: Span(900_000_000) };
        bench.balancer.finished(&slow, &bench.pool, &mut Ctx { now: SimTime::ZERO, chance: &mut Stream::new(1) });
        let slow = (0..40_000).filter(|&key| bench.pick_key(key) == Pick::Backend(BackendId(1))).count();
        // Binomial(40000, 1/4): five standard deviations are 433.
        assert!(slow.abs_diff(10_000) < 433, "{slow}");
    }
}
