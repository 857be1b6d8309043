//! Scenarios for the tests, built in Rust: one builder, so that a test says only what is special in it.
//!
//! The unit of time of the theory is the mean work of a request. Here it is 10 ms, ten million nanoseconds: rounding an instant to the
//! nanosecond moves it by a twenty-millionth of a unit at most.

use evenkeel::balance;
use evenkeel::catalogue::Value;
use evenkeel::client::Caller;
use evenkeel::dist::Dist;
use evenkeel::fleet::Discovery;
use evenkeel::health::Health;
use evenkeel::scenario::{
    Arrivals, Assign, Balancer, Discipline, Group, Intensity, Length, Picks, Process, Run, Scenario, Shape, Tier, Traffic, View, Warmup,
};
use evenkeel::time::{Rate, Span};

/// The unit of time, in nanoseconds.
pub(crate) const UNIT: f64 = 1e7;

/// So many requests in a unit of time.
pub(crate) fn per_unit(rate: f64) -> Intensity {
    Intensity::Rate(Rate::per_second(rate * 1e9 / UNIT).expect("the rates of the tests are in range"))
}

/// So many units, as a span.
pub(crate) fn units(value: f64) -> Span {
    Span((value * UNIT) as u64)
}

/// Exponential with this mean, in units.
pub(crate) fn exponential(mean: f64) -> Dist {
    Dist::Exponential { mean: mean * UNIT }
}

/// A scenario of one source; fleets and balancers are added.
pub(crate) fn scenario(process: Process, intensity: Option<Intensity>, work: Dist) -> Scenario {
    Scenario {
        title: None,
        question: None,
        run: Run {
            length: Length::Requests(1000),
            warmup: Warmup::Share(0.1),
            warmup_text: "10%".into(),
            replications: 1,
            precision: None,
            seed: 42,
            max_in_flight: 2_000_000,
        },
        traffic: vec![source(process, intensity, work)],
        backends: Vec::new(),
        links: Vec::new(),
        balancers: Vec::new(),
        tier: Tier {
            instances: 1,
            assign: Assign::Random,
            picks: Picks::Request,
            view: View::Own,
            refresh: Span::ZERO,
            adds_own: false,
            zone: None,
        },
        client: Caller::default(),
        health: Health::default(),
        discovery: Discovery::AtOnce,
        autoscale: None,
        faults: Vec::new(),
        services: Vec::new(),
        expects: Vec::new(),
    }
}

/// A source of requests.
pub(crate) fn source(process: Process, intensity: Option<Intensity>, work: Dist) -> Traffic {
    let arrivals = Arrivals { process, intensity, shape: Shape::Flat };
    Traffic { name: "traffic".into(), arrivals, work, keys: None, clients: None, class: None, priority: 0, zone: None, to: None }
}

/// So many equal backends of speed 1 with a worker each.
pub(crate) fn group(count: u32) -> Group {
    Group {
        name: "web".into(),
        count,
        speed: 1.0,
        workers: Some(1),
        discipline: Discipline::Fifo,
        overloaded_after: units(10.0),
        shed: None,
        max_wait: None,
        queue: None,
        zone: None,
        network: Dist::Constant(0.0),
        address: None,
        per_in_flight: Span::ZERO,
        cache: None,
        told: balance::Member::default(),
    }
}

/// A balancer with the defaults of the catalogue, and some parameters set.
pub(crate) fn balancer(kind: &'static str, set: &[(&'static str, Value)]) -> Balancer {
    let entry = balance::entries().find(|entry| entry.name == kind).expect("the kind is in the catalogue");
    let mut values = evenkeel::scenario::defaults(entry);
    set.iter().for_each(|(name, value)| values.set(name, value.clone()));
    Balancer { label: kind.into(), kind: entry.name, values }
}

/// Text as a parameter's value.
pub(crate) fn text(value: &str) -> Value {
    Value::Text(value.into())
}

impl Extend for Scenario {
    fn on(mut self, groups: Vec<Group>) -> Self {
        self.backends = groups;
        self
    }
    fn with(mut self, balancer: Balancer) -> Self {
        self.balancers.push(balancer);
        self
    }
}

/// What every test adds to a scenario.
pub(crate) trait Extend {
    /// With this fleet.
    fn on(self, groups: Vec<Group>) -> Self;
    /// With one more balancer.
    fn with(self, balancer: Balancer) -> Self;
}
