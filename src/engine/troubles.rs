//! What faults do to backends, as the timeline comes to them.

use super::agenda::{Item, Rank};
use super::conditions::Told;
use super::errands::Place;
use super::observer::Spent;
use super::{Cell, Observer};
use crate::fault::Effect;
use crate::measure::record::Failure;
use crate::slab::NIL;

impl<O: Observer, const EVENTFUL: bool> Cell<'_, O, EVENTFUL> {
    /// Everything of the timeline that is due.
    pub(super) fn apply_faults(&mut self) {
        self.end_if_stuck();
        while self.events.conditions.next_at() <= self.now {
            let Some(change) = self.events.conditions.next() else { return };
            self.observer.fault(&change, self.now);
            for &backend in &change.backends {
                self.settle_condition(backend);
                if change.begins && matches!(change.effect, Effect::Cold { .. }) {
                    self.plan_step(backend);
                }
            }
        }
    }

    /// A backend's condition may have changed: whoever is concerned is told.
    pub(super) fn settle_condition(&mut self, backend: u32) {
        let now = self.now;
        let (before, after) = self.events.conditions.tell(backend, now);
        if before == after {
            return;
        }
        self.tell_fleet(backend, &before, &after);
        if before.unlisted != after.unlisted || before.stale && !after.stale {
            self.list(backend, !after.unlisted);
        }
        if before.down != after.down {
            self.tell_oracles(backend, after.down);
        }
    }

    fn tell_fleet(&mut self, backend: u32, before: &Told, after: &Told) {
        let now = self.now;
        if before.speed != after.speed {
            self.fleet.set_speed(&mut self.journeys, backend, after.speed, now);
        }
        match (before.paused, after.paused) {
            (false, true) => self.fleet.pause(&mut self.journeys, backend, now),
            (true, false) => self.fleet.resume(&mut self.journeys, backend, now),
            _ => {}
        }
        match (before.hung, after.hung) {
            (false, true) => self.hang(backend),
            (true, false) => self.fleet.unhang(&mut self.journeys, backend, now),
            _ => {}
        }
        match (before.down, after.down) {
            (false, true) => self.crash(backend),
            (true, false) => self.fleet.restart(&mut self.journeys, backend, now),
            _ => {}
        }
    }

    /// A backend dies with all that is there.
    fn crash(&mut self, backend: u32) {
        let lost = self.fleet.crash(&mut self.journeys, backend, self.now);
        for (slot, served) in lost {
            self.forget_report(slot);
            let trip = self.events.errands.trip_mut(slot);
            trip.served = trip.served.max(served);
            self.lose(slot);
        }
        for slot in self.calling(backend) {
            self.lose(slot);
        }
    }

    /// An attempt is lost where it was, and its caller will hear of it.
    fn lose(&mut self, slot: u32) {
        self.drop_calls(slot);
        self.spend(slot, Spent::Lost);
        self.events.errands.trip_mut(slot).served = 0;
        self.end_there(slot, Failure::Crashed);
    }

    /// A backend answers nothing any more.
    fn hang(&mut self, backend: u32) {
        let mut stuck: Vec<u32> = Vec::new();
        for (slot, served) in self.fleet.hang(&mut self.journeys, backend, self.now) {
            self.forget_report(slot);
            let trip = self.events.errands.trip_mut(slot);
            trip.served = trip.served.max(served);
            stuck.push(slot);
        }
        let others: Vec<u32> = self.calling(backend).into_iter().filter(|slot| !stuck.contains(slot)).collect();
        stuck.extend(others);
        for slot in stuck {
            self.drop_calls(slot);
            self.spend(slot, Spent::Lost);
            let trip = self.events.errands.trip_mut(slot);
            (trip.served, trip.place) = (0, Place::Lost);
            if trip.of == NIL {
                self.uncount(slot);
                self.free(slot);
            }
        }
    }

    /// The attempts for which a backend has made calls, and whose workers it does not hold.
    fn calling(&self, backend: u32) -> Vec<u32> {
        if self.plan.services[self.events.service_of[backend as usize] as usize].stages.is_empty() {
            return Vec::new();
        }
        self.events
            .errands
            .attempts()
            .filter(|&(slot, trip)| trip.place == Place::Calling && self.journeys[slot].backend == backend)
            .map(|(slot, _)| slot)
            .collect()
    }

    /// A cold backend is a step less cold.
    pub(super) fn warm_up(&mut self, backend: u32) {
        self.settle_condition(backend);
        self.plan_step(backend);
    }

    fn plan_step(&mut self, backend: u32) {
        if let Some(at) = self.events.conditions.of(backend).and_then(|condition| condition.next_step(self.now)) {
            self.agenda.push(at, Rank::Answer, Item::WarmUp(backend));
        }
    }
}
