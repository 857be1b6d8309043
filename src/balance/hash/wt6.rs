//! wt6: W. Tarreau's function for HAProxy, two words that rotate each other.

/// Two halves, rotated for every byte by amounts that they give each other.
#[must_use]
pub fn wt6(bytes: &[u8]) -> u32 {
    let (mut h0, mut h1) = (0xa53c_965a_u32, 0x5ca6_953a_u32);
    let (mut s0, mut s1) = (6, 18);
    for &byte in bytes {
        let c = u32::from(byte);
        h0 = !(h0 ^ c);
        h1 = !h1.wrapping_add(c);
        (h0, h1) = (h1.rotate_left(s0), h0.rotate_left(s1));
        let turn = ((h0 >> 16) ^ h1) & 0xffff;
        (s0, s1) = (turn & 31, turn >> 11);
    }
    h0 ^ h1
}

#[cfg(test)]
mod tests {
    use super::wt6;

    #[test]
    fn nothing_gives_what_it_starts_with() {
        assert_eq!(wt6(b""), 0xa53c_965a ^ 0x5ca6_953a);
        assert_ne!(wt6(b"a"), wt6(b"b"));
    }
}
