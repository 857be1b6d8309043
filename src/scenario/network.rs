//! `[network]`: delays between zones.

use std::collections::BTreeMap;

use super::decoder::Decoder;
use super::diagnostic::{Fault, Finding};
use super::document::Table;
use super::keys::{LINK, NETWORK};
use super::model::Link;
use super::path::Path;
use super::reader::Fields;
use crate::catalogue::Kind;

/// Reads `[network] between`.
pub(crate) fn read(d: &mut Decoder<'_>, root: &Table) -> Option<Vec<Link>> {
    let Some(pair) = root.get("network") else { return Some(Vec::new()) };
    let path = Path::Key(&Path::Root, "network");
    let f = Fields::open(d, &pair.value, &path, &NETWORK)?;
    let Some(node) = f.node("between") else { return Some(Vec::new()) };
    let path = path.key("between");
    let members = d.list(node, &path, Kind::Tables(&LINK));
    let mut links: Vec<Link> = Vec::new();
    let mut seen = BTreeMap::new();
    for (index, member) in members.iter().enumerate() {
        let path = path.index(index, None);
        let Some(f) = Fields::open(d, member, &path, &LINK) else { continue };
        let (from, to, delay) = (f.needed_text(d, "from"), f.needed_text(d, "to"), f.needed_dist(d, "delay"));
        let (Some(from), Some(to), Some(delay)) = (from, to, delay) else { continue };
        if let Some(first) = seen.insert((from.clone(), to.clone()), index) {
            let fault = Fault::TwiceNamed("the same two zones stand in the list twice".into());
            d.report(
                Finding::error(member.at, fault)
                    .path(path)
                    .allowed("each pair of zones once")
                    .related("the first is here", members[first].at)
                    .help("remove one of them"),
            );
        }
        links.push(Link { from, to, delay });
    }
    (links.len() == members.len() && matches!(node.data, super::document::Data::List(_))).then_some(links)
}
