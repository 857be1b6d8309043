//! HAProxy's `leastconn` and `first`: servers in the order of a key.
//!
//! **`haproxy/leastconn`.** The key is 0 for an idle server and `(requests + 1) · 4096 ÷ eweight`, whole, for another; requests are those being served and
//! those in the server's own queue. A server moves to the end of those with its key when its key changes, so **ties** go to who has had its key
//! longest. Idle servers come first whatever they weigh: with sequential traffic it is a round robin that *ignores weights*. A server without room
//! (`maxconn` and `maxqueue`) is skipped. **`haproxy/first`.** The lowest id that is not full: fills one server after the other, so that the last can be
//! switched off. **Cost:** O(log n): a tree over keys is kept up to date. (3.x draws among equal keys.)

use super::Group;
use super::farm::{Farm, Server};
use crate::balance::index::{MinTree, NEVER};
use crate::balance::{BackendId, Pool};

/// By which key servers stand in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// How busy, then since when.
    LeastConn,
    /// The id.
    First,
}

/// Servers of one group in order.
#[derive(Debug)]
pub(super) struct Ordered {
    order: Order,
    tree: MinTree,
    /// Each server's key, and when it got it.
    keys: Vec<(u32, u64)>,
    changes: u64,
}

/// The key of a server with so many requests.
#[must_use]
pub fn key(requests: u32, eweight: u32) -> u32 {
    if requests == 0 { 0 } else { ((u64::from(requests) + 1) * 4096 / u64::from(eweight.max(1))) as u32 }
}

impl Ordered {
    pub(super) fn new(order: Order) -> Self {
        Self { order, tree: MinTree::default(), keys: Vec::new(), changes: 0 }
    }

    pub(super) fn rebuild(&mut self, farm: &Farm, pool: &Pool, group: Group) {
        self.keys = vec![(u32::MAX, 0); farm.servers.len()];
        self.tree.rebuild(farm.servers.len(), std::iter::empty());
        (0..farm.servers.len()).for_each(|at| self.update(at, farm, pool, group));
    }

    /// A server's requests, weight or limit have changed.
    pub(super) fn update(&mut self, at: usize, farm: &Farm, pool: &Pool, group: Group) {
        let server = &farm.servers[at];
        let requests = pool.in_flight(server.backend) + server.waiting;
        let key = if self.order == Order::First { server.puid } else { key(requests, server.eweight) };
        if self.keys[at].0 != key {
            self.changes += 1;
            self.keys[at] = (key, self.changes);
        }
        let has_room = group.has(server) && server.eweight > 0 && self.has_room(server, farm, pool, at);
        // Half of the score for the key, half for its age; an age of 2^32 changes ago counts as old as any.
        let (key, since) = self.keys[at];
        let score = if has_room { (u64::from(key) << 32) | (since & 0xffff_ffff) } else { NEVER };
        self.tree.set(BackendId(at as u32), score);
    }

    /// The server comes after all others of its key.
    pub(super) fn join_the_end(&mut self, at: usize) {
        self.keys[at].0 = u32::MAX;
    }

    fn has_room(&self, server: &Server, farm: &Farm, pool: &Pool, at: usize) -> bool {
        match self.order {
            Order::First => !farm.is_saturated(at, pool),
            Order::LeastConn => {
                let most = server.max_conn.saturating_add(pool.member(server.backend).max_waiting.unwrap_or(0));
                server.max_conn == 0 || pool.in_flight(server.backend) + server.waiting < most
            }
        }
    }

    /// The first with room; the one to avoid only where there is no other.
    pub(super) fn pick(&mut self, farm: &Farm, avoid: Option<BackendId>) -> Option<usize> {
        let first = self.tree.first()?;
        if avoid != Some(farm.servers[first.index()].backend) {
            return Some(first.index());
        }
        let score = self.tree.least_score();
        self.tree.set(first, NEVER);
        let second = self.tree.first();
        self.tree.set(first, score);
        Some(second.unwrap_or(first).index())
    }
}
