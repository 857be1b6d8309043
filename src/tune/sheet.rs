//! A table of texts, for a terminal or for a pull request.

use crate::report::neutral;
use crate::report::style::Style;

/// A piece of a row: as it is, not yet harmless.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// What it says.
    pub text: String,
    /// What it means.
    pub style: Style,
}

impl Cell {
    /// Of no special meaning.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), style: Style::Plain }
    }

    /// With a meaning.
    #[must_use]
    pub fn styled(style: Style, text: impl Into<String>) -> Self {
        Self { text: text.into(), style }
    }
}

/// A head and its rows, all of the same length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sheet {
    /// Over the columns.
    pub head: Vec<String>,
    /// The first so many columns are names, and stand to the left.
    pub names: usize,
    /// Below it.
    pub rows: Vec<Vec<Cell>>,
}

impl Sheet {
    /// For a terminal.
    #[must_use]
    pub fn text(&self, paint: &dyn Fn(Style, &str) -> String) -> String {
        let head: Vec<Cell> = self.head.iter().map(|head| Cell::styled(Style::Heading, head.clone())).collect();
        let shown: Vec<Vec<(String, Style)>> = std::iter::once(&head)
            .chain(&self.rows)
            .map(|row| row.iter().map(|cell| (neutral::fitted(&cell.text, 48), cell.style)).collect())
            .collect();
        let widths: Vec<usize> =
            (0..self.head.len()).map(|at| shown.iter().map(|row| neutral::width(&row[at].0)).max().unwrap_or(0)).collect();
        let line = |row: &Vec<(String, Style)>| {
            let one = |(at, ((text, style), width)): (usize, (&(String, Style), &usize))| {
                let (pad, painted) = (" ".repeat(width - neutral::width(text)), paint(*style, text));
                if at < self.names { painted + pad.as_str() } else { pad + painted.as_str() }
            };
            let cells: Vec<String> = row.iter().zip(&widths).enumerate().map(one).collect();
            cells.join("  ").trim_end().to_owned() + "\n"
        };
        shown.iter().map(line).collect()
    }

    /// For a pull request: GitHub's Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let rule = (0..self.head.len()).map(|at| if at < self.names { ":---" } else { "---:" }.to_owned()).collect();
        let cell = |cell: &Cell| {
            let text = neutral::markdown(&cell.text);
            if cell.style == Style::Best { format!("**{text}**") } else { text }
        };
        let rows = self.rows.iter().map(|cells| row(cells.iter().map(cell).collect()));
        let head = row(self.head.iter().map(|head| neutral::markdown(head)).collect());
        [head, row(rule)].into_iter().chain(rows).collect()
    }
}

/// Rows of a CSV file.
#[must_use]
pub fn csv(rows: &[Vec<String>]) -> String {
    rows.iter().map(|row| row.iter().map(|cell| neutral::csv(cell)).collect::<Vec<_>>().join(",") + "\n").collect()
}

/// A number as it is written in files: the shortest that reads back the same, or nothing.
#[must_use]
pub fn number(value: Option<f64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::style::uncoloured;

    fn sheet() -> Sheet {
        let row = |name: &str, value: &str| vec![Cell::plain(name), Cell::styled(Style::Best, value)];
        Sheet { head: vec!["balancer".into(), "load".into()], names: 1, rows: vec![row("p2c", "0.95"), row("a\u{1b}|b", "0.8")] }
    }

    #[test]
    fn names_stand_left_and_values_right() {
        assert_eq!(sheet().text(&uncoloured), "balancer   load\np2c        0.95\na\\u{1b}|b   0.8\n");
    }

    #[test]
    fn markdown_has_no_markup_of_names() {
        assert!(sheet().markdown().contains("| a\\\\u\\{1b\\}&#124;b | **0.8** |"), "{}", sheet().markdown());
    }
}
