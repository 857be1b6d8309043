//! A plotters backend that only writes down what is drawn, so that it can be drawn again as SVG, in the page's colours or a file's, and as a bitmap.
//!
//! Plotters counts in whole pixels; the canvas has ten of them to a pixel of the figure.

use super::ink::Ink;
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontTransform};
use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;

/// Units of the canvas in a pixel of the figure.
pub(in crate::report) const UNIT: i32 = 10;

/// Where a text stands on its point, from left to right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Anchor {
    Start,
    Middle,
    End,
}

/// What was drawn, in units of the canvas.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) enum Mark {
    /// A line through points.
    Path(Ink, Vec<(i32, i32)>),
    /// A filled area.
    Area(Ink, Vec<(i32, i32)>),
    /// A filled rectangle: left, top, right, bottom.
    Box(Ink, [i32; 4]),
    /// A text: its base line, its size, whether it reads upwards.
    Text { ink: Ink, at: (i32, i32), size: i32, anchor: Anchor, upwards: bool, text: String },
    /// From here on marks belong to a part of the figure that scripts know by name, clipped to a rectangle if one is given.
    Begin(&'static str, Option<[i32; 4]>),
    /// Until here.
    End,
    /// A picture of cells over a rectangle.
    Cells([i32; 4], Cells),
}

/// Cells of a heat map, row by row from the top, each a step of the scale.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::report) struct Cells {
    pub(in crate::report) columns: u32,
    pub(in crate::report) rows: u32,
    pub(in crate::report) steps: Vec<u8>,
}

/// What was drawn so far; clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks(Rc<RefCell<Vec<Mark>>>);

impl Marks {
    pub(super) fn push(&self, mark: Mark) {
        self.0.borrow_mut().push(mark);
    }

    pub(super) fn take(&self) -> Vec<Mark> {
        self.0.take()
    }
}

/// The backend.
#[derive(Debug)]
pub(super) struct Canvas {
    pub(super) size: (u32, u32),
    pub(super) marks: Marks,
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

fn ink(colour: BackendColor) -> Ink {
    Ink::read(colour.rgb)
}

impl DrawingBackend for Canvas {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, colour: BackendColor) -> Drawn {
        self.marks.push(Mark::Box(ink(colour), [x, y, x + 1, y + 1]));
        Ok(())
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(&mut self, (x0, y0): BackendCoord, (x1, y1): BackendCoord, style: &S, fill: bool) -> Drawn {
        let (left, right, top, bottom) = (x0.min(x1), x0.max(x1), y0.min(y1), y0.max(y1));
        if !fill {
            return self.draw_path([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)], style);
        }
        self.marks.push(Mark::Box(ink(style.color()), [left, top, right, bottom]));
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        self.marks.push(Mark::Path(ink(style.color()), path.into_iter().collect()));
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, corners: I, style: &S) -> Drawn {
        self.marks.push(Mark::Area(ink(style.color()), corners.into_iter().collect()));
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Drawn {
        let size = style.size();
        let anchor = match style.anchor().h_pos {
            HPos::Left => Anchor::Start,
            HPos::Center => Anchor::Middle,
            HPos::Right => Anchor::End,
        };
        // Capitals are 0.73 of a size high.
        let down = size
            * match style.anchor().v_pos {
                VPos::Top => 0.73,
                VPos::Center => 0.36,
                VPos::Bottom => 0.0,
            };
        let upwards = matches!(style.transform(), FontTransform::Rotate270);
        let at = if upwards { (x + down.round() as i32, y) } else { (x, y + down.round() as i32) };
        let text = text.to_owned();
        self.marks.push(Mark::Text { ink: ink(style.color()), at, size: size.round() as i32, anchor, upwards, text });
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(&self, text: &str, style: &S) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        Ok((super::letters::width(text, style.size()).ceil() as u32, style.size().ceil() as u32))
    }
}
