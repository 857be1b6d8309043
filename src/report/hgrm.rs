//! A distribution of latencies as HdrHistogram prints it: what its plotters and many tools beside it read.
//!
//! The lines are those of the reference implementation's `outputPercentileDistribution` with five ticks per half distance and values in milliseconds: each names the least
//! recorded value with at least that share at or below it (the greatest of its bucket, and never more than the greatest of all), and how many are. Buckets are those of
//! three significant digits, which is how latencies are kept.

use crate::measure::detail::Distribution;
use std::fmt::Write;

/// Lines for each halving of what is left above.
const TICKS: f64 = 5.0;
/// A power of two has half as many buckets; values below are exact.
const SUB_BUCKETS: u64 = 2048;

/// The percentiles of a distribution; a head and zeros where it is empty.
#[must_use]
pub fn draw(latency: &Distribution) -> String {
    let mut text = format!("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    for line in lines(latency) {
        let value = line.value as f64 / 1e6;
        let _ = match line.share {
            share if share < 100.0 => {
                writeln!(text, "{value:12.3} {:.12} {:10} {:14.2}", share / 100.0, line.count, 1.0 / (1.0 - share / 100.0))
            }
            _ => writeln!(text, "{value:12.3} {:.12} {:10}", 1.0, line.count),
        };
    }
    let ms = |ns: Option<f64>| ns.unwrap_or(0.0) / 1e6;
    let max = latency.max_ns.unwrap_or(0);
    let _ = writeln!(text, "#[Mean    = {:12.3}, StdDeviation   = {:12.3}]", ms(latency.mean_ns), ms(latency.stddev_ns));
    let _ = writeln!(text, "#[Max     = {:12.3}, Total count    = {:12}]", max as f64 / 1e6, latency.count);
    let _ = writeln!(text, "#[Buckets = {:12}, SubBuckets     = {:12}]", octaves(max), SUB_BUCKETS);
    text
}

/// One percentile.
struct Line {
    value: u64,
    /// In percent.
    share: f64,
    /// How many are at or below.
    count: u64,
}

fn lines(latency: &Distribution) -> Vec<Line> {
    let (mut lines, mut level, mut seen) = (Vec::new(), 0.0, 0);
    let greatest = latency.max_ns.unwrap_or(0);
    for &(least, width, count) in &latency.buckets {
        seen += count;
        let value = least.saturating_add(width - 1).min(greatest);
        let reached = 100.0 * seen as f64 / latency.count as f64;
        while reached >= level && level < 100.0 {
            lines.push(Line { value, share: level, count: seen });
            level = next(level);
            if seen == latency.count {
                break;
            }
        }
    }
    if latency.count > 0 {
        lines.push(Line { value: greatest, share: 100.0, count: latency.count });
    }
    lines
}

/// The next percentage: ticks get twice as close whenever what is left above is halved.
fn next(level: f64) -> f64 {
    let halvings = libm::floor(libm::log(100.0 / (100.0 - level)) / libm::log(2.0)) + 1.0;
    level + 100.0 / (TICKS * libm::pow(2.0, halvings))
}

/// How many powers of two it takes to hold a value.
fn octaves(greatest: u64) -> u64 {
    (0..).take_while(|&power| power == 0 || SUB_BUCKETS << (power - 1) <= greatest.min(u64::MAX >> 12)).count() as u64
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn thousand() -> Distribution {
        sample::detail(&sample::summary()).results[0].latency.clone()
    }

    #[test]
    fn the_lines_are_those_of_the_reference() {
        let text = draw(&thousand());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "       Value     Percentile TotalCount 1/(1-Percentile)");
        assert_eq!(lines[2], "       1.000 0.000000000000          1           1.00");
        assert_eq!(lines[3], "     100.008 0.100000000000        100           1.11");
        assert!(lines.iter().any(|line| line.ends_with(" 0.990625000000        991         106.67")), "{text}");
        assert_eq!(lines[lines.len() - 4], "    1000.000 1.000000000000       1000");
        assert_eq!(lines[lines.len() - 2], "#[Max     =     1000.000, Total count    =         1000]");
    }

    #[test]
    fn every_line_is_a_percentile_of_the_buckets() {
        let latency = thousand();
        let found = lines(&latency);
        assert!(found.len() > 40 && found.is_sorted_by(|a, b| a.share < b.share && a.value <= b.value));
        for line in found {
            let at_or_below: u64 = latency.buckets.iter().filter(|(least, ..)| *least <= line.value).map(|(.., count)| count).sum();
            assert!(at_or_below as f64 >= line.share / 100.0 * 1000.0 - 1e-9);
            assert_eq!(at_or_below, line.count);
        }
    }

    #[test]
    fn nothing_is_an_empty_table() {
        let text = draw(&Distribution::default());
        assert_eq!(text.lines().count(), 5);
        assert!(text.contains("Total count    =            0"));
    }
}
