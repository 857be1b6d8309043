//! A folder that a report goes to: looked at before anything runs, filled beside its place, and put there whole.
//!
//! Everything is written into `.NAME.tmp.PID` next to the folder first. A folder with a result of ours is then renamed away, the new one renamed into its place, and the old one
//! removed: nobody ever finds half of a report, and whoever is killed before leaves the old one as it was. What somebody has put beside a report stays. Into a folder with anything else in it nothing is
//! written without `--force`; with it, file by file, and what has other names stays.

use super::files::{self, Content};
use crate::report::folder::{ENTRIES, File, SUMMARY};
use crate::report::json;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// A summary is read up to this size to see whose it is.
const MOST: usize = 1 << 30;

/// A folder that can be written.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    /// Beside it, and there: where everything is written first.
    beside: PathBuf,
    /// It holds other things: files are put into it one by one.
    is_shared: bool,
}

impl Place {
    /// Looks at a folder and makes its neighbour, or says why nothing can be written there.
    pub(super) fn new(path: &Path, force: bool) -> Result<Self, String> {
        let path = resolved(path)?;
        let is_shared = match fs::metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            Err(error) => return Err(words(&error)),
            Ok(about) if !about.is_dir() => return Err("there is a file of this name; name a folder".to_owned()),
            Ok(_) => match (holds(&path)?, force) {
                (Holds::Nothing | Holds::Ours, _) => false,
                (Holds::Other, true) => fits(&path).map(|()| true)?,
                (Holds::Other, false) => {
                    return Err("it holds something that is not an evenkeel result; name another folder, or add --force to write into it \
                                (files of other names stay)"
                        .to_owned());
                }
            },
        };
        let beside = neighbour(&path, "tmp");
        // A stale one of an earlier process with the same number.
        let _ = fs::remove_dir_all(&beside);
        fs::create_dir(&beside).map_err(|error| format!("cannot write beside it: {}", words(&error)))?;
        Ok(Self { path, beside, is_shared })
    }

    /// The folder.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes everything and puts it in its place.
    pub(super) fn fill(&self, files: &[File]) -> io::Result<()> {
        for (name, content) in files {
            write(&self.beside.join(name), content)?;
        }
        if self.is_shared { self.put_each(files) } else { self.put_whole() }
    }

    fn put_whole(&self) -> io::Result<()> {
        let old = neighbour(&self.path, "old");
        let _ = fs::remove_dir_all(&old);
        let was_there = match fs::rename(&self.path, &old) {
            Ok(()) => true,
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        if let Err(error) = fs::rename(&self.beside, &self.path) {
            if was_there {
                fs::rename(&old, &self.path)?;
            }
            return Err(error);
        }
        if was_there {
            self.carry_over(&old)?;
        }
        // It is no longer of use to anybody, and harmless where it cannot be removed.
        let _ = fs::remove_dir_all(&old);
        Ok(())
    }

    /// What somebody has put beside a report stays there.
    fn carry_over(&self, old: &Path) -> io::Result<()> {
        for entry in fs::read_dir(old)? {
            let name = entry?.file_name();
            if !ENTRIES.iter().any(|ours| name == **ours) {
                fs::rename(old.join(&name), self.path.join(&name))?;
            }
        }
        Ok(())
    }

    fn put_each(&self, files: &[File]) -> io::Result<()> {
        for (name, _) in files {
            let to = self.path.join(name);
            fs::create_dir_all(to.parent().unwrap_or(&self.path))?;
            fs::rename(self.beside.join(name), to)?;
        }
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.beside);
    }
}

/// What a folder holds.
enum Holds {
    Nothing,
    /// A result of ours.
    Ours,
    Other,
}

fn holds(path: &Path) -> Result<Holds, String> {
    let mut entries = fs::read_dir(path).map_err(|error| words(&error))?;
    if entries.next().is_none() {
        return Ok(Holds::Nothing);
    }
    let is_ours = match files::read_file(&path.join(SUMMARY), MOST) {
        Ok(Content::Bytes(bytes)) => std::str::from_utf8(&bytes).is_ok_and(json::is_ours),
        Ok(Content::TooLarge(_)) | Err(_) => false,
    };
    Ok(if is_ours { Holds::Ours } else { Holds::Other })
}

/// Whether nothing in a folder is in the way of ours: a folder where a file is to be, or a file where a folder is to be.
fn fits(path: &Path) -> Result<(), String> {
    for name in ENTRIES {
        let is_folder = !name.contains('.');
        match fs::metadata(path.join(name)) {
            Ok(about) if about.is_dir() && !is_folder => {
                return Err(format!("`{name}` in it is a folder, and a file is to be there; move it away"));
            }
            Ok(about) if !about.is_dir() && is_folder => {
                return Err(format!("`{name}` in it is a file, and a folder is to be there; move it away"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Where a folder really is. One that is not there yet must have a parent that is.
fn resolved(path: &Path) -> Result<PathBuf, String> {
    if path.as_os_str().is_empty() {
        return Err("name a folder".to_owned());
    }
    if let Ok(path) = fs::canonicalize(path) {
        return match (path.parent(), std::env::current_dir().is_ok_and(|here| here.starts_with(&path))) {
            (Some(_), false) => Ok(path),
            _ => Err("it is the folder you are in, or one that it is in; name one below it".to_owned()),
        };
    }
    if fs::symlink_metadata(path).is_ok_and(|about| about.is_symlink()) {
        return Err("it is a link that leads nowhere; remove it, or make the folder that it names".to_owned());
    }
    let name = path.file_name().ok_or("name a folder")?;
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match fs::canonicalize(parent) {
        Ok(parent) if parent.is_dir() => Ok(parent.join(name)),
        Ok(_) => Err("what it is to be in is a file".to_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => Err("the folder that it is to be in does not exist; make it first".to_owned()),
        Err(error) => Err(words(&error)),
    }
}

/// `.NAME.kind.PID`, in the same folder.
fn neighbour(path: &Path, kind: &str) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{kind}.{}", std::process::id()));
    path.with_file_name(name)
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = fs::File::create(path)?;
    file.write_all(content)?;
    file.sync_data()
}

fn words(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        _ => error.to_string(),
    }
}
