//! What is recorded to be drawn: held against cells worked by hand, against the summary of the same run, and against theory.

use evenkeel::measure::detail::{Detail, ResultDetail, Windows};
use evenkeel::measure::summary::{ResultSummary, Summary};
use evenkeel::report::json;
use evenkeel::run::{Job, Outcome, Use};
use evenkeel::scenario::{self, NoFiles, Source};

fn job(text: &str) -> Job {
    let loaded = scenario::load(&Source::new("f.toml", text.as_bytes()), &[], &NoFiles).unwrap_or_else(|faults| panic!("{faults}"));
    Job::new(&loaded).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn run(text: &str, threads: usize) -> (Summary, Detail) {
    let Outcome { summary, detail, .. } = job(text).run_for(Use::Drawing, threads, &|_| true);
    (summary.expect("it was not interrupted"), detail.expect("it was asked for"))
}

fn one(text: &str) -> (ResultSummary, ResultDetail) {
    let (summary, detail) = run(text, 1);
    (summary.results[0].clone(), detail.results[0].clone())
}

fn near(found: f64, expected: f64, share: f64) -> bool {
    (found - expected).abs() <= share * expected.abs()
}

/// Requests at 1, 2 and 3 s that take 1.5 s each at one backend: answered at 2.5, 4 and 5.5 s. Windows of 20 ms.
const THREE: &str = "balancers = [\"random\"]
[run]
requests = 3
replications = 1
warmup = \"0%\"
[traffic]
arrivals = { process = \"constant\", rate = \"1/s\" }
work = \"1.5s\"
[[backends]]
name = \"a\"
";

#[test]
fn a_cell_of_three_requests_worked_by_hand() {
    let (_, detail) = one(THREE);
    let windows = &detail.windows;
    assert_eq!((windows.width_s, windows.len(), windows.ends_s, windows.warmup_s), (0.02, 150, 3.0, 0.0));
    let in_flight = |from: usize, to: usize, value: f64| windows.in_flight[from..to].iter().all(|&found| found == value);
    assert!(in_flight(0, 50, 0.0) && in_flight(50, 100, 1.0) && in_flight(100, 125, 2.0) && in_flight(125, 150, 1.0));
    assert!(windows.utilization[..50].iter().all(|&found| found == Some(0.0)));
    assert!(windows.utilization[50..].iter().all(|&found| found == Some(1.0)));
    // The third comes at the very end, in a window without any length, which is part of the one before.
    assert_eq!((windows.mean_ms[50], windows.mean_ms[100], windows.mean_ms[149]), (Some(1500.0), Some(2000.0), Some(2500.0)));
    assert_eq!((windows.offered_rps[50], windows.offered_rps[51], windows.errors[50], windows.errors[51]), (50.0, 0.0, Some(0.0), None));
    assert_eq!(windows.backends[0].sent_rps[100], 50.0);
    // A look sees what was there before anything happened at its instant: 50 times nobody, 75 times one, 25 times two.
    assert_eq!((detail.looks, detail.depth), (150, vec![50.0 / 150.0, 75.0 / 150.0, 25.0 / 150.0]));
    let time = detail.time;
    assert_eq!((time.queue_ms, time.service_ms, time.network_ms, time.retry_ms), (Some(500.0), Some(1500.0), Some(0.0), Some(0.0)));
    assert_eq!(detail.percentiles[0].ms, 1500.0);
    assert_eq!((detail.latency.count, detail.latency.min_ns, detail.latency.max_ns), (3, Some(1_500_000_000), Some(2_500_000_000)));
}

#[test]
fn a_run_whose_length_nobody_knows_has_coarser_windows_and_loses_nothing() {
    let text = "balancers = [\"least-connections\"]
[run]
requests = 20000
replications = 3
[traffic]
arrivals = { process = \"closed\", clients = 10, think = { dist = \"exponential\", mean = \"50ms\" } }
work = { dist = \"exponential\", mean = \"10ms\" }
[[backends]]
count = 3
name = \"a\"
";
    let (summary, detail) = one(text);
    let windows = &detail.windows;
    assert!((100..=Windows::LIMIT).contains(&windows.len()), "{}", windows.len());
    // Of windows of 1 ms each two became one several times; warm-up included, all requests are there.
    assert!((windows.width_s * 1000.0).log2().fract() == 0.0 && windows.width_s > 0.1);
    let all: u64 = windows.latencies.iter().flatten().map(|(_, count)| count).sum();
    assert_eq!((all, summary.requests.succeeded), (60_000, 54_000));
    let rate: f64 = spans(windows).zip(&windows.offered_rps).map(|(span, rate)| span * rate).sum();
    assert!(near(3.0 * rate, 60_000.0, 1e-9), "{rate}");
}

/// How long each window is.
fn spans(windows: &Windows) -> impl Iterator<Item = f64> + '_ {
    (0..windows.len()).map(|at| windows.span_s(at)).map(|[from, to]| to - from)
}

/// Nearly everything at once: two sources of different class, keys, a network, retries, timeouts, a crash, a backend that leaves.
const EVENTFUL: &str = "balancers = [\"least-connections\", \"ring-hash\"]
[run]
requests = 20000
replications = 3
warmup = \"0%\"
[[traffic]]
name = \"shop\"
class = \"gold\"
arrivals = { process = \"poisson\", rate = \"200/s\" }
work = { dist = \"exponential\", mean = \"10ms\" }
keys = { dist = \"zipf\", count = 500, exponent = 1.0 }
zone = \"a\"
[[traffic]]
name = \"batch\"
arrivals = { process = \"poisson\", rate = \"50/s\" }
work = { dist = \"exponential\", mean = \"20ms\" }
zone = \"b\"
[[backends]]
name = \"web\"
count = 5
zone = \"a\"
network = { dist = \"exponential\", mean = \"1ms\" }
[network]
between = [{ from = \"b\", to = \"a\", delay = \"3ms\" }]
[tier]
instances = 2
zone = \"a\"
[client]
attempt_timeout = \"300ms\"
[client.retry]
max = 2
backoff = { base = \"20ms\", max = \"100ms\", jitter = \"full\" }
[[fault]]
kind = \"crash\"
name = \"lose one\"
target = \"web-1\"
at = \"20s\"
for = \"10s\"
[[fault]]
kind = \"leave\"
target = \"web-2\"
at = \"50s\"
for = \"10s\"
[[fault]]
kind = \"crash\"
name = \"drawn\"
target = \"web-4\"
mtbf = \"30s\"
mttr = \"1s\"
at = \"0s\"
";

#[test]
fn looking_changes_nothing() {
    for text in [EVENTFUL, THREE] {
        let plain = job(text).run(1, &|_| true);
        assert!(plain.detail.is_none());
        assert_eq!(plain.summary, Some(run(text, 1).0));
    }
}

#[test]
fn threads_do_not_change_a_byte() {
    assert_eq!(json::detail(&run(EVENTFUL, 1).1), json::detail(&run(EVENTFUL, 4).1));
}

#[test]
fn windows_are_the_summary_over_time() {
    let (summary, detail) = run(EVENTFUL, 2);
    for (result, of) in summary.results.iter().zip(&detail.results) {
        let windows = &of.windows;
        let whole = |series: &[f64]| spans(windows).zip(series).map(|(span, value)| span * value).sum::<f64>();
        let counts = [(&windows.offered_rps, result.requests.offered), (&windows.goodput_rps, result.requests.succeeded)];
        for (series, count) in counts {
            assert!(near(3.0 * whole(series), count as f64, 1e-9));
        }
        let answered: u64 = windows.latencies.iter().flatten().map(|(_, count)| count).sum();
        assert_eq!(answered, result.requests.succeeded);
        let attempts = spans(windows).zip(&windows.offered_rps).zip(&windows.amplification);
        let attempts: f64 = attempts.map(|((span, rate), each)| span * rate * each.unwrap_or(0.0)).sum();
        assert!(near(3.0 * attempts, result.requests.attempts as f64, 1e-9));
        // Without a warm-up the window of the summary is the whole run.
        let backends: f64 = result.backends.iter().filter_map(|backend| backend.in_flight_mean).sum();
        assert!(near(whole(&windows.in_flight) / windows.ends_s, backends, 1e-9));
        for (backend, series) in result.backends.iter().zip(&windows.backends) {
            let whole = |series: &[f32]| spans(windows).zip(series).map(|(span, value)| span * f64::from(*value)).sum::<f64>();
            let mean = whole(&series.in_flight) / windows.ends_s;
            assert!(near(mean, backend.in_flight_mean.expect("time passed"), 1e-5));
            let busy = whole(series.utilization.as_ref().expect("it has a worker")) / windows.ends_s;
            assert!(near(busy, backend.utilization.expect("time passed"), 1e-5));
            // Attempts sent after the last arrival, and that of the last request, are no longer in a window.
            let sent = 3.0 * whole(&series.sent_rps);
            assert!(sent <= backend.requests as f64 + 1.0 && sent >= backend.requests as f64 - 30.0, "{sent} of {}", backend.requests);
        }
    }
}

#[test]
fn the_parts_of_time_are_the_whole() {
    let (summary, detail) = run(EVENTFUL, 2);
    for (result, of) in summary.results.iter().zip(&detail.results) {
        let time = of.time;
        let parts = [time.queue_ms, time.service_ms, time.network_ms, time.retry_ms].map(|part| part.expect("there were answers"));
        assert!(near(parts.iter().sum(), result.latency_ms.mean.expect("there were answers"), 1e-12), "{parts:?}");
        assert!(near(parts[0], result.wait_ms.mean.expect("there were answers"), 1e-12));
        // 12 ms of work in the mean, and what takes longer than 300 ms at its backend is not answered. Two ways of 1 ms; a fifth of the requests has 3 ms there and back besides.
        assert!(parts[1] > 11.0 && parts[1] < 12.2, "{parts:?}");
        assert!(near(parts[2], 2.0 + 0.2 * 6.0, 0.05), "{parts:?}");
        assert!(parts[3] > 0.05, "{parts:?}");
    }
}

#[test]
fn ways_are_told_where_nothing_else_can_happen() {
    let text = THREE.replace("name = \"a\"", "name = \"a\"\nnetwork = \"100ms\"");
    let time = one(&text).1.time;
    // Each is 100 ms later at the backend, and as much later back.
    assert_eq!((time.queue_ms, time.service_ms, time.network_ms, time.retry_ms), (Some(500.0), Some(1500.0), Some(200.0), Some(0.0)));
}

#[test]
fn a_single_server_is_as_deep_as_theory_says() {
    let text = "balancers = [\"random\"]
[run]
requests = 100000
replications = 20
[traffic]
arrivals = { process = \"poisson\", load = 0.5 }
work = { dist = \"exponential\", mean = \"10ms\" }
[[backends]]
name = \"a\"
";
    let (_, detail) = one(text);
    // M/M/1 at load 1/2: depth n with probability 2^-(n+1). Looks are 20 s apart, a thousand relaxation times of 10 ms ÷ (1 − √½)² = 117 ms: independent.
    assert!(detail.looks > 1500, "{}", detail.looks);
    for (depth, share) in detail.depth.iter().take(4).enumerate() {
        let expected = 0.5_f64.powi(depth as i32 + 1);
        let error = (expected * (1.0 - expected) / detail.looks as f64).sqrt();
        assert!((share - expected).abs() < 4.0 * error, "{depth}: {share}");
    }
    assert!((detail.depth.iter().sum::<f64>() - 1.0).abs() < 1e-12);
}

#[test]
fn classes_faults_and_keys_are_there() {
    let (summary, detail) = run(EVENTFUL, 2);
    let [least, ring] = [&detail.results[0], &detail.results[1]];
    let names: Vec<&str> = least.classes.iter().map(|class| class.name.as_str()).collect();
    assert_eq!(names, ["gold", "batch"]);
    assert_eq!(least.classes.iter().map(|class| class.offered).sum::<u64>(), summary.results[0].requests.offered);
    assert!(least.classes.iter().all(|class| class.slowdown.is_some_and(|times| times > 1.0 && times < 20.0)));
    let keys = |result: &ResultDetail| result.keys.expect("keys come again");
    assert!(keys(ring).sticky > Some(0.9) && keys(least).sticky < Some(0.5));
    assert!(keys(ring).moved > Some(0.0) && keys(ring).moved < Some(0.7) && keys(least).spread == 5);
    let setup = &detail.setups[0];
    assert_eq!(setup.faults[0].spans_s, [[20.0, 30.0]]);
    assert_eq!(setup.faults.iter().map(|fault| (fault.name.as_str(), fault.drawn)).collect::<Vec<_>>()[2], ("drawn", true));
    assert!(!setup.faults[2].spans_s.is_empty());
    assert_eq!((setup.instances, setup.sources.len(), setup.services[0].groups[0].count), (2, 2, 5));
    assert_eq!(setup.services[0].groups[0].zone.as_deref(), Some("a"));
}

#[test]
fn very_many_backends_are_drawn_together() {
    let text = "balancers = [\"random\"]
[run]
requests = 20000
replications = 1
[traffic]
arrivals = { process = \"poisson\", load = 0.5 }
work = { dist = \"exponential\", mean = \"10ms\" }
[[backends]]
name = \"a\"
count = 5000
";
    let (summary, detail) = one(text);
    let windows = &detail.windows;
    assert!(windows.backends.is_empty() && windows.len() <= 48 && windows.len() >= 20, "{}", windows.len());
    assert!(windows.jain_requests.iter().all(Option::is_none));
    assert!(windows.in_flight.iter().any(|&mean| mean > 1000.0) && summary.backends.len() == 5000);
}

#[test]
fn percentiles_have_intervals_over_replications() {
    let (summary, detail) = run(EVENTFUL, 1);
    for (result, of) in summary.results.iter().zip(&detail.results) {
        let at = |share: f64| of.percentiles.iter().find(|point| point.share == share).expect("it is on the grid");
        assert_eq!((Some(at(0.5).ms), at(0.5).ci95_ms), (result.latency_ms.p50, result.latency_ms_ci95.p50));
        assert_eq!((Some(at(0.99).ms), at(0.99).ci95_ms), (result.latency_ms.p99, result.latency_ms_ci95.p99));
        assert!(at(0.999).beyond.abs_diff(result.requests.succeeded / 1000) <= 1);
    }
}

#[test]
fn a_saved_detail_reads_back_the_same() {
    let (_, detail) = run(EVENTFUL, 1);
    assert!(json::read_detail(&json::detail(&detail)).expect("it is ours") == detail);
    let newer = json::detail(&Detail { schema: 99, ..detail });
    let error = json::read_detail(&newer).expect_err("it is of another version").to_string();
    assert!(error.contains("99") && error.contains("run the scenario again"), "{error}");
    assert!(json::read_detail("{}").is_err() && json::read_detail("[").is_err());
}
