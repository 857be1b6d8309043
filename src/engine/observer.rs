//! What the engine shows of a run, and to whom.

use crate::balance;
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

impl Request {
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
    /// A request was made.
    fn arrived(&mut self, request: &Request);
    /// An attempt was sent.
    fn sent(&mut self, request: &Request, backend: u32);
    /// An attempt was answered.
    fn answered(&mut self, request: &Request, backend: u32, latency: u64);
    /// A request succeeded at `now`, having waited so long; `backend` answered it.
    fn succeeded(&mut self, request: &Request, backend: u32, wait: u64, now: u64);
    /// A request failed at `now`.
    fn failed(&mut self, request: &Request, cause: Failure, now: u64);
    /// The warm-up is over, or the last request has arrived: the books of every backend as they stand.
    fn window(&mut self, edge: Edge, now: u64, in_system_area: u128, accounts: &mut dyn Iterator<Item = Account>);
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
