//! A heat map: a row for each backend, a column for each window, lighter where there is more.
//!
//! A horizontal stripe is a backend that is slower or preferred; vertical stripes are requests that all go the same way at once.

use super::axis::{Axis, Unit};
use super::canvas::{Cells, Mark, UNIT};
use super::ink::{Ink, Role};
use super::letters;
use super::lines::{Frame, Span, draw_ticks_below, filled};
use super::palette::HOTTEST;
use super::scene::{self, Area, CANNOT_FAIL, LABEL, Scene, Sketch};
use crate::report::figures::{percent, short};
use plotters::prelude::{ChartBuilder, Rectangle};
use plotters::style::text_anchor::{HPos, VPos};

const LEFT: u32 = 110;
const RIGHT: u32 = 40;
const ABOVE: u32 = 28;
const BELOW: u32 = 44;
/// Rows that can be told apart: neighbours are taken together beyond.
const MOST: usize = 100;
/// The figure.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Heat {
    pub(in crate::report) series: u8,
    /// Time.
    pub(in crate::report) x: Axis,
    /// The names of the rows.
    pub(in crate::report) names: Vec<String>,
    pub(in crate::report) cells: Cells,
    /// The lightest stands for this and more.
    pub(in crate::report) most: f64,
    /// What is counted.
    pub(in crate::report) what: String,
    pub(in crate::report) unit: Unit,
    pub(in crate::report) spans: Vec<Span>,
}

/// How many backends share a row.
pub(super) fn merged(backends: usize) -> usize {
    backends.div_ceil(MOST).max(1)
}

/// From a share of the most to a share of the scale: by its root for counts, so that what is small is not all alike beside what is overloaded.
fn scaled(part: f64, unit: Unit) -> f64 {
    if unit == Unit::Share { part } else { part.max(0.0).sqrt() }
}

/// Rows of values as cells: `together` neighbours of each row and `columns` windows are one, by their mean.
pub(super) fn cells(rows: &[&[f32]], together: usize, columns: usize, most: f64, unit: Unit) -> Cells {
    let width = rows.iter().map(|row| row.len()).max().unwrap_or(0);
    let mut steps = Vec::new();
    for rows in rows.chunks(together.max(1)) {
        for from in (0..width).step_by(columns.max(1)) {
            let values = rows.iter().flat_map(|row| row.iter().skip(from).take(columns.max(1)));
            let (sum, count) = values.fold((0.0, 0.0_f64), |(sum, count), &value| (sum + f64::from(value), count + 1.0));
            let part = scaled(sum / count.max(1.0) / most, unit);
            steps.push((part * f64::from(HOTTEST)).round().clamp(0.0, f64::from(HOTTEST)) as u8);
        }
    }
    Cells { columns: width.div_ceil(columns.max(1)) as u32, rows: rows.len().div_ceil(together.max(1)) as u32, steps }
}

impl Heat {
    /// Draws it.
    pub(super) fn draw(&self, title: Option<&str>, slots: &[u8]) -> Scene {
        let rows = self.cells.rows;
        let height = (rows * 14).clamp(90, 300);
        let sketch = Sketch::new(ABOVE + BELOW + height, title);
        let area = sketch.area.clone();
        let down = Axis::between("", Unit::Number, 0.0, f64::from(rows));
        let mut chart = ChartBuilder::on(&area)
            .margin_top(ABOVE * UNIT as u32)
            .x_label_area_size(BELOW * UNIT as u32)
            .y_label_area_size(LEFT * UNIT as u32)
            .right_y_label_area_size(RIGHT * UNIT as u32)
            .build_cartesian_2d(self.x.clone(), down.clone())
            .expect(CANNOT_FAIL);
        let frame = Frame::of(&chart);
        draw_ticks_below(&self.x, &mut chart, &area, &frame, &down);
        let edges = [frame.left, frame.top, frame.right, frame.bottom];
        sketch.push(Mark::Cells(edges, self.cells.clone()));
        self.draw_spans(&area, &frame, |at| chart.backend_coord(&(at, 0.0)).0);
        self.name_rows(&area, &frame);
        self.draw_scale(&area, &frame);
        sketch.done(slots.to_vec())
    }

    /// Faults as bars along the upper edge, where they hide nothing.
    fn draw_spans(&self, area: &Area, frame: &Frame, place: impl Fn(f64) -> i32) {
        for span in self.spans.iter().filter(|span| span.number.is_some()) {
            let (from, to) = (place(span.from.max(self.x.low)), place(span.to.min(self.x.high)));
            if to > from {
                let corners = [frame.inside((from, frame.top - 4 * UNIT)), frame.inside((to, frame.top - UNIT))];
                area.draw(&Rectangle::new(corners, filled(Ink::of(Role::FaultNumber)))).expect(CANNOT_FAIL);
            }
        }
    }

    fn name_rows(&self, area: &Area, frame: &Frame) {
        let rows = self.names.len().max(1);
        let high = f64::from(frame.bottom - frame.top) / rows as f64;
        let every = (f64::from(14 * UNIT) / high).ceil().max(1.0) as usize;
        for (at, name) in self.names.iter().enumerate().step_by(every) {
            let y = frame.top + ((at as f64 + 0.5) * high) as i32;
            let name = letters::fitted(name, LABEL, f64::from(LEFT) - 12.0);
            frame.text(area, Role::Label, name, (frame.left - 6 * UNIT, y), HPos::Right, VPos::Center);
        }
    }

    /// What the colours mean, above.
    fn draw_scale(&self, area: &Area, frame: &Frame) {
        let (y, cell) = (frame.top - 17 * UNIT, 8 * UNIT);
        let text =
            |what: String, x: i32, across| scene::text(area, Ink::of(Role::Label), what, frame.inside((x, y)), LABEL, across, VPos::Center);
        text(format!("{}: 0", self.what), frame.left, HPos::Left);
        let start = frame.left + (10 + letters::width(&format!("{}: 0", self.what), LABEL) as i32) * UNIT;
        for step in 0..=HOTTEST {
            let left = start + i32::from(step) * cell;
            let corners = [frame.inside((left, y - 6 * UNIT)), frame.inside((left + cell, y + 6 * UNIT))];
            area.draw(&Rectangle::new(corners, filled(Ink::of(Role::Heat).step(step)))).expect(CANNOT_FAIL);
        }
        let end = start + (i32::from(HOTTEST) + 1) * cell + 6 * UNIT;
        let said = match self.unit {
            Unit::Share => percent(self.most),
            _ => format!("{} or more; {} half way", short(self.most), short(self.most / 4.0)),
        };
        text(said, end, HPos::Left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_means_of_their_neighbours() {
        let (one, other) = ([0.0_f32, 2.0, 4.0, 4.0], [0.0_f32, 2.0, 4.0, 4.0]);
        let found = cells(&[&one, &other], 1, 2, 4.0, Unit::Share);
        assert_eq!((found.columns, found.rows, found.steps), (2, 2, vec![4, 16, 4, 16]));
        let found = cells(&[&one, &other], 2, 1, 8.0, Unit::Share);
        assert_eq!((found.columns, found.rows, found.steps), (4, 1, vec![0, 4, 8, 8]));
    }

    #[test]
    fn counts_are_scaled_by_their_root() {
        assert_eq!(cells(&[&[1.0, 4.0, 16.0, 99.0]], 1, 1, 16.0, Unit::Number).steps, [4, 8, 16, 16]);
    }

    #[test]
    fn at_most_a_hundred_rows_are_drawn() {
        assert_eq!([1, 100, 101, 1000].map(merged), [1, 1, 2, 10]);
    }
}
