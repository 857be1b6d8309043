//! A log-linear histogram of nanoseconds: fixed relative error, fixed memory, exact to merge.
//!
//! Values below `2 · 2^BITS` are counted exactly; above, each power of two is cut into `2^BITS` equal buckets, so a value
//! is known within a share of `2^-BITS`. It is the layout of HdrHistogram; that crate is the oracle in the tests and the
//! exporter's format. Recording is our own because three histograms are written per request: see docs/performance.md.

/// A histogram with `2^BITS` buckets per power of two, and the exact count, least, greatest, sum and sum of squares.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram<const BITS: u32> {
    counts: Vec<u64>,
    count: u64,
    min: u64,
    max: u64,
    sum: u128,
    squares: f64,
}

/// Within 0.1%: what latencies and waits are kept in.
pub type Fine = Histogram<10>;
/// Within 1%: what each backend's latencies are kept in.
pub type Coarse = Histogram<6>;

impl<const BITS: u32> Default for Histogram<BITS> {
    fn default() -> Self {
        Self { counts: Vec::new(), count: 0, min: u64::MAX, max: 0, sum: 0, squares: 0.0 }
    }
}

/// The bucket of a value.
#[inline]
const fn index(value: u64, bits: u32) -> usize {
    // Below 2·2^bits the shift is zero and the index is the value itself.
    let shift = (64 - (value | (1 << bits)).leading_zeros()) - 1 - bits;
    ((shift as usize) << bits) + (value >> shift) as usize
}

/// The bucket of a value in a histogram with `2^BITS` buckets per power of two.
#[inline]
pub(super) const fn bucket_of<const BITS: u32>(value: u64) -> usize {
    index(value, BITS)
}

/// The least value of a bucket, and how many values it has.
const fn bucket(index: usize, bits: u32) -> (u64, u64) {
    let octave = index >> bits;
    if octave < 2 {
        return (index as u64, 1);
    }
    let shift = octave as u32 - 1;
    let base = (index - ((shift as usize) << bits)) as u64;
    (base << shift, 1 << shift)
}

impl<const BITS: u32> Histogram<BITS> {
    /// Counts one value.
    #[inline]
    pub fn record(&mut self, value: u64) {
        let at = index(value, BITS);
        match self.counts.get_mut(at) {
            Some(count) => *count += 1,
            None => self.grow(at),
        }
        self.count += 1;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.sum += u128::from(value);
        self.squares += value as f64 * value as f64;
    }

    /// A histogram of counts that were kept elsewhere, by bucket: for percentiles alone. Least and greatest are those of their buckets; there
    /// is no sum.
    #[must_use]
    pub fn from_counts(mut counts: Vec<u64>) -> Self {
        counts.truncate(counts.iter().rposition(|&count| count > 0).map_or(0, |last| last + 1));
        let (count, first) = (counts.iter().sum(), counts.iter().position(|&count| count > 0));
        let min = first.map_or(u64::MAX, |at| bucket(at, BITS).0);
        let max = counts.len().checked_sub(1).map_or(0, |at| bucket(at, BITS).0 + bucket(at, BITS).1 - 1);
        Self { counts, count, min, max, sum: 0, squares: 0.0 }
    }

    /// The same counts with what is known exactly of the values.
    #[must_use]
    pub fn with_exact(self, min: u64, max: u64, sum: u128, squares: f64) -> Self {
        Self { min, max, sum, squares, ..self }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, at: usize) {
        // By whole powers of two, so that a run grows it a few dozen times at most.
        self.counts.resize(((at >> BITS) + 1) << BITS, 0);
        self.counts[at] += 1;
    }

    /// Adds all that another has counted.
    pub fn merge(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.count += other.count;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum += other.sum;
        self.squares += other.squares;
    }

    /// How many values were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The least value, exactly.
    #[must_use]
    pub fn min(&self) -> Option<u64> {
        (self.count > 0).then_some(self.min)
    }

    /// The greatest value, exactly.
    #[must_use]
    pub fn max(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max)
    }

    /// The sum of all values, exactly.
    #[must_use]
    pub fn sum(&self) -> u128 {
        self.sum
    }

    /// The mean, from the exact sum.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }

    /// The standard deviation of the values as they are (divided by their number).
    #[must_use]
    pub fn stddev(&self) -> Option<f64> {
        let mean = self.mean()?;
        Some((self.squares / self.count as f64 - mean * mean).max(0.0).sqrt())
    }

    /// The smallest value with at least this share of all at or below it, within `2^-BITS`/2: the middle of its bucket,
    /// and never beyond the least or the greatest value.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<u64> {
        if self.count == 0 {
            return None;
        }
        // The rank is at least 1; the tiny deduction keeps 0.9 · 10 from becoming 10 by rounding up.
        let rank = (share * self.count as f64 - 1e-9 * share).ceil().clamp(1.0, self.count as f64) as u64;
        let mut seen = 0;
        for (at, &count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                let (least, width) = bucket(at, BITS);
                return Some((least + width / 2).clamp(self.min, self.max));
            }
        }
        Some(self.max)
    }

    /// The buckets that hold something: least value, width, count.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64, u64)> + '_ {
        self.counts.iter().enumerate().filter(|&(_, &count)| count > 0).map(|(at, &count)| {
            let (least, width) = bucket(at, BITS);
            (least, width, count)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_tile_the_whole_range_without_gap_or_overlap() {
        for bits in [6, 10] {
            let mut next = 0;
            for at in 0..((60 - bits as usize) << bits) {
                let (least, width) = bucket(at, bits);
                assert_eq!(least, next, "bucket {at}");
                assert_eq!(index(least, bits), at);
                assert_eq!(index(least + width - 1, bits), at);
                next = least + width;
            }
        }
        assert!(index(u64::MAX, 10) > index(u64::MAX / 2, 10));
    }
}
