//! go-kratos' p2c, by success over latency; and its weighted round robin.
//!
//! **`kratos/p2c`.** Two different backends are drawn; the one with the higher weight, `success · 10,000 ÷ load`, is chosen, the first drawn on a tie, unless the
//! other was not picked for 3 s. The load is `√(lag + 5 ms) · requests`, requests counted from 1; lag is the average latency, or the mean age of those under
//! way that are slower, where these are more than half and one of up to 200. Who has not answered yet has a load of 100,000 a request. **`kratos/wrr`.** Smooth turns of doubles.
//! **Cost:** `p2c` O(1), with a look at up to 200 requests where a weight is older than 5 ms; `wrr` O(n), as in the product.

use super::ewma::Average;
use crate::balance::products::plain::smooth;
use crate::balance::{BackendId, Balancer, Change, Completion, Ctx, Listens, Pick, Pool, Request};
use crate::time::{SimTime, Span};

/// The time over which latency and success are averaged.
pub const TAU_NS: u64 = 600_000_000;
const FORCED_AFTER: Span = Span(3_000_000_000);
const CACHED_FOR: Span = Span(5_000_000);
const TRACKED: usize = 200;
/// The load of a request at a backend that has not answered yet.
const PENALTY: u64 = 100_000;
/// Added to every latency, so that near and far zones do not differ too much.
const LEVELLING_NS: u64 = 5_000_000;

/// What kratos knows of a backend.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// Its averages.
    pub average: Average,
    picked: Option<SimTime>,
    /// Requests under way and when they began, by a counter modulo 200; who finds its place taken is not tracked.
    tracked: Vec<Option<(u64, u64)>>,
    requests: usize,
    cached: Option<(SimTime, f64)>,
}

impl Node {
    /// One with these averages and nothing under way.
    #[must_use]
    pub fn of(average: Average) -> Self {
        Self { average, ..Self::default() }
    }

    /// What latency is to be expected of the requests under way, where most are slower than the average.
    fn predicted(&self, now: u64) -> u64 {
        let (mut all, mut slow, mut total) = (0, 0, 0);
        for &(_, began) in self.tracked.iter().flatten() {
            all += 1;
            let age = now.saturating_sub(began);
            if age > self.average.lag_ns {
                slow += 1;
                total += age;
            }
        }
        if slow > all / 2 + 1 { total / slow } else { 0 }
    }

    /// Its load with so many requests under way.
    #[must_use]
    pub fn load(&self, in_flight: u64, now: u64) -> u64 {
        let requests = in_flight + 1;
        if self.average.lag_ns == 0 {
            return PENALTY * requests;
        }
        let lag = self.average.lag_ns.max(self.predicted(now)) + LEVELLING_NS;
        (lag as f64).sqrt() as u64 * requests
    }

    /// What it weighs.
    #[must_use]
    pub fn weight(&self, in_flight: u64, now: u64) -> f64 {
        (self.average.success * 10_000) as f64 / self.load(in_flight, now) as f64
    }

    fn cached_weight(&mut self, in_flight: u64, now: SimTime) -> f64 {
        match self.cached {
            Some((since, weight)) if now.since(since) <= CACHED_FOR => weight,
            _ => {
                let weight = self.weight(in_flight, now.0);
                self.cached = Some((now, weight));
                weight
            }
        }
    }

    fn began(&mut self, request: u64, now: u64) {
        self.requests += 1;
        self.tracked.resize(TRACKED, None);
        self.tracked[self.requests % TRACKED].get_or_insert((request, now));
    }
}

/// Two draws.
#[derive(Debug, Default)]
pub(super) struct P2c {
    nodes: Vec<Node>,
}

impl Balancer for P2c {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        self.nodes = (0..pool.len()).map(|_| Node::default()).collect();
    }

    fn changed(&mut self, backend: BackendId, change: Change, pool: &Pool, _: &mut Ctx<'_>) {
        self.nodes.resize_with(pool.len(), Node::default);
        if !matches!(change, Change::Weight) {
            self.nodes[backend.index()] = Node::default();
        }
    }

    #[inline]
    fn pick(&mut self, _: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        let n = pool.eligible().len() as u64;
        if n < 2 {
            return pool.at(0).map_or(Pick::None, Pick::Backend);
        }
        let (a, b) = (ctx.chance.below(n), ctx.chance.below(n - 1));
        let (Some(a), Some(b)) = (pool.at(a as usize), pool.at((b + u64::from(b >= a)) as usize)) else { return Pick::None };
        let mut weight = |backend: BackendId| self.nodes[backend.index()].cached_weight(u64::from(pool.in_flight(backend)), ctx.now);
        let (better, other) = if weight(b) > weight(a) { (b, a) } else { (a, b) };
        let is_stale = self.nodes[other.index()].picked.is_none_or(|picked| ctx.now.since(picked) > FORCED_AFTER);
        let chosen = if is_stale { other } else { better };
        self.nodes[chosen.index()].picked = Some(ctx.now);
        Pick::Backend(chosen)
    }

    fn listens(&self) -> Listens {
        Listens::ATTEMPTS
    }

    fn started(&mut self, request: &Request<'_>, backend: BackendId, _: &Pool, ctx: &mut Ctx<'_>) {
        self.nodes[backend.index()].began(request.id, ctx.now.0);
    }

    fn finished(&mut self, completion: &Completion, _: &Pool, ctx: &mut Ctx<'_>) {
        let node = &mut self.nodes[completion.backend.index()];
        if let Some(place) = node.tracked.iter_mut().find(|place| place.is_some_and(|(request, _)| request == completion.request)) {
            *place = None;
        }
        node.average.add(ctx.now.0, ctx.now.0.saturating_sub(completion.latency.0), completion.ok, TAU_NS);
    }
}

/// Smooth turns. Who leaves is forgotten.
#[derive(Debug, Default)]
pub(super) struct Wrr {
    credits: Vec<f64>,
}

impl Balancer for Wrr {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        self.credits = vec![0.0; pool.len()];
    }

    fn changed(&mut self, backend: BackendId, change: Change, pool: &Pool, _: &mut Ctx<'_>) {
        self.credits.resize(pool.len(), 0.0);
        if !matches!(change, Change::Weight) {
            self.credits[backend.index()] = 0.0;
        }
    }

    fn pick(&mut self, _: &Request<'_>, pool: &Pool, _: &mut Ctx<'_>) -> Pick {
        let weighted = pool.eligible().iter().map(|&backend| (backend, pool.weight(backend)));
        smooth(&mut self.credits, weighted.filter(|&(_, weight)| weight > 0.0)).map_or(Pick::None, Pick::Backend)
    }
}
