//! Recorded behaviour of real products, replayed against ours.
//!
//! A *vector* is what a product was given and what it did. Its form, which is (system, policy, form), says which fields it has. A file here
//! for each family of products translates the fields of a form into calls of public functions and types of the crate, and back: the runner
//! knows no rule of its own. A form that nobody handles is *not applicable*; a handled one that lacks a field, panics or differs has *failed*.
//!
//! `cargo test --release --test it conformance -- --nocapture`, with `EVENKEEL_VECTORS=folder` for vectors from elsewhere.

mod clients;
mod compare;
mod drive;
mod envoy;
mod envoy_hashing;
mod envoy_health;
mod finagle;
mod grpc;
mod haproxy;
mod nginx;
mod papers;
mod proxies;
mod tower;
mod vector;

use serde_json::Value;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use vector::Vector;

/// What a handler makes of a vector: an object with the fields of `expected`, as we have them. An error is a fault of the vector or a missing field.
type Handler = fn(&Vector<'_>) -> Result<Value, String>;

/// Who handles a form. Systems are added here.
fn handler(vector: &Vector<'_>) -> Option<Handler> {
    let (policy, form) = (vector.policy, vector.form);
    match vector.system {
        "envoy" => {
            envoy::handler(policy, form).or_else(|| envoy_hashing::handler(policy, form)).or_else(|| envoy_health::handler(policy, form))
        }
        "xxhash" => envoy_hashing::handler(policy, form),
        "grpc" | "grpc-core" | "grpc-go" => grpc::handler(vector.system, policy, form),
        "finagle" => finagle::handler(policy, form),
        "tower" | "linkerd2" => tower::handler(vector.system, policy, form),
        "paper" | "prequal" | "jiq" | "c3" => papers::handler(vector.system, policy, form),
        "haproxy" => haproxy::handler(policy),
        "dubbo" | "kratos" | "go-zero" | "ribbon" => clients::handler(vector.system, policy),
        "pingora" | "caddy" | "traefik" | "ipvs" | "kube-proxy" => proxies::handler(vector.system, policy),
        "nginx" => nginx::handler(policy),
        _ => None,
    }
}

/// How many vectors our own files hold.
const VECTORS: usize = 839;

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    passed: usize,
    failed: usize,
    not_applicable: usize,
}

impl Tally {
    fn total(self) -> usize {
        self.passed + self.failed + self.not_applicable
    }

    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.not_applicable += other.not_applicable;
    }
}

/// Every `*.json` of the folder, in the order of names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    assert!(!files.is_empty(), "{}: no vectors here", folder.display());
    files
}

/// The vectors of a file.
fn read(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: not a list of vectors: {error}", path.display()))
}

/// Whether a vector passed, or nothing where nobody handles it; prints what differs.
fn run(value: &Value) -> Option<bool> {
    let vector = Vector::new(value);
    let handler = handler(&vector)?;
    let got = catch_unwind(AssertUnwindSafe(|| handler(&vector))).unwrap_or_else(|panic| Err(format!("panicked: {}", said(&*panic))));
    let differences = match got {
        Ok(got) => compare::differences(&got, vector.expected, vector.tol),
        Err(error) => vec![error],
    };
    differences.iter().for_each(|difference| println!("FAIL {}: {difference}", vector.id));
    Some(differences.is_empty())
}

fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word")
}

#[test]
fn conformance() {
    let elsewhere = std::env::var_os("EVENKEEL_VECTORS").map(PathBuf::from);
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/vectors");
    let mut systems = BTreeMap::<String, Tally>::new();
    for file in files(elsewhere.as_deref().unwrap_or(&own)) {
        for value in read(&file) {
            let tally = systems.entry(value["system"].as_str().unwrap_or("none").to_owned()).or_default();
            match run(&value) {
                Some(true) => tally.passed += 1,
                Some(false) => tally.failed += 1,
                None => tally.not_applicable += 1,
            }
        }
    }
    let mut all = Tally::default();
    println!("{:<12} {:>7} {:>7} {:>15}", "system", "passed", "failed", "not applicable");
    for (system, tally) in &systems {
        println!("{system:<12} {:>7} {:>7} {:>15}", tally.passed, tally.failed, tally.not_applicable);
        all.add(*tally);
    }
    println!("\nconformance: {} passed, {} failed, {} not applicable", all.passed, all.failed, all.not_applicable);
    if elsewhere.is_none() {
        assert_eq!(all.total(), VECTORS, "our own vectors");
        assert!(all.not_applicable * 50 <= all.total(), "{} of {} are not applicable", all.not_applicable, all.total());
    }
    assert_eq!(all.failed, 0, "vectors failed");
}
