//! Marks as SVG: for the page with classes, so that its style sheet colours light and dark, and for a file with colours of its own.
//!
//! Numbers have at most one decimal and paths are relative, which halves their size. What belongs to a series stands in a group that says
//! so (`data-series`); what scripts draw again stands in a part with a name (`data-part`).

use super::canvas::{Anchor, Mark, UNIT};
use super::ink::Ink;
use super::palette;
use super::png;
use super::scene::Scene;
use crate::report::base64::base64;
use crate::report::neutral;

/// For whom it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum For {
    /// Colours come from the page's style sheet.
    Page,
    /// Colours stand at each mark.
    File,
}

/// The size of text that needs no saying in the page.
const USUAL: i32 = 12 * UNIT;

/// What is inside the `<svg>` element.
pub(in crate::report) fn inside(scene: &Scene, whom: For) -> String {
    let mut writer = Writer { scene, whom, text: String::new(), group: None, open: Vec::new() };
    let mut at = 0;
    while at < scene.marks.len() {
        at += writer.write(&scene.marks[at..]);
    }
    writer.leave();
    writer.text
}

/// A whole file.
pub(super) fn file(scene: &Scene, title: &str, finding: &str) -> String {
    let (width, height) = (scene.width, scene.height);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" \
         font-family=\"system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif\" font-size=\"12\">\n<title>{}</title>\n<desc>{}</desc>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{}</svg>\n",
        neutral::html(title),
        neutral::html(finding),
        inside(scene, For::File)
    )
}

struct Writer<'a> {
    scene: &'a Scene,
    whom: For,
    text: String,
    /// The series whose group is open.
    group: Option<u8>,
    /// What ends the parts that are open.
    open: Vec<&'static str>,
}

impl Writer<'_> {
    /// Writes the first mark, and with it those after it that fit into the same element; how many that were.
    fn write(&mut self, marks: &[Mark]) -> usize {
        match &marks[0] {
            Mark::Path(ink, _) => {
                let same =
                    marks.iter().map_while(|mark| if let Mark::Path(other, path) = mark { (other == ink).then_some(path) } else { None });
                let paths: Vec<&Vec<(i32, i32)>> = same.collect();
                self.element(*ink, &paths.iter().map(|path| line(path)).collect::<String>(), true);
                paths.len()
            }
            Mark::Area(ink, corners) => {
                self.element(*ink, &(line(corners) + "z"), false);
                1
            }
            Mark::Box(ink, _) => {
                let same =
                    marks.iter().map_while(|mark| if let Mark::Box(other, edges) = mark { (other == ink).then_some(edges) } else { None });
                let boxes: Vec<&[i32; 4]> = same.collect();
                self.element(*ink, &boxes.iter().map(|edges| rectangle(edges)).collect::<String>(), false);
                boxes.len()
            }
            Mark::Text { ink, at, size, anchor, upwards, text } => {
                self.enter(ink.series);
                self.write_text(*ink, *at, *size, *anchor, *upwards, text);
                1
            }
            Mark::Begin(name, clip) => {
                self.leave();
                self.begin(name, clip.as_ref());
                1
            }
            Mark::End => {
                self.leave();
                let end = self.open.pop().expect("every part that ends has begun");
                self.text.push_str(end);
                1
            }
            Mark::Cells([left, top, right, bottom], cells) => {
                self.leave();
                let (columns, rows) = (cells.columns, cells.rows);
                self.text += &format!(
                    "<svg data-part=\"cells\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" viewBox=\"0 0 {columns} {rows}\" \
                     preserveAspectRatio=\"none\"><image width=\"{columns}\" height=\"{rows}\" preserveAspectRatio=\"none\" \
                     image-rendering=\"pixelated\" href=\"data:image/png;base64,{}\"/></svg>\n",
                    number(*left),
                    number(*top),
                    number(right - left),
                    number(bottom - top),
                    base64(&png::cells(cells))
                );
                1
            }
        }
    }

    fn begin(&mut self, name: &str, clip: Option<&[i32; 4]>) {
        let (tag, end) = match clip {
            None => (format!("<g data-part=\"{name}\">\n"), "</g>\n"),
            Some([left, top, right, bottom]) => {
                let [x, y, width, height] = [*left, *top, right - left, bottom - top].map(number);
                let clip = format!("x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" viewBox=\"{x} {y} {width} {height}\"");
                (format!("<svg data-part=\"{name}\" {clip}>\n"), "</svg>\n")
            }
        };
        self.text += &tag;
        self.open.push(end);
    }

    /// Into the group of a series.
    fn enter(&mut self, series: Option<u8>) {
        if self.group == series {
            return;
        }
        self.leave();
        if let Some(series) = series {
            let class = match self.whom {
                For::Page => format!(" class=\"c{}\"", palette::slot(&self.scene.slots, series)),
                For::File => String::new(),
            };
            self.text += &format!("<g data-series=\"{series}\"{class}>\n");
            self.group = Some(series);
        }
    }

    fn leave(&mut self) {
        if self.group.take().is_some() {
            self.text += "</g>\n";
        }
    }

    fn element(&mut self, ink: Ink, path: &str, stroked: bool) {
        self.enter(ink.series);
        let look = self.look(ink, stroked);
        self.text += &format!("<path {look} d=\"{path}\"/>\n");
    }

    /// A class, or what it would say.
    fn look(&self, ink: Ink, stroked: bool) -> String {
        use super::ink::Role::{Heat, Part, PartLabel};
        if self.whom == For::Page {
            let step = if matches!(ink.role, Part | PartLabel | Heat) { format!(" p{}", ink.step) } else { String::new() };
            return format!("class=\"{}{step}\"", ink.role.class());
        }
        let look = palette::look(ink, &self.scene.slots);
        let faint = |name: &str| if look.opacity < 1.0 { format!(" {name}-opacity=\"{}\"", look.opacity) } else { String::new() };
        if !stroked {
            return format!("fill=\"{}\"{}", look.colour, faint("fill"));
        }
        let dashes = look.dashes.iter().map(f32::to_string).collect::<Vec<_>>().join(" ");
        let dashes = if dashes.is_empty() { dashes } else { format!(" stroke-dasharray=\"{dashes}\"") };
        let faint = faint("stroke");
        format!("fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" stroke-linejoin=\"round\"{dashes}{faint}", look.colour, look.stroke)
    }

    fn write_text(&mut self, ink: Ink, (x, y): (i32, i32), size: i32, anchor: Anchor, upwards: bool, text: &str) {
        let look = self.look(ink, false);
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let size = if size == USUAL { String::new() } else { format!(" font-size=\"{}\"", number(size)) };
        let (x, y) = (number(x), number(y));
        let turned = if upwards { format!(" transform=\"rotate(-90 {x} {y})\"") } else { String::new() };
        self.text += &format!("<text {look} x=\"{x}\" y=\"{y}\"{anchor}{size}{turned}>{}</text>\n", neutral::html(text));
    }
}

/// Units of the canvas as pixels: `12.3`, `-.5`.
fn number(value: i32) -> String {
    let (whole, rest) = (value.abs() / UNIT, value.abs() % UNIT);
    let sign = if value < 0 { "-" } else { "" };
    match (whole, rest) {
        (whole, 0) => format!("{sign}{whole}"),
        (0, rest) => format!("{sign}.{rest}"),
        (whole, rest) => format!("{sign}{whole}.{rest}"),
    }
}

/// Two numbers, a space between where the second does not bring its sign.
fn pair(x: i32, y: i32) -> String {
    format!("{}{}{}", number(x), if y < 0 { "" } else { " " }, number(y))
}

fn line(points: &[(i32, i32)]) -> String {
    let Some(&(x, y)) = points.first() else { return String::new() };
    let mut path = format!("M{}", pair(x, y));
    for (at, step) in points.windows(2).enumerate() {
        let (dx, dy) = (step[1].0 - step[0].0, step[1].1 - step[0].1);
        path += if at == 0 {
            "l"
        } else if dx < 0 {
            ""
        } else {
            " "
        };
        path += &pair(dx, dy);
    }
    path
}

fn rectangle(&[left, top, right, bottom]: &[i32; 4]) -> String {
    format!("M{}h{}v{}h{}z", pair(left, top), number(right - left), number(bottom - top), number(left - right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_paths_are_short() {
        assert_eq!([123, -5, 50, 0, -120].map(number), ["12.3", "-.5", "5", "0", "-12"]);
        assert_eq!(line(&[(10, 20), (35, 15), (60, 15), (50, 25)]), "M1 2l2.5-.5 2.5 0-1 1");
        assert_eq!(rectangle(&[10, 20, 40, 25]), "M1 2h3v.5h-3z");
    }
}
