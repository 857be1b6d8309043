//! `evenkeel merge`: the shards of a sweep, put together.
//!
//! Everything is checked before anything is written: that all are of one plan, that no cell is missing, and that cells which are there twice are the same twice.

use super::Code;
use super::args::MergeArgs;
use super::harvest;
use super::sweep::Target;
use super::terminal::Terminal;
use crate::report::neutral;
use crate::sweep::folder::{Mode, Part, Refused};
use crate::sweep::plan::Plan;
use std::fs;
use std::path::Path;

/// So many missing cells are named.
const NAMED: usize = 10;

pub(super) fn merge(args: &MergeArgs, terminal: &Terminal) -> Code {
    match put_together(args, terminal) {
        Ok(code) | Err(code) => code,
    }
}

fn put_together(args: &MergeArgs, terminal: &Terminal) -> Result<Code, Code> {
    if let Some(out) = &args.out.out
        && let Some(same) = args.folders.iter().find(|folder| is_same(folder, out))
    {
        terminal.error(&format!("`--out {}`: it is one of the folders to merge; name another", shown(same)));
        return Err(Code::Invalid);
    }
    let parts = opened(args, terminal)?;
    let (_, first) = &parts[0];
    let plan = &first.opened.plan;
    agree(&parts, terminal)?;
    let missing: Vec<usize> = (0..plan.cells()).filter(|&cell| parts.iter().all(|(_, part)| !part.opened.journal.has(cell))).collect();
    if !missing.is_empty() {
        say_missing(plan, &missing, args.allow_partial, terminal);
        if !args.allow_partial || missing.len() == plan.cells() {
            return Err(Code::Invalid);
        }
    }
    let mode = if args.out.force { Mode::Force } else { Mode::Fresh };
    let target = Target::new(args.out.out.as_deref(), plan, mode, terminal)?;
    for (path, part) in &parts {
        part.opened.journal.copy(plan, target.journal()).map_err(|error| {
            terminal.error(&format!("cannot put `{}` into {}: {error}", shown(path), target.shown()));
            Code::Failed
        })?;
    }
    Ok(harvest::all(plan, &target, args.format, args.out.open, terminal))
}

fn is_same(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

fn shown(path: &Path) -> String {
    neutral::plain(&path.to_string_lossy())
}

/// Every folder, or what is wrong with each that cannot be read.
fn opened<'a>(args: &'a MergeArgs, terminal: &Terminal) -> Result<Vec<(&'a Path, Part)>, Code> {
    let (mut parts, mut code) = (Vec::new(), Code::Fine);
    for path in &args.folders {
        match Part::open(path) {
            Ok(part) => {
                for range in &part.opened.damage {
                    terminal.warning(&format!("the journal in `{}` is damaged from byte {} to {}", shown(path), range.start, range.end));
                }
                if let Some(at) = part.opened.torn {
                    terminal.warning(&format!("the journal in `{}` ends in the middle of a cell, at byte {at}", shown(path)));
                }
                parts.push((path.as_path(), part));
            }
            Err(refused) => {
                terminal.error(&format!("cannot read `{}`: {}", shown(path), refused.to_string().lines().next().unwrap_or_default()));
                code = code.min(if matches!(refused, Refused::Io(_)) { Code::Failed } else { Code::Invalid });
            }
        }
    }
    if code == Code::Fine { Ok(parts) } else { Err(code) }
}

/// All are of one plan, and say the same where they say something twice.
fn agree(parts: &[(&Path, Part)], terminal: &Terminal) -> Result<(), Code> {
    let (path, first) = &parts[0];
    for (other, part) in &parts[1..] {
        if let Some(difference) = first.opened.plan.difference(&part.opened.plan) {
            terminal.error(&format!(
                "`{}` and `{}` are not of one sweep; what differs is {}",
                shown(path),
                shown(other),
                neutral::plain(&difference)
            ));
            return Err(Code::Invalid);
        }
    }
    let plan = &first.opened.plan;
    let mut twice = 0;
    for cell in 0..plan.cells() {
        let mut holders = parts.iter().filter(|(_, part)| part.opened.journal.has(cell));
        let Some((one, part)) = holders.next() else { continue };
        for (other, again) in holders {
            twice += 1;
            let read = |part: &Part| part.opened.journal.cell(cell).map_err(|error| terminal.error(&error.to_string()));
            let (Ok(left), Ok(right)) = (read(part), read(again)) else { return Err(Code::Failed) };
            if left != right {
                terminal.error(&format!(
                    "`{}` and `{}` disagree about {}\n  help: one of them was made by another build, or on a machine that computes something else; run `evenkeel selftest` on both",
                    shown(one),
                    shown(other),
                    neutral::plain(&plan.words(cell))
                ));
                return Err(Code::Invalid);
            }
        }
    }
    if twice > 0 {
        terminal.note(&format!("{twice} cells are there more than once, and the same each time"));
    }
    Ok(())
}

fn say_missing(plan: &Plan, missing: &[usize], allowed: bool, terminal: &Terminal) {
    let named: Vec<String> = missing.iter().take(NAMED).map(|&cell| format!("\n  {}", neutral::plain(&plan.words(cell)))).collect();
    let more = missing.len().saturating_sub(NAMED);
    let more = if more > 0 { format!("\n  … and {more} more") } else { String::new() };
    let text = format!("{} of {} cells are missing:{}{more}", missing.len(), plan.cells(), named.concat());
    if allowed {
        terminal.warning(&text);
    } else {
        terminal.error(
            &(text + "\n  help: finish their shards with --resume, name all folders, or add --allow-partial to leave their points out"),
        );
    }
}
