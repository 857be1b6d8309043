//! Envoy's ring hash and Maglev: a table for each priority, and [bounded load](super::bounded_load) over either.
//!
//! **Rule.** The hash of the request's key (XXH64, seed 0; drawn where it has none) chooses the priority, then the backend in that priority's
//! table, which is made of its healthy backends, or of all in panic; degraded ones are in none, though they draw load to their priority. Further attempts of a request go to the next point of the ring, or by
//! another hash. A backend's key is its label `hash_key`, else its address. **Cost.** O(1); with `balance_factor` O(n) once a backend is
//! overloaded. **Where it fails.** When a priority's health changes its load changes, and keys move between priorities, not only within.

use super::balancer::{At, Envoy, Fresh, Within};
use super::bounded_load::{Probe, overload, slots, total_slots};
use super::cluster::{FAIL_ON_PANIC, OVERPROVISIONING, Options, PANIC, Spread, locality_weight, zones};
use super::normalized::{by_locality, flat};
use super::ring::deal;
use super::{BREAKS_IN_A_TABLE, BREAKS_ON_A_RING, PRODUCT};
use crate::balance::hash::{STD_HASH_SEED, murmur2_64a, xxh64};
use crate::balance::maglev::{Table, prime_size, retry_hash};
use crate::balance::ring_hash::Ring;
use crate::balance::{BackendId, Ctx, Digits, Listed, Listens, Pool, Request};
use crate::catalogue::{Entry, Kind, Parameter, Values};
use crate::random::Stream;

const BALANCE_FACTOR: Parameter = Parameter::with_default(
    "balance_factor",
    Kind::Whole(0, 1_000_000),
    "0",
    "in percent of its fair share, how much a backend may have in flight before keys go elsewhere: 0 is off, else at least 100",
);
const LOCALITY_WEIGHTED: Parameter = Parameter::with_default(
    "locality_weighted",
    Kind::Bool,
    "false",
    "weights of localities (label `locality_weight`) times weights within them",
);

pub(in crate::balance) static RING_HASH: Listed = Listed::new(
    Entry {
        name: "envoy/ring-hash",
        summary: "Envoy's ring: just large enough for the lightest backend, with bounded load",
        text: "XXH64 (or MurmurHash64A) of `KEY_i` for each point; the ring is at least `minimum_ring_size` and large enough that the lightest backend has a whole \
               number of points. With `balance_factor` an overloaded backend's keys go through the others in an order drawn by the hash. O(1) per pick.",
        parameters: &[
            Parameter::with_default("minimum_ring_size", Kind::Whole(1, 8_388_608), "1024", "the fewest points in all"),
            Parameter::with_default("maximum_ring_size", Kind::Whole(1, 8_388_608), "8388608", "the most points in all"),
            Parameter::with_default("hash_function", Kind::Choice(&["xx-hash", "murmur-hash-2"]), "xx-hash", "what points are hashed with"),
            BALANCE_FACTOR,
            LOCALITY_WEIGHTED,
            PANIC,
            OVERPROVISIONING,
            FAIL_ON_PANIC,
        ],
        reference: "Envoy, source/extensions/load_balancing_policies/ring_hash",
    },
    |values| {
        let kind = TableKind::Ring {
            least: values.whole("minimum_ring_size"),
            most: values.whole("maximum_ring_size"),
            hash: if values.text("hash_function") == "xx-hash" { |name| xxh64(name, 0) } else { |name| murmur2_64a(name, STD_HASH_SEED) },
        };
        balancer(kind, values)
    },
)
.checked(|values| {
    let (least, most) = (values.whole("minimum_ring_size"), values.whole("maximum_ring_size"));
    if least > most {
        return Err(format!("the minimum ring size {least} is above the maximum {most}; Envoy refuses that"));
    }
    factor(values).map(|_| ())
})
.of(PRODUCT)
.by_key()
.breaks(BREAKS_ON_A_RING);

pub(in crate::balance) static MAGLEV: Listed = Listed::new(
    Entry {
        name: "envoy/maglev",
        summary: "Envoy's Maglev table, with bounded load",
        text: "A table of `table_size` slots, filled by turns in the order of keys; the heaviest backend has one slot a round. Shares are even to a slot, and few \
               keys of others move when a backend goes. With `balance_factor` as envoy/ring-hash. O(1) per pick: one look.",
        parameters: &[
            Parameter::with_default("table_size", Kind::Whole(2, 5_000_011), "65537", "slots: a prime"),
            BALANCE_FACTOR,
            LOCALITY_WEIGHTED,
            PANIC,
            OVERPROVISIONING,
            FAIL_ON_PANIC,
        ],
        reference: "Envoy, source/extensions/load_balancing_policies/maglev; Eisenbud et al., Maglev (NSDI 2016)",
    },
    |values| balancer(TableKind::Maglev { size: values.whole("table_size") }, values),
)
.checked(|values| {
    prime_size(values.whole("table_size"))?;
    factor(values).map(|_| ())
})
.of(PRODUCT)
.by_key()
.breaks(BREAKS_IN_A_TABLE);

/// The balance factor, if it is on.
fn factor(values: &Values) -> Result<Option<u64>, String> {
    match values.whole("balance_factor") {
        0 => Ok(None),
        factor if factor >= 100 => Ok(Some(factor)),
        factor => Err(format!("a balance factor of {factor}% is less than a fair share; write 0 for none, or at least 100")),
    }
}

fn balancer(kind: TableKind, values: &Values) -> Box<dyn crate::balance::Balancer> {
    let rule = Hashing {
        kind,
        by_locality: values.bool("locality_weighted"),
        tables: Vec::new(),
        bound: factor(values).ok().flatten().map(|factor| Bound { factor, ..Bound::default() }),
    };
    Box::new(Envoy::new(Options::of(values, Spread::Even), Box::new(rule)))
}

#[derive(Clone, Copy, Debug)]
enum TableKind {
    Ring { least: u64, most: u64, hash: fn(&[u8]) -> u64 },
    Maglev { size: u64 },
}

#[derive(Debug)]
enum Lookup {
    Ring(Ring),
    Maglev(Table),
}

impl Lookup {
    #[inline]
    fn find(&self, hash: u64, attempt: u32) -> Option<BackendId> {
        match self {
            Self::Ring(ring) if attempt == 0 => ring.find(hash),
            Self::Ring(ring) => ring.after(ring.place(hash)?, attempt as usize),
            Self::Maglev(table) => table.find(retry_hash(hash, attempt)),
        }
    }
}

#[derive(Debug)]
struct Hashing {
    kind: TableKind,
    by_locality: bool,
    /// One for each priority, with its backends and their shares.
    tables: Vec<(Lookup, Vec<(BackendId, f64)>)>,
    bound: Option<Bound>,
}

/// What is in flight, and how much may be.
#[derive(Debug, Default)]
struct Bound {
    factor: u64,
    in_flight: Vec<u32>,
    total: u64,
    probe: Probe,
    /// The place of each backend in its table's list.
    place: Vec<u32>,
}

/// Backends with their keys and shares of the whole.
fn shares<'a>(backends: &[BackendId], is_by_locality: bool, pool: &'a Pool) -> Vec<(BackendId, &'a str, f64)> {
    let key = |backend: BackendId| pool.member(backend).label("hash_key").unwrap_or(&pool.member(backend).address);
    if !is_by_locality {
        let shares = flat(&backends.iter().map(|&backend| pool.weight(backend)).collect::<Vec<_>>());
        return backends.iter().zip(shares).map(|(&backend, share)| (backend, key(backend), share)).collect();
    }
    let mut ordered = Vec::new();
    let localities: Vec<(f64, Vec<f64>)> = zones(backends, pool, "")
        .into_iter()
        .map(|zone| {
            let of_zone: Vec<BackendId> = backends.iter().copied().filter(|&backend| pool.member(backend).zone == zone).collect();
            let weight = of_zone.first().map_or(0.0, |&backend| locality_weight(pool.member(backend)));
            ordered.extend_from_slice(&of_zone);
            (weight, of_zone.into_iter().map(|backend| pool.weight(backend)).collect())
        })
        .collect();
    let shares = by_locality(&localities);
    ordered.into_iter().zip(shares).filter_map(|(backend, share)| Some((backend, key(backend), share?))).collect()
}

impl Within for Hashing {
    fn rebuild(&mut self, fresh: &Fresh<'_>) {
        let table = |backends: &[BackendId]| {
            let entries = shares(backends, self.by_locality, fresh.pool);
            let lookup = match self.kind {
                TableKind::Ring { least, most, hash } => Lookup::Ring(deal(&entries, least, most.max(least), hash).ring),
                TableKind::Maglev { size } => Lookup::Maglev(Table::of_keys(size, &entries)),
            };
            (lookup, entries.into_iter().map(|(backend, _, share)| (backend, share)).collect())
        };
        self.tables = fresh.cluster.tabled().map(table).collect();
        if let Some(bound) = &mut self.bound {
            bound.place = vec![0; fresh.pool.len()];
            for (_, backends) in &self.tables {
                backends.iter().zip(0..).for_each(|(&(backend, _), place)| bound.place[backend.index()] = place);
            }
            bound.in_flight = (0..fresh.pool.len() as u32).map(|id| fresh.pool.in_flight(BackendId(id))).collect();
            bound.total = bound.in_flight.iter().map(|&count| u64::from(count)).sum();
        }
    }

    #[inline]
    fn draw(&self, request: &Request<'_>, chance: &mut Stream) -> u64 {
        request.key(&mut Digits::default()).map_or_else(|| chance.bits(), |key| xxh64(key, 0))
    }

    #[inline]
    fn pick(&mut self, at: &At<'_>, request: &Request<'_>, pool: &Pool, _: &mut Ctx<'_>) -> Option<BackendId> {
        let (lookup, backends) = &self.tables[at.priority];
        let first = lookup.find(at.draw, request.attempt)?;
        let Some(bound) = &mut self.bound else { return Some(first) };
        let total = total_slots(bound.total, bound.factor);
        let load = |place: u32| {
            let (backend, share) = backends[place as usize];
            overload(u64::from(pool.in_flight(backend)), slots(total, share))
        };
        let place = bound.probe.choose(at.draw, bound.place[first.index()], backends.len() as u32, load);
        Some(backends[place as usize].0)
    }

    fn reweighs(&self) -> bool {
        true
    }

    fn listens(&self) -> Listens {
        if self.bound.is_some() { Listens::COUNTS } else { Listens::NOTHING }
    }

    #[inline]
    fn counted(&mut self, backend: BackendId, pool: &Pool) {
        if let Some(bound) = &mut self.bound {
            let now = pool.in_flight(backend);
            let before = std::mem::replace(&mut bound.in_flight[backend.index()], now);
            bound.total = bound.total + u64::from(now) - u64::from(before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::Pick;
    use crate::balance::testing::Bench;

    fn bench(kind: TableKind, factor: u64, weights: &[f64]) -> Bench {
        let options = Options { overprovisioning: 140.0, panic_threshold: 50.0, fail_on_panic: false, spread: Spread::Even };
        let bound = (factor > 0).then(|| Bound { factor, ..Bound::default() });
        Bench::new(Box::new(Envoy::new(options, Box::new(Hashing { kind, by_locality: false, tables: Vec::new(), bound }))), weights)
    }

    const RING: TableKind = TableKind::Ring { least: 1024, most: 8_388_608, hash: |name| xxh64(name, 0) };

    #[test]
    fn few_keys_of_the_others_move_when_a_backend_goes() {
        // A ring of 5 has 205 points each, one of 4 has 256: a fifth of the points are new, and take keys from the others.
        for (kind, most) in [(RING, 900), (TableKind::Maglev { size: 65_537 }, 300)] {
            let mut bench = bench(kind, 0, &[1.0; 5]);
            let gone = Pick::Backend(BackendId(2));
            let before: Vec<_> = (0..5_000).map(|key| bench.pick_key(key)).collect();
            bench.pool.set_state(BackendId(2), crate::balance::State::Down);
            bench.renew();
            let after: Vec<_> = (0..5_000).map(|key| bench.pick_key(key)).collect();
            let moved = before.iter().zip(&after).filter(|&(before, after)| *before != gone && before != after).count();
            assert!(moved <= most && !after.contains(&gone), "{moved}");
        }
    }

    #[test]
    fn shares_follow_the_weights() {
        let mut bench = bench(TableKind::Maglev { size: 65_537 }, 0, &[3.0, 1.0, 0.0]);
        let heavy = (0..40_000).filter(|&key| bench.pick_key(key) == Pick::Backend(BackendId(0))).count();
        // Binomial(40000, 3/4): five standard deviations are 433.
        assert!(heavy.abs_diff(30_000) < 433, "{heavy}");
    }

    #[test]
    fn a_hot_key_spills_over_with_bounded_load() {
        let mut bench = bench(RING, 150, &[1.0; 4]);
        let mut counts = [0_u32; 4];
        for _ in 0..40 {
            let Pick::Backend(backend) = bench.pick_key(7) else { panic!("somebody is there") };
            bench.pool.sent(backend);
            bench.count(backend.0);
            counts[backend.index()] += 1;
        }
        // 150% of 40 in 4 is 15 slots, and who has all of them taken still accepts one.
        assert!(counts.iter().all(|&count| count <= 16) && counts.iter().filter(|&&count| count > 0).count() > 2, "{counts:?}");
    }
}
