//! `evenkeel trace fit`: a synthetic scenario that behaves like recorded traffic, and the proof: both on the same pool.

use super::proof::{self, Model, Proof};
use crate::balance;
use crate::cli::Code;
use crate::cli::args::ListFormat;
use crate::cli::files;
use crate::cli::progress::{is_interrupted, listen_for_interrupts};
use crate::cli::terminal::Terminal;
use crate::report::neutral;
use crate::report::style::Style;
use crate::scenario::{self, NoFiles, Source as Text};
use crate::trace::fit::imitate::SCALES;
use crate::trace::fit::{Candidate, Fit, Keys, Law, Pool, Process, Source};
use crate::trace::tape::Tape;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

/// What can be asked.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct FitArgs {
    /// Write the scenario into this file; left out, to standard output, and the tables to standard error
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// The work of a request where the record has none, as in a scenario: "10ms", or { dist = "exponential", mean = "10ms" }
    #[arg(long, value_name = "WORK")]
    pub(super) work: Option<String>,
    /// How busy the pool is on which both are run
    #[arg(long, value_name = "SHARE", default_value_t = 0.7, value_parser = load)]
    pub(super) load: f64,
    /// The balancers that both are run with
    #[arg(long = "balancer", value_name = "NAME", default_values_t = ["round-robin", "random", "least-connections"].map(String::from))]
    pub(super) balancers: Vec<String>,
    /// Replications of both
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) replications: u32,
    /// The seed of both
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u32,
    /// Only fit: do not run anything
    #[arg(long)]
    pub(super) no_proof: bool,
    /// What standard output carries: the scenario (or with --out the tables), or everything as JSON
    #[arg(long, value_enum, default_value_t = ListFormat::Table)]
    pub(super) format: ListFormat,
}

fn load(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().map_err(|_| "a share such as 0.7 is wanted".to_owned())?;
    if (0.01..=0.99).contains(&share) { Ok(share) } else { Err("a share from 0.01 to 0.99 is wanted".into()) }
}

/// Fits a tape, proves it and writes it.
pub(super) fn fit(tape: &Arc<Tape>, args: &FitArgs, terminal: &Terminal) -> Code {
    match try_fit(tape, args, terminal) {
        Ok(code) | Err(code) => code,
    }
}

fn try_fit(tape: &Arc<Tape>, args: &FitArgs, terminal: &Terminal) -> Result<Code, Code> {
    let invalid = |text: String| {
        terminal.error(&text);
        Code::Invalid
    };
    for name in &args.balancers {
        let known = balance::entries().any(|entry| entry.name == name && scenario::needed(entry).is_none());
        if !known {
            return Err(invalid(format!("`--balancer {}`: no such balancer, or one that needs more than its name", neutral::plain(name))));
        }
    }
    if tape.records() < 2 {
        return Err(invalid("the trace has fewer than two requests: there is nothing to fit".into()));
    }
    let source = if args.work.is_some() { Source::Given } else { Source::of(tape) };
    if source == Source::Given && args.work.is_none() {
        return Err(invalid(
            "the record does not say how long requests took\n  help: give their work, for example --work '{ dist = \"exponential\", mean = \"10ms\" }'".into(),
        ));
    }
    let fit = Fit::of(tape, source).map_err(|fault| {
        terminal.error(&format!("the trace cannot be read: {fault}"));
        Code::Failed
    })?;
    let work = args.work.as_deref().map(written);
    let mean = mean_work(&fit, work.as_deref(), terminal)?;
    let pool = Pool::of(fit.rate(), mean, args.load);
    let text = fit.scenario(work.as_deref(), pool, &args.balancers);
    let proof = if args.no_proof {
        None
    } else {
        listen_for_interrupts();
        Some(proof::prove(Model { text: &text, work: work.as_deref(), source, pool }, tape, args, terminal)?)
    };
    let code = give(&fit, &text, proof.as_ref(), args, terminal);
    Ok(if is_interrupted() { Code::Interrupted } else { code })
}

/// Work as a scenario has it: a length of time needs quotes.
fn written(text: &str) -> String {
    let text = text.trim();
    if text.starts_with(['{', '"']) { text.to_owned() } else { format!("\"{text}\"") }
}

/// The mean work of the model, in nanoseconds, by way of a scenario that has it.
fn mean_work(fit: &Fit, work: Option<&str>, terminal: &Terminal) -> Result<f64, Code> {
    let text = fit.scenario(work, Pool { count: 1, speed: 1.0 }, &["random".into()]);
    let source = Text::new("the scenario with --work", text.as_bytes());
    let loaded = scenario::load(&source, &[], &NoFiles).map_err(|diagnostics| {
        terminal.diagnostics(&diagnostics);
        Code::Invalid
    })?;
    let mean = loaded.variants.first().and_then(|variant| variant.scenario.traffic.first()).map_or(0.0, |traffic| traffic.work.mean());
    if mean > 0.0 && mean.is_finite() {
        return Ok(mean);
    }
    terminal.error("no request has any work: there is nothing to balance\n  help: give it with --work");
    Err(Code::Invalid)
}

/// Writes everything where it belongs.
fn give(fit: &Fit, text: &str, proof: Option<&Proof>, args: &FitArgs, terminal: &Terminal) -> Code {
    for remark in &fit.remarks {
        terminal.warning(remark);
    }
    if let Some(path) = &args.out
        && let Err(code) = files::write_or_say(path, |file| file.write_all(text.as_bytes()), terminal)
    {
        return code;
    }
    if args.format == ListFormat::Json {
        let object = object(fit, text, proof);
        return terminal.result(&format!("{object:#}\n"));
    }
    let paint = |style, text: &str| if args.out.is_some() { terminal.paint(style, text) } else { text.to_owned() };
    let mut tables = [candidates(&fit.arrivals, fit, &paint), laws(&fit.work, &paint), keys(fit)].concat();
    if let Some(proof) = proof {
        tables += proof::draw(proof, &paint).as_str();
    }
    if args.out.is_some() {
        return terminal.result(&tables);
    }
    terminal.note(&tables);
    terminal.result(text)
}

fn mark(chosen: bool) -> &'static str {
    if chosen { "*" } else { " " }
}

/// Two digits after the point, or three where that is nothing.
fn figure(value: Option<f64>) -> String {
    value.map_or("-".into(), |value| if value.abs() < 0.1 { format!("{value:.3}") } else { format!("{value:.2}") })
}

type Paint<'p> = &'p dyn Fn(Style, &str) -> String;

/// The table of processes.
fn candidates(all: &[Candidate], fit: &Fit, paint: Paint<'_>) -> String {
    let mut text = paint(Style::Heading, "arrivals") + "                       steps   ln L/gap       KS    counts' variance by mean at\n";
    text += "                                                          0.1 s       1 s      10 s      60 s\n";
    let row = |dispersion: [Option<f64>; 4]| dispersion.map(|value| format!("{:>10}", figure(value))).concat();
    let _ = writeln!(text, "  {:<28} {:>24} {}", "recorded", "", row(fit.seen.dispersion));
    for one in all {
        let name = format!("{} {}", mark(one.chosen), one.process.name());
        let line = format!("{name:<30} {:>4} {:>10.4} {:>8.4} {}", one.steps.len(), one.held_out, one.ks, row(one.dispersion));
        text += paint(if one.chosen { Style::Best } else { Style::Plain }, &line).as_str();
        text += "\n";
    }
    text + "  (* chosen: the simplest that no other beats on the held-out part by more than chance)\n\n"
}

/// The table of laws of work.
fn laws(all: &[Law], paint: Paint<'_>) -> String {
    if all.is_empty() {
        return String::new();
    }
    let mut text = paint(Style::Heading, "work")
        + "                              ln L        KS    mean ms     p50      p90      p99    p99.9   (law by record)\n";
    for law in all {
        let name = format!("{} {}", mark(law.chosen), law.name);
        let at = law.at.map(|held| {
            format!("{:>8}{}", figure((held.recorded > 0.0).then(|| held.law / held.recorded)), if held.near { " " } else { "!" })
        });
        let held_out = law.held_out.map_or("-".into(), |value| format!("{value:.4}"));
        let line = format!("{name:<26} {held_out:>12} {:>9.4} {:>10.3} {}", law.ks, law.mean / 1e6, at.concat());
        text += paint(if law.chosen { Style::Best } else { Style::Plain }, &line).as_str();
        text += "\n";
    }
    text + "  (! further off than the rule allows)\n\n"
}

fn keys(fit: &Fit) -> String {
    let keys = match fit.keys {
        Keys::None => "none, or one for every request".to_owned(),
        Keys::Uniform { count } => format!("{count}, all as popular"),
        Keys::Zipf { count, exponent, error } => format!("{count} by Zipf's law with exponent {exponent:.3} ± {:.3}", 1.96 * error),
    };
    let clients = if fit.clients > 0 { fit.clients.to_string() } else { "not told apart".into() };
    format!("keys: {keys}; clients: {clients}\n\n")
}

/// Everything as an object.
fn object(fit: &Fit, text: &str, proof: Option<&Proof>) -> Value {
    let dispersion = |values: [Option<f64>; 4]| {
        let pairs = SCALES.iter().zip(values).map(|(scale, value)| json!({"window_s": *scale as f64 / 1e9, "index": value}));
        pairs.collect::<Vec<_>>()
    };
    let steps = |one: &Candidate| one.steps.iter().map(|&(at, factor)| json!([at as f64 / 1e9, factor])).collect::<Vec<_>>();
    let arrivals = fit.arrivals.iter().map(|one| {
        json!({"process": one.process.name(), "parameters": parameters(&one.process), "steps": steps(one), "fitted": one.parameters,
               "ln_likelihood_per_gap": one.held_out, "ks": one.ks, "dispersion": dispersion(one.dispersion), "chosen": one.chosen})
    });
    let work = fit.work.iter().map(|law| {
        let at = law.at.map(|held| {
            json!({"share": held.share, "recorded_ms": held.recorded / 1e6, "law_ms": held.law / 1e6, "near": held.near})
        });
        json!({"law": law.name, "ln_likelihood": law.held_out, "ks": law.ks, "mean_ms": law.mean / 1e6, "at": at, "fits": law.fits, "chosen": law.chosen})
    });
    let keys = match fit.keys {
        Keys::None => Value::Null,
        Keys::Uniform { count } => json!({"dist": "uniform", "count": count}),
        Keys::Zipf { count, exponent, error } => json!({"dist": "zipf", "count": count, "exponent": exponent, "ci95": 1.96 * error}),
    };
    json!({
        "requests": fit.seen.requests, "span_s": fit.seen.span as f64 / 1e9, "rate_rps": fit.rate(), "gap_cv": fit.seen.gap_cv,
        "dispersion": dispersion(fit.seen.dispersion), "arrivals": arrivals.collect::<Vec<_>>(), "work": work.collect::<Vec<_>>(),
        "keys": keys, "clients": fit.clients, "remarks": fit.remarks, "proof": proof.map(proof::object), "scenario": text,
    })
}

fn parameters(process: &Process) -> Value {
    match process {
        Process::Batch { mean, fixed } => json!({"mean_size": mean, "fixed": fixed}),
        Process::Mmpp(states) => json!({"rates_rps": states.rates.map(|rate| rate * 1e9), "stays_s": states.stays.map(|stay| stay / 1e9)}),
        _ => Value::Null,
    }
}
