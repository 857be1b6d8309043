//! The program as its users meet it: exit codes, what goes to which stream, what is refused.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// A small scenario that runs in a moment.
pub(crate) const SMALL: &str = r#"
balancers = ["round-robin", "least-connections"]
[run]
requests = 2000
replications = 2
[traffic]
arrivals = { process = "poisson", load = 0.7 }
work = { dist = "exponential", mean = "10ms" }
[[backends]]
name = "web"
count = 4
"#;

/// Runs the program with nothing of this machine's environment that could matter.
pub(crate) fn evenkeel(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
    command.args(args).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").stdin(Stdio::null());
    command.output().expect("the program starts")
}

/// A fresh folder under the test's own target folder.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    folder
}

/// A file with this text in a fresh folder; its path.
pub(crate) fn file(name: &str, text: &str) -> String {
    let path = folder(name).join("scenario.toml");
    std::fs::write(&path, text).expect("the target folder can be written");
    path.to_string_lossy().into_owned()
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it ended by itself")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("only UTF-8 is printed")
}

fn with_input(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_evenkeel"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child.stdin.take().expect("it is piped").write_all(input.as_bytes()).expect("the program reads its input");
    child.wait_with_output().expect("the program ends")
}

#[test]
fn a_fine_run_is_code_0_with_the_result_on_standard_output_alone() {
    let output = evenkeel(&["run", &file("cli-fine", SMALL), "--format", "json"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON and nothing else");
    assert_eq!(result["results"][1]["balancer"], "least-connections");
    assert!(text(&output.stderr).contains("simulated 8,000 requests"), "{}", text(&output.stderr));
    let quiet = evenkeel(&["run", &file("cli-quiet", SMALL), "--quiet"]);
    assert_eq!((code(&quiet), text(&quiet.stderr).as_str()), (0, ""));
    assert!(text(&quiet.stdout).contains("round-robin"));
}

#[test]
fn without_a_command_it_is_run() {
    let path = file("cli-bare", SMALL);
    assert_eq!(evenkeel(&["-q", &path, "--format", "csv"]).stdout, evenkeel(&["-q", "run", &path, "--format", "csv"]).stdout);
}

#[test]
fn standard_input_is_a_scenario_too() {
    let piped = with_input(&["run", "-", "--format", "json", "-q"], SMALL);
    assert_eq!(code(&piped), 0, "{}", text(&piped.stderr));
    assert_eq!(
        piped.stdout,
        evenkeel(&["run", &file("cli-stdin", SMALL), "--format", "json", "-q"]).stdout,
        "where it comes from leaves no trace"
    );
}

#[test]
fn invalid_input_is_code_2_and_nothing_is_run() {
    for (args, said) in [
        (vec!["run", "/no/such/file.toml"], "no such file"),
        (vec!["run", "--thread", "4"], "--threads"),
        (vec!["run", "--threads", "0"], "1..=1024"),
        (vec!["run", "--format", "markdwon"], "markdown"),
        (vec!["run", "--seed", ""], "--seed"),
        (vec!["run", "--seed", "0x1G"], "--seed"),
        (vec!["run", "--set", "nosuch=1"], "nosuch"),
        (vec!["run", "--set", "a"], "--set a"),
        (vec!["run", "--set", "traffic.arrivals.load=abc"], "traffic.arrivals.load"),
        (vec!["run", "--balancer", "nosuch"], "round-robin"),
        (vec!["run", "/"], "folder"),
        (vec!["rnu"], "did you mean the command `run`"),
    ] {
        let output = evenkeel(&args);
        assert_eq!(code(&output), 2, "{args:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty(), "{args:?}");
        assert!(text(&output.stderr).contains(said), "{args:?} says: {}", text(&output.stderr));
        assert!(!text(&output.stderr).contains('\u{1b}'), "no colour where there is no terminal");
    }
}

#[test]
fn of_several_scenarios_none_runs_when_one_is_wrong() {
    let good = file("cli-several-good", SMALL);
    let bad = file("cli-several-bad", "[run]\nrequests = 0\n");
    let output = evenkeel(&["run", &good, &bad]);
    assert_eq!(code(&output), 2);
    assert!(output.stdout.is_empty());
    let both = evenkeel(&["run", &good, &good, "--format", "json", "-q"]);
    let array: serde_json::Value = serde_json::from_slice(&both.stdout).expect("an array");
    assert_eq!(array.as_array().map(Vec::len), Some(2));
}

#[test]
fn options_override_the_scenario() {
    let path = file("cli-options", SMALL);
    let output = evenkeel(&[
        "run",
        &path,
        "--format",
        "json",
        "-q",
        "--seed",
        "7",
        "--replications",
        "3",
        "--set",
        "run.requests=1000",
        "--balancer",
        "random",
    ]);
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        (&result["scenario"]["seed"], &result["scenario"]["replications"], &result["scenario"]["requests"]),
        (&7.into(), &3.into(), &1000.into())
    );
    assert_eq!(result["results"].as_array().map(Vec::len), Some(1));
    assert_eq!(result["results"][0]["kind"], "random");
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_evenkeel"))
        .args(["schema"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!((code(&output), text(&output.stderr).as_str()), (0, ""));
}

#[test]
fn colour_is_there_when_asked_for_and_only_then() {
    let path = file("cli-colour", SMALL);
    assert!(text(&evenkeel(&["run", &path, "-q", "--color", "always"]).stdout).contains("\u{1b}["));
    assert!(!text(&evenkeel(&["run", &path, "-q", "--color", "auto"]).stdout).contains('\u{1b}'));
}

#[test]
fn new_writes_a_scenario_that_runs_and_does_not_overwrite_one() {
    let path = folder("cli-new").join("mine.toml");
    let path = path.to_string_lossy();
    assert_eq!(code(&evenkeel(&["new", &path])), 0);
    let again = evenkeel(&["new", &path]);
    assert_eq!(code(&again), 2);
    assert!(text(&again.stderr).contains("--force"));
    assert_eq!(code(&evenkeel(&["new", &path, "--force", "--from", "quickstart"])), 0);
    let run = evenkeel(&["run", &path, "--set", "run.requests=2000", "-q"]);
    assert_eq!(code(&run), 0, "{}", text(&run.stderr));
    let starter = evenkeel(&["new", "-"]);
    let checked = with_input(&["check", "-"], &text(&starter.stdout));
    assert_eq!(code(&checked), 0, "{}", text(&checked.stderr));
}

#[test]
fn check_says_what_would_run_and_runs_nothing() {
    let output = evenkeel(&["check", &file("cli-check", SMALL)]);
    assert_eq!(code(&output), 0);
    for said in ["fine", "2000 requests × 2 replications", "load 70.0%", "4 × web", "round-robin, least-connections", "about 8000 requests"]
    {
        assert!(text(&output.stdout).contains(said), "{said}: {}", text(&output.stdout));
    }
    let whole = evenkeel(&["check", "-v"]);
    assert!(text(&whole.stdout).contains("max_in_flight: 2000000"));
    let listed: serde_json::Value = serde_json::from_slice(&evenkeel(&["check", "--format", "json"]).stdout).expect("JSON");
    assert_eq!(listed[0]["variants"][0]["backends"], 10);
}

#[test]
fn the_generated_things_are_there() {
    let schema: serde_json::Value = serde_json::from_slice(&evenkeel(&["schema"]).stdout).expect("JSON");
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    assert!(text(&evenkeel(&["completions", "bash"]).stdout).contains("evenkeel"));
    assert!(text(&evenkeel(&["man"]).stdout).contains(".TH"));
    assert!(text(&evenkeel(&["--version"]).stdout).starts_with(concat!("evenkeel ", env!("CARGO_PKG_VERSION"))));
    assert!(text(&evenkeel(&["--help"]).stdout).contains("quickstart"));
}

#[test]
fn a_load_without_a_capacity_is_refused_with_its_key() {
    let output = evenkeel(&["run", &file("cli-load", &SMALL.replace("count = 4", "count = 4\nworkers = \"unlimited\""))]);
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("traffic.arrivals.load"), "{}", text(&output.stderr));
}

#[test]
fn overload_is_a_result_with_a_time_and_code_0() {
    let output = evenkeel(&[
        "run",
        &file("cli-overload", SMALL),
        "--format",
        "json",
        "--set",
        "traffic.arrivals.load=1.5",
        "--set",
        "run.requests=20000",
    ]);
    assert_eq!(code(&output), 0);
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for balancer in result["results"].as_array().expect("an array") {
        assert!(balancer["overloaded_at_s"].as_f64().is_some_and(|at| at > 0.0), "{balancer}");
        assert!(balancer["latency_ms"]["mean"].is_null());
    }
    assert!(text(&output.stderr).contains("verloaded"), "{}", text(&output.stderr));
}

#[test]
fn a_cell_that_reaches_max_in_flight_stops_there() {
    let sets = ["--set", "traffic.arrivals.load=3", "--set", "run.requests=1000000", "--set", "run.max_in_flight=500"];
    let output = evenkeel(&[&["run", &file("cli-in-flight", SMALL), "--format", "json", "-q"], &sets[..]].concat());
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for balancer in result["results"].as_array().expect("an array") {
        assert!(balancer["overloaded_at_s"].is_number());
        let of = |name: &str| balancer["requests"][name].as_u64().expect("a count");
        assert_eq!(of("offered"), of("succeeded") + of("failed") + of("unfinished"));
    }
}

#[cfg(unix)]
#[test]
#[allow(clippy::disallowed_methods, reason = "an interruption comes at some time of the wall clock")]
fn an_interrupt_keeps_what_was_finished_and_is_code_130() {
    let child = Command::new(env!("CARGO_BIN_EXE_evenkeel"))
        .args([
            "run",
            &file("cli-interrupt", SMALL),
            "--format",
            "json",
            "--threads",
            "1",
            "--set",
            "run.requests=300000",
            "--replications",
            "100000",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // Long enough for a first replication on any machine that runs the tests at all; what is asserted does not depend on how many there were.
    std::thread::sleep(std::time::Duration::from_secs(3));
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("there is a kill");
    assert!(killed.success());
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!(code(&output), 130);
    assert!(text(&output.stderr).contains("interrupted"), "{}", text(&output.stderr));
    if !output.stdout.is_empty() {
        let result: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a whole result");
        let replications = result["scenario"]["replications"].as_u64().expect("a count");
        assert_eq!(result["results"][0]["requests"]["offered"].as_u64(), Some(replications * 270_000));
    }
}

#[test]
fn the_self_test_holds_and_says_so() {
    let output = evenkeel(&["selftest", "--format", "json"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stdout));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&report["held"], &report["fingerprint"]), (&true.into(), &report["expected_fingerprint"]));
    assert!(report["checks"].as_array().is_some_and(|checks| checks.len() >= 30));
}

#[test]
fn a_refused_request_is_never_in_flight_where_the_way_takes_no_time() {
    let path = file("cli-refused", &SMALL.replace("count = 4", "count = 4\nqueue = 2"));
    let output = evenkeel(&["run", &path, "--format", "json", "-q", "--set", "traffic.arrivals.load=2"]);
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(result["results"][0]["requests"]["errors"]["refused"].as_u64().is_some_and(|refused| refused > 0));
    for backend in result["results"][0]["backends"].as_array().expect("an array") {
        assert_eq!(backend["in_flight_max"], 3, "one worker and two places");
    }
}

#[test]
fn pick_answers_short_questions_and_scripts() {
    let asked = evenkeel(&["pick", "--balancer", "ring-hash", "--backends", "a=10.0.0.1:80,b=10.0.0.2:80*2", "--key", "/x", "--key", "/x"]);
    assert_eq!(code(&asked), 0, "{}", text(&asked.stderr));
    let answer: serde_json::Value = serde_json::from_slice(&asked.stdout).expect("JSON and nothing else");
    assert_eq!(answer["picks"][0], answer["picks"][1]);
    let split = evenkeel(&["pick", "--balancer", "weighted-round-robin", "--backends", "a,b*3", "--count", "400"]);
    let answer: serde_json::Value = serde_json::from_slice(&split.stdout).expect("JSON and nothing else");
    assert_eq!(answer["split"]["b"]["picks"], 300);
    assert!(answer["split"]["b"]["standard_error"].is_null());
    let script = r#"{"balancer": "round-robin", "backends": [{"name": "a"}, {"name": "b"}], "steps": [{"repeat": 3}]}"#;
    let done = with_input(&["pick"], script);
    assert_eq!((code(&done), text(&done.stdout).as_str()), (0, "{\"picks\":[\"a\",\"b\",\"a\"],\"counts\":{\"a\":2,\"b\":1}}\n"));
}

#[test]
fn pick_refuses_what_it_cannot_answer_with_code_2() {
    for (args, says) in [
        (&["pick", "--balancer", "round-robin", "--backends", "a,b", "--remove", "a"][..], "does not go by key"),
        (&["pick", "--balancer", "ring-hash", "--backends", "a,b", "--remove", "c"], "there is no backend c"),
        (&["pick", "--balancer", "ring-hash"], "name the backends"),
        (&["pick", "--balancer", "ring-hahs", "--backends", "a"], "did you mean \"ring-hash\"?"),
        (&["pick", "--balancer", "ring-hash", "--backends", "a=x*y"], "is not a number"),
        (&["pick", "no-such-file.json"], "no such file"),
        (&["balancers", "rnd-robin"], "did you mean"),
    ] {
        let output = evenkeel(args);
        assert_eq!(code(&output), 2, "{args:?}");
        assert!(text(&output.stderr).contains(says), "{args:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn every_balancer_is_listed_and_explained() {
    let listed = evenkeel(&["balancers", "--format", "json"]);
    let all: Vec<serde_json::Value> = serde_json::from_slice(&listed.stdout).expect("a JSON array and nothing else");
    assert!(all.len() > 100, "{}", all.len());
    let table = text(&evenkeel(&["balancers"]).stdout);
    for one in &all {
        let name = one["name"].as_str().expect("a name");
        assert!(one["summary"].is_string() && one["parameters"].is_array() && one.get("product").is_some(), "{name}");
        assert!(table.contains(name), "{name} is not in the table");
    }
    for name in ["power-of-d", "nginx/least-conn", "haproxy/uri", "envoy/least-request"] {
        let output = evenkeel(&["balancers", name]);
        let words = text(&output.stdout);
        assert!(code(&output) == 0 && words.starts_with(name) && words.contains("Laws"), "{words}");
        assert!(words.lines().all(|line| line.chars().count() <= 120), "{words}");
    }
}

#[test]
fn a_script_runs_and_one_that_fails_ends_with_code_3_and_its_place() {
    let folder = folder("cli-script");
    let path = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("the target folder can be written");
        path.to_string_lossy().into_owned()
    };
    let scenario = |script: &str| {
        let own = format!("[[balancer]]\nkind = \"script\"\nfile = \"{script}\"\n[[balancer]]\nkind = \"power-of-d\"\ndistinct = false\n");
        format!("{}{own}", SMALL.replace("balancers = [\"round-robin\", \"least-connections\"]", ""))
    };
    path("two.rhai", include_str!("../../examples/two_choices.rhai"));
    let fine = evenkeel(&["run", &path("fine.toml", &scenario("two.rhai")), "--format", "json"]);
    assert_eq!(code(&fine), 0, "{}", text(&fine.stderr));
    let result: serde_json::Value = serde_json::from_slice(&fine.stdout).expect("JSON");
    assert_eq!(result["results"][0]["latency_ms"], result["results"][1]["latency_ms"], "the same draws, so the same picks");
    path("fails.rhai", "fn pick(request, pool) {\n    if request.id > 500 { nobody() }\n    pool[0]\n}\n");
    let fails = evenkeel(&["run", &path("fails.toml", &scenario("fails.rhai"))]);
    assert_eq!(code(&fails), 3);
    assert!(text(&fails.stderr).contains("fails.rhai:2:27:"), "{}", text(&fails.stderr));
    let failing = folder.join("fails.rhai");
    let set = format!("file={}", failing.display());
    let asked = evenkeel(&["pick", "--balancer", "script", "--set", &set, "--backends", "a,b", "--count", "1000"]);
    assert_eq!(code(&asked), 2);
    assert!(text(&asked.stderr).contains("fails.rhai:2:") && asked.stdout.is_empty(), "{}", text(&asked.stderr));
    path("wrong.rhai", "fn pick(request, pool) {\n    pool[\n}\n");
    let wrong = evenkeel(&["check", &path("wrong.toml", &scenario("wrong.rhai"))]);
    assert_eq!(code(&wrong), 2);
    assert!(text(&wrong.stderr).contains("wrong.rhai:3:1:"), "{}", text(&wrong.stderr));
}
