//! Finagle's power of two choices: of two different nodes the healthier, then the less loaded.

use crate::balance::power_of_d::{least_loaded, other_than};
use std::cmp::Ordering;

/// Whether a backend takes requests, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It does.
    Open,
    /// It may not right now.
    Busy,
    /// It does not.
    Closed,
}

/// Weights closer than this are the same weight.
const SAME_WEIGHT: f64 = 1e-4;

/// Two different places among `n` from a draw below `n` and one below `n − 1`; the only one twice.
#[inline]
#[must_use]
pub fn pair(n: usize, first: usize, second: usize) -> (usize, usize) {
    if n < 2 { (0, 0) } else { (first, other_than(first, second)) }
}

/// Which of two places: the healthier, else the less loaded, else the first. There must be such places.
#[inline]
pub fn choose<L: PartialOrd>((a, b): (usize, usize), status: impl Fn(usize) -> Status, load: impl Fn(usize) -> L) -> usize {
    least_loaded([a, b], |place| (status(place), load(place))).expect("there are two")
}

/// Whether the second of two equally healthy nodes is taken, each with its load and its weight: by load ÷ weight, and by plain load where weights
/// are all but the same. Ties to the first.
#[inline]
#[must_use]
pub fn is_second_better(first: (f64, f64), second: (f64, f64)) -> bool {
    let ((load_a, weight_a), (load_b, weight_b)) = (first, second);
    let order = if (weight_a - weight_b).abs() < SAME_WEIGHT {
        load_a.partial_cmp(&load_b)
    } else {
        (load_a / weight_a).partial_cmp(&(load_b / weight_b))
    };
    order == Some(Ordering::Greater)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_comes_before_load_and_ties_go_to_the_first() {
        let status = [Status::Open, Status::Closed, Status::Open];
        let choose = |pair, loads: [u32; 3]| choose(pair, |place| status[place], |place| loads[place]);
        assert_eq!([choose((0, 1), [9, 0, 0]), choose((0, 2), [9, 0, 1]), choose((2, 0), [1, 1, 1])], [0, 2, 2]);
    }

    #[test]
    fn two_are_different() {
        assert_eq!([pair(3, 0, 0), pair(3, 2, 1), pair(1, 0, 0)], [(0, 1), (2, 1), (0, 0)]);
    }

    #[test]
    fn weights_divide_loads() {
        assert!(!is_second_better((1.0, 0.5), (2.0, 1.0)));
        assert!(is_second_better((1.0, 0.5), (1.0, 1.0)));
        assert!(!is_second_better((1.0, 1.0), (1.0, 1.00001)));
    }
}
