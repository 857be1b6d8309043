//! Maglev: a table that says for every hash who gets it.
//!
//! **Rule.** Each backend prefers the slots of the table in an order of its own: `offset, offset + skip, offset + 2·skip, …`, modulo a prime size,
//! which visits each slot once. Backends take turns at the best slot of theirs that is free, until none is. With weights the heaviest has
//! a turn in every round and the others as often as their weight is of its. **Cost.** One look per key; O(size · log size) expected to build.
//! With few keys of the others moving when a backend goes, and shares even to one slot in a hundred backends of the small size.

use super::hash::xxh64;
use super::keyed::By;
use super::{BackendId, Balancer, Ctx, Law, Listed, Pick, Pool, Request};
use crate::catalogue::{Entry, Kind, Parameter};

pub(super) static LISTED: Listed = Listed::new(
    Entry {
        name: "maglev",
        summary: "a table of slots, each taken by a backend in turn of preference",
        text: "Every backend prefers the slots of a table in an order of its own and takes its best free one in turn, more often the more weight it has. A key's hash \
               (xxHash64) is looked up in the table. Shares are even to a slot; when a backend goes, few keys of others move. O(1) per pick: one look.",
        parameters: &[Parameter::with_default(
            "table_size",
            Kind::Whole(2, 5_000_011),
            "65537",
            "slots: a prime, a hundred for each backend or more",
        )],
        reference: "D. E. Eisenbud et al., Maglev: a fast and reliable software network load balancer (NSDI 2016)",
    },
    |values| Box::new(Maglev { size: values.whole("table_size"), table: Table::default() }),
)
.checked(|values| prime_size(values.whole("table_size")))
.by_key()
.breaks(&[(Law::OnlyOwnKeysMove, "turns depend on who takes part, so a few keys of others move: fewer than one in a hundred with the default size")]);

#[derive(Debug)]
struct Maglev {
    size: u64,
    table: Table,
}

impl Balancer for Maglev {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        let entry = |&backend: &BackendId| (backend, pool.member(backend).address.as_str(), pool.weight(backend));
        self.table = Table::of_keys(self.size, &pool.eligible().iter().map(entry).collect::<Vec<_>>());
    }

    #[inline]
    fn pick(&mut self, request: &Request<'_>, _: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        let hash = By::Key.hash(request, ctx);
        self.table.find(hash).map_or(Pick::None, Pick::Backend)
    }
}

/// One backend's order of preference, and its share.
#[derive(Clone, Copy, Debug)]
pub struct Preference {
    /// The slot it likes best.
    pub offset: u64,
    /// How far it is to the next it likes: at least 1 and below the size.
    pub skip: u64,
    /// Its weight, in any unit.
    pub weight: f64,
}

impl Preference {
    /// As Envoy makes it of a backend's key: by XXH64 with seeds 0 and 1.
    #[must_use]
    pub fn of(key: &str, size: u64, weight: f64) -> Self {
        let skip = if size > 1 { xxh64(key.as_bytes(), 1) % (size - 1) + 1 } else { 1 };
        Self { offset: xxh64(key.as_bytes(), 0) % size, skip, weight }
    }

    /// The slot it likes `rank`-th best, from 0.
    #[inline]
    #[must_use]
    pub fn slot(&self, rank: u64, size: u64) -> u64 {
        ((u128::from(self.offset) + u128::from(rank) * u128::from(self.skip)) % u128::from(size)) as u64
    }
}

/// The hash that a request's further attempt is looked up by, where the ones before were refused: Envoy's.
#[inline]
#[must_use]
pub fn retry_hash(hash: u64, attempt: u32) -> u64 {
    if attempt == 0 { hash } else { hash ^ (u64::MAX - u64::from(attempt) + 1) }
}

/// What is wrong with a size that is no prime: some slots would be nobody's.
pub(super) fn prime_size(size: u64) -> Result<(), String> {
    if is_prime(size) {
        return Ok(());
    }
    let next = next_prime(size);
    let before = (2..size).rev().find(|&below| is_prime(below));
    let before = before.map_or(String::new(), |before| format!("{before} and "));
    Err(format!("the table size {size} is no prime; write the nearest: {before}{next}"))
}

/// Whether a number is a prime.
#[must_use]
pub fn is_prime(number: u64) -> bool {
    number > 1 && (2..).take_while(|divisor| divisor * divisor <= number).all(|divisor| !number.is_multiple_of(divisor))
}

/// The least prime that is no less than a number.
#[must_use]
pub fn next_prime(number: u64) -> u64 {
    (number..).find(|&candidate| is_prime(candidate)).expect("there is no greatest prime")
}

/// Who has which slot.
#[derive(Clone, Debug, Default)]
pub struct Table {
    slots: Vec<BackendId>,
}

const FREE: BackendId = BackendId(u32::MAX);

impl Table {
    /// The table of `size` slots, filled in the order of the list; empty where nobody has a weight above zero.
    #[must_use]
    pub fn new(size: u64, entries: &[(BackendId, Preference)]) -> Self {
        let entries: Vec<_> = entries.iter().filter(|(_, preference)| preference.weight > 0.0).collect();
        let heaviest = entries.iter().map(|(_, preference)| preference.weight).fold(0.0, f64::max);
        if entries.is_empty() || size == 0 {
            return Self::default();
        }
        let mut slots = vec![FREE; size as usize];
        let mut free = size;
        let mut builds: Vec<_> =
            entries.iter().map(|(_, preference)| Build { at: preference.offset % size, left: size, target: 0.0 }).collect();
        let mut round = 1.0;
        while free > 0 && builds.iter().any(|build| build.left > 0) {
            for ((backend, preference), build) in entries.iter().zip(&mut builds) {
                if free == 0 {
                    break;
                }
                if round * preference.weight < build.target {
                    continue;
                }
                build.target += heaviest;
                if let Some(slot) = build.next_free(preference.skip, &slots) {
                    slots[slot] = *backend;
                    free -= 1;
                }
            }
            round += 1.0;
        }
        Self { slots }
    }

    /// Envoy's table of backends with their keys and shares: filled in the order of the keys, so that the list's does not matter.
    #[must_use]
    pub fn of_keys(size: u64, backends: &[(BackendId, &str, f64)]) -> Self {
        let mut sorted = backends.to_vec();
        sorted.sort_by_key(|&(_, key, _)| key);
        let entries: Vec<_> = sorted.into_iter().map(|(backend, key, share)| (backend, Preference::of(key, size, share))).collect();
        Self::new(size, &entries)
    }

    /// Who has the slot of a hash.
    #[inline]
    #[must_use]
    pub fn find(&self, hash: u64) -> Option<BackendId> {
        if self.slots.is_empty() {
            return None;
        }
        Some(self.slots[(hash % self.slots.len() as u64) as usize]).filter(|&backend| backend != FREE)
    }

    /// All slots.
    #[must_use]
    pub fn slots(&self) -> &[BackendId] {
        &self.slots
    }
}

/// How far a backend has come through its preferences.
struct Build {
    at: u64,
    /// How many of its preferences it has not looked at. A size that is no prime may leave slots that nobody prefers.
    left: u64,
    target: f64,
}

impl Build {
    fn next_free(&mut self, skip: u64, slots: &[BackendId]) -> Option<usize> {
        let size = slots.len() as u64;
        while self.left > 0 {
            let slot = self.at as usize;
            self.at = (self.at + skip) % size;
            self.left -= 1;
            if slots[slot] == FREE {
                return Some(slot);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(size: u64, entries: &[(u64, u64, f64)]) -> Vec<u32> {
        let entry = |(&(offset, skip, weight), id)| (BackendId(id), Preference { offset, skip, weight });
        Table::new(size, &entries.iter().zip(0..).map(entry).collect::<Vec<_>>()).slots().iter().map(|backend| backend.0).collect()
    }

    #[test]
    fn the_papers_example() {
        assert_eq!(table(7, &[(3, 4, 1.0), (0, 2, 1.0), (3, 1, 1.0)]), [1, 0, 1, 0, 2, 2, 0]);
        assert_eq!(table(7, &[(3, 4, 1.0), (0, 2, 0.0), (3, 1, 1.0)]), [0, 0, 0, 0, 2, 2, 2]);
        assert_eq!(table(7, &[]), [0; 0]);
    }

    #[test]
    fn a_weight_is_a_share_of_the_slots() {
        let slots = table(65_537, &[(5, 77, 3.0), (8, 1_001, 1.0)]);
        let heavy = slots.iter().filter(|&&backend| backend == 0).count();
        assert!(heavy.abs_diff(49_153) <= 1, "{heavy}");
    }

    #[test]
    fn sizes_become_primes() {
        assert_eq!([next_prime(2), next_prime(8), next_prime(65_537), next_prime(65_536)], [2, 11, 65_537, 65_537]);
    }

    #[test]
    fn slots_are_visited_once_each() {
        let preference = Preference::of("10.0.0.1:80", 997, 1.0);
        let mut seen: Vec<_> = (0..997).map(|rank| preference.slot(rank, 997)).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..997).collect::<Vec<_>>());
    }
}
