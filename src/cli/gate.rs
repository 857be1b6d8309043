//! `evenkeel gate`: runs scenarios, judges their rules and what has become worse than a baseline, and tells everybody who waits for it.

use super::Code;
use super::args::{GateArgs, Inconclusive};
use super::files;
use super::outcome;
use super::progress::{is_interrupted, listen_for_interrupts};
use super::run::{formatted, save, simulate};
use super::scenarios::{self, Ready};
use super::terminal::Terminal;
use crate::gate::baseline::{self, Baseline, Kept, Traffic};
use crate::gate::cases::{About, Cases};
use crate::gate::{Gate, figures, github, gitlab, junit, markdown, regress, why};
use crate::measure::result::{Measured, ResultBuilder};
use crate::measure::summary::Summary;
use crate::report::{neutral, verdicts};
use crate::run::{Outcome, Questions};
use std::path::Path;

/// `--decide` stops at so many replications, unless `run.precision` says otherwise.
const MOST_REPLICATIONS: u32 = 1_000;
/// So many decisions are looked through for the first in which two balancers part.
const DECISIONS: u64 = 2_000;

pub(super) fn gate(args: &GateArgs, terminal: &Terminal) -> Code {
    if args.run.scenario.scenarios.is_empty() {
        terminal.error("name the scenarios to judge\n  help: evenkeel gate my.toml");
        return Code::Invalid;
    }
    let ready = match scenarios::ready(&args.run.scenario, terminal) {
        Ok(ready) => ready,
        Err(code) => return code,
    };
    let stems: Vec<String> = outcome::distinct(ready.iter().map(|ready| outcome::stem(&ready.name))).into_iter().collect();
    let mut gates = Vec::new();
    let read = match args.baseline.as_deref().map(|path| remembered(path, terminal)).transpose() {
        Ok(read) => read,
        Err(code) => return code,
    };
    for (ready, stem) in ready.iter().zip(stems) {
        match One::new(ready, stem, read.as_ref(), args, terminal) {
            Ok(one) => gates.push(one),
            Err(code) => return code,
        }
    }
    let names: Vec<&str> = ready.iter().map(|ready| ready.name.as_str()).collect();
    let places = match outcome::places(&args.run.out, &names, terminal) {
        Ok(places) => places,
        Err(code) => return code,
    };
    if let Err(code) = writable(args, terminal) {
        return code;
    }
    listen_for_interrupts();
    let (mut results, mut code, mut kept) = (Vec::new(), Code::Fine, Vec::new());
    for (at, one) in gates.iter().enumerate() {
        let (outcome, judged, ended) = one.run(args, terminal);
        code = code.min(ended);
        if let Some(place) = places.as_ref().and_then(|places| places.get(at)) {
            code = code.min(save(place, one.ready, &outcome, &args.run, terminal));
        }
        // What was cut short is no baseline.
        kept.extend(judged.filter(|_| !outcome.interrupted).map(|_| one.kept(&outcome)));
        results.extend(outcome.summary.map(|summary| (one, summary)));
        if code == Code::Interrupted {
            break;
        }
    }
    if results.is_empty() {
        return code;
    }
    code.min(told(&results, kept, ready.len(), args, terminal))
}

/// Writes everything that was asked for, what standard output carries last.
fn told(results: &[(&One<'_>, Summary)], kept: Vec<Kept>, asked: usize, args: &GateArgs, terminal: &Terminal) -> Code {
    let named: Vec<(&str, &Summary)> = results.iter().map(|(one, summary)| (one.ready.name.as_str(), summary)).collect();
    let all_fine = kept.len() == asked;
    let mut code = Code::Fine;
    let texts = [
        (&args.junit, junit::draw(&named)),
        (&args.markdown, markdown::draw(&named)),
        (&args.gitlab, gitlab::draw(&named)),
        (&args.bmf, figures::bencher(&named)),
        (&args.smaller_is_better, figures::smaller_is_better(&named)),
    ];
    for (path, text) in texts.iter().filter_map(|(path, text)| Some((path.as_deref()?, text))) {
        code = code.min(write(path, text, terminal));
    }
    match &args.save_baseline {
        Some(path) if all_fine => code = code.min(write(path, &Baseline::of(kept).write(), terminal)),
        Some(path) => terminal.error(&format!("`{}` is not written: not everything was run", neutral::plain(&path.to_string_lossy()))),
        None => {}
    }
    code = code.min(on_github(&named, terminal));
    let summaries: Vec<Summary> = results.iter().map(|(_, summary)| summary.clone()).collect();
    let text = formatted(&summaries, asked, args.run.format, terminal);
    let comment = if args.run.format == super::args::Format::Markdown { markdown::verdicts(&named) + "\n" } else { String::new() };
    code.min(terminal.result(&(comment + text.as_str())))
}

/// Annotations and the step's summary, where GitHub runs this.
fn on_github(named: &[(&str, &Summary)], terminal: &Terminal) -> Code {
    if std::env::var_os("GITHUB_ACTIONS").is_none_or(|value| value != "true") {
        return Code::Fine;
    }
    // The runner reads commands from both streams; standard output is the result's.
    terminal.command(&github::annotations(named));
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else { return Code::Fine };
    use std::io::Write;
    let file = std::fs::OpenOptions::new().append(true).create(true).open(&path);
    match file.and_then(|mut file| file.write_all(github::step_summary(&markdown::draw(named)).as_bytes())) {
        Ok(()) => Code::Fine,
        Err(error) => {
            terminal.error(&format!("cannot write the step summary: {error}"));
            Code::Failed
        }
    }
}

fn write(path: &Path, text: &str, terminal: &Terminal) -> Code {
    match files::write(path, text) {
        Ok(()) => Code::Fine,
        Err(error) => {
            terminal.error(&format!("cannot write `{}`: {error}", neutral::plain(&path.to_string_lossy())));
            Code::Failed
        }
    }
}

/// Whether every file that is asked for can be there, before anything runs.
fn writable(args: &GateArgs, terminal: &Terminal) -> Result<(), Code> {
    let all = [&args.save_baseline, &args.junit, &args.markdown, &args.gitlab, &args.bmf, &args.smaller_is_better];
    let mut seen: Vec<&Path> = Vec::new();
    for path in all.into_iter().flatten() {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let reason = if path.is_dir() || path.file_name().is_none() {
            "it is a folder; name a file"
        } else if !folder.is_dir() {
            "the folder that it is to be in does not exist; make it first"
        } else if seen.contains(&path.as_path()) {
            "two outputs have this name; name another file"
        } else {
            seen.push(path);
            continue;
        };
        terminal.error(&format!("cannot write `{}`: {reason}", neutral::plain(&path.to_string_lossy())));
        return Err(Code::Invalid);
    }
    Ok(())
}

/// Reads a baseline.
fn remembered(path: &Path, terminal: &Terminal) -> Result<Baseline, Code> {
    let shown = neutral::plain(&path.to_string_lossy());
    let hint = || "\n  help: `--save-baseline` writes one".to_owned();
    let bytes = match files::read_file(path, baseline::MAX_BYTES) {
        Ok(files::Content::Bytes(bytes)) => bytes,
        Ok(files::Content::TooLarge(bytes)) => {
            terminal.error(&format!(
                "cannot read the baseline `{shown}`: it has {bytes} bytes or more; at most {} are read",
                baseline::MAX_BYTES
            ));
            return Err(Code::Invalid);
        }
        Err(fault) => {
            terminal.error(&format!("cannot read the baseline `{shown}`: {}{}", fault.reason, hint()));
            return Err(if fault.by_system { Code::Failed } else { Code::Invalid });
        }
    };
    let text = String::from_utf8(bytes).map_err(|_| refused(&shown, "it is not UTF-8", terminal))?;
    baseline::read(&text).map_err(|unfit| refused(&shown, &unfit.to_string(), terminal))
}

fn refused(shown: &str, why: &str, terminal: &Terminal) -> Code {
    terminal.error(&format!("cannot use the baseline `{shown}`: {}", neutral::plain(why)));
    Code::Invalid
}

/// The gate of one scenario.
struct One<'a> {
    ready: &'a Ready,
    stem: String,
    cases: Cases,
    traffic: Vec<(Option<String>, Traffic)>,
    baseline: Option<&'a Kept>,
}

impl<'a> One<'a> {
    fn new(ready: &'a Ready, stem: String, read: Option<&'a Baseline>, args: &GateArgs, terminal: &Terminal) -> Result<Self, Code> {
        let plans = &ready.job.plans;
        let abouts = plans.iter().zip(&ready.loaded.variants).flat_map(|(plan, variant)| {
            plan.balancers.iter().map(|balancer| About {
                balancer: &balancer.label,
                variant: plan.variant.as_deref(),
                rules: &variant.scenario.expects,
            })
        });
        let mut cases = Cases::new(&abouts.collect::<Vec<_>>());
        let hashes = |plan: &crate::plan::Plan| Traffic { traffic_sha256: plan.traffic_sha256(), stream_sha256: plan.stream_sha256() };
        let traffic: Vec<_> = plans.iter().map(|plan| (plan.variant.clone(), hashes(plan))).collect();
        let shown = || args.baseline.as_ref().map(|path| neutral::plain(&path.to_string_lossy())).unwrap_or_default();
        let baseline =
            read.map(|read| read.find(&stem, &traffic)).transpose().map_err(|unfit| refused(&shown(), &unfit.to_string(), terminal))?;
        for path in baseline.iter().flat_map(|kept| &kept.results).flat_map(|result| result.metrics.keys()) {
            cases.remember(path);
        }
        if args.save_baseline.is_some() {
            let own: Vec<String> = cases.metrics().map(str::to_owned).collect();
            own.iter().for_each(|path| cases.remember(path));
        }
        Ok(Self { ready, stem, cases, traffic, baseline })
    }

    /// Runs it and judges: what came out, and what that is for the exit code.
    fn run(&self, args: &GateArgs, terminal: &Terminal) -> (Outcome, Option<Gate>, Code) {
        let precision = self.ready.job.plans.iter().find_map(|plan| plan.precision.as_ref());
        let most = precision.map_or(MOST_REPLICATIONS, |precision| precision.max_replications);
        let wanted = |builders: &[ResultBuilder]| self.cases.wanted(builders, most);
        let questions = Questions {
            scopes: self.cases.scopes(),
            watched: self.cases.watched(),
            wanted: if args.decide { Some(&wanted) } else { None },
        };
        let (mut outcome, ended) = simulate(self.ready, &args.run, questions, terminal);
        let Some(summary) = &mut outcome.summary else { return (outcome, None, ended) };
        for rule in self.cases.passed_over() {
            terminal.warning(&format!("the rule `{}` is about no balancer that was run", neutral::plain(rule)));
        }
        summary.verdicts = self.judged(&outcome.measured, args, terminal);
        let gate = Gate::of(&summary.verdicts);
        if gate != Gate::Nothing {
            terminal.note(&format!("{}: {}", neutral::plain(&self.ready.name), verdicts::count(&summary.verdicts)));
        }
        let code = match gate {
            Gate::Failed => Code::Broken,
            Gate::Undecided if args.inconclusive == Inconclusive::Fail => Code::Undecided,
            Gate::Nothing if args.save_baseline.is_none() => {
                terminal.error(&format!(
                    "{}: nothing was judged\n  help: add a rule, such as\n[[expect]]\nrule = \"latency.p99 < 250ms\"",
                    neutral::plain(&self.ready.name)
                ));
                Code::Nothing
            }
            Gate::Undecided | Gate::Nothing | Gate::Held => Code::Fine,
        };
        (outcome, Some(gate), code.min(ended))
    }

    fn judged(&self, measured: &[Measured], args: &GateArgs, terminal: &Terminal) -> Vec<crate::measure::summary::VerdictSummary> {
        let mut all = self.cases.verdicts(measured);
        if let Some(kept) = self.baseline {
            let found = regress::against(kept, measured, &self.traffic, args.min_effect);
            for remark in found.remarks {
                terminal.note(&format!("baseline: {}", neutral::plain(&remark)));
            }
            all.extend(found.verdicts);
        }
        let failed = |verdict: &crate::measure::summary::VerdictSummary| verdict.verdict == "failed";
        let is_relative = |verdict: &crate::measure::summary::VerdictSummary| verdict.than.is_some() || verdict.than_variant.is_some();
        let wants_trace = all.iter().any(|verdict| failed(verdict) && is_relative(verdict));
        let traced = if wants_trace { self.ready.job.trace(DECISIONS, &|_| !is_interrupted()) } else { None };
        for verdict in all.iter_mut().filter(|verdict| failed(verdict)) {
            verdict.notes.extend(why::reasons(verdict, measured));
            let find = |balancer: &str, variant: Option<&str>| {
                traced.iter().flatten().find(|one| one.balancer == balancer && one.variant.as_deref() == variant)
            };
            let variant = verdict.variant.as_deref();
            if is_relative(verdict) {
                let one = find(&verdict.balancer, variant);
                let than = verdict.than.as_deref().unwrap_or(&verdict.balancer);
                let other = find(than, verdict.than_variant.as_deref().or(variant));
                let parted = one.zip(other).and_then(|(one, other)| why::parted(one, other));
                verdict.notes.extend(parted);
            }
        }
        all
    }

    /// What a baseline remembers of it.
    fn kept(&self, outcome: &Outcome) -> Kept {
        let scenario = outcome.summary.as_ref().map(|summary| &summary.scenario);
        Kept {
            name: self.stem.clone(),
            file_sha256: scenario.map(|scenario| scenario.file_sha256.clone()).unwrap_or_default(),
            plan_sha256: scenario.map(|scenario| scenario.plan_sha256.clone()).unwrap_or_default(),
            seed: scenario.map_or(0, |scenario| scenario.seed),
            replications: outcome.replications,
            results: baseline::results(&outcome.measured, self.cases.metrics(), &self.traffic),
        }
    }
}
