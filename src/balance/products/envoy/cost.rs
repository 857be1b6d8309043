//! What Envoy's peak EWMA policy compares: one version's cost rule.
//!
//! Smoothed latency × (in flight + 1). Who has no latency yet costs a penalty while it has requests in flight, so that not everybody is sent to
//! an untried backend at once, and the default latency while it has none.

/// The cost of a backend, in the unit of the latencies.
#[inline]
#[must_use]
pub fn cost(latency: f64, in_flight: u32, default_latency: f64, penalty: f64) -> f64 {
    match (latency > 0.0, in_flight) {
        (true, _) => latency * (f64::from(in_flight) + 1.0),
        (false, 0) => default_latency,
        (false, _) => penalty + f64::from(in_flight),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_untried_backend_is_tried_by_one() {
        assert_eq!([cost(0.0, 0, 5.0, 1e6), cost(0.0, 2, 5.0, 1e6), cost(2.5, 1, 5.0, 1e6)], [5.0, 1e6 + 2.0, 5.0]);
    }
}
