//! Outlier detection: which backends fail more than they should, judged by real traffic.
//!
//! **Consecutive** ([`Consecutive`]): so many server errors in a row. **Success rate** ([`SuccessRate`]): a rate further below the mean of all than so many standard
//! deviations. **Failure percentage**: more failures than a fixed limit; Envoy takes *at least* the limit, gRPC *more than* it. The last two
//! need enough requests of enough backends. How long an outlier is out, and how many may be at once, is in [`super::ejection`].

/// What a run of errors was detected as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// 502, 503 and 504: the connection, or a proxy behind it.
    Gateway,
    /// Any 5xx.
    ServerError,
}

/// Envoy's counters of errors in a row at one backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consecutive {
    gateway: u64,
    server: u64,
}

impl Consecutive {
    /// Counts a response. Gives what has reached its limit, gateway errors first; that counter begins anew.
    pub fn count(&mut self, status: u64, gateway_limit: u64, server_limit: u64) -> [Option<Run>; 2] {
        if !(500..600).contains(&status) {
            *self = Self::default();
            return [None; 2];
        }
        self.gateway = if matches!(status, 502..=504) { self.gateway + 1 } else { 0 };
        self.server += 1;
        [reached(&mut self.gateway, gateway_limit, Run::Gateway), reached(&mut self.server, server_limit, Run::ServerError)]
    }
}

fn reached(count: &mut u64, limit: u64, run: Run) -> Option<Run> {
    let is_reached = *count > 0 && *count == limit;
    if is_reached {
        *count = 0;
    }
    is_reached.then_some(run)
}

/// Where the line of success rates is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SuccessRate {
    /// The mean of the rates.
    pub mean: f64,
    /// Their standard deviation, as of a whole population.
    pub deviation: f64,
    /// Who is below is an outlier.
    pub threshold: f64,
}

impl SuccessRate {
    /// The line, `factor` ÷ 1000 deviations below the mean. `None` without rates.
    #[must_use]
    pub fn of(rates: &[f64], factor: f64) -> Option<Self> {
        if rates.is_empty() {
            return None;
        }
        let n = rates.len() as f64;
        let mean = rates.iter().sum::<f64>() / n;
        let variance = rates.iter().map(|rate| (rate - mean) * (rate - mean)).sum::<f64>() / n;
        let deviation = variance.sqrt();
        Some(Self { mean, deviation, threshold: mean - factor / 1000.0 * deviation })
    }
}

/// What one backend did in the interval that is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Volume {
    /// Successes and failures.
    pub requests: f64,
    /// Successes, in percent of them.
    pub percent: f64,
}

/// Which backends are judged at all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Enough {
    /// At least so many requests of a backend.
    pub requests: f64,
    /// At least so many such backends.
    pub backends: usize,
}

impl Enough {
    /// The places of those with enough requests; nobody where they are too few.
    #[must_use]
    pub fn judged(&self, volumes: &[Volume]) -> Vec<usize> {
        let is_enough = |&place: &usize| volumes[place].requests > 0.0 && volumes[place].requests >= self.requests;
        let judged: Vec<usize> = (0..volumes.len()).filter(is_enough).collect();
        if judged.len() >= self.backends { judged } else { Vec::new() }
    }
}

/// The places whose success rate is an outlier.
#[must_use]
pub fn by_success_rate(volumes: &[Volume], enough: Enough, factor: f64) -> Vec<usize> {
    let mut judged = enough.judged(volumes);
    let rates: Vec<f64> = judged.iter().map(|&place| volumes[place].percent).collect();
    let Some(line) = SuccessRate::of(&rates, factor) else { return Vec::new() };
    judged.retain(|&place| volumes[place].percent < line.threshold);
    judged
}

/// The places whose failures, in percent, reach a limit (Envoy) or are above it (gRPC: `strictly`).
#[must_use]
pub fn by_failure_percentage(volumes: &[Volume], enough: Enough, limit: f64, strictly: bool) -> Vec<usize> {
    let mut judged = enough.judged(volumes);
    judged.retain(|&place| {
        let failures = 100.0 - volumes[place].percent;
        if strictly { failures > limit } else { failures >= limit }
    });
    judged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_error_is_a_server_error_too() {
        let mut counters = Consecutive::default();
        let mut detected = [500, 502, 503, 504, 500, 200, 503].map(|status| counters.count(status, 3, 3)).into_iter();
        assert_eq!(detected.position(|found| found != [None; 2]), Some(2));
        assert_eq!(detected.next(), Some([Some(Run::Gateway), None]));
        assert!(detected.all(|found| found == [None; 2]));
    }

    #[test]
    fn the_line_is_below_the_mean() {
        let line = SuccessRate::of(&[50.0, 100.0, 100.0, 100.0, 100.0], 1900.0).expect("there are rates");
        assert_eq!((line.mean, line.deviation, line.threshold), (90.0, 20.0, 52.0));
        assert_eq!(SuccessRate::of(&[], 1900.0), None);
    }

    #[test]
    fn a_limit_is_reached_or_exceeded() {
        let volumes = [15.0, 100.0, 100.0].map(|percent| Volume { requests: 50.0, percent });
        let enough = Enough { requests: 50.0, backends: 3 };
        assert_eq!(by_failure_percentage(&volumes, enough, 85.0, false), [0]);
        assert_eq!(by_failure_percentage(&volumes, enough, 85.0, true), [0; 0]);
        assert_eq!(by_failure_percentage(&volumes, Enough { backends: 4, ..enough }, 85.0, false), [0; 0]);
        assert_eq!(by_success_rate(&volumes, enough, 1000.0), [0]);
    }
}
