//! HAProxy's `slowstart`: a server that comes up gets its weight, and its `maxconn`, little by little.
//!
//! A task looks every second, or every twentieth of the time where that is longer, and counts whole seconds: the weight begins at a sixteenth and
//! rises in sixteenths. Nobody starts slowly when HAProxy itself starts.

use super::farm::SCALE;
use crate::time::{SimTime, Span};

/// The time that servers take; zero: they do not start slowly.
#[derive(Clone, Copy, Debug, Default)]
pub struct SlowStart(pub Span);

impl SlowStart {
    /// Whether servers start slowly at all.
    #[must_use]
    pub fn is_on(self) -> bool {
        self.0 > Span::ZERO
    }

    /// Whole seconds that a server takes.
    #[must_use]
    pub fn seconds(self) -> u64 {
        self.0.0.div_ceil(1_000_000_000)
    }

    /// Whole seconds since it came up, as the task saw them last.
    #[must_use]
    pub fn elapsed(self, since: SimTime, now: SimTime) -> u64 {
        let tick = (self.0.0 / 20).max(1_000_000_000);
        now.since(since).0 / tick * tick / 1_000_000_000
    }

    /// Whether it has its full weight.
    #[must_use]
    pub fn is_over(self, since: SimTime, now: SimTime) -> bool {
        self.elapsed(since, now) >= self.seconds()
    }

    /// What a server weighs, in sixteenths.
    #[must_use]
    pub fn eweight(self, weight: u32, since: SimTime, now: SimTime) -> u32 {
        let (all, scale) = (self.seconds().max(1), u64::from(SCALE));
        let share = ((scale * self.elapsed(since, now) + all) / all).min(scale);
        weight * share as u32
    }

    /// Its `maxconn`, at least 1.
    #[must_use]
    pub fn max_conn(self, full: u32, since: SimTime, now: SimTime) -> u32 {
        let percent = (100 * self.elapsed(since, now) / self.seconds().max(1)).clamp(1, 100);
        ((u64::from(full) * percent / 100) as u32).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_seconds_are_eight_steps_of_two_sixteenths() {
        let slow = SlowStart(Span(8_000_000_000));
        let at = |ms: u64| slow.eweight(10, SimTime(5_000_000), SimTime(5_000_000 + ms * 1_000_000));
        assert_eq!([at(0), at(999), at(1_000), at(4_500), at(7_999), at(8_000), at(90_000)], [10, 10, 30, 90, 150, 160, 160]);
        assert_eq!(slow.max_conn(50, SimTime::ZERO, SimTime(2_000_000_000)), 12);
        assert!(!slow.is_over(SimTime::ZERO, SimTime(7_999_000_000)) && slow.is_over(SimTime::ZERO, SimTime(8_000_000_000)));
    }
}
