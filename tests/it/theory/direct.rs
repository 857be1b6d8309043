//! Cases that need no engine: distributions, keys, splits, rings and arrival processes by themselves.

use super::cases::{Case, numbers};
use super::cell::seed_of;
use super::estimate::{KNOWN, LIMIT, Outcome, Sums, deviate, jackknife, mean, ratio};
use super::mapping::{modulated, service};
use crate::world::{Extend, UNIT, balancer, exponential, group, per_unit, scenario};
use evenkeel::balance::ring_hash::Ring;
use evenkeel::balance::{self, BackendId, Balancer, Ctx, Member, Pick, Pool, Request};
use evenkeel::catalogue::Value;
use evenkeel::dist::{Dist, Sampler};
use evenkeel::measure::fairness;
use evenkeel::plan::Plan;
use evenkeel::random::{Numbered, Purpose, Stream, derive};
use evenkeel::scenario::{Keys, Process, Shape};
use evenkeel::time::{SimTime, Span};
use evenkeel::traffic::{Source, Traffic};

type Direct = fn(&Case) -> Outcome;

/// Independent parts of every sample, for the standard error.
const PARTS: u64 = 40;

// -- distributions

/// Draws from the sampler itself.
pub(crate) fn sampled(case: &Case) -> Result<Direct, &'static str> {
    match case.metric.as_str() {
        "scv_service" => Err("the variance of a sample of Pareto with alpha of 3 or less has no standard error"),
        "share_of_work_in_largest_1pct_jobs" if case.need("alpha") < 3.0 => {
            Err("work without a variance: a sample's share of it does not settle")
        }
        _ => Ok(draw),
    }
}

fn work(case: &Case) -> Dist {
    match (case.number("alpha"), case.number("sigma")) {
        (Some(alpha), _) => Dist::Pareto { alpha, min: case.number("xm").unwrap_or((alpha - 1.0) / alpha) * UNIT, max: None },
        (_, Some(sigma)) => Dist::Lognormal { mu: case.need("mu") + libm::log(UNIT), sigma },
        _ => service(&case.params["service"]),
    }
}

fn draw(case: &Case) -> Outcome {
    let sampler = Sampler::new(&work(case));
    let part = |number: u64| -> Vec<f64> {
        let stream = Numbered::new(derive(seed_of(&case.id), number, Purpose::Work, 0));
        (0..50_000).map(|k| sampler.sample(&stream, k) / UNIT).collect()
    };
    let sums: Vec<Sums> = (0..PARTS).map(|number| statistic_of_draws(case, part(number))).collect();
    let (value, error) = jackknife(&sums, ratio);
    match case.metric.strip_prefix('p').and_then(|rest| rest.strip_suffix("_service")?.parse::<f64>().ok()) {
        None => Outcome::new(case, value, error, sums.len()),
        // A percentile: the share at or below it.
        Some(percent) => {
            let z = deviate(percent / 100.0 - value, error, sums.len());
            Outcome { id: case.id.clone(), measured: value, expected: percent / 100.0, error, z, held: z.abs() <= LIMIT }
        }
    }
}

fn statistic_of_draws(case: &Case, mut values: Vec<f64>) -> Sums {
    let count = values.len() as f64;
    match case.metric.as_str() {
        "mean_service" => [values.iter().sum(), count, 0.0],
        "second_moment_service" => [values.iter().map(|value| value * value).sum(), count, 0.0],
        "share_of_work_in_largest_1pct_jobs" => {
            values.sort_by(f64::total_cmp);
            let largest = values[values.len() - values.len() / 100..].iter().sum();
            [largest, values.iter().sum(), 0.0]
        }
        _ => [values.iter().filter(|value| **value <= case.expected).count() as f64, count, 0.0],
    }
}

// -- keys

/// Draws keys through a source of traffic.
pub(crate) fn zipf(case: &Case) -> Result<Direct, &'static str> {
    Ok(if case.metric.starts_with("rms CoV") { super::hashes::direct(case) } else { keys })
}

fn keys(case: &Case) -> Outcome {
    let count = case.need("keys") as u64;
    let mut plan = source_plan(Process::Poisson, 1.0);
    plan.keys = Some(Keys { count, exponent: case.need("s") });
    let parts: Vec<Vec<u64>> = (0..PARTS).map(|part| histogram_of_keys(&Source::new(&plan, seed_of(&case.id), part, 0), count)).collect();
    let shares = |keys: u64| -> (f64, f64) {
        let sums: Vec<Sums> = parts.iter().map(|part| [part.iter().take(keys as usize).sum::<u64>() as f64, DRAWS as f64, 0.0]).collect();
        jackknife(&sums, ratio)
    };
    match case.metric.as_str() {
        "probability_rank_1" => {
            let (value, error) = shares(1);
            Outcome::new(case, value, error, parts.len())
        }
        "traffic_share_of_top_1pct_keys" => {
            let (value, error) = shares(count / 100);
            Outcome::new(case, value, error, parts.len())
        }
        "collision_probability_sum_p2" => {
            let pairs = |part: &Vec<u64>| part.iter().map(|&n| (n * n.saturating_sub(1)) as f64).sum::<f64>();
            let (value, error) = mean(&parts.iter().map(|part| pairs(part) / (DRAWS * (DRAWS - 1)) as f64).collect::<Vec<_>>());
            Outcome::new(case, value, error, parts.len())
        }
        _ => {
            // The least number of keys with half of the traffic: it has half, one less has not.
            let (enough, error) = shares(case.expected as u64);
            let (short, error_short) = shares(case.expected as u64 - 1);
            let z = ((0.5 - enough) / error).max((short - 0.5) / error_short).max(0.0);
            Outcome { id: case.id.clone(), measured: case.expected, expected: case.expected, error: 0.0, z, held: z <= LIMIT }
        }
    }
}

const DRAWS: u64 = 50_000;

fn histogram_of_keys(source: &Source, count: u64) -> Vec<u64> {
    let mut histogram = vec![0; count as usize];
    for index in 0..DRAWS {
        histogram[source.key(index).expect("keys are drawn") as usize] += 1;
    }
    histogram
}

fn source_plan(process: Process, rate: f64) -> evenkeel::traffic::SourcePlan {
    let open = !matches!(process, Process::Mmpp { .. });
    let whole = scenario(process, open.then(|| per_unit(rate)), exponential(1.0)).on(vec![group(1)]).with(balancer("random", &[]));
    Plan::new(&whole, None).expect("a source is a source").sources.remove(0)
}

// -- fairness

/// The indices, from loads; and the split of `random`.
pub(crate) fn fairness(case: &Case) -> Outcome {
    if let Some(backends) = case.number("backends") {
        return random_split(case, backends as usize, case.need("requests") as u64);
    }
    let (loads, weights) = (case.list("loads"), case.list("weights"));
    let loads: Vec<f64> = loads.iter().zip(weights.iter().chain(std::iter::repeat(&1.0))).map(|(load, weight)| load / weight).collect();
    let value = match case.metric.as_str() {
        "gini" => fairness::gini(&loads),
        "max_over_mean" => fairness::peak_to_mean(&loads),
        "cov_population" => fairness::cov(&loads),
        _ => fairness::jain(&loads),
    };
    Outcome::exact(case, value.expect("there are loads"))
}

fn random_split(case: &Case, backends: usize, requests: u64) -> Outcome {
    let squares: Vec<f64> = (0..400_u64)
        .map(|seed| {
            loads(&mut Thrower::new("random", &[], backends, seed_of(&case.id) ^ seed), requests)
                .iter()
                .map(|&load| f64::from(load) * f64::from(load))
                .sum()
        })
        .collect();
    let parts: Vec<Sums> = squares.iter().map(|&square| [(requests * requests) as f64 / backends as f64, square, 0.0]).collect();
    let (value, error) = jackknife(&parts, ratio);
    Outcome::new(case, value, error, parts.len())
}

// -- balls into bins

/// Picks without ends.
pub(crate) fn bins(_: &Case) -> Result<Direct, &'static str> {
    Ok(throw)
}

/// A balancer and its pool, driven directly.
pub(crate) struct Thrower {
    balancer: Box<dyn Balancer>,
    pub(crate) pool: Pool,
    chance: Stream,
}

impl Thrower {
    fn new(kind: &'static str, values: &[(&'static str, Value)], n: usize, seed: u64) -> Self {
        let members = (0..n).map(|number| Member::new(format!("b{number}")));
        Self::over(kind, values, members.collect(), seed)
    }

    pub(crate) fn over(kind: &'static str, values: &[(&'static str, Value)], members: Vec<Member>, seed: u64) -> Self {
        let mut balancer = balance::build(kind, &balancer(kind, values).values).expect("the kind is in the catalogue");
        let (pool, mut chance) = (Pool::new(members.into()), Stream::new(derive(5, seed, Purpose::Balancer, 0)));
        balancer.members(&pool, &mut Ctx { now: SimTime::ZERO, chance: &mut chance });
        Self { balancer, pool, chance }
    }

    /// What was picked is in flight from now on, and the balancer knows.
    pub(crate) fn send(&mut self, backend: BackendId) {
        self.pool.sent(backend);
        self.balancer.counted(backend, &self.pool, &mut Ctx { now: SimTime::ZERO, chance: &mut self.chance });
    }

    pub(crate) fn pick(&mut self, key: u64) -> BackendId {
        let request = Request { id: key, key, ..Request::default() };
        match self.balancer.pick(&request, &self.pool, &mut Ctx { now: SimTime::ZERO, chance: &mut self.chance }) {
            Pick::Backend(backend) => backend,
            other => panic!("{other:?} where all are eligible"),
        }
    }
}

fn loads(thrower: &mut Thrower, balls: u64) -> Vec<u32> {
    for ball in 0..balls {
        let backend = thrower.pick(ball);
        thrower.pool.sent(backend);
    }
    (0..thrower.pool.len() as u32).map(|backend| thrower.pool.in_flight(BackendId(backend))).collect()
}

fn throw(case: &Case) -> Outcome {
    let fluid = case.id.starts_with("bb2-fluid");
    // At 100,000 bins the fluid limit is 1e-4 away, a tenth of a percent of what is allowed.
    let (balls, bins) = if fluid { (100_000, 100_000) } else { (case.need("balls") as u64, case.need("bins") as usize) };
    let d = case.number("d").unwrap_or(1.0) as u64;
    let distinct = case.params["choices_distinct"].as_bool().unwrap_or(false);
    let kind = if d == 1 { "random" } else { "power-of-d" };
    let set = [("choices", Value::Whole(d)), ("distinct", Value::Bool(distinct))];
    let throws = (4_000_000 / balls).clamp(40, 20_000);
    let all =
        (0..throws).map(|seed| loads(&mut Thrower::new(kind, if d == 1 { &[] } else { &set }, bins, seed_of(&case.id) ^ seed), balls));
    if fluid {
        let level = if case.id.ends_with("s1") { 1 } else { 2 };
        let shares: Vec<f64> = all.map(|loads| loads.iter().filter(|&&load| load >= level).count() as f64 / bins as f64).collect();
        let (value, error) = mean(&shares);
        return Outcome::new(case, value, error, shares.len());
    }
    let most: Vec<f64> = all.map(|loads| f64::from(loads.into_iter().max().unwrap_or(0))).collect();
    if case.metric == "median_max_load" {
        return median(case, &most);
    }
    let (value, error) = mean(&most);
    Outcome::new(case, value, error, most.len())
}

/// The median of whole numbers: at least half are at or below it, and at most half below. Each share is binomial.
fn median(case: &Case, values: &[f64]) -> Outcome {
    let n = values.len() as f64;
    let share = |most: f64| values.iter().filter(|&&value| value <= most).count() as f64 / n;
    let z = (0.5 - share(case.expected)).max(share(case.expected - 1.0) - 0.5).max(0.0) * 2.0 * n.sqrt();
    Outcome { id: case.id.clone(), measured: case.expected, expected: case.expected, error: 0.0, z, held: z <= LIMIT }
}

// -- the ring

/// A ring of backends whose addresses belong to a set of their own.
pub(crate) fn ring_of(weights: &[f64], points: u64, set: u64) -> Ring {
    let address = |number: usize| format!("10.{}.{}.{}:{}", number >> 16, number >> 8 & 255, number & 255, set + 1);
    let members: Vec<Member> = weights.iter().enumerate().map(|(number, &weight)| Member::new(address(number)).weight(weight)).collect();
    Ring::of(&Pool::new(members.into()), points as f64)
}

/// Each backend's share of the circle, on a grid of twenty times as many places as there are points: an arc's end is known to a twentieth of
/// the mean arc, which adds 0.04% to the variance of shares.
fn shares(ring: &Ring, backends: usize, points: usize) -> Vec<f64> {
    let grid = (20 * points as u64).max(20_000);
    let mut counts = vec![0_u64; backends];
    for place in 0..grid {
        let backend = ring.find(u64::MAX / grid * place + u64::MAX / grid / 2).expect("the ring has points");
        counts[backend.index()] += 1;
    }
    counts.into_iter().map(|count| count as f64 / grid as f64).collect()
}

/// Shares of the circle over at least 200 sets of addresses (the rings with a thousand backends hold enough shares each: 20).
pub(crate) fn ring(case: &Case) -> Outcome {
    let points = case.number("vnodes").or(case.number("vnodes_per_weight")).expect("a ring has points") as u64;
    let weights = match case.number("backends") {
        Some(backends) => vec![1.0; backends as usize],
        None => case.list("weights"),
    };
    let (n, total) = (weights.len(), weights.iter().sum::<f64>());
    let placed = (total * points as f64) as usize;
    let rings = if n == 1000 { if points == 100 { 40 } else { 10 } } else { 200.max(2_000_000 / placed.max(1000)) as u64 };
    let all: Vec<Vec<f64>> = (0..rings).map(|set| shares(&ring_of(&weights, points, set), weights.len(), placed)).collect();
    let over_mean = |share: f64| share * n as f64;
    let (value, error) = match case.metric.as_str() {
        "rms_cov_of_share" => root(
            &all.iter()
                .map(|shares| shares.iter().map(|&share| (over_mean(share) - 1.0).powi(2)).sum::<f64>() / n as f64)
                .collect::<Vec<_>>(),
        ),
        "expected_max_over_mean_share" => {
            mean(&all.iter().map(|shares| over_mean(shares.iter().copied().fold(0.0, f64::max))).collect::<Vec<_>>())
        }
        "expected_min_over_mean_share" => {
            mean(&all.iter().map(|shares| over_mean(shares.iter().copied().fold(1.0, f64::min))).collect::<Vec<_>>())
        }
        "std_of_share" => {
            let (backend, middle) = (case.need("backend") as usize, case.need("mean_share"));
            root(&all.iter().map(|shares| (shares[backend] - middle).powi(2)).collect::<Vec<_>>())
        }
        _ => {
            let percent: f64 =
                case.metric.trim_start_matches('p').split('_').next().and_then(|text| text.parse().ok()).expect("a percentile");
            let below: Vec<f64> = all
                .iter()
                .map(|shares| shares.iter().filter(|&&share| over_mean(share) <= case.expected).count() as f64 / n as f64)
                .collect();
            let (value, error) = mean(&below);
            let z = deviate(percent / 100.0 - value, error, below.len());
            return Outcome { id: case.id.clone(), measured: value, expected: percent / 100.0, error, z, held: z.abs() <= LIMIT };
        }
    };
    Outcome::new(case, value, error, all.len())
}

/// The root of a mean.
fn root(squares: &[f64]) -> (f64, f64) {
    jackknife(&squares.iter().map(|&square| [square, 1.0, 0.0]).collect::<Vec<_>>(), |sums| ratio(sums).sqrt())
}

/// Keys that move when a backend comes or goes, over 200 sets of addresses.
pub(crate) fn remapping(case: &Case) -> Result<Direct, &'static str> {
    Ok(if case.policy == "modulo" { super::hashes::direct(case) } else { moved })
}

fn moved(case: &Case) -> Outcome {
    let n = case.need("n") as usize;
    let then = if case.id.starts_with("remap-add") { n + 1 } else { n - 1 };
    let shares = (0..200).map(|set| {
        let (before, after) = (ring_of(&vec![1.0; n], 160, set), ring_of(&vec![1.0; then], 160, set));
        let grid = 50_000;
        let moved = (0..grid).filter(|place| {
            let hash = u64::MAX / grid * place;
            before.find(hash) != after.find(hash)
        });
        moved.count() as f64 / grid as f64
    });
    let (value, error) = mean(&shares.collect::<Vec<_>>());
    Outcome::new(case, value, error, 200)
}

// -- arrival processes

/// A sinusoidal rate: counts in windows, the rate at its peak, and how many are served at once where nobody waits.
pub(crate) fn wave(case: &Case) -> Outcome {
    let (rate, amplitude, period) = (case.need("l0"), case.need("a"), case.need("period"));
    // Here a unit of time is a millisecond, so that an hour of a thousand a unit fits.
    let unit = 1e6;
    let mut plan = source_plan(Process::Poisson, 1.0);
    plan.timing = evenkeel::traffic::Timing::Renewal { gap: Dist::Exponential { mean: unit / rate }, scale: 1.0 };
    plan.shape = Shape::Wave { amplitude, period: Span((period * unit) as u64) };
    let mu = case.number("mu");
    plan.work = Dist::Exponential { mean: unit / mu.unwrap_or(1.0) };
    let replications = (15_000_000.0 / (rate * period)).clamp(4.0, 400.0) as u64;
    let window = numbers(&case.params["window"]);
    let until = |replication: u64, end: f64, see: &mut dyn FnMut(f64, f64)| {
        let mut traffic = Traffic::new(std::slice::from_ref(&plan), seed_of(&case.id), replication);
        while traffic.peek().at as f64 <= end * unit {
            let arrival = traffic.pull();
            see(arrival.at as f64 / unit, arrival.work as f64 / unit);
        }
    };
    let values: Vec<f64> = match case.metric.as_str() {
        "mean_busy_servers_at_t" => {
            // Nobody waits, so who is in the system is who came and whose work is not over. By then what was there at the start is e^-7 of itself.
            let t = case.need("t");
            let t = if t * mu.unwrap_or(1.0) < 9.0 { t + period } else { t };
            (0..replications)
                .map(|replication| {
                    let mut busy = 0.0;
                    until(replication, t, &mut |at, work| busy += f64::from(u8::from(at + work > t)));
                    busy
                })
                .collect()
        }
        "peak_to_mean_rate" => {
            // A window of 2% of the period about the peak: the mean of the wave there is 0.07% below its top.
            let (from, to) = (0.24 * period, 0.26 * period);
            (0..replications)
                .map(|replication| {
                    let mut count = 0.0;
                    until(replication, to, &mut |at, _| count += f64::from(u8::from(at > from)));
                    count / (rate * (to - from))
                })
                .collect()
        }
        _ => (0..replications)
            .map(|replication| {
                let mut count = 0.0;
                until(replication, window[1], &mut |at, _| count += f64::from(u8::from(at > window[0])));
                count
            })
            .collect(),
    };
    let (value, _) = mean(&values);
    // Poisson: the variance is known, and need not be estimated from few replications.
    let scale = if case.metric == "peak_to_mean_rate" { rate * 0.02 * period } else { 1.0 };
    Outcome::new(case, value, (case.expected / scale / values.len() as f64).sqrt(), KNOWN)
}

/// The variance of counts ÷ their mean, in windows of t; its limit follows from I(t) − 1 = (I − 1)(1 − (1 − e^−rt) ÷ rt), r the sum of the switch
/// rates.
pub(crate) fn dispersion(case: &Case) -> Outcome {
    let arrival = &case.params["arrival"];
    let r: f64 = numbers(&arrival["switch_rates"]).iter().sum();
    let t = 30.0 / r;
    let plan = source_plan(modulated(arrival), 1.0);
    let windows = 400;
    let sums: Vec<Sums> = (0..PARTS)
        .map(|part| {
            let mut traffic = Traffic::new(std::slice::from_ref(&plan), seed_of(&case.id), part);
            let (mut sum, mut squares) = (0.0, 0.0);
            for window in 1..=windows {
                let mut count = 0.0;
                while traffic.peek().at as f64 <= f64::from(window) * t * UNIT {
                    traffic.pull();
                    count += 1.0;
                }
                sum += count;
                squares += count * count;
            }
            [sum, f64::from(windows), squares]
        })
        .collect();
    let shrink = 1.0 - (1.0 - libm::exp(-r * t)) / (r * t);
    let (value, error) = jackknife(&sums, |[sum, n, squares]| {
        let mean = sum / n;
        1.0 + ((squares / n - mean * mean) / mean - 1.0) / shrink
    });
    Outcome::new(case, value, error, sums.len())
}
