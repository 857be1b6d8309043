//! A line of those who wait, from which anybody may step out.
//!
//! Who steps out leaves a hole, which closes when it comes to an end of the line, or with all others once they are more than half of it. So every
//! step is O(1) in the mean, and the line never takes more than twice the room of the most that waited at once.

use super::attempt::{Attempts, PLACES, Stage};
use crate::slab::NIL;
use std::collections::VecDeque;

/// Somebody who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waiter {
    pub(super) attempt: u32,
    /// The how-manieth it was of all that came.
    pub(super) came: u64,
    /// When it came.
    pub(super) at: u64,
}

/// The line. Its first and its last place are never holes.
#[derive(Debug, Default)]
pub(super) struct Line {
    places: VecDeque<Waiter>,
    /// The number of the first place, modulo 2^30.
    first: u32,
    holes: usize,
}

impl Line {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.places.len() - self.holes
    }

    /// Joins the end.
    #[inline]
    pub(super) fn push_last(&mut self, attempts: &mut impl Attempts, waiter: Waiter) {
        attempts[waiter.attempt].set_stage(Stage::Waiting(self.first.wrapping_add(self.places.len() as u32) & PLACES));
        self.places.push_back(waiter);
    }

    #[inline]
    pub(super) fn pop_first(&mut self) -> Option<Waiter> {
        let waiter = self.places.pop_front()?;
        self.first = self.first.wrapping_add(1);
        if self.holes > 0 {
            self.close_ends();
        }
        Some(waiter)
    }

    pub(super) fn pop_last(&mut self) -> Option<Waiter> {
        let waiter = self.places.pop_back()?;
        if self.holes > 0 {
            self.close_ends();
        }
        Some(waiter)
    }

    /// Who is in a place, if anybody is.
    pub(super) fn get(&self, place: u32) -> Option<u32> {
        let index = place.wrapping_sub(self.first) & PLACES;
        self.places.get(index as usize).map(|waiter| waiter.attempt)
    }

    /// Steps out of a place.
    pub(super) fn remove(&mut self, attempts: &mut impl Attempts, place: u32) {
        let index = place.wrapping_sub(self.first) & PLACES;
        self.places[index as usize].attempt = NIL;
        self.holes += 1;
        self.close_ends();
        if self.holes > self.places.len() / 2 {
            self.close_all(attempts);
        }
    }

    /// Everybody, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Waiter> + '_ {
        self.places.iter().filter(|waiter| waiter.attempt != NIL).copied()
    }

    fn close_ends(&mut self) {
        while self.places.front().is_some_and(|waiter| waiter.attempt == NIL) {
            self.places.pop_front();
            self.first = self.first.wrapping_add(1);
            self.holes -= 1;
        }
        while self.places.back().is_some_and(|waiter| waiter.attempt == NIL) {
            self.places.pop_back();
            self.holes -= 1;
        }
    }

    fn close_all(&mut self, attempts: &mut impl Attempts) {
        self.places.retain(|waiter| waiter.attempt != NIL);
        self.holes = 0;
        for (waiter, place) in self.places.iter().zip(0..) {
            attempts[waiter.attempt].set_stage(Stage::Waiting(self.first.wrapping_add(place) & PLACES));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kept;
    use super::*;
    use crate::random::Stream;

    #[test]
    fn it_agrees_with_a_plain_list_and_stays_short() {
        let mut attempts = Kept::of(&[0; 300]);
        let mut free: Vec<u32> = (0..300).collect();
        // It begins just before places are numbered from 0 again.
        let (mut line, mut list, mut chance) = (Line { first: PLACES - 50, ..Line::default() }, Vec::new(), Stream::new(3));
        let mut most = 0;
        for came in 0..30_000 {
            match chance.below(8) {
                0..=3 if !free.is_empty() => {
                    let attempt = free.swap_remove(chance.below(free.len() as u64) as usize);
                    line.push_last(&mut attempts, Waiter { attempt, came, at: came });
                    list.push(attempt);
                }
                4 => assert_eq!(
                    line.pop_first().map(|waiter| waiter.attempt),
                    (!list.is_empty()).then(|| list.remove(0)).inspect(|&id| free.push(id))
                ),
                5 => assert_eq!(line.pop_last().map(|waiter| waiter.attempt), list.pop().inspect(|&id| free.push(id))),
                _ if !list.is_empty() => {
                    let attempt = list.remove(chance.below(list.len() as u64) as usize);
                    let Stage::Waiting(place) = attempts[attempt].stage() else { panic!("it waits") };
                    line.remove(&mut attempts, place);
                    free.push(attempt);
                }
                _ => {}
            }
            assert_eq!((line.len(), line.iter().map(|waiter| waiter.attempt).collect::<Vec<_>>()), (list.len(), list.clone()));
            most = list.len().max(most);
            assert!(line.places.len() <= 2 * most);
        }
    }
}
