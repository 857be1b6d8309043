//! Random systems: topologies, faults and policies drawn from a seed, run with every invariant on.
//!
//! A system is a scenario's text, so that it goes the whole way from the decoder to the record, and prints as something that can be run again. What is
//! checked is what the engine asserts at the end of every cell (every request and every attempt has ended in exactly one way, all worker-time was of use, wasted or lost,
//! Little's law holds at every backend), what the recorder asserts, and that the same seed gives the same bits.

use super::simulate;
use crate::balance;
use crate::engine;
use crate::measure::record::Record;
use crate::measure::recorder::{Recorder, Recording};
use crate::measure::witness::Witness;
use crate::plan::Plan;
use crate::random::Stream;
use crate::scenario::{self, NoFiles, Source};
use std::fmt::Write;

/// What came of a random system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything held.
    Held {
        /// Requests that were simulated.
        requests: u64,
        /// Of them, those that failed or were still there at the end.
        unanswered: u64,
        /// A hash of all that happened.
        fingerprint: u64,
    },
    /// The second run gave other bits.
    Differs,
    /// The text that was made is refused, which is a fault of this generator.
    Refused(String),
}

/// Runs the system of a seed twice.
///
/// # Panics
/// Where an invariant does not hold: that is what it is for.
#[must_use]
pub fn run(seed: u64) -> Verdict {
    let text = system(seed);
    let loaded = match scenario::load(&Source::new("chaos.toml", text.as_bytes()), &[], &NoFiles) {
        Ok(loaded) => loaded,
        Err(faults) => return Verdict::Refused(faults.to_string()),
    };
    let plan = match Plan::new(&loaded.variants[0].scenario, None) {
        Ok(plan) => plan,
        Err(faults) => return Verdict::Refused(format!("{faults:?}")),
    };
    let (first, second) = (simulate(&plan, 0), watched(&plan));
    if first.fingerprint != second.fingerprint || first.latency.sum() != second.latency.sum() {
        return Verdict::Differs;
    }
    Verdict::Held { requests: first.offered, unanswered: first.failed + first.unfinished, fingerprint: super::digest(&first) }
}

/// The second time, its faults are watched, which must change nothing.
fn watched(plan: &Plan) -> Record {
    let (witness, ending) =
        engine::run(plan, 0, 0, (Recorder::new(plan), Witness::new(plan, 0)), &mut |_| true).expect("nobody interrupts the self-test");
    witness.finish(&ending)
}

/// A system being drawn.
struct Draw {
    stream: Stream,
    text: String,
    services: u64,
    /// Names of groups of backends.
    groups: Vec<String>,
    clients: bool,
}

/// The scenario of a seed.
#[must_use]
pub fn system(seed: u64) -> String {
    let stream = Stream::new(seed ^ 0x000C_4A05_000C_4A05);
    let mut draw = Draw { stream, text: String::new(), services: 1, groups: Vec::new(), clients: false };
    draw.all(seed);
    draw.text
}

impl Draw {
    fn chance(&mut self, share: f64) -> bool {
        self.stream.unit() < share
    }

    fn below(&mut self, n: u64) -> u64 {
        self.stream.below(n)
    }

    fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.below(of.len() as u64) as usize]
    }

    fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(line.as_ref());
        self.text.push('\n');
    }

    /// A key, with so much probability.
    fn maybe(&mut self, share: f64, line: impl FnOnce(&mut Self) -> String) {
        if self.chance(share) {
            let line = line(self);
            self.line(line);
        }
    }

    /// A duration of up to so many milliseconds.
    fn span(&mut self, most_ms: u64) -> String {
        format!("\"{}us\"", 1 + self.below(most_ms * 1000))
    }

    fn all(&mut self, seed: u64) {
        let kinds: Vec<&str> = balance::entries()
            .filter(|entry| scenario::needed(entry).is_none() && !entry.name.contains("script"))
            .map(|entry| entry.name)
            .collect();
        let kind = kinds[self.below(kinds.len() as u64) as usize];
        self.line(format!("balancers = [\"{kind}\"]"));
        self.line("[run]");
        let requests = 20 + self.below(400);
        self.line(format!("requests = {requests}\nwarmup = \"0%\"\nreplications = 1\nseed = {}\nmax_in_flight = 5000", seed % 1000));
        self.services = if self.chance(0.3) { 2 + self.below(3) } else { 1 };
        self.traffic();
        if self.services == 1 {
            let groups = 1 + self.below(3);
            (0..groups).for_each(|number| self.group("backends", &format!("web{number}")));
        } else {
            (0..self.services).for_each(|number| self.service(number));
        }
        self.tier();
        if self.chance(0.7) {
            self.line("[client]");
            self.client();
        }
        self.health();
        self.discovery();
        let faults = self.below(5);
        (0..faults).for_each(|number| self.fault(number));
    }

    fn traffic(&mut self) {
        self.line("[traffic]");
        if self.chance(0.15) {
            let (clients, think) = (1 + self.below(20), self.span(20));
            self.line(format!("arrivals = {{ process = \"closed\", clients = {clients}, think = {think} }}"));
        } else {
            let process = self.one(&["poisson", "constant"]);
            let rate = 20 + self.below(1500);
            self.line(format!("arrivals = {{ process = \"{process}\", rate = \"{rate}/s\" }}"));
            self.clients = self.chance(0.4);
            if self.clients {
                let (count, connections) = (1 + self.below(9), 1 + self.below(3));
                self.line(format!("clients = {{ count = {count}, connections = {connections}, requests_per_connection = 7 }}"));
            }
        }
        if self.services == 1 {
            self.work();
        }
        self.maybe(0.4, |_| "keys = { dist = \"zipf\", count = 20 }".into());
        self.maybe(0.2, |draw| format!("zone = \"{}\"", draw.one(&["a", "b"])));
    }

    fn work(&mut self) {
        let mean = self.span(20);
        let dist = self.one(&["constant", "exponential"]);
        let name = if dist == "constant" { "value" } else { "mean" };
        self.line(format!("work = {{ dist = \"{dist}\", {name} = {mean} }}"));
    }

    fn group(&mut self, section: &str, name: &str) {
        self.groups.push(name.to_owned());
        let count = 1 + self.below(4);
        self.line(format!("[[{section}]]\nname = \"{name}\"\ncount = {count}"));
        let workers = self.one(&["1", "1", "2", "5", "\"unlimited\""]);
        self.line(format!("workers = {workers}"));
        self.maybe(0.5, |draw| format!("discipline = \"{}\"", draw.one(&["fifo", "lifo", "processor-sharing", "priority"])));
        self.maybe(0.3, |draw| format!("queue = {}", draw.below(10)));
        self.maybe(0.3, |draw| format!("speed = {}", draw.one(&["0.5", "2.0", "0.3"])));
        self.maybe(0.3, |draw| format!("network = {}", draw.span(3)));
        self.maybe(0.2, |_| "per_in_flight = \"100us\"".into());
        self.maybe(0.2, |_| "cache = { keys = 5, hit = 0.2 }".into());
        self.maybe(0.3, |draw| format!("zone = \"{}\"", draw.one(&["a", "b"])));
    }

    fn service(&mut self, number: u64) {
        self.line(format!("[[service]]\nname = \"s{number}\""));
        self.work();
        let later: Vec<u64> = (number + 1..self.services).collect();
        if !later.is_empty() {
            let calls = 1 + self.below(2);
            let calls: Vec<String> = (0..calls).map(|_| self.call(&later)).collect();
            self.line(format!("calls = [{}]", calls.join(", ")));
        }
        self.maybe(0.5, |draw| format!("holds_worker = {}", draw.one(&["true", "false"])));
        self.maybe(0.5, |draw| format!("via = \"{}\"", draw.one(&["callers", "proxy"])));
        self.maybe(0.3, |draw| format!("balancer = \"{}\"", draw.one(&["round-robin", "random", "least-connections"])));
        if self.chance(0.4) {
            self.line("[service.client]");
            self.client();
        }
        self.group("service.backends", &format!("s{number}-web"));
    }

    fn call(&mut self, later: &[u64]) -> String {
        let to = later[self.below(later.len() as u64) as usize];
        let (share, count, parallel) = (self.one(&["1.0", "0.5"]), 1 + self.below(3), self.one(&["true", "false"]));
        format!("{{ to = \"s{to}\", share = {share}, count = {count}, parallel = {parallel} }}")
    }

    fn tier(&mut self) {
        self.line("[tier]");
        self.maybe(0.4, |draw| format!("instances = {}", 1 + draw.below(4)));
        self.maybe(0.2, |_| "view = \"shared\"".into());
        if self.clients {
            self.maybe(0.3, |_| "picks = \"connection\"".into());
            self.maybe(0.3, |_| "assign = \"client\"".into());
        }
    }

    fn client(&mut self) {
        self.maybe(0.5, |draw| format!("timeout = {}", draw.span(200)));
        self.maybe(0.5, |draw| format!("attempt_timeout = {}", draw.span(60)));
        self.maybe(0.2, |draw| format!("patience = {}", draw.span(40)));
        self.maybe(0.4, |draw| format!("cancels = {}", draw.one(&["true", "false"])));
        self.maybe(0.3, |_| "redraw = true".into());
        self.maybe(0.3, |_| "passes_deadline = true".into());
        self.maybe(0.6, Self::retry);
        self.maybe(0.4, |draw| {
            let after = draw.span(30);
            let after = draw.one(&["\"0s\"", "\"p90\"", &after]).to_owned();
            format!("hedge = {{ after = {after}, max = {} }}", 1 + draw.below(3))
        });
        self.maybe(0.2, |draw| format!("breaker = {{ max_in_flight = {}, max_retries = 5, max_waiting = 3, consecutive_failures = 3, least = \"5ms\", most = \"50ms\" }}", 1 + draw.below(9)));
        self.maybe(0.15, |_| "throttle = { k = 1.5, window = \"1s\" }".into());
    }

    fn retry(&mut self) -> String {
        let mut text = format!("retry = {{ max = {}", self.below(5));
        let backoff = match self.below(4) {
            0 => "{ base = \"0s\" }".into(),
            1 => format!("{{ base = \"1ms\", max = \"20ms\", jitter = \"{}\" }}", self.one(&["none", "full", "equal", "decorrelated"])),
            2 => "{ dist = \"exponential\", mean = \"2ms\" }".into(),
            _ => "\"1ms\"".to_owned(),
        };
        let _ = write!(text, ", backoff = {backoff}");
        if self.chance(0.4) {
            let budget = self.one(&[
                "{ ratio = 0.2, min_per_second = 3 }",
                "{ share = 0.2 }",
                "{ tokens = 10, ratio = 0.1 }",
                "{ ratio = 0.1, cap = 5 }",
                "{ failures_below = 0.1 }",
            ]);
            let _ = write!(text, ", budget = {budget}");
        }
        if self.chance(0.3) {
            text.push_str(", on = [\"refused\", \"error\", \"timeout\", \"crashed\", \"no-backend\", \"shed\"]");
        }
        if self.chance(0.5) {
            text.push_str(", avoid_tried = true");
        }
        text + " }"
    }

    fn health(&mut self) {
        self.line("[health]");
        self.maybe(0.3, |draw| format!("panic_below = \"{}%\"", draw.below(100)));
        self.maybe(0.3, |draw| format!("slow_start = {}", draw.span(100)));
        self.maybe(0.4, |draw| {
            let (interval, timeout) = (draw.span(30), draw.span(30));
            format!(
                "active = {{ interval = {interval}, timeout = {timeout}, unhealthy_after = {}, healthy_after = {}, jitter = 0.2 }}",
                1 + draw.below(3),
                1 + draw.below(3)
            )
        });
        self.maybe(0.4, |draw| {
            let (interval, ejection) = (draw.span(50), draw.span(100));
            format!(
                "outlier = {{ consecutive_errors = {}, interval = {interval}, ejection = {ejection}, max_ejected = \"{}%\" }}",
                1 + draw.below(4),
                20 + draw.below(80)
            )
        });
    }

    fn discovery(&mut self) {
        let mut discovery = String::new();
        if self.chance(0.4) {
            let span = self.span(50);
            discovery = match self.below(4) {
                0 => "kind = \"static\"".into(),
                1 => format!("kind = \"dns\"\nttl = {span}"),
                2 => format!("kind = \"registry\"\ndelay = {span}"),
                _ => format!("kind = \"poll\"\ninterval = {span}"),
            };
        }
        if !discovery.is_empty() {
            self.line(format!("[discovery]\n{discovery}"));
        }
    }

    fn fault(&mut self, number: u64) {
        let kind = self.one(&["crash", "hang", "slow", "errors", "pause", "flap", "latency", "loss", "stale", "leave", "join", "deploy"]);
        self.line(format!("[[fault]]\nkind = \"{kind}\"\nname = \"fault{number}\""));
        let number = self.below(self.groups.len() as u64) as usize;
        let group = self.groups[number].clone();
        let target = self.one(&["all", "20%", "random:1", "GROUP", "GROUP"]).replace("GROUP", &group);
        let at = self.below(400_000);
        self.line(format!("target = \"{target}\"\nat = \"{at}us\""));
        let (a, b) = (1 + self.below(50_000), 1 + self.below(50_000));
        let extra = match kind {
            "slow" => "factor = 0.2".to_owned(),
            "errors" => "share = 0.4\ntakes = \"500us\"".into(),
            "flap" => format!("up = \"{a}us\"\ndown = \"{b}us\""),
            "latency" => "add = { dist = \"exponential\", mean = \"2ms\" }".into(),
            "loss" => "share = 0.2".into(),
            "leave" => "drain = \"1ms\"".into(),
            "join" => "factor = 0.2\nover = \"30ms\"".into(),
            "deploy" => format!("batch = 1\ndrain = \"1ms\"\ntakes = \"{a}us\"\nfactor = 0.3\nover = \"20ms\""),
            _ => String::new(),
        };
        if !extra.is_empty() {
            self.line(extra);
        }
        match (kind, self.below(4)) {
            ("join" | "deploy", _) | (_, 0) => {}
            (_, 1) => {
                let lasts = 2_000 + b;
                self.line(format!("for = \"{lasts}us\"\nevery = \"{}us\"", lasts + a + 1_000));
            }
            ("leave", _) | (_, 2) => self.line(format!("for = \"{}us\"", 2_000 + a)),
            _ => self.line(format!("mtbf = \"{}us\"\nmttr = \"{}us\"", 5_000 + a, 1_000 + b)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_systems_hold() {
        let mut answered = 0;
        for seed in 0..150 {
            match run(seed) {
                Verdict::Held { requests, unanswered, .. } => answered += requests - unanswered,
                other => panic!("seed {seed}: {other:?}\n{}", system(seed)),
            }
        }
        assert!(answered > 1_000, "hardly anything was answered: {answered}");
    }
}
