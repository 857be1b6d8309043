//! Drawing from a distribution: the k-th value of a numbered stream, so that it does not matter who draws first.
//!
//! Where a distribution has an inverse in closed form it is used: one uniform per value, which also keeps two scenarios that differ
//! only in a parameter as close as they can be (common random numbers). The exponential, drawn twice for most requests, has a quicker way of its own.
//! Gamma is `rand_distr`'s, made portable.

use super::math::{exp, log, neg_ln, normal_quantile, pow, sqrt};
use super::portable::Portable;
use super::{Dist, exponential};
use crate::random::{Draws, Numbered, unit};
use rand::distr::Distribution;

/// Up to so many stages an Erlang is summed stage by stage; beyond, the gamma sampler is quicker.
const ERLANG_SUM: u32 = 16;

/// A distribution made ready to draw from. Values are in nanoseconds, not rounded.
#[derive(Clone, Debug)]
pub struct Sampler {
    shape: Prepared,
    mean: f64,
}

#[derive(Clone, Debug)]
enum Prepared {
    Constant(f64),
    Uniform {
        min: f64,
        width: f64,
    },
    Exponential {
        mean: f64,
    },
    Erlang {
        k: u32,
        stage: f64,
    },
    Gamma(rand_distr::Gamma<Portable>),
    Lognormal {
        mu: f64,
        sigma: f64,
    },
    Normal {
        mean: f64,
        stddev: f64,
    },
    /// `min · (1 − u · cut)^(−1/alpha)`: `cut` is 1 where there is no bound.
    Pareto {
        min: f64,
        power: f64,
        cut: f64,
    },
    Weibull {
        scale: f64,
        power: f64,
    },
    /// Shares summed up, and what is drawn from.
    Mixture(Vec<(f64, Sampler)>),
    Empirical(Vec<(f64, f64)>),
}

impl Sampler {
    /// Prepares a distribution whose numbers are in range.
    #[must_use]
    pub fn new(dist: &Dist) -> Self {
        let shape = match dist {
            Dist::Constant(value) => Prepared::Constant(*value),
            Dist::Uniform { min, max } => Prepared::Uniform { min: *min, width: max - min },
            Dist::Exponential { mean } => Prepared::Exponential { mean: *mean },
            Dist::Erlang { k, mean } if *k <= ERLANG_SUM => Prepared::Erlang { k: *k, stage: mean / f64::from(*k) },
            Dist::Erlang { k, mean } => gamma(f64::from(*k), *mean),
            Dist::Gamma { mean, cv } => gamma(1.0 / (cv * cv), *mean),
            Dist::Hyperexponential { parts } => mixture(parts.iter().map(|&(share, mean)| (share, Self::new(&Dist::Exponential { mean })))),
            Dist::Lognormal { mu, sigma } => Prepared::Lognormal { mu: *mu, sigma: *sigma },
            Dist::Normal { mean, stddev } => Prepared::Normal { mean: *mean, stddev: *stddev },
            Dist::Pareto { alpha, min, max } => {
                Prepared::Pareto { min: *min, power: -1.0 / alpha, cut: max.map_or(1.0, |max| 1.0 - pow(min / max, *alpha)) }
            }
            Dist::Weibull { shape, mean } => Prepared::Weibull { scale: mean / libm::tgamma(1.0 + 1.0 / shape), power: 1.0 / shape },
            Dist::Mixture(parts) => mixture(parts.iter().map(|(share, part)| (*share, Self::new(part)))),
            Dist::Empirical(points) => Prepared::Empirical(points.clone()),
        };
        Self { shape, mean: dist.mean() }
    }

    /// The mean, in nanoseconds; infinite where it does not exist.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Value number k of a stream.
    #[must_use]
    pub fn sample(&self, stream: &Numbered, k: u64) -> f64 {
        match self.shape {
            Prepared::Exponential { mean } => mean * exponential::table().sample(stream, k),
            Prepared::Erlang { .. } | Prepared::Gamma(_) | Prepared::Mixture(_) => self.draw(&mut stream.several(k)),
            _ => self.invert(unit(stream.bits(k))),
        }
    }

    /// Values number `first`, `first + 1`, … of a stream.
    pub fn fill(&self, stream: &Numbered, first: u64, out: &mut [f64]) {
        match self.shape {
            Prepared::Constant(value) => out.fill(value),
            Prepared::Exponential { mean } => fill_exponential(stream, first, mean, out),
            _ => {
                for (slot, k) in out.iter_mut().zip(first..) {
                    *slot = self.sample(stream, k);
                }
            }
        }
    }

    fn draw(&self, draws: &mut Draws) -> f64 {
        match &self.shape {
            Prepared::Erlang { k, stage } => (0..*k).map(|_| neg_ln(draws.unit())).sum::<f64>() * stage,
            Prepared::Gamma(gamma) => gamma.sample(draws).0,
            Prepared::Mixture(parts) => {
                let u = draws.unit();
                // The shares add up to 1 but for rounding: the last part takes what is left.
                let chosen = parts.iter().find(|(up_to, _)| u < *up_to).or(parts.last());
                chosen.expect("a mixture has at least one part").1.draw(draws)
            }
            _ => self.invert(draws.unit()),
        }
    }

    /// The quantile of a distribution that is drawn by inversion.
    fn invert(&self, u: f64) -> f64 {
        match &self.shape {
            Prepared::Constant(value) => *value,
            Prepared::Uniform { min, width } => min + width * u,
            Prepared::Exponential { mean } => mean * neg_ln(u),
            Prepared::Lognormal { mu, sigma } => exp(mu + sigma * normal_quantile(u)),
            Prepared::Normal { mean, stddev } => (mean + stddev * normal_quantile(u)).max(0.0),
            Prepared::Pareto { min, power, cut } => min * pow(1.0 - u * cut, *power),
            Prepared::Weibull { scale, power } => scale * pow(neg_ln(u), *power),
            Prepared::Empirical(points) => between(points, u),
            Prepared::Erlang { .. } | Prepared::Gamma(_) | Prepared::Mixture(_) => {
                unreachable!("these take several draws")
            }
        }
    }
}

fn gamma(shape: f64, mean: f64) -> Prepared {
    let gamma = rand_distr::Gamma::new(Portable(shape), Portable(mean / shape));
    Prepared::Gamma(gamma.expect("the scenario's decoder has checked mean and cv"))
}

fn mixture(parts: impl Iterator<Item = (f64, Sampler)>) -> Prepared {
    let mut up_to = 0.0;
    Prepared::Mixture(
        parts
            .map(|(share, part)| {
                up_to += share;
                (up_to, part)
            })
            .collect(),
    )
}

#[inline(never)]
fn fill_exponential(stream: &Numbered, first: u64, mean: f64, out: &mut [f64]) {
    let table = exponential::table();
    for (slot, k) in out.iter_mut().zip(first..) {
        *slot = mean * table.sample(stream, k);
    }
}

/// The value at `u` on straight lines between points of (probability, value).
fn between(points: &[(f64, f64)], u: f64) -> f64 {
    let after = points.partition_point(|&(p, _)| p < u);
    match (points.get(after.wrapping_sub(1)), points.get(after)) {
        (Some(&(p0, v0)), Some(&(p1, v1))) => v0 + (v1 - v0) * ((u - p0) / (p1 - p0)),
        (None, Some(&(_, value))) | (Some(&(_, value)), None) => value,
        (None, None) => unreachable!("an empirical distribution has points"),
    }
}

impl Dist {
    /// The mean, in nanoseconds; infinite where it does not exist.
    #[must_use]
    pub fn mean(&self) -> f64 {
        match self {
            Self::Constant(value) => *value,
            Self::Uniform { min, max } => (min + max) / 2.0,
            Self::Exponential { mean } | Self::Erlang { mean, .. } | Self::Gamma { mean, .. } | Self::Weibull { mean, .. } => *mean,
            Self::Hyperexponential { parts } => parts.iter().map(|(share, mean)| share * mean).sum(),
            Self::Lognormal { mu, sigma } => exp(mu + sigma * sigma / 2.0),
            Self::Normal { mean, stddev } => normal_cut_mean(*mean, *stddev),
            Self::Pareto { alpha, min, max } => pareto_mean(*alpha, *min, *max),
            Self::Mixture(parts) => parts.iter().map(|(share, part)| share * part.mean()).sum(),
            Self::Empirical(points) => empirical_mean(points),
        }
    }
}

/// E max(0, X) = μ Φ(μ/σ) + σ φ(μ/σ).
fn normal_cut_mean(mean: f64, stddev: f64) -> f64 {
    if stddev == 0.0 {
        return mean.max(0.0);
    }
    let z = mean / stddev;
    let density = exp(-z * z / 2.0) / sqrt(2.0 * std::f64::consts::PI);
    mean * 0.5 * libm::erfc(-z / std::f64::consts::SQRT_2) + stddev * density
}

fn pareto_mean(alpha: f64, min: f64, max: Option<f64>) -> f64 {
    match max {
        None if alpha <= 1.0 => f64::INFINITY,
        None => alpha * min / (alpha - 1.0),
        Some(max) => {
            let cut = 1.0 - pow(min / max, alpha);
            if (alpha - 1.0).abs() < 1e-9 {
                return min * log(max / min) / cut;
            }
            alpha * min / (alpha - 1.0) * (1.0 - pow(min / max, alpha - 1.0)) / cut
        }
    }
}

/// The area under straight lines between the points, level before the first and after the last.
fn empirical_mean(points: &[(f64, f64)]) -> f64 {
    let inner: f64 = points.windows(2).map(|pair| (pair[1].0 - pair[0].0) * (pair[0].1 + pair[1].1) / 2.0).sum();
    let first = points.first().map_or(0.0, |&(p, value)| p * value);
    let last = points.last().map_or(0.0, |&(p, value)| (1.0 - p) * value);
    first + inner + last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, derive};

    /// Every kind, with its mean and coefficient of variation by formula.
    fn cases() -> Vec<(Dist, f64, f64)> {
        let parts = vec![(0.25, 4.0), (0.75, 8.0)];
        vec![
            (Dist::Constant(5.0), 5.0, 0.0),
            (Dist::Uniform { min: 2.0, max: 6.0 }, 4.0, sqrt(16.0 / 12.0) / 4.0),
            (Dist::Exponential { mean: 3.0 }, 3.0, 1.0),
            (Dist::Erlang { k: 4, mean: 3.0 }, 3.0, 0.5),
            (Dist::Erlang { k: 100, mean: 3.0 }, 3.0, 0.1),
            (Dist::Gamma { mean: 3.0, cv: 0.5 }, 3.0, 0.5),
            (Dist::Gamma { mean: 3.0, cv: 1.5 }, 3.0, 1.5),
            (Dist::Hyperexponential { parts }, 7.0, sqrt(2.0 * (0.25 * 16.0 + 0.75 * 64.0) - 49.0) / 7.0),
            (Dist::Lognormal { mu: 1.0, sigma: 0.5 }, exp(1.125), sqrt(exp(0.25) - 1.0)),
            (Dist::Normal { mean: 10.0, stddev: 1.0 }, 10.0, 0.1),
            // Half of it is cut to zero: mean φ(0)σ, second moment σ²/2.
            (Dist::Normal { mean: 0.0, stddev: 1.0 }, 1.0 / sqrt(2.0 * std::f64::consts::PI), sqrt(std::f64::consts::PI - 1.0)),
            (Dist::Pareto { alpha: 5.0, min: 2.0, max: None }, 2.5, sqrt(1.0 / 15.0)),
            // Moments of the theory cases bpareto-1.5-1000.
            (Dist::Pareto { alpha: 1.5, min: 1.0, max: Some(1000.0) }, 2.905_223_541_429_977, 3.136),
            (Dist::Weibull { shape: 2.0, mean: 3.0 }, 3.0, sqrt(4.0 / std::f64::consts::PI - 1.0)),
            (Dist::Mixture(vec![(0.5, Dist::Constant(1.0)), (0.5, Dist::Constant(3.0))]), 2.0, 0.5),
            (Dist::Empirical(vec![(0.0, 1.0), (1.0, 3.0)]), 2.0, sqrt(4.0 / 12.0) / 2.0),
        ]
    }

    #[test]
    fn means_and_variations_are_those_of_the_formulas() {
        for (index, (dist, mean, cv)) in cases().into_iter().enumerate() {
            assert!((dist.mean() / mean - 1.0).abs() < 1e-12, "{dist:?}: {}", dist.mean());
            let (sampler, stream) = (Sampler::new(&dist), Numbered::new(derive(9, 0, Purpose::Work, index as u64)));
            let n = 400_000;
            let values: Vec<f64> = (0..n).map(|k| sampler.sample(&stream, k)).collect();
            let measured = values.iter().sum::<f64>() / n as f64;
            // Five standard errors of the mean; 5% for the cv (its own error needs fourth moments, heavy for Pareto).
            assert!((measured - mean).abs() <= 5.0 * cv * mean / sqrt(n as f64) + 1e-9, "{dist:?}: mean {measured}, not {mean}");
            let variance = values.iter().map(|v| (v - measured) * (v - measured)).sum::<f64>() / n as f64;
            assert!((sqrt(variance) / measured - cv).abs() <= 0.05 * cv + 1e-9, "{dist:?}: cv {}, not {cv}", sqrt(variance) / measured);
            assert!(values.iter().all(|v| *v >= 0.0));
        }
    }

    #[test]
    fn filling_a_block_equals_drawing_one_by_one() {
        for (dist, _, _) in cases() {
            let (sampler, stream) = (Sampler::new(&dist), Numbered::new(5));
            let mut block = [0.0; 37];
            sampler.fill(&stream, 1000, &mut block);
            for (at, value) in block.iter().enumerate() {
                assert_eq!(*value, sampler.sample(&stream, 1000 + at as u64), "{dist:?}");
            }
        }
    }

    #[test]
    fn golden_values_hold_every_distribution_still() {
        let stream = Numbered::new(derive(42, 0, Purpose::Work, 0));
        let mut hash = 0_u64;
        for (dist, _, _) in cases() {
            let sampler = Sampler::new(&dist);
            for k in 0..10_000 {
                hash = crate::random::mix(hash ^ sampler.sample(&stream, k).to_bits());
            }
        }
        assert_eq!(hash, 5_778_847_293_429_683_766, "the bits of some distribution have changed: results change, say so in the changelog");
    }
}
