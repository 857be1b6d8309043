//! What a timeout costs that is nearly always cancelled: `cargo bench --bench alarms`.
//!
//! 100,000 requests are in flight, each with a timer of a constant delay. A step ends the oldest (nothing is done about its timer: its slot has another
//! number), starts another, sets its timer and asks for the first that is alive. So a hundred thousand dead timers stand before each that is alive when its
//! time comes; `alarms` has them in the queue of its kind, `heap` in a heap with deletion when they come to the top, `deque` is the queue alone.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::hint::black_box;

#[allow(unused_imports, reason = "the module's tests name it")]
use evenkeel::random;

#[allow(dead_code, unreachable_pub, unused_imports, reason = "the engine's own module, which it shows nobody")]
#[path = "../src/engine/alarms.rs"]
mod alarms;

/// In flight, and the delay: as long as twice the time in which all of them come.
const IN_FLIGHT: usize = 100_000;
const DELAY: u64 = 2 * IN_FLIGHT as u64;

type Item = (u32, u32);

/// Slots that are used again in turn, each with the number of its present use.
struct World {
    uses: Vec<u32>,
    now: u64,
}

impl World {
    fn new() -> Self {
        Self { uses: vec![0; IN_FLIGHT], now: 0 }
    }

    /// The oldest ends and another begins in its slot: (when its timer is due, its item).
    fn step(&mut self) -> (u64, Item) {
        self.now += 1;
        let slot = (self.now % IN_FLIGHT as u64) as u32;
        self.uses[slot as usize] += 1;
        (self.now + DELAY, (slot, self.uses[slot as usize]))
    }

    fn is_live(&self, &(slot, number): &Item) -> bool {
        self.uses[slot as usize] == number
    }
}

fn timers(c: &mut Criterion) {
    let mut group = c.benchmark_group("alarms");
    group.throughput(Throughput::Elements(1));
    let mut world = World::new();
    let mut alarms = alarms::Alarms::new(1);
    let mut step = || {
        let (at, item) = world.step();
        alarms.push(0, at, item);
        black_box(alarms.next(|item| world.is_live(item)))
    };
    (0..4 * IN_FLIGHT).for_each(|_| _ = step());
    group.bench_function("alarms", |b| b.iter(&mut step));

    let mut world = World::new();
    let mut heap = BinaryHeap::new();
    let mut sequence = 0_u64;
    let mut step = || {
        let (at, item) = world.step();
        sequence += 1;
        heap.push(Reverse((at, sequence, item)));
        while heap.peek().is_some_and(|Reverse((_, _, item))| !world.is_live(item)) {
            heap.pop();
        }
        black_box(heap.peek().map(|Reverse((at, sequence, _))| (*at, *sequence)))
    };
    (0..4 * IN_FLIGHT).for_each(|_| _ = step());
    group.bench_function("heap", |b| b.iter(&mut step));

    let mut world = World::new();
    let mut deque = VecDeque::new();
    let mut step = || {
        let (at, item) = world.step();
        deque.push_back((at, item));
        while deque.front().is_some_and(|(_, item)| !world.is_live(item)) {
            deque.pop_front();
        }
        black_box(deque.front().map(|(at, _)| *at))
    };
    (0..4 * IN_FLIGHT).for_each(|_| _ = step());
    group.bench_function("deque", |b| b.iter(&mut step));
    group.finish();
}

criterion_group!(benches, timers);
criterion_main!(benches);
