//! Random faults, and what must hold of every timeline made of them.

use super::random_worlds::cases;
use evenkeel::dist::Dist;
use evenkeel::fault::{Change, Fault, Kind, Repeats, Target, Timeline, windows};
use evenkeel::time::Span;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// So many backends.
const BACKENDS: u32 = 6;
/// So many changes are looked at.
const LOOKED_AT: usize = 400;

fn spans() -> impl Strategy<Value = Span> {
    (1..50_u64).prop_map(Span)
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Crash),
        Just(Kind::Hang),
        Just(Kind::Pause),
        Just(Kind::Stale),
        (0.1..2.0).prop_map(|factor| Kind::Slow { factor }),
        (0.0..1.0).prop_map(|share| Kind::Errors { share, takes: None }),
        (spans(), spans()).prop_map(|(up, down)| Kind::Flap { up, down }),
        Just(Kind::Latency { add: Dist::Constant(1.0) }),
        (0.0..1.0).prop_map(|share| Kind::Loss { share }),
        (0..20_u64).prop_map(|drain| Kind::Leave { drain: Span(drain) }),
        (0.1..1.0, spans()).prop_map(|(factor, over)| Kind::Join { factor, over }),
        (1..4_u32, 0..9_u64, spans(), 0.1..1.0, spans()).prop_map(|(batch, drain, takes, factor, over)| Kind::Deploy {
            batch,
            drain: Span(drain),
            takes,
            factor,
            over
        }),
        (0.0..5.0).prop_map(|factor| Kind::Surge { factor }),
    ]
}

/// Faults as the reader lets them through: none overlaps itself.
fn faults() -> impl Strategy<Value = Fault> {
    let among = prop::collection::btree_set(0..BACKENDS, 1..=BACKENDS as usize);
    let how = (0..4_u8, spans(), spans(), 1..3_u64);
    (kinds(), among, any::<bool>(), 0..100_u64, how).prop_map(|(kind, among, is_drawn, at, (how, lasts, more, times))| {
        let among: Vec<u32> = among.into_iter().collect();
        let draw = is_drawn.then_some((among.len() as u32).div_ceil(2));
        let target = Target { written: String::new(), among, draw };
        let mut fault = Fault { name: String::new(), kind, target, at: Span(at), lasts: Some(lasts), repeats: Repeats::Never };
        let is_once = matches!(fault.kind, Kind::Join { .. });
        let length = fault.length().expect("it has a length");
        match how {
            0 => fault.lasts = None,
            1 if !is_once => fault.repeats = Repeats::Every(Span(length.0 + more.0 * (times - 1))),
            2 if !is_once && !matches!(fault.kind, Kind::Deploy { .. }) => {
                (fault.lasts, fault.repeats) = (None, Repeats::Drawn { up: more, down: lasts });
            }
            _ => {}
        }
        fault
    })
}

fn changes(timeline: &mut Timeline) -> Vec<Change> {
    std::iter::from_fn(|| timeline.pop()).take(LOOKED_AT).collect()
}

/// What has begun and not ended; the end of something that had not begun is a failure.
fn open(changes: &[Change]) -> Result<usize, TestCaseError> {
    let mut open: BTreeMap<String, usize> = BTreeMap::new();
    for change in changes {
        let key = format!("{} {} {:?} {:?}", change.fault, change.occurrence, change.effect, change.backends);
        let count = open.entry(key).or_default();
        prop_assert!(change.begins || *count > 0, "{change:?} ends and had not begun");
        *count = if change.begins { *count + 1 } else { *count - 1 };
        prop_assert!(*count <= 1, "{change:?} begins twice");
    }
    Ok(open.into_values().sum())
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn timelines_are_sorted_paired_and_the_same_again(all in prop::collection::vec(faults(), 0..5), seed: u64, replication in 0..3_u64) {
        let told = changes(&mut Timeline::new(&all, seed, replication));
        let key = |change: &Change| (change.at, change.fault, change.occurrence, change.begins);
        prop_assert!(told.windows(2).all(|pair| key(&pair[0]) <= key(&pair[1])), "{told:?}");
        open(&told)?;
        prop_assert_eq!(&told, &changes(&mut Timeline::new(&all, seed, replication)));
        for change in &told {
            prop_assert!(change.backends.windows(2).all(|pair| pair[0] < pair[1]) && !change.backends.is_empty());
            prop_assert!(change.backends.iter().all(|backend| all[change.fault as usize].target.among.contains(backend)));
        }
    }

    #[test]
    fn what_has_begun_ends_after_the_stop_and_nothing_else(all in prop::collection::vec(faults(), 1..5), seed: u64, taken in 0..30_usize) {
        let mut timeline = Timeline::new(&all, seed, 0);
        let mut told: Vec<Change> = std::iter::from_fn(|| timeline.pop()).take(taken).collect();
        timeline.stop_beginning();
        let rest = changes(&mut timeline);
        prop_assert!(rest.iter().all(|change| !change.begins) && timeline.next_at() == u64::MAX);
        let endless = told.iter().filter(|change| change.begins && {
            let fault = &all[change.fault as usize];
            let is_to_the_end = fault.length().is_none() && !matches!(fault.repeats, Repeats::Drawn { .. });
            let is_gone_for_good = matches!(fault.kind, Kind::Join { .. }) && fault.lasts.is_some_and(|lasts| change.at == fault.at.0 + lasts.0);
            is_gone_for_good || is_to_the_end
        }).count();
        told.extend(rest);
        prop_assert!(open(&told)? <= endless, "{told:?}");
    }

    #[test]
    fn a_fault_more_moves_no_other(all in prop::collection::vec(faults(), 1..4), more in faults(), seed: u64) {
        let alone: Vec<_> = windows(&all, seed, 0, 1_000).collect();
        let mut beside = all.clone();
        beside.push(more);
        let others: Vec<_> = windows(&beside, seed, 0, 1_000).filter(|(fault, _)| (*fault as usize) < all.len()).collect();
        prop_assert_eq!(alone, others);
    }
}
