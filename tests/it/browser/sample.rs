//! Results made up by a small generator: what the page's tests draw. They look like those of a run with one crash and one surge, and claim to be nothing else.

#![allow(dead_code, unreachable_pub, clippy::must_use_candidate, reason = "the library's tests and the browser's each use a part of it")]

use evenkeel::measure::compare::{Comparison, Verdict};
use evenkeel::measure::detail::{
    BackendWindows, ClassDetail, Detail, Distribution, FaultSetup, GroupSetup, KeyDetail, Percentile, ResultDetail, SCHEMA, ServiceSetup,
    Setup, TheoryDetail, TimeSpent, Windows,
};
use evenkeel::measure::summary::{
    BackendSummary, Errors, Fairness, FaultSummary, Latency, LatencyInterval, Requests, ResultSummary, Scenario, ServiceSummary, Short,
    Summary, Tool, VerdictSummary, Work,
};
use evenkeel::measure::warnings::{Kind, Warning};

/// What a made-up run is like.
#[derive(Clone, Debug)]
pub struct Shape<'a> {
    pub title: &'a str,
    /// Labels, and how slow each is.
    pub balancers: Vec<(&'a str, f64)>,
    pub backends: usize,
    pub windows: usize,
    pub faults: Vec<(&'a str, &'a str, f64, f64)>,
    pub variants: Vec<Option<&'a str>>,
    pub seed: u64,
}

struct Chance(u64);

impl Chance {
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Around 1.
    fn about(&mut self, spread: f64) -> f64 {
        1.0 + spread * (self.unit() + self.unit() - 1.0)
    }
}

/// Five balancers on a hundred backends, as large as a page gets.
pub fn five() -> (Summary, Detail) {
    run(&Shape {
        title: "One hundred backends, ten of them slow, and a crash",
        balancers: vec![("round-robin", 4.0), ("random", 5.0), ("least-connections", 1.0), ("p2c", 1.3), ("peak-ewma", 1.32)],
        backends: 100,
        windows: 240,
        faults: vec![("lose one", "crash", 0.3, 0.4), ("evening rush", "surge", 0.6, 0.72)],
        variants: vec![None],
        seed: 7,
    })
}

/// Two balancers, three backends, nothing going wrong.
pub fn small() -> (Summary, Detail) {
    run(&Shape {
        title: "Three backends",
        balancers: vec![("random", 2.0), ("least-connections", 1.0)],
        backends: 3,
        windows: 60,
        faults: vec![],
        variants: vec![None],
        seed: 3,
    })
}

/// Two variants.
pub fn variants() -> (Summary, Detail) {
    run(&Shape {
        title: "With and without retries",
        balancers: vec![("random", 2.0), ("p2c", 1.0)],
        backends: 8,
        windows: 100,
        faults: vec![("slow down", "slow", 0.4, 0.6)],
        variants: vec![Some("no retries"), Some("3 retries")],
        seed: 5,
    })
}

/// The same as [`small`], before a change.
pub fn before() -> (Summary, Detail) {
    run(&Shape {
        title: "Three backends",
        balancers: vec![("random", 3.0), ("least-connections", 1.6)],
        backends: 3,
        windows: 60,
        faults: vec![],
        variants: vec![None],
        seed: 4,
    })
}

/// Twelve balancers: more than there are colours.
pub fn many() -> (Summary, Detail) {
    let names: Vec<String> = (0..12).map(|at| format!("balancer-{at}")).collect();
    run(&Shape {
        title: "Twelve balancers",
        balancers: names.iter().enumerate().map(|(at, name)| (name.as_str(), 1.0 + at as f64 * 0.4)).collect(),
        backends: 12,
        windows: 80,
        faults: vec![],
        variants: vec![None],
        seed: 9,
    })
}

/// Names that try everything.
pub fn hostile() -> (Summary, Detail) {
    let long = "long name ".repeat(1000);
    let attack = "</script><script>alert(1)</script>]]><img src=x onerror=alert(2)>\"'`<!--";
    let (mut summary, mut detail) = run(&Shape {
        title: attack,
        balancers: vec![(attack, 2.0), (&long, 1.0), ("\u{202e}evil\u{0}\u{1b}[31m\r\n", 1.5), ("' onload='alert(3)", 1.2)],
        backends: 4,
        windows: 40,
        faults: vec![(attack, "crash", 0.3, 0.5), (&long, "slow", 0.3, 0.4), ("javascript:alert(4)", "surge", 0.31, 0.5)],
        variants: vec![Some(attack), Some(&long)],
        seed: 11,
    });
    summary.scenario.question = Some(attack.into());
    summary.scenario.warmup = attack.into();
    summary.warnings.push(Warning { kind: Kind::TooShort, text: attack.into() });
    for backend in summary.results.iter_mut().flat_map(|result| &mut result.backends) {
        backend.name = format!("{attack}{}", backend.name);
    }
    for setup in &mut detail.setups {
        setup.facts.push((attack.into(), long.clone()));
        setup.sources.push(attack.into());
        setup.services[0].name = attack.into();
        setup.services[0].groups[0].name = attack.into();
        setup.services[0].groups[0].zone = Some(attack.into());
    }
    for class in detail.results.iter_mut().flat_map(|result| &mut result.classes) {
        class.name = attack.into();
    }
    (summary, detail)
}

/// A whole made-up run.
pub fn run(shape: &Shape<'_>) -> (Summary, Detail) {
    let mut chance = Chance(shape.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let (mut results, mut details) = (Vec::new(), Vec::new());
    for (at, variant) in shape.variants.iter().enumerate() {
        for &(name, slowness) in &shape.balancers {
            let (result, detail) = one(shape, &mut chance, name, slowness * (1.0 + 0.5 * at as f64), *variant);
            results.push(result);
            details.push(detail);
        }
    }
    let comparisons = comparisons(&results);
    let scenario = Scenario {
        title: Some(shape.title.into()),
        file_sha256: "00ff".repeat(16),
        plan_sha256: "ff00".repeat(16),
        seed: 42,
        replications: 5,
        requests: Some(200_000),
        warmup: "10%".into(),
        question: Some("Which balancer keeps the tail short?".into()),
    };
    let warnings =
        vec![Warning { kind: Kind::TooShort, text: "p99.9 rests on fewer than ten requests with random: run longer to trust it.".into() }];
    let setups = shape.variants.iter().map(|variant| setup(shape, *variant)).collect();
    let rule = |verdict: &str| VerdictSummary {
        rule: "latency.p99 < 250ms".into(),
        balancer: shape.balancers[0].0.into(),
        variant: None,
        value: Some(240.0),
        ci95: Some([230.0, 250.0]),
        bound: Some(250.0),
        verdict: verdict.into(),
        ..VerdictSummary::default()
    };
    let verdicts = if shape.variants.len() > 1 { ["held", "failed", "undecided"].map(rule).to_vec() } else { Vec::new() };
    let summary = Summary { schema: 1, tool: Tool::this(), scenario, results, comparisons, verdicts, warnings };
    (summary, Detail { schema: SCHEMA, reproduce: String::new(), setups, results: details })
}

const END_S: f64 = 120.0;

fn setup(shape: &Shape<'_>, variant: Option<&str>) -> Setup {
    let slow = (shape.backends / 10).max(1) as u32;
    let group = |name: &str, count, speed| GroupSetup { name: name.into(), count, speed, workers: Some(2), zone: Some("a".into()) };
    let fault = |&(name, kind, from, to): &(&str, &str, f64, f64)| FaultSetup {
        name: name.into(),
        kind: kind.into(),
        spans_s: vec![[from * END_S, to * END_S]],
        drawn: false,
    };
    Setup {
        variant: variant.map(str::to_owned),
        facts: [
            ("traffic", "1 source, 800 requests/s, load 80.0%"),
            ("work", "exponential, mean 10 ms"),
            ("backends", "first-in first-out, two workers each, no queue limit"),
            ("clients", "give up after 1 s, no retries"),
        ]
        .map(|(name, fact)| (name.to_owned(), fact.to_owned()))
        .to_vec(),
        load: Some(0.8),
        sources: vec!["shoppers".into()],
        instances: 1,
        services: vec![ServiceSetup {
            name: String::new(),
            calls: vec![],
            groups: vec![group("web", shape.backends as u32 - slow, 1.0), group("slow", slow, 0.5)],
        }],
        faults: shape.faults.iter().map(fault).collect(),
    }
}

/// How bad things are at a time: 1 is usual.
fn trouble(shape: &Shape<'_>, at: f64) -> f64 {
    shape.faults.iter().map(|&(_, _, from, to)| if (from..to).contains(&at) { 3.0 } else { 0.0 }).fold(1.0, f64::max)
}

fn one(shape: &Shape<'_>, chance: &mut Chance, name: &str, slowness: f64, variant: Option<&str>) -> (ResultSummary, ResultDetail) {
    let windows = windows(shape, chance, slowness);
    let percentiles = percentiles(chance, slowness);
    let at = |share: f64| percentiles.iter().find(|point| point.share >= share - 1e-12).map(|point| point.ms);
    let mean = 8.0 + 9.0 * slowness;
    let latency = Latency {
        mean: Some(mean),
        stddev: Some(mean),
        min: Some(0.8),
        p50: at(0.5),
        p75: at(0.75),
        p90: at(0.9),
        p95: at(0.95),
        p99: at(0.99),
        p99_9: at(0.999),
        p99_99: at(0.9999),
        max: percentiles.last().map(|point| point.ms * 1.2),
    };
    let half = |value: Option<f64>, part: f64| value.map(|value| value * part);
    let interval = LatencyInterval {
        mean: half(latency.mean, 0.01),
        p50: half(latency.p50, 0.01),
        p90: half(latency.p90, 0.015),
        p95: half(latency.p95, 0.02),
        p99: half(latency.p99, 0.03),
        p99_9: half(latency.p99_9, 0.08),
    };
    let failed = if shape.faults.is_empty() { 0 } else { (900.0 * slowness * slowness) as u64 };
    let offered = 1_000_000;
    let requests = Requests {
        offered,
        succeeded: offered - failed,
        failed,
        attempts: offered + 1000,
        retries: 1000,
        errors: Errors {
            timeout: failed * 6 / 10,
            refused: failed / 10,
            crashed: failed - failed * 6 / 10 - failed / 10,
            ..Errors::default()
        },
        ..Requests::default()
    };
    let short = Short { mean: latency.mean, p50: latency.p50, p99: latency.p99 };
    let fault = |&(name, kind, ..): &(&str, &str, f64, f64)| FaultSummary {
        name: name.into(),
        kind: kind.into(),
        occurrences: 5,
        detect_s: Some(4.0 * chance_of(name)),
        recover_s: (slowness < 4.5).then_some(3.0 + 6.0 * slowness),
        recovered: Some(if slowness < 4.5 { 1.0 } else { 0.0 }),
        failed: failed / 2,
        delayed: failed,
        load_moved: Some(0.9),
        metastable: None,
    };
    let result = ResultSummary {
        balancer: name.into(),
        kind: name.into(),
        variant: variant.map(str::to_owned),
        latency_ms: latency,
        latency_ms_ci95: interval,
        latency_all_ms: short.clone(),
        wait_ms: Short::default(),
        wait_share: Some(0.4),
        warmup_reached: true,
        overloaded_at_s: (slowness > 4.5).then_some(75.2),
        duration_s: END_S,
        throughput_rps: Some(800.0),
        goodput_rps: Some(800.0 * (1.0 - failed as f64 / offered as f64)),
        success_rate: Some(1.0 - failed as f64 / offered as f64),
        fairness: Fairness {
            jain_requests: Some(1.0 - 0.01 * slowness),
            peak_to_mean_in_flight: Some(1.0 + slowness),
            ..Fairness::default()
        },
        in_system_mean: Some(8.0 * slowness),
        amplification: Some(1.001),
        work: Work::default(),
        faults: shape.faults.iter().map(fault).collect(),
        services: vec![service("front", offered, failed, &short), service("store", offered * 2, failed / 2, &short)],
        backends: (0..shape.backends).map(|at| backend(shape, chance, at, slowness, &short)).collect(),
        requests,
    };
    let queue = mean - 11.0;
    let (total, mut depth) = ((1.0 - 0.7_f64).recip(), Vec::new());
    for at in 0..30 {
        depth.push((0..at).fold(1.0, |share, _| share * (1.0 - 0.5 / slowness.max(0.6))) / total);
    }
    let all: f64 = depth.iter().sum();
    depth.iter_mut().for_each(|share| *share /= all);
    let detail = ResultDetail {
        latency: Distribution::default(),
        percentiles,
        time: TimeSpent { queue_ms: Some(queue), service_ms: Some(10.0), network_ms: Some(0.6), retry_ms: Some(0.4) },
        windows,
        depth,
        looks: 24_000,
        classes: vec![class("gold", mean, 0.3), class("basic", mean * 1.4, 0.7)],
        theory: vec![theory("latency.mean", false, mean * 1.001, mean, 0.4), theory("latency.mean", true, mean * 0.4, mean, 40.0)],
        keys: Some(KeyDetail { sticky: Some(0.1 * slowness.min(5.0)), moved: None, spread: shape.backends as u64 }),
    };
    (result, detail)
}

fn theory(metric: &str, is_bound: bool, expected: f64, measured: f64, z: f64) -> TheoryDetail {
    let model = if is_bound { "M/M/10, one queue" } else { "M/M/1 each" };
    TheoryDetail { metric: metric.into(), model: model.into(), is_bound, expected, measured: Some(measured), z: Some(z), holds: Some(true) }
}

fn chance_of(name: &str) -> f64 {
    1.0 + (name.len() % 7) as f64 / 10.0
}

fn service(name: &str, requests: u64, failed: u64, latency: &Short) -> ServiceSummary {
    ServiceSummary {
        name: name.into(),
        requests,
        failed,
        attempts: requests,
        retries: 0,
        success_rate: Some(1.0 - failed as f64 / requests as f64),
        amplification: Some(requests as f64 / 1e6),
        latency_ms: latency.clone(),
        critical_share: Some(0.5),
    }
}

fn class(name: &str, mean: f64, part: f64) -> ClassDetail {
    ClassDetail {
        name: name.into(),
        offered: (1e6 * part) as u64,
        success_rate: Some(0.999),
        mean_ms: Some(mean),
        p99_ms: Some(mean * 5.0),
        slowdown: Some(mean / 10.0),
    }
}

fn backend(shape: &Shape<'_>, chance: &mut Chance, at: usize, slowness: f64, latency: &Short) -> BackendSummary {
    let slow = at + (shape.backends / 10).max(1) >= shape.backends;
    let share = if slow && slowness < 2.0 { 0.55 } else { 1.0 } / shape.backends as f64 * chance.about(0.02);
    BackendSummary {
        name: if slow { format!("slow-{at}") } else { format!("web-{at}") },
        requests: (1e6 * share) as u64,
        share: Some(share),
        utilization: Some((if slow { 0.95 } else { 0.7 }) * chance.about(0.03)),
        in_flight_mean: Some(slowness * if slow { 3.0 } else { 1.0 }),
        in_flight_max: (20.0 * slowness) as u64,
        latency_ms: latency.clone(),
    }
}

fn percentiles(chance: &mut Chance, slowness: f64) -> Vec<Percentile> {
    let mut points = Vec::new();
    let mut ms = 0.8_f64;
    for at in 0..=120 {
        let nines = f64::from(at) / 20.0;
        let share = 1.0 - libm::pow(10.0, -nines);
        ms = ms.max((2.0 + 9.0 * slowness * libm::pow(nines, 1.2)) * chance.about(0.03));
        let beyond = (1e6 * (1.0 - share)) as u64;
        points.push(Percentile { share, ms, ci95_ms: Some(ms * (0.01 + 0.02 * nines)), beyond });
    }
    points
}

fn windows(shape: &Shape<'_>, chance: &mut Chance, slowness: f64) -> Windows {
    let count = shape.windows;
    let mut found = Windows { width_s: END_S / count as f64, warmup_s: END_S / 10.0, ..Windows::default() };
    for at in 0..count {
        let place = at as f64 / count as f64;
        let bad = trouble(shape, place);
        let offered = 800.0 * chance.about(0.05) * if bad > 1.0 { 1.2 } else { 1.0 };
        let errors = if bad > 1.0 { 0.01 * slowness * chance.about(0.5) } else { 0.0 };
        found.offered_rps.push(offered);
        found.goodput_rps.push(offered * (1.0 - errors));
        found.errors.push(Some(errors));
        found.mean_ms.push(Some(12.0 * slowness * bad));
        found.p50_ms.push(Some(8.0 * slowness * bad * chance.about(0.1)));
        found.p99_ms.push((at % 37 != 36).then(|| 45.0 * slowness * bad * chance.about(0.3)));
        found.amplification.push(Some(1.0));
        found.in_flight.push(10.0 * slowness * bad * chance.about(0.1));
        found.utilization.push(Some(0.8 * chance.about(0.05)));
        found.jain_requests.push(Some(1.0 - 0.02 * slowness * chance.unit()));
        found.peak_to_mean_in_flight.push(Some(1.5 + slowness * bad * chance.unit()));
    }
    for backend in 0..shape.backends {
        let slow = backend + (shape.backends / 10).max(1) >= shape.backends;
        let mut series = BackendWindows { utilization: Some(Vec::new()), ..BackendWindows::default() };
        for at in 0..count {
            let bad = trouble(shape, at as f64 / count as f64);
            let level = slowness * bad * if slow { 3.0 } else { 1.0 };
            series.sent_rps.push(8.0);
            series.in_flight.push((level * chance.about(0.4)) as f32);
            let busy = series.utilization.as_mut().expect("it was set");
            busy.push((if slow { 0.95 } else { 0.7 } * chance.about(0.1)).min(1.0) as f32);
        }
        found.backends.push(series);
    }
    found
}

fn comparisons(results: &[ResultSummary]) -> Vec<Comparison> {
    let mut all = Vec::new();
    for (at, one) in results.iter().enumerate() {
        for other in results[..at].iter().filter(|other| other.variant == one.variant || other.balancer == one.balancer) {
            for (metric, value) in [("latency.mean", 0), ("latency.p50", 1), ("latency.p99", 2), ("success_rate", 3)] {
                let of = |result: &ResultSummary| {
                    [result.latency_ms.mean, result.latency_ms.p50, result.latency_ms.p99, result.success_rate][value].unwrap_or(1.0)
                };
                let (these, those) = (of(one), of(other));
                let ratio = these / those;
                let lower = value < 3;
                let verdict = match ratio {
                    _ if these == those => Verdict::Same,
                    ratio if (ratio - 1.0).abs() < 0.04 && lower => Verdict::CannotTell,
                    ratio if (ratio < 1.0) == lower => Verdict::Better,
                    _ => Verdict::Worse,
                };
                all.push(Comparison {
                    balancer: one.balancer.clone(),
                    than: other.balancer.clone(),
                    variant: one.variant.clone(),
                    than_variant: other.variant.clone(),
                    metric: metric.into(),
                    difference: Some(these - those),
                    relative: Some(ratio - 1.0),
                    ci95: Some([(these - those) * 0.9, (these - those) * 1.1]),
                    p_value: Some(if verdict == Verdict::CannotTell { 0.4 } else { 0.001 }),
                    verdict,
                    ratio: Some(ratio),
                    ratio_ci95: Some([ratio * 0.97, ratio * 1.03]),
                });
            }
        }
    }
    all
}
