//! The main job: all cells of a scenario, reduced in order.
//!
//! A cell is a variant × balancer × replication and runs on one thread. Cells are started in order, replication by replication, and reduced in that
//! order whoever finishes first, so the number of threads cannot change a byte. What is interrupted keeps every replication that all balancers
//! have finished, so that comparisons stay paired.

mod outline;
mod theory;

pub use outline::facts;

use crate::engine::{self, Ending, Stopped};
use crate::measure::detail::{self, Detail};
use crate::measure::onlooker::Onlooker;
use crate::measure::record::Record;
use crate::measure::recorder::{Recorder, Recording};
use crate::measure::result::{Measured, ResultBuilder};
use crate::measure::scoped::{Scope, Scoped};
use crate::measure::setup::{Backend, Fault, Setup, Source, Subject};
use crate::measure::summary::Summary;
use crate::measure::trace::{Traced, Tracer};
use crate::measure::witness::Witness;
use crate::plan::{self, Plan};
use crate::scenario::{Length, Loaded, Precision};
use crate::traffic::SourcePlan;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// One scenario, ready to run: its variants' plans and what the result says of it.
#[derive(Debug)]
pub struct Job {
    /// One plan for each variant.
    pub plans: Vec<Plan>,
    setup: Setup,
}

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// The result; `None` where not one replication of all balancers was finished.
    pub summary: Option<Summary>,
    /// What is drawn of it, where that was asked for.
    pub detail: Option<Detail>,
    /// Whether it was interrupted.
    pub interrupted: bool,
    /// What kept a balancer from choosing, and its label. There is no summary then.
    pub trouble: Option<(String, String)>,
    /// Replications that every balancer finished.
    pub replications: u32,
    /// Requests simulated in those, warm-up included, and events.
    pub events: u64,
    /// What was measured of each balancer, in the order of the results: for who has asked more of it than the result says.
    pub measured: Vec<Measured>,
}

/// What a run is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Use {
    /// Its result alone.
    #[default]
    Result,
    /// To be drawn, too.
    Drawing,
}

/// What somebody asks of a run besides its result, which stays the same.
#[derive(Clone, Copy, Default)]
pub struct Questions<'a> {
    /// Parts of the requests that are measured by themselves.
    pub scopes: &'a [Scope],
    /// Metrics that are remembered of each replication: of all requests, or of a part of them by its place. Results that have no such number are passed over.
    pub watched: &'a [(Option<usize>, String)],
    /// How many replications there should be in view of those that there are; `None`: no more.
    pub wanted: Option<Wanted<'a>>,
}

/// How many replications there should be, in view of what was measured so far; `None`: no more.
pub type Wanted<'a> = &'a dyn Fn(&[ResultBuilder]) -> Option<u32>;

impl std::fmt::Debug for Questions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Questions").field("scopes", &self.scopes).field("watched", &self.watched).finish_non_exhaustive()
    }
}

/// Who watches a run: called with the number of requests that have arrived since the last call, from any thread; says whether to go on.
pub type Watch<'a> = &'a (dyn Fn(u64) -> bool + Sync);

/// A key that is right by itself but cannot be planned, with the variant it was found in.
#[derive(Debug)]
pub struct Unplannable {
    /// The variant's name.
    pub variant: Option<String>,
    /// What is wrong, and at which key.
    pub fault: plan::FaultAt,
}

impl Job {
    /// Plans every variant of a loaded scenario.
    ///
    /// # Errors
    /// Everything that cannot be planned, in all variants.
    pub fn new(loaded: &Loaded) -> Result<Self, Vec<Unplannable>> {
        let (mut plans, mut faults) = (Vec::new(), Vec::new());
        for variant in &loaded.variants {
            match Plan::new(&variant.scenario, variant.name.clone()) {
                Ok(plan) => plans.push(plan),
                Err(found) => faults.extend(found.into_iter().map(|fault| Unplannable { variant: variant.name.clone(), fault })),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let first = &loaded.variants.first().expect("a scenario has at least one variant").scenario.run;
        let setup = Setup {
            title: loaded.title.clone(),
            question: loaded.question.clone(),
            file_sha256: loaded.file_sha256.clone(),
            plan_sha256: plan::sha256(&plans),
            seed: first.seed,
            replications: first.replications,
            requests: match plans.first().map_or(first.length, |plan| plan.length) {
                Length::Requests(requests) => Some(requests),
                Length::Duration(_) => None,
            },
            warmup: first.warmup_text.clone(),
        };
        Ok(Self { plans, setup })
    }

    /// Requests that the first pass will simulate, as far as can be told: for a progress bar.
    #[must_use]
    pub fn expected_requests(&self) -> Option<f64> {
        self.plans.iter().map(|plan| Some(plan.expected_requests()? * (plan.balancers.len() as f64) * f64::from(self.replications()))).sum()
    }

    /// Replications, before any that precision may add.
    #[must_use]
    pub fn replications(&self) -> u32 {
        self.plans.iter().map(|plan| plan.replications).max().unwrap_or(1)
    }

    /// (plan, balancer) of each result, in order.
    #[must_use]
    pub fn results(&self) -> Vec<(usize, usize)> {
        self.plans.iter().enumerate().flat_map(|(plan, of)| (0..of.balancers.len()).map(move |balancer| (plan, balancer))).collect()
    }

    /// What the result says of the run, and what each of [`Self::results`] is of: with these, records become a summary wherever they come from.
    #[must_use]
    pub fn described(&self) -> (&Setup, Vec<Subject>) {
        let backends: Vec<_> = self.plans.iter().map(backends).collect();
        let one = |(plan, balancer): (usize, usize)| subject(&self.plans[plan], balancer, backends[plan].clone());
        (&self.setup, self.results().into_iter().map(one).collect())
    }

    /// Runs one replication of one of [`Self::results`] by itself.
    ///
    /// # Errors
    /// Says what stopped it.
    pub fn cell(&self, (plan, balancer): (usize, usize), replication: u32, watch: Watch<'_>) -> Result<Record, Stopped> {
        OneCell { plan: &self.plans[plan], balancer, replication, scopes: &[] }.run(None, watch)
    }

    /// Runs everything on so many threads.
    #[must_use]
    pub fn run(&self, threads: usize, watch: Watch<'_>) -> Outcome {
        self.run_for(Use::Result, threads, watch)
    }

    /// The first so many choices of each balancer, in the first replication, and what came of them; `None` where `watch` says not to go on.
    #[must_use]
    pub fn trace(&self, picks: u64, watch: Watch<'_>) -> Option<Vec<Traced>> {
        let mut all = Vec::new();
        for plan in &self.plans {
            let backends = backends(plan);
            for balancer in 0..plan.balancers.len() {
                let (mut events, is_done) = (Vec::new(), Cell::new(false));
                let mut pulse = |_| !is_done.get() && watch(0);
                // What stops it, other than its end, is that there was enough, or a trouble that the run itself has told of.
                let _ = engine::run(plan, balancer, 0, Tracer::new(picks, &mut events, &is_done), &mut pulse);
                let Subject { balancer, variant, backends, faults, .. } = subject(plan, balancer, backends.clone());
                all.push(Traced { balancer, variant, backends, faults, events });
                if !watch(0) {
                    return None;
                }
            }
        }
        Some(all)
    }

    /// Runs everything on so many threads, for what is wanted of it. The result is the same.
    #[must_use]
    pub fn run_for(&self, wanted_for: Use, threads: usize, watch: Watch<'_>) -> Outcome {
        self.run_asked(wanted_for, Questions::default(), threads, watch)
    }

    /// Runs everything on so many threads, and what is asked besides.
    #[must_use]
    pub fn run_asked(&self, wanted_for: Use, questions: Questions<'_>, threads: usize, watch: Watch<'_>) -> Outcome {
        let mut running = Running::new(self, wanted_for, questions);
        let mut wanted = self.replications();
        loop {
            let interrupted = running.up_to(wanted, threads, watch);
            if interrupted || running.trouble.is_some() {
                return running.finish(interrupted);
            }
            match running.wanted() {
                Some(more) => wanted = more,
                None => return running.finish(false),
            }
        }
    }
}

/// A job being run: one builder for each variant and balancer.
struct Running<'j> {
    job: &'j Job,
    wanted_for: Use,
    questions: Questions<'j>,
    /// (plan, balancer) of each result.
    results: Vec<(usize, usize)>,
    /// By plan.
    backends: Vec<Arc<[Backend]>>,
    builders: Vec<ResultBuilder>,
    replications: u32,
    trouble: Option<(String, String)>,
}

impl<'j> Running<'j> {
    fn new(job: &'j Job, wanted_for: Use, questions: Questions<'j>) -> Self {
        let results = job.results();
        let backends: Vec<_> = job.plans.iter().map(backends).collect();
        let builders = results.iter().map(|&(plan, balancer)| {
            let subject = subject(&job.plans[plan], balancer, backends[plan].clone());
            let precision = job.plans[plan].precision.iter().map(|precision| precision.metric.as_str());
            let drawn = theory::WATCHED.iter().copied().filter(|_| wanted_for == Use::Drawing);
            let watched = precision.chain(drawn);
            let mut builder = ResultBuilder::new(subject, watched).expect("the decoder has checked the metric of run.precision");
            for (scope, path) in questions.watched {
                // Variants may have other backends: what is not there has no values.
                let _ = builder.watch(*scope, path);
            }
            builder
        });
        let builders = builders.collect();
        Self { job, wanted_for, questions, backends, builders, results, replications: 0, trouble: None }
    }

    /// Runs replications until there are so many. Whether it was interrupted.
    fn up_to(&mut self, wanted: u32, threads: usize, watch: Watch<'_>) -> bool {
        let from = self.replications;
        let width = self.results.len();
        let cells = (wanted - from) as usize * width;
        let queue = Queue { next: AtomicUsize::new(0), stopped: AtomicBool::new(false) };
        let reducer = Mutex::new(Reducer { waiting: BTreeMap::new(), taken: 0 });
        let builders = Mutex::new(&mut self.builders);
        // The first in order: all cells before it were started before it, and are run to their end.
        let trouble: Mutex<Option<(usize, String)>> = Mutex::new(None);
        let (job, results, backends, wanted_for) = (self.job, &self.results, &self.backends, self.wanted_for);
        let scopes = self.questions.scopes;
        let work = || {
            while let Some(cell) = queue.take(cells) {
                let (plan, balancer) = results[cell % width];
                let one = OneCell { plan: &job.plans[plan], balancer, replication: from + (cell / width) as u32, scopes };
                let looked_at = (wanted_for == Use::Drawing).then_some(&*backends[plan]);
                match one.run(looked_at, watch) {
                    Ok(record) => {
                        let mut reducer = reducer.lock().unwrap_or_else(PoisonError::into_inner);
                        reducer.waiting.insert(cell, record);
                        reducer.reduce(width, &mut builders.lock().unwrap_or_else(PoisonError::into_inner));
                    }
                    Err(Stopped::Interrupted) => queue.stop(),
                    Err(Stopped::Trouble(what)) => {
                        let mut first = trouble.lock().unwrap_or_else(PoisonError::into_inner);
                        if first.as_ref().is_none_or(|(at, _)| cell < *at) {
                            *first = Some((cell, what));
                        }
                        queue.stop();
                    }
                }
            }
        };
        on_threads(threads.min(cells), &work);
        let done = reducer.into_inner().unwrap_or_else(PoisonError::into_inner).taken;
        self.replications += (done / width) as u32;
        let label = |cell: usize| {
            let (plan, balancer) = self.results[cell % width];
            self.job.plans[plan].balancers[balancer].label.clone()
        };
        self.trouble = trouble.into_inner().unwrap_or_else(PoisonError::into_inner).map(|(cell, what)| (label(cell), what));
        queue.stopped.into_inner() && self.trouble.is_none()
    }

    /// How many replications there should be, if that is more than there are.
    fn wanted(&self) -> Option<u32> {
        let asked = self.questions.wanted.and_then(|wanted| wanted(&self.builders)).filter(|&wanted| wanted > self.replications);
        self.wanted_for_precision().max(asked)
    }

    /// How many there should be for `run.precision`, if that is more than there are.
    fn wanted_for_precision(&self) -> Option<u32> {
        let wanted = self.results.iter().zip(&self.builders).filter_map(|(&(plan, _), builder)| {
            let precision = self.job.plans[plan].precision.as_ref()?;
            if self.replications == 1 {
                // An interval needs two.
                return Some(precision.max_replications.min(2)).filter(|&wanted| wanted > 1);
            }
            let interval = builder.interval(&precision.metric)?;
            replications_for(precision, interval.relative(), self.replications)
        });
        wanted.max()
    }

    fn finish(self, interrupted: bool) -> Outcome {
        let mut setup = self.job.setup.clone();
        setup.replications = self.replications;
        let mut measured: Vec<_> = self.builders.into_iter().map(ResultBuilder::finish).collect();
        let events = measured.iter().map(|measured| measured.events).sum();
        let summary = (self.replications > 0 && self.trouble.is_none()).then(|| Summary::of(&setup, &measured));
        for (measured, &(plan, balancer)) in measured.iter_mut().zip(&self.results) {
            let rows = theory::beside(&self.job.plans[plan], balancer, measured);
            if let Some(detail) = &mut measured.detail {
                detail.theory = rows;
            }
        }
        let results: Option<Vec<_>> = measured.iter_mut().map(|measured| measured.detail.take()).collect();
        let detail = summary.as_ref().and(results).map(|results| Detail {
            schema: detail::SCHEMA,
            reproduce: String::new(),
            setups: self.job.plans.iter().map(|plan| outline::setup(plan, &results)).collect(),
            results,
        });
        Outcome { summary, detail, interrupted, trouble: self.trouble, replications: self.replications, events, measured }
    }
}

/// The number of replications after which an interval that narrows with their square root would be narrow enough, at most doubling
/// them at a time; `None` where it is, or where there may be no more.
fn replications_for(precision: &Precision, relative: Option<f64>, have: u32) -> Option<u32> {
    let relative = relative?;
    if relative <= precision.relative || have >= precision.max_replications {
        return None;
    }
    let ratio = relative / precision.relative;
    let needed = (f64::from(have) * ratio * ratio).ceil().min(f64::from(u32::MAX)) as u32;
    Some(needed.clamp(have + 1, have.saturating_mul(2)).min(precision.max_replications))
}

/// Cells in order, for whoever is free.
struct Queue {
    next: AtomicUsize,
    stopped: AtomicBool,
}

impl Queue {
    fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    fn take(&self, cells: usize) -> Option<usize> {
        if self.stopped.load(Ordering::Relaxed) {
            return None;
        }
        let cell = self.next.fetch_add(1, Ordering::Relaxed);
        (cell < cells).then_some(cell)
    }
}

/// Records that wait until all before them, and all of their replication, are there.
struct Reducer {
    waiting: BTreeMap<usize, Record>,
    taken: usize,
}

impl Reducer {
    fn reduce(&mut self, width: usize, builders: &mut [ResultBuilder]) {
        while (self.taken..self.taken + width).all(|cell| self.waiting.contains_key(&cell)) {
            for builder in builders.iter_mut() {
                builder.add(self.waiting.remove(&self.taken).expect("looked up just now"));
                self.taken += 1;
            }
        }
    }
}

/// One cell.
#[derive(Clone, Copy)]
struct OneCell<'p> {
    plan: &'p Plan,
    balancer: usize,
    replication: u32,
    scopes: &'p [Scope],
}

impl OneCell<'_> {
    /// Runs it; looked at by somebody who knows its backends, where that is wanted.
    fn run(self, looked_at: Option<&[Backend]>, watch: Watch<'_>) -> Result<Record, Stopped> {
        let mut told = 0;
        let mut pulse = |arrived: u64| {
            let new = arrived - told;
            told = arrived;
            watch(new)
        };
        let plan = self.plan;
        let (record, ending) = if !self.scopes.is_empty() {
            let witnessed = (Recorder::new(plan), Witness::new(plan, self.replication));
            self.recorded((witnessed, Scoped::new(plan, self.replication, self.scopes)), looked_at, &mut pulse)?
        } else if plan.faults.is_empty() {
            self.recorded(Recorder::new(plan), looked_at, &mut pulse)?
        } else {
            self.recorded((Recorder::new(plan), Witness::new(plan, self.replication)), looked_at, &mut pulse)?
        };
        if watch(ending.arrived - told) { Ok(record) } else { Err(Stopped::Interrupted) }
    }

    fn recorded<R: Recording>(
        self,
        recording: R,
        looked_at: Option<&[Backend]>,
        pulse: &mut dyn FnMut(u64) -> bool,
    ) -> Result<(Record, Ending), Stopped> {
        let Self { plan, balancer, replication, .. } = self;
        let Some(backends) = looked_at else {
            let (recording, ending) = engine::run(plan, balancer, replication, recording, pulse)?;
            return Ok((recording.finish(&ending), ending));
        };
        let ((recording, onlooker), ending) = engine::run(plan, balancer, replication, (recording, Onlooker::new(plan)), pulse)?;
        Ok((onlooker.finish(recording.finish(&ending), backends), ending))
    }
}

/// Does the same on so many threads, and waits for all of them.
#[cfg(feature = "threads")]
pub fn on_threads(threads: usize, work: &(dyn Fn() + Sync)) {
    if threads <= 1 {
        return work();
    }
    match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.scope(|scope| (0..threads).for_each(|_| scope.spawn(|_| work()))),
        // The machine gives no more threads: slower, and the same result.
        Err(_) => work(),
    }
}

/// Does it on the only thread there is.
#[cfg(not(feature = "threads"))]
pub fn on_threads(_threads: usize, work: &(dyn Fn() + Sync)) {
    work();
}

fn backends(plan: &Plan) -> Arc<[Backend]> {
    let known = plan.backends().zip(plan.places());
    known
        .map(|((name, group), (service, comes_later))| Backend {
            name,
            capacity: group.capacity(),
            workers: group.workers,
            service,
            comes_later,
        })
        .collect()
}

fn source(source: &SourcePlan) -> Source {
    Source { class: source.class.clone().unwrap_or_else(|| source.name.clone()), mean_work: source.work.mean() }
}

fn subject(plan: &Plan, balancer: usize, backends: Arc<[Backend]>) -> Subject {
    let of = &plan.balancers[balancer];
    Subject {
        balancer: of.label.clone(),
        kind: of.kind.to_owned(),
        variant: plan.variant.clone(),
        backends,
        services: if plan.services.len() > 1 { plan.services.iter().map(|service| service.name.clone()).collect() } else { [].into() },
        faults: plan.faults.iter().map(|fault| Fault { name: fault.name.clone(), kind: fault.kind.name().into() }).collect(),
        sources: plan.sources.iter().map(source).collect(),
        clients: plan.sources.iter().any(|source| source.client_count() > 0),
        is_recorded: plan.is_recorded(),
        load: plan.load(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_asks_for_what_the_square_root_says_and_at_most_doubles() {
        let precision = Precision { metric: "latency.p99".into(), relative: 0.01, max_replications: 100 };
        assert_eq!(replications_for(&precision, Some(0.01), 5), None);
        assert_eq!(replications_for(&precision, Some(0.011), 10), Some(13));
        assert_eq!(replications_for(&precision, Some(0.5), 10), Some(20));
        assert_eq!(replications_for(&precision, Some(0.5), 80), Some(100));
        assert_eq!(replications_for(&precision, Some(0.5), 100), None);
        assert_eq!(replications_for(&precision, None, 5), None);
    }
}
