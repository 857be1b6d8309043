//! Groups of backends, resolved, and how their members are called.

use super::Plan;
use crate::balance::Member;
use crate::fault::Kind;
use crate::fleet::GroupPlan;
use crate::scenario::{Discipline, Group, Scenario};
use crate::trace::tape::Column;
use crate::traffic::{NOBODY, Recorded};
use std::collections::BTreeMap;

/// All groups, with as many members as there may be.
pub(super) fn group_plans(scenario: &Scenario, zones: &[String]) -> Vec<GroupPlan> {
    let listed = scenario.listed();
    let zone = |name: &str| zones.iter().position(|zone| zone == name).map(|at| at as u16);
    let groups = scenario.groups().into_iter().zip(listed);
    groups.map(|(group, listed)| group_plan(group, listed.count, listed.zone.and_then(zone))).collect()
}

fn group_plan(group: &Group, count: u32, zone: Option<u16>) -> GroupPlan {
    GroupPlan {
        name: group.name.clone(),
        count,
        speed: group.speed,
        // Sharing unlimited workers and having one of one's own are the same thing.
        workers: group.workers,
        discipline: if group.workers.is_none() { Discipline::Fifo } else { group.discipline },
        overloaded_after: group.overloaded_after.0,
        shed: group.shed.map(|shed| (shed.target.0, shed.interval.0)),
        max_wait: group.max_wait.map(|wait| wait.0),
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

impl Plan {
    /// How many backends there are, or may be.
    #[must_use]
    pub fn backend_count(&self) -> u32 {
        self.groups.iter().map(|group| group.count).sum()
    }

    /// Every backend's name and group, in order.
    pub fn backends(&self) -> impl Iterator<Item = (String, &GroupPlan)> {
        self.groups.iter().flat_map(|group| (0..group.count).map(move |member| (name_of(group, member), group)))
    }

    /// Of every backend, in order: the service it belongs to, and whether it comes later than at the start (started by the autoscaler, or joining).
    #[must_use]
    pub fn places(&self) -> Vec<(u16, bool)> {
        let groups = self.services.iter().zip(0..).flat_map(|(of, service)| of.groups.clone().map(move |group| (service, group)));
        let members = groups.flat_map(|(service, group)| {
            let GroupPlan { count, initially, .. } = self.groups[group];
            (0..count).map(move |member| (service, member >= initially))
        });
        let mut places: Vec<(u16, bool)> = members.collect();
        for fault in self.faults.iter().filter(|fault| matches!(fault.kind, Kind::Join { .. })) {
            fault.target.among.iter().for_each(|&joining| places[joining as usize].1 = true);
        }
        places
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
}

/// Which backend each of a record's names means: the one of that name, or of that address. Where none of them means any and there are as many as backends, they are taken in
/// the order of their names: what a record calls `10.1.2.3:80` may be called `web-0` here.
pub(super) fn recorded(recorded: &Recorded, groups: &[GroupPlan]) -> Vec<u32> {
    let mut known: BTreeMap<String, u32> = BTreeMap::new();
    let mut count = 0;
    for group in groups {
        for member in 0..group.count {
            known.entry(name_of(group, member)).or_insert(count);
            let address = group.address.as_ref().map(|first| counted_on(first, member));
            if let Some(address) = address {
                known.entry(address).or_insert(count);
            }
            count += 1;
        }
    }
    let names = recorded.tape().names(Column::Backend);
    let found: Vec<u32> = names.iter().map(|name| known.get(&*String::from_utf8_lossy(name)).copied().unwrap_or(NOBODY)).collect();
    if found.iter().any(|&backend| backend != NOBODY) || found.len() != count as usize {
        return found;
    }
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by_key(|&number| names.get(number));
    let mut by_order = vec![NOBODY; names.len()];
    order.into_iter().zip(0..).for_each(|(number, backend)| by_order[number] = backend);
    by_order
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
