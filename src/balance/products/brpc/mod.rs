//! Apache brpc's balancers, inside its channels.

mod ewma;
mod locality;
mod stride;

pub use stride::stride;

use crate::balance::{Law, Listed};
use crate::catalogue::{Entry, Kind, Parameter};

pub(in crate::balance) const LISTED: &[&Listed] = &[&WRR, &LA, &P2C_EWMA];

const PRODUCT: &str = "brpc (71871ee9)";
const UNWEIGHTED: &[(Law, &str)] = &[(Law::ZeroWeight, "it does not look at weights"), (Law::Weights, "it does not look at weights")];

const TIMEOUT: Parameter = Parameter::with_default(
    "timeout",
    Kind::Period,
    "500ms",
    "a request's timeout, by which failures are judged; half a second is brpc's own",
);

static WRR: Listed = Listed::new(
    Entry {
        name: "brpc/wrr",
        summary: "brpc's wrr: strides over servers laid end to end",
        text: "Servers lie on a ring, each as long as it weighs; each pick goes on by the same prime. Every unit is reached once in a round. O(log n) per pick.",
        parameters: &[],
        reference: "apache/brpc, src/brpc/policy/weighted_round_robin_load_balancer.cpp",
    },
    |_| Box::new(stride::Stride::default()),
)
.of(PRODUCT)
.approximate("the stride is the first of all primes, where brpc has a list of some; a server that goes begins the walk anew")
.whole_weights(0, 1_000_000);

static LA: Listed = Listed::new(
    Entry {
        name: "brpc/la",
        summary: "brpc's la: drawn by throughput over latency, less for who is late",
        text: "Weights are answers per second over latency, from the last 128 answers, less where requests under way are late; a draw that the weight of this instant does not \
               cover is made again. O(log n) per draw.",
        parameters: &[TIMEOUT],
        reference: "apache/brpc, src/brpc/policy/locality_aware_load_balancer.cpp",
    },
    |values| Box::new(locality::LocalityAware::new(values.span("timeout"))),
)
.of(PRODUCT)
.approximate("built from a description; a failure counts as half way to the timeout, where brpc goes by the attempts that are left")
.breaks(UNWEIGHTED);

static P2C_EWMA: Listed = Listed::new(
    Entry {
        name: "brpc/p2c-ewma",
        summary: "brpc's p2c_ewma: two draws by latency × requests, quick to see what is slow",
        text: "Two different servers; the lower latency × (requests + 1). Latency jumps up at once and sinks over 10 s; failures count as slow. O(1) per pick.",
        parameters: &[TIMEOUT],
        reference: "apache/brpc, src/brpc/policy",
    },
    |values| Box::new(ewma::PeakEwma::new(values.span("timeout"))),
)
.of(PRODUCT)
.approximate("built from a description; the average does not sink between answers")
.breaks(UNWEIGHTED);
