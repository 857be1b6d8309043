//! An attempt at a request, and where attempts are kept.

use crate::slab::NIL;
use std::ops::{Index, IndexMut};

/// One attempt at a request, from being sent to its end. Half a cache line: with its request it fills one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attempt {
    /// The service it takes at its backend, in nanoseconds; until it is there, the work; once it is done, the worker-time that it took.
    pub service: u64,
    /// How long it has waited: at its balancer when it is sent, in all once it is in service. In between: the instant from which it waits.
    pub wait: u64,
    /// When it was sent.
    pub sent: u64,
    /// Where it was sent.
    pub backend: u32,
    /// The next attempt that waits at the same backend, where that is simple; else its [`Stage`] there.
    pub(super) link: u32,
}

/// Wherever attempts are kept: found by their id.
pub trait Attempts: IndexMut<u32, Output = Attempt> {
    /// The key of an attempt's request, for caches.
    fn key(&self, attempt: u32) -> u64;
}

/// Attempts in a plain list, for whoever drives a fleet by hand. Their keys are their numbers.
#[derive(Clone, Debug, Default)]
pub struct Kept(pub Vec<Attempt>);

impl Kept {
    /// Attempts at backend 0 with these works, sent at 0.
    #[must_use]
    pub fn of(works: &[u64]) -> Self {
        Self(works.iter().map(|&work| Attempt::new(work, 0, 0, 0)).collect())
    }
}

impl Index<u32> for Kept {
    type Output = Attempt;
    fn index(&self, attempt: u32) -> &Attempt {
        &self.0[attempt as usize]
    }
}

impl IndexMut<u32> for Kept {
    fn index_mut(&mut self, attempt: u32) -> &mut Attempt {
        &mut self.0[attempt as usize]
    }
}

impl Attempts for Kept {
    fn key(&self, attempt: u32) -> u64 {
        attempt.into()
    }
}

/// Where an attempt is at a backend that is not simple, each with its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Serving(u32),
    Waiting(u32),
    /// Its work is done, and it keeps its worker.
    Holding(u32),
    /// It is not there: on its way, or done, or lost.
    Gone,
}

/// The lower bits of a link say where; the upper two say what it does there. A thousand million attempts in the system are the most.
pub(super) const PLACES: u32 = (1 << 30) - 1;

impl Attempt {
    /// An attempt with so much work that is sent now, its request having been held so long.
    #[inline]
    #[must_use]
    pub fn new(work: u64, backend: u32, sent: u64, held: u64) -> Self {
        Self { service: work, wait: held, sent, backend, link: NIL }
    }

    #[inline]
    pub(super) fn stage(&self) -> Stage {
        let place = self.link & PLACES;
        match self.link >> 30 {
            0 => Stage::Serving(place),
            1 => Stage::Waiting(place),
            2 => Stage::Holding(place),
            _ => Stage::Gone,
        }
    }

    #[inline]
    pub(super) fn set_stage(&mut self, stage: Stage) {
        self.link = match stage {
            Stage::Serving(place) => place,
            Stage::Waiting(place) => 1 << 30 | place,
            Stage::Holding(place) => 2 << 30 | place,
            Stage::Gone => NIL,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_says_where_an_attempt_is() {
        assert_eq!(std::mem::size_of::<Attempt>(), 32);
        let mut attempt = Attempt::new(1, 0, 0, 0);
        assert_eq!(attempt.stage(), Stage::Gone);
        for stage in [Stage::Serving(0), Stage::Waiting(7), Stage::Holding(PLACES), Stage::Serving(PLACES), Stage::Gone] {
            attempt.set_stage(stage);
            assert_eq!(attempt.stage(), stage);
        }
    }
}
