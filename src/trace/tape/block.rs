//! Blocks: some thousand records, column by column.
//!
//! Packed, whatever it is (a column of a block, a table of names) has the same dress: how (0 as it is, 1 zstd), its length when plain, a checksum of all that and of the bytes, and the bytes.

use super::column::{pack, unpack};
use super::store::Store;
use super::{BLOCK, Column, Fault};
use ruzstd::decoding::FrameDecoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use xxhash_rust::xxh64::xxh64;

/// How, plain length, checksum.
const DRESS: usize = 1 + 4 + 8;

/// So many bytes are tried first.
const SAMPLE: usize = 2048;

/// Some of the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns(u16);

impl Columns {
    /// Every one.
    pub const ALL: Self = Self((1 << Column::ALL.len()) - 1);

    /// These.
    #[must_use]
    pub fn of(columns: &[Column]) -> Self {
        Self(columns.iter().fold(0, |all, &column| all | 1 << column as u8))
    }

    /// Whether it is one of them.
    #[must_use]
    pub const fn has(self, column: Column) -> bool {
        self.0 >> column as u8 & 1 == 1
    }
}

/// A block in memory, with room that is used again for the next one.
#[derive(Debug)]
pub struct Block {
    wanted: Columns,
    packed: Vec<u8>,
    plain: Vec<u8>,
    columns: [Vec<u64>; Column::ALL.len()],
}

impl Block {
    /// Room for these columns; instants are always there.
    #[must_use]
    pub fn new(wanted: Columns) -> Self {
        let wanted = Columns(wanted.0 | Columns::of(&[Column::At]).0);
        Self { wanted, packed: Vec::new(), plain: Vec::new(), columns: Default::default() }
    }

    /// How many records it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.columns[Column::At as usize].len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// When its records arrived, in nanoseconds since the first of all.
    #[must_use]
    pub fn at(&self) -> &[u64] {
        &self.columns[Column::At as usize]
    }

    /// A record's value; [`NONE`](super::NONE) where it has none, or where the column was not asked for.
    #[inline]
    #[must_use]
    pub fn value(&self, column: Column, record: usize) -> u64 {
        self.columns[column as usize].get(record).copied().unwrap_or(super::NONE)
    }

    pub(super) fn load(&mut self, store: &Store, at: u64, bytes: u32) -> Result<(), Fault> {
        self.packed.resize(bytes as usize, 0);
        Ok(store.read(at, &mut self.packed)?)
    }

    /// Each chunk: the column, its bytes, the chunk.
    pub(super) fn unpack(&mut self, records: usize, first: u64) -> Option<()> {
        self.columns.iter_mut().for_each(Vec::clear);
        let mut rest = &self.packed[..];
        while let Some((&[column, a, b, c, d], behind)) = rest.split_first_chunk() {
            let (chunk, after) = behind.split_at_checked(u32::from_le_bytes([a, b, c, d]) as usize)?;
            let column = *Column::ALL.get(usize::from(column))?;
            if self.wanted.has(column) {
                let plain = undress(chunk, column as u8, &mut self.plain, 16 * BLOCK + 1024)?;
                unpack(plain, records, &mut self.columns[column as usize])?;
            }
            rest = after;
        }
        let at = &mut self.columns[Column::At as usize];
        let mut now = first;
        for (number, gap) in at.iter_mut().enumerate() {
            // The first stands in the foot.
            now = if number == 0 { first } else { now.checked_add(*gap)? };
            *gap = now;
        }
        (rest.is_empty() && at.len() == records).then_some(())
    }
}

/// A block's chunks.
pub(super) fn packed(columns: &[Vec<u64>; Column::ALL.len()], to: &mut Vec<u8>) {
    let mut plain = Vec::new();
    for (number, values) in columns.iter().enumerate() {
        plain.clear();
        pack(values, &mut plain);
        if plain.is_empty() {
            continue;
        }
        to.push(number as u8);
        let length_at = to.len();
        to.extend([0; 4]);
        dress(&plain, number as u8, to);
        let length = (to.len() - length_at - 4) as u32;
        to[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
    }
}

/// What the checksum begins with: everything that is said beside the bytes.
fn seed(what: u8, how: u8, length: u32) -> u64 {
    u64::from(what) << 40 | u64::from(how) << 32 | u64::from(length)
}

/// Packs bytes of some sort, by zstd where that saves a fifth: what is packed to bits already only gets slower.
pub(super) fn dress(plain: &[u8], what: u8, to: &mut Vec<u8>) {
    let squeezed = |bytes: &[u8]| Some(compress_to_vec(bytes, CompressionLevel::Fastest)).filter(|less| 5 * less.len() < 4 * bytes.len());
    // The first bytes tell whether the rest is worth the time.
    let sample = &plain[..plain.len().min(SAMPLE)];
    let squeezed = if plain.len() > 256 { squeezed(sample).and_then(|_| squeezed(plain)) } else { None };
    let (how, bytes) = squeezed.as_ref().map_or((0, plain), |squeezed| (1, squeezed));
    to.push(how);
    to.extend((plain.len() as u32).to_le_bytes());
    to.extend(xxh64(bytes, seed(what, how, plain.len() as u32)).to_le_bytes());
    to.extend(bytes);
}

/// What was dressed, if it is whole and no longer than this.
fn undress<'a>(dressed: &'a [u8], what: u8, room: &'a mut Vec<u8>, most: usize) -> Option<&'a [u8]> {
    let (head, bytes) = dressed.split_at_checked(DRESS)?;
    let length = u32::from_le_bytes(head[1..5].try_into().ok()?);
    let checksum = xxh64(bytes, seed(what, head[0], length));
    let length = length as usize;
    if length > most || checksum != u64::from_le_bytes(head[5..].try_into().ok()?) {
        return None;
    }
    match head[0] {
        0 => (bytes.len() == length).then_some(bytes),
        1 => {
            room.resize(length, 0);
            let written = FrameDecoder::new().decode_all(bytes, room).ok()?;
            (written == length).then_some(&room[..])
        }
        _ => None,
    }
}

/// The same, with room of its own.
pub(super) fn plain(dressed: &[u8], what: u8, most: usize) -> Option<Vec<u8>> {
    let mut room = Vec::new();
    undress(dressed, what, &mut room, most).map(<[u8]>::to_vec)
}
