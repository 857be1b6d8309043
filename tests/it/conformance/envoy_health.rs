//! Envoy: outlier detection, circuit breakers and the retry budget.

use super::Handler;
use super::vector::{Field, Vector};
use evenkeel::client::breaker::Limit;
use evenkeel::client::budget::Share;
use evenkeel::health::ejection::{AtOnce, Ejections, Product, Times};
use evenkeel::health::outlier::{Consecutive, Enough, Run, SuccessRate, Volume, by_failure_percentage, by_success_rate};
use evenkeel::time::{SimTime, Span};
use serde_json::{Value, json};

pub(super) fn handler(policy: &str, form: &str) -> Option<Handler> {
    Some(match (policy, form) {
        ("outlier_detection", "consecutive") => consecutive,
        ("outlier_detection", "success_rate_threshold") => success_rate,
        ("outlier_detection", "failure_percentage") => failure_percentage,
        ("outlier_detection", "max_ejection") => max_ejection,
        ("outlier_detection", "ejection_time") => ejection_time,
        ("outlier_detection", "timeline") => timeline,
        ("circuit_breaker", "can_create") => circuit_breaker,
        ("retry_budget", "max_retries") => retry_budget,
        _ => return None,
    })
}

fn consecutive(vector: &Vector<'_>) -> Result<Value, String> {
    let gateway = vector.config.get("consecutive_gateway_failure").u64_or(5)?;
    let server = vector.config.get("consecutive_5xx").u64_or(5)?;
    let mut counters = Consecutive::default();
    let mut detections = Vec::new();
    for (index, status) in vector.input.get("status_codes").each(Field::u64)?.into_iter().enumerate() {
        for run in counters.count(status, gateway, server).into_iter().flatten() {
            let name = match run {
                Run::Gateway => "consecutive_gateway_failure",
                Run::ServerError => "consecutive_5xx",
            };
            detections.push(json!({ "index": index, "type": name }));
        }
    }
    Ok(json!({ "detections": detections }))
}

fn success_rate(vector: &Vector<'_>) -> Result<Value, String> {
    let factor = vector.config.get("success_rate_stdev_factor").f64_or(1900.0)?;
    let rates = vector.input.get("success_rates_percent").each(Field::f64)?;
    let line = SuccessRate::of(&rates, factor);
    let volumes: Vec<Volume> = rates.iter().map(|&percent| Volume { requests: 1.0, percent }).collect();
    let ejected = by_success_rate(&volumes, Enough { requests: 0.0, backends: 0 }, factor);
    Ok(json!({
        "mean": line.map(|line| line.mean), "stdev": line.map(|line| line.deviation),
        "threshold": line.map(|line| line.threshold), "ejected": ejected,
    }))
}

fn failure_percentage(vector: &Vector<'_>) -> Result<Value, String> {
    let (rates, requests) = (vector.input.get("success_rates_percent"), vector.input.get("request_volumes"));
    let volume = |(percent, requests)| Volume { requests, percent };
    let volumes: Vec<Volume> = rates.each(Field::f64)?.into_iter().zip(requests.each(Field::f64)?).map(volume).collect();
    let config = vector.config;
    let enough = Enough {
        requests: config.get("failure_percentage_request_volume").f64_or(50.0)?,
        backends: config.get("failure_percentage_minimum_hosts").u64_or(5)? as usize,
    };
    let threshold = config.get("failure_percentage_threshold").f64_or(85.0)?;
    Ok(json!({ "detected": by_failure_percentage(&volumes, enough, threshold, false) }))
}

fn max_ejection(vector: &Vector<'_>) -> Result<Value, String> {
    let rule = AtOnce::Envoy {
        percent: vector.config.get("max_ejection_percent").f64_or(10.0)?,
        always_one: vector.config.get("always_eject_one_host").bool_or(false)?,
    };
    let all = vector.input.get("hosts").u64()?;
    let mut out = vector.input.get("already_ejected").u64_or(0)?;
    let mut ejected = vector.input.get("candidates_in_order").each_or_none(Field::u64)?;
    ejected.retain(|_| {
        let is_allowed = rule.allows(out, all);
        out += u64::from(is_allowed);
        is_allowed
    });
    Ok(json!({ "ejected": ejected }))
}

const MILLISECOND: u64 = 1_000_000;

fn span(of: Field<'_>) -> Result<Span, String> {
    Ok(Span((of.f64()? * MILLISECOND as f64).round() as u64))
}

fn times(vector: &Vector<'_>) -> Result<Times, String> {
    let config = vector.config;
    let base = span(config.get("base_ejection_time_ms"))?;
    Ok(Times {
        product: Product::Envoy,
        base,
        most: config.get("max_ejection_time_ms").maybe().map_or(Ok(Span(base.0.max(300_000 * MILLISECOND))), span)?,
        interval: config.get("interval_ms").maybe().map_or(Ok(Span(10_000 * MILLISECOND)), span)?,
    })
}

fn ejection_time(vector: &Vector<'_>) -> Result<Value, String> {
    let times = times(vector)?;
    let mut backend = Ejections::default();
    let mut now = SimTime::ZERO;
    let ejection = |_| {
        backend.eject(now, &times, Span::ZERO);
        let length = backend.length(&times);
        now += length;
        backend.interval(now, &times);
        length.0 / MILLISECOND
    };
    let lengths: Vec<u64> = (0..vector.input.get("consecutive_ejections_without_decay").u64()?).map(ejection).collect();
    Ok(json!({ "ejected_for_ms": lengths }))
}

fn timeline(vector: &Vector<'_>) -> Result<Value, String> {
    let times = times(vector)?;
    let mut triggers = vector.input.get("ejection_triggers_ms").each_or_none(span)?;
    triggers.sort();
    let until = span(vector.input.get("until_ms"))?;
    let sweeps = (1..).map(|sweep| sweep * times.interval.0).take_while(|&at| at <= until.0);
    // A trigger at a sweep's instant comes first.
    let mut steps: Vec<(u64, bool)> = triggers.iter().map(|at| (at.0, false)).chain(sweeps.map(|at| (at, true))).collect();
    steps.sort_unstable();
    let mut backend = Ejections::default();
    let mut events = Vec::new();
    for (at, is_sweep) in steps.into_iter().filter(|&(at, _)| at <= until.0) {
        if !is_sweep && backend.eject(SimTime(at), &times, Span::ZERO) {
            events.push(json!({ "t_ms": at / MILLISECOND, "event": "eject", "for_ms": backend.length(&times).0 / MILLISECOND }));
        }
        if is_sweep && backend.interval(SimTime(at), &times) {
            events.push(json!({ "t_ms": at / MILLISECOND, "event": "uneject", "multiplier": backend.count() }));
        }
    }
    Ok(json!({ "events": events, "final_multiplier": backend.count() }))
}

fn circuit_breaker(vector: &Vector<'_>) -> Result<Value, String> {
    let (limit, taken) = (Limit(vector.config.get("max").u64_or(1024)?), vector.input.get("current").u64()?);
    Ok(json!({ "allowed": limit.allows(taken), "remaining": limit.remaining(taken) }))
}

fn retry_budget(vector: &Vector<'_>) -> Result<Value, String> {
    let share = Share {
        percent: vector.config.get("budget_percent").f64_or(20.0)?,
        at_least: vector.config.get("min_retry_concurrency").u64_or(3)?,
    };
    let (active, pending) = (vector.input.get("active_requests").u64_or(0)?, vector.input.get("pending_requests").u64_or(0)?);
    Ok(json!({ "max_concurrent_retries": share.limit(active, pending) }))
}
