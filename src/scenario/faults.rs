//! `[[fault]]`: what goes wrong, and when. Targets are looked up where all backends are known.

use std::collections::BTreeMap;

use super::decoder::Decoder;
use super::diagnostic::{Fault as Wrong, Finding};
use super::document::{Data, Node, Table};
use super::path::Path;
use super::reader::Fields;
use super::scalar;
use crate::catalogue::{Kind as Holds, Value};
use crate::escape::{shown, visible};
use crate::fault::{FAULTS, Fault, Kind, Repeats, Target};
use crate::time::Span;

/// The most faults of a scenario.
const MAX_FAULTS: usize = 10_000;

/// Reads all faults; `None` where one of them was wrong.
pub(crate) fn read(d: &mut Decoder<'_>, root: &Table) -> Option<Vec<Fault>> {
    let Some(pair) = root.get("fault") else { return Some(Vec::new()) };
    let path = Path::Key(&Path::Root, "fault");
    let Data::List(members) = &pair.value.data else {
        let wrong = Wrong::WrongType { found: d.found(&pair.value), wanted: "a list of tables" };
        let finding = Finding::error(pair.value.at, wrong).path(path).allowed(Holds::TaggedTables(&FAULTS));
        d.report(finding.help("fault is a list; use [[fault]]"));
        return None;
    };
    if members.len() > MAX_FAULTS {
        let wrong = Wrong::Limit(format!("there are {} faults; the limit is {MAX_FAULTS}", members.len()));
        let finding = Finding::error(pair.value.at, wrong).path(path).allowed(format!("at most {MAX_FAULTS} faults"));
        d.report(finding.help("let one fault happen again with `every`, or with `mtbf` and `mttr`"));
        return None;
    }
    let label = |member: &Node| member.text_of("name").or_else(|| member.text_of("kind")).map(str::to_owned);
    let mut faults = Vec::with_capacity(members.len());
    for (index, member) in members.iter().enumerate() {
        faults.push(fault(d, member, &path.index(index, label(member).as_deref())));
    }
    let mut faults: Vec<Fault> = faults.into_iter().collect::<Option<_>>()?;
    names_differ(d, members, &mut faults)?;
    Some(faults)
}

fn fault(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<Fault> {
    let f = Fields::open_tagged(d, node, path, &FAULTS)?;
    let (name, target) = (f.text(d, "name"), target(d, &f));
    let (kind, timing) = (kind(d, &f), timing(d, &f));
    let (kind, target, (at, lasts, repeats)) = (kind?, target?, timing?);
    leaves_at_all(d, &f, &kind, lasts)?;
    let name = if f.has("name") { name? } else { format!("{}:{target}", f.name()) };
    Some(Fault { name, kind, target: Target { written: target, among: Vec::new(), draw: None }, at, lasts, repeats })
}

/// Of a surge, all where it is left out.
fn target(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<String> {
    if f.name() == "surge" && !f.has("target") {
        return Some("all".into());
    }
    if !f.has("target") {
        f.missing(d, "target", "target = \"all\" (or a backend's name, \"20%\", \"random:1\")");
        return None;
    }
    f.text(d, "target")
}

fn kind(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Kind> {
    Some(match f.name() {
        "crash" => Kind::Crash,
        "hang" => Kind::Hang,
        "pause" => Kind::Pause,
        "stale" => Kind::Stale,
        "slow" => Kind::Slow { factor: f.needed_number(d, "factor")? },
        "errors" => {
            let (share, takes) = (f.needed_number(d, "share"), f.dist(d, "takes"));
            Kind::Errors { share: share?, takes: Some(takes).filter(|takes| takes.is_some() == f.has("takes"))? }
        }
        "flap" => {
            let (up, down) = (f.needed_span(d, "up"), f.needed_span(d, "down"));
            Kind::Flap { up: up?, down: down? }
        }
        "latency" => Kind::Latency { add: f.needed_dist(d, "add")? },
        "loss" => Kind::Loss { share: f.needed_number(d, "share")? },
        "partition" => Kind::Partition { written: from(d, f)?, from: Vec::new() },
        "leave" => Kind::Leave { drain: f.span(d, "drain")? },
        "join" => {
            let (factor, over) = (f.number(d, "factor"), f.span(d, "over"));
            Kind::Join { factor: factor?, over: over? }
        }
        "deploy" => deploy(d, f)?,
        "surge" => Kind::Surge { factor: f.needed_number(d, "factor")? },
        other => panic!("the fault {other} is declared but not read"),
    })
}

fn deploy(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Kind> {
    let (batch, drain, takes) = (f.whole(d, "batch"), f.span(d, "drain"), f.needed_span(d, "takes"));
    let (factor, over) = (f.number(d, "factor"), f.span(d, "over"));
    Some(Kind::Deploy { batch: u32::try_from(batch?).ok()?, drain: drain?, takes: takes?, factor: factor?, over: over? })
}

/// Who is cut off: a list of names, or one.
fn from(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Vec<String>> {
    let Some(node) = f.node("from") else {
        f.missing(d, "from", "from = [\"zone:a\"] (or \"balancer:0\")");
        return None;
    };
    let path = f.path.key("from");
    let members = match &node.data {
        Data::List(members) if members.is_empty() => {
            d.out_of_range(node, &path, "at least one name", "the list is empty: nobody would be cut off", "[\"zone:a\"]");
            return None;
        }
        Data::List(members) => members,
        _ => std::slice::from_ref(node),
    };
    let mut names = Vec::with_capacity(members.len());
    for member in members {
        names.push(scalar::read(d, member, &path, Holds::Name));
    }
    names.into_iter().map(|name| if let Some(Value::Text(name)) = name { Some(name) } else { None }).collect()
}

type Timing = (Span, Option<Span>, Repeats);

/// `at`, `for`, and one way to happen again; of those that the kind takes.
fn timing(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Timing> {
    let takes = |key: &str| f.parameters().any(|parameter| parameter.name == key);
    let has = |key: &str| takes(key) && f.has(key);
    let span = |d: &mut Decoder<'_>, key: &'static str| if has(key) { f.span(d, key).map(Some) } else { Some(None) };
    let is_drawn = has("mtbf") || has("mttr");
    let at = match f.has("at") {
        true => f.span(d, "at"),
        false if is_drawn => Some(Span::ZERO),
        false => {
            f.missing(d, "at", "at = \"20s\"");
            None
        }
    };
    let (lasts, every, up, down) = (span(d, "for"), span(d, "every"), span(d, "mtbf"), span(d, "mttr"));
    if is_drawn {
        let drawn = if has("mtbf") { "mtbf" } else { "mttr" };
        let (one_way, one_end) = (f.at_most_one(d, &["every", drawn]), f.at_most_one(d, &["for", drawn]));
        for (key, example) in [("mtbf", "mtbf = \"10m\""), ("mttr", "mttr = \"30s\"")] {
            if !has(key) {
                f.missing(d, key, example);
            }
        }
        let (up, down) = (up??, down??);
        return (one_way && one_end).then_some((at?, None, Repeats::Drawn { up, down }));
    }
    let (at, lasts, every) = (at?, lasts?, every?);
    let Some(every) = every else { return Some((at, lasts, Repeats::Never)) };
    if takes("for") {
        ends_before_it_begins_again(d, f, lasts, every)?;
    }
    Some((at, lasts, Repeats::Every(every)))
}

fn ends_before_it_begins_again(d: &mut Decoder<'_>, f: &Fields<'_>, lasts: Option<Span>, every: Span) -> Option<()> {
    let Some(lasts) = lasts else {
        f.missing(d, "for", "for = \"10s\" (without it the first one lasts to the end)");
        return None;
    };
    let (Some(first), Some(second)) = (f.node("for"), f.node("every")) else { return Some(()) };
    if lasts <= every {
        return Some(());
    }
    let wrong = Wrong::Inconsistent(format!("it lasts for {lasts} and happens every {every}: it would overlap itself"));
    let finding = Finding::error(second.at, wrong).path(f.path.key("every")).allowed("at least as much as `for`");
    d.report(finding.related("how long it lasts is set here", first.at).help(format!("write every = \"{lasts}\" or more")));
    None
}

/// Who leaves is gone for a time.
fn leaves_at_all(d: &mut Decoder<'_>, f: &Fields<'_>, kind: &Kind, lasts: Option<Span>) -> Option<()> {
    let (Kind::Leave { drain }, Some(lasts)) = (kind, lasts) else { return Some(()) };
    let (Some(first), Some(second)) = (f.node("drain"), f.node("for")) else { return Some(()) };
    if lasts > *drain {
        return Some(());
    }
    let wrong = Wrong::Inconsistent(format!("it is drained for {drain} of the {lasts} that it lasts: it never leaves"));
    let finding = Finding::error(second.at, wrong).path(f.path.key("for")).allowed("more than `drain`, which it includes");
    d.report(finding.related("the drain is set here", first.at).help("raise `for`, or lower `drain`"));
    None
}

/// Refuses names that were given twice; those that were made get a number.
fn names_differ(d: &mut Decoder<'_>, members: &[Node], faults: &mut [Fault]) -> Option<()> {
    let given = |index: usize| members[index].text_of("name").is_some();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut differ = Some(());
    for index in (0..faults.len()).filter(|&index| given(index)) {
        let name = faults[index].name.clone();
        let place =
            |index: usize| members[index].as_table().and_then(|table| table.get("name")).map_or(members[index].at, |pair| pair.value.at);
        if let Some(&first) = seen.get(&name) {
            let wrong = Wrong::TwiceNamed(format!("two faults are called {}", shown(&name)));
            let finding = Finding::error(place(index), wrong).path(format!("fault[{index}] ({}).name", shown(&name)));
            let finding = finding.allowed("a name of its own for each fault").related("the first is here", place(first));
            d.report(finding.help(format!("write name = \"{} 2\"", visible(&name, 40))));
            differ = None;
        }
        seen.insert(name, index);
    }
    for index in (0..faults.len()).filter(|&index| !given(index)) {
        let name = faults[index].name.clone();
        let free = (1..).map(|number| if number == 1 { name.clone() } else { format!("{name} ({number})") });
        let free = free.into_iter().find(|name| !seen.contains_key(name)).expect("there are more numbers than faults");
        seen.insert(free.clone(), index);
        faults[index].name = free;
    }
    differ
}
