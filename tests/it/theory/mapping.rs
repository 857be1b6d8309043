//! From a case to what is to be run for it: a simulation and a statistic, a direct computation, or the reason why not.

use super::cases::{Case, numbers};
use super::cell::{Setup, Statistic};
use super::direct;
use super::estimate::Outcome;
use super::failures;
use crate::world::{Extend, UNIT, balancer, exponential, group, per_unit, scenario, text, units};
use evenkeel::balance::Member;
use evenkeel::catalogue::Value;
use evenkeel::dist::Dist;
use evenkeel::scenario::{Balancer, BatchSize, Discipline, Group, MmppState, Process, Scenario, View};

/// What is to be done for a case.
pub(crate) enum Task {
    /// Simulate and read a statistic; a second way to model the same thing may be given too.
    Simulate(Vec<Setup>, Statistic),
    /// Computed without the engine.
    Direct(fn(&Case) -> Outcome),
}

/// How many replications: t then has 39 degrees of freedom.
const REPLICATIONS: u32 = 40;

/// What to do for a case.
///
/// # Errors
/// Why it cannot be expressed, or is not run.
pub(crate) fn task(case: &Case, long: bool) -> Result<Task, &'static str> {
    let most = if long { 0.95 } else { 0.9 };
    match case.load() {
        Some(load) if load > 0.951 => return Err("load above 0.95: the run would have to be a billion requests long"),
        Some(load) if load > most + 0.001 && case.family != "M/M/c/K" => return Err("load above 0.9: only with EVENKEEL_LONG=1"),
        _ => {}
    }
    if case.family == "M/M/c" && case.metric != "p50_wait" && case.expected > 0.0 && case.expected < 1e-7 {
        return Err("an event rarer than once in ten million requests");
    }
    // One request in a hundred has a work of 50, so no 99th percentile of sojourns can be below it: the reference's sample had fewer of them.
    if case.params["service"]["type"] == "bimodal"
        && case.metric == "p99_sojourn"
        && case.expected < case.params["service"]["large"].as_f64().unwrap_or(0.0)
    {
        return Err("a simulated reference that cannot be right: a percentile below what that share of requests must take");
    }
    match case.family.as_str() {
        "service moments" | "heavy tail" => direct::sampled(case).map(Task::Direct),
        "Zipf" => direct::zipf(case).map(Task::Direct),
        "fairness" => Ok(Task::Direct(direct::fairness)),
        "balls into bins" => direct::bins(case).map(Task::Direct),
        "consistent hashing ring" => Ok(Task::Direct(direct::ring)),
        "remapping" => direct::remapping(case).map(Task::Direct),
        "maglev" | "hash imbalance" | "bounded loads" => Ok(Task::Direct(super::hashes::direct(case))),
        "NHPP" => Ok(Task::Direct(direct::wave)),
        _ if case.metric == "limiting_index_of_dispersion_for_counts" => Ok(Task::Direct(direct::dispersion)),
        _ => simulation(case),
    }
}

fn simulation(case: &Case) -> Result<Task, &'static str> {
    let scenarios = scenarios(case)?;
    let statistic = statistic(case).ok_or("a metric that is not measured")?;
    Ok(Task::Simulate(scenarios.into_iter().map(|scenario| setup(case, scenario, statistic)).collect(), statistic))
}

// -- how much

/// Run lengths for a standard error of half a percent, as the source says or by its formula for M/M/1; at least 400,000 requests, at most four
/// million (eight where work is heavy-tailed), and the warm-up it asks for.
fn setup(case: &Case, scenario: Scenario, statistic: Statistic) -> Setup {
    let load = case.load().unwrap_or(0.7);
    let backends: u32 = scenario.backends.iter().map(|group| group.count * group.workers.unwrap_or(1).min(8)).sum();
    if case.family == "power of d (mean field)" {
        // Its relaxation time is dT/dρ, at most 12 units at a load of 0.9; 120 units leave 5e-5 of the empty start.
        let rate = load * f64::from(backends);
        return Setup { scenario, warmup: (120.0 * rate) as u64, measured: 150_000, replications: 30 };
    }
    if let Statistic::AsymptoticVariance(_) = statistic {
        // Long against the relaxation time of 1 ÷ (1−√ρ)², so that n · Var is within a few percent of its limit.
        let relaxation = 1.0 / (1.0 - load.sqrt()).powi(2) * f64::from(backends);
        return Setup {
            scenario,
            warmup: (10.0 * relaxation) as u64,
            measured: (100.0 * relaxation).max(10_000.0) as u64,
            replications: 400,
        };
    }
    if matches!(case.family.as_str(), "retrials" | "timeouts" | "Erlang A") {
        // Requests that leave do not add to anybody's wait: it is enough to be long against the time that the queue takes to forget.
        return Setup { scenario, warmup: 4_000, measured: 16_000, replications: REPLICATIONS };
    }
    if case.number("layers").is_some() {
        // Every attempt fails: nothing is left to chance.
        return Setup { scenario, warmup: 0, measured: 100, replications: 2 };
    }
    if case.family == "fan-out" {
        let measured = (2e4 / case.need("fanout")).max(100.0) as u64;
        return Setup { scenario, warmup: 10, measured, replications: REPLICATIONS };
    }
    if case.policy.starts_with("least-loaded on the board") {
        return herd(scenario, load * f64::from(backends), case.need("board_update_period"));
    }
    let variation = 1.0_f64.max((1.0 + variation(&case.params["service"])) / 2.0);
    let formula = 38_415.0 * ((1.0 + load) / (1.0 - load)).powi(2) * variation;
    let most = if variation > 1.0 { 8e6 } else { 4e6 };
    let total = case.requests.unwrap_or(formula).clamp(4e5, if load > 0.9 { 4e7 } else { most });
    let measured = total / f64::from(REPLICATIONS);
    let warmup = (10.0 / (1.0 - load).powi(2) * f64::from(backends) * variation.min(3.0)).max(0.1 * measured);
    Setup { scenario, warmup: warmup as u64, measured: measured as u64, replications: REPLICATIONS }
}

/// Everybody goes to the least backend of the board until the next board, so a queue grows as long as the arrivals of a period, and the
/// transient lasts as many units as that. Eight of those are left out; the longer they are, the fewer replications.
fn herd(scenario: Scenario, rate: f64, period: f64) -> Setup {
    let warmup = (8.0 * period * rate * rate).max(1000.0 * rate);
    let replications = (20e6 / warmup).clamp(12.0, f64::from(REPLICATIONS)) as u32;
    Setup { scenario, warmup: warmup as u64, measured: (warmup / 2.0).max(100_000.0) as u64, replications }
}

/// The squared coefficient of variation of the work, as far as it matters here.
fn variation(service: &serde_json::Value) -> f64 {
    match service["type"].as_str().unwrap_or_default() {
        "hyperexponential" => {
            let (p, means) = (numbers(&service["p"]), numbers(&service["means"]));
            2.0 * p.iter().zip(&means).map(|(p, mean)| p * mean * mean).sum::<f64>() - 1.0
        }
        "lognormal" => service["sigma"].as_f64().map_or(1.0, |sigma| libm::exp(sigma * sigma) - 1.0),
        "bimodal" => 24.0,
        "bounded_pareto" => 8.0,
        _ => 1.0,
    }
}

// -- what is read

fn statistic(case: &Case) -> Option<Statistic> {
    Some(match case.metric.as_str() {
        "mean_sojourn" | "mean_sojourn_accepted" => Statistic::MeanSojourn,
        "mean_wait" => Statistic::MeanWait,
        "std_sojourn" => Statistic::StdSojourn,
        "p50_sojourn" => Statistic::Sojourn(0.5),
        "p90_sojourn" => Statistic::Sojourn(0.9),
        "p99_sojourn" => Statistic::Sojourn(0.99),
        "p99.9_sojourn" => Statistic::Sojourn(0.999),
        "p50_wait" => Statistic::Wait(0.5),
        "p90_wait" => Statistic::Wait(0.9),
        "p99_wait" => Statistic::Wait(0.99),
        "p99.9_wait" => Statistic::Wait(0.999),
        "p_wait" if case.family == "Erlang A" => Statistic::WaitedOrLeft,
        "p_wait" | "p_wait_arrivals" => Statistic::Waited,
        "p_block" => Statistic::Refused,
        "throughput" => Statistic::Throughput,
        "mean_busy_servers" => Statistic::Busy,
        "mean_number_in_system" => Statistic::InSystem,
        "p99_time_weighted_number_in_system" => Statistic::InSystemQuantile(0.99),
        "p_empty_time_average" => Statistic::Empty,
        "mean_slowdown" => Statistic::Slowdown,
        "fraction_sent_to_server_1" => Statistic::ShareOf(0),
        "mean_sojourn_backend_a" => Statistic::MeanAt(0),
        "n_unstable_backends" => Statistic::Saturated,
        "asymptotic_variance_of_mean_sojourn (n*Var)" => Statistic::AsymptoticVariance(1.0),
        // (1.96 ÷ (1% of the mean))² of it, with the exact mean of M/M/1.
        "p_timeout" | "p_abandon" => Statistic::Refused,
        "mean_wait_of_served" => Statistic::MeanWait,
        "mean_queue_time_all" => Statistic::QueueTimeOfAll,
        "mean_orbit_size" => Statistic::Orbit,
        "mean_retries_per_job" => Statistic::Retries,
        "mean_attempts_per_request" => Statistic::Attempts,
        "success_rate" => Statistic::Succeeded,
        "mean_latency" | "mean_max" => Statistic::MeanSojourn,
        "p99_latency" | "p99_max" => Statistic::Sojourn(0.99),
        "p50_max" => Statistic::Sojourn(0.5),
        "extra_request_fraction" => Statistic::Hedges,
        "p_request_slow" => Statistic::Slower(5.0),
        "attempts_at_bottom_per_request" => Statistic::AtBottom,
        "requests_needed" => Statistic::AsymptoticVariance((1.959_963_984_540_054 / 0.01 * (1.0 - case.load()?)).powi(2)),
        _ => return None,
    })
}

// -- what is simulated

fn scenarios(case: &Case) -> Result<Vec<Scenario>, &'static str> {
    let one = |scenario: Scenario| Ok(vec![scenario]);
    let servers = case.number("servers").unwrap_or(1.0) as u32;
    match case.family.as_str() {
        "M/M/1" | "M/G/1" | "M^X/M/1" | "MMPP/M/1" | "GI/M/1" => one(open(case).on(vec![group(1)]).with(balancer("random", &[]))),
        "M/G/1-PS" => {
            one(open(case).on(vec![Group { discipline: Discipline::ProcessorSharing, ..group(1) }]).with(balancer("round-robin", &[])))
        }
        "M/M/c" => Ok(shared_queue(case, servers)),
        "run length" => one(open(case).on(vec![group(servers)]).with(balancer("central-queue", &[]))),
        "M/M/c/K" => {
            let queue = Some(case.need("queue_capacity") as u64);
            one(open(case).on(vec![Group { workers: Some(servers), queue, ..group(1) }]).with(balancer("round-robin", &[])))
        }
        "M/M/inf" => one(open(case).on(vec![Group { workers: None, ..group(1) }]).with(balancer("round-robin", &[]))),
        "round robin E_N/M/1" => one(open(case).on(vec![group(servers)]).with(balancer("round-robin", &[]))),
        "random split" => one(open(case).on(vec![group(servers)]).with(balancer("random", &[]))),
        "weighted random heterogeneous" => {
            let kind = if case.policy == "random" { "random" } else { "weighted-random" };
            one(open(case).on(machines(&case.list("speeds"), &case.list("weights"))).with(balancer(kind, &[])))
        }
        "weighted round robin pattern" => {
            let speeds = numbers(&case.params["speeds"]);
            let cycle = case.params["cycle"].as_str().unwrap_or_default();
            let style = if is_smooth(cycle, &speeds) { "smooth" } else { "block" };
            one(open(case).on(machines(&speeds, &speeds)).with(balancer("weighted-round-robin", &[("style", text(style))])))
        }
        "JSQ" => one(open(case).on(vec![group(servers)]).with(balancer("join-shortest-queue", &[]))),
        "JSQ (finite n sim)" => one(open(case).on(vec![group(servers)]).with(balancer("least-connections", &[]))),
        "SED/WLC heterogeneous" => {
            let speeds = case.list("speeds");
            one(open(case).on(machines(&speeds, &speeds)).with(unequal(&case.policy)?))
        }
        "closed loop" => one(closed(case, servers)),
        "power of d (finite n)" | "two-server CTMC (JIQ, JSQ(2), threshold)" | "three-server CTMC (JIQ, JSQ(2))" => {
            one(open(case).on(vec![group(servers)]).with(by_words(&case.policy)?))
        }
        // Finite n lies above the limit by a share of about 1/n: 0.05% at 2,000, a quarter of the floor.
        "power of d (mean field)" => one(supermarket(case, 2000)),
        "stale information" => {
            let mut scenario = open(case).on(vec![group(servers)]).with(by_words(&case.policy)?);
            (scenario.tier.view, scenario.tier.refresh) = (View::Shared, units(case.need("board_update_period")));
            one(scenario)
        }
        "general service sim (ps)" => {
            one(open(case).on(vec![Group { discipline: Discipline::ProcessorSharing, ..group(servers) }]).with(by_words(&case.policy)?))
        }
        "general service sim (fcfs)" => one(open(case).on(vec![group(servers)]).with(by_words(&case.policy)?)),
        "timeouts" | "Erlang A" | "retries" | "retrials" | "hedged requests" | "redundancy-d" | "fan-out" | "fork-join" | "breakdowns" => {
            failures::scenarios(case)
        }
        "JIQ" if case.number("servers").is_none() => Err("infinitely many backends"),
        "JIQ" => one(open(case).on(vec![group(servers)]).with(balancer("join-idle-queue", &[]))),
        _ => Err("an unknown family"),
    }
}

/// Poisson arrivals (or what the case says) with its work.
pub(crate) fn open(case: &Case) -> Scenario {
    let arrival = &case.params["arrival"];
    let number = |name: &str| arrival[name].as_f64().unwrap_or(0.0);
    let work = service(&case.params["service"]);
    match arrival["type"].as_str().unwrap_or_default() {
        "poisson" => scenario(Process::Poisson, Some(per_unit(number("rate"))), work),
        "deterministic" => scenario(Process::Constant, Some(per_unit(1.0 / number("interval"))), work),
        "renewal hyperexponential" => {
            let means = numbers(&arrival["rates"]).into_iter().map(|rate| UNIT / rate);
            let gap = Dist::Hyperexponential { parts: numbers(&arrival["p"]).into_iter().zip(means).collect() };
            scenario(Process::Renewal { gap }, None, work)
        }
        "batch poisson" => {
            let size = &arrival["batch_size"];
            let size = match size["type"].as_str() {
                Some("fixed") => BatchSize::Fixed(size["size"].as_u64().expect("a fixed size is given")),
                _ => BatchSize::Geometric(size["mean"].as_f64().expect("a mean size is given")),
            };
            scenario(Process::Batch { size }, Some(per_unit(number("batch_rate") * size.mean())), work)
        }
        "mmpp2" => scenario(modulated(arrival), None, work),
        other => panic!("{}: arrivals `{other}`", case.id),
    }
}

/// The two states of a case.
pub(crate) fn modulated(arrival: &serde_json::Value) -> Process {
    let (rates, leaves) = (numbers(&arrival["rates"]), numbers(&arrival["switch_rates"]));
    let states = rates.iter().zip(&leaves).map(|(rate, leave)| MmppState { rate: rate * 1e9 / UNIT, mean_stay: units(1.0 / leave) });
    Process::Mmpp { states: states.collect() }
}

/// The work of a case, in nanoseconds.
pub(crate) fn service(service: &serde_json::Value) -> Dist {
    let number = |name: &str| service[name].as_f64().unwrap_or(1.0);
    match service["type"].as_str().unwrap_or_default() {
        "deterministic" => Dist::Constant(UNIT),
        "erlang" => Dist::Erlang { k: number("k") as u32, mean: UNIT },
        "hyperexponential" => {
            let means = numbers(&service["means"]).into_iter().map(|mean| mean * UNIT);
            Dist::Hyperexponential { parts: numbers(&service["p"]).into_iter().zip(means).collect() }
        }
        "lognormal" => Dist::Lognormal { mu: number("mu") + libm::log(UNIT), sigma: number("sigma") },
        "bounded_pareto" => Dist::Pareto { alpha: number("alpha"), min: number("low") * UNIT, max: Some(number("high") * UNIT) },
        "bimodal" => {
            let share = number("p_small");
            Dist::Mixture(vec![(share, Dist::Constant(number("small") * UNIT)), (1.0 - share, Dist::Constant(number("large") * UNIT))])
        }
        // "any": the law must not matter, so not the exponential.
        "any" => Dist::Lognormal { mu: libm::log(UNIT) - 0.5, sigma: 1.0 },
        _ => exponential(1.0),
    }
}

/// One queue: over single workers, and as one backend with all of them.
fn shared_queue(case: &Case, servers: u32) -> Vec<Scenario> {
    let central = open(case).on(vec![group(servers)]).with(balancer("central-queue", &[]));
    let one = open(case).on(vec![Group { workers: Some(servers), ..group(1) }]).with(balancer("least-connections", &[]));
    vec![central, one]
}

/// A group for each speed. A weight that is not given is 1.
fn machines(speeds: &[f64], weights: &[f64]) -> Vec<Group> {
    let weights = weights.iter().copied().chain(std::iter::repeat(1.0));
    speeds
        .iter()
        .zip(weights)
        .zip(b'a'..)
        .map(|((&speed, weight), name)| Group { name: char::from(name).into(), speed, told: Member::default().weight(weight), ..group(1) })
        .collect()
}

/// Whether the cycle is, up to where it begins, the one of smooth weighted round robin.
fn is_smooth(cycle: &str, weights: &[f64]) -> bool {
    let total: f64 = weights.iter().sum();
    let mut current = vec![0.0; weights.len()];
    let mut smooth = String::new();
    for _ in 0..cycle.len() {
        current.iter_mut().zip(weights).for_each(|(current, weight)| *current += weight);
        let best = (0..current.len()).fold(0, |best, at| if current[at] > current[best] { at } else { best });
        current[best] -= total;
        smooth.push(char::from(b'a' + best as u8));
    }
    smooth.repeat(2).contains(cycle)
}

fn unequal(policy: &str) -> Result<Balancer, &'static str> {
    match policy {
        "JSQ on heterogeneous servers, ties random" => Ok(balancer("join-shortest-queue", &[])),
        // The fast one is listed first.
        "JSQ on heterogeneous, ties to fast server" => Ok(balancer("least-connections", &[("ties", text("first"))])),
        wlc if wlc.starts_with("weighted least connections") => Ok(balancer("least-connections", &[("weighted", Value::Bool(true))])),
        // The fast one is listed first.
        sed if sed.starts_with("SED") => {
            let ties = if sed.ends_with("ties random") { "random" } else { "first" };
            Ok(balancer("shortest-expected-delay", &[("ties", text(ties))]))
        }
        other => panic!("policy `{other}`"),
    }
}

/// The balancer that a policy's words mean.
fn by_words(policy: &str) -> Result<Balancer, &'static str> {
    let choices = |d: u64, distinct: bool| balancer("power-of-d", &[("choices", Value::Whole(d)), ("distinct", Value::Bool(distinct))]);
    let first = |words: &str| words.split(' ').find_map(|word| word.parse().ok());
    Ok(match policy {
        "round_robin" => balancer("round-robin", &[]),
        words if words.starts_with("least") => balancer("least-connections", &[]),
        words if words.starts_with("power of") => choices(first(words).expect("a number of choices"), words.contains("distinct")),
        words if words.contains("random distinct servers") => choices(first(words).expect("a number of choices"), true),
        words if words.starts_with("jiq") => balancer("join-idle-queue", &[]),
        words if words.starts_with("join server 1 unless") => return Err("a threshold policy"),
        other => panic!("policy `{other}`"),
    })
}

fn supermarket(case: &Case, n: u32) -> Scenario {
    let rate = case.need("rho") * f64::from(n);
    let choices = balancer("power-of-d", &[("choices", Value::Whole(case.need("d") as u64)), ("distinct", Value::Bool(true))]);
    scenario(Process::Poisson, Some(per_unit(rate)), exponential(1.0)).on(vec![group(n)]).with(choices)
}

fn closed(case: &Case, servers: u32) -> Scenario {
    let clients = case.need("clients") as u32;
    let think = exponential(case.params["think_time"]["mean"].as_f64().expect("a mean think time"));
    let start = scenario(Process::Closed { clients, think }, None, exponential(1.0));
    match case.policy.as_str() {
        "central-queue" => start.on(vec![group(servers)]).with(balancer("central-queue", &[])),
        "random" => start.on(vec![group(servers)]).with(balancer("random", &[])),
        "weighted_random" => start.on(machines(&case.list("speeds"), &case.list("weights"))).with(balancer("weighted-random", &[])),
        _ => start.on(vec![group(servers)]).with(balancer("join-shortest-queue", &[])),
    }
}
