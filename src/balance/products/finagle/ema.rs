//! Finagle's exponential moving average over irregular instants.
//!
//! **Rule.** A sample counts for what the last one no longer does: the average keeps `e^(−Δ ÷ window)` of itself. The first sample, and the first
//! after a reset, is the average.

/// The average and when it was last moved. Instants and window have one unit, any.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ema {
    value: f64,
    stamp: Option<f64>,
}

impl Ema {
    /// The average now if a sample came in, without taking it in.
    #[inline]
    #[must_use]
    pub fn with(&self, now: f64, sample: f64, window: f64) -> f64 {
        match self.stamp {
            None => sample,
            Some(stamp) => {
                let kept = if window == 0.0 { 0.0 } else { libm::exp(-(now - stamp) / window) };
                sample * (1.0 - kept) + self.value * kept
            }
        }
    }

    /// Takes in a sample.
    #[inline]
    pub fn update(&mut self, now: f64, sample: f64, window: f64) {
        self.value = self.with(now, sample, window);
        self.stamp = Some(now);
    }

    /// Forgets everything: the next sample is the average.
    #[inline]
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// The average as of the last sample; 0 where there was none.
    #[inline]
    #[must_use]
    pub fn last(&self) -> f64 {
        self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_of_nothing_keeps_nothing() {
        let mut ema = Ema::default();
        ema.update(0.0, 10.0, 0.0);
        ema.update(1.0, 4.0, 0.0);
        assert_eq!(ema.last(), 4.0);
        ema.reset();
        assert_eq!(ema.with(5.0, 7.0, 100.0), 7.0);
    }
}
