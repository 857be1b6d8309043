//! The scenario in words and as a drawing, and what to know before trusting the numbers.

use super::{Side, topology};
use crate::measure::detail::{FaultSetup, Setup};
use crate::report::figures::percent;
use crate::report::neutral::html;
use crate::report::table;

pub(super) fn section(sides: &[Side<'_>]) -> String {
    let mut text = String::new();
    for side in sides {
        let setups = &side.shown.detail.setups;
        for (at, setup) in setups.iter().enumerate() {
            text += &described(side, setup, setups.first().filter(|_| at > 0), at);
        }
        let warnings: String =
            table::warnings(side.shown.summary).iter().map(|warning| format!("<li>{}</li>\n", html(&super::long(warning)))).collect();
        if !warnings.is_empty() {
            text += &format!("<div class=\"warnings\"><h3>Before you trust the numbers</h3>\n<ul>\n{warnings}</ul></div>\n");
        }
    }
    super::section("scenario", "What was simulated", &text)
}

/// A variant, or what is different in it from the first.
fn described(side: &Side<'_>, setup: &Setup, first: Option<&Setup>, number: usize) -> String {
    let known = first.map(facts).unwrap_or_default();
    let new: Vec<(String, String)> = facts(setup).into_iter().filter(|fact| !known.contains(fact)).collect();
    let place = |setup: &Setup| (setup.sources.clone(), setup.instances, setup.services.clone());
    let same_place = first.is_some_and(|first| place(first) == place(setup));
    if new.is_empty() && same_place {
        return String::new();
    }
    let drawn = if same_place { String::new() } else { topology::drawn(setup, &format!("topology-{}-{number}", side.number)) };
    let one = |(name, value): &(String, String)| {
        format!("<div><dt>{}</dt><dd>{}</dd></div>\n", html(&super::long(name)), html(&super::long(value)))
    };
    let facts: String = new.iter().map(one).collect();
    let variant = setup.variant.as_deref().filter(|_| first.is_some() || side.shown.detail.setups.len() > 1);
    format!("{}{drawn}<dl class=\"facts\">\n{facts}</dl>\n", super::part(side, variant))
}

fn facts(setup: &Setup) -> Vec<(String, String)> {
    let mut facts = setup.facts.clone();
    let is_said = facts.iter().any(|(_, fact)| fact.contains("load "));
    if let Some(load) = setup.load.filter(|&load| !is_said || load > 1.0) {
        let said = if load > 1.0 { ": more than they can ever do" } else { "" };
        facts.push(("offered load".into(), format!("{} of what the backends can do{said}", percent(load))));
    }
    for (number, fault) in setup.faults.iter().enumerate() {
        let spans = fault.spans_s.iter().take(3).map(|[from, to]| format!("{}–{} s", seconds(*from), seconds(*to)));
        let more = match fault.spans_s.len() {
            0..=3 => String::new(),
            // No more of them are kept.
            FaultSetup::SPANS => " and many more times (the first 200 are drawn)".into(),
            count => format!(" and {} more times", count - 3),
        };
        let drawn = if fault.drawn { "; drawn anew in every replication" } else { "" };
        let name = crate::report::figure::words::name(&fault.name);
        let said = format!("{name} ({}): {}{more}{drawn}", fault.kind, spans.collect::<Vec<_>>().join(", "));
        facts.push((format!("fault {}", number + 1), said));
    }
    facts
}

fn seconds(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}
