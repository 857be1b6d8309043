//! A picture of what a terminal shows: text with colours as an SVG that needs nothing but a monospaced font.
//!
//! Every run of one look is placed at its own column, so that tables stay straight in any such font.

use std::fmt::Write;

/// Width of a character and height of a line, in pixels, at a font size of 14.
const CHARACTER: f64 = 8.43;
const LINE: f64 = 20.0;
const MARGIN: f64 = 16.0;

/// How a run of text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Look {
    bold: bool,
    faint: bool,
    colour: Option<u8>,
}

impl Look {
    /// After one more number of an escape sequence.
    fn then(self, number: u8) -> Self {
        match number {
            0 => Self::default(),
            1 => Self { bold: true, ..self },
            2 => Self { faint: true, ..self },
            31..=37 => Self { colour: Some(number), ..self },
            other => panic!("the program uses no escape sequence with {other}"),
        }
    }

    /// Colours that can be told apart on the dark ground by everybody (after Okabe and Ito).
    fn attributes(self) -> String {
        let fill = match (self.colour, self.faint) {
            (Some(31), _) => "#f0826a",
            (Some(32), _) => "#3ecfa0",
            (Some(33), _) => "#e9b44c",
            (_, true) => "#9aa7b4",
            _ => "#e6edf3",
        };
        let weight = if self.bold { " font-weight=\"bold\"" } else { "" };
        format!("fill=\"{fill}\"{weight}")
    }
}

/// One line as runs: column, look, text.
fn runs(line: &str, look: &mut Look) -> Vec<(usize, Look, String)> {
    let (mut runs, mut column) = (Vec::<(usize, Look, String)>::new(), 0);
    let mut rest = line;
    while !rest.is_empty() {
        if let Some(escape) = rest.strip_prefix("\u{1b}[") {
            let (numbers, after) = escape.split_once('m').expect("the program writes whole escape sequences");
            *look = numbers.split(';').fold(*look, |look, number| look.then(number.parse().unwrap_or(0)));
            rest = after;
            continue;
        }
        let text = &rest[..rest.find('\u{1b}').unwrap_or(rest.len())];
        runs.push((column, *look, text.to_owned()));
        column += text.chars().count();
        rest = &rest[text.len()..];
    }
    runs
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Without its escape sequences.
fn plain(text: &str) -> String {
    text.lines().map(|line| runs(line, &mut Look::default()).into_iter().map(|(_, _, text)| text).collect::<String>() + "\n").collect()
}

/// What stands between two or more spaces, with its column.
fn words(text: &str) -> Vec<(usize, &str)> {
    let mut at = 0;
    let pieces = text.split("  ").map(|piece| {
        let begin = at + piece.chars().take_while(|c| *c == ' ').count();
        at += piece.chars().count() + 2;
        (begin, piece.trim())
    });
    pieces.filter(|(_, piece)| !piece.is_empty()).collect()
}

/// The picture.
pub(crate) fn draw(title: &str, text: &str) -> String {
    let columns = plain(text).lines().map(|line| line.chars().count()).max().unwrap_or(0);
    let (width, height) = (columns as f64 * CHARACTER + 2.0 * MARGIN, text.lines().count() as f64 * LINE + 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\">\n\
         <title>{}</title>\n<desc>{}</desc>\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#10161d\"/>\n\
         <g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"14\">\n",
        escaped(title),
        escaped(plain(text).trim_end())
    );
    let mut look = Look::default();
    for (number, line) in text.lines().enumerate() {
        let y = MARGIN + LINE * (number as f64 + 0.75);
        for (column, look, text) in runs(line, &mut look) {
            for (at, word) in words(&text) {
                let x = MARGIN + (column + at) as f64 * CHARACTER;
                writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.0}\" {}>{}</text>", look.attributes(), escaped(word))
                    .expect("a string takes everything");
            }
        }
    }
    svg + "</g>\n</svg>\n"
}

#[test]
fn looks_and_columns_are_kept() {
    let mut look = Look::default();
    let found = runs("a \u{1b}[1m\u{1b}[32mbest\u{1b}[0m <", &mut look);
    let best = Look { bold: true, colour: Some(32), faint: false };
    assert_eq!(found, [(0, Look::default(), "a ".to_owned()), (2, best, "best".to_owned()), (6, Look::default(), " <".to_owned())]);
    assert_eq!(words("  ab c   d "), [(2, "ab c"), (9, "d")]);
    assert!(draw("t", "a < b").contains("a &lt; b"));
}
