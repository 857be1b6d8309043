//! One rule, judged: from the values of replications to a verdict.
//!
//! *Absolute*: the mean of the values with Student's 95% interval; held if all of the interval is on the rule's side, failed if all of it is on the other, undecided in between.
//! Equal values in all replications have an interval without width, which always decides. One replication has no interval and decides nothing.
//!
//! *Relative*: the logarithms of the ratios within each replication, since both met the same requests; value, interval and bound are multiples. Where a value is zero there
//! is no ratio: then this − bound × other is judged against zero, and the value is the ratio of the means. Nothing against nothing is no data.
//!
//! *At the edge*: below zero nothing is measured, and no share is above one. One replication that misses `<= 0`, or `>= 100%`, decides: the mean misses it too.

use crate::measure::interval::{self, Interval};
use crate::measure::paired;
use crate::measure::student;
use crate::scenario::Op;

/// Beyond so many replications nobody is advised to go.
pub const MOST: u32 = 100_000;

/// What a rule came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Held,
    /// It does not.
    Failed,
    /// The interval lies across the bound, or there is none.
    Undecided,
    /// There is nothing to measure.
    NoData,
}

impl Verdict {
    /// As the result spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Undecided => "undecided",
            Self::NoData => "no data",
        }
    }
}

/// What is known of a rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// What was measured.
    pub value: Option<f64>,
    /// Its 95% interval.
    pub ci95: Option<[f64; 2]>,
    /// What follows.
    pub verdict: Verdict,
    /// How many replications have the number.
    pub replications: u32,
    /// How many would probably decide; `None` where it is decided, or where nobody can say.
    pub needs: Option<u32>,
}

impl Judged {
    const NO_DATA: Self = Self { value: None, ci95: None, verdict: Verdict::NoData, replications: 0, needs: None };
}

/// Judges values that exist. `edge`: the greatest value there can be, if there is one; the least is zero.
#[must_use]
pub fn absolute(values: &[f64], is: Op, bound: f64, edge: Option<f64>) -> Judged {
    let Some(interval) = Interval::over(values) else { return Judged::NO_DATA };
    let decided = decide(values, is, bound, interval);
    let misses = values.iter().any(|&value| !holds(value, is, bound));
    let is_at_edge = match is {
        Op::Below | Op::AtMost => bound <= 0.0,
        Op::Above | Op::AtLeast => edge.is_some_and(|edge| bound >= edge),
    };
    if is_at_edge && misses {
        return Judged { verdict: Verdict::Failed, needs: None, ..decided };
    }
    decided
}

/// Judges pairs of values, this and the other's, by their ratio.
#[must_use]
pub fn relative(pairs: &[(f64, f64)], is: Op, bound: f64) -> Judged {
    if pairs.is_empty() || pairs.iter().all(|&(this, other)| this == 0.0 && other == 0.0) {
        return Judged::NO_DATA;
    }
    let side = |at: fn(&(f64, f64)) -> f64| pairs.iter().map(at).map(Some).collect::<Vec<_>>();
    let (these, others) = (side(|pair| pair.0), side(|pair| pair.1));
    let Some(ratio) = paired::ratio(&these, &others) else { return by_differences(pairs, is, bound) };
    let log = |(this, other): &(f64, f64)| if this == other { 0.0 } else { libm::log(this / other) };
    let logs: Vec<f64> = pairs.iter().map(log).collect();
    let interval = Interval::over(&logs).expect("there is a pair");
    let bound = if bound == 1.0 { 0.0 } else { libm::log(bound) };
    Judged { value: Some(ratio.value), ci95: ratio.bounds, ..decide(&logs, is, bound, interval) }
}

fn by_differences(pairs: &[(f64, f64)], is: Op, bound: f64) -> Judged {
    let beyond: Vec<f64> = pairs.iter().map(|(this, other)| this - bound * other).collect();
    let interval = Interval::over(&beyond).expect("there is a pair");
    let sum = |at: fn(&(f64, f64)) -> f64| pairs.iter().map(at).sum::<f64>();
    let (this, other) = (sum(|pair| pair.0), sum(|pair| pair.1));
    Judged { value: (other > 0.0).then(|| this / other), ci95: None, ..decide(&beyond, is, 0.0, interval) }
}

fn holds(value: f64, is: Op, bound: f64) -> bool {
    match is {
        Op::Below => value < bound,
        Op::AtMost => value <= bound,
        Op::Above => value > bound,
        Op::AtLeast => value >= bound,
    }
}

fn decide(values: &[f64], is: Op, bound: f64, interval: Interval) -> Judged {
    let count = u32::try_from(values.len()).unwrap_or(u32::MAX);
    let judged = |verdict, needs| Judged { value: Some(interval.mean), ci95: interval.bounds(), verdict, replications: count, needs };
    let Some(bounds) = interval.bounds() else { return judged(Verdict::Undecided, Some(2)) };
    match bounds.map(|value| holds(value, is, bound)) {
        [true, true] => judged(Verdict::Held, None),
        [false, false] => judged(Verdict::Failed, None),
        _ => judged(Verdict::Undecided, needed(values, interval.mean, bound)),
    }
}

/// How many replications would make the interval narrower than its distance from the bound, if mean and spread stay as they are; `None`: more than [`MOST`].
fn needed(values: &[f64], mean: f64, bound: f64) -> Option<u32> {
    let spread = interval::standard_error(values, mean)? * (values.len() as f64).sqrt();
    let distance = (mean - bound).abs();
    let decides = |count: u32| student::critical(0.05, f64::from(count - 1)) * spread / f64::from(count).sqrt() < distance;
    let (mut low, mut high) = (u32::try_from(values.len()).ok()?, MOST);
    if !decides(high) {
        return None;
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if decides(middle) { high = middle } else { low = middle }
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(values: &[f64], is: Op, bound: f64) -> Verdict {
        absolute(values, is, bound, Some(1.0)).verdict
    }

    #[test]
    fn the_whole_interval_has_to_be_on_one_side() {
        // 1…5: 3 ± 1.963.
        let open = |values: &[f64], is, bound| absolute(values, is, bound, None).verdict;
        let values = [1.0, 2.0, 3.0, 4.0, 5.0];
        for (bound, below, above) in [
            (4.97, Verdict::Held, Verdict::Failed),
            (4.9, Verdict::Undecided, Verdict::Undecided),
            (1.1, Verdict::Undecided, Verdict::Undecided),
            (1.03, Verdict::Failed, Verdict::Held),
        ] {
            assert_eq!((open(&values, Op::Below, bound), open(&values, Op::Above, bound)), (below, above), "{bound}");
            assert_eq!((open(&values, Op::AtMost, bound), open(&values, Op::AtLeast, bound)), (below, above), "{bound}");
        }
    }

    #[test]
    fn equal_values_decide_exactly() {
        assert_eq!(verdict(&[0.5; 2], Op::Below, 0.5), Verdict::Failed);
        assert_eq!(verdict(&[0.5; 2], Op::AtMost, 0.5), Verdict::Held);
        assert_eq!(verdict(&[0.5; 2], Op::Above, 0.5), Verdict::Failed);
        assert_eq!(verdict(&[0.5; 2], Op::AtLeast, 0.5), Verdict::Held);
        assert_eq!(verdict(&[0.0; 3], Op::AtMost, 0.0), Verdict::Held);
    }

    #[test]
    fn one_replication_decides_nothing_and_none_is_no_data() {
        let one = absolute(&[1.0], Op::Below, 5.0, None);
        assert_eq!((one.verdict, one.ci95, one.needs), (Verdict::Undecided, None, Some(2)));
        assert_eq!(absolute(&[], Op::Below, 5.0, None).verdict, Verdict::NoData);
    }

    #[test]
    fn one_miss_at_the_edge_of_what_there_can_be_decides() {
        // The mean of 0, 0, 3 is above 0, however wide the interval.
        assert_eq!(verdict(&[0.0, 0.0, 3.0], Op::AtMost, 0.0), Verdict::Failed);
        assert_eq!(verdict(&[1.0, 1.0, 0.99], Op::AtLeast, 1.0), Verdict::Failed);
        assert_eq!(absolute(&[1.0, 1.0, 0.99], Op::AtLeast, 1.0, None).verdict, Verdict::Undecided);
    }

    #[test]
    fn undecided_says_how_many_would_decide() {
        // 3 ± t·1.5811/√n against 4: t₁₁·1.5811/√12 = 1.0046 and t₁₂·1.5811/√13 = 0.9554.
        let judged = absolute(&[1.0, 2.0, 3.0, 4.0, 5.0], Op::Below, 4.0, None);
        assert_eq!((judged.verdict, judged.needs), (Verdict::Undecided, Some(13)));
        assert_eq!(absolute(&[1.0, 2.0, 3.0], Op::Below, 2.0, None).needs, None, "exactly at the bound nobody can say");
    }

    #[test]
    fn ratios_are_judged_by_their_logarithms() {
        let pairs = [(50.0, 100.0), (60.0, 110.0), (45.0, 95.0)];
        let judged = relative(&pairs, Op::Below, 0.8);
        assert_eq!(judged.verdict, Verdict::Held);
        assert!(judged.value.is_some_and(|value| value > 0.45 && value < 0.55));
        assert_eq!(relative(&pairs, Op::Below, 0.3).verdict, Verdict::Failed);
        assert_eq!(relative(&[(5.0, 5.0), (7.0, 7.0)], Op::AtMost, 1.0).verdict, Verdict::Held);
    }

    #[test]
    fn zeros_have_no_ratio_and_are_judged_by_differences() {
        // 0 − 0.5·10, 0 − 0.5·11, 1 − 0.5·12: all well below zero.
        let judged = relative(&[(0.0, 10.0), (0.0, 11.0), (1.0, 12.0)], Op::Below, 0.5);
        assert_eq!((judged.verdict, judged.ci95), (Verdict::Held, None));
        assert_eq!(judged.value, Some(1.0 / 33.0));
        assert_eq!(relative(&[(0.0, 0.0), (0.0, 0.0)], Op::Below, 0.5).verdict, Verdict::NoData);
        assert_eq!(relative(&[(3.0, 0.0), (4.0, 0.0), (5.0, 0.0)], Op::Below, 0.5).verdict, Verdict::Failed);
    }
}
