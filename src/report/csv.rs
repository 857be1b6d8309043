//! One row for each balancer and variant, all its numbers in columns: for spreadsheets and data frames.
//!
//! RFC 4180 with plain line feeds; what does not exist is an empty cell. Text cells cannot be formulas (see [`super::neutral`]);
//! numbers are numbers, negative ones too.

use super::neutral;
use crate::measure::summary::{ResultSummary, Summary};

/// A cell of a column.
enum Cell<'a> {
    Text(&'a str),
    Number(Option<f64>),
    Count(u64),
    Flag(bool),
}

impl Cell<'_> {
    fn write(&self) -> String {
        match self {
            Self::Text(text) => neutral::csv(text),
            Self::Number(None) => String::new(),
            Self::Number(Some(value)) => value.to_string(),
            Self::Count(count) => count.to_string(),
            Self::Flag(flag) => flag.to_string(),
        }
    }
}

/// All results of these scenarios, with one head.
#[must_use]
pub fn results(summaries: &[Summary]) -> String {
    let mut text = String::new();
    for summary in summaries {
        for result in &summary.results {
            let row = row(summary, result);
            if text.is_empty() {
                line(&mut text, row.iter().map(|(name, _)| (*name).to_owned()));
            }
            line(&mut text, row.iter().map(|(_, cell)| cell.write()));
        }
    }
    text
}

/// Names and cells of one result's columns, for rows that have more of them.
pub(super) fn columns(summary: &Summary, result: &ResultSummary) -> Vec<(&'static str, String)> {
    row(summary, result).into_iter().map(|(name, cell)| (name, cell.write())).collect()
}

pub(super) fn line(text: &mut String, cells: impl Iterator<Item = String>) {
    text.push_str(&cells.collect::<Vec<_>>().join(","));
    text.push('\n');
}

/// The columns, named as in the JSON with underscores for dots.
fn row<'a>(summary: &'a Summary, result: &'a ResultSummary) -> Vec<(&'static str, Cell<'a>)> {
    let (requests, errors) = (&result.requests, &result.requests.errors);
    let (latency, interval, fairness) = (&result.latency_ms, &result.latency_ms_ci95, &result.fairness);
    vec![
        ("scenario", Cell::Text(summary.scenario.title.as_deref().unwrap_or(""))),
        ("balancer", Cell::Text(&result.balancer)),
        ("kind", Cell::Text(&result.kind)),
        ("variant", Cell::Text(result.variant.as_deref().unwrap_or(""))),
        ("seed", Cell::Count(summary.scenario.seed)),
        ("replications", Cell::Count(summary.scenario.replications.into())),
        ("offered", Cell::Count(requests.offered)),
        ("succeeded", Cell::Count(requests.succeeded)),
        ("failed", Cell::Count(requests.failed)),
        ("unfinished", Cell::Count(requests.unfinished)),
        ("attempts", Cell::Count(requests.attempts)),
        ("retries", Cell::Count(requests.retries)),
        ("hedges", Cell::Count(requests.hedges)),
        ("errors_timeout", Cell::Count(errors.timeout)),
        ("errors_refused", Cell::Count(errors.refused)),
        ("errors_error", Cell::Count(errors.error)),
        ("errors_crashed", Cell::Count(errors.crashed)),
        ("errors_no_backend", Cell::Count(errors.no_backend)),
        ("errors_shed", Cell::Count(errors.shed)),
        ("latency_mean_ms", Cell::Number(latency.mean)),
        ("latency_stddev_ms", Cell::Number(latency.stddev)),
        ("latency_min_ms", Cell::Number(latency.min)),
        ("latency_p50_ms", Cell::Number(latency.p50)),
        ("latency_p75_ms", Cell::Number(latency.p75)),
        ("latency_p90_ms", Cell::Number(latency.p90)),
        ("latency_p95_ms", Cell::Number(latency.p95)),
        ("latency_p99_ms", Cell::Number(latency.p99)),
        ("latency_p99_9_ms", Cell::Number(latency.p99_9)),
        ("latency_p99_99_ms", Cell::Number(latency.p99_99)),
        ("latency_max_ms", Cell::Number(latency.max)),
        ("latency_mean_ci95_ms", Cell::Number(interval.mean)),
        ("latency_p50_ci95_ms", Cell::Number(interval.p50)),
        ("latency_p90_ci95_ms", Cell::Number(interval.p90)),
        ("latency_p95_ci95_ms", Cell::Number(interval.p95)),
        ("latency_p99_ci95_ms", Cell::Number(interval.p99)),
        ("latency_p99_9_ci95_ms", Cell::Number(interval.p99_9)),
        ("latency_all_mean_ms", Cell::Number(result.latency_all_ms.mean)),
        ("latency_all_p50_ms", Cell::Number(result.latency_all_ms.p50)),
        ("latency_all_p99_ms", Cell::Number(result.latency_all_ms.p99)),
        ("wait_mean_ms", Cell::Number(result.wait_ms.mean)),
        ("wait_p50_ms", Cell::Number(result.wait_ms.p50)),
        ("wait_p99_ms", Cell::Number(result.wait_ms.p99)),
        ("wait_share", Cell::Number(result.wait_share)),
        ("warmup_reached", Cell::Flag(result.warmup_reached)),
        ("overloaded_at_s", Cell::Number(result.overloaded_at_s)),
        ("duration_s", Cell::Number(Some(result.duration_s))),
        ("throughput_rps", Cell::Number(result.throughput_rps)),
        ("goodput_rps", Cell::Number(result.goodput_rps)),
        ("success_rate", Cell::Number(result.success_rate)),
        ("fairness_jain_requests", Cell::Number(fairness.jain_requests)),
        ("fairness_jain_utilization", Cell::Number(fairness.jain_utilization)),
        ("fairness_peak_to_mean_requests", Cell::Number(fairness.peak_to_mean_requests)),
        ("fairness_cov_requests", Cell::Number(fairness.cov_requests)),
        ("fairness_gini_requests", Cell::Number(fairness.gini_requests)),
        ("fairness_peak_to_mean_in_flight", Cell::Number(fairness.peak_to_mean_in_flight)),
        ("fairness_jain_client_latency", Cell::Number(fairness.jain_client_latency)),
        ("fairness_peak_to_mean_utilization", Cell::Number(fairness.peak_to_mean_utilization)),
        ("fairness_cov_utilization", Cell::Number(fairness.cov_utilization)),
        ("fairness_gini_utilization", Cell::Number(fairness.gini_utilization)),
        ("fairness_jain_in_flight", Cell::Number(fairness.jain_in_flight)),
        ("fairness_cov_in_flight", Cell::Number(fairness.cov_in_flight)),
        ("fairness_gini_in_flight", Cell::Number(fairness.gini_in_flight)),
        ("in_system_mean", Cell::Number(result.in_system_mean)),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn every_row_has_every_column() {
        let text = results(&[sample::summary(), sample::summary()]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 1 + 2 * sample::summary().results.len());
        assert!(lines[0].starts_with("scenario,balancer,kind,variant,seed,"));
        // The sample's names hold no comma.
        assert!(lines.iter().all(|line| line.split(',').count() == lines[0].split(',').count()));
    }

    #[test]
    fn hostile_names_stay_in_their_cell() {
        let text = results(&[sample::hostile()]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[1].starts_with("\"'=HYPERLINK(\"\"http://x\"\")\\u{1b}[2J\\u{a}\\u{202e}|\","), "{}", lines[1]);
    }

    #[test]
    fn nothing_measured_is_nothing_written() {
        assert_eq!(results(&[]), "");
    }
}
