//! The letters of figures: how wide a text is, and its outlines for bitmaps.
//!
//! The font is embedded, so that a figure is laid out the same everywhere and PNG files need no font of the system. A page or an SVG file
//! shows the reader's own sans serif instead; this one is wide, so that what fits here fits there.

use std::sync::LazyLock;
use ttf_parser::{Face, GlyphId, OutlineBuilder};

static FACE: LazyLock<Face<'static>> =
    LazyLock::new(|| Face::parse(include_bytes!("labels.ttf"), 0).expect("the embedded font is a font: a test reads it"));

fn glyph(c: char) -> GlyphId {
    let missing = || FACE.glyph_index('\u{fffd}').unwrap_or_default();
    FACE.glyph_index(c).unwrap_or_else(missing)
}

fn advance(glyph: GlyphId) -> f32 {
    f32::from(FACE.glyph_hor_advance(glyph).unwrap_or(1200)) / f32::from(FACE.units_per_em())
}

/// How wide a text is at a size, in the unit of the size.
pub(in crate::report) fn width(text: &str, size: f64) -> f64 {
    size * text.chars().map(|c| f64::from(advance(glyph(c)))).sum::<f64>()
}

/// What fits into that width, with an ellipsis where something is cut off; harmful characters are shown as their codes.
pub(in crate::report) fn fitted(text: &str, size: f64, most: f64) -> String {
    let start: String = text.chars().take(400).collect();
    let text = crate::report::neutral::plain(&start);
    if width(&text, size) <= most {
        return text;
    }
    let room = most - width("…", size);
    let mut used = 0.0;
    let kept = text.chars().take_while(|&c| {
        used += size * f64::from(advance(glyph(c)));
        used <= room
    });
    kept.collect::<String>().trim_end().to_owned() + "…"
}

/// A text in lines no wider than that.
pub(in crate::report) fn wrapped(text: &str, size: f64, most: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let word = fitted(word, size, most);
        match lines.last_mut() {
            Some(line) if width(&format!("{line} {word}"), size) <= most => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

/// Hands the outlines of a text to a drawer, one letter after the other: the letter's left end and the scale are given before its outline.
pub(super) fn outline<B: OutlineBuilder>(text: &str, size: f32, mut begin: impl FnMut(f32, f32) -> B, mut end: impl FnMut(B)) {
    let scale = size / f32::from(FACE.units_per_em());
    let mut x = 0.0;
    for c in text.chars() {
        let glyph = glyph(c);
        let mut builder = begin(x, scale);
        FACE.outline_glyph(glyph, &mut builder);
        end(builder);
        x += size * advance(glyph);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_font_has_the_letters_that_are_used() {
        for c in "AZaz09 %µ–…·×±≤≥≈→✓✗äßЖω".chars() {
            assert!(FACE.glyph_index(c).is_some(), "{c}");
        }
        assert!((width("mm", 10.0) - 2.0 * width("m", 10.0)).abs() < 1e-9);
        assert!(width("least-connections", 12.0) < 120.0);
    }

    #[test]
    fn long_texts_are_cut_or_wrapped() {
        let cut = fitted(&"name".repeat(5000), 12.0, 100.0);
        assert!(cut.ends_with('…') && width(&cut, 12.0) <= 100.0);
        assert_eq!(fitted("short", 12.0, 100.0), "short");
        let lines = wrapped("one two three four five six seven eight", 12.0, 80.0);
        assert!(lines.len() > 2 && lines.iter().all(|line| width(line, 12.0) <= 80.0));
    }
}
