//! What the result says of faults, in cells of which it is known.

use crate::world::{Extend, balancer, exponential, group, per_unit, scenario};
use evenkeel::client::{Backoff, Caller, Conditions, Jitter, Retry};
use evenkeel::dist::Dist;
use evenkeel::engine;
use evenkeel::fault::{Fault, Kind, Repeats, Target};
use evenkeel::health::Active;
use evenkeel::measure::record::{FaultRecord, Loop, Record};
use evenkeel::measure::recorder::{Recorder, Recording};
use evenkeel::measure::witness::Witness;
use evenkeel::plan::Plan;
use evenkeel::scenario::{Length, Process, Scenario};
use evenkeel::time::Span;

const SECOND: u64 = 1_000_000_000;

fn record(scenario: &Scenario) -> Record {
    let plan = Plan::new(scenario, None).expect("the world can be planned");
    let (witness, ending) =
        engine::run(&plan, 0, 0, (Recorder::new(&plan), Witness::new(&plan, 0)), &mut |_| true).expect("nobody interrupts");
    witness.finish(&ending)
}

fn of(scenario: &Scenario) -> FaultRecord {
    record(scenario).faults.remove(0)
}

fn fault(kind: Kind, target: &str, at: u64, lasts: Option<u64>) -> Fault {
    let target = Target { written: target.into(), among: Vec::new(), draw: None };
    Fault { name: "fault".into(), kind, target, at: Span(at), lasts: lasts.map(Span), repeats: Repeats::Never }
}

/// Ten backends of 100 requests a second each at half of their capacity, for so long, and something goes wrong at 20 s.
fn world(seconds: u64, kind: Kind, target: &str, lasts: u64) -> Scenario {
    let mut world = scenario(Process::Poisson, Some(per_unit(5.0)), exponential(1.0)).on(vec![group(10)]).with(balancer("power-of-d", &[]));
    world.run.length = Length::Duration(Span(seconds * SECOND));
    world.faults = vec![fault(kind, target, 20 * SECOND, Some(lasts * SECOND))];
    world
}

fn checked(unhealthy_after: u32) -> Active {
    Active {
        interval: Span(2 * SECOND),
        fast_interval: None,
        jitter: 0.0,
        timeout: Span(SECOND / 2),
        takes: Dist::Constant(0.0),
        unhealthy_after,
        healthy_after: 2,
    }
}

#[test]
fn health_checks_notice_a_crash_after_their_number_of_intervals() {
    let mut world = world(60, Kind::Crash, "web-3", 20);
    world.health.active = Some(checked(3));
    let crash = of(&world);
    assert_eq!((crash.occurrences, crash.judged, crash.recovered, crash.noticed), (1, 1, 1, 1));
    // The third probe that fails is answered between two and three intervals after the crash.
    let noticed = crash.notice_time as f64 / 1e9;
    assert!((4.0..=6.5).contains(&noticed), "{noticed} s");
    // Requests there are refused until then, and not beyond: it is back a bin or two later.
    let back = crash.recover_time as f64 / 1e9;
    assert!((noticed - 0.5..noticed + 1.5).contains(&back), "noticed after {noticed} s, back after {back} s");
    assert!(crash.failed > 100.0 && crash.metastable == [0; 3], "{crash:?}");
}

#[test]
fn load_moves_away_from_whom_health_checks_find() {
    let mut world = world(80, Kind::Crash, "web-3", 40);
    world.health.active = Some(checked(1));
    world.balancers = vec![balancer("random", &[])];
    // Of the 40 s it gets its share for the first one to two.
    let (moved, of) = of(&world).moved;
    assert!(of == 1 && (0.94..0.99).contains(&moved), "{moved}");
}

/// All backends at 40% of their speed for 10 s; who waits for a second gives up, the work is done all the same.
fn storm(retries: u32) -> Scenario {
    let mut world = world(120, Kind::Slow { factor: 0.4 }, "all", 10);
    let on = Conditions { refused: true, error: true, timeout: true, crashed: true, ..Conditions::default() };
    let backoff = Backoff::Growing { base: Span(0), factor: 1.0, max: None, jitter: Jitter::None };
    let retry = Retry { max: Some(retries), on, backoff, budget: None, avoid_tried: false };
    let retry = (retries > 0).then_some(retry);
    world.client = Caller { attempt_timeout: Some(Dist::Constant(1e9)), abandons_work: true, retry, ..Caller::default() };
    world
}

#[test]
fn a_retry_storm_outlives_its_trigger_and_is_named() {
    let storm = of(&storm(3));
    assert_eq!((storm.judged, storm.recovered, storm.metastable[Loop::Retries as usize]), (1, 0, 1), "{storm:?}");
    // Of 500 requests a second for nearly a hundred seconds hardly one succeeds.
    assert!(storm.failed > 40_000.0, "{}", storm.failed);
}

#[test]
fn without_retries_it_comes_back() {
    let calm = of(&storm(0));
    assert_eq!((calm.judged, calm.recovered, calm.metastable), (1, 1, [0; 3]), "{calm:?}");
    let back = calm.recover_time as f64 / 1e9;
    assert!((10.0..30.0).contains(&back), "{back} s");
}

#[test]
fn watching_changes_nothing() {
    let world = storm(3);
    let plan = Plan::new(&world, None).expect("the world can be planned");
    let (recorder, ending) = engine::run(&plan, 0, 0, Recorder::new(&plan), &mut |_| true).expect("nobody interrupts");
    let (alone, watched) = (recorder.finish(&ending), record(&world));
    assert_eq!((alone.fingerprint, alone.offered, alone.end), (watched.fingerprint, watched.offered, watched.end));
    assert!(alone.faults.is_empty() && watched.faults.len() == 1);
}

#[test]
fn drawn_targets_and_times_are_counted_one_by_one() {
    let mut world = world(200, Kind::Crash, "random:1", 2);
    (world.faults[0].at, world.faults[0].repeats) = (Span(25 * SECOND), Repeats::Every(Span(20 * SECOND)));
    world.health.active = Some(checked(1));
    let crashes = of(&world);
    // At 25, 45, …, 185 s.
    assert_eq!((crashes.occurrences, crashes.judged, crashes.recovered, crashes.moved.1), (9, 9, 9, 9), "{crashes:?}");
    // A probe every 2 s finds each of them.
    assert!(crashes.noticed >= 8 && crashes.notice_time <= u128::from(crashes.noticed * (2 * SECOND + SECOND / 2)), "{crashes:?}");
}

#[test]
fn a_surge_is_no_matter_of_backends() {
    let mut world = world(60, Kind::Surge { factor: 3.0 }, "all", 5);
    world.client.attempt_timeout = Some(Dist::Constant(1e9));
    let surge = of(&world);
    assert_eq!((surge.occurrences, surge.judged, surge.recovered, surge.noticed, surge.moved.1), (1, 1, 1, 0, 0), "{surge:?}");
    assert!(surge.recover_time >= u128::from(4 * SECOND) && surge.failed > 0.0, "{surge:?}");
}
