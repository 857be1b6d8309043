//! `evenkeel sweep`: a scenario over a grid of values.

use super::Code;
use super::args::{Format, SweepArgs};
use super::harvest;
use super::points::Points;
use super::progress::{Progress, listen_for_interrupts};
use super::scenarios::Text;
use super::terminal::Terminal;
use crate::report::neutral;
use crate::scenario::Override;
use crate::sweep::folder::{Folder, Mode, Refused};
use crate::sweep::grid::Grid;
use crate::sweep::journal::Journal;
use crate::sweep::plan::{NoPlan, Plan};
use crate::sweep::scene::Scene;
use crate::sweep::shard::{self, Shard};
use crate::sweep::work::{Ended, Work};
use crate::sweep::{judge, listing};
use std::sync::Mutex;

pub(super) fn sweep(args: &SweepArgs, terminal: &Terminal) -> Code {
    match prepared(args, terminal) {
        Err(code) => code,
        Ok((plan, cells, shard, _)) if args.plan => printed(&plan, &cells, shard, args.format, terminal),
        Ok((plan, cells, shard, mut points)) => run(args, &plan, &cells, shard, &mut points, terminal),
    }
}

/// Everything that can be wrong, before anything runs.
fn prepared<'a>(args: &'a SweepArgs, terminal: &Terminal) -> Result<(Plan, Vec<u32>, Shard, Points<'a>), Code> {
    let invalid = |text: &str| {
        terminal.error(text);
        Code::Invalid
    };
    let shard = match &args.shard {
        None => Shard::WHOLE,
        Some(text) => Shard::read(text, &|name| std::env::var(name).ok()).map_err(|fault| {
            invalid(&format!("`--shard {}`: {}\n  allowed: {}", neutral::plain(text), lines(&fault.to_string()), shard::ALLOWED))
        })?,
    };
    let grid = Grid::read(&args.vary).map_err(|faults| {
        faults.iter().for_each(|fault| terminal.error(&lines(&fault.to_string())));
        Code::Invalid
    })?;
    let (text, files) = Text::only(&args.scenario, terminal)?;
    let mut points = Points::new(text, files, &args.scenario);
    let plan = Plan::new(grid, args.metrics.clone(), &mut |overrides| points.job(overrides));
    points.found.say(terminal);
    let plan = plan.map_err(|no_plan| match no_plan {
        NoPlan::Faults => Code::Invalid,
        NoPlan::TooManyCells => invalid(&no_plan.to_string()),
    })?;
    if points.ignores_precision {
        terminal
            .warning("run.precision is not used: the replications of a sweep are those of its plan, so that it can be resumed and divided");
    }
    let first = points.job(&plan.overrides(0)).ok_or(Code::Invalid)?;
    judge::shown(&Scene::of(&first), &args.metrics)
        .map_err(|fault| invalid(&format!("`--metric`: {}", neutral::plain(&fault.to_string()))))?;
    let cells = shard.cells(&plan);
    Ok((plan, cells, shard, points))
}

/// Line ends are ours, everything else is the user's.
pub(super) fn lines(text: &str) -> String {
    text.lines().map(neutral::plain).collect::<Vec<_>>().join("\n")
}

fn printed(plan: &Plan, cells: &[u32], shard: Shard, format: Format, terminal: &Terminal) -> Code {
    terminal.result(&match format {
        Format::Json => listing::json(plan),
        Format::Table | Format::Csv | Format::Markdown => {
            listing::words(plan, cells, &shard.to_string()).lines().map(|line| neutral::plain(line) + "\n").collect()
        }
    })
}

fn run(args: &SweepArgs, plan: &Plan, cells: &[u32], shard: Shard, points: &mut Points<'_>, terminal: &Terminal) -> Code {
    let mode = match (args.resume, args.out.force) {
        (true, _) => Mode::Resume,
        (false, true) => Mode::Force,
        (false, false) => Mode::Fresh,
    };
    let target = match Target::new(args.out.out.as_deref(), plan, mode, terminal) {
        Ok(target) => target,
        Err(code) => return code,
    };
    let journal = target.journal();
    let missing: Vec<u32> = cells.iter().copied().filter(|&cell| !journal.has(cell as usize)).collect();
    let before = cells.len() - missing.len();
    if before > 0 {
        terminal.note(&format!("{before} of {} cells are there already", cells.len()));
    }
    listen_for_interrupts();
    let expected = missing.iter().map(|&cell| f64::from(plan.points[plan.cell(cell as usize).point].cost)).sum();
    let progress = Progress::new(Some(expected), terminal);
    let threads = args.threads.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), |threads| threads as usize);
    let with_backend_latencies = judge::needs_backend_latencies(&args.metrics);
    let mut load = |overrides: &[Override]| points.job(overrides);
    let work = Work { plan, journal, cells: &missing, load: Mutex::new(&mut load), with_backend_latencies };
    let ended = work.done(threads, &|requests| progress.advance(requests));
    let (_, time) = progress.finish();
    let done = cells.iter().filter(|&&cell| journal.has(cell as usize)).count();
    let seconds = time.as_secs_f64();
    terminal.note(&format!("simulated {} cells in {seconds:.2} s; {done} of {} are finished", done - before, cells.len()));
    match ended {
        Ended::Done if shard != Shard::WHOLE => {
            terminal.note(&format!("shard {shard} is in {}; `evenkeel merge` puts all of them together", target.shown()));
            Code::Fine
        }
        Ended::Done => harvest::all(plan, &target, args.format, args.out.open, terminal),
        ended => stopped(ended, plan, &target, args.format, terminal),
    }
}

/// Says why it did not come to its end, and what is kept.
fn stopped(ended: Ended, plan: &Plan, target: &Target, format: Format, terminal: &Terminal) -> Code {
    let kept = match target {
        Target::Folder(_) => format!("{} finished cells are kept in {}: go on with --resume", target.journal().done(), target.shown()),
        Target::Nowhere(_) => "without --out, only whole points are shown".to_owned(),
    };
    match ended {
        Ended::Interrupted => {
            terminal.error(&format!("interrupted; {kept}"));
            if matches!(target, Target::Nowhere(_)) && target.journal().done() > 0 {
                harvest::all(plan, target, format, false, terminal);
            }
            Code::Interrupted
        }
        Ended::Trouble(cell, what) => {
            terminal.error(&format!("{}: {}\n  {kept}", neutral::plain(&plan.words(cell)), neutral::plain(&what)));
            Code::Failed
        }
        Ended::Broken(error) => {
            terminal.error(&format!("cannot write the journal: {error}; {kept}"));
            Code::Failed
        }
        Ended::Changed(point) => {
            let words = plan.head.parameters.words(point);
            terminal.error(&format!("{}: a file of the scenario changed while it ran; {kept}", neutral::plain(&words)));
            Code::Failed
        }
        Ended::Done => Code::Fine,
    }
}

/// Where a sweep goes.
pub(super) enum Target {
    Folder(Folder),
    /// Into a file that nobody sees, which goes with the process.
    Nowhere(Journal),
}

impl Target {
    pub(super) fn new(out: Option<&std::path::Path>, plan: &Plan, mode: Mode, terminal: &Terminal) -> Result<Self, Code> {
        let Some(out) = out else {
            let journal = tempfile::tempfile().and_then(|file| Journal::create(file, plan));
            return journal.map(Self::Nowhere).map_err(|error| {
                terminal.error(&format!("cannot make a temporary file: {error}\n  help: with --out, it is kept in a folder"));
                Code::Failed
            });
        };
        let folder = Folder::take(out, plan, mode).map_err(|refused| {
            terminal.error(&format!(
                "cannot write the sweep to `{}`: {}",
                neutral::plain(&out.to_string_lossy()),
                lines(&refused.to_string())
            ));
            if matches!(refused, Refused::Io(_)) { Code::Failed } else { Code::Invalid }
        })?;
        folder.mended.iter().for_each(|what| terminal.warning(what));
        Ok(Self::Folder(folder))
    }

    pub(super) fn journal(&self) -> &Journal {
        match self {
            Self::Folder(folder) => &folder.journal,
            Self::Nowhere(journal) => journal,
        }
    }

    pub(super) fn shown(&self) -> String {
        match self {
            Self::Folder(folder) => neutral::plain(&folder.path().to_string_lossy()),
            Self::Nowhere(_) => "no folder".to_owned(),
        }
    }
}
