//! C3: ranks backends by a latency that grows with the cube of their queue, and limits the rate to each.

/// The score of a backend, the lower the better: response time less service time, plus service time × the cube of the queue to expect. The cube
/// keeps a short queue attractive and makes a long one much worse, where a plain product would send a fast server a long queue.
#[must_use]
pub fn score(response: f64, service: f64, queue: f64) -> f64 {
    response - service + queue * queue * queue * service
}

/// The queue to expect: this request, what this client has there as if all `clients` did the same, and what the backend reports.
#[must_use]
pub fn expected_queue(outstanding: f64, clients: f64, reported: f64) -> f64 {
    1.0 + outstanding * clients + reported
}

/// How the rate to a backend grows again after it has been cut: fast at first, flat near where it was cut, then fast again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CubicRate {
    /// How much of the rate is cut off.
    pub beta: f64,
    /// How fast it grows.
    pub gamma: f64,
}

impl CubicRate {
    /// The rate so many milliseconds after the last cut, when it was `most`.
    #[must_use]
    pub fn after(&self, most: f64, ms: f64) -> f64 {
        let since_flat = ms - libm::cbrt(self.beta * most / self.gamma);
        self.gamma * since_flat * since_flat * since_flat + most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_counts_by_its_cube() {
        assert_eq!(score(150.0, 100.0, expected_queue(1.0, 5.0, 0.0)), 21_650.0);
        assert_eq!(score(200.0, 199.0, expected_queue(3.0, 5.0, 1.0)), 977_688.0);
    }

    #[test]
    fn a_cut_rate_begins_where_it_was_cut_to() {
        let rate = CubicRate { beta: 0.2, gamma: 4e-6 };
        assert!((rate.after(100.0, 0.0) - 80.0).abs() < 1e-9);
        assert!(rate.after(100.0, 300.0) > 100.0);
    }
}
