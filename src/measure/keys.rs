//! What became of keys: whether they stay where they were, how many move when backends come or go, over how many backends they spread.
//!
//! Keys are numbered by popularity where they are drawn so; the first [`TRACKED`] are followed, and of those as many for their spread as fit [`SPREAD_BITS`]. What counts
//! is where the first attempt for a request went: retries go elsewhere on purpose.

use super::detail::KeyDetail;
use super::value::over;

/// So many keys are followed.
const TRACKED: u64 = 1 << 16;
/// So many bits say which key went to which backend.
const SPREAD_BITS: u64 = 1 << 25;

/// Counts of one cell, or of several together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct KeyCounts {
    came_again: u64,
    stayed: u64,
    compared: u64,
    moved: u64,
    spread: u64,
}

impl KeyCounts {
    /// Adds another replication's; of spreads the greatest counts.
    pub(super) fn add(&mut self, other: Self) {
        self.came_again += other.came_again;
        self.stayed += other.stayed;
        self.compared += other.compared;
        self.moved += other.moved;
        self.spread = self.spread.max(other.spread);
    }

    /// What is said of them.
    pub(super) fn detail(&self) -> KeyDetail {
        let share = |part: u64, of: u64| over(part as f64, of as f64);
        KeyDetail { sticky: share(self.stayed, self.came_again), moved: share(self.moved, self.compared), spread: self.spread }
    }
}

/// Follows the keys of one cell.
#[derive(Debug)]
pub(super) struct Keys {
    /// By key: where its last request went, and at which change of membership; `None` before the first.
    last: Vec<Option<(u32, u32)>>,
    /// By key and backend: whether it went there.
    went: Vec<u64>,
    /// So many words are a key's.
    words: usize,
    changes: u32,
    counts: KeyCounts,
}

impl Keys {
    /// For keys below this number, and so many backends.
    pub(super) fn new(keys: u64, backends: usize) -> Self {
        let words = backends.div_ceil(64).max(1);
        let spread = keys.min(SPREAD_BITS / 64 / words as u64) as usize;
        Self {
            last: vec![None; keys.min(TRACKED) as usize],
            went: vec![0; spread.min(TRACKED as usize) * words],
            words,
            changes: 0,
            counts: KeyCounts::default(),
        }
    }

    /// A backend has come or gone, as a balancer sees it.
    pub(super) fn changed(&mut self) {
        self.changes += 1;
    }

    /// A request's first attempt goes to a backend.
    pub(super) fn went(&mut self, key: u64, backend: u32, measured: bool) {
        let Some(last) = self.last.get_mut(key as usize) else { return };
        let before = last.replace((backend, self.changes));
        if !measured {
            return;
        }
        if let Some((other, at)) = before {
            self.counts.came_again += 1;
            self.counts.stayed += u64::from(other == backend);
            if at < self.changes {
                self.counts.compared += 1;
                self.counts.moved += u64::from(other != backend);
            }
        }
        if let Some(word) = self.went.get_mut(key as usize * self.words + backend as usize / 64) {
            *word |= 1 << (backend % 64);
        }
    }

    /// What came of it.
    pub(super) fn finish(self) -> KeyCounts {
        let spread = self.went.chunks(self.words).map(|row| row.iter().map(|word| u64::from(word.count_ones())).sum()).max().unwrap_or(0);
        KeyCounts { spread, ..self.counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hand_worked_walk() {
        let mut keys = Keys::new(3, 70);
        keys.went(0, 5, false);
        keys.went(0, 5, true); // stayed
        keys.went(1, 7, true); // the first of its key
        keys.changed();
        keys.went(0, 69, true); // moved
        keys.went(0, 5, true); // elsewhere, though nobody came or went
        keys.went(1, 7, true); // compared, stayed
        keys.went(9, 1, true); // not followed
        let counts = keys.finish();
        assert_eq!(counts, KeyCounts { came_again: 4, stayed: 2, compared: 2, moved: 1, spread: 2 });
        assert_eq!(counts.detail(), KeyDetail { sticky: Some(0.5), moved: Some(0.5), spread: 2 });
    }

    #[test]
    fn memory_is_bounded_however_many_there_are() {
        let keys = Keys::new(u64::MAX, 100_000);
        assert!(keys.last.len() == 65_536 && keys.went.len() * 64 <= SPREAD_BITS as usize);
        assert_eq!(Keys::new(10, 3).finish().detail(), KeyDetail::default());
    }
}
