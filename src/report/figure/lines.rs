//! Lines over an axis: percentiles, time, depth. The figure that scripts can draw again, zoomed.
//!
//! Names stand at the ends of their lines, with a sample of the line, so that nobody has to match colours with a legend.

use super::axis::Axis;
use super::canvas::{Canvas, Mark, UNIT};
use super::ink::{Ink, Role};
use super::letters;
use super::palette;
use super::scene::{self, Area, CANNOT_FAIL, LABEL, Scene, Sketch, WIDTH};
use plotters::coord::cartesian::Cartesian2d;
use plotters::prelude::{ChartBuilder, ChartContext, PathElement, Polygon, Rectangle};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, ShapeStyle};

/// Around the plot, in pixels.
const LEFT: u32 = 66;
const RIGHT: u32 = 178;
const ABOVE: u32 = 28;
const BELOW: u32 = 44;
/// How wide a name may be.
pub(in crate::report) const NAME_ROOM: f64 = (RIGHT - 38) as f64;
/// Between names.
const NAME_LINE: i32 = 15 * UNIT;
/// One series.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::report) struct Line {
    pub(in crate::report) series: u8,
    pub(in crate::report) name: String,
    pub(in crate::report) points: Vec<(f64, Option<f64>)>,
    /// The bounds of each point, where they are known.
    pub(in crate::report) band: Vec<Option<[f64; 2]>>,
    /// From this point on it is hardly known.
    pub(in crate::report) sure: usize,
}

/// A time of which a figure says that something was different.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Span {
    /// The number of the fault; none for the warm-up.
    pub(in crate::report) number: Option<usize>,
    pub(in crate::report) from: f64,
    pub(in crate::report) to: f64,
}

/// The figure.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Lines {
    pub(in crate::report) x: Axis,
    pub(in crate::report) y: Axis,
    pub(in crate::report) lines: Vec<Line>,
    pub(in crate::report) spans: Vec<Span>,
    /// A level to compare with.
    pub(in crate::report) even: Option<f64>,
    /// In pixels.
    pub(in crate::report) height: u32,
}

type Chart<'a> = ChartContext<'a, Canvas, Cartesian2d<Axis, Axis>>;

/// Where the plot is in the figure for the page: left, top, width, height in pixels.
pub(in crate::report) fn plot(height: u32) -> [u32; 4] {
    [LEFT, ABOVE, WIDTH - LEFT - RIGHT, height - ABOVE - BELOW]
}

pub(super) fn filled(ink: Ink) -> ShapeStyle {
    ink.colour().filled()
}

pub(super) fn stroked(ink: Ink) -> ShapeStyle {
    ink.colour().stroke_width(1)
}

impl Lines {
    /// Draws it.
    pub(in crate::report) fn draw(&self, title: Option<&str>, slots: &[u8]) -> Scene {
        let sketch = Sketch::new(self.height, title);
        let area = sketch.area.clone();
        let mut chart = ChartBuilder::on(&area)
            .margin_top(ABOVE * UNIT as u32)
            .x_label_area_size(BELOW * UNIT as u32)
            .y_label_area_size(LEFT * UNIT as u32)
            .right_y_label_area_size(RIGHT * UNIT as u32)
            .build_cartesian_2d(self.x.clone(), self.y.clone())
            .expect(CANNOT_FAIL);
        let frame = Frame::of(&chart);
        sketch.push(Mark::Begin("spans", Some(frame.clip())));
        self.draw_spans(&mut chart, &area, &frame);
        sketch.push(Mark::End);
        sketch.push(Mark::Begin("axes", None));
        self.draw_axes(&mut chart, &area, &frame);
        sketch.push(Mark::End);
        sketch.push(Mark::Begin("lines", Some(frame.clip())));
        self.draw_even(&mut chart);
        self.in_order(slots).into_iter().for_each(|line| draw_line(&mut chart, line, &self.y));
        sketch.push(Mark::End);
        sketch.push(Mark::Begin("names", None));
        self.draw_names(&chart, &area, &frame);
        sketch.push(Mark::End);
        sketch.done(slots.to_vec())
    }

    /// Those without a colour of their own first, so that they hide nobody.
    pub(in crate::report) fn in_order(&self, slots: &[u8]) -> Vec<&Line> {
        let mut lines: Vec<&Line> = self.lines.iter().collect();
        lines.sort_by_key(|line| usize::from(palette::slot(slots, line.series)) < palette::COLOURS);
        lines
    }

    fn draw_spans(&self, chart: &mut Chart<'_>, area: &Area, frame: &Frame) {
        let mut last = [i32::MIN; 3];
        for span in &self.spans {
            let (from, to) = (span.from.max(self.x.low), span.to.min(self.x.high));
            if to <= from {
                continue;
            }
            let role = if span.number.is_some() { Role::Fault } else { Role::WarmUp };
            let shade = Rectangle::new([(from, self.y.low), (to, self.y.high)], filled(Ink::of(role)));
            chart.draw_series([shade]).expect(CANNOT_FAIL);
            let Some(number) = span.number else { continue };
            let x = chart.backend_coord(&(from, self.y.high)).0 + 3 * UNIT;
            // Numbers of faults that begin together stand below each other; where there is no room for a third, it is left out.
            let width = (letters::width(&number.to_string(), LABEL) + 4.0) as i32 * UNIT;
            let Some(row) = last.iter().position(|&end| x >= end) else { continue };
            last[row] = x + width;
            let y = frame.top + (3 + 14 * row as i32) * UNIT;
            frame.text(area, Role::FaultNumber, number.to_string(), (x, y), HPos::Left, VPos::Top);
        }
    }

    fn draw_axes(&self, chart: &mut Chart<'_>, area: &Area, frame: &Frame) {
        draw_ticks_below(&self.x, chart, area, frame, &self.y);
        let mut lowest = i32::MAX;
        for (value, label) in self.y.ticks() {
            let grid = PathElement::new(vec![(self.x.low, value), (self.x.high, value)], stroked(Ink::of(Role::Grid)));
            chart.draw_series([grid]).expect(CANNOT_FAIL);
            let y = chart.backend_coord(&(self.x.low, value)).1;
            if y + 14 * UNIT <= lowest {
                lowest = y;
                frame.text(area, Role::Label, label, (frame.left - 7 * UNIT, y), HPos::Right, VPos::Center);
            }
        }
        let corner = PathElement::new(vec![(self.x.low, self.y.low), (self.x.high, self.y.low)], stroked(Ink::of(Role::Axis)));
        chart.draw_series([corner]).expect(CANNOT_FAIL);
        frame.text(area, Role::Label, self.y.name.clone(), (4 * UNIT, frame.top - 12 * UNIT), HPos::Left, VPos::Bottom);
    }

    fn draw_even(&self, chart: &mut Chart<'_>) {
        if let Some(level) = self.even.filter(|&level| level >= self.y.low && level <= self.y.high) {
            let line = PathElement::new(vec![(self.x.low, level), (self.x.high, level)], stroked(Ink::of(Role::Even)));
            chart.draw_series([line]).expect(CANNOT_FAIL);
        }
    }

    /// Names at the right, as near to the ends of their lines as their neighbours allow.
    fn draw_names(&self, chart: &Chart<'_>, area: &Area, frame: &Frame) {
        let end = |line: &Line| {
            let (x, y) = line.points.iter().rev().find_map(|&(x, y)| y.filter(|&y| self.shows(y)).map(|y| (x, y)))?;
            Some((line.series, chart.backend_coord(&(x, y))))
        };
        let mut ends: Vec<(u8, (i32, i32))> = self.lines.iter().filter_map(end).collect();
        ends.sort_by_key(|&(series, (_, y))| (y, series));
        let places = spread(&ends.iter().map(|&(_, (_, y))| y).collect::<Vec<_>>(), frame.top, frame.bottom);
        for (&(series, (x, y)), place) in ends.iter().zip(places) {
            let line = self.lines.iter().find(|line| line.series == series).expect("it was taken from there");
            let ink = |role| Ink::series(role, series);
            let (start, sample) = (frame.right + 8 * UNIT, frame.right + 28 * UNIT);
            frame.line(area, ink(Role::Leader), vec![(x, y), (frame.right + 3 * UNIT, place), (start, place)]);
            frame.line(area, ink(Role::Sample), vec![(start, place), (sample, place)]);
            let name = letters::fitted(&line.name, LABEL, NAME_ROOM);
            scene::text(area, ink(Role::Name), name, frame.inside((sample + 5 * UNIT, place)), LABEL, HPos::Left, VPos::Center);
        }
    }

    /// Whether a value is inside the plot.
    fn shows(&self, y: f64) -> bool {
        y >= self.y.low * (1.0 - 1e-9) && y <= self.y.high * (1.0 + 1e-9)
    }
}

/// Where the plot is, in units of the canvas; the area begins below the title.
pub(super) struct Frame {
    pub(super) left: i32,
    pub(super) top: i32,
    pub(super) right: i32,
    pub(super) bottom: i32,
    /// Where the area begins.
    pub(super) above: i32,
}

impl Frame {
    pub(super) fn of(chart: &Chart<'_>) -> Self {
        let (x, y) = chart.plotting_area().get_pixel_range();
        Self { left: x.start, top: y.start, right: x.end, bottom: y.end, above: y.start - (ABOVE as i32) * UNIT }
    }

    fn clip(&self) -> [i32; 4] {
        [self.left, self.top, self.right, self.bottom]
    }

    /// From a place of the canvas to one of the area.
    pub(super) fn inside(&self, (x, y): (i32, i32)) -> (i32, i32) {
        (x, y - self.above)
    }

    pub(super) fn text(&self, area: &Area, role: Role, what: String, at: (i32, i32), across: HPos, down: VPos) {
        scene::text(area, Ink::of(role), what, self.inside(at), LABEL, across, down);
    }

    pub(super) fn line(&self, area: &Area, ink: Ink, points: Vec<(i32, i32)>) {
        let points: Vec<(i32, i32)> = points.into_iter().map(|at| self.inside(at)).collect();
        area.draw(&PathElement::new(points, stroked(ink))).expect(CANNOT_FAIL);
    }
}

/// The grid, labels and name of an axis below; labels that would touch the one before are left out.
pub(super) fn draw_ticks_below(axis: &Axis, chart: &mut Chart<'_>, area: &Area, frame: &Frame, y: &Axis) {
    let mut free = i32::MIN;
    for (value, label) in axis.ticks() {
        let grid = PathElement::new(vec![(value, y.low), (value, y.high)], stroked(Ink::of(Role::Grid)));
        chart.draw_series([grid]).expect(CANNOT_FAIL);
        let x = chart.backend_coord(&(value, y.low)).0;
        let half = label_width(&label) / 2;
        if x - half >= free {
            free = x + half;
            frame.text(area, Role::Label, label, (x, frame.bottom + 7 * UNIT), HPos::Center, VPos::Top);
        }
    }
    let middle = i32::midpoint(frame.left, frame.right);
    frame.text(area, Role::Label, axis.name.clone(), (middle, frame.bottom + 36 * UNIT), HPos::Center, VPos::Bottom);
}

/// How much room a tick's label takes: a rule that scripts can follow without measuring.
fn label_width(label: &str) -> i32 {
    (label.chars().count() as i32 * 8 + 6) * UNIT
}

fn draw_line(chart: &mut Chart<'_>, line: &Line, y: &Axis) {
    let ink = |role| Ink::series(role, line.series);
    for run in runs(&line.band) {
        let place =
            |at: usize, bound: usize| (line.points[at].0, line.band[at].expect("runs are of those that are known")[bound].max(y.low));
        let corners = run.clone().map(|at| place(at, 0)).chain(run.rev().map(|at| place(at, 1)));
        chart.draw_series([Polygon::new(corners.collect::<Vec<_>>(), filled(ink(Role::Band)))]).expect(CANNOT_FAIL);
    }
    let (sure, tail) = (line.sure.min(line.points.len()), line.sure.saturating_sub(1).min(line.points.len()));
    for (points, role) in [(&line.points[..sure], Role::Line), (&line.points[tail..], Role::Tail)] {
        let known: Vec<Option<f64>> = points.iter().map(|point| point.1).collect();
        for run in runs(&known) {
            let mut path: Vec<(f64, f64)> = points[run].iter().filter_map(|&(x, y)| Some((x, y?))).collect();
            if path.len() == 1 && (role == Role::Line || points.len() > 1) {
                path.push(path[0]);
            }
            if path.len() > 1 {
                chart.draw_series([PathElement::new(path, stroked(ink(role)))]).expect(CANNOT_FAIL);
            }
        }
    }
}

/// Where values are known one after the other.
fn runs<T>(values: &[Option<T>]) -> Vec<std::ops::Range<usize>> {
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    for at in (0..values.len()).filter(|&at| values[at].is_some()) {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end = at + 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

/// Places for names, ascending and not nearer than a line, as near to where they are wanted as a simple rule gets.
pub(super) fn spread(wanted: &[i32], top: i32, bottom: i32) -> Vec<i32> {
    let mut places = Vec::with_capacity(wanted.len());
    let mut next = top;
    for &y in wanted {
        places.push(y.max(next));
        next = places[places.len() - 1] + NAME_LINE;
    }
    let mut most = bottom;
    for place in places.iter_mut().rev() {
        *place = (*place).min(most);
        most = *place - NAME_LINE;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_touch_and_stay_inside() {
        let places = spread(&[990, 1000, 1000, 1000], 0, 1000);
        assert_eq!(places, [550, 700, 850, 1000]);
        assert_eq!(spread(&[10, 500], 0, 1000), [10, 500]);
        assert_eq!(spread(&[0, 0, 0], 0, 1000), [0, 150, 300]);
    }

    #[test]
    fn gaps_part_a_line() {
        assert_eq!(runs(&[Some(1), Some(2), None, Some(3)]), [0..2, 3..4]);
        assert!(runs::<u8>(&[None, None]).is_empty());
    }
}
