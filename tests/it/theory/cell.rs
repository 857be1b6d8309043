//! One simulation, and the statistics that are read from it.

use super::cases::Case;
use super::estimate::{FLOOR, KNOWN, LIMIT, Outcome, Sums, deviate, jackknife, ratio};
use evenkeel::engine::{self, Edge, Observer, Request};
use evenkeel::fleet::Account;
use evenkeel::measure::histogram::Fine;
use evenkeel::measure::record::{Failure, Record};
use evenkeel::measure::recorder::Recorder;
use evenkeel::plan::Plan;
use evenkeel::scenario::{Length, Scenario, Warmup};
use evenkeel::traffic::Source;

use crate::world::UNIT;

/// A statistic of a simulation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Statistic {
    MeanSojourn,
    MeanWait,
    StdSojourn,
    Sojourn(f64),
    Wait(f64),
    /// The share that waited.
    Waited,
    InSystem,
    /// The percentile of the number in the system over time.
    InSystemQuantile(f64),
    Refused,
    /// Of all arrivals, those that waited or left before their turn.
    WaitedOrLeft,
    /// Time in the queue of all, those that left included.
    QueueTimeOfAll,
    /// The mean number of requests between two attempts.
    Orbit,
    Retries,
    Attempts,
    Succeeded,
    Hedges,
    /// The share that took longer than so many units.
    Slower(f64),
    /// Attempts at the last service for each request.
    AtBottom,
    Throughput,
    Busy,
    Empty,
    Slowdown,
    /// The share of attempts sent to a backend.
    ShareOf(usize),
    MeanAt(usize),
    Saturated,
    /// n · Var of the mean sojourn of n requests, times a factor.
    AsymptoticVariance(f64),
}

/// A simulation to be run: scenario and how much of it.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) scenario: Scenario,
    /// Requests left out at the start of each replication, and measured in it.
    pub(crate) warmup: u64,
    pub(crate) measured: u64,
    pub(crate) replications: u32,
}

impl Setup {
    /// What is simulated: cases that agree in it share one simulation. Rules of a gate are not: seeds do not hang on them.
    pub(crate) fn key(&self) -> String {
        format!("{:?} {}", self.scenario, self.replications).replace(", expects: []", "")
    }

    /// A seed of its own, so that the deviations of different simulations are independent.
    fn seed(&self) -> u64 {
        seed_of(&self.key())
    }
}

/// A seed from a name.
pub(crate) fn seed_of(name: &str) -> u64 {
    xxhash_rust::xxh64::xxh64(name.as_bytes(), 1)
}

/// What a recorder does not keep.
struct Watched {
    /// Where works come from, for slowdowns: a work is a function of the request's number.
    works: Option<Source>,
    slowdown: f64,
    /// Time spent with each number in the system, within the window.
    levels: Option<Vec<u64>>,
    in_system: usize,
    since: u64,
    open: bool,
}

impl Watched {
    fn new(works: Option<Source>, levels: bool) -> Self {
        Self { works, slowdown: 0.0, levels: levels.then(Vec::new), in_system: 0, since: 0, open: false }
    }

    fn level(&mut self, now: u64, change: isize) {
        if let (Some(levels), true) = (&mut self.levels, self.open) {
            levels.resize(levels.len().max(self.in_system + 1), 0);
            levels[self.in_system] += now - self.since;
        }
        self.since = now;
        self.in_system = self.in_system.wrapping_add_signed(change);
    }
}

impl Observer for Watched {
    fn arrived(&mut self, request: &Request) {
        self.level(request.arrival, 1);
    }
    fn succeeded(&mut self, request: &Request, _: u32, _: u64, now: u64) {
        self.level(now, -1);
        if let (true, Some(works)) = (request.measured, &self.works) {
            self.slowdown += (now - request.arrival) as f64 / works.work(request.number).max(1) as f64;
        }
    }
    fn failed(&mut self, _: &Request, _: Failure, now: u64) {
        self.level(now, -1);
    }
    fn window(&mut self, edge: Edge, now: u64, _: u128, _: &[Account]) {
        self.level(now, 0);
        self.open = edge == Edge::Opens;
    }
}

/// One replication, read.
struct Replication {
    record: Record,
    slowdown: f64,
    levels: Vec<u64>,
}

fn run(plan: &Plan, replication: u32, slowdown: bool, levels: bool) -> Replication {
    let works = slowdown.then(|| Source::new(&plan.sources[0], plan.seed, u64::from(replication), 0));
    let observers = (Recorder::new(plan), Watched::new(works, levels));
    let ((recorder, watched), ending) = engine::run(plan, 0, replication, observers, &mut |_| true).expect("nobody interrupts");
    Replication { slowdown: watched.slowdown, levels: watched.levels.unwrap_or_default(), record: recorder.finish(&ending) }
}

/// How many values of a histogram are at or below a value; within a bucket, in proportion.
fn at_or_below(histogram: &Fine, value: f64) -> f64 {
    let mut below = 0.0;
    for (least, width, count) in histogram.buckets() {
        let share = (value + 1.0 - least as f64) / width as f64;
        below += count as f64 * share.clamp(0.0, 1.0);
    }
    below
}

fn sums(statistic: Statistic, expected: f64, one: &Replication) -> Sums {
    let record = &one.record;
    let (count, window) = (record.latency.count() as f64, record.window_end.since(record.window_start).0 as f64);
    let sum = record.latency.sum() as f64;
    match statistic {
        Statistic::MeanSojourn => [sum / UNIT, count, 0.0],
        Statistic::MeanWait => [record.wait.sum() as f64 / UNIT, count, 0.0],
        Statistic::StdSojourn => {
            let mean = record.latency.mean().unwrap_or(0.0);
            let deviation = record.latency.stddev().unwrap_or(0.0);
            [sum / UNIT, count, (deviation * deviation + mean * mean) * count / UNIT / UNIT]
        }
        Statistic::Sojourn(_) => [at_or_below(&record.latency, expected * UNIT), count, 0.0],
        Statistic::Wait(_) => [at_or_below(&record.wait, expected * UNIT), count, 0.0],
        Statistic::Waited => [record.waited as f64, count, 0.0],
        Statistic::InSystem => [record.in_system_area as f64, window, 0.0],
        Statistic::InSystemQuantile(_) => {
            let below = |n: f64| one.levels.iter().take(n as usize + 1).sum::<u64>() as f64;
            [below(expected), window, below(expected - 1.0)]
        }
        Statistic::Refused => [record.failed as f64, record.offered as f64, 0.0],
        Statistic::WaitedOrLeft => [(record.waited + record.failed) as f64, record.offered as f64, 0.0],
        Statistic::QueueTimeOfAll => [(record.wait.sum() + record.failed_latency.sum()) as f64 / UNIT, record.offered as f64, 0.0],
        Statistic::Orbit => {
            let busy: f64 = record.backends.iter().map(|backend| backend.busy_area as f64).sum();
            [record.in_system_area as f64 - busy, window, 0.0]
        }
        Statistic::Retries => [record.retries as f64, record.offered as f64, 0.0],
        Statistic::Attempts => [record.attempts as f64, record.offered as f64, 0.0],
        Statistic::Succeeded => [record.succeeded as f64, record.offered as f64, 0.0],
        Statistic::Hedges => [record.hedges as f64, record.offered as f64, 0.0],
        Statistic::Slower(units) => [count - at_or_below(&record.latency, units * UNIT), count, 0.0],
        Statistic::AtBottom => {
            let attempts = record.services.last().map_or(0, |service| service.attempts);
            [attempts as f64, record.offered as f64, 0.0]
        }
        Statistic::Throughput => [record.succeeded as f64 * UNIT, window, 0.0],
        Statistic::Busy => [record.backends.iter().map(|backend| backend.busy_area as f64).sum(), window, 0.0],
        Statistic::Empty => [window - record.backends[0].busy_area as f64, window, 0.0],
        Statistic::Slowdown => [one.slowdown, count, 0.0],
        Statistic::ShareOf(backend) => [record.backends[backend].requests as f64, record.attempts as f64, 0.0],
        Statistic::MeanAt(backend) => [record.backends[backend].latency_sum as f64 / UNIT, record.backends[backend].answered as f64, 0.0],
        Statistic::Saturated => {
            [record.backends.iter().filter(|backend| backend.busy_area as f64 > 0.99 * window).count() as f64, 1.0, 0.0]
        }
        Statistic::AsymptoticVariance(_) => [sum / UNIT / count, 1.0, (sum / UNIT / count).powi(2)],
    }
}

/// Runs a simulation and judges every case that reads from it.
pub(crate) fn judge(setup: &Setup, cases: &[(&Case, Statistic)]) -> Vec<Outcome> {
    let mut scenario = setup.scenario.clone();
    scenario.run.length = Length::Requests(setup.warmup + setup.measured);
    scenario.run.seed = setup.seed();
    scenario.run.warmup = Warmup::Share((setup.warmup as f64 + 0.5) / (setup.warmup + setup.measured) as f64);
    let plan = Plan::new(&scenario, None).expect("the cases make sense");
    let levels = cases.iter().any(|(_, statistic)| matches!(statistic, Statistic::InSystemQuantile(_)));
    let slowdown = cases.iter().any(|(_, statistic)| *statistic == Statistic::Slowdown);
    let mut replications: Vec<Vec<Sums>> = vec![Vec::new(); cases.len()];
    let (mut latency, mut wait) = (Fine::default(), Fine::default());
    for number in 0..setup.replications {
        let one = run(&plan, number, slowdown, levels);
        for ((case, statistic), all) in cases.iter().zip(&mut replications) {
            all.push(sums(*statistic, case.expected, &one));
        }
        latency.merge(&one.record.latency);
        wait.merge(&one.record.wait);
    }
    let setup = (setup.measured as f64, &latency, &wait);
    cases.iter().zip(replications).map(|((case, statistic), all)| outcome(case, *statistic, &all, setup)).collect()
}

fn outcome(case: &Case, statistic: Statistic, all: &[Sums], (measured, latency, wait): (f64, &Fine, &Fine)) -> Outcome {
    match statistic {
        Statistic::StdSojourn => {
            let (value, error) = jackknife(all, |[sum, count, squares]| (squares / count - (sum / count).powi(2)).sqrt());
            Outcome::new(case, value, error, all.len())
        }
        Statistic::Sojourn(share) => quantile(case, share, all, latency),
        Statistic::Wait(share) => quantile(case, share, all, wait),
        Statistic::InSystemQuantile(share) => level(case, share, all),
        Statistic::Saturated => {
            let (value, _) = jackknife(all, ratio);
            Outcome::exact(case, value)
        }
        Statistic::AsymptoticVariance(factor) => {
            let n = all.len() as f64;
            let ([sum, _, squares], _) = (all.iter().fold([0.0; 3], |a, b| [a[0] + b[0], 0.0, a[2] + b[2]]), ());
            let variance = (squares - sum * sum / n) / (n - 1.0) * measured * factor;
            // A variance of n normal values has the relative standard error √(2 ÷ (n−1)); of the expected one, so that z is not skewed.
            Outcome::new(case, variance, case.expected * (2.0 / (n - 1.0)).sqrt(), KNOWN)
        }
        _ => {
            let (value, error) = jackknife(all, ratio);
            Outcome::new(case, value, error, all.len())
        }
    }
}

/// A percentile is judged by the share at or below the expected value, which is a mean over requests; it is shown, and the floor
/// applies, as a value.
fn quantile(case: &Case, share: f64, all: &[Sums], histogram: &Fine) -> Outcome {
    let measured = histogram.quantile(share).unwrap_or(0) as f64 / UNIT;
    let (below, error) = jackknife(all, ratio);
    if case.expected == 0.0 {
        let held = below >= share && measured == 0.0;
        return Outcome { id: case.id.clone(), measured, expected: 0.0, error: 0.0, z: if held { 0.0 } else { f64::INFINITY }, held };
    }
    let near = |factor: f64| at_or_below(histogram, case.expected * factor * UNIT) / histogram.count() as f64;
    let density = (near(1.02) - near(0.98)) / (0.04 * case.expected);
    let error = error.hypot(density * case.reference_error);
    let z = deviate(share - below, error, all.len());
    let held = z.abs() <= LIMIT || (measured - case.expected).abs() <= FLOOR * case.expected;
    Outcome { id: case.id.clone(), measured, expected: case.expected, error: error / density, z, held }
}

/// The least whole number with that share of the time at or below it: at the expected number there is enough, one lower there is not.
fn level(case: &Case, share: f64, all: &[Sums]) -> Outcome {
    let (at, at_error) = jackknife(all, ratio);
    let (lower, lower_error) = jackknife(all, |[_, window, lower]| lower / window);
    let (short, long) = (deviate(share - at, at_error, all.len()), deviate(lower - share, lower_error, all.len()));
    let worst = short.max(long).max(0.0);
    Outcome { id: case.id.clone(), measured: case.expected, expected: case.expected, error: 0.0, z: worst, held: worst <= LIMIT }
}
