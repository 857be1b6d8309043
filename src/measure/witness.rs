//! The observer of cells in which something goes wrong: a [`Recorder`], and beside it what is needed to say what each fault did.
//!
//! Plans without faults are run with the recorder alone, and pay nothing for this. Who is hit by an occurrence, and when, is known before it begins: so the share of
//! load at its targets can be counted before, too.

use super::bins::nice;
use super::impact::{self, Nature, Occurrence, Story};
use super::record::{Failure, Record};
use super::recorder::Recorder;
use super::series::Series;
use crate::engine::{Edge, Ending, Observer, Request, Spent};
use crate::fault::{Change, Fault, Kind, Occurrences, Repeats, Window};
use crate::fleet::Account;
use crate::plan::Plan;
use std::collections::{BTreeMap, BTreeSet};

/// The most bins.
const LIMIT: usize = 1000;

/// Records a cell and watches its faults.
#[derive(Debug)]
pub struct Witness {
    recorder: Recorder,
    series: Series,
    faults: Vec<Watched>,
    /// The faults whose occurrence that is on, or comes next, hits a backend.
    hit_by: Vec<Vec<u16>>,
    service_of: Vec<u16>,
    /// When the first of those occurrences ends.
    next_end: u64,
    opens: u64,
    closes: u64,
    over: Vec<Occurrence>,
    demand: Option<f64>,
    caches: bool,
}

/// A fault and its occurrence that is on or comes next.
#[derive(Debug)]
struct Watched {
    fault: Fault,
    occurrences: Occurrences,
    window: Option<Window>,
    targets: Vec<u32>,
    /// When it began at each target.
    since: BTreeMap<u32, u64>,
    /// Who (access and instance) has stopped using which target.
    noticed: BTreeSet<(u16, u32, u32)>,
    notice_time: u128,
}

impl Watched {
    fn new(fault: &Fault, number: u64, seed: u64, replication: u64) -> Self {
        let occurrences = Occurrences::new(fault, number, seed, replication);
        let (since, noticed) = (BTreeMap::new(), BTreeSet::new());
        Self { fault: fault.clone(), occurrences, window: None, targets: Vec::new(), since, noticed, notice_time: 0 }
    }

    fn ends(&self) -> u64 {
        self.window.map_or(u64::MAX, |window| window.ends)
    }

    fn is_on(&self, now: u64) -> bool {
        self.window.is_some_and(|window| window.begins <= now && now < window.ends)
    }

    /// Hands over the occurrence, and goes on to the next.
    fn go_on(&mut self, number: u16) -> Option<Occurrence> {
        let over = self.window.take().map(|window| Occurrence {
            fault: number,
            begins: window.begins,
            ends: window.ends,
            noticed: self.noticed.len() as u64,
            notice_time: self.notice_time,
        });
        (self.notice_time, self.window) = (0, self.occurrences.next());
        self.noticed.clear();
        self.since.clear();
        self.targets = self.window.map_or_else(Vec::new, |window| self.occurrences.targets(&self.fault, window.occurrence));
        over
    }
}

impl Witness {
    /// A witness of a replication of this plan.
    #[must_use]
    pub fn new(plan: &Plan, replication: u32) -> Self {
        let service_of = plan.services.iter().zip(0..).flat_map(|(service, number)| service.backends.clone().map(move |_| number));
        let faults = plan.faults.iter().zip(0..).map(|(fault, number)| Watched::new(fault, number, plan.seed, replication.into()));
        let mut witness = Self {
            recorder: Recorder::new(plan),
            series: Series::new(width(plan), LIMIT, plan.services.len(), plan.faults.len()),
            faults: faults.collect(),
            hit_by: vec![Vec::new(); plan.backend_count() as usize],
            service_of: service_of.collect(),
            next_end: 0,
            opens: 0,
            closes: u64::MAX,
            over: Vec::new(),
            demand: plan.load().and_then(|_| Some(plan.mean_work / plan.capacity?)),
            caches: plan.groups.iter().any(|group| group.cache.is_some()),
        };
        (0..witness.faults.len()).for_each(|number| witness.go_on(number));
        witness.find_next_end();
        witness
    }

    /// The record of the cell that ended so.
    #[must_use]
    pub fn finish(mut self, ending: &Ending) -> Record {
        self.series.settle();
        let closes = self.closes.min(ending.end.0);
        self.come_to(closes);
        let on = self.faults.iter_mut().zip(0..).filter_map(|(watched, number)| watched.go_on(number));
        self.over.extend(on);
        self.over.retain(|one| one.begins < closes);
        let story = Story {
            natures: self.faults.iter().map(|watched| nature(&watched.fault, &self.service_of)).collect(),
            series: self.series,
            opens: self.opens,
            closes,
            occurrences: self.over,
            demand: self.demand,
            overloaded_at: ending.overloaded_at.map(|at| at.0),
            caches: self.caches,
        };
        Record { faults: impact::judge(story), ..self.recorder.finish(ending) }
    }

    /// Puts away what has ended by now.
    #[cold]
    #[inline(never)]
    fn come_to(&mut self, now: u64) {
        for number in 0..self.faults.len() {
            while self.faults[number].ends() <= now {
                self.go_on(number);
            }
        }
        self.find_next_end();
    }

    fn find_next_end(&mut self) {
        self.next_end = self.faults.iter().map(Watched::ends).min().unwrap_or(u64::MAX);
    }

    /// A fault's next occurrence is the one to look at.
    fn go_on(&mut self, number: usize) {
        let watched = &mut self.faults[number];
        let fault = number as u16;
        for &backend in &watched.targets {
            self.hit_by[backend as usize].retain(|&other| other != fault);
        }
        self.over.extend(watched.go_on(fault));
        for &backend in &watched.targets {
            self.hit_by[backend as usize].push(fault);
        }
    }
}

/// A bin is a 200th of the run, or a tenth of the shortest fault if that is less, though not below a 500th; rounded up to 1, 2 or 5 times a power of ten. A run whose length
/// is not known begins with milliseconds.
fn width(plan: &Plan) -> u64 {
    let Some(length) = plan.expected_requests().zip(plan.rate).map(|(requests, rate)| requests / rate * 1e9) else { return 1_000_000 };
    let lasts = |fault: &Fault| match fault.repeats {
        Repeats::Drawn { down, .. } => Some(down),
        Repeats::Never | Repeats::Every(_) => fault.length(),
    };
    let shortest = plan.faults.iter().filter_map(lasts).map(|lasts| lasts.0 as f64).fold(f64::INFINITY, f64::min);
    nice((length / 200.0).min(shortest / 10.0).max(length / 500.0))
}

fn nature(fault: &Fault, service_of: &[u16]) -> Nature {
    let is_of_traffic = matches!(fault.kind, Kind::Surge { .. });
    let among: &[u32] = if is_of_traffic { &[] } else { &fault.target.among };
    let services: BTreeSet<u16> = among.iter().map(|&backend| service_of[backend as usize]).collect();
    Nature { services: services.into_iter().collect(), in_pieces: matches!(fault.kind, Kind::Flap { .. } | Kind::Deploy { .. }) }
}

impl Observer for Witness {
    fn arrived(&mut self, request: &Request) {
        if request.arrival >= self.next_end {
            self.come_to(request.arrival);
        }
        self.series.arrived(request.arrival);
        self.recorder.arrived(request);
    }

    fn sent(&mut self, request: &Request, backend: u32) {
        self.series.sent(request.arrival, self.service_of[backend as usize], &self.hit_by[backend as usize]);
        self.recorder.sent(request, backend);
    }

    fn answered(&mut self, request: &Request, backend: u32, latency: u64) {
        self.recorder.answered(request, backend, latency);
    }

    fn succeeded(&mut self, request: &Request, backend: u32, wait: u64, now: u64) {
        self.series.succeeded(request.arrival, now - request.arrival);
        self.recorder.succeeded(request, backend, wait, now);
    }

    fn retried(&mut self, request: &Request, backend: u32) {
        self.recorder.retried(request, backend);
    }

    fn hedged(&mut self, request: &Request, backend: u32) {
        self.recorder.hedged(request, backend);
    }

    fn spent(&mut self, request: &Request, spent: Spent, time: u64) {
        self.recorder.spent(request, spent, time);
    }

    fn served(&mut self, request: &Request, service: u16, path: Option<&[u64]>, now: u64) {
        self.recorder.served(request, service, path, now);
    }

    fn fault(&mut self, change: &Change, now: u64) {
        if now >= self.next_end {
            self.come_to(now);
        }
        let watched = &mut self.faults[usize::from(change.fault)];
        if change.begins && watched.is_on(now) {
            for &backend in &change.backends {
                watched.since.entry(backend).or_insert(now);
            }
        }
        self.recorder.fault(change, now);
    }

    fn believed(&mut self, access: u16, instance: u32, backend: u32, usable: bool, now: u64) {
        if now >= self.next_end {
            self.come_to(now);
        }
        for watched in self.faults.iter_mut().filter(|watched| !usable && watched.is_on(now)) {
            let Some(since) = watched.since.get(&backend) else { continue };
            if watched.noticed.insert((access, instance, backend)) {
                watched.notice_time += u128::from(now - since);
            }
        }
        self.recorder.believed(access, instance, backend, usable, now);
    }

    fn failed(&mut self, request: &Request, cause: Failure, now: u64) {
        self.recorder.failed(request, cause, now);
    }

    fn window(&mut self, edge: Edge, now: u64, in_system_area: u128, accounts: &mut dyn Iterator<Item = Account>) {
        match edge {
            Edge::Opens => self.opens = now,
            Edge::Closes => self.closes = now,
        }
        self.recorder.window(edge, now, in_system_area, accounts);
    }
}
