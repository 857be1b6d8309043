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
//!     fn pick(&mut self, _: &Request<'_>, pool: &Pool, _: &mut Ctx<'_>) -> Pick {
//!         let eligible = pool.eligible();
//!         let Some(&stay) = eligible.get(self.at) else { return Pick::None };
//!         if pool.in_flight(stay) > 0 {
//!             self.at = (self.at + 1) % eligible.len();
//!         }
//!         Pick::Backend(eligible[self.at])
//!     }
//! }
//!
//! let mut pool = Pool::new([Member::new("10.0.0.1:8080"), Member::new("10.0.0.2:8080")].into());
//! let (mut rule, mut chance) = (StayWhileIdle::default(), Stream::new(42));
//! let request = Request { id: 1, key: 1, ..Request::default() };
//! let mut pick = |pool: &Pool| rule.pick(&request, pool, &mut Ctx { now: SimTime::ZERO, chance: &mut chance });
//!
//! let Pick::Backend(first) = pick(&pool) else { panic!("both are eligible") };
//! pool.sent(first);
//! let Pick::Backend(second) = pick(&pool) else { panic!("both are eligible") };
//! assert_ne!(first, second);
//! ```
//!
//! [`register`] makes such a rule known by a name, so that scenarios can say it: `examples/own_balancer.rs` does.

mod as_recorded;
mod bounded_load;
pub mod c3;
mod catalogue;
mod client_side_weighted;
pub mod edf;
mod expected_delay;
mod fan;
mod first;
pub mod hash;
pub mod index;
pub mod join_idle_queue;
pub mod jump_hash;
mod keyed;
mod known;
mod late_binding;
mod least_connections;
mod least_latency;
pub mod maglev;
mod member;
mod modulo_hash;
mod oracle;
mod peak_ewma;
mod places;
mod pool;
pub mod power_of_d;
pub mod prequal;
pub mod products;
mod random;
mod rendezvous;
mod request;
pub mod ring_hash;
mod round_robin;
#[cfg(feature = "script")]
mod script;
mod sticky;
pub mod stride;
mod subset;
mod two_choices;
mod weighted_round_robin;

pub use catalogue::{Law, Listed, Taken, build, entries, find, inner, listed, register};
pub use member::{Member, State};
pub use pool::Pool;
pub use request::{Digits, Request, Said, client_address};

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

/// A balancer's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// Send it there.
    Backend(BackendId),
    /// Hold it here; when something has ended or changed, [`Balancer::release`] says whose turn it is.
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
    /// [`Balancer::reported`].
    pub reports: Reports,
}

/// How backends say how they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reports {
    /// They do not.
    #[default]
    Never,
    /// With every answer.
    Answers,
    /// When they are asked: [`Balancer::probes`].
    Probes,
    /// When they have become idle, to one instance drawn at random.
    Idle,
}

impl Listens {
    /// Nothing but picks.
    pub const NOTHING: Self = Self { counts: false, attempts: false, reports: Reports::Never };
    /// Changes of counts.
    pub const COUNTS: Self = Self { counts: true, ..Self::NOTHING };
    /// Attempts.
    pub const ATTEMPTS: Self = Self { attempts: true, ..Self::NOTHING };
}

/// What a backend says of itself; what it does not say is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Report {
    /// Requests that it answers per second.
    pub rps: f64,
    /// Of these, answered with an error.
    pub eps: f64,
    /// The share of its workers that is busy, averaged.
    pub utilization: f64,
    /// Requests in flight there, whoever sent them.
    pub in_flight: u32,
    /// What a request that arrives now may expect, as far as it can tell.
    pub latency: Span,
    /// What requests take once they are served, averaged.
    pub service: Span,
}

/// What has changed about one backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Its weight.
    Weight,
    /// What is believed of it, from this state.
    State(State),
    /// It has joined.
    Joined,
    /// It has left.
    Left,
}

/// Whose turn it is among the requests that a balancer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// The one held longest: [`Balancer::pick`] says where to.
    Oldest,
    /// This request goes there.
    Held(u64, BackendId),
    /// Nobody's.
    Nobody,
}

/// A load-balancing rule.
pub trait Balancer: Send + Debug {
    /// A new configuration: at the start, and when it is loaded again. Whatever is kept about single backends is to be made again from `pool`.
    fn members(&mut self, pool: &Pool, ctx: &mut Ctx<'_>);

    /// One backend has joined, left, or changed its weight or state while all goes on. Products tell this from a new configuration; who does not
    /// begins anew.
    fn changed(&mut self, _backend: BackendId, _change: Change, pool: &Pool, ctx: &mut Ctx<'_>) {
        self.members(pool, ctx);
    }

    /// Chooses for one attempt of a request.
    fn pick(&mut self, request: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick;

    /// Asked after an end or a change, while requests are held and until the answer is [`Release::Nobody`] or the oldest must wait on: whose turn
    /// is it? Who keeps no queue of its own lets the oldest be picked for again.
    fn release(&mut self, _pool: &Pool, _ctx: &mut Ctx<'_>) -> Release {
        Release::Oldest
    }

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

    /// A backend's report or its answer to a probe has arrived.
    fn reported(&mut self, _backend: BackendId, _report: &Report, _pool: &Pool, _ctx: &mut Ctx<'_>) {}

    /// Asked after every pick of who listens to probes: the backends to be probed now.
    fn probes(&mut self, _pool: &Pool, _ctx: &mut Ctx<'_>, _probe: &mut dyn FnMut(BackendId)) {}

    /// This instance has sent an attempt.
    fn started(&mut self, _request: &Request<'_>, _backend: BackendId, _pool: &Pool, _ctx: &mut Ctx<'_>) {}

    /// An attempt that this instance sent has ended.
    fn finished(&mut self, _completion: &Completion, _pool: &Pool, _ctx: &mut Ctx<'_>) {}

    /// Whether the product itself tries again now that this attempt has failed, of which [`Balancer::finished`] has told.
    fn retries(&mut self, _request: &Request<'_>, _pool: &Pool, _ctx: &mut Ctx<'_>) -> bool {
        false
    }

    /// The HTTP status with which the product refuses a request that nobody answered.
    fn refusal(&self) -> u16 {
        503
    }

    /// A request is over, whatever its attempts did: what was remembered of it can go.
    fn ended(&mut self, _request: u64) {}

    /// What keeps it from choosing, where something does: a script that failed. The run ends with it.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// What it sees.
    fn sees(&self) -> Sees {
        Sees::View
    }
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
            let members = weights.iter().zip(1..).map(|(&weight, n)| Member::new(format!("10.0.0.{n}:8080")).weight(weight));
            let mut bench = Self { pool: Pool::truth(members.collect::<Vec<_>>().into()), balancer, chance: Stream::new(7), next: 0 };
            bench.renew();
            bench
        }

        pub(crate) fn renew(&mut self) {
            self.balancer.members(&self.pool, &mut Ctx { now: SimTime::ZERO, chance: &mut self.chance });
        }

        pub(crate) fn pick_key(&mut self, key: u64) -> Pick {
            self.next += 1;
            let request = Request { id: self.next, key, ..Request::default() };
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
