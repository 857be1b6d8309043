//! Lines of JSON, an object each, by the paths of what is wanted.

use std::borrow::Cow;

use super::columns::{Columns, Converter, Meaning, ROLES, Role, is_missing};
use super::pull::{JsonFault, Kind, Piece, Pull};
use crate::trace::entry::Text;
use crate::trace::stamp::Unit;
use crate::trace::{Entry, Line, LineFormat, Outcome, Reason};

/// The most paths of a format.
const MAX_PATHS: usize = 24;

/// What a path is for.
#[derive(Clone, Copy, Debug)]
enum Use {
    /// Of several for a role, the first that has a value counts.
    Of(Role),
    /// Says why a line is no request.
    Guard(fn(&[u8]) -> Option<&'static str>),
    /// Envoy's response flags.
    Flags,
}

/// Where something is: `data.tags.url`, `hash_ids.0`. A key may have dots of its own.
#[derive(Clone, Debug)]
struct Path {
    purpose: Use,
    path: String,
}

/// Reads lines of JSON.
#[derive(Clone, Debug)]
pub struct JsonLines {
    paths: Vec<Path>,
    converter: Converter,
    buffer: Vec<u8>,
}

/// Which paths have led here, as bits, and how many of their bytes are done.
#[derive(Clone, Copy, Debug, Default)]
struct Followed {
    active: u32,
    done: [u16; MAX_PATHS],
}

impl Followed {
    #[inline]
    fn lead(&mut self, number: usize, done: usize) {
        // Paths are shorter than 4,096 bytes.
        self.done[number] = u16::try_from(done).unwrap_or(u16::MAX);
        self.active |= 1 << number;
    }
}

/// What was found at each path.
type Found<'a> = [Option<Text<'a>>; MAX_PATHS];

impl JsonLines {
    /// With paths for the roles; without any, members of the outermost object that are called like a role.
    #[must_use]
    pub fn new(columns: &Columns, meaning: Meaning) -> Self {
        const TIMES: [&str; 6] = ["time", "timestamp", "ts", "@timestamp", "start_time", "arrival"];
        let mut paths = Vec::new();
        for role in ROLES {
            match columns.get(role) {
                Some(path) => paths.push((Use::Of(role), path)),
                None if role == Role::Time => paths.extend(TIMES.map(|path| (Use::Of(role), path))),
                None => paths.push((Use::Of(role), role.name())),
            }
        }
        Self::of(&paths, meaning, |role| columns.get(role))
    }

    fn of<'n>(paths: &[(Use, &str)], meaning: Meaning, name_of: impl Fn(Role) -> Option<&'n str>) -> Self {
        // A path that is longer than what is kept of a key could not be found.
        let paths = paths.iter().filter(|(_, path)| path.len() < 4096).take(MAX_PATHS);
        let paths = paths.map(|&(purpose, path)| Path { purpose, path: path.to_owned() }).collect();
        Self { paths, converter: Converter::new(meaning, name_of), buffer: Vec::new() }
    }

    /// A format that is known by name; see [`names`].
    #[must_use]
    pub fn preset(name: &str) -> Option<Self> {
        let (_, paths, meaning) = PRESETS.iter().find(|(known, ..)| *known == name)?;
        Some(Self::of(paths, *meaning, |_| None))
    }

    /// What was guessed of the time stamps, in words.
    #[must_use]
    pub fn guessed(&self) -> Option<&'static str> {
        self.converter.guessed()
    }

    fn entry<'a>(&mut self, found: &mut Found<'a>) -> Result<Result<Entry<'a>, &'static str>, Reason> {
        let mut entry = Entry::default();
        let mut done = [false; ROLES.len()];
        for (path, found) in self.paths.iter().zip(found) {
            match path.purpose {
                Use::Guard(guard) => {
                    if let Some(what) = guard(found.as_deref().unwrap_or_default()) {
                        return Ok(Err(what));
                    }
                }
                Use::Flags => set_flags(&mut entry, found.as_deref().unwrap_or_default()),
                Use::Of(role) => {
                    if let Some(text) = found.take().filter(|text| !done[role as usize] && !is_missing(text)) {
                        done[role as usize] = true;
                        self.converter.set(&mut entry, role, text)?;
                    }
                }
            }
        }
        if !done[Role::Time as usize] {
            return Err("there is no time".into());
        }
        self.converter.finish(&mut entry)?;
        Ok(Ok(entry))
    }
}

impl LineFormat for JsonLines {
    fn read<'a>(&mut self, line: &'a [u8]) -> Line<'a> {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        if line.trim_ascii().is_empty() {
            return Line::Other("an empty line");
        }
        let mut walk = Walk {
            pull: Pull::with_buffer(line, std::mem::take(&mut self.buffer)),
            line,
            paths: &self.paths,
            found: [const { None }; MAX_PATHS],
        };
        let walked = walk.all();
        let mut found = walk.found;
        self.buffer = walk.pull.into_buffer();
        let entry = match walked {
            Ok(()) => self.entry(&mut found),
            Err(JsonFault::Wrong(what)) => Err(what.into()),
            Err(JsonFault::Io(_)) => Err("the line cannot be read".into()),
        };
        match entry {
            Ok(Ok(entry)) => Line::Request(entry),
            Ok(Err(what)) => Line::Other(what),
            Err(reason) => Line::Unreadable(reason),
        }
    }
}

/// A line being looked through.
struct Walk<'a, 'p> {
    pull: Pull<&'a [u8]>,
    line: &'a [u8],
    paths: &'p [Path],
    found: Found<'a>,
}

impl<'a> Walk<'a, '_> {
    fn all(&mut self) -> Result<(), JsonFault> {
        if self.pull.kind()? != Kind::Object {
            return Err(JsonFault::Wrong("the line is no JSON object"));
        }
        let active = (1 << self.paths.len()) - 1;
        self.object(&Followed { active, ..Followed::default() })?;
        match self.pull.peek()? {
            None => Ok(()),
            Some(_) => Err(JsonFault::Wrong("something follows the JSON object of the line")),
        }
    }

    fn object(&mut self, followed: &Followed) -> Result<(), JsonFault> {
        let mut members = self.pull.enter()?;
        let mut next = Followed::default();
        while self.pull.next_key(&mut members)? {
            let leaf = self.follow(followed, &mut next);
            self.value(leaf, &next)?;
        }
        Ok(())
    }

    fn array(&mut self, followed: &Followed) -> Result<(), JsonFault> {
        let mut members = self.pull.enter()?;
        let mut next = Followed::default();
        for index in 0.. {
            let (leaf, has_later) = self.follow_index(followed, &mut next, index);
            if !has_later {
                return self.pull.leave_array();
            }
            if !self.pull.next_item(&mut members)? {
                break;
            }
            self.value(leaf, &next)?;
        }
        Ok(())
    }

    /// Which paths end at the key, as bits; `next` becomes those that lead on from it.
    #[inline]
    fn follow(&self, followed: &Followed, next: &mut Followed) -> u32 {
        let (mut leaf, mut left) = (0, followed.active);
        next.active = 0;
        let key = self.pull.text();
        while left != 0 {
            let number = left.trailing_zeros() as usize;
            left &= left - 1;
            let path = self.paths[number].path.as_bytes();
            let rest = &path[usize::from(followed.done[number])..];
            if rest.first() != key.first() {
                continue;
            }
            match rest.strip_prefix(key) {
                Some([]) => leaf |= 1 << number,
                Some([b'.', after @ ..]) => next.lead(number, path.len() - after.len()),
                _ => {}
            }
        }
        leaf
    }

    /// The same for an item of an array. Besides: whether this item or a later one is wanted.
    fn follow_index(&self, followed: &Followed, next: &mut Followed, index: u64) -> (u32, bool) {
        let (mut leaf, mut has_later) = (0, false);
        next.active = 0;
        for number in (0..self.paths.len()).filter(|number| followed.active >> number & 1 == 1) {
            let path = &self.paths[number].path;
            let rest = &path[usize::from(followed.done[number])..];
            let (first, after) = rest.split_once('.').map_or((rest, None), |(first, after)| (first, Some(after)));
            let wanted: Option<u64> = first.parse().ok();
            has_later |= wanted >= Some(index);
            match after {
                _ if wanted != Some(index) => {}
                None => leaf |= 1 << number,
                Some(after) => next.lead(number, path.len() - after.len()),
            }
        }
        (leaf, has_later)
    }

    #[inline]
    fn value(&mut self, leaf: u32, next: &Followed) -> Result<(), JsonFault> {
        if leaf == 0 && next.active == 0 {
            return self.pull.skip();
        }
        match self.pull.kind()? {
            Kind::Object if next.active != 0 => self.object(next),
            Kind::Array if next.active != 0 => self.array(next),
            _ => {
                let text = self.pull.scalar()?.map(|piece| self.text(piece));
                let mut left = leaf;
                while left != 0 {
                    self.found[left.trailing_zeros() as usize].clone_from(&text);
                    left &= left - 1;
                }
                Ok(())
            }
        }
    }

    /// A value as it stands in the line, or a copy where it had escapes.
    fn text(&self, piece: Piece) -> Text<'a> {
        if piece.is_plain { Cow::Borrowed(&self.line[piece.start..piece.end]) } else { Cow::Owned(self.pull.text().to_vec()) }
    }
}

/// What Envoy's flags say of a request's end.
fn set_flags(entry: &mut Entry<'_>, flags: &[u8]) {
    // No healthy host, no route, no cluster, circuit breaker open, rate limited, denied: no backend saw it.
    const REFUSED: [&[u8]; 8] = [b"UH", b"NR", b"NC", b"UO", b"RL", b"RLSE", b"UAEX", b"OM"];
    const FAILED: [&[u8]; 10] = [b"UF", b"UT", b"URX", b"UR", b"UC", b"LR", b"UPE", b"SI", b"DT", b"UMSDR"];
    for flag in flags.split(|&byte| byte == b',') {
        if REFUSED.contains(&flag) {
            entry.outcome = Outcome::Refused;
        } else if FAILED.contains(&flag) && entry.outcome == Outcome::Succeeded {
            entry.outcome = Outcome::Failed;
        }
    }
}

fn of_k6(kind: &[u8]) -> Option<&'static str> {
    (kind != b"Point").then_some("the definition of a metric of k6")
}

fn of_duration(metric: &[u8]) -> Option<&'static str> {
    (metric != b"http_req_duration").then_some("another metric of k6")
}

/// A format that is known by name: its paths and what its numbers mean.
type Preset = (&'static str, &'static [(Use, &'static str)], Meaning);

const PRESETS: [Preset; 4] = [
    // Milliseconds from the trace's start. A hash id stands for 512 tokens of a prompt, so requests that share one share what comes before
    // it too. The first is the same in all of the conversation trace (a system prompt), so the second is the key: the first that tells
    // conversations apart.
    (
        "mooncake",
        &[
            (Use::Of(Role::Time), "timestamp"),
            (Use::Of(Role::Key), "hash_ids.1"),
            (Use::Of(Role::Key), "hash_ids.0"),
            (Use::Of(Role::Input), "input_length"),
            (Use::Of(Role::Output), "output_length"),
        ],
        Meaning { time: Some(Unit::Milliseconds), span: Some(Unit::Milliseconds), ends: false },
    ),
    // As for k6's CSV: the stamp is the end, and nothing ties http_req_waiting to its request.
    (
        "k6-json",
        &[
            (Use::Guard(of_k6), "type"),
            (Use::Guard(of_duration), "metric"),
            (Use::Of(Role::Time), "data.time"),
            (Use::Of(Role::Duration), "data.value"),
            (Use::Of(Role::Key), "data.tags.url"),
            (Use::Of(Role::Class), "data.tags.scenario"),
            (Use::Of(Role::Status), "data.tags.status"),
        ],
        Meaning { time: None, span: Some(Unit::Milliseconds), ends: true },
    ),
    (
        "vegeta-json",
        &[
            (Use::Of(Role::Time), "timestamp"),
            (Use::Of(Role::Duration), "latency"),
            (Use::Of(Role::Key), "url"),
            (Use::Of(Role::Class), "attack"),
            (Use::Of(Role::Status), "code"),
            (Use::Of(Role::Bytes), "bytes_in"),
        ],
        Meaning { time: None, span: Some(Unit::Nanoseconds), ends: false },
    ),
    // The keys are the user's to choose; these are common. The stamp is the start.
    (
        "envoy-json",
        &[
            (Use::Of(Role::Time), "start_time"),
            (Use::Of(Role::Work), "upstream_service_time"),
            (Use::Of(Role::Work), "x-envoy-upstream-service-time"),
            (Use::Of(Role::Work), "x_envoy_upstream_service_time"),
            (Use::Of(Role::Duration), "duration"),
            (Use::Of(Role::Key), "x-envoy-original-path"),
            (Use::Of(Role::Key), "x_envoy_original_path"),
            (Use::Of(Role::Key), "path"),
            (Use::Of(Role::Client), "x_forwarded_for"),
            (Use::Of(Role::Client), "x-forwarded-for"),
            (Use::Of(Role::Client), "downstream_remote_address"),
            (Use::Of(Role::Backend), "upstream_host"),
            (Use::Of(Role::Class), "upstream_cluster"),
            (Use::Of(Role::Class), "authority"),
            (Use::Of(Role::Status), "response_code"),
            (Use::Of(Role::Bytes), "bytes_sent"),
            (Use::Flags, "response_flags"),
        ],
        Meaning { time: None, span: Some(Unit::Milliseconds), ends: false },
    ),
];

/// The names of the formats that are known.
pub fn names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|&(name, ..)| name)
}

/// Whether a file's first bytes may be lines of JSON objects.
#[must_use]
pub fn recognise(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let [b'{', rest @ ..] = head else { return false };
    matches!(rest.trim_ascii_start(), [] | [b'"' | b'}', ..])
}

/// Which known format of JSON lines a file is, by its first bytes.
#[must_use]
pub fn recognise_preset(head: &[u8]) -> Option<&'static str> {
    if !recognise(head) {
        return None;
    }
    let line = head.split(|&byte| byte == b'\n').next().unwrap_or(head);
    let has = |keys: &[&str]| keys.iter().all(|key| memchr::memmem::find(line, format!("\"{key}\"").as_bytes()).is_some());
    [
        ("mooncake", has(&["timestamp", "input_length", "output_length"])),
        ("k6-json", has(&["type", "metric", "data"])),
        ("vegeta-json", has(&["attack", "seq", "code", "latency"])),
        ("envoy-json", has(&["start_time", "response_code"])),
    ]
    .into_iter()
    .find_map(|(name, is_it)| is_it.then_some(name))
}

#[cfg(test)]
mod tests;
