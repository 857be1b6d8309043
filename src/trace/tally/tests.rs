use super::*;
use proptest::prelude::*;
use std::borrow::Cow;

const SECOND: i64 = 1_000_000_000;

fn at(at: i64) -> Entry<'static> {
    Entry { at, tick: 1000, ..Entry::default() }
}

#[test]
fn a_metronome() {
    let mut tally = Tally::default();
    (0..1001).for_each(|number| tally.add(&Entry { service: Some(250_000_000), ..at(5 * SECOND + number * SECOND / 10) }));
    assert_eq!((tally.requests(), tally.span()), (1001, Some((5 * SECOND, 105 * SECOND))));
    assert_eq!((tally.rate(), tally.gap_variation(), tally.ties()), (Some(10.0), Some(0.0), 0));
    assert_eq!(tally.dispersion(), [Some(0.0), Some(0.0), Some(0.0), None]);
    assert!(tally.silences().is_empty());
    // 1,001 requests of a quarter of a second in 100 s.
    assert!((tally.busy().expect("it worked") - 2.5025).abs() < 1e-12);
    let (width, windows) = tally.windows();
    assert_eq!((width, windows.len()), (512_000_000, 196));
    assert_eq!(windows.iter().map(|window| window.requests).sum::<u64>(), 1001);
}

#[test]
fn a_poisson_process() {
    let (mut tally, mut time, mut state) = (Tally::default(), 0.0, 1_u64);
    for _ in 0..200_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        time -= libm::log(((state >> 11) as f64 + 0.5) / (1_u64 << 53) as f64) * 1e7;
        tally.add(&at(time as i64));
    }
    assert!((tally.rate().expect("a rate") - 100.0).abs() < 1.0);
    assert!((tally.gap_variation().expect("gaps") - 1.0).abs() < 0.02);
    // The variance of an index of n windows is about 2 ÷ n.
    for (index, windows) in tally.dispersion().into_iter().zip([20_000.0_f64, 2_000.0, 200.0, 33.0]) {
        assert!((index.expect("windows enough") - 1.0).abs() < 4.0 * (2.0 / windows).sqrt(), "{index:?}");
    }
    assert!(tally.silences().is_empty());
    time += 5e9;
    tally.add(&at(time as i64));
    assert_eq!(tally.silences().len(), 1);
}

#[test]
fn bursts_show_at_their_scale() {
    let mut tally = Tally::default();
    // 50 at once, every five seconds: counts in windows of a second are 50, 0, 0, 0, 0.
    (0..5000).for_each(|number| tally.add(&at(number / 50 * 5 * SECOND)));
    let [_, second, ten, _] = tally.dispersion();
    // The last burst is left out with its window: 495 windows, mean 10, variance 10² · 4 · 495 ÷ 494.
    assert!((second.expect("windows enough") - 40.0 * 495.0 / 494.0).abs() < 1e-9);
    assert_eq!((ten, tally.ties()), (Some(0.0), 4900));
}

#[test]
fn names_statuses_and_shares() {
    let mut tally = Tally::default();
    for number in 0..100_u16 {
        let name = |text: &'static str| Some(Cow::Borrowed(text.as_bytes()));
        let status = if number % 10 == 0 { 503 } else { 200 };
        let outcome = if status == 503 { Outcome::Failed } else { Outcome::Succeeded };
        let backend = name(if number % 4 == 0 { "a" } else { "b" });
        tally.add(&Entry {
            backend,
            key: name("k"),
            status: Some(status),
            outcome,
            tries: u32::from(number % 2) + 1,
            ..at(i64::from(number))
        });
    }
    tally.add(&Entry { outcome: Outcome::Refused, bytes: Some(7), ..at(200) });
    assert_eq!((tally.statuses()[0], tally.statuses()[2], tally.statuses()[5]), (1, 90, 10));
    assert_eq!((tally.ended(Outcome::Failed), tally.ended(Outcome::Refused), tally.retried()), (10, 1, 50));
    let (backends, more) = tally.backends();
    assert_eq!((backends[&b"a"[..]].requests, backends[&b"a"[..]].failures, more), (25, 5, Share::default()));
    // exp(−¼ ln ¼ − ¾ ln ¾)
    assert!((tally.effective_backends().expect("two") - 1.754_765_350_603_323).abs() < 1e-12);
    assert_eq!((tally.keys().distinct(), tally.keys().total(), tally.told().bytes, tally.told().key), (1.0, 100, 1, 100));
    assert_eq!(tally.bytes.max(), Some(7));
}

#[test]
fn backends_are_told_apart_up_to_a_bound() {
    let mut tally = Tally::default();
    for number in 0..10_005_u32 {
        tally.add(&Entry { backend: Some(Cow::Owned(number.to_string().into_bytes())), ..at(0) });
    }
    let (backends, more) = tally.backends();
    assert_eq!((backends.len(), more.requests, tally.rate(), tally.gap_variation()), (10_000, 5, None, None));
}

#[test]
fn nothing_says_nothing() {
    let tally = Tally::default();
    assert_eq!((tally.span(), tally.rate(), tally.busy(), tally.effective_backends()), (None, None, None, None));
    assert!(tally.silences().is_empty() && tally.keys().zipf().is_none() && tally.windows().1.is_empty());
}

proptest! {
    #[test]
    fn any_entries_are_counted(entries in proptest::collection::vec((any::<i64>(), any::<Option<u64>>(), any::<u16>()), 0..50)) {
        let mut tally = Tally::default();
        for (time, value, status) in &entries {
            tally.add(&Entry { service: *value, bytes: *value, status: Some(*status), ..at(*time) });
        }
        let _ = (tally.rate(), tally.gap_variation(), tally.dispersion(), tally.silences(), tally.busy());
        prop_assert_eq!(tally.windows().1.iter().map(|window| window.requests).sum::<u64>(), entries.len() as u64);
    }
}
