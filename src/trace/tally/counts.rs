//! How requests are spread over time: their gaps, their counts in windows, their rate.

use libm::log;

/// Mean and variance of values as they come (Welford's recurrence).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::trace) struct Moments {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Moments {
    pub(in crate::trace) fn add(&mut self, value: f64) {
        self.count += 1;
        let from_old = value - self.mean;
        self.mean += from_old / self.count as f64;
        self.squares += from_old * (value - self.mean);
    }

    /// Standard deviation by mean; `None` for fewer than two values, or a mean of zero.
    pub(in crate::trace) fn variation(&self) -> Option<f64> {
        let variance = self.squares / (self.count.checked_sub(1).filter(|&freedom| freedom > 0)? as f64);
        (self.mean > 0.0).then(|| variance.max(0.0).sqrt() / self.mean)
    }
}

/// Variance by mean of the counts in windows of one width: 1 for a Poisson process at any width, more where requests come in bursts of that
/// width or longer. The first window begins with the first request; the last one, which the record may cut, is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::trace) struct Dispersion {
    pub(super) width: u64,
    window: u64,
    current: u64,
    sum: u128,
    squares: u128,
}

impl Dispersion {
    pub(in crate::trace) fn new(width: u64) -> Self {
        Self { width, window: 0, current: 0, sum: 0, squares: 0 }
    }

    /// Counts a request at nanoseconds since the first; they never go back.
    pub(in crate::trace) fn add(&mut self, since: u64) {
        let window = since / self.width;
        if window > self.window {
            // Windows between hold none, and add nothing to either sum.
            self.sum += u128::from(self.current);
            self.squares = self.squares.saturating_add(u128::from(self.current) * u128::from(self.current));
            (self.window, self.current) = (window, 0);
        }
        self.current += 1;
    }

    /// The index; `None` for fewer than two whole windows.
    pub(in crate::trace) fn index(&self) -> Option<f64> {
        let windows = self.window as f64;
        if self.window < 2 || self.sum == 0 {
            return None;
        }
        let mean = self.sum as f64 / windows;
        let variance = (self.squares as f64 - self.sum as f64 * mean) / (windows - 1.0);
        Some(variance.max(0.0) / mean)
    }
}

/// The most windows of a rate over time.
const MAX_WINDOWS: usize = 240;

/// The width at which windows begin to be counted.
const FIRST_WIDTH: u64 = 1_000_000;

/// What came in a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Requests.
    pub requests: u64,
    /// Of these, those that did not succeed.
    pub failures: u64,
    /// Nanoseconds of service, where it is known.
    pub service: u128,
}

/// Counts in at most 240 windows, whose width doubles when they are full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Windows {
    pub(super) width: u64,
    pub(super) windows: Vec<Window>,
}

impl Default for Windows {
    fn default() -> Self {
        Self { width: FIRST_WIDTH, windows: Vec::new() }
    }
}

impl Windows {
    pub(super) fn add(&mut self, since: u64, is_failure: bool, service: u64) {
        while since / self.width >= MAX_WINDOWS as u64 {
            self.fold();
        }
        let at = (since / self.width) as usize;
        if self.windows.len() <= at {
            self.windows.resize(at + 1, Window::default());
        }
        let window = &mut self.windows[at];
        window.requests += 1;
        window.failures += u64::from(is_failure);
        window.service += u128::from(service);
    }

    fn fold(&mut self) {
        self.width = self.width.saturating_mul(2);
        let pairs = self.windows.chunks(2).map(|pair| pair.iter().fold(Window::default(), |sum, window| sum.plus(*window)));
        self.windows = pairs.collect();
    }
}

impl Window {
    fn plus(self, other: Self) -> Self {
        Self { requests: self.requests + other.requests, failures: self.failures + other.failures, service: self.service + other.service }
    }
}

/// How many of the longest silences are kept.
const SILENCES: usize = 16;

/// A time without requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// When it began: the request before.
    pub from: i64,
    /// How long it was, in nanoseconds.
    pub length: u64,
}

/// The longest gaps, longest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Silences(Vec<Silence>);

impl Silences {
    #[inline]
    pub(super) fn add(&mut self, from: i64, length: u64) {
        if self.0.len() < SILENCES || self.0.last().is_some_and(|last| length > last.length) {
            let at = self.0.partition_point(|known| known.length >= length);
            self.0.insert(at, Silence { from, length });
            self.0.truncate(SILENCES);
        }
    }

    /// Those that a Poisson process with as many gaps of this mean would have in one record of a hundred: the longest of n gaps is beyond
    /// mean · (ln n + x) with probability 1 − exp(−exp(−x)), which is 1% at x = 4.6.
    pub(super) fn strange(&self, gaps: u64, mean: f64) -> Vec<Silence> {
        let bound = mean * (log(gaps.max(1) as f64) + 4.6);
        self.0.iter().copied().filter(|silence| silence.length as f64 > bound).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variation_of_known_gaps() {
        let mut moments = Moments::default();
        [1.0, 3.0].iter().for_each(|&value| moments.add(value));
        let expected = 2.0_f64.sqrt() / 2.0;
        assert!((moments.variation().expect("two values") - expected).abs() < 1e-15);
        assert_eq!(Moments::default().variation(), None);
    }

    #[test]
    fn dispersion_of_known_counts() {
        // Windows of 10 with 3, 0, 0 and 1 requests; the last, with 1, is left out: mean 1, variance (4 + 1 + 1 + 0) ÷ 3.
        let mut dispersion = Dispersion::new(10);
        [0, 1, 9, 30, 45].iter().for_each(|&since| dispersion.add(since));
        assert!((dispersion.index().expect("four windows") - 2.0).abs() < 1e-12);
        let mut even = Dispersion::new(10);
        (0..100).for_each(|number| even.add(number * 5));
        assert_eq!(even.index(), Some(0.0));
        assert_eq!(Dispersion::new(10).index(), None);
    }

    #[test]
    fn windows_fold_and_lose_nothing() {
        let mut windows = Windows::default();
        for number in 0..10_000 {
            windows.add(number * 1_000_000, number % 4 == 0, 7);
        }
        assert_eq!((windows.width, windows.windows.len()), (64_000_000, 157));
        let sum = windows.windows.iter().fold(Window::default(), |sum, window| sum.plus(*window));
        assert_eq!(sum, Window { requests: 10_000, failures: 2_500, service: 70_000 });
        assert!(windows.windows[..156].iter().all(|window| window.requests == 64));
        windows.add(u64::MAX, false, u64::MAX);
        assert!(windows.windows.len() <= MAX_WINDOWS && windows.windows[0].requests == 10_000);
    }

    #[test]
    fn silences_are_the_longest_ones() {
        let mut silences = Silences::default();
        (0..1000).for_each(|number| silences.add(number, if number == 500 { 90 } else { 1 + number as u64 % 7 }));
        assert_eq!(silences.strange(1000, 4.0), [Silence { from: 500, length: 90 }]);
        assert_eq!((silences.0.len(), silences.0[1]), (SILENCES, Silence { from: 6, length: 7 }));
        assert_eq!(silences.strange(1000, 8.0), []);
    }
}
