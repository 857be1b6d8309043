//! Finagle's aperture: use only as many backends as the load needs.
//!
//! **Rule.** Each client keeps the backends in an order of its own and uses the first few. When its smoothed load per used backend reaches `high`
//! (1.125) it opens by one, at `low` (0.875) it closes by one. **Why.** Clients with little traffic then keep few connections, and each of these
//! has enough requests for its loads to mean something. **Where it fails.** The orders are random, so with small apertures some
//! backends have more clients than others; the [deterministic aperture](super::deterministic_aperture) mends that.

use super::ema::Ema;

/// How wide a client is open.
#[derive(Clone, Debug)]
pub struct LoadBand {
    low: f64,
    high: f64,
    /// In the unit of instants.
    window: f64,
    least: u64,
    most: u64,
    total: i64,
    smoothed: Ema,
    aperture: u64,
}

impl LoadBand {
    /// A client with `backends` to choose from, open as little as it may be.
    #[must_use]
    pub fn new(low: f64, high: f64, window: f64, least: u64, backends: u64) -> Self {
        let mut band = Self { low, high, window, least, most: 0, total: 0, smoothed: Ema::default(), aperture: least };
        band.resize(backends);
        band
    }

    /// There are so many backends now.
    pub fn resize(&mut self, backends: u64) {
        self.most = backends;
        self.aperture = self.aperture.clamp(self.least.min(backends), backends);
    }

    /// A request has begun (1) or ended (−1).
    pub fn moved(&mut self, by: i64, now: f64) {
        self.total += by;
        self.smoothed.update(now, self.total as f64, self.window);
        let average = self.smoothed.last() / self.aperture as f64;
        if average >= self.high && self.aperture < self.most {
            self.aperture += 1;
        } else if average <= self.low && self.aperture > self.least {
            self.aperture -= 1;
        }
    }

    /// How many backends are used.
    #[inline]
    #[must_use]
    pub fn aperture(&self) -> u64 {
        self.aperture
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_with_load_and_closes_without() {
        let mut band = LoadBand::new(0.875, 1.125, 0.0, 1, 10);
        let sizes: Vec<u64> = [1, 1, 1, 1, 1, -1, -1, -1, -1, -1]
            .into_iter()
            .zip(1_u8..)
            .map(|(by, now)| {
                band.moved(by, now.into());
                band.aperture()
            })
            .collect();
        assert_eq!(sizes, [1, 2, 3, 4, 5, 4, 3, 2, 1, 1]);
        band.resize(0);
        assert_eq!(band.aperture(), 0);
    }
}
