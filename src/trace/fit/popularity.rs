//! How popular keys are, and how many clients there are.

use libm::{exp, log, sqrt};

/// What was found of keys.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Keys {
    /// The record has none, or hardly any key came twice: every request has its own.
    None,
    /// All are as popular.
    Uniform {
        /// How many there are, those that nobody asked for included.
        count: u64,
    },
    /// The k-th is asked for in proportion to k^−exponent.
    Zipf {
        /// How many there are, those that nobody asked for included.
        count: u64,
        /// The exponent.
        exponent: f64,
        /// Its standard error.
        error: f64,
    },
}

/// A key's count from which on its rank is trusted.
const TRUSTED: u64 = 10;
/// The most keys that a record may be said to have.
const MOST: f64 = 1e9;

/// Fits counts of keys.
///
/// The exponent is the most likely one for the counts of the ranks that are trusted, given that one of these was asked for; the number of keys is the one for which as
/// many different ones are to be expected as there were.
#[must_use]
pub fn keys(mut counts: Vec<u64>) -> Keys {
    counts.retain(|&count| count > 0);
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let (total, distinct) = (counts.iter().sum::<u64>() as f64, counts.len() as f64);
    if distinct < 2.0 || distinct > 0.95 * total {
        return if distinct == 1.0 && total > 1.0 { Keys::Uniform { count: 1 } } else { Keys::None };
    }
    let count = number(distinct, total, 0.0);
    if is_even(&counts, total, count) {
        return Keys::Uniform { count: count as u64 };
    }
    let trusted = counts.partition_point(|&count| count >= TRUSTED);
    let head = if trusted >= 3 { &counts[..trusted] } else { &counts[..] };
    let (exponent, error) = exponent(head);
    if exponent < 0.02 {
        return Keys::Uniform { count: count as u64 };
    }
    Keys::Zipf { count: number(distinct, total, exponent) as u64, exponent, error }
}

/// Whether counts differ no more than those of equally popular keys: the variance of so many Poisson counts is their mean, within √(2 ÷ keys) of it.
fn is_even(counts: &[u64], total: f64, keys: f64) -> bool {
    let mean = total / keys;
    let unseen = (keys - counts.len() as f64).max(0.0);
    let squares: f64 = counts.iter().map(|&count| (count as f64 - mean) * (count as f64 - mean)).sum::<f64>() + unseen * mean * mean;
    squares / keys / mean < 1.0 + 3.0 * sqrt(2.0 / keys)
}

/// The root of the likelihood's slope, Σ c ln k = C · E ln k, and the error that its curvature, C · var ln k, leaves.
fn exponent(counts: &[u64]) -> (f64, f64) {
    let total = counts.iter().sum::<u64>() as f64;
    let wanted = counts.iter().zip(1_u64..).map(|(&count, rank)| count as f64 * log(rank as f64)).sum::<f64>() / total;
    let moments = |s: f64| {
        let mut sums = [0.0; 3];
        for rank in 1..=counts.len() {
            let ln = log(rank as f64);
            let weight = exp(-s * ln);
            sums = [sums[0] + weight, sums[1] + weight * ln, sums[2] + weight * ln * ln];
        }
        let mean = sums[1] / sums[0];
        (mean, sums[2] / sums[0] - mean * mean)
    };
    let (mut low, mut high) = (0.0, 20.0);
    for _ in 0..40 {
        let middle = 0.5 * (low + high);
        if moments(middle).0 > wanted { low = middle } else { high = middle }
    }
    let s = 0.5 * (low + high);
    (s, 1.0 / sqrt(total * moments(s).1.max(1e-12)))
}

/// The number of keys of which so many different ones are to be expected among so many requests.
fn number(distinct: f64, total: f64, s: f64) -> f64 {
    let (mut low, mut high) = (distinct, MOST.max(distinct));
    // Within a thousandth none is missing.
    if expected(distinct, total, s) >= distinct * 0.999 {
        return distinct;
    }
    for _ in 0..60 {
        let middle = sqrt(low * high);
        if expected(middle, total, s) < distinct { low = middle } else { high = middle }
    }
    sqrt(low * high).round()
}

/// Σ over keys of f(rank): one by one to 1,000, then by ranges that grow by a hundredth, each as its middle.
fn over_ranks(keys: f64, f: impl Fn(f64) -> f64) -> f64 {
    let (mut rank, mut sum) = (1.0, 0.0);
    while rank <= keys {
        let width = if rank <= 1000.0 { 1.0 } else { (rank * 0.01).floor() }.min(keys - rank + 1.0).max(1.0);
        sum += width * f(rank + 0.5 * (width - 1.0));
        rank += width;
    }
    sum
}

/// How many different keys are to be expected.
fn expected(keys: f64, total: f64, s: f64) -> f64 {
    let all = over_ranks(keys, |rank| exp(-s * log(rank)));
    over_ranks(keys, |rank| -libm::expm1(-total * exp(-s * log(rank)) / all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expected_counts_give_back_what_they_came_from() {
        // 1,000 keys by Zipf's law with 0.9, a million requests, no chance: the exponent is exact but for rounding.
        let weights: Vec<f64> = (1..=1000).map(|rank| exp(-0.9 * log(f64::from(rank)))).collect();
        let all: f64 = weights.iter().sum();
        let counts: Vec<u64> = weights.iter().map(|weight| (1e6 * weight / all).round() as u64).collect();
        let Keys::Zipf { count, exponent, error } = keys(counts) else { panic!("it is Zipf's law") };
        assert_eq!(count, 1000);
        assert!((exponent - 0.9).abs() < 2e-3 && error < 2e-3, "{exponent} {error}");
    }

    #[test]
    fn keys_that_nobody_asked_for_are_counted() {
        // Of 1,000 equal keys, 1,000 requests see 1,000 · (1 − 1/e).
        assert!((expected(1000.0, 1000.0, 0.0) - 1000.0 * (1.0 - exp(-1.0))).abs() < 1e-9);
        assert!((number(632.12, 1000.0, 0.0) - 1000.0).abs() <= 1.0);
        assert!((over_ranks(1e6, |rank| 1.0 / rank) - (log(1e6) + 0.577_215_664_9)).abs() < 1e-4);
    }

    #[test]
    fn no_keys_and_even_ones() {
        assert_eq!(keys(vec![]), Keys::None);
        assert_eq!(keys(vec![1; 100]), Keys::None);
        assert_eq!(keys(vec![7]), Keys::Uniform { count: 1 });
        let even = (0..50).map(|key| 100 + key % 7).collect();
        assert_eq!(keys(even), Keys::Uniform { count: 50 });
    }
}
