//! Sweeps as their users meet them: grids, what survives being killed, shards.

use super::cli::{SMALL, evenkeel, file, folder};
use proptest::prelude::*;
use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const RESULTS: [&str; 4] = ["results.csv", "results.jsonl", "plan.json", "sweep.html"];
const LOADS: &str = "traffic.arrivals.load=0.5:0.9:0.2";

fn code(output: &Output) -> i32 {
    output.status.code().expect("it ended by itself")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("only UTF-8 is printed")
}

fn path(path: &Path) -> &str {
    path.to_str().expect("the target folder is UTF-8")
}

/// Runs it, and it is fine.
fn fine(args: &[&str]) -> Output {
    let output = evenkeel(args);
    assert_eq!(code(&output), 0, "{args:?}: {}", text(&output.stderr));
    output
}

fn refused(args: &[&str], with: i32) -> String {
    let output = evenkeel(args);
    assert_eq!(code(&output), with, "{args:?}: {}", text(&output.stderr));
    assert!(output.stdout.is_empty(), "{args:?}");
    text(&output.stderr)
}

fn results(folder: &Path) -> Vec<Vec<u8>> {
    RESULTS.map(|name| fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))).to_vec()
}

/// The rows of a CSV without quotes, by column.
fn columns(csv: &str) -> Vec<Vec<(&str, &str)>> {
    let mut lines = csv.lines();
    let head: Vec<&str> = lines.next().expect("a head").split(',').collect();
    lines.map(|line| head.iter().copied().zip(line.split(',')).collect()).collect()
}

#[test]
fn a_sweep_says_at_each_point_what_a_run_says_to_the_last_digit() {
    let scenario = file(
        "sweep-equal",
        &SMALL.replace("[run]", "[[variant]]\nname = \"as is\"\n[[variant]]\nname = \"slow\"\nset = { \"backends.0.speed\" = 0.8 }\n[run]"),
    );
    let out = folder("sweep-equal-out");
    fine(&["sweep", &scenario, "--vary", LOADS, "--vary", "run.seed=1,2", "--out", path(&out), "-q"]);
    let csv = fs::read_to_string(out.join("results.csv")).expect("written");
    let rows = columns(&csv);
    assert_eq!(rows.len(), 3 * 2 * 2 * 2);
    let lines: Vec<serde_json::Value> = fs::read_to_string(out.join("results.jsonl"))
        .expect("written")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let mut at = 0;
    for load in ["0.5", "0.7", "0.9"] {
        for seed in ["1", "2"] {
            let (load, seed) = (format!("traffic.arrivals.load={load}"), format!("run.seed={seed}"));
            let run = |format: &str| text(&fine(&["run", &scenario, "--set", &load, "--set", &seed, "--format", format, "-q"]).stdout);
            let (csv, json) = (run("csv"), serde_json::from_str::<serde_json::Value>(&run("json")).expect("JSON"));
            for (row, result) in columns(&csv).into_iter().zip(json["results"].as_array().expect("results")) {
                for (name, value) in row.into_iter().filter(|(name, _)| *name != "scenario") {
                    assert!(rows[at].contains(&(name, value)), "{load} {seed}: {name} is {value} in a run: {:?}", rows[at]);
                }
                for (name, value) in result.as_object().expect("an object").iter().filter(|(name, _)| *name != "backends") {
                    assert_eq!(&lines[at][name], value, "{load} {seed}: {name}");
                }
                for name in ["plan_sha256", "seed", "replications", "requests", "warmup"] {
                    assert_eq!(lines[at]["scenario"][name], json["scenario"][name]);
                }
                let is_its = |one: &&serde_json::Value| one["balancer"] == result["balancer"] && one["variant"] == result["variant"];
                let comparisons: Vec<_> = json["comparisons"].as_array().expect("a list").iter().filter(is_its).cloned().collect();
                assert_eq!(lines[at]["comparisons"], serde_json::Value::Array(comparisons));
                at += 1;
            }
        }
    }
    assert_eq!(at, lines.len());
}

#[test]
fn the_files_of_a_sweep_are_its_four_and_the_rest_is_private() {
    let out = folder("sweep-files").join("new");
    let output = fine(&["sweep", &file("sweep-files-s", SMALL), "--vary", LOADS, "--out", path(&out)]);
    assert!(text(&output.stdout).contains("load  balancer"), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains("simulated 12 cells"), "{}", text(&output.stderr));
    for entry in fs::read_dir(&out).expect("there") {
        let name = entry.expect("readable").file_name().to_string_lossy().into_owned();
        assert!(RESULTS.contains(&name.as_str()) || name.starts_with("journal"), "{name}");
    }
    let plan: serde_json::Value = serde_json::from_slice(&fs::read(out.join("plan.json")).expect("written")).expect("JSON");
    assert_eq!(plan["cells"], 12);
    for name in RESULTS {
        assert!(!text(&fs::read(out.join(name)).expect("written")).contains(path(&out)), "{name} holds a path");
    }
}

#[test]
fn without_a_folder_nothing_is_written_and_the_numbers_are_the_same() {
    let scenario = file("sweep-dry", SMALL);
    let out = folder("sweep-dry-out");
    for format in ["csv", "json", "markdown", "table"] {
        let args = ["sweep", &scenario, "--vary", LOADS, "--format", format, "-q", "--threads", "1"];
        let alone = fine(&args);
        let kept = fine(&[&args[..], &["--out", path(&out)]].concat());
        assert_eq!(text(&alone.stdout), text(&kept.stdout), "{format}");
    }
    let json = fine(&["sweep", &scenario, "--vary", LOADS, "--format", "json", "-q"]);
    let array: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!((array.as_array().map(Vec::len), &array[5]["parameters"]["traffic.arrivals.load"]), (Some(6), &serde_json::json!(0.9)));
}

#[test]
fn the_plan_is_printed_and_nothing_is_run() {
    let scenario = file("sweep-plan", SMALL);
    let args = ["sweep", &scenario, "--vary", LOADS, "--plan"];
    let words = text(&fine(&args).stdout);
    assert!(words.contains("3 points") && words.contains("12 cells") && words.contains("fingerprint "), "{words}");
    let json = fine(&[&args[..], &["--format", "json"]].concat());
    let plan: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(plan["points"][2]["cells"].as_array().map(Vec::len), Some(4));
    let one = fine(&["sweep", &scenario, "--vary", "traffic.arrivals.load=0.9", "--plan", "--format", "json"]);
    let one: serde_json::Value = serde_json::from_slice(&one.stdout).expect("JSON");
    assert_eq!(one["points"][0]["cells"], plan["points"][2]["cells"], "the same cell has the same name in any plan");
}

#[test]
fn what_is_wrong_is_said_once_before_anything_runs() {
    let scenario = file("sweep-wrong", SMALL);
    let out = folder("sweep-wrong-out").join("never");
    let said = |vary: &str| refused(&["sweep", &scenario, "--vary", vary, "--out", path(&out)], 2);
    let unknown = said("trafic.arrivals.load=0.5:0.9:0.1");
    assert!(unknown.contains("--vary trafic.arrivals.load=0.5") && unknown.contains("traffic"), "{unknown}");
    assert_eq!(unknown.matches("error").count(), 1, "{unknown}");
    let values = said("traffic.arrivals.load=0.5,abc,-1,0.9");
    assert!(values.contains("load=abc") && values.contains("load=-1"), "{values}");
    assert_eq!(values.matches("error").count(), 2, "{values}");
    for (vary, words) in [
        ("run.seed", "it has no values"),
        ("run.seed=1:10", "without a step"),
        ("run.seed=1:10:0", "never get to"),
        ("run.seed=1,1", "listed twice"),
        ("run.seed=1,2&run.requests=1000", "need as many values"),
        ("run.seed=1:10000000:1", "more than"),
        ("run.seed=1:2000000:1", "more than"),
    ] {
        assert!(said(vary).contains(words), "{vary}: {}", said(vary));
    }
    for (args, words) in [
        (vec!["--shard", "0/8"], "the first of 8 is 1/8"),
        (vec!["--shard", "9/8"], "no shard 9 of 8"),
        (vec!["--shard", "x"], "allowed: K/N"),
        (vec!["--metric", "latency.p9g"], "latency.p90"),
        (vec!["--balancer", "nosuch"], "no such balancer"),
    ] {
        let all = [&["sweep", &scenario, "--vary", LOADS, "--out", path(&out)][..], &args].concat();
        assert!(refused(&all, 2).contains(words), "{args:?}");
    }
    assert!(refused(&["sweep", &scenario, &scenario, "--vary", LOADS], 2).contains("one scenario"));
    assert!(refused(&["sweep", &scenario, "--vary", LOADS, "--shard", "1/2"], 2).contains("--out"));
    assert!(!out.exists(), "nothing was written");
}

#[test]
fn precision_is_not_used_and_that_is_said() {
    let scenario = file(
        "sweep-precision",
        &SMALL.replace("replications = 2", "replications = 2\nprecision = { metric = \"latency.p99\", relative = \"0.1%\" }"),
    );
    let output = fine(&["sweep", &scenario, "--vary", "run.seed=1,2", "--format", "csv"]);
    assert!(text(&output.stderr).contains("run.precision is not used"), "{}", text(&output.stderr));
    assert!(columns(&text(&output.stdout)).iter().all(|row| row.contains(&("replications", "2"))));
}

#[test]
fn metrics_that_are_asked_for_have_columns_and_intervals() {
    let scenario = file("sweep-metric", SMALL);
    let args = ["sweep", &scenario, "--vary", "run.seed=1,2", "--metric", "backends.web-0.latency.p90", "--metric", "success_rate", "-q"];
    let csv = text(&fine(&[&args[..], &["--format", "csv"]].concat()).stdout);
    let row = &columns(&csv)[0];
    let value = |name: &str| row.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()).expect(name);
    assert!(value("backends.web-0.latency.p90").parse::<f64>().is_ok_and(|value| value > 0.0));
    assert!(value("backends.web-0.latency.p90_ci95").parse::<f64>().is_ok());
    assert_eq!(value("success_rate"), "1");
    assert!(text(&fine(&args).stdout).contains("backends.web-0.latency.p90 ms"));
}

#[test]
fn a_finished_sweep_is_replaced_and_an_unfinished_one_is_not() {
    let scenario = file("sweep-again", SMALL);
    let out = folder("sweep-again-out");
    let args = ["sweep", &scenario, "--vary", LOADS, "--out", path(&out), "-q"];
    let resuming = [&args[..], &["--resume"]].concat();
    // Missing results, empty folder, finished folder: all fine.
    fine(&resuming);
    let first = results(&out);
    fine(&resuming);
    fine(&args);
    assert_eq!(results(&out), first);
    fine(&["sweep", &scenario, "--vary", "run.seed=1,2", "--out", path(&out), "-q"]);
    // Another plan is not gone on with.
    let other = refused(&resuming, 2);
    assert!(other.contains("what differs is what is varied"), "{other}");
    let edited = file("sweep-again-edited", &SMALL.replace("4", "5"));
    assert!(refused(&["sweep", &edited, "--vary", "run.seed=1,2", "--out", path(&out), "--resume"], 2).contains("file_sha256"));
    fs::remove_file(out.join("results.jsonl")).expect("it is there");
    let unfinished = refused(&args, 2);
    assert!(unfinished.contains("(8 of 8 cells)") && unfinished.contains("--resume"), "{unfinished}");
    fine(&[&args[..], &["--force"]].concat());
    assert_eq!(results(&out), first);
}

#[test]
fn foreign_folders_are_left_alone() {
    let scenario = file("sweep-foreign", SMALL);
    let out = folder("sweep-foreign-out");
    fs::write(out.join("thesis.tex"), "all of it").expect("written");
    let args = ["sweep", &scenario, "--vary", "run.seed=1,2", "--out", path(&out), "-q"];
    assert!(refused(&args, 2).contains("--force"));
    assert_eq!(fs::read_dir(&out).expect("there").count(), 1, "not even a lock is left there");
    fine(&[&args[..], &["--force"]].concat());
    assert_eq!(fs::read_to_string(out.join("thesis.tex")).expect("still there"), "all of it");
    assert!(refused(&["sweep", &scenario, "--vary", "run.seed=1,2", "--out", &scenario], 2).contains("a file of this name"));
}

#[test]
fn a_torn_or_flipped_journal_is_mended_and_the_results_are_the_same() {
    let scenario = file("sweep-damage", SMALL);
    let out = folder("sweep-damage-out");
    let args = ["sweep", &scenario, "--vary", LOADS, "--out", path(&out), "--resume"];
    fine(&args);
    let (whole, journal) = (results(&out), out.join("journal"));
    let size = fs::metadata(&journal).expect("there").len();
    let open = || fs::OpenOptions::new().read(true).write(true).open(&journal).expect("there");
    open().set_len(size - 5).expect("cut");
    let torn = text(&fine(&args).stderr);
    assert!(torn.contains("torn off") && torn.contains("11 of 12 cells are there"), "{torn}");
    assert_eq!(results(&out), whole);
    // Every part of a frame in turn, from the second on.
    for at in [size / 2, size / 2 + 1, size / 2 + 7, size / 3, 2 * size / 3] {
        let mut file = open();
        let mut byte = [0];
        file.seek(SeekFrom::Start(at)).expect("seeks");
        file.read_exact(&mut byte).expect("reads");
        file.seek(SeekFrom::Start(at)).expect("seeks");
        file.write_all(&[byte[0] ^ 4]).expect("writes");
        drop(file);
        let said = text(&fine(&args).stderr);
        assert!(said.contains("its journal is damaged from byte"), "{at}: {said}");
        assert!(said.contains("11 of 12 cells are there") || said.contains("12 of 12 cells are there"), "{at}: {said}");
        assert_eq!(results(&out), whole, "{at}");
        assert!(!text(&fine(&args).stderr).contains("damaged"), "it is mended");
    }
    let mut file = open();
    file.seek(SeekFrom::Start(40)).expect("seeks");
    file.write_all(b"\0\0\0").expect("writes");
    assert!(refused(&args, 2).contains("its first frame"));
}

#[test]
fn two_processes_in_one_folder_are_one_too_many() {
    let scenario = file("sweep-lock", &SMALL.replace("requests = 2000", "requests = 400000"));
    let out = folder("sweep-lock-out");
    let args = ["sweep", &scenario, "--vary", "traffic.arrivals.load=0.1:0.9:0.01", "--out", path(&out), "-q"];
    let mut first = started(&args);
    wait_for_cells(&out);
    let second = refused(&[&args[..], &["--resume"]].concat(), 2);
    assert!(second.contains("another process is at work"), "{second}");
    assert!(refused(&["merge", path(&out)], 2).contains("a sweep is running in it"));
    first.kill().expect("it runs");
    first.wait().expect("it ends");
    // The lock went with it.
    let unfinished = refused(&args, 2);
    assert!(unfinished.contains("unfinished"), "{unfinished}");
}

fn started(args: &[&str]) -> std::process::Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts")
}

/// Until the journal holds more than its plan and the first scenes: a cell of so many requests has more bytes than those.
fn wait_for_cells(out: &Path) {
    let size = || fs::metadata(out.join("journal")).map_or(0, |about| about.len());
    let first = (0..3000).map(|_| std::thread::sleep(Duration::from_millis(5))).map(|()| size()).find(|&size| size > 0).expect("it begins");
    (0..6000).map(|_| std::thread::sleep(Duration::from_millis(5))).find(|()| size() > first + 8000).expect("a cell is finished");
}

#[test]
fn a_sweep_that_is_killed_again_and_again_ends_with_the_same_bytes() {
    let scenario = file("sweep-kill", &SMALL.replace("requests = 2000", "requests = 20000"));
    let (whole, killed) = (folder("sweep-kill-whole"), folder("sweep-kill-out"));
    let vary = "traffic.arrivals.load=0.5:0.95:0.05";
    fine(&["sweep", &scenario, "--vary", vary, "--out", path(&whole), "-q"]);
    let args = ["sweep", &scenario, "--vary", vary, "--out", path(&killed), "--resume"];
    let mut kills = 0;
    for round in 0_u64..10 {
        let mut child = started(&args);
        // Anywhere from the start of the program to a good part of the sweep.
        std::thread::sleep(Duration::from_millis(3 + round * 7919 % 37));
        kills += usize::from(child.try_wait().expect("it can be asked").is_none());
        child.kill().expect("it was started");
        child.wait().expect("it ends");
    }
    assert!(kills > 0, "all were faster");
    fine(&args);
    assert_eq!(results(&killed), results(&whole));
}

#[cfg(unix)]
#[test]
fn who_is_interrupted_is_told_what_is_kept() {
    let scenario = file("sweep-int", &SMALL.replace("requests = 2000", "requests = 400000"));
    let out = folder("sweep-int-out");
    let args = ["sweep", &scenario, "--vary", "traffic.arrivals.load=0.1:0.9:0.01", "--out", path(&out)];
    let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
    let child = command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    wait_for_cells(&out);
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("there is a kill");
    assert!(sent.success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(code(&output), 130, "{}", text(&output.stderr));
    let said = text(&output.stderr);
    assert!(said.contains("finished cells are kept in") && said.contains("--resume"), "{said}");
    assert!(!out.join("results.csv").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_code_3_and_nothing_is_lost() {
    // A limit on the size of files is met as a full disk is: by a failing write.
    let scenario = file("sweep-full", SMALL);
    let (out, whole) = (folder("sweep-full-out"), folder("sweep-full-whole"));
    let limited = format!(
        "trap '' XFSZ; ulimit -f 24; exec '{}' sweep '{scenario}' --vary {LOADS} --out '{}'",
        env!("CARGO_BIN_EXE_evenkeel"),
        path(&out)
    );
    let output = Command::new("sh").args(["-c", &limited]).output().expect("there is a shell");
    assert_eq!(code(&output), 3, "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("finished cells are kept in"), "{}", text(&output.stderr));
    fine(&["sweep", &scenario, "--vary", LOADS, "--out", path(&out), "--resume", "-q"]);
    fine(&["sweep", &scenario, "--vary", LOADS, "--out", path(&whole), "-q"]);
    assert_eq!(results(&out), results(&whole));
}

/// Shards of a sweep, each in a folder of its own.
fn shards(name: &str, scenario: &str, of: u32) -> Vec<PathBuf> {
    let below = folder(name);
    let one = |number: u32| {
        let out = below.join(format!("shard-{number}"));
        let shard = format!("{number}/{of}");
        let output = fine(&["sweep", scenario, "--vary", LOADS, "--shard", &shard, "--out", path(&out)]);
        assert!(output.stdout.is_empty() && text(&output.stderr).contains("evenkeel merge"));
        let mut names: Vec<_> = fs::read_dir(&out).expect("there").map(|entry| entry.expect("readable").file_name()).collect();
        names.sort();
        assert_eq!(names, ["journal", "journal.lock", "plan.json"]);
        out
    };
    (1..=of).map(one).collect()
}

#[test]
fn shards_in_any_order_are_the_whole() {
    let scenario = file("sweep-shards-s", SMALL);
    let whole = folder("sweep-shards-whole");
    let direct = fine(&["sweep", &scenario, "--vary", LOADS, "--out", path(&whole)]);
    let parts = shards("sweep-shards", &scenario, 5);
    let out = folder("sweep-shards-out");
    let order = Just(parts).prop_shuffle();
    let mut runner =
        proptest::test_runner::TestRunner::new(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() });
    let tried = runner.run(&order, |parts| {
        let names: Vec<&str> = parts.iter().map(|part| path(part)).collect();
        let merged = evenkeel(&[&["merge", "--out", path(&out)], &names[..]].concat());
        prop_assert_eq!(code(&merged), 0, "{}", text(&merged.stderr));
        prop_assert_eq!(results(&out), results(&whole));
        prop_assert_eq!(&merged.stdout, &direct.stdout);
        Ok(())
    });
    tried.expect("the order does not matter");
}

#[test]
fn merging_names_what_is_missing_twice_or_of_another_sweep() {
    let scenario = file("sweep-merge-s", SMALL);
    let parts = shards("sweep-merge", &scenario, 3);
    let names: Vec<&str> = parts.iter().map(|part| path(part)).collect();
    let out = folder("sweep-merge-out");
    let missing = refused(&["merge", names[0], names[2], "--out", path(&out)], 2);
    assert!(missing.contains("4 of 12 cells are missing") && missing.contains("replication") && missing.contains("load=0."), "{missing}");
    assert_eq!(fs::read_dir(&out).expect("there").count(), 0, "nothing was written");
    let partial = evenkeel(&["merge", names[0], names[2], "--allow-partial", "--format", "csv"]);
    assert_eq!(code(&partial), 0);
    assert!(text(&partial.stderr).contains("left out"), "{}", text(&partial.stderr));
    let twice = fine(&["merge", names[0], names[1], names[2], names[1], "--out", path(&out)]);
    assert!(text(&twice.stderr).contains("4 cells are there more than once, and the same"), "{}", text(&twice.stderr));
    assert!(refused(&["merge", names[0], "--out", names[0]], 2).contains("name another"));
    assert!(refused(&["merge", path(&folder("sweep-merge-empty"))], 2).contains("has no journal"));
    let other = folder("sweep-merge-other");
    fine(&["sweep", &scenario, "--vary", "traffic.arrivals.load=0.5,0.6", "--shard", "1/2", "--out", path(&other), "-q"]);
    let mixed = refused(&["merge", names[0], path(&other)], 2);
    assert!(mixed.contains("not of one sweep") && mixed.contains("0.5,0.7,0.9"), "{mixed}");
}

#[test]
fn a_shard_may_be_what_the_environment_says() {
    let scenario = file("sweep-auto-s", SMALL);
    let run = |variables: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
        let out = folder("sweep-auto").join("out");
        command.args(["sweep", &scenario, "--vary", LOADS, "--shard", "auto", "--out", path(&out), "--plan"]);
        for name in ["EVENKEEL_SHARD", "SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX", "CI_NODE_INDEX", "HQ_TASK_ID", "PARALLEL_SEQ"] {
            command.env_remove(name);
        }
        command.envs(variables.iter().copied()).output().expect("the program starts")
    };
    let slurm = run(&[("SLURM_ARRAY_TASK_ID", "4"), ("SLURM_ARRAY_TASK_COUNT", "3"), ("SLURM_ARRAY_TASK_MIN", "3")]);
    assert!(text(&slurm.stdout).contains("4 of them in shard 2/3"), "{}{}", text(&slurm.stdout), text(&slurm.stderr));
    let nobody = run(&[]);
    assert_eq!(code(&nobody), 2);
    assert!(text(&nobody.stderr).contains("SLURM_ARRAY_TASK_ID"), "{}", text(&nobody.stderr));
}
