//! The next completion of the whole fleet: a winner tree with one leaf per backend.
//!
//! Every backend knows when its next completion is; the tree knows which backend is first. A change climbs from its leaf and stops
//! where it makes no difference, so most cost two or three steps. Of completions at the same instant the lower backend is first.

/// The instant of a completion and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// Nanoseconds; `u64::MAX` if there is none.
    pub at: u64,
    /// The backend.
    pub backend: u32,
}

/// The tree.
///
/// A node is one number: the instant, counted from `epoch`, above the backend's id; so the lesser of two nodes is found without a branch and is the
/// earlier one, the lower backend on a tie. What lies beyond the bits that are left for the instant is kept as "far"; when nothing nearer is
/// left, the epoch moves on and all are counted anew.
#[derive(Clone, Debug)]
pub struct WinnerTree {
    /// Leaves begin at `half`; a node's children are 2i and 2i + 1; the root is at 1.
    nodes: Vec<u64>,
    half: usize,
    /// Bits of the backend's id.
    bits: u32,
    /// The instant from which nodes count, and how far that goes.
    epoch: u64,
    horizon: u64,
    /// The next completion of each backend, in full.
    due: Vec<u64>,
}

/// Nothing to complete.
const NONE: u64 = u64::MAX;

impl WinnerTree {
    /// A tree of `n` backends with nothing to complete.
    #[must_use]
    pub fn new(n: usize) -> Self {
        let half = n.next_power_of_two().max(2);
        let bits = half.trailing_zeros();
        Self { nodes: vec![NONE; 2 * half], half, bits, epoch: 0, horizon: (NONE >> bits) - 1, due: vec![NONE; n] }
    }

    /// The first completion of all.
    #[inline]
    #[must_use]
    pub fn first(&self) -> Next {
        let first = self.nodes[1];
        if first == NONE {
            return Next { at: NONE, backend: 0 };
        }
        Next { at: (first >> self.bits) + self.epoch, backend: (first & ((1 << self.bits) - 1)) as u32 }
    }

    /// A backend's next completion; `u64::MAX` for none.
    #[inline]
    pub(super) fn due(&self, backend: u32) -> u64 {
        self.due[backend as usize]
    }

    /// Sets a backend's next completion; `u64::MAX` for none.
    #[inline(always)]
    pub fn set(&mut self, backend: u32, at: u64) {
        self.due[backend as usize] = at;
        if at < self.epoch {
            // The epoch had moved on to something far, and now something nearer has come up.
            return self.count_from(at);
        }
        self.climb(backend, at);
        if self.nodes[1] >> self.bits == self.horizon {
            self.move_epoch();
        }
    }

    #[inline]
    fn climb(&mut self, backend: u32, at: u64) {
        let mut node = self.half + backend as usize;
        let ahead = (at - self.epoch).min(self.horizon);
        let mut winner = if at == NONE { NONE } else { ahead << self.bits | u64::from(backend) };
        self.nodes[node] = winner;
        while node > 1 {
            winner = winner.min(self.nodes[node ^ 1]);
            node /= 2;
            if self.nodes[node] == winner {
                break;
            }
            self.nodes[node] = winner;
        }
    }

    /// Nothing is near: counts from the first that is left.
    #[cold]
    #[inline(never)]
    fn move_epoch(&mut self) {
        self.count_from(self.due.iter().copied().min().unwrap_or(0));
    }

    #[cold]
    #[inline(never)]
    fn count_from(&mut self, epoch: u64) {
        self.epoch = epoch;
        for backend in 0..self.due.len() {
            self.climb(backend as u32, self.due[backend]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn the_first_is_the_first_of_all_and_the_lower_on_a_tie() {
        let mut chance = Stream::new(1);
        for n in [1_usize, 2, 3, 10, 65] {
            let mut tree = WinnerTree::new(n);
            assert_eq!(tree.first().at, u64::MAX);
            let mut times = vec![u64::MAX; n];
            for _ in 0..5_000 {
                let backend = chance.below(n as u64) as usize;
                times[backend] = if chance.below(4) == 0 { u64::MAX } else { chance.below(20) };
                tree.set(backend as u32, times[backend]);
                let least = *times.iter().min().expect("n is at least one");
                assert_eq!(tree.first().at, least);
                if least < u64::MAX {
                    assert_eq!(times.iter().position(|&at| at == least), Some(tree.first().backend as usize));
                }
            }
        }
    }

    #[test]
    fn instants_beyond_the_horizon_come_in_order_too() {
        let mut chance = Stream::new(2);
        // 2^17 backends leave 47 bits for the instant: 39 hours.
        let mut tree = WinnerTree::new(1 << 17);
        let hour = 3_600_000_000_000;
        let mut due: Vec<(u64, u32)> = (0..200).map(|backend| (chance.below(100_000) * hour, backend * 600)).collect();
        due.iter().for_each(|&(at, backend)| tree.set(backend, at));
        due.sort_unstable();
        for (at, backend) in due {
            assert_eq!(tree.first(), Next { at, backend });
            tree.set(backend, u64::MAX);
        }
        assert_eq!(tree.first().at, u64::MAX);
    }

    #[test]
    fn something_near_may_come_up_after_something_far() {
        let mut tree = WinnerTree::new(1 << 17);
        let hour = 3_600_000_000_000;
        tree.set(7, 100 * hour);
        tree.set(5, 200 * hour);
        assert_eq!(tree.first(), Next { at: 100 * hour, backend: 7 });
        tree.set(9, hour);
        assert_eq!(tree.first(), Next { at: hour, backend: 9 });
        tree.set(9, u64::MAX);
        assert_eq!(tree.first(), Next { at: 100 * hour, backend: 7 });
        tree.set(7, u64::MAX);
        assert_eq!(tree.first(), Next { at: 200 * hour, backend: 5 });
    }
}
