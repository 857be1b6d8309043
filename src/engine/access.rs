//! The ways into services: who calls, through which balancer, and what its instances believe.
//!
//! Traffic that enters at a service has one access to it, through `tier.instances` instances; the services that call it have another, where each calling backend
//! is an instance, or share the first. The first access of all is the first source's, and its balancer is the cell's own: in a plain scenario there is
//! no other.

use super::beliefs::Beliefs;
use super::caller::Callers;
use super::eventful::Events;
use super::tier::{Setting, Tier};
use crate::plan::{Plan, ServicePlan};
use crate::random::{Purpose, derive};
use crate::scenario::Via;

/// A way into a service: its callers, and the balancer between.
#[derive(Debug)]
pub(super) struct Access {
    pub(super) service: u16,
    /// The balancer, but for the first access, whose balancer is the cell's own.
    pub(super) tier: Option<Tier>,
    pub(super) callers: Callers,
    pub(super) beliefs: Option<Beliefs>,
}

/// All ways.
#[derive(Debug, Default)]
pub(super) struct Ways {
    pub(super) accesses: Vec<Access>,
    /// By source.
    pub(super) entries: Vec<u16>,
    /// By service; `u16::MAX` where nobody calls it.
    pub(super) call_access: Vec<u16>,
}

/// The first balancer, and all that an eventful cell has beside.
#[derive(Debug)]
pub(super) struct Accesses {
    pub(super) tier: Tier,
    pub(super) events: Events,
}

/// Ways being made.
struct Maker<'p> {
    plan: &'p Plan,
    balancer: usize,
    replication: u64,
    ways: Ways,
}

impl Accesses {
    pub(super) fn new(plan: &Plan, balancer: usize, replication: u64) -> Self {
        let mut maker = Maker { plan, balancer, replication, ways: Ways::default() };
        for source in &plan.sources {
            let entry = maker.entry(source.to);
            maker.ways.entries.push(entry);
        }
        for service in 0..plan.services.len() as u16 {
            let access = maker.for_calls(service);
            maker.ways.call_access.push(access);
        }
        let mut ways = maker.ways;
        let tier = ways.accesses[0].tier.take().expect("every access was made with its balancer");
        Self { tier, events: Events::new(plan, ways, replication) }
    }
}

impl Maker<'_> {
    /// The access of traffic to a service.
    fn entry(&mut self, service: u16) -> u16 {
        let known = self.ways.accesses.iter().position(|access| access.service == service);
        known.map_or_else(|| self.open(service, Vec::new()), |at| at as u16)
    }

    /// The access of calls to a service, where it is called.
    fn for_calls(&mut self, service: u16) -> u16 {
        let calls = |other: &&ServicePlan| other.stages.iter().flatten().any(|call| call.to == service);
        let callers: Vec<u32> = self.plan.services.iter().filter(calls).flat_map(|other| other.backends.clone()).collect();
        match self.plan.services[service as usize].via {
            _ if callers.is_empty() => u16::MAX,
            Via::Proxy => self.entry(service),
            Via::Callers => self.open(service, callers),
        }
    }

    fn open(&mut self, service: u16, callers: Vec<u32>) -> u16 {
        let (plan, number) = (self.plan, self.ways.accesses.len() as u64);
        let of = &plan.services[service as usize];
        let judges = plan.is_eventful();
        let setting = Setting {
            balancer: of.balancer.as_ref().unwrap_or(&plan.balancers[self.balancer]),
            backends: of.backends.clone(),
            number,
            callers,
            judges,
        };
        let tier = Tier::new(plan, &setting, self.replication);
        let instances = tier.instance_count() as usize;
        let callers = Callers::new(&of.caller, instances, derive(plan.seed, self.replication, Purpose::Callers, number));
        let beliefs = judges.then(|| Beliefs::new(&plan.health, &of.caller, instances, tier.written()));
        self.ways.accesses.push(Access { service, tier: Some(tier), callers, beliefs });
        number as u16
    }
}
