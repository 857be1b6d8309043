//! M. Brooker, "The power of two random choices" (2012): counts that are up to N seconds old.
//!
//! There every queue loses its oldest request every eight seconds, all queues in step, and a request's time ends with that. A server with eight
//! seconds of work per request is not the same: with a request that finds it idle it is done after eight seconds, and not at the next step, four seconds on average.
//! So the statistic that corresponds is the mean latency less four seconds; where choice does not matter (random) that is exact: the wait of an
//! M/D/1 queue, 16 s, and half a step. Where it does matter, steps help those who look: right after one many queues are empty at once, what is sent until
//! the next refresh spreads over all that looked empty, and the herd is smaller. So fresh counts are worth less with servers that are not in step (best at N = 5
//! s: 13 s instead of 9.5), and for N ≥ 20 the difference is gone within 10%.
//!
//! Where a refresh, a step and an arrival fall on one instant, their order matters, and is not published. With Poisson arrivals the table asks for refreshes before steps
//! (best at N = 5 s: 9.6 s; the other way round 8.8). With an arrival on every second it asks for steps before arrivals (the other way round all means are 1.0
//! to 1.2 s lower, an eighth of a step). Both are inferred from the table.
//!
//! The steps themselves can be had too: work of a millisecond, and a pause of all servers that leaves just that millisecond every eight seconds.

use super::{is_near, loaded, mean_seconds, records, said, variant};
use evenkeel::dist::Dist;
use evenkeel::fault::{Fault, Kind, Repeats, Target};
use evenkeel::scenario::{Length, Process, Scenario};
use evenkeel::time::Span;

const BALANCERS: [&str; 4] = ["random", "least-connections", "best of 2", "best of 3"];
/// By N in seconds, in the order of `BALANCERS`: mean seconds in the queue.
const TABLE: [(u32, [f64; 4]); 8] = [
    (0, [20.4, 4.9, 7.6, 6.1]),
    (5, [20.4, 9.5, 8.9, 8.2]),
    (10, [20.4, 15.8, 10.1, 10.3]),
    (20, [20.4, 30.3, 12.4, 14.4]),
    (40, [20.4, 58.8, 16.4, 22.1]),
    (60, [20.4, 83.1, 19.3, 27.2]),
    (70, [20.4, 90.5, 20.7, 29.5]),
    (100, [20.4, 144.0, 25.4, 38.4]),
];
const MILLISECOND: u64 = 1_000_000;
const STEP: u64 = 8000 * MILLISECOND;

fn scenario(age: u32, requests: u64) -> Scenario {
    let mut scenario = variant(&loaded("stale-data.toml"), &format!("{age} s"));
    scenario.run.length = Length::Requests(requests);
    scenario
}

/// How long a window is open: a nanosecond longer than the work, so that it is done before it closes; who is next has then had a nanosecond, which would be
/// noticed after a million steps.
const OPEN: u64 = MILLISECOND + 1;
/// A window may begin with a step, after a refresh of the same instant, as it is published; or end with it, so that who arrives at that instant waits for the next.
const AFTER: u64 = OPEN;
const BEFORE: u64 = 0;

/// All queues lose their oldest in step.
fn in_step(age: u32, requests: u64, at: u64) -> Scenario {
    let mut scenario = scenario(age, requests);
    scenario.traffic[0].work = Dist::Constant(MILLISECOND as f64);
    let target = Target { written: "all".into(), among: Vec::new(), draw: None };
    let lasts = Some(Span(STEP - OPEN));
    scenario.faults =
        vec![Fault { name: "steps".into(), kind: Kind::Pause, target, at: Span(at), lasts, repeats: Repeats::Every(Span(STEP)) }];
    scenario
}

fn mean(scenario: &Scenario, label: &str) -> f64 {
    mean_seconds(&records(scenario, label, 1))
}

/// Where a line through two points meets a level.
fn crossing((from, low): (f64, f64), (to, high): (f64, f64), level: f64) -> f64 {
    from + (to - from) * (level - low) / (high - low)
}

#[test]
fn queues_in_step_have_the_published_means() {
    const REQUESTS: u64 = 300_000;
    let random = mean(&in_step(0, REQUESTS, AFTER), "random");
    for (age, published) in TABLE {
        let scenario = in_step(age, REQUESTS, AFTER);
        let ours = BALANCERS.map(|label| if label == "random" { random } else { mean(&scenario, label) });
        said(
            format_args!("stale by {age} s: random, best, best of 2, best of 3 (s)"),
            format_args!("{published:?}"),
            format_args!("{ours:.1?}"),
        );
        for (ours, published) in ours.into_iter().zip(published) {
            assert!(is_near(ours, published, 0.05), "{age} s: {ours}, not {published}");
        }
    }
}

/// With an arrival each second it crosses earlier.
#[test]
fn regular_arrivals_have_the_published_means() {
    let mean = |age, label| {
        let mut scenario = in_step(age, 40_000, BEFORE);
        scenario.traffic[0].arrivals.process = Process::Constant;
        mean(&scenario, label)
    };
    let random = mean(0, "random");
    said("regular arrivals, random (s)", 18.4, format_args!("{random:.1}"));
    assert!(is_near(random, 18.4, 0.05), "{random}");
    for (age, published) in [(0, 6.8), (10, 9.2), (60, 18.3), (70, 19.6)] {
        let ours = mean(age, "best of 2");
        said(format_args!("regular arrivals, stale by {age} s, best of 2 (s)"), published, format_args!("{ours:.1}"));
        assert!(is_near(ours, published, 0.05), "{age} s: {ours}, not {published}");
    }
}

#[test]
fn two_choices_meet_random_at_seventy_seconds() {
    let mean = |age, label| mean(&scenario(age, 150_000), label) - 4.0;
    let random = mean(0, "random");
    let (at_ten, at_sixty, at_seventy) = (mean(10, "best of 2"), mean(60, "best of 2"), mean(70, "best of 2"));
    let meets = crossing((60.0, at_sixty), (70.0, at_seventy), random);
    said("queues of their own, random less half a service (s)", 20.4, format_args!("{random:.1}"));
    said(
        "queues of their own, best of 2 less half a service at 10, 60, 70 s",
        "10.1 19.3 20.7",
        format_args!("{at_ten:.1} {at_sixty:.1} {at_seventy:.1}"),
    );
    said("best of 2 is as bad as random with counts as old as (s)", "about 70", format_args!("{meets:.0}"));
    assert!(is_near(random, 20.0, 0.05) && (55.0..75.0).contains(&meets), "{random} {meets}");
    let (best, three) = (mean(20, "least-connections"), mean(20, "best of 3"));
    assert!(best > random && at_ten < random && three < best, "{best} {three}");
}
