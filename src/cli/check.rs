//! `evenkeel check`: what a scenario would simulate, without running it.

use super::Code;
use super::args::{CheckArgs, ListFormat};
use super::scenarios::{self, Ready};
use super::terminal::Terminal;
use crate::fault;
use crate::plan::{Plan, ServicePlan};
use crate::report::neutral;
use crate::scenario::Length;
use crate::time::Span;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;

pub(super) fn check(args: &CheckArgs, terminal: &Terminal) -> Code {
    match scenarios::ready(&args.scenario, terminal) {
        Ok(ready) if args.format == ListFormat::Json => terminal.result(&format!("{:#}\n", listed(&ready))),
        Ok(ready) => terminal.result(&ready.iter().map(|ready| words(ready, args.verbose)).collect::<Vec<_>>().join("\n")),
        Err(code) => code,
    }
}

fn words(ready: &Ready, verbose: bool) -> String {
    let mut text = format!("{}: fine", neutral::plain(&ready.name));
    if let Some(title) = &ready.loaded.title {
        let _ = write!(text, " — {}", neutral::plain(title));
    }
    text.push('\n');
    for plan in &ready.job.plans {
        if let Some(variant) = &plan.variant {
            let _ = writeln!(text, "variant {}", neutral::plain(variant));
        }
        for (what, said) in facts(plan) {
            let _ = writeln!(text, "  {what:<12} {said}");
        }
        if verbose {
            let _ = writeln!(text, "{}", neutral_lines(&format!("{plan:#?}")));
            let _ = write!(text, "{}", timeline(plan));
        }
    }
    text
}

/// What goes wrong in the first replication, in order.
fn timeline(plan: &Plan) -> String {
    if plan.faults.is_empty() {
        return String::new();
    }
    let until = match plan.length {
        Length::Duration(duration) => duration.0,
        // Of a number of requests, as long as their arrival is expected to take.
        Length::Requests(requests) => plan.rate.map_or(u64::MAX, |rate| Span::from_secs_f64(requests as f64 / rate).0),
    };
    let names: Vec<String> = plan.backends().map(|(name, _)| name).collect();
    let lines = fault::listing(&plan.faults, plan.seed, 0, &names, until);
    let lines: String = lines.iter().map(|line| format!("  {}\n", neutral::plain(line))).collect();
    format!("  what goes wrong in the first replication\n{lines}")
}

/// The plan's own words, line by line: names in it are the user's.
fn neutral_lines(text: &str) -> String {
    text.lines().map(|line| format!("  {}", neutral::plain(line))).collect::<Vec<_>>().join("\n")
}

fn facts(plan: &Plan) -> Vec<(&'static str, String)> {
    let length = match plan.length {
        Length::Requests(requests) => format!("{requests} requests"),
        Length::Duration(duration) => format!("{duration} of arrivals"),
    };
    let rate = plan.rate.map_or_else(|| "as fast as clients are answered".to_owned(), |rate| format!("{rate:.6} requests/s"));
    let load = plan.load().map_or_else(String::new, |load| format!(", load {:.1}%", load * 100.0));
    let groups = plan.groups.iter().map(|group| match (group.initially, group.count) {
        (_, 1) => neutral::plain(&group.name),
        (first, most) if first < most => format!("{first} × {} (at most {most})", neutral::plain(&group.name)),
        (_, count) => format!("{count} × {}", neutral::plain(&group.name)),
    });
    let present: u32 = plan.groups.iter().map(|group| group.initially).sum();
    let labels = plan.balancers.iter().map(|balancer| neutral::plain(&balancer.label));
    let cells = plan.balancers.len() as f64 * f64::from(plan.replications);
    let total = plan
        .expected_requests()
        .map_or_else(|| "not known before".to_owned(), |requests| format!("about {:.0} requests in {cells} cells", requests * cells));
    let mut facts = vec![
        ("length", format!("{length} × {} replications, seed {}", plan.replications, plan.seed)),
        ("traffic", format!("{} source{}, {rate}{load}", plan.sources.len(), if plan.sources.len() == 1 { "" } else { "s" })),
        ("backends", format!("{present}: {}", groups.collect::<Vec<_>>().join(", "))),
        ("tier", format!("{} balancer instance{}", plan.tier.instances, if plan.tier.instances == 1 { "" } else { "s" })),
        ("balancers", labels.collect::<Vec<_>>().join(", ")),
    ];
    if plan.services.len() > 1 {
        facts.push(("services", plan.services.iter().map(|service| calls(plan, service)).collect::<Vec<_>>().join(", ")));
    }
    if !plan.faults.is_empty() {
        facts.push(("faults", plan.faults.iter().map(|fault| neutral::plain(&fault.name)).collect::<Vec<_>>().join(", ")));
    }
    facts.push(("in all", total));
    facts
}

/// `cart → order, price`.
fn calls(plan: &Plan, service: &ServicePlan) -> String {
    let called: BTreeSet<u16> = service.stages.iter().flatten().map(|call| call.to).collect();
    let called: Vec<String> = called.into_iter().map(|to| neutral::plain(&plan.services[to as usize].name)).collect();
    let name = neutral::plain(&service.name);
    if called.is_empty() { name } else { format!("{name} → {}", called.join(" + ")) }
}

fn listed(ready: &[Ready]) -> Value {
    let one = |ready: &Ready| {
        let variants = ready.job.plans.iter().map(|plan| {
            json!({
                "variant": plan.variant,
                "replications": plan.replications,
                "seed": plan.seed,
                "requests": plan.expected_requests(),
                "rate_rps": plan.rate,
                "load": plan.load(),
                "backends": plan.backend_count(),
                "instances": plan.tier.instances,
                "services": plan.services.iter().map(|service| &service.name).filter(|name| !name.is_empty()).collect::<Vec<_>>(),
                "faults": plan.faults.iter().map(|fault| &fault.name).collect::<Vec<_>>(),
                "balancers": plan.balancers.iter().map(|balancer| json!({"name": balancer.label, "kind": balancer.kind})).collect::<Vec<_>>(),
            })
        });
        json!({"file": ready.name, "title": ready.loaded.title, "file_sha256": ready.loaded.file_sha256, "variants": variants.collect::<Vec<_>>()})
    };
    Value::Array(ready.iter().map(one).collect())
}
