//! Two balancers on the same requests: the paired comparison.
//!
//! All balancers of a replication meet the same arrivals and work, so what is judged is the difference within each
//! replication, dᵢ = aᵢ − bᵢ, whose noise is far smaller than either's. The test is Student's t on the dᵢ, n−1 degrees of
//! freedom. Ratios (gates' relative rules, the table's `1.42x`) are judged on ln aᵢ − ln bᵢ and read back through exp, so
//! that "a half" and "twice" weigh the same.

use super::interval::{self, Interval};
use super::student;

/// What is known of a difference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paired {
    /// The mean of the differences, this minus the other.
    pub difference: f64,
    /// Its 95% interval; `None` with one replication.
    pub bounds: Option<[f64; 2]>,
    /// The two-sided p-value, uncorrected; `None` with one replication.
    pub p: Option<f64>,
    /// Whether every single difference is zero.
    pub same: bool,
}

/// The pairs in which both values exist.
fn pairs(these: &[Option<f64>], others: &[Option<f64>]) -> Vec<(f64, f64)> {
    these.iter().zip(others).filter_map(|(&this, &other)| Some((this?, other?))).collect()
}

/// Compares by differences, replication by replication; those in which either value is missing are left out.
#[must_use]
pub fn differences(these: &[Option<f64>], others: &[Option<f64>]) -> Option<Paired> {
    let values: Vec<f64> = pairs(these, others).iter().map(|(this, other)| this - other).collect();
    of_differences(&values)
}

fn of_differences(values: &[f64]) -> Option<Paired> {
    let interval = Interval::over(values)?;
    let same = values.iter().all(|&value| value == 0.0);
    let p = interval::standard_error(values, interval.mean).map(|error| match (interval.mean, error) {
        (0.0, _) => 1.0,
        // Differences without any spread: nothing was left to chance.
        (_, 0.0) => 0.0,
        (mean, error) => student::two_sided(mean / error, (values.len() - 1) as f64),
    });
    Some(Paired { difference: interval.mean, bounds: interval.bounds(), p, same })
}

/// Compares by log ratios: `difference` is the mean of ln(this ÷ other). `None` if no pair exists or a value is not above zero.
#[must_use]
pub fn log_ratios(these: &[Option<f64>], others: &[Option<f64>]) -> Option<Paired> {
    let pairs = pairs(these, others);
    if pairs.iter().any(|&(this, other)| this <= 0.0 || other <= 0.0) {
        return None;
    }
    let values: Vec<f64> = pairs.iter().map(|(this, other)| if this == other { 0.0 } else { libm::log(this / other) }).collect();
    of_differences(&values)
}

/// This as a multiple of the other (a geometric mean over replications), and its 95% interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// exp of the mean log ratio.
    pub value: f64,
    /// exp of its bounds; `None` with one replication.
    pub bounds: Option<[f64; 2]>,
}

/// The ratio of this to the other; `None` where [`log_ratios`] is.
#[must_use]
pub fn ratio(these: &[Option<f64>], others: &[Option<f64>]) -> Option<Ratio> {
    let logs = log_ratios(these, others)?;
    Some(Ratio { value: libm::exp(logs.difference), bounds: logs.bounds.map(|bounds| bounds.map(libm::exp)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(values: &[f64]) -> Vec<Option<f64>> {
        values.iter().copied().map(Some).collect()
    }

    #[test]
    fn a_hand_worked_pair() {
        // Differences 1, 2, 3: mean 2, s/√3 = 1/√3, t = 3.4641 with 2 degrees: p = 1 − t/√(2+t²) = 1 − √(12/14).
        let paired = differences(&some(&[2.0, 4.0, 6.0]), &some(&[1.0, 2.0, 3.0])).expect("three pairs");
        assert_eq!(paired.difference, 2.0);
        assert!((paired.p.expect("three pairs") - (1.0 - (12.0_f64 / 14.0).sqrt())).abs() < 1e-12);
        assert!(!paired.same);
        // Their ratios are 2 throughout: no doubt about it.
        let ratio = ratio(&some(&[2.0, 4.0, 6.0]), &some(&[1.0, 2.0, 3.0])).expect("above zero");
        assert!((ratio.value - 2.0).abs() < 1e-12);
        assert!(ratio.bounds.is_some_and(|[low, high]| (high - low).abs() < 1e-12));
    }

    #[test]
    fn equal_values_are_the_same_and_certain() {
        let paired = differences(&some(&[5.0, 6.0]), &some(&[5.0, 6.0])).expect("two pairs");
        assert_eq!(paired, Paired { difference: 0.0, bounds: Some([0.0, 0.0]), p: Some(1.0), same: true });
    }

    #[test]
    fn missing_values_and_single_replications_prove_nothing() {
        assert_eq!(differences(&[None, None], &some(&[1.0, 2.0])), None);
        let one = differences(&[Some(3.0), None], &some(&[1.0, 2.0])).expect("one pair");
        assert_eq!(one, Paired { difference: 2.0, bounds: None, p: None, same: false });
    }

    #[test]
    fn zero_has_no_ratio() {
        assert_eq!(ratio(&some(&[0.0, 1.0]), &some(&[1.0, 1.0])), None);
    }

    #[test]
    fn a_constant_difference_is_beyond_doubt() {
        let paired = differences(&some(&[3.0, 4.0, 5.0]), &some(&[2.0, 3.0, 4.0])).expect("three pairs");
        assert_eq!((paired.difference, paired.p), (1.0, Some(0.0)));
    }
}
