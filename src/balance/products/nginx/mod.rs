//! nginx's balancers, as in nginx 1.22.1 without commercial parts.
//!
//! A policy here is a `Rule` for the choice, inside `Nginx`, which is what all of them share: peers with failures, limits and backups
//! ([`peers`]), what is remembered of a request between its attempts, and how often it is tried. Members' `max_fails` and `fail_timeout` are nginx's,
//! `max_in_flight` is `max_conns`, `backup` is `backup`; who is not up is `down`: it gets nothing and keeps its weight in the totals of the hashes.
//! nginx refuses backups beside a hash or `random`; here they are used where such a rule falls back on round robin and finds nobody.
//!
//! **Retries.** As many attempts as there are peers that are not down, backups included, at different peers; fewer with `next_upstream_tries` and
//! `next_upstream_timeout`. Where no peer may have the request the answer is 502 at once. A worker process counts for itself.

mod consistent;
mod hash;
mod listed;
pub mod peers;
mod random;
mod round_robin;

pub use consistent::{POINTS_PER_WEIGHT, points, points_of};
pub use hash::{fold, step};
pub(in crate::balance) use listed::LISTED;
use peers::{Look, Memory, Peer, Peers, seconds};

use super::remembered::Remembered;
use crate::balance::{BackendId, Balancer, Change, Completion, Ctx, Listens, Pick, Pool, Request};
use crate::catalogue::Values;
use crate::random::Stream;
use crate::time::{SimTime, Span};
use std::fmt::Debug;

/// How a peer is chosen.
trait Rule: Debug + Send {
    /// New peers.
    fn build(&mut self, _peers: &Peers, _pool: &Pool) {}

    /// Chooses, stamps, and leaves in the memory what the next attempt must know.
    fn choose(
        &mut self,
        peers: &mut Peers,
        memory: &mut Memory,
        request: &Request<'_>,
        look: Look<'_>,
        chance: &mut Stream,
    ) -> Option<BackendId>;
}

/// A rule among nginx's peers.
#[derive(Debug)]
struct Nginx<R> {
    rule: R,
    peers: Peers,
    remembered: Remembered<Memory>,
    /// `proxy_next_upstream_tries`; 0: as many as there are peers.
    tries: u64,
    /// `proxy_next_upstream_timeout`; 0: none.
    timeout: Span,
}

impl<R: Rule + 'static> Nginx<R> {
    fn boxed(rule: R, values: &Values) -> Box<dyn Balancer> {
        let (tries, timeout) = (values.whole("next_upstream_tries"), values.span("next_upstream_timeout"));
        Box::new(Self { rule, peers: Peers::default(), remembered: Remembered::default(), tries, timeout })
    }

    /// How many attempts a request may have.
    fn attempts(&self, pool: &Pool) -> u64 {
        if self.peers.is_single() {
            return 1;
        }
        let all = self.peers.primary.iter().chain(&self.peers.backup);
        let up = all.filter(|peer| pool.is_eligible(peer.backend)).count() as u64;
        if self.tries == 0 { up } else { up.min(self.tries) }
    }

    fn is_too_late(&self, request: u64, now: SimTime) -> bool {
        let began = self.remembered.get(request).and_then(|memory| memory.began);
        self.timeout > Span::ZERO && began.is_some_and(|began| now.since(began) >= self.timeout)
    }
}

impl<R: Rule + 'static> Balancer for Nginx<R> {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        self.peers = Peers::new(pool);
        self.rule.build(&self.peers, pool);
    }

    /// Who is down is looked at in every pick; anything else is a new configuration, with new worker processes.
    fn changed(&mut self, _: BackendId, change: Change, pool: &Pool, ctx: &mut Ctx<'_>) {
        if !matches!(change, Change::State(_)) {
            self.members(pool, ctx);
        }
    }

    #[inline]
    fn pick(&mut self, request: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        let look = Look { pool, now: seconds(ctx.now) };
        let mut memory = self.remembered.take(request.id).unwrap_or_default();
        let chosen = self.rule.choose(&mut self.peers, &mut memory, request, look, ctx.chance);
        if memory.is_worth_keeping() {
            self.remembered.put(request.id, memory);
        }
        chosen.map_or(Pick::None, Pick::Backend)
    }

    fn listens(&self) -> Listens {
        Listens::ATTEMPTS
    }

    fn finished(&mut self, completion: &Completion, _: &Pool, ctx: &mut Ctx<'_>) {
        if self.peers.is_single() {
            return;
        }
        let Some(peer) = self.peers.peer(completion.backend) else { return };
        if completion.ok {
            peer.succeeded();
        } else {
            peer.failed(seconds(ctx.now));
            let memory = self.remembered.entry(completion.request);
            memory.tried.push(completion.backend);
            memory.began.get_or_insert(SimTime(ctx.now.0.saturating_sub(completion.latency.0)));
        }
    }

    fn retries(&mut self, request: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> bool {
        u64::from(request.attempt) + 1 < self.attempts(pool) && !self.is_too_late(request.id, ctx.now)
    }

    fn refusal(&self) -> u16 {
        502
    }

    fn ended(&mut self, request: u64) {
        self.remembered.take(request);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing::Bench;
    use crate::balance::{State, build, find};
    use crate::scenario::defaults;

    fn bench(kind: &str, weights: &[f64]) -> Bench {
        let listed = find(kind).expect("it is in the catalogue");
        Bench::new(build(kind, &defaults(&listed.entry)).expect("it is in the catalogue"), weights)
    }

    #[test]
    fn sequential_least_conn_takes_the_turns_of_the_weighted_round_robin() {
        for kind in ["nginx/round-robin", "nginx/least-conn"] {
            let mut bench = bench(kind, &[5.0, 1.0, 1.0]);
            assert_eq!((0..7).map(|_| bench.pick()).collect::<Vec<_>>(), [0, 0, 1, 0, 2, 0, 0], "{kind}");
        }
    }

    #[test]
    fn random_two_turns_the_weights_round_where_all_are_idle() {
        let counts = bench("nginx/random-two-least-conn", &[5.0, 1.0, 1.0]).split(3, 30_000);
        // 23.8% of 30,000; the standard deviation is 74: five of them.
        assert!(counts[0].abs_diff(7_143) < 370, "{counts:?}");
    }

    #[test]
    fn who_is_down_keeps_its_place_in_the_hash() {
        let mut bench = bench("nginx/hash", &[1.0; 5]);
        let before: Vec<_> = (0..500).map(|key| bench.pick_key(key)).collect();
        bench.pool.set_state(BackendId(2), State::Down);
        for (key, was) in before.into_iter().enumerate() {
            let now = bench.pick_key(key as u64);
            assert!(now == was || was == Pick::Backend(BackendId(2)), "key {key} moved from {was:?} to {now:?}");
            assert_ne!(now, Pick::Backend(BackendId(2)));
        }
    }

    #[test]
    fn a_failure_costs_the_whole_effective_weight_which_climbs_back_by_one() {
        let mut peer = Peer::new(BackendId(0), 5, &crate::balance::Member::new("a"));
        peer.failed(100);
        assert!(peer.is_blocked(110) && !peer.is_blocked(111));
        assert_eq!((peer.effective_weight, peer.compete(), peer.effective_weight), (0, 0, 1));
        peer.succeeded();
        assert_eq!(peer.fails, 1, "not stamped since");
        peer.taken(111);
        peer.succeeded();
        assert_eq!(peer.fails, 0);
    }
}
