//! Caddy's selection policies, as in Caddy 2.6.2 and its later versions.
//!
//! A policy here is a `Select` inside `Caddy`, which knows who is available ([`upstreams`]). **Retries:** none unless `retries` (`lb_retries`) asks for
//! some; each is a new selection, which may well choose the same again.

mod hashed;
mod select;
pub mod upstreams;

pub use hashed::score;
pub use select::least_requests;
use upstreams::Upstreams;

use crate::balance::{BackendId, Balancer, Change, Completion, Ctx, Law, Listed, Listens, Pick, Pool, Request};
use crate::catalogue::{Entry, Kind, Parameter, Values};
use crate::random::Stream;
use hashed::{Cookie, Hashed, Of};
use select::{First, LeastConn, Random, RandomChoose, RoundRobin, WeightedRoundRobin};
use std::fmt::Debug;

/// How one of the available is selected.
trait Select: Debug + Send {
    /// A new configuration.
    fn rebuild(&mut self, _upstreams: &Upstreams, _pool: &Pool) {}

    /// Selects.
    fn select(&mut self, request: &Request<'_>, upstreams: &Upstreams, pool: &Pool, chance: &mut Stream) -> Option<BackendId>;
}

#[derive(Debug)]
struct Caddy<S> {
    select: S,
    upstreams: Upstreams,
    retries: u64,
}

impl<S: Select + 'static> Caddy<S> {
    fn boxed(select: S, values: &Values) -> Box<dyn Balancer> {
        Box::new(Self { select, upstreams: Upstreams::default(), retries: values.whole("retries") })
    }
}

impl<S: Select> Balancer for Caddy<S> {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        self.upstreams.rebuild(pool);
        self.select.rebuild(&self.upstreams, pool);
    }

    /// Who is available is looked at in every pick; anything else is a new configuration.
    fn changed(&mut self, _: BackendId, change: Change, pool: &Pool, ctx: &mut Ctx<'_>) {
        if !matches!(change, Change::State(_)) {
            self.members(pool, ctx);
        }
    }

    #[inline]
    fn pick(&mut self, request: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        self.upstreams.forget(ctx.now);
        self.select.select(request, &self.upstreams, pool, ctx.chance).map_or(Pick::None, Pick::Backend)
    }

    fn listens(&self) -> Listens {
        Listens::ATTEMPTS
    }

    fn finished(&mut self, completion: &Completion, pool: &Pool, ctx: &mut Ctx<'_>) {
        if !completion.ok {
            self.upstreams.failed(completion.backend, pool, ctx.now);
        }
    }

    fn retries(&mut self, request: &Request<'_>, _: &Pool, _: &mut Ctx<'_>) -> bool {
        u64::from(request.attempt) < self.retries
    }
}

pub(in crate::balance) const LISTED: &[&Listed] =
    &[&RANDOM, &RANDOM_CHOOSE, &FIRST, &ROUND_ROBIN, &WEIGHTED_ROUND_ROBIN, &LEAST_CONN, &IP_HASH, &URI_HASH, &HEADER, &QUERY, &COOKIE];

const PRODUCT: &str = "Caddy 2.6.2";
const LATER: &str = "Caddy master (0cf03d32)";
const REFERENCE: &str = "caddyserver/caddy, modules/caddyhttp/reverseproxy/selectionpolicies.go";

const RETRIES: Parameter = Parameter::with_default(
    "retries",
    Kind::Whole(0, 1_000),
    "0",
    "`lb_retries`: further selections after a failed attempt; Caddy's own is none",
);
const VERSION: Parameter = Parameter::with_default(
    "version",
    Kind::Choice(&["2.6", "master"]),
    "2.6",
    "whose hash: FNV-1a of key and address up to 2.7, XXH64 of address and key since; the older is what was recorded",
);

const NO_WEIGHTS: &[(Law, &str)] = &[(Law::ZeroWeight, "it does not look at weights"), (Law::Weights, "it does not look at weights")];

const fn of(name: &'static str, summary: &'static str, text: &'static str, parameters: &'static [Parameter]) -> Entry {
    Entry { name, summary, text, parameters, reference: REFERENCE }
}

fn is_old(values: &Values) -> bool {
    values.text("version") == "2.6"
}

static RANDOM: Listed = Listed::new(
    of(
        "caddy/random",
        "Caddy's default: one of the available, uniformly",
        "A reservoir of one over the available. Cost: O(n), as in the product.",
        &[RETRIES],
    ),
    |values| Caddy::boxed(Random, values),
)
.of(PRODUCT)
.breaks(NO_WEIGHTS);

static RANDOM_CHOOSE: Listed = Listed::new(
    of(
        "caddy/random-choose",
        "Caddy's random_choose: the least loaded of some drawn at random",
        "A reservoir of `choose`; the first of them without requests, else one of those that had no more than the least so far when looked at: the first of \
         them is always among these. Cost: O(n), as in the product.",
        &[Parameter::with_default("choose", Kind::Whole(2, 10_000), "2", "how many are drawn; 2 is Caddy's own"), RETRIES],
    ),
    |values| Caddy::boxed(RandomChoose::new(values.whole("choose")), values),
)
.of(LATER)
.breaks(NO_WEIGHTS);

static FIRST: Listed = Listed::new(
    of(
        "caddy/first",
        "Caddy's first: the first available",
        "All to the first of the list while it is available. Cost: O(n), as in the product.",
        &[RETRIES],
    ),
    |values| Caddy::boxed(First, values),
)
.of(PRODUCT)
.breaks(NO_WEIGHTS);

static ROUND_ROBIN: Listed = Listed::new(
    of(
        "caddy/round-robin",
        "Caddy's round_robin: a counter, increased before use",
        "The first request goes to the second of the list. Who is not available is passed over by further steps of the counter. O(1) per pick where all are.",
        &[RETRIES],
    ),
    |values| Caddy::boxed(RoundRobin::default(), values),
)
.of(PRODUCT)
.breaks(NO_WEIGHTS);

static WEIGHTED_ROUND_ROBIN: Listed = Listed::new(
    of(
        "caddy/weighted-round-robin",
        "Caddy's weighted_round_robin: a counter over blocks of weight",
        "The counter modulo the total weight gives a place; the request goes to the upstream at that place among the available ones. Blocks: a a b b c a. \
         Cost: O(n), as in the product. Who is not available shifts the places of those behind.",
        &[RETRIES],
    ),
    |values| Caddy::boxed(WeightedRoundRobin::default(), values),
)
.of(LATER)
.whole_weights(0, 1_000_000);

static LEAST_CONN: Listed = Listed::new(
    of(
        "caddy/least-conn",
        "Caddy's least_conn: the least requests, ties at random",
        "The least requests in flight, one of equals uniformly. Cost: O(n), as in the product.",
        &[RETRIES],
    ),
    |values| Caddy::boxed(LeastConn, values),
)
.of(LATER)
.breaks(NO_WEIGHTS);

static IP_HASH: Listed = Listed::new(
    of(
        "caddy/ip-hash",
        "Caddy's ip_hash: the highest score of client and upstream",
        "Rendezvous hashing of the client's address with each upstream's. Cost: O(n), as in the product.",
        &[VERSION, RETRIES],
    ),
    |values| Caddy::boxed(Hashed::new(Of::Client, is_old(values)), values),
)
.of(PRODUCT)
.by_key()
.breaks(NO_WEIGHTS);

static URI_HASH: Listed = Listed::new(
    of(
        "caddy/uri-hash",
        "Caddy's uri_hash: the highest score of target and upstream",
        "Rendezvous hashing of the key, as the request's whole target, with each upstream's address. Cost: O(n), as in the product.",
        &[VERSION, RETRIES],
    ),
    |values| Caddy::boxed(Hashed::new(Of::Uri, is_old(values)), values),
)
.of(PRODUCT)
.by_key()
.breaks(NO_WEIGHTS);

static HEADER: Listed = Listed::new(
    of(
        "caddy/header",
        "Caddy's header: the highest score of a header and an upstream",
        "Rendezvous hashing of the key, as the header's value, with each upstream's address; at random without one. Cost: O(n), as in the product.",
        &[VERSION, RETRIES],
    ),
    |values| Caddy::boxed(Hashed::new(Of::Value, is_old(values)), values),
)
.of(PRODUCT)
.by_key()
.breaks(NO_WEIGHTS);

static QUERY: Listed = Listed::new(
    of(
        "caddy/query",
        "Caddy's query: the highest score of a parameter and an upstream",
        "Rendezvous hashing of the key, as the parameter's value, with each upstream's address; at random without one. Cost: O(n), as in the product.",
        &[VERSION, RETRIES],
    ),
    |values| Caddy::boxed(Hashed::new(Of::Value, is_old(values)), values),
)
.of(LATER)
.by_key()
.breaks(NO_WEIGHTS);

static COOKIE: Listed = Listed::new(
    of(
        "caddy/cookie",
        "Caddy's cookie: back to the upstream of the first time",
        "A first request goes to a random one, further ones of the same key to the same while it is available. The key stands for the client's cookies. \
         O(1) per pick, O(n) for a new one; about 130,000 are remembered.",
        &[RETRIES],
    ),
    |values| Caddy::boxed(Cookie::default(), values),
)
.of(LATER)
.breaks(NO_WEIGHTS);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::Member;

    #[test]
    fn the_first_of_a_sample_is_always_among_the_least() {
        let mut pool = Pool::new([Member::new("a"), Member::new("b"), Member::new("c")].into());
        [(0, 9), (1, 2), (2, 5)].into_iter().for_each(|(backend, requests)| pool.set_in_flight(BackendId(backend), requests));
        let mut sample = [0, 1, 2].map(BackendId).to_vec();
        least_requests(&mut sample, &pool, &mut Stream::new(1));
        assert_eq!(sample, [0, 1].map(BackendId));
        pool.set_in_flight(BackendId(2), 0);
        let mut sample = [0, 1, 2].map(BackendId).to_vec();
        assert_eq!(least_requests(&mut sample, &pool, &mut Stream::new(1)), Some(BackendId(2)));
    }
}
