//! Requests that balancers hold: until a backend is free, or asks for the next.

use super::agenda::{Item, Timer};
use super::errands::State;
use super::requests::Why;
use super::tier::Held;
use super::{Cell, Observer, Request};
use crate::balance::Pick;
use crate::measure::record::Failure;

impl<O: Observer, const EVENTFUL: bool> Cell<'_, O, EVENTFUL> {
    /// The balancer holds a request.
    #[inline(never)]
    pub(super) fn hold(&mut self, id: u32) {
        let request = *self.journeys.request(id);
        let access = self.access_of_request(id);
        let instance = self.instance_of(access, &request);
        if EVENTFUL && self.holds_too_many(access, instance) {
            return self.attempt_failed(id, Failure::Shed);
        }
        self.overload.hold(self.journeys.work(id), self.now);
        let held = Held { request: id, since: self.now };
        self.tier_of(access).hold(instance, request.number, held);
        if EVENTFUL {
            self.events.errands.errand_mut(id).state = State::Held;
            self.set_patience(id, &request);
        }
    }

    /// Whether an instance holds as many as it may.
    fn holds_too_many(&mut self, access: u16, instance: u32) -> bool {
        let most = self.events.accesses[access as usize].callers.rules.breaker.max_waiting;
        most.is_some_and(|most| self.tier_of(access).waiting(instance) >= u64::from(most))
    }

    /// The timer of a held request.
    fn set_patience(&mut self, id: u32, request: &Request) {
        let access = self.events.errands.errand(id).access;
        let patience = self.events.accesses[access as usize].callers.patience(request.number, u32::from(request.attempts));
        let due = patience.map(|patience| self.now.saturating_add(patience));
        self.events.errands.errand_mut(id).timer = due;
        if let Some(due) = due {
            let ticket = self.events.errands.ticket_of(id);
            self.agenda.set(Timer::Patience, due, Item::TireHeld(id, ticket));
        }
    }

    /// A held request goes nowhere any more.
    pub(super) fn unhold(&mut self, id: u32) {
        let request = *self.journeys.request(id);
        let access = self.events.errands.errand(id).access;
        let instance = self.instance_of(access, &request);
        self.tier_of(access).let_go(instance, request.number);
        self.overload.release(self.journeys.work(id));
    }

    /// The patience with a held request is over.
    pub(super) fn tire_held(&mut self, id: u32) {
        let errand = self.events.errands.errand(id);
        if errand.state == State::Held && errand.timer == Some(self.now) {
            self.abandon(id, Failure::Timeout);
        }
    }

    /// For oracles that hold requests: something may be free now.
    #[inline(always)]
    pub(super) fn serve_held_of(&mut self, access: u16) {
        let tier = self.tier_of(access);
        if tier.holds_any() && tier.sees_truth() {
            self.send_held(access, 0);
        }
    }

    /// Something has ended for the instance of a request: what it holds may go now.
    #[inline(always)]
    pub(super) fn send_held_of(&mut self, access: u16, request: &Request) {
        let tier = self.tier_of(access);
        if tier.holds_any() && !tier.sees_truth() {
            let instance = tier.instance_of(request);
            self.send_held(access, instance);
        }
    }

    /// Sends what an instance holds, as far as it now can.
    #[inline(never)]
    pub(super) fn send_held(&mut self, access: u16, instance: u32) {
        let now = self.now;
        while let Some((number, backend)) = self.tier_of(access).whose_turn(instance, now) {
            let held = self.tier_of(access).held(instance, number);
            let request = *self.journeys.request(held.request);
            let known = self.known_of(held.request, self.class_of(self.root_of(held.request)));
            let pick = match backend {
                Some(backend) => Pick::Backend(backend),
                None => self.tier_of(access).pick(&known, &request, now),
            };
            if pick == Pick::Wait {
                return;
            }
            if O::PICKS {
                self.tell_pick(access, &request, pick);
            }
            self.tier_of(access).let_go(instance, number);
            self.overload.release(self.journeys.work(held.request));
            match pick {
                Pick::Backend(backend) => self.send_at_last(&held, backend.0),
                Pick::None if EVENTFUL => self.attempt_failed(held.request, Failure::NoBackend),
                Pick::None => self.fail(held.request, Failure::NoBackend),
                Pick::Wait => unreachable!("returned above"),
            }
        }
    }

    /// A request that was held leaves for a backend.
    fn send_at_last(&mut self, held: &Held, backend: u32) {
        let waited = self.now - held.since;
        if EVENTFUL {
            let why = if self.events.errands.errand(held.request).retries > 0 { Why::Retry } else { Why::First };
            self.send_attempt(held.request, backend, waited, why);
        } else {
            self.send(held.request, backend, waited);
        }
    }

    /// The access that a request takes.
    fn access_of_request(&self, id: u32) -> u16 {
        if EVENTFUL { self.events.errands.errand(id).access } else { 0 }
    }

    /// The source of the traffic that a request belongs to.
    fn root_of(&self, id: u32) -> u16 {
        if EVENTFUL { self.events.errands.errand(id).root } else { self.journeys.request(id).source }
    }
}
