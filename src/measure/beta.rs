//! The regularised incomplete beta function I_x(a, b): what Student's t distribution is made of.
//!
//! I_x(a, b) = ∫₀ˣ t^(a−1) (1−t)^(b−1) dt ÷ B(a, b), by the continued fraction of Abramowitz and Stegun 26.5.8, evaluated
//! by Lentz's method. It converges fast for x < (a+1)/(a+b+2); beyond, I_x(a, b) = 1 − I_{1−x}(b, a) is used. Everything
//! goes through `libm`, so the last bit is the same on every platform.

/// Where a denominator of Lentz's method would be zero.
const TINY: f64 = 1e-300;
/// Steps of the continued fraction: it takes about √max(a, b) of them, so this serves millions of degrees of freedom.
const STEPS: u32 = 10_000;

/// I_x(a, b) for a, b > 0; x is taken into 0..=1.
#[must_use]
pub fn regularised(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let log_front = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * libm::log(x) + b * libm::log1p(-x);
    let front = libm::exp(log_front);
    if x < (a + 1.0) / (a + b + 2.0) { front * fraction(x, a, b) / a } else { 1.0 - front * fraction(1.0 - x, b, a) / b }
}

/// The continued fraction 1/(1+ d₁/(1+ d₂/(1+ …))).
fn fraction(x: f64, a: f64, b: f64) -> f64 {
    let kept = |value: f64| if value > -TINY && value < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / kept(1.0 - (a + b) * x / (a + 1.0));
    let mut result = d;
    for step in 1..=STEPS {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            d = 1.0 / kept(1.0 + term * d);
            c = kept(1.0 + term / c);
            change = c * d;
            result *= change;
        }
        if change > 1.0 - 1e-16 && change < 1.0 + 1e-15 {
            break;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_parameters_give_polynomials() {
        // I_x(1, b) = 1 − (1−x)^b; I_x(a, 1) = x^a; I_x(2, 2) = 3x² − 2x³.
        for x in [0.0, 1e-6, 0.1, 0.5, 0.9, 0.999, 1.0] {
            assert!((regularised(x, 1.0, 3.0) - (1.0 - (1.0 - x) * (1.0 - x) * (1.0 - x))).abs() < 1e-13);
            assert!((regularised(x, 4.0, 1.0) - x * x * x * x).abs() < 1e-13);
            assert!((regularised(x, 2.0, 2.0) - (3.0 * x * x - 2.0 * x * x * x)).abs() < 1e-13);
        }
    }

    #[test]
    fn it_is_symmetric() {
        for (x, a, b) in [(0.3, 2.5, 0.5), (0.7, 50.0, 0.5), (0.01, 0.5, 0.5), (0.999, 500.0, 0.5)] {
            assert!((regularised(x, a, b) + regularised(1.0 - x, b, a) - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn the_arcsine_law_has_a_known_median() {
        assert!((regularised(0.5, 0.5, 0.5) - 0.5).abs() < 1e-14);
        assert!((regularised(0.25, 0.5, 0.5) - 1.0 / 3.0).abs() < 1e-14);
    }
}
