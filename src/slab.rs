//! Numbered slots that are used again: the last one freed first, so that what is hot stays in the cache.

use std::ops::{Index, IndexMut};

/// No slot.
pub const NIL: u32 = u32::MAX;

/// Slots of one type.
#[derive(Clone, Debug, Default)]
pub struct Slab<T> {
    slots: Vec<T>,
    free: Vec<u32>,
}

impl<T: Default> Slab<T> {
    /// Takes a free slot, whatever is in it. A value handed over would be built on the stack and copied; written into the slot it is not.
    #[inline]
    pub fn occupy(&mut self) -> u32 {
        match self.free.pop() {
            Some(slot) => slot,
            None => self.grow(),
        }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) -> u32 {
        self.slots.push(T::default());
        self.slots.len() as u32 - 1
    }

    /// The slot that will be taken next.
    #[must_use]
    pub fn next(&self) -> u32 {
        self.free.last().copied().unwrap_or(self.slots.len() as u32)
    }

    /// How many slots are taken.
    #[must_use]
    pub fn in_use(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Frees a slot. Its value stays until it is used again.
    #[inline]
    pub fn free(&mut self, slot: u32) {
        self.free.push(slot);
    }
}

impl<T> Index<u32> for Slab<T> {
    type Output = T;
    #[inline]
    fn index(&self, slot: u32) -> &T {
        &self.slots[slot as usize]
    }
}

impl<T> IndexMut<u32> for Slab<T> {
    #[inline]
    fn index_mut(&mut self, slot: u32) -> &mut T {
        &mut self.slots[slot as usize]
    }
}
