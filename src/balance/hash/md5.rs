//! MD5: points of ketama rings that follow libketama, among them Dubbo's.

use ::md5::{Digest, Md5};

/// The four 32-bit words of the MD5 of a text that is given in pieces, each from its bytes with the lowest first.
#[must_use]
pub fn md5(pieces: &[&[u8]]) -> [u32; 4] {
    let mut digest = Md5::new();
    pieces.iter().for_each(|piece| digest.update(piece));
    let bytes: [u8; 16] = digest.finalize().into();
    [0, 1, 2, 3].map(|word| u32::from_le_bytes([bytes[word * 4], bytes[word * 4 + 1], bytes[word * 4 + 2], bytes[word * 4 + 3]]))
}

#[cfg(test)]
mod tests {
    use super::md5;

    #[test]
    fn published_values_hold() {
        let bytes: Vec<u8> = md5(&[b"a", b"bc"]).iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(bytes[..4], [0x90, 0x01, 0x50, 0x98]);
        assert_eq!(bytes[12..], [0x28, 0xe1, 0x7f, 0x72]);
    }
}
