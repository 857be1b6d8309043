//! Two related scenarios: exact relations, request by request.

use super::random_worlds::{cases, dists, every_balancer};
use super::trace::{only, plan, record, trace};
use crate::world::{Extend, balancer, group, scenario, text};
use evenkeel::catalogue::Value;
use evenkeel::dist::Dist;
use evenkeel::scenario::{Clients, Discipline, Group, Length, Picks, Process, Scenario, View};
use evenkeel::time::Span;
use evenkeel::traffic::Source;
use proptest::prelude::*;

/// Two to five backends of one worker (or more), renewal arrivals, nothing else.
fn simple(gap: impl Strategy<Value = Dist>, work: impl Strategy<Value = Dist>) -> impl Strategy<Value = Scenario> {
    (gap, work, 2..6_u32, 1..3_u32, any::<u64>()).prop_map(|(gap, work, count, workers, seed)| {
        let mut world = scenario(Process::Renewal { gap }, None, work).on(vec![Group { workers: Some(workers), ..group(count) }]);
        (world.run.seed, world.run.length) = (seed, Length::Requests(2_000));
        world
    })
}

fn gaps() -> impl Strategy<Value = Dist> {
    dists(100.0).prop_filter("time must pass", |gap| gap.mean() > 0.0)
}

/// Whole microseconds.
fn whole(from: u64, to: u64) -> impl Strategy<Value = Dist> {
    (from..to).prop_map(|us| Dist::Constant(us as f64 * 1e3))
}

fn times(dist: &Dist, k: f64) -> Dist {
    match dist {
        Dist::Constant(value) => Dist::Constant(value * k),
        Dist::Uniform { min, max } => Dist::Uniform { min: min * k, max: max * k },
        Dist::Exponential { mean } => Dist::Exponential { mean: mean * k },
        Dist::Erlang { k: stages, mean } => Dist::Erlang { k: *stages, mean: mean * k },
        Dist::Gamma { mean, cv } => Dist::Gamma { mean: mean * k, cv: *cv },
        Dist::Hyperexponential { parts } => {
            Dist::Hyperexponential { parts: parts.iter().map(|(share, mean)| (*share, mean * k)).collect() }
        }
        Dist::Lognormal { mu, sigma } => Dist::Lognormal { mu: mu + libm::log(k), sigma: *sigma },
        Dist::Normal { mean, stddev } => Dist::Normal { mean: mean * k, stddev: stddev * k },
        Dist::Pareto { alpha, min, max } => Dist::Pareto { alpha: *alpha, min: min * k, max: max.map(|max| max * k) },
        Dist::Weibull { shape, mean } => Dist::Weibull { shape: *shape, mean: mean * k },
        Dist::Mixture(parts) => Dist::Mixture(parts.iter().map(|(share, part)| (*share, times(part, k))).collect()),
        Dist::Empirical(points) => Dist::Empirical(points.iter().map(|(p, value)| (*p, value * k)).collect()),
    }
}

/// All times of a scenario, k times as long.
fn slower(world: &Scenario, k: f64) -> Scenario {
    let mut slow = world.clone();
    for traffic in &mut slow.traffic {
        traffic.work = times(&traffic.work, k);
        if let Process::Renewal { gap } = &mut traffic.arrivals.process {
            *gap = times(gap, k);
        }
    }
    for group in &mut slow.backends {
        group.network = times(&group.network, k);
        group.per_in_flight = Span((group.per_in_flight.0 as f64 * k) as u64);
    }
    slow.tier.refresh = Span((slow.tier.refresh.0 as f64 * k) as u64);
    slow
}

proptest! {
    #![proptest_config(cases(120))]

    #[test]
    fn scaling_constant_times_scales_every_latency_exactly(
        world in simple(whole(1, 200), whole(0, 600)), k in 2..50_u32, pick in 0..14_usize, away in whole(0, 50), refresh in 0..3_u64, each in 0..3_u64,
        discipline in prop_oneof![Just(Discipline::Fifo), Just(Discipline::Lifo), Just(Discipline::Priority)],
    ) {
        let mut world = only(&world, every_balancer()[pick].clone());
        (world.backends[0].network, world.backends[0].discipline, world.backends[0].per_in_flight) = (away, discipline, Span(each * 1_000));
        (world.tier.view, world.tier.refresh) = (View::Shared, Span(refresh * 700_000));
        let (short, long) = (trace(&world), trace(&slower(&world, f64::from(k))));
        prop_assert_eq!(&short.backend, &long.backend);
        for (number, latency) in &short.latency {
            prop_assert_eq!(latency * u64::from(k), long.latency[number]);
        }
    }

    /// Each event rounds to the nanosecond once, before scaling and after.
    #[test]
    fn scaling_any_times_scales_latencies_within_a_nanosecond_an_event(world in simple(gaps(), dists(300.0)), k in 2..20_u32, pick in 0..4_usize, shared in any::<bool>()) {
        let mut world = only(&world, every_balancer()[pick].clone());
        world.backends[0].discipline = if shared { Discipline::ProcessorSharing } else { Discipline::Fifo };
        let (short, long) = (trace(&world), trace(&slower(&world, f64::from(k))));
        prop_assert_eq!(&short.backend, &long.backend);
        for (number, latency) in &short.latency {
            let off = (latency * u64::from(k)).abs_diff(long.latency[number]);
            prop_assert!(off <= u64::from(k) * short.events, "request {number}: {latency} × {k}, not {}", long.latency[number]);
        }
    }

    #[test]
    fn equal_weights_are_no_weights(world in simple(gaps(), dists(300.0)), weight in 0.1..9.0) {
        let mut world = world;
        let plain = trace(&only(&world, balancer("round-robin", &[])));
        let least = trace(&only(&world, balancer("least-connections", &[("ties", text("first"))])));
        world.backends[0].told.weight = weight;
        prop_assert_eq!(plain.backend, trace(&only(&world, balancer("weighted-round-robin", &[]))).backend);
        let weighted = balancer("least-connections", &[("ties", text("first")), ("weighted", Value::Bool(true))]);
        prop_assert_eq!(least.backend, trace(&only(&world, weighted)).backend);
    }

    /// One queue is one queue: over single workers, or as one backend that has them all.
    #[test]
    fn a_central_queue_over_workers_is_one_backend_with_all_of_them(world in simple(gaps(), dists(300.0))) {
        let world = only(&world, balancer("central-queue", &[]));
        let Group { count, workers, .. } = world.backends[0].clone();
        let mut together = world.clone();
        together.backends = vec![Group { workers: workers.map(|workers| workers * count), ..group(1) }];
        prop_assert_eq!(trace(&world).latency, trace(&together).latency);
    }

    /// The oracle sees what one instance with exact counts sees, where there is no network.
    #[test]
    fn the_shortest_queue_is_least_connections_of_one_instance(world in simple(gaps(), dists(300.0))) {
        prop_assert_eq!(trace(&only(&world, balancer("join-shortest-queue", &[]))).latency, trace(&only(&world, balancer("least-connections", &[]))).latency);
    }

    /// With the same works and gaps a little shorter, nobody is faster: Lindley's recursion, request by request.
    #[test]
    fn more_load_makes_nobody_faster(world in simple(gaps(), dists(300.0)), faster in 0.3..1.0, pick in 0..2_usize) {
        let world = only(&world, every_balancer()[pick].clone());
        let mut busy = world.clone();
        if let Process::Renewal { gap } = &mut busy.traffic[0].arrivals.process {
            *gap = times(gap, faster);
        }
        let (calm, busy) = (trace(&world), trace(&busy));
        for (number, latency) in &calm.latency {
            prop_assert!(busy.latency[number] + calm.events >= *latency, "request {number}");
        }
    }

    #[test]
    fn with_nobody_else_about_a_request_takes_its_work(work in dists(300.0), away in 0..50_u64, pick in 0..14_usize) {
        let gap = Dist::Constant(1e9);
        let mut world = scenario(Process::Renewal { gap }, None, work).on(vec![Group { network: Dist::Constant(away as f64 * 1e3), ..group(3) }]).with(every_balancer()[pick].clone());
        world.run.length = Length::Requests(300);
        let source = Source::new(&plan(&world).sources[0], world.run.seed, 0, 0);
        for (number, latency) in &trace(&world).latency {
            prop_assert_eq!(*latency, source.work(*number) + 2 * away * 1_000);
        }
    }
}

/// In the first replication a client's number and its connection came from the same random bits, so that each client used one connection only.
#[test]
fn a_client_uses_all_of_its_connections() {
    let mut world = scenario(Process::Renewal { gap: Dist::Constant(1e6) }, None, Dist::Constant(1e3))
        .on(vec![group(8)])
        .with(balancer("round-robin", &[]));
    world.traffic[0].clients = Some(Clients { count: 4, connections: 2, requests_per_connection: None });
    world.tier.picks = Picks::Connection;
    for replication in 0..3 {
        let used = record(&world, 0, replication).backends.iter().filter(|backend| backend.requests > 0).count();
        assert_eq!(used, 8, "eight connections, each sent to the next backend");
    }
}

/// All replications had the same sequence of connections.
#[test]
fn connections_belong_to_the_replication() {
    let mut world = scenario(Process::Renewal { gap: Dist::Constant(1e6) }, None, Dist::Constant(1e3))
        .on(vec![group(2)])
        .with(balancer("round-robin", &[]));
    world.traffic[0].clients = Some(Clients { count: 1, connections: 2, requests_per_connection: None });
    (world.tier.picks, world.run.length) = (Picks::Connection, Length::Requests(64));
    let prints: Vec<u64> = (1..4).map(|replication| record(&world, 0, replication).fingerprint).collect();
    assert!(prints[0] != prints[1] && prints[1] != prints[2], "one client, constant gaps and works: only the connections differ");
}
