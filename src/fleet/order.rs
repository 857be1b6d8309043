//! What comes first by a key, from whose midst anything may be taken: a binary heap whose entries know their place.
//!
//! An entry is known by its slot, which stays its own while it is there. The least key is first, in O(1); to come, to leave and to be taken out are
//! O(log n). Keys must differ, or the order of equal ones is not defined: they end with a number that counts.

/// The heap.
#[derive(Clone, Debug)]
pub(super) struct Order<K, T> {
    heap: Vec<(K, u32)>,
    /// By slot: the value, and where in the heap its key is.
    slots: Vec<(T, u32)>,
    free: Vec<u32>,
}

impl<K, T> Default for Order<K, T> {
    fn default() -> Self {
        Self { heap: Vec::new(), slots: Vec::new(), free: Vec::new() }
    }
}

impl<K: Copy + Ord, T: Copy> Order<K, T> {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// Adds a value: its slot.
    #[inline]
    pub(super) fn insert(&mut self, key: K, value: T) -> u32 {
        let place = self.heap.len();
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = (value, place as u32);
                slot
            }
            None => {
                self.slots.push((value, place as u32));
                self.slots.len() as u32 - 1
            }
        };
        self.heap.push((key, slot));
        if place > 0 {
            self.rise(place);
        }
        slot
    }

    /// What is in a slot, if anything is.
    pub(super) fn get(&self, slot: u32) -> Option<T> {
        let &(value, place) = self.slots.get(slot as usize)?;
        self.heap.get(place as usize).is_some_and(|entry| entry.1 == slot).then_some(value)
    }

    /// The least key.
    #[inline]
    pub(super) fn first(&self) -> Option<K> {
        self.heap.first().map(|(key, _)| *key)
    }

    /// Takes the least out.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<(K, T)> {
        let &(_, slot) = self.heap.first()?;
        Some(self.remove(slot))
    }

    /// Takes what is in a slot out.
    #[inline]
    pub(super) fn remove(&mut self, slot: u32) -> (K, T) {
        let (value, place) = self.slots[slot as usize];
        let (key, _) = self.heap.swap_remove(place as usize);
        self.free.push(slot);
        if (place as usize) < self.heap.len() {
            self.sink(place as usize);
            if place > 0 {
                self.rise(place as usize);
            }
        }
        (key, value)
    }

    /// Everything, in no order that means anything, though always the same.
    pub(super) fn iter(&self) -> impl Iterator<Item = (K, T)> + '_ {
        self.heap.iter().map(|&(key, slot)| (key, self.slots[slot as usize].0))
    }

    /// Changes all values and keys.
    pub(super) fn change(&mut self, mut change: impl FnMut(&mut K, &mut T)) {
        for (key, slot) in &mut self.heap {
            change(key, &mut self.slots[*slot as usize].0);
        }
        (0..self.heap.len() / 2).rev().for_each(|place| self.sink(place));
    }

    /// Notes where an entry of the heap is.
    #[inline]
    fn settle(&mut self, place: usize) {
        self.slots[self.heap[place].1 as usize].1 = place as u32;
    }

    fn rise(&mut self, mut place: usize) {
        while place > 0 && self.heap[place].0 < self.heap[(place - 1) / 2].0 {
            self.heap.swap(place, (place - 1) / 2);
            self.settle(place);
            place = (place - 1) / 2;
        }
        self.settle(place);
    }

    fn sink(&mut self, mut place: usize) {
        loop {
            let (left, right) = (2 * place + 1, 2 * place + 2);
            if left >= self.heap.len() {
                break;
            }
            let least = if right < self.heap.len() && self.heap[right].0 < self.heap[left].0 { right } else { left };
            if self.heap[place].0 < self.heap[least].0 {
                break;
            }
            self.heap.swap(place, least);
            self.settle(place);
            place = least;
        }
        self.settle(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn it_agrees_with_a_sorted_list_whoever_leaves() {
        let mut chance = Stream::new(11);
        let mut order: Order<(u64, u64), u64> = Order::default();
        let mut list: Vec<(u64, u64, u32)> = Vec::new();
        for number in 0..20_000 {
            match chance.below(5) {
                0 | 1 => {
                    let key = (chance.below(50), number);
                    list.push((key.0, key.1, order.insert(key, number)));
                }
                2 if !list.is_empty() => {
                    let (at, number, slot) = list.swap_remove(chance.below(list.len() as u64) as usize);
                    assert_eq!(order.get(slot), Some(number));
                    assert_eq!(order.remove(slot), ((at, number), number));
                    assert_eq!(order.get(slot), None);
                }
                3 if number % 100 == 3 => {
                    // Halving may make keys equal that were not, and turns them round by their numbers.
                    order.change(|key, _| key.0 /= 2);
                    list.iter_mut().for_each(|entry| entry.0 /= 2);
                }
                _ => {
                    list.sort_unstable();
                    let first = (!list.is_empty()).then(|| list.remove(0));
                    assert_eq!(order.pop(), first.map(|(at, number, _)| ((at, number), number)));
                }
            }
            assert_eq!((order.len(), order.iter().count()), (list.len(), list.len()));
            assert_eq!(order.first(), list.iter().map(|&(at, number, _)| (at, number)).min());
        }
    }
}
