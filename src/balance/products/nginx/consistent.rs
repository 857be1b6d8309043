//! nginx's `hash KEY consistent`: a ketama ring of CRC-32s, as Cache::Memcached::Fast has it.
//!
//! **Rule.** Every peer has 160 points for each unit of weight on a circle of 2^32, each at the CRC-32 of `host 0 port` and the point before it. A
//! key goes to the first point at or after its own CRC-32. Where nobody with that point's text may have the request, the next *point* is asked,
//! at most 20 times over all attempts, then round robin. **Ties.** Of equal points the first built stays. Peers of one text (a name with several
//! addresses) share its points and take smooth turns. **Cost:** O(log points). **Who ships it.** nginx 1.22; Pingora builds the same ring.
//! **Where it fails.** 20 points are few where many peers are dead: their keys then lose all affinity.

use super::peers::smooth;
use super::{Look, Memory, Peers, Rule};
use crate::balance::hash::crc32;
use crate::balance::{BackendId, Digits, Pool, Request};
use crate::random::Stream;

/// Points for each unit of weight.
pub const POINTS_PER_WEIGHT: u32 = 160;

/// The points of one server text, as `visit` is told them in the order in which they are built.
pub fn points(server: &str, weight: u32, visit: impl FnMut(u32)) {
    let (host, port) = host_and_port(server);
    points_of(host, port, weight, visit);
}

/// The points of a host and a port.
pub fn points_of(host: &str, port: &str, weight: u32, mut visit: impl FnMut(u32)) {
    let mut base = crc32fast::Hasher::new();
    [host.as_bytes(), &[0], port.as_bytes()].into_iter().for_each(|part| base.update(part));
    let mut last = 0_u32;
    for _ in 0..u64::from(weight) * u64::from(POINTS_PER_WEIGHT) {
        let mut point = base.clone();
        point.update(&last.to_le_bytes());
        last = point.finalize();
        visit(last);
    }
}

/// `unix:` is a path without a port; digits after the last colon are a port; all else is a host.
fn host_and_port(server: &str) -> (&str, &str) {
    if let Some(path) = server.get(..5).filter(|scheme| scheme.eq_ignore_ascii_case("unix:")).and(server.get(5..)) {
        return (path, "");
    }
    match server.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port),
        _ => (server, ""),
    }
}

/// By the key, on a ring.
#[derive(Debug, Default)]
pub(super) struct Consistent {
    /// Where points stand and the server of each, ascending.
    ring: Vec<(u32, u32)>,
    /// The places of the primary peers of each server text, consecutive in `places`.
    servers: Vec<std::ops::Range<usize>>,
    places: Vec<usize>,
}

impl Rule for Consistent {
    fn build(&mut self, peers: &Peers, pool: &Pool) {
        let text = |place: usize| pool.member(peers.primary[place].backend).address.as_str();
        self.places = (0..peers.primary.len()).collect();
        self.places.sort_by(|&a, &b| text(a).cmp(text(b)).then(a.cmp(&b)));
        self.servers.clear();
        let mut server_of = vec![0; self.places.len()];
        for same in self.places.chunk_by(|&a, &b| text(a) == text(b)) {
            let from = self.servers.last().map_or(0, |before| before.end);
            same.iter().for_each(|&place| server_of[place] = self.servers.len() as u32);
            self.servers.push(from..from + same.len());
        }
        self.ring.clear();
        for (place, peer) in peers.primary.iter().enumerate() {
            points(text(place), peer.weight as u32, |point| self.ring.push((point, server_of[place])));
        }
        self.ring.sort_by_key(|&(point, _)| point);
        self.ring.dedup_by_key(|&mut (point, _)| point);
    }

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
        let Some(key) = key.filter(|_| memory.tries <= 20 && !peers.is_single() && !self.ring.is_empty()) else {
            return peers.round_robin(memory, look);
        };
        let hash = crc32(key);
        let first = self.ring.partition_point(|&(point, _)| point < hash);
        loop {
            // Every miss has moved one point on, in this attempt and before.
            let (_, server) = self.ring[(first + memory.tries as usize) % self.ring.len()];
            if let Some(place) = self.of_server(server, peers, memory, look) {
                peers.primary[place].taken(look.now);
                return Some(peers.primary[place].backend);
            }
            if memory.misses() {
                return peers.round_robin(memory, look);
            }
        }
    }
}

impl Consistent {
    fn of_server(&self, server: u32, peers: &mut Peers, memory: &Memory, look: Look<'_>) -> Option<usize> {
        let places = &self.places[self.servers[server as usize].clone()];
        smooth(&mut peers.primary, places.iter().copied(), |peer| look.may_have(peer, &memory.tried))
    }
}
