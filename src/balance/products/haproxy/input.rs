//! What HAProxy hashes, and how: the source's address, a URI, or a value; one of its functions; and its avalanche.

use crate::balance::hash::{avalanche, crc32, djb2, sdbm, wt6};
use crate::balance::{Digits, Request};
use crate::catalogue::{Value, Values};
use std::net::IpAddr;

/// What of a request is hashed.
#[derive(Clone, Debug)]
pub enum Input {
    /// The client's address.
    Source,
    /// The key, as a request's target.
    Uri(Uri),
    /// The key, as it is. An empty one counts as missing where a header would.
    Value {
        /// Whether an empty value is none.
        empty_is_missing: bool,
    },
}

/// Which part of a request's target is hashed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Uri {
    /// At most so many bytes; 0: all.
    pub len: usize,
    /// So many directories; `None`: all.
    pub depth: Option<u64>,
    /// What comes after the question mark, too.
    pub whole: bool,
    /// Without scheme and authority.
    pub path_only: bool,
}

impl Uri {
    /// The part of a target that is hashed.
    #[must_use]
    pub fn part(self, mut target: &[u8]) -> &[u8] {
        if self.path_only {
            target = path(target);
        }
        if self.len > 0 {
            target = &target[..self.len.min(target.len())];
        }
        let mut slashes = 0;
        let end = target.iter().position(|&c| {
            slashes += u64::from(c == b'/');
            c == b'/' && self.depth.is_some_and(|depth| slashes > depth) || c == b'?' && !self.whole
        });
        &target[..end.unwrap_or(target.len())]
    }
}

/// A target without `scheme://authority`.
fn path(target: &[u8]) -> &[u8] {
    let scheme = target.windows(3).position(|three| three == b"://").filter(|_| target.first() != Some(&b'/'));
    let Some(scheme) = scheme else { return target };
    let rest = &target[scheme + 3..];
    rest.iter().position(|&c| c == b'/').map_or(&[], |slash| &rest[slash..])
}

/// How bytes become a number.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    function: fn(&[u8]) -> u32,
    avalanche: bool,
}

impl Function {
    /// From the parameters: without a function it is sdbm, and with a consistent hash then avalanches.
    pub(super) fn of(values: &Values) -> Self {
        let named = values.get("function").map(|_| values.text("function"));
        let function = match named {
            Some("djb2") => djb2,
            Some("wt6") => wt6,
            Some("crc32") => crc32,
            Some("none") => number,
            _ => sdbm as fn(&[u8]) -> u32,
        };
        let avalanche = match values.get("avalanche") {
            Some(Value::Bool(avalanche)) => *avalanche,
            _ => named.is_none() && values.text("hash_type") == "consistent",
        };
        Self { function, avalanche }
    }

    fn finish(self, hash: u32) -> u32 {
        if self.avalanche { avalanche(hash) } else { hash }
    }

    /// The hash of bytes.
    #[must_use]
    pub fn of_bytes(self, bytes: &[u8]) -> u32 {
        self.finish((self.function)(bytes))
    }

    /// The hash of an address, which no function is applied to.
    #[must_use]
    pub fn of_address(self, address: IpAddr) -> u32 {
        self.finish(match address {
            IpAddr::V4(address) => u32::from(address),
            IpAddr::V6(address) => {
                let bits = u128::from(address);
                (bits ^ (bits >> 32) ^ (bits >> 64) ^ (bits >> 96)) as u32
            }
        })
    }
}

/// The text as a whole number, up to where it is none.
fn number(bytes: &[u8]) -> u32 {
    let (is_negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        all => (false, all),
    };
    let digits = digits.iter().take_while(|c| c.is_ascii_digit());
    let number = digits.fold(0_u32, |number, c| number.wrapping_mul(10).wrapping_add(u32::from(c - b'0')));
    if is_negative { number.wrapping_neg() } else { number }
}

impl Input {
    /// The hash of a request; nothing where it has not what is hashed.
    #[must_use]
    pub fn hash(&self, request: &Request<'_>, function: Function) -> Option<u32> {
        let mut room = Digits::default();
        match *self {
            Self::Source => request.client_ip().map(|address| function.of_address(address)),
            Self::Uri(uri) => request.key(&mut room).map(|key| function.of_bytes(uri.part(key))),
            Self::Value { empty_is_missing } => {
                let key = request.key(&mut room).filter(|key| !(empty_is_missing && key.is_empty()));
                key.map(|key| function.of_bytes(key))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_cut_as_asked() {
        let part = |uri: Uri, target: &'static str| String::from_utf8_lossy(uri.part(target.as_bytes())).into_owned();
        let all = Uri::default();
        assert_eq!(part(all, "/a/b/c?d=/e"), "/a/b/c");
        assert_eq!(part(Uri { whole: true, ..all }, "/a/b/c?d=/e"), "/a/b/c?d=/e");
        assert_eq!(part(Uri { depth: Some(2), ..all }, "/a/b/c?d"), "/a/b");
        assert_eq!(part(Uri { len: 4, ..all }, "/a/b/c"), "/a/b");
        assert_eq!(part(Uri { path_only: true, ..all }, "http://host:80/a"), "/a");
    }

    #[test]
    fn a_number_ends_where_it_is_none() {
        assert_eq!((number(b"42x"), number(b"-1"), number(b"")), (42, u32::MAX, 0));
    }
}
