//! What a backend has that is not simple: several workers, an order of service of its own, a limit, a cache; and attempts that may be cancelled, faults.
//!
//! Service runs in active time ([`Pace`]): an attempt in service has the active instant at which it is done, and, as of the last change of speed, the exact
//! work that is left of it. An attempt says itself where it is ([`Stage`]), so it is found at once, whoever asks to take it out.
//!
//! The books: while an attempt waits, [`Backend::work`] has its service at the group's speed; when it begins, what it takes at the present speed;
//! what is not served in the end is taken off, and the time for which it kept its worker is added.

use super::Accepted;
use super::attempt::{Attempts, Stage};
use super::backend::{Backend, difference};
use super::cache::Cache;
use super::group::{Group, GroupPlan};
use super::line::Waiter;
use super::order::Order;
use super::pace::{self, Pace};
use super::sharing::Sharing;
use super::shedding::Shedder;
use super::waiting::Waiting;
use crate::scenario::Discipline;
use crate::slab::NIL;
use crate::time::round_ns;
use std::collections::VecDeque;

/// What only some backends have.
#[derive(Debug)]
pub(super) struct Special {
    /// What comes is refused; or taken, and never answered.
    pub(super) is_down: bool,
    pub(super) is_hung: bool,
    pub(super) pace: Pace,
    /// Once nothing is the matter any more, its backend is simple again.
    is_visitor: bool,
    holds_worker: bool,
    per_in_flight: u64,
    /// Attempts it has room for, and attempts here: waiting, in service or keeping a worker.
    room: u64,
    present: u64,
    cache: Option<(Cache, u64, f64)>,
    /// How many have come, and how many have begun.
    came: u64,
    begun: u64,
    waiting: Waiting,
    /// Service of those who wait, at the group's speed.
    waiting_service: u128,
    /// In service, by (done at, begun as the how-manieth).
    serving: Order<(u64, u64), Served>,
    /// Done, and keeping their workers; and the sum of the times since which they do, modulo 2^64.
    holding: Vec<Holding>,
    holding_since: u64,
    /// Instead of `serving`, with processor sharing.
    sharing: Option<Sharing>,
    shedder: Option<Box<Shedder>>,
}

/// An attempt in service. Times are active.
#[derive(Clone, Copy, Debug)]
struct Served {
    attempt: u32,
    came: u64,
    since: u64,
    /// The work that was left of it, and when.
    left: u128,
    as_of: u64,
}

/// An attempt whose work is done and that keeps its worker. Times are active.
#[derive(Clone, Copy, Debug)]
struct Holding {
    attempt: u32,
    came: u64,
    since: u64,
    done: u64,
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
    fn has(&self, id: u32, stage: Stage) -> bool {
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
    fn occupied(&self, workers: u32) -> u32 {
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
    fn service(&mut self, mut service: u64, key: impl FnOnce() -> u64, workers: u32) -> u64 {
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
    fn forget(&mut self) {
        if let Some((cache, keys, _)) = &mut self.cache {
            *cache = Cache::new(*keys);
        }
        if let Some(shedder) = &mut self.shedder {
            shedder.reset();
        }
    }
}

/// Something happens at a backend that is not simple and whose areas are complete up to now.
#[derive(Debug)]
pub(super) struct Step<'f> {
    pub(super) now: u64,
    pub(super) backend: &'f mut Backend,
    pub(super) special: &'f mut Special,
    pub(super) group: &'f Group,
    /// Where attempts go that are shed.
    pub(super) shed: &'f mut VecDeque<u32>,
}

impl Step<'_> {
    /// Active time.
    #[inline]
    fn active(&self) -> u64 {
        self.special.pace.active(self.now)
    }

    #[inline]
    fn has_free_worker(&self) -> bool {
        !self.special.pace.is_paused() && self.special.occupied(self.group.workers) < self.group.workers
    }

    #[inline]
    fn add_work(&mut self, more: u64) {
        self.backend.work = self.backend.work.wrapping_add(more);
    }

    #[inline]
    fn take_work(&mut self, less: u64) {
        self.backend.work = self.backend.work.wrapping_sub(less);
    }

    /// An attempt comes, its service being known. (It waits unless a worker is free: then nobody else does, except while the backend is paused.)
    #[inline]
    pub(super) fn take(&mut self, attempts: &mut impl Attempts, id: u32, priority: i64) -> Accepted {
        if self.special.is_down {
            return Accepted::Refused;
        }
        if self.special.is_hung {
            return Accepted::Swallowed;
        }
        if self.special.present >= self.special.room {
            return Accepted::Refused;
        }
        let came = self.special.came;
        self.special.came += 1;
        self.special.present += 1;
        self.add_work(attempts[id].service);
        if self.special.sharing.is_some() {
            self.join(attempts, id, came);
        } else if self.has_free_worker() {
            if let Some(shedder) = &mut self.special.shedder {
                shedder.passes();
            }
            self.begin(attempts, id, came);
        } else {
            let attempt = &mut attempts[id];
            attempt.wait = self.now - attempt.wait;
            self.special.waiting_service += u128::from(attempt.service);
            self.special.waiting.push(attempts, Waiter { attempt: id, came, at: self.now }, priority);
        }
        Accepted::Yes
    }

    /// Where workers are shared, service begins at once.
    fn join(&mut self, attempts: &mut impl Attempts, id: u32, came: u64) {
        let service = self.prepare(attempts, id);
        let active = self.active();
        if let Some(sharing) = &mut self.special.sharing {
            let place = sharing.join(id, service, came, active, &self.special.pace);
            attempts[id].set_stage(Stage::Serving(place));
        }
    }

    /// A worker begins with an attempt.
    #[inline]
    fn begin(&mut self, attempts: &mut impl Attempts, id: u32, came: u64) {
        let service = self.prepare(attempts, id);
        let since = self.active();
        let done = since.saturating_add(attempts[id].service);
        let served = Served { attempt: id, came, since, left: pace::left(service), as_of: since };
        let place = self.special.serving.insert((done, self.special.begun), served);
        self.special.begun += 1;
        attempts[id].set_stage(Stage::Serving(place));
    }

    /// Finds out what an attempt that begins will take, and notes it: the service at the group's speed.
    #[inline]
    fn prepare(&mut self, attempts: &mut impl Attempts, id: u32) -> u64 {
        let asked = attempts[id].service;
        let service = self.special.service(asked, || attempts.key(id), self.group.workers);
        let time = self.special.pace.time_of(service);
        self.add_work(time.wrapping_sub(asked));
        attempts[id].service = time;
        service
    }

    /// The next completion: the attempt that is done. Its worker goes on, unless it is kept.
    #[inline]
    pub(super) fn finish(&mut self, attempts: &mut impl Attempts) -> u32 {
        let active = self.active();
        if let Some(sharing) = &mut self.special.sharing {
            let left = sharing.leave(active, &self.special.pace);
            self.special.present -= 1;
            let attempt = &mut attempts[left.attempt];
            attempt.set_stage(Stage::Gone);
            attempt.service = left.spent;
            return left.attempt;
        }
        let (_, served) = self.special.serving.pop().expect("somebody is served where a completion was due");
        let Served { attempt: id, came, since, .. } = served;
        attempts[id].service = active - since;
        if self.special.holds_worker {
            attempts[id].set_stage(Stage::Holding(self.special.holding.len() as u32));
            self.special.holding.push(Holding { attempt: id, came, since, done: active });
            self.special.holding_since = self.special.holding_since.wrapping_add(active);
            return id;
        }
        attempts[id].set_stage(Stage::Gone);
        self.special.present -= 1;
        self.go_on(attempts);
        id
    }

    /// A worker has become free, and goes on with whose turn it is.
    #[inline]
    pub(super) fn go_on(&mut self, attempts: &mut impl Attempts) {
        if self.special.pace.is_paused() {
            return;
        }
        let Some(waiter) = self.call(attempts) else { return };
        let attempt = &mut attempts[waiter.attempt];
        attempt.wait = self.now - attempt.wait;
        self.special.waiting_service -= u128::from(attempt.service);
        self.begin(attempts, waiter.attempt, waiter.came);
    }

    /// All free workers go on with those who wait.
    pub(super) fn fill(&mut self, attempts: &mut impl Attempts) {
        while self.has_free_worker() && self.special.waiting.len() > 0 {
            self.go_on(attempts);
        }
    }

    /// Whose turn it is.
    #[inline]
    fn call(&mut self, attempts: &mut impl Attempts) -> Option<Waiter> {
        if self.special.shedder.is_some() { self.call_and_shed(attempts) } else { self.special.waiting.pop(self.now) }
    }

    #[inline(never)]
    fn call_and_shed(&mut self, attempts: &mut impl Attempts) -> Option<Waiter> {
        let Special { shedder, waiting, .. } = &mut *self.special;
        let (now, mut shed) = (self.now, Vec::new());
        let next = shedder.as_mut().and_then(|shedder| {
            shedder.next(now, || waiting.pop(now).map(|waiter| (waiter, waiting.len())), |waiter| shed.push(waiter.attempt))
        });
        for id in shed {
            self.leave_queue(attempts, id);
            attempts[id].set_stage(Stage::Gone);
            self.special.present -= 1;
            self.shed.push_back(id);
        }
        next
    }

    /// An attempt will not be served.
    fn leave_queue(&mut self, attempts: &mut impl Attempts, id: u32) {
        let attempt = &mut attempts[id];
        attempt.wait = self.now - attempt.wait;
        let service = attempt.service;
        self.take_work(service);
        self.special.waiting_service -= u128::from(service);
    }

    /// Takes an attempt out, whatever it does here: the worker-time that it has had. Nobody else begins.
    pub(super) fn remove(&mut self, attempts: &mut impl Attempts, id: u32) -> u64 {
        let stage = attempts[id].stage();
        if !self.special.has(id, stage) {
            return 0;
        }
        let served = match stage {
            Stage::Gone => 0,
            Stage::Waiting(place) => {
                self.special.waiting.remove(attempts, place);
                self.leave_queue(attempts, id);
                0
            }
            Stage::Serving(place) => self.stop(place),
            Stage::Holding(place) => self.release(attempts, place),
        };
        attempts[id].set_stage(Stage::Gone);
        self.special.present -= 1;
        served
    }

    /// Service of somebody ends before it is done.
    fn stop(&mut self, place: u32) -> u64 {
        let active = self.active();
        if let Some(sharing) = &mut self.special.sharing {
            let left = sharing.remove(place, active, &self.special.pace);
            self.take_work(left.missing);
            return left.spent;
        }
        let ((done, _), served) = self.special.serving.remove(place);
        self.take_work(done - active);
        active - served.since
    }

    /// A worker is kept no longer.
    fn release(&mut self, attempts: &mut impl Attempts, place: u32) -> u64 {
        let active = self.active();
        let holding = self.special.holding.swap_remove(place as usize);
        if let Some(moved) = self.special.holding.get(place as usize) {
            attempts[moved.attempt].set_stage(Stage::Holding(place));
        }
        self.special.holding_since = self.special.holding_since.wrapping_sub(holding.done);
        self.add_work(active - holding.done);
        active - holding.since
    }

    /// Takes everybody out, in the order of their coming, and forgets what was in memory.
    pub(super) fn clear(&mut self, attempts: &mut impl Attempts) -> Vec<(u32, u64)> {
        let special = &*self.special;
        let waiting = special.waiting.all().into_iter().map(|waiter| (waiter.came, waiter.attempt));
        let serving = special.serving.iter().map(|(_, served)| (served.came, served.attempt));
        let holding = special.holding.iter().map(|holding| (holding.came, holding.attempt));
        let sharing = special.sharing.iter().flat_map(Sharing::all);
        let mut all: Vec<(u64, u32)> = waiting.chain(serving).chain(holding).chain(sharing).collect();
        all.sort_unstable();
        let lost = all.into_iter().map(|(_, id)| (id, self.remove(attempts, id))).collect();
        self.special.forget();
        lost
    }

    /// From now on its speed is its group's times this.
    pub(super) fn set_factor(&mut self, factor: f64) {
        let active = self.active();
        let before = self.special.pace;
        self.special.pace.set_factor(factor);
        let after = self.special.pace;
        let mut more = 0_u64;
        self.special.serving.change(|(done, _), served| {
            served.left = served.left.saturating_sub(before.work(active - served.as_of));
            served.as_of = active;
            let then = active.saturating_add(after.time(served.left));
            more = more.wrapping_add(then.wrapping_sub(*done));
            *done = then;
        });
        if let Some(sharing) = &mut self.special.sharing {
            more = more.wrapping_add(sharing.change(active, &before, &after));
        }
        self.add_work(more);
    }
}
