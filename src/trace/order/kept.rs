//! A request as bytes: a word of flags says what it has, numbers take as many bytes as they need.

use crate::trace::entry::{Entry, Outcome, Text};

/// Bits of the flags. The two lowest are the outcome.
mod has {
    pub(super) const SERVICE: u16 = 1 << 2;
    pub(super) const DURATION: u16 = 1 << 3;
    pub(super) const QUEUED: u16 = 1 << 4;
    pub(super) const BYTES: u16 = 1 << 5;
    pub(super) const INPUT: u16 = 1 << 6;
    pub(super) const OUTPUT: u16 = 1 << 7;
    pub(super) const KEY: u16 = 1 << 8;
    pub(super) const CLIENT: u16 = 1 << 9;
    pub(super) const BACKEND: u16 = 1 << 10;
    pub(super) const CLASS: u16 = 1 << 11;
    pub(super) const STATUS: u16 = 1 << 12;
}

/// Appends a request, without its arrival.
pub(super) fn keep(entry: &Entry<'_>, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend([0; 2]);
    let mut flags = match entry.outcome {
        Outcome::Succeeded => 0,
        Outcome::Failed => 1,
        Outcome::Refused => 2,
    };
    number(u64::from(entry.tick), out);
    number(u64::from(entry.tries), out);
    let numbers = [
        (has::SERVICE, entry.service),
        (has::DURATION, entry.duration),
        (has::QUEUED, entry.queued),
        (has::BYTES, entry.bytes),
        (has::INPUT, entry.input),
        (has::OUTPUT, entry.output),
        (has::STATUS, entry.status.map(u64::from)),
    ];
    for (flag, value) in numbers {
        if let Some(value) = value {
            flags |= flag;
            number(value, out);
        }
    }
    let texts = [(has::KEY, &entry.key), (has::CLIENT, &entry.client), (has::BACKEND, &entry.backend), (has::CLASS, &entry.class)];
    for (flag, text) in texts {
        if let Some(text) = text {
            flags |= flag;
            number(text.len() as u64, out);
            out.extend_from_slice(text);
        }
    }
    out[start..start + 2].copy_from_slice(&flags.to_le_bytes());
}

/// The request again; `None` if the bytes are not whole.
pub(super) fn entry(at: i64, bytes: &[u8]) -> Option<Entry<'_>> {
    let (flags, mut rest) = bytes.split_first_chunk::<2>()?;
    let flags = u16::from_le_bytes(*flags);
    let rest = &mut rest;
    let outcome = match flags & 3 {
        0 => Outcome::Succeeded,
        1 => Outcome::Failed,
        _ => Outcome::Refused,
    };
    let tick = u32::try_from(take(rest)?).ok()?;
    let tries = u32::try_from(take(rest)?).ok()?;
    let mut value = |flag: u16| -> Option<Option<u64>> { if flags & flag == 0 { Some(None) } else { take(rest).map(Some) } };
    let (service, duration, queued) = (value(has::SERVICE)?, value(has::DURATION)?, value(has::QUEUED)?);
    let (bytes, input, output) = (value(has::BYTES)?, value(has::INPUT)?, value(has::OUTPUT)?);
    let status = value(has::STATUS)?.and_then(|status| u16::try_from(status).ok());
    let mut text = |flag: u16| -> Option<Option<Text<'_>>> { if flags & flag == 0 { Some(None) } else { take_text(rest).map(Some) } };
    let (key, client, backend, class) = (text(has::KEY)?, text(has::CLIENT)?, text(has::BACKEND)?, text(has::CLASS)?);
    Some(Entry { at, tick, service, duration, queued, key, client, backend, class, status, outcome, bytes, input, output, tries })
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn number(mut value: u64, out: &mut Vec<u8>) {
    while value > 0x7f {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Option<Text<'a>> {
    let length = usize::try_from(take(rest)?).ok()?;
    let (text, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(text.into())
}
