//! Requests that stand in a record twice: a file that was given twice, or logs that overlap where they were rotated.
//!
//! Two requests are twins if everything is the same of them and they arrived at the same instant, or (where stamps are spread) within what their stamps leave open.
//! Whole seconds make twins of what only looks the same: there more of them are needed before anybody is told.

use super::entry::{Entry, Text};
use std::hash::{Hash, Hasher};
use xxhash_rust::xxh64::Xxh64;

/// Requests of one stamp that are remembered, at most.
const REMEMBERED: usize = 256;
/// So many of all requests are too many, where stamps are exact to a millisecond; and where they are coarser.
const TOO_MANY: (f64, f64) = (0.01, 0.25);
/// Fewer than this are no matter.
const LEAST: u64 = 10;

/// Looks for twins in requests that come in order.
#[derive(Debug, Default)]
pub(super) struct Twins {
    /// The stamp that was last, in ticks of its own.
    stamp: i64,
    seen: Vec<u64>,
    requests: u64,
    found: u64,
    coarsest: u32,
}

impl Twins {
    /// What says neither who asked for what nor how long it took is left alone.
    pub(super) fn see(&mut self, entry: &Entry<'_>) {
        let stamp = entry.at.div_euclid(i64::from(entry.tick.max(1)));
        if stamp != self.stamp {
            self.stamp = stamp;
            self.seen.clear();
        }
        self.requests += 1;
        self.coarsest = self.coarsest.max(entry.tick);
        if entry.key.is_none() && entry.client.is_none() && entry.duration.is_none() && entry.service.is_none() {
            return;
        }
        let hash = hash(entry);
        if self.seen.contains(&hash) {
            self.found += 1;
        } else if self.seen.len() < REMEMBERED {
            self.seen.push(hash);
        }
    }

    /// What to say, if there are too many.
    pub(super) fn warning(&self) -> Option<String> {
        let most = if self.coarsest <= 1_000_000 { TOO_MANY.0 } else { TOO_MANY.1 };
        let share = self.found as f64 / self.requests.max(1) as f64;
        (self.found >= LEAST && share > most).then(|| {
            format!(
                "{} of {} requests are the same as another of the same instant in everything that is recorded: was a file given twice, or do rotated logs overlap?",
                self.found, self.requests
            )
        })
    }
}

/// Of everything but the instant.
fn hash(entry: &Entry<'_>) -> u64 {
    let mut state = Xxh64::new(0);
    let mut text = |text: &Option<Text<'_>>| text.as_deref().unwrap_or_default().hash(&mut state);
    text(&entry.key);
    text(&entry.client);
    text(&entry.backend);
    text(&entry.class);
    let numbers = (entry.service, entry.duration, entry.queued, entry.bytes, entry.input, entry.output);
    (numbers, entry.status, entry.tries).hash(&mut state);
    state.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(entries: impl IntoIterator<Item = (i64, u32, u64)>) -> Option<String> {
        let mut twins = Twins::default();
        for (at, tick, duration) in entries {
            twins.see(&Entry { at, tick, duration: Some(duration), ..Entry::default() });
        }
        twins.warning()
    }

    #[test]
    fn a_file_given_twice_is_noticed() {
        let twice = (0..1000).flat_map(|number| [(number * 1_000_000, 1_000_000, number as u64); 2]);
        assert!(seen(twice).is_some_and(|text| text.starts_with("1000 of 2000 requests")));
        let spread = (0..1000).flat_map(|number| [(number * 1_000_000, 1_000_000, 7), (number * 1_000_000 + 999_999, 1_000_000, 7)]);
        assert!(seen(spread).is_some());
        assert_eq!(seen((0..1000).map(|number| (number * 1_000_000, 1_000_000, 7))), None, "at different instants");
        assert_eq!(seen((0..1000).map(|number| (0, 1, number))), None, "of different lengths");
    }

    #[test]
    fn whole_seconds_make_some_twins_by_themselves() {
        let second = 1_000_000_000;
        let some = |every: i64| {
            (0..1000).map(move |number| (number / 2 * second, second as u32, if number % every < 2 { 7 } else { number as u64 }))
        };
        assert_eq!(seen(some(10)), None);
        assert!(seen(some(2)).is_some());
    }
}
