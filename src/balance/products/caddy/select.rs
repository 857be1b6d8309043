//! Caddy's selection policies without a hash.
//!
//! **`random`.** One of the available, uniformly, by a reservoir. **`random-choose`.** Some of the available, uniformly, and of them one with the least
//! requests, by a rule of Caddy's own, [`least_requests`]. **`first`.** The first available. **`round-robin`.** A counter that is increased *before* use, so that
//! the first request goes to the second upstream; who is not available is passed over by further increments. **`weighted-round-robin`.** A counter modulo the total weight
//! gives a place among those with weight, and the upstream at that place among those that are *available*: blocks, and who is not available passes its
//! turns on to those behind. **`least-conn`.** The least requests, one of equals uniformly. None but the weighted one looks at weights.
//! **Cost:** O(n), as in the product; `round-robin` O(1) where all are available.

use super::{Select, Upstreams};
use crate::balance::{BackendId, Pool, Request};
use crate::random::Stream;

/// One of the available, uniformly.
#[derive(Debug)]
pub(super) struct Random;

impl Select for Random {
    fn select(&mut self, _: &Request<'_>, upstreams: &Upstreams, pool: &Pool, chance: &mut Stream) -> Option<BackendId> {
        random(upstreams, pool, chance)
    }
}

/// A reservoir of one.
pub(super) fn random(upstreams: &Upstreams, pool: &Pool, chance: &mut Stream) -> Option<BackendId> {
    let mut chosen = None;
    for (before, backend) in (0..).zip(upstreams.available(pool)) {
        if chance.below(before + 1) == 0 {
            chosen = Some(backend);
        }
    }
    chosen
}

/// The least of some.
#[derive(Debug)]
pub(super) struct RandomChoose {
    choose: usize,
    /// The sample.
    sample: Vec<BackendId>,
}

impl RandomChoose {
    pub(super) fn new(choose: u64) -> Self {
        Self { choose: choose as usize, sample: Vec::with_capacity(choose as usize) }
    }
}

impl Select for RandomChoose {
    fn select(&mut self, _: &Request<'_>, upstreams: &Upstreams, pool: &Pool, chance: &mut Stream) -> Option<BackendId> {
        self.sample.clear();
        for (before, backend) in (0..).zip(upstreams.available(pool)) {
            if self.sample.len() < self.choose {
                self.sample.push(backend);
            } else if let Some(place) = self.sample.get_mut(chance.below(before + 1) as usize) {
                *place = backend;
            }
        }
        least_requests(&mut self.sample, pool, chance)
    }
}

/// The first without requests; else one, uniformly, of those that had no more than the least *so far* when they were looked at: the first of the sample
/// is among them however many requests it has, a peculiarity of Caddy's.
pub fn least_requests(sample: &mut Vec<BackendId>, pool: &Pool, chance: &mut Stream) -> Option<BackendId> {
    if let Some(idle) = sample.iter().find(|&&backend| pool.in_flight(backend) == 0) {
        return Some(*idle);
    }
    let mut least = u32::MAX;
    sample.retain(|&backend| {
        let requests = pool.in_flight(backend);
        let is_kept = requests <= least;
        least = least.min(requests);
        is_kept
    });
    sample.get(chance.below(sample.len() as u64) as usize).copied()
}

/// The first available.
#[derive(Debug)]
pub(super) struct First;

impl Select for First {
    fn select(&mut self, _: &Request<'_>, upstreams: &Upstreams, pool: &Pool, _: &mut Stream) -> Option<BackendId> {
        upstreams.available(pool).next()
    }
}

/// In turn.
#[derive(Debug, Default)]
pub(super) struct RoundRobin {
    counter: u32,
}

impl Select for RoundRobin {
    fn rebuild(&mut self, _: &Upstreams, _: &Pool) {
        self.counter = 0;
    }

    fn select(&mut self, _: &Request<'_>, upstreams: &Upstreams, pool: &Pool, _: &mut Stream) -> Option<BackendId> {
        for _ in 0..upstreams.backends.len() {
            self.counter = self.counter.wrapping_add(1);
            let backend = upstreams.backends[self.counter as usize % upstreams.backends.len()];
            if upstreams.is_available(backend, pool) {
                return Some(backend);
            }
        }
        None
    }
}

/// In turn, by weight.
#[derive(Debug, Default)]
pub(super) struct WeightedRoundRobin {
    counter: u32,
    /// Where the weights above zero end, added up in order, and whose they are.
    ends: Vec<u64>,
    weighted: Vec<BackendId>,
}

impl Select for WeightedRoundRobin {
    fn rebuild(&mut self, upstreams: &Upstreams, pool: &Pool) {
        let weight = |backend| u64::from(crate::balance::products::whole(pool.weight(backend)));
        self.weighted = upstreams.backends.iter().copied().filter(|&backend| weight(backend) > 0).collect();
        let add = |sum: &mut u64, &backend: &BackendId| {
            *sum += weight(backend);
            Some(*sum)
        };
        self.ends = self.weighted.iter().scan(0, add).collect();
        self.counter = 0;
    }

    fn select(&mut self, _: &Request<'_>, upstreams: &Upstreams, pool: &Pool, _: &mut Stream) -> Option<BackendId> {
        self.counter = self.counter.wrapping_add(1);
        let turn = u64::from(self.counter) % self.ends.last()?;
        let place = self.ends.partition_point(|&end| end <= turn);
        let is_available = |backend: &&BackendId| upstreams.is_available(**backend, pool);
        let available = self.weighted.iter().filter(is_available).count();
        self.weighted.iter().filter(is_available).nth(place.checked_rem(available)?).copied()
    }
}

/// The least requests.
#[derive(Debug)]
pub(super) struct LeastConn;

impl Select for LeastConn {
    fn select(&mut self, _: &Request<'_>, upstreams: &Upstreams, pool: &Pool, chance: &mut Stream) -> Option<BackendId> {
        let (mut chosen, mut least, mut equals) = (None, u32::MAX, 0);
        for backend in upstreams.available(pool) {
            let requests = pool.in_flight(backend);
            if chosen.is_none() || requests < least {
                (least, equals) = (requests, 0);
            }
            if requests == least {
                equals += 1;
                if equals == 1 || chance.below(equals) == 0 {
                    chosen = Some(backend);
                }
            }
        }
        chosen
    }
}
