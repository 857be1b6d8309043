//! `[client]`: what a caller does, as it was written and as it is run.

use crate::dist::Dist;
use crate::time::Span;

/// What a caller does about slow and failed attempts. By default nothing: it waits for as long as it takes, and sends once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Caller {
    /// `timeout`: for the whole request, from its arrival, retries and their pauses included; in nanoseconds.
    pub timeout: Option<Dist>,
    /// `attempt_timeout`: for each attempt, from its being sent.
    pub attempt_timeout: Option<Dist>,
    /// `patience`: how long an attempt may wait, at the balancer or in a queue, before its service begins; the request then fails.
    pub patience: Option<Dist>,
    /// Not `cancels`: what is given up is done all the same, for nothing. (Said so that the default is `false`.)
    pub abandons_work: bool,
    /// `redraw`: each attempt has work of its own, drawn afresh.
    pub redraw: bool,
    /// `passes_deadline`: calls made for a request may take no longer than what is left of it.
    pub passes_deadline: bool,
    /// `retry`: `None` sends once.
    pub retry: Option<Retry>,
    /// `hedge`.
    pub hedge: Option<Hedge>,
    /// `breaker`: limits for each backend (`max_in_flight`, `max_waiting`) and for all retries (`max_retries`).
    pub breaker: Limits,
    /// `throttle`: adaptive throttling as in Google's SRE book.
    pub throttle: Option<Throttling>,
}

/// `client.retry`.
#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    /// `max`: attempts beyond the first that follow a failure; `None` for `"unlimited"`.
    pub max: Option<u32>,
    /// `on`.
    pub on: Conditions,
    /// `backoff`.
    pub backoff: Backoff,
    /// `budget`.
    pub budget: Option<Budget>,
    /// `avoid_tried`: picks again, a few times, where the balancer picks a backend that this request has tried.
    pub avoid_tried: bool,
}

/// `retry.on`: after which failures an attempt is made again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// `"timeout"`: the attempt's own timeout.
    pub timeout: bool,
    /// `"refused"`: a full queue, a dead backend.
    pub refused: bool,
    /// `"error"`: an answer that is an error.
    pub error: bool,
    /// `"crashed"`: the backend died with it.
    pub crashed: bool,
    /// `"no-backend"`: nobody was eligible.
    pub no_backend: bool,
    /// `"shed"`: refused by a backend or a breaker to protect itself.
    pub shed: bool,
}

/// `retry.backoff`: how long before the next attempt. With n attempts made again before, the bound is base × factor^n, at most `max`.
#[derive(Clone, Debug, PartialEq)]
pub enum Backoff {
    /// `base`, `factor` (2), `max`, `jitter`.
    Growing {
        /// The first bound.
        base: Span,
        /// What it is multiplied by each time: at least 1.
        factor: f64,
        /// The greatest bound.
        max: Option<Span>,
        /// How much of the bound is left to chance.
        jitter: Jitter,
    },
    /// `dist = …`: drawn alike each time.
    Drawn(Dist),
}

/// `backoff.jitter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jitter {
    /// The bound itself.
    None,
    /// Anything from 0 to the bound.
    Full,
    /// Half of the bound, and anything from 0 to the other half.
    Equal,
    /// Anything from `base` to three times the pause before (the first time: `base`), at most `max`.
    Decorrelated,
}

/// `retry.budget`: how many of all attempts may be retries. One for each balancer instance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Budget {
    /// `{ ratio, min_per_second, window = "10s" }`, Finagle's: each request brings `ratio` of a retry, for `window`; so many a second on top.
    Bucket {
        /// Retries for each request.
        ratio: f64,
        /// Retries for each second.
        min_per_second: f64,
        /// How long they keep.
        window: Span,
    },
    /// `{ share, at_least = 3 }`, Envoy's: of what is in flight, retries may be so many.
    Share {
        /// The share.
        share: f64,
        /// So many are always allowed.
        at_least: u32,
    },
    /// `{ tokens, ratio }`, gRPC's: a failure costs one of so many tokens, a success brings `ratio` of one; no retries at half or below.
    Tokens {
        /// When it is full.
        tokens: f64,
        /// What a success brings.
        ratio: f64,
    },
    /// `{ ratio, cap }`, Brooker's: tokens that requests bring and retries cost, full at first.
    Capped {
        /// What each request brings.
        ratio: f64,
        /// When it is full.
        cap: f64,
    },
    /// `{ failures_below, window = "10s" }`: as many as are wanted, while fewer of the last attempts have failed.
    Below {
        /// The share of failed attempts from which on there are none.
        failures: f64,
        /// For how long attempts count.
        window: Span,
    },
}

/// `client.hedge`: another attempt beside one that is slow; the first answer counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Hedge {
    /// `after`.
    pub after: HedgeAfter,
    /// `max`: how many beside the first; each `after` later than the one before.
    pub max: u32,
}

/// `hedge.after`.
#[derive(Clone, Debug, PartialEq)]
pub enum HedgeAfter {
    /// A delay; 0 sends all at once.
    Delay(Dist),
    /// `"p95"`: the running percentile of this caller's answered requests, as a share.
    Percentile(f64),
}

/// `client.breaker`: what is over a limit fails at once, as shed. `None`: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// In flight at one backend, as this balancer instance counts.
    pub max_in_flight: Option<u32>,
    /// Held by this balancer instance.
    pub max_waiting: Option<u32>,
    /// Retries under way, all together, of this balancer instance.
    pub max_retries: Option<u32>,
    /// `consecutive_failures`: a backend gets nothing for a while after so many in a row (Linkerd's breaker).
    pub consecutive_failures: Option<u32>,
    /// `least`: for how long at first, doubling. Default 1 s.
    pub least: Option<Span>,
    /// `most`: the longest. Default 60 s.
    pub most: Option<Span>,
}

/// `client.throttle`: a request is refused by its own caller with probability max(0, (requests − k·accepts) ÷ (requests + 1)) over the last
/// `window`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Throttling {
    /// `k`: 2 by default.
    pub k: f64,
    /// `window`: two minutes by default.
    pub window: Span,
}
