//! Single values: numbers, texts, and numbers with units, each by its declared kind.

use super::balancers;
use super::decoder::{Decoder, unknown_word};
use super::diagnostic::{Fault, Finding};
use super::distributions;
use super::document::{Data, Node};
use super::path::Path;
use super::units::{AS_FAST_AS_POSSIBLE, no_text, unit_fault};
use crate::catalogue::{Entry, Kind, Tagged, Value};
use crate::dist::Dist;
use crate::time::{Rate, Span, UnitError, parse_rate, parse_share, parse_span};

/// The most characters of a name.
const NAME_CHARACTERS: usize = 256;
/// The most bytes of a file that is named.
const FILE_BYTES: usize = 1 << 20;
/// The most characters of a free text.
const TEXT_CHARACTERS: usize = 2000;

/// Reads a value by its kind; `None` where a fault was noted.
pub(crate) fn read(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>, kind: Kind) -> Option<Value> {
    match kind {
        Kind::Bool => bool(d, node, path).map(Value::Bool),
        Kind::Whole(min, max) => {
            whole(d, node, path, kind, (min.into(), max.into())).and_then(|value| u64::try_from(value).ok()).map(Value::Whole)
        }
        Kind::Integer(min, max) => {
            whole(d, node, path, kind, (min.into(), max.into())).and_then(|value| i64::try_from(value).ok()).map(Value::Integer)
        }
        Kind::WholeOr(min, max, word) => match node.as_text() {
            Some(text) if text == word => Some(Value::Text(text.to_owned())),
            _ => whole(d, node, path, kind, (min.into(), max.into())).and_then(|value| u64::try_from(value).ok()).map(Value::Whole),
        },
        Kind::Number(min, max) => number(d, node, path, kind, |value| value >= min && value <= max).map(Value::Number),
        Kind::Above(min, max) => number(d, node, path, kind, |value| value > min && value <= max).map(Value::Number),
        Kind::Share => share(d, node, path, kind).map(Value::Number),
        Kind::Rate => rate(d, node, path).map(Value::Rate),
        Kind::Span | Kind::Period => span(d, node, path, kind).map(Value::Span),
        Kind::ShareOrSpan => share_or_span(d, node, path),
        Kind::Dist | Kind::ExponentialDist => distributions::read(d, node, path, kind).map(Value::Dist),
        Kind::Text => text(d, node, path, kind, TEXT_CHARACTERS).map(Value::Text),
        Kind::Name => name(d, node, path).map(Value::Text),
        Kind::Choice(words) => choice(d, node, path, words).map(Value::Text),
        Kind::Balancer => balancers::inner(d, node, path),
        Kind::File => file(d, node, path),
        _ => panic!("{kind:?} is read by the section that declares it"),
    }
}

/// A declared default: what the catalogue says is right, or the first test finds it.
pub(crate) fn default(kind: Kind, text: &str) -> Value {
    let wrong = || panic!("the default {text} of {kind:?} does not read");
    let number = || text.parse().ok().or_else(|| parse_share(text).ok()).unwrap_or_else(wrong);
    let span = || parse_span(text).unwrap_or_else(|_| panic!("the default {text} does not read as a duration"));
    match kind {
        Kind::Bool => Value::Bool(text == "true"),
        Kind::Whole(..) | Kind::WholeOr(..) => text.parse().map_or_else(|_| Value::Text(text.to_owned()), Value::Whole),
        Kind::Integer(..) => text.parse().map_or_else(|_| panic!("the default {text} does not read as a whole number"), Value::Integer),
        Kind::Number(..) | Kind::Above(..) | Kind::Share => Value::Number(number()),
        Kind::ShareOrSpan => parse_span(text).map_or_else(|_| Value::Number(number()), Value::Span),
        Kind::Rate => Value::Rate(parse_rate(text).unwrap_or_else(|_| panic!("the default {text} does not read as a rate"))),
        Kind::Span | Kind::Period => Value::Span(span()),
        Kind::Dist => Value::Dist(Dist::Constant(span().0 as f64)),
        Kind::ExponentialDist => Value::Dist(Dist::Exponential { mean: span().0 as f64 }),
        Kind::Balancer => balancers::by_default(text).unwrap_or_else(|| panic!("the default {text} is not a balancer")),
        _ => Value::Text(text.to_owned()),
    }
}

/// A value of the kind, to paste.
pub(crate) fn example(kind: Kind) -> String {
    match kind {
        Kind::Bool => "true".into(),
        Kind::Whole(min, max) | Kind::WholeOr(min, max, _) | Kind::WholeOrTagged(min, max, _) => 10.clamp(min, max).to_string(),
        Kind::Integer(..) => "0".into(),
        Kind::Number(min, _) | Kind::Above(min, _) => (if min >= 1.0 { 2.0 } else { 0.8 }).to_string(),
        Kind::Share => "0.2".into(),
        Kind::Rate => "\"800/s\"".into(),
        Kind::Span | Kind::Period => "\"10ms\"".into(),
        Kind::ShareOrSpan => "\"10%\"".into(),
        Kind::Dist | Kind::ExponentialDist => "{ dist = \"exponential\", mean = \"10ms\" }".into(),
        Kind::Text | Kind::Name => "\"a\"".into(),
        Kind::Choice(words) => format!("\"{}\"", words[0]),
        Kind::Choices(words) => format!("[\"{}\"]", words[0]),
        Kind::Names => "[\"a\", \"b\"]".into(),
        Kind::DistOrPercentile => "\"p95\"".into(),
        Kind::OrTable(kind, _) => example(*kind),
        Kind::OneOfTables(entries) => written(entries[0]),
        Kind::Pairs(first, second) => format!("[[{}, {}]]", example(*first), example(*second)),
        Kind::Tagged(tagged) => format!("{{ {} = \"{}\" }}", tagged.tag, tagged.names()[0]),
        Kind::TaggedNames(tagged) => format!("[\"{}\"]", tagged.names()[0]),
        Kind::Balancer => "\"least-connections\"".into(),
        Kind::File => "\"my.rhai\"".into(),
        Kind::Labels => "{ version = \"2\" }".into(),
        Kind::Changes => "{ \"run.seed\" = 7 }".into(),
        Kind::Table(_) | Kind::Tables(_) | Kind::OneOrMore(_) | Kind::TaggedTables(_) | Kind::Later(_) => "{ … }".into(),
    }
}

/// A table with the keys of an entry that have no default.
fn written(entry: &Entry) -> String {
    let needed = entry.parameters.iter().filter(|parameter| parameter.default.is_none());
    let pairs: Vec<String> = needed.map(|parameter| format!("{} = {}", parameter.name, example(parameter.kind))).collect();
    format!("{{ {} }}", pairs.join(", "))
}

/// The entry that a tag names.
pub(crate) fn entry(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>, tagged: &'static Tagged) -> Option<&'static Entry> {
    let Some(name) = node.as_text() else {
        let fault = Fault::WrongType { found: d.found(node), wanted: "a name in quotes" };
        d.report(
            Finding::error(node.at, fault)
                .path(path)
                .allowed(format!("one of {}", crate::catalogue::named(tagged)))
                .help(format!("write, for example, \"{}\"", tagged.names()[0])),
        );
        return None;
    };
    match tagged.find(name) {
        Some(entry) => Some(entry),
        None => {
            let what = tagged.what.trim_start_matches("an ").trim_start_matches("a ");
            let finding = if tagged.what == "a balancer" {
                balancers::unknown_kind(node, path)
            } else {
                unknown_word(node, path, what, &tagged.names())
            };
            d.report(finding);
            None
        }
    }
}

fn bool(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<bool> {
    if let Data::Bool(value) = node.data {
        return Some(value);
    }
    let fault = Fault::WrongType { found: d.found(node), wanted: "true or false" };
    d.report(Finding::error(node.at, fault).path(path).allowed(Kind::Bool).help("write true or false, without quotes"));
    None
}

fn whole(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>, kind: Kind, (min, max): (i128, i128)) -> Option<i128> {
    let (fault, help) = match &node.data {
        Data::Whole(value) if (min..=max).contains(value) => return Some(*value),
        Data::Whole(value) => (
            range(d, node, if *value < min { format!("it is below {min}") } else { format!("it is above {max}") }),
            whole_help(path, *value < min, min, max),
        ),
        Data::Huge => (range(d, node, "it is too large".into()), format!("write a number of at most {max}")),
        Data::Float(value) if !value.is_finite() => {
            (range(d, node, "it is not a finite number".into()), format!("write a whole number, such as {}", 10.clamp(min, max)))
        }
        Data::Float(value) => {
            (Fault::WrongType { found: d.found(node), wanted: "a whole number" }, format!("write {}", (*value as i128).clamp(min, max)))
        }
        Data::Text(text) if text.trim().parse::<i128>().is_ok() => {
            (Fault::WrongType { found: d.found(node), wanted: "a whole number" }, format!("write {} without quotes", text.trim()))
        }
        _ => {
            (Fault::WrongType { found: d.found(node), wanted: "a whole number" }, format!("write a number, such as {}", 10.clamp(min, max)))
        }
    };
    d.report(Finding::error(node.at, fault).path(path).allowed(kind).help(help));
    None
}

/// What to write instead of a whole number out of range.
fn whole_help(path: &Path<'_>, is_below: bool, min: i128, max: i128) -> String {
    match (path.last_key(), is_below) {
        ("queue", true) => "leave `queue` out for a queue without limit".into(),
        ("workers", true) => "write \"unlimited\" for a backend where nobody waits".into(),
        (_, true) => format!("write {min} or more"),
        (_, false) => format!("write {max} or less"),
    }
}

fn range(d: &Decoder<'_>, node: &Node, why: String) -> Fault {
    Fault::OutOfRange { found: d.found(node), why }
}

/// A finite number, whether written as one or the other; minus zero is zero.
fn finite(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>, kind: Kind) -> Option<f64> {
    let (fault, help) = match &node.data {
        Data::Whole(value) => return Some(*value as f64),
        Data::Float(value) if value.is_finite() => return Some(*value + 0.0),
        Data::Float(value) if value.is_nan() => {
            (range(d, node, "it is not a number".into()), format!("write a finite number, such as {}", example(kind)))
        }
        Data::Float(_) if path.last_key() == "load" => (range(d, node, "it must be finite".into()), AS_FAST_AS_POSSIBLE.into()),
        Data::Float(_) => (range(d, node, "it must be finite".into()), format!("write a finite number, such as {}", example(kind))),
        Data::Huge => (range(d, node, "it is too large (overflow)".into()), format!("write a finite number, such as {}", example(kind))),
        Data::Text(text) if text.trim().parse::<f64>().is_ok() => {
            (Fault::WrongType { found: d.found(node), wanted: "a number" }, format!("write {} without quotes", text.trim()))
        }
        _ => (Fault::WrongType { found: d.found(node), wanted: "a number" }, format!("write a number, such as {}", example(kind))),
    };
    d.report(Finding::error(node.at, fault).path(path).allowed(kind).help(help));
    None
}

fn number(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>, kind: Kind, is_in_range: impl Fn(f64) -> bool) -> Option<f64> {
    let value = finite(d, node, path, kind)?;
    if is_in_range(value) {
        return Some(value);
    }
    let (why, help) = match (path.last_key(), value) {
        ("load", 0.0) => ("there would be no traffic".to_owned(), "write a load above 0, such as 0.8".to_owned()),
        _ if value < 0.0 => ("it is below zero".into(), format!("write, for example, {}", example(kind))),
        _ => (format!("it is not {kind}"), format!("write, for example, {}", example(kind))),
    };
    let fault = range(d, node, why);
    d.report(Finding::error(node.at, fault).path(path).allowed(kind).help(help));
    None
}

fn share(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>, kind: Kind) -> Option<f64> {
    let value = match node.as_text() {
        Some(text) => match parse_share(text) {
            Ok(value) => value,
            Err(error) => return unit_fault(d, node, path, kind, error),
        },
        None => finite(d, node, path, kind)?,
    };
    if (0.0..=1.0).contains(&value) {
        return Some(value);
    }
    let fault = range(d, node, if value < 0.0 { "it is below 0".into() } else { "it is above 1".into() });
    let help = if value > 1.0 && node.as_text().is_none() && value <= 100.0 {
        format!("did you mean \"{value}%\"?")
    } else {
        "write a share from 0 to 1, such as 0.2 or \"20%\"".into()
    };
    d.report(Finding::error(node.at, fault).path(path).allowed(kind).help(help));
    None
}

fn rate(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<f64> {
    let Data::Text(text) = &node.data else { return no_text(d, node, path, Kind::Rate) };
    match parse_rate(text) {
        Ok(value) if value <= Rate::MAX => Some(value),
        Ok(_) => unit_fault(d, node, path, Kind::Rate, UnitError::TooLarge),
        Err(error) => unit_fault(d, node, path, Kind::Rate, error),
    }
}

/// A duration with its unit.
pub(crate) fn span(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>, kind: Kind) -> Option<Span> {
    let Data::Text(text) = &node.data else { return no_text(d, node, path, kind) };
    match parse_span(text) {
        Ok(Span::ZERO) if matches!(kind, Kind::Period | Kind::ExponentialDist) => {
            let fault = range(d, node, "it must be above zero (the least is \"1ns\")".into());
            d.report(Finding::error(node.at, fault).path(path).allowed(kind).help("write, for example, \"10ms\""));
            None
        }
        Ok(span) => Some(span),
        Err(error) => unit_fault(d, node, path, kind, error),
    }
}

fn share_or_span(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<Value> {
    let is_share = match &node.data {
        Data::Text(text) => text.ends_with('%'),
        Data::Whole(value) => *value == 0,
        _ => true,
    };
    if !is_share {
        return span(d, node, path, Kind::ShareOrSpan).map(Value::Span);
    }
    let value = share(d, node, path, Kind::ShareOrSpan)?;
    if value < 1.0 {
        return Some(Value::Number(value));
    }
    d.out_of_range(node, path, &Kind::ShareOrSpan.to_string(), "nothing would be left to measure", "\"10%\"");
    None
}

/// A text of at most so many characters; a bare word in an option is a text too.
fn text(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>, kind: Kind, limit: usize) -> Option<String> {
    let text = match &node.data {
        Data::Text(text) => text.clone(),
        Data::Whole(_) | Data::Huge | Data::Float(_) | Data::Bool(_) | Data::Date if d.sources.is_flag(node.at) => {
            d.sources.slice(node.at).to_owned()
        }
        Data::Whole(_) | Data::Float(_) | Data::Bool(_) => {
            let fault = Fault::WrongType { found: d.found(node), wanted: "a text" };
            let written = d.sources.slice(node.at).to_owned();
            d.report(
                Finding::error(node.at, fault).path(path).allowed(kind).help(format!("write \"{}\"", crate::escape::visible(&written, 40))),
            );
            return None;
        }
        _ => {
            d.wrong_type(node, path, kind, "a text");
            return None;
        }
    };
    let length = text.chars().count();
    if length > limit {
        let fault = Fault::Limit(format!("{} is too long: {length} characters, at most {limit}", d.found(node)));
        d.report(Finding::error(node.at, fault).path(path).allowed(format!("at most {limit} characters")).help("shorten it"));
        return None;
    }
    Some(text)
}

/// The text of a file that is named.
fn file(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<Value> {
    let name = name(d, node, path)?;
    let read = d.files.read(&name, FILE_BYTES).map_err(|error| error.to_string());
    let text = read.and_then(|bytes| String::from_utf8(bytes).map_err(|_| format!("{} is not a text file", crate::escape::shown(&name))));
    match text {
        Ok(text) => Some(Value::File(name, text)),
        Err(why) => {
            d.report(
                Finding::error(node.at, Fault::File(why)).path(path).allowed("a text file").help("paths are relative to the scenario file"),
            );
            None
        }
    }
}

fn name(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<String> {
    let name = text(d, node, path, Kind::Name, NAME_CHARACTERS)?;
    let why = if name.trim().is_empty() {
        "a name must not be blank"
    } else if name.chars().any(crate::escape::is_harmful) {
        "a name must have no control or invisible characters"
    } else {
        return Some(name);
    };
    let fault = range(d, node, why.into());
    d.report(Finding::error(node.at, fault).path(path).allowed(Kind::Name).help("write, for example, \"web\""));
    None
}

fn choice(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>, words: &'static [&'static str]) -> Option<String> {
    match node.as_text() {
        Some(text) if words.contains(&text) => Some(text.to_owned()),
        Some(_) => {
            d.report(unknown_word(node, path, path.last_key(), words));
            None
        }
        None => {
            d.wrong_type(node, path, Kind::Choice(words), "a word in quotes");
            None
        }
    }
}
