//! The grammar of a rule: `METRIC OP VALUE`, as users of k6 write thresholds.
//!
//! The last comparison sign splits a rule, since names of backends may hold anything. What is wrong is said with its place in the rule.

use super::diagnostic::Fault;
use super::model::{Bound, Op};
use crate::escape::{shown, visible};
use crate::measure::metric::Unit;
use crate::time::{UnitError, parse_rate, parse_share, parse_span};
use std::ops::Range;

/// A rule's parts, by their places in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) metric: Range<usize>,
    pub(crate) op: Op,
    pub(crate) value: Range<usize>,
}

/// What is wrong with a rule, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) at: Range<usize>,
    pub(crate) fault: Fault,
    pub(crate) allowed: String,
    pub(crate) help: String,
}

/// What a whole rule looks like.
const SHAPE: &str = "METRIC OP VALUE, such as latency.p99 < 250ms";
const OPS: &str = "<, <=, > or >=";

fn is_sign(c: char) -> bool {
    matches!(c, '<' | '>' | '=' | '!' | '≤' | '≥' | '≠')
}

/// Splits a rule at its last comparison.
pub(crate) fn split(rule: &str) -> Result<Parts, Wrong> {
    let wrong = |at: Range<usize>, why: &str, allowed: &str, help: String| Wrong {
        at,
        fault: Fault::BadUnit { found: shown(rule), why: why.to_owned() },
        allowed: allowed.to_owned(),
        help,
    };
    let both = [" and ", " && ", " or ", " || ", ";"].iter().find_map(|word| rule.find(word).map(|at| at..at + word.len()));
    if let Some(at) = both.filter(|_| rule.chars().filter(|&c| is_sign(c)).count() > 1) {
        return Err(wrong(at, "it has two comparisons", SHAPE, "one comparison a rule: write another [[expect]] for the other".into()));
    }
    let Some((last, sign)) = rule.char_indices().rfind(|&(_, c)| is_sign(c)) else {
        let metric = visible(rule.trim(), 40);
        return Err(wrong(0..rule.len(), "it has no comparison", SHAPE, format!("write, for example, \"{metric} < 250ms\"")));
    };
    let end = last + sign.len_utf8();
    let start = rule[..last].trim_end_matches(is_sign).len();
    let written = &rule[start..end];
    let op = match written {
        "<" => Op::Below,
        "<=" => Op::AtMost,
        ">" => Op::Above,
        ">=" => Op::AtLeast,
        other => {
            let (why, help) = match other {
                "=" | "==" | "===" | "!=" | "<>" | "≠" => {
                    ("what is measured is never exactly a number", "write <= or >=; for a range write two rules".to_owned())
                }
                "=<" | "≤" => ("that is no comparison", "did you mean <=?".to_owned()),
                "=>" | "≥" => ("that is no comparison", "did you mean >=?".to_owned()),
                _ => ("that is no comparison", format!("write {OPS}")),
            };
            return Err(wrong(start..end, &format!("`{}`: {why}", visible(other, 10)), OPS, help));
        }
    };
    let (metric, value) = (trimmed(rule, 0..start), trimmed(rule, end..rule.len()));
    if value.is_empty() {
        return Err(wrong(start..end, "nothing follows the comparison", SHAPE, "write a value, such as 250ms, 99% or 0".into()));
    }
    if metric.is_empty() {
        return Err(wrong(start..end, "no metric stands before the comparison", SHAPE, "write, for example, latency.p99 < 250ms".into()));
    }
    if rule[metric.clone()].starts_with(|c: char| c.is_ascii_digit()) {
        let (value, metric) = (visible(&rule[metric], 40), visible(&rule[value], 40));
        let turned = written
            .chars()
            .map(|c| match c {
                '<' => '>',
                '>' => '<',
                c => c,
            })
            .collect::<String>();
        return Err(wrong(start..end, "the value stands first", SHAPE, format!("write \"{metric} {turned} {value}\"")));
    }
    Ok(Parts { metric, op, value })
}

fn trimmed(text: &str, part: Range<usize>) -> Range<usize> {
    let inner = &text[part.clone()];
    let start = part.start + (inner.len() - inner.trim_start().len());
    start..start + inner.trim().len()
}

/// Reads the value of a rule about a metric of that unit.
pub(crate) fn bound(rule: &str, at: Range<usize>, metric: &str, unit: Unit, is_relative: bool) -> Result<Bound, Wrong> {
    let text = &rule[at.clone()];
    let wrong = |fault: Fault, allowed: &str, help: String| Wrong { at: at.clone(), fault, allowed: allowed.to_owned(), help };
    if is_relative {
        return match parse_share(text) {
            Ok(share) if share > 0.0 => Ok(Bound::OfOther(share)),
            Ok(_) => Err(wrong(
                Fault::OutOfRange { found: shown(text), why: "a ratio is never as low as that".into() },
                RELATIVE,
                "write, for example, 80%".into(),
            )),
            Err(error) => Err(wrong(fault(text, error), RELATIVE, relative_help(text))),
        };
    }
    let allowed = allowed(unit);
    if let (true, Ok(_)) = (matches!(unit, Unit::Milliseconds | Unit::Seconds | Unit::PerSecond | Unit::Number), parse_share(text)) {
        let help = format!("add than = \"…\" for a share of another balancer's {metric}, or write {}", example(unit));
        return Err(wrong(Fault::BadUnit { found: shown(text), why: format!("{metric} is no share") }, allowed, help));
    }
    let read = match unit {
        Unit::Milliseconds => parse_span(text).map(|span| Bound::Value(span.0 as f64 / 1e6)),
        Unit::Seconds => parse_span(text).map(|span| Bound::Value(span.0 as f64 / 1e9)),
        Unit::PerSecond => parse_rate(text).map(Bound::Value),
        Unit::Share => parse_share(text).or_else(|_| plain(text)).map(Bound::Value),
        Unit::Count => parse_share(text).map(Bound::OfOffered).or_else(|_| plain(text).map(Bound::Value)),
        Unit::Number => plain(text).map(Bound::Value),
    };
    match read {
        Ok(Bound::Value(value)) if unit == Unit::Share && value > 1.0 => Err(wrong(
            Fault::OutOfRange { found: shown(text), why: format!("{metric} is at most 100%") },
            allowed,
            format!("write {}%", value),
        )),
        Ok(bound) => Ok(bound),
        Err(error) => Err(wrong(fault(text, error), allowed, help(text, unit, error))),
    }
}

/// What a rule with `than` is compared with.
const RELATIVE: &str = "a percentage of the other's value, such as 80%";

fn relative_help(text: &str) -> String {
    match text.trim_end_matches(['x', 'X', '×']).trim().parse::<f64>() {
        Ok(ratio) if ratio > 0.0 && ratio.is_finite() => format!("write {}%", (ratio * 1e6).round() / 1e4),
        _ => "with `than` the value is a percentage of the other's: write, for example, 80%; or remove `than`".to_owned(),
    }
}

/// A number without a unit.
fn plain(text: &str) -> Result<f64, UnitError> {
    parse_rate(&format!("{text}/s"))
}

fn allowed(unit: Unit) -> &'static str {
    match unit {
        Unit::Milliseconds | Unit::Seconds => "a duration with its unit, such as 250ms or 1.5s",
        Unit::PerSecond => "a rate with its unit, such as 800/s",
        Unit::Share => "a share, such as 99% or 0.99",
        Unit::Count => "a number of requests per replication, such as 0, or a share of the offered ones, such as 1%",
        Unit::Number => "a number, such as 0.98",
    }
}

fn example(unit: Unit) -> &'static str {
    match unit {
        Unit::Milliseconds | Unit::Seconds => "250ms",
        Unit::PerSecond => "800/s",
        Unit::Share => "99%",
        Unit::Count => "0",
        Unit::Number => "0.98",
    }
}

fn fault(text: &str, error: UnitError) -> Fault {
    match error {
        UnitError::NoUnit => Fault::NoUnit(shown(text)),
        UnitError::Negative | UnitError::TooLarge | UnitError::NotFinite => {
            Fault::OutOfRange { found: shown(text), why: error.to_string() }
        }
        UnitError::NoNumber | UnitError::UnknownUnit => Fault::BadUnit { found: shown(text), why: error.to_string() },
    }
}

fn help(text: &str, unit: Unit, error: UnitError) -> String {
    let written = visible(text, 40);
    match (unit, error) {
        (Unit::Milliseconds | Unit::Seconds, UnitError::NoUnit) => format!("{written} what? write {written}ms or {written}s"),
        (Unit::PerSecond, UnitError::NoUnit) => format!("write {written}/s"),
        _ => format!("write, for example, {}", example(unit)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rule: &str, unit: Unit, is_relative: bool) -> Result<Bound, String> {
        let parts = split(rule).map_err(|wrong| wrong.help)?;
        bound(rule, parts.value, "m", unit, is_relative).map_err(|wrong| wrong.help)
    }

    #[test]
    fn a_value_has_the_unit_of_its_metric() {
        assert_eq!(read("latency.p99 < 250ms", Unit::Milliseconds, false), Ok(Bound::Value(250.0)));
        assert_eq!(read("latency.p99<1.5s", Unit::Milliseconds, false), Ok(Bound::Value(1500.0)));
        assert_eq!(read("duration_s <= 2m", Unit::Seconds, false), Ok(Bound::Value(120.0)));
        assert_eq!(read("goodput_rps > 800/s", Unit::PerSecond, false), Ok(Bound::Value(800.0)));
        assert_eq!(read("success_rate >= 99%", Unit::Share, false), Ok(Bound::Value(0.99)));
        assert_eq!(read("success_rate >= 0.99", Unit::Share, false), Ok(Bound::Value(0.99)));
        assert_eq!(read("errors.timeout <= 0", Unit::Count, false), Ok(Bound::Value(0.0)));
        assert_eq!(read("errors.timeout < 1%", Unit::Count, false), Ok(Bound::OfOffered(0.01)));
        assert_eq!(read("fairness.jain_requests >= 0.98", Unit::Number, false), Ok(Bound::Value(0.98)));
        assert_eq!(read("latency.p99 < 80%", Unit::Milliseconds, true), Ok(Bound::OfOther(0.8)));
    }

    #[test]
    fn a_wrong_unit_is_answered_with_the_right_spelling() {
        for (rule, unit, is_relative, said) in [
            ("latency.p99 < 250", Unit::Milliseconds, false, "250ms or 250s"),
            ("latency.p99 < 80%", Unit::Milliseconds, false, "add than"),
            ("goodput_rps > 800", Unit::PerSecond, false, "800/s"),
            ("success_rate > 99", Unit::Share, false, "99%"),
            ("latency.p99 < 0.8x", Unit::Milliseconds, true, "80%"),
            ("latency.p99 < 250ms", Unit::Milliseconds, true, "percentage"),
            ("fairness.jain_requests > 98ms", Unit::Number, false, "0.98"),
        ] {
            let help = read(rule, unit, is_relative).expect_err(rule);
            assert!(help.contains(said), "{rule}: {help}");
        }
    }

    #[test]
    fn what_is_no_comparison_is_taught() {
        for (rule, said) in [
            ("latency.p99", "latency.p99 < 250ms"),
            ("latency.p99 == 250ms", "<= or >="),
            ("latency.p99 = 250ms", "<= or >="),
            ("latency.p99 != 250ms", "<= or >="),
            ("latency.p99 =< 250ms", "did you mean <=?"),
            ("latency.p99 ≥ 250ms", "did you mean >=?"),
            ("latency.p99 <", "write a value"),
            ("< 250ms", "latency.p99 < 250ms"),
            ("250ms > latency.p99", "\"latency.p99 < 250ms\""),
            ("latency.p99 < 1s and success_rate > 99%", "one comparison a rule"),
        ] {
            let help = split(rule).expect_err(rule).help;
            assert!(help.contains(said), "{rule}: {help}");
        }
        assert!(split("").is_err() && split("=").is_err() && split("<>!=≤").is_err());
    }

    #[test]
    fn names_may_hold_the_signs_of_comparison() {
        let rule = "backends.a<b.utilization < 90%";
        let parts = split(rule).expect("a rule");
        assert_eq!((&rule[parts.metric], parts.op, &rule[parts.value]), ("backends.a<b.utilization", Op::Below, "90%"));
    }
}
