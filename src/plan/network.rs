//! The ways between zones.

use super::LinkPlan;
use crate::scenario::{Link, Scenario};

/// A link as written, and the other way where that is not written itself.
pub(super) fn both_ways(scenario: &Scenario, link: &Link, zones: &[String]) -> Vec<LinkPlan> {
    let zone = |name: &str| zones.iter().position(|zone| zone == name).expect("every zone of a link has been listed") as u16;
    let plan = |from: &str, to: &str| LinkPlan { from: zone(from), to: zone(to), delay: link.delay.clone() };
    let reverse_is_written = scenario.links.iter().any(|other| other.from == link.to && other.to == link.from);
    let mut links = vec![plan(&link.from, &link.to)];
    if !reverse_is_written {
        links.push(plan(&link.to, &link.from));
    }
    links
}
