//! Envoy: from a cluster to a backend.

use super::Handler;
use super::vector::{Field, Vector};
use evenkeel::balance::edf::Edf;
use evenkeel::balance::products::envoy::client_side_weights::{Periods, Report, Validity, median};
use evenkeel::balance::products::envoy::cost::cost;
use evenkeel::balance::products::envoy::least_request::{full_scan, n_choices, weight};
use evenkeel::balance::products::envoy::locality::{self, Locality};
use evenkeel::balance::products::envoy::priority::{Availability, Counts, Loads, Priority, choose};
use evenkeel::balance::products::envoy::random;
use evenkeel::balance::products::envoy::schedule::{Turns, past};
use evenkeel::balance::products::envoy::slow_start::SlowStart;
use evenkeel::balance::products::envoy::subset::{Candidates, Fallback, Selector, Subsets, has};
use evenkeel::balance::products::envoy::zone::{Routing, Zones};
use evenkeel::time::{SimTime, Span};
use serde_json::{Value, json};

pub(super) fn handler(policy: &str, form: &str) -> Option<Handler> {
    Some(match (policy, form) {
        ("priority_load", "table") => priority_table,
        ("priority_load", "weighted_health") => priority_table,
        ("priority_load", "choose") => priority_choose,
        ("panic", "host_set") => panic,
        ("random", "pick") => random_pick,
        ("locality_weighted", "counts" | "sequence") => locality_weighted,
        ("zone_aware", "routing") => zone_aware,
        ("round_robin", "sequence") => round_robin,
        ("round_robin.weighted_edf", "sequence") => edf_sequence,
        ("slow_start", "sequence") => edf_sequence,
        ("round_robin.weighted_edf", "script") => edf_script,
        ("slow_start", "weight") => slow_start,
        ("least_request.n_choices", "pick") => least_of_choices,
        ("least_request.full_scan", "pick") => least_of_all,
        ("least_request.weighted", "weight") => least_request_weight,
        ("least_request.weighted", "script") => least_request_script,
        ("subset", "match") => subset,
        ("client_side_weighted_round_robin", "weight") => reported_weight,
        ("client_side_weighted_round_robin", "fill_missing") => fill_missing,
        ("client_side_weighted_round_robin", "validity") => validity,
        ("peak_ewma", "cost") => peak_ewma_cost,
        _ => return None,
    })
}

fn counts(of: Field<'_>) -> Result<Counts, String> {
    let count = |name| of.get(name).f64_or(0.0);
    Ok(Counts { all: of.get("hosts").f64()?, healthy: count("healthy")?, degraded: count("degraded")?, excluded: count("excluded")? })
}

/// Weights of a priority, of which the total already leaves out who does not count.
fn weights(of: Field<'_>) -> Result<Option<Counts>, String> {
    let Some(total) = of.get("total_weight").maybe() else { return Ok(None) };
    let sum = |name| of.get(name).f64_or(0.0);
    Ok(Some(Counts { all: total.f64()?, healthy: sum("healthy_weight")?, degraded: sum("degraded_weight")?, excluded: 0.0 }))
}

fn priority_table(vector: &Vector<'_>) -> Result<Value, String> {
    let common = vector.config.get("overprovisioning_factor").f64_or(140.0)?;
    let is_weighted = vector.config.get("weighted_priority_health").bool_or(false)?;
    let priority = |of: Field<'_>| {
        let weights = if is_weighted { weights(of)? } else { None };
        Ok(Priority { counts: counts(of)?, weights, overprovisioning: of.get("overprovisioning").f64_or(common)? })
    };
    let priorities = vector.input.get("priorities").each(priority)?;
    let loads = Loads::new(&priorities, vector.config.get("healthy_panic_threshold").f64_or(50.0)?);
    Ok(json!({
        "healthy_load": loads.healthy, "degraded_load": loads.degraded, "panic": loads.panic,
        "health": loads.health, "degraded": loads.degraded_health,
    }))
}

fn percents(of: Field<'_>) -> Result<Vec<u32>, String> {
    of.each_or_none(Field::u32)
}

fn priority_choose(vector: &Vector<'_>) -> Result<Value, String> {
    let (healthy, degraded) = (percents(vector.input.get("healthy_load"))?, percents(vector.input.get("degraded_load"))?);
    let chosen = choose(&healthy, &degraded, vector.input.get("hash").u64()?);
    let availability = chosen.map(|(_, availability)| match availability {
        Availability::Healthy => "healthy",
        Availability::Degraded => "degraded",
    });
    Ok(json!({ "priority": chosen.map(|(priority, _)| priority), "availability": availability }))
}

fn panic(vector: &Vector<'_>) -> Result<Value, String> {
    let threshold = vector.config.get("healthy_panic_threshold").f64_or(50.0)?;
    Ok(json!({ "below_threshold": counts(vector.input)?.is_below(threshold) }))
}

fn random_pick(vector: &Vector<'_>) -> Result<Value, String> {
    let draw = vector.input.get("random").u64()?;
    let (healthy, degraded) = (percents(vector.input.get("healthy_load"))?, percents(vector.input.get("degraded_load"))?);
    let priority = choose(&healthy, &degraded, draw).map(|(priority, _)| priority);
    Ok(json!({ "priority": priority, "index": random::place(draw, vector.input.get("hosts").usize()?) }))
}

fn locality_weighted(vector: &Vector<'_>) -> Result<Value, String> {
    let overprovisioning = vector.config.get("overprovisioning_factor").f64_or(140.0)?;
    let effective = vector.input.get("localities").each(|of| {
        let locality = Locality {
            weight: of.get("weight").f64_or(0.0)?,
            all: of.get("hosts").u64()?,
            eligible: of.get("healthy").u64()?,
            excluded: of.get("excluded").u64_or(0)?,
        };
        Ok(locality.effective_weight(overprovisioning))
    })?;
    let mut schedule = locality::schedule(&effective, vector.config.get("seed").u64_or(0)?);
    let picks = vector.input.get("picks").usize()?;
    let next = |_| schedule.as_mut()?.next(|at| effective[at as usize]);
    let sequence: Vec<u32> = (0..picks).filter_map(next).collect();
    let mut counts = vec![0_u32; effective.len()];
    sequence.iter().for_each(|&at| counts[at as usize] += 1);
    Ok(json!({ "effective_weights": effective, "sequence": sequence, "counts": counts }))
}

fn zone_aware(vector: &Vector<'_>) -> Result<Value, String> {
    let counts = |name| vector.input.get(name).each(Field::u64);
    let own = vector.input.get("local_zone_index").u64_or(0)? as usize;
    let zones = Zones::new(&counts("local_cluster_hosts_per_zone")?, &counts("healthy_upstream_hosts_per_zone")?, own);
    let (state, stay, capacity) = match zones.routing {
        Routing::Off => ("none", None, None),
        Routing::Direct => ("direct", None, None),
        Routing::Residual { stay, capacity } => ("residual", Some(stay), Some(capacity)),
    };
    Ok(json!({
        "state": state, "local_percentages": zones.callers, "upstream_percentages": zones.backends,
        "local_percent_to_route": stay, "residual_capacity": capacity,
    }))
}

fn round_robin(vector: &Vector<'_>) -> Result<Value, String> {
    let mut index = vector.config.get("seed").u64_or(0)?;
    let mut turns = Turns::new(&vec![1.0; vector.input.get("hosts").usize()?], false, index);
    let sequence: Vec<u32> = (0..vector.input.get("picks").u64()?).filter_map(|_| turns.next(&mut index, |_| 1.0)).collect();
    Ok(json!({ "sequence": sequence }))
}

fn schedule(weights: &[f64], seed: u64) -> Edf {
    Edf::with_past((0..).zip(weights.iter().copied()), past(seed))
}

fn turns(schedule: &mut Edf, weights: &[f64], picks: u64) -> Vec<u32> {
    (0..picks).filter_map(|_| schedule.next(|at| weights[at as usize])).collect()
}

fn edf_sequence(vector: &Vector<'_>) -> Result<Value, String> {
    let input = vector.input;
    let weights = input.get("weights").maybe().unwrap_or(input.get("effective_weights")).each(Field::f64)?;
    let mut schedule = schedule(&weights, vector.config.get("seed").u64_or(0)?);
    Ok(json!({ "sequence": turns(&mut schedule, &weights, input.get("picks").u64()?) }))
}

fn edf_script(vector: &Vector<'_>) -> Result<Value, String> {
    let seed = vector.config.get("seed").u64_or(0)?;
    let mut weights = vector.input.get("weights").each(Field::f64)?;
    let mut edf = schedule(&weights, seed);
    let sequences = vector.input.get("steps").list()?.into_iter().map(|step| {
        if let Some(rebuild) = step.get("rebuild").maybe() {
            weights = rebuild.each(Field::f64)?;
            edf = schedule(&weights, seed);
        }
        for (at, weight) in step.get("set").maybe().map_or(Ok(Vec::new()), Field::entries)? {
            let at: usize = at.parse().map_err(|_| format!("`{at}` is no place"))?;
            *weights.get_mut(at).ok_or("`set` names nobody")? = weight.f64()?;
        }
        Ok(turns(&mut edf, &weights, step.get("picks").u64_or(0)?))
    });
    Ok(json!({ "sequences": sequences.collect::<Result<Vec<_>, String>>()? }))
}

fn milliseconds(of: Field<'_>) -> Result<Span, String> {
    Ok(Span((of.f64()? * 1e6).round() as u64))
}

fn slow_start(vector: &Vector<'_>) -> Result<Value, String> {
    let ramp = SlowStart {
        window: milliseconds(vector.config.get("slow_start_window_ms"))?,
        aggression: vector.config.get("aggression").f64_or(1.0)?,
        least_percent: vector.config.get("min_weight_percent").f64_or(10.0)?,
    };
    let weight = vector.input.get("weight").f64()?;
    Ok(json!({ "effective_weight": weight * ramp.factor(milliseconds(vector.input.get("healthy_for_ms"))?) }))
}

/// Draws of a script, in order; `None` once they are used up.
struct Draws(std::vec::IntoIter<u64>);

impl Draws {
    fn of(field: Field<'_>) -> Result<Self, String> {
        Ok(Self(field.each_or_none(Field::u64)?.into_iter()))
    }

    fn next(&mut self) -> u64 {
        self.0.next().expect("the vector has a draw for every choice")
    }
}

fn least_of_choices(vector: &Vector<'_>) -> Result<Value, String> {
    let active = vector.input.get("active").each(Field::u32)?;
    let mut draws = Draws::of(vector.input.get("random_draws"))?;
    let choices = vector.config.get("choice_count").u64_or(2)? as u32;
    Ok(json!({ "index": n_choices(active.len(), choices, || draws.next(), |at| active[at]) }))
}

fn least_of_all(vector: &Vector<'_>) -> Result<Value, String> {
    let active = vector.input.get("active").each(Field::u32)?;
    let mut draws = Draws::of(vector.input.get("tie_draws"))?;
    let mut used = 0;
    let draw = || {
        used += 1;
        draws.next()
    };
    let index = full_scan(active.len(), draw, |at| active[at]);
    Ok(json!({ "index": index, "draws_used": used }))
}

fn least_request_weight(vector: &Vector<'_>) -> Result<Value, String> {
    let bias = vector.config.get("active_request_bias").f64_or(1.0)?;
    Ok(json!({ "effective_weight": weight(vector.input.get("weight").f64()?, vector.input.get("active").u32()?, bias) }))
}

fn least_request_script(vector: &Vector<'_>) -> Result<Value, String> {
    let bias = vector.config.get("active_request_bias").f64_or(1.0)?;
    let seed = vector.config.get("seed").u64_or(0)?;
    let weights = vector.input.get("weights").each(Field::f64)?;
    let mut active = vec![0; weights.len()];
    let mut edf = None;
    let sequences = vector.input.get("steps").list()?.into_iter().map(|step| {
        if let Some(changed) = step.get("active").maybe() {
            active = changed.each(Field::u32)?;
        }
        let effective: Vec<f64> = weights.iter().zip(&active).map(|(&of, &active)| weight(of, active, bias)).collect();
        let edf = edf.get_or_insert_with(|| schedule(&effective, seed));
        Ok(turns(edf, &effective, step.get("picks").u64_or(0)?))
    });
    Ok(json!({ "sequences": sequences.collect::<Result<Vec<_>, String>>()? }))
}

/// A label's value as text: what is not a text is written as JSON, and compared whole.
fn label((name, value): (&str, Field<'_>)) -> (String, String) {
    (name.to_owned(), value.text().map_or_else(|_| value.value.to_string(), str::to_owned))
}

fn labels(of: Field<'_>) -> Result<Vec<(String, String)>, String> {
    Ok(of.maybe().map_or(Ok(Vec::new()), Field::entries)?.into_iter().map(label).collect())
}

fn fallback(of: Field<'_>, selector: Field<'_>) -> Result<Option<Fallback>, String> {
    let Some(policy) = of.maybe() else { return Ok(None) };
    Ok(match policy.text()? {
        "NO_FALLBACK" => Some(Fallback::Nobody),
        "ANY_ENDPOINT" => Some(Fallback::Anybody),
        "DEFAULT_SUBSET" => Some(Fallback::Default),
        "KEYS_SUBSET" => Some(Fallback::Fewer(selector.get("fallback_keys_subset").each_or_none(|key| Ok(key.text()?.to_owned()))?)),
        "NOT_DEFINED" => None,
        other => return Err(format!("the fallback {other} is unknown")),
    })
}

fn subset(vector: &Vector<'_>) -> Result<Value, String> {
    let config = vector.config;
    let selector = |of: Field<'_>| {
        let names = of.get("keys").each(|key| Ok(key.text()?.to_owned()))?;
        Ok(Selector { names, fallback: fallback(of.get("fallback_policy"), of)? })
    };
    let subsets = Subsets {
        selectors: config.get("subset_selectors").each_or_none(selector)?,
        fallback: fallback(config.get("fallback_policy"), config)?.unwrap_or_default(),
        default: labels(config.get("default_subset"))?,
    };
    let hosts = vector.input.get("hosts").each(|host| {
        let mut labels = labels(host)?;
        labels.retain(|(name, _)| name != "name");
        Ok((host.get("name").text()?, labels))
    })?;
    let asked = labels(vector.input.get("match"))?;
    let candidates = subsets.candidates(&asked, |asked| hosts.iter().any(|(_, labels)| has(labels, asked)));
    let is_candidate = |labels: &[(String, String)]| match &candidates {
        Candidates::All => true,
        Candidates::None => false,
        Candidates::With(asked) => has(labels, asked),
    };
    let names: Vec<&str> = hosts.iter().filter(|(_, labels)| is_candidate(labels)).map(|(name, _)| *name).collect();
    Ok(json!({ "candidates": names }))
}

fn reported_weight(vector: &Vector<'_>) -> Result<Value, String> {
    let input = vector.input;
    let named = input.get("named_metrics").maybe().map_or(Ok(Vec::new()), Field::entries)?;
    let report = Report {
        rps: input.get("rps").f64_or(0.0)?,
        eps: input.get("eps").f64_or(0.0)?,
        application_utilization: input.get("application_utilization").f64_or(0.0)?,
        cpu_utilization: input.get("cpu_utilization").f64_or(0.0)?,
        named: named.into_iter().map(|(name, value)| Ok((name.to_owned(), value.f64_or(0.0)?))).collect::<Result<_, String>>()?,
    };
    let metrics = vector.config.get("metric_names_for_computing_utilization").each_or_none(|name| Ok(name.text()?.to_owned()))?;
    Ok(json!({ "weight": report.weight(&metrics, vector.config.get("error_utilization_penalty").f64_or(1.0)?) }))
}

fn fill_missing(vector: &Vector<'_>) -> Result<Value, String> {
    let weights = vector.input.get("valid_weights").each(|weight| weight.maybe().map(Field::u32).transpose())?;
    let missing = median(&mut weights.iter().copied().flatten().collect::<Vec<_>>());
    Ok(json!({ "weights": weights.into_iter().map(|weight| weight.unwrap_or(missing)).collect::<Vec<_>>() }))
}

fn seconds(of: Field<'_>) -> Result<u64, String> {
    Ok((of.f64()? * 1e9).round() as u64)
}

fn validity(vector: &Vector<'_>) -> Result<Value, String> {
    let instant = |name| vector.input.get(name).maybe().map(seconds).transpose().map(|at| at.map(SimTime));
    let periods = Periods {
        blackout: Span(vector.config.get("blackout_period_s").maybe().map_or(Ok(10_000_000_000), seconds)?),
        expiration: Span(vector.config.get("weight_expiration_period_s").maybe().map_or(Ok(180_000_000_000), seconds)?),
    };
    let now = SimTime(seconds(vector.input.get("now_s"))?);
    let state = match periods.validity(instant("non_empty_since_s")?, instant("last_update_s")?, now) {
        Validity::Valid => "valid",
        Validity::Blackout => "blackout",
        Validity::Expired => "expired",
    };
    Ok(json!({ "state": state }))
}

fn peak_ewma_cost(vector: &Vector<'_>) -> Result<Value, String> {
    let input = vector.input;
    let (latency, default) = (input.get("rtt_ewma_ms").f64_or(0.0)?, input.get("default_rtt_ms").f64_or(0.0)?);
    Ok(json!({ "cost": cost(latency, input.get("active_requests").u32()?, default, vector.config.get("penalty").f64()?) }))
}
