//! What is said of a sweep: at each point of its grid, each balancer's figures, and who is better than whom.
//!
//! A sweep may have a million rows, so a row holds what tables and charts show and no more; the whole results are written, point by point, when they are
//! judged.

use super::compare::{Comparison, Verdict};

/// A sweep, judged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Surface {
    /// `title` of the scenario.
    pub title: Option<String>,
    /// `question` of the scenario.
    pub question: Option<String>,
    /// What was varied, in order.
    pub parameters: Vec<Varied>,
    /// What is shown, the first decides who is best.
    pub metrics: Vec<Shown>,
    /// The labels of all balancers.
    pub balancers: Vec<String>,
    /// The names of all variants; one without a name where there are none.
    pub variants: Vec<Option<String>>,
    /// In order of points, then variants and balancers.
    pub rows: Vec<Row>,
    /// How many points and cells it has.
    pub points: usize,
    /// Likewise.
    pub cells: usize,
    /// The plan's fingerprint.
    pub fingerprint: String,
}

/// A key that was varied.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Varied {
    /// The dotted key.
    pub key: String,
    /// Its values as written.
    pub values: Vec<String>,
    /// Whether a logarithmic range gave them.
    pub is_log: bool,
    /// Its axis of the grid: keys that are varied together have the same.
    pub axis: u16,
}

/// A metric that is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// Its path: `latency.p99`.
    pub metric: String,
    /// Its unit.
    pub unit: super::metric::Unit,
    /// Which way is better.
    pub better: super::metric::Better,
}

/// One balancer in one variant at one point.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// The point's number.
    pub point: u32,
    /// Which of the values each parameter has there.
    pub at: Vec<u32>,
    /// Which of [`Surface::variants`].
    pub variant: u16,
    /// Which of [`Surface::balancers`].
    pub balancer: u16,
    /// Whether it became overloaded in any replication.
    pub overloaded: bool,
    /// For each of [`Surface::metrics`], in order.
    pub figures: Vec<Figure>,
}

/// A number and how sure it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figure {
    /// What was measured; `None` where it does not exist.
    pub value: Option<f64>,
    /// Half of its 95% interval.
    pub half: Option<f64>,
    /// The balancers that it is better than, replication by replication, at the level of [`super::compare::LEVEL`].
    pub beats: Vec<u16>,
}

impl Surface {
    /// The number of a label, new or known.
    pub fn balancer(&mut self, label: &str) -> u16 {
        number(&mut self.balancers, label.to_owned())
    }

    /// The number of a variant, new or known.
    pub fn variant(&mut self, name: Option<&str>) -> u16 {
        number(&mut self.variants, name.map(str::to_owned))
    }

    /// The rows of one point and variant, by groups.
    pub fn groups(&self) -> impl Iterator<Item = &[Row]> {
        self.rows.chunk_by(|one, other| (one.point, one.variant) == (other.point, other.variant))
    }

    /// The best of a group by one of the metrics, and whether others cannot be told from it.
    #[must_use]
    pub fn best(&self, group: &[Row], metric: usize) -> Option<usize> {
        let value = |row: &Row| {
            row.figures.get(metric).and_then(|figure| figure.value).filter(|_| !row.overloaded || group.iter().all(|row| row.overloaded))
        };
        let known = group.iter().enumerate().filter_map(|(at, row)| Some((at, value(row)?)));
        let is_better = |new: f64, old: f64| match self.metrics[metric].better {
            super::metric::Better::Higher => new > old,
            super::metric::Better::Lower | super::metric::Better::Neither => new < old,
        };
        known.reduce(|old, new| if is_better(new.1, old.1) { new } else { old }).map(|(at, _)| at)
    }
}

fn number<T: PartialEq>(known: &mut Vec<T>, wanted: T) -> u16 {
    let at = known.iter().position(|one| *one == wanted).unwrap_or_else(|| {
        known.push(wanted);
        known.len() - 1
    });
    u16::try_from(at).unwrap_or(u16::MAX)
}

/// Whom one balancer is better than by a metric, among the comparisons of a point.
pub fn beaten<'a>(
    comparisons: &'a [Comparison],
    balancer: &'a str,
    variant: Option<&'a str>,
    metric: &'a str,
) -> impl Iterator<Item = &'a str> {
    let within = move |one: &&Comparison| one.metric == metric && one.variant.as_deref() == variant && one.than_variant == one.variant;
    comparisons.iter().filter(within).filter_map(move |one| match one.verdict {
        Verdict::Better if one.balancer == balancer => Some(one.than.as_str()),
        Verdict::Worse if one.than == balancer => Some(one.balancer.as_str()),
        Verdict::Better | Verdict::Worse | Verdict::Same | Verdict::CannotTell => None,
    })
}
