//! From the command line to jobs: reads, overrides, selects balancers, plans. Everything that is wrong with any scenario is said before anything runs.

use super::Code;
use super::args::ScenarioArgs;
use super::files::{self, Beside};
use super::terminal::Terminal;
use crate::balance;
use crate::report::neutral;
use crate::run::{Job, Unplannable};
use crate::scenario::{self, Balancer, Diagnostics, Loaded, Override, Source};

/// A scenario that can run.
pub(super) struct Ready {
    /// The file as it was named.
    pub(super) name: String,
    pub(super) loaded: Loaded,
    pub(super) job: Job,
}

/// All scenarios of a command line, or the code to end with.
pub(super) fn ready(args: &ScenarioArgs, terminal: &Terminal) -> Result<Vec<Ready>, Code> {
    let quickstart = [QUICKSTART.to_owned()];
    let names = if args.scenarios.is_empty() { &quickstart[..] } else { &args.scenarios };
    let all: Vec<_> = names.iter().map(|name| one(name, args, terminal)).collect();
    match all.iter().filter_map(|result| result.as_ref().err()).min() {
        Some(&code) => Err(code),
        None => Ok(all.into_iter().flatten().collect()),
    }
}

/// How messages call the built-in scenario.
const QUICKSTART: &str = "quickstart (built in)";

fn one(name: &str, args: &ScenarioArgs, terminal: &Terminal) -> Result<Ready, Code> {
    let text = Text::read(name, args, terminal)?;
    let (loaded, job) = text.planned(args, &overrides(args), &Beside::of(name)).map_err(|wrong| wrong.say(terminal))?;
    terminal.diagnostics(&loaded.warnings);
    Ok(Ready { name: text.shown, loaded, job })
}

/// A scenario's text, to be planned as often as it takes.
pub(super) struct Text {
    /// How messages call it.
    pub(super) shown: String,
    bytes: Vec<u8>,
}

/// What is wrong with a scenario.
pub(super) enum Wrong {
    Diagnostics(Diagnostics),
    Messages(Vec<String>),
}

impl Wrong {
    /// Says it.
    fn say(self, terminal: &Terminal) -> Code {
        match self {
            Self::Diagnostics(diagnostics) => terminal.diagnostics(&diagnostics),
            Self::Messages(messages) => messages.iter().for_each(|message| terminal.error(message)),
        }
        Code::Invalid
    }
}

impl Text {
    /// The one scenario that a command line names, or the built-in one, and where it is.
    pub(super) fn only(args: &ScenarioArgs, terminal: &Terminal) -> Result<(Self, Beside), Code> {
        let name = match &args.scenarios[..] {
            [] => QUICKSTART,
            [name] => name,
            [_, second, ..] => {
                terminal.error(&format!("`{}`: this command takes one scenario", neutral::plain(second)));
                return Err(Code::Invalid);
            }
        };
        Ok((Self::read(name, args, terminal)?, Beside::of(name)))
    }

    fn read(name: &str, args: &ScenarioArgs, terminal: &Terminal) -> Result<Self, Code> {
        let shown = if name == "-" { "<standard input>" } else { name };
        let bytes = if name == QUICKSTART { scenario::QUICKSTART.as_bytes().to_vec() } else { read(name, shown, args, terminal)? };
        Ok(Self { shown: shown.to_owned(), bytes })
    }

    /// Changed by overrides, with the balancers asked for, planned.
    pub(super) fn planned(&self, args: &ScenarioArgs, overrides: &[Override], files: &Beside) -> Result<(Loaded, Job), Wrong> {
        let mut loaded = self.loaded(args, overrides, files)?;
        let job = self.job(&mut loaded, args)?;
        Ok((loaded, job))
    }

    /// Changed by overrides.
    pub(super) fn loaded(&self, args: &ScenarioArgs, overrides: &[Override], files: &Beside) -> Result<Loaded, Wrong> {
        let source = Source::new(&self.shown, &self.bytes).with_limit(args.max_scenario_size);
        scenario::load(&source, overrides, files).map_err(Wrong::Diagnostics)
    }

    /// With the balancers asked for, planned.
    pub(super) fn job(&self, loaded: &mut Loaded, args: &ScenarioArgs) -> Result<Job, Wrong> {
        select(loaded, &args.balancers).map_err(Wrong::Messages)?;
        let said = |found: Unplannable| {
            let variant = found.variant.map(|variant| format!(" (variant \"{}\")", neutral::plain(&variant))).unwrap_or_default();
            format!("{}\n  --> {}: `{}`{variant}", found.fault.fault, neutral::plain(&self.shown), found.fault.key)
        };
        Job::new(loaded).map_err(|faults| Wrong::Messages(faults.into_iter().map(said).collect()))
    }
}

fn read(name: &str, shown: &str, args: &ScenarioArgs, terminal: &Terminal) -> Result<Vec<u8>, Code> {
    let hint = || command_meant(name).map(|command| format!("\n  help: did you mean the command `{command}`?")).unwrap_or_default();
    files::read_or_say(name, "scenario", shown, args.max_scenario_size, hint, terminal)
}

/// A word in the place of a file that is nearly a command, or that users of other tools would try.
fn command_meant(word: &str) -> Option<&'static str> {
    Some(match word {
        "rnu" | "ruin" | "simulate" | "start" | "bench" | "compare" => "run",
        "grid" | "sweeps" | "vary" | "seep" => "sweep",
        "search" | "find" | "optimise" | "optimize" | "capacity" | "tuen" => "tune",
        "validate" | "lint" | "chek" | "verify" => "check",
        "assert" | "judge" | "thresholds" | "gaet" => "gate",
        "init" | "create" | "nwe" => "new",
        "completion" => "completions",
        _ => return None,
    })
}

/// What options change.
pub(super) fn overrides(args: &ScenarioArgs) -> Vec<Override> {
    let sets = args.sets.iter().map(|text| Override::set(text));
    let seed = args.seed.iter().map(|value| Override::option("--seed", "run.seed", value));
    let replications = args.replications.iter().map(|value| Override::option("--replications", "run.replications", value));
    sets.chain(seed).chain(replications).collect()
}

/// Keeps only the balancers asked for: labels of the scenario, or kinds with their defaults.
fn select(loaded: &mut Loaded, names: &[String]) -> Result<(), Vec<String>> {
    if names.is_empty() {
        return Ok(());
    }
    let mut unknown = Vec::new();
    for variant in &mut loaded.variants {
        let of_scenario = std::mem::take(&mut variant.scenario.balancers);
        for name in names {
            let kept = &mut variant.scenario.balancers;
            match find(&of_scenario, name) {
                Some(balancer) if kept.iter().all(|known| known.label != balancer.label) => kept.push(balancer),
                Some(_) => {}
                None if balance::find(name).is_some() => {
                    return Err(vec![format!(
                        "`--balancer {0}`: {0} needs more than its name; write it into the scenario, or --set 'balancer=[{{ kind = \"{0}\", … }}]'",
                        neutral::plain(name)
                    )]);
                }
                None if unknown.contains(name) => {}
                None => unknown.push(name.clone()),
            }
        }
        variant.scenario.balancers.extend(unknown.first().map(|_| of_scenario).into_iter().flatten());
    }
    let said = |name: &String| {
        let labels = loaded
            .variants
            .first()
            .into_iter()
            .flat_map(|variant| variant.scenario.balancers.iter().map(|balancer| balancer.label.as_str()));
        let known: Vec<&str> = labels.chain(balance::entries().map(|entry| entry.name)).collect();
        format!("`--balancer {}`: no such balancer\n  allowed: {}", neutral::plain(name), distinct(&known).join(", "))
    };
    if unknown.is_empty() { Ok(()) } else { Err(unknown.iter().map(said).collect()) }
}

fn find(of_scenario: &[Balancer], name: &str) -> Option<Balancer> {
    let labelled = of_scenario.iter().find(|balancer| balancer.label == name).cloned();
    labelled.or_else(|| {
        let entry = balance::entries().find(|entry| entry.name == name && scenario::needed(entry).is_none())?;
        Some(Balancer { label: entry.name.to_owned(), kind: entry.name, values: scenario::defaults(entry) })
    })
}

fn distinct(names: &[&str]) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    for name in names.iter().map(|name| neutral::plain(name)) {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}
