//! One balancer of one planned scenario, run as far as somebody wants.
//!
//! Replications are numbered from an offset: those of a search from 0, so that all candidates meet the same requests, those of its final figures from beyond all that a search may
//! use. They are run on any number of threads and added in their order, so that the number of threads changes nothing.

use super::Holds;
use super::bounded::Rule;
use crate::engine::Stopped;
use crate::gate::cases::{About, Cases};
use crate::measure::record::Record;
use crate::measure::result::ResultBuilder;
use crate::run::{self, Job, Watch};
use crate::scenario::Expect;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What stopped a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Somebody said to.
    Interrupted,
    /// A balancer could not choose: whose trial, and why.
    Trouble(String),
    /// A value that cannot be planned; whoever plans knows why.
    Unplannable,
}

/// It.
#[derive(Debug)]
pub struct Trial {
    job: Arc<Job>,
    result: usize,
    cases: Cases,
    offset: u32,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    builder: ResultBuilder,
    /// Those that wait for one before them.
    waiting: BTreeMap<u32, Record>,
}

impl Trial {
    /// Of one of the job's results, under these rules, with the replications from `offset` on; `watched` are metrics that are asked for besides.
    #[must_use]
    pub fn new(job: Arc<Job>, result: usize, rules: &[Expect], watched: &[&str], offset: u32) -> Self {
        let subject = job.described().1.swap_remove(result);
        let mut cases = Cases::new(&[About { balancer: &subject.balancer, variant: subject.variant.as_deref(), rules }]);
        watched.iter().for_each(|path| cases.remember(path));
        let mut builder = ResultBuilder::new(subject, []).expect("nothing is asked for");
        for (_, path) in cases.watched() {
            // What is not there has no values.
            let _ = builder.watch(None, path);
        }
        Self { job, result, cases, offset, state: Mutex::new(State { builder, waiting: BTreeMap::new() }) }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many replications it has.
    #[must_use]
    pub fn replications(&self) -> u32 {
        self.state().builder.replications() as u32
    }

    /// The job that it is a part of.
    #[must_use]
    pub fn job(&self) -> &Arc<Job> {
        &self.job
    }

    /// Its balancer, and its variant.
    #[must_use]
    pub fn names(&self) -> (String, Option<String>) {
        let state = self.state();
        (state.builder.subject().balancer.clone(), state.builder.subject().variant.clone())
    }

    /// The values of a metric, one for each replication.
    #[must_use]
    pub fn values(&self, path: &str) -> Vec<Option<f64>> {
        self.state().builder.values(None, path).unwrap_or_default().to_vec()
    }

    /// When it became overloaded, if it did.
    #[must_use]
    pub fn overloaded_at_s(&self) -> Option<f64> {
        let state = self.state();
        if state.builder.replications() == 0 { None } else { state.builder.clone().finish().result.overloaded_at_s }
    }

    /// What its rules came to.
    #[must_use]
    pub fn rules(&self) -> Vec<Rule> {
        let measured = [self.state().builder.clone().finish()];
        self.cases.verdicts(&measured).into_iter().map(Rule::of).collect()
    }

    /// Whether all of them hold.
    #[must_use]
    pub fn holds(&self) -> Holds {
        let rules = self.rules();
        if rules.iter().any(|rule| rule.verdict == "failed" || rule.verdict == "no data") {
            return Holds::No;
        }
        if rules.iter().all(|rule| rule.verdict == "held") { Holds::Yes } else { Holds::Undecided }
    }

    /// Runs `first` replications, then as many as it takes to decide the rules, at most `most`.
    ///
    /// # Errors
    /// Says what stopped it.
    pub fn decide(&self, first: u32, most: u32, threads: usize, watch: Watch<'_>) -> Result<Holds, Stop> {
        let mut wanted = first.max(2).min(most);
        loop {
            raise(&[self], wanted, threads, watch)?;
            let holds = self.holds();
            if holds != Holds::Undecided {
                return Ok(holds);
            }
            match self.cases.wanted(std::slice::from_ref(&self.state().builder), most) {
                Some(more) => wanted = more,
                None => return Ok(holds),
            }
        }
    }

    fn add(&self, replication: u32, record: Record) {
        let mut state = self.state();
        state.waiting.insert(replication, record);
        loop {
            let next = state.builder.replications() as u32;
            let Some(record) = state.waiting.remove(&next) else { break };
            state.builder.add(record);
        }
    }
}

/// Runs all of them until each has so many replications.
///
/// # Errors
/// Says what stopped it; what was finished stays.
pub fn raise(trials: &[&Trial], replications: u32, threads: usize, watch: Watch<'_>) -> Result<(), Stop> {
    let have: Vec<u32> = trials.iter().map(|trial| trial.replications()).collect();
    let least = have.iter().copied().min().unwrap_or(replications);
    let missing = |replication: u32| (0..trials.len()).filter(move |_| replication >= least).map(move |at| (at, replication));
    let cells: Vec<(usize, u32)> = (least..replications).flat_map(missing).filter(|&(at, replication)| replication >= have[at]).collect();
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    // The first in order: all before it were started before it.
    let stopped: Mutex<Option<(usize, Stop)>> = Mutex::new(None);
    let work = || {
        while !stop.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(&(trial, replication)) = cells.get(at) else { break };
            let why = match one(trials[trial], replication, watch) {
                Ok(()) => continue,
                Err(Stopped::Interrupted) => Stop::Interrupted,
                Err(Stopped::Trouble(what)) => Stop::Trouble(format!("{}: {what}", trials[trial].names().0)),
            };
            let mut first = stopped.lock().unwrap_or_else(PoisonError::into_inner);
            if first.as_ref().is_none_or(|(before, _)| at < *before) {
                *first = Some((at, why));
            }
            stop.store(true, Ordering::Relaxed);
        }
    };
    run::on_threads(threads.min(cells.len()), &work);
    stopped.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), |(_, why)| Err(why))
}

fn one(trial: &Trial, replication: u32, watch: Watch<'_>) -> Result<(), Stopped> {
    let result = trial.job.results()[trial.result];
    let record = trial.job.cell(result, trial.offset + replication, watch)?;
    trial.add(replication, record);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{self, NoFiles, Override, Source};

    const SCENARIO: &str = r#"
        balancers = ["random", "round-robin"]
        [run]
        requests = 500
        replications = 2
        [traffic]
        arrivals = { process = "poisson", load = 0.5 }
        work = { dist = "exponential", mean = "10ms" }
        [[backends]]
        name = "web"
        count = 3
    "#;

    fn trial(rule: &str, offset: u32) -> Trial {
        let rule = Override::rule("--until", rule);
        let loaded = scenario::load(&Source::new("s.toml", SCENARIO.as_bytes()), &[rule], &NoFiles).expect("it is right");
        let job = Arc::new(Job::new(&loaded).expect("it can be planned"));
        Trial::new(job, 1, &loaded.variants[0].scenario.expects, &["latency.p90"], offset)
    }

    #[test]
    fn a_clear_rule_is_decided_by_the_first_replications() {
        assert_eq!(trial("latency.mean < 1s", 0).decide(2, 100, 1, &|_| true), Ok(Holds::Yes));
        assert_eq!(trial("latency.mean < 10us", 0).decide(2, 100, 1, &|_| true), Ok(Holds::No));
    }

    #[test]
    fn an_open_rule_takes_more_but_never_more_than_there_may_be() {
        let open = trial("latency.mean < 1s", 0);
        open.decide(8, 8, 1, &|_| true).expect("nobody interrupts");
        let mean = open.rules()[0].value.expect("measured");
        let trial = trial(&format!("latency.mean < {mean:.3}ms"), 0);
        assert_eq!(trial.decide(2, 8, 1, &|_| true), Ok(Holds::Undecided));
        assert_eq!(trial.replications(), 8);
    }

    #[test]
    fn threads_change_nothing_and_other_replications_are_others() {
        let values = |offset, threads| {
            let trial = trial("latency.mean < 1s", offset);
            raise(&[&trial], 6, threads, &|_| true).expect("nobody interrupts");
            trial.values("latency.p90")
        };
        assert_eq!(values(0, 1), values(0, 3));
        assert_eq!(values(0, 1)[4..], values(4, 1)[..2]);
        assert_ne!(values(0, 1), values(100, 1));
    }

    #[test]
    fn an_interruption_keeps_what_is_finished() {
        let (trial, requests) = (trial("latency.mean < 1s", 0), AtomicUsize::new(0));
        let watch = |new: u64| requests.fetch_add(new as usize, Ordering::Relaxed) < 1200;
        assert_eq!(raise(&[&trial], 10, 1, &watch), Err(Stop::Interrupted));
        assert!((1..10).contains(&trial.replications()));
    }
}
