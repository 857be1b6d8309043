//! Results side by side: what changed for each balancer, said without more certainty than there is.
//!
//! Charts of the same name get the same axes, so that they can be compared by eye.

use super::{Side, charts, verdict};
use crate::report::figure::words::{ms, name, or_dash};
use crate::report::figure::{Drawing, Table};
use crate::report::figures::percent;
use crate::report::neutral::html;

/// Makes every chart cover what its namesakes on other sides do.
pub(super) fn share_scales(sides: &mut [Side<'_>]) {
    let axes: Vec<_> = sides.iter().flat_map(|side| &side.figures).map(|figure| (figure.name.clone(), figure.drawing.clone())).collect();
    for figure in sides.iter_mut().flat_map(|side| &mut side.figures) {
        for (_, other) in axes.iter().filter(|(name, _)| *name == figure.name) {
            match (&mut figure.drawing, other) {
                (Drawing::Lines(own), Drawing::Lines(other)) => {
                    own.x.cover(&other.x);
                    own.y.cover(&other.y);
                }
                (Drawing::Bars(own), Drawing::Bars(other)) => own.axis.cover(&other.axis),
                _ => {}
            }
        }
    }
}

pub(super) fn section(sides: &[Side<'_>]) -> String {
    let names = verdict::names(sides);
    let mut text = String::new();
    for (at, side) in sides.iter().enumerate().skip(1) {
        let table = differences(&sides[0], side);
        if !table.rows.is_empty() {
            let heading = format!("{} → {}", names[0], names[at]);
            text += &format!("<h3 class=\"part\">{}</h3>\n{}", html(&heading), super::scrolling(&heading, &charts::table(&table)));
        }
    }
    let same = sides.windows(2).all(|pair| {
        let (one, other) = (&pair[0].shown.summary.scenario, &pair[1].shown.summary.scenario);
        (one.seed, &one.plan_sha256) == (other.seed, &other.plan_sha256)
    });
    let note = if same {
        "Same plan and same seed: differences between the folders come from the program's version alone."
    } else {
        "These runs are not paired: plan or seed differ, so no verdict is given here. A change is marked where the 95% intervals of both values do not overlap; that is a hint and no test."
    };
    text += &format!("<p class=\"note\">{note} Charts of the same name have the same scales.</p>\n");
    super::section("change", "What changed", &text)
}

fn differences(before: &Side<'_>, after: &Side<'_>) -> Table {
    let mut rows = Vec::new();
    for new in after.casts.iter().flat_map(|cast| &cast.roles) {
        let old = before
            .casts
            .iter()
            .flat_map(|cast| &cast.roles)
            .find(|old| (&old.result.balancer, &old.result.variant) == (&new.result.balancer, &new.result.variant));
        let Some(old) = old else { continue };
        let label = match &new.result.variant {
            Some(variant) => format!("{} ({})", new.name(), name(variant)),
            None => new.name(),
        };
        let (one, other) = (&old.result.latency_ms, &new.result.latency_ms);
        let (one_half, other_half) = (&old.result.latency_ms_ci95, &new.result.latency_ms_ci95);
        let failed = |rate: Option<f64>| or_dash(rate, |rate| percent(1.0 - rate));
        rows.push((
            Some(new.series),
            vec![
                label,
                change(one.p50, other.p50, one_half.p50, other_half.p50),
                change(one.p99, other.p99, one_half.p99, other_half.p99),
                change(one.p99_9, other.p99_9, one_half.p99_9, other_half.p99_9),
                format!("{} → {}", failed(old.result.success_rate), failed(new.result.success_rate)),
            ],
        ));
    }
    Table { head: ["balancer", "p50", "p99", "p99.9", "errors"].map(str::to_owned).to_vec(), rows, columns: vec![] }
}

/// `41.2 ms → 38.0 ms (-8%) ▼`.
fn change(old: Option<f64>, new: Option<f64>, old_half: Option<f64>, new_half: Option<f64>) -> String {
    let (Some(old), Some(new)) = (old, new) else { return "–".into() };
    let part = if old > 0.0 { format!(" ({:+.0}%)", 100.0 * (new / old - 1.0)) } else { String::new() };
    let apart = old_half.zip(new_half).is_some_and(|(one, other)| (new - old).abs() > one + other);
    let mark = match apart {
        true if new < old => " ▼ less",
        true => " ▲ more",
        false => "",
    };
    format!("{} → {}{part}{mark}", ms(old), ms(new))
}
