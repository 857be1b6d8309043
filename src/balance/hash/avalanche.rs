//! HAProxy's avalanche, `full_hash` in its sources: B. Jenkins' full-avalanche mixing of 32 bits, and a multiplication on top.

/// Every bit of the input moves about half of the output's.
#[must_use]
pub const fn avalanche(mut a: u32) -> u32 {
    a = a.wrapping_add(0x7ed5_5d16).wrapping_add(a << 12);
    a = (a ^ 0xc761_c23c) ^ (a >> 19);
    a = a.wrapping_add(0x1656_67b1).wrapping_add(a << 5);
    a = a.wrapping_add(0xd3a2_646c) ^ (a << 9);
    a = a.wrapping_add(0xfd70_46c5).wrapping_add(a << 3);
    a = (a ^ 0xb55a_4f09) ^ (a >> 16);
    a.wrapping_mul(3_221_225_473)
}

#[cfg(test)]
mod tests {
    use super::avalanche;

    #[test]
    fn a_bit_of_the_input_moves_many_of_the_output() {
        for bit in 0..32 {
            let moved = (avalanche(12_345) ^ avalanche(12_345 ^ (1 << bit))).count_ones();
            assert!((4..=28).contains(&moved), "bit {bit} moves {moved}");
        }
    }
}
