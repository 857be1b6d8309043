//! The balancers of both apertures: two choices among the backends that a client uses.
//!
//! **Rule.** Draw two by their weights within the aperture, the second up to five times more to be another; the healthier, then the lower load ÷
//! weight, plain load where weights are all but equal; the first on a tie. Up to `max_effort` times until one is open. A weight of 0 has no
//! part of the circle and is never used. **Cost.** O(log n) per pick: Finagle uses an alias table for the deterministic one.

use super::aperture::LoadBand;
use super::deterministic_aperture::{covered, normalized, offset, used, width};
use super::p2c::{Status, is_second_better};
use crate::balance::two_choices::status;
use crate::balance::{BackendId, Balancer, Change, Completion, Ctx, Listens, Pick, Pool, Request};
use crate::catalogue::{Value, Values};
use crate::random::Stream;
use crate::time::SimTime;
use std::fmt::Debug;

/// The second of a pair is drawn so often again to be another than the first.
const OTHER_TRIES: u32 = 5;

/// Which backends a client uses.
pub(super) trait Aperture: Send + Debug {
    /// Backends and how much they are used, in the order in which they are opened.
    fn order(&mut self, pool: &Pool, chance: &mut Stream) -> Vec<(BackendId, f64)>;

    /// How much of the whole is open, of `n` backends.
    fn open(&self, n: usize) -> f64;

    /// A request has begun or ended.
    fn moved(&mut self, by: i64, now: SimTime);

    /// Whether it goes by load.
    fn is_told(&self) -> bool;
}

/// Two choices within an aperture.
#[derive(Debug)]
pub(super) struct Opened<A> {
    aperture: A,
    tries: u32,
    /// Backends with their share of the whole, and all shares up to theirs.
    backends: Vec<(BackendId, f64, f64)>,
}

impl<A: Aperture> Opened<A> {
    pub(super) fn new(aperture: A, tries: u32) -> Self {
        Self { aperture, tries, backends: Vec::new() }
    }

    #[inline]
    fn draw(&self, chance: &mut Stream) -> usize {
        let at = chance.unit() * self.aperture.open(self.backends.len());
        self.backends.partition_point(|&(_, _, to)| to < at).min(self.backends.len() - 1)
    }

    fn once(&self, pool: &Pool, chance: &mut Stream) -> BackendId {
        let first = self.draw(chance);
        let mut second = first;
        for _ in 0..=OTHER_TRIES {
            second = self.draw(chance);
            if second != first {
                break;
            }
        }
        let ((a, weight_a, _), (b, weight_b, _)) = (self.backends[first], self.backends[second]);
        let (status_a, status_b) = (status(pool.state(a)), status(pool.state(b)));
        let load = |backend| f64::from(pool.in_flight(backend));
        let is_second = status_b < status_a || status_b == status_a && is_second_better((load(a), weight_a), (load(b), weight_b));
        if is_second { b } else { a }
    }
}

impl<A: Aperture> Balancer for Opened<A> {
    fn members(&mut self, pool: &Pool, ctx: &mut Ctx<'_>) {
        let mut to = 0.0;
        let order = self.aperture.order(pool, ctx.chance);
        let total: f64 = order.iter().map(|&(_, share)| share).sum();
        let share = |(backend, share): (BackendId, f64)| {
            to += share / total;
            (backend, share / total, to)
        };
        self.backends = order.into_iter().filter(|&(_, share)| share > 0.0).map(share).collect();
    }

    fn changed(&mut self, _: BackendId, _: Change, pool: &Pool, ctx: &mut Ctx<'_>) {
        self.members(pool, ctx);
    }

    #[inline]
    fn pick(&mut self, _: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        if self.backends.is_empty() {
            return Pick::None;
        }
        let mut chosen = self.once(pool, ctx.chance);
        for _ in 0..self.tries {
            if status(pool.state(chosen)) == Status::Open {
                break;
            }
            chosen = self.once(pool, ctx.chance);
        }
        Pick::Backend(chosen)
    }

    fn listens(&self) -> Listens {
        if self.aperture.is_told() { Listens::ATTEMPTS } else { Listens::NOTHING }
    }

    fn started(&mut self, _: &Request<'_>, _: BackendId, _: &Pool, ctx: &mut Ctx<'_>) {
        self.aperture.moved(1, ctx.now);
    }

    fn finished(&mut self, _: &Completion, _: &Pool, ctx: &mut Ctx<'_>) {
        self.aperture.moved(-1, ctx.now);
    }
}

/// Backends in a random order, open as far as the load needs.
#[derive(Debug)]
pub(super) struct Random {
    band: LoadBand,
    /// Each backend's own random number, by which they are ordered.
    tokens: Vec<u64>,
}

impl Random {
    pub(super) fn new(values: &Values) -> Self {
        let window = values.span("smooth_window").0 as f64;
        let band = LoadBand::new(values.number("low_load"), values.number("high_load"), window, values.whole("min_aperture"), 0);
        Self { band, tokens: Vec::new() }
    }
}

impl Aperture for Random {
    fn order(&mut self, pool: &Pool, chance: &mut Stream) -> Vec<(BackendId, f64)> {
        while self.tokens.len() < pool.len() {
            self.tokens.push(chance.bits());
        }
        let mut order: Vec<_> = pool.present().map(|backend| (backend, pool.weight(backend))).filter(|&(_, weight)| weight > 0.0).collect();
        order.sort_by_key(|&(backend, _)| (status(pool.state(backend)), self.tokens[backend.index()]));
        self.band.resize(order.len() as u64);
        order
    }

    #[inline]
    fn open(&self, n: usize) -> f64 {
        self.band.aperture() as f64 / n as f64
    }

    fn moved(&mut self, by: i64, now: SimTime) {
        self.band.moved(by, now.0 as f64);
    }

    fn is_told(&self) -> bool {
        true
    }
}

/// A client's arc of the circle.
#[derive(Debug)]
pub(super) struct Deterministic {
    instances: u64,
    instance: Option<u64>,
    least: u64,
}

impl Deterministic {
    pub(super) fn new(values: &Values) -> Self {
        let instance = match values.get("instance") {
            Some(Value::Whole(instance)) => Some(*instance),
            _ => None,
        };
        Self { instances: values.whole("instances"), instance, least: values.whole("min_aperture") }
    }
}

impl Aperture for Deterministic {
    fn order(&mut self, pool: &Pool, chance: &mut Stream) -> Vec<(BackendId, f64)> {
        let instance = *self.instance.get_or_insert_with(|| chance.below(self.instances));
        let backends: Vec<BackendId> = pool.present().filter(|&backend| pool.weight(backend) > 0.0).collect();
        let n = backends.len() as u64;
        let (_, width) = width(self.instances, n, self.least.min(n));
        let arcs = normalized(&backends.iter().map(|&backend| pool.weight(backend)).collect::<Vec<_>>());
        let covered = covered(&arcs, offset(instance, self.instances), width);
        used(&covered).into_iter().map(|place| (backends[place], covered[place])).collect()
    }

    fn open(&self, _: usize) -> f64 {
        1.0
    }

    fn moved(&mut self, _: i64, _: SimTime) {}

    fn is_told(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing::Bench;
    use crate::time::Span;

    #[test]
    fn an_idle_client_uses_one_backend_and_a_busy_one_more() {
        let band = LoadBand::new(0.875, 1.125, 0.0, 1, 0);
        let mut bench = Bench::new(Box::new(Opened::new(Random { band, tokens: Vec::new() }, 4)), &[1.0; 8]);
        assert_eq!(bench.split(8, 100).iter().filter(|&&count| count > 0).count(), 1);
        let mut chance = Stream::new(1);
        for _ in 0..6 {
            bench.balancer.started(&Request::default(), BackendId(0), &bench.pool, &mut Ctx { now: SimTime(1), chance: &mut chance });
        }
        assert_eq!(bench.split(8, 1_000).iter().filter(|&&count| count > 0).count(), 6);
        let completion = Completion { request: 1, backend: BackendId(0), ok: true, latency: Span(1) };
        (0..6).for_each(|_| bench.balancer.finished(&completion, &bench.pool, &mut Ctx { now: SimTime(1), chance: &mut chance }));
        assert_eq!(bench.split(8, 100).iter().filter(|&&count| count > 0).count(), 1);
    }

    #[test]
    fn clients_use_neighbouring_arcs() {
        let mut all = vec![0; 30];
        for instance in 0..3 {
            let arc = Deterministic { instances: 3, instance: Some(instance), least: 10 };
            let counts = Bench::new(Box::new(Opened::new(arc, 4)), &[1.0; 30]).split(30, 10_000);
            assert_eq!(counts.iter().filter(|&&count| count > 0).count(), 10);
            counts.iter().zip(&mut all).for_each(|(count, all)| *all += count);
        }
        // Binomial(10000, 1/10) each: five standard deviations are 150.
        assert!(all.iter().all(|count| count.abs_diff(1_000) < 150), "{all:?}");
    }
}
