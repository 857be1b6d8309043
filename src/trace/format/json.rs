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

/// How far each path has been followed: the bytes that are done; `None` where it went another way.
type Followed = [Option<u16>; MAX_PATHS];

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
        Self::of(&paths, meaning, columns.get(Role::Work), columns.get(Role::Duration))
    }

    fn of(paths: &[(Use, &str)], meaning: Meaning, work: Option<&str>, duration: Option<&str>) -> Self {
        // A path that is longer than what is kept of a key could not be found.
        let paths = paths.iter().filter(|(_, path)| path.len() < 4096).take(MAX_PATHS);
        let paths = paths.map(|&(purpose, path)| Path { purpose, path: path.to_owned() }).collect();
        Self { paths, converter: Converter::new(meaning, work, duration), buffer: Vec::new() }
    }

    /// A format that is known by name; see [`names`].
    #[must_use]
    pub fn preset(name: &str) -> Option<Self> {
        let (_, paths, meaning) = PRESETS.iter().find(|(known, ..)| *known == name)?;
        Some(Self::of(paths, *meaning, None, None))
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
        let mut start = [None; MAX_PATHS];
        start[..self.paths.len()].fill(Some(0));
        self.object(&start)?;
        match self.pull.peek()? {
            None => Ok(()),
            Some(_) => Err(JsonFault::Wrong("something follows the JSON object of the line")),
        }
    }

    fn object(&mut self, followed: &Followed) -> Result<(), JsonFault> {
        let mut members = self.pull.enter()?;
        while self.pull.next_key(&mut members)? {
            let (leaf, next) = self.follow(followed);
            self.value(leaf, next)?;
        }
        Ok(())
    }

    fn array(&mut self, followed: &Followed) -> Result<(), JsonFault> {
        let mut members = self.pull.enter()?;
        let mut index = 0_u64;
        while self.pull.next_item(&mut members)? {
            let (mut leaf, mut next) = (0, None);
            for (number, path) in self.rests(followed) {
                let (first, rest) = path.split_once('.').unwrap_or((path, ""));
                if first.parse() == Ok(index) {
                    mark(&mut leaf, &mut next, number, rest.is_empty(), self.paths[number].path.len() - rest.len());
                }
            }
            self.value(leaf, next)?;
            index += 1;
        }
        Ok(())
    }

    /// What is left of each path that came here.
    fn rests<'s>(&'s self, followed: &'s Followed) -> impl Iterator<Item = (usize, &'s str)> {
        let paths = self.paths.iter().zip(followed).enumerate();
        paths.filter_map(|(number, (path, done))| Some((number, &path.path[usize::from((*done)?)..])))
    }

    /// Which paths end at the key, as bits, and which lead on from it.
    fn follow(&self, followed: &Followed) -> (u32, Option<Followed>) {
        let (mut leaf, mut next) = (0, None);
        let key = self.pull.text();
        for (number, path) in self.rests(followed) {
            match path.as_bytes().strip_prefix(key) {
                Some([]) => mark(&mut leaf, &mut next, number, true, 0),
                Some([b'.', rest @ ..]) => mark(&mut leaf, &mut next, number, false, self.paths[number].path.len() - rest.len()),
                _ => {}
            }
        }
        (leaf, next)
    }

    fn value(&mut self, leaf: u32, next: Option<Followed>) -> Result<(), JsonFault> {
        match (next, self.pull.kind()?) {
            (Some(next), Kind::Object) => self.object(&next),
            (Some(next), Kind::Array) => self.array(&next),
            _ if leaf == 0 => self.pull.skip(),
            _ => {
                let text = self.pull.scalar()?.map(|piece| self.text(piece));
                (0..MAX_PATHS).filter(|number| leaf >> number & 1 == 1).for_each(|number| self.found[number].clone_from(&text));
                Ok(())
            }
        }
    }

    /// A value as it stands in the line, or a copy where it had escapes.
    fn text(&self, piece: Piece) -> Text<'a> {
        if piece.is_plain { Cow::Borrowed(&self.line[piece.start..piece.end]) } else { Cow::Owned(self.pull.text().to_vec()) }
    }
}

/// Notes that a path ends here, or how far it has come.
fn mark(leaf: &mut u32, next: &mut Option<Followed>, number: usize, is_leaf: bool, done: usize) {
    if is_leaf {
        *leaf |= 1 << number;
    } else {
        next.get_or_insert([None; MAX_PATHS])[number] = u16::try_from(done).ok();
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
