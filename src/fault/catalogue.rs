//! Every kind of fault with its keys: what it does, and where it is known from.

use crate::catalogue::{Entry, Kind, Parameter, Tagged};

const fn optional(name: &'static str, kind: Kind, text: &'static str) -> Parameter {
    Parameter::optional(name, kind, text)
}

const fn preset(name: &'static str, kind: Kind, default: &'static str, text: &'static str) -> Parameter {
    Parameter::with_default(name, kind, default, text)
}

/// `[[fault]]`.
pub static FAULTS: Tagged = Tagged {
    tag: "kind",
    what: "a fault",
    entries: || KINDS.iter().collect(),
    common: &[
        optional("name", Kind::Name, "how reports and rules call it; left out: kind:target"),
        optional(
            "target",
            Kind::Name,
            "who is hit: a backend or a group by name, a glob \"web-*\", \"zone:a\", \"service:cart\", \"20%\" or \"random:2\" (drawn anew each time), \"all\"",
        ),
        optional("at", Kind::Span, "when it begins (the first time); with `mtbf` from when on it may, and 0s where left out"),
    ],
};

const LASTS: Parameter = optional("for", Kind::Period, "how long it lasts; left out: to the end");
const EVERY: Parameter = optional("every", Kind::Period, "it happens again, from beginning to beginning");
const MTBF: Parameter = optional(
    "mtbf",
    Kind::Period,
    "instead of `for` and `every`: the mean time from the end of one to the beginning of the next, exponential",
);
const MTTR: Parameter = optional("mttr", Kind::Period, "with `mtbf`: the mean time that it lasts, exponential");
const FACTOR: Parameter =
    preset("factor", Kind::Above(0.0, 1.0), "1", "what its speed is multiplied by at first, going up to 1 in a straight line");
const OVER: Parameter = preset("over", Kind::Span, "0s", "how long until it is as fast as it is");
const DRAIN: Parameter = preset("drain", Kind::Span, "0s", "how long it still serves what comes after it has announced that it leaves");

/// `fault.kind`.
pub static KINDS: [Entry; 14] = [
    Entry::new(
        "crash",
        "all work there is lost, and what comes is refused",
        "Requests that were there end as `crashed`, those that come while it lasts as `refused`; both at once, since the machine that is up answers for the \
         program that is not. Afterwards it is empty, and caches are cold.",
        &[LASTS, EVERY, MTBF, MTTR],
        "fail-stop: Schlichting and Schneider, Fail-stop processors, ACM TOCS 1983",
    ),
    Entry::new(
        "hang",
        "it accepts and never answers",
        "What is there when it begins is never answered either. Without a timeout such requests never end, and count as unfinished. Afterwards what comes is \
         served; what hung is lost.",
        &[LASTS, EVERY, MTBF, MTTR],
        "omission faults: Cristian, Understanding fault-tolerant distributed systems, CACM 1991",
    ),
    Entry::new(
        "slow",
        "its speed is multiplied by a factor",
        "Work that is under way takes longer from then on, and what it has done remains done. A factor above 1 makes it faster.",
        &[optional("factor", Kind::Above(0.0, 1e6), "0.5 is half as fast"), LASTS, EVERY, MTBF, MTTR],
        "fail-slow: Gunawi et al., Fail-slow at scale, FAST 2018",
    ),
    Entry::new(
        "errors",
        "a share of the attempts is answered with an error",
        "Which attempts fail belongs to the requests: every balancer meets the same. With a short `takes` a backend that fails is the fastest of all, and draws \
         the traffic of every balancer that follows latency or requests in flight.",
        &[
            optional("share", Kind::Share, "of the attempts that begin service while it lasts"),
            optional("takes", Kind::Dist, "how long a failed attempt holds its worker; left out: its work"),
            LASTS,
            EVERY,
            MTBF,
            MTTR,
        ],
        "Amazon Builders' Library, Implementing health checks (a server that fails fast gets more)",
    ),
    Entry::new(
        "pause",
        "it accepts, keeps the work done, and goes on with it later",
        "A stop of the world: garbage collection, a virtual machine that is moved, a throttled container. Nothing is lost, and nothing is answered while it lasts.",
        &[LASTS, EVERY, MTBF, MTTR],
        "Dean and Barroso, The tail at scale, CACM 2013",
    ),
    Entry::new(
        "flap",
        "it crashes and comes back in turn, down first",
        "Each time down is a crash. It lasts for `for`, and ends up.",
        &[
            optional("up", Kind::Period, "how long it is up each time"),
            optional("down", Kind::Period, "how long it is down each time"),
            LASTS,
            EVERY,
            MTBF,
            MTTR,
        ],
        "",
    ),
    Entry::new(
        "latency",
        "every way to and from it takes longer",
        "Attempts, answers and probes alike; drawn for each way.",
        &[optional("add", Kind::Dist, "so much longer, one way"), LASTS, EVERY, MTBF, MTTR],
        "",
    ),
    Entry::new(
        "loss",
        "a share of what is sent to and from it is lost",
        "Attempts, answers and probes alike, one way each: nobody hears of what is lost, and only a timeout ends the wait. An attempt whose answer is lost has been \
         served all the same.",
        &[optional("share", Kind::Share, "of what is sent, each way"), LASTS, EVERY, MTBF, MTTR],
        "",
    ),
    Entry::new(
        "partition",
        "nothing passes between some of its callers and it",
        "Either way, probes included. Others reach it as before, so that beliefs differ between balancer instances.",
        &[
            optional(
                "from",
                Kind::Names,
                "who is cut off from it: \"zone:a\", \"balancer:0\" (an instance of the tier), a calling backend or a group of them by name",
            ),
            LASTS,
            EVERY,
            MTBF,
            MTTR,
        ],
        "",
    ),
    Entry::new(
        "stale",
        "health and discovery of it stay as they are believed to be",
        "What changes while it lasts is learned when it is over.",
        &[LASTS, EVERY, MTBF, MTTR],
        "",
    ),
    Entry::new(
        "leave",
        "it is drained and then gone, and comes back at the end",
        "For `drain` it serves on and discovery takes it off the list; then it is gone, and what comes is refused. It comes back when `for` is over, which \
         includes the drain.",
        &[DRAIN, LASTS, EVERY, MTBF, MTTR],
        "",
    ),
    Entry::new(
        "join",
        "it is not there before, and cold at first",
        "Until `at` it is not there. With `for` it is gone again after that. A join happens once: for backends that come and go there is `leave`.",
        &[FACTOR, OVER, LASTS],
        "",
    ),
    Entry::new(
        "deploy",
        "the targets are replaced one batch after another: drained, gone, back and cold",
        "A batch begins as soon as the one before is back, whether still cold or not. The order is that of the backends. It lasts until the last batch is back and warm.",
        &[
            preset("batch", Kind::Whole(1, 1_000_000), "1", "how many at once"),
            DRAIN,
            optional("takes", Kind::Period, "how long each is gone"),
            FACTOR,
            OVER,
            EVERY,
        ],
        "Kubernetes, rolling update of a Deployment (maxSurge = 0, maxUnavailable = batch)",
    ),
    Entry::new(
        "surge",
        "arrivals are multiplied",
        "Of the traffic source that is its target, or of all: on top of the source's shape. Not for closed sources, whose clients ask as fast as they are answered. Target \
         left out: all.",
        &[optional("factor", Kind::Number(0.0, 1e6), "by this"), LASTS, EVERY, MTBF, MTTR],
        "",
    ),
];
