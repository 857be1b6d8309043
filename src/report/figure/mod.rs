//! Figures: what happened, each with its claim as its title.
//!
//! A figure is a description (lines, bars, strips, a heat map) made from a summary and its detail. It is drawn once, by plotters, onto a canvas that
//! writes down marks; [`Figure::svg`] and [`Figure::png`] are those marks with the colours of a file, the report page shows the same marks with its own.
//! Nothing depends on the platform: mathematics is `libm`'s, the font is embedded, numbers are written with fixed decimals.

pub(super) mod axis;
mod bars;
mod canvas;
mod cast;
mod depth;
mod heat;
mod heat_maps;
mod ink;
pub(super) mod letters;
pub(super) mod lines;
mod over_time;
pub(super) mod palette;
mod percentiles;
mod png;
mod scene;
mod shares;
mod spent;
mod strips;
pub(super) mod svg;
mod trouble;
pub(super) mod words;

use crate::measure::detail::Detail;
use crate::measure::summary::Summary;
pub(super) use cast::{Cast, Role as Player, casts_among, labels};

/// A table behind a figure: what it shows, for those who would rather read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Table {
    pub(super) head: Vec<String>,
    /// Whose row it is, and its cells.
    pub(super) rows: Vec<(Option<u8>, Vec<String>)>,
    /// Whose columns they are, where a table has one for each balancer.
    pub(super) columns: Vec<Option<u8>>,
}

/// What a figure draws.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Drawing {
    Lines(lines::Lines),
    Bars(bars::Bars),
    Strips(strips::Strips),
    Heat(heat::Heat),
}

/// What a figure is about: the parts of the page, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Topic {
    Percentiles,
    Time,
    Heat,
    Busy,
    Fairness,
    Shares,
    Spent,
    Depth,
    Trouble,
}

/// A figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The stem of its file's name: `latency-by-percentile`, `heat-map-p2c`.
    pub name: String,
    /// What it shows, as a claim.
    pub title: String,
    /// The finding in a sentence or two, for those who do not see it.
    pub finding: String,
    /// How to read it.
    pub(super) caption: String,
    pub(super) variant: Option<String>,
    pub(super) topic: Topic,
    pub(super) drawing: Drawing,
    pub(super) table: Table,
    /// The colour of each series.
    pub(super) slots: Vec<u8>,
    /// Of whom alone it tells.
    pub(super) series: Option<u8>,
}

impl Figure {
    /// A file of its own, in light colours.
    #[must_use]
    pub fn svg(&self) -> String {
        svg::file(&self.scene(true), &self.title, &self.finding)
    }

    /// A bitmap, two dots to a pixel.
    #[must_use]
    pub fn png(&self) -> Vec<u8> {
        png::file(&self.scene(true))
    }

    /// As it is drawn, with its title or without.
    pub(super) fn scene(&self, titled: bool) -> scene::Scene {
        let title = titled.then_some(self.title.as_str());
        match &self.drawing {
            Drawing::Lines(lines) => lines.draw(title, &self.slots),
            Drawing::Bars(bars) => bars.draw(title, &self.slots),
            Drawing::Strips(strips) => strips.draw(title, &self.slots),
            Drawing::Heat(heat) => heat.draw(title, &self.slots),
        }
    }
}

/// Every figure there are data for, variant by variant.
#[must_use]
pub fn all(summary: &Summary, detail: &Detail) -> Vec<Figure> {
    of(&cast::casts(summary, detail))
}

/// Those of casts that are known.
pub(super) fn of(casts: &[Cast<'_>]) -> Vec<Figure> {
    let mut figures = Vec::new();
    for cast in casts {
        figures.extend(percentiles::figure(cast));
        figures.extend(over_time::figures(cast));
        figures.extend(heat_maps::figures(cast));
        figures.extend(over_time::fairness(cast));
        figures.extend(shares::figure(cast));
        figures.extend(spent::figure(cast));
        figures.extend(depth::figure(cast));
        figures.extend(trouble::figures(cast));
    }
    tell_apart(&mut figures);
    figures
}

/// Names that are equal get numbers, so that no file is written over another.
fn tell_apart(figures: &mut [Figure]) {
    for at in 1..figures.len() {
        let taken = |name: &str| figures[..at].iter().any(|other| other.name == name);
        let mut name = figures[at].name.clone();
        let mut number = 2;
        while taken(&name) {
            name = format!("{}-{number}", figures[at].name);
            number += 1;
        }
        figures[at].name = name;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample_page as sample;

    const GOLDEN: u64 = 0x5074_ec1a_48e8_1a63;

    #[test]
    fn every_figure_is_drawn_as_svg_and_as_a_bitmap() {
        let (summary, detail) = sample::five();
        let figures = all(&summary, &detail);
        assert!(figures.len() >= 15, "{}", figures.len());
        for figure in &figures {
            let svg = figure.svg();
            assert!(
                svg.starts_with("<svg ") && svg.contains("<title>") && svg.contains("<desc>") && svg.contains("<path"),
                "{}",
                figure.name
            );
            assert!(!figure.title.is_empty() && !figure.finding.is_empty() && !figure.table.rows.is_empty(), "{}", figure.name);
            let png = figure.png();
            assert!(png.starts_with(b"\x89PNG\r\n\x1a\n") && png.len() > 5000, "{}: {}", figure.name, png.len());
        }
    }

    #[test]
    fn file_names_are_harmless_and_differ() {
        let (summary, detail) = sample::hostile();
        let figures = all(&summary, &detail);
        assert!(!figures.is_empty());
        for (at, figure) in figures.iter().enumerate() {
            assert!(figure.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{}", figure.name);
            assert!(figure.name.len() < 120 && figures[..at].iter().all(|other| other.name != figure.name), "{}", figure.name);
            let svg = figure.svg();
            assert!(!svg.contains("<script") && !svg.contains("onerror=\"") && !svg.contains('\u{202e}'), "{}", figure.name);
        }
    }

    #[test]
    fn the_same_data_give_the_same_bytes_on_every_platform() {
        let (summary, detail) = sample::five();
        let whole: String = all(&summary, &detail).iter().map(Figure::svg).collect();
        // FNV-1a over all files. It changes with every change of how figures look, and with nothing else.
        let hash = whole.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        assert_eq!(hash, GOLDEN, "{hash:#x}");
    }

    #[test]
    fn nothing_measured_draws_nothing_and_does_not_fail() {
        let (mut summary, mut detail) = sample::five();
        summary.results.clear();
        detail.results.clear();
        assert_eq!(all(&summary, &detail), []);
        let (summary, mut detail) = sample::five();
        detail.results.iter_mut().for_each(|one| *one = Default::default());
        for figure in all(&summary, &detail) {
            assert!(figure.svg().ends_with("</svg>\n"));
        }
    }
}
