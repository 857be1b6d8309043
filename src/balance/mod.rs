//! Balancers. (stub: the engine's author is filling this in; `entries()` stays)
use crate::catalogue::{Entry, Kind, Parameter};

const TIES: Parameter = Parameter::with_default("ties", Kind::Choice(&["random", "first", "round-robin"]), "random", "which backend where several are equal");

const fn entry(name: &'static str, summary: &'static str, parameters: &'static [Parameter]) -> Entry {
    Entry { name, summary, text: "", parameters, reference: "" }
}

static ENTRIES: &[Entry] = &[
    entry("round-robin", "each backend in turn", &[]),
    entry("weighted-round-robin", "each backend in turn, in proportion to its weight", &[Parameter::with_default("style", Kind::Choice(&["smooth"]), "smooth", "how turns are spread")]),
    entry("random", "a backend drawn uniformly", &[]),
    entry("weighted-random", "a backend drawn in proportion to its weight", &[]),
    entry("least-connections", "the backend with the fewest requests in flight", &[TIES, Parameter::with_default("weighted", Kind::Bool, "false", "compare in flight ÷ weight")]),
    entry("power-of-d", "the least loaded of a few drawn at random", &[Parameter::with_default("choices", Kind::Whole(1, 1_000_000), "2", "how many are drawn"), Parameter::with_default("distinct", Kind::Bool, "true", "draw different backends")]),
    entry("ring-hash", "the next point clockwise of the key's hash", &[Parameter::with_default("points", Kind::Whole(1, 10_000), "160", "points per unit of weight")]),
    entry("join-shortest-queue", "an oracle: the backend with the fewest requests there", &[TIES]),
    entry("least-work", "an oracle: the backend with the least unfinished work", &[TIES]),
    entry("central-queue", "an oracle: one queue for all", &[]),
];

/// Every balancer that a scenario can name.
#[must_use]
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    ENTRIES.iter()
}
