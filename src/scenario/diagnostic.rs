//! What is wrong with a scenario, and where: every fault of it, sorted by position.

use std::fmt;

use super::position::{Location, Place, Sources};
use super::render;

/// Whether a scenario with it still runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It does not run.
    Error,
    /// It runs, but may mislead.
    Warning,
}

/// The cause of a diagnostic, with what was found (escaped).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Fault {
    /// There is nothing in it.
    #[error("the scenario is empty")]
    Empty,
    /// It is not text.
    #[error("{0}")]
    NotText(String),
    /// It is text, but not as it should be encoded.
    #[error("{0}")]
    Encoding(String),
    /// It is text of another format.
    #[error("{0}")]
    OtherFormat(String),
    /// It is larger than what this program takes.
    #[error("{0}")]
    Limit(String),
    /// It is not TOML.
    #[error("{0}")]
    Syntax(String),
    /// A key is set twice.
    #[error("`{0}` is set twice")]
    DuplicateKey(String),
    /// A key that nothing knows.
    #[error("unknown key `{0}`")]
    UnknownKey(String),
    /// A key or a name that a later version will take.
    #[error("{0} is not yet supported")]
    NotYet(String),
    /// A value of the wrong type.
    #[error("found {found}, expected {wanted}")]
    WrongType {
        /// What is there.
        found: String,
        /// What should be.
        wanted: &'static str,
    },
    /// A number without its unit.
    #[error("{0} has no unit")]
    NoUnit(String),
    /// A text that does not read as a value with a unit.
    #[error("{found}: {why}")]
    BadUnit {
        /// What is there.
        found: String,
        /// What is wrong with it.
        why: String,
    },
    /// A value that is not in its range.
    #[error("{found} is out of range: {why}")]
    OutOfRange {
        /// What is there.
        found: String,
        /// What is wrong with it.
        why: String,
    },
    /// A name that nothing has.
    #[error("unknown {what} {found}")]
    UnknownName {
        /// What is named.
        what: String,
        /// What is there.
        found: String,
    },
    /// A key that must be there.
    #[error("`{0}` is missing")]
    Missing(String),
    /// Keys of which there must be exactly one.
    #[error("{0}")]
    Exclusive(String),
    /// A key that means nothing here.
    #[error("{0}")]
    NoEffect(String),
    /// Two things of the same name.
    #[error("{0}")]
    TwiceNamed(String),
    /// Values that do not go together.
    #[error("{0}")]
    Inconsistent(String),
    /// A file named in the scenario cannot be used.
    #[error("{0}")]
    File(String),
    /// An override whose path leads nowhere.
    #[error("{0}")]
    Override(String),
    /// It runs, but the result may not say what it seems to.
    #[error("{0}")]
    Misleading(String),
}

impl Fault {
    /// A short name that stays the same over versions, for scripts and the documentation.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotText(_) => "not-text",
            Self::Encoding(_) => "encoding",
            Self::OtherFormat(_) => "other-format",
            Self::Limit(_) => "limit",
            Self::Syntax(_) => "syntax",
            Self::DuplicateKey(_) => "duplicate-key",
            Self::UnknownKey(_) => "unknown-key",
            Self::NotYet(_) => "not-yet-supported",
            Self::WrongType { .. } => "wrong-type",
            Self::NoUnit(_) => "no-unit",
            Self::BadUnit { .. } => "bad-unit",
            Self::OutOfRange { .. } => "out-of-range",
            Self::UnknownName { .. } => "unknown-name",
            Self::Missing(_) => "missing",
            Self::Exclusive(_) => "exclusive",
            Self::NoEffect(_) => "no-effect",
            Self::TwiceNamed(_) => "named-twice",
            Self::Inconsistent(_) => "inconsistent",
            Self::File(_) => "file",
            Self::Override(_) => "override",
            Self::Misleading(_) => "misleading",
        }
    }
}

/// One fault, with all that helps to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether it is an error.
    pub severity: Severity,
    /// The cause, and what was found.
    pub fault: Fault,
    /// The full dotted key with index and name: `backends[3] ("web-3").weight`; empty where no key is meant.
    pub path: String,
    /// Where it is.
    pub location: Location,
    /// What is allowed: type, unit, range or list.
    pub allowed: Option<String>,
    /// What to do: the nearest name, a value or a line to paste.
    pub help: Vec<String>,
    /// Other places that belong to it, each with its role: `first set here`.
    pub related: Vec<(String, Location)>,
}

/// Faults, sorted by position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// All of them, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them forbids to run.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    /// Those of several readings together, in the order given.
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(all: I) -> Self {
        Self(all.into_iter().collect())
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Diagnostics {
    /// As a terminal without colours shows them: the first 20, then how many more.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&render::render(self, &render::Style::plain()))
    }
}

impl std::error::Error for Diagnostics {}

/// A fault while it is still known by its place in a text.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    pub(crate) fault: Fault,
    pub(crate) path: String,
    pub(crate) at: Place,
    pub(crate) allowed: Option<String>,
    pub(crate) help: Vec<String>,
    pub(crate) related: Vec<(String, Place)>,
}

impl Finding {
    pub(crate) fn error(at: Place, fault: Fault) -> Self {
        Self { severity: Severity::Error, fault, path: String::new(), at, allowed: None, help: Vec::new(), related: Vec::new() }
    }

    pub(crate) fn warning(at: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(at, Fault::Misleading(message.into())) }
    }

    pub(crate) fn path(mut self, path: impl fmt::Display) -> Self {
        self.path = path.to_string();
        self
    }

    pub(crate) fn allowed(mut self, allowed: impl fmt::Display) -> Self {
        self.allowed = Some(allowed.to_string());
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    pub(crate) fn related(mut self, role: impl Into<String>, at: Place) -> Self {
        self.related.push((role.into(), at));
        self
    }

    /// Whether it may be nothing but the consequence of a line that could not be read.
    pub(crate) fn may_be_a_consequence(&self) -> bool {
        matches!(self.fault, Fault::Missing(_) | Fault::Exclusive(_) | Fault::Inconsistent(_) | Fault::Override(_) | Fault::TwiceNamed(_))
    }
}

/// Sorts findings and resolves their places.
pub(crate) fn diagnostics(sources: &Sources, mut findings: Vec<Finding>) -> Diagnostics {
    findings.sort_by(|a, b| (a.at, &a.fault, a.severity).cmp(&(b.at, &b.fault, b.severity)));
    let places = findings.iter().flat_map(|finding| std::iter::once(finding.at).chain(finding.related.iter().map(|(_, at)| *at)));
    let located = sources.locate(places.collect());
    let resolve = |finding: Finding| Diagnostic {
        severity: finding.severity,
        location: located.location(finding.at),
        related: finding.related.into_iter().map(|(role, at)| (role, located.location(at))).collect(),
        fault: finding.fault,
        path: finding.path,
        allowed: finding.allowed,
        help: finding.help,
    };
    Diagnostics(findings.into_iter().map(resolve).collect())
}
