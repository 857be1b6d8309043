//! Which results each rule is about, and what has to be measured for it.
//!
//! A rule without a balancer is about every balancer, one without a variant about every variant. A relative rule is about every result but the one it is relative to. Rules do not change
//! what is run: they ask for values to be remembered, and for parts of the requests to be measured by themselves.

use super::judge::{self, Judged, Verdict};
use crate::measure::metric::{Metric, Unit};
use crate::measure::result::{Measured, ResultBuilder};
use crate::measure::scoped::{Phase, Scope};
use crate::measure::setup::Subject;
use crate::measure::summary::VerdictSummary;
use crate::scenario::{Bound, Expect, Slice};

/// A rule about one result.
#[derive(Clone, Debug)]
struct Case {
    rule: Expect,
    result: usize,
    other: Option<usize>,
    scope: Option<usize>,
}

/// All rules of a scenario, applied to its results.
#[derive(Clone, Debug, Default)]
pub struct Cases {
    cases: Vec<Case>,
    scopes: Vec<Scope>,
    watched: Vec<(Option<usize>, String)>,
    passed_over: Vec<String>,
}

/// A result that rules may be about.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The balancer's label.
    pub balancer: &'a str,
    /// The variant.
    pub variant: Option<&'a str>,
    /// The rules of that variant.
    pub rules: &'a [Expect],
}

impl Cases {
    /// Applies rules to results, in the order of the file, then of the results.
    #[must_use]
    pub fn new(results: &[About<'_>]) -> Self {
        let mut all = Self::default();
        let mut rules: Vec<&Expect> = results.iter().flat_map(|about| about.rules).collect();
        rules.sort_by_key(|rule| rule.number);
        rules.dedup_by_key(|rule| rule.number);
        for rule in rules {
            let before = all.cases.len();
            for (result, about) in results.iter().enumerate() {
                if about.rules.iter().any(|own| own.number == rule.number) {
                    all.apply(rule, result, results);
                }
            }
            if all.cases.len() == before {
                all.passed_over.push(rule.rule.clone());
            }
        }
        all
    }

    fn apply(&mut self, rule: &Expect, result: usize, results: &[About<'_>]) {
        let about = &results[result];
        let is_meant = rule.balancer.as_deref().is_none_or(|name| name == about.balancer)
            && rule.variant.as_deref().is_none_or(|name| Some(name) == about.variant);
        if !is_meant {
            return;
        }
        let is_relative = rule.than.is_some() || rule.than_variant.is_some();
        let (than, variant) = (rule.than.as_deref().unwrap_or(about.balancer), rule.than_variant.as_deref().or(about.variant));
        let other = results.iter().position(|other| other.balancer == than && other.variant == variant);
        if is_relative && other.is_none_or(|other| other == result) {
            return;
        }
        let scope = self.scope(&rule.slice);
        self.watch(scope, &rule.metric);
        if matches!(rule.bound, Bound::OfOffered(_)) {
            self.watch(scope, "offered");
        }
        self.cases.push(Case { rule: rule.clone(), result, other: other.filter(|_| is_relative), scope });
    }

    fn scope(&mut self, slice: &Slice) -> Option<usize> {
        if slice.is_all() {
            return None;
        }
        let during = slice.during.clone().map(|name| (Phase::During, name));
        let phase = during.or_else(|| slice.after.clone().map(|name| (Phase::After, name)));
        let scope = Scope { service: slice.service.clone(), class: slice.class.clone(), phase };
        let known = self.scopes.iter().position(|known| *known == scope);
        Some(known.unwrap_or_else(|| {
            self.scopes.push(scope);
            self.scopes.len() - 1
        }))
    }

    fn watch(&mut self, scope: Option<usize>, path: &str) {
        if !self.watched.iter().any(|(known, name)| *known == scope && name == path) {
            self.watched.push((scope, path.to_owned()));
        }
    }

    /// Also remembers a number of all requests.
    pub fn remember(&mut self, path: &str) {
        self.watch(None, path);
    }

    /// Parts of the requests to be measured by themselves.
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// Numbers to be remembered of each replication.
    #[must_use]
    pub fn watched(&self) -> &[(Option<usize>, String)] {
        &self.watched
    }

    /// Rules that no result was left for: `--balancer` has taken theirs away.
    #[must_use]
    pub fn passed_over(&self) -> &[String] {
        &self.passed_over
    }

    /// Metrics of absolute rules about all requests, which a baseline remembers, too.
    pub fn metrics(&self) -> impl Iterator<Item = &str> {
        self.cases.iter().filter(|case| case.scope.is_none() && case.other.is_none()).map(|case| case.rule.metric.as_str())
    }

    /// Judges everything.
    #[must_use]
    pub fn verdicts(&self, measured: &[Measured]) -> Vec<VerdictSummary> {
        let values = |result: usize, scope, path: &str| measured[result].values_in(scope, path);
        let one = |case: &Case| {
            let of = &measured[case.result];
            let mut verdict = case.verdict(&of.subject, &values);
            // What grows as long as it runs may hold in a short run.
            let overloaded = of.result.overloaded_at_s.filter(|_| verdict.verdict == "held");
            verdict.notes.extend(overloaded.map(|at| format!("overloaded from {at:.1} s on: a longer run may not hold it")));
            verdict
        };
        self.cases.iter().map(one).collect()
    }

    /// How many replications would decide what is open, at most doubling them and never more than `most`; `None`: no more are of use.
    #[must_use]
    pub fn wanted(&self, builders: &[ResultBuilder], most: u32) -> Option<u32> {
        let values = |result: usize, scope, path: &str| builders[result].values(scope, path);
        let have = u32::try_from(builders.first()?.replications()).ok()?;
        if have >= most {
            return None;
        }
        let open = self
            .cases
            .iter()
            .map(|case| case.judge(builders[case.result].subject(), &values))
            .filter(|judged| judged.verdict == Verdict::Undecided);
        let wanted = open.map(|judged| judged.needs.unwrap_or(u32::MAX)).max()?;
        Some(wanted.clamp(have + 1, have.saturating_mul(2).max(2)).min(most))
    }
}

/// The values of a number of a result.
type Values<'a> = dyn Fn(usize, Option<usize>, &str) -> Option<&'a [Option<f64>]> + 'a;

impl Case {
    fn judge<'a>(&self, subject: &Subject, values: &Values<'a>) -> Judged {
        let of = |result: usize, path: &str| values(result, self.scope, path).unwrap_or(&[]);
        let these = of(self.result, &self.rule.metric);
        match self.rule.bound {
            Bound::OfOther(bound) => {
                let others = self.other.map_or(&[][..], |other| of(other, &self.rule.metric));
                let pairs: Vec<(f64, f64)> = these.iter().zip(others).filter_map(|(&this, &other)| Some((this?, other?))).collect();
                judge::relative(&pairs, self.rule.is, bound)
            }
            Bound::OfOffered(bound) => {
                let offered = of(self.result, "offered");
                let share = |(&count, &offered): (&Option<f64>, &Option<f64>)| Some(count? / offered.filter(|&offered| offered > 0.0)?);
                let shares: Vec<f64> = these.iter().zip(offered).filter_map(share).collect();
                // Attempts may be more than what was offered.
                judge::absolute(&shares, self.rule.is, bound, None)
            }
            Bound::Value(bound) => {
                let present: Vec<f64> = these.iter().copied().flatten().collect();
                let is_share = Metric::parse(&self.rule.metric, &subject.backends).is_ok_and(|metric| metric.unit() == Unit::Share);
                judge::absolute(&present, self.rule.is, bound, is_share.then_some(1.0))
            }
        }
    }

    fn verdict<'a>(&self, subject: &Subject, values: &Values<'a>) -> VerdictSummary {
        let judged = self.judge(subject, values);
        let Expect { rule, metric, bound, slice, than, than_variant, line, may_be_empty, .. } = &self.rule;
        let unit = Metric::parse(metric, &subject.backends).map_or("number", |metric| unit_name(metric.unit()));
        let (unit, bound) = match *bound {
            Bound::Value(bound) => (unit, bound),
            Bound::OfOffered(bound) => ("share", bound),
            Bound::OfOther(bound) => ("ratio", bound),
        };
        VerdictSummary {
            rule: rule.clone(),
            balancer: subject.balancer.clone(),
            variant: subject.variant.clone(),
            value: judged.value,
            ci95: judged.ci95,
            bound: Some(bound),
            verdict: judged.verdict.name().into(),
            metric: metric.clone(),
            unit: unit.into(),
            than: than.clone(),
            than_variant: than_variant.clone(),
            baseline: false,
            service: slice.service.clone(),
            class: slice.class.clone(),
            during: slice.during.clone(),
            after: slice.after.clone(),
            replications: judged.replications,
            needs_replications: judged.needs,
            counts: judged.verdict != Verdict::NoData || !may_be_empty,
            line: *line,
            notes: advice(&judged, *may_be_empty),
        }
    }
}

/// What an open verdict needs.
fn advice(judged: &Judged, may_be_empty: bool) -> Vec<String> {
    let text = match (judged.verdict, judged.needs) {
        (Verdict::Held | Verdict::Failed, _) => return Vec::new(),
        (Verdict::Undecided, _) if judged.replications < 2 => "one replication has no interval: run at least 2, better 5".to_owned(),
        (Verdict::Undecided, Some(needs)) => {
            format!("the interval lies across the bound; about {needs} replications would decide it (--decide runs them)")
        }
        (Verdict::Undecided, None) => {
            format!("the interval lies across the bound, so close to it that {} replications would not decide it", judge::MOST)
        }
        (Verdict::NoData, _) if may_be_empty => "there is nothing to measure, which the rule allows".to_owned(),
        (Verdict::NoData, _) => "there is nothing to measure; when_empty = \"pass\" would leave the rule out then".to_owned(),
    };
    vec![text]
}

fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Count => "count",
        Unit::Milliseconds => "ms",
        Unit::Seconds => "s",
        Unit::PerSecond => "1/s",
        Unit::Share => "share",
        Unit::Number => "number",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Op;

    fn rule(number: usize) -> Expect {
        Expect {
            number,
            rule: "latency.p50 < 250ms".into(),
            metric: "latency.p50".into(),
            is: Op::Below,
            bound: Bound::Value(250.0),
            balancer: None,
            variant: None,
            than: None,
            than_variant: None,
            slice: Slice::default(),
            may_be_empty: false,
            line: None,
        }
    }

    fn results<'a>(rules: &'a [Expect], variants: &[&'a str]) -> Vec<About<'a>> {
        let of = |variant: &&'a str| ["a", "b"].map(|balancer| About { balancer, variant: Some(*variant), rules });
        variants.iter().flat_map(of).collect()
    }

    fn applied(rules: &[Expect]) -> Vec<(usize, Option<usize>)> {
        let cases = Cases::new(&results(rules, &["x", "y"]));
        cases.cases.iter().map(|case| (case.result, case.other)).collect()
    }

    #[test]
    fn a_rule_is_about_every_result_that_it_does_not_leave_out() {
        assert_eq!(applied(&[rule(0)]), [(0, None), (1, None), (2, None), (3, None)]);
        assert_eq!(applied(&[Expect { balancer: Some("b".into()), ..rule(0) }]), [(1, None), (3, None)]);
        assert_eq!(applied(&[Expect { variant: Some("y".into()), ..rule(0) }]), [(2, None), (3, None)]);
    }

    #[test]
    fn nobody_is_held_against_itself() {
        assert_eq!(applied(&[Expect { than: Some("a".into()), ..rule(0) }]), [(1, Some(0)), (3, Some(2))]);
        assert_eq!(applied(&[Expect { than_variant: Some("x".into()), ..rule(0) }]), [(2, Some(0)), (3, Some(1))]);
    }

    #[test]
    fn a_rule_whose_balancer_was_taken_away_is_told() {
        let rules = [Expect { balancer: Some("c".into()), ..rule(0) }, rule(1)];
        let cases = Cases::new(&results(&rules, &["x"]));
        assert_eq!((cases.passed_over().len(), cases.cases.len()), (1, 2));
    }

    #[test]
    fn parts_are_measured_once_for_all_rules_about_them() {
        let part = |fault: &str| Slice { during: Some(fault.into()), ..Slice::default() };
        let share = Expect { slice: part("f"), bound: Bound::OfOffered(0.1), metric: "errors.timeout".into(), ..rule(1) };
        let rules = [Expect { slice: part("f"), ..rule(0) }, share, Expect { slice: part("g"), ..rule(2) }];
        let cases = Cases::new(&results(&rules, &["x"]));
        assert_eq!(cases.scopes().len(), 2);
        let watched: Vec<(Option<usize>, &str)> = cases.watched().iter().map(|(scope, path)| (*scope, path.as_str())).collect();
        assert_eq!(watched, [(Some(0), "latency.p50"), (Some(0), "errors.timeout"), (Some(0), "offered"), (Some(1), "latency.p50")]);
    }
}
