//! Axes: from a value to a place, and which places are labelled.
//!
//! Four scales: words side by side; linear; logarithmic, with decades labelled; and *nines*, on which 90%, 99% and 99.9% are equally far apart, as percentiles of latencies are drawn.
//! The page's script knows the same rules (`page.js`), so that what it draws again looks as what was drawn here.

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged};
use serde::Serialize;
use std::ops::Range;

/// How values are spread over an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::report) enum Scale {
    Linear,
    Log,
    Nines,
    /// Words side by side, at 0, 1, 2, …
    Words,
}

/// What values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::report) enum Unit {
    /// Milliseconds; from 1000 on they are written as seconds, below a hundredth as microseconds.
    Ms,
    /// Seconds.
    S,
    /// A share, written as a percentage.
    Share,
    /// Per second.
    Rate,
    /// A number.
    Number,
}

/// An axis.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(in crate::report) struct Axis {
    pub(in crate::report) scale: Scale,
    pub(in crate::report) unit: Unit,
    pub(in crate::report) low: f64,
    pub(in crate::report) high: f64,
    /// What it says beside it.
    pub(in crate::report) name: String,
    /// What stands at 0, 1, 2, … of [`Scale::Words`]; no script draws it.
    #[serde(skip)]
    pub(in crate::report) words: Vec<String>,
}

impl Axis {
    /// From 0 to a round number at or above the greatest.
    pub(in crate::report) fn from_zero(name: &str, unit: Unit, values: impl Iterator<Item = f64>) -> Self {
        let most = values.fold(0.0, f64::max);
        let most = if most > 0.0 { most } else { 1.0 };
        let step = step(most);
        let high = (most / step - 1e-9).ceil() * step;
        Self { scale: Scale::Linear, unit, low: 0.0, high, name: name.into(), words: Vec::new() }
    }

    /// Exactly from here to there.
    pub(in crate::report) fn between(name: &str, unit: Unit, low: f64, high: f64) -> Self {
        Self { scale: Scale::Linear, unit, low, high: if high > low { high } else { low + 1.0 }, name: name.into(), words: Vec::new() }
    }

    /// Logarithmic, over all values above 0, from and to 1, 2 or 5 times a power of ten.
    pub(in crate::report) fn log(name: &str, unit: Unit, values: impl Iterator<Item = f64>) -> Self {
        let (mut least, mut most) = (f64::INFINITY, 0.0_f64);
        for value in values.filter(|&value| value > 0.0 && value.is_finite()) {
            (least, most) = (least.min(value), most.max(value));
        }
        if most == 0.0 {
            (least, most) = (1.0, 10.0);
        }
        let (mut low, mut high) = (round_below(least), round_above(most));
        if high / low < 9.5 {
            (low, high) = (round_below(least / 1.6), round_above(most * 1.6));
        }
        Self { scale: Scale::Log, unit, low, high, name: name.into(), words: Vec::new() }
    }

    /// Words side by side.
    pub(in crate::report) fn words(name: &str, words: Vec<String>) -> Self {
        let high = words.len().max(1) as f64 - 0.5;
        Self { scale: Scale::Words, unit: Unit::Number, low: -0.5, high, name: name.into(), words }
    }

    /// Percentiles up to a share.
    pub(super) fn nines(name: &str, high: f64) -> Self {
        Self {
            scale: Scale::Nines,
            unit: Unit::Share,
            low: 0.0,
            high: high.clamp(0.9, 0.999_999_999),
            name: name.into(),
            words: Vec::new(),
        }
    }

    /// Over everything that either covers.
    pub(in crate::report) fn cover(&mut self, other: &Self) {
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
    }

    /// Where on the way from low to high, without bounds.
    fn part(&self, value: f64) -> f64 {
        let place = |value: f64| match self.scale {
            Scale::Linear | Scale::Words => value,
            Scale::Log => libm::log10(value.max(1e-12)),
            Scale::Nines => -libm::log10((1.0 - value).max(1e-12)),
        };
        (place(value) - place(self.low)) / (place(self.high) - place(self.low))
    }

    /// What is labelled: the value and the text.
    pub(in crate::report) fn ticks(&self) -> Vec<(f64, String)> {
        match self.scale {
            Scale::Linear => self.linear_ticks(),
            Scale::Log => self.log_ticks(),
            Scale::Nines => self.nines_ticks(),
            Scale::Words => self.words.iter().enumerate().map(|(at, word)| (at as f64, word.clone())).collect(),
        }
    }

    fn linear_ticks(&self) -> Vec<(f64, String)> {
        // Shares are written as percentages, long times in seconds: round in what is written.
        let (factor, suffix) = match self.unit {
            Unit::Share => (100.0, "%"),
            Unit::Ms if self.high >= 2000.0 => (1e-3, " s"),
            Unit::Ms if self.high < 0.005 => (1e3, " µs"),
            Unit::Ms => (1.0, " ms"),
            Unit::S => (1.0, " s"),
            Unit::Rate if self.high >= 1e6 => (1e-6, "M/s"),
            Unit::Rate => (1.0, "/s"),
            Unit::Number if self.high >= 1e6 => (1e-6, "M"),
            Unit::Number => (1.0, ""),
        };
        let step = step((self.high - self.low) * factor);
        let decimals = (-libm::floor(libm::log10(step) + 1e-9)).max(0.0) as usize;
        let first = (self.low * factor / step - 1e-9).ceil() as i64;
        let last = (self.high * factor / step + 1e-9).floor() as i64;
        let tick = |at: i64| (at as f64 * step / factor, format!("{:.decimals$}{suffix}", at as f64 * step));
        (first..=last).map(tick).collect()
    }

    fn log_ticks(&self) -> Vec<(f64, String)> {
        let decades = libm::log10(self.high / self.low);
        let factors: &[f64] = if decades > 2.5 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let first = libm::floor(libm::log10(self.low) + 1e-9) as i32;
        let last = libm::ceil(libm::log10(self.high) - 1e-9) as i32;
        let skip = if decades > 8.0 { 2 } else { 1 };
        let mut ticks = Vec::new();
        for power in (first..=last).step_by(skip) {
            for factor in factors {
                let value = factor * libm::pow(10.0, f64::from(power));
                if value >= self.low * (1.0 - 1e-9) && value <= self.high * (1.0 + 1e-9) {
                    ticks.push((value, self.power(*factor, power)));
                }
            }
        }
        ticks
    }

    /// `2 µs`, `0.2 ms`, `50 ms`, `1 s`.
    fn power(&self, factor: f64, power: i32) -> String {
        let (power, suffix) = match self.unit {
            Unit::Ms if power >= 3 => (power - 3, " s"),
            Unit::Ms if power <= -3 => (power + 3, " µs"),
            Unit::Ms => (power, " ms"),
            Unit::S => (power, " s"),
            Unit::Share => (power + 2, "%"),
            Unit::Rate if power >= 6 => (power - 6, "M/s"),
            Unit::Number if power >= 6 => (power - 6, "M"),
            Unit::Rate => (power, "/s"),
            Unit::Number => (power, ""),
        };
        let decimals = (-power).max(0) as usize;
        format!("{:.decimals$}{suffix}", factor * libm::pow(10.0, f64::from(power)))
    }

    fn nines_ticks(&self) -> Vec<(f64, String)> {
        let mut ticks = vec![(0.5, "50%".to_owned())];
        for nines in 1..=9 {
            let share = 1.0 - libm::pow(10.0, f64::from(-nines));
            if share > self.high + 1e-12 {
                break;
            }
            let decimals = (nines - 2).max(0) as usize;
            ticks.push((share, format!("{:.decimals$}%", 100.0 * share)));
        }
        ticks
    }
}

/// A round step that gives four to eight ticks over a length.
fn step(length: f64) -> f64 {
    let rough = length / 5.0;
    let power = libm::pow(10.0, libm::floor(libm::log10(rough)));
    let factor = match rough / power {
        part if part < 1.5 => 1.0,
        part if part < 3.5 => 2.0,
        part if part < 7.5 => 5.0,
        _ => 10.0,
    };
    factor * power
}

fn round_below(value: f64) -> f64 {
    let power = libm::pow(10.0, libm::floor(libm::log10(value) + 1e-9));
    let factor = [5.0, 2.0].into_iter().find(|factor| factor * power <= value * (1.0 + 1e-9)).unwrap_or(1.0);
    factor * power
}

fn round_above(value: f64) -> f64 {
    let power = libm::pow(10.0, libm::floor(libm::log10(value) + 1e-9));
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= value * (1.0 - 1e-9)).unwrap_or(10.0);
    factor * power
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        // What lies far outside stays near, where a clip hides it.
        from + (f64::from(to - from) * self.part(*value).clamp(-2.0, 3.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks().into_iter().map(|(value, _)| value).collect()
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> String {
        axis.ticks().into_iter().map(|(_, label)| label).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn linear_axes_end_at_round_numbers() {
        let axis = |most: f64, unit| Axis::from_zero("", unit, [most].into_iter());
        assert_eq!(labels(&axis(93.0, Unit::Ms)), "0 ms, 20 ms, 40 ms, 60 ms, 80 ms, 100 ms");
        assert_eq!(labels(&axis(0.0234, Unit::Share)), "0.0%, 0.5%, 1.0%, 1.5%, 2.0%, 2.5%");
        assert_eq!(labels(&axis(4100.0, Unit::Ms)), "0 s, 1 s, 2 s, 3 s, 4 s, 5 s");
        assert_eq!(labels(&Axis::between("", Unit::S, 0.0, 61.7)), "0 s, 10 s, 20 s, 30 s, 40 s, 50 s, 60 s");
        assert_eq!(labels(&axis(0.0, Unit::Number)), "0.0, 0.2, 0.4, 0.6, 0.8, 1.0");
        assert_eq!(labels(&axis(4.1e6, Unit::Rate)), "0M/s, 1M/s, 2M/s, 3M/s, 4M/s, 5M/s");
        assert_eq!(labels(&axis(0.0009, Unit::Ms)), "0.0 µs, 0.2 µs, 0.4 µs, 0.6 µs, 0.8 µs, 1.0 µs");
    }

    #[test]
    fn log_axes_label_decades_with_units() {
        let axis = |least: f64, most: f64| Axis::log("", Unit::Ms, [least, most].into_iter());
        assert_eq!(labels(&axis(0.7, 41_000.0)), "1 ms, 10 ms, 100 ms, 1 s, 10 s");
        assert_eq!(labels(&axis(8.0, 60.0)), "5 ms, 10 ms, 20 ms, 50 ms, 100 ms");
        assert_eq!(labels(&axis(0.03, 0.04)), "0.01 ms, 0.02 ms, 0.05 ms, 0.1 ms");
        assert_eq!(labels(&axis(0.0011, 0.009)), "1 µs, 2 µs, 5 µs, 0.01 ms");
        assert_eq!(Axis::log("", Unit::Ms, std::iter::empty()).low, 1.0);
    }

    #[test]
    fn nines_are_equally_far_apart() {
        let axis = Axis::nines("", 0.9999);
        assert_eq!(labels(&axis), "50%, 90%, 99%, 99.9%, 99.99%");
        let place = |share: f64| axis.map(&share, (0, 4000));
        assert_eq!([place(0.0), place(0.9), place(0.99), place(0.999), place(0.9999)], [0, 1000, 2000, 3000, 4000]);
    }

    #[test]
    fn axes_can_be_made_to_cover_each_other() {
        let mut axis = Axis::log("", Unit::Ms, [1.0, 10.0].into_iter());
        axis.cover(&Axis::log("", Unit::Ms, [5.0, 5000.0].into_iter()));
        assert_eq!((axis.low, axis.high), (1.0, 5000.0));
    }
}
