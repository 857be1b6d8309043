//! gRPC's round robin and least request: over whoever is connected.

use super::listed::nobody;
use crate::balance::products::envoy::least_request::n_choices;
use crate::balance::{BackendId, Balancer, Ctx, Pick, Pool, Request};

/// In turn, from a drawn start.
#[derive(Debug, Default)]
pub(super) struct RoundRobin {
    next: u32,
}

impl Balancer for RoundRobin {
    fn members(&mut self, _: &Pool, ctx: &mut Ctx<'_>) {
        self.next = ctx.chance.bits() as u32;
    }

    #[inline]
    fn pick(&mut self, _: &Request<'_>, pool: &Pool, _: &mut Ctx<'_>) -> Pick {
        let n = pool.eligible().len() as u32;
        if n == 0 {
            return nobody(pool);
        }
        // Go counts first and then looks.
        self.next = self.next.wrapping_add(1);
        pool.at((self.next % n) as usize).map_or(Pick::None, Pick::Backend)
    }
}

/// The least loaded of a few drawn.
#[derive(Debug)]
pub(super) struct LeastRequest {
    pub(super) choices: u32,
}

impl Balancer for LeastRequest {
    fn members(&mut self, _: &Pool, _: &mut Ctx<'_>) {}

    #[inline]
    fn pick(&mut self, _: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        let backend = |place| pool.at(place).unwrap_or(BackendId(0));
        let place = n_choices(pool.eligible().len(), self.choices, || ctx.chance.bits(), |place| pool.in_flight(backend(place)));
        place.map_or_else(|| nobody(pool), |place| Pick::Backend(backend(place)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::State;
    use crate::balance::testing::Bench;

    #[test]
    fn turns_go_round_over_who_is_connected() {
        let mut bench = Bench::new(Box::new(RoundRobin::default()), &[1.0; 3]);
        assert_eq!(bench.split(3, 300), [100; 3]);
        bench.pool.set_state(BackendId(1), State::Connecting);
        bench.renew();
        assert_eq!(bench.split(3, 300), [150, 0, 150]);
        [0, 2].into_iter().for_each(|id| bench.pool.set_state(BackendId(id), State::Down));
        assert_eq!(bench.pick_key(1), Pick::Wait);
        bench.pool.set_state(BackendId(1), State::Down);
        assert_eq!(bench.pick_key(1), Pick::None);
    }

    #[test]
    fn of_two_drawn_the_less_loaded_is_taken() {
        let mut bench = Bench::new(Box::new(LeastRequest { choices: 2 }), &[1.0; 2]);
        bench.pool.sent(BackendId(0));
        // Drawn twice: 1/4. Five standard deviations of Binomial(40000, 1/4) are 433.
        assert!(bench.split(2, 40_000)[0].abs_diff(10_000) < 433);
    }
}
