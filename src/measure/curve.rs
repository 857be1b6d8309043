//! Latency by percentile, as a curve: the same shares for everybody, closer together towards the tail.
//!
//! From the first tenth on, each next nine is cut alike: at 10, 7.5, 5, 4, 3, 2.5, 2 and 1.5 of what is left. The interval of a point is Student's over the replications'
//! own percentiles.

use super::detail::Percentile;
use super::histogram::Fine;
use super::interval;

/// What is left beyond each point within a nine, in hundredths.
const LEFT: [u64; 8] = [100, 75, 50, 40, 30, 25, 20, 15];
/// Points below the first nine, in hundredths.
const BELOW: [u64; 13] = [0, 5, 10, 20, 25, 30, 40, 50, 60, 70, 75, 80, 85];
/// So many nines follow the first.
const NINES: u32 = 7;

/// The shares, ascending, up to 0.9999999.
pub(super) fn shares() -> Vec<f64> {
    let below = BELOW.map(|share| share as f64 / 100.0);
    let nine = |nine: u32| {
        let whole = 100 * 10_u64.pow(nine);
        // The last nine is only begun.
        LEFT.iter().take(if nine == NINES { 1 } else { LEFT.len() }).map(move |left| (whole - left) as f64 / whole as f64)
    };
    below.into_iter().chain((1..=NINES).flat_map(nine)).collect()
}

/// The percentiles of one replication, in milliseconds.
pub(super) fn of(latency: &Fine) -> Vec<Option<f64>> {
    latency.quantiles(&shares()).into_iter().map(|ns| ns.map(|ns| ns as f64 / 1e6)).collect()
}

/// The curve of all replications together, as far as at least one request lies beyond; `each` is what [`of`] gave for each.
pub(super) fn curve(latency: &Fine, each: &[Vec<Option<f64>>]) -> Vec<Percentile> {
    let count = latency.count();
    let point = |(at, (share, ms)): (usize, (f64, Option<f64>))| {
        let values: Vec<Option<f64>> = each.iter().map(|values| values[at]).collect();
        let beyond = count - latency.rank(share);
        (beyond > 0 || share == 0.0).then_some(Percentile { share, ms: ms?, ci95_ms: interval::half_width(&values), beyond })
    };
    shares().into_iter().zip(of(latency)).enumerate().map_while(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_are_the_decimals_that_people_write() {
        let shares = shares();
        assert!(shares.is_sorted_by(|a, b| a < b) && (55..=75).contains(&shares.len()), "{shares:?}");
        for share in [0.0, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 0.999_99, 0.999_999, 0.999_999_9] {
            assert!(shares.contains(&share), "{share}");
        }
    }

    #[test]
    fn a_curve_ends_where_the_data_end() {
        let mut histogram = Fine::default();
        (1..=100).for_each(|ms| histogram.record(ms * 1_000_000));
        let curve = curve(&histogram, &[of(&histogram), of(&histogram)]);
        let last = curve.last().expect("there are values");
        assert_eq!((last.share, last.beyond, last.ci95_ms), (0.99, 1, Some(0.0)));
        assert!((last.ms - 99.0).abs() < 0.1 && (curve[0].ms - 1.0).abs() < 0.001);
        assert!(super::curve(&Fine::default(), &[]).is_empty());
    }

    #[test]
    fn its_points_are_the_quantiles() {
        let mut histogram = Fine::default();
        (0..10_000_u64).for_each(|n| histogram.record(n * n));
        for (share, ms) in shares().into_iter().zip(of(&histogram)) {
            assert_eq!(ms, histogram.quantile(share).map(|ns| ns as f64 / 1e6));
        }
    }
}
