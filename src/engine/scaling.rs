//! Autoscaling: members of a group come and go with its utilization.
//!
//! At every interval: wanted = members that serve × their utilization since the last time ÷ the target, rounded up, between `min` and `max`; within the tolerance
//! nothing changes. More than there are are started at once and serve after `start_up`; fewer only go when no larger number was wanted within
//! `stabilization`: those with the highest numbers, drained first.

use super::agenda::{Item, Rank};
use super::conditions::{Away, takes};
use super::{Cell, Observer};
use crate::fleet::Autoscale;
use crate::plan::Plan;
use crate::random::mix;
use std::collections::VecDeque;

/// What an autoscaler remembers.
#[derive(Debug)]
pub(super) struct Scaling {
    rules: Autoscale,
    /// The group's first backend.
    first: u32,
    members: Vec<Member>,
    /// What was wanted at the last decisions, and when.
    wanted: VecDeque<(u64, u32)>,
    last: u64,
    decisions: u64,
}

/// One member of the group.
#[derive(Clone, Copy, Debug)]
struct Member {
    phase: Phase,
    /// Worker-time it had spent at the last decision.
    busy: u128,
    /// Since when it serves; when it will, or will be gone.
    since: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Away,
    Starting,
    Serving,
    Draining,
}

impl Scaling {
    pub(super) fn new(plan: &Plan) -> Option<Self> {
        let rules = plan.autoscale.clone()?;
        let first = plan.groups[..rules.group].iter().map(|group| group.count).sum();
        let group = &plan.groups[rules.group];
        let phase = |number: u32| if number < group.initially { Phase::Serving } else { Phase::Away };
        let members = (0..group.count).map(|number| Member { phase: phase(number), busy: 0, since: 0 }).collect();
        Some(Self { rules, first, members, wanted: VecDeque::new(), last: 0, decisions: 0 })
    }

    fn count(&self, is_counted: impl Fn(Phase) -> bool) -> u32 {
        self.members.iter().filter(|member| is_counted(member.phase)).count() as u32
    }

    /// How many there should be, given the utilization of those that serve.
    fn decide(&mut self, utilization: f64, now: u64) -> u32 {
        let serving = self.count(|phase| phase == Phase::Serving);
        let all = self.count(|phase| matches!(phase, Phase::Serving | Phase::Starting));
        let ratio = utilization / self.rules.target_utilization;
        let wanted = if (ratio - 1.0).abs() <= self.rules.tolerance { all } else { (f64::from(serving) * ratio).ceil() as u32 };
        let wanted = wanted.clamp(self.rules.min, self.rules.max);
        self.wanted.push_back((now, wanted));
        while self.wanted.front().is_some_and(|(at, _)| now - at > self.rules.stabilization.0) {
            self.wanted.pop_front();
        }
        let highest = self.wanted.iter().map(|(_, wanted)| *wanted).max().unwrap_or(wanted);
        if wanted >= all { wanted } else { highest.min(all) }
    }
}

impl<O: Observer, const EVENTFUL: bool> Cell<'_, O, EVENTFUL> {
    /// Begins with those that are there.
    pub(super) fn start_scaling(&mut self) {
        let Some(scaling) = &self.events.scaling else { return };
        let (first, interval) = (scaling.first, scaling.rules.interval.0);
        let away: Vec<u32> =
            (first..).zip(&scaling.members).filter(|(_, member)| member.phase == Phase::Away).map(|(backend, _)| backend).collect();
        for backend in away {
            self.events.conditions.keep(backend, Away::Gone, true);
            self.settle_condition(backend);
        }
        self.agenda.push(interval, Rank::Probe, Item::Scale);
    }

    /// It is time to decide.
    pub(super) fn scale(&mut self) {
        if !self.goes_on() {
            return;
        }
        let Some(mut scaling) = self.events.scaling.take() else { return };
        let utilization = self.utilization(&mut scaling);
        let wanted = scaling.decide(utilization, self.now);
        let all = scaling.count(|phase| matches!(phase, Phase::Serving | Phase::Starting));
        for _ in all..wanted {
            self.start_member(&mut scaling);
        }
        for _ in wanted..all {
            self.drain_member(&mut scaling);
        }
        scaling.last = self.now;
        scaling.decisions += 1;
        self.agenda.push(self.now.saturating_add(scaling.rules.interval.0), Rank::Probe, Item::Scale);
        self.events.scaling = Some(scaling);
    }

    /// The utilization of the members that serve, since the last decision.
    fn utilization(&mut self, scaling: &mut Scaling) -> f64 {
        let (mut spent, mut had) = (0.0, 0.0);
        for (backend, member) in (scaling.first..).zip(&mut scaling.members) {
            let (busy, workers) = self.fleet.busy_area(backend, self.now);
            if member.phase == Phase::Serving {
                spent += (busy - member.busy) as f64;
                had += (self.now - member.since.max(scaling.last)) as f64 * f64::from(workers);
            }
            member.busy = busy;
        }
        if had > 0.0 { spent / had } else { 0.0 }
    }

    fn start_member(&mut self, scaling: &mut Scaling) {
        let Some(number) = scaling.members.iter().position(|member| member.phase == Phase::Away) else { return };
        let draw = mix(scaling.decisions << 32 | number as u64);
        let due = self.now.saturating_add(takes(&scaling.rules.start_up, &self.events.probes, draw));
        (scaling.members[number].phase, scaling.members[number].since) = (Phase::Starting, due);
        self.agenda.push(due, Rank::Answer, Item::Started(number as u32));
    }

    fn drain_member(&mut self, scaling: &mut Scaling) {
        // One that is only starting goes first.
        let starting = scaling.members.iter().rposition(|member| member.phase == Phase::Starting);
        if let Some(number) = starting {
            scaling.members[number].phase = Phase::Away;
            return;
        }
        let Some(number) = scaling.members.iter().rposition(|member| member.phase == Phase::Serving) else { return };
        let due = self.now.saturating_add(scaling.rules.drain.0);
        (scaling.members[number].phase, scaling.members[number].since) = (Phase::Draining, due);
        let backend = scaling.first + number as u32;
        self.events.conditions.keep(backend, Away::Leaving, true);
        self.settle_condition(backend);
        self.agenda.push(due, Rank::Answer, Item::Drained(number as u32));
    }

    /// A member that was started serves.
    pub(super) fn started(&mut self, number: u32) {
        let Some(scaling) = &mut self.events.scaling else { return };
        let member = &mut scaling.members[number as usize];
        if member.phase == Phase::Starting && member.since == self.now {
            member.phase = Phase::Serving;
            let backend = scaling.first + number;
            self.events.conditions.keep(backend, Away::Gone, false);
            self.settle_condition(backend);
        }
    }

    /// A member that was drained is gone.
    pub(super) fn drained(&mut self, number: u32) {
        let Some(scaling) = &mut self.events.scaling else { return };
        let member = &mut scaling.members[number as usize];
        if member.phase == Phase::Draining && member.since == self.now {
            member.phase = Phase::Away;
            let backend = scaling.first + number;
            self.events.conditions.keep(backend, Away::Gone, true);
            self.events.conditions.keep(backend, Away::Leaving, false);
            self.settle_condition(backend);
        }
    }
}
