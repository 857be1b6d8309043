//! `[traffic]` and `[[traffic]]`: where requests come from.

use super::arrivals;
use super::decoder::Decoder;
use super::diagnostic::{Fault, Finding};
use super::document::{Data, Node, Table};
use super::keys::{CLIENTS, KEYS, TRAFFIC};
use super::model::{Clients, Keys, Traffic};
use super::path::Path;
use super::position::Place;
use super::reader::Fields;
use crate::catalogue::Kind;

/// Reads all sources; `None` where one of them was at fault.
pub(crate) fn read(d: &mut Decoder<'_>, root: &Table) -> Option<Vec<Traffic>> {
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
        Data::Table(_) => Some(vec![source(d, &pair.value, &path, "traffic".into())?]),
        Data::List(members) if members.is_empty() => {
            missing(d, pair.value.at);
            None
        }
        Data::List(members) => {
            let name = |index| if members.len() == 1 { "traffic".into() } else { format!("traffic-{index}") };
            let read = |(index, member): (usize, &Node)| source(d, member, &path.index(index, member.text_of("name")), name(index));
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

fn source(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>, default_name: String) -> Option<Traffic> {
    let f = Fields::open(d, node, path, &TRAFFIC)?;
    let name = if f.has("name") { f.text(d, "name") } else { Some(default_name) };
    let arrivals = arrivals::read(d, &f);
    let work = f.needed_dist(d, "work");
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
        to: None,
    })
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
            let fault = Fault::TwiceNamed(format!("two sources are called {}", super::escape::shown(&source.name)));
            let finding =
                Finding::error(place(index), fault).path(format!("traffic[{index}].name")).allowed("a name of its own for each source");
            d.report(
                finding
                    .related("the first is here", place(first))
                    .help(format!("write name = \"{}-2\"", super::escape::visible(&source.name, 40))),
            );
            differ = None;
        }
    }
    differ
}
