//! What requests meet: backends with workers, a queue and a discipline.
//!
//! A backend is handed attempts, keeps those that wait in order, serves as many as it has workers, and knows the instant of its next completion;
//! [`tree::WinnerTree`] knows which backend is first. The integrals of requests in flight and of busy workers are kept here, exactly.
//!
//! One worker, first in first out, nothing special is what most backends are, and has a path of its own, in this file: the waiting attempts are a list
//! through the attempts themselves, and the one in service is the first of it. Everything else lives in a box beside it (`special`): other disciplines
//! and limits, and all that can happen besides service from beginning to end (`faults`). A simple backend moves there when something happens to it, and
//! back when it is over and nobody is there; so what might happen and does not costs nothing.

mod account;
mod attempt;
mod backend;
mod cache;
mod discovery;
mod faults;
mod group;
mod line;
mod order;
mod pace;
mod sharing;
mod shedding;
mod special;
mod step;
#[cfg(test)]
mod testing;
pub mod tree;
mod waiting;

pub use account::Account;
pub use attempt::{Attempt, Attempts, Kept};
pub use cache::Cache;
pub use discovery::{Autoscale, Discovery};
pub use faults::Cancelled;
pub use group::GroupPlan;

use crate::slab::NIL;
use backend::{Backend, Rest};
use group::Group;
use special::Special;
use std::collections::VecDeque;
use tree::{Next, WinnerTree};

/// Whether a backend took an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It waits or is served.
    Yes,
    /// The queue is full, or the backend is down.
    Refused,
    /// The backend hangs: the attempt is in flight, and will never be answered. It is not kept here.
    Swallowed,
}

/// All backends.
#[derive(Debug)]
pub struct Fleet {
    backends: Vec<Backend>,
    /// What is the same for all of a group.
    groups: Vec<Group>,
    /// What is seldom looked at, by backend.
    rest: Vec<Rest>,
    completions: WinnerTree,
    /// Shed, and nobody has been told yet.
    shed: VecDeque<u32>,
}

impl Fleet {
    /// Idle backends. `backlog_limit` is the work above which one may be called overloaded, in nanoseconds.
    #[must_use]
    pub fn new(plans: &[GroupPlan], backlog_limit: f64) -> Self {
        let (mut backends, mut rest) = (Vec::new(), Vec::new());
        for (plan, group) in plans.iter().zip(0..) {
            for _ in 0..plan.count {
                backends.push(Backend::new(plan, group));
                rest.push(Rest { special: (!plan.is_simple()).then(|| Box::new(Special::new(plan))), ..Rest::default() });
            }
        }
        let groups = plans.iter().map(|plan| Group::new(plan, backlog_limit));
        Self { completions: WinnerTree::new(backends.len()), groups: groups.collect(), backends, rest, shed: VecDeque::new() }
    }

    /// The first completion of all.
    #[inline]
    #[must_use]
    pub fn next_completion(&self) -> Next {
        self.completions.first()
    }

    /// An attempt leaves for a backend: from now on it is in flight.
    pub fn send(&mut self, number: u32, now: u64) {
        let backend = &mut self.backends[number as usize];
        backend.settle(&mut self.rest[number as usize], now);
        backend.send();
    }

    /// An attempt reaches its backend. `sent` where it leaves for it at the same instant.
    #[inline]
    pub fn accept(&mut self, attempts: &mut impl Attempts, id: u32, priority: i64, now: u64, sent: bool) -> Accepted {
        let attempt = &mut attempts[id];
        let number = attempt.backend;
        let backend = &mut self.backends[number as usize];
        if !backend.is_simple() {
            return self.accept_specially(attempts, id, priority, now, sent);
        }
        backend.settle(&mut self.rest[number as usize], now);
        if sent {
            backend.send();
        }
        let group = &self.groups[backend.group()];
        let service = group.service(attempt.service);
        attempt.service = service;
        if rises(backend.backlog(), service, group) {
            self.rest[number as usize].rose_at = now;
        }
        backend.work = backend.work.wrapping_add(service);
        if backend.busy == 0 {
            backend.busy = 1;
            self.completions.set(number, now.saturating_add(service));
        } else {
            attempt.wait = now - attempt.wait;
        }
        backend.waiting.push_last(attempts, id);
        Accepted::Yes
    }

    /// A backend's next completion happens: the attempt that is done. The next one waiting begins, unless the worker is kept. `answered` where the
    /// answer arrives at the same instant. (Into each of its callers, as the loop of a plain run is one function with it.)
    #[inline(always)]
    pub fn complete(&mut self, attempts: &mut impl Attempts, number: u32, now: u64, answered: bool) -> (u32, Attempt) {
        let backend = &mut self.backends[number as usize];
        if !backend.is_simple() {
            return self.complete_specially(attempts, number, now, answered);
        }
        backend.settle(&mut self.rest[number as usize], now);
        let done = backend.waiting.head;
        let attempt = attempts[done];
        if answered {
            backend.answered(&attempt, now);
        }
        backend.waiting.head = attempt.link;
        if attempt.link == NIL {
            backend.waiting.tail = NIL;
            backend.busy = 0;
            self.completions.set(number, u64::MAX);
        } else {
            let following = &mut attempts[attempt.link];
            following.wait = now - following.wait;
            self.completions.set(number, now.saturating_add(following.service));
        }
        (done, attempt)
    }

    /// An attempt's answer has arrived where it was sent from, or nobody waits for it any more: it is no longer in flight.
    pub fn answered(&mut self, attempt: &Attempt, now: u64) {
        let backend = &mut self.backends[attempt.backend as usize];
        backend.settle(&mut self.rest[attempt.backend as usize], now);
        backend.answered(attempt, now);
    }

    #[inline(never)]
    fn accept_specially(&mut self, attempts: &mut impl Attempts, id: u32, priority: i64, now: u64, sent: bool) -> Accepted {
        let number = attempts[id].backend;
        let mut is_rising = false;
        let accepted = self.step(number, now, |step| {
            attempts[id].service = step.group.service(attempts[id].service);
            let takes = step.special.pace.time_of(attempts[id].service);
            is_rising = rises(step.special.backlog(step.backend), takes, step.group);
            step.take(attempts, id, priority)
        });
        if accepted == Accepted::Yes && is_rising {
            self.rest[number as usize].rose_at = now;
        }
        let backend = &mut self.backends[number as usize];
        if sent && accepted == Accepted::Refused {
            // Sent and sent back at one instant: it was never in flight for any time.
            backend.in_flight += 1;
        } else if sent {
            backend.send();
        }
        accepted
    }

    #[inline(never)]
    fn complete_specially(&mut self, attempts: &mut impl Attempts, number: u32, now: u64, answered: bool) -> (u32, Attempt) {
        let done = self.step(number, now, |step| step.finish(attempts));
        if answered {
            self.backends[number as usize].answered(&attempts[done], now);
        }
        (done, attempts[done])
    }

    /// The instant from which a new request could be served: 0 while a worker is free, else when the work before it is done, shared over the
    /// workers. While the backend serves nothing it is a time that never comes.
    #[inline]
    #[must_use]
    pub fn ready_at(&self, number: u32) -> u64 {
        let backend = &self.backends[number as usize];
        if backend.is_simple() {
            return if backend.busy == 0 { 0 } else { backend.last + backend.backlog() };
        }
        let special = self.rest[number as usize].special.as_ref().expect("a backend that is not simple has it");
        special.ready_at(backend, self.groups[backend.group()].workers)
    }

    /// Worker-time that a backend has spent, in nanoseconds, and how many workers it has.
    pub fn busy_area(&mut self, number: u32, now: u64) -> (u128, u32) {
        let (backend, rest) = (&mut self.backends[number as usize], &mut self.rest[number as usize]);
        backend.settle(rest, now);
        (u128::from(rest.busy_overflows) << 64 | u128::from(backend.busy_area), self.groups[backend.group()].workers)
    }

    /// Brings all areas up to now and shows each backend's account.
    pub fn accounts(&mut self, now: u64) -> impl Iterator<Item = Account> + '_ {
        let groups = &self.groups;
        self.backends.iter_mut().zip(&mut self.rest).map(move |(backend, rest)| {
            backend.settle(rest, now);
            let group = &groups[backend.group()];
            let special = rest.special.as_deref().filter(|_| !backend.is_simple());
            Account {
                flight_area: u128::from(rest.flight_overflows) << 64 | u128::from(backend.flight_area),
                busy_area: u128::from(rest.busy_overflows) << 64 | u128::from(backend.busy_area),
                in_flight_max: backend.in_flight_max,
                in_flight: backend.in_flight,
                sojourn: backend.sojourn,
                work: backend.work.wrapping_add(special.map_or(0, |special| special.kept(now))),
                backlog: special.map_or_else(|| backend.backlog(), |special| special.backlog(backend)),
                backlog_limit: group.backlog_limit,
                last_below: rest.rose_at,
                workers: group.workers,
                slack: special.map_or(0, Special::slack),
            }
        })
    }

    /// The greatest numbers in flight count from here on.
    pub fn forget_maxima(&mut self) {
        self.backends.iter_mut().for_each(|backend| backend.in_flight_max = backend.in_flight);
    }
}

/// Whether a service makes a backlog exceed its limit.
#[inline]
fn rises(backlog: u64, service: u64, group: &Group) -> bool {
    backlog <= group.backlog_limit && backlog.saturating_add(service) > group.backlog_limit
}
