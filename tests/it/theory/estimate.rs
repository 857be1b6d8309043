//! From replications to an estimate, its standard error and a verdict.
//!
//! Every statistic is a function of sums over requests: a mean is Σlatency ÷ Σ1, a percentile's is the share at or below the expected value.
//! The estimate is that function of the sums of all replications; its standard error is the jackknife's over replications, which are
//! independent whatever the requests within one are. With 40 of them the deviation in standard errors follows Student's t with 39 degrees of
//! freedom, which lies beyond 3.9 four times as often as a normal; z is the normal deviate that is as rare.

use super::cases::Case;
use evenkeel::dist::math::normal_quantile;
use evenkeel::measure::student;

/// The normal deviate that is as rare as this deviation, whose standard error was estimated from so many replications.
pub(crate) fn deviate(off: f64, error: f64, replications: usize) -> f64 {
    if off == 0.0 || replications == KNOWN {
        return if off == 0.0 { 0.0 } else { off / error };
    }
    let p = student::two_sided(off / error, replications as f64 - 1.0);
    // Below this, what is left of p has no digits; it is far beyond any limit.
    let z = if p < 1e-12 { (off / error).abs() } else { normal_quantile(1.0 - p / 2.0) };
    z.copysign(off)
}

/// In place of a number of replications: the standard error is known and not estimated.
pub(crate) const KNOWN: usize = usize::MAX;

/// Sums of one replication.
pub(crate) type Sums = [f64; 3];

/// What was measured for a case.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) id: String,
    pub(crate) measured: f64,
    pub(crate) expected: f64,
    /// Of the measurement and the reference together.
    pub(crate) error: f64,
    pub(crate) z: f64,
    pub(crate) held: bool,
}

/// Beyond so many standard errors a case fails: two-sided, once in ten thousand for a normal.
pub(crate) const LIMIT: f64 = 3.9;
/// What is allowed in any case, as a share of the expected value.
pub(crate) const FLOOR: f64 = 0.002;

impl Outcome {
    /// Judged with a standard error that was estimated from so many replications.
    pub(crate) fn new(case: &Case, measured: f64, error: f64, replications: usize) -> Self {
        let error = error.hypot(case.reference_error);
        let off = measured - case.expected;
        // An event rarer than once in a million requests that was not seen: there is no error to compare with, and nothing to be found.
        let is_unseen = error == 0.0 && off.abs() < 1e-6;
        let z = if is_unseen { 0.0 } else { deviate(off, error, replications) };
        Self {
            id: case.id.clone(),
            measured,
            expected: case.expected,
            error,
            z,
            held: z.abs() <= LIMIT || off.abs() <= FLOOR * case.expected.abs(),
        }
    }

    /// What is computed and not sampled: to the last digits.
    pub(crate) fn exact(case: &Case, measured: f64) -> Self {
        let held = (measured - case.expected).abs() <= 1e-9 * case.expected.abs().max(1.0);
        Self { id: case.id.clone(), measured, expected: case.expected, error: 0.0, z: if held { 0.0 } else { f64::INFINITY }, held }
    }
}

/// An estimate and its standard error.
pub(crate) fn jackknife(replications: &[Sums], of: impl Fn(Sums) -> f64) -> (f64, f64) {
    let add = |a: Sums, b: &Sums| [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
    let total = replications.iter().fold([0.0; 3], add);
    let without: Vec<f64> = replications.iter().map(|one| of([total[0] - one[0], total[1] - one[1], total[2] - one[2]])).collect();
    let n = replications.len() as f64;
    let mean = without.iter().sum::<f64>() / n;
    let spread: f64 = without.iter().map(|value| (value - mean) * (value - mean)).sum();
    (of(total), ((n - 1.0) / n * spread).sqrt())
}

/// A ratio of two sums.
pub(crate) fn ratio(sums: Sums) -> f64 {
    sums[0] / sums[1]
}

/// A mean of independent values and its standard error.
pub(crate) fn mean(values: &[f64]) -> (f64, f64) {
    jackknife(&values.iter().map(|&value| [value, 1.0, 0.0]).collect::<Vec<_>>(), ratio)
}
