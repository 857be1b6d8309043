//! For tests: a fleet with one backend, driven by hand.

use super::{Accepted, Fleet, GroupPlan, Kept};
use crate::scenario::Discipline;

/// One backend that may be interrupted.
pub(super) fn group(workers: u32, discipline: Discipline) -> GroupPlan {
    GroupPlan { workers: Some(workers), discipline, is_interrupted: true, ..GroupPlan::equal("b", 1) }
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
