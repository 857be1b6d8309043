//! Retry budgets: how many requests may be sent again, so that retries do not finish off what is already failing.
//!
//! Five ideas. **A share of what is in flight** ([`Share`], Envoy): so many percent of the requests under way may be retries. **Tokens that
//! failures use up** ([`Throttle`], gRPC): a failure costs 1, a success brings back a little, and below half of the tokens nothing is sent again. **A bucket that requests fill**
//! ([`Bucket`], Finagle and tower): each request brings what a fraction of a retry costs, for some seconds, on top of a reserve for those
//! that send little. **Tokens that requests bring and retries cost** ([`Capped`]): full at first, and nothing expires. **Only while little fails**
//! ([`Below`]): no limit below a share of failed attempts, and nothing from there on.

use crate::time::{SimTime, Span};

/// Envoy's: a share of the requests under way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// How many percent of the requests may be retries.
    pub percent: f64,
    /// So many are always allowed.
    pub at_least: u64,
}

impl Share {
    /// How many retries there may be at once, with so many requests in flight and waiting.
    #[must_use]
    pub fn limit(&self, in_flight: u64, waiting: u64) -> u64 {
        let share = self.percent / 100.0 * (in_flight + waiting) as f64;
        (share as u64).max(self.at_least)
    }
}

/// gRPC's: tokens that failures use up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Throttle {
    most: f64,
    ratio: f64,
    tokens: f64,
}

impl Throttle {
    /// Full of tokens; of the ratio, three decimals count.
    #[must_use]
    pub fn new(most: f64, ratio: f64) -> Self {
        // The ratio is written in decimal: what is within rounding of the third decimal is meant to be it.
        Self { most, ratio: (ratio * 1000.0 + 1e-6).floor() / 1000.0, tokens: most }
    }

    /// A request has been answered.
    pub fn succeeded(&mut self) {
        self.tokens = (self.tokens + self.ratio).min(self.most);
    }

    /// A request has failed in a way that a retry might mend.
    pub fn failed(&mut self) {
        self.tokens = (self.tokens - 1.0).max(0.0);
    }

    /// Whether anything may be sent again.
    #[must_use]
    pub fn allows(&self) -> bool {
        self.tokens > self.most / 2.0
    }

    /// What is left.
    #[must_use]
    pub fn tokens(&self) -> f64 {
        self.tokens
    }
}

/// In how many parts the life of a deposit is counted: it ends with the part it was made in.
const SLOTS: u64 = 10;

/// Finagle's and tower's: a bucket that requests fill and retries empty. Withdrawals expire as deposits do.
#[derive(Clone, Debug)]
pub struct Bucket {
    deposit: i64,
    withdrawal: i64,
    reserve: i64,
    slot: Span,
    /// Balances of the last slots, by number modulo their count.
    slots: [i64; SLOTS as usize],
    at: u64,
}

impl Bucket {
    /// Finagle's: of `percent` (a fraction) of the requests, and so many a second on top.
    #[must_use]
    pub fn finagle(life: Span, per_second: f64, percent: f64) -> Self {
        let (deposit, withdrawal) = if percent == 0.0 { (0, 1) } else { (1000, (1000.0 / percent) as i64) };
        Self::new(life, per_second, deposit, withdrawal)
    }

    /// tower's, which computes the fraction in 32 bits.
    #[must_use]
    pub fn tower(life: Span, per_second: f64, percent: f32) -> Self {
        let (deposit, withdrawal) = match percent {
            0.0 => (0, 1),
            percent if percent <= 1.0 => (1, (1.0 / percent) as i64),
            percent => (1000, (1000.0 / percent) as i64),
        };
        Self::new(life, per_second, deposit, withdrawal)
    }

    fn new(life: Span, per_second: f64, deposit: i64, withdrawal: i64) -> Self {
        let reserve = (per_second * life.as_secs_f64()) as i64 * withdrawal;
        Self { deposit, withdrawal, reserve, slot: Span((life.0 / SLOTS).max(1)), slots: [0; SLOTS as usize], at: 0 }
    }

    /// A request has been sent for the first time.
    pub fn deposit(&mut self, now: SimTime) {
        self.expire(now);
        self.slots[(self.at % SLOTS) as usize] += self.deposit;
    }

    /// Pays for a retry, if there is enough.
    pub fn withdraw(&mut self, now: SimTime) -> bool {
        self.expire(now);
        let is_enough = self.tokens() >= self.withdrawal;
        if is_enough {
            self.slots[(self.at % SLOTS) as usize] -= self.withdrawal;
        }
        is_enough
    }

    /// How many retries there is enough for.
    #[must_use]
    pub fn balance(&self) -> i64 {
        self.tokens().div_euclid(self.withdrawal)
    }

    /// What a request brings, what a retry costs, and the reserve.
    #[must_use]
    pub fn amounts(&self) -> (i64, i64, i64) {
        (self.deposit, self.withdrawal, self.reserve)
    }

    fn tokens(&self) -> i64 {
        self.reserve + self.slots.iter().sum::<i64>()
    }

    fn expire(&mut self, now: SimTime) {
        let at = now.0 / self.slot.0;
        (self.at + 1..=at).take(SLOTS as usize).for_each(|slot| self.slots[(slot % SLOTS) as usize] = 0);
        if at > self.at + SLOTS {
            self.slots.fill(0);
        }
        self.at = self.at.max(at);
    }
}

/// Tokens that requests bring and retries cost, with a cap (M. Brooker, *Fixing retries with token buckets and circuit breakers*, 2022).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Capped {
    cap: f64,
    ratio: f64,
    tokens: f64,
}

/// What a sum of ratios may lack of a whole token by rounding.
const ROUNDING: f64 = 1e-9;

impl Capped {
    /// Full of tokens.
    #[must_use]
    pub fn new(cap: f64, ratio: f64) -> Self {
        Self { cap, ratio, tokens: cap }
    }

    /// A request has been sent for the first time.
    pub fn deposit(&mut self) {
        self.tokens = (self.tokens + self.ratio).min(self.cap);
    }

    /// Pays for a retry, if there is a whole token.
    pub fn withdraw(&mut self) -> bool {
        let is_enough = self.tokens >= 1.0 - ROUNDING;
        if is_enough {
            self.tokens = (self.tokens - 1.0).max(0.0);
        }
        is_enough
    }
}

/// Retries only while little fails: a breaker for retries alone, which never keeps a first attempt from being sent.
#[derive(Clone, Debug)]
pub struct Below {
    failures: f64,
    slot: Span,
    /// Attempts and failed ones of the last slots, by number modulo their count.
    slots: [(u64, u64); SLOTS as usize],
    at: u64,
}

impl Below {
    /// Nothing has been sent yet.
    #[must_use]
    pub fn new(failures: f64, window: Span) -> Self {
        Self { failures, slot: Span((window.0 / SLOTS).max(1)), slots: [(0, 0); SLOTS as usize], at: 0 }
    }

    /// An attempt has ended.
    pub fn ended(&mut self, failed: bool, now: SimTime) {
        self.expire(now);
        let (attempts, failures) = &mut self.slots[(self.at % SLOTS) as usize];
        *attempts += 1;
        *failures += u64::from(failed);
    }

    /// Whether anything may be sent again.
    pub fn allows(&mut self, now: SimTime) -> bool {
        self.expire(now);
        let (attempts, failures) = self.slots.iter().fold((0, 0), |sum, slot| (sum.0 + slot.0, sum.1 + slot.1));
        (failures as f64) < self.failures * attempts as f64 || failures == 0
    }

    fn expire(&mut self, now: SimTime) {
        let at = now.0 / self.slot.0;
        (self.at + 1..=at).take(SLOTS as usize).for_each(|slot| self.slots[(slot % SLOTS) as usize] = (0, 0));
        if at > self.at + SLOTS {
            self.slots.fill((0, 0));
        }
        self.at = self.at.max(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_share_has_a_floor() {
        let share = Share { percent: 20.0, at_least: 3 };
        assert_eq!([share.limit(0, 0), share.limit(14, 0), share.limit(90, 10)], [3, 3, 20]);
    }

    #[test]
    fn a_throttle_closes_at_half() {
        let mut throttle = Throttle::new(4.0, 0.5);
        throttle.failed();
        assert!(throttle.allows());
        throttle.failed();
        assert!(!throttle.allows());
        throttle.succeeded();
        assert!(throttle.allows() && throttle.tokens() == 2.5);
        assert_eq!(Throttle::new(4.0, 0.2589).ratio, 0.258);
    }

    #[test]
    fn deposits_pay_for_retries_until_they_expire() {
        let mut bucket = Bucket::finagle(Span(10 * SECOND), 0.0, 0.5);
        assert!(!bucket.withdraw(SimTime(0)));
        (0..4).for_each(|_| bucket.deposit(SimTime(0)));
        assert!(bucket.withdraw(SimTime(9 * SECOND)) && bucket.balance() == 1);
        // The deposits of 4000 have expired, the withdrawal of 2000 at nine seconds has not.
        assert!(!bucket.withdraw(SimTime(10 * SECOND)) && bucket.balance() == -1);
        assert!(!bucket.withdraw(SimTime(99 * SECOND)) && bucket.balance() == 0);
    }

    #[test]
    fn a_cap_is_a_start_and_a_limit() {
        let mut capped = Capped::new(2.0, 0.1);
        capped.deposit();
        assert!(capped.withdraw() && capped.withdraw() && !capped.withdraw());
        (0..9).for_each(|_| capped.deposit());
        assert!(!capped.withdraw());
        // Ten tenths are a whole, whatever they add up to.
        capped.deposit();
        assert!(capped.withdraw() && !capped.withdraw());
    }

    #[test]
    fn nothing_is_sent_again_from_a_share_of_failures_on() {
        let mut below = Below::new(0.1, Span(10 * SECOND));
        assert!(below.allows(SimTime(0)));
        (0..10).for_each(|n| below.ended(n == 0, SimTime(0)));
        assert!(!below.allows(SimTime(0)));
        below.ended(false, SimTime(SECOND));
        assert!(below.allows(SimTime(SECOND)));
        // At ten seconds only the success of the first second is left.
        below.ended(true, SimTime(10 * SECOND));
        assert!(!below.allows(SimTime(10 * SECOND)) && below.allows(SimTime(99 * SECOND)));
    }

    #[test]
    fn a_reserve_is_never_used_up_for_long() {
        let mut bucket = Bucket::tower(Span(SECOND), 1.0, 0.25);
        assert_eq!(bucket.amounts(), (1, 4, 4));
        assert!(bucket.withdraw(SimTime(0)) && !bucket.withdraw(SimTime(SECOND / 2)) && bucket.withdraw(SimTime(SECOND)));
    }
}
