//! Which column holds what of a request, and what its numbers mean.

use crate::trace::entry::Text;
use crate::trace::stamp::{self, Span, Unit};
use crate::trace::{Entry, Outcome, Reason};

/// What of a request a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// When it arrived (or ended, where a format says so).
    Time,
    /// The time that a backend worked on it.
    Work,
    /// The time to its answer, waiting included.
    Duration,
    /// What a hash balancer would look at.
    Key,
    /// Who sent it.
    Client,
    /// Who answered it.
    Backend,
    /// What it asked for in the large.
    Class,
    /// The HTTP status, or a word such as `FAILED`.
    Status,
    /// Bytes of the answer.
    Bytes,
    /// Tokens of the prompt.
    Input,
    /// Tokens made.
    Output,
    /// The time that it waited in a queue of the balancer.
    Queued,
    /// How it ended: `succeeded`, `failed` or `refused`.
    Outcome,
    /// How many backends were tried.
    Tries,
}

/// All of them, in the order in which they are written in `columns`.
pub const ROLES: [Role; 14] = [
    Role::Time,
    Role::Work,
    Role::Duration,
    Role::Key,
    Role::Client,
    Role::Backend,
    Role::Class,
    Role::Status,
    Role::Bytes,
    Role::Input,
    Role::Output,
    Role::Queued,
    Role::Outcome,
    Role::Tries,
];

impl Role {
    /// Its key in `columns`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Work => "work",
            Self::Duration => "duration",
            Self::Key => "key",
            Self::Client => "client",
            Self::Backend => "backend",
            Self::Class => "class",
            Self::Status => "status",
            Self::Bytes => "bytes",
            Self::Input => "input",
            Self::Output => "output",
            Self::Queued => "queued",
            Self::Outcome => "outcome",
            Self::Tries => "tries",
        }
    }

    /// Whether it is a stretch of time.
    #[must_use]
    pub fn is_span(self) -> bool {
        matches!(self, Self::Work | Self::Duration | Self::Queued)
    }
}

/// The columns as a user names them: names of a header, 1-based numbers where there is none, dotted paths in JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// By role.
    names: [Option<String>; ROLES.len()],
}

impl Columns {
    /// Columns for these roles.
    #[must_use]
    pub fn of(pairs: &[(Role, &str)]) -> Self {
        let mut columns = Self::default();
        pairs.iter().for_each(|&(role, name)| columns.names[role as usize] = Some(name.to_owned()));
        columns
    }

    /// Sets the name for the role of this key; no other keys are roles.
    pub fn set(&mut self, role: &str, name: String) {
        if let Some(role) = ROLES.into_iter().find(|known| known.name() == role) {
            self.names[role as usize] = Some(name);
        }
    }

    /// The name that was given for a role.
    #[must_use]
    pub fn get(&self, role: Role) -> Option<&str> {
        self.names[role as usize].as_deref()
    }

    /// Whether every column that is given is a number, so that there is no header to look names up in.
    #[must_use]
    pub fn are_numbers(&self) -> bool {
        let mut given = ROLES.iter().filter_map(|&role| self.get(role)).peekable();
        given.peek().is_some() && given.all(|name| name.parse::<u16>().is_ok_and(|number| number > 0))
    }
}

/// What the numbers of a record mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meaning {
    /// The unit of time stamps that are numbers; `None`: guessed from the first of them.
    pub time: Option<Unit>,
    /// The unit of `work` and `duration`; `None`: by the column's name (`latency_ms`), else that of the time stamps.
    pub span: Option<Unit>,
    /// The time stamp is the request's end: what it took is taken off.
    pub ends: bool,
}

/// The unit that a column's name tells by its end, and the name without it: `latency_ms`, `exec_time_seconds`, `durationMillis`.
#[must_use]
pub fn unit_of_name(name: &str) -> Option<(Unit, &str)> {
    const WORDS: [(&str, Unit); 14] = [
        ("nanoseconds", Unit::Nanoseconds),
        ("unixnano", Unit::Nanoseconds),
        ("nanos", Unit::Nanoseconds),
        ("microseconds", Unit::Microseconds),
        ("micros", Unit::Microseconds),
        ("milliseconds", Unit::Milliseconds),
        ("millis", Unit::Milliseconds),
        ("seconds", Unit::Seconds),
        ("_ns", Unit::Nanoseconds),
        ("_us", Unit::Microseconds),
        ("_ms", Unit::Milliseconds),
        ("_secs", Unit::Seconds),
        ("_sec", Unit::Seconds),
        ("_s", Unit::Seconds),
    ];
    WORDS.iter().find_map(|&(word, unit)| {
        let (base, end) = name.split_at_checked(name.len().checked_sub(word.len())?)?;
        end.eq_ignore_ascii_case(word).then(|| (unit, base.trim_end_matches('_')))
    })
}

/// How the time stamps are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clock {
    Unknown,
    Dates,
    Number(Unit),
}

/// Makes entries of the texts in the columns.
#[derive(Clone, Debug)]
pub(crate) struct Converter {
    clock: Clock,
    work: Option<Unit>,
    duration: Option<Unit>,
    queued: Option<Unit>,
    ends: bool,
    guessed: Option<&'static str>,
}

/// Reasons, each once: they are counted.
const NO_TIME: &str = "there is no time";
const TIME: &str = "the time is neither a number nor a date";
const NUMBER: &str = "the time is not a number in the unit of the others";
const DATE: &str = "the time is not a date as the others are";
const EARLY: &str = "the time less what the request took is before what can be told";
const NO_UNIT: &str =
    "a time that a request took has no unit: times are dates; set time_unit, or name the column with its unit, as latency_ms";

/// Whether a time stamp could not be read, as a header's name of it cannot.
pub(crate) fn is_about_time(reason: &Reason) -> bool {
    matches!(&**reason, TIME | NUMBER | DATE)
}

impl Converter {
    /// With the units that are known, by the names of the columns too.
    pub(crate) fn new<'n>(meaning: Meaning, name_of: impl Fn(Role) -> Option<&'n str>) -> Self {
        let unit = |role: Role| meaning.span.or_else(|| name_of(role).and_then(unit_of_name).map(|(unit, _)| unit)).or(meaning.time);
        Self {
            clock: meaning.time.map_or(Clock::Unknown, Clock::Number),
            work: unit(Role::Work),
            duration: unit(Role::Duration),
            queued: unit(Role::Queued),
            ends: meaning.ends,
            guessed: None,
        }
    }

    /// What was guessed of the time stamps, in words.
    pub(crate) fn guessed(&self) -> Option<&'static str> {
        self.guessed
    }

    /// Puts a column's text in its place.
    #[inline]
    pub(crate) fn set<'a>(&mut self, entry: &mut Entry<'a>, role: Role, text: Text<'a>) -> Result<(), Reason> {
        match role {
            Role::Time => {
                let stamp = self.time(text.trim_ascii())?;
                (entry.at, entry.tick) = (stamp.at, stamp.tick);
            }
            Role::Work => entry.service = span(&text, self.work, "the work is not a time that something can take")?,
            Role::Duration => entry.duration = span(&text, self.duration, "the duration is not a time that something can take")?,
            Role::Key => entry.key = present(text),
            Role::Client => entry.client = present(text),
            Role::Backend => entry.backend = present(text),
            Role::Class => entry.class = present(text),
            Role::Status => set_status(entry, text.trim_ascii())?,
            Role::Bytes => entry.bytes = count(&text, "the bytes are not a whole number")?,
            Role::Input => entry.input = count(&text, "the tokens of the prompt are not a whole number")?,
            Role::Output => entry.output = count(&text, "the tokens made are not a whole number")?,
            Role::Queued => entry.queued = span(&text, self.queued, "the time in a queue is not a time that something can take")?,
            Role::Outcome => set_outcome(entry, text.trim_ascii())?,
            Role::Tries => {
                let tries = count(&text, "the backends tried are not a whole number")?;
                entry.tries = u32::try_from(tries.unwrap_or(0)).unwrap_or(u32::MAX);
            }
        }
        Ok(())
    }

    /// What is left to do once all columns are in their places.
    pub(crate) fn finish(&self, entry: &mut Entry<'_>) -> Result<(), Reason> {
        if !self.ends {
            return Ok(());
        }
        let took = entry.duration.or(entry.service).unwrap_or(0);
        entry.at = i64::try_from(took).ok().and_then(|took| entry.at.checked_sub(took)).ok_or(EARLY)?;
        Ok(())
    }

    fn time(&mut self, text: &[u8]) -> Result<stamp::Stamp, Reason> {
        match self.clock {
            Clock::Number(unit) => {
                if let Some(stamp) = stamp::epoch(text, unit) {
                    return Ok(stamp);
                }
            }
            Clock::Dates => {
                if let Some(stamp) = stamp::iso(text) {
                    return Ok(stamp);
                }
            }
            Clock::Unknown => return self.first_time(text),
        }
        Err(match self.clock {
            _ if is_missing(text) => NO_TIME,
            Clock::Number(_) => NUMBER,
            Clock::Dates | Clock::Unknown => DATE,
        }
        .into())
    }

    /// The first time stamp tells what the others are.
    #[cold]
    fn first_time(&mut self, text: &[u8]) -> Result<stamp::Stamp, Reason> {
        if is_missing(text) {
            return Err(NO_TIME.into());
        }
        let looks_like_date = text.len() >= 10 && text[4] == b'-';
        if let Some(stamp) = stamp::iso(text).filter(|_| looks_like_date) {
            (self.clock, self.guessed) = (Clock::Dates, Some("the times were found to be dates"));
            return Ok(stamp);
        }
        let (unit, words) = guess(text).ok_or(TIME)?;
        let stamp = stamp::epoch(text, unit).ok_or(TIME)?;
        (self.clock, self.guessed) = (Clock::Number(unit), Some(words));
        self.work = self.work.or(Some(unit));
        self.duration = self.duration.or(Some(unit));
        self.queued = self.queued.or(Some(unit));
        Ok(stamp)
    }
}

/// The unit of a number, by its size: what is no time since 1970 in any unit is taken for seconds.
fn guess(text: &[u8]) -> Option<(Unit, &'static str)> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let digits = digits.iter().position(|byte| !byte.is_ascii_digit()).map_or(digits, |end| &digits[..end]);
    let significant = digits.iter().position(|&byte| byte != b'0').map_or(0, |zeros| digits.len() - zeros);
    match significant {
        _ if digits.is_empty() && !text.starts_with(b".") => None,
        0..=11 => Some((Unit::Seconds, "the times were taken for seconds, by the size of the first")),
        12..=14 => Some((Unit::Milliseconds, "the times were taken for milliseconds, by the size of the first")),
        15..=17 => Some((Unit::Microseconds, "the times were taken for microseconds, by the size of the first")),
        18..=20 => Some((Unit::Nanoseconds, "the times were taken for nanoseconds, by the size of the first")),
        _ => None,
    }
}

/// Whether a column says that it has nothing to say.
pub(crate) fn is_missing(text: &[u8]) -> bool {
    matches!(text, b"" | b"-" | b"null" | b"NULL" | b"None")
}

fn present(text: Text<'_>) -> Option<Text<'_>> {
    (!is_missing(&text)).then_some(text)
}

fn span(text: &[u8], unit: Option<Unit>, fault: &'static str) -> Result<Option<u64>, Reason> {
    let text = text.trim_ascii();
    if is_missing(text) {
        return Ok(None);
    }
    let unit = unit.ok_or(NO_UNIT)?;
    match stamp::span(text, unit) {
        Some(Span::Known(span)) => Ok(Some(span)),
        Some(Span::NotReached) => Ok(None),
        None => Err(fault.into()),
    }
}

/// A whole number, maybe with zeros after a point.
fn count(text: &[u8], fault: &'static str) -> Result<Option<u64>, Reason> {
    let text = text.trim_ascii();
    if is_missing(text) {
        return Ok(None);
    }
    let whole = match text.iter().position(|&byte| byte == b'.') {
        Some(dot) if text[dot + 1..].iter().all(|&byte| byte == b'0') => &text[..dot],
        _ => text,
    };
    whole_number(whole).map(Some).ok_or_else(|| fault.into())
}

/// Digits alone, as a number.
pub(crate) fn whole_number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |sum, &byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then_some(())?;
        sum.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// Sets status and outcome. 0, as load generators write it, is a request without an answer.
pub(crate) fn set_status(entry: &mut Entry<'_>, text: &[u8]) -> Result<(), Reason> {
    if is_missing(text) {
        return Ok(());
    }
    let failed = match whole_number(text) {
        Some(0) => true,
        Some(status @ 100..=999) => {
            entry.status = u16::try_from(status).ok();
            status >= 500
        }
        None if !text.iter().all(u8::is_ascii_digit) => {
            let word = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes()));
            word(&["failed", "fail", "failure", "error", "false", "timeout"])
        }
        _ => return Err("the status is not one of HTTP".into()),
    };
    if failed {
        entry.outcome = Outcome::Failed;
    }
    Ok(())
}

/// Sets the outcome, which goes before what the status says.
fn set_outcome(entry: &mut Entry<'_>, text: &[u8]) -> Result<(), Reason> {
    entry.outcome = match text {
        b"succeeded" => Outcome::Succeeded,
        b"failed" => Outcome::Failed,
        b"refused" => Outcome::Refused,
        _ if is_missing(text) => return Ok(()),
        _ => return Err("the outcome is none of succeeded, failed and refused".into()),
    };
    Ok(())
}

/// A name of the record as messages show it: escaped, and cut to 40 characters.
pub(crate) fn shown(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(&name[..name.len().min(200)]);
    let mut out = String::from("\"");
    out.extend(text.chars().take(40).flat_map(char::escape_debug));
    if text.chars().nth(40).is_some() {
        out.push('…');
    }
    out.push('"');
    out
}
