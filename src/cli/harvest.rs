//! Results of a sweep: into the files of its folder, and to standard output.

use super::Code;
use super::args::Format;
use super::outcome;
use super::sweep::Target;
use super::terminal::Terminal;
use crate::report::neutral;
use crate::report::sweep::{page, table};
use crate::sweep::folder::Folder;
use crate::sweep::harvest::{self, Harvest};
use crate::sweep::listing;
use crate::sweep::plan::Plan;
use std::io::{self, Write};

/// Makes everything of what is in the journal.
pub(super) fn all(plan: &Plan, target: &Target, format: Format, opens: bool, terminal: &Terminal) -> Code {
    let mut text = String::new();
    let harvested = match target {
        Target::Folder(folder) => written(plan, folder, format, &mut text),
        Target::Nowhere(journal) => {
            let (mut csv, mut lines) = taken(format, &mut text);
            harvest::harvest(plan, journal, &mut csv, &mut lines)
        }
    };
    let harvest = match harvested {
        Ok(harvest) => harvest,
        Err(error) => {
            if let Target::Folder(folder) = target {
                folder.forget();
            }
            let kept = target.journal().done();
            terminal.error(&format!(
                "cannot write the results: {error}; {kept} finished cells are kept in {}: go on with --resume",
                target.shown()
            ));
            return Code::Failed;
        }
    };
    warn(plan, &harvest, terminal);
    if let Target::Folder(folder) = target {
        terminal.note(&format!("the sweep is in {}", target.shown()));
        if opens {
            outcome::open_page(&folder.path().join("sweep.html"), terminal);
        }
    }
    terminal.result(&match format {
        Format::Table => table::draw(&harvest.surface, &|style, text| terminal.paint(style, text)),
        Format::Markdown => table::markdown(&harvest.surface),
        Format::Csv => text,
        Format::Json => array(&text),
    })
}

/// Lines of objects as an array.
fn array(lines: &str) -> String {
    format!("[{}]\n", lines.lines().collect::<Vec<_>>().join(",\n "))
}

type Taker<'t> = Box<dyn FnMut(&str) -> io::Result<()> + 't>;

/// What standard output will carry, kept until then; the other is dropped.
fn taken(format: Format, text: &mut String) -> (Taker<'_>, Taker<'_>) {
    let mut keep = Some(text);
    let mut one = |wanted: Format| -> Taker<'_> {
        match keep.take_if(|_| format == wanted) {
            Some(text) => Box::new(move |more: &str| {
                text.push_str(more);
                Ok(())
            }),
            None => Box::new(|_| Ok(())),
        }
    };
    (one(Format::Csv), one(Format::Json))
}

fn written(plan: &Plan, folder: &Folder, format: Format, text: &mut String) -> io::Result<Harvest> {
    let (mut csv_file, mut lines_file) = (folder.draft("results.csv")?, folder.draft("results.jsonl")?);
    let (mut csv, mut lines) = taken(format, text);
    let harvest =
        harvest::harvest(plan, &folder.journal, &mut |rows| csv_file.write_all(rows.as_bytes()).and_then(|()| csv(rows)), &mut |rows| {
            lines_file.write_all(rows.as_bytes()).and_then(|()| lines(rows))
        })?;
    let (mut plan_file, mut page_file) = (folder.draft("plan.json")?, folder.draft("sweep.html")?);
    plan_file.write_all(listing::json(plan).as_bytes())?;
    page_file.write_all(page::draw(&harvest.surface).as_bytes())?;
    folder.finish(vec![("results.csv", csv_file), ("results.jsonl", lines_file), ("plan.json", plan_file), ("sweep.html", page_file)])?;
    Ok(harvest)
}

/// What to know before trusting the numbers: each kind once, with how many points it is said of.
fn warn(plan: &Plan, harvest: &Harvest, terminal: &Terminal) {
    for (count, point, warning) in &harvest.warnings {
        let points = plan.points.len();
        let at = match (points, count) {
            (1, _) => String::new(),
            (_, 1) => format!("at {}: ", plan.head.parameters.words(*point)),
            _ => format!("at {count} of {points} points, the first {}: ", plan.head.parameters.words(*point)),
        };
        terminal.warning(&neutral::plain(&format!("{at}{}", warning.text)));
    }
    if harvest.left_out > 0 {
        terminal.warning(&format!("{} of {} points are left out: not all of their cells are there", harvest.left_out, plan.points.len()));
    }
}
