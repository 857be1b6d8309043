//! The JSON Schema (draft-07) of scenario files, for completion and checks in editors: made from the catalogue of keys.

use serde_json::{Map, Value, json};

use super::distributions::MIXED;
use super::keys::{DISTS, ROOT};
use crate::catalogue::Value as Decoded;
use crate::catalogue::{Entry, Kind, Parameter, Tagged};

/// The keys of which one must be there, with what a section without them would miss.
const REQUIRED: [(&str, &[&str]); 19] = [
    ("scenario", &["run", "traffic"]),
    ("traffic", &["arrivals"]),
    ("precision", &["metric", "relative"]),
    ("keys", &["count"]),
    ("clients", &["count"]),
    ("cache", &["keys", "hit"]),
    ("between", &["from", "to", "delay"]),
    ("variant", &["name"]),
    ("state", &["rate", "mean_stay"]),
    ("part", &["share", "mean"]),
    ("spike", &["at", "for", "factor"]),
    ("wave", &["amplitude", "period"]),
    ("hedge", &["after"]),
    ("bucket", &["ratio"]),
    ("tokens", &["tokens"]),
    ("slow_start", &["window"]),
    ("autoscale", &["target_utilization", "max"]),
    ("service", &["name", "backends"]),
    ("calls", &["to"]),
];

/// Keys that an entry of a tagged table must have besides its tag, by the name of what is tagged and of the entry.
const REQUIRED_BESIDES: [(&str, &str, &[&str]); 11] = [
    ("a discovery", "dns", &["ttl"]),
    ("a discovery", "registry", &["delay"]),
    ("a discovery", "poll", &["interval"]),
    ("a fault", "slow", &["factor"]),
    ("a fault", "errors", &["share"]),
    ("a fault", "flap", &["up", "down"]),
    ("a fault", "latency", &["add"]),
    ("a fault", "loss", &["share"]),
    ("a fault", "partition", &["from"]),
    ("a fault", "deploy", &["takes"]),
    ("a fault", "surge", &["factor"]),
];

/// Keys of which exactly one must be there.
const ONE_OF: [(&str, &[&str]); 5] = [
    ("scenario", &["backends", "service"]),
    ("run", &["requests", "duration"]),
    ("poisson", &["rate", "load"]),
    ("constant", &["rate", "load"]),
    ("shape", &["steps", "ramp", "wave", "spike"]),
];

/// The JSON Schema of a scenario file.
#[must_use]
pub fn schema() -> Value {
    let mut root = object(&ROOT, None, &[]);
    root.insert("$schema".into(), json!("http://json-schema.org/draft-07/schema#"));
    root.insert("title".into(), json!("evenkeel scenario"));
    root.insert("definitions".into(), json!({
        "duration": {"type": "string", "pattern": DURATION, "description": "a duration with its unit, such as \"250us\", \"10ms\", \"1.5s\", \"2m\" or \"1h\""},
        "distribution": {"anyOf": any_of_dist()},
        "part": {"anyOf": tagged(&MIXED, MIXED.common)},
    }));
    Value::Object(root)
}

const DURATION: &str = "^[0-9][0-9_.eE+-]*(ns|us|µs|ms|s|m|min|h|d)$";
const RATE: &str = "^[0-9][0-9_.eE+-]*/(ns|us|ms|s|m|min|h|d)$";
const PERCENTILE: &str = "^p[0-9]+(\\.[0-9]+)?$";
const SHARE: &str = "^[0-9][0-9_.eE+-]*%$";

/// A duration, or a table of one of the distributions.
fn any_of_dist() -> Vec<Value> {
    let mut any = vec![json!({"$ref": "#/definitions/duration"})];
    any.extend(tagged(&DISTS, DISTS.common));
    any
}

/// A table of each of the entries.
fn tagged(tagged: &'static Tagged, common: &'static [Parameter]) -> Vec<Value> {
    let entries = (tagged.entries)().into_iter();
    let table = |entry: &'static Entry| {
        let mut table = object(entry, Some(tagged.tag), common);
        let besides = REQUIRED_BESIDES.iter().find(|(what, name, _)| (*what, *name) == (tagged.what, entry.name));
        if let (Some((.., keys)), Some(Value::Array(required))) = (besides, table.get_mut("required")) {
            required.extend(keys.iter().map(|key| json!(key)));
        }
        Value::Object(table)
    };
    entries.map(table).collect()
}

/// A table with the keys of an entry, and with the tag that names it.
fn object(entry: &'static Entry, tag: Option<&str>, common: &'static [Parameter]) -> Map<String, Value> {
    let mut properties = Map::new();
    if let Some(tag) = tag {
        properties.insert(tag.into(), json!({"const": entry.name, "description": entry.summary}));
    }
    for parameter in common.iter().chain(entry.parameters).filter(|parameter| parameter.is_supported()) {
        properties.insert(parameter.name.into(), property(parameter));
    }
    let listed = REQUIRED.iter().find(|(name, _)| *name == entry.name && tag.is_none());
    let required: Vec<&str> = tag.into_iter().chain(listed.into_iter().flat_map(|(_, keys)| keys.iter().copied())).collect();
    let mut object = Map::new();
    object.insert("type".into(), json!("object"));
    object.insert("description".into(), json!(entry.summary));
    object.insert("properties".into(), Value::Object(properties));
    object.insert("additionalProperties".into(), json!(false));
    if !required.is_empty() {
        object.insert("required".into(), json!(required));
    }
    if let Some((_, keys)) = ONE_OF.iter().find(|(name, _)| *name == entry.name) {
        object.insert("oneOf".into(), keys.iter().map(|key| json!({"required": [key]})).collect());
    }
    object
}

/// A key: its type, its description and its default.
fn property(parameter: &'static Parameter) -> Value {
    let mut schema = match of_kind(parameter.kind) {
        Value::Object(schema) if !schema.contains_key("$ref") => schema,
        reference => Map::from_iter([("allOf".to_owned(), json!([reference]))]),
    };
    schema.insert("description".into(), json!(parameter.text));
    if let Some(text) = parameter.default {
        schema.insert("default".into(), default(parameter.kind, text));
    }
    Value::Object(schema)
}

fn default(kind: Kind, text: &str) -> Value {
    match super::scalar::default(kind, text) {
        Decoded::Bool(value) => json!(value),
        Decoded::Whole(value) => json!(value),
        Decoded::Integer(value) => json!(value),
        Decoded::Number(value) if !text.ends_with('%') => json!(value),
        _ => json!(text),
    }
}

/// The schema of a type.
fn of_kind(kind: Kind) -> Value {
    let whole = |min: u64, max: u64| {
        if max > 1 << 53 { json!({"type": "integer", "minimum": min}) } else { json!({"type": "integer", "minimum": min, "maximum": max}) }
    };
    match kind {
        Kind::Bool => json!({"type": "boolean"}),
        Kind::Whole(min, max) => whole(min, max),
        Kind::WholeOr(min, max, word) => json!({"anyOf": [whole(min, max), {"const": word}]}),
        Kind::Integer(min, max) => json!({"type": "integer", "minimum": min, "maximum": max}),
        Kind::Number(min, max) => json!({"type": "number", "minimum": min, "maximum": max}),
        Kind::Above(min, max) => json!({"type": "number", "exclusiveMinimum": min, "maximum": max}),
        Kind::Share => json!({"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "string", "pattern": SHARE}]}),
        Kind::Rate => json!({"type": "string", "pattern": RATE}),
        Kind::Span | Kind::Period => json!({"$ref": "#/definitions/duration"}),
        Kind::ShareOrSpan => {
            json!({"anyOf": [{"type": "number", "minimum": 0, "exclusiveMaximum": 1}, {"type": "string", "pattern": SHARE}, {"$ref": "#/definitions/duration"}]})
        }
        Kind::Dist | Kind::ExponentialDist => json!({"$ref": "#/definitions/distribution"}),
        Kind::Text => json!({"type": "string"}),
        Kind::Name => json!({"type": "string", "minLength": 1, "maxLength": 256}),
        Kind::Choice(words) => json!({"type": "string", "enum": words}),
        Kind::Choices(words) => json!({"type": "array", "items": {"type": "string", "enum": words}}),
        Kind::Names => {
            let name = of_kind(Kind::Name);
            json!({"anyOf": [name, {"type": "array", "minItems": 1, "items": name}]})
        }
        Kind::DistOrPercentile => json!({"anyOf": [{"$ref": "#/definitions/distribution"}, {"type": "string", "pattern": PERCENTILE}]}),
        Kind::OrTable(kind, entry) => json!({"anyOf": [of_kind(*kind), object(entry, None, &[])]}),
        Kind::OneOfTables(entries) => json!({"anyOf": entries.iter().map(|entry| object(entry, None, &[])).collect::<Vec<_>>()}),
        Kind::Pairs(first, second) => {
            json!({"type": "array", "minItems": 1, "items": {"type": "array", "items": [of_kind(*first), of_kind(*second)], "minItems": 2, "maxItems": 2}})
        }
        Kind::Table(entry) => Value::Object(object(entry, None, &[])),
        Kind::Tables(entry) => json!({"type": "array", "minItems": 1, "items": object(entry, None, &[])}),
        Kind::OneOrMore(entry) => {
            json!({"anyOf": [object(entry, None, &[]), {"type": "array", "minItems": 1, "items": object(entry, None, &[])}]})
        }
        Kind::Tagged(tables) => json!({"anyOf": tagged(tables, tables.common)}),
        // The one recursion of the tree: parts of a mixture may be mixtures.
        Kind::TaggedTables(tables) if tables.tag == DISTS.tag => {
            json!({"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/part"}})
        }
        Kind::TaggedTables(tables) => json!({"type": "array", "items": {"anyOf": tagged(tables, tables.common)}}),
        Kind::TaggedNames(tables) => {
            json!({"type": "array", "items": {"anyOf": [{"type": "string", "enum": names(tables)}, {"anyOf": tagged(tables, tables.common)}]}})
        }
        Kind::WholeOrTagged(min, max, tables) => json!({"anyOf": [whole(min, max), {"anyOf": tagged(tables, tables.common)}]}),
        Kind::Balancer => json!({"anyOf": [{"type": "string"}, {"type": "object", "required": ["kind"]}]}),
        Kind::File => json!({"type": "string", "minLength": 1}),
        Kind::Labels => json!({"type": "object", "additionalProperties": {"type": "string"}}),
        Kind::Changes => json!({"type": "object"}),
        Kind::Later(_) => panic!("keys that are not supported have no schema"),
    }
}

fn names(tables: &'static Tagged) -> Vec<&'static str> {
    (tables.entries)().into_iter().map(|entry| entry.name).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{QUICKSTART, STARTER};
    use super::*;

    /// As much of JSON Schema as ours uses; gives the first place that does not fit.
    fn fault(schema: &Value, value: &Value, root: &Value, path: &str) -> Option<String> {
        let rules = schema.as_object().expect("a schema is an object");
        let fails = |what: &str| Some(format!("{path}: {what}"));
        for (rule, body) in rules {
            let found = match (rule.as_str(), body, value) {
                ("$ref", Value::String(name), _) => fault(&root["definitions"][name.rsplit('/').next().unwrap_or("")], value, root, path),
                ("type", Value::String(kind), _) => (!is_of(kind, value)).then(|| fails(&format!("not {kind}"))).flatten(),
                ("anyOf", Value::Array(any), _) => {
                    any.iter().all(|one| fault(one, value, root, path).is_some()).then(|| fails("none of anyOf")).flatten()
                }
                ("oneOf", Value::Array(any), _) => (any.iter().filter(|one| fault(one, value, root, path).is_none()).count() != 1)
                    .then(|| fails("not one of oneOf"))
                    .flatten(),
                ("allOf", Value::Array(all), _) => all.iter().find_map(|one| fault(one, value, root, path)),
                ("const", body, _) => (body != value).then(|| fails("not the constant")).flatten(),
                ("enum", Value::Array(any), _) => (!any.contains(value)).then(|| fails("not in enum")).flatten(),
                ("minimum", body, Value::Number(n)) => (n.as_f64() < body.as_f64()).then(|| fails("below")).flatten(),
                ("maximum", body, Value::Number(n)) => (n.as_f64() > body.as_f64()).then(|| fails("above")).flatten(),
                ("exclusiveMinimum", body, Value::Number(n)) => (n.as_f64() <= body.as_f64()).then(|| fails("below")).flatten(),
                ("required", Value::Array(keys), Value::Object(table)) => {
                    keys.iter().find(|key| !table.contains_key(key.as_str().unwrap_or(""))).and_then(|key| fails(&format!("no {key}")))
                }
                ("properties", Value::Object(properties), Value::Object(table)) => {
                    table.iter().find_map(|(key, value)| match properties.get(key) {
                        Some(schema) => fault(schema, value, root, &format!("{path}.{key}")),
                        None => fails(&format!("additional {key}")),
                    })
                }
                ("items", Value::Object(_), Value::Array(members)) => {
                    members.iter().find_map(|member| fault(body, member, root, &format!("{path}[]")))
                }
                _ => None,
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }

    fn is_of(kind: &str, value: &Value) -> bool {
        match kind {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_u64() || value.is_i64(),
            "number" => value.is_number(),
            other => panic!("the schema has a type {other}"),
        }
    }

    fn check(text: &str) -> Option<String> {
        let schema = schema();
        fault(&schema, &toml::from_str(text).expect("the example is TOML"), &schema, "")
    }

    #[test]
    fn the_shipped_scenarios_fit() {
        assert_eq!(check(QUICKSTART), None);
        assert_eq!(check(STARTER), None);
    }

    const FAILURES: &str = "[client]
timeout = \"1s\"
retry = { max = \"unlimited\", on = [\"refused\"], backoff = \"5ms\", budget = { tokens = 10 } }
hedge = { after = \"p99.9\" }
[health]
slow_start = { window = \"30s\" }
outlier = { success_rate = {} }
[discovery]
kind = \"dns\"
ttl = \"30s\"
[[fault]]
kind = \"partition\"
target = \"web-0\"
from = [\"balancer:0\"]
at = \"1s\"
for = \"1s\"
every = \"9s\"
";

    #[test]
    fn failures_and_services_fit() {
        let with = |from: &str, to: &str| check(&format!("{QUICKSTART}\n{}", FAILURES.replace(from, to)));
        assert_eq!(with("", ""), None);
        assert_eq!(with("backoff = \"5ms\"", "backoff = { base = \"0s\", jitter = \"none\" }"), None);
        assert_eq!(with("{ tokens = 10 }", "{ share = 0.2 }"), None);
        assert_eq!(with("{ window = \"30s\" }", "\"30s\""), None);
        for (from, to) in [("\"unlimited\"", "\"many\""), ("ttl = \"30s\"", ""), ("{ tokens = 10 }", "{ tokens = 10, share = 1 }")] {
            assert!(with(from, to).is_some(), "{to}");
        }
        let services = "balancers = [\"random\"]
run = { requests = 9 }
traffic = { arrivals = { process = \"poisson\", load = 0.5 } }
[[service]]
name = \"a\"
work = \"1ms\"
calls = [{ to = \"b\", parallel = true }]
balancer = { kind = \"random\" }
client = { timeout = \"1s\" }
backends = [{ name = \"a\" }]
[[service]]
name = \"b\"
work = \"1ms\"
backends = [{ name = \"b\" }]
";
        assert_eq!(check(services), None);
        assert!(check(&services.replace("to = \"b\", ", "")).is_some());
    }

    #[test]
    fn wrong_scenarios_do_not_fit() {
        assert!(check(&QUICKSTART.replace("[run]", "[run]\nsead = 1")).is_some());
        assert!(check(&QUICKSTART.replace("seed = 42", "seed = \"x\"")).is_some());
    }

    #[test]
    fn only_keywords_of_draft_07_are_used() {
        let text = schema().to_string();
        for word in ["$defs", "prefixItems", "unevaluatedProperties", "dependentRequired", "minContains"] {
            assert!(!text.contains(word), "{word} is younger than draft-07");
        }
    }

    #[test]
    fn every_default_reads_as_its_kind() {
        crate::balance::entries().for_each(|entry| drop(super::super::defaults(entry)));
    }
}
