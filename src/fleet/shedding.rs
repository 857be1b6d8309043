//! Shedding: giving up on some who wait, so that the others do not wait too long.
//!
//! Both rules look at somebody whose turn it is. `max_wait`: who has waited longer is shed. `shed`: *CoDel* (controlled delay, RFC 8289), which tells a
//! queue that merely takes up a burst from one that stands: when everybody has waited for longer than `target` for a whole `interval`, it sheds one, the
//! next after interval ÷ √1, then interval ÷ √2, and so on, ever faster, until somebody's wait is below the target. When that soon begins again it goes on
//! about where it had stopped. A packet is a request here: while no more than one is left behind, nothing is shed, as the worker must not run dry. Who
//! is shed because of `max_wait` was never there for CoDel.

use super::line::Waiter;
use crate::time::round_ns;

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
    pub(super) fn next(
        &mut self,
        now: u64,
        mut take: impl FnMut() -> Option<(Waiter, usize)>,
        shed: &mut impl FnMut(Waiter),
    ) -> Option<Waiter> {
        let max_wait = self.max_wait;
        let mut shed_late = Vec::new();
        let mut take_in_time = || loop {
            match take() {
                Some((waiter, _)) if now - waiter.at > max_wait => shed_late.push(waiter),
                other => return other,
            }
        };
        let next = match &mut self.codel {
            None => take_in_time().map(|(waiter, _)| waiter),
            Some(codel) => codel.next(now, take_in_time, shed),
        };
        shed_late.into_iter().for_each(shed);
        next
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
    fn next(&mut self, now: u64, mut take: impl FnMut() -> Option<(Waiter, usize)>, shed: &mut impl FnMut(Waiter)) -> Option<Waiter> {
        let (mut waiter, mut may_drop) = self.look(now, take());
        if self.is_dropping {
            self.is_dropping = may_drop;
            while self.is_dropping && now >= self.drop_at {
                waiter.into_iter().for_each(&mut *shed);
                self.count += 1;
                (waiter, may_drop) = self.look(now, take());
                if may_drop {
                    self.drop_at = self.after(self.drop_at);
                } else {
                    self.is_dropping = false;
                }
            }
        } else if may_drop {
            waiter.into_iter().for_each(&mut *shed);
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
