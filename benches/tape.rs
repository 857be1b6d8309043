//! How fast a compact trace is decoded, beside a plain copy of the same columns; and what replaying one costs beside drawing the same traffic.
//!
//! Compare ratios within one run: machines differ.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use evenkeel::random::Stream;
use evenkeel::trace::Entry;
use evenkeel::trace::tape::{Block, Column, Columns, Origin, Tape, Writer};
use std::hint::black_box;

const RECORDS: u64 = 1_000_000;

/// Poisson arrivals and exponential work, to the nanosecond: the least that packing can save.
fn tape() -> Tape {
    let mut chance = Stream::new(1);
    let mut exponential = |mean: f64| -libm::log(1.0 - chance.unit()) * mean;
    let mut writer = Writer::new(Vec::new()).expect("memory can be written");
    let mut at = 0.0;
    for _ in 0..RECORDS {
        at += exponential(1.25e6);
        let entry = Entry { at: at as i64, tick: 1, service: Some(exponential(1e7) as u64), ..Entry::default() };
        writer.push(&entry).expect("memory can be written");
    }
    Tape::from_bytes(writer.finish(Origin::default()).expect("memory can be written")).expect("it was just written")
}

fn decoding(criterion: &mut Criterion) {
    let tape = tape();
    println!("{:.2} bytes a record", tape.bytes() as f64 / RECORDS as f64);
    let mut group = criterion.benchmark_group("tape");
    group.throughput(Throughput::Elements(RECORDS));
    let mut block = Block::new(Columns::of(&[Column::Service]));
    group.bench_function("decode instants and work", |bencher| {
        bencher.iter(|| {
            for number in 0..tape.blocks() {
                tape.read(number, &mut block).expect("it is whole");
                black_box(block.at());
            }
        });
    });
    let columns = [vec![1_u64; RECORDS as usize], vec![2_u64; RECORDS as usize]];
    let mut copies = columns.clone();
    group.bench_function("copy two columns", |bencher| {
        bencher.iter(|| {
            for (copy, column) in copies.iter_mut().zip(&columns) {
                copy.copy_from_slice(black_box(column));
            }
            black_box(&copies);
        });
    });
    group.finish();
}

criterion_group!(benches, decoding);
criterion_main!(benches);
