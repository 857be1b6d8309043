use super::*;
use crate::trace::entry::Outcome;
use proptest::prelude::*;

fn entry(at: i64, key: &str) -> Entry<'_> {
    Entry { at, tick: 1_000_000, key: Some(key.as_bytes().into()), service: Some(at.unsigned_abs()), tries: 1, ..Entry::default() }
}

/// What comes out: arrivals and keys.
fn sorted(arrivals: &[i64], limits: Limits) -> (Vec<(i64, String)>, Report) {
    let mut order = Order::new(limits);
    for (number, &at) in arrivals.iter().enumerate() {
        order.push(&entry(at, &number.to_string())).expect("there is room on the disk");
    }
    let mut out = Vec::new();
    let report = order.finish(&mut |entry| {
        let key = String::from_utf8_lossy(entry.key.as_deref().unwrap_or_default()).into_owned();
        assert_eq!(entry.service, Some(entry.at.unsigned_abs()));
        out.push((entry.at, key));
        Ok(())
    });
    (out, report.expect("there is room on the disk"))
}

fn expected(arrivals: &[i64]) -> Vec<(i64, String)> {
    let mut all: Vec<_> = arrivals.iter().enumerate().map(|(number, &at)| (at, number.to_string())).collect();
    all.sort_by_key(|(at, _)| *at);
    all
}

const SMALL: Limits = Limits { entries: 8, bytes: 1 << 20, fan_in: 3 };

#[test]
fn memory_is_enough_for_little() {
    let (out, report) = sorted(&[5, 3, 3, 9, 1], Limits::default());
    assert_eq!(out, expected(&[5, 3, 3, 9, 1]));
    assert_eq!((report.requests, report.backwards, report.greatest_ns, report.runs), (5, 2, 8, 0));
}

#[test]
fn what_is_nearly_in_order_is_one_run() {
    let arrivals: Vec<i64> = (0..1_000).map(|number| number * 10 - (number % 3) * 15).collect();
    let (out, report) = sorted(&arrivals, SMALL);
    assert_eq!(out, expected(&arrivals));
    assert_eq!(report.runs, 1);
}

#[test]
fn what_is_backwards_is_many() {
    let arrivals: Vec<i64> = (0..1_000).rev().collect();
    let (out, report) = sorted(&arrivals, SMALL);
    assert_eq!(out, expected(&arrivals));
    assert!(report.runs > 100, "{}", report.runs);
    let (out, _) = sorted(&arrivals, Limits { bytes: 1, ..SMALL });
    assert_eq!(out, expected(&arrivals), "even where a single one is too large");
}

#[test]
fn whoever_takes_them_can_stop() {
    let mut order = Order::new(SMALL);
    (0..20).for_each(|at| order.push(&entry(at, "")).expect("there is room on the disk"));
    assert!(matches!(order.finish(&mut |_| Err(Stop)), Err(OrderFault::Stopped)));
}

fn warnings(arrivals: impl IntoIterator<Item = i64>) -> Vec<String> {
    let mut order = Order::new(Limits::default());
    arrivals.into_iter().for_each(|at| order.push(&Entry { at, tick: 1, ..Entry::default() }).expect("there is room"));
    order.finish(&mut |_| Ok(())).expect("there is room").warnings
}

#[test]
fn clocks_and_units_that_change_are_noticed() {
    const SECOND: i64 = 1_000_000_000;
    let back = (0..500).map(|at| at * SECOND).chain((0..500).map(|at| (at - 7_200) * SECOND));
    let found = warnings(back);
    assert!(found.len() == 1 && found[0].contains("from request 501 on") && found[0].contains("7699 s back"), "{found:?}");
    assert!(
        warnings((0..5_000).map(|at| if at % 50 == 9 { (at - 9_000) * SECOND } else { at * SECOND })).is_empty(),
        "long requests are no clock"
    );
    let units = (0..4_000).map(|at| at * SECOND).chain((0..4_000).map(|at| 4_000 * SECOND + at * 1_000 * SECOND));
    let found = warnings(units);
    assert!(found.len() == 1 && found[0].contains("1000 times longer"), "{found:?}");
    assert!(warnings((0..9_000).map(|at| at * at * SECOND)).is_empty(), "{:?}", warnings((0..9_000).map(|at| at * at * SECOND)));
}

fn any_entry() -> impl Strategy<Value = Entry<'static>> {
    let number = || proptest::option::of(any::<u64>());
    let text = || proptest::option::of(proptest::collection::vec(any::<u8>(), 0..200).prop_map(std::borrow::Cow::Owned));
    let outcome = prop_oneof![Just(Outcome::Succeeded), Just(Outcome::Failed), Just(Outcome::Refused)];
    let numbers = (number(), number(), number(), number(), number(), number());
    (any::<i64>(), any::<u32>(), any::<u32>(), numbers, (text(), text(), text(), text()), proptest::option::of(any::<u16>()), outcome)
        .prop_map(|(at, tick, tries, (service, duration, queued, bytes, input, output), (key, client, backend, class), status, outcome)| {
            Entry { at, tick, tries, service, duration, queued, bytes, input, output, key, client, backend, class, status, outcome }
        })
}

proptest! {
    #[test]
    fn what_is_kept_comes_back(entry in any_entry()) {
        let mut bytes = Vec::new();
        kept::keep(&entry, &mut bytes);
        prop_assert_eq!(kept::entry(entry.at, &bytes), Some(entry));
    }

    #[test]
    fn any_bytes_are_kept_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = kept::entry(0, &bytes);
    }

    #[test]
    fn the_order_is_that_of_a_stable_sort(arrivals in proptest::collection::vec(-20_i64..20, 0..300), entries in 2_usize..20, fan_in in 2_usize..5) {
        prop_assert_eq!(sorted(&arrivals, Limits { entries, bytes: 1 << 20, fan_in }).0, expected(&arrivals));
    }

    #[test]
    fn extremes_do_not_overflow(arrivals in proptest::collection::vec(prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX)], 0..50)) {
        let mut order = Order::new(SMALL);
        for &at in &arrivals {
            order.push(&Entry { at, ..Entry::default() }).expect("there is room on the disk");
        }
        let mut last = i64::MIN;
        order.finish(&mut |entry| {
            assert!(entry.at >= last);
            last = entry.at;
            Ok(())
        }).expect("there is room on the disk");
    }
}
