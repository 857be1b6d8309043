//! `[[backends]]`: groups of like backends.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::decoder::Decoder;
use super::diagnostic::{Fault, Finding};
use super::document::{Data, Entry as Pair, Node, Table};
use super::keys::{BACKENDS, CACHE, MAX_BACKENDS, SHED};
use super::model::{Cache, Discipline, Group, Shed};
use super::path::Path;
use super::position::Place;
use super::reader::Fields;
use super::scalar;
use crate::balance::{Member, State};
use crate::catalogue::{Kind, Value};
use crate::escape::{shown, visible};
use crate::time::Span;

/// What the program holds for a backend, roughly, in bytes: state, statistics and a histogram for each balancer.
const BYTES_PER_BACKEND: u64 = 1024;

/// A group as it was written.
pub(crate) struct Written<'n> {
    pub(crate) node: &'n Node,
    /// `backends[0] ("web")`.
    pub(crate) path: String,
    /// `None` where it was at fault.
    pub(crate) group: Option<Group>,
}

impl Written<'_> {
    /// Where it has a key, or where it begins.
    pub(crate) fn place(&self, key: &str) -> Place {
        self.node.as_table().and_then(|table| table.get(key)).map_or(self.node.at, |pair| pair.value.at)
    }
}

/// Reads the groups of the top level; `None` where one of them was at fault.
pub(crate) fn read(d: &mut Decoder<'_>, root: &Table) -> Option<Vec<Group>> {
    let groups = members(d, root.get("backends"), Place::default(), &Path::Key(&Path::Root, "backends"), "[[backends]]")?;
    finish(d, groups)
}

/// Reads a list of groups, each by itself; `None` where there is no list.
pub(crate) fn members<'n>(
    d: &mut Decoder<'_>,
    pair: Option<&'n Pair>,
    at: Place,
    path: &Path<'_>,
    header: &'static str,
) -> Option<Vec<Written<'n>>> {
    let missing = |d: &mut Decoder<'_>, at: Place| {
        let finding = Finding::error(at, Fault::Missing(header.into())).path(path).allowed("at least 1 group of backends");
        d.report(finding.help(format!("add\n{header}\nname = \"web\"\ncount = 10")));
    };
    let Some(pair) = pair else {
        missing(d, at);
        return None;
    };
    match &pair.value.data {
        Data::List(members) if members.is_empty() => {
            missing(d, pair.value.at);
            None
        }
        Data::List(members) => {
            let read = |(index, node): (usize, &'n Node)| {
                let path = path.index(index, node.text_of("name"));
                Written { node, path: path.to_string(), group: group(d, node, &path) }
            };
            Some(members.iter().enumerate().map(read).collect())
        }
        _ => {
            let fault = Fault::WrongType { found: d.found(&pair.value), wanted: "a list of tables" };
            let finding = Finding::error(pair.value.at, fault).path(path).allowed(Kind::Tables(&BACKENDS));
            d.report(finding.help(format!("backends is a list; use {header}")));
            None
        }
    }
}

/// The groups of all lists together; `None` where one of them was at fault.
pub(crate) fn finish(d: &mut Decoder<'_>, members: Vec<Written<'_>>) -> Option<Vec<Group>> {
    names_differ(d, &members);
    few_enough(d, &members)?;
    members.into_iter().map(|member| member.group).collect()
}

fn group(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<Group> {
    let f = Fields::open(d, node, path, &BACKENDS)?;
    let (name, count) = (f.text(d, "name"), f.whole(d, "count").and_then(|count| u32::try_from(count).ok()));
    let (speed, workers, told) = (f.number(d, "speed"), f.value(d, "workers"), told(d, &f));
    let discipline = f.text(d, "discipline").map(|word| discipline(&word));
    let (overloaded_after, max_wait, shed) = (f.span(d, "overloaded_after"), max_wait(d, &f), shed(d, &f));
    let (queue, zone, network) = (f.whole(d, "queue"), f.text(d, "zone"), f.dist(d, "network"));
    let (address, per_in_flight, cache) = (address(d, &f, count), f.span(d, "per_in_flight"), cache(d, &f));
    let workers = match workers? {
        Value::Whole(workers) => Some(u32::try_from(workers).ok()?),
        _ => None,
    };
    without_effect(d, &f, discipline?, workers);
    Some(Group {
        name: name?,
        count: count?,
        speed: speed?,
        workers,
        discipline: discipline?,
        overloaded_after: overloaded_after?,
        shed: shed?,
        max_wait: max_wait?,
        queue,
        zone,
        network: network?,
        address: address?,
        per_in_flight: per_in_flight?,
        cache: cache?,
        told: told?,
    })
}

/// What balancers are told of a backend: also read for `evenkeel pick`.
pub(crate) fn told(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Member> {
    let number = |d: &mut Decoder<'_>, key: &str| {
        Some(f.whole(d, key).and_then(|value| u32::try_from(value).ok())).filter(|value| value.is_some() == f.has(key))
    };
    let (weight, priority, backup) = (f.number(d, "weight"), f.whole(d, "priority"), f.bool(d, "backup"));
    let (id, max_in_flight, max_waiting, max_fails) =
        (number(d, "id"), number(d, "max_in_flight"), number(d, "max_waiting"), number(d, "max_fails"));
    let (labels, fail_timeout, state) = (labels(d, f), f.span(d, "fail_timeout"), f.text(d, "state"));
    Some(Member {
        weight: weight?,
        priority: u32::try_from(priority?).ok()?,
        backup: backup?,
        id: id?,
        max_in_flight: max_in_flight?,
        max_waiting: max_waiting?,
        max_fails: max_fails?,
        labels: labels?,
        fail_timeout: Some(fail_timeout).filter(|span| span.is_some() == f.has("fail_timeout"))?,
        state: State::named(&state?)?,
        ..Member::default()
    })
}

/// Texts by their keys, sorted.
fn labels(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Vec<(String, String)>> {
    let Some(node) = f.node("labels") else { return Some(Vec::new()) };
    let path = f.path.key("labels");
    texts(d, node, &path)
}

/// A table of texts, sorted by key.
pub(crate) fn texts(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<Vec<(String, String)>> {
    let Some(table) = node.as_table() else {
        d.wrong_type(node, path, Kind::Labels, "a table");
        return None;
    };
    let text = |pair: &Pair| Some((pair.key.clone(), scalar::read(d, &pair.value, &path.key(&pair.key), Kind::Text)?));
    let read: Vec<Option<(String, Value)>> = table.entries.iter().map(text).collect();
    let mut labels = Vec::new();
    for pair in read {
        let (key, Value::Text(text)) = pair? else { return None };
        labels.push((key, text));
    }
    labels.sort();
    Some(labels)
}

fn discipline(word: &str) -> Discipline {
    match word {
        "fifo" => Discipline::Fifo,
        "lifo" => Discipline::Lifo,
        "processor-sharing" => Discipline::ProcessorSharing,
        "priority" => Discipline::Priority,
        "adaptive-lifo" => Discipline::AdaptiveLifo,
        other => panic!("the discipline {other} is declared but not read"),
    }
}

fn max_wait(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Option<Span>> {
    if f.has("max_wait") { f.span(d, "max_wait").map(Some) } else { Some(None) }
}

fn shed(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Option<Shed>> {
    let Some(node) = f.node("shed") else { return Some(None) };
    let path = f.path.key("shed");
    let f = Fields::open(d, node, &path, &SHED)?;
    let (target, interval) = (f.span(d, "target"), f.span(d, "interval"));
    Some(Some(Shed { target: target?, interval: interval? }))
}

/// Notes keys about waiting where nobody waits, or not in the way that they are about.
fn without_effect(d: &mut Decoder<'_>, f: &Fields<'_>, discipline: Discipline, workers: Option<u32>) {
    let note = |d: &mut Decoder<'_>, key: &str, message: String, allowed: &'static str| {
        if let Some(node) = f.node(key) {
            let finding = Finding::warning(node.at, message).path(f.path.key(key)).allowed(allowed);
            d.report(finding.help(format!("remove `{key}`")));
        }
    };
    if discipline != Discipline::AdaptiveLifo {
        let message = "`overloaded_after` changes nothing: only discipline = \"adaptive-lifo\" looks at it".to_owned();
        note(d, "overloaded_after", message, "discipline = \"adaptive-lifo\" beside it");
    }
    if discipline == Discipline::ProcessorSharing || workers.is_none() {
        for key in ["max_wait", "shed"] {
            note(
                d,
                key,
                format!("`{key}` changes nothing: nobody waits here, all are served at once"),
                "another discipline, and so many workers",
            );
        }
    }
}

fn cache(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Option<Cache>> {
    let Some(node) = f.node("cache") else { return Some(None) };
    let path = f.path.key("cache");
    let f = Fields::open(d, node, &path, &CACHE)?;
    let (keys, hit) = (f.needed_whole(d, "keys"), f.needed_number(d, "hit"));
    Some(Some(Cache { keys: keys?, hit: hit? }))
}

/// An address; of several backends, one that can be counted on.
fn address(d: &mut Decoder<'_>, f: &Fields<'_>, count: Option<u32>) -> Option<Option<String>> {
    let Some(node) = f.node("address") else { return Some(None) };
    let address = f.text(d, "address")?;
    if address.contains(char::is_whitespace) {
        d.out_of_range(
            node,
            &f.path.key("address"),
            "an address such as \"10.0.0.1:8080\"",
            "an address has no blanks",
            "\"10.0.0.1:8080\"",
        );
        return None;
    }
    let count = count?;
    let (ip, port) = address.rsplit_once(':').unwrap_or((&address, "1"));
    let last = ip.parse::<Ipv4Addr>().ok().and_then(|ip| u32::from(ip).checked_add(count - 1));
    if count > 1 && (last.is_none() || port.parse::<u16>().is_err()) {
        d.out_of_range(
            node,
            &f.path.key("address"),
            "an IPv4 address such as \"10.0.0.1:8080\"",
            &format!("{count} backends need an IPv4 address to count on from"),
            "\"10.0.0.1:8080\"",
        );
        return None;
    }
    Some(Some(address))
}

/// Notes names that stand twice, also those that `count` makes.
fn names_differ(d: &mut Decoder<'_>, members: &[Written<'_>]) {
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, member) in members.iter().enumerate() {
        let Some(group) = &member.group else { continue };
        if let Some(&first) = names.get(group.name.as_str()) {
            twice(d, &members[first], member, &group.name);
        } else {
            names.insert(&group.name, index);
        }
    }
    let count = |index: usize| members[index].group.as_ref().map_or(0, |group| group.count);
    for (&name, &index) in &names {
        let made = name
            .rsplit_once('-')
            .and_then(|(stem, number)| Some((*names.get(stem)?, number.parse::<u32>().ok().filter(|made| made.to_string() == number)?)));
        if let Some((maker, _)) = made.filter(|(maker, number)| count(index) == 1 && count(*maker) > 1 && *number < count(*maker)) {
            twice(d, &members[maker.min(index)], &members[maker.max(index)], name);
        }
    }
}

fn twice(d: &mut Decoder<'_>, first: &Written<'_>, second: &Written<'_>, name: &str) {
    let fault = Fault::TwiceNamed(format!("two backends are called {}", shown(name)));
    let finding =
        Finding::error(second.place("name"), fault).path(format!("{}.name", second.path)).allowed("a name of its own for each backend");
    let finding = finding.related("the first is here (a group with a count names its members name-0, name-1, …)", first.place("name"));
    d.report(finding.help(format!("write, for example, name = \"{}-b\"", visible(name, 40))));
}

/// Refuses more backends than fit.
fn few_enough(d: &mut Decoder<'_>, members: &[Written<'_>]) -> Option<()> {
    let count = |member: &&Written<'_>| member.group.as_ref().map_or(0, |group| u64::from(group.count));
    let total: u64 = members.iter().map(|member| count(&member)).sum();
    if let (true, Some(largest)) = (total > MAX_BACKENDS, members.iter().max_by_key(count)) {
        let gigabytes = (total * BYTES_PER_BACKEND) as f64 / 1e9;
        let fault =
            Fault::Limit(format!("there are {total} backends, which would take about {gigabytes:.1} GB; the limit is {MAX_BACKENDS}"));
        d.report(
            Finding::error(largest.place("count"), fault)
                .path(format!("{}.count", largest.path))
                .allowed(format!("at most {MAX_BACKENDS} backends in all"))
                .help("lower `count`"),
        );
        return None;
    }
    Some(())
}
