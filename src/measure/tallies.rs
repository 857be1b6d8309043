//! Counts of histograms while a cell runs: 32 bits each, one row a histogram, as one table.
//!
//! Half the size of 64-bit counts is half of what the caches must hold, with a thousand backends above all. A count that goes over is carried into a list
//! that a run of less than four thousand million requests never touches. (16 bits were tried: 15 ns a request slower.)

use super::histogram::{Histogram, index};

/// A row ends at 2^50 ns (13 days): what is longer counts as that long.
const OCTAVES: u32 = 50;

/// Rows of counts with `2^BITS` buckets per power of two.
#[derive(Debug)]
pub(super) struct Tallies<const BITS: u32> {
    counts: Vec<u32>,
    /// Buckets that have passed 2^32, once for every time.
    carried: Vec<usize>,
}

impl<const BITS: u32> Tallies<BITS> {
    const ROW: usize = ((OCTAVES - BITS + 1) << BITS) as usize;

    pub(super) fn new(rows: usize) -> Self {
        Self { counts: vec![0; rows * Self::ROW], carried: Vec::new() }
    }

    /// Counts one value; nothing where there is no such row.
    #[inline]
    pub(super) fn count(&mut self, row: u32, value: u64) {
        let at = row as usize * Self::ROW + index(value, BITS).min(Self::ROW - 1);
        let Some(count) = self.counts.get_mut(at) else { return };
        *count = count.wrapping_add(1);
        if *count == 0 {
            self.carried.push(at);
        }
    }

    /// A row as a histogram; `None` where there is no such row.
    pub(super) fn histogram(&self, row: usize) -> Option<Histogram<BITS>> {
        let from = row * Self::ROW;
        let mut counts: Vec<u64> = self.counts.get(from..from + Self::ROW)?.iter().map(|&count| u64::from(count)).collect();
        for &at in self.carried.iter().filter(|&&at| (from..from + Self::ROW).contains(&at)) {
            counts[at - from] += 1 << 32;
        }
        Some(Histogram::from_counts(counts))
    }
}
