//! The table of a sweep, for a terminal and for a pull request: one row for each point and balancer.
//!
//! In each column of figures `*` marks the best balancer of a point (and variant), `~` those that cannot be told from it, paired on the same requests. A table of more than
//! [`MOST`] rows is cut: the files hold all of them.

use super::words;
use crate::measure::surface::{Row, Surface};
use crate::report::neutral;
use crate::report::style::Style;

/// More rows than this are for programs.
pub const MOST: usize = 2000;

struct Cell {
    text: String,
    style: Style,
}

/// For a terminal; `paint` colours a piece by what it means.
#[must_use]
pub fn draw(surface: &Surface, paint: &dyn Fn(Style, &str) -> String) -> String {
    let (head, rows) = cells(surface);
    let widths: Vec<usize> = (0..head.len())
        .map(|at| rows.iter().map(|row| neutral::width(&row[at].text)).chain([neutral::width(&head[at])]).max().unwrap_or(0))
        .collect();
    // Names to the left, values and figures to the right.
    let values = surface.parameters.len();
    let names = values..values + usize::from(has_variants(surface)) + 1;
    let line = |cells: &[Cell]| {
        let mut text = String::new();
        for (at, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            let pad = " ".repeat(width - neutral::width(&cell.text));
            let painted = paint(cell.style, &cell.text);
            let gap = if at == 0 { "" } else { "  " };
            text += &if names.contains(&at) { format!("{gap}{painted}{pad}") } else { format!("{gap}{pad}{painted}") };
        }
        text.trim_end().to_owned() + "\n"
    };
    let title = surface.title.as_deref().map(|title| paint(Style::Heading, &neutral::plain(title)) + "\n").unwrap_or_default();
    let about = format!("{} points, {} cells\n\n", surface.points, surface.cells);
    let heads: Vec<Cell> = head.into_iter().map(|text| Cell { text, style: Style::Heading }).collect();
    let mut text = title + paint(Style::Faint, &about).as_str() + line(&heads).as_str();
    let mut last = None;
    for (row, cells) in surface.rows.iter().zip(&rows) {
        if last.is_some_and(|last| last != row.point) && surface.balancers.len() > 1 {
            text.push('\n');
        }
        last = Some(row.point);
        text += &line(cells);
    }
    text + cut(surface).as_str() + "\n" + paint(Style::Faint, &legend(surface)).as_str() + "\n"
}

/// For a pull request: GitHub's Markdown.
#[must_use]
pub fn markdown(surface: &Surface) -> String {
    let (head, rows) = cells(surface);
    let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let rule = head.iter().map(|_| "---:".to_owned()).collect();
    let title = surface.title.as_deref().unwrap_or("evenkeel sweep");
    let mut text = format!("### {}\n\n", neutral::markdown(title));
    text += &row(head.iter().map(|head| neutral::markdown(head)).collect());
    text += &row(rule);
    for cells in &rows {
        let one = |cell: &Cell| {
            let text = neutral::markdown(cell.text.trim_end_matches(['*', ' ']));
            if cell.style == Style::Best { format!("**{text}**") } else { text }
        };
        text += &row(cells.iter().map(one).collect());
    }
    text + cut(surface).as_str() + format!("\n<sub>{}</sub>\n", neutral::markdown(&legend(surface))).as_str()
}

fn cut(surface: &Surface) -> String {
    let more = surface.rows.len().saturating_sub(MOST);
    if more == 0 { String::new() } else { format!("… and {more} more rows: --format csv and --out have all of them\n") }
}

fn legend(surface: &Surface) -> String {
    let several =
        if surface.balancers.len() > 1 { " · * best at its point · ~ cannot be told from it, paired on the same requests" } else { "" };
    format!("± half a 95% interval{several}")
}

fn has_variants(surface: &Surface) -> bool {
    surface.variants.iter().any(Option::is_some)
}

fn cells(surface: &Surface) -> (Vec<String>, Vec<Vec<Cell>>) {
    let mut head = words::keys(surface);
    head.extend(has_variants(surface).then(|| "variant".to_owned()));
    head.push("balancer".into());
    head.extend(surface.metrics.iter().map(|shown| words::metric(shown) + " "));
    let overloaded = surface.rows.iter().any(|row| row.overloaded);
    head.extend(overloaded.then(String::new));
    let mut rows = Vec::new();
    for group in surface.groups() {
        if rows.len() >= MOST {
            break;
        }
        let best: Vec<Option<usize>> = (0..surface.metrics.len()).map(|metric| surface.best(group, metric)).collect();
        for (at, row) in group.iter().enumerate() {
            let mut cells = names(surface, row);
            cells.extend((0..best.len()).map(|metric| marked(group, at, metric, best[metric])));
            cells.extend(
                overloaded.then(|| Cell { text: if row.overloaded { "overloaded".into() } else { String::new() }, style: Style::Alarm }),
            );
            rows.push(cells);
        }
    }
    (head, rows)
}

fn names(surface: &Surface, row: &Row) -> Vec<Cell> {
    let plain = |text: String| Cell { text, style: Style::Plain };
    let values = surface.parameters.iter().zip(&row.at).map(|(parameter, &at)| words::value(&parameter.values[at as usize]));
    let variant = surface.variants[usize::from(row.variant)].as_deref().map_or_else(|| "–".into(), |name| neutral::fitted(name, 26));
    let balancer = neutral::fitted(&surface.balancers[usize::from(row.balancer)], 26);
    values.chain(has_variants(surface).then_some(variant)).chain([balancer]).map(plain).collect()
}

/// The figure, with its mark.
fn marked(group: &[Row], at: usize, metric: usize, best: Option<usize>) -> Cell {
    let figure = &group[at].figures[metric];
    let text = words::figure(figure);
    match best.filter(|_| group.len() > 1 && figure.value.is_some()) {
        Some(best) if best == at => Cell { text: text + "*", style: Style::Best },
        Some(best) if !group[best].figures[metric].beats.contains(&group[at].balancer) => Cell { text: text + "~", style: Style::Faint },
        Some(_) | None => Cell { text: text + " ", style: Style::Plain },
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::measure::metric::{Better, Unit};
    use crate::measure::surface::{Figure, Shown, Varied};
    use crate::report::style::uncoloured;

    /// Two balancers over three loads: `b` becomes better after the first.
    pub(in crate::report::sweep) fn sample() -> Surface {
        let mut surface = Surface {
            title: Some("Two".into()),
            parameters: vec![Varied {
                key: "traffic.arrivals.load".into(),
                values: vec!["0.5".into(), "0.7".into(), "0.9".into()],
                ..Varied::default()
            }],
            metrics: vec![Shown { metric: "latency.p99".into(), unit: Unit::Milliseconds, better: Better::Lower }],
            balancers: vec!["a".into(), "b".into()],
            variants: vec![None],
            points: 3,
            cells: 12,
            ..Surface::default()
        };
        for (point, (a, b, a_wins, b_wins)) in
            [(10.0, 12.0, true, false), (20.0, 19.0, false, false), (90.0, 40.0, false, true)].into_iter().enumerate()
        {
            for (balancer, value, wins) in [(0, a, a_wins), (1, b, b_wins)] {
                let figure = Figure { value: Some(value), half: Some(1.0), beats: if wins { vec![1 - balancer] } else { vec![] } };
                surface.rows.push(Row { point: point as u32, at: vec![point as u32], balancer, figures: vec![figure], ..Row::default() });
            }
        }
        surface
    }

    #[test]
    fn the_best_is_marked_and_what_cannot_be_told_from_it() {
        let text = draw(&sample(), &uncoloured);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0..4], ["Two", "3 points, 12 cells", "", "load  balancer     p99 ms"]);
        assert_eq!(lines[4..6], [" 0.5  a         10.0 ±1.0*", " 0.5  b         12.0 ±1.0"]);
        assert!(text.contains("20.0 ±1.0~") && text.contains("19.0 ±1.0*") && text.contains("40.0 ±1.0*"), "{text}");
    }

    #[test]
    fn markdown_has_a_row_each() {
        let text = markdown(&sample());
        assert_eq!(text.lines().filter(|line| line.starts_with('|')).count(), 2 + 6);
        assert!(text.contains("**10.0 ±1.0**"), "{text}");
    }

    #[test]
    fn hostile_names_reach_nobody() {
        let mut surface = sample();
        surface.balancers[0] = "\u{1b}[2J<script>".into();
        surface.parameters[0].values[0] = "'\u{202e}x'".into();
        for text in [draw(&surface, &uncoloured), markdown(&surface)] {
            assert!(
                !text.chars().any(|c| neutral::is_harmful(c) && c != '\n') && (text.contains("\\u{1b}") || text.contains("\\\\u")),
                "{text}"
            );
        }
    }
}
