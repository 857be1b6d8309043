//! gRPC's balancers of the catalogue, and what they have in common: who is connected.

use super::picked_first::PickFirst;
use super::ringed::Ringed;
use super::turns::{LeastRequest, RoundRobin};
use super::weighted::Weighted;
use super::{least_request, random_subsetting};
use crate::balance::fan::{Fan, Inner, Route};
use crate::balance::{BackendId, Ctx, Law, Listed, Pick, Pool, Request, State};
use crate::catalogue::{Entry, Kind, Parameter};

/// What they were compared with.
const PRODUCT: &str = "gRPC: grpcio 1.85.1 (C++), grpc-go 1.76";

/// gRPC's own balancers.
pub(in crate::balance) const LISTED: &[&Listed] =
    &[&PICK_FIRST, &ROUND_ROBIN, &WEIGHTED_ROUND_ROBIN, &LEAST_REQUEST, &RING_HASH, &RANDOM_SUBSETTING];

/// Nobody is connected: calls wait while somebody is being connected to, and fail otherwise.
#[cold]
pub(super) fn nobody(pool: &Pool) -> Pick {
    if pool.present().any(|backend| pool.state(backend) == State::Connecting) { Pick::Wait } else { Pick::None }
}

const WAITS: (Law, &str) = (Law::AnswersAtOnce, "calls wait while nobody is connected and somebody is being connected to");
const UNWEIGHTED: &[(Law, &str)] =
    &[WAITS, (Law::ZeroWeight, "it does not look at weights"), (Law::Weights, "it does not look at weights")];

static PICK_FIRST: Listed = Listed::new(
    Entry {
        name: "grpc/pick-first",
        summary: "everything to the first backend that can be reached",
        text: "The first connected backend of the list has all calls until its connection is lost, then the first again. `shuffle` orders the list once per \
               configuration, so that clients differ; weighted by u^(1 ÷ weight). O(1) per pick.",
        parameters: &[Parameter::with_default("shuffle", Kind::Choice(&["none", "random", "weighted"]), "none", "how the list is ordered")],
        reference: "gRPC A61, A62, A113",
    },
    |values| Box::new(PickFirst::new(values)),
)
.of(PRODUCT)
.approximate("connecting takes no time: there is no Happy Eyeballs and no backoff")
.breaks(UNWEIGHTED);

static ROUND_ROBIN: Listed = Listed::new(
    Entry {
        name: "grpc/round-robin",
        summary: "gRPC's turns over connected backends, from a drawn start",
        text: "Each connected backend in turn, in the order of the list; every change of states or members begins anew at a drawn place. O(1) per pick.",
        parameters: &[],
        reference: "grpc-go, balancer/roundrobin",
    },
    |_| Box::new(RoundRobin::default()),
)
.of(PRODUCT)
.breaks(UNWEIGHTED);

static WEIGHTED_ROUND_ROBIN: Listed = Listed::new(
    Entry {
        name: "grpc/weighted-round-robin",
        summary: "gRPC's turns by weights that backends report: a static stride",
        text: "Weight = qps ÷ (utilisation + errors per query × penalty) of the last report, after the blackout and before it expires; who has none gets the mean. A counter goes \
               round and skips who is not due. Without weights it goes round. O(mean ÷ heaviest weight) steps per pick.",
        parameters: &[
            Parameter::with_default("implementation", Kind::Choice(&["core", "go"]), "core", "whose scaling: C++ bounds weights around their mean, Go does not"),
            Parameter::with_default("blackout_period", Kind::Span, "10s", "reports count only after this"),
            Parameter::with_default("weight_expiration_period", Kind::Span, "3m", "a report older than this does not count"),
            Parameter::with_default("weight_update_period", Kind::Period, "1s", "how often the schedule is made anew"),
            Parameter::with_default("error_utilization_penalty", Kind::Number(0.0, 1e6), "1", "how much an error counts as utilisation"),
        ],
        reference: "gRPC A58; grpc C++ static_stride_scheduler.cc; grpc-go balancer/weightedroundrobin",
    },
    |values| Box::new(Weighted::new(values)),
)
.of(PRODUCT)
.breaks(&[
    WAITS,
    (Law::ZeroWeight, "weights are what backends report, not what is configured"),
    (Law::Weights, "weights are what backends report, not what is configured"),
]);

static LEAST_REQUEST: Listed = Listed::new(
    Entry {
        name: "grpc/least-request",
        summary: "gRPC's fewest calls in flight of a few drawn",
        text: "`choice_count` connected backends drawn with replacement, at most 10; the one with the fewest calls in flight, the first on a tie. O(choices) per pick.",
        parameters: &[Parameter::with_default("choice_count", Kind::Whole(2, 1_000_000), "2", "how many are drawn; more than 10 are 10")],
        reference: "gRPC A48",
    },
    |values| {
        let choices = least_request::choices(Some(values.whole("choice_count"))).expect("the catalogue takes nothing below 2");
        Box::new(LeastRequest { choices: choices as u32 })
    },
)
.of(PRODUCT)
.breaks(UNWEIGHTED);

static RING_HASH: Listed = Listed::new(
    Entry {
        name: "grpc/ring-hash",
        summary: "gRPC's ring: Envoy's with backends in the order of their keys, and walking on past who fails",
        text: "The ring holds all backends, whatever their state. The first from the key's place on that does not fail decides: a connected one has the call, one that is being \
               connected to lets it wait. O(1) per pick while few fail.",
        parameters: &[
            Parameter::with_default("min_ring_size", Kind::Whole(1, 8_388_608), "1024", "the fewest points in all"),
            Parameter::with_default("max_ring_size", Kind::Whole(1, 8_388_608), "4096", "the most points in all"),
            Parameter::with_default("ring_size_cap", Kind::Whole(1, 8_388_608), "4096", "what a client caps both at"),
        ],
        reference: "gRPC A42, A61, A76",
    },
    |values| Box::new(Ringed::new(values)),
)
.checked(|values| {
    let (least, most) = (values.whole("min_ring_size"), values.whole("max_ring_size"));
    if least > most { Err(format!("the minimum ring size {least} is above the maximum {most}; gRPC refuses that")) } else { Ok(()) }
})
.of(PRODUCT)
.by_key()
.breaks(&[WAITS, (Law::Weights, "a ring of so few points follows them only roughly"), (Law::OnlyOwnKeysMove, "the ring's size depends on the lightest share, so when a backend leaves the list a few keys of others move")]);

static RANDOM_SUBSETTING: Listed = Listed::new(
    Entry {
        name: "grpc/random-subsetting",
        summary: "gRPC's random subset of the backends, then a balancer over it",
        text: "Backends are sorted by the hash of their address with a seed of the instance's own, and the first `subset_size` are used. When a backend goes, only its \
               instances take another. O(1), and the inner balancer's.",
        parameters: &[
            Parameter::with_default("subset_size", Kind::Whole(1, 1_000_000), "20", "how many backends an instance uses"),
            Parameter::with_default("balancer", Kind::Balancer, "grpc/round-robin", "the balancer over them"),
        ],
        reference: "gRPC A68",
    },
    |values| Box::new(Fan::new(Subset { size: values.whole("subset_size") as usize, seed: None }, Inner::of(values, "balancer"))),
)
.of(PRODUCT)
.breaks(&[
    WAITS,
    (Law::ZeroWeight, "the subset is chosen without weights, and by default balanced without"),
    (Law::Weights, "an instance uses only some backends"),
]);

#[derive(Debug)]
struct Subset {
    size: usize,
    seed: Option<u64>,
}

impl Route for Subset {
    fn groups(&mut self, pool: &Pool, ctx: &mut Ctx<'_>) -> Vec<Vec<BackendId>> {
        let seed = *self.seed.get_or_insert_with(|| ctx.chance.bits());
        let backends: Vec<BackendId> = pool.present().collect();
        let addresses: Vec<&str> = backends.iter().map(|&backend| pool.member(backend).address.as_str()).collect();
        vec![random_subsetting::subset(&addresses, self.size, seed).into_iter().map(|place| backends[place]).collect()]
    }

    fn choose(&mut self, _: &Request<'_>, _: &Pool, _: &mut Ctx<'_>) -> Option<usize> {
        Some(0)
    }
}
