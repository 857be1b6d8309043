//! The observer that fills a [`Record`].

use super::histogram::Exact;
use super::record::{BackendRecord, Failure, Record, ServiceRecord};
use super::tallies::Tallies;
use crate::engine::{Edge, Ending, Observer, Request, Spent};
use crate::fleet::Account;
use crate::plan::Plan;
use crate::time::{SimTime, Span};

/// Beyond so many backends no histogram is kept for each: at a few kilobytes apiece they would no longer fit the caches.
pub const HISTOGRAMS_UP_TO: u32 = 1000;

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

/// Counts and sums everything that the result shows.
#[derive(Debug)]
pub struct Recorder {
    record: Record,
    /// Areas in flight and busy of each backend at the start of the window.
    opened: Vec<(u128, u128)>,
    opened_area: u128,
    succeeded_in_warmup: u64,
    /// Where each source's clients begin in `record.clients`.
    first_client: Vec<u32>,
    /// By backend, where there are several services.
    service_of: Vec<u16>,
    backends: Vec<Hot>,
    sent: Noted<()>,
    answered: Noted<u64>,
    /// Latencies by backend, as one table; empty beyond [`HISTOGRAMS_UP_TO`].
    tallies: Tallies<6>,
    /// Latencies and waits of all succeeded requests: counts, and what is exact.
    fine: Tallies<10>,
    latency: Exact,
    wait: Exact,
}

/// The rows of the fine table.
const LATENCY: u32 = 0;
const WAIT: u32 = 1;

/// What every request adds to its backend.
#[derive(Clone, Copy, Debug, Default)]
struct Hot {
    requests: u64,
    answered: u64,
    latency_sum: u128,
}

/// Additions to backends, noted first and made a few hundred at a time: with very many backends none of their sums is in a cache, and waiting for
/// many of them at once costs hardly more than waiting for one.
#[derive(Debug)]
struct Noted<T> {
    of: [(u32, T); NOTED],
    used: usize,
}

/// How many additions are noted before they are made.
const NOTED: usize = 256;

impl<T: Copy> Noted<T> {
    fn new(blank: T) -> Self {
        Self { of: [(0, blank); NOTED], used: 0 }
    }

    /// Notes one; whether it is time to make them.
    #[inline]
    fn note(&mut self, backend: u32, what: T) -> bool {
        self.of[self.used] = (backend, what);
        self.used += 1;
        self.used == NOTED
    }

    /// All that were noted, which are then forgotten.
    fn take(&mut self) -> &[(u32, T)] {
        &self.of[..std::mem::take(&mut self.used)]
    }
}

impl Recorder {
    /// A recorder for a cell of this plan.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let count = plan.backend_count();
        let named = plan.sources.iter().any(|source| source.client_count() > 0);
        let mut clients = 0;
        let first_client = plan.sources.iter().map(|source| {
            let first = clients;
            // A source without clients is one client, where clients are looked at at all.
            clients += source.client_count().max(u32::from(named));
            first
        });
        let first_client = first_client.collect();
        let clients = (clients > 0).then(|| vec![(0, 0); clients as usize]);
        let backends = vec![BackendRecord::default(); count as usize];
        let is_one = plan.services.len() == 1;
        let service_of = plan.services.iter().zip(0..).flat_map(|(service, number)| service.backends.clone().map(move |_| number));
        let services = vec![ServiceRecord::default(); if is_one { 0 } else { plan.services.len() }];
        Self {
            record: Record { backends, clients, services, ..Record::default() },
            service_of: if is_one { Vec::new() } else { service_of.collect() },
            opened: Vec::new(),
            opened_area: 0,
            succeeded_in_warmup: 0,
            first_client,
            backends: vec![Hot::default(); count as usize],
            sent: Noted::new(()),
            answered: Noted::new(0),
            tallies: Tallies::new(if count <= HISTOGRAMS_UP_TO { count as usize } else { 0 }),
            fine: Tallies::new(2),
            latency: Exact::default(),
            wait: Exact::default(),
        }
    }

    /// The record of the cell that ended so.
    #[must_use]
    pub fn finish(mut self, ending: &Ending) -> Record {
        self.record.end = ending.end;
        self.record.overloaded_at = ending.overloaded_at;
        self.record.unfinished = ending.unfinished;
        self.record.events = ending.events;
        let all = self.succeeded_in_warmup + self.record.succeeded;
        self.record.warmup_share = if all == 0 { 0.0 } else { self.succeeded_in_warmup as f64 / all as f64 };
        self.add_sent();
        self.add_answered();
        for (number, (backend, hot)) in self.record.backends.iter_mut().zip(&self.backends).enumerate() {
            (backend.requests, backend.answered, backend.latency_sum) = (hot.requests, hot.answered, hot.latency_sum);
            backend.latency = self.tallies.histogram(number);
        }
        let series = |row: u32, exact: &Exact| self.fine.histogram(row as usize).map(|counts| counts.with_exact(*exact));
        self.record.latency = series(LATENCY, &self.latency).expect("the table has this row");
        self.record.wait = series(WAIT, &self.wait).expect("the table has this row");
        let Record { offered, succeeded, failed, unfinished, .. } = self.record;
        assert_eq!(offered, succeeded + failed + unfinished, "conservation: every measured request has ended once or is in the system");
        self.record
    }

    #[inline(never)]
    fn add_sent(&mut self) {
        for &(backend, ()) in self.sent.take() {
            self.backends[backend as usize].requests += 1;
        }
    }

    #[inline(never)]
    fn add_answered(&mut self) {
        for &(backend, latency) in self.answered.take() {
            let hot = &mut self.backends[backend as usize];
            hot.answered += 1;
            hot.latency_sum += u128::from(latency);
            self.tallies.count(backend, latency);
        }
    }

    /// One more decision and outcome in the running hash.
    #[inline]
    fn fingerprint(&mut self, what: u64) {
        self.record.fingerprint = (self.record.fingerprint.rotate_left(23) ^ what).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

impl Observer for Recorder {
    #[inline]
    fn arrived(&mut self, request: &Request) {
        self.record.offered += u64::from(request.measured);
    }

    #[inline]
    fn sent(&mut self, request: &Request, backend: u32) {
        if request.measured {
            self.record.attempts += u64::from(!request.is_call());
            if let Some(&service) = self.service_of.get(backend as usize) {
                self.record.services[service as usize].attempts += 1;
            }
            if self.sent.note(backend, ()) {
                self.add_sent();
            }
        }
    }

    #[inline]
    fn answered(&mut self, request: &Request, backend: u32, latency: u64) {
        if request.measured && self.answered.note(backend, latency) {
            self.add_answered();
        }
    }

    #[inline]
    fn succeeded(&mut self, request: &Request, backend: u32, wait: u64, now: u64) {
        let latency = now - request.arrival;
        self.record.batches.push(Span(latency));
        self.fingerprint(now ^ (u64::from(backend) << 40) ^ request.number);
        if !request.measured {
            self.succeeded_in_warmup += 1;
            return;
        }
        self.record.succeeded += 1;
        self.fine.count(LATENCY, latency);
        self.fine.count(WAIT, wait);
        self.latency.add(latency);
        self.wait.add(wait);
        self.record.waited += u64::from(wait > 0);
        if let Some(clients) = &mut self.record.clients {
            let client = &mut clients[(self.first_client[request.source as usize] + request.client) as usize];
            client.0 += 1;
            client.1 += u128::from(latency);
        }
    }

    fn retried(&mut self, request: &Request, backend: u32) {
        if request.measured {
            self.record.retries += u64::from(!request.is_call());
            if let Some(&service) = self.service_of.get(backend as usize) {
                self.record.services[service as usize].retries += 1;
            }
        }
    }

    fn hedged(&mut self, request: &Request, _backend: u32) {
        self.record.hedges += u64::from(request.measured && !request.is_call());
    }

    fn spent(&mut self, request: &Request, spent: Spent, time: u64) {
        if request.measured {
            let sum = match spent {
                Spent::Useful => &mut self.record.useful,
                Spent::Wasted => &mut self.record.wasted,
                Spent::Lost => &mut self.record.lost,
            };
            *sum += u128::from(time);
        }
    }

    fn served(&mut self, request: &Request, service: u16, path: Option<&[u64]>, now: u64) {
        if !request.measured || self.record.services.is_empty() {
            return;
        }
        let of = &mut self.record.services[service as usize];
        of.requests += 1;
        let Some(path) = path else { return };
        of.succeeded += 1;
        of.latency.record(now - request.arrival);
        if !request.is_call() {
            self.record.services.iter_mut().zip(path).for_each(|(service, time)| service.path += u128::from(*time));
        }
    }

    fn failed(&mut self, request: &Request, cause: Failure, now: u64) {
        self.fingerprint(now ^ ((cause as u64 + 1) << 56) ^ request.number);
        if request.measured {
            self.record.failed += 1;
            self.record.failures[cause as usize] += 1;
            self.record.failed_latency.record(now - request.arrival);
        }
    }

    fn window(&mut self, edge: Edge, now: u64, in_system_area: u128, accounts: &[Account]) {
        match edge {
            Edge::Opens => {
                self.record.window_start = SimTime(now);
                self.opened_area = in_system_area;
                self.opened = accounts.iter().map(|account| (account.flight_area, account.busy_area)).collect();
            }
            Edge::Closes => {
                self.record.window_end = SimTime(now);
                self.record.in_system_area = in_system_area - self.opened_area;
                for ((backend, account), opened) in self.record.backends.iter_mut().zip(accounts).zip(&self.opened) {
                    backend.in_flight_area = account.flight_area - opened.0;
                    backend.busy_area = account.busy_area - opened.1;
                    backend.in_flight_max = u64::from(account.in_flight_max);
                }
            }
        }
    }
}
