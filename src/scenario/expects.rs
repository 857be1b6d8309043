//! `[[expect]]`: what stands in the file. Rules are understood where all names are known (see `checks/expects.rs`).

use super::decoder::Decoder;
use super::diagnostic::{Fault, Finding};
use super::document::{Data, Node, Table};
use super::keys::EXPECT;
use super::path::Path;
use super::position::Place;
use super::reader::Fields;
use crate::catalogue::Kind;

/// The most rules of a scenario.
const MAX_RULES: usize = 1_000;

/// A rule as it was written, each part with its place.
pub(crate) struct Written<'n> {
    pub(crate) index: usize,
    pub(crate) rule: (String, &'n Node),
    pub(crate) balancer: Option<Named>,
    pub(crate) variant: Option<Named>,
    pub(crate) than: Option<Named>,
    pub(crate) than_variant: Option<Named>,
    pub(crate) service: Option<Named>,
    pub(crate) class: Option<Named>,
    pub(crate) during: Option<Named>,
    pub(crate) after: Option<Named>,
    pub(crate) may_be_empty: bool,
}

/// A name and its place.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) at: Place,
}

/// Reads all rules; `None` where one of them was wrong.
pub(crate) fn read<'n>(d: &mut Decoder<'_>, root: &'n Table) -> Option<Vec<Written<'n>>> {
    let Some(pair) = root.get("expect") else { return Some(Vec::new()) };
    let path = Path::Key(&Path::Root, "expect");
    let Data::List(members) = &pair.value.data else {
        let wrong = Fault::WrongType { found: d.found(&pair.value), wanted: "a list of tables" };
        d.report(Finding::error(pair.value.at, wrong).path(path).allowed(Kind::Tables(&EXPECT)).help("expect is a list; use [[expect]]"));
        return None;
    };
    if members.len() > MAX_RULES {
        let wrong = Fault::Limit(format!("there are {} rules; the limit is {MAX_RULES}", members.len()));
        d.report(Finding::error(pair.value.at, wrong).path(path).allowed(format!("at most {MAX_RULES} rules")).help("leave some out"));
        return None;
    }
    let mut all = Vec::with_capacity(members.len());
    for (index, member) in members.iter().enumerate() {
        all.push(one(d, index, member, &path.index(index, None)));
    }
    all.into_iter().collect()
}

fn one<'n>(d: &mut Decoder<'_>, index: usize, member: &'n Node, path: &Path<'_>) -> Option<Written<'n>> {
    let f = Fields::open(d, member, path, &EXPECT)?;
    if !f.has("rule") {
        f.missing(d, "rule", "rule = \"latency.p99 < 250ms\"");
    }
    let rule = f.text(d, "rule");
    let one_phase = f.at_most_one(d, &["during", "after"]);
    let one_part = f.at_most_one(d, &["service", "class"]);
    let mut is_whole = one_phase && one_part;
    let mut named = |d: &mut Decoder<'_>, key: &'static str| {
        let node = member.as_table()?.get(key).map(|pair| &pair.value)?;
        let name = f.text(d, key);
        is_whole &= name.is_some();
        name.map(|name| Named { name, at: node.at })
    };
    let (balancer, variant) = (named(d, "balancer"), named(d, "variant"));
    let (than, than_variant) = (named(d, "than"), named(d, "than_variant"));
    let (service, class, during, after) = (named(d, "service"), named(d, "class"), named(d, "during"), named(d, "after"));
    let when_empty = f.text(d, "when_empty")?;
    let node = member.as_table()?.get("rule").map(|pair| &pair.value)?;
    let rule = (rule?, node);
    let may_be_empty = when_empty == "pass";
    is_whole.then_some(Written { index, rule, balancer, variant, than, than_variant, service, class, during, after, may_be_empty })
}
