//! `trace fit` and `trace calibrate` as commands, on records that were made by a few lines of arithmetic, so that what has to be found is known.

use super::{Place, code, json, said};
use crate::cli::evenkeel;
use serde_json::Value;

/// A stream of numbers from 0 to 1, by Knuth's multiplier.
struct Unit(u64);

impl Unit {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        -mean * self.next().ln()
    }
}

/// Poisson arrivals, 100 a second, of exponential work of 10 ms, as a table.
fn poisson(requests: usize) -> String {
    let (mut chance, mut at) = (Unit(7), 0.0);
    let mut row = |_| {
        at += chance.exponential(10e6);
        format!("{},{}\n", at as u64, chance.exponential(10e6) as u64)
    };
    format!("time_ns,work_ns\n{}", (0..requests).map(&mut row).collect::<String>())
}

/// What three backends of one worker made of such arrivals, taken in turn, first come, first served: the third half as fast.
fn served(requests: usize) -> String {
    let (mut chance, mut at, mut free) = (Unit(11), 0.0_f64, [0.0_f64; 3]);
    let mut row = |number: usize| {
        at += chance.exponential(10e6);
        let backend = number % 3;
        let work = chance.exponential(8e6) * if backend == 2 { 2.0 } else { 1.0 };
        free[backend] = free[backend].max(at) + work;
        format!("{},{},b{backend}\n", at as u64, (free[backend] - at) as u64)
    };
    format!("time_ns,duration_ns,backend\n{}", (0..requests).map(&mut row).collect::<String>())
}

fn chosen<'v>(list: &'v Value, name: &str) -> &'v str {
    let one = list.as_array().expect("a list").iter().find(|one| one["chosen"] == true).expect("one is chosen");
    one[name].as_str().expect("a name")
}

#[test]
fn a_fit_finds_what_was_drawn_and_writes_a_scenario_that_runs() {
    let place = Place::new("fit").with("poisson.csv", poisson(20_000));
    let out = place.path("fitted.toml");
    let found = json(&evenkeel(&["trace", "fit", &place.path("poisson.csv"), "--out", &out, "--format", "json"]));
    assert_eq!((chosen(&found["arrivals"], "process"), chosen(&found["work"], "law")), ("poisson", "exponential"), "{found:#}");
    // A mean of 20,000 exponentials is exact to 1.4% (two standard errors).
    assert!((found["rate_rps"].as_f64().expect("a number") / 100.0 - 1.0).abs() < 0.015, "{}", found["rate_rps"]);
    let latencies = found["proof"]["latency"].as_array().expect("a list");
    assert!(latencies.len() == 9, "three balancers, three figures: {latencies:?}");
    for row in latencies.iter().filter(|row| row["name"].as_str().is_some_and(|name| name.contains("mean"))) {
        // At load 0.7 the mean over 20,000 requests has a standard error of some 3% in each of the two.
        assert!(row["relative"].as_f64().is_some_and(|off| off.abs() < 0.15), "{row}");
    }
    assert_eq!(found["scenario"].as_str().map(str::as_bytes), Some(&*place.read("fitted.toml")));
    let result = json(&evenkeel(&["run", &out, "--format", "json", "--replications", "1"]));
    assert_eq!(result["results"].as_array().map(Vec::len), Some(3));
}

#[test]
fn a_fit_without_proof_prints_the_scenario_alone() {
    let place = Place::new("fit-alone").with("poisson.csv", poisson(500));
    let output = evenkeel(&["trace", "fit", &place.path("poisson.csv"), "--no-proof"]);
    assert_eq!(code(&output), 0);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let fitted = place.write("fitted.toml", &text);
    assert_eq!(code(&evenkeel(&["check", &fitted])), 0, "{text}");
}

#[test]
fn a_calibration_finds_speeds_and_workers() {
    let place = Place::new("calibrate").with("served.csv", served(30_000));
    let out = place.path("calibrated.toml");
    let found = json(&evenkeel(&["trace", "calibrate", &place.path("served.csv"), "--out", &out, "--format", "json"]));
    for (backend, speed) in found["backends"].as_array().expect("a list").iter().zip([1.0, 1.0, 0.5]) {
        assert_eq!(backend["workers"], 1, "{backend}");
        // The median of some thousand exponentials: 3% or so, and that of the fastest by which it is divided.
        assert!((backend["speed"].as_f64().expect("a number") / speed - 1.0).abs() < 0.08, "{backend}");
    }
    assert_eq!(found["rules"][0]["rule"], "round-robin", "{}", found["rules"]);
    let p99 = |of: &str| {
        let all = found["latencies"].as_array().expect("a list");
        let one = all.iter().find(|one| one["of"] == of && one["load"] == "all").expect("it is there");
        one["latency_ms"]["p99"].as_f64().expect("a number")
    };
    assert!((p99("as-recorded") / p99("recorded") - 1.0).abs() < 0.05, "{} for {}", p99("as-recorded"), p99("recorded"));
    assert_eq!(found["scenario"].as_str().map(str::as_bytes), Some(&*place.read("calibrated.toml")));
    assert_eq!(code(&evenkeel(&["check", &out])), 0);
}

#[test]
fn what_cannot_be_fitted_or_calibrated_says_what_is_missing() {
    let place = Place::new("unfit").with("times.csv", "time_s\n1\n2\n3\n").with("poisson.csv", poisson(50));
    let fit = evenkeel(&["trace", "fit", &place.path("times.csv")]);
    assert_eq!(code(&fit), 2);
    assert!(said(&fit).contains("does not say how long requests took") && said(&fit).contains("--work"), "{}", said(&fit));
    assert_eq!(code(&evenkeel(&["trace", "fit", &place.path("times.csv"), "--work", "10ms", "--no-proof"])), 0);
    let calibrate = evenkeel(&["trace", "calibrate", &place.path("poisson.csv")]);
    assert_eq!(code(&calibrate), 2);
    assert!(said(&calibrate).contains("does not say which backend answered"), "{}", said(&calibrate));
    let balancer = evenkeel(&["trace", "fit", &place.path("poisson.csv"), "--balancer", "raondm"]);
    assert!(code(&balancer) == 2 && said(&balancer).contains("raondm"), "{}", said(&balancer));
}

#[test]
fn errors_do_not_make_a_backend_fast() {
    let place = Place::new("calibrate-errors");
    // Every third answer of the second backend is an error after no time at all.
    let row = |number: u64| {
        let (backend, is_error) = (number % 2, number % 6 == 1);
        let (took, status) = if is_error { (1_000, 503) } else { (5_000_000, 200) };
        format!("{},{took},b{backend},{status}\n", number * 20_000_000)
    };
    let text: String = (0..3_000).map(row).collect();
    let path = place.write("errors.csv", format!("time_ns,duration_ns,backend,status\n{text}"));
    let found = json(&evenkeel(&["trace", "calibrate", &path, "--format", "json"]));
    assert_eq!((&found["backends"][0]["speed"], &found["backends"][1]["speed"]), (&1.0.into(), &1.0.into()), "{}", found["backends"]);
    assert!(found["remarks"].to_string().contains("500 requests that failed"), "{}", found["remarks"]);
}

#[test]
fn what_a_table_of_ours_says_is_read_back() {
    let line = "10.1.2.3:4711 [06/Feb/2009:12:14:14.655] http-in static/srv1 0/10/2/69/109 503 2750 - - ---- 1/1/1/1/2 0/0 \"GET /index.html HTTP/1.1\"\n";
    let place = Place::new("table-again").with("haproxy.log", line);
    let convert = |from: &str, to: &str| {
        assert_eq!(code(&evenkeel(&["trace", "convert", &place.path(from), "--out", &place.path(to), "--spread", "none"])), 0);
    };
    convert("haproxy.log", "once.csv");
    convert("once.csv", "twice.csv");
    let (once, twice) = (place.read("once.csv"), place.read("twice.csv"));
    assert_eq!(String::from_utf8_lossy(&once), String::from_utf8_lossy(&twice));
    assert!(String::from_utf8_lossy(&once).contains(",10000000,/index.html,10.1.2.3,static/srv1,static,503,failed,2750,,,3"));
}

#[test]
fn a_file_given_twice_is_told() {
    let place = Place::new("twice").with("a.csv", served(2_000)).with("b.csv", served(2_000));
    let output = evenkeel(&["trace", "inspect", &place.path("a.csv"), &place.path("b.csv")]);
    assert_eq!(code(&output), 0);
    assert!(said(&output).contains("2000 of 4000 requests are the same as another"), "{}", said(&output));
    let once = evenkeel(&["trace", "inspect", &place.path("a.csv")]);
    assert!(!said(&once).contains("the same as another"), "{}", said(&once));
}

#[test]
fn requests_of_one_stamp_are_not_out_of_order() {
    let place = Place::new("ties").with("ties.csv", "time_s,work_ms\n1,5\n1,6\n1,7\n2,5\n2,6\n4,5\n3,5\n5,5\n");
    let found = json(&evenkeel(&["trace", "inspect", &place.path("ties.csv"), "--format", "json"]));
    assert_eq!((&found["backwards"], &found["backwards_s"]), (&1.into(), &1.0.into()));
}
