//! What decoding carries along: the texts, the files, and every fault so far.
//!
//! A decoder never stops at a fault: it notes it, what reads gives `None`, and the rest is read too. A `None` is never
//! reported again.

use super::diagnostic::{Fault, Finding};
use super::document::{Data, Node};
use super::path::Path;
use super::position::{Place, Sources};
use super::suggest::{nearest, word_synonym};
use super::{Files, scalar};
use crate::catalogue::Kind;
use crate::escape::shown;

/// What decoding needs, and what it finds.
pub(crate) struct Decoder<'a> {
    pub(crate) sources: &'a Sources,
    pub(crate) files: &'a dyn Files,
    pub(crate) findings: Vec<Finding>,
    /// Paths of keys that were misspelt or misplaced, so that they are not called missing too.
    pub(crate) meant: Vec<String>,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(sources: &'a Sources, files: &'a dyn Files) -> Self {
        Self { sources, files, findings: Vec::new(), meant: Vec::new() }
    }

    /// All findings, without what is missing only because it was misspelt.
    pub(crate) fn finish(self) -> Vec<Finding> {
        let Self { mut findings, meant, .. } = self;
        findings.retain(|finding| !is_meant(finding, &meant));
        findings
    }
}

/// Whether something missing is there under a wrong name or in a wrong table.
fn is_meant(finding: &Finding, meant: &[String]) -> bool {
    let Fault::Missing(names) = &finding.fault else { return false };
    let table = finding.path.rsplit_once('.').map_or(String::new(), |(table, _)| format!("{table}."));
    meant.iter().any(|meant| *meant == finding.path || names.split("`").any(|name| *meant == format!("{table}{name}")))
}

impl Decoder<'_> {
    pub(crate) fn report(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// What was found, as it was written.
    pub(crate) fn found(&self, node: &Node) -> String {
        node.found(self.sources.slice(node.at))
    }

    /// A value of the wrong type.
    pub(crate) fn wrong_type(&mut self, node: &Node, path: &Path<'_>, kind: Kind, wanted: &'static str) {
        let fault = Fault::WrongType { found: self.found(node), wanted };
        let help = format!("write, for example, {} = {}", path.last_key(), scalar::example(kind));
        self.report(Finding::error(node.at, fault).path(path).allowed(kind).help(help));
    }

    /// A value out of its range.
    pub(crate) fn out_of_range(&mut self, node: &Node, path: &Path<'_>, allowed: &str, why: &str, instead: &str) {
        let fault = Fault::OutOfRange { found: self.found(node), why: why.to_owned() };
        self.report(Finding::error(node.at, fault).path(path).allowed(allowed).help(format!("write {} = {instead}", path.last_key())));
    }

    /// A name that this version does not support, or that nothing has.
    pub(crate) fn not_yet(&mut self, at: Place, path: &Path<'_>, what: String, allowed: impl std::fmt::Display) {
        self.report(
            Finding::error(at, Fault::NotYet(what)).path(path).allowed(allowed).help("remove it, or wait for a version that has it"),
        );
    }

    /// The list at a node, or a fault.
    pub(crate) fn list<'n>(&mut self, node: &'n Node, path: &Path<'_>, kind: Kind) -> &'n [Node] {
        match &node.data {
            Data::List(members) => members,
            _ => {
                self.wrong_type(node, path, kind, "a list");
                &[]
            }
        }
    }
}

/// A word that is none of those allowed, with the nearest that is.
pub(crate) fn unknown_word(node: &Node, path: &Path<'_>, what: &str, known: &[&str]) -> Finding {
    let text = node.as_text().unwrap_or("");
    let fault = Fault::UnknownName { what: what.to_owned(), found: shown(text) };
    let finding = Finding::error(node.at, fault)
        .path(path)
        .allowed(format!("one of {}", known.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")));
    if known.contains(&text.trim()) {
        return finding.help(format!("remove the blanks: \"{}\"", text.trim()));
    }
    match nearest(text, known.iter().copied()).or_else(|| word_synonym(text, known.iter().copied())) {
        Some(name) => finding.help(format!("did you mean \"{name}\"?")),
        None => finding.help(format!("write one of them, for example \"{}\"", known.first().unwrap_or(&""))),
    }
}
