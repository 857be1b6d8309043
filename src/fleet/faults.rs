//! What can happen to a backend besides service: attempts that are cancelled, and faults.
//!
//! Four conditions of a backend are independent of each other, and each is ended by its own end: it is *down*, it *hangs*, it is *paused*, its *speed* is
//! changed. Whoever counts nested faults calls these functions only where a condition changes.
//!
//! | | what is there | what comes | when it ends |
//! | --- | --- | --- | --- |
//! | down (`crash`) | is lost | is refused | it is empty, its cache too |
//! | hangs | stays in flight, and is never answered | likewise | it is empty, its cache too |
//! | paused | stays, and keeps the work that it has had | waits, if there is room | service goes on, and free workers begin |
//! | speed | takes the rest of its time at the new speed | is served at it | likewise |
//!
//! Down goes before hanging: what comes is refused. Who is cancelled while his backend is paused leaves at once; nobody begins in his place before the end.
//! A change of speed during any of the others holds from its end on. While a backend is paused, its workers count as idle: what is measured as busy is
//! work done.
//!
//! None of these touches the number in flight: whoever hears that an attempt has ended calls [`Fleet::answered`], once for each attempt, be it
//! that its answer arrives, that it is given up (its service may go on: then its completion comes without an answer), or that it is lost. An attempt
//! that is not at its backend (any more) is nobody's business here: to cancel it or to let it go does nothing.

use super::Fleet;
use super::attempt::{Attempts, Stage};
use super::special::Special;
use super::step::Step;
use crate::slab::NIL;

/// So many that wait are looked at one by one for somebody who is cancelled; beyond, the backend learns where each of them is. Who has waited longest
/// usually gives up first, and is found at once.
const NEAR: usize = 16;

/// An attempt that was taken out of its backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancelled {
    /// The time of a busy worker that it has had, in nanoseconds; with processor sharing the sum of its shares, to the nanosecond.
    pub served: u64,
}

impl Fleet {
    /// Takes an attempt out of its backend at once, whether it waits, is in service or keeps a worker. A free worker goes on with the next.
    pub fn cancel(&mut self, attempts: &mut impl Attempts, id: u32, now: u64) -> Cancelled {
        let number = attempts[id].backend;
        let backend = &self.backends[number as usize];
        let served = if !backend.is_simple() {
            self.cancel_specially(attempts, id, now)
        } else if backend.waiting.head == id {
            self.stop(attempts, number, now)
        } else {
            match self.near(attempts, id) {
                Some(NIL) => 0,
                Some(before) => self.step_out(attempts, id, before, now),
                None => self.cancel_specially(attempts, id, now),
            }
        };
        Cancelled { served }
    }

    fn cancel_specially(&mut self, attempts: &mut impl Attempts, id: u32, now: u64) -> u64 {
        let number = attempts[id].backend;
        self.interrupt(attempts, number, now, |step, attempts| {
            let served = step.remove(attempts, id);
            step.fill(attempts);
            served
        })
    }

    /// Who waits just before an attempt at a simple backend, or `NIL` if it is not there; `None` if that is not found out soon.
    fn near(&self, attempts: &impl Attempts, id: u32) -> Option<u32> {
        let mut before = self.backends[attempts[id].backend as usize].waiting.head;
        for _ in 0..NEAR {
            if before == NIL || attempts[before].link == id {
                return Some(before);
            }
            before = attempts[before].link;
        }
        None
    }

    /// The one in service at a simple backend goes, and the next begins.
    fn stop(&mut self, attempts: &mut impl Attempts, number: u32, now: u64) -> u64 {
        let left = self.completions.due(number) - now;
        let backend = &mut self.backends[number as usize];
        backend.work = backend.work.wrapping_sub(left);
        let (stopped, _) = self.complete(attempts, number, now, false);
        attempts[stopped].service.saturating_sub(left)
    }

    /// One that waits at a simple backend goes.
    fn step_out(&mut self, attempts: &mut impl Attempts, id: u32, before: u32, now: u64) -> u64 {
        let number = attempts[id].backend as usize;
        let backend = &mut self.backends[number];
        backend.settle(&mut self.rest[number], now);
        backend.waiting.remove_after(attempts, before);
        backend.work = backend.work.wrapping_sub(attempts[id].service);
        attempts[id].wait = now - attempts[id].wait;
        0
    }

    /// Whether an attempt that is at its backend is in service there, or keeps its worker; else it waits.
    #[must_use]
    pub fn is_served(&self, attempts: &impl Attempts, id: u32) -> bool {
        let backend = &self.backends[attempts[id].backend as usize];
        if backend.is_simple() {
            return backend.waiting.head == id;
        }
        matches!(attempts[id].stage(), Stage::Serving(_) | Stage::Holding(_))
    }

    /// An attempt whose work is done keeps its worker no longer, which goes on with the next. Its time counts from the beginning of its own work.
    pub fn let_go(&mut self, attempts: &mut impl Attempts, id: u32, now: u64) -> Cancelled {
        let number = attempts[id].backend as usize;
        let special = self.rest[number].special.as_ref().filter(|_| !self.backends[number].is_simple());
        let is_kept = special.is_some_and(|special| special.is_kept(id, attempts[id].stage()));
        Cancelled { served: if is_kept { self.cancel_specially(attempts, id, now) } else { 0 } }
    }

    /// A backend goes down: everything there is lost, in order of coming, each with the worker-time that it has had. What comes is refused.
    pub fn crash(&mut self, attempts: &mut impl Attempts, backend: u32, now: u64) -> Vec<(u32, u64)> {
        self.interrupt(attempts, backend, now, |step, attempts| {
            step.special.is_down = true;
            step.clear(attempts)
        })
    }

    /// A backend that was down is back.
    pub fn restart(&mut self, attempts: &mut impl Attempts, backend: u32, now: u64) {
        self.interrupt(attempts, backend, now, |step, _| step.special.is_down = false);
    }

    /// A backend hangs: everything there stays in flight and is never answered, so it is forgotten here; who that is, in order of coming, each with the
    /// worker-time that it has had. What comes is swallowed.
    pub fn hang(&mut self, attempts: &mut impl Attempts, backend: u32, now: u64) -> Vec<(u32, u64)> {
        self.interrupt(attempts, backend, now, |step, attempts| {
            step.special.is_hung = true;
            step.clear(attempts)
        })
    }

    /// A backend that hung answers again.
    pub fn unhang(&mut self, attempts: &mut impl Attempts, backend: u32, now: u64) {
        self.interrupt(attempts, backend, now, |step, _| step.special.is_hung = false);
    }

    /// A backend stands still. It takes what comes.
    pub fn pause(&mut self, attempts: &mut impl Attempts, backend: u32, now: u64) {
        self.interrupt(attempts, backend, now, |step, _| step.special.pace.pause(now));
    }

    /// A backend that was paused goes on.
    pub fn resume(&mut self, attempts: &mut impl Attempts, backend: u32, now: u64) {
        self.interrupt(attempts, backend, now, |step, attempts| {
            step.special.pace.resume(now);
            step.fill(attempts);
        });
    }

    /// A backend's speed is its group's times `factor` from now on: from 2^-52 to 2^20, which what is beyond is taken for.
    pub fn set_speed(&mut self, attempts: &mut impl Attempts, backend: u32, factor: f64, now: u64) {
        let rose = self.interrupt(attempts, backend, now, |step, _| {
            let before = step.special.backlog(step.backend);
            step.set_factor(factor);
            (before..step.special.backlog(step.backend)).contains(&step.group.backlog_limit)
        });
        if rose {
            self.rest[backend as usize].rose_at = now;
        }
    }

    /// The next attempt that a backend has shed and that has not been taken from here yet, in order.
    #[inline]
    pub fn take_shed(&mut self) -> Option<u32> {
        if self.shed.is_empty() { None } else { self.shed.pop_front() }
    }

    /// Something happens to a backend, which is not simple from then on, if it was.
    fn interrupt<A: Attempts, T>(&mut self, attempts: &mut A, number: u32, now: u64, act: impl FnOnce(&mut Step<'_>, &mut A) -> T) -> T {
        let (backend, rest) = (&mut self.backends[number as usize], &mut self.rest[number as usize]);
        if backend.is_simple() {
            let special = rest.special.get_or_insert_with(|| Box::new(Special::visitor()));
            special.visit(attempts, backend.waiting.head, self.completions.due(number));
            backend.set_simple(false);
        }
        self.step(number, now, |step| act(step, attempts))
    }

    /// Does something at a backend that is not simple; then notes who is busy there and what is done next.
    #[inline]
    pub(super) fn step<T>(&mut self, number: u32, now: u64, act: impl FnOnce(&mut Step<'_>) -> T) -> T {
        let (backend, rest) = (&mut self.backends[number as usize], &mut self.rest[number as usize]);
        backend.settle(rest, now);
        let group = &self.groups[backend.group()];
        let special = rest.special.as_mut().expect("a backend that is not simple has it");
        let mut step = Step { now, backend, special, group, shed: &mut self.shed };
        let result = act(&mut step);
        backend.busy = special.busy(group.workers);
        let next = special.next_done();
        if next != self.completions.due(number) {
            self.completions.set(number, next);
        }
        if special.may_leave() {
            backend.set_simple(true);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, group};
    use super::super::{Accepted, GroupPlan};
    use crate::scenario::Discipline;

    /// All come at 0, or at the multiples of 10 that are given.
    fn bench(workers: u32, discipline: Discipline, works: &[u64]) -> Bench {
        let mut bench = Bench::new(group(workers, discipline), works);
        (0..works.len() as u32).for_each(|id| assert_eq!(bench.come(id, 0), Accepted::Yes));
        bench
    }

    #[test]
    fn when_the_one_in_service_is_cancelled_the_next_begins() {
        // Two workers: 0 until 100, 1 until 50; 2 and 3 wait. At 20, 1 is cancelled: 2 has its worker until 20 + 30 = 50, then 3 until 60.
        let mut bench = bench(2, Discipline::Fifo, &[100, 50, 30, 10]);
        assert_eq!(bench.cancel(1, 20), 20);
        assert_eq!(bench.fleet.cancel(&mut bench.attempts, 1, 25).served, 0, "it is gone");
        assert_eq!(bench.until(200), [(50, 2), (60, 3), (100, 0)]);
        assert_eq!((bench.attempts[2].wait, bench.attempts[3].wait), (20, 50));
        // 100 + 20 + 30 + 10.
        assert_eq!(bench.books(200), (160, 160, 0));
    }

    #[test]
    fn who_waits_may_be_cancelled_under_every_discipline() {
        for discipline in [Discipline::Fifo, Discipline::Lifo, Discipline::Priority, Discipline::AdaptiveLifo] {
            let mut bench = bench(1, discipline, &[10, 20, 30, 40]);
            assert_eq!(bench.cancel(2, 5), 0);
            assert_eq!(bench.books(5), (70, 5, 65));
            let order: Vec<u32> = bench.until(100).into_iter().map(|(_, id)| id).collect();
            let newest_first = discipline == Discipline::Lifo || discipline == Discipline::AdaptiveLifo;
            assert_eq!(order, if newest_first { [0, 3, 1] } else { [0, 1, 3] }, "{discipline:?}");
            assert_eq!(bench.books(100), (70, 70, 0));
        }
    }

    #[test]
    fn a_shared_worker_is_given_to_the_others() {
        // At 20 each of two has had 10 of 30; alone, the other needs 20 more.
        let mut bench = bench(1, Discipline::ProcessorSharing, &[30, 30]);
        assert_eq!(bench.cancel(0, 20), 10);
        assert_eq!(bench.until(100), [(40, 1)]);
        assert_eq!(bench.books(100), (40, 40, 0));
    }

    #[test]
    fn a_crash_loses_everybody_in_order_of_coming_and_refuses_until_the_restart() {
        let mut bench = bench(1, Discipline::Lifo, &[10, 20, 30, 40]);
        // 0 until 10, then 3, which has had 15 at 25.
        assert_eq!(bench.until(10), [(10, 0)]);
        assert_eq!(bench.fleet.crash(&mut bench.attempts, 0, 25), [(1, 0), (2, 0), (3, 15)]);
        assert_eq!(bench.books(25), (25, 25, 0));
        assert_eq!(bench.come(0, 30), Accepted::Refused);
        assert_eq!(bench.until(1000), []);
        bench.fleet.restart(&mut bench.attempts, 0, 40);
        bench.attempts[1].service = 5;
        assert_eq!(bench.come(1, 50), Accepted::Yes);
        assert_eq!(bench.until(1000), [(55, 1)]);
    }

    #[test]
    fn who_hangs_swallows_and_forgets() {
        let mut bench = bench(1, Discipline::Fifo, &[10, 20]);
        assert_eq!(bench.fleet.hang(&mut bench.attempts, 0, 4), [(0, 4), (1, 0)]);
        assert_eq!(bench.come(1, 5), Accepted::Swallowed);
        assert_eq!(bench.fleet.cancel(&mut bench.attempts, 1, 6).served, 0);
        // Down goes before hanging.
        assert_eq!(bench.fleet.crash(&mut bench.attempts, 0, 7), []);
        assert_eq!(bench.come(1, 8), Accepted::Refused);
        bench.fleet.unhang(&mut bench.attempts, 0, 9);
        bench.fleet.restart(&mut bench.attempts, 0, 9);
        bench.attempts[1].service = 20;
        assert_eq!(bench.come(1, 10), Accepted::Yes);
        assert_eq!(bench.until(100), [(30, 1)]);
        assert_eq!(bench.books(100), (24, 24, 0));
    }

    #[test]
    fn a_pause_keeps_the_work_that_is_done() {
        for discipline in [Discipline::Fifo, Discipline::ProcessorSharing] {
            let mut bench = Bench::new(group(1, discipline), &[10, 20]);
            assert_eq!(bench.come(0, 0), Accepted::Yes);
            bench.fleet.pause(&mut bench.attempts, 0, 4);
            assert_eq!(bench.fleet.ready_at(0), u64::MAX - 1);
            assert_eq!(bench.until(1000), []);
            assert_eq!(bench.books(1000), (10, 4, 6), "{discipline:?}");
            bench.fleet.resume(&mut bench.attempts, 0, 1004);
            assert_eq!(bench.until(2000), [(1010, 0)]);
            assert_eq!(bench.books(2000), (10, 10, 0));
        }
    }

    #[test]
    fn nobody_begins_during_a_pause() {
        let mut bench = bench(1, Discipline::Fifo, &[10, 20, 30]);
        bench.fleet.pause(&mut bench.attempts, 0, 4);
        assert_eq!(bench.cancel(0, 8), 4);
        assert_eq!(bench.until(1000), []);
        bench.fleet.set_speed(&mut bench.attempts, 0, 0.5, 1000);
        bench.fleet.resume(&mut bench.attempts, 0, 1000);
        // 20 and 30 at half speed.
        assert_eq!(bench.until(2000), [(1040, 1), (1100, 2)]);
        assert_eq!((bench.attempts[1].wait, bench.attempts[2].wait), (1000, 1040));
        assert_eq!(bench.books(2000), (104, 104, 0));
    }

    #[test]
    fn a_crash_during_a_pause_leaves_the_pause() {
        let mut bench = bench(1, Discipline::Fifo, &[10, 20]);
        bench.fleet.pause(&mut bench.attempts, 0, 4);
        assert_eq!(bench.fleet.crash(&mut bench.attempts, 0, 6), [(0, 4), (1, 0)]);
        bench.fleet.restart(&mut bench.attempts, 0, 10);
        bench.attempts[1].service = 20;
        assert_eq!(bench.come(1, 12), Accepted::Yes);
        assert_eq!(bench.until(100), []);
        bench.fleet.resume(&mut bench.attempts, 0, 100);
        assert_eq!(bench.until(200), [(120, 1)]);
    }

    #[test]
    fn a_new_speed_is_for_the_rest_and_setting_it_back_leaves_no_trace() {
        let mut bench = bench(1, Discipline::Fifo, &[100, 100]);
        // 40 done at 40; the other 60 take 180 at a third of the speed.
        bench.fleet.set_speed(&mut bench.attempts, 0, 1.0 / 3.0, 40);
        assert_eq!(bench.fleet.next_completion().at, 220);
        assert_eq!(bench.books(40), (220 + 100, 40, 180 + 300));
        bench.fleet.set_speed(&mut bench.attempts, 0, 7.0, 40);
        bench.fleet.set_speed(&mut bench.attempts, 0, 1.0, 40);
        assert_eq!(bench.fleet.next_completion().at, 100);
        assert_eq!(bench.books(40), (200, 40, 160));
        // A thousand changes between, and what is left is still exact: 50 at half speed and 50 at full.
        for at in 0..1000 {
            bench.fleet.set_speed(&mut bench.attempts, 0, if at % 2 == 0 { 0.3 } else { 1.0 / 0.3 }, 50);
        }
        bench.fleet.set_speed(&mut bench.attempts, 0, 0.5, 50);
        assert_eq!(bench.until(1000), [(150, 0), (350, 1)]);
        assert_eq!(bench.attempts[0].service, 150);
        assert_eq!(bench.books(1000), (350, 350, 0));
    }

    fn holding(workers: u32) -> GroupPlan {
        GroupPlan { holds_worker: true, ..group(workers, Discipline::Fifo) }
    }

    #[test]
    fn a_worker_is_kept_until_it_is_let_go() {
        let mut bench = Bench::new(holding(1), &[10, 20]);
        (0..2).for_each(|id| assert_eq!(bench.come(id, 0), Accepted::Yes));
        assert_eq!(bench.until(100), [(10, 0)]);
        // 10 of work and 90 of keeping; 20 are to be done.
        assert_eq!(bench.books(100), (30 + 90, 100, 20));
        bench.fleet.let_go(&mut bench.attempts, 0, 100);
        bench.fleet.let_go(&mut bench.attempts, 0, 100);
        assert_eq!(bench.until(200), [(120, 1)]);
        bench.fleet.pause(&mut bench.attempts, 0, 130);
        bench.fleet.resume(&mut bench.attempts, 0, 170);
        assert_eq!(bench.fleet.cancel(&mut bench.attempts, 1, 180).served, 20 + 10 + 10);
        assert_eq!(bench.books(200), (140, 140, 0));
    }

    #[test]
    fn who_keeps_a_worker_is_lost_in_a_crash() {
        let mut bench = Bench::new(holding(2), &[10, 20, 5]);
        (0..3).for_each(|id| assert_eq!(bench.come(id, 0), Accepted::Yes));
        assert_eq!(bench.until(25), [(10, 0), (20, 1)]);
        assert_eq!(bench.fleet.crash(&mut bench.attempts, 0, 30), [(0, 30), (1, 30), (2, 0)]);
        bench.fleet.let_go(&mut bench.attempts, 0, 40);
        assert_eq!(bench.books(40), (60, 60, 0));
    }

    #[test]
    fn a_zombie_leaves_the_number_in_flight_before_it_is_done() {
        let mut bench = bench(1, Discipline::Fifo, &[10, 20]);
        let zombie = bench.attempts[0];
        bench.fleet.answered(&zombie, 3);
        let account = |bench: &mut Bench, now| bench.fleet.accounts(now).next().expect("there is one backend");
        assert_eq!(account(&mut bench, 5).in_flight, 1);
        assert_eq!(bench.fleet.complete(&mut bench.attempts, 0, 10, false).0, 0);
        assert_eq!(bench.until(100), [(30, 1)]);
        let account = account(&mut bench, 100);
        assert_eq!((account.in_flight, account.flight_area, account.sojourn), (0, 33, 33));
    }

    #[test]
    fn a_simple_backend_is_simple_again_when_all_is_over() {
        let mut bench = bench(1, Discipline::Fifo, &[10, 20, 30, 40]);
        let is_simple = |bench: &Bench| bench.fleet.backends[0].is_simple();
        assert_eq!((bench.cancel(2, 4), bench.cancel(0, 4), is_simple(&bench)), (0, 4, true));
        bench.fleet.pause(&mut bench.attempts, 0, 14);
        assert!(!is_simple(&bench));
        bench.fleet.resume(&mut bench.attempts, 0, 114);
        assert_eq!((bench.until(200), is_simple(&bench)), (vec![(124, 1), (164, 3)], true));
        assert_eq!(bench.attempts[3].wait, 124);
        // And again, in the box that is there.
        bench.attempts[0].service = 50;
        assert_eq!(bench.come(0, 200), Accepted::Yes);
        assert_eq!(bench.fleet.cancel(&mut bench.attempts, 3, 205).served, 0, "it is long gone");
        bench.fleet.set_speed(&mut bench.attempts, 0, 0.5, 210);
        assert_eq!(bench.fleet.cancel(&mut bench.attempts, 1, 215).served, 0, "it is long gone");
        bench.fleet.set_speed(&mut bench.attempts, 0, 1.0, 230);
        assert_eq!((bench.until(1000), is_simple(&bench)), (vec![(260, 0)], true));
        assert_eq!(bench.books(1000), (4 + 20 + 40 + 60, 124, 0));
    }

    #[test]
    fn whoever_gives_up_in_the_midst_of_a_long_queue_is_found() {
        let mut bench = bench(1, Discipline::Fifo, &[10; 100]);
        for id in [70, 99, 98, 3, 71, 69] {
            assert_eq!(bench.cancel(id, 5), 0);
        }
        let done: Vec<u32> = bench.until(10_000).into_iter().map(|(_, id)| id).collect();
        assert_eq!(done, (0..98).filter(|id| ![3, 69, 70, 71].contains(id)).collect::<Vec<_>>());
        assert_eq!(bench.books(10_000), (940, 940, 0));
        assert!(bench.fleet.backends[0].is_simple());
    }
}
