//! Weights of gRPC's weighted round robin: what a report is worth, and for how long (A58).
//!
//! **Rule.** Weight = queries per second ÷ (utilisation + errors per query × penalty). It counts once reports have come for `blackout_period`, and until
//! none has come for `expiration_period`; to be read as expired begins a new blackout. 0 is unknown.

use crate::time::{SimTime, Span};

/// The weight of a report; `None` where it says nothing.
#[must_use]
pub fn weight(qps: f64, eps: f64, utilization: f64, error_penalty: f64) -> Option<f64> {
    if qps <= 0.0 || utilization <= 0.0 {
        return None;
    }
    Some(qps / (utilization + eps / qps * error_penalty))
}

/// One backend's weight over time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Weight {
    value: f64,
    updated: Option<SimTime>,
    /// Since when reports have come; unset where a blackout has to begin anew.
    since: Option<SimTime>,
}

impl Weight {
    /// Takes over a report's weight.
    pub fn report(&mut self, weight: f64, now: SimTime) {
        self.value = weight;
        self.updated = Some(now);
        self.since.get_or_insert(now);
    }

    /// What it counts for now; 0 is unknown.
    #[must_use]
    pub fn at(&self, now: SimTime, blackout: Span, expiration: Span) -> f64 {
        let is_dark = blackout.0 > 0 && self.since.is_none_or(|since| now.since(since) < blackout);
        if self.is_expired(now, expiration) || is_dark { 0.0 } else { self.value }
    }

    /// What reading it does: an expired one begins a new blackout.
    pub fn renew(&mut self, now: SimTime, expiration: Span) {
        if self.is_expired(now, expiration) {
            self.since = None;
        }
    }

    /// The connection is a new one: reports begin anew.
    pub fn reconnected(&mut self) {
        self.since = None;
    }

    fn is_expired(&self, now: SimTime, expiration: Span) -> bool {
        self.updated.is_none_or(|updated| now.since(updated) >= expiration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_counts_between_blackout_and_expiry() {
        let mut weight = Weight::default();
        let (blackout, expiration) = (Span(10), Span(180));
        let read = |weight: &mut Weight, now| {
            let value = weight.at(SimTime(now), blackout, expiration);
            weight.renew(SimTime(now), expiration);
            value
        };
        weight.report(100.0, SimTime(0));
        assert_eq!([read(&mut weight, 9), read(&mut weight, 10), read(&mut weight, 179), read(&mut weight, 180)], [0.0, 100.0, 100.0, 0.0]);
        weight.report(50.0, SimTime(200));
        assert_eq!([read(&mut weight, 209), read(&mut weight, 210)], [0.0, 50.0]);
    }

    #[test]
    fn a_report_without_load_says_nothing() {
        assert_eq!([weight(0.0, 0.0, 0.5, 1.0), weight(5.0, 0.0, 0.0, 1.0)], [None, None]);
        assert_eq!(weight(100.0, 10.0, 0.4, 1.0), Some(200.0));
    }
}
