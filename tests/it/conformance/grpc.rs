//! gRPC, as C++ (grpc-core), as Go (grpc-go), and as both (grpc).

use super::Handler;
use super::vector::{Field, Vector, digits};
use evenkeel::balance::BackendId;
use evenkeel::balance::hash::xxh64;
use evenkeel::balance::products::envoy::least_request::n_choices;
use evenkeel::balance::products::envoy::schedule::Turns;
use evenkeel::balance::products::grpc::stride::{Implementation, schedule};
use evenkeel::balance::products::grpc::weights::{Weight, weight};
use evenkeel::balance::products::grpc::{least_request, pick_first, random_subsetting, ring_hash};
use evenkeel::balance::stride::Stride;
use evenkeel::client::budget::Throttle;
use evenkeel::health::ejection::{AtOnce, Ejections, Product, Times};
use evenkeel::health::outlier::{Enough, Volume, by_failure_percentage, by_success_rate};
use evenkeel::time::{SimTime, Span};
use serde_json::{Map, Value, json};

pub(super) fn handler(system: &str, policy: &str, form: &str) -> Option<Handler> {
    Some(match (system, policy, form) {
        ("grpc-core", "weighted_round_robin", "stride") => core_stride,
        ("grpc-core", "weighted_round_robin", "observed_sequence") => core_observed,
        ("grpc-core", "round_robin", "observed_sequence") => core_round_robin,
        ("grpc-core", "ring_hash", "observed_picks") => core_ring,
        ("grpc-go", "weighted_round_robin", "stride") => go_stride,
        ("grpc", "weighted_round_robin", "weight") => reported_weight,
        ("grpc", "weighted_round_robin", "blackout_expiry") => blackout_expiry,
        ("grpc", "ring_hash", "ring") => ring,
        ("grpc", "ring_hash", "config") => ring_config,
        ("grpc", "least_request", "pick") => least_request_pick,
        ("grpc", "least_request", "config") => least_request_config,
        ("grpc", "random_subsetting", "subset") => subset,
        ("grpc", "pick_first.weighted_shuffle", "order") => shuffle_order,
        ("grpc", "pick_first.weighted_shuffle", "endpoint_weight") => shuffle_weight,
        ("grpc", "retry_throttling", "tokens") => retry_throttling,
        ("grpc", "outlier_detection", "sweep") => sweep,
        ("grpc", "outlier_detection", "timeline") => timeline,
        _ => return None,
    })
}

/// So many picks from a counter on; the counter after them.
fn strides(stride: &Stride, mut counter: u32, picks: usize) -> (Vec<usize>, u32) {
    let mut next = || {
        counter = counter.wrapping_add(1);
        counter.wrapping_sub(1)
    };
    let sequence = (0..picks).map(|_| stride.pick(&mut next)).collect();
    (sequence, counter)
}

fn core_stride(vector: &Vector<'_>) -> Result<Value, String> {
    let weights = vector.input.get("weights").each(Field::f64)?;
    let Some(stride) = schedule(Implementation::Core, &weights) else { return Ok(json!({ "fallback": "round_robin" })) };
    let start = vector.input.get("start_sequence").u64_or(0)? as u32;
    let (sequence, next) = strides(&stride, start, vector.input.get("picks").usize()?);
    Ok(json!({ "scaled_weights": stride.scaled(), "sequence": sequence, "next_sequence": next }))
}

/// The weight of a report, as C++ keeps it: in 32 bits.
fn core_weight(report: Field<'_>, penalty: f64) -> Result<f64, String> {
    let number = |name| report.get(name).f64_or(0.0);
    let weight = weight(number("qps")?, number("eps")?, number("utilization")?, penalty);
    Ok(f64::from(weight.unwrap_or(0.0) as f32))
}

fn core_observed(vector: &Vector<'_>) -> Result<Value, String> {
    let penalty = vector.config.get("errorUtilizationPenalty").f64_or(1.0)?;
    let weights = vector.input.get("reports").each(|report| core_weight(report, penalty))?;
    let picks = vector.input.get("picks").usize()?;
    let start = vector.expected().get("start_sequence").u64_or(0)? as u32;
    let Some(stride) = schedule(Implementation::Core, &weights) else {
        return Ok(json!({ "weights": weights, "sequence": round(weights.len(), start.into(), picks), "start_sequence": start }));
    };
    let (sequence, _) = strides(&stride, start, picks);
    Ok(json!({ "weights": weights, "scaled_weights": stride.scaled(), "sequence": sequence, "start_sequence": start }))
}

/// Picks of backends that go round.
fn round(n: usize, start: u64, picks: usize) -> Vec<u32> {
    let mut turns = Turns::new(&vec![1.0; n], false, 0);
    let mut index = start;
    (0..picks).filter_map(|_| turns.next(&mut index, |_| 1.0)).collect()
}

fn core_round_robin(vector: &Vector<'_>) -> Result<Value, String> {
    let ports = vector.input.get("address_ports").each(Field::u64)?;
    let recorded = vector.expected().get("server_port_sequence").each(Field::u64)?;
    // Where it begins is drawn; the first pick says where that was.
    let start = recorded.first().and_then(|first| ports.iter().position(|port| port == first)).unwrap_or(0);
    let sequence: Vec<u64> = round(ports.len(), start as u64, recorded.len()).into_iter().map(|at| ports[at as usize]).collect();
    Ok(json!({ "server_port_sequence": sequence }))
}

fn go_stride(vector: &Vector<'_>) -> Result<Value, String> {
    let weights = vector.input.get("weights").each(Field::f64)?;
    let first = vector.input.get("first_sequence").u64_or(1)? as u32;
    let picks = vector.expected().get("sequence").list()?.len();
    let Some(stride) = schedule(Implementation::Go, &weights) else {
        return Ok(json!({ "scheduler": "rr", "sequence": round(weights.len(), first.into(), picks) }));
    };
    let (sequence, _) = strides(&stride, first, picks);
    Ok(json!({ "scheduler": "stride", "scaled_weights": stride.scaled(), "sequence": sequence }))
}

fn reported_weight(vector: &Vector<'_>) -> Result<Value, String> {
    let number = |name| vector.input.get(name).f64_or(0.0);
    let penalty = vector.config.get("errorUtilizationPenalty").f64_or(1.0)?;
    Ok(json!({ "weight": weight(number("qps")?, number("eps")?, number("utilization")?, penalty) }))
}

fn seconds(of: Field<'_>) -> Result<u64, String> {
    Ok((of.f64()? * 1e9).round() as u64)
}

fn blackout_expiry(vector: &Vector<'_>) -> Result<Value, String> {
    let blackout = Span(vector.config.get("blackoutPeriod_s").maybe().map_or(Ok(10_000_000_000), seconds)?);
    let expiration = Span(vector.config.get("weightExpirationPeriod_s").maybe().map_or(Ok(180_000_000_000), seconds)?);
    let mut reports = vector.input.get("reports").each_or_none(|of| Ok((seconds(of.get("t_s"))?, of.get("weight").f64()?)))?;
    reports.sort_by_key(|&(at, _)| at);
    let mut reports = reports.into_iter().peekable();
    let mut weight = Weight::default();
    let query = |of: Field<'_>| Ok(SimTime(seconds(of)?));
    let weights: Vec<f64> = vector
        .input
        .get("queries_s")
        .each(query)?
        .into_iter()
        .map(|now| {
            while let Some((at, value)) = reports.next_if(|&(at, _)| at <= now.0) {
                weight.report(value, SimTime(at));
            }
            let read = weight.at(now, blackout, expiration);
            weight.renew(now, expiration);
            read
        })
        .collect();
    Ok(json!({ "weights": weights }))
}

fn sizes(of: Field<'_>, cap: u64) -> Result<(u64, u64), String> {
    let size = |name| of.get(name).maybe().map(Field::u64).transpose();
    Ok(ring_hash::sizes(size("minRingSize")?, size("maxRingSize")?, cap))
}

fn ring_config(vector: &Vector<'_>) -> Result<Value, String> {
    let (least, most) = sizes(vector.input, vector.config.get("ring_size_cap").u64_or(ring_hash::CAP)?)?;
    Ok(json!({ "effective": [least, most] }))
}

fn ring(vector: &Vector<'_>) -> Result<Value, String> {
    let endpoints = vector.input.get("endpoints").each(|of| Ok((of.get("key").text()?, of.get("weight").f64_or(1.0)?)))?;
    let (least, most) = sizes(vector.config, ring_hash::CAP)?;
    let backends: Vec<_> = (0..).map(BackendId).zip(&endpoints).map(|(id, &(key, weight))| (id, key, weight)).collect();
    let dealt = ring_hash::ring(&backends, least, most);
    let name = |backend: BackendId| endpoints[backend.index()].0;
    let pick = |key: Field<'_>| Ok(dealt.ring.find(xxh64(key.text()?.as_bytes(), 0)).map(name));
    Ok(json!({
        "ring_entries": dealt.ring.points().len(), "picks": vector.input.get("request_keys").each_or_none(pick)?,
        "ring": dealt.ring.points().iter().map(|&(at, backend)| json!([digits(at), name(backend)])).collect::<Vec<_>>(),
    }))
}

fn core_ring(vector: &Vector<'_>) -> Result<Value, String> {
    let keys = vector.input.get("endpoint_keys").each(Field::text)?;
    let (least, most) = sizes(vector.config, ring_hash::CAP)?;
    let backends: Vec<_> = (0..).map(BackendId).zip(&keys).map(|(id, &key)| (id, key, 1.0)).collect();
    let dealt = ring_hash::ring(&backends, least, most);
    let pick = |value: Field<'_>| Ok(dealt.ring.find(xxh64(value.text()?.as_bytes(), 0)).map(|backend| keys[backend.index()]));
    Ok(json!({ "picks": vector.input.get("header_values").each(pick)? }))
}

fn least_request_pick(vector: &Vector<'_>) -> Result<Value, String> {
    let active = vector.input.get("active").each(Field::u32)?;
    let configured = vector.config.get("choiceCount").maybe().map(Field::u64).transpose()?;
    let choices = least_request::choices(configured).ok_or("the configuration is refused")?;
    let mut draws = vector.input.get("random_draws").each_or_none(Field::u64)?.into_iter();
    let draw = || draws.next().expect("the vector has a draw for every choice");
    Ok(json!({ "index": n_choices(active.len(), choices as u32, draw, |at| active[at]) }))
}

fn least_request_config(vector: &Vector<'_>) -> Result<Value, String> {
    let choices = least_request::choices(vector.input.get("choiceCount").maybe().map(Field::u64).transpose()?);
    Ok(json!({ "effective": choices.map_or(json!("reject"), Value::from) }))
}

fn subset(vector: &Vector<'_>) -> Result<Value, String> {
    let endpoints = vector.input.get("endpoints").each(Field::text)?;
    let (size, seed) = (vector.config.get("subset_size").usize()?, vector.config.get("seed").u64_or(0)?);
    let subset: Vec<&str> = random_subsetting::subset(&endpoints, size, seed).into_iter().map(|at| endpoints[at]).collect();
    let hashes: Map<_, _> = endpoints.iter().map(|of| ((*of).to_owned(), digits(random_subsetting::rank(of, seed)))).collect();
    Ok(json!({ "subset": subset, "hashes": hashes }))
}

fn shuffle_order(vector: &Vector<'_>) -> Result<Value, String> {
    let (draws, weights) = (vector.input.get("uniform_draws").each(Field::f64)?, vector.input.get("weights").each(Field::f64)?);
    let keys: Vec<f64> = draws.into_iter().zip(weights).map(|(draw, weight)| pick_first::key(draw, weight)).collect();
    Ok(json!({ "order": pick_first::order(&keys), "keys": keys }))
}

fn shuffle_weight(vector: &Vector<'_>) -> Result<Value, String> {
    let number = |name| vector.input.get(name).u64();
    let (locality, localities) = (number("locality_weight")?, number("locality_weight_sum")?);
    Ok(json!({ "weight": pick_first::weight(locality, localities, number("endpoint_weight")?, number("endpoint_weight_sum")?) }))
}

fn retry_throttling(vector: &Vector<'_>) -> Result<Value, String> {
    let mut throttle = Throttle::new(vector.config.get("maxTokens").f64()?, vector.config.get("tokenRatio").f64()?);
    let mut after_each = Vec::new();
    for outcome in vector.input.get("outcomes").text()?.chars() {
        match outcome {
            'F' => throttle.failed(),
            'S' => throttle.succeeded(),
            other => return Err(format!("the outcome {other} is unknown")),
        }
        after_each.push(throttle.allows());
    }
    // Not recorded where there are many.
    let is_recorded = !vector.expected().get("retry_allowed_after_each").is_null();
    Ok(json!({
        "final_tokens": throttle.tokens(), "retry_allowed_at_end": throttle.allows(),
        "retry_allowed_after_each": is_recorded.then_some(after_each),
    }))
}

fn enough(of: Field<'_>, requests: f64) -> Result<Enough, String> {
    Ok(Enough { requests: of.get("request_volume").f64_or(requests)?, backends: of.get("minimum_hosts").u64_or(5)? as usize })
}

fn sweep(vector: &Vector<'_>) -> Result<Value, String> {
    let volumes = vector.input.get("endpoints").each(|of| {
        let (successes, failures) = (of.get("successes").f64_or(0.0)?, of.get("failures").f64_or(0.0)?);
        let requests = successes + failures;
        Ok(Volume { requests, percent: if requests > 0.0 { 100.0 * successes / requests } else { 0.0 } })
    })?;
    let mut candidates = Vec::new();
    if let Some(sr) = vector.config.get("sr").maybe() {
        candidates.extend(by_success_rate(&volumes, enough(sr, 100.0)?, sr.get("stdev_factor").f64_or(1900.0)?));
    }
    if let Some(fp) = vector.config.get("fp").maybe() {
        candidates.extend(by_failure_percentage(&volumes, enough(fp, 50.0)?, fp.get("threshold").f64_or(85.0)?, true));
    }
    let rule = AtOnce::Grpc { percent: vector.config.get("max_ejection_percent").f64_or(10.0)? };
    let is_enforced = vector.config.get("enforcement_percentage").f64_or(100.0)? > 0.0;
    let mut out = vector.input.get("already_ejected").each_or_none(Field::usize)?;
    let before = out.len();
    for candidate in candidates {
        if is_enforced && !out.contains(&candidate) && rule.allows(out.len() as u64, volumes.len() as u64) {
            out.push(candidate);
        }
    }
    Ok(json!({ "ejected_in_order": out[before..] }))
}

fn timeline(vector: &Vector<'_>) -> Result<Value, String> {
    let span = |name| Ok::<_, String>(Span(seconds(vector.config.get(name))?));
    let times = Times {
        product: Product::Grpc,
        base: span("base_ejection_time_s")?,
        most: span("max_ejection_time_s")?,
        interval: span("interval_s")?,
    };
    let outlier = vector.input.get("outlier_in_sweep").each_or_none(Field::u64)?;
    let mut backend = Ejections::default();
    let mut events = Vec::new();
    for sweep in 1..=vector.input.get("sweeps").u64()? {
        let now = SimTime(sweep * times.interval.0);
        let mut tell = |event: &str, backend: &Ejections| {
            events.push(json!({ "t_s": now.as_secs_f64(), "event": event, "multiplier": backend.count() }));
        };
        if outlier.contains(&sweep) && backend.eject(now, &times, Span::ZERO) {
            tell("eject", &backend);
        }
        if backend.interval(now, &times) {
            tell("uneject", &backend);
        }
    }
    Ok(json!({ "events": events, "final_multiplier": backend.count() }))
}
