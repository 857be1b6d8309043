//! The house rules that a compiler does not know: which module may know which, and what nothing below the command line may touch.
//!
//! Sources are read as text. Comments and tests are left out: a doc link is no dependency, and tests may know everything.

use std::fs;
use std::path::{Path, PathBuf};

/// Which modules of ours a module may name. `cli` may name everything and nobody names `cli`.
const MAY_KNOW: [(&str, &[&str]); 26] = [
    ("time", &[]),
    ("slab", &[]),
    ("escape", &[]),
    ("random", &[]),
    ("dist", &["random"]),
    ("catalogue", &["dist", "time"]),
    ("balance", &["catalogue", "random", "time"]),
    ("client", &["dist", "random", "time"]),
    ("health", &["dist", "random", "time"]),
    ("fault", &["catalogue", "dist", "random", "time"]),
    ("scenario", &["balance", "catalogue", "client", "dist", "escape", "fault", "fleet", "health", "time", "trace"]),
    ("trace", &["dist", "escape", "random", "time"]),
    ("traffic", &["dist", "fault", "random", "time", "trace"]),
    ("fleet", &["dist", "slab", "time"]),
    ("plan", &["balance", "catalogue", "client", "dist", "fault", "fleet", "health", "scenario", "time", "trace", "traffic"]),
    ("engine", &["balance", "client", "dist", "fault", "fleet", "health", "plan", "random", "slab", "time", "trace", "traffic"]),
    ("measure", &["time"]),
    ("report", &["escape", "measure", "time"]),
    ("gate", &["measure", "report", "scenario"]),
    ("pick", &["balance", "catalogue", "random", "scenario", "time"]),
    ("run", &["engine", "measure", "plan", "scenario", "theory", "traffic"]),
    ("theory", &["dist", "measure", "plan", "scenario", "traffic"]),
    ("selftest", &["dist", "engine", "measure", "plan", "random", "scenario", "theory"]),
    ("sweep", &["engine", "measure", "plan", "report", "run", "scenario"]),
    ("tune", &["engine", "gate", "measure", "report", "run", "scenario"]),
    ("cli", &["*"]),
];

/// What the table forbids and is right all the same: file or folder, module, reason.
const EXCEPTIONS: [(&str, &str, &str); 31] = [
    (
        "scenario/model.rs",
        "traffic",
        "Recorded: what is recorded is counted when it is read, so that its rate and work are known like others'",
    ),
    ("scenario/recorded.rs", "traffic", "likewise"),
    ("trace/format/", "scenario", "nearest: which known name was meant is guessed in one place"),
    ("trace/tally.rs", "measure", "its histogram, which stands alone"),
    ("scenario/checks/expects.rs", "measure", "Metric: a rule names numbers of the result, which are declared where they are computed"),
    ("scenario/rule.rs", "measure", "Unit, likewise: what a rule compares with has the unit of its metric"),
    ("traffic/", "scenario", "the closed enums of what can be written (Shape, Keys, Clients, BatchSize) are the ones that are run"),
    ("fleet/", "scenario", "Discipline, likewise"),
    ("engine/", "scenario", "Length, Assign, Picks and View, likewise"),
    ("engine/", "measure", "Failure: why a request failed is one list for who causes it and who counts it"),
    ("measure/recorder.rs", "engine", "it is an Observer: what the engine tells, it writes into a Record"),
    ("measure/recorder.rs", "fleet", "Account: a backend's books as the engine shows them"),
    ("measure/recorder.rs", "plan", "how many backends and clients there are"),
    ("measure/witness.rs", "engine", "it is an Observer, too"),
    ("measure/witness.rs", "fault", "when each fault happens and whom it hits, which it must know before"),
    ("measure/witness.rs", "fleet", "Account, in the signature of what it is told"),
    ("measure/witness.rs", "plan", "which faults there are, and how long a run is"),
    ("measure/scoped.rs", "engine", "it is an Observer, too"),
    ("measure/scoped.rs", "fault", "when each fault happens"),
    ("measure/scoped.rs", "fleet", "Account, in the signature of what it is told"),
    ("measure/scoped.rs", "plan", "which services, classes and faults there are"),
    ("theory/mod.rs", "fleet", "GroupPlan: what a group of the plan is"),
    ("measure/onlooker.rs", "engine", "it is an Observer beside another"),
    ("measure/onlooker.rs", "fleet", "Account: a backend's books as the engine shows them"),
    ("measure/onlooker.rs", "plan", "how many backends, sources and keys there are, and how long a run is"),
    ("measure/onlooker.rs", "scenario", "Length, for how long that is"),
    ("measure/trace.rs", "balance", "Pick, and what a balancer sees in its pool: that is what is written down"),
    ("measure/trace.rs", "engine", "it is an Observer, too"),
    ("measure/trace.rs", "fault", "Change: what begins and ends"),
    ("run/outline.rs", "fault", "when each fault happens, to be drawn"),
    ("selftest/chaos.rs", "balance", "random systems have any balancer of the catalogue"),
];

/// Who may touch the machine.
const ABOVE: [&str; 3] = ["main.rs", "lib.rs", "cli/"];

/// What nothing below the command line may say, and why.
const BANNED: [(&str, &str); 19] = [
    ("std::fs", "files are the command line's"),
    ("File::", "files are the command line's"),
    ("std::net::Tcp", "there is no network"),
    ("std::env::", "the environment is the command line's"),
    ("std::process", "processes are the command line's"),
    ("std::thread", "a cell is one thread; the command line runs several cells at once"),
    ("rayon", "a cell is one thread; the command line runs several cells at once"),
    ("Instant::", "simulated time is SimTime"),
    ("SystemTime", "simulated time is SimTime"),
    ("println!", "only the command line prints"),
    ("print!(", "only the command line prints"),
    ("dbg!", "only the command line prints"),
    ("getrandom", "chance comes from the seed"),
    ("rand::rng", "chance comes from the seed"),
    ("thread_rng", "chance comes from the seed"),
    ("HashMap", "its order differs from run to run"),
    ("HashSet", "its order differs from run to run"),
    ("RandomState", "its order differs from run to run"),
    ("unsafe ", "the crate forbids it"),
];

/// What is banned and right all the same: file, word, reason.
const ALLOWED: [(&str, &str, &str); 14] = [
    ("trace/input/open.rs", "SystemTime", "when a file was last written: whether it changes while it is read"),
    ("trace/order/runs.rs", "std::fs", "what memory does not hold is sorted on disk"),
    ("trace/recording.rs", "File::", "whether a file is a tape already"),
    ("trace/input/open.rs", "std::fs", "recorded traffic is too large to be handed over as bytes: it is opened where it is read"),
    ("trace/input/open.rs", "File::", "likewise"),
    ("trace/recording.rs", "std::fs", "likewise: whether a file is a tape already"),
    ("trace/tape/mod.rs", "std::fs", "a tape may lie in a file, which its readers share"),
    ("trace/tape/store.rs", "std::fs", "likewise"),
    ("trace/tape/store.rs", "File::", "likewise"),
    ("sweep/folder.rs", "std::fs", "a sweep lives in its folder, so that it can be gone on with"),
    ("sweep/folder.rs", "File::", "likewise"),
    ("sweep/journal.rs", "std::fs", "likewise: it is a file that is written as cells finish"),
    ("run.rs", "rayon", "whole cells side by side, reduced in their order; the feature `threads`"),
    ("selftest/mod.rs", "rayon", "independent replications side by side, read in their order; the feature `threads`"),
];

/// Methods whose last bit differs between platforms.
const TRANSCENDENTAL: [&str; 24] = [
    "ln()",
    "ln_1p()",
    "log(",
    "log2()",
    "log10()",
    "exp()",
    "exp2()",
    "exp_m1()",
    "powf(",
    "powi(",
    "cbrt()",
    "hypot(",
    "sin()",
    "cos()",
    "tan()",
    "sin_cos()",
    "asin()",
    "acos()",
    "atan()",
    "atan2(",
    "sinh()",
    "cosh()",
    "tanh()",
    "mul_add(",
];

/// Where mathematics is made portable, or is a trait's method of that name.
const MATHEMATICS: [&str; 2] = ["dist/math.rs", "dist/portable.rs"];

/// Compiled for tests only, by its parent.
const TESTS: [&str; 1] = ["report/sample.rs"];
/// What tests are called that are a file of their own.
const TEST_FILE: &str = "tests.rs";

/// All that is wrong with one source, named by its path below `src/`.
fn faults(path: &str, source: &str) -> Vec<String> {
    let code = code(source);
    let mut faults = Vec::new();
    if !ABOVE.iter().any(|above| path.starts_with(above)) {
        faults.extend(unknown(path, &code));
        let is_allowed = |word: &str| ALLOWED.iter().any(|(file, allowed, _)| *file == path && *allowed == word);
        let said = BANNED.iter().filter(|(word, _)| code.contains(word) && !is_allowed(word));
        faults.extend(said.map(|(word, why)| format!("{path}: `{word}`: {why}")));
    }
    if !MATHEMATICS.contains(&path) {
        let used = TRANSCENDENTAL.iter().filter(|name| is_used(&code, name));
        faults.extend(used.map(|name| format!("{path}: `{name}`: differs between platforms; use libm")));
    }
    faults
}

/// Called as a method, or named as a function (`f64::log`, which is also how `f64::log2` begins).
fn is_used(code: &str, name: &str) -> bool {
    let function = format!("f64::{}", name.trim_end_matches(['(', ')']));
    let goes_on = |rest: &str| rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    code.contains(&format!(".{name}")) || code.match_indices(&function).any(|(at, _)| !goes_on(&code[at + function.len()..]))
}

/// Modules that are named and must not be.
fn unknown(path: &str, code: &str) -> Vec<String> {
    let module = path.split(['/', '.']).next().unwrap_or(path);
    let Some((_, allowed)) = MAY_KNOW.iter().find(|(name, _)| *name == module) else {
        return vec![format!("{path}: the module {module} is not in the table")];
    };
    let mut faults = Vec::new();
    if code.contains("super::super::") {
        faults.push(format!("{path}: `super::super::` hides which module is meant; write `crate::`"));
    }
    for named in named(code) {
        let is_exception = EXCEPTIONS.iter().any(|(file, other, _)| path.starts_with(file) && *other == named);
        if named != module && !allowed.contains(&named) && !is_exception {
            faults.push(format!("{path}: {module} must not know {named}"));
        }
    }
    faults
}

/// The modules after every `crate::`, also of `crate::{a, b::c}`.
fn named(code: &str) -> Vec<&str> {
    let word = |text: &str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let mut names = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            names.push(&rest[..word(rest)]);
            continue;
        };
        let mut depth = 0;
        let mut at_start = true;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => at_start = true,
                c if at_start && depth == 0 && !c.is_whitespace() => {
                    names.push(&group[at..at + word(&group[at..])]);
                    at_start = false;
                }
                _ => {}
            }
        }
    }
    names
}

/// A source without its comments and without its tests, which come last.
fn code(source: &str) -> String {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let tests = (0..lines.len()).find(|&at| {
        lines[at] == "#[cfg(test)]" && lines.get(at + 1).is_some_and(|next| next.contains("mod test") || next.contains("mod sample"))
    });
    let code = lines[..tests.unwrap_or(lines.len())].iter().filter(|line| !line.starts_with("//"));
    code.map(|line| line.split(" // ").next().unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the sources are beside the tests").map(|entry| entry.expect("it can be read").path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let rust = files.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    rust.chain(folders.iter().flat_map(|folder| sources(folder))).collect()
}

#[test]
fn modules_know_only_what_they_may_and_touch_nothing() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let sources = sources(&src);
    assert!(sources.len() > 50, "found only {} sources", sources.len());
    let mut all = Vec::new();
    for path in sources {
        let name = path.strip_prefix(&src).expect("it was found there").to_string_lossy().replace('\\', "/");
        if !TESTS.contains(&name.as_str()) && !name.ends_with(TEST_FILE) {
            all.extend(faults(&name, &fs::read_to_string(&path).expect("sources are UTF-8")));
        }
    }
    all.sort();
    assert!(all.is_empty(), "{} faults:\n{}", all.len(), all.join("\n"));
}

#[test]
fn what_is_forbidden_is_found() {
    let one = |path: &str, source: &str| faults(path, source).len();
    assert_eq!(faults("balance/x.rs", "use crate::engine::run;"), ["balance/x.rs: balance must not know engine"]);
    assert_eq!(one("time.rs", "use crate::{random::Stream, dist};"), 2);
    assert_eq!(one("engine/x.rs", "fn f() { crate::cli::main() }"), 1);
    assert_eq!(one("new/x.rs", ""), 1);
    assert_eq!(one("fleet/x.rs", "use super::super::engine;"), 1);
    assert_eq!(one("fleet/x.rs", "let t = std::time::Instant::now();"), 1);
    assert_eq!(one("plan.rs", "let x = std::fs::read(p); std::env::var(v); println!(); HashMap::new();"), 4);
    assert_eq!(one("measure/x.rs", "let y = x.ln() + x.powi(2);"), 2);
    assert_eq!(faults("measure/x.rs", "values.iter().map(f64::exp)"), ["measure/x.rs: `exp()`: differs between platforms; use libm"]);
}

#[test]
fn what_is_allowed_passes() {
    for (path, source) in [
        ("balance/x.rs", "use crate::{catalogue::{Entry, Kind}, random::Stream};"),
        ("measure/recorder.rs", "use crate::engine::Observer;"),
        ("cli/run.rs", "use crate::engine; let t = std::time::Instant::now();"),
        ("time.rs", "//! See crate::engine.\n/// HashMap\nfn f() {} // std::fs\n#[cfg(test)]\nmod tests {\n use std::fs;\n}"),
        ("dist/math.rs", "x.ln()"),
        ("measure/x.rs", "libm::log(x); x.sqrt(); x.ilog10(); x.log_likelihood()"),
    ] {
        assert_eq!(faults(path, source), [""; 0], "{path}");
    }
}

#[test]
fn every_exception_is_still_needed() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (file, module, _) in EXCEPTIONS {
        let uses = sources(&src).iter().any(|path| {
            let name = path.strip_prefix(&src).expect("it was found there").to_string_lossy().replace('\\', "/");
            name.starts_with(file) && named(&code(&fs::read_to_string(path).expect("sources are UTF-8"))).contains(&module)
        });
        assert!(uses, "{file} no longer names {module}: take it off the list");
    }
}
