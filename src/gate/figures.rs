//! What was measured, for services that keep figures over time: Bencher's and github-action-benchmark's.
//!
//! Each balancer (in a variant) of a scenario is a benchmark. Latencies come with their interval.

use crate::measure::summary::{ResultSummary, Summary};
use crate::report::{json, neutral};
use serde_json::{Map, Value, json};

/// A number of a result: its name, in milliseconds or a share, and half its interval.
type Figure = (&'static str, Option<f64>, Option<f64>);

fn latencies(result: &ResultSummary) -> [Figure; 3] {
    let (value, half) = (&result.latency_ms, &result.latency_ms_ci95);
    [("mean", value.mean, half.mean), ("p50", value.p50, half.p50), ("p99", value.p99, half.p99)]
}

/// What a benchmark is called: `scenario/balancer`, or `scenario/balancer/variant`.
fn name(file: &str, summary: &Summary, result: &ResultSummary) -> String {
    let title = summary.scenario.title.as_deref().unwrap_or(file);
    let variant = result.variant.as_deref().map(|variant| format!("/{variant}")).unwrap_or_default();
    neutral::plain(&format!("{title}/{}{variant}", result.balancer))
}

/// Bencher Metric Format: latencies in nanoseconds with lower and upper value, the share of failed requests, goodput.
#[must_use]
pub fn bencher(scenarios: &[(&str, &Summary)]) -> String {
    let mut all = Map::new();
    for (file, summary) in scenarios {
        for result in &summary.results {
            let mut measures = Map::new();
            for (which, value, half) in latencies(result) {
                let Some(value) = value else { continue };
                // Bencher's own measure of time is called so.
                let measure = if which == "mean" { "latency".to_owned() } else { format!("latency-{which}") };
                let mut metric = Map::from_iter([("value".to_owned(), json!(value * 1e6))]);
                if let Some(half) = half {
                    metric.insert("lower_value".into(), json!((value - half).max(0.0) * 1e6));
                    metric.insert("upper_value".into(), json!((value + half) * 1e6));
                }
                measures.insert(measure, Value::Object(metric));
            }
            for (measure, value) in [("failed-share", result.requests.unanswered()), ("goodput", result.goodput_rps)] {
                measures.extend(value.map(|value| (measure.to_owned(), json!({"value": value}))));
            }
            all.insert(name(file, summary, result), Value::Object(measures));
        }
    }
    json::safe(&serde_json::to_string_pretty(&Value::Object(all)).expect("texts and numbers are JSON"))
}

/// `customSmallerIsBetter`: latencies in milliseconds and the percentage of failed requests.
#[must_use]
pub fn smaller_is_better(scenarios: &[(&str, &Summary)]) -> String {
    let mut all = Vec::new();
    for (file, summary) in scenarios {
        for result in &summary.results {
            let name = name(file, summary, result);
            let extra = format!("seed {}, {} replications", summary.scenario.seed, summary.scenario.replications);
            for (which, value, half) in latencies(result) {
                let Some(value) = value else { continue };
                let range = half.map(|half| format!("± {half:.6}"));
                all.push(json!({"name": format!("{name}: latency.{which}"), "unit": "ms", "value": value, "range": range.unwrap_or_default(), "extra": extra}));
            }
            if let Some(share) = result.requests.unanswered() {
                all.push(json!({"name": format!("{name}: failed"), "unit": "%", "value": 100.0 * share, "range": "", "extra": extra}));
            }
        }
    }
    json::safe(&serde_json::to_string_pretty(&Value::Array(all)).expect("texts and numbers are JSON"))
}
