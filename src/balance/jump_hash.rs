//! Jump hash: a consistent hash without any table.
//!
//! **Rule.** The key jumps from bucket to bucket, each jump drawn from the key itself so that it lands beyond n with the right chance; the last bucket before that is its own.
//! Buckets are the eligible backends in order. **Cost.** O(ln n), a few nanoseconds a jump, and no memory. **Where it shines.** Shards that
//! only ever grow at the end: adding one moves exactly 1/n of the keys. **Where it fails.** A backend that leaves from the middle renumbers all behind it. No
//! weights.

use super::keyed::{BY, By};
use super::{Balancer, Ctx, Law, Listed, Pick, Pool, Request};
use crate::catalogue::Entry;

const NO_WEIGHTS: &str = "buckets have no weights";

pub(super) static LISTED: Listed = Listed::new(
    Entry {
        name: "jump-hash",
        summary: "the last bucket the key's jumps reach",
        text: "Jump consistent hash over the eligible backends in order: O(ln n) per pick, no table, even. Adding a backend at the end moves 1/n of the keys; taking \
               one from the middle renumbers all behind it. No weights.",
        parameters: &[BY],
        reference: "J. Lamping and E. Veach, A fast, minimal memory, consistent hash algorithm (2014)",
    },
    |values| Box::new(JumpHash { by: By::of(values) }),
)
.by_key()
.breaks(&[
    (Law::ZeroWeight, NO_WEIGHTS),
    (Law::Weights, NO_WEIGHTS),
    (Law::OnlyOwnKeysMove, "buckets are numbered: when one leaves from the middle those behind it are renumbered"),
]);

/// The bucket of a key among `buckets`, which are at least one.
#[must_use]
pub fn bucket(mut key: u64, buckets: u32) -> u32 {
    let (mut last, mut next) = (0_i64, 0_i64);
    while next < i64::from(buckets) {
        last = next;
        key = key.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        let share = (1_u64 << 31) as f64 / ((key >> 33) + 1) as f64;
        next = ((last + 1) as f64 * share) as i64;
    }
    last as u32
}

#[derive(Debug)]
struct JumpHash {
    by: By,
}

impl Balancer for JumpHash {
    fn members(&mut self, _: &Pool, _: &mut Ctx<'_>) {}

    fn pick(&mut self, request: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        let n = pool.eligible().len() as u32;
        if n == 0 {
            return Pick::None;
        }
        let key = self.by.hash(request, ctx);
        pool.at(bucket(key, n) as usize).map_or(Pick::None, Pick::Backend)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn the_papers_own_values() {
        // As the libraries that port the reference implementation test it.
        let known = [(0, 1, 0), (3, 1, 0), (0, 2, 0), (4, 2, 1), (7, 2, 0), (1, 128, 55), (129, 128, 120)];
        for (key, buckets, at) in known {
            assert_eq!(bucket(key, buckets), at, "{key} of {buckets}");
        }
    }

    #[test]
    fn a_new_bucket_takes_its_share_and_moves_nothing_else() {
        let mut chance = Stream::new(5);
        let mut moved = 0_u32;
        for _ in 0..50_000 {
            let key = chance.bits();
            let (before, after) = (bucket(key, 9), bucket(key, 10));
            assert!(before == after || after == 9);
            moved += u32::from(before != after);
        }
        // Binomial(50000, 1/10): five standard deviations are 335.
        assert!(moved.abs_diff(5_000) < 335, "{moved}");
    }
}
