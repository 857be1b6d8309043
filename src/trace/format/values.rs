//! What the values in logs mean, whatever log they stand in.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memmem};

use crate::trace::entry::{Outcome, Text};

/// The value, unless it is empty or the hyphen that stands for none.
pub(super) fn present(text: &[u8]) -> Option<&[u8]> {
    (!text.is_empty() && text != b"-").then_some(text)
}

/// A value as it was before it was written: `\"`, `\\`, `\n`, `\t`, `\/`, `\xXX` and `\uXXXX` undone. Text without a backslash is not copied.
pub(super) fn unescaped(text: &[u8]) -> Text<'_> {
    match memchr(b'\\', text) {
        None => Cow::Borrowed(text),
        Some(first) => Cow::Owned(undo(text, first)),
    }
}

fn undo(text: &[u8], first: usize) -> Vec<u8> {
    let mut out = text[..first].to_vec();
    let mut rest = &text[first..];
    while let Some((&byte, after)) = rest.split_first() {
        let (length, value) = if byte == b'\\' { escape(after) } else { (0, None) };
        match value {
            Some(c) if c.is_ascii() || length == 5 => out.extend(c.encode_utf8(&mut [0; 4]).bytes()),
            // \xXX is a byte, not a letter.
            Some(c) => out.push(u8::try_from(u32::from(c)).unwrap_or(b'?')),
            None => out.push(byte),
        }
        rest = &after[length..];
    }
    out
}

/// How many bytes behind a backslash belong to it, and what they stand for.
fn escape(after: &[u8]) -> (usize, Option<char>) {
    let hex = |digits: Option<&[u8]>| {
        let text = std::str::from_utf8(digits?).ok()?;
        u32::from_str_radix(text, 16).ok().filter(|_| !text.starts_with('+'))
    };
    let none = (0, None);
    match after.first() {
        Some(&same @ (b'"' | b'\\' | b'/' | b'\'')) => (1, Some(char::from(same))),
        Some(b'n') => (1, Some('\n')),
        Some(b't') => (1, Some('\t')),
        Some(b'r') => (1, Some('\r')),
        Some(b'b') => (1, Some('\u{8}')),
        Some(b'f') => (1, Some('\u{c}')),
        Some(b'v') => (1, Some('\u{b}')),
        Some(b'x') => hex(after.get(1..3)).and_then(char::from_u32).map_or(none, |c| (3, Some(c))),
        Some(b'u') => hex(after.get(1..5)).map_or(none, |code| (5, Some(char::from_u32(code).unwrap_or('\u{fffd}')))),
        _ => none,
    }
}

/// The path of `GET /path?query HTTP/1.1`.
#[inline]
pub(super) fn path_of_request(request: &[u8]) -> Option<Text<'_>> {
    let space = request.iter().take(LONGEST_METHOD).position(|byte| !byte.is_ascii_alphabetic() && *byte != b'-' && *byte != b'_')?;
    if space == 0 || request[space] != b' ' {
        return None;
    }
    let target = &request[space + 1..];
    let end = memchr2(b' ', b'?', target).unwrap_or(target.len());
    // Fragments are not sent, so nearly all targets are a path already.
    if target.first() == Some(&b'/') { Some(unescaped(&target[..end])) } else { path(&target[..end]) }
}

/// Methods are shorter than this; WebDAV's longest has 17 letters.
const LONGEST_METHOD: usize = 32;

/// The path of a URL, be it whole or already a path; without query and fragment.
#[inline]
pub(super) fn path(url: &[u8]) -> Option<Text<'_>> {
    let url = &url[..memchr2(b'?', b'#', url).unwrap_or(url.len())];
    let path = match url.first() {
        Some(b'h' | b'w') => behind_host(url),
        _ => url,
    };
    present(path).map(unescaped)
}

/// `/path` of `https://host/path`.
fn behind_host(url: &[u8]) -> &[u8] {
    let Some(scheme) = memmem::find(&url[..url.len().min(10)], b"://") else { return url };
    let host = &url[scheme + 3..];
    memchr(b'/', host).map_or(b"/", |slash| &host[slash..])
}

/// The address of `10.0.0.1:8080`, `[::1]:8080` or `::1`, without its port.
pub(super) fn without_port(address: &[u8]) -> &[u8] {
    if let Some(inner) = address.strip_prefix(b"[") {
        return memchr(b']', inner).map_or(address, |end| &inner[..end]);
    }
    match memchr(b':', address) {
        Some(colon) if memchr(b':', &address[colon + 1..]).is_none() => &address[..colon],
        _ => address,
    }
}

/// The first address of a list of those that forwarded a request.
pub(super) fn first_forwarded(list: &[u8]) -> Option<&[u8]> {
    present(list[..memchr(b',', list).unwrap_or(list.len())].trim_ascii())
}

/// A status: three digits. `Some(None)` where the log says that there was none.
#[inline]
pub(super) fn status(text: &[u8]) -> Option<Option<u16>> {
    match *text {
        [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
            Some(Some(u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0')))
        }
        [b'-'] | [b'0'] | [b'0', b'0', b'0'] | [b'-', b'1'] => Some(None),
        _ => None,
    }
}

/// A whole number without a sign.
#[inline]
pub(super) fn whole(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 20 {
        return None;
    }
    text.iter().try_fold(0_u64, |sum, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 { None } else { sum.checked_mul(10)?.checked_add(u64::from(digit)) }
    })
}

/// How a request ended by its status and whether a backend was asked. `None` where the record does not say whether one was.
#[inline]
pub(super) fn outcome(status: Option<u16>, was_sent: Option<bool>) -> Outcome {
    match (status, was_sent) {
        (Some(500..=599 | 429), Some(false)) => Outcome::Refused,
        (Some(500..=599), _) => Outcome::Failed,
        _ => Outcome::Succeeded,
    }
}

/// The last piece of a list of tries (`a, b : c`), and how many pieces there are. Pieces that are a hyphen count: they were tried.
pub(super) fn tries(list: &[u8]) -> (&[u8], u32) {
    let (mut last, mut count, mut rest) = (list, 1_u32, list);
    while let Some(at) = memchr(b' ', rest) {
        // `a, b` has its space behind the comma, `a : b` has two of them.
        let is_end = at > 0 && matches!(rest[at - 1], b',') || rest[..at] == *b":";
        rest = &rest[at + 1..];
        if is_end {
            (last, count) = (rest, count.saturating_add(1));
        }
    }
    (last.trim_ascii(), count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone() {
        assert!(matches!(unescaped(b"plain"), Cow::Borrowed(_)));
        assert_eq!(&unescaped(br#"a\"b\\c\x22\xffd\u00e9\n\/"#)[..], b"a\"b\\c\"\xffd\xc3\xa9\n/");
        assert_eq!(&unescaped(br"\x\xg0\u12\q\")[..], br"\x\xg0\u12\q\");
    }

    #[test]
    fn paths() {
        let path = |request: &[u8]| path_of_request(request).map(|path| String::from_utf8_lossy(&path).into_owned());
        assert_eq!(path(b"GET /a/b?c=1 HTTP/1.1").as_deref(), Some("/a/b"));
        assert_eq!(path(b"GET http://example.com:80/a?b HTTP/1.1").as_deref(), Some("/a"));
        assert_eq!(path(b"GET https://example.com HTTP/1.1").as_deref(), Some("/"));
        assert_eq!(path(b"OPTIONS * HTTP/1.0").as_deref(), Some("*"));
        assert_eq!(path(b"-"), None);
        assert_eq!(path(br"\x16\x03\x01 x"), None);
    }

    #[test]
    fn addresses() {
        for (address, expected) in
            [("10.0.0.1:80", "10.0.0.1"), ("10.0.0.1", "10.0.0.1"), ("[::1]:80", "::1"), ("::1", "::1"), ("unix:", "unix")]
        {
            assert_eq!(without_port(address.as_bytes()), expected.as_bytes());
        }
        assert_eq!(first_forwarded(b"10.0.0.1, 10.0.0.2"), Some(&b"10.0.0.1"[..]));
        assert_eq!(first_forwarded(b"-"), None);
    }

    #[test]
    fn lists_of_tries() {
        assert_eq!(tries(b"172.17.0.6:8080, 172.17.0.7:8080"), (&b"172.17.0.7:8080"[..], 2));
        assert_eq!(tries(b"0.1, - : 0.004"), (&b"0.004"[..], 3));
        assert_eq!(tries(b"[2a02:cf40::]:9200"), (&b"[2a02:cf40::]:9200"[..], 1));
        assert_eq!(tries(b"unix:/run/app.sock : 10.0.0.1:80"), (&b"10.0.0.1:80"[..], 2));
    }

    #[test]
    fn numbers() {
        assert_eq!(status(b"200"), Some(Some(200)));
        assert_eq!((status(b"-"), status(b"000"), status(b"20"), status(b"2000")), (Some(None), Some(None), None, None));
        assert_eq!(
            (whole(b"18446744073709551615"), whole(b"18446744073709551616"), whole(b""), whole(b"-1")),
            (Some(u64::MAX), None, None, None)
        );
    }
}
