//! From the records of a point to what is said of it: the same code as a run's, so the same numbers.
//!
//! What a run says of single backends is left out: a journal does not keep their latencies. A metric that was asked for by name is the mean over
//! replications with its interval, as rules of a gate read it; the latencies that every result has are those of all replications together.

use super::scene::Scene;
use crate::measure::compact::Unpacked;
use crate::measure::compare::{self, Comparison};
use crate::measure::metric::{Metric, UnknownMetric};
use crate::measure::result::ResultBuilder;
use crate::measure::summary::{ResultSummary, Summary};
use crate::measure::surface::{Figure, Shown};

/// What is shown where nobody asks for anything else.
pub const USUAL: [&str; 2] = ["latency.mean", "latency.p99"];

/// A point, judged.
#[derive(Clone, Debug)]
pub struct Judged {
    /// As `evenkeel run` has it, without single backends.
    pub summary: Summary,
    /// For each result: value and interval of each metric that was asked for.
    pub asked: Vec<Vec<Figure>>,
    /// Comparisons by those of them that a run does not compare.
    pub more: Vec<Comparison>,
}

/// Judges the records of a point: one list for each of its subjects, in order of replications.
///
/// # Errors
/// If there is no such metric.
pub fn judge(scene: &Scene, records: Vec<Vec<Unpacked>>, metrics: &[String]) -> Result<Judged, UnknownMetric> {
    let mut setup = scene.setup().clone();
    setup.replications = records.first().map_or(0, Vec::len) as u32;
    let (mut measured, mut asked) = (Vec::new(), Vec::new());
    for (subject, records) in scene.subjects().zip(records) {
        let mut builder = ResultBuilder::new(subject, metrics.iter().map(String::as_str))?;
        records.into_iter().for_each(|Unpacked { record, check }| builder.add_checked(record, check));
        let intervals: Vec<Option<_>> = metrics.iter().map(|metric| builder.interval(metric)).collect();
        let one = builder.finish();
        let figure = |(metric, interval): (&String, &Option<crate::measure::interval::Interval>)| {
            let quoted = interval.filter(|_| one.settled() || !is_mean_of_time(metric));
            Figure { value: quoted.map(|found| found.mean), half: quoted.and_then(|found| found.half), beats: Vec::new() }
        };
        asked.push(metrics.iter().zip(&intervals).map(figure).collect());
        measured.push(one);
    }
    let mut summary = Summary::of(&setup, &measured);
    summary.results.iter_mut().for_each(|result| result.backends.clear());
    let others: Vec<&str> = metrics.iter().map(String::as_str).filter(|metric| !compare::METRICS.contains(metric)).collect();
    let more = compare::by(&measured, &others);
    Ok(Judged { summary, asked, more })
}

fn is_mean_of_time(metric: &str) -> bool {
    Metric::parse(metric, &[]).is_ok_and(|metric| metric.is_mean_of_time())
}

/// The metrics that tables and charts show, as the first point knows them.
///
/// # Errors
/// If there is no such metric.
pub fn shown(scene: &Scene, metrics: &[String]) -> Result<Vec<Shown>, UnknownMetric> {
    let backends = scene.subjects().next().map(|subject| subject.backends).unwrap_or_default();
    let one = |path: &str| {
        Metric::parse(path, &backends).map(|metric| Shown { metric: path.to_owned(), unit: metric.unit(), better: metric.better() })
    };
    if metrics.is_empty() { USUAL.into_iter().map(one).collect() } else { metrics.iter().map(|path| one(path)).collect() }
}

/// Whether a metric needs what journals usually leave out.
#[must_use]
pub fn needs_backend_latencies(metrics: &[String]) -> bool {
    metrics.iter().any(|metric| metric.starts_with("backends.") && metric.contains(".latency."))
}

/// The figure of one of the latencies that every result has, as the result says it.
#[must_use]
pub fn of_result(result: &ResultSummary, metric: &str) -> Option<Figure> {
    let (latency, half) = (&result.latency_ms, &result.latency_ms_ci95);
    let (value, half) = match metric {
        "latency.mean" => (latency.mean, half.mean),
        "latency.p50" => (latency.p50, half.p50),
        "latency.p90" => (latency.p90, half.p90),
        "latency.p95" => (latency.p95, half.p95),
        "latency.p99" => (latency.p99, half.p99),
        "latency.p99.9" => (latency.p99_9, half.p99_9),
        _ => return None,
    };
    Some(Figure { value, half, beats: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::super::plan::tests::load;
    use super::*;
    use crate::measure::compact;
    use crate::measure::result;

    /// Every cell of a job, packed and unpacked.
    fn records(job: &crate::run::Job) -> Vec<Vec<Unpacked>> {
        let cell = |result, replication| {
            let record = job.cell(result, replication, &|_| true).expect("nobody interrupts");
            compact::unpack(&compact::pack(&record, result::check(&record), false)).expect("packed just now")
        };
        job.results().into_iter().map(|result| (0..job.replications()).map(|replication| cell(result, replication)).collect()).collect()
    }

    #[test]
    fn it_says_what_a_run_says() {
        let job = load(&[]).expect("it can be planned");
        let mut expected = job.run(1, &|_| true).summary.expect("nobody interrupts");
        expected.results.iter_mut().for_each(|result| result.backends.clear());
        let judged = judge(&Scene::of(&job), records(&job), &[]).expect("nothing is asked for");
        assert_eq!(judged.summary, expected);
        assert_eq!(of_result(&expected.results[0], "latency.p99").and_then(|figure| figure.value), expected.results[0].latency_ms.p99);
        assert_eq!(of_result(&expected.results[0], "success_rate"), None);
    }

    #[test]
    fn metrics_are_found_by_name_and_compared() {
        let job = load(&[]).expect("it can be planned");
        let metrics = ["fairness.jain_requests".to_owned(), "latency.p99".to_owned()];
        let judged = judge(&Scene::of(&job), records(&job), &metrics).expect("they exist");
        assert!(judged.asked.iter().all(|figures| figures.len() == 2 && figures[0].value.is_some_and(|value| value > 0.5)));
        assert_eq!(judged.more.iter().map(|one| one.metric.as_str()).collect::<Vec<_>>(), ["fairness.jain_requests"]);
        assert!(judge(&Scene::of(&job), records(&job), &["latency.p9g".to_owned()]).is_err());
        assert!(shown(&Scene::of(&job), &["p99".to_owned()]).is_err());
        assert_eq!(shown(&Scene::of(&job), &[]).expect("they exist").len(), 2);
        assert!(needs_backend_latencies(&["backends.web-0.latency.p99".to_owned()]) && !needs_backend_latencies(&metrics));
    }
}
