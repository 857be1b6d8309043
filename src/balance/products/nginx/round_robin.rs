//! nginx's own round robin, and its least connections, which leans on it for ties.
//!
//! **`nginx/round-robin`.** The smooth weighted round robin with effective weights: 5, 1, 1 gives a a b a c a a; after a failure a heavy peer
//! comes back slowly. **`nginx/least-conn`.** The least `connections ÷ weight`, compared exactly by cross-multiplication. Equals are decided by a
//! smooth round robin among them alone, whose credit moves only then: with sequential traffic everybody is idle, and it is the weighted round
//! robin. An idle peer comes before a busy one whatever the weights. **Cost:** O(n), as in the product. **Where it fails.** Each worker process
//! counts for itself, so many workers herd; see instances and view of the balancer tier.

use super::{Look, Memory, Peer, Peers, Rule};
use crate::balance::{BackendId, Request};
use crate::random::Stream;

/// In turn.
#[derive(Debug)]
pub(super) struct RoundRobin;

impl Rule for RoundRobin {
    fn choose(&mut self, peers: &mut Peers, memory: &mut Memory, _: &Request<'_>, look: Look<'_>, _: &mut Stream) -> Option<BackendId> {
        peers.round_robin(memory, look)
    }
}

/// Who has least for its weight.
#[derive(Debug)]
pub(super) struct LeastConn;

impl Rule for LeastConn {
    fn choose(&mut self, peers: &mut Peers, memory: &mut Memory, _: &Request<'_>, look: Look<'_>, _: &mut Stream) -> Option<BackendId> {
        peers.choose(memory, look, least)
    }
}

/// The place of the peer with the least connections for its weight.
fn least(set: &mut [Peer], usable: &dyn Fn(&Peer) -> bool, look: Look<'_>) -> Option<usize> {
    let conns = |peer: &Peer| i64::from(look.pool.in_flight(peer.backend));
    // Below zero where `peer` has less for its weight than `best`.
    let compare = |peer: &Peer, best: &Peer| (conns(peer) * best.weight).cmp(&(conns(best) * peer.weight));
    let (mut best, mut has_equals) = (None, false);
    for (place, peer) in set.iter().enumerate().filter(|(_, peer)| usable(peer)) {
        match best.map(|best: usize| compare(peer, &set[best])) {
            None | Some(std::cmp::Ordering::Less) => (best, has_equals) = (Some(place), false),
            Some(std::cmp::Ordering::Equal) => has_equals = true,
            Some(std::cmp::Ordering::Greater) => {}
        }
    }
    let first = best?;
    let (mut best, mut total) = (first, 0);
    for place in first..if has_equals { set.len() } else { first } {
        if usable(&set[place]) && compare(&set[place], &set[best]).is_eq() {
            total += set[place].compete();
            if set[place].current_weight > set[best].current_weight {
                best = place;
            }
        }
    }
    set[best].current_weight -= total;
    Some(best)
}
