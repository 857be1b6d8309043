//! Calls that backends make for the requests they serve.
//!
//! A backend does its own work first, then its calls, stage by stage: the calls of a stage are made at once, and the next begins when all are answered. When one has failed (after
//! its own retries) the request fails with an error, and what else is out for it is given up. A call is a request like any other, with callers, balancer and attempts
//! of its own; which calls are made, and their work, are functions of the request they are made for.

use super::errands::{Errand, Place};
use super::observer::{DIRECT, PROXIED};
use super::{Cell, Observer, Request};
use crate::engine::agenda::{Item, Rank};
use crate::measure::record::Failure;
use crate::random::{mix, unit};
use crate::slab::NIL;
use crate::time::round_ns;

/// The parent of a call that nobody waits for.
const ORPHAN: u32 = NIL - 1;

impl<O: Observer, const EVENTFUL: bool> Cell<'_, O, EVENTFUL> {
    /// An attempt's own work is done, and its backend calls others.
    pub(super) fn begin_calls(&mut self, slot: u32) {
        let trip = self.events.errands.trip_mut(slot);
        (trip.place, trip.stage) = (Place::Calling, 0);
        self.next_stage(slot);
    }

    /// The next stage of an attempt's calls, or its end.
    fn next_stage(&mut self, slot: u32) {
        let service = self.events.service_of[self.journeys[slot].backend as usize];
        let stages = &self.plan.services[service as usize].stages;
        loop {
            let stage = self.events.errands.trip(slot).stage;
            let Some(calls) = stages.get(stage as usize) else { break };
            self.events.errands.trip_mut(slot).stage += 1;
            let request = *self.journeys.request(slot);
            let number = |index: usize| mix(request.number ^ mix((u64::from(stage) + 1) << 32 | index as u64));
            let is_made = |index: &usize| calls[*index].share >= 1.0 || unit(mix(number(*index))) < calls[*index].share;
            let made: Vec<usize> = (0..calls.len()).filter(is_made).collect();
            if made.is_empty() {
                continue;
            }
            self.events.errands.trip_mut(slot).unanswered = made.len() as u32;
            for index in made {
                self.call(slot, &request, calls[index].to, number(index));
            }
            return;
        }
        self.calls_over(slot, None);
    }

    /// Makes a call.
    fn call(&mut self, slot: u32, of: &Request, to: u16, number: u64) {
        let access = self.events.call_access[to as usize];
        let source = if self.events.is_direct[to as usize] { DIRECT } else { PROXIED };
        let work = self.events.works[to as usize].as_ref().map_or(0, |(sampler, stream)| round_ns(sampler.sample(stream, number)));
        let backend = self.journeys[slot].backend;
        let request = Request { arrival: self.now, key: of.key, number, client: backend, source, attempts: 0, measured: of.measured };
        let id = self.journeys.begin(request, work);
        let trip = self.events.errands.trip_mut(slot);
        let (root, parent, by) = (trip.root, trip.of, trip.access);
        let sibling = std::mem::replace(&mut trip.calls, id);
        let passes = self.events.accesses[by as usize].callers.rules.passes_deadline && parent != NIL;
        let deadline = if passes { self.events.errands.errand(parent).deadline } else { u64::MAX };
        self.set_out(id, Errand { sibling, deadline, ..Errand::new(access, root, slot) });
    }

    /// A call is over.
    pub(super) fn call_ended(&mut self, id: u32, errand: &Errand, ok: bool) {
        if errand.parent == ORPHAN {
            return;
        }
        let slot = errand.parent;
        self.strike_out(slot, id);
        let trip = self.events.errands.trip_mut(slot);
        trip.unanswered -= 1;
        if !ok {
            let ticket = self.events.errands.ticket_of(slot);
            self.agenda.push(self.now, Rank::Answer, Item::CallFailed(slot, ticket));
        } else if trip.unanswered == 0 && trip.place == Place::Calling {
            // The last of its stage to be answered: what it took is what the stage took.
            self.events.paths.add(slot, id);
            self.next_stage(slot);
        }
    }

    /// A call is no longer among those of its attempt.
    fn strike_out(&mut self, slot: u32, id: u32) {
        let next = self.events.errands.errand(id).sibling;
        let first = self.events.errands.trip(slot).calls;
        if first == id {
            self.events.errands.trip_mut(slot).calls = next;
            return;
        }
        let mut at = first;
        while self.events.errands.errand(at).sibling != id {
            at = self.events.errands.errand(at).sibling;
        }
        self.events.errands.errand_mut(at).sibling = next;
    }

    /// A call of an attempt has failed.
    pub(super) fn call_failed(&mut self, slot: u32) {
        if self.events.errands.trip(slot).place == Place::Calling {
            self.drop_calls(slot);
            self.calls_over(slot, Some(Failure::Error));
        }
    }

    /// All calls of an attempt are over: its answer can go.
    fn calls_over(&mut self, slot: u32, cause: Option<Failure>) {
        self.release_worker(slot);
        let trip = self.events.errands.trip_mut(slot);
        trip.cause = cause;
        let access = trip.access;
        self.take_shed();
        self.go_back(slot, false);
        self.serve_held_of(access);
    }

    /// Nobody waits for the calls of an attempt any more.
    pub(super) fn drop_calls(&mut self, slot: u32) {
        while self.events.errands.trip(slot).calls != NIL {
            let id = self.events.errands.trip(slot).calls;
            let errand = self.events.errands.errand_mut(id);
            let next = errand.sibling;
            errand.parent = ORPHAN;
            self.events.errands.trip_mut(slot).calls = next;
            self.abandon(id, Failure::Timeout);
        }
        self.events.errands.trip_mut(slot).unanswered = 0;
    }

    /// A worker that waits for calls does so no longer.
    pub(super) fn release_worker(&mut self, slot: u32) {
        let backend = self.journeys[slot].backend;
        let service = &self.plan.services[self.events.service_of[backend as usize] as usize];
        if service.holds_worker && !service.stages.is_empty() {
            // What a worker had to do with it in all; nothing where shared workers are never kept.
            let kept = self.fleet.let_go(&mut self.journeys, slot, self.now);
            let trip = self.events.errands.trip_mut(slot);
            trip.served = trip.served.max(kept.served);
        }
    }
}
