//! The engine against queueing theory: 1,770 reference values, as many of them as this version's features can express.
//!
//! How a case is judged is said in [`estimate`], what is run for it in [`mapping`]. All seeds are fixed, so a verdict never changes
//! by itself. `EVENKEEL_LONG=1` goes up to a load of 0.95, `EVENKEEL_CASES=PREFIX` picks cases by their id.

mod cases;
mod cell;
mod direct;
mod estimate;
mod failures;
mod hashes;
mod mapping;

use cases::Case;
use cell::{Setup, Statistic};
use estimate::Outcome;
use mapping::Task;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The cases that read from one simulation, and what each reads.
type Readers<'c> = Vec<(&'c Case, Statistic)>;

/// Something to run: its cost in requests, and the cases that read from it.
enum Job<'c> {
    Simulation(Box<Setup>, Readers<'c>),
    Direct(&'c Case, fn(&Case) -> Outcome),
}

impl Job<'_> {
    fn cost(&self) -> u64 {
        match self {
            Self::Simulation(setup, _) => u64::from(setup.replications) * (setup.warmup + setup.measured),
            Self::Direct(case, _) if case.family == "consistent hashing ring" => 20_000_000,
            Self::Direct(..) => 2_000_000,
        }
    }

    fn run(&self) -> Vec<Outcome> {
        match self {
            Self::Simulation(setup, cases) => cell::judge(setup, cases),
            Self::Direct(case, compute) => vec![compute(case)],
        }
    }
}

/// What is run, and what is not and why.
struct Programme<'c> {
    jobs: Vec<Job<'c>>,
    left_out: BTreeMap<&'static str, usize>,
}

/// Cases that read from the same simulation share it; the longest of their run lengths counts.
fn programme(cases: &[Case], long: bool) -> Programme<'_> {
    let mut simulations: BTreeMap<String, (Setup, Readers<'_>)> = BTreeMap::new();
    let (mut jobs, mut left_out) = (Vec::new(), BTreeMap::new());
    for case in cases {
        match mapping::task(case, long) {
            Err(reason) => *left_out.entry(reason).or_default() += 1,
            Ok(Task::Direct(compute)) => jobs.push(Job::Direct(case, compute)),
            Ok(Task::Simulate(setups, statistic)) => {
                for setup in setups {
                    let (known, readers) = simulations.entry(setup.key()).or_insert_with(|| (setup.clone(), Vec::new()));
                    (known.measured, known.warmup) = (known.measured.max(setup.measured), known.warmup.max(setup.warmup));
                    readers.push((case, statistic));
                }
            }
        }
    }
    jobs.extend(simulations.into_values().map(|(setup, cases)| Job::Simulation(Box::new(setup), cases)));
    jobs.sort_by_key(|job| std::cmp::Reverse(job.cost()));
    Programme { jobs, left_out }
}

/// Runs all jobs on every core, the longest first.
fn run_all(jobs: &[Job<'_>]) -> Vec<Outcome> {
    let (next, finished, outcomes) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut judged = job.run();
                    outcomes.lock().expect("no thread panics while it holds the list").append(&mut judged);
                    let done = finished.fetch_add(1, Ordering::Relaxed) + 1;
                    if done % 50 == 0 {
                        println!("theory: {done} of {} simulations and computations done", jobs.len());
                    }
                }
            });
        }
    });
    outcomes.into_inner().expect("all threads are done")
}

#[test]
fn the_engine_agrees_with_queueing_theory() {
    let long = std::env::var_os("EVENKEEL_LONG").is_some_and(|value| value == "1");
    let prefix = std::env::var("EVENKEEL_CASES").unwrap_or_default();
    let all = cases::all();
    let cases: Vec<Case> = all.into_iter().filter(|case| case.id.starts_with(&prefix)).collect();
    let programme = programme(&cases, long);
    let mut outcomes = run_all(&programme.jobs);
    outcomes.sort_by(|a, b| b.z.abs().total_cmp(&a.z.abs()).then(a.id.cmp(&b.id)));
    report(&outcomes, &programme, &cases);
    let failed: Vec<&Outcome> = outcomes.iter().filter(|outcome| !outcome.held).collect();
    assert!(failed.is_empty(), "{} of {} comparisons failed", failed.len(), outcomes.len());
    assert!(!prefix.is_empty() || outcomes.len() >= 500, "at least 500 comparisons");
}

fn report(outcomes: &[Outcome], programme: &Programme<'_>, cases: &[Case]) {
    for outcome in outcomes.iter().filter(|outcome| !outcome.held) {
        let Outcome { id, measured, expected, error, z, .. } = outcome;
        println!("theory: FAILED {id}: expected {expected:.6}, measured {measured:.6} ± {error:.6}, z {z:.2}");
    }
    families(outcomes, cases);
    let left_out: usize = programme.left_out.values().sum();
    let reasons: Vec<String> = programme.left_out.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    let mut ids: Vec<&str> = outcomes.iter().map(|outcome| outcome.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let (worst, id) = outcomes.first().map_or((0.0, ""), |worst| (worst.z.abs(), worst.id.as_str()));
    let near = outcomes.iter().filter(|outcome| outcome.z.abs() < 1.96).count() as f64 / outcomes.len().max(1) as f64;
    println!(
        "theory: {} cases ({} comparisons), worst |z| {worst:.2} ({id}), {:.1}% with |z| < 1.96, {left_out} not run: {}",
        ids.len(),
        outcomes.len(),
        100.0 * near,
        reasons.join("; ")
    );
}

/// By family: how many, how far off, and to which side. A mean z far from zero is a bias.
fn families(outcomes: &[Outcome], cases: &[Case]) {
    let family: BTreeMap<&str, &str> = cases.iter().map(|case| (case.id.as_str(), case.family.as_str())).collect();
    let mut table: BTreeMap<&str, Vec<&Outcome>> = BTreeMap::new();
    for outcome in outcomes {
        table.entry(family[outcome.id.as_str()]).or_default().push(outcome);
    }
    for (family, of) in table {
        let n = of.len() as f64;
        let (sum, near) =
            (of.iter().map(|outcome| outcome.z).sum::<f64>(), of.iter().filter(|outcome| outcome.z.abs() < 1.96).count() as f64);
        let worst = of[0];
        println!(
            "theory: {family}: {n} comparisons, mean z {:.2}, {:.0}% below 1.96, worst {:.2} ({})",
            sum / n,
            100.0 * near / n,
            worst.z,
            worst.id
        );
    }
}
