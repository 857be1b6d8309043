//! What a record does not keep: when answers came, and what happened to those that arrived within a while.

use super::Scenario;
use evenkeel::engine::{self, Observer, Request};
use evenkeel::plan::Plan;

const SECOND: u64 = 1_000_000_000;

/// Seen of one replication.
#[derive(Default)]
pub(super) struct Seen {
    /// Answers by the second in which they came.
    answers: Vec<u64>,
    /// Every attempt: when its request arrived, and where it was sent.
    sent: Vec<(u64, u32)>,
    /// Every answered request: when it arrived, and how long it took.
    latencies: Vec<(u64, u64)>,
}

impl Observer for Seen {
    fn sent(&mut self, request: &Request, backend: u32) {
        self.sent.push((request.arrival, backend));
    }
    fn succeeded(&mut self, request: &Request, _: u32, _: u64, now: u64) {
        let second = (now / SECOND) as usize;
        self.answers.resize(self.answers.len().max(second + 1), 0);
        self.answers[second] += 1;
        self.latencies.push((request.arrival, now - request.arrival));
    }
}

impl Seen {
    /// Runs one balancer of a scenario, replication by replication.
    pub(super) fn all(scenario: &Scenario, label: &str, replications: u32) -> Vec<Self> {
        let plan = Plan::new(scenario, None).expect("it can be planned");
        let balancer = scenario.balancers.iter().position(|balancer| balancer.label == label).expect("it is compared");
        let run = |replication| engine::run(&plan, balancer, replication, Self::default(), &mut |_| true).expect("nobody interrupts").0;
        (0..replications).map(run).collect()
    }

    /// Answers per second between two seconds: the mean of all replications.
    pub(super) fn goodput(all: &[Self], from: usize, to: usize) -> f64 {
        let answers: u64 = all.iter().map(|seen| seen.answers.iter().skip(from).take(to - from).sum::<u64>()).sum();
        answers as f64 / (all.len() * (to - from)) as f64
    }

    /// How many of the requests that arrived between two instants, in milliseconds, were sent to a backend: the mean of all replications.
    pub(super) fn sent_to(all: &[Self], backend: u32, (from, to): (u64, u64)) -> f64 {
        let within = |&&(at, to_whom): &&(u64, u32)| to_whom == backend && (from..to).contains(&(at / 1_000_000));
        all.iter().map(|seen| seen.sent.iter().filter(within).count()).sum::<usize>() as f64 / all.len() as f64
    }

    /// p99 in seconds of the requests that arrived between two instants, in milliseconds.
    pub(super) fn p99(all: &[Self], (from, to): (u64, u64)) -> f64 {
        let within = |&&(at, _): &&(u64, u64)| (from..to).contains(&(at / 1_000_000));
        let mut latencies: Vec<u64> =
            all.iter().flat_map(|seen| seen.latencies.iter().filter(within)).map(|&(_, latency)| latency).collect();
        latencies.sort_unstable();
        latencies[latencies.len() * 99 / 100] as f64 / SECOND as f64
    }
}
