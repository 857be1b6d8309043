//! `evenkeel trace calibrate`: backends as recorded traffic shows them, and how near a simulation of them comes to what was recorded.

use super::proof;
use crate::cli::Code;
use crate::cli::args::ListFormat;
use crate::cli::files;
use crate::cli::progress::{is_interrupted, listen_for_interrupts};
use crate::cli::terminal::Terminal;
use crate::engine::{self, Observer, Request, Stopped};
use crate::measure::histogram::Fine;
use crate::report::neutral;
use crate::report::style::Style;
use crate::scenario::Override;
use crate::trace::calibrate::{self, Calibration, Rule, Trouble, Workers};
use crate::trace::fit::scenario::{dist, number};
use crate::trace::tape::Tape;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

/// What can be asked.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct CalibrateArgs {
    /// Write the calibrated scenario into this file
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// The seed of the simulation
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u32,
    /// What standard output carries
    #[arg(long, value_enum, default_value_t = ListFormat::Table)]
    pub(super) format: ListFormat,
}

/// Records that are simulated and compared, at most: the first ones.
const MOST: usize = 1_000_000;
/// Bands of load: all, and the thirds of requests by what was in flight when they came.
const BANDS: [&str; 4] = ["all", "light", "middle", "heavy"];

/// Latencies of a band.
struct Band {
    /// Requests that are compared.
    requests: u64,
    /// Mean, p50, p90 and p99 in milliseconds.
    ms: [Option<f64>; 4],
}

/// The recorded latencies, or those of a balancer.
struct Latencies {
    name: String,
    bands: Vec<Band>,
}

/// Calibrates a tape; `names` are the files it was read from.
pub(super) fn calibrate(tape: &Arc<Tape>, args: &CalibrateArgs, names: &[String], terminal: &Terminal) -> Code {
    match try_calibrate(tape, args, names, terminal) {
        Ok(code) | Err(code) => code,
    }
}

fn try_calibrate(tape: &Arc<Tape>, args: &CalibrateArgs, names: &[String], terminal: &Terminal) -> Result<Code, Code> {
    let failed = |trouble: Trouble| {
        terminal.error(&trouble.to_string());
        if matches!(trouble, Trouble::Missing(_)) { Code::Invalid } else { Code::Failed }
    };
    let found = Calibration::of(tape).map_err(failed)?;
    let work = found.work.iter().find(|law| law.chosen).map_or("\"1ms\"".into(), |law| dist(&law.dist));
    let text = scenario_of(&found, tape.records(), names, &work);
    listen_for_interrupts();
    let times = calibrate::times(tape, MOST).map_err(|fault| failed(fault.into()))?;
    let bands = bands(&times);
    let mut latencies = vec![recorded(&times, &bands)];
    // The recorded choices knew what the recorded works were: with others they would be choices made blindly.
    let inferred = Arc::new(found.inferred(tape, MOST).map_err(|fault| failed(fault.into()))?);
    let as_it_was = scenario_of(&found, tape.records(), names, "{ from = \"service\" }");
    for (name, latency) in ["as-recorded", "same work"].iter().zip(simulated(&as_it_was, &inferred, &bands, args, terminal)?) {
        let name = if *name == "same work" { format!("{}, same work", latency.name) } else { latency.name };
        latencies.push(Latencies { name, ..latency });
    }
    latencies.extend(simulated(&text, tape, &bands, args, terminal)?.into_iter().skip(1));
    for remark in &found.remarks {
        terminal.warning(remark);
    }
    if let Some(path) = &args.out {
        files::write_or_say(path, |file| file.write_all(text.as_bytes()), terminal)?;
    }
    Ok(match args.format {
        ListFormat::Table => terminal.result(&draw(&found, &latencies, terminal)),
        ListFormat::Json => terminal.result(&format!("{:#}\n", object(&found, &latencies, &text))),
    })
}

/// The band of each record, from 1; 0 for those that do not say how long they took.
fn bands(times: &[Option<(u32, u64)>]) -> Vec<u8> {
    let mut loads: Vec<u32> = times.iter().flatten().map(|time| time.0).collect();
    loads.sort_unstable();
    let bound = |third: usize| loads.get(loads.len() * third / 3).copied().unwrap_or(0);
    let (first, second) = (bound(1), bound(2));
    let band = |load: u32| if load < first { 1 } else { 2 + u8::from(load >= second) };
    times.iter().map(|time| time.map_or(0, |(load, _)| band(load))).collect()
}

fn recorded(times: &[Option<(u32, u64)>], bands: &[u8]) -> Latencies {
    let mut counted = Counted::new(bands);
    for (number, time) in times.iter().enumerate() {
        if let Some((_, time)) = time {
            counted.add(number as u64, *time);
        }
    }
    counted.latencies("recorded")
}

/// Latencies by band, as they come.
struct Counted<'b> {
    bands: &'b [u8],
    histograms: [Fine; 4],
}

impl<'b> Counted<'b> {
    fn new(bands: &'b [u8]) -> Self {
        Self { bands, histograms: Default::default() }
    }

    fn add(&mut self, number: u64, time: u64) {
        if let Some(&band @ 1..) = self.bands.get(number as usize) {
            self.histograms[0].record(time);
            self.histograms[usize::from(band)].record(time);
        }
    }

    fn latencies(&self, name: &str) -> Latencies {
        let ms = |value: Option<u64>| value.map(|ns| ns as f64 / 1e6);
        let band = |times: &Fine| Band {
            requests: times.count(),
            ms: [times.mean().map(|ns| ns / 1e6), ms(times.quantile(0.5)), ms(times.quantile(0.9)), ms(times.quantile(0.99))],
        };
        Latencies { name: name.into(), bands: self.histograms.iter().map(band).collect() }
    }
}

impl Observer for Counted<'_> {
    fn succeeded(&mut self, request: &Request, _: u32, _: u64, now: u64) {
        self.add(request.number, now - request.arrival);
    }
}

fn simulated(text: &str, tape: &Arc<Tape>, bands: &[u8], args: &CalibrateArgs, terminal: &Terminal) -> Result<Vec<Latencies>, Code> {
    let seed = Override::option("--seed", "run.seed", &args.seed.to_string());
    let requests = Override::set(&format!("run.requests={}", bands.len()));
    let job = proof::job(text, "the calibrated scenario", &[seed, requests], tape, terminal)?;
    let mut all = Vec::new();
    for plan in &job.plans {
        for (number, balancer) in plan.balancers.iter().enumerate() {
            let (counted, _) =
                engine::run(plan, number, 0, Counted::new(bands), &mut |_| !is_interrupted()).map_err(|stopped| match stopped {
                    Stopped::Interrupted => Code::Interrupted,
                    Stopped::Trouble(what) => {
                        terminal.error(&what);
                        Code::Failed
                    }
                })?;
            all.push(counted.latencies(&balancer.label));
        }
    }
    Ok(all)
}

/// The scenario: recorded arrivals and choices, calibrated backends, work drawn anew.
fn scenario_of(found: &Calibration, records: u64, names: &[String], work: &str) -> String {
    let files: Vec<String> = names.iter().map(|name| Value::String(name.clone()).to_string()).collect();
    let mut text = format!(
        "# Backends calibrated to recorded traffic by `evenkeel trace calibrate`. Arrivals and choices are as recorded; work is drawn from what requests took that did not wait.\n\
         title = \"Calibrated to recorded traffic\"\n\n[run]\nrequests = {}\nwarmup = \"0%\"\nreplications = 5\n\n[traffic]\narrivals = {{ process = \"recorded\", file = [{}] }}\nwork = {work}\n\n\
         # With work that is drawn anew the recorded choices are blind to it: too slow where the recorded balancer looked at what was in flight.\n[[balancer]]\nkind = \"as-recorded\"\n\n# what explains the recorded choices best\n[[balancer]]\n{}\n",
        records.clamp(1, MOST as u64),
        files.join(", "),
        match found.rules[0].rule {
            Rule::Weighted => "kind = \"weighted-random\"",
            Rule::WeightedInTurn => "kind = \"weighted-round-robin\"",
            Rule::RoundRobin => "kind = \"round-robin\"",
            Rule::LeastConnections => "kind = \"least-connections\"",
            Rule::Random => "kind = \"random\"",
        }
    );
    let most = found.backends.iter().map(|backend| backend.requests).max().unwrap_or(1).max(1) as f64;
    for (at, backend) in found.backends.iter().enumerate() {
        let workers = match backend.workers {
            Workers::Some(count) => count.to_string(),
            Workers::Unlimited => "\"unlimited\"".into(),
        };
        let _ = write!(
            text,
            "\n[[backends]]   # {}\nname = \"calibrated-{at:04}\"\nspeed = {}\nworkers = {workers}\n",
            neutral::plain(&backend.name).replace(['\n', '\r'], " "),
            number(backend.speed)
        );
        if matches!(found.rules[0].rule, Rule::Weighted | Rule::WeightedInTurn) {
            let _ = writeln!(text, "weight = {}", number(backend.requests as f64 / most));
        }
    }
    text
}

fn draw(found: &Calibration, latencies: &[Latencies], terminal: &Terminal) -> String {
    let head = |text: &str| terminal.paint(Style::Heading, text);
    let mut text = format!(
        "{:<42} {:>10} {:>8} {:>10} {:>12} {:>14}\n",
        head("backend"),
        "requests",
        "speed",
        "workers",
        "median ms",
        "most in flight"
    );
    for backend in &found.backends {
        let workers = match backend.workers {
            Workers::Some(count) => count.to_string(),
            Workers::Unlimited => "unlimited".into(),
        };
        let name: String = neutral::plain(&backend.name).chars().take(42).collect();
        let (speed, median) = (backend.speed, backend.median / 1e6);
        let _ = writeln!(text, "{name:<42} {:>10} {speed:>8.3} {workers:>10} {median:>12.3} {:>14}", backend.requests, backend.in_flight);
    }
    let _ = writeln!(text, "\n{}", head("who chose (logarithm of the likelihood of a choice, best first)"));
    for guess in &found.rules {
        let share = guess.share.map_or(String::new(), |share| format!("   allows {:.1}% of the choices", 100.0 * share));
        let _ = writeln!(text, "  {:<20} {:>9.4}{share}", guess.rule.name(), guess.ln_likelihood);
    }
    let _ = writeln!(text, "\n{}", head("latency: recorded, and simulated on the calibrated backends"));
    let _ =
        writeln!(text, "{:<8} {:<30} {:>9} {:>21} {:>21} {:>21} {:>21}", "load", "", "requests", "mean ms", "p50 ms", "p90 ms", "p99 ms");
    for (at, band) in BANDS.iter().enumerate() {
        for one in latencies {
            let known = &latencies[0].bands[at];
            let cell = |column: usize| match (one.bands[at].ms[column], known.ms[column]) {
                (Some(value), Some(known)) if one.name != "recorded" && known > 0.0 => {
                    format!(" {value:>12.3} {:>+7.1}%", 100.0 * (value / known - 1.0))
                }
                (Some(value), _) => format!(" {value:>12.3}         "),
                (None, _) => format!(" {:>21}", "-"),
            };
            let cells: String = (0..4).map(cell).collect();
            let _ = writeln!(text, "{band:<8} {:<30} {:>9}{cells}", one.name, one.bands[at].requests);
        }
    }
    text
}

fn object(found: &Calibration, latencies: &[Latencies], text: &str) -> Value {
    let backends = found.backends.iter().map(|backend| {
        let workers = match backend.workers {
            Workers::Some(count) => json!(count),
            Workers::Unlimited => json!("unlimited"),
        };
        json!({"name": backend.name, "requests": backend.requests, "speed": backend.speed, "workers": workers, "median_ms": backend.median / 1e6, "in_flight_max": backend.in_flight})
    });
    let rules =
        found.rules.iter().map(|guess| json!({"rule": guess.rule.name(), "ln_likelihood": guess.ln_likelihood, "share": guess.share}));
    let bands = latencies.iter().flat_map(|one| {
        one.bands.iter().zip(BANDS).map(|(band, name)| {
            let [mean, p50, p90, p99] = band.ms;
            json!({"of": one.name, "load": name, "requests": band.requests, "latency_ms": {"mean": mean, "p50": p50, "p90": p90, "p99": p99}})
        })
    });
    json!({"backends": backends.collect::<Vec<_>>(), "rules": rules.collect::<Vec<_>>(), "latencies": bands.collect::<Vec<_>>(), "remarks": found.remarks, "scenario": text})
}
