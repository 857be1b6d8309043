//! Special functions that laws need, and a search without derivatives.

use libm::{erfc, exp, fabs, lgamma, log, sqrt};

/// The share of a standard normal below `x`.
pub(super) fn normal_below(x: f64) -> f64 {
    0.5 * erfc(-x / std::f64::consts::SQRT_2)
}

/// The share of a gamma of this shape and scale 1 below `x`: a series below the mean, a continued fraction (Lentz) above.
pub(super) fn gamma_below(shape: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let front = exp(shape * log(x) - x - lgamma(shape));
    if x < shape + 1.0 {
        let (mut term, mut sum, mut n) = (1.0 / shape, 1.0 / shape, shape);
        for _ in 0..10_000 {
            n += 1.0;
            term *= x / n;
            sum += term;
            if term < sum * 1e-15 {
                break;
            }
        }
        return (front * sum).min(1.0);
    }
    let mut b = x + 1.0 - shape;
    let (mut c, mut d) = (1e300, 1.0 / b);
    let mut h = d;
    for i in 1..10_000 {
        let an = -f64::from(i) * (f64::from(i) - shape);
        b += 2.0;
        let tiny = |value: f64| if fabs(value) < 1e-300 { 1e-300 } else { value };
        d = 1.0 / tiny(an * d + b);
        c = tiny(b + an / c);
        h *= d * c;
        if fabs(d * c - 1.0) < 1e-15 {
            break;
        }
    }
    (1.0 - front * h).clamp(0.0, 1.0)
}

/// The derivative of ln Γ, by its recurrence and its asymptotic series.
pub(super) fn digamma(mut x: f64) -> f64 {
    let mut below = 0.0;
    while x < 10.0 {
        below += 1.0 / x;
        x += 1.0;
    }
    let r = 1.0 / (x * x);
    log(x) - 0.5 / x - r * (1.0 / 12.0 - r * (1.0 / 120.0 - r * (1.0 / 252.0 - r / 240.0))) - below
}

/// The root of a function that ascends or descends between two points, by bisection; the nearer end where it has none.
pub(super) fn root(mut low: f64, mut high: f64, f: impl Fn(f64) -> f64) -> f64 {
    let (at_low, at_high) = (f(low), f(high));
    if (at_low > 0.0) == (at_high > 0.0) {
        return if fabs(at_low) < fabs(at_high) { low } else { high };
    }
    for _ in 0..60 {
        let middle = sqrt(low * high);
        if (f(middle) > 0.0) == (at_low > 0.0) {
            low = middle;
        } else {
            high = middle;
        }
        if high / low < 1.0 + 1e-9 {
            break;
        }
    }
    sqrt(low * high)
}

/// The least value that Nelder and Mead's simplex finds from a point, and where.
pub(super) fn least<const N: usize>(start: [f64; N], step: f64, most: usize, f: impl Fn(&[f64; N]) -> f64) -> ([f64; N], f64) {
    let mut simplex: Vec<([f64; N], f64)> = (0..=N)
        .map(|corner| {
            let mut point = start;
            if corner > 0 {
                point[corner - 1] += step;
            }
            (point, f(&point))
        })
        .collect();
    let mut calls = N + 1;
    while calls < most {
        simplex.sort_by(|a, b| a.1.total_cmp(&b.1));
        let worst = simplex[N];
        if worst.1 - simplex[0].1 < 1e-7 * (1.0 + fabs(simplex[0].1)) {
            break;
        }
        let centre: [f64; N] = std::array::from_fn(|d| simplex[..N].iter().map(|corner| corner.0[d]).sum::<f64>() / N as f64);
        let along = |by: f64| {
            let point: [f64; N] = std::array::from_fn(|d| centre[d] + by * (worst.0[d] - centre[d]));
            (point, f(&point))
        };
        let reflected = along(-1.0);
        calls += 2;
        let better = if reflected.1 < simplex[0].1 {
            let far = along(-2.0);
            if far.1 < reflected.1 { far } else { reflected }
        } else if reflected.1 < simplex[N - 1].1 {
            reflected
        } else {
            along(if reflected.1 < worst.1 { -0.5 } else { 0.5 })
        };
        if better.1 < worst.1 {
            simplex[N] = better;
        } else {
            let best = simplex[0].0;
            for corner in &mut simplex[1..] {
                corner.0 = std::array::from_fn(|d| 0.5 * (best[d] + corner.0[d]));
                corner.1 = f(&corner.0);
            }
            calls += N;
        }
    }
    simplex.sort_by(|a, b| a.1.total_cmp(&b.1));
    simplex[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        // Of a gamma of shape 1, 1 − exp(−x); of shape ½, the error function.
        for x in [1e-6, 0.1, 0.9, 2.5, 30.0] {
            assert!(fabs(gamma_below(1.0, x) - (1.0 - exp(-x))) < 1e-13, "{x}");
            assert!(fabs(gamma_below(0.5, x) - libm::erf(sqrt(x))) < 1e-13, "{x}");
            assert!(fabs(gamma_below(2.0, x) - (1.0 - exp(-x) * (1.0 + x))) < 1e-13, "{x}");
        }
        assert!(fabs(digamma(1.0) + 0.577_215_664_901_532_9) < 1e-11);
        assert!(fabs(digamma(0.5) + 1.963_510_026_021_423_5) < 1e-11);
        assert!(fabs(normal_below(1.959_963_984_540_054) - 0.975) < 1e-14);
    }

    #[test]
    fn a_root_and_a_valley() {
        assert!(fabs(root(1e-3, 1e3, |x| x * x - 2.0) - std::f64::consts::SQRT_2) < 1e-7);
        let valley = |p: &[f64; 2]| (1.0 - p[0]) * (1.0 - p[0]) + 100.0 * (p[1] - p[0] * p[0]) * (p[1] - p[0] * p[0]);
        let (at, value) = least([-1.2, 1.0], 0.5, 2000, valley);
        assert!(value < 1e-4 && fabs(at[0] - 1.0) < 0.05, "{at:?} {value}");
    }
}
