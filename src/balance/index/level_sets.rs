//! Whole-number levels with ties by place, as sets of bits.

use super::BackendId;

/// Backends by whole-number level, as one set of bits a level, for the 63 levels from a base that moves with the least.
///
/// Sets 0 to 62 are the levels `base + 0` to `base + 62`, exactly; set 63 is everybody above. When all that is left is above, or somebody comes below
/// the base, all are sorted in anew, which takes at least 31 steps of somebody to be needed again.
#[derive(Clone, Debug, Default)]
pub struct LevelSets {
    base: u32,
    level: Vec<u32>,
    is_in: Vec<bool>,
    /// 64 sets of `words` words, and above each a summary of `summaries` words: which words are not zero.
    bits: Vec<u64>,
    summary: Vec<u64>,
    words: usize,
    summaries: usize,
    /// How many are in each set, and which sets are not empty.
    counts: Vec<u32>,
    occupied: u64,
}

const ABOVE: u32 = 63;

impl LevelSets {
    /// Makes it anew from backends and their levels. `n` is one more than the greatest id.
    pub fn rebuild(&mut self, n: usize, loads: impl Iterator<Item = (BackendId, u32)>) {
        (self.level, self.is_in) = (vec![0; n], vec![false; n]);
        for (backend, level) in loads {
            self.level[backend.index()] = level;
            self.is_in[backend.index()] = true;
        }
        self.words = n.div_ceil(64);
        self.summaries = self.words.div_ceil(64);
        let least = self.least_level().unwrap_or(0);
        self.sort_in(least.saturating_sub(ABOVE / 2));
    }

    /// Sorts everybody into sets from a new base.
    #[cold]
    #[inline(never)]
    fn sort_in(&mut self, base: u32) {
        self.base = base;
        self.bits = vec![0; 64 * self.words];
        self.summary = vec![0; 64 * self.summaries];
        self.counts = vec![0; 64];
        self.occupied = 0;
        for backend in 0..self.level.len() {
            if self.is_in[backend] {
                self.add(backend, self.set_of(self.level[backend]));
            }
        }
    }

    #[inline]
    fn set_of(&self, level: u32) -> u32 {
        (level - self.base).min(ABOVE)
    }

    #[inline]
    fn add(&mut self, backend: usize, set: u32) {
        let (word, set) = (backend / 64, set as usize);
        self.bits[set * self.words + word] |= 1 << (backend % 64);
        self.summary[set * self.summaries + word / 64] |= 1 << (word % 64);
        self.counts[set] += 1;
        self.occupied |= 1 << set;
    }

    #[inline]
    fn remove(&mut self, backend: usize, set: u32) {
        let (word, set) = (backend / 64, set as usize);
        let bits = &mut self.bits[set * self.words + word];
        *bits &= !(1 << (backend % 64));
        if *bits == 0 {
            self.summary[set * self.summaries + word / 64] &= !(1 << (word % 64));
        }
        self.counts[set] -= 1;
        if self.counts[set] == 0 {
            self.occupied &= !(1 << set);
        }
    }

    /// Sets the level of a backend; one that is not in stays out.
    #[inline]
    pub fn set(&mut self, backend: BackendId, level: u32) {
        let backend = backend.index();
        let before = std::mem::replace(&mut self.level[backend], level);
        if before == level || !self.is_in[backend] {
            return;
        }
        if level < self.base {
            return self.sort_in(level.saturating_sub(ABOVE / 2));
        }
        let (from, to) = (self.set_of(before), self.set_of(level));
        if from != to {
            self.remove(backend, from);
            self.add(backend, to);
        }
        if self.occupied == 1 << ABOVE {
            let least = self.least_level().expect("somebody is above");
            self.sort_in(least.saturating_sub(ABOVE / 2));
        }
    }

    fn least_level(&self) -> Option<u32> {
        self.level.iter().zip(&self.is_in).filter(|&(_, is_in)| *is_in).map(|(level, _)| *level).min()
    }

    /// Of the backends with the least level, the one that comes first at or after `from`, going round.
    #[inline]
    #[must_use]
    pub fn next(&self, from: u32) -> Option<BackendId> {
        if self.occupied == 0 {
            return None;
        }
        let set = self.occupied.trailing_zeros() as usize;
        let from = from as usize;
        let found = if from == 0 || from >= self.level.len() { None } else { self.at_or_after(set, from) };
        found.or_else(|| self.at_or_after(set, 0))
    }

    #[inline]
    fn at_or_after(&self, set: usize, from: usize) -> Option<BackendId> {
        let bits = &self.bits[set * self.words..][..self.words];
        let first = bits[from / 64] & (u64::MAX << (from % 64));
        if first != 0 {
            return Some(BackendId((from / 64 * 64) as u32 + first.trailing_zeros()));
        }
        let summary = &self.summary[set * self.summaries..][..self.summaries];
        let after = from / 64 + 1;
        let mut at = after / 64;
        let mut mask = u64::MAX << (after % 64);
        while at < self.summaries {
            let words = summary[at] & mask;
            if words != 0 {
                let word = at * 64 + words.trailing_zeros() as usize;
                return Some(BackendId((word * 64) as u32 + bits[word].trailing_zeros()));
            }
            (at, mask) = (at + 1, u64::MAX);
        }
        None
    }
}
