//! Sorted runs on disk, in files without names that vanish with the process.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};

use super::{OrderFault, Out, kept};

/// By what requests are sorted: arrivals, and the order of the record where these are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) at: i64,
    pub(super) number: u64,
}

/// How much of a run is read at once.
const BUFFER: usize = 64 << 10;

/// All runs. So many of a level as are merged at once become one of the next.
#[derive(Debug)]
pub(super) struct Runs {
    fan_in: usize,
    levels: Vec<Vec<File>>,
    /// The run that is being written, and its last request.
    present: Option<(BufWriter<File>, Key)>,
    written: u64,
}

impl Runs {
    pub(super) fn new(fan_in: usize) -> Self {
        Self { fan_in, levels: Vec::new(), present: None, written: 0 }
    }

    /// Whether nothing was written.
    pub(super) fn is_empty(&self) -> bool {
        self.written == 0
    }

    /// How many runs were begun.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Whether a request may stand behind the last that was written.
    pub(super) fn fits(&self, key: Key) -> bool {
        self.present.as_ref().is_none_or(|(_, last)| *last <= key)
    }

    /// Writes a request, to a new run if it does not fit behind the last.
    pub(super) fn write(&mut self, key: Key, bytes: &[u8]) -> io::Result<()> {
        if !self.fits(key) {
            self.close()?;
        }
        let (file, last) = match &mut self.present {
            Some(present) => present,
            none => {
                self.written += 1;
                none.insert((BufWriter::with_capacity(256 << 10, tempfile::tempfile()?), key))
            }
        };
        *last = key;
        put(file, key, bytes)
    }

    /// Ends the present run, and merges levels that are full.
    fn close(&mut self) -> io::Result<()> {
        let Some((file, _)) = self.present.take() else { return Ok(()) };
        let mut run = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        for level in 0.. {
            if level == self.levels.len() {
                self.levels.push(Vec::new());
            }
            self.levels[level].push(run);
            if self.levels[level].len() < self.fan_in {
                break;
            }
            let full = std::mem::take(&mut self.levels[level]);
            let mut merged = BufWriter::with_capacity(256 << 10, tempfile::tempfile()?);
            merge(full, &mut |key, bytes| Ok(put(&mut merged, key, bytes)?)).map_err(|fault| match fault {
                OrderFault::Disk(error) => error,
                other => io::Error::other(other),
            })?;
            run = merged.into_inner().map_err(io::IntoInnerError::into_error)?;
        }
        Ok(())
    }

    /// Gives out everything.
    pub(super) fn merge(&mut self, out: &mut Out<'_>) -> Result<(), OrderFault> {
        self.close()?;
        let files = std::mem::take(&mut self.levels).into_iter().flatten().collect();
        merge(files, &mut |key, bytes| {
            let entry = kept::entry(key.at, bytes).ok_or_else(|| io::Error::other("a temporary file was changed"))?;
            Ok(out(&entry)?)
        })
    }
}

fn put(file: &mut impl Write, key: Key, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| io::Error::other("a request has more than 4 GiB"))?;
    file.write_all(&key.at.to_le_bytes())?;
    file.write_all(&key.number.to_le_bytes())?;
    file.write_all(&length.to_le_bytes())?;
    file.write_all(bytes)
}

/// A run being read: its next request.
struct Reader {
    file: BufReader<File>,
    bytes: Vec<u8>,
}

impl Reader {
    /// Reads the next request; `None` at the end.
    fn next(&mut self) -> io::Result<Option<Key>> {
        let mut head = [0; 20];
        if self.file.read(&mut head[..1])? == 0 {
            return Ok(None);
        }
        self.file.read_exact(&mut head[1..])?;
        let (at, rest) = head.split_first_chunk::<8>().expect("20 are more than 8");
        let (number, length) = rest.split_first_chunk::<8>().expect("12 are more than 8");
        let length = u32::from_le_bytes(length.try_into().expect("4 are left")) as usize;
        self.bytes.resize(length, 0);
        self.file.read_exact(&mut self.bytes)?;
        Ok(Some(Key { at: i64::from_le_bytes(*at), number: u64::from_le_bytes(*number) }))
    }
}

/// Where merged requests go.
type Merged<'a> = dyn FnMut(Key, &[u8]) -> Result<(), OrderFault> + 'a;

fn merge(files: Vec<File>, out: &mut Merged<'_>) -> Result<(), OrderFault> {
    let mut readers = Vec::with_capacity(files.len());
    let mut heap = BinaryHeap::with_capacity(files.len());
    for mut file in files {
        file.rewind()?;
        let mut reader = Reader { file: BufReader::with_capacity(BUFFER, file), bytes: Vec::new() };
        if let Some(key) = reader.next()? {
            heap.push(Reverse((key, readers.len())));
        }
        readers.push(reader);
    }
    while let Some(mut first) = heap.peek_mut() {
        let Reverse((key, index)) = *first;
        let reader = &mut readers[index];
        out(key, &reader.bytes)?;
        match reader.next()? {
            Some(next) => *first = Reverse((next, index)),
            None => {
                std::collections::binary_heap::PeekMut::pop(first);
            }
        }
    }
    Ok(())
}
