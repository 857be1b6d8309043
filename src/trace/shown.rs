//! Bytes of a record made safe to show in a message.

use crate::escape::push_visible;
use std::fmt::Write as _;

/// The bytes as text, with everything escaped that a terminal would obey or hide, cut to `limit` characters.
pub(super) fn visible(bytes: &[u8], limit: usize) -> String {
    // Four bytes a character at most: no need to look at all of a long line.
    let part = &bytes[..bytes.len().min(limit.saturating_mul(4).saturating_add(4))];
    let mut out = String::new();
    let mut left = limit;
    for chunk in part.utf8_chunks() {
        for c in chunk.valid().chars() {
            if left == 0 {
                out.push('…');
                return out;
            }
            push_visible(&mut out, c);
            left -= 1;
        }
        for byte in chunk.invalid() {
            if left == 0 {
                out.push('…');
                return out;
            }
            let _ = write!(out, "\\x{byte:02x}");
            left -= 1;
        }
    }
    out
}

/// The bytes in quotes, cut to 40 characters.
pub(super) fn shown(bytes: &[u8]) -> String {
    format!("\"{}\"", visible(bytes, 40))
}

/// A number of bytes for people.
pub(super) fn bytes(count: u64) -> String {
    match count {
        0..=9_999 => format!("{count} bytes"),
        10_000..=10_485_759 => format!("{} KiB", count >> 10),
        10_485_760..=10_737_418_239 => format!("{} MiB", count >> 20),
        _ => format!("{} GiB", count >> 30),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_stays() {
        assert_eq!(shown(b"a\x1b[2J\xff\t\xe2\x80\xae"), "\"a\\u{1b}[2J\\xff\\t\\u{202e}\"");
        assert_eq!(shown(&[b'x'; 1000]), format!("\"{}…\"", "x".repeat(40)));
        assert_eq!(bytes(200 << 20), "200 MiB");
    }
}
