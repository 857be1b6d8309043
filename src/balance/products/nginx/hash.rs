//! nginx's `hash KEY` and `ip_hash`: a number from the key, modulo the total weight.
//!
//! **`nginx/hash`** is that of Cache::Memcached: the upper half of a CRC-32 of the key, 15 bits; after a miss (the peer is down, failing, full or
//! tried) the key is hashed again with a number before it and *added*. **`nginx/ip-hash`** folds the first three bytes of an IPv4 address, or all
//! sixteen of IPv6, into a number below 6271, and after a miss folds them in again. The number modulo the total weight walks the peers in order.
//! After more than 20 misses, and where there is no key, round robin decides. **Cost:** O(log n): the walk is a search in sums. **Where it
//! fails.** Another total moves nearly all keys, so a peer that goes for a while should be marked down, which keeps its weight in the total. A
//! third of the internet's neighbours share three bytes. With `ip-hash` total weights near 6271 leave peers out of reach.

use super::{Look, Memory, Peers, Rule};
use crate::balance::hash::crc32;
use crate::balance::{BackendId, Digits, Request};
use crate::random::Stream;
use std::net::IpAddr;

/// By the key.
#[derive(Debug)]
pub(super) struct Hash;

impl Rule for Hash {
    fn choose(
        &mut self,
        peers: &mut Peers,
        memory: &mut Memory,
        request: &Request<'_>,
        look: Look<'_>,
        _: &mut Stream,
    ) -> Option<BackendId> {
        let mut room = Digits::default();
        let key = request.key(&mut room).filter(|key| !key.is_empty());
        let Some(key) = key.filter(|_| memory.tries <= 20 && !peers.is_single()) else { return peers.round_robin(memory, look) };
        resume(memory, |memory| step(memory, key));
        walk(peers, memory, look, |memory| step(memory, key))
    }
}

/// By the client's address.
#[derive(Debug)]
pub(super) struct IpHash;

impl Rule for IpHash {
    fn choose(
        &mut self,
        peers: &mut Peers,
        memory: &mut Memory,
        request: &Request<'_>,
        look: Look<'_>,
        _: &mut Stream,
    ) -> Option<BackendId> {
        if memory.tries > 20 || peers.is_single() {
            return peers.round_robin(memory, look);
        }
        let ip = request.client_ip();
        if memory.rehash == 0 {
            memory.hash = 89;
        }
        resume(memory, |memory| fold(memory, ip));
        walk(peers, memory, look, |memory| fold(memory, ip))
    }
}

/// A first attempt that found its peer at once was not remembered: it had taken one step.
fn resume(memory: &mut Memory, step: impl Fn(&mut Memory)) {
    if memory.rehash == 0 && !memory.tried.is_empty() {
        step(memory);
    }
}

/// Steps until a peer may have the request; by round robin after too many misses.
fn walk(peers: &mut Peers, memory: &mut Memory, look: Look<'_>, step: impl Fn(&mut Memory)) -> Option<BackendId> {
    let total = peers.total_weight();
    if total == 0 {
        return peers.round_robin(memory, look);
    }
    loop {
        step(memory);
        let place = peers.in_share(memory.hash % total);
        if look.may_have(&peers.primary[place], &memory.tried) {
            peers.primary[place].taken(look.now);
            return Some(peers.primary[place].backend);
        }
        if memory.misses() {
            return peers.round_robin(memory, look);
        }
    }
}

/// One step of `hash`: `hash += (crc32([number] key) >> 16) & 0x7fff`, without the number at first.
pub fn step(memory: &mut Memory, key: &[u8]) {
    let crc = if memory.rehash == 0 {
        crc32(key)
    } else {
        let mut crc = crc32fast::Hasher::new();
        crc.update(Digits::default().of(u64::from(memory.rehash)));
        crc.update(key);
        crc.finalize()
    };
    memory.hash = u64::from((memory.hash as u32).wrapping_add((crc >> 16) & 0x7fff));
    memory.rehash += 1;
}

/// One step of `ip_hash`, from 89: `hash = (hash·113 + byte) mod 6271` for every byte that counts.
pub fn fold(memory: &mut Memory, ip: Option<IpAddr>) {
    let mix = |hash: u64, byte: &u8| (hash * 113 + u64::from(*byte)) % 6271;
    memory.hash = match ip {
        Some(IpAddr::V4(ip)) => ip.octets()[..3].iter().fold(memory.hash, mix),
        Some(IpAddr::V6(ip)) => ip.octets().iter().fold(memory.hash, mix),
        None => [0; 3].iter().fold(memory.hash, mix),
    };
    memory.rehash += 1;
}
