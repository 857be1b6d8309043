//! From all backends of a cluster to the list that a pick chooses from.
//!
//! What every kind of Envoy's has in common: backends are grouped by priority, health and locality once per change; a pick then finds its list by
//! [priority](super::priority), [zone](super::zone) or [locality](super::locality) without looking at single backends. Draining, down and maintained backends are
//! *unhealthy*: they count, and panic uses them; one that is not yet connected is *excluded*: it does not count. Weight 0, which Envoy's
//! configuration refuses, is no backend at all.

use super::locality::{self, Locality};
use super::priority::{Availability, Counts, Loads, Priority};
use super::zone::{Routing, Zones};
use crate::balance::edf::Edf;
use crate::balance::{BackendId, Member, Pool, State};
use crate::catalogue::{Kind, Parameter, Values};
use crate::random::Stream;

pub(super) const PANIC: Parameter =
    Parameter::with_default("panic_threshold", Kind::Share, "50%", "with less than this healthy, health is ignored; 0 never");

pub(super) const OVERPROVISIONING: Parameter = Parameter::with_default(
    "overprovisioning",
    Kind::Number(1.0, 100.0),
    "1.4",
    "how much more than its share a backend can carry: a priority spills over below 1 ÷ this of it healthy",
);

pub(super) const FAIL_ON_PANIC: Parameter =
    Parameter::with_default("fail_traffic_on_panic", Kind::Bool, "false", "in panic nobody is picked, rather than everybody");

/// How traffic is spread within a priority.
#[derive(Clone, Debug, Default)]
pub(super) enum Spread {
    /// Over all its backends.
    #[default]
    Even,
    /// By weights of localities.
    Localities,
    /// By zones, seen from one of them: the first backend's where it has no name.
    Zones {
        /// The own one.
        own: String,
        /// With fewer healthy backends zones do not matter.
        least_backends: u64,
    },
}

/// What is configured.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) overprovisioning: f64,
    pub(super) panic_threshold: f64,
    pub(super) fail_on_panic: bool,
    pub(super) spread: Spread,
}

impl Options {
    pub(super) fn of(values: &Values, spread: Spread) -> Self {
        Self {
            overprovisioning: (values.number("overprovisioning") * 100.0).round(),
            panic_threshold: values.number("panic_threshold") * 100.0,
            fail_on_panic: values.bool("fail_traffic_on_panic"),
            spread,
        }
    }
}

/// Which list of a priority.
const ALL: usize = 0;
const HEALTHY: usize = 1;
const DEGRADED: usize = 2;
/// How many lists a priority has, before those of its places.
const LISTS: usize = 3;

/// How a list is split into places, whose lists begin at `first`.
#[derive(Debug)]
enum Places {
    Weighted { edf: Edf, weights: Vec<f64>, first: usize },
    Zones { routing: Routing, own: usize, first: usize },
}

/// The lists, and how one is found.
#[derive(Debug)]
pub(super) struct Cluster {
    options: Options,
    loads: Loads,
    lists: Vec<Vec<BackendId>>,
    /// For each priority, of its healthy and its degraded backends.
    places: Vec<[Option<Places>; 2]>,
    /// Who has weight.
    counted: Vec<bool>,
}

/// A list that a pick chooses from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    /// Its number: lists keep it until the next change.
    pub(super) list: usize,
    /// The priority it belongs to.
    pub(super) priority: usize,
}

impl Cluster {
    pub(super) fn new(options: Options) -> Self {
        Self { options, loads: Loads::default(), lists: Vec::new(), places: Vec::new(), counted: Vec::new() }
    }

    /// All lists.
    pub(super) fn lists(&self) -> &[Vec<BackendId>] {
        &self.lists
    }

    /// Whether a backend that has changed its weight has become, or is no more, one at all.
    pub(super) fn is_new(&self, backend: BackendId, pool: &Pool) -> bool {
        self.counted.get(backend.index()) != Some(&(pool.weight(backend) > 0.0))
    }

    /// For each priority who its hash table is made of: the healthy, or all in panic.
    pub(super) fn tabled(&self) -> impl Iterator<Item = &[BackendId]> {
        let panics = self.loads.panic.iter().enumerate();
        panics.map(|(priority, &panic)| match (panic, self.options.fail_on_panic) {
            (true, true) => &[][..],
            (true, false) => &self.lists[priority * LISTS + ALL][..],
            (false, _) => &self.lists[priority * LISTS + HEALTHY][..],
        })
    }

    /// Makes all lists anew.
    pub(super) fn refresh(&mut self, pool: &Pool, seed: u64) {
        self.counted = (0..pool.len() as u32).map(|id| pool.weight(BackendId(id)) > 0.0).collect();
        let backends: Vec<BackendId> = pool.present().filter(|backend| self.counted[backend.index()]).collect();
        let priorities = backends.iter().map(|&backend| pool.member(backend).priority as usize + 1).max().unwrap_or(0);
        self.lists = vec![Vec::new(); priorities * LISTS];
        let mut counts = vec![Counts::default(); priorities];
        for &backend in &backends {
            let priority = pool.member(backend).priority as usize;
            let (counts, lists) = (&mut counts[priority], &mut self.lists[priority * LISTS..]);
            counts.all += 1.0;
            lists[ALL].push(backend);
            match pool.state(backend) {
                State::Up | State::Busy => {
                    counts.healthy += 1.0;
                    lists[HEALTHY].push(backend);
                }
                State::Degraded => {
                    counts.degraded += 1.0;
                    lists[DEGRADED].push(backend);
                }
                State::Connecting => counts.excluded += 1.0,
                State::Down | State::Maintenance | State::Draining | State::Absent => {}
            }
        }
        let priority = |counts| Priority { counts, weights: None, overprovisioning: self.options.overprovisioning };
        self.loads = Loads::new(&counts.into_iter().map(priority).collect::<Vec<_>>(), self.options.panic_threshold);
        self.places = (0..priorities)
            .map(|priority| [self.split(priority, HEALTHY, pool, seed), self.split(priority, DEGRADED, pool, seed)])
            .collect();
    }

    fn split(&mut self, priority: usize, list: usize, pool: &Pool, seed: u64) -> Option<Places> {
        let all = &self.lists[priority * LISTS + ALL];
        let eligible = &self.lists[priority * LISTS + list];
        match &self.options.spread {
            Spread::Even => None,
            Spread::Localities => {
                let zones = zones(all, pool, "");
                let split = by_zone(eligible, pool, &zones);
                let effective: Vec<f64> = zones
                    .iter()
                    .zip(&split)
                    .map(|(zone, eligible)| {
                        let of_zone = || all.iter().filter(|&&backend| pool.member(backend).zone == *zone);
                        let excluded = of_zone().filter(|&&backend| pool.state(backend) == State::Connecting).count() as u64;
                        let weight = of_zone().map(|&backend| locality_weight(pool.member(backend))).next().unwrap_or(0.0);
                        let locality = Locality { weight, all: of_zone().count() as u64, eligible: eligible.len() as u64, excluded };
                        locality.effective_weight(self.options.overprovisioning)
                    })
                    .collect();
                let edf = locality::schedule(&effective, seed)?;
                let first = self.lists.len();
                self.lists.extend(split);
                Some(Places::Weighted { edf, weights: effective, first })
            }
            Spread::Zones { own, least_backends } => {
                if priority > 0 || list != HEALTHY || (eligible.len() as u64) < *least_backends {
                    return None;
                }
                let zones = zones(all, pool, own);
                let split = by_zone(eligible, pool, &zones);
                let backends: Vec<u64> = split.iter().map(|of_zone| of_zone.len() as u64).collect();
                // As many callers in each zone: what the simulator's tiers are.
                let routing = Zones::new(&vec![1; zones.len()], &backends, 0).routing;
                if routing == Routing::Off {
                    return None;
                }
                let first = self.lists.len();
                self.lists.extend(split);
                Some(Places::Zones { routing, own: 0, first })
            }
        }
    }

    /// The list for a pick, by a draw or a hash.
    #[inline]
    pub(super) fn choose(&mut self, hash: u64, chance: &mut Stream) -> Option<Chosen> {
        let (priority, availability) = self.loads.choose(hash)?;
        let whole = |list| Some(Chosen { list: priority * LISTS + list, priority });
        if self.loads.panic[priority] {
            return if self.options.fail_on_panic { None } else { whole(ALL) };
        }
        let list = if availability == Availability::Healthy { HEALTHY } else { DEGRADED };
        let place = match &mut self.places[priority][list - HEALTHY] {
            None => None,
            Some(Places::Weighted { edf, weights, first }) => edf.next(|at| weights[at as usize]).map(|at| *first + at as usize),
            Some(Places::Zones { routing, own, first }) => routing.choose(*own, || chance.bits()).map(|at| *first + at),
        };
        place.map_or_else(|| whole(list), |list| Some(Chosen { list, priority }))
    }
}

/// The weight of a backend's locality: its label `locality_weight`, 1 where it has none.
pub(super) fn locality_weight(member: &Member) -> f64 {
    let weight = member.label("locality_weight").and_then(|text| text.parse().ok());
    weight.filter(|weight: &f64| weight.is_finite() && *weight >= 0.0).unwrap_or(1.0)
}

/// The zones of some backends in the order in which they come up, the own one first.
pub(super) fn zones<'a>(backends: &[BackendId], pool: &'a Pool, own: &'a str) -> Vec<&'a str> {
    let mut zones: Vec<&str> = Vec::new();
    let of_backends = backends.iter().map(|&backend| pool.member(backend).zone.as_str());
    for zone in Some(own).filter(|own| !own.is_empty()).into_iter().chain(of_backends) {
        if !zones.contains(&zone) {
            zones.push(zone);
        }
    }
    zones
}

fn by_zone(backends: &[BackendId], pool: &Pool, zones: &[&str]) -> Vec<Vec<BackendId>> {
    let of = |zone: &&str| backends.iter().copied().filter(|&backend| pool.member(backend).zone == *zone).collect();
    zones.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(members: &[(u32, &str, State)]) -> Pool {
        let member = |&(priority, zone, state): &(u32, &str, State)| Member { priority, zone: zone.into(), state, ..Member::new("a:1") };
        Pool::new(members.iter().map(member).collect::<Vec<_>>().into())
    }

    fn shares(spread: Spread, pool: &Pool) -> Vec<u32> {
        let options = Options { overprovisioning: 140.0, panic_threshold: 50.0, fail_on_panic: false, spread };
        let (mut cluster, mut chance) = (Cluster::new(options), Stream::new(3));
        cluster.refresh(pool, 0);
        let mut counts = vec![0; pool.len()];
        for draw in 0..10_000 {
            let chosen = cluster.choose(draw, &mut chance).expect("somebody is there");
            let list = &cluster.lists()[chosen.list];
            counts[list[draw as usize % list.len()].index()] += 1;
        }
        counts
    }

    #[test]
    fn half_of_a_priority_carries_seventy_percent() {
        let pool = pool(&[(0, "", State::Up), (0, "", State::Down), (1, "", State::Up)]);
        assert_eq!(shares(Spread::Even, &pool), [7_000, 0, 3_000]);
    }

    #[test]
    fn in_panic_everybody_is_used() {
        let pool = pool(&[(0, "", State::Up), (0, "", State::Down), (0, "", State::Down), (0, "", State::Draining)]);
        assert_eq!(shares(Spread::Even, &pool), [2_500; 4]);
    }

    #[test]
    fn localities_share_by_weight_and_zones_stay_at_home() {
        let members: Vec<_> = ["a", "a", "a", "b"].iter().map(|zone| (0, *zone, State::Up)).collect();
        let halves = shares(Spread::Localities, &pool(&members));
        assert_eq!(halves[3], 5_000);
        let home = Spread::Zones { own: "a".into(), least_backends: 1 };
        assert_eq!(shares(home, &pool(&members))[3], 0);
    }
}
