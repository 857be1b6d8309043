//! Tables as text: CSV, TSV and their kin, by the names or numbers of their columns.

use std::borrow::Cow;
use std::io::{BufRead, Read};

use super::columns::{Columns, Converter, Meaning, ROLES, Role, is_about_time, shown, unit_of_name};
use super::presets::{self, Guard, Preset};
use super::records::{MAX_FIELDS, Records, Row};
use super::{Document, DocumentFault};
use crate::scenario::nearest;
use crate::trace::{Entry, Reason, Sink};

/// A column that is wanted.
#[derive(Clone, Debug)]
struct Wanted {
    role: Role,
    name: String,
    needed: bool,
}

/// Reads a table.
#[derive(Clone, Debug)]
pub struct Delimited {
    wanted: Vec<Wanted>,
    has_header: bool,
    /// Columns that are called like a role are taken for it, if none is named.
    finds_roles: bool,
    meaning: Meaning,
    guard: Option<(&'static str, Guard)>,
    delimiter: Option<u8>,
}

impl Delimited {
    /// A table with the columns that are named; a role without a name takes the column that is called like it, if there is one.
    #[must_use]
    pub fn new(columns: &Columns, meaning: Meaning) -> Self {
        let given = ROLES.iter().filter_map(|&role| Some((role, columns.get(role)?)));
        let wanted = given.map(|(role, name)| Wanted { role, name: name.to_owned(), needed: true }).collect();
        let has_header = !columns.are_numbers();
        Self { wanted, has_header, finds_roles: has_header, meaning, guard: None, delimiter: None }
    }

    /// A table that is known by name; see [`presets::names`].
    #[must_use]
    pub fn preset(name: &str) -> Option<Self> {
        presets::by_name(name).map(Self::of)
    }

    fn of(preset: &Preset) -> Self {
        let columns = preset.columns.iter();
        let wanted = columns.map(|known| Wanted { role: known.role, name: known.name.to_owned(), needed: known.needed }).collect();
        let Preset { has_header, meaning, guard, .. } = *preset;
        Self { wanted, has_header, finds_roles: false, meaning, guard, delimiter: Some(b',') }
    }

    /// With a delimiter that is known, where otherwise the first line tells: comma, tab, semicolon or bar.
    #[must_use]
    pub fn delimited_by(self, delimiter: u8) -> Self {
        Self { delimiter: Some(delimiter), ..self }
    }
}

/// Whether the first line looks like one of a table: two fields at least, or the one that says when.
#[must_use]
pub fn recognise(head: &[u8]) -> bool {
    let line = head.split(|&byte| byte == b'\n').next().unwrap_or(head).trim_ascii();
    let is_time = || std::str::from_utf8(line).is_ok_and(is_time);
    !line.is_empty() && !line.contains(&0) && !line.starts_with(b"{") && (line.contains(&delimiter_of(line)) || is_time())
}

/// Whether a column of this name says when, with or without a unit behind: `time`, `timestamp_ms`.
fn is_time(name: &str) -> bool {
    const TIMES: [&str; 6] = ["time", "timestamp", "ts", "start_time", "arrival", "@timestamp"];
    let base = unit_of_name(name).map_or(name, |(_, base)| base);
    TIMES.iter().any(|time| base.eq_ignore_ascii_case(time))
}

/// The delimiter that a line has most of; the comma if it has none.
fn delimiter_of(line: &[u8]) -> u8 {
    let count = |delimiter: u8| line.iter().filter(|&&byte| byte == delimiter).count();
    // Of equal ones `max_by_key` takes the last.
    b"|;\t,".iter().copied().max_by_key(|&delimiter| count(delimiter)).unwrap_or(b',')
}

impl Document for Delimited {
    fn read(&mut self, input: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), DocumentFault> {
        let mut head = Vec::new();
        input.take(1 << 16).read_until(b'\n', &mut head)?;
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
        let delimiter = self.delimiter.unwrap_or_else(|| delimiter_of(head));
        let mut table = Table::new(self);
        Records::new(delimiter).read(&mut head.chain(input), &mut |line, row| table.row(line, row, sink))
    }
}

/// A table being read.
struct Table<'l> {
    layout: &'l Delimited,
    /// The columns found, once the first row has been.
    bound: Option<Bound>,
}

struct Bound {
    columns: Vec<(Role, usize)>,
    guard: Option<(usize, Guard)>,
    /// How many fields a row has.
    width: usize,
    converter: Converter,
    said: bool,
    is_first: bool,
}

impl<'l> Table<'l> {
    fn new(layout: &'l Delimited) -> Self {
        Self { layout, bound: None }
    }

    fn row(&mut self, line: u64, row: Row<'_>, sink: &mut dyn Sink) -> Result<(), DocumentFault> {
        if row.is_empty() {
            return Ok(sink.other(line, "an empty line")?);
        }
        let Some(bound) = &mut self.bound else { return self.first(line, row, sink) };
        if row.count != bound.width {
            return Ok(sink.unreadable(line, bound.wrong_width(row.count))?);
        }
        bound.request(line, row, sink)
    }

    #[cold]
    fn first(&mut self, line: u64, row: Row<'_>, sink: &mut dyn Sink) -> Result<(), DocumentFault> {
        let wrong = |reason: String| DocumentFault::Wrong { at: line, reason: reason.into() };
        if row.count > MAX_FIELDS {
            return Err(wrong(format!("the first row has {} fields; a table has at most {MAX_FIELDS}", row.count)));
        }
        if !self.layout.has_header {
            let bound = self.bound.insert(bind_numbers(self.layout, row).map_err(wrong)?);
            return bound.request(line, row, sink);
        }
        self.bound = Some(bind_names(self.layout, row).map_err(wrong)?);
        Ok(sink.other(line, "a header")?)
    }
}

impl Bound {
    fn request(&mut self, line: u64, row: Row<'_>, sink: &mut dyn Sink) -> Result<(), DocumentFault> {
        if let Some((index, guard)) = self.guard
            && let Some(what) = row.get(index).and_then(guard)
        {
            return Ok(sink.other(line, what)?);
        }
        let mut entry = Entry::default();
        let read = self.fill(&mut entry, row);
        if !self.said {
            if std::mem::take(&mut self.is_first) && read.as_ref().is_err_and(is_about_time) {
                return Ok(sink.other(line, "a header that nobody asked for")?);
            }
            if let Some(guessed) = self.converter.guessed() {
                sink.other(line, guessed)?;
            }
            self.said = read.is_ok() || self.converter.guessed().is_some();
        }
        match read {
            Ok(()) => Ok(sink.request(&entry)?),
            Err(reason) => Ok(sink.unreadable(line, reason)?),
        }
    }

    #[inline]
    fn fill<'a>(&mut self, entry: &mut Entry<'a>, row: Row<'a>) -> Result<(), Reason> {
        for &(role, index) in &self.columns {
            let text = row.get(index).unwrap_or_default();
            self.converter.set(entry, role, Cow::Borrowed(text))?;
        }
        self.converter.finish(entry)
    }

    #[cold]
    fn wrong_width(&self, count: usize) -> Reason {
        match count {
            0..=64 => format!("a row of {count} fields where the first has {}", self.width).into(),
            _ => format!("a row of more than 64 fields where the first has {}", self.width).into(),
        }
    }
}

/// Finds columns by number.
fn bind_numbers(layout: &Delimited, row: Row<'_>) -> Result<Bound, String> {
    let mut columns = Vec::new();
    for wanted in &layout.wanted {
        let number = wanted.name.parse::<usize>().unwrap_or(0);
        if number == 0 || number > row.count {
            return Err(format!("`{}` is column {}, and the first row has {} fields", wanted.role.name(), wanted.name, row.count));
        }
        columns.push((wanted.role, number - 1));
    }
    if !columns.iter().any(|&(role, _)| role == Role::Time) {
        return Err("no column is named for the time of a request; say which with columns = { time = 1 }".into());
    }
    // Numbers have no name that could tell a unit.
    let converter = Converter::new(layout.meaning, |_| None);
    Ok(Bound { columns, guard: None, width: row.count, converter, said: false, is_first: true })
}

/// Finds columns by the names of a header.
fn bind_names(layout: &Delimited, row: Row<'_>) -> Result<Bound, String> {
    let header: Vec<Cow<'_, str>> = row.iter().map(|name| String::from_utf8_lossy(name.trim_ascii())).collect();
    let mut columns: Vec<(Role, usize)> = Vec::new();
    for wanted in &layout.wanted {
        match header.iter().position(|name| *name == wanted.name) {
            Some(index) => columns.push((wanted.role, index)),
            None if wanted.needed => return Err(missing(wanted.role, &wanted.name, &header)),
            None => {}
        }
    }
    if layout.finds_roles {
        find_roles(&header, &mut columns);
    }
    let name_of = |role| columns.iter().find(|&&(of, _)| of == role).map(|&(_, index)| &*header[index]);
    let Some(time) = name_of(Role::Time) else { return Err(missing(Role::Time, "time", &header)) };
    let mut meaning = layout.meaning;
    meaning.time = meaning.time.or_else(|| unit_of_name(time).map(|(unit, _)| unit));
    let converter = Converter::new(meaning, name_of);
    let guard = match layout.guard {
        Some((name, guard)) => {
            let index = header.iter().position(|found| found == name);
            Some((index.ok_or_else(|| format!("there is no column {}; {}", shown(name.as_bytes()), found(&header)))?, guard))
        }
        None => None,
    };
    Ok(Bound { columns, guard, width: row.count, converter, said: false, is_first: false })
}

/// Takes columns that are called like a role, with or without a unit behind: `time`, `timestamp`, `work_ms`.
fn find_roles(header: &[Cow<'_, str>], columns: &mut Vec<(Role, usize)>) {
    for role in ROLES {
        if columns.iter().any(|&(known, _)| known == role) {
            continue;
        }
        let is_role = |name: &str| {
            if role == Role::Time {
                return is_time(name);
            }
            let base = if role.is_span() { unit_of_name(name).map_or(name, |(_, base)| base) } else { name };
            base.eq_ignore_ascii_case(role.name())
        };
        let taken = |index: usize| columns.iter().any(|&(_, known)| known == index);
        if let Some(index) = (0..header.len()).find(|&index| is_role(&header[index]) && !taken(index)) {
            columns.push((role, index));
        }
    }
}

/// There is no such column: which there are, and which may be meant.
fn missing(role: Role, name: &str, header: &[Cow<'_, str>]) -> String {
    let hint = match nearest(name, header.iter().map(|name| &**name)) {
        Some(near) => format!("; did you mean {}?", shown(near.as_bytes())),
        None => String::new(),
    };
    let role = role.name();
    let is_number = |name: &Cow<'_, str>| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit() || b".-+eE".contains(&byte));
    if header.iter().all(is_number) {
        let found = found(header);
        return format!("there is no header: {found}, numbers alone; name columns by number: columns = {{ {role} = 1 }}");
    }
    format!("there is no column {}; {}{hint}; say which it is with columns = {{ {role} = \"…\" }}", shown(name.as_bytes()), found(header))
}

fn found(header: &[Cow<'_, str>]) -> String {
    let names: Vec<String> = header.iter().take(40).map(|name| shown(name.as_bytes())).collect();
    let more = if header.len() > 40 { format!(" and {} more", header.len() - 40) } else { String::new() };
    format!("the first row has {}{more}", names.join(", "))
}

#[cfg(test)]
mod tests;
