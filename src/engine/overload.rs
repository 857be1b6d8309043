//! Is it overloaded, and since when?
//!
//! A backend is overloaded when in the last half of the arrivals it was sent more work than it can do, and its backlog at the end exceeds both
//! that at the middle and 100 mean works; since the instant when its backlog was last below those 100. A queue held by the balancer is judged
//! likewise, against the whole pool. A cell that reaches `run.max_in_flight` is overloaded in any case.

use crate::fleet::{Account, Fleet};
use crate::plan::Plan;
use crate::scenario::Length;

/// What is needed to judge.
#[derive(Debug)]
pub(super) struct Overload {
    /// The middle: after so many arrivals, or at this instant; the other is never.
    pub(super) middle_request: u64,
    pub(super) middle_at: u64,
    taken_at: u64,
    /// Work sent to and backlog of each backend at the middle.
    middle: Vec<(u64, u64)>,
    held: Held,
    /// Since when, once judged.
    pub(super) since: Option<u64>,
}

/// Work of requests that balancers hold.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    work: u128,
    at_middle: u128,
    limit: u128,
    last_below: u64,
}

impl Overload {
    pub(super) fn new(plan: &Plan) -> Self {
        let (middle_request, middle_at) = match plan.length {
            Length::Requests(requests) => (requests.div_ceil(2), u64::MAX),
            Length::Duration(duration) => (u64::MAX, duration.0 / 2),
        };
        Self {
            middle_request,
            middle_at,
            taken_at: 0,
            middle: Vec::new(),
            held: Held { limit: (100.0 * plan.mean_work) as u128, ..Held::default() },
            since: None,
        }
    }

    /// Looks at everybody's books at the middle.
    #[cold]
    pub(super) fn take_middle(&mut self, now: u64, fleet: &mut Fleet) {
        (self.middle_request, self.middle_at, self.taken_at) = (u64::MAX, u64::MAX, now);
        self.middle = fleet.accounts(now).map(|account| (account.work, account.backlog)).collect();
        self.held.at_middle = self.held.work;
    }

    /// A balancer holds a request.
    pub(super) fn hold(&mut self, work: u64, now: u64) {
        if self.held.work <= self.held.limit {
            self.held.last_below = now;
        }
        self.held.work += u128::from(work);
    }

    /// A held request has been sent.
    pub(super) fn release(&mut self, work: u64) {
        self.held.work -= u128::from(work);
    }

    /// Judges after the last arrival.
    pub(super) fn judge(&mut self, now: u64, fleet: &mut Fleet, plan: &Plan) {
        let half = now - self.taken_at;
        let overloaded = fleet.accounts(now).zip(&self.middle).filter(|(account, middle)| exceeds(account, middle, half));
        self.since = overloaded.map(|(account, _)| account.last_below).min();
        if self.since.is_none() && !self.middle.is_empty() && self.held.work > self.held.at_middle.max(self.held.limit) {
            let sent: u128 = fleet.accounts(now).zip(&self.middle).map(|(account, middle)| u128::from(grown(account.work, middle.0))).sum();
            let workers: u128 = fleet.accounts(now).map(|account| u128::from(account.workers)).sum();
            // What came to the pool in the last half: what was sent to backends, and what the held queue has grown by, at the pool's mean speed.
            let speed = plan.capacity.unwrap_or(workers as f64) / workers as f64;
            let grown = (self.held.work - self.held.at_middle) as f64 / speed;
            if sent as f64 + grown > workers as f64 * half as f64 {
                self.since = Some(self.held.last_below);
            }
        }
    }

    /// The cell had to be stopped: since when its worst backend was over the limit, or now.
    pub(super) fn stopped(&mut self, now: u64, fleet: &mut Fleet) {
        let over = fleet.accounts(now).filter(|account| account.backlog > account.backlog_limit).map(|account| account.last_below);
        let held = (self.held.work > self.held.limit).then_some(self.held.last_below);
        self.since = self.since.into_iter().chain(over).chain(held).min().or(Some(now));
    }
}

fn exceeds(account: &Account, &(sent, backlog): &(u64, u64), half: u64) -> bool {
    let can_do = u128::from(account.workers) * u128::from(half);
    account.backlog > account.backlog_limit && account.backlog > backlog && u128::from(grown(account.work, sent)) > can_do
}

/// What work sent to a backend has grown by; it may have shrunk, where what was sent before has been given up.
fn grown(work: u64, before: u64) -> u64 {
    let grown = work.wrapping_sub(before);
    if grown > u64::MAX / 2 { 0 } else { grown }
}
