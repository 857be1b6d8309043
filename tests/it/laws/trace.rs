//! An observer that remembers every request.

use evenkeel::engine::{self, Observer, Request};
use evenkeel::measure::record::{Failure, Record};
use evenkeel::measure::recorder::Recorder;
use evenkeel::plan::Plan;
use evenkeel::scenario::{Balancer, Scenario};
use std::collections::BTreeMap;

/// What a request brings, whatever becomes of it: arrival, key, client, source.
pub(crate) type Brought = (u64, u64, u32, u16);

/// Everything that happened in a cell, by request.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) brought: Vec<Brought>,
    /// Latency of each request that succeeded.
    pub(crate) latency: BTreeMap<u64, u64>,
    /// Where each was sent.
    pub(crate) backend: BTreeMap<u64, u32>,
    /// Sent and neither answered nor refused, by backend, now; and the most at any arrival.
    present: Vec<u64>,
    pub(crate) most_present: Vec<u64>,
    pub(crate) events: u64,
}

impl Observer for Trace {
    fn arrived(&mut self, request: &Request) {
        self.brought.push((request.arrival, request.key, request.client, request.source));
        self.most_present.resize(self.present.len(), 0);
        for (most, now) in self.most_present.iter_mut().zip(&self.present) {
            *most = (*most).max(*now);
        }
    }
    fn sent(&mut self, request: &Request, backend: u32) {
        self.backend.insert(request.number, backend);
        self.present.resize(self.present.len().max(backend as usize + 1), 0);
        self.present[backend as usize] += 1;
    }
    fn answered(&mut self, _: &Request, backend: u32, _: u64) {
        self.present[backend as usize] -= 1;
    }
    fn succeeded(&mut self, request: &Request, _: u32, _: u64, now: u64) {
        self.latency.insert(request.number, now - request.arrival);
    }
    fn failed(&mut self, request: &Request, cause: Failure, _: u64) {
        if cause == Failure::Refused {
            self.present[self.backend[&request.number] as usize] -= 1;
        }
    }
}

/// The plan of a scenario.
pub(crate) fn plan(scenario: &Scenario) -> Plan {
    Plan::new(scenario, None).expect("the drawn scenarios make sense")
}

/// The scenario with this balancer alone.
pub(crate) fn only(scenario: &Scenario, balancer: Balancer) -> Scenario {
    Scenario { balancers: vec![balancer], ..scenario.clone() }
}

/// Runs a cell and remembers everything.
pub(crate) fn trace(scenario: &Scenario) -> Trace {
    let (mut trace, ending) = engine::run(&plan(scenario), 0, 0, Trace::default(), &mut |_| true).expect("nobody interrupts");
    trace.events = ending.events;
    trace
}

/// Runs a cell and records it.
pub(crate) fn record(scenario: &Scenario, balancer: usize, replication: u32) -> Record {
    let plan = plan(scenario);
    let (recorder, ending) = engine::run(&plan, balancer, replication, Recorder::new(&plan), &mut |_| true).expect("nobody interrupts");
    recorder.finish(&ending)
}
