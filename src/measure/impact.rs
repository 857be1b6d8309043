//! What each fault did to requests, read from a series of bins after the cell has ended.
//!
//! In words, as docs/src/failures.md has them:
//! - *before* is calm: since the warm-up, or since what went wrong earlier had ended and the system was back. It is as long as the fault, at least [`LEAST_BEFORE`] bins
//!   where there are so many, and leaves out the last bin, whose requests may still be in the system when the fault begins. Without calm, the one of the occurrence before holds.
//!   What went wrong in the warm-up is not judged, so that nobody knows when it was over: fewer than [`TOO_FEW`] bins after its end are not taken for calm.
//! - *the band*: a share of failed requests at most [`LOST`] above that before and a mean latency at most [`SLOWER`] times that before; or each within [`SPREAD`] standard
//!   deviations of the bins before, where that is wider: with few backends and much load the means of bins come and go by themselves.
//! - *back*: after the first bin outside the band, [`RUN`] bins in a row within it. A fault that comes in pieces (a flap, a deploy) is waited for from its last bin outside.
//!   A system that does not leave the band is back at once.
//!
//! What is not back although its trigger is long gone is a matter of `metastable.rs`.

use super::record::FaultRecord;
use super::series::{Series, Sum};
use std::collections::BTreeMap;
use std::ops::Range;

/// The bins before a fault that it is held against, at least.
const LEAST_BEFORE: usize = 50;
/// With fewer than this, what was known before is better.
const TOO_FEW: usize = 10;
/// So many bins in a row are within the band when the system is back.
const RUN: usize = 3;
/// So much more of the requests may fail: a percentage point.
const LOST: f64 = 0.01;
/// So many times longer may they take.
const SLOWER: f64 = 1.5;
/// So many standard deviations are chance: hundreds of bins are looked at.
const SPREAD: f64 = 4.0;

/// A cell with faults, as far as it is needed to say what they did. Instants are nanoseconds.
#[derive(Debug)]
pub(super) struct Story {
    pub series: Series,
    /// The end of the warm-up.
    pub opens: u64,
    /// The last arrival.
    pub closes: u64,
    /// By fault.
    pub natures: Vec<Nature>,
    /// In any order.
    pub occurrences: Vec<Occurrence>,
    /// How long a request keeps the whole capacity busy, in nanoseconds, where that is known.
    pub demand: Option<f64>,
    /// Since when there is a backlog without end.
    pub overloaded_at: Option<u64>,
    /// Whether backends have caches.
    pub caches: bool,
}

/// What has to be known of a fault.
#[derive(Clone, Debug, Default)]
pub(super) struct Nature {
    /// The services that its targets belong to.
    pub services: Vec<u16>,
    /// Whether it comes and goes while it lasts.
    pub in_pieces: bool,
}

/// One time that a fault happened.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Occurrence {
    pub fault: u16,
    pub begins: u64,
    /// `u64::MAX`: never.
    pub ends: u64,
    /// See [`FaultRecord::noticed`].
    pub noticed: u64,
    pub notice_time: u128,
}

/// What an occurrence is held against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    /// How many.
    bins: usize,
    lost: f64,
    /// The band.
    most_lost: f64,
    most_mean: f64,
    /// The bucket of the 99th percentile, and the share beyond it.
    p99: usize,
    slow: f64,
    pub amplification: f64,
    /// Arrivals in a nanosecond.
    pub rate: f64,
}

/// What has come out of an occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Back(u64),
    NotBack,
}

/// One record for each fault.
pub(super) fn judge(mut story: Story) -> Vec<FaultRecord> {
    story.occurrences.sort_by_key(|one| (one.begins, one.fault));
    let mut records = vec![FaultRecord::default(); story.natures.len()];
    let mut free_from: Vec<u64> = vec![story.opens; story.natures.len()];
    let mut counted: Vec<usize> = vec![0; story.natures.len()];
    let mut calm_since = story.opens;
    let mut known: Option<Before> = None;
    let mut is_unsure = false;
    for (one, horizon) in story.occurrences.iter().zip(story.horizons()) {
        if one.begins < story.opens {
            // What has begun in the warm-up and never ends is as it is; the rest is over when it is.
            calm_since = calm_since.max(if one.ends == u64::MAX { 0 } else { one.ends });
            free_from[usize::from(one.fault)] = one.ends;
            is_unsure = true;
            continue;
        }
        let record = &mut records[usize::from(one.fault)];
        record.occurrences += 1;
        record.noticed += one.noticed;
        record.notice_time += one.notice_time;
        record.moved = story
            .moved(one, free_from[usize::from(one.fault)], horizon)
            .map_or(record.moved, |moved| (record.moved.0 + moved, record.moved.1 + 1));
        free_from[usize::from(one.fault)] = one.ends;
        known = match (story.before(one, calm_since), known) {
            (Some(now), known) if now.bins < TOO_FEW && (known.is_some() || is_unsure) => known,
            (now, known) => now.or(known),
        };
        let Some(before) = known else {
            (calm_since, is_unsure) = (calm_since.max(one.ends), true);
            continue;
        };
        let outcome = story.outcome(one, &before, horizon);
        let counted = &mut counted[usize::from(one.fault)];
        *counted = story.note(one, (&before, horizon), outcome, *counted, record);
        calm_since = calm_since.max(calm_after(one, outcome));
    }
    records
}

/// From when on it is calm again after an occurrence. One that never ends is part of what is normal once the system is back.
fn calm_after(one: &Occurrence, outcome: Outcome) -> u64 {
    match outcome {
        Outcome::Back(at) if one.ends == u64::MAX => at,
        Outcome::Back(at) => at.max(one.ends),
        Outcome::NotBack => u64::MAX,
    }
}

impl Story {
    /// For each occurrence the beginning of the next one of its fault, or the last arrival.
    fn horizons(&self) -> Vec<u64> {
        let mut next: BTreeMap<u16, u64> = BTreeMap::new();
        let mut horizons: Vec<u64> =
            self.occurrences.iter().rev().map(|one| next.insert(one.fault, one.begins).unwrap_or(self.closes).min(self.closes)).collect();
        horizons.reverse();
        horizons
    }

    /// The bin of an instant.
    pub(super) fn bin(&self, at: u64) -> usize {
        (at / self.series.width()) as usize
    }

    /// The first bin that begins at an instant or after it.
    pub(super) fn bin_from(&self, at: u64) -> usize {
        at.div_ceil(self.series.width()) as usize
    }

    /// The bins before an occurrence: as many as it has, from an instant on, without the last.
    fn bins_before(&self, one: &Occurrence, from: u64) -> Range<usize> {
        let to = self.bin(one.begins).saturating_sub(1);
        let wanted = (self.bin(one.ends).saturating_sub(self.bin(one.begins))).max(LEAST_BEFORE);
        self.bin_from(from).max(to.saturating_sub(wanted))..to
    }

    /// How it was before, if it was calm then.
    fn before(&self, one: &Occurrence, calm_since: u64) -> Option<Before> {
        let bins = self.bins_before(one, calm_since);
        let all = self.series.sum(bins.clone());
        let (lost, mean, amplification) = (all.lost()?, all.mean()?, all.amplification()?);
        let each = || bins.clone().map(|bin| self.series.sum(bin..bin + 1));
        let p99 = self.series.p99(bins.clone());
        Some(Before {
            lost,
            bins: bins.len(),
            most_lost: lost + LOST.max(SPREAD * deviation(each().filter_map(|bin| bin.lost()))),
            most_mean: mean + (mean * (SLOWER - 1.0)).max(SPREAD * deviation(each().filter_map(|bin| bin.mean()))),
            p99,
            slow: self.series.slower(p99, bins.clone()) as f64 / all.succeeded as f64,
            amplification,
            rate: all.arrived as f64 / (bins.len() as f64 * self.series.width() as f64),
        })
    }

    /// Whether and when the system came back.
    fn outcome(&self, one: &Occurrence, before: &Before, horizon: u64) -> Outcome {
        let last = self.bin_from(horizon);
        let until = self.bin_from(one.ends).saturating_add(RUN).min(last);
        let is_out = |bin: &usize| before.has(&self.series.sum(*bin..*bin + 1)) == Some(false);
        let mut within = self.bin(one.begins)..until;
        let left = if self.natures[usize::from(one.fault)].in_pieces { within.rfind(is_out) } else { within.find(is_out) };
        match left.map(|left| self.back(left + 1..last, before)) {
            None => Outcome::Back(one.begins),
            Some(Some(bin)) => Outcome::Back(one.begins.max(bin as u64 * self.series.width())),
            Some(None) => Outcome::NotBack,
        }
    }

    /// The first of so many bins in a row that are within the band. Bins in which nothing arrived say nothing.
    fn back(&self, bins: Range<usize>, before: &Before) -> Option<usize> {
        let (mut first, mut run) = (0, 0);
        for bin in bins {
            match before.has(&self.series.sum(bin..bin + 1)) {
                Some(true) if run == 0 => (first, run) = (bin, 1),
                Some(true) => run += 1,
                Some(false) => run = 0,
                None => {}
            }
            if run == RUN {
                return Some(first);
            }
        }
        None
    }

    /// Adds what became of an occurrence. Bins that were counted for the one before are not counted again; says which are now.
    fn note(
        &self,
        one: &Occurrence,
        (before, horizon): (&Before, u64),
        outcome: Outcome,
        counted: usize,
        record: &mut FaultRecord,
    ) -> usize {
        record.judged += 1;
        let over = match outcome {
            Outcome::Back(at) => {
                record.recovered += 1;
                record.recover_time += u128::from(at - one.begins);
                at.max(one.ends).min(horizon)
            }
            Outcome::NotBack => {
                self.kept_up(one, before, horizon).into_iter().for_each(|what| record.metastable[what as usize] += 1);
                horizon
            }
        };
        let hit = self.bin(one.begins).saturating_sub(1).max(counted)..self.bin_from(over);
        let sum = self.series.sum(hit.clone());
        record.failed += (sum.arrived - sum.succeeded) as f64 - before.lost * sum.arrived as f64;
        record.delayed += self.series.slower(before.p99, hit.clone()) as f64 - before.slow * sum.succeeded as f64;
        hit.end
    }

    /// The share of the load that moved away from the targets.
    fn moved(&self, one: &Occurrence, free_from: u64, horizon: u64) -> Option<f64> {
        let services = &self.natures[usize::from(one.fault)].services;
        let share = |bins: Range<usize>| self.series.share(one.fault, services, bins);
        let full = self.bin_from(one.begins)..self.bin(one.ends.min(horizon));
        let during = if full.is_empty() { self.bin(one.begins)..self.bin(one.begins) + 1 } else { full };
        let before = share(self.bins_before(one, free_from)).filter(|share| *share > 0.0)?;
        Some(1.0 - share(during)? / before)
    }
}

/// The standard deviation of values (divided by n); 0 of none.
fn deviation(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let (count, sum) = values.clone().fold((0.0_f64, 0.0), |(count, sum), value| (count + 1.0, sum + value));
    let mean = sum / count.max(1.0);
    (values.map(|value| (value - mean) * (value - mean)).sum::<f64>() / count.max(1.0)).sqrt()
}

impl Before {
    /// Whether a bin is within the band; `None` where nothing arrived.
    fn has(&self, bin: &Sum) -> Option<bool> {
        let lost = bin.lost()?;
        Some(lost <= self.most_lost && bin.mean().is_some_and(|mean| mean <= self.most_mean))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// Bins of 100 ms with 100 requests each, 200 of them (20 s): 10 ms each, or (failed, latency in ms, attempts) where the function says so. Demand: half of the capacity.
    fn story(occurrences: &[(u64, u64)], bad: impl Fn(u64) -> Option<(u64, u64, u64)>) -> Story {
        let mut series = Series::new(100 * MS, 1000, 1, 1);
        for bin in 0..200 {
            let (failed, latency, attempts) = bad(bin).unwrap_or((0, 10, 1));
            for request in 0..100 {
                let at = (100 * bin + request) * MS;
                series.arrived(at);
                (0..attempts).for_each(|attempt| series.sent(at, 0, if (request + attempt) % 10 == 0 { &[0] } else { &[] }));
                if request >= failed {
                    series.succeeded(at, latency * MS);
                }
            }
        }
        let occurrence =
            |&(begins, ends): &(u64, u64)| Occurrence { begins: begins * MS, ends: ends.saturating_mul(MS), ..Occurrence::default() };
        Story {
            series,
            opens: 1000 * MS,
            closes: 20_000 * MS,
            natures: vec![Nature { services: vec![0], in_pieces: false }],
            occurrences: occurrences.iter().map(occurrence).collect(),
            demand: Some(0.5 * MS as f64),
            overloaded_at: None,
            caches: false,
        }
    }

    fn judged(story: Story) -> FaultRecord {
        judge(story).remove(0)
    }

    #[test]
    fn it_comes_back_during_the_fault() {
        // On from 5 to 10 s, out of the band from 5 to 6 s.
        let record = judged(story(&[(5000, 10_000)], |bin| (50..60).contains(&bin).then_some((20, 30, 1))));
        assert_eq!((record.occurrences, record.judged, record.recovered, record.recover_time), (1, 1, 1, u128::from(1000 * MS)));
        assert_eq!((record.failed, record.delayed, record.metastable), (200.0, 800.0, [0; 3]));
        assert_eq!(record.moved, (0.0, 1));
    }

    #[test]
    fn it_comes_back_after_the_fault() {
        let record = judged(story(&[(5000, 6000)], |bin| (50..75).contains(&bin).then_some((0, 16, 1))));
        assert_eq!((record.recovered, record.recover_time, record.failed, record.delayed), (1, u128::from(2500 * MS), 0.0, 2500.0));
        // Two bins within the band are not yet back.
        let record = judged(story(&[(5000, 6000)], |bin| matches!(bin, 50..54 | 56..70).then_some((2, 10, 1))));
        assert_eq!((record.recovered, record.recover_time, record.failed), (1, u128::from(2000 * MS), 36.0));
    }

    #[test]
    fn what_nobody_feels_is_over_at_once() {
        let record = judged(story(&[(5000, 6000)], |bin| (50..60).contains(&bin).then_some((1, 14, 1))));
        assert_eq!((record.recovered, record.recover_time, record.failed), (1, 0, 10.0));
    }

    #[test]
    fn it_never_comes_back() {
        // As long as it lasts, it is not metastable.
        let record = judged(story(&[(5000, u64::MAX)], |bin| (bin >= 50).then_some((50, 10, 4))));
        assert_eq!((record.judged, record.recovered, record.failed, record.metastable), (1, 0, 7500.0, [0; 3]));
    }

    #[test]
    fn what_stays_when_its_trigger_is_gone_is_named() {
        let of = |attempts: u64, caches: bool, demand: f64| {
            let mut story = story(&[(5000, 7000)], |bin| (bin >= 50).then_some((99, 900, attempts)));
            (story.caches, story.demand) = (caches, Some(demand * MS as f64));
            judged(story).metastable
        };
        assert_eq!((of(4, false, 0.5), of(1, false, 0.5), of(1, true, 0.5)), ([1, 0, 0], [0, 0, 1], [0, 1, 0]));
        // At 85% of the capacity, 13 s are not enough to work off what 2 s may have left one and a half times; above it, never.
        assert_eq!((of(4, false, 0.85), of(4, false, 1.1), of(1, true, 1.1)), ([0; 3], [0; 3], [0, 1, 0]));
    }

    #[test]
    fn what_gets_better_is_not_kept_up() {
        let record = judged(story(&[(5000, 7000)], |bin| (bin >= 50).then_some((if bin < 120 { 99 } else { 60 }, 900, 4))));
        assert_eq!((record.judged, record.recovered, record.metastable), (1, 0, [0; 3]));
    }

    #[test]
    fn what_comes_and_goes_by_itself_is_no_trouble() {
        // Means of 10 and 20 ms in turn: 15 ms, and four times 5 more is chance.
        let record = judged(story(&[(5000, 7000)], |bin| Some((0, if bin == 60 { 34 } else { 10 + bin % 2 * 10 }, 1))));
        assert_eq!((record.recovered, record.recover_time), (1, 0));
        let record = judged(story(&[(5000, 7000)], |bin| Some((0, if bin == 60 { 36 } else { 10 + bin % 2 * 10 }, 1))));
        assert_eq!((record.recovered, record.recover_time), (1, u128::from(1100 * MS)));
    }

    #[test]
    fn what_happens_again_is_held_against_the_calm_between() {
        // From 5 s on, a second each 5 s; the second one is still felt when the third begins.
        let bad = |bin| matches!(bin, 50..60 | 100..190).then_some((100, 0, 1));
        let record = judged(story(&[(5000, 6000), (10_000, 11_000), (15_000, 16_000)], bad));
        assert_eq!((record.occurrences, record.judged, record.recovered), (3, 3, 2));
        assert_eq!((record.recover_time, record.failed, record.metastable), (u128::from(5000 * MS), 10_000.0, [0, 0, 1]));
    }

    #[test]
    fn what_comes_in_pieces_is_over_after_the_last() {
        let bad = |bin| matches!(bin, 50..55 | 65..70).then_some((100, 0, 1));
        let (whole, mut pieces) = (story(&[(5000, 8000)], bad), story(&[(5000, 8000)], bad));
        pieces.natures[0].in_pieces = true;
        assert_eq!((judged(whole).recover_time, judged(pieces).recover_time), (u128::from(500 * MS), u128::from(2000 * MS)));
    }

    #[test]
    fn what_begins_in_the_warm_up_is_not_counted_and_without_a_before_nothing_is_judged() {
        let record = judged(story(&[(500, 900), (1000, 1500)], |_| None));
        assert_eq!((record.occurrences, record.judged, record.moved), (1, 0, (0.0, 0)));
    }

    #[test]
    fn what_has_begun_in_the_warm_up_and_is_still_felt_is_no_calm() {
        // A second each 1.5 s, from the warm-up on, and felt all the time: nothing to hold it against.
        let often: Vec<(u64, u64)> = (0..12).map(|number| (500 + 1500 * number, 1500 + 1500 * number)).collect();
        let record = judged(story(&often, |_| Some((50, 10, 1))));
        assert_eq!((record.occurrences, record.judged, record.failed), (11, 0, 0.0));
        // A second each 3 s, felt while it is on: calm enough between.
        let seldom: Vec<(u64, u64)> = (0..6).map(|number| (500 + 3000 * number, 1500 + 3000 * number)).collect();
        let record = judged(story(&seldom, |bin| (bin >= 5 && (bin - 5) % 30 < 10).then_some((50, 10, 1))));
        assert_eq!((record.occurrences, record.judged, record.recovered, record.failed), (5, 5, 5, 2500.0));
    }

    #[test]
    fn load_that_moves_away_is_told() {
        let mut told = story(&[(5000, 10_000)], |_| None);
        // As many again to others while it is on.
        (5000..10_000).for_each(|at| told.series.sent(at * MS, 0, &[]));
        assert_eq!(judged(told).moved, (0.5, 1));
    }
}
