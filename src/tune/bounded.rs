//! The answer to a search for capacity, as it is written.

use super::Holds;
use super::capacity::Aim;
use super::sheet::{self, Cell, Sheet};
use crate::measure::summary::{SEMANTICS, Tool, VerdictSummary};
use crate::report::style::Style;
use crate::report::{json, neutral, verdicts};
use serde::Serialize;
use serde_json::Value;

/// What a rule came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rule {
    /// As written.
    pub rule: String,
    /// What it is about.
    pub metric: String,
    /// The mean over replications.
    pub value: Option<f64>,
    /// Its 95% interval.
    pub ci95: Option<[f64; 2]>,
    /// What it is held against.
    pub bound: Option<f64>,
    /// Of value and bound.
    pub unit: String,
    /// `held`, `failed`, `undecided` or `no data`.
    pub verdict: String,
    /// How many replications would probably decide what is undecided.
    pub needs_replications: Option<u32>,
    /// As a person reads it.
    #[serde(skip)]
    pub words: String,
}

impl Rule {
    /// Of a verdict.
    #[must_use]
    pub fn of(verdict: VerdictSummary) -> Self {
        let words = verdicts::value(&verdict);
        let VerdictSummary { rule, metric, value, ci95, bound, unit, verdict, needs_replications, .. } = verdict;
        Self { rule, metric, value, ci95, bound, unit, verdict, needs_replications, words }
    }
}

/// A value that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Look {
    /// The value: a number where it is one, else as written.
    pub value: Value,
    /// As written.
    #[serde(skip)]
    pub text: String,
    /// What all rules together came to.
    pub verdict: Holds,
    /// Each of them.
    pub rules: Vec<Rule>,
    /// How many replications it took.
    pub replications: u32,
    /// From when on it was overloaded, if it was.
    pub overloaded_at_s: Option<f64>,
}

/// Of one balancer in one variant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Result {
    /// The balancer.
    pub balancer: String,
    /// The variant.
    pub variant: Option<String>,
    /// `found`, `none` (the value that should keep the rules does not), `undecided` (it could not be decided) or `interrupted`.
    pub status: String,
    /// The value that was found.
    pub value: Option<Value>,
    /// What is known there.
    pub found: Option<Look>,
    /// What is known of the next value, which does not keep the rules, or is undecided; `None` where the list ends.
    pub next: Option<Look>,
    /// Cells that were run.
    pub cells: u32,
    /// What to know before trusting it.
    pub notes: Vec<String>,
    /// Every value that was looked at, ascending.
    pub looked_at: Vec<Look>,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bounded {
    /// What wrote it.
    pub tool: Tool,
    /// [`SEMANTICS`].
    pub semantics: u32,
    /// `capacity`.
    pub search: String,
    /// `title` of the scenario.
    pub title: Option<String>,
    /// SHA-256 of its text.
    pub file_sha256: String,
    /// `run.seed`.
    pub seed: u64,
    /// The key whose value is sought.
    pub key: String,
    /// Which value is wanted.
    pub aim: Aim,
    /// The rules that have to hold.
    pub until: Vec<String>,
    /// The most replications of a value.
    pub max_replications: u32,
    /// One for each variant and balancer.
    pub results: Vec<Result>,
    /// Cells that were run for all of them.
    pub cells: u32,
    /// Whether it was interrupted.
    pub interrupted: bool,
}

impl Bounded {
    /// Of a scenario, still without results.
    #[must_use]
    pub fn new(setup: &crate::measure::setup::Setup, key: &str, aim: Aim, until: &[String], max_replications: u32) -> Self {
        Self {
            tool: Tool::this(),
            semantics: SEMANTICS,
            search: "capacity".into(),
            title: setup.title.clone(),
            file_sha256: setup.file_sha256.clone(),
            seed: setup.seed,
            key: key.to_owned(),
            aim,
            until: until.to_vec(),
            max_replications,
            results: Vec::new(),
            cells: 0,
            interrupted: false,
        }
    }

    /// As JSON.
    #[must_use]
    pub fn json(&self) -> String {
        json::safe(&serde_json::to_string_pretty(self).expect("it has only strings as keys and no failing fields"))
    }

    /// A row for each rule at each value that was looked at.
    #[must_use]
    pub fn csv(&self) -> String {
        let head = "balancer,variant,key,value,is,rule,measured,ci95_low,ci95_high,bound,unit,verdict,replications";
        let mut rows: Vec<Vec<String>> = vec![head.split(',').map(str::to_owned).collect()];
        for result in &self.results {
            for look in &result.looked_at {
                let is = |other: &Option<Look>| other.as_ref().is_some_and(|other| other.text == look.text);
                let is = if is(&result.found) {
                    "found"
                } else if is(&result.next) {
                    "next"
                } else {
                    ""
                };
                for rule in &look.rules {
                    let numbers = [rule.value, rule.ci95.map(|[low, _]| low), rule.ci95.map(|[_, high]| high), rule.bound];
                    let names = [&result.balancer, result.variant.as_deref().unwrap_or(""), &self.key, &look.text, is, &rule.rule];
                    let mut row: Vec<String> = names.into_iter().map(str::to_owned).collect();
                    row.extend(numbers.map(sheet::number));
                    row.extend([rule.unit.clone(), rule.verdict.clone(), look.replications.to_string()]);
                    rows.push(row);
                }
            }
        }
        sheet::csv(&rows)
    }

    /// For a terminal.
    #[must_use]
    pub fn text(&self, paint: &dyn Fn(Style, &str) -> String) -> String {
        let title = self.title.as_deref().map(|title| paint(Style::Heading, &neutral::plain(title)) + "\n").unwrap_or_default();
        let about = paint(Style::Faint, &neutral::plain(&self.about()));
        let notes: String = self.notes().map(|note| neutral::plain(&note) + "\n").collect();
        format!("{title}{about}\n\n{}\n{notes}{}\n", self.sheet().text(paint), paint(Style::Faint, &self.legend()))
    }

    /// For a pull request.
    #[must_use]
    pub fn markdown(&self) -> String {
        let title = neutral::markdown(self.title.as_deref().unwrap_or("evenkeel tune"));
        let notes: String = self.notes().map(|note| format!("- {}\n", neutral::markdown(&note))).collect();
        let (about, legend) = (neutral::markdown(&self.about()), neutral::markdown(&self.legend()));
        format!("### {title}\n\n{about}\n\n{}\n{notes}\n<sub>{legend}</sub>\n", self.sheet().markdown())
    }

    fn about(&self) -> String {
        let sought = match self.aim {
            Aim::Least => "the least",
            Aim::Most => "the greatest",
        };
        format!("{sought} {} with {}, seed {}", self.key, self.until.join(" and "), self.seed)
    }

    fn legend(&self) -> String {
        format!("± half a 95% interval · next: the next value, which does not keep the rules (?: undecided) · {} cells in all", self.cells)
    }

    fn notes(&self) -> impl Iterator<Item = String> + '_ {
        let of = |result: &Result| {
            let name =
                result.variant.as_ref().map_or_else(|| result.balancer.clone(), |variant| format!("{} ({variant})", result.balancer));
            result.notes.iter().map(|note| format!("{name}: {note}")).collect::<Vec<_>>()
        };
        self.results.iter().flat_map(of)
    }

    fn sheet(&self) -> Sheet {
        let has_variants = self.results.iter().any(|result| result.variant.is_some());
        let metrics: Vec<String> = self.until.iter().map(|rule| rule.split(['<', '>']).next().unwrap_or(rule).trim().to_owned()).collect();
        let mut head = vec!["balancer".to_owned()];
        head.extend(has_variants.then(|| "variant".to_owned()));
        head.push(last_part(&self.key));
        head.extend(metrics.iter().cloned());
        head.push("next".into());
        head.extend(metrics);
        head.extend(["replications".into(), "cells".into()]);
        let row = |result: &Result| {
            let mut row = vec![Cell::plain(result.balancer.clone())];
            row.extend(has_variants.then(|| Cell::plain(result.variant.clone().unwrap_or_else(|| "–".into()))));
            row.push(match &result.found {
                Some(look) => Cell::styled(Style::Best, look.text.clone()),
                None => Cell::styled(Style::Alarm, result.status.clone()),
            });
            row.extend(self.figures(result.found.as_ref()));
            row.push(Cell::plain(result.next.as_ref().map_or("–", |look| &look.text)));
            row.extend(self.figures(result.next.as_ref()));
            let counts: Vec<String> =
                [&result.found, &result.next].into_iter().flatten().map(|look| look.replications.to_string()).collect();
            row.extend([Cell::plain(counts.join(", ")), Cell::plain(result.cells.to_string())]);
            row
        };
        Sheet { head, names: 1 + usize::from(has_variants), rows: self.results.iter().map(row).collect() }
    }

    fn figures(&self, look: Option<&Look>) -> Vec<Cell> {
        let rules = look.map_or(&[][..], |look| &look.rules);
        let one = |rule: &Rule| match rule.verdict.as_str() {
            "held" => Cell::plain(rule.words.clone()),
            "undecided" => Cell::styled(Style::Worse, format!("? {}", rule.words)),
            _ => Cell::styled(Style::Alarm, rule.words.clone()),
        };
        (0..self.until.len()).map(|at| rules.get(at).map_or_else(|| Cell::plain("–"), one)).collect()
    }
}

/// `web.count` of `backends.web.count`.
fn last_part(key: &str) -> String {
    let parts: Vec<&str> = key.rsplitn(3, '.').collect();
    match parts[..] {
        [last, before, first] if first == "backends" || first == "balancer" => format!("{before}.{last}"),
        [last, ..] => last.to_owned(),
        [] => key.to_owned(),
    }
}
