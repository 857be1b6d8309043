//! Join idle queue: idle backends queue up at the balancers, and a request goes to the first in the queue.
//!
//! **Rule.** A backend that becomes idle says so to one balancer instance, drawn at random, and waits in its queue. A request goes to the one that has
//! waited longest; if nobody waits, to one drawn. At the start everybody waits at every instance. **Cost.** O(1), and no question is asked while a request
//! waits for its pick. **Who ships it.** A paper's rule, with kin in serverless platforms. **Where it shines.** Many instances: it knows of idle
//! backends what a central queue would. **Where it fails.** High load: nobody is idle, and it is a random balancer. One that was drawn while it waited is busy when its
//! turn comes.

use super::{BackendId, Balancer, Change, Ctx, Law, Listed, Listens, Pick, Pool, Report, Reports, Request};
use crate::catalogue::Entry;
use std::collections::VecDeque;

pub(super) static LISTED: Listed = Listed::new(
    Entry {
        name: "join-idle-queue",
        summary: "the backend that has said longest ago that it is idle, or one drawn",
        text: "Backends that become idle queue up at an instance drawn at random; a request goes to the first in its instance's queue, or, if nobody waits, to one drawn. \
               O(1) per pick. As good as a central queue at low load with many instances; random at high load.",
        parameters: &[],
        reference: "Y. Lu et al., Join-Idle-Queue: a novel load balancing algorithm for dynamically scalable web services (2011)",
    },
    |_| Box::new(JoinIdleQueue::default()),
)
.breaks(&[(Law::ZeroWeight, "it does not look at weights"), (Law::Weights, "it does not look at weights")]);

/// The rule, at one instance.
#[derive(Debug, Default)]
struct JoinIdleQueue {
    queue: IdleQueue,
    /// Who waits here: nobody does twice.
    waits: Vec<bool>,
}

impl JoinIdleQueue {
    fn join(&mut self, backend: BackendId) {
        self.waits.resize(self.waits.len().max(backend.index() + 1), false);
        if !std::mem::replace(&mut self.waits[backend.index()], true) {
            self.queue.join(backend.0);
        }
    }
}

impl Balancer for JoinIdleQueue {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        self.queue.clear();
        self.waits = vec![false; pool.len()];
        let idle: Vec<BackendId> = pool.eligible().iter().copied().filter(|&backend| pool.in_flight(backend) == 0).collect();
        idle.into_iter().for_each(|backend| self.join(backend));
    }

    fn changed(&mut self, backend: BackendId, change: Change, pool: &Pool, _: &mut Ctx<'_>) {
        let has_come = matches!(change, Change::Joined | Change::State(_)) && pool.is_eligible(backend);
        if has_come && pool.in_flight(backend) == 0 {
            self.join(backend);
        }
    }

    #[inline]
    fn pick(&mut self, _: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        let n = pool.eligible().len();
        if n == 0 {
            return Pick::None;
        }
        loop {
            let mut is_drawn = false;
            let draw = || {
                is_drawn = true;
                pool.at(ctx.chance.below(n as u64) as usize).map_or(0, |backend| backend.0)
            };
            let backend = BackendId(self.queue.take(draw));
            if !is_drawn {
                self.waits[backend.index()] = false;
            }
            if pool.is_eligible(backend) {
                return Pick::Backend(backend);
            }
        }
    }

    fn listens(&self) -> Listens {
        Listens { reports: Reports::Idle, ..Listens::NOTHING }
    }

    fn reported(&mut self, backend: BackendId, _: &Report, _: &Pool, _: &mut Ctx<'_>) {
        self.join(backend);
    }
}

/// One dispatcher's queue of backends that have said they are idle.
#[derive(Clone, Debug, Default)]
pub struct IdleQueue {
    waiting: VecDeque<u32>,
}

impl IdleQueue {
    /// A backend has become idle.
    #[inline]
    pub fn join(&mut self, backend: u32) {
        self.waiting.push_back(backend);
    }

    /// Who a job goes to: the one that has been idle longest, or, if nobody is known to be, one that is drawn.
    #[inline]
    pub fn take(&mut self, draw: impl FnOnce() -> u32) -> u32 {
        self.waiting.pop_front().unwrap_or_else(draw)
    }

    /// Who waits, the longest first.
    pub fn waiting(&self) -> impl Iterator<Item = u32> {
        self.waiting.iter().copied()
    }

    /// Nobody waits any more.
    pub fn clear(&mut self) {
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_idle_at_first_and_then_who_says_so() {
        let mut bench = super::super::testing::Bench::new(Box::new(JoinIdleQueue::default()), &[1.0; 3]);
        assert_eq!([bench.send(), bench.send(), bench.send()], [0, 1, 2]);
        let mut chance = crate::random::Stream::new(1);
        for _ in 0..2 {
            let mut ctx = Ctx { now: crate::time::SimTime::ZERO, chance: &mut chance };
            bench.balancer.reported(BackendId(1), &Report::default(), &bench.pool, &mut ctx);
        }
        assert_eq!(bench.pick(), 1);
        assert!(bench.split(3, 300).iter().all(|&count| count > 50));
        bench.pool.set_state(BackendId(2), super::super::State::Down);
        assert_eq!(bench.split(3, 300)[2], 0);
    }

    #[test]
    fn the_longest_idle_goes_first_and_chance_when_nobody_is() {
        let mut queue = IdleQueue::default();
        queue.join(2);
        queue.join(0);
        assert_eq!([queue.take(|| 7), queue.take(|| 7), queue.take(|| 7)], [2, 0, 7]);
    }
}
