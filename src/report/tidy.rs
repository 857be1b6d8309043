//! The report's numbers as tidy CSV: one observation a row, one kind of value a column, for data frames and databases.
//!
//! RFC 4180 with plain line feeds and a head; what does not exist is an empty cell, never a word, so that columns of numbers are read as numbers. Names cannot be formulas
//! (see [`super::neutral`]). Units end the columns' names. docs/src/report-data.md describes every column.

use super::neutral;
use crate::measure::detail::{Detail, ResultDetail};
use crate::measure::summary::{ResultSummary, Summary};
use std::fmt::{Debug, Write};

/// A table being written.
struct Table {
    text: String,
}

impl Table {
    fn new(head: &str) -> Self {
        Self { text: format!("{head}\n") }
    }

    /// A row that begins with names and counts.
    fn row(&mut self, names: &str, cells: &[Option<f64>]) {
        self.text.push_str(names);
        cells.iter().for_each(|cell| self.text += &format!(",{}", number(*cell)));
        self.text.push('\n');
    }
}

/// The shortest that reads back the same, with a point (or an exponent) in it: a column of whole values is one of real numbers all the same.
fn number<T: Debug + Into<f64> + Copy>(value: Option<T>) -> String {
    value.filter(|value| (*value).into().is_finite()).map_or_else(String::new, |value| format!("{value:?}"))
}

/// `variant,balancer`.
fn names(result: &ResultSummary) -> String {
    format!("{},{}", neutral::csv(result.variant.as_deref().unwrap_or("")), neutral::csv(&result.balancer))
}

/// Each result's numbers, one a row: `data/summary.csv`.
#[must_use]
pub fn summary(summary: &Summary) -> String {
    let mut table = Table::new("variant,balancer,metric,value,ci95");
    for result in &summary.results {
        let names = names(result);
        for (metric, value, ci95) in numbers(result) {
            table.row(&format!("{names},{metric}"), &[value, ci95]);
        }
    }
    table.text
}

/// By the paths that rules and comparisons use.
fn numbers(result: &ResultSummary) -> Vec<(&'static str, Option<f64>, Option<f64>)> {
    let (requests, latency, interval, fairness) = (&result.requests, &result.latency_ms, &result.latency_ms_ci95, &result.fairness);
    let count = |name, count: u64| (name, Some(count as f64), None);
    let plain = |name, value: Option<f64>| (name, value, None);
    vec![
        count("offered", requests.offered),
        count("succeeded", requests.succeeded),
        count("failed", requests.failed),
        count("unfinished", requests.unfinished),
        count("attempts", requests.attempts),
        count("retries", requests.retries),
        count("hedges", requests.hedges),
        count("errors.timeout", requests.errors.timeout),
        count("errors.refused", requests.errors.refused),
        count("errors.error", requests.errors.error),
        count("errors.crashed", requests.errors.crashed),
        count("errors.no-backend", requests.errors.no_backend),
        count("errors.shed", requests.errors.shed),
        ("latency.mean", latency.mean, interval.mean),
        plain("latency.stddev", latency.stddev),
        plain("latency.min", latency.min),
        ("latency.p50", latency.p50, interval.p50),
        plain("latency.p75", latency.p75),
        ("latency.p90", latency.p90, interval.p90),
        ("latency.p95", latency.p95, interval.p95),
        ("latency.p99", latency.p99, interval.p99),
        ("latency.p99.9", latency.p99_9, interval.p99_9),
        plain("latency.p99.99", latency.p99_99),
        plain("latency.max", latency.max),
        plain("latency_all.mean", result.latency_all_ms.mean),
        plain("latency_all.p50", result.latency_all_ms.p50),
        plain("latency_all.p99", result.latency_all_ms.p99),
        plain("wait.mean", result.wait_ms.mean),
        plain("wait.p50", result.wait_ms.p50),
        plain("wait.p99", result.wait_ms.p99),
        plain("wait_share", result.wait_share),
        plain("overloaded_at_s", result.overloaded_at_s),
        plain("duration_s", Some(result.duration_s)),
        plain("throughput_rps", result.throughput_rps),
        plain("goodput_rps", result.goodput_rps),
        plain("success_rate", result.success_rate),
        plain("fairness.jain_requests", fairness.jain_requests),
        plain("fairness.jain_utilization", fairness.jain_utilization),
        plain("fairness.peak_to_mean_requests", fairness.peak_to_mean_requests),
        plain("fairness.cov_requests", fairness.cov_requests),
        plain("fairness.gini_requests", fairness.gini_requests),
        plain("fairness.peak_to_mean_in_flight", fairness.peak_to_mean_in_flight),
        plain("fairness.jain_client_latency", fairness.jain_client_latency),
        plain("in_system_mean", result.in_system_mean),
        plain("amplification", result.amplification),
        plain("work.wasted_share", result.work.wasted_share),
    ]
}

/// Each backend of each result: `data/backends.csv`.
#[must_use]
pub fn backends(summary: &Summary) -> String {
    let mut table = Table::new(
        "variant,balancer,backend,requests,in_flight_max,share,utilization,in_flight_mean,latency_mean_ms,latency_p50_ms,latency_p99_ms",
    );
    for result in &summary.results {
        let names = names(result);
        for backend in &result.backends {
            let latency = &backend.latency_ms;
            table.row(
                &format!("{names},{},{},{}", neutral::csv(&backend.name), backend.requests, backend.in_flight_max),
                &[backend.share, backend.utilization, backend.in_flight_mean, latency.mean, latency.p50, latency.p99],
            );
        }
    }
    table.text
}

/// Each result with what is drawn of it.
fn drawn<'a>(summary: &'a Summary, detail: &'a Detail) -> impl Iterator<Item = (&'a ResultSummary, &'a ResultDetail)> {
    summary.results.iter().zip(&detail.results)
}

/// Each window of each result: `data/windows.csv`.
#[must_use]
pub fn windows(summary: &Summary, detail: &Detail) -> String {
    let mut table = Table::new(
        "variant,balancer,start_s,end_s,offered_rps,goodput_rps,error_share,latency_mean_ms,latency_p50_ms,latency_p99_ms,amplification,\
         in_flight,utilization,jain_requests,peak_to_mean_in_flight",
    );
    for (result, of) in drawn(summary, detail) {
        let (names, windows) = (names(result), &of.windows);
        for at in 0..windows.len() {
            let [start, end] = windows.span_s(at);
            let cells = [
                Some(start),
                Some(end),
                Some(windows.offered_rps[at]),
                Some(windows.goodput_rps[at]),
                windows.errors[at],
                windows.mean_ms[at],
                windows.p50_ms[at],
                windows.p99_ms[at],
                windows.amplification[at],
                Some(windows.in_flight[at]),
                windows.utilization[at],
                windows.jain_requests[at],
                windows.peak_to_mean_in_flight[at],
            ];
            table.row(&names, &cells);
        }
    }
    table.text
}

/// Each backend in each window of each result: `data/backend-windows.csv`.
#[must_use]
pub fn backend_windows(summary: &Summary, detail: &Detail) -> String {
    let mut table = Table::new("variant,balancer,backend,start_s,end_s,sent_rps,in_flight,utilization");
    for (result, of) in drawn(summary, detail) {
        let windows = &of.windows;
        let spans: Vec<String> = (0..windows.len()).map(|at| windows.span_s(at)).map(|[start, end]| format!("{start:?},{end:?}")).collect();
        for (backend, series) in result.backends.iter().zip(&windows.backends) {
            let names = format!("{},{}", names(result), neutral::csv(&backend.name));
            for (at, span) in spans.iter().enumerate() {
                let utilization = series.utilization.as_ref().map(|all| all[at]);
                let [sent, in_flight] = [series.sent_rps[at], series.in_flight[at]].map(|value| number(Some(value)));
                let _ = writeln!(table.text, "{names},{span},{sent},{in_flight},{}", number(utilization));
            }
        }
    }
    table.text
}

/// The curve of latency by percentile of each result: `data/percentiles.csv`.
#[must_use]
pub fn percentiles(summary: &Summary, detail: &Detail) -> String {
    let mut table = Table::new("variant,balancer,beyond,share,latency_ms,ci95_ms");
    for (result, of) in drawn(summary, detail) {
        let names = names(result);
        for point in &of.percentiles {
            table.row(&format!("{names},{}", point.beyond), &[Some(point.share), Some(point.ms), point.ci95_ms]);
        }
    }
    table.text
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    /// The cells of a line, as RFC 4180 has them.
    fn cells(line: &str) -> Vec<String> {
        let (mut cells, mut quoted) = (vec![String::new()], false);
        for c in line.chars() {
            match c {
                '"' => quoted = !quoted,
                ',' if !quoted => cells.push(String::new()),
                c => cells.last_mut().expect("there is one at least").push(c),
            }
        }
        cells
    }

    #[test]
    fn every_row_has_the_columns_of_its_head_and_numbers_are_numbers() {
        for summary in [sample::summary(), sample::hostile()] {
            let detail = sample::detail(&summary);
            for (text, names) in [
                (super::summary(&summary), 3),
                (backends(&summary), 3),
                (windows(&summary, &detail), 2),
                (backend_windows(&summary, &detail), 3),
                (percentiles(&summary, &detail), 2),
            ] {
                let mut lines = text.lines();
                let head = cells(lines.next().expect("there is a head"));
                let mut rows = 0;
                for line in lines {
                    let row = cells(line);
                    assert_eq!(row.len(), head.len(), "{line}");
                    assert!(row[names..].iter().all(|cell| cell.is_empty() || cell.parse::<f64>().is_ok()), "{line}");
                    rows += 1;
                }
                assert!(rows > 0 && text.ends_with('\n'));
            }
        }
    }

    #[test]
    fn whole_values_of_a_column_of_reals_are_reals() {
        assert_eq!([Some(2.0), Some(0.1), Some(1e-9), Some(f64::NAN), None].map(number), ["2.0", "0.1", "1e-9", "", ""]);
        assert_eq!([Some(0.1_f32), Some(3.0)].map(number), ["0.1", "3.0"]);
    }

    #[test]
    fn hostile_names_run_nothing_and_stay_in_their_cell() {
        let text = super::summary(&sample::hostile());
        assert!(!text.contains('\u{1b}') && !text.contains('\r'));
    }

    #[test]
    fn the_metrics_are_those_that_rules_name() {
        let summary = sample::summary();
        for (name, ..) in numbers(&summary.results[0]) {
            assert!(crate::measure::metric::Metric::parse(name, &[]).is_ok(), "{name}");
        }
    }
}
