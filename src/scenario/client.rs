//! `[client]`, and `client` of a service: what a caller does about slow and failed attempts.

use super::decoder::{Decoder, unknown_word};
use super::diagnostic::{Fault, Finding};
use super::document::{Data, Node, Table};
use super::keys::{BACKOFF, BELOW, BREAKER, BUCKET, BUDGETS, CAPPED, CLIENT, CONDITIONS, HEDGE, RETRY, SHARE, THROTTLE, TOKENS};
use super::path::Path;
use super::reader::Fields;
use super::scalar;
use crate::catalogue::{Kind, Value};
use crate::client::{Backoff, Budget, Caller, Conditions, Hedge, HedgeAfter, Jitter, Limits, Retry, Throttling};
use crate::dist::Dist;
use crate::time::Span;

/// Reads `[client]`; left out, all of it is by default.
pub(crate) fn read(d: &mut Decoder<'_>, root: &Table) -> Option<Caller> {
    match root.get("client") {
        Some(pair) => caller(d, &pair.value, &Path::Key(&Path::Root, "client")),
        None => Some(Caller::default()),
    }
}

/// Reads what a caller does from its table.
pub(crate) fn caller(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<Caller> {
    let f = Fields::open(d, node, path, &CLIENT)?;
    let (timeout, attempt_timeout) = (limit(d, &f, "timeout"), limit(d, &f, "attempt_timeout"));
    let patience = limit(d, &f, "patience");
    let (cancels, redraw, passes_deadline) = (f.bool(d, "cancels"), f.bool(d, "redraw"), f.bool(d, "passes_deadline"));
    let (retry, hedge) = (inside(d, &f, "retry", retry), inside(d, &f, "hedge", hedge));
    let (breaker, throttle) = (inside(d, &f, "breaker", breaker), inside(d, &f, "throttle", throttle));
    Some(Caller {
        timeout: timeout?,
        attempt_timeout: attempt_timeout?,
        patience: patience?,
        abandons_work: !cancels?,
        redraw: redraw?,
        passes_deadline: passes_deadline?,
        retry: retry?.flatten(),
        hedge: hedge?,
        breaker: breaker?.unwrap_or_default(),
        throttle: throttle?,
    })
}

/// A table in here, if it is there.
pub(crate) fn inside<T>(
    d: &mut Decoder<'_>,
    f: &Fields<'_>,
    key: &'static str,
    read: fn(&mut Decoder<'_>, &Node, &Path<'_>) -> Option<T>,
) -> Option<Option<T>> {
    match f.node(key) {
        Some(node) => read(d, node, &f.path.key(key)).map(Some),
        None => Some(None),
    }
}

/// A time after which something is given up: never zero.
fn limit(d: &mut Decoder<'_>, f: &Fields<'_>, key: &'static str) -> Option<Option<Dist>> {
    let Some(node) = f.node(key) else { return Some(None) };
    let dist = f.dist(d, key)?;
    if dist == Dist::Constant(0.0) {
        let (why, help) = match key {
            "patience" => ("nobody could ever wait", "write queue = 0 at the backends, where nobody is to wait"),
            _ => ("every request would fail at once", "leave it out for none"),
        };
        let fault = Fault::OutOfRange { found: d.found(node), why: why.to_owned() };
        d.report(Finding::error(node.at, fault).path(f.path.key(key)).allowed("a duration above zero, or a distribution").help(help));
        return None;
    }
    Some(Some(dist))
}

fn retry(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<Option<Retry>> {
    let f = Fields::open(d, node, path, &RETRY)?;
    let (max, on, avoid_tried) = (f.value(d, "max"), conditions(d, &f), f.bool(d, "avoid_tried"));
    let backoff = match f.node("backoff") {
        Some(node) => backoff(d, node, &path.key("backoff")),
        None => Some(Backoff::Growing { base: BASE, factor: 2.0, max: Some(Span(BASE.0 * TIMES)), jitter: Jitter::Full }),
    };
    let budget = inside(d, &f, "budget", budget);
    let max = match max? {
        Value::Whole(max) => Some(u32::try_from(max).ok()?),
        _ => None,
    };
    let retry = Retry { max, on: on?, backoff: backoff?, budget: budget?, avoid_tried: avoid_tried? };
    without_end(d, &f, &retry);
    Some(Some(retry).filter(|retry| retry.max != Some(0)))
}

/// The default of `backoff.base`.
const BASE: Span = Span(25_000_000);
/// `backoff.max` is by default so many times `base`, as Envoy has it.
const TIMES: u64 = 10;
/// More retries than this without a pause multiply traffic beyond sense.
const MANY: u32 = 100;

/// Warns of retries that only multiply.
fn without_end(d: &mut Decoder<'_>, f: &Fields<'_>, retry: &Retry) {
    let is_at_once = match &retry.backoff {
        Backoff::Growing { base, .. } => *base == Span::ZERO,
        Backoff::Drawn(dist) => *dist == Dist::Constant(0.0),
    };
    if is_at_once && retry.budget.is_none() && retry.max.is_none_or(|max| max > MANY) {
        let at = f.node("max").map_or(f.at, |node| node.at);
        let times = retry.max.map_or_else(|| "without limit".to_owned(), |max| format!("up to {max} times"));
        let finding = Finding::warning(at, format!("a failed request is sent again at once, {times}: traffic is multiplied by as much"));
        d.report(
            finding
                .path(f.path.key("max"))
                .allowed("a small number, a backoff or a budget beside it")
                .help("write max = 2, or add a backoff"),
        );
    }
}

fn conditions(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Conditions> {
    let Some(node) = f.node("on") else {
        return Some(Conditions { refused: true, error: true, timeout: true, crashed: true, ..Conditions::default() });
    };
    let path = f.path.key("on");
    let members = d.list(node, &path, Kind::Choices(&CONDITIONS));
    let mut conditions = Conditions::default();
    let mut is_whole = matches!(node.data, Data::List(_));
    for (index, member) in members.iter().enumerate() {
        let path = path.index(index, None);
        let slot = match member.as_text() {
            Some("refused") => &mut conditions.refused,
            Some("error") => &mut conditions.error,
            Some("timeout") => &mut conditions.timeout,
            Some("crashed") => &mut conditions.crashed,
            Some("no-backend") => &mut conditions.no_backend,
            Some("shed") => &mut conditions.shed,
            Some(_) => {
                d.report(unknown_word(member, &path, "failure", &CONDITIONS));
                is_whole = false;
                continue;
            }
            None => {
                d.wrong_type(member, &path, Kind::Choice(&CONDITIONS), "a word in quotes");
                is_whole = false;
                continue;
            }
        };
        *slot = true;
    }
    is_whole.then_some(conditions)
}

/// A table of a growing pause; or a distribution, of which a plain duration is one.
fn backoff(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<Backoff> {
    if node.as_table().is_none_or(|table| table.get("dist").is_some()) {
        return match scalar::read(d, node, path, Kind::Dist)? {
            Value::Dist(dist) => Some(Backoff::Drawn(dist)),
            other => panic!("a distribution read as {other:?}"),
        };
    }
    let f = Fields::open(d, node, path, &BACKOFF)?;
    let (base, factor, max, jitter) = (f.span(d, "base"), f.number(d, "factor"), f.span(d, "max"), f.text(d, "jitter"));
    let (base, max) = (base?, if f.has("max") { max? } else { Span(base?.0.saturating_mul(TIMES)) });
    if let (true, Some(node)) = (max < base, f.node("max")) {
        d.out_of_range(node, &path.key("max"), &format!("at least base, {base}"), "it is below base", &format!("\"{base}\""));
        return None;
    }
    let jitter = match jitter?.as_str() {
        "none" => Jitter::None,
        "full" => Jitter::Full,
        "equal" => Jitter::Equal,
        "decorrelated" => Jitter::Decorrelated,
        other => panic!("the jitter {other} is declared but not read"),
    };
    Some(Backoff::Growing { base, factor: factor?, max: Some(max), jitter })
}

/// One of the budgets, told apart by their keys.
fn budget(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<Budget> {
    let Some(table) = node.as_table() else {
        d.wrong_type(node, path, Kind::OneOfTables(&BUDGETS), "a table");
        return None;
    };
    if table.get("share").is_some() || table.get("at_least").is_some() {
        let f = Fields::open(d, node, path, &SHARE)?;
        let (share, at_least) = (f.needed_number(d, "share"), f.whole(d, "at_least"));
        return Some(Budget::Share { share: share?, at_least: u32::try_from(at_least?).ok()? });
    }
    if table.get("tokens").is_some() {
        let f = Fields::open(d, node, path, &TOKENS)?;
        let (tokens, ratio) = (f.needed_number(d, "tokens"), f.number(d, "ratio"));
        more_than_one(d, &f, ratio);
        return Some(Budget::Tokens { tokens: tokens?, ratio: ratio? });
    }
    if table.get("cap").is_some() {
        let f = Fields::open(d, node, path, &CAPPED)?;
        let (ratio, cap) = (f.needed_number(d, "ratio"), f.needed_number(d, "cap"));
        more_than_one(d, &f, ratio);
        return Some(Budget::Capped { ratio: ratio?, cap: cap? });
    }
    if table.get("failures_below").is_some() {
        let f = Fields::open(d, node, path, &BELOW)?;
        let (failures, window) = (f.needed_number(d, "failures_below"), f.span(d, "window"));
        return Some(Budget::Below { failures: failures?, window: window? });
    }
    if table.entries.is_empty() {
        let finding = Finding::error(node.at, Fault::Missing("ratio`, `share`, `tokens` or `failures_below".into())).path(path);
        d.report(finding.allowed(Kind::OneOfTables(&BUDGETS)).help("write budget = { ratio = 0.2, min_per_second = 10 }"));
        return None;
    }
    let f = Fields::open(d, node, path, &BUCKET)?;
    let (ratio, min_per_second, window) = (f.needed_number(d, "ratio"), f.number(d, "min_per_second"), f.span(d, "window"));
    more_than_one(d, &f, ratio);
    Some(Budget::Bucket { ratio: ratio?, min_per_second: min_per_second?, window: window? })
}

/// Warns of a budget that limits little.
fn more_than_one(d: &mut Decoder<'_>, f: &Fields<'_>, ratio: Option<f64>) {
    if let (Some(ratio), Some(node)) = (ratio.filter(|ratio| *ratio > 1.0), f.node("ratio")) {
        let finding = Finding::warning(node.at, format!("a budget of {ratio} lets more retries through than there are requests"));
        d.report(finding.path(f.path.key("ratio")).allowed("a ratio of at most 1").help("write ratio = 0.2"));
    }
}

fn hedge(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<Hedge> {
    let f = Fields::open(d, node, path, &HEDGE)?;
    let after = match f.node("after") {
        Some(node) => after(d, node, &path.key("after")),
        None => {
            f.missing(d, "after", "after = \"p95\" (or a delay such as \"50ms\")");
            None
        }
    };
    let max = f.whole(d, "max");
    Some(Hedge { after: after?, max: u32::try_from(max?).ok()? })
}

/// A percentile, or a delay.
fn after(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<HedgeAfter> {
    let percentile = node.as_text().and_then(|text| text.strip_prefix('p')).and_then(|number| number.parse::<f64>().ok());
    if let Some(percentile) = percentile {
        if percentile > 0.0 && percentile < 100.0 {
            return Some(HedgeAfter::Percentile(percentile / 100.0));
        }
        d.out_of_range(node, path, "a percentile above 0 and below 100, such as \"p95\"", "there is no such percentile", "\"p95\"");
        return None;
    }
    match scalar::read(d, node, path, Kind::Dist)? {
        Value::Dist(dist) => Some(HedgeAfter::Delay(dist)),
        other => panic!("a distribution read as {other:?}"),
    }
}

fn breaker(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<Limits> {
    let f = Fields::open(d, node, path, &BREAKER)?;
    let number = |d: &mut Decoder<'_>, key: &str| {
        Some(f.whole(d, key).and_then(|value| u32::try_from(value).ok())).filter(|value| value.is_some() == f.has(key))
    };
    let (max_in_flight, max_waiting, max_retries) = (number(d, "max_in_flight"), number(d, "max_waiting"), number(d, "max_retries"));
    let (failures, least, most) = (number(d, "consecutive_failures"), f.span(d, "least"), f.span(d, "most"));
    let (max_in_flight, max_waiting, max_retries, failures) = (max_in_flight?, max_waiting?, max_retries?, failures?);
    let (least, most) = (least?, most?);
    if failures.is_none() {
        for key in ["least", "most"] {
            if let Some(pair) = f.pair(key) {
                let fault = Fault::NoEffect(format!("`{key}` has no effect without `consecutive_failures`"));
                let finding = Finding::error(pair.key_at, fault).path(path.key(key)).allowed("least and most beside consecutive_failures");
                d.report(finding.help("add consecutive_failures = 7, or remove it"));
            }
        }
    } else if let (true, Some(node)) = (most < least, f.node("most").or(f.node("least"))) {
        let fault = Fault::Inconsistent(format!("most = {most} is below least = {least}"));
        d.report(
            Finding::error(node.at, fault)
                .path(path.key("most"))
                .allowed("most of at least least")
                .help(format!("write most = \"{least}\"")),
        );
        return None;
    }
    let (least, most) = (failures.map(|_| least), failures.map(|_| most));
    Some(Limits { max_in_flight, max_waiting, max_retries, consecutive_failures: failures, least, most })
}

fn throttle(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<Throttling> {
    let f = Fields::open(d, node, path, &THROTTLE)?;
    let (k, window) = (f.number(d, "k"), f.span(d, "window"));
    Some(Throttling { k: k?, window: window? })
}
