//! Envoy's least request, in its three forms.
//!
//! **Equal weights.** *n choices*: `choice_count` (2) backends drawn with replacement, the first of those with the fewest requests in flight.
//! Drawn with replacement, one backend can be drawn twice, and then loses to nobody. *Full scan*: the fewest of all, drawn evenly among equals in one
//! pass. **Unequal weights**, or slow start: not least request at all, but [earliest deadlines](crate::balance::edf) with the weight
//! `w ÷ (in flight + 1)^bias` of the moment a backend was last taken, so what it knows is one turn old.

use crate::balance::power_of_d::least_loaded;

/// The place with the least load of `choices` drawn ones, at least one, each a draw modulo `n`; of equal ones the first.
#[inline]
pub fn n_choices(n: usize, choices: u32, mut draw: impl FnMut() -> u64, load: impl Fn(usize) -> u32) -> Option<usize> {
    if n == 0 {
        return None;
    }
    least_loaded((0..choices.max(1)).map(|_| (draw() % n as u64) as usize), load)
}

/// The place with the least load of all `n`; the k-th that ties replaces the one so far if a draw modulo k is 0, so each is as likely.
#[inline]
pub fn full_scan(n: usize, mut draw: impl FnMut() -> u64, load: impl Fn(usize) -> u32) -> Option<usize> {
    let mut best = None;
    let mut least = u32::MAX;
    let mut ties = 1;
    for place in 0..n {
        let candidate = load(place);
        if best.is_none() || candidate < least {
            (best, least, ties) = (Some(place), candidate, 1);
        } else if candidate == least {
            ties += 1;
            if draw().is_multiple_of(ties) {
                best = Some(place);
            }
        }
    }
    best
}

/// A weight after its requests in flight have been held against it. A bias of 1 divides, 0 does nothing; negative counts as 1.
#[inline]
#[must_use]
pub fn weight(weight: f64, in_flight: u32, bias: f64) -> f64 {
    let requests = f64::from(in_flight) + 1.0;
    match bias {
        0.0 => weight,
        bias if bias > 0.0 && bias != 1.0 => weight / libm::pow(requests, bias),
        _ => weight / requests,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_drawn_wins_ties() {
        let load = |place: usize| [1, 1, 0][place];
        let mut draws = [4, 3].into_iter();
        assert_eq!(n_choices(3, 2, || draws.next().expect("two"), load), Some(1));
        let mut draws = [0, 5].into_iter();
        assert_eq!(n_choices(3, 2, || draws.next().expect("two"), load), Some(2));
    }

    #[test]
    fn a_scan_draws_only_for_ties() {
        let mut draws = [2, 4].into_iter();
        let mut used = 0;
        let draw = || {
            used += 1;
            draws.next().expect("two ties")
        };
        assert_eq!(full_scan(4, draw, |place| [1, 0, 0, 0][place]), Some(2));
        assert_eq!(used, 2);
        assert_eq!(full_scan(0, || 0, |_| 0), None);
    }

    #[test]
    fn bias_says_how_much_requests_count() {
        assert_eq!([weight(10.0, 9, 0.0), weight(10.0, 9, 1.0), weight(10.0, 9, -1.0)], [10.0, 1.0, 1.0]);
        assert!((weight(100.0, 24, 0.5) - 20.0).abs() < 1e-12);
    }
}
