//! What requests meet: backends with workers, a queue and a discipline.
//!
//! A backend is handed attempts, keeps those that wait in order, serves as many as it has workers, and knows the instant of its next completion;
//! [`tree::WinnerTree`] knows which backend is first. The integrals of requests in flight and of busy workers are kept here, exactly.
//!
//! One worker, first in first out, nothing special is what most backends are, and has a path of its own: the waiting attempts are a list through
//! the attempts themselves, and the one in service is a number. Everything else lives in a box beside it.

mod cache;
mod discovery;
mod sharing;
pub mod tree;

pub use cache::Cache;
pub use discovery::{Autoscale, Discovery};

use crate::scenario::Discipline;
use crate::slab::NIL;
use crate::time::round_ns;
use sharing::Sharing;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::IndexMut;
use tree::{Next, WinnerTree};

/// One attempt at a request, from being sent to its end. Half a cache line: with its request it fills one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attempt {
    /// The service it takes at its backend, in nanoseconds; until it is there, the work.
    pub service: u64,
    /// How long it has waited: at its balancer when it is sent, in all once it is in service. In between: the instant from which it waits.
    pub wait: u64,
    /// When it was sent.
    pub sent: u64,
    /// Where it was sent.
    pub backend: u32,
    /// The next attempt that waits at the same backend.
    next: u32,
}

/// Wherever attempts are kept: found by their id.
pub trait Attempts: IndexMut<u32, Output = Attempt> {
    /// The key of an attempt's request, for caches.
    fn key(&self, attempt: u32) -> u64;
}

impl Attempt {
    /// An attempt with so much work that is sent now, its request having been held so long.
    #[inline]
    #[must_use]
    pub fn new(work: u64, backend: u32, sent: u64, held: u64) -> Self {
        Self { service: work, wait: held, sent, backend, next: NIL }
    }
}

/// What a group of like backends is, resolved.
#[derive(Clone, Debug)]
pub struct GroupPlan {
    /// Its name; members of a group of more than one are called `name-0`, `name-1`, ….
    pub name: String,
    /// How many.
    pub count: u32,
    /// How fast: work ÷ speed is service.
    pub speed: f64,
    /// How many are served at once; `None` is unlimited.
    pub workers: Option<u32>,
    /// The order of service.
    pub discipline: Discipline,
    /// Waiting places; `None` is unlimited.
    pub queue: Option<u64>,
    /// The zone, as an index of the plan's zones.
    pub zone: Option<u16>,
    /// One way from the balancer, in nanoseconds.
    pub network: crate::dist::Dist,
    /// The first member's address, if it was given.
    pub address: Option<String>,
    /// Service takes that much longer for each request in service at its start, in nanoseconds.
    pub per_in_flight: u64,
    /// Keys it remembers, and what work is multiplied by for those.
    pub cache: Option<(u64, f64)>,
    /// How many of `count` are there at the start; the others may join.
    pub initially: u32,
    /// Something may happen here besides service from beginning to end: attempts may be given up, faults may strike.
    pub is_interrupted: bool,
    /// A worker stays with its attempt after the work is done, until it is let go.
    pub holds_worker: bool,
}

impl GroupPlan {
    /// One worker, first in first out, no queue limit, nothing that changes service: what most backends are.
    fn is_simple(&self) -> bool {
        self.workers == Some(1)
            && self.discipline == Discipline::Fifo
            && self.queue.is_none()
            && self.per_in_flight == 0
            && self.cache.is_none()
            && !self.is_interrupted
            && !self.holds_worker
    }

    /// What it can do: speed × workers; speed alone where workers are unlimited.
    #[must_use]
    pub fn capacity(&self) -> f64 {
        self.speed * self.workers.map_or(1.0, f64::from)
    }
}

/// Whether a backend took an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It waits or is served.
    Yes,
    /// The queue is full.
    Refused,
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
}

/// One backend, as far as every event looks at it: a cache line.
#[derive(Debug)]
#[repr(align(64))]
struct Backend {
    /// As of when the areas below are complete.
    last: u64,
    /// ∫ in flight and ∫ busy workers, modulo 2^64: what goes over is counted in [`Rest`].
    flight_area: u64,
    busy_area: u64,
    /// Service that all attempts taken so far need, and time in flight of all that ended: modulo 2^64, as only differences and equality matter.
    work: u64,
    sojourn: u64,
    /// Attempts sent here and unanswered, and the most of them since the window opened.
    in_flight: u32,
    in_flight_max: u32,
    /// Workers that are busy.
    busy: u32,
    waiting: Waiting,
    /// The group's number; with the highest bit set, it is not simple. (Simple: one worker, first in first out, no queue limit, nothing that
    /// changes service; the one in service then stays at the head of `waiting`.)
    kind: u32,
}

/// The bit of [`Backend::kind`] that says it has a [`Special`].
const SPECIAL: u32 = 1 << 31;

/// What is the same for all backends of a group.
#[derive(Debug)]
struct Group {
    speed: f64,
    workers: u32,
    /// The backlog above which a backend may be overloaded.
    backlog_limit: u64,
}

/// What a plain request at a backend that keeps up never touches.
#[derive(Debug, Default)]
struct Rest {
    flight_overflows: u64,
    busy_overflows: u64,
    /// When the backlog last rose above the limit.
    rose_at: u64,
    special: Option<Box<Special>>,
}

/// What only some backends have.
#[derive(Debug)]
struct Special {
    discipline: Discipline,
    /// Attempts it has room for, and attempts here: waiting or in service.
    room: u64,
    present: u64,
    per_in_flight: u64,
    cache: Option<(Cache, f64)>,
    /// In service, where there is more than one worker: (done at, order, attempt).
    serving: BinaryHeap<Reverse<(u64, u64, u32)>>,
    /// Waiting, where order is by priority: (priority, order, attempt).
    by_priority: BinaryHeap<Reverse<(i64, u64, u32)>>,
    sharing: Sharing,
    order: u64,
}

impl Group {
    /// The service that a work takes.
    #[inline]
    fn service(&self, work: u64) -> u64 {
        if self.speed == 1.0 { work } else { round_ns(work as f64 / self.speed) }
    }
}

impl Backend {
    fn new(plan: &GroupPlan, group: u32) -> Self {
        Self {
            last: 0,
            flight_area: 0,
            busy_area: 0,
            work: 0,
            sojourn: 0,
            in_flight: 0,
            in_flight_max: 0,
            busy: 0,
            waiting: Waiting { head: NIL, tail: NIL },
            kind: if plan.is_simple() { group } else { group | SPECIAL },
        }
    }

    #[inline]
    fn group(&self) -> usize {
        (self.kind & !SPECIAL) as usize
    }

    #[inline]
    fn is_simple(&self) -> bool {
        self.kind & SPECIAL == 0
    }

    /// Brings the areas up to now.
    #[inline]
    fn settle(&mut self, rest: &mut Rest, now: u64) {
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
    fn send(&mut self) {
        self.in_flight += 1;
        self.in_flight_max = self.in_flight_max.max(self.in_flight);
    }

    #[inline]
    fn answered(&mut self, attempt: &Attempt, now: u64) {
        self.in_flight -= 1;
        self.sojourn = self.sojourn.wrapping_add(now - attempt.sent);
    }

    /// Unfinished service, as of the last settling.
    #[inline]
    fn backlog(&self) -> u64 {
        // Shared workers may be a nanosecond ahead of what was asked of them.
        let left = self.work.wrapping_sub(self.busy_area);
        if left > u64::MAX / 2 { 0 } else { left }
    }
}

/// An area grown by a time and a number: its lower 64 bits, and how often they have gone over.
#[inline]
fn grown(area: u64, passed: u64, number: u32) -> (u64, u64) {
    let sum = u128::from(area) + u128::from(passed) * u128::from(number);
    (sum as u64, (sum >> 64) as u64)
}

/// Waiting attempts, as a list through the attempts themselves.
#[derive(Debug)]
struct Waiting {
    head: u32,
    tail: u32,
}

impl Waiting {
    #[inline]
    fn push_last(&mut self, attempts: &mut impl Attempts, id: u32) {
        attempts[id].next = NIL;
        match self.tail {
            NIL => self.head = id,
            tail => attempts[tail].next = id,
        }
        self.tail = id;
    }

    fn push_first(&mut self, attempts: &mut impl Attempts, id: u32) {
        attempts[id].next = self.head;
        if self.head == NIL {
            self.tail = id;
        }
        self.head = id;
    }

    #[inline]
    fn pop(&mut self, attempts: &impl Attempts) -> u32 {
        let first = self.head;
        if first != NIL {
            self.head = attempts[first].next;
            if self.head == NIL {
                self.tail = NIL;
            }
        }
        first
    }
}

impl Special {
    fn new(plan: &GroupPlan) -> Self {
        let workers = u64::from(plan.workers.unwrap_or(u32::MAX));
        Self {
            discipline: plan.discipline,
            room: plan.queue.map_or(u64::MAX, |queue| queue.saturating_add(workers)),
            present: 0,
            per_in_flight: plan.per_in_flight,
            cache: plan.cache.map(|(keys, hit)| (Cache::new(keys), hit)),
            serving: BinaryHeap::new(),
            by_priority: BinaryHeap::new(),
            sharing: Sharing::default(),
            order: 0,
        }
    }

    /// What service really takes, beginning now with so many others in service.
    fn service(&mut self, mut service: u64, key: u64, others: u32) -> u64 {
        if let Some((cache, hit)) = &mut self.cache
            && cache.touch(key)
        {
            service = round_ns(service as f64 * *hit);
        }
        service.saturating_add(self.per_in_flight.saturating_mul(u64::from(others)))
    }
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
        let groups = plans.iter().map(|plan| Group {
            speed: plan.speed,
            workers: plan.workers.unwrap_or(u32::MAX),
            backlog_limit: round_ns(backlog_limit / plan.speed),
        });
        Self { completions: WinnerTree::new(backends.len()), groups: groups.collect(), backends, rest }
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
        backend.settle(&mut self.rest[number as usize], now);
        let most = backend.in_flight_max;
        if sent {
            backend.send();
        }
        let group = &self.groups[backend.group()];
        let service = group.service(attempt.service);
        attempt.service = service;
        let before = backend.backlog();
        let rises = before <= group.backlog_limit && before.saturating_add(service) > group.backlog_limit;
        if !backend.is_simple() {
            let accepted = self.accept_specially(attempts, id, priority, now);
            if accepted == Accepted::Refused && sent {
                // Sent and sent back at one instant: it was never in flight for any time.
                self.backends[number as usize].in_flight_max = most;
            }
            if accepted == Accepted::Yes && rises {
                self.rest[number as usize].rose_at = now;
            }
            return accepted;
        }
        if rises {
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

    /// A backend's next completion happens: the attempt that is done. The next one waiting begins. `answered` where the answer arrives at the
    /// same instant.
    #[inline]
    pub fn complete(&mut self, attempts: &mut impl Attempts, number: u32, now: u64, answered: bool) -> (u32, Attempt) {
        let backend = &mut self.backends[number as usize];
        backend.settle(&mut self.rest[number as usize], now);
        if !backend.is_simple() {
            let done = self.complete_specially(attempts, number, now);
            if answered {
                self.backends[number as usize].answered(&attempts[done], now);
            }
            return (done, attempts[done]);
        }
        let done = backend.waiting.head;
        let attempt = attempts[done];
        if answered {
            backend.answered(&attempt, now);
        }
        backend.waiting.head = attempt.next;
        if attempt.next == NIL {
            backend.waiting.tail = NIL;
            backend.busy = 0;
            self.completions.set(number, u64::MAX);
        } else {
            let following = &mut attempts[attempt.next];
            following.wait = now - following.wait;
            self.completions.set(number, now.saturating_add(following.service));
        }
        (done, attempt)
    }

    /// An attempt's answer has arrived where it was sent from: it is no longer in flight.
    pub fn answered(&mut self, attempt: &Attempt, now: u64) {
        let backend = &mut self.backends[attempt.backend as usize];
        backend.settle(&mut self.rest[attempt.backend as usize], now);
        backend.answered(attempt, now);
    }

    #[inline(never)]
    fn accept_specially(&mut self, attempts: &mut impl Attempts, id: u32, priority: i64, now: u64) -> Accepted {
        let number = attempts[id].backend as usize;
        let backend = &mut self.backends[number];
        let workers = self.groups[backend.group()].workers;
        let special = self.rest[number].special.as_mut().expect("a backend that is not simple has it");
        if special.present >= special.room {
            return Accepted::Refused;
        }
        special.present += 1;
        backend.work = backend.work.wrapping_add(attempts[id].service);
        if special.discipline == Discipline::ProcessorSharing || backend.busy < workers {
            self.start(attempts, id, now);
            return Accepted::Yes;
        }
        attempts[id].wait = now - attempts[id].wait;
        match special.discipline {
            Discipline::Fifo => backend.waiting.push_last(attempts, id),
            Discipline::Lifo => backend.waiting.push_first(attempts, id),
            Discipline::Priority => {
                special.by_priority.push(Reverse((priority, special.order, id)));
                special.order += 1;
            }
            Discipline::ProcessorSharing => unreachable!("nobody waits where all are served at once"),
        }
        Accepted::Yes
    }

    /// Service of an attempt begins at a backend that is not simple.
    fn start(&mut self, attempts: &mut impl Attempts, id: u32, now: u64) {
        let key = attempts.key(id);
        let attempt = &mut attempts[id];
        let backend = &mut self.backends[attempt.backend as usize];
        let workers = self.groups[backend.group()].workers;
        let special = self.rest[attempt.backend as usize].special.as_mut().expect("a backend that is not simple has it");
        let sharing = special.discipline == Discipline::ProcessorSharing;
        let others = if sharing { special.sharing.len() } else { backend.busy };
        let service = special.service(attempt.service, key, others);
        backend.work = backend.work.wrapping_sub(attempt.service).wrapping_add(service);
        attempt.service = service;
        if sharing {
            special.sharing.join(id, service, now, workers);
            backend.busy = special.sharing.len().min(workers);
            self.completions.set(attempt.backend, special.sharing.next_done(workers));
            return;
        }
        backend.busy += 1;
        special.serving.push(Reverse((now.saturating_add(service), special.order, id)));
        special.order += 1;
        let first = special.serving.peek().map_or(u64::MAX, |Reverse((at, _, _))| *at);
        self.completions.set(attempt.backend, first);
    }

    #[inline(never)]
    fn complete_specially(&mut self, attempts: &mut impl Attempts, number: u32, now: u64) -> u32 {
        let backend = &mut self.backends[number as usize];
        let workers = self.groups[backend.group()].workers;
        let special = self.rest[number as usize].special.as_mut().expect("a backend that is not simple has it");
        special.present -= 1;
        if special.discipline == Discipline::ProcessorSharing {
            let done = special.sharing.leave(now, workers);
            backend.busy = special.sharing.len().min(workers);
            self.completions.set(number, special.sharing.next_done(workers));
            return done;
        }
        let Reverse((_, _, done)) = special.serving.pop().expect("somebody is served where a completion was due");
        backend.busy -= 1;
        let next = match special.discipline {
            Discipline::Priority => special.by_priority.pop().map_or(NIL, |Reverse((_, _, id))| id),
            _ => backend.waiting.pop(attempts),
        };
        if next != NIL {
            attempts[next].wait = now - attempts[next].wait;
            self.start(attempts, next, now);
            return done;
        }
        let first = special.serving.peek().map_or(u64::MAX, |Reverse((at, _, _))| *at);
        self.completions.set(number, first);
        done
    }

    /// The instant from which a new request could be served: 0 while a worker is free, else when the work before it is done, shared over the
    /// workers.
    #[inline]
    #[must_use]
    pub fn ready_at(&self, number: u32) -> u64 {
        let backend = &self.backends[number as usize];
        let workers = self.groups[backend.group()].workers;
        if backend.busy < workers { 0 } else { backend.last + backend.backlog() / u64::from(workers) }
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
            Account {
                flight_area: u128::from(rest.flight_overflows) << 64 | u128::from(backend.flight_area),
                busy_area: u128::from(rest.busy_overflows) << 64 | u128::from(backend.busy_area),
                in_flight_max: backend.in_flight_max,
                in_flight: backend.in_flight,
                sojourn: backend.sojourn,
                work: backend.work,
                backlog: backend.backlog(),
                backlog_limit: group.backlog_limit,
                last_below: rest.rose_at,
                workers: group.workers,
                shares: rest.special.as_ref().is_some_and(|special| special.discipline == Discipline::ProcessorSharing),
            }
        })
    }

    /// The greatest numbers in flight count from here on.
    pub fn forget_maxima(&mut self) {
        self.backends.iter_mut().for_each(|backend| backend.in_flight_max = backend.in_flight);
    }
}

/// A backend's sums since the start of the run.
#[derive(Clone, Copy, Debug)]
pub struct Account {
    /// ∫ attempts in flight, in nanoseconds.
    pub flight_area: u128,
    /// ∫ busy workers, in nanoseconds.
    pub busy_area: u128,
    /// The most in flight since maxima were forgotten.
    pub in_flight_max: u32,
    /// In flight now.
    pub in_flight: u32,
    /// Time in flight of all attempts that ended, modulo 2^64.
    pub sojourn: u64,
    /// Service of all attempts taken, modulo 2^64.
    pub work: u64,
    /// Service not done yet.
    pub backlog: u64,
    /// The backlog above which it may be overloaded.
    pub backlog_limit: u64,
    /// When it was last below that.
    pub last_below: u64,
    /// How many it serves at once; `u32::MAX` is unlimited.
    pub workers: u32,
    /// Whether it shares its workers, in which case sums are within a nanosecond an event.
    pub shares: bool,
}
