//! The document of `evenkeel pick`: a balancer, its backends, and steps.

use super::backends::{texts, told};
use super::balancers;
use super::decoder::{Decoder, unknown_word};
use super::diagnostic::{Diagnostics, Fault, Finding, Severity, diagnostics};
use super::document::{Data, Node, Table};
use super::keys::{BACKENDS, BALANCERS, section};
use super::load::{Files, Source};
use super::path::Path;
use super::position::{Place, Sources};
use super::reader::Fields;
use super::{encoding, json, scalar};
use crate::balance::{BackendId, Member, Report, Said, State};
use crate::catalogue::{Entry, Kind, Parameter, Value, Values};
use crate::escape::{shown, visible};
use crate::time::Span;

/// The most picks that a script may ask for: each is a word of the answer.
const MOST_PICKS: u64 = 10_000_000;
/// Numbers of requests; above are those that `repeat` gives.
const MOST_NUMBER: u64 = 1 << 53;

/// A pick script, understood: every name is an id.
#[derive(Debug)]
pub struct PickScript {
    /// The balancer's kind.
    pub kind: &'static str,
    /// Its parameters.
    pub values: Values,
    /// The backends at the start.
    pub members: Vec<Member>,
    /// The names of all backends that are ever there, by id.
    pub names: Vec<String>,
    /// The seed of chance.
    pub seed: u64,
    /// Draws that are consumed before the seeded stream.
    pub draws: Vec<u64>,
    /// What is done, in order.
    pub steps: Vec<Step>,
    places: Vec<Place>,
    sources: Sources,
}

impl PickScript {
    /// What is wrong with a step, found in doing it.
    #[must_use]
    pub fn fault(&self, step: usize, fault: Fault) -> Diagnostics {
        diagnostics(&self.sources, vec![Finding::error(self.places[step], fault).path(format!("steps[{step}]"))])
    }
}

/// What was said of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Its words.
    pub said: Said,
    /// Its class.
    pub class: i32,
}

/// One step of a script.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Opens a request.
    Pick(u64, Asked),
    /// Ends it.
    Done(u64, bool, Option<Span>),
    /// A request from its first attempt to its end.
    Request(u64, Asked),
    /// The attempt of this request has failed.
    Retry(u64),
    /// So many requests, one after the other, with keys and clients in turn.
    Repeat(u64, Vec<String>, Vec<String>),
    /// Time passes.
    Advance(Span),
    /// Weights change in place.
    Weights(Vec<(BackendId, f64)>),
    /// States change.
    States(Vec<(BackendId, State)>),
    /// Attempts at these fail.
    Refusing(Vec<BackendId>),
    /// A backend joins, under the next id.
    Add(Box<Member>),
    /// A backend leaves.
    Remove(BackendId),
    /// A new configuration.
    Rebuild,
    /// Counts are set.
    InFlight(Vec<(BackendId, u32)>),
    /// Reports arrive.
    Reports(Vec<(BackendId, Report)>),
}

const NUMBER: Kind = Kind::Whole(0, MOST_NUMBER);
const KEY: Parameter = Parameter::optional("key", Kind::Text, "the request's key");
const CLIENT: Parameter = Parameter::optional("client", Kind::Text, "the client's address");
const CLASS: Parameter =
    Parameter::with_default("class", Kind::Integer(i32::MIN as i64, i32::MAX as i64), "0", "lower goes first where requests wait");
const MATCH: Parameter = Parameter::optional("match", Kind::Labels, "what the backend's labels must be");

static DOCUMENT: Entry = section(
    "pick script",
    "one balancer and what is asked of it",
    &[
        Parameter::optional("balancer", Kind::Tagged(&BALANCERS), "who is asked: a name, or a table with `kind`"),
        Parameter::optional("backends", Kind::Tables(&BACKEND), "the backends it chooses from"),
        Parameter::with_default("seed", Kind::Whole(0, u64::MAX), "1", "of all chance"),
        Parameter::optional("draws", Kind::Text, "numbers below 2^64, as texts, that are drawn before the seeded stream"),
        Parameter::optional("steps", Kind::Tables(&PICK), "what happens, in order"),
    ],
);

static BACKEND: Entry = section("backend", "a backend", MEMBER);

/// What the pick script has of a backend is what a scenario has, for one.
const MEMBER: &[Parameter] = &{
    const NOT_HERE: [&str; 11] =
        ["count", "discipline", "overloaded_after", "queue", "max_wait", "shed", "network", "per_in_flight", "cache", "name", "address"];
    const TAKEN: usize = BACKENDS.parameters.len() - NOT_HERE.len();
    let mut taken = [const { Parameter::optional("name", Kind::Name, "how the answer calls it; left out: its address") }; TAKEN + 2];
    taken[1] = Parameter::optional("address", Kind::Name, "what hash balancers hash; left out: 10.0.0.1:8080 and so on, in order");
    let (mut from, mut to) = (0, 2);
    while from < BACKENDS.parameters.len() {
        let mut at = 0;
        while at < NOT_HERE.len() && !same(NOT_HERE[at], BACKENDS.parameters[from].name) {
            at += 1;
        }
        if at == NOT_HERE.len() {
            let Parameter { name, kind, default, text } = BACKENDS.parameters[from];
            taken[to] = Parameter { name, kind, default, text };
            to += 1;
        }
        from += 1;
    }
    taken
};

/// Whether two texts are the same, while compiling.
const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

static PICK: Entry = section(
    "pick",
    "opens a request",
    &[Parameter::optional("pick", NUMBER, "its number, in flight until `done`"), KEY, CLIENT, CLASS, MATCH],
);
static REQUEST: Entry = section(
    "request",
    "a request from its pick to its end, retried by the product's own rule",
    &[Parameter::optional("request", NUMBER, "its number"), KEY, CLIENT, CLASS, MATCH],
);
static DONE: Entry = section(
    "done",
    "a request ends",
    &[
        Parameter::optional("done", NUMBER, "its number"),
        Parameter::with_default("ok", Kind::Bool, "true", "whether it was answered"),
        Parameter::optional("latency", Kind::Span, "how long it took; left out: since it was sent"),
    ],
);
static RETRY: Entry = section("retry", "a request's attempt failed: pick again", &[Parameter::optional("retry", NUMBER, "its number")]);
static REPEAT: Entry = section(
    "repeat",
    "picks and ends in a row",
    &[
        Parameter::optional("repeat", Kind::Whole(0, MOST_PICKS), "how many"),
        Parameter::optional("keys", Kind::Text, "their keys, in turn"),
        Parameter::optional("clients", Kind::Text, "their clients, in turn"),
    ],
);
static ADVANCE: Entry = section("advance", "time passes", &[Parameter::optional("advance", Kind::Span, "how much")]);
static WEIGHT: Entry = section("weight", "weights change in place", &[Parameter::optional("weight", Kind::Labels, "by backend")]);
static STATE: Entry = section("state", "states change", &[Parameter::optional("state", Kind::Labels, "by backend")]);
static DOWN: Entry = section("down", "a backend goes down", &[Parameter::optional("down", Kind::Name, "which")]);
static UP: Entry = section("up", "a backend comes up", &[Parameter::optional("up", Kind::Name, "which")]);
static REFUSING: Entry = section("refusing", "attempts at these fail at once", &[Parameter::optional("refusing", Kind::Text, "which")]);
static ADD: Entry = section("add", "a backend joins", &[Parameter::optional("add", Kind::Table(&BACKEND), "which")]);
static REMOVE: Entry = section("remove", "a backend leaves", &[Parameter::optional("remove", Kind::Name, "which")]);
static REBUILD: Entry = section("rebuild", "the configuration is loaded again", &[Parameter::optional("rebuild", Kind::Bool, "true")]);
static IN_FLIGHT: Entry = section("in_flight", "counts are set", &[Parameter::optional("in_flight", Kind::Labels, "by backend")]);
static REPORT: Entry = section("report", "reports or probes arrive", &[Parameter::optional("report", Kind::Labels, "by backend")]);
static REPORTED: Entry = section(
    "report",
    "what a backend says of itself",
    &[
        Parameter::with_default("rps", Kind::Number(0.0, 1e300), "0", "requests that it answers per second"),
        Parameter::with_default("eps", Kind::Number(0.0, 1e300), "0", "of these, with an error"),
        Parameter::with_default("utilization", Kind::Number(0.0, 1e300), "0", "the share of it that is busy"),
        Parameter::with_default("rif", Kind::Whole(0, u32::MAX as u64), "0", "requests in flight there"),
        Parameter::with_default("latency", Kind::Span, "0s", "what a request may expect"),
        Parameter::with_default("service", Kind::Span, "0s", "what a request takes once it is served"),
    ],
);

/// The steps, by the key that names them.
static STEPS: [&Entry; 16] = [
    &PICK, &REQUEST, &DONE, &RETRY, &REPEAT, &ADVANCE, &WEIGHT, &STATE, &DOWN, &UP, &REFUSING, &ADD, &REMOVE, &REBUILD, &IN_FLIGHT, &REPORT,
];

/// Reads a pick script.
///
/// # Errors
/// All faults, sorted by position.
pub fn load_pick_script(source: &Source<'_>, files: &dyn Files) -> Result<PickScript, Diagnostics> {
    let mut sources = Sources::default();
    let text = match encoding::text(source.name, source.bytes, source.limit, &mut sources) {
        Ok(text) => text,
        Err(findings) => return Err(diagnostics(&sources, findings)),
    };
    let mut findings = Vec::new();
    let read = json::parse(&text, 0, &mut findings).and_then(|root| {
        let mut d = Decoder::new(&sources, files);
        let read = document(&mut d, &root);
        findings.extend(d.finish());
        read
    });
    match read {
        Some(read) if findings.iter().all(|finding| finding.severity != Severity::Error) => Ok(PickScript { sources, ..read }),
        _ => {
            assert!(!findings.is_empty(), "a script that was not understood has a fault that says why");
            Err(diagnostics(&sources, findings))
        }
    }
}

fn document(d: &mut Decoder<'_>, root: &Node) -> Option<PickScript> {
    let path = Path::Root;
    let f = Fields::open(d, root, &path, &DOCUMENT)?;
    let balancer = match f.node("balancer") {
        Some(node) => balancers::inner(d, node, &Path::Key(&path, "balancer")),
        None => {
            f.missing(d, "balancer", "\"balancer\": {\"kind\": \"round-robin\"}");
            None
        }
    };
    let mut names = Names::default();
    let list = Path::Key(&path, "backends");
    let members: Vec<Option<Member>> = match f.node("backends") {
        Some(node) => d
            .list(node, &list, Kind::Tables(&BACKEND))
            .iter()
            .enumerate()
            .map(|(at, node)| names.member(d, node, &list.index(at, node.text_of("name"))))
            .collect(),
        None => {
            f.missing(d, "backends", "\"backends\": [{\"name\": \"a\"}, {\"name\": \"b\"}]");
            return None;
        }
    };
    let members: Option<Vec<Member>> = members.into_iter().collect();
    let (seed, draws) = (f.whole(d, "seed"), draws(d, &f));
    let list = Path::Key(&path, "steps");
    let nodes = f.node("steps").map_or(&[][..], |node| d.list(node, &list, Kind::Tables(&PICK)));
    let steps: Vec<Option<Step>> = nodes.iter().enumerate().map(|(at, node)| step(d, node, &list.index(at, None), &mut names)).collect();
    let steps: Option<Vec<Step>> = steps.into_iter().collect();
    few_enough(d, nodes, steps.as_deref().unwrap_or(&[]));
    let (Value::Balancer(kind, values), members, steps) = (balancer?, members?, steps?) else { return None };
    let places = nodes.iter().map(|node| node.at).collect();
    let names = names.0.into_iter().map(|(name, _)| name).collect();
    Some(PickScript { kind, values, members, names, seed: seed?, draws: draws?, steps, places, sources: Sources::default() })
}

fn few_enough(d: &mut Decoder<'_>, nodes: &[Node], steps: &[Step]) {
    let mut picks = 0_u64;
    for (step, node) in steps.iter().zip(nodes) {
        picks += if let Step::Repeat(times, ..) = step { *times } else { 1 };
        if picks > MOST_PICKS {
            let fault = Fault::Limit(format!("up to here these are {picks} picks; at most {MOST_PICKS} are made"));
            d.report(Finding::error(node.at, fault).path("steps").allowed(format!("at most {MOST_PICKS} picks")));
            return;
        }
    }
}

fn draws(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Vec<u64>> {
    let Some(node) = f.node("draws") else { return Some(Vec::new()) };
    let path = f.path.key("draws");
    let Data::List(members) = &node.data else {
        let fault = Fault::WrongType { found: d.found(node), wanted: "a list of texts" };
        d.report(Finding::error(node.at, fault).path(path).help("write \"draws\": [\"12\", \"7\"]"));
        return None;
    };
    let draw = |(at, member): (usize, &Node)| match &member.data {
        Data::Text(text) => text.parse().ok().or_else(|| wrong_draw(d, member, &path.index(at, None))),
        Data::Whole(number) => u64::try_from(*number).ok().or_else(|| wrong_draw(d, member, &path.index(at, None))),
        _ => wrong_draw(d, member, &path.index(at, None)),
    };
    let read: Vec<Option<u64>> = members.iter().enumerate().map(draw).collect();
    read.into_iter().collect()
}

fn wrong_draw(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<u64> {
    let fault = Fault::OutOfRange { found: d.found(node), why: "a draw is a whole number below 2^64".into() };
    d.report(Finding::error(node.at, fault).path(path).allowed("a whole number below 2^64, as a text").help("write, for example, \"12\""));
    None
}

/// The backends so far: names by id, and whether they are there.
#[derive(Default)]
struct Names(Vec<(String, bool)>);

impl Names {
    fn member(&mut self, d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<Member> {
        let f = Fields::open(d, node, path, &BACKEND)?;
        let id = self.0.len() as u32;
        let (told, address, name, zone) = (told(d, &f), text(d, &f, "address"), text(d, &f, "name"), text(d, &f, "zone"));
        let (speed, workers) = (f.number(d, "speed"), f.value(d, "workers"));
        let address = address?.unwrap_or_else(|| format!("{}:8080", std::net::Ipv4Addr::from(0x0A00_0001_u32.wrapping_add(id))));
        let name = name?.unwrap_or_else(|| address.clone());
        if self.0.iter().any(|(known, is_there)| *known == name && *is_there) {
            let fault = Fault::TwiceNamed(format!("two backends are called {}", shown(&name)));
            d.report(Finding::error(node.at, fault).path(path).allowed("a name of its own for each backend"));
        }
        self.0.push((name.clone(), true));
        let workers = if let Value::Whole(workers) = workers? { Some(u32::try_from(workers).ok()?) } else { None };
        Some(Member { name, address, zone: zone?.unwrap_or_default(), speed: speed?, workers, ..told? })
    }

    /// The backend of that name that is there, or was there last.
    fn find(&self, d: &mut Decoder<'_>, name: &str, at: Place, path: &Path<'_>) -> Option<BackendId> {
        let there = self.0.iter().rposition(|(known, is_there)| known == name && *is_there);
        if let Some(id) = there.or_else(|| self.0.iter().rposition(|(known, _)| known == name)) {
            return Some(BackendId(id as u32));
        }
        let known: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        let node = Node { data: Data::Text(name.to_owned()), at };
        d.report(unknown_word(&node, path, "backend", &known));
        None
    }
}

/// A text that may be left out: `None` only where it is at fault.
fn text(d: &mut Decoder<'_>, f: &Fields<'_>, key: &str) -> Option<Option<String>> {
    Some(f.text(d, key)).filter(|text| text.is_some() == f.has(key))
}

/// A duration that may be left out.
fn span(d: &mut Decoder<'_>, f: &Fields<'_>, key: &str) -> Option<Option<Span>> {
    Some(f.span(d, key)).filter(|span| span.is_some() == f.has(key))
}

fn asked(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Asked> {
    let (key, client, class) = (text(d, f, "key"), text(d, f, "client"), f.integer(d, "class"));
    let criteria = match f.node("match") {
        Some(node) => texts(d, node, &f.path.key("match")),
        None => Some(Vec::new()),
    };
    Some(Asked { said: Said { key: key?, client: client?, criteria: criteria? }, class: i32::try_from(class?).ok()? })
}

fn step(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>, names: &mut Names) -> Option<Step> {
    let entry = verb(d, node, path)?;
    let f = Fields::open(d, node, path, entry)?;
    let named = f.node(entry.name)?;
    let at = path.key(entry.name);
    let number = |d: &mut Decoder<'_>| f.whole(d, entry.name);
    Some(match entry.name {
        "pick" => Step::Pick(number(d)?, asked(d, &f)?),
        "request" => Step::Request(number(d)?, asked(d, &f)?),
        "done" => {
            let (number, ok, latency) = (number(d), f.bool(d, "ok"), span(d, &f, "latency"));
            Step::Done(number?, ok?, latency?)
        }
        "retry" => Step::Retry(number(d)?),
        "repeat" => {
            let (times, keys, clients) = (number(d), list(d, &f, "keys"), list(d, &f, "clients"));
            Step::Repeat(times?, keys?, clients?)
        }
        "advance" => Step::Advance(f.span(d, "advance")?),
        "weight" => {
            Step::Weights(by_backend(d, named, &at, names, |d, node, path| match scalar::read(d, node, path, Kind::Number(0.0, 1e300))? {
                Value::Number(weight) => Some(weight),
                _ => None,
            })?)
        }
        "state" => Step::States(by_backend(d, named, &at, names, state)?),
        "down" | "up" => {
            let state = if entry.name == "up" { State::Up } else { State::Down };
            let name = f.text(d, entry.name)?;
            Step::States(vec![(names.find(d, &name, named.at, &at)?, state)])
        }
        "refusing" => {
            let names: Vec<Option<BackendId>> = list(d, &f, "refusing")?.iter().map(|name| names.find(d, name, named.at, &at)).collect();
            Step::Refusing(names.into_iter().collect::<Option<_>>()?)
        }
        "add" => Step::Add(Box::new(names.member(d, named, &at)?)),
        "remove" => {
            let name = f.text(d, "remove")?;
            let backend = names.find(d, &name, named.at, &at)?;
            names.0[backend.index()].1 = false;
            Step::Remove(backend)
        }
        "rebuild" => {
            f.bool(d, "rebuild")?;
            Step::Rebuild
        }
        "in_flight" => Step::InFlight(by_backend(d, named, &at, names, |d, node, path| {
            match scalar::read(d, node, path, Kind::Whole(0, 1_000_000_000))? {
                Value::Whole(count) => u32::try_from(count).ok(),
                _ => None,
            }
        })?),
        "report" => Step::Reports(by_backend(d, named, &at, names, report)?),
        other => panic!("the step {other} is declared but not read"),
    })
}

/// Which step it is: the one key that names one.
fn verb(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<&'static Entry> {
    let Some(table) = node.as_table() else {
        d.wrong_type(node, path, Kind::Table(&PICK), "a table");
        return None;
    };
    let named = |table: &Table| STEPS.iter().filter(|entry| table.get(entry.name).is_some()).copied().collect::<Vec<_>>();
    match named(table)[..] {
        [entry] => Some(entry),
        [first, second, ..] => {
            let fault = Fault::Exclusive(format!("`{}` and `{}` are two steps", first.name, second.name));
            d.report(Finding::error(node.at, fault).path(path).help("write one table for each step"));
            None
        }
        [] => {
            let known: Vec<&str> = STEPS.iter().map(|entry| entry.name).collect();
            let finding = match table.entries.first() {
                Some(pair) => {
                    let fault = Fault::UnknownName { what: "step".into(), found: format!("`{}`", visible(&pair.key, 40)) };
                    let meant = super::suggest::nearest(&pair.key, known.iter().copied());
                    let finding = Finding::error(pair.key_at, fault).path(path);
                    match meant {
                        Some(name) => finding.help(format!("did you mean `{name}`?")),
                        None => finding.help("write, for example, {\"pick\": 1}"),
                    }
                }
                None => Finding::error(node.at, Fault::Missing("pick".into())).path(path).help("write, for example, {\"pick\": 1}"),
            };
            d.report(finding.allowed(format!("one of {}", known.join(", "))));
            None
        }
    }
}

/// A list of texts.
fn list(d: &mut Decoder<'_>, f: &Fields<'_>, key: &str) -> Option<Vec<String>> {
    let Some(node) = f.node(key) else { return Some(Vec::new()) };
    let path = f.path.key(key);
    let Data::List(members) = &node.data else {
        let fault = Fault::WrongType { found: d.found(node), wanted: "a list of texts" };
        d.report(Finding::error(node.at, fault).path(path).help(format!("write \"{key}\": [\"a\", \"b\"]")));
        return None;
    };
    let text = |(at, member): (usize, &Node)| match scalar::read(d, member, &path.index(at, None), Kind::Text)? {
        Value::Text(text) => Some(text),
        _ => None,
    };
    let read: Vec<Option<String>> = members.iter().enumerate().map(text).collect();
    read.into_iter().collect()
}

/// A table with a value for each backend that is named.
fn by_backend<T>(
    d: &mut Decoder<'_>,
    node: &Node,
    path: &Path<'_>,
    names: &Names,
    read: impl Fn(&mut Decoder<'_>, &Node, &Path<'_>) -> Option<T>,
) -> Option<Vec<(BackendId, T)>> {
    let Some(table) = node.as_table() else {
        let fault = Fault::WrongType { found: d.found(node), wanted: "a table with a value for each backend" };
        d.report(Finding::error(node.at, fault).path(path));
        return None;
    };
    let mut all = Vec::new();
    let mut is_whole = true;
    for pair in &table.entries {
        let at = path.key(&pair.key);
        let (backend, value) = (names.find(d, &pair.key, pair.key_at, &at), read(d, &pair.value, &at));
        match (backend, value) {
            (Some(backend), Some(value)) => all.push((backend, value)),
            _ => is_whole = false,
        }
    }
    is_whole.then_some(all)
}

fn state(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<State> {
    let known = State::NAMES.map(|(name, _)| name);
    let state = node.as_text().and_then(State::named);
    if state.is_none() {
        d.report(unknown_word(node, path, "state", &known));
    }
    state
}

fn report(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<Report> {
    let f = Fields::open(d, node, path, &REPORTED)?;
    let (rps, eps, utilization) = (f.number(d, "rps"), f.number(d, "eps"), f.number(d, "utilization"));
    let (in_flight, latency, service) = (f.whole(d, "rif"), f.span(d, "latency"), f.span(d, "service"));
    Some(Report {
        rps: rps?,
        eps: eps?,
        utilization: utilization?,
        in_flight: u32::try_from(in_flight?).ok()?,
        latency: latency?,
        service: service?,
    })
}
