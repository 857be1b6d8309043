//! From what was written to what will run: every default filled in, every name a number, every rate known.
//!
//! A [`Plan`] is one variant of a scenario, for all its balancers. It is plain data and prints whole; with a balancer and a replication it
//! determines a cell completely.

mod arrivals;
mod backends;
mod faults;
mod network;
mod services;

pub use faults::{Fault, FaultAt};

use crate::balance::Member;
use crate::catalogue::Values;
use crate::client::Caller;
use crate::dist::Dist;
use crate::fault;
use crate::fleet::{Autoscale, Discovery, GroupPlan};
use crate::health::Health;
use crate::scenario::{Assign, Balancer, Length, Picks, Precision, Scenario, Tier, Traffic, Via, View, Warmup, Who};
use crate::traffic::{SourcePlan, Surge, Timing, Work};
use arrivals::{mean_work, timing};
use backends::group_plans;
use faults::too_many;
use network::both_ways;
use services::service_plans;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
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
    /// Work that the backends of the services that traffic goes to can do per nanosecond, at the start; `None` where workers are unlimited.
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

impl Plan {
    /// Resolves one variant.
    ///
    /// # Errors
    /// All faults that only show once keys are taken together.
    pub fn new(scenario: &Scenario, variant: Option<String>) -> Result<Self, Vec<FaultAt>> {
        let zones = scenario.zones();
        none_wrong(too_many(scenario, &zones))?;
        let mut groups = group_plans(scenario, &zones);
        let services = service_plans(scenario, &groups)?;
        let (struck, mut wrong) = struck(scenario);
        let mut sources = Vec::new();
        for (number, traffic) in scenario.traffic.iter().enumerate() {
            match source_plan(scenario, traffic, (&services, &groups), &zones) {
                Ok(source) => sources.push(source),
                Err((key, fault)) => wrong.push(FaultAt { key: format!("traffic[{number}].{key}"), fault }),
            }
        }
        none_wrong(wrong)?;
        surge(&mut sources, &struck)?;
        services::mark(&mut groups, &services, &struck, scenario.autoscale.is_some());
        let rates: Vec<Option<f64>> = sources.iter().map(|source| source.timing.rate()).collect();
        let rate = rates.iter().copied().sum::<Option<f64>>();
        let length = no_longer_than(scenario.run.length, &sources);
        let links = scenario.links.iter().flat_map(|link| both_ways(scenario, link, &zones)).collect();
        Ok(Self {
            variant,
            seed: scenario.run.seed,
            replications: scenario.run.replications,
            precision: scenario.run.precision.clone(),
            max_in_flight: scenario.run.max_in_flight,
            length,
            warmup: warmup(scenario.run.warmup, length),
            mean_work: mean_work(&sources, &rates),
            capacity: entries(&sources).map(|entry| capacity(&groups[services[entry].groups.clone()])).sum(),
            tier: tier(scenario, &zones),
            balancers: scenario.balancers.iter().map(BalancerPlan::of).collect(),
            told: scenario.groups().into_iter().map(|group| group.told.clone()).collect(),
            health: scenario.health.clone(),
            discovery: scenario.discovery.clone(),
            autoscale: scenario.autoscale.clone(),
            faults: struck,
            sources,
            groups,
            services,
            links,
            zones,
            rate,
        })
    }

    /// Whether more can happen to a request than one attempt that waits and is answered, or is refused at once.
    #[must_use]
    pub fn is_eventful(&self) -> bool {
        let does_something = |service: &ServicePlan| service.caller != Caller::default() || !service.stages.is_empty();
        self.services.len() > 1
            || self.services.iter().any(does_something)
            || self.faults.iter().any(|fault| !matches!(fault.kind, fault::Kind::Surge { .. }))
            || self.health != Health::default()
            || self.autoscale.is_some()
            || self.groups.iter().any(|group| group.is_interrupted || group.sheds())
    }

    /// Whether nothing about its traffic is drawn: all of it is recorded, with its work.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.sources.iter().all(|source| matches!(&source.timing, Timing::Recorded(recorded) if recorded.cut().work != Work::Drawn))
    }

    /// Whether the record of some traffic says who served it, and some backend is known by that name.
    #[must_use]
    pub fn has_recorded_backends(&self) -> bool {
        self.sources.iter().any(|source| matches!(&source.timing, Timing::Recorded(recorded) if recorded.knows_backends()))
    }

    /// The load that traffic itself offers to the services it goes to, as a share of their capacity, where both are known.
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
    hex(&format!("{plans:?}"))
}

impl Plan {
    /// The SHA-256 of its traffic, in hexadecimal, whatever the seed and however long it is.
    #[must_use]
    pub fn traffic_sha256(&self) -> String {
        hex(&format!("{:?}", self.sources))
    }

    /// The SHA-256 of what its requests are made of: two plans of the same have the same requests, replication by replication.
    #[must_use]
    pub fn stream_sha256(&self) -> String {
        hex(&format!("{:?}", (&self.sources, self.seed, self.length, self.warmup)))
    }
}

fn hex(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn warmup(warmup: Warmup, length: Length) -> WarmupPlan {
    match (warmup, length) {
        (Warmup::Time(time), _) => WarmupPlan::Time(time.0),
        (Warmup::Share(share), Length::Requests(requests)) => WarmupPlan::Requests((share * requests as f64) as u64),
        (Warmup::Share(share), Length::Duration(duration)) => WarmupPlan::Time((share * duration.0 as f64) as u64),
    }
}

fn none_wrong(wrong: Vec<FaultAt>) -> Result<(), Vec<FaultAt>> {
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

impl BalancerPlan {
    fn of(balancer: &Balancer) -> Self {
        Self { label: balancer.label.clone(), kind: balancer.kind, values: balancer.values.clone() }
    }
}

fn tier(scenario: &Scenario, zones: &[String]) -> TierPlan {
    let Tier { instances, assign, picks, view, refresh, adds_own, ref zone } = scenario.tier;
    let zone = zone.as_ref().and_then(|name| zones.iter().position(|zone| zone == name)).map(|at| at as u16);
    TierPlan { instances, assign, picks, view, refresh: refresh.0, adds_own, zone }
}

/// Work that groups can do per nanosecond.
fn capacity(groups: &[GroupPlan]) -> Option<f64> {
    let one = |group: &GroupPlan| group.workers.map(|_| group.capacity() * f64::from(group.initially));
    groups.iter().map(one).sum()
}

/// Recorded traffic ends by itself.
fn no_longer_than(length: Length, sources: &[SourcePlan]) -> Length {
    let requests = |source: &SourcePlan| match &source.timing {
        Timing::Recorded(recorded) => Some(recorded.requests()),
        _ => None,
    };
    match (length, sources.iter().map(requests).sum::<Option<u64>>()) {
        (Length::Requests(wanted), Some(there)) => Length::Requests(wanted.min(there)),
        _ => length,
    }
}

/// The services that traffic goes to, each once.
fn entries(sources: &[SourcePlan]) -> impl Iterator<Item = usize> {
    sources.iter().map(|source| source.to as usize).collect::<BTreeSet<_>>().into_iter()
}

/// All faults with their targets, and what is wrong with them.
fn struck(scenario: &Scenario) -> (Vec<fault::Fault>, Vec<FaultAt>) {
    let who = Who::of(scenario);
    let (mut struck, mut wrong) = (Vec::new(), Vec::new());
    for (number, fault) in scenario.faults.iter().enumerate() {
        match who.resolve(fault) {
            Ok(fault) => struck.push(fault),
            Err((key, unknown)) => wrong.push(FaultAt { key: format!("fault[{number}].{key}"), fault: Fault::Target(unknown) }),
        }
    }
    (struck, wrong)
}

/// Gives each source its surges.
fn surge(sources: &mut [SourcePlan], faults: &[fault::Fault]) -> Result<(), Vec<FaultAt>> {
    let mut wrong = Vec::new();
    for (number, fault) in faults.iter().enumerate() {
        let fault::Kind::Surge { factor } = fault.kind else { continue };
        for &at in &fault.target.among {
            let source = &mut sources[at as usize];
            if let Timing::Closed { .. } = source.timing {
                wrong.push(FaultAt { key: format!("fault[{number}].target"), fault: Fault::SurgeOfClosed(source.name.clone()) });
            }
            source.surges.push(Surge { factor, number: number as u64, fault: fault.clone() });
        }
    }
    none_wrong(wrong)
}

/// A source, resolved; else the key that is at fault, and why.
fn source_plan(
    scenario: &Scenario,
    traffic: &Traffic,
    (services, groups): (&[ServicePlan], &[GroupPlan]),
    zones: &[String],
) -> Result<SourcePlan, (&'static str, Fault)> {
    let to = traffic.to.as_ref().map_or(Ok(0), |to| services::number(to, &scenario.services)).map_err(|fault| ("to", fault))?;
    let capacity = capacity(&groups[services[to as usize].groups.clone()]);
    let timing = timing(&traffic.arrivals, traffic.work.mean(), capacity).map_err(|fault| ("arrivals.load", fault))?;
    let timing = match timing {
        Timing::Recorded(mut recorded) => {
            recorded.name_backends(backends::recorded(&recorded, groups));
            Timing::Recorded(recorded)
        }
        other => other,
    };
    Ok(SourcePlan {
        name: traffic.name.clone(),
        timing,
        shape: traffic.arrivals.shape.clone(),
        surges: Vec::new(),
        work: traffic.work.clone(),
        keys: traffic.keys,
        clients: traffic.clients,
        class: traffic.class.clone(),
        priority: traffic.priority,
        zone: traffic.zone.as_ref().and_then(|name| zones.iter().position(|zone| zone == name)).map(|at| at as u16),
        to,
    })
}
