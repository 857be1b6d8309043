//! The result as OpenMetrics text, for whoever keeps measurements there: `data/metrics.txt`.
//!
//! Base units (seconds, ratios), one family after the other, each with type, unit where it has one, and help; results are told apart by the labels `balancer` and `variant`,
//! which is empty in a scenario without variants. What does not exist is not there. There are no time stamps: time is simulated.

use super::neutral;
use crate::measure::detail::Detail;
use crate::measure::summary::{BackendSummary, ResultSummary, Summary};
use std::fmt::Write;

/// All families, and the end.
#[must_use]
pub fn draw(summary: &Summary, detail: &Detail) -> String {
    let mut text = String::new();
    latency(&mut text, summary, detail);
    for (name, help, value) in COUNTERS {
        let mut family = Family::new(&mut text, name, "counter", None, help);
        summary.results.iter().for_each(|result| family.sample("_total", &labels(result), Some(value(result) as f64)));
    }
    errors(&mut text, summary);
    for (name, unit, help, value) in GAUGES {
        let mut family = Family::new(&mut text, name, "gauge", unit, help);
        summary.results.iter().for_each(|result| family.sample("", &labels(result), value(result)));
    }
    for (name, kind, unit, help, value) in OF_BACKENDS {
        let mut family = Family::new(&mut text, name, kind, unit, help);
        for result in &summary.results {
            for backend in &result.backends {
                let labels = format!("{},backend=\"{}\"", labels(result), escaped(&backend.name));
                family.sample(if kind == "counter" { "_total" } else { "" }, &labels, value(backend));
            }
        }
    }
    text += "# EOF\n";
    text
}

/// Name, help, value.
type Counter = (&'static str, &'static str, fn(&ResultSummary) -> u64);
/// Name, unit, help, value.
type Gauge = (&'static str, Option<&'static str>, &'static str, fn(&ResultSummary) -> Option<f64>);
/// Name, type, unit, help, value.
type OfBackend = (&'static str, &'static str, Option<&'static str>, &'static str, fn(&BackendSummary) -> Option<f64>);

const COUNTERS: [Counter; 6] = [
    ("evenkeel_requests", "Requests that arrived after the warm-up, all replications together.", |of| of.requests.offered),
    ("evenkeel_requests_succeeded", "Requests that were answered.", |of| of.requests.succeeded),
    ("evenkeel_requests_failed", "Requests that failed.", |of| of.requests.failed),
    ("evenkeel_attempts", "Attempts made for them.", |of| of.requests.attempts),
    ("evenkeel_retries", "Attempts after a failed one.", |of| of.requests.retries),
    ("evenkeel_hedges", "Attempts beside one still out.", |of| of.requests.hedges),
];

const GAUGES: [Gauge; 9] = [
    ("evenkeel_success_ratio", Some("ratio"), "Succeeded requests by offered ones.", |of| of.success_rate),
    ("evenkeel_throughput_per_second", None, "Requests that ended, per simulated second.", |of| of.throughput_rps),
    ("evenkeel_goodput_per_second", None, "Requests that succeeded, per simulated second.", |of| of.goodput_rps),
    ("evenkeel_wait_mean_seconds", Some("seconds"), "Mean wait of succeeded requests.", |of| of.wait_ms.mean.map(|ms| ms / 1e3)),
    ("evenkeel_waited_ratio", Some("ratio"), "The share of succeeded requests that waited at all.", |of| of.wait_share),
    ("evenkeel_jain_requests_ratio", Some("ratio"), "Jain's index of attempts by capacity.", |of| of.fairness.jain_requests),
    ("evenkeel_jain_utilization_ratio", Some("ratio"), "Jain's index of utilizations.", |of| of.fairness.jain_utilization),
    ("evenkeel_in_system", None, "Mean number of requests in the system.", |of| of.in_system_mean),
    ("evenkeel_overloaded_at_seconds", Some("seconds"), "Since when it was overloaded, where it was.", |of| of.overloaded_at_s),
];

const OF_BACKENDS: [OfBackend; 3] = [
    ("evenkeel_backend_attempts", "counter", None, "Attempts sent to a backend.", |of| Some(of.requests as f64)),
    ("evenkeel_backend_utilization_ratio", "gauge", Some("ratio"), "Busy workers by workers.", |of| of.utilization),
    ("evenkeel_backend_in_flight", "gauge", None, "Mean number sent and unanswered.", |of| of.in_flight_mean),
];

/// A family being written.
struct Family<'t> {
    text: &'t mut String,
    name: &'static str,
}

impl<'t> Family<'t> {
    fn new(text: &'t mut String, name: &'static str, kind: &str, unit: Option<&str>, help: &str) -> Self {
        let _ = writeln!(text, "# TYPE {name} {kind}");
        if let Some(unit) = unit {
            let _ = writeln!(text, "# UNIT {name} {unit}");
        }
        let _ = writeln!(text, "# HELP {name} {help}");
        Self { text, name }
    }

    fn sample(&mut self, suffix: &str, labels: &str, value: Option<f64>) {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            let _ = writeln!(self.text, "{}{suffix}{{{labels}}} {value}", self.name);
        }
    }
}

fn labels(result: &ResultSummary) -> String {
    format!("balancer=\"{}\",variant=\"{}\"", escaped(&result.balancer), escaped(result.variant.as_deref().unwrap_or("")))
}

fn escaped(name: &str) -> String {
    neutral::plain(name).replace('\\', "\\\\").replace('"', "\\\"")
}

fn latency(text: &mut String, summary: &Summary, detail: &Detail) {
    let help = "Latency of succeeded requests, from arrival to the end of the answer.";
    let mut family = Family::new(text, "evenkeel_latency_seconds", "summary", Some("seconds"), help);
    for (result, of) in summary.results.iter().zip(&detail.results) {
        let (labels, latency) = (labels(result), &result.latency_ms);
        let shares =
            [("0.5", latency.p50), ("0.9", latency.p90), ("0.99", latency.p99), ("0.999", latency.p99_9), ("0.9999", latency.p99_99)];
        for (share, ms) in shares {
            family.sample("", &format!("{labels},quantile=\"{share}\""), ms.map(|ms| ms / 1e3));
        }
        let (count, mean) = (of.latency.count as f64, of.latency.mean_ns.unwrap_or(0.0));
        family.sample("_count", &labels, Some(count));
        family.sample("_sum", &labels, Some(count * mean / 1e9));
    }
}

fn errors(text: &mut String, summary: &Summary) {
    let mut family = Family::new(text, "evenkeel_errors", "counter", None, "Failed requests by the cause of their last attempt's end.");
    for result in &summary.results {
        let errors = &result.requests.errors;
        let causes = [
            ("timeout", errors.timeout),
            ("refused", errors.refused),
            ("error", errors.error),
            ("crashed", errors.crashed),
            ("no-backend", errors.no_backend),
            ("shed", errors.shed),
        ];
        for (cause, count) in causes {
            family.sample("_total", &format!("{},cause=\"{cause}\"", labels(result)), Some(count as f64));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn families_are_whole_and_samples_belong_to_theirs() {
        for summary in [sample::summary(), sample::hostile()] {
            let text = draw(&summary, &sample::detail(&summary));
            assert!(text.ends_with("\n# EOF\n") && !text.contains('\u{1b}') && !text.contains('\r'));
            let (mut seen, mut current) = (BTreeSet::new(), "");
            for line in text.lines().filter(|line| *line != "# EOF") {
                if let Some(family) = line.strip_prefix("# TYPE ") {
                    current = family.split(' ').next().unwrap_or_default();
                    assert!(seen.insert(current), "{current} comes twice");
                }
                assert!(line.trim_start_matches(|c: char| c == '#' || c == ' ' || c.is_ascii_uppercase()).starts_with(current), "{line}");
            }
            assert_eq!(seen.len(), 2 + COUNTERS.len() + GAUGES.len() + OF_BACKENDS.len());
        }
    }

    #[test]
    fn labels_cannot_end_early() {
        assert_eq!(escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\\\u{a}d");
    }
}
