//! Whole random scenarios, and what must hold in each of them.

use super::trace::{only, plan, record, trace};
use crate::world::{Extend, balancer, group, scenario, text};
use evenkeel::catalogue::Value;
use evenkeel::dist::Dist;
use evenkeel::scenario::{
    Assign, Balancer, BatchSize, Cache, Clients, Discipline, Group, Intensity, Keys, Length, Link, MmppState, Picks, Process, Scenario,
    Shape, Tier, View, Warmup,
};
use evenkeel::time::{Rate, Span};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// So many cases, always the same.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20_261_121),
        max_shrink_iters: 500,
        ..ProptestConfig::default()
    }
}

/// Microseconds.
const US: f64 = 1e3;

/// A distribution whose mean is about this many microseconds.
pub(crate) fn dists(about: f64) -> impl Strategy<Value = Dist> {
    let mean = (0.1 * about..2.0 * about).prop_map(|mean| mean * US);
    prop_oneof![
        mean.clone().prop_map(|value| Dist::Constant(value.round())),
        mean.clone().prop_map(|mean| Dist::Exponential { mean }),
        mean.clone().prop_map(|mean| Dist::Uniform { min: 0.5 * mean, max: 1.5 * mean }),
        (1..6_u32, mean.clone()).prop_map(|(k, mean)| Dist::Erlang { k, mean }),
        (0.2..3.0, mean.clone()).prop_map(|(cv, mean)| Dist::Gamma { mean, cv }),
        mean.clone().prop_map(|mean| Dist::Hyperexponential { parts: vec![(0.9, 0.5 * mean), (0.1, 5.5 * mean)] }),
        (0.1..1.5, mean.clone()).prop_map(|(sigma, mean): (f64, f64)| Dist::Lognormal { mu: libm::log(mean) - sigma * sigma / 2.0, sigma }),
        mean.clone().prop_map(|mean| Dist::Normal { mean, stddev: mean }),
        (1.2..4.0, mean.clone()).prop_map(|(alpha, mean)| Dist::Pareto { alpha, min: mean / 3.0, max: Some(30.0 * mean) }),
        (0.5..3.0, mean).prop_map(|(shape, mean)| Dist::Weibull { shape, mean }),
        Just(Dist::Constant(0.0)),
    ]
}

fn sizes() -> impl Strategy<Value = BatchSize> {
    prop_oneof![
        (1..6_u64).prop_map(BatchSize::Fixed),
        (1.0..5.0).prop_map(BatchSize::Geometric),
        (1..3_u64, 3..6_u64).prop_map(|(min, max)| BatchSize::Uniform(min, max))
    ]
}

/// Arrivals that do not wait for answers: about one every 100 µs.
fn open() -> impl Strategy<Value = (Process, Option<Intensity>)> {
    let rate = (2_000.0..20_000.0).prop_map(|rate| Some(Intensity::Rate(Rate::per_second(rate).expect("in range"))));
    let stay = (1..50_u64).prop_map(|ms| Span(ms * 1_000_000));
    let state = (0.0..20_000.0, stay).prop_map(|(rate, mean_stay)| MmppState { rate, mean_stay });
    prop_oneof![
        (Just(Process::Poisson), rate.clone()),
        (Just(Process::Constant), rate.clone()),
        (dists(100.0).prop_filter("time must pass", |gap| gap.mean() > 0.0).prop_map(|gap| Process::Renewal { gap }), rate.clone()),
        (prop::collection::vec(state, 2..4), rate.clone()).prop_map(|(mut states, rate)| {
            states[0].rate += 100.0;
            (Process::Mmpp { states }, rate)
        }),
        (dists(5_000.0), dists(5_000.0), 0.0..0.5, rate.clone()).prop_map(|(on, off, off_factor, rate)| {
            let above = |dist: Dist| if dist.mean() > 0.0 { dist } else { Dist::Exponential { mean: 5e6 } };
            (Process::OnOff { on: above(on), off: above(off), off_factor }, rate)
        }),
        (sizes().prop_map(|size| Process::Batch { size }), rate),
    ]
}

fn closed() -> impl Strategy<Value = (Process, Option<Intensity>)> {
    (1..40_u32, dists(1_000.0)).prop_map(|(clients, think)| {
        // Thinking takes some time, else zero work would go round without end.
        let think = if think.mean() > 0.0 { think } else { Dist::Constant(1_000.0) };
        (Process::Closed { clients, think }, None)
    })
}

fn shapes() -> impl Strategy<Value = Shape> {
    prop_oneof![
        4 => Just(Shape::Flat),
        1 => (0.0..1.0).prop_map(|amplitude| Shape::Wave { amplitude, period: Span(50_000_000) }),
        1 => Just(Shape::Ramp { from: 0.2, to: 2.0, over: Span(100_000_000) }),
        1 => Just(Shape::Spike { at: Span(20_000_000), lasts: Span(20_000_000), factor: 5.0 }),
        1 => Just(Shape::Steps(vec![(Span(10_000_000), 2.0), (Span(50_000_000), 0.5)])),
    ]
}

fn groups() -> impl Strategy<Value = Group> {
    let discipline = prop_oneof![3 => Just(Discipline::Fifo), 1 => Just(Discipline::Lifo), 1 => Just(Discipline::ProcessorSharing), 1 => Just(Discipline::Priority)];
    let workers = prop_oneof![3 => Just(Some(1)), 2 => (2..5_u32).prop_map(Some), 1 => Just(None)];
    let queue = prop_oneof![3 => Just(None), 1 => (0..4_u64).prop_map(Some)];
    let network = prop_oneof![2 => Just(Dist::Constant(0.0)), 1 => dists(50.0)];
    let cache = prop_oneof![3 => Just(None), 1 => (1..50_u64, 0.0..1.0).prop_map(|(keys, hit)| Some(Cache { keys, hit }))];
    let zone = prop_oneof![Just(None), Just(Some("a".to_owned())), Just(Some("b".to_owned()))];
    let numbers = (1..5_u32, prop_oneof![Just(1.0), 0.3..3.0], prop_oneof![Just(1.0), 0.0..5.0], 0..20_000_u64);
    (numbers, discipline, workers, queue, network, cache, zone).prop_map(
        |((count, speed, weight, per_in_flight), discipline, workers, queue, network, cache, zone)| Group {
            speed,
            told: evenkeel::balance::Member::default().weight(weight),
            discipline,
            workers,
            queue,
            network,
            cache,
            zone,
            per_in_flight: Span(per_in_flight / 10_000 * 1_000),
            ..group(count)
        },
    )
}

fn tiers() -> impl Strategy<Value = Tier> {
    let assign = prop_oneof![Just(Assign::Random), Just(Assign::Client)];
    let picks = prop_oneof![3 => Just(Picks::Request), 1 => Just(Picks::Connection)];
    let view = prop_oneof![Just(View::Own), Just(View::Shared)];
    let refresh = prop_oneof![2 => Just(0), 1 => 1_000..5_000_000_u64];
    (
        prop_oneof![2 => Just(1), 1 => 2..6_u32],
        assign,
        picks,
        view,
        refresh,
        any::<bool>(),
        prop_oneof![Just(None), Just(Some("a".to_owned()))],
    )
        .prop_map(|(instances, assign, picks, view, refresh, adds_own, zone)| Tier {
            instances,
            assign,
            picks,
            view,
            refresh: Span(refresh),
            adds_own,
            zone,
        })
}

/// Every kind, with its variants.
pub(crate) fn every_balancer() -> Vec<Balancer> {
    let flag = Value::Bool;
    vec![
        balancer("round-robin", &[]),
        balancer("weighted-round-robin", &[]),
        balancer("random", &[]),
        balancer("weighted-random", &[]),
        balancer("least-connections", &[]),
        balancer("least-connections", &[("ties", text("first"))]),
        balancer("least-connections", &[("ties", text("round-robin")), ("weighted", flag(true))]),
        balancer("power-of-d", &[]),
        balancer("power-of-d", &[("choices", Value::Whole(3)), ("distinct", flag(false))]),
        balancer("power-of-d", &[("choices", Value::Whole(3))]),
        balancer("ring-hash", &[("points", Value::Whole(20))]),
        balancer("join-shortest-queue", &[]),
        balancer("least-work", &[]),
        balancer("central-queue", &[]),
    ]
}

fn fleets() -> impl Strategy<Value = Vec<Group>> {
    prop::collection::vec(groups(), 1..4).prop_map(|mut groups| {
        // Somebody must have a weight, else weighted balancers have nobody to send to.
        groups[0].told.weight = groups[0].told.weight.max(0.5);
        groups
    })
}

/// A whole scenario, with the given kind of arrivals and every balancer.
fn worlds(arrivals: impl Strategy<Value = (Process, Option<Intensity>)>) -> impl Strategy<Value = Scenario> {
    let keys = prop_oneof![
        Just(None),
        (1..1000_u64, prop_oneof![Just(0.0), 0.5..1.5]).prop_map(|(count, exponent)| Some(Keys { count, exponent }))
    ];
    let connections = (1..50_u32, 1..4_u32, prop_oneof![Just(None), (1..20_u32).prop_map(Some)]);
    let clients = prop_oneof![
        Just(None),
        connections.prop_map(|(count, connections, requests_per_connection)| Some(Clients { count, connections, requests_per_connection }))
    ];
    let link = prop_oneof![Just(Vec::new()), dists(100.0).prop_map(|delay| vec![Link { from: "a".into(), to: "b".into(), delay }])];
    let second = prop_oneof![2 => Just(None), 1 => dists(100.0).prop_map(Some)];
    (arrivals, dists(200.0), fleets(), tiers(), keys, clients, (link, shapes(), second), any::<u64>()).prop_map(
        |((process, rate), work, groups, tier, keys, clients, (links, shape, second), seed)| {
            let is_closed = matches!(process, Process::Closed { .. });
            let mut world = scenario(process, rate, work).on(groups);
            (world.tier, world.links, world.run.seed, world.balancers) = (tier, links, seed, every_balancer());
            (world.run.length, world.run.warmup) = (Length::Requests(2_000), Warmup::Share(0.1));
            let traffic = &mut world.traffic[0];
            (traffic.keys, traffic.zone) = (keys, Some("a".into()));
            if !is_closed {
                (traffic.clients, traffic.arrivals.shape) = (clients, shape);
            }
            if let Some(work) = second {
                let mut more = world.traffic[0].clone();
                more.name = "urgent".into();
                (more.work, more.priority) = (work, -1);
                world.traffic.push(more);
            }
            world
        },
    )
}

proptest! {
    #![proptest_config(cases(700))]

    /// The engine's own books are checked at the end of every run: conservation, Little's law to the nanosecond, work. Here they are, over everything.
    #[test]
    fn every_random_scenario_keeps_its_books_and_repeats_itself(world in worlds(prop_oneof![3 => open().boxed(), 1 => closed().boxed()]), pick in 0..14_usize) {
        let one = record(&world, pick, 1);
        prop_assert_eq!(one.offered, one.succeeded + one.failed + one.unfinished);
        prop_assert_eq!(one.failed, one.failures.iter().sum::<u64>());
        prop_assert_eq!(one.latency.count(), one.succeeded);
        prop_assert!(one.latency.min() >= one.wait.min());
        let again = record(&world, pick, 1);
        prop_assert_eq!(one.fingerprint, again.fingerprint);
        prop_assert_eq!(&one.latency, &again.latency);
    }
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn a_bounded_queue_never_holds_more_than_it_may(world in worlds(open()), pick in 0..14_usize) {
        let mut world = only(&world, every_balancer()[pick].clone());
        world.backends.iter_mut().for_each(|group| (group.network, group.zone) = (Dist::Constant(0.0), None));
        let trace = trace(&world);
        let rooms = plan(&world).groups.iter().flat_map(|group| {
            let room = group.queue.and_then(|queue| Some(queue + u64::from(group.workers?)));
            std::iter::repeat_n(room, group.count as usize)
        }).collect::<Vec<_>>();
        for (most, room) in trace.most_present.iter().zip(rooms) {
            prop_assert!(room.is_none_or(|room| *most <= room), "{most} of {room:?}");
        }
    }

    /// Arrivals, keys and clients are the same (and works: the latencies where nobody waits) whatever is decided, and whatever there is to decide between.
    #[test]
    fn every_balancer_and_every_fleet_meets_the_same_requests(world in worlds(open()), fleet in fleets()) {
        let all = every_balancer();
        let first = trace(&only(&world, all[0].clone())).brought;
        let mut unlimited = world.clone();
        unlimited.backends.iter_mut().for_each(|group| (group.speed, group.per_in_flight, group.cache, group.queue) = (1.0, Span::ZERO, None, None));
        unlimited.backends.iter_mut().for_each(|group| (group.workers, group.network, group.zone) = (None, Dist::Constant(0.0), None));
        let works = trace(&only(&unlimited, all[0].clone())).latency;
        for balancer in &all[1..] {
            prop_assert_eq!(&works, &trace(&only(&unlimited, balancer.clone())).latency, "works of {}", balancer.kind);
            prop_assert_eq!(&first, &trace(&only(&world, balancer.clone())).brought, "{}", balancer.kind);
        }
        let mut more = world.clone();
        more.backends[0].count += 1;
        prop_assert_eq!(&first, &trace(&more).brought, "a backend more");
        more.backends = fleet;
        (more.tier.instances, more.links) = (3, Vec::new());
        prop_assert_eq!(&first, &trace(&more).brought, "another fleet");
        more.traffic.push(more.traffic[0].clone());
        more.run.length = Length::Requests(4_000);
        let own: Vec<_> = trace(&more).brought.into_iter().filter(|brought| brought.3 == 0).map(|brought| brought.0).collect();
        let before: Vec<_> = first.iter().filter(|brought| brought.3 == 0).map(|brought| brought.0).collect();
        let shared = own.len().min(before.len());
        prop_assert_eq!(&own[..shared], &before[..shared], "a source more");
    }

    #[test]
    fn a_balancer_is_measured_alike_whichever_others_are_listed(world in worlds(prop_oneof![open().boxed(), closed().boxed()]), pick in 0..14_usize) {
        let among = record(&world, pick, 0);
        let alone = record(&only(&world, world.balancers[pick].clone()), 0, 0);
        prop_assert_eq!(among.fingerprint, alone.fingerprint);
        prop_assert_eq!(among.latency, alone.latency);
    }

    #[test]
    fn with_one_backend_all_balancers_are_the_same(world in worlds(prop_oneof![open().boxed(), closed().boxed()])) {
        let mut world = world;
        world.backends.truncate(1);
        world.backends[0].count = 1;
        let first = record(&world, 0, 0);
        // The central queue holds what others would leave at the backend: it knows no other order and no refusal, and sends when a worker is free.
        let plain = world.backends[0].queue.is_none() && world.backends[0].discipline == Discipline::Fifo && world.backends[0].network == Dist::Constant(0.0) && world.links.is_empty();
        for (at, balancer) in world.balancers.iter().enumerate().skip(1) {
            if balancer.kind == "central-queue" && !plain {
                continue;
            }
            let other = record(&world, at, 0);
            prop_assert_eq!(first.fingerprint, other.fingerprint, "{}", balancer.kind);
            prop_assert_eq!(&first.latency, &other.latency, "{}", balancer.kind);
        }
    }

    #[test]
    fn zero_work_takes_only_the_network(world in worlds(open()), pick in 0..14_usize, away in 0..500_u64) {
        let mut world = only(&world, every_balancer()[pick].clone());
        world.traffic.iter_mut().for_each(|traffic| traffic.work = Dist::Constant(0.0));
        world.links.clear();
        for group in &mut world.backends {
            (group.network, group.per_in_flight, group.queue) = (Dist::Constant(away as f64 * US), Span::ZERO, None);
        }
        // The central queue waits for an answer's way back, if there is one.
        prop_assume!(world.balancers[0].kind != "central-queue" || away == 0);
        for (_, latency) in trace(&world).latency {
            prop_assert_eq!(latency, 2 * away * 1_000);
        }
    }
}
