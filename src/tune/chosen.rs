//! The answer to a search for the best values, as it is written.

use super::Holds;
use super::bounded::Rule;
use super::sheet::{self, Cell, Sheet};
use crate::measure::summary::{SEMANTICS, Tool};
use crate::report::style::Style;
use crate::report::{figures, json, neutral};
use serde::Serialize;
use serde_json::Value;

/// A figure of the objective.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// The mean over replications.
    pub value: Option<f64>,
    /// Its 95% interval.
    pub ci95: Option<[f64; 2]>,
    /// Of so many replications.
    pub replications: u32,
}

impl Figure {
    /// Over the values of replications.
    #[must_use]
    pub fn of(values: &[Option<f64>]) -> Self {
        let present: Vec<f64> = values.iter().copied().flatten().collect();
        let interval = crate::measure::interval::Interval::over(&present);
        Self { value: interval.map(|one| one.mean), ci95: interval.and_then(|one| one.bounds()), replications: values.len() as u32 }
    }

    fn words(&self) -> String {
        figures::with_interval(self.value, self.ci95.map(|[low, high]| (high - low) / 2.0))
    }
}

/// One candidate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Candidate {
    /// The varied keys; empty for the scenario as it is.
    pub parameters: Value,
    /// In words.
    #[serde(skip)]
    pub words: String,
    /// Whether it plans what the scenario plans as it is.
    pub is_own: bool,
    /// `best`, `cannot tell`, `worse`, `breaks a constraint`, `no data`, or `open` where the search was interrupted.
    pub fate: String,
    /// The objective in the search. That of the best flatters it: it was chosen for it.
    pub objective: Figure,
    /// What all constraints together came to.
    pub constraints: Holds,
    /// Each of them.
    pub rules: Vec<Rule>,
}

/// What the best is, beyond chance: from replications that had no part in choosing it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fresh {
    /// The best.
    pub best: Figure,
    /// Its constraints.
    pub rules: Vec<Rule>,
    /// The scenario as it is, on the same requests; `None` where that is the best.
    pub own: Option<Figure>,
    /// The best as a multiple of the scenario as it is (a geometric mean, paired), and its 95% interval.
    pub ratio: Option<f64>,
    /// Likewise.
    pub ratio_ci95: Option<[f64; 2]>,
    /// `better`, `worse`, `same` or `cannot tell`: the best against the scenario as it is, at 95%.
    pub verdict: Option<String>,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Chosen {
    /// What wrote it.
    pub tool: Tool,
    /// [`SEMANTICS`].
    pub semantics: u32,
    /// `parameters`.
    pub search: String,
    /// `title` of the scenario.
    pub title: Option<String>,
    /// SHA-256 of its text.
    pub file_sha256: String,
    /// `run.seed`.
    pub seed: u64,
    /// The balancer.
    pub balancer: String,
    /// `minimise` or `maximise`.
    pub goal: String,
    /// The metric that it is about.
    pub metric: String,
    /// Its unit.
    pub unit: String,
    /// The constraints.
    pub subject_to: Vec<String>,
    /// The most replications of a candidate in the search.
    pub max_replications: u32,
    /// The p-value below which a candidate was dropped as worse.
    pub level: f64,
    /// `found`, `none` (nobody keeps the constraints), or `interrupted`.
    pub status: String,
    /// The place of the best among the candidates.
    pub best: Option<usize>,
    /// Figures from fresh replications; `None` without a best, or where it was interrupted.
    pub fresh: Option<Fresh>,
    /// All candidates, the scenario as it is first.
    pub candidates: Vec<Candidate>,
    /// Cells of the search.
    pub cells: u32,
    /// Cells for the fresh figures.
    pub fresh_cells: u32,
    /// What a full grid would have taken, each candidate with as many replications as the best.
    pub grid_cells: u32,
    /// Whether it was interrupted.
    pub interrupted: bool,
}

impl Chosen {
    /// What is known of the run as a whole, before anything is.
    #[must_use]
    pub fn new(setup: &crate::measure::setup::Setup) -> Self {
        Self {
            tool: Tool::this(),
            semantics: SEMANTICS,
            search: "parameters".into(),
            title: setup.title.clone(),
            file_sha256: setup.file_sha256.clone(),
            seed: setup.seed,
            balancer: String::new(),
            goal: String::new(),
            metric: String::new(),
            unit: String::new(),
            subject_to: Vec::new(),
            max_replications: 0,
            level: 0.0,
            status: "none".into(),
            best: None,
            fresh: None,
            candidates: Vec::new(),
            cells: 0,
            fresh_cells: 0,
            grid_cells: 0,
            interrupted: false,
        }
    }

    /// As JSON.
    #[must_use]
    pub fn json(&self) -> String {
        json::safe(&serde_json::to_string_pretty(self).expect("it has only strings as keys and no failing fields"))
    }

    /// A row for each candidate: its figures are those of the search.
    #[must_use]
    pub fn csv(&self) -> String {
        let keys: Vec<String> = self.keys();
        let mut head = keys.clone();
        head.extend("balancer,is_own,fate,metric,value,ci95_low,ci95_high,replications,constraints".split(',').map(str::to_owned));
        let row = |one: &Candidate| {
            let value = |key: &String| match &one.parameters[key] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let mut row: Vec<String> = keys.iter().map(value).collect();
            row.extend([self.balancer.clone(), one.is_own.to_string(), one.fate.clone(), self.metric.clone()]);
            let [low, high] = [0, 1].map(|at| one.objective.ci95.map(|bounds| bounds[at]));
            row.extend([one.objective.value, low, high].map(sheet::number));
            row.extend([one.objective.replications.to_string(), one.constraints.name().to_owned()]);
            row
        };
        sheet::csv(&std::iter::once(head).chain(self.candidates.iter().map(row)).collect::<Vec<_>>())
    }

    fn keys(&self) -> Vec<String> {
        let objects = self.candidates.iter().filter_map(|one| one.parameters.as_object());
        objects.max_by_key(|object| object.len()).map(|object| object.keys().cloned().collect()).unwrap_or_default()
    }

    /// For a terminal.
    #[must_use]
    pub fn text(&self, paint: &dyn Fn(Style, &str) -> String) -> String {
        let title = self.title.as_deref().map(|title| paint(Style::Heading, &neutral::plain(title)) + "\n").unwrap_or_default();
        let about = paint(Style::Faint, &neutral::plain(&self.about()));
        let said: String = self.said().iter().map(|line| neutral::plain(line) + "\n").collect();
        format!("{title}{about}\n\n{}\n{said}{}\n", self.sheet().text(paint), paint(Style::Faint, LEGEND))
    }

    /// For a pull request.
    #[must_use]
    pub fn markdown(&self) -> String {
        let title = neutral::markdown(self.title.as_deref().unwrap_or("evenkeel tune"));
        let said: String = self.said().iter().map(|line| format!("- {}\n", neutral::markdown(line))).collect();
        let about = neutral::markdown(&self.about());
        format!("### {title}\n\n{about}\n\n{}\n{said}\n<sub>{}</sub>\n", self.sheet().markdown(), neutral::markdown(LEGEND))
    }

    fn about(&self) -> String {
        let constraints = if self.subject_to.is_empty() { String::new() } else { format!(" with {}", self.subject_to.join(" and ")) };
        format!("{}: {} {}{constraints}, seed {}", self.balancer, self.goal, self.metric, self.seed)
    }

    fn said(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some((best, fresh)) = self.best.map(|best| &self.candidates[best]).zip(self.fresh.as_ref()) {
            let (words, figure) = (&best.words, &fresh.best);
            lines.push(format!("best: {words}: {} {}, from {} fresh replications", figure.words(), self.unit, figure.replications));
            let against = fresh.own.as_ref().map(|own| {
                let ratio = fresh.ratio.map(|ratio| format!(", {}", figures::ratio(ratio, fresh.ratio_ci95))).unwrap_or_default();
                let verdict = fresh.verdict.as_deref().unwrap_or("cannot tell");
                format!("the scenario as it is: {} {}; the best against it{ratio}: {verdict}", own.words(), self.unit)
            });
            lines.push(against.unwrap_or_else(|| "that is the scenario as it is".into()));
            lines.extend(fresh.rules.iter().map(|rule| format!("{}: {} on fresh replications: {}", rule.rule, rule.words, rule.verdict)));
        }
        let others = self.candidates.iter().filter(|one| one.fate == "cannot tell").map(|one| one.words.as_str()).collect::<Vec<_>>();
        if !others.is_empty() {
            lines.push(format!("cannot be told from the best: {}", others.join("; ")));
        }
        let (cells, fresh, grid) = (self.cells, self.fresh_cells, self.grid_cells);
        let full = if grid == 0 { String::new() } else { format!("; a full grid with as many replications takes {grid}") };
        lines.push(format!("{cells} cells to choose, {fresh} for fresh figures{full}"));
        lines
    }

    fn sheet(&self) -> Sheet {
        let has_rules = !self.subject_to.is_empty();
        let unit = if self.unit == "ms" || self.unit == "s" { format!(" {}", self.unit) } else { String::new() };
        let mut head = vec!["candidate".to_owned(), "fate".to_owned(), format!("{}{unit}", self.metric)];
        head.extend(has_rules.then(|| "constraints".to_owned()));
        head.push("replications".into());
        let row = |one: &Candidate| {
            let style = match one.fate.as_str() {
                "best" => Style::Best,
                "worse" | "no data" => Style::Faint,
                "breaks a constraint" => Style::Alarm,
                _ => Style::Plain,
            };
            let mut row =
                vec![Cell::plain(one.words.clone()), Cell::styled(style, one.fate.clone()), Cell::styled(style, one.objective.words())];
            row.extend(has_rules.then(|| Cell::plain(one.constraints.name())));
            row.push(Cell::plain(one.objective.replications.to_string()));
            row
        };
        Sheet { head, names: 2, rows: self.candidates.iter().map(row).collect() }
    }
}

const LEGEND: &str = "± half a 95% interval · figures of the table are those of the search, in which the best looks better than it is";
