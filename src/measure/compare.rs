//! Who is better: every balancer against every other, and every variant against every other.
//!
//! Paired by replication (see [`super::paired`]), for five metrics each, and corrected by Holm over all comparisons of the run (see
//! [`super::holm`]). A mean that is not quoted, because it grows with the length of the run, is compared all the same: both ran equally
//! long. The later of two, in the order of the scenario, is held against the earlier: a baseline comes first.

use super::holm;
use super::interval;
use super::metric::{Better, Metric};
use super::paired;
use super::result::Measured;
use super::setup::Backend;
use serde::{Deserialize, Serialize};

/// What is compared.
pub const METRICS: [&str; 5] = ["latency.mean", "latency.p50", "latency.p99", "success_rate", "throughput_rps"];

/// The chance of any false verdict among all comparisons of a run.
pub const LEVEL: f64 = 0.05;

/// What can be said of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// The first is.
    #[serde(rename = "better")]
    Better,
    /// The first is.
    #[serde(rename = "worse")]
    Worse,
    /// Equal in every replication.
    #[serde(rename = "same")]
    Same,
    /// The difference may be chance.
    #[serde(rename = "cannot tell")]
    CannotTell,
}

impl Verdict {
    /// As the result spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Same => "same",
            Self::CannotTell => "cannot tell",
        }
    }
}

/// One balancer (in a variant) against another, by one metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The one.
    pub balancer: String,
    /// The other.
    pub than: String,
    /// The variant of the one.
    pub variant: Option<String>,
    /// The variant of the other: the same, unless variants are compared.
    #[serde(default)]
    pub than_variant: Option<String>,
    /// What is compared.
    pub metric: String,
    /// The mean difference, the one minus the other, in the metric's unit.
    pub difference: Option<f64>,
    /// The difference ÷ the other's mean.
    pub relative: Option<f64>,
    /// The 95% interval of the difference (not corrected for the number of comparisons).
    pub ci95: Option<[f64; 2]>,
    /// The p-value, corrected by Holm.
    pub p_value: Option<f64>,
    /// What follows at [`LEVEL`].
    pub verdict: Verdict,
    /// The one as a multiple of the other: the geometric mean over replications.
    #[serde(default)]
    pub ratio: Option<f64>,
    /// Its 95% interval, from paired log ratios.
    #[serde(default)]
    pub ratio_ci95: Option<[f64; 2]>,
}

/// All comparisons of a run, in a fixed order: balancers within each variant, then variants of each balancer.
#[must_use]
pub fn all(measured: &[Measured]) -> Vec<Comparison> {
    by(measured, &METRICS)
}

/// Likewise by other metrics, which all results must have watched; corrected over these alone.
#[must_use]
pub fn by(measured: &[Measured], metrics: &[&str]) -> Vec<Comparison> {
    let mut drafts = pairs(measured, metrics, |one, other| one.subject.variant == other.subject.variant);
    drafts.extend(pairs(measured, metrics, |one, other| {
        one.subject.variant != other.subject.variant && one.subject.balancer == other.subject.balancer
    }));
    let backends = measured.first().map_or(&[][..], |one| &one.subject.backends);
    let raw: Vec<Option<f64>> = drafts.iter().map(|draft| draft.p_value).collect();
    for (draft, p) in drafts.iter_mut().zip(holm::corrected(&raw)) {
        draft.p_value = p;
        draft.verdict = verdict(draft, backends);
    }
    drafts
}

/// The comparisons of those pairs that belong together.
fn pairs(measured: &[Measured], metrics: &[&str], together: impl Fn(&Measured, &Measured) -> bool) -> Vec<Comparison> {
    let mut found = Vec::new();
    for (at, one) in measured.iter().enumerate() {
        for other in measured[..at].iter().filter(|other| together(one, other)) {
            found.extend(metrics.iter().map(|metric| compare(one, other, metric)));
        }
    }
    found
}

/// Everything but the correction and the verdict (which is "same" here, or open).
fn compare<'a>(one: &'a Measured, other: &'a Measured, path: &str) -> Comparison {
    let values = |measured: &'a Measured| measured.values(path).expect("results remember what is compared");
    let (these, those) = (values(one), values(other));
    let found = paired::differences(these, those);
    let ratio = paired::ratio(these, those);
    let base: Vec<f64> = those.iter().copied().flatten().collect();
    let base = interval::mean(&base).filter(|&base| base != 0.0);
    Comparison {
        balancer: one.subject.balancer.clone(),
        than: other.subject.balancer.clone(),
        variant: one.subject.variant.clone(),
        than_variant: other.subject.variant.clone(),
        metric: path.to_owned(),
        difference: found.map(|found| found.difference),
        relative: found.zip(base).map(|(found, base)| found.difference / base),
        ci95: found.and_then(|found| found.bounds),
        p_value: found.and_then(|found| found.p),
        verdict: if found.is_some_and(|found| found.same) { Verdict::Same } else { Verdict::CannotTell },
        ratio: ratio.map(|ratio| ratio.value),
        ratio_ci95: ratio.and_then(|ratio| ratio.bounds),
    }
}

fn verdict(comparison: &Comparison, backends: &[Backend]) -> Verdict {
    if comparison.verdict == Verdict::Same {
        return Verdict::Same;
    }
    let (Some(difference), Some(p)) = (comparison.difference, comparison.p_value) else { return Verdict::CannotTell };
    if p >= LEVEL {
        return Verdict::CannotTell;
    }
    let metric = Metric::parse(&comparison.metric, backends).expect("only known metrics are compared");
    match metric.better() {
        Better::Lower if difference < 0.0 => Verdict::Better,
        Better::Higher if difference > 0.0 => Verdict::Better,
        Better::Lower | Better::Higher => Verdict::Worse,
        Better::Neither => Verdict::CannotTell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::record::Record;
    use crate::measure::result::ResultBuilder;
    use crate::measure::setup::Subject;
    use crate::time::SimTime;

    /// A result whose replications have these latencies, in milliseconds.
    fn measured(balancer: &str, variant: Option<&str>, latencies: &[u64]) -> Measured {
        let subject = Subject { balancer: balancer.into(), variant: variant.map(str::to_owned), ..Subject::default() };
        let mut builder = ResultBuilder::new(subject, []).expect("nothing asked for");
        for ms in latencies {
            let mut record = Record { offered: 1, succeeded: 1, window_end: SimTime(1_000_000_000), ..Record::default() };
            record.latency.record(ms * 1_000_000);
            builder.add(record);
        }
        builder.finish()
    }

    fn found<'a>(all: &'a [Comparison], balancer: &str, than: &str, metric: &str) -> &'a Comparison {
        all.iter()
            .find(|one| (one.balancer.as_str(), one.than.as_str(), one.metric.as_str()) == (balancer, than, metric))
            .expect("compared")
    }

    #[test]
    fn the_later_is_held_against_the_earlier() {
        let all = all(&[measured("random", None, &[100, 110, 120]), measured("p2c", None, &[50, 60, 71])]);
        assert_eq!(all.len(), 5);
        let mean = found(&all, "p2c", "random", "latency.mean");
        assert_eq!(mean.verdict, Verdict::Better);
        assert!((mean.difference.expect("measured") + 149.0 / 3.0).abs() < 1e-9);
        assert!((mean.relative.expect("measured") + 149.0 / 330.0).abs() < 1e-9);
        assert!(mean.ratio.is_some_and(|ratio| ratio > 0.5 && ratio < 0.6));
        assert_eq!(found(&all, "p2c", "random", "success_rate").verdict, Verdict::Same);
    }

    #[test]
    fn noise_and_single_replications_cannot_tell() {
        let noisy = all(&[measured("a", None, &[10, 90, 50]), measured("b", None, &[60, 40, 80])]);
        assert_eq!(found(&noisy, "b", "a", "latency.p99").verdict, Verdict::CannotTell);
        let single = all(&[measured("a", None, &[10]), measured("b", None, &[60])]);
        let one = found(&single, "b", "a", "latency.mean");
        assert_eq!((one.difference, one.ci95, one.p_value, one.verdict), (Some(50.0), None, None, Verdict::CannotTell));
    }

    #[test]
    fn more_is_better_where_it_is() {
        let mut failing = measured("a", None, &[10, 10, 10]);
        let subject = failing.subject.clone();
        let mut builder = ResultBuilder::new(subject, []).expect("nothing asked for");
        for failed in [5, 6, 7] {
            builder.add(Record { offered: 10, succeeded: 10 - failed, failed, window_end: SimTime(1_000_000_000), ..Record::default() });
        }
        failing = builder.finish();
        let all = all(&[measured("sound", None, &[10, 10, 10]), failing]);
        assert_eq!(found(&all, "a", "sound", "success_rate").verdict, Verdict::Worse);
        // Nothing succeeded that has a latency: nothing to compare.
        assert_eq!(found(&all, "a", "sound", "latency.p50").difference, None);
    }

    #[test]
    fn variants_are_compared_too() {
        let all = all(&[
            measured("a", Some("x"), &[10, 11]),
            measured("b", Some("x"), &[20, 21]),
            measured("a", Some("y"), &[30, 31]),
            measured("b", Some("y"), &[40, 41]),
        ]);
        let pairs: Vec<(&str, &str, &str, &str)> = all
            .iter()
            .filter(|one| one.metric == "latency.p50")
            .map(|one| {
                (one.balancer.as_str(), one.variant.as_deref().expect("set"), one.than.as_str(), one.than_variant.as_deref().expect("set"))
            })
            .collect();
        assert_eq!(pairs, [("b", "x", "a", "x"), ("b", "y", "a", "y"), ("a", "y", "a", "x"), ("b", "y", "b", "x")]);
    }

    #[test]
    fn equals_are_rarely_told_apart() {
        // Six balancers without any difference, 15 pairs: a false verdict in at most 5% of runs (200 runs: 1.5% standard error).
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut draw = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            // A sum of four: near enough to normal.
            (0..4).map(|at| (state >> (16 * at)) & 0xFFFF).sum::<u64>()
        };
        let wrong = (0..200)
            .filter(|_| {
                let results: Vec<Measured> =
                    (0..6).map(|at| measured(&at.to_string(), None, &[draw(), draw(), draw(), draw(), draw()])).collect();
                all(&results).iter().any(|one| matches!(one.verdict, Verdict::Better | Verdict::Worse))
            })
            .count();
        assert!(wrong <= 18, "{wrong} of 200");
    }
}
