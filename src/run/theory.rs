//! What was measured beside what queueing theory knows of the plan.

use crate::measure::detail::TheoryDetail;
use crate::measure::result::Measured;
use crate::plan::Plan;
use crate::theory::agreement::Agreement;
use crate::theory::{Known, known};

/// What is remembered of every replication for this, beside what is in any case.
pub(super) const WATCHED: [&str; 1] = ["wait_share"];

/// Every figure that theory knows of a balancer of a plan.
pub(super) fn beside(plan: &Plan, balancer: usize, measured: &Measured) -> Vec<TheoryDetail> {
    if measured.detail.is_none() || !measured.settled() {
        return Vec::new();
    }
    let each = measured.result.requests.succeeded as f64 / f64::from(measured.health.replications.max(1));
    known(plan, balancer).into_iter().filter(|known| is_enough(known, each)).map(|known| row(known, measured)).collect()
}

/// A replication of fewer requests is mostly its beginning.
const REQUESTS: f64 = 1000.0;
/// Of what is rare, so many must be expected in each replication: fewer are not spread like a normal deviate.
const RARE: f64 = 30.0;

/// Whether so many requests in each replication can be held against what is known.
fn is_enough(known: &Known, requests: f64) -> bool {
    let is_rare = known.metric == "wait_share" && requests * known.value.min(1.0 - known.value) < RARE;
    requests >= REQUESTS && !is_rare
}

fn row(known: Known, measured: &Measured) -> TheoryDetail {
    let values: Vec<f64> = measured.values(known.metric).into_iter().flatten().copied().flatten().collect();
    let agreement = Agreement::of(&values, known.value);
    let holds = |found: Agreement| if known.is_bound { found.is_not_below() } else { found.holds };
    TheoryDetail {
        metric: known.metric.into(),
        model: known.model,
        is_bound: known.is_bound,
        expected: known.value,
        measured: agreement.map(|found| found.measured).or_else(|| values.first().copied()),
        z: agreement.map(|found| found.z),
        holds: agreement.map(holds),
    }
}

#[cfg(test)]
mod tests {
    use crate::run::{Job, Use};
    use crate::scenario::{self, NoFiles, Source};

    #[test]
    fn what_is_too_rare_is_not_judged() {
        let known = |metric, value| super::Known { metric, model: String::new(), is_bound: false, value };
        assert!(super::is_enough(&known("wait_share", 0.5), 2000.0) && super::is_enough(&known("latency.mean", 5.0), 1000.0));
        assert!(!super::is_enough(&known("wait_share", 1e-10), 1e6) && !super::is_enough(&known("latency.mean", 5.0), 999.0));
    }

    #[test]
    fn a_run_agrees_with_the_theory_of_its_plan() {
        let text = r#"
            balancers = ["random", "round-robin", "central-queue", "least-connections"]
            [run]
            requests = 40000
            replications = 10
            [traffic]
            arrivals = { process = "poisson", load = 0.7 }
            work = { dist = "exponential", mean = "10ms" }
            [[backends]]
            count = 4
        "#;
        let loaded = scenario::load(&Source::new("test", text.as_bytes()), &[], &NoFiles).expect("the scenario is valid");
        let job = Job::new(&loaded).expect("it can be planned");
        let detail = job.run_for(Use::Drawing, 2, &|_| true).detail.expect("it was asked for");
        let counts: Vec<usize> = detail.results.iter().map(|result| result.theory.len()).collect();
        assert_eq!(counts, [4, 4, 2, 1]);
        for row in detail.results.iter().flat_map(|result| &result.theory) {
            assert_eq!(row.holds, Some(true), "{row:?}");
            assert_eq!(row.is_bound, row.z.is_some_and(|z| z > 3.9), "only the bound is not met exactly: {row:?}");
        }
    }
}
