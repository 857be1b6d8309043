//! Why something did not hold: which fault, which errors, which backends, and the first decision in which two runs part.
//!
//! These are pointers for whoever looks into it, read from the result; nothing is tested here.

use crate::measure::result::Measured;
use crate::measure::summary::{BackendSummary, FaultSummary, ResultSummary, VerdictSummary};
use crate::measure::trace::{Chosen, Traced, What};

/// Beside so many backends the one that stands out is looked for.
const MOST_BACKENDS: usize = 100_000;

/// What there is to say of a verdict that did not hold, the most telling first.
#[must_use]
pub fn reasons(verdict: &VerdictSummary, measured: &[Measured]) -> Vec<String> {
    let find = |balancer: &str, variant: Option<&str>| {
        measured.iter().find(|one| one.subject.balancer == balancer && one.subject.variant.as_deref() == variant).map(|one| &one.result)
    };
    let variant = verdict.variant.as_deref();
    let Some(result) = find(&verdict.balancer, variant) else { return Vec::new() };
    let is_relative = verdict.than.is_some() || verdict.than_variant.is_some();
    let than = verdict.than.as_deref().unwrap_or(&verdict.balancer);
    let other = is_relative.then(|| find(than, verdict.than_variant.as_deref().or(variant))).flatten();
    let overloaded = result.overloaded_at_s.map(|at| format!("overloaded from {at:.1} s on: a longer run would be worse still"));
    let fault = if verdict.during.is_some() || verdict.after.is_some() { None } else { worst_fault(result) };
    [overloaded, fault, errors(result, other), backends(result, other)].into_iter().flatten().collect()
}

/// The fault with the most requests that failed or were late because of it.
fn worst_fault(result: &ResultSummary) -> Option<String> {
    let worst = result.faults.iter().max_by_key(|fault| fault.failed + fault.delayed)?;
    let FaultSummary { name, failed, delayed, recovered, .. } = worst;
    let stays = if recovered.is_some_and(|share| share < 1.0) { "; it did not always come back after that" } else { "" };
    (failed + delayed > 0)
        .then(|| format!("phase: during and after `{name}`, {failed} requests failed and {delayed} came late beyond what is usual{stays}"))
}

/// The kind of error that there is most of, or that has grown most against the other.
fn errors(result: &ResultSummary, other: Option<&ResultSummary>) -> Option<String> {
    let kinds = |result: &ResultSummary| {
        let errors = &result.requests.errors;
        let offered = result.requests.offered.max(1) as f64;
        [
            ("timeout", errors.timeout),
            ("refused", errors.refused),
            ("error", errors.error),
            ("crashed", errors.crashed),
            ("no-backend", errors.no_backend),
            ("shed", errors.shed),
        ]
        .map(|(name, count)| (name, count, count as f64 / offered))
    };
    let before = other.map(kinds);
    let growth = |at: usize, share: f64| share - before.map_or(0.0, |before| before[at].2);
    let (at, (name, count, share)) =
        kinds(result).into_iter().enumerate().max_by(|(i, a), (j, b)| growth(*i, a.2).total_cmp(&growth(*j, b.2)).then(j.cmp(i)))?;
    let against = before.map(|before| format!(", against {} there", percent(before[at].2))).unwrap_or_default();
    (growth(at, share) > 0.0).then(|| format!("errors: mostly {name}, {count} requests ({}{against})", percent(share)))
}

/// The backend whose latency stands out most from the others', or has grown most against the other run.
fn backends(result: &ResultSummary, other: Option<&ResultSummary>) -> Option<String> {
    if result.backends.len() < 2 || result.backends.len() > MOST_BACKENDS {
        return None;
    }
    let mean = |backend: &BackendSummary| backend.latency_ms.mean;
    if let Some(other) = other {
        let same = |backend: &BackendSummary| other.backends.iter().find(|one| one.name == backend.name);
        let moved = result.backends.iter().filter_map(|backend| {
            let before = same(backend)?;
            Some((backend, before, mean(backend)? / mean(before).filter(|&mean| mean > 0.0)?))
        });
        let (backend, before, factor) = moved.max_by(|a, b| a.2.total_cmp(&b.2))?;
        let shares =
            backend.share.zip(before.share).map(|(now, then)| format!(", with {} of the attempts against {}", percent(now), percent(then)));
        return Some(format!("backends: {} is {factor:.2} times as slow as there{}", backend.name, shares.unwrap_or_default()));
    }
    let mut means: Vec<f64> = result.backends.iter().filter_map(mean).collect();
    means.sort_by(f64::total_cmp);
    let median = *means.get(means.len() / 2)?;
    let (worst, most) = result.backends.iter().filter_map(|backend| Some((backend, mean(backend)?))).max_by(|a, b| a.1.total_cmp(&b.1))?;
    let about = [
        worst.share.map(|share| format!("{} of the attempts", percent(share))),
        worst.utilization.map(|share| format!("utilization {}", percent(share))),
    ];
    let about = about.into_iter().flatten().collect::<Vec<_>>().join(", ");
    Some(format!("backends: {} is the slowest, {most:.1} ms in the mean against a median of {median:.1} ms ({about})", worst.name))
}

fn percent(share: f64) -> String {
    format!("{:.2}%", 100.0 * share)
}

/// The first decision in which two balancers part, in the first replication; `None` where what was traced of them is alike.
#[must_use]
pub fn parted(one: &Traced, other: &Traced) -> Option<String> {
    let picks = |traced: &Traced| {
        let pick = |event: &crate::measure::trace::Event| match &event.what {
            What::Pick { attempt, candidates, chosen, .. } => {
                let known = candidates.iter().map(|candidate| (candidate.backend, candidate.in_flight)).collect::<Vec<_>>();
                Some((event.at, *attempt, *chosen, known))
            }
            _ => None,
        };
        traced.events.iter().filter_map(pick).collect::<Vec<_>>()
    };
    let (these, those) = (picks(one), picks(other));
    let (number, (mine, yours)) = these.iter().zip(&those).enumerate().find(|(_, (mine, yours))| (mine.1, mine.2) != (yours.1, yours.2))?;
    let chose = |traced: &Traced, chosen: Chosen, known: &[(u32, u32)]| match chosen {
        Chosen::Backend(backend) => {
            let name = traced.backends.get(backend as usize).map_or_else(|| backend.to_string(), |backend| backend.name.clone());
            let in_flight = known.iter().find(|(known, _)| *known == backend).map(|(_, count)| format!(" with {count} in flight"));
            format!("{name}{}", in_flight.unwrap_or_default())
        }
        Chosen::Wait => "to wait".into(),
        Chosen::Nobody => "nobody".into(),
    };
    Some(format!(
        "first difference: decision {} of replication 0, at {:.6} s for request {}: {} chose {}, {} {}",
        number + 1,
        mine.0 as f64 / 1e9,
        mine.1.request,
        one.balancer,
        chose(one, mine.2, &mine.3),
        other.balancer,
        chose(other, yours.2, &yours.3),
    ))
}
