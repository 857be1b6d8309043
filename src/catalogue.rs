//! One declaration of everything a user can name, from which all else follows.
//!
//! A balancer, a distribution, an arrival process or a section of a scenario declares its keys once, beside its code, as an
//! [`Entry`]. Decoding with exact positions, "did you mean", the JSON Schema, `evenkeel balancers NAME` and the guide's
//! tables are made from it.

use std::fmt;

use crate::dist::Dist;
#[cfg(doc)]
use crate::time::Rate;
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

impl Entry {
    /// An entry with all that is said of it.
    #[must_use]
    pub const fn new(
        name: &'static str,
        summary: &'static str,
        text: &'static str,
        parameters: &'static [Parameter],
        reference: &'static str,
    ) -> Self {
        Self { name, summary, text, parameters, reference }
    }
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

    /// Whether this version takes it.
    #[must_use]
    pub const fn is_supported(&self) -> bool {
        !matches!(self.kind, Kind::Later(_))
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
    /// A whole number, bounds included, or this word.
    WholeOr(u64, u64, &'static str),
    /// A whole number that may be negative, bounds included.
    Integer(i64, i64),
    /// A finite number, bounds included.
    Number(f64, f64),
    /// A finite number above the first, up to and including the second.
    Above(f64, f64),
    /// A share of the whole: 0 to 1, or a text with a percent sign.
    Share,
    /// A rate with its unit: at least zero, at most [`Rate::MAX`].
    Rate,
    /// A duration with its unit.
    Span,
    /// A duration with its unit, above zero.
    Period,
    /// A share below 1, or a duration.
    ShareOrSpan,
    /// A duration or a distribution of durations.
    Dist,
    /// A duration or a distribution of durations; the plain duration is the mean of an exponential.
    ExponentialDist,
    /// Free text.
    Text,
    /// A name: not blank, at most 256 characters.
    Name,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of these words, each at most once.
    Choices(&'static [&'static str]),
    /// A list of names, or one alone.
    Names,
    /// A duration or a distribution of durations, or a percentile: `"p95"`.
    DistOrPercentile,
    /// A value of the first kind, or a table with these keys.
    OrTable(&'static Kind, &'static Entry),
    /// A table with the keys of one of these, told apart by them.
    OneOfTables(&'static [&'static Entry]),
    /// A list of pairs.
    Pairs(&'static Kind, &'static Kind),
    /// A table with these keys.
    Table(&'static Entry),
    /// A list of tables with these keys.
    Tables(&'static Entry),
    /// A table or a list of tables with these keys.
    OneOrMore(&'static Entry),
    /// A table that names its entry.
    Tagged(&'static Tagged),
    /// A list of tables that name their entry each.
    TaggedTables(&'static Tagged),
    /// A list of names of entries, or of tables as in the other.
    TaggedNames(&'static Tagged),
    /// A whole number, bounds included, or a table that names its entry.
    WholeOrTagged(u64, u64, &'static Tagged),
    /// The name of a balancer, or a table with its `kind` and its parameters: a balancer inside another.
    Balancer,
    /// The name of a file, whose text is read. Needed, as it has no default.
    File,
    /// A table with any keys, and texts.
    Labels,
    /// A table with any key of the scenario, dotted and in quotes, and the value it is set to.
    Changes,
    /// Known, but not supported by this version; with the keys it will have, where it is a table.
    Later(&'static [&'static str]),
}

/// Tables in which one key names the [`Entry`] that says which others there are.
#[derive(Debug)]
pub struct Tagged {
    /// The key that names the entry.
    pub tag: &'static str,
    /// What is named, for messages: `a balancer`.
    pub what: &'static str,
    /// The entries.
    pub entries: fn() -> Vec<&'static Entry>,
    /// Keys that every entry takes.
    pub common: &'static [Parameter],
}

impl Tagged {
    /// The entry of that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&'static Entry> {
        (self.entries)().into_iter().find(|entry| entry.name == name)
    }

    /// All names, in the order of declaration.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        (self.entries)().into_iter().map(|entry| entry.name).collect()
    }
}

impl fmt::Display for Kind {
    /// What is allowed, in words: `a whole number from 1 to 10`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Bool => f.write_str("true or false"),
            Self::Whole(min, u64::MAX) => write!(f, "a whole number of at least {min}, at most 2^64 - 1"),
            Self::Whole(min, max) => write!(f, "a whole number from {min} to {max}"),
            Self::WholeOr(min, max, word) => write!(f, "a whole number from {min} to {max}, or \"{word}\""),
            Self::Integer(min, max) => write!(f, "a whole number from {min} to {max}"),
            Self::Number(min, max) if max >= 1e100 => write!(f, "a finite number of at least {min}"),
            Self::Number(min, max) => write!(f, "a number from {min} to {max}"),
            Self::Above(min, max) => write!(f, "a finite number above {min}, at most {max}"),
            Self::Share => f.write_str("a share from 0 to 1, such as 0.2 or \"20%\""),
            Self::Rate => f.write_str("a rate with its unit, such as \"800/s\", \"50/min\" or \"3/h\"; at most 1e9/s"),
            Self::Span => {
                f.write_str("a duration with its unit (ns, us, ms, s, m, h, d), such as \"250us\", \"10ms\" or \"1.5s\"; at most 584 years")
            }
            Self::Period => f.write_str(
                "a duration above zero with its unit (ns, us, ms, s, m, h, d), such as \"10ms\", \"1.5s\" or \"2m\"; at most 584 years",
            ),
            Self::ShareOrSpan => f.write_str("a share of at least 0 and below 1, such as 0.1 or \"10%\", or a duration such as \"5s\""),
            Self::Dist | Self::ExponentialDist => f.write_str(
                "a duration with its unit, such as \"10ms\", or a distribution such as { dist = \"exponential\", mean = \"10ms\" }",
            ),
            Self::Text => f.write_str("a text in quotes"),
            Self::Name => f.write_str("a name in quotes: not blank, at most 256 characters"),
            Self::Choice(words) => write!(f, "one of {}", quoted(words)),
            Self::Choices(words) => write!(f, "a list of some of {}", quoted(words)),
            Self::Names => f.write_str("a list of names in quotes, or one of them"),
            Self::DistOrPercentile => {
                f.write_str("a duration with its unit, such as \"50ms\", a distribution, or a percentile such as \"p95\"")
            }
            Self::OrTable(kind, entry) => write!(f, "{kind}; or a table with the keys {}", keys(entry.parameters)),
            Self::OneOfTables(entries) => {
                let each: Vec<String> = entries.iter().map(|entry| keys(entry.parameters)).collect();
                write!(f, "a table with the keys {}", each.join("; or "))
            }
            Self::Pairs(first, second) => write!(f, "a list of pairs [[…, …], …] of {first} and {second}"),
            Self::Table(entry) => write!(f, "a table with the keys {}", keys(entry.parameters)),
            Self::Tables(entry) => write!(f, "a list of tables with the keys {}", keys(entry.parameters)),
            Self::OneOrMore(entry) => write!(f, "a table, or a list of tables, with the keys {}", keys(entry.parameters)),
            Self::Tagged(tagged) => write!(f, "a table with the key `{}`: one of {}", tagged.tag, named(tagged)),
            Self::TaggedTables(tagged) => write!(f, "a list of tables with the key `{}`: one of {}", tagged.tag, named(tagged)),
            Self::TaggedNames(tagged) => write!(f, "a list of names in quotes, each one of {}", named(tagged)),
            Self::WholeOrTagged(min, max, tagged) => {
                write!(f, "a whole number from {min} to {max}, or a table with the key `{}`: one of {}", tagged.tag, named(tagged))
            }
            Self::Balancer => f.write_str("the name of a balancer in quotes, or a table with the key `kind` and its parameters"),
            Self::File => f.write_str("the name of a file in quotes, relative to the scenario"),
            Self::Labels => f.write_str("a table of texts, such as { version = \"2\" }"),
            Self::Changes => f.write_str("a table of dotted keys in quotes and their values, such as { \"run.seed\" = 7 }"),
            Self::Later(_) => f.write_str("nothing yet"),
        }
    }
}

/// So many names are listed; of more, those that are nobody's in particular.
const LISTED: usize = 40;

/// The names of entries in quotes, with commas.
pub(crate) fn named(tagged: &Tagged) -> String {
    let names = tagged.names();
    if names.len() <= LISTED {
        return quoted(&names);
    }
    let general: Vec<&str> = names.iter().copied().filter(|name| !name.contains('/')).collect();
    format!("{}, or one of {} by the rules of products (`evenkeel balancers` lists all)", quoted(&general), names.len() - general.len())
}

/// Words in quotes, with commas.
fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}

/// The supported keys, with commas.
fn keys(parameters: &[Parameter]) -> String {
    let supported = parameters.iter().filter(|parameter| !matches!(parameter.kind, Kind::Later(_)));
    supported.map(|parameter| parameter.name).collect::<Vec<_>>().join(", ")
}

/// A decoded value of a [`Parameter`].
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Of [`Kind::Bool`].
    Bool(bool),
    /// Of [`Kind::Whole`].
    Whole(u64),
    /// Of [`Kind::Integer`].
    Integer(i64),
    /// Of [`Kind::Number`], [`Kind::Above`] and [`Kind::Share`].
    Number(f64),
    /// Of [`Kind::Rate`], per second: zero is judged by who asks.
    Rate(f64),
    /// Of [`Kind::Span`] and [`Kind::Period`].
    Span(Span),
    /// Of [`Kind::Dist`].
    Dist(Dist),
    /// Of [`Kind::Text`], [`Kind::Name`], [`Kind::Choice`] and the word of [`Kind::WholeOr`].
    Text(String),
    /// Of [`Kind::File`]: its name as written, and its text.
    File(String, String),
    /// Of [`Kind::Balancer`]: its kind and its parameters.
    Balancer(&'static str, Values),
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

    /// A duration.
    #[must_use]
    pub fn span(&self, name: &str) -> Span {
        match self.get(name) {
            Some(Value::Span(value)) => *value,
            other => panic!("parameter `{name}` is not declared as a duration with a default: {other:?}"),
        }
    }

    /// A file: its name and its text.
    #[must_use]
    pub fn file(&self, name: &str) -> (&str, &str) {
        match self.get(name) {
            Some(Value::File(name, text)) => (name, text),
            other => panic!("parameter `{name}` is not declared as a file: {other:?}"),
        }
    }

    /// The kind of a balancer, and its parameters.
    #[must_use]
    pub fn balancer(&self, name: &str) -> (&'static str, &Values) {
        match self.get(name) {
            Some(Value::Balancer(kind, values)) => (kind, values),
            other => panic!("parameter `{name}` is not declared as a balancer with a default: {other:?}"),
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
