//! Where the rate changes over time: few steps, each paid for.

use libm::log;

/// A stretch of constant rate: when it begins, in nanoseconds since the first arrival, and its rate by the mean rate.
pub type Step = (u64, f64);

/// The most stretches.
pub(super) const MOST: usize = 12;
/// The least and the most windows in which requests are counted.
const WINDOWS: (u64, u64) = (8, 256);
/// What another stretch must save, in units of ln(windows): it has a beginning and a rate of its own.
const PRICE: f64 = 3.0;

/// The width of windows for so many requests over so long.
pub(super) fn width(requests: u64, span: u64) -> u64 {
    (span / (requests / 20).clamp(WINDOWS.0, WINDOWS.1)).max(1)
}

/// The stretches that make counts in windows most likely, by dynamic programming over all ways to cut them.
///
/// The likelihood is Poisson's, divided by how much more neighbouring windows differ than a Poisson process would let them: what changes from one window to the next is
/// burstiness and no change of the rate. One stretch is no step at all: then there are none.
pub(super) fn find(counts: &[u64], width: u64) -> Vec<Step> {
    let n = counts.len();
    let total: u64 = counts.iter().sum();
    if n < 4 || total == 0 {
        return Vec::new();
    }
    let mean = total as f64 / n as f64;
    let differences: f64 = counts.windows(2).map(|pair| pair[1] as f64 - pair[0] as f64).map(|apart| apart * apart).sum();
    let noise = (differences / (2.0 * (n - 1) as f64 * mean)).max(1.0);
    let mut sums = vec![0_u64; n + 1];
    counts.iter().enumerate().for_each(|(at, count)| sums[at + 1] = sums[at] + count);
    // Twice the log likelihood of one rate from window to window, but for what is the same for all cuts.
    let gain = |from: usize, to: usize| {
        let sum = (sums[to] - sums[from]) as f64;
        if sum > 0.0 { 2.0 * sum * log(sum / ((to - from) as f64 * mean)) / noise } else { 0.0 }
    };
    let price = PRICE * log(n as f64);
    let mut best = vec![vec![f64::NEG_INFINITY; n + 1]; MOST + 1];
    let mut cut = vec![vec![0_usize; n + 1]; MOST + 1];
    best[0][0] = 0.0;
    for stretch in 1..=MOST {
        for to in 2 * stretch..=n {
            for from in 2 * (stretch - 1)..to - 1 {
                let value = best[stretch - 1][from] + gain(from, to);
                if value > best[stretch][to] {
                    (best[stretch][to], cut[stretch][to]) = (value, from);
                }
            }
        }
    }
    let paid = |stretches: usize| best[stretches][n] - price * stretches as f64;
    let stretches = (1..=MOST).fold(1, |known, more| if paid(more) > paid(known) { more } else { known });
    if stretches == 1 {
        return Vec::new();
    }
    let (mut to, mut steps) = (n, Vec::new());
    for stretch in (1..=stretches).rev() {
        let from = cut[stretch][to];
        steps.push((from as u64 * width, (sums[to] - sums[from]) as f64 / ((to - from) as f64 * mean)));
        to = from;
    }
    steps.reverse();
    steps
}

/// The factor at an instant.
pub(super) fn factor(steps: &[Step], at: f64) -> f64 {
    let after = steps.partition_point(|step| step.0 as f64 <= at);
    after.checked_sub(1).map_or(1.0, |at| steps[at].1)
}

/// Operational time that has passed at an instant: the integral of the factor.
pub(super) fn passed(steps: &[Step], at: f64) -> f64 {
    if steps.is_empty() {
        return at;
    }
    let mut sum = 0.0;
    for (number, &(from, factor)) in steps.iter().enumerate() {
        let to = steps.get(number + 1).map_or(f64::INFINITY, |next| next.0 as f64);
        sum += factor * (at.min(to) - from as f64).max(0.0);
    }
    sum
}

/// The instant at which so much operational time has passed; infinite where that never is.
pub(super) fn instant(steps: &[Step], operational: f64) -> f64 {
    let mut left = operational;
    for (number, &(from, factor)) in steps.iter().enumerate() {
        let to = steps.get(number + 1).map_or(f64::INFINITY, |next| next.0 as f64);
        if left <= factor * (to - from as f64) && factor > 0.0 {
            return from as f64 + left / factor;
        }
        left -= if factor > 0.0 { factor * (to - from as f64) } else { 0.0 };
    }
    if steps.is_empty() { operational } else { f64::INFINITY }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_found_where_they_are() {
        // 100, then 300, then 150 a window, each with the noise of a Poisson count.
        let mut state = 7_u64;
        let counts: Vec<u64> = (0..120)
            .map(|window| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let mean = [100.0, 300.0, 150.0][window / 40];
                (mean + libm::sqrt(mean) * ((state >> 33) as f64 / f64::from(1_u32 << 30) - 1.0) * 1.7) as u64
            })
            .collect();
        let steps = find(&counts, 1000);
        assert_eq!(steps.iter().map(|step| step.0).collect::<Vec<_>>(), [0, 40_000, 80_000]);
        for (step, rate) in steps.iter().zip([100.0, 300.0, 150.0]) {
            assert!((step.1 * 550.0 / 3.0 / rate - 1.0).abs() < 0.03, "{step:?}");
        }
        assert!((passed(&steps, 120_000.0) - 120_000.0).abs() < 1.0);
        for at in [0.0, 39_999.0, 40_001.0, 119_000.0, 200_000.0] {
            assert!((instant(&steps, passed(&steps, at)) - at).abs() < 1e-6, "{at}");
        }
        assert!(find(&vec![100; 120], 1000).is_empty());
    }

    #[test]
    fn what_changes_from_window_to_window_is_no_step() {
        let counts: Vec<u64> = (0..200).map(|window| if window % 2 == 0 { 20 } else { 400 }).collect();
        assert!(find(&counts, 1).is_empty());
        assert!(find(&[0; 50], 1).is_empty() && find(&[5], 1).is_empty());
    }
}
