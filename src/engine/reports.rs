//! What backends say of themselves, to balancers that listen.
//!
//! A backend knows how many requests stand at it (waiting or in service), how long requests took that came when as many stood there, what it served
//! and how busy it was over its last whole second. It says so with every answer, when it is probed, or when it has become idle; what it says is as of
//! the moment it is said, and takes as long as an answer on its way. A cell whose balancer does not listen has none of this.

use crate::balance;
use crate::fleet::{Attempt, Fleet};
use crate::plan::Plan;
use crate::random::{Purpose, Stream, derive};
use crate::slab::Slab;
use crate::time::Span;
use std::collections::BTreeMap;

/// Rates and utilization are of so long a time: long enough for a mean, short enough to follow.
const WINDOW: u64 = 1_000_000_000;
/// The service time is an average that forgets: the weight of a new one.
const NEW: f64 = 0.3;
/// Latencies remembered for each number of requests present.
const REMEMBERED: usize = 9;
/// Numbers of requests present that are told apart; beyond, all are one.
const LEVELS: u32 = 64;

/// The reports of a cell.
#[derive(Debug)]
pub(super) struct Reports {
    own: Vec<Own>,
    /// By attempt: how many stood there when it came, and when that was; and what its answer says.
    came: Vec<(u32, u64)>,
    said: Vec<balance::Report>,
    /// On its way to an instance.
    on_way: Slab<Message>,
    chance: Stream,
    probes: u64,
}

/// A report, or a probe that will become one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Message {
    pub(super) access: u16,
    pub(super) instance: u32,
    pub(super) backend: u32,
    pub(super) report: balance::Report,
    /// What its delays are drawn by.
    pub(super) number: u64,
}

/// What one backend knows of itself.
#[derive(Debug, Default)]
struct Own {
    present: u32,
    since: u64,
    busy_before: u128,
    answered: u64,
    errors: u64,
    rps: f64,
    eps: f64,
    utilization: f64,
    service: f64,
    recent: BTreeMap<u32, Recent>,
}

/// The last few latencies.
#[derive(Debug, Default)]
struct Recent {
    latencies: [u64; REMEMBERED],
    count: usize,
}

impl Recent {
    fn add(&mut self, latency: u64) {
        self.latencies[self.count % REMEMBERED] = latency;
        self.count += 1;
    }

    fn median(&self) -> u64 {
        let mut known = self.latencies;
        let known = &mut known[..self.count.min(REMEMBERED)];
        known.sort_unstable();
        known[known.len() / 2]
    }
}

impl Reports {
    /// `None` where nobody listens.
    pub(super) fn new(plan: &Plan, is_asked: bool, replication: u64) -> Option<Self> {
        is_asked.then(|| Self {
            own: (0..plan.backend_count()).map(|_| Own::default()).collect(),
            came: Vec::new(),
            said: Vec::new(),
            on_way: Slab::default(),
            chance: Stream::new(derive(plan.seed, replication, Purpose::Reports, 0)),
            probes: 0,
        })
    }

    /// An attempt has been taken by its backend.
    pub(super) fn came(&mut self, attempt: u32, backend: u32, now: u64) {
        let own = &mut self.own[backend as usize];
        if self.came.len() <= attempt as usize {
            self.came.resize(attempt as usize + 1, (0, 0));
            self.said.resize(attempt as usize + 1, balance::Report::default());
        }
        self.came[attempt as usize] = (own.present, now);
        own.present += 1;
    }

    /// An attempt is no longer at its backend, and was not done.
    pub(super) fn lost(&mut self, backend: u32) {
        let own = &mut self.own[backend as usize];
        own.present = own.present.saturating_sub(1);
    }

    /// An attempt is done at its backend. Whether that has become idle.
    pub(super) fn left(&mut self, id: u32, attempt: &Attempt, now: u64) -> bool {
        let (stood, came) = self.came[id as usize];
        let own = &mut self.own[attempt.backend as usize];
        own.present -= 1;
        own.answered += 1;
        own.recent.entry(stood.min(LEVELS)).or_default().add(now - came);
        let service = attempt.service as f64;
        own.service = if own.service == 0.0 { service } else { own.service + NEW * (service - own.service) };
        own.present == 0
    }

    /// An attempt is answered with an error.
    pub(super) fn erred(&mut self, backend: u32) {
        self.own[backend as usize].errors += 1;
    }

    /// An attempt's answer says how its backend is now.
    pub(super) fn say(&mut self, id: u32, backend: u32, fleet: &mut Fleet, now: u64) {
        self.said[id as usize] = self.report(backend, fleet, now);
    }

    /// What an attempt's answer says.
    pub(super) fn said(&self, attempt: u32) -> balance::Report {
        self.said[attempt as usize]
    }

    /// What a backend says now.
    pub(super) fn report(&mut self, backend: u32, fleet: &mut Fleet, now: u64) -> balance::Report {
        let own = &mut self.own[backend as usize];
        let passed = now - own.since;
        if passed >= WINDOW {
            let (busy, workers) = fleet.busy_area(backend, now);
            own.rps = own.answered as f64 / (passed as f64 / 1e9);
            own.eps = std::mem::take(&mut own.errors) as f64 / (passed as f64 / 1e9);
            own.utilization = (busy - own.busy_before) as f64 / passed as f64 / f64::from(workers);
            (own.since, own.busy_before, own.answered) = (now, busy, 0);
        }
        let level = own.present.min(LEVELS);
        let below = own.recent.range(..=level).next_back();
        let above = own.recent.range(level..).next();
        // The nearest number of which anything is known; of two as near, the lower.
        let nearest = match (below, above) {
            (Some((low, below)), Some((high, above))) => Some(if level - low <= high - level { below } else { above }),
            (one, other) => one.or(other).map(|(_, recent)| recent),
        };
        balance::Report {
            rps: own.rps,
            eps: own.eps,
            utilization: own.utilization,
            in_flight: own.present,
            latency: Span(nearest.map_or(0, Recent::median)),
            service: Span(own.service as u64),
        }
    }

    /// Which of so many instances an idle backend tells.
    pub(super) fn draw_instance(&mut self, instances: u64) -> u32 {
        self.chance.below(instances) as u32
    }

    /// The number of a new probe: far above those of requests, so that its delays are its own.
    pub(super) fn next_number(&mut self) -> u64 {
        self.probes += 1;
        (1 << 44) | self.probes
    }

    /// Keeps a message while it is on its way.
    pub(super) fn keep(&mut self, message: Message) -> u32 {
        let at = self.on_way.occupy();
        self.on_way[at] = message;
        at
    }

    /// A message has arrived.
    pub(super) fn take(&mut self, at: u32) -> Message {
        let message = self.on_way[at];
        self.on_way.free(at);
        message
    }
}
