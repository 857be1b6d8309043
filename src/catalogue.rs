//! One declaration of everything a user can name, from which all else follows.
//!
//! A balancer, a distribution, an arrival process or a section of a scenario declares its keys once, beside its code, as an
//! [`Entry`]. Decoding with exact positions, "did you mean", the JSON Schema, `evenkeel balancers NAME` and the guide's
//! tables are made from it.

use crate::dist::Dist;
use crate::time::Span;

/// Something a user can name, and the keys it takes.
#[derive(Debug)]
pub struct Entry {
    /// The name, in kebab-case, as written in a scenario.
    pub name: &'static str,
    /// One line: what it is.
    pub summary: &'static str,
    /// More: the rule in words, ties, cost, where it fails. May be empty.
    pub text: &'static str,
    /// The keys it takes.
    pub parameters: &'static [Parameter],
    /// Where it comes from: a paper, a product with its version. May be empty.
    pub reference: &'static str,
}

/// One key of an [`Entry`].
#[derive(Debug)]
pub struct Parameter {
    /// The key, as written.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// The default as it would be written, where there is one.
    pub default: Option<&'static str>,
    /// One line: what it means, and why the default is what it is.
    pub text: &'static str,
}

impl Parameter {
    /// A key that may be left out and then has no value.
    #[must_use]
    pub const fn optional(name: &'static str, kind: Kind, text: &'static str) -> Self {
        Self { name, kind, default: None, text }
    }

    /// A key with a default, written as in a scenario.
    #[must_use]
    pub const fn with_default(name: &'static str, kind: Kind, default: &'static str, text: &'static str) -> Self {
        Self { name, kind, default: Some(default), text }
    }
}

/// The type of a key's value, with its bounds.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number, bounds included.
    Whole(u64, u64),
    /// A finite number, bounds included.
    Number(f64, f64),
    /// A share of the whole: 0 to 1, or a text with a percent sign.
    Share,
    /// A duration with its unit.
    Span,
    /// A duration or a distribution of durations.
    Dist,
    /// Free text.
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// A decoded value of a [`Parameter`].
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Of [`Kind::Bool`].
    Bool(bool),
    /// Of [`Kind::Whole`].
    Whole(u64),
    /// Of [`Kind::Number`] and [`Kind::Share`].
    Number(f64),
    /// Of [`Kind::Span`].
    Span(Span),
    /// Of [`Kind::Dist`].
    Dist(Dist),
    /// Of [`Kind::Text`] and [`Kind::Choice`].
    Text(String),
}

/// The decoded parameters of one entry: every parameter with a default has a value here.
///
/// The getters panic where the asked parameter was not declared with that type: that is a mistake of the program, found
/// by the first test that builds the entry, never one of the user's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values(Vec<(&'static str, Value)>);

impl Values {
    /// Sets a value, replacing the one it had.
    pub fn set(&mut self, name: &'static str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, slot)) => *slot = value,
            None => self.0.push((name, value)),
        }
    }

    /// The value of a key, if it has one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// All values, in the order of declaration.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    /// A whole number.
    #[must_use]
    pub fn whole(&self, name: &str) -> u64 {
        match self.get(name) {
            Some(Value::Whole(value)) => *value,
            other => panic!("parameter `{name}` is not declared as a whole number with a default: {other:?}"),
        }
    }

    /// A number or a share.
    #[must_use]
    pub fn number(&self, name: &str) -> f64 {
        match self.get(name) {
            Some(Value::Number(value)) => *value,
            other => panic!("parameter `{name}` is not declared as a number with a default: {other:?}"),
        }
    }

    /// A flag.
    #[must_use]
    pub fn bool(&self, name: &str) -> bool {
        match self.get(name) {
            Some(Value::Bool(value)) => *value,
            other => panic!("parameter `{name}` is not declared as a flag with a default: {other:?}"),
        }
    }

    /// A text or a choice.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        match self.get(name) {
            Some(Value::Text(value)) => value,
            other => panic!("parameter `{name}` is not declared as a text with a default: {other:?}"),
        }
    }
}
