//! Keys changed from outside: `--set KEY=VALUE`, other options that stand for a key, and `set` of a variant.
//!
//! A change is made in the document before it is decoded, so that the rules for its value are those of the file, and a
//! fault points at the option or at the variant's line.

use std::ops::Range;

use toml::de::DeValue;

use super::diagnostic::{Fault, Finding};
use super::document::{self, Data, Entry, Node, Table};
use super::position::{Place, Sources};
use super::suggest::nearest;
use crate::escape::{shown, visible};

/// Keys of one table that exclude each other: setting one removes the others.
const EXCLUSIVE: [(&str, &[&str]); 20] = [
    ("requests", &["duration"]),
    ("duration", &["requests"]),
    ("rate", &["load"]),
    ("load", &["rate"]),
    ("steps", &["ramp", "wave", "spike"]),
    ("ramp", &["steps", "wave", "spike"]),
    ("wave", &["steps", "ramp", "spike"]),
    ("spike", &["steps", "ramp", "wave"]),
    ("quantiles", &["file", "unit"]),
    ("file", &["quantiles"]),
    ("mean", &["median", "p99", "parts"]),
    ("cv", &["median", "p99", "parts"]),
    ("median", &["mean", "cv"]),
    ("p99", &["mean", "cv"]),
    ("parts", &["mean", "cv"]),
    ("every", &["mtbf", "mttr"]),
    ("for", &["mtbf", "mttr"]),
    ("mtbf", &["every", "for"]),
    ("mttr", &["every", "for"]),
    ("tokens", &["share", "at_least", "min_per_second", "window"]),
];

/// A key set from the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The option, such as `--set` or `--seed`.
    flag: String,
    /// What is shown: the option with its argument.
    shown: String,
    /// The dotted path, and where it begins in `shown`; `None` where the option names the key.
    key: String,
    key_start: Option<usize>,
    /// The value as written; `None` where there is no `=`.
    value: Option<String>,
    /// Whether the value is a rule that comes after those of the scenario.
    is_rule: bool,
}

impl Override {
    /// `--set KEY=VALUE`.
    #[must_use]
    pub fn set(text: &str) -> Self {
        let flag = "--set".to_owned();
        let (key, value) = text.split_once('=').map_or((text, None), |(key, value)| (key, Some(value.to_owned())));
        Self { shown: format!("{flag} {text}"), key_start: Some(flag.len() + 1), key: key.to_owned(), value, flag, is_rule: false }
    }

    /// One of the values of `--vary KEY=VALUES`.
    #[must_use]
    pub fn vary(key: &str, value: &str) -> Self {
        Self::one_of("--vary", key, value)
    }

    /// One of the values that an option such as `--find KEY=VALUES` goes through.
    #[must_use]
    pub fn one_of(flag: &str, key: &str, value: &str) -> Self {
        let shown = format!("{flag} {key}={value}");
        let (key_start, flag) = (Some(flag.len() + 1), flag.to_owned());
        Self { shown, key_start, key: key.to_owned(), value: Some(value.to_owned()), flag, is_rule: false }
    }

    /// A rule in an option, as if it were the last `[[expect]]` of the scenario: `--until 'latency.p99 < 250ms'`.
    #[must_use]
    pub fn rule(flag: &str, rule: &str) -> Self {
        Self { is_rule: true, ..Self::option(flag, "expect", rule) }
    }

    /// An option that stands for a key: `--seed 7` for `run.seed`.
    #[must_use]
    pub fn option(flag: &str, key: &str, value: &str) -> Self {
        Self {
            shown: format!("{flag} {value}"),
            flag: flag.to_owned(),
            key: key.to_owned(),
            key_start: None,
            value: Some(value.to_owned()),
            is_rule: false,
        }
    }

    /// Makes the change in the document.
    pub(crate) fn apply(&self, root: &mut Table, sources: &mut Sources) -> Result<(), Box<Finding>> {
        let source = sources.add(&self.flag, self.shown.clone(), true);
        let all = Place::new(source, 0..self.shown.len());
        let Some(value) = &self.value else {
            let fault = Fault::Override(format!("{} has no value", shown(&self.key)));
            return Err(Box::new(
                Finding::error(all, fault)
                    .path(visible(&self.key, 80))
                    .allowed("KEY=VALUE")
                    .help("write, for example, --set run.requests=1000000"),
            ));
        };
        let start = self.shown.len() - value.len();
        if self.is_rule {
            add_rule(root, value, Place::new(source, start..self.shown.len()));
            return Ok(());
        }
        let value = read_value(value, source, start);
        let place = |range: Range<usize>| self.key_start.map_or(all, |start| Place::new(source, start + range.start..start + range.end));
        let steps = steps(&self.key, place).ok_or_else(|| Box::new(path_fault(&self.key, all)))?;
        put_in(root, &steps, value)
    }
}

/// Adds to `[[expect]]`; where that is no list, its own fault says so.
fn add_rule(root: &mut Table, rule: &str, at: Place) {
    let text = Node { data: Data::Text(rule.to_owned()), at };
    let entries = vec![Entry { key: "rule".into(), key_at: at, value: text }];
    let table = Node { data: Data::Table(Table { entries, has_header: false }), at };
    match root.get_mut("expect").map(|entry| &mut entry.value.data) {
        Some(Data::List(members)) => members.push(table),
        Some(_) => {}
        None => root.entries.push(Entry { key: "expect".into(), key_at: at, value: Node { data: Data::List(vec![table]), at } }),
    }
}

fn path_fault(key: &str, at: Place) -> Finding {
    let fault = Fault::Override(format!("{} is not a dotted key", shown(key)));
    Finding::error(at, fault)
        .path(visible(key, 80))
        .allowed("names with dots between, such as traffic.arrivals.load")
        .help("write, for example, run.requests")
}

/// A value of the command line: TOML, else text.
fn read_value(text: &str, source: usize, start: usize) -> Node {
    let at = Place::new(source, start..start + text.len());
    let plain = || Node { data: Data::Text(text.to_owned()), at };
    match DeValue::parse(text) {
        Ok(value) => {
            let mut node = document::from_value(&value, source, text);
            shift(&mut node, start);
            if matches!(node.data, Data::Date) { plain() } else { node }
        }
        Err(_) => plain(),
    }
}

/// Moves the places of a value that stands further right.
fn shift(node: &mut Node, by: usize) {
    let moved = |at: &mut Place| {
        at.start += by;
        at.end += by;
    };
    moved(&mut node.at);
    match &mut node.data {
        Data::List(members) => members.iter_mut().for_each(|member| shift(member, by)),
        Data::Table(table) => {
            for entry in &mut table.entries {
                moved(&mut entry.key_at);
                shift(&mut entry.value, by);
            }
        }
        _ => {}
    }
}

/// One step of a path, and where it was written.
type Step = (String, Place);

/// Splits a dotted path; parts with dots stand in quotes.
fn steps(path: &str, place: impl Fn(Range<usize>) -> Place) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut start = 0;
    let mut quote = None;
    for (index, c) in path.char_indices().chain([(path.len(), '.')]) {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if c == '.' => {
                let name = path[start..index].trim().trim_matches(['"', '\'']);
                steps.push((!name.is_empty()).then(|| (name.to_owned(), place(start..index)))?);
                start = index + 1;
            }
            None => {}
        }
    }
    (quote.is_none() && steps.len() <= 80).then_some(steps)
}

/// Changes of a variant: `set = { "run.seed" = 7 }`, or with dotted keys without quotes.
pub(crate) fn apply_all(root: &mut Table, changes: &Table, sources: &Sources) -> Vec<Finding> {
    let mut findings = Vec::new();
    for change in &changes.entries {
        let Some(first) = steps(&change.key, |_| change.key_at) else {
            findings.push(path_fault(&change.key, change.key_at));
            continue;
        };
        for (more, value) in flat(&change.value, sources) {
            let path: Vec<Step> = first.iter().cloned().chain(more).collect();
            findings.extend(put_in(root, &path, value.clone()).err().map(|finding| *finding));
        }
    }
    findings
}

/// The values under a dotted key without quotes, which the parser has made into tables.
fn flat<'n>(node: &'n Node, sources: &Sources) -> Vec<(Vec<Step>, &'n Node)> {
    match &node.data {
        Data::Table(table) if !table.has_header && !sources.slice(node.at).starts_with('{') && !sources.is_flag(node.at) => {
            let below = |entry: &'n Entry| {
                flat(&entry.value, sources)
                    .into_iter()
                    .map(move |(steps, node)| ([(entry.key.clone(), entry.key_at)].into_iter().chain(steps).collect(), node))
            };
            table.entries.iter().flat_map(below).collect()
        }
        _ => vec![(Vec::new(), node)],
    }
}

/// Sets a value by its path from the top.
fn put_in(root: &mut Table, steps: &[Step], value: Node) -> Result<(), Box<Finding>> {
    let is_short_form = |root: &Table, name: &str| {
        let has = |key: &str| root.get(key).is_some_and(|pair| pair.value.members().iter().any(|member| names(member).contains(&name)));
        !has("balancer") && has("balancers")
    };
    if let [(first, at), rest @ ..] = steps
        && first == "balancer"
        && rest.first().is_some_and(|(name, _)| is_short_form(root, name))
    {
        let path: Vec<Step> = [("balancers".to_owned(), *at)].into_iter().chain(rest.iter().cloned()).collect();
        return put(root, &path, value, String::new());
    }
    put(root, steps, value, String::new())
}

fn put(table: &mut Table, steps: &[Step], value: Node, above: String) -> Result<(), Box<Finding>> {
    let [(key, at), rest @ ..] = steps else { return Ok(()) };
    let path = if above.is_empty() { visible(key, 40) } else { format!("{above}.{}", visible(key, 40)) };
    if rest.is_empty() || table.get(key).is_none() {
        let others = EXCLUSIVE.iter().filter(|(name, _)| name == key).flat_map(|(_, others)| others.iter());
        others.for_each(|other| drop(table.remove(other)));
    }
    if rest.is_empty() {
        table.remove(key);
        table.entries.push(Entry { key: key.clone(), key_at: *at, value });
        return Ok(());
    }
    if table.get(key).is_none() {
        table.entries.push(Entry { key: key.clone(), key_at: *at, value: Node::table(*at) });
    }
    let entry = table.get_mut(key).expect("it was there, or was just put there");
    descend(&mut entry.value, rest, value, path)
}

/// The names that a list member goes by.
fn names(member: &Node) -> Vec<&str> {
    member.as_text().into_iter().chain(member.text_of("name").or_else(|| member.text_of("kind"))).collect()
}

fn descend(node: &mut Node, steps: &[Step], value: Node, path: String) -> Result<(), Box<Finding>> {
    let (name, at) = &steps[0];
    match &mut node.data {
        Data::Table(table) => {
            let is_itself = table.get(name).is_none()
                && steps.len() > 1
                && path == "traffic"
                && (name == "0" || table.get("name").and_then(|pair| pair.value.as_text()) == Some(name));
            put(table, if is_itself { &steps[1..] } else { steps }, value, path)
        }
        Data::List(members) => {
            let by_name = members.iter().position(|member| names(member).contains(&name.as_str()));
            let found = by_name.or_else(|| name.parse().ok().filter(|index| *index < members.len()));
            match found {
                Some(index) => member(&mut members[index], &steps[1..], value, format!("{path}[{index}]")),
                None if members.len() == 1 && path == "traffic" => descend(&mut members[0], steps, value, path),
                None => Err(Box::new(no_member(members, name, *at, &path))),
            }
        }
        _ => {
            let fault = Fault::Override(format!("`{path}` is a single value: it has no key `{}`", visible(name, 40)));
            let finding = Finding::error(*at, fault).path(format!("{path}.{}", visible(name, 40)));
            Err(Box::new(finding.allowed("a key that the scenario has").help(format!("set {path} itself"))))
        }
    }
}

/// Sets a member of a list, or a key of it; a name of a balancer becomes a table first.
fn member(node: &mut Node, steps: &[Step], value: Node, path: String) -> Result<(), Box<Finding>> {
    if steps.is_empty() {
        *node = value;
        return Ok(());
    }
    if let (Some(kind), true) = (node.as_text(), path.starts_with("balancers[")) {
        let kind = Node { data: Data::Text(kind.to_owned()), at: node.at };
        let entries = vec![Entry { key: "kind".into(), key_at: node.at, value: kind }];
        *node = Node { data: Data::Table(Table { entries, has_header: false }), at: node.at };
    }
    descend(node, steps, value, path)
}

fn no_member(members: &[Node], name: &str, at: Place, path: &str) -> Finding {
    let known: Vec<&str> = members.iter().flat_map(names).collect();
    let fault = Fault::UnknownName { what: format!("member of `{path}`:"), found: shown(name) };
    let listed = known.iter().take(10).map(|name| shown(name)).collect::<Vec<_>>().join(", ");
    let group = name.rsplit_once('-').map(|(stem, _)| stem).filter(|stem| known.contains(stem));
    let finding = Finding::error(at, fault)
        .path(format!("{path}.{}", visible(name, 40)))
        .allowed(format!("an index from 0 to {}, or one of {listed}", members.len().saturating_sub(1)));
    match (nearest(name, known.iter().copied()), group) {
        (_, Some(group)) => finding.help(format!("{} are members of the group {}: set the group", visible(name, 40), shown(group))),
        (Some(name), None) => finding.help(format!("did you mean \"{}\"?", visible(name, 40))),
        (None, None) => finding.help(format!("write, for example, {path}.0")),
    }
}
