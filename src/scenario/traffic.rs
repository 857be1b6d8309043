//! `[traffic]` and `[[traffic]]`: where requests come from.

use super::arrivals;
use super::decoder::{Decoder, unknown_word};
use super::diagnostic::{Fault, Finding};
use super::document::{Data, Node, Table};
use super::keys::{CLIENTS, KEYS, TRAFFIC};
use super::model::{Clients, Keys, Process, Service, Traffic};
use super::path::Path;
use super::position::Place;
use super::reader::Fields;
use crate::catalogue::Kind;
use crate::dist::Dist;

/// Reads all sources; `None` where one of them was at fault. Services are none without `[[service]]`, `None` where they were at fault.
pub(crate) fn read(d: &mut Decoder<'_>, root: &Table, services: Option<&[Service]>) -> Option<Vec<Traffic>> {
    let path = Path::Key(&Path::Root, "traffic");
    let missing = |d: &mut Decoder<'_>, at: Place| {
        let finding =
            Finding::error(at, Fault::Missing("[traffic]".into())).path("traffic").allowed("one table [traffic], or several [[traffic]]");
        d.report(
            finding.help(
                "add\n[traffic]\narrivals = { process = \"poisson\", load = 0.8 }\nwork = { dist = \"exponential\", mean = \"10ms\" }",
            ),
        );
    };
    let Some(pair) = root.get("traffic") else {
        missing(d, Place::default());
        return None;
    };
    match &pair.value.data {
        Data::Table(_) => Some(vec![source(d, &pair.value, &path, "traffic".into(), (root, services))?]),
        Data::List(members) if members.is_empty() => {
            missing(d, pair.value.at);
            None
        }
        Data::List(members) => {
            let name = |index| if members.len() == 1 { "traffic".into() } else { format!("traffic-{index}") };
            let read = |(index, member): (usize, &Node)| {
                source(d, member, &path.index(index, member.text_of("name")), name(index), (root, services))
            };
            let sources: Vec<Option<Traffic>> = members.iter().enumerate().map(read).collect();
            names_differ(d, members, &sources)?;
            sources.into_iter().collect()
        }
        _ => {
            d.wrong_type(&pair.value, &path, Kind::OneOrMore(&TRAFFIC), "a table");
            None
        }
    }
}

/// The document, and its services.
type Whole<'a> = (&'a Table, Option<&'a [Service]>);

fn source(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>, default_name: String, whole: Whole<'_>) -> Option<Traffic> {
    let f = Fields::open(d, node, path, &TRAFFIC)?;
    let name = if f.has("name") { f.text(d, "name") } else { Some(default_name) };
    let mut arrivals = arrivals::read(d, &f);
    let to = to(d, &f, whole);
    let work = match arrivals.as_mut().map(|arrivals| &mut arrivals.process) {
        Some(Process::Recorded(recorded)) => super::recorded::work(d, &f, recorded),
        // Whether it needs any hangs on the record.
        None if node.as_table().is_some_and(super::recorded::is_written) => None,
        _ => work(d, &f, to.as_ref().and_then(Option::as_deref), whole),
    };
    let (keys, clients) = (keys(d, &f), clients(d, &f));
    let (class, priority, zone) = (f.text(d, "class"), f.integer(d, "priority"), f.text(d, "zone"));
    Some(Traffic {
        name: name?,
        arrivals: arrivals?,
        work: work?,
        keys: keys?,
        clients: clients?,
        class,
        priority: priority?,
        zone,
        to: to?,
    })
}

/// The service that it goes to, by name, where one is named.
fn to(d: &mut Decoder<'_>, f: &Fields<'_>, (root, services): Whole<'_>) -> Option<Option<String>> {
    let Some(pair) = f.pair("to") else { return Some(None) };
    let to = f.text(d, "to")?;
    if root.get("service").is_none() {
        let fault = Fault::NoEffect("`to` has no effect without [[service]]: there is but one service".into());
        d.report(Finding::error(pair.key_at, fault).path(f.path.key("to")).allowed("the name of a [[service]]").help("remove it"));
        return None;
    }
    let names: Vec<&str> = services?.iter().map(|service| service.name.as_str()).collect();
    if !names.contains(&to.as_str()) {
        d.report(unknown_word(&pair.value, &f.path.key("to"), "service", &names));
        return None;
    }
    Some(Some(to))
}

/// Its own work, or that of the service it goes to: exactly one of them.
fn work(d: &mut Decoder<'_>, f: &Fields<'_>, to: Option<&str>, (root, services): Whole<'_>) -> Option<Dist> {
    if root.get("service").is_none() {
        if !f.has("work") {
            f.missing(d, "work", "work = { dist = \"exponential\", mean = \"10ms\" }");
            return None;
        }
        return f.dist_or_table(d, "work");
    }
    let own = if f.has("work") { Some(f.dist_or_table(d, "work")?) } else { None };
    let index = services?.iter().position(|service| to.is_none_or(|to| service.name == to))?;
    let entry = &services?[index];
    let name = crate::escape::shown(&entry.name);
    match (own, &entry.work, f.node("work")) {
        (Some(_), Some(_), Some(node)) => {
            let fault =
                Fault::Exclusive(format!("the work of a request is set twice: of this traffic, and of the service {name} it goes to"));
            let member = root.get("service").and_then(|pair| pair.value.members().get(index));
            let other = member.and_then(|member| member.as_table()?.get("work")).map_or(node.at, |pair| pair.value.at);
            let finding = Finding::error(node.at, fault).path(f.path.key("work")).allowed("exactly one of them");
            d.report(finding.related("the service's work is set here", other).help("remove one of them"));
            None
        }
        (Some(own), ..) => Some(own),
        (None, Some(work), _) => Some(work.clone()),
        (None, None, _) => {
            f.missing(d, "work", &format!("work = {{ dist = \"exponential\", mean = \"10ms\" }} to the service {name}, or here"));
            None
        }
    }
}

fn keys(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Option<Keys>> {
    let Some(node) = f.node("keys") else { return Some(None) };
    let path = f.path.key("keys");
    let f = Fields::open(d, node, &path, &KEYS)?;
    let (dist, count, exponent) = (f.text(d, "dist"), f.needed_whole(d, "count"), f.number(d, "exponent"));
    let is_zipf = dist? == "zipf";
    if let (false, Some(pair)) = (is_zipf, f.pair("exponent")) {
        let finding =
            Finding::error(pair.key_at, Fault::NoEffect("`exponent` has no effect with dist = \"uniform\"; it is used by zipf".into()));
        d.report(finding.path(path.key("exponent")).allowed("dist, count").help("write dist = \"zipf\", or remove it"));
    }
    Some(Some(Keys { count: count?, exponent: if is_zipf { exponent? } else { 0.0 } }))
}

fn clients(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Option<Clients>> {
    let Some(node) = f.node("clients") else { return Some(None) };
    let path = f.path.key("clients");
    let f = Fields::open(d, node, &path, &CLIENTS)?;
    let (count, connections, requests) = (f.needed_whole(d, "count"), f.whole(d, "connections"), f.whole(d, "requests_per_connection"));
    let small = |value: u64| u32::try_from(value).ok();
    Some(Some(Clients { count: small(count?)?, connections: small(connections?)?, requests_per_connection: requests.and_then(small) }))
}

/// Notes sources of the same name.
fn names_differ(d: &mut Decoder<'_>, members: &[Node], sources: &[Option<Traffic>]) -> Option<()> {
    let mut seen: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    let mut differ = Some(());
    for (index, source) in sources.iter().enumerate() {
        let Some(source) = source else { continue };
        let place =
            |index: usize| members[index].as_table().and_then(|table| table.get("name")).map_or(members[index].at, |pair| pair.value.at);
        if let Some(first) = seen.insert(&source.name, index) {
            let fault = Fault::TwiceNamed(format!("two sources are called {}", crate::escape::shown(&source.name)));
            let finding =
                Finding::error(place(index), fault).path(format!("traffic[{index}].name")).allowed("a name of its own for each source");
            d.report(
                finding
                    .related("the first is here", place(first))
                    .help(format!("write name = \"{}-2\"", crate::escape::visible(&source.name, 40))),
            );
            differ = None;
        }
    }
    differ
}
