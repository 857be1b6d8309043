//! How well what was measured agrees with what must come out.

use crate::dist::math::normal_quantile;
use crate::measure::interval::{mean, standard_error};
use crate::measure::student;

/// Beyond so many standard errors something is wrong: two-sided, once in ten thousand.
const LIMIT: f64 = 3.9;
/// What is allowed in any case, as a share of the expected value: percentiles are known to 0.1%.
const FLOOR: f64 = 0.002;

/// A value over replications beside the expected one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// The mean over replications.
    pub measured: f64,
    /// Its standard error.
    pub error: f64,
    /// How far off it is, as the normal deviate that is as rare.
    pub z: f64,
    /// Whether |z| ≤ 3.9, or it is within 0.2%.
    pub holds: bool,
}

impl Agreement {
    /// Of independent values; `None` with fewer than two.
    #[must_use]
    pub fn of(values: &[f64], expected: f64) -> Option<Self> {
        let measured = mean(values)?;
        let error = standard_error(values, measured)?;
        let off = measured - expected;
        let p = student::two_sided(off / error, values.len() as f64 - 1.0);
        let z = if off == 0.0 { 0.0 } else { normal_quantile(1.0 - (p / 2.0).max(1e-16)).abs().copysign(off) };
        Some(Self { measured, error, z, holds: z.abs() <= LIMIT || off.abs() <= FLOOR * expected })
    }

    /// Whether it is at least the expected value.
    #[must_use]
    pub fn is_not_below(&self) -> bool {
        self.holds || self.z > 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_far_off_does_not_hold() {
        let values = [9.9, 10.0, 10.1, 10.0];
        let near = Agreement::of(&values, 10.05).expect("there are several");
        assert!(near.holds && near.z < 0.0 && (near.measured - 10.0).abs() < 1e-12);
        let above = Agreement::of(&values, 5.0).expect("there are several");
        assert!(!above.holds && above.is_not_below() && above.z > LIMIT);
        let below = Agreement::of(&values, 20.0).expect("there are several");
        assert!(!below.holds && !below.is_not_below());
        assert_eq!(Agreement::of(&[1.0], 1.0), None);
        assert!(Agreement::of(&[3.0, 3.0], 3.0).is_some_and(|exact| exact.holds && exact.z == 0.0));
    }
}
