//! Least latency: the backend with the least smoothed latency × (in flight + 1), of all.
//!
//! **Rule.** As [peak EWMA](super::peak_ewma), but looking at everybody. All smoothed latencies decay by the same factor, so their order changes only
//! with an answer or a count: a tree over `ln(latency) + time of the last answer ÷ decay + ln(in flight + 1)` always knows the least. **Ties.** The lowest id.
//! **Cost.** O(log n). **Who ships it.** nginx plus (least_time), Kong, gobetween, each with its own average. **Where it fails.** Many instances herd to
//! the one that was fastest a moment ago, as least connections does; two choices do not.

use super::index::{MinTree, NEVER};
use super::peak_ewma::{DECAY, DEFAULT_LATENCY, UNWEIGHTED};
use super::{BackendId, Balancer, Change, Completion, Ctx, Listed, Listens, Pick, Pool, Request};
use crate::catalogue::Entry;
use crate::time::{SimTime, Span};

pub(super) static LISTED: Listed = Listed::new(
    Entry {
        name: "least-latency",
        summary: "the least smoothed latency × (in flight + 1) of all",
        text: "The backend with the least smoothed latency × (in flight + 1); a latency above the smoothed one replaces it, and it decays while nothing is heard, so \
               that a slow one is tried again. Ties to the lowest id. O(log n) per pick. Herds with many instances.",
        parameters: &[DECAY, DEFAULT_LATENCY],
        reference: "",
    },
    |values| {
        Box::new(LeastLatency {
            decay: values.span("decay"),
            default: values.span("default_latency"),
            latencies: Vec::new(),
            tree: MinTree::default(),
        })
    },
)
.breaks(UNWEIGHTED);

/// A smoothed latency as of an instant.
#[derive(Clone, Copy, Debug)]
struct Latency {
    nanoseconds: f64,
    at: SimTime,
}

#[derive(Debug)]
struct LeastLatency {
    decay: Span,
    default: Span,
    latencies: Vec<Option<Latency>>,
    tree: MinTree,
}

impl LeastLatency {
    /// Sorts as the load does, at any one instant.
    fn score(&self, backend: BackendId, pool: &Pool) -> u64 {
        let Some(latency) = self.latencies[backend.index()] else { return NEVER };
        let at = latency.at.0 as f64 / self.decay.0 as f64;
        ordered(libm::log(latency.nanoseconds.max(1.0)) + at + libm::log(f64::from(pool.in_flight(backend)) + 1.0))
    }

    fn moved(&mut self, backend: BackendId, pool: &Pool) {
        if pool.is_eligible(backend) {
            self.tree.set(backend, self.score(backend, pool));
        }
    }
}

/// Bits that sort as the numbers do, also below zero.
fn ordered(number: f64) -> u64 {
    let bits = number.to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

impl Balancer for LeastLatency {
    fn members(&mut self, pool: &Pool, ctx: &mut Ctx<'_>) {
        self.latencies.resize(pool.len(), None);
        let new = Latency { nanoseconds: self.default.0 as f64, at: ctx.now };
        pool.present().for_each(|backend| _ = self.latencies[backend.index()].get_or_insert(new));
        let scores: Vec<_> = pool.eligible().iter().map(|&backend| (backend, self.score(backend, pool))).collect();
        self.tree.rebuild(pool.len(), scores.into_iter());
    }

    fn changed(&mut self, backend: BackendId, change: Change, pool: &Pool, ctx: &mut Ctx<'_>) {
        if change == Change::Left {
            self.latencies[backend.index()] = None;
        }
        if change != Change::Weight {
            self.members(pool, ctx);
        }
    }

    #[inline]
    fn pick(&mut self, _: &Request<'_>, _: &Pool, _: &mut Ctx<'_>) -> Pick {
        self.tree.first().map_or(Pick::None, Pick::Backend)
    }

    fn listens(&self) -> Listens {
        Listens { counts: true, ..Listens::ATTEMPTS }
    }

    fn counted(&mut self, backend: BackendId, pool: &Pool, _: &mut Ctx<'_>) {
        self.moved(backend, pool);
    }

    fn finished(&mut self, completion: &Completion, pool: &Pool, ctx: &mut Ctx<'_>) {
        let Some(latency) = &mut self.latencies[completion.backend.index()] else { return };
        let kept = libm::exp(-(ctx.now.since(latency.at).0 as f64) / self.decay.0 as f64);
        let sample = completion.latency.0 as f64;
        let left = latency.nanoseconds * kept;
        let nanoseconds = if sample > left { sample } else { left + sample * (1.0 - kept) };
        *latency = Latency { nanoseconds, at: ctx.now };
        self.moved(completion.backend, pool);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;
    use super::*;
    use crate::random::Stream;

    #[test]
    fn the_tree_knows_the_least_as_looking_at_everybody_does() {
        let rule = LeastLatency { decay: Span(1_000_000_000), default: Span(30_000_000), latencies: Vec::new(), tree: MinTree::default() };
        let mut bench = Bench::new(Box::new(rule), &[1.0; 7]);
        let mut chance = Stream::new(5);
        let mut plain = [(30e6, 0_u64); 7];
        for step in 1..20_000_u64 {
            let now = step * 10_000_000;
            let load = |at: usize, pool: &Pool| {
                let (value, since): (f64, u64) = plain[at];
                value * libm::exp(-((now - since) as f64) / 1e9) * (f64::from(pool.in_flight(BackendId(at as u32))) + 1.0)
            };
            let least = (0..7).map(|at| load(at, &bench.pool)).fold(f64::INFINITY, f64::min);
            let picked = bench.pick() as usize;
            assert!(load(picked, &bench.pool) <= least * (1.0 + 1e-9), "step {step}");
            let at = chance.below(7) as usize;
            let latency = 1 + chance.below(80_000_000);
            let left = plain[at].0 * libm::exp(-((now - plain[at].1) as f64) / 1e9);
            let kept = libm::exp(-((now - plain[at].1) as f64) / 1e9);
            plain[at] = (if latency as f64 > left { latency as f64 } else { left + latency as f64 * (1.0 - kept) }, now);
            let completion = Completion { request: step, backend: BackendId(at as u32), ok: true, latency: Span(latency) };
            bench.balancer.finished(&completion, &bench.pool, &mut Ctx { now: SimTime(now), chance: &mut chance });
            if chance.below(2) == 0 && bench.pool.in_flight(BackendId(picked as u32)) < 9 {
                bench.send();
            } else if bench.pool.in_flight(BackendId(at as u32)) > 0 {
                bench.finish(at as u32);
            }
        }
    }
}
