//! From byte offsets to lines, columns and excerpts.

use std::ops::Range;

use crate::escape::{is_harmful, push_visible};

/// The widest excerpt of a line, in characters.
const WINDOW: usize = 96;

/// The texts that a scenario is made of: the file, then one per override.
#[derive(Debug, Default)]
pub(crate) struct Sources(Vec<Text>);

/// One text and how it is called.
#[derive(Debug)]
struct Text {
    name: String,
    text: String,
    is_flag: bool,
}

/// A stretch of one of the [`Sources`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) source: usize,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Place {
    pub(crate) fn new(source: usize, span: Range<usize>) -> Self {
        Self { source, start: span.start, end: span.end }
    }
}

/// Where something stands, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file as the caller called it, or the option, for example `--set`.
    pub source: String,
    /// Whether it stands in an option on the command line.
    pub is_flag: bool,
    /// 1 for the first line.
    pub line: usize,
    /// 1 for the first character of the line.
    pub column: usize,
    /// What is around it.
    pub excerpt: Excerpt,
}

/// A window on one line, escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// At most 100 characters of the line, unless escapes make it longer.
    pub text: String,
    /// Characters of `text` before the marked part.
    pub indent: usize,
    /// Characters of the marked part: at least 1.
    pub width: usize,
}

impl Sources {
    /// Adds a text; gives its number.
    pub(crate) fn add(&mut self, name: &str, text: String, is_flag: bool) -> usize {
        self.0.push(Text { name: crate::escape::visible(name, 256), text, is_flag });
        self.0.len() - 1
    }

    /// The text at a place.
    pub(crate) fn slice(&self, place: Place) -> &str {
        self.0.get(place.source).and_then(|source| source.text.get(place.start..place.end)).unwrap_or("")
    }

    /// Whether the place is in an option on the command line.
    pub(crate) fn is_flag(&self, place: Place) -> bool {
        self.0.get(place.source).is_some_and(|source| source.is_flag)
    }

    /// Lines and columns of many places, found in one walk over each text.
    pub(crate) fn locate(&self, mut places: Vec<Place>) -> Located<'_> {
        places.sort_unstable();
        places.dedup();
        let mut found = Vec::with_capacity(places.len());
        let mut walk = Walk::default();
        for place in places {
            if walk.source != place.source {
                walk = Walk { source: place.source, ..Walk::default() };
            }
            walk.advance(&self.0[place.source].text, place.start);
            found.push((place, walk.line, walk.line_start, walk.column));
        }
        Located { sources: self, found }
    }
}

/// A position that only moves forward.
#[derive(Debug, Default)]
struct Walk {
    source: usize,
    offset: usize,
    line: usize,
    line_start: usize,
    column: usize,
}

impl Walk {
    fn advance(&mut self, text: &str, to: usize) {
        let mut to = to.min(text.len());
        while !text.is_char_boundary(to) {
            to -= 1;
        }
        for (index, byte) in text.as_bytes()[self.offset..to].iter().enumerate() {
            match byte {
                b'\n' => {
                    self.line += 1;
                    self.line_start = self.offset + index + 1;
                    self.column = 0;
                }
                0x80..=0xbf => {}
                _ => self.column += 1,
            }
        }
        self.offset = to;
    }
}

/// Places with their lines.
#[derive(Debug)]
pub(crate) struct Located<'a> {
    sources: &'a Sources,
    found: Vec<(Place, usize, usize, usize)>,
}

impl Located<'_> {
    /// Where a place is that was among those asked for.
    pub(crate) fn location(&self, place: Place) -> Location {
        let index = self.found.binary_search_by_key(&place, |found| found.0).expect("every place of a finding was located");
        let (_, line, line_start, column) = self.found[index];
        let source = &self.sources.0[place.source];
        let excerpt = excerpt(&source.text, line_start, place.start.max(line_start), place.end);
        Location { source: source.name.clone(), is_flag: source.is_flag, line: line + 1, column: column + 1, excerpt }
    }
}

/// The window of a line around a marked stretch.
fn excerpt(text: &str, line_start: usize, start: usize, end: usize) -> Excerpt {
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(start);
    let before: Vec<char> = text[floor(line_start)..start].chars().rev().take(WINDOW / 2 + 1).collect();
    let is_cut = before.len() > WINDOW / 2;
    let shown_before = before.len().min(WINDOW / 2);
    let mut out = String::from(if is_cut { "…" } else { "" });
    before[..shown_before].iter().rev().for_each(|&c| push_flat(&mut out, c));
    let indent = out.chars().count();
    let mut width = 0;
    for (index, (offset, c)) in text[start..].char_indices().take_while(|(_, c)| !matches!(c, '\n' | '\r')).enumerate() {
        if index + shown_before >= WINDOW {
            out.push('…');
            break;
        }
        let length = out.len();
        push_flat(&mut out, c);
        if start + offset < end {
            width += out[length..].chars().count();
        }
    }
    Excerpt { text: out.trim_end().to_owned(), indent, width: width.max(1) }
}

/// As [`push_visible`], but a tab is one blank, so that carets stand under what they mean.
fn push_flat(out: &mut String, c: char) {
    match c {
        '\t' => out.push(' '),
        '\u{a0}' => out.push(' '),
        c if is_harmful(c) => push_visible(out, c),
        c => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(text: &str, span: Range<usize>) -> Location {
        let mut sources = Sources::default();
        sources.add("f", text.to_owned(), false);
        let place = Place::new(0, span);
        sources.locate(vec![place]).location(place)
    }

    #[test]
    fn columns_count_characters() {
        let at = location("a = 1\né = \"ü\" x", 12..14);
        assert_eq!((at.line, at.column), (2, 6));
        assert_eq!(at.excerpt, Excerpt { text: "é = \"ü\" x".into(), indent: 5, width: 1 });
    }

    #[test]
    fn the_end_of_a_text_is_a_place() {
        let at = location("rate = ", 7..7);
        assert_eq!((at.line, at.column, at.excerpt.indent), (1, 8, 7));
        assert_eq!((location("", 0..0).line, location("a\n", 9..12).line), (1, 2));
    }

    #[test]
    fn excerpts_are_windows() {
        let text = format!("{}X{}", "é".repeat(5000), "ü".repeat(5000));
        let at = location(&text, 10_000..10_001);
        assert!(at.excerpt.text.chars().count() <= 100);
        assert_eq!(at.excerpt.text.chars().nth(at.excerpt.indent), Some('X'));
        assert_eq!(at.column, 5001);
    }

    #[test]
    fn escapes_keep_the_caret_in_place() {
        let at = location("a = \"\u{1b}[2J\" zz", 12..13);
        assert_eq!(at.excerpt.text.chars().nth(at.excerpt.indent), Some('z'));
        assert!(!at.excerpt.text.contains('\u{1b}'));
    }
}
