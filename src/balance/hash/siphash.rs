//! SipHash-1-3, J.-P. Aumasson's and D. J. Bernstein's keyed function with one round a word and three at the end; Linux's `hsiphash` on 64-bit
//! machines.

/// SipHash-1-3 of bytes under a key of two words.
#[must_use]
pub fn siphash_1_3(bytes: &[u8], key: [u64; 2]) -> u64 {
    let mut v =
        [key[0] ^ 0x736f_6d65_7073_6575, key[1] ^ 0x646f_7261_6e64_6f6d, key[0] ^ 0x6c79_6765_6e65_7261, key[1] ^ 0x7465_6462_7974_6573];
    let words = bytes.chunks_exact(8);
    // What is left, and the length in the uppermost byte.
    let rest = words.remainder().iter().rev().fold(0_u64, |word, &byte| (word << 8) | u64::from(byte)) | ((bytes.len() as u64) << 56);
    for word in words.map(|word| word.iter().rev().fold(0, |word, &byte| (word << 8) | u64::from(byte))).chain([rest]) {
        v[3] ^= word;
        round(&mut v);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    (0..3).for_each(|_| round(&mut v));
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

/// Linux's `hsiphash` of a 32-bit word, as 64-bit kernels compute it: SipHash-1-3, the lower half.
#[must_use]
pub fn hsiphash_u32(value: u32, key: [u64; 2]) -> u32 {
    siphash_1_3(&value.to_le_bytes(), key) as u32
}

fn round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[2] = v[2].rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::Hasher;

    #[test]
    // The first vector of SipHash-1-3 with the key 00 01 … 0f, and the standard library's hasher, which is SipHash-1-3 with a key of zeros.
    fn published_values_hold() {
        let key = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
        assert_eq!(siphash_1_3(&[], key).to_le_bytes(), [0xdc, 0xc4, 0x0f, 0x05, 0x58, 0x01, 0xac, 0xab]);
        let text: Vec<u8> = (0..40).collect();
        for len in 0..text.len() {
            let mut theirs = std::hash::DefaultHasher::new();
            theirs.write(&text[..len]);
            assert_eq!(siphash_1_3(&text[..len], [0, 0]), theirs.finish(), "{len} bytes");
        }
    }
}
