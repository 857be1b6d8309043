//! What scenarios are told of nginx's balancers.

use super::Nginx;
use super::consistent::{Consistent, POINTS_PER_WEIGHT};
use super::hash::{Hash, IpHash};
use super::random::{Random, RandomTwo};
use super::round_robin::{LeastConn, RoundRobin};
use crate::balance::{Law, Listed};
use crate::catalogue::{Entry, Kind, Parameter};

pub(in crate::balance) const LISTED: &[&Listed] = &[&ROUND_ROBIN, &LEAST_CONN, &IP_HASH, &HASH, &HASH_CONSISTENT, &RANDOM, &RANDOM_TWO];

const PRODUCT: &str = "nginx 1.22.1";

const PARAMETERS: &[Parameter] = &[
    Parameter::with_default(
        "next_upstream_tries",
        Kind::Whole(0, 1_000_000),
        "0",
        "the most attempts, as `proxy_next_upstream_tries`; 0, nginx's default, is one for every peer",
    ),
    Parameter::with_default(
        "next_upstream_timeout",
        Kind::Span,
        "0s",
        "no further attempt after this, as `proxy_next_upstream_timeout`; 0, nginx's default, is no limit",
    ),
];

const fn entry(name: &'static str, summary: &'static str, text: &'static str, reference: &'static str) -> Entry {
    Entry { name, summary, text, parameters: PARAMETERS, reference }
}

const MODULO: (Law, &str) =
    (Law::OnlyOwnKeysMove, "the key's number is taken modulo the total weight, so another total moves nearly all keys");

static ROUND_ROBIN: Listed = Listed::new(
    entry(
        "nginx/round-robin",
        "nginx's default: smooth weighted round robin, with failures and backups",
        "Every peer that may be picked gains its effective weight, the one with most credit is taken (the first of the file on a tie) and pays what \
         all gained. A failure lowers the effective weight, max_fails of them within fail_timeout (whole seconds) put a peer aside. Cost: O(n), as in \
         the product.",
        "nginx, src/http/ngx_http_upstream_round_robin.c",
    ),
    |values| Nginx::boxed(RoundRobin, values),
)
.of(PRODUCT)
.whole_weights(1, 1_000_000);

static LEAST_CONN: Listed = Listed::new(
    entry(
        "nginx/least-conn",
        "nginx's least_conn: the least connections for its weight, ties by smooth round robin",
        "The least connections ÷ weight, compared exactly. Ties are decided by a smooth weighted round robin among the equals, whose credit moves only \
         then. Cost: O(n), as in the product. An idle peer comes first whatever its weight.",
        "nginx, src/http/modules/ngx_http_upstream_least_conn_module.c",
    ),
    |values| Nginx::boxed(LeastConn, values),
)
.of(PRODUCT)
.whole_weights(1, 1_000_000);

static IP_HASH: Listed = Listed::new(
    entry(
        "nginx/ip-hash",
        "nginx's ip_hash: by three bytes of the client's IPv4 address, modulo the total weight",
        "The first three bytes of an IPv4 address, or all sixteen of IPv6, are folded into a number below 6271; that modulo the total weight walks the \
         peers. After a miss the bytes are folded in again, after more than 20 round robin decides. O(log n) per pick. Who is down keeps its place.",
        "nginx, src/http/modules/ngx_http_upstream_ip_hash_module.c",
    ),
    |values| Nginx::boxed(IpHash, values),
)
.of(PRODUCT)
.by_key()
.whole_weights(1, 1_000_000)
.breaks(&[MODULO]);

static HASH: Listed = Listed::new(
    entry(
        "nginx/hash",
        "nginx's hash: CRC-32 of the key, modulo the total weight",
        "15 bits of the key's CRC-32 modulo the total weight walk the peers, as Cache::Memcached does. After a miss the key is hashed again with a \
         number before it and added, after more than 20 round robin decides, as for a request without a key. O(log n) per pick. Who is down keeps its \
         place.",
        "nginx, src/http/modules/ngx_http_upstream_hash_module.c",
    ),
    |values| Nginx::boxed(Hash, values),
)
.of(PRODUCT)
.by_key()
.whole_weights(1, 1_000_000)
.breaks(&[MODULO]);

static HASH_CONSISTENT: Listed = Listed::new(
    entry(
        "nginx/hash-consistent",
        "nginx's hash consistent: a ketama ring of CRC-32s",
        "Every peer has 160 points for each unit of weight; a key goes to the first at or after its CRC-32. Where that peer may not have it the next \
         point is asked, 20 times in all, then round robin. O(log points) per pick. Where many peers are dead, 20 points are few and affinity is lost.",
        "nginx, src/http/modules/ngx_http_upstream_hash_module.c",
    ),
    |values| Nginx::boxed(Consistent::default(), values),
)
.of(PRODUCT)
.by_key()
.whole_weights(1, 1_000_000)
.points_per_weight(POINTS_PER_WEIGHT);

static RANDOM: Listed = Listed::new(
    entry(
        "nginx/random",
        "nginx's random: drawn in proportion to weight",
        "A peer is drawn in proportion to its weight, again where it may not have the request; after more than 20 such misses round robin decides. \
         O(log n) per draw.",
        "nginx, src/http/modules/ngx_http_upstream_random_module.c",
    ),
    |values| Nginx::boxed(Random, values),
)
.of(PRODUCT)
.whole_weights(1, 1_000_000);

static RANDOM_TWO: Listed = Listed::new(
    entry(
        "nginx/random-two-least-conn",
        "nginx's random two: the second of two draws, unless it has more connections for its weight",
        "Two different peers are drawn in proportion to weight; the second gets the request unless it has more connections for its weight. In an idle \
         pool that turns weights round: 5, 1, 1 gives 24%, 38%, 38%. O(log n) per draw; after 20 without result round robin decides.",
        "nginx, src/http/modules/ngx_http_upstream_random_module.c",
    ),
    |values| Nginx::boxed(RandomTwo, values),
)
.of(PRODUCT)
.whole_weights(1, 1_000_000)
.breaks(&[(Law::Weights, "ties go to the second of two draws, and a heavy peer is mostly the first")]);
