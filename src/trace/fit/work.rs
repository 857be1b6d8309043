//! Which law the work of requests has.

use super::law::{self, ENOUGH};
use crate::dist::Dist;
use libm::{log, sqrt};

/// A value at which a law is held against what was recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Held {
    /// The share below: 0.5 for the median.
    pub share: f64,
    /// What was recorded, in nanoseconds.
    pub recorded: f64,
    /// What the law says.
    pub law: f64,
    /// Whether that is near enough.
    pub near: bool,
}

/// A law that was tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Law {
    /// Its family.
    pub name: &'static str,
    /// It.
    pub dist: Dist,
    /// How many numbers were fitted.
    pub parameters: usize,
    /// Log likelihood of a value of the half that it was not fitted to, on average; `None` for laws without a density.
    pub held_out: Option<f64>,
    /// Kolmogorov and Smirnov's distance over all values.
    pub ks: f64,
    /// Its mean, in nanoseconds.
    pub mean: f64,
    /// At p50, p90, p99 and p99.9.
    pub at: [Held; 4],
    /// Whether it is near enough everywhere.
    pub fits: bool,
    /// Whether it was chosen.
    pub chosen: bool,
}

/// Distances up to this are near enough, and up to what chance alone makes of so many values once in a hundred times.
const NEAR: f64 = 0.02;
/// Shares at which values are compared, and how far off they may be.
const SHARES: [(f64, f64); 4] = [(0.5, 0.05), (0.9, 0.05), (0.99, 0.05), (0.999, 0.10)];
/// Of two independent standard normals' worth of chance: one in a hundred.
const Z: f64 = 2.576;

/// What is known of values: some of them, and what they come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values {
    /// At most `VALUES` of them, evenly spread over the record, in its order.
    pub some: Vec<f64>,
    /// The mean of all.
    pub mean: f64,
    /// Within how much they are known.
    pub cell: f64,
}

/// Every law that was tried, the chosen one marked; none without values.
#[must_use]
pub fn fit(values: &Values) -> Vec<Law> {
    let mut all = values.some.clone();
    if all.is_empty() {
        return Vec::new();
    }
    // Few that are nothing were less than the unit of the record.
    if all.iter().filter(|&&value| value == 0.0).count() * 1000 <= all.len() {
        all.iter_mut().for_each(|value| *value = value.max(0.5 * values.cell));
    }
    let mut sorted = all.clone();
    sorted.sort_by(f64::total_cmp);
    let (first, last) = (sorted[0], sorted[sorted.len() - 1]);
    if last <= first * 1.001 {
        let mut law = judged("constant", Dist::Constant(values.mean), values, &sorted);
        (law.fits, law.chosen) = (true, true);
        return vec![law];
    }
    let mut laws = Vec::new();
    // Laws on the positive numbers say nothing of values that are none.
    if first > 0.0 && all.len() >= 20 {
        let half: Vec<f64> = all.iter().copied().step_by(2).collect();
        let some: Vec<f64> = half.iter().copied().step_by(half.len().div_ceil(ENOUGH)).collect();
        laws = candidates(&some, (first, last)).into_iter().map(|dist| judged(law::name(&dist), dist, values, &sorted)).collect();
    }
    laws.push(judged("empirical", empirical(&sorted, values.mean), values, &sorted));
    choose(&mut laws, &all);
    laws
}

fn candidates(some: &[f64], bounds: (f64, f64)) -> Vec<Dist> {
    let mut found = vec![law::exponential(some)];
    // Of laws with as many parameters the one that comes first is preferred.
    found.extend(law::erlang(some));
    found.extend([law::gamma(some), law::lognormal(some), law::weibull(some)]);
    found.extend(law::pareto(some, bounds));
    found.extend(law::hyperexponential(some));
    found.extend(law::two_lognormals(some));
    found.retain(|dist| dist.mean().is_finite());
    found
}

/// The value below which a share of sorted values lies: the smallest with at least that share at or below it.
pub(super) fn of_sorted(sorted: &[f64], share: f64) -> f64 {
    let at = (share * sorted.len() as f64 - 1e-9).ceil().max(1.0) as usize;
    sorted[at.min(sorted.len()) - 1]
}

fn judged(name: &'static str, dist: Dist, values: &Values, sorted: &[f64]) -> Law {
    let n = sorted.len() as f64;
    let ks = law::distance(sorted, 0.5 * values.cell, &|x| law::below(&dist, x));
    let at = SHARES.map(|(share, slack)| {
        let (recorded, says) = (of_sorted(sorted, share), law::quantile(&dist, share));
        let chance = Z * sqrt(share * (1.0 - share) / n);
        let (low, high) = (of_sorted(sorted, (share - chance).max(0.0)), of_sorted(sorted, (share + chance).min(1.0)));
        let near = (says - recorded).abs() <= slack * recorded + 0.5 * values.cell || (low..=high).contains(&says);
        Held { share, recorded, law: says, near }
    });
    let mean = dist.mean();
    let spread = sqrt(sorted.iter().map(|x| (x - values.mean) * (x - values.mean)).sum::<f64>() / n);
    let mean_is_near = (mean - values.mean).abs() <= (0.02 * values.mean).max(Z * spread / sqrt(n));
    let fits = ks <= NEAR.max(1.63 / sqrt(n)) && at.iter().all(|held| held.near) && mean_is_near;
    let density = law::ln_density(&dist);
    let held: Vec<f64> = sorted.iter().map(|&x| density(x)).collect();
    let has_density = held.iter().any(|value| value.is_finite());
    let held_out = has_density.then(|| held.iter().sum::<f64>() / n).filter(|sum| sum.is_finite());
    drop(density);
    Law { name, parameters: law::parameters(&dist), dist, held_out, ks, mean, at, fits, chosen: false }
}

/// Of the laws that are near enough the simplest one that the most likely of them does not beat by more than chance, on the half that none was fitted to; the
/// empirical law where none is near enough.
fn choose(laws: &mut [Law], all: &[f64]) {
    let held: Vec<f64> = all.iter().copied().skip(1).step_by(2).collect();
    let scores: Vec<Option<Vec<f64>>> = laws
        .iter()
        .map(|law| {
            let density = law::ln_density(&law.dist);
            law.fits.then(|| held.iter().map(|&x| density(x)).collect())
        })
        .collect();
    for (law, score) in laws.iter_mut().zip(&scores) {
        if let Some(score) = score.as_ref().filter(|score| !score.is_empty()) {
            law.held_out = Some(score.iter().sum::<f64>() / score.len() as f64).filter(|mean| mean.is_finite());
        }
    }
    let total = |at: usize| laws[at].held_out.unwrap_or(f64::NEG_INFINITY);
    let fitting: Vec<usize> = (0..laws.len()).filter(|&at| laws[at].fits && laws[at].held_out.is_some()).collect();
    let Some(&best) = fitting.iter().max_by(|&&a, &&b| total(a).total_cmp(&total(b))) else {
        if let Some(law) = laws.iter_mut().find(|law| law.name == "empirical") {
            law.chosen = true;
        }
        return;
    };
    let best_score = scores[best].as_ref().expect("it fits");
    let mut order = fitting.clone();
    order.sort_by_key(|&at| laws[at].parameters);
    let chosen = order.into_iter().find(|&at| {
        let score = scores[at].as_ref().expect("it fits");
        let gains: Vec<f64> = best_score.iter().zip(score).map(|(best, this)| best - this).collect();
        at == best || !is_worth(&gains, laws[best].parameters.saturating_sub(laws[at].parameters), all.len())
    });
    laws[chosen.unwrap_or(best)].chosen = true;
}

/// Whether gains in log likelihood are more than chance, and more than so many numbers more must bring (BIC).
pub(super) fn is_worth(gains: &[f64], more: usize, values: usize) -> bool {
    let n = gains.len() as f64;
    let sum: f64 = gains.iter().sum();
    let mean = sum / n;
    let error = sqrt(gains.iter().map(|gain| (gain - mean) * (gain - mean)).sum::<f64>() * n / (n - 1.0).max(1.0));
    sum > 1.645 * error && sum > 0.5 * more as f64 * log(values as f64)
}

/// The most points of an empirical law.
const POINTS: usize = 64;

/// Quantiles with straight lines between them that are nowhere far off: the line that leaves the most area is broken at its middle, until all leave less than a
/// thousandth of the mean. Then scaled to the mean.
fn empirical(sorted: &[f64], mean: f64) -> Dist {
    let n = sorted.len();
    let last = n - 1;
    let share = |at: usize| if last == 0 { 0.0 } else { at as f64 / last as f64 };
    let line = |a: usize, b: usize| {
        let (low, high) = (sorted[a], sorted[b]);
        let step = (b - a).div_ceil(512).max(1);
        let off = |at: usize| (sorted[at] - low - (high - low) * (at - a) as f64 / (b - a) as f64).abs();
        let area: f64 = (a..b).step_by(step).map(off).sum::<f64>() * step as f64;
        let worst = (a + 1..b).step_by(step).max_by(|&x, &y| off(x).total_cmp(&off(y)));
        (area, worst)
    };
    let mut points = vec![0, last];
    if last > 1 {
        points.extend([0.5, 0.9, 0.99, 0.999].map(|share| ((share * n as f64).ceil() as usize - 1).min(last)));
        points.sort_unstable();
        points.dedup();
    }
    let mut lines: Vec<(usize, usize, f64, Option<usize>)> = points.windows(2).map(|pair| with(pair[0], pair[1], &line)).collect();
    while lines.len() + 1 < POINTS {
        let Some((at, _)) = lines.iter().enumerate().max_by(|a, b| a.1.2.total_cmp(&b.1.2)) else { break };
        let (a, b, area, middle) = lines[at];
        let Some(middle) = middle.filter(|_| area > 0.001 * mean * n as f64) else { break };
        lines[at] = with(a, middle, &line);
        lines.insert(at + 1, with(middle, b, &line));
    }
    let mut quantiles: Vec<(f64, f64)> = lines.iter().map(|line| (share(line.0), sorted[line.0])).collect();
    quantiles.push((1.0, sorted[last]));
    let factor = mean / Dist::Empirical(quantiles.clone()).mean();
    if (0.8..1.25).contains(&factor) {
        quantiles.iter_mut().for_each(|point| point.1 *= factor);
    }
    Dist::Empirical(quantiles)
}

fn with(a: usize, b: usize, line: &dyn Fn(usize, usize) -> (f64, Option<usize>)) -> (usize, usize, f64, Option<usize>) {
    let (area, worst) = line(a, b);
    (a, b, area, worst)
}
