//! Apache Dubbo 3's balancers, inside its consumers.
//!
//! All but the hash weigh providers, and let one that has just started warm up ([`warmup_weight`]); who is there at the beginning has been up for long.

mod consistent;
mod least;
mod warmup;

pub use warmup::warmup_weight;

use super::plain::smooth;
use crate::balance::{BackendId, Balancer, Change, Ctx, Law, Listed, Pick, Pool, Request};
use crate::catalogue::{Entry, Kind, Parameter};
use crate::time::{SimTime, Span};
use consistent::ConsistentHash;
use least::{Adaptive, Least, Of, has_started};
use warmup::Weights;

/// An entry of the round robin that was not used for so long is dropped.
const RECYCLE: Span = Span(60_000_000_000);

/// Smooth turns; **ties** go to the earlier, a changed weight begins anew. Cost: O(n), as in the product.
#[derive(Debug)]
struct RoundRobin {
    weights: Weights,
    credits: Vec<f64>,
    /// By backend: what it weighed when it last took part, and when.
    seen: Vec<Option<(u32, SimTime)>>,
}

impl Balancer for RoundRobin {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        self.weights.rebuild(pool);
        self.credits = vec![0.0; pool.len()];
        self.seen = vec![None; pool.len()];
    }

    fn changed(&mut self, backend: BackendId, change: Change, pool: &Pool, ctx: &mut Ctx<'_>) {
        self.credits.resize(pool.len(), 0.0);
        self.seen.resize(pool.len(), None);
        if has_started(backend, change, pool) {
            self.weights.started(backend, pool, ctx.now);
        }
    }

    fn pick(&mut self, _: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        for &backend in pool.eligible() {
            let (weight, at) = (self.weights.weight(backend, pool, ctx.now), backend.index());
            let is_same = self.seen[at].is_some_and(|(before, since)| before == weight && ctx.now.since(since) <= RECYCLE);
            // Only where somebody is missing are entries dropped for their age.
            let is_old_but_kept = self.seen[at].is_some_and(|(before, _)| before == weight) && pool.eligible().len() == self.seen.len();
            if !is_same && !is_old_but_kept {
                self.credits[at] = 0.0;
            }
            self.seen[at] = Some((weight, ctx.now));
        }
        let seen = &self.seen;
        let weighted = pool.eligible().iter().map(|&backend| (backend, seen[backend.index()].map_or(0.0, |(weight, _)| f64::from(weight))));
        smooth(&mut self.credits, weighted).map_or(Pick::None, Pick::Backend)
    }
}

pub(in crate::balance) const LISTED: &[&Listed] = &[&RANDOM, &ROUND_ROBIN, &LEAST_ACTIVE, &SHORTEST_RESPONSE, &CONSISTENT_HASH, &ADAPTIVE];

const PRODUCT: &str = "Dubbo 3.3 (324c6255)";

const WARMUP: Parameter = Parameter::with_default(
    "warmup",
    Kind::Span,
    "10m",
    "how long a provider that has just started takes to its full weight; ten minutes are Dubbo's own. Weights of about 100 make it gradual",
);

static RANDOM: Listed = Listed::new(
    Entry::new(
        "dubbo/random",
        "Dubbo's default: drawn in proportion to weight",
        "Uniform where all weigh the same, else in proportion to weight, warm-up included. Cost: O(n), as in the product.",
        &[WARMUP],
        "apache/dubbo, RandomLoadBalance.java",
    ),
    |values| Box::new(Least::new(Of::Nothing, values.span("warmup"), Span::ZERO)),
)
.of(PRODUCT)
.whole_weights(0, 1_000_000);

static ROUND_ROBIN: Listed = Listed::new(
    Entry::new(
        "dubbo/roundrobin",
        "Dubbo's roundrobin: smooth weighted turns",
        "Every provider gains its weight, the one with most is taken, the earlier on a tie, and pays what all have gained. A changed weight begins anew. Cost: \
         O(n), as in the product.",
        &[WARMUP],
        "apache/dubbo, RoundRobinLoadBalance.java",
    ),
    |values| Box::new(RoundRobin { weights: Weights::of(values.span("warmup")), credits: Vec::new(), seen: Vec::new() }),
)
.of(PRODUCT)
.whole_weights(0, 1_000_000);

static LEAST_ACTIVE: Listed = Listed::new(
    Entry::new(
        "dubbo/leastactive",
        "Dubbo's leastactive: the least requests, equals by weight",
        "The least requests under way; equals by a draw, in proportion to weight where their weights differ. Cost: O(n), as in the product.",
        &[WARMUP],
        "apache/dubbo, LeastActiveLoadBalance.java",
    ),
    |values| Box::new(Least::new(Of::Active, values.span("warmup"), Span::ZERO)),
)
.of(PRODUCT)
.whole_weights(0, 1_000_000)
.breaks(&[(Law::ZeroWeight, "who alone has the least requests is taken whatever it weighs")]);

static SHORTEST_RESPONSE: Listed = Listed::new(
    Entry::new(
        "dubbo/shortestresponse",
        "Dubbo's shortestresponse: the least average time × (requests + 1)",
        "The average time of successes in the current window times the requests under way and this one, in whole milliseconds, 0 where there was none; equals as \
         leastactive. Cost: O(n), as in the product.",
        &[
            WARMUP,
            Parameter::with_default("slide_period", Kind::Period, "30s", "how long a window of successes is; 30 s are Dubbo's own"),
        ],
        "apache/dubbo, ShortestResponseLoadBalance.java",
    ),
    |values| Box::new(Least::new(Of::Response, values.span("warmup"), values.span("slide_period"))),
)
.of(PRODUCT)
.whole_weights(0, 1_000_000)
.breaks(&[(Law::ZeroWeight, "who alone has the shortest estimate is taken whatever it weighs")]);

static CONSISTENT_HASH: Listed = Listed::new(
    Entry::new(
        "dubbo/consistenthash",
        "Dubbo's consistenthash: a ketama ring of MD5s",
        "Each provider has `nodes` points at MD5s of its address and a number; a key goes to the first at or after its MD5. O(log points) per pick.",
        &[Parameter::with_default("nodes", Kind::Whole(4, 100_000), "160", "points of a provider, `hash.nodes`; 160 is Dubbo's own")],
        "apache/dubbo, ConsistentHashLoadBalance.java",
    ),
    |values| Box::new(ConsistentHash::new(values.whole("nodes"))),
)
.of(PRODUCT)
.by_key()
.breaks(&[(Law::ZeroWeight, "it does not look at weights"), (Law::Weights, "it does not look at weights")]);

static ADAPTIVE: Listed = Listed::new(
    Entry::new(
        "dubbo/adaptive",
        "Dubbo's adaptive: the less loaded of two by what providers report",
        "Two draws; the lower of processor load ÷ (share of successes × weight + 1), 0 for who was not picked for twice the timeout; equals by a coin of their weights. \
         O(1) per pick.",
        &[
            WARMUP,
            Parameter::with_default("timeout", Kind::Period, "1s", "a request's timeout, twice which forces a pick; 1 s is Dubbo's own"),
        ],
        "apache/dubbo, AdaptiveLoadBalance.java",
    ),
    |values| Box::new(Adaptive::new(values.span("timeout"), values.span("warmup"))),
)
.of(PRODUCT)
.approximate("built from a description of the load; latency, which Dubbo averages there, does not count")
.whole_weights(0, 1_000_000)
.breaks(&[(Law::ZeroWeight, "of two drawn, weights decide only equals"), (Law::Weights, "of two drawn, weights decide only equals")]);
