//! What several products do alike: draws without weights, turns, and smooth turns of doubles.

use crate::balance::{BackendId, Balancer, Ctx, Pick, Pool, Request};

/// Any of the eligible.
#[derive(Debug)]
pub(super) struct Uniform;

impl Balancer for Uniform {
    fn members(&mut self, _: &Pool, _: &mut Ctx<'_>) {}

    #[inline]
    fn pick(&mut self, _: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        let place = ctx.chance.below(pool.eligible().len() as u64) as usize;
        pool.at(place).map_or(Pick::None, Pick::Backend)
    }
}

/// A counter over the eligible, from a random start.
#[derive(Debug)]
pub(super) struct Turns {
    /// The start is drawn below this.
    start_below: u64,
    /// Whether a single backend leaves the counter alone.
    spares_single: bool,
    counter: Option<u32>,
}

impl Turns {
    pub(super) fn new(start_below: u64, spares_single: bool) -> Self {
        Self { start_below, spares_single, counter: None }
    }
}

impl Balancer for Turns {
    fn members(&mut self, _: &Pool, ctx: &mut Ctx<'_>) {
        self.counter.get_or_insert_with(|| ctx.chance.below(self.start_below) as u32);
    }

    #[inline]
    fn pick(&mut self, _: &Request<'_>, pool: &Pool, _: &mut Ctx<'_>) -> Pick {
        let n = pool.eligible().len();
        if n == 0 || n == 1 && self.spares_single {
            return pool.at(0).map_or(Pick::None, Pick::Backend);
        }
        let next = self.counter.unwrap_or(0).wrapping_add(1) & 0x7fff_ffff;
        self.counter = Some(next);
        pool.at(next as usize % n).map_or(Pick::None, Pick::Backend)
    }
}

/// A smooth weighted turn in doubles among these: each gains its weight, the first of the richest is taken and pays what all have gained.
pub(super) fn smooth(credits: &mut [f64], weighted: impl Iterator<Item = (BackendId, f64)>) -> Option<BackendId> {
    let (mut best, mut richest, mut total) = (None, f64::NEG_INFINITY, 0.0);
    for (backend, weight) in weighted {
        total += weight;
        let credit = &mut credits[backend.index()];
        *credit += weight;
        if *credit > richest {
            (best, richest) = (Some(backend), *credit);
        }
    }
    credits[best?.index()] = richest - total;
    best
}
