//! What scenarios are told of HAProxy's balancers.

use super::algorithms::{Draws, Hashed, InOrder, Lookup, StaticTurns, Turns};
use super::farm::{Farm, MAX_WEIGHT, SCALE};
use super::input::{Function, Input, Uri};
use super::leastconn::Order;
use super::map::Map;
use super::queue::Queues;
use super::ring::Ring;
use super::slowstart::SlowStart;
use super::{Algorithm, Haproxy, Redispatch};
use crate::balance::products::remembered::Remembered;
use crate::balance::{Balancer, Law, Listed};
use crate::catalogue::{Entry, Kind, Parameter, Value, Values};
use std::collections::VecDeque;

pub(in crate::balance) const LISTED: &[&Listed] =
    &[&ROUNDROBIN, &STATIC_RR, &LEASTCONN, &FIRST, &SOURCE, &URI, &URL_PARAM, &HDR, &HASH, &RANDOM];

const PRODUCT: &str = "HAProxy 2.6.12";

impl<A: Algorithm + 'static> Haproxy<A> {
    fn boxed(algorithm: A, values: &Values) -> Box<dyn Balancer> {
        let interval = match values.get("redispatch") {
            Some(Value::Integer(interval)) => *interval,
            _ => 0,
        };
        let slow = if algorithm.is_map() || values.get("slowstart").is_none() {
            SlowStart::default()
        } else {
            SlowStart(values.span("slowstart"))
        };
        Box::new(Self {
            farm: Farm::new(values.bool("all_backups"), algorithm.is_map(), slow),
            algorithm,
            queues: Queues::default(),
            redispatch: Redispatch { retries: values.whole("retries") as i64, interval },
            freed: VecDeque::new(),
            served: Vec::new(),
            all_served: 0,
            starting: Vec::new(),
            left: Vec::new(),
            failed: Remembered::default(),
        })
    }
}

fn hashed(input: Input, values: &Values) -> Box<dyn Balancer> {
    let is_consistent = values.text("hash_type") == "consistent";
    let lookup = if is_consistent { Lookup::Ring(Ring::default()) } else { Lookup::Map(Map::default()) };
    let factor = if is_consistent { values.whole("balance_factor") } else { 0 };
    Haproxy::boxed(Hashed { input, function: Function::of(values), lookup, factor }, values)
}

const RETRIES: Parameter =
    Parameter::with_default("retries", Kind::Whole(0, 1_000), "3", "further attempts after a failed one; 3 is HAProxy's own");
const REDISPATCH: Parameter = Parameter::with_default(
    "redispatch",
    Kind::Integer(-1_000, 1_000),
    "0",
    "the interval of `option redispatch`: 0 is off, as in HAProxy; -1 is the last retry, which the option means by itself",
);
const ALL_BACKUPS: Parameter = Parameter::with_default(
    "all_backups",
    Kind::Bool,
    "false",
    "`option allbackups`: balance among all backups; without it, as in HAProxy, the first serves alone",
);
const SLOWSTART: Parameter = Parameter::with_default(
    "slowstart",
    Kind::Span,
    "0s",
    "how long a server that comes up takes to its full weight; 0, HAProxy's default, is not",
);
const HASH_TYPE: Parameter = Parameter::with_default(
    "hash_type",
    Kind::Choice(&["map-based", "consistent"]),
    "map-based",
    "look the hash up modulo the weights, or on a ring; map-based is HAProxy's own",
);
const FUNCTION: Parameter = Parameter::optional(
    "function",
    Kind::Choice(&["sdbm", "djb2", "wt6", "crc32", "none"]),
    "the hash function; left out: sdbm; none takes the input as a number",
);
const AVALANCHE: Parameter = Parameter::optional(
    "avalanche",
    Kind::Bool,
    "mix the hash once more; left out: only for a consistent hash without a named function, as HAProxy does",
);
const FACTOR: Parameter = Parameter::with_default(
    "balance_factor",
    Kind::Whole(0, 65_535),
    "0",
    "`hash-balance-factor` in percent, above 100: pass over servers with more than that of the average load; 0, HAProxy's default, is off",
);

const DYNAMIC: &[Parameter] = &[RETRIES, REDISPATCH, ALL_BACKUPS, SLOWSTART];
const HASHED: &[Parameter] = &[HASH_TYPE, FUNCTION, AVALANCHE, FACTOR, RETRIES, REDISPATCH, ALL_BACKUPS, SLOWSTART];

const WAITS: (Law, &str) = (Law::AnswersAtOnce, "with maxconn, requests wait for a slot");
const FEW_NODES: &str = "a ring of 16 nodes for each unit of weight shares unevenly";
const MODULO: (Law, &str) = (Law::OnlyOwnKeysMove, "map-based, a hash is taken modulo the weights in use; consistent keeps the law");
const HASH_LAWS: &[(Law, &str)] = &[WAITS, MODULO, (Law::Weights, FEW_NODES)];

const fn listed(entry: Entry, build: fn(&Values) -> Box<dyn Balancer>) -> Listed {
    Listed::new(entry, build).of(PRODUCT).whole_weights(0, MAX_WEIGHT)
}

static ROUNDROBIN: Listed = listed(
    Entry::new(
        "haproxy/roundrobin",
        "HAProxy's roundrobin: weighted turns, by weights that can change at any time",
        "Positions on a line of picks, total ÷ weight apart, in three trees; ties go to who was queued first. 5, 1, 1 gives a a a b a a c. O(log n) \
         per pick. A full server is skipped, where all are full the request waits.",
        DYNAMIC,
        "HAProxy, src/lb_fwrr.c",
    ),
    |values| Haproxy::boxed(Turns::default(), values),
)
.breaks(&[WAITS]);

static STATIC_RR: Listed = listed(
    Entry::new(
        "haproxy/static-rr",
        "HAProxy's static-rr: turns on a map that is made when servers come or go",
        "A map with a place for each unit of weight, walked in order. Coarser than roundrobin, and weights cannot change while it runs. O(1) per pick, \
         O(weights × n) to make the map.",
        &[RETRIES, REDISPATCH, ALL_BACKUPS],
        "HAProxy, src/lb_map.c",
    ),
    |values| Haproxy::boxed(StaticTurns::default(), values),
)
.breaks(&[WAITS]);

static LEASTCONN: Listed = listed(
    Entry::new(
        "haproxy/leastconn",
        "HAProxy's leastconn: the least (requests + 1) ÷ weight; idle servers in turn whatever they weigh",
        "Servers stand in a tree by a key: 0 where idle, else (requests + 1) · 4096 ÷ weight; who changes its key goes behind those that have it. O(log \
         n) per pick. Sequential traffic ignores weights.",
        DYNAMIC,
        "HAProxy, src/lb_fwlc.c",
    ),
    |values| Haproxy::boxed(InOrder::new(Order::LeastConn), values),
)
.breaks(&[WAITS, (Law::Weights, "the key of every idle server is 0, whatever it weighs")]);

static FIRST: Listed = listed(
    Entry::new(
        "haproxy/first",
        "HAProxy's first: the lowest id that is not full",
        "Fills one server up to maxconn before it uses the next, so that the last can be switched off. O(log n) per pick. Without maxconn the first gets all.",
        DYNAMIC,
        "HAProxy, src/lb_fas.c",
    ),
    |values| Haproxy::boxed(InOrder::new(Order::First), values),
)
.breaks(&[WAITS, (Law::Weights, "the lowest id gets all that it can take")]);

static SOURCE: Listed = listed(
    Entry::new(
        "haproxy/source",
        "HAProxy's source: by the client's address, modulo the weights or on a ring",
        "The address itself is the hash, mixed only with avalanche. A full server keeps the request in its own queue. O(1) per pick on a map, O(log \
         nodes) on a ring.",
        HASHED,
        "HAProxy, src/backend.c, src/lb_map.c, src/lb_chash.c",
    ),
    |values| hashed(Input::Source, values),
)
.by_key()
.points_per_weight(SCALE)
.breaks(&[WAITS, MODULO]);

static URI: Listed = listed(
    Entry::new(
        "haproxy/uri",
        "HAProxy's uri: by the request's target, modulo the weights or on a ring",
        "The key up to its question mark, or as much of it as asked, is hashed. A full server keeps the request in its own queue while others idle, \
         unless balance_factor bounds the loads. O(1) per pick on a map, O(log nodes) on a ring.",
        &[
            Parameter::with_default("len", Kind::Whole(0, 1_000_000), "0", "hash at most so many bytes; 0, HAProxy's default, is all"),
            Parameter::optional("depth", Kind::Whole(0, 1_000_000), "hash so many directories; left out: all"),
            Parameter::with_default("whole", Kind::Bool, "false", "hash what comes after the question mark too; not so in HAProxy by itself"),
            Parameter::with_default("path_only", Kind::Bool, "false", "leave scheme and authority out; HAProxy by itself does not"),
            HASH_TYPE,
            FUNCTION,
            AVALANCHE,
            FACTOR,
            RETRIES,
            REDISPATCH,
            ALL_BACKUPS,
            SLOWSTART,
        ],
        "HAProxy, src/backend.c, src/lb_map.c, src/lb_chash.c",
    ),
    |values| {
        let depth = values.get("depth").map(|_| values.whole("depth"));
        let uri = Uri { len: values.whole("len") as usize, depth, whole: values.bool("whole"), path_only: values.bool("path_only") };
        hashed(Input::Uri(uri), values)
    },
)
.by_key()
.points_per_weight(SCALE)
.breaks(HASH_LAWS);

static URL_PARAM: Listed = listed(
    Entry::new(
        "haproxy/url-param",
        "HAProxy's url_param: by the value of a parameter, modulo the weights or on a ring",
        "The key, which stands for the value, is hashed; a request without one takes turns: on the map, or node after node of the ring. O(1) per pick on a \
         map, O(log nodes) on a ring.",
        HASHED,
        "HAProxy, src/backend.c, src/lb_map.c, src/lb_chash.c",
    ),
    |values| hashed(Input::Value { empty_is_missing: false }, values),
)
.by_key()
.points_per_weight(SCALE)
.breaks(HASH_LAWS);

static HDR: Listed = listed(
    Entry::new(
        "haproxy/hdr",
        "HAProxy's hdr: by the value of a header, modulo the weights or on a ring",
        "The key, which stands for the value, is hashed; a request without one, or with an empty one, takes turns: on the map, or node after node of the \
         ring. O(1) per pick on a map, O(log nodes) on a ring.",
        HASHED,
        "HAProxy, src/backend.c, src/lb_map.c, src/lb_chash.c",
    ),
    |values| hashed(Input::Value { empty_is_missing: true }, values),
)
.by_key()
.points_per_weight(SCALE)
.breaks(HASH_LAWS);

static HASH: Listed = listed(
    Entry::new(
        "haproxy/hash",
        "HAProxy's hash: by any sample, modulo the weights or on a ring",
        "The key, which stands for the sample, is hashed; a request without one takes turns: on the map, or node after node of the ring. O(1) per pick on \
         a map, O(log nodes) on a ring.",
        HASHED,
        "HAProxy, src/backend.c, src/lb_map.c, src/lb_chash.c",
    ),
    |values| hashed(Input::Value { empty_is_missing: false }, values),
)
.by_key()
.points_per_weight(SCALE)
.breaks(HASH_LAWS);

static RANDOM: Listed = listed(
    Entry::new(
        "haproxy/random",
        "HAProxy's random: the least loaded of some draws on the hash ring",
        "Each draw is a random hash looked up on the ring; a later draw is kept unless it has more requests for its weight. O(log nodes) per draw. With 16 \
         nodes for each unit of weight, equal servers get anything from 29 to 36% of three.",
        &[
            Parameter::with_default("draws", Kind::Whole(1, 1_000), "2", "how many servers are drawn; 2 is HAProxy's own"),
            FACTOR,
            RETRIES,
            REDISPATCH,
            ALL_BACKUPS,
            SLOWSTART,
        ],
        "HAProxy, src/backend.c, src/lb_chash.c",
    ),
    |values| {
        let (draws, factor) = (values.whole("draws"), values.whole("balance_factor"));
        Haproxy::boxed(Draws { ring: Ring::default(), draws, factor }, values)
    },
)
.points_per_weight(SCALE)
.breaks(&[WAITS]);
