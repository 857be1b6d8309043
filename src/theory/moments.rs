//! Second moments of distributions of work: what the mean wait of M/G/1 depends on.

use crate::dist::Dist;
use crate::dist::math::{exp, pow};

/// The mean of the square, in square nanoseconds; `None` where it is infinite, or has no formula here (the normal, which is cut).
#[must_use]
pub fn second_moment(dist: &Dist) -> Option<f64> {
    let found = match dist {
        Dist::Constant(value) => value * value,
        Dist::Uniform { min, max } => (min * min + min * max + max * max) / 3.0,
        Dist::Exponential { mean } => 2.0 * mean * mean,
        Dist::Erlang { k, mean } => mean * mean * (1.0 + 1.0 / f64::from(*k)),
        Dist::Gamma { mean, cv } => mean * mean * (1.0 + cv * cv),
        Dist::Hyperexponential { parts } => parts.iter().map(|(share, mean)| share * 2.0 * mean * mean).sum(),
        Dist::Lognormal { mu, sigma } => exp(2.0 * mu + 2.0 * sigma * sigma),
        Dist::Pareto { alpha, min, max: None } if *alpha > 2.0 => alpha * min * min / (alpha - 2.0),
        Dist::Pareto { alpha, min, max: Some(max) } if (alpha - 2.0).abs() > 1e-9 => {
            let cut = 1.0 - pow(min / max, *alpha);
            alpha * min * min / (alpha - 2.0) * (1.0 - pow(min / max, alpha - 2.0)) / cut
        }
        Dist::Pareto { .. } | Dist::Normal { .. } => return None,
        Dist::Weibull { shape, mean } => {
            let scale = mean / libm::tgamma(1.0 + 1.0 / shape);
            scale * scale * libm::tgamma(1.0 + 2.0 / shape)
        }
        Dist::Mixture(parts) => parts.iter().map(|(share, part)| Some(share * second_moment(part)?)).sum::<Option<f64>>()?,
        Dist::Empirical(points) => empirical(points),
    };
    found.is_finite().then_some(found)
}

/// The squared coefficient of variation: the mean of the square ÷ the square of the mean − 1.
#[must_use]
pub fn squared_cv(dist: &Dist) -> Option<f64> {
    let mean = dist.mean();
    (mean > 0.0 && mean.is_finite()).then_some(())?;
    Some((second_moment(dist)? / (mean * mean) - 1.0).max(0.0))
}

/// Straight lines between the points, level before the first and after the last.
fn empirical(points: &[(f64, f64)]) -> f64 {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return 0.0 };
    let lines = points.windows(2).map(|pair| {
        let [(from, a), (to, b)] = [pair[0], pair[1]];
        (to - from) * (a * a + a * b + b * b) / 3.0
    });
    lines.sum::<f64>() + first.0 * first.1 * first.1 + (1.0 - last.0) * last.1 * last.1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::Sampler;
    use crate::random::Numbered;

    #[test]
    fn variations_are_those_of_what_is_drawn() {
        let cases = [
            (Dist::Constant(7.0), Some(0.0)),
            (Dist::Uniform { min: 0.0, max: 12.0 }, Some(1.0 / 3.0)),
            (Dist::Exponential { mean: 3.0 }, Some(1.0)),
            (Dist::Erlang { k: 4, mean: 3.0 }, Some(0.25)),
            (Dist::Gamma { mean: 5.0, cv: 1.5 }, Some(2.25)),
            (Dist::Lognormal { mu: 1.0, sigma: 0.8 }, Some(exp(0.64) - 1.0)),
            (Dist::Pareto { alpha: 1.5, min: 1.0, max: None }, None),
            (Dist::Normal { mean: 1.0, stddev: 1.0 }, None),
            // An exponential is a Weibull of shape 1.
            (Dist::Weibull { shape: 1.0, mean: 4.0 }, Some(1.0)),
            // One in a hundred is a hundred times as long: E[X] = 1.99, E[X²] = 100.99.
            (Dist::Mixture(vec![(0.99, Dist::Constant(1.0)), (0.01, Dist::Constant(100.0))]), Some(100.99 / 1.99 / 1.99 - 1.0)),
            (Dist::Empirical(vec![(0.0, 0.0), (1.0, 12.0)]), Some(1.0 / 3.0)),
        ];
        for (dist, expected) in cases {
            match (squared_cv(&dist), expected) {
                (Some(found), Some(expected)) => assert!((found - expected).abs() < 1e-9, "{dist:?}: {found}, not {expected}"),
                (found, expected) => assert_eq!(found, expected, "{dist:?}"),
            }
        }
    }

    #[test]
    fn bounded_tails_agree_with_a_million_draws() {
        for dist in [
            Dist::Pareto { alpha: 1.5, min: 1.0, max: Some(100.0) },
            Dist::Weibull { shape: 0.7, mean: 4.0 },
            Dist::Hyperexponential { parts: vec![(0.9, 1.0), (0.1, 11.0)] },
        ] {
            let (sampler, stream) = (Sampler::new(&dist), Numbered::new(1));
            let mean = (0..1_000_000).map(|k| sampler.sample(&stream, k)).map(|x| x * x).sum::<f64>() / 1e6;
            let expected = second_moment(&dist).expect("it is finite");
            // The fourth moments make a standard error of 0.3 to 0.7%.
            assert!((mean / expected - 1.0).abs() < 0.025, "{dist:?}: {mean}, not {expected}");
        }
    }
}
