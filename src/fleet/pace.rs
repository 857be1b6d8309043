//! How fast a backend goes: its speed as a factor of its group's, and the time for which it stood still.
//!
//! Two conversions. *Active* time is time without pauses: what is to be done at an active instant moves by itself while the backend is paused. *Work left*
//! is counted in 2^-52 ns at the group's speed, and a factor is a whole number of 2^-52: so the work that a time does is an exact product, a change of
//! speed loses nothing, and a speed that is set back brings everything back to where it was.

const FRACTION: u32 = 52;
const ONE: u128 = 1 << FRACTION;

/// The pace of one backend.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Work per active time.
    rate: u128,
    /// Since when it is paused; `u64::MAX` if it is not.
    paused_at: u64,
    /// How long it stood still until it was last resumed.
    stood: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { rate: ONE, paused_at: u64::MAX, stood: 0 }
    }
}

/// A service that is still to be had, in units of work left.
#[inline]
pub(super) fn left(service: u64) -> u128 {
    u128::from(service) << FRACTION
}

impl Pace {
    /// Goes on at the group's speed times a factor: from 2^-52 to 2^20, which what is beyond is taken for.
    pub(super) fn set_factor(&mut self, factor: f64) {
        const HIGHEST: u128 = 1 << (FRACTION + 20);
        self.rate = ((factor * ONE as f64 + 0.5) as u128).clamp(1, HIGHEST);
    }

    /// Whether it goes at its group's speed.
    #[inline]
    pub(super) fn is_nominal(&self) -> bool {
        self.rate == ONE
    }

    #[inline]
    pub(super) fn is_paused(&self) -> bool {
        self.paused_at != u64::MAX
    }

    pub(super) fn pause(&mut self, now: u64) {
        self.paused_at = self.paused_at.min(now);
    }

    pub(super) fn resume(&mut self, now: u64) {
        if self.is_paused() {
            self.stood += now - self.paused_at;
            self.paused_at = u64::MAX;
        }
    }

    /// Active time at an instant.
    #[inline]
    pub(super) fn active(&self, now: u64) -> u64 {
        now.min(self.paused_at) - self.stood
    }

    /// When it will be so much active time: not before it is resumed.
    #[inline]
    pub(super) fn instant(&self, active: u64) -> u64 {
        if self.is_paused() { u64::MAX } else { active.saturating_add(self.stood) }
    }

    /// The work that is done in so much active time.
    #[inline]
    pub(super) fn work(&self, active: u64) -> u128 {
        u128::from(active).saturating_mul(self.rate)
    }

    /// How long work takes, to the nearest nanosecond.
    #[inline]
    pub(super) fn time(&self, left: u128) -> u64 {
        let rounded = left.saturating_add(self.rate / 2);
        let time = if self.is_nominal() { rounded >> FRACTION } else { rounded / self.rate };
        u64::try_from(time).unwrap_or(u64::MAX)
    }

    /// How long a service takes, to the nearest nanosecond.
    #[inline]
    pub(super) fn time_of(&self, service: u64) -> u64 {
        if self.is_nominal() { service } else { self.time(left(service)) }
    }

    /// How long work takes, in whole nanoseconds after which it is surely done.
    #[inline]
    pub(super) fn time_up(&self, left: u128) -> u128 {
        if self.is_nominal() { left.saturating_add(ONE - 1) >> FRACTION } else { left.div_ceil(self.rate) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_stretches_time_and_one_is_exact() {
        let mut pace = Pace::default();
        assert_eq!((pace.time_of(7), pace.time_of(u64::MAX), pace.work(3)), (7, u64::MAX, left(3)));
        pace.set_factor(0.5);
        assert_eq!((pace.time_of(7), pace.work(14), pace.time_of(u64::MAX)), (14, left(7), u64::MAX));
        pace.set_factor(2.0);
        assert_eq!((pace.time_of(7), pace.time_up(left(7)), pace.time(left(7) / 7)), (4, 4, 1));
        // A third of 10^12 ns: to the nanosecond what a division says.
        pace.set_factor(1.0 / 3.0);
        assert_eq!(pace.time_of(1_000_000_000_000), 3_000_000_000_000);
        pace.set_factor(0.0);
        assert_eq!(pace.time_of(1), 1 << 52);
    }

    #[test]
    fn a_pause_is_no_time() {
        let mut pace = Pace::default();
        pace.pause(10);
        assert_eq!((pace.active(10), pace.active(25), pace.instant(12)), (10, 10, u64::MAX));
        pace.resume(30);
        assert_eq!((pace.active(30), pace.active(35), pace.instant(12)), (10, 15, 32));
        pace.resume(40);
        assert_eq!(pace.active(40), 20);
    }
}
