//! djb2: D. J. Bernstein's function from comp.lang.c, with addition.

/// `h·33 + c` for every byte, from 5381.
#[must_use]
pub fn djb2(bytes: &[u8]) -> u32 {
    bytes.iter().fold(5381, |h: u32, &c| h.wrapping_mul(33).wrapping_add(u32::from(c)))
}

#[cfg(test)]
mod tests {
    use super::djb2;

    #[test]
    fn it_starts_at_5381() {
        assert_eq!((djb2(b""), djb2(b"a")), (5381, 5381 * 33 + 97));
    }
}
