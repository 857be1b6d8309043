//! Processor sharing: each of n requests gets min(workers, n) ÷ n of a worker.
//!
//! All requests present get the same service at the same time, so one number is enough for all of them: how much service each has had
//! since the backend was last idle. A request is done when that number has grown by its work. It is kept in units of 2^-32 ns, so that
//! the remainders of dividing by n do not add up to anything: below a nanosecond after four thousand million events. A second such number counts
//! worker-time, which is another thing while the backend goes at another speed than its group.
//!
//! Time is active time, without pauses.

use super::order::Order;
use super::pace::Pace;

const FRACTION: u32 = 32;
/// What the remainders of a million divisions may have lost, a four-thousandth of a nanosecond: not worth waiting a nanosecond for.
const SLACK: u128 = 1 << 20;
/// From here to the units of work of [`Pace`].
const FINER: u32 = 20;

/// The requests being served together at one backend.
#[derive(Clone, Debug)]
pub(super) struct Sharing {
    workers: u32,
    /// Service that each present request has had since the backend was idle, in 2^-32 ns, as of `last`; and worker-time, likewise.
    had: u128,
    spent: u128,
    last: u64,
    /// By (service at which it is done, order of coming).
    jobs: Order<(u128, u64), Job>,
    /// How often somebody came or went or the speed changed: each time, sums of whole nanoseconds may be off by one more.
    changes: u64,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    pub(super) attempt: u32,
    /// When it came: `had` and `spent` as they were.
    had: u128,
    spent: u128,
}

/// What somebody who leaves has had, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) attempt: u32,
    /// Worker-time.
    pub(super) spent: u64,
    /// How long what it has not had would take a worker.
    pub(super) missing: u64,
}

impl Sharing {
    pub(super) fn new(workers: u32) -> Self {
        Self { workers, had: 0, spent: 0, last: 0, jobs: Order::default(), changes: 0 }
    }

    /// How many are being served.
    #[inline]
    pub(super) fn len(&self) -> u32 {
        self.jobs.len() as u32
    }

    /// By how many nanoseconds sums may be off.
    pub(super) fn slack(&self) -> u64 {
        self.changes
    }

    /// Service goes on until `now`.
    fn advance(&mut self, now: u64, pace: &Pace) {
        let n = self.len();
        if n > 0 {
            let share = |given: u128| if n <= self.workers { given } else { given * u128::from(self.workers) / u128::from(n) };
            let passed = now - self.last;
            let spent = share(u128::from(passed) << FRACTION);
            self.spent += spent;
            self.had += if pace.is_nominal() { spent } else { share(pace.work(passed) >> FINER) };
        }
        self.last = now;
    }

    /// A request with so much service to get joins: its place.
    pub(super) fn join(&mut self, attempt: u32, service: u64, came: u64, now: u64, pace: &Pace) -> u32 {
        self.advance(now, pace);
        if self.jobs.is_empty() {
            (self.had, self.spent) = (0, 0);
        }
        self.changes += 1;
        let due = self.had + (u128::from(service) << FRACTION);
        self.jobs.insert((due, came), Job { attempt, had: self.had, spent: self.spent })
    }

    /// The request that is done first leaves.
    pub(super) fn leave(&mut self, now: u64, pace: &Pace) -> Left {
        self.advance(now, pace);
        self.changes += 1;
        let ((due, _), job) = self.jobs.pop().expect("somebody is served where a completion was due");
        // It has what it asked for; that `had` may be a little off is a matter of rounding.
        self.left(job, due, due, pace)
    }

    /// Who is in a place, if anybody is.
    pub(super) fn get(&self, place: u32) -> Option<u32> {
        self.jobs.get(place).map(|job| job.attempt)
    }

    /// Who is in a place leaves, done or not.
    pub(super) fn remove(&mut self, place: u32, now: u64, pace: &Pace) -> Left {
        self.advance(now, pace);
        self.changes += 1;
        let ((due, _), job) = self.jobs.remove(place);
        self.left(job, due, self.had.min(due), pace)
    }

    /// One that is done at `due` has had what there was to be had at `had`.
    fn left(&self, job: Job, due: u128, had: u128, pace: &Pace) -> Left {
        let spent = self.spent - job.spent;
        let spent = if spent == self.had - job.had { had - job.had } else { spent };
        let whole = u64::try_from((spent + (1 << (FRACTION - 1))) >> FRACTION).unwrap_or(u64::MAX);
        Left { attempt: job.attempt, spent: whole, missing: pace.time((due - had) << FINER) }
    }

    /// Everybody, with the order of coming.
    pub(super) fn all(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        self.jobs.iter().map(|((_, came), job)| (came, job.attempt))
    }

    /// The speed changes from one to another: how much longer, modulo 2^64, a worker needs for all that is left.
    pub(super) fn change(&mut self, now: u64, from: &Pace, to: &Pace) -> u64 {
        self.advance(now, from);
        self.changes += 1;
        let left: u128 = self.jobs.iter().map(|((due, _), _)| due.saturating_sub(self.had)).fold(0, u128::saturating_add);
        let left = left.saturating_mul(1 << FINER);
        to.time(left).wrapping_sub(from.time(left))
    }

    /// The active time at which the next is done, if nobody joins before: rounded up to a whole nanosecond.
    pub(super) fn next_done(&self, pace: &Pace) -> u64 {
        let Some((due, _)) = self.jobs.first() else { return u64::MAX };
        let n = self.len();
        let left = due.saturating_sub(self.had);
        let time = if n <= self.workers { left } else { (left * u128::from(n)).div_ceil(u128::from(self.workers)) };
        let whole = pace.time_up(time.saturating_sub(SLACK).saturating_mul(1 << FINER));
        self.last.saturating_add(u64::try_from(whole).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: fn() -> Pace = Pace::default;

    #[test]
    fn two_share_one_worker_equally() {
        // 30 ns alone for 10 ns, then shared: 20 left at half speed. The second, 10 ns, is done at 10 + 20; the first at 40.
        let mut sharing = Sharing::new(1);
        sharing.join(1, 30, 0, 0, &PACE());
        sharing.join(2, 10, 1, 10, &PACE());
        assert_eq!(sharing.next_done(&PACE()), 30);
        assert_eq!(sharing.leave(30, &PACE()), Left { attempt: 2, spent: 10, missing: 0 });
        assert_eq!(sharing.next_done(&PACE()), 40);
        assert_eq!(sharing.leave(40, &PACE()).attempt, 1);
        assert_eq!(sharing.next_done(&PACE()), u64::MAX);
    }

    #[test]
    fn with_enough_workers_nobody_slows_anybody() {
        let mut sharing = Sharing::new(2);
        sharing.join(1, 30, 0, 0, &PACE());
        sharing.join(2, 10, 1, 10, &PACE());
        assert_eq!((sharing.next_done(&PACE()), sharing.leave(20, &PACE()).attempt), (20, 2));
        assert_eq!(sharing.next_done(&PACE()), 30);
    }

    #[test]
    fn thirds_do_not_lose_time() {
        let mut sharing = Sharing::new(1);
        (0..3).for_each(|attempt| _ = sharing.join(attempt, 1_000_000, attempt.into(), 0, &PACE()));
        // Looked at at every odd moment, it is still done at 3 ms.
        (1..1_000).for_each(|step| sharing.advance(step * 2_999, &PACE()));
        assert_eq!(sharing.next_done(&PACE()), 3_000_000);
        assert_eq!((0..3).map(|_| sharing.leave(3_000_000, &PACE()).attempt).collect::<Vec<_>>(), [0, 1, 2]);
    }

    #[test]
    fn who_leaves_early_leaves_the_rest_to_the_others() {
        // 30 and 30 from 0: at 20 each has had 10. One leaves with 20 missing; the other is done at 20 + 20.
        let mut sharing = Sharing::new(1);
        let first = sharing.join(1, 30, 0, 0, &PACE());
        sharing.join(2, 30, 1, 0, &PACE());
        assert_eq!(sharing.remove(first, 20, &PACE()), Left { attempt: 1, spent: 10, missing: 20 });
        assert_eq!(sharing.next_done(&PACE()), 40);
    }

    #[test]
    fn at_half_speed_the_rest_takes_twice_as_long_and_costs_twice_the_worker_time() {
        let mut half = PACE();
        half.set_factor(0.5);
        let mut sharing = Sharing::new(1);
        sharing.join(1, 30, 0, 0, &PACE());
        sharing.join(2, 20, 1, 0, &PACE());
        // At 20 each has had 10; 20 and 10 are left, 30 in all, which take 60.
        assert_eq!(sharing.change(20, &PACE(), &half), 30);
        assert_eq!(sharing.next_done(&half), 60);
        assert_eq!(sharing.leave(60, &half), Left { attempt: 2, spent: 30, missing: 0 });
        assert_eq!(sharing.next_done(&half), 80);
        assert_eq!(sharing.leave(80, &half), Left { attempt: 1, spent: 50, missing: 0 });
    }
}
