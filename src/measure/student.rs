//! Student's t distribution: what the mean of a few replications is judged by.
//!
//! With ν degrees of freedom, P(|T| > t) = I_x(ν/2, 1/2) at x = ν ÷ (ν + t²) (see [`super::beta`]). Its quantile has no
//! formula, so it is found by halving an interval, which is slow (microseconds) and gives the same bits everywhere.

use super::beta::regularised;

/// P(|T| > |t|) with `freedom` degrees of freedom: the two-sided p-value of a t statistic. 0 for an infinite t.
#[must_use]
pub fn two_sided(t: f64, freedom: f64) -> f64 {
    if t.is_infinite() {
        return 0.0;
    }
    regularised(freedom / (freedom + t * t), freedom / 2.0, 0.5)
}

/// The t that is exceeded in absolute value with probability `share` (above 0, below 1): 2.776 for 0.05 and 4 degrees of freedom.
#[must_use]
pub fn critical(share: f64, freedom: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while two_sided(high, freedom) > share && high < 1e300 {
        high *= 2.0;
    }
    loop {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            return middle;
        }
        if two_sided(middle, freedom) > share { low = middle } else { high = middle }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn critical_values_equal_published_tables() {
        // Two-sided points, computed from the closed forms for whole degrees of freedom (Abramowitz and Stegun 26.7.3
        // and 26.7.4) in 40 digits; they agree with every printed digit of the tables there.
        let table = [
            (0.05, 1.0, 12.706_204_736_174_705),
            (0.05, 2.0, 4.302_652_729_749_464),
            (0.05, 3.0, 3.182_446_305_283_709_6),
            (0.05, 4.0, 2.776_445_105_197_794_4),
            (0.05, 5.0, 2.570_581_835_636_315_5),
            (0.05, 9.0, 2.262_157_162_798_205_5),
            (0.05, 10.0, 2.228_138_851_986_275),
            (0.05, 29.0, 2.045_229_642_132_704_3),
            (0.05, 30.0, 2.042_272_456_301_238),
            (0.05, 99.0, 1.984_216_951_586_417_5),
            (0.01, 4.0, 4.604_094_871_349_993),
            (0.01, 10.0, 3.169_272_672_616_951_2),
            (0.1, 10.0, 1.812_461_122_811_676_4),
            (0.001, 4.0, 8.610_301_581_379_275),
            (0.001, 29.0, 3.659_405_019_466_333),
        ];
        for (share, freedom, expected) in table {
            let found = critical(share, freedom);
            assert!((found - expected).abs() < 1e-9, "t({share}, {freedom}) = {found}, not {expected}");
        }
    }

    #[test]
    fn one_two_and_four_degrees_have_closed_forms() {
        for t in [0.1, 1.0, 2.5, 12.7, 300.0] {
            // ν = 1: 1 − 2·atan(t)/π; ν = 2: 1 − t/√(2+t²); ν = 4: 1 − t(6+t²)/(4+t²)^1.5.
            let one = 1.0 - 2.0 * libm::atan(t) / core::f64::consts::PI;
            let two = 1.0 - t / (2.0 + t * t).sqrt();
            let four = 1.0 - t * (6.0 + t * t) / ((4.0 + t * t) * (4.0 + t * t).sqrt());
            assert!((two_sided(t, 1.0) - one).abs() < 1e-12);
            assert!((two_sided(t, 2.0) - two).abs() < 1e-12);
            assert!((two_sided(t, 4.0) - four).abs() < 1e-12);
        }
    }

    #[test]
    fn many_degrees_become_the_normal_law() {
        // 1.959964 is the normal point; the first correction is (z³ + z) / 4ν.
        let z = 1.959_963_984_540_054;
        let found = critical(0.05, 1e6);
        assert!((found - (z + (z * z * z + z) / 4e6)).abs() < 1e-9);
    }

    #[test]
    fn no_difference_has_p_one_and_an_infinite_one_zero() {
        assert_eq!(two_sided(0.0, 4.0), 1.0);
        assert_eq!(two_sided(f64::INFINITY, 4.0), 0.0);
        assert_eq!(two_sided(-2.0, 4.0), two_sided(2.0, 4.0));
    }
}
