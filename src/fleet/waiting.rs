//! Those who wait for a worker, and whose turn it is.
//!
//! - *fifo*: who came first. *lifo*: who came last.
//! - *priority*: the lowest number, and of these who came first.
//! - *adaptive-lifo*: who came first, but who came last once somebody has been waiting for longer than `overloaded_after` without a break. Under overload
//!   somebody must wait too long anyway; newest first, it is few who wait very long instead of all who wait a little too long. (B. Maurer, Fail at Scale,
//!   ACM Queue 13(8), 2015.)

use super::attempt::{Attempts, Stage};
use super::line::{Line, Waiter};
use super::order::Order;
use crate::scenario::Discipline;

/// The queue of one backend.
#[derive(Debug)]
pub(super) struct Waiting {
    who: Who,
    /// Since when somebody waits.
    since: u64,
}

#[derive(Debug)]
enum Who {
    First(Line),
    Last(Line),
    Adaptive(Line, u64),
    Lowest(Order<(i64, u64), Waiter>),
}

impl Waiting {
    pub(super) fn new(discipline: Discipline, overloaded_after: u64) -> Self {
        let who = match discipline {
            // With processor sharing nobody waits.
            Discipline::Fifo | Discipline::ProcessorSharing => Who::First(Line::default()),
            Discipline::Lifo => Who::Last(Line::default()),
            Discipline::AdaptiveLifo => Who::Adaptive(Line::default(), overloaded_after),
            Discipline::Priority => Who::Lowest(Order::default()),
        };
        Self { who, since: 0 }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        match &self.who {
            Who::First(line) | Who::Last(line) | Who::Adaptive(line, _) => line.len(),
            Who::Lowest(order) => order.len(),
        }
    }

    /// Somebody begins to wait.
    #[inline]
    pub(super) fn push(&mut self, attempts: &mut impl Attempts, waiter: Waiter, priority: i64) {
        match &mut self.who {
            Who::First(line) | Who::Last(line) => line.push_last(attempts, waiter),
            Who::Adaptive(line, _) => {
                if line.len() == 0 {
                    self.since = waiter.at;
                }
                line.push_last(attempts, waiter);
            }
            Who::Lowest(order) => {
                let place = order.insert((priority, waiter.came), waiter);
                attempts[waiter.attempt].set_stage(Stage::Waiting(place));
            }
        }
    }

    /// Whose turn it is: it waits no longer.
    #[inline]
    pub(super) fn pop(&mut self, now: u64) -> Option<Waiter> {
        match &mut self.who {
            Who::First(line) => line.pop_first(),
            Who::Last(line) => line.pop_last(),
            Who::Adaptive(line, after) if now - self.since > *after => line.pop_last(),
            Who::Adaptive(line, _) => line.pop_first(),
            Who::Lowest(order) => order.pop().map(|(_, waiter)| waiter),
        }
    }

    /// Who is in a place, if anybody is.
    pub(super) fn get(&self, place: u32) -> Option<u32> {
        match &self.who {
            Who::First(line) | Who::Last(line) | Who::Adaptive(line, _) => line.get(place),
            Who::Lowest(order) => order.get(place).map(|waiter| waiter.attempt),
        }
    }

    /// Who is in a place waits no longer.
    pub(super) fn remove(&mut self, attempts: &mut impl Attempts, place: u32) {
        match &mut self.who {
            Who::First(line) | Who::Last(line) | Who::Adaptive(line, _) => line.remove(attempts, place),
            Who::Lowest(order) => _ = order.remove(place),
        }
    }

    /// Everybody, in no order that means anything.
    pub(super) fn all(&self) -> Vec<Waiter> {
        match &self.who {
            Who::First(line) | Who::Last(line) | Who::Adaptive(line, _) => line.iter().collect(),
            Who::Lowest(order) => order.iter().map(|(_, waiter)| waiter).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kept;
    use super::*;

    /// Four come at 0, 10, 20 and 30 with these priorities; at `now` all are taken.
    fn taken(discipline: Discipline, now: u64) -> Vec<u32> {
        let mut attempts = Kept::of(&[0; 4]);
        let mut waiting = Waiting::new(discipline, 100);
        for (attempt, priority) in [(0, 5), (1, -1), (2, 5), (3, -1)] {
            waiting.push(&mut attempts, Waiter { attempt, came: attempt.into(), at: u64::from(attempt) * 10 }, priority);
        }
        assert_eq!((waiting.len(), waiting.all().len()), (4, 4));
        (0..5).filter_map(|_| waiting.pop(now)).map(|waiter| waiter.attempt).collect()
    }

    #[test]
    fn each_discipline_has_its_turn() {
        assert_eq!(taken(Discipline::Fifo, 30), [0, 1, 2, 3]);
        assert_eq!(taken(Discipline::Lifo, 30), [3, 2, 1, 0]);
        assert_eq!(taken(Discipline::Priority, 30), [1, 3, 0, 2]);
    }

    #[test]
    fn adaptive_lifo_turns_round_when_somebody_has_been_waiting_for_longer() {
        assert_eq!(taken(Discipline::AdaptiveLifo, 100), [0, 1, 2, 3]);
        assert_eq!(taken(Discipline::AdaptiveLifo, 101), [3, 2, 1, 0]);
    }

    #[test]
    fn adaptive_lifo_counts_anew_after_a_break() {
        let mut attempts = Kept::of(&[0; 3]);
        let mut waiting = Waiting::new(Discipline::AdaptiveLifo, 100);
        let waiter = |attempt: u32, at| Waiter { attempt, came: attempt.into(), at };
        waiting.push(&mut attempts, waiter(0, 0), 0);
        assert_eq!(waiting.pop(500).map(|waiter| waiter.attempt), Some(0));
        waiting.push(&mut attempts, waiter(1, 500), 0);
        waiting.push(&mut attempts, waiter(2, 510), 0);
        assert_eq!(waiting.pop(600).map(|waiter| waiter.attempt), Some(1));
    }
}
