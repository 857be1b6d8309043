//! Who comes how often, of more names than can be kept.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use libm::{exp, log};
use xxhash_rust::xxh64::xxh64;

/// How many names are counted at a time.
const COUNTERS: usize = 4096;

/// The longest name that is kept; longer ones are told apart by all of their bytes, and kept by their first.
const MAX_NAME: usize = 256;

/// Registers of the estimate of how many names there are.
const REGISTERS: usize = 1 << 14;

/// A name and how often it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Its first 256 bytes.
    pub name: Vec<u8>,
    /// How often it came, at most.
    pub count: u64,
    /// By how much that may be too many.
    pub over: u64,
}

/// Counts the most frequent names (Space-Saving, Metwally 2005) and estimates how many there are (HyperLogLog, Flajolet 2007).
///
/// Every name that is more than one of 4,096 requests is in the table, and each count is too large by what its counter held when it was taken
/// over from a rarer name, at most.
#[derive(Clone, Debug)]
pub(super) struct Popular {
    by_hash: BTreeMap<u64, u32>,
    /// Each counter once, with a count that it had some time: the first one's is put right before it is believed to be the least.
    least: BinaryHeap<Reverse<(u64, u32)>>,
    counters: Vec<(u64, Counted)>,
    total: u64,
    registers: Vec<u8>,
    is_full: bool,
}

impl Default for Popular {
    fn default() -> Self {
        let (by_hash, least) = (BTreeMap::new(), BinaryHeap::new());
        Self { by_hash, least, counters: Vec::new(), total: 0, registers: vec![0; REGISTERS], is_full: false }
    }
}

impl Popular {
    pub(super) fn add(&mut self, name: &[u8]) {
        let hash = xxh64(name, 0);
        self.total += 1;
        let register = &mut self.registers[(hash >> 50) as usize];
        *register = (*register).max(((hash << 14) | (1 << 13)).leading_zeros() as u8 + 1);
        if let Some(&slot) = self.by_hash.get(&hash) {
            self.counters[slot as usize].1.count += 1;
            return;
        }
        let kept = || name[..name.len().min(MAX_NAME)].to_vec();
        if self.counters.len() < COUNTERS {
            let slot = self.counters.len() as u32;
            self.counters.push((hash, Counted { name: kept(), count: 1, over: 0 }));
            self.by_hash.insert(hash, slot);
            self.least.push(Reverse((1, slot)));
            return;
        }
        // The rarest makes room, and leaves its count as a bound.
        self.is_full = true;
        let Some((least, slot)) = self.take_least() else { return };
        let (old, counted) = &mut self.counters[slot as usize];
        self.by_hash.remove(old);
        *old = hash;
        *counted = Counted { name: kept(), count: least + 1, over: least };
        self.by_hash.insert(hash, slot);
        self.least.push(Reverse((least + 1, slot)));
    }

    /// The rarest counter, taken off the heap.
    fn take_least(&mut self) -> Option<(u64, u32)> {
        loop {
            let mut first = self.least.peek_mut()?;
            let Reverse((count, slot)) = *first;
            let now = self.counters[slot as usize].1.count;
            if count == now {
                std::collections::binary_heap::PeekMut::pop(first);
                return Some((count, slot));
            }
            *first = Reverse((now, slot));
        }
    }

    /// How many different names there were: exactly while all of them are kept, then within about 1%.
    pub(super) fn distinct(&self) -> f64 {
        if !self.is_full {
            return self.counters.len() as f64;
        }
        let count = REGISTERS as f64;
        let mut powers = [0_u32; 64];
        self.registers.iter().for_each(|&register| powers[usize::from(register)] += 1);
        let sum: f64 = powers.iter().zip(0_u32..).map(|(&of, register)| f64::from(of) / (1_u64 << register) as f64).sum();
        let raw = 0.7213 / (1.0 + 1.079 / count) * count * count / sum;
        if raw <= 2.5 * count && powers[0] > 0 { count * log(count / f64::from(powers[0])) } else { raw }
    }

    /// The most frequent, most frequent first; equal ones by name.
    pub(super) fn top(&self, most: usize) -> Vec<Counted> {
        let mut top: Vec<Counted> = self.counters.iter().map(|(_, counted)| counted.clone()).collect();
        top.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.name.cmp(&other.name)));
        top.truncate(most);
        top
    }

    /// The exponent of Zipf's law: minus the slope of the least-squares line through (ln rank, ln count) of the top ranks, up to 1,000, as far as
    /// counts are at least 10 and known within a tenth. `None` for fewer than ten such ranks.
    pub(super) fn zipf(&self) -> Option<f64> {
        let top = self.top(1000);
        let sure = top.iter().take_while(|counted| counted.count >= 10 && counted.over <= counted.count / 10);
        let points: Vec<(f64, f64)> = sure.zip(1_u32..).map(|(counted, rank)| (log(f64::from(rank)), log(counted.count as f64))).collect();
        if points.len() < 10 {
            return None;
        }
        let count = points.len() as f64;
        let (mean_x, mean_y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / count, y + point.1 / count));
        let (mut cross, mut square) = (0.0, 0.0);
        for (x, y) in &points {
            cross += (x - mean_x) * (y - mean_y);
            square += (x - mean_x) * (x - mean_x);
        }
        Some(-cross / square)
    }

    /// How many names have a value at all.
    pub(super) fn total(&self) -> u64 {
        self.total
    }
}

/// The effective number of equal names: the exponential of the entropy of their shares. 1 where all is one's, n for n equal ones.
pub(super) fn effective(counts: impl Iterator<Item = u64> + Clone) -> f64 {
    let total = counts.clone().fold(0.0, |sum, count| sum + count as f64);
    let entropy: f64 = counts.filter(|&count| count > 0).map(|count| count as f64 / total).map(|share| -share * log(share)).sum();
    exp(entropy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_names_are_counted_exactly() {
        let mut popular = Popular::default();
        for number in 0..100_u32 {
            (0..=number).for_each(|_| popular.add(number.to_string().as_bytes()));
        }
        let top = popular.top(2);
        assert_eq!(top[0], Counted { name: b"99".to_vec(), count: 100, over: 0 });
        assert_eq!((top[1].count, popular.distinct(), popular.total()), (99, 100.0, 5050));
    }

    #[test]
    fn frequent_names_survive_a_flood_of_rare_ones() {
        let mut popular = Popular::default();
        for number in 0..200_000_u32 {
            popular.add(format!("rare {number}").as_bytes());
            if number % 10 == 0 {
                popular.add(b"often");
            }
        }
        let top = &popular.top(1)[0];
        assert_eq!(top.name, b"often");
        assert!(top.count - top.over <= 20_000 && top.count >= 20_000, "{top:?}");
        let sum: u64 = popular.counters.iter().map(|(_, counted)| counted.count).sum();
        assert_eq!(sum, popular.total(), "every request is in some counter");
        assert!((popular.distinct() / 200_001.0 - 1.0).abs() < 0.03, "{}", popular.distinct());
        assert_eq!(popular.zipf(), None);
    }

    #[test]
    fn estimates_hold_from_few_to_many() {
        for many in [5_000_u32, 20_000, 60_000, 1_000_000] {
            let mut popular = Popular::default();
            (0..many).for_each(|number| popular.add(&number.to_le_bytes()));
            let share = popular.distinct() / f64::from(many);
            assert!((share - 1.0).abs() < 0.03, "{many}: {share}");
        }
    }

    #[test]
    fn the_exponent_of_zipf_is_found() {
        for exponent in [0.6, 1.0, 1.3] {
            let mut popular = Popular::default();
            for rank in 1..=500_u32 {
                let count = (100_000.0 * libm::pow(f64::from(rank), -exponent)) as u32;
                (0..count).for_each(|_| popular.add(&rank.to_le_bytes()));
            }
            let found = popular.zipf().expect("ranks enough");
            assert!((found - exponent).abs() < 0.01, "{exponent}: {found}");
        }
    }

    #[test]
    fn effective_numbers() {
        assert!((effective([5, 5, 5, 5].into_iter()) - 4.0).abs() < 1e-12);
        assert!((effective([7, 0].into_iter()) - 1.0).abs() < 1e-12);
    }
}
