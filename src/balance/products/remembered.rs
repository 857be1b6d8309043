//! What a policy remembers of single requests between their attempts.
//!
//! Most requests are answered at their first attempt and need no memory at all: an empty one costs a comparison, and one that has grown once
//! does not allocate again. Requests are found by number in an open table, so that O(1) is expected whatever is remembered.

use crate::random::mix;

/// Values by request number.
#[derive(Clone, Debug)]
pub struct Remembered<T> {
    /// A power of two of places; a value stands at or after its number's home, with no gap between.
    places: Vec<Option<(u64, T)>>,
    len: usize,
}

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self { places: Vec::new(), len: 0 }
    }
}

impl<T> Remembered<T> {
    /// Whether nothing is remembered.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes out what is remembered of a request.
    #[inline]
    pub fn take(&mut self, request: u64) -> Option<T> {
        if self.len == 0 { None } else { self.remove(request) }
    }

    /// Remembers something of a request of which nothing is remembered.
    pub fn put(&mut self, request: u64, value: T) {
        if (self.len + 1) * 2 > self.places.len() {
            self.grow();
        }
        let mut at = self.home(request);
        while self.places[at].is_some() {
            at = (at + 1) & (self.places.len() - 1);
        }
        self.places[at] = Some((request, value));
        self.len += 1;
    }

    /// What is remembered of a request.
    #[inline]
    #[must_use]
    pub fn get(&self, request: u64) -> Option<&T> {
        if self.len == 0 {
            return None;
        }
        let at = self.find(request)?;
        self.places[at].as_ref().map(|(_, value)| value)
    }

    /// What is remembered of a request, made where there is nothing.
    pub fn entry(&mut self, request: u64) -> &mut T
    where
        T: Default,
    {
        if self.find(request).is_none() {
            self.put(request, T::default());
        }
        let at = self.find(request).expect("it was put there");
        self.places[at].as_mut().map(|(_, value)| value).expect("it was found there")
    }

    fn home(&self, request: u64) -> usize {
        mix(request) as usize & (self.places.len() - 1)
    }

    fn find(&self, request: u64) -> Option<usize> {
        if self.places.is_empty() {
            return None;
        }
        let mut at = self.home(request);
        loop {
            let (number, _) = self.places[at].as_ref()?;
            if *number == request {
                return Some(at);
            }
            at = (at + 1) & (self.places.len() - 1);
        }
    }

    fn remove(&mut self, request: u64) -> Option<T> {
        let mut gap = self.find(request)?;
        let (_, value) = self.places[gap].take()?;
        self.len -= 1;
        // Who stands behind the gap and may stand in it moves there.
        let mask = self.places.len() - 1;
        let mut at = (gap + 1) & mask;
        while let Some((number, _)) = &self.places[at] {
            if (at.wrapping_sub(self.home(*number)) & mask) >= (at.wrapping_sub(gap) & mask) {
                self.places.swap(gap, at);
                gap = at;
            }
            at = (at + 1) & mask;
        }
        Some(value)
    }

    #[cold]
    fn grow(&mut self) {
        let places = (self.places.len() * 2).max(16);
        let before = std::mem::replace(&mut self.places, (0..places).map(|_| None).collect());
        self.len = 0;
        before.into_iter().flatten().for_each(|(request, value)| self.put(request, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;
    use std::collections::BTreeMap;

    #[test]
    fn it_agrees_with_an_ordered_map() {
        let (mut ours, mut plain, mut chance) = (Remembered::default(), BTreeMap::new(), Stream::new(1));
        for step in 0..20_000_u64 {
            let request = chance.below(60);
            match chance.below(3) {
                0 => assert_eq!(ours.take(request), plain.remove(&request)),
                1 => assert_eq!(ours.get(request), plain.get(&request)),
                _ => {
                    *ours.entry(request) = step;
                    plain.insert(request, step);
                }
            }
            assert_eq!(ours.is_empty(), plain.is_empty());
        }
    }
}
