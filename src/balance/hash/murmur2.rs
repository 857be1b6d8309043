//! MurmurHash64A: the 64-bit variant of MurmurHash2 by Austin Appleby, which is also `std::hash<std::string>` of libstdc++.
//!
//! **Who ships it.** Envoy's ring hash, as `MURMUR_HASH_2`, so that rings agree with those of other C++ programs.

/// The seed of libstdc++'s `std::hash`, and of Envoy's ring.
pub const STD_HASH_SEED: u64 = 0xC70F_6907;

const M: u64 = 0xC6A4_A793_5BD1_E995;
const R: u32 = 47;

/// The hash of some bytes.
#[must_use]
pub fn murmur2_64a(bytes: &[u8], seed: u64) -> u64 {
    let mut hash = seed ^ (bytes.len() as u64).wrapping_mul(M);
    let mut blocks = bytes.chunks_exact(8);
    for block in &mut blocks {
        let mut word = little_endian(block).wrapping_mul(M);
        word = (word ^ (word >> R)).wrapping_mul(M);
        hash = (hash ^ word).wrapping_mul(M);
    }
    let tail = blocks.remainder();
    if !tail.is_empty() {
        hash = (hash ^ little_endian(tail)).wrapping_mul(M);
    }
    hash = (hash ^ (hash >> R)).wrapping_mul(M);
    hash ^ (hash >> R)
}

/// Up to eight bytes as a number.
fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_hashes_as_in_envoys_test() {
        assert_eq!(murmur2_64a(b"foo", STD_HASH_SEED), 9_631_199_822_919_835_226);
    }
}
