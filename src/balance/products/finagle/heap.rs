//! Finagle's heap: the least loaded of all open backends.
//!
//! **Rule.** The fewest requests in flight; who is not open counts as loaded beyond all others. **Ties.** In Finagle by where in the heap a backend happens
//! to be, with a random place for one that has just become idle; here drawn. **Cost.** O(1). **Where it fails.** As least
//! connections does: one lock for all threads, herds with many instances.

use crate::balance::index::Levels;
use crate::balance::{BackendId, Balancer, Ctx, Listens, Pick, Pool, Request};

/// The rule.
#[derive(Debug, Default)]
pub(super) struct Heap {
    levels: Levels,
}

impl Balancer for Heap {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        let loads: Vec<_> = pool.eligible().iter().map(|&backend| (backend, pool.in_flight(backend))).collect();
        self.levels.rebuild(pool.len(), loads.into_iter());
    }

    #[inline]
    fn pick(&mut self, _: &Request<'_>, _: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        self.levels.least(ctx.chance).map_or(Pick::None, Pick::Backend)
    }

    fn listens(&self) -> Listens {
        Listens::COUNTS
    }

    #[inline]
    fn counted(&mut self, backend: BackendId, pool: &Pool, _: &mut Ctx<'_>) {
        if pool.is_eligible(backend) {
            self.levels.set(backend, pool.in_flight(backend));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing::Bench;

    #[test]
    fn everybody_gets_one_before_anybody_gets_a_second() {
        let mut bench = Bench::new(Box::new(Heap::default()), &[1.0; 4]);
        let mut first: Vec<u32> = (0..4).map(|_| bench.send()).collect();
        first.sort_unstable();
        assert_eq!(first, [0, 1, 2, 3]);
    }
}
