//! Shards: one sweep on many machines, without any of them knowing of the others.
//!
//! Cells are dealt by what they cost (see [`super::plan::Point::cost`]): the most expensive first, each to the shard that has the least so far, the lower number
//! of equals. That depends on the plan alone. Shards are counted from 1.

use super::plan::Plan;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Which part of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 1.
    pub number: u32,
    /// Of so many.
    pub of: u32,
}

/// No more shards than this.
pub const MOST: u32 = 100_000;

/// What a shard may be called.
pub const ALLOWED: &str = "K/N with K from 1 to N, such as 1/8, or auto";

/// What is wrong with a shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not two numbers.
    #[error("`{0}` is not a shard")]
    Unreadable(String),
    /// `0/8`.
    #[error("`{0}`: shards are counted from 1, so that the first of {1} is 1/{1}")]
    Zero(String, u32),
    /// `9/8`.
    #[error("`{0}`: there is no shard {1} of {2}")]
    Beyond(String, u32, u32),
    /// Nobody says which.
    #[error("nothing in the environment says which shard this is\n  help: auto reads {0}; or write it, such as 1/8")]
    Nobody(String),
    /// A number without that of all.
    #[error("{0} says which shard this is, and not of how many\n  help: set {1} to their number")]
    NoTotal(String, String),
    /// A variable that holds no number.
    #[error("{0}={1} is not a number")]
    NotANumber(String, String),
}

impl Shard {
    /// All of it.
    pub const WHOLE: Self = Self { number: 1, of: 1 };

    /// `K/N`, or what the environment says for `auto`.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn read(text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, Fault> {
        if text == "auto" { auto(environment) } else { explicit(text) }
    }

    /// Which cells of a plan are its own, in their order.
    #[must_use]
    pub fn cells(self, plan: &Plan) -> Vec<u32> {
        let all = 0..plan.cells() as u32;
        if self == Self::WHOLE {
            return all.collect();
        }
        let mut points: Vec<usize> = (0..plan.points.len()).collect();
        points.sort_by_key(|&at| Reverse(plan.points[at].cost));
        let mut loads: BinaryHeap<Reverse<(u64, u32)>> = (1..=self.of).map(|number| Reverse((0, number))).collect();
        let mut mine = Vec::new();
        for point in points {
            let (first, cost) = (plan.points[point].first, plan.points[point].cost);
            let end = plan.points.get(point + 1).map_or(plan.cells() as u32, |next| next.first);
            for cell in first..end {
                let Reverse((load, number)) = loads.pop().expect("there is one at least");
                loads.push(Reverse((load + u64::from(cost), number)));
                if number == self.number {
                    mine.push(cell);
                }
            }
        }
        mine.sort_unstable();
        mine
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

fn explicit(text: &str) -> Result<Shard, Fault> {
    let numbers = || Some(text.split_once('/')?).and_then(|(number, of)| Some((number.trim().parse().ok()?, of.trim().parse().ok()?)));
    match numbers().filter(|&(_, of): &(u32, u32)| (1..=MOST).contains(&of)) {
        None => Err(Fault::Unreadable(text.to_owned())),
        Some((0, of)) => Err(Fault::Zero(text.to_owned(), of)),
        Some((number, of)) if number > of => Err(Fault::Beyond(text.to_owned(), number, of)),
        Some((number, of)) => Ok(Shard { number, of }),
    }
}

/// An engine's own way of saying which of its tasks this is.
struct Engine {
    task: &'static str,
    /// The number of all, where the engine says it; else [`SHARDS`].
    total: Option<&'static str>,
    /// The lowest of its numbers: a variable that says it, or what it is.
    first: (Option<&'static str>, u32),
    /// A variable that says how far apart they are.
    step: Option<&'static str>,
}

/// Says which shard this is, before any engine.
const SHARD: &str = "EVENKEEL_SHARD";
/// Says how many there are, where an engine does not.
const SHARDS: &str = "EVENKEEL_SHARDS";

/// In the order in which they are asked.
const ENGINES: [Engine; 6] = [
    // Slurm: arrays may start anywhere and skip; the count is that of the tasks.
    Engine {
        task: "SLURM_ARRAY_TASK_ID",
        total: Some("SLURM_ARRAY_TASK_COUNT"),
        first: (Some("SLURM_ARRAY_TASK_MIN"), 0),
        step: Some("SLURM_ARRAY_TASK_STEP"),
    },
    // Kubernetes Indexed Jobs count from 0, and do not say how many.
    Engine { task: "JOB_COMPLETION_INDEX", total: None, first: (None, 0), step: None },
    // GitLab's `parallel:` counts from 1.
    Engine { task: "CI_NODE_INDEX", total: Some("CI_NODE_TOTAL"), first: (None, 1), step: None },
    // HyperQueue: tasks are called as its --array says, from 0 unless EVENKEEL_SHARD_MIN says otherwise.
    Engine { task: "HQ_TASK_ID", total: None, first: (Some("EVENKEEL_SHARD_MIN"), 0), step: None },
    Engine { task: "AWS_BATCH_JOB_ARRAY_INDEX", total: None, first: (None, 0), step: None },
    // GNU parallel counts its jobs from 1.
    Engine { task: "PARALLEL_SEQ", total: None, first: (None, 1), step: None },
];

fn auto(environment: &dyn Fn(&str) -> Option<String>) -> Result<Shard, Fault> {
    let set = |name: &str| environment(name).filter(|value| !value.is_empty());
    if let Some(text) = set(SHARD) {
        return explicit(&text);
    }
    let Some(engine) = ENGINES.iter().find(|engine| set(engine.task).is_some()) else {
        let names: Vec<&str> = std::iter::once(SHARD).chain(ENGINES.iter().map(|engine| engine.task)).collect();
        return Err(Fault::Nobody(names.join(", ")));
    };
    let number = |name: &str| -> Result<Option<u32>, Fault> {
        let parsed = |value: String| value.trim().parse().map_err(|_| Fault::NotANumber(name.to_owned(), value.clone()));
        set(name).map(parsed).transpose()
    };
    let total = match engine.total {
        Some(name) => number(name)?.map_or_else(|| number(SHARDS), |total| Ok(Some(total)))?,
        None => number(SHARDS)?,
    };
    let total = total.ok_or_else(|| Fault::NoTotal(engine.task.to_owned(), engine.total.unwrap_or(SHARDS).to_owned()))?;
    let task = number(engine.task)?.unwrap_or(0);
    let first = engine.first.0.map_or(Ok(None), number)?.unwrap_or(engine.first.1);
    let step = engine.step.map_or(Ok(None), number)?.unwrap_or(1).max(1);
    let text = format!("{}/{total}", task.checked_sub(first).map_or(0, |above| u64::from(above / step) + 1));
    explicit(&text)
}

#[cfg(test)]
mod tests {
    use super::super::plan::tests::plan;
    use super::*;

    fn read(text: &str, variables: &[(&str, &str)]) -> Result<Shard, Fault> {
        Shard::read(text, &|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    fn is(text: &str, variables: &[(&str, &str)], number: u32, of: u32) {
        assert_eq!(read(text, variables), Ok(Shard { number, of }), "{variables:?}");
    }

    #[test]
    fn shards_are_counted_from_one() {
        is("1/8", &[], 1, 8);
        is("8/8", &[], 8, 8);
        assert_eq!(read("0/8", &[]), Err(Fault::Zero("0/8".into(), 8)));
        assert_eq!(read("9/8", &[]), Err(Fault::Beyond("9/8".into(), 9, 8)));
        for text in ["", "1", "1/0", "a/b", "-1/2", "1/2/3", "1/1000000"] {
            assert_eq!(read(text, &[]), Err(Fault::Unreadable(text.into())), "{text}");
        }
        assert!(read("0/8", &[]).expect_err("zero").to_string().contains("the first of 8 is 1/8"));
    }

    #[test]
    fn engines_say_which_shard_this_is() {
        is("auto", &[("EVENKEEL_SHARD", "2/3"), ("SLURM_ARRAY_TASK_ID", "9")], 2, 3);
        let slurm =
            [("SLURM_ARRAY_TASK_ID", "7"), ("SLURM_ARRAY_TASK_COUNT", "3"), ("SLURM_ARRAY_TASK_MIN", "3"), ("SLURM_ARRAY_TASK_STEP", "2")];
        is("auto", &slurm, 3, 3);
        is("auto", &[("SLURM_ARRAY_TASK_ID", "3"), ("SLURM_ARRAY_TASK_COUNT", "6"), ("SLURM_ARRAY_TASK_MIN", "3")], 1, 6);
        is("auto", &[("JOB_COMPLETION_INDEX", "0"), ("EVENKEEL_SHARDS", "4")], 1, 4);
        is("auto", &[("CI_NODE_INDEX", "4"), ("CI_NODE_TOTAL", "4")], 4, 4);
        is("auto", &[("HQ_TASK_ID", "5"), ("EVENKEEL_SHARDS", "8")], 6, 8);
        is("auto", &[("HQ_TASK_ID", "8"), ("EVENKEEL_SHARDS", "8"), ("EVENKEEL_SHARD_MIN", "1")], 8, 8);
        is("auto", &[("AWS_BATCH_JOB_ARRAY_INDEX", "1"), ("EVENKEEL_SHARDS", "2")], 2, 2);
        is("auto", &[("PARALLEL_SEQ", "3"), ("EVENKEEL_SHARDS", "6")], 3, 6);
    }

    #[test]
    fn what_engines_do_not_say_is_asked_for() {
        assert!(matches!(read("auto", &[]), Err(Fault::Nobody(names)) if names.contains("SLURM_ARRAY_TASK_ID")));
        assert_eq!(read("auto", &[("HQ_TASK_ID", "1")]), Err(Fault::NoTotal("HQ_TASK_ID".into(), "EVENKEEL_SHARDS".into())));
        assert!(matches!(read("auto", &[("PARALLEL_SEQ", "x"), ("EVENKEEL_SHARDS", "2")]), Err(Fault::NotANumber(..))));
        assert!(matches!(read("auto", &[("JOB_COMPLETION_INDEX", "4"), ("EVENKEEL_SHARDS", "4")]), Err(Fault::Beyond(..))));
    }

    #[test]
    fn every_cell_is_in_one_shard_and_costs_are_even() {
        let plan = plan(&["run.requests=100,1000,10000", "traffic.arrivals.load=0.5:0.7:0.1"]).expect("planned");
        for of in [1, 2, 3, 7, 40] {
            let shards: Vec<Vec<u32>> = (1..=of).map(|number| Shard { number, of }.cells(&plan)).collect();
            let mut all = shards.concat();
            all.sort_unstable();
            assert_eq!(all, (0..plan.cells() as u32).collect::<Vec<_>>());
            let cost =
                |cells: &Vec<u32>| cells.iter().map(|&cell| u64::from(plan.points[plan.cell(cell as usize).point].cost)).sum::<u64>();
            let (least, most) = (shards.iter().map(cost).min(), shards.iter().map(cost).max());
            assert!(most.expect("some") - least.expect("some") <= 10_100, "{of}: {least:?} to {most:?}");
        }
    }
}
