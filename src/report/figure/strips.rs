//! A strip for each balancer, and in it a bar for each backend: what it was sent ÷ its fair share, with a line at 1.

use super::axis::{Axis, Unit};
use super::canvas::UNIT;
use super::ink::{Ink, Role};
use super::letters;
use super::lines::{filled, stroked};
use super::scene::{self, CANNOT_FAIL, LABEL, Scene, Sketch, WIDTH};
use plotters::prelude::{ChartBuilder, PathElement, Rectangle};
use plotters::style::text_anchor::{HPos, VPos};

const LEFT: u32 = 170;
const RIGHT: u32 = 120;
const STRIP: u32 = 62;
const BELOW: u32 = 30;
const GAP: u32 = 12;
/// Bars that can be told apart: neighbours are taken together beyond.
const MOST: usize = 240;
/// A strip.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Strip {
    pub(in crate::report) series: u8,
    pub(in crate::report) name: String,
    pub(in crate::report) values: Vec<f64>,
    /// What is said at its end.
    pub(in crate::report) end: String,
}

/// The figure.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Strips {
    pub(in crate::report) strips: Vec<Strip>,
    /// The names of the backends.
    pub(in crate::report) names: Vec<String>,
}

/// How many neighbours one bar stands for.
pub(super) fn merged(count: usize) -> usize {
    count.div_ceil(MOST).max(1)
}

impl Strips {
    /// Draws it.
    pub(super) fn draw(&self, title: Option<&str>, slots: &[u8]) -> Scene {
        let sketch = Sketch::new(BELOW + GAP + self.strips.len() as u32 * STRIP, title);
        let most = self.strips.iter().flat_map(|strip| &strip.values).copied().fold(1.5, f64::max);
        for (number, strip) in self.strips.iter().enumerate() {
            self.draw_strip(&sketch, strip, number as u32, most);
        }
        self.name_backends(&sketch);
        sketch.done(slots.to_vec())
    }

    fn draw_strip(&self, sketch: &Sketch, strip: &Strip, number: u32, most: f64) {
        let (_, rest) = sketch.area.split_vertically(number * STRIP * UNIT as u32);
        let (area, _) = rest.split_vertically(STRIP * UNIT as u32);
        let x = Axis::between("", Unit::Number, 0.0, strip.values.len().max(1) as f64);
        let y = Axis::between("", Unit::Number, 0.0, most * 1.05);
        let mut chart = ChartBuilder::on(&area)
            .margin_top(GAP * UNIT as u32)
            .y_label_area_size(LEFT * UNIT as u32)
            .right_y_label_area_size(RIGHT * UNIT as u32)
            .build_cartesian_2d(x.clone(), y)
            .expect(CANNOT_FAIL);
        let ink = |role| Ink::series(role, strip.series);
        let together = merged(strip.values.len());
        let bars = strip.values.chunks(together).enumerate().map(|(at, values)| {
            let value = values.iter().sum::<f64>() / values.len() as f64;
            let (from, to) = ((at * together) as f64, (at * together + values.len()) as f64);
            let gap = 0.12 * (to - from);
            Rectangle::new([(from + gap, 0.0), (to - gap, value)], filled(ink(Role::Bar)))
        });
        chart.draw_series(bars).expect(CANNOT_FAIL);
        let level = |y: f64, role| PathElement::new(vec![(0.0, y), (x.high, y)], stroked(ink(role)));
        chart.draw_series([level(0.0, Role::Axis)]).expect(CANNOT_FAIL);
        chart.draw_series([level(1.0, Role::Even)]).expect(CANNOT_FAIL);
        let top = (number * STRIP) as i32 * UNIT;
        let inside = |(x, y): (i32, i32)| (x, y - chart.plotting_area().get_pixel_range().1.start + top + GAP as i32 * UNIT);
        let (left, middle) = inside(chart.backend_coord(&(0.0, most / 2.0)));
        let even = inside(chart.backend_coord(&(x.high, 1.0)));
        let name = letters::fitted(&strip.name, LABEL, f64::from(LEFT) - 14.0);
        scene::text(&sketch.area, ink(Role::Name), name, (left - 8 * UNIT, middle), LABEL, HPos::Right, VPos::Center);
        let said = letters::fitted(&strip.end, LABEL, f64::from(RIGHT) - 10.0);
        scene::text(&sketch.area, ink(Role::Name), said, (even.0 + 6 * UNIT, even.1), LABEL, HPos::Left, VPos::Center);
    }

    /// Names below, as many as there is room for.
    fn name_backends(&self, sketch: &Sketch) {
        let bottom = (self.strips.len() as u32 * STRIP + 8) as i32 * UNIT;
        let room = f64::from(WIDTH - LEFT - RIGHT) / self.names.len().max(1) as f64;
        let every = (70.0 / room).ceil().max(1.0) as usize;
        for (at, name) in self.names.iter().enumerate().step_by(every) {
            let x = f64::from(LEFT) + (at as f64 + 0.5) * room;
            let name = letters::fitted(name, LABEL, (room * every as f64).min(120.0) - 6.0);
            let x = (x * f64::from(UNIT)) as i32;
            let across = if at + every >= self.names.len() && every > 1 { HPos::Left } else { HPos::Center };
            scene::text(&sketch.area, Ink::of(Role::Label), name, (x, bottom), LABEL, across, VPos::Top);
        }
    }
}
