//! Records of queues that are known: first come, first served, written down here without the engine.

use super::*;
use crate::dist::math::neg_ln;
use crate::random::Stream;
use crate::trace::entry::Entry;
use crate::trace::tape::{Origin, Writer};
use std::borrow::Cow;

/// Backends of these speeds with so many workers, at so many requests of 10 ms a second.
fn record(rule: Rule, speeds: &[f64], workers: usize, rate: f64, requests: usize) -> Tape {
    record_and_works(rule, speeds, workers, rate, requests).0
}

/// The same with the work of each.
fn record_and_works(rule: Rule, speeds: &[f64], workers: usize, rate: f64, requests: usize) -> (Tape, Vec<f64>) {
    let mut works = Vec::new();
    let mut chance = Stream::new(7);
    let mut writer = Writer::new(Vec::new()).expect("memory takes it");
    let mut free: Vec<Vec<f64>> = vec![vec![0.0; workers]; speeds.len()];
    let mut ends: Vec<Vec<f64>> = vec![Vec::new(); speeds.len()];
    let mut now = 0.0;
    for number in 0..requests {
        now += neg_ln(chance.unit()) * 1e9 / rate;
        ends.iter_mut().for_each(|ends| ends.retain(|&end| end > now));
        let fewest = ends.iter().map(Vec::len).min().expect("there are some");
        let least: Vec<usize> = (0..speeds.len()).filter(|&at| ends[at].len() == fewest).collect();
        let at = match rule {
            Rule::RoundRobin => number % speeds.len(),
            Rule::LeastConnections => least[chance.below(least.len() as u64) as usize],
            _ => chance.below(speeds.len() as u64) as usize,
        };
        let worker = (0..workers).min_by(|&a, &b| free[at][a].total_cmp(&free[at][b])).expect("there are some");
        works.push(neg_ln(chance.unit()) * 1e7);
        let end = free[at][worker].max(now) + works[number] / speeds[at];
        free[at][worker] = end;
        ends[at].push(end);
        let backend = Some(Cow::Owned(format!("b{at}").into_bytes()));
        writer
            .push(&Entry { at: now as i64, tick: 1, duration: Some((end - now) as u64), backend, ..Entry::default() })
            .expect("memory takes it");
    }
    let tape = Tape::from_bytes(writer.finish(Origin::default()).expect("memory takes it")).expect("it was written just now");
    (tape, works)
}

#[test]
fn speeds_workers_and_the_rule_come_back() {
    for rule in [Rule::RoundRobin, Rule::LeastConnections, Rule::Random] {
        // Capacity is 500 a second, at random the slow one gets a third of 250: 83 of its 100.
        let found = Calibration::of(&record(rule, &[1.0, 1.0, 0.5], 2, 250.0, 60_000)).expect("it has all that is needed");
        assert_eq!(found.rules[0].rule, rule, "{:?}", found.rules);
        for (backend, speed) in found.backends.iter().zip([1.0, 1.0, 0.5]) {
            // The median of n exponentials has relative error 1 ÷ (ln 2 · √n), here of at least 5,000, twice for a ratio, and once more for the fastest of two.
            let tolerance = 4.0 * 2.0 / (0.69 * libm::sqrt(5_000.0));
            assert!((backend.speed / speed - 1.0).abs() < tolerance, "{rule:?} {backend:?}");
            assert_eq!(backend.workers, Workers::Some(2), "{rule:?} {backend:?}");
        }
        let law = found.work.iter().find(|law| law.chosen).expect("always one");
        assert!((law.mean / 1e7 - 1.0).abs() < 0.05, "{law:?}");
    }
}

#[test]
fn a_limit_that_was_never_reached_is_not_seen() {
    let found = Calibration::of(&record(Rule::Random, &[1.0, 1.0], 50, 200.0, 20_000)).expect("it has all that is needed");
    assert!(found.backends.iter().all(|backend| backend.workers == Workers::Unlimited), "{:?}", found.backends);
    assert!(found.remarks.iter().any(|remark| remark.contains("never high enough")), "{:?}", found.remarks);
}

#[test]
fn what_is_missing_is_said() {
    let mut writer = Writer::new(Vec::new()).expect("memory takes it");
    writer.push(&Entry::default()).expect("memory takes it");
    let tape = Tape::from_bytes(writer.finish(Origin::default()).expect("memory takes it")).expect("it was written just now");
    assert!(Calibration::of(&tape).expect_err("nobody answered").to_string().contains("which backend"));
}

#[test]
fn work_is_what_is_left_of_a_duration() {
    let (tape, works) = record_and_works(Rule::LeastConnections, &[1.0, 1.0, 1.0], 2, 400.0, 20_000);
    let mut found = Calibration::of(&tape).expect("it has all that is needed");
    found.backends.iter_mut().for_each(|backend| backend.speed = 1.0);
    let inferred = found.inferred(&tape, 10_000).expect("it reads");
    assert_eq!(inferred.records(), 10_000);
    let mut number = 0;
    let each = |entry: &Entry<'_>| {
        // Instants and times are whole nanoseconds.
        let off = entry.service.expect("all have some") as f64 - works[number];
        assert!(off.abs() <= 3.0, "{number} {off}");
        number += 1;
        Ok(())
    };
    let mut each = each;
    inferred.each(&mut each).expect("it reads");
}
