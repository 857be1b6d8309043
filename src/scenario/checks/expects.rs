//! Rules of a gate: that everything they name is there, so that none of them passes because it is about nothing.

use crate::escape::{shown, visible};
use crate::fault::target::Listed;
use crate::measure::metric::{Metric, Part, known_of};
use crate::measure::setup::Backend;
use crate::scenario::decoder::Decoder;
use crate::scenario::diagnostic::{Fault as Wrong, Finding};
use crate::scenario::expects::{Named, Written};
use crate::scenario::load::Among;
use crate::scenario::model::{Bound, Expect, Length, Scenario, Slice, Warmup};
use crate::scenario::position::Place;
use crate::scenario::rule;
use crate::scenario::suggest::nearest;
use std::ops::Range;

/// So many names are listed.
const LISTED: usize = 10;
/// So many backends are looked through for the one that was meant.
const SUGGESTED: u32 = 1_000;
/// A percentile is told from its neighbours where so many requests lie beyond it.
const BEYOND: f64 = 10.0;

/// One rule with its names looked up in the scenario of one variant; `None` where something is wrong, which is noted, or where it is not about this variant.
pub(crate) fn expect(d: &mut Decoder<'_>, scenario: &Scenario, written: &Written<'_>, among: Among<'_>) -> Option<Expect> {
    let mut check = Check { d, scenario, written };
    let variants: Vec<&str> = among.names.iter().map(String::as_str).collect();
    let mut is_right = check.known("variant", "variant", written.variant.as_ref(), &variants);
    is_right &= check.known("than_variant", "variant", written.than_variant.as_ref(), &variants);
    is_right &= check.is_not_itself(&variants);
    let is_here = |named: Option<&Named>| named.is_none_or(|named| Some(named.name.as_str()) == among.this);
    let is_other = written.than_variant.as_ref().is_some_and(|named| Some(named.name.as_str()) == among.this);
    if !is_here(written.variant.as_ref()) && !is_other {
        return None;
    }
    is_right &= check.names();
    let found = check.rule();
    let (metric, is, bound) = found.filter(|_| is_right)?;
    let name = |named: &Option<Named>| named.as_ref().map(|named| named.name.clone());
    let slice =
        Slice { service: name(&written.service), class: name(&written.class), during: name(&written.during), after: name(&written.after) };
    Some(Expect {
        number: written.index,
        rule: written.rule.0.clone(),
        metric,
        is,
        bound,
        balancer: name(&written.balancer),
        variant: name(&written.variant),
        than: name(&written.than),
        than_variant: name(&written.than_variant),
        slice,
        may_be_empty: written.may_be_empty,
        line: check.line(),
    })
    .filter(|_| is_here(written.variant.as_ref()))
}

/// A rule that is looked at.
struct Check<'a, 'd, 's> {
    d: &'a mut Decoder<'d>,
    scenario: &'s Scenario,
    written: &'a Written<'a>,
}

impl Check<'_, '_, '_> {
    fn path(&self, key: &str) -> String {
        format!("expect[{}].{key}", self.written.index)
    }

    /// Where a part of the rule stands: in the file, if it is written there letter by letter.
    fn place(&self, part: &Range<usize>) -> Place {
        let (text, node) = &self.written.rule;
        let inside = self.d.sources.slice(node.at).find(text.as_str());
        inside.map_or(node.at, |offset| {
            let start = node.at.start + offset;
            Place { source: node.at.source, start: start + part.start, end: start + part.end.max(part.start + 1).min(text.len()) }
        })
    }

    fn line(&self) -> Option<usize> {
        let at = self.written.rule.1.at;
        (!self.d.sources.is_flag(at)).then(|| self.d.sources.locate(vec![at]).location(at).line)
    }

    /// Whether a name is among those that are known.
    fn known(&mut self, key: &'static str, what: &str, named: Option<&Named>, known: &[&str]) -> bool {
        let Some(named) = named else { return true };
        if known.contains(&named.name.as_str()) {
            return true;
        }
        let listed: Vec<String> = known.iter().take(LISTED).map(|name| shown(name)).collect();
        let more = if known.len() > LISTED { format!(", … ({} in all)", known.len()) } else { String::new() };
        let allowed = if known.is_empty() { format!("no {what}: there are none") } else { format!("one of {}{more}", listed.join(", ")) };
        let help = nearest(&named.name, known.iter().copied()).map_or_else(
            || format!("name a {what} of this scenario, or leave `{key}` out"),
            |name| format!("did you mean \"{}\"?", visible(name, 40)),
        );
        let wrong = Wrong::UnknownName { what: what.to_owned(), found: shown(&named.name) };
        let finding = Finding::error(named.at, wrong).path(self.path(key));
        self.d.report(finding.allowed(allowed).help(help));
        false
    }

    /// Balancers, services, classes and faults.
    fn names(&mut self) -> bool {
        let (written, scenario) = (self.written, self.scenario);
        let balancers: Vec<&str> = scenario.balancers.iter().map(|balancer| balancer.label.as_str()).collect();
        let services: Vec<&str> = scenario.services.iter().map(|service| service.name.as_str()).collect();
        let classes: Vec<&str> = scenario.traffic.iter().map(|source| source.class.as_deref().unwrap_or(&source.name)).collect();
        let faults: Vec<&str> = scenario.faults.iter().map(|fault| fault.name.as_str()).collect();
        let mut is_right = self.known("balancer", "balancer", written.balancer.as_ref(), &balancers);
        is_right &= self.known("than", "balancer", written.than.as_ref(), &balancers);
        is_right &= self.known("service", "service", written.service.as_ref(), &services);
        is_right &= self.known("class", "class", written.class.as_ref(), &classes);
        is_right &= self.known("during", "fault", written.during.as_ref(), &faults);
        is_right &= self.known("after", "fault", written.after.as_ref(), &faults);
        is_right && self.the_fault_ends() && self.somebody_is_judged(&balancers)
    }

    /// After a fault that lasts to the end nothing arrives.
    fn the_fault_ends(&mut self) -> bool {
        let Some(after) = &self.written.after else { return true };
        let fault = self.scenario.faults.iter().find(|fault| fault.name == after.name);
        if fault.is_none_or(|fault| {
            fault.lasts.is_some()
                || matches!(fault.repeats, crate::fault::Repeats::Drawn { .. })
                || matches!(fault.kind, crate::fault::Kind::Deploy { .. })
        }) {
            return true;
        }
        let wrong = Wrong::Inconsistent(format!("the fault {} lasts to the end: nothing arrives after it", shown(&after.name)));
        let finding = Finding::error(after.at, wrong).path(self.path("after"));
        self.d.report(finding.allowed("a fault that ends").help("give the fault `for = \"10s\"`, or write `during` instead"));
        false
    }

    /// `than` leaves somebody to be held against it.
    fn somebody_is_judged(&mut self, balancers: &[&str]) -> bool {
        let (Some(than), None, None) = (&self.written.than, &self.written.balancer, &self.written.than_variant) else { return true };
        if balancers.iter().any(|name| *name != than.name) {
            return true;
        }
        let wrong = Wrong::NoEffect(format!("{} is the only balancer: there is none to be held against it", shown(&than.name)));
        let finding = Finding::error(than.at, wrong).path(self.path("than"));
        self.d.report(finding.allowed("another balancer beside it").help("add a balancer to the scenario, or remove `than`"));
        false
    }

    /// Nobody is held against himself.
    fn is_not_itself(&mut self, variants: &[&str]) -> bool {
        let written = self.written;
        let same = |one: &Option<Named>, other: &Option<Named>| matches!((one, other), (Some(one), Some(other)) if one.name == other.name);
        let is_same_balancer = written.than.is_none() || same(&written.balancer, &written.than);
        let is_same_variant = written.than_variant.is_none() || same(&written.variant, &written.than_variant);
        let Some(named) = written.than.as_ref().or(written.than_variant.as_ref()) else { return true };
        let is_only = written.than_variant.is_some() && written.than.is_none() && variants.len() == 1;
        if !(is_same_balancer && is_same_variant || is_only) {
            return true;
        }
        let key = if written.than.is_some() { "than" } else { "than_variant" };
        let wrong = Wrong::NoEffect(format!("{} is held against itself", shown(&named.name)));
        let finding = Finding::error(named.at, wrong).path(self.path(key));
        self.d.report(finding.allowed("another balancer, or another variant").help("name another one"));
        false
    }

    /// The metric, the comparison and what it is compared with.
    fn rule(&mut self) -> Option<(String, crate::scenario::model::Op, Bound)> {
        let text = self.written.rule.0.clone();
        let parts = match rule::split(&text) {
            Ok(parts) => parts,
            Err(wrong) => return self.refuse(wrong),
        };
        let path = text[parts.metric.clone()].to_owned();
        let metric = match Metric::parse(&path, &self.backends(&path)) {
            Ok(metric) => metric,
            Err(unknown) => {
                let wrong = Wrong::UnknownName { what: "metric".into(), found: shown(&path) };
                let finding = Finding::error(self.place(&parts.metric), wrong).path(self.path("rule"));
                let nearest = visible(&unknown.nearest, 80);
                self.d.report(finding.allowed("a metric of the result, such as latency.p99, success_rate, errors.timeout, fairness.jain_requests or backends.NAME.utilization; percentiles are above 0 and at most 100").help(format!("did you mean {nearest}?")));
                return None;
            }
        };
        self.is_of_part(&metric, &parts.metric)?;
        let is_relative = self.written.than.is_some() || self.written.than_variant.is_some();
        let bound = match rule::bound(&text, parts.value.clone(), &path, metric.unit(), is_relative) {
            Ok(bound) => bound,
            Err(wrong) => return self.refuse(wrong),
        };
        self.can_be_told(&metric, &parts.metric);
        Some((path, parts.op, bound))
    }

    fn refuse<T>(&mut self, wrong: rule::Wrong) -> Option<T> {
        let finding = Finding::error(self.place(&wrong.at), wrong.fault).path(self.path("rule"));
        self.d.report(finding.allowed(wrong.allowed).help(wrong.help));
        None
    }

    /// The backend that a rule is about, and some others for suggestions: building the names of all is for nobody.
    fn backends(&self, path: &str) -> Vec<Backend> {
        let Some(rest) = path.strip_prefix("backends.") else { return Vec::new() };
        let listed = self.scenario.listed();
        let meant = listed.iter().filter(|group| rest.starts_with(group.name));
        let all = |count: u32, group: &Listed<'_>| (0..group.count.min(count)).map(|number| group.member(number)).collect::<Vec<_>>();
        let names = meant.flat_map(|group| all(u32::MAX, group)).filter(|name| rest.starts_with(name.as_str()));
        let others = listed.iter().flat_map(|group| all(SUGGESTED, group)).take(SUGGESTED as usize);
        names.chain(others).map(|name| Backend { name, ..Backend::default() }).collect()
    }

    /// Some of the requests have not every number.
    fn is_of_part(&mut self, metric: &Metric, at: &Range<usize>) -> Option<()> {
        let written = self.written;
        let part = if written.service.is_some() { Part::Visits } else { Part::Requests };
        let keys = [("service", &written.service), ("class", &written.class), ("during", &written.during), ("after", &written.after)];
        let Some((key, _)) = keys.into_iter().find(|(_, named)| named.is_some()) else { return Some(()) };
        if metric.is_known_of(part) {
            return Some(());
        }
        let wrong = Wrong::Inconsistent(format!("{} is not known with `{key}`", visible(metric.path(), 60)));
        let finding = Finding::error(self.place(at), wrong).path(self.path("rule"));
        self.d.report(
            finding
                .allowed(format!("with `{key}` one of {}", known_of(part).join(", ")))
                .help(format!("remove `{key}`, or judge another metric")),
        );
        None
    }

    /// A percentile that the run is too short for.
    fn can_be_told(&mut self, metric: &Metric, at: &Range<usize>) {
        let (Some(share), Length::Requests(requests)) = (metric.percentile(), self.scenario.run.length) else { return };
        let measured = match self.scenario.run.warmup {
            Warmup::Share(share) => requests as f64 * (1.0 - share),
            Warmup::Time(_) => requests as f64,
        };
        if share >= 1.0 || measured * (1.0 - share) >= BEYOND {
            return;
        }
        let path = visible(metric.path(), 60);
        let message = format!("{path} lies within the last few of {measured} measured requests: it is hardly more than the maximum");
        let finding = Finding::warning(self.place(at), message).path(self.path("rule"));
        let needed = (BEYOND / (1.0 - share)).ceil();
        self.d.report(
            finding
                .allowed(format!("at least {needed} measured requests for {path}"))
                .help("raise run.requests, or judge a lower percentile"),
        );
    }
}
