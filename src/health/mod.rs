//! What balancers believe of backends, which is never quite what they are: probes, passive ejection, panic, slow start.
//!
//! Each balancer instance judges by itself. Rules of products are plain values here: time and chance are arguments.

pub mod ejection;
pub mod outlier;

use crate::dist::Dist;
use crate::time::Span;

/// `[health]`. By default nothing: every backend is believed to be up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Health {
    /// `panic_below`: with a smaller share than this believed healthy, all are used again. 0 never does.
    pub panic_below: f64,
    /// `slow_start`.
    pub slow_start: Option<SlowStart>,
    /// `[health.active]`.
    pub active: Option<Active>,
    /// `[health.outlier]`.
    pub outlier: Option<Outlier>,
}

/// `slow_start = "30s"`, or `{ window, aggression = 1.0, min = "10%" }`: a backend that joins or returns has its weight times
/// max(min, (time ÷ window)^(1 ÷ aggression)) until the window is over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlowStart {
    /// How long.
    pub window: Span,
    /// 1 is linear; above, it rises fast at first.
    pub aggression: f64,
    /// The least factor.
    pub min: f64,
}

/// `[health.active]`: each balancer instance probes each backend.
#[derive(Clone, Debug, PartialEq)]
pub struct Active {
    /// `interval`: from one probe to the next.
    pub interval: Span,
    /// `fast_interval`: the same, while it has failed or passed some but not enough to change the verdict.
    pub fast_interval: Option<Span>,
    /// `jitter`: a share of the interval that is added at random. Default 0; the first probe comes anywhere in the first interval.
    pub jitter: f64,
    /// `timeout`: no answer after this is a failure. Default 1 s.
    pub timeout: Span,
    /// `takes`: what a probe takes at the backend, beside the network and the queue. Default 0 s.
    pub takes: Dist,
    /// `unhealthy_after`: failures in a row. Default 3.
    pub unhealthy_after: u32,
    /// `healthy_after`: passes in a row. Default 2.
    pub healthy_after: u32,
}

/// `[health.outlier]`: judged by real traffic.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlier {
    /// `rules`: `"envoy"` (default) or `"grpc"`: where they differ ([`ejection`]).
    pub product: ejection::Product,
    /// `consecutive_errors`: so many failures in a row; `None` where another rule was given and this was not. Alone, default 5.
    pub consecutive_errors: Option<u32>,
    /// `success_rate = { deviations = 1.9, min_backends = 5, min_requests = 100 }`.
    pub success_rate: Option<Deviations>,
    /// `failure_percentage = { above = "85%", min_backends = 5, min_requests = 50 }`.
    pub failure_percentage: Option<Percentage>,
    /// `interval`: how often rates are judged and ejections end. Default 10 s.
    pub interval: Span,
    /// `ejection`: the first, growing by itself with each. Default 30 s.
    pub ejection: Span,
    /// `max_ejection`: the longest. Default 300 s.
    pub max_ejection: Span,
    /// `max_ejected`: the share that may be out at once. Default 10%.
    pub max_ejected: f64,
    /// `always_one`: one may be out whatever the share (Envoy's `always_eject_one_host`). Default false.
    pub always_one: bool,
}

/// `outlier.success_rate`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deviations {
    /// So many standard deviations below the mean of all.
    pub deviations: f64,
    /// With at least so many backends …
    pub min_backends: u32,
    /// … of so many requests each in the interval.
    pub min_requests: u32,
}

/// `outlier.failure_percentage`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percentage {
    /// From this share of failures on (gRPC: above it).
    pub above: f64,
    /// With at least so many backends …
    pub min_backends: u32,
    /// … of so many requests each in the interval.
    pub min_requests: u32,
}
