//! Services, resolved: whose backends are whose, and who calls whom in what order.

use super::{BalancerPlan, CallPlan, Fault, FaultAt, ServicePlan};
use crate::client::Caller;
use crate::fault::{self, Kind};
use crate::fleet::GroupPlan;
use crate::scenario::{Call, Scenario, Service, Via};

/// All services; of a scenario without any, the one that there is.
pub(super) fn service_plans(scenario: &Scenario, groups: &[GroupPlan]) -> Result<Vec<ServicePlan>, Vec<FaultAt>> {
    if scenario.services.is_empty() {
        return Ok(vec![only(scenario, groups)]);
    }
    let (mut plans, mut faults, mut first) = (Vec::new(), Vec::new(), 0);
    for (index, service) in scenario.services.iter().enumerate() {
        let range = first..first + service.backends.len();
        first = range.end;
        match stages(&service.calls, &scenario.services) {
            Ok(stages) => plans.push(service_plan(service, stages, range, groups, scenario)),
            Err(fault) => faults.push(FaultAt { key: format!("service[{index}].calls"), fault }),
        }
    }
    if faults.is_empty() {
        faults.extend(circle(&plans).map(|name| FaultAt { key: "service".into(), fault: Fault::Circle(name) }));
    }
    if faults.is_empty() { Ok(plans) } else { Err(faults) }
}

fn only(scenario: &Scenario, groups: &[GroupPlan]) -> ServicePlan {
    ServicePlan {
        name: String::new(),
        groups: 0..groups.len(),
        backends: 0..backends(groups),
        work: None,
        stages: Vec::new(),
        holds_worker: true,
        balancer: None,
        via: Via::Proxy,
        caller: scenario.client.clone(),
    }
}

fn service_plan(
    service: &Service,
    stages: Vec<Vec<CallPlan>>,
    range: std::ops::Range<usize>,
    groups: &[GroupPlan],
    scenario: &Scenario,
) -> ServicePlan {
    ServicePlan {
        name: service.name.clone(),
        backends: backends(&groups[..range.start])..backends(&groups[..range.end]),
        groups: range,
        work: service.work.clone(),
        stages,
        holds_worker: service.holds_worker,
        balancer: service.balancer.as_ref().map(BalancerPlan::of),
        via: service.via,
        caller: service.client.as_ref().unwrap_or(&scenario.client).clone(),
    }
}

fn backends(groups: &[GroupPlan]) -> u32 {
    groups.iter().map(|group| group.count).sum()
}

/// Calls in stages: each stands alone, as often as it is made; neighbours that are parallel are one.
fn stages(calls: &[Call], services: &[Service]) -> Result<Vec<Vec<CallPlan>>, Fault> {
    let mut stages: Vec<Vec<CallPlan>> = Vec::new();
    let mut was_parallel = false;
    for call in calls {
        let to = number(&call.to, services)?;
        let copies = vec![CallPlan { to, share: call.share }; call.count as usize];
        match stages.last_mut().filter(|_| call.parallel && was_parallel) {
            Some(stage) => stage.extend(copies),
            None if call.parallel => stages.push(copies),
            None => stages.extend(copies.into_iter().map(|one| vec![one])),
        }
        was_parallel = call.parallel;
    }
    Ok(stages)
}

/// A service by its name.
pub(super) fn number(name: &str, services: &[Service]) -> Result<u16, Fault> {
    let found = services.iter().position(|service| service.name == name);
    found.and_then(|at| u16::try_from(at).ok()).ok_or_else(|| Fault::UnknownService(name.to_owned()))
}

/// A service that is called by those that it calls: what is left once all that call nobody, or only what is taken away, are taken away.
fn circle(plans: &[ServicePlan]) -> Option<String> {
    let mut left: Vec<usize> = (0..plans.len()).collect();
    loop {
        let calls = |from: usize, to: usize| plans[from].stages.iter().flatten().any(|call| call.to as usize == to);
        let rest: Vec<usize> = left.iter().copied().filter(|&from| left.iter().any(|&to| calls(from, to))).collect();
        if rest.is_empty() {
            return None;
        }
        if rest.len() == left.len() {
            return Some(plans[rest[0]].name.clone());
        }
        left = rest;
    }
}

/// Says of each group whether anything but service from beginning to end can happen there, and whether workers wait for calls.
pub(super) fn mark(groups: &mut [GroupPlan], plans: &[ServicePlan], faults: &[fault::Fault], is_scaled: bool) {
    let cuts_short = |caller: &Caller| {
        caller.timeout.is_some() || caller.attempt_timeout.is_some() || caller.patience.is_some() || caller.hedge.is_some()
    };
    let strikes = faults.iter().any(|fault| !matches!(fault.kind, Kind::Surge { .. }));
    let everywhere = strikes || is_scaled || plans.iter().any(|plan| cuts_short(&plan.caller));
    let mut reached: Vec<bool> = plans.iter().map(|plan| everywhere || !plan.stages.is_empty()).collect();
    let mut next: Vec<usize> = (0..plans.len()).filter(|&at| reached[at]).collect();
    while let Some(at) = next.pop() {
        for call in plans[at].stages.iter().flatten() {
            if !std::mem::replace(&mut reached[call.to as usize], true) {
                next.push(call.to as usize);
            }
        }
    }
    for (plan, is_interrupted) in plans.iter().zip(reached) {
        for group in &mut groups[plan.groups.clone()] {
            group.is_interrupted = is_interrupted;
            group.holds_worker = !plan.stages.is_empty() && plan.holds_worker;
        }
    }
}
