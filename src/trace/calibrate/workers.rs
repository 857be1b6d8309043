//! How many workers a backend has: the number in flight from which on a request takes longer.

/// How many requests are served at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workers {
    /// So many.
    Some(u32),
    /// Time per request does not hang on what is in flight.
    Unlimited,
}

/// Times of requests by what their backend had in flight.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// Count, sum and sum of squares of those that found so many others.
    by: Vec<(u64, f64, f64)>,
    most: usize,
}

/// The fewest requests of a level that count.
const FEW: u64 = 10;
/// The most workers that are told from none.
const MOST: u32 = 200;

impl Level {
    /// No request, so many levels.
    #[must_use]
    pub fn none(levels: usize) -> Self {
        Self { by: vec![(0, 0.0, 0.0); levels], most: 0 }
    }

    pub(super) fn add(&mut self, others: usize, time: u64) {
        self.most = self.most.max(others + 1);
        if let Some(level) = self.by.get_mut(others) {
            let time = time as f64;
            *level = (level.0 + 1, level.1 + time, level.2 + time * time);
        }
    }

    pub(super) fn requests(&self) -> u64 {
        self.by.iter().map(|level| level.0).sum()
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// The number of workers whose curve is nearest to the mean times: a request that finds n others at c workers takes s if n < c, else s · (1 + (n − c + 1) ÷ c), since
    /// the queue in front of it goes at c requests per s. A level's distance counts in standard errors of its mean. A limit must bring more than chance: 10, which the
    /// square of a standard normal exceeds once in 600 times.
    pub(super) fn workers(&self) -> Workers {
        let points: Vec<(f64, f64, f64)> =
            self.by.iter().enumerate().filter(|(_, level)| level.0 >= FEW).map(|(others, level)| point(others, level)).collect();
        let deepest = points.iter().map(|point| point.0).fold(0.0, f64::max);
        let flat = misfit(&points, |_| 1.0);
        let limits = (1..=MOST).filter(|&count| f64::from(count) <= deepest);
        let curve = |count: u32| {
            let count = f64::from(count);
            misfit(&points, |others| 1.0 + ((others - count + 1.0) / count).max(0.0))
        };
        match limits.map(|count| (curve(count), count)).min_by(|a, b| a.0.total_cmp(&b.0)) {
            Some((misfit, count)) if misfit + 10.0 < flat => Workers::Some(count),
            _ => Workers::Unlimited,
        }
    }
}

/// Others, the mean time, and how much that counts: one by the square of its standard error, which is at least 2% since no curve is exact.
fn point(others: usize, &(count, sum, squares): &(u64, f64, f64)) -> (f64, f64, f64) {
    let (n, mean) = (count as f64, sum / count as f64);
    let error = ((squares / n - mean * mean).max(0.0) / n).max(0.0004 * mean * mean).max(1.0);
    (others as f64, mean, 1.0 / error)
}

/// The least sum of squares over all scales of a curve.
fn misfit(points: &[(f64, f64, f64)], curve: impl Fn(f64) -> f64) -> f64 {
    let (above, below) = points.iter().fold((0.0, 0.0), |(above, below), &(others, mean, weight)| {
        let at = curve(others);
        (above + weight * mean * at, below + weight * at * at)
    });
    let scale = if below > 0.0 { above / below } else { 0.0 };
    points.iter().map(|&(others, mean, weight)| weight * (mean - scale * curve(others)) * (mean - scale * curve(others))).sum()
}
