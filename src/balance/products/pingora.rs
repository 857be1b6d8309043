//! Cloudflare Pingora's `pingora-load-balancing` 0.9.1: four selections, and one way to fail over.
//!
//! **Rule.** Backends stand in the order of their addresses. A selection is an endless walk over them; the first that is up and was not seen is taken,
//! within `max_iterations` steps. Weighted selections draw a number: the first modulo the total weight, among backends repeated by weight (blocks: a a a b b c);
//! every further one modulo the number of backends, without weights. The number is a shared counter for `pingora/round-robin`, so that who is skipped
//! uses up turns of others; chance for `pingora/random`; FNV-1a of the key for `pingora/fnv-hash`, and of the last number's eight bytes thereafter.
//! `pingora/ketama` walks nginx's ring from point to point. **Cost.** O(log n), a step more for everybody who is down. **Where it fails.** Blocks are not
//! smooth; failing over ignores weights, and the counter that all share makes it uneven.

use super::nginx::{POINTS_PER_WEIGHT, points_of};
use super::whole;
use crate::balance::hash::{crc32, fnv1a_64};
use crate::balance::{BackendId, Balancer, Change, Ctx, Digits, Law, Listed, Pick, Pool, Request};
use crate::catalogue::{Entry, Kind, Parameter};
use crate::random::Stream;
use std::fmt::Debug;
use std::net::SocketAddr;

pub(in crate::balance) const LISTED: &[&Listed] = &[&ROUND_ROBIN, &RANDOM, &FNV_HASH, &KETAMA];

const PARAMETERS: &[Parameter] = &[Parameter::with_default(
    "max_iterations",
    Kind::Whole(1, 1_000_000),
    "256",
    "steps of the walk until no backend is found; 256 is what Pingora's own examples ask for",
)];

/// The backends, in the order of their addresses.
#[derive(Debug, Default)]
struct Sorted {
    backends: Vec<BackendId>,
    /// Where the weights end, added up in order.
    ends: Vec<u64>,
    /// In which walk each was seen last.
    seen: Vec<u64>,
    walk: u64,
}

impl Sorted {
    fn rebuild(&mut self, pool: &Pool) {
        self.backends = pool.present().filter(|&backend| whole(pool.weight(backend)) > 0).collect();
        let address = |backend: BackendId| {
            let text = pool.member(backend).address.as_str();
            (text.parse::<SocketAddr>().map_err(|_| ()), text)
        };
        // Who has no address proper comes last, as a path would.
        self.backends.sort_by(|&a, &b| {
            let ((a, a_text), (b, b_text)) = (address(a), address(b));
            a.is_err().cmp(&b.is_err()).then_with(|| a.ok().cmp(&b.ok())).then_with(|| a_text.cmp(b_text))
        });
        let mut sum = 0;
        self.ends.clear();
        for &backend in &self.backends {
            sum += u64::from(whole(pool.weight(backend)));
            self.ends.push(sum);
        }
        self.seen = vec![0; self.backends.len()];
        self.walk = 0;
    }

    fn total(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }
}

/// An endless walk over places of backends.
trait Walk: Debug + Send {
    fn rebuild(&mut self, sorted: &Sorted, pool: &Pool);
    /// Begins a walk, and says its first place. There is a backend.
    fn begin(&mut self, key: &[u8], sorted: &Sorted, chance: &mut Stream) -> usize;
    fn go_on(&mut self, sorted: &Sorted, chance: &mut Stream) -> usize;
}

/// Numbers, and what they mean.
#[derive(Debug)]
struct Weighted {
    numbers: Numbers,
    last: u64,
}

#[derive(Debug)]
enum Numbers {
    Counter(u64),
    Chance,
    Fnv,
}

impl Weighted {
    fn number(&mut self, bytes: &[u8], chance: &mut Stream) -> u64 {
        match &mut self.numbers {
            Numbers::Counter(next) => {
                *next = next.wrapping_add(1);
                next.wrapping_sub(1)
            }
            Numbers::Chance => chance.bits(),
            Numbers::Fnv => fnv1a_64(&[bytes]),
        }
    }
}

impl Walk for Weighted {
    fn rebuild(&mut self, _: &Sorted, _: &Pool) {
        if let Numbers::Counter(next) = &mut self.numbers {
            *next = 0;
        }
    }

    fn begin(&mut self, key: &[u8], sorted: &Sorted, chance: &mut Stream) -> usize {
        self.last = self.number(key, chance);
        let share = self.last % sorted.total();
        sorted.ends.partition_point(|&end| end <= share)
    }

    fn go_on(&mut self, sorted: &Sorted, chance: &mut Stream) -> usize {
        self.last = self.number(&self.last.to_le_bytes(), chance);
        (self.last % sorted.backends.len() as u64) as usize
    }
}

/// nginx's ring.
#[derive(Debug, Default)]
struct Ketama {
    /// Where points stand and whose they are, ascending.
    points: Vec<(u32, u32)>,
    at: usize,
}

impl Walk for Ketama {
    fn rebuild(&mut self, sorted: &Sorted, pool: &Pool) {
        self.points.clear();
        for (place, &backend) in sorted.backends.iter().enumerate() {
            let (address, weight) = (pool.member(backend).address.as_str(), whole(pool.weight(backend)));
            let (host, port) = match address.parse::<SocketAddr>() {
                Ok(address) => (address.ip().to_string(), address.port().to_string()),
                Err(_) => (address.to_owned(), String::new()),
            };
            points_of(&host, &port, weight, |point| self.points.push((point, place as u32)));
        }
        self.points.sort_by_key(|&(point, _)| point);
        self.points.dedup_by_key(|&mut (point, _)| point);
    }

    fn begin(&mut self, key: &[u8], _: &Sorted, _: &mut Stream) -> usize {
        let hash = crc32(key);
        self.at = self.points.partition_point(|&(point, _)| point < hash) % self.points.len();
        self.points[self.at].1 as usize
    }

    fn go_on(&mut self, _: &Sorted, _: &mut Stream) -> usize {
        self.at = (self.at + 1) % self.points.len();
        self.points[self.at].1 as usize
    }
}

#[derive(Debug)]
struct Pingora<W> {
    walk: W,
    sorted: Sorted,
    max_iterations: u64,
}

impl<W: Walk> Pingora<W> {
    /// The first on the walk that is up and was not seen; the walk makes its next step before it is ended.
    #[cold]
    fn fail_over(&mut self, first: usize, pool: &Pool, chance: &mut Stream) -> Pick {
        self.sorted.walk += 1;
        let mut place = first;
        for _ in 0..self.max_iterations {
            let backend = self.sorted.backends[place];
            if std::mem::replace(&mut self.sorted.seen[place], self.sorted.walk) != self.sorted.walk && pool.is_eligible(backend) {
                return Pick::Backend(backend);
            }
            place = self.walk.go_on(&self.sorted, chance);
        }
        Pick::None
    }
}

impl<W: Walk> Balancer for Pingora<W> {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        self.sorted.rebuild(pool);
        self.walk.rebuild(&self.sorted, pool);
    }

    /// Health is looked at in every pick; anything else is a new selection.
    fn changed(&mut self, _: BackendId, change: Change, pool: &Pool, ctx: &mut Ctx<'_>) {
        if !matches!(change, Change::State(_)) {
            self.members(pool, ctx);
        }
    }

    #[inline]
    fn pick(&mut self, request: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        if self.sorted.backends.is_empty() {
            return Pick::None;
        }
        let mut room = Digits::default();
        let first = self.walk.begin(request.key(&mut room).unwrap_or_default(), &self.sorted, ctx.chance);
        let backend = self.sorted.backends[first];
        if pool.is_eligible(backend) { Pick::Backend(backend) } else { self.fail_over(first, pool, ctx.chance) }
    }
}

const PRODUCT: &str = "Pingora 0.9.1";

const fn entry(name: &'static str, summary: &'static str, text: &'static str, reference: &'static str) -> Entry {
    Entry { name, summary, text, parameters: PARAMETERS, reference }
}

static ROUND_ROBIN: Listed = Listed::new(
    entry(
        "pingora/round-robin",
        "Pingora's RoundRobin: a counter over backends repeated by weight",
        "Blocks in the order of addresses: a a a b b c. Who is down is stepped over by the same counter, among all backends without weights. O(log n) per pick.",
        "cloudflare/pingora, pingora-load-balancing/src/selection/weighted.rs",
    ),
    |values| {
        let walk = Weighted { numbers: Numbers::Counter(0), last: 0 };
        Box::new(Pingora { walk, sorted: Sorted::default(), max_iterations: values.whole("max_iterations") })
    },
)
.of(PRODUCT)
.whole_weights(1, 1_000_000);

static RANDOM: Listed = Listed::new(
    entry(
        "pingora/random",
        "Pingora's Random: drawn in proportion to weight",
        "A draw in proportion to weight; where that backend is down, draws without weights until one is up. O(log n) per pick.",
        "cloudflare/pingora, pingora-load-balancing/src/selection/weighted.rs",
    ),
    |values| {
        let walk = Weighted { numbers: Numbers::Chance, last: 0 };
        Box::new(Pingora { walk, sorted: Sorted::default(), max_iterations: values.whole("max_iterations") })
    },
)
.of(PRODUCT)
.whole_weights(1, 1_000_000);

static FNV_HASH: Listed = Listed::new(
    entry(
        "pingora/fnv-hash",
        "Pingora's FNVHash: FNV-1a of the key, modulo the total weight",
        "The key's FNV-1a modulo the total weight; where that backend is down, the number is hashed again, modulo the number of backends. O(log n) per \
         pick. Another total moves nearly all keys.",
        "cloudflare/pingora, pingora-load-balancing/src/selection/weighted.rs",
    ),
    |values| {
        let walk = Weighted { numbers: Numbers::Fnv, last: 0 };
        Box::new(Pingora { walk, sorted: Sorted::default(), max_iterations: values.whole("max_iterations") })
    },
)
.of(PRODUCT)
.by_key()
.whole_weights(1, 1_000_000)
.breaks(&[(Law::OnlyOwnKeysMove, "the key's number is taken modulo the total weight, so another total moves nearly all keys")]);

static KETAMA: Listed = Listed::new(
    entry(
        "pingora/ketama",
        "Pingora's Consistent: nginx's ketama ring",
        "160 points for each unit of weight at nginx's CRC-32s; where a backend is down, the points that follow. O(log points) per pick.",
        "cloudflare/pingora, pingora-ketama/src/lib.rs",
    ),
    |values| Box::new(Pingora { walk: Ketama::default(), sorted: Sorted::default(), max_iterations: values.whole("max_iterations") }),
)
.of(PRODUCT)
.by_key()
.whole_weights(1, 1_000_000)
.points_per_weight(POINTS_PER_WEIGHT);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::State;
    use crate::balance::testing::Bench;

    fn bench<W: Walk + 'static>(walk: W, weights: &[f64]) -> Bench {
        Bench::new(Box::new(Pingora { walk, sorted: Sorted::default(), max_iterations: 256 }), weights)
    }

    #[test]
    fn turns_are_blocks_in_the_order_of_addresses_and_who_is_down_uses_up_turns() {
        let mut bench = bench(Weighted { numbers: Numbers::Counter(0), last: 0 }, &[3.0, 2.0, 1.0]);
        assert_eq!((0..7).map(|_| bench.pick()).collect::<Vec<_>>(), [0, 0, 0, 1, 1, 2, 0]);
        bench.pool.set_state(BackendId(0), State::Down);
        assert_eq!((0..3).map(|_| bench.pick()).collect::<Vec<_>>(), [2, 1, 1]);
    }

    #[test]
    fn where_all_are_down_the_walk_ends() {
        let mut bench = bench(Ketama::default(), &[1.0; 2]);
        (0..2).for_each(|at| bench.pool.set_state(BackendId(at), State::Down));
        assert_eq!(bench.pick_key(1), Pick::None);
    }
}
