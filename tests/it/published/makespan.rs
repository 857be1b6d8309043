//! A report to Envoy (issue 11006): two clients without pauses, two backends that take one and two seconds, 10,000 requests.
//!
//! The end depends on ties by a second: listed with the fast backend first, a full scan takes 6,667 s here and turns take 7,501 s. Listed with the slow one
//! first, both are what was published. That the published program begins its turns with the slow one, and sends the last request there when both become
//! free at once, is inferred from that. Two different choices look at both backends, as a full scan does, but a tie is drawn: the last request may end a
//! second earlier.

use super::{loaded, records, said, variant};

#[test]
fn whoever_looks_at_both_is_done_first() {
    let scenario = variant(&loaded("makespan.toml"), "");
    let outcome = |label: &str| {
        let record = records(&scenario, label, 1).remove(0);
        let most = record.backends.iter().map(|backend| backend.in_flight_max).max().unwrap_or(0);
        (record.end.0 as f64 / 1e9, most)
    };
    for (label, seconds, most) in [("full scan", 6668.0, 1), ("two different choices", 6668.0, 1), ("round-robin", 7500.0, 2)] {
        let (ours, in_flight) = outcome(label);
        said(
            format_args!("10,000 requests, {label}: seconds, most in flight"),
            format_args!("{seconds} {most}"),
            format_args!("{ours} {in_flight}"),
        );
        let is_as_long = ours == seconds || label == "two different choices" && ours == seconds - 1.0;
        assert!(is_as_long && in_flight == most, "{label}: {ours} s, {in_flight} in flight");
    }
    for (label, seconds) in [("two independent choices", 7194.0), ("random", 7507.0)] {
        let (ours, in_flight) = outcome(label);
        said(
            format_args!("10,000 requests, {label}: seconds, most in flight"),
            format_args!("{seconds} 2"),
            format_args!("{ours} {in_flight}"),
        );
        assert!((ours - seconds).abs() < 0.03 * seconds && in_flight == 2, "{label}: {ours} s, {in_flight} in flight");
    }
}
