//! Finding the least loaded backend without looking at all of them.
//!
//! [`Levels`] keeps whole-number loads that move one step at a time, with random ties, in O(1). [`LevelSets`] keeps them for ties by place, as bits: O(n ÷ 4096).
//! [`MinTree`] keeps any score with any tie rule in O(log n). All are public, as a policy of your own may want one.

mod level_sets;
mod levels;
mod min_tree;

pub use level_sets::LevelSets;
pub use levels::Levels;
pub use min_tree::{MinTree, NEVER, score};

use super::BackendId;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

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
    fn level_sets_made_anew_under_load_know_the_least() {
        let mut sets = LevelSets::default();
        sets.rebuild(3, [147, 145, 300].into_iter().zip(0..).map(|(level, id)| (BackendId(id), level)));
        assert_eq!(sets.next(0), Some(BackendId(1)));
        sets.set(BackendId(1), 146);
        sets.set(BackendId(0), 100);
        assert_eq!(sets.next(0), Some(BackendId(0)));
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
