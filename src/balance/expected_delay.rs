//! Shortest expected delay: how long would this request take there, queue and speed together?
//!
//! **Rule.** The backend where `(in flight + 1) ÷ weight` is least: with the weight as its speed, that is the time until this request is done. *Never
//! queue* first looks for a backend that has nothing to do, the heaviest of them, and goes by expected delay only where nobody is idle. **Ties.** Drawn,
//! or the first, or in turn. **Cost.** O(log n). **Who ships it.** Linux IPVS (`sed`, `nq`), with ties to the first. **Where it shines.** Backends
//! of known and different speed. **Where it fails.** The fastest may be given a queue while slow ones idle (which never-queue mends, and then an
//! idle slow one gets a request that a fast one would have finished sooner).

use super::index::{MinTree, NEVER, score};
use super::least_connections::{TIES, Ties};
use super::{BackendId, Balancer, Ctx, Law, Listed, Listens, Pick, Pool, Request};
use crate::catalogue::{Entry, Values};

const UNLIKE_WEIGHTS: &str = "in an idle pool the heaviest gets everything: it goes by the delay expected under load";

pub(super) static SHORTEST: Listed = Listed::new(
    Entry {
        name: "shortest-expected-delay",
        summary: "the least (in flight + 1) ÷ weight",
        text: "The backend where (in flight + 1) ÷ weight is least: the time until this request is done there, taking the weight for the speed. \
               O(log n) per pick. A fast backend may get a queue while slow ones are idle.",
        parameters: &[TIES],
        reference: "S. J. Bell and S. Stidham, Individual versus social optimization in the allocation of customers to alternative servers (1983)",
    },
    |values| Box::new(ExpectedDelay::new(values, false)),
)
.breaks(&[(Law::Weights, UNLIKE_WEIGHTS)]);

pub(super) static NEVER_QUEUE: Listed = Listed::new(
    Entry {
        name: "never-queue",
        summary: "an idle backend if there is one, else the shortest expected delay",
        text: "A backend with nothing in flight, the heaviest of those; where nobody is idle, the one where (in flight + 1) ÷ weight is least. O(log n) \
               per pick.",
        parameters: &[TIES],
        reference: "Linux, net/netfilter/ipvs/ip_vs_nq.c",
    },
    |values| Box::new(ExpectedDelay::new(values, true)),
)
.breaks(&[(Law::Weights, UNLIKE_WEIGHTS)]);

/// Above every score of an idle backend, below [`NEVER`].
const BUSY: u64 = 1 << 63;

#[derive(Debug)]
struct ExpectedDelay {
    tree: MinTree,
    ties: Ties,
    last: u32,
    idle_first: bool,
}

impl ExpectedDelay {
    fn new(values: &Values, idle_first: bool) -> Self {
        Self { tree: MinTree::default(), ties: Ties::of(values), last: u32::MAX, idle_first }
    }

    #[inline]
    fn score(&self, backend: BackendId, pool: &Pool) -> u64 {
        let (in_flight, weight) = (pool.in_flight(backend), pool.weight(backend));
        if weight <= 0.0 {
            return NEVER;
        }
        let delay = score((f64::from(in_flight) + 1.0) / weight);
        if self.idle_first && in_flight > 0 { delay | BUSY } else { delay }
    }
}

impl Balancer for ExpectedDelay {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        let scores: Vec<_> = pool.eligible().iter().map(|&backend| (backend, self.score(backend, pool))).collect();
        self.tree.rebuild(pool.len(), scores.into_iter());
    }

    fn pick(&mut self, _: &Request<'_>, _: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        self.ties.choose(&self.tree, &mut self.last, ctx)
    }

    fn listens(&self) -> Listens {
        Listens::COUNTS
    }

    fn counted(&mut self, backend: BackendId, pool: &Pool, _: &mut Ctx<'_>) {
        if pool.is_eligible(backend) {
            self.tree.set(backend, self.score(backend, pool));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;
    use super::*;
    use crate::catalogue::Value;

    fn bench(idle_first: bool, weights: &[f64]) -> Bench {
        let mut values = Values::default();
        values.set("ties", Value::Text("first".into()));
        Bench::new(Box::new(ExpectedDelay::new(&values, idle_first)), weights)
    }

    #[test]
    fn a_fast_backend_gets_a_queue_while_a_slow_one_idles() {
        // Delays before each pick: 1/3 1/1 · 2/3 1/1 · 3/3 1/1 · 4/3 1/1.
        let mut bench = bench(false, &[3.0, 1.0, 0.0]);
        assert_eq!([bench.send(), bench.send(), bench.send(), bench.send()], [0, 0, 0, 1]);
    }

    #[test]
    fn never_queue_takes_the_idle_one_first() {
        let mut bench = bench(true, &[1.0, 3.0, 0.0]);
        assert_eq!([bench.send(), bench.send(), bench.send(), bench.send()], [1, 0, 1, 1]);
        assert_eq!(self::bench(true, &[0.0]).pick_key(1), Pick::None);
    }
}
