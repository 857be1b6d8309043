//! The folder of a sweep: whose it is, what of it is done, and who may write in it.
//!
//! Results are `results.csv`, `results.jsonl`, `plan.json` and `sweep.html`; everything that is ours alone has a name that begins with `journal`. Results
//! are written beside their names and renamed, `results.jsonl` last: a folder that has it is finished. A lock on `journal.lock` keeps a second process out; the
//! system takes it away with the process, however that ends.

use super::journal::{Journal, Opened, Unusable};
use super::listing;
use super::plan::Plan;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The results, in the order in which they are written.
pub const RESULTS: [&str; 4] = ["plan.json", "results.csv", "sweep.html", "results.jsonl"];
/// There when everything is done.
const LAST: &str = "results.jsonl";
const PLAN: &str = "plan.json";
const JOURNAL: &str = "journal";
const LOCK: &str = "journal.lock";

/// A folder that is locked, with its journal.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Ready to be gone on with.
    pub journal: Journal,
    /// What was found wrong with it, and mended.
    pub mended: Vec<String>,
    _lock: File,
}

/// What to do with a folder that holds something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Only if nothing is lost by it.
    Fresh,
    /// Go on with it.
    Resume,
    /// Begin again, whatever is there.
    Force,
}

/// Why it cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It must not be: what to do instead.
    #[error("{0}")]
    Because(String),
    /// The system says no.
    #[error("{0}")]
    Io(#[from] io::Error),
}

fn because<T>(what: impl Into<String>) -> Result<T, Refused> {
    Err(Refused::Because(what.into()))
}

impl Folder {
    /// Takes a folder for a plan: makes it, locks it, looks at what is in it.
    ///
    /// # Errors
    /// If it belongs to somebody else, to another plan, to another process, or cannot be written.
    pub fn take(path: &Path, plan: &Plan, mode: Mode) -> Result<Self, Refused> {
        let is_new = make(path)?;
        if !is_new && mode != Mode::Force && !is_ours(path)? {
            return because(
                "it holds something that is not a sweep; name another folder, or add --force to write into it (files of other names stay)",
            );
        }
        let lock = locked(path)?;
        let file = path.join(JOURNAL);
        let (journal, mended) = match (mode, file.exists()) {
            (Mode::Resume, true) => resumed(path, plan)?,
            (Mode::Fresh, true) => {
                unfinished(path)?;
                (begun(path, plan)?, Vec::new())
            }
            (Mode::Force, true) | (_, false) => (begun(path, plan)?, Vec::new()),
        };
        put(path, PLAN, &mut |to| to.write_all(listing::json(plan).as_bytes()))?;
        Ok(Self { path: path.to_owned(), journal, mended, _lock: lock })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file for a result that is being made; [`Self::finish`] puts it in its place.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn draft(&self, name: &str) -> io::Result<BufWriter<File>> {
        Ok(BufWriter::with_capacity(1 << 17, File::create(draft(&self.path, name))?))
    }

    /// Puts what was drafted in its place, [`RESULTS`] in their order.
    ///
    /// # Errors
    /// If it cannot.
    pub fn finish(&self, drafts: Vec<(&str, BufWriter<File>)>) -> io::Result<()> {
        let mut names = Vec::new();
        for (name, writer) in drafts {
            writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
            names.push(name);
        }
        for name in RESULTS.iter().filter(|name| names.contains(name)) {
            fs::rename(draft(&self.path, name), self.path.join(name))?;
        }
        synced(&self.path);
        Ok(())
    }

    /// Takes away what was drafted and will not be finished.
    pub fn forget(&self) {
        for name in RESULTS {
            let _ = fs::remove_file(draft(&self.path, name));
        }
    }
}

/// The journal of a part, for merging: read, and kept from being written meanwhile.
#[derive(Debug)]
pub struct Part {
    /// What is in it.
    pub opened: Opened,
    _lock: Option<File>,
}

impl Part {
    /// Opens a folder to read it.
    ///
    /// # Errors
    /// If it is no sweep's, or somebody is at work in it.
    pub fn open(path: &Path) -> Result<Self, Refused> {
        let file = match File::open(path.join(JOURNAL)) {
            Ok(file) => file,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return because("it is not the folder of a sweep: it has no journal");
            }
            Err(error) => return Err(error.into()),
        };
        // Where nothing can be locked, nobody writes either.
        let lock = File::open(path.join(LOCK)).ok();
        if let Some(lock) = &lock
            && let Err(TryLockError::WouldBlock) = lock.try_lock_shared()
        {
            return because("a sweep is running in it: wait for its end");
        }
        Ok(Self { opened: Journal::open(file).map_err(unusable)?, _lock: lock })
    }
}

/// Makes the folder, if it is not there; whether it was made or is empty.
fn make(path: &Path) -> Result<bool, Refused> {
    match fs::metadata(path) {
        Ok(about) if !about.is_dir() => because("there is a file of this name; name a folder"),
        Ok(_) => Ok(fs::read_dir(path)?.next().is_none()),
        Err(error) if error.kind() == ErrorKind::NotFound => match fs::create_dir(path) {
            Ok(()) => Ok(true),
            // Somebody else was faster.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) if error.kind() == ErrorKind::NotFound => because("the folder that it is to be in does not exist; make it first"),
            Err(error) => Err(error.into()),
        },
        Err(error) => Err(error.into()),
    }
}

fn is_ours(path: &Path) -> io::Result<bool> {
    let plan = fs::read_to_string(path.join(PLAN)).unwrap_or_default();
    let is_plan = plan.contains("\"name\":\"evenkeel\"") && plan.contains("\"fingerprint\"");
    let only_private = || -> io::Result<bool> {
        for entry in fs::read_dir(path)? {
            if !entry?.file_name().to_string_lossy().starts_with(JOURNAL) {
                return Ok(false);
            }
        }
        Ok(true)
    };
    Ok(is_plan || only_private()?)
}

fn locked(path: &Path) -> Result<File, Refused> {
    let lock = OpenOptions::new().write(true).create(true).truncate(false).open(path.join(LOCK))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => because("another process is at work in it; wait for its end, or name another folder"),
        // A file system without locks: better unlocked than not at all.
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => Ok(lock),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Refuses a folder from which something would be lost.
fn unfinished(path: &Path) -> Result<(), Refused> {
    if path.join(LAST).exists() {
        return Ok(());
    }
    match Journal::open(File::open(path.join(JOURNAL))?) {
        Ok(opened) if opened.journal.done() > 0 => because(format!(
            "it holds an unfinished sweep ({} of {} cells): add --resume to go on with it, or --force to begin again",
            opened.journal.done(),
            opened.plan.cells()
        )),
        Ok(_) => Ok(()),
        Err(Unusable::Io(error)) => Err(error.into()),
        Err(why) => because(format!("it holds an unfinished sweep whose journal cannot be used: {why}; add --force to begin again")),
    }
}

/// A new journal, with no results beside it that are not its own.
fn begun(path: &Path, plan: &Plan) -> io::Result<Journal> {
    for name in RESULTS.iter().rev() {
        match fs::remove_file(path.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    let beside = draft(path, JOURNAL);
    let journal = Journal::create(new_file(&beside)?, plan)?;
    fs::rename(&beside, path.join(JOURNAL))?;
    synced(path);
    Ok(journal)
}

fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)
}

/// Goes on with a journal: of the same plan, cut where it is torn, written anew where something in it is damaged.
fn resumed(path: &Path, plan: &Plan) -> Result<(Journal, Vec<String>), Refused> {
    let file = OpenOptions::new().read(true).write(true).open(path.join(JOURNAL))?;
    let Opened { plan: found, journal, damage, torn } = Journal::open(file).map_err(unusable)?;
    if let Some(difference) = plan.difference(&found) {
        return because(format!(
            "it holds another sweep; what differs is {difference}\n  help: name another folder, or add --force to begin again"
        ));
    }
    let mut mended = Vec::new();
    if let Some(at) = torn {
        mended.push(format!("the end of its journal was torn off in the middle of a cell (from byte {at}): that cell is computed again"));
        journal.cut()?;
    }
    if damage.is_empty() {
        return Ok((journal, mended));
    }
    for range in &damage {
        mended.push(format!("its journal is damaged from byte {} to {}: what stood there is computed again", range.start, range.end));
    }
    let beside = draft(path, JOURNAL);
    let sound = Journal::create(new_file(&beside)?, plan)?;
    journal.copy(plan, &sound)?;
    sound.sync()?;
    fs::rename(&beside, path.join(JOURNAL))?;
    synced(path);
    Ok((sound, mended))
}

fn unusable(why: Unusable) -> Refused {
    match why {
        Unusable::Io(error) => Refused::Io(error),
        why => Refused::Because(format!("its journal cannot be used: {why}\n  help: name another folder, or add --force to begin again")),
    }
}

/// A name of ours that a file has until it is whole.
fn draft(path: &Path, name: &str) -> PathBuf {
    path.join(format!("journal-{name}.tmp"))
}

/// Writes a file beside its place, and puts it there.
fn put(path: &Path, name: &str, write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let beside = draft(path, name);
    let mut file = BufWriter::new(File::create(&beside)?);
    write(&mut file)?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    fs::rename(&beside, path.join(name))
}

/// Names reach the disk with their folder. Where a system knows no such thing, they do by themselves.
fn synced(path: &Path) {
    if let Ok(folder) = File::open(path) {
        let _ = folder.sync_all();
    }
}
