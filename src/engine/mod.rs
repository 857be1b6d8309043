//! The event loop: one cell, one thread, no clock, no chance of its own.
//!
//! Four cursors say what is next: the fleet's tree of completions, the traffic's next arrival, the agenda of everything that was put off, and
//! the next change of state. The loop takes the least. At one instant changes come first, then completions (the lower backend
//! first), answers, attempts that reach their backend, and arrivals last, in order of their making.
//!
//! What is measured is the [`Observer`]'s affair; the engine knows only when to tell it. At the end of every cell, in release builds too, the
//! engine checks its own books: every arrival has ended in exactly one way, and the integral of the number in the system is the sum of the
//! sojourns, to the nanosecond, for each backend and in all.

mod access;
mod agenda;
mod alarms;
mod beliefs;
mod books;
mod caller;
mod calls;
mod closed;
mod conditions;
mod errands;
mod eventful;
mod journeys;
mod network;
mod observer;
mod overload;
mod paths;
mod reports;
mod scaling;
mod tier;
mod troubles;
mod watching;
mod ways;

use crate::balance::{self, Pick};
use crate::fleet::{Accepted, Attempt, Fleet};
use crate::measure::record::Failure;
use crate::plan::{Plan, WarmupPlan};
use crate::random::below;
use crate::scenario::Length;
use crate::slab::NIL;
use crate::time::{SimTime, round_ns};
use crate::traffic::{Arrival, SourcePlan, Traffic};
pub use observer::{Choice, Edge, Ending, Observer, Request, Seen, Spent, Stopped};

use agenda::{Agenda, Item, Rank};
use books::Books;
use closed::Closed;
use journeys::Journeys;
use network::{Network, Way};
use overload::Overload;
use reports::{Message, Reports};
use tier::{Held, Tier};

use access::Accesses;
use errands::Errand;
use eventful::Events;

const NEVER: u64 = u64::MAX;

/// How many arrivals pass between two looks at the outside world.
pub const PULSE: u64 = 1 << 16;

/// One cell, running. Where it is not eventful, every request is one attempt that is answered, refused at once, or waits; all that more can happen is
/// compiled away.
struct Cell<'p, O, const EVENTFUL: bool> {
    plan: &'p Plan,
    observer: O,
    now: u64,
    traffic: Traffic,
    fleet: Fleet,
    tier: Tier,
    /// Where the balancer listens to backends.
    reports: Option<Reports>,
    network: Network,
    agenda: Agenda,
    journeys: Journeys,
    closed: Vec<Option<Closed>>,
    /// Whether any source is closed.
    any_closed: bool,
    /// Requests have no drawn key, no client and one instance: nothing to look up.
    plain_requests: bool,
    any_priority: bool,
    ends: Ends,
    books: Books,
    window: Window,
    overload: Overload,
    /// The next change of state: a renewal of the view, the end of the warm-up, the middle, the end of arrivals.
    change: u64,
    /// The number of arrivals at which the outside is looked at next.
    next_pulse: u64,
    /// The number of arrivals at which something is to be done next.
    milestone: u64,
    /// What only an eventful cell looks at.
    events: Events,
}

/// How a cell came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Close {
    /// There is nothing left to do.
    Done,
    /// There were too many requests in the system.
    Full,
}

/// When arrivals end.
#[derive(Debug)]
struct Ends {
    arriving: bool,
    /// After so many, or from this instant on.
    after: u64,
    at: u64,
}

/// Where the measured window begins.
#[derive(Debug)]
struct Window {
    /// Requests left out, where the warm-up is given so; else `u64::MAX`.
    skip: u64,
    /// The instant, where it is given so, until it has passed; else `u64::MAX`.
    opens_at: u64,
    open: bool,
}

/// Runs one cell. `pulse` is called every [`PULSE`] arrivals with their number so far and says whether to go on.
///
/// # Errors
/// [`Stopped`] where `pulse` said so, or where the balancer is in trouble.
pub fn run<O: Observer>(
    plan: &Plan,
    balancer: usize,
    replication: u32,
    observer: O,
    pulse: &mut dyn FnMut(u64) -> bool,
) -> Result<(O, Ending), Stopped> {
    if plan.is_eventful() {
        run_cell(Cell::<O, true>::new(plan, balancer, u64::from(replication), observer), pulse)
    } else {
        run_cell(Cell::<O, false>::new(plan, balancer, u64::from(replication), observer), pulse)
    }
}

fn run_cell<O: Observer, const EVENTFUL: bool>(
    mut cell: Cell<'_, O, EVENTFUL>,
    pulse: &mut dyn FnMut(u64) -> bool,
) -> Result<(O, Ending), Stopped> {
    let close = cell.run(pulse)?;
    cell.trouble()?;
    Ok(cell.finish(close))
}

impl<'p, O: Observer, const EVENTFUL: bool> Cell<'p, O, EVENTFUL> {
    fn new(plan: &'p Plan, balancer: usize, replication: u64, observer: O) -> Self {
        let closed: Vec<_> = plan.sources.iter().zip(0..).map(|(source, index)| Closed::new(plan, source, replication, index)).collect();
        let (after, at) = match plan.length {
            Length::Requests(requests) => (requests, NEVER),
            Length::Duration(duration) => (u64::MAX, duration.0),
        };
        let (skip, opens_at) = match plan.warmup {
            WarmupPlan::Requests(skip) => (skip, NEVER),
            WarmupPlan::Time(time) => (u64::MAX, time),
        };
        let Accesses { tier, events } = Accesses::new(plan, balancer, replication);
        let plain_source = |source: &SourcePlan| source.keys.is_none() && source.clients.is_none();
        let mut cell = Self {
            plan,
            observer,
            now: 0,
            traffic: Traffic::new(&plan.sources, plan.seed, replication),
            fleet: Fleet::new(&plan.groups, 100.0 * plan.mean_work),
            network: Network::new(plan, replication),
            agenda: Agenda::default(),
            journeys: Journeys::default(),
            any_closed: closed.iter().any(Option::is_some),
            closed,
            plain_requests: plan.sources.iter().all(plain_source) && tier.is_single(),
            reports: Reports::new(plan, tier.listens_to_reports() != balance::Reports::Never || events.any_reports(), replication),
            tier,
            any_priority: plan.sources.iter().any(|source| source.priority != 0),
            ends: Ends { arriving: true, after, at },
            books: Books::default(),
            window: Window { skip, opens_at, open: false },
            overload: Overload::new(plan),
            change: 0,
            next_pulse: PULSE,
            milestone: 0,
            events,
        };
        cell.find_next_milestone();
        if skip == 0 {
            cell.open_window();
        }
        cell.start_closed_clients();
        if EVENTFUL {
            cell.apply_faults();
            cell.start_watching();
        }
        cell.find_next_change();
        cell
    }

    /// The loop.
    fn run(&mut self, pulse: &mut dyn FnMut(u64) -> bool) -> Result<Close, Stopped> {
        loop {
            let arrival = if self.ends.arriving { self.traffic.peek().at } else { NEVER };
            let look = if O::LOOKS { self.observer.next_look() } else { NEVER };
            // Completions up to the next other thing; those at the same instant go before it, unless it is a change of state.
            loop {
                let mut bound = arrival.min(self.agenda.next()).min(self.change.saturating_sub(1));
                if O::LOOKS {
                    bound = bound.min(look.saturating_sub(1));
                }
                let completion = self.fleet.next_completion();
                if completion.at > bound || completion.at == NEVER {
                    break;
                }
                if EVENTFUL {
                    self.work_done(completion.backend, completion.at);
                } else {
                    self.complete(completion.backend, completion.at);
                }
            }
            let other = arrival.min(self.agenda.next());
            if O::LOOKS && self.is_time_to_look(look, other) {
                self.look(look);
                continue;
            }
            if self.change <= other {
                let next = other.min(self.fleet.next_completion().at);
                let goes_on = self.change < NEVER && (self.any_closed && self.ends.arriving || EVENTFUL && self.books.in_system > 0);
                if next == NEVER && !goes_on {
                    return Ok(Close::Done);
                }
                self.change_state(next);
            } else if arrival < self.agenda.next() {
                let arrival = self.traffic.pull();
                self.arrive_open(arrival);
            } else {
                self.take_from_agenda();
            }
            if self.books.in_system >= self.plan.max_in_flight {
                return Ok(Close::Full);
            }
            // Retries and probes may go on for long without an arrival.
            if self.books.arrived >= self.next_pulse || EVENTFUL && self.books.events >= self.events.next_pulse {
                self.next_pulse = self.books.arrived + PULSE;
                self.events.next_pulse = self.books.events + 16 * PULSE;
                if !pulse(self.books.arrived) {
                    return Err(Stopped::Interrupted);
                }
                self.trouble()?;
            }
        }
    }

    /// Whether a look comes before anything else happens: nothing changes until then.
    #[inline]
    fn is_time_to_look(&self, look: u64, other: u64) -> bool {
        // Nearly always something else comes first.
        look <= other && {
            let next = other.min(self.change).min(self.fleet.next_completion().at);
            look <= next && next < NEVER
        }
    }

    #[cold]
    #[inline(never)]
    fn look(&mut self, at: u64) {
        let conditions = &self.events.conditions;
        let seen = |(account, backend)| Seen { account, is_there: !EVENTFUL || conditions.is_there(backend) };
        self.observer.look(at, &mut self.fleet.accounts(at).zip(0..).map(seen));
    }

    /// What trouble a balancer is in.
    fn trouble(&self) -> Result<(), Stopped> {
        self.tier.trouble()?;
        self.events.accesses.iter().filter_map(|access| access.tier.as_ref()).try_for_each(Tier::trouble)
    }

    // -- arrivals

    #[inline(always)]
    fn arrive_open(&mut self, arrival: Arrival) {
        self.now = arrival.at;
        let number = self.books.arrived;
        let (key, client) = if self.plain_requests { (number, 0) } else { self.key_and_client(&arrival) };
        self.arrive(arrival.work, key, client, arrival.source);
        if self.traffic.peek().at >= self.ends.at && !self.any_closed {
            self.end_arrivals();
        }
    }

    #[inline(never)]
    fn key_and_client(&self, arrival: &Arrival) -> (u64, u32) {
        let source = self.traffic.source(arrival.source);
        let clients = self.plan.sources[arrival.source as usize].clients;
        let client = clients.map_or(0, |clients| below(source.client_bits(arrival.index), u64::from(clients.count)));
        (source.key(arrival.index).unwrap_or(self.books.arrived), client as u32)
    }

    #[inline(always)]
    fn arrive(&mut self, work: u64, key: u64, client: u32, source: u16) {
        let number = self.books.arrived;
        let measured = self.window.open;
        self.books.arrived(self.now, measured);
        let id = self.journeys.begin(Request { arrival: self.now, key, number, client, source, attempts: 0, measured }, work);
        self.observer.arrived(self.journeys.request(id));
        if self.books.arrived == self.milestone {
            self.pass_milestone();
        }
        if EVENTFUL {
            let access = self.events.entries[source as usize];
            return self.set_out(id, Errand::new(access, source, NIL));
        }
        match self.network.delay(self.journeys.request(id), Way::In) {
            // Said again, as it was just written: reading it back at once would wait for the stores.
            0 => self.dispatch(
                id,
                &balance::Request { id: number, key, client, class: self.class_of(source), ..balance::Request::default() },
                0,
            ),
            delay => self.agenda.push(self.now.saturating_add(delay), Rank::Reach, Item::Enter(id)),
        }
    }

    /// The numbers of arrivals at which something is to be done: the end of the warm-up, the middle, the last one.
    #[cold]
    #[inline(never)]
    fn pass_milestone(&mut self) {
        let arrived = self.books.arrived;
        if arrived == self.window.skip {
            self.open_window();
        }
        if arrived == self.overload.middle_request {
            self.overload.take_middle(self.now, &mut self.fleet);
        }
        if arrived == self.ends.after {
            self.end_arrivals();
        }
        self.find_next_milestone();
    }

    fn find_next_milestone(&mut self) {
        let all = [self.window.skip, self.overload.middle_request, self.ends.after];
        self.milestone = all.into_iter().filter(|&at| at > self.books.arrived).min().unwrap_or(NEVER);
    }

    /// Every closed client thinks before its first request.
    fn start_closed_clients(&mut self) {
        for source in 0..self.closed.len() as u16 {
            let clients = self.closed[source as usize].as_ref().map_or(0, |closed| closed.made.len() as u32);
            (0..clients).for_each(|client| self.think(source, client));
        }
    }

    /// A closed client thinks; then it sends.
    fn think(&mut self, source: u16, client: u32) {
        let Some(closed) = &mut self.closed[source as usize] else { return };
        let number = closed.number(client);
        let think = round_ns(closed.think.sample(&closed.stream, number));
        self.agenda.push(self.now.saturating_add(think), Rank::Arrival, Item::Send(source, client));
    }

    fn arrive_closed(&mut self, source: u16, client: u32) {
        if !self.ends.arriving {
            return;
        }
        let closed = self.closed[source as usize].as_mut().expect("only closed clients are on the agenda");
        let index = closed.number(client);
        closed.made[client as usize] += 1;
        let source_traffic = self.traffic.source(source);
        let (work, key) = (source_traffic.work(index), source_traffic.key(index).unwrap_or(self.books.arrived));
        self.arrive(work, key, client, source);
    }

    // -- the way of a request

    /// The class of a source's requests, for balancers that let some go first.
    #[inline]
    fn class_of(&self, source: u16) -> i32 {
        if self.any_priority { self.plan.sources[source as usize].priority.clamp(i32::MIN.into(), i32::MAX.into()) as i32 } else { 0 }
    }

    /// What a balancer may know of a request.
    fn known(&self, id: u32) -> balance::Request<'static> {
        let request = self.journeys.request(id);
        request.known(self.class_of(request.source))
    }

    /// The request stands at its balancer, where it has been held so long.
    #[inline(always)]
    fn dispatch(&mut self, id: u32, known: &balance::Request<'_>, held: u64) {
        let pick = self.tier.pick(known, self.journeys.request(id), self.now);
        if O::PICKS {
            let request = self.journeys.request(id);
            self.observer.picked(request, &self.tier.choice(request, pick, self.now));
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

    // -- what backends say of themselves

    /// The access that an attempt was made through.
    fn access_of(&self, attempt: u32) -> u16 {
        if EVENTFUL { self.events.errands.trip(attempt).access } else { 0 }
    }

    /// How backends report to the balancer of an access.
    fn reports_to(&mut self, access: u16) -> balance::Reports {
        self.tier_of(access).listens_to_reports()
    }

    /// Sends the probes that the balancer of a request asks for.
    #[cold]
    #[inline(never)]
    fn probe(&mut self, id: u32) {
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
    fn note_arrival(&mut self, attempt: u32, backend: u32) {
        if let Some(reports) = &mut self.reports {
            reports.came(attempt, backend, self.now);
        }
    }

    /// An answer brings what its backend said with it.
    #[cold]
    #[inline(never)]
    fn bring_report(&mut self, id: u32, attempt: &Attempt, ok: bool) {
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
    fn note_completion(&mut self, id: u32, attempt: &Attempt) {
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

    #[inline(never)]
    fn hold(&mut self, id: u32) {
        self.overload.hold(self.journeys.work(id), self.now);
        let request = self.journeys.request(id);
        let instance = self.tier.instance_of(request);
        self.tier.hold(instance, request.number, Held { request: id, since: self.now });
    }

    /// An attempt leaves for a backend.
    #[inline(always)]
    fn send(&mut self, id: u32, backend: u32, held: u64) {
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
        self.serve_held_of_oracle();
    }

    /// A backend has done with an attempt.
    #[inline(always)]
    fn complete(&mut self, backend: u32, now: u64) {
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
        self.serve_held_of_oracle();
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
        } else if O::PICKS {
            self.observer.lost(request, attempt.backend, Some(Failure::Refused), self.now);
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
            self.send_held(instance);
        }
    }

    /// For oracles that hold requests: something may be free now.
    #[inline(always)]
    fn serve_held_of_oracle(&mut self) {
        if self.tier.holds_any() && self.tier.sees_truth() {
            self.send_held(0);
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
    fn fail(&mut self, id: u32, cause: Failure) {
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

    /// Sends what an instance holds, as far as it now can.
    #[inline(never)]
    fn send_held(&mut self, instance: u32) {
        while let Some((number, backend)) = self.tier.whose_turn(instance, self.now) {
            let held = self.tier.held(instance, number);
            let request = self.journeys.request(held.request);
            let pick = match backend {
                Some(backend) => Pick::Backend(backend),
                None => self.tier.pick(&self.known(held.request), request, self.now),
            };
            if pick == Pick::Wait {
                return;
            }
            if O::PICKS {
                self.observer.picked(request, &self.tier.choice(request, pick, self.now));
            }
            self.tier.let_go(instance, number);
            self.overload.release(self.journeys.work(held.request));
            match pick {
                Pick::Backend(backend) => self.send(held.request, backend.0, self.now - held.since),
                Pick::None => self.fail(held.request, Failure::NoBackend),
                Pick::Wait => unreachable!("returned above"),
            }
        }
    }

    #[inline(never)]
    fn take_from_agenda(&mut self) {
        let errands = &self.events.errands;
        let is_live = |item: &Item| item.slot().is_none_or(|(slot, ticket)| errands.is_live(slot, ticket));
        let taken = if EVENTFUL { self.agenda.pop_live(is_live) } else { self.agenda.pop() };
        let Some((at, item)) = taken else { return };
        if let Item::Send(..) = item
            && !self.ends.arriving
        {
            return; // nobody sends any more, and this is no longer the end of anything
        }
        self.now = at;
        self.books.events += 1;
        if EVENTFUL {
            return self.take(item);
        }
        match item {
            Item::Answered(id, ok) => {
                let attempt = self.journeys[id];
                self.fleet.answered(&attempt, at);
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
            Item::Probe(slot) => {
                let message = self.reports.as_mut().expect("sent by who has them").take(slot);
                self.probed(message, &Request::default());
            }
            Item::Report(slot) => {
                let message = self.reports.as_mut().expect("sent by who has them").take(slot);
                self.reported(&message);
            }
            Item::Send(source, client) => self.arrive_closed(source, client),
            _ => unreachable!("only eventful cells put this on the agenda"),
        }
    }

    // -- changes of state

    fn find_next_change(&mut self) {
        let end = if self.any_closed && self.ends.arriving { self.ends.at } else { NEVER };
        self.change = self.next_refresh().min(self.window.opens_at).min(self.overload.middle_at).min(end);
        if EVENTFUL {
            self.change = self.change.min(self.events.conditions.next_at());
        }
    }

    /// When a stale view is renewed next.
    fn next_refresh(&self) -> u64 {
        let others = self.events.accesses.iter().filter_map(|access| access.tier.as_ref()).map(|tier| tier.next_refresh);
        others.min().unwrap_or(NEVER).min(self.tier.next_refresh)
    }

    fn renew_views(&mut self, now: u64, next: u64) {
        let others = self.events.accesses.iter_mut().filter_map(|access| access.tier.as_mut());
        others.chain([&mut self.tier]).filter(|tier| tier.next_refresh == now).for_each(|tier| tier.renew_view(now, next));
    }

    #[cold]
    #[inline(never)]
    fn change_state(&mut self, next: u64) {
        let at = self.change;
        self.now = at;
        self.renew_views(at, next);
        if EVENTFUL {
            self.apply_faults();
        }
        if self.window.opens_at == at {
            self.open_window();
        }
        if self.overload.middle_at == at {
            self.overload.take_middle(at, &mut self.fleet);
        }
        if self.any_closed && self.ends.arriving && self.ends.at == at {
            self.end_arrivals();
        }
        self.find_next_change();
    }

    #[cold]
    fn open_window(&mut self) {
        self.window.opens_at = NEVER;
        self.window.open = true;
        self.books.settle(self.now);
        self.fleet.forget_maxima();
        self.observer.window(Edge::Opens, self.now, self.books.area, &mut self.fleet.accounts(self.now));
    }

    /// No request arrives after this one.
    #[cold]
    fn end_arrivals(&mut self) {
        if !std::mem::replace(&mut self.ends.arriving, false) {
            return;
        }
        if !self.window.open {
            self.open_window();
        }
        self.books.settle(self.now);
        if EVENTFUL {
            self.events.conditions.stop_beginning();
            self.events.closed_at = self.now;
        }
        self.observer.window(Edge::Closes, self.now, self.books.area, &mut self.fleet.accounts(self.now));
        self.overload.judge(self.now, &mut self.fleet, self.plan);
        self.find_next_change();
    }

    /// Closes the books.
    fn finish(mut self, close: Close) -> (O, Ending) {
        self.end_arrivals();
        self.books.settle(self.now);
        if close == Close::Full {
            self.overload.stopped(self.now, &mut self.fleet);
        }
        // Requests that no answer comes for, and whose callers wait for ever, are still there.
        let is_cut = close == Close::Full || EVENTFUL && self.books.in_system > 0;
        // Work that nobody waits for any more may stand at a backend that is paused for good, or wait for a call that is lost.
        let may_be_left = EVENTFUL && self.journeys.in_use() > 0 && self.plan.services.iter().any(|service| service.caller.abandons_work);
        self.check_laws(is_cut || may_be_left);
        let ending = Ending {
            end: SimTime(if is_cut { self.now } else { self.books.last_end }),
            overloaded_at: self.overload.since.map(SimTime),
            unfinished: self.books.measured_in_system,
            events: self.books.events,
            arrived: self.books.arrived,
        };
        (self.observer, ending)
    }

    /// What must hold in every run, whatever was simulated.
    fn check_laws(&mut self, stopped: bool) {
        let Books { arrived, ended, in_system, area, sojourn, .. } = self.books;
        assert_eq!(arrived, ended + in_system, "conservation: every request that arrived has ended once or is in the system");
        if stopped {
            return;
        }
        assert_eq!(in_system, 0, "conservation: a run ends empty");
        assert_eq!(self.journeys.in_use(), 0, "conservation: every attempt has ended");
        assert_eq!(area, sojourn, "Little's law: the integral of the number in the system is the sum of the sojourns");
        let (mut work, mut slack) = (0_u64, 0_u64);
        for account in self.fleet.accounts(self.now) {
            work = work.wrapping_add(account.work);
            slack = slack.saturating_add(account.slack);
            assert_eq!(account.in_flight, 0, "conservation: nothing is in flight at the end");
            assert_eq!(account.flight_area as u64, account.sojourn, "Little's law at a backend");
            let apart = account.work.wrapping_sub(account.busy_area as u64) as i64;
            assert!(apart.unsigned_abs() <= account.slack, "work conservation: {account:?}");
        }
        if EVENTFUL {
            let apart = (self.events.spent as u64).wrapping_sub(work) as i64;
            assert!(apart.unsigned_abs() <= slack, "conservation: all worker-time was of use, wasted or lost: {apart} ns apart");
        }
    }
}
