//! The proof of a fit: recorded traffic and its model on the same pool, side by side.

use super::fit::FitArgs;
use crate::cli::Code;
use crate::cli::progress::is_interrupted;
use crate::cli::terminal::Terminal;
use crate::measure::summary::ResultSummary;
use crate::report::style::Style;
use crate::run::Job;
use crate::scenario::{self, FileFault, Files, Override, Recording, Source as Text, Wanted};
use crate::trace::Entry;
use crate::trace::fit::{Pool, Source};
use crate::trace::tally::Tally;
use crate::trace::tape::Tape;
use crate::traffic::{Source as Traffic, SourcePlan};
use serde_json::{Value, json};
use std::fmt::Write;
use std::sync::Arc;

/// Requests of a replication, at most.
const MOST: u64 = 1_000_000;
/// Replications whose traffic is looked at, at most.
const LOOKED: u32 = 10;

/// Something that both have, and what it is of each.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    name: String,
    recorded: Option<f64>,
    model: Option<f64>,
    /// Half the width of the model's 95% interval over replications, where it has one.
    chance: Option<f64>,
}

impl Row {
    fn off(&self) -> Option<f64> {
        let (recorded, model) = (self.recorded?, self.model?);
        (recorded != 0.0).then(|| model / recorded - 1.0)
    }
}

/// Both side by side.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Proof {
    traffic: Vec<Row>,
    latency: Vec<Row>,
    pool: (u32, f64),
    words: Vec<String>,
}

/// What is run.
#[derive(Clone, Copy)]
pub(super) struct Model<'a> {
    pub(super) text: &'a str,
    pub(super) work: Option<&'a str>,
    pub(super) source: Source,
    pub(super) pool: Pool,
}

/// Runs both.
pub(super) fn prove(model: Model<'_>, tape: &Arc<Tape>, args: &FitArgs, terminal: &Terminal) -> Result<Proof, Code> {
    let requests = tape.records().min(MOST);
    let work = match model.source {
        Source::Service => "{ from = \"service\" }",
        Source::Duration => "{ from = \"duration\" }",
        Source::Given => model.work.unwrap_or("\"1ms\""),
    };
    let names: Vec<String> = args.balancers.iter().map(|name| format!("\"{name}\"")).collect();
    let recorded = format!(
        "balancers = [{}]\n[run]\nrequests = {requests}\n[traffic]\narrivals = {{ process = \"recorded\", file = \"trace\" }}\nwork = {work}\n[[backends]]\ncount = {}\nspeed = {}\n",
        names.join(", "),
        model.pool.count,
        model.pool.speed
    );
    let recorded = ran(&recorded, requests, tape, args, terminal)?;
    let made = ran(model.text, requests, tape, args, terminal)?;
    let mut proof = Proof {
        traffic: traffic(&recorded.traffic, &made.traffic),
        latency: latencies(&recorded.results, &made.results),
        pool: (model.pool.count, model.pool.speed),
        words: Vec::new(),
    };
    proof.words = words(&proof, &known(tape, requests, model.source));
    Ok(proof)
}

struct Ran {
    /// Of some replications.
    traffic: Vec<Tally>,
    results: Vec<ResultSummary>,
}

/// The tape, whatever the file is called.
struct Only<'t>(&'t Arc<Tape>);

impl Files for Only<'_> {
    fn read(&self, path: &str, _: usize) -> Result<Vec<u8>, FileFault> {
        Err(FileFault { tried: path.to_owned(), reason: "there is only the trace".into() })
    }

    fn tape(&self, _: &Wanted) -> Result<Recording, FileFault> {
        Ok(Recording { tape: self.0.clone(), notes: Vec::new() })
    }
}

/// A scenario of ours, ready to run on the tape.
pub(super) fn job(text: &str, what: &str, overrides: &[Override], tape: &Arc<Tape>, terminal: &Terminal) -> Result<Job, Code> {
    let loaded = scenario::load(&Text::new(what, text.as_bytes()), overrides, &Only(tape)).map_err(|faults| {
        terminal.diagnostics(&faults);
        Code::Failed
    })?;
    Job::new(&loaded).map_err(|faults| {
        faults.iter().for_each(|found| terminal.error(&found.fault.fault.to_string()));
        Code::Failed
    })
}

fn ran(text: &str, requests: u64, tape: &Arc<Tape>, args: &FitArgs, terminal: &Terminal) -> Result<Ran, Code> {
    let overrides = [
        Override::option("--replications", "run.replications", &args.replications.to_string()),
        Override::option("--seed", "run.seed", &args.seed.to_string()),
        Override::set(&format!("run.requests={requests}")),
    ];
    let job = job(text, "the fitted scenario", &overrides, tape, terminal)?;
    let source = job.plans.first().and_then(|plan| plan.sources.first());
    let looked = |source: &SourcePlan| (0..args.replications.min(LOOKED)).map(|number| look(source, requests, number, args.seed)).collect();
    let traffic = source.map(looked).unwrap_or_default();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let outcome = job.run(threads, &|_| !is_interrupted());
    if let Some((balancer, trouble)) = &outcome.trouble {
        terminal.error(&format!("{balancer}: {trouble}"));
        return Err(Code::Failed);
    }
    let results = outcome.summary.map(|summary| summary.results).ok_or(Code::Interrupted)?;
    Ok(Ran { traffic, results })
}

/// The traffic that a source makes, as `trace inspect` would see it.
fn look(plan: &SourcePlan, requests: u64, replication: u32, seed: u32) -> Tally {
    let (mut source, mut tally) = (Traffic::new(plan, seed.into(), replication.into(), 0), Tally::default());
    for _ in 0..requests {
        let (at, work, _) = source.peek();
        let Ok(at) = i64::try_from(at) else { break };
        tally.add(&Entry { at, tick: 1, service: Some(work), ..Entry::default() });
        source.advance();
    }
    tally
}

fn traffic(recorded: &[Tally], model: &[Tally]) -> Vec<Row> {
    // What one replication happens to be says little of a bursty model: the mean over them.
    let mean = |all: &[Tally], of: &dyn Fn(&Tally) -> Option<f64>| {
        let values: Vec<f64> = all.iter().filter_map(of).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    let row = |name: &str, of: &dyn Fn(&Tally) -> Option<f64>| Row {
        name: name.into(),
        recorded: mean(recorded, of),
        model: mean(model, of),
        chance: None,
    };
    let ms = |value: Option<u64>| value.map(|ns| ns as f64 / 1e6);
    let mut rows = vec![row("rate /s", &Tally::rate), row("gap CV", &Tally::gap_variation)];
    for (at, scale) in ["0.1 s", "1 s", "10 s", "60 s"].iter().enumerate() {
        rows.push(row(&format!("counts' variance by mean at {scale}"), &|tally| tally.dispersion()[at]));
    }
    rows.push(row("work mean ms", &|tally| tally.service.mean().map(|ns| ns / 1e6)));
    rows.push(row("work p50 ms", &|tally| ms(tally.service.quantile(0.5))));
    rows.push(row("work p99 ms", &|tally| ms(tally.service.quantile(0.99))));
    rows
}

fn latencies(recorded: &[ResultSummary], model: &[ResultSummary]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (one, other) in recorded.iter().zip(model) {
        let (a, b, chance) = (&one.latency_ms, &other.latency_ms, &other.latency_ms_ci95);
        let values = [("mean", a.mean, b.mean, chance.mean), ("p50", a.p50, b.p50, chance.p50), ("p99", a.p99, b.p99, chance.p99)];
        rows.extend(values.map(|(name, recorded, model, chance)| Row {
            name: format!("{}: latency {name} ms", one.balancer),
            recorded,
            model,
            chance,
        }));
    }
    rows
}

/// A difference that is worth words.
const NOTABLE: f64 = 0.2;

/// What a reason hangs on.
struct Known {
    /// Scales of which the record has windows enough.
    scales: Vec<&'static str>,
    is_cut: bool,
    source: Source,
}

fn known(tape: &Tape, requests: u64, source: Source) -> Known {
    let long = |seconds: f64| tape.span() as f64 >= 20e9 * seconds;
    let scales = [("0.1 s", 0.1), ("1 s", 1.0), ("10 s", 10.0), ("60 s", 60.0)];
    Known { scales: scales.iter().filter(|scale| long(scale.1)).map(|scale| scale.0).collect(), is_cut: requests < tape.records(), source }
}

/// Where they differ, and why that may be.
fn words(proof: &Proof, known: &Known) -> Vec<String> {
    let mut said = Vec::new();
    let off = |name: &str| proof.traffic.iter().find(|row| row.name.starts_with(name)).and_then(Row::off);
    let mut reasons = Vec::new();
    for scale in &known.scales {
        match off(&format!("counts' variance by mean at {scale}")) {
            Some(off) if off < -0.33 => reasons.push(format!("the trace is burstier over {scale} than the model")),
            Some(off) if off > 0.5 => reasons.push(format!("the model is burstier over {scale} than the trace")),
            _ => {}
        }
    }
    for name in ["rate /s", "work mean ms", "work p99 ms"] {
        if let Some(off) = off(name).filter(|off| off.abs() > 0.05) {
            reasons.push(format!("{name} is {:+.0}% off", 100.0 * off));
        }
    }
    for row in &proof.latency {
        let (Some(off), Some(recorded), Some(model)) = (row.off(), row.recorded, row.model) else { continue };
        if off.abs() > NOTABLE {
            let is_chance = row.chance.is_some_and(|chance| (model - recorded).abs() <= chance);
            let tail = if is_chance { "; the model's own replications differ as much" } else { "" };
            said.push(format!("{}: the model is {:+.0}% off{tail}", row.name, 100.0 * off));
        }
    }
    if said.is_empty() {
        said.push(format!("no simulated latency is more than {:.0}% off", 100.0 * NOTABLE));
    } else if known.source == Source::Duration {
        reasons.push("recorded durations are long together, when the recorded system was busy; the model draws each for itself".into());
    } else if reasons.is_empty() {
        reasons.push(
            "neither burstiness nor work tells why: in the model work does not hang on when a request comes, on its client or on its key; in the record it may".into(),
        );
    }
    said.extend(reasons);
    if known.is_cut {
        said.push(format!("both were run for the first {MOST} requests only"));
    }
    said
}

/// The table.
pub(super) fn draw(proof: &Proof, paint: &dyn Fn(Style, &str) -> String) -> String {
    let (count, speed) = proof.pool;
    let mut text = format!("{}: both on {count} backends of speed {speed:.4}, one worker each\n", paint(Style::Heading, "proof"));
    let _ = writeln!(text, "  {:<62} {:>14} {:>12} {:>8}", "", "recorded", "model", "off");
    for row in proof.traffic.iter().chain(&proof.latency) {
        let figure = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.3}"));
        let off = row.off().map_or("-".into(), |off| format!("{:+.1}%", 100.0 * off));
        let chance = row.chance.map_or(String::new(), |chance| format!("  ± {chance:.3}"));
        let line = format!("  {:<62} {:>14} {:>12} {:>8}{chance}", row.name, figure(row.recorded), figure(row.model), off);
        let is_off = row.off().is_some_and(|off| off.abs() > NOTABLE);
        text += paint(if is_off { Style::Worse } else { Style::Plain }, &line).as_str();
        text += "\n";
    }
    for word in &proof.words {
        let _ = writeln!(text, "  - {word}");
    }
    text
}

/// The same as an object.
pub(super) fn object(proof: &Proof) -> Value {
    let rows = |rows: &[Row]| {
        let row =
            |row: &Row| json!({"name": row.name, "recorded": row.recorded, "model": row.model, "relative": row.off(), "ci95": row.chance});
        rows.iter().map(row).collect::<Vec<_>>()
    };
    json!({"backends": proof.pool.0, "speed": proof.pool.1, "traffic": rows(&proof.traffic), "latency": rows(&proof.latency), "words": proof.words})
}
