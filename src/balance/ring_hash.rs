//! Ring hash: a key's hash walks clockwise to the next point, and every backend has many points.
//!
//! **Rule.** Each eligible backend gets `points` × weight points (rounded, at least one while its weight is above zero) on a circle of 2^64, at the
//! xxHash64 of its address and the point's number. A key goes to the first point at or after the xxHash64 of its text, going round; a request without a key goes anywhere. **Cost.** O(1)
//! expected: the circle is cut into as many equal arcs as there are points, and a search begins where its arc begins. **Who
//! ships it.** Envoy, nginx, HAProxy, gRPC, each with its own hash. **Where it shines.** Caches and sessions: when a backend comes or goes,
//! only its own keys move. **Where it fails.** Even load: with V points a backend's share varies by about 1/√V, and a hot key
//! stays hot.

use super::keyed::{BY, By};
use super::{BackendId, Balancer, Ctx, Listed, Pick, Pool, Request};
use crate::catalogue::{Entry, Kind, Parameter};
use xxhash_rust::xxh64::xxh64;

pub(super) static LISTED: Listed = Listed::new(
    Entry {
        name: "ring-hash",
        summary: "the next point clockwise of the key's hash",
        text: "Every backend has `points` × weight points on a circle; a key goes to the next one clockwise of its hash (xxHash64). O(1) expected per \
               pick. When a backend comes or goes only its own keys move; shares vary by about 1/√points.",
        parameters: &[
            Parameter::with_default("points", Kind::Whole(1, 100_000), "160", "points per unit of weight: more are fairer and larger"),
            BY,
        ],
        reference: "D. Karger et al., Consistent hashing and random trees (1997)",
    },
    |values| Box::new(RingHash { by: By::of(values), points: values.whole("points") as f64, ring: Ring::default() }),
).by_key();

#[derive(Debug)]
struct RingHash {
    by: By,
    points: f64,
    ring: Ring,
}

impl Balancer for RingHash {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        self.ring = Ring::of(pool, self.points);
    }

    #[inline]
    fn pick(&mut self, request: &Request<'_>, _: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        self.ring.find(self.by.hash(request, ctx)).map_or(Pick::None, Pick::Backend)
    }
}

/// The names of a backend's points, `ADDRESS_NUMBER`, written over and over in one place.
pub(super) struct PointNames {
    text: Vec<u8>,
    prefix: usize,
}

impl PointNames {
    pub(super) fn new(address: &str) -> Self {
        let text = format!("{address}_").into_bytes();
        Self { prefix: text.len(), text }
    }

    pub(super) fn name(&mut self, number: u64) -> &[u8] {
        self.text.truncate(self.prefix);
        let digits = number.checked_ilog10().unwrap_or(0) + 1;
        self.text.extend((0..digits).rev().map(|power| b'0' + (number / 10_u64.pow(power) % 10) as u8));
        &self.text
    }
}

/// Points on a circle, found by where they stand.
#[derive(Debug, Default)]
pub struct Ring {
    points: Vec<(u64, BackendId)>,
    /// The first point of each arc; arcs are the upper bits of the hash.
    arcs: Vec<u32>,
    shift: u32,
}

impl Ring {
    /// The ring of the eligible members, with so many points for each unit of weight.
    #[must_use]
    pub fn of(pool: &Pool, points: f64) -> Self {
        let mut all = Vec::new();
        for &backend in pool.eligible() {
            let weight = pool.weight(backend);
            if weight > 0.0 {
                let count = crate::time::round_ns(points * weight).max(1);
                let mut names = PointNames::new(&pool.member(backend).address);
                all.extend((0..count).map(|number| (xxh64(names.name(number), 0), backend)));
            }
        }
        Self::new(all)
    }

    /// A ring of these points. Where two stand at one place, the lower id has it.
    #[must_use]
    pub fn new(mut points: Vec<(u64, BackendId)>) -> Self {
        points.sort_unstable();
        points.dedup_by_key(|&mut (at, _)| at);
        Self::of_sorted(points)
    }

    /// A ring of these points, in which several may stand at one place, in the order of the list: as products build theirs.
    #[must_use]
    pub fn with_all(mut points: Vec<(u64, BackendId)>) -> Self {
        points.sort_by_key(|&(at, _)| at);
        Self::of_sorted(points)
    }

    fn of_sorted(points: Vec<(u64, BackendId)>) -> Self {
        if points.is_empty() {
            return Self::default();
        }
        let bits = points.len().next_power_of_two().trailing_zeros().max(1);
        let shift = 64 - bits;
        let mut arcs = Vec::with_capacity(1 << bits);
        for arc in 0..1_u64 << bits {
            let from = arcs.last().map_or(0, |&first: &u32| first as usize);
            arcs.push((from + points[from..].partition_point(|&(at, _)| at >> shift < arc)) as u32);
        }
        Self { points, arcs, shift }
    }

    /// The backend whose point is the first at or after a hash, going round.
    #[inline]
    #[must_use]
    pub fn find(&self, hash: u64) -> Option<BackendId> {
        Some(self.points[self.place(hash)?].1)
    }

    /// The place of that point among all, counted along the circle from hash 0.
    #[inline]
    #[must_use]
    pub fn place(&self, hash: u64) -> Option<usize> {
        let mut at = *self.arcs.get((hash >> self.shift) as usize)? as usize;
        while self.points.get(at).is_some_and(|&(point, _)| point < hash) {
            at += 1;
        }
        Some(if at < self.points.len() { at } else { 0 })
    }

    /// The point so many steps after a place, going round; nothing on an empty ring.
    #[inline]
    #[must_use]
    pub fn after(&self, place: usize, steps: usize) -> Option<BackendId> {
        self.points.get((place + steps) % self.points.len().max(1)).map(|&(_, backend)| backend)
    }

    /// All points, along the circle.
    #[must_use]
    pub fn points(&self) -> &[(u64, BackendId)] {
        &self.points
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::super::testing::Bench;
    use super::*;
    use crate::random::Stream;

    #[test]
    fn a_search_by_arcs_finds_what_a_plain_search_finds() {
        let mut chance = Stream::new(1);
        for n in [1_u32, 2, 5, 100] {
            let points: Vec<_> = (0..n * 7).map(|k| (chance.bits(), BackendId(k % n))).collect();
            let mut sorted = points.clone();
            sorted.sort_unstable();
            let ring = Ring::new(points);
            for _ in 0..2_000 {
                let hash = chance.bits();
                let plain = sorted.iter().find(|(at, _)| *at >= hash).unwrap_or(&sorted[0]).1;
                assert_eq!(ring.find(hash), Some(plain));
            }
            assert_eq!(ring.find(sorted[0].0), Some(sorted[0].1));
            assert_eq!(ring.find(u64::MAX), Some(sorted.last().filter(|p| p.0 == u64::MAX).unwrap_or(&sorted[0]).1));
        }
    }

    #[test]
    fn a_key_stays_and_only_the_keys_of_who_leaves_move() {
        let mut bench = Bench::new(Box::new(RingHash { by: By::Key, points: 160.0, ring: Ring::default() }), &[1.0; 5]);
        let before: Vec<_> = (0..5_000).map(|key| bench.pick_key(key)).collect();
        assert_eq!(before, (0..5_000).map(|key| bench.pick_key(key)).collect::<Vec<_>>());
        bench.pool.set_state(BackendId(2), State::Down);
        bench.renew();
        for (key, was) in before.into_iter().enumerate() {
            let now = bench.pick_key(key as u64);
            assert_ne!(now, Pick::Backend(BackendId(2)));
            assert!(now == was || was == Pick::Backend(BackendId(2)), "key {key} moved from {was:?} to {now:?}");
        }
    }

    #[test]
    fn shares_follow_the_weights() {
        let mut bench = Bench::new(Box::new(RingHash { by: By::Key, points: 1000.0, ring: Ring::default() }), &[3.0, 1.0, 0.0]);
        let mut counts = [0_u32; 3];
        for key in 0..40_000 {
            if let Pick::Backend(backend) = bench.pick_key(key) {
                counts[backend.index()] += 1;
            }
        }
        // A share of Dirichlet(3000, 1000) has standard deviation 0.0068 (272 keys), the keys themselves 87: five of both together.
        assert!(counts[2] == 0 && counts[0].abs_diff(30_000) < 1430, "{counts:?}");
    }

    #[test]
    fn a_point_is_named_by_address_and_number() {
        let mut names = PointNames::new("10.0.0.1:8080");
        for number in [0, 9, 10, 159, 12_345] {
            assert_eq!(names.name(number), format!("10.0.0.1:8080_{number}").as_bytes());
        }
    }

    #[test]
    fn an_empty_ring_has_nobody() {
        assert_eq!(Ring::new(Vec::new()).find(5), None);
        assert_eq!(Bench::new(Box::new(RingHash { by: By::Key, points: 1.0, ring: Ring::default() }), &[0.0]).pick_key(1), Pick::None);
    }
}
