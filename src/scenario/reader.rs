//! Reads tables by their declared keys, noting every key that does not belong there.

use super::decoder::Decoder;
use super::diagnostic::{Fault, Finding};
use super::document::{Data, Entry as Pair, Node, Table};
use super::keys;
use super::path::Path;
use super::position::Place;
use super::scalar;
use super::suggest::{key_synonym, nearest};
use crate::catalogue::{Entry, Kind, Parameter, Tagged, Value};
use crate::dist::Dist;
use crate::escape::visible;
use crate::time::Span;

/// Beyond so many findings no suggestions are looked for: nobody reads them, and they take time.
const SUGGESTED: usize = 200;

/// A table that is being read.
pub(crate) struct Fields<'n> {
    table: &'n Table,
    /// The table, as it can be pointed at.
    pub(crate) at: Place,
    pub(crate) path: &'n Path<'n>,
    entry: &'static Entry,
    common: &'static [Parameter],
}

impl<'n> Fields<'n> {
    /// Begins to read a table: notes keys that it does not take.
    pub(crate) fn open(d: &mut Decoder<'_>, node: &'n Node, path: &'n Path<'n>, entry: &'static Entry) -> Option<Self> {
        let fields = Self::peek(d, node, path, entry, &[])?;
        fields.refuse_others(d, None);
        Some(fields)
    }

    /// Begins to read the document itself.
    pub(crate) fn open_root(d: &mut Decoder<'_>, table: &'n Table, entry: &'static Entry) -> Self {
        let fields = Self { table, at: Place::default(), path: &Path::Root, entry, common: &[] };
        fields.refuse_others(d, None);
        fields
    }

    /// Begins to read a table in which a key names the entry.
    pub(crate) fn open_tagged(d: &mut Decoder<'_>, node: &'n Node, path: &'n Path<'n>, tagged: &'static Tagged) -> Option<Self> {
        let Data::Table(table) = &node.data else {
            d.wrong_type(node, path, Kind::Tagged(tagged), "a table");
            return None;
        };
        let Some(tag) = table.get(tagged.tag) else {
            if let Some(pair) = table.entries.iter().find(|pair| nearest(&pair.key, [tagged.tag]).is_some()) {
                let finding = Finding::error(pair.key_at, Fault::UnknownKey(visible(&pair.key, 40)))
                    .path(path.key(&pair.key))
                    .allowed(Kind::Tagged(tagged));
                d.report(finding.help(format!("did you mean `{}`?", tagged.tag)));
                return None;
            }
            let example = tagged.names()[0];
            let finding = Finding::error(node.at, Fault::Missing(tagged.tag.into())).path(path).allowed(Kind::Tagged(tagged));
            d.report(finding.help(format!("add {} = \"{example}\" (or another of the list)", tagged.tag)));
            return None;
        };
        let entry = scalar::entry(d, &tag.value, &path.key(tagged.tag), tagged)?;
        let fields = Self { table, at: node.at, path, entry, common: tagged.common };
        fields.refuse_others(d, Some(tagged));
        Some(fields)
    }

    fn peek(d: &mut Decoder<'_>, node: &'n Node, path: &'n Path<'n>, entry: &'static Entry, common: &'static [Parameter]) -> Option<Self> {
        match &node.data {
            Data::Table(table) => Some(Self { table, at: node.at, path, entry, common }),
            Data::List(members) if members.first().is_some_and(|member| member.as_table().is_some_and(|table| table.has_header)) => {
                let fault = Fault::WrongType { found: "a list of tables".into(), wanted: "one table" };
                d.report(
                    Finding::error(node.at, fault)
                        .path(path)
                        .allowed(Kind::Table(entry))
                        .help(format!("use [{0}] once, not [[{0}]]", entry.name)),
                );
                None
            }
            _ => {
                d.wrong_type(node, path, Kind::Table(entry), "a table");
                None
            }
        }
    }

    /// The name of the entry.
    pub(crate) fn name(&self) -> &'static str {
        self.entry.name
    }

    /// The declared keys, those of every entry first.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = &'static Parameter> + use<> {
        self.common.iter().chain(self.entry.parameters)
    }

    /// Notes every key that is not declared, or declared for later.
    fn refuse_others(&self, d: &mut Decoder<'_>, tagged: Option<&'static Tagged>) {
        for pair in &self.table.entries {
            match self.parameters().find(|parameter| parameter.name == pair.key) {
                None if tagged.is_some_and(|tagged| tagged.tag == pair.key) => {}
                None => self.unknown(d, pair, tagged),
                Some(parameter) if !parameter.is_supported() => {
                    let has_header = |node: &Node| node.as_table().is_some_and(|table| table.has_header);
                    let (found, what) = match &pair.value.data {
                        Data::Table(table) if table.has_header => (pair.value.at, format!("[{}]", pair.key)),
                        Data::List(members) if members.first().is_some_and(has_header) => (pair.value.at, format!("[[{}]]", pair.key)),
                        _ => (pair.key_at, format!("`{}`", pair.key)),
                    };
                    d.not_yet(found, &self.path.key(&pair.key), what, format!("in this version: {}", self.allowed(tagged)));
                }
                Some(_) => {}
            }
        }
    }

    /// The keys that are supported, with commas.
    fn allowed(&self, tagged: Option<&'static Tagged>) -> String {
        let names = self.parameters().filter(|parameter| parameter.is_supported()).map(|parameter| parameter.name);
        tagged.map(|tagged| tagged.tag).into_iter().chain(names).collect::<Vec<_>>().join(", ")
    }

    /// Says what an unknown key may have meant.
    fn unknown(&self, d: &mut Decoder<'_>, pair: &Pair, tagged: Option<&'static Tagged>) {
        let known: Vec<&str> = self
            .parameters()
            .filter(|parameter| parameter.is_supported())
            .map(|parameter| parameter.name)
            .chain(tagged.map(|tagged| tagged.tag))
            .collect();
        let path = self.path.key(&pair.key);
        if d.findings.len() > SUGGESTED {
            d.report(
                Finding::error(pair.key_at, Fault::UnknownKey(visible(&pair.key, 40)))
                    .path(path)
                    .help("see `evenkeel schema` for all keys"),
            );
            return;
        }
        let key = visible(&pair.key, 40);
        let mut finding = Finding::error(pair.key_at, Fault::UnknownKey(key.clone()));
        let users: Vec<&str> = tagged.map(|tagged| users(tagged, &pair.key)).unwrap_or_default();
        if let (Some(tagged), false) = (tagged, users.is_empty()) {
            let message = format!("`{key}` has no effect with {} = \"{}\"; it is used by {}", tagged.tag, self.name(), users.join(", "));
            finding = Finding::error(pair.key_at, Fault::NoEffect(message)).help("remove it");
        } else if let Some(name) = nearest(&pair.key, known.iter().copied()).filter(|name| name.eq_ignore_ascii_case(&pair.key)) {
            d.meant.push(self.path.key(name).to_string());
            finding = finding.help(format!("did you mean `{name}`?"));
        } else if let Some((owner, parameter)) = keys::owner_of(&pair.key, &plain_path(self.path)) {
            d.meant.push(format!("{owner}.{key}"));
            let later = if parameter.is_supported() { "" } else { ", which is not yet supported" };
            finding = finding.help(format!("`{key}` belongs in [{owner}]{later}"));
        } else if let Some(name) = nearest(&pair.key, known.iter().copied()).or_else(|| key_synonym(&pair.key, known.iter().copied())) {
            d.meant.push(self.path.key(name).to_string());
            finding = finding.help(format!("did you mean `{name}`?"));
        } else if let Some(name) = keys::ROOT.parameters.iter().find(|parameter| parameter.name == pair.key) {
            finding = finding.help(format!("`{}` belongs to the top of the file, before the first [table]", name.name));
        } else {
            finding = finding.help("remove it, or see `evenkeel schema` for all keys");
        }
        d.report(finding.path(path).allowed(self.allowed(tagged)));
    }

    /// What the file has for a key.
    pub(crate) fn pair(&self, key: &str) -> Option<&'n Pair> {
        self.table.get(key)
    }

    /// The value that the file has for a key.
    pub(crate) fn node(&self, key: &str) -> Option<&'n Node> {
        self.pair(key).map(|pair| &pair.value)
    }

    /// Whether the file has the key.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.pair(key).is_some()
    }

    /// The declaration of a key.
    pub(crate) fn parameter(&self, key: &str) -> &'static Parameter {
        self.parameters()
            .find(|parameter| parameter.name == key)
            .unwrap_or_else(|| panic!("`{key}` is not declared for `{}`", self.entry.name))
    }

    /// Notes that a key must be there.
    pub(crate) fn missing(&self, d: &mut Decoder<'_>, key: &str, example: &str) {
        let finding = Finding::error(self.at, Fault::Missing(key.into())).path(self.path.key(key)).allowed(self.parameter(key).kind);
        d.report(finding.help(format!("add {example}")));
    }

    /// The value of a key by its declared kind, or its default; `None` where it is absent or was at fault.
    pub(crate) fn value(&self, d: &mut Decoder<'_>, key: &str) -> Option<Value> {
        let parameter = self.parameter(key);
        match self.node(key) {
            Some(node) => scalar::read(d, node, &self.path.key(key), parameter.kind),
            None => parameter.default.map(|text| scalar::default(parameter.kind, text)),
        }
    }

    /// As [`Fields::value`], but noted where it is absent.
    fn needed(&self, d: &mut Decoder<'_>, key: &str) -> Option<Value> {
        if !self.has(key) && self.parameter(key).default.is_none() {
            let example = scalar::example(self.parameter(key).kind);
            self.missing(d, key, &format!("{key} = {example}"));
            return None;
        }
        self.value(d, key)
    }

    pub(crate) fn whole(&self, d: &mut Decoder<'_>, key: &str) -> Option<u64> {
        self.value(d, key).map(|value| match value {
            Value::Whole(value) => value,
            other => panic!("`{key}` is not declared as a whole number: {other:?}"),
        })
    }

    pub(crate) fn needed_whole(&self, d: &mut Decoder<'_>, key: &str) -> Option<u64> {
        self.needed(d, key).map(|value| match value {
            Value::Whole(value) => value,
            other => panic!("`{key}` is not declared as a whole number: {other:?}"),
        })
    }

    pub(crate) fn integer(&self, d: &mut Decoder<'_>, key: &str) -> Option<i64> {
        self.value(d, key).map(|value| match value {
            Value::Integer(value) => value,
            other => panic!("`{key}` is not declared as an integer: {other:?}"),
        })
    }

    pub(crate) fn number(&self, d: &mut Decoder<'_>, key: &str) -> Option<f64> {
        self.value(d, key).map(|value| number(key, &value))
    }

    pub(crate) fn needed_number(&self, d: &mut Decoder<'_>, key: &str) -> Option<f64> {
        self.needed(d, key).map(|value| number(key, &value))
    }

    pub(crate) fn span(&self, d: &mut Decoder<'_>, key: &str) -> Option<Span> {
        self.value(d, key).map(|value| span(key, &value))
    }

    pub(crate) fn needed_span(&self, d: &mut Decoder<'_>, key: &str) -> Option<Span> {
        self.needed(d, key).map(|value| span(key, &value))
    }

    pub(crate) fn bool(&self, d: &mut Decoder<'_>, key: &str) -> Option<bool> {
        self.value(d, key).map(|value| value == Value::Bool(true))
    }

    pub(crate) fn text(&self, d: &mut Decoder<'_>, key: &str) -> Option<String> {
        self.value(d, key).map(|value| text(key, value))
    }

    pub(crate) fn needed_text(&self, d: &mut Decoder<'_>, key: &str) -> Option<String> {
        self.needed(d, key).map(|value| text(key, value))
    }

    pub(crate) fn dist(&self, d: &mut Decoder<'_>, key: &str) -> Option<Dist> {
        self.value(d, key).map(|value| match value {
            Value::Dist(dist) => dist,
            other => panic!("`{key}` is not declared as a distribution: {other:?}"),
        })
    }

    /// A distribution where a table of another sort might stand, too.
    pub(crate) fn dist_or_table(&self, d: &mut Decoder<'_>, key: &str) -> Option<Dist> {
        match scalar::read(d, self.node(key)?, &self.path.key(key), Kind::Dist)? {
            Value::Dist(dist) => Some(dist),
            other => panic!("a distribution read as {other:?}"),
        }
    }

    pub(crate) fn needed_dist(&self, d: &mut Decoder<'_>, key: &str) -> Option<Dist> {
        self.needed(d, key).map(|value| match value {
            Value::Dist(dist) => dist,
            other => panic!("`{key}` is not declared as a distribution: {other:?}"),
        })
    }

    /// Notes keys of which there may be only one; gives whether there is at most one.
    pub(crate) fn at_most_one(&self, d: &mut Decoder<'_>, keys: &[&str]) -> bool {
        let mut present: Vec<&Pair> = keys.iter().filter_map(|key| self.pair(key)).collect();
        present.sort_by_key(|pair| pair.key_at);
        let [first, .., last] = present[..] else { return true };
        let names: Vec<String> = present.iter().map(|pair| format!("`{}`", pair.key)).collect();
        let fault = Fault::Exclusive(format!("{} are both set", names.join(" and ")));
        let finding =
            Finding::error(last.key_at, fault).path(self.path.key(&last.key)).allowed(format!("exactly one of {}", keys.join(", ")));
        d.report(finding.related("already set here", first.key_at).help("remove one of them"));
        false
    }
}

fn number(key: &str, value: &Value) -> f64 {
    match value {
        Value::Number(value) | Value::Rate(value) => *value,
        other => panic!("`{key}` is not declared as a number: {other:?}"),
    }
}

fn span(key: &str, value: &Value) -> Span {
    match value {
        Value::Span(value) => *value,
        other => panic!("`{key}` is not declared as a duration: {other:?}"),
    }
}

fn text(key: &str, value: Value) -> String {
    match value {
        Value::Text(value) => value,
        other => panic!("`{key}` is not declared as a text: {other:?}"),
    }
}

/// The entries that take a key.
fn users(tagged: &'static Tagged, key: &str) -> Vec<&'static str> {
    let takes = |entry: &&Entry| entry.parameters.iter().any(|parameter| parameter.name == key && parameter.is_supported());
    (tagged.entries)().into_iter().filter(takes).map(|entry| entry.name).collect()
}

/// A path without indices: `traffic.arrivals`.
fn plain_path(path: &Path<'_>) -> String {
    match path {
        Path::Root => String::new(),
        Path::Key(Path::Root, key) => (*key).to_owned(),
        Path::Key(parent, key) => format!("{}.{key}", plain_path(parent)),
        Path::Index(parent, ..) => plain_path(parent),
    }
}
