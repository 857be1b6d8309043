//! Marks as a bitmap, two dots to a pixel; and heat maps as small pictures with a palette.
//!
//! tiny-skia draws paths and areas, letters are outlines of the embedded font: no font, no library and no display of the system is asked.

use super::canvas::{Anchor, Cells, Mark, UNIT};
use super::ink::Ink;
use super::letters;
use super::palette::{self, Look};
use super::scene::Scene;
use tiny_skia::{Color, FillRule, LineJoin, Paint, Path, PathBuilder, Pixmap, PixmapPaint, Rect, Stroke, StrokeDash, Transform};
use ttf_parser::OutlineBuilder;

/// Dots to a pixel.
const DOTS: f32 = 2.0;

/// The whole figure.
pub(super) fn file(scene: &Scene) -> Vec<u8> {
    let (width, height) = (scene.width * DOTS as u32, scene.height * DOTS as u32);
    let mut picture = Pixmap::new(width, height).expect("figures have a size");
    picture.fill(Color::WHITE);
    for mark in &scene.marks {
        draw(&mut picture, mark, &scene.slots);
    }
    // The ground is opaque, so premultiplied colours are plain ones.
    let rgb: Vec<u8> = picture.data().chunks_exact(4).flat_map(|dot| [dot[0], dot[1], dot[2]]).collect();
    encoded(width, height, png::ColorType::Rgb, None, &rgb)
}

/// A heat map, a dot to a cell.
pub(super) fn cells(cells: &Cells) -> Vec<u8> {
    let colours: Vec<u8> = (0..=palette::HOTTEST).flat_map(palette::heat).collect();
    encoded(cells.columns, cells.rows, png::ColorType::Indexed, Some(colours), &cells.steps)
}

fn encoded(width: u32, height: u32, colour: png::ColorType, palette: Option<Vec<u8>>, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(colour);
    encoder.set_depth(png::BitDepth::Eight);
    // A heat map is part of a page that is to stay small; a run with many variants has hundreds of figures.
    encoder.set_compression(if palette.is_some() { png::Compression::High } else { png::Compression::Balanced });
    if let Some(colours) = palette {
        encoder.set_palette(colours);
        // Steps of a palette are no brightness that could be told from their neighbours'.
        encoder.set_filter(png::Filter::NoFilter);
    }
    let mut writer = encoder.write_header().expect("memory takes everything");
    writer.write_image_data(data).expect("the data are as many as were announced");
    writer.finish().expect("memory takes everything");
    bytes
}

fn dots(units: i32) -> f32 {
    units as f32 * DOTS / UNIT as f32
}

fn paint(look: &Look) -> Paint<'static> {
    let channel = |at: usize| u8::from_str_radix(&look.colour[at..at + 2], 16).expect("colours are six digits");
    let mut paint = Paint::default();
    paint.set_color_rgba8(channel(1), channel(3), channel(5), (255.0 * look.opacity) as u8);
    paint
}

fn draw(picture: &mut Pixmap, mark: &Mark, slots: &[u8]) {
    let at_once = Transform::identity();
    match mark {
        Mark::Path(ink, points) => stroke(picture, *ink, points, slots),
        Mark::Area(ink, corners) => {
            if let Some(path) = path(corners, true) {
                picture.fill_path(&path, &paint(&palette::look(*ink, slots)), FillRule::Winding, at_once, None);
            }
        }
        Mark::Box(ink, edges) => {
            let [left, top, right, bottom] = edges.map(dots);
            if let Some(rect) = Rect::from_ltrb(left, top, right, bottom) {
                picture.fill_rect(rect, &paint(&palette::look(*ink, slots)), at_once, None);
            }
        }
        Mark::Text { ink, at, size, anchor, upwards, text } => {
            let look = palette::look(*ink, slots);
            write(picture, &look, text, *at, dots(*size), *anchor, *upwards);
        }
        Mark::Cells(edges, cells) => fill(picture, edges.map(dots), cells),
        Mark::Begin(..) | Mark::End => {}
    }
}

fn path(points: &[(i32, i32)], closed: bool) -> Option<Path> {
    let mut builder = PathBuilder::new();
    for (at, &(x, y)) in points.iter().enumerate() {
        if at == 0 { builder.move_to(dots(x), dots(y)) } else { builder.line_to(dots(x), dots(y)) }
    }
    if closed {
        builder.close();
    }
    builder.finish()
}

fn stroke(picture: &mut Pixmap, ink: Ink, points: &[(i32, i32)], slots: &[u8]) {
    let look = palette::look(ink, slots);
    let dash = (!look.dashes.is_empty()).then(|| StrokeDash::new(look.dashes.iter().map(|length| length * DOTS).collect(), 0.0)).flatten();
    let stroke = Stroke { width: look.stroke * DOTS, line_join: LineJoin::Round, dash, ..Stroke::default() };
    if let Some(path) = path(points, false) {
        picture.stroke_path(&path, &paint(&look), &stroke, Transform::identity(), None);
    }
}

fn fill(picture: &mut Pixmap, [left, top, right, bottom]: [f32; 4], cells: &Cells) {
    let mut small = Pixmap::new(cells.columns, cells.rows).expect("a heat map has cells");
    for (dot, &step) in small.pixels_mut().iter_mut().zip(&cells.steps) {
        let [r, g, b] = palette::heat(step);
        *dot = tiny_skia::ColorU8::from_rgba(r, g, b, 255).premultiply();
    }
    let grown = Transform::from_row((right - left) / cells.columns as f32, 0.0, 0.0, (bottom - top) / cells.rows as f32, left, top);
    picture.draw_pixmap(0, 0, small.as_ref(), &PixmapPaint::default(), grown, None);
}

/// Outlines with the base line at 0, upwards positive, as paths of the picture.
struct Outline {
    path: PathBuilder,
    left: f32,
    scale: f32,
}

impl Outline {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.left + x * self.scale, -y * self.scale)
    }
}

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

fn write(picture: &mut Pixmap, look: &Look, text: &str, (x, y): (i32, i32), size: f32, anchor: Anchor, upwards: bool) {
    let width = letters::width(text, f64::from(size)) as f32;
    let back = match anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => -width / 2.0,
        Anchor::End => -width,
    };
    let place = Transform::from_translate(dots(x), dots(y));
    let place = if upwards { place.pre_concat(Transform::from_rotate(-90.0)) } else { place };
    let paint = paint(look);
    letters::outline(
        text,
        size,
        |left, scale| Outline { path: PathBuilder::new(), left: left + back, scale },
        |outline| {
            if let Some(path) = outline.path.finish() {
                picture.fill_path(&path, &paint, FillRule::Winding, place, None);
            }
        },
    );
}
