//! Envoy's locality weighted balancing: which locality of a priority gets the pick.
//!
//! **Rule.** A locality's weight counts in full while at least 1 ÷ 1.4 of it is eligible, then shrinks in proportion; a schedule of
//! [earliest deadlines](crate::balance::edf) goes by these effective weights. Weight 0 is never picked. With nobody eligible in any locality
//! there is no locality, and the policy takes the whole priority.

use crate::balance::edf::Edf;

/// One locality of a priority.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Locality {
    /// As configured.
    pub weight: f64,
    /// How many backends it has.
    pub all: u64,
    /// How many of them a pick is for: the healthy ones, or the degraded ones.
    pub eligible: u64,
    /// How many do not count.
    pub excluded: u64,
}

impl Locality {
    /// Its weight after who is missing has been taken off; `overprovisioning` in percent.
    #[must_use]
    pub fn effective_weight(&self, overprovisioning: f64) -> f64 {
        let counted = self.all.saturating_sub(self.excluded);
        if counted == 0 {
            return 0.0;
        }
        let available = (self.eligible as f64 / counted as f64) * (overprovisioning / 100.0);
        self.weight * available.min(1.0)
    }
}

/// The schedule of localities, if any can be picked.
#[must_use]
pub fn schedule(effective: &[f64], seed: u64) -> Option<Edf> {
    let weighted = (0..).zip(effective.iter().copied());
    effective.iter().any(|&weight| weight > 0.0).then(|| Edf::with_past(weighted, super::schedule::past(seed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locality_gets_less_once_too_many_are_missing() {
        let weight = |eligible| Locality { weight: 2.0, all: 10, eligible, excluded: 0 }.effective_weight(140.0);
        assert_eq!([weight(10), weight(8)], [2.0, 2.0]);
        assert!((weight(5) - 1.4).abs() < 1e-12 && weight(0) == 0.0);
        assert!(schedule(&[0.0, 0.0], 1).is_none());
    }
}
