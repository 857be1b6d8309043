//! The way of an attempt in an eventful cell: it is sent, and it ends by an answer, by word of a failure, or by being given up.

use super::agenda::{Item, Rank, Timer};
use super::conditions::Stand;
use super::errands::{Errand, Place, State};
use super::network::Way;
use super::observer::Spent;
use super::requests::Why;
use super::{Cell, Observer, Request};
use crate::fleet::Attempt;
use crate::measure::record::Failure;
use crate::random::mix;
use crate::slab::NIL;
use crate::time::round_ns;

impl<O: Observer, const EVENTFUL: bool> Cell<'_, O, EVENTFUL> {
    /// An attempt leaves for a backend, given by the balancer's own number.
    pub(super) fn send_attempt(&mut self, id: u32, local: u32, held: u64, why: Why) {
        let mut request = *self.journeys.request(id);
        let errand = *self.events.errands.errand(id);
        let access = errand.access;
        let instance = self.instance_of(access, &request);
        let now = self.now;
        let limit = self.events.accesses[access as usize].callers.rules.breaker.max_in_flight;
        if limit.is_some_and(|most| self.tier_of(access).in_flight(instance, local) >= most) {
            if why != Why::Hedge {
                self.attempt_failed(id, Failure::Shed);
            }
            return;
        }
        let backend = self.tier_of(access).first() + local;
        let work = self.work_of(id, &request, &errand);
        let slot = self.journeys.begin(request, work);
        self.journeys.attempt(slot, Attempt::new(work, backend, now, held));
        let ticket = self.events.errands.send(slot, id);
        self.events.paths.begin(slot);
        if O::TIMES {
            self.events.ways.begin(slot, held);
        }
        self.tier_of(access).sent(&request, local, now);
        request.attempts = request.attempts.saturating_add(1);
        self.journeys.request_mut(id).attempts = request.attempts;
        *self.journeys.request_mut(slot) = request;
        let errand = self.events.errands.errand_mut(id);
        errand.state = State::Out;
        self.events.errands.try_at(id, local);
        self.events.last_progress = now;
        self.observer.sent(&request, backend);
        match why {
            Why::First => {}
            Why::Retry => self.observer.retried(&request, backend),
            Why::Hedge => self.observer.hedged(&request, backend),
        }
        self.believe_sent(access, instance, local);
        self.set_timers(id, slot, ticket, instance, held);
        self.depart(slot, backend);
    }

    /// The work of the next attempt.
    fn work_of(&self, id: u32, request: &Request, errand: &Errand) -> u64 {
        let access = &self.events.accesses[errand.access as usize];
        if request.attempts == 0 || !access.callers.rules.redraw {
            return self.journeys.work(id);
        }
        let draw = mix(request.number ^ u64::from(request.attempts) << 56);
        match &self.events.works[access.service as usize] {
            Some((sampler, stream)) if errand.parent != NIL => round_ns(sampler.sample(stream, draw)),
            _ => round_ns(self.events.source_works[errand.root as usize].sample(&self.events.redraws, draw)),
        }
    }

    /// The timers of an attempt.
    fn set_timers(&mut self, id: u32, slot: u32, ticket: u32, instance: u32, held: u64) {
        let request = *self.journeys.request(slot);
        let attempt = u32::from(request.attempts) - 1;
        let errand = self.events.errands.errand(id);
        let (hedges, access) = (errand.hedges, errand.access);
        let callers = &self.events.accesses[access as usize].callers;
        if let Some(timeout) = callers.attempt_timeout(request.number, attempt) {
            self.agenda.set(Timer::Attempt, self.now.saturating_add(timeout), Item::GiveUp(slot, ticket));
        }
        if let Some(patience) = callers.patience(request.number, attempt) {
            self.agenda.set(Timer::Patience, self.now.saturating_add(patience.saturating_sub(held)), Item::Tire(slot, ticket));
        }
        let after = if callers.hedges() { callers.hedge(instance, request.number, hedges) } else { None };
        let due = after.map(|after| self.now.saturating_add(after));
        self.events.errands.errand_mut(id).timer = due;
        if let Some(due) = due {
            let ticket = self.events.errands.ticket_of(id);
            self.agenda.set(Timer::Hedge, due, Item::Hedge(id, ticket));
        }
    }

    /// An attempt is on its way.
    fn depart(&mut self, slot: u32, backend: u32) {
        let request = *self.journeys.request(slot);
        if self.is_lost(slot, &request, backend, Way::To(backend)) {
            self.fleet.send(backend, self.now);
            self.events.errands.trip_mut(slot).place = Place::Lost;
            return;
        }
        let delay = self.way(&request, backend, Way::To(backend));
        if O::TIMES {
            self.events.ways.add(slot, delay);
        }
        match delay {
            0 => self.reach_backend(slot, true),
            delay => {
                self.fleet.send(backend, self.now);
                self.agenda.push(self.now.saturating_add(delay), Rank::Reach, Item::Reach(slot));
            }
        }
    }

    /// How long a way to or from a backend takes.
    #[inline]
    pub(super) fn way(&self, request: &Request, backend: u32, way: Way) -> u64 {
        self.network.delay(request, way).saturating_add(self.events.conditions.latency(backend, || draw_of(request, way)))
    }

    /// Whether something is lost on its way.
    #[inline]
    pub(super) fn is_lost(&mut self, slot: u32, request: &Request, backend: u32, way: Way) -> bool {
        if self.events.conditions.of(backend).is_none() {
            return false;
        }
        let access = self.events.errands.trip(slot).access;
        let stand = Stand {
            zone: self.network.stand(request),
            instance: (access == 0).then(|| self.tier.instance_of(request)),
            backend: self.network.caller(request),
        };
        self.events.conditions.loses(backend, draw_of(request, way), stand)
    }

    /// An answer, or word of a failure, reaches the balancer that sent the attempt.
    pub(super) fn returned(&mut self, slot: u32) {
        let trip = *self.events.errands.trip(slot);
        let attempt = self.journeys[slot];
        let Some(id) = self.events.errands.part(slot) else {
            self.spend(slot, Spent::Wasted);
            return self.free(slot);
        };
        self.fleet.answered(&attempt, self.now);
        let ok = trip.cause.is_none();
        let request = *self.journeys.request(slot);
        self.tell_end(trip.access, &request, &attempt, trip.cause, false);
        if self.reports.is_some() {
            self.bring_report(slot, &attempt, ok);
        }
        self.spend(slot, if ok { Spent::Useful } else { Spent::Wasted });
        if ok {
            let service = self.events.service_of[attempt.backend as usize];
            self.events.paths.answer(id, slot, service, self.now - self.journeys.request(id).arrival);
            if O::TIMES {
                let way_in = self.network.delay(&Request { attempts: 0, ..request }, Way::In);
                self.events.ways.answer(id, slot, way_in, attempt.sent - request.arrival, self.now);
            }
        }
        self.free(slot);
        self.events.last_progress = self.now;
        match trip.cause {
            None => {
                self.observer.answered(&request, attempt.backend, self.now - attempt.sent);
                self.answer(id, attempt.backend, attempt.wait);
            }
            Some(cause) => self.attempt_failed(id, cause),
        }
        self.send_held_of(trip.access, &request);
    }

    /// The balancer, and whoever judges, are told that an attempt has ended.
    fn tell_end(&mut self, access: u16, request: &Request, attempt: &Attempt, cause: Option<Failure>, is_loser: bool) {
        let (now, latency) = (self.now, self.now - attempt.sent);
        let ok = cause.is_none();
        if O::PICKS && (is_loser || !ok) {
            self.observer.lost(request, attempt.backend, cause, now);
        }
        let tier = self.tier_of(access);
        let (instance, local) = (tier.instance_of(request), attempt.backend - tier.first());
        tier.ended(request, local, ok, latency, now);
        if matches!(cause, Some(Failure::Refused | Failure::Crashed | Failure::Timeout)) {
            tier.hang_up(request);
        }
        if !is_loser {
            self.events.accesses[access as usize].callers.ended(instance, cause, latency, now);
            self.believe_ended(access, instance, local, ok);
        }
    }

    /// The time of an attempt is up.
    pub(super) fn time_out(&mut self, slot: u32) {
        let id = self.events.errands.trip(slot).of;
        if id == NIL {
            return;
        }
        self.give_up(slot, Some(Failure::Timeout));
        self.attempt_failed(id, Failure::Timeout);
    }

    /// The patience with an attempt is over: if it still waits, its request fails.
    pub(super) fn tire(&mut self, slot: u32) {
        let trip = self.events.errands.trip(slot);
        let id = trip.of;
        let waits = match trip.place {
            Place::Going => true,
            Place::There => !self.fleet.is_served(&self.journeys, slot),
            Place::Calling | Place::Returning | Place::Lost => false,
        };
        if id != NIL && waits {
            self.abandon(id, Failure::Timeout);
        }
    }

    /// Nobody waits for an attempt any more: because it failed so, or because another was faster.
    pub(super) fn give_up(&mut self, slot: u32, cause: Option<Failure>) {
        let trip = *self.events.errands.trip(slot);
        let (attempt, request) = (self.journeys[slot], *self.journeys.request(slot));
        self.events.errands.part(slot);
        self.tell_end(trip.access, &request, &attempt, cause, cause.is_none());
        self.fleet.answered(&attempt, self.now);
        let cancels = !self.events.accesses[trip.access as usize].callers.rules.abandons_work;
        match trip.place {
            Place::Going => self.events.errands.trip_mut(slot).is_cancelled = cancels,
            Place::There if cancels => {
                let cancelled = self.fleet.cancel(&mut self.journeys, slot, self.now);
                self.events.errands.trip_mut(slot).served += cancelled.served;
                self.forget_report(slot);
                self.take_shed();
                self.leave_for_good(slot);
            }
            Place::Calling if cancels => {
                self.drop_calls(slot);
                self.release_worker(slot);
                self.take_shed();
                self.leave_for_good(slot);
            }
            Place::Lost => self.leave_for_good(slot),
            // It is done for nothing, or its answer comes for nothing.
            Place::There | Place::Calling | Place::Returning => {}
        }
        self.send_held_of(trip.access, &request);
    }

    /// An attempt that nobody waits for is nowhere any more.
    pub(super) fn leave_for_good(&mut self, slot: u32) {
        let access = self.events.errands.trip(slot).access;
        self.uncount(slot);
        self.spend(slot, Spent::Wasted);
        self.free(slot);
        self.serve_held_of(access);
    }

    /// Says what became of the worker-time that an attempt had.
    pub(super) fn spend(&mut self, slot: u32, spent: Spent) {
        let served = self.events.errands.trip(slot).served;
        if served > 0 {
            self.events.spent += u128::from(served);
            self.observer.spent(self.journeys.request(slot), spent, served);
        }
    }

    /// A slot is free again.
    pub(super) fn free(&mut self, slot: u32) {
        self.events.errands.end(slot);
        self.journeys.end(slot);
    }
}

/// What the chances of a way of an attempt are drawn by.
fn draw_of(request: &Request, way: Way) -> u64 {
    let is_back = matches!(way, Way::From(_));
    mix(request.number ^ u64::from(request.attempts) << 56 ^ u64::from(is_back) << 55)
}
