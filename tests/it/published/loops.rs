//! M. Brooker, "Open and closed, omission and collapse" (2023): the same server measured in an open and in a closed loop.
//!
//! The published figures are of one run of 5,000 s (40,000 requests), in which an open queue's p99 has a standard error of several percent: theory is asserted for the
//! open one. That ten clients pause for 1.15 s (1.25 s from one request to the next at an idle server) is inferred: the mean is then 0.241 s by
//! mean value analysis, and 0.240 was published.

use super::{is_near, latencies, loaded, mean_seconds, milliseconds, records, said, variant};
use evenkeel::dist::Dist;
use evenkeel::scenario::Length;

#[test]
fn closed_loops_hide_queues() {
    let loaded = loaded("open-and-closed.toml");
    let outcome = |name: &str| {
        let mut scenario = variant(&loaded, name);
        scenario.run.length = Length::Requests(200_000);
        let records = records(&scenario, "random", 5);
        (mean_seconds(&records), milliseconds(&latencies(&records), 0.99) / 1000.0)
    };
    let (open, one, ten) = (outcome("open"), outcome("1 client"), outcome("10 clients"));
    for (name, published, (mean, p99)) in [("open", "0.459 1.97", open), ("1 client", "0.100 0.46", one), ("10 clients", "0.240 0.96", ten)]
    {
        said(format_args!("{name}: mean, p99 (s)"), published, format_args!("{mean:.3} {p99:.2}"));
    }
    // Theory: M/M/1 at 80%, 1 ÷ (10 − 8) s and ln 100 times that; one client meets nobody.
    assert!(is_near(open.0, 0.5, 0.03) && is_near(open.1, 0.5 * 100.0_f64.ln(), 0.05), "{open:?}");
    assert!(is_near(one.0, 0.1, 0.01) && is_near(one.1, 0.46, 0.02), "{one:?}");
    assert!(is_near(ten.0, 0.24, 0.02) && is_near(ten.1, 0.96, 0.05), "{ten:?}");
}

/// One in a thousand takes 10 s, all others 0.1 s in the mean: who waits behind it is not seen by those who wait for their own answers. By Pollaczek's and Khinchine's
/// formula the mean of the open queue is then 2.293 s. That the giants are all alike is inferred from the published 2.29.
#[test]
fn rare_giants_are_seen_in_an_open_loop_only() {
    let loaded = loaded("open-and-closed.toml");
    let outcome = |name: &str| {
        let mut scenario = variant(&loaded, name);
        scenario.run.length = Length::Requests(400_000);
        let parts = vec![(0.999, Dist::Exponential { mean: 0.1e9 }), (0.001, Dist::Constant(10e9))];
        scenario.traffic[0].work = Dist::Mixture(parts);
        let records = records(&scenario, "random", 5);
        (mean_seconds(&records), milliseconds(&latencies(&records), 0.99) / 1000.0)
    };
    let ((mean, open), (_, one), (_, ten)) = (outcome("open"), outcome("1 client"), outcome("10 clients"));
    said("rare giants: mean of the open loop (s)", 2.29, format_args!("{mean:.2}"));
    assert!(is_near(mean, 2.293, 0.1), "{mean}");
    said("rare giants: p99 open, 1 client, 10 clients (s)", "23.6 0.46 1.02", format_args!("{open:.1} {one:.2} {ten:.2}"));
    assert!(open > 10.0 * ten && ten > one, "{open} {ten} {one}");
}
