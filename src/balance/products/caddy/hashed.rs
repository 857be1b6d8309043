//! Caddy's hashes: the address or the key that scores highest with an upstream.
//!
//! **Rule.** Every available upstream is scored by a hash of its address and the key; the highest wins, the first on a tie (rendezvous hashing). In 2.6
//! and 2.7 the hash is FNV-1a, 32 bits, of key and address; since 2.8 XXH64 of address and key. `header` and `query` without a value go by `random`.
//! **`cookie`** is not a hash: who has no cookie is sent by `random` and marked, and comes back to that upstream while it is available; here a key stands
//! for the cookie jar of who sent it. **Cost:** O(n), as in the product. **Where it shines.** Only the keys of who goes move. **Where it fails.** Weights are
//! not looked at.

use super::select::random;
use super::{Select, Upstreams};
use crate::balance::hash::{fnv1a_32, xxh64};
use crate::balance::known::Known;
use crate::balance::{BackendId, Digits, Pool, Request};
use crate::random::Stream;

/// What is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// The client's address.
    Client,
    /// The key, even an empty one.
    Uri,
    /// The key; without one, or with an empty one, nothing.
    Value,
}

/// The highest score.
#[derive(Debug)]
pub(super) struct Hashed {
    pub(super) of: Of,
    /// Whether it hashes as 2.6 and 2.7 do.
    pub(super) is_old: bool,
    /// Addresses, one after the other, with room for a key.
    text: Vec<u8>,
    client: String,
}

impl Hashed {
    pub(super) fn new(of: Of, is_old: bool) -> Self {
        Self { of, is_old, text: Vec::new(), client: String::new() }
    }
}

/// How an upstream scores for a key; `room` is used where the hash wants both in one piece.
#[must_use]
pub fn score(address: &str, key: &[u8], is_old: bool, room: &mut Vec<u8>) -> u64 {
    if is_old {
        return u64::from(fnv1a_32(&[key, address.as_bytes()]));
    }
    room.clear();
    room.extend_from_slice(address.as_bytes());
    room.extend_from_slice(key);
    xxh64(room, 0)
}

impl Select for Hashed {
    fn select(&mut self, request: &Request<'_>, upstreams: &Upstreams, pool: &Pool, chance: &mut Stream) -> Option<BackendId> {
        let mut room = Digits::default();
        let key = match self.of {
            Of::Client => Some(request.client(&mut self.client).as_bytes()),
            Of::Uri => Some(request.key(&mut room).unwrap_or_default()),
            Of::Value => request.key(&mut room).filter(|key| !key.is_empty()),
        };
        let Some(key) = key else { return random(upstreams, pool, chance) };
        let mut best = None;
        for backend in upstreams.available(pool) {
            let score = score(&pool.member(backend).address, key, self.is_old, &mut self.text);
            if best.is_none_or(|(_, highest)| score > highest) {
                best = Some((backend, score));
            }
        }
        best.map(|(backend, _)| backend)
    }
}

/// Cookies that are remembered: those of browsers that have not come for long are forgotten.
const COOKIES: usize = 1 << 17;

/// Where each key's cookie says.
#[derive(Debug)]
pub(super) struct Cookie {
    cookies: Known<BackendId>,
}

impl Default for Cookie {
    fn default() -> Self {
        Self { cookies: Known::new(COOKIES) }
    }
}

impl Select for Cookie {
    fn select(&mut self, request: &Request<'_>, upstreams: &Upstreams, pool: &Pool, chance: &mut Stream) -> Option<BackendId> {
        let mut room = Digits::default();
        let Some(key) = request.key(&mut room) else { return random(upstreams, pool, chance) };
        let hash = xxh64(key, 0);
        let said = self.cookies.recall(hash).copied();
        if let Some(backend) = said.filter(|&backend| upstreams.is_available(backend, pool)) {
            return Some(backend);
        }
        let chosen = random(upstreams, pool, chance)?;
        self.cookies.remember(hash, chosen);
        Some(chosen)
    }
}
