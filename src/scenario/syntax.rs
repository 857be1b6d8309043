//! What the TOML parser cannot read, in our words, and what else it makes unsure.

use std::ops::Range;

use toml::de::Error;

use super::diagnostic::{Fault, Finding};
use super::document::{Data, Node, Table};
use super::keys;
use super::position::Place;
use super::scalar;
use crate::catalogue::Parameter;
use crate::escape::visible;

/// No more faults of syntax are looked at than this: what follows is not the user's typing.
const MAX_FAULTS: usize = 200;

/// The faults of syntax, one for each line, and what they make unsure.
#[derive(Default)]
pub(crate) struct Syntax {
    pub(crate) findings: Vec<Finding>,
    /// Starts of all lines.
    lines: Vec<usize>,
    /// Lines with a fault.
    broken: Vec<usize>,
    /// From here on nothing is where it seems to be.
    lost_from: usize,
}

impl Syntax {
    /// Judges the parser's errors.
    pub(crate) fn judge(errors: &[Error], text: &str, document: &Table) -> Self {
        let lines: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut syntax = Self { lines, lost_from: usize::MAX, ..Self::default() };
        let mut errors: Vec<(Range<usize>, &str)> =
            errors.iter().take(MAX_FAULTS).map(|error| (error.span().unwrap_or_else(|| deepest(text)), error.message())).collect();
        errors.sort_by_key(|(span, message)| (syntax.line(span.start), rank(message), span.start));
        for (span, message) in errors {
            let line = syntax.line(span.start);
            if syntax.broken.last() == Some(&line) || span.start >= syntax.lost_from {
                continue;
            }
            if is_structural(message) || message.contains("multi-line") || message.contains("recursion") {
                syntax.lost_from = syntax.lines[line];
            }
            syntax.broken.push(line);
            let start = syntax.lines[line];
            let end = text[start..].find('\n').map_or(text.len(), |length| start + length);
            syntax.findings.push(reword(message, span, text, start..end, document));
        }
        syntax
    }

    fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at).saturating_sub(1)
    }

    /// Whether a finding may be nothing but the consequence of what could not be read.
    pub(crate) fn makes_unsure(&self, finding: &Finding) -> bool {
        let is_touched = finding.at.source == 0
            && (finding.at.start >= self.lost_from || self.broken.binary_search(&self.line(finding.at.start)).is_ok());
        !self.broken.is_empty() && (is_touched || finding.may_be_a_consequence())
    }
}

/// Whether a bracket was lost, so that what follows is read as something else.
fn is_structural(message: &str) -> bool {
    message.starts_with("missing comma")
        || message.starts_with("unclosed")
        || message.contains("in array")
        || message.starts_with("missing key for inline")
}

/// Which of several errors of a line says most.
fn rank(message: &str) -> u8 {
    match message {
        message if is_structural(message) => 0,
        "duplicate key" => 0,
        message if message.starts_with("invalid unquoted key") => 1,
        message if message.starts_with("string values must be quoted") => 2,
        _ => 3,
    }
}

/// The line with the most dots: the parser gives no place for keys that are too deep.
fn deepest(text: &str) -> Range<usize> {
    let mut offset = 0;
    let mut most = (0, 0);
    for line in text.split_inclusive('\n') {
        most = most.max((line.matches('.').count(), usize::MAX - offset));
        offset += line.len();
    }
    let start = usize::MAX - most.1;
    start..start + 1
}

/// One error of the parser as a finding.
fn reword(message: &str, span: Range<usize>, text: &str, line: Range<usize>, document: &Table) -> Finding {
    let slice = text.get(span.clone()).unwrap_or("");
    let whole = &text[line.clone()];
    let at = Place::new(0, span.start..span.end.max(span.start));
    let syntax = |at: Place, what: String| Finding::error(at, Fault::Syntax(what));
    match message {
        "duplicate key" => duplicate(at, slice, text, document),
        "recursion limit" => syntax(Place::new(0, line.start..line.start + 1), "a key has too many parts".into())
            .allowed("at most 80 levels")
            .help("shorten the dotted key"),
        _ if message.starts_with("string values must be quoted") => match slice.chars().find(|c| is_typographic(*c)) {
            Some(quote) => typographic(at, quote),
            None => unquoted(at, slice, whole),
        },
        _ if message.contains("basic string, expected `\"`") || message.contains("literal string, expected `'`") => {
            syntax(at, "missing closing quote".into())
                .allowed("a text between two quotes on one line")
                .help(format!("write {}\"", visible(whole.trim(), 60)))
        }
        _ if message.starts_with("missing comma") => {
            syntax(at, "a comma is missing here, or the closing bracket of a list or table before".into())
                .allowed("[a, b] or { a = 1, b = 2 }")
                .help("add the comma, or close the bracket on the line before")
        }
        _ if message.starts_with("unexpected leading zero") => {
            let digits: String = text[span.start..].trim_start_matches('0').chars().take_while(char::is_ascii_digit).collect();
            let digits = if digits.is_empty() { "0".to_owned() } else { digits };
            syntax(at, "a number must not begin with a zero".into())
                .allowed("a number without leading zeros")
                .help(format!("write {digits}, or 0o{digits} for an octal number"))
        }
        _ if message.starts_with("invalid boolean") => syntax(at, format!("found {}", visible(slice, 40)))
            .allowed("true or false, in small letters")
            .help(format!("write {}", slice.to_lowercase().chars().take(5).collect::<String>())),
        _ => odd_key(at, slice, whole, line.start).unwrap_or_else(|| {
            syntax(at, format!("this is not TOML: {}", visible(message, 200)))
                .allowed("key = value, [table] or [[table]] on each line")
                .help("check quotes, commas and brackets on this line")
        }),
    }
}

/// Keys with letters that bare keys cannot have: colons of YAML, quotes of word processors, invisible blanks.
fn odd_key(at: Place, slice: &str, line: &str, line_start: usize) -> Option<Finding> {
    let key = line.split(['=', '#']).next().unwrap_or("");
    let (offset, odd) = key.char_indices().find(|(_, c)| {
        !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.' | ' ' | '\t' | '"' | '\'' | '[' | ']' | '{' | '}' | ',')
    })?;
    let there = Place::new(0, line_start + offset..line_start + offset + odd.len_utf8());
    let finding = |what: String| Finding::error(there, Fault::Syntax(what)).allowed("key = value");
    Some(match odd {
        ':' => finding("expected `=`; YAML-style `:` found".into()).help("write name = value"),
        odd if is_typographic(odd) => typographic(there, odd),
        odd if odd.is_whitespace() || crate::escape::is_harmful(odd) => {
            finding(format!("the invisible character U+{:04X} stands here", u32::from(odd))).help("replace it with a plain blank")
        }
        odd if odd.is_alphanumeric() => Finding::error(at, Fault::Syntax(format!("the key {} needs quotes", visible(slice, 40))))
            .allowed("bare keys of letters a-z, digits, - and _")
            .help("scenario keys are all of these letters"),
        odd => {
            finding(format!("unexpected `{}`", visible(&odd.to_string(), 8))).help("check this line against an example of `evenkeel new`")
        }
    })
}

fn is_typographic(c: char) -> bool {
    matches!(c, '\u{2018}'..='\u{201f}' | '\u{ab}' | '\u{bb}' | '\u{2032}' | '\u{2033}')
}

fn typographic(at: Place, quote: char) -> Finding {
    let fault = Fault::Syntax(format!("typographic quote U+{:04X}", u32::from(quote)));
    Finding::error(at, fault).allowed("straight quotes: \" or '").help("use \"")
}

/// A value without quotes, or none at all.
fn unquoted(at: Place, slice: &str, line: &str) -> Finding {
    let key = line.split('=').next().unwrap_or("").trim().rsplit('.').next().unwrap_or("").trim();
    let declared =
        keys::ROOT.parameters.iter().find(|parameter| parameter.name == key).or_else(|| keys::owner_of(key, "").map(|owner| owner.1));
    let example = declared.map_or_else(|| "\"…\"".to_owned(), |parameter: &Parameter| scalar::example(parameter.kind));
    let allowed = declared.map_or_else(
        || "a number, a text in quotes, true, false, a [list] or a { table }".to_owned(),
        |parameter| parameter.kind.to_string(),
    );
    let key = visible(key, 40);
    if slice.trim().is_empty() {
        return Finding::error(at, Fault::Syntax(format!("`{key}` has no value")))
            .path(&key)
            .allowed(allowed)
            .help(format!("write {key} = {example}"));
    }
    let shown = visible(slice, 40);
    Finding::error(at, Fault::Syntax(format!("the text {shown} needs quotes")))
        .path(&key)
        .allowed(allowed)
        .help(format!("write {key} = \"{shown}\""))
}

/// A key or a table that is there twice.
fn duplicate(at: Place, key: &str, text: &str, document: &Table) -> Finding {
    let name = key.trim_matches(['"', '\'']);
    let finding = Finding::error(at, Fault::DuplicateKey(visible(name, 40)));
    let before = &text[..at.start];
    let is_header = before.ends_with('[');
    let (list, table) = (format!("[[{name}]]"), format!("[{name}]"));
    let finding = match (is_header, before.ends_with("[["), before.contains(&list)) {
        (true, false, true) => finding.allowed(&list).help(format!("{} is a list; use {list}", visible(name, 40))),
        (true, true, false) => finding.allowed("either of the two, not both").help(format!("write {list} both times, if it is a list")),
        (true, ..) => finding.allowed("each table once").help("put the keys of both together"),
        _ => finding.allowed("each key once").help("remove one of them"),
    };
    let first = if is_header {
        header(before, name).or(header(before, &list)).or(header(before, &table))
    } else {
        last_key(document, name, at.start)
    };
    match first {
        Some(first) => {
            let line = before[..first.start].matches('\n').count() + 1;
            finding.related(format!("first set here, at line {line}"), first)
        }
        None => finding,
    }
}

/// An earlier line that begins a table, or sets a key of it.
fn header(before: &str, name: &str) -> Option<Place> {
    let mut offset = 0;
    for line in before.split_inclusive('\n') {
        let bare = line.trim_start();
        let rest = bare.trim_start_matches('[').strip_prefix(name.trim_matches(['[', ']']));
        if rest.is_some_and(|rest| rest.trim_start().starts_with([']', '.', '='])) {
            let start = offset + (line.len() - bare.len());
            return Some(Place::new(0, start..start + line.trim().len()));
        }
        offset += line.len();
    }
    None
}

/// The last place before `limit` where a key of that name is set.
fn last_key(table: &Table, name: &str, limit: usize) -> Option<Place> {
    let inner = |node: &Node| match &node.data {
        Data::Table(inner) => last_key(inner, name, limit),
        Data::List(members) => members.iter().filter_map(|member| member.as_table().and_then(|inner| last_key(inner, name, limit))).max(),
        _ => None,
    };
    let own = table.entries.iter().filter(|entry| entry.key == name && entry.key_at.start < limit).map(|entry| entry.key_at);
    own.chain(table.entries.iter().filter_map(|entry| inner(&entry.value))).max()
}
