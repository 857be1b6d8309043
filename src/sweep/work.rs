//! Doing it: cells from a list, on any number of threads, each into the journal as soon as it is finished.
//!
//! Points are planned again when their cells come up, one at a time, and kept while anybody works on them. In which order cells get into the journal depends
//! on chance; results are made from it in the order of the plan.

use super::journal::Journal;
use super::plan::{Load, Plan};
use super::scene::Scene;
use crate::engine::Stopped;
use crate::measure::{compact, result};
use crate::run::{self, Job, Watch};
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What became of it.
#[derive(Debug)]
pub enum Ended {
    /// All is done.
    Done,
    /// Somebody said to stop.
    Interrupted,
    /// A balancer could not choose: the cell, and why.
    Trouble(usize, String),
    /// The journal could not be written.
    Broken(io::Error),
    /// A point that could be planned before cannot be any more.
    Changed(usize),
}

/// What is to be done.
pub struct Work<'a, 'l> {
    /// The plan.
    pub plan: &'a Plan,
    /// Where it goes.
    pub journal: &'a Journal,
    /// Which cells, in order.
    pub cells: &'a [u32],
    /// What makes jobs of points.
    pub load: Mutex<&'a mut Load<'l>>,
    /// Whether latencies of single backends are kept.
    pub with_backend_latencies: bool,
}

impl std::fmt::Debug for Work<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Work").field("cells", &self.cells.len()).finish_non_exhaustive()
    }
}

/// Points that are being worked on.
type Jobs = Mutex<BTreeMap<usize, Arc<Job>>>;

impl Work<'_, '_> {
    /// Does it.
    #[must_use]
    pub fn done(self, threads: usize, watch: Watch<'_>) -> Ended {
        let (next, stop, jobs) = (AtomicUsize::new(0), AtomicBool::new(false), Jobs::default());
        // The first in order of the list; cells before it are finished, since they were started before.
        let ended: Mutex<Option<(usize, Ended)>> = Mutex::new(None);
        let work = || {
            while !stop.load(Ordering::Relaxed) {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(&cell) = self.cells.get(at) else { break };
                if let Err(why) = self.one(cell as usize, threads, &jobs, watch) {
                    let mut ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
                    let is_graver = |old: &Ended| matches!(old, Ended::Interrupted) && !matches!(why, Ended::Interrupted);
                    if ended.as_ref().is_none_or(|(before, old)| is_graver(old) || at < *before) {
                        *ended = Some((at, why));
                    }
                    stop.store(true, Ordering::Relaxed);
                }
            }
        };
        run::on_threads(threads.min(self.cells.len()), &work);
        let synced = self.journal.sync();
        match (ended.into_inner().unwrap_or_else(PoisonError::into_inner), synced) {
            (Some((_, ended)), _) => ended,
            (None, Err(error)) => Ended::Broken(error),
            (None, Ok(())) => Ended::Done,
        }
    }

    fn one(&self, at: usize, threads: usize, jobs: &Jobs, watch: Watch<'_>) -> Result<(), Ended> {
        let cell = self.plan.cell(at);
        let job = self.job(cell.point, threads, jobs)?;
        let record = job.cell(job.results()[cell.entrant], cell.replication, watch).map_err(|stopped| match stopped {
            Stopped::Interrupted => Ended::Interrupted,
            Stopped::Trouble(what) => Ended::Trouble(at, what),
        })?;
        let packed = compact::pack(&record, result::check(&record), self.with_backend_latencies);
        self.journal.add(at, self.plan.id(at), &packed).map_err(Ended::Broken)
    }

    fn job(&self, point: usize, threads: usize, jobs: &Jobs) -> Result<Arc<Job>, Ended> {
        let mut jobs = jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(job) = jobs.get(&point) {
            return Ok(Arc::clone(job));
        }
        let job = {
            let mut load = self.load.lock().unwrap_or_else(PoisonError::into_inner);
            load(&self.plan.overrides(point)).map(Arc::new).ok_or(Ended::Changed(point))?
        };
        if !self.journal.has_scene(point) {
            self.journal.add_scene(point, &Scene::of(&job).bytes()).map_err(Ended::Broken)?;
        }
        jobs.insert(point, Arc::clone(&job));
        if jobs.len() > threads {
            jobs.pop_first();
        }
        Ok(job)
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::tests::{load, plan};
    use super::*;

    fn journal(plan: &Plan) -> Journal {
        Journal::create(tempfile::tempfile().expect("a file"), plan).expect("written")
    }

    fn run(plan: &Plan, journal: &Journal, cells: &[u32], threads: usize, watch: Watch<'_>) -> Ended {
        let mut load = load;
        Work { plan, journal, cells, load: Mutex::new(&mut load), with_backend_latencies: false }.done(threads, watch)
    }

    #[test]
    fn threads_do_not_change_what_a_cell_is() {
        let plan = plan(&["traffic.arrivals.load=0.5:0.7:0.1"]).expect("planned");
        let all: Vec<u32> = (0..plan.cells() as u32).collect();
        let (one, three) = (journal(&plan), journal(&plan));
        assert!(matches!(run(&plan, &one, &all, 1, &|_| true), Ended::Done));
        let backwards: Vec<u32> = all.iter().copied().rev().collect();
        assert!(matches!(run(&plan, &three, &backwards, 3, &|_| true), Ended::Done));
        for cell in 0..plan.cells() {
            assert_eq!(one.cell(cell).expect("reads"), three.cell(cell).expect("reads"), "{}", plan.words(cell));
            assert!(one.cell(cell).expect("reads").is_some());
        }
        for point in 0..3 {
            assert_eq!(one.scene(point).expect("reads"), three.scene(point).expect("reads"));
        }
    }

    #[test]
    fn who_is_interrupted_keeps_what_is_finished() {
        let plan = plan(&["traffic.arrivals.load=0.5:0.7:0.1"]).expect("planned");
        let all: Vec<u32> = (0..plan.cells() as u32).collect();
        let (journal, requests) = (journal(&plan), AtomicUsize::new(0));
        let watch = |new: u64| requests.fetch_add(new as usize, Ordering::Relaxed) < 1500;
        assert!(matches!(run(&plan, &journal, &all, 1, &watch), Ended::Interrupted));
        let done = journal.done();
        assert!(done > 2 && done < plan.cells(), "{done}");
        assert!((0..plan.cells()).all(|cell| journal.has(cell) == (cell < done)));
    }
}
