//! What callers do that does not go with the rest: timeouts that always strike, hedges to nobody, probes that never come.

use super::{Whole, place};
use crate::client::Caller;
use crate::dist::Dist;
use crate::escape::shown;
use crate::health::ejection::{AtOnce, Product};
use crate::scenario::decoder::Decoder;
use crate::scenario::diagnostic::Finding;
use crate::scenario::document::Node;
use crate::scenario::model::Length;
use crate::scenario::position::Place;
use crate::time::{Span, round_ns};
use std::ops::Range;

/// A caller, where it is written, and the pools that it calls.
pub(super) struct CallerAt<'a> {
    pub(super) caller: &'a Caller,
    node: Option<&'a Node>,
    path: String,
    /// The services, by number.
    pub(super) services: Vec<usize>,
}

impl CallerAt<'_> {
    fn place(&self, keys: &[&str]) -> Place {
        let start = self.node.cloned();
        let deeper = |node: Node, key: &&str| node.as_table().and_then(|table| table.get(key)).map(|pair| pair.value.clone());
        let all = start.clone().and_then(|start| keys.iter().try_fold(start, deeper));
        all.or(start).map_or(Place::default(), |node| node.at)
    }
}

/// All callers: `[client]`, and those of services.
pub(super) fn callers<'a>(whole: &Whole<'a>) -> Vec<CallerAt<'a>> {
    let services = &whole.scenario.services;
    let common = (0..services.len().max(1)).filter(|&at| services.get(at).is_none_or(|service| service.client.is_none())).collect();
    let node = whole.root.get("client").map(|pair| &pair.value);
    let mut callers = vec![CallerAt { caller: &whole.scenario.client, node, path: "client".into(), services: common }];
    for (index, service) in services.iter().enumerate() {
        let Some(caller) = &service.client else { continue };
        let member = whole.root.get("service").and_then(|pair| pair.value.members().get(index));
        let node = member.and_then(|member| member.as_table()?.get("client")).map(|pair| &pair.value);
        callers.push(CallerAt { caller, node, path: format!("service[{index}] ({}).client", shown(&service.name)), services: vec![index] });
    }
    callers
}

/// Notes all that is doubtful of callers and of health.
pub(super) fn check(d: &mut Decoder<'_>, whole: &Whole<'_>) {
    let pools = whole.pools();
    for caller in callers(whole) {
        attempts_end_first(d, &caller);
        let pools: Vec<Range<usize>> = caller.services.iter().map(|&at| pools[at].clone()).collect();
        times_out_always(d, whole, &caller);
        hedges_to_nobody(d, whole, &caller, &pools);
    }
    probes(d, whole);
    ejects_nobody(d, whole);
}

/// An attempt's timeout is there to leave time for another.
fn attempts_end_first(d: &mut Decoder<'_>, at: &CallerAt<'_>) {
    let (Some(Dist::Constant(all)), Some(Dist::Constant(one))) = (&at.caller.timeout, &at.caller.attempt_timeout) else { return };
    if one >= all {
        let message = format!("an attempt may take {}, and the whole request {}: it is never made again", span(*one), span(*all));
        let finding = Finding::warning(at.place(&["attempt_timeout"]), message).path(format!("{}.attempt_timeout", at.path));
        let finding = finding.allowed("less than `timeout`").related("the timeout is set here", at.place(&["timeout"]));
        d.report(finding.help("lower attempt_timeout, or leave it out"));
    }
}

fn span(ns: f64) -> Span {
    Span(round_ns(ns))
}

/// A timeout below what every request takes.
fn times_out_always(d: &mut Decoder<'_>, whole: &Whole<'_>, at: &CallerAt<'_>) {
    let Some(least_of_all) = at.services.iter().filter_map(|&service| least_time(whole, service)).min_by(f64::total_cmp) else { return };
    for (key, timeout) in [("timeout", &at.caller.timeout), ("attempt_timeout", &at.caller.attempt_timeout)] {
        let Some(most) = timeout.as_ref().and_then(greatest).filter(|most| *most < least_of_all) else { continue };
        let message = format!("every request times out: the least that one takes is {}, and {key} is {}", span(least_of_all), span(most));
        let finding = Finding::warning(at.place(&[key]), message).path(format!("{}.{key}", at.path));
        d.report(
            finding.allowed("more than network and work take").help(format!("write {key} = \"{}\" or more", span(least_of_all * 10.0))),
        );
    }
}

/// The least that a request to a service can take: there and back, and its work where that is least.
fn least_time(whole: &Whole<'_>, service: usize) -> Option<f64> {
    let own = whole.scenario.services.get(service).and_then(|service| service.work.as_ref());
    let traffic = whole.scenario.traffic.iter().enumerate().filter(|(at, _)| whole.entry(*at) == service).map(|(_, source)| &source.work);
    let work = traffic.chain(own).map(least).min_by(f64::total_cmp)?;
    let pool = whole.pools().get(service)?.clone();
    let hit = |group: &crate::scenario::Group| group.cache.map_or(1.0, |cache| cache.hit);
    whole.groups[pool].iter().map(|group| work * hit(group) / group.speed + 2.0 * least(&group.network)).min_by(f64::total_cmp)
}

/// The least value, as far as one is certain.
fn least(dist: &Dist) -> f64 {
    match dist {
        Dist::Constant(value) | Dist::Uniform { min: value, .. } | Dist::Pareto { min: value, .. } => *value,
        Dist::Mixture(parts) => parts.iter().filter(|(share, _)| *share > 0.0).map(|(_, part)| least(part)).fold(f64::INFINITY, f64::min),
        Dist::Empirical(points) => points.first().map_or(0.0, |point| point.1),
        Dist::Exponential { .. }
        | Dist::Erlang { .. }
        | Dist::Gamma { .. }
        | Dist::Hyperexponential { .. }
        | Dist::Lognormal { .. }
        | Dist::Normal { .. }
        | Dist::Weibull { .. } => 0.0,
    }
}

/// The greatest value, where there is one.
fn greatest(dist: &Dist) -> Option<f64> {
    match dist {
        Dist::Constant(value) | Dist::Uniform { max: value, .. } => Some(*value),
        _ => None,
    }
}

/// A hedge where there is but one backend.
fn hedges_to_nobody(d: &mut Decoder<'_>, whole: &Whole<'_>, at: &CallerAt<'_>, pools: &[Range<usize>]) {
    let alone = pools.iter().find(|pool| whole.count(pool) == 1);
    let (Some(_), Some(pool)) = (&at.caller.hedge, alone) else { return };
    let name = whole.groups.get(pool.start).map_or(String::new(), |group| shown(&group.name));
    let message = format!("a hedge without a second backend: {name} gets both attempts");
    let finding = Finding::warning(at.place(&["hedge"]), message).path(format!("{}.hedge", at.path));
    d.report(finding.allowed("a hedge where there are at least 2 backends").help("raise `count`, or leave the hedge out"));
}

/// Probes that hardly ever come.
fn probes(d: &mut Decoder<'_>, whole: &Whole<'_>) {
    let (Some(active), Length::Duration(duration)) = (&whole.scenario.health.active, whole.scenario.run.length) else { return };
    if active.interval > duration {
        let at = key(whole, &["health", "active", "interval"]);
        let message = format!("the run lasts {duration}, and a backend is probed every {}: most are never probed", active.interval);
        let finding = Finding::warning(at, message).path("health.active.interval").allowed("less than run.duration");
        let finding = finding.related("the duration is set here", key(whole, &["run", "duration"]));
        d.report(finding.help("lower the interval, or raise run.duration"));
    }
}

/// Ten percent of five backends is nobody.
fn ejects_nobody(d: &mut Decoder<'_>, whole: &Whole<'_>) {
    let Some(outlier) = &whole.scenario.health.outlier else { return };
    let percent = outlier.max_ejected * 100.0;
    let rule = match outlier.product {
        Product::Envoy => AtOnce::Envoy { percent, always_one: outlier.always_one },
        Product::Grpc => AtOnce::Grpc { percent },
    };
    let most = whole.pools().iter().map(|pool| whole.count(pool)).max().unwrap_or(0);
    if !rule.allows(0, most) {
        let at = key(whole, &["health", "outlier", "max_ejected"]);
        let message = format!("nobody is ever ejected: one of {most} backends is more than max_ejected = {percent}%");
        let finding = Finding::warning(at, message).path("health.outlier.max_ejected").allowed("a share of at least one backend");
        d.report(finding.help(format!("write max_ejected = \"{}%\", or always_one = true", 100_u64.div_ceil(most.max(1)))));
    }
}

/// Where a dotted key of the top level is, or its table.
fn key(whole: &Whole<'_>, keys: &[&str]) -> Place {
    let Some(pair) = keys.first().and_then(|first| whole.root.get(first)) else { return Place::default() };
    let mut node = &pair.value;
    for key in &keys[1..] {
        let Some(next) = node.as_table().and_then(|table| table.get(key)) else { break };
        node = &next.value;
    }
    node.at
}

/// Where a fault has a key, or where it begins.
pub(super) fn fault_place(whole: &Whole<'_>, index: usize, key: &str) -> Place {
    place(whole.root, "fault", index, &[key])
}
