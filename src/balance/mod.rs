//! Balancers: who gets the next request.
//!
//! A [`Balancer`] is a rule without a clock, a network or a random generator of its own: feedback, time and chance are arguments.
//! So it is tested with six lines of set-up, and would run unchanged inside a real proxy. What it can know is the [`Pool`]: the view
//! of *this* balancer instance, never the truth of the fleet, except for the oracles, which say that they cheat.
//!
//! Each policy is one file that explains itself: the rule, ties, cost per pick, where it fails.
//!
//! A rule of one's own takes two functions. This one goes on to the next backend while the last one has work:
//!
//! ```
//! use evenkeel::balance::{Balancer, Ctx, Member, Pick, Pool, Request};
//! use evenkeel::random::Stream;
//! use evenkeel::time::SimTime;
//!
//! #[derive(Debug, Default)]
//! struct StayWhileIdle {
//!     at: usize,
//! }
//!
//! impl Balancer for StayWhileIdle {
//!     fn members(&mut self, _: &Pool, _: &mut Ctx<'_>) {
//!         self.at = 0;
//!     }
//!     fn pick(&mut self, _: &Request, pool: &Pool, _: &mut Ctx<'_>) -> Pick {
//!         let eligible = pool.eligible();
//!         let Some(&stay) = eligible.get(self.at) else { return Pick::None };
//!         if pool.in_flight(stay) > 0 {
//!             self.at = (self.at + 1) % eligible.len();
//!         }
//!         Pick::Backend(eligible[self.at])
//!     }
//! }
//!
//! let member = |address: &str| Member { address: address.into(), weight: 1.0, speed: 1.0, workers: Some(1) };
//! let mut pool = Pool::new([member("10.0.0.1:8080"), member("10.0.0.2:8080")].into());
//! let (mut rule, mut chance) = (StayWhileIdle::default(), Stream::new(42));
//! let request = Request { id: 1, key: 1, client: 0, attempt: 0 };
//! let mut pick = |pool: &Pool| rule.pick(&request, pool, &mut Ctx { now: SimTime::ZERO, chance: &mut chance });
//!
//! let Pick::Backend(first) = pick(&pool) else { panic!("both are eligible") };
//! pool.sent(first);
//! let Pick::Backend(second) = pick(&pool) else { panic!("both are eligible") };
//! assert_ne!(first, second);
//! ```

pub mod c3;
pub mod edf;
pub mod hash;
pub mod index;
pub mod join_idle_queue;
mod least_connections;
pub mod maglev;
mod oracle;
mod pool;
pub mod power_of_d;
pub mod prequal;
pub mod products;
mod random;
pub mod ring_hash;
mod round_robin;
pub mod stride;
mod weighted_round_robin;

pub use pool::{Member, Pool};

use crate::catalogue::{Entry, Values};
use crate::random::Stream;
use crate::time::{SimTime, Span};
use std::fmt::Debug;

/// A backend's place in the fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BackendId(pub u32);

impl BackendId {
    /// As an index.
    #[inline]
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a balancer may know of a request.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Its number, in order of arrival over all traffic.
    pub id: u64,
    /// What hash balancers look at.
    pub key: u64,
    /// Who sent it.
    pub client: u32,
    /// 0 for the first attempt, 1 for the first retry or hedge, and so on.
    pub attempt: u32,
}

/// A balancer's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// Send it there.
    Backend(BackendId),
    /// Hold it here; it is picked for again, in order of arrival, when an attempt ends.
    Wait,
    /// No backend may have it.
    None,
}

/// An attempt that this balancer instance sent and that has ended.
#[derive(Clone, Copy, Debug)]
pub struct Completion {
    /// The request's number.
    pub request: u64,
    /// Where it had been sent.
    pub backend: BackendId,
    /// Whether it was answered.
    pub ok: bool,
    /// From sending to the end.
    pub latency: Span,
}

/// Time and chance, lent to a balancer for one call.
#[derive(Debug)]
pub struct Ctx<'a> {
    /// The instant of the call.
    pub now: SimTime,
    /// This instance's own stream.
    pub chance: &'a mut Stream,
}

/// Which counts a balancer is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sees {
    /// What the tier's view gives it: its own requests, or all instances'.
    View,
    /// The fleet as it is: only oracles, of which there is one instance whatever the tier says.
    Truth,
}

/// What a balancer is to be told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Listens {
    /// [`Balancer::counted`].
    pub counts: bool,
    /// [`Balancer::started`], [`Balancer::finished`] and [`Balancer::ended`].
    pub attempts: bool,
}

impl Listens {
    /// Nothing but picks.
    pub const NOTHING: Self = Self { counts: false, attempts: false };
    /// Changes of counts.
    pub const COUNTS: Self = Self { counts: true, attempts: false };
}

/// A load-balancing rule.
pub trait Balancer: Send + Debug {
    /// The pool has changed: at the start, and when members come, go or change weight or eligibility. Whatever is kept about single backends
    /// is to be made again from `pool`.
    fn members(&mut self, pool: &Pool, ctx: &mut Ctx<'_>);

    /// Chooses for one attempt of a request.
    fn pick(&mut self, request: &Request, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick;

    /// What it is to be told of: what nobody listens to is not told.
    fn listens(&self) -> Listens {
        Listens::NOTHING
    }

    /// What `pool` says of one backend has changed: its count, by this instance's requests or by others', or its readiness.
    fn counted(&mut self, _backend: BackendId, _pool: &Pool, _ctx: &mut Ctx<'_>) {}

    /// All counts may have changed at once: a stale view has been renewed. Only for who listens to counts.
    fn recounted(&mut self, pool: &Pool, ctx: &mut Ctx<'_>) {
        self.members(pool, ctx);
    }

    /// This instance has sent an attempt.
    fn started(&mut self, _request: &Request, _backend: BackendId, _pool: &Pool, _ctx: &mut Ctx<'_>) {}

    /// An attempt that this instance sent has ended.
    fn finished(&mut self, _completion: &Completion, _pool: &Pool, _ctx: &mut Ctx<'_>) {}

    /// A request is over, whatever its attempts did: what was remembered of it can go.
    fn ended(&mut self, _request: u64) {}

    /// What it sees.
    fn sees(&self) -> Sees {
        Sees::View
    }
}

/// A balancer that scenarios can name: what is said of it, and how it is made.
#[derive(Debug)]
pub struct Listed {
    /// Name, parameters, words.
    pub entry: Entry,
    /// Makes one instance from decoded parameters.
    pub build: fn(&Values) -> Box<dyn Balancer>,
}

/// Every balancer, in the order in which they are listed.
pub static CATALOGUE: &[&Listed] = &[
    &round_robin::LISTED,
    &weighted_round_robin::LISTED,
    &random::RANDOM,
    &random::WEIGHTED,
    &least_connections::LISTED,
    &power_of_d::LISTED,
    &ring_hash::LISTED,
    &oracle::SHORTEST_QUEUE,
    &oracle::LEAST_WORK,
    &oracle::CENTRAL_QUEUE,
];

/// What is said of every balancer.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    CATALOGUE.iter().map(|listed| &listed.entry)
}

/// Makes an instance of a kind, if there is such a kind.
#[must_use]
pub fn build(kind: &str, values: &Values) -> Option<Box<dyn Balancer>> {
    CATALOGUE.iter().find(|listed| listed.entry.name == kind).map(|listed| (listed.build)(values))
}

#[cfg(test)]
pub(crate) mod testing {
    //! Six lines of set-up for the policies' tests.
    use super::*;

    /// A policy with its pool and chance, driven by hand.
    pub(crate) struct Bench {
        pub(crate) pool: Pool,
        pub(crate) balancer: Box<dyn Balancer>,
        chance: Stream,
        next: u64,
    }

    impl Bench {
        /// Backends with these weights, named by their address `10.0.0.1:8080`, ….
        pub(crate) fn new(balancer: Box<dyn Balancer>, weights: &[f64]) -> Self {
            let members = weights.iter().zip(1..).map(|(&weight, n)| Member {
                address: format!("10.0.0.{n}:8080"),
                weight,
                speed: 1.0,
                workers: Some(1),
            });
            let mut bench = Self { pool: Pool::truth(members.collect::<Vec<_>>().into()), balancer, chance: Stream::new(7), next: 0 };
            bench.renew();
            bench
        }

        pub(crate) fn renew(&mut self) {
            self.balancer.members(&self.pool, &mut Ctx { now: SimTime::ZERO, chance: &mut self.chance });
        }

        pub(crate) fn pick_key(&mut self, key: u64) -> Pick {
            self.next += 1;
            let request = Request { id: self.next, key, client: 0, attempt: 0 };
            self.balancer.pick(&request, &self.pool, &mut Ctx { now: SimTime::ZERO, chance: &mut self.chance })
        }

        /// Picks for a new request; panics where there is no backend.
        pub(crate) fn pick(&mut self) -> u32 {
            match self.pick_key(self.next) {
                Pick::Backend(backend) => backend.0,
                other => panic!("{other:?}"),
            }
        }

        /// Picks and sends.
        pub(crate) fn send(&mut self) -> u32 {
            let backend = self.pick();
            self.pool.sent(BackendId(backend));
            self.count(backend);
            backend
        }

        pub(crate) fn finish(&mut self, backend: u32) {
            self.pool.ended(BackendId(backend));
            self.count(backend);
        }

        /// Tells that what the pool says of a backend has changed.
        pub(crate) fn count(&mut self, backend: u32) {
            self.balancer.counted(BackendId(backend), &self.pool, &mut Ctx { now: SimTime::ZERO, chance: &mut self.chance });
        }

        /// How often each of `n` backends is picked in `times` picks without sending.
        pub(crate) fn split(&mut self, n: usize, times: usize) -> Vec<u32> {
            let mut counts = vec![0; n];
            (0..times).for_each(|_| counts[self.pick() as usize] += 1);
            counts
        }
    }
}
