//! What a pick costs, for every balancer at 10, 100, 1,000 and 10,000 backends: `cargo bench --bench picks`, and `benches/pick-table` for the table. With
//! `--count=2000` it makes so many picks of every balancer at 100 backends and nothing else: `benches/pick-gate` has valgrind count their instructions.
//!
//! As many requests are in flight as there are backends; an iteration ends the oldest, picks, and sends, telling the balancer what it listens to. `null` is a
//! balancer that always names the first: what the framework itself costs. `lookup` is a hash that is known already, in a table alone.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use evenkeel::balance::maglev::Table;
use evenkeel::balance::ring_hash::Ring;
use evenkeel::balance::{self, BackendId, Balancer, Completion, Ctx, Member, Pick, Pool, Report, Reports, Request, Sees};
use evenkeel::random::Stream;
use evenkeel::scenario;
use evenkeel::time::{SimTime, Span};
use std::collections::VecDeque;
use std::hint::black_box;
use std::time::Duration;

/// Simulated time between picks.
const STEP: u64 = 10_000_000;

/// Names the first backend.
#[derive(Debug)]
struct Null;

impl Balancer for Null {
    fn members(&mut self, _: &Pool, _: &mut Ctx<'_>) {}

    fn pick(&mut self, _: &Request<'_>, pool: &Pool, _: &mut Ctx<'_>) -> Pick {
        pool.at(0).map_or(Pick::None, Pick::Backend)
    }
}

fn members(backends: u32) -> Vec<Member> {
    let address = |number: u32| format!("{}:8080", std::net::Ipv4Addr::from(0x0A00_0000 + number));
    (1..=backends).map(|number| Member::new(address(number))).collect()
}

/// One balancer and its view, driven by hand.
struct Bench {
    balancer: Box<dyn Balancer>,
    pool: Pool,
    chance: Stream,
    flying: VecDeque<(u64, BackendId)>,
    number: u64,
}

impl Bench {
    fn new(balancer: Box<dyn Balancer>, backends: u32) -> Self {
        let members = members(backends);
        let pool = if balancer.sees() == Sees::Truth { Pool::truth(members.into()) } else { Pool::new(members.into()) };
        let mut bench = Self { balancer, pool, chance: Stream::new(1), flying: VecDeque::new(), number: 0 };
        bench.balancer.members(&bench.pool, &mut Ctx { now: SimTime::ZERO, chance: &mut bench.chance });
        // Everybody has been used, and what is smoothed over seconds has settled: a pick every ten milliseconds.
        (0..(4 * backends).max(10_000)).for_each(|_| _ = bench.step());
        bench
    }

    /// The end of the oldest request once there are as many as backends; a pick; and its send.
    fn step(&mut self) -> Pick {
        self.number += 1;
        if self.flying.len() >= self.pool.len() {
            self.end_oldest();
        }
        let request = Request { id: self.number, key: self.number, client: self.number as u32, ..Request::default() };
        let mut ctx = Ctx { now: SimTime(self.number * STEP), chance: &mut self.chance };
        let pick = self.balancer.pick(&request, &self.pool, &mut ctx);
        match pick {
            Pick::Backend(backend) => {
                self.pool.sent(backend);
                self.counted(backend);
                let mut ctx = Ctx { now: SimTime(self.number * STEP), chance: &mut self.chance };
                if self.balancer.listens().attempts {
                    self.balancer.started(&request, backend, &self.pool, &mut ctx);
                }
                self.flying.push_back((self.number, backend));
            }
            Pick::Wait => self.end_oldest(),
            Pick::None => panic!("every backend is eligible"),
        }
        pick
    }

    fn end_oldest(&mut self) {
        let Some((request, backend)) = self.flying.pop_front() else { return };
        self.pool.ended(backend);
        self.counted(backend);
        let mut ctx = Ctx { now: SimTime(self.number * STEP), chance: &mut self.chance };
        let listens = self.balancer.listens();
        if listens.reports != Reports::Never {
            let report = Report { rps: 100.0, utilization: 0.5, in_flight: 1, latency: Span(1_000_000), ..Report::default() };
            self.balancer.reported(backend, &report, &self.pool, &mut ctx);
        }
        if listens.attempts {
            let completion = Completion { request, backend, ok: true, latency: Span(1_000_000) };
            self.balancer.finished(&completion, &self.pool, &mut ctx);
            self.balancer.ended(request);
        }
    }

    fn counted(&mut self, backend: BackendId) {
        if self.balancer.listens().counts {
            let mut ctx = Ctx { now: SimTime(self.number * STEP), chance: &mut self.chance };
            self.balancer.counted(backend, &self.pool, &mut ctx);
        }
    }
}

fn picks(c: &mut Criterion) {
    let mut group = c.benchmark_group("pick");
    // A hundred balancers at four sizes: short, as a table needs two digits.
    group
        .throughput(Throughput::Elements(1))
        .sample_size(20)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(300));
    let mut measure = |name: &str, build: Build<'_>| {
        for backends in [10, 100, 1_000, 10_000] {
            let mut bench = Bench::new(build(), backends);
            group.bench_function(BenchmarkId::new(name, backends), |b| b.iter(|| black_box(bench.step())));
        }
    };
    every(&mut measure);
    group.finish();
}

type Build<'b> = &'b dyn Fn() -> Box<dyn Balancer>;

/// Goes through all balancers, with their defaults.
fn every(take: &mut dyn FnMut(&str, Build<'_>)) {
    take("null", &|| Box::new(Null));
    for listed in balance::listed().into_iter().filter(|listed| scenario::needed(&listed.entry).is_none()) {
        take(listed.entry.name, &|| (listed.build)(&scenario::defaults(&listed.entry)));
    }
}

/// So many picks, in a function of its own: what is counted.
#[inline(never)]
fn counted_picks(bench: &mut Bench, picks: u32) {
    for _ in 0..picks {
        black_box(bench.step());
    }
}

/// Says whose picks are counted, in order, and makes them.
fn count(picks: u32) {
    every(&mut |name, build| {
        println!("{name}");
        counted_picks(&mut Bench::new(build(), 100), picks);
    });
}

/// A key whose hash is known, in a ring of 160,000 points and in a Maglev table of 65,537: random hashes, so that caches do not flatter.
fn lookups(c: &mut Criterion) {
    let mut group = c.benchmark_group("lookup");
    group.throughput(Throughput::Elements(1));
    let members = members(1_000);
    let ring = Ring::of(&Pool::new(members.clone().into()), 160.0);
    let named: Vec<_> = members.iter().zip(0..).map(|(member, id)| (BackendId(id), member.address.as_str(), 1.0)).collect();
    let table = Table::of_keys(65_537, &named);
    let hashes: Vec<u64> = {
        let mut chance = Stream::new(1);
        (0..1 << 20).map(|_| chance.bits()).collect()
    };
    let mut at = 0;
    let mut next = || {
        at = (at + 1) & ((1 << 20) - 1);
        hashes[at]
    };
    group.bench_function("ring of 160,000 points", |b| b.iter(|| black_box(ring.find(next()))));
    group.bench_function("maglev table of 65,537", |b| b.iter(|| black_box(table.find(next()))));
    group.finish();
}

criterion_group!(benches, lookups, picks);

fn main() {
    if let Some(picks) = std::env::args().find_map(|word| word.strip_prefix("--count=")?.parse().ok()) {
        return count(picks);
    }
    benches();
    Criterion::default().configure_from_args().final_summary();
}
