//! Envoy's bounded load (`hash_balance_factor`): a hash balancer whose backends refuse more than their share.
//!
//! **Rule.** A backend of share `w` has `⌈total · w⌉` slots, at least one, where `total` is `factor` percent of all requests in flight counting this
//! one, rounded up. It is overloaded when it has more in flight than slots. A key whose backend is overloaded goes through the others in an
//! order drawn by the key's hash, to the first that is not overloaded; if all are, to the least overloaded. **Not the paper's rule** (Mirrokni et
//! al. 2018), which goes to the next on the ring: a drawn order spreads one backend's overflow over all others. **Where it exceeds the cap.** A
//! backend with exactly its slots in flight still accepts, so it can have one more than its slots; and so can one with all overloaded.

use crate::balance::hash::Mt19937;

/// How many slots there are, with so many requests in flight and a factor in percent.
#[must_use]
pub fn total_slots(in_flight: u64, factor: u64) -> u64 {
    ((in_flight + 1) * factor).div_ceil(100)
}

/// How many of them a backend of that share has.
#[inline]
#[must_use]
pub fn slots(total: u64, share: f64) -> u64 {
    ((total as f64 * share).ceil() as u64).max(1)
}

/// How loaded a backend is: more than 1 is overloaded.
#[inline]
#[must_use]
pub fn overload(in_flight: u64, slots: u64) -> f64 {
    in_flight as f64 / slots as f64
}

/// Goes through backends in the order that a hash draws. Keeps its memory between picks.
#[derive(Clone, Debug)]
pub struct Probe {
    order: Vec<u32>,
    chance: Mt19937,
}

impl Default for Probe {
    fn default() -> Self {
        Self { order: Vec::new(), chance: Mt19937::new(0) }
    }
}

impl Probe {
    /// Whether `overload` allows one more.
    #[inline]
    #[must_use]
    pub fn is_accepted(overload: f64) -> bool {
        overload <= 1.0
    }

    /// The place among `n` that a request with this hash goes to, which the hash balancer has given to `first`.
    pub fn choose(&mut self, hash: u64, first: u32, n: u32, overload: impl Fn(u32) -> f64) -> u32 {
        let (mut best, mut least) = (first, overload(first));
        if Self::is_accepted(least) {
            return first;
        }
        self.begin(hash, n);
        for at in 0..n {
            let candidate = self.next(at, n);
            if candidate == first {
                continue;
            }
            let load = overload(candidate);
            if Self::is_accepted(load) {
                return candidate;
            }
            if load < least {
                (best, least) = (candidate, load);
            }
        }
        best
    }

    /// The whole order of `n` places for a hash.
    pub fn order(&mut self, hash: u64, n: u32) -> &[u32] {
        self.begin(hash, n);
        (0..n).for_each(|at| _ = self.next(at, n));
        &self.order
    }

    fn begin(&mut self, hash: u64, n: u32) {
        self.order.clear();
        self.order.extend(0..n);
        self.chance.seed(hash as u32);
    }

    fn next(&mut self, at: u32, n: u32) -> u32 {
        let other = at + self.chance.below(n - at);
        self.order.swap(at as usize, other as usize);
        self.order[at as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_draws_an_order() {
        let mut probe = Probe::default();
        assert_eq!(probe.order(2, 5), [2, 1, 0, 4, 3]);
        assert_eq!(probe.order(6, 5), [4, 0, 2, 3, 1]);
        assert_eq!(probe.order(7, 5), [0, 1, 4, 3, 2]);
        assert_eq!(probe.order(7, 0), [0; 0]);
    }

    #[test]
    fn who_is_overloaded_passes_on() {
        let mut probe = Probe::default();
        let load = |loads: [f64; 5]| move |place: u32| loads[place as usize];
        assert_eq!(probe.choose(2, 2, 5, load([0.5, 0.5, 1.0, 0.5, 0.5])), 2);
        assert_eq!(probe.choose(2, 2, 5, load([0.5, 0.5, 1.02, 0.5, 0.5])), 1);
        assert_eq!(probe.choose(2, 2, 5, load([1.5, 1.4, 1.02, 1.01, 1.5])), 3);
    }

    #[test]
    fn slots_are_rounded_up() {
        assert_eq!((total_slots(0, 150), slots(2, 0.25), slots(82, 0.2), slots(0, 0.5)), (2, 1, 17, 1));
    }
}
