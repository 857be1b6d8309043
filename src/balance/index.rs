//! Finding the least loaded backend without looking at all of them.
//!
//! [`Levels`] keeps whole-number loads that move one step at a time, with random ties, in O(1). [`MinTree`] keeps any score with any
//! tie rule in O(log n). Both are public, as a policy of your own may want one.

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

/// A tree over all backends that knows the least score and how many have it.
#[derive(Clone, Debug, Default)]
pub struct MinTree {
    /// The leaves begin at `half`; a node's children are 2i and 2i + 1.
    nodes: Vec<Node>,
    half: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Node {
    least: u64,
    count: u32,
}

/// A score that is never picked.
pub const NEVER: u64 = u64::MAX;

const NOBODY: Node = Node { least: NEVER, count: 0 };

impl Node {
    #[inline]
    fn of(left: Self, right: Self) -> Self {
        if left.least < right.least {
            left
        } else if right.least < left.least {
            right
        } else {
            Self { least: left.least, count: left.count + right.count }
        }
    }
}

/// A score from a load that is finite and at least 0: its bits sort as it does.
#[inline]
#[must_use]
pub fn score(load: f64) -> u64 {
    load.to_bits()
}

impl MinTree {
    /// Makes it anew from backends and their scores; all others are never picked.
    pub fn rebuild(&mut self, n: usize, scores: impl Iterator<Item = (BackendId, u64)>) {
        self.half = n.next_power_of_two().max(1);
        self.nodes.clear();
        self.nodes.resize(2 * self.half, NOBODY);
        for (backend, least) in scores {
            self.nodes[self.half + backend.index()] = leaf(least);
        }
        for at in (1..self.half).rev() {
            self.nodes[at] = Node::of(self.nodes[2 * at], self.nodes[2 * at + 1]);
        }
    }

    /// Sets the score of a backend.
    #[inline]
    pub fn set(&mut self, backend: BackendId, least: u64) {
        let mut at = self.half + backend.index();
        let mut node = leaf(least);
        while self.nodes[at] != node {
            self.nodes[at] = node;
            if at == 1 {
                break;
            }
            node = Node::of(self.nodes[at & !1], self.nodes[at | 1]);
            at /= 2;
        }
    }

    /// The least score, [`NEVER`] where nobody has one.
    #[must_use]
    pub fn least_score(&self) -> u64 {
        self.nodes.get(1).map_or(NEVER, |root| root.least)
    }

    /// One of the backends with the least score, drawn uniformly.
    #[inline]
    pub fn random(&self, chance: &mut Stream) -> Option<BackendId> {
        let root = self.root()?;
        let number = if root.count == 1 { 0 } else { chance.below(u64::from(root.count)) };
        Some(self.descend(root.least, number as u32))
    }

    /// The backend with the least score and, among those, the least id.
    #[inline]
    #[must_use]
    pub fn first(&self) -> Option<BackendId> {
        Some(self.descend(self.root()?.least, 0))
    }

    /// The backend with the least score that comes next at or after `from`, going round.
    #[must_use]
    pub fn next(&self, from: u32) -> Option<BackendId> {
        let least = self.root()?.least;
        self.at_or_after(from as usize, least).or_else(|| self.first())
    }

    fn root(&self) -> Option<Node> {
        self.nodes.get(1).copied().filter(|root| root.least != NEVER)
    }

    /// The leaf that is number `skip` of those with this score.
    #[inline]
    fn descend(&self, least: u64, mut skip: u32) -> BackendId {
        let mut at = 1;
        while at < self.half {
            at *= 2;
            let left = self.nodes[at];
            let here = if left.least == least { left.count } else { 0 };
            if skip >= here {
                skip -= here;
                at += 1;
            }
        }
        BackendId((at - self.half) as u32)
    }

    fn at_or_after(&self, from: usize, least: u64) -> Option<BackendId> {
        if from >= self.half {
            return None;
        }
        let mut at = self.half + from;
        // Up past right children, over to the right sibling, until one has it; then down to its first.
        while self.nodes[at].least != least {
            while at & 1 == 1 {
                if at == 1 {
                    return None;
                }
                at /= 2;
            }
            at += 1;
        }
        while at < self.half {
            at *= 2;
            if self.nodes[at].least != least {
                at += 1;
            }
        }
        Some(BackendId((at - self.half) as u32))
    }
}

#[inline]
fn leaf(least: u64) -> Node {
    Node { least, count: u32::from(least != NEVER) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Random steps on `n` backends, checked against looking at all of them.
    #[test]
    fn both_indices_agree_with_looking_at_everybody() {
        for n in [1_usize, 2, 3, 7, 8, 33, 100] {
            let mut chance = Stream::new(n as u64);
            let mut load = vec![0_u32; n];
            let (mut levels, mut tree) = (Levels::default(), MinTree::default());
            let ids = || (0..n as u32).map(BackendId);
            levels.rebuild(n, ids().map(|id| (id, 0)));
            tree.rebuild(n, ids().map(|id| (id, 0)));
            for step in 0..20_000 {
                let at = chance.below(n as u64) as usize;
                let jump = if chance.below(50) == 0 { chance.below(9) as u32 } else { 1 };
                load[at] = if chance.below(2) == 0 { load[at] + jump } else { load[at].saturating_sub(jump) };
                levels.set(BackendId(at as u32), load[at]);
                tree.set(BackendId(at as u32), u64::from(load[at]));
                let least = *load.iter().min().expect("n is at least one");
                let minima: Vec<u32> = (0..n as u32).filter(|&id| load[id as usize] == least).collect();
                let from = step % n as u32;
                assert!(minima.contains(&levels.least(&mut chance).expect("not empty").0));
                assert!(minima.contains(&tree.random(&mut chance).expect("not empty").0));
                assert_eq!(tree.first(), Some(BackendId(minima[0])));
                let next = minima.iter().find(|&&id| id >= from).unwrap_or(&minima[0]);
                assert_eq!(tree.next(from), Some(BackendId(*next)), "{load:?} from {from}");
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
        levels.rebuild(3, std::iter::empty());
        tree.rebuild(3, std::iter::empty());
        levels.set(BackendId(1), 4);
        assert_eq!((levels.least(&mut chance), tree.random(&mut chance), tree.next(1)), (None, None, None));
    }
}
