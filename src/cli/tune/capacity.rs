//! `--find KEY --until RULE`: the least or the greatest value with which every balancer keeps the rules.

use super::{Answer, finished, stopped, threads};
use crate::cli::Code;
use crate::cli::args::TuneArgs;
use crate::cli::points::Points;
use crate::cli::progress::{Progress, listen_for_interrupts};
use crate::cli::scenarios::Text;
use crate::cli::sweep::lines;
use crate::cli::terminal::Terminal;
use crate::report::neutral;
use crate::report::sweep::rows;
use crate::run::Job;
use crate::scenario::{Expect, Intensity, Loaded, Override};
use crate::sweep::ordered;
use crate::tune::Holds;
use crate::tune::bounded::{Bounded, Look, Result as OfOne};
use crate::tune::capacity::{Aim, Found, List, search as halve, so_far};
use crate::tune::trial::{Stop, Trial};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Without a range, values grow no further.
const GROWN_TO: usize = 16_384;
/// Longer lists are not planned as a whole before anything runs.
const PLANNED: usize = 1_000;

pub(super) fn search(find: &str, args: &TuneArgs, terminal: &Terminal) -> Code {
    let mut search = match prepared(find, args, terminal) {
        Ok(search) => search,
        Err(code) => return code,
    };
    listen_for_interrupts();
    let progress = Progress::new(None, terminal);
    let ended = search.run(args, &progress);
    finished(&progress, search.cells(), terminal);
    search.points.found.say(terminal);
    let code = ended.map_or_else(|stop| stopped(&stop, terminal), |()| Code::Fine);
    if code == Code::Invalid || code == Code::Failed {
        return code;
    }
    let answer = search.answer(args, code == Code::Interrupted);
    let has = |status: &str| answer.results.iter().any(|result| result.status == status);
    let judged = if has("none") {
        Code::Broken
    } else if has("undecided") {
        Code::Undecided
    } else {
        Code::Fine
    };
    code.min(judged).min(terminal.result(&answer.drawn(args.format, terminal)))
}

/// A search on its way.
struct Search<'a> {
    key: String,
    values: Vec<String>,
    list: List,
    points: Points<'a>,
    rules: Vec<Override>,
    first: Arc<Job>,
    /// How many balancers, over all variants.
    entrants: usize,
    aim: Aim,
    jobs: BTreeMap<usize, (Arc<Job>, Vec<Vec<Expect>>)>,
    trials: BTreeMap<(usize, usize), (Trial, Option<Holds>)>,
    found: BTreeMap<usize, Found>,
}

/// Everything that can be wrong, before anything runs.
fn prepared<'a>(find: &str, args: &'a TuneArgs, terminal: &Terminal) -> Result<Search<'a>, Code> {
    let (key, written) = ordered::read(find).map_err(|fault| {
        terminal.error(&format!("`--find {}`: {}", neutral::plain(find), lines(&fault.to_string())));
        Code::Invalid
    })?;
    let grows = written.is_empty();
    let values = if grows { (1..=GROWN_TO).map(|value| value.to_string()).collect() } else { written };
    let (text, files) = Text::only(&args.scenario, terminal)?;
    let mut points = Points::new(text, files, &args.scenario);
    let rules: Vec<Override> = args.until.iter().map(|rule| Override::rule("--until", rule)).collect();
    let plan = |value: &str, points: &mut Points<'a>| {
        let varied: Vec<Override> = rules.iter().cloned().chain([Override::one_of("--find", &key, value)]).collect();
        points.planned(&varied)
    };
    let ahead: Vec<usize> = if grows {
        vec![0, 1]
    } else if values.len() <= PLANNED {
        (0..values.len()).collect()
    } else {
        vec![0, values.len() / 2, values.len() - 1]
    };
    let planned: Vec<Option<(Loaded, Job)>> = ahead.iter().map(|&at| plan(&values[at], &mut points)).collect();
    points.found.say(terminal);
    let all_planned: Option<Vec<(Loaded, Job)>> = planned.into_iter().collect();
    let Some((loaded, first)) = all_planned.and_then(|all| all.into_iter().next()) else {
        if grows {
            terminal.note(&format!(
                "without values, `--find {}` goes through 1, 2, 4, …; a range is KEY=FIRST:LAST:STEP",
                neutral::plain(&key)
            ));
        }
        return Err(Code::Invalid);
    };
    if grows {
        // What is wrong with a half is not said: it is a question.
        let known = std::mem::take(&mut points.found);
        let takes_halves = plan("1.5", &mut points).is_some();
        points.found = known;
        if takes_halves {
            terminal.error(&format!(
                "`--find {0}`: it takes more than whole numbers, so say which\n  allowed: {0}=FIRST:LAST:STEP, {0}=FIRST:LAST:logN, or a list",
                neutral::plain(&key)
            ));
            return Err(Code::Invalid);
        }
    }
    advise(&key, &loaded, points.ignores_precision, terminal);
    let entrants = first.results().len();
    let list = List { values: values.len(), grows };
    let aim = asked(args).unwrap_or_else(|| usual(&key));
    let (jobs, trials, found) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    Ok(Search { key, values, list, points, rules, first: Arc::new(first), entrants, aim, jobs, trials, found })
}

fn asked(args: &TuneArgs) -> Option<Aim> {
    args.least.then_some(Aim::Least).or(args.most.then_some(Aim::Most))
}

/// Of traffic as much as possible, of everything else as little.
fn usual(key: &str) -> Aim {
    if key.starts_with("traffic") { Aim::Most } else { Aim::Least }
}

fn advise(key: &str, loaded: &Loaded, ignores_precision: bool, terminal: &Terminal) {
    if ignores_precision {
        terminal.warning("run.precision is not used: a search adds the replications that its rules take");
    }
    let sources = loaded.variants.iter().flat_map(|variant| &variant.scenario.traffic);
    let has_load = sources.into_iter().any(|source| matches!(source.arrivals.intensity, Some(Intensity::Load(_))));
    if key.starts_with("backends.") && has_load {
        terminal.warning(
            "the traffic is given as a `load`, a share of what the backends can do: it grows with them\n  help: give it as a rate, --set 'traffic.arrivals.rate=800/s'",
        );
    }
}

impl Search<'_> {
    fn run(&mut self, args: &TuneArgs, progress: &Progress) -> Result<(), Stop> {
        if asked(args).is_none() && !self.list.grows {
            self.aim = self.aim_of_ends(args, progress)?;
        }
        for entrant in 0..self.entrants {
            let found = halve(self.list, self.aim, &mut |place| self.holds(entrant, place, args, progress))?;
            self.found.insert(entrant, found);
        }
        Ok(())
    }

    /// What the ends say, if they do not contradict each other; else what is usual.
    fn aim_of_ends(&mut self, args: &TuneArgs, progress: &Progress) -> Result<Aim, Stop> {
        let mut aims = Vec::new();
        for entrant in 0..self.entrants {
            let first = self.holds(entrant, 0, args, progress)?;
            let last = self.holds(entrant, self.list.values - 1, args, progress)?;
            aims.extend(Aim::of_ends(first, last));
        }
        Ok(aims.first().copied().filter(|first| aims.iter().all(|aim| aim == first)).unwrap_or(self.aim))
    }

    /// Whether a balancer keeps the rules at a place of the list.
    fn holds(&mut self, entrant: usize, place: usize, args: &TuneArgs, progress: &Progress) -> Result<Holds, Stop> {
        if let Some((_, Some(known))) = self.trials.get(&(entrant, place)) {
            return Ok(*known);
        }
        self.plan(place)?;
        let (job, expects) = &self.jobs[&place];
        let (plan, _) = *job.results().get(entrant).ok_or(Stop::Unplannable)?;
        let rules = &expects[plan];
        let trial = Trial::new(Arc::clone(job), entrant, rules, &[], 0);
        let first = job.replications();
        let (trial, decided) = self.trials.entry((entrant, place)).or_insert((trial, None));
        let holds = trial.decide(first, args.max_replications, threads(args), &|requests| progress.advance(requests))?;
        *decided = Some(holds);
        Ok(holds)
    }

    fn plan(&mut self, place: usize) -> Result<(), Stop> {
        if self.jobs.contains_key(&place) {
            return Ok(());
        }
        let varied = self.rules.iter().cloned().chain([Override::one_of("--find", &self.key, &self.values[place])]);
        let (loaded, job) = self.points.planned(&varied.collect::<Vec<_>>()).ok_or(Stop::Unplannable)?;
        // The scenario's own rules come first, and are not asked.
        let asked = |expects: &[Expect]| expects[expects.len() - self.rules.len()..].to_vec();
        let expects = loaded.variants.iter().map(|variant| asked(&variant.scenario.expects)).collect();
        self.jobs.insert(place, (Arc::new(job), expects));
        Ok(())
    }

    fn cells(&self) -> u32 {
        self.trials.values().map(|(trial, _)| trial.replications()).sum()
    }

    fn answer(&self, args: &TuneArgs, interrupted: bool) -> Bounded {
        let mut answer = Bounded::new(self.first.described().0, &self.key, self.aim, &args.until, args.max_replications);
        answer.results = (0..self.entrants).map(|entrant| self.of_one(entrant)).collect();
        answer.cells = self.cells();
        answer.interrupted = interrupted;
        answer
    }

    fn of_one(&self, entrant: usize) -> OfOne {
        let mine = || self.trials.iter().filter(move |((whose, _), _)| *whose == entrant);
        let seen: BTreeMap<usize, Holds> = mine().filter_map(|((_, place), (_, holds))| Some((*place, (*holds)?))).collect();
        let found = self.found.get(&entrant).cloned().unwrap_or_else(|| so_far(self.aim, &seen));
        let looked_at: Vec<Look> = seen.iter().map(|(&place, &holds)| self.look(entrant, place, holds)).collect();
        let at = |place: Option<usize>| place.and_then(|place| looked_at.iter().find(|look| look.text == self.values[place]).cloned());
        let (last, next) = (at(found.last), at(found.next));
        let status = match (&last, &next) {
            _ if !self.found.contains_key(&entrant) => "interrupted",
            (Some(_), _) => "found",
            (None, Some(next)) if next.verdict == Holds::Undecided => "undecided",
            (None, _) => "none",
        };
        let subject = self.first.described().1.swap_remove(entrant);
        OfOne {
            balancer: subject.balancer,
            variant: subject.variant,
            status: status.into(),
            value: last.as_ref().map(|look| look.value.clone()),
            notes: self.notes(&found, last.as_ref(), next.as_ref(), status),
            found: last,
            next,
            cells: mine().map(|(_, (trial, _))| trial.replications()).sum(),
            looked_at,
        }
    }

    fn look(&self, entrant: usize, place: usize, holds: Holds) -> Look {
        let (trial, _) = &self.trials[&(entrant, place)];
        let text = self.values[place].clone();
        let value = rows::parameters(&[("value", &text)])["value"].take();
        let (rules, replications, overloaded_at_s) = (trial.rules(), trial.replications(), trial.overloaded_at_s());
        Look { value, text, verdict: holds, rules, replications, overloaded_at_s }
    }

    fn notes(&self, found: &Found, last: Option<&Look>, next: Option<&Look>, status: &str) -> Vec<String> {
        let mut notes = Vec::new();
        if status == "interrupted" {
            notes.push("interrupted: the value is the furthest that was seen to keep the rules".to_owned());
        }
        if let Some(next) = next.filter(|next| next.verdict == Holds::Undecided) {
            let needs = next.rules.iter().filter_map(|rule| rule.needs_replications).max();
            let needs = needs.map(|needs| format!("; about {needs} would decide it (--max-replications)")).unwrap_or_default();
            let (text, replications) = (&next.text, next.replications);
            notes.push(format!("{text} is undecided after {replications} replications, and taken as not keeping the rules{needs}"));
        }
        if let (Some(last), None, "found") = (last, next, status) {
            notes.push(format!(
                "{} is the end of the list, so {} may do, too",
                last.text,
                if self.aim == Aim::Least { "less" } else { "more" }
            ));
        }
        if let (None, Some(next), "none") = (last, next, status) {
            notes.push(format!("not even {} keeps the rules", next.text));
        }
        for &(keeps, breaks) in &found.out_of_order {
            let [keeps, breaks] = [keeps, breaks].map(|place| &self.values[place]);
            notes.push(format!("out of order: {keeps} keeps the rules and {breaks} does not; more than one value may be the last"));
        }
        if let Some(at) = last.and_then(|last| last.overloaded_at_s) {
            notes.push(format!("overloaded from {at:.1} s on: a longer run may not keep the rules"));
        }
        notes
    }
}
