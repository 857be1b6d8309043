//! A figure as it was drawn: its size and its marks.

use super::canvas::{Canvas, Mark, Marks, UNIT};
use super::ink::{Ink, Role};
use super::letters;
use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, IntoDrawingArea, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, FontStyle, TextStyle};

/// Every figure is so wide, in pixels.
pub(in crate::report) const WIDTH: u32 = 760;
/// The size of labels.
pub(super) const LABEL: f64 = 12.0;
const TITLE: f64 = 16.0;
const TITLE_LINE: u32 = 22;
pub(super) const CANNOT_FAIL: &str = "writing down what is drawn cannot fail";

/// What was drawn.
#[derive(Clone, Debug, Default)]
pub(in crate::report) struct Scene {
    /// In pixels.
    pub(in crate::report) width: u32,
    pub(in crate::report) height: u32,
    pub(in crate::report) marks: Vec<Mark>,
    /// The colour of each series.
    pub(in crate::report) slots: Vec<u8>,
}

/// Where plotters draws, and what it drew.
pub(super) type Area = DrawingArea<Canvas, Shift>;

/// A drawing that is being made.
pub(super) struct Sketch {
    marks: Marks,
    height: u32,
    /// The whole of it, below the title.
    pub(super) area: Area,
}

impl Sketch {
    /// Of that height, and a title above where one is given: a page says it itself, a file has to hold it.
    pub(super) fn new(height: u32, title: Option<&str>) -> Self {
        let lines = title.map(|title| letters::wrapped(title, TITLE, f64::from(WIDTH) - 24.0)).unwrap_or_default();
        let above = if lines.is_empty() { 0 } else { 14 + TITLE_LINE * lines.len() as u32 };
        let marks = Marks::default();
        let height = height + above;
        let canvas = Canvas { size: (WIDTH * UNIT as u32, height * UNIT as u32), marks: marks.clone() };
        let whole = canvas.into_drawing_area();
        for (number, line) in lines.into_iter().enumerate() {
            let at = (12 * UNIT, 12 * UNIT + number as i32 * TITLE_LINE as i32 * UNIT);
            text(&whole, Ink::of(Role::Title), line, at, TITLE, HPos::Left, VPos::Top);
        }
        let (_, area) = whole.split_vertically(above * UNIT as u32);
        Self { marks, height, area }
    }

    /// Writes down a mark that plotters has no word for.
    pub(super) fn push(&self, mark: Mark) {
        self.marks.push(mark);
    }

    /// What was drawn.
    pub(super) fn done(self, slots: Vec<u8>) -> Scene {
        self.area.present().expect(CANNOT_FAIL);
        Scene { width: WIDTH, height: self.height, marks: self.marks.take(), slots }
    }
}

/// A style of that ink.
pub(super) fn style(ink: Ink, size: f64, across: HPos, down: VPos) -> TextStyle<'static> {
    let font: FontDesc<'static> = (FontFamily::SansSerif, size * f64::from(UNIT), FontStyle::Normal).into();
    let mut style = TextStyle::from(font);
    style.color = ink.colour().to_backend_color();
    style.pos = Pos::new(across, down);
    style
}

/// Writes at a place of the area, in units of the canvas.
pub(super) fn text(area: &Area, ink: Ink, what: String, at: (i32, i32), size: f64, across: HPos, down: VPos) {
    area.draw(&Text::new(what, at, style(ink, size, across, down))).expect(CANNOT_FAIL);
}
