//! How balancer instances come to believe what they believe: probes, traffic, discovery.
//!
//! A probe meets the backend as it is when it is sent: one that is down refuses at once, one that hangs or is paused does not answer, one that errs does so for
//! probes too. Probes take no worker.

use super::agenda::{Item, Rank};
use super::beliefs::{Beliefs, Reason};
use super::conditions::{Stand, takes};
use super::network::Way;
use super::{Cell, Observer, Request};
use crate::fleet::Discovery;
use crate::random::{mix, unit};

impl<O: Observer, const EVENTFUL: bool> Cell<'_, O, EVENTFUL> {
    fn beliefs(&self, access: u16) -> Option<&Beliefs> {
        self.events.accesses[access as usize].beliefs.as_ref()
    }

    /// What an instance believes of a backend changes by one reason.
    fn believe(&mut self, access: u16, instance: u32, backend: u32, reason: Reason, speaks: bool) {
        let mut verdicts = std::mem::take(&mut self.events.verdicts);
        if let Some(beliefs) = &mut self.events.accesses[access as usize].beliefs {
            beliefs.set(instance, backend, reason, speaks, &mut verdicts);
        }
        self.events.verdicts = verdicts;
        self.carry_out(access);
    }

    /// Tells balancers what their instances believe now.
    #[inline]
    fn carry_out(&mut self, access: u16) {
        if !self.events.verdicts.is_empty() {
            self.carry_out_all(access);
        }
    }

    #[inline(never)]
    fn carry_out_all(&mut self, access: u16) {
        let now = self.now;
        let mut verdicts = std::mem::take(&mut self.events.verdicts);
        for verdict in &verdicts {
            let tier = self.tier_of(access);
            let returns = tier.believe(verdict.instance, verdict.backend, verdict.state, now);
            let first = tier.first();
            self.observer.believed(access, verdict.instance, first + verdict.backend, verdict.state.is_eligible(), now);
            if returns {
                self.begin_slow_start(access, verdict.instance, verdict.backend);
            }
        }
        let instances: Vec<u32> = verdicts.iter().map(|verdict| verdict.instance).collect();
        verdicts.clear();
        self.events.verdicts = verdicts;
        for instance in instances {
            if self.tier_of(access).holds_any() {
                self.send_held(access, instance);
            }
        }
    }

    /// An attempt has been sent.
    pub(super) fn believe_sent(&mut self, access: u16, instance: u32, local: u32) {
        let now = self.now;
        let Some(beliefs) = self.events.accesses[access as usize].beliefs.as_mut().filter(|beliefs| beliefs.listens()) else { return };
        beliefs.sent(instance, local, now, &mut self.events.verdicts);
        self.carry_out(access);
    }

    /// An attempt has ended.
    pub(super) fn believe_ended(&mut self, access: u16, instance: u32, local: u32, ok: bool) {
        let now = self.now;
        let of = &mut self.events.accesses[access as usize];
        let first = self.plan.services[of.service as usize].backends.start;
        let Some(beliefs) = of.beliefs.as_mut().filter(|beliefs| beliefs.listens()) else { return };
        if self.events.conditions.is_stale(first + local) {
            return;
        }
        if let Some(until) = beliefs.noted(instance, local, ok, now, &mut self.events.verdicts) {
            self.agenda.push(until, Rank::Answer, Item::Reopen { access, instance, backend: local });
        }
        self.carry_out(access);
    }

    /// The time of a breaker is up.
    pub(super) fn reopen(&mut self, access: u16, instance: u32, backend: u32) {
        let now = self.now;
        if let Some(beliefs) = &mut self.events.accesses[access as usize].beliefs {
            beliefs.reopen(instance, backend, now, &mut self.events.verdicts);
        }
        self.carry_out(access);
    }

    // -- what goes on at intervals

    /// Begins everything that goes on at intervals.
    pub(super) fn start_watching(&mut self) {
        for access in 0..self.events.accesses.len() as u16 {
            let Some(beliefs) = self.beliefs(access) else { continue };
            let (instances, backends) = (beliefs.instances(), beliefs.backends());
            if let Some(interval) = beliefs.active().map(|active| active.interval) {
                for pair in 0..instances * backends {
                    let phase = (unit(self.events.probes.bits(mix(u64::from(access) << 48 | u64::from(pair)))) * interval.0 as f64) as u64;
                    self.agenda.push(phase, Rank::Probe, Item::Check { access, instance: pair / backends, backend: pair % backends });
                }
            }
            if let Some(interval) = self.beliefs(access).and_then(Beliefs::outlier).map(|outlier| outlier.interval) {
                self.agenda.push(interval.0, Rank::Probe, Item::Sweep(access));
            }
            self.start_asking(access, instances);
        }
        self.start_scaling();
    }

    /// Whether what goes on at intervals goes on: not once nothing more can come of it.
    pub(super) fn goes_on(&mut self) -> bool {
        let quiet = self.now.saturating_sub(self.events.last_progress);
        self.end_if_stuck();
        self.ends.arriving || self.books.in_system > 0 && quiet <= self.events.closed_at.saturating_add(PATIENCE)
    }

    /// Whether no request has been over for as long as arrivals took and a minute, since they ended.
    pub(super) fn is_hopeless(&self) -> bool {
        !self.ends.arriving && self.now.saturating_sub(self.events.last_over) > self.events.closed_at.saturating_add(PATIENCE)
    }

    /// Where all clients of closed sources wait for answers that do not come, no more requests will.
    pub(super) fn end_if_stuck(&mut self) {
        let quiet = self.now.saturating_sub(self.events.last_progress);
        if self.any_closed && self.ends.arriving && quiet > PATIENCE && self.traffic.peek().at == u64::MAX {
            let clients: usize = self.closed.iter().flatten().map(|closed| closed.made.len()).sum();
            if self.books.in_system >= clients as u64 {
                self.end_arrivals();
            }
        }
    }

    /// It is time to judge rates, and to let ejected backends back.
    pub(super) fn sweep(&mut self, access: u16) {
        if !self.goes_on() {
            return;
        }
        let now = self.now;
        let Some(beliefs) = &mut self.events.accesses[access as usize].beliefs else { return };
        let Some(interval) = beliefs.outlier().map(|outlier| outlier.interval) else { return };
        (0..beliefs.instances()).for_each(|instance| beliefs.sweep(instance, now, &mut self.events.verdicts));
        self.carry_out(access);
        self.agenda.push(now.saturating_add(interval.0), Rank::Probe, Item::Sweep(access));
    }

    // -- probes

    /// An instance probes a backend.
    pub(super) fn check(&mut self, access: u16, instance: u32, backend: u32) {
        if !self.goes_on() {
            return;
        }
        let service = self.events.accesses[access as usize].service;
        let number = self.plan.services[service as usize].backends.start + backend;
        let draw = mix(mix(u64::from(access) << 48 | u64::from(instance)) ^ u64::from(backend) << 20 ^ mix(self.now));
        let Some(active) = self.beliefs(access).and_then(Beliefs::active) else { return };
        let (timeout, takes) = (active.timeout.0, takes(&active.takes, &self.events.probes, draw));
        let way = Request { number: draw, source: 0, ..Request::default() };
        let (there, back) = (self.network.delay(&way, Way::To(number)), self.network.delay(&way, Way::From(number)));
        let conditions = &self.events.conditions;
        let more = conditions.latency(number, || draw).saturating_add(conditions.latency(number, || !draw));
        let stand = Stand { zone: self.network.stand(&way), instance: (access == 0).then_some(instance), backend: None };
        let told = conditions.of(number).map(|condition| condition.told).unwrap_or_default();
        let is_lost = told.hung || told.paused || conditions.loses(number, draw, stand) || conditions.loses(number, !draw, stand);
        let errs = !told.down && conditions.errs(number, draw, 0).is_some();
        let served = if told.down { 0 } else { crate::time::round_ns(takes as f64 / told.speed) };
        let time = if is_lost { u64::MAX } else { there.saturating_add(back).saturating_add(more).saturating_add(served) };
        let ok = time <= timeout && !told.down && !errs;
        let at = self.now.saturating_add(time.min(timeout));
        self.agenda.push(at, Rank::Probe, Item::Checked { access, instance, backend, ok, sent: self.now });
    }

    /// A probe has been answered, or its time is up.
    pub(super) fn checked(&mut self, access: u16, instance: u32, backend: u32, ok: bool, sent: u64) {
        let now = self.now;
        let service = self.events.accesses[access as usize].service;
        let number = self.plan.services[service as usize].backends.start + backend;
        let is_stale = self.events.conditions.is_stale(number);
        let Some(beliefs) = &mut self.events.accesses[access as usize].beliefs else { return };
        let early = !is_stale && beliefs.checked(instance, backend, ok, &mut self.events.verdicts);
        let Some(active) = beliefs.active() else { return };
        let interval = if early { active.fast_interval.unwrap_or(active.interval) } else { active.interval };
        let draw = mix(mix(sent) ^ u64::from(instance) << 32 ^ u64::from(backend));
        let jitter = (unit(self.events.probes.bits(draw)) * active.jitter * interval.0 as f64) as u64;
        // From one probe to the next, but never before this one has ended.
        let next = sent.saturating_add(interval.0).saturating_add(jitter).max(now.saturating_add(1));
        self.carry_out(access);
        self.agenda.push(next, Rank::Probe, Item::Check { access, instance, backend });
    }

    // -- slow start

    fn begin_slow_start(&mut self, access: u16, instance: u32, backend: u32) {
        let now = self.now;
        let begins = self.events.accesses[access as usize].beliefs.as_mut().and_then(|beliefs| beliefs.warms(instance, backend, now));
        if begins.is_some() && now > 0 {
            self.warm(access, instance, backend);
        }
    }

    /// A backend in slow start has a little more weight.
    pub(super) fn warm(&mut self, access: u16, instance: u32, backend: u32) {
        let now = self.now;
        let warmth = self.events.accesses[access as usize].beliefs.as_mut().and_then(|beliefs| beliefs.warmth(instance, backend, now));
        let Some((factor, next)) = warmth else { return };
        self.tier_of(access).reweigh(instance, backend, factor, now);
        if let Some(next) = next {
            self.agenda.push(next, Rank::Answer, Item::Warm { access, instance, backend });
        }
    }

    // -- discovery

    fn start_asking(&mut self, access: u16, instances: u32) {
        let period = match self.plan.discovery {
            Discovery::Dns { ttl } => ttl.0,
            Discovery::Poll { interval } => interval.0,
            Discovery::AtOnce | Discovery::Static | Discovery::Registry { .. } => return,
        };
        for instance in 0..instances {
            let phase =
                (unit(self.events.probes.bits(mix(1 << 63 | u64::from(access) << 32 | u64::from(instance)))) * period as f64) as u64;
            self.agenda.push(phase, Rank::Probe, Item::Ask { access, instance });
        }
    }

    /// A backend is on the list from now on, or off it: instances learn of it when they do.
    pub(super) fn list(&mut self, backend: u32, listed: bool) {
        if self.events.conditions.is_stale(backend) {
            return;
        }
        let service = self.events.service_of[backend as usize];
        let local = backend - self.plan.services[service as usize].backends.start;
        for access in 0..self.events.accesses.len() as u16 {
            if self.events.accesses[access as usize].service != service {
                continue;
            }
            let Some(instances) = self.beliefs(access).map(Beliefs::instances) else { continue };
            for instance in 0..instances {
                match &self.plan.discovery {
                    // What is so from the start is known to all.
                    _ if self.now == 0 => self.believe(access, instance, local, Reason::Absent, !listed),
                    Discovery::AtOnce => self.believe(access, instance, local, Reason::Absent, !listed),
                    Discovery::Registry { delay } => {
                        let draw = mix(self.now ^ u64::from(backend) << 40 ^ u64::from(instance));
                        let at = self.now.saturating_add(takes(delay, &self.events.probes, draw));
                        self.agenda.push(at, Rank::Answer, Item::Learn { access, instance, backend: local, listed });
                    }
                    Discovery::Static | Discovery::Dns { .. } | Discovery::Poll { .. } => {}
                }
            }
        }
    }

    /// An instance is told that a backend is on the list, or off it.
    pub(super) fn learn(&mut self, access: u16, instance: u32, backend: u32, listed: bool) {
        self.believe(access, instance, backend, Reason::Absent, !listed);
    }

    /// An instance asks for the whole list.
    pub(super) fn ask(&mut self, access: u16, instance: u32) {
        let period = match self.plan.discovery {
            Discovery::Dns { ttl } => ttl.0,
            Discovery::Poll { interval } => interval.0,
            Discovery::AtOnce | Discovery::Static | Discovery::Registry { .. } => return,
        };
        if !self.goes_on() {
            return;
        }
        let service = self.events.accesses[access as usize].service;
        let backends = self.plan.services[service as usize].backends.clone();
        for (backend, local) in backends.zip(0..) {
            let told = self.events.conditions.of(backend).map(|condition| condition.told).unwrap_or_default();
            if !told.stale {
                self.believe(access, instance, local, Reason::Absent, told.unlisted);
            }
        }
        self.agenda.push(self.now.saturating_add(period), Rank::Probe, Item::Ask { access, instance });
    }

    /// An oracle knows at once who is down.
    pub(super) fn tell_oracles(&mut self, backend: u32, is_down: bool) {
        let service = self.events.service_of[backend as usize];
        let local = backend - self.plan.services[service as usize].backends.start;
        for access in 0..self.events.accesses.len() as u16 {
            if self.events.accesses[access as usize].service == service && self.tier_of(access).sees_truth() {
                self.believe(access, 0, local, Reason::Truth, is_down);
            }
        }
    }
}

/// What goes on at intervals ends when, for as long as arrivals took and this, nothing has happened to any request: a minute.
const PATIENCE: u64 = 60_000_000_000;
