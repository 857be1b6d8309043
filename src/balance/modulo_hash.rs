//! Modulo hash: the key's hash picks a place in the list.
//!
//! **Rule.** The place is the hash modulo the number of eligible backends; where their weights differ, the hash is spread over the sum of weights instead, in
//! order. **Cost.** O(1), with different weights O(log n). **Who ships it.** HAProxy's `map-based`, nginx's `hash` and `ip_hash`, IPVS' `sh`, each with its
//! own table. **Where it shines.** It is even: every key is anybody's with the same chance. **Where it fails.** When one of n backends comes or goes, all but about one key
//! in n moves: a cold cache everywhere. See `ring-hash`, `maglev`, `rendezvous`.

use super::keyed::{BY, By};
use super::{BackendId, Balancer, Ctx, Law, Listed, Pick, Pool, Request};
use crate::catalogue::Entry;
use crate::random::unit;

const MOVES: (Law, &str) = (Law::OnlyOwnKeysMove, "the place is a remainder: with one backend less nearly every key has another");

pub(super) static HASH: Listed = Listed::new(
    Entry {
        name: "hash",
        summary: "the key's hash modulo the number of backends",
        text: "The xxHash64 of the key, modulo the number of eligible backends; with different weights it is spread over their sum. O(1) per pick, O(log n) with \
               weights. Even, but when a backend comes or goes nearly all keys move.",
        parameters: &[BY],
        reference: "",
    },
    |values| Box::new(ModuloHash { by: By::of(values), upto: Vec::new() }),
)
.by_key()
.breaks(&[MOVES]);

pub(super) static SOURCE_HASH: Listed = Listed::new(
    Entry {
        name: "source-hash",
        summary: "the client address' hash modulo the number of backends",
        text: "As `hash` with by = \"client\": one client always meets the same backend, without a cookie. Many clients behind one address are one. When a \
               backend comes or goes nearly all clients move. O(1) per pick, O(log n) with weights.",
        parameters: &[],
        reference: "",
    },
    |_| Box::new(ModuloHash { by: By::Client, upto: Vec::new() }),
)
.by_key()
.breaks(&[MOVES]);

#[derive(Debug)]
struct ModuloHash {
    by: By,
    /// Sums of weights up to and with each eligible backend; empty where all weigh the same.
    upto: Vec<(f64, BackendId)>,
}

impl Balancer for ModuloHash {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        self.upto.clear();
        let weights: Vec<f64> = pool.eligible().iter().map(|&backend| pool.weight(backend)).collect();
        if weights.windows(2).all(|pair| pair[0] == pair[1]) && weights.first() != Some(&0.0) {
            return;
        }
        let mut sum = 0.0;
        for (&backend, weight) in pool.eligible().iter().zip(weights) {
            if weight > 0.0 {
                sum += weight;
                self.upto.push((sum, backend));
            }
        }
        if self.upto.is_empty() {
            // All weigh nothing: nobody is there.
            self.upto.push((0.0, BackendId(u32::MAX)));
        }
    }

    fn pick(&mut self, request: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        let hash = self.by.hash(request, ctx);
        match self.upto.last() {
            None => {
                let n = pool.eligible().len() as u64;
                hash.checked_rem(n).and_then(|place| pool.at(place as usize)).map_or(Pick::None, Pick::Backend)
            }
            Some((0.0, _)) => Pick::None,
            Some(&(total, last)) => {
                let at = unit(hash) * total;
                let place = self.upto.partition_point(|&(upto, _)| upto <= at);
                Pick::Backend(self.upto.get(place).map_or(last, |&(_, backend)| backend))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;
    use super::*;

    fn bench(weights: &[f64]) -> Bench {
        Bench::new(Box::new(ModuloHash { by: By::Key, upto: Vec::new() }), weights)
    }

    #[test]
    fn shares_follow_the_weights_and_nothing_goes_to_zero() {
        let counts = bench(&[3.0, 1.0, 0.0]).split(3, 40_000);
        // Binomial(40000, 3/4): five standard deviations are 433.
        assert!(counts[0].abs_diff(30_000) < 433 && counts[2] == 0, "{counts:?}");
        let counts = bench(&[2.0; 4]).split(4, 40_000);
        assert!(counts.iter().all(|count| count.abs_diff(10_000) < 433), "{counts:?}");
        assert_eq!(bench(&[0.0, 0.0]).pick_key(1), Pick::None);
        assert_eq!(bench(&[]).pick_key(1), Pick::None);
    }

    #[test]
    fn nearly_every_key_moves_when_one_of_ten_leaves() {
        let mut bench = bench(&[1.0; 10]);
        let before: Vec<Pick> = (0..10_000).map(|key| bench.pick_key(key)).collect();
        bench.pool.set_state(BackendId(9), super::super::State::Down);
        bench.renew();
        let moved = (0..10_000).filter(|&key| bench.pick_key(key) != before[key as usize]).count();
        // A key stays where h mod 9 = h mod 10: 9 of 90 remainders. Binomial(10000, 0.9): five standard deviations are 150.
        assert!(moved.abs_diff(9_000) < 150, "{moved}");
    }
}
