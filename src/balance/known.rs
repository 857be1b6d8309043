//! A bounded memory by hash: what a balancer remembers of clients or keys, however many come.

/// Places that compete: a set.
const SET: usize = 4;

/// Up to so many hashes with what belongs to them. A place is one of a set of four; a full set forgets who was seen least recently. Two hashes are never taken
/// for each other, as the whole hash is kept.
#[derive(Clone, Debug)]
pub(in crate::balance) struct Known<T> {
    /// Sets, the most recently seen first in each.
    places: Vec<Option<(u64, T)>>,
    sets: usize,
    len: usize,
}

impl<T: Copy> Known<T> {
    /// A memory of so many places, at least four, all of them made now.
    pub(in crate::balance) fn new(places: usize) -> Self {
        let sets = places.div_ceil(SET).max(1);
        Self { places: vec![None; sets * SET], sets, len: 0 }
    }

    /// How many are remembered.
    pub(in crate::balance) fn len(&self) -> usize {
        self.len
    }

    fn set_of(&mut self, hash: u64) -> &mut [Option<(u64, T)>] {
        let set = crate::random::below(hash, self.sets as u64) as usize;
        &mut self.places[set * SET..][..SET]
    }

    /// What belongs to a hash; it then is the most recently seen.
    pub(in crate::balance) fn recall(&mut self, hash: u64) -> Option<&mut T> {
        let set = self.set_of(hash);
        let at = set.iter().position(|place| matches!(place, Some((known, _)) if *known == hash))?;
        set[..=at].rotate_right(1);
        set[0].as_mut().map(|(_, value)| value)
    }

    /// Remembers what belongs to a hash, in place of what did.
    pub(in crate::balance) fn remember(&mut self, hash: u64, value: T) {
        let set = self.set_of(hash);
        let at = set.iter().position(|place| place.is_none_or(|(known, _)| known == hash)).unwrap_or(SET - 1);
        let is_new = set[at].is_none();
        set[..=at].rotate_right(1);
        set[0] = Some((hash, value));
        self.len += usize::from(is_new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_seen_is_forgotten() {
        let mut known = Known::new(4);
        (0..4).for_each(|hash| known.remember(hash, hash * 10));
        assert_eq!((known.recall(0).copied(), known.len()), (Some(0), 4));
        known.remember(4, 40);
        assert_eq!(known.recall(1), None);
        assert_eq!((known.recall(0).copied(), known.len()), (Some(0), 4));
        known.remember(0, 7);
        assert_eq!(known.recall(0).copied(), Some(7));
    }
}
