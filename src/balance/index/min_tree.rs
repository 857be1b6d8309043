//! Any score with any tie rule, in O(log n).

use super::BackendId;
use crate::random::Stream;

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
