//! What in a scenario cannot be run although every key is right by itself.

use crate::fault::target::Unknown;
use crate::scenario::{Process, Scenario, Traffic};

/// What in a scenario cannot be run although every key is right by itself.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Fault {
    /// `load` needs a pool whose capacity is known.
    #[error(
        "`load` is a share of the pool's capacity, and a group with unlimited workers has no capacity; give a `rate` such as \"800/s\""
    )]
    LoadWithoutCapacity,
    /// `load` needs work whose mean is known.
    #[error("`load` needs work with a finite mean above zero; give a `rate` such as \"800/s\"")]
    LoadWithoutMean,
    /// More of something than there is room for.
    #[error("{found} {what}; at most {most} are supported")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many were found.
        found: usize,
        /// How many there may be.
        most: usize,
    },
    /// A fault whose target is nobody.
    #[error("{0}")]
    Target(Unknown),
    /// A surge of clients who ask as fast as they are answered.
    #[error("a surge multiplies arrivals, and the source \"{0}\" is closed: its clients ask as fast as they are answered")]
    SurgeOfClosed(String),
    /// Traffic or a call to a service that there is not.
    #[error("no service is called \"{0}\"")]
    UnknownService(String),
    /// Services that call each other without end.
    #[error("the service \"{0}\" calls itself in the end")]
    Circle(String),
    /// A rate above what nanoseconds can hold.
    #[error("this load means {0:.3e} requests per second; at most 1e9 per source (gaps are whole nanoseconds)")]
    RateTooHigh(f64),
}

/// A fault with the dotted key it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultAt {
    /// The key, for example `traffic[0].arrivals.load`.
    pub key: String,
    /// What is wrong.
    pub fault: Fault,
}

/// The table of delays between zones has the square of this many places.
const MOST_ZONES: usize = 1_000;
/// Each client has 32 bytes of statistics in every cell, each connection 8.
const MOST_CLIENTS: usize = 10_000_000;
/// Sources are looked at one by one for the next arrival.
const MOST_SOURCES: usize = 10_000;

/// What there is more of than there is room for.
pub(super) fn too_many(scenario: &Scenario, zones: &[String]) -> Vec<FaultAt> {
    let clients = |per_client: fn(&Traffic) -> u64| {
        usize::try_from(scenario.traffic.iter().map(per_client).fold(0_u64, u64::saturating_add)).unwrap_or(usize::MAX)
    };
    let counts = [
        ("backends", "zones", zones.len(), MOST_ZONES),
        ("traffic", "traffic sources", scenario.traffic.len(), MOST_SOURCES),
        ("traffic.clients", "clients", clients(client_count), MOST_CLIENTS),
        (
            "traffic.clients",
            "connections",
            clients(|traffic| traffic.clients.map_or(0, |of| u64::from(of.count) * u64::from(of.connections))),
            MOST_CLIENTS,
        ),
    ];
    let too_many = counts.into_iter().filter(|&(_, _, found, most)| found > most);
    too_many.map(|(key, what, found, most)| FaultAt { key: key.to_owned(), fault: Fault::TooMany { what, found, most } }).collect()
}

fn client_count(traffic: &Traffic) -> u64 {
    match traffic.arrivals.process {
        Process::Closed { clients, .. } => u64::from(clients),
        _ => traffic.clients.map_or(0, |clients| u64::from(clients.count)),
    }
}
