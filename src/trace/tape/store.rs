//! Where the bytes of a tape are: in memory, or in a file that many read at once.

use std::fs::File;
use std::io::{self, Write};

/// Bytes that can be read at any place.
#[derive(Debug)]
pub(super) enum Store {
    Memory(Vec<u8>),
    File(File, u64),
}

impl Store {
    pub(super) fn file(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self::File(file, length))
    }

    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(_, length) => *length,
        }
    }

    /// Fills all of it.
    pub(super) fn read(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        match self {
            Self::Memory(bytes) => {
                let from = usize::try_from(at).ok().and_then(|at| bytes.get(at..)?.get(..into.len()));
                into.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
            Self::File(file, _) => read_at(file, at, into),
        }
    }
}

#[cfg(unix)]
fn read_at(file: &File, at: u64, into: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, into, at)
}

#[cfg(windows)]
fn read_at(file: &File, mut at: u64, mut into: &mut [u8]) -> io::Result<()> {
    while !into.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, into, at)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => (at, into) = (at + read as u64, &mut into[read..]),
        }
    }
    Ok(())
}

#[cfg(not(any(unix, windows)))]
fn read_at(_: &File, _: u64, _: &mut [u8]) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// A place to write to that is memory as long as it is small, and then a file that is asked for.
pub struct Spool {
    memory: Vec<u8>,
    most: usize,
    file: Option<File>,
    make: fn() -> io::Result<File>,
}

impl std::fmt::Debug for Spool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spool").field("memory", &self.memory.len()).field("file", &self.file).finish_non_exhaustive()
    }
}

impl Spool {
    /// Memory up to so many bytes; beyond that a file that `make` makes, open for reading and writing.
    #[must_use]
    pub const fn new(most: usize, make: fn() -> io::Result<File>) -> Self {
        Self { memory: Vec::new(), most, file: None, make }
    }

    /// The tape that was written here.
    ///
    /// # Errors
    /// What was written is not one, or cannot be read.
    pub fn tape(self) -> Result<super::Tape, super::Fault> {
        match self.file {
            Some(file) => super::Tape::open(file),
            None => super::Tape::from_bytes(self.memory),
        }
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.file.is_none() && self.memory.len() + bytes.len() > self.most {
            let mut file = (self.make)()?;
            file.write_all(&self.memory)?;
            self.memory = Vec::new();
            self.file = Some(file);
        }
        match &mut self.file {
            Some(file) => file.write_all(bytes)?,
            None => self.memory.extend(bytes),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
