//! The callers that share one balancer: their rules, and what each balancer instance remembers for them.
//!
//! Timeouts, pauses and hedges are drawn as functions of (request, attempt); what depends on what happened before (budgets, throttling, running percentiles)
//! is kept for each instance apart.

use crate::client::budget::{Below, Bucket, Capped, Share, Throttle};
use crate::client::{Backoff, Budget, Caller, HedgeAfter, Jitter};
use crate::dist::{Dist, Sampler};
use crate::measure::record::Failure;
use crate::random::{Numbered, mix, unit};
use crate::time::{SimTime, Span, round_ns};

/// The callers of one service, through one balancer.
#[derive(Debug)]
pub(super) struct Callers {
    pub(super) rules: Caller,
    pub(super) timeout: Delay,
    pub(super) attempt_timeout: Delay,
    pub(super) patience: Delay,
    backoff: Option<Sampler>,
    hedge: Delay,
    stream: Numbered,
    instances: Vec<Memory>,
}

/// A delay that may be drawn.
#[derive(Debug)]
pub(super) enum Delay {
    /// There is none.
    Never,
    /// Always the same.
    Fixed(u64),
    /// Drawn.
    Drawn(Sampler),
}

impl Delay {
    fn new(dist: Option<&Dist>) -> Self {
        match dist {
            None => Self::Never,
            Some(Dist::Constant(value)) => Self::Fixed(round_ns(*value)),
            Some(dist) => Self::Drawn(Sampler::new(dist)),
        }
    }

    fn of(&self, stream: &Numbered, draw: u64) -> Option<u64> {
        match self {
            Self::Never => None,
            Self::Fixed(delay) => Some(*delay),
            Self::Drawn(sampler) => Some(round_ns(sampler.sample(stream, draw))),
        }
    }
}

/// What is drawn for a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Draw {
    Timeout = 0,
    AttemptTimeout = 1,
    Patience = 2,
    Backoff = 3,
    Hedge = 4,
    Throttle = 5,
}

/// What one balancer instance remembers.
#[derive(Debug)]
struct Memory {
    budget: Purse,
    /// Retries under way.
    retrying: u32,
    throttling: Option<Window>,
    percentile: Option<Percentile>,
}

/// What pays for retries.
#[derive(Debug)]
enum Purse {
    Unlimited,
    Bucket(Box<Bucket>),
    Share(Share),
    Tokens(Throttle),
    Capped(Capped),
    Below(Box<Below>),
}

impl Purse {
    fn new(budget: Option<Budget>) -> Self {
        match budget {
            None => Self::Unlimited,
            Some(Budget::Bucket { ratio, min_per_second, window }) => {
                Self::Bucket(Box::new(Bucket::finagle(window, min_per_second, ratio)))
            }
            Some(Budget::Share { share, at_least }) => Self::Share(Share { percent: share * 100.0, at_least: u64::from(at_least) }),
            Some(Budget::Tokens { tokens, ratio }) => Self::Tokens(Throttle::new(tokens, ratio)),
            Some(Budget::Capped { ratio, cap }) => Self::Capped(Capped::new(cap, ratio)),
            Some(Budget::Below { failures, window }) => Self::Below(Box::new(Below::new(failures, window))),
        }
    }

    /// A request has been sent for the first time.
    fn deposit(&mut self, now: SimTime) {
        match self {
            Self::Bucket(bucket) => bucket.deposit(now),
            Self::Capped(capped) => capped.deposit(),
            Self::Unlimited | Self::Share(_) | Self::Tokens(_) | Self::Below(_) => {}
        }
    }

    /// An attempt has ended.
    fn ended(&mut self, failed: bool, now: SimTime) {
        match self {
            Self::Tokens(throttle) if failed => throttle.failed(),
            Self::Tokens(throttle) => throttle.succeeded(),
            Self::Below(below) => below.ended(failed, now),
            Self::Unlimited | Self::Share(_) | Self::Bucket(_) | Self::Capped(_) => {}
        }
    }

    /// Whether there may be another retry beside those under way; if so, it is paid for.
    fn pay(&mut self, retrying: u32, asked: &Asked) -> bool {
        match self {
            Self::Unlimited => true,
            Self::Bucket(bucket) => bucket.withdraw(SimTime(asked.now)),
            Self::Share(share) => u64::from(retrying) < share.limit(asked.in_flight, 0),
            Self::Tokens(throttle) => throttle.allows(),
            Self::Capped(capped) => capped.withdraw(),
            Self::Below(below) => below.allows(SimTime(asked.now)),
        }
    }
}

impl Callers {
    pub(super) fn new(rules: &Caller, instances: usize, seed: u64) -> Self {
        let retry = rules.retry.as_ref();
        let backoff = retry.and_then(|retry| match &retry.backoff {
            Backoff::Drawn(dist) => Some(Sampler::new(dist)),
            Backoff::Growing { .. } => None,
        });
        let percentile = rules.hedge.as_ref().and_then(|hedge| match hedge.after {
            HedgeAfter::Percentile(share) => Some(share),
            HedgeAfter::Delay(_) => None,
        });
        let hedge = rules.hedge.as_ref().and_then(|hedge| match &hedge.after {
            HedgeAfter::Delay(dist) => Some(dist),
            HedgeAfter::Percentile(_) => None,
        });
        let memory = || Memory {
            budget: Purse::new(retry.and_then(|retry| retry.budget)),
            retrying: 0,
            throttling: rules.throttle.map(|throttle| Window::new(throttle.window)),
            percentile: percentile.map(Percentile::new),
        };
        Self {
            timeout: Delay::new(rules.timeout.as_ref()),
            attempt_timeout: Delay::new(rules.attempt_timeout.as_ref()),
            patience: Delay::new(rules.patience.as_ref()),
            backoff,
            hedge: Delay::new(hedge),
            stream: Numbered::new(seed),
            instances: (0..instances).map(|_| memory()).collect(),
            rules: rules.clone(),
        }
    }

    /// What is drawn by, for an attempt of a request.
    fn draw(number: u64, attempt: u32, what: Draw) -> u64 {
        mix(number ^ (u64::from(attempt) << 48)).wrapping_mul(8) | what as u64
    }

    /// How long the whole request may take.
    pub(super) fn timeout(&self, number: u64) -> Option<u64> {
        self.timeout.of(&self.stream, Self::draw(number, 0, Draw::Timeout))
    }

    /// How long an attempt may take.
    pub(super) fn attempt_timeout(&self, number: u64, attempt: u32) -> Option<u64> {
        self.attempt_timeout.of(&self.stream, Self::draw(number, attempt, Draw::AttemptTimeout))
    }

    /// How long an attempt may wait.
    pub(super) fn patience(&self, number: u64, attempt: u32) -> Option<u64> {
        self.patience.of(&self.stream, Self::draw(number, attempt, Draw::Patience))
    }

    /// After how long the next hedge is sent, where so many have been.
    pub(super) fn hedge(&self, instance: u32, number: u64, hedges: u32) -> Option<u64> {
        let hedge = self.rules.hedge.as_ref()?;
        if hedges >= hedge.max {
            return None;
        }
        match &self.instances[instance as usize].percentile {
            Some(percentile) => percentile.value(),
            None => self.hedge.of(&self.stream, Self::draw(number, hedges, Draw::Hedge)),
        }
    }

    /// Whether a retry avoids backends that have been tried.
    pub(super) fn avoids_tried(&self) -> bool {
        self.rules.retry.as_ref().is_some_and(|retry| retry.avoid_tried)
    }

    /// Whether the budget asks for what is in flight.
    pub(super) fn counts_in_flight(&self) -> bool {
        self.rules.retry.as_ref().is_some_and(|retry| matches!(retry.budget, Some(Budget::Share { .. })))
    }

    /// Whether hedges are ever sent.
    pub(super) fn hedges(&self) -> bool {
        self.rules.hedge.is_some()
    }

    /// A request is made: whether its own caller lets it go.
    pub(super) fn admit(&mut self, instance: u32, number: u64, now: u64) -> bool {
        let memory = &mut self.instances[instance as usize];
        memory.budget.deposit(SimTime(now));
        let (Some(window), Some(throttle)) = (&mut memory.throttling, self.rules.throttle) else { return true };
        let refusing = window.refusing(throttle.k, now);
        window.request(now);
        refusing <= 0.0 || unit(self.stream.bits(Self::draw(number, 0, Draw::Throttle))) >= refusing
    }

    /// An attempt has ended for its instance.
    pub(super) fn ended(&mut self, instance: u32, failed: Option<Failure>, latency: u64, now: u64) {
        let memory = &mut self.instances[instance as usize];
        memory.budget.ended(failed.is_some(), SimTime(now));
        if failed.is_none() {
            if let Some(window) = &mut memory.throttling {
                window.accept(now);
            }
            if let Some(percentile) = &mut memory.percentile {
                percentile.add(latency);
            }
        }
    }

    /// Whether a failed request is tried again, and after what pause; a retry that is allowed is paid for.
    pub(super) fn retry(&mut self, instance: u32, asked: &Asked) -> Option<u64> {
        let retry = self.rules.retry.as_ref()?;
        let on = retry.on;
        let is_wanted = match asked.cause {
            Failure::Timeout => on.timeout,
            Failure::Refused => on.refused,
            Failure::Error => on.error,
            Failure::Crashed => on.crashed,
            Failure::NoBackend => on.no_backend,
            Failure::Shed => on.shed,
        };
        if !is_wanted || retry.max.is_some_and(|max| asked.retries >= max) {
            return None;
        }
        let memory = &mut self.instances[instance as usize];
        if self.rules.breaker.max_retries.is_some_and(|most| memory.retrying >= most) {
            return None;
        }
        memory.budget.pay(memory.retrying, asked).then(|| self.pause(asked))
    }

    /// The pause before a retry.
    fn pause(&self, asked: &Asked) -> u64 {
        let draw = Self::draw(asked.number, asked.retries, Draw::Backoff);
        if let Some(sampler) = &self.backoff {
            return round_ns(sampler.sample(&self.stream, draw));
        }
        match self.rules.retry.as_ref().map(|retry| &retry.backoff) {
            Some(Backoff::Growing { base, factor, max, jitter }) => {
                grown(*base, *factor, *max, *jitter, asked, || unit(self.stream.bits(draw)))
            }
            _ => 0,
        }
    }

    /// A retry of an instance begins, or its request is over.
    pub(super) fn retrying(&mut self, instance: u32, begins: bool) {
        let count = &mut self.instances[instance as usize].retrying;
        *count = if begins { *count + 1 } else { *count - 1 };
    }
}

/// What is asked about a failed request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) number: u64,
    pub(super) cause: Failure,
    pub(super) retries: u32,
    /// The pause before the last retry.
    pub(super) pause: u64,
    /// Attempts that the instance has out.
    pub(super) in_flight: u64,
    pub(super) now: u64,
}

/// A pause that grows: the bound is base × factor^retries, at most `max`, and the jitter says what becomes of it.
fn grown(base: Span, factor: f64, max: Option<Span>, jitter: Jitter, asked: &Asked, chance: impl Fn() -> f64) -> u64 {
    let most = max.map_or(u64::MAX, |max| max.0);
    let power = (0..asked.retries.min(1000)).fold(1.0, |power: f64, _| (power * factor).min(1e30));
    let bound = round_ns(base.0 as f64 * power).min(most);
    match jitter {
        Jitter::None => bound,
        Jitter::Full => round_ns(bound as f64 * chance()),
        Jitter::Equal => bound / 2 + round_ns((bound - bound / 2) as f64 * chance()),
        Jitter::Decorrelated => {
            let before = if asked.retries == 0 { base.0 } else { asked.pause };
            let top = before.saturating_mul(3).max(base.0);
            (base.0 + round_ns((top - base.0) as f64 * chance())).min(most)
        }
    }
}

/// Requests and accepts of the last while, in slices of a tenth of it.
#[derive(Debug)]
struct Window {
    slice: u64,
    slices: [(u64, u64); SLICES as usize],
    at: u64,
}

const SLICES: u64 = 10;

impl Window {
    fn new(length: Span) -> Self {
        Self { slice: (length.0 / SLICES).max(1), slices: [(0, 0); SLICES as usize], at: 0 }
    }

    fn advance(&mut self, now: u64) -> &mut (u64, u64) {
        let at = now / self.slice;
        (self.at + 1..=at).take(SLICES as usize).for_each(|slice| self.slices[(slice % SLICES) as usize] = (0, 0));
        if at > self.at + SLICES {
            self.slices.fill((0, 0));
        }
        self.at = self.at.max(at);
        &mut self.slices[(self.at % SLICES) as usize]
    }

    fn request(&mut self, now: u64) {
        self.advance(now).0 += 1;
    }

    fn accept(&mut self, now: u64) {
        self.advance(now).1 += 1;
    }

    /// The probability that a request is refused by its own caller.
    fn refusing(&mut self, k: f64, now: u64) -> f64 {
        self.advance(now);
        let (requests, accepts) = self.slices.iter().fold((0, 0), |sum, slice| (sum.0 + slice.0, sum.1 + slice.1));
        ((requests as f64 - k * accepts as f64) / (requests as f64 + 1.0)).max(0.0)
    }
}

/// A running percentile: counts in buckets of 1/8 of a power of two, halved when they are many, so that it follows.
#[derive(Debug)]
struct Percentile {
    share: f64,
    counts: Vec<u32>,
    total: u32,
}

/// So many answers are needed before there is a percentile.
const ENOUGH: u32 = 100;
/// At so many, all counts are halved.
const MANY: u32 = 20_000;

impl Percentile {
    fn new(share: f64) -> Self {
        Self { share, counts: vec![0; 64 * 8], total: 0 }
    }

    fn bucket(value: u64) -> usize {
        let value = value.max(8);
        let octave = value.ilog2();
        octave as usize * 8 + ((value >> (octave - 3)) & 7) as usize
    }

    fn add(&mut self, value: u64) {
        self.counts[Self::bucket(value)] += 1;
        self.total += 1;
        if self.total == MANY {
            self.counts.iter_mut().for_each(|count| *count /= 2);
            self.total = self.counts.iter().sum();
        }
    }

    /// The upper edge of the bucket that it is in; `None` while too little is known.
    fn value(&self) -> Option<u64> {
        if self.total < ENOUGH {
            return None;
        }
        let wanted = (f64::from(self.total) * self.share).ceil() as u32;
        let mut sum = 0;
        let bucket = self.counts.iter().position(|count| {
            sum += count;
            sum >= wanted
        })?;
        let (octave, eighth) = ((bucket / 8) as u32, (bucket % 8) as u64);
        Some(((9 + eighth) << octave) >> 3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(retries: u32, pause: u64) -> Asked {
        Asked { number: 1, cause: Failure::Error, retries, pause, in_flight: 0, now: 0 }
    }

    #[test]
    fn bounds_double_up_to_a_limit() {
        let pause = |retries, jitter, chance: f64| grown(Span(10), 2.0, Some(Span(35)), jitter, &asked(retries, 12), || chance);
        assert_eq!([0, 1, 2, 9].map(|retries| pause(retries, Jitter::None, 0.0)), [10, 20, 35, 35]);
        assert_eq!([0, 2].map(|retries| pause(retries, Jitter::Full, 0.5)), [5, 18]);
        assert_eq!([0, 1].map(|retries| pause(retries, Jitter::Equal, 0.5)), [8, 15]);
        // From 10 to 30 at first; then to three times the pause before, 36, which is more than the limit.
        assert_eq!((pause(0, Jitter::Decorrelated, 0.5), pause(1, Jitter::Decorrelated, 0.999)), (20, 35));
    }

    #[test]
    fn a_running_percentile_is_within_an_eighth() {
        let mut percentile = Percentile::new(0.95);
        (1..=99).for_each(|n| percentile.add(n * 1000));
        assert_eq!(percentile.value(), None);
        (100..=1000).for_each(|n| percentile.add(n * 1000));
        let value = percentile.value().expect("there are enough");
        assert!((950_000..=1_069_000).contains(&value), "{value}");
    }

    #[test]
    fn a_throttle_refuses_what_is_hardly_ever_accepted() {
        let mut window = Window::new(Span(100));
        (0..10).for_each(|_| window.request(5));
        assert!((window.refusing(2.0, 5) - 10.0 / 11.0).abs() < 1e-12);
        (0..5).for_each(|_| window.accept(6));
        assert!(window.refusing(2.0, 7) == 0.0);
        assert!(window.refusing(2.0, 500) == 0.0 && window.slices == [(0, 0); 10]);
    }
}
