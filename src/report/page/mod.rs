//! The report as one HTML file: the answer first, then the evidence, then everything it rests on.
//!
//! The file is whole: it asks for nothing (its Content-Security-Policy forbids it to), and with scripts off every table and every chart is there. The script
//! (`page.js`) adds what only a screen can: hiding and highlighting, values under the pointer, zooming in time. Whatever comes from a scenario passes through
//! [`neutral::html`](super::neutral::html); the script reads its numbers from a JSON block in which `<` cannot occur.
//!
//! In the order of the page: `verdict`, `card` (with `topology`), `compare`, `charts`, `troubles`, `tables`, `colophon`; `several` sets folders side by side.

mod card;
mod charts;
mod colophon;
mod compare;
mod data;
mod several;
mod tables;
mod topology;
mod troubles;
mod verdict;

use super::base64::base64;
use super::figure::{self, Cast, Figure, palette};
use super::neutral::html;
use crate::measure::detail::Detail;
use crate::measure::summary::Summary;
use sha2::{Digest, Sha256};

pub(super) use charts::table;

pub(super) const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// One result that is shown.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// The name of its folder, where several are side by side.
    pub name: Option<&'a str>,
    /// What was measured.
    pub summary: &'a Summary,
    /// What is drawn beyond it.
    pub detail: &'a Detail,
}

/// A result with all that is drawn of it.
struct Side<'a> {
    shown: Shown<'a>,
    casts: Vec<Cast<'a>>,
    figures: Vec<Figure>,
    /// Its number, before the names of its figures, so that they differ from those of the other sides.
    number: usize,
}

impl Side<'_> {
    /// What is before its headings where there are several sides.
    fn name(&self) -> String {
        self.shown.name.map(figure::words::name).unwrap_or_default()
    }

    /// The identifier of a figure.
    fn id(&self, figure: &Figure) -> String {
        format!("f{}-{}", self.number, figure.name)
    }
}

/// The whole file; `reproduce` is the command that makes it again.
#[must_use]
pub fn draw(shown: &[Shown<'_>], reproduce: &str) -> String {
    let labels = figure::labels(shown.iter().map(|one| one.summary));
    let mut sides: Vec<Side<'_>> = shown.iter().enumerate().map(|(number, one)| side(number, *one, &labels)).collect();
    several::share_scales(&mut sides);
    let slots = sides.first().and_then(|side| side.casts.first()).map(|cast| cast.slots.clone()).unwrap_or_default();
    let style = style(labels.len());
    let title = shown.first().and_then(|one| one.summary.scenario.title.as_deref()).unwrap_or("A comparison of load balancers");
    let mut page = head(title, &style);
    page += &format!("<body>\n<a class=\"skip\" href=\"#main\">Skip to the results</a>\n{}", header(title, shown));
    page += &controls(&labels, &slots);
    page += "<main id=\"main\">\n";
    page += &body(&sides, reproduce);
    page += "</main>\n";
    page += &colophon::footer(shown);
    page += &format!("<script type=\"application/json\" id=\"data\">{}</script>\n", data::json(&sides, &labels, &slots));
    page += &format!("<script>{SCRIPT}</script>\n</body>\n</html>\n");
    page
}

fn side<'a>(number: usize, shown: Shown<'a>, labels: &[&str]) -> Side<'a> {
    let casts = figure::casts_among(shown.summary, shown.detail, labels);
    Side { shown, figures: figure::of(&casts), casts, number }
}

fn body(sides: &[Side<'_>], reproduce: &str) -> String {
    let mut text = verdict::section(sides);
    text += &card::section(sides);
    text += &compare::section(sides);
    if sides.len() > 1 {
        text += &several::section(sides);
    }
    text += &charts::sections(sides);
    text += &troubles::section(sides);
    text += &tables::sections(sides);
    text += &colophon::section(sides, reproduce);
    text
}

/// The style sheet, and the rules that hide and highlight each balancer.
fn style(labels: usize) -> String {
    let mut style = STYLE.to_owned();
    for series in 0..labels {
        style += &format!(
            ".hide-{series} [data-series=\"{series}\"]{{display:none}}.hide-{series} col[data-series=\"{series}\"]{{display:table-column;visibility:collapse}}\n\
             .only-{series} svg [data-series]:not([data-series=\"{series}\"]){{opacity:.15}}\n\
             .only-{series} col[data-series=\"{series}\"],.only-{series} tr[data-series=\"{series}\"],.only-{series} tr[data-series=\"{series}\"]>th{{background:var(--hi)}}\n"
        );
    }
    style
}

/// A hash as a Content-Security-Policy wants it.
pub(super) fn hash(text: &str) -> String {
    format!("'sha256-{}'", base64(&Sha256::digest(text.as_bytes())))
}

fn head(title: &str, style: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src {}; script-src {}; img-src data:; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{} – evenkeel</title>\n<style>{style}</style>\n</head>\n",
        hash(style),
        hash(SCRIPT),
        html(&figure::words::name(title))
    )
}

fn header(title: &str, shown: &[Shown<'_>]) -> String {
    let question = shown.first().and_then(|one| one.summary.scenario.question.as_deref());
    let question = question.map(|question| format!("<p class=\"question\">{}</p>\n", html(&long(question)))).unwrap_or_default();
    format!("<header class=\"top\">\n<p class=\"kicker\">evenkeel report</p>\n<h1>{}</h1>\n{question}</header>\n", html(&long(title)))
}

/// A text of a sentence or two; what is longer is cut.
pub(super) fn long(text: &str) -> String {
    super::neutral::fitted(&text.chars().take(500).collect::<String>(), 300)
}

/// What only works with the script, which shows it.
fn controls(labels: &[&str], slots: &[u8]) -> String {
    let one = |(series, label): (usize, &&str)| {
        let (name, swatch) = (html(&figure::words::name(label)), swatch(palette::slot(slots, series as u8)));
        format!(
            "<li data-slot=\"{series}\"><button type=\"button\" data-hide=\"{series}\" aria-pressed=\"true\" title=\"Show or hide\">{swatch}{name}</button>\
             <button type=\"button\" data-only=\"{series}\" aria-pressed=\"false\" aria-label=\"Highlight {name}\" title=\"Highlight\">◎</button></li>\n"
        )
    };
    let all: String = labels.iter().enumerate().map(one).collect();
    format!(
        "<nav class=\"controls\" id=\"controls\" aria-label=\"What the charts show\" hidden>\n<ul>\n{all}</ul>\n<div>\
         <button type=\"button\" id=\"log\" aria-pressed=\"true\">log latency</button>\
         <button type=\"button\" id=\"closer\">zoom in</button><button type=\"button\" id=\"wider\">zoom out</button>\
         <button type=\"button\" id=\"whole\" disabled>whole run</button>\
         <button type=\"button\" id=\"theme\">theme: auto</button></div>\n</nav>\n"
    )
}

/// A sample of a series' line.
pub(super) fn swatch(slot: u8) -> String {
    format!(
        "<svg class=\"swatch c{slot}\" viewBox=\"0 0 24 8\" width=\"24\" height=\"8\" aria-hidden=\"true\"><path class=\"sample\" d=\"M1 4h22\"/></svg>"
    )
}

/// A heading that names a section, and the section.
pub(super) fn section(id: &str, heading: &str, inside: &str) -> String {
    format!("<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{}</h2>\n{inside}</section>\n", html(heading))
}

/// What is before a part that belongs to one side or one variant.
fn part(side: &Side<'_>, variant: Option<&str>) -> String {
    let names: Vec<String> =
        [side.name(), variant.map(figure::words::name).unwrap_or_default()].into_iter().filter(|name| !name.is_empty()).collect();
    if names.is_empty() { String::new() } else { format!("<h3 class=\"part\">{}</h3>\n", html(&names.join(" · "))) }
}

/// A table that scrolls by itself.
pub(super) fn scrolling(label: &str, table: &str) -> String {
    format!("<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"{}\">{table}</div>\n", html(label))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample_page as sample;

    fn page((summary, detail): &(Summary, Detail)) -> String {
        draw(&[Shown { name: None, summary, detail }], "evenkeel run scenario.toml --out report")
    }

    #[test]
    fn a_large_page_stays_small_and_is_the_same_every_time() {
        let five = sample::five();
        let drawn = page(&five);
        assert!(drawn.len() < 500_000, "{}", drawn.len());
        assert_eq!(drawn, page(&five));
    }

    #[test]
    fn it_asks_for_nothing_from_outside() {
        let drawn = page(&sample::five());
        for outside in ["http://", "https://", "//cdn", "@import", "url("] {
            assert!(!drawn.contains(outside), "{outside}");
        }
        assert!(!drawn.contains(" style=\"") && !drawn.contains(" onclick="), "the policy forbids both");
    }

    #[test]
    fn the_policy_names_what_is_there() {
        let drawn = page(&sample::small());
        let between = |from: &str, to: &str| drawn.split_once(from).and_then(|(_, rest)| rest.split_once(to)).expect("it is there").0;
        assert!(drawn.contains(&format!("style-src {}", hash(between("<style>", "</style>")))));
        assert!(drawn.contains(&format!("script-src {}", hash(between("<script>", "</script>")))));
    }

    #[test]
    fn hostile_names_stay_text() {
        let hostile = sample::hostile();
        let drawn = draw(
            &[
                Shown { name: Some("</title><script>"), summary: &hostile.0, detail: &hostile.1 },
                Shown { name: Some("\" onfocus=alert(1) x=\""), summary: &hostile.0, detail: &hostile.1 },
            ],
            "evenkeel run '</script><script>alert(5)</script>'",
        );
        // The page's own two scripts, and no third.
        assert_eq!((drawn.matches("<script").count(), drawn.matches("</script").count()), (2, 2));
        assert_eq!(drawn.matches("<img").count(), 0);
        assert!(!drawn.contains("<!--") && !drawn.chars().any(|c| c != '\n' && crate::report::neutral::is_harmful(c)));
        for tag in drawn.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or(rest)).filter(|tag| !tag.starts_with("script>")) {
            assert!(!tag.contains("alert(") || tag.split('"').step_by(2).all(|outside| !outside.contains("alert(")), "{tag}");
        }
        // The JSON block is one text; names in it are cut as well.
        let texts = drawn.split(['<', '>', '"']).filter(|text| text.contains("long name long name"));
        let longest = texts.map(str::len).max();
        assert!(longest.unwrap_or(0) < 2000, "{longest:?}");
    }

    #[test]
    fn nothing_measured_is_a_page_too() {
        let (mut summary, mut detail) = sample::small();
        summary.results.clear();
        summary.comparisons.clear();
        detail.results.clear();
        assert!(page(&(summary.clone(), detail.clone())).contains("Nothing was measured"));
        detail.setups.clear();
        page(&(summary, detail));
        assert!(draw(&[], "").contains("Nothing was measured"));
    }

    #[test]
    fn variants_and_folders_have_their_own_charts() {
        let drawn = page(&sample::variants());
        assert!(drawn.contains("id=\"f0-p99-over-time-no-retries\"") && drawn.contains("id=\"f0-p99-over-time-3-retries\""));
        let (one, other) = (sample::before(), sample::small());
        let both = [
            Shown { name: Some("before"), summary: &one.0, detail: &one.1 },
            Shown { name: Some("after"), summary: &other.0, detail: &other.1 },
        ];
        let drawn = draw(&both, "evenkeel report before after");
        assert!(drawn.contains("id=\"f0-p99-over-time\"") && drawn.contains("id=\"f1-p99-over-time\"") && drawn.contains("before → after"));
    }
}
