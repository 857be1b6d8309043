//! Who is better: every balancer against every other, and every variant against every other.
//!
//! Paired by replication (see [`super::paired`]), for five metrics each, and corrected by Holm over all comparisons of the run (see
//! [`super::holm`]). The later of two, in the order of the scenario, is held against the earlier: a baseline comes first.

use super::holm;
use super::interval;
use super::metric::{Better, Metric};
use super::paired;
use super::result::Measured;
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
    let mut drafts = pairs(measured, |one, other| one.subject.variant == other.subject.variant);
    drafts.extend(pairs(measured, |one, other| {
        one.subject.variant != other.subject.variant && one.subject.balancer == other.subject.balancer
    }));
    let raw: Vec<Option<f64>> = drafts.iter().map(|draft| draft.p_value).collect();
    for (draft, p) in drafts.iter_mut().zip(holm::corrected(&raw)) {
        draft.p_value = p;
        draft.verdict = verdict(draft);
    }
    drafts
}

/// The comparisons of those pairs that belong together.
fn pairs(measured: &[Measured], together: impl Fn(&Measured, &Measured) -> bool) -> Vec<Comparison> {
    let mut found = Vec::new();
    for (at, one) in measured.iter().enumerate() {
        for other in measured[..at].iter().filter(|other| together(one, other)) {
            found.extend(METRICS.iter().map(|metric| compare(one, other, metric)));
        }
    }
    found
}

/// Everything but the correction and the verdict (which is "same" here, or open).
fn compare(one: &Measured, other: &Measured, path: &str) -> Comparison {
    let (these, those) = (values(one, path), values(other, path));
    let found = paired::differences(&these, &those);
    let ratio = paired::ratio(&these, &those);
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

/// One value for each replication; none of a mean that does not exist.
fn values(measured: &Measured, path: &str) -> Vec<Option<f64>> {
    let values = measured.values(path).expect("results remember what is compared");
    if path == "latency.mean" && !measured.settled() { vec![None; values.len()] } else { values.to_vec() }
}

fn verdict(comparison: &Comparison) -> Verdict {
    if comparison.verdict == Verdict::Same {
        return Verdict::Same;
    }
    let (Some(difference), Some(p)) = (comparison.difference, comparison.p_value) else { return Verdict::CannotTell };
    if p >= LEVEL {
        return Verdict::CannotTell;
    }
    let metric = Metric::parse(&comparison.metric, &[]).expect("only known metrics are compared");
    match metric.better() {
        Better::Lower if difference < 0.0 => Verdict::Better,
        Better::Higher if difference > 0.0 => Verdict::Better,
        Better::Lower | Better::Higher => Verdict::Worse,
        Better::Neither => Verdict::CannotTell,
    }
}
