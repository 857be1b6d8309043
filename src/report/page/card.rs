//! The scenario in words and as a drawing, and what to know before trusting the numbers.

use super::{Side, topology};
use crate::measure::detail::Setup;
use crate::report::figures::percent;
use crate::report::neutral::html;
use crate::report::table;

pub(super) fn section(sides: &[Side<'_>]) -> String {
    let mut text = String::new();
    for side in sides {
        for setup in &side.shown.detail.setups {
            text += &super::part(side, setup.variant.as_deref());
            text += &topology::drawn(setup, &format!("topology-{}-{}", side.number, text.len()));
            text += &facts(setup);
        }
        let warnings: String =
            table::warnings(side.shown.summary).iter().map(|warning| format!("<li>{}</li>\n", html(&super::long(warning)))).collect();
        if !warnings.is_empty() {
            text += &format!("<div class=\"warnings\"><h3>Before you trust the numbers</h3>\n<ul>\n{warnings}</ul></div>\n");
        }
    }
    super::section("scenario", "What was simulated", &text)
}

fn facts(setup: &Setup) -> String {
    let mut facts = String::new();
    let mut fact = |name: &str, value: &str| {
        facts += &format!("<div><dt>{}</dt><dd>{}</dd></div>\n", html(&super::long(name)), html(&super::long(value)))
    };
    for (name, value) in &setup.facts {
        fact(name, value);
    }
    if let Some(load) = setup.load {
        let said = if load > 1.0 { ": more than they can ever do" } else { "" };
        fact("offered load", &format!("{} of what the backends can do{said}", percent(load)));
    }
    for (number, fault) in setup.faults.iter().enumerate() {
        let spans = fault.spans_s.iter().take(3).map(|[from, to]| format!("{}–{} s", seconds(*from), seconds(*to)));
        let more = if fault.spans_s.len() > 3 { format!(" and {} more times", fault.spans_s.len() - 3) } else { String::new() };
        let drawn = if fault.drawn { "; drawn anew in every replication" } else { "" };
        let name = format!("fault {}", number + 1);
        let said = format!(
            "{} ({}): {}{more}{drawn}",
            crate::report::figure::words::name(&fault.name),
            fault.kind,
            spans.collect::<Vec<_>>().join(", ")
        );
        fact(&name, &said);
    }
    format!("<dl class=\"facts\">\n{facts}</dl>\n")
}

fn seconds(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}
