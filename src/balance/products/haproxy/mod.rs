//! HAProxy's balancers, as in HAProxy 2.6.12 with one thread.
//!
//! A policy here is an `Algorithm` inside `Haproxy`, which is what all share: servers with ids, weights that change in place, slow start, backups
//! ([`farm`]); `maxconn` with its queues ([`queue`]); and retries. Members' `max_in_flight` is `maxconn`, `max_waiting` is `maxqueue`; who is not up is
//! dropped, as HAProxy drops what is down or in maintenance. A backend that joins or leaves is a reload.
//!
//! **Queues.** A server that was picked and is full keeps the request in its own queue, unless that is full too: 503. Only hashes pick full servers (and
//! `leastconn` with `maxqueue`); with all others a request waits at the proxy until any server has a slot. With `roundrobin`, `static-rr` and `first` who comes
//! while others wait goes behind them without being asked. When a server goes down, who waited in its queue waits at the proxy.
//!
//! **Retries.** Three, at the same server without `redispatch`. With it another is picked: at once by all but hashes, else at the retries that the
//! interval names. `timeout queue` is the caller's, and `minconn`, `fullconn` and cookies are not here.

mod algorithms;
pub mod farm;
mod fwrr;
pub mod input;
mod leastconn;
mod listed;
mod map;
pub mod queue;
mod ring;
pub mod slowstart;

pub use leastconn::key as leastconn_key;
pub(in crate::balance) use listed::LISTED;
pub use map::places as map_places;
pub use ring::slots;

use super::remembered::Remembered;
use super::whole;
use crate::balance::{BackendId, Balancer, Change, Completion, Ctx, Listens, Pick, Pool, Release, Request};
use crate::random::Stream;
use crate::time::SimTime;
use farm::{Farm, MAX_WEIGHT, Server};
use queue::Queues;
use std::collections::VecDeque;
use std::fmt::Debug;

/// Active servers, or backups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    Active,
    Backups,
}

impl Group {
    const BOTH: [Self; 2] = [Self::Active, Self::Backups];

    fn has(self, server: &Server) -> bool {
        server.is_backup == (self == Self::Backups)
    }
}

/// What an algorithm is asked with.
#[derive(Clone, Copy, Debug)]
struct Asked<'a> {
    request: &'a Request<'a>,
    farm: &'a Farm,
    pool: &'a Pool,
    /// Where the request has failed.
    avoid: Option<BackendId>,
    /// How many requests all servers serve.
    served: u64,
}

/// How a server is chosen.
trait Algorithm: Debug + Send {
    /// Whether requests that come while others wait go behind them.
    fn waits_behind(&self) -> bool {
        false
    }

    /// Whether it goes by a hash.
    fn is_hash(&self) -> bool {
        false
    }

    /// Whether weights are static.
    fn is_map(&self) -> bool {
        false
    }

    /// New servers.
    fn rebuild(&mut self, farm: &Farm, pool: &Pool);

    /// A server weighs something else now; 0 where it is not usable.
    fn reweighed(&mut self, _at: usize, farm: &Farm, pool: &Pool) {
        self.rebuild(farm, pool);
    }

    /// A server's requests have changed.
    fn counted(&mut self, _at: usize, _farm: &Farm, _pool: &Pool) {}

    /// A server; none where all are full. There is a usable one.
    fn pick(&mut self, asked: &Asked<'_>, chance: &mut Stream) -> Option<usize>;
}

/// When a request that has failed at a server is given to another.
#[derive(Clone, Copy, Debug)]
pub struct Redispatch {
    /// `retries`.
    pub retries: i64,
    /// `option redispatch`: 0 off, -1 at the last retry, n at every n-th, -n at the n-th from the end.
    pub interval: i64,
}

impl Redispatch {
    /// Whether the `retry`-th retry, from 1, may go elsewhere.
    #[must_use]
    pub fn is_due(self, retry: i64, is_up: bool, is_hash: bool, active: usize) -> bool {
        let every = if self.interval > 0 { self.interval } else { self.retries + 1 + self.interval };
        let is_named = every > 0 && retry % every == 0;
        self.interval != 0 && (!is_up || is_named || !is_hash && active > 1)
    }
}

/// An algorithm with its servers and queues.
#[derive(Debug)]
struct Haproxy<A> {
    algorithm: A,
    farm: Farm,
    queues: Queues,
    redispatch: Redispatch,
    /// Servers that may have a slot for somebody who waits.
    freed: VecDeque<BackendId>,
    /// What the pool said of each backend, and the sum.
    served: Vec<u32>,
    all_served: u64,
    /// Servers that start slowly.
    starting: Vec<usize>,
    /// Servers whose queue somebody has left unasked.
    left: Vec<usize>,
    /// Where requests have failed.
    failed: Remembered<Option<BackendId>>,
}

impl<A: Algorithm> Haproxy<A> {
    fn recount(&mut self, pool: &Pool) {
        self.served = (0..pool.len()).map(|at| pool.in_flight(BackendId(at as u32))).collect();
        self.all_served = self.served.iter().copied().map(u64::from).sum();
    }

    /// A server's weight, state or age has changed.
    fn weigh(&mut self, at: usize, pool: &Pool, now: SimTime) {
        if self.farm.weigh(at, pool, now).is_some() {
            self.farm.regroup();
            self.algorithm.reweighed(at, &self.farm, pool);
        }
        self.algorithm.counted(at, &self.farm, pool);
    }

    /// Servers that start slowly weigh more by and by.
    #[cold]
    fn warm_up(&mut self, pool: &Pool, now: SimTime) {
        for at in std::mem::take(&mut self.starting) {
            let Some(since) = self.farm.servers[at].starting else { continue };
            if self.farm.slow.is_over(since, now) {
                self.farm.servers[at].starting = None;
            } else {
                self.starting.push(at);
            }
            self.weigh(at, pool, now);
        }
    }

    fn catch_up(&mut self, pool: &Pool, now: SimTime) {
        if !self.starting.is_empty() {
            self.warm_up(pool, now);
        }
        while let Some(at) = self.left.pop() {
            self.algorithm.counted(at, &self.farm, pool);
        }
    }

    /// The server that the request has to go back to, if any; and the one that it is to avoid.
    fn after_failure(&self, request: &Request<'_>, pool: &Pool) -> (Option<usize>, Option<BackendId>) {
        let Some(failed) = self.failed.get(request.id).copied().flatten() else { return (None, None) };
        let is_up = pool.is_eligible(failed);
        let active = if self.farm.on_backups { 0 } else { self.farm.used.len() };
        let is_due = self.redispatch.is_due(i64::from(request.attempt), is_up, self.algorithm.is_hash(), active);
        if is_due { (None, Some(failed)) } else { (self.farm.place(failed), Some(failed)) }
    }

    /// Sends to a server, or has the request wait for it.
    fn place(&mut self, at: usize, request: &Request<'_>, pool: &Pool, now: SimTime) -> Pick {
        let server = &self.farm.servers[at];
        if server.eweight == 0 {
            return Pick::None;
        }
        if !self.farm.is_saturated(at, pool) {
            return Pick::Backend(server.backend);
        }
        if pool.member(server.backend).max_waiting.is_some_and(|most| server.waiting >= most) {
            return Pick::None;
        }
        self.queues.push(request.id, request.class, now, Some(server.backend));
        self.farm.servers[at].waiting += 1;
        self.algorithm.counted(at, &self.farm, pool);
        Pick::Wait
    }

    fn has_left(&mut self, request: u64) {
        if let Some(Some(server)) = self.queues.remove(request)
            && let Some(at) = self.farm.place(server)
        {
            self.farm.servers[at].waiting = self.queues.waiting_for(server);
            self.left.push(at);
        }
    }

    fn came_or_went(&mut self, at: usize, was_usable: bool, pool: &Pool, now: SimTime) {
        let is_usable = farm::is_usable(pool.state(self.farm.servers[at].backend));
        self.starting.retain(|&other| other != at);
        self.farm.servers[at].starting = None;
        if is_usable && !was_usable && self.farm.slow.is_on() {
            self.farm.servers[at].starting = Some(now);
            self.starting.push(at);
        }
        if !is_usable && was_usable {
            self.queues.redistribute(self.farm.servers[at].backend);
            self.farm.servers[at].waiting = 0;
        }
        self.weigh(at, pool, now);
        self.release_to_all();
    }

    /// Whoever is in use now may take from the proxy's queue.
    fn release_to_all(&mut self) {
        if self.queues.has_any_waiting_for_all() {
            self.freed.extend(self.farm.used.iter().map(|&at| self.farm.servers[at].backend));
        }
    }
}

impl<A: Algorithm> Balancer for Haproxy<A> {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        self.farm.rebuild(pool);
        // Who waited for a server that has left waits for any; who waits for one that stays keeps its place.
        for backend in (0..pool.len()).map(|at| BackendId(at as u32)) {
            match self.farm.place(backend) {
                Some(at) if self.farm.servers[at].eweight > 0 => self.farm.servers[at].waiting = self.queues.waiting_for(backend),
                _ => self.queues.redistribute(backend),
            }
        }
        self.release_to_all();
        self.starting.clear();
        self.left.clear();
        self.recount(pool);
        self.algorithm.rebuild(&self.farm, pool);
    }

    fn changed(&mut self, backend: BackendId, change: Change, pool: &Pool, ctx: &mut Ctx<'_>) {
        let Some(at) = self.farm.place(backend) else { return self.members(pool, ctx) };
        match change {
            Change::Joined | Change::Left => self.members(pool, ctx),
            // A map's weights are static: `set weight` is refused.
            Change::Weight if self.algorithm.is_map() => {}
            Change::Weight => {
                self.farm.servers[at].weight = whole(pool.weight(backend)).min(MAX_WEIGHT);
                self.weigh(at, pool, ctx.now);
            }
            Change::State(before) => self.came_or_went(at, farm::is_usable(before), pool, ctx.now),
        }
    }

    #[inline]
    fn pick(&mut self, request: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        if !self.queues.is_empty() {
            // A request that is picked for anew no longer waits where it did.
            self.has_left(request.id);
        }
        self.catch_up(pool, ctx.now);
        if self.farm.used.is_empty() {
            return Pick::None;
        }
        let (back, avoid) = if request.attempt > 0 { self.after_failure(request, pool) } else { (None, None) };
        if let Some(at) = back {
            return self.place(at, request, pool, ctx.now);
        }
        let goes_behind = self.algorithm.waits_behind() && self.queues.has_any_waiting_for_all() && self.all_served > 0;
        let asked = Asked { request, farm: &self.farm, pool, avoid, served: self.all_served };
        match if goes_behind { None } else { self.algorithm.pick(&asked, ctx.chance) } {
            Some(at) => self.place(at, request, pool, ctx.now),
            None => {
                self.queues.push(request.id, request.class, ctx.now, None);
                Pick::Wait
            }
        }
    }

    fn release(&mut self, pool: &Pool, ctx: &mut Ctx<'_>) -> Release {
        self.catch_up(pool, ctx.now);
        while let Some(&backend) = self.freed.front() {
            let slot = self.farm.place(backend).filter(|&at| self.farm.has_slot(at, pool));
            if let Some(request) = slot.and_then(|at| self.queues.next(backend, self.farm.serves_all(at))) {
                self.has_left(request);
                return Release::Held(request, backend);
            }
            self.freed.pop_front();
        }
        Release::Nobody
    }

    fn listens(&self) -> Listens {
        Listens { counts: true, ..Listens::ATTEMPTS }
    }

    fn counted(&mut self, backend: BackendId, pool: &Pool, _: &mut Ctx<'_>) {
        let (before, now) = (self.served[backend.index()], pool.in_flight(backend));
        self.served[backend.index()] = now;
        self.all_served = self.all_served + u64::from(now) - u64::from(before);
        if now < before && !self.queues.is_empty() {
            self.freed.push_back(backend);
        }
        if let Some(at) = self.farm.place(backend) {
            self.algorithm.counted(at, &self.farm, pool);
        }
    }

    fn recounted(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        self.recount(pool);
        (0..self.farm.servers.len()).for_each(|at| self.algorithm.counted(at, &self.farm, pool));
        self.freed.extend(self.farm.servers.iter().map(|server| server.backend).filter(|_| !self.queues.is_empty()));
    }

    fn finished(&mut self, completion: &Completion, _: &Pool, _: &mut Ctx<'_>) {
        if !completion.ok {
            *self.failed.entry(completion.request) = Some(completion.backend);
        }
    }

    fn retries(&mut self, request: &Request<'_>, _: &Pool, _: &mut Ctx<'_>) -> bool {
        i64::from(request.attempt) < self.redispatch.retries
    }

    fn ended(&mut self, request: u64) {
        self.failed.take(request);
        if !self.queues.is_empty() {
            self.has_left(request);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::{Member, Said, State, find};
    use crate::catalogue::Value;
    use crate::pick::Desk;
    use crate::scenario::defaults;
    use crate::time::Span;

    fn desk(kind: &str, set: &[(&'static str, Value)], members: Vec<Member>) -> Desk {
        let listed = find(kind).expect("it is in the catalogue");
        let mut values = defaults(&listed.entry);
        set.iter().for_each(|(name, value)| values.set(name, value.clone()));
        Desk::new((listed.build)(&values), members, Stream::new(1))
    }

    fn servers(weights: &[f64], max: Option<u32>) -> Vec<Member> {
        let member = |(&weight, n)| Member { max_in_flight: max, ..Member::new(format!("10.0.0.{n}:80")).weight(weight) };
        weights.iter().zip(1..).map(member).collect()
    }

    fn picks(desk: &mut Desk, from: u64, times: u64) -> Vec<u32> {
        let one = |number| {
            let Pick::Backend(backend) = desk.pick(number, Said::default(), 0) else { panic!("somebody is up") };
            desk.done(number, true, None);
            backend.0
        };
        (from..from + times).map(one).collect()
    }

    #[test]
    fn a_server_that_comes_up_starts_slowly() {
        let slow = [("slowstart", Value::Span(Span(8_000_000_000)))];
        let mut desk = desk("haproxy/roundrobin", &slow, servers(&[10.0, 10.0], None));
        assert_eq!(picks(&mut desk, 0, 4), [0, 1, 0, 1], "not at the start of HAProxy itself");
        desk.set_state(BackendId(0), State::Down);
        desk.set_state(BackendId(0), State::Up);
        let mut counts = Vec::new();
        for second in 0..10 {
            counts.push(picks(&mut desk, 100 * (second + 1), 68).iter().filter(|&&at| at == 0).count());
            desk.advance(Span(1_000_000_000));
        }
        // A sixteenth of the other's weight is a seventeenth of the requests, 4 of 68.
        assert!((3..=5).contains(&counts[0]) && counts[9] == 34, "{counts:?}");
        assert!(counts.windows(2).all(|two| two[0] <= two[1] + 1), "{counts:?}");
    }

    #[test]
    fn without_redispatch_the_same_server_is_tried_four_times() {
        let mut plain = desk("haproxy/roundrobin", &[], servers(&[1.0; 3], None));
        plain.refuse([BackendId(0)]);
        let tried = plain.request(1, Said::default(), 0);
        assert_eq!((tried.attempts, tried.status), (vec![BackendId(0); 4], Some(503)));
        let mut elsewhere = desk("haproxy/roundrobin", &[("redispatch", Value::Integer(-1))], servers(&[1.0; 3], None));
        elsewhere.refuse([BackendId(0)]);
        let attempts: Vec<_> = (1..5).map(|number| elsewhere.request(number, Said::default(), 0).attempts).collect();
        let [a, b, c] = [0, 1, 2].map(BackendId);
        assert_eq!(attempts, [vec![a, b], vec![c], vec![a, b], vec![c]]);
    }

    #[test]
    fn a_hash_waits_for_its_full_server_while_another_is_idle() {
        let mut desk = desk("haproxy/uri", &[], servers(&[1.0; 2], Some(1)));
        let key = || Said { key: Some("/one".into()), ..Said::default() };
        assert!(matches!(desk.pick(1, key(), 0), Pick::Backend(_)));
        assert_eq!(desk.pick(2, key(), 0), Pick::Wait);
        desk.done(1, true, None);
        assert_eq!(desk.dispatched().len(), 1);
    }

    #[test]
    fn who_waits_for_any_server_goes_to_one_that_comes_up() {
        let mut members = servers(&[1.0; 2], Some(1));
        members[1].state = State::Down;
        let mut desk = desk("haproxy/leastconn", &[], members);
        assert_eq!([desk.pick(1, Said::default(), 0), desk.pick(2, Said::default(), 0)], [Pick::Backend(BackendId(0)), Pick::Wait]);
        desk.set_state(BackendId(1), State::Up);
        assert_eq!(desk.dispatched(), [(2, BackendId(1))]);
    }

    #[test]
    fn idle_servers_are_taken_in_turn_whatever_they_weigh() {
        assert_eq!(picks(&mut desk("haproxy/leastconn", &[], servers(&[5.0, 1.0, 1.0], None)), 0, 6), [0, 1, 2, 0, 1, 2]);
        assert_eq!(picks(&mut desk("haproxy/roundrobin", &[], servers(&[5.0, 1.0, 1.0], None)), 0, 7), [0, 0, 0, 1, 0, 0, 2]);
    }

    #[test]
    fn redispatch_is_due_when_the_interval_says_so() {
        let due = |interval, retry| Redispatch { retries: 3, interval }.is_due(retry, true, true, 3);
        assert_eq!([1, 2, 3].map(|retry| due(-1, retry)), [false, false, true]);
        assert_eq!([1, 2, 3].map(|retry| due(2, retry)), [false, true, false]);
        assert_eq!([1, 2, 3].map(|retry| due(0, retry)), [false; 3]);
    }
}
