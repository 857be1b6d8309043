//! A pick allocates nothing, whoever picks: what it needs is made when the pool changes.

use evenkeel::balance::{self, BackendId, Balancer, Completion, Ctx, Member, Pick, Pool, Report, Reports, Request, Sees};
use evenkeel::random::Stream;
use evenkeel::scenario;
use evenkeel::time::{SimTime, Span};

/// A balancer whose requests end in order, twenty in flight.
struct Steady {
    balancer: Box<dyn Balancer>,
    pool: Pool,
    chance: Stream,
    flying: [Option<(u64, BackendId)>; 20],
    number: u64,
}

impl Steady {
    /// One request more; the one before the last twenty ends. Whether the pick alone allocated.
    fn step(&mut self) -> u64 {
        self.number += 1;
        let slot = (self.number % 20) as usize;
        self.end(slot);
        let request = Request { id: self.number, key: self.number % 700, client: (self.number % 300) as u32, ..Request::default() };
        let now = SimTime(self.number * 1_000_000);
        let (balancer, pool, chance) = (&mut self.balancer, &self.pool, &mut self.chance);
        let mut pick = Pick::None;
        let allocated = allocation_counter::measure(|| pick = balancer.pick(&request, pool, &mut Ctx { now, chance })).count_total;
        match pick {
            Pick::Backend(backend) => {
                self.pool.sent(backend);
                self.counted(backend);
                if self.balancer.listens().attempts {
                    self.balancer.started(&request, backend, &self.pool, &mut Ctx { now, chance: &mut self.chance });
                }
                self.flying[slot] = Some((self.number, backend));
            }
            // The balancer may hold it: then it goes away.
            Pick::Wait | Pick::None => self.balancer.ended(self.number),
        }
        allocated
    }

    fn end(&mut self, slot: usize) {
        let Some((request, backend)) = self.flying[slot].take() else { return };
        let now = SimTime(self.number * 1_000_000);
        self.pool.ended(backend);
        self.counted(backend);
        let listens = self.balancer.listens();
        if listens.reports != Reports::Never {
            let report = Report { rps: 50.0, utilization: 0.4, in_flight: 2, latency: Span(2_000_000), ..Report::default() };
            self.balancer.reported(backend, &report, &self.pool, &mut Ctx { now, chance: &mut self.chance });
        }
        if listens.attempts {
            let completion = Completion { request, backend, ok: true, latency: Span(2_000_000) };
            self.balancer.finished(&completion, &self.pool, &mut Ctx { now, chance: &mut self.chance });
            self.balancer.ended(request);
        }
    }

    fn counted(&mut self, backend: BackendId) {
        if self.balancer.listens().counts {
            let mut ctx = Ctx { now: SimTime(self.number * 1_000_000), chance: &mut self.chance };
            self.balancer.counted(backend, &self.pool, &mut ctx);
        }
    }
}

#[test]
fn a_pick_allocates_nothing() {
    let mut wrong = Vec::new();
    for listed in balance::listed().into_iter().filter(|listed| scenario::needed(&listed.entry).is_none()) {
        let members: Vec<Member> = (1..=30).map(|n| Member::new(format!("10.0.0.{n}:80")).weight(f64::from(1 + n % 3))).collect();
        let balancer = (listed.build)(&scenario::defaults(&listed.entry));
        let pool = if balancer.sees() == Sees::Truth { Pool::truth(members.into()) } else { Pool::new(members.into()) };
        let mut steady = Steady { balancer, pool, chance: Stream::new(3), flying: [None; 20], number: 0 };
        steady.balancer.members(&steady.pool, &mut Ctx { now: SimTime::ZERO, chance: &mut steady.chance });
        // Room that grows with what is in flight has grown by then.
        (0..3_000).for_each(|_| _ = steady.step());
        let allocations: u64 = (0..3_000).map(|_| steady.step()).sum();
        if allocations > 0 {
            wrong.push(format!("{}: {allocations} allocations in 3000 picks", listed.entry.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_counter_counts() {
    assert!(allocation_counter::measure(|| drop(std::hint::black_box(vec![1_u8; 100]))).count_total > 0);
}
