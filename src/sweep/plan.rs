//! What a sweep will run: every point planned, every cell with a name that is the same on every machine.
//!
//! Cells are ordered by point, replication, variant and balancer. A cell's id is a hash of what it is: the SHA-256 of what the point plans, the variant, the
//! balancer's label and the replication. The fingerprint covers the program's version, what was varied, and all ids in order: two plans with the same
//! fingerprint have the same results.
//!
//! Of a point no more is kept than its hash, its replications, and which list of balancers it has: 10 million cells take some hundred megabytes at most.

use super::grid::{Grid, MOST_POINTS};
use crate::measure::summary::{SEMANTICS, Tool};
use crate::plan::sha256;
use crate::run::Job;
use crate::scenario::Override;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use xxhash_rust::xxh64::xxh64;

/// Most cells of a sweep.
pub const MOST_CELLS: u64 = MOST_POINTS;

/// One balancer in one variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entrant {
    /// The variant; `None` where there are none.
    pub variant: Option<String>,
    /// The balancer's label.
    pub balancer: String,
}

/// What is known of a plan before its cells: what must be the same for two to be one sweep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The program.
    pub tool: Tool,
    /// [`SEMANTICS`].
    pub semantics: u32,
    /// `title` of the scenario.
    pub title: Option<String>,
    /// `question` of the scenario.
    pub question: Option<String>,
    /// SHA-256 of the scenario's text.
    pub file_sha256: String,
    /// What is varied.
    pub parameters: Grid,
    /// Metrics that were asked for by name.
    pub metrics: Vec<String>,
    /// The lists of balancers that points have.
    pub entrants: Vec<Vec<Entrant>>,
}

/// One point of the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// SHA-256 of what it plans.
    pub sha: [u8; 32],
    /// Which of [`Head::entrants`] it has.
    pub entrants: u32,
    /// Its replications.
    pub replications: u32,
    /// Its first cell.
    pub first: u32,
    /// What one of its cells costs, about, in requests.
    pub cost: u32,
}

/// The whole plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What it is of.
    pub head: Head,
    /// Every point, in order.
    pub points: Vec<Point>,
    /// SHA-256 of the head and of all cells' ids.
    pub fingerprint: String,
}

/// A cell by its place in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The point.
    pub point: usize,
    /// The replication.
    pub replication: u32,
    /// Which of the point's entrants.
    pub entrant: usize,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPlan {
    /// Points that cannot be planned; whoever loads them knows why.
    #[error("not every point can be planned")]
    Faults,
    /// Too many.
    #[error("more than {MOST_CELLS} cells; vary less at once, or run parts of it as sweeps of their own")]
    TooManyCells,
}

/// What makes a point's job from its overrides; `None` where that cannot be planned.
pub type Load<'a> = dyn FnMut(&[Override]) -> Option<Job> + Send + 'a;

impl Plan {
    /// Plans every point; with faults, goes on to find those of the others.
    ///
    /// # Errors
    /// If a point cannot be planned, or there are too many cells.
    pub fn new(grid: Grid, metrics: Vec<String>, load: &mut Load<'_>) -> Result<Self, NoPlan> {
        let mut head = None;
        let (mut points, mut cells, mut faults) = (Vec::new(), 0_u64, false);
        for at in 0..grid.points() {
            let Some(job) = load(&overrides(&grid, at)) else {
                faults = true;
                continue;
            };
            let head = head.get_or_insert_with(|| first(&job, grid.clone(), metrics.clone()));
            let of_point = entrants(&job);
            let known = head.entrants.iter().position(|known| *known == of_point);
            let entrants = known.unwrap_or(head.entrants.len());
            let count = of_point.len() as u64 * u64::from(job.replications());
            if known.is_none() {
                head.entrants.push(of_point);
            }
            points.push(Point {
                sha: Sha256::digest(sha256(&job.plans)).into(),
                entrants: entrants as u32,
                replications: job.replications(),
                first: cells as u32,
                cost: cost(&job),
            });
            cells += count;
            if cells > MOST_CELLS {
                return Err(NoPlan::TooManyCells);
            }
        }
        match head {
            Some(head) if !faults => Ok(Self::of(head, points)),
            _ => Err(NoPlan::Faults),
        }
    }

    /// A plan of known parts.
    #[must_use]
    pub fn of(head: Head, points: Vec<Point>) -> Self {
        let mut plan = Self { head, points, fingerprint: String::new() };
        let mut digest = Sha256::new();
        digest.update(serde_json::to_string(&plan.head).expect("it has only strings as keys and no failing fields"));
        for cell in 0..plan.cells() {
            digest.update(plan.id(cell).to_le_bytes());
        }
        plan.fingerprint = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        plan
    }

    /// How many cells there are.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.points.last().map_or(0, |last| last.first as usize + self.width(last) * last.replications as usize)
    }

    fn width(&self, point: &Point) -> usize {
        self.head.entrants[point.entrants as usize].len()
    }

    /// The balancers and variants of a point.
    #[must_use]
    pub fn entrants(&self, point: usize) -> &[Entrant] {
        &self.head.entrants[self.points[point].entrants as usize]
    }

    /// Which cell is at a place.
    #[must_use]
    pub fn cell(&self, at: usize) -> Cell {
        let point = self.points.partition_point(|point| point.first as usize <= at) - 1;
        let (within, width) = (at - self.points[point].first as usize, self.width(&self.points[point]));
        Cell { point, replication: (within / width) as u32, entrant: within % width }
    }

    /// Its name: a hash of what it is.
    #[must_use]
    pub fn id(&self, at: usize) -> u64 {
        let cell = self.cell(at);
        let Entrant { variant, balancer } = &self.entrants(cell.point)[cell.entrant];
        let sha = &self.points[cell.point].sha;
        let text = serde_json::to_vec(&(variant, balancer, cell.replication)).expect("texts and a number");
        xxh64(&[&sha[..], &text].concat(), 0)
    }

    /// A cell in words, for messages.
    #[must_use]
    pub fn words(&self, at: usize) -> String {
        let cell = self.cell(at);
        let Entrant { variant, balancer } = &self.entrants(cell.point)[cell.entrant];
        let point = self.head.parameters.words(cell.point);
        let parts = [Some(point.as_str()), variant.as_deref(), Some(balancer)];
        let words: Vec<&str> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        format!("{} replication {} ({:016x})", words.join(" "), cell.replication, self.id(at))
    }

    /// The overrides of a point.
    #[must_use]
    pub fn overrides(&self, point: usize) -> Vec<Override> {
        overrides(&self.head.parameters, point)
    }

    /// The first thing in which another plan differs, in words: this one's, and the other's.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<String> {
        let (one, two) = (&self.head, &other.head);
        let keys =
            |head: &Head| head.parameters.parameters().map(|one| format!("{}={}", one.key, one.values.join(","))).collect::<Vec<_>>();
        let lists = |head: &Head| format!("{:?}", head.entrants);
        let found = [
            ("the version", one.tool.version.clone(), two.tool.version.clone()),
            ("the version of what is simulated", one.semantics.to_string(), two.semantics.to_string()),
            ("the scenario's text (file_sha256)", one.file_sha256.clone(), two.file_sha256.clone()),
            ("what is varied", keys(one).join(" "), keys(two).join(" ")),
            ("the metrics", one.metrics.join(", "), two.metrics.join(", ")),
            ("the balancers", lists(one), lists(two)),
            ("the number of cells", self.cells().to_string(), other.cells().to_string()),
        ];
        let found =
            found.into_iter().find(|(_, one, two)| one != two).map(|(what, one, two)| format!("{what}: {} and {}", cut(&one), cut(&two)));
        let point = || {
            let at =
                self.points.iter().zip(&other.points).position(|(one, two)| one.sha != two.sha || one.replications != two.replications)?;
            Some(format!(
                "what is planned at point {} ({}): an option, a default or a file that the scenario names",
                at + 1,
                one.parameters.words(at)
            ))
        };
        found.or_else(point).or_else(|| (self.fingerprint != other.fingerprint).then(|| "the plan's fingerprint".to_owned()))
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= 100 { text.to_owned() } else { text.chars().take(99).chain(['…']).collect() }
}

fn overrides(grid: &Grid, point: usize) -> Vec<Override> {
    grid.point(point).into_iter().map(|(key, value)| Override::vary(key, value)).collect()
}

fn first(job: &Job, parameters: Grid, metrics: Vec<String>) -> Head {
    let (setup, _) = job.described();
    Head {
        tool: Tool::this(),
        semantics: SEMANTICS,
        title: setup.title.clone(),
        question: setup.question.clone(),
        file_sha256: setup.file_sha256.clone(),
        parameters,
        metrics,
        entrants: Vec::new(),
    }
}

fn entrants(job: &Job) -> Vec<Entrant> {
    let one = |(plan, balancer): (usize, usize)| Entrant {
        variant: job.plans[plan].variant.clone(),
        balancer: job.plans[plan].balancers[balancer].label.clone(),
    };
    job.results().into_iter().map(one).collect()
}

/// Where nobody can tell how many requests there will be.
const UNKNOWN: f64 = 1e6;
/// What a backend costs, to be set up and to be summed up, in requests.
const BACKEND: f64 = 4.0;

fn cost(job: &Job) -> u32 {
    let one = |plan: &crate::plan::Plan| plan.expected_requests().unwrap_or(UNKNOWN) + BACKEND * plan.backends().count() as f64;
    let most = job.plans.iter().map(one).fold(1.0, f64::max);
    most.min(f64::from(u32::MAX)) as u32
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::scenario::{self, NoFiles, Source};

    /// Two balancers, two replications, a few hundred requests.
    pub(in crate::sweep) const SCENARIO: &str = r#"
        balancers = ["random", "round-robin"]
        [run]
        requests = 300
        replications = 2
        [traffic]
        arrivals = { process = "poisson", load = 0.5 }
        work = { dist = "exponential", mean = "10ms" }
        [[backends]]
        name = "web"
        count = 3
    "#;

    pub(in crate::sweep) fn load(overrides: &[Override]) -> Option<Job> {
        let loaded = scenario::load(&Source::new("s.toml", SCENARIO.as_bytes()), overrides, &NoFiles).ok()?;
        Job::new(&loaded).ok()
    }

    pub(in crate::sweep) fn plan(options: &[&str]) -> Result<Plan, NoPlan> {
        let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        Plan::new(Grid::read(&options).expect("it can be read"), Vec::new(), &mut load)
    }

    #[test]
    fn cells_are_points_by_replications_by_balancers() {
        let plan = plan(&["traffic.arrivals.load=0.5:0.7:0.1", "run.replications=1,2"]).expect("it can be planned");
        assert_eq!((plan.points.len(), plan.cells()), (6, 3 * (1 + 2) * 2));
        let all: Vec<Cell> = (0..plan.cells()).map(|at| plan.cell(at)).collect();
        assert_eq!(all[1], Cell { point: 0, replication: 0, entrant: 1 });
        assert_eq!(all[5], Cell { point: 1, replication: 1, entrant: 1 });
        assert_eq!(all[17], Cell { point: 5, replication: 1, entrant: 1 });
        let mut ids: Vec<u64> = (0..plan.cells()).map(|at| plan.id(at)).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), plan.cells());
    }

    #[test]
    fn ids_say_what_a_cell_is_and_not_where_it_stands() {
        let (one, other) =
            (plan(&["traffic.arrivals.load=0.5,0.6"]).expect("planned"), plan(&["traffic.arrivals.load=0.6"]).expect("planned"));
        assert_eq!((4..8).map(|at| one.id(at)).collect::<Vec<_>>(), (0..4).map(|at| other.id(at)).collect::<Vec<_>>());
        assert_ne!(one.fingerprint, other.fingerprint);
        assert_eq!(one, plan(&["traffic.arrivals.load=0.5,0.6"]).expect("planned"));
    }

    #[test]
    fn what_differs_is_named() {
        let one = plan(&["traffic.arrivals.load=0.5,0.6"]).expect("planned");
        let differs = |options: &[&str]| one.difference(&plan(options).expect("planned"));
        assert_eq!(differs(&["traffic.arrivals.load=0.5,0.6"]), None);
        let said = differs(&["traffic.arrivals.load=0.5,0.7"]).expect("they differ");
        assert_eq!(said, "what is varied: traffic.arrivals.load=0.5,0.6 and traffic.arrivals.load=0.5,0.7");
        let mut other = one.clone();
        other.points[1].sha = [0; 32];
        assert!(one.difference(&other).expect("they differ").contains("point 2 (traffic.arrivals.load=0.6)"));
        other.head.tool.version = "9".into();
        assert!(one.difference(&other).expect("they differ").starts_with("the version: "));
    }

    #[test]
    fn faults_and_too_many_cells_are_no_plan() {
        assert_eq!(plan(&["traffic.arrivals.load=0.5,abc"]), Err(NoPlan::Faults));
        assert_eq!(plan(&["run.replications=10000", "run.seed=1:600:1"]), Err(NoPlan::TooManyCells));
    }
}
