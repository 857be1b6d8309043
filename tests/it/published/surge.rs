//! M. Brooker's simulation of congestion collapse (2023): five seconds of twice the traffic, and who is still down a minute later.

use super::seen::Seen;
use super::{loaded, said, variant};

fn runs(name: &str) -> Vec<Seen> {
    Seen::all(&variant(&loaded("collapse.toml"), name), "random", 10)
}

#[test]
fn without_backoff_a_surge_never_ends() {
    let runs = runs("tries again at once");
    let [before, after, late] = [(5, 20), (32, 80), (70, 80)].map(|(from, to)| Seen::goodput(&runs, from, to));
    said("after a surge, no backoff: answers a second from 32 to 80 s, of 40", "7 to 8", format_args!("{after:.1} (from 70 s {late:.1})"));
    assert!(before > 38.0 && (6.0..10.0).contains(&after) && late < 10.0, "{before} {after} {late}");
}

#[test]
fn with_backoff_it_does() {
    let runs = runs("backs off");
    let [at_32, from_56, late] = [(31, 34), (56, 80), (70, 80)].map(|(from, to)| Seen::goodput(&runs, from, to));
    said("after a surge, backoff: answers a second at 32 s, from 56 s, of 40", "52, about 40", format_args!("{at_32:.1}, {from_56:.1}"));
    assert!((46.0..58.0).contains(&at_32) && (38.0..42.0).contains(&from_56) && (38.0..42.0).contains(&late), "{at_32} {from_56} {late}");
}
