//! brpc's `la`: locality-aware, by throughput over latency.
//!
//! **Rule.** A server's base weight is its answers per second over their average latency, from the last 128 answers. A draw in proportion to weight picks one, whose weight is
//! then computed anew: where its requests under way are on average older than 1.5 times the latency, the weight shrinks in proportion; if it no longer covers the draw,
//! another draw is made. A failure counts as an answer that took between 1.2 times the latency and the timeout, the nearer to that the fewer attempts are left. A new server begins at the average.
//! **Cost:** O(log n) a draw, by sums in a tree. **Where it shines.** Servers near and far, strong and weak. **Where it fails.** It needs traffic to learn.

use crate::balance::{BackendId, Balancer, Change, Completion, Ctx, Listens, Pick, Pool, Request};
use crate::time::{SimTime, Span};
use std::collections::VecDeque;

/// Answers that count.
const ANSWERS: usize = 128;
/// What a throughput of one a second is counted as, so that weights are whole.
const SCALE: f64 = 1.0087e9;
/// Requests that are late by this factor are punished.
const PUNISHED_FROM: f64 = 1.5;
/// No server weighs less.
const LEAST_WEIGHT: i64 = 1000;
/// A failure is at least so much slower than the average.
const FAILURE_FACTOR: f64 = 1.2;
/// Draws before the last one stands.
const DRAWS: usize = 100;

/// Sums over places that can change, and the place in which a number lies: a binary indexed tree.
#[derive(Clone, Debug, Default)]
struct Sums {
    tree: Vec<i64>,
    weights: Vec<i64>,
}

impl Sums {
    fn new(n: usize) -> Self {
        Self { tree: vec![0; n + 1], weights: vec![0; n] }
    }

    fn set(&mut self, at: usize, weight: i64) {
        let more = weight - std::mem::replace(&mut self.weights[at], weight);
        let mut node = at + 1;
        while node < self.tree.len() {
            self.tree[node] += more;
            node += node & node.wrapping_neg();
        }
    }

    fn total(&self) -> i64 {
        self.weights_before(self.weights.len())
    }

    fn weights_before(&self, mut node: usize) -> i64 {
        let mut sum = 0;
        while node > 0 {
            sum += self.tree[node];
            node &= node - 1;
        }
        sum
    }

    /// The place in which a number below the total lies, and how far into it.
    fn find(&self, mut number: i64) -> (usize, i64) {
        let mut node = 0;
        let mut step = self.tree.len().next_power_of_two();
        while step > 0 {
            if node + step < self.tree.len() && self.tree[node + step] <= number {
                node += step;
                number -= self.tree[node];
            }
            step /= 2;
        }
        (node, number)
    }
}

/// What is known of a server.
#[derive(Clone, Debug, Default)]
struct Server {
    /// Of the last answers: the sum of latencies up to each, in microseconds, and when it came.
    answers: VecDeque<(f64, SimTime)>,
    base: f64,
    latency_us: f64,
    under_way: u32,
    /// The sum of when those under way began, in microseconds.
    began_us: f64,
}

impl Server {
    fn answered(&mut self, latency_us: f64, now: SimTime) {
        let sum = self.answers.back().map_or(0.0, |&(sum, _)| sum) + latency_us;
        self.answers.push_back((sum, now));
        let (Some(&(first, since)), n) = (self.answers.front(), self.answers.len()) else { return };
        if n < 2 {
            self.latency_us = latency_us.max(1.0);
            self.base = SCALE / self.latency_us;
            return;
        }
        let window_us = (now.since(since).0 as f64 / 1_000.0).max(1.0);
        let is_enough = n > ANSWERS || window_us >= 1e6;
        let qps = if is_enough { ((n - 1) as f64 * 1e6 * SCALE / window_us).max(SCALE) } else { SCALE };
        self.latency_us = ((sum - first) / (n - 1) as f64).max(1.0);
        self.base = qps / self.latency_us;
        if n > ANSWERS {
            self.answers.pop_front();
        }
    }

    fn weight(&self, now: SimTime) -> i64 {
        let mut weight = self.base;
        if self.under_way > 0 && self.latency_us > 0.0 {
            let delay = now.0 as f64 / 1_000.0 - self.began_us / f64::from(self.under_way);
            let late = self.latency_us * PUNISHED_FROM;
            if delay >= late {
                weight *= late / delay;
            }
        }
        (weight as i64).max(LEAST_WEIGHT)
    }
}

/// The balancer.
#[derive(Debug)]
pub(super) struct LocalityAware {
    pub(super) timeout: Span,
    servers: Vec<Server>,
    sums: Sums,
}

impl LocalityAware {
    pub(super) fn new(timeout: Span) -> Self {
        Self { timeout, servers: Vec::new(), sums: Sums::default() }
    }

    /// Weighs everybody, those that are not eligible nothing, and those that are unknown the average of all others.
    fn weigh(&mut self, pool: &Pool, now: SimTime) {
        self.servers.resize(pool.len(), Server::default());
        let known: Vec<f64> = self.servers.iter().map(|server| server.base).filter(|&base| base > 0.0).collect();
        let average = if known.is_empty() { SCALE / 1_000.0 } else { known.iter().sum::<f64>() / known.len() as f64 };
        self.sums = Sums::new(pool.len());
        for &backend in pool.eligible() {
            let server = &mut self.servers[backend.index()];
            if server.base == 0.0 {
                server.base = average;
            }
            self.sums.set(backend.index(), server.weight(now));
        }
    }
}

impl Balancer for LocalityAware {
    fn members(&mut self, pool: &Pool, ctx: &mut Ctx<'_>) {
        self.servers.clear();
        self.weigh(pool, ctx.now);
    }

    fn changed(&mut self, backend: BackendId, change: Change, pool: &Pool, ctx: &mut Ctx<'_>) {
        if matches!(change, Change::State(_)) && pool.is_eligible(backend) {
            // Who comes back is brought down to the average.
            let server = &mut self.servers[backend.index()];
            server.base = 0.0;
            server.answers.clear();
        }
        self.weigh(pool, ctx.now);
    }

    #[inline]
    fn pick(&mut self, _: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        let mut chosen = Pick::None;
        for _ in 0..DRAWS {
            let total = self.sums.total();
            if total <= 0 {
                return Pick::None;
            }
            let (at, into) = self.sums.find(ctx.chance.below(total as u64) as i64);
            if !pool.is_eligible(BackendId(at as u32)) {
                continue;
            }
            let weight = self.servers[at].weight(ctx.now);
            self.sums.set(at, weight);
            chosen = Pick::Backend(BackendId(at as u32));
            if into < weight {
                break;
            }
        }
        chosen
    }

    fn listens(&self) -> Listens {
        Listens::ATTEMPTS
    }

    fn started(&mut self, _: &Request<'_>, backend: BackendId, _: &Pool, ctx: &mut Ctx<'_>) {
        let server = &mut self.servers[backend.index()];
        server.under_way += 1;
        server.began_us += ctx.now.0 as f64 / 1_000.0;
    }

    fn finished(&mut self, completion: &Completion, pool: &Pool, ctx: &mut Ctx<'_>) {
        let server = &mut self.servers[completion.backend.index()];
        let own = completion.latency.0 as f64 / 1_000.0;
        server.under_way = server.under_way.saturating_sub(1);
        server.began_us = if server.under_way == 0 { 0.0 } else { server.began_us - (ctx.now.0 as f64 / 1_000.0 - own) };
        // One attempt done, and as many left as none: half way between the two.
        let failure = (own.max(server.latency_us) * FAILURE_FACTOR + self.timeout.0 as f64 / 1_000.0) / 2.0;
        server.answered(if completion.ok { own } else { failure }, ctx.now);
        if pool.is_eligible(completion.backend) {
            let weight = server.weight(ctx.now);
            self.sums.set(completion.backend.index(), weight);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn a_number_is_found_where_it_lies() {
        let mut chance = Stream::new(1);
        for n in [1, 2, 5, 16, 33] {
            let mut sums = Sums::new(n);
            let weights: Vec<i64> = (0..n).map(|_| chance.below(5) as i64).collect();
            weights.iter().enumerate().for_each(|(at, &weight)| sums.set(at, weight));
            assert_eq!(sums.total(), weights.iter().sum::<i64>());
            for number in 0..sums.total() {
                let (at, into) = sums.find(number);
                assert_eq!((weights[..at].iter().sum::<i64>() + into, into < weights[at]), (number, true));
            }
        }
    }

    #[test]
    fn who_is_late_weighs_less() {
        let mut server = Server { base: 10_000.0, latency_us: 100.0, under_way: 1, began_us: 0.0, ..Server::default() };
        assert_eq!([149, 300].map(|us| server.weight(SimTime(us * 1_000))), [10_000, 5_000]);
        server.under_way = 0;
        assert_eq!(server.weight(SimTime(300_000)), 10_000);
    }
}
