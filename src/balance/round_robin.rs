//! Round robin: each backend in turn.
//!
//! **Rule.** The next eligible backend after the last one, in the order of the scenario, from the first. **Cost.** O(1). **Ties.** None.
//! **Who ships it.** Everybody; the default of nginx, HAProxy and most libraries. **Where it shines.** Equal machines and equal
//! work: it then equals one queue for all. **Where it fails.** Unequal work or machines: it never looks at who is busy, so a slow
//! backend gets as much as a fast one; and several instances each keep their own turn, which makes the sum nearly random.

use super::{BackendId, Balancer, Ctx, Law, Listed, Pick, Pool, Request};
use crate::catalogue::Entry;

pub(super) static LISTED: Listed = Listed::new(
    Entry {
        name: "round-robin",
        summary: "each backend in turn",
        text: "The next eligible backend after the last one, in the order of the scenario. O(1) per pick. Best where machines and work are \
               equal; blind to everything else.",
        parameters: &[],
        reference: "",
    },
    |_| Box::new(RoundRobin::default()),
)
.breaks(&[(Law::ZeroWeight, "it does not look at weights"), (Law::Weights, "it does not look at weights")]);

/// The rule's memory: whose turn it is.
#[derive(Debug, Default)]
struct RoundRobin {
    next: usize,
}

impl Balancer for RoundRobin {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        // The turn stays with the place in the list, as far as there still is that place.
        if self.next >= pool.eligible().len() {
            self.next = 0;
        }
    }

    #[inline]
    fn pick(&mut self, _: &Request<'_>, pool: &Pool, _: &mut Ctx<'_>) -> Pick {
        let Some(&backend) = pool.eligible().get(self.next) else { return Pick::None };
        self.next += 1;
        if self.next == pool.eligible().len() {
            self.next = 0;
        }
        Pick::Backend(BackendId(backend.0))
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::super::testing::Bench;
    use super::*;

    #[test]
    fn turns_go_round_and_skip_who_is_not_eligible() {
        let mut bench = Bench::new(Box::new(RoundRobin::default()), &[1.0; 3]);
        assert_eq!([bench.pick(), bench.pick(), bench.pick(), bench.pick()], [0, 1, 2, 0]);
        bench.pool.set_state(BackendId(1), State::Down);
        bench.renew();
        assert_eq!([bench.pick(), bench.pick(), bench.pick()], [2, 0, 2]);
        bench.pool.set_state(BackendId(0), State::Down);
        bench.pool.set_state(BackendId(2), State::Down);
        bench.renew();
        assert_eq!(bench.pick_key(0), Pick::None);
    }
}
