//! Static stride: turns in proportion to fixed weights, without a heap and without a lock.
//!
//! **Rule.** A counter goes through the backends again and again. In its g-th round a backend of weight `w` (scaled so that the heaviest has
//! 65,535) is skipped unless its share has come due: `(w·g + i·32767) mod 65535 ≥ 65535 − w`. The offset by place spreads the turns of equal weights.
//! **Ties.** None. **Cost.** O(mean ÷ heaviest weight) steps per pick, one atomic counter: that is why gRPC has it, where many threads
//! pick at once. **Who ships it.** gRPC (C++ and Go), which scale weights differently. **Where it fails.** One heavy weight among many light
//! ones makes most steps skips.

/// The weight of who is never skipped.
pub const FULL: u16 = u16::MAX;

/// Spreads backends of equal weight over the rounds; about half of [`FULL`].
const OFFSET: u64 = 32_767;

/// Scaled weights, and the rule over them. The counter is the caller's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stride {
    scaled: Vec<u16>,
}

impl Stride {
    /// A schedule of these weights; at least one must be [`FULL`], so that every pick ends.
    #[must_use]
    pub fn new(scaled: Vec<u16>) -> Self {
        let mut stride = Self::default();
        stride.refill(scaled);
        stride
    }

    /// Takes over other weights, in the same place: as [`Stride::new`].
    pub fn refill(&mut self, scaled: impl IntoIterator<Item = u16>) {
        self.scaled.clear();
        self.scaled.extend(scaled);
        assert!(self.scaled.contains(&FULL), "the heaviest weight is the full one");
    }

    /// The weights.
    #[must_use]
    pub fn scaled(&self) -> &[u16] {
        &self.scaled
    }

    /// The place of who is next; `next` gives the counter's numbers one by one.
    #[inline]
    pub fn pick(&self, mut next: impl FnMut() -> u32) -> usize {
        let n = self.scaled.len() as u64;
        loop {
            let sequence = u64::from(next());
            let place = (sequence % n) as usize;
            let round = sequence / n;
            let weight = u64::from(self.scaled[place]);
            let due = (weight * round + place as u64 * OFFSET) % u64::from(FULL);
            if due >= u64::from(FULL) - weight {
                return place;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_in_proportion_to_weights() {
        let stride = Stride::new(vec![21_845, 43_690, 65_535]);
        let mut sequence = 0..;
        let mut counts = [0; 3];
        (0..6_000).for_each(|_| counts[stride.pick(|| sequence.next().expect("endless"))] += 1);
        assert_eq!(counts, [1_000, 2_000, 3_000]);
    }
}
