//! HAProxy's queues: one for every server, and one for the proxy.
//!
//! A request waits in a server's queue when it was given to that server and to no other (by a hash), in the proxy's when all servers are full. A server with a
//! free slot takes the head of its own queue or of the proxy's: the lower priority class first, then who has come in an earlier millisecond, then
//! its own. In one queue those of one millisecond go in the order of arrival.

use crate::balance::BackendId;
use crate::time::SimTime;
use std::collections::BTreeMap;

/// Class, millisecond, arrival.
type Key = (i32, u64, u64);

/// Requests that wait.
#[derive(Debug, Default)]
pub struct Queues {
    proxy: BTreeMap<Key, u64>,
    /// By backend.
    servers: Vec<BTreeMap<Key, u64>>,
    /// Where each waits.
    places: BTreeMap<u64, (Option<BackendId>, Key)>,
    arrivals: u64,
}

impl Queues {
    /// Whether nobody waits anywhere.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Whether somebody waits for any server.
    #[must_use]
    pub fn has_any_waiting_for_all(&self) -> bool {
        !self.proxy.is_empty()
    }

    /// A request waits for a server, or for any.
    pub fn push(&mut self, request: u64, class: i32, now: SimTime, server: Option<BackendId>) {
        self.arrivals += 1;
        self.put(request, (class, now.0 / 1_000_000, self.arrivals), server);
    }

    fn put(&mut self, request: u64, key: Key, server: Option<BackendId>) {
        self.places.insert(request, (server, key));
        self.queue(server).insert(key, request);
    }

    fn queue(&mut self, server: Option<BackendId>) -> &mut BTreeMap<Key, u64> {
        let Some(server) = server else { return &mut self.proxy };
        if self.servers.len() <= server.index() {
            self.servers.resize_with(server.index() + 1, BTreeMap::new);
        }
        &mut self.servers[server.index()]
    }

    /// A request no longer waits: for which server, or any, it did.
    pub fn remove(&mut self, request: u64) -> Option<Option<BackendId>> {
        let (server, key) = self.places.remove(&request)?;
        self.queue(server).remove(&key);
        Some(server)
    }

    /// How many wait for a server.
    #[must_use]
    pub fn waiting_for(&self, server: BackendId) -> u32 {
        self.servers.get(server.index()).map_or(0, BTreeMap::len) as u32
    }

    /// The request that a server's free slot goes to.
    pub fn next(&self, server: BackendId, also_of_all: bool) -> Option<u64> {
        let own = self.servers.get(server.index()).and_then(BTreeMap::first_key_value);
        let all = self.proxy.first_key_value().filter(|_| also_of_all);
        let turn = |&((class, ms, _), _): &(&Key, &u64)| (*class, *ms);
        match (own, all) {
            (Some(own), Some(all)) => Some(if turn(&all) < turn(&own) { *all.1 } else { *own.1 }),
            (own, all) => own.or(all).map(|(_, request)| *request),
        }
    }

    /// A server has gone: who waited for it waits for any, with its place in time.
    pub fn redistribute(&mut self, server: BackendId) {
        for (key, request) in std::mem::take(self.queue(Some(server))) {
            self.put(request, key, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_class_goes_first_then_the_earlier_then_the_servers_own() {
        let (mut queues, a) = (Queues::default(), BackendId(0));
        let ms = |ms: u64| SimTime(ms * 1_000_000);
        queues.push(1, 0, ms(5), None);
        queues.push(2, 0, ms(5), Some(a));
        queues.push(3, 0, ms(4), None);
        queues.push(4, -1, ms(9), None);
        let mut order = Vec::new();
        while let Some(request) = queues.next(a, true) {
            queues.remove(request);
            order.push(request);
        }
        assert_eq!(order, [4, 3, 2, 1]);
        assert!(queues.is_empty());
    }

    #[test]
    fn who_waited_for_a_server_that_goes_waits_for_any() {
        let (mut queues, a, b) = (Queues::default(), BackendId(0), BackendId(1));
        queues.push(1, 0, SimTime::ZERO, Some(a));
        assert_eq!(queues.next(b, true), None);
        queues.redistribute(a);
        assert_eq!((queues.next(b, true), queues.next(b, false)), (Some(1), None));
        assert_eq!(queues.remove(1), Some(None));
    }
}
