//! The points of a sweep: every combination of what is varied.
//!
//! Each `--vary` is an axis; axes are crossed, the last one fastest. Keys that belong together share an axis: `--vary 'A=1,2,3&B=10,20,30'` has three
//! points, not nine.

use super::values::{self, Fault};
use serde::{Deserialize, Serialize};

/// Most points (and cells) of a sweep.
pub const MOST_POINTS: u64 = 10_000_000;

/// A key and its values, along an axis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// The dotted key.
    pub key: String,
    /// Its values as written, or as a range gives them.
    pub values: Vec<String>,
    /// Whether a logarithmic range gave them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_log: bool,
}

/// What is varied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grid {
    /// The axes; the parameters of one have as many values, and are varied together.
    axes: Vec<Vec<Parameter>>,
}

/// An option that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{flag} {option}`: {fault}")]
pub struct Wrong {
    /// The option.
    pub flag: &'static str,
    /// Its argument.
    pub option: String,
    /// What is wrong with it.
    pub fault: Fault,
}

impl Grid {
    /// Reads the arguments of all `--vary`.
    ///
    /// # Errors
    /// The first fault of each.
    pub fn read(options: &[String]) -> Result<Self, Vec<Wrong>> {
        let (mut grid, mut faults) = (Self::default(), Vec::new());
        for option in options {
            let axis = axis(option).and_then(|axis| match axis.iter().find(|new| grid.parameters().any(|known| known.key == new.key)) {
                Some(twice) => Err(Fault::KeyTwice(twice.key.clone())),
                None => Ok(axis),
            });
            match axis {
                Ok(axis) => grid.axes.push(axis),
                Err(fault) => faults.push(Wrong { flag: "--vary", option: option.clone(), fault }),
            }
            if faults.is_empty() && grid.checked_points().is_none() {
                faults.push(Wrong { flag: "--vary", option: option.clone(), fault: Fault::Points(MOST_POINTS) });
            }
        }
        if faults.is_empty() { Ok(grid) } else { Err(faults) }
    }

    fn checked_points(&self) -> Option<u64> {
        let lengths = self.axes.iter().map(|axis| axis[0].values.len() as u64);
        lengths.into_iter().try_fold(1_u64, u64::checked_mul).filter(|&points| points <= MOST_POINTS)
    }

    /// How many points it has; 1 where nothing is varied.
    #[must_use]
    pub fn points(&self) -> usize {
        self.axes.iter().map(|axis| axis[0].values.len()).product()
    }

    /// Everything that is varied, in order.
    pub fn parameters(&self) -> impl Iterator<Item = &Parameter> {
        self.axes.iter().flatten()
    }

    /// The axes with their numbers.
    pub fn axes(&self) -> impl Iterator<Item = (u16, &[Parameter])> {
        (0..).zip(self.axes.iter().map(Vec::as_slice))
    }

    /// Which of its values each parameter has at a point.
    #[must_use]
    pub fn places(&self, at: usize) -> Vec<u32> {
        let mut rest = at;
        let mut of_axes: Vec<(usize, u32)> = Vec::with_capacity(self.axes.len());
        for axis in self.axes.iter().rev() {
            let length = axis[0].values.len();
            of_axes.push((axis.len(), (rest % length) as u32));
            rest /= length;
        }
        of_axes.into_iter().rev().flat_map(|(keys, place)| std::iter::repeat_n(place, keys)).collect()
    }

    /// The keys and values of a point.
    #[must_use]
    pub fn point(&self, at: usize) -> Vec<(&str, &str)> {
        self.parameters()
            .zip(self.places(at))
            .map(|(parameter, place)| (parameter.key.as_str(), parameter.values[place as usize].as_str()))
            .collect()
    }

    /// A point in words: `load = 0.9, instances = 10`.
    #[must_use]
    pub fn words(&self, at: usize) -> String {
        self.point(at).iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
    }
}

/// One option: parameters parted by `&`.
fn axis(option: &str) -> Result<Vec<Parameter>, Fault> {
    let parameters = values::parted(option, '&')?.into_iter().map(parameter).collect::<Result<Vec<_>, _>>()?;
    if parameters.iter().any(|parameter| parameter.values.len() != parameters[0].values.len()) {
        let lengths = parameters.iter().map(|one| format!("{} has {}", one.key, one.values.len())).collect::<Vec<_>>();
        return Err(Fault::Lengths(lengths.join(", ")));
    }
    let twice = (1..parameters.len()).find(|&at| parameters[..at].iter().any(|before| before.key == parameters[at].key));
    match twice {
        Some(at) => Err(Fault::KeyTwice(parameters[at].key.clone())),
        None => Ok(parameters),
    }
}

fn parameter(text: &str) -> Result<Parameter, Fault> {
    let (key, values) = text.split_once('=').ok_or(Fault::NoValues)?;
    if values.trim().is_empty() {
        return Err(Fault::NoValues);
    }
    let (values, is_log) = values::read(values)?;
    Ok(Parameter { key: key.trim().to_owned(), values, is_log })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(options: &[&str]) -> Grid {
        Grid::read(&options.iter().map(|&option| option.to_owned()).collect::<Vec<_>>()).expect("it can be read")
    }

    #[test]
    fn axes_are_crossed_and_the_last_is_the_fastest() {
        let grid = grid(&["a=1,2", "b.c=x,y,z"]);
        assert_eq!(grid.points(), 6);
        let all: Vec<String> = (0..6).map(|at| grid.words(at)).collect();
        assert_eq!(all, ["a=1 b.c=x", "a=1 b.c=y", "a=1 b.c=z", "a=2 b.c=x", "a=2 b.c=y", "a=2 b.c=z"]);
    }

    #[test]
    fn keys_that_belong_together_are_zipped() {
        let grid = grid(&["a=1,2&b=10,20", "c=0:1:1"]);
        assert_eq!((grid.points(), grid.words(2)), (4, "a=2 b=20 c=0".to_owned()));
    }

    #[test]
    fn nothing_varied_is_one_point() {
        assert_eq!((grid(&[]).points(), grid(&[]).words(0)), (1, String::new()));
    }

    #[test]
    fn every_wrong_option_is_named() {
        let faults = Grid::read(&["a".into(), "b=1".into(), "b=2".into(), "c=1,2&d=1".into(), "e=".into(), "f=1&f=2".into()]);
        let texts: Vec<String> = faults.expect_err("five are wrong").iter().map(ToString::to_string).collect();
        assert_eq!(texts.len(), 5);
        assert!(texts[0].starts_with("`--vary a`: it has no values"));
        assert!(texts[1].contains("`b` is varied twice"));
        assert!(texts[2].contains("c has 2, d has 1"));
        let many = Grid::read(&["a=1:100000:1".into(), "b=1:100000:1".into()]).expect_err("too many");
        assert!(many[0].to_string().contains("more than 10000000 points"));
    }
}
