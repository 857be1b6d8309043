//! Searches as their users meet them: what is found, what is refused, and that it is the same for any number of threads.

use super::cli::{SMALL, evenkeel, file};
use serde_json::Value;
use std::process::Output;

/// One backend, served in order: theory knows it.
const ALONE: &str = r#"
balancers = ["round-robin"]
[run]
requests = 20000
replications = 5
[traffic]
arrivals = { process = "poisson", load = 0.5 }
work = { dist = "exponential", mean = "10ms" }
[[backends]]
name = "web"
"#;

/// Ten backends, and traffic that does not grow with them.
const POOL: &str = r#"
balancers = ["random", "power-of-d"]
[run]
requests = 3000
replications = 3
[traffic]
arrivals = { process = "poisson", rate = "500/s" }
work = { dist = "exponential", mean = "10ms" }
[[backends]]
name = "web"
count = 10
"#;

fn code(output: &Output) -> i32 {
    output.status.code().expect("it ended by itself")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("only UTF-8 is printed")
}

/// Ends with this code; what standard output carries.
fn ends(args: &[&str], with: i32) -> String {
    let output = evenkeel(args);
    assert_eq!(code(&output), with, "{args:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

fn json(args: &[&str], with: i32) -> Value {
    serde_json::from_str(&ends(&[args, &["--format", "json"]].concat(), with)).expect("JSON")
}

/// Is refused before anything runs; what is said.
fn refused(args: &[&str]) -> String {
    let output = evenkeel(args);
    assert_eq!((code(&output), output.stdout.len()), (2, 0), "{args:?}: {}", text(&output.stderr));
    text(&output.stderr)
}

#[test]
fn the_load_of_one_server_is_that_of_the_formula() {
    // M/M/1: the mean latency is 10 ms ÷ (1 − load), below 50 ms up to 0.8. At 0.78 it is 45.5 and at 0.82 55.6; 30 replications of 20,000 requests know it to some 2%.
    let args = ["tune", &file("tune-mm1", ALONE), "--find", "traffic.arrivals.load=0.7:0.9:0.02", "--until", "latency.mean < 50ms"];
    let found = json(&[&args[..], &["--max-replications", "40"]].concat(), 0);
    assert_eq!((found["search"].as_str(), found["aim"].as_str()), (Some("capacity"), Some("most")));
    let result = &found["results"][0];
    let load = result["value"].as_f64().expect("it was found");
    assert!((load - 0.8).abs() < 0.021, "{load}");
    let next = result["next"]["value"].as_f64().expect("the list goes on");
    assert!((next - load - 0.02).abs() < 1e-9);
    assert_eq!(result["found"]["verdict"], "held");
    assert_ne!(result["next"]["verdict"], "held");
}

#[test]
fn the_fewest_backends_are_found_for_each_balancer_with_and_without_a_range() {
    let scenario = file("tune-pool", POOL);
    let until = ["--until", "latency.mean < 20ms", "--until", "success_rate > 90%"];
    let ranged = json(&[&["tune", &scenario, "--find", "backends.web.count=6:20"][..], &until].concat(), 0);
    let grown = json(&[&["tune", &scenario, "--find", "backends.web.count"][..], &until].concat(), 0);
    for at in 0..2 {
        assert_eq!(ranged["results"][at]["value"], grown["results"][at]["value"]);
        assert_eq!(ranged["results"][at]["found"]["rules"], grown["results"][at]["found"]["rules"]);
    }
    // Random over n servers is n queues M/M/1 at 5/n: 10 ms ÷ (1 − 5/n) < 20 ms from 11 on (at 10 it is just 20).
    let random = ranged["results"][0]["value"].as_u64().expect("found");
    assert!((10..=12).contains(&random), "{random}");
    assert!(ranged["results"][1]["value"].as_u64().expect("found") < random);
    assert_eq!(grown["aim"], "least");
}

#[test]
fn any_number_of_threads_says_the_same() {
    let (scenario, threads) = (file("tune-threads", POOL), |args: &[&str], number: &str| ends(&[args, &["--threads", number]].concat(), 0));
    let find = ["tune", &scenario, "--find", "backends.web.count=6:16", "--until", "latency.mean < 20ms"];
    let vary =
        ["tune", &scenario, "--balancer", "power-of-d", "--vary", "balancers.power-of-d.choices=2,3,5", "--minimise", "latency.mean"];
    for args in [&find[..], &vary] {
        for format in ["json", "table", "csv", "markdown"] {
            let args = [args, &["-q", "--max-replications", "8", "--format", format]].concat();
            assert_eq!(threads(&args, "1"), threads(&args, "3"), "{args:?}");
        }
    }
}

#[test]
fn where_nothing_keeps_the_rules_the_code_is_1_and_where_nobody_knows_4() {
    let scenario = file("tune-none", POOL);
    let none = json(&["tune", &scenario, "--find", "backends.web.count=6:9", "--until", "latency.mean < 1ms"], 1);
    assert_eq!((none["results"][0]["status"].as_str(), &none["results"][0]["value"]), (Some("none"), &Value::Null));
    assert!(none["results"][0]["notes"][0].as_str().expect("a note").contains("not even 9"), "{none}");
    // The bound is the mean itself, as far as two replications know.
    let run = json(&["run", &scenario, "--replications", "2", "--balancer", "random"], 0);
    let mean = run["results"][0]["latency_ms"]["mean"].as_f64().expect("measured");
    let rule = format!("latency.mean < {mean:.4}ms");
    let args = ["tune", &scenario, "--balancer", "random", "--replications", "2", "--max-replications", "2", "--until", &rule];
    let open = json(&[&args[..], &["--find", "backends.web.count=10"]].concat(), 4);
    assert_eq!(open["results"][0]["status"], "undecided");
}

#[test]
fn the_end_of_the_list_is_no_limit_and_said() {
    let all = json(&["tune", &file("tune-end", POOL), "--find", "backends.web.count=20:22", "--until", "latency.mean < 1s"], 0);
    assert_eq!((all["results"][0]["value"].as_u64(), &all["results"][0]["next"]), (Some(20), &Value::Null));
    assert!(all["results"][0]["notes"][0].as_str().expect("a note").contains("less may do, too"));
}

#[test]
fn the_best_parameters_are_found_and_held_against_the_scenario_as_it_is() {
    let scenario = file("tune-choices", &POOL.replace("500/s", "850/s"));
    let args = ["tune", &scenario, "--balancer", "power-of-d", "--vary", "balancers.power-of-d.choices=1,2,5", "--minimise", "latency.p99"];
    let found = json(&[&args[..], &["--max-replications", "24"]].concat(), 0);
    let candidates = found["candidates"].as_array().expect("a list");
    assert_eq!((candidates.len(), candidates[0]["is_own"].as_bool()), (3, Some(true)), "2 choices are the scenario as it is");
    assert_eq!(candidates[found["best"].as_u64().expect("found") as usize]["parameters"]["balancers.power-of-d.choices"], 5);
    let one = candidates.iter().find(|one| one["parameters"]["balancers.power-of-d.choices"] == 1).expect("tried");
    assert_eq!(one["fate"], "worse");
    let fresh = &found["fresh"];
    assert!(fresh["ratio"].as_f64().expect("paired") < 1.0 && fresh["verdict"] == "better", "{fresh}");
    assert!(found["cells"].as_u64() <= found["grid_cells"].as_u64());
    let maximised = json(&[&args[..6], &["--maximise", "latency.p99", "--max-replications", "24"]].concat(), 0);
    assert_eq!(
        maximised["candidates"][maximised["best"].as_u64().expect("found") as usize]["parameters"]["balancers.power-of-d.choices"],
        1
    );
}

#[test]
fn constraints_leave_candidates_out() {
    let scenario = file("tune-constraint", &POOL.replace("count = 10", "count = 10\nqueue = 1").replace("500/s", "900/s"));
    let args = ["tune", &scenario, "--balancer", "power-of-d", "--vary", "balancers.power-of-d.choices=1,8", "--maximise", "latency.mean"];
    // A silly goal, against which the constraint has to stand: eight choices are served soonest, and refused least.
    let free = json(&args, 0);
    let constrained = json(&[&args[..], &["--subject-to", "success_rate > 92%"]].concat(), 0);
    let best = |found: &Value| found["candidates"][found["best"].as_u64().expect("found") as usize]["parameters"].clone();
    assert_ne!(best(&free)["balancers.power-of-d.choices"], 8, "{free}");
    assert_eq!(best(&constrained)["balancers.power-of-d.choices"], 8, "{constrained}");
    assert!(constrained["candidates"].as_array().expect("a list").iter().any(|one| one["fate"] == "breaks a constraint"));
    let none = json(&[&args[..], &["--subject-to", "success_rate > 99.99%"]].concat(), 1);
    assert_eq!((none["status"].as_str(), &none["best"], &none["fresh"]), (Some("none"), &Value::Null, &Value::Null));
}

#[test]
fn what_is_wrong_is_shown_in_the_option() {
    let scenario = file("tune-wrong", POOL);
    let find = ["tune", &scenario, "--find", "backends.web.count=1:9"];
    for (more, said) in [
        (&["--until", "latency.p99 < 250"][..], "--until"),
        (&["--until", "latency.p99 < 250"], "250ms or 250s"),
        (&["--until", "latency.p9 < 250ms", "--until", "latency.pp < 1s"], "metric"),
        (&["--until", "latency.p99 == 250ms"], "<= or >="),
        (&["--set", "backends.web.speed=-1", "--until", "latency.p99 < 1s"], "speed"),
    ] {
        let error = refused(&[&find[..], more].concat());
        assert!(error.contains(said), "{said}: {error}");
    }
    let pointed = refused(&[&find[..], &["--until", "latency.p99 < 250"]].concat());
    assert!(pointed.contains("--until latency.p99 < 250\n") && pointed.contains("^^^"), "{pointed}");
    for (args, said) in [
        (&["--find", "backends.web.count=a,b", "--until", "latency.p99 < 1s"][..], "not a number"),
        (&["--find", "backends.web.count=1:9:0", "--until", "latency.p99 < 1s"], "--find backends.web.count=1:9:0"),
        (&["--find", "backends.wbe.count=1:9", "--until", "latency.p99 < 1s"], "web"),
        (&["--find", "backends.web.speed", "--until", "latency.p99 < 1s"], "more than whole numbers"),
        (&["--find", "backends.web.network", "--until", "latency.p99 < 1s"], "goes through 1, 2, 4"),
        (&["--find", "backends.web.count=1:9"], "--until"),
        (&["--until", "latency.p99 < 1s"], "--find"),
        (&["--find", "backends.web.count=1:9", "--until", "latency.p99 < 1s", "--minimise", "latency.p99"], "cannot be used"),
        (&[], "say what to search"),
        (&["--vary", "balancers.power-of-d.choices=2,3"], "say what is best"),
        (&["--vary", "balancers.power-of-d.choices=2,3", "--minimise", "latency.p99"], "--balancer random"),
        (&["--balancer", "power-of-d", "--vary", "balancers.power-of-d.choices=2,3", "--minimise", "latency.q"], "no metric is called"),
        (&["--balancer", "power-of-d", "--vary", "balancers.power-of-d.choices=2,x", "--minimise", "latency.p99"], "choices"),
        (
            &["--balancer", "power-of-d", "--vary", "balancers.power-of-d.choices=2", "--minimise", "latency.p99", "--subject-to", "x"],
            "--subject-to",
        ),
    ] {
        let error = refused(&[&["tune", &scenario][..], args].concat());
        assert!(error.contains(said), "{said}: {error}");
    }
}

#[test]
fn rules_of_the_scenario_are_not_asked() {
    let scenario = file("tune-own-rules", &(SMALL.to_owned() + "[[expect]]\nrule = \"latency.p99 < 1us\"\n"));
    let found = json(&["tune", &scenario, "--find", "traffic.arrivals.load=0.3,0.5", "--until", "latency.mean < 10s"], 0);
    assert_eq!(found["results"][1]["value"], 0.5);
    assert_eq!(found["results"][1]["found"]["rules"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_load_that_grows_with_the_backends_is_warned_of() {
    let output = evenkeel(&["tune", &file("tune-load", SMALL), "--find", "backends.web.count=2:4", "--until", "latency.mean < 10s"]);
    assert!(text(&output.stderr).contains("grows with them"), "{}", text(&output.stderr));
}

#[cfg(unix)]
#[test]
fn who_is_interrupted_is_told_what_is_known() {
    use std::process::{Command, Stdio};
    let scenario = file("tune-int", &POOL.replace("requests = 3000", "requests = 50000000"));
    let args = ["tune", &scenario, "--find", "backends.web.count=6:20", "--until", "latency.mean < 20ms", "--format", "json"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
    let child = command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    // Long enough to read fifteen small scenarios on a busy machine; a cell takes minutes.
    std::thread::sleep(std::time::Duration::from_secs(4));
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("there is a kill");
    assert!(sent.success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(code(&output), 130, "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("what is known so far"));
    let known: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&known["interrupted"], &known["results"][0]["status"]), (&Value::Bool(true), &Value::String("interrupted".into())));
}
