//! The way of a request in an eventful cell: it sets out, its balancer chooses, it tries again, and it is concluded.

use super::agenda::{Item, Rank, Timer};
use super::caller::Asked;
use super::errands::{Errand, State};
use super::network::Way;
use super::{Cell, Observer, Request};
use crate::balance::{self, Pick};
use crate::measure::record::Failure;
use crate::slab::NIL;

/// Why an attempt is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    First,
    Retry,
    Hedge,
}

/// A request that has been tried again so often without a pause makes one, or a retry at once without limit would never let time pass.
const MANY_RETRIES: u32 = 100;
const LEAST_PAUSE: u64 = 10_000_000;
/// No product's own rule tries more often.
const MOST_OWN_RETRIES: u32 = 1000;
/// Picks that are made to avoid a backend that has been tried.
const PICKS: u32 = 32;

impl<O: Observer, const EVENTFUL: bool> Cell<'_, O, EVENTFUL> {
    /// A request, or a call, leaves its client.
    pub(super) fn set_out(&mut self, id: u32, errand: Errand) {
        let request = *self.journeys.request(id);
        let instance = self.instance_of(errand.access, &request);
        let ticket = self.events.errands.begin(id, errand);
        self.events.paths.begin(id);
        let callers = &mut self.events.accesses[errand.access as usize].callers;
        if !callers.admit(instance, request.number, self.now) {
            self.agenda.push(self.now, Rank::Answer, Item::Fail(id, ticket, Failure::Shed));
            return;
        }
        let deadline =
            callers.timeout(request.number).map_or(errand.deadline, |timeout| errand.deadline.min(self.now.saturating_add(timeout)));
        if deadline < u64::MAX {
            self.events.errands.errand_mut(id).deadline = deadline;
            self.agenda.set(Timer::Request, deadline, Item::Expire(id, ticket));
        }
        match self.network.delay(&request, Way::In) {
            0 => self.choose(id, Why::First),
            delay => {
                self.events.errands.errand_mut(id).is_awaited = true;
                self.agenda.push(self.now.saturating_add(delay), Rank::Reach, Item::Enter(id));
            }
        }
    }

    /// A request has reached its balancer.
    pub(super) fn enter(&mut self, id: u32) {
        let errand = self.events.errands.errand_mut(id);
        errand.is_awaited = false;
        match errand.state {
            State::Gone => self.free(id),
            _ => self.choose(id, Why::First),
        }
    }

    /// The balancer chooses for an attempt.
    pub(super) fn choose(&mut self, id: u32, why: Why) {
        let request = *self.journeys.request(id);
        let errand = *self.events.errands.errand(id);
        let known = self.known_of(id, self.class_of(errand.root));
        let avoids = match why {
            Why::First => false,
            Why::Hedge => true,
            Why::Retry => self.events.accesses[errand.access as usize].callers.avoids_tried(),
        };
        let now = self.now;
        let mut pick = self.tier_of(errand.access).pick(&known, &request, now);
        let mut picks = 1;
        while let Pick::Backend(backend) = pick
            && avoids
            && picks < PICKS
            && self.events.errands.has_tried(id, backend.0)
        {
            self.tier_of(errand.access).hang_up(&request);
            pick = self.tier_of(errand.access).pick(&known, &request, now);
            picks += 1;
        }
        if O::PICKS {
            self.tell_pick(errand.access, &request, pick);
        }
        if self.reports.is_some() && self.reports_to(errand.access) == balance::Reports::Probes {
            self.probe(id);
        }
        match pick {
            Pick::Backend(backend) if why == Why::Hedge && self.events.errands.has_tried(id, backend.0) => {}
            Pick::Backend(backend) => self.send_attempt(id, backend.0, 0, why),
            _ if why == Why::Hedge => {}
            Pick::Wait => self.hold(id),
            Pick::None => self.attempt_failed(id, Failure::NoBackend),
        }
    }

    /// An attempt has failed: the request waits for another that is out, tries again, or has failed.
    pub(super) fn attempt_failed(&mut self, id: u32, cause: Failure) {
        let errand = self.events.errands.errand_mut(id);
        errand.cause = cause;
        if errand.out != NIL {
            return;
        }
        let errand = *errand;
        let request = *self.journeys.request(id);
        let instance = self.instance_of(errand.access, &request);
        let counts_share = self.events.accesses[errand.access as usize].callers.counts_in_flight();
        let in_flight = if counts_share { self.tier_of(errand.access).in_flight_in_all(instance) } else { 0 };
        if self.product_retries(&request, &errand) {
            self.events.errands.errand_mut(id).retries += 1;
            let ticket = self.events.errands.ticket_of(id);
            return self.agenda.push(self.now, Rank::Timeout, Item::Again(id, ticket));
        }
        let asked = Asked { number: request.number, cause, retries: errand.retries, pause: errand.pause, in_flight, now: self.now };
        let callers = &mut self.events.accesses[errand.access as usize].callers;
        if errand.is_retrying {
            callers.retrying(instance, false);
        }
        let Some(pause) = callers.retry(instance, &asked) else {
            self.events.errands.errand_mut(id).is_retrying = false;
            return self.fail_errand(id, cause);
        };
        callers.retrying(instance, true);
        let pause = if pause > 0 || errand.retries < MANY_RETRIES { pause } else { LEAST_PAUSE };
        let errand = self.events.errands.errand_mut(id);
        (errand.retries, errand.pause, errand.is_retrying, errand.state) = (errand.retries + 1, pause, true, State::Pausing);
        let ticket = self.events.errands.ticket_of(id);
        self.agenda.push(self.now.saturating_add(pause), Rank::Timeout, Item::Again(id, ticket));
    }

    /// Whether the product tries again by its own rule, where the scenario does not say what callers do.
    fn product_retries(&mut self, request: &Request, errand: &Errand) -> bool {
        if self.events.accesses[errand.access as usize].callers.rules.retry.is_some() || errand.tries == 0 {
            return false;
        }
        let known = request.known(self.class_of(errand.root));
        let now = self.now;
        errand.retries < MOST_OWN_RETRIES && self.tier_of(errand.access).retries(&known, request, now)
    }

    /// A request has its answer.
    pub(super) fn answer(&mut self, id: u32, backend: u32, wait: u64) {
        while self.events.errands.errand(id).out != NIL {
            let loser = self.events.errands.errand(id).out;
            self.give_up(loser, None);
        }
        let request = *self.journeys.request(id);
        match self.network.delay(&request, Way::Out) {
            0 => self.conclude(id, Ok((backend, wait))),
            delay => {
                let errand = self.events.errands.errand_mut(id);
                (errand.state, errand.is_awaited) = (State::Returning, true);
                self.agenda.push(self.now.saturating_add(delay), Rank::Answer, Item::Done { request: id, backend, wait, ok: true });
            }
        }
    }

    /// A request has failed at its balancer.
    pub(super) fn fail_errand(&mut self, id: u32, cause: Failure) {
        let request = *self.journeys.request(id);
        let errand = self.events.errands.errand_mut(id);
        errand.cause = cause;
        match self.network.delay(&request, Way::Out) {
            0 => self.conclude(id, Err(cause)),
            delay => {
                (errand.state, errand.is_awaited) = (State::Returning, true);
                self.agenda.push(
                    self.now.saturating_add(delay),
                    Rank::Answer,
                    Item::Done { request: id, backend: NIL, wait: 0, ok: false },
                );
            }
        }
    }

    /// Word of a request reaches its client.
    pub(super) fn returned_to_client(&mut self, id: u32, backend: u32, wait: u64, ok: bool) {
        let errand = self.events.errands.errand_mut(id);
        errand.is_awaited = false;
        let errand = *errand;
        match errand.state {
            State::Gone => self.free(id),
            _ => self.conclude(id, if ok { Ok((backend, wait)) } else { Err(errand.cause) }),
        }
    }

    /// The time of a whole request is up.
    pub(super) fn expire(&mut self, id: u32) {
        self.abandon(id, Failure::Timeout);
    }

    /// Whatever is under way for a request is given up, and it fails where it is.
    pub(super) fn abandon(&mut self, id: u32, cause: Failure) {
        if self.events.errands.errand(id).state == State::Held {
            self.unhold(id);
        }
        while self.events.errands.errand(id).out != NIL {
            let attempt = self.events.errands.errand(id).out;
            self.give_up(attempt, Some(cause));
        }
        self.conclude(id, Err(cause));
    }

    /// It is time for another attempt beside those that are out.
    pub(super) fn hedge(&mut self, id: u32) {
        let errand = self.events.errands.errand_mut(id);
        if errand.state == State::Out && errand.out != NIL && errand.timer == Some(self.now) {
            errand.hedges += 1;
            self.choose(id, Why::Hedge);
        }
    }

    /// A request, or a call, is over where it was made.
    pub(super) fn conclude(&mut self, id: u32, outcome: Result<(u32, u64), Failure>) {
        let request = *self.journeys.request(id);
        let errand = *self.events.errands.errand(id);
        let now = self.now;
        let tier = self.tier_of(errand.access);
        let instance = tier.instance_of(&request);
        tier.over(&request);
        if errand.is_retrying {
            self.events.accesses[errand.access as usize].callers.retrying(instance, false);
        }
        (self.events.last_progress, self.events.last_over) = (now, now);
        let service = self.events.accesses[errand.access as usize].service;
        self.observer.served(&request, service, outcome.is_ok().then(|| self.events.paths.of(id)), now);
        if errand.parent == NIL {
            match outcome {
                Ok((backend, wait)) => {
                    if O::TIMES {
                        let (on_the_way, before) = self.events.ways.of(id, now);
                        self.observer.timed(&request, on_the_way, before);
                    }
                    self.observer.succeeded(&request, backend, wait, now);
                }
                Err(cause) => self.observer.failed(&request, cause, now),
            }
            self.books.ended(&request, now);
        } else {
            self.call_ended(id, &errand, outcome.is_ok());
        }
        if errand.is_awaited {
            self.events.errands.retire(id);
        } else {
            self.free(id);
        }
        if self.any_closed && errand.parent == NIL {
            self.think(request.source, request.client);
        }
    }
}
