//! Columns of whole numbers, packed.
//!
//! A chunk holds one column of one block: which records have a value, the values' greatest common divisor, and then groups of [`GROUP`] values, each with its least value
//! and as many bits for every value as the greatest above it needs. What is regular takes no room at all; what is not is unpacked with one load, one shift and one mask.

/// No value.
pub const NONE: u64 = u64::MAX;
/// Values that share a width.
const GROUP: usize = 256;
/// Room behind the packed bits, so that the last value can be loaded as eight bytes.
const ROOM: usize = 8;
/// From this width on a value is eight bytes: shifted by up to seven bits, a wider one would not fit a load.
const WIDE: u32 = 57;

/// Appends the packed form; nothing if no record has a value.
pub(super) fn pack(values: &[u64], to: &mut Vec<u8>) {
    let present = values.iter().filter(|&&value| value != NONE).count();
    if present == 0 {
        return;
    }
    to.push(u8::from(present < values.len()));
    if present < values.len() {
        to.extend(values.chunks(8).map(|eight| eight.iter().rev().fold(0, |bits, &value| bits << 1 | u8::from(value != NONE))));
    }
    let values: Vec<u64> = values.iter().copied().filter(|&value| value != NONE).collect();
    let base = values.iter().copied().min().unwrap_or(0);
    let unit = values.iter().fold(0, |unit, &value| gcd(unit, value - base)).max(1);
    to.extend(base.to_le_bytes());
    to.extend(unit.to_le_bytes());
    for group in values.chunks(GROUP) {
        pack_group(group.iter().map(|value| (value - base) / unit), to);
    }
    to.extend([0; ROOM]);
}

fn pack_group(values: impl Iterator<Item = u64> + Clone, to: &mut Vec<u8>) {
    let least = values.clone().min().unwrap_or(0);
    let most = values.clone().max().unwrap_or(0) - least;
    let width = match u64::BITS - most.leading_zeros() {
        wide if wide >= WIDE => u64::BITS,
        width => width,
    };
    to.extend(least.to_le_bytes());
    to.push(width as u8);
    let (mut bits, mut count) = (0_u128, 0);
    for value in values {
        bits |= u128::from(value - least) << count;
        count += width;
        while count >= 8 {
            to.push(bits as u8);
            bits >>= 8;
            count -= 8;
        }
    }
    if count > 0 {
        to.push(bits as u8);
    }
}

fn gcd(mut one: u64, mut other: u64) -> u64 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

/// Unpacks a chunk of so many records; `None` if it is not one.
pub(super) fn unpack(mut bytes: &[u8], records: usize, to: &mut Vec<u64>) -> Option<()> {
    to.clear();
    let [is_partial] = take(&mut bytes)?;
    let bitmap = if is_partial == 1 { split(&mut bytes, records.div_ceil(8))? } else { &[] };
    let is_there = |record: usize| bitmap[record / 8] >> (record % 8) & 1 == 1;
    let present = if is_partial == 1 { (0..records).filter(|&record| is_there(record)).count() } else { records };
    let (base, unit) = (u64::from_le_bytes(take(&mut bytes)?), u64::from_le_bytes(take(&mut bytes)?));
    to.resize(present, 0);
    for group in to.chunks_mut(GROUP) {
        unpack_group(&mut bytes, base, unit, group)?;
    }
    if bytes.len() != ROOM {
        return None;
    }
    if is_partial == 1 {
        // From the end, so that no value is overwritten before it has moved.
        let mut next = present;
        to.resize(records, NONE);
        for record in (0..records).rev() {
            to[record] = if is_there(record) {
                next -= 1;
                to[next]
            } else {
                NONE
            };
        }
    }
    Some(())
}

fn unpack_group(bytes: &mut &[u8], base: u64, unit: u64, to: &mut [u64]) -> Option<()> {
    let least = u64::from_le_bytes(take(bytes)?);
    let [width] = take(bytes)?;
    let width = usize::from(width);
    if width as u32 >= WIDE && width != 64 || width > 64 {
        return None;
    }
    let length = (to.len() * width).div_ceil(8);
    let packed = bytes.get(..length + ROOM)?;
    *bytes = &bytes[length..];
    // What wraps is not a chunk of ours, and no harm.
    let first = base.wrapping_add(least.wrapping_mul(unit));
    match width {
        0 => to.fill(first),
        64 => {
            for (value, eight) in to.iter_mut().zip(packed.chunks_exact(8)) {
                *value = first.wrapping_add(u64::from_le_bytes(eight.try_into().expect("chunks of eight")).wrapping_mul(unit));
            }
        }
        _ => {
            let mask = (1_u64 << width) - 1;
            for (at, value) in to.iter_mut().enumerate() {
                let bit = at * width;
                let eight = &packed[bit / 8..bit / 8 + 8];
                let bits = u64::from_le_bytes(eight.try_into().expect("eight bytes")) >> (bit % 8);
                *value = first.wrapping_add((bits & mask).wrapping_mul(unit));
            }
        }
    }
    Some(())
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    split(bytes, N)?.try_into().ok()
}

fn split<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn there_and_back(values: &[u64]) -> usize {
        let (mut packed, mut back) = (Vec::new(), Vec::new());
        pack(values, &mut packed);
        if packed.is_empty() {
            assert!(values.iter().all(|&value| value == NONE));
            return 0;
        }
        assert_eq!(unpack(&packed, values.len(), &mut back), Some(()));
        assert_eq!(back, values);
        packed.len()
    }

    #[test]
    fn what_is_regular_takes_no_room() {
        assert_eq!(there_and_back(&[]), 0);
        assert_eq!(there_and_back(&[NONE; 100]), 0);
        // A flag, base and unit, one group's least and width, the room.
        assert_eq!(there_and_back(&[7_000_000; 256]), 1 + 16 + 9 + 8);
        // Milliseconds of 0 to 15 are four bits, whatever the unit.
        let milliseconds: Vec<u64> = (0..256).map(|at| (at * 7 % 16) * 1_000_000).collect();
        assert_eq!(there_and_back(&milliseconds), 1 + 16 + 9 + 128 + 8);
    }

    #[test]
    fn the_widest_values_come_back() {
        there_and_back(&[0, NONE - 1, 1, NONE, 1 << 56, 1 << 57, (1 << 57) - 1]);
        (0..64).for_each(|bits| {
            there_and_back(&[3, 3 + (1_u64 << bits) - 1, 2]);
        });
    }

    proptest! {
        #[test]
        fn any_values_come_back(values in prop::collection::vec(prop_oneof![Just(NONE), 0..50_u64, any::<u64>()], 0..700)) {
            there_and_back(&values);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300), records in 0..600_usize) {
            let mut back = Vec::new();
            if unpack(&bytes, records, &mut back).is_some() {
                prop_assert_eq!(back.len(), records);
            }
        }
    }
}
