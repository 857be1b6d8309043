//! `[discovery]` and `[autoscale]`: which backends there are, and when balancers learn of it.

use super::{optional, preset, section};
use crate::catalogue::{Entry, Kind, Tagged};

/// `[discovery]`.
pub static DISCOVERIES: Tagged = Tagged { tag: "kind", what: "a discovery", entries: || DISCOVERY.iter().collect(), common: &[] };

/// `discovery.kind`.
pub static DISCOVERY: [Entry; 4] = [
    section("static", "never: the backends of the start are all that balancers know", &[]),
    section(
        "dns",
        "each balancer instance asks again when its answer is too old, from a phase of its own",
        &[optional("ttl", Kind::Period, "how long an answer keeps")],
    ),
    section(
        "registry",
        "every balancer instance is told, after a delay that is drawn for each",
        &[optional("delay", Kind::Dist, "from the change to the instance")],
    ),
    section(
        "poll",
        "every balancer instance asks at equal intervals, from a phase of its own",
        &[optional("interval", Kind::Period, "from one answer to the next")],
    ),
];

/// `[autoscale]`.
pub static AUTOSCALE: Entry = section(
    "autoscale",
    "members of one group come and go with its utilization",
    &[
        optional("backends", Kind::Name, "the group, by name; its `count` is how many there are at the start; left out: the first"),
        optional("target_utilization", Kind::Above(0.0, 1.0), "wanted are present × utilization ÷ target, rounded up"),
        preset("min", Kind::Whole(1, 1_000_000), "1", "no fewer than this"),
        optional("max", Kind::Whole(1, 1_000_000), "no more than this"),
        preset("interval", Kind::Period, "15s", "how often it is decided, by the utilization since the decision before"),
        preset("stabilization", Kind::Span, "5m", "scales down to the highest number wanted in this time"),
        preset("tolerance", Kind::Share, "10%", "no change while utilization ÷ target is within this of 1"),
        preset("start_up", Kind::Dist, "0s", "from the decision until a new one serves"),
        preset("drain", Kind::Span, "30s", "how long one that leaves is drained before it is gone"),
    ],
);
