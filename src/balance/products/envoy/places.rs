//! Envoy's balancers that look at where backends stand: by weights of localities, and by zones.
//!
//! Each puts a choice of [locality](super::locality) or [zone](super::zone) between the priority and one of the policies. A locality's weight is the label
//! `locality_weight` of its first backend, 1 where there is none.

use super::balancer::{Envoy, Within};
use super::cluster::{FAIL_ON_PANIC, OVERPROVISIONING, Options, PANIC, Spread};
use super::least_requests::LeastRequest;
use super::random::Random;
use super::round_robin::{RoundRobin, slow_start};
use super::{BREAKS_BY_PLACE, PRODUCT, least_requests};
use crate::balance::Listed;
use crate::catalogue::{Entry, Kind, Parameter, Value, Values};

const POLICY: Parameter = Parameter::with_default(
    "policy",
    Kind::Choice(&["round-robin", "least-request", "random"]),
    "round-robin",
    "how a backend is chosen in its place",
);

pub(in crate::balance) static LOCALITY_WEIGHTED: Listed = Listed::new(
    Entry {
        name: "envoy/locality-weighted",
        summary: "Envoy's localities (zones) by weight, then one of its policies",
        text: "A locality is chosen by earliest deadline first, by its weight × min(1, 1.4 × its healthy share); then a backend of it by the policy. A locality's weight \
               is the label `locality_weight` of its first backend, 1 without; 0 is never chosen. O(log localities), and the policy's.",
        parameters: &[POLICY, PANIC, OVERPROVISIONING, FAIL_ON_PANIC],
        reference: "Envoy, source/extensions/load_balancing_policies/common/locality_wrr.cc",
    },
    |values| Box::new(Envoy::new(Options::of(values, Spread::Localities), policy(values))),
)
.of(PRODUCT)
.breaks(BREAKS_BY_PLACE);

pub(in crate::balance) static ZONE_AWARE: Listed = Listed::new(
    Entry {
        name: "envoy/zone-aware",
        summary: "Envoy's zone aware routing: stays in the own zone as far as it has backends for its callers",
        text: "All traffic stays while the own zone's share of healthy backends is at least its share of callers; otherwise what it can carry stays, and the rest \
               goes to zones in proportion to what they can spare. All zones count as having as many callers. Only priority 0. O(zones), and the policy's.",
        parameters: &[
            POLICY,
            Parameter::with_default("zone", Kind::Text, "", "the own zone; left out, the first backend's"),
            Parameter::with_default("min_cluster_size", Kind::Whole(0, 1_000_000), "6", "with fewer healthy backends zones do not matter: shares are too coarse"),
            PANIC,
            OVERPROVISIONING,
            FAIL_ON_PANIC,
        ],
        reference: "Envoy, source/extensions/load_balancing_policies/common/load_balancer_impl.cc",
    },
    |values| {
        let spread = Spread::Zones { own: values.text("zone").to_owned(), least_backends: values.whole("min_cluster_size") };
        Box::new(Envoy::new(Options::of(values, spread), policy(values)))
    },
)
.of(PRODUCT)
.approximate("all zones count as having as many callers, as balancers do not know the other instances")
.breaks(BREAKS_BY_PLACE);

/// The policy within a place, with its own defaults.
fn policy(values: &Values) -> Box<dyn Within> {
    let mut defaults = Values::default();
    defaults.set("selection", Value::Text("n-choices".into()));
    defaults.set("choice_count", Value::Whole(2));
    defaults.set("active_request_bias", Value::Number(1.0));
    defaults.set("slow_start_window", Value::Span(crate::time::Span::ZERO));
    defaults.set("slow_start_aggression", Value::Number(1.0));
    defaults.set("slow_start_least", Value::Number(0.1));
    debug_assert!(least_requests::LISTED.entry.parameters.iter().take(6).all(|parameter| defaults.get(parameter.name).is_some()));
    match values.text("policy") {
        "least-request" => Box::new(LeastRequest::new(&defaults)),
        "random" => Box::new(Random),
        _ => Box::new(RoundRobin::new(slow_start(&defaults))),
    }
}
