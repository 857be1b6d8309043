//! What a distribution says of a value: its density, the share below, its quantiles; and the distribution of a family that makes values most likely.

use super::special::{digamma, gamma_below, normal_below, root};
use crate::dist::Dist;
use libm::{exp, lgamma, log, pow, sqrt};

/// Values that a fit looks at, at most: estimates of two or three parameters do not get better beyond.
pub(super) const ENOUGH: usize = 16_384;

/// Shape and scale of what is a gamma.
fn gamma_of(dist: &Dist) -> Option<(f64, f64)> {
    match dist {
        Dist::Exponential { mean } => Some((1.0, *mean)),
        Dist::Erlang { k, mean } => Some((f64::from(*k), mean / f64::from(*k))),
        Dist::Gamma { mean, cv } => Some((1.0 / (cv * cv), mean * cv * cv)),
        _ => None,
    }
}

/// The logarithm of a law's density at a value, made ready for many values.
pub(super) fn ln_density(dist: &Dist) -> Box<dyn Fn(f64) -> f64 + '_> {
    match dist {
        Dist::Exponential { mean } => Box::new(move |x| -log(*mean) - x / mean),
        Dist::Erlang { .. } | Dist::Gamma { .. } => {
            let (shape, scale) = gamma_of(dist).expect("it is one");
            let front = -lgamma(shape) - shape * log(scale);
            Box::new(move |x| front + (shape - 1.0) * log(x) - x / scale)
        }
        Dist::Lognormal { mu, sigma } => {
            let front = -log(sigma * sqrt(2.0 * std::f64::consts::PI));
            Box::new(move |x| {
                let z = (log(x) - mu) / sigma;
                front - log(x) - 0.5 * z * z
            })
        }
        Dist::Weibull { shape, mean } => {
            let scale = mean / libm::tgamma(1.0 + 1.0 / shape);
            Box::new(move |x| {
                let ln = log(x / scale);
                log(shape / scale) + (shape - 1.0) * ln - exp(shape * ln)
            })
        }
        Dist::Hyperexponential { parts } => {
            Box::new(move |x| log(parts.iter().map(|(share, mean)| share / mean * exp(-x / mean)).sum::<f64>()))
        }
        Dist::Mixture(parts) => {
            let parts: Vec<_> = parts.iter().map(|(share, part)| (*share, ln_density(part))).collect();
            Box::new(move |x| log(parts.iter().map(|(share, part)| share * exp(part(x))).sum::<f64>()))
        }
        Dist::Pareto { alpha, min, max } => {
            let cut = max.map_or(1.0, |max| 1.0 - pow(min / max, *alpha));
            let front = log(alpha / cut) + alpha * log(*min);
            Box::new(move |x| if x < *min || max.is_some_and(|max| x > max) { f64::NEG_INFINITY } else { front - (alpha + 1.0) * log(x) })
        }
        // Those have no density, or are not fitted by likelihood.
        Dist::Constant(_) | Dist::Uniform { .. } | Dist::Normal { .. } | Dist::Empirical(_) => Box::new(|_| f64::NEG_INFINITY),
    }
}

/// The share of a law at or below a value.
pub(super) fn below(dist: &Dist, x: f64) -> f64 {
    if x < 0.0 {
        return 0.0;
    }
    match dist {
        Dist::Constant(value) => f64::from(u8::from(x >= *value)),
        Dist::Uniform { min, max } => ((x - min) / (max - min)).clamp(0.0, 1.0),
        Dist::Exponential { mean } => -libm::expm1(-x / mean),
        Dist::Erlang { .. } | Dist::Gamma { .. } => {
            let (shape, scale) = gamma_of(dist).expect("it is one");
            gamma_below(shape, x / scale)
        }
        Dist::Hyperexponential { parts } => parts.iter().map(|(share, mean)| -share * libm::expm1(-x / mean)).sum(),
        Dist::Lognormal { mu, sigma } => {
            if x > 0.0 {
                normal_below((log(x) - mu) / sigma)
            } else {
                0.0
            }
        }
        Dist::Normal { mean, stddev } => normal_below((x - mean) / stddev),
        Dist::Pareto { alpha, min, max } => {
            let cut = max.map_or(1.0, |max| 1.0 - pow(min / max, *alpha));
            if x <= *min { 0.0 } else { ((1.0 - pow(min / x, *alpha)) / cut).min(1.0) }
        }
        Dist::Weibull { shape, mean } => -libm::expm1(-pow(x * libm::tgamma(1.0 + 1.0 / shape) / mean, *shape)),
        Dist::Mixture(parts) => parts.iter().map(|(share, part)| share * below(part, x)).sum(),
        Dist::Empirical(points) => {
            let after = points.partition_point(|point| point.1 <= x);
            match (after.checked_sub(1).map(|at| points[at]), points.get(after)) {
                (Some((p, low)), Some(&(q, high))) => p + (q - p) * (x - low) / (high - low),
                (Some(_), None) => 1.0,
                (None, _) => 0.0,
            }
        }
    }
}

/// The value below which a share of a law lies, between bounds that contain it.
pub(super) fn quantile(dist: &Dist, p: f64) -> f64 {
    match dist {
        Dist::Constant(value) => *value,
        _ => root(1e-3, 1e19, |x| below(dist, x) - p),
    }
}

/// The greatest distance between the shares below of sorted values and of a law; values are known within `cell`.
pub(super) fn distance(sorted: &[f64], cell: f64, share_below: &dyn Fn(f64) -> f64) -> f64 {
    let n = sorted.len() as f64;
    let (mut worst, mut at) = (0.0_f64, 0);
    while at < sorted.len() {
        let value = sorted[at];
        let after = at + sorted[at..].partition_point(|&other| other <= value);
        worst = worst.max(after as f64 / n - share_below(value + cell)).max(share_below(value - cell) - at as f64 / n);
        at = after;
    }
    worst
}

fn mean_of(values: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    values.iter().map(|&value| f(value)).sum::<f64>() / values.len() as f64
}

/// The exponential: its mean is that of the values.
pub(super) fn exponential(values: &[f64]) -> Dist {
    Dist::Exponential { mean: mean_of(values, |x| x) }
}

/// The gamma: ln k − ψ(k) = ln mean − mean ln.
pub(super) fn gamma(values: &[f64]) -> Dist {
    let mean = mean_of(values, |x| x);
    let apart = log(mean) - mean_of(values, log);
    let shape = root(1e-3, 1e4, |k| log(k) - digamma(k) - apart);
    Dist::Gamma { mean, cv: 1.0 / sqrt(shape) }
}

/// The Erlang nearest to the most likely gamma, where that has at least two stages.
pub(super) fn erlang(values: &[f64]) -> Option<Dist> {
    let Dist::Gamma { mean, cv } = gamma(values) else { return None };
    let k = (1.0 / (cv * cv)).round();
    (2.0..=100.0).contains(&k).then_some(Dist::Erlang { k: k as u32, mean })
}

/// The lognormal: mean and deviation of the logarithms.
pub(super) fn lognormal(values: &[f64]) -> Dist {
    let mu = mean_of(values, log);
    let sigma = sqrt(mean_of(values, |x| (log(x) - mu) * (log(x) - mu))).max(1e-6);
    Dist::Lognormal { mu, sigma }
}

/// The Weibull: Σ xᵏ ln x ÷ Σ xᵏ − 1 ÷ k = mean ln x.
pub(super) fn weibull(values: &[f64]) -> Dist {
    let logs: Vec<f64> = values.iter().map(|&x| log(x)).collect();
    let (mean_log, most) = (logs.iter().sum::<f64>() / logs.len() as f64, logs.iter().copied().fold(f64::MIN, f64::max));
    let shape = root(0.1, 100.0, |k| {
        let (above, below) = logs.iter().fold((0.0, 0.0), |(above, below), ln| {
            let weight = exp(k * (ln - most));
            (above + weight * ln, below + weight)
        });
        above / below - 1.0 / k - mean_log
    });
    let scale = most + log(logs.iter().map(|ln| exp(shape * (ln - most))).sum::<f64>() / logs.len() as f64) / shape;
    Dist::Weibull { shape, mean: exp(scale) * libm::tgamma(1.0 + 1.0 / shape) }
}

/// The Pareto between bounds that hold all values.
pub(super) fn pareto(values: &[f64], (min, max): (f64, f64)) -> Option<Dist> {
    if max < 2.0 * min {
        return None;
    }
    let (apart, width) = (mean_of(values, |x| log(x / min)), log(max / min));
    let alpha = root(1e-3, 100.0, |a| 1.0 / a - width / libm::expm1(a * width) - apart);
    (0.01..50.0).contains(&alpha).then_some(Dist::Pareto { alpha, min, max: Some(max) })
}

/// Two exponentials, by expectation and maximisation from balanced means.
pub(super) fn hyperexponential(values: &[f64]) -> Option<Dist> {
    let mean = mean_of(values, |x| x);
    let square = mean_of(values, |x| (x - mean) * (x - mean)) / (mean * mean);
    if square <= 1.02 {
        return None;
    }
    let first = 0.5 * (1.0 + sqrt((square - 1.0) / (square + 1.0)));
    let mut parts = [(first, mean / (2.0 * first)), (1.0 - first, mean / (2.0 * (1.0 - first)))];
    for _ in 0..150 {
        let mut sums = [(0.0, 0.0); 2];
        for &x in values {
            let weights = parts.map(|(share, mean)| share / mean * exp(-x / mean));
            let all = weights[0] + weights[1];
            for (sum, weight) in sums.iter_mut().zip(weights) {
                let weight = if all > 0.0 { weight / all } else { 0.5 };
                *sum = (sum.0 + weight, sum.1 + weight * x);
            }
        }
        let next = sums.map(|(count, sum)| (count / values.len() as f64, sum / count.max(1e-9)));
        let moved = (next[0].0 - parts[0].0).abs() + (next[0].1 / parts[0].1 - 1.0).abs();
        parts = next;
        if moved < 1e-6 {
            break;
        }
    }
    parts.iter().all(|&(share, mean)| share > 1e-4 && mean > 0.0).then(|| Dist::Hyperexponential { parts: parts.to_vec() })
}

/// Two lognormals, by expectation and maximisation from the halves.
pub(super) fn two_lognormals(values: &[f64]) -> Option<Dist> {
    let mut logs: Vec<f64> = values.iter().map(|&x| log(x)).collect();
    logs.sort_by(f64::total_cmp);
    let halves = logs.split_at(logs.len() / 2);
    let of = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        (0.5, mean, sqrt(values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / values.len().max(1) as f64).max(0.05))
    };
    let mut parts = [of(halves.0), of(halves.1)];
    for _ in 0..200 {
        let mut sums = [(0.0, 0.0, 0.0); 2];
        for &x in &logs {
            let weights = parts.map(|(share, mu, sigma)| share / sigma * exp(-0.5 * (x - mu) * (x - mu) / (sigma * sigma)));
            let all = weights[0] + weights[1];
            for (sum, weight) in sums.iter_mut().zip(weights) {
                let weight = if all > 0.0 { weight / all } else { 0.5 };
                *sum = (sum.0 + weight, sum.1 + weight * x, sum.2 + weight * x * x);
            }
        }
        let next = sums.map(|(count, sum, squares)| {
            let mean = sum / count.max(1e-9);
            (count / logs.len() as f64, mean, sqrt((squares / count.max(1e-9) - mean * mean).max(1e-4)))
        });
        let moved = (next[0].0 - parts[0].0).abs() + (next[0].1 - parts[0].1).abs() + (next[1].1 - parts[1].1).abs();
        parts = next;
        if moved < 1e-6 {
            break;
        }
    }
    let sane = parts.iter().all(|part| part.0 > 0.005);
    sane.then(|| Dist::Mixture(parts.iter().map(|&(share, mu, sigma)| (share, Dist::Lognormal { mu, sigma })).collect()))
}

/// How many numbers were fitted.
pub(super) fn parameters(dist: &Dist) -> usize {
    match dist {
        Dist::Constant(_) | Dist::Exponential { .. } => 1,
        Dist::Uniform { .. } | Dist::Erlang { .. } | Dist::Gamma { .. } | Dist::Lognormal { .. } => 2,
        Dist::Normal { .. } | Dist::Weibull { .. } => 2,
        Dist::Pareto { .. } => 3,
        Dist::Hyperexponential { parts } => 2 * parts.len() - 1,
        Dist::Mixture(parts) => parts.iter().map(|(_, part)| 1 + parameters(part)).sum::<usize>() - 1,
        Dist::Empirical(points) => points.len(),
    }
}

/// What it is called.
pub(super) fn name(dist: &Dist) -> &'static str {
    match dist {
        Dist::Constant(_) => "constant",
        Dist::Uniform { .. } => "uniform",
        Dist::Exponential { .. } => "exponential",
        Dist::Erlang { .. } => "erlang",
        Dist::Gamma { .. } => "gamma",
        Dist::Hyperexponential { .. } => "hyperexponential",
        Dist::Lognormal { .. } => "lognormal",
        Dist::Normal { .. } => "normal",
        Dist::Pareto { .. } => "pareto",
        Dist::Weibull { .. } => "weibull",
        Dist::Mixture(_) => "mixture of lognormals",
        Dist::Empirical(_) => "empirical",
    }
}
