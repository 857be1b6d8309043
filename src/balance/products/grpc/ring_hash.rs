//! gRPC's ring (A42): Envoy's, with smaller limits and with backends in the order of their keys.
//!
//! The order makes the ring independent of the order in which a name service lists backends, which matters where points are dealt unevenly.

use crate::balance::BackendId;
use crate::balance::hash::xxh64;
use crate::balance::products::envoy::normalized::flat;
use crate::balance::products::envoy::ring::{Dealt, deal};

/// No ring is larger than this unless a client raises it.
pub const CAP: u64 = 4096;

/// The least and the greatest size of a ring, after defaults and the client's cap.
#[must_use]
pub fn sizes(least: Option<u64>, most: Option<u64>, cap: u64) -> (u64, u64) {
    let most = most.unwrap_or(CAP).min(cap);
    (least.unwrap_or(1024).min(cap), most)
}

/// The ring of backends with these keys and weights.
#[must_use]
pub fn ring(backends: &[(BackendId, &str, f64)], least: u64, most: u64) -> Dealt {
    let mut sorted: Vec<_> = backends.iter().copied().filter(|&(_, _, weight)| weight > 0.0).collect();
    sorted.sort_by_key(|&(_, key, _)| key);
    let shares = flat(&sorted.iter().map(|&(_, _, weight)| weight).collect::<Vec<_>>());
    let entries: Vec<_> = sorted.iter().zip(shares).map(|(&(id, key, _), share)| (id, key, share)).collect();
    deal(&entries, least, most, |name| xxh64(name, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_capped() {
        assert_eq!(
            [sizes(None, None, CAP), sizes(Some(8000), Some(8_388_608), CAP), sizes(Some(10), Some(20), CAP)],
            [(1024, 4096), (4096, 4096), (10, 20)]
        );
    }

    #[test]
    fn the_order_of_the_list_does_not_matter() {
        let at = |ids: [u32; 3]| {
            let all = [(BackendId(0), "a", 1.0), (BackendId(1), "b", 2.0), (BackendId(2), "c", 1.5)];
            ring(&ids.map(|id| all[id as usize]), 5, 7).ring.points().to_vec()
        };
        assert_eq!(at([0, 1, 2]), at([2, 0, 1]));
    }
}
