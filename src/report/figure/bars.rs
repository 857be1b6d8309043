//! Bars that lie: a row for each balancer, its parts one after the other, and the whole said at the end.

use super::axis::Axis;
use super::canvas::UNIT;
use super::ink::{Ink, Role};
use super::letters;
use super::lines::{Frame, draw_ticks_below, filled};
use super::scene::{self, Area, CANNOT_FAIL, LABEL, Scene, Sketch};
use plotters::prelude::{ChartBuilder, Rectangle};
use plotters::style::text_anchor::{HPos, VPos};

const LEFT: u32 = 170;
/// The least room right of the bars, and the most.
const RIGHT: (u32, u32) = (110, 300);
const BELOW: u32 = 44;
const ABOVE: u32 = 28;
const ROW: u32 = 30;
/// A row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::report) struct Row {
    /// Whose it is; a heading is nobody's.
    pub(in crate::report) series: Option<u8>,
    pub(in crate::report) name: String,
    /// The length of each part.
    pub(in crate::report) parts: Vec<f64>,
    /// What is said at its end.
    pub(in crate::report) end: String,
}

/// The figure.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Bars {
    pub(in crate::report) axis: Axis,
    /// What the parts are.
    pub(in crate::report) parts: Vec<&'static str>,
    pub(in crate::report) rows: Vec<Row>,
}

impl Bars {
    /// Draws it.
    pub(super) fn draw(&self, title: Option<&str>, slots: &[u8]) -> Scene {
        let rows = self.rows.len() as u32;
        let sketch = Sketch::new(ABOVE + BELOW + rows * ROW, title);
        let area = sketch.area.clone();
        let down = Axis::between("", super::axis::Unit::Number, 0.0, f64::from(rows));
        let mut chart = ChartBuilder::on(&area)
            .margin_top(ABOVE * UNIT as u32)
            .x_label_area_size(BELOW * UNIT as u32)
            .y_label_area_size(LEFT * UNIT as u32)
            .right_y_label_area_size(self.right() * UNIT as u32)
            .build_cartesian_2d(self.axis.clone(), down.clone())
            .expect(CANNOT_FAIL);
        let frame = Frame::of(&chart);
        draw_ticks_below(&self.axis, &mut chart, &area, &frame, &down);
        for (at, row) in self.rows.iter().enumerate() {
            // Rows begin at the top, the axis at the bottom.
            let middle = f64::from(rows) - at as f64 - 0.5;
            let mut from = 0.0;
            for (part, &length) in row.parts.iter().enumerate().filter(|(_, length)| **length > 0.0) {
                let ink = Ink { role: Role::Part, series: row.series, step: part as u8 };
                let to = (from + length).min(self.axis.high);
                let bar = Rectangle::new([(from, middle + 0.34), (to, middle - 0.34)], filled(ink));
                chart.draw_series([bar]).expect(CANNOT_FAIL);
                from = to;
            }
            let (end, y) = chart.backend_coord(&(from, middle));
            self.write_row(&area, &frame, row, (end, y));
        }
        self.write_parts(&area, &frame);
        sketch.done(slots.to_vec())
    }

    /// Room for what is said at the ends of long bars; that of short ones stands over the chart.
    fn right(&self) -> u32 {
        let is_long = |row: &&Row| row.parts.iter().sum::<f64>() > 0.6 * self.axis.high;
        let widest = self.rows.iter().filter(is_long).map(|row| letters::width(&row.end, LABEL)).fold(0.0, f64::max);
        (widest as u32 + 20).clamp(RIGHT.0, RIGHT.1)
    }

    fn write_row(&self, area: &Area, frame: &Frame, row: &Row, (end, y): (i32, i32)) {
        let ink = |role| Ink { role, series: row.series, step: 0 };
        let (role, x, across, room) = match row.series {
            Some(_) => (Role::Name, frame.left - 8 * UNIT, HPos::Right, f64::from(LEFT) - 14.0),
            None => (Role::Title, 6 * UNIT, HPos::Left, 560.0),
        };
        let name = letters::fitted(&row.name, LABEL, room);
        scene::text(area, ink(role), name, frame.inside((x, y)), LABEL, across, VPos::Center);
        let room = f64::from((frame.right - end) / UNIT) + f64::from(self.right()) - 12.0;
        let said = letters::fitted(&row.end, LABEL, room);
        scene::text(area, ink(Role::Name), said, frame.inside((end + 6 * UNIT, y)), LABEL, HPos::Left, VPos::Center);
    }

    /// What the colours are, above.
    fn write_parts(&self, area: &Area, frame: &Frame) {
        let mut x = frame.left;
        let used = |part: usize| self.rows.iter().any(|row| row.parts.get(part).is_some_and(|&length| length > 0.0));
        for (part, name) in self.parts.iter().enumerate().filter(|(part, _)| used(*part)) {
            let y = frame.top - 14 * UNIT;
            let corners = [frame.inside((x, y - 6 * UNIT)), frame.inside((x + 14 * UNIT, y + 6 * UNIT))];
            area.draw(&Rectangle::new(corners, filled(Ink::of(Role::Part).step(part as u8)))).expect(CANNOT_FAIL);
            frame.text(area, Role::Label, (*name).to_owned(), (x + 19 * UNIT, y), HPos::Left, VPos::Center);
            x += (36 + letters::width(name, LABEL) as i32) * UNIT;
        }
    }
}
