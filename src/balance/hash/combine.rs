//! One hash of a request from several of its parts: a header, a cookie, the client's address.
//!
//! **Rule** (Envoy's, and gRPC's by A42). Parts are asked in order; a part the request lacks has none. The first hash is taken as it is, each
//! further one is joined by `rotate left 1, xor`. A part that is `terminal` ends the list if there is a hash by then. With no hash at all
//! the caller draws one, which makes a hash balancer a random one.

/// One part of a request that can be hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The part's hash; `None` where the request lacks it.
    pub hash: Option<u64>,
    /// Whether nothing after it counts, if there is a hash by then.
    pub terminal: bool,
}

/// The hash of all parts, if any has one.
#[must_use]
pub fn combine(parts: impl IntoIterator<Item = Part>) -> Option<u64> {
    let mut all: Option<u64> = None;
    for part in parts {
        if let Some(hash) = part.hash {
            all = Some(all.map_or(hash, |all| all.rotate_left(1) ^ hash));
        }
        if part.terminal && all.is_some() {
            break;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_part_ends_the_list_only_with_a_hash() {
        let part = |hash, terminal| Part { hash, terminal };
        assert_eq!(combine([part(Some(5), true), part(Some(1), false)]), Some(5));
        assert_eq!(combine([part(None, true), part(Some(1), false)]), Some(1));
        assert_eq!(combine([part(Some(5), false), part(Some(1), false)]), Some(11));
        assert_eq!(combine([part(None, false)]), None);
    }
}
