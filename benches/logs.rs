//! How fast logs are read: `cargo bench --bench logs`.
//!
//! 50 MB of lines as nginx writes them with request times, in memory. `split` only finds the ends of lines; the readers are to be compared with it.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use evenkeel::trace::format::{Choices, Format, Pattern, Reading, Syntax, open};
use evenkeel::trace::input::{Lines, Piece};
use evenkeel::trace::order::{Limits, Order};
use evenkeel::trace::{Entry, Line, LineFormat};
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

/// Bytes of the log.
const SIZE: usize = 50 << 20;

const FORMAT: &str =
    r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_time"#;

/// Lines that differ where real ones do.
fn log(with_time: bool) -> String {
    let mut text = String::with_capacity(SIZE + 1000);
    let mut state = 1_u64;
    let mut line = 0_u64;
    while text.len() < SIZE {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (a, b, second) = (state >> 40, state >> 56, line / 200);
        let (minute, second) = (second / 60 % 60, second % 60);
        let _ = write!(text, "10.{}.{b}.{} - - [17/May/2015:10:{minute:02}:{second:02} +0000] ", a & 255, a >> 8 & 255);
        let _ = write!(text, "\"GET /articles/{}/view-{b}.html?page={} HTTP/1.1\" {} {} ", a & 1023, b & 7, 200 + (b & 3), a & 65_535);
        let _ = write!(text, "\"https://www.example.com/articles/{}\" ", b & 63);
        text.push_str("\"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36\"");
        if with_time {
            let _ = write!(text, " 0.{:03}", a % 1000);
        }
        text.push('\n');
        line += 1;
    }
    text
}

/// Reads a text with a reader of lines.
fn requests(text: &str, format: &mut dyn LineFormat) -> u64 {
    let mut lines = Lines::new(text.as_bytes(), 1 << 20);
    let mut sum = 0;
    while let Some(Piece::Line(line)) = lines.next().expect("memory can be read") {
        match format.read(line) {
            Line::Request(entry) => sum += black_box(entry).tries as u64 + 1,
            other => panic!("{other:?}"),
        }
    }
    sum
}

fn lines_of(format: Format) -> Box<dyn LineFormat> {
    match open(format, &Choices::default()) {
        Ok((Reading::Lines(reader), _)) => reader,
        _ => panic!("it is read by lines"),
    }
}

fn logs(criterion: &mut Criterion) {
    let (plain, timed) = (log(false), log(true));
    let mut group = criterion.benchmark_group("logs");
    group.throughput(Throughput::Bytes(timed.len() as u64)).sample_size(10).measurement_time(Duration::from_secs(3));
    group.bench_function("split", |bench| bench.iter(|| memchr::memchr_iter(b'\n', timed.as_bytes()).count()));
    group.bench_function("lines", |bench| {
        bench.iter(|| {
            let mut lines = Lines::new(timed.as_bytes(), 1 << 20);
            let mut count = 0;
            while let Some(Piece::Line(line)) = lines.next().expect("memory can be read") {
                count += black_box(line).len();
            }
            count
        });
    });
    group.bench_function("combined", |bench| bench.iter(|| requests(&plain, &mut *lines_of(Format::Nginx))));
    group.bench_function("combined-time", |bench| bench.iter(|| requests(&timed, &mut *lines_of(Format::Nginx))));
    group.bench_function("log-format", |bench| {
        bench.iter(|| requests(&timed, &mut Pattern::new(FORMAT, Syntax::Nginx).expect("it is a format")));
    });
    group.finish();
}

fn order(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("order");
    const COUNT: u64 = 200_000;
    group.throughput(Throughput::Elements(COUNT)).sample_size(10).measurement_time(Duration::from_secs(3));
    for (name, entries) in [("memory", 1 << 18), ("disk", 1 << 14)] {
        group.bench_function(name, |bench| {
            bench.iter(|| {
                let mut order = Order::new(Limits { entries, ..Limits::default() });
                for number in 0..COUNT as i64 {
                    let at = number * 1_000_000 - number % 7 * 3_000_000;
                    let entry = Entry { at, tick: 1_000_000, key: Some(b"/articles/17/view"[..].into()), ..Entry::default() };
                    order.push(&entry).expect("there is room on the disk");
                }
                order.finish(&mut |entry| {
                    black_box(entry);
                    Ok(())
                })
            });
        });
    }
    group.finish();
}

criterion_group!(benches, logs, order);
criterion_main!(benches);
