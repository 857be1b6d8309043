//! From names of files to bytes: opened, unpacked, and bounded.

mod kind;
mod lines;
mod open;
mod unpack;

pub use kind::Kind;
pub use lines::{Lines, Piece};
pub use open::{Opened, Spent, open};
pub use unpack::unpacked;

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Where bytes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Standard,
}

impl fmt::Display for Input {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => out.write_str(&super::shown::visible(path.to_string_lossy().as_bytes(), 256)),
            Self::Standard => out.write_str("standard input"),
        }
    }
}

/// What may be read at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all files together.
    pub bytes: u64,
    /// Bytes of all packed files together, once unpacked.
    pub unpacked: u64,
    /// How many bytes a packed byte may become, once more than `ratio_after` have come out.
    pub ratio: u64,
    /// See `ratio`.
    pub ratio_after: u64,
    /// The window that a zstd file may ask for.
    pub window: u64,
    /// Bytes of a line.
    pub line: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 1 << 40, unpacked: 64 << 30, ratio: 200, ratio_after: 256 << 20, window: 128 << 20, line: 1 << 20 }
    }
}

/// Why bytes cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct InputFault {
    /// What sort of reason it is.
    pub cause: Cause,
    /// The reason in words.
    pub text: String,
}

/// Sorts of reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// What was asked for cannot be read at all: another name would help.
    Refused,
    /// The system does not let it be read, or broke.
    System,
    /// The file is damaged or changed: it could not be read to its end.
    Damaged,
    /// More than a limit allows.
    Limit,
}

impl InputFault {
    pub(super) fn new(cause: Cause, text: impl Into<String>) -> Self {
        Self { cause, text: text.into() }
    }

    /// The fault that travelled inside an error of reading, or that error in words.
    #[must_use]
    pub fn of(error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Self>());
        inner.cloned().unwrap_or_else(|| Self::new(Cause::System, in_words(error)))
    }
}

impl From<InputFault> for io::Error {
    fn from(fault: InputFault) -> Self {
        Self::other(fault)
    }
}

/// A system's error in words that do not differ between systems where that can be had.
fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".into(),
        io::ErrorKind::PermissionDenied => "it may not be read (permission denied)".into(),
        _ => error.to_string(),
    }
}

/// Finds the files that are meant: `-` is standard input, a name that exists is that file, and other names may have `*`, `?` and `[…]`, whose files
/// come in the order of their names.
///
/// # Errors
/// A pattern that fits no file, or that is none.
pub fn expand(names: &[String]) -> Result<Vec<Input>, InputFault> {
    let mut inputs = Vec::new();
    for name in names {
        match name.as_str() {
            "-" if inputs.contains(&Input::Standard) => {
                return Err(InputFault::new(Cause::Refused, "standard input (-) can be read only once"));
            }
            "-" => inputs.push(Input::Standard),
            name if !name.contains(['*', '?', '[']) || PathBuf::from(name).exists() => inputs.push(Input::File(name.into())),
            pattern => inputs.extend(matching(pattern)?),
        }
    }
    Ok(inputs)
}

/// More files than this are not what a pattern meant.
const MOST_FILES: usize = 100_000;

fn matching(pattern: &str) -> Result<Vec<Input>, InputFault> {
    let shown = super::shown::shown(pattern.as_bytes());
    let refused = |text: String| InputFault::new(Cause::Refused, text);
    let paths = glob::glob(pattern).map_err(|error| refused(format!("{shown} is no pattern for files: {}", error.msg)))?;
    let mut files = Vec::new();
    for path in paths {
        let path = path.map_err(|error| InputFault::new(Cause::System, format!("{shown}: {}", in_words(error.error()))))?;
        if path.is_file() {
            files.push(path);
        }
        if files.len() > MOST_FILES {
            return Err(InputFault::new(Cause::Limit, format!("{shown} fits more than {MOST_FILES} files")));
        }
    }
    if files.is_empty() {
        return Err(refused(format!("no file fits the pattern {shown}")));
    }
    files.sort();
    Ok(files.into_iter().map(Input::File).collect())
}

#[cfg(test)]
mod tests;
