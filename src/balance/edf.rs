//! Earliest deadline first: turns in proportion to weights that may change between turns.
//!
//! **Rule.** Everybody waits until a deadline in virtual time. The one with the earliest is taken, virtual time becomes that deadline, and it
//! queues again `1 ÷ weight` later, with the weight it has *now*. **Ties.** Who queued first. **Cost.** O(log n) per pick. **Who ships it.**
//! Envoy (weighted round robin, least request with weights, localities), Traefik. **Where it shines.** Weights that are functions of the
//! moment: slow start, requests in flight. **Where it fails.** A weight is looked at once per turn, so a backend that was light keeps its
//! far deadline after it has become heavy.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// When somebody's next turn is.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Turn {
    deadline: f64,
    order: u64,
    item: u32,
}

impl Eq for Turn {}

impl Ord for Turn {
    /// The earliest is the greatest, as the heap gives the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        other.deadline.total_cmp(&self.deadline).then(other.order.cmp(&self.order))
    }
}

impl PartialOrd for Turn {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A schedule of items, which are numbers.
#[derive(Clone, Debug, Default)]
pub struct Edf {
    turns: BinaryHeap<Turn>,
    now: f64,
    order: u64,
}

impl Edf {
    /// A schedule of the items with a weight above zero, none of which has had a turn.
    #[must_use]
    pub fn new(weights: impl IntoIterator<Item = (u32, f64)>) -> Self {
        let mut schedule = Self::default();
        weights.into_iter().for_each(|(item, weight)| schedule.add(item, weight));
        schedule
    }

    /// As if `turns` turns had been given already, in O(n): what Envoy does so that proxies that start together do not all begin with the same
    /// backend. Not quite the same as giving them: some ties fall otherwise, and the formula and its 1e-13 are Envoy's.
    #[must_use]
    pub fn with_past(weights: impl IntoIterator<Item = (u32, f64)>, turns: u32) -> Self {
        let items: Vec<(u32, f64)> = weights.into_iter().filter(|&(_, weight)| weight > 0.0).collect();
        // Added so that a weight below one part in 2^53 of the others still moves its deadline.
        let padded: Vec<f64> = items.iter().map(|&(_, weight)| weight + 1e-13).collect();
        let total: f64 = padded.iter().sum();
        let past = f64::from(turns);
        let per_weight = past / total;
        let mut schedule = Self::default();
        let mut given = 0.0;
        for (&(item, _), &weight) in items.iter().zip(&padded) {
            let mut had = (weight * past / total).trunc();
            if had > 0.0 && had / weight >= per_weight {
                had -= 1.0;
            }
            given += had;
            schedule.now = schedule.now.max(had / weight);
            schedule.turns.push(Turn { deadline: (had + 1.0) / weight, order: schedule.order, item });
            schedule.order += 1;
        }
        let rest = if items.is_empty() { 0 } else { (past - given) as u32 };
        let mut weight_of = vec![0.0; items.iter().map(|&(item, _)| item as usize + 1).max().unwrap_or(0)];
        items.iter().for_each(|&(item, weight)| weight_of[item as usize] = weight);
        (0..rest).for_each(|_| _ = schedule.next(|item| weight_of[item as usize]));
        schedule
    }

    /// Lets an item queue; nothing where its weight is not above zero.
    pub fn add(&mut self, item: u32, weight: f64) {
        if weight > 0.0 {
            self.turns.push(Turn { deadline: self.now + 1.0 / weight, order: self.order, item });
            self.order += 1;
        }
    }

    /// Whose turn it is; it queues again with the weight that it is asked for. Who then has no weight leaves the schedule.
    #[inline]
    pub fn next(&mut self, weight: impl FnOnce(u32) -> f64) -> Option<u32> {
        let mut top = self.turns.peek_mut()?;
        let item = top.item;
        self.now = top.deadline;
        let weight = weight(item);
        if weight > 0.0 {
            *top = Turn { deadline: self.now + 1.0 / weight, order: self.order, item };
            self.order += 1;
        } else {
            std::collections::binary_heap::PeekMut::pop(top);
        }
        Some(item)
    }

    /// Whether nobody queues.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(mut schedule: Edf, weights: &[f64], count: usize) -> Vec<u32> {
        (0..count).filter_map(|_| schedule.next(|item| weights[item as usize])).collect()
    }

    fn with(weights: &[f64]) -> impl Iterator<Item = (u32, f64)> {
        (0..).zip(weights.iter().copied())
    }

    #[test]
    fn turns_are_in_proportion_and_ties_go_to_who_queued_first() {
        let weights = [1.0, 2.0];
        assert_eq!(turns(Edf::new(with(&weights)), &weights, 6), [1, 0, 1, 1, 0, 1]);
        assert_eq!(turns(Edf::new(with(&[0.0])), &[0.0], 6), [0_u32; 0]);
    }

    #[test]
    fn a_past_moves_the_beginning() {
        let weights = [6.0, 3.0, 1.0];
        let first = |seed| turns(Edf::with_past(with(&weights), seed), &weights, 1)[0];
        let counts = (0..10).fold([0; 3], |mut counts, seed| {
            counts[first(seed) as usize] += 1;
            counts
        });
        assert_eq!(counts, [6, 3, 1]);
    }

    #[test]
    fn who_loses_its_weight_leaves() {
        let mut schedule = Edf::new(with(&[1.0, 1.0]));
        assert_eq!(schedule.next(|_| 0.0), Some(0));
        assert_eq!([schedule.next(|_| 1.0), schedule.next(|_| 1.0)], [Some(1), Some(1)]);
    }
}
