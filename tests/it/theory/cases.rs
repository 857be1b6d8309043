//! The reference cases, as they are written.

use serde_json::Value;

/// One reference value.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) family: String,
    pub(crate) policy: String,
    pub(crate) metric: String,
    pub(crate) expected: f64,
    /// The standard error of the reference itself, 0 where it is exact.
    pub(crate) reference_error: f64,
    /// Requests for ±1% at 95%, where the source says so.
    pub(crate) requests: Option<f64>,
    pub(crate) params: Value,
}

impl Case {
    /// A number among the parameters.
    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        self.params[name].as_f64()
    }

    /// A number that has to be there.
    pub(crate) fn need(&self, name: &str) -> f64 {
        self.number(name).unwrap_or_else(|| panic!("{} has no number `{name}`", self.id))
    }

    /// The load, under either name.
    pub(crate) fn load(&self) -> Option<f64> {
        self.number("rho").or_else(|| self.number("rho_total"))
    }

    /// Numbers in a list.
    pub(crate) fn list(&self, name: &str) -> Vec<f64> {
        numbers(&self.params[name])
    }
}

/// A list of numbers, or the values of a table in order of their names.
pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_f64).collect(),
        Value::Object(items) => items.values().filter_map(Value::as_f64).collect(),
        _ => Vec::new(),
    }
}

/// All cases.
pub(crate) fn all() -> Vec<Case> {
    let text = include_str!("../../data/theory/cases.json");
    let values: Vec<Value> = serde_json::from_str(text).expect("the cases are JSON");
    values.iter().map(|value| case(value, &values)).collect()
}

fn case(value: &Value, all: &[Value]) -> Case {
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let expected = value["expected"].as_f64().expect("every case expects a number");
    Case {
        id: text("id"),
        family: text("family"),
        policy: text("policy"),
        metric: text("metric"),
        expected,
        reference_error: reference_error(value, all, expected),
        requests: value["requests"].as_f64(),
        params: value["params"].clone(),
    }
}

/// A 95% half-width is 1.96 standard errors. Percentiles without one of their own are allowed twice the relative width of the mean, as the
/// source of the cases says.
fn reference_error(value: &Value, all: &[Value], expected: f64) -> f64 {
    if value["simulated"].as_bool() != Some(true) {
        return 0.0;
    }
    if let Some(half) = value["ci95"].as_f64() {
        return half / 1.96;
    }
    let id = value["id"].as_str().unwrap_or_default();
    let of_mean = id.strip_suffix("-p99").map(|stem| format!("{stem}-mean"));
    let mean = of_mean.and_then(|id| all.iter().find(|other| other["id"] == id.as_str()));
    let relative = mean.and_then(|mean| Some(mean["ci95"].as_f64()? / mean["expected"].as_f64()?));
    relative.map_or(0.0, |relative| 2.0 * relative * expected / 1.96)
}
