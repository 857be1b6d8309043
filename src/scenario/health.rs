//! `[health]`: what balancers believe of backends.

use super::client::inside;
use super::decoder::Decoder;
use super::diagnostic::{Fault, Finding};
use super::document::{Node, Table};
use super::keys::{ACTIVE, FAILURE_PERCENTAGE, HEALTH, OUTLIER, SLOW_START, SUCCESS_RATE};
use super::path::Path;
use super::reader::Fields;
use super::scalar;
use crate::catalogue::{Kind, Value};
use crate::health::ejection::Product;
use crate::health::{Active, Deviations, Health, Outlier, Percentage, SlowStart};
use crate::time::Span;

/// Reads `[health]`; left out, every backend is believed to be up.
pub(crate) fn read(d: &mut Decoder<'_>, root: &Table) -> Option<Health> {
    let Some(pair) = root.get("health") else { return Some(Health::default()) };
    let path = Path::Key(&Path::Root, "health");
    let f = Fields::open(d, &pair.value, &path, &HEALTH)?;
    let (panic_below, slow_start) = (f.number(d, "panic_below"), inside(d, &f, "slow_start", slow_start));
    let (active, outlier) = (inside(d, &f, "active", active), inside(d, &f, "outlier", outlier));
    Some(Health { panic_below: panic_below?, slow_start: slow_start?, active: active?, outlier: outlier? })
}

/// A window, or a table with one.
fn slow_start(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<SlowStart> {
    if node.as_table().is_none() {
        return match scalar::read(d, node, path, Kind::Period)? {
            Value::Span(window) => Some(SlowStart { window, aggression: 1.0, min: 0.1 }),
            other => panic!("a duration read as {other:?}"),
        };
    }
    let f = Fields::open(d, node, path, &SLOW_START)?;
    let (window, aggression, min) = (f.needed_span(d, "window"), f.number(d, "aggression"), f.number(d, "min"));
    Some(SlowStart { window: window?, aggression: aggression?, min: min? })
}

fn active(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<Active> {
    let f = Fields::open(d, node, path, &ACTIVE)?;
    let (interval, fast_interval) = (f.span(d, "interval"), f.span(d, "fast_interval"));
    let (jitter, timeout, takes) = (f.number(d, "jitter"), f.span(d, "timeout"), f.dist(d, "takes"));
    let (unhealthy_after, healthy_after) = (f.whole(d, "unhealthy_after"), f.whole(d, "healthy_after"));
    Some(Active {
        interval: interval?,
        fast_interval: Some(fast_interval).filter(|span| span.is_some() == f.has("fast_interval"))?,
        jitter: jitter?,
        timeout: timeout?,
        takes: takes?,
        unhealthy_after: u32::try_from(unhealthy_after?).ok()?,
        healthy_after: u32::try_from(healthy_after?).ok()?,
    })
}

/// Failures in a row, where no other rule was given.
const CONSECUTIVE: u32 = 5;

fn outlier(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<Outlier> {
    let f = Fields::open(d, node, path, &OUTLIER)?;
    let (rules, errors) = (f.text(d, "rules"), f.whole(d, "consecutive_errors"));
    let (success_rate, failure_percentage) = (inside(d, &f, "success_rate", deviations), inside(d, &f, "failure_percentage", percentage));
    let (interval, ejection, max_ejection) = (f.span(d, "interval"), f.span(d, "ejection"), f.span(d, "max_ejection"));
    let (max_ejected, always_one) = (f.number(d, "max_ejected"), f.bool(d, "always_one"));
    longest_is_longest(d, &f, ejection?, max_ejection?)?;
    let errors = Some(errors).filter(|errors| errors.is_some() == f.has("consecutive_errors"))?;
    let is_alone = !f.has("success_rate") && !f.has("failure_percentage");
    Some(Outlier {
        product: if rules? == "grpc" { Product::Grpc } else { Product::Envoy },
        consecutive_errors: errors.and_then(|errors| u32::try_from(errors).ok()).or(is_alone.then_some(CONSECUTIVE)),
        success_rate: success_rate?,
        failure_percentage: failure_percentage?,
        interval: interval?,
        ejection: ejection?,
        max_ejection: max_ejection?,
        max_ejected: max_ejected?,
        always_one: always_one?,
    })
}

fn longest_is_longest(d: &mut Decoder<'_>, f: &Fields<'_>, ejection: Span, longest: Span) -> Option<()> {
    let Some(node) = f.node("max_ejection").or(f.node("ejection")).filter(|_| longest < ejection) else { return Some(()) };
    let fault = Fault::Inconsistent(format!("max_ejection = {longest} is below ejection = {ejection}"));
    let finding = Finding::error(node.at, fault).path(f.path.key("max_ejection")).allowed("max_ejection of at least ejection");
    d.report(finding.help(format!("write max_ejection = \"{ejection}\"")));
    None
}

fn deviations(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<Deviations> {
    let f = Fields::open(d, node, path, &SUCCESS_RATE)?;
    let (deviations, backends, requests) = (f.number(d, "deviations"), f.whole(d, "min_backends"), f.whole(d, "min_requests"));
    let small = |value: u64| u32::try_from(value).ok();
    Some(Deviations { deviations: deviations?, min_backends: small(backends?)?, min_requests: small(requests?)? })
}

fn percentage(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<Percentage> {
    let f = Fields::open(d, node, path, &FAILURE_PERCENTAGE)?;
    let (above, backends, requests) = (f.number(d, "above"), f.whole(d, "min_backends"), f.whole(d, "min_requests"));
    let small = |value: u64| u32::try_from(value).ok();
    Some(Percentage { above: above?, min_backends: small(backends?)?, min_requests: small(requests?)? })
}
