//! The comment for a pull request: verdicts first, then each scenario's table.

use crate::measure::summary::{Summary, VerdictSummary};
use crate::report::{markdown, neutral, verdicts};

/// Verdicts, and the usual report below them.
#[must_use]
pub fn draw(scenarios: &[(&str, &Summary)]) -> String {
    let tables: Vec<String> = scenarios.iter().map(|(_, summary)| markdown::draw(summary)).collect();
    verdicts(scenarios) + "\n" + tables.join("\n").as_str()
}

/// A table of verdicts for each scenario, what is not held explained below it.
#[must_use]
pub fn verdicts(scenarios: &[(&str, &Summary)]) -> String {
    let mut text = String::from("## evenkeel gate\n");
    for (file, summary) in scenarios {
        let title = summary.scenario.title.as_deref().unwrap_or(file);
        text += &format!("\n### {}\n\n", neutral::markdown(title));
        if summary.verdicts.is_empty() {
            text += "Nothing was judged.\n";
            continue;
        }
        text += &format!(
            "{}\n\n|  | rule | of | measured | bound | verdict |\n| :-: | :--- | :--- | ---: | ---: | :--- |\n",
            verdicts::count(&summary.verdicts)
        );
        summary.verdicts.iter().for_each(|verdict| text += &row(verdict));
        for verdict in summary.verdicts.iter().filter(|verdict| verdict.verdict != "held" && !verdict.notes.is_empty()) {
            text += &format!("\n**{}** ({})\n\n", neutral::markdown(&verdict.rule), neutral::markdown(&verdicts::about(verdict)));
            verdict.notes.iter().for_each(|note| text += &format!("- {}\n", neutral::markdown(note)));
        }
    }
    text
}

fn row(verdict: &VerdictSummary) -> String {
    let cells = [&verdict.rule, &verdicts::about(verdict), &verdicts::value(verdict), &verdicts::bound(verdict), &verdict.verdict];
    let cells: Vec<String> = cells.into_iter().map(|cell| neutral::markdown(cell)).collect();
    format!("| {} | {} |\n", verdicts::mark(verdict), cells.join(" | "))
}
