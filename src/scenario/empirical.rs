//! `dist = "empirical"`: quantiles as written, or from a file.

use super::decoder::Decoder;
use super::diagnostic::{Fault, Finding};
use super::document::{Data, Node};
use super::path::Path;
use super::reader::Fields;
use super::scalar;
use crate::catalogue::{Kind, Value};
use crate::dist::Dist;
use crate::escape::{shown, visible};
use crate::time::{UnitError, parse_share, parse_span};

/// The most bytes of a file with values.
const MAX_FILE_BYTES: usize = 64 * 1024 * 1024;
/// The most lines of a file with values.
const MAX_VALUES: usize = 1_000_000;

/// Reads the table of an empirical distribution.
pub(crate) fn read(d: &mut Decoder<'_>, f: &Fields<'_>) -> Option<Dist> {
    let is_one = f.at_most_one(d, &["quantiles", "file"]);
    let unit = f.text(d, "unit");
    match (f.node("quantiles"), f.node("file")) {
        (Some(node), None) => written(d, node, &f.path.key("quantiles")),
        (None, Some(node)) => {
            let name = f.text(d, "file")?;
            from_file(d, node, &f.path.key("file"), &name, unit.as_deref())
        }
        (None, None) => {
            f.missing(d, "quantiles", "quantiles = [[0.5, \"8ms\"], [0.99, \"40ms\"], [1.0, \"90ms\"]], or file = \"latencies.txt\"");
            None
        }
        (Some(_), Some(_)) => {
            debug_assert!(!is_one, "both keys are there");
            None
        }
    }
}

/// `quantiles = [[0.5, "8ms"], …]`.
fn written(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>) -> Option<Dist> {
    let pairs = pairs(d, node, path, (Kind::Share, Kind::Span))?;
    let points = pairs.iter().map(|(p, v)| (number(p), number(v))).collect::<Vec<_>>();
    let members = node.members();
    if let Some(index) = (1..points.len()).find(|&index| points[index].0 <= points[index - 1].0 || points[index].1 < points[index - 1].1) {
        let what = if points[index].0 <= points[index - 1].0 { "probability" } else { "value" };
        let fault = Fault::Inconsistent(format!("entry {index} does not ascend: its {what} is not above that of the entry before"));
        let finding = Finding::error(members[index].at, fault)
            .path(path.index(index, None))
            .allowed("probabilities that ascend, and values that do not fall");
        d.report(finding.related("the entry before", members[index - 1].at).help("sort the list, and remove what stands twice"));
        return None;
    }
    Some(closed(points))
}

/// The quantile function needs both ends: beyond the outermost entries their values hold.
fn closed(mut points: Vec<(f64, f64)>) -> Dist {
    if let Some(&(p, value)) = points.first().filter(|point| point.0 > 0.0) {
        debug_assert!(p > 0.0, "filtered");
        points.insert(0, (0.0, value));
    }
    if let Some(&(_, value)) = points.last().filter(|point| point.0 < 1.0) {
        points.push((1.0, value));
    }
    Dist::Empirical(points)
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Number(value) => *value,
        Value::Span(span) => span.0 as f64,
        other => panic!("a pair of numbers holds {other:?}"),
    }
}

/// A list of pairs; `None` where one of them was at fault or there are none.
pub(crate) fn pairs(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>, (first, second): (Kind, Kind)) -> Option<Vec<(Value, Value)>> {
    let members = match &node.data {
        Data::List(members) if !members.is_empty() => members,
        Data::List(_) => {
            let fault = Fault::OutOfRange { found: "an empty list".into(), why: "there must be at least one entry".into() };
            d.report(Finding::error(node.at, fault).path(path).allowed(format!("pairs of {first} and {second}")).help(format!(
                "write [[{}, {}]]",
                scalar::example(first),
                scalar::example(second)
            )));
            return None;
        }
        _ => {
            d.wrong_type(node, path, Kind::Span, "a list of pairs");
            return None;
        }
    };
    let mut read = Vec::with_capacity(members.len());
    for (index, member) in members.iter().enumerate() {
        let path = path.index(index, None);
        match &member.data {
            Data::List(pair) if pair.len() == 2 => {
                let values =
                    (scalar::read(d, &pair[0], &path.index(0, None), first), scalar::read(d, &pair[1], &path.index(1, None), second));
                read.extend(values.0.zip(values.1));
            }
            _ => {
                let fault = Fault::WrongType { found: d.found(member), wanted: "a pair" };
                d.report(Finding::error(member.at, fault).path(path).allowed(format!("[a, b]: {first}, and {second}")).help(format!(
                    "write [{}, {}]",
                    scalar::example(first),
                    scalar::example(second)
                )));
            }
        }
    }
    (read.len() == members.len()).then_some(read)
}

/// `file = …`: a sample, or probabilities and values.
fn from_file(d: &mut Decoder<'_>, node: &Node, path: &Path<'_>, name: &str, unit: Option<&str>) -> Option<Dist> {
    let refuse = |d: &mut Decoder<'_>, message: String| {
        let finding = Finding::error(node.at, Fault::File(message))
            .path(path)
            .allowed("a text file with a value, or a probability and a value, on each line");
        d.report(finding.help("paths are relative to the scenario file"));
        None
    };
    let bytes = match d.files.read(name, MAX_FILE_BYTES) {
        Ok(bytes) => bytes,
        Err(error) => return refuse(d, error.to_string()),
    };
    let Ok(text) = String::from_utf8(bytes) else { return refuse(d, format!("{} is not a text file", shown(name))) };
    match parse(&text, unit) {
        Ok(dist) => Some(dist),
        Err((line, why)) => refuse(d, format!("{}:{line}: {why}", visible(name, 100))),
    }
}

/// A distribution from the lines of a file, or the first line that is wrong.
fn parse(text: &str, unit: Option<&str>) -> Result<Dist, (usize, String)> {
    let mut sample = Vec::new();
    let mut points: Vec<(f64, f64)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let at = |why: String| (index + 1, why);
        let line = line.trim_start_matches('\u{feff}');
        let fields: Vec<&str> =
            line.split('#').next().unwrap_or("").split([' ', '\t', ',', ';']).filter(|field| !field.is_empty()).collect();
        match fields[..] {
            [] => continue,
            [value] => sample.push(duration(value, unit).map_err(at)?),
            [share, value] => points.push((probability(share).map_err(at)?, duration(value, unit).map_err(at)?)),
            _ => return Err(at(format!("found {} fields, expected one or two", fields.len()))),
        }
        if !sample.is_empty() && !points.is_empty() {
            return Err(at("some lines have one field and some two".into()));
        }
        if let [.., before, last] = points[..]
            && (last.0 <= before.0 || last.1 < before.1)
        {
            return Err(at("the probabilities and values do not ascend".into()));
        }
        if sample.len() + points.len() > MAX_VALUES {
            return Err(at(format!("more than {MAX_VALUES} values")));
        }
    }
    match (sample.is_empty(), points.is_empty()) {
        (true, true) => Err((1, "there are no values in it".into())),
        (true, false) => Ok(closed(points)),
        (false, _) => Ok(quantiles_of(sample)),
    }
}

/// The quantiles of a sample: the k-th of n values at (k - 1) ÷ (n - 1), straight in between.
fn quantiles_of(mut sample: Vec<f64>) -> Dist {
    sample.sort_by(f64::total_cmp);
    match sample[..] {
        [only] => Dist::Constant(only),
        _ => {
            let last = (sample.len() - 1) as f64;
            Dist::Empirical(sample.iter().enumerate().map(|(index, &value)| (index as f64 / last, value)).collect())
        }
    }
}

fn probability(text: &str) -> Result<f64, String> {
    let value = text.parse().ok().or_else(|| parse_share(text).ok());
    value.filter(|value| (0.0..=1.0).contains(value)).ok_or_else(|| format!("{} is not a probability from 0 to 1", shown(text)))
}

fn duration(text: &str, unit: Option<&str>) -> Result<f64, String> {
    let read = match (parse_span(text), unit) {
        (Err(UnitError::NoUnit), Some(unit)) => parse_span(&format!("{text}{unit}")),
        (read, _) => read,
    };
    let hint = |error| if error == UnitError::NoUnit { "; add unit = \"ms\" to the scenario" } else { "" };
    read.map(|span| span.0 as f64).map_err(|error| format!("{} is not a duration: {error}{}", shown(text), hint(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_gives_its_own_quantiles() {
        assert_eq!(parse("3ms\n1ms\n# slow\n2ms\n", None), Ok(Dist::Empirical(vec![(0.0, 1e6), (0.5, 2e6), (1.0, 3e6)])));
        assert_eq!(parse("7\n", Some("ms")), Ok(Dist::Constant(7e6)));
    }

    #[test]
    fn probabilities_are_closed_at_both_ends() {
        assert_eq!(parse("0.5, 8ms\n99% 40ms\n", None), Ok(Dist::Empirical(vec![(0.0, 8e6), (0.5, 8e6), (0.99, 40e6), (1.0, 40e6)])));
    }

    #[test]
    fn wrong_lines_are_named() {
        assert_eq!(parse("1ms\n\n7\n", None).map_err(|fault| fault.0), Err(3));
        assert_eq!(parse("0.5 1ms\n0.4 2ms\n", None).map_err(|fault| fault.0), Err(2));
        assert_eq!(parse("", None).map_err(|fault| fault.0), Err(1));
    }
}
