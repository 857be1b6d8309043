//! Documents in JSON, as values that know where they stand: read from then on like those in TOML.

use jsonc_parser::ast::{ObjectPropName, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::diagnostic::{Fault, Finding};
use super::document::{Data, Entry, Node, Table};
use super::position::Place;
use crate::escape::visible;

/// JSON to the letter.
const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Parses a text; what is said twice is noted, `null` is as if it had not been said.
pub(crate) fn parse(text: &str, source: usize, findings: &mut Vec<Finding>) -> Option<Node> {
    let parsed = match parse_to_ast(text, &CollectOptions::default(), &STRICT) {
        Ok(parsed) => parsed,
        Err(error) => {
            let (range, why) = (error.range(), error.kind().to_string());
            let fault = Fault::Syntax(format!("this is not JSON: {}", visible(&why, 120)));
            let place = Place::new(source, range.start.min(text.len())..range.end.min(text.len()));
            findings.push(Finding::error(place, fault).allowed("a JSON document").help("the form is shown by `evenkeel help pick`"));
            return None;
        }
    };
    let Some(value) = parsed.value else {
        findings.push(Finding::error(Place::new(source, 0..0), Fault::Empty).allowed("a JSON document"));
        return None;
    };
    node(&value, source, findings)
}

fn node(value: &Value<'_>, source: usize, findings: &mut Vec<Finding>) -> Option<Node> {
    let data = match value {
        Value::StringLit(text) => Data::Text(text.value.to_string()),
        Value::NumberLit(number) => number_of(number.value),
        Value::BooleanLit(value) => Data::Bool(value.value),
        Value::Array(array) => Data::List(array.elements.iter().filter_map(|element| node(element, source, findings)).collect()),
        Value::Object(object) => {
            let mut table = Table::default();
            for property in &object.properties {
                let name = match &property.name {
                    ObjectPropName::String(text) => text.value.as_ref(),
                    ObjectPropName::Word(word) => word.value,
                };
                let key_at = Place::new(source, property.name.start()..property.name.end());
                if table.get(name).is_some() {
                    findings.push(Finding::error(key_at, Fault::DuplicateKey(visible(name, 40))).help("remove one of them"));
                } else if let Some(value) = node(&property.value, source, findings) {
                    table.entries.push(Entry { key: name.to_owned(), key_at, value });
                }
            }
            Data::Table(table)
        }
        Value::NullKeyword(_) => return None,
    };
    Some(Node { data, at: Place::new(source, value.start()..value.end()) })
}

fn number_of(written: &str) -> Data {
    if !written.contains(['.', 'e', 'E']) {
        return written.parse().map_or(Data::Huge, Data::Whole);
    }
    match written.parse::<f64>() {
        Ok(value) if value.is_finite() => Data::Float(value),
        _ => Data::Huge,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_know_where_they_stand() {
        let mut findings = Vec::new();
        let text = r#"{"a": [1, 2.5, null, "x\n"], "a": true, "b": null}"#;
        let read = parse(text, 0, &mut findings).expect("it is JSON");
        let table = read.as_table().expect("an object");
        assert_eq!(table.entries.len(), 1);
        let Data::List(members) = &table.entries[0].value.data else { panic!("a list") };
        assert!(
            matches!(&members[..], [Node { data: Data::Whole(1), .. }, Node { data: Data::Float(2.5), .. }, Node { data: Data::Text(x), .. }] if x == "x\n")
        );
        assert_eq!(&text[members[1].at.start..members[1].at.end], "2.5");
        assert!(matches!(&findings[..], [Finding { fault: Fault::DuplicateKey(key), .. }] if key == "a"));
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
        for text in ["", "{", "{a: 1}", "[1,]", "// x\n1", "'a'", "[1 2]", "0x10", "\u{1}", "{\"a\": NaN}"] {
            let mut findings = Vec::new();
            assert!(parse(text, 0, &mut findings).is_none(), "{text}");
            assert_eq!(findings.len(), 1, "{text}");
        }
        let deep = "[".repeat(100_000);
        assert!(parse(&deep, 0, &mut Vec::new()).is_none());
    }
}
