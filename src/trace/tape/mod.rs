//! The compact form of recorded traffic: a *tape*. Records in order of time, columns packed by block, checksums over everything.
//!
//! docs/src/trace-file.md describes the file byte by byte. A tape is written once, from front to back, and read by any number of readers at once, each with a block of its own
//! in memory; it lies in memory or in a file.

mod block;
mod column;
mod names;
mod store;
mod writer;

pub use block::{Block, Columns};
pub use column::NONE;
pub use names::Names;
pub use store::Spool;
pub use writer::Writer;

use super::entry::{Entry, Outcome, Stop};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::io;
use store::Store;
use xxhash_rust::xxh64::xxh64;

/// Version of the file.
pub const VERSION: u32 = 1;
/// What a tape begins and ends with.
pub const MAGIC: &[u8; 8] = b"EVKTRACE";
/// Records of a block, at most.
pub const BLOCK: usize = 16_384;
/// Bytes of a block, at most: more than any that is written.
const LARGEST_BLOCK: u32 = 64 << 20;
/// Bytes of a table of names when unpacked, and of the foot, at most.
const LARGEST_TABLE: usize = 256 << 20;

/// What is known of each record. The discriminants are those of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Column {
    /// Nanoseconds since the record before; of the first in a block, since the last of the block before: the foot has its instant.
    At,
    /// How exact the instant is, in nanoseconds.
    Tick,
    /// See [`Entry::service`](super::Entry).
    Service,
    /// See [`Entry::duration`](super::Entry).
    Duration,
    /// See [`Entry::queued`](super::Entry).
    Queued,
    /// The number of its key.
    Key,
    /// The number of its client.
    Client,
    /// The number of its backend.
    Backend,
    /// The number of its class.
    Class,
    /// HTTP status.
    Status,
    /// 0: answered, 1: failed, 2: refused.
    Outcome,
    /// Bytes of the answer.
    Bytes,
    /// Tokens of the prompt.
    Input,
    /// Tokens of the answer.
    Output,
    /// Backends that were tried.
    Tries,
}

impl Column {
    /// All, in the order of the file.
    pub const ALL: [Self; 15] = [
        Self::At,
        Self::Tick,
        Self::Service,
        Self::Duration,
        Self::Queued,
        Self::Key,
        Self::Client,
        Self::Backend,
        Self::Class,
        Self::Status,
        Self::Outcome,
        Self::Bytes,
        Self::Input,
        Self::Output,
        Self::Tries,
    ];
    /// Those whose values are numbers of texts.
    pub const NAMED: [Self; 4] = [Self::Key, Self::Client, Self::Backend, Self::Class];
}

/// All values of a column together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Total {
    /// Records that have one.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// The least.
    pub min: u64,
    /// The greatest.
    pub max: u64,
}

impl Total {
    /// The mean of those that have one.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

/// Where a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    offset: u64,
    bytes: u32,
    records: u32,
    /// The first record's instant, in nanoseconds since the first of all.
    at: u64,
}

/// What stands at the end of a tape.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Foot {
    origin: Origin,
    records: u64,
    first: i64,
    span: u64,
    totals: Vec<Total>,
    /// Texts that share the number of another, by named column.
    shared: [u64; 4],
    /// Of each named column's table: offset and bytes.
    names: [(u64, u64); 4],
    blocks: Vec<Place>,
    /// Over all bytes of blocks and tables of names: what is in it, whatever it was read from.
    content: u64,
}

/// Where a tape's records come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The formats that were read.
    pub formats: Vec<String>,
    /// What a reader should know before trusting it.
    pub warnings: Vec<String>,
    /// Records that could not be read.
    pub unreadable: u64,
    /// Whether names have been replaced by hashes.
    pub anonymous: bool,
}

/// Why something is not a tape, or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The system says no.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It does not begin as one.
    #[error("it is not a trace file of ours")]
    Other,
    /// It was written by a later version.
    #[error("it has version {0} of the trace file; this program reads version {VERSION}")]
    Later(u32),
    /// It ends too early.
    #[error("it is cut off: its end is missing")]
    CutOff,
    /// Bytes have changed.
    #[error("{0} is damaged: its checksum does not fit")]
    Damaged(String),
}

/// Recorded traffic in compact form.
pub struct Tape {
    store: Store,
    foot: Foot,
    names: [Names; 4],
}

/// Short: a plan that is printed has one, and what stands in it hangs on the checksum of the content; not on where that came from.
impl fmt::Debug for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tape")
            .field("records", &self.foot.records)
            .field("content", &format_args!("{:016x}", self.foot.content))
            .finish_non_exhaustive()
    }
}

/// Two tapes are the same if their ends are: the checksum of all blocks and names stands there.
impl PartialEq for Tape {
    fn eq(&self, other: &Self) -> bool {
        self.foot == other.foot
    }
}

impl Tape {
    /// A tape in a file.
    ///
    /// # Errors
    /// Says what is wrong with it. Blocks are looked at when they are read; [`Tape::verify`] looks at all.
    pub fn open(file: std::fs::File) -> Result<Self, Fault> {
        Self::of(Store::file(file)?)
    }

    /// A tape in memory.
    ///
    /// # Errors
    /// As [`Tape::open`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, Fault> {
        Self::of(Store::Memory(bytes))
    }

    fn of(store: Store) -> Result<Self, Fault> {
        let mut head = [0; 16];
        if store.len() < 16 || store.read(0, &mut head).is_err() || head[..8] != MAGIC[..] {
            return Err(Fault::Other);
        }
        match u32::from_le_bytes([head[8], head[9], head[10], head[11]]) {
            VERSION => {}
            other => return Err(Fault::Later(other)),
        }
        let mut tail = [0; 32];
        let at = store.len().checked_sub(32).filter(|&at| at >= 16).ok_or(Fault::CutOff)?;
        store.read(at, &mut tail)?;
        let number = |at: usize| u64::from_le_bytes(tail[at..at + 8].try_into().expect("eight bytes"));
        let (offset, length, checksum) = (number(0), number(8), number(16));
        if tail[24..] != MAGIC[..] || offset.checked_add(length) != Some(at) || length > LARGEST_TABLE as u64 {
            return Err(Fault::CutOff);
        }
        let mut text = vec![0; length as usize];
        store.read(offset, &mut text)?;
        let damaged = || Fault::Damaged("its end".into());
        let foot: Foot =
            if xxh64(&text, 0) == checksum { serde_json::from_slice(&text).map_err(|_| damaged())? } else { return Err(damaged()) };
        foot.check(store.len()).ok_or_else(damaged)?;
        let mut names: [Names; 4] = Default::default();
        for ((names, &place), column) in names.iter_mut().zip(&foot.names).zip(Column::NAMED) {
            *names = table(&store, place, column)?;
        }
        Ok(Self { store, foot, names })
    }

    /// Looks at every block.
    ///
    /// # Errors
    /// The first that is damaged.
    pub fn verify(&self) -> Result<(), Fault> {
        let mut block = Block::new(Columns::ALL);
        (0..self.blocks()).try_for_each(|number| self.read(number, &mut block))
    }

    /// Writes it somewhere else, as it is.
    ///
    /// # Errors
    /// It cannot be read, or written.
    pub fn copy(&self, to: &mut impl io::Write) -> io::Result<()> {
        let mut piece = vec![0; 1 << 20];
        let mut at = 0;
        while at < self.bytes() {
            let length = piece.len().min(usize::try_from(self.bytes() - at).unwrap_or(usize::MAX));
            self.store.read(at, &mut piece[..length])?;
            to.write_all(&piece[..length])?;
            at += length as u64;
        }
        Ok(())
    }

    /// Gives out all records, in order.
    ///
    /// # Errors
    /// A block is damaged. Whoever takes them may want no more; that is no error.
    pub fn each(&self, out: &mut dyn FnMut(&Entry<'_>) -> Result<(), Stop>) -> Result<(), Fault> {
        let mut block = Block::new(Columns::ALL);
        for number in 0..self.blocks() {
            self.read(number, &mut block)?;
            for record in 0..block.len() {
                if out(&self.entry(&block, record)) == Err(Stop) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// A record of a block that was read with all its columns.
    fn entry(&self, block: &Block, record: usize) -> Entry<'_> {
        let value = |column| Some(block.value(column, record)).filter(|&value| value != NONE);
        let text = |column| Some(Cow::Borrowed(self.names(column).get(value(column)? as usize)));
        Entry {
            at: self.first().saturating_add_unsigned(block.at()[record]),
            tick: value(Column::Tick).map_or(1, |tick| tick as u32),
            service: value(Column::Service),
            duration: value(Column::Duration),
            queued: value(Column::Queued),
            key: text(Column::Key),
            client: text(Column::Client),
            backend: text(Column::Backend),
            class: text(Column::Class),
            status: value(Column::Status).map(|status| status as u16),
            outcome: match value(Column::Outcome) {
                Some(1) => Outcome::Failed,
                Some(2) => Outcome::Refused,
                _ => Outcome::Succeeded,
            },
            bytes: value(Column::Bytes),
            input: value(Column::Input),
            output: value(Column::Output),
            tries: value(Column::Tries).map_or(0, |tries| tries as u32),
        }
    }

    /// How many records there are.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.foot.records
    }

    /// When the first arrived: nanoseconds since 1970, or since the record's own zero.
    #[must_use]
    pub const fn first(&self) -> i64 {
        self.foot.first
    }

    /// From the first arrival to the last, in nanoseconds.
    #[must_use]
    pub const fn span(&self) -> u64 {
        self.foot.span
    }

    /// Where it comes from.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.foot.origin
    }

    /// A column's values together.
    #[must_use]
    pub fn total(&self, column: Column) -> Total {
        self.foot.totals[column as usize]
    }

    /// Whether every record has a value in this column.
    #[must_use]
    pub fn has_all(&self, column: Column) -> bool {
        self.records() > 0 && self.total(column).count == self.records()
    }

    /// The texts of a column's numbers; none for columns that have no texts.
    #[must_use]
    pub fn names(&self, column: Column) -> &Names {
        static NOBODY: Names = Names::none();
        Column::NAMED.iter().position(|&named| named == column).map_or(&NOBODY, |at| &self.names[at])
    }

    /// Texts of a column that share the number of another, since there were too many.
    #[must_use]
    pub fn shared(&self, column: Column) -> u64 {
        Column::NAMED.iter().position(|&named| named == column).map_or(0, |at| self.foot.shared[at])
    }

    /// How many blocks there are.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.foot.blocks.len()
    }

    /// The block that holds an instant, or the first one after it.
    #[must_use]
    pub fn block_at(&self, at: u64) -> usize {
        self.foot.blocks.partition_point(|place| place.at <= at).saturating_sub(1)
    }

    /// How much room it takes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.store.len()
    }

    /// What tells its records from others: a checksum over all of them.
    #[must_use]
    pub const fn content(&self) -> u64 {
        self.foot.content
    }

    /// Reads a block's columns, those that the block was made for.
    ///
    /// # Errors
    /// It cannot be read, or it is damaged.
    pub fn read(&self, number: usize, into: &mut Block) -> Result<(), Fault> {
        let place = self.foot.blocks[number];
        into.load(&self.store, place.offset, place.bytes)?;
        into.unpack(place.records as usize, place.at).ok_or_else(|| Fault::Damaged(format!("block {number}")))
    }
}

impl Foot {
    /// Whether what it says can be true of a file of this size.
    fn check(&self, size: u64) -> Option<()> {
        let fits = |place: &Place| {
            place.bytes <= LARGEST_BLOCK
                && (1..=BLOCK as u32).contains(&place.records)
                && place.offset.checked_add(place.bytes.into()).is_some_and(|end| end <= size)
        };
        let records: u64 = self.blocks.iter().map(|place| u64::from(place.records)).sum();
        let in_order = self.blocks.is_sorted_by_key(|place| place.at);
        (self.totals.len() == Column::ALL.len() && records == self.records && in_order && self.blocks.iter().all(fits)).then_some(())
    }
}

/// A table of names: its unpacked length and checksum, then packed.
fn table(store: &Store, (offset, bytes): (u64, u64), column: Column) -> Result<Names, Fault> {
    if bytes == 0 {
        return Ok(Names::default());
    }
    let damaged = || Fault::Damaged("a table of names".into());
    let end = offset.checked_add(bytes).filter(|&end| end <= store.len() && bytes <= LARGEST_TABLE as u64);
    end.ok_or_else(damaged)?;
    let mut packed = vec![0; bytes as usize];
    store.read(offset, &mut packed)?;
    let plain = block::plain(&packed, column as u8, LARGEST_TABLE).ok_or_else(damaged)?;
    Names::read(&plain).ok_or_else(damaged)
}

#[cfg(test)]
mod tests;
