//! A log-linear histogram of nanoseconds: fixed relative error, fixed memory, exact to merge.
//!
//! Values below `2 · 2^BITS` are counted exactly; above, each power of two is cut into `2^BITS` equal buckets, so a value
//! is known within a share of `2^-BITS`. It is the layout of HdrHistogram; that crate is the oracle in the tests and the
//! exporter's format. Recording is our own because three histograms are written per request: see docs/src/performance.md.

use super::compact::{Reader, Writer};

/// A histogram with `2^BITS` buckets per power of two, and the exact count, least, greatest, sum and sum of squares.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram<const BITS: u32> {
    counts: Vec<u64>,
    count: u64,
    exact: Exact,
}

/// What is kept exactly of a series, beside its counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Exact {
    min: u64,
    max: u64,
    sum: u128,
    squares: f64,
}

impl Default for Exact {
    fn default() -> Self {
        Self { min: u64::MAX, max: 0, sum: 0, squares: 0.0 }
    }
}

impl Exact {
    /// Adds one value.
    #[inline]
    pub(super) fn add(&mut self, value: u64) {
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.sum += u128::from(value);
        self.squares += value as f64 * value as f64;
    }

    /// Adds another series.
    fn merge(&mut self, other: &Self) {
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum += other.sum;
        self.squares += other.squares;
    }
}

/// Within 0.1%: what latencies and waits are kept in.
pub type Fine = Histogram<10>;
/// Within 1%: what each backend's latencies are kept in.
pub type Coarse = Histogram<6>;

impl<const BITS: u32> Default for Histogram<BITS> {
    fn default() -> Self {
        Self { counts: Vec::new(), count: 0, exact: Exact::default() }
    }
}

/// The bucket of a value in a histogram with `2^bits` buckets per power of two.
#[inline]
pub(super) const fn index(value: u64, bits: u32) -> usize {
    // Below 2·2^bits the shift is zero and the index is the value itself.
    let shift = (64 - (value | (1 << bits)).leading_zeros()) - 1 - bits;
    ((shift as usize) << bits) + (value >> shift) as usize
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
        self.exact.add(value);
    }

    /// A histogram of counts that were kept elsewhere, by bucket: for percentiles alone. Least and greatest are those of their buckets; there
    /// is no sum.
    #[must_use]
    pub fn from_counts(mut counts: Vec<u64>) -> Self {
        counts.truncate(counts.iter().rposition(|&count| count > 0).map_or(0, |last| last + 1));
        let (count, first) = (counts.iter().sum(), counts.iter().position(|&count| count > 0));
        let min = first.map_or(u64::MAX, |at| bucket(at, BITS).0);
        let max = counts.len().checked_sub(1).map_or(0, |at| bucket(at, BITS).0 + bucket(at, BITS).1 - 1);
        Self { counts, count, exact: Exact { min, max, ..Exact::default() } }
    }

    /// The same counts with what is known exactly of the values.
    #[must_use]
    pub(super) fn with_exact(self, exact: Exact) -> Self {
        Self { exact, ..self }
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
        self.exact.merge(&other.exact);
    }

    /// Writes it down: the exact part, then each count, and `0, n` for n empty buckets in a row.
    pub(super) fn pack(&self, to: &mut Writer) {
        let filled = self.counts.iter().rposition(|&count| count > 0).map_or(0, |last| last + 1);
        to.number(filled as u64);
        if filled == 0 {
            return;
        }
        let Exact { min, max, sum, squares } = self.exact;
        to.number(min);
        to.number(max);
        to.number(sum);
        to.float(squares);
        let mut empty = 0_u64;
        for &count in &self.counts[..filled] {
            if count == 0 {
                empty += 1;
                continue;
            }
            if empty > 0 {
                to.number(0_u64);
                to.number(empty);
                empty = 0;
            }
            to.number(count);
        }
    }

    /// Reads what [`Self::pack`] wrote.
    pub(super) fn unpack(from: &mut Reader<'_>) -> Option<Self> {
        let filled = usize::try_from(from.number()?).ok().filter(|&filled| filled <= index(u64::MAX, BITS) + 1)?;
        if filled == 0 {
            return Some(Self::default());
        }
        let exact = Exact { min: from.number()?, max: from.number()?, sum: from.long()?, squares: from.float()? };
        let (mut counts, mut at, mut all) = (vec![0; filled], 0_usize, 0_u64);
        while at < filled {
            match from.number()? {
                0 => at = at.checked_add(usize::try_from(from.number()?).ok()?)?,
                count => {
                    counts[at] = count;
                    all = all.checked_add(count)?;
                    at += 1;
                }
            }
        }
        (at == filled).then_some(Self { counts, count: all, exact })
    }

    /// How many values were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The least value, exactly.
    #[must_use]
    pub fn min(&self) -> Option<u64> {
        (self.count > 0).then_some(self.exact.min)
    }

    /// The greatest value, exactly.
    #[must_use]
    pub fn max(&self) -> Option<u64> {
        (self.count > 0).then_some(self.exact.max)
    }

    /// The sum of all values, exactly.
    #[must_use]
    pub fn sum(&self) -> u128 {
        self.exact.sum
    }

    /// The mean, from the exact sum.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.exact.sum as f64 / self.count as f64)
    }

    /// The standard deviation of the values as they are (divided by their number).
    #[must_use]
    pub fn stddev(&self) -> Option<f64> {
        let mean = self.mean()?;
        Some((self.exact.squares / self.count as f64 - mean * mean).max(0.0).sqrt())
    }

    /// The smallest value with at least this share of all at or below it, within `2^-BITS`/2: the middle of its bucket,
    /// and never beyond the least or the greatest value.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<u64> {
        self.quantiles(&[share])[0]
    }

    /// Several quantiles at once, for shares that ascend.
    #[must_use]
    pub fn quantiles(&self, shares: &[f64]) -> Vec<Option<u64>> {
        let (mut at, mut seen) = (0, 0);
        let one = |share: &f64| {
            let rank = self.rank(*share);
            while at < self.counts.len() && seen + self.counts[at] < rank {
                seen += self.counts[at];
                at += 1;
            }
            (self.count > 0).then(|| {
                let (least, width) = if at < self.counts.len() { bucket(at, BITS) } else { (self.exact.max, 0) };
                (least + width / 2).clamp(self.exact.min, self.exact.max)
            })
        };
        shares.iter().map(one).collect()
    }

    /// How many values are at or below the quantile of a share, at least; 1 is the least value's. 0 without values.
    pub(super) fn rank(&self, share: f64) -> u64 {
        // The tiny deduction keeps 0.9 · 10 from becoming 10 by rounding up.
        let rank = (share * self.count as f64 - 1e-9 * share).ceil();
        if self.count == 0 { 0 } else { rank.clamp(1.0, self.count as f64) as u64 }
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

    /// xorshift64*, for samples.
    fn unit(state: &mut u64) -> f64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        ((state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Samples of several shapes and sizes, in nanoseconds.
    fn samples() -> Vec<(&'static str, Vec<u64>)> {
        let mut state = 0x9E37_79B9_7F4A_7C15;
        let mut draw = |count: usize, shape: fn(f64, f64) -> f64| -> Vec<u64> {
            (0..count).map(|_| shape(unit(&mut state), unit(&mut state)) as u64).collect()
        };
        vec![
            ("uniform", draw(20_000, |u, _| u * 1e7)),
            ("exponential", draw(20_000, |u, _| -1e7 * libm::log(u))),
            ("bimodal", draw(20_000, |u, v| if u < 0.9 { 1e6 + 1e5 * v } else { 1e9 + 1e8 * v })),
            ("heavy-tailed", draw(20_000, |u, _| (1e5 * libm::pow(u, -1.0 / 1.1)).min(1e15))),
            ("small numbers", draw(1_000, |u, _| u * 100.0)),
            ("three", vec![5, 123_456_789, 999_999_999_999]),
            ("one", vec![10_000_001]),
            ("equal", vec![777_777_777; 100]),
        ]
    }

    const SHARES: [f64; 10] = [0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 0.9999, 1.0];

    fn within(found: u64, expected: u64, share: f64) -> bool {
        (found as f64 - expected as f64).abs() <= share * expected as f64 + 0.5
    }

    #[test]
    fn quantiles_equal_the_sorted_sample() {
        for (name, sample) in samples() {
            let (mut fine, mut coarse) = (Fine::default(), Coarse::default());
            for &value in &sample {
                fine.record(value);
                coarse.record(value);
            }
            let mut sorted = sample;
            sorted.sort_unstable();
            for share in SHARES {
                // The smallest value with at least that share at or below it.
                let rank = ((share * sorted.len() as f64 - 1e-9).ceil() as usize).max(1);
                let exact = sorted[rank - 1];
                assert!(within(fine.quantile(share).expect("not empty"), exact, 0.001), "{name} {share}");
                assert!(within(coarse.quantile(share).expect("not empty"), exact, 0.01), "{name} {share}");
            }
            assert_eq!(fine.min(), sorted.first().copied());
            assert_eq!(fine.max(), sorted.last().copied());
            assert_eq!(fine.sum(), sorted.iter().map(|&value| u128::from(value)).sum());
        }
    }

    #[test]
    fn quantiles_equal_those_of_hdrhistogram() {
        for (name, sample) in samples() {
            let (mut fine, mut coarse) = (Fine::default(), Coarse::default());
            let mut oracle = hdrhistogram::Histogram::<u64>::new_with_bounds(1, 1 << 52, 3).expect("bounds are in order");
            for &value in &sample {
                fine.record(value);
                coarse.record(value);
                oracle.record(value).expect("within its bounds");
            }
            for share in SHARES {
                let expected = oracle.value_at_quantile(share);
                assert!(within(fine.quantile(share).expect("not empty"), expected, 0.001), "{name} {share}");
                assert!(within(coarse.quantile(share).expect("not empty"), expected, 0.01), "{name} {share}");
            }
            assert_eq!(fine.count(), oracle.len());
            assert!((fine.stddev().expect("not empty") - oracle.stdev()).abs() <= 0.001 * (oracle.mean() + oracle.stdev()));
        }
    }

    #[test]
    fn merging_equals_recording_everything_in_one() {
        let all = samples();
        let (mut whole, mut merged) = (Fine::default(), Fine::default());
        for (_, sample) in &all {
            let mut part = Fine::default();
            for &value in sample {
                whole.record(value);
                part.record(value);
            }
            merged.merge(&part);
        }
        assert_eq!(merged.buckets().collect::<Vec<_>>(), whole.buckets().collect::<Vec<_>>());
        assert_eq!((merged.count(), merged.min(), merged.max(), merged.sum()), (whole.count(), whole.min(), whole.max(), whole.sum()));
        for share in SHARES {
            assert_eq!(merged.quantile(share), whole.quantile(share));
        }
    }

    #[test]
    fn an_empty_histogram_has_nothing_and_adds_nothing() {
        let empty = Fine::default();
        assert_eq!((empty.quantile(0.5), empty.mean(), empty.stddev(), empty.min(), empty.max()), (None, None, None, None, None));
        let mut one = Fine::default();
        one.record(5);
        let before = one.clone();
        one.merge(&empty);
        assert_eq!(one.quantile(0.99), before.quantile(0.99));
        assert_eq!((one.min(), one.max(), one.count()), (Some(5), Some(5), 1));
    }

    #[test]
    fn the_greatest_values_of_a_u64_are_kept() {
        let mut histogram = Coarse::default();
        histogram.record(u64::MAX);
        histogram.record(0);
        assert_eq!((histogram.max(), histogram.quantile(0.0)), (Some(u64::MAX), Some(0)));
        assert!(histogram.quantile(1.0).is_some_and(|greatest| greatest > u64::MAX / 100 * 99));
    }
}
