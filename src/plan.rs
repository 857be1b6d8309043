//! From what was written to what will run: every default filled in, every name a number, every rate known.
//!
//! A [`Plan`] is one variant of a scenario, for all its balancers. It is plain data and prints whole; with a balancer and a replication it
//! determines a cell completely.

use crate::balance::Member;
use crate::catalogue::Values;
use crate::client::Caller;
use crate::dist::Dist;
use crate::fault;
use crate::fleet::{Autoscale, Discovery, GroupPlan};
use crate::health::Health;
use crate::scenario::{Arrivals, Assign, Discipline, Group, Intensity, Length, Picks, Precision, Process, Scenario, Via, View, Warmup};
use crate::time::Span;
use crate::traffic::{Modulated, SourcePlan, Timing};
use sha2::{Digest, Sha256};
use std::ops::Range;

/// One variant of a scenario, resolved.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The variant's name, where the scenario has variants.
    pub variant: Option<String>,
    /// The root of all chance.
    pub seed: u64,
    /// How many independent replications.
    pub replications: u32,
    /// Whether and how to add more.
    pub precision: Option<Precision>,
    /// A cell stops with so many requests in the system.
    pub max_in_flight: u64,
    /// How long a replication is.
    pub length: Length,
    /// What is left out of the statistics.
    pub warmup: WarmupPlan,
    /// Where requests come from.
    pub sources: Vec<SourcePlan>,
    /// The backends, by group.
    pub groups: Vec<GroupPlan>,
    /// What balancers are told of the backends of each group.
    pub told: Vec<Member>,
    /// The zones' names.
    pub zones: Vec<String>,
    /// One-way delays between zones.
    pub links: Vec<LinkPlan>,
    /// The balancer instances.
    pub tier: TierPlan,
    /// The balancers to compare.
    pub balancers: Vec<BalancerPlan>,
    /// Requests per second that arrive in the long run, where that is known (closed sources depend on the answers).
    pub rate: Option<f64>,
    /// The mean work of a request, in nanoseconds at speed 1.
    pub mean_work: f64,
    /// Work that the pool can do per nanosecond; `None` where workers are unlimited.
    pub capacity: Option<f64>,
    /// The services, at least one; traffic goes to the one that its source names.
    pub services: Vec<ServicePlan>,
    /// What balancers believe of backends, and why.
    pub health: Health,
    /// How they learn which there are.
    pub discovery: Discovery,
    /// Who comes and goes with the load.
    pub autoscale: Option<Autoscale>,
    /// What goes wrong.
    pub faults: Vec<fault::Fault>,
}

/// One service, resolved. A scenario without `[[service]]` has one, called `""`.
#[derive(Clone, Debug, PartialEq)]
pub struct ServicePlan {
    /// Its name.
    pub name: String,
    /// Its groups of backends, as a range of the plan's.
    pub groups: Range<usize>,
    /// Its backends, by number.
    pub backends: Range<u32>,
    /// The work of a request to it, where its traffic does not bring its own.
    pub work: Option<Dist>,
    /// Whom its backends call, in stages: the calls of one are made at once, and all are answered before the next.
    pub stages: Vec<Vec<CallPlan>>,
    /// Whether the worker waits for calls.
    pub holds_worker: bool,
    /// The balancer of its callers; `None`: the compared one.
    pub balancer: Option<BalancerPlan>,
    /// Who balances for its callers.
    pub via: Via,
    /// What its callers do.
    pub caller: Caller,
}

/// Calls of a service to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CallPlan {
    /// The other, by number.
    pub to: u16,
    /// The share of requests that make it.
    pub share: f64,
}

/// The end of the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarmupPlan {
    /// So many requests are left out.
    Requests(u64),
    /// Requests that arrive before this are left out, in nanoseconds.
    Time(u64),
}

/// A one-way delay between zones, given by index.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkPlan {
    /// From this zone.
    pub from: u16,
    /// To this zone.
    pub to: u16,
    /// In nanoseconds.
    pub delay: Dist,
}

/// The balancer instances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierPlan {
    /// How many.
    pub instances: u32,
    /// How a request finds one.
    pub assign: Assign,
    /// What a pick is made for.
    pub picks: Picks,
    /// What an instance sees.
    pub view: View,
    /// The view is as of the last multiple of this, in nanoseconds; 0: exact.
    pub refresh: u64,
    /// Whether own requests since then are added.
    pub adds_own: bool,
    /// The zone, by index.
    pub zone: Option<u16>,
}

/// One balancer to compare.
#[derive(Clone, Debug, PartialEq)]
pub struct BalancerPlan {
    /// Its label in reports.
    pub label: String,
    /// Its kind in the catalogue.
    pub kind: &'static str,
    /// Its parameters.
    pub values: Values,
}

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
    /// A rate above what nanoseconds can hold.
    #[error("this load means {0:.3e} requests per second; at most 1e9 per source (gaps are whole nanoseconds)")]
    RateTooHigh(f64),
}

/// The table of delays between zones has the square of this many places.
const MOST_ZONES: usize = 1_000;
/// Each client has 32 bytes of statistics in every cell, each connection 8.
const MOST_CLIENTS: usize = 10_000_000;
/// Sources are looked at one by one for the next arrival.
const MOST_SOURCES: usize = 10_000;

/// A fault with the dotted key it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultAt {
    /// The key, for example `traffic[0].arrivals.load`.
    pub key: String,
    /// What is wrong.
    pub fault: Fault,
}

impl Plan {
    /// Resolves one variant.
    ///
    /// # Errors
    /// All faults that only show once keys are taken together.
    pub fn new(scenario: &Scenario, variant: Option<String>) -> Result<Self, Vec<FaultAt>> {
        let zones = zones(scenario);
        let faults = too_many(scenario, &zones);
        if !faults.is_empty() {
            return Err(faults);
        }
        let zone = |name: &Option<String>| name.as_ref().and_then(|name| zones.iter().position(|zone| zone == name)).map(|at| at as u16);
        let groups: Vec<_> = scenario.backends.iter().map(|group| group_plan(group, zone(&group.zone))).collect();
        let capacity = groups
            .iter()
            .all(|group| group.workers.is_some())
            .then(|| groups.iter().map(|group| group.capacity() * f64::from(group.count)).sum());
        let (mut sources, mut faults) = (Vec::new(), Vec::new());
        for (number, traffic) in scenario.traffic.iter().enumerate() {
            match timing(&traffic.arrivals, traffic.work.mean(), capacity) {
                Ok(timing) => sources.push(SourcePlan {
                    name: traffic.name.clone(),
                    timing,
                    shape: traffic.arrivals.shape.clone(),
                    work: traffic.work.clone(),
                    keys: traffic.keys,
                    clients: traffic.clients,
                    class: traffic.class.clone(),
                    priority: traffic.priority,
                    zone: zone(&traffic.zone),
                    to: 0,
                }),
                Err(fault) => faults.push(FaultAt { key: format!("traffic[{number}].arrivals.load"), fault }),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let rates: Vec<Option<f64>> = sources.iter().map(|source| source.timing.rate()).collect();
        let rate = rates.iter().copied().sum::<Option<f64>>();
        let links = scenario.links.iter().flat_map(|link| both_ways(scenario, link, &zones)).collect();
        Ok(Self {
            variant,
            seed: scenario.run.seed,
            replications: scenario.run.replications,
            precision: scenario.run.precision.clone(),
            max_in_flight: scenario.run.max_in_flight,
            length: scenario.run.length,
            warmup: warmup(scenario.run.warmup, scenario.run.length),
            mean_work: mean_work(&sources, &rates),
            sources,
            groups,
            told: scenario.backends.iter().map(|group| group.told.clone()).collect(),
            links,
            tier: TierPlan {
                instances: scenario.tier.instances,
                assign: scenario.tier.assign,
                picks: scenario.tier.picks,
                view: scenario.tier.view,
                refresh: scenario.tier.refresh.0,
                adds_own: scenario.tier.adds_own,
                zone: zone(&scenario.tier.zone),
            },
            balancers: scenario
                .balancers
                .iter()
                .map(|b| BalancerPlan { label: b.label.clone(), kind: b.kind, values: b.values.clone() })
                .collect(),
            services: vec![ServicePlan {
                name: String::new(),
                groups: 0..scenario.backends.len(),
                backends: 0..scenario.backends.iter().map(|group| group.count).sum(),
                work: None,
                stages: Vec::new(),
                holds_worker: true,
                balancer: None,
                via: Via::Proxy,
                caller: scenario.client.clone(),
            }],
            health: scenario.health.clone(),
            discovery: scenario.discovery.clone(),
            autoscale: scenario.autoscale.clone(),
            faults: scenario.faults.clone(),
            zones,
            rate,
            capacity,
        })
    }

    /// How many backends there are.
    #[must_use]
    pub fn backend_count(&self) -> u32 {
        self.groups.iter().map(|group| group.count).sum()
    }

    /// Every backend's name and group, in order.
    pub fn backends(&self) -> impl Iterator<Item = (String, &GroupPlan)> {
        self.groups.iter().flat_map(|group| (0..group.count).map(move |member| (name_of(group, member), group)))
    }

    /// What balancers are told of every backend, in order.
    #[must_use]
    pub fn members(&self) -> Vec<Member> {
        let mut number = 0_u32;
        let mut members = Vec::with_capacity(self.backend_count() as usize);
        for (group, told) in self.groups.iter().zip(&self.told) {
            for member in 0..group.count {
                number += 1;
                let address = match &group.address {
                    Some(first) => counted_on(first, member),
                    None => format!("{}:8080", std::net::Ipv4Addr::from(0x0A00_0000 + number)),
                };
                members.push(Member {
                    name: name_of(group, member),
                    address,
                    id: told.id.map(|first| first.saturating_add(member)),
                    zone: group.zone.map_or(String::new(), |zone| self.zones[zone as usize].clone()),
                    speed: group.speed,
                    workers: group.workers,
                    ..told.clone()
                });
            }
        }
        members
    }

    /// The load offered to the pool as a share of its capacity, where both are known.
    #[must_use]
    pub fn load(&self) -> Option<f64> {
        let load = self.rate? / 1e9 * self.mean_work / self.capacity?;
        load.is_finite().then_some(load)
    }

    /// Requests that a replication brings, as far as can be told before.
    #[must_use]
    pub fn expected_requests(&self) -> Option<f64> {
        match self.length {
            Length::Requests(requests) => Some(requests as f64),
            Length::Duration(duration) => self.rate.map(|rate| rate * duration.as_secs_f64()),
        }
    }
}

/// The SHA-256 of what was run, in hexadecimal: of the plans' own words.
#[must_use]
pub fn sha256(plans: &[Plan]) -> String {
    let digest = Sha256::digest(format!("{plans:?}").as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// All zones that are named anywhere, in order of naming.
fn zones(scenario: &Scenario) -> Vec<String> {
    let links = scenario.links.iter().flat_map(|link| [Some(&link.from), Some(&link.to)]);
    let named = scenario.backends.iter().map(|group| group.zone.as_ref());
    let named = named.chain(scenario.traffic.iter().map(|traffic| traffic.zone.as_ref())).chain([scenario.tier.zone.as_ref()]).chain(links);
    let mut zones = Vec::new();
    for zone in named.flatten() {
        if !zones.contains(zone) {
            zones.push(zone.clone());
        }
    }
    zones
}

/// What there is more of than there is room for.
fn too_many(scenario: &Scenario, zones: &[String]) -> Vec<FaultAt> {
    let clients = |per_client: fn(&crate::scenario::Traffic) -> u64| {
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

fn client_count(traffic: &crate::scenario::Traffic) -> u64 {
    match traffic.arrivals.process {
        Process::Closed { clients, .. } => u64::from(clients),
        _ => traffic.clients.map_or(0, |clients| u64::from(clients.count)),
    }
}

/// A link as written, and the other way where that is not written itself.
fn both_ways(scenario: &Scenario, link: &crate::scenario::Link, zones: &[String]) -> Vec<LinkPlan> {
    let zone = |name: &str| zones.iter().position(|zone| zone == name).expect("every zone of a link has been listed") as u16;
    let plan = |from: &str, to: &str| LinkPlan { from: zone(from), to: zone(to), delay: link.delay.clone() };
    let reverse_is_written = scenario.links.iter().any(|other| other.from == link.to && other.to == link.from);
    let mut links = vec![plan(&link.from, &link.to)];
    if !reverse_is_written {
        links.push(plan(&link.to, &link.from));
    }
    links
}

fn group_plan(group: &Group, zone: Option<u16>) -> GroupPlan {
    GroupPlan {
        name: group.name.clone(),
        count: group.count,
        speed: group.speed,
        // Sharing unlimited workers and having one of one's own are the same thing.
        workers: group.workers,
        discipline: if group.workers.is_none() { Discipline::Fifo } else { group.discipline },
        overloaded_after: 0,
        shed: None,
        max_wait: None,
        queue: group.queue,
        zone,
        network: group.network.clone(),
        address: group.address.clone(),
        per_in_flight: group.per_in_flight.0,
        cache: group.cache.map(|cache| (cache.keys, cache.hit)),
        initially: group.count,
        is_interrupted: false,
        holds_worker: false,
    }
}

/// The name of a group's member.
fn name_of(group: &GroupPlan, member: u32) -> String {
    if group.count == 1 { group.name.clone() } else { format!("{}-{member}", group.name) }
}

/// An IPv4 address with its last numbers counted on; any other text with the member's number behind it.
fn counted_on(first: &str, member: u32) -> String {
    if member == 0 {
        return first.to_owned();
    }
    let (host, port) = first.split_once(':').map_or((first, None), |(host, port)| (host, Some(port)));
    match (host.parse::<std::net::Ipv4Addr>(), port) {
        (Ok(host), Some(port)) => format!("{}:{port}", std::net::Ipv4Addr::from(u32::from(host).wrapping_add(member))),
        (Ok(host), None) => std::net::Ipv4Addr::from(u32::from(host).wrapping_add(member)).to_string(),
        (Err(_), _) => format!("{first}-{member}"),
    }
}

fn warmup(warmup: Warmup, length: Length) -> WarmupPlan {
    match (warmup, length) {
        (Warmup::Time(time), _) => WarmupPlan::Time(time.0),
        (Warmup::Share(share), Length::Requests(requests)) => WarmupPlan::Requests((share * requests as f64) as u64),
        (Warmup::Share(share), Length::Duration(duration)) => WarmupPlan::Time((share * duration.0 as f64) as u64),
    }
}

/// The mean over sources, by how much each brings; where that is not known, over sources alike.
fn mean_work(sources: &[SourcePlan], rates: &[Option<f64>]) -> f64 {
    let known = rates.iter().all(Option::is_some);
    let weight = |rate: &Option<f64>| if known { rate.unwrap_or(0.0) } else { 1.0 };
    let sum: f64 = rates.iter().map(weight).sum();
    sources.iter().zip(rates).map(|(source, rate)| source.work.mean() * weight(rate)).sum::<f64>() / sum
}

impl Timing {
    /// Requests per second in the long run; `None` for closed sources.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        Some(
            1e9 * match self {
                Self::Renewal { gap, scale } => 1.0 / (gap.mean() * scale),
                Self::Modulated(modulated) => modulated.mean_rate(),
                Self::Batch { gap, size } => size.mean() / gap,
                Self::Closed { .. } => return None,
            },
        )
    }
}

impl Modulated {
    /// Requests per nanosecond, over the states by their share of time.
    fn mean_rate(&self) -> f64 {
        let cycle: f64 = self.states.iter().map(|(_, stay)| stay.mean()).sum();
        self.states.iter().map(|(rate, stay)| rate * stay.mean()).sum::<f64>() / cycle
    }

    fn scaled_to(mut self, rate: f64) -> Self {
        let factor = rate / self.mean_rate();
        self.states.iter_mut().for_each(|(rate, _)| *rate *= factor);
        self
    }
}

/// An arrival process with its rate known. `rate` of the long run is in requests per nanosecond.
fn timing(arrivals: &Arrivals, mean_work: f64, capacity: Option<f64>) -> Result<Timing, Fault> {
    let rate = match arrivals.intensity {
        None => None,
        Some(Intensity::Rate(rate)) => Some(rate.as_per_second() / 1e9),
        Some(Intensity::Load(load)) => Some(load_rate(load, mean_work, capacity)?),
    };
    let gap = || 1.0 / rate.expect("the decoder asks for a rate or a load where the process needs one");
    let exponential = |mean: Span| Dist::Exponential { mean: mean.0 as f64 };
    Ok(match &arrivals.process {
        Process::Poisson => Timing::Renewal { gap: Dist::Exponential { mean: gap() }, scale: 1.0 },
        Process::Constant => Timing::Renewal { gap: Dist::Constant(gap()), scale: 1.0 },
        Process::Renewal { gap } => Timing::Renewal { gap: gap.clone(), scale: rate.map_or(1.0, |rate| 1.0 / rate / gap.mean()) },
        Process::Mmpp { states } => {
            let states = states.iter().map(|state| (state.rate / 1e9, exponential(state.mean_stay))).collect();
            let modulated = Modulated { states };
            Timing::Modulated(rate.map_or_else(|| modulated.clone(), |rate| modulated.clone().scaled_to(rate)))
        }
        Process::OnOff { on, off, off_factor } => {
            let modulated = Modulated { states: vec![(1.0, on.clone()), (*off_factor, off.clone())] };
            Timing::Modulated(modulated.scaled_to(1.0 / gap()))
        }
        Process::Batch { size } => Timing::Batch { gap: size.mean() * gap(), size: *size },
        Process::Closed { clients, think } => Timing::Closed { clients: *clients, think: think.clone() },
    })
}

fn load_rate(load: f64, mean_work: f64, capacity: Option<f64>) -> Result<f64, Fault> {
    let capacity = capacity.ok_or(Fault::LoadWithoutCapacity)?;
    if !(mean_work.is_finite() && mean_work > 0.0) {
        return Err(Fault::LoadWithoutMean);
    }
    let rate = load * capacity / mean_work;
    if rate > 1.0 { Err(Fault::RateTooHigh(rate * 1e9)) } else { Ok(rate) }
}
