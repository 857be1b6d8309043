//! Colours of files; the page has its own in `page.css`, for light and dark.
//!
//! Series have the colours of Okabe and Ito, which people with a colour-vision deficiency can tell apart, and a pattern of dashes each, for those who see none.
//! Heat maps are viridis, which gets lighter evenly.

use super::ink::{Ink, Role};

/// So many series have a colour of their own; others are grey.
pub(in crate::report) const COLOURS: usize = 7;

const SERIES: [&str; COLOURS + 1] = ["#0072b2", "#d55e00", "#009e73", "#b8528b", "#e69f00", "#56b4e9", "#2e3440", "#98a2b3"];

/// Dashes and gaps in pixels.
pub(in crate::report) const DASHES: [&[f32]; COLOURS + 1] =
    [&[], &[7.0, 3.0], &[2.0, 2.5], &[9.0, 3.0, 2.0, 3.0], &[5.0, 2.0], &[12.0, 4.0], &[4.0, 2.0, 1.0, 2.0], &[]];

/// Parts of stacked bars, from dark to light and back, so that neighbours differ in grey too.
const PARTS: [&str; 6] = ["#8a3c00", "#cbd5e1", "#4c6a92", "#e0a83c", "#5b2a86", "#9fc5a8"];
/// What is written on them.
const ON_PARTS: [&str; 6] = ["#ffffff", "#111827", "#ffffff", "#111827", "#ffffff", "#111827"];

/// The scale of heat maps.
const VIRIDIS: [[u8; 3]; 17] = [
    [0x44, 0x01, 0x54],
    [0x48, 0x18, 0x6a],
    [0x47, 0x2d, 0x7b],
    [0x42, 0x40, 0x86],
    [0x3b, 0x52, 0x8b],
    [0x33, 0x63, 0x8d],
    [0x2c, 0x72, 0x8e],
    [0x26, 0x82, 0x8e],
    [0x21, 0x91, 0x8c],
    [0x1f, 0xa0, 0x88],
    [0x28, 0xae, 0x80],
    [0x3f, 0xbc, 0x73],
    [0x5e, 0xc9, 0x62],
    [0x84, 0xd4, 0x4b],
    [0xad, 0xdc, 0x30],
    [0xd8, 0xe2, 0x19],
    [0xfd, 0xe7, 0x25],
];

/// The highest step of a heat map's scale.
pub(in crate::report) const HOTTEST: u8 = 16;

/// A step of a heat map's scale.
pub(in crate::report) fn heat(step: u8) -> [u8; 3] {
    VIRIDIS[usize::from(step.min(HOTTEST))]
}

/// How a mark looks in a file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Look {
    pub(super) colour: String,
    pub(super) opacity: f32,
    /// Of lines, in pixels.
    pub(super) stroke: f32,
    pub(super) dashes: &'static [f32],
}

/// The look of an ink; `slots` gives each series its colour.
pub(super) fn look(ink: Ink, slots: &[u8]) -> Look {
    let slot = ink.series.map_or(COLOURS, |series| usize::from(slot(slots, series)));
    let plain = |colour: &str, opacity: f32, stroke: f32| Look { colour: colour.into(), opacity, stroke, dashes: &[] };
    match ink.role {
        Role::Ground => plain("#ffffff", 1.0, 1.0),
        Role::Axis => plain("#667085", 1.0, 1.0),
        Role::Grid => plain("#e4e7ec", 1.0, 1.0),
        Role::Label => plain("#475467", 1.0, 1.0),
        Role::Title | Role::Name => plain("#101828", 1.0, 1.0),
        Role::WarmUp => plain("#98a2b3", 0.22, 1.0),
        Role::Fault => plain("#b42318", 0.13, 1.0),
        Role::FaultNumber => plain("#b42318", 1.0, 1.0),
        Role::Even => Look { dashes: &[3.0, 3.0], ..plain("#475467", 1.0, 1.2) },
        Role::Line | Role::Sample => Look { dashes: DASHES[slot], ..plain(SERIES[slot], 1.0, 2.5) },
        Role::Tail => Look { dashes: &[2.0, 4.0], ..plain(SERIES[slot], 0.65, 2.0) },
        Role::Band => plain(SERIES[slot], 0.16, 1.0),
        Role::Bar => plain(SERIES[slot], 1.0, 1.0),
        Role::Leader => plain("#98a2b3", 1.0, 0.75),
        Role::Part => plain(PARTS[usize::from(ink.step) % PARTS.len()], 1.0, 1.0),
        Role::PartLabel => plain(ON_PARTS[usize::from(ink.step) % PARTS.len()], 1.0, 1.0),
        Role::Heat => {
            let [r, g, b] = heat(ink.step);
            plain(&format!("#{r:02x}{g:02x}{b:02x}"), 1.0, 1.0)
        }
    }
}

/// The colour of a series.
pub(in crate::report) fn slot(slots: &[u8], series: u8) -> u8 {
    slots.get(usize::from(series)).copied().unwrap_or(COLOURS as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance (WCAG).
    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).expect("two digits")) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { libm::pow((value + 0.055) / 1.055, 2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(one: &str, other: &str) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn what_is_written_can_be_read() {
        for role in [Role::Label, Role::Title, Role::Name, Role::FaultNumber] {
            assert!(contrast(&look(Ink::of(role), &[]).colour, "#ffffff") >= 4.5, "{role:?}");
        }
        for (part, text) in PARTS.iter().zip(ON_PARTS) {
            assert!(contrast(part, text) >= 4.5, "{part}");
        }
    }

    #[test]
    fn neighbouring_parts_differ_without_colours() {
        for pair in PARTS.windows(2) {
            assert!(contrast(pair[0], pair[1]) >= 1.8, "{pair:?}: {}", contrast(pair[0], pair[1]));
        }
    }

    #[test]
    fn heat_gets_lighter_at_every_step() {
        let lightness = |step: u8| {
            let [r, g, b] = heat(step);
            luminance(&format!("#{r:02x}{g:02x}{b:02x}"))
        };
        assert!((0..HOTTEST).all(|step| lightness(step) < lightness(step + 1)));
    }
}
