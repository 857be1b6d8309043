//! tower and Linkerd.

use super::Handler;
use super::finagle::{life, script};
use super::vector::{Field, Vector};
use evenkeel::balance::power_of_d::least_loaded;
use evenkeel::balance::products::linkerd::{Ewma, load_at, penalised};
use evenkeel::balance::products::tower::{PeakEwma, pair};
use evenkeel::client::breaker::{Backoff, ConsecutiveFailures, State};
use evenkeel::client::budget::Bucket;
use evenkeel::time::{SimTime, Span};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) fn handler(system: &str, policy: &str, form: &str) -> Option<Handler> {
    Some(match (system, policy, form) {
        ("tower", "p2c", "pick") => p2c,
        ("tower", "peak_ewma", "script") => peak_ewma,
        ("tower", "retry_budget", "tokens") => retry_budget,
        ("linkerd2", "ewma", "add_peak") => add_peak,
        ("linkerd2", "penalty_peak_ewma", "script") => penalty,
        ("linkerd2", "consecutive_failures", "script") => consecutive_failures,
        _ => return None,
    })
}

fn p2c(vector: &Vector<'_>) -> Result<Value, String> {
    let loads = vector.input.get("loads").each(Field::f64)?;
    if loads.is_empty() {
        return Ok(json!({ "a": null, "b": null, "index": null }));
    }
    let draw = |name| vector.input.get(name).u64_or(0).map(|draw| draw as usize);
    let (a, b) = pair(loads.len(), draw("draw_a")?, draw("draw_b")?);
    Ok(json!({ "a": a, "b": b, "index": least_loaded([a, b], |at| loads[at]) }))
}

/// What happens in a script of latencies.
pub(super) enum Moment {
    /// A request has ended after so long.
    Ended(Span),
    /// The load is asked for, with so many requests in flight.
    Asked(u32),
}

/// Goes through a script of starts, ends and questions, and gathers the answers.
pub(super) fn loads(vector: &Vector<'_>, mut tell: impl FnMut(Moment, SimTime) -> Option<f64>) -> Result<Value, String> {
    let mut started = BTreeMap::new();
    let mut loads = Vec::new();
    for event in vector.input.get("events").list()? {
        let now = SimTime(event.get("t_ns").u64()?);
        match event.get("op").text()? {
            "start" => _ = started.insert(event.get("id").text()?, now),
            "end" | "fail" => {
                let began = started.remove(event.get("id").text()?).ok_or("it ends and has not begun")?;
                loads.extend(tell(Moment::Ended(now.since(began)), now));
            }
            "load" => loads.extend(tell(Moment::Asked(started.len() as u32), now)),
            other => return Err(format!("the event {other} is unknown")),
        }
    }
    Ok(json!({ "loads_at_queries": loads }))
}

fn peak_ewma(vector: &Vector<'_>) -> Result<Value, String> {
    let decay = Span(vector.config.get("decay_ns").u64()?);
    let created = SimTime(vector.input.get("created_at_ns").u64_or(0)?);
    let mut metric = PeakEwma::new(Span(vector.config.get("default_rtt_ns").u64()?), created);
    loads(vector, |moment, now| match moment {
        Moment::Ended(took) => {
            metric.observe(took, now, decay);
            None
        }
        Moment::Asked(in_flight) => {
            let load = metric.load_at(now, in_flight, decay);
            metric.decay(now, decay);
            Some(load)
        }
    })
}

fn retry_budget(vector: &Vector<'_>) -> Result<Value, String> {
    let (least, percent) = (vector.config.get("min_per_sec").f64_or(10.0)?, vector.config.get("retry_percent").f64_or(0.2)?);
    let mut bucket = Bucket::tower(life(vector)?, least, percent as f32);
    let allowed = script(&mut bucket, vector.input.get("ops"))?;
    let (deposit, withdrawal, reserve) = bucket.amounts();
    Ok(json!({ "deposit_amount": deposit, "withdraw_amount": withdrawal, "reserve": reserve, "withdrawals": allowed }))
}

fn instant(of: Field<'_>) -> Result<SimTime, String> {
    Ok(SimTime((of.f64()? * 1e9).round() as u64))
}

fn span(of: Field<'_>) -> Result<Span, String> {
    Ok(Span::from_secs_f64(of.f64()?))
}

fn add_peak(vector: &Vector<'_>) -> Result<Value, String> {
    let mut ewma = Ewma::new(0.0, SimTime::ZERO, span(vector.config.get("decay_s"))?);
    let sample = |of: Field<'_>| Ok((instant(of.get("t_s"))?, of.get("value").f64()?));
    let values: Vec<f64> = vector
        .input
        .get("samples")
        .each(sample)?
        .into_iter()
        .map(|(now, sample)| {
            ewma.add_peak(sample, now);
            ewma.last()
        })
        .collect();
    Ok(json!({ "values": values }))
}

fn penalty(vector: &Vector<'_>) -> Result<Value, String> {
    let config = vector.config;
    let penalty = config.get("penalty_s").maybe().map_or(Ok(Span(5_000_000_000)), span)?;
    let created = vector.input.get("created_at_s").maybe().map_or(Ok(SimTime::ZERO), instant)?;
    let mut latency = Ewma::new(config.get("default_rtt_s").f64_or(1.0)?, created, span(config.get("rtt_decay_s"))?);
    let mut started = BTreeMap::new();
    let mut loads = Vec::new();
    for event in vector.input.get("events").list()? {
        let now = instant(event.get("t_s"))?;
        let op = event.get("op").text()?;
        match op {
            "start" => _ = started.insert(event.get("id").text()?, now),
            "end" | "fail" => {
                let began = started.remove(event.get("id").text()?).ok_or("it ends and has not begun")?;
                let retry_after = event.get("retry_after_s").maybe().map(span).transpose()?;
                let failed = || penalised(latency.at(now), penalty, retry_after);
                let sample = if op == "fail" { failed() } else { now.since(began).as_secs_f64() };
                latency.add_peak(sample, now);
            }
            "load" => loads.push(load_at(&latency, started.len() as u32, now)),
            other => return Err(format!("the event {other} is unknown")),
        }
    }
    Ok(json!({ "loads_at_queries": loads }))
}

/// Whether each letter is a success.
fn outcomes(of: Field<'_>) -> Result<Vec<bool>, String> {
    let letters = of.maybe().map_or(Ok(""), Field::text)?;
    letters
        .chars()
        .map(|letter| if "SF".contains(letter) { Ok(letter == 'S') } else { Err(format!("the outcome {letter} is unknown")) })
        .collect()
}

fn consecutive_failures(vector: &Vector<'_>) -> Result<Value, String> {
    let config = vector.config;
    let backoff = Backoff {
        least: span(config.get("backoff_min_s"))?,
        most: span(config.get("backoff_max_s"))?,
        jitter: config.get("jitter_ratio").f64_or(0.0)?,
    };
    let mut breaker = ConsecutiveFailures::new(config.get("max_failures").u32()?, backoff);
    let is_shut = |breaker: &ConsecutiveFailures| matches!(breaker.state(), State::Shut { .. });
    let mut now = SimTime::ZERO;
    let trips = outcomes(vector.input.get("responses_while_open"))?.into_iter().position(|ok| {
        breaker.ended(ok, now, 0.0);
        is_shut(&breaker)
    });
    let mut shut = Vec::new();
    for ok in outcomes(vector.input.get("probation_outcomes"))? {
        let State::Shut { until, .. } = breaker.state() else { break };
        shut.push(until.since(now).as_secs_f64());
        now = until;
        if !breaker.admit(now) || breaker.admit(now) {
            return Err("not exactly one request is let through".to_owned());
        }
        breaker.ended(ok, now, 0.0);
    }
    let is_reopened = trips.is_some() && matches!(breaker.state(), State::Open { .. });
    Ok(json!({ "trips_at_response_index": trips, "shut_durations_s": shut, "reopened": is_reopened }))
}
