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

#[cfg(test)]
mod tests {
    use super::super::Plan;
    use crate::fault::Side;
    use crate::scenario::{NoFiles, Source, load};

    const THREE: &str = "balancers = [\"random\"]
[run]
requests = 1000
[[traffic]]
name = \"x\"
arrivals = { process = \"poisson\", load = 0.5 }
[[traffic]]
name = \"y\"
to = \"c\"
arrivals = { process = \"poisson\", load = 0.5 }
[[service]]
name = \"a\"
work = \"1ms\"
calls = [{ to = \"b\", share = 0.5, count = 2 }, { to = \"b\", parallel = true }, { to = \"c\", count = 2, parallel = true }]
client = { redraw = true }
[[service.backends]]
name = \"a\"
count = 2
[[service]]
name = \"b\"
work = \"1ms\"
via = \"proxy\"
[[service.backends]]
name = \"b\"
[[service.backends]]
name = \"b2\"
[[service]]
name = \"c\"
work = \"2ms\"
[[service.backends]]
name = \"c\"
count = 4
speed = 2
[client]
passes_deadline = true
";

    fn plan(text: &str) -> Plan {
        let loaded = load(&Source::new("f.toml", text.as_bytes()), &[], &NoFiles).unwrap_or_else(|faults| panic!("{faults}"));
        Plan::new(&loaded.variants[0].scenario, None).unwrap_or_else(|faults| panic!("{faults:?}"))
    }

    #[test]
    fn calls_become_stages_and_backends_are_numbered_through() {
        let plan = plan(THREE);
        let stages: Vec<Vec<u16>> = plan.services[0].stages.iter().map(|stage| stage.iter().map(|call| call.to).collect()).collect();
        assert_eq!(stages, [vec![1], vec![1], vec![1, 2, 2]]);
        let ranges: Vec<_> = plan.services.iter().map(|service| (service.groups.clone(), service.backends.clone())).collect();
        assert_eq!(ranges, [(0..1, 0..2), (1..3, 2..4), (3..4, 4..8)]);
        let callers: Vec<_> = plan.services.iter().map(|service| (service.caller.redraw, service.caller.passes_deadline)).collect();
        assert_eq!(callers, [(true, false), (false, true), (false, true)]);
    }

    #[test]
    fn load_is_of_the_service_that_traffic_goes_to() {
        let plan = plan(THREE);
        assert_eq!(plan.sources.iter().map(|source| source.to).collect::<Vec<_>>(), [0, 2]);
        // Two backends at 1 ms: 2000/s. Four at 2 ms and twice the speed: 4000/s.
        let rates: Vec<f64> = plan.sources.iter().map(|source| source.timing.rate().expect("it is open").round()).collect();
        assert_eq!(rates, [1000.0, 2000.0]);
        assert!((plan.load().expect("it is known") - 0.5).abs() < 1e-9);
    }

    #[test]
    fn only_where_something_may_happen_is_service_interrupted() {
        let marks = |text: &str| -> Vec<(bool, bool)> {
            plan(text).groups.iter().map(|group| (group.is_interrupted, group.holds_worker)).collect()
        };
        assert_eq!(marks(THREE), [(true, true), (true, false), (true, false), (true, false)]);
        let fewer = THREE.replace(", { to = \"c\", count = 2, parallel = true }", "");
        assert_eq!(marks(&fewer), [(true, true), (true, false), (true, false), (false, false)]);
        let surge = format!("{fewer}[[fault]]\nkind = \"surge\"\nfactor = 2\nat = \"1s\"\n");
        assert_eq!(marks(&surge)[3], (false, false));
        let crash = format!("{fewer}[[fault]]\nkind = \"crash\"\ntarget = \"a-0\"\nat = \"1s\"\n");
        assert_eq!(marks(&crash)[3], (true, false));
        assert_eq!(marks(&fewer.replace("passes_deadline = true", "timeout = \"1s\""))[3], (true, false));
    }

    #[test]
    fn targets_and_sides_are_numbers_and_scaled_groups_have_room() {
        let faults = "[[fault]]
kind = \"partition\"
target = \"service:c\"
from = [\"b\", \"balancer:0\"]
at = \"1s\"
for = \"1s\"
[[fault]]
kind = \"surge\"
target = \"y\"
factor = 2
at = \"1s\"
[autoscale]
target_utilization = 0.5
max = 5
";
        let plan = plan(&format!("{THREE}{faults}").replace("passes_deadline", "timeout = \"1s\"\npasses_deadline"));
        assert_eq!((plan.groups[0].initially, plan.groups[0].count, plan.backend_count()), (2, 5, 11));
        assert_eq!(plan.faults[0].target.among, [7, 8, 9, 10]);
        let crate::fault::Kind::Partition { from, .. } = &plan.faults[0].kind else { panic!("the first is a partition") };
        assert_eq!(from[..], [Side::Backend(5), Side::Instance(0)]);
        assert_eq!((plan.faults[1].target.among[..] == [1], plan.sources[0].surges.len(), plan.sources[1].surges.len()), (true, 0, 1));
    }
}
