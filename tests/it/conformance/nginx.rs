//! nginx: `directive` names the rule; the lines after it are servers.

use super::Handler;
use super::drive::{Drive, picks, requests, statistical};
use super::vector::{Field, Vector};
use evenkeel::time::Span;
use serde_json::{Value, json};

pub(super) fn handler(policy: &str) -> Option<Handler> {
    Some(match policy {
        "smooth-weighted-round-robin" | "least_conn" | "ip_hash" | "hash" | "hash-consistent" | "hash-consistent-upstream-log" => {
            |vector| picks(&mut drive(vector)?, vector)
        }
        "random" | "random_two_least_conn" => |vector| statistical(&mut drive(vector)?, vector, "expected_share"),
        failures if failures.ends_with("+passive-failures") => failures_over_time,
        _ => return None,
    })
}

fn drive(vector: &Vector<'_>) -> Result<Drive, String> {
    let directive = vector.config.get("directive").text()?;
    let words: Vec<&str> = directive.split_whitespace().collect();
    let kind = match words[..] {
        ["least_conn"] => "nginx/least-conn",
        ["ip_hash"] => "nginx/ip-hash",
        ["hash", _] => "nginx/hash",
        ["hash", _, "consistent"] => "nginx/hash-consistent",
        ["random"] => "nginx/random",
        ["random", "two"] | ["random", "two", "least_conn"] => "nginx/random-two-least-conn",
        _ if directive.starts_with("(default") || directive.is_empty() => "nginx/round-robin",
        _ => return Err(format!("unknown directive {directive}")),
    };
    Drive::of(kind, Vec::new(), vector)
}

/// Requests by the second, some servers refusing up to another second.
fn failures_over_time(vector: &Vector<'_>) -> Result<Value, String> {
    let mut drive = drive(vector)?;
    let input = vector.input;
    let has_keys = ["keys", "client_addresses"].into_iter().any(|name| !input.get(name).is_null());
    let mut said = if has_keys { requests(input)? } else { Vec::new() }.into_iter();
    let refusing = input.get("refusing").each_or_none(|name| drive.backend(name.text()?))?;
    let recovers = input.get("recover_at_second").maybe().map(Field::f64).transpose()?.unwrap_or(f64::INFINITY);
    let (mut at, mut number, mut all) = (0.0, 0, Vec::new());
    for step in input.get("timeline_seconds_and_requests").list()? {
        let &[second, count] = &step.list()?[..] else { return Err("a step is a second and a number of requests".into()) };
        drive.desk.advance(Span::from_secs_f64((second.f64()? - at).max(0.0)));
        at = second.f64()?;
        drive.desk.refuse(if at < recovers { refusing.clone() } else { Vec::new() });
        for _ in 0..count.usize()? {
            number += 1;
            let tried = drive.desk.request(number, said.next().unwrap_or_default(), 0);
            let attempts: Vec<Value> = tried.attempts.iter().map(|&backend| drive.name(backend)).collect();
            all.push(json!([second.value, attempts, tried.status]));
        }
    }
    Ok(json!({"per_request_second_attempts_status": all}))
}
