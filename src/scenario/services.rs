//! `[[service]]`: several services that call each other.

use std::collections::BTreeMap;

use super::backends::{self, Written};
use super::decoder::{Decoder, unknown_word};
use super::diagnostic::{Fault, Finding};
use super::document::{Data, Entry, Node, Table};
use super::keys::{CALL, SERVICE};
use super::model::{Balancer, Call, Service, Via};
use super::path::Path;
use super::position::Place;
use super::reader::Fields;
use super::{balancers, client};
use crate::catalogue::{Kind, Value};
use crate::escape::{shown, visible};

/// The most services of a scenario.
const MAX_SERVICES: usize = 1_000;
/// The most requests that one request may become, itself included.
const MAX_CALLS: u64 = 10_000;

/// Reads all services; none where there is no `[[service]]`, `None` where one of them was at fault.
pub(crate) fn read(d: &mut Decoder<'_>, root: &Table) -> Option<Vec<Service>> {
    let Some(pair) = root.get("service") else { return Some(Vec::new()) };
    let path = Path::Key(&Path::Root, "service");
    belongs_to_services(d, root, pair.value.at);
    let members = match &pair.value.data {
        Data::List(members) if (1..=MAX_SERVICES).contains(&members.len()) => members,
        Data::List(members) => {
            let fault = Fault::Limit(format!("there are {} services; there may be 1 to {MAX_SERVICES}", members.len()));
            let finding = Finding::error(pair.value.at, fault).path(path).allowed(format!("1 to {MAX_SERVICES} services"));
            d.report(finding.help("remove the key for a scenario of one service"));
            return None;
        }
        _ => {
            let fault = Fault::WrongType { found: d.found(&pair.value), wanted: "a list of tables" };
            let finding = Finding::error(pair.value.at, fault).path(path).allowed(Kind::Tables(&SERVICE));
            d.report(finding.help("service is a list; use [[service]]"));
            return None;
        }
    };
    let (mut services, mut all, mut counts) = (Vec::new(), Vec::new(), Vec::new());
    for (index, member) in members.iter().enumerate() {
        let path = path.index(index, member.text_of("name"));
        let Some(f) = Fields::open(d, member, &path, &SERVICE) else {
            services.push(None);
            continue;
        };
        let groups = backends::members(
            d,
            member.as_table().and_then(|table| table.get("backends")),
            f.at,
            &path.key("backends"),
            "[[service.backends]]",
        );
        counts.push(groups.as_ref().map(Vec::len));
        all.extend(groups.into_iter().flatten());
        services.push(service(d, &f));
    }
    let groups = backends::finish(d, all);
    let mut services: Vec<Service> = services.into_iter().collect::<Option<_>>()?;
    names_differ(d, members, &services)?;
    calls_are_known(d, members, &services)?;
    calls_end(d, members, &services)?;
    few_enough(d, members, &services)?;
    let mut groups = groups?.into_iter();
    for (service, count) in services.iter_mut().zip(counts) {
        service.backends = groups.by_ref().take(count?).collect();
    }
    Some(services)
}

/// Backends of the top level are nobody's where there are services.
fn belongs_to_services(d: &mut Decoder<'_>, root: &Table, service: Place) {
    let Some(pair) = root.get("backends") else { return };
    let fault = Fault::Exclusive("[[backends]] and [[service]] are both there: these backends would belong to no service".into());
    let finding = Finding::error(pair.key_at, fault).path("backends").allowed("[[service.backends]] after each [[service]]");
    d.report(finding.related("a service is here", service).help("move them below a [[service]], as [[service.backends]]"));
}

/// One service, without its backends.
fn service(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Service> {
    let (name, work) = (f.needed_text(d, "name"), f.dist(d, "work"));
    let (calls, holds_worker) = (calls(d, f), f.bool(d, "holds_worker"));
    let (balancer, via) = (f.value(d, "balancer"), f.text(d, "via"));
    let client = client::inside(d, f, "client", client::caller);
    let balancer = match balancer {
        Some(Value::Balancer(kind, values)) => Some(Balancer { label: kind.into(), kind, values }),
        Some(other) => panic!("a balancer read as {other:?}"),
        None => None,
    };
    Some(Service {
        name: name?,
        backends: Vec::new(),
        work: Some(work).filter(|work| work.is_some() == f.has("work"))?,
        calls: calls?,
        holds_worker: holds_worker?,
        balancer: Some(balancer).filter(|balancer| balancer.is_some() == f.has("balancer"))?,
        via: if via? == "proxy" { Via::Proxy } else { Via::Callers },
        client: client?,
    })
}

fn calls(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Vec<Call>> {
    let Some(node) = f.node("calls") else { return Some(Vec::new()) };
    let path = f.path.key("calls");
    let members = d.list(node, &path, Kind::Tables(&CALL));
    let mut calls = Vec::with_capacity(members.len());
    for (index, member) in members.iter().enumerate() {
        let path = path.index(index, member.text_of("to"));
        calls.push(Fields::open(d, member, &path, &CALL).and_then(|f| call(d, &f)));
    }
    calls.into_iter().collect::<Option<Vec<_>>>().filter(|_| matches!(node.data, Data::List(_)))
}

fn call(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Call> {
    let (to, share) = (f.needed_text(d, "to"), f.number(d, "share"));
    let (count, parallel) = (f.whole(d, "count"), f.bool(d, "parallel"));
    Some(Call { to: to?, share: share?, count: u32::try_from(count?).ok()?, parallel: parallel? })
}

/// Where a service has a key, or where it begins.
fn place(members: &[Node], index: usize, key: &str) -> Place {
    members[index].as_table().and_then(|table| table.get(key)).map_or(members[index].at, |pair| pair.value.at)
}

/// Where a call says whom it calls.
fn callee(members: &[Node], index: usize, call: usize) -> Option<&Node> {
    let calls = members[index].as_table()?.get("calls")?;
    calls.value.members().get(call)?.as_table()?.get("to").map(|pair| &pair.value)
}

/// The path of a service.
fn path_of(services: &[Service], index: usize) -> String {
    format!("service[{index}] ({})", shown(&services[index].name))
}

fn names_differ(d: &mut Decoder<'_>, members: &[Node], services: &[Service]) -> Option<()> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut differ = Some(());
    for (index, service) in services.iter().enumerate() {
        let Some(first) = seen.insert(&service.name, index) else { continue };
        let fault = Fault::TwiceNamed(format!("two services are called {}", shown(&service.name)));
        let finding = Finding::error(place(members, index, "name"), fault).path(format!("{}.name", path_of(services, index)));
        let finding = finding.allowed("a name of its own for each service").related("the first is here", place(members, first, "name"));
        d.report(finding.help(format!("write name = \"{}-2\"", visible(&service.name, 40))));
        differ = None;
    }
    differ
}

/// Each call is to a service, and to one that has work.
fn calls_are_known(d: &mut Decoder<'_>, members: &[Node], services: &[Service]) -> Option<()> {
    let names: Vec<&str> = services.iter().map(|service| service.name.as_str()).collect();
    let mut known = Some(());
    let mut workless = BTreeMap::new();
    for (index, service) in services.iter().enumerate() {
        for (number, call) in service.calls.iter().enumerate() {
            let Some(node) = callee(members, index, number) else { continue };
            match names.iter().position(|name| *name == call.to) {
                Some(to) if services[to].work.is_none() => drop(workless.entry(to).or_insert(node.at)),
                Some(_) => {}
                None => {
                    let path = format!("{}.calls[{number}].to", path_of(services, index));
                    d.report(unknown_word(node, &Path::Root, "service", &names).path(path));
                    known = None;
                }
            }
        }
    }
    for (to, at) in workless {
        let finding = Finding::error(members[to].at, Fault::Missing("work".into())).path(format!("{}.work", path_of(services, to)));
        let finding = finding.allowed("the work of a request, where a service is called").related("it is called here", at);
        d.report(finding.help("add work = { dist = \"exponential\", mean = \"10ms\" }"));
        known = None;
    }
    known
}

/// Refuses calls in a circle, and shows it.
fn calls_end(d: &mut Decoder<'_>, members: &[Node], services: &[Service]) -> Option<()> {
    let mut seen = vec![Seen::Not; services.len()];
    for start in 0..services.len() {
        let mut way = Vec::new();
        let Some((index, number)) = circle(services, start, &mut seen, &mut way) else { continue };
        let to = &services[index].calls[number].to;
        let from = way.iter().position(|&on| services[on].name == *to).unwrap_or(0);
        let names: Vec<String> = way[from..].iter().map(|&on| visible(&services[on].name, 40)).chain([visible(to, 40)]).collect();
        let at = callee(members, index, number).map_or(members[index].at, |node| node.at);
        let fault = Fault::Inconsistent(format!("calls in a circle: {}", names.join(" → ")));
        let finding = Finding::error(at, fault).path(format!("{}.calls[{number}].to", path_of(services, index)));
        d.report(finding.allowed("calls that come to an end").help("remove one of these calls"));
        return None;
    }
    Some(())
}

#[derive(Clone, Copy, PartialEq)]
enum Seen {
    Not,
    OnTheWay,
    Through,
}

/// The first call that leads back, depth first: of which service, and which.
fn circle(services: &[Service], at: usize, seen: &mut [Seen], way: &mut Vec<usize>) -> Option<(usize, usize)> {
    if seen[at] == Seen::Through {
        return None;
    }
    seen[at] = Seen::OnTheWay;
    way.push(at);
    for (number, call) in services[at].calls.iter().enumerate() {
        let Some(to) = services.iter().position(|service| service.name == call.to) else { continue };
        if seen[to] == Seen::OnTheWay {
            return Some((at, number));
        }
        let found = circle(services, to, seen, way);
        if found.is_some() {
            return found;
        }
    }
    way.pop();
    seen[at] = Seen::Through;
    None
}

/// Refuses requests that become too many.
fn few_enough(d: &mut Decoder<'_>, members: &[Node], services: &[Service]) -> Option<()> {
    let mut known = vec![None; services.len()];
    let most = (0..services.len()).map(|index| (requests(services, index, &mut known), index)).max()?;
    if most.0 <= MAX_CALLS {
        return Some(());
    }
    let fault = Fault::Limit(format!("a request to it becomes {} requests in all; the limit is {MAX_CALLS}", most.0));
    let finding = Finding::error(place(members, most.1, "calls"), fault).path(format!("{}.calls", path_of(services, most.1)));
    d.report(
        finding
            .allowed(format!("at most {MAX_CALLS} requests for one, itself included"))
            .help("lower the counts of its calls, and of theirs"),
    );
    None
}

/// How many requests one becomes at most.
fn requests(services: &[Service], index: usize, known: &mut [Option<u64>]) -> u64 {
    if let Some(known) = known[index] {
        return known;
    }
    let mut sum = 1_u64;
    for call in &services[index].calls {
        let to = services.iter().position(|service| service.name == call.to).expect("unknown calls have been refused");
        sum = sum.saturating_add(requests(services, to, known).saturating_mul(u64::from(call.count)));
    }
    known[index] = Some(sum);
    sum
}

/// Warns of services that nobody reaches; traffic goes to those in `entries`.
pub(crate) fn reached(d: &mut Decoder<'_>, root: &Table, services: &[Service], entries: &[usize]) {
    let Some(pair) = root.get("service") else { return };
    let mut is_reached = vec![false; services.len()];
    let mut next: Vec<usize> = entries.to_vec();
    while let Some(index) = next.pop() {
        if !std::mem::replace(&mut is_reached[index], true) {
            let calls = services[index].calls.iter();
            next.extend(calls.filter_map(|call| services.iter().position(|service| service.name == call.to)));
        }
    }
    for index in (0..services.len()).filter(|&index| !is_reached[index]) {
        let at = place(pair.value.members(), index, "name");
        let finding = Finding::warning(at, format!("no request reaches the service {}", shown(&services[index].name)));
        let finding = finding.path(path_of(services, index)).allowed("a service that traffic goes to, or that is called");
        d.report(finding.help("add a call to it, or a [[traffic]] with `to`, or remove it"));
    }
}

/// The balancer of a service's callers, where it has one of its own, and where it is written.
pub(crate) fn balancer(root: &Table, services: &[Service], index: usize) -> Option<balancers::Written> {
    let balancer = services.get(index)?.balancer.clone()?;
    let node = root.get("service")?.value.members().get(index)?.as_table()?.get("balancer")?.value.clone();
    Some(balancers::Written { balancer, at: node.at, path: format!("{}.balancer", path_of(services, index)), node })
}

/// The members of a service's groups, for checks: in the order of all groups.
pub(crate) fn group_members(root: &Table) -> Vec<Written<'_>> {
    let Some(pair) = root.get("service") else { return list(root.get("backends"), "backends") };
    let of_service = |(index, node)| {
        list(Node::as_table(node).and_then(|table| table.get("backends")), &format!("{}.backends", labelled("service", index, node)))
    };
    pair.value.members().iter().enumerate().flat_map(of_service).collect()
}

fn list<'n>(pair: Option<&'n Entry>, path: &str) -> Vec<Written<'n>> {
    let members = pair.map(|pair| pair.value.members()).unwrap_or_default().iter().enumerate();
    members.map(|(index, node)| Written { node, path: labelled(path, index, node), group: None }).collect()
}

/// `backends[0] ("web")`.
fn labelled(list: &str, index: usize, node: &Node) -> String {
    let own = node.text_of("name").map(|name| format!(" ({})", shown(name))).unwrap_or_default();
    format!("{list}[{index}]{own}")
}
