//! What is the matter with each backend and the ways to it, as the timeline of faults has it now.
//!
//! Several faults may be on at once: a backend is down while any of them says so, and is as fast as the product of their factors.

use crate::dist::{Dist, Sampler};
use crate::fault::{Change, Effect, Side, Timeline};
use crate::plan::Plan;
use crate::random::{Numbered, Purpose, derive, mix, unit};
use crate::time::round_ns;
use std::collections::BTreeMap;

/// A cold backend gets faster in so many steps.
const STEPS: u64 = 32;

/// All backends' conditions.
#[derive(Debug)]
pub(super) struct Conditions {
    timeline: Timeline,
    /// Whether anything is the matter: looked at before the map is.
    is_hit: Vec<bool>,
    hit: BTreeMap<u32, Condition>,
    stream: Numbered,
}

/// What is the matter with one backend.
#[derive(Clone, Debug, Default)]
pub(super) struct Condition {
    down: u32,
    absent: u32,
    hung: u32,
    paused: u32,
    draining: u32,
    stale: u32,
    slow: Vec<(u16, f64)>,
    cold: Vec<(u16, Cold)>,
    errors: Vec<(u16, f64, Option<Sampler>)>,
    latency: Vec<(u16, Sampler)>,
    loss: Vec<(u16, f64)>,
    partitions: Vec<(u16, Vec<Side>)>,
    /// As the fleet has been told.
    pub(super) told: Told,
}

/// How a backend is away.
#[derive(Clone, Copy, Debug)]
pub(super) enum Away {
    /// It is not there.
    Gone,
    /// It is off the list, and serves on.
    Leaving,
}

/// What the fleet, and who looks for backends, has been told of one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Told {
    pub(super) down: bool,
    pub(super) hung: bool,
    pub(super) paused: bool,
    pub(super) unlisted: bool,
    pub(super) stale: bool,
    pub(super) speed: f64,
}

impl Default for Told {
    fn default() -> Self {
        Self { down: false, hung: false, paused: false, unlisted: false, stale: false, speed: 1.0 }
    }
}

/// A speed that rises in a straight line.
#[derive(Clone, Copy, Debug)]
struct Cold {
    since: u64,
    over: u64,
    factor: f64,
}

/// Where a caller stands, as far as partitions look at it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stand {
    pub(super) zone: Option<u16>,
    pub(super) instance: Option<u32>,
    pub(super) backend: Option<u32>,
}

impl Condition {
    /// How it is.
    fn now(&self, now: u64) -> Told {
        Told {
            down: self.down + self.absent > 0,
            hung: self.hung > 0,
            paused: self.paused > 0,
            unlisted: self.absent + self.draining > 0,
            stale: self.stale > 0,
            speed: self.speed(now),
        }
    }

    /// What its speed is multiplied by.
    fn speed(&self, now: u64) -> f64 {
        let slow: f64 = self.slow.iter().map(|(_, factor)| *factor).product();
        let cold = self.cold.iter().map(|(_, cold)| {
            let passed = (now - cold.since).min(cold.over) as f64 / cold.over.max(1) as f64;
            cold.factor + (1.0 - cold.factor) * passed
        });
        slow * cold.product::<f64>()
    }

    /// When it is a step less cold.
    pub(super) fn next_step(&self, now: u64) -> Option<u64> {
        let next = self.cold.iter().filter(|(_, cold)| now < cold.since + cold.over).map(|(_, cold)| {
            let step = (cold.over / STEPS).max(1);
            (cold.since + ((now - cold.since) / step + 1) * step).min(cold.since + cold.over)
        });
        next.min()
    }

    fn change(&mut self, change: &Change) {
        let fault = change.fault;
        let count = |number: &mut u32| *number = if change.begins { *number + 1 } else { number.saturating_sub(1) };
        match &change.effect {
            Effect::Down => count(&mut self.down),
            Effect::Absent => count(&mut self.absent),
            Effect::Hang => count(&mut self.hung),
            Effect::Pause => count(&mut self.paused),
            Effect::Draining => count(&mut self.draining),
            Effect::Stale => count(&mut self.stale),
            Effect::Slow(factor) => turn(&mut self.slow, change.begins, (fault, *factor), |on| on.0 == fault),
            Effect::Cold { factor, over } => {
                let cold = Cold { since: change.at, over: over.0, factor: *factor };
                turn(&mut self.cold, change.begins, (fault, cold), |on| on.0 == fault);
            }
            Effect::Errors { share, takes } => {
                turn(&mut self.errors, change.begins, (fault, *share, takes.as_ref().map(Sampler::new)), |on| on.0 == fault);
            }
            Effect::Latency(add) => turn(&mut self.latency, change.begins, (fault, Sampler::new(add)), |on| on.0 == fault),
            Effect::Loss(share) => turn(&mut self.loss, change.begins, (fault, *share), |on| on.0 == fault),
            Effect::Partition(from) => turn(&mut self.partitions, change.begins, (fault, from.clone()), |on| on.0 == fault),
        }
    }
}

/// Adds something, or takes it away again.
fn turn<T>(list: &mut Vec<T>, begins: bool, what: T, is_it: impl Fn(&T) -> bool) {
    if begins {
        list.push(what);
    } else if let Some(at) = list.iter().position(is_it) {
        list.remove(at);
    }
}

impl Conditions {
    pub(super) fn new(plan: &Plan, replication: u64) -> Self {
        Self {
            timeline: Timeline::new(&plan.faults, plan.seed, replication),
            is_hit: vec![false; if plan.faults.is_empty() && plan.autoscale.is_none() { 0 } else { plan.backend_count() as usize }],
            hit: BTreeMap::new(),
            stream: Numbered::new(derive(plan.seed, replication, Purpose::Faults, u64::MAX)),
        }
    }

    /// When the next change is.
    pub(super) fn next_at(&self) -> u64 {
        self.timeline.next_at()
    }

    /// The next change, which is noted.
    pub(super) fn next(&mut self) -> Option<Change> {
        let change = self.timeline.pop()?;
        for &backend in &change.backends {
            self.is_hit[backend as usize] = true;
            self.hit.entry(backend).or_default().change(&change);
        }
        Some(change)
    }

    /// What is to be told of a backend: as it was told before, and as it is.
    pub(super) fn tell(&mut self, backend: u32, now: u64) -> (Told, Told) {
        let condition = self.hit.entry(backend).or_default();
        let after = condition.now(now);
        (std::mem::replace(&mut condition.told, after), after)
    }

    /// Scaling lets a backend come or go: it counts as one more fault.
    pub(super) fn keep(&mut self, backend: u32, away: Away, is_on: bool) {
        self.is_hit[backend as usize] = true;
        let condition = self.hit.entry(backend).or_default();
        let count = match away {
            Away::Gone => &mut condition.absent,
            Away::Leaving => &mut condition.draining,
        };
        *count = if is_on { *count + 1 } else { count.saturating_sub(1) };
    }

    /// Nothing new goes wrong from now on.
    pub(super) fn stop_beginning(&mut self) {
        self.timeline.stop_beginning();
    }

    /// What is or was the matter with a backend.
    pub(super) fn of(&self, backend: u32) -> Option<&Condition> {
        if *self.is_hit.get(backend as usize)? { self.hit.get(&backend) } else { None }
    }

    /// Whether a backend has joined and has not left.
    pub(super) fn is_there(&self, backend: u32) -> bool {
        self.of(backend).is_none_or(|condition| condition.absent == 0)
    }

    /// Whether what is believed of a backend stays as it is.
    pub(super) fn is_stale(&self, backend: u32) -> bool {
        self.of(backend).is_some_and(|condition| condition.stale > 0)
    }

    /// Whether an attempt will be answered with an error; where it then takes another work, that.
    pub(super) fn errs(&self, backend: u32, number: u64, attempt: u8) -> Option<Option<u64>> {
        let errors = &self.of(backend)?.errors;
        errors.iter().find_map(|(fault, share, takes)| {
            let draw = mix(number ^ u64::from(attempt) << 56 ^ u64::from(*fault) << 40);
            let hit = unit(self.stream.bits(draw)) < *share;
            hit.then(|| takes.as_ref().map(|takes| round_ns(takes.sample(&self.stream, draw ^ 1))))
        })
    }

    /// How much longer a way to or from a backend takes.
    pub(super) fn latency(&self, backend: u32, draw: u64) -> u64 {
        let Some(condition) = self.of(backend) else { return 0 };
        let more = condition.latency.iter().map(|(fault, add)| round_ns(add.sample(&self.stream, mix(draw ^ u64::from(*fault) << 40))));
        more.sum()
    }

    /// Whether something is lost on a way to or from a backend.
    pub(super) fn loses(&self, backend: u32, draw: u64, from: Stand) -> bool {
        let Some(condition) = self.of(backend) else { return false };
        let is_from = |side: &Side| match *side {
            Side::Zone(zone) => from.zone == Some(zone),
            Side::Instance(instance) => from.instance == Some(instance),
            Side::Backend(backend) => from.backend == Some(backend),
        };
        condition.partitions.iter().any(|(_, sides)| sides.iter().any(is_from))
            || condition.loss.iter().any(|(fault, share)| unit(self.stream.bits(mix(draw ^ !u64::from(*fault) << 40))) < *share)
    }
}

/// A constant or drawn delay of a probe.
pub(super) fn takes(dist: &Dist, stream: &Numbered, draw: u64) -> u64 {
    match dist {
        Dist::Constant(value) => round_ns(*value),
        dist => round_ns(Sampler::new(dist).sample(stream, draw)),
    }
}
