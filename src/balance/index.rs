//! Finding the least loaded backend without looking at all of them.
//!
//! [`Levels`] keeps whole-number loads that move one step at a time, with random ties, in O(1). [`LevelSets`] keeps them for ties by place, as bits: O(n ÷ 4096).
//! [`MinTree`] keeps any score with any tie rule in O(log n). All are public, as a policy of your own may want one.

use super::BackendId;
use crate::random::Stream;

/// Backends in order of a whole-number level, as one array: within a level the order is arbitrary, and a step up or down is one swap
/// with the end of the level.
#[derive(Clone, Debug, Default)]
pub struct Levels {
    order: Vec<u32>,
    /// Place and level of each backend; `ABSENT` where it is not in.
    place: Vec<Place>,
    /// `starts[l]`: the first place whose level is at least `l`. Ends with the number of backends.
    starts: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    at: u32,
    level: u32,
}

const ABSENT: u32 = u32::MAX;

impl Levels {
    /// Makes it anew from backends and their levels. `n` is one more than the greatest id.
    pub fn rebuild(&mut self, n: usize, loads: impl Iterator<Item = (BackendId, u32)>) {
        let mut loads: Vec<(u32, u32)> = loads.map(|(backend, level)| (level, backend.0)).collect();
        loads.sort_unstable();
        self.place.clear();
        self.place.resize(n, Place { at: ABSENT, level: 0 });
        self.order.clear();
        self.starts.clear();
        for &(level, backend) in &loads {
            let at = self.order.len() as u32;
            self.starts.resize(self.starts.len().max(level as usize + 1), at);
            self.order.push(backend);
            self.place[backend as usize] = Place { at, level };
        }
        self.starts.push(self.order.len() as u32);
    }

    /// Sets the level of a backend; one that is not in stays out.
    #[inline]
    pub fn set(&mut self, backend: BackendId, level: u32) {
        let place = self.place[backend.index()];
        if place.at == ABSENT {
            return;
        }
        // One step is what nearly always happens.
        let mut now = place.level;
        while now < level {
            now += 1;
            self.up(backend.0, now);
        }
        while now > level {
            now -= 1;
            self.down(backend.0, now);
        }
    }

    /// To `level` from the one below: behind all of the lower level.
    #[inline]
    fn up(&mut self, backend: u32, level: u32) {
        if self.starts.len() <= level as usize + 1 {
            self.starts.push(self.order.len() as u32);
        }
        let start = &mut self.starts[level as usize];
        *start -= 1;
        let to = *start;
        self.swap(backend, to, level);
    }

    /// To `level` from the one above: before all of the upper level.
    #[inline]
    fn down(&mut self, backend: u32, level: u32) {
        let start = &mut self.starts[level as usize + 1];
        let to = *start;
        *start += 1;
        self.swap(backend, to, level);
    }

    #[inline]
    fn swap(&mut self, backend: u32, to: u32, level: u32) {
        let from = self.place[backend as usize].at;
        let other = self.order[to as usize];
        self.order[from as usize] = other;
        self.place[other as usize].at = from;
        self.order[to as usize] = backend;
        self.place[backend as usize] = Place { at: to, level };
    }

    /// One of the backends with the least level, drawn uniformly.
    #[inline]
    pub fn least(&self, chance: &mut Stream) -> Option<BackendId> {
        let &first = self.order.first()?;
        let level = self.place[first as usize].level;
        let end = self.starts[level as usize + 1];
        let at = if end == 1 { 0 } else { chance.below(u64::from(end)) };
        Some(BackendId(self.order[at as usize]))
    }
}

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
        self.sort_in(0);
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

/// A tree over all backends that knows the least score and how many have it: eight children a node, so that it is shallow and a node's children
/// share a cache line.
#[derive(Clone, Debug, Default)]
pub struct MinTree {
    /// From the leaves up; every level is filled up to whole groups of [`WIDE`], the last is one group.
    levels: Vec<Level>,
}

#[derive(Clone, Debug)]
struct Level {
    least: Vec<u64>,
    /// How many leaves below have that score.
    count: Vec<u32>,
}

const WIDE: usize = 8;

/// A score that is never picked.
pub const NEVER: u64 = u64::MAX;

/// A score from a load that is finite and at least 0: its bits sort as it does.
#[inline]
#[must_use]
pub fn score(load: f64) -> u64 {
    load.to_bits()
}

impl Level {
    /// The least of a group, and how many leaves have it.
    #[inline]
    fn of_group(&self, group: usize) -> (u64, u32) {
        let range = group * WIDE..(group + 1) * WIDE;
        let least = self.least[range.clone()].iter().copied().fold(NEVER, u64::min);
        let members = self.least[range.clone()].iter().zip(&self.count[range]);
        (least, members.map(|(&score, &count)| if score == least { count } else { 0 }).sum())
    }
}

impl MinTree {
    /// Makes it anew from backends and their scores; all others are never picked.
    pub fn rebuild(&mut self, n: usize, scores: impl Iterator<Item = (BackendId, u64)>) {
        let blank = |len: usize| Level { least: vec![NEVER; len.next_multiple_of(WIDE)], count: vec![0; len.next_multiple_of(WIDE)] };
        let mut leaves = blank(n.max(1));
        for (backend, least) in scores {
            leaves.least[backend.index()] = least;
            leaves.count[backend.index()] = u32::from(least != NEVER);
        }
        self.levels = vec![leaves];
        while let Some(below) = self.levels.last().filter(|level| level.least.len() > WIDE) {
            let groups = below.least.len() / WIDE;
            let mut level = blank(groups);
            for group in 0..groups {
                (level.least[group], level.count[group]) = below.of_group(group);
            }
            self.levels.push(level);
        }
    }

    /// Sets the score of a backend.
    #[inline]
    pub fn set(&mut self, backend: BackendId, least: u64) {
        let mut at = backend.index();
        let mut node = (least, u32::from(least != NEVER));
        for level in &mut self.levels {
            if (level.least[at], level.count[at]) == node {
                return;
            }
            (level.least[at], level.count[at]) = node;
            at /= WIDE;
            node = level.of_group(at);
        }
    }

    /// The least score, [`NEVER`] where nobody has one.
    #[must_use]
    pub fn least_score(&self) -> u64 {
        self.root().0
    }

    fn root(&self) -> (u64, u32) {
        self.levels.last().map_or((NEVER, 0), |top| top.of_group(0))
    }

    /// One of the backends with the least score, drawn uniformly.
    #[inline]
    pub fn random(&self, chance: &mut Stream) -> Option<BackendId> {
        let (least, count) = self.root();
        match count {
            0 => None,
            1 => Some(self.descend(least, 0)),
            count => Some(self.descend(least, chance.below(u64::from(count)) as u32)),
        }
    }

    /// The backend with the least score and, among those, the least id.
    #[inline]
    #[must_use]
    pub fn first(&self) -> Option<BackendId> {
        let (least, count) = self.root();
        (count > 0).then(|| self.descend(least, 0))
    }

    /// The backend with the least score that comes next at or after `from`, going round.
    #[must_use]
    pub fn next(&self, from: u32) -> Option<BackendId> {
        let (least, count) = self.root();
        if count == 0 {
            return None;
        }
        self.at_or_after(from as usize, least).or_else(|| self.first())
    }

    /// The leaf that is number `skip` of those with this score.
    #[inline]
    fn descend(&self, least: u64, skip: u32) -> BackendId {
        self.descend_from(self.levels.len(), 0, least, skip)
    }

    /// The same, below the group `at` of level `below − 1`.
    #[inline]
    fn descend_from(&self, below: usize, mut at: usize, least: u64, mut skip: u32) -> BackendId {
        for level in self.levels[..below].iter().rev() {
            at *= WIDE;
            loop {
                let here = if level.least[at] == least { level.count[at] } else { 0 };
                if skip < here {
                    break;
                }
                skip -= here;
                at += 1;
            }
        }
        BackendId(at as u32)
    }

    fn at_or_after(&self, from: usize, least: u64) -> Option<BackendId> {
        let mut at = from;
        for (height, level) in self.levels.iter().enumerate() {
            let end = (at / WIDE + 1) * WIDE;
            // On the way up, the node we come from has been looked at.
            let start = if height == 0 { at } else { at + 1 };
            if let Some(found) = (start..end).find(|&place| level.least.get(place) == Some(&least)) {
                return Some(self.descend_from(height, found, least, 0));
            }
            at /= WIDE;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Random steps on `n` backends, checked against looking at all of them.
    #[test]
    fn both_indices_agree_with_looking_at_everybody() {
        for n in [1_usize, 2, 3, 7, 8, 33, 100, 5_000] {
            let mut chance = Stream::new(n as u64);
            let mut load = vec![0_u32; n];
            let (mut levels, mut tree, mut sets) = (Levels::default(), MinTree::default(), LevelSets::default());
            let ids = || (0..n as u32).map(BackendId);
            levels.rebuild(n, ids().map(|id| (id, 0)));
            tree.rebuild(n, ids().map(|id| (id, 0)));
            sets.rebuild(n, ids().map(|id| (id, 0)));
            for step in 0..if n > 100 { 1_000 } else { 20_000 } {
                let at = chance.below(n as u64) as usize;
                let jump = if chance.below(50) == 0 { chance.below(90) as u32 } else { 1 };
                // Everybody rises for a while and falls for a while, so that the base has to move both ways.
                let rising = chance.below(10) < if step / 5_000 % 2 == 0 { 6 } else { 4 };
                load[at] = if rising { load[at] + jump } else { load[at].saturating_sub(jump) };
                levels.set(BackendId(at as u32), load[at]);
                tree.set(BackendId(at as u32), u64::from(load[at]));
                sets.set(BackendId(at as u32), load[at]);
                let least = *load.iter().min().expect("n is at least one");
                let minima: Vec<u32> = (0..n as u32).filter(|&id| load[id as usize] == least).collect();
                let from = step % n as u32;
                assert!(minima.contains(&levels.least(&mut chance).expect("not empty").0));
                assert!(minima.contains(&tree.random(&mut chance).expect("not empty").0));
                assert_eq!(tree.first(), Some(BackendId(minima[0])));
                let next = minima.iter().find(|&&id| id >= from).unwrap_or(&minima[0]);
                assert_eq!(tree.next(from), Some(BackendId(*next)), "{load:?} from {from}");
                assert_eq!(sets.next(from), Some(BackendId(*next)), "{load:?} from {from}");
                assert_eq!(tree.least_score(), u64::from(least));
            }
        }
    }

    #[test]
    fn ties_are_drawn_evenly() {
        let mut chance = Stream::new(1);
        let (mut levels, mut tree) = (Levels::default(), MinTree::default());
        let loads = [1, 0, 0, 5, 0];
        levels.rebuild(5, loads.iter().zip(0..).map(|(&l, id)| (BackendId(id), l)));
        tree.rebuild(5, loads.iter().zip(0..).map(|(&l, id)| (BackendId(id), u64::from(l))));
        let mut counts = [[0_u32; 5]; 2];
        for _ in 0..30_000 {
            counts[0][levels.least(&mut chance).expect("not empty").index()] += 1;
            counts[1][tree.random(&mut chance).expect("not empty").index()] += 1;
        }
        for counts in counts {
            // Binomial(30000, 1/3): five standard deviations are 408.
            assert!([1, 2, 4].iter().all(|&at| counts[at as usize].abs_diff(10_000) < 408), "{counts:?}");
        }
    }

    #[test]
    fn nobody_is_found_where_nobody_is() {
        let mut chance = Stream::new(1);
        let (mut levels, mut tree) = (Levels::default(), MinTree::default());
        assert_eq!((levels.least(&mut chance), tree.first()), (None, None));
        let mut sets = LevelSets::default();
        assert_eq!(sets.next(0), None);
        sets.rebuild(3, std::iter::empty());
        sets.set(BackendId(1), 4);
        assert_eq!(sets.next(1), None);
        levels.rebuild(3, std::iter::empty());
        tree.rebuild(3, std::iter::empty());
        levels.set(BackendId(1), 4);
        assert_eq!((levels.least(&mut chance), tree.random(&mut chance), tree.next(1)), (None, None, None));
    }
}
