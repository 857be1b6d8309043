//! FNV-1 and FNV-1a: Fowler, Noll and Vo's functions, with the published offsets and primes.

macro_rules! fnv {
    ($fnv1:ident, $fnv1a:ident, $word:ty, $offset:literal, $prime:literal) => {
        /// FNV-1: times the prime, then the byte.
        #[must_use]
        pub fn $fnv1(bytes: &[u8]) -> $word {
            bytes.iter().fold($offset, |h: $word, &byte| h.wrapping_mul($prime) ^ <$word>::from(byte))
        }

        /// FNV-1a: the byte, then times the prime. Takes the text in pieces, as it would be in one.
        #[must_use]
        pub fn $fnv1a(pieces: &[&[u8]]) -> $word {
            let bytes = pieces.iter().flat_map(|piece| piece.iter());
            bytes.fold($offset, |h: $word, &byte| (h ^ <$word>::from(byte)).wrapping_mul($prime))
        }
    };
}

fnv!(fnv1_32, fnv1a_32, u32, 0x811c_9dc5, 0x0100_0193);
fnv!(fnv1_64, fnv1a_64, u64, 0xcbf2_9ce4_8422_2325, 0x0000_0100_0000_01b3);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_values_hold() {
        assert_eq!((fnv1_32(b"foobar"), fnv1a_32(&[b"foobar"])), (0x31f0_b262, 0xbf9c_f968));
        assert_eq!((fnv1_64(b"foobar"), fnv1a_64(&[b"foo", b"bar"])), (0x340d_8765_a4dd_a9c2, 0x8594_4171_f739_67e8));
    }
}
