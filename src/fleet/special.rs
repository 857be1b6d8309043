//! What a backend has that is not simple: several workers, an order of service of its own, a limit, a cache; and attempts that may be cancelled, faults.
//!
//! Service runs in active time ([`Pace`]): an attempt in service has the active instant at which it is done, and, as of the last change of speed, the exact
//! work that is left of it. An attempt says itself where it is ([`Stage`]), so it is found at once, whoever asks to take it out.
//! What happens to all this is in `step.rs`.

use super::attempt::{Attempts, Stage};
use super::backend::{Backend, difference};
use super::cache::Cache;
use super::group::GroupPlan;
use super::line::Waiter;
use super::order::Order;
use super::pace::{self, Pace};
use super::sharing::Sharing;
use super::shedding::Shedder;
use super::waiting::Waiting;
use crate::scenario::Discipline;
use crate::slab::NIL;
use crate::time::round_ns;

/// What only some backends have.
#[derive(Debug)]
pub(super) struct Special {
    /// What comes is refused; or taken, and never answered.
    pub(super) is_down: bool,
    pub(super) is_hung: bool,
    pub(super) pace: Pace,
    /// Once nothing is the matter any more, its backend is simple again.
    pub(super) is_visitor: bool,
    pub(super) holds_worker: bool,
    pub(super) per_in_flight: u64,
    /// Attempts it has room for, and attempts here: waiting, in service or keeping a worker.
    pub(super) room: u64,
    pub(super) present: u64,
    pub(super) cache: Option<(Cache, u64, f64)>,
    /// How many have come, and how many have begun.
    pub(super) came: u64,
    pub(super) begun: u64,
    pub(super) waiting: Waiting,
    /// Service of those who wait, at the group's speed.
    pub(super) waiting_service: u128,
    /// In service, by (done at, begun as the how-manieth).
    pub(super) serving: Order<(u64, u64), Served>,
    /// Done, and keeping their workers; and the sum of the times since which they do, modulo 2^64.
    pub(super) holding: Vec<Holding>,
    pub(super) holding_since: u64,
    /// Instead of `serving`, with processor sharing.
    pub(super) sharing: Option<Sharing>,
    pub(super) shedder: Option<Box<Shedder>>,
}

/// An attempt in service. Times are active.
#[derive(Clone, Copy, Debug)]
pub(super) struct Served {
    pub(super) attempt: u32,
    pub(super) came: u64,
    pub(super) since: u64,
    /// The work that was left of it, and when.
    pub(super) left: u128,
    pub(super) as_of: u64,
}

/// An attempt whose work is done and that keeps its worker. Times are active.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holding {
    pub(super) attempt: u32,
    pub(super) came: u64,
    pub(super) since: u64,
    pub(super) done: u64,
}

impl Special {
    pub(super) fn new(plan: &GroupPlan) -> Self {
        let workers = plan.workers.unwrap_or(u32::MAX);
        Self {
            is_down: false,
            is_hung: false,
            pace: Pace::default(),
            is_visitor: false,
            holds_worker: plan.holds_worker,
            per_in_flight: plan.per_in_flight,
            room: plan.queue.map_or(u64::MAX, |queue| queue.saturating_add(workers.into())),
            present: 0,
            cache: plan.cache.map(|(keys, hit)| (Cache::new(keys), keys, hit)),
            came: 0,
            begun: 0,
            waiting: Waiting::new(plan.discipline, plan.overloaded_after),
            waiting_service: 0,
            serving: Order::default(),
            holding: Vec::new(),
            holding_since: 0,
            sharing: (plan.discipline == Discipline::ProcessorSharing).then(|| Sharing::new(workers)),
            shedder: Shedder::new(plan.shed, plan.max_wait),
        }
    }

    /// One for a simple backend to which something happens.
    pub(super) fn visitor() -> Self {
        Self {
            is_down: false,
            is_hung: false,
            pace: Pace::default(),
            is_visitor: true,
            holds_worker: false,
            per_in_flight: 0,
            room: u64::MAX,
            present: 0,
            cache: None,
            came: 0,
            begun: 0,
            waiting: Waiting::new(Discipline::Fifo, 0),
            waiting_service: 0,
            serving: Order::default(),
            holding: Vec::new(),
            holding_since: 0,
            sharing: None,
            shedder: None,
        }
    }

    /// Takes over from a simple backend, whose one in service is done at `due`.
    pub(super) fn visit(&mut self, attempts: &mut impl Attempts, first: u32, due: u64) {
        let mut next = first;
        while next != NIL {
            let (id, came) = (next, self.came);
            next = attempts[id].link;
            (self.came, self.present) = (came + 1, self.present + 1);
            let service = attempts[id].service;
            if id == first {
                let done = self.pace.active(due);
                let since = done.saturating_sub(service);
                let served = Served { attempt: id, came, since, left: pace::left(service), as_of: since };
                let place = self.serving.insert((done, self.begun), served);
                self.begun += 1;
                attempts[id].set_stage(Stage::Serving(place));
            } else {
                self.waiting_service += u128::from(service);
                self.waiting.push(attempts, Waiter { attempt: id, came, at: 0 }, 0);
            }
        }
    }

    /// Whether its backend may be simple again.
    #[inline]
    pub(super) fn may_leave(&self) -> bool {
        self.is_visitor && self.present == 0 && !self.is_down && !self.is_hung && self.pace.is_nominal() && !self.pace.is_paused()
    }

    /// Whether an attempt is where it says. (One that is not here any more may say anything.)
    pub(super) fn has(&self, id: u32, stage: Stage) -> bool {
        let found = match (stage, &self.sharing) {
            (Stage::Serving(place), Some(sharing)) => sharing.get(place),
            (Stage::Serving(place), None) => self.serving.get(place).map(|served| served.attempt),
            (Stage::Waiting(place), _) => self.waiting.get(place),
            (Stage::Holding(place), _) => self.holding.get(place as usize).map(|holding| holding.attempt),
            (Stage::Gone, _) => None,
        };
        found == Some(id)
    }

    /// Whether an attempt keeps a worker.
    pub(super) fn is_kept(&self, id: u32, stage: Stage) -> bool {
        matches!(stage, Stage::Holding(_)) && self.has(id, stage)
    }

    /// Workers that have somebody.
    #[inline]
    pub(super) fn occupied(&self, workers: u32) -> u32 {
        match &self.sharing {
            Some(sharing) => sharing.len().min(workers),
            None => (self.serving.len() + self.holding.len()) as u32,
        }
    }

    /// Workers that work.
    #[inline]
    pub(super) fn busy(&self, workers: u32) -> u32 {
        if self.pace.is_paused() { 0 } else { self.occupied(workers) }
    }

    /// The instant of the next completion.
    #[inline]
    pub(super) fn next_done(&self) -> u64 {
        let active = match &self.sharing {
            Some(sharing) => sharing.next_done(&self.pace),
            None => self.serving.first().map_or(u64::MAX, |(at, _)| at),
        };
        self.pace.instant(active)
    }

    /// For how long workers have been kept by those who still keep them.
    #[inline]
    pub(super) fn kept(&self, now: u64) -> u64 {
        if self.holding.is_empty() {
            return 0;
        }
        self.pace.active(now).wrapping_mul(self.holding.len() as u64).wrapping_sub(self.holding_since)
    }

    /// Unfinished service as of the last settling of its backend.
    #[inline]
    pub(super) fn backlog(&self, backend: &Backend) -> u64 {
        let work = backend.work.wrapping_add(self.kept(backend.last));
        if self.pace.is_nominal() {
            return difference(work, backend.busy_area);
        }
        let begun = difference(work.wrapping_sub(self.waiting_service as u64), backend.busy_area);
        begun.saturating_add(self.pace.time_of(u64::try_from(self.waiting_service).unwrap_or(u64::MAX)))
    }

    /// By how many nanoseconds the sums may be off.
    pub(super) fn slack(&self) -> u64 {
        self.sharing.as_ref().map_or(0, Sharing::slack)
    }

    /// The instant from which a new request could be served: 0 while a worker is free. While nothing is served, a time that never comes.
    pub(super) fn ready_at(&self, backend: &Backend, workers: u32) -> u64 {
        if self.is_down || self.is_hung || self.pace.is_paused() {
            return u64::MAX - 1;
        }
        if backend.busy < workers { 0 } else { backend.last.saturating_add(self.backlog(backend) / u64::from(workers)) }
    }

    /// What service really takes that begins now.
    #[inline]
    pub(super) fn service(&mut self, mut service: u64, key: impl FnOnce() -> u64, workers: u32) -> u64 {
        if let Some((cache, _, hit)) = &mut self.cache
            && cache.touch(key())
        {
            service = round_ns(service as f64 * *hit);
        }
        if self.per_in_flight == 0 {
            return service;
        }
        let others = self.sharing.as_ref().map_or_else(|| self.occupied(workers), Sharing::len);
        service.saturating_add(self.per_in_flight.saturating_mul(u64::from(others)))
    }

    /// What it had in memory is lost.
    pub(super) fn forget(&mut self) {
        if let Some((cache, keys, _)) = &mut self.cache {
            *cache = Cache::new(*keys);
        }
        if let Some(shedder) = &mut self.shedder {
            shedder.reset();
        }
    }
}
