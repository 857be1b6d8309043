//! The table for a pull request or an issue: GitHub's Markdown.

use super::faults;
use super::grid::{self, Block, Cell, Detail};
use super::neutral;
use super::style::Style;
use crate::measure::summary::Summary;

/// One scenario: a heading, a table for each variant, the warnings.
#[must_use]
pub fn draw(summary: &Summary) -> String {
    let title = summary.scenario.title.as_deref().unwrap_or("evenkeel");
    let mut text = format!("### {}\n", neutral::markdown(title));
    for block in grid::blocks(summary, Detail::Full) {
        if let Some(variant) = &block.variant {
            text += &format!("\n#### {}\n", neutral::markdown(variant));
        }
        text += &format!("\n{}", table(&block));
        for fault in faults::told(summary, block.variant.as_deref()) {
            text += &format!("\n**{}** ({})\n\n", neutral::markdown(fault.name), neutral::markdown(fault.kind));
            for line in &fault.lines {
                text += &format!("- {}: {}\n", neutral::markdown(line.balancer), neutral::markdown(&line.parts.join(", ")));
            }
        }
    }
    text += "\n<sub>Latencies in ms; ± half a 95% interval; `/ best`: times the best, paired on the same requests; \
             ~ cannot tell; fair: Jain's index.</sub>\n";
    for warning in &summary.warnings {
        text += &format!("\n> **Note:** {}\n", neutral::markdown(&warning.text));
    }
    text
}

fn table(block: &Block) -> String {
    let rule = block.head.iter().enumerate().map(|(at, _)| if at == 0 { ":---" } else { "---:" });
    let mut text = row(block.head.iter().map(|head| head.trim().to_owned())) + row(rule.map(str::to_owned)).as_str();
    for cells in &block.rows {
        text += row(cells.iter().map(cell)).as_str();
    }
    text
}

fn row(cells: impl Iterator<Item = String>) -> String {
    format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
}

/// Bold says what the star says in a terminal.
fn cell(cell: &Cell) -> String {
    let text = neutral::markdown(cell.text.trim_end_matches(['*', ' ']));
    if cell.style == Style::Best { format!("**{text}**") } else { text }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn it_equals_the_golden_file() {
        sample::equals(&draw(&sample::summary()), include_str!("../../tests/data/table.md"));
    }

    #[test]
    fn every_row_has_the_columns_of_the_head() {
        for text in [draw(&sample::summary()), draw(&sample::hostile())] {
            let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
            let columns = rows[0].matches('|').count();
            assert!(rows.iter().all(|row| row.matches('|').count() == columns), "{text}");
            assert!(!text.contains("<script") && !text.contains('\u{1b}'));
        }
    }
}
