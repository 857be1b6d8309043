//! Frames: pieces of a journal that know whether they are whole.
//!
//! A frame is a marker, its kind, the length of what it holds, the XXH64 of kind, length and content, and the content. Whoever reads a file of them from the
//! start meets frames, or damage: bytes that are no frame, up to the next that is one. Damage that nothing follows is a torn tail, which is what a process
//! that was killed while it wrote leaves behind.

use std::io::{self, Read, Seek, SeekFrom};
use xxhash_rust::xxh64::Xxh64;

/// How every frame begins; no text does.
const MARKER: [u8; 4] = [0xe7, b'E', b'K', 0x1f];
/// Marker, kind, length and hash.
pub(super) const BEFORE: usize = 4 + 1 + 4 + 8;

/// A piece of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) content: Vec<u8>,
}

impl Frame {
    /// As it is written, in one piece.
    pub(super) fn bytes(kind: u8, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).expect("a record of 4 GiB does not fit into memory either");
        let mut bytes = Vec::with_capacity(BEFORE + content.len());
        bytes.extend(MARKER);
        bytes.push(kind);
        bytes.extend(length.to_le_bytes());
        bytes.extend(hash(kind, content).to_le_bytes());
        bytes.extend(content);
        bytes
    }

    /// How many bytes it takes.
    pub(super) fn size(&self) -> u64 {
        (BEFORE + self.content.len()) as u64
    }
}

fn hash(kind: u8, content: &[u8]) -> u64 {
    let mut hash = Xxh64::new(0);
    hash.update(&[kind]);
    hash.update(&(content.len() as u64).to_le_bytes());
    hash.update(content);
    hash.digest()
}

/// What stands at a place of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A frame, and where it begins.
    Frame(u64, Frame),
    /// No frame from here to there, where one begins.
    Damage(u64, u64),
    /// Nothing that is whole from here on.
    Torn(u64),
}

/// Reads a journal from its start.
pub(super) struct Frames<R> {
    from: R,
    length: u64,
    at: u64,
}

impl<R: Read + Seek> Frames<R> {
    pub(super) fn new(mut from: R) -> io::Result<Self> {
        let length = from.seek(SeekFrom::End(0))?;
        Ok(Self { from, length, at: 0 })
    }

    /// The next piece; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Piece>> {
        if self.at == self.length {
            return Ok(None);
        }
        let at = self.at;
        if let Some(frame) = frame_at(&mut self.from, at, self.length)? {
            self.at += frame.size();
            return Ok(Some(Piece::Frame(at, frame)));
        }
        let next = self.search(at + 1)?;
        self.at = next.unwrap_or(self.length);
        Ok(Some(next.map_or(Piece::Torn(at), |next| Piece::Damage(at, next))))
    }

    /// Where the next whole frame begins.
    fn search(&mut self, from: u64) -> io::Result<Option<u64>> {
        let mut start = from;
        let mut window = vec![0; 1 << 16];
        while start + BEFORE as u64 <= self.length {
            let size = (self.length - start).min(window.len() as u64) as usize;
            self.from.seek(SeekFrom::Start(start))?;
            self.from.read_exact(&mut window[..size])?;
            let found: Vec<usize> = (0..size.saturating_sub(3)).filter(|&at| window[at..at + 4] == MARKER).collect();
            for at in found {
                let at = start + at as u64;
                if frame_at(&mut self.from, at, self.length)?.is_some() {
                    return Ok(Some(at));
                }
            }
            // A marker may lie across the border.
            start += (size.saturating_sub(3)).max(1) as u64;
        }
        Ok(None)
    }
}

/// The frame that begins there, if there is a whole one.
pub(super) fn frame_at<R: Read + Seek>(from: &mut R, at: u64, length: u64) -> io::Result<Option<Frame>> {
    if at + BEFORE as u64 > length {
        return Ok(None);
    }
    from.seek(SeekFrom::Start(at))?;
    let mut before = [0; BEFORE];
    from.read_exact(&mut before)?;
    let (marker, rest) = before.split_at(4);
    let size = u32::from_le_bytes([rest[1], rest[2], rest[3], rest[4]]);
    if marker != MARKER || at + BEFORE as u64 + u64::from(size) > length {
        return Ok(None);
    }
    let mut content = vec![0; size as usize];
    from.read_exact(&mut content)?;
    let is_whole = hash(rest[0], &content).to_le_bytes() == rest[5..];
    Ok(is_whole.then_some(Frame { kind: rest[0], content }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn pieces(bytes: &[u8]) -> Vec<Piece> {
        let mut frames = Frames::new(Cursor::new(bytes)).expect("memory can be read");
        std::iter::from_fn(|| frames.next().expect("memory can be read")).collect()
    }

    fn three() -> (Vec<u8>, Vec<u64>) {
        let all = [Frame::bytes(1, b"first"), Frame::bytes(2, b""), Frame::bytes(3, b"the third one")];
        let starts = vec![0, all[0].len() as u64, (all[0].len() + all[1].len()) as u64];
        (all.concat(), starts)
    }

    #[test]
    fn frames_are_read_as_they_were_written() {
        let (bytes, starts) = three();
        let all = pieces(&bytes);
        assert_eq!(all.len(), 3);
        assert_eq!(all[2], Piece::Frame(starts[2], Frame { kind: 3, content: b"the third one".to_vec() }));
        assert!(pieces(b"").is_empty());
    }

    #[test]
    fn any_flipped_bit_costs_one_frame_and_no_more() {
        let (bytes, starts) = three();
        let end = bytes.len() as u64;
        for bit in 0..bytes.len() * 8 {
            let mut other = bytes.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            let hit = starts.iter().rposition(|&start| start <= (bit / 8) as u64).expect("the first starts at 0");
            let found = pieces(&other);
            let whole = found.iter().filter(|piece| matches!(piece, Piece::Frame(..))).count();
            assert_eq!(whole, 2, "bit {bit}: {found:?}");
            let damage =
                if hit == 2 { Piece::Torn(starts[2]) } else { Piece::Damage(starts[hit], starts.get(hit + 1).copied().unwrap_or(end)) };
            assert!(found.contains(&damage), "bit {bit}: {found:?}");
        }
    }

    #[test]
    fn a_file_cut_anywhere_has_a_torn_tail() {
        let (bytes, starts) = three();
        for end in 1..bytes.len() {
            let found = pieces(&bytes[..end]);
            let before = starts.iter().filter(|&&start| start < end as u64).count();
            let is_border = starts.contains(&(end as u64));
            assert_eq!(found.len(), before, "{end}");
            assert_eq!(matches!(found.last(), Some(Piece::Torn(_))), !is_border, "{end}");
        }
    }

    #[test]
    fn frames_are_found_behind_much_damage() {
        let junk = vec![0xe7; 200_000];
        let bytes = [&junk[..], &Frame::bytes(5, b"x")].concat();
        let found = pieces(&bytes);
        assert_eq!(found, [Piece::Damage(0, 200_000), Piece::Frame(200_000, Frame { kind: 5, content: b"x".to_vec() })]);
    }
}
