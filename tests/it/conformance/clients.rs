//! Balancers inside clients: Dubbo, Kratos, go-zero, Ribbon.

use super::Handler;
use super::drive::{Drive, Set, picks};
use super::vector::{Field, Vector};
use evenkeel::balance::products::dubbo::warmup_weight;
use evenkeel::balance::products::micro::ewma::Average;
use evenkeel::balance::products::micro::{Connection, Node};
use evenkeel::balance::products::ribbon::{CONNECTION_FAILURES, ResponseTimes, TRIP_FACTOR_SECONDS, TRIP_MAX_SECONDS, blackout_seconds};
use evenkeel::catalogue::Value as Parameter;
use serde_json::{Value, json};

pub(super) fn handler(system: &str, policy: &str) -> Option<Handler> {
    Some(match (system, policy) {
        ("dubbo", "consistenthash") => consistent_hash,
        ("dubbo", "roundrobin") => |vector| picks(&mut Drive::of("dubbo/roundrobin", Set::new(), vector)?, vector),
        ("dubbo", "warmup-weight") => warmup,
        ("kratos", "wrr") => |vector| picks(&mut Drive::of("kratos/wrr", Set::new(), vector)?, vector),
        ("kratos", "p2c-ewma-state") => kratos,
        ("go-zero", "p2c-ewma-state") => go_zero,
        ("ribbon", "weighted-response-time") => response_times,
        ("ribbon", "circuit-breaker-blackout") => blackout,
        _ => return None,
    })
}

fn consistent_hash(vector: &Vector<'_>) -> Result<Value, String> {
    let nodes = vector.config.get("hash.nodes").maybe().map(Field::u64).transpose()?;
    let set = nodes.map(|nodes| ("nodes", Parameter::Whole(nodes))).into_iter().collect();
    picks(&mut Drive::of("dubbo/consistenthash", set, vector)?, vector)
}

fn whole(field: Field<'_>) -> Result<i64, String> {
    field.value.as_i64().map_or_else(|| field.f64().map(|number| number as i64), Ok)
}

fn warmup(vector: &Vector<'_>) -> Result<Value, String> {
    let (weight, warmup) = (vector.config.get("weight").maybe(), vector.config.get("warmup_ms").maybe());
    let (weight, warmup) = (weight.map_or(Ok(100), Field::u32)?, warmup.map_or(Ok(600_000), whole)?);
    Ok(json!({"weight": warmup_weight(weight, whole(vector.input.get("uptime_ms"))?, warmup)}))
}

/// The states after each completion: now, start, whether it was answered.
fn states(vector: &Vector<'_>, tau: u64, state: impl Fn(Average, u64) -> Value) -> Result<Value, String> {
    let mut average = Average::default();
    let mut states = Vec::new();
    for completion in vector.input.get("completions_now_start_ok").list()? {
        let &[now, start, ok] = &completion.list()?[..] else { return Err("a completion has three parts".into()) };
        average.add(now.u64()?, start.u64()?, ok.bool()?, tau);
        states.push(state(average, now.u64()?));
    }
    Ok(json!({"states": states}))
}

fn go_zero(vector: &Vector<'_>) -> Result<Value, String> {
    let decay = vector.config.get("decay_ns").u64_or(evenkeel::balance::products::micro::DECAY_NS)?;
    states(vector, decay, |average, _| {
        let connection = Connection::of(average);
        json!({
            "lag_ns": average.lag_ns,
            "success": average.success,
            "healthy": connection.is_healthy(),
            "load_at_inflight_0": connection.load(0),
            "load_at_inflight_4": connection.load(4),
        })
    })
}

fn kratos(vector: &Vector<'_>) -> Result<Value, String> {
    let tau = vector.config.get("tau_ns").u64_or(evenkeel::balance::products::micro::TAU_NS)?;
    states(vector, tau, |average, now| {
        let node = Node::of(average);
        json!({
            "lag_ns": average.lag_ns,
            "success": average.success,
            "load_idle": node.load(0, now),
            "weight_idle": node.weight(0, now),
        })
    })
}

fn response_times(vector: &Vector<'_>) -> Result<Value, String> {
    let averages = vector.config.get("avg_response_ms").each(Field::f64)?;
    let mut times = ResponseTimes::default();
    times.weigh(&averages);
    let name = |at: usize| char::from_u32('a' as u32 + at as u32).map(String::from);
    let draws = vector.input.get("u").each_or_none(Field::f64)?;
    let picks: Vec<_> = draws.into_iter().map(|draw| times.choose(draw, averages.len()).and_then(name)).collect();
    Ok(json!({"accumulated_weights": times.accumulated, "picks": picks}))
}

fn blackout(vector: &Vector<'_>) -> Result<Value, String> {
    let get = |name| vector.config.get(name);
    let threshold = get("connectionFailureCountThreshold").maybe().map_or(Ok(CONNECTION_FAILURES), Field::u32)?;
    let factor = get("tripTimeoutFactorSeconds").u64_or(TRIP_FACTOR_SECONDS)?;
    let most = get("tripMaxTimeoutSeconds").u64_or(TRIP_MAX_SECONDS)?;
    Ok(json!({"blackout_seconds": blackout_seconds(vector.input.get("successive_failures").u32()?, threshold, factor, most)}))
}
