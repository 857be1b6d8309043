//! What only the whole scenario shows: limits, keys that contradict each other, and results that would mislead.

mod callers;
mod expects;
mod faults;

pub(crate) use expects::expect;

use std::collections::BTreeSet;

use super::backends::Written as Member;
use super::balancers::Written;
use super::decoder::Decoder;
use super::diagnostic::{Fault, Finding};
use super::document::{Node, Table};
use super::model::{Group, Intensity, Length, Process, Scenario, Tier};
use super::position::Place;
use super::services;
use super::suggest::nearest;
use crate::balance;
use crate::catalogue::Value;
use crate::dist::Dist;
use std::ops::Range;

/// The most points of all ring-hash rings together: 16 bytes each.
const MAX_POINTS: f64 = 1e7;

/// A scenario with what is needed to point at its parts.
pub(super) struct Whole<'a> {
    pub(super) root: &'a Table,
    pub(super) scenario: &'a Scenario,
    /// All groups, and where they are written.
    pub(super) groups: Vec<&'a Group>,
    pub(super) members: Vec<Member<'a>>,
}

impl<'a> Whole<'a> {
    fn new(root: &'a Table, scenario: &'a Scenario) -> Self {
        Self { root, scenario, groups: scenario.groups(), members: services::group_members(root) }
    }

    /// The groups of each service; of the one that there is, all.
    pub(super) fn pools(&self) -> Vec<Range<usize>> {
        if self.scenario.services.is_empty() {
            return std::iter::once(0..self.groups.len()).collect();
        }
        let sizes = self.scenario.services.iter().map(|service| service.backends.len());
        let pool = |next: &mut usize, size: usize| {
            *next += size;
            Some(*next - size..*next)
        };
        sizes.scan(0, pool).collect()
    }

    /// The service that a source goes to, by number.
    pub(super) fn entry(&self, source: usize) -> usize {
        let to = self.scenario.traffic[source].to.as_ref();
        to.and_then(|to| self.scenario.services.iter().position(|service| service.name == *to)).unwrap_or(0)
    }

    /// Backends in some groups.
    pub(super) fn count(&self, pool: &Range<usize>) -> u64 {
        self.groups[pool.clone()].iter().map(|group| u64::from(group.count)).sum()
    }
}

/// Notes all that is wrong or doubtful between sections.
pub(crate) fn check(d: &mut Decoder<'_>, root: &Table, scenario: &Scenario, balancers: &[Written]) {
    let whole = Whole::new(root, scenario);
    weights(d, &whole);
    loads(d, &whole);
    waits(d, root, scenario);
    record_is_long_enough(d, root, scenario);
    as_recorded(d, scenario, balancers);
    zones(d, root, scenario);
    caches(d, &whole);
    let pools = whole.pools();
    let compared: Vec<Range<usize>> = match &scenario.services[..] {
        [] => pools.clone(),
        services => pools.iter().zip(services).filter(|(_, service)| service.balancer.is_none()).map(|(pool, _)| pool.clone()).collect(),
    };
    balancers.iter().for_each(|written| of_balancer(d, &whole, written, &compared));
    for (index, pool) in pools.into_iter().enumerate() {
        if let Some(written) = services::balancer(root, &scenario.services, index) {
            of_balancer(d, &whole, &written, &[pool]);
        }
    }
    clients(d, root, scenario, &scenario.tier);
    let entries: Vec<usize> = (0..scenario.traffic.len()).map(|source| whole.entry(source)).collect();
    services::reached(d, root, &scenario.services, &entries);
    callers::check(d, &whole);
    faults::check(d, &whole);
}

/// What a balancer does not go with, among the pools that it is for.
fn of_balancer(d: &mut Decoder<'_>, whole: &Whole<'_>, written: &Written, pools: &[Range<usize>]) {
    let scenario = whole.scenario;
    if let Some(total) = pools.iter().map(|pool| whole.count(pool)).max() {
        choices(d, written, total);
    }
    let groups = || pools.iter().flat_map(|pool| pool.clone());
    let weight = groups().map(|at| whole.groups[at].told.weight * f64::from(whole.groups[at].count)).sum();
    points(d, written, weight);
    whole_weights(d, whole, written, &groups().collect::<Vec<_>>());
    let single_key = scenario.traffic.iter().position(|source| source.keys.is_some_and(|keys| keys.count == 1));
    if let Some(index) = single_key {
        hashes(d, whole.root, written, (index, &scenario.traffic[index].name));
    }
}

/// Where a member of a list of the top level has a value.
pub(super) fn place(root: &Table, section: &str, index: usize, keys: &[&str]) -> Place {
    let member = root.get(section).and_then(|pair| pair.value.members().get(index));
    let deeper = |node: &Node, key: &&str| node.as_table().and_then(|table| table.get(key)).map(|pair| pair.value.clone());
    let Some(member) = member else { return Place::default() };
    keys.iter().try_fold(member.clone(), |node, key| deeper(&node, key)).map_or(member.at, |node| node.at)
}

/// The path of a key of a source.
fn in_traffic(root: &Table, index: usize, name: &str, key: &str) -> String {
    match root.get("traffic").map(|pair| &pair.value) {
        Some(node) if node.as_table().is_none() => format!("traffic[{index}] ({}).{key}", crate::escape::shown(name)),
        _ => format!("traffic.{key}"),
    }
}

fn weights(d: &mut Decoder<'_>, whole: &Whole<'_>) {
    for pool in whole.pools() {
        if whole.groups[pool.clone()].iter().any(|group| group.told.weight > 0.0) {
            continue;
        }
        let fault = Fault::Inconsistent("the weight of every backend is 0: no backend can receive traffic".into());
        let Some(member) = whole.members.get(pool.start) else { continue };
        let finding = Finding::error(member.place("weight"), fault).path(format!("{}.weight", member.path));
        d.report(finding.allowed("a weight above 0 for at least one backend").help("write weight = 1"));
    }
}

/// `load` needs a capacity and a mean.
fn loads(d: &mut Decoder<'_>, whole: &Whole<'_>) {
    let (root, scenario, pools) = (whole.root, whole.scenario, whole.pools());
    for (index, source) in scenario.traffic.iter().enumerate() {
        if !matches!(source.arrivals.intensity, Some(Intensity::Load(_))) {
            continue;
        }
        let at = place(root, "traffic", index, &["arrivals", "load"]);
        let path = in_traffic(root, index, &source.name, "arrivals.load");
        let pool = pools[whole.entry(index)].clone();
        let unlimited = pool.into_iter().find(|&group| whole.groups[group].workers.is_none());
        if let Some(group) = unlimited {
            let fault =
                Fault::Inconsistent("`load` is a share of the capacity, and backends with workers = \"unlimited\" have none".into());
            let finding = Finding::error(at, fault).path(&path).allowed("`rate`, where workers are unlimited");
            d.report(
                finding
                    .related("unlimited here", whole.members.get(group).map_or(at, |member| member.place("workers")))
                    .help("write rate = \"800/s\" instead of load"),
            );
        }
        if has_no_mean(&source.work) {
            let fault = Fault::Inconsistent("`load` needs work with a mean, and a Pareto with alpha of 1 or less has none".into());
            d.report(
                Finding::error(at, fault)
                    .path(path)
                    .allowed("`rate`, where work has no mean")
                    .related("the work is set here", place(root, "traffic", index, &["work"]))
                    .help("write rate = \"800/s\" instead of load, or give the Pareto a max"),
            );
        }
    }
}

fn has_no_mean(dist: &Dist) -> bool {
    match dist {
        Dist::Pareto { alpha, max, .. } => *alpha <= 1.0 && max.is_none(),
        Dist::Mixture(parts) => parts.iter().any(|(share, part)| *share > 0.0 && has_no_mean(part)),
        _ => false,
    }
}

/// Rates so low that nothing comes, or that time runs out.
fn waits(d: &mut Decoder<'_>, root: &Table, scenario: &Scenario) {
    for (index, source) in scenario.traffic.iter().enumerate() {
        let Some(Intensity::Rate(rate)) = source.arrivals.intensity else { continue };
        let at = place(root, "traffic", index, &["arrivals", "rate"]);
        let path = in_traffic(root, index, &source.name, "arrivals.rate");
        let gap_years = 1.0 / rate.as_per_second() / (365.25 * 86_400.0);
        let length = match (&source.arrivals.process, scenario.run.length) {
            // A record ends by itself.
            (Process::Recorded(recorded), Length::Requests(requests)) => Length::Requests(requests.min(recorded.requests())),
            (_, length) => length,
        };
        match length {
            Length::Duration(duration) if rate.gap_ns() > duration.0 as f64 => {
                let message = format!("no request is expected within {duration} (mean gap {})", mean_gap(rate.gap_ns(), gap_years));
                d.report(
                    Finding::warning(at, message)
                        .path(path)
                        .allowed("a rate that brings many requests within run.duration")
                        .help("raise the rate, or run.duration"),
                );
            }
            Length::Requests(requests) if scenario.traffic.len() == 1 && rate.gap_ns() * requests as f64 > u64::MAX as f64 => {
                let fault = Fault::OutOfRange {
                    found: "the rate".into(),
                    why: format!("{requests} requests would take {:.1e} years; time holds 584", gap_years * requests as f64),
                };
                d.report(
                    Finding::error(at, fault)
                        .path(path)
                        .allowed("a run of less than 584 years")
                        .help("raise the rate, or lower run.requests"),
                );
            }
            Length::Duration(_) | Length::Requests(_) => {}
        }
    }
}

/// The most requests that anybody asks for by number.
const EVERYTHING: u64 = u64::MAX - 1;

/// Only a record that says who served its requests can be followed.
fn as_recorded(d: &mut Decoder<'_>, scenario: &Scenario, balancers: &[Written]) {
    let names = |source: &crate::scenario::model::Traffic| matches!(&source.arrivals.process, Process::Recorded(recorded) if recorded.names_backends());
    if scenario.traffic.iter().any(names) {
        return;
    }
    for written in balancers.iter().filter(|written| written.balancer.kind == "as-recorded") {
        let message = "no traffic is recorded with the backends that served it: as-recorded takes turns";
        let help = "use the log of a balancer that says who served a request (nginx: $upstream_addr; HAProxy and Envoy do), or leave as-recorded out";
        d.report(Finding::warning(written.at, message).path(written.path.as_str()).allowed("a record that names backends").help(help));
    }
}

/// A record is shorter than the run.
fn record_is_long_enough(d: &mut Decoder<'_>, root: &Table, scenario: &Scenario) {
    // Nothing was asked for where everything is played.
    let Length::Requests(wanted @ ..=EVERYTHING) = scenario.run.length else { return };
    let requests = |source: &crate::scenario::model::Traffic| match &source.arrivals.process {
        Process::Recorded(recorded) => Some(recorded.requests()),
        _ => None,
    };
    let Some(there) = scenario.traffic.iter().map(requests).sum::<Option<u64>>().filter(|&there| there < wanted) else { return };
    let at = place(root, "run", 0, &["requests"]);
    let message = format!("the record ends after {there} requests, of {wanted} that are asked for: the run ends with it");
    let help = "leave `requests` out for all of the record, or set `repeat` to play it several times";
    d.report(Finding::warning(at, message).path("run.requests").allowed(format!("at most {there}")).help(help));
}

fn mean_gap(ns: f64, years: f64) -> String {
    if years >= 1.0 { format!("{years:.0e} years") } else { crate::time::Span(crate::time::round_ns(ns)).to_string() }
}

/// Links to zones where nobody is.
fn zones(d: &mut Decoder<'_>, root: &Table, scenario: &Scenario) {
    let traffic = scenario.traffic.iter().filter_map(|source| source.zone.as_deref());
    let known: BTreeSet<&str> = scenario
        .groups()
        .into_iter()
        .filter_map(|group| group.zone.as_deref())
        .chain(traffic)
        .chain(scenario.tier.zone.as_deref())
        .collect();
    let list = root.get("network").and_then(|pair| pair.value.as_table()).and_then(|table| table.get("between"));
    let Some(list) = list else { return };
    for (index, (link, node)) in scenario.links.iter().zip(list.value.members()).enumerate() {
        for (key, zone) in [("from", &link.from), ("to", &link.to)] {
            if known.contains(zone.as_str()) {
                continue;
            }
            let at = node.as_table().and_then(|table| table.get(key)).map_or(node.at, |pair| pair.value.at);
            let help = nearest(zone, known.iter().copied()).map_or_else(
                || "give traffic, backends or the tier that zone, or remove the link".to_owned(),
                |name| format!("did you mean \"{}\"?", crate::escape::visible(name, 40)),
            );
            let names = known.iter().take(10).map(|name| crate::escape::shown(name)).collect::<Vec<_>>().join(", ");
            let finding = Finding::warning(at, format!("nothing is in the zone {}", crate::escape::shown(zone)))
                .path(format!("network.between[{index}].{key}"));
            d.report(
                finding
                    .allowed(if names.is_empty() {
                        "zones that are used; there are none".into()
                    } else {
                        format!("zones that are used: {names}")
                    })
                    .help(help),
            );
        }
    }
}

/// A cache where no key comes twice.
fn caches(d: &mut Decoder<'_>, whole: &Whole<'_>) {
    if whole.scenario.traffic.iter().any(|source| source.keys.is_some()) {
        return;
    }
    if let Some((_, member)) = whole.groups.iter().zip(&whole.members).find(|(group, _)| group.cache.is_some()) {
        let finding =
            Finding::warning(member.place("cache"), "the cache never hits: without traffic.keys every request has a key of its own");
        let finding = finding.path(format!("{}.cache", member.path)).allowed("a cache beside traffic.keys");
        d.report(finding.help("add keys = { dist = \"zipf\", count = 10000 } to [traffic]"));
    }
}

/// `choices` of one, or of more than there are.
fn choices(d: &mut Decoder<'_>, written: &Written, total: u64) {
    let Some(Value::Whole(choices)) = written.balancer.values.get("choices") else { return };
    let finding = |message: String| {
        Finding::warning(written.place("choices"), message)
            .path(format!("{}.choices", written.path))
            .allowed(format!("2 to {}, the number of backends", total.max(2)))
    };
    if *choices == 1 {
        d.report(finding("choices = 1: this is random".into()).help("write choices = 2, or kind = \"random\""));
    } else if *choices > total {
        d.report(
            finding(format!("choices = {choices} with {} backends: all of them are looked at", total))
                .help(format!("write choices = {}", total.max(2))),
        );
    }
}

/// Weights that a product does not take.
fn whole_weights(d: &mut Decoder<'_>, whole: &Whole<'_>, written: &Written, among: &[usize]) {
    let Some((least, most)) = balance::find(written.balancer.kind).and_then(|listed| listed.whole_weights) else { return };
    let range = f64::from(least)..=f64::from(most);
    let groups: Vec<&Group> = among.iter().map(|&at| whole.groups[at]).collect();
    for &at in among {
        let weight = whole.groups[at].told.weight;
        if !range.contains(&weight) || weight.fract() != 0.0 {
            let fault = Fault::Inconsistent(format!(
                "{} takes only whole weights from {least} to {most}, and this is {weight}",
                written.balancer.kind
            ));
            let Some(member) = whole.members.get(at) else { continue };
            let finding = Finding::error(member.place("weight"), fault)
                .path(format!("{}.weight", member.path))
                .allowed(format!("a whole number from {least} to {most}"))
                .related("the balancer is here", written.at);
            let help = multiplied(&groups, &range).unwrap_or_else(|| {
                format!("write weight = {}, or leave the balancer out", weight.round().clamp(*range.start(), *range.end()))
            });
            d.report(finding.help(help));
        }
    }
}

/// How weights become whole without changing what they mean, where ten, a hundred or a thousand times does it.
fn multiplied(groups: &[&Group], whole: &std::ops::RangeInclusive<f64>) -> Option<String> {
    let factor = [10.0, 100.0, 1000.0].into_iter().find(|factor| {
        groups.iter().all(|group| {
            let weight = group.told.weight * factor;
            (weight - weight.round()).abs() < 1e-9 && whole.contains(&weight.round())
        })
    })?;
    let weights: Vec<String> = groups.iter().map(|group| (group.told.weight * factor).round().to_string()).collect();
    Some(format!("multiply all weights by {factor}: {}", weights.join(", ")))
}

/// Rings that would not fit in memory.
fn points(d: &mut Decoder<'_>, written: &Written, weight: f64) {
    let listed = balance::find(written.balancer.kind).map_or(0, |listed| listed.points_per_weight);
    let points = match written.balancer.values.get("points") {
        Some(Value::Whole(points)) => *points,
        _ => u64::from(listed),
    };
    let sum = points as f64 * weight;
    if sum > MAX_POINTS {
        let fault = Fault::Limit(format!(
            "the ring would have {sum:.1e} points, about {:.1e} bytes; the limit is {MAX_POINTS:.0e} points",
            sum * 16.0
        ));
        d.report(
            Finding::error(written.place("points"), fault)
                .path(format!("{}.points", written.path))
                .allowed("points × weight × count of at most 10,000,000 over all backends")
                .help("lower `points` or the weights"),
        );
    }
}

/// One key for all: a hash sends all of it to one backend.
fn hashes(d: &mut Decoder<'_>, root: &Table, written: &Written, (index, name): (usize, &str)) {
    let is_hash = balance::find(written.balancer.kind).is_some_and(|listed| listed.by_key);
    if is_hash {
        let at = place(root, "traffic", index, &["keys", "count"]);
        let finding =
            Finding::warning(at, format!("there is one key, and {} hashes it: all traffic goes to one backend", written.balancer.kind));
        let path = in_traffic(root, index, name, "keys.count");
        d.report(
            finding.path(path).allowed("more keys than backends").related("the balancer is here", written.at).help("write count = 10000"),
        );
    }
}

/// Instances chosen by client, where there is one client.
fn clients(d: &mut Decoder<'_>, root: &Table, scenario: &Scenario, tier: &Tier) {
    let is_single =
        |source: &crate::scenario::model::Traffic| source.clients.is_none() && !matches!(source.arrivals.process, Process::Closed { .. });
    if tier.assign == crate::scenario::model::Assign::Client && tier.instances > 1 && scenario.traffic.iter().all(is_single) {
        let at = root
            .get("tier")
            .and_then(|pair| pair.value.as_table())
            .and_then(|table| table.get("assign"))
            .map_or(Place::default(), |pair| pair.value.at);
        let finding = Finding::warning(at, "assign = \"client\" without traffic.clients: one client sends everything to one instance");
        d.report(
            finding
                .path("tier.assign")
                .allowed("traffic.clients beside it, or \"random\"")
                .help("add clients = { count = 1000 } to [traffic]"),
        );
    }
}
