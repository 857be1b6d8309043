//! nginx's `random` and `random two least_conn`.
//!
//! **`nginx/random`.** A peer is drawn in proportion to its weight, and drawn again where it may not have the request. **`nginx/random-two-least-conn`.**
//! Two different peers are drawn so, and the *second* gets the request unless it has more connections for its weight. **Ties** therefore go to the
//! second, and in an idle pool that turns the weights round: with 5, 1, 1 the heavy peer is mostly drawn first and gets 24% instead of 71%. More than 20
//! draws without result, of which the first of two is one, and round robin decides. **Cost:** O(log n) a draw. **Where it fails.** With two peers of
//! very different weight most draws are the same one twice.

use super::{Look, Memory, Peers, Rule};
use crate::balance::{BackendId, Request};
use crate::random::Stream;

/// One draw.
#[derive(Debug)]
pub(super) struct Random;

impl Rule for Random {
    fn choose(
        &mut self,
        peers: &mut Peers,
        memory: &mut Memory,
        _: &Request<'_>,
        look: Look<'_>,
        chance: &mut Stream,
    ) -> Option<BackendId> {
        if memory.tries > 20 || peers.primary.len() < 2 {
            return peers.round_robin(memory, look);
        }
        loop {
            let place = peers.in_share(chance.below(peers.total_weight()));
            if look.may_have(&peers.primary[place], &memory.tried) {
                return Some(take(peers, place, look));
            }
            if memory.misses() {
                return peers.round_robin(memory, look);
            }
        }
    }
}

/// The less busy of two.
#[derive(Debug)]
pub(super) struct RandomTwo;

impl Rule for RandomTwo {
    fn choose(
        &mut self,
        peers: &mut Peers,
        memory: &mut Memory,
        _: &Request<'_>,
        look: Look<'_>,
        chance: &mut Stream,
    ) -> Option<BackendId> {
        if memory.tries > 20 || peers.primary.len() < 2 {
            return peers.round_robin(memory, look);
        }
        // nginx counts draws over all attempts of a request. Here an attempt that drew two begins anew: it would have to be remembered otherwise.
        let mut draws = memory.tries;
        let mut first = None;
        loop {
            let place = peers.in_share(chance.below(peers.total_weight()));
            if first != Some(place) && look.may_have(&peers.primary[place], &memory.tried) {
                match first {
                    Some(first) => return Some(take(peers, less_busy(peers, look, first, place), look)),
                    None => first = Some(place),
                }
            }
            draws += 1;
            if draws > 20 {
                memory.tries = draws;
                return peers.round_robin(memory, look);
            }
        }
    }
}

fn take(peers: &mut Peers, place: usize, look: Look<'_>) -> BackendId {
    peers.primary[place].taken(look.now);
    peers.primary[place].backend
}

/// The second, unless it has more connections for its weight than the first.
fn less_busy(peers: &Peers, look: Look<'_>, first: usize, second: usize) -> usize {
    let load = |place: usize| u64::from(look.pool.in_flight(peers.primary[place].backend));
    let weight = |place: usize| peers.primary[place].weight as u64;
    if load(second) * weight(first) > load(first) * weight(second) { first } else { second }
}
