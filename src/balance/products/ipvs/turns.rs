//! `ipvs/rr` and `ipvs/wrr`: turns.

use super::{Look, Schedule};
use crate::balance::products::gcd;
use crate::balance::{BackendId, Request};

/// The next after the last, going round.
#[derive(Debug, Default)]
pub(super) struct Rr {
    last: Option<BackendId>,
}

impl Schedule for Rr {
    fn choose(&mut self, _: &Request<'_>, look: &Look<'_>) -> Option<BackendId> {
        let all = &look.destinations.all;
        // Destinations ascend: who has gone is followed by whoever followed it.
        let from = all.partition_point(|&backend| Some(backend) <= self.last);
        let (before, after) = all.split_at(from);
        let next = after.iter().chain(before).copied().find(|&backend| look.is_available(backend))?;
        self.last = Some(next);
        Some(next)
    }
}

/// Rounds of falling weight.
#[derive(Debug, Default)]
pub(super) struct Wrr {
    /// Where the walk stands; `None`: before the first.
    at: Option<usize>,
    /// The weight that takes a turn in this round.
    current: i64,
    greatest: i64,
    step: i64,
}

impl Schedule for Wrr {
    fn rebuild(&mut self, look: &Look<'_>) {
        let weights = look.destinations.all.iter().map(|&backend| look.weight(backend) as i64);
        let (greatest, common) =
            weights.filter(|&weight| weight > 0).fold((0, 0), |(most, common), weight| (most.max(weight), gcd(weight, common)));
        self.at = None;
        self.step = common.max(1);
        self.greatest = (greatest - (self.step - 1)).max(0);
        if self.current > self.greatest || self.current == 0 {
            self.current = self.greatest;
        } else if self.step > 1 {
            self.current = self.current / self.step * self.step + 1;
        }
    }

    fn choose(&mut self, _: &Request<'_>, look: &Look<'_>) -> Option<BackendId> {
        if self.greatest == 0 {
            return None;
        }
        let all = &look.destinations.all;
        let (start, mut stop) = (self.at, None);
        let (mut is_last_round, mut began_anew) = (false, false);
        let mut from = start.map_or(0, |at| at + 1);
        loop {
            for (at, &backend) in all.iter().enumerate().skip(from) {
                if look.is_available(backend) && look.weight(backend) as i64 >= self.current {
                    self.at = Some(at);
                    return Some(backend);
                }
                if Some(at) == stop {
                    self.at = Some(at);
                    return None;
                }
            }
            from = 0;
            self.current -= self.step;
            if self.current <= 0 {
                self.current = self.greatest;
                // Everybody was asked with a weight of 1.
                if is_last_round || start.is_none() {
                    self.at = None;
                    return None;
                }
                began_anew = true;
            }
            is_last_round = self.current <= self.step;
            if is_last_round && began_anew {
                stop = start;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Ipvs;
    use super::*;
    use crate::balance::testing::Bench;
    use crate::balance::{Pick, State};

    #[test]
    fn the_heaviest_come_first() {
        let mut bench = Bench::new(Box::new(Ipvs::of(Wrr::default())), &[4.0, 3.0, 2.0]);
        assert_eq!((0..9).map(|_| bench.pick()).collect::<Vec<_>>(), [0, 0, 1, 0, 1, 2, 0, 1, 2]);
    }

    #[test]
    fn who_is_down_is_passed_and_where_all_are_there_is_nobody() {
        for mut bench in
            [Bench::new(Box::new(Ipvs::of(Rr::default())), &[1.0; 3]), Bench::new(Box::new(Ipvs::of(Wrr::default())), &[1.0; 3])]
        {
            bench.pool.set_state(BackendId(1), State::Down);
            assert_eq!((0..4).map(|_| bench.pick()).collect::<Vec<_>>(), [0, 2, 0, 2]);
            (0..3).for_each(|at| bench.pool.set_state(BackendId(at), State::Down));
            assert_eq!([bench.pick_key(0), bench.pick_key(0)], [Pick::None; 2]);
        }
    }
}
