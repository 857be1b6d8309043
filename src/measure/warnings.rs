//! What a reader in a hurry has to know before trusting the numbers, and what to do about it.
//!
//! One sentence a kind, naming the balancers it is about, the gravest first.

use super::record::Loop;
use super::result::Measured;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a warning is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// No request succeeded.
    NothingSucceeded,
    /// The offered load is above the pool's capacity.
    LoadOverOne,
    /// The system did not come back after a fault that was over.
    Metastable,
    /// A backlog grows without end.
    Overloaded,
    /// A cell never settles: no mean.
    NeverSettles,
    /// The warm-up was too short.
    WarmUp,
    /// There are no intervals.
    OneReplication,
    /// An interval is wider than a tenth of its value.
    WideInterval,
    /// Too few requests for the highest percentiles.
    TooShort,
    /// The traffic is a record, the same in every replication.
    SameTraffic,
    /// A fault of the scenario never began while it was measured.
    NoFault,
}

/// One warning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// What it is about.
    pub kind: Kind,
    /// What to know and what to do, in plain words.
    pub text: String,
}

/// Requests that p99.9 needs: ten beyond it, 10 ÷ (1 − 0.999).
const FOR_P99_9: u64 = 10_000;
/// An interval wider than this share of its value is called wide.
const WIDE: f64 = 0.1;

/// All that there is to warn of in a run.
#[must_use]
pub fn all(replications: u32, measured: &[Measured]) -> Vec<Warning> {
    [nothing_succeeded, load, metastable, overloaded, never_settles, warm_up]
        .into_iter()
        .filter_map(|about| about(measured))
        .chain(one_replication(replications))
        .chain(wide(measured))
        .chain(too_short(measured))
        .chain(no_fault(measured))
        .chain(same_traffic(replications, measured))
        .collect()
}

/// The sentence for those results to which it applies, if there are any; it gets their names.
fn about<'a>(
    kind: Kind,
    measured: &'a [Measured],
    applies: impl Fn(&Measured) -> bool,
    text: impl Fn(&str, &[&'a Measured]) -> String,
) -> Option<Warning> {
    let found: Vec<&Measured> = measured.iter().filter(|one| applies(one)).collect();
    (!found.is_empty()).then(|| Warning { kind, text: text(&names(&found, measured.len()), &found) })
}

/// `a, b and c`; `every balancer` where it is all of several; the first four and a count of the rest.
fn names(found: &[&Measured], of: usize) -> String {
    let name = |one: &&Measured| match &one.subject.variant {
        Some(variant) => format!("{} ({variant})", one.subject.balancer),
        None => one.subject.balancer.clone(),
    };
    let shown: Vec<String> = found.iter().take(4).map(name).collect();
    match (found.len(), shown.as_slice()) {
        (count, _) if count == of && of > 2 => "every balancer".into(),
        (1, [one]) => one.clone(),
        (count, shown) if count > 4 => format!("{} and {} more", shown.join(", "), count - 4),
        (_, [firsts @ .., last]) => format!("{} and {last}", firsts.join(", ")),
        (_, []) => String::new(),
    }
}

fn nothing_succeeded(measured: &[Measured]) -> Option<Warning> {
    about(
        Kind::NothingSucceeded,
        measured,
        |one| one.result.requests.succeeded == 0,
        |names, found| match found.iter().any(|one| one.result.requests.offered > 0) {
            true => format!("No request succeeded with {names}, so there are no latencies: look at the errors, or run longer."),
            false => format!(
                "No request was measured with {names}: none arrived after the warm-up. Make the run longer, or the warm-up shorter."
            ),
        },
    )
}

fn load(measured: &[Measured]) -> Option<Warning> {
    about(
        Kind::LoadOverOne,
        measured,
        |one| one.subject.load.is_some_and(|load| load > 1.0),
        |names, found| {
            let load = found.iter().filter_map(|one| one.subject.load).fold(0.0, f64::max);
            let percent = 100.0 * load;
            format!(
                "The load is {percent:.0}% of what the backends can do with {names}: nobody can keep up with that. \
             Add backends or lower the traffic."
            )
        },
    )
}

/// One sentence for all: the first loop that is found, with the faults that it was found at.
fn metastable(measured: &[Measured]) -> Option<Warning> {
    let kept_up = |one: &Measured, by: Loop| one.result.faults.iter().any(|fault| fault.metastable == Some(by));
    let by = Loop::ALL.into_iter().find(|&by| measured.iter().any(|one| kept_up(one, by)))?;
    about(
        Kind::Metastable,
        measured,
        |one| kept_up(one, by),
        |names, found| {
            let mut faults: Vec<&str> = Vec::new();
            for fault in found.iter().flat_map(|one| &one.result.faults) {
                if fault.metastable == Some(by) && !faults.contains(&fault.name.as_str()) {
                    faults.push(&fault.name);
                }
            }
            let (faults, is_one) = (faults.join("`, `"), faults.len() == 1);
            let trigger = if is_one { "its trigger was" } else { "their triggers were" };
            format!("{} did not come back after `{faults}` though {trigger} gone: kept up by {}. {}", capital(names), by.name(), remedy(by))
        },
    )
}

fn remedy(by: Loop) -> &'static str {
    match by {
        Loop::Retries => "Give retries a budget, make fewer, or let backends drop what nobody waits for.",
        Loop::ColdCaches => "Let traffic come back step by step, or have enough backends for cold caches.",
        Loop::Backlog => "Bound the queues, or let backends drop what nobody waits for.",
    }
}

fn capital(names: &str) -> String {
    if names == "every balancer" { "Every balancer".into() } else { names.into() }
}

fn overloaded(measured: &[Measured]) -> Option<Warning> {
    about(
        Kind::Overloaded,
        measured,
        |one| one.health.overloaded > 0,
        |names, found| {
            let first = found.iter().filter_map(|one| one.result.overloaded_at_s).fold(f64::INFINITY, f64::min);
            let (some, of) = found.iter().fold((0, 0), |(some, of), one| (some + one.health.overloaded, of + one.health.replications));
            let part = if some < of { format!(" in {some} of {of} replications") } else { String::new() };
            format!(
                "Overloaded from {first:.1} s on{part}: {names}. \
             A backlog grows without end: latencies there only tell how long the run was, and no mean is quoted."
            )
        },
    )
}

fn never_settles(measured: &[Measured]) -> Option<Warning> {
    about(
        Kind::NeverSettles,
        measured,
        |one| !one.settled() && 2 * one.health.overloaded <= one.health.replications,
        |names, _| {
            format!(
                "No mean is quoted for {names}: latency still drifts in the second half of the run. \
             Run at least twice as long."
            )
        },
    )
}

fn warm_up(measured: &[Measured]) -> Option<Warning> {
    about(
        Kind::WarmUp,
        measured,
        |one| !one.result.warmup_reached && one.settled(),
        |names, found| {
            let drop = found.iter().map(|one| one.health.drop).fold(0.0, f64::max);
            let percent = libm::ceil(100.0 * drop - 1e-9);
            format!(
                "The warm-up is too short for {names}: latency still drifts after it. \
             Drop the first {percent}% (run.warmup = \"{percent}%\") or run longer."
            )
        },
    )
}

fn one_replication(replications: u32) -> Option<Warning> {
    (replications == 1).then(|| Warning {
        kind: Kind::OneReplication,
        text: "Only one replication was run: there are no confidence intervals and no comparison can be decided. \
               Set run.replications to 5 or more."
            .into(),
    })
}

/// The relative half-width of the mean's or the 99th percentile's interval, the wider.
fn width(one: &Measured) -> f64 {
    let (value, half) = (&one.result.latency_ms, &one.result.latency_ms_ci95);
    let relative =
        |value: Option<f64>, half: Option<f64>| value.zip(half).map_or(0.0, |(value, half)| if value > 0.0 { half / value } else { 0.0 });
    relative(value.mean, half.mean).max(relative(value.p99, half.p99))
}

fn wide(measured: &[Measured]) -> Option<Warning> {
    about(
        Kind::WideInterval,
        measured,
        |one| width(one) > WIDE && one.health.overloaded == 0 && one.settled(),
        |names, found| {
            let width = found.iter().map(|one| width(one)).fold(0.0, f64::max);
            let now = found.iter().map(|one| one.health.replications).max().unwrap_or(1);
            // The width falls with the square root of the number of replications.
            let wanted = libm::ceil(f64::from(now) * (width / WIDE) * (width / WIDE));
            format!("Intervals are up to ±{:.0}% wide for {names}. Run longer, or about {wanted} replications for ±10%.", 100.0 * width)
        },
    )
}

fn too_short(measured: &[Measured]) -> Option<Warning> {
    let short = |one: &Measured| (1..FOR_P99_9).contains(&one.result.requests.succeeded);
    about(Kind::TooShort, measured, short, |names, found| {
        let fewest = found.iter().map(|one| one.result.requests.succeeded).min().unwrap_or(0);
        format!(
            "Too short for p99.9 with {names}: it rests on fewer than 10 of {fewest} requests. \
             Measure at least 10,000 (run.requests)."
        )
    })
}

/// A record is the same in every replication.
fn same_traffic(replications: u32, measured: &[Measured]) -> Option<Warning> {
    (replications > 1 && !measured.is_empty() && measured.iter().all(|one| one.subject.is_recorded)).then(|| Warning {
        kind: Kind::SameTraffic,
        text: "The traffic is a record, the same in every replication: intervals and verdicts are about this record and the balancers' own chance, not about \
               another day."
            .into(),
    })
}

/// Faults that never began with anybody, in any variant that has them.
fn no_fault(measured: &[Measured]) -> Option<Warning> {
    let mut happened: BTreeMap<&str, bool> = BTreeMap::new();
    for fault in measured.iter().flat_map(|one| &one.result.faults) {
        *happened.entry(&fault.name).or_default() |= fault.occurrences > 0;
    }
    let never: Vec<&str> = happened.into_iter().filter(|(_, happened)| !happened).map(|(name, _)| name).collect();
    (!never.is_empty()).then(|| Warning {
        kind: Kind::NoFault,
        text: format!(
            "`{}` never began between the end of the warm-up and the last arrival: nothing is said of what it does. Run longer, or move it.",
            never.join("`, `")
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::record::{FaultRecord, Record};
    use crate::measure::result::ResultBuilder;
    use crate::measure::setup::{Fault, Subject};
    use crate::time::{SimTime, Span};

    fn measured(balancer: &str, load: Option<f64>, records: Vec<Record>) -> Measured {
        let subject = Subject { balancer: balancer.into(), load, ..Subject::default() };
        let mut builder = ResultBuilder::new(subject, []).expect("nothing asked for");
        records.into_iter().for_each(|record| builder.add(record));
        builder.finish()
    }

    fn record(requests: u64, ms: u64) -> Record {
        let mut record = Record { offered: requests, succeeded: requests, window_end: SimTime(1_000_000_000), ..Record::default() };
        (0..requests).for_each(|_| record.latency.record(ms * 1_000_000));
        record
    }

    fn kinds(found: &[Warning]) -> Vec<Kind> {
        found.iter().map(|warning| warning.kind).collect()
    }

    #[test]
    fn a_sound_run_has_none() {
        assert!(all(2, &[measured("a", Some(0.9), vec![record(5000, 10), record(5000, 10)])]).is_empty());
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(kinds(&all(1, &[measured("a", None, vec![record(10_000, 10)])])), [Kind::OneReplication]);
        assert_eq!(kinds(&all(2, &[measured("a", None, vec![record(4999, 10), record(5000, 10)])])), [Kind::TooShort]);
        assert_eq!(kinds(&all(2, &[measured("a", None, vec![record(9000, 10), record(9000, 20)])])), [Kind::WideInterval]);
        let nothing = Record { offered: 10, failed: 10, ..Record::default() };
        assert_eq!(
            kinds(&all(2, &[measured("a", Some(1.2), vec![nothing.clone(), nothing])])),
            [Kind::NothingSucceeded, Kind::LoadOverOne]
        );
    }

    #[test]
    fn a_short_warm_up_says_how_much_to_drop() {
        let mut short = record(10_000, 10);
        (0..10_000_u64).for_each(|at| short.batches.push(Span(if at < 3000 { 9_000_000 } else { (at * 7919) % 1_000_000 })));
        short.warmup_share = 0.1;
        let found = all(2, &[measured("slow start", None, vec![short.clone(), short])]);
        assert_eq!(kinds(&found), [Kind::WarmUp]);
        assert!(found[0].text.contains("too short for slow start") && found[0].text.contains("run.warmup = \"30%\""), "{}", found[0].text);
    }

    #[test]
    fn overload_says_when_and_how_often() {
        let mut over = record(10_000, 10);
        over.overloaded_at = Some(SimTime(12_340_000_000));
        let found = all(2, &[measured("random", None, vec![over, record(10_000, 10)])]);
        assert_eq!(kinds(&found), [Kind::Overloaded]);
        assert!(found[0].text.starts_with("Overloaded from 12.3 s on in 1 of 2 replications: random."), "{}", found[0].text);
    }

    #[test]
    fn a_fault_that_never_began_is_named() {
        let with = |happened: u64| {
            let mut record = record(10_000, 10);
            record.faults = vec![FaultRecord { occurrences: happened, ..FaultRecord::default() }, FaultRecord::default()];
            let fault = |name: &str| Fault { name: name.into(), kind: "crash".into() };
            let subject = Subject { balancer: "a".into(), faults: vec![fault("one"), fault("two")].into(), ..Subject::default() };
            let mut builder = ResultBuilder::new(subject, []).expect("nothing asked for");
            [record.clone(), record].into_iter().for_each(|record| builder.add(record));
            all(2, &[builder.finish()])
        };
        assert!(with(0)[0].text.starts_with("`one`, `two` never began between"), "{}", with(0)[0].text);
        assert!(with(1)[0].text.starts_with("`two` never began between"));
    }

    #[test]
    fn many_names_are_cut_short() {
        let results: Vec<Measured> =
            (0..8).map(|at| measured(&format!("b{at}"), (at > 0).then_some(2.0), vec![record(10_000, 1); 2])).collect();
        assert!(all(2, &results)[0].text.contains("with b1, b2, b3, b4 and 3 more:"), "{}", all(2, &results)[0].text);
        assert!(all(2, &results[1..])[0].text.contains("with every balancer:"));
        assert!(all(2, &results[..3])[0].text.contains("with b1 and b2:"));
    }
}
