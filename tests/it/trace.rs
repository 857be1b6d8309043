//! Recorded traffic from outside: what is read, what becomes of it, and what comes of a run on it, against figures that were found some other way.

mod models;
#[cfg(unix)]
mod products;
mod refused;
mod replay;
mod samples;
mod sessions;
mod tape;
mod words;

use crate::cli::{evenkeel, folder};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Output;

/// A folder with the files of one test.
pub(crate) struct Place(pub(crate) PathBuf);

impl Place {
    pub(crate) fn new(name: &str) -> Self {
        Self(folder(name))
    }

    /// With a file in it.
    pub(crate) fn with(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.write(name, content);
        self
    }

    /// Writes a file; its path.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.0.join(name), content).expect("the folder can be written");
        self.path(name)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_string_lossy().into_owned()
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).expect("it was written")
    }

    /// Runs a scenario that lies here.
    pub(crate) fn run(&self, scenario: &str, more: &[&str]) -> Output {
        let path = self.write("scenario.toml", scenario);
        evenkeel(&[&["run", &path, "--format", "json"], more].concat())
    }

    /// The result of a run that works.
    pub(crate) fn result(&self, scenario: &str, more: &[&str]) -> Value {
        json(&self.run(scenario, more))
    }

    /// The attempts of each balancer in the order in which they were sent, as the first replication has them.
    pub(crate) fn attempts(&self, scenario: &str) -> Vec<Attempt> {
        let out = self.path("report");
        json(&self.run(scenario, &["--out", &out, "--trace-events", "10000"]));
        let lines = String::from_utf8(self.read("report/data/events.jsonl")).expect("it is UTF-8");
        let events = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("it is JSON"));
        let text = |event: &Value, key: &str| event[key].as_str().unwrap_or_default().to_owned();
        let ns = |event: &Value, key: &str, unit: f64| (event[key].as_f64().expect("a number") * unit).round() as u64;
        let mut attempts: Vec<Attempt> = events
            .filter(|event| event["event"] == "answered")
            .map(|event| Attempt {
                balancer: text(&event, "balancer"),
                backend: text(&event, "backend"),
                request: event["request"].as_u64().expect("a number"),
                sent: ns(&event, "sent_s", 1e9),
                took: ns(&event, "took_ms", 1e6),
            })
            .collect();
        attempts.sort_by_key(|attempt| attempt.request);
        attempts
    }
}

/// An attempt that was answered; times in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) balancer: String,
    pub(crate) backend: String,
    pub(crate) request: u64,
    pub(crate) sent: u64,
    pub(crate) took: u64,
}

/// What was printed, of a command that has to work.
pub(crate) fn json(output: &Output) -> Value {
    assert_eq!(code(output), 0, "{}", said(output));
    serde_json::from_slice(&output.stdout).expect("JSON and nothing else")
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().expect("it ended by itself")
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("only UTF-8 is printed")
}

/// `inspect`, as JSON.
pub(crate) fn inspected(path: &str, more: &[&str]) -> Value {
    json(&evenkeel(&[&["trace", "inspect", path, "--format", "json"], more].concat()))
}

/// `convert`, which has to work.
pub(crate) fn converted(from: &str, to: &str, more: &[&str]) {
    let output = evenkeel(&[&["trace", "convert", from, "--out", to], more].concat());
    assert_eq!(code(&output), 0, "{}", said(&output));
}

/// How many attempts each backend of a result got.
pub(crate) fn counts(result: &Value, balancer: &str) -> Vec<(String, u64)> {
    let found = result["results"].as_array().expect("a list").iter().find(|one| one["balancer"] == balancer).expect("it was run");
    let one = |backend: &Value| (backend["name"].as_str().unwrap_or_default().to_owned(), backend["requests"].as_u64().unwrap_or(0));
    found["backends"].as_array().expect("a list").iter().map(one).collect()
}

/// A scenario on a file: whatever else its arrivals say, further keys of `[traffic]`, and its backends.
pub(crate) fn scenario(balancers: &[&str], arrivals: &str, traffic: &str, rest: &str) -> String {
    format!(
        "balancers = {balancers:?}\n[run]\nwarmup = \"0%\"\nreplications = 1\n[traffic]\narrivals = {{ process = \"recorded\", {arrivals} }}\n{traffic}\n{rest}\n"
    )
}
