//! What is replayed is what was recorded, to the nanosecond: a trace of four requests whose every answer can be found by hand.

use super::{Attempt, Place, code, counts, json, said, scenario};
use crate::cli::evenkeel;
use serde_json::Value;

const MS: u64 = 1_000_000;

/// Arrivals at 0, 5, 30 and 100 ms; works of 10, 10, 5 and 1 ms.
const FOUR: &str = "time_ns,work_ns,key,client,backend\n\
    7000000000,10000000,/a,c1,x\n7005000000,10000000,/b,c2,y\n7030000000,5000000,/a,c1,x\n7100000000,1000000,/c,c2,y\n";
const ONE: &str = "[[backends]]\nname = \"b\"";

fn four(name: &str) -> Place {
    Place::new(name).with("t.csv", FOUR)
}

/// When each was sent and how long it took, in milliseconds.
fn times(attempts: &[Attempt]) -> Vec<(f64, f64)> {
    attempts.iter().map(|attempt| (attempt.sent as f64 / MS as f64, attempt.took as f64 / MS as f64)).collect()
}

/// One server, first come first served: Lindley's recursion.
fn by_hand(arrivals: &[f64], works: &[f64]) -> Vec<(f64, f64)> {
    let mut free = 0.0_f64;
    let one = |(&at, &work): (&f64, &f64)| {
        free = free.max(at) + work;
        (at, free - at)
    };
    arrivals.iter().zip(works).map(one).collect()
}

fn near(found: &[(f64, f64)], expected: &[(f64, f64)]) {
    let close = |a: &(f64, f64), b: &(f64, f64)| (a.0 - b.0).abs() < 2e-6 && (a.1 - b.1).abs() < 2e-6;
    let all = found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| close(a, b));
    assert!(all, "found {found:?}, not {expected:?}");
}

#[test]
fn four_requests_take_what_they_take_by_hand() {
    let place = four("replay-four");
    let run = |arrivals: &str| times(&place.attempts(&scenario(&["random"], &format!("file = \"t.csv\"{arrivals}"), "", ONE)));
    let (at, work) = ([0.0, 5.0, 30.0, 100.0], [10.0, 10.0, 5.0, 1.0]);
    assert_eq!(run(""), [(0.0, 10.0), (5.0, 15.0), (30.0, 5.0), (100.0, 1.0)]);
    let faster = |factor: f64| by_hand(&at.map(|at| at / factor), &work);
    near(&run(", scale = 2"), &faster(2.0));
    near(&run(", scale = 0.1"), &faster(0.1));
    // Four requests in 100 ms and a mean gap after the last: 30 a second, which 80 and half of what one backend can do (a second by 6.5 ms) are multiples of.
    near(&run(", rate = \"80/s\""), &faster(80.0 / 30.0));
    near(&run(", load = 0.5"), &faster(0.5 / 0.0065 / 30.0));
    // A window begins with its first request, and its end is outside.
    assert_eq!(run(", from = \"5ms\", to = \"100ms\""), [(0.0, 10.0), (25.0, 5.0)]);
    assert_eq!(run(", from = \"1ms\""), [(0.0, 10.0), (25.0, 5.0), (95.0, 1.0)]);
    // The next round comes a mean gap after the last request: 133 1/3 ms after the first.
    let twice: Vec<f64> = at.iter().copied().chain(at.map(|at| at + 400.0 / 3.0)).collect();
    near(&run(", repeat = 2"), &by_hand(&twice, &[work, work].concat()));
    let twice: Vec<f64> = twice.iter().map(|at| at / 4.0).collect();
    near(&run(", repeat = 2, scale = 4"), &by_hand(&twice, &[work, work].concat()));
}

#[test]
fn a_run_ends_with_its_trace_or_before() {
    let place = four("replay-length");
    let text = scenario(&["random"], "file = \"t.csv\"", "", ONE);
    let offered = |more: &[&str]| place.result(&text, more)["results"][0]["requests"]["offered"].as_u64();
    assert_eq!(offered(&[]), Some(4));
    assert_eq!(offered(&["--set", "run.requests=2"]), Some(2));
    assert_eq!(offered(&["--set", "run.requests=9"]), Some(4));
    assert_eq!(offered(&["--set", "run.duration=\"20ms\""]), Some(2));
    assert_eq!(offered(&["--set", "run.duration=\"1h\""]), Some(4));
    assert_eq!(offered(&["--set", "traffic.arrivals.repeat=1000"]), Some(4000));
    // The share of a warm-up is one of what is played, not of what was asked for.
    let warm = |more: &[&str]| {
        let all = [&["--set", "run.warmup=\"50%\"", "--set", "traffic.arrivals.repeat=100"], more].concat();
        place.result(&text, &all)["results"][0]["requests"]["offered"].as_u64()
    };
    assert_eq!((warm(&[]), warm(&["--set", "run.requests=4000"])), (Some(200), Some(200)));
}

#[test]
fn all_replications_meet_the_same_traffic() {
    let place = four("replay-same");
    let text = scenario(&["round-robin"], "file = \"t.csv\"", "", "[[backends]]\nname = \"b\"\ncount = 2");
    let result = place.result(&text, &["--replications", "3"]);
    assert_eq!(result["results"][0]["latency_ms_ci95"]["mean"], 0.0, "the same every time: no width");
    assert_eq!(result["results"][0]["requests"]["offered"], 12);
}

#[test]
fn nothing_to_replay_is_refused_with_its_reason() {
    let place = four("replay-nothing").with("header.csv", "time_ns,work_ns\n").with("empty.csv", "");
    for (arrivals, says) in [
        ("file = \"t.csv\", from = \"1s\"", "no request is in the window"),
        ("file = \"t.csv\", sample = 0.0000001", "no request is in the window"),
        ("file = \"t.csv\", from = \"2s\", to = \"1s\"", "after `from`"),
        ("file = \"header.csv\"", "0 requests"),
        ("file = \"empty.csv\"", "0 requests"),
        ("file = \"none.csv\"", "no such file"),
        ("file = []", "at least one file"),
        ("file = \"t.csv\", rate = \"3/s\", scale = 2", "scale"),
    ] {
        let output = place.run(&scenario(&["random"], arrivals, "", ONE), &[]);
        assert_eq!(code(&output), 2, "{arrivals}: {}", said(&output));
        assert!(said(&output).contains(says) && said(&output).contains("traffic.arrivals"), "{arrivals}: {}", said(&output));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_sample_keeps_whole_clients() {
    // Each client has a backend of its own, so that the backends' counts are the clients'.
    let clients = 400;
    let line = |number: usize| format!("{},1000,/{number},c{1},c{1}\n", number * 1000, number % clients);
    let text: String = (0..clients * 5).map(line).collect();
    let place = Place::new("replay-sample").with("t.csv", format!("time_ns,work_ns,key,client,backend\n{text}"));
    let kept = |sample: &str| {
        let backends = format!("[[backends]]\nname = \"c\"\ncount = {clients}");
        let arrivals = format!("file = \"t.csv\", sample = {sample}");
        counts(&place.result(&scenario(&["as-recorded"], &arrivals, "", &backends), &[]), "as-recorded")
    };
    assert!(kept("1").iter().all(|&(_, count)| count == 5));
    let some = kept("0.3");
    assert!(some.iter().all(|&(_, count)| count == 0 || count == 5), "a client comes whole or not at all");
    // Five standard deviations of so many coins.
    let count = some.iter().filter(|&&(_, count)| count == 5).count() as f64;
    assert!((count - 120.0).abs() < 5.0 * (400.0_f64 * 0.3 * 0.7).sqrt(), "{count}");
}

#[test]
fn work_comes_from_where_it_is_said() {
    let text = "time_ns,work_ns,duration_ns,bytes,input,output\n0,1000000,4000000,2500,10,3\n100000000,2000000,5000000,0,0,1\n";
    let place = Place::new("replay-work").with("t.csv", text);
    let took = |work: &str| {
        let attempts = place.attempts(&scenario(&["random"], "file = \"t.csv\"", work, ONE));
        attempts.iter().map(|attempt| attempt.took).collect::<Vec<_>>()
    };
    assert_eq!(took(""), [MS, 2 * MS]);
    assert_eq!(took("work = { from = \"trace\" }"), [MS, 2 * MS]);
    assert_eq!(took("work = { from = \"service\" }"), [MS, 2 * MS]);
    assert_eq!(took("work = { from = \"duration\" }"), [4 * MS, 5 * MS]);
    assert_eq!(took("work = { from = \"bytes\", base = \"1ms\", per_kb = \"2ms\" }"), [6 * MS, MS]);
    assert_eq!(took("work = { from = \"tokens\", base = \"1ms\", per_input = \"100us\", per_output = \"1ms\" }"), [5 * MS, 2 * MS]);
    assert_eq!(took("work = \"7ms\""), [7 * MS; 2]);
    // The time of everything, waiting included, would be waited for twice: said, and done.
    let text = scenario(&["random"], "file = \"t.csv\"", "work = { from = \"duration\" }", ONE);
    assert!(said(&place.run(&text, &[])).contains("counts twice"));
    // What the record has not cannot be work.
    let bare = Place::new("replay-no-work").with("t.csv", "time_ns,key\n0,a\n5,b\n");
    let output = bare.run(&scenario(&["random"], "file = \"t.csv\"", "", ONE), &[]);
    assert!(code(&output) == 2 && said(&output).contains("add work = "), "{}", said(&output));
}

#[test]
fn whole_seconds_are_spread_or_not() {
    let text: String = (0..2000).map(|number| format!("{},0.001\n", 1_600_000_000 + number / 20)).collect();
    let place = Place::new("replay-spread").with("t.csv", format!("time,work_s\n{text}"));
    let sent = |spread: &str| {
        let attempts =
            place.attempts(&scenario(&["random"], &format!("file = \"t.csv\"{spread}"), "", "[[backends]]\nname = \"b\"\ncount = 50"));
        attempts.iter().map(|attempt| attempt.sent).collect::<Vec<_>>()
    };
    let none = sent(", spread = \"none\"");
    assert!(none.iter().zip(0..).all(|(&sent, number)| sent == number / 20 * 1000 * MS), "each at the beginning of its second");
    let uniform = sent("");
    assert_eq!(uniform, sent(", spread = \"uniform\""));
    // Every one stays in its second, counted from the first request, which lies somewhere in its own.
    let mut places: Vec<f64> = Vec::new();
    for (number, &sent) in uniform.iter().enumerate() {
        let second = (number / 20) as f64 * 1e9;
        assert!((sent as f64 - second).abs() < 1e9, "{number}: {sent}");
        places.push((sent as f64 - second) / 1e9);
    }
    // Uniform: by Kolmogorov and Smirnov, at the level of one in 10,000, shifted so that the least is 0.
    let least = places.iter().copied().fold(f64::INFINITY, f64::min);
    places.iter_mut().for_each(|place| *place -= least);
    places.sort_by(f64::total_cmp);
    let distance = places.iter().enumerate().map(|(at, place)| (place - at as f64 / 2000.0).abs()).fold(0.0, f64::max);
    assert!(distance < 2.3 / 2000.0_f64.sqrt(), "{distance}");
    for (spread, says) in [("uniform", "spread evenly"), ("none", "all requests of one stamp arrive at once")] {
        let text = scenario(&["random"], &format!("file = \"t.csv\", spread = \"{spread}\""), "", ONE);
        assert!(said(&place.run(&text, &[])).contains(says), "{spread}");
    }
}

#[test]
fn the_same_bytes_for_any_number_of_threads_and_wherever_the_files_lie() {
    // A line that cannot be read: what is said of it names the file, and nothing of that may get into the result.
    let line = |number: u64| format!("{},0.00{},/k{},c{}\n", 1_600_000_000 + number / 10, number % 9 + 1, number % 17, number % 5);
    let mut text: String = (0..300).map(line).collect();
    text.push_str("x,0.001,/k,c\n");
    let at = |name: &str| Place::new(name).with("t.csv", format!("time,work_s,key,client\n{text}"));
    let (one, other) = (at("replay-threads"), at("replay-threads-in-another-folder"));
    let text = scenario(&["random", "ring-hash", "least-connections"], "file = \"t.csv\"", "", "[[backends]]\nname = \"b\"\ncount = 3");
    let run = |place: &Place, threads: &str| {
        let output = place.run(&text, &["--threads", threads, "--replications", "4"]);
        assert_eq!(code(&output), 0, "{}", said(&output));
        output.stdout
    };
    let first = run(&one, "1");
    assert!(first == run(&one, "4") && first == run(&other, "2"));
}

#[test]
fn two_plans_are_one_only_if_their_traffic_is() {
    let plan = |name: &str, text: &str| {
        let place = Place::new(name).with("t.csv", text);
        place.result(&scenario(&["ring-hash"], "file = \"t.csv\"", "", "[[backends]]\nname = \"b\"\ncount = 3"), &[])["scenario"]["plan_sha256"].clone()
    };
    let first = plan("replay-plan-a", "time_ns,work_ns,key\n0,5000,/a\n1000,6000,/b\n9000,7000,/c\n");
    // The same counts, sums, extremes and lengths, but other keys; and the same works in another order.
    assert_ne!(first, plan("replay-plan-b", "time_ns,work_ns,key\n0,5000,/x\n1000,6000,/y\n9000,7000,/z\n"));
    assert_ne!(first, plan("replay-plan-c", "time_ns,work_ns,key\n0,5000,/a\n1000,7000,/b\n9000,6000,/c\n"));
    assert_eq!(first, plan("replay-plan-d", "work_ns;key;time_ns\n5000;/a;0\n6000;/b;1000\n7000;/c;9000\n"), "however it is written");
}

#[test]
fn check_says_how_much_there_is() {
    let place = four("replay-check");
    let path = place.write("scenario.toml", scenario(&["random"], "file = \"t.csv\", repeat = 3", "", ONE));
    let listed: Value = json(&evenkeel(&["check", &path, "--format", "json"]));
    assert_eq!(listed[0]["variants"][0]["backends"], 1);
    let output = evenkeel(&["check", &path]);
    let text = String::from_utf8(output.stdout).expect("it is UTF-8");
    assert!(text.contains("12 requests"), "{text}");
}
