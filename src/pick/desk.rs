//! One balancer, driven by hand: picks, ends, and changes of the pool, in the order in which they are said.

use crate::balance::{
    BackendId, Balancer, Change, Completion, Ctx, Listens, Member, Pick, Pool, Release, Report, Request, Said, Sees, State,
};
use crate::random::Stream;
use crate::time::{SimTime, Span};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A request is not tried more often than this, whatever its balancer says.
const MOST_ATTEMPTS: u32 = 1000;

/// One balancer instance with its pool, its clock and its chance.
#[derive(Debug)]
pub struct Desk {
    balancer: Box<dyn Balancer>,
    listens: Listens,
    pool: Pool,
    chance: Stream,
    now: SimTime,
    open: BTreeMap<u64, Open>,
    /// Numbers of requests that are held, the oldest first; some may have gone.
    held: VecDeque<u64>,
    dispatched: Vec<(u64, BackendId)>,
    refusing: BTreeSet<BackendId>,
}

/// A request between its pick and its end.
#[derive(Debug)]
struct Open {
    said: Said,
    class: i32,
    attempt: u32,
    sent: SimTime,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    At(BackendId),
    Held,
    /// Held, and to end as soon as it gets its place.
    HeldAndDone,
    Nowhere,
}

/// What became of a request that was tried to the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Where it was sent, in order.
    pub attempts: Vec<BackendId>,
    /// 200 where it was answered, what the product says where it was not; `None` where it is held.
    pub status: Option<u16>,
}

impl Desk {
    /// A balancer before these backends. Oracles see them idle.
    #[must_use]
    pub fn new(balancer: Box<dyn Balancer>, members: Vec<Member>, chance: Stream) -> Self {
        let pool = if balancer.sees() == Sees::Truth { Pool::truth(members.into()) } else { Pool::new(members.into()) };
        let mut desk = Self {
            listens: balancer.listens(),
            balancer,
            pool,
            chance,
            now: SimTime::ZERO,
            open: BTreeMap::new(),
            held: VecDeque::new(),
            dispatched: Vec::new(),
            refusing: BTreeSet::new(),
        };
        desk.rebuild();
        desk
    }

    /// The pool as it stands.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// What keeps the balancer from choosing.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.balancer.trouble()
    }

    /// What is left of chance: changed by every draw.
    #[must_use]
    pub fn chance(&self) -> &Stream {
        &self.chance
    }

    /// Requests that were held and then sent, with where to, in order.
    #[must_use]
    pub fn dispatched(&self) -> &[(u64, BackendId)] {
        &self.dispatched
    }

    /// Whether a request is open: in flight or held.
    #[must_use]
    pub fn is_open(&self, number: u64) -> bool {
        self.open.contains_key(&number)
    }

    /// Opens a request of this number, which no open one has.
    pub fn pick(&mut self, number: u64, said: Said, class: i32) -> Pick {
        self.open.insert(number, Open { said, class, attempt: 0, sent: self.now, place: Place::Nowhere });
        let pick = self.choose(number);
        self.settle();
        pick
    }

    /// The request's attempt has failed: another, if the balancer has one.
    pub fn retry(&mut self, number: u64) -> Pick {
        self.fail(number);
        let Some(open) = self.open.get_mut(&number) else { return Pick::None };
        open.attempt += 1;
        let pick = self.choose(number);
        self.settle();
        pick
    }

    /// The request is answered, or has failed for good. One that is held ends when it gets its place.
    pub fn done(&mut self, number: u64, ok: bool, latency: Option<Span>) {
        self.end(number, ok, latency);
        self.settle();
    }

    /// A request from its first attempt to its end, by the balancer's own rule of retrying.
    pub fn request(&mut self, number: u64, said: Said, class: i32) -> Tried {
        self.open.insert(number, Open { said, class, attempt: 0, sent: self.now, place: Place::Nowhere });
        let mut attempts = Vec::new();
        let status = loop {
            match self.choose(number) {
                Pick::Wait => break None,
                Pick::None => break Some(self.balancer.refusal()),
                Pick::Backend(backend) => {
                    attempts.push(backend);
                    if !self.refusing.contains(&backend) {
                        break Some(200);
                    }
                    self.fail(number);
                    if !self.retries(number) {
                        break Some(self.balancer.refusal());
                    }
                }
            }
        };
        if let Some(status) = status {
            self.end(number, status == 200, Some(Span::ZERO));
        }
        self.settle();
        Tried { attempts, status }
    }

    fn retries(&mut self, number: u64) -> bool {
        let Some(open) = self.open.get_mut(&number) else { return false };
        let retries = self.balancer.retries(&known(number, open), &self.pool, &mut Ctx { now: self.now, chance: &mut self.chance });
        open.attempt += 1;
        retries && open.attempt < MOST_ATTEMPTS
    }

    /// Attempts at these fail at once from now on; at nobody else.
    pub fn refuse(&mut self, backends: impl IntoIterator<Item = BackendId>) {
        self.refusing = backends.into_iter().collect();
    }

    /// Lets time pass.
    pub fn advance(&mut self, by: Span) {
        self.now = SimTime(self.now.0.saturating_add(by.0));
        self.settle();
    }

    /// Changes a weight in place.
    pub fn set_weight(&mut self, backend: BackendId, weight: f64) {
        self.pool.set_weight(backend, weight);
        self.changed(backend, Change::Weight);
    }

    /// Changes what is believed of a backend.
    pub fn set_state(&mut self, backend: BackendId, state: State) {
        let before = self.pool.state(backend);
        if before != state {
            self.pool.set_state(backend, state);
            self.changed(backend, Change::State(before));
        }
    }

    /// A backend joins.
    pub fn join(&mut self, member: Member) -> BackendId {
        let backend = self.pool.join(member);
        self.changed(backend, Change::Joined);
        backend
    }

    /// A backend leaves. What is in flight there goes on.
    pub fn leave(&mut self, backend: BackendId) {
        if self.pool.state(backend) != State::Absent {
            self.pool.set_state(backend, State::Absent);
            self.changed(backend, Change::Left);
        }
    }

    /// The configuration is loaded again.
    pub fn rebuild(&mut self) {
        self.balancer.members(&self.pool, &mut Ctx { now: self.now, chance: &mut self.chance });
        self.settle();
    }

    /// Sets what this balancer has in flight at a backend.
    pub fn set_in_flight(&mut self, backend: BackendId, in_flight: u32) {
        self.pool.set_in_flight(backend, in_flight);
        self.counted(backend);
        self.settle();
    }

    /// A backend's report, or its answer to a probe, arrives.
    pub fn report(&mut self, backend: BackendId, report: &Report) {
        self.balancer.reported(backend, report, &self.pool, &mut Ctx { now: self.now, chance: &mut self.chance });
    }

    fn changed(&mut self, backend: BackendId, change: Change) {
        self.balancer.changed(backend, change, &self.pool, &mut Ctx { now: self.now, chance: &mut self.chance });
        self.settle();
    }

    /// Picks for an open request, and sends or holds it.
    fn choose(&mut self, number: u64) -> Pick {
        let Some(open) = self.open.get(&number) else { return Pick::None };
        let request = known(number, open);
        let pick = self.balancer.pick(&request, &self.pool, &mut Ctx { now: self.now, chance: &mut self.chance });
        match pick {
            Pick::Backend(backend) => self.send(number, backend),
            Pick::Wait => {
                self.put(number, Place::Held);
                self.held.push_back(number);
            }
            Pick::None => self.put(number, Place::Nowhere),
        }
        pick
    }

    fn put(&mut self, number: u64, place: Place) {
        if let Some(open) = self.open.get_mut(&number) {
            open.place = place;
        }
    }

    fn send(&mut self, number: u64, backend: BackendId) {
        self.put(number, Place::At(backend));
        self.pool.sent(backend);
        self.counted(backend);
        let Some(open) = self.open.get_mut(&number) else { return };
        open.sent = self.now;
        if self.listens.attempts {
            self.balancer.started(&known(number, open), backend, &self.pool, &mut Ctx { now: self.now, chance: &mut self.chance });
        }
    }

    fn counted(&mut self, backend: BackendId) {
        if self.listens.counts {
            self.balancer.counted(backend, &self.pool, &mut Ctx { now: self.now, chance: &mut self.chance });
        }
    }

    fn fail(&mut self, number: u64) {
        self.leave_backend(number, false, None);
        self.put(number, Place::Nowhere);
    }

    /// An attempt ends at its backend.
    fn leave_backend(&mut self, number: u64, ok: bool, latency: Option<Span>) {
        let Some(&Open { place: Place::At(backend), sent, .. }) = self.open.get(&number) else { return };
        // A count that was set by hand may be less than what is open.
        self.pool.set_in_flight(backend, self.pool.in_flight(backend).saturating_sub(1));
        self.counted(backend);
        if self.listens.attempts {
            let latency = latency.unwrap_or(Span(self.now.0 - sent.0));
            let completion = Completion { request: number, backend, ok, latency };
            self.balancer.finished(&completion, &self.pool, &mut Ctx { now: self.now, chance: &mut self.chance });
        }
    }

    fn end(&mut self, number: u64, ok: bool, latency: Option<Span>) {
        let Some(open) = self.open.get_mut(&number) else { return };
        if matches!(open.place, Place::Held | Place::HeldAndDone) {
            open.place = Place::HeldAndDone;
            return;
        }
        self.leave_backend(number, ok, latency);
        self.open.remove(&number);
        if self.listens.attempts {
            self.balancer.ended(number);
        }
    }

    /// Sends what is held, as far as it now can.
    fn settle(&mut self) {
        while let Some((number, backend)) = self.whose_turn() {
            let Some(open) = self.open.get(&number) else { return };
            let (was, request) = (open.place, known(number, open));
            let pick = match backend {
                Some(backend) => Pick::Backend(backend),
                None => self.balancer.pick(&request, &self.pool, &mut Ctx { now: self.now, chance: &mut self.chance }),
            };
            match pick {
                Pick::Wait => return,
                Pick::None => self.put(number, Place::Nowhere),
                Pick::Backend(backend) => {
                    self.dispatched.push((number, backend));
                    self.send(number, backend);
                }
            }
            if was == Place::HeldAndDone {
                self.end(number, true, Some(Span::ZERO));
            }
        }
    }

    fn whose_turn(&mut self) -> Option<(u64, Option<BackendId>)> {
        let is_held = |open: &Open| matches!(open.place, Place::Held | Place::HeldAndDone);
        while !self.open.get(self.held.front()?).is_some_and(is_held) {
            self.held.pop_front();
        }
        let oldest = *self.held.front()?;
        match self.balancer.release(&self.pool, &mut Ctx { now: self.now, chance: &mut self.chance }) {
            Release::Oldest => Some((oldest, None)),
            Release::Held(number, backend) => Some((number, Some(backend))),
            Release::Nobody => None,
        }
    }
}

/// An open request as its balancer sees it.
fn known(number: u64, open: &Open) -> Request<'_> {
    Request { id: number, attempt: open.attempt, class: open.class, said: Some(&open.said), ..Request::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance;

    fn desk(kind: &str, weights: &[f64]) -> Desk {
        let listed = balance::find(kind).expect("a balancer of the catalogue");
        let members = weights.iter().zip(1..).map(|(&weight, n)| Member::new(format!("10.0.0.{n}:8080")).weight(weight)).collect();
        Desk::new((listed.build)(&crate::scenario::defaults(&listed.entry)), members, Stream::new(1))
    }

    fn at(id: u32) -> Pick {
        Pick::Backend(BackendId(id))
    }

    #[test]
    fn a_request_is_in_flight_until_it_is_done() {
        let mut desk = desk("least-connections", &[1.0, 1.0]);
        let Pick::Backend(first) = desk.pick(1, Said::default(), 0) else { panic!("both are up") };
        assert_eq!(desk.pick(2, Said::default(), 0), at(1 - first.0));
        desk.done(1, true, None);
        assert_eq!(desk.pick(3, Said::default(), 0), Pick::Backend(first));
        desk.done(9, true, None);
        assert_eq!(desk.pool().in_flight(first), 1);
    }

    #[test]
    fn a_held_request_goes_when_there_is_room_and_one_that_is_done_ends_at_once() {
        let mut desk = desk("central-queue", &[1.0]);
        assert_eq!(desk.pick(1, Said::default(), 0), at(0));
        assert_eq!([desk.pick(2, Said::default(), 0), desk.pick(3, Said::default(), 0)], [Pick::Wait; 2]);
        desk.done(2, true, None);
        desk.done(1, true, None);
        assert_eq!(desk.dispatched(), [(2, BackendId(0)), (3, BackendId(0))]);
        assert!(!desk.is_open(2) && desk.is_open(3));
    }

    #[test]
    fn who_joins_is_picked_and_who_leaves_is_not() {
        let mut desk = desk("round-robin", &[1.0]);
        let new = desk.join(Member::new("10.0.0.9:80"));
        assert_eq!([desk.pick(1, Said::default(), 0), desk.pick(2, Said::default(), 0)], [at(0), Pick::Backend(new)]);
        desk.leave(BackendId(0));
        assert_eq!([desk.pick(3, Said::default(), 0), desk.pick(4, Said::default(), 0)], [Pick::Backend(new); 2]);
        desk.set_state(new, State::Down);
        assert_eq!(desk.pick(5, Said::default(), 0), Pick::None);
    }

    #[test]
    fn a_balancer_that_does_not_retry_gives_up_at_the_first_refusal() {
        let mut desk = desk("round-robin", &[1.0, 1.0]);
        desk.refuse([BackendId(0)]);
        assert_eq!(desk.request(1, Said::default(), 0), Tried { attempts: vec![BackendId(0)], status: Some(503) });
        assert_eq!(desk.request(2, Said::default(), 0), Tried { attempts: vec![BackendId(1)], status: Some(200) });
    }
}
