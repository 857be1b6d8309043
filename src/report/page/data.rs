//! The numbers that the script draws again, as JSON that cannot end its `<script>` element.

use super::Side;
use crate::report::figure::Drawing;
use crate::report::figure::lines::{self, Line, Lines};
use crate::report::figure::{palette, words};
use crate::report::neutral;
use serde_json::{Value, json};

/// Everything, in one line.
pub(super) fn json(sides: &[Side<'_>], labels: &[&str], slots: &[u8]) -> String {
    let mut charts = serde_json::Map::new();
    for side in sides {
        for figure in &side.figures {
            let chart = match &figure.drawing {
                Drawing::Lines(lines) => chart(lines, slots),
                Drawing::Heat(heat) => json!({"cells": [heat.cells.columns, heat.cells.rows], "end": heat.x.high}),
                Drawing::Bars(_) | Drawing::Strips(_) => continue,
            };
            charts.insert(side.id(figure), chart);
        }
    }
    let labels: Vec<String> = labels.iter().map(|label| words::name(label)).collect();
    escaped(&json!({"labels": labels, "charts": charts}).to_string())
}

fn chart(lines: &Lines, slots: &[u8]) -> Value {
    let line = |line: &Line| {
        let points: Vec<Value> = line.points.iter().map(|point| rounded(point.1)).collect();
        let mut value = json!({"s": line.series, "c": palette::slot(slots, line.series), "name": crate::report::figure::letters::fitted(&line.name, 12.0, lines::NAME_ROOM), "y": points});
        match even_steps(line) {
            Some((first, step)) => value["w"] = json!([rounded(Some(first)), rounded(Some(step))]),
            None => value["x"] = line.points.iter().map(|point| share(point.0)).collect(),
        }
        if line.sure < line.points.len() {
            value["sure"] = json!(line.sure);
        }
        if line.band.iter().any(Option::is_some) {
            value["band"] = line
                .band
                .iter()
                .map(|band| band.map_or(Value::Null, |[low, high]| json!([rounded(Some(low)), rounded(Some(high))])))
                .collect();
        }
        value
    };
    let mut all: Vec<Value> = lines.in_order(slots).into_iter().map(line).collect();
    // Where all lines have the same places, these stand once.
    if let Some(x) = all.first().and_then(|first| first.get("x").cloned()) {
        for other in all.iter_mut().skip(1).filter(|other| other.get("x") == Some(&x)) {
            other["x"] = json!(0);
        }
    }
    let spans: Vec<Value> = lines.spans.iter().map(|span| json!([span.number.unwrap_or(0), span.from, span.to])).collect();
    json!({
        "plot": lines::plot(lines.height),
        "x": lines.x,
        "y": lines.y,
        "even": lines.even,
        "spans": spans,
        "lines": all,
    })
}

/// Where points are equally far apart: the first and the step.
fn even_steps(line: &Line) -> Option<(f64, f64)> {
    let (&(first, _), &(second, _)) = (line.points.first()?, line.points.get(1)?);
    let step = second - first;
    let is_even = line.points.iter().enumerate().all(|(at, point)| (point.0 - first - at as f64 * step).abs() < 1e-6 * step.abs());
    is_even.then_some((first, step))
}

/// Percentiles need their nines.
fn share(value: f64) -> Value {
    let short: f64 = format!("{value:.8}").parse().expect("a number was written");
    json!(short)
}

/// Four digits are more than a drawing shows.
fn rounded(value: Option<f64>) -> Value {
    let Some(value) = value.filter(|value| value.is_finite()) else { return Value::Null };
    let short: f64 = format!("{value:.3e}").parse().expect("a number was written");
    if short == libm::trunc(short) && short.abs() < 1e9 { json!(short as i64) } else { json!(short) }
}

/// Nothing of it can be taken for markup.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '<' | '>' | '&') || neutral::is_harmful(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                safe.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_cannot_end_the_element() {
        assert_eq!(escaped("{\"a\":\"</script><!--&\u{2028}\"}"), "{\"a\":\"\\u003c/script\\u003e\\u003c!--\\u0026\\u2028\"}");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [Some(12.345_678), Some(800.0), Some(0.000_123_456), None].map(rounded).map(|value| value.to_string()),
            ["12.35", "800", "0.0001235", "null"]
        );
    }
}
