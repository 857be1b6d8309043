//! What a request costs, for every balancer: `cargo bench --bench engine`. What a pick alone costs is in `picks.rs`.
//!
//! Cells are the reference workload W1 (docs/src/performance.md) with every statistic on, at 10, 100 and 1,000 backends; their throughput is in requests.
//! For ratios to the hand-written limit programs, which criterion cannot interleave, see `benches/ratios`.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use evenkeel::balance;
use evenkeel::engine;
use evenkeel::measure::recorder::Recorder;
use evenkeel::plan::Plan;
use evenkeel::scenario::{self, NoFiles, Source};
use std::hint::black_box;

/// Requests of a cell: enough that set-up does not show, few enough for criterion's hundred samples.
const REQUESTS: u64 = 100_000;

/// W1 for one balancer, as the reader and the planner make it.
fn plan(kind: &str, backends: u32) -> Plan {
    let text = format!(
        "[run]\nrequests = {REQUESTS}\nreplications = 1\n[traffic]\narrivals = {{ process = \"poisson\", load = 0.8 }}\n\
         work = {{ dist = \"exponential\", mean = \"10ms\" }}\n[[backends]]\nname = \"web\"\ncount = {backends}\n[[balancer]]\nkind = \"{kind}\"\n"
    );
    let loaded = scenario::load(&Source::new("w1.toml", text.as_bytes()), &[], &NoFiles).expect("the scenario above is right");
    Plan::new(&loaded.variants[0].scenario, None).expect("it can be planned")
}

fn cells(c: &mut Criterion) {
    let mut group = c.benchmark_group("cell");
    group.throughput(Throughput::Elements(REQUESTS)).sample_size(10);
    for entry in balance::entries().filter(|entry| scenario::needed(entry).is_none()) {
        for backends in [10, 100, 1_000] {
            let plan = plan(entry.name, backends);
            group.bench_function(BenchmarkId::new(entry.name, backends), |b| {
                b.iter(|| {
                    let (recorder, ending) = engine::run(&plan, 0, 0, Recorder::new(&plan), &mut |_| true).expect("nobody interrupts it");
                    black_box(recorder.finish(&ending).fingerprint)
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, cells);
criterion_main!(benches);
