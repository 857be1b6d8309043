//! One law suite over the whole catalogue: a balancer is tested the moment it is listed.
//!
//! What [`Law`] says is asked of every balancer with its defaults. Who disclaims a law must be seen breaking it in the same trial, or in one of
//! its own here; so a disclaimer that is no longer true fails as loudly as a law that is not kept.

use evenkeel::balance::{self, BackendId, Law, Listed, Member, Pick, Said, State};
use evenkeel::catalogue::{Kind, Value, Values};
use evenkeel::pick::Desk;
use evenkeel::random::Stream;
use evenkeel::scenario;
use evenkeel::time::Span;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

/// A balancer with some of its parameters.
struct Subject {
    listed: &'static Listed,
    values: Values,
    /// Its name, and what is not by default.
    name: String,
}

/// Everybody who can be built by name alone, with defaults, and with every other word of every choice and flag.
fn all() -> impl Iterator<Item = Subject> {
    balance::listed().into_iter().filter(|listed| scenario::needed(&listed.entry).is_none()).flat_map(|listed| {
        let defaults = scenario::defaults(&listed.entry);
        let mut subjects = vec![Subject { listed, values: defaults.clone(), name: listed.entry.name.to_owned() }];
        for parameter in listed.entry.parameters {
            let others: Vec<Value> = match parameter.kind {
                Kind::Choice(words) => words.iter().map(|word| Value::Text((*word).to_owned())).collect(),
                Kind::Bool => vec![Value::Bool(true), Value::Bool(false)],
                _ => Vec::new(),
            };
            for value in others.into_iter().filter(|value| defaults.get(parameter.name) != Some(value)) {
                let name = format!("{} {} = {value:?}", listed.entry.name, parameter.name);
                let mut values = defaults.clone();
                values.set(parameter.name, value);
                if (listed.check)(&values).is_ok() {
                    subjects.push(Subject { listed, values, name });
                }
            }
        }
        subjects
    })
}

fn desk(subject: &Subject, members: Vec<Member>, seed: u64) -> Desk {
    Desk::new((subject.listed.build)(&subject.values), members, Stream::new(seed))
}

fn member(number: usize, weight: f64) -> Member {
    Member { name: format!("b{number}"), ..Member::new(format!("10.0.{}.{}:8080", number / 250, number % 250 + 1)).weight(weight) }
}

fn members(weights: &[f64]) -> Vec<Member> {
    weights.iter().enumerate().map(|(number, &weight)| member(number, weight)).collect()
}

/// A request that says its key and its client.
fn said(number: u64) -> Said {
    Said { key: Some(format!("/item/{number}")), client: Some(balance::client_address(number as u32).to_string()), criteria: Vec::new() }
}

/// Runs a trial of a law on everybody: `trial` says what was broken, if anything was.
fn ask(law: Law, asked: impl Fn(&Listed) -> bool, trial: impl Fn(&Subject) -> Option<String>) {
    let mut wrong = Vec::new();
    let mut shown: Vec<(&str, bool)> = Vec::new();
    for subject in all().filter(|subject| asked(subject.listed)) {
        let name = subject.listed.entry.name;
        let broken = catch_unwind(AssertUnwindSafe(|| trial(&subject))).unwrap_or_else(|_| Some("it panicked".to_owned()));
        if let (None, Some(broken)) = (subject.listed.broken(law), &broken) {
            wrong.push(format!("{} breaks a law it does not disclaim: {broken}", subject.name));
        }
        match shown.iter_mut().find(|(known, _)| *known == name) {
            Some((_, is_shown)) => *is_shown |= broken.is_some(),
            None => shown.push((name, broken.is_some())),
        }
    }
    for (name, is_shown) in shown {
        let why = balance::find(name).and_then(|listed| listed.broken(law));
        if let (false, Some(why)) = (is_shown, why) {
            wrong.push(format!("{name} keeps a law that it disclaims ({why})"));
        }
    }
    assert!(wrong.is_empty(), "{law:?}: {}\n{}", law.words(), wrong.join("\n"));
}

/// What happened in a random life.
#[derive(Debug, Default, PartialEq)]
struct Life {
    picks: Vec<Pick>,
    /// The first pick of somebody who was not eligible.
    ineligible: Option<String>,
    waited: bool,
}

/// A balancer's life at random: picks, ends, failures, retries, time, weights, states, joins, leaves, new configurations, reports.
fn live(subject: &Subject, seed: u64, steps: usize) -> Life {
    let mut chance = Stream::new(seed);
    let (least, most) = subject.listed.whole_weights.unwrap_or((0, 5));
    let weight = |chance: &mut Stream| {
        f64::from(least.max(u32::from(chance.below(5) > 0)) + chance.below(u64::from(most.min(5))) as u32).min(f64::from(most))
    };
    let one = |chance: &mut Stream, number: usize| Member {
        zone: ["a", "b"][chance.below(2) as usize].into(),
        priority: u32::from(chance.below(5) == 0),
        backup: chance.below(6) == 0,
        max_in_flight: (chance.below(2) == 0).then_some(2 + chance.below(3) as u32),
        labels: vec![("version".into(), chance.below(2).to_string())],
        ..member(number, weight(chance))
    };
    let mut count = 8;
    let start = (0..count).map(|number| one(&mut chance, number)).collect();
    let mut desk = desk(subject, start, seed);
    let mut life = Life::default();
    let mut open: Vec<u64> = Vec::new();
    let note = |life: &mut Life, desk: &Desk, pick: Pick| {
        life.picks.push(pick);
        life.waited |= pick == Pick::Wait;
        if let Pick::Backend(backend) = pick
            && !desk.pool().is_eligible(backend)
            && life.ineligible.is_none()
        {
            life.ineligible = Some(format!("step {}: picked {backend:?}, which is {:?}", life.picks.len(), desk.pool().state(backend)));
        }
    };
    for number in 0..steps as u64 {
        let somebody = BackendId(chance.below(count as u64) as u32);
        match chance.below(40) {
            0..=15 => {
                let mut said = said(chance.below(300));
                said.key = said.key.filter(|_| chance.below(10) > 0);
                let pick = desk.pick(number, said, chance.below(3) as i32 - 1);
                note(&mut life, &desk, pick);
                open.push(number);
            }
            16..=28 if !open.is_empty() => {
                let at = chance.below(open.len() as u64) as usize;
                let latency = (chance.below(2) == 0).then(|| Span(chance.below(50_000_000)));
                desk.done(open.swap_remove(at), chance.below(8) > 0, latency);
            }
            29 if !open.is_empty() => {
                let pick = desk.retry(open[chance.below(open.len() as u64) as usize]);
                note(&mut life, &desk, pick);
            }
            30 | 31 => desk.advance(Span(chance.below(4_000_000_000))),
            32 => desk.set_weight(somebody, weight(&mut chance)),
            33 | 34 => {
                let state = State::NAMES[chance.below(State::NAMES.len() as u64) as usize].1;
                desk.set_state(somebody, state);
            }
            35 | 36 => desk.set_state(somebody, State::Up),
            37 if count < 20 => {
                let member = one(&mut chance, count);
                desk.join(member);
                count += 1;
            }
            38 if count > 12 => desk.leave(somebody),
            38 => desk.rebuild(),
            39 => {
                let report = balance::Report {
                    rps: chance.below(200) as f64,
                    eps: chance.below(20) as f64,
                    utilization: chance.unit(),
                    in_flight: chance.below(9) as u32,
                    latency: Span(chance.below(20_000_000)),
                    service: Span(chance.below(20_000_000)),
                };
                desk.report(somebody, &report);
            }
            _ => {}
        }
    }
    life
}

/// What was broken in somebody's lives.
struct Breaches {
    name: String,
    ineligible: Option<String>,
    waited: bool,
}

/// Enough lives of everybody that a rare breach shows, and that a disclaimed one surely does: lived once, for both laws that are asked of them.
fn breaches(subject: &Subject) -> &'static Breaches {
    static LIVED: OnceLock<Vec<Breaches>> = OnceLock::new();
    let lived = LIVED.get_or_init(|| {
        let of = |subject: Subject| {
            let lives: Vec<Life> = (0..4).map(|seed| live(&subject, seed, 1_200)).collect();
            let waited = lives.iter().any(|life| life.waited);
            Breaches { name: subject.name, ineligible: lives.into_iter().find_map(|life| life.ineligible), waited }
        };
        all().map(of).collect()
    });
    lived.iter().find(|breaches| breaches.name == subject.name).expect("everybody has lived")
}

#[test]
fn only_eligible_backends_are_picked() {
    ask(Law::OnlyEligible, |_| true, |subject| breaches(subject).ineligible.clone());
}

#[test]
fn requests_are_answered_at_once() {
    // Some hold requests only while nobody is connected, which a random life hardly sees.
    let waits_for_a_connection = |subject: &Subject| {
        let mut desk = desk(subject, members(&[1.0, 2.0]), 5);
        (0..2).for_each(|id| desk.set_state(BackendId(id), State::Connecting));
        desk.pick(1, said(1), 0) == Pick::Wait
    };
    // Others only while everybody has as many as it may.
    let waits_for_a_slot = |subject: &Subject| {
        let full = |member| Member { max_in_flight: Some(1), ..member };
        let mut desk = desk(subject, members(&[1.0, 1.0]).into_iter().map(full).collect(), 5);
        (0..3).any(|number| desk.pick(number, said(number), 0) == Pick::Wait)
    };
    ask(
        Law::AnswersAtOnce,
        |_| true,
        |subject| {
            let held = waits_for_a_connection(subject) || waits_for_a_slot(subject) || breaches(subject).waited;
            held.then(|| "a request was held".to_owned())
        },
    );
}

#[test]
fn a_seed_decides_everything() {
    for subject in all() {
        assert_eq!(live(&subject, 9, 600), live(&subject, 9, 600), "{}", subject.name);
    }
}

/// Requests one after the other, each ended before the next: who got how many.
fn split(subject: &Subject, members: Vec<Member>, requests: u64) -> (Vec<u64>, u64) {
    let (mut counts, mut none) = (vec![0; members.len()], 0);
    let mut desk = desk(subject, members, 5);
    for number in 0..requests {
        match desk.pick(number, said(number), 0) {
            Pick::Backend(backend) => counts[backend.index()] += 1,
            _ => none += 1,
        }
        desk.advance(Span(1_000_000));
        desk.done(number, true, Some(Span(1_000_000)));
    }
    (counts, none)
}

/// Whether a backend of weight 0 gets any of many requests that do not end, which is when some look at nothing but counts.
fn under_load(subject: &Subject) -> bool {
    let mut desk = desk(subject, members(&[0.0, 1.0, 1.0]), 5);
    (0..20).any(|number| desk.pick(number, said(number), 0) == Pick::Backend(BackendId(0)))
}

#[test]
fn weight_zero_gets_nothing() {
    let takes_zero = |listed: &Listed| listed.whole_weights.is_none_or(|(least, _)| least == 0);
    ask(Law::ZeroWeight, takes_zero, |subject| {
        let (counts, none) = split(subject, members(&[0.0, 1.0, 2.0, 0.0, 1.0]), 2_000);
        let is_broken = counts[0] + counts[3] > 0 || none > 0 || subject.listed.broken(Law::ZeroWeight).is_some() && under_load(subject);
        is_broken.then(|| format!("{counts:?}, nobody {none} times"))
    });
}

#[test]
fn where_nobody_is_eligible_nobody_is_picked() {
    ask(
        Law::NobodyLeft,
        |_| true,
        |subject| {
            let mut desk = desk(subject, members(&[1.0, 2.0, 1.0]), 5);
            (0..3).for_each(|id| desk.set_state(BackendId(id), State::Down));
            (0..50).map(|number| desk.pick(number, said(number), 0)).find(|pick| *pick != Pick::None).map(|pick| format!("{pick:?}"))
        },
    );
}

/// Requests in a sample of shares.
const REQUESTS: u64 = 40_000;

/// Shares that do not follow these weights.
fn off(subject: &Subject, members: Vec<Member>, weights: &[f64]) -> Option<String> {
    let (counts, none) = split(subject, members, REQUESTS);
    let total: f64 = weights.iter().sum();
    // A table of P points for each unit of weight has P·Σw arcs, whose shares are as Dirichlet's: variance s(1 − s) ÷ (P·Σw + 1). The requests, or the keys, add that of a
    // binomial. Five standard deviations of both; round robins are far inside.
    let listed = subject.listed;
    let points = match subject.values.get("points") {
        Some(Value::Whole(points)) => *points as f64,
        _ => f64::from(listed.points_per_weight),
    };
    let arcs = if points > 0.0 { points * total } else { f64::INFINITY };
    let off = counts.iter().zip(weights).find(|&(&count, weight)| {
        let share = weight / total;
        let variance = share * (1.0 - share) * (1.0 / REQUESTS as f64 + 1.0 / (arcs + 1.0));
        (count as f64 / REQUESTS as f64 - share).abs() > 5.0 * variance.sqrt()
    });
    (off.is_some() || none > 0).then(|| format!("{counts:?}, nobody {none} times"))
}

#[test]
fn in_an_idle_pool_shares_follow_the_weights() {
    // Twenty, two thirds of them in one zone: enough for subsets and zones to show.
    let weights: Vec<f64> = [5.0, 3.0, 1.0, 1.0].repeat(5);
    let pool = || {
        let zoned = |(number, member): (usize, Member)| Member { zone: if number % 3 == 0 { "b" } else { "a" }.into(), ..member };
        members(&weights).into_iter().enumerate().map(zoned).collect()
    };
    ask(
        Law::Weights,
        |_| true,
        |subject| {
            // Who disclaims the law may show it only where backends are few.
            let few = [5.0, 1.0, 1.0];
            let disclaims = subject.listed.broken(Law::Weights).is_some();
            off(subject, pool(), &weights).or_else(|| disclaims.then(|| off(subject, members(&few), &few)).flatten())
        },
    );
}

#[test]
fn when_a_backend_leaves_only_its_own_keys_move() {
    ask(
        Law::OnlyOwnKeysMove,
        |listed| listed.by_key,
        |subject| {
            let mut desk = desk(subject, members(&[1.0, 2.0, 1.0, 3.0, 1.0, 1.0]), 5);
            let mut number = 0;
            let mut ask = |desk: &mut Desk| -> Vec<Pick> {
                let one = |key| {
                    number += 1;
                    let pick = desk.pick(number, said(key), 0);
                    desk.done(number, true, Some(Span(1)));
                    pick
                };
                (0..1_500).map(one).collect()
            };
            let before = ask(&mut desk);
            for gone in [0, 3, 5].map(BackendId) {
                desk.set_state(gone, State::Down);
                let without = ask(&mut desk);
                let moved = before.iter().zip(&without).filter(|(was, now)| was != now && **was != Pick::Backend(gone)).count();
                if moved > 0 {
                    return Some(format!("{moved} of others' keys moved when {gone:?} left"));
                }
                desk.set_state(gone, State::Up);
                if ask(&mut desk) != before {
                    return Some(format!("keys did not come back with {gone:?}"));
                }
            }
            // Who is taken out of the configuration is not only down.
            desk.leave(BackendId(2));
            desk.rebuild();
            let moved = before.iter().zip(ask(&mut desk)).filter(|(was, now)| *was != now && **was != Pick::Backend(BackendId(2))).count();
            (moved > 0).then(|| format!("{moved} of others' keys moved when one was taken out for good"))
        },
    );
}

#[test]
fn the_only_backend_gets_everything() {
    // To give nobody what asks for no subset is what that word asks for.
    let refuses = |subject: &Subject| subject.values.get("fallback") == Some(&Value::Text("none".into()));
    for subject in all().filter(|subject| !refuses(subject)) {
        let mut desk = desk(&subject, members(&[1.0]), 5);
        for number in 0..100 {
            assert_eq!(desk.pick(number, said(number), 0), Pick::Backend(BackendId(0)), "{}", subject.name);
            desk.done(number, true, Some(Span(1)));
        }
        let mut desk = self::desk(&subject, Vec::new(), 5);
        assert_eq!(desk.pick(1, said(1), 0), Pick::None, "{} without any backend", subject.name);
        let new = desk.join(member(0, 1.0));
        assert_eq!(desk.pick(2, said(2), 0), Pick::Backend(new), "{} after the first has joined", subject.name);
    }
}

#[test]
fn what_is_said_of_every_balancer_is_whole() {
    let mut names = Vec::new();
    for listed in balance::listed() {
        let entry = &listed.entry;
        assert!(!names.contains(&entry.name), "{} is listed twice", entry.name);
        names.push(entry.name);
        assert!(
            !entry.summary.is_empty() && entry.summary.len() <= 100 && !entry.summary.ends_with('.'),
            "{}: {}",
            entry.name,
            entry.summary
        );
        assert!(entry.text.len() > 60, "{} explains nothing", entry.name);
        assert!(entry.text.contains("O(") || listed.entry.name == "script", "{} does not say what a pick costs", entry.name);
        assert!(
            entry.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-/".contains(&byte)),
            "{}",
            entry.name
        );
        assert_eq!(
            entry.name.contains('/'),
            !listed.product.is_empty(),
            "{}: a product's rule says which, and nobody else does",
            entry.name
        );
        for parameter in entry.parameters {
            assert!(!parameter.text.is_empty(), "{}.{} is not explained", entry.name, parameter.name);
        }
    }
}

#[test]
fn a_bounded_load_never_exceeds_its_cap() {
    let listed = balance::find("bounded-load").expect("it is in the catalogue");
    let weights = [1.0, 2.0, 1.0, 4.0, 0.5];
    let total_weight: f64 = weights.iter().sum();
    for (over, factor) in [("ring", 1.0), ("ring", 1.25), ("maglev", 1.0), ("maglev", 2.0)] {
        let mut values = scenario::defaults(&listed.entry);
        values.set("over", Value::Text(over.into()));
        values.set("factor", Value::Number(factor));
        let subject = Subject { listed, values, name: format!("bounded-load over {over}") };
        let mut desk = desk(&subject, members(&weights), 3);
        let (mut chance, mut open) = (Stream::new(8), Vec::new());
        for number in 0..20_000 {
            if chance.below(100) < 48 && !open.is_empty() {
                desk.done(open.swap_remove(chance.below(open.len() as u64) as usize), true, None);
                continue;
            }
            // Few keys, so that hot ones must spill.
            let Pick::Backend(backend) = desk.pick(number, said(chance.below(6)), 0) else { panic!("all are eligible") };
            open.push(number);
            let cap = (factor * open.len() as f64 * weights[backend.index()] / total_weight).ceil();
            assert!(f64::from(desk.pool().in_flight(backend)) <= cap, "{}, request {number}: {backend:?} is above {cap}", subject.name);
        }
    }
}

/// What everybody does in a life, pinned: a change of any balancer's choices shows here, on every machine.
#[test]
fn lives_are_what_they_were() {
    let mut text = String::new();
    for subject in all() {
        let hash = live(&subject, 9, 600).picks.iter().fold(0, |hash, pick| {
            let place = match pick {
                Pick::Backend(backend) => u64::from(backend.0),
                Pick::Wait => u64::MAX,
                Pick::None => u64::MAX - 1,
            };
            evenkeel::random::mix(hash ^ place)
        });
        text.push_str(&format!("{hash:016x} {}\n", subject.name));
    }
    crate::blessed::whole("tests/data/lives.txt", &text);
}
