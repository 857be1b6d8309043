//! One backend as every event looks at it: its areas, its numbers, and the list of those who wait where it is simple.

use super::attempt::{Attempt, Attempts};
use super::group::GroupPlan;
use super::special::Special;
use crate::slab::NIL;

/// One backend, as far as every event looks at it: a cache line.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Backend {
    /// As of when the areas below are complete.
    pub(super) last: u64,
    /// ∫ in flight and ∫ busy workers, modulo 2^64: what goes over is counted in [`Rest`].
    pub(super) flight_area: u64,
    pub(super) busy_area: u64,
    /// Service that all attempts taken so far need, and time in flight of all that ended: modulo 2^64, as only differences and equality matter.
    pub(super) work: u64,
    pub(super) sojourn: u64,
    /// Attempts sent here and unanswered, and the most of them since the window opened.
    pub(super) in_flight: u32,
    pub(super) in_flight_max: u32,
    /// Workers that are busy.
    pub(super) busy: u32,
    pub(super) waiting: List,
    /// The group's number; with the highest bit set, it is not simple, or not now. (Simple: one worker, first in first out, no queue limit, nothing that
    /// changes service; the one in service then stays at the head of `waiting`.)
    kind: u32,
}

/// The bit of [`Backend::kind`] that says it has a [`Special`].
const SPECIAL: u32 = 1 << 31;

/// What a plain request at a backend that keeps up never touches.
#[derive(Debug, Default)]
pub(super) struct Rest {
    pub(super) flight_overflows: u64,
    pub(super) busy_overflows: u64,
    /// When the backlog last rose above the limit.
    pub(super) rose_at: u64,
    /// Counts only while the backend is not simple.
    pub(super) special: Option<Box<Special>>,
}

impl Backend {
    pub(super) fn new(plan: &GroupPlan, group: u32) -> Self {
        Self {
            last: 0,
            flight_area: 0,
            busy_area: 0,
            work: 0,
            sojourn: 0,
            in_flight: 0,
            in_flight_max: 0,
            busy: 0,
            waiting: List { head: NIL, tail: NIL },
            kind: if plan.is_simple() { group } else { group | SPECIAL },
        }
    }

    #[inline]
    pub(super) fn group(&self) -> usize {
        (self.kind & !SPECIAL) as usize
    }

    #[inline]
    pub(super) fn is_simple(&self) -> bool {
        self.kind & SPECIAL == 0
    }

    /// It is simple from now on, and nobody is there; or it is not.
    pub(super) fn set_simple(&mut self, is_simple: bool) {
        self.waiting = List { head: NIL, tail: NIL };
        self.kind = if is_simple { self.kind & !SPECIAL } else { self.kind | SPECIAL };
    }

    /// Brings the areas up to now.
    #[inline]
    pub(super) fn settle(&mut self, rest: &mut Rest, now: u64) {
        let passed = now - self.last;
        let (flight, flight_over) = grown(self.flight_area, passed, self.in_flight);
        let (busy, busy_over) = grown(self.busy_area, passed, self.busy);
        (self.flight_area, self.busy_area, self.last) = (flight, busy, now);
        if flight_over | busy_over > 0 {
            rest.flight_overflows += flight_over;
            rest.busy_overflows += busy_over;
        }
    }

    #[inline]
    pub(super) fn send(&mut self) {
        self.in_flight += 1;
        self.in_flight_max = self.in_flight_max.max(self.in_flight);
    }

    #[inline]
    pub(super) fn answered(&mut self, attempt: &Attempt, now: u64) {
        self.in_flight -= 1;
        self.sojourn = self.sojourn.wrapping_add(now - attempt.sent);
    }

    /// Unfinished service at a simple backend, as of the last settling.
    #[inline]
    pub(super) fn backlog(&self) -> u64 {
        difference(self.work, self.busy_area)
    }
}

/// What is left of some work, both modulo 2^64. Shared workers may be a nanosecond ahead of what was asked of them: then nothing.
#[inline]
pub(super) fn difference(work: u64, done: u64) -> u64 {
    let left = work.wrapping_sub(done);
    if left > u64::MAX / 2 { 0 } else { left }
}

/// An area grown by a time and a number: its lower 64 bits, and how often they have gone over.
#[inline]
fn grown(area: u64, passed: u64, number: u32) -> (u64, u64) {
    let sum = u128::from(area) + u128::from(passed) * u128::from(number);
    (sum as u64, (sum >> 64) as u64)
}

/// Waiting attempts, as a list through the attempts themselves.
#[derive(Debug)]
pub(super) struct List {
    pub(super) head: u32,
    pub(super) tail: u32,
}

impl List {
    #[inline]
    pub(super) fn push_last(&mut self, attempts: &mut impl Attempts, id: u32) {
        attempts[id].link = NIL;
        match self.tail {
            NIL => self.head = id,
            tail => attempts[tail].link = id,
        }
        self.tail = id;
    }

    /// Whoever stands behind somebody steps out.
    pub(super) fn remove_after(&mut self, attempts: &mut impl Attempts, before: u32) {
        let id = attempts[before].link;
        attempts[before].link = attempts[id].link;
        if self.tail == id {
            self.tail = before;
        }
    }
}
