//! Linux's `hash_32`: multiplication by the golden ratio, upper bits.

/// The upper `bits` (1 to 32) of a product with 2^32 divided by the golden ratio.
#[must_use]
pub const fn hash_32(value: u32, bits: u32) -> u32 {
    value.wrapping_mul(0x61c8_8647) >> (32 - bits)
}

#[cfg(test)]
mod tests {
    use super::hash_32;

    #[test]
    fn only_so_many_bits_are_left() {
        assert_eq!((hash_32(1, 32), hash_32(1, 8)), (0x61c8_8647, 0x61));
    }
}
