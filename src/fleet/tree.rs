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
#[derive(Clone, Debug)]
pub struct WinnerTree {
    /// Leaves begin at `half`; a node's children are 2i and 2i + 1; the root is at 1.
    nodes: Vec<Next>,
    half: usize,
}

impl WinnerTree {
    /// A tree of `n` backends with nothing to complete.
    #[must_use]
    pub fn new(n: usize) -> Self {
        let half = n.next_power_of_two().max(2);
        let mut nodes: Vec<_> = (0..2 * half).map(|at| Next { at: u64::MAX, backend: (at.saturating_sub(half)) as u32 }).collect();
        for at in (1..half).rev() {
            nodes[at] = nodes[2 * at];
        }
        Self { nodes, half }
    }

    /// The first completion of all.
    #[inline]
    #[must_use]
    pub fn first(&self) -> Next {
        self.nodes[1]
    }

    /// Sets a backend's next completion.
    #[inline]
    pub fn set(&mut self, backend: u32, at: u64) {
        let mut node = self.half + backend as usize;
        let mut winner = Next { at, backend };
        self.nodes[node] = winner;
        while node > 1 {
            let other = self.nodes[node ^ 1];
            // The left one wins a tie, and left has the lower ids.
            let left_wins = if node & 1 == 0 { winner.at <= other.at } else { winner.at < other.at };
            winner = if left_wins { winner } else { other };
            node /= 2;
            if self.nodes[node] == winner {
                break;
            }
            self.nodes[node] = winner;
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
}
