//! sdbm: the function of the database library of that name, 1990; HAProxy's default.

/// `h·65599 + c` for every byte, by shifts: `65599 = 2^6 + 2^16 − 1`.
#[must_use]
pub fn sdbm(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |h: u32, &c| u32::from(c).wrapping_add(h << 6).wrapping_add(h << 16).wrapping_sub(h))
}

#[cfg(test)]
mod tests {
    use super::sdbm;

    #[test]
    fn shifts_multiply_by_65599() {
        let plain = |bytes: &[u8]| bytes.iter().fold(0_u32, |h, &c| h.wrapping_mul(65_599).wrapping_add(u32::from(c)));
        assert_eq!((sdbm(b""), sdbm(b"a")), (0, 97));
        assert_eq!(sdbm(b"/img/logo.png"), plain(b"/img/logo.png"));
    }
}
