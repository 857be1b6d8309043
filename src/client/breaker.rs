//! Breakers: when a caller stops sending.
//!
//! **Limits** ([`Limit`], Envoy): no more than so many connections, waiting requests, requests or retries at once; what is over fails at
//! once. Looked at before, not reserved, so several threads can overshoot. **Consecutive failures** ([`ConsecutiveFailures`], Linkerd): after so many failures in a row a
//! backend gets nothing for a while, then exactly one request; its outcome opens the breaker or shuts it for twice as long.

use crate::time::{SimTime, Span};

/// A resource of which there is only so much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(
    /// How much.
    pub u64,
);

impl Limit {
    /// Whether one more may be taken with so many taken.
    #[must_use]
    pub fn allows(self, taken: u64) -> bool {
        taken < self.0
    }

    /// How many more may be.
    #[must_use]
    pub fn remaining(self, taken: u64) -> u64 {
        self.0.saturating_sub(taken)
    }
}

/// How long a breaker stays shut: from `least`, twice as long each time, to `most`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// The first time.
    pub least: Span,
    /// The longest.
    pub most: Span,
    /// How much may be added at random, as a part of the rest.
    pub jitter: f64,
}

impl Backoff {
    /// The time after `before` earlier ones, with a draw in [0, 1).
    #[must_use]
    pub fn after(&self, before: u32, draw: f64) -> Span {
        let doubled = self.least.0.saturating_mul(1_u64.checked_shl(before).unwrap_or(u64::MAX));
        let base = doubled.min(self.most.0);
        Span(base.saturating_add((base as f64 * self.jitter * draw) as u64).min(self.most.0.max(base)))
    }
}

/// What a breaker is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Everything goes, after so many failures in a row.
    Open {
        /// Failures in a row.
        failures: u32,
    },
    /// Nothing goes.
    Shut {
        /// Until when.
        until: SimTime,
        /// How often it was shut before since it was last open.
        before: u32,
    },
    /// One request is under way, to see.
    Probation {
        /// How often it was shut before since it was last open.
        before: u32,
    },
}

/// Linkerd's breaker of one backend.
#[derive(Clone, Copy, Debug)]
pub struct ConsecutiveFailures {
    limit: u32,
    backoff: Backoff,
    state: State,
}

impl ConsecutiveFailures {
    /// Open; shuts at so many failures in a row.
    #[must_use]
    pub fn new(limit: u32, backoff: Backoff) -> Self {
        Self { limit, backoff, state: State::Open { failures: 0 } }
    }

    /// What it is doing.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// Whether a request may go now; the one that ends a shut time is on probation.
    pub fn admit(&mut self, now: SimTime) -> bool {
        match self.state {
            State::Open { .. } => true,
            State::Shut { until, before } if until <= now => {
                self.state = State::Probation { before };
                true
            }
            State::Shut { .. } | State::Probation { .. } => false,
        }
    }

    /// A request has ended; what ends while it is shut does not count. The draw, in [0, 1), is for the jitter.
    pub fn ended(&mut self, ok: bool, now: SimTime, draw: f64) {
        let shut = |before| State::Shut { until: now + self.backoff.after(before, draw), before };
        self.state = match self.state {
            State::Open { .. } | State::Probation { .. } if ok => State::Open { failures: 0 },
            State::Open { failures } if failures + 1 < self.limit => State::Open { failures: failures + 1 },
            State::Open { .. } => shut(0),
            State::Probation { before } => shut(before + 1),
            shut @ State::Shut { .. } => shut,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_not_exceeded() {
        assert!(Limit(3).allows(2) && !Limit(3).allows(3) && !Limit(0).allows(0));
        assert_eq!([Limit(3).remaining(1), Limit(3).remaining(9)], [2, 0]);
    }

    #[test]
    fn it_stays_shut_twice_as_long_each_time_up_to_a_limit() {
        let backoff = Backoff { least: Span(2), most: Span(10), jitter: 0.5 };
        assert_eq!([0, 1, 2, 3, 99].map(|before| backoff.after(before, 0.0).0), [2, 4, 8, 10, 10]);
        assert_eq!((backoff.after(1, 0.9).0, backoff.after(2, 0.9).0), (5, 10));
    }

    #[test]
    fn after_a_shut_time_exactly_one_request_is_let_through() {
        let mut breaker = ConsecutiveFailures::new(2, Backoff { least: Span(10), most: Span(100), jitter: 0.0 });
        [false, true, false].into_iter().for_each(|ok| breaker.ended(ok, SimTime(0), 0.0));
        assert_eq!(breaker.state(), State::Open { failures: 1 });
        breaker.ended(false, SimTime(5), 0.0);
        assert!(!breaker.admit(SimTime(14)) && breaker.admit(SimTime(15)) && !breaker.admit(SimTime(15)));
        breaker.ended(false, SimTime(20), 0.0);
        breaker.ended(true, SimTime(21), 0.0);
        assert_eq!(breaker.state(), State::Shut { until: SimTime(40), before: 1 });
        assert!(breaker.admit(SimTime(40)));
        breaker.ended(true, SimTime(41), 0.0);
        assert_eq!(breaker.state(), State::Open { failures: 0 });
    }
}
