//! `[client]`: what a caller does about slow and failed attempts.

use super::{optional, preset, section};
use crate::catalogue::{Entry, Kind};

/// The most attempts beyond the first that can be asked for by number.
const MAX_ATTEMPTS: u64 = 1_000_000;

/// `[client]`, and `client` of a service.
pub static CLIENT: Entry = section(
    "client",
    "what a caller does about slow and failed attempts; left out: it waits for as long as it takes, and sends once",
    &[
        optional("timeout", Kind::Dist, "for the whole request, from its arrival, retries and their pauses included"),
        optional("attempt_timeout", Kind::Dist, "for each attempt, from its being sent"),
        optional("patience", Kind::Dist, "how long an attempt may wait, at the balancer or in a queue, before its service begins"),
        preset("cancels", Kind::Bool, "true", "what is given up stops at the backend; false: the work is done for nothing"),
        preset("redraw", Kind::Bool, "false", "each attempt has work of its own; false: a retry or a hedge is the same work again"),
        preset("passes_deadline", Kind::Bool, "false", "calls made for a request may take no longer than what is left of it"),
        optional("retry", Kind::Table(&RETRY), "another attempt after a failed one; left out: none"),
        optional("hedge", Kind::Table(&HEDGE), "another attempt beside a slow one; left out: none"),
        optional("breaker", Kind::Table(&BREAKER), "limits beyond which requests fail at once, as shed"),
        optional("throttle", Kind::Table(&THROTTLE), "requests refused by their own caller when backends refuse many"),
    ],
);

/// After which failures an attempt can be made again.
pub(crate) const CONDITIONS: [&str; 6] = ["refused", "error", "timeout", "crashed", "no-backend", "shed"];

/// `client.retry`.
pub static RETRY: Entry = section(
    "retry",
    "another attempt after a failed one",
    &[
        preset("max", Kind::WholeOr(0, MAX_ATTEMPTS, "unlimited"), "2", "attempts beyond the first; 0: none"),
        optional("on", Kind::Choices(&CONDITIONS), "after which failures; left out: refused, error, timeout and crashed"),
        optional(
            "backoff",
            Kind::OrTable(&Kind::Dist, &BACKOFF),
            "how long before the next attempt; left out: the table's defaults; a duration or a distribution: drawn alike each time",
        ),
        optional(
            "budget",
            Kind::OneOfTables(&BUDGETS),
            "how many of all attempts may be retries, for each balancer instance; left out: no limit",
        ),
        preset("avoid_tried", Kind::Bool, "false", "picks again, a few times, where a backend is picked that the request has tried"),
    ],
);

/// `retry.backoff`.
pub static BACKOFF: Entry = section(
    "backoff",
    "pauses that grow: after n retries the bound is base × factor^n, at most max",
    &[
        preset("base", Kind::Span, "25ms", "the first bound; 0s: at once"),
        preset("factor", Kind::Number(1.0, 1000.0), "2", "what it is multiplied by each time"),
        optional("max", Kind::Span, "the greatest bound; left out: ten times base"),
        preset(
            "jitter",
            Kind::Choice(&["none", "full", "equal", "decorrelated"]),
            "full",
            "the bound itself; anything from 0 to it; half of it and anything up to it; anything from base to three times the pause before",
        ),
    ],
);

/// `retry.budget`, told apart by their keys.
pub static BUDGETS: [&Entry; 5] = [&BUCKET, &SHARE, &TOKENS, &CAPPED, &BELOW];

/// `retry.budget`, as Finagle has it.
pub static BUCKET: Entry = section(
    "bucket",
    "a budget that requests fill and retries empty (Finagle, tower)",
    &[
        optional("ratio", Kind::Number(0.0, 1000.0), "retries that each request brings"),
        preset("min_per_second", Kind::Number(0.0, 1e9), "0", "retries that each second brings on top"),
        preset("window", Kind::Period, "10s", "how long they keep"),
    ],
);

/// `retry.budget`, as Envoy has it.
pub static SHARE: Entry = section(
    "share",
    "a budget that is a share of the requests in flight (Envoy)",
    &[
        optional("share", Kind::Share, "of what is in flight, so many may be retries"),
        preset("at_least", Kind::Whole(0, u32::MAX as u64), "3", "so many are always allowed"),
    ],
);

/// `retry.budget`, as gRPC has it.
pub static TOKENS: Entry = section(
    "tokens",
    "a budget of tokens that failures use up (gRPC): no retries with half of them or fewer",
    &[
        optional("tokens", Kind::Above(0.0, 1e6), "how many there are when it is full; a failure costs one"),
        preset("ratio", Kind::Above(0.0, 1e6), "0.1", "what a success brings back"),
    ],
);

/// `retry.budget`, as Brooker has it.
pub static CAPPED: Entry = section(
    "capped",
    "a budget of tokens that requests bring and retries cost, full at first (Brooker)",
    &[
        optional("ratio", Kind::Number(0.0, 1000.0), "what each request brings"),
        optional("cap", Kind::Above(0.0, 1e6), "how many there are when it is full; a retry costs one"),
    ],
);

/// `retry.budget` of those who stop trying again.
pub static BELOW: Entry = section(
    "below",
    "retries without limit while few attempts fail, and none otherwise",
    &[
        optional("failures_below", Kind::Share, "the share of failed attempts from which on there are no retries"),
        preset("window", Kind::Period, "10s", "for how long attempts count"),
    ],
);

/// `client.hedge`.
pub static HEDGE: Entry = section(
    "hedge",
    "another attempt beside one that is slow; the first answer counts",
    &[
        optional(
            "after",
            Kind::DistOrPercentile,
            "after which time; \"0s\" sends all at once; \"p95\": the running percentile of this caller's answers",
        ),
        preset("max", Kind::Whole(1, 100), "1", "how many beside the first, each so much later than the one before"),
    ],
);

/// `client.breaker`.
pub static BREAKER: Entry = section(
    "breaker",
    "limits beyond which requests fail at once, as shed; each balancer instance counts by itself",
    &[
        optional("max_in_flight", Kind::Whole(1, u32::MAX as u64), "the most in flight at one backend; left out: no limit"),
        optional("max_waiting", Kind::Whole(0, u32::MAX as u64), "the most that wait at the balancer; left out: no limit"),
        optional("max_retries", Kind::Whole(0, u32::MAX as u64), "the most retries under way at once; left out: no limit"),
        optional(
            "consecutive_failures",
            Kind::Whole(1, u32::MAX as u64),
            "a backend gets nothing for a while after so many in a row (Linkerd)",
        ),
        preset("least", Kind::Period, "1s", "for how long at first, twice as long each time"),
        preset("most", Kind::Period, "60s", "the longest"),
    ],
);

/// `client.throttle`.
pub static THROTTLE: Entry = section(
    "throttle",
    "a request is refused by its own caller with probability max(0, (requests - k × accepts) ÷ (requests + 1)) (Google's SRE book)",
    &[
        preset("k", Kind::Number(1.0, 1e6), "2", "how many requests are sent for each that is accepted before any is refused"),
        preset("window", Kind::Period, "2m", "over which requests and accepts are counted"),
    ],
);
