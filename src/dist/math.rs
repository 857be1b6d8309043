//! Every transcendental function of the simulated path, from one portable library.
//!
//! Platforms' own `ln`, `exp`, `pow`, `sin` differ in the last bit for 3–10% of inputs, which sooner or later flips a tie. The
//! `libm` crate computes them in plain arithmetic, so it gives the same bits everywhere; clippy.toml bans the others.

pub use libm::{cos, exp, log, pow, sin, sqrt};

/// −ln(u) for u in (0, 1), without branches.
///
/// The argument is split into 2^e · m with m in [√½, √2); ln m = 2 artanh((m−1)/(m+1)) as a series to the 21st power, whose
/// rest is below 2^-56. Against `libm::log` it is within 2 units in the last place (tested).
#[inline(always)]
#[must_use]
pub fn neg_ln(u: f64) -> f64 {
    let bits = u.to_bits();
    let m = f64::from_bits((bits & 0x000F_FFFF_FFFF_FFFF) | 0x3FF0_0000_0000_0000);
    // The exponent as a double without an integer conversion: put it into the fraction of 2^52 and subtract.
    let e = f64::from_bits((bits >> 52) | 0x4330_0000_0000_0000) - (4_503_599_627_370_496.0 + 1023.0);
    let high = m > std::f64::consts::SQRT_2;
    let (m, e) = (if high { m * 0.5 } else { m }, if high { e + 1.0 } else { e });
    let z = (m - 1.0) / (m + 1.0);
    let w = z * z;
    let series = 1.0 / 21.0;
    let series = series * w + 1.0 / 19.0;
    let series = series * w + 1.0 / 17.0;
    let series = series * w + 1.0 / 15.0;
    let series = series * w + 1.0 / 13.0;
    let series = series * w + 1.0 / 11.0;
    let series = series * w + 1.0 / 9.0;
    let series = series * w + 1.0 / 7.0;
    let series = series * w + 1.0 / 5.0;
    let series = series * w + 1.0 / 3.0;
    let artanh = z + z * (w * series);
    // ln 2 in two parts: the first has zeros at its end, so that e times it is exact.
    const LN2_HIGH: f64 = 0.693_147_180_369_123_8;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    -(e * LN2_HIGH) - (e * LN2_LOW + 2.0 * artanh)
}

/// The standard normal's quantile, by Wichura's algorithm AS 241 (PPND16): relative error about 1e-16.
#[must_use]
pub fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * ratio(r, &CENTRE.0, &CENTRE.1);
    }
    let r = sqrt(-log(if q < 0.0 { p } else { 1.0 - p }));
    let value = if r <= 5.0 { ratio(r - 1.6, &MIDDLE.0, &MIDDLE.1) } else { ratio(r - 5.0, &TAIL.0, &TAIL.1) };
    if q < 0.0 { -value } else { value }
}

/// A ratio of two polynomials, highest power last.
fn ratio(x: f64, above: &[f64; 8], below: &[f64; 8]) -> f64 {
    let at = |coefficients: &[f64; 8]| coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c);
    at(above) / at(below)
}

type Ratio = ([f64; 8], [f64; 8]);

#[rustfmt::skip]
const CENTRE: Ratio = (
    [3.387_132_872_796_366_5, 1.331_416_678_917_843_8e2, 1.971_590_950_306_551_3e3, 1.373_169_376_550_946e4,
     4.592_195_393_154_987e4, 6.726_577_092_700_87e4, 3.343_057_558_358_813e4, 2.509_080_928_730_122_7e3],
    [1.0, 4.231_333_070_160_091e1, 6.871_870_074_920_579e2, 5.394_196_021_424_751e3,
     2.121_379_430_158_659_7e4, 3.930_789_580_009_271e4, 2.872_908_573_572_194_3e4, 5.226_495_278_852_545e3]);
#[rustfmt::skip]
const MIDDLE: Ratio = (
    [1.423_437_110_749_683_5, 4.630_337_846_156_546, 5.769_497_221_460_691, 3.647_848_324_763_204_5,
     1.270_458_252_452_368_4, 2.417_807_251_774_506e-1, 2.272_384_498_926_918_4e-2, 7.745_450_142_783_414e-4],
    [1.0, 2.053_191_626_637_759, 1.676_384_830_183_803_8, 6.897_673_349_851e-1,
     1.481_039_764_274_800_8e-1, 1.519_866_656_361_645_7e-2, 5.475_938_084_995_345e-4, 1.050_750_071_644_416_9e-9]);
#[rustfmt::skip]
const TAIL: Ratio = (
    [6.657_904_643_501_104, 5.463_784_911_164_114, 1.784_826_539_917_291_3, 2.965_605_718_285_048_7e-1,
     2.653_218_952_657_612_4e-2, 1.242_660_947_388_078_4e-3, 2.711_555_568_743_487_6e-5, 2.010_334_399_292_288_1e-7],
    [1.0, 5.998_322_065_558_88e-1, 1.369_298_809_227_358e-1, 1.487_536_129_085_061_5e-2,
     7.868_691_311_456_133e-4, 1.846_318_317_510_054_8e-5, 1.421_511_758_316_446e-7, 2.044_263_103_389_939_8e-15]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Numbered, unit};

    #[test]
    fn neg_ln_agrees_with_libm_to_two_units_in_the_last_place() {
        let stream = Numbered::new(1);
        let mut worst = 0.0_f64;
        for k in 0..2_000_000 {
            let u = unit(stream.bits(k));
            let (ours, theirs) = (neg_ln(u), -log(u));
            worst = worst.max((ours - theirs).abs() / (theirs * f64::EPSILON));
        }
        for u in [f64::EPSILON / 2.0, 0.5, 1.0 - f64::EPSILON / 2.0, std::f64::consts::FRAC_1_SQRT_2, 1e-300] {
            worst = worst.max((neg_ln(u) + log(u)).abs() / (-log(u) * f64::EPSILON));
        }
        assert!(worst <= 2.0, "{worst}");
    }

    #[test]
    fn normal_quantiles_invert_the_error_function() {
        for p in [1e-300, 1e-20, 1e-6, 0.01, 0.074, 0.076, 0.3, 0.5, 0.7, 0.925, 0.99, 0.999_999] {
            let x = normal_quantile(p);
            let back = 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2);
            // The conditioning of the tail: an error of one part in 1e16 of x is x² of them in p.
            assert!((back - p).abs() / p < 4e-16 * (4.0 + x * x), "{p}: {x} gives {back}");
        }
    }
}
