//! `[tier]`: how many balancer instances there are, and what each knows.

use super::decoder::Decoder;
use super::diagnostic::Finding;
use super::document::{Node, Table};
use super::keys::TIER;
use super::model::{Assign, Picks, Tier, View};
use super::path::Path;
use super::position::Place;
use super::reader::Fields;
use crate::time::Span;

/// Reads `[tier]`; left out, all of it is by default.
pub(crate) fn read(d: &mut Decoder<'_>, root: &Table) -> Option<Tier> {
    let empty = Node::table(Place::default());
    let node = root.get("tier").map_or(&empty, |pair| &pair.value);
    let path = Path::Key(&Path::Root, "tier");
    let f = Fields::open(d, node, &path, &TIER)?;
    let (instances, assign, picks, view) = (f.whole(d, "instances"), f.text(d, "assign"), f.text(d, "picks"), f.text(d, "view"));
    let (refresh, adds_own, zone) = (f.span(d, "refresh"), f.bool(d, "adds_own"), f.text(d, "zone"));
    let tier = Tier {
        instances: u32::try_from(instances?).ok()?,
        assign: if assign? == "client" { Assign::Client } else { Assign::Random },
        picks: if picks? == "connection" { Picks::Connection } else { Picks::Request },
        view: if view? == "shared" { View::Shared } else { View::Own },
        refresh: refresh?,
        adds_own: adds_own?,
        zone,
    };
    means_something(d, &f, &tier);
    Some(tier)
}

/// Warns of keys that do nothing without another.
fn means_something(d: &mut Decoder<'_>, f: &Fields<'_>, tier: &Tier) {
    let mut warn = |key: &str, message: &str, help: &str| {
        if let Some(pair) = f.pair(key) {
            d.report(Finding::warning(pair.key_at, message).path(f.path.key(key)).allowed(f.parameter(key).kind).help(help));
        }
    };
    if tier.view == View::Own && tier.refresh > Span::ZERO {
        warn("refresh", "`refresh` has no effect without view = \"shared\"", "add view = \"shared\"");
    }
    if tier.adds_own && (tier.view == View::Own || tier.refresh == Span::ZERO) {
        warn(
            "adds_own",
            "`adds_own` has no effect without view = \"shared\" and a `refresh`",
            "add view = \"shared\" and refresh = \"1s\"",
        );
    }
}
