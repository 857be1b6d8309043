//! What the fleet's part of a request costs: an attempt comes to its backend, and one is done. `cargo bench --bench fleet`.
//!
//! Ten backends with one worker each, first in first out, at 80% load, as in the reference workload W1; once *simple*, as most backends are, and once
//! *interrupted*: where attempts may be cancelled and faults may strike, though none do here. `cancelled` gives one attempt in eight up when it has just
//! come.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use evenkeel::fleet::{Attempt, Attempts, Fleet, GroupPlan};
use evenkeel::random::Stream;
use std::hint::black_box;
use std::ops::{Index, IndexMut};

/// Backends, and a mean work.
const BACKENDS: u32 = 10;
const WORK: f64 = 10e6;

/// A request with its attempt takes a cache line.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Kept(Attempt);

/// Slots of attempts, used again as an engine does: the last one freed first.
#[derive(Default)]
struct Slots {
    kept: Vec<Kept>,
    free: Vec<u32>,
}

impl Index<u32> for Slots {
    type Output = Attempt;
    fn index(&self, attempt: u32) -> &Attempt {
        &self.kept[attempt as usize].0
    }
}

impl IndexMut<u32> for Slots {
    fn index_mut(&mut self, attempt: u32) -> &mut Attempt {
        &mut self.kept[attempt as usize].0
    }
}

impl Attempts for Slots {
    fn key(&self, attempt: u32) -> u64 {
        attempt.into()
    }
}

impl Slots {
    fn occupy(&mut self, attempt: Attempt) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.kept.push(Kept::default());
            self.kept.len() as u32 - 1
        });
        self[slot] = attempt;
        slot
    }
}

/// A fleet and the instants at which attempts come.
struct World {
    fleet: Fleet,
    slots: Slots,
    arrivals: Vec<(u64, u64, u32)>,
    next: usize,
    now: u64,
}

impl World {
    fn new(is_interrupted: bool) -> Self {
        let group = GroupPlan { is_interrupted, ..GroupPlan::equal("web", BACKENDS) };
        let mut chance = Stream::new(1);
        let mut exponential = |mean: f64| (-libm::log(chance.unit()) * mean) as u64;
        let draws: Vec<(u64, u64)> = (0..1 << 16).map(|_| (exponential(WORK / 0.8 / f64::from(BACKENDS)), exponential(WORK))).collect();
        let mut chance = Stream::new(2);
        let arrivals = draws.into_iter().map(|(gap, work)| (gap, work, chance.below(u64::from(BACKENDS)) as u32)).collect();
        Self { fleet: Fleet::new(&[group], 1e9), slots: Slots::default(), arrivals, next: 0, now: 0 }
    }

    /// One attempt comes, after all completions that are due before. One in `cancels` is given up at once.
    fn step(&mut self, cancels: usize) {
        let (gap, work, backend) = self.arrivals[self.next & 0xFFFF];
        self.next += 1;
        let at = self.now + gap;
        while self.fleet.next_completion().at <= at {
            let next = self.fleet.next_completion();
            let (done, _) = self.fleet.complete(&mut self.slots, next.backend, next.at, true);
            self.slots.free.push(done);
        }
        self.now = at;
        let attempt = self.slots.occupy(Attempt::new(work, backend, at, 0));
        black_box(self.fleet.accept(&mut self.slots, attempt, 0, at, true));
        if self.next.is_multiple_of(cancels) {
            self.fleet.cancel(&mut self.slots, attempt, at);
            let given_up = self.slots[attempt];
            self.fleet.answered(&given_up, at);
            self.slots.free.push(attempt);
        }
    }
}

fn fleets(c: &mut Criterion) {
    let mut group = c.benchmark_group("fleet");
    group.throughput(Throughput::Elements(1));
    for (name, is_interrupted, cancels) in [("simple", false, usize::MAX), ("interrupted", true, usize::MAX), ("cancelled", true, 8)] {
        let mut world = World::new(is_interrupted);
        group.bench_function(name, |b| b.iter(|| world.step(cancels)));
    }
    group.finish();
}

criterion_group!(benches, fleets);
criterion_main!(benches);
