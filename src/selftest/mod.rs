//! The self-test: theory and determinism on this machine, in a few seconds.
//!
//! Scenarios whose answers are known ([`formulas`](crate::theory::formulas)) are simulated with fixed seeds; each figure is set beside its expected value. The seeds being
//! fixed, the verdict and the [`fingerprint`](Report::fingerprint) are the same on every machine: another one means that this build computes
//! something else. No clock is read; threads (where the crate has them) cannot change a bit.

pub mod chaos;
mod models;

use crate::engine;
use crate::measure::record::Record;
use crate::measure::recorder::Recorder;
use crate::plan::Plan;
use crate::random::mix;
use crate::scenario::{self, NoFiles, Source};
use crate::theory::agreement::Agreement;
use models::{Figure, Model};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The fingerprint that this version has everywhere.
pub const FINGERPRINT: u64 = 0x69f7_d6cc_edfe_1b00;

/// Independent replications of each model.
const REPLICATIONS: u32 = 20;
/// The unit of time of the formulas, in nanoseconds.
const UNIT: f64 = 1e7;

/// One figure beside its expected value.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// What is simulated and what is read: `M/M/1 at 0.8: mean latency`.
    pub name: String,
    /// What theory says, times in units of the mean work.
    pub expected: f64,
    /// What was measured.
    pub measured: f64,
    /// Its standard error, over replications.
    pub error: f64,
    /// How far off, as the normal deviate that is as rare.
    pub z: f64,
    /// Whether |z| ≤ 3.9, or it is within 0.2%.
    pub held: bool,
}

/// What the self-test found.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Every figure, in a fixed order.
    pub checks: Vec<Check>,
    /// Whether cells that were run a second time, one after the other, gave the same bits.
    pub repeats: bool,
    /// A hash over everything that was simulated, to be compared with [`FINGERPRINT`].
    pub fingerprint: u64,
}

impl Report {
    /// Whether everything held and this build computes what every other of this version does.
    #[must_use]
    pub fn held(&self) -> bool {
        self.repeats && self.fingerprint == FINGERPRINT && self.checks.iter().all(|check| check.held)
    }
}

/// Runs the self-test. `progress` is told how many simulations of how many are done, from any thread.
#[must_use]
pub fn run(progress: &(dyn Fn(usize, usize) + Sync)) -> Report {
    let models = models::all();
    let plans: Vec<Plan> = models.iter().zip(1..).map(|(model, seed)| plan(model, seed)).collect();
    let total = models.len() * REPLICATIONS as usize;
    let done = AtomicUsize::new(0);
    let records = all_cells(total, &|cell| {
        let record = simulate(&plans[cell / REPLICATIONS as usize], (cell % REPLICATIONS as usize) as u32);
        progress(done.fetch_add(1, Ordering::Relaxed) + 1, total);
        record
    });
    let by_model = records.chunks(REPLICATIONS as usize);
    let repeats = plans.iter().zip(by_model.clone()).all(|(plan, first)| simulate(plan, 0).fingerprint == first[0].fingerprint);
    Report {
        checks: models.iter().zip(by_model).flat_map(|(model, records)| checks(model, records)).collect(),
        repeats,
        fingerprint: records.iter().fold(0, |hash, record| mix(hash ^ digest(record))),
    }
}

#[cfg(feature = "threads")]
fn all_cells(cells: usize, run: &(dyn Fn(usize) -> Record + Sync)) -> Vec<Record> {
    use rayon::prelude::{IntoParallelIterator, ParallelIterator};
    (0..cells).into_par_iter().map(run).collect()
}

#[cfg(not(feature = "threads"))]
fn all_cells(cells: usize, run: &(dyn Fn(usize) -> Record + Sync)) -> Vec<Record> {
    (0..cells).map(run).collect()
}

fn plan(model: &Model, seed: usize) -> Plan {
    let text = model.toml(seed);
    let loaded = scenario::load(&Source::new(model.name, text.as_bytes()), &[], &NoFiles);
    let loaded = loaded.unwrap_or_else(|faults| panic!("the self-test's scenario `{}` is not valid: {faults:?}", model.name));
    Plan::new(&loaded.variants[0].scenario, None).expect("the self-test's scenarios can be planned")
}

fn simulate(plan: &Plan, replication: u32) -> Record {
    let (recorder, ending) =
        engine::run(plan, 0, replication, Recorder::new(plan), &mut |_| true).expect("nobody interrupts the self-test");
    recorder.finish(&ending)
}

/// Everything that counts in a record, as one number.
fn digest(record: &Record) -> u64 {
    let sums = [
        record.fingerprint,
        record.succeeded,
        record.failed,
        record.waited,
        record.latency.sum() as u64,
        record.wait.sum() as u64,
        record.in_system_area as u64,
    ];
    sums.into_iter().fold(0, |hash, value| mix(hash ^ value))
}

fn checks(model: &Model, records: &[Record]) -> Vec<Check> {
    model.known.iter().map(|&(figure, expected)| check(format!("{}: {}", model.name, figure.name()), figure, expected, records)).collect()
}

fn check(name: String, figure: Figure, expected: f64, records: &[Record]) -> Check {
    let values: Vec<f64> = records.iter().map(|record| figure.of(record)).collect();
    let Agreement { measured, error, z, holds } = Agreement::of(&values, expected).expect("there are several replications");
    Check { name, expected, measured, error, z, held: holds }
}

impl Figure {
    fn name(self) -> String {
        match self {
            Self::Mean => "mean latency".into(),
            Self::Quantile(share) => format!("p{} of latency", share * 100.0),
            Self::Waited => "share that waits".into(),
            Self::Refused => "share refused".into(),
            Self::Throughput => "throughput".into(),
            Self::InSystem => "number in the system".into(),
            Self::Busy => "busy workers".into(),
        }
    }

    fn of(self, record: &Record) -> f64 {
        let window = record.window_end.since(record.window_start).0 as f64;
        match self {
            Self::Mean => record.latency.mean().unwrap_or(0.0) / UNIT,
            Self::Quantile(share) => record.latency.quantile(share).unwrap_or(0) as f64 / UNIT,
            Self::Waited => record.waited as f64 / record.succeeded as f64,
            Self::Refused => record.failed as f64 / record.offered as f64,
            Self::Throughput => record.succeeded as f64 * UNIT / window,
            Self::InSystem => record.in_system_area as f64 / window,
            Self::Busy => record.backends.iter().map(|backend| backend.busy_area as f64).sum::<f64>() / window,
        }
    }
}
