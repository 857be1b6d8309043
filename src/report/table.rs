//! The table in the terminal: which balancer, how much better, and how sure that is.
//!
//! Names to the left, numbers to the right, units once in the head. The widest form that fits into [`WIDTH`] columns is taken; then
//! intervals and at last long names give way.

use super::faults::{self, Told};
use super::grid::{self, Block, Cell, Detail};
use super::neutral;
use super::style::Style;
use super::verdicts;
use crate::measure::summary::{Summary, VerdictSummary};

/// The most columns a table takes (a variant's or a scenario's title may be longer).
pub const WIDTH: usize = 100;
/// The most that a balancer's name takes.
const NAME: usize = 26;
/// Between columns.
const GAP: usize = 2;

/// Draws one scenario; `paint` colours a piece by what it means (see [`super::style::uncoloured`]).
#[must_use]
pub fn draw(summary: &Summary, paint: &dyn Fn(Style, &str) -> String) -> String {
    let mut text = heading(summary, paint);
    for verdict in &summary.verdicts {
        text += &judged(verdict, paint);
    }
    let blocks = fitting(summary);
    for block in &blocks {
        text.push('\n');
        if let Some(variant) = &block.variant {
            text += &format!("{}\n", paint(Style::Heading, &neutral::plain(variant)));
        }
        text += &lines(block, paint);
        faults::told(summary, block.variant.as_deref()).iter().for_each(|fault| text += &what_it_did(fault, paint));
    }
    text + "\n" + legend(summary, paint).as_str()
}

/// What a reader has to know, one line each: for standard error.
#[must_use]
pub fn warnings(summary: &Summary) -> Vec<String> {
    summary.warnings.iter().map(|warning| neutral::plain(&warning.text)).collect()
}

fn heading(summary: &Summary, paint: &dyn Fn(Style, &str) -> String) -> String {
    let run = &summary.scenario;
    let title = run.title.as_deref().map(|title| paint(Style::Heading, &neutral::plain(title)) + "\n").unwrap_or_default();
    let requests = run.requests.map(|requests| format!("{requests} requests × ")).unwrap_or_default();
    let replications = if run.replications == 1 { "1 replication".into() } else { format!("{} replications", run.replications) };
    let about = format!("{requests}{replications}, warm-up {}, seed {}", neutral::plain(&run.warmup), run.seed);
    title + paint(Style::Faint, &about).as_str() + "\n"
}

/// A gate's verdict: a mark, the rule, what was measured; below it what there is to know besides.
fn judged(verdict: &VerdictSummary, paint: &dyn Fn(Style, &str) -> String) -> String {
    let style = match verdict.verdict.as_str() {
        "held" => Style::Best,
        "undecided" => Style::Worse,
        _ => Style::Alarm,
    };
    let (rule, line) = (neutral::plain(&verdict.rule), neutral::plain(&verdicts::line(verdict)));
    let mut text = format!("{} {rule}  {line}\n", paint(style, verdicts::mark(verdict)));
    for note in &verdict.notes {
        text += &format!("    {}\n", paint(Style::Faint, &neutral::plain(note)));
    }
    text
}

/// The most detailed form that fits, names cut where nothing else helps.
fn fitting(summary: &Summary) -> Vec<Block> {
    let mut blocks = Vec::new();
    for detail in Detail::ALL {
        blocks = grid::blocks(summary, detail);
        shorten(&mut blocks, NAME);
        if blocks.iter().all(|block| width(block) <= WIDTH) {
            return blocks;
        }
    }
    let over = blocks.iter().map(width).max().unwrap_or(0).saturating_sub(WIDTH);
    shorten(&mut blocks, NAME.saturating_sub(over).max(8));
    blocks
}

/// Makes names harmless and no wider than that.
fn shorten(blocks: &mut [Block], most: usize) {
    for name in blocks.iter_mut().flat_map(|block| block.rows.iter_mut()).filter_map(|row| row.first_mut()) {
        name.text = neutral::fitted(&name.text, most);
    }
}

fn widths(block: &Block) -> Vec<usize> {
    let column = |at: usize| block.rows.iter().map(|row| neutral::width(&row[at].text)).max().unwrap_or(0);
    block.head.iter().enumerate().map(|(at, head)| column(at).max(neutral::width(head))).collect()
}

fn width(block: &Block) -> usize {
    let widths = widths(block);
    widths.iter().sum::<usize>() + GAP * (widths.len() - 1)
}

fn lines(block: &Block, paint: &dyn Fn(Style, &str) -> String) -> String {
    let widths = widths(block);
    let head: Vec<Cell> = block.head.iter().map(|head| Cell { text: (*head).to_owned(), style: Style::Heading }).collect();
    std::iter::once(&head).chain(&block.rows).map(|row| line(row, &widths, paint)).collect()
}

/// The first column to the left, the others to the right, nothing after the last.
fn line(row: &[Cell], widths: &[usize], paint: &dyn Fn(Style, &str) -> String) -> String {
    let mut text = String::new();
    for (at, (cell, &width)) in row.iter().zip(widths).enumerate() {
        let pad = " ".repeat(width - neutral::width(&cell.text));
        let painted = paint(cell.style, &cell.text);
        text += (if at == 0 { painted + pad.as_str() } else { " ".repeat(GAP) + pad.as_str() + painted.as_str() }).as_str();
    }
    text.trim_end().to_owned() + "\n"
}

/// A fault, and below it a line for each balancer, or more where one is too long.
fn what_it_did(fault: &Told<'_>, paint: &dyn Fn(Style, &str) -> String) -> String {
    let heading = format!("{} ({})", neutral::fitted(fault.name, WIDTH - 20), neutral::plain(fault.kind));
    let names: Vec<String> = fault.lines.iter().map(|line| neutral::fitted(line.balancer, NAME)).collect();
    let indent = 2 + GAP + names.iter().map(|name| neutral::width(name)).max().unwrap_or(0);
    let mut text = format!("\n{}\n", paint(Style::Heading, &heading));
    for (name, line) in names.iter().zip(&fault.lines) {
        let mut before = format!("  {name}");
        for part in joined(&line.parts, ", ", WIDTH - indent) {
            let pad = " ".repeat(indent - neutral::width(&before));
            text += &format!("{before}{pad}{}\n", paint(line.style, &part));
            before.clear();
        }
    }
    text
}

/// Pieces in as few lines as they fit into.
fn joined<T: AsRef<str>>(parts: &[T], between: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts.iter().map(AsRef::as_ref) {
        match lines.last_mut() {
            Some(last) if neutral::width(last) + neutral::width(between) + neutral::width(part) <= most => {
                last.push_str(between);
                last.push_str(part);
            }
            _ => lines.push(part.to_owned()),
        }
    }
    lines
}

fn legend(summary: &Summary, paint: &dyn Fn(Style, &str) -> String) -> String {
    let mut text = vec!["latencies in ms"];
    if summary.scenario.replications > 1 {
        text.push("± half a 95% interval");
    }
    if summary.results.len() > 1 {
        text.push("* best of its column");
        text.push("1.42x: times the best, paired on the same requests");
        text.push("~ cannot tell");
    }
    text.push("fair: Jain's index of attempts ÷ capacity, 1 is even");
    joined(&text, " · ", WIDTH).iter().map(|line| paint(Style::Faint, line) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::super::style::uncoloured;
    use super::*;

    #[test]
    fn it_equals_the_golden_file() {
        sample::equals(&draw(&sample::summary(), &uncoloured), include_str!("../../tests/data/table.txt"));
    }

    #[test]
    fn it_fits_whatever_the_names_and_numbers() {
        let mut summary = sample::summary();
        for result in &mut summary.results {
            result.balancer = format!("{}-with-a-very-long-name-indeed-and-more", result.balancer);
            result.overloaded_at_s = Some(123_456.789);
            result.latency_ms.mean = Some(1_234_567.0);
            result.latency_ms_ci95.mean = Some(123_456.0);
            result.latency_ms.p99 = Some(9_234_567.0);
            result.latency_ms_ci95.p99 = Some(1_123_456.0);
            for fault in &mut result.faults {
                fault.name = "x".repeat(200);
                (fault.failed, fault.delayed, fault.detect_s) = (123_456_789, 123_456_789, Some(1234.0));
            }
        }
        for line in draw(&summary, &uncoloured).lines() {
            assert!(neutral::width(line) <= WIDTH, "{line}");
        }
    }

    #[test]
    fn doubt_and_overload_are_shown() {
        let mut summary = sample::summary();
        summary.results.truncate(3);
        summary.results[0].overloaded_at_s = Some(12.34);
        summary.results[0].latency_ms.mean = None;
        summary.comparisons.iter_mut().for_each(|one| one.verdict = crate::measure::compare::Verdict::CannotTell);
        let text = draw(&summary, &uncoloured);
        let row = text.lines().find(|line| line.starts_with("round-robin")).expect("it has a row");
        assert!(row.starts_with("round-robin                –   14.0 ") && row.ends_with("~ 2.00x ±0.00   at 12.3 s"), "{row}");
    }

    #[test]
    fn one_balancer_has_nobody_to_be_compared_with() {
        let mut summary = sample::summary();
        summary.results.truncate(1);
        let text = draw(&summary, &uncoloured);
        assert!(!text.contains("best") && !text.contains('*') && !text.contains('~'), "{text}");
    }

    #[test]
    fn colours_do_not_move_anything() {
        let summary = sample::summary();
        let marked = draw(&summary, &|_, text| format!("\u{1}{text}\u{2}"));
        let (plain, bare) = (draw(&summary, &uncoloured), marked.replace(['\u{1}', '\u{2}'], ""));
        assert!(plain.lines().zip(bare.lines()).all(|(plain, bare)| plain.trim_end() == bare.trim_end()));
    }

    #[test]
    fn hostile_names_stay_names() {
        let text = draw(&sample::hostile(), &uncoloured);
        assert!(!text.chars().any(|c| neutral::is_harmful(c) && c != '\n'));
        assert!(warnings(&sample::hostile()).iter().all(|line| !line.chars().any(neutral::is_harmful)));
    }
}
