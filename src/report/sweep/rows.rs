//! One row for each point and balancer: tidy CSV, and JSON Lines with everything.
//!
//! The CSV has the varied keys first, then the columns of `evenkeel run --format csv`, then a column and a `…_ci95` for each metric that was asked for. An object of the JSON
//! Lines has the fields of the JSON result (`backends` apart), the varied keys under `parameters`, what was run under `scenario`, and the comparisons in which
//! its balancer is the one that is compared.

use crate::measure::compare::Comparison;
use crate::measure::summary::{ResultSummary, Scenario, Summary};
use crate::measure::surface::Figure;
use crate::report::{csv, json, neutral};
use serde_json::{Map, Value, json};

/// A point to be written.
#[derive(Clone, Copy, Debug)]
pub struct Point<'a> {
    /// The varied keys and their values as written.
    pub parameters: &'a [(&'a str, &'a str)],
    /// What is said of it.
    pub summary: &'a Summary,
    /// The metrics that were asked for.
    pub metrics: &'a [String],
    /// For each result, the figures of those.
    pub asked: &'a [Vec<Figure>],
    /// Comparisons by those that a run does not compare.
    pub more: &'a [Comparison],
}

/// The rows of a point in CSV, below their head where it is the first.
#[must_use]
pub fn csv(point: Point<'_>, with_head: bool) -> String {
    let mut text = String::new();
    for (result, asked) in point.summary.results.iter().zip(point.asked) {
        let row = row(point, result, asked);
        if with_head && text.is_empty() {
            csv::line(&mut text, row.iter().map(|(name, _)| neutral::csv(name)));
        }
        csv::line(&mut text, row.into_iter().map(|(_, cell)| cell));
    }
    text
}

fn row(point: Point<'_>, result: &ResultSummary, asked: &[Figure]) -> Vec<(String, String)> {
    let parameter = |(key, value): &(&str, &str)| ((*key).to_owned(), neutral::csv(&plain(value)));
    let mut row: Vec<(String, String)> = point.parameters.iter().map(parameter).collect();
    let mut columns = csv::columns(point.summary, result);
    // Who it is stands beside the values, and the scenario is the same in all rows.
    columns.retain(|(name, _)| *name != "scenario");
    columns.sort_by_key(|(name, _)| ["variant", "balancer"].iter().position(|first| first == name).unwrap_or(2));
    row.extend(columns.into_iter().map(|(name, cell)| (name.to_owned(), cell)));
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    for (metric, figure) in point.metrics.iter().zip(asked) {
        row.push((metric.clone(), number(figure.value)));
        row.push((format!("{metric}_ci95"), number(figure.half)));
    }
    row
}

/// The objects of a point, one a line.
#[must_use]
pub fn json_lines(point: Point<'_>) -> String {
    let mut text = String::new();
    for (result, asked) in point.summary.results.iter().zip(point.asked) {
        let mut object = Map::new();
        object.insert("parameters".into(), parameters(point.parameters));
        object.insert("scenario".into(), scenario(&point.summary.scenario));
        let Ok(Value::Object(mut fields)) = serde_json::to_value(result) else { continue };
        fields.shift_remove("backends");
        object.extend(fields);
        if !point.metrics.is_empty() {
            let one = |(metric, figure): (&String, &Figure)| (metric.clone(), json!({"value": figure.value, "ci95": figure.half}));
            object.insert("metrics".into(), point.metrics.iter().zip(asked).map(one).collect::<Map<_, _>>().into());
        }
        let is_its = |one: &&Comparison| one.balancer == result.balancer && one.variant == result.variant;
        let comparisons: Vec<&Comparison> = point.summary.comparisons.iter().chain(point.more).filter(is_its).collect();
        object.insert("comparisons".into(), json!(comparisons));
        object.insert("warnings".into(), json!(point.summary.warnings));
        text += &json::safe(&Value::Object(object).to_string());
    }
    text
}

/// What is the same for all points stands in the plan.
fn scenario(of: &Scenario) -> Value {
    json!({"plan_sha256": of.plan_sha256, "seed": of.seed, "replications": of.replications, "requests": of.requests, "warmup": of.warmup})
}

/// Keys and values: numbers as numbers, everything else as text.
#[must_use]
pub fn parameters(all: &[(&str, &str)]) -> Value {
    all.iter().map(|(key, value)| ((*key).to_owned(), typed(value))).collect::<Map<_, _>>().into()
}

fn typed(value: &str) -> Value {
    let is_number = value.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    match value {
        "true" | "false" => json!(value == "true"),
        _ if is_number => serde_json::from_str(value).unwrap_or_else(|_| json!(value)),
        _ => json!(plain(value)),
    }
}

/// A text without the quotes that it may have been written in.
pub(super) fn plain(value: &str) -> String {
    let unquoted = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    let parsed = || serde_json::from_str::<String>(value).ok();
    unquoted.map(str::to_owned).or_else(parsed).unwrap_or_else(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn point<'a>(summary: &'a Summary, metrics: &'a [String], asked: &'a [Vec<Figure>]) -> Point<'a> {
        Point { parameters: &[("traffic.arrivals.load", "0.9"), ("backends.web.zone", "\"a, b\"")], summary, metrics, asked, more: &[] }
    }

    #[test]
    fn rows_have_the_varied_keys_first_and_the_columns_of_a_run() {
        let summary = sample::summary();
        let asked = vec![vec![Figure { value: Some(0.5), half: Some(0.25), beats: vec![] }]; summary.results.len()];
        let metrics = ["success_rate".to_owned()];
        let text = csv(point(&summary, &metrics, &asked), true);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 1 + summary.results.len());
        assert!(
            lines[0].starts_with("traffic.arrivals.load,backends.web.zone,variant,balancer,kind,seed,replications,offered,"),
            "{}",
            lines[0]
        );
        assert!(lines[0].ends_with(",success_rate,success_rate_ci95"));
        assert!(lines[1].starts_with("0.9,\"a, b\",") && lines[1].ends_with(",0.5,0.25"), "{}", lines[1]);
        assert!(!csv(point(&summary, &metrics, &asked), false).contains("variant"));
    }

    #[test]
    fn lines_are_objects_with_the_fields_of_the_result() {
        let summary = sample::summary();
        let asked = vec![vec![]; summary.results.len()];
        let text = json_lines(point(&summary, &[], &asked));
        let objects: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(objects.len(), summary.results.len());
        assert_eq!(objects[0]["parameters"], json!({"traffic.arrivals.load": 0.9, "backends.web.zone": "a, b"}));
        assert_eq!(objects[1]["latency_ms"], serde_json::to_value(&summary.results[1].latency_ms).expect("JSON"));
        assert!(objects[0].get("backends").is_none() && objects[0]["scenario"].get("file_sha256").is_none());
        assert!(objects[1]["comparisons"].as_array().expect("a list").iter().all(|one| one["balancer"] == objects[1]["balancer"]));
    }

    #[test]
    fn hostile_names_stay_in_their_cells() {
        let summary = sample::hostile();
        let asked = vec![vec![]; summary.results.len()];
        let hostile = Point { parameters: &[("k", "'=1+1'")], ..point(&summary, &[], &asked) };
        assert!(csv(hostile, false).starts_with("'=1+1,"));
        assert!(!json_lines(hostile).chars().any(|c| neutral::is_harmful(c) && c != '\n'));
    }

    #[test]
    fn numbers_are_numbers_and_texts_are_texts() {
        assert_eq!(
            parameters(&[("a", "1"), ("b", "0.5"), ("c", "10ms"), ("d", "true"), ("e", "\"1\""), ("f", "p2c")]),
            json!({
                "a": 1, "b": 0.5, "c": "10ms", "d": true, "e": "1", "f": "p2c"
            })
        );
    }
}
