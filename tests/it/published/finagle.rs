//! Finagle's balancer simulation: ten servers that are well, and one that is not. No figures were published; what must hold is said here.

use super::{latencies, loaded, milliseconds, records, said, variant};
use evenkeel::measure::record::Record;

const BALANCERS: [&str; 3] = ["round-robin", "finagle/p2c", "finagle/peak-ewma"];

/// The share of attempts that the eleventh server got, in percent, with each balancer; p99 in ms; the share of failures in percent.
fn outcome(name: &str) -> [(f64, f64, f64); 3] {
    let scenario = variant(&loaded(name), "");
    BALANCERS.map(|label| {
        let records = records(&scenario, label, 2);
        let sum = |of: fn(&Record) -> u64| records.iter().map(of).sum::<u64>() as f64;
        let share = 100.0 * sum(|record| record.backends[10].requests) / sum(|record| record.attempts);
        let failed = 100.0 * sum(|record| record.failed) / sum(|record| record.offered);
        let p99 = milliseconds(&latencies(&records), 0.99);
        said(
            format_args!("Finagle's simulation, {name}, {label}: share of the eleventh (%), p99 (ms), failed (%)"),
            "no figure",
            format_args!("{share:.2} {p99:.0} {failed:.2}"),
        );
        (share, p99, failed)
    })
}

#[test]
fn who_is_well_gets_a_fair_share() {
    for (share, p99, failed) in outcome("finagle-all-good.toml") {
        assert!((share - 100.0 / 11.0).abs() < 0.3 && p99 < 193.5 && failed == 0.0, "{share} {p99} {failed}");
    }
}

#[test]
fn who_is_slow_gets_less_from_those_who_look() {
    let [turns, p2c, ewma] = outcome("finagle-slow-middle.toml");
    assert!(turns.0 > 9.0 && p2c.0 < 6.0 && ewma.0 < p2c.0, "{turns:?} {p2c:?} {ewma:?}");
    assert!(turns.1 > 1600.0 && p2c.1 < 210.0 && ewma.1 < 210.0, "{turns:?} {p2c:?} {ewma:?}");
}

#[test]
fn who_starts_cold_is_flooded_by_turns() {
    let [turns, p2c, ewma] = outcome("finagle-slow-start.toml");
    assert!(turns.0 > p2c.0 && p2c.0 > ewma.0, "{turns:?} {p2c:?} {ewma:?}");
    assert!(turns.1 > 1.5 * p2c.1, "{turns:?} {p2c:?} {ewma:?}");
}

/// Failures that take as long as answers do are seen by nobody who looks at load: 15 of 60 seconds, one of eleven.
#[test]
fn failures_at_the_usual_pace_go_unnoticed() {
    for (_, _, failed) in outcome("finagle-failure.toml") {
        assert!((failed - 100.0 * 15.0 / 60.0 / 11.0).abs() < 0.1, "{failed}");
    }
}
