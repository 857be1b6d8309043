//! Reading files by name, with every way in which that can go wrong said in words.

use super::Code;
use super::terminal::Terminal;
use crate::report::neutral;
use crate::scenario::{self, FileFault, Files, Recording, Wanted};
use crate::trace::format::{Choices, Columns, Format, Timers};
use crate::trace::input::{self, Input, InputFault};
use crate::trace::read::Settings;
use crate::trace::recording::{self, Changes};
use crate::trace::stamp::Unit;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a file could not be read.
#[derive(Debug)]
pub(super) struct Unreadable {
    /// What to say, without the path.
    pub(super) reason: String,
    /// Whether the system refused it, and not that there is no such file.
    pub(super) by_system: bool,
}

impl Unreadable {
    fn of(error: &std::io::Error) -> Self {
        let (reason, by_system) = match error.kind() {
            ErrorKind::NotFound => ("no such file".to_owned(), false),
            ErrorKind::PermissionDenied => ("permission denied".to_owned(), true),
            ErrorKind::NotADirectory => ("it is a file, or in one; name a folder".to_owned(), false),
            ErrorKind::IsADirectory => ("it is a folder; name a file in it".to_owned(), false),
            _ => (error.to_string(), true),
        };
        Self { reason, by_system }
    }
}

/// What was read, or that it is larger than the limit.
pub(super) enum Content {
    Bytes(Vec<u8>),
    TooLarge(usize),
}

/// Reads a file or standard input (`-`), up to a limit.
pub(super) fn read(name: &str, limit: usize) -> Result<Content, Unreadable> {
    if name == "-" {
        return bounded(std::io::stdin().lock(), limit);
    }
    read_file(Path::new(name), limit)
}

/// Reads a file, up to a limit.
pub(super) fn read_file(path: &Path, limit: usize) -> Result<Content, Unreadable> {
    let about = std::fs::metadata(path).map_err(|error| Unreadable::of(&error))?;
    if about.is_dir() {
        return Err(Unreadable { reason: "it is a folder; name a file in it".to_owned(), by_system: false });
    }
    if !about.is_file() {
        return Err(Unreadable { reason: "it is a device or a pipe, not a file; pipe it in and use `-`".to_owned(), by_system: false });
    }
    if about.len() > limit as u64 {
        return Ok(Content::TooLarge(usize::try_from(about.len()).unwrap_or(usize::MAX)));
    }
    bounded(File::open(path).map_err(|error| Unreadable::of(&error))?, limit)
}

/// The bytes of a file that is asked for, or says why there are none: what it is to be, how messages call it, and what else might have been meant.
pub(super) fn read_or_say(
    name: &str,
    what: &str,
    shown: &str,
    limit: usize,
    hint: impl FnOnce() -> String,
    terminal: &Terminal,
) -> Result<Vec<u8>, Code> {
    match read(name, limit) {
        Ok(Content::Bytes(bytes)) => Ok(bytes),
        Ok(Content::TooLarge(bytes)) => {
            terminal.diagnostics(&scenario::too_large(shown, bytes, limit));
            Err(Code::Invalid)
        }
        Err(fault) => {
            terminal.error(&format!("cannot read {what} `{}`: {}{}", neutral::plain(shown), fault.reason, hint()));
            Err(if fault.by_system { Code::Failed } else { Code::Invalid })
        }
    }
}

fn bounded(from: impl Read, limit: usize) -> Result<Content, Unreadable> {
    let mut bytes = Vec::new();
    from.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(|error| Unreadable::of(&error))?;
    Ok(if bytes.len() > limit { Content::TooLarge(bytes.len()) } else { Content::Bytes(bytes) })
}

/// Files that a scenario names, relative to the folder it is in, whatever the working directory is.
pub(super) struct Beside {
    folder: PathBuf,
    /// What was read, or why it could not be: every variant of a scenario asks for it.
    recorded: RefCell<BTreeMap<Wanted, Result<Recording, String>>>,
}

impl Beside {
    pub(super) fn of(name: &str) -> Self {
        let folder = if name == "-" { PathBuf::new() } else { Path::new(name).parent().map(Path::to_path_buf).unwrap_or_default() };
        Self { folder, recorded: RefCell::default() }
    }
}

impl Files for Beside {
    fn read(&self, path: &str, limit: usize) -> Result<Vec<u8>, FileFault> {
        let tried = self.folder.join(path).to_string_lossy().into_owned();
        match read(&tried, limit) {
            Ok(Content::Bytes(bytes)) => Ok(bytes),
            Ok(Content::TooLarge(bytes)) => {
                Err(FileFault { tried, reason: format!("it has {bytes} bytes or more; at most {limit} are read") })
            }
            Err(fault) => Err(FileFault { tried, reason: fault.reason }),
        }
    }

    fn tape(&self, wanted: &Wanted) -> Result<Recording, FileFault> {
        let mut known = self.recorded.borrow_mut();
        let found = known.entry(wanted.clone()).or_insert_with(|| recorded(wanted, &self.folder));
        found.clone().map_err(|reason| FileFault { tried: wanted.files.join(", "), reason })
    }
}

/// Reads the traffic that a scenario wants.
fn recorded(wanted: &Wanted, folder: &Path) -> Result<Recording, String> {
    let inputs = inputs(&wanted.files, folder).map_err(|fault| fault.to_string())?;
    let changes = Changes { spread: wanted.spread, salt: None };
    let (tape, _) = recording::taken(&inputs, &settings(wanted, folder)?, &changes).map_err(|fault| fault.to_string())?;
    Ok(Recording { notes: tape.origin().warnings.clone(), tape: Arc::new(tape) })
}

/// The files that are meant, relative to a folder.
pub(super) fn inputs(names: &[String], folder: &Path) -> Result<Vec<Input>, InputFault> {
    let beside = |name: &String| if name == "-" { name.clone() } else { folder.join(name).to_string_lossy().into_owned() };
    input::expand(&names.iter().map(beside).collect::<Vec<_>>())
}

/// How to read them; other files that it needs are relative to the folder, too.
pub(super) fn settings(wanted: &Wanted, folder: &Path) -> Result<Settings, String> {
    let mut columns = Columns::default();
    for (role, name) in &wanted.columns {
        columns.set(role, name.clone());
    }
    let format = wanted.format.as_deref().map(str::parse::<Format>).transpose()?;
    let unit = |unit: &str| unit.parse::<Unit>().map_err(|_| format!("`{unit}` is no unit of time: ns, us, ms or s"));
    let time_unit = wanted.time_unit.as_deref().map(unit).transpose()?;
    let timers = if wanted.timers.as_deref() == Some("Tt") { Timers::Tt } else { Timers::Ta };
    let durations = wanted.durations.as_ref().map(|name| Input::File(folder.join(name)));
    let choices = Choices { log_format: wanted.log_format.clone(), columns, time_unit, timers, durations, ..Choices::default() };
    Ok(Settings { format, choices, strict: wanted.strict, ..Settings::default() })
}

/// Writes a file beside its place and renames it there, so that nobody ever sees half of it.
pub(super) fn write(path: &Path, text: &str) -> std::io::Result<()> {
    replace(path, |file| file.write_all(text.as_bytes()))
}

/// Likewise, filled bit by bit.
pub(super) fn replace(path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>) -> std::io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.tmp.{}", std::process::id()));
    let written = File::create(&beside).and_then(|file| {
        let mut file = BufWriter::new(file);
        fill(&mut file)?;
        file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        std::fs::rename(&beside, path)
    });
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written
}

/// Writes what `--out` asks for, or says why it cannot be.
pub(super) fn write_or_say(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>,
    terminal: &Terminal,
) -> Result<(), Code> {
    replace(path, fill).map_err(|error| {
        terminal.error(&format!("cannot write `{}`: {error}", neutral::plain(&path.to_string_lossy())));
        Code::Failed
    })
}
