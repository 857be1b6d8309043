//! Shedding: giving up on some who wait, so that the others do not wait too long.
//!
//! Both rules look at somebody whose turn it is. `max_wait`: who has waited longer is shed. `shed`: *CoDel* (controlled delay, RFC 8289), which tells a
//! queue that merely takes up a burst from one that stands: when everybody has waited for longer than `target` for a whole `interval`, it sheds one, the
//! next after interval ÷ √1, then interval ÷ √2, and so on, ever faster, until somebody's wait is below the target. When that soon begins again it goes on
//! about where it had stopped. A packet is a request here: while no more than one is left behind, nothing is shed, as the worker must not run dry. Who
//! is shed because of `max_wait` was never there for CoDel.

use super::line::Waiter;
use crate::time::round_ns;
use std::cell::RefCell;

/// The rules of one backend and how they stand.
#[derive(Clone, Debug)]
pub(super) struct Shedder {
    max_wait: u64,
    codel: Option<Codel>,
}

impl Shedder {
    /// `shed` is (target, interval). `None` where nothing is ever shed.
    pub(super) fn new(shed: Option<(u64, u64)>, max_wait: Option<u64>) -> Option<Box<Self>> {
        let codel = shed.map(|(target, interval)| Codel::new(target, interval));
        (codel.is_some() || max_wait.is_some()).then(|| Box::new(Self { max_wait: max_wait.unwrap_or(u64::MAX), codel }))
    }

    /// Who is served next. `take` gives whose turn it is, with how many are left behind; all whom `shed` is told of are not served.
    pub(super) fn next(&mut self, now: u64, mut take: impl FnMut() -> Option<(Waiter, usize)>, shed: impl FnMut(Waiter)) -> Option<Waiter> {
        let (max_wait, shed) = (self.max_wait, RefCell::new(shed));
        let mut take_in_time = || loop {
            match take() {
                Some((waiter, _)) if now - waiter.at > max_wait => (shed.borrow_mut())(waiter),
                other => return other,
            }
        };
        match &mut self.codel {
            None => take_in_time().map(|(waiter, _)| waiter),
            Some(codel) => codel.next(now, take_in_time, |waiter| (shed.borrow_mut())(waiter)),
        }
    }

    /// Somebody is served without waiting.
    pub(super) fn passes(&mut self) {
        if let Some(codel) = &mut self.codel {
            (codel.above_at, codel.is_dropping) = (None, false);
        }
    }

    /// Forgets what it has seen.
    pub(super) fn reset(&mut self) {
        if let Some(codel) = &mut self.codel {
            *codel = Codel::new(codel.target, codel.interval);
        }
    }
}

/// CoDel, named as in section 5 of RFC 8289.
#[derive(Clone, Debug)]
struct Codel {
    target: u64,
    interval: u64,
    /// `first_above_time`: if waits stay above the target until then, some are shed.
    above_at: Option<u64>,
    is_dropping: bool,
    /// `drop_next`, `count` and `lastcount`.
    drop_at: u64,
    count: u32,
    last_count: u32,
}

impl Codel {
    fn new(target: u64, interval: u64) -> Self {
        Self { target, interval, above_at: None, is_dropping: false, drop_at: 0, count: 0, last_count: 0 }
    }

    /// `deque`.
    fn next(&mut self, now: u64, mut take: impl FnMut() -> Option<(Waiter, usize)>, mut shed: impl FnMut(Waiter)) -> Option<Waiter> {
        let (mut waiter, mut may_drop) = self.look(now, take());
        if self.is_dropping {
            self.is_dropping = may_drop;
            while self.is_dropping && now >= self.drop_at {
                waiter.into_iter().for_each(&mut shed);
                self.count += 1;
                (waiter, may_drop) = self.look(now, take());
                if may_drop {
                    self.drop_at = self.after(self.drop_at);
                } else {
                    self.is_dropping = false;
                }
            }
        } else if may_drop {
            waiter.into_iter().for_each(&mut shed);
            (waiter, _) = self.look(now, take());
            self.is_dropping = true;
            let is_soon = now < self.drop_at.saturating_add(self.interval.saturating_mul(16));
            let delta = self.count - self.last_count;
            self.count = if delta > 1 && is_soon { delta } else { 1 };
            self.drop_at = self.after(now);
            self.last_count = self.count;
        }
        waiter
    }

    /// `dodequeue`: whether who was taken may be shed.
    fn look(&mut self, now: u64, taken: Option<(Waiter, usize)>) -> (Option<Waiter>, bool) {
        let Some((waiter, behind)) = taken else {
            self.above_at = None;
            return (None, false);
        };
        if now - waiter.at < self.target || behind <= 1 {
            self.above_at = None;
            return (Some(waiter), false);
        }
        let above_at = *self.above_at.get_or_insert(now.saturating_add(self.interval));
        (Some(waiter), now >= above_at)
    }

    /// `control_law`. (A square root is exact by IEEE 754, so it is the same everywhere.)
    fn after(&self, at: u64) -> u64 {
        at.saturating_add(round_ns(self.interval as f64 / f64::from(self.count).sqrt()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::GroupPlan;
    use super::super::testing::{Bench, group};
    use crate::scenario::Discipline;

    /// All that a backend has shed so far.
    fn shed(bench: &mut Bench) -> Vec<u32> {
        std::iter::from_fn(|| bench.fleet.take_shed()).collect()
    }

    #[test]
    fn who_has_waited_too_long_is_shed_when_its_turn_comes() {
        let mut bench = Bench::new(GroupPlan { max_wait: Some(15), ..group(1, Discipline::Fifo) }, &[10, 10, 10, 10, 3]);
        (0..4).for_each(|id| _ = bench.come(id, 0));
        assert_eq!(bench.until(15), [(10, 0)]);
        _ = bench.come(4, 15);
        // At 20 the two that are left have waited 20; the last one has waited 5.
        assert_eq!((bench.until(100), shed(&mut bench)), (vec![(20, 1), (23, 4)], vec![2, 3]));
        assert_eq!((bench.attempts[2].wait, bench.attempts[4].wait), (20, 5));
        assert_eq!(bench.books(100), (23, 23, 0));
    }

    /// Sixty that take 10 each, all there at 0: one ends every 10, having waited ever longer. A target of 30 and an interval of 100.
    fn standing() -> Bench {
        let plan = GroupPlan { shed: Some((30, 100)), ..group(1, Discipline::Fifo) };
        let mut bench = Bench::new(plan, &[10; 60]);
        (0..60).for_each(|id| _ = bench.come(id, 0));
        bench
    }

    #[test]
    fn codel_sheds_ever_faster_while_a_queue_stands() {
        let mut bench = standing();
        let mut when = Vec::new();
        for now in (10..1000).step_by(10) {
            let _ = bench.until(now);
            when.extend(shed(&mut bench).into_iter().map(|_| now));
        }
        // Waits are 30 and more from 30 on: the first is shed an interval later. Then after 100, 100 ÷ √2 = 71, 100 ÷ √3 = 58, 50, 45, 41: at 230, 301, 359,
        // 409, 454, 495, each at the next turn.
        assert_eq!(when[..7], [130, 230, 310, 360, 410, 460, 500]);
        // All that is left waits too long, and the last two are never shed.
        assert_eq!(bench.books(1000).2, 0);
    }

    #[test]
    fn codel_leaves_a_burst_alone() {
        let plan = GroupPlan { shed: Some((30, 100)), ..group(1, Discipline::Fifo) };
        let mut bench = Bench::new(plan, &[10; 12]);
        (0..12).for_each(|id| _ = bench.come(id, 0));
        assert_eq!((bench.until(1000).len(), shed(&mut bench)), (12, vec![]));
    }

    #[test]
    fn codel_goes_on_where_it_stopped_if_the_queue_soon_stands_again() {
        let mut bench = standing();
        let _ = bench.until(1000);
        let first = shed(&mut bench).len();
        for id in 0..60 {
            bench.attempts[id].service = 10;
            bench.attempts[id].wait = 0;
            _ = bench.come(id, 1000);
        }
        let mut when = Vec::new();
        for now in (1010..2000).step_by(10) {
            let _ = bench.until(now);
            when.extend(shed(&mut bench).into_iter().map(|_| now));
        }
        // It had come to seven, six more than where it had begun: the second goes after 100 ÷ √6 = 41, at the next turn.
        assert_eq!((first, when[0], when[1]), (7, 1130, 1180));
    }

    #[test]
    fn a_crash_forgets_what_was_seen() {
        let mut bench = standing();
        let _ = bench.until(125);
        assert_eq!(bench.fleet.crash(&mut bench.attempts, 0, 125).len(), 48);
        bench.fleet.restart(&mut bench.attempts, 0, 125);
        for id in 0..20 {
            bench.attempts[id].service = 10;
            bench.attempts[id].wait = 0;
            _ = bench.come(id, 130);
        }
        // 160 is when waits are too long again: nothing is shed before 260.
        let _ = bench.until(259);
        assert_eq!(shed(&mut bench), [0_u32; 0]);
        let _ = bench.until(260);
        assert_eq!(shed(&mut bench).len(), 1);
    }
}
