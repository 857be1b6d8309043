//! Late binding: requests wait at the balancer until a backend has room, so that nobody waits behind a slow one while another is free.
//!
//! **Rule.** At most `bound` of this balancer's requests are in flight at a backend. A request goes to the one with the fewest; where all are full it waits here, first come
//! first served. *pull* has a bound of 1: a backend asks for the next request when it has finished one. *jbsq* (join the bounded shortest queue) has 2: the second hides the
//! way there and back. **Ties.** Drawn. **Cost.** O(1). **Who ships it.** Message queues (prefetch), HAProxy (`maxconn` with its queue), R2P2 and nanoPU in hardware.
//! **Where it shines.** Work that varies, backends that differ: with one instance it is nearly a central queue. **Where it fails.** A bound below the workers leaves them idle,
//! and over a long way a bound of 1 leaves a backend idle while the next request travels; with many instances each has its own queue.

use super::index::Levels;
use super::{BackendId, Balancer, Ctx, Law, Listed, Listens, Pick, Pool, Request};
use crate::catalogue::{Entry, Kind, Parameter, Values};

const NO_WEIGHTS: &str = "room counts, not weight";
const BREAKS: &[(Law, &str)] =
    &[(Law::ZeroWeight, NO_WEIGHTS), (Law::Weights, NO_WEIGHTS), (Law::AnswersAtOnce, "a request waits here until a backend has room")];

pub(super) static PULL: Listed = Listed::new(
    Entry {
        name: "pull",
        summary: "requests wait here until a backend has nothing to do",
        text: "At most `bound` requests of this balancer are in flight at a backend; others wait at the balancer, first come first served. O(1) per pick. With one instance, a \
               bound that equals the workers and no network it is a central queue.",
        parameters: &[Parameter::with_default("bound", Kind::Whole(1, 1_000_000), "1", "in flight at each at once; give as many as a backend has workers")],
        reference: "",
    },
    |values| Box::new(LateBinding::new(values)),
)
.breaks(BREAKS);

pub(super) static JBSQ: Listed = Listed::new(
    Entry {
        name: "jbsq",
        summary: "the shortest queue, none longer than a bound; beyond, requests wait here",
        text: "Join the bounded shortest queue: the backend with the fewest in flight, at most `bound` at each; others wait at the balancer. O(1) per pick. The second place hides \
               the way there and back.",
        parameters: &[Parameter::with_default("bound", Kind::Whole(1, 1_000_000), "2", "in flight at each at once; two hide a short way there and back")],
        reference: "M. Kogias et al., R2P2: making RPCs first-class datacenter citizens (2019)",
    },
    |values| Box::new(LateBinding::new(values)),
)
.breaks(BREAKS);

#[derive(Debug)]
struct LateBinding {
    bound: u32,
    levels: Levels,
}

impl LateBinding {
    fn new(values: &Values) -> Self {
        Self { bound: values.whole("bound") as u32, levels: Levels::default() }
    }
}

impl Balancer for LateBinding {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        self.levels.rebuild(pool.len(), pool.eligible().iter().map(|&backend| (backend, pool.in_flight(backend))));
    }

    fn pick(&mut self, _: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        match self.levels.least(ctx.chance) {
            Some(backend) if pool.in_flight(backend) < self.bound => Pick::Backend(backend),
            Some(_) => Pick::Wait,
            None => Pick::None,
        }
    }

    fn listens(&self) -> Listens {
        Listens::COUNTS
    }

    fn counted(&mut self, backend: BackendId, pool: &Pool, _: &mut Ctx<'_>) {
        if pool.is_eligible(backend) {
            self.levels.set(backend, pool.in_flight(backend));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;
    use super::*;

    #[test]
    fn nobody_has_more_than_the_bound() {
        let mut bench = Bench::new(Box::new(LateBinding { bound: 2, levels: Levels::default() }), &[1.0; 3]);
        let mut counts = [0; 3];
        (0..6).for_each(|_| counts[bench.send() as usize] += 1);
        assert_eq!(counts, [2; 3]);
        assert_eq!(bench.pick_key(7), Pick::Wait);
        bench.finish(1);
        assert_eq!(bench.send(), 1);
    }
}
