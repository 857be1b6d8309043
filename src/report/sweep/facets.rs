//! Small multiples: which values go along the axis below, and what is the same within a chart.
//!
//! The first key that is varied, and has numbers for values, goes along; where there is none, the first with several values does, its words side by side. Every combination of the
//! others (and of variants) has a chart of its own. Keys that are varied together with the one along the axis are no chart's own.

use super::words;
use crate::measure::surface::{Row, Surface};
use crate::report::figure::axis::{Axis, Unit};

/// What goes along.
#[derive(Clone, Debug)]
pub(super) struct Along {
    /// The parameter's number; `None` where nothing is varied.
    pub(super) parameter: Option<usize>,
    /// The place of each of its values.
    pub(super) places: Vec<f64>,
    /// Its values in words.
    pub(super) words: Vec<String>,
    /// As it is drawn.
    pub(super) axis: Axis,
    /// Whether values stand side by side, with nothing between them.
    pub(super) is_words: bool,
}

/// Values that are numbers of one kind.
struct Numbers {
    values: Vec<f64>,
    unit: Unit,
}

impl Along {
    pub(super) fn of(surface: &Surface) -> Self {
        let keys = words::keys(surface);
        let several = |at: &usize| surface.parameters[*at].values.len() > 1;
        let numeric = (0..keys.len()).filter(several).find(|&at| numbers(&surface.parameters[at].values).is_some());
        let parameter = numeric.or_else(|| (0..keys.len()).find(several)).or((!keys.is_empty()).then_some(0));
        let Some(at) = parameter else {
            return Self {
                parameter,
                places: vec![0.0],
                words: vec![String::new()],
                axis: Axis::words("", vec![String::new()]),
                is_words: true,
            };
        };
        let varied = &surface.parameters[at];
        let shown: Vec<String> = varied.values.iter().map(|value| words::value(value)).collect();
        match numbers(&varied.values).filter(|_| several(&at)) {
            Some(found) => {
                Self { axis: scale(&keys[at], &found, varied.is_log), parameter, places: found.values, words: shown, is_words: false }
            }
            None => Self {
                parameter,
                places: (0..shown.len()).map(|place| place as f64).collect(),
                axis: Axis::words(&keys[at], shown.iter().map(|word| crate::report::neutral::fitted(word, 14)).collect()),
                words: shown,
                is_words: true,
            },
        }
    }
}

fn scale(name: &str, numbers: &Numbers, is_log: bool) -> Axis {
    let (low, high) =
        numbers.values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &value| (low.min(value), high.max(value)));
    if low > 0.0 && (is_log || is_spread(&numbers.values, low, high)) {
        let mut axis = Axis::log(name, numbers.unit, numbers.values.iter().copied());
        (axis.low, axis.high) = (low, high);
        return axis;
    }
    Axis::between(name, numbers.unit, low, high)
}

/// Whether values get farther apart as they grow: half of them are in the first fifth of the range, which is at least twentyfold.
fn is_spread(values: &[f64], low: f64, high: f64) -> bool {
    let near = values.iter().filter(|&&value| value <= low + (high - low) / 5.0).count();
    high / low >= 20.0 && values.len() > 2 && 2 * near >= values.len()
}

/// Plain numbers, times in milliseconds, shares or rates: all of one kind.
fn numbers(values: &[String]) -> Option<Numbers> {
    let all: Vec<(f64, Unit)> = values.iter().map(|value| number(value)).collect::<Option<_>>()?;
    let unit = all.first()?.1;
    all.iter().all(|(_, other)| *other == unit).then(|| Numbers { values: all.iter().map(|(value, _)| *value).collect(), unit })
}

fn number(text: &str) -> Option<(f64, Unit)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-')).unwrap_or(text.len());
    let value: f64 = text[..end].parse().ok()?;
    let (factor, unit) = match &text[end..] {
        "" => (1.0, Unit::Number),
        "%" => (0.01, Unit::Share),
        "/s" => (1.0, Unit::Rate),
        "/min" => (1.0 / 60.0, Unit::Rate),
        "ns" => (1e-6, Unit::Ms),
        "us" | "µs" => (1e-3, Unit::Ms),
        "ms" => (1.0, Unit::Ms),
        "s" => (1e3, Unit::Ms),
        "m" | "min" => (6e4, Unit::Ms),
        "h" => (3.6e6, Unit::Ms),
        _ => return None,
    };
    Some((value * factor, unit))
}

/// One chart's rows.
#[derive(Clone, Debug)]
pub(super) struct Facet<'a> {
    /// What is the same for all of them, in words.
    pub(super) name: String,
    /// In order of points.
    pub(super) rows: Vec<&'a Row>,
}

/// All charts, in the order in which they come up.
pub(super) fn facets<'a>(surface: &'a Surface, along: &Along) -> Vec<Facet<'a>> {
    let keys = words::keys(surface);
    let axis = along.parameter.map(|at| surface.parameters[at].axis);
    let own: Vec<usize> = (0..keys.len()).filter(|&at| Some(surface.parameters[at].axis) != axis).collect();
    let mut found: Vec<((u16, Vec<u32>), Facet<'a>)> = Vec::new();
    let mut known = std::collections::BTreeMap::new();
    for row in &surface.rows {
        let key = (row.variant, own.iter().map(|&at| row.at[at]).collect::<Vec<u32>>());
        let place = *known.entry(key.clone()).or_insert_with(|| {
            found.push((key.clone(), Facet { name: name(surface, &keys, &own, &key), rows: Vec::new() }));
            found.len() - 1
        });
        found[place].1.rows.push(row);
    }
    found.into_iter().map(|(_, facet)| facet).collect()
}

fn name(surface: &Surface, keys: &[String], own: &[usize], (variant, places): &(u16, Vec<u32>)) -> String {
    let variant = surface.variants[usize::from(*variant)].as_deref().map(|name| crate::report::neutral::fitted(name, 40));
    let fixed = own.iter().zip(places).filter(|(at, _)| surface.parameters[**at].values.len() > 1);
    let fixed = fixed.map(|(&at, &place)| format!("{} {}", keys[at], words::value(&surface.parameters[at].values[place as usize])));
    variant.into_iter().chain(fixed).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::table::tests::sample;
    use super::*;
    use crate::measure::surface::Varied;
    use crate::report::figure::axis::Scale;

    fn along(values: &[&str], is_log: bool) -> Along {
        let values: Vec<String> = values.iter().map(|&value| value.to_owned()).collect();
        Along::of(&Surface { parameters: vec![Varied { key: "a.b".into(), values, is_log, axis: 0 }], ..Surface::default() })
    }

    #[test]
    fn numbers_have_a_scale_and_words_stand_side_by_side() {
        assert_eq!(along(&["0.5", "0.7", "0.9"], false).axis.scale, Scale::Linear);
        assert_eq!(along(&["1", "10", "100"], false).axis.scale, Scale::Log);
        assert_eq!(along(&["1", "2", "3"], true).axis.scale, Scale::Log);
        assert_eq!(along(&["500us", "1ms", "2s"], false).places, [0.5, 1.0, 2000.0]);
        assert_eq!(along(&["10%", "20%"], false).axis.unit, Unit::Share);
        for words in [&["a", "b"][..], &["1", "1ms"], &["\"x y\""], &["5"]] {
            let found = along(words, false);
            assert!(found.is_words && found.axis.ticks().len() == words.len(), "{words:?}");
        }
        assert!(Along::of(&Surface::default()).is_words);
    }

    #[test]
    fn what_is_not_along_has_charts_of_its_own() {
        let mut surface = sample();
        surface.parameters.push(Varied { key: "x.kind".into(), values: vec!["one".into(), "two".into()], is_log: false, axis: 1 });
        surface.parameters.push(Varied { key: "x.seed".into(), values: vec!["1".into(), "2".into(), "3".into()], is_log: false, axis: 0 });
        for (at, row) in surface.rows.iter_mut().enumerate() {
            let load = row.at[0];
            row.at.extend([u32::from(at >= 4), load]);
        }
        let names: Vec<(String, usize)> =
            facets(&surface, &Along::of(&surface)).into_iter().map(|one| (one.name, one.rows.len())).collect();
        assert_eq!(names, [("kind one".to_owned(), 4), ("kind two".to_owned(), 2)]);
    }
}
