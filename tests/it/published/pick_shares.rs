//! Selection probabilities that Envoy's own simulation tests expect: active counts frozen, choices independent.

use evenkeel::balance::{self, BackendId, Member, Pick, Said};
use evenkeel::pick::Desk;
use evenkeel::random::Stream;
use evenkeel::scenario;

/// Shares of 100,000 picks, each ended at once, so that what is in flight stays as it is set. The last backend has this weight and so many in flight.
fn shares(n: usize, weight: f64, in_flight: u32) -> Vec<f64> {
    const PICKS: u64 = 100_000;
    let listed = balance::find("envoy/least-request").expect("it is in the catalogue");
    let member = |number: usize| Member::new(format!("10.0.0.{number}:80")).weight(if number + 1 == n { weight } else { 1.0 });
    let balancer = (listed.build)(&scenario::defaults(&listed.entry));
    let mut desk = Desk::new(balancer, (0..n).map(member).collect(), Stream::new(11));
    desk.set_in_flight(BackendId(n as u32 - 1), in_flight);
    // What is in flight counts when a backend is queued again, so a new configuration begins with it.
    desk.rebuild();
    let mut counts = vec![0_u64; n];
    for number in 0..PICKS {
        let Pick::Backend(backend) = desk.pick(number, Said::default(), 0) else { panic!("all are up") };
        counts[backend.index()] += 1;
        desk.done(number, true, None);
    }
    counts.into_iter().map(|count| 100.0 * count as f64 / PICKS as f64).collect()
}

#[test]
fn envoys_least_request_has_the_probabilities_of_its_own_tests() {
    let ninths = 400.0 / 9.0;
    for (n, weight, in_flight, expected) in [
        (3, 1.0, 0, vec![100.0 / 3.0; 3]),
        // Drawn twice only: 1/9.
        (3, 1.0, 10, vec![ninths, ninths, 100.0 / 9.0]),
        (2, 1.0, 10, vec![75.0, 25.0]),
        // With weights it goes by earliest deadline: 2 : 1, and one in flight halves a weight.
        (2, 2.0, 0, vec![100.0 / 3.0, 200.0 / 3.0]),
        (2, 2.0, 1, vec![50.0, 50.0]),
        (3, 2.0, 1, vec![100.0 / 3.0; 3]),
    ] {
        let found = shares(n, weight, in_flight);
        // Five standard deviations of a share of 100,000 picks are at most 0.79 points; Envoy allows one.
        let is_near = found.iter().zip(&expected).all(|(found, expected)| (found - expected).abs() < 0.79);
        assert!(is_near, "{n} hosts, weight {weight}, {in_flight} active: {found:?}, not {expected:?}");
    }
}
