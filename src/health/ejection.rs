//! Ejection: how long an outlier gets nothing, and how many may be out at once.
//!
//! **How long.** The base time × how often it was ejected lately, up to a limit. The count goes down by one for each interval it behaves. **How many.** Envoy
//! asks whether one *more* would exceed the percentage, so 10% of 5 backends is nobody; gRPC asks whether the percentage *is* reached, so one can
//! always be. **When it ends.** Both look at intervals only: Envoy lets it back when the time has passed, gRPC when more than that has.

use crate::time::{SimTime, Span};

/// How many may be out at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AtOnce {
    /// Envoy's rule.
    Envoy {
        /// Of all backends.
        percent: f64,
        /// One may always be out, whatever the percentage.
        always_one: bool,
    },
    /// gRPC's rule.
    Grpc {
        /// Of all backends.
        percent: f64,
    },
}

impl AtOnce {
    /// Whether one more may be ejected, with so many out of all.
    #[must_use]
    pub fn allows(self, out: u64, all: u64) -> bool {
        let percent = |out: u64| 100.0 * out as f64 / all as f64;
        match self {
            Self::Envoy { always_one: true, .. } if out == 0 => true,
            Self::Envoy { percent: limit, .. } => percent(out + 1) <= limit.min(100.0),
            Self::Grpc { percent: limit } => percent(out) < limit,
        }
    }
}

/// Whose rules for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// Envoy: milliseconds matter not; the count stops rising once it changes nothing, and falls one whole interval after an ejection at the earliest.
    Envoy,
    /// gRPC: the count rises with every ejection and falls with every interval.
    Grpc,
}

/// How long ejections are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Times {
    /// Whose rules.
    pub product: Product,
    /// The first one.
    pub base: Span,
    /// The longest.
    pub most: Span,
    /// How often it is looked whether one is over.
    pub interval: Span,
}

/// One backend's ejections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ejections {
    count: u64,
    since: Option<SimTime>,
    jitter: Span,
    returned: Option<SimTime>,
}

impl Ejections {
    /// How often it was ejected lately.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether it is out.
    #[must_use]
    pub fn is_out(&self) -> bool {
        self.since.is_some()
    }

    /// How long the current one is at least.
    #[must_use]
    pub fn length(&self, times: &Times) -> Span {
        let most = match times.product {
            Product::Envoy => times.most,
            Product::Grpc => times.most.max(times.base),
        };
        Span(times.base.0.saturating_mul(self.count).min(most.0).saturating_add(self.jitter.0))
    }

    /// Ejects it, unless it is out already; `jitter` is added to the time. Says whether it did.
    pub fn eject(&mut self, now: SimTime, times: &Times, jitter: Span) -> bool {
        if self.is_out() {
            return false;
        }
        let is_counted = match times.product {
            Product::Envoy => self.count.saturating_mul(times.base.0) < times.most.0.saturating_add(times.base.0),
            Product::Grpc => true,
        };
        self.count += u64::from(is_counted);
        (self.since, self.jitter) = (Some(now), jitter);
        true
    }

    /// An interval has ended: lets it back if its time is over, and says whether it did.
    pub fn interval(&mut self, now: SimTime, times: &Times) -> bool {
        let Some(since) = self.since else {
            let is_quiet = times.product == Product::Grpc || self.returned.is_none_or(|returned| now.since(returned) >= times.interval);
            self.count -= u64::from(self.count > 0 && is_quiet);
            return false;
        };
        let (passed, length) = (now.since(since), self.length(times));
        let is_over = match times.product {
            Product::Envoy => passed >= length,
            Product::Grpc => passed > length,
        };
        if is_over {
            (self.since, self.returned) = (None, Some(now));
        }
        is_over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(product: Product) -> Times {
        Times { product, base: Span(30), most: Span(45), interval: Span(10) }
    }

    #[test]
    fn ten_percent_of_five_is_nobody_for_one_and_one_for_the_other() {
        let envoy = |always_one| AtOnce::Envoy { percent: 10.0, always_one };
        assert!(!envoy(false).allows(0, 5) && envoy(true).allows(0, 5) && !envoy(true).allows(1, 5));
        assert!(envoy(false).allows(0, 10) && !envoy(false).allows(1, 10));
        let grpc = AtOnce::Grpc { percent: 10.0 };
        assert!(grpc.allows(0, 5) && !grpc.allows(1, 5) && !AtOnce::Grpc { percent: 0.0 }.allows(0, 5));
    }

    #[test]
    fn the_second_is_longer_up_to_a_limit() {
        let times = times(Product::Envoy);
        let mut backend = Ejections::default();
        let lengths = [0, 100, 200].map(|at| {
            backend.eject(SimTime(at), &times, Span::ZERO);
            let length = backend.length(&times).0;
            assert!(!backend.eject(SimTime(at + 1), &times, Span::ZERO) && !backend.interval(SimTime(at + 20), &times));
            assert!(backend.interval(SimTime(at + 50), &times));
            length
        });
        assert_eq!((lengths, backend.count()), ([30, 45, 45], 3));
        assert!(!backend.interval(SimTime(255), &times) && backend.count() == 3);
        assert!(!backend.interval(SimTime(260), &times) && backend.count() == 2);
    }

    #[test]
    fn one_lets_back_in_time_and_the_other_after_it() {
        let returns = |product| {
            let mut backend = Ejections::default();
            backend.eject(SimTime(0), &times(product), Span::ZERO);
            (1..).find(|at| backend.interval(SimTime(at * 10), &times(product)))
        };
        assert_eq!((returns(Product::Envoy), returns(Product::Grpc)), (Some(3), Some(4)));
    }
}
