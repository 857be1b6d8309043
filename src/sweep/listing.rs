//! The plan, printed: `plan.json`, and what `--plan` says.

use super::plan::Plan;
use crate::report::sweep::rows;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// Up to so many cells are listed by their ids.
pub const LISTED: usize = 100_000;

/// As JSON: what is run, every point, and every cell's id where there are not more than [`LISTED`].
#[must_use]
pub fn json(plan: &Plan) -> String {
    let head = &plan.head;
    let mut parameters = Map::new();
    for parameter in head.parameters.parameters() {
        let values = parameter.values.iter().map(|value| rows::parameters(&[("value", value)])["value"].take()).collect::<Vec<Value>>();
        parameters.insert(parameter.key.clone(), values.into());
    }
    let mut text = String::from("{\n");
    let mut field = |name: &str, value: &Value| {
        let _ = writeln!(text, "  {}: {value},", json!(name));
    };
    field("schema", &json!(1));
    field("tool", &json!(head.tool));
    field("semantics", &json!(head.semantics));
    field("fingerprint", &json!(plan.fingerprint));
    field("scenario", &json!({"title": head.title, "question": head.question, "file_sha256": head.file_sha256}));
    field("parameters", &parameters.into());
    field("metrics", &json!(head.metrics));
    field("cells", &json!(plan.cells()));
    let points: Vec<String> = (0..plan.points.len()).map(|at| format!("    {}", point(plan, at))).collect();
    let _ = write!(text, "  \"points\": [\n{}\n  ]\n}}\n", points.join(",\n"));
    text
}

fn point(plan: &Plan, at: usize) -> Value {
    let (point, entrants) = (&plan.points[at], plan.entrants(at));
    let mut object = Map::new();
    object.insert("parameters".into(), rows::parameters(&plan.head.parameters.point(at)));
    object.insert("replications".into(), json!(point.replications));
    object.insert("results".into(), json!(entrants));
    if plan.cells() <= LISTED {
        let end = point.first as usize + entrants.len() * point.replications as usize;
        object.insert("cells".into(), (point.first as usize..end).map(|cell| format!("{:016x}", plan.id(cell))).collect::<Vec<_>>().into());
    }
    object.into()
}

/// In words.
#[must_use]
pub fn words(plan: &Plan, mine: &[u32], shard: &str) -> String {
    let mut text = String::new();
    for parameter in plan.head.parameters.parameters() {
        let (count, values) = (parameter.values.len(), &parameter.values);
        let shown: Vec<&str> = values.iter().take(20).map(String::as_str).collect();
        let more = if count > 20 { format!(", … ({count} values)") } else { String::new() };
        let _ = writeln!(text, "{} = {}{more}", parameter.key, shown.join(", "));
    }
    let (least, most) = (plan.points.iter().map(|one| one.replications).min(), plan.points.iter().map(|one| one.replications).max());
    let replications = match (least, most) {
        (Some(least), Some(most)) if least != most => format!("{least} to {most}"),
        (_, most) => most.unwrap_or(0).to_string(),
    };
    let entrants = plan.head.entrants.first().map_or(0, Vec::len);
    let _ = writeln!(text, "{} points, {entrants} balancers and variants each, {replications} replications", plan.points.len());
    let _ = writeln!(
        text,
        "{} cells{}",
        plan.cells(),
        if shard == "1/1" { String::new() } else { format!(", {} of them in shard {shard}", mine.len()) }
    );
    let _ = writeln!(text, "fingerprint {}", plan.fingerprint);
    text
}

#[cfg(test)]
mod tests {
    use super::super::plan::tests::plan;
    use super::*;

    #[test]
    fn the_plan_is_json_with_every_cell() {
        let plan = plan(&["traffic.arrivals.load=0.5,0.6", "backends.web.network=1ms,2ms"]).expect("planned");
        let value: Value = serde_json::from_str(&json(&plan)).expect("JSON");
        assert_eq!(value["parameters"], json!({"traffic.arrivals.load": [0.5, 0.6], "backends.web.network": ["1ms", "2ms"]}));
        assert_eq!((&value["cells"], &value["fingerprint"]), (&json!(16), &json!(plan.fingerprint)));
        assert_eq!(value["points"][3]["parameters"], json!({"traffic.arrivals.load": 0.6, "backends.web.network": "2ms"}));
        assert_eq!(value["points"][3]["cells"].as_array().map(Vec::len), Some(4));
        assert_eq!(value["points"][0]["results"][1], json!({"variant": null, "balancer": "round-robin"}));
    }

    #[test]
    fn words_say_how_much_it_is() {
        let plan = plan(&["traffic.arrivals.load=0.1:0.9:0.01"]).expect("planned");
        let text = words(&plan, &[1, 2], "1/2");
        assert!(
            text.contains("0.29, … (81 values)") && text.contains("81 points, 2 balancers and variants each, 2 replications"),
            "{text}"
        );
        assert!(text.contains("324 cells, 2 of them in shard 1/2\nfingerprint "), "{text}");
    }
}
