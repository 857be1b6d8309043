//! Simulated time: whole nanoseconds in a `u64`, and the units people write.
//!
//! Whole nanoseconds make ties exact and sums independent of order; 64 bits hold 584 years. There is no clock here:
//! simulated time moves only when the engine takes the next event.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

/// An instant of simulated time: nanoseconds since the start of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimTime(pub u64);

/// A length of simulated time, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub u64);

impl SimTime {
    /// The start of the run.
    pub const ZERO: Self = Self(0);
    /// Later than every instant that a run can reach: "never".
    pub const NEVER: Self = Self(u64::MAX);

    /// Seconds since the start, for people and reports.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// The time from `earlier` to here; zero where `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// From seconds, rounded to the nearest nanosecond; what does not fit becomes the nearest that does.
    #[must_use]
    pub fn from_secs_f64(seconds: f64) -> Self {
        Self(round_ns(seconds * 1e9))
    }

    /// In seconds, for people and reports.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// In milliseconds, for people and reports.
    #[must_use]
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

/// Rounds nanoseconds to whole ones: half away from zero, negative and NaN to zero, too large to `u64::MAX`.
///
/// Written with a cast, which is the same on every platform (`f64::round` is too, but is a call on baseline x86-64).
#[must_use]
#[inline]
pub fn round_ns(ns: f64) -> u64 {
    (ns + 0.5) as u64
}

impl Add<Span> for SimTime {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl AddAssign<Span> for SimTime {
    fn add_assign(&mut self, span: Span) {
        *self = *self + span;
    }
}

impl Sub for SimTime {
    type Output = Span;
    fn sub(self, earlier: Self) -> Span {
        self.since(earlier)
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Span {
    /// In the largest unit that keeps it short: `250us`, `1.5s`, `2m`, exactly as a scenario would write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ns = self.0;
        let (unit, name) = match ns {
            0 => return f.write_str("0s"),
            _ if ns.is_multiple_of(3_600_000_000_000) => (3_600_000_000_000, "h"),
            _ if ns.is_multiple_of(60_000_000_000) => (60_000_000_000, "m"),
            1_000_000_000.. => (1_000_000_000, "s"),
            1_000_000.. => (1_000_000, "ms"),
            1_000.. => (1_000, "us"),
            _ => (1, "ns"),
        };
        let (whole, rest) = (ns / unit, ns % unit);
        if rest == 0 {
            return write!(f, "{whole}{name}");
        }
        let digits = unit.ilog10() as usize;
        let fraction = format!("{rest:0digits$}");
        write!(f, "{whole}.{}{name}", fraction.trim_end_matches('0'))
    }
}

impl fmt::Display for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Span(self.0).fmt(f)
    }
}

/// A rate in events per second: finite and above zero.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Rate(f64);

impl Rate {
    /// The largest rate of one source: time has nanoseconds, so gaps cannot be shorter.
    pub const MAX: f64 = 1e9;

    /// A rate in events per second, if it is finite, above zero and at most [`Rate::MAX`].
    #[must_use]
    pub fn per_second(value: f64) -> Option<Self> {
        (value > 0.0 && value <= Self::MAX).then_some(Self(value))
    }

    /// Events per second.
    #[must_use]
    pub fn as_per_second(self) -> f64 {
        self.0
    }

    /// The mean gap between events, in nanoseconds.
    #[must_use]
    pub fn gap_ns(self) -> f64 {
        1e9 / self.0
    }
}

/// Why a text is not a duration, a rate, a share or a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// Nothing that reads as a number stands in front.
    #[error("it has no number in front")]
    NoNumber,
    /// A number stands alone.
    #[error("it has no unit")]
    NoUnit,
    /// What follows the number is not a unit that is known here.
    #[error("its unit is not known")]
    UnknownUnit,
    /// It is below zero.
    #[error("it is below zero")]
    Negative,
    /// It is larger than can be held.
    #[error("it is too large")]
    TooLarge,
    /// It is a word such as `nan` or `inf`, not a number.
    #[error("it is not a finite number")]
    NotFinite,
}

/// Splits `"1.5s"` into its number and its unit.
fn number_and_unit(text: &str) -> Result<(f64, &str), UnitError> {
    let lower = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
    if lower.starts_with("nan") || lower.starts_with("inf") {
        return Err(UnitError::NotFinite);
    }
    let mut end = 0;
    let bytes = text.as_bytes();
    while end < bytes.len() {
        let exponent_follows = |at: usize| matches!(bytes.get(at), Some(b'0'..=b'9' | b'+' | b'-'));
        match bytes[end] {
            b'0'..=b'9' | b'.' | b'_' => {}
            b'+' | b'-' if end == 0 || matches!(bytes[end - 1], b'e' | b'E') => {}
            b'e' | b'E' if end > 0 && exponent_follows(end + 1) => {}
            _ => break,
        }
        end += 1;
    }
    let (number, unit) = text.split_at(end);
    let value: f64 = number.replace('_', "").parse().map_err(|_| UnitError::NoNumber)?;
    if value < 0.0 {
        return Err(UnitError::Negative);
    }
    if !value.is_finite() {
        return Err(UnitError::TooLarge);
    }
    Ok((value, unit))
}

/// Nanoseconds in one of the unit, if it is a unit of time.
fn unit_ns(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1.0,
        "us" | "µs" | "μs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" | "min" => 60e9,
        "h" => 3600e9,
        "d" => 86_400e9,
        _ => return None,
    })
}

/// Reads a duration as scenarios write it: `"250us"`, `"10ms"`, `"1.5s"`, `"2m"`, `"1h"`.
///
/// # Errors
/// Says what is wrong with the text.
pub fn parse_span(text: &str) -> Result<Span, UnitError> {
    let (value, unit) = number_and_unit(text)?;
    let ns = match unit_ns(unit) {
        Some(one) => value * one,
        None if unit.is_empty() => return Err(UnitError::NoUnit),
        None => return Err(UnitError::UnknownUnit),
    };
    if ns >= u64::MAX as f64 { Err(UnitError::TooLarge) } else { Ok(Span(round_ns(ns))) }
}

/// Reads a rate in events per second: `"800/s"`, `"50/min"`, `"3/h"`.
///
/// # Errors
/// Says what is wrong with the text. Zero and rates above [`Rate::MAX`] are read; [`Rate::per_second`] judges them.
pub fn parse_rate(text: &str) -> Result<f64, UnitError> {
    let (value, unit) = number_and_unit(text)?;
    let per = match unit.trim().strip_prefix('/') {
        Some(per) => unit_ns(per).ok_or(UnitError::UnknownUnit)?,
        None if unit.is_empty() => return Err(UnitError::NoUnit),
        None => return Err(UnitError::UnknownUnit),
    };
    Ok(value / (per / 1e9))
}

/// Reads a share written with a percent sign, as a number from 0 to 1 (or above: the caller judges).
///
/// # Errors
/// Says what is wrong with the text.
pub fn parse_share(text: &str) -> Result<f64, UnitError> {
    match number_and_unit(text)? {
        (value, "%") => Ok(value / 100.0),
        (_, "") => Err(UnitError::NoUnit),
        _ => Err(UnitError::UnknownUnit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written_alike() {
        for (text, ns) in
            [("250us", 250_000), ("10ms", 10_000_000), ("1.5s", 1_500_000_000), ("2m", 120_000_000_000), ("1h", 3_600_000_000_000)]
        {
            assert_eq!(parse_span(text), Ok(Span(ns)));
            assert_eq!(Span(ns).to_string(), text);
        }
        assert_eq!(parse_span("0.3ms"), Ok(Span(300_000)));
        assert_eq!(parse_span("1e3us"), Ok(Span(1_000_000)));
        assert_eq!(Span(300_000).to_string(), "300us");
        assert_eq!(Span(1_234_567).to_string(), "1.234567ms");
    }

    #[test]
    fn wrong_durations_say_what_is_wrong() {
        assert_eq!(parse_span("10"), Err(UnitError::NoUnit));
        assert_eq!(parse_span("10 minutes"), Err(UnitError::UnknownUnit));
        assert_eq!(parse_span("10M"), Err(UnitError::UnknownUnit));
        assert_eq!(parse_span("-5s"), Err(UnitError::Negative));
        assert_eq!(parse_span("6000000h"), Err(UnitError::TooLarge));
        assert_eq!(parse_span("nan"), Err(UnitError::NotFinite));
        assert_eq!(parse_span("infs"), Err(UnitError::NotFinite));
        assert_eq!(parse_span("fast"), Err(UnitError::NoNumber));
        assert_eq!(parse_span(""), Err(UnitError::NoNumber));
    }

    #[test]
    fn rates_and_shares_are_read() {
        assert_eq!(parse_rate("800/s"), Ok(800.0));
        assert_eq!(parse_rate("60/min"), Ok(1.0));
        assert_eq!(parse_rate("1000"), Err(UnitError::NoUnit));
        assert_eq!(parse_rate("nan/s"), Err(UnitError::NotFinite));
        assert_eq!(parse_share("20%"), Ok(0.2));
        assert!(Rate::per_second(1e308).is_none());
        assert!(Rate::per_second(0.0).is_none());
    }
}
