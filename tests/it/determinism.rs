//! The same bytes, whatever the threads, the place, the language and the clock of the machine.

use crate::cli::{SMALL, evenkeel, file};
use std::process::Command;

/// A scenario with something of everything that could depend on order.
const RICH: &str = r#"
[run]
requests = 6000
replications = 6
[[traffic]]
name = "shop"
arrivals = { process = "poisson", rate = "200/s", shape = { wave = { amplitude = 0.5, period = "5s" } } }
work = { dist = "lognormal", mean = "10ms", cv = 2.0 }
keys = { dist = "zipf", count = 1000, exponent = 1.1 }
clients = { count = 50, connections = 2, requests_per_connection = 10 }
zone = "a"
[[traffic]]
name = "batch"
arrivals = { process = "mmpp", states = [{ rate = "10/s", mean_stay = "1s" }, { rate = "300/s", mean_stay = "200ms" }] }
work = { dist = "gamma", mean = "5ms", cv = 0.5 }
priority = 3
[[backends]]
name = "web"
count = 5
network = { dist = "exponential", mean = "300us" }
zone = "b"
[[backends]]
name = "old"
speed = 0.3
workers = 3
queue = 20
discipline = "priority"
[[backends]]
name = "shared"
discipline = "processor-sharing"
cache = { keys = 10, hit = 0.5 }
[network]
between = [{ from = "a", to = "b", delay = "1ms" }]
[[balancer]]
kind = "power-of-d"
[[balancer]]
kind = "least-connections"
[[balancer]]
kind = "ring-hash"
[[balancer]]
kind = "central-queue"
[tier]
instances = 3
view = "shared"
refresh = "50ms"
[[variant]]
name = "one instance"
set = { "tier.instances" = 1 }
[[variant]]
name = "exact"
set = { "tier.refresh" = "0s" }
"#;

fn json(args: &[&str]) -> Vec<u8> {
    let output = evenkeel(&[&["run", "--format", "json", "-q"], args].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn one_to_eight_threads_give_the_same_bytes() {
    for (name, text) in [("threads-small", SMALL), ("threads-rich", RICH)] {
        let path = file(name, text);
        let one = json(&[&path, "--threads", "1"]);
        for threads in ["2", "3", "4", "5", "6", "7", "8"] {
            assert_eq!(json(&[&path, "--threads", threads]), one, "{name} on {threads} threads");
        }
    }
}

#[test]
fn precision_adds_the_same_replications_on_any_number_of_threads() {
    let path = file("threads-precision", SMALL);
    let precision = ["--set", "run.precision={ metric = \"latency.p99\", relative = \"5%\", max_replications = 40 }"];
    let one = json(&[&[path.as_str(), "--threads", "1"], &precision[..]].concat());
    // With one replication to begin with, a second one gives the first interval.
    let from_one: serde_json::Value =
        serde_json::from_slice(&json(&[&[path.as_str(), "--replications", "1"], &precision[..]].concat())).expect("JSON");
    assert!(from_one["scenario"]["replications"].as_u64().is_some_and(|count| count >= 2), "{}", from_one["scenario"]);
    assert_eq!(json(&[&[path.as_str(), "--threads", "4"], &precision[..]].concat()), one);
    let result: serde_json::Value = serde_json::from_slice(&one).expect("JSON");
    let replications = result["scenario"]["replications"].as_u64().expect("a count");
    assert!((3..=40).contains(&replications), "{replications}");
}

#[test]
fn place_language_time_zone_and_home_leave_no_trace() {
    let path = file("environment", RICH);
    let plain = json(&[&path]);
    let elsewhere = std::env::temp_dir();
    for (name, value) in
        [("LC_ALL", "tr_TR.UTF-8"), ("LC_ALL", "de_DE.UTF-8"), ("TZ", "Asia/Kathmandu"), ("HOME", "/nonexistent"), ("RUST_BACKTRACE", "1")]
    {
        let output = Command::new(env!("CARGO_BIN_EXE_evenkeel"))
            .args(["run", "--format", "json", "-q", &path])
            .env(name, value)
            .current_dir(&elsewhere)
            .output()
            .expect("the program starts");
        assert_eq!(output.stdout, plain, "{name}={value}");
    }
}

#[test]
fn line_ends_and_a_byte_order_mark_change_nothing() {
    let plain = json(&[&file("ends-lf", SMALL)]);
    assert_eq!(json(&[&file("ends-crlf", &SMALL.replace('\n', "\r\n"))]), plain);
    assert_eq!(json(&[&file("ends-bom", &format!("\u{feff}{SMALL}"))]), plain);
}

#[test]
fn a_balancers_figures_do_not_depend_on_which_others_are_listed() {
    let path = file("listed", RICH);
    let all: serde_json::Value = serde_json::from_slice(&json(&[&path])).expect("JSON");
    let alone: serde_json::Value = serde_json::from_slice(&json(&[&path, "--balancer", "ring-hash"])).expect("JSON");
    let of = |result: &serde_json::Value| {
        let results = result["results"].as_array().expect("an array").clone();
        results.into_iter().filter(|one| one["balancer"] == "ring-hash").collect::<Vec<_>>()
    };
    assert_eq!(of(&all), of(&alone));
    assert_eq!(of(&all).len(), 2);
}

/// The program built in another way, where the nightly run has made one: `EVENKEEL_OTHER_BUILD` names it.
#[test]
#[allow(clippy::disallowed_methods, reason = "a test may look at the environment")]
fn another_build_gives_the_same_bytes() {
    let Some(other) = std::env::var_os("EVENKEEL_OTHER_BUILD") else {
        eprintln!("skipped: EVENKEEL_OTHER_BUILD names no other build to compare with");
        return;
    };
    let path = file("other-build", RICH);
    let output = Command::new(other).args(["run", "--format", "json", "-q", &path]).output().expect("the other build starts");
    assert_eq!(output.stdout, json(&[&path]));
}
