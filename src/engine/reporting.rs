//! How reports of backends come to the balancers that listen: by answers, by probes, or once a backend is idle. What they say is in [`super::reports`].

use super::agenda::{Item, Rank};
use super::network::Way;
use super::reports::Message;
use super::{Cell, Observer, Request};
use crate::balance;
use crate::fleet::Attempt;

impl<O: Observer, const EVENTFUL: bool> Cell<'_, O, EVENTFUL> {
    /// The access that an attempt was made through.
    fn access_of(&self, attempt: u32) -> u16 {
        if EVENTFUL { self.events.errands.trip(attempt).access } else { 0 }
    }

    /// How backends report to the balancer of an access.
    pub(super) fn reports_to(&mut self, access: u16) -> balance::Reports {
        self.tier_of(access).listens_to_reports()
    }

    /// Sends the probes that the balancer of a request asks for.
    #[cold]
    #[inline(never)]
    pub(super) fn probe(&mut self, id: u32) {
        let request = *self.journeys.request(id);
        let (access, now) = (if EVENTFUL { self.events.errands.errand(id).access } else { 0 }, self.now);
        let tier = self.tier_of(access);
        let (instance, first) = (tier.instance_of(&request), tier.first());
        for backend in tier.probes(instance, now) {
            let reports = self.reports.as_mut().expect("asked by who has them");
            let message = Message { access, instance, backend: first + backend, number: reports.next_number(), ..Message::default() };
            let way = Request { number: message.number, source: request.source, client: request.client, ..Request::default() };
            match self.network.delay(&way, Way::To(message.backend)) {
                0 => self.probed(message, &way),
                delay => {
                    let slot = reports.keep(message);
                    self.agenda.push(self.now.saturating_add(delay), Rank::Reach, Item::Probe(slot));
                }
            }
        }
    }

    /// A probe comes to the end of its way.
    pub(super) fn probe_arrives(&mut self, slot: u32) {
        let message = self.reports.as_mut().expect("sent by who has them").take(slot);
        self.probed(message, &Request::default());
    }

    /// A report comes to the end of its way.
    pub(super) fn report_arrives(&mut self, slot: u32) {
        let message = self.reports.as_mut().expect("sent by who has them").take(slot);
        self.reported(&message);
    }

    /// A probe has reached its backend, which answers.
    #[inline(never)]
    fn probed(&mut self, message: Message, way: &Request) {
        let reports = self.reports.as_mut().expect("asked by who has them");
        let report = reports.report(message.backend, &mut self.fleet, self.now);
        self.report(Message { report, ..message }, way);
    }

    /// A report leaves its backend for an instance.
    #[inline(never)]
    fn report(&mut self, message: Message, way: &Request) {
        let way = Request { number: message.number, ..*way };
        match self.network.delay(&way, Way::From(message.backend)) {
            0 => self.reported(&message),
            delay => {
                let slot = self.reports.as_mut().expect("sent by who has them").keep(message);
                self.agenda.push(self.now.saturating_add(delay), Rank::Answer, Item::Report(slot));
            }
        }
    }

    /// A report reaches its instance.
    fn reported(&mut self, message: &Message) {
        let now = self.now;
        let tier = self.tier_of(message.access);
        let local = message.backend - tier.first();
        tier.reported(message.instance, local, &message.report, now);
    }

    /// A backend takes note of an attempt that it has taken.
    #[cold]
    #[inline(never)]
    pub(super) fn note_arrival(&mut self, attempt: u32, backend: u32) {
        if let Some(reports) = &mut self.reports {
            reports.came(attempt, backend, self.now);
        }
    }

    /// An answer brings what its backend said with it.
    #[cold]
    #[inline(never)]
    pub(super) fn bring_report(&mut self, id: u32, attempt: &Attempt, ok: bool) {
        let access = self.access_of(id);
        if !ok || self.reports_to(access) != balance::Reports::Answers {
            return;
        }
        let Some(report) = self.reports.as_ref().map(|reports| reports.said(id)) else { return };
        let request = *self.journeys.request(self.journeys.request_of(id));
        let instance = self.tier_of(access).instance_of(&request);
        self.reported(&Message { access, instance, backend: attempt.backend, report, number: 0 });
    }

    /// An attempt is done at its backend, which takes note and may say so.
    #[cold]
    #[inline(never)]
    pub(super) fn note_completion(&mut self, id: u32, attempt: &Attempt) {
        let access = self.access_of(id);
        let kind = self.reports_to(access);
        let Some(reports) = &mut self.reports else { return };
        let is_idle = reports.left(id, attempt, self.now);
        if EVENTFUL && self.events.errands.trip(id).cause.is_some() {
            reports.erred(attempt.backend);
        }
        if kind == balance::Reports::Answers {
            reports.say(id, attempt.backend, &mut self.fleet, self.now);
        }
        if is_idle && kind == balance::Reports::Idle {
            let instances = self.tier_of(access).instance_count();
            let Some(reports) = &mut self.reports else { return };
            let (instance, number) = (reports.draw_instance(instances), reports.next_number());
            let way = *self.journeys.request(self.journeys.request_of(id));
            self.report(
                Message { access, instance, backend: attempt.backend, number, ..Message::default() },
                &Request { attempts: 0, ..way },
            );
        }
    }

    /// A backend that reports no longer has an attempt.
    pub(super) fn forget_report(&mut self, slot: u32) {
        let backend = self.journeys[slot].backend;
        if let Some(reports) = &mut self.reports {
            reports.lost(backend);
        }
    }
}
