//! What a group of like backends is, resolved; and what the fleet looks up of it.

use crate::scenario::Discipline;
use crate::time::round_ns;

/// What a group of like backends is, resolved.
#[derive(Clone, Debug)]
pub struct GroupPlan {
    /// Its name; members of a group of more than one are called `name-0`, `name-1`, ….
    pub name: String,
    /// How many.
    pub count: u32,
    /// How fast: work ÷ speed is service.
    pub speed: f64,
    /// How many are served at once; `None` is unlimited.
    pub workers: Option<u32>,
    /// The order of service.
    pub discipline: Discipline,
    /// With the discipline `adaptive-lifo`: newest first once somebody has been waiting for longer than this, in nanoseconds.
    pub overloaded_after: u64,
    /// CoDel's target and interval, in nanoseconds.
    pub shed: Option<(u64, u64)>,
    /// Who has waited longer when its turn comes is shed, in nanoseconds.
    pub max_wait: Option<u64>,
    /// Waiting places; `None` is unlimited. Workers and waiting places together are how many it admits.
    pub queue: Option<u64>,
    /// The zone, as an index of the plan's zones.
    pub zone: Option<u16>,
    /// One way from the balancer, in nanoseconds.
    pub network: crate::dist::Dist,
    /// The first member's address, if it was given.
    pub address: Option<String>,
    /// Service takes that much longer for each request in service at its start, in nanoseconds.
    pub per_in_flight: u64,
    /// Keys it remembers, and what work is multiplied by for those.
    pub cache: Option<(u64, f64)>,
    /// How many of `count` are there at the start; the others may join.
    pub initially: u32,
    /// Something may happen here besides service from beginning to end: attempts may be given up, faults may strike. Said to whoever must be ready for it;
    /// the fleet always is.
    pub is_interrupted: bool,
    /// A worker stays with its attempt after the work is done, until it is let go. Means nothing with processor sharing, where workers are nobody's.
    pub holds_worker: bool,
}

impl GroupPlan {
    /// So many equal backends of speed 1 with one worker each, first in first out, without anything else.
    #[must_use]
    pub fn equal(name: &str, count: u32) -> Self {
        Self {
            name: name.into(),
            count,
            speed: 1.0,
            workers: Some(1),
            discipline: Discipline::Fifo,
            overloaded_after: 0,
            shed: None,
            max_wait: None,
            queue: None,
            zone: None,
            network: crate::dist::Dist::Constant(0.0),
            address: None,
            per_in_flight: 0,
            cache: None,
            initially: count,
            is_interrupted: false,
            holds_worker: false,
        }
    }

    /// One worker, first in first out, no queue limit, nothing that changes service: what most backends are.
    pub(super) fn is_simple(&self) -> bool {
        self.workers == Some(1)
            && self.discipline == Discipline::Fifo
            && self.queue.is_none()
            && !self.sheds()
            && self.per_in_flight == 0
            && self.cache.is_none()
            && !self.holds_worker
    }

    /// Whether requests that were taken may be refused after all, having waited.
    #[must_use]
    pub fn sheds(&self) -> bool {
        self.shed.is_some() || self.max_wait.is_some()
    }

    /// What it can do: speed × workers; speed alone where workers are unlimited.
    #[must_use]
    pub fn capacity(&self) -> f64 {
        self.speed * self.workers.map_or(1.0, f64::from)
    }
}

/// What is the same for all backends of a group.
#[derive(Debug)]
pub(super) struct Group {
    speed: f64,
    pub(super) workers: u32,
    /// The backlog above which a backend may be overloaded.
    pub(super) backlog_limit: u64,
}

impl Group {
    /// `backlog_limit` is a work.
    pub(super) fn new(plan: &GroupPlan, backlog_limit: f64) -> Self {
        Self { speed: plan.speed, workers: plan.workers.unwrap_or(u32::MAX), backlog_limit: round_ns(backlog_limit / plan.speed) }
    }

    /// The service that a work takes.
    #[inline]
    pub(super) fn service(&self, work: u64) -> u64 {
        if self.speed == 1.0 { work } else { round_ns(work as f64 / self.speed) }
    }
}
