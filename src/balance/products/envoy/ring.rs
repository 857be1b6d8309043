//! Envoy's ring (ketama with weights), which gRPC builds in the same way.
//!
//! **Rule.** The ring is made just large enough that the lightest backend has a whole number of points and the ring at least the minimum size, but
//! no larger than the maximum. Points are dealt in the order of the list: each backend is due `scale × its share`, what is over one point's
//! worth is carried to the next. Point i of a backend stands at the hash of `KEY_i`. With a small maximum some backends have no point and
//! never get a request.

use crate::balance::BackendId;
use crate::balance::ring_hash::{PointNames, Ring};

/// A ring and how it came out.
#[derive(Debug, Default)]
pub struct Dealt {
    /// The ring.
    pub ring: Ring,
    /// How many points it was to have.
    pub size: u64,
    /// The fewest points of a backend.
    pub fewest: u64,
    /// The most points of a backend.
    pub most: u64,
}

/// A ring of backends with their keys and their shares of the whole (above zero), in this order; `hash` is of a point's name.
#[must_use]
pub fn deal(entries: &[(BackendId, &str, f64)], least: u64, most: u64, hash: impl Fn(&[u8]) -> u64) -> Dealt {
    let lightest = entries.iter().map(|&(_, _, share)| share).fold(f64::INFINITY, f64::min);
    if entries.is_empty() || lightest <= 0.0 {
        return Dealt::default();
    }
    let scale = ((lightest * least as f64).ceil() / lightest).min(most as f64);
    let size = scale.ceil() as u64;
    let mut points = Vec::with_capacity(size as usize);
    let (mut dealt, mut due) = (0.0, 0.0);
    let (mut fewest_points, mut most_points) = (size, 0);
    for &(backend, key, share) in entries {
        due += scale * share;
        let mut names = PointNames::new(key);
        let mut number = 0;
        while dealt < due {
            points.push((hash(names.name(number)), backend));
            number += 1;
            dealt += 1.0;
        }
        fewest_points = fewest_points.min(number);
        most_points = most_points.max(number);
    }
    Dealt { ring: Ring::with_all(points), size, fewest: fewest_points, most: most_points }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::hash::xxh64;

    fn dealt(shares: &[f64], least: u64, most: u64) -> (u64, u64, u64, usize) {
        let keys: Vec<_> = (0..shares.len()).map(|n| format!("10.0.0.{n}:80")).collect();
        let entries: Vec<_> = (0..).map(BackendId).zip(&keys).zip(shares).map(|((id, key), &share)| (id, key.as_str(), share)).collect();
        let dealt = deal(&entries, least, most, |name| xxh64(name, 0));
        (dealt.size, dealt.fewest, dealt.most, dealt.ring.points().len())
    }

    #[test]
    fn the_ring_is_as_large_as_the_lightest_needs() {
        assert_eq!(dealt(&[0.5, 0.5], 3, 1_000), (4, 2, 2, 4));
        assert_eq!(dealt(&[0.25; 4], 2, 2), (2, 0, 1, 2));
        assert_eq!(dealt(&[0.75, 0.25], 1_024, 1_000_000), (1_024, 256, 768, 1_024));
        assert_eq!(dealt(&[], 3, 5), (0, 0, 0, 0));
    }
}
