//! What callers, faults and services are for the theory: timeouts, retries, hedges, breakdowns, forks.

use super::cases::Case;
use super::mapping::{open, service};
use crate::world::{Extend, UNIT, balancer, exponential, group, per_unit, scenario, units};
use evenkeel::client::{Backoff, Caller, Conditions, Hedge, HedgeAfter, Jitter, Retry};
use evenkeel::dist::Dist;
use evenkeel::fault::{Fault, Kind, Repeats, Target};
use evenkeel::scenario::{Call, Group, Process, Scenario, Service, Via};
use evenkeel::time::Span;

/// The scenarios of a case of these families.
pub(crate) fn scenarios(case: &Case) -> Result<Vec<Scenario>, &'static str> {
    match case.family.as_str() {
        "timeouts" => timeouts(case),
        "Erlang A" => Ok(erlang_a(case)),
        "retrials" => retrials(case),
        "breakdowns" => breakdowns(case),
        "hedged requests" => Ok(vec![hedged(case)]),
        "redundancy-d" => Ok(vec![redundant(case)]),
        "retries" => Ok(vec![if case.number("layers").is_some() { layered(case) } else { failing(case) }]),
        "fan-out" | "fork-join" => Ok(vec![forked(case)]),
        other => panic!("the family `{other}` is not one of these"),
    }
}

fn calling(scenario: Scenario, client: Caller) -> Scenario {
    Scenario { client, ..scenario }
}

fn fixed(case: &Case, name: &str) -> Option<Dist> {
    case.number(name).map(|value| Dist::Constant(value * UNIT))
}

fn timeouts(case: &Case) -> Result<Vec<Scenario>, &'static str> {
    if case.need("rho") > 1.0 {
        return Err("no steady state");
    }
    let client = Caller {
        timeout: fixed(case, "timeout_on_sojourn"),
        patience: fixed(case, "timeout_on_wait"),
        abandons_work: case.policy.contains("zombie"),
        ..Caller::default()
    };
    // The whole request's time or one attempt's is the same where there is but one.
    let by_attempt = Caller { timeout: None, attempt_timeout: client.timeout.clone(), ..client.clone() };
    let base = || open(case).on(vec![group(1)]).with(balancer("random", &[]));
    Ok(vec![calling(base(), client), calling(base(), by_attempt)])
}

fn erlang_a(case: &Case) -> Vec<Scenario> {
    let servers = case.need("servers") as u32;
    let rate = case.params["patience"]["rate"].as_f64().expect("a rate of losing patience");
    let client = Caller { patience: Some(exponential(1.0 / rate)), ..Caller::default() };
    let central = open(case).on(vec![group(servers)]).with(balancer("central-queue", &[]));
    let one = open(case).on(vec![Group { workers: Some(servers), ..group(1) }]).with(balancer("random", &[]));
    [central, one].map(|scenario| calling(scenario, client.clone())).into()
}

fn retry(max: Option<u32>, on: Conditions, backoff: Backoff) -> Caller {
    Caller { retry: Some(Retry { max, on, backoff, budget: None, avoid_tried: false }), ..Caller::default() }
}

fn retrials(case: &Case) -> Result<Vec<Scenario>, &'static str> {
    if case.policy.starts_with("constant") {
        return Err("retries from one orbit, one at a time");
    }
    let theta = case.params["retry"]["theta"].as_f64().expect("a retry rate");
    let on = Conditions { refused: true, ..Conditions::default() };
    let base = open(case).on(vec![Group { queue: Some(0), ..group(1) }]).with(balancer("random", &[]));
    Ok(vec![calling(base, retry(None, on, Backoff::Drawn(exponential(1.0 / theta))))])
}

fn fault(kind: Kind, repeats: Repeats) -> Fault {
    let target = Target { written: "all".into(), among: Vec::new(), draw: None };
    Fault { name: "fault".into(), kind, target, at: Span::ZERO, lasts: None, repeats }
}

fn breakdowns(case: &Case) -> Result<Vec<Scenario>, &'static str> {
    if case.number("mtbf").is_none() {
        return Err("a server that breaks down hands its request to another");
    }
    if case.params["breakdowns_when"] != "always (busy or idle)" {
        return Err("breakdowns only while serving");
    }
    let repeats = Repeats::Drawn { up: units(case.need("mtbf")), down: units(case.need("mttr")) };
    let mut scenario = open(case).on(vec![group(1)]).with(balancer("random", &[]));
    scenario.faults = vec![fault(Kind::Pause, repeats)];
    Ok(vec![scenario])
}

/// Requests so rare that they never meet: only the law of one counts.
fn alone(work: Dist) -> Scenario {
    scenario(Process::Poisson, Some(per_unit(0.01)), work)
}

/// Copies wherever there is room, each with work of its own.
fn hedging(scenario: Scenario, after: f64, max: u32) -> Scenario {
    let hedge = Hedge { after: HedgeAfter::Delay(Dist::Constant(after * UNIT)), max };
    calling(scenario, Caller { redraw: true, hedge: Some(hedge), ..Caller::default() })
}

/// The law of a latency, in nanoseconds.
fn law(latency: &serde_json::Value) -> Dist {
    let number = |name: &str| latency[name].as_f64().expect("a Pareto has it");
    match latency["type"].as_str() {
        Some("pareto") => Dist::Pareto { alpha: number("alpha"), min: number("xm") * UNIT, max: None },
        _ => service(latency),
    }
}

fn hedged(case: &Case) -> Scenario {
    let two = vec![Group { workers: None, ..group(2) }];
    hedging(alone(law(&case.params["latency"])).on(two).with(balancer("random", &[])), case.need("hedge_delay"), 1)
}

fn redundant(case: &Case) -> Scenario {
    let servers = case.need("servers") as u32;
    hedging(open(case).on(vec![group(servers)]).with(balancer("random", &[])), 0.0, case.need("d") as u32 - 1)
}

fn at_once() -> Backoff {
    Backoff::Growing { base: Span::ZERO, factor: 2.0, max: None, jitter: Jitter::None }
}

fn failing(case: &Case) -> Scenario {
    let on = Conditions { error: true, ..Conditions::default() };
    let mut scenario = alone(exponential(1.0)).on(vec![Group { workers: None, ..group(1) }]).with(balancer("random", &[]));
    let share = case.need("attempt_failure_prob");
    scenario.faults = vec![fault(Kind::Errors { share, takes: None }, Repeats::Never)];
    calling(scenario, retry(Some(case.need("max_attempts") as u32 - 1), on, at_once()))
}

/// A service with one backend that never is in anybody's way.
fn layer(name: &str, work: Dist, calls: Vec<Call>) -> Service {
    Service {
        name: name.into(),
        backends: vec![Group { name: format!("{name}-backend"), workers: None, ..group(1) }],
        work: Some(work),
        calls,
        holds_worker: false,
        balancer: None,
        via: Via::Callers,
        client: None,
    }
}

fn call(to: &str, count: u32) -> Call {
    Call { to: to.into(), share: 1.0, count, parallel: true }
}

fn layered(case: &Case) -> Scenario {
    let layers = case.need("layers") as usize;
    let name = |layer: usize| format!("layer{layer}");
    let on = Conditions { error: true, ..Conditions::default() };
    let mut scenario = alone(exponential(1.0)).with(balancer("random", &[]));
    scenario.services = (0..layers.max(2))
        .map(|at| layer(&name(at), exponential(0.001), if at + 1 < layers.max(2) { vec![call(&name(at + 1), 1)] } else { Vec::new() }))
        .collect();
    // Of one layer of retries the callers of the first service are not one.
    if layers == 1 {
        scenario.services[0].client = Some(Caller::default());
    }
    let bottom = Target { written: format!("{}-backend", name(layers.max(2) - 1)), among: Vec::new(), draw: None };
    scenario.faults = vec![Fault { target: bottom, ..fault(Kind::Errors { share: 1.0, takes: None }, Repeats::Never) }];
    calling(scenario, retry(Some(case.need("max_attempts_each") as u32 - 1), on, at_once()))
}

fn forked(case: &Case) -> Scenario {
    let nothing = Dist::Constant(0.0);
    let fanout = case.need("fanout") as u32;
    if case.family == "fork-join" {
        let mut scenario = open(case).with(balancer("random", &[]));
        let leaf = |name: &str| Service {
            backends: vec![Group { name: format!("{name}-backend"), ..group(1) }],
            ..layer(name, exponential(1.0), Vec::new())
        };
        scenario.traffic[0].work = nothing.clone();
        scenario.services = vec![layer("root", nothing, vec![call("left", 1), call("right", 1)]), leaf("left"), leaf("right")];
        return scenario;
    }
    let work = match case.number("p_slow") {
        Some(share) => Dist::Mixture(vec![(1.0 - share, Dist::Constant(UNIT)), (share, Dist::Constant(10.0 * UNIT))]),
        None => law(&case.params["latency"]),
    };
    let mut scenario = alone(nothing.clone()).with(balancer("random", &[]));
    scenario.services = vec![layer("root", nothing, vec![call("leaf", fanout)]), layer("leaf", work, Vec::new())];
    scenario
}
