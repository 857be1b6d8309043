//! Rendezvous (highest random weight): every backend draws a number for the key, and the highest wins.
//!
//! **Rule.** Each eligible backend's number is a hash of the key with its address; with different weights it is `−weight ÷ ln(u)`, where u is that hash as a
//! number between 0 and 1, so that chances are exactly in proportion. **Ties.** The first. **Cost.** O(n): it asks everybody, about a nanosecond each; more where
//! weights differ. **Who ships it.** Caddy, Traefik (`hrw`). **Where it shines.** No table, perfectly even, and when a backend comes or goes only its own keys move.
//! **Where it fails.** Thousands of backends, where `maglev` costs the same for any number.

use super::hash::xxh64;
use super::keyed::{BY, By};
use super::{BackendId, Balancer, Ctx, Listed, Pick, Pool, Request};
use crate::catalogue::Entry;
use crate::random::{mix, unit};

pub(super) static LISTED: Listed = Listed::new(
    Entry {
        name: "rendezvous",
        summary: "the backend that draws the highest number for the key",
        text: "Highest random weight: each backend's number for a key is a hash of both, -weight / ln(u) where weights differ, and the highest wins. O(n) per \
               pick: it asks every backend. No table, even to the key, and only the keys of who comes or goes move.",
        parameters: &[BY],
        reference: "D. G. Thaler and C. V. Ravishankar, Using name-based mappings to increase hit rates (1998)",
    },
    |values| Box::new(Rendezvous { by: By::of(values), members: Vec::new(), equal: true }),
)
.by_key();

#[derive(Debug)]
struct Rendezvous {
    by: By,
    /// The hash of the address, and the weight.
    members: Vec<(u64, f64, BackendId)>,
    equal: bool,
}

/// What a backend draws for a key, of both hashes.
#[inline]
fn draw(key: u64, address: u64) -> u64 {
    mix(key ^ address)
}

/// The draw of a weighted backend: the winner's chance is its share of all weights. (The negative logarithm of a uniform number, divided by a weight, is
/// exponential with that rate, and the first of independent exponentials is so distributed.)
#[inline]
fn weighted(draw: u64, weight: f64) -> f64 {
    -weight / libm::log(unit(draw))
}

impl Balancer for Rendezvous {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        let known = |&backend: &BackendId| (xxh64(pool.member(backend).address.as_bytes(), 0), pool.weight(backend), backend);
        self.members = pool.eligible().iter().map(known).filter(|&(_, weight, _)| weight > 0.0).collect();
        self.equal = self.members.windows(2).all(|pair| pair[0].1 == pair[1].1);
    }

    fn pick(&mut self, request: &Request<'_>, _: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        let key = self.by.hash(request, ctx);
        let Some(&(address, weight, mut chosen)) = self.members.first() else { return Pick::None };
        if self.equal {
            let mut highest = draw(key, address);
            for &(address, _, backend) in &self.members[1..] {
                let drawn = draw(key, address);
                (chosen, highest) = if drawn > highest { (backend, drawn) } else { (chosen, highest) };
            }
        } else {
            let mut highest = weighted(draw(key, address), weight);
            for &(address, weight, backend) in &self.members[1..] {
                let drawn = weighted(draw(key, address), weight);
                (chosen, highest) = if drawn > highest { (backend, drawn) } else { (chosen, highest) };
            }
        }
        Pick::Backend(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::super::testing::Bench;
    use super::*;

    fn bench(weights: &[f64]) -> Bench {
        Bench::new(Box::new(Rendezvous { by: By::Key, members: Vec::new(), equal: true }), weights)
    }

    #[test]
    fn shares_are_exactly_the_weights() {
        for weights in [[1.0, 1.0, 1.0, 1.0], [4.0, 2.0, 1.0, 0.0]] {
            let counts = bench(&weights).split(4, 70_000);
            let total: f64 = weights.iter().sum();
            for (count, weight) in counts.into_iter().zip(weights) {
                let share = weight / total;
                // Five binomial standard deviations.
                let slack = 5.0 * (70_000.0 * share * (1.0 - share)).sqrt();
                assert!((f64::from(count) - 70_000.0 * share).abs() <= slack, "{count} for {weight}");
            }
        }
    }

    #[test]
    fn only_the_keys_of_who_leaves_move() {
        let mut bench = bench(&[1.0, 2.0, 3.0]);
        let before: Vec<Pick> = (0..3_000).map(|key| bench.pick_key(key)).collect();
        bench.pool.set_state(BackendId(1), State::Down);
        bench.renew();
        for (key, was) in (0..).zip(before) {
            let now = bench.pick_key(key);
            assert!(now == was || was == Pick::Backend(BackendId(1)));
        }
        assert_eq!(self::bench(&[0.0]).pick_key(1), Pick::None);
    }
}
