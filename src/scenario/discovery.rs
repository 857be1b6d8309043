//! `[discovery]` and `[autoscale]`: which backends there are, and when balancers learn of it.

use super::decoder::Decoder;
use super::diagnostic::{Fault, Finding};
use super::document::Table;
use super::keys::{AUTOSCALE, DISCOVERIES};
use super::model::Group;
use super::path::Path;
use super::reader::Fields;
use super::suggest::nearest;
use crate::escape::{shown, visible};
use crate::fleet::{Autoscale, Discovery};

/// Reads `[discovery]`; left out, balancers learn of everything at once.
pub(crate) fn read(d: &mut Decoder<'_>, root: &Table) -> Option<Discovery> {
    let Some(pair) = root.get("discovery") else { return Some(Discovery::AtOnce) };
    let path = Path::Key(&Path::Root, "discovery");
    let f = Fields::open_tagged(d, &pair.value, &path, &DISCOVERIES)?;
    match f.name() {
        "static" => Some(Discovery::Static),
        "dns" => f.needed_span(d, "ttl").map(|ttl| Discovery::Dns { ttl }),
        "registry" => f.needed_dist(d, "delay").map(|delay| Discovery::Registry { delay }),
        "poll" => f.needed_span(d, "interval").map(|interval| Discovery::Poll { interval }),
        other => panic!("the discovery {other} is declared but not read"),
    }
}

/// Reads `[autoscale]`; the group is looked up among those of all services, in order (`None`: they were at fault).
pub(crate) fn autoscale(d: &mut Decoder<'_>, root: &Table, groups: Option<&[&Group]>) -> Option<Option<Autoscale>> {
    let Some(pair) = root.get("autoscale") else { return Some(None) };
    let path = Path::Key(&Path::Root, "autoscale");
    let f = Fields::open(d, &pair.value, &path, &AUTOSCALE)?;
    let group = group(d, &f, groups);
    let (target, min, max) = (f.needed_number(d, "target_utilization"), f.whole(d, "min"), f.needed_whole(d, "max"));
    let (interval, stabilization, tolerance) = (f.span(d, "interval"), f.span(d, "stabilization"), f.number(d, "tolerance"));
    let (start_up, drain) = (f.dist(d, "start_up"), f.span(d, "drain"));
    let (min, max) = (u32::try_from(min?).ok()?, u32::try_from(max?).ok()?);
    let group = group?;
    bounds(d, &f, groups?[group], min, max)?;
    names_stay_free(d, &f, groups?, group, max)?;
    Some(Some(Autoscale {
        group,
        target_utilization: target?,
        min,
        max,
        interval: interval?,
        stabilization: stabilization?,
        tolerance: tolerance?,
        start_up: start_up?,
        drain: drain?,
    }))
}

fn group(d: &mut Decoder<'_>, f: &Fields<'_>, groups: Option<&[&Group]>) -> Option<usize> {
    let Some(node) = f.node("backends") else { return Some(0) };
    let (name, groups) = (f.text(d, "backends")?, groups?);
    let found = groups.iter().position(|group| group.name == name);
    if found.is_none() {
        let known: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
        let listed = known.iter().take(10).map(|name| shown(name)).collect::<Vec<_>>().join(", ");
        let help = nearest(&name, known.iter().copied())
            .map_or_else(|| "name a group of [[backends]]".to_owned(), |name| format!("did you mean \"{}\"?", visible(name, 40)));
        let fault = Fault::UnknownName { what: "group of backends".into(), found: shown(&name) };
        d.report(Finding::error(node.at, fault).path(f.path.key("backends")).allowed(format!("one of {listed}")).help(help));
    }
    found
}

/// `min`, `count` and `max` ascend, and there is a utilization to scale by.
fn bounds(d: &mut Decoder<'_>, f: &Fields<'_>, group: &Group, min: u32, max: u32) -> Option<()> {
    let at = |key: &str| f.node(key).map_or(f.at, |node| node.at);
    let name = shown(&group.name);
    let (key, what, allowed, help) = if min > max {
        ("max", format!("max = {max} is below min = {min}"), "max of at least min".to_owned(), format!("write max = {min}"))
    } else if group.count < min || group.count > max {
        let key = if group.count < min { "min" } else { "max" };
        let what = format!("{name} begins with a count of {}, which is not from {min} to {max}", group.count);
        (key, what, "min ≤ count ≤ max".to_owned(), format!("write count = {} for the group", group.count.clamp(min, max)))
    } else if group.workers.is_none() {
        let what = format!("{name} has unlimited workers, and so no utilization to scale by");
        ("target_utilization", what, "a group with a number of workers".to_owned(), "write workers = 1 for the group".to_owned())
    } else {
        return Some(());
    };
    d.report(Finding::error(at(key), Fault::Inconsistent(what)).path(f.path.key(key)).allowed(allowed).help(help));
    None
}

/// Members that join are called name-0, name-1, …: nobody else may be.
fn names_stay_free(d: &mut Decoder<'_>, f: &Fields<'_>, groups: &[&Group], scaled: usize, max: u32) -> Option<()> {
    let is_made = |name: &str| {
        let number = name.strip_prefix(groups[scaled].name.as_str()).and_then(|rest| rest.strip_prefix('-'));
        number.and_then(|number| number.parse::<u32>().ok().filter(|made| made.to_string() == number)).is_some_and(|made| made < max)
    };
    let Some(other) = groups.iter().find(|group| group.count == 1 && is_made(&group.name)) else { return Some(()) };
    let fault = Fault::TwiceNamed(format!(
        "a member of {} may come to be called {}, as another group is",
        shown(&groups[scaled].name),
        shown(&other.name)
    ));
    let at = f.node("max").map_or(f.at, |node| node.at);
    d.report(
        Finding::error(at, fault).path(f.path.key("max")).allowed("a name of its own for each backend").help("rename one of the groups"),
    );
    None
}
