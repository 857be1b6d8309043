//! Two drawings for a terminal: how latencies are distributed, and how they went over time.
//!
//! Eighty columns wide. A line is told by its colour where there are colours (the palette of Okabe and Ito, which every eye tells apart), and in any case by the letter at its
//! end; where there is no braille, its points are that letter. Latency is on a logarithmic scale; the distribution's shares are spaced by nines, so that the tail is seen.

use super::figures::short;
use super::neutral;
use crate::measure::detail::{Detail, FaultSetup, ResultDetail, Windows};
use crate::measure::summary::{ResultSummary, Summary};

/// Columns and rows of a drawing, without its labels.
const COLUMNS: usize = 68;
const ROWS: usize = 12;
/// So wide are the labels on the left.
const LABEL: usize = 9;
/// So many lines are drawn at most, in the order of the scenario.
pub const LINES: usize = 7;
/// How much of the tail is drawn: up to 99.9%.
const NINES: f64 = 3.0;

/// How it is drawn.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    /// With braille dots and lines; else with plain characters.
    pub is_fine: bool,
    /// Gives a text the colour of a line, by its number.
    pub paint: &'a dyn Fn(usize, &str) -> String,
}

impl std::fmt::Debug for Look<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Look").field("is_fine", &self.is_fine).finish_non_exhaustive()
    }
}

/// Both drawings of every variant.
#[must_use]
pub fn draw(summary: &Summary, detail: &Detail, look: Look<'_>) -> String {
    let mut text = String::new();
    for setup in &detail.setups {
        let all = summary.results.iter().zip(&detail.results).filter(|(result, _)| result.variant == setup.variant);
        let drawn: Vec<_> = all.take(LINES).collect();
        if let Some(variant) = &setup.variant {
            text += &format!("\n{}\n", neutral::fitted(variant, COLUMNS));
        }
        text += &distribution(&drawn, look);
        text += &over_time(&drawn, &setup.faults, look);
        text += &legend(&drawn, look);
    }
    text
}

type Line<'a> = (&'a ResultSummary, &'a ResultDetail);

/// The share of requests that were answered within a time.
fn distribution(lines: &[Line<'_>], look: Look<'_>) -> String {
    let height = |share: f64| libm::log10(1.0 / (1.0 - share).max(1e-12)) / NINES;
    let series: Vec<Vec<(f64, f64)>> = lines
        .iter()
        .map(|(_, detail)| detail.percentiles.iter().map(|point| (point.ms, height(point.share))).filter(|point| point.1 <= 1.0).collect())
        .collect();
    // The few that hardly took any time would take half of the width.
    let usual = series.iter().flatten().filter(|point| point.1 >= height(0.05)).map(|point| point.0);
    let Some(scale) = Scale::of(usual) else { return String::new() };
    let mut canvas = Canvas::new(look.is_fine);
    for (number, points) in series.iter().enumerate() {
        canvas.line(number, points.iter().map(|&(ms, height)| Some((scale.place(ms), height))));
    }
    let shares = [(0.0, "0%"), (0.5, "50%"), (0.9, "90%"), (0.99, "99%"), (0.999, "99.9%")];
    let labels: Vec<(f64, String)> = shares.into_iter().map(|(share, text)| (height(share), text.to_owned())).collect();
    format!("\nAnswered within\n{}{}", canvas.draw(&labels, look), axis(&scale.ends().map(|ms| format!("{} ms", short(ms)))))
}

/// A column of windows.
type Column = fn(&Windows) -> &[Option<f64>];

/// What is drawn over time: the 99th percentile, or where windows are too short for that the mean.
fn figure(lines: &[Line<'_>]) -> (&'static str, Column) {
    let has_tail = |windows: &Windows| 2 * windows.p99_ms.iter().flatten().count() >= windows.len();
    if lines.iter().all(|(_, detail)| has_tail(&detail.windows)) {
        ("99th percentile over time", |windows| &windows.p99_ms)
    } else {
        ("Mean latency over time", |windows| &windows.mean_ms)
    }
}

fn over_time(lines: &[Line<'_>], faults: &[FaultSetup], look: Look<'_>) -> String {
    let (title, values) = figure(lines);
    let Some(scale) = Scale::of(lines.iter().flat_map(|(_, detail)| values(&detail.windows).iter().copied().flatten())) else {
        return String::new();
    };
    let ends = lines.iter().map(|(_, detail)| detail.windows.ends_s).fold(0.0, f64::max);
    let mut canvas = Canvas::new(look.is_fine);
    for (number, (_, detail)) in lines.iter().enumerate() {
        let windows = &detail.windows;
        let points = values(windows).iter().enumerate().map(|(at, value)| {
            let [from, to] = windows.span_s(at);
            value.map(|value| ((from + to) / 2.0 / ends.max(f64::MIN_POSITIVE), scale.place(value)))
        });
        canvas.line(number, points);
    }
    let labels: Vec<(f64, String)> = scale.ends().map(|ms| (scale.place(ms), format!("{} ms", short(ms)))).into();
    format!("\n{title}\n{}{}{}", canvas.draw(&labels, look), wrong(faults, ends), axis(&["0 s".to_owned(), format!("{} s", short(ends))]))
}

/// A row that is marked where something goes wrong.
fn wrong(faults: &[FaultSetup], ends: f64) -> String {
    if faults.is_empty() {
        return String::new();
    }
    let is_hit = |column: usize| {
        let at = |column: usize| column as f64 / COLUMNS as f64 * ends;
        let (from, to) = (at(column), at(column + 1));
        faults.iter().flat_map(|fault| &fault.spans_s).any(|[begins, finishes]| *begins < to && *finishes > from)
    };
    let marks: String = (0..COLUMNS).map(|column| if is_hit(column) { '!' } else { ' ' }).collect();
    format!("{:>LABEL$} {}\n", "faults", marks.trim_end())
}

/// What stands below, at both ends.
fn axis([left, right]: &[String; 2]) -> String {
    format!("{:LABEL$} {left}{right:>width$}\n", "", width = COLUMNS.saturating_sub(left.chars().count()))
}

fn legend(lines: &[Line<'_>], look: Look<'_>) -> String {
    let one = |(number, (result, _)): (usize, &Line<'_>)| {
        let name = format!("{} {}", letter(number), neutral::fitted(&result.balancer, COLUMNS));
        format!("{:LABEL$} {}\n", "", (look.paint)(number, &name))
    };
    lines.iter().enumerate().map(one).collect()
}

fn letter(number: usize) -> char {
    char::from(b'a' + (number % 26) as u8)
}

/// A logarithmic scale from the least to the greatest value.
struct Scale {
    least: f64,
    greatest: f64,
}

impl Scale {
    /// `None` where there is nothing above zero.
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let (least, greatest) = values
            .filter(|value| *value > 0.0 && value.is_finite())
            .fold((f64::INFINITY, 0.0_f64), |(least, greatest), value| (least.min(value), greatest.max(value)));
        (greatest > 0.0).then(|| Self { least: least.max(greatest / 1e6), greatest: greatest.max(least * 1.01) })
    }

    /// From 0 to 1.
    fn place(&self, value: f64) -> f64 {
        (libm::log(value.max(self.least) / self.least) / libm::log(self.greatest / self.least)).clamp(0.0, 1.0)
    }

    fn ends(&self) -> [f64; 2] {
        [self.least, self.greatest]
    }
}

/// Dots, or letters, by cell.
struct Canvas {
    is_fine: bool,
    cells: Vec<Cell>,
}

#[derive(Clone, Copy, Default)]
struct Cell {
    dots: u8,
    line: usize,
    /// A line ends here: its letter is shown.
    is_end: bool,
}

impl Canvas {
    fn new(is_fine: bool) -> Self {
        Self { is_fine, cells: vec![Cell::default(); COLUMNS * ROWS] }
    }

    /// Points in a cell, across and up.
    fn grain(&self) -> (usize, usize) {
        if self.is_fine { (2, 4) } else { (1, 1) }
    }

    /// Draws a line through points whose places go from 0 to 1; a gap where there is none.
    fn line(&mut self, number: usize, points: impl Iterator<Item = Option<(f64, f64)>>) {
        let (across, up) = self.grain();
        let place = |(x, y): (f64, f64)| (x * (COLUMNS * across - 1) as f64, y * (ROWS * up - 1) as f64);
        let (mut before, mut last) = (None, None);
        for point in points.map(|point| point.map(place)) {
            if let Some(to) = point {
                let from = before.unwrap_or(to);
                self.stroke(number, from, to);
                last = Some(to);
            }
            before = point;
        }
        if let Some((x, y)) = last {
            let cell = self.dot(number, x, y);
            self.cells[cell].is_end = true;
        }
    }

    fn stroke(&mut self, number: usize, from: (f64, f64), to: (f64, f64)) {
        let steps = (to.0 - from.0).abs().max((to.1 - from.1).abs()).ceil().max(1.0) as usize;
        for step in 0..=steps {
            let share = step as f64 / steps as f64;
            self.dot(number, from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share);
        }
    }

    /// One dot; the cell it is in.
    fn dot(&mut self, number: usize, x: f64, y: f64) -> usize {
        const BRAILLE: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
        let (across, up) = self.grain();
        let (x, y) = (x.round() as usize, ROWS * up - 1 - (y.round() as usize).min(ROWS * up - 1));
        let at = y / up * COLUMNS + (x / across).min(COLUMNS - 1);
        let cell = &mut self.cells[at];
        cell.dots |= if self.is_fine { BRAILLE[y % 4][x % 2] } else { 1 };
        if !cell.is_end {
            cell.line = number;
        }
        at
    }

    fn draw(&self, labels: &[(f64, String)], look: Look<'_>) -> String {
        let mut text = String::new();
        for (row, cells) in self.cells.chunks(COLUMNS).enumerate() {
            let is_here = |height: f64| ROWS - 1 - (height * (ROWS - 1) as f64).round() as usize == row;
            let label = labels.iter().find(|(height, _)| is_here(*height)).map_or("", |(_, label)| label);
            let rule = if self.is_fine { '│' } else { '|' };
            let drawn: String = cells.iter().map(|cell| self.cell(cell, look)).collect();
            text += &format!("{label:>width$} {rule}{}\n", drawn.trim_end(), width = LABEL - 1);
        }
        text
    }

    fn cell(&self, cell: &Cell, look: Look<'_>) -> String {
        match (cell.dots, self.is_fine && !cell.is_end) {
            (0, _) => " ".to_owned(),
            (dots, true) => {
                let dots = char::from_u32(0x2800 + u32::from(dots)).expect("braille has 256 patterns");
                (look.paint)(cell.line, &dots.to_string())
            }
            (_, false) => (look.paint)(cell.line, &letter(cell.line).to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn drawn(is_fine: bool) -> String {
        let summary = sample::summary();
        let mut detail = sample::detail(&summary);
        detail.setups[0].variant = Some("calm".into());
        detail.setups[0].faults = vec![FaultSetup { spans_s: vec![[1.0, 2.75]], ..FaultSetup::default() }];
        draw(&summary, &detail, Look { is_fine, paint: &|_, text| text.to_owned() })
    }

    #[test]
    fn it_fits_a_terminal_and_names_every_line() {
        for is_fine in [false, true] {
            let text = drawn(is_fine);
            assert!(text.lines().all(|line| neutral::width(line) <= 80), "{text}");
            assert!(text.contains("Answered within") && text.contains("Mean latency over time"), "{text}");
            assert!(
                ["a round-robin", "b least-connections", "c p2c", "99.9%", "10.0 ms", "5.50 s"].iter().all(|part| text.contains(part)),
                "{text}"
            );
            let marks = text.lines().find(|line| line.contains("faults")).expect("something goes wrong");
            assert_eq!(marks.matches('!').count(), 22);
        }
    }

    #[test]
    fn plain_is_plain() {
        assert!(drawn(false).is_ascii());
        assert!(drawn(true).chars().any(|c| ('\u{2800}'..='\u{28ff}').contains(&c)));
    }

    #[test]
    fn nothing_measured_is_nothing_drawn() {
        let summary = sample::hostile();
        let mut detail = sample::detail(&summary);
        detail.results[0] = ResultDetail::default();
        let text = draw(&summary, &detail, Look { is_fine: true, paint: &|_, text| text.to_owned() });
        assert!(!text.contains("over time") && !text.contains('\u{1b}'));
    }
}
