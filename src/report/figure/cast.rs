//! Who appears in the figures of one variant, and in which colour.
//!
//! A balancer has one number and one colour in all figures and all variants. With more than seven, those with the shortest tails and the first of the scenario
//! have a colour, and the others are grey.

use super::lines::Span;
use super::palette::COLOURS;
use super::words;
use crate::measure::detail::{Detail, ResultDetail, Setup};
use crate::measure::summary::{ResultSummary, Summary};

/// One balancer in a variant.
#[derive(Clone, Copy, Debug)]
pub(in crate::report) struct Role<'a> {
    /// Its number among the labels of the run.
    pub(in crate::report) series: u8,
    pub(in crate::report) result: &'a ResultSummary,
    pub(in crate::report) detail: &'a ResultDetail,
}

impl Role<'_> {
    /// Its label, short and harmless.
    pub(in crate::report) fn name(&self) -> String {
        words::name(&self.result.balancer)
    }
}

/// Everyone in a variant.
#[derive(Clone, Debug)]
pub(in crate::report) struct Cast<'a> {
    pub(in crate::report) variant: Option<&'a str>,
    pub(in crate::report) setup: Option<&'a Setup>,
    pub(in crate::report) roles: Vec<Role<'a>>,
    pub(in crate::report) slots: Vec<u8>,
    pub(in crate::report) summary: &'a Summary,
}

/// The labels of a run, each once, in the order of the results.
pub(in crate::report) fn labels<'a>(summaries: impl IntoIterator<Item = &'a Summary>) -> Vec<&'a str> {
    let mut labels: Vec<&str> = Vec::new();
    for result in summaries.into_iter().flat_map(|summary| &summary.results) {
        if !labels.contains(&result.balancer.as_str()) {
            labels.push(&result.balancer);
        }
    }
    labels.truncate(250);
    labels
}

/// The variants of a run, each with its results.
pub(in crate::report) fn casts<'a>(summary: &'a Summary, detail: &'a Detail) -> Vec<Cast<'a>> {
    casts_among(summary, detail, &labels([summary]))
}

/// Likewise, with the numbers of a longer list of labels.
pub(in crate::report) fn casts_among<'a>(summary: &'a Summary, detail: &'a Detail, labels: &[&str]) -> Vec<Cast<'a>> {
    let slots = slots(summary, labels);
    let mut casts: Vec<Cast<'a>> = Vec::new();
    for (result, detail_of) in summary.results.iter().zip(&detail.results) {
        let Some(series) = labels.iter().position(|label| *label == result.balancer) else { continue };
        let role = Role { series: series as u8, result, detail: detail_of };
        let variant = result.variant.as_deref();
        match casts.iter_mut().find(|cast| cast.variant == variant) {
            Some(cast) => cast.roles.push(role),
            None => {
                let setup = detail.setups.iter().find(|setup| setup.variant.as_deref() == variant);
                casts.push(Cast { variant, setup, roles: vec![role], slots: slots.clone(), summary });
            }
        }
    }
    casts
}

/// The colour of each label.
fn slots(summary: &Summary, labels: &[&str]) -> Vec<u8> {
    if labels.len() <= COLOURS {
        return (0..labels.len() as u8).collect();
    }
    let p99 = |label: &&str| {
        let one = summary.results.iter().find(|one| one.balancer == **label);
        one.filter(|one| one.overloaded_at_s.is_none()).and_then(|one| one.latency_ms.p99).unwrap_or(f64::INFINITY)
    };
    let mut order: Vec<usize> = (1..labels.len()).collect();
    order.sort_by(|&one, &other| p99(&labels[one]).total_cmp(&p99(&labels[other])).then(one.cmp(&other)));
    let mut slots = vec![COLOURS as u8; labels.len()];
    for (slot, at) in std::iter::once(0).chain(order).take(COLOURS).enumerate() {
        slots[at] = slot as u8;
    }
    slots
}

impl<'a> Cast<'a> {
    /// A file's name, with that of the variant where there are several.
    pub(super) fn file(&self, stem: &str) -> String {
        match self.variant {
            Some(variant) => format!("{stem}-{}", words::slug(variant)),
            None => stem.to_owned(),
        }
    }

    /// The end of the run on the axis of time.
    pub(super) fn end(&self) -> f64 {
        self.roles.iter().map(|role| role.detail.windows.width_s * role.detail.windows.len() as f64).fold(0.0, f64::max)
    }

    /// The warm-up and the faults.
    pub(super) fn spans(&self) -> Vec<Span> {
        let warm_up = self.roles.iter().map(|role| role.detail.windows.warmup_s).fold(0.0, f64::max);
        let mut spans = Vec::new();
        if warm_up > 0.0 {
            spans.push(Span { number: None, from: 0.0, to: warm_up });
        }
        for (number, fault) in self.setup.iter().flat_map(|setup| &setup.faults).enumerate() {
            spans.extend(fault.spans_s.iter().map(|&[from, to]| Span { number: Some(number + 1), from, to }));
        }
        spans
    }

    /// What the shades of a figure over time mean.
    pub(super) fn shades(&self) -> String {
        let mut said = String::new();
        if self.roles.iter().any(|role| role.detail.windows.warmup_s > 0.0) {
            said += " Grey: the warm-up, left out of the statistics.";
        }
        let faults: Vec<String> = self
            .setup
            .iter()
            .flat_map(|setup| &setup.faults)
            .enumerate()
            .map(|(number, fault)| {
                let drawn = if fault.drawn { ", at other times in other replications" } else { "" };
                format!("{} {}{drawn}", number + 1, words::name(&fault.name))
            })
            .collect();
        match faults.len() {
            0 => {}
            1..=6 => said += &format!(" Red: {}.", faults.join("; ")),
            more => said += &format!(" Red: {}; and {} more.", faults[..6].join("; "), more - 6),
        }
        said
    }

    /// Those that can keep up, or everybody where nobody can.
    pub(in crate::report) fn sound(&self) -> Vec<Role<'a>> {
        let sound: Vec<Role<'a>> = self.roles.iter().copied().filter(|role| role.result.overloaded_at_s.is_none()).collect();
        if sound.is_empty() { self.roles.clone() } else { sound }
    }

    /// Who has the least and who the most of something.
    pub(in crate::report) fn extremes(&self, value: impl Fn(&Role<'a>) -> Option<f64>) -> Option<[(Role<'a>, f64); 2]> {
        let known: Vec<(Role<'a>, f64)> = self.roles.iter().filter_map(|role| Some((*role, value(role)?))).collect();
        let least = known.iter().copied().reduce(|one, other| if other.1 < one.1 { other } else { one })?;
        let most = known.iter().copied().reduce(|one, other| if other.1 > one.1 { other } else { one })?;
        Some([least, most])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample_page as sample;

    #[test]
    fn a_balancer_keeps_its_number_in_every_variant() {
        let (summary, detail) = sample::variants();
        let casts = casts(&summary, &detail);
        assert_eq!(casts.len(), 2);
        for (one, other) in casts[0].roles.iter().zip(&casts[1].roles) {
            assert_eq!((one.series, &one.result.balancer), (other.series, &other.result.balancer));
        }
    }

    #[test]
    fn with_many_the_best_and_the_first_have_colours() {
        let (mut summary, detail) = sample::five();
        let first = summary.results[0].clone();
        for at in 0..6 {
            let mut more = first.clone();
            more.balancer = format!("more-{at}");
            more.latency_ms.p99 = Some(1e6 + f64::from(at));
            summary.results.push(more);
        }
        let labels = labels([&summary]);
        let slots = slots(&summary, &labels);
        assert_eq!(slots.len(), 11);
        assert_eq!(slots[0], 0);
        assert_eq!(slots.iter().filter(|&&slot| slot == COLOURS as u8).count(), 4);
        assert!(slots[2..5].iter().all(|&slot| slot < COLOURS as u8));
        assert_eq!(slots[10], COLOURS as u8);
        drop(detail);
    }
}
