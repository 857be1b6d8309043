//! `--vary KEY=VALUES --minimise METRIC`: the best of many settings of one balancer.

use super::{Answer, finished, stopped, threads};
use crate::cli::Code;
use crate::cli::args::TuneArgs;
use crate::cli::points::Points;
use crate::cli::progress::{Progress, listen_for_interrupts};
use crate::cli::scenarios::Text;
use crate::cli::sweep::lines;
use crate::cli::terminal::Terminal;
use crate::measure::metric::{Metric, Unit};
use crate::measure::paired;
use crate::report::neutral;
use crate::report::sweep::rows;
use crate::run::Job;
use crate::scenario::{Expect, Override};
use crate::sweep::grid::Grid;
use crate::tune::Holds;
use crate::tune::chosen::{Candidate, Chosen, Figure, Fresh};
use crate::tune::halving::{Fate, Goal, Selection, Trials};
use crate::tune::trial::{self, Stop, Trial};
use std::sync::Arc;

/// More candidates than this are a sweep.
const MOST: usize = 10_000;

/// One setting, planned.
struct Setting {
    /// The point of the grid; `None` for the scenario as it is.
    point: Option<usize>,
    is_own: bool,
    job: Arc<Job>,
    rules: Vec<Expect>,
}

/// What is searched.
struct Ready {
    grid: Grid,
    settings: Vec<Setting>,
    metric: String,
    unit: Unit,
    goal: Goal,
}

pub(super) fn search(args: &TuneArgs, terminal: &Terminal) -> Code {
    let ready = match prepared(args, terminal) {
        Ok(ready) => ready,
        Err(code) => return code,
    };
    listen_for_interrupts();
    let progress = Progress::new(None, terminal);
    let watch = |requests: u64| progress.advance(requests);
    let trial = |setting: &Setting, offset: u32| Trial::new(Arc::clone(&setting.job), 0, &setting.rules, &[&ready.metric], offset);
    let mut field = Field {
        trials: ready.settings.iter().map(|setting| trial(setting, 0)).collect(),
        metric: &ready.metric,
        threads: threads(args),
        watch: &watch,
    };
    let first = ready.settings[0].job.replications();
    let mut selection = Selection::new(ready.settings.len(), ready.goal, first, args.max_replications);
    let mut ended = selection.run(&mut field);
    let finals: Vec<Trial> = match (selection.best, &ended) {
        (Some(0), Ok(())) => vec![trial(&ready.settings[0], args.max_replications)],
        (Some(best), Ok(())) => [best, 0].map(|at| trial(&ready.settings[at], args.max_replications)).into(),
        _ => Vec::new(),
    };
    if !finals.is_empty() {
        ended = trial::raise(&finals.iter().collect::<Vec<_>>(), selection.replications, field.threads, &watch);
    }
    let spent = field.trials.iter().chain(&finals).map(Trial::replications).sum();
    finished(&progress, spent, terminal);
    let code = ended.as_ref().map_or_else(|stop| stopped(stop, terminal), |()| Code::Fine);
    if code == Code::Failed {
        return code;
    }
    let answer = answer(&ready, &field, &selection, &finals, args, ended.is_err());
    let judged = judged(&answer);
    code.min(judged).min(terminal.result(&answer.drawn(args.format, terminal)))
}

fn judged(answer: &Chosen) -> Code {
    let fails = |fresh: &Fresh| fresh.rules.iter().any(|rule| rule.verdict == "failed" || rule.verdict == "no data");
    match answer.best.map(|best| answer.candidates[best].constraints) {
        _ if answer.interrupted => Code::Interrupted,
        None => Code::Broken,
        Some(_) if answer.fresh.as_ref().is_some_and(fails) => Code::Broken,
        Some(Holds::Undecided) => Code::Undecided,
        Some(Holds::Yes | Holds::No) => Code::Fine,
    }
}

/// Everything that can be wrong, before anything runs.
fn prepared(args: &TuneArgs, terminal: &Terminal) -> Result<Ready, Code> {
    let invalid = |text: &str| {
        terminal.error(text);
        Code::Invalid
    };
    let grid = Grid::read(&args.vary).map_err(|faults| {
        faults.iter().for_each(|fault| terminal.error(&lines(&fault.to_string())));
        Code::Invalid
    })?;
    if grid.points() > MOST {
        return Err(invalid(&format!("{} candidates are too many\n  allowed: at most {MOST}", grid.points())));
    }
    let (flag, metric, goal) = match (&args.minimise, &args.maximise) {
        (Some(metric), _) => ("--minimise", metric.trim(), Goal::Minimise),
        (None, Some(metric)) => ("--maximise", metric.trim(), Goal::Maximise),
        (None, None) => return Err(invalid("say what is best\n  help: --minimise latency.p99, or --maximise goodput_rps")),
    };
    let (text, files) = Text::only(&args.scenario, terminal)?;
    let mut points = Points::new(text, files, &args.scenario);
    let settings = settings(&grid, args, &mut points);
    points.found.say(terminal);
    let settings = settings.ok_or(Code::Invalid)?;
    if points.ignores_precision {
        terminal.warning("run.precision is not used: a search gives replications to those that need them");
    }
    let (_, subjects) = settings[0].job.described();
    if let [_, _, ..] = &subjects[..] {
        let named: Vec<String> = subjects.iter().map(|subject| neutral::plain(&subject.balancer)).collect();
        return Err(invalid(&format!(
            "one balancer is tuned at a time, in one variant; here are {}\n  help: name one, --balancer {}",
            named.join(", "),
            named.first().map_or("NAME", String::as_str)
        )));
    }
    let unit = Metric::parse(metric, &subjects[0].backends)
        .map_err(|unknown| invalid(&format!("`{flag} {}`: {}", neutral::plain(metric), neutral::plain(&unknown.to_string()))))?
        .unit();
    Ok(Ready { grid, settings, metric: metric.to_owned(), unit, goal })
}

/// The scenario as it is, and every point of the grid that is something else; `None` where one cannot be planned.
fn settings(grid: &Grid, args: &TuneArgs, points: &mut Points<'_>) -> Option<Vec<Setting>> {
    let rules: Vec<Override> = args.subject_to.iter().map(|rule| Override::rule("--subject-to", rule)).collect();
    let mut all: Vec<Setting> = Vec::new();
    let mut is_right = true;
    for point in std::iter::once(None).chain((0..grid.points()).map(Some)) {
        let varied = point.map(|at| grid.point(at)).unwrap_or_default();
        let varied = varied.into_iter().map(|(key, value)| Override::vary(key, value));
        let Some((loaded, job)) = points.planned(&rules.iter().cloned().chain(varied).collect::<Vec<_>>()) else {
            is_right = false;
            continue;
        };
        let hash = |job: &Job| job.described().0.plan_sha256.clone();
        if let Some(own) = all.first_mut().filter(|own| own.point.is_none() && hash(&own.job) == hash(&job)) {
            own.point = point;
            continue;
        }
        let expects = &loaded.variants[0].scenario.expects;
        // The scenario's own rules come first, and are not asked.
        let rules = expects[expects.len() - rules.len()..].to_vec();
        all.push(Setting { point, is_own: all.is_empty(), job: Arc::new(job), rules });
    }
    is_right.then_some(all)
}

/// The candidates, for the search.
struct Field<'a> {
    trials: Vec<Trial>,
    metric: &'a str,
    threads: usize,
    watch: crate::run::Watch<'a>,
}

impl Trials for Field<'_> {
    type Stop = Stop;

    fn raise(&mut self, candidates: &[usize], replications: u32) -> Result<(), Stop> {
        let wanted: Vec<&Trial> = candidates.iter().map(|&at| &self.trials[at]).collect();
        trial::raise(&wanted, replications, self.threads, self.watch)
    }

    fn objective(&self, candidate: usize) -> Vec<Option<f64>> {
        self.trials[candidate].values(self.metric)
    }

    fn keeps(&self, candidate: usize) -> Holds {
        self.trials[candidate].holds()
    }
}

fn answer(ready: &Ready, field: &Field<'_>, selection: &Selection, finals: &[Trial], args: &TuneArgs, interrupted: bool) -> Chosen {
    let job = &ready.settings[0].job;
    let candidates = ready.settings.iter().enumerate().map(|(at, setting)| {
        let trial = &field.trials[at];
        let varied = setting.point.map(|point| ready.grid.point(point)).unwrap_or_default();
        let own = if setting.is_own { "as it is" } else { "" };
        let words = setting.point.map(|point| ready.grid.words(point)).unwrap_or_default();
        Candidate {
            parameters: rows::parameters(&varied),
            words: [own, &words].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", "),
            is_own: setting.is_own,
            fate: fate(at, selection, interrupted && finals.is_empty()).into(),
            objective: Figure::of(&trial.values(&ready.metric)),
            constraints: if trial.replications() == 0 { Holds::Undecided } else { trial.holds() },
            rules: if trial.replications() == 0 { Vec::new() } else { trial.rules() },
        }
    });
    let candidates: Vec<Candidate> = candidates.collect();
    let is_done = selection.best.is_some() && !interrupted;
    Chosen {
        balancer: field.trials[0].names().0,
        goal: if ready.goal == Goal::Minimise { "minimise" } else { "maximise" }.into(),
        metric: ready.metric.clone(),
        unit: unit(ready.unit).into(),
        subject_to: args.subject_to.clone(),
        max_replications: args.max_replications,
        level: selection.level(),
        status: if interrupted {
            "interrupted"
        } else if is_done {
            "found"
        } else {
            "none"
        }
        .into(),
        best: selection.best,
        fresh: is_done.then(|| fresh(ready, finals)),
        cells: field.trials.iter().map(Trial::replications).sum(),
        fresh_cells: finals.iter().map(Trial::replications).sum(),
        grid_cells: selection.replications * candidates.len() as u32,
        interrupted,
        candidates,
        ..Chosen::new(job.described().0)
    }
}

fn fate(at: usize, selection: &Selection, is_open: bool) -> &'static str {
    match selection.fates[at] {
        Fate::Worse(_) => "worse",
        Fate::Breaks => "breaks a constraint",
        Fate::NoData => "no data",
        Fate::Left if is_open => "open",
        Fate::Left if selection.best == Some(at) => "best",
        Fate::Left => "cannot tell",
    }
}

fn fresh(ready: &Ready, finals: &[Trial]) -> Fresh {
    let values = |trial: &Trial| trial.values(&ready.metric);
    let (best, own) = (values(&finals[0]), finals.get(1).map(values));
    let found = own.as_ref().and_then(|own| paired::differences(&best, own));
    let ratio = own.as_ref().and_then(|own| paired::ratio(&best, own));
    let verdict = found.map(|found| {
        let is_less = found.difference < 0.0;
        match found.p {
            _ if found.same => "same",
            Some(p) if p < 0.05 && is_less == (ready.goal == Goal::Minimise) => "better",
            Some(p) if p < 0.05 => "worse",
            _ => "cannot tell",
        }
    });
    Fresh {
        best: Figure::of(&best),
        rules: finals[0].rules(),
        own: own.as_deref().map(Figure::of),
        ratio: ratio.map(|ratio| ratio.value),
        ratio_ci95: ratio.and_then(|ratio| ratio.bounds),
        verdict: verdict.map(str::to_owned),
    }
}

const fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Count => "count",
        Unit::Milliseconds => "ms",
        Unit::Seconds => "s",
        Unit::PerSecond => "1/s",
        Unit::Share => "share",
        Unit::Number => "number",
    }
}
