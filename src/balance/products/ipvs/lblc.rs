//! `ipvs/lblc`: locality-based least connections.

use super::least::extreme;
use super::{Least, Look, Schedule};
use crate::balance::hash::xxh64;
use crate::balance::known::Known;
use crate::balance::{BackendId, Digits, Request};
use crate::time::{SimTime, Span};

/// An entry that nobody used for so long is forgotten.
const EXPIRATION: Span = Span(24 * 3_600 * 1_000_000_000);
/// Where there are more entries than this …
const MAX_ENTRIES: usize = 16 * 1024;
/// … one counts no longer after this.
const EXPIRATION_WHEN_FULL: Span = Span(6 * 60 * 1_000_000_000);
/// Entries that there is room for: the kernel has no such bound.
const PLACES: usize = 1 << 17;

/// Where each key went last, and when.
#[derive(Debug)]
pub(super) struct Lblc {
    table: Known<(BackendId, SimTime)>,
}

impl Default for Lblc {
    fn default() -> Self {
        Self { table: Known::new(PLACES) }
    }
}

impl Schedule for Lblc {
    fn choose(&mut self, request: &Request<'_>, look: &Look<'_>) -> Option<BackendId> {
        let hash = xxh64(request.key(&mut Digits::default()).unwrap_or_default(), 0);
        let expiration = if self.table.len() > MAX_ENTRIES { EXPIRATION_WHEN_FULL } else { EXPIRATION };
        if let Some((backend, used)) = self.table.recall(hash) {
            let is_fresh = look.now.since(*used) <= expiration;
            *used = look.now;
            if is_fresh && look.is_available(*backend) && !is_overloaded(*backend, look) {
                return Some(*backend);
            }
        }
        let chosen = extreme(Least::Weighted, look)?;
        self.table.remember(hash, (chosen, look.now));
        Some(chosen)
    }
}

/// More connections than weight, while another has less than half of its.
fn is_overloaded(backend: BackendId, look: &Look<'_>) -> bool {
    let is_idle = |&other: &BackendId| look.connections(other) * 2 < look.weight(other);
    look.connections(backend) > look.weight(backend) && look.destinations.all.iter().any(is_idle)
}
