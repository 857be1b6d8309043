//! The replications of one balancer, merged as they come.
//!
//! A record of 100,000 backends is large, so none is kept: [`ResultBuilder::add`] sums its counts, merges its histograms and
//! remembers only the values that intervals and comparisons are made of, one number each per replication. What is merged is a
//! [`Record`] again (its window as long as all windows together), from which the result's numbers are read by the same
//! code that reads one replication's.

use super::closeup::Closeup;
use super::detail::ResultDetail;
use super::entries::Figure;
use super::histogram::Fine;
use super::interval::{self, Interval};
use super::merge::merge;
use super::metric::{Metric, UnknownMetric};
use super::record::{BackendRecord, Failure, FaultRecord, Loop, Record, ServiceRecord};
use super::setup::{Fault, Subject};
use super::summary::{
    BackendSummary, Errors, Fairness, FaultSummary, Latency, LatencyInterval, Requests, ResultSummary, ServiceSummary, Short, Work,
};
use super::value;
use super::warmup::{self, Check};

/// What is remembered of each replication in any case: what comparisons and printed intervals need.
const ALWAYS: [&str; 8] =
    ["latency.mean", "latency.p50", "latency.p99", "success_rate", "throughput_rps", "latency.p90", "latency.p95", "latency.p99.9"];

/// Merges the replications of one balancer, in order.
#[derive(Clone, Debug)]
pub struct ResultBuilder {
    subject: Subject,
    total: Record,
    values: Vec<(Metric, Vec<Option<f64>>)>,
    watched: Vec<Watched>,
    checks: Vec<Check>,
    overloaded: u32,
    closeup: Option<Box<Closeup>>,
}

/// One balancer in one variant, measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// What it is of.
    pub subject: Subject,
    /// What is said of it.
    pub result: ResultSummary,
    /// Latencies of succeeded requests, of all replications.
    pub latency: Fine,
    /// Times to failure of failed ones.
    pub failed_latency: Fine,
    /// Waits of succeeded ones.
    pub wait: Fine,
    /// What the warm-up check and the overload test said.
    pub health: Health,
    /// Events taken in all replications.
    pub events: u64,
    /// A hash of every decision and outcome of all replications, in order.
    pub fingerprint: u64,
    /// What is drawn, where the records have it.
    pub detail: Option<ResultDetail>,
    values: Vec<(Metric, Vec<Option<f64>>)>,
    watched: Vec<Watched>,
}

/// A number of a part of the requests (see [`super::scoped`]), in each replication.
#[derive(Clone, Debug)]
struct Watched {
    scope: usize,
    metric: Metric,
    values: Vec<Option<f64>>,
}

/// How the replications went.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Health {
    /// Replications.
    pub replications: u32,
    /// Of them, those whose warm-up was too short.
    pub not_reached: u32,
    /// The greatest share that one of those would have had to drop.
    pub drop: f64,
    /// Of them, those that never settle, the overloaded among them.
    pub unsettled: u32,
    /// Replications that became overloaded.
    pub overloaded: u32,
}

impl Health {
    /// Whether there is a mean worth quoting: not if most replications never settle.
    fn settled(&self) -> bool {
        2 * self.unsettled <= self.replications
    }
}

impl ResultBuilder {
    /// Starts empty, remembering also the `watched` metrics of each replication (of `run.precision` and a gate's rules).
    ///
    /// # Errors
    /// Says which of them there is no such metric.
    pub fn new<'a>(subject: Subject, watched: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownMetric> {
        let mut values: Vec<(Metric, Vec<Option<f64>>)> = Vec::new();
        for path in ALWAYS.into_iter().chain(watched) {
            if values.iter().all(|(metric, _)| metric.path() != path) {
                values.push((Metric::parse(path, &subject.backends)?, Vec::new()));
            }
        }
        Ok(Self { subject, total: Record::default(), values, watched: Vec::new(), checks: Vec::new(), overloaded: 0, closeup: None })
    }

    /// Remembers one more metric of each replication: of all requests, or of a part of them by its place among those of the records.
    ///
    /// # Errors
    /// Says that there is no such metric here.
    pub fn watch(&mut self, scope: Option<usize>, path: &str) -> Result<(), UnknownMetric> {
        let metric = Metric::parse(path, &self.subject.backends)?;
        match scope {
            None if values_of(&self.values, path).is_none() => self.values.push((metric, Vec::new())),
            Some(scope) if watched_of(&self.watched, scope, path).is_none() => {
                self.watched.push(Watched { scope, metric, values: Vec::new() });
            }
            None | Some(_) => {}
        }
        Ok(())
    }

    /// Adds the next replication.
    pub fn add(&mut self, record: Record) {
        let check = check(&record);
        self.add_checked(record, check);
    }

    /// Adds the next replication, whose warm-up was checked when its batches were at hand.
    pub fn add_checked(&mut self, mut record: Record, check: Check) {
        for (metric, values) in &mut self.values {
            values.push(metric.of(&record, &self.subject));
        }
        for Watched { scope, metric, values } in &mut self.watched {
            values.push(record.scopes.get(*scope).and_then(|part| metric.of(part, &self.subject)));
        }
        self.checks.push(check);
        self.overloaded += u32::from(record.overloaded_at.is_some());
        if let Some(closeup) = record.closeup.take() {
            match &mut self.closeup {
                Some(all) => all.add(*closeup, &self.subject.backends),
                None => self.closeup = Some(closeup),
            }
        }
        merge(&mut self.total, record);
    }

    /// How many replications were added.
    #[must_use]
    pub fn replications(&self) -> usize {
        self.checks.len()
    }

    /// The mean of a watched metric over the replications so far, with its interval: what `run.precision` waits for.
    #[must_use]
    pub fn interval(&self, path: &str) -> Option<Interval> {
        let present: Vec<f64> = values_of(&self.values, path)?.iter().copied().flatten().collect();
        Interval::over(&present)
    }

    /// What it is of.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The values of a watched metric so far, one for each replication; `None` if it is not watched.
    #[must_use]
    pub fn values(&self, scope: Option<usize>, path: &str) -> Option<&[Option<f64>]> {
        scope.map_or_else(|| values_of(&self.values, path), |scope| watched_of(&self.watched, scope, path))
    }

    /// What is said of all that was added.
    #[must_use]
    pub fn finish(self) -> Measured {
        let health = self.health();
        let mut result = self.result(&health);
        let settled = health.settled();
        if !settled {
            forget_means(&mut result);
        }
        let Subject { backends, sources, .. } = &self.subject;
        let detail = self.closeup.map(|closeup| closeup.detail(&self.total, settled, backends, sources));
        let Record { latency, failed_latency, wait, events, fingerprint, .. } = self.total;
        Measured {
            subject: self.subject,
            result,
            latency,
            failed_latency,
            wait,
            health,
            events,
            fingerprint,
            detail,
            values: self.values,
            watched: self.watched,
        }
    }

    fn health(&self) -> Health {
        let count = |wanted: fn(&Check) -> bool| self.checks.iter().filter(|check| wanted(check)).count() as u32;
        Health {
            replications: self.checks.len() as u32,
            not_reached: count(|check| !check.reached),
            drop: self.checks.iter().filter(|check| !check.reached).map(|check| check.drop).fold(0.0, f64::max),
            unsettled: count(|check| !check.settled),
            overloaded: self.overloaded,
        }
    }

    fn result(&self, health: &Health) -> ResultSummary {
        let total = &self.total;
        let number = |path: &str| self.number(path);
        let mut all = total.latency.clone();
        all.merge(&total.failed_latency);
        ResultSummary {
            balancer: self.subject.balancer.clone(),
            kind: self.subject.kind.clone(),
            variant: self.subject.variant.clone(),
            requests: requests(total),
            latency_ms: latency(&total.latency),
            latency_ms_ci95: self.intervals(),
            latency_all_ms: short(&all),
            wait_ms: short(&total.wait),
            wait_share: number("wait_share"),
            warmup_reached: 2 * health.not_reached <= health.replications,
            overloaded_at_s: number("overloaded_at_s"),
            duration_s: total.end.as_secs_f64() / f64::from(health.replications.max(1)),
            throughput_rps: number("throughput_rps"),
            goodput_rps: number("goodput_rps"),
            success_rate: number("success_rate"),
            fairness: self.fairness(),
            in_system_mean: number("in_system_mean"),
            amplification: number("amplification"),
            work: work(total, number("work.wasted_share")),
            faults: self.total.faults.iter().zip(self.subject.faults.iter()).map(fault).collect(),
            services: self.services(),
            backends: self.backends(),
        }
    }

    /// A number of the merged replications.
    fn number(&self, path: &str) -> Option<f64> {
        let metric = Metric::parse(path, &[]).expect("names in this file are in the list of metrics");
        metric.of(&self.total, &self.subject)
    }

    fn intervals(&self) -> LatencyInterval {
        let half = |path: &str| interval::half_width(values_of(&self.values, path)?);
        LatencyInterval {
            mean: half("latency.mean"),
            p50: half("latency.p50"),
            p90: half("latency.p90"),
            p95: half("latency.p95"),
            p99: half("latency.p99"),
            p99_9: half("latency.p99.9"),
        }
    }

    fn fairness(&self) -> Fairness {
        Fairness {
            jain_requests: self.number("fairness.jain_requests"),
            jain_utilization: self.number("fairness.jain_utilization"),
            peak_to_mean_requests: self.number("fairness.peak_to_mean_requests"),
            cov_requests: self.number("fairness.cov_requests"),
            gini_requests: self.number("fairness.gini_requests"),
            peak_to_mean_in_flight: self.number("fairness.peak_to_mean_in_flight"),
            jain_client_latency: self.number("fairness.jain_client_latency"),
            peak_to_mean_utilization: self.number("fairness.peak_to_mean_utilization"),
            cov_utilization: self.number("fairness.cov_utilization"),
            gini_utilization: self.number("fairness.gini_utilization"),
            jain_in_flight: self.number("fairness.jain_in_flight"),
            cov_in_flight: self.number("fairness.cov_in_flight"),
            gini_in_flight: self.number("fairness.gini_in_flight"),
        }
    }

    fn services(&self) -> Vec<ServiceSummary> {
        let total = &self.total;
        let path: u128 = total.services.iter().map(|service| service.path).sum();
        let one = |(record, name): (&ServiceRecord, &String)| ServiceSummary {
            name: name.clone(),
            requests: record.requests,
            failed: record.requests - record.succeeded,
            attempts: record.attempts,
            retries: record.retries,
            success_rate: value::over(record.succeeded as f64, record.requests as f64),
            amplification: value::over(record.attempts as f64, total.offered as f64),
            latency_ms: short(&record.latency),
            critical_share: value::over(record.path as f64, path as f64),
        };
        total.services.iter().zip(self.subject.services.iter()).map(one).collect()
    }

    fn backends(&self) -> Vec<BackendSummary> {
        let total = &self.total;
        let (sent, window) = (value::sent(total) as f64, value::window(total));
        let one = |(record, known): (&BackendRecord, &super::setup::Backend)| BackendSummary {
            name: known.name.clone(),
            requests: record.requests,
            share: value::over(record.requests as f64, sent),
            utilization: value::utilization(total, record, known),
            in_flight_mean: value::over(record.in_flight_area as f64, window),
            in_flight_max: record.in_flight_max,
            latency_ms: Short {
                mean: value::over(record.latency_sum as f64 / 1e6, record.answered as f64),
                ..record.latency.as_ref().map_or_else(Short::default, short)
            },
        };
        total.backends.iter().zip(self.subject.backends.iter()).map(one).collect()
    }
}

impl Measured {
    /// The values of a remembered metric, one for each replication; `None` if it was not watched.
    #[must_use]
    pub fn values(&self, path: &str) -> Option<&[Option<f64>]> {
        values_of(&self.values, path)
    }

    /// The values of a remembered metric of a part of the requests; of all of them, without a part.
    #[must_use]
    pub fn values_in(&self, scope: Option<usize>, path: &str) -> Option<&[Option<f64>]> {
        scope.map_or_else(|| self.values(path), |scope| watched_of(&self.watched, scope, path))
    }

    /// Whether it has a mean latency worth quoting: not if it never settles.
    #[must_use]
    pub fn settled(&self) -> bool {
        self.health.settled()
    }
}

fn values_of<'a>(values: &'a [(Metric, Vec<Option<f64>>)], path: &str) -> Option<&'a [Option<f64>]> {
    values.iter().find(|(metric, _)| metric.path() == path).map(|(_, values)| values.as_slice())
}

fn watched_of<'a>(watched: &'a [Watched], scope: usize, path: &str) -> Option<&'a [Option<f64>]> {
    watched.iter().find(|one| one.scope == scope && one.metric.path() == path).map(|one| one.values.as_slice())
}

/// The warm-up check of a cell. One that became overloaded never settles, even where most of its backends do: the latencies of
/// the others grow as long as it runs.
#[must_use]
pub fn check(record: &Record) -> Check {
    let found = warmup::check(&record.batches.means(), record.warmup_share);
    if record.overloaded_at.is_some() { Check { reached: false, settled: false, ..found } } else { found }
}

/// The mean of a series that never settles depends on where it was cut: it is not quoted.
fn forget_means(result: &mut ResultSummary) {
    (result.latency_ms.mean, result.latency_ms.stddev) = (None, None);
    (result.latency_ms_ci95.mean, result.latency_all_ms.mean, result.wait_ms.mean) = (None, None, None);
}

fn work(total: &Record, wasted_share: Option<f64>) -> Work {
    let seconds = |time: u128| wasted_share.map(|_| time as f64 / 1e9);
    Work { useful_s: seconds(total.useful), wasted_s: seconds(total.wasted), lost_s: seconds(total.lost), wasted_share }
}

fn fault((record, known): (&FaultRecord, &Fault)) -> FaultSummary {
    // What was less than before is no more than none.
    let count = |value: f64| value.round().max(0.0) as u64;
    let most = record.metastable.iter().max().copied().filter(|&most| most > 0);
    FaultSummary {
        name: known.name.clone(),
        kind: known.kind.clone(),
        occurrences: record.occurrences,
        detect_s: value::over(record.notice_time as f64 / 1e9, record.noticed as f64),
        recover_s: value::over(record.recover_time as f64 / 1e9, record.recovered as f64),
        recovered: value::over(record.recovered as f64, record.judged as f64),
        failed: count(record.failed),
        delayed: count(record.delayed),
        load_moved: value::over(record.moved.0, record.moved.1 as f64),
        metastable: Loop::ALL.into_iter().find(|&what| Some(record.metastable[what as usize]) == most),
    }
}

fn requests(total: &Record) -> Requests {
    let errors = |failure: Failure| total.failures[failure as usize];
    Requests {
        offered: total.offered,
        succeeded: total.succeeded,
        failed: total.failed,
        unfinished: total.unfinished,
        attempts: total.attempts,
        retries: total.retries,
        hedges: total.hedges,
        errors: Errors {
            timeout: errors(Failure::Timeout),
            refused: errors(Failure::Refused),
            error: errors(Failure::Error),
            crashed: errors(Failure::Crashed),
            no_backend: errors(Failure::NoBackend),
            shed: errors(Failure::Shed),
        },
    }
}

fn latency(histogram: &Fine) -> Latency {
    let quantile = |share: f64| Figure::Quantile(share).of(histogram);
    Latency {
        mean: Figure::Mean.of(histogram),
        stddev: Figure::Stddev.of(histogram),
        min: Figure::Min.of(histogram),
        p50: quantile(0.5),
        p75: quantile(0.75),
        p90: quantile(0.9),
        p95: quantile(0.95),
        p99: quantile(0.99),
        p99_9: quantile(0.999),
        p99_99: quantile(0.9999),
        max: Figure::Max.of(histogram),
    }
}

fn short<const BITS: u32>(histogram: &super::histogram::Histogram<BITS>) -> Short {
    Short { mean: Figure::Mean.of(histogram), p50: Figure::Quantile(0.5).of(histogram), p99: Figure::Quantile(0.99).of(histogram) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::setup::Backend;
    use crate::time::{SimTime, Span};

    fn subject() -> Subject {
        let backend = |name: &str| Backend { name: name.into(), capacity: 1.0, workers: Some(1), ..Backend::default() };
        Subject { balancer: "p2c".into(), kind: "power-of-d".into(), backends: [backend("a"), backend("b")].into(), ..Subject::default() }
    }

    /// Two seconds, two requests of so many milliseconds at the first backend and one of 1 ms at the second.
    fn record(ms: u64) -> Record {
        let mut record = Record {
            offered: 3,
            succeeded: 3,
            attempts: 3,
            window_start: SimTime(1_000_000_000),
            window_end: SimTime(3_000_000_000),
            end: SimTime(4_000_000_000 + ms * 1_000_000),
            in_system_area: 4_000_000_000,
            ..Record::default()
        };
        let mut backends = vec![BackendRecord::default(), BackendRecord::default()];
        for (at, ms) in [(0, ms), (0, ms), (1, 1)] {
            record.latency.record(ms * 1_000_000);
            backends[at].requests += 1;
            backends[at].answered += 1;
            backends[at].latency_sum += u128::from(ms) * 1_000_000;
            backends[at].busy_area += 500_000_000;
            backends[at].in_flight_max = ms;
        }
        record.backends = backends;
        record
    }

    fn built(records: Vec<Record>) -> Measured {
        let mut builder = ResultBuilder::new(subject(), ["backends.a.share"]).expect("a known metric");
        records.into_iter().for_each(|record| builder.add(record));
        builder.finish()
    }

    #[test]
    fn counts_are_summed_and_rates_are_over_all_windows() {
        let result = built(vec![record(10), record(20)]).result;
        assert_eq!((result.requests.offered, result.requests.succeeded), (6, 6));
        assert_eq!(result.throughput_rps, Some(1.5));
        assert_eq!(result.in_system_mean, Some(2.0));
        assert_eq!(result.duration_s, 4.015);
        assert_eq!(result.latency_ms.mean, Some(62.0 / 6.0));
        assert_eq!(result.latency_ms.max, Some(20.0));
        assert_eq!(result.backends[0].requests, 4);
        assert_eq!(result.backends[0].utilization, Some(0.5));
        assert_eq!(result.backends[0].latency_ms.mean, Some(15.0));
        assert_eq!(result.backends[0].in_flight_max, 20);
        assert_eq!(result.backends[1].share, Some(2.0 / 6.0));
        // 4 and 2: 36 ÷ (2·20).
        assert_eq!(result.fairness.jain_requests, Some(0.9));
        assert_eq!(result.fairness.jain_client_latency, None);
    }

    #[test]
    fn intervals_come_from_replications() {
        let measured = built(vec![record(10), record(20)]);
        assert_eq!(measured.values("latency.mean"), Some([Some(7.0), Some(41.0 / 3.0)].as_slice()));
        assert_eq!(measured.values("backends.a.share"), Some([Some(2.0 / 3.0); 2].as_slice()));
        // Two values, 20/3 apart: half of that times t₁ = 12.706.
        let half = measured.result.latency_ms_ci95.mean.expect("two replications");
        assert!((half - 10.0 / 3.0 * 12.706_204_736_174_705).abs() < 1e-9);
        assert_eq!(built(vec![record(10)]).result.latency_ms_ci95, LatencyInterval::default());
    }

    #[test]
    fn nothing_measured_has_no_numbers() {
        let result = built(vec![Record::default()]).result;
        assert_eq!((result.latency_ms.mean, result.success_rate, result.throughput_rps), (None, None, None));
        assert!(result.warmup_reached && result.backends.is_empty());
    }

    #[test]
    fn a_drifting_result_has_no_mean_but_percentiles() {
        let drifting = || {
            let mut record = record(10);
            (0..2000).for_each(|at| record.batches.push(Span(at * 1_000_000)));
            record.warmup_share = 0.1;
            record.overloaded_at = Some(SimTime(5_000_000_000));
            record
        };
        let measured = built(vec![drifting(), drifting()]);
        assert_eq!((measured.health.not_reached, measured.health.unsettled, measured.health.overloaded), (2, 2, 2));
        let result = measured.result;
        assert!(!result.warmup_reached);
        assert_eq!((result.latency_ms.mean, result.latency_ms_ci95.mean, result.wait_ms.mean), (None, None, None));
        assert!(result.latency_ms.p99.is_some() && result.latency_ms_ci95.p99.is_some());
        assert_eq!(result.overloaded_at_s, Some(5.0));
    }

    #[test]
    fn one_cell_in_three_raises_no_alarm() {
        let mut drifting = record(10);
        (0..2000).for_each(|at| drifting.batches.push(Span(at * 1_000_000)));
        assert!(built(vec![record(10), drifting, record(10)]).result.warmup_reached);
    }

    #[test]
    fn precision_can_be_asked_while_it_is_built() {
        let mut builder = ResultBuilder::new(subject(), ["errors.shed"]).expect("a known metric");
        assert_eq!(builder.interval("latency.p99"), None);
        builder.add(record(10));
        builder.add(record(10));
        assert_eq!(builder.interval("latency.p99").and_then(|found| found.relative()), Some(0.0));
        assert!(builder.interval("errors.shed").is_some() && builder.interval("retries").is_none());
        assert!(ResultBuilder::new(subject(), ["latency.p99x"]).is_err());
    }
}
