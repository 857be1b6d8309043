//! HAProxy's server map: the turns of `static-rr`, and what map-based hashes look a key up in.
//!
//! **Rule.** The map has a place for each unit of weight (divided by what the weights have in common). For each place every usable server's score grows
//! by its weight; `(score + total) ÷ total`, a whole number from 0 to 3, says who gets it, the first of the file on a tie, and pays the total. **Ties**
//! are thus nearly everything, and the order is coarse. The map is made anew when a server comes or goes; weights cannot change while running.
//! **Cost:** O(1) a pick, O(places × servers) to make. **Where it fails.** A key's hash is taken modulo the places: when a server goes nearly all keys move.

use super::farm::Farm;
use crate::balance::{BackendId, Pool};

/// The map, and where the round robin on it stands.
#[derive(Debug, Default)]
pub(super) struct Map {
    places: Vec<usize>,
    next: usize,
}

impl Map {
    pub(super) fn rebuild(&mut self, farm: &Farm) {
        self.places = places(farm);
    }

    /// The server of a hash. Whether it is full does not matter.
    pub(super) fn find(&self, hash: u32) -> Option<usize> {
        self.places.get((hash as usize).checked_rem(self.places.len())?).copied()
    }

    /// The next that is not full; the one to avoid only where there is no other.
    pub(super) fn turn(&mut self, farm: &Farm, pool: &Pool, avoid: Option<BackendId>) -> Option<usize> {
        if self.next >= self.places.len() {
            self.next = 0;
        }
        let (from, mut avoided) = (self.next, None);
        for step in 0..self.places.len() {
            let at = self.places[(from + step) % self.places.len()];
            if farm.is_saturated(at, pool) {
                continue;
            }
            let next = (from + step + 1) % self.places.len();
            if avoid != Some(farm.servers[at].backend) {
                self.next = next;
                return Some(at);
            }
            avoided = Some((at, next));
        }
        let (at, next) = avoided?;
        self.next = next;
        Some(at)
    }
}

/// Whose each place is. Where one backup serves alone the map has its weight, but all usable backups compete for the places, as in the product: the
/// first wins them all unless another is more than as heavy again.
#[must_use]
pub fn places(farm: &Farm) -> Vec<usize> {
    let total = farm.total as i64;
    if total == 1 {
        return farm.used.clone();
    }
    let usable = farm.servers.iter().enumerate().filter(|(_, server)| server.eweight > 0 && server.is_backup == farm.on_backups);
    let mut scores: Vec<(usize, i64, i64)> = usable.map(|(at, server)| (at, i64::from(server.eweight), 0)).collect();
    let one = |_| {
        scores.iter_mut().for_each(|(_, weight, score)| *score += *weight);
        let place = |score: i64| (score + total) / total;
        // The first of the greatest.
        let best = scores.iter().enumerate().rev().max_by_key(|(_, (_, _, score))| place(*score))?.0;
        scores[best].2 -= total;
        Some(scores[best].0)
    };
    (0..total).filter_map(one).collect()
}
