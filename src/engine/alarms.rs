//! Timers that are nearly always cancelled: timeouts.
//!
//! Most timeouts of a scenario are a constant delay from now, so those of one kind come in order of their instants: each kind has a queue of its own, and a
//! timer is added at its end. One that is out of order (its delay was drawn, or is a remainder) goes to a heap beside them. To cancel costs nothing: what
//! is dead is skipped when it comes to the front of its queue, so the memory is that of one delay's worth of timers. Whether an item is alive its
//! owner says, who has numbered it so that a slot used again is not taken for the old one.
//!
//! Alarms are in order of (instant, sequence) over all queues and the heap, the sequence being that in which they were set.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// All timers.
#[derive(Debug)]
pub(super) struct Alarms<T> {
    /// One for each kind, each in order.
    queues: Vec<VecDeque<Alarm<T>>>,
    /// What came out of order.
    heap: BinaryHeap<Reverse<Alarm<T>>>,
    sequence: u64,
}

/// A timer. Its order is that of its instant and sequence alone: sequences differ.
#[derive(Clone, Copy, Debug)]
struct Alarm<T> {
    at: u64,
    sequence: u64,
    item: T,
}

impl<T> Alarm<T> {
    fn key(&self) -> (u64, u64) {
        (self.at, self.sequence)
    }
}

impl<T> PartialEq for Alarm<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for Alarm<T> {}

impl<T> PartialOrd for Alarm<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Alarm<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl<T: Copy> Alarms<T> {
    /// No timers yet, of so many kinds.
    #[must_use]
    pub(super) fn new(queues: usize) -> Self {
        Self { queues: (0..queues).map(|_| VecDeque::new()).collect(), heap: BinaryHeap::new(), sequence: 0 }
    }

    /// Sets a timer of a kind.
    #[inline]
    pub(super) fn push(&mut self, queue: usize, at: u64, item: T) {
        let alarm = Alarm { at, sequence: self.sequence, item };
        self.sequence += 1;
        let queue = &mut self.queues[queue];
        if queue.back().is_none_or(|last| last.at <= at) {
            queue.push_back(alarm);
        } else {
            self.heap.push(Reverse(alarm));
        }
    }

    /// The (instant, sequence) of the first that is alive. All dead ones before it are gone afterwards.
    pub(super) fn next(&mut self, is_live: impl Fn(&T) -> bool) -> Option<(u64, u64)> {
        let mut first: Option<(u64, u64)> = None;
        let mut consider = |key: (u64, u64)| first = Some(first.map_or(key, |first| first.min(key)));
        for queue in &mut self.queues {
            while queue.front().is_some_and(|alarm| !is_live(&alarm.item)) {
                queue.pop_front();
            }
            queue.front().into_iter().for_each(|alarm| consider(alarm.key()));
        }
        while self.heap.peek().is_some_and(|Reverse(alarm)| !is_live(&alarm.item)) {
            self.heap.pop();
        }
        self.heap.peek().into_iter().for_each(|Reverse(alarm)| consider(alarm.key()));
        first
    }

    /// A lower bound of the instant of the first, without asking who is alive: `u64::MAX` if there is none. The loop need not look closer before.
    #[inline]
    pub(super) fn bound(&self) -> u64 {
        let queued = self.queues.iter().filter_map(|queue| queue.front()).map(|alarm| alarm.at).min();
        let other = self.heap.peek().map(|Reverse(alarm)| alarm.at);
        queued.unwrap_or(u64::MAX).min(other.unwrap_or(u64::MAX))
    }

    /// Takes the first that is alive: (instant, item).
    pub(super) fn pop(&mut self, is_live: impl Fn(&T) -> bool) -> Option<(u64, T)> {
        let first = self.next(is_live)?;
        let queue = self.queues.iter_mut().find(|queue| queue.front().is_some_and(|alarm| alarm.key() == first));
        let alarm = match queue {
            Some(queue) => queue.pop_front()?,
            None => self.heap.pop()?.0,
        };
        Some((alarm.at, alarm.item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn alarms_come_in_order_of_their_instants_and_then_as_they_were_set() {
        let mut alarms = Alarms::new(2);
        for (queue, at, item) in [(0, 50, 'a'), (1, 30, 'b'), (0, 60, 'c'), (1, 50, 'd'), (0, 55, 'e'), (1, 20, 'f')] {
            alarms.push(queue, at, item);
        }
        assert_eq!(alarms.bound(), 20);
        let all: Vec<_> = std::iter::from_fn(|| alarms.pop(|_| true)).collect();
        assert_eq!(all, [(20, 'f'), (30, 'b'), (50, 'a'), (50, 'd'), (55, 'e'), (60, 'c')]);
        assert_eq!((alarms.bound(), alarms.next(|_| true)), (u64::MAX, None));
    }

    #[test]
    fn the_dead_are_skipped_wherever_they_are() {
        let mut alarms = Alarms::new(1);
        for (at, item) in [(10, 0), (20, 1), (15, 2), (30, 3), (12, 4)] {
            alarms.push(0, at, item);
        }
        let is_live = |item: &i32| *item == 2 || *item == 3;
        assert_eq!(alarms.next(is_live), Some((15, 2)));
        assert_eq!([alarms.pop(is_live), alarms.pop(is_live), alarms.pop(is_live)], [Some((15, 2)), Some((30, 3)), None]);
    }

    #[test]
    fn it_agrees_with_a_sorted_list() {
        let mut chance = Stream::new(9);
        let (mut alarms, mut list, mut dead) = (Alarms::new(3), Vec::new(), vec![false; 30_000]);
        let mut now = 0;
        for number in 0..30_000_usize {
            now += chance.below(3);
            let (queue, delay) = match chance.below(10) {
                0 => (0, chance.below(100)),
                draw => (draw as usize % 3, [10, 40, 0][draw as usize % 3]),
            };
            alarms.push(queue, now + delay, number);
            list.push((now + delay, number));
            dead[chance.below(number as u64 + 1) as usize] = true;
            list.retain(|&(_, number)| !dead[number]);
            list.sort_unstable();
            assert_eq!(alarms.next(|&number| !dead[number]), list.first().map(|&(at, number)| (at, number as u64)));
            while list.first().is_some_and(|&(at, _)| at <= now) {
                assert_eq!(alarms.pop(|&number| !dead[number]), Some(list.remove(0)));
            }
        }
    }
}
