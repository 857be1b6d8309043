//! The page of a sweep: a chart of each metric against what was varied, with bands, and a mark wherever the ranking changes.
//!
//! It is one file, asks for nothing and has no scripts. Its look is that of the report page.

use super::changes::{self, Change};
use super::facets::{self, Along, Facet};
use super::words;
use crate::measure::metric::{Better, Unit as Measure};
use crate::measure::surface::{Row, Shown, Surface};
use crate::report::figure::axis::{Axis, Unit};
use crate::report::figure::lines::{Line, Lines, Span};
use crate::report::figure::svg::{self, For};
use crate::report::figure::words::name;
use crate::report::figure::{Table, palette};
use crate::report::neutral::html;
use crate::report::page;

/// More charts than this are for programs.
const MOST: usize = 120;
/// So many changes of a chart are told.
const TOLD: usize = 12;
const HEIGHT: u32 = 400;

/// Beside a chart its numbers, where there is room.
const MORE_STYLE: &str = ".sweep table{font-size:.85rem}.sweep td,.sweep th{padding:.2rem .6rem}.sweep ol{margin:.4rem 0 .8rem;padding-left:1.6rem}\
    @media (min-width:80rem){.sweep .charts{grid-template-columns:1fr}.sweep figure{max-width:none;display:grid;grid-template-columns:minmax(0,50rem) minmax(0,1fr);column-gap:2rem;grid-auto-rows:min-content}\
    .sweep figure>*{grid-column:1}.sweep figure h3{grid-column:1/-1}.sweep figure details{grid-column:2;grid-row:2/span 5}}";

/// The whole file.
#[must_use]
pub fn draw(surface: &Surface) -> String {
    let style = format!("{}{MORE_STYLE}", page::STYLE);
    let title = surface.title.as_deref().unwrap_or("A sweep");
    let question =
        surface.question.as_deref().map(|text| format!("<p class=\"question\">{}</p>\n", html(&page::long(text)))).unwrap_or_default();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src {}; img-src data:; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{} – evenkeel sweep</title>\n<style>{style}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#main\">Skip to the results</a>\n\
         <header class=\"top\">\n<p class=\"kicker\">evenkeel sweep</p>\n<h1>{}</h1>\n{question}</header>\n\
         <main id=\"main\" class=\"sweep\">\n{}{}</main>\n\
         <footer class=\"end\"><p>Drawn by evenkeel {}. The file is whole: it loads nothing and sends nothing.</p></footer>\n</body>\n</html>\n",
        page::hash(&style),
        html(&name(title)),
        html(&page::long(title)),
        sections(surface),
        about(surface),
        env!("CARGO_PKG_VERSION"),
    )
}

fn sections(surface: &Surface) -> String {
    if surface.rows.is_empty() {
        return page::section("nothing", "Nothing was measured", "<p>No point of the sweep is complete.</p>\n");
    }
    let along = Along::of(surface);
    let facets = facets::facets(surface, &along);
    let slots = slots(surface);
    let mut text = String::new();
    let mut room = MOST;
    for (number, shown) in surface.metrics.iter().enumerate() {
        let y = y_axis(surface, shown, number);
        let count = facets.len().min(room);
        room -= count;
        let chart = |(at, facet): (usize, &Facet<'_>)| Chart { surface, along: &along, facet, metric: number, slots: &slots }.html(&y, at);
        let charts: String = facets.iter().take(count).enumerate().map(chart).collect();
        let left = facets.len() - count;
        let more = if left == 0 {
            String::new()
        } else {
            format!("<p class=\"note\">{left} more charts are not drawn: results.csv has their numbers.</p>\n")
        };
        let id = format!("m{number}");
        text += &page::section(&id, &heading(shown), &format!("<div class=\"charts\">\n{charts}</div>\n{more}"));
    }
    text
}

/// `Latency: p99`.
fn heading(shown: &Shown) -> String {
    match shown.metric.strip_prefix("latency.") {
        Some(figure) => format!("Latency: {figure}"),
        None => shown.metric.clone(),
    }
}

/// The same scale for every chart of a metric.
fn y_axis(surface: &Surface, shown: &Shown, number: usize) -> Axis {
    let values: Vec<f64> = surface.rows.iter().filter_map(|row| row.figures[number].value).collect();
    let bands = surface.rows.iter().filter_map(|row| Some(row.figures[number].value? + row.figures[number].half.unwrap_or(0.0)));
    let (low, high) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &value| (low.min(value), high.max(value)));
    let unit = match shown.unit {
        Measure::Milliseconds => Unit::Ms,
        Measure::Seconds => Unit::S,
        Measure::PerSecond => Unit::Rate,
        Measure::Share => Unit::Share,
        Measure::Count | Measure::Number => Unit::Number,
    };
    let label = heading(shown);
    match (low, high) {
        (low, high) if low > 0.0 && high / low > 6.0 => Axis::log(&label, unit, values.iter().copied()),
        (low, high) if low > 0.8 * high && low > 0.0 && unit != Unit::Ms => {
            let margin = (high - low).max(high * 1e-3) * 0.1;
            Axis::between(&label, unit, low - margin, high + margin)
        }
        (low, high) if low < 0.0 => Axis::between(&label, unit, low, high.max(0.0)),
        _ => Axis::from_zero(&label, unit, bands),
    }
}

/// With more balancers than colours, those that win most often have them.
fn slots(surface: &Surface) -> Vec<u8> {
    let wins = |balancer: usize| {
        surface.rows.iter().filter(|row| usize::from(row.balancer) == balancer).map(|row| row.figures[0].beats.len()).sum::<usize>()
    };
    let mut order: Vec<usize> = (0..surface.balancers.len()).collect();
    if order.len() > palette::COLOURS {
        order.sort_by_key(|&balancer| (std::cmp::Reverse(wins(balancer)), balancer));
        order.truncate(palette::COLOURS);
        order.sort_unstable();
    }
    let mut slots = vec![palette::COLOURS as u8; surface.balancers.len()];
    order.into_iter().zip(0..).for_each(|(balancer, slot)| slots[balancer] = slot);
    slots
}

struct Chart<'a> {
    surface: &'a Surface,
    along: &'a Along,
    facet: &'a Facet<'a>,
    metric: usize,
    slots: &'a [u8],
}

impl Chart<'_> {
    fn html(&self, y: &Axis, number: usize) -> String {
        let changes = changes::changes(self.surface, self.facet, self.along, self.metric);
        let (spans, told) = numbered(&changes);
        let lines = Lines { x: self.along.axis.clone(), y: y.clone(), lines: self.lines(), spans, even: None, height: HEIGHT };
        let scene = lines.draw(None, self.slots);
        let (id, title) = (format!("s{}-{number}", self.metric), html(&self.title(&changes)));
        let finding: String = told.iter().map(|(number, words)| format!("<li value=\"{number}\">{}</li>\n", html(words))).collect();
        let finding = if finding.is_empty() { finding } else { format!("<ol>\n{finding}</ol>\n") };
        let more = changes.len().saturating_sub(TOLD);
        let more = if more == 0 { String::new() } else { format!("<p class=\"note\">… and {more} more changes.</p>\n") };
        format!(
            "<figure class=\"chart\" id=\"{id}\">\n<h3>{title}</h3>\n<div class=\"scroll plot\" tabindex=\"0\" role=\"group\" aria-label=\"Chart: {title}\">\
             <svg viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"{id}-t\"><title id=\"{id}-t\">{title}</title>\n{}</svg></div>\n\
             <figcaption>{}</figcaption>\n{finding}{more}<details open><summary>The numbers</summary>\n{}</details>\n</figure>\n",
            scene.width,
            scene.height,
            svg::inside(&scene, For::Page),
            self.caption(!changes.is_empty()),
            page::scrolling(&format!("Numbers: {}", heading(self.shown())), &page::table(&self.table())),
        )
    }

    fn shown(&self) -> &Shown {
        &self.surface.metrics[self.metric]
    }

    fn label(&self, balancer: u16) -> String {
        name(&self.surface.balancers[usize::from(balancer)])
    }

    /// What the chart says.
    fn title(&self, changes: &[Change]) -> String {
        let before = if self.facet.name.is_empty() { String::new() } else { format!("{}: ", self.facet.name) };
        let unbeaten = changes::unbeaten(self.surface, self.facet, self.metric);
        let there = self.facet.rows.iter().map(|row| row.balancer).collect::<std::collections::BTreeSet<_>>().len();
        let has_verdicts = self.facet.rows.iter().any(|row| !row.figures[self.metric].beats.is_empty());
        let said = match (&unbeaten[..], changes.len()) {
            _ if there == 1 => format!("{} of {}", heading(self.shown()), self.label(self.facet.rows[0].balancer)),
            _ if self.shown().better == Better::Neither => heading(self.shown()),
            _ if !has_verdicts => "no difference that can be told".to_owned(),
            ([one], _) => format!("{} is nowhere worse than another", self.label(*one)),
            ([one, other], _) => format!("{} and {} are nowhere worse than another", self.label(*one), self.label(*other)),
            ([], 0) => "nobody is best everywhere".to_owned(),
            ([], _) => "nobody is best everywhere: the ranking changes".to_owned(),
            (several, _) => format!("{} of {there} are nowhere worse than another", several.len()),
        };
        before + said.as_str()
    }

    fn caption(&self, changes: bool) -> String {
        let mut text = "Bands are 95% intervals over replications.".to_owned();
        if self.facet.rows.iter().any(|row| row.overloaded) {
            text += " Dotted: overloaded, so that it depends on the length of the run; such a mean is not drawn.";
        }
        if changes {
            text += " Red: somewhere in there the ranking of two changes, by paired verdicts at the points around:";
        }
        text
    }

    fn lines(&self) -> Vec<Line> {
        let points = changes::points(self.facet, self.along);
        let there: Vec<u16> = (0..self.surface.balancers.len() as u16)
            .filter(|balancer| self.facet.rows.iter().any(|row| row.balancer == *balancer))
            .collect();
        let line = |(place, &balancer): (usize, &u16)| {
            let mut line =
                Line { series: balancer.min(250) as u8, name: self.surface.balancers[usize::from(balancer)].clone(), ..Line::default() };
            let mut sure = None;
            for (at, rows) in &points {
                let Some(row) = rows.iter().find(|row| row.balancer == balancer) else { continue };
                if row.overloaded && sure.is_none() {
                    sure = Some(line.points.len());
                }
                self.add(&mut line, row, *at, (place, there.len()));
            }
            line.sure = sure.unwrap_or(line.points.len());
            line
        };
        there.iter().take(250).enumerate().map(line).collect()
    }

    /// A point of a line; where words stand side by side, a dash of its own for each balancer.
    fn add(&self, line: &mut Line, row: &Row, at: usize, (place, count): (usize, usize)) {
        let figure = &row.figures[self.metric];
        let band = figure.value.zip(figure.half).map(|(value, half)| [value - half, value + half]);
        let x = self.along.places[at];
        if !self.along.is_words {
            line.points.push((x, figure.value));
            line.band.push(band);
            return;
        }
        let width = 0.8 / count as f64;
        let left = x - 0.4 + width * place as f64;
        for (x, y, band) in [(left + 0.1 * width, figure.value, band), (left + 0.9 * width, figure.value, band), (left + width, None, None)]
        {
            line.points.push((x, y));
            line.band.push(band);
        }
    }

    fn table(&self) -> Table {
        let there: Vec<u16> = (0..self.surface.balancers.len() as u16)
            .filter(|balancer| self.facet.rows.iter().any(|row| row.balancer == *balancer))
            .collect();
        let key = self.along.parameter.map(|at| words::keys(self.surface)[at].clone()).unwrap_or_default();
        let head = std::iter::once(key).chain(there.iter().map(|&balancer| self.label(balancer))).collect();
        let row = |(at, rows): &(usize, Vec<&Row>)| {
            let group: Vec<Row> = rows.iter().map(|&row| row.clone()).collect();
            let best = self.surface.best(&group, self.metric);
            let cell = |balancer: &u16| {
                let Some(found) = group.iter().position(|row| row.balancer == *balancer) else { return String::new() };
                let figure = &group[found].figures[self.metric];
                let mark = match best.filter(|_| group.len() > 1 && figure.value.is_some()) {
                    Some(best) if best == found => "*",
                    Some(best) if !group[best].figures[self.metric].beats.contains(balancer) => "~",
                    Some(_) | None => "",
                };
                words::figure(figure) + mark
            };
            (None, std::iter::once(self.along.words[*at].clone()).chain(there.iter().map(cell)).collect())
        };
        Table { head, rows: changes::points(self.facet, self.along).iter().map(row).collect(), columns: Vec::new() }
    }
}

/// Changes at the same place have one number.
fn numbered(changes: &[Change]) -> (Vec<Span>, Vec<(usize, String)>) {
    let (mut spans, mut told): (Vec<Span>, Vec<(usize, String)>) = (Vec::new(), Vec::new());
    for change in changes.iter().take(TOLD) {
        let known = spans.iter().position(|span| (span.from, span.to) == (change.from, change.to));
        let place = known.unwrap_or_else(|| {
            spans.push(Span { number: Some(spans.len() + 1), from: change.from, to: change.to });
            spans.len() - 1
        });
        told.push((place + 1, change.words.clone()));
    }
    (spans, told)
}

fn about(surface: &Surface) -> String {
    let varied = surface.parameters.iter().map(|one| {
        let values: Vec<String> = one.values.iter().take(30).map(|value| words::value(value)).collect();
        let more = if one.values.len() > 30 { format!(", … ({} values)", one.values.len()) } else { String::new() };
        (name(&one.key), values.join(", ") + more.as_str())
    });
    let facts = varied.chain([
        ("points".to_owned(), surface.points.to_string()),
        ("cells".to_owned(), surface.cells.to_string()),
        ("fingerprint of the plan".to_owned(), surface.fingerprint.clone()),
    ]);
    let facts: String =
        facts.map(|(name, fact)| format!("<div><dt>{}</dt><dd class=\"code\">{}</dd></div>\n", html(&name), html(&fact))).collect();
    let reading = "<p>At every point all balancers meet the same requests. * marks the best of a point, ~ what cannot be told from it: verdicts are paired by replication and corrected \
                   for their number within a point, not over all points. results.csv and results.jsonl hold every number.</p>\n";
    page::section("about", "What was varied, and how to read it", &format!("<dl class=\"facts\">\n{facts}</dl>\n{reading}"))
}

#[cfg(test)]
mod tests {
    use super::super::table::tests::sample;
    use super::*;
    use crate::measure::surface::Varied;

    #[test]
    fn a_page_shows_every_metric_and_where_the_ranking_changes() {
        let page = draw(&sample());
        assert!(page.contains("from load 0.9 on b is better than a; up to 0.5 it is the other way round"), "{page}");
        assert!(page.contains("nobody is best everywhere: the ranking changes") && page.contains("class=\"fault\""));
        assert!(page.contains("<td>90.0 ±1.0</td><td>40.0 ±1.0*</td>"), "{page}");
        assert_eq!(page, draw(&sample()));
    }

    #[test]
    fn it_asks_for_nothing_and_runs_nothing() {
        let page = draw(&sample());
        for outside in ["http://", "https://", "<script", "@import", "url(", " style=\"", "onclick"] {
            assert!(!page.contains(outside), "{outside}");
        }
        let style = page.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>")).expect("it has a style").0;
        assert!(page.contains(&format!("style-src {}", page::hash(style))));
    }

    #[test]
    fn words_single_points_and_nothing_at_all_are_pages_too() {
        let mut words = sample();
        words.parameters[0].values = vec!["a".into(), "<b>".into(), "\u{202e}c".into()];
        let page = draw(&words);
        assert!(page.contains("&lt;b&gt;") && !page.contains("<b>") && !page.contains('\u{202e}'));
        let mut single = sample();
        single.rows.truncate(2);
        single.parameters.clear();
        single.rows.iter_mut().for_each(|row| row.at.clear());
        assert!(draw(&single).contains("a is nowhere worse than another"));
        assert!(draw(&Surface::default()).contains("Nothing was measured"));
    }

    #[test]
    fn many_charts_are_cut_and_that_is_said() {
        let mut surface = sample();
        let rows = surface.rows.clone();
        let values: Vec<String> = (0..200).map(|at| at.to_string()).collect();
        surface.parameters.push(Varied { key: "run.seed".into(), values, is_log: false, axis: 1 });
        surface.rows = (0..200)
            .flat_map(|seed| {
                rows.iter().cloned().map(move |mut row| {
                    row.at.push(seed);
                    row
                })
            })
            .collect();
        let page = draw(&surface);
        assert_eq!(page.matches("<figure").count(), MOST);
        assert!(page.contains("80 more charts are not drawn"));
    }
}
