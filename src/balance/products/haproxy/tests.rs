//! What all of HAProxy's algorithms share.

use super::*;
use crate::balance::{Member, Said, State, find};
use crate::catalogue::Value;
use crate::pick::Desk;
use crate::scenario::defaults;
use crate::time::Span;

fn desk(kind: &str, set: &[(&'static str, Value)], members: Vec<Member>) -> Desk {
    let listed = find(kind).expect("it is in the catalogue");
    let mut values = defaults(&listed.entry);
    set.iter().for_each(|(name, value)| values.set(name, value.clone()));
    Desk::new((listed.build)(&values), members, Stream::new(1))
}

fn servers(weights: &[f64], max: Option<u32>) -> Vec<Member> {
    let member = |(&weight, n)| Member { max_in_flight: max, ..Member::new(format!("10.0.0.{n}:80")).weight(weight) };
    weights.iter().zip(1..).map(member).collect()
}

fn picks(desk: &mut Desk, from: u64, times: u64) -> Vec<u32> {
    let one = |number| {
        let Pick::Backend(backend) = desk.pick(number, Said::default(), 0) else { panic!("somebody is up") };
        desk.done(number, true, None);
        backend.0
    };
    (from..from + times).map(one).collect()
}

#[test]
fn a_server_that_comes_up_starts_slowly() {
    let slow = [("slowstart", Value::Span(Span(8_000_000_000)))];
    let mut desk = desk("haproxy/roundrobin", &slow, servers(&[10.0, 10.0], None));
    assert_eq!(picks(&mut desk, 0, 4), [0, 1, 0, 1], "not at the start of HAProxy itself");
    desk.set_state(BackendId(0), State::Down);
    desk.set_state(BackendId(0), State::Up);
    let mut counts = Vec::new();
    for second in 0..10 {
        counts.push(picks(&mut desk, 100 * (second + 1), 68).iter().filter(|&&at| at == 0).count());
        desk.advance(Span(1_000_000_000));
    }
    // A sixteenth of the other's weight is a seventeenth of the requests, 4 of 68.
    assert!((3..=5).contains(&counts[0]) && counts[9] == 34, "{counts:?}");
    assert!(counts.windows(2).all(|two| two[0] <= two[1] + 1), "{counts:?}");
}

#[test]
fn without_redispatch_the_same_server_is_tried_four_times() {
    let mut plain = desk("haproxy/roundrobin", &[], servers(&[1.0; 3], None));
    plain.refuse([BackendId(0)]);
    let tried = plain.request(1, Said::default(), 0);
    assert_eq!((tried.attempts, tried.status), (vec![BackendId(0); 4], Some(503)));
    let mut elsewhere = desk("haproxy/roundrobin", &[("redispatch", Value::Integer(-1))], servers(&[1.0; 3], None));
    elsewhere.refuse([BackendId(0)]);
    let attempts: Vec<_> = (1..5).map(|number| elsewhere.request(number, Said::default(), 0).attempts).collect();
    let [a, b, c] = [0, 1, 2].map(BackendId);
    assert_eq!(attempts, [vec![a, b], vec![c], vec![a, b], vec![c]]);
}

#[test]
fn a_hash_waits_for_its_full_server_while_another_is_idle() {
    let mut desk = desk("haproxy/uri", &[], servers(&[1.0; 2], Some(1)));
    let key = || Said { key: Some("/one".into()), ..Said::default() };
    assert!(matches!(desk.pick(1, key(), 0), Pick::Backend(_)));
    assert_eq!(desk.pick(2, key(), 0), Pick::Wait);
    desk.done(1, true, None);
    assert_eq!(desk.dispatched().len(), 1);
}

#[test]
fn who_waits_for_any_server_goes_to_one_that_comes_up() {
    let mut members = servers(&[1.0; 2], Some(1));
    members[1].state = State::Down;
    let mut desk = desk("haproxy/leastconn", &[], members);
    assert_eq!([desk.pick(1, Said::default(), 0), desk.pick(2, Said::default(), 0)], [Pick::Backend(BackendId(0)), Pick::Wait]);
    desk.set_state(BackendId(1), State::Up);
    assert_eq!(desk.dispatched(), [(2, BackendId(1))]);
}

#[test]
fn idle_servers_are_taken_in_turn_whatever_they_weigh() {
    assert_eq!(picks(&mut desk("haproxy/leastconn", &[], servers(&[5.0, 1.0, 1.0], None)), 0, 6), [0, 1, 2, 0, 1, 2]);
    assert_eq!(picks(&mut desk("haproxy/roundrobin", &[], servers(&[5.0, 1.0, 1.0], None)), 0, 7), [0, 0, 0, 1, 0, 0, 2]);
}

#[test]
fn redispatch_is_due_when_the_interval_says_so() {
    let due = |interval, retry| Redispatch { retries: 3, interval }.is_due(retry, true, true, 3);
    assert_eq!([1, 2, 3].map(|retry| due(-1, retry)), [false, false, true]);
    assert_eq!([1, 2, 3].map(|retry| due(2, retry)), [false, true, false]);
    assert_eq!([1, 2, 3].map(|retry| due(0, retry)), [false; 3]);
}
