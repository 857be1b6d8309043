//! What all of Envoy's balancers do around their own rule.
//!
//! The [cluster](super::cluster) finds the list, the policy chooses in it. Lists are made anew when a backend comes, goes or changes its state, with the
//! seed that was drawn at the start; a weight that changes in place is the policy's own matter.

use super::cluster::{Cluster, Options};
use crate::balance::{BackendId, Balancer, Change, Completion, Ctx, Listens, Pick, Pool, Report, Request, State};
use crate::random::Stream;
use crate::time::SimTime;
use std::fmt::Debug;

/// What a policy may look at when lists have changed.
pub(super) struct Fresh<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) pool: &'a Pool,
    pub(super) seed: u64,
    pub(super) now: SimTime,
    /// Since when each backend has been healthy.
    pub(super) healthy_since: &'a [Option<SimTime>],
}

/// A list and the draw that found it.
pub(super) struct At<'a> {
    pub(super) list: usize,
    pub(super) priority: usize,
    pub(super) backends: &'a [BackendId],
    pub(super) draw: u64,
}

/// A rule for choosing within a list.
pub(super) trait Within: Send + Debug {
    /// Lists have changed.
    fn rebuild(&mut self, fresh: &Fresh<'_>);

    /// Whether lists are to be made anew before this pick, as something has changed with time.
    fn is_stale(&mut self, _pool: &Pool, _now: SimTime) -> bool {
        false
    }

    /// What a request's priority is chosen by.
    fn draw(&self, _request: &Request<'_>, chance: &mut Stream) -> u64 {
        chance.bits()
    }

    /// Chooses.
    fn pick(&mut self, at: &At<'_>, request: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Option<BackendId>;

    /// Whether a weight that changes in place takes effect only by making lists anew.
    fn reweighs(&self) -> bool {
        false
    }

    /// See [`Balancer::listens`].
    fn listens(&self) -> Listens {
        Listens::NOTHING
    }

    /// See [`Balancer::counted`].
    fn counted(&mut self, _backend: BackendId, _pool: &Pool) {}

    /// See [`Balancer::reported`].
    fn reported(&mut self, _backend: BackendId, _report: &Report, _now: SimTime) {}

    /// See [`Balancer::finished`].
    fn finished(&mut self, _completion: &Completion, _now: SimTime) {}
}

/// A balancer of Envoy's.
#[derive(Debug)]
pub(super) struct Envoy {
    cluster: Cluster,
    within: Box<dyn Within>,
    /// Drawn once: where turns begin.
    seed: Option<u64>,
    healthy_since: Vec<Option<SimTime>>,
}

impl Envoy {
    pub(super) fn new(options: Options, within: Box<dyn Within>) -> Self {
        Self { cluster: Cluster::new(options), within, seed: None, healthy_since: Vec::new() }
    }

    fn refresh(&mut self, pool: &Pool, ctx: &mut Ctx<'_>) {
        let seed = *self.seed.get_or_insert_with(|| ctx.chance.bits());
        self.healthy_since.resize(pool.len(), None);
        for (since, id) in self.healthy_since.iter_mut().zip(0..) {
            let is_healthy = matches!(pool.state(BackendId(id)), State::Up | State::Busy);
            *since = since.or(Some(ctx.now)).filter(|_| is_healthy);
        }
        self.cluster.refresh(pool, seed);
        self.within.rebuild(&Fresh { cluster: &self.cluster, pool, seed, now: ctx.now, healthy_since: &self.healthy_since });
    }
}

impl Balancer for Envoy {
    fn members(&mut self, pool: &Pool, ctx: &mut Ctx<'_>) {
        self.refresh(pool, ctx);
    }

    fn changed(&mut self, backend: BackendId, change: Change, pool: &Pool, ctx: &mut Ctx<'_>) {
        if change != Change::Weight || self.within.reweighs() || self.cluster.is_new(backend, pool) {
            self.refresh(pool, ctx);
        }
    }

    #[inline]
    fn pick(&mut self, request: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        if self.within.is_stale(pool, ctx.now) {
            self.refresh(pool, ctx);
        }
        let draw = self.within.draw(request, ctx.chance);
        let Some(chosen) = self.cluster.choose(draw, ctx.chance) else { return Pick::None };
        let at = At { list: chosen.list, priority: chosen.priority, backends: &self.cluster.lists()[chosen.list], draw };
        self.within.pick(&at, request, pool, ctx).map_or(Pick::None, Pick::Backend)
    }

    fn listens(&self) -> Listens {
        self.within.listens()
    }

    #[inline]
    fn counted(&mut self, backend: BackendId, pool: &Pool, _: &mut Ctx<'_>) {
        self.within.counted(backend, pool);
    }

    fn recounted(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        (0..pool.len() as u32).for_each(|id| self.within.counted(BackendId(id), pool));
    }

    fn reported(&mut self, backend: BackendId, report: &Report, _: &Pool, ctx: &mut Ctx<'_>) {
        self.within.reported(backend, report, ctx.now);
    }

    fn finished(&mut self, completion: &Completion, _: &Pool, ctx: &mut Ctx<'_>) {
        self.within.finished(completion, ctx.now);
    }
}
