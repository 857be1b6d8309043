//! Finagle.

use super::Handler;
use super::tower::{Moment, loads};
use super::vector::{Field, Vector};
use evenkeel::balance::products::finagle::aperture::LoadBand;
use evenkeel::balance::products::finagle::deterministic_aperture::{covered, normalized, offset, used, width};
use evenkeel::balance::products::finagle::ema::Ema;
use evenkeel::balance::products::finagle::p2c::{Status, choose, is_second_better, pair};
use evenkeel::balance::products::finagle::peak_ewma::PeakEwma;
use evenkeel::client::budget::Bucket;
use evenkeel::time::{SimTime, Span};
use serde_json::{Value, json};

pub(super) fn handler(policy: &str, form: &str) -> Option<Handler> {
    Some(match (policy, form) {
        ("p2c", "pick") => p2c,
        ("p2c.weighted", "pick") => weighted_p2c,
        ("ema", "update") => ema,
        ("peak_ewma", "script") => peak_ewma,
        ("aperture.deterministic", "normalize") => normalize,
        ("aperture.deterministic", "width") => aperture_width,
        ("aperture.deterministic", "weights") => aperture_weights,
        ("aperture.load_band", "aperture_sizes") => load_band,
        ("retry_budget", "tokens") => retry_budget,
        _ => return None,
    })
}

fn status(of: Field<'_>) -> Result<Status, String> {
    match of.text()? {
        "open" => Ok(Status::Open),
        "busy" => Ok(Status::Busy),
        "closed" => Ok(Status::Closed),
        other => Err(format!("the status {other} is unknown")),
    }
}

fn p2c(vector: &Vector<'_>) -> Result<Value, String> {
    let loads = vector.input.get("loads").each(Field::f64)?;
    let statuses = match vector.input.get("status").maybe() {
        Some(given) => given.each(status)?,
        None => vec![Status::Open; loads.len()],
    };
    if loads.is_empty() {
        return Ok(json!({ "a": null, "b": null, "index": null }));
    }
    let draw = |name| vector.input.get(name).u64_or(0).map(|draw| draw as usize);
    let (a, b) = pair(loads.len(), draw("draw_a")?, draw("draw_b")?);
    Ok(json!({ "a": a, "b": b, "index": choose((a, b), |at| statuses[at], |at| loads[at]) }))
}

fn weighted_p2c(vector: &Vector<'_>) -> Result<Value, String> {
    let number = |name| vector.input.get(name).f64();
    let first = (number("load_a")?, number("weight_a")?);
    let is_second = is_second_better(first, (number("load_b")?, number("weight_b")?));
    Ok(json!({ "pick": if is_second { "b" } else { "a" } }))
}

fn ema(vector: &Vector<'_>) -> Result<Value, String> {
    let window = vector.config.get("window").f64()?;
    let mut ema = Ema::default();
    for name in ["first", "second"] {
        if let Some(sample) = vector.input.get(name).maybe() {
            ema.update(sample.get("t").f64()?, sample.get("x").f64()?, window);
        }
    }
    Ok(json!({ "value": ema.last() }))
}

fn peak_ewma(vector: &Vector<'_>) -> Result<Value, String> {
    let decay = Span(vector.config.get("decayTime_ns").maybe().map_or(Ok(10_000_000_000), Field::u64)?);
    let mut metric = PeakEwma::new(SimTime(vector.input.get("created_at_ns").u64_or(0)?));
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

fn normalize(vector: &Vector<'_>) -> Result<Value, String> {
    Ok(json!({ "normalized": normalized(&vector.input.get("weights").each(Field::f64)?) }))
}

fn aperture_width(vector: &Vector<'_>) -> Result<Value, String> {
    let number = |name| vector.input.get(name).u64();
    let (rings, width) = width(number("clients")?, number("servers")?, number("logical_aperture")?);
    Ok(json!({ "rings": rings, "width": width }))
}

fn aperture_weights(vector: &Vector<'_>) -> Result<Value, String> {
    let weights = vector.input.get("weights").each(Field::f64)?;
    let (instance, clients) = (vector.input.get("instance_id").u64()?, vector.input.get("total_instances").u64()?);
    let backends = weights.len() as u64;
    let aperture = vector.config.get("min_deterministic_aperture").u64_or(12)?.min(backends);
    let (offset, (_, width)) = (offset(instance, clients), width(clients, backends, aperture));
    let covered = covered(&normalized(&weights), offset, width);
    Ok(json!({ "offset": offset, "width": width, "indices": used(&covered), "adjusted_weights": covered }))
}

fn load_band(vector: &Vector<'_>) -> Result<Value, String> {
    let config = vector.config;
    let mut band = LoadBand::new(
        config.get("lowLoad").f64_or(0.875)?,
        config.get("highLoad").f64_or(1.125)?,
        config.get("smoothWin").f64()?,
        config.get("minAperture").u64_or(1)?,
        vector.input.get("endpoints").u64()?,
    );
    let deltas = vector.input.get("total_load_deltas").each_or_none(Field::f64)?;
    let instants = vector.input.get("timestamps").each_or_none(Field::f64)?;
    let after = |(by, now)| {
        band.moved(by as i64, now);
        band.aperture()
    };
    let sizes: Vec<u64> = deltas.into_iter().zip(instants).map(after).collect();
    Ok(json!({ "logical_aperture_after_each": sizes }))
}

/// Deposits (`D`) and withdrawals (`W`) at one instant; whether each withdrawal was allowed.
pub(super) fn script(bucket: &mut Bucket, ops: Field<'_>) -> Result<Vec<bool>, String> {
    let mut allowed = Vec::new();
    for op in ops.text()?.chars() {
        match op {
            'D' => bucket.deposit(SimTime::ZERO),
            'W' => allowed.push(bucket.withdraw(SimTime::ZERO)),
            other => return Err(format!("the operation {other} is unknown")),
        }
    }
    Ok(allowed)
}

pub(super) fn life(vector: &Vector<'_>) -> Result<Span, String> {
    Ok(Span::from_secs_f64(vector.config.get("ttl_s").f64_or(10.0)?))
}

fn retry_budget(vector: &Vector<'_>) -> Result<Value, String> {
    let (least, percent) = (vector.config.get("minRetriesPerSec").f64_or(10.0)?, vector.config.get("percentCanRetry").f64_or(0.2)?);
    let mut bucket = Bucket::finagle(life(vector)?, least, percent);
    let allowed = script(&mut bucket, vector.input.get("ops"))?;
    let (deposit, withdrawal, reserve) = bucket.amounts();
    Ok(json!({
        "deposit_amount": deposit, "withdrawal_amount": withdrawal, "reserve": reserve,
        "withdrawals": allowed, "balance": bucket.balance(),
    }))
}
