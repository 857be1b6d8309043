//! Where the ranking changes: of two balancers now the one is better, now the other.
//!
//! Better is what the paired verdict of a point says. Where it cannot tell, nothing is said, so a change lies somewhere between the last point at which the one
//! is better and the first at which the other is.

use super::facets::{Along, Facet};
use crate::measure::surface::{Row, Surface};
use crate::report::figure::words::name;

/// A change between two neighbouring verdicts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Change {
    /// Where on the axis.
    pub(super) from: f64,
    pub(super) to: f64,
    /// In words.
    pub(super) words: String,
}

/// At which of the values along the axis, and who is there.
type Points<'a> = Vec<(usize, Vec<&'a Row>)>;

/// The rows of a chart by their value along the axis, ascending.
pub(super) fn points<'a>(facet: &Facet<'a>, along: &Along) -> Points<'a> {
    let mut points: Points<'a> = Vec::new();
    for row in &facet.rows {
        let at = along.parameter.map_or(0, |parameter| row.at[parameter] as usize);
        match points.iter_mut().find(|(known, _)| *known == at) {
            Some((_, rows)) => rows.push(row),
            None => points.push((at, vec![row])),
        }
    }
    points.sort_by(|(one, _), (other, _)| along.places[*one].total_cmp(&along.places[*other]));
    points
}

/// Every change in a chart, by place; words side by side have no order, and so no changes.
pub(super) fn changes(surface: &Surface, facet: &Facet<'_>, along: &Along, metric: usize) -> Vec<Change> {
    if along.is_words {
        return Vec::new();
    }
    let points = points(facet, along);
    let key = along.parameter.map(|at| super::words::keys(surface)[at].clone()).unwrap_or_default();
    let mut changes = Vec::new();
    for one in 0..surface.balancers.len() as u16 {
        for other in 0..one {
            changes.extend(between(&points, (one, other), metric).map(|((from, _), (to, better))| {
                let (winner, loser) = if better { (one, other) } else { (other, one) };
                let [winner, loser] = [winner, loser].map(|balancer| name(&surface.balancers[usize::from(balancer)]));
                let [below, above] = [from, to].map(|at| along.words[at].as_str());
                let words = format!("from {key} {above} on {winner} is better than {loser}; up to {below} it is the other way round");
                Change { from: along.places[from], to: along.places[to], words }
            }));
        }
    }
    changes.sort_by(|one, other| one.from.total_cmp(&other.from).then(one.to.total_cmp(&other.to)));
    changes
}

/// A value along the axis, and whether the one is better there.
type Sure = (usize, bool);

/// Neighbours among the points at which it can be told, that say different things.
fn between<'a>(points: &'a Points<'_>, (one, other): (u16, u16), metric: usize) -> impl Iterator<Item = (Sure, Sure)> + 'a {
    let verdict = move |(at, rows): &(usize, Vec<&Row>)| {
        let beats = |this: u16, that: u16| rows.iter().any(|row| row.balancer == this && row.figures[metric].beats.contains(&that));
        match (beats(one, other), beats(other, one)) {
            (true, _) => Some((*at, true)),
            (_, true) => Some((*at, false)),
            (false, false) => None,
        }
    };
    let sure: Vec<Sure> = points.iter().filter_map(verdict).collect();
    let pairs: Vec<(Sure, Sure)> = sure.windows(2).filter(|pair| pair[0].1 != pair[1].1).map(|pair| (pair[0], pair[1])).collect();
    pairs.into_iter()
}

/// Who is nowhere worse than anybody, in order of the balancers.
pub(super) fn unbeaten(surface: &Surface, facet: &Facet<'_>, metric: usize) -> Vec<u16> {
    let is_beaten = |balancer: &u16| facet.rows.iter().any(|row| row.figures[metric].beats.contains(balancer));
    let is_there = |balancer: &u16| facet.rows.iter().any(|row| row.balancer == *balancer);
    (0..surface.balancers.len() as u16).filter(|balancer| is_there(balancer) && !is_beaten(balancer)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::facets::facets;
    use super::super::table::tests::sample;
    use super::*;

    #[test]
    fn a_change_lies_between_the_last_and_the_first_verdict() {
        let surface = sample();
        let along = Along::of(&surface);
        let found = changes(&surface, &facets(&surface, &along)[0], &along, 0);
        let words = "from load 0.9 on b is better than a; up to 0.5 it is the other way round".to_owned();
        assert_eq!(found, [Change { from: 0.5, to: 0.9, words }]);
    }

    #[test]
    fn without_contrary_verdicts_nothing_changes() {
        let mut surface = sample();
        surface.rows[0].figures[0].beats.clear();
        let along = Along::of(&surface);
        let facet = &facets(&surface, &along)[0];
        assert!(changes(&surface, facet, &along, 0).is_empty());
        assert_eq!(unbeaten(&surface, facet, 0), [1]);
    }
}
