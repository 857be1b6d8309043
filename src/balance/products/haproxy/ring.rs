//! HAProxy's consistent hash, its bounded loads, and `random`, which draws on the same ring.
//!
//! **Rule.** A server has 16 nodes for each unit of weight, node j of server id at `avalanche(id · 4096 + j)` on a circle of 2^32. A hash goes to the
//! *nearest* node, the one before it on a tie, not to the next clockwise. **Bounded loads.** With `balance_factor` F a server is passed over, for the
//! next node's, when it serves as many requests as F percent of the average allow: [`slots`]. **Random.** Draws on the ring, two by default; a later
//! draw is kept unless it has more requests for its weight. **Cost:** O(log nodes) a lookup. **Where it fails.** 16 nodes are few: shares of equal servers differ by
//! a fifth, in `random` too, which is therefore not uniform.

use super::farm::Farm;
use crate::balance::hash::avalanche;
use crate::balance::{BackendId, Pool};

/// Nodes of the servers in use, ascending.
#[derive(Debug, Default)]
pub(super) struct Ring {
    nodes: Vec<(u32, u32)>,
    /// The node that was last given to a request without input.
    last: Option<(u32, u32)>,
}

/// What a lookup passes over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passing {
    /// Where the request has failed.
    pub(super) avoid: Option<BackendId>,
    /// `hash-balance-factor` in percent; 0: loads are not bounded.
    pub(super) factor: u64,
    /// How many requests all servers serve.
    pub(super) served: u64,
}

/// How many requests a server may serve where all serve `served`, this one not yet counted: `factor` percent of them, rounded up, shared out by
/// weight in the order of the file. `before` is what the servers before it weigh.
#[must_use]
pub fn slots(eweight: u64, before: u64, total: u64, served: u64, factor: u64) -> u64 {
    let all = ((served + 1) * factor).div_ceil(100);
    let (each, rest) = (all / total, all % total);
    (eweight * each + (before + eweight) * rest / total - before * rest / total).max(1)
}

impl Passing {
    fn passes(&self, at: usize, farm: &Farm, pool: &Pool) -> bool {
        let server = &farm.servers[at];
        if self.avoid == Some(server.backend) {
            return true;
        }
        let Some(before) = (self.factor > 0).then(|| farm.used.binary_search(&at).ok()).flatten() else { return false };
        let slots = slots(u64::from(server.eweight), farm.before[before], farm.total, self.served, self.factor);
        u64::from(pool.in_flight(server.backend)) >= slots
    }
}

impl Ring {
    pub(super) fn rebuild(&mut self, farm: &Farm) {
        self.nodes.clear();
        for &at in &farm.used {
            let server = &farm.servers[at];
            let first = server.puid.wrapping_mul(4096);
            self.nodes.extend((0..server.eweight).map(|node| (avalanche(first.wrapping_add(node)), at as u32)));
        }
        // Of equal nodes the first made comes first.
        self.nodes.sort_by_key(|&(key, _)| key);
    }

    /// The place of the nearest node.
    fn nearest(&self, hash: u32) -> Option<usize> {
        let len = self.nodes.len();
        let next = self.nodes.partition_point(|&(key, _)| key < hash).checked_rem(len)?;
        let before = (next + len - 1) % len;
        let (back, ahead) = (hash.wrapping_sub(self.nodes[before].0), self.nodes[next].0.wrapping_sub(hash));
        Some(if back <= ahead { before } else { next })
    }

    /// The server of the nearest node that is not passed over; of the last of the second round where all are.
    pub(super) fn find(&self, hash: u32, passing: Passing, farm: &Farm, pool: &Pool) -> Option<usize> {
        let mut node = self.nearest(hash)?;
        let mut rounds = 0;
        while passing.passes(self.server(node), farm, pool) {
            node += 1;
            if node == self.nodes.len() {
                node = 0;
                rounds += 1;
                if rounds > 1 {
                    break;
                }
            }
        }
        Some(self.server(node))
    }

    fn server(&self, node: usize) -> usize {
        self.nodes[node].1 as usize
    }

    /// For a request without input: the next node's server that is not full; the one to avoid only where there is no other.
    pub(super) fn turn(&mut self, farm: &Farm, pool: &Pool, avoid: Option<BackendId>) -> Option<usize> {
        let len = self.nodes.len();
        let same = |&node: &(u32, u32)| self.nodes.iter().position(|&other| other == node);
        let first = self.last.as_ref().and_then(same).map_or(0, |last| last + 1);
        let mut avoided = None;
        for step in 0..len {
            let node = (first + step) % len;
            let at = self.server(node);
            if farm.is_saturated(at, pool) {
                continue;
            }
            if avoid != Some(farm.servers[at].backend) {
                self.last = Some(self.nodes[node]);
                return Some(at);
            }
            avoided = Some((node, at));
        }
        let (node, at) = avoided?;
        self.last = Some(self.nodes[node]);
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::slots;

    #[test]
    fn slots_are_shared_out_in_the_order_of_the_file() {
        // (3 + 1) · 125% = 5 slots for weights 16, 16, 16.
        assert_eq!([0, 16, 32].map(|before| slots(16, before, 48, 3, 125)), [1, 2, 2]);
        assert_eq!(slots(16, 0, 48, 0, 125), 1, "never none");
    }
}
