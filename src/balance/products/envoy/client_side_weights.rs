//! Envoy's client-side weighted round robin: weights from what backends report about themselves (ORCA).
//!
//! **Rule.** A backend's weight is what it serves per second ÷ how utilised that makes it: its capacity. Errors count as utilisation.
//! A weight holds once reports have come for `blackout_period` and until none has come for `expiration_period`. Who has none gets the
//! median of the others, or 1 where nobody has one. Every update period the weights go into weighted round robin. **Where it shines.** Machines
//! of different speeds that nobody measured. **Where it fails.** Utilisation that is not proportional to requests, and periods of
//! blackout in which a slow backend gets the median.

use crate::time::{SimTime, Span};

/// What a backend says of itself. Utilisations may exceed 1; 0 is not reported.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Requests a second.
    pub rps: f64,
    /// Errors a second.
    pub eps: f64,
    /// As the application sees it.
    pub application_utilization: f64,
    /// Of the processor.
    pub cpu_utilization: f64,
    /// Anything else.
    pub named: Vec<(String, f64)>,
}

impl Report {
    fn metric(&self, name: &str) -> f64 {
        match name.strip_prefix("named_metrics.") {
            Some(name) => self.named.iter().find(|(named, _)| named == name).map_or(0.0, |&(_, value)| value),
            None if name == "application_utilization" => self.application_utilization,
            None if name == "cpu_utilization" => self.cpu_utilization,
            None => 0.0,
        }
    }

    /// How utilised it is: the most of the metrics asked for, else the application's, else the processor's; the first that is above zero.
    #[must_use]
    pub fn utilization(&self, metrics: &[String]) -> f64 {
        let named = metrics.iter().map(|name| self.metric(name)).fold(0.0, f64::max);
        let reported = [named, self.application_utilization, self.cpu_utilization];
        reported.into_iter().find(|&utilization| utilization > 0.0).unwrap_or(0.0)
    }

    /// The weight that follows; `None` where the report says nothing.
    #[must_use]
    pub fn weight(&self, metrics: &[String], error_penalty: f64) -> Option<u32> {
        if self.rps <= 0.0 {
            return None;
        }
        let utilization = self.utilization(metrics) + error_penalty * self.eps / self.rps;
        // A cast rounds down and stops at the greatest number.
        (utilization > 0.0).then(|| (self.rps / utilization) as u32)
    }
}

/// What a weight is worth at some instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// It holds.
    Valid,
    /// Reports have not come for long enough.
    Blackout,
    /// No report has come for too long.
    Expired,
}

/// When weights hold.
#[derive(Clone, Copy, Debug)]
pub struct Periods {
    /// How long reports must have come.
    pub blackout: Span,
    /// How long the last one counts.
    pub expiration: Span,
}

impl Periods {
    /// What a weight is worth whose reports began, and came last, at these instants.
    #[must_use]
    pub fn validity(&self, began: Option<SimTime>, last: Option<SimTime>, now: SimTime) -> Validity {
        let ends = |from: SimTime, period: Span| SimTime(from.0.saturating_add(period.0));
        match (began, last) {
            (_, None) => Validity::Expired,
            (_, Some(last)) if ends(last, self.expiration) < now => Validity::Expired,
            (Some(began), _) if ends(began, self.blackout) <= now => Validity::Valid,
            _ => Validity::Blackout,
        }
    }
}

/// The weight of those that have none: the median of the others, of two middle ones their mean rounded down; 1 where nobody has one.
#[must_use]
pub fn median(valid: &mut [u32]) -> u32 {
    valid.sort_unstable();
    let middle = valid.len() / 2;
    match valid.len() {
        0 => 1,
        n if n % 2 == 1 => valid[middle],
        _ => ((u64::from(valid[middle - 1]) + u64::from(valid[middle])) / 2) as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_count_as_utilisation() {
        let report = Report { rps: 1000.0, eps: 100.0, application_utilization: 0.5, ..Report::default() };
        assert_eq!((report.weight(&[], 0.0), report.weight(&[], 2.0)), (Some(2000), Some(1428)));
        assert_eq!(Report::default().weight(&[], 1.0), None);
        assert_eq!(Report { rps: 1e18, cpu_utilization: 1e-9, ..Report::default() }.weight(&[], 1.0), Some(u32::MAX));
    }

    #[test]
    fn named_metrics_come_first() {
        let named = vec![("foo".to_owned(), 0.3)];
        let report = Report { rps: 300.0, application_utilization: 0.5, named, ..Report::default() };
        assert_eq!(report.weight(&["named_metrics.foo".to_owned()], 1.0), Some(1000));
        assert_eq!(report.weight(&["named_metrics.bar".to_owned()], 1.0), Some(600));
    }

    #[test]
    fn a_weight_holds_between_blackout_and_expiry() {
        let periods = Periods { blackout: Span(10), expiration: Span(180) };
        let validity = |began, last, now| periods.validity(Some(SimTime(began)), Some(SimTime(last)), SimTime(now));
        assert_eq!([validity(5, 10, 15), validity(5, 10, 190)], [Validity::Valid; 2]);
        assert_eq!([validity(5, 10, 14), validity(5, 10, 191)], [Validity::Blackout, Validity::Expired]);
    }

    #[test]
    fn who_has_no_weight_gets_the_median() {
        assert_eq!([median(&mut []), median(&mut [7, 1, 3]), median(&mut [4, 1, 3, 2])], [1, 3, 2]);
    }
}
