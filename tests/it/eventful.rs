//! Cells to whose requests more can happen than one attempt: against the plain ones, against what can be worked out by hand, and at random.

use crate::world::{Extend, UNIT, balancer, exponential, group, per_unit, scenario};
use evenkeel::client::{Backoff, Caller, Conditions, Hedge, HedgeAfter, Jitter, Retry};
use evenkeel::dist::Dist;
use evenkeel::engine;
use evenkeel::fault::{Fault, Kind, Repeats, Target};
use evenkeel::measure::record::{Failure, Record};
use evenkeel::measure::recorder::Recorder;
use evenkeel::plan::Plan;
use evenkeel::scenario::{Clients, Discipline, Group, Length, Picks, Process, Scenario, View};
use evenkeel::time::Span;

const SECOND: u64 = 1_000_000_000;

fn record(scenario: &Scenario) -> Record {
    let plan = Plan::new(scenario, None).expect("the world can be planned");
    let (recorder, ending) = engine::run(&plan, 0, 0, Recorder::new(&plan), &mut |_| true).expect("nobody interrupts");
    recorder.finish(&ending)
}

fn fault(kind: Kind, target: &str, at: u64, lasts: Option<u64>) -> Fault {
    let target = Target { written: target.into(), among: Vec::new(), draw: None };
    Fault { name: "fault".into(), kind, target, at: Span(at), lasts: lasts.map(Span), repeats: Repeats::Never }
}

/// A timeout that never comes makes a cell eventful, and nothing else.
fn made_eventful(scenario: &Scenario) -> Scenario {
    let client = Caller { timeout: Some(Dist::Constant(1e18)), ..Caller::default() };
    Scenario { client, ..scenario.clone() }
}

fn worlds() -> Vec<Scenario> {
    let base = || scenario(Process::Poisson, Some(per_unit(3.2)), exponential(1.0));
    let mut worlds = Vec::new();
    for kind in
        ["round-robin", "random", "least-connections", "peak-ewma", "join-shortest-queue", "central-queue", "join-idle-queue", "prequal"]
    {
        for discipline in [Discipline::Fifo, Discipline::Lifo, Discipline::ProcessorSharing, Discipline::Priority] {
            worlds.push(base().on(vec![Group { discipline, ..group(4) }]).with(balancer(kind, &[])));
        }
    }
    let far = Group { network: exponential(0.3), queue: Some(3), workers: Some(2), ..group(2) };
    worlds.push(base().on(vec![far.clone()]).with(balancer("least-connections", &[])));
    let mut many = base().on(vec![far]).with(balancer("least-connections", &[]));
    (many.tier.instances, many.tier.view, many.tier.refresh) = (7, View::Shared, Span(UNIT as u64));
    worlds.push(many);
    let think = exponential(2.0);
    worlds.push(scenario(Process::Closed { clients: 9, think }, None, exponential(1.0)).on(vec![group(4)]).with(balancer("random", &[])));
    worlds.iter_mut().for_each(|world| world.run.length = Length::Requests(20_000));
    worlds
}

#[test]
fn what_never_happens_changes_nothing() {
    for world in worlds() {
        let (plain, eventful) = (record(&world), record(&made_eventful(&world)));
        let label = (&world.balancers[0].label, world.backends[0].discipline, &world.traffic[0].arrivals.process);
        assert_eq!(plain.fingerprint, eventful.fingerprint, "{label:?}");
        assert_eq!((plain.succeeded, plain.failed, plain.attempts), (eventful.succeeded, eventful.failed, eventful.attempts), "{label:?}");
        assert_eq!(
            (plain.latency.sum(), plain.wait.sum(), plain.end),
            (eventful.latency.sum(), eventful.wait.sum(), eventful.end),
            "{label:?}"
        );
        let busy = |record: &Record| record.backends.iter().map(|backend| (backend.busy_area, backend.in_flight_area)).collect::<Vec<_>>();
        assert_eq!(busy(&plain), busy(&eventful), "{label:?}");
    }
}

/// One request a second, each of half a second of work, on one backend; ten of them, all measured.
fn ticking(kind: Kind, at: u64, lasts: u64) -> Scenario {
    let mut world =
        scenario(Process::Constant, Some(per_unit(0.01)), Dist::Constant(0.5e9)).on(vec![group(1)]).with(balancer("random", &[]));
    world.run.length = Length::Requests(10);
    world.run.warmup = evenkeel::scenario::Warmup::Share(0.0);
    world.faults = vec![fault(kind, "all", at, Some(lasts))];
    world
}

fn failures(record: &Record, cause: Failure) -> u64 {
    record.failures[cause as usize]
}

#[test]
fn a_crash_loses_what_is_there_and_refuses_what_comes() {
    // Arrivals at 1, 2, …, 10 s. Down from 2.25 to 4.5 s: the second is lost, those at 3 and 4 s are refused.
    let record = record(&ticking(Kind::Crash, 2_250_000_000, 2_250_000_000));
    assert_eq!((record.succeeded, failures(&record, Failure::Crashed), failures(&record, Failure::Refused)), (7, 1, 2));
    assert_eq!((record.useful, record.lost, record.wasted), (7 * 500_000_000, 250_000_000, 0));
}

#[test]
fn a_pause_keeps_the_work_done() {
    // From 2.25 to 4.5 s: the second goes on at 4.5 and is done at 4.75, the third at 5.25, the fourth at 5.75, the fifth at 6.25, the sixth at 6.75, the seventh at 7.5.
    let record = record(&ticking(Kind::Pause, 2_250_000_000, 2_250_000_000));
    assert_eq!(record.succeeded, 10);
    let late = [2.75, 2.25, 1.75, 1.25, 0.75].map(|seconds| (seconds * 1e9) as u128);
    assert_eq!(record.latency.sum(), 5 * 500_000_000 + late.iter().sum::<u128>());
}

#[test]
fn a_slow_backend_takes_the_rest_of_its_work_slowly() {
    // At a quarter of the speed from 2.25 to 3.25 s: of the second's 0.25 s that were left it takes 1 s; the third has waited 0.25 s.
    let record = record(&ticking(Kind::Slow { factor: 0.25 }, 2_250_000_000, SECOND));
    assert_eq!((record.succeeded, record.latency.max()), (10, Some(1_250_000_000)));
    assert_eq!(record.latency.sum(), 8 * 500_000_000 + 1_250_000_000 + 750_000_000);
}

#[test]
fn who_hangs_never_answers() {
    let mut world = ticking(Kind::Hang, 2_250_000_000, 2_250_000_000);
    let lost = record(&world);
    assert_eq!((lost.succeeded, lost.unfinished), (7, 3));
    world.client.timeout = Some(Dist::Constant(0.7e9));
    let timed_out = record(&world);
    assert_eq!((timed_out.succeeded, failures(&timed_out, Failure::Timeout), timed_out.unfinished), (7, 3, 0));
    assert_eq!(timed_out.failed_latency.sum(), 3 * 700_000_000);
}

fn retrying(max: u32) -> Caller {
    let on = Conditions { refused: true, error: true, timeout: true, crashed: true, ..Conditions::default() };
    let backoff = Backoff::Growing { base: Span(SECOND / 10), factor: 2.0, max: None, jitter: Jitter::None };
    Caller { retry: Some(Retry { max: Some(max), on, backoff, budget: None, avoid_tried: true }), ..Caller::default() }
}

#[test]
fn a_retry_goes_to_another_backend() {
    let mut world = ticking(Kind::Crash, SECOND / 2, 100 * SECOND);
    world.backends = vec![group(2)];
    world.balancers = vec![balancer("round-robin", &[])];
    world.faults[0].target.written = "web-0".into();
    world.client = retrying(1);
    let record = record(&world);
    assert_eq!((record.succeeded, record.attempts), (10, 10 + record.retries));
    assert!(record.retries >= 4, "every other request, or so, meets the dead one first: {}", record.retries);
    assert_eq!(record.latency.max(), Some(600_000_000));
}

#[test]
fn a_hedge_that_is_faster_wins_and_the_loser_is_stopped() {
    // The first backend is slow by ten: the copy leaves after 0.1 s and is done at 0.6 s.
    let mut world = ticking(Kind::Slow { factor: 0.1 }, 0, 100 * SECOND);
    world.backends = vec![group(2)];
    world.balancers = vec![balancer("first", &[])];
    world.faults[0].target.written = "web-0".into();
    world.client.hedge = Some(Hedge { after: HedgeAfter::Delay(Dist::Constant(1e8)), max: 1 });
    let alone = record(&world);
    // `first` picks the same again: there is no second backend for it, so no hedge.
    assert_eq!((alone.hedges, alone.attempts), (0, 10));
    world.balancers = vec![balancer("round-robin", &[])];
    let hedged = record(&world);
    assert!(hedged.hedges > 0 && hedged.latency.max() <= Some(600_000_000), "{:?}", hedged.latency.max());
    assert_eq!(hedged.succeeded, 10);
}

#[test]
fn a_retry_is_hedged_in_its_own_time() {
    // Each attempt is given up after 40 ms; a copy would leave 50 ms after its attempt. So none ever does, although 50 ms after the first there is a second out.
    let mut world = ticking(Kind::Slow { factor: 0.1 }, 0, 100 * SECOND);
    world.backends = vec![group(4)];
    world.balancers = vec![balancer("round-robin", &[])];
    world.faults[0].target.written = "all".into();
    let at_once = Backoff::Growing { base: Span(0), factor: 2.0, max: None, jitter: Jitter::None };
    let retry = retrying(2).retry.map(|retry| Retry { backoff: at_once, ..retry });
    world.client = Caller { attempt_timeout: Some(Dist::Constant(4e7)), retry, ..Caller::default() };
    world.client.hedge = Some(Hedge { after: HedgeAfter::Delay(Dist::Constant(5e7)), max: 1 });
    let impatient = record(&world);
    assert_eq!((impatient.hedges, impatient.attempts, impatient.failed), (0, 30, 10));
    world.client.attempt_timeout = Some(Dist::Constant(6e7));
    let patient = record(&world);
    assert_eq!(
        (patient.hedges, patient.attempts, patient.failed),
        (10, 40, 10),
        "one copy of the first attempt, 10 ms before that is given up"
    );
}

#[test]
fn a_connection_to_a_dead_backend_is_opened_anew() {
    // One client with one connection, for good, to the first of two; that dies at 3.25 s, with the third request in hand.
    let mut world = ticking(Kind::Crash, 3_250_000_000, 100 * SECOND);
    world.backends = vec![group(2)];
    world.balancers = vec![balancer("round-robin", &[])];
    world.faults[0].target.written = "web-0".into();
    world.tier.picks = Picks::Connection;
    world.traffic[0].clients = Some(Clients { count: 1, connections: 1, requests_per_connection: None });
    let record = record(&world);
    // Broken with the request that was lost, it goes to the other from then on: the answer to the next pick.
    assert_eq!((record.succeeded, record.failures[Failure::Crashed as usize]), (9, 1));
    assert_eq!((record.backends[0].requests, record.backends[1].requests), (3, 7));
}

#[test]
fn what_would_arrive_after_the_end_does_not() {
    let mut world =
        scenario(Process::Constant, Some(per_unit(0.01)), Dist::Constant(0.5e9)).on(vec![group(1)]).with(balancer("random", &[]));
    // The first is due after a second.
    world.run.length = Length::Duration(Span(SECOND));
    for world in [world.clone(), made_eventful(&world)] {
        let empty = record(&world);
        assert_eq!((empty.offered, empty.attempts, empty.end.0), (0, 0, 0));
    }
    world.run.length = Length::Duration(Span(SECOND + 1));
    world.run.warmup = evenkeel::scenario::Warmup::Share(0.0);
    assert_eq!(record(&world).offered, 1);
}
