//! Two balancers and two variants with numbers made up by a small generator: what the writers' tests draw.

use crate::measure::detail::{BackendWindows, Detail, Distribution, Percentile, ResultDetail, Setup as DetailSetup, TimeSpent, Windows};
use crate::measure::histogram::Fine;
use crate::measure::record::{BackendRecord, Batches, FaultRecord, Record};
use crate::measure::result::{Measured, ResultBuilder};
use crate::measure::setup::{Backend, Fault, Setup, Subject};
use crate::measure::summary::{ResultSummary, Summary};
use crate::time::{SimTime, Span};

/// One replication: 1,000 requests of a mean latency in milliseconds over one fast and one slow backend.
fn record(seed: u64, mean_ms: f64, to_first: u64, failed: u64) -> Record {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut unit = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    };
    let mut record = Record {
        offered: 1000,
        succeeded: 1000 - failed,
        failed,
        attempts: 1000,
        failures: [failed, 0, 0, 0, 0, 0],
        window_start: SimTime(1_000_000_000),
        window_end: SimTime(11_000_000_000),
        end: SimTime(11_050_000_000),
        warmup_share: 0.1,
        batches: Batches::default(),
        ..Record::default()
    };
    let mut backends = [BackendRecord::default(), BackendRecord::default()];
    for backend in &mut backends {
        backend.latency = Some(Default::default());
    }
    for at in 0..record.succeeded {
        let latency = Span((-libm::log(unit()) * mean_ms * 1e6) as u64);
        record.latency.record(latency.0);
        record.batches.push(latency);
        let wait = latency.0 / 2 * (at % 2);
        record.wait.record(wait);
        record.waited += u64::from(wait > 0);
        record.in_system_area += u128::from(latency.0);
        let backend = &mut backends[usize::from(at >= to_first)];
        backend.requests += 1;
        backend.answered += 1;
        backend.in_flight_area += u128::from(latency.0);
        backend.busy_area += u128::from(latency.0 - wait);
        backend.in_flight_max = backend.in_flight_max.max(1 + at % 5);
        backend.latency_sum += u128::from(latency.0);
        backend.latency.as_mut().expect("set above").record(latency.0);
    }
    (0..failed).for_each(|_| record.failed_latency.record(100_000_000));
    record.backends = backends.to_vec();
    record.faults = vec![crash(failed)];
    record
}

/// One crash; with more failed requests than a few, the system does not come back.
fn crash(failed: u64) -> FaultRecord {
    let is_back = failed < 10;
    FaultRecord {
        occurrences: 1,
        judged: 1,
        recovered: u64::from(is_back),
        recover_time: if is_back { 7_000_000_000 } else { 0 },
        noticed: 4,
        notice_time: 6_100_000_000 * 4,
        failed: failed as f64,
        delayed: 8.0,
        moved: (0.75, 1),
        metastable: [u64::from(!is_back), 0, 0],
    }
}

fn subject(balancer: &str, variant: Option<&str>) -> Subject {
    let backend = |name: &str, capacity: f64| Backend { name: name.into(), capacity, workers: Some(1), ..Backend::default() };
    Subject {
        balancer: balancer.into(),
        kind: balancer.into(),
        variant: variant.map(str::to_owned),
        backends: [backend("web-0", 1.0), backend("web-1", 0.5)].into(),
        services: [].into(),
        faults: if variant == Some("with timeouts") { [Fault { name: "lose one".into(), kind: "crash".into() }].into() } else { [].into() },
        sources: [].into(),
        is_recorded: false,
        clients: false,
        load: Some(0.8),
    }
}

fn measured(subject: Subject, mean_ms: f64, to_first: u64, failed: u64) -> Measured {
    let mut builder = ResultBuilder::new(subject, []).expect("nothing but the usual metrics");
    for seed in 1..=5 {
        builder.add(record(seed, mean_ms, to_first, failed));
    }
    builder.finish()
}

fn setup(title: &str) -> Setup {
    Setup {
        title: Some(title.into()),
        question: Some("Which is faster?".into()),
        file_sha256: "00ff".repeat(16),
        plan_sha256: "ff00".repeat(16),
        seed: 42,
        replications: 5,
        requests: Some(1111),
        warmup: "10%".into(),
    }
}

/// Three balancers in two variants.
pub(super) fn summary() -> Summary {
    let results = [
        measured(subject("round-robin", Some("calm")), 20.0, 500, 0),
        measured(subject("least-connections", Some("calm")), 10.0, 660, 0),
        measured(subject("p2c", Some("calm")), 10.0, 650, 0),
        measured(subject("round-robin", Some("with timeouts")), 20.0, 500, 30),
        measured(subject("least-connections", Some("with timeouts")), 10.0, 660, 0),
        measured(subject("p2c", Some("with timeouts")), 11.0, 650, 1),
    ];
    Summary::of(&setup("Two backends of different speed"), &results)
}

/// A title and a label that try everything.
pub(super) fn hostile() -> Summary {
    let name = "=HYPERLINK(\"http://x\")\u{1b}[2J\n\u{202e}|";
    Summary::of(&setup(name), &[measured(subject("<script>|`\r\n\u{9b}31m", None), 10.0, 500, 1000)])
}

/// Holds a report against its golden file; says where they part, and prints the whole for a change that is meant.
pub(super) fn equals(found: &str, golden: &str) {
    if found == golden {
        return;
    }
    println!("{found}");
    let parted = found.lines().zip(golden.lines()).position(|(found, golden)| found != golden);
    let at = parted.unwrap_or_else(|| found.lines().count().min(golden.lines().count()));
    panic!("line {} is {:?}, not {:?}; the whole is printed above", at + 1, found.lines().nth(at), golden.lines().nth(at));
}

/// What is drawn of each result of a summary, made up: three windows of two seconds, the last cut short.
pub(super) fn detail(summary: &Summary) -> Detail {
    let mut latency = Fine::default();
    (1..=1000).for_each(|ms| latency.record(ms * 1_000_000));
    let count = latency.count();
    let one = |result: &ResultSummary| ResultDetail {
        latency: Distribution {
            count,
            min_ns: latency.min(),
            max_ns: latency.max(),
            mean_ns: latency.mean(),
            stddev_ns: latency.stddev(),
            buckets: latency.buckets().collect(),
        },
        percentiles: vec![
            Percentile { share: 0.0, ms: 1.0, ci95_ms: None, beyond: 999 },
            Percentile { share: 0.99, ms: 990.0, ci95_ms: Some(2.5), beyond: 10 },
        ],
        time: TimeSpent { queue_ms: Some(300.0), service_ms: Some(150.5), network_ms: Some(50.0), retry_ms: Some(0.0) },
        windows: Windows {
            width_s: 2.0,
            warmup_s: 1.0,
            ends_s: 5.5,
            offered_rps: vec![100.0, 110.0, 90.0],
            goodput_rps: vec![100.0, 100.0, 90.0],
            errors: vec![Some(0.0), Some(0.1), None],
            mean_ms: vec![Some(10.0), Some(30.0), None],
            p50_ms: vec![Some(7.0), Some(21.0), None],
            p99_ms: vec![Some(46.0), None, None],
            amplification: vec![Some(1.0), Some(1.5), None],
            in_flight: vec![1.0, 3.3, 0.9],
            utilization: vec![Some(0.5), Some(0.75), None],
            jain_requests: vec![Some(0.9), Some(1.0), None],
            peak_to_mean_in_flight: vec![Some(1.2), Some(1.1), None],
            latencies: vec![vec![(7, 3), (10_485_760, 197)], vec![(20_971_520, 220)], vec![]],
            backends: result
                .backends
                .iter()
                .map(|_| BackendWindows {
                    sent_rps: vec![50.0, 55.0, 45.0],
                    in_flight: vec![0.5, 1.65, 0.45],
                    utilization: Some(vec![0.5, 0.1, 0.3]),
                })
                .collect(),
        },
        depth: vec![0.5, 0.25, 0.25],
        looks: 400,
        classes: Vec::new(),
        keys: None,
        theory: Vec::new(),
    };
    let setups = vec![DetailSetup { variant: None, load: Some(0.8), ..DetailSetup::default() }];
    Detail { schema: 1, reproduce: "evenkeel run sample.toml".into(), setups, results: summary.results.iter().map(one).collect() }
}
