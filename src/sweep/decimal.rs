//! Numbers as they are written, with their units: `0.05`, `10ms`, `20%`, `800/s`. Added without any rounding.

use std::fmt;

/// A decimal number: `digits` ÷ 10^`scale`, and what stands behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    pub(super) digits: i128,
    pub(super) scale: u32,
    pub(super) unit: String,
}

/// More digits than this are no value that anybody varies, and sums of fewer fit.
const MOST_DIGITS: usize = 18;

impl Decimal {
    /// Reads digits with at most one point, a sign before them, and a unit behind them; nothing else, no exponent.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let (sign, rest) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text),
        };
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, unit) = rest.split_at(end);
        let (whole, fraction) = number.split_once('.').map_or((number, None), |(whole, fraction)| (whole, Some(fraction)));
        let is_whole = !whole.is_empty() && fraction != Some("") && !fraction.unwrap_or("").contains('.');
        let is_unit = unit.chars().all(|c| c.is_ascii_alphabetic() || matches!(c, '%' | '/' | 'µ'));
        let digits = format!("{whole}{}", fraction.unwrap_or(""));
        if !is_whole || !is_unit || digits.len() > MOST_DIGITS {
            return None;
        }
        let digits: i128 = digits.parse().ok()?;
        Some(Self { digits: sign * digits, scale: fraction.map_or(0, str::len) as u32, unit: unit.to_owned() })
    }

    /// The same number with more digits behind the point.
    pub(super) fn scaled(&self, scale: u32) -> i128 {
        self.digits * 10_i128.pow(scale.saturating_sub(self.scale))
    }

    /// The nearest number of the machine.
    pub(super) fn value(&self) -> f64 {
        format!("{}e-{}", self.digits, self.scale).parse().expect("digits and an exponent are a number")
    }

    /// Written without a point.
    pub(super) fn is_whole(&self) -> bool {
        self.scale == 0
    }
}

impl fmt::Display for Decimal {
    /// Without zeros at the end; but what has a point keeps one digit behind it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.digits < 0 { "-" } else { "" };
        let digits = format!("{:0>width$}", self.digits.unsigned_abs(), width = self.scale as usize + 1);
        let (whole, fraction) = digits.split_at(digits.len() - self.scale as usize);
        let fraction = fraction.trim_end_matches('0');
        match (self.scale, fraction) {
            (0, _) => write!(f, "{sign}{whole}{}", self.unit),
            (_, "") => write!(f, "{sign}{whole}.0{}", self.unit),
            (_, fraction) => write!(f, "{sign}{whole}.{fraction}{}", self.unit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_as_it_was_read() {
        for text in ["0.5", "1", "-3", "10ms", "20%", "800/s", "0.05", "1.0", "-0.25ms", "0"] {
            assert_eq!(Decimal::read(text).expect(text).to_string(), text);
        }
        assert_eq!(Decimal::read("0.500").expect("a number").to_string(), "0.5");
    }

    #[test]
    fn what_is_not_a_plain_number_is_not_read() {
        for text in ["", "-", ".5", "5.", "1.2.3", "1e3", "10.0.0.1", "web", "1 2", "\"1\"", "0x10", "1234567890123456789"] {
            assert_eq!(Decimal::read(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_of_the_machine_are_the_nearest() {
        assert_eq!(Decimal::read("0.7").expect("a number").value(), 0.7);
        assert_eq!(Decimal::read("-12.50ms").expect("a number").value(), -12.5);
    }
}
