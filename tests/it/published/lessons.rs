//! Well-known lessons of what goes wrong, with figures from small programs of their own: direction and rough size are asserted.

use super::seen::Seen;
use super::{Beside, is_near, latencies, mean_seconds, milliseconds, records, said, variant};
use evenkeel::measure::record::Record;
use evenkeel::scenario::{Loaded, Source, load};
use std::fs;
use std::path::Path;

fn lesson(name: &str) -> Loaded {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/published/lessons").join(name);
    let text = fs::read(path).expect("it is there");
    load(&Source::new(name, &text), &[], &Beside).unwrap_or_else(|faults| panic!("{name} does not load: {faults:?}"))
}

fn success(records: &[Record]) -> f64 {
    records.iter().map(|record| record.succeeded).sum::<u64>() as f64 / records.iter().map(|record| record.offered).sum::<u64>() as f64
}

#[test]
fn one_slow_server_ruins_turns_and_nobody_else() {
    let scenario = variant(&lesson("one-slow-server.toml"), "");
    let outcome = |label: &str| records(&scenario, label, 2);
    let turns = outcome("round-robin");
    let (p50, mean) = (milliseconds(&latencies(&turns), 0.5) / 1000.0, mean_seconds(&turns));
    said("one of ten at half speed, round robin: p50, mean (units of work)", "1.3, rising", format_args!("{p50:.1}, {mean:.0}"));
    assert!(turns.iter().all(|record| record.overloaded_at.is_some()) && p50 < 1.5, "{p50}");
    for (label, published, share) in [("power-of-d", 1.65, 0.05), ("least-connections", 1.17, 0.05), ("peak-ewma", 1.65, 0.15)] {
        let ours = mean_seconds(&outcome(label));
        said(format_args!("one of ten at half speed, {label}: mean (units of work)"), published, format_args!("{ours:.2}"));
        assert!(is_near(ours, published, share), "{label}: {ours}");
    }
}

#[test]
fn retries_keep_a_fleet_down_that_is_half_busy() {
    let loaded = lesson("metastable-retries.toml");
    let late = |name: &str| 100.0 * Seen::goodput(&Seen::all(&variant(&loaded, name), "power-of-d", 2), 60, 120) / 500.0;
    let stuck = late("3 retries");
    said("slow for 10 s, 3 retries: goodput from 30 s after it (%)", 0, format_args!("{stuck:.1}"));
    assert!(stuck < 1.0, "{stuck}");
    for name in ["no retry", "3 retries, budget", "3 retries, 20 wait", "3 retries, cancelled"] {
        let ours = late(name);
        said(format_args!("slow for 10 s, {name}: goodput from 30 s after it (%)"), 100, format_args!("{ours:.1}"));
        assert!(is_near(ours, 100.0, 0.02), "{name}: {ours}");
    }
}

/// Whether the published losers of hedges are stopped is not said. Not stopped, as here, what is slow by itself collapses, as published, and p99 with luck of the attempt is 3.4;
/// stopped (`cancels = true`) that p99 is the published 3.0, and nothing collapses at 60%.
#[test]
fn hedging_helps_against_bad_luck_only() {
    let loaded = lesson("hedging.toml");
    let p99 = |name: &str| milliseconds(&latencies(&records(&variant(&loaded, name), "power-of-d", 2)), 0.99) / 1000.0;
    let (never, lucky, unlucky) = (p99("never"), p99("after 2, luck of the attempt"), p99("after 2, luck of the request"));
    said(
        "hedged after 2, p99 (units of work): never, luck of the attempt, luck of the request",
        "20 3.0 20",
        format_args!("{never:.1} {lucky:.1} {unlucky:.1}"),
    );
    assert!(is_near(never, 20.0, 0.05) && lucky < 4.0 && is_near(unlucky, 20.0, 0.05), "{never} {lucky} {unlucky}");
    let mean = |name: &str| mean_seconds(&records(&variant(&loaded, name), "power-of-d", 2));
    let (without, with) = (mean("busier, never"), mean("busier, after 2, luck of the request"));
    said("60% busy, luck of the request, mean (units of work): never, after 2", "1.75, 4300", format_args!("{without:.2}, {with:.0}"));
    assert!(is_near(without, 1.75, 0.05) && with > 100.0, "{without} {with}");
}

#[test]
fn who_fails_fast_gets_the_most() {
    let loaded = lesson("black-hole.toml");
    let errors = |name: &str, label: &str| 100.0 * (1.0 - success(&records(&variant(&loaded, name), label, 2)));
    let table = [("random", 10.1), ("round-robin", 10.0), ("power-of-d", 15.7), ("least-connections", 22.2), ("peak-ewma", 20.1)];
    for (label, published) in table {
        let (ours, ejected) = (errors("nothing is done", label), errors("ejected", label));
        said(format_args!("one of ten fails fast, {label}: errors (%)"), published, format_args!("{ours:.1} (with ejection {ejected:.2})"));
        assert!(is_near(ours, published, 0.05) && ejected < 0.1, "{label}: {ours}, {ejected}");
    }
}

/// With twenty waiting at most, two choices give 17% here and not 1.4%. What was given up leaves the balancer's count while it still waits, so it errs, some queues are
/// shorter, and some answers are in time; an oracle of the true lengths gives 0.3%. That the published program saw true lengths is inferred.
#[test]
fn under_overload_short_queues_or_the_newest_first() {
    let loaded = lesson("overload.toml");
    let goodput = |name: &str, label: &str| 120.0 * success(&records(&variant(&loaded, name), label, 2));
    for (name, label, published, low, high) in [
        ("no limit", "power-of-d", 0.0, 0.0, 1.0),
        ("20 wait", "join-shortest-queue", 1.4, 0.0, 3.0),
        ("20 wait", "power-of-d", 1.4, 0.0, 25.0),
        ("5 wait", "power-of-d", 96.8, 92.0, 100.0),
        ("newest first", "power-of-d", 94.6, 92.0, 100.0),
    ] {
        let ours = goodput(name, label);
        said(format_args!("20% too much, {name}, {label}: goodput (% of capacity)"), published, format_args!("{ours:.1}"));
        assert!((low..=high).contains(&ours), "{name}, {label}: {ours}");
    }
}

#[test]
fn losing_one_of_many_is_nothing_and_one_of_three_is_all() {
    let loaded = lesson("lose-one.toml");
    let of = |name: &str| records(&variant(&loaded, name), "power-of-d", 2);
    assert!(of("3").iter().all(|record| record.overloaded_at.is_some()));
    for (name, published) in [("5", 12.4), ("10", 7.7), ("30", 6.9)] {
        let ours = milliseconds(&latencies(&of(name)), 0.99) / 1000.0;
        said(format_args!("one of {name} lost at 70%: p99 (units of work)"), published, format_args!("{ours:.1}"));
        assert!(is_near(ours, published, 0.1), "{name}: {ours}");
    }
}

#[test]
fn a_cold_server_is_flooded_by_those_who_look_and_ruined_by_those_who_do_not() {
    let loaded = lesson("cold-start.toml");
    let outcome = |name: &str, label: &str| {
        let runs = Seen::all(&variant(&loaded, name), label, 4);
        let sent = |to| Seen::sent_to(&runs, 0, (30_000, to));
        (sent(30_050), sent(31_000), Seen::p99(&runs, (30_000, 32_000)))
    };
    let turns = outcome("at once", "round-robin");
    let least = outcome("at once", "least-connections");
    let two = outcome("at once", "power-of-d");
    let slowly = outcome("slow start", "least-connections");
    for (what, published, ours) in [
        ("round robin", "11 227 11.7", turns),
        ("least connections", "22 43 0.69", least),
        ("two choices", "24 59 0.69", two),
        ("least connections with slow start", "2 5 0.50", slowly),
    ] {
        let ours = format!("{:.0} {:.0} {:.2}", ours.0, ours.1, ours.2);
        said(format_args!("cold server, {what}: sent to it in 50 ms, in 1 s, p99 of the first 2 s (s)"), published, ours);
    }
    assert!(is_near(turns.0, 11.0, 0.1) && is_near(turns.1, 227.0, 0.05) && turns.2 > 5.0, "{turns:?}");
    assert!(least.0 > 1.5 * turns.0 && two.0 > 1.5 * turns.0 && slowly.0 < 5.0, "{least:?} {two:?} {slowly:?}");
    assert!(is_near(least.1, 43.0, 0.2) && is_near(two.1, 59.0, 0.2) && slowly.1 < 12.0, "{least:?} {two:?} {slowly:?}");
    assert!(is_near(least.2, 0.69, 0.2) && is_near(two.2, 0.69, 0.2) && slowly.2 < least.2, "{least:?} {two:?} {slowly:?}");
}
