//! Envoy: priorities and panic, localities, and the policies that choose within them.
//!
//! A pick goes through levels: which priority, by how much of each is healthy ([`priority`]); which zone or locality of it ([`zone`],
//! [`locality`]); which backend, by the policy. Rules as of `source/extensions/load_balancing_policies` in 2025.

mod balancer;
pub mod bounded_load;
pub mod client_side_weights;
mod cluster;
pub mod cost;
mod hashing;
pub mod least_request;
mod least_requests;
pub mod locality;
pub mod normalized;
mod peak_ewma;
mod places;
pub mod priority;
pub mod random;
pub mod ring;
mod round_robin;
pub mod schedule;
pub mod slow_start;
pub mod subset;
mod subsets;
pub mod zone;

use crate::balance::{Law, Listed};

/// What they were compared with: file versions of several commits, named in the specification of the vectors.
const PRODUCT: &str = "Envoy 1.36";

/// Envoy's own balancers.
pub(in crate::balance) const LISTED: &[&Listed] = &[
    &round_robin::LISTED,
    &round_robin::CLIENT_SIDE_WEIGHTED,
    &least_requests::LISTED,
    &random::LISTED,
    &peak_ewma::LISTED,
    &hashing::RING_HASH,
    &hashing::MAGLEV,
    &places::LOCALITY_WEIGHTED,
    &places::ZONE_AWARE,
    &subsets::LISTED,
];

const PANICS: (Law, &str) =
    (Law::OnlyEligible, "with less than `panic_threshold` healthy all are used: the health checks are then more likely wrong");
const ALL_DOWN: (Law, &str) =
    (Law::NobodyLeft, "with nobody healthy all are used, unless `panic_threshold` is 0 or `fail_traffic_on_panic` is set");

/// What panic breaks.
const BREAKS: &[(Law, &str)] = &[PANICS, ALL_DOWN];

/// The same, of what ignores weights.
const BREAKS_UNWEIGHTED: &[(Law, &str)] = &[PANICS, ALL_DOWN, (Law::Weights, "it does not look at weights, save that 0 is no backend")];

/// The same, of what goes by reported weights.
const BREAKS_REPORTED: &[(Law, &str)] = &[PANICS, ALL_DOWN, (Law::Weights, "weights are what backends report, save that 0 is no backend")];

/// The same, of subsets.
const BREAKS_IN_SUBSETS: &[(Law, &str)] = &[
    PANICS,
    ALL_DOWN,
    (Law::ZeroWeight, "with `fallback = \"none\"` a request that fits no subset goes to nobody, whoever has weight"),
    (Law::Weights, "with `fallback = \"none\"` a request that fits no subset goes to nobody"),
    (Law::AnswersAtOnce, "as the balancer within the subset does"),
];

/// The same, of a table.
const BREAKS_IN_A_TABLE: &[(Law, &str)] = &[
    PANICS,
    ALL_DOWN,
    (Law::Weights, "with `locality_weighted` they are shared out within a locality, not over all"),
    (Law::OnlyOwnKeysMove, "a table's turns depend on who takes part, so a few keys of others move; panic moves many"),
];

/// The same, of a ring.
const BREAKS_ON_A_RING: &[(Law, &str)] = &[
    PANICS,
    ALL_DOWN,
    (Law::Weights, "a ring of so few points follows them only roughly"),
    (Law::OnlyOwnKeysMove, "the ring is as large as the lightest share needs, so a few keys of others move; panic moves many"),
];

/// The same, of what goes by place.
const BREAKS_BY_PLACE: &[(Law, &str)] =
    &[PANICS, ALL_DOWN, (Law::Weights, "weights are shared out within a zone or locality, not over all")];
