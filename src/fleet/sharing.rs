//! Processor sharing: each of n requests gets min(workers, n) ÷ n of a worker.
//!
//! All requests present get the same service at the same time, so one number is enough for all of them: how much service each has had
//! since the backend was last idle. A request is done when that number has grown by its work. It is kept in units of 2^-32 ns, so that
//! the remainders of dividing by n do not add up to anything: below a nanosecond after four thousand million events.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

const FRACTION: u32 = 32;
/// What the remainders of a million divisions may have lost, a four-thousandth of a nanosecond: not worth waiting a nanosecond for.
const SLACK: u128 = 1 << 20;

/// The requests being served together at one backend.
#[derive(Clone, Debug, Default)]
pub(super) struct Sharing {
    /// Service that each present request has had since the backend was idle, in 2^-32 ns, as of `last`.
    had: u128,
    last: u64,
    /// (service at which it is done, order of coming, attempt).
    jobs: BinaryHeap<Reverse<(u128, u64, u32)>>,
    came: u64,
}

impl Sharing {
    /// How many are being served.
    pub(super) fn len(&self) -> u32 {
        self.jobs.len() as u32
    }

    /// Service goes on until `now`.
    fn advance(&mut self, now: u64, workers: u32) {
        let n = self.len();
        if n > 0 {
            let given = u128::from(now - self.last) << FRACTION;
            self.had += if n <= workers { given } else { given * u128::from(workers) / u128::from(n) };
        }
        self.last = now;
    }

    /// A request with so much service to get joins.
    pub(super) fn join(&mut self, attempt: u32, service: u64, now: u64, workers: u32) {
        self.advance(now, workers);
        if self.jobs.is_empty() {
            self.had = 0;
        }
        self.jobs.push(Reverse((self.had + (u128::from(service) << FRACTION), self.came, attempt)));
        self.came += 1;
    }

    /// The request that is done first leaves.
    pub(super) fn leave(&mut self, now: u64, workers: u32) -> u32 {
        self.advance(now, workers);
        let Reverse((_, _, attempt)) = self.jobs.pop().expect("somebody is served where a completion was due");
        attempt
    }

    /// When the next is done, if nobody joins before: rounded up to a whole nanosecond.
    pub(super) fn next_done(&self, workers: u32) -> u64 {
        let Some(Reverse((due, _, _))) = self.jobs.peek() else { return u64::MAX };
        let n = self.len();
        let left = due.saturating_sub(self.had);
        let time = if n <= workers { left } else { (left * u128::from(n)).div_ceil(u128::from(workers)) };
        let whole = (time.saturating_sub(SLACK) + (1 << FRACTION) - 1) >> FRACTION;
        self.last.saturating_add(u64::try_from(whole).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_share_one_worker_equally() {
        // 30 ns alone for 10 ns, then shared: 20 left at half speed. The second, 10 ns, is done at 10 + 20; the first at 40.
        let mut sharing = Sharing::default();
        sharing.join(1, 30, 0, 1);
        sharing.join(2, 10, 10, 1);
        assert_eq!(sharing.next_done(1), 30);
        assert_eq!(sharing.leave(30, 1), 2);
        assert_eq!(sharing.next_done(1), 40);
        assert_eq!(sharing.leave(40, 1), 1);
        assert_eq!(sharing.next_done(1), u64::MAX);
    }

    #[test]
    fn with_enough_workers_nobody_slows_anybody() {
        let mut sharing = Sharing::default();
        sharing.join(1, 30, 0, 2);
        sharing.join(2, 10, 10, 2);
        assert_eq!((sharing.next_done(2), sharing.leave(20, 2)), (20, 2));
        assert_eq!(sharing.next_done(2), 30);
    }

    #[test]
    fn thirds_do_not_lose_time() {
        let mut sharing = Sharing::default();
        (0..3).for_each(|attempt| sharing.join(attempt, 1_000_000, 0, 1));
        // Looked at at every odd moment, it is still done at 3 ms.
        (1..1_000).for_each(|step| sharing.advance(step * 2_999, 1));
        assert_eq!(sharing.next_done(1), 3_000_000);
        assert_eq!((0..3).map(|_| sharing.leave(3_000_000, 1)).collect::<Vec<_>>(), [0, 1, 2]);
    }
}
