//! gRPC's random subsetting (A68): each client connects to a few backends only, each client to others.
//!
//! **Rule.** Backends are sorted by the hash of their address with a seed of the client's own, and the first `size` are the subset. When a backend goes, only its clients
//! take another. **Where it fails.** Subsets are random, so with few clients some backends are in more of them than others: shares vary as
//! by balls into bins.

use crate::balance::hash::xxh64;

/// The hash that an address is sorted by.
#[inline]
#[must_use]
pub fn rank(address: &str, seed: u64) -> u64 {
    xxh64(address.as_bytes(), seed)
}

/// The places of the subset among these addresses: all in their order where they are no more than `size`, else in the order of their hash.
#[must_use]
pub fn subset(addresses: &[&str], size: usize, seed: u64) -> Vec<usize> {
    let mut places: Vec<usize> = (0..addresses.len()).collect();
    if size < places.len() {
        places.sort_by_key(|&place| rank(addresses[place], seed));
        places.truncate(size);
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_a_backend_goes_the_others_stay() {
        let all: Vec<String> = (0..20).map(|n| format!("10.0.0.{n}:80")).collect();
        let names: Vec<&str> = all.iter().map(String::as_str).collect();
        let before = subset(&names, 5, 9);
        let fewer: Vec<&str> = names.iter().copied().filter(|name| *name != names[before[2]]).collect();
        let after: Vec<&str> = subset(&fewer, 5, 9).into_iter().map(|place| fewer[place]).collect();
        assert_eq!(after.iter().filter(|name| before.iter().any(|&place| names[place] == **name)).count(), 4);
        assert_eq!(subset(&names, 20, 9), (0..20).collect::<Vec<_>>());
    }
}
