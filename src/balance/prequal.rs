//! Prequal: probe a few backends ahead of time, and take the one with the least latency among those that are not busy.

/// What a probe said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probe {
    /// Requests in flight there, from everybody.
    pub in_flight: f64,
    /// The latency to expect, in any unit.
    pub latency: f64,
}

impl Probe {
    fn is_hot(&self, threshold: f64) -> bool {
        self.in_flight > threshold
    }
}

/// The place of the best: of the cold ones, with no more than `threshold` in flight, the one with the least latency; if all are hot, the one with
/// the fewest in flight. Ties to the first.
#[must_use]
pub fn best(probes: &[Probe], threshold: f64) -> Option<usize> {
    let score = |probe: &Probe| if probe.is_hot(threshold) { (true, probe.in_flight) } else { (false, probe.latency) };
    let mut best: Option<usize> = None;
    for (place, probe) in probes.iter().enumerate() {
        if best.is_none_or(|best| score(probe) < score(&probes[best])) {
            best = Some(place);
        }
    }
    best
}

/// The place of the worst, the reverse of the best: of the hot ones the one with the most in flight, else the one with the most latency. Ties to the first.
#[must_use]
pub fn worst(probes: &[Probe], threshold: f64) -> Option<usize> {
    let score = |probe: &Probe| if probe.is_hot(threshold) { (true, probe.in_flight) } else { (false, probe.latency) };
    let mut worst: Option<usize> = None;
    for (place, probe) in probes.iter().enumerate() {
        if worst.is_none_or(|worst| score(probe) > score(&probes[worst])) {
            worst = Some(place);
        }
    }
    worst
}

/// How often a probe may be used, with a pool of `pool` probes over `backends`, `probed` and `removed` a request: so that the pool neither
/// runs dry nor stale, with `delta` to spare. `None` where more is removed than comes in.
#[must_use]
pub fn uses(pool: f64, backends: f64, probed: f64, removed: f64, delta: f64) -> Option<f64> {
    let kept = (1.0 - pool / backends) * probed - removed;
    (kept > 0.0).then(|| ((1.0 + delta) / kept).max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probes(of: &[(f64, f64)]) -> Vec<Probe> {
        of.iter().map(|&(in_flight, latency)| Probe { in_flight, latency }).collect()
    }

    #[test]
    fn cold_ones_go_by_latency_and_hot_ones_by_load() {
        let mixed = probes(&[(3.0, 10.0), (1.0, 50.0), (9.0, 1.0)]);
        assert_eq!((best(&mixed, 5.0), worst(&mixed, 5.0)), (Some(0), Some(2)));
        assert_eq!((best(&mixed, 0.0), worst(&mixed, 9.0)), (Some(1), Some(1)));
        assert_eq!(best(&[], 1.0), None);
    }

    #[test]
    fn a_probe_is_used_as_often_as_the_pool_needs() {
        assert_eq!(uses(16.0, 100.0, 5.0, 0.25, 1.0), Some(1.0));
        assert_eq!(uses(16.0, 16.0, 5.0, 1.0, 1.0), None);
    }
}
