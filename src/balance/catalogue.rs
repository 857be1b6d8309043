//! The one list of balancers that scenarios can name.

use super::*;
use crate::catalogue::{Entry, Values};
use std::sync::{PoisonError, RwLock};

/// A balancer that scenarios can name: what is said of it, and how it is made.
#[derive(Debug)]
pub struct Listed {
    /// Name, parameters, words.
    pub entry: Entry,
    /// Makes one instance from decoded parameters.
    pub build: fn(&Values) -> Box<dyn Balancer>,
    /// Says what is wrong with parameters that are right one by one, and behind a semicolon what would be right.
    pub check: fn(&Values) -> Result<(), String>,
    /// The product whose rule it is, with the version it was compared with. Empty: nobody's in particular.
    pub product: &'static str,
    /// Why it is not wholly the product's rule, where that is so. Empty: it is.
    pub approximate: &'static str,
    /// Whether it goes by the request's key or client: the same one goes to the same backend, whatever the load.
    pub by_key: bool,
    /// Takes only whole weights between these, bounds included. `None`: any finite weight of at least 0.
    pub whole_weights: Option<(u32, u32)>,
    /// How many entries of 16 bytes it makes for each unit of weight, roughly: there is a limit in all. 0: their number does not go by weight.
    pub points_per_weight: u32,
    /// The laws it does not keep, and why.
    pub breaks: &'static [(Law, &'static str)],
}

/// What one would expect of every balancer. Products break some by design, and then say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Law {
    /// Only who is eligible is picked.
    OnlyEligible,
    /// Weight 0 means no requests, while somebody has weight.
    ZeroWeight,
    /// Where nobody is eligible nobody is picked.
    NobodyLeft,
    /// In an idle pool, shares follow the weights.
    Weights,
    /// When a backend leaves only its own keys move; when it comes back they come back. Asked of who goes by key.
    OnlyOwnKeysMove,
    /// The answer is given at once. Who breaks it may hold requests.
    AnswersAtOnce,
}

impl Law {
    /// All laws.
    pub const ALL: [Self; 6] =
        [Self::OnlyEligible, Self::ZeroWeight, Self::NobodyLeft, Self::Weights, Self::OnlyOwnKeysMove, Self::AnswersAtOnce];

    /// The law in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::OnlyEligible => "only eligible backends are picked",
            Self::ZeroWeight => "a backend of weight 0 gets nothing while another has weight",
            Self::NobodyLeft => "where no backend is eligible none is picked",
            Self::Weights => "in an idle pool shares follow the weights",
            Self::OnlyOwnKeysMove => "when a backend leaves only its own keys move, and they come back with it",
            Self::AnswersAtOnce => "a request is never held at the balancer",
        }
    }
}

impl Listed {
    /// A balancer of nobody in particular that keeps all laws and does not look at the key.
    #[must_use]
    pub const fn new(entry: Entry, build: fn(&Values) -> Box<dyn Balancer>) -> Self {
        Self {
            entry,
            build,
            check: |_| Ok(()),
            product: "",
            approximate: "",
            by_key: false,
            whole_weights: None,
            points_per_weight: 0,
            breaks: &[],
        }
    }

    /// The same, with a look at the parameters together.
    #[must_use]
    pub const fn checked(self, check: fn(&Values) -> Result<(), String>) -> Self {
        Self { check, ..self }
    }

    /// The same, as the rule of a product.
    #[must_use]
    pub const fn of(self, product: &'static str) -> Self {
        Self { product, ..self }
    }

    /// The same, but not wholly the product's rule.
    #[must_use]
    pub const fn approximate(self, why: &'static str) -> Self {
        Self { approximate: why, ..self }
    }

    /// The same, going by key.
    #[must_use]
    pub const fn by_key(self) -> Self {
        Self { by_key: true, ..self }
    }

    /// The same, taking only whole weights between these.
    #[must_use]
    pub const fn whole_weights(self, least: u32, most: u32) -> Self {
        Self { whole_weights: Some((least, most)), ..self }
    }

    /// The same, making so many entries for each unit of weight.
    #[must_use]
    pub const fn points_per_weight(self, points_per_weight: u32) -> Self {
        Self { points_per_weight, ..self }
    }

    /// The same, not keeping some laws.
    #[must_use]
    pub const fn breaks(self, breaks: &'static [(Law, &'static str)]) -> Self {
        Self { breaks, ..self }
    }

    /// Why a law is not kept, if it is not.
    #[must_use]
    pub fn broken(&self, law: Law) -> Option<&'static str> {
        self.breaks.iter().find(|(broken, _)| *broken == law).map(|&(_, why)| why)
    }
}

/// Every balancer of ours, in the order in which they are listed.
static CATALOGUE: &[&[&Listed]] = &[
    GENERAL,
    products::nginx::LISTED,
    products::haproxy::LISTED,
    products::envoy::LISTED,
    products::grpc::LISTED,
    products::finagle::LISTED,
    products::MESHES,
    products::pingora::LISTED,
    products::caddy::LISTED,
    products::ipvs::LISTED,
    products::traefik::LISTED,
    products::kube_proxy::LISTED,
    products::dubbo::LISTED,
    products::micro::LISTED,
    products::ribbon::LISTED,
    products::brpc::LISTED,
    products::registries::LISTED,
];

const GENERAL: &[&Listed] = &[
    &round_robin::LISTED,
    &weighted_round_robin::LISTED,
    &random::RANDOM,
    &random::WEIGHTED,
    &least_connections::LISTED,
    &power_of_d::LISTED,
    &expected_delay::SHORTEST,
    &expected_delay::NEVER_QUEUE,
    &modulo_hash::HASH,
    &modulo_hash::SOURCE_HASH,
    &ring_hash::LISTED,
    &rendezvous::LISTED,
    &jump_hash::LISTED,
    &sticky::LISTED,
    &as_recorded::LISTED,
    &first::LISTED,
    &late_binding::PULL,
    &late_binding::JBSQ,
    &maglev::LISTED,
    &peak_ewma::LISTED,
    &least_latency::LISTED,
    &bounded_load::LISTED,
    &client_side_weighted::LISTED,
    &prequal::LISTED,
    &join_idle_queue::LISTED,
    &c3::LISTED,
    &subset::SUBSET,
    &subset::APERTURE,
    &places::ZONE_AWARE,
    &places::LOCALITY_WEIGHTED,
    &oracle::SHORTEST_QUEUE,
    &oracle::LEAST_WORK,
    &oracle::CENTRAL_QUEUE,
    #[cfg(feature = "script")]
    &script::LISTED,
];

/// What others have registered.
static REGISTERED: RwLock<Vec<&'static Listed>> = RwLock::new(Vec::new());

/// That a name is in the catalogue already.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is a balancer `{0}` already")]
pub struct Taken(pub &'static str);

/// Makes a balancer known by its name, for this process. Scenarios can then name it like those of the catalogue.
///
/// # Errors
/// [`Taken`] where the name is one of the catalogue's, or was registered for another balancer before.
pub fn register(listed: &'static Listed) -> Result<(), Taken> {
    match find(listed.entry.name) {
        Some(same) if std::ptr::eq(same, listed) => Ok(()),
        Some(_) => Err(Taken(listed.entry.name)),
        None => {
            REGISTERED.write().unwrap_or_else(PoisonError::into_inner).push(listed);
            Ok(())
        }
    }
}

/// Every balancer, in the order in which they are listed; registered ones last.
#[must_use]
pub fn listed() -> Vec<&'static Listed> {
    let registered = REGISTERED.read().unwrap_or_else(PoisonError::into_inner);
    CATALOGUE.iter().flat_map(|part| part.iter().copied()).chain(registered.iter().copied()).collect()
}

/// What is said of every balancer.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    listed().into_iter().map(|listed| &listed.entry)
}

/// The balancer of that name.
#[must_use]
pub fn find(kind: &str) -> Option<&'static Listed> {
    listed().into_iter().find(|listed| listed.entry.name == kind)
}

/// Makes an instance of a kind, if there is such a kind.
#[must_use]
pub fn build(kind: &str, values: &Values) -> Option<Box<dyn Balancer>> {
    find(kind).map(|listed| (listed.build)(values))
}

/// Makes the balancer that a parameter names.
///
/// # Panics
/// If the parameter is not declared as a balancer.
#[must_use]
pub fn inner(values: &Values, parameter: &str) -> Box<dyn Balancer> {
    let (kind, values) = values.balancer(parameter);
    build(kind, values).expect("the decoder knows only kinds of the catalogue")
}
