//! Results that others have published, reproduced. Each test says what was published and what comes out here; `--nocapture` shows it.
//!
//! The set-ups are scenarios that are shipped (`scenarios/published/`); where a test changes one, it says why.

mod fan_out;
mod finagle;
mod lessons;
mod linkerd;
mod loops;
mod makespan;
mod pick_shares;
mod prequal;
mod retries;
mod seen;
mod stale;
mod surge;

use evenkeel::engine;
use evenkeel::measure::histogram::Fine;
use evenkeel::measure::record::Record;
use evenkeel::measure::recorder::Recorder;
use evenkeel::plan::Plan;
use evenkeel::scenario::{FileFault, Files, Loaded, Scenario, Source, load};
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the scenarios are.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/published")
}

/// Files beside a scenario.
struct Beside;

impl Files for Beside {
    fn read(&self, path: &str, _limit: usize) -> Result<Vec<u8>, FileFault> {
        let tried = folder().join(path);
        fs::read(&tried).map_err(|error| FileFault { tried: tried.to_string_lossy().into_owned(), reason: error.to_string() })
    }
}

/// A shipped scenario, in all its variants.
fn loaded(name: &str) -> Loaded {
    let text = fs::read(folder().join(name)).expect("it is shipped");
    let loaded = load(&Source::new(name, &text), &[], &Beside).unwrap_or_else(|faults| panic!("{name} does not load: {faults:?}"));
    assert!(loaded.warnings.is_empty(), "{name} loads with warnings: {:?}", loaded.warnings);
    loaded
}

/// The variant of that name, or the only one.
fn variant(loaded: &Loaded, name: &str) -> Scenario {
    let found = loaded.variants.iter().find(|variant| variant.name.as_deref().unwrap_or("") == name);
    found.unwrap_or_else(|| panic!("there is no variant {name:?}")).scenario.clone()
}

/// One balancer of a scenario, all replications of it.
fn records(scenario: &Scenario, label: &str, replications: u32) -> Vec<Record> {
    let plan = Plan::new(scenario, None).expect("it can be planned");
    let balancer = scenario.balancers.iter().position(|balancer| balancer.label == label).expect("it is compared");
    let one = |replication| {
        let (recorder, ending) = engine::run(&plan, balancer, replication, Recorder::new(&plan), &mut |_| true).expect("nobody interrupts");
        recorder.finish(&ending)
    };
    (0..replications).map(one).collect()
}

/// All latencies, in nanoseconds.
fn latencies(records: &[Record]) -> Fine {
    let mut all = Fine::default();
    records.iter().for_each(|record| all.merge(&record.latency));
    all
}

/// A mean latency, in seconds.
fn mean_seconds(records: &[Record]) -> f64 {
    latencies(records).mean().expect("something was answered") / 1e9
}

/// A percentile of latencies, in milliseconds.
fn milliseconds(latencies: &Fine, share: f64) -> f64 {
    latencies.quantile(share).expect("something was answered") as f64 / 1e6
}

/// Says what was published and what comes out here.
fn said(what: impl Display, published: impl Display, ours: impl Display) {
    println!("published: {what} published {published}, ours {ours}");
}

/// Whether a value is within a share of another.
fn is_near(ours: f64, published: f64, share: f64) -> bool {
    (ours - published).abs() <= share * published
}

#[test]
fn every_published_scenario_loads_and_can_be_planned() {
    let entries = fs::read_dir(folder()).expect("they are shipped").map(|entry| entry.expect("it can be read").path());
    let names: Vec<_> = entries.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect();
    assert!(names.len() >= 12, "{names:?}");
    for name in names {
        for variant in loaded(&name).variants {
            assert!(Plan::new(&variant.scenario, variant.name).is_ok(), "{name}");
        }
    }
}
