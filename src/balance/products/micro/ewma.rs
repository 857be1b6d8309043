//! The moving average that Go frameworks share: of latency and success, with a weight that fades with time and not with requests.

/// Latency and success of one backend, averaged over a time τ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Average {
    /// In nanoseconds; 0 before the first answer.
    pub lag_ns: u64,
    /// From 0 to 1000.
    pub success: u64,
    /// When the last answer came, in nanoseconds.
    pub stamp: u64,
}

impl Default for Average {
    fn default() -> Self {
        Self { lag_ns: 0, success: 1000, stamp: 0 }
    }
}

impl Average {
    /// An answer to what was asked at `start`: what was known keeps a share of e^(−pause ÷ τ), and none where nothing was known. Fractions are cut off.
    pub fn add(&mut self, now: u64, start: u64, ok: bool, tau_ns: u64) {
        let pause = now.saturating_sub(self.stamp);
        self.stamp = now;
        let kept = if self.lag_ns == 0 { 0.0 } else { libm::exp(-(pause as f64) / tau_ns as f64) };
        let blend = |old: u64, new: u64| (old as f64 * kept + new as f64 * (1.0 - kept)) as u64;
        self.lag_ns = blend(self.lag_ns, now.saturating_sub(start));
        self.success = blend(self.success, if ok { 1000 } else { 0 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_answer_counts_alone_and_a_pause_forgets() {
        let mut average = Average::default();
        average.add(1_000, 400, true, 600);
        assert_eq!((average.lag_ns, average.success), (600, 1000));
        average.add(1_000, 1_000, false, 600);
        assert_eq!((average.lag_ns, average.success), (600, 1000), "no time has passed");
        average.add(1_000_000, 999_900, false, 600);
        assert_eq!((average.lag_ns, average.success), (100, 0));
    }
}
