//! Dubbo's consistent hash: a ketama ring of MD5s.
//!
//! **Rule.** Each provider has `nodes` points, four from each MD5 of its address and a number; a later provider takes over a point that was taken. A key goes to the
//! first point at or after the first word of its MD5. **Cost:** O(log points). **Where it fails.** Weights are not looked at.

use crate::balance::hash::md5;
use crate::balance::{BackendId, Balancer, Ctx, Digits, Pick, Pool, Request};

/// The ring.
#[derive(Debug)]
pub(super) struct ConsistentHash {
    nodes: u64,
    ring: Vec<(u32, BackendId)>,
}

impl ConsistentHash {
    pub(super) fn new(nodes: u64) -> Self {
        Self { nodes, ring: Vec::new() }
    }
}

impl Balancer for ConsistentHash {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        self.ring.clear();
        for &backend in pool.eligible() {
            for number in 0..self.nodes / 4 {
                let words = md5(&[pool.member(backend).address.as_bytes(), Digits::default().of(number)]);
                self.ring.extend(words.map(|word| (word, backend)));
            }
        }
        // Stable: of equal points the last made is last, and stays.
        self.ring.sort_by_key(|&(point, _)| point);
        self.ring.reverse();
        self.ring.dedup_by_key(|&mut (point, _)| point);
        self.ring.reverse();
    }

    fn pick(&mut self, request: &Request<'_>, _: &Pool, _: &mut Ctx<'_>) -> Pick {
        let mut room = Digits::default();
        let [hash, ..] = md5(&[request.key(&mut room).unwrap_or_default()]);
        let at = self.ring.partition_point(|&(point, _)| point < hash);
        self.ring.get(at).or(self.ring.first()).map_or(Pick::None, |&(_, backend)| Pick::Backend(backend))
    }
}
