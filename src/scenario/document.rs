//! The parsed document: values that know where they stand, in files and in options alike.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::position::Place;
use crate::escape::shown;

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) data: Data,
    pub(crate) at: Place,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    Text(String),
    Whole(i128),
    /// A number with more digits than `Whole` holds, or a float beyond `f64`.
    Huge,
    Float(f64),
    Bool(bool),
    Date,
    List(Vec<Node>),
    Table(Table),
}

/// A table, in the order of writing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    pub(crate) entries: Vec<Entry>,
    /// Written by `[name]` or `[[name]]`, not `{ … }`.
    pub(crate) has_header: bool,
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_at: Place,
    pub(crate) value: Node,
}

impl Table {
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.key == key)
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<Entry> {
        let index = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.remove(index))
    }
}

impl Node {
    pub(crate) fn table(at: Place) -> Self {
        Self { data: Data::Table(Table::default()), at }
    }

    pub(crate) fn as_table(&self) -> Option<&Table> {
        match &self.data {
            Data::Table(table) => Some(table),
            _ => None,
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a key of a table.
    pub(crate) fn text_of(&self, key: &str) -> Option<&str> {
        self.as_table()?.get(key)?.value.as_text()
    }

    /// The members of a list, or the one table that stands for a list of one.
    pub(crate) fn members(&self) -> &[Node] {
        match &self.data {
            Data::List(members) => members,
            Data::Table(_) => std::slice::from_ref(self),
            _ => &[],
        }
    }

    /// What was found, in words.
    pub(crate) fn found(&self, written: &str) -> String {
        match &self.data {
            Data::Text(text) => shown(text),
            Data::Whole(_) | Data::Huge | Data::Float(_) => format!("the number {}", crate::escape::visible(written.trim(), 40)),
            Data::Bool(value) => value.to_string(),
            Data::Date => "a date".into(),
            Data::List(_) => "a list".into(),
            Data::Table(_) => "a table".into(),
        }
    }
}

/// Converts a parsed document; keys come back into the order of writing.
pub(crate) fn from_table(table: &DeTable<'_>, source: usize, text: &str) -> Table {
    let convert = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| entry(key, value, source, text);
    let mut entries: Vec<Entry> = table.iter().map(convert).collect();
    entries.sort_by_key(|entry| entry.key_at);
    Table { entries, has_header: false }
}

fn entry(key: &Spanned<std::borrow::Cow<'_, str>>, value: &Spanned<DeValue<'_>>, source: usize, text: &str) -> Entry {
    Entry { key: key.get_ref().to_string(), key_at: Place::new(source, key.span()), value: from_value(value, source, text) }
}

/// Converts a parsed value.
pub(crate) fn from_value(value: &Spanned<DeValue<'_>>, source: usize, text: &str) -> Node {
    let span = value.span();
    let data = match value.get_ref() {
        DeValue::String(text) => Data::Text(text.to_string()),
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix()).map_or(Data::Huge, Data::Whole),
        DeValue::Float(number) => float(number.as_str()),
        DeValue::Boolean(value) => Data::Bool(*value),
        DeValue::Datetime(_) => Data::Date,
        DeValue::Array(members) => Data::List(members.iter().map(|member| from_value(member, source, text)).collect()),
        DeValue::Table(inner) => {
            let has_header = text.as_bytes().get(span.start) == Some(&b'[');
            Data::Table(Table { has_header, ..from_table(inner, source, text) })
        }
    };
    Node { data, at: Place::new(source, first_line(span, text)) }
}

/// A float of TOML, which may be `nan` or `inf`; `1e400` is [`Data::Huge`].
fn float(written: &str) -> Data {
    match written.parse::<f64>() {
        Ok(value) if value.is_infinite() && !written.contains("inf") => Data::Huge,
        Ok(value) => Data::Float(value),
        Err(_) => Data::Huge,
    }
}

/// What is marked of a value over several lines: its first.
fn first_line(span: Range<usize>, text: &str) -> Range<usize> {
    match text.get(span.clone()).and_then(|value| value.find('\n')) {
        Some(length) => span.start..span.start + length,
        None => span,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Table {
        from_table(DeTable::parse(text).expect("the test's text is TOML").get_ref(), 0, text)
    }

    #[test]
    fn keys_keep_their_order_and_place() {
        let table = parse("b = 1\na = nan\n[run]\nseed = 0x1F\n");
        assert_eq!(table.entries.iter().map(|entry| entry.key.as_str()).collect::<Vec<_>>(), ["b", "a", "run"]);
        assert_eq!(table.get("a").map(|entry| entry.key_at.start), Some(6));
        let run = table.get("run").and_then(|entry| entry.value.as_table()).expect("run is a table");
        assert!(run.has_header && matches!(run.get("seed").map(|entry| &entry.value.data), Some(Data::Whole(31))));
    }

    #[test]
    fn numbers_that_do_not_fit_are_huge() {
        let table = parse("a = 1e400\nb = -inf\n");
        assert!(matches!(table.entries[0].value.data, Data::Huge));
        assert!(matches!(table.entries[1].value.data, Data::Float(f) if f == f64::NEG_INFINITY));
    }
}
