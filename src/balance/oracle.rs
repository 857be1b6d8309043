//! Oracles: they see what no balancer can, to show how much is left to gain.
//!
//! They look at the fleet itself, at once and exactly, and there is one of each whatever `[tier]` says. *join-shortest-queue* counts the
//! requests at every backend, whoever sent them. *least-work* adds up their work, which nobody knows in real life. *central-queue* does
//! not send at all until a worker is free: one queue for all, the floor that no balancer can beat on equal machines.

use super::index::{MinTree, NEVER, score};
use super::least_connections::{LeastConnections, TIES, Ties};
use super::{BackendId, Balancer, Ctx, Law, Listed, Listens, Pick, Pool, Request, Sees};
use crate::catalogue::{Entry, Values};

pub(super) static SHORTEST_QUEUE: Listed = Listed::new(
    Entry {
        name: "join-shortest-queue",
        summary: "an oracle: the backend with the fewest requests, whoever sent them",
        text: "Least connections over the true number of requests sent to each backend and not yet finished there, without delay and over all \
               instances. O(1) per pick with drawn ties. Not to be had in practice with more than one instance.",
        parameters: &[TIES],
        reference: "F. A. Haight, Two queues in parallel (1958)",
    },
    |values| Box::new(LeastConnections::new(values, Sees::Truth)),
).breaks(&[(Law::ZeroWeight, "it sees the backends themselves, not weights"), (Law::Weights, "it sees the backends themselves, not weights")]);

pub(super) static LEAST_WORK: Listed = Listed::new(
    Entry {
        name: "least-work",
        summary: "an oracle: the backend where a request would have the least work before it",
        text: "The backend whose unfinished work per worker is least; one with a free worker has none before a new request. Ties among those are \
               drawn by default. O(log n) per pick. It knows the work of every request, which nobody does.",
        parameters: &[TIES],
        reference: "",
    },
    |values| Box::new(ByWork::new(values)),
).breaks(&[(Law::ZeroWeight, "it sees the backends themselves, not weights"), (Law::Weights, "it sees the backends themselves, not weights")]);

pub(super) static CENTRAL_QUEUE: Listed = Listed::new(
    Entry {
        name: "central-queue",
        summary: "an oracle: one queue for all, and a request is sent when a worker is free",
        text: "Requests wait in one queue, first come first served, until a worker is free: the fastest free one, drawn on a tie. O(log n) per pick. \
               The floor for equal machines: no balancer that must send at once can beat it.",
        parameters: &[],
        reference: "A. K. Erlang (1917)",
    },
    |_| Box::new(CentralQueue::default()),
).breaks(&[(Law::ZeroWeight, "it sees the backends themselves, not weights"), (Law::Weights, "it sees the backends themselves, not weights"), (Law::AnswersAtOnce, "a request waits until a worker is free")]);

/// Scores are instants from which a request could be served.
#[derive(Debug)]
struct ByWork {
    tree: MinTree,
    ties: Ties,
    last: u32,
}

impl ByWork {
    fn new(values: &Values) -> Self {
        Self { tree: MinTree::default(), ties: Ties::of(values), last: u32::MAX }
    }
}

impl Balancer for ByWork {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        self.tree.rebuild(pool.len(), pool.eligible().iter().map(|&backend| (backend, pool.ready_at(backend))));
    }

    fn pick(&mut self, _: &Request<'_>, _: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        self.ties.choose(&self.tree, &mut self.last, ctx)
    }

    fn listens(&self) -> Listens {
        Listens::COUNTS
    }

    fn counted(&mut self, backend: BackendId, pool: &Pool, _: &mut Ctx<'_>) {
        if pool.is_eligible(backend) {
            self.tree.set(backend, pool.ready_at(backend));
        }
    }

    fn sees(&self) -> Sees {
        Sees::Truth
    }
}

/// Scores are times per work, for backends with a free worker.
#[derive(Debug, Default)]
struct CentralQueue {
    tree: MinTree,
}

impl CentralQueue {
    fn free(backend: BackendId, pool: &Pool) -> u64 {
        let member = pool.member(backend);
        let busy = member.workers.is_some_and(|workers| pool.in_flight(backend) >= workers);
        if busy { NEVER } else { score(1.0 / member.speed) }
    }
}

impl Balancer for CentralQueue {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        self.tree.rebuild(pool.len(), pool.eligible().iter().map(|&backend| (backend, Self::free(backend, pool))));
    }

    fn pick(&mut self, _: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        match self.tree.random(ctx.chance) {
            Some(backend) => Pick::Backend(backend),
            None if pool.eligible().is_empty() => Pick::None,
            None => Pick::Wait,
        }
    }

    fn listens(&self) -> Listens {
        Listens::COUNTS
    }

    fn counted(&mut self, backend: BackendId, pool: &Pool, _: &mut Ctx<'_>) {
        if pool.is_eligible(backend) {
            self.tree.set(backend, Self::free(backend, pool));
        }
    }

    fn sees(&self) -> Sees {
        Sees::Truth
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;
    use super::*;
    use crate::balance::Member;

    #[test]
    fn the_central_queue_sends_only_where_a_worker_is_free() {
        let mut bench = Bench::new(Box::new(CentralQueue::default()), &[1.0; 2]);
        let first = bench.send();
        assert_eq!(bench.send(), 1 - first);
        assert_eq!(bench.pick_key(1), Pick::Wait);
        bench.finish(first);
        assert_eq!(bench.send(), first);
    }

    #[test]
    fn the_central_queue_takes_the_fastest_free_worker() {
        let mut bench = Bench::new(Box::new(CentralQueue::default()), &[1.0; 2]);
        let member = |speed| Member { speed, ..Member::default() };
        bench.pool = Pool::truth(vec![member(1.0), member(2.0)].into());
        bench.renew();
        assert_eq!([bench.send(), bench.send()], [1, 0]);
    }

    #[test]
    fn least_work_goes_where_service_would_begin_first() {
        let mut values = Values::default();
        values.set("ties", crate::catalogue::Value::Text("first".into()));
        let mut bench = Bench::new(Box::new(ByWork::new(&values)), &[1.0; 3]);
        bench.pool = Pool::truth((0..3).map(|_| Member::default()).collect());
        for (id, at) in [(0, 70), (1, 50), (2, 60)] {
            bench.pool.set_ready_at(BackendId(id), at);
        }
        bench.renew();
        assert_eq!(bench.pick(), 1);
        bench.pool.set_ready_at(BackendId(1), 80);
        bench.count(1);
        assert_eq!(bench.pick(), 2);
    }
}
