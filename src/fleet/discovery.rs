//! `[discovery]` and `[autoscale]`: which backends there are, and when balancers learn of it.

use crate::dist::Dist;
use crate::time::Span;

/// `[discovery]`: how a balancer instance learns of joins and departures. (Of a backend's health it learns by `[health]`.)
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Discovery {
    /// Left out: at once.
    #[default]
    AtOnce,
    /// `static`: never; those of the start are all it knows.
    Static,
    /// `dns`: each instance asks again when its answer is older than `ttl`, from a phase of its own.
    Dns {
        /// How long an answer keeps.
        ttl: Span,
    },
    /// `registry`: every instance is told after this delay, drawn for each.
    Registry {
        /// From the change to the instance.
        delay: Dist,
    },
    /// `poll`: every instance asks at multiples of this, from a phase of its own.
    Poll {
        /// From one answer to the next.
        interval: Span,
    },
}

/// `[autoscale]`: members of one group come and go with its utilization.
#[derive(Clone, Debug, PartialEq)]
pub struct Autoscale {
    /// `backends`: the group, by name; left out, the first. An index into the plan's groups.
    pub group: usize,
    /// `target_utilization`: wanted = present × utilization ÷ target, rounded up.
    pub target_utilization: f64,
    /// `min`.
    pub min: u32,
    /// `max`: the group's `count` is how many there are at the start.
    pub max: u32,
    /// `interval`: how often it decides, by the utilization since the decision before. Default 15 s.
    pub interval: Span,
    /// `stabilization`: scales down to the highest number wanted in this time. Default 5 min.
    pub stabilization: Span,
    /// `tolerance`: no change while utilization ÷ target is within this of 1. Default 10%.
    pub tolerance: f64,
    /// `start_up`: from the decision until it serves.
    pub start_up: Dist,
    /// `drain`: how long one that leaves is drained before it is gone. Default 30 s.
    pub drain: Span,
}
