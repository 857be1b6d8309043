//! First: always the same one, until it cannot.
//!
//! **Rule.** The eligible backend of the lowest priority number, the first of the list among those. **Cost.** O(1). **Who ships it.** gRPC's `pick_first`, Caddy's `first`,
//! HAProxy's `first` (which goes on to the next when one is full). **Where it shines.** A primary and its standby. **Where it fails.** It does not balance.

use super::{BackendId, Balancer, Ctx, Law, Listed, Pick, Pool, Request};
use crate::catalogue::Entry;

pub(super) static LISTED: Listed = Listed::new(
    Entry {
        name: "first",
        summary: "the first that is eligible, by priority",
        text: "The eligible backend of the lowest `priority`, the first of the list among those, gets everything: a primary with standbys. O(1) per pick.",
        parameters: &[],
        reference: "",
    },
    |_| Box::new(First { chosen: None }),
)
.breaks(&[(Law::ZeroWeight, "it goes by priority and place, not by weight"), (Law::Weights, "one backend gets everything")]);

#[derive(Debug)]
struct First {
    chosen: Option<BackendId>,
}

impl Balancer for First {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        self.chosen = pool.eligible().iter().copied().min_by_key(|&backend| (pool.member(backend).priority, backend));
    }

    fn pick(&mut self, _: &Request<'_>, _: &Pool, _: &mut Ctx<'_>) -> Pick {
        self.chosen.map_or(Pick::None, Pick::Backend)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;
    use super::super::{Member, State};
    use super::*;

    #[test]
    fn priority_goes_before_place() {
        let mut bench = Bench::new(Box::new(First { chosen: None }), &[]);
        bench.pool = Pool::new([1, 0, 0].map(|priority| Member { priority, ..Member::default() }).into());
        bench.renew();
        assert_eq!(bench.pick(), 1);
        bench.pool.set_state(BackendId(1), State::Down);
        bench.renew();
        assert_eq!(bench.pick(), 2);
    }
}
