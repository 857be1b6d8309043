//! `ipvs/lblc`: locality-based least connections.

use super::least::extreme;
use super::{Least, Look, Schedule};
use crate::balance::{BackendId, Digits, Request};
use crate::time::{SimTime, Span};
use std::collections::BTreeMap;

/// An entry that nobody used for so long is forgotten.
const EXPIRATION: Span = Span(24 * 3_600 * 1_000_000_000);
/// Where there are more entries than this …
const MAX_ENTRIES: usize = 16 * 1024;
/// … one is forgotten after this.
const EXPIRATION_WHEN_FULL: Span = Span(6 * 60 * 1_000_000_000);

/// Where each key went last, and when.
#[derive(Debug, Default)]
pub(super) struct Lblc {
    table: BTreeMap<Vec<u8>, (BackendId, SimTime)>,
    cleaned: SimTime,
}

impl Schedule for Lblc {
    fn choose(&mut self, request: &Request<'_>, look: &Look<'_>) -> Option<BackendId> {
        let mut room = Digits::default();
        let key = request.key(&mut room).unwrap_or_default();
        self.clean(look.now);
        if let Some((backend, used)) = self.table.get_mut(key) {
            let is_fresh = look.now.since(*used) <= EXPIRATION;
            *used = look.now;
            if is_fresh && look.is_available(*backend) && !is_overloaded(*backend, look) {
                return Some(*backend);
            }
        }
        let chosen = extreme(Least::Weighted, look)?;
        match self.table.get_mut(key) {
            Some(entry) => *entry = (chosen, look.now),
            None => drop(self.table.insert(key.to_vec(), (chosen, look.now))),
        }
        Some(chosen)
    }
}

impl Lblc {
    /// Once a minute, where there are too many.
    fn clean(&mut self, now: SimTime) {
        if self.table.len() > MAX_ENTRIES && now.since(self.cleaned) >= Span(60 * 1_000_000_000) {
            self.cleaned = now;
            self.table.retain(|_, (_, used)| now.since(*used) <= EXPIRATION_WHEN_FULL);
        }
    }
}

/// More connections than weight, while another has less than half of its.
fn is_overloaded(backend: BackendId, look: &Look<'_>) -> bool {
    let is_idle = |&other: &BackendId| look.connections(other) * 2 < look.weight(other);
    look.connections(backend) > look.weight(backend) && look.destinations.all.iter().any(is_idle)
}
