//! Trouble that goes on although what brought it is gone, and what keeps it up.
//!
//! After Bronson et al., Metastable failures in distributed systems, HotOS 2021: a trigger, a state that outlives it, and a loop that sustains that. Here, a fault that is over
//! for so long that the backlog of a standstill would have been worked off [`MARGIN`] times, with nothing getting better. Weak spot: a system whose load differs much
//! from backend to backend works its backlog off more slowly than its mean load says, which only the last condition keeps from being taken for a loop.

use super::impact::{Before, Occurrence, Story};
use super::record::Loop;
use super::series::Sum;
use std::ops::Range;

/// How often the backlog that a fault can have left would have been worked off before it counts as kept up by something else.
const MARGIN: f64 = 1.5;
/// And so many bins in any case.
const LEAST_AFTER: usize = 20;
/// Retries keep it up where there are so many times the attempts for a request that there were before.
const AMPLIFIED: f64 = 1.2;
/// The trigger is gone for so many times its length in any case.
const LENGTHS: f64 = 3.0;
/// What does not get better is in its later half no less than this share of what it was in the earlier one.
const NO_BETTER: f64 = 0.9;

impl Story {
    /// What keeps up the trouble of an occurrence that is over, if it is plain that something does.
    pub(super) fn kept_up(&self, one: &Occurrence, before: &Before, horizon: u64) -> Option<Loop> {
        let after = self.bin_from(one.ends)..self.bin(horizon);
        let was_overloaded = self.overloaded_at.is_some_and(|at| at < one.begins);
        if after.len() < LEAST_AFTER || was_overloaded {
            return None;
        }
        let gone = after.len() as f64 * self.series.width() as f64;
        if gone < self.worked_off(one, before, after.clone(), gone)? {
            return None;
        }
        let lately = self.series.sum(after.start + after.len() / 2..after.end);
        let earlier = self.series.sum(after.start..after.start + after.len() / 2);
        let is_amplified = lately.amplification().is_some_and(|now| now > AMPLIFIED * before.amplification);
        match (is_amplified, self.caches) {
            _ if is_better(&earlier, &lately) => None,
            (true, _) => Some(Loop::Retries),
            (false, true) => Some(Loop::ColdCaches),
            (false, false) => Some(Loop::Backlog),
        }
    }

    /// After how long the worst backlog of an occurrence would have been worked off by far; `None` where the load is too high for that.
    fn worked_off(&self, one: &Occurrence, before: &Before, after: Range<usize>, gone: f64) -> Option<f64> {
        let rate = self.series.sum(after).arrived as f64 / gone;
        let load = self.demand? * rate;
        let brought = self.series.sum(self.bin(one.begins)..self.bin_from(one.ends)).arrived as f64 * self.demand?;
        let lengths = LENGTHS * (one.ends - one.begins) as f64;
        if load < 1.0 {
            Some(lengths.max(MARGIN * brought / (1.0 - load)))
        } else {
            // Loads are of work without caches: what was carried before can be carried.
            (self.caches && rate <= before.rate * 1.05).then_some(lengths)
        }
    }
}

/// Whether fewer failed, or answers came sooner, by more than chance would have it. Where hardly anything is answered, how late that is says nothing.
fn is_better(earlier: &Sum, lately: &Sum) -> bool {
    let falls = |of: fn(&Sum) -> Option<f64>| of(earlier).zip(of(lately)).is_some_and(|(earlier, lately)| lately < NO_BETTER * earlier);
    let is_answered = earlier.lost().is_some_and(|lost| lost < 0.5);
    falls(Sum::lost) || is_answered && falls(Sum::mean)
}
