//! Policies of papers: Maglev, Prequal, join idle queue, C3.

use super::Handler;
use super::vector::{Field, Vector};
use evenkeel::balance::BackendId;
use evenkeel::balance::c3::{CubicRate, expected_queue, score};
use evenkeel::balance::join_idle_queue::IdleQueue;
use evenkeel::balance::maglev::{Preference, Table};
use evenkeel::balance::prequal::{Probe, best, uses, worst};
use serde_json::{Map, Value, json};

pub(super) fn handler(system: &str, policy: &str, form: &str) -> Option<Handler> {
    Some(match (system, policy, form) {
        ("paper", "maglev", "table") => maglev,
        ("prequal", "hcl", "pick") => prequal_pick,
        ("prequal", "probe_removal", "worst") => prequal_worst,
        ("prequal", "reuse_budget", "b_reuse") => prequal_reuse,
        ("jiq", "jiq_random", "script") => join_idle_queue,
        ("c3", "elasticsearch_ars", "rank") => rank,
        ("c3", "rate_control", "cubic") => cubic,
        _ => return None,
    })
}

fn maglev(vector: &Vector<'_>) -> Result<Value, String> {
    let size = vector.config.get("table_size").u64()?;
    let names = vector.input.get("order").each(Field::text)?;
    let preference = |name: &&str| {
        let numbers = vector.input.get("offset_skip").get(name).each(Field::u64)?;
        let [offset, skip] = numbers[..] else { return Err(format!("`{name}` has no offset and skip")) };
        Ok(Preference { offset, skip, weight: 1.0 })
    };
    let preferences = names.iter().map(preference).collect::<Result<Vec<_>, String>>()?;
    let entries: Vec<_> = (0..).map(BackendId).zip(preferences.iter().copied()).collect();
    let table: Vec<&str> = Table::new(size, &entries).slots().iter().map(|backend| names[backend.index()]).collect();
    let permutation = |(name, preference): (&&str, &Preference)| {
        ((*name).to_owned(), json!((0..size).map(|rank| preference.slot(rank, size)).collect::<Vec<_>>()))
    };
    Ok(json!({ "permutation": names.iter().zip(&preferences).map(permutation).collect::<Map<_, _>>(), "table": table }))
}

fn probes<'a>(vector: &Vector<'a>) -> Result<(Vec<&'a str>, Vec<Probe>, f64), String> {
    let probe = |of: Field<'a>| {
        let probe = Probe { in_flight: of.get("rif").f64()?, latency: of.get("latency_ms").f64()? };
        Ok((of.get("replica").text()?, probe))
    };
    let (names, probes) = vector.input.get("probes").each_or_none(probe)?.into_iter().unzip();
    Ok((names, probes, vector.config.get("theta_rif").f64()?))
}

fn prequal_pick(vector: &Vector<'_>) -> Result<Value, String> {
    let (names, probes, threshold) = probes(vector)?;
    Ok(json!({ "pick": best(&probes, threshold).map(|at| names[at]) }))
}

fn prequal_worst(vector: &Vector<'_>) -> Result<Value, String> {
    let (names, probes, threshold) = probes(vector)?;
    Ok(json!({ "remove": worst(&probes, threshold).map(|at| names[at]) }))
}

fn prequal_reuse(vector: &Vector<'_>) -> Result<Value, String> {
    let number = |name, default| vector.config.get(name).f64_or(default);
    let (pool, backends) = (number("pool_size_m", 16.0)?, vector.config.get("replicas_n").f64()?);
    Ok(json!({ "b_reuse": uses(pool, backends, number("r_probe", 3.0)?, number("r_remove", 1.0)?, number("delta", 1.0)?) }))
}

fn join_idle_queue(vector: &Vector<'_>) -> Result<Value, String> {
    let dispatchers = vector.config.get("dispatchers").usize()?;
    let mut queues = vec![IdleQueue::default(); dispatchers];
    let mut draws = vector.input.get("random_server_draws").each_or_none(Field::u32)?.into_iter();
    let mut assigned = Vec::new();
    for event in vector.input.get("events").list()? {
        let place = |name| {
            let at = event.get(name).usize()?;
            if at < dispatchers { Ok(at) } else { Err(format!("there is no dispatcher {at}")) }
        };
        match event.get("idle_server").maybe() {
            Some(server) => queues[place("joins_dispatcher")?].join(server.u32()?),
            None => {
                let job = &mut queues[place("job_at_dispatcher")?];
                assigned.push(job.take(|| draws.next().expect("the vector has a draw for every job")));
            }
        }
    }
    let queues: Vec<Vec<u32>> = queues.iter().map(|queue| queue.waiting().collect()).collect();
    Ok(json!({ "assigned": assigned, "final_i_queues": queues }))
}

fn rank(vector: &Vector<'_>) -> Result<Value, String> {
    let number = |name| vector.input.get(name).f64();
    // The reported queue is cut to a whole number.
    let reported = number("queue_ewma")?.trunc();
    let queue = expected_queue(number("outstanding")?, vector.config.get("clients").f64()?, reported);
    Ok(json!({ "rank": score(number("response_ms")?, number("service_ms")?, queue) }))
}

fn cubic(vector: &Vector<'_>) -> Result<Value, String> {
    let rate = CubicRate { beta: vector.config.get("beta").f64_or(0.2)?, gamma: vector.config.get("gamma").f64_or(4e-6)? };
    Ok(json!({ "rate": rate.after(vector.input.get("r_max").f64()?, vector.input.get("ms_since_last_decrease").f64()?) }))
}
