//! M. Brooker, "Fixing retries with token buckets and circuit breakers" (2022): what retries gain and cost, with four limits on them.
//!
//! A caller is a balancer instance, and requests find theirs at random: a Poisson stream split so is a hundred Poisson streams. (Clients that are
//! *assigned* to a hundred instances would share some of them.) Failures are at random, so the figures have sampling errors: those published are of one run of
//! 10,000 requests. That each request fills a bucket (not only each success), and that a breaker looks at all attempts since the start of the ten seconds, is inferred from
//! the table. The standard error of one run is up to 0.005 for success and 0.012 for amplification.

use super::{loaded, records, said, variant};
use evenkeel::fault::Kind;
use evenkeel::scenario::Scenario;

const REPLICATIONS: u32 = 10;
/// By the share of failures: success and amplification with each variant.
const TABLE: [(f64, [(f64, f64); 4]); 6] = [
    (0.01, [(0.990, 1.0), (1.0, 1.009), (1.0, 1.009), (0.999, 1.010)]),
    (0.05, [(0.949, 1.0), (1.0, 1.052), (1.0, 1.051), (0.986, 1.037)]),
    (0.10, [(0.900, 1.0), (0.9999, 1.110), (0.992, 1.101), (0.926, 1.029)]),
    (0.20, [(0.798, 1.0), (0.998, 1.260), (0.908, 1.134), (0.809, 1.004)]),
    (0.30, [(0.695, 1.0), (0.990, 1.419), (0.798, 1.139), (0.700, 1.001)]),
    (0.50, [(0.507, 1.0), (0.935, 1.880), (0.563, 1.141), (0.496, 1.000)]),
];
const VARIANTS: [&str; 4] = ["none", "3 retries", "token bucket", "breaker"];

/// The share that succeeds, and attempts for each request.
fn outcome(mut scenario: Scenario, failing: f64) -> (f64, f64) {
    scenario.faults[0].kind = Kind::Errors { share: failing, takes: None };
    let records = records(&scenario, "random", REPLICATIONS);
    let (mut offered, mut succeeded, mut attempts) = (0, 0, 0);
    for record in &records {
        offered += record.offered;
        succeeded += record.succeeded;
        attempts += record.attempts;
    }
    (succeeded as f64 / offered as f64, attempts as f64 / offered as f64)
}

#[test]
fn limits_on_retries_have_the_published_gain_and_cost() {
    let loaded = loaded("retries.toml");
    for (failing, row) in TABLE {
        for (name, published) in VARIANTS.into_iter().zip(row) {
            let ours = outcome(variant(&loaded, name), failing);
            said(
                format_args!("{failing} fail, {name}: success, attempts for each request"),
                format_args!("{:.3} {:.3}", published.0, published.1),
                format_args!("{:.3} {:.3}", ours.0, ours.1),
            );
            if let Some(exact) = exact(name, failing) {
                // Four standard errors of 100,000 requests: success is at most binomial, attempts for each request have a deviation of less than 1.1.
                let error = 4.0 / (f64::from(REPLICATIONS) * 10_000.0).sqrt();
                assert!(
                    (ours.0 - exact.0).abs() <= 0.5 * error && (ours.1 - exact.1).abs() <= 1.1 * error,
                    "{failing} {name}: {ours:?}, not {exact:?}"
                );
            } else {
                assert!(
                    (ours.0 - published.0).abs() <= 0.02 && (ours.1 - published.1).abs() <= 0.02,
                    "{failing} {name}: {ours:?}, not {published:?}"
                );
            }
        }
    }
}

/// What can be worked out: with up to three retries a request fails when four attempts do.
fn exact(name: &str, failing: f64) -> Option<(f64, f64)> {
    let four = 1.0 - failing.powi(4);
    match name {
        "none" => Some((1.0 - failing, 1.0)),
        "3 retries" => Some((four, four / (1.0 - failing))),
        _ => None,
    }
}
