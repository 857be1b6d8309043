//! What the engine shows of a run, and to whom.

use crate::balance;
use crate::fault::Change;
use crate::fleet::Account;
use crate::measure::record::Failure;
use crate::time::SimTime;

/// A request in the system. Half a cache line: with its first attempt it fills one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request {
    /// When it was made.
    pub arrival: u64,
    /// What hash balancers and caches look at.
    pub key: u64,
    /// Its number over all traffic, from 0.
    pub number: u64,
    /// Who sent it, within its source.
    pub client: u32,
    /// Its source.
    pub source: u16,
    /// Attempts made so far.
    pub attempts: u8,
    /// Whether it counts: it arrived after the warm-up.
    pub measured: bool,
}

/// The source of calls whose backend balances by itself.
pub(super) const DIRECT: u16 = u16::MAX;
/// The source of calls that go through a shared balancer.
pub(super) const PROXIED: u16 = u16::MAX - 1;

impl Request {
    /// Whether a backend makes it for another request: `client` is then that backend.
    #[inline]
    #[must_use]
    pub fn is_call(&self) -> bool {
        matches!(self.source, DIRECT | PROXIED)
    }

    /// What a balancer may know of it.
    #[inline]
    pub(super) fn known(&self, class: i32) -> balance::Request<'static> {
        balance::Request {
            id: self.number,
            key: self.key,
            client: self.client,
            attempt: u32::from(self.attempts),
            class,
            ..balance::Request::default()
        }
    }
}

/// Who is told what happens. Static: what nobody watches costs nothing.
pub trait Observer {
    /// Whether it looks at all backends from time to time.
    const LOOKS: bool = false;
    /// Whether it is told where the time of requests went.
    const TIMES: bool = false;
    /// Whether it is told what balancers chose from.
    const PICKS: bool = false;
    /// A request was made.
    fn arrived(&mut self, request: &Request);
    /// An attempt was sent.
    fn sent(&mut self, request: &Request, backend: u32);
    /// An attempt was answered.
    fn answered(&mut self, request: &Request, backend: u32, latency: u64);
    /// A request succeeded at `now`, having waited so long; `backend` answered it.
    fn succeeded(&mut self, request: &Request, backend: u32, wait: u64, now: u64);
    /// An attempt was sent because another had failed. Told after `sent`, as the next.
    fn retried(&mut self, _request: &Request, _backend: u32) {}
    /// An attempt was sent beside another.
    fn hedged(&mut self, _request: &Request, _backend: u32) {}
    /// What became of the worker-time that an attempt had, in nanoseconds.
    fn spent(&mut self, _request: &Request, _spent: Spent, _time: u64) {}
    /// A request to a service, or a call, is over; if it was answered, with the time it spent in each service one after another.
    fn served(&mut self, _request: &Request, _service: u16, _path: Option<&[u64]>, _now: u64) {}
    /// Something begins or ends to go wrong.
    fn fault(&mut self, _change: &Change, _now: u64) {}
    /// An instance believes from now on that a backend can be used, or cannot.
    fn believed(&mut self, _access: u16, _instance: u32, _backend: u32, _usable: bool, _now: u64) {}
    /// When it looks at all backends next; `u64::MAX`: no more. Asked only with [`Observer::LOOKS`].
    fn next_look(&self) -> u64 {
        u64::MAX
    }
    /// The look that was asked for: every backend's books as they stand before anything happens at this instant.
    fn look(&mut self, _now: u64, _backends: &mut dyn Iterator<Item = Seen>) {}
    /// Of the latency of a request that succeeds as the next thing: how long it was on the way, and how long before the attempt that was answered was
    /// sent, ways and times held left out. Told only with [`Observer::TIMES`], and only where either may be more than nothing.
    fn timed(&mut self, _request: &Request, _on_the_way: u64, _before: u64) {}
    /// A balancer has chosen for the next attempt of a request. Told only with [`Observer::PICKS`].
    fn picked(&mut self, _request: &Request, _choice: &Choice<'_>) {}
    /// An attempt has ended otherwise than by an answer that counts: for a reason, or because another was faster. Told only with [`Observer::PICKS`].
    fn lost(&mut self, _request: &Request, _backend: u32, _cause: Option<Failure>, _now: u64) {}
    /// A request failed at `now`.
    fn failed(&mut self, request: &Request, cause: Failure, now: u64);
    /// The warm-up is over, or the last request has arrived: the books of every backend as they stand.
    fn window(&mut self, edge: Edge, now: u64, in_system_area: u128, accounts: &mut dyn Iterator<Item = Account>);
}

/// What a balancer instance has chosen, and what it saw then.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// When.
    pub now: u64,
    /// Which of the balancer's instances.
    pub instance: u32,
    /// The backends as the instance knows them, by its own numbers.
    pub pool: &'a balance::Pool,
    /// The number of the first of them among all backends.
    pub first: u32,
    /// The choice.
    pub pick: balance::Pick,
}

/// A backend that somebody looks at.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Its books.
    pub account: Account,
    /// Whether it is there: it has joined, and has not left.
    pub is_there: bool,
}

/// What became of worker-time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// It made an answer that counted.
    Useful,
    /// It was done for an attempt that failed, or that nobody waited for any more.
    Wasted,
    /// A backend that crashed or hung took it with it.
    Lost,
}

/// An end of the window over which time averages are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// The end of the warm-up.
    Opens,
    /// The last arrival.
    Closes,
}

/// How a cell ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The last thing that happened.
    pub end: SimTime,
    /// Since when it was overloaded.
    pub overloaded_at: Option<SimTime>,
    /// Measured requests still in the system where the cell was stopped.
    pub unfinished: u64,
    /// Events taken: arrivals, completions and everything of the agenda.
    pub events: u64,
    /// Requests that arrived, warm-up included.
    pub arrived: u64,
}

/// Why a cell did not come to its end: nothing of it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// The outside asked for it.
    Interrupted,
    /// The balancer is in trouble, which it describes.
    Trouble(String),
}
