//! Bounded load: a hash balancer whose backends refuse more than their share.
//!
//! **Rule** (Mirrokni et al.). With m requests in flight, this one counted, a backend of share w takes at most `⌈factor · m · w⌉`. A key goes to the first that can take it, from its own place on: clockwise
//! on a ring, along the slots of a Maglev table. **Cost.** O(1) expected; the nearer `factor` is to 1, the longer the way. **Who ships it.** HAProxy (hash-balance-factor),
//! Google Cloud Pub/Sub, Vimeo's skyfire; Envoy by a rule of its own. **Where it shines.** Hot keys: they spill over to as many neighbours as
//! they need, and cold keys stay. **Where it fails.** A backend's overflow all goes to its neighbours first; several instances each know only their
//! own load.

use super::keyed::By;
use super::maglev::{Table, prime_size};
use super::ring_hash::Ring;
use super::{BackendId, Balancer, Ctx, Law, Listed, Listens, Pick, Pool, Request};
use crate::catalogue::{Entry, Kind, Parameter, Values};

pub(super) static LISTED: Listed = Listed::new(
    Entry {
        name: "bounded-load",
        summary: "a ring or a Maglev table whose backends take at most `factor` times their fair share",
        text: "A key goes to the first backend from its place on that has less than ⌈factor × requests in flight × share⌉ in flight: clockwise on a ring, or along a Maglev table. \
               Hot keys spill over, cold ones stay. O(1) expected per pick.",
        parameters: &[
            Parameter::with_default("over", Kind::Choice(&["ring", "maglev"]), "ring", "the hash balancer below"),
            Parameter::with_default("factor", Kind::Number(1.0, 1e6), "1.25", "times its fair share that a backend takes: nearer to 1 is more even, and moves more keys"),
            Parameter::with_default("points", Kind::Whole(1, 100_000), "160", "points of the ring per unit of weight"),
            Parameter::with_default("table_size", Kind::Whole(2, 5_000_011), "65537", "slots of the table: a prime"),
        ],
        reference: "V. Mirrokni, M. Thorup, M. Zadimoghaddam, Consistent hashing with bounded loads (2018)",
    },
    |values| Box::new(BoundedLoad::new(values)),
)
.checked(|values| prime_size(values.whole("table_size")))
.by_key()
.points_per_weight(160)
.breaks(&[(Law::OnlyOwnKeysMove, "whose keys spill over depends on who has what in flight; in an idle pool a table moves a few")]);

#[derive(Debug)]
enum Over {
    Ring { points: f64, ring: Ring },
    Maglev { size: u64, table: Table },
}

#[derive(Debug)]
struct BoundedLoad {
    over: Over,
    factor: f64,
    /// Each backend's share of the eligible weight.
    shares: Vec<f64>,
    /// What the eligible have in flight, each and together.
    in_flight: Vec<u32>,
    total: u64,
}

impl BoundedLoad {
    fn new(values: &Values) -> Self {
        let over = match values.text("over") {
            "maglev" => Over::Maglev { size: values.whole("table_size"), table: Table::default() },
            _ => Over::Ring { points: values.whole("points") as f64, ring: Ring::default() },
        };
        Self { over, factor: values.number("factor"), shares: Vec::new(), in_flight: Vec::new(), total: 0 }
    }

    /// Whether a backend takes one more.
    #[inline]
    fn takes(&self, backend: BackendId) -> bool {
        let most = (self.factor * (self.total + 1) as f64 * self.shares[backend.index()]).ceil();
        f64::from(self.in_flight[backend.index()]) < most
    }
}

impl Balancer for BoundedLoad {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        let weight: f64 = pool.eligible().iter().map(|&backend| pool.weight(backend)).sum();
        self.shares = vec![0.0; pool.len()];
        self.in_flight = vec![0; pool.len()];
        for &backend in pool.eligible() {
            self.shares[backend.index()] = if weight > 0.0 { pool.weight(backend) / weight } else { 0.0 };
            self.in_flight[backend.index()] = pool.in_flight(backend);
        }
        self.total = self.in_flight.iter().map(|&count| u64::from(count)).sum();
        let weighted = || pool.eligible().iter().map(|&backend| (backend, pool.member(backend).address.as_str(), pool.weight(backend)));
        match &mut self.over {
            Over::Maglev { size, table } => *table = Table::of_keys(*size, &weighted().collect::<Vec<_>>()),
            Over::Ring { points, ring } => *ring = Ring::of(pool, *points),
        }
    }

    #[inline]
    fn pick(&mut self, request: &Request<'_>, _: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        let hash = By::Key.hash(request, ctx);
        let found = match &self.over {
            Over::Ring { ring, .. } => {
                let place = ring.place(hash);
                let mut steps = 0..ring.points().len();
                place.and_then(|place| steps.find_map(|steps| ring.after(place, steps).filter(|&backend| self.takes(backend))))
            }
            Over::Maglev { table, .. } => {
                let n = table.slots().len() as u64;
                let from = hash.checked_rem(n).unwrap_or(0);
                (0..n).find_map(|steps| table.find(from + steps).filter(|&backend| self.takes(backend)))
            }
        };
        found.map_or(Pick::None, Pick::Backend)
    }

    fn listens(&self) -> Listens {
        Listens::COUNTS
    }

    #[inline]
    fn counted(&mut self, backend: BackendId, pool: &Pool, _: &mut Ctx<'_>) {
        if pool.is_eligible(backend) {
            let now = pool.in_flight(backend);
            let before = std::mem::replace(&mut self.in_flight[backend.index()], now);
            self.total = self.total + u64::from(now) - u64::from(before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;
    use super::*;
    use crate::catalogue::Value;
    use crate::random::Stream;

    fn bench(over: &str, factor: f64, weights: &[f64]) -> Bench {
        let mut values = Values::default();
        values.set("over", Value::Text(over.into()));
        values.set("factor", Value::Number(factor));
        values.set("points", Value::Whole(160));
        values.set("table_size", Value::Whole(65_537));
        Bench::new((LISTED.build)(&values), weights)
    }

    #[test]
    fn nobody_ever_has_more_than_its_bound() {
        for over in ["ring", "maglev"] {
            let weights = [3.0, 1.0, 1.0, 2.0, 0.0];
            let mut bench = bench(over, 1.1, &weights);
            let mut chance = Stream::new(4);
            let mut sent = Vec::new();
            for _ in 0..20_000 {
                if !sent.is_empty() && chance.below(100) < 48 {
                    let backend: u32 = sent.swap_remove(chance.below(sent.len() as u64) as usize);
                    bench.finish(backend);
                    continue;
                }
                // A third of the requests are for one key.
                let key = if chance.below(3) == 0 { 1 } else { chance.below(1_000) };
                let Pick::Backend(backend) = bench.pick_key(key) else { panic!("somebody has room") };
                let total = sent.len() as f64 + 1.0;
                bench.pool.sent(backend);
                bench.count(backend.0);
                sent.push(backend.0);
                let most = (1.1 * total * weights[backend.index()] / 7.0).ceil();
                assert!(f64::from(bench.pool.in_flight(backend)) <= most);
            }
        }
    }

    #[test]
    fn an_idle_key_stays_where_its_hash_says() {
        let mut bench = bench("ring", 1.25, &[1.0; 5]);
        let before: Vec<_> = (0..500).map(|key| bench.pick_key(key)).collect();
        assert_eq!(before, (0..500).map(|key| bench.pick_key(key)).collect::<Vec<_>>());
        assert_eq!(self::bench("ring", 1.25, &[]).pick_key(1), Pick::None);
    }
}
