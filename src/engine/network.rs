//! One-way delays: from the client to the balancer, from the balancer to a backend, and back.
//!
//! The balancer stands in `tier.zone`; where that is left out it stands with the client. A way costs what `[network] between` says for its two zones
//! and, to a backend, the backend's own `network` on top. Delays that are distributions are drawn for each attempt and way, as a function of the
//! request's number.

use super::Request;
use super::observer::DIRECT;
use crate::dist::{Dist, Sampler};
use crate::plan::Plan;
use crate::random::{Numbered, Purpose, derive};
use crate::time::round_ns;

/// All delays of a cell.
#[derive(Debug)]
pub(super) struct Network {
    /// Nothing takes any time.
    pub(super) absent: bool,
    /// By group.
    own: Vec<Option<Sampler>>,
    group_of: Vec<u32>,
    zone_of_group: Vec<Option<u16>>,
    zone_of_source: Vec<Option<u16>>,
    tier: Option<u16>,
    /// By (from, to), row by row.
    between: Vec<Option<Sampler>>,
    zones: usize,
    stream: Numbered,
}

/// One way.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// From the client to the balancer.
    In,
    /// From the balancer to this backend.
    To(u32),
    /// From this backend to the balancer.
    From(u32),
    /// From the balancer to the client.
    Out,
}

impl Network {
    pub(super) fn new(plan: &Plan, replication: u64) -> Self {
        let zones = plan.zones.len();
        let mut between = vec![None; zones * zones];
        for link in &plan.links {
            between[link.from as usize * zones + link.to as usize] = sampler(&link.delay);
        }
        let own: Vec<_> = plan.groups.iter().map(|group| sampler(&group.network)).collect();
        let absent = own.iter().all(Option::is_none) && between.iter().all(Option::is_none);
        // Asked for delays, and by partitions.
        let is_unused = absent && plan.faults.is_empty();
        let group_of = plan
            .groups
            .iter()
            .zip(0..)
            .flat_map(|(group, number)| std::iter::repeat_n(number, if is_unused { 0 } else { group.count as usize }));
        Self {
            absent,
            own,
            group_of: group_of.collect(),
            zone_of_group: plan.groups.iter().map(|group| group.zone).collect(),
            zone_of_source: plan.sources.iter().map(|source| source.zone).collect(),
            tier: plan.tier.zone,
            between,
            zones,
            stream: Numbered::new(derive(plan.seed, replication, Purpose::Network, 0)),
        }
    }

    /// How long one way takes for a request, in nanoseconds.
    #[inline]
    pub(super) fn delay(&self, request: &Request, way: Way) -> u64 {
        if self.absent { 0 } else { self.look_up(request, way) }
    }

    #[inline(never)]
    fn look_up(&self, request: &Request, way: Way) -> u64 {
        let (client, tier) = (self.client(request), self.stand(request));
        let (number, own, zones) = match way {
            Way::In => (0, None, (client, tier)),
            Way::Out => (1, None, (tier, client)),
            Way::To(backend) => (2, Some(backend), (tier, self.zone_of(backend))),
            Way::From(backend) => (3, Some(backend), (self.zone_of(backend), tier)),
        };
        // Four ways an attempt, two draws a way, and no attempt has 2^16 successors.
        let draw = (request.number << 19) | (u64::from(request.attempts) << 3) | (number << 1);
        let own = own.and_then(|backend| self.own[self.group_of[backend as usize] as usize].as_ref());
        let link = zones.0.zip(zones.1).and_then(|(from, to)| self.between[from as usize * self.zones + to as usize].as_ref());
        let of = |sampler: Option<&Sampler>, draw| sampler.map_or(0, |sampler| round_ns(sampler.sample(&self.stream, draw)));
        of(own, draw) + of(link, draw | 1)
    }

    /// The zone of whoever sends a request: of its source, or of the backend that calls.
    fn client(&self, request: &Request) -> Option<u16> {
        match self.caller(request) {
            Some(backend) => self.zone_of(backend),
            None => self.zone_of_source[request.source as usize],
        }
    }

    /// The backend that makes a call.
    pub(super) fn caller(&self, request: &Request) -> Option<u32> {
        request.is_call().then_some(request.client)
    }

    /// The zone where the balancer of a request stands.
    pub(super) fn stand(&self, request: &Request) -> Option<u16> {
        match request.source {
            DIRECT => self.client(request),
            _ => self.tier.or_else(|| self.client(request)),
        }
    }

    fn zone_of(&self, backend: u32) -> Option<u16> {
        self.zone_of_group[self.group_of[backend as usize] as usize]
    }
}

/// `None` where there is no delay at all.
fn sampler(delay: &Dist) -> Option<Sampler> {
    (*delay != Dist::Constant(0.0)).then(|| Sampler::new(delay))
}
