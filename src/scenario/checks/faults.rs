//! Faults that hit nobody, never happen, contradict each other, or leave requests without an end.

use super::Whole;
use super::callers::{callers, fault_place};
use crate::escape::{shown, visible};
use crate::fault::{Fault, Kind, Repeats, Window, target::Unknown, windows};
use crate::scenario::decoder::Decoder;
use crate::scenario::diagnostic::{Fault as Wrong, Finding};
use crate::scenario::model::{Length, Process};
use crate::scenario::suggest::nearest;
use crate::scenario::targets::Who;
use crate::time::Span;

/// So many names are looked through for the one that was meant.
const SUGGESTED: u32 = 2_000;
/// So many names are listed.
const LISTED: usize = 10;
/// So many faults are compared with each other, and so many occurrences of each.
const COMPARED: usize = 200;
const OCCURRENCES: usize = 50;

/// So many targets there are of all faults together, in 4 bytes each.
const MAX_HIT: usize = 50_000_000;

/// Notes all that is wrong or doubtful of faults.
pub(super) fn check(d: &mut Decoder<'_>, whole: &Whole<'_>) {
    let who = Who::of(whole.scenario);
    let mut resolved: Vec<Option<Fault>> = Vec::new();
    let mut hit = 0;
    for index in 0..whole.scenario.faults.len() {
        resolved.extend([resolve(d, whole, &who, index)]);
        hit += resolved[index].as_ref().map_or(0, |fault| fault.target.among.len());
        if hit > MAX_HIT {
            return too_many_hit(d, whole, index);
        }
    }
    for (index, fault) in resolved.iter().enumerate() {
        let Some(fault) = fault else { continue };
        never_happens(d, whole, index, fault);
        deploys_overlap(d, whole, index, fault);
        never_answered(d, whole, index, fault);
        surges_of_closed(d, whole, index, fault);
        nobody_left(d, whole, &who, index, fault);
    }
    overlaps(d, whole, &resolved);
}

fn too_many_hit(d: &mut Decoder<'_>, whole: &Whole<'_>, index: usize) {
    let wrong = Wrong::Limit(format!("with this one, faults have more than {MAX_HIT} targets in all"));
    let finding = Finding::error(fault_place(whole, index, "target"), wrong).path(path(whole, index, "target"));
    d.report(
        finding
            .allowed(format!("at most {MAX_HIT} targets over all faults"))
            .help("let one fault happen again with `every`, or name fewer backends"),
    );
}

/// The path of a fault's key.
fn path(whole: &Whole<'_>, index: usize, key: &str) -> String {
    let member = whole.root.get("fault").and_then(|pair| pair.value.members().get(index));
    let label =
        member.and_then(|member| member.text_of("name").or_else(|| member.text_of("kind"))).map(|name| format!(" ({})", shown(name)));
    format!("fault[{index}]{}.{key}", label.unwrap_or_default())
}

/// A fault with who is hit, or what is wrong with their names.
fn resolve(d: &mut Decoder<'_>, whole: &Whole<'_>, who: &Who<'_>, index: usize) -> Option<Fault> {
    let (key, unknown) = match who.resolve(&whole.scenario.faults[index]) {
        Ok(fault) => return Some(fault),
        Err(wrong) => wrong,
    };
    let (allowed, help) = meant(who, &unknown);
    let finding = Finding::error(fault_place(whole, index, key), wrong(&unknown));
    d.report(finding.path(path(whole, index, key)).allowed(allowed).help(help));
    None
}

fn wrong(unknown: &Unknown) -> Wrong {
    let (what, found) = match unknown {
        Unknown::Name(found) => ("backend or group", found),
        Unknown::Glob(found) => ("backends", found),
        Unknown::Zone(found) => ("zone", found),
        Unknown::Service(found) => ("service", found),
        Unknown::Source(found) => ("traffic source", found),
        Unknown::Instance(found) => ("balancer instance", found),
        Unknown::Count(found, total) => {
            return Wrong::OutOfRange { found: shown(found), why: format!("it is not a number or a share of the {total} backends") };
        }
    };
    Wrong::UnknownName { what: what.to_owned(), found: shown(found) }
}

/// What there is, and what was meant.
fn meant(who: &Who<'_>, unknown: &Unknown) -> (String, String) {
    let listed = |names: &[&str]| {
        let some: Vec<String> = names.iter().take(LISTED).map(|name| shown(name)).collect();
        if names.is_empty() { "nothing: there are none".to_owned() } else { format!("one of {}", some.join(", ")) }
    };
    let near = |found: &str, names: &[&str], otherwise: &str| {
        nearest(found, names.iter().copied())
            .map_or_else(|| otherwise.to_owned(), |name| format!("did you mean \"{}\"?", visible(name, 40)))
    };
    match unknown {
        Unknown::Name(found) => {
            let names = backend_names(who);
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let beyond = found.rsplit_once('-').and_then(|(stem, number)| {
                let group = who.groups.iter().find(|group| group.name == stem && group.count > 1)?;
                number.parse::<u32>().ok().map(|_| group.member(group.count - 1))
            });
            let help = beyond.map_or_else(
                || near(found, &names, "name a backend or a group, or write \"all\""),
                |last| format!("did you mean \"{}\"? it is the last of its group", visible(&last, 40)),
            );
            (format!("a backend, a group, a glob, \"zone:…\", \"20%\", \"random:2\" or \"all\"; {}", listed(&names)), help)
        }
        Unknown::Glob(_) => {
            let names = backend_names(who);
            (
                listed(&names.iter().map(String::as_str).collect::<Vec<_>>()),
                "write a glob that fits, such as \"web-*\", or \"all\"".to_owned(),
            )
        }
        Unknown::Zone(found) => {
            let zones: Vec<&str> = who.zones.iter().map(String::as_str).collect();
            (listed(&zones), near(found, &zones, "give backends a `zone`"))
        }
        Unknown::Service(found) => {
            let mut services: Vec<&str> = who.groups.iter().map(|group| group.service).filter(|name| !name.is_empty()).collect();
            services.dedup();
            (listed(&services), near(found, &services, "name a [[service]]"))
        }
        Unknown::Source(found) => (format!("\"all\", or {}", listed(&who.sources)), near(found, &who.sources, "write \"all\"")),
        Unknown::Instance(_) => (
            format!("\"balancer:0\" to \"balancer:{}\"", who.instances.saturating_sub(1)),
            "write \"balancer:0\", or raise tier.instances".to_owned(),
        ),
        Unknown::Count(_, total) => {
            (format!("\"random:1\" to \"random:{total}\", or a share such as \"20%\""), "write \"random:1\", or \"all\"".to_owned())
        }
    }
}

/// Backends and groups, as many as are looked through.
fn backend_names(who: &Who<'_>) -> Vec<String> {
    let members =
        |group: &crate::fault::target::Listed<'_>| (0..group.count.min(SUGGESTED)).map(|number| group.member(number)).collect::<Vec<_>>();
    let groups = who.groups.iter().filter(|group| group.count > 1).map(|group| group.name.to_owned());
    who.groups.iter().flat_map(members).chain(groups).take(SUGGESTED as usize).collect()
}

/// A fault after the end.
fn never_happens(d: &mut Decoder<'_>, whole: &Whole<'_>, index: usize, fault: &Fault) {
    let Length::Duration(duration) = whole.scenario.run.length else { return };
    if fault.at >= duration {
        let finding = Finding::warning(fault_place(whole, index, "at"), format!("it never happens (the run ends at {duration})"));
        let finding = finding.path(path(whole, index, "at")).allowed("an instant before run.duration");
        d.report(finding.help("lower `at`, or raise run.duration"));
    }
}

/// A deploy that begins again before it is done.
fn deploys_overlap(d: &mut Decoder<'_>, whole: &Whole<'_>, index: usize, fault: &Fault) {
    let (Kind::Deploy { .. }, Repeats::Every(every), Some(lasts)) = (&fault.kind, fault.repeats, fault.length()) else { return };
    if lasts > every {
        let wrong = Wrong::Inconsistent(format!("all its batches take {lasts}, and it happens every {every}: it would overlap itself"));
        let finding = Finding::error(fault_place(whole, index, "every"), wrong).path(path(whole, index, "every"));
        d.report(
            finding.allowed("at least as long as all batches take").help(format!("write every = \"{lasts}\" or more, or raise `batch`")),
        );
    }
}

/// Requests that are never answered, and nobody who gives them up.
fn never_answered(d: &mut Decoder<'_>, whole: &Whole<'_>, index: usize, fault: &Fault) {
    let what = match fault.kind {
        Kind::Hang => "hangs",
        Kind::Loss { share } if share > 0.0 => "loses requests",
        Kind::Partition { .. } => "is cut off",
        _ => return,
    };
    let waits = |caller: &crate::client::Caller| caller.timeout.is_none() && caller.attempt_timeout.is_none();
    let hit = services_hit(whole, fault);
    let waiting = callers(whole).into_iter().any(|at| waits(at.caller) && at.services.iter().any(|service| hit.contains(service)));
    if waiting {
        let message = format!("a backend {what}, and callers have no timeout: such requests never end, and count as unfinished");
        let finding = Finding::warning(fault_place(whole, index, "kind"), message).path(path(whole, index, "kind"));
        d.report(finding.allowed("client.timeout or client.attempt_timeout beside it").help("add\n[client]\ntimeout = \"1s\""));
    }
}

/// The services some of whose backends may be hit.
fn services_hit(whole: &Whole<'_>, fault: &Fault) -> Vec<usize> {
    let listed = whole.scenario.listed();
    let mut first = 0;
    let mut hit = Vec::new();
    for (service, pool) in whole.pools().into_iter().enumerate() {
        let end = first + listed[pool].iter().map(|group| group.count).sum::<u32>();
        if fault.target.among.iter().any(|backend| (first..end).contains(backend)) {
            hit.push(service);
        }
        first = end;
    }
    hit
}

/// Clients who ask as fast as they are answered cannot ask faster.
fn surges_of_closed(d: &mut Decoder<'_>, whole: &Whole<'_>, index: usize, fault: &Fault) {
    let Kind::Surge { .. } = fault.kind else { return };
    let traffic = &whole.scenario.traffic;
    let closed = fault.target.among.iter().find(|&&source| matches!(traffic[source as usize].arrivals.process, Process::Closed { .. }));
    if let Some(&source) = closed {
        let name = shown(&traffic[source as usize].name);
        let wrong = Wrong::Inconsistent(format!(
            "a surge multiplies arrivals, and the source {name} is closed: its clients ask as fast as they are answered"
        ));
        let finding = Finding::error(fault_place(whole, index, "target"), wrong).path(path(whole, index, "target"));
        d.report(
            finding.allowed("an open source").help("give the surge an open source as its target, or add a [[traffic]] of more clients"),
        );
    }
}

/// Nobody is up from beginning to end.
fn nobody_left(d: &mut Decoder<'_>, whole: &Whole<'_>, who: &Who<'_>, index: usize, fault: &Fault) {
    let is_gone = matches!(fault.kind, Kind::Crash | Kind::Hang | Kind::Pause | Kind::Leave { .. });
    let is_to_the_end = fault.repeats == Repeats::Never
        && fault.lasts.is_none_or(|lasts| matches!(whole.scenario.run.length, Length::Duration(duration) if lasts >= duration));
    let all: u32 = who.groups.iter().map(|group| group.count).sum();
    let hit = fault.target.draw.unwrap_or(fault.target.among.len() as u32);
    if is_gone && is_to_the_end && fault.at == Span::ZERO && hit == all {
        let finding =
            Finding::warning(fault_place(whole, index, "target"), "no request can succeed: it hits every backend for the whole run");
        let finding = finding.path(path(whole, index, "target")).allowed("some of the backends, or a part of the run");
        d.report(finding.help("write at = \"10s\" and for = \"10s\", or target = \"20%\""));
    }
}

/// A fault of which it is certain when it happens, and to whom.
struct Certain<'a> {
    index: usize,
    fault: &'a Fault,
    spans: Vec<(u64, u64)>,
}

impl<'a> Certain<'a> {
    fn new(index: usize, fault: &'a Fault) -> Option<Self> {
        let is_drawn = matches!(fault.repeats, Repeats::Drawn { .. });
        let are_all = fault.target.draw.is_none_or(|draw| draw as usize == fault.target.among.len());
        let matters = takes_away(&fault.kind) || changes_service(&fault.kind);
        (!is_drawn && are_all && matters).then(|| Self { index, fault, spans: spans(fault) })
    }

    /// When both are at the same backend, and one of them hides the other.
    fn hides(&self, other: &Self) -> Option<(u64, u64)> {
        let is_one_gone = takes_away(&self.fault.kind) || takes_away(&other.fault.kind);
        let is_shared = || self.fault.target.among.iter().any(|backend| other.fault.target.among.binary_search(backend).is_ok());
        let mut pairs = self.spans.iter().flat_map(|one| other.spans.iter().map(move |two| (one.0.max(two.0), one.1.min(two.1))));
        pairs.find(|(from, to)| from < to).filter(|_| is_one_gone && is_shared())
    }
}

/// Faults of which one hides the other.
fn overlaps(d: &mut Decoder<'_>, whole: &Whole<'_>, faults: &[Option<Fault>]) {
    let known = faults.iter().enumerate().filter_map(|(index, fault)| Certain::new(index, fault.as_ref()?));
    let certain: Vec<Certain<'_>> = known.take(COMPARED).collect();
    for (at, one) in certain.iter().enumerate() {
        let Some((other, (from, to))) = certain[..at].iter().find_map(|other| Some((other.index, one.hides(other)?))) else { continue };
        let until = if to == u64::MAX { "the end".to_owned() } else { Span(to).to_string() };
        let message = format!(
            "it overlaps {} at the same backend from {} to {until}: both apply, and a backend that is down shows nothing else",
            shown(&whole.scenario.faults[other].name),
            Span(from)
        );
        let finding = Finding::warning(fault_place(whole, one.index, "at"), message).path(path(whole, one.index, "at"));
        let finding = finding
            .allowed("faults one after another, or at different backends")
            .related("the other is here", fault_place(whole, other, "kind"));
        d.report(finding.help("move one of them"));
    }
}

/// Whether a backend that has it serves nobody.
fn takes_away(kind: &Kind) -> bool {
    match kind {
        Kind::Crash | Kind::Hang | Kind::Pause | Kind::Flap { .. } | Kind::Leave { .. } | Kind::Join { .. } | Kind::Deploy { .. } => true,
        Kind::Slow { .. }
        | Kind::Errors { .. }
        | Kind::Latency { .. }
        | Kind::Loss { .. }
        | Kind::Partition { .. }
        | Kind::Stale
        | Kind::Surge { .. } => false,
    }
}

/// Whether a backend that has it serves otherwise.
fn changes_service(kind: &Kind) -> bool {
    matches!(kind, Kind::Slow { .. } | Kind::Errors { .. })
}

/// When it is away or otherwise: of a join, before and after.
fn spans(fault: &Fault) -> Vec<(u64, u64)> {
    let windows = windows(std::slice::from_ref(fault), 0, 0, u64::MAX).take(OCCURRENCES).map(|(_, window)| window);
    match fault.kind {
        Kind::Join { factor, over } => {
            let parts = |Window { begins, ends, .. }: Window| {
                let warm = if factor == 1.0 { begins } else { begins.saturating_add(over.0) };
                [(0, warm), (ends, u64::MAX)]
            };
            windows.flat_map(parts).filter(|(from, to)| from < to).collect()
        }
        _ => windows.map(|window| (window.begins, window.ends)).collect(),
    }
}
