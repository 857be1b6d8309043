//! Every key of a scenario file, declared once: decoding, suggestions, the JSON Schema and the guide's tables come from here.
//!
//! Distributions are in `distributions.rs`, balancers in [`crate::balance`]; both hang in this tree too.

mod client;
mod expect;
mod fleet;
mod health;
mod service;

pub(crate) use client::CONDITIONS;
pub use client::{BACKOFF, BELOW, BREAKER, BUCKET, BUDGETS, CAPPED, CLIENT, HEDGE, RETRY, SHARE, THROTTLE, TOKENS};
pub use expect::EXPECT;
pub use fleet::{AUTOSCALE, DISCOVERIES, DISCOVERY};
pub use health::{ACTIVE, FAILURE_PERCENTAGE, HEALTH, OUTLIER, SLOW_START, SUCCESS_RATE};
pub use service::{CALL, SERVICE};

use super::distributions::DISTRIBUTIONS;
use crate::balance;
use crate::catalogue::{Entry, Kind, Parameter, Tagged};
use crate::fault::FAULTS;

/// The most requests of a replication.
pub(crate) const MAX_REQUESTS: u64 = 1_000_000_000_000;
/// The most backends of a scenario.
pub(crate) const MAX_BACKENDS: u64 = 1_000_000;
/// The most places of anything that is held in memory.
const MAX_PLACES: u64 = 1_000_000_000;
/// The greatest factor that a number may be multiplied by.
const MAX_FACTOR: f64 = 1e9;

const fn optional(name: &'static str, kind: Kind, text: &'static str) -> Parameter {
    Parameter::optional(name, kind, text)
}

const fn preset(name: &'static str, kind: Kind, default: &'static str, text: &'static str) -> Parameter {
    Parameter::with_default(name, kind, default, text)
}

pub(crate) const fn section(name: &'static str, summary: &'static str, parameters: &'static [Parameter]) -> Entry {
    Entry { name, summary, text: "", parameters, reference: "" }
}

/// The top level of a scenario.
pub static ROOT: Entry = section(
    "scenario",
    "what is compared, on what traffic and which backends",
    &[
        optional("title", Kind::Text, "the heading of reports"),
        optional("question", Kind::Text, "what the scenario is to answer"),
        optional(
            "balancers",
            Kind::TaggedNames(&BALANCERS),
            "the balancers to compare, by name and with their defaults; [[balancer]] tables add to it, in order",
        ),
        optional("run", Kind::Table(&RUN), "how much is simulated, and how often"),
        optional("traffic", Kind::OneOrMore(&TRAFFIC), "where requests come from"),
        optional("backends", Kind::Tables(&BACKENDS), "groups of like backends, at least one; with [[service]] each service has its own"),
        optional("network", Kind::Table(&NETWORK), "delays between zones"),
        optional("balancer", Kind::TaggedTables(&BALANCERS), "a balancer to compare, with its parameters"),
        optional("tier", Kind::Table(&TIER), "how many balancer instances there are, and what each knows"),
        optional(
            "variant",
            Kind::Tables(&VARIANT),
            "the same scenario with some keys changed: every balancer runs in each variant, on the same streams",
        ),
        optional("client", Kind::Table(&CLIENT), "what a caller does: timeouts, retries, hedging, breakers"),
        optional("health", Kind::Table(&HEALTH), "what balancers believe of backends: probes, ejection, panic, slow start"),
        optional("discovery", Kind::Tagged(&DISCOVERIES), "how balancers learn of joins and departures; left out: at once"),
        optional("autoscale", Kind::Table(&AUTOSCALE), "backends that come and go with the load"),
        optional("fault", Kind::TaggedTables(&FAULTS), "what goes wrong, and when"),
        optional(
            "service",
            Kind::Tables(&SERVICE),
            "several services that call each other, instead of [[backends]]; traffic goes to the first",
        ),
        optional("expect", Kind::Tables(&EXPECT), "a rule that `evenkeel gate` judges"),
    ],
);

/// `[run]`.
pub static RUN: Entry = section(
    "run",
    "how much is simulated, and how often",
    &[
        optional("requests", Kind::Whole(1, MAX_REQUESTS), "requests per replication; this or `duration`"),
        optional("duration", Kind::Period, "how long requests arrive; this or `requests`"),
        preset("warmup", Kind::ShareOrSpan, "10%", "what is left out of the statistics at the start, the same for every balancer"),
        preset("replications", Kind::Whole(1, 100_000), "5", "independent seeds; confidence intervals come from these"),
        optional("precision", Kind::Table(&PRECISION), "more replications until an interval is that narrow"),
        preset("seed", Kind::Whole(0, u64::MAX), "42", "where all chance comes from: the same seed, the same result"),
        preset(
            "max_in_flight",
            Kind::Whole(1, MAX_PLACES),
            "2000000",
            "a cell with so many requests in flight stops as overloaded, instead of exhausting memory",
        ),
    ],
);

/// `run.precision`.
pub static PRECISION: Entry = section(
    "precision",
    "more replications until an interval is that narrow",
    &[
        optional("metric", Kind::Choice(&PRECISE), "the metric whose interval is judged"),
        optional("relative", Kind::Share, "the half-width of the 95% interval, as a share of the value; above 0"),
        preset("max_replications", Kind::Whole(2, 100_000), "100", "no more replications than this"),
    ],
);

/// Metrics with a confidence interval.
const PRECISE: [&str; 11] = [
    "latency.mean",
    "latency.p50",
    "latency.p90",
    "latency.p95",
    "latency.p99",
    "latency.p99.9",
    "wait.mean",
    "wait_share",
    "success_rate",
    "throughput_rps",
    "goodput_rps",
];

/// `[traffic]` and `[[traffic]]`.
pub static TRAFFIC: Entry = section(
    "traffic",
    "a source of requests",
    &[
        optional("name", Kind::Name, "how reports call it; left out: traffic, or traffic-0, traffic-1, … where there are several"),
        optional("arrivals", Kind::Tagged(&PROCESSES), "when requests come"),
        optional(
            "work",
            Kind::OrTable(&Kind::Dist, &RECORDED_WORK),
            "how long a request is served at speed 1.0; left out where the service it goes to has `work`, or where it is recorded",
        ),
        optional(
            "keys",
            Kind::Table(&KEYS),
            "what hash balancers and caches look at; left out: every request has a key of its own (its number)",
        ),
        optional("clients", Kind::Table(&CLIENTS), "who sends; left out: one client, a connection per request"),
        optional("class", Kind::Name, "the class of its requests, for reports and rules"),
        preset("priority", Kind::Integer(-1_000_000, 1_000_000), "0", "lower is served first by backends with discipline = \"priority\""),
        optional("zone", Kind::Name, "where it comes from; [network] adds delays between zones"),
        optional("to", Kind::Name, "the service it goes to; left out: the first"),
    ],
);

/// `traffic.arrivals`.
pub static PROCESSES: Tagged = Tagged { tag: "process", what: "an arrival process", entries: || PROCESS.iter().collect(), common: &[] };

const RATE: Parameter = optional("rate", Kind::Rate, "requests per second, minute or hour in the long run; this or `load`");
const LOAD: Parameter =
    optional("load", Kind::Above(0.0, 1e6), "the rate as a share of the pool's nominal capacity (speed × workers); this or `rate`");
const SHAPE: Parameter = optional("shape", Kind::Table(&SHAPES), "what multiplies the rate over time");

/// `traffic.arrivals.process`.
pub static PROCESS: [Entry; 8] = [
    section("poisson", "independent requests: exponential gaps", &[RATE, LOAD, SHAPE]),
    section("constant", "one request after the other at equal gaps", &[RATE, LOAD, SHAPE]),
    section(
        "renewal",
        "independent gaps of any distribution",
        &[optional("gap", Kind::Dist, "from one request to the next"), RATE, LOAD, SHAPE],
    ),
    section(
        "mmpp",
        "a Poisson process whose rate changes between states (exponential stays, visited in order, started in equilibrium)",
        &[optional("states", Kind::Tables(&STATE), "at least two; a `rate` or `load` beside it rescales them"), RATE, LOAD, SHAPE],
    ),
    section(
        "on-off",
        "bursts: a Poisson process that is on and off in turn",
        &[
            optional("on", Kind::ExponentialDist, "how long it is on; a plain duration is the mean of an exponential"),
            optional("off", Kind::ExponentialDist, "how long it is off, likewise"),
            preset("off_factor", Kind::Share, "0", "the rate while off, as a share of the rate while on"),
            RATE,
            LOAD,
            SHAPE,
        ],
    ),
    section(
        "batch",
        "several requests at the same instant; batches come at rate ÷ mean size",
        &[optional("size", Kind::WholeOrTagged(1, 1_000_000, &SIZES), "how many requests come at once"), RATE, LOAD, SHAPE],
    ),
    section(
        "closed",
        "a fixed number of clients who each wait for the answer, think, and ask again",
        &[
            optional("clients", Kind::Whole(1, 100_000_000), "how many there are"),
            preset("think", Kind::Dist, "0s", "from an answer to the next request"),
        ],
    ),
    section("recorded", "requests as a log or a trace has them", &RECORDED),
];

/// `process = "recorded"`.
static RECORDED: [Parameter; 18] = [
    optional(
        "file",
        Kind::Names,
        "a log or a trace, relative to the scenario; several, or a glob such as \"access.log*\"; packed by gzip or zstd or not",
    ),
    optional("format", Kind::Name, "what it is (see `evenkeel trace formats`); left out: what it looks like"),
    optional("log_format", Kind::Text, "the log_format of nginx, or the LogFormat of Apache, that wrote it"),
    optional("columns", Kind::Table(&COLUMNS), "of csv, tsv and jsonl: which column says what"),
    optional("time_unit", Kind::Choice(&["ns", "us", "ms", "s"]), "of times that are plain numbers; left out: by their size"),
    optional("timers", Kind::Choice(&["Ta", "Tt"]), "of HAProxy: Tt for logs of before 1.8; left out: Ta"),
    optional("durations", Kind::Name, "of azure-functions-2019: the file with the percentiles of durations that goes with it"),
    preset(
        "spread",
        Kind::Choice(&["uniform", "none"]),
        "uniform",
        "where in the second (or whatever its stamp leaves open) a request is: anywhere, or all at its beginning",
    ),
    preset(
        "strict",
        Kind::Bool,
        "false",
        "the first line that cannot be read is an error; else up to 1% of them are left out, and counted",
    ),
    preset("from", Kind::Span, "0s", "leaves out what arrives before, from the first request on"),
    optional("to", Kind::Span, "leaves out what arrives then or later, from the first request on"),
    preset(
        "sample",
        Kind::Share,
        "1",
        "keeps the requests of so many of its clients (of its keys, or of all requests, where it has no clients)",
    ),
    preset("repeat", Kind::Whole(1, 1_000_000), "1", "plays it so often, one after the other"),
    preset("scale", Kind::Above(0.0, 1e9), "1", "plays it so many times as fast; or set `rate`, or `load`"),
    preset(
        "loop",
        Kind::Choice(&["open", "session"]),
        "open",
        "session: a client sends no sooner after its last answer than it did then, so that who is slow delays its clients",
    ),
    RATE,
    LOAD,
    SHAPE,
];

/// `columns`: what stands in which column, by its name (or its number, from 1, where there is no header).
pub static COLUMNS: Entry = section(
    "columns",
    "which column says what: its name, its number from 1 where there is no header, or its path in JSON",
    &[
        optional("time", Kind::Name, "when it arrived"),
        optional("work", Kind::Name, "how long the backend worked on it"),
        optional("duration", Kind::Name, "how long it took in all"),
        optional("key", Kind::Name, "what hash balancers look at"),
        optional("client", Kind::Name, "who sent it"),
        optional("backend", Kind::Name, "who served it"),
        optional("class", Kind::Name, "what sort of request it is"),
        optional("status", Kind::Name, "its HTTP status"),
        optional("bytes", Kind::Name, "how large the answer is"),
        optional("input", Kind::Name, "tokens of the prompt"),
        optional("output", Kind::Name, "tokens of the answer"),
        optional("queued", Kind::Name, "how long it waited in a queue of the balancer"),
        optional("outcome", Kind::Name, "how it ended: succeeded, failed or refused"),
        optional("tries", Kind::Name, "how many backends were tried"),
    ],
);

/// `work` of recorded traffic.
pub static RECORDED_WORK: Entry = section(
    "recorded-work",
    "how much work a recorded request is",
    &[
        preset(
            "from",
            Kind::Choice(&["trace", "service", "duration", "bytes", "tokens"]),
            "trace",
            "trace: the time of the backend, or else the time of everything",
        ),
        preset("base", Kind::Span, "0s", "of bytes and tokens: each request takes this"),
        preset("per_kb", Kind::Span, "0s", "of bytes: and this for each 1,000 of them"),
        preset("per_input", Kind::Span, "0s", "of tokens: and this for each of the prompt"),
        preset("per_output", Kind::Span, "0s", "of tokens: and this for each of the answer"),
    ],
);

/// `states` of mmpp.
pub static STATE: Entry = section(
    "state",
    "a state of an mmpp",
    &[
        optional("rate", Kind::Rate, "requests per second while in it; 0/s for none"),
        optional("mean_stay", Kind::Period, "how long it lasts in the mean"),
    ],
);

/// `size` of batch.
pub static SIZES: Tagged = Tagged { tag: "dist", what: "a distribution of sizes", entries: || SIZE.iter().collect(), common: &[] };

/// `size.dist` of batch.
pub static SIZE: [Entry; 3] = [
    section("fixed", "always as many", &[optional("size", Kind::Whole(1, 1_000_000), "how many")]),
    section(
        "geometric",
        "one, and another with a fixed chance, and so on",
        &[optional("mean", Kind::Number(1.0, 1e6), "how many in the mean")],
    ),
    section(
        "uniform",
        "equally likely between two bounds, both included",
        &[optional("min", Kind::Whole(1, 1_000_000), "the least"), optional("max", Kind::Whole(1, 1_000_000), "the most")],
    ),
];

/// `arrivals.shape`: one of its keys.
pub static SHAPES: Entry = section(
    "shape",
    "what multiplies the rate over time: one of them",
    &[
        optional(
            "steps",
            Kind::Pairs(&Kind::Span, &Kind::Number(0.0, MAX_FACTOR)),
            "[[at, factor], …], ascending; factor 1 before the first",
        ),
        optional("ramp", Kind::Table(&RAMP), "from one factor to another, straight"),
        optional("wave", Kind::Table(&WAVE), "1 + amplitude · sin(2πt ÷ period)"),
        optional("spike", Kind::Table(&SPIKE), "a factor for a while"),
    ],
);

/// `shape.ramp`.
pub static RAMP: Entry = section(
    "ramp",
    "from one factor to another, straight",
    &[
        preset("from", Kind::Number(0.0, MAX_FACTOR), "1", "the factor at the start"),
        optional("to", Kind::Number(0.0, MAX_FACTOR), "the factor at the end, and from then on"),
        optional("over", Kind::Period, "how long it takes"),
    ],
);

/// `shape.wave`.
pub static WAVE: Entry = section(
    "wave",
    "1 + amplitude · sin(2πt ÷ period)",
    &[optional("amplitude", Kind::Share, "0 to 1"), optional("period", Kind::Period, "from crest to crest")],
);

/// `shape.spike`.
pub static SPIKE: Entry = section(
    "spike",
    "a factor for a while",
    &[
        optional("at", Kind::Span, "when it begins"),
        optional("for", Kind::Period, "how long it lasts"),
        optional("factor", Kind::Number(0.0, MAX_FACTOR), "what it multiplies the rate by"),
    ],
);

/// `traffic.keys`.
pub static KEYS: Entry = section(
    "keys",
    "what hash balancers and caches look at",
    &[
        preset("dist", Kind::Choice(&["uniform", "zipf"]), "uniform", "how popular keys are"),
        optional("count", Kind::Whole(1, 1 << 53), "how many there are"),
        preset("exponent", Kind::Number(0.0, 20.0), "1.0", "zipf: the k-th key is asked for in proportion to 1 ÷ k^exponent"),
    ],
);

/// `traffic.clients`.
pub static CLIENTS: Entry = section(
    "clients",
    "who sends",
    &[
        optional("count", Kind::Whole(1, 100_000_000), "how many there are"),
        preset("connections", Kind::Whole(1, 1_000_000), "1", "connections that each holds open at once"),
        optional("requests_per_connection", Kind::Whole(1, u32::MAX as u64), "requests until a connection is opened anew; left out: never"),
    ],
);

/// `[[backends]]`.
pub static BACKENDS: Entry = section(
    "backends",
    "a group of like backends",
    &[
        preset("name", Kind::Name, "backend", "how reports and other keys call it"),
        preset("count", Kind::Whole(1, MAX_BACKENDS), "1", "how many there are; above 1, they are called name-0, name-1, …"),
        preset("speed", Kind::Above(0.0, 1e9), "1.0", "work takes 1 ÷ speed times as long"),
        preset("weight", Kind::Number(0.0, 1e300), "1", "what weighted balancers are told"),
        preset("workers", Kind::WholeOr(1, 10_000_000, "unlimited"), "1", "requests served at once; unlimited: nobody waits"),
        preset(
            "discipline",
            Kind::Choice(&["fifo", "lifo", "processor-sharing", "priority", "adaptive-lifo"]),
            "fifo",
            "who is served next; processor-sharing: each of n gets min(workers, n)/n; priority: not pre-emptive, FIFO within; adaptive-lifo: FIFO, but newest first while overloaded",
        ),
        preset(
            "overloaded_after",
            Kind::Span,
            "100ms",
            "adaptive-lifo: newest first while somebody has been waiting for longer than this without a break",
        ),
        optional(
            "queue",
            Kind::Whole(0, MAX_PLACES),
            "waiting places; a request beyond them is refused, so that workers + queue is how many are admitted at once; left out: unlimited",
        ),
        optional(
            "max_wait",
            Kind::Period,
            "a request that has waited longer here when its turn comes is shed instead of served; left out: none is",
        ),
        optional("shed", Kind::Table(&SHED), "CoDel (RFC 8289): sheds ever more while a queue stands instead of taking up bursts"),
        optional("zone", Kind::Name, "where it is; [network] adds delays between zones"),
        preset("network", Kind::Dist, "0s", "one way"),
        optional("address", Kind::Name, "what hash balancers hash; left out: 10.0.0.1:8080, 10.0.0.2:8080, … in order"),
        preset("per_in_flight", Kind::Span, "0s", "service takes that much longer for each request in service at its start"),
        optional("cache", Kind::Table(&CACHE), "least recently used keys make work lighter: what key affinity is worth"),
        optional("id", Kind::Whole(1, 65_535), "a number that products know the first of them by; left out: they count from 1"),
        preset("priority", Kind::Whole(0, 1000), "0", "used in this order by balancers with priorities: 0 first"),
        optional("labels", Kind::Labels, "what they are known by besides, for balancers that choose by labels: { version = \"2\" }"),
        preset("backup", Kind::Bool, "false", "used only when no other can be, by products with backups"),
        optional(
            "max_in_flight",
            Kind::Whole(1, u32::MAX as u64),
            "the most in flight at each, by products with such a limit; left out: none",
        ),
        optional(
            "max_waiting",
            Kind::Whole(1, u32::MAX as u64),
            "the most that wait for each at the balancer, by products that hold; left out: no limit",
        ),
        optional(
            "max_fails",
            Kind::Whole(0, u32::MAX as u64),
            "failures until each is left alone, by products that count; left out: the product's own",
        ),
        optional("fail_timeout", Kind::Span, "how long failures count, and how long it is left alone; left out: the product's own"),
        preset(
            "state",
            Kind::Choice(&["up", "down", "maintenance", "draining", "degraded", "busy", "connecting"]),
            "up",
            "what balancers believe of them from the start, whatever they are",
        ),
    ],
);

/// `backends.shed`.
pub static SHED: Entry = section(
    "shed",
    "CoDel: when every request has waited for longer than the target for a whole interval, one is shed, and ever more until waits are below the target",
    &[
        preset("target", Kind::Period, "5ms", "the wait that may stand"),
        preset(
            "interval",
            Kind::Period,
            "100ms",
            "how long waits may be above it; then the first is shed, and the next interval ÷ √n later",
        ),
    ],
);

/// `backends.cache`.
pub static CACHE: Entry = section(
    "cache",
    "least recently used keys make work lighter",
    &[
        optional("keys", Kind::Whole(1, MAX_PLACES), "how many keys it holds"),
        optional("hit", Kind::Share, "what work is multiplied by when the key is in it"),
    ],
);

/// `[network]`.
pub static NETWORK: Entry =
    section("network", "delays between zones", &[optional("between", Kind::Tables(&LINK), "added to `network` of the backend, one way")]);

/// `network.between`.
pub static LINK: Entry = section(
    "between",
    "a delay between two zones",
    &[
        optional("from", Kind::Name, "one zone"),
        optional("to", Kind::Name, "the other; applies both ways unless the other way has its own entry"),
        optional("delay", Kind::Dist, "one way"),
    ],
);

/// `[[balancer]]`.
pub static BALANCERS: Tagged = Tagged {
    tag: "kind",
    what: "a balancer",
    entries: || balance::entries().collect(),
    common: &[optional("name", Kind::Name, "how reports call it; left out: the kind")],
};

/// A balancer inside another: it has no label.
pub static INNER: Tagged = Tagged { common: &[], ..BALANCERS };

/// `[tier]`.
pub static TIER: Entry = section(
    "tier",
    "how many balancer instances there are, and what each knows",
    &[
        preset("instances", Kind::Whole(1, 100_000), "1", "balancer instances, each with only its own view of in-flight requests"),
        preset(
            "assign",
            Kind::Choice(&["random", "client"]),
            "random",
            "how a request finds its instance: drawn with the request, or by client",
        ),
        preset("picks", Kind::Choice(&["request", "connection"]), "request", "what a pick is made for; connection: layer 4"),
        preset("view", Kind::Choice(&["own", "shared"]), "own", "what counts an instance sees: its own requests only, or all instances'"),
        preset("refresh", Kind::Span, "0s", "the shared view is as of the last multiple of this; 0s: always exact"),
        preset("adds_own", Kind::Bool, "false", "own sends since the last refresh are added to the shared view"),
        optional("zone", Kind::Name, "where it is; [network] adds delays between zones"),
    ],
);

/// `[[variant]]`.
pub static VARIANT: Entry = section(
    "variant",
    "the same scenario with some keys changed",
    &[optional("name", Kind::Name, "how reports call it"), optional("set", Kind::Changes, "dotted keys and their values")],
);

/// `dist =`, wherever a distribution stands.
pub static DISTS: Tagged = Tagged { tag: "dist", what: "a distribution", entries: || DISTRIBUTIONS.iter().collect(), common: &[] };

/// A table of the file that a key could belong to, for "this key belongs in".
pub(crate) fn owner_of(key: &str, not: &str) -> Option<(String, &'static Parameter)> {
    let mut found = None;
    search(&ROOT, String::new(), key, not, &mut found);
    found
}

/// Walks the tree of keys, nearest to the top first.
fn search(entry: &'static Entry, path: String, key: &str, not: &str, found: &mut Option<(String, &'static Parameter)>) {
    let mut inner = Vec::new();
    for parameter in entry.parameters {
        let below = if path.is_empty() { parameter.name.to_owned() } else { format!("{path}.{}", parameter.name) };
        match parameter.kind {
            Kind::Table(entry) | Kind::Tables(entry) | Kind::OneOrMore(entry) => inner.push((entry, below)),
            Kind::Tagged(tagged) | Kind::TaggedTables(tagged) if parameter.name != "balancer" => {
                let common = tagged.common.iter().find(|common| common.name == key && common.name != "name");
                *found = found.take().or(common.filter(|_| below != not).map(|common| (below.clone(), common)));
                inner.extend((tagged.entries)().into_iter().map(|entry| (entry, below.clone())));
            }
            Kind::OrTable(_, entry) => inner.push((entry, below)),
            Kind::OneOfTables(entries) => inner.extend(entries.iter().map(|entry| (*entry, below.clone()))),
            Kind::Later(keys) if found.is_none() && keys.contains(&key) => *found = Some((below, parameter)),
            _ => {}
        }
    }
    if found.is_none() && path != not && !path.is_empty() {
        *found = entry.parameters.iter().find(|parameter| parameter.name == key).map(|parameter| (path.clone(), parameter));
    }
    for (entry, below) in inner {
        if found.is_none() {
            search(entry, below, key, not, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_know_their_table() {
        assert_eq!(owner_of("timeout", "traffic").map(|(path, _)| path), Some("client".into()));
        assert_eq!(owner_of("seed", "").map(|(path, _)| path), Some("run".into()));
        assert_eq!(owner_of("rate", "traffic").map(|(path, _)| path), Some("traffic.arrivals".into()));
        for (key, table) in
            [("mtbf", "fault"), ("target", "fault"), ("ttl", "discovery"), ("unhealthy_after", "health.active"), ("calls", "service")]
        {
            assert_eq!(owner_of(key, "").map(|(path, _)| path), Some(table.into()));
        }
        assert!(owner_of("nonsense", "").is_none());
    }
}
