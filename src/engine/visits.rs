//! An attempt at its backend in an eventful cell: taken, refused, swallowed or shed, served, and sent back.

use super::agenda::{Item, Rank};
use super::errands::Place;
use super::network::Way;
use super::observer::Spent;
use super::{Cell, Observer};
use crate::fleet::Accepted;
use crate::measure::record::Failure;
use crate::slab::NIL;

impl<O: Observer, const EVENTFUL: bool> Cell<'_, O, EVENTFUL> {
    /// An attempt reaches its backend; `sent` where it has just been sent.
    pub(super) fn reach_backend(&mut self, slot: u32, sent: bool) {
        let trip = *self.events.errands.trip(slot);
        let backend = self.journeys[slot].backend;
        if trip.of == NIL && trip.is_cancelled {
            self.uncount(slot);
            return self.free(slot);
        }
        let request = *self.journeys.request(slot);
        if let Some(takes) = self.events.conditions.errs(backend, request.number, request.attempts) {
            self.events.errands.trip_mut(slot).cause = Some(Failure::Error);
            if let Some(takes) = takes {
                self.journeys[slot].service = takes;
            }
        }
        let priority = if self.any_priority { self.plan.sources[trip.root as usize].priority } else { 0 };
        let accepted = self.fleet.accept(&mut self.journeys, slot, priority, self.now, sent);
        self.tell_ready(trip.access, backend);
        match accepted {
            Accepted::Yes => {
                self.events.errands.trip_mut(slot).place = Place::There;
                if self.reports.is_some() {
                    self.note_arrival(slot, backend);
                }
            }
            Accepted::Refused => self.end_there(slot, Failure::Refused),
            // Nobody waits for it, and nobody will answer it.
            Accepted::Swallowed if trip.of == NIL => {
                self.uncount(slot);
                self.free(slot);
            }
            Accepted::Swallowed => self.events.errands.trip_mut(slot).place = Place::Lost,
        }
        self.take_shed();
    }

    /// Attempts that backends have shed go back.
    pub(super) fn take_shed(&mut self) {
        while let Some(slot) = self.fleet.take_shed() {
            self.forget_report(slot);
            self.end_there(slot, Failure::Shed);
        }
    }

    /// For oracles: when a backend could serve the next one.
    fn tell_ready(&mut self, access: u16, backend: u32) {
        if self.tier_of(access).sees_truth() {
            let (now, ready_at) = (self.now, self.fleet.ready_at(backend));
            let tier = self.tier_of(access);
            let local = backend - tier.first();
            tier.ready(local, ready_at, now);
        }
    }

    /// For oracles: an attempt no longer stands at its backend.
    pub(super) fn uncount(&mut self, slot: u32) {
        let trip = self.events.errands.trip_mut(slot);
        if !std::mem::replace(&mut trip.counts, false) {
            return;
        }
        let access = trip.access;
        if self.tier_of(access).sees_truth() {
            let (now, backend) = (self.now, self.journeys[slot].backend);
            let ready_at = self.fleet.ready_at(backend);
            let tier = self.tier_of(access);
            let local = backend - tier.first();
            tier.completed(local, ready_at, now);
        }
    }

    /// An attempt has failed where it was, and its caller will hear of it.
    pub(super) fn end_there(&mut self, slot: u32, cause: Failure) {
        let trip = self.events.errands.trip_mut(slot);
        trip.cause = Some(cause);
        self.go_back(slot, true);
    }

    /// A backend has done an attempt's work.
    pub(super) fn work_done(&mut self, backend: u32, now: u64) {
        self.now = now;
        let (slot, attempt) = self.fleet.complete(&mut self.journeys, backend, now, false);
        if self.reports.is_some() {
            self.note_completion(slot, &attempt);
        }
        let service = self.events.service_of[backend as usize];
        let trip = self.events.errands.trip_mut(slot);
        trip.served += attempt.service;
        let (cause, access) = (trip.cause, trip.access);
        if !self.plan.services[service as usize].stages.is_empty() {
            if cause.is_none() {
                return self.begin_calls(slot);
            }
            self.release_worker(slot);
        }
        self.take_shed();
        self.go_back(slot, false);
        self.serve_held_of(access);
    }

    /// An answer, or word of a failure, leaves for the caller. It arrives later than whatever is being done now where it must not come in between.
    pub(super) fn go_back(&mut self, slot: u32, later: bool) {
        self.uncount(slot);
        if self.events.errands.trip(slot).of == NIL {
            self.spend(slot, Spent::Wasted);
            return self.free(slot);
        }
        let request = *self.journeys.request(slot);
        let backend = self.journeys[slot].backend;
        let way = Way::From(backend);
        if self.is_lost(slot, &request, backend, way) {
            self.events.errands.trip_mut(slot).place = Place::Lost;
            return;
        }
        self.events.errands.trip_mut(slot).place = Place::Returning;
        let delay = self.way(&request, backend, way);
        if O::TIMES {
            self.events.ways.add(slot, delay);
        }
        match delay {
            0 if !later => self.returned(slot),
            delay => self.agenda.push(self.now.saturating_add(delay), Rank::Answer, Item::Answered(slot, true)),
        }
    }
}
