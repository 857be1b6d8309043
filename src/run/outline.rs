//! A plan in words and as it is drawn: what `evenkeel check` prints and a report shows of it.

use crate::fault::{Fault, Occurrences, Repeats};
use crate::measure::detail::{FaultSetup, GroupSetup, ResultDetail, ServiceSetup, Setup};
use crate::plan::{Plan, ServicePlan};
use crate::scenario::Length;
use std::collections::BTreeSet;

/// What is said of a plan, in order. Names in it are the user's own.
#[must_use]
pub fn facts(plan: &Plan) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("length", format!("{} × {} replications, seed {}", length(plan), plan.replications, plan.seed)),
        ("traffic", traffic(plan)),
        ("backends", backends(plan)),
        ("tier", counted(plan.tier.instances as usize, "balancer instance")),
        ("balancers", listed(plan.balancers.iter().map(|balancer| balancer.label.clone()))),
    ];
    if plan.services.len() > 1 {
        facts.push(("services", listed(plan.services.iter().map(|service| calls(plan, service)))));
    }
    if !plan.faults.is_empty() {
        facts.push(("faults", listed(plan.faults.iter().map(|fault| fault.name.clone()))));
    }
    facts.push(("in all", total(plan)));
    facts
}

fn listed(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn length(plan: &Plan) -> String {
    match plan.length {
        Length::Requests(requests) => format!("{requests} requests"),
        Length::Duration(duration) => format!("{duration} of arrivals"),
    }
}

fn traffic(plan: &Plan) -> String {
    let rate = plan.rate.map_or_else(|| "as fast as clients are answered".to_owned(), |rate| format!("{} requests/s", trimmed(rate)));
    let load = plan.load().map_or_else(String::new, |load| format!(", load {:.1}%", load * 100.0));
    format!("{}, {rate}{load}", counted(plan.sources.len(), "source"))
}

fn backends(plan: &Plan) -> String {
    let groups = plan.groups.iter().map(|group| match (group.initially, group.count) {
        (_, 1) => group.name.clone(),
        (first, most) if first < most => format!("{first} × {} (at most {most})", group.name),
        (_, count) => format!("{count} × {}", group.name),
    });
    let present: u32 = plan.groups.iter().map(|group| group.initially).sum();
    format!("{present}: {}", listed(groups))
}

fn total(plan: &Plan) -> String {
    let cells = plan.balancers.len() as f64 * f64::from(plan.replications);
    let word = if cells == 1.0 { "cell" } else { "cells" };
    let known = plan.expected_requests().map(|requests| format!("about {:.0} requests in {cells} {word}", requests * cells));
    known.unwrap_or_else(|| "not known before".to_owned())
}

/// The services that one calls, each once.
fn called(service: &ServicePlan) -> BTreeSet<u16> {
    service.stages.iter().flatten().map(|call| call.to).collect()
}

/// `cart → order + price`.
fn calls(plan: &Plan, service: &ServicePlan) -> String {
    let called: Vec<String> = called(service).into_iter().map(|to| plan.services[to as usize].name.clone()).collect();
    if called.is_empty() { service.name.clone() } else { format!("{} → {}", service.name, called.join(" + ")) }
}

/// A variant as it is drawn, with what has been measured of it.
pub(super) fn setup(plan: &Plan, results: &[ResultDetail]) -> Setup {
    let ends = results.iter().map(|result| result.windows.width_s * result.windows.len() as f64).fold(0.0, f64::max);
    Setup {
        variant: plan.variant.clone(),
        facts: facts(plan).into_iter().map(|(what, said)| (what.to_owned(), said)).collect(),
        load: plan.load(),
        sources: plan.sources.iter().map(|source| source.name.clone()).collect(),
        instances: plan.tier.instances,
        services: plan.services.iter().map(|of| service(plan, of)).collect(),
        faults: plan.faults.iter().zip(0..).map(|(fault, number)| struck(plan, fault, number, ends)).collect(),
    }
}

fn service(plan: &Plan, service: &ServicePlan) -> ServiceSetup {
    let groups = plan.groups[service.groups.clone()].iter().map(|group| GroupSetup {
        name: group.name.clone(),
        count: group.count,
        speed: group.speed,
        workers: group.workers,
        zone: group.zone.map(|zone| plan.zones[zone as usize].clone()),
    });
    ServiceSetup { name: service.name.clone(), calls: called(service).into_iter().collect(), groups: groups.collect() }
}

/// When a fault is on, up to the end of what is drawn.
fn struck(plan: &Plan, fault: &Fault, number: u64, ends_s: f64) -> FaultSetup {
    let seconds = |at: u64| at as f64 / 1e9;
    let occurrences = Occurrences::new(fault, number, plan.seed, 0).take_while(|window| seconds(window.begins) < ends_s);
    FaultSetup {
        name: fault.name.clone(),
        kind: fault.kind.name().to_owned(),
        spans_s: occurrences.map(|window| [seconds(window.begins), seconds(window.ends).min(ends_s)]).take(FaultSetup::SPANS).collect(),
        drawn: matches!(fault.repeats, Repeats::Drawn { .. }),
    }
}

/// Six decimals at the most.
fn trimmed(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
