//! `evenkeel report`: draws a report again from saved results, or several of them side by side.

use super::Code;
use super::args::ReportArgs;
use super::files::{self, Content};
use super::outcome;
use super::terminal::Terminal;
use crate::report::folder::{self, DETAIL, File, KEPT, SUMMARY, Saved};
use crate::report::json::{self, Unreadable};
use crate::report::neutral;
use std::path::Path;

/// The largest file of a result that is read.
const MOST: usize = 512 << 20;

pub(super) fn report(args: &ReportArgs, terminal: &Terminal) -> Code {
    let read: Vec<_> = args.folders.iter().map(|folder| saved(folder, terminal)).collect();
    if let Some(code) = read.iter().filter_map(|one| one.as_ref().err()).min() {
        return *code;
    }
    let mut all: Vec<Saved> = read.into_iter().flatten().collect();
    number(&mut all);
    let into = match (&args.out, &args.folders[..]) {
        (Some(out), _) => out,
        (None, [only]) => only,
        (None, _) => {
            terminal.error("several results are drawn side by side into a folder of their own: add --out DIR");
            return Code::Invalid;
        }
    };
    let place = match outcome::place(into, args.force, terminal) {
        Ok(place) => place,
        Err(code) => return code,
    };
    let files = match &all[..] {
        [only] => again(&args.folders[0], only),
        several => folder::side_by_side(several),
    };
    let code = outcome::write(&place, &files, terminal);
    if code == Code::Fine && args.open {
        outcome::open(&place, terminal);
    }
    code
}

/// A result's files, and those that nothing can be made of again.
fn again(from: &Path, saved: &Saved) -> Vec<File> {
    let mut files = folder::files(&saved.summary, &saved.detail);
    for name in KEPT {
        files.extend(std::fs::read(from.join(name)).ok().map(|content| (name.to_owned(), content)));
    }
    files
}

/// Folders of the same name are told apart.
fn number(all: &mut [Saved]) {
    let mut given = Vec::new();
    for one in all {
        one.name = folder::unused(&one.name, &given);
        given.push(one.name.clone());
    }
}

/// Reads the result in a folder, or says why there is none.
fn saved(from: &Path, terminal: &Terminal) -> Result<Saved, Code> {
    let summary = read(from, SUMMARY, json::read_summary, terminal)?;
    let detail = read(from, DETAIL, json::read_detail, terminal)?;
    if let Err(wrong) = detail.check(&summary.results) {
        terminal.error(&format!("`{}` does not fit its summary: {}", shown(from, DETAIL), neutral::plain(&wrong)));
        return Err(Code::Invalid);
    }
    let name = std::fs::canonicalize(from).ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    Ok(Saved { name: name.unwrap_or_default(), summary, detail })
}

fn shown(from: &Path, name: &str) -> String {
    neutral::plain(&from.join(name).to_string_lossy())
}

fn read<T>(from: &Path, name: &str, parse: fn(&str) -> Result<T, Unreadable>, terminal: &Terminal) -> Result<T, Code> {
    let wrong = |reason: &str, code: Code| {
        terminal.error(&format!("cannot read the result `{}`: {reason}", shown(from, name)));
        code
    };
    let bytes = match files::read_file(&from.join(name), MOST) {
        Ok(Content::Bytes(bytes)) => bytes,
        Ok(Content::TooLarge(bytes)) => {
            return Err(wrong(&format!("it has {bytes} bytes or more; at most {MOST} are read"), Code::Invalid));
        }
        Err(fault) if fault.by_system => return Err(wrong(&fault.reason, Code::Failed)),
        Err(fault) => {
            let help = format!("{}\n  help: name a folder that `evenkeel run --out DIR` wrote", fault.reason);
            return Err(wrong(&help, Code::Invalid));
        }
    };
    let text = String::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8", Code::Invalid))?;
    parse(&text).map_err(|error| wrong(&neutral::plain(&error.to_string()), Code::Invalid))
}
