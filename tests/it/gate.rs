//! `evenkeel gate` as a pipeline meets it: exit codes, verdicts, and every file it writes.

use crate::cli::{SMALL, folder};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs the program in a folder, with nothing of a pipeline's environment but what is given.
fn run(at: &Path, args: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
    command.current_dir(at).args(args).env_remove("GITHUB_ACTIONS").env_remove("GITHUB_STEP_SUMMARY").stdin(Stdio::null());
    command.envs(environment.iter().copied()).output().expect("the program starts")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it ended by itself")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("only UTF-8 is printed")
}

fn write(at: &Path, name: &str, text: &str) {
    std::fs::write(at.join(name), text).expect("the target folder can be written");
}

fn read(at: &Path, name: &str) -> String {
    std::fs::read_to_string(at.join(name)).expect("it was written")
}

/// [`SMALL`] with rules.
fn with(rules: &str) -> String {
    format!("{SMALL}{rules}")
}

const HOLDS: &str = "[[expect]]\nrule = \"latency.p50 < 10s\"\n";
const FAILS: &str = "[[expect]]\nrule = \"latency.p50 > 10s\"\n";

/// The verdicts of a scenario, of a run whose code is known.
fn verdicts(name: &str, scenario: &str, expected: i32) -> Vec<Value> {
    let at = folder(name);
    write(&at, "s.toml", scenario);
    let output = run(&at, &["gate", "s.toml", "--format", "json", "-q"], &[]);
    assert_eq!(code(&output), expected, "{}", text(&output.stderr));
    let result: Value = serde_json::from_slice(&output.stdout).expect("JSON and nothing else");
    result["verdicts"].as_array().expect("a list").clone()
}

#[test]
fn every_exit_code_has_its_reason() {
    let at = folder("gate-codes");
    write(&at, "holds.toml", &with(HOLDS));
    write(&at, "fails.toml", &with(FAILS));
    write(&at, "single.toml", &with(HOLDS).replace("replications = 2", "replications = 1"));
    write(&at, "none.toml", SMALL);
    write(&at, "wrong.toml", &with("[[expect]]\nrule = \"latncy.p50 < 1s\"\n"));
    for (args, expected, said) in [
        (vec!["holds.toml"], 0, "2 verdicts: 2 held"),
        (vec!["fails.toml"], 1, "2 failed"),
        (vec!["single.toml"], 4, "2 undecided"),
        (vec!["single.toml", "--inconclusive", "pass"], 0, "2 undecided"),
        (vec!["single.toml", "--decide"], 0, "2 held"),
        (vec!["none.toml"], 5, "nothing was judged"),
        (vec!["wrong.toml"], 2, "did you mean latency.p50?"),
        (vec!["missing.toml"], 2, "no such file"),
        (vec![], 2, "name the scenarios"),
        (vec!["holds.toml", "--baseline", "missing.json"], 2, "no such file"),
        (vec!["holds.toml", "--junit", "no/such/folder.xml"], 2, "does not exist"),
        (vec!["holds.toml", "--junit", "a", "--markdown", "a"], 2, "two outputs"),
        (vec!["holds.toml", "--min-effect", "much"], 2, "write a share"),
        (vec!["fails.toml", "single.toml", "holds.toml"], 1, "2 undecided"),
        (vec!["none.toml", "single.toml", "holds.toml"], 4, "nothing was judged"),
        (vec!["none.toml", "holds.toml"], 5, "2 held"),
        (vec!["wrong.toml", "fails.toml"], 2, "latncy"),
    ] {
        let all: Vec<&str> = ["gate"].into_iter().chain(args.iter().copied()).collect();
        let output = run(&at, &all, &[]);
        assert_eq!(code(&output), expected, "{args:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(said), "{args:?} says: {}", text(&output.stderr));
        assert!(expected != 2 || output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn a_rule_changes_nothing_but_the_verdicts() {
    let at = folder("gate-same");
    write(&at, "s.toml", &with(HOLDS));
    let result = |command: &str| {
        let output = run(&at, &[command, "s.toml", "--format", "json", "-q"], &[]);
        let mut value: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        value["verdicts"] = Value::Null;
        value
    };
    assert_eq!(result("run"), result("gate"));
}

#[test]
fn values_are_means_over_replications_with_their_interval() {
    let found = verdicts("gate-values", &with("[[expect]]\nrule = \"latency.mean < 10s\"\nbalancer = \"least-connections\"\n"), 0);
    let [one] = &found[..] else { panic!("one rule for one balancer: {found:?}") };
    assert_eq!(
        (&one["rule"], &one["balancer"], &one["verdict"]),
        (&"latency.mean < 10s".into(), &"least-connections".into(), &"held".into())
    );
    assert_eq!((&one["bound"], &one["unit"], &one["line"], &one["replications"]), (&10000.0.into(), &"ms".into(), &13.into(), &2.into()));
    let (value, low, high) = (one["value"].as_f64(), one["ci95"][0].as_f64(), one["ci95"][1].as_f64());
    assert!(low < value && value < high && value < Some(100.0), "{one}");
}

#[test]
fn a_relative_rule_is_about_every_other_balancer_and_says_where_they_part() {
    let rule = "[[expect]]\nrule = \"latency.mean > 100%\"\nthan = \"round-robin\"\n";
    let found = verdicts("gate-relative", &with(rule), 1);
    let [one] = &found[..] else { panic!("not of round-robin itself: {found:?}") };
    assert_eq!(
        (&one["balancer"], &one["than"], &one["unit"], &one["bound"]),
        (&"least-connections".into(), &"round-robin".into(), &"ratio".into(), &1.0.into())
    );
    assert!(one["value"].as_f64().is_some_and(|value| value < 1.0), "{one}");
    assert!(
        one["notes"]
            .as_array()
            .is_some_and(|notes| notes.iter().any(|note| note.as_str().is_some_and(|note| note.starts_with("first difference")))),
        "{one}"
    );
}

/// Requests every 10 ms, served at once in 1 ms, in 2 ms while a fault is on from 10 s to 15 s: all numbers are known.
const CLOCKWORK: &str = r#"
balancers = ["round-robin"]
[run]
duration = "30s"
replications = 2
warmup = "1s"
[[traffic]]
arrivals = { process = "constant", rate = "100/s" }
work = "1ms"
class = "gold"
[[traffic]]
name = "bulk"
arrivals = { process = "constant", rate = "50/s" }
work = "4ms"
[[backends]]
workers = "unlimited"
[[fault]]
kind = "slow"
name = "brownout"
target = "backend"
factor = 0.5
at = "10s"
for = "5s"
"#;

#[test]
fn parts_of_the_requests_have_the_numbers_that_were_worked_out_by_hand() {
    let rule = |rule: &str, part: &str| format!("[[expect]]\nrule = \"{rule}\"\n{part}\n");
    let cases = [
        ("latency.max <= 2ms", "class = \"gold\"\nduring = \"brownout\"", 2.0),
        ("latency.min >= 2ms", "class = \"gold\"\nduring = \"brownout\"", 2.0),
        ("latency.max <= 1ms", "class = \"gold\"\nafter = \"brownout\"", 1.0),
        ("latency.mean >= 8ms", "class = \"bulk\"\nduring = \"brownout\"", 8.0),
        ("latency.mean <= 4ms", "class = \"bulk\"\nafter = \"brownout\"", 4.0),
        ("offered >= 500", "class = \"gold\"\nduring = \"brownout\"", 500.0),
        ("offered >= 750", "during = \"brownout\"", 750.0),
        ("offered >= 250", "class = \"bulk\"\nduring = \"brownout\"", 250.0),
        ("attempts <= 750", "during = \"brownout\"", 750.0),
        ("goodput_rps >= 149/s", "during = \"brownout\"", 150.0),
        ("success_rate >= 100%", "after = \"brownout\"", 1.0),
        ("errors.timeout <= 0%", "during = \"brownout\"", 0.0),
    ];
    let rules: String = cases.iter().map(|(text, part, _)| rule(text, part)).collect();
    let found = verdicts("gate-clockwork", &format!("{CLOCKWORK}{rules}"), 0);
    for ((rule, part, expected), found) in cases.iter().zip(&found) {
        let value = found["value"].as_f64().expect("measured");
        assert!((value - expected).abs() <= 1e-6 * expected, "{rule} {part}: {value}");
        assert_eq!(found["verdict"], "held", "{rule} {part}");
    }
}

#[test]
fn a_service_has_the_numbers_of_the_result() {
    let scenario = r#"
balancers = ["random"]
[run]
requests = 3000
replications = 1
[traffic]
arrivals = { process = "poisson", rate = "100/s" }
[[service]]
name = "web"
work = { dist = "exponential", mean = "4ms" }
calls = [ { to = "cart", share = 0.5 } ]
[[service.backends]]
name = "web"
count = 2
[[service]]
name = "cart"
work = { dist = "exponential", mean = "4ms" }
[[service.backends]]
name = "cart"
count = 2
[[expect]]
rule = "latency.mean < 10s"
service = "cart"
[[expect]]
rule = "attempts > 0"
service = "cart"
[[expect]]
rule = "offered > 0"
service = "cart"
"#;
    let at = folder("gate-service");
    write(&at, "s.toml", scenario);
    let output = run(&at, &["gate", "s.toml", "--format", "json", "-q"], &[]);
    assert_eq!(code(&output), 4, "{}", text(&output.stderr));
    let result: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let cart = &result["results"][0]["services"][1];
    let near = |at: usize, expected: &Value, within: f64| {
        let (value, expected) = (result["verdicts"][at]["value"].as_f64().expect("a number"), expected.as_f64().expect("a number"));
        assert!((value / expected - 1.0).abs() <= within, "{value}, not {expected}");
    };
    // The result's histogram of a service is coarser; its mean is exact.
    near(0, &cart["latency_ms"]["mean"], 1e-3);
    near(1, &cart["attempts"], 0.0);
    near(2, &cart["requests"], 0.0);
}

#[test]
fn nothing_to_measure_never_holds_unless_the_rule_says_so() {
    let never = "[[fault]]\nkind = \"slow\"\nname = \"never\"\ntarget = \"web-0\"\nfactor = 0.5\nat = \"1h\"\nfor = \"1s\"\n";
    let rule = "[[expect]]\nrule = \"latency.p50 < 1s\"\nduring = \"never\"\n";
    let found = verdicts("gate-empty", &with(&format!("{never}{rule}")), 1);
    assert!(found.iter().all(|one| one["verdict"] == "no data" && one["value"].is_null()), "{found:?}");
    verdicts("gate-empty-pass", &with(&format!("{never}{rule}when_empty = \"pass\"\n")), 5);
    verdicts("gate-empty-and-held", &with(&format!("{never}{rule}when_empty = \"pass\"\n{HOLDS}")), 0);
}

#[test]
fn a_baseline_of_the_same_run_holds_and_a_slower_one_does_not() {
    let at = folder("gate-baseline");
    write(&at, "s.toml", &SMALL.replace("load = 0.7", "rate = \"280/s\""));
    let gate = |more: &[&str]| run(&at, &[&["gate", "s.toml", "--replications", "4"], more].concat(), &[]);
    let saved = gate(&["--save-baseline", "b.json"]);
    assert_eq!(code(&saved), 0, "{}", text(&saved.stderr));
    let again = read(&at, "b.json");
    assert_eq!(code(&gate(&["--baseline", "b.json", "--save-baseline", "c.json"])), 0);
    assert_eq!(again, read(&at, "c.json"), "the same bytes");
    let slower = gate(&["--baseline", "b.json", "--set", "backends.web.speed=0.8", "--format", "json"]);
    assert_eq!(code(&slower), 1, "{}", text(&slower.stderr));
    let result: Value = serde_json::from_slice(&slower.stdout).expect("JSON");
    let failed: Vec<&Value> = result["verdicts"].as_array().expect("a list").iter().filter(|one| one["verdict"] == "failed").collect();
    assert!(failed.iter().any(|one| one["metric"] == "latency.mean" && one["baseline"] == true && one["line"].is_null()), "{result}");
    let other_seed = gate(&["--baseline", "b.json", "--seed", "7", "--format", "json"]);
    assert!(text(&other_seed.stdout).contains("independent samples"), "{}", text(&other_seed.stderr));
    assert_ne!(code(&other_seed), 2);
}

#[test]
fn apples_are_not_compared_with_pears() {
    let at = folder("gate-pears");
    write(&at, "s.toml", SMALL);
    write(&at, "t.toml", SMALL);
    assert_eq!(code(&run(&at, &["gate", "s.toml", "--save-baseline", "b.json", "-q"], &[])), 0);
    let saved = read(&at, "b.json");
    write(&at, "semantics.json", &saved.replace("\"semantics\": 1", "\"semantics\": 2"));
    write(&at, "cut.json", &saved[..saved.len() / 2]);
    write(&at, "garbage.json", "\u{1b}[2J not JSON");
    write(&at, "wide.json", &saved.replace("\"replications\": 2", "\"replications\": 3"));
    for (args, said) in [
        (vec!["t.toml", "--baseline", "b.json"], "no scenario called `t`"),
        (vec!["s.toml", "--baseline", "b.json", "--set", "traffic.work=\"3ms\""], "other traffic"),
        (vec!["s.toml", "--baseline", "semantics.json"], "simulates otherwise"),
        (vec!["s.toml", "--baseline", "cut.json"], "line"),
        (vec!["s.toml", "--baseline", "garbage.json"], "line 1 column 1"),
        (vec!["s.toml", "--baseline", "wide.json"], "has 2 values"),
        (vec!["s.toml", "--baseline", "s.toml"], "not a baseline"),
        (vec!["s.toml", "--baseline", "."], "folder"),
    ] {
        let all: Vec<&str> = ["gate"].into_iter().chain(args.iter().copied()).collect();
        let output = run(&at, &all, &[]);
        assert_eq!(code(&output), 2, "{args:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(said) && !text(&output.stderr).contains('\u{1b}'), "{args:?} says: {}", text(&output.stderr));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_balancer_that_the_baseline_has_not_is_told_and_no_failure() {
    let at = folder("gate-new-balancer");
    write(&at, "s.toml", SMALL);
    assert_eq!(code(&run(&at, &["gate", "s.toml", "--save-baseline", "b.json", "--balancer", "round-robin", "-q"], &[])), 0);
    let output = run(&at, &["gate", "s.toml", "--baseline", "b.json"], &[]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("nothing of `least-connections`"), "{}", text(&output.stderr));
}

/// A label that tries every format it is written into.
const HOSTILE: &str = "]]><script>&\\\"' | `x` ::error::%0A @you, a:b";

fn hostile() -> String {
    let balancer = format!("[[balancer]]\nkind = \"random\"\nname = \"{HOSTILE}\"\n");
    with(&format!("{balancer}{FAILS}"))
        .replace("balancers = [\"round-robin\", \"least-connections\"]", "title = \"<b>t</b> & ]]>\"\nbalancers = [\"round-robin\"]")
}

#[test]
fn every_file_is_what_its_reader_expects() {
    let at = folder("gate-files");
    write(&at, "s.toml", &hostile());
    let files = ["--junit", "j.xml", "--markdown", "m.md", "--gitlab", "g.json", "--bmf", "b.json", "--smaller-is-better", "s.json"];
    let output = run(&at, &[&["gate", "s.toml", "-q"], &files[..]].concat(), &[]);
    assert_eq!(code(&output), 1, "{}", text(&output.stderr));
    let gitlab: Value = serde_json::from_str(&read(&at, "g.json")).expect("JSON");
    let issues = gitlab.as_array().expect("a list");
    assert_eq!(issues.len(), 2);
    for issue in issues {
        assert_eq!((&issue["location"]["path"], &issue["severity"]), (&"s.toml".into(), &"major".into()));
        assert!(issue["fingerprint"].as_str().is_some_and(|print| print.len() == 32) && issue["location"]["lines"]["begin"].is_u64());
    }
    assert_ne!(issues[0]["fingerprint"], issues[1]["fingerprint"]);
    let bencher: Value = serde_json::from_str(&read(&at, "b.json")).expect("JSON");
    let benchmarks = bencher.as_object().expect("an object");
    assert_eq!(benchmarks.len(), 2);
    for measures in benchmarks.values() {
        let latency = &measures["latency"];
        let at = |name: &str| latency[name].as_f64().expect("a number");
        assert!(at("lower_value") <= at("value") && at("value") <= at("upper_value") && at("value") > 1e6, "nanoseconds: {latency}");
    }
    let smaller: Value = serde_json::from_str(&read(&at, "s.json")).expect("JSON");
    assert!(
        smaller
            .as_array()
            .is_some_and(|all| all.iter().all(|one| one["name"].is_string() && one["unit"].is_string() && one["value"].is_number()))
    );
    let comment = read(&at, "m.md");
    assert!(
        comment.starts_with("## evenkeel gate\n")
            && comment.contains("| ✗ |")
            && !comment.contains("<script")
            && !comment.contains(" @you"),
        "{comment}"
    );
    let widths: Vec<usize> = comment.lines().filter(|line| line.starts_with("| ✗")).map(|line| line.matches('|').count()).collect();
    assert_eq!(widths, [7, 7], "{comment}");
}

#[test]
fn junit_is_read_by_another_reader_of_xml() {
    let at = folder("gate-junit");
    write(&at, "s.toml", &hostile());
    write(&at, "t.toml", &with(HOLDS));
    assert_eq!(code(&run(&at, &["gate", "s.toml", "t.toml", "-q", "--junit", "j.xml"], &[])), 1);
    let xml = read(&at, "j.xml");
    assert!(xml.contains("tests=\"4\" failures=\"2\" errors=\"0\" skipped=\"0\""), "{xml}");
    let script = "import sys,xml.dom.minidom as m\nd=m.parse('j.xml')\nprint(len(d.getElementsByTagName('testsuite')),len(d.getElementsByTagName('testcase')),len(d.getElementsByTagName('failure')))\nprint([c.getAttribute('name') for c in d.getElementsByTagName('testcase')][1])";
    // Where there is no Python, what is above has to do.
    let Ok(python) = Command::new("python3").current_dir(&at).args(["-c", script]).output() else { return };
    assert!(python.status.success(), "{}\n{xml}", text(&python.stderr));
    let said = text(&python.stdout);
    assert!(said.starts_with("2 4 2\n") && said.contains("]]><script>&\"'"), "{said}");
}

#[test]
fn github_gets_at_most_ten_annotations_at_the_rules_lines_and_a_summary() {
    let at = folder("gate-github");
    write(&at, "s.toml", &with(&FAILS.repeat(12)));
    write(&at, "h.toml", &hostile());
    let summary = at.join("summary.md");
    let environment = [("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", summary.to_str().expect("UTF-8"))];
    let commands = |file: &str| {
        let output = run(&at, &["gate", file, "-q"], &environment);
        assert_eq!(code(&output), 1);
        assert!(!text(&output.stdout).lines().any(|line| line.starts_with("::")), "standard output is the result's");
        text(&output.stderr).lines().filter(|line| line.starts_with("::")).map(str::to_owned).collect::<Vec<_>>()
    };
    let all = commands("s.toml");
    assert_eq!(all.len(), 10, "{all:?}");
    assert!(all[0].starts_with("::error file=s.toml,line=13,title=evenkeel%3A latency.p50 > 10s::"), "{}", all[0]);
    assert!(all[9].contains("15 more"), "{}", all[9]);
    let hostile = commands("h.toml");
    assert_eq!(hostile.len(), 2, "{hostile:?}");
    assert!(hostile.iter().all(|line| line.matches("::").count() >= 2 && !line.contains('\u{1b}')), "{hostile:?}");
    let page = read(&at, "summary.md");
    assert_eq!(page.matches("## evenkeel gate").count(), 2, "appended");
    assert!(page.len() < 1 << 20);
}
