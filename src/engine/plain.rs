//! The way of a request to which nothing more can happen than one attempt that is answered or refused: the fast way of cells that are not eventful.

use super::agenda::{Item, Rank};
use super::network::Way;
use super::{Cell, Observer, Request};
use crate::balance::{self, Pick};
use crate::fleet::{Accepted, Attempt};
use crate::measure::record::Failure;

impl<O: Observer, const EVENTFUL: bool> Cell<'_, O, EVENTFUL> {
    /// Something of the agenda happens.
    #[inline]
    pub(super) fn take_plain(&mut self, item: Item) {
        match item {
            Item::Answered(id, ok) => {
                let attempt = self.journeys[id];
                self.fleet.answered(&attempt, self.now);
                self.answered(id, &attempt, ok);
            }
            Item::Done { request, backend, wait, ok } => self.done(request, backend, wait, ok),
            Item::Reach(id) => {
                let backend = self.journeys[id].backend;
                self.reach(id, backend, self.journeys.request_of(id), false);
            }
            Item::Enter(id) => {
                let known = self.known(id);
                self.dispatch(id, &known, 0);
            }
            Item::Probe(slot) => self.probe_arrives(slot),
            Item::Report(slot) => self.report_arrives(slot),
            Item::Send(source, client) => self.arrive_closed(source, client),
            _ => unreachable!("only eventful cells put this on the agenda"),
        }
    }

    /// The request stands at its balancer, where it has been held so long.
    #[inline(always)]
    pub(super) fn dispatch(&mut self, id: u32, known: &balance::Request<'_>, held: u64) {
        let pick = self.tier.pick(known, self.journeys.request(id), self.now);
        if O::PICKS {
            let request = *self.journeys.request(id);
            self.tell_pick(0, &request, pick);
        }
        if self.reports.is_some() {
            self.probe(id);
        }
        match pick {
            Pick::Backend(backend) => self.send(id, backend.0, held),
            Pick::Wait => self.hold(id),
            Pick::None => self.fail(id, Failure::NoBackend),
        }
    }

    /// An attempt leaves for a backend.
    #[inline(always)]
    pub(super) fn send(&mut self, id: u32, backend: u32, held: u64) {
        let work = self.journeys.work(id);
        let attempt = self.journeys.attempt(id, Attempt::new(work, backend, self.now, held));
        let request = self.journeys.request_mut(id);
        self.tier.sent(request, backend, self.now);
        request.attempts += 1;
        self.observer.sent(request, backend);
        match self.network.delay(request, Way::To(backend)) {
            0 => self.reach(attempt, backend, id, true),
            delay => {
                self.fleet.send(backend, self.now);
                self.agenda.push(self.now.saturating_add(delay), Rank::Reach, Item::Reach(attempt));
            }
        }
    }

    /// An attempt reaches its backend.
    #[inline(always)]
    fn reach(&mut self, attempt: u32, backend: u32, request: u32, sent: bool) {
        let priority = if self.any_priority { self.plan.sources[self.journeys.request(request).source as usize].priority } else { 0 };
        let accepted = self.fleet.accept(&mut self.journeys, attempt, priority, self.now, sent);
        if self.tier.sees_truth() {
            self.tier.ready(backend, self.fleet.ready_at(backend), self.now);
        }
        match accepted {
            Accepted::Refused => self.refuse(attempt),
            Accepted::Yes if self.reports.is_some() => self.note_arrival(attempt, backend),
            Accepted::Yes | Accepted::Swallowed => {}
        }
    }

    #[inline(never)]
    fn refuse(&mut self, id: u32) {
        let attempt = self.journeys[id];
        if self.leave_backend(id, &attempt, false) {
            self.fleet.answered(&attempt, self.now);
            self.answered(id, &attempt, false);
        }
        self.serve_held_of(0);
    }

    /// A backend has done with an attempt.
    #[inline(always)]
    pub(super) fn complete(&mut self, backend: u32, now: u64) {
        self.now = now;
        let (id, attempt) = self.fleet.complete(&mut self.journeys, backend, now, self.network.absent);
        if self.reports.is_some() {
            self.note_completion(id, &attempt);
        }
        if self.network.absent {
            if self.tier.sees_truth() {
                self.tier.completed(backend, self.fleet.ready_at(backend), now);
            }
            self.answered(id, &attempt, true);
        } else if self.leave_backend(id, &attempt, true) {
            self.fleet.answered(&attempt, now);
            self.answered(id, &attempt, true);
        }
        self.serve_held_of(0);
    }

    /// An answer, or a refusal, leaves a backend. Whether it is there at once.
    #[inline(never)]
    fn leave_backend(&mut self, id: u32, attempt: &Attempt, ok: bool) -> bool {
        if self.tier.sees_truth() {
            self.tier.completed(attempt.backend, self.fleet.ready_at(attempt.backend), self.now);
        }
        let delay = self.network.delay(self.journeys.request(self.journeys.request_of(id)), Way::From(attempt.backend));
        if delay > 0 {
            self.agenda.push(self.now.saturating_add(delay), Rank::Answer, Item::Answered(id, ok));
        }
        delay == 0
    }

    /// An answer, or a refusal, reaches the balancer that sent the attempt.
    #[inline(always)]
    fn answered(&mut self, id: u32, attempt: &Attempt, ok: bool) {
        let latency = self.now - attempt.sent;
        let of = self.journeys.request_of(id);
        if self.reports.is_some() {
            self.bring_report(id, attempt, ok);
        }
        let request = self.journeys.request(of);
        self.tier.ended(request, attempt.backend, ok, latency, self.now);
        if ok {
            self.observer.answered(request, attempt.backend, latency);
        } else {
            self.tier.hang_up(request);
            if O::PICKS {
                self.observer.lost(request, attempt.backend, Some(Failure::Refused), self.now);
            }
        }
        match self.network.delay(request, Way::Out) {
            0 => self.done(of, attempt.backend, attempt.wait, ok),
            delay => self.agenda.push(
                self.now.saturating_add(delay),
                Rank::Answer,
                Item::Done { request: of, backend: attempt.backend, wait: attempt.wait, ok },
            ),
        }
        if self.tier.holds_any() && !self.tier.sees_truth() {
            let instance = self.tier.instance_of(self.journeys.request(of));
            self.send_held(0, instance);
        }
    }

    /// The answer reaches the client.
    #[inline(always)]
    fn done(&mut self, id: u32, backend: u32, wait: u64, ok: bool) {
        if ok {
            if O::TIMES && !self.network.absent {
                self.observer.timed(self.journeys.request(id), self.on_the_way(id, backend), 0);
            }
            self.observer.succeeded(self.journeys.request(id), backend, wait, self.now);
            self.end(id);
        } else {
            self.fail(id, Failure::Refused);
        }
    }

    /// How long a request of one attempt was on the way.
    fn on_the_way(&self, id: u32, backend: u32) -> u64 {
        let request = self.journeys.request(id);
        let ways = [Way::To(backend), Way::From(backend), Way::Out].map(|way| self.network.delay(request, way));
        self.network.delay(&Request { attempts: 0, ..*request }, Way::In) + ways.iter().sum::<u64>()
    }

    #[inline(never)]
    pub(super) fn fail(&mut self, id: u32, cause: Failure) {
        self.observer.failed(self.journeys.request(id), cause, self.now);
        self.end(id);
    }

    /// The request leaves the system.
    #[inline(always)]
    fn end(&mut self, id: u32) {
        let request = self.journeys.request(id);
        self.books.ended(request, self.now);
        self.tier.over(request);
        let (source, client) = (request.source, request.client);
        self.journeys.end(id);
        if self.any_closed {
            self.think(source, client);
        }
    }
}
