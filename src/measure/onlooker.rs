//! The observer of runs that will be drawn: beside the record of another observer it keeps what happens over time, where the time goes, and how deep queues are.
//!
//! Nothing that happens in a run depends on who looks: the record is the same with and without. What costs is one more row of sums for each request, which is the same row
//! as for the one before, and a look at all backends' books at the end of each window.

use super::bins::nice;
use super::closeup::{Closeup, DEEPEST, SourceCounts};
use super::detail::Windows;
use super::keys::Keys;
use super::periods::{BUSY, COVERED, EACH, FLIGHT, Periods};
use super::record::{Failure, Record};
use super::recorder::Recorder;
use super::setup::Backend;
use super::witness::Witness;
use crate::engine::{Edge, Ending, Observer, Request, Seen, Spent};
use crate::fault::Change;
use crate::fleet::Account;
use crate::plan::Plan;
use crate::scenario::Length;

/// A look at a backend costs a few nanoseconds: with very many of them there are fewer looks, so many in all.
const LOOKS: usize = 240_000;
/// At least so many windows, however many backends there are.
const FEWEST: usize = 24;
/// A run whose length is not known begins with windows of this width, in nanoseconds.
const FIRST_WIDTH: u64 = 1_000_000;

/// An observer that ends with a record.
pub trait Recording: Observer {
    /// The record of the cell that ended so.
    fn finish(self, ending: &Ending) -> Record;
}

impl Recording for Recorder {
    fn finish(self, ending: &Ending) -> Record {
        Self::finish(self, ending)
    }
}

impl Recording for Witness {
    fn finish(self, ending: &Ending) -> Record {
        Self::finish(self, ending)
    }
}

/// Another observer, and what is drawn.
#[derive(Debug)]
pub struct Onlooker<'p, R> {
    recording: R,
    plan: &'p Plan,
    closeup: Closeup,
    /// Attempts sent to each backend since the last look.
    sent: Vec<u64>,
    /// Each backend's integrals at the last look.
    books: Vec<(u128, u128)>,
    /// When that was, and when the next one is.
    looked: u64,
    next: u64,
    is_measuring: bool,
    /// Whether there are several sources.
    has_sources: bool,
    keys: Option<Keys>,
}

impl<'p, R: Recording> Onlooker<'p, R> {
    /// Looks on while another observer records a cell of this plan.
    #[must_use]
    pub fn new(recording: R, plan: &'p Plan) -> Self {
        let backends = plan.backend_count() as usize;
        let kept = if backends <= Windows::BACKENDS { backends } else { 0 };
        let most = (LOOKS / backends.max(1)).clamp(FEWEST, Windows::LIMIT);
        let has_sources = plan.sources.len() > 1;
        let periods = Periods::new(width(plan, most), most, kept);
        let keys = plan.sources.iter().filter_map(|source| source.keys).map(|keys| keys.count).max();
        Self {
            recording,
            plan,
            next: periods.backends.width(),
            closeup: Closeup {
                periods,
                depth: vec![0; DEEPEST + 1],
                on_the_way: 0,
                before: 0,
                sources: vec![SourceCounts::default(); if has_sources { plan.sources.len() } else { 0 }],
                keys: None,
                warmup: 0,
                curves: Vec::new(),
            },
            sent: vec![0; kept],
            books: vec![(0, 0); backends],
            looked: 0,
            is_measuring: false,
            has_sources,
            keys: keys.map(|keys| Keys::new(keys, backends)),
        }
    }

    /// The record of the cell that ended so, with its close-up.
    #[must_use]
    pub fn finish(self, ending: &Ending, backends: &[Backend]) -> Record {
        let mut record = self.recording.finish(ending);
        let closeup = Closeup { keys: self.keys.map(Keys::finish), ..self.closeup };
        record.closeup = Some(Box::new(closeup.close(&record, backends)));
        record
    }

    /// Adds what has happened at backends since the last look to the window that it happened in.
    fn add(&mut self, now: u64, accounts: impl Iterator<Item = Account>) {
        let row = self.closeup.periods.backends.row(self.looked);
        row[COVERED] += now - self.looked;
        let mut each = row[EACH..].chunks_exact_mut(EACH).zip(&mut self.sent);
        let (mut all_flight, mut all_busy) = (0_u64, 0_u64);
        for (account, books) in accounts.zip(&mut self.books) {
            let grown = |now: u128, before: u128| u64::try_from(now - before).unwrap_or(u64::MAX);
            let (flight, busy) = (grown(account.flight_area, books.0), grown(account.busy_area, books.1));
            *books = (account.flight_area, account.busy_area);
            all_flight = all_flight.saturating_add(flight);
            all_busy = all_busy.saturating_add(busy);
            if let Some((backend, sent)) = each.next() {
                let add = [std::mem::take(sent), flight, busy];
                backend.iter_mut().zip(add).for_each(|(sum, value)| *sum = sum.saturating_add(value));
            }
        }
        let row = self.closeup.periods.backends.row(self.looked);
        row[FLIGHT] = row[FLIGHT].saturating_add(all_flight);
        row[BUSY] = row[BUSY].saturating_add(all_busy);
        self.looked = now;
        let width = self.closeup.periods.backends.width();
        self.next = (now / width).saturating_add(1).saturating_mul(width);
    }

    fn follow_key(&mut self, request: &Request, backend: u32) {
        let has_keys = !request.is_call() && self.plan.sources[request.source as usize].keys.is_some();
        if let Some(keys) = self.keys.as_mut().filter(|_| request.attempts == 1 && has_keys) {
            keys.went(request.key, backend, request.measured);
        }
    }

    fn of_source(&mut self, request: &Request) -> Option<&mut SourceCounts> {
        if request.measured { self.closeup.sources.get_mut(request.source as usize) } else { None }
    }
}

/// A 200th of the run, rounded up to 1, 2 or 5 times a power of ten, where its length is known; more where there may be fewer windows.
fn width(plan: &Plan, most: usize) -> u64 {
    let length = match plan.length {
        Length::Duration(duration) => Some(duration.0 as f64),
        Length::Requests(requests) => plan.rate.map(|rate| requests as f64 / rate * 1e9),
    };
    length.map_or(FIRST_WIDTH, |length| nice(length * 1.2 / most as f64))
}

impl<R: Recording> Observer for Onlooker<'_, R> {
    const LOOKS: bool = true;
    const TIMES: bool = true;

    #[inline]
    fn arrived(&mut self, request: &Request) {
        self.closeup.periods.requests.arrived(request.arrival);
        if self.has_sources
            && let Some(source) = self.of_source(request)
        {
            source.offered += 1;
        }
        self.recording.arrived(request);
    }

    #[inline]
    fn sent(&mut self, request: &Request, backend: u32) {
        if let Some(sent) = self.sent.get_mut(backend as usize) {
            *sent += 1;
        }
        if !request.is_call() {
            self.closeup.periods.requests.attempted(request.arrival);
        }
        if self.keys.is_some() {
            self.follow_key(request, backend);
        }
        self.recording.sent(request, backend);
    }

    #[inline]
    fn answered(&mut self, request: &Request, backend: u32, latency: u64) {
        self.recording.answered(request, backend, latency);
    }

    #[inline]
    fn succeeded(&mut self, request: &Request, backend: u32, wait: u64, now: u64) {
        let latency = now - request.arrival;
        self.closeup.periods.requests.succeeded(request.arrival, latency);
        if self.has_sources
            && let Some(source) = self.of_source(request)
        {
            source.succeeded += 1;
            source.latency_sum += u128::from(latency);
            source.latency.record(latency);
        }
        self.recording.succeeded(request, backend, wait, now);
    }

    fn retried(&mut self, request: &Request, backend: u32) {
        self.recording.retried(request, backend);
    }

    fn hedged(&mut self, request: &Request, backend: u32) {
        self.recording.hedged(request, backend);
    }

    fn spent(&mut self, request: &Request, spent: Spent, time: u64) {
        self.recording.spent(request, spent, time);
    }

    fn served(&mut self, request: &Request, service: u16, path: Option<&[u64]>, now: u64) {
        self.recording.served(request, service, path, now);
    }

    fn fault(&mut self, change: &Change, now: u64) {
        self.recording.fault(change, now);
    }

    fn believed(&mut self, access: u16, instance: u32, backend: u32, usable: bool, now: u64) {
        if let Some(keys) = &mut self.keys {
            keys.changed();
        }
        self.recording.believed(access, instance, backend, usable, now);
    }

    fn next_look(&self) -> u64 {
        self.next
    }

    fn look(&mut self, now: u64, backends: &mut dyn Iterator<Item = Seen>) {
        let measuring = self.is_measuring;
        let mut depth = std::mem::take(&mut self.closeup.depth);
        self.add(
            now,
            backends.map(|seen| {
                if measuring && seen.is_there {
                    depth[(seen.account.in_flight as usize).min(DEEPEST)] += 1;
                }
                seen.account
            }),
        );
        self.closeup.depth = depth;
    }

    fn timed(&mut self, request: &Request, on_the_way: u64, before: u64) {
        if request.measured {
            self.closeup.on_the_way += u128::from(on_the_way);
            self.closeup.before += u128::from(before);
        }
    }

    fn failed(&mut self, request: &Request, cause: Failure, now: u64) {
        self.recording.failed(request, cause, now);
    }

    fn window(&mut self, edge: Edge, now: u64, in_system_area: u128, accounts: &mut dyn Iterator<Item = Account>) {
        let books: Vec<Account> = accounts.collect();
        self.recording.window(edge, now, in_system_area, &mut books.iter().copied());
        match edge {
            Edge::Opens => self.is_measuring = true,
            Edge::Closes => {
                self.add(now, books.into_iter());
                self.next = u64::MAX;
            }
        }
    }
}
