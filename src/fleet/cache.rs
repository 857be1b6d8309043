//! A cache at a backend: the keys it has seen lately make work lighter. What key affinity is worth.

use std::collections::BTreeMap;

/// The last `capacity` different keys, least recently used first out.
#[derive(Clone, Debug)]
pub struct Cache {
    capacity: usize,
    /// Where each key is in `entries`. A tree, as nothing may depend on a hash map's order.
    places: BTreeMap<u64, u32>,
    entries: Vec<Entry>,
    newest: u32,
    oldest: u32,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    key: u64,
    newer: u32,
    older: u32,
}

const NIL: u32 = u32::MAX;

impl Cache {
    /// An empty cache for so many keys (at least 1).
    #[must_use]
    pub fn new(capacity: u64) -> Self {
        let capacity = usize::try_from(capacity).unwrap_or(usize::MAX).min(NIL as usize - 1);
        Self { capacity, places: BTreeMap::new(), entries: Vec::new(), newest: NIL, oldest: NIL }
    }

    /// Uses a key: whether it was there; it is the newest afterwards.
    pub fn touch(&mut self, key: u64) -> bool {
        if let Some(&at) = self.places.get(&key) {
            self.unlink(at);
            self.link(at);
            return true;
        }
        let at = if self.entries.len() < self.capacity { self.add(key) } else { self.replace_oldest(key) };
        self.places.insert(key, at);
        self.link(at);
        false
    }

    fn add(&mut self, key: u64) -> u32 {
        self.entries.push(Entry { key, newer: NIL, older: NIL });
        self.entries.len() as u32 - 1
    }

    fn replace_oldest(&mut self, key: u64) -> u32 {
        let at = self.oldest;
        self.unlink(at);
        let gone = std::mem::replace(&mut self.entries[at as usize].key, key);
        self.places.remove(&gone);
        at
    }

    fn unlink(&mut self, at: u32) {
        let Entry { newer, older, .. } = self.entries[at as usize];
        match newer {
            NIL => self.newest = older,
            newer => self.entries[newer as usize].older = older,
        }
        match older {
            NIL => self.oldest = newer,
            older => self.entries[older as usize].newer = newer,
        }
    }

    fn link(&mut self, at: u32) {
        let older = std::mem::replace(&mut self.newest, at);
        self.entries[at as usize].newer = NIL;
        self.entries[at as usize].older = older;
        match older {
            NIL => self.oldest = at,
            older => self.entries[older as usize].newer = at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn the_least_recently_used_goes_first() {
        let mut cache = Cache::new(2);
        assert_eq!([1, 2, 1, 3, 1, 2].map(|key| cache.touch(key)), [false, false, true, false, true, false]);
        let mut one = Cache::new(1);
        assert_eq!([7, 7, 8, 7].map(|key| one.touch(key)), [false, true, false, false]);
    }

    #[test]
    fn it_agrees_with_a_plain_list() {
        let (mut cache, mut list, mut chance) = (Cache::new(10), Vec::new(), Stream::new(4));
        for _ in 0..20_000 {
            let key = chance.below(25);
            let had = list.iter().position(|&k| k == key).map(|at| list.remove(at)).is_some();
            list.push(key);
            if list.len() > 10 {
                list.remove(0);
            }
            assert_eq!(cache.touch(key), had);
        }
    }
}
