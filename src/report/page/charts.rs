//! The figures in the page: each with its claim, its drawing, how to read it, and its data as a table.

use super::Side;
use crate::report::figure::svg::{self, For};
use crate::report::figure::words::name;
use crate::report::figure::{Cast, Drawing, Figure, Table, Topic};
use crate::report::neutral::html;

/// So many variants are shown one below the other.
const MANY: usize = 3;

const TOPICS: [(Topic, &str, &str); 9] = [
    (Topic::Percentiles, "percentiles", "How slow, how often"),
    (Topic::Time, "time", "Over time"),
    (Topic::Heat, "backends-over-time", "Backend by backend"),
    (Topic::Busy, "workers-over-time", "Busy workers, backend by backend"),
    (Topic::Fairness, "fairness", "How evenly, over time"),
    (Topic::Shares, "shares", "Load and fair share"),
    (Topic::Spent, "spent", "Where the time went"),
    (Topic::Depth, "depth", "Queues"),
    (Topic::Trouble, "trouble", "What failed, and how it recovered"),
];

pub(super) fn sections(sides: &[Side<'_>]) -> String {
    TOPICS.iter().map(|(topic, id, heading)| section(sides, *topic, id, heading)).collect()
}

fn section(sides: &[Side<'_>], topic: Topic, id: &str, heading: &str) -> String {
    let mut inside = String::new();
    for side in sides {
        for cast in &side.casts {
            let own = |figure: &&Figure| figure.topic == topic && figure.variant.as_deref() == cast.variant;
            // Heat maps are all read alike: it is said once.
            let repeats = matches!(topic, Topic::Heat | Topic::Busy);
            let figures: Vec<String> =
                side.figures.iter().filter(own).enumerate().map(|(at, figure)| drawn(side, figure, at == 0 || !repeats)).collect();
            if !figures.is_empty() {
                inside +=
                    &part(side, cast, &format!("<div class=\"charts{}\">\n{}</div>", if repeats { " maps" } else { "" }, figures.concat()));
            }
        }
    }
    if inside.is_empty() {
        return inside;
    }
    let sides_by_side = if sides.len() > 1 { format!("<div class=\"sides\">\n{inside}</div>\n") } else { inside };
    if topic == Topic::Busy {
        // What it says is mostly in the maps before.
        return super::section(
            id,
            heading,
            &format!("<details class=\"more\"><summary>Show these maps</summary>\n{sides_by_side}</details>\n"),
        );
    }
    super::section(id, heading, &sides_by_side)
}

/// The charts of one variant; of many variants, all but the first are folded.
fn part(side: &Side<'_>, cast: &Cast<'_>, charts: &str) -> String {
    let is_first = side.casts.first().is_some_and(|first| first.variant == cast.variant);
    match cast.variant {
        Some(variant) if side.casts.len() > MANY && !is_first => {
            let name = [side.name(), name(variant)].into_iter().filter(|name| !name.is_empty()).collect::<Vec<_>>().join(" \u{b7} ");
            format!("<details class=\"more\"><summary>{}</summary>\n{charts}</details>\n", html(&name))
        }
        _ => format!("<div>{}{charts}</div>\n", super::part(side, cast.variant)),
    }
}

fn drawn(side: &Side<'_>, figure: &Figure, captioned: bool) -> String {
    let id = side.id(figure);
    let scene = figure.scene(false);
    let whose = figure.series.map(|series| format!(" data-series=\"{series}\"")).unwrap_or_default();
    let kind = match figure.drawing {
        Drawing::Lines(_) => "lines",
        Drawing::Bars(_) => "bars",
        Drawing::Strips(_) => "strips",
        Drawing::Heat(_) => "cells",
    };
    let (title, finding) = (html(&figure.title), html(&figure.finding));
    format!(
        "<figure class=\"chart {kind}\" id=\"{id}\"{whose}>\n<h3>{title}</h3>\n\
         <div class=\"scroll plot\" tabindex=\"0\" role=\"group\" aria-label=\"Chart: {title}\">\
         <svg viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\"><title id=\"{id}-t\">{title}</title><desc id=\"{id}-d\">{finding}</desc>\n{}</svg></div>\n\
         {}<details><summary>The data as a table</summary>\n{}</details>\n</figure>\n",
        scene.width,
        scene.height,
        svg::inside(&scene, For::Page),
        if captioned { format!("<figcaption>{}</figcaption>\n", html(&figure.caption)) } else { String::new() },
        super::scrolling(&format!("Data: {}", figure.title), &table(&figure.table))
    )
}

/// A table; rows and columns that belong to a balancer say so.
pub(in crate::report) fn table(table: &Table) -> String {
    let own = |series: Option<u8>| series.map(|series| format!(" data-series=\"{series}\"")).unwrap_or_default();
    let columns: String = table.columns.iter().map(|&series| format!("<col{}>", own(series))).collect();
    let columns = if columns.is_empty() { columns } else { format!("<colgroup>{columns}</colgroup>\n") };
    let head: String = table.head.iter().map(|head| format!("<th scope=\"col\">{}</th>", html(head))).collect();
    let row = |(series, cells): &(Option<u8>, Vec<String>)| {
        let cell = |(at, cell): (usize, &String)| match at {
            0 => format!("<th scope=\"row\">{}</th>", html(cell)),
            _ => format!("<td>{}</td>", html(cell)),
        };
        format!("<tr{}>{}</tr>\n", own(*series), cells.iter().enumerate().map(cell).collect::<String>())
    };
    let rows: String = table.rows.iter().map(row).collect();
    format!("<table>\n{columns}<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>")
}
