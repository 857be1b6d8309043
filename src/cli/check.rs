//! `evenkeel check`: what a scenario would simulate, without running it.

use super::Code;
use super::args::{CheckArgs, ListFormat};
use super::scenarios::{self, Ready};
use super::terminal::Terminal;
use crate::fault;
use crate::plan::Plan;
use crate::report::neutral;
use crate::run::facts;
use crate::scenario::Length;
use crate::time::Span;
use serde_json::{Value, json};
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
            let _ = writeln!(text, "  {what:<12} {}", neutral::plain(&said));
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
