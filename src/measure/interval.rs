//! A mean over replications and its 95% confidence interval.
//!
//! Replications are independent, so their values x₁ … xₙ are an honest sample even though requests within one are not. The
//! interval is x̄ ± t · s ÷ √n, with s² = Σ(x−x̄)² ÷ (n−1) and t the two-sided 5% point of Student's law with n−1
//! degrees of freedom. With one replication there is a mean and no interval.

use super::student;
use std::sync::OnceLock;

/// A mean and the half-width of its 95% confidence interval, both in the unit of the values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The mean of the values.
    pub mean: f64,
    /// The half-width; `None` with fewer than two values.
    pub half: Option<f64>,
}

impl Interval {
    /// Over values of independent replications; `None` if there is none.
    #[must_use]
    pub fn over(values: &[f64]) -> Option<Self> {
        let mean = mean(values)?;
        Some(Self { mean, half: standard_error(values, mean).map(|error| error * point(values.len())) })
    }

    /// Lower and upper bound; `None` without an interval.
    #[must_use]
    pub fn bounds(&self) -> Option<[f64; 2]> {
        self.half.map(|half| [self.mean - half, self.mean + half])
    }

    /// The half-width as a share of the mean; `None` without an interval or with a mean of zero.
    #[must_use]
    pub fn relative(&self) -> Option<f64> {
        let half = self.half?;
        (self.mean != 0.0).then(|| (half / self.mean).abs())
    }
}

/// The mean: Σx ÷ n, summed about the first value so that equal values give themselves exactly.
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    let first = *values.first()?;
    Some(first + values.iter().map(|value| value - first).sum::<f64>() / values.len() as f64)
}

/// s ÷ √n; `None` with fewer than two values.
#[must_use]
pub fn standard_error(values: &[f64], mean: f64) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    let n = values.len() as f64;
    Some((squares / (n - 1.0) / n).sqrt())
}

/// The 95% point for so many values (two or more); remembered for the usual numbers, since comparisons ask by the thousand.
fn point(values: usize) -> f64 {
    static POINTS: [OnceLock<f64>; 128] = [const { OnceLock::new() }; 128];
    let compute = || student::critical(0.05, (values - 1) as f64);
    POINTS.get(values - 2).map_or_else(compute, |point| *point.get_or_init(compute))
}

/// The half-width over those values that exist; `None` with fewer than two.
#[must_use]
pub fn half_width(values: &[Option<f64>]) -> Option<f64> {
    let present: Vec<f64> = values.iter().copied().flatten().collect();
    Interval::over(&present)?.half
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hand_worked_interval() {
        // 1…5: mean 3, s² = 2.5, s/√5 = 0.7071, t₄ = 2.7764.
        let interval = Interval::over(&[1.0, 2.0, 3.0, 4.0, 5.0]).expect("five values");
        assert_eq!(interval.mean, 3.0);
        assert!((interval.half.expect("five values") - 2.776_445_105_197_79 * 0.5_f64.sqrt()).abs() < 1e-9);
    }

    #[test]
    fn equal_values_have_no_width_and_one_has_no_interval() {
        assert_eq!(Interval::over(&[0.1; 7]), Some(Interval { mean: 0.1, half: Some(0.0) }));
        assert_eq!(Interval::over(&[7.5]), Some(Interval { mean: 7.5, half: None }));
        assert_eq!(Interval::over(&[]), None);
        assert_eq!(half_width(&[Some(1.0), None, Some(3.0)]), Interval::over(&[1.0, 3.0]).and_then(|i| i.half));
    }

    /// Sums of twelve uniform draws from xorshift64*: near enough to normal for the coverage.
    fn normal(state: &mut u64) -> f64 {
        (0..12)
            .map(|_| {
                *state ^= *state << 13;
                *state ^= *state >> 7;
                *state ^= *state << 17;
                (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1_u64 << 53) as f64
            })
            .sum::<f64>()
            - 6.0
    }

    #[test]
    fn the_interval_of_five_replications_covers_the_truth_in_95_of_100() {
        // 1,000 experiments: the standard error of the coverage is √(0.95·0.05/1000) = 0.7%, so 93–97% is 2.9 of them.
        let mut state = 0x9E37_79B9_7F4A_7C15;
        let covered = (0..1000)
            .filter(|_| {
                let values: Vec<f64> = (0..5).map(|_| 10.0 + 3.0 * normal(&mut state)).collect();
                let [low, high] = Interval::over(&values).and_then(|i| i.bounds()).expect("five values");
                low <= 10.0 && 10.0 <= high
            })
            .count();
        assert!((930..=970).contains(&covered), "{covered} of 1000");
    }
}
