//! `ipvs/sh` and `ipvs/mh`: by the client's address.

use super::{Look, Schedule};
use crate::balance::hash::{crc32, hash_32, hsiphash_u32};
use crate::balance::maglev::is_prime;
use crate::balance::products::gcd;
use crate::balance::{BackendId, Request};
use std::net::{IpAddr, SocketAddr};

/// How many buckets `sh` has.
pub const SH_BUCKETS: u32 = 256;

/// An address as one word: IPv6 by the sum of its words without carries.
fn folded(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(address) => u32::from(address),
        IpAddr::V6(address) => {
            let bits = u128::from(address);
            (bits ^ (bits >> 32) ^ (bits >> 64) ^ (bits >> 96)) as u32
        }
    }
}

fn client(request: &Request<'_>) -> u32 {
    request.client_ip().map_or(0, folded)
}

/// The bucket of an address, as newer kernels find it, or older ones.
#[must_use]
pub const fn sh_bucket(address: u32, offset: u32, is_new: bool) -> u32 {
    let hash = if is_new { hash_32(address, 8) } else { address.wrapping_mul(2_654_435_761) };
    offset.wrapping_add(hash) % SH_BUCKETS
}

/// Source hashing.
#[derive(Debug)]
pub(super) struct SourceHash {
    buckets: Vec<BackendId>,
    is_new: bool,
    falls_back: bool,
}

impl SourceHash {
    pub(super) fn new(is_new: bool, falls_back: bool) -> Self {
        Self { buckets: Vec::new(), is_new, falls_back }
    }
}

impl Schedule for SourceHash {
    /// Each takes as many buckets in turn as it weighs, at least one.
    fn rebuild(&mut self, look: &Look<'_>) {
        let runs = look.destinations.all.iter().cycle().flat_map(|&backend| {
            let run = look.weight(backend).clamp(1, u64::from(SH_BUCKETS)) as usize;
            std::iter::repeat_n(backend, run)
        });
        self.buckets = runs.take(SH_BUCKETS as usize).collect();
    }

    fn choose(&mut self, request: &Request<'_>, look: &Look<'_>) -> Option<BackendId> {
        let address = client(request);
        let first = sh_bucket(address, 0, self.is_new);
        let at = |bucket: u32| self.buckets.get(bucket as usize).copied().filter(|&backend| look.is_available(backend));
        let others = 0..if self.falls_back { SH_BUCKETS } else { 0 };
        at(first).or_else(|| others.into_iter().find_map(|offset| at(sh_bucket(address, (offset + first) % SH_BUCKETS, self.is_new))))
    }
}

/// The keys of the two hashes of `mh`.
const KEYS: [[u64; 2]; 2] = [[2_654_435_761; 2], [2_654_446_892; 2]];

/// A Maglev table as the kernel fills it.
#[derive(Clone, Debug, Default)]
pub struct MaglevTable {
    places: Vec<Option<u32>>,
}

impl MaglevTable {
    /// A table of `size` for destinations of these addresses (host order), ports and weights. Empty where nobody has weight, and where the size is no prime:
    /// a walk would not come to every place then.
    #[must_use]
    pub fn new(size: u32, destinations: &[(u32, u16, u32)]) -> Self {
        let common = destinations.iter().map(|&(_, _, weight)| weight).fold(0, gcd);
        if common == 0 || !is_prime(size.into()) || size < 3 {
            return Self::default();
        }
        let greatest = destinations.iter().map(|&(_, _, weight)| weight / common).max().unwrap_or(0);
        // Half the bits of the table are enough for turns.
        let shift = (u32::BITS - greatest.leading_zeros()).saturating_sub((u32::BITS - size.leading_zeros()) / 2);
        let turns = |weight: u32| ((weight / common) >> shift).max(u32::from(weight > 0));
        let mut permutations: Vec<(u32, u32)> = destinations
            .iter()
            .map(|&(address, port, _)| {
                let value = address.wrapping_add(u32::from(port));
                (hsiphash_u32(value, KEYS[0]) % size, hsiphash_u32(value, KEYS[1]) % (size - 1) + 1)
            })
            .collect();
        let mut places = vec![None; size as usize];
        let mut free = size;
        for at in (0..destinations.len()).cycle() {
            for _ in 0..turns(destinations[at].2) {
                let (place, skip) = &mut permutations[at];
                while places[*place as usize].is_some() {
                    *place = (*place + *skip) % size;
                }
                places[*place as usize] = Some(at as u32);
                free -= 1;
                if free == 0 {
                    return Self { places };
                }
            }
        }
        Self { places }
    }

    /// How many places each of `n` destinations has.
    #[must_use]
    pub fn slots(&self, n: usize) -> Vec<usize> {
        let of = |at: usize| self.places.iter().filter(|&&place| place == Some(at as u32)).count();
        (0..n).map(of).collect()
    }

    /// The place of a client, and the destination that has it.
    #[must_use]
    pub fn find(&self, address: u32, offset: u32) -> Option<(u32, u32)> {
        let size = self.places.len() as u32;
        let place = hsiphash_u32(offset.wrapping_add(address), KEYS[0]).checked_rem(size)?;
        self.places[place as usize].map(|at| (place, at))
    }
}

/// Maglev hashing.
#[derive(Debug)]
pub(super) struct Maglev {
    size: u32,
    falls_back: bool,
    table: MaglevTable,
    /// By backend: what it weighed when it was not quiesced.
    last_weights: Vec<u32>,
    /// What the table was filled for.
    filled_for: Vec<(BackendId, u32)>,
}

impl Maglev {
    pub(super) fn new(size: u32, falls_back: bool) -> Self {
        Self { size, falls_back, table: MaglevTable::default(), last_weights: Vec::new(), filled_for: Vec::new() }
    }
}

impl Schedule for Maglev {
    fn rebuild(&mut self, look: &Look<'_>) {
        self.last_weights.resize(look.pool.len(), 0);
        for &backend in &look.destinations.all {
            let weight = super::whole(look.pool.weight(backend));
            if weight > 0 {
                self.last_weights[backend.index()] = weight;
            }
        }
        let all = || look.destinations.all.iter().map(|&backend| (backend, self.last_weights[backend.index()]));
        if !self.filled_for.iter().copied().eq(all()) {
            self.filled_for = all().collect();
            let address = |backend| address(&look.pool.member(backend).address);
            let destinations: Vec<_> =
                self.filled_for.iter().map(|&(backend, weight)| (address(backend).0, address(backend).1, weight)).collect();
            self.table = MaglevTable::new(self.size, &destinations);
        }
    }

    fn choose(&mut self, request: &Request<'_>, look: &Look<'_>) -> Option<BackendId> {
        let client = client(request);
        let (first, _) = self.table.find(client, 0)?;
        let at = |offset: u32| {
            let (_, at) = self.table.find(client, offset)?;
            look.destinations.all.get(at as usize).copied().filter(|&backend| look.is_available(backend))
        };
        let others = 0..if self.falls_back { self.size } else { 0 };
        at(0).or_else(|| others.into_iter().find_map(|offset| at((offset + first) % self.size)))
    }
}

/// A backend's address and port; of one that is a name, a hash.
fn address(text: &str) -> (u32, u16) {
    let whole = text.parse::<SocketAddr>().map(|address| (folded(address.ip()), address.port()));
    whole.or_else(|_| text.parse::<IpAddr>().map(|address| (folded(address), 0))).unwrap_or_else(|_| (crc32(text.as_bytes()), 0))
}
