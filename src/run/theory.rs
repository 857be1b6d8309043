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
    known(plan, balancer).into_iter().map(|known| row(known, measured)).collect()
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
