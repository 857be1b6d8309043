//! The timeline in words, for `evenkeel check -v`.

use super::{Effect, Fault, Kind, Timeline, windows};
use crate::time::Span;

/// So many changes are listed, and so many more counted.
const LISTED: usize = 200;
const COUNTED: usize = 10_000;
/// So many backends are named in a line.
const NAMED: usize = 4;

/// A line for each change before `until`, in order: at most 200, and how many more there are.
#[must_use]
pub fn listing(faults: &[Fault], seed: u64, replication: u64, names: &[String], until: u64) -> Vec<String> {
    let mut timeline = Timeline::new(faults, seed, replication);
    let changes = std::iter::from_fn(|| (timeline.next_at() < until).then(|| timeline.pop())?);
    let line = |fault: u16, occurrence: u32, begins: bool, what: String| {
        let times = if occurrence == 0 { String::new() } else { format!(" (time {})", occurrence + 1) };
        format!("{}{times} {} {what}", faults[fault as usize].name, if begins { "begins:" } else { "ends:" })
    };
    let mut all: Vec<(u64, String)> = changes
        .take(LISTED + COUNTED)
        .map(|change| {
            let what = format!("{} {}", words(&change.effect), named(&change.backends, names));
            (change.at, line(change.fault, change.occurrence, change.begins, what))
        })
        .collect();
    for (fault, window) in windows(faults, seed, replication, until).take(LISTED + COUNTED) {
        let Kind::Surge { factor } = faults[fault as usize].kind else { continue };
        let mut note = |at, begins| {
            if at < until {
                all.push((
                    at,
                    line(fault, window.occurrence, begins, format!("arrivals × {factor} ({})", faults[fault as usize].target.written)),
                ));
            }
        };
        note(window.begins, true);
        note(window.ends, false);
    }
    all.sort_by_key(|(at, _)| *at);
    let more = all.len().saturating_sub(LISTED);
    let mut lines: Vec<String> = all.into_iter().take(LISTED).map(|(at, what)| format!("{:>12}  {what}", Span(at).to_string())).collect();
    if more > 0 {
        lines.push(format!("and {}{more} more", if more >= COUNTED { "at least " } else { "" }));
    }
    lines
}

fn named(backends: &[u32], names: &[String]) -> String {
    let some: Vec<&str> = backends.iter().take(NAMED).filter_map(|&backend| names.get(backend as usize)).map(String::as_str).collect();
    let more = backends.len().saturating_sub(NAMED);
    if more == 0 { some.join(", ") } else { format!("{} and {more} more", some.join(", ")) }
}

fn words(effect: &Effect) -> String {
    match effect {
        Effect::Down => "down:".to_owned(),
        Effect::Hang => "hanging:".to_owned(),
        Effect::Pause => "paused:".to_owned(),
        Effect::Slow(factor) => format!("speed × {factor}:"),
        Effect::Cold { factor, over } => format!("cold, speed × {factor} to 1 over {over}:"),
        Effect::Errors { share, .. } => format!("{}% errors:", share * 100.0),
        Effect::Latency(_) => "longer ways:".to_owned(),
        Effect::Loss(share) => format!("{}% lost:", share * 100.0),
        Effect::Partition(_) => "cut off:".to_owned(),
        Effect::Stale => "beliefs stay:".to_owned(),
        Effect::Draining => "draining:".to_owned(),
        Effect::Absent => "not there:".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Repeats, Target};

    #[test]
    fn long_timelines_are_counted() {
        let target = Target { written: "all".into(), among: (0..6).collect(), draw: None };
        let fault = Fault {
            name: "c".into(),
            kind: Kind::Crash,
            target,
            at: Span(1_000_000),
            lasts: Some(Span(1)),
            repeats: Repeats::Every(Span(10)),
        };
        let names: Vec<String> = (0..6).map(|number| format!("web-{number}")).collect();
        let lines = listing(&[fault], 1, 0, &names, 1_005_000);
        assert_eq!(lines[0].trim(), "1ms  c begins: down: web-0, web-1, web-2, web-3 and 2 more");
        assert_eq!((lines.len(), lines[200].as_str()), (201, "and 800 more"));
    }
}
