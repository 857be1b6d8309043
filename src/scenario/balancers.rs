//! `balancers` and `[[balancer]]`: what is compared.

use std::collections::BTreeMap;

use super::decoder::{Decoder, unknown_word};
use super::diagnostic::{Fault, Finding};
use super::document::{Data, Node, Table};
use super::keys::{BALANCERS, INNER};
use super::model::Balancer;
use super::path::Path;
use super::position::Place;
use super::reader::Fields;
use super::scalar;
use super::suggest::kind_synonym;
use crate::balance;
use crate::catalogue::{Entry, Kind, Parameter, Value, Values};
use crate::escape::shown;

/// A balancer, and where it was written.
pub(crate) struct Written {
    pub(crate) balancer: Balancer,
    pub(crate) at: Place,
    pub(crate) path: String,
    /// Where its parameters are.
    pub(crate) node: Node,
}

impl Written {
    /// Where a parameter is set, or the balancer is.
    pub(crate) fn place(&self, key: &str) -> Place {
        self.node.as_table().and_then(|table| table.get(key)).map_or(self.at, |pair| pair.value.at)
    }
}

/// Reads both lists; `None` where one of them was at fault.
pub(crate) fn read(d: &mut Decoder<'_>, root: &Table) -> Option<Vec<Written>> {
    let mut all = Vec::new();
    let mut is_whole = true;
    for (key, kind) in [("balancers", Kind::TaggedNames(&BALANCERS)), ("balancer", Kind::TaggedTables(&BALANCERS))] {
        let Some(pair) = root.get(key) else { continue };
        let path = Path::Key(&Path::Root, key);
        let members = match &pair.value.data {
            Data::List(members) => members,
            _ => {
                let fault = Fault::WrongType { found: d.found(&pair.value), wanted: "a list" };
                let help = if key == "balancer" {
                    "balancer is a list; use [[balancer]]"
                } else {
                    "write balancers = [\"round-robin\", \"random\"]"
                };
                d.report(Finding::error(pair.value.at, fault).path(path).allowed(kind).help(help));
                is_whole = false;
                continue;
            }
        };
        for (index, member) in members.iter().enumerate() {
            let name = member.text_of("name").or_else(|| member.text_of("kind"));
            let written = one(d, member, &path.index(index, name));
            is_whole &= written.is_some();
            all.extend(written);
        }
    }
    labels_differ(d, &all);
    if all.is_empty() && is_whole {
        let at = root.get("balancers").map_or(Place::default(), |pair| pair.value.at);
        let finding = Finding::error(at, Fault::Missing("balancers".into())).path("balancers").allowed(Kind::TaggedNames(&BALANCERS));
        d.report(finding.help("add balancers = [\"round-robin\", \"random\", \"least-connections\"] at the top of the file"));
        return None;
    }
    is_whole.then_some(all)
}

/// A name, or a table with parameters.
fn one(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<Written> {
    let (entry, values, label) = if node.as_table().is_some() {
        let f = Fields::open_tagged(d, node, path, &BALANCERS)?;
        let label = if f.has("name") { f.text(d, "name")? } else { f.name().to_owned() };
        (BALANCERS.find(f.name())?, parameters(d, &f)?, label)
    } else {
        let entry = scalar::entry(d, node, path, &BALANCERS)?;
        (entry, by_name(d, node, path, entry)?, entry.name.to_owned())
    };
    Some(Written { balancer: Balancer { label, kind: entry.name, values }, at: node.at, path: path.to_string(), node: node.clone() })
}

/// A balancer inside another: a name, or a table with parameters.
pub(crate) fn inner(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<Value> {
    if node.as_table().is_none() {
        let entry = scalar::entry(d, node, path, &INNER)?;
        return Some(Value::Balancer(entry.name, by_name(d, node, path, entry)?));
    }
    let f = Fields::open_tagged(d, node, path, &INNER)?;
    Some(Value::Balancer(f.name(), parameters(d, &f)?))
}

/// The balancer of that name with its defaults.
pub(crate) fn by_default(name: &str) -> Option<Value> {
    let entry = BALANCERS.find(name)?;
    Some(Value::Balancer(entry.name, defaults(entry)))
}

/// The parameters of a balancer that is named alone.
fn by_name(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>, entry: &'static Entry) -> Option<Values> {
    if let Some(needed) = needed(entry) {
        let finding = Finding::error(node.at, Fault::Missing(needed.name.into())).path(path.key(needed.name)).allowed(needed.kind);
        let example = scalar::example(needed.kind);
        d.report(finding.help(format!("write it as a table:\n[[balancer]]\nkind = \"{}\"\n{} = {example}", entry.name, needed.name)));
        return None;
    }
    Some(defaults(entry))
}

/// Whether there is no doing without it: a file.
fn is_needed(parameter: &Parameter) -> bool {
    matches!(parameter.kind, Kind::File) && parameter.default.is_none()
}

/// The parameters as written, the others by default.
fn parameters(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Values> {
    let mut values = Values::default();
    let mut is_whole = true;
    for parameter in f.parameters().filter(|parameter| parameter.name != "name") {
        if is_needed(parameter) && !f.has(parameter.name) {
            f.missing(d, parameter.name, &format!("{} = {}", parameter.name, scalar::example(parameter.kind)));
            is_whole = false;
        }
        let value = f.value(d, parameter.name);
        is_whole &= value.is_some() || !f.has(parameter.name);
        if let Some(value) = value {
            values.set(parameter.name, value);
        }
    }
    if let (true, Some(Err(why))) = (is_whole, balance::find(f.name()).map(|listed| (listed.check)(&values))) {
        // What is wrong; what would be right.
        let (what, help) = why.split_once("; ").unwrap_or((&why, "its parameters are explained by `evenkeel balancers`"));
        let finding = Finding::error(f.at, Fault::Inconsistent(crate::escape::visible(what, 400))).path(f.path);
        let allowed = format!("parameters as `evenkeel balancers {}` says", f.name());
        d.report(finding.allowed(allowed).help(crate::escape::visible(help, 400)));
        return None;
    }
    is_whole.then_some(values)
}

/// The parameter without which a balancer cannot be: a file.
#[must_use]
pub fn needed(entry: &'static Entry) -> Option<&'static Parameter> {
    entry.parameters.iter().find(|parameter| is_needed(parameter))
}

/// The parameters of a balancer of which only the kind is written, and which needs no more.
#[must_use]
pub fn defaults(entry: &'static Entry) -> Values {
    let mut values = Values::default();
    for parameter in entry.parameters {
        if let Some(text) = parameter.default {
            values.set(parameter.name, scalar::default(parameter.kind, text));
        }
    }
    values
}

/// Notes labels that stand twice.
fn labels_differ(d: &mut Decoder<'_>, all: &[Written]) {
    let mut seen: BTreeMap<&str, &Written> = BTreeMap::new();
    for written in all {
        let label = written.balancer.label.as_str();
        let Some(first) = seen.get(label) else {
            seen.insert(label, written);
            continue;
        };
        let fault = Fault::TwiceNamed(format!("two balancers are called {}", shown(label)));
        let finding = Finding::error(written.at, fault)
            .path(&written.path)
            .allowed("a label of its own for each balancer")
            .related("the first is here", first.at);
        d.report(finding.help(format!(
            "give it a name in a [[balancer]] table: kind = \"{}\", name = \"{}-2\"",
            written.balancer.kind,
            crate::escape::visible(label, 40)
        )));
    }
}

/// A kind that there is not, with the one that was meant.
pub(crate) fn unknown_kind(node: &Node, path: &Path<'_>) -> Finding {
    let text = node.as_text().unwrap_or("");
    let known: Vec<&str> = balance::entries().map(|entry| entry.name).collect();
    let mut finding = unknown_word(node, path, "balancer", &known);
    let product = text.split_once('/').map(|(product, _)| product);
    let of_product = known.iter().copied().filter(|name| product.is_some() && name.split_once('/').map(|(of, _)| of) == product);
    let of_product: Vec<&str> = of_product.collect();
    // All of them would be a page: those of the product, or the general ones.
    let listed = if of_product.is_empty() { known.iter().copied().filter(|name| !name.contains('/')).collect() } else { of_product };
    finding = finding.allowed(format!("one of {}; `evenkeel balancers` lists all {}", listed.join(", "), known.len()));
    if let Some((kind, with)) = kind_synonym(text).filter(|(kind, _)| known.contains(kind)) {
        finding.help.clear();
        finding.help.push(if with.is_empty() {
            format!("did you mean \"{kind}\"?")
        } else {
            format!("did you mean `{kind}` with `{with}`? write\n[[balancer]]\nkind = \"{kind}\"\n{with}")
        });
    }
    finding
}
