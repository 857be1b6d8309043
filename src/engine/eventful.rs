//! The way of a request to which more can happen than one attempt that is answered: its own file, so that the plain way stays as it is.
//!
//! A request sets out; its balancer chooses; an attempt is sent, and perhaps another beside it; attempts end by an answer, a refusal, a crash or by being
//! given up; the request tries again or is concluded. What happens at once is never done inside what caused it, but put on the agenda for the same
//! instant: a retry after a refusal, the end of a call that could not be made. So nothing here calls itself.

use super::access::{Access, Ways};
use super::agenda::{Item, Rank, Timer};
use super::beliefs::Verdict;
use super::caller::Asked;
use super::conditions::{Conditions, Stand};
use super::errands::{Errand, Errands, Place, State};
use super::network::Way;
use super::observer::Spent;
use super::paths::Paths;
use super::scaling::Scaling;
use super::tier::{Held, Tier};
use super::ways::OnTheWay;
use super::{Cell, Observer, Request};
use crate::balance::{self, Pick};
use crate::dist::Sampler;
use crate::fleet::{Accepted, Attempt};
use crate::measure::record::Failure;
use crate::plan::Plan;
use crate::random::{Numbered, Purpose, derive, mix};
use crate::scenario::Via;
use crate::slab::NIL;
use crate::time::round_ns;

/// What an eventful cell has beside a plain one.
#[derive(Debug)]
pub(super) struct Events {
    pub(super) errands: Errands,
    pub(super) paths: Paths,
    ways: OnTheWay,
    pub(super) accesses: Vec<Access>,
    /// By source: the access that its requests take.
    pub(super) entries: Vec<u16>,
    /// By service: the access that calls to it take, and whether each calling backend balances by itself.
    pub(super) call_access: Vec<u16>,
    pub(super) is_direct: Vec<bool>,
    pub(super) conditions: Conditions,
    pub(super) scaling: Option<Scaling>,
    pub(super) works: Vec<Option<(Sampler, Numbered)>>,
    redraws: Numbered,
    source_works: Vec<Sampler>,
    /// Verdicts that are being carried out.
    pub(super) verdicts: Vec<Verdict>,
    /// The service of each backend.
    pub(super) service_of: Vec<u16>,
    pub(super) probes: Numbered,
    /// Worker-time whose use has been told.
    pub(super) spent: u128,
    /// When a request last got on, and when one was last over.
    pub(super) last_progress: u64,
    pub(super) last_over: u64,
    /// The number of events at which the outside is looked at next.
    pub(super) next_pulse: u64,
    /// When arrivals ended.
    pub(super) closed_at: u64,
}

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

impl Events {
    pub(super) fn new(plan: &Plan, ways: Ways, replication: u64) -> Self {
        let work = |(service, index): (&crate::plan::ServicePlan, u64)| {
            let stream = Numbered::new(derive(plan.seed, replication, Purpose::Work, 1 << 32 | index));
            service.work.as_ref().map(|work| (Sampler::new(work), stream))
        };
        let service_of = plan.services.iter().zip(0..).flat_map(|(service, index)| service.backends.clone().map(move |_| index));
        Self {
            errands: Errands::default(),
            paths: Paths::new(plan.services.len()),
            ways: OnTheWay::default(),
            accesses: ways.accesses,
            entries: ways.entries,
            call_access: ways.call_access,
            is_direct: plan.services.iter().map(|service| service.via == Via::Callers).collect(),
            conditions: Conditions::new(plan, replication),
            scaling: Scaling::new(plan),
            works: plan.services.iter().zip(0..).map(work).collect(),
            redraws: Numbered::new(derive(plan.seed, replication, Purpose::Work, 1 << 33)),
            source_works: plan.sources.iter().map(|source| Sampler::new(&source.work)).collect(),
            verdicts: Vec::new(),
            service_of: service_of.collect(),
            probes: Numbered::new(derive(plan.seed, replication, Purpose::Probes, 0)),
            spent: 0,
            last_progress: 0,
            last_over: 0,
            next_pulse: super::PULSE,
            closed_at: u64::MAX,
        }
    }
}

impl Events {
    /// Whether any balancer but the first is told how backends are.
    pub(super) fn any_reports(&self) -> bool {
        let mut tiers = self.accesses.iter().filter_map(|access| access.tier.as_ref());
        tiers.any(|tier| tier.listens_to_reports() != balance::Reports::Never)
    }
}

impl<O: Observer, const EVENTFUL: bool> Cell<'_, O, EVENTFUL> {
    /// The balancer of an access.
    #[inline]
    pub(super) fn tier_of(&mut self, access: u16) -> &mut Tier {
        self.events.accesses[access as usize].tier.as_mut().unwrap_or(&mut self.tier)
    }

    /// Shows what a balancer has chosen.
    fn tell_pick(&mut self, access: u16, request: &Request, pick: Pick) {
        let tier = self.events.accesses[access as usize].tier.as_ref().unwrap_or(&self.tier);
        self.observer.picked(request, &tier.choice(request, pick, self.now));
    }

    /// A balancer's instance for a request.
    fn instance_of(&mut self, access: u16, request: &Request) -> u32 {
        self.tier_of(access).instance_of(request)
    }

    /// Something of the agenda happens.
    pub(super) fn take(&mut self, item: Item) {
        match item {
            Item::Answered(slot, _) => self.returned(slot),
            Item::Done { request, backend, wait, ok } => self.returned_to_client(request, backend, wait, ok),
            Item::Reach(slot) => self.reach_backend(slot, false),
            Item::Enter(id) => self.enter(id),
            Item::Probe(slot) => {
                let message = self.reports.as_mut().expect("sent by who has them").take(slot);
                self.probed(message, &Request::default());
            }
            Item::Report(slot) => {
                let message = self.reports.as_mut().expect("sent by who has them").take(slot);
                self.reported(&message);
            }
            Item::Send(source, client) => self.arrive_closed(source, client),
            Item::Expire(id, _) => self.expire(id),
            Item::GiveUp(slot, _) => self.time_out(slot),
            Item::Tire(slot, _) => self.tire(slot),
            Item::TireHeld(id, _) => self.tire_held(id),
            Item::Hedge(id, _) => self.hedge(id),
            // Where nobody has been answered for that long after the last arrival, nobody will be.
            Item::Again(..) if self.is_hopeless() => {}
            Item::Again(id, _) => self.choose(id, Why::Retry),
            Item::Fail(id, _, cause) => self.fail_errand(id, cause),
            Item::CallFailed(slot, _) => self.call_failed(slot),
            Item::WarmUp(backend) => self.warm_up(backend),
            Item::Check { access, instance, backend } => self.check(access, instance, backend),
            Item::Checked { access, instance, backend, ok, sent } => self.checked(access, instance, backend, ok, sent),
            Item::Sweep(access) => self.sweep(access),
            Item::Reopen { access, instance, backend } => self.reopen(access, instance, backend),
            Item::Warm { access, instance, backend } => self.warm(access, instance, backend),
            Item::Learn { access, instance, backend, listed } => self.learn(access, instance, backend, listed),
            Item::Ask { access, instance } => self.ask(access, instance),
            Item::Scale => self.scale(),
            Item::Started(number) => self.started(number),
            Item::Drained(number) => self.drained(number),
        }
    }

    // -- setting out

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
        let known = request.known(self.class_of(errand.root));
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
            Pick::Wait => self.hold_errand(id),
            Pick::None => self.attempt_failed(id, Failure::NoBackend),
        }
    }

    /// The balancer holds a request.
    fn hold_errand(&mut self, id: u32) {
        let request = *self.journeys.request(id);
        let access = self.events.errands.errand(id).access;
        let instance = self.instance_of(access, &request);
        let most = self.events.accesses[access as usize].callers.rules.breaker.max_waiting;
        if most.is_some_and(|most| self.tier_of(access).waiting(instance) >= u64::from(most)) {
            return self.attempt_failed(id, Failure::Shed);
        }
        self.overload.hold(self.journeys.work(id), self.now);
        let held = Held { request: id, since: self.now };
        self.tier_of(access).hold(instance, request.number, held);
        self.events.errands.errand_mut(id).state = State::Held;
        let callers = &self.events.accesses[access as usize].callers;
        if let Some(patience) = callers.patience(request.number, u32::from(request.attempts)) {
            let ticket = self.events.errands.ticket_of(id);
            self.agenda.set(Timer::Patience, self.now.saturating_add(patience), Item::TireHeld(id, ticket));
        }
    }

    /// A held request goes nowhere any more.
    fn unhold(&mut self, id: u32) {
        let request = *self.journeys.request(id);
        let access = self.events.errands.errand(id).access;
        let instance = self.instance_of(access, &request);
        self.tier_of(access).let_go(instance, request.number);
        self.overload.release(self.journeys.work(id));
    }

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
        if callers.hedges()
            && let Some(after) = callers.hedge(instance, request.number, hedges)
        {
            let ticket = self.events.errands.ticket_of(id);
            self.agenda.set(Timer::Hedge, self.now.saturating_add(after), Item::Hedge(id, ticket));
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
    fn way(&self, request: &Request, backend: u32, way: Way) -> u64 {
        let is_back = matches!(way, Way::From(_));
        let draw = mix(request.number ^ u64::from(request.attempts) << 56 ^ u64::from(is_back) << 55);
        self.network.delay(request, way).saturating_add(self.events.conditions.latency(backend, draw))
    }

    /// Whether something is lost on its way.
    fn is_lost(&mut self, slot: u32, request: &Request, backend: u32, way: Way) -> bool {
        if self.events.conditions.of(backend).is_none() {
            return false;
        }
        let access = self.events.errands.trip(slot).access;
        let stand = Stand {
            zone: self.network.stand(request),
            instance: (access == 0).then(|| self.tier.instance_of(request)),
            backend: self.network.caller(request),
        };
        let is_back = matches!(way, Way::From(_));
        let draw = mix(request.number ^ u64::from(request.attempts) << 56 ^ u64::from(is_back) << 55);
        self.events.conditions.loses(backend, draw, stand)
    }

    // -- at the backend

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
        let now = self.now;
        let ready_at = self.fleet.ready_at(backend);
        let tier = self.tier_of(access);
        if tier.sees_truth() {
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
        let (now, backend) = (self.now, self.journeys[slot].backend);
        let ready_at = self.fleet.ready_at(backend);
        let tier = self.tier_of(access);
        if tier.sees_truth() {
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

    // -- the end of an attempt

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
        if !is_loser {
            self.events.accesses[access as usize].callers.ended(instance, cause, latency, now);
            self.believe_ended(access, instance, local, ok);
        }
    }

    /// A request has its answer.
    fn answer(&mut self, id: u32, backend: u32, wait: u64) {
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

    /// A request has failed at its balancer.
    fn fail_errand(&mut self, id: u32, cause: Failure) {
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

    /// A backend that reports no longer has an attempt.
    pub(super) fn forget_report(&mut self, slot: u32) {
        let backend = self.journeys[slot].backend;
        if let Some(reports) = &mut self.reports {
            reports.lost(backend);
        }
    }

    // -- timers

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

    /// The patience with a held request is over.
    pub(super) fn tire_held(&mut self, id: u32) {
        if self.events.errands.errand(id).state == State::Held {
            self.abandon(id, Failure::Timeout);
        }
    }

    /// It is time for another attempt beside those that are out.
    pub(super) fn hedge(&mut self, id: u32) {
        let errand = self.events.errands.errand_mut(id);
        if errand.state == State::Out && errand.out != NIL {
            errand.hedges += 1;
            self.choose(id, Why::Hedge);
        }
    }

    // -- the end of a request

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

    // -- requests that balancers hold

    /// For oracles that hold requests: something may be free now.
    pub(super) fn serve_held_of(&mut self, access: u16) {
        let tier = self.tier_of(access);
        if tier.holds_any() && tier.sees_truth() {
            self.send_held_by(access, 0);
        }
    }

    /// Something has ended for the instance of a request: what it holds may go now.
    fn send_held_of(&mut self, access: u16, request: &Request) {
        let tier = self.tier_of(access);
        if tier.holds_any() && !tier.sees_truth() {
            let instance = tier.instance_of(request);
            self.send_held_by(access, instance);
        }
    }

    /// Sends what an instance holds, as far as it now can.
    pub(super) fn send_held_by(&mut self, access: u16, instance: u32) {
        let now = self.now;
        while let Some((number, backend)) = self.tier_of(access).whose_turn(instance, now) {
            let held = self.tier_of(access).held(instance, number);
            let request = *self.journeys.request(held.request);
            let root = self.events.errands.errand(held.request).root;
            let known: balance::Request<'_> = request.known(self.class_of(root));
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
            let why = if self.events.errands.errand(held.request).retries > 0 { Why::Retry } else { Why::First };
            match pick {
                Pick::Backend(backend) => self.send_attempt(held.request, backend.0, now - held.since, why),
                Pick::None => self.attempt_failed(held.request, Failure::NoBackend),
                Pick::Wait => unreachable!("returned above"),
            }
        }
    }
}
