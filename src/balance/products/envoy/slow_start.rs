//! Envoy's slow start: a backend that has just become healthy gets its share by and by.
//!
//! **Rule.** In its first `window` a backend's weight is multiplied by `(age ÷ window)^(1 ÷ aggression)`, at least `least_percent`. Aggression 1 is
//! a straight ramp, above 1 rises fast and then slowly. **Why.** Caches are cold, code is not compiled, connections are not open: a full
//! share at once would kill it again. **Where it fails.** With hardly any traffic weights do not matter, and with few backends the others
//! must carry what it does not.

use crate::time::Span;

/// How fast a new backend comes to its full weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlowStart {
    /// How long it takes; zero is off.
    pub window: Span,
    /// The shape of the ramp; not above zero counts as 1.
    pub aggression: f64,
    /// The least share, in percent.
    pub least_percent: f64,
}

impl SlowStart {
    /// No slow start.
    pub const OFF: Self = Self { window: Span::ZERO, aggression: 1.0, least_percent: 10.0 };

    /// What the weight of a backend that has been healthy for so long is multiplied by. Envoy counts whole milliseconds.
    #[must_use]
    pub fn factor(&self, healthy_for: Span) -> f64 {
        const MILLISECOND: u64 = 1_000_000;
        let (age, window) = (healthy_for.0 / MILLISECOND, self.window.0 / MILLISECOND);
        if age >= window {
            return 1.0;
        }
        let share = age.max(1) as f64 / window as f64;
        let shaped =
            if self.aggression > 0.0 && self.aggression != 1.0 && share != 1.0 { libm::pow(share, 1.0 / self.aggression) } else { share };
        shaped.max(self.least_percent / 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ramp_has_a_floor_and_an_end() {
        let ramp = SlowStart { window: Span(60_000_000_000), ..SlowStart::OFF };
        let at = |seconds: u64| ramp.factor(Span(seconds * 1_000_000_000));
        assert_eq!([at(0), at(3), at(12), at(60), at(99)], [0.1, 0.1, 0.2, 1.0, 1.0]);
        assert_eq!(SlowStart::OFF.factor(Span::ZERO), 1.0);
        let steep = SlowStart { aggression: 2.0, ..ramp };
        assert!((steep.factor(Span(6_000_000_000)) - 0.1_f64.sqrt()).abs() < 1e-12);
    }
}
