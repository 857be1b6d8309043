//! The format strings of nginx, Apache and Envoy, taken apart.

use super::fields::{Edge, Field, Form, Try};
use crate::trace::shown;
use crate::trace::stamp::Unit;

/// Whose format string it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// `$remote_addr - $remote_user [$time_local] …`.
    Nginx,
    /// `%h %l %u %t …`.
    Apache,
    /// `[%START_TIME%] "%REQ(:METHOD)% …`.
    Envoy,
}

/// What is wrong with a format string.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the log format {text}")]
pub struct SyntaxFault {
    text: String,
}

/// A variable, and the text up to the next one.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) name: Box<str>,
    pub(super) field: Field,
    pub(super) literal: Box<[u8]>,
}

/// A format string longer than this is none.
const LONGEST: usize = 16 << 10;

fn fault<T>(text: String) -> Result<T, SyntaxFault> {
    Err(SyntaxFault { text })
}

impl Syntax {
    /// Whose it looks like.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let follows = |mark: char, next: fn(char) -> bool| {
            text.match_indices(mark).filter(|(at, _)| text[at + 1..].chars().next().is_some_and(next)).count()
        };
        let dollars = follows('$', |c| c.is_ascii_lowercase() || c == '{');
        let percents = follows('%', |c| c.is_ascii_alphabetic() || "{>!".contains(c));
        match dollars >= percents {
            true => Self::Nginx,
            false if text.contains("%START_TIME") || text.contains("%RESPONSE_CODE%") => Self::Envoy,
            false => Self::Apache,
        }
    }
}

/// Takes a format string apart: what it begins with, and its variables.
pub(super) fn parse(text: &str, syntax: Syntax) -> Result<(Box<[u8]>, Vec<Piece>), SyntaxFault> {
    if text.len() > LONGEST {
        return fault(format!("has {} bytes: more than {LONGEST} is none", text.len()));
    }
    let text = bare(text);
    let mut parts = Parts { literal: Vec::new(), prefix: None, pieces: Vec::new() };
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        let taken = match (syntax, c) {
            (Syntax::Nginx, '$') => nginx(rest, &mut parts)?,
            (Syntax::Apache, '%') => apache(rest, &mut parts)?,
            (Syntax::Envoy, '%') => envoy(rest, &mut parts)?,
            _ => 0,
        };
        if taken == 0 {
            parts.literal.extend(c.encode_utf8(&mut [0; 4]).bytes());
        }
        rest = &rest[taken.max(c.len_utf8())..];
    }
    parts.finish(&text)
}

/// What is being put together.
struct Parts {
    literal: Vec<u8>,
    prefix: Option<Box<[u8]>>,
    pieces: Vec<Piece>,
}

impl Parts {
    fn push(&mut self, name: &str, field: Field) -> Result<(), SyntaxFault> {
        let literal = std::mem::take(&mut self.literal).into_boxed_slice();
        match self.pieces.last_mut() {
            None => self.prefix = Some(literal),
            Some(before) if literal.is_empty() => {
                let text = format!(
                    "has nothing between {} and {name}: where the one ends could not be told; put a space between them",
                    before.name
                );
                return fault(text);
            }
            Some(before) => before.literal = literal,
        }
        self.pieces.push(Piece { name: name.into(), field, literal: Box::default() });
        Ok(())
    }

    fn finish(mut self, text: &str) -> Result<(Box<[u8]>, Vec<Piece>), SyntaxFault> {
        let Some(last) = self.pieces.last_mut() else {
            let example = "nginx's $remote_addr [$msec] $request_time, or Apache's %h %t %D";
            return fault(format!(
                "{} has no variables: it has to be the string of the server's configuration, like {example}",
                shown::shown(text.as_bytes())
            ));
        };
        last.literal = self.literal.into_boxed_slice();
        if !self.pieces.iter().any(|piece| matches!(piece.field, Field::At(..))) {
            let known = "$msec, $time_iso8601 or $time_local (nginx), %t or %{usec}t (Apache), %START_TIME% (Envoy)";
            return fault(format!("has no stamp, so when requests came cannot be known: it needs {known}"));
        }
        Ok((self.prefix.unwrap_or_default(), self.pieces))
    }
}

/// The string itself, where a whole directive was pasted: without its name, its quotes and their escapes.
fn bare(text: &str) -> String {
    let text = text.trim().trim_end_matches(';').trim_end();
    let after_word = |text: &str| text.split_once(char::is_whitespace).map(|(_, rest)| rest.trim_start().to_owned());
    let mut rest = text.to_owned();
    if text.starts_with("log_format ") || text.starts_with("LogFormat ") {
        let quote = text.find(['\'', '"']).unwrap_or(text.len());
        rest = if quote < text.len() { text[quote..].to_owned() } else { after_word(text).unwrap_or_default() };
    }
    let is_quoted = rest.starts_with('\'') || (rest.starts_with('"') && text != rest);
    if is_quoted { joined(&rest) } else { rest.replace("\\\"", "\"").replace("\\t", "\t") }
}

/// `'one ' 'two'` in one piece. What stands behind the last quote (a nickname) is left out.
fn joined(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(quote) = chars.find(|c| matches!(c, '\'' | '"')) {
        while let Some(c) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    Some('t') => out.push('\t'),
                    Some(other @ ('"' | '\'' | '\\')) => out.push(other),
                    Some(other) => out.extend(['\\', other]),
                    None => {}
                },
                c if c == quote => break,
                c => out.push(c),
            }
        }
    }
    out
}

/// `$name` or `${name}`: how many bytes it has.
fn nginx(rest: &str, parts: &mut Parts) -> Result<usize, SyntaxFault> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let (name, taken) = match rest[1..].strip_prefix('{') {
        Some(inner) => match inner.find('}') {
            Some(end) => (&inner[..end], end + 3),
            None => return fault(format!("opens a brace that nothing closes: {}", shown::shown(rest.as_bytes()))),
        },
        None => {
            let end = rest[1..].find(|c| !is_name(c)).unwrap_or(rest.len() - 1);
            (&rest[1..=end], end + 1)
        }
    };
    if name.is_empty() {
        return Ok(0);
    }
    parts.push(&format!("${name}"), nginx_field(name))?;
    Ok(taken)
}

fn nginx_field(name: &str) -> Field {
    match name {
        "time_local" => Field::At(Form::CommonLog, Edge::End),
        "time_iso8601" => Field::At(Form::Iso, Edge::End),
        "msec" => Field::At(Form::Epoch(Unit::Seconds), Edge::End),
        "request_time" => Field::Duration(Unit::Seconds),
        "upstream_response_time" => Field::Tries(Try::Time),
        "upstream_header_time" => Field::Tries(Try::HeaderTime),
        "upstream_addr" => Field::Tries(Try::Address),
        name if name.starts_with("upstream_http_") || name.starts_with("upstream_cookie_") || name == "upstream_cache_status" => {
            Field::Skip
        }
        name if name.starts_with("upstream_") => Field::Tries(Try::Other),
        "status" => Field::Status,
        "body_bytes_sent" => Field::Bytes,
        "bytes_sent" => Field::Bytes,
        "request" => Field::Request,
        "request_uri" | "uri" | "document_uri" => Field::Url,
        "remote_addr" | "realip_remote_addr" => Field::Client,
        "http_x_forwarded_for" => Field::Forwarded,
        "proxy_upstream_name" | "proxy_host" => Field::Class,
        "host" | "server_name" | "http_host" => Field::Host,
        _ => Field::Skip,
    }
}

/// `%h`, `%>s`, `%{Referer}i`: how many bytes it has.
fn apache(rest: &str, parts: &mut Parts) -> Result<usize, SyntaxFault> {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while bytes.get(at).is_some_and(|byte| matches!(byte, b'<' | b'>' | b'!' | b',') || byte.is_ascii_digit()) {
        at += 1;
    }
    let mut argument = None;
    if bytes.get(at) == Some(&b'{') {
        let Some(end) = rest[at..].find('}') else {
            return fault(format!("opens a brace that nothing closes: {}", shown::shown(&bytes[at..])));
        };
        argument = Some(&rest[at + 1..at + end]);
        at += end + 1;
    }
    if bytes.get(1) == Some(&b'%') {
        parts.literal.push(b'%');
        return Ok(2);
    }
    // %^FB and %^ti are the directives with two letters.
    let length = if bytes.get(at) == Some(&b'^') { 3 } else { 1 };
    let Some(directive) = rest.get(at..at + length).filter(|text| text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'^'))
    else {
        return fault(format!(
            "has no directive at {}: a letter like %h or %D has to follow, and %% is a percent sign",
            shown::shown(bytes)
        ));
    };
    let name = &rest[..at + length];
    let field = apache_field(directive, argument, bytes.get(1) == Some(&b'<'));
    // %t brings its own brackets.
    if directive == "t" && argument.is_none() {
        parts.literal.push(b'[');
        parts.push(name, field)?;
        parts.literal.push(b']');
    } else {
        parts.push(name, field)?;
    }
    Ok(at + length)
}

fn apache_field(directive: &str, argument: Option<&str>, is_original: bool) -> Field {
    match (directive, argument) {
        ("t", argument) => apache_stamp(argument),
        ("D", _) | ("T", Some("us")) => Field::Duration(Unit::Microseconds),
        ("T", Some("ms")) => Field::Duration(Unit::Milliseconds),
        ("T", _) => Field::Duration(Unit::Seconds),
        ("s", _) if is_original => Field::Skip,
        ("s", _) => Field::Status,
        ("b" | "B", _) => Field::Bytes,
        ("r", _) => Field::Request,
        ("U", _) => Field::Url,
        ("h" | "a", _) => Field::Client,
        ("v" | "V", _) => Field::Host,
        ("i", Some(name)) if name.eq_ignore_ascii_case("x-forwarded-for") => Field::Forwarded,
        ("i", Some(name)) if name.eq_ignore_ascii_case("host") => Field::Host,
        ("e", Some("BALANCER_WORKER_NAME" | "BALANCER_WORKER_ROUTE")) => Field::Backend,
        ("e", Some("BALANCER_NAME")) => Field::Class,
        _ => Field::Skip,
    }
}

/// `%t` is the arrival, unless it says `end:`. Parts of a stamp alone (`msec_frac`, `%H`) are none.
fn apache_stamp(argument: Option<&str>) -> Field {
    let Some(argument) = argument else { return Field::At(Form::CommonLog, Edge::Arrival) };
    let (edge, form) = match argument.strip_prefix("end:") {
        Some(form) => (Edge::End, form),
        None => (Edge::Arrival, argument.strip_prefix("begin:").unwrap_or(argument)),
    };
    match form {
        "sec" | "%s" => Field::At(Form::Epoch(Unit::Seconds), edge),
        "msec" => Field::At(Form::Epoch(Unit::Milliseconds), edge),
        "usec" => Field::At(Form::Epoch(Unit::Microseconds), edge),
        form if (form.contains("%Y") || form.contains("%F")) && (form.contains("%S") || form.contains("%T")) => Field::At(Form::Any, edge),
        _ => Field::Skip,
    }
}

/// `%REQ(:METHOD)%`: how many bytes it has.
fn envoy(rest: &str, parts: &mut Parts) -> Result<usize, SyntaxFault> {
    if rest[1..].starts_with('%') {
        parts.literal.push(b'%');
        return Ok(2);
    }
    // A stamp's own form, in brackets, has percent signs too: %START_TIME(%Y-%m-%d)%.
    let close = match (rest.find('('), rest[1..].find('%')) {
        (Some(open), Some(next)) if open < next + 1 => rest.find(")%").or_else(|| rest.find("):")).map(|at| at + 1),
        (_, next) => next.map(|at| at + 1),
    };
    let close = close.and_then(|from| rest[from..].find('%').map(|at| at + from));
    let Some(close) = close else {
        return fault(format!("opens a % that nothing closes: {}", shown::shown(rest.as_bytes())));
    };
    let name = &rest[..=close];
    parts.push(name, envoy_field(&name[1..close]))?;
    Ok(close + 1)
}

fn envoy_field(name: &str) -> Field {
    let (word, argument) = name.split_once('(').unwrap_or((name, ""));
    let argument = argument.split(')').next().unwrap_or("").to_ascii_uppercase();
    match (word, argument.as_str()) {
        ("START_TIME", "") => Field::At(Form::Iso, Edge::Arrival),
        ("START_TIME", "%S.%3F" | "%S.%6F" | "%S.%9F" | "%S") => Field::At(Form::Epoch(Unit::Seconds), Edge::Arrival),
        ("START_TIME", _) => Field::At(Form::Any, Edge::Arrival),
        ("DURATION", _) => Field::Duration(Unit::Milliseconds),
        ("RESP", "X-ENVOY-UPSTREAM-SERVICE-TIME") => Field::Service(Unit::Milliseconds),
        ("RESPONSE_CODE", _) => Field::Status,
        ("RESPONSE_FLAGS", _) => Field::Flags,
        ("BYTES_SENT", _) => Field::Bytes,
        ("REQ", "X-ENVOY-ORIGINAL-PATH?:PATH" | ":PATH" | "X-ENVOY-ORIGINAL-PATH") => Field::Url,
        ("REQ", "X-FORWARDED-FOR") => Field::Forwarded,
        ("REQ", ":AUTHORITY") => Field::Host,
        ("UPSTREAM_HOST", _) => Field::Backend,
        ("UPSTREAM_CLUSTER", _) => Field::Class,
        ("DOWNSTREAM_REMOTE_ADDRESS" | "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT" | "DOWNSTREAM_DIRECT_REMOTE_ADDRESS", _) => Field::Client,
        _ => Field::Skip,
    }
}
