//! Whether what we got is what was recorded.

use serde_json::Value;

/// Every field of `expected` that differs, as `field, got, expected`. Fields that were not recorded do not matter.
pub(super) fn differences(got: &Value, expected: &Value, tol: Option<f64>) -> Vec<String> {
    let Some(fields) = expected.as_object() else { return vec!["the vector expects nothing".to_owned()] };
    let field = |(name, expected): (&String, &Value)| match got.get(name) {
        None => Some(format!("{name}, nothing, {}", short(expected))),
        Some(got) => difference(name, got, expected, tol),
    };
    fields.iter().filter_map(field).collect()
}

/// The first place where two values differ.
fn difference(place: &str, got: &Value, expected: &Value, tol: Option<f64>) -> Option<String> {
    let differs = || Some(format!("{place}, {}, {}", short(got), short(expected)));
    match (got, expected) {
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut pairs = a.iter().zip(b).enumerate();
            pairs.find_map(|(at, (got, expected))| difference(&format!("{place}[{at}]"), got, expected, tol))
        }
        (Value::Object(a), Value::Object(b)) if a.len() == b.len() && b.keys().all(|name| a.contains_key(name)) => {
            b.iter().find_map(|(name, expected)| difference(&format!("{place}.{name}"), &a[name], expected, tol))
        }
        (Value::Number(a), Value::Number(b)) => {
            let is_whole = |number: &serde_json::Number| number.is_i64() || number.is_u64();
            let is_same = if is_whole(a) && is_whole(b) { a == b } else { is_close(float(a), float(b), tol) };
            if is_same { None } else { differs() }
        }
        _ if got == expected => None,
        _ => differs(),
    }
}

fn float(number: &serde_json::Number) -> f64 {
    number.as_f64().unwrap_or(f64::NAN)
}

fn is_close(got: f64, expected: f64, tol: Option<f64>) -> bool {
    got == expected || tol.is_some_and(|tol| (got - expected).abs() <= tol * expected.abs().max(1.0))
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(160) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
