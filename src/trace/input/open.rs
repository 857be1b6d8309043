//! Opening a file: only what is one, unpacked by what it is, and watched for changes while it is read.

use std::fs::{File, Metadata};
use std::io::{self, BufReader, Cursor, IsTerminal, Read};
use std::path::Path;
use std::rc::Rc;
use std::time::SystemTime;

use super::unpack::{Counted, Gzip, Raw, Shared, Zstd};
use super::{Cause, Input, InputFault, Kind, Limits, in_words};
use crate::trace::shown;

/// What files that were read before have used of the limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Bytes.
    pub bytes: u64,
    /// Bytes that were unpacked.
    pub unpacked: u64,
}

/// An open file.
pub struct Opened {
    bounded: Bounded,
    watch: Option<Watch>,
    /// What it is by its first bytes.
    pub kind: Kind,
    shared: Rc<Shared>,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Opened").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// What a file was when it was opened.
struct Watch {
    file: File,
    length: u64,
    modified: Option<SystemTime>,
}

/// How many bytes show what a file is.
const MARK: usize = 4096;

/// Opens a file or standard input.
///
/// # Errors
/// What cannot be read as a trace: folders, pipes with names, devices, terminals, files of other kinds.
pub fn open(input: &Input, limits: &Limits, spent: Spent) -> Result<Opened, InputFault> {
    let (reader, watch): (Box<dyn Read>, _) = match input {
        Input::Standard => (standard()?, None),
        Input::File(path) => {
            let (file, watch) = regular(path)?;
            (Box::new(file.take(watch.length)), Some(watch))
        }
    };
    let shared = Rc::new(Shared::default());
    let mut counted = Counted { inner: reader, shared: Rc::clone(&shared) };
    let mut head = Vec::with_capacity(MARK);
    (&mut counted).take(MARK as u64).read_to_end(&mut head).map_err(|error| InputFault::of(&error))?;
    let kind = Kind::of(&head);
    if let Kind::Foreign(what, advice) = kind {
        return Err(InputFault::new(Cause::Refused, format!("it is {what}: {advice}")));
    }
    if let Input::File(path) = input {
        shared.warnings.borrow_mut().extend(name_against(path, kind));
    }
    counted = Counted { inner: Box::new(Cursor::new(head).chain(counted)), shared: Rc::default() };
    let raw = BufReader::with_capacity(64 << 10, counted);
    Ok(Opened { bounded: Bounded::new(raw, kind, limits, spent, Rc::clone(&shared)), watch, kind, shared })
}

fn standard() -> Result<Box<dyn Read>, InputFault> {
    let input = io::stdin();
    if input.is_terminal() {
        let text = "standard input is a terminal, where no trace comes from: name a file, or pipe one in (zcat log.gz | … -)";
        return Err(InputFault::new(Cause::Refused, text));
    }
    Ok(Box::new(input.lock()))
}

fn regular(path: &Path) -> Result<(File, Watch), InputFault> {
    let fault = |error: io::Error| {
        let cause = if error.kind() == io::ErrorKind::NotFound { Cause::Refused } else { Cause::System };
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        InputFault::new(cause, format!("{} ({})", in_words(&error), shown::visible(whole.to_string_lossy().as_bytes(), 256)))
    };
    // Before it is opened: opening a pipe waits for whoever writes to it.
    if let Some(text) = not_a_file(&std::fs::metadata(path).map_err(fault)?) {
        return Err(InputFault::new(Cause::Refused, text));
    }
    let file = File::open(path).map_err(fault)?;
    let found = file.metadata().map_err(fault)?;
    let watch = Watch { file: file.try_clone().map_err(fault)?, length: found.len(), modified: found.modified().ok() };
    Ok((file, watch))
}

/// Why it is not a file to be read from its start to its end.
fn not_a_file(found: &Metadata) -> Option<&'static str> {
    if found.is_dir() {
        return Some("it is a folder: name the files in it, or a pattern for them (folder/*.log)");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kind = found.file_type();
        if kind.is_fifo() {
            return Some("it is a pipe, which may never end: pipe it in and name it - (mkfifo and <(…) are pipes too)");
        }
        if kind.is_char_device() || kind.is_block_device() {
            return Some("it is a device, not a file: pipe what is meant in, and name it -");
        }
        if kind.is_socket() {
            return Some("it is a socket, not a file");
        }
    }
    (!found.is_file()).then_some("it is not a file")
}

/// A word where a name says something else than the content.
fn name_against(path: &Path, kind: Kind) -> Option<String> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let says = match ending.as_str() {
        "gz" | "gzip" => Kind::Gzip,
        "zst" | "zstd" => Kind::Zstd,
        _ => Kind::Plain,
    };
    let word = |kind| match kind {
        Kind::Gzip => "gzip",
        Kind::Zstd => "zstd",
        _ => "plain text",
    };
    (says != kind).then(|| format!("its name says {}, but it is {}: it is read as what it is", word(says), word(kind)))
}

impl Opened {
    /// What was read of the limits, with what was spent before.
    #[must_use]
    pub fn spent(&self) -> Spent {
        self.bounded.spent
    }

    /// What is worth a word so far.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.shared.warnings.borrow().clone()
    }

    /// Whether the file has grown since it was opened, so that its last line may be an unfinished one.
    #[must_use]
    pub fn has_grown(&self) -> bool {
        let length = |watch: &Watch| watch.file.metadata().map(|found| found.len()).ok();
        self.watch.as_ref().is_some_and(|watch| length(watch).is_some_and(|now| now > watch.length))
    }

    /// Looks, once all was read, whether the file stayed what it was.
    ///
    /// # Errors
    /// It became shorter: what was read is not what it was, nor what it is.
    pub fn finish(&self) -> Result<Vec<String>, InputFault> {
        let mut warnings = self.warnings();
        let Some(watch) = &self.watch else { return Ok(warnings) };
        let found = watch.file.metadata().map_err(|error| InputFault::of(&error))?;
        if found.len() < watch.length {
            let text = format!("the file shrank from {} to {} bytes while it was read: copy it first", watch.length, found.len());
            return Err(InputFault::new(Cause::Damaged, text));
        }
        if found.len() > watch.length {
            let more = found.len() - watch.length;
            warnings.push(format!("the file grew by {more} bytes while it was read: only what was there at the start was read"));
        } else if found.modified().ok() != watch.modified {
            warnings.push("the file was changed while it was read: parts of it may be old and parts new".into());
        }
        Ok(warnings)
    }
}

impl Read for Opened {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.bounded.read(out)
    }
}

/// Unpacked bytes, at most so many.
pub(super) struct Bounded {
    inner: Box<dyn Read>,
    is_packed: bool,
    has_checked: bool,
    here: u64,
    spent: Spent,
    limits: Limits,
    shared: Rc<Shared>,
}

impl Bounded {
    pub(super) fn new(raw: Raw, kind: Kind, limits: &Limits, spent: Spent, shared: Rc<Shared>) -> Self {
        let inner: Box<dyn Read> = match kind {
            Kind::Gzip => Box::new(Gzip::new(raw, Rc::clone(&shared))),
            Kind::Zstd => Box::new(Zstd::new(raw, Rc::clone(&shared), limits.window)),
            _ => Box::new(raw),
        };
        let is_packed = matches!(kind, Kind::Gzip | Kind::Zstd);
        Self { inner, is_packed, has_checked: !is_packed, here: 0, spent, limits: *limits, shared }
    }

    fn check(&self) -> Result<(), InputFault> {
        let Limits { bytes, unpacked, ratio, ratio_after, .. } = self.limits;
        let packed = self.shared.packed.get();
        let text = if self.spent.bytes > bytes {
            format!("more than {} were read, the limit of a run", shown::bytes(bytes))
        } else if self.is_packed && self.spent.unpacked > unpacked {
            format!("more than {} came out of packed files, the limit of a run: unpack them first", shown::bytes(unpacked))
        } else if self.is_packed && self.here > ratio_after && self.here / packed.max(1) > ratio {
            let (out, of, times) = (shown::bytes(self.here), shown::bytes(packed), self.here / packed.max(1));
            format!(
                "{out} came out of {of}, {times} times as much: more than {ratio} times is no log but a bomb (if it is a log after all, unpack it first)"
            )
        } else {
            return Ok(());
        };
        Err(InputFault::new(Cause::Limit, text))
    }
}

impl Read for Bounded {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        let more = count as u64;
        self.here = self.here.saturating_add(more);
        self.spent.bytes = self.spent.bytes.saturating_add(more);
        if self.is_packed {
            self.spent.unpacked = self.spent.unpacked.saturating_add(more);
        }
        self.check()?;
        if !self.has_checked {
            self.has_checked = true;
            if let Kind::Foreign(what, advice) = Kind::of(&out[..count]) {
                return Err(InputFault::new(Cause::Refused, format!("what is packed in it is {what}: {advice}")).into());
            }
            if matches!(Kind::of(&out[..count]), Kind::Gzip | Kind::Zstd) {
                return Err(InputFault::new(Cause::Refused, "it is packed twice: unpack it once").into());
            }
        }
        Ok(count)
    }
}
