//! What happens at a backend that is not simple, step by step: somebody comes, a worker begins, goes on, is done; somebody is taken out; the speed changes.
//!
//! The books: while an attempt waits, [`Backend::work`] has its service at the group's speed; when it begins, what it takes at the present speed;
//! what is not served in the end is taken off, and the time for which it kept its worker is added.

use super::Accepted;
use super::attempt::{Attempts, Stage};
use super::backend::Backend;
use super::group::Group;
use super::line::Waiter;
use super::pace;
use super::sharing::Sharing;
use super::special::{Holding, Served, Special};
use std::collections::VecDeque;

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
