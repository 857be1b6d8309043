//! For tests: attempts in a plain list, and a fleet with one backend.

use super::{Accepted, Attempt, Attempts, Fleet, GroupPlan};
use crate::dist::Dist;
use crate::scenario::Discipline;
use std::ops::{Index, IndexMut};

/// Attempts, each at backend 0. Their keys are their numbers.
pub(super) struct Kept(Vec<Attempt>);

impl Kept {
    /// Attempts with these works, sent at 0.
    pub(super) fn of(works: &[u64]) -> Self {
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

/// One backend that may be interrupted.
pub(super) fn group(workers: u32, discipline: Discipline) -> GroupPlan {
    GroupPlan {
        name: "b".into(),
        count: 1,
        speed: 1.0,
        workers: Some(workers),
        discipline,
        overloaded_after: 0,
        shed: None,
        max_wait: None,
        queue: None,
        zone: None,
        network: Dist::Constant(0.0),
        address: None,
        per_in_flight: 0,
        cache: None,
        initially: 1,
        is_interrupted: true,
        holds_worker: false,
    }
}

/// That backend with its attempts, and what happened there.
pub(super) struct Bench {
    pub(super) fleet: Fleet,
    pub(super) attempts: Kept,
}

impl Bench {
    pub(super) fn new(group: GroupPlan, works: &[u64]) -> Self {
        Self { fleet: Fleet::new(&[group], 1e9), attempts: Kept::of(works) }
    }

    /// An attempt is sent and comes.
    pub(super) fn come(&mut self, id: u32, now: u64) -> Accepted {
        self.attempts[id].sent = now;
        self.fleet.accept(&mut self.attempts, id, 0, now, true)
    }

    /// All completions up to an instant, it included: (when, who).
    pub(super) fn until(&mut self, end: u64) -> Vec<(u64, u32)> {
        let mut done = Vec::new();
        while self.fleet.next_completion().at <= end && self.fleet.next_completion().at < u64::MAX {
            let at = self.fleet.next_completion().at;
            done.push((at, self.fleet.complete(&mut self.attempts, 0, at, true).0));
        }
        done
    }

    /// An attempt is cancelled, and its caller knows: the worker-time that it has had.
    pub(super) fn cancel(&mut self, id: u32, now: u64) -> u64 {
        let cancelled = self.fleet.cancel(&mut self.attempts, id, now);
        self.fleet.answered(&self.attempts[id], now);
        cancelled.served
    }

    /// (work, ∫ busy, backlog) at an instant.
    pub(super) fn books(&mut self, now: u64) -> (u64, u128, u64) {
        let account = self.fleet.accounts(now).next().expect("there is one backend");
        (account.work, account.busy_area, account.backlog)
    }
}
