//! brpc's `p2c_ewma`: two draws by peak-sensitive latency times requests.
//!
//! **Rule.** Two different servers are drawn; the one with the lower latency × (requests + 1) is taken, the first on a tie. Latency is an average that jumps up at once to a
//! slower answer and sinks towards faster ones by e^(−pause ÷ 10 s); a failure counts as the greatest of its own time, the timeout and twice the average, at most 30 s. **Cost:** O(1).

use crate::balance::{BackendId, Balancer, Change, Completion, Ctx, Listens, Pick, Pool, Request};
use crate::time::{SimTime, Span};

const TAU_NS: f64 = 10e9;
const WORST_NS: f64 = 30e9;

#[derive(Clone, Copy, Debug, Default)]
struct Latency {
    ns: f64,
    stamp: SimTime,
}

impl Latency {
    fn add(&mut self, sample_ns: f64, now: SimTime) {
        let pause = now.since(self.stamp).0 as f64;
        self.stamp = now;
        let kept = libm::exp(-pause / TAU_NS);
        self.ns = if sample_ns > self.ns { sample_ns } else { self.ns * kept + sample_ns * (1.0 - kept) };
    }
}

/// Two draws.
#[derive(Debug)]
pub(super) struct PeakEwma {
    pub(super) timeout: Span,
    latencies: Vec<Latency>,
}

impl PeakEwma {
    pub(super) fn new(timeout: Span) -> Self {
        Self { timeout, latencies: Vec::new() }
    }
}

impl Balancer for PeakEwma {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        self.latencies = vec![Latency::default(); pool.len()];
    }

    fn changed(&mut self, _: BackendId, _: Change, pool: &Pool, _: &mut Ctx<'_>) {
        self.latencies.resize(pool.len(), Latency::default());
    }

    #[inline]
    fn pick(&mut self, _: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        let n = pool.eligible().len() as u64;
        if n < 2 {
            return pool.at(0).map_or(Pick::None, Pick::Backend);
        }
        let (a, b) = (ctx.chance.below(n), ctx.chance.below(n - 1));
        let (Some(a), Some(b)) = (pool.at(a as usize), pool.at((b + u64::from(b >= a)) as usize)) else { return Pick::None };
        let score = |backend: BackendId| self.latencies[backend.index()].ns * f64::from(pool.in_flight(backend) + 1);
        Pick::Backend(if score(b) < score(a) { b } else { a })
    }

    fn listens(&self) -> Listens {
        Listens::ATTEMPTS
    }

    fn finished(&mut self, completion: &Completion, _: &Pool, ctx: &mut Ctx<'_>) {
        let latency = &mut self.latencies[completion.backend.index()];
        let own = completion.latency.0 as f64;
        let sample = if completion.ok { own } else { own.max(self.timeout.0 as f64).max(2.0 * latency.ns).min(WORST_NS) };
        latency.add(sample, ctx.now);
    }
}
