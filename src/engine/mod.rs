//! The event loop: one cell, one thread, no clock, no chance of its own.
//!
//! Four cursors say what is next: the fleet's tree of completions, the traffic's next arrival, the agenda of everything that was put off, and
//! the next change of state. The loop takes the least. At one instant changes come first, then completions (the lower backend
//! first), answers, attempts that reach their backend, and arrivals last, in order of their making.
//!
//! What is measured is the [`Observer`]'s affair; the engine knows only when to tell it. At the end of every cell, in release builds too, the
//! engine checks its own books: every arrival has ended in exactly one way, and the integral of the number in the system is the sum of the
//! sojourns, to the nanosecond, for each backend and in all.
//!
//! Reading order: the loop is here; `plain` is the way of a request where nothing goes wrong; `eventful`, `requests`, `attempts`, `visits` and `calls` are its way
//! where something can; `holding` is for balancers that hold requests, `reporting` for those that listen to backends; `changes` and `laws` are about the cell as a
//! whole.

mod access;
mod agenda;
mod alarms;
mod attempts;
mod beliefs;
mod books;
mod caller;
mod calls;
mod changes;
mod closed;
mod conditions;
mod connections;
mod errands;
mod eventful;
mod holding;
mod journeys;
mod laws;
mod network;
mod observer;
mod overload;
mod paths;
mod plain;
mod reporting;
mod reports;
mod requests;
mod scaling;
mod sessions;
mod tier;
mod together;
mod troubles;
mod visits;
mod watching;
mod ways;
mod words;

use crate::balance;
use crate::fleet::Fleet;
use crate::plan::{Plan, WarmupPlan};
use crate::random::below;
use crate::scenario::Length;
use crate::slab::NIL;
use crate::time::round_ns;
use crate::traffic::{Arrival, Mark, NOBODY, SourcePlan, Timing, Traffic};
pub use observer::{Choice, Edge, Ending, Observer, Request, Seen, Spent, Stopped};

use agenda::{Agenda, Item, Rank};
use books::Books;
use closed::Closed;
use journeys::Journeys;
use network::{Network, Way};
use overload::Overload;
use reports::Reports;
use sessions::Sessions;
use tier::Tier;

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
    /// Recorded clients that wait for their answers.
    sessions: Option<Sessions>,
    /// Which backend the record has for each request, by the request's place; only where some balancer may ask.
    recorded: Option<Vec<u32>>,
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
        let sessions = Sessions::new(plan);
        let (after, at) = match plan.length {
            Length::Requests(requests) => (requests, NEVER),
            Length::Duration(duration) => (u64::MAX, duration.0),
        };
        let (skip, opens_at) = match plan.warmup {
            WarmupPlan::Requests(skip) => (skip, NEVER),
            WarmupPlan::Time(time) => (u64::MAX, time),
        };
        let Accesses { tier, events } = Accesses::new(plan, balancer, replication);
        let plain_source = |source: &SourcePlan| {
            source.keys.is_none()
                && source.clients.is_none()
                && !matches!(&source.timing, Timing::Recorded(recorded) if recorded.has_marks())
        };
        let mut cell = Self {
            plan,
            observer,
            now: 0,
            traffic: Traffic::new(&plan.sources, plan.seed, replication),
            fleet: Fleet::new(&plan.groups, 100.0 * plan.mean_work),
            network: Network::new(plan, replication),
            agenda: Agenda::default(),
            journeys: Journeys::default(),
            any_closed: closed.iter().any(Option::is_some) || sessions.is_some(),
            sessions,
            recorded: plan.has_recorded_backends().then(Vec::new),
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
        if cell.ends.at < NEVER && !cell.any_closed && cell.traffic.peek().at >= cell.ends.at {
            // Not even the first comes in time.
            cell.end_arrivals();
        }
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
            let waiting = self.sessions.as_ref().map_or(0, |sessions| sessions.waiting);
            if self.books.in_system + waiting >= self.plan.max_in_flight {
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
        (0..self.plan.sources.len() as u16)
            .find_map(|source| self.traffic.source(source).trouble())
            .map_or(Ok(()), |trouble| Err(Stopped::Trouble(trouble)))?;
        self.events.accesses.iter().filter_map(|access| access.tier.as_ref()).try_for_each(Tier::trouble)
    }

    // -- arrivals

    #[inline(always)]
    fn arrive_open(&mut self, arrival: Arrival) {
        self.now = arrival.at;
        let number = self.books.arrived;
        let (key, client) = if self.plain_requests {
            (number, 0)
        } else {
            let (key, client, mark) = self.key_and_client(&arrival);
            if self.sessions.is_some() && self.waits_for_its_turn(&arrival, key, mark) {
                return;
            }
            self.note_recorded(mark.backend);
            (key, client)
        };
        self.arrive(arrival.work, key, client, arrival.source);
        if self.traffic.peek().at >= self.ends.at && !self.any_closed {
            self.end_arrivals();
        }
    }

    #[inline(never)]
    fn key_and_client(&self, arrival: &Arrival) -> (u64, u32, Mark) {
        let source = self.traffic.source(arrival.source);
        let mark = source.mark(arrival.index);
        let clients = self.plan.sources[arrival.source as usize].clients;
        let client = match (clients, mark.client) {
            (Some(clients), _) => below(source.client_bits(arrival.index), u64::from(clients.count)) as u32,
            (None, NOBODY) => 0,
            (None, client) => client,
        };
        (source.key(arrival.index).unwrap_or(self.books.arrived), client, mark)
    }

    /// The backend that the record has for the request that arrives next.
    fn note_recorded(&mut self, backend: u32) {
        let Some(recorded) = &mut self.recorded else { return };
        let next = self.journeys.next_place() as usize;
        if recorded.len() <= next {
            recorded.resize(next + 1, NOBODY);
        }
        recorded[next] = backend;
    }

    /// What a balancer may know of a request, the record's backend included.
    fn known_of(&self, id: u32, class: i32) -> balance::Request<'static> {
        let request = self.journeys.request(id);
        let recorded = self.recorded.as_ref().filter(|_| !request.is_call()).and_then(|all| all.get(id as usize).copied());
        balance::Request { recorded: recorded.filter(|&backend| backend != NOBODY), ..request.known(class) }
    }

    /// Whether a request has to wait until its client has its answer.
    #[cold]
    fn waits_for_its_turn(&mut self, arrival: &Arrival, key: u64, mark: Mark) -> bool {
        let Some(sessions) = &mut self.sessions else { return false };
        let Some(until) = sessions.hold(arrival, key, mark) else { return false };
        if let Some(due) = until {
            self.agenda.push(due, Rank::Arrival, Item::Send(arrival.source, mark.client));
        }
        true
    }

    /// A client whose turn has come: its next request, and those that it sent without waiting.
    fn send_turns(&mut self, source: u16, client: u32) {
        let mut is_first = true;
        while let Some(turn) = self.sessions.as_mut().and_then(|sessions| sessions.next(source, client, is_first)) {
            is_first = false;
            self.note_recorded(turn.mark.backend);
            self.arrive(turn.work, turn.key, client, source);
        }
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
            0 => {
                let class = self.class_of(source);
                let known = match self.recorded {
                    None => balance::Request { id: number, key, client, class, ..balance::Request::default() },
                    Some(_) => self.known_of(id, class),
                };
                self.dispatch(id, &known, 0);
            }
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
        let Some(closed) = &mut self.closed[source as usize] else {
            let due = self.sessions.as_mut().and_then(|sessions| sessions.answered(source, client, self.now));
            due.into_iter().for_each(|due| self.agenda.push(due, Rank::Arrival, Item::Send(source, client)));
            return;
        };
        let number = closed.number(client);
        let think = round_ns(closed.think.sample(&closed.stream, number));
        self.agenda.push(self.now.saturating_add(think), Rank::Arrival, Item::Send(source, client));
    }

    fn arrive_closed(&mut self, source: u16, client: u32) {
        if !self.ends.arriving {
            return;
        }
        let Some(closed) = &mut self.closed[source as usize] else { return self.send_turns(source, client) };
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
        self.known_of(id, self.class_of(self.journeys.request(id).source))
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
        if EVENTFUL { self.take(item) } else { self.take_plain(item) }
    }
}
