//! How Envoy takes turns: going round while all weights are equal, by [earliest deadlines](crate::balance::edf) when they are not.
//!
//! One random number drawn when the balancer is made is where its turns begin, so that many proxies do not begin with the same backend.

use crate::balance::edf::Edf;

/// How many turns a schedule pretends to have given: the lower half of the seed, kept small enough not to overflow Envoy's arithmetic.
#[must_use]
pub fn past(seed: u64) -> u32 {
    // 2^32 ÷ 10, rounded down.
    (seed & 0xFFFF_FFFF) as u32 % 429_496_729
}

/// Turns over a list of backends, which the caller keeps.
#[derive(Clone, Debug)]
pub enum Turns {
    /// All weights are equal: each in turn.
    Equal {
        /// How many there are.
        n: u64,
    },
    /// By earliest deadline.
    Weighted(Edf),
}

impl Turns {
    /// Turns over backends of these weights; `dynamic` where weights are to be asked for at every turn though they are equal now, as
    /// in slow start.
    #[must_use]
    pub fn new(weights: &[f64], dynamic: bool, seed: u64) -> Self {
        let is_equal = weights.windows(2).all(|pair| pair[0] == pair[1]) && weights.first().is_none_or(|&weight| weight > 0.0);
        if is_equal && (weights.len() <= 1 || !dynamic) {
            return Self::Equal { n: weights.len() as u64 };
        }
        Self::Weighted(Edf::with_past((0..).zip(weights.iter().copied()), past(seed)))
    }

    /// The place of the next. `index` is the balancer's counter, which outlives rebuilds; `weight` is asked for the weight of a place.
    #[inline]
    pub fn next(&mut self, index: &mut u64, weight: impl FnOnce(u32) -> f64) -> Option<u32> {
        match self {
            Self::Equal { n: 0 } => None,
            Self::Equal { n } => {
                let place = *index % *n;
                *index = index.wrapping_add(1);
                Some(place as u32)
            }
            Self::Weighted(edf) => edf.next(weight),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(weights: &[f64], dynamic: bool, seed: u64) -> Vec<u32> {
        let mut turns = Turns::new(weights, dynamic, seed);
        let mut index = seed;
        (0..6).filter_map(|_| turns.next(&mut index, |place| weights[place as usize])).collect()
    }

    #[test]
    fn equal_weights_go_round_from_the_seed() {
        assert_eq!(turns(&[2.0; 3], false, 1), [1, 2, 0, 1, 2, 0]);
        assert_eq!(turns(&[2.0; 4], false, u64::MAX - 1), [2, 3, 0, 1, 2, 3]);
        assert_eq!(turns(&[], false, 0), [0; 0]);
        assert_eq!(turns(&[0.0, 0.0], false, 0), [0; 0]);
    }

    #[test]
    fn unequal_weights_go_by_deadline() {
        assert_eq!(turns(&[1.0, 2.0], false, 0), [1, 0, 1, 1, 0, 1]);
    }
}
