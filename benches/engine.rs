//! What a request costs and what a pick costs, for every balancer: `cargo bench --bench engine`.
//!
//! Cells are the reference workload W1 (docs/src/performance.md) with every statistic on, at 10, 100 and 1,000 backends; their throughput is in requests.
//! Picks are a balancer alone, with as many requests in flight as it has backends: pick, send, and end the oldest. For ratios to
//! the hand-written limit programs, which criterion cannot interleave, see `benches/ratios`.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use evenkeel::balance::{self, BackendId, Balancer, Ctx, Member, Pick, Pool, Request, Sees};
use evenkeel::catalogue::Entry;
use evenkeel::engine;
use evenkeel::measure::recorder::Recorder;
use evenkeel::plan::Plan;
use evenkeel::random::Stream;
use evenkeel::scenario::{self, NoFiles, Source};
use evenkeel::time::SimTime;
use std::collections::VecDeque;
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
    for entry in balance::entries() {
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

/// One balancer and its view, driven by hand.
struct Bench {
    balancer: Box<dyn Balancer>,
    pool: Pool,
    chance: Stream,
    flying: VecDeque<BackendId>,
    number: u64,
}

impl Bench {
    fn new(entry: &'static Entry, backends: u32) -> Self {
        let address = |number: u32| format!("{}:8080", std::net::Ipv4Addr::from(0x0A00_0000 + number));
        let members: Vec<Member> = (1..=backends).map(|number| Member::new(address(number))).collect();
        let balancer = balance::build(entry.name, &scenario::defaults(entry)).expect("the catalogue has its own entries");
        let pool = if balancer.sees() == Sees::Truth { Pool::truth(members.into()) } else { Pool::new(members.into()) };
        let mut bench = Self { balancer, pool, chance: Stream::new(1), flying: VecDeque::new(), number: 0 };
        bench.balancer.members(&bench.pool, &mut Ctx { now: SimTime::ZERO, chance: &mut bench.chance });
        bench
    }

    /// A pick, and what it brings with it: the send, and the end of the oldest request once there are as many as backends.
    fn pick(&mut self) -> Pick {
        self.number += 1;
        if self.flying.len() >= self.pool.len() {
            self.end_oldest();
        }
        let request = Request { id: self.number, key: self.number, ..Request::default() };
        let pick = self.balancer.pick(&request, &self.pool, &mut Ctx { now: SimTime(self.number), chance: &mut self.chance });
        match pick {
            Pick::Backend(backend) => {
                self.pool.sent(backend);
                self.counted(backend);
                self.flying.push_back(backend);
            }
            Pick::Wait => self.end_oldest(),
            Pick::None => panic!("every backend is eligible"),
        }
        pick
    }

    fn end_oldest(&mut self) {
        if let Some(backend) = self.flying.pop_front() {
            self.pool.ended(backend);
            self.counted(backend);
        }
    }

    fn counted(&mut self, backend: BackendId) {
        if self.balancer.listens().counts {
            self.balancer.counted(backend, &self.pool, &mut Ctx { now: SimTime(self.number), chance: &mut self.chance });
        }
    }
}

fn picks(c: &mut Criterion) {
    let mut group = c.benchmark_group("pick");
    group.throughput(Throughput::Elements(1));
    for entry in balance::entries() {
        for backends in [10, 100, 1_000, 10_000] {
            let mut bench = Bench::new(entry, backends);
            group.bench_function(BenchmarkId::new(entry.name, backends), |b| b.iter(|| black_box(bench.pick())));
        }
    }
    group.finish();
}

criterion_group!(benches, cells, picks);
criterion_main!(benches);
