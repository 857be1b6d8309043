//! The values of one `--vary KEY=VALUES`: lists, ranges, logarithmic ranges.
//!
//! `VALUES` are parted by commas (not those within quotes, brackets or braces). Each part is
//!
//! - a value, written as for `--set`: `10`, `0.5`, `10ms`, `random`, `"a, b"`, `["random", "p2c"]`;
//! - a range `FIRST:LAST:STEP`, both ends included: `0.5:0.95:0.05`, `1ms:10ms:1ms`. Sums are of decimals, so that 0.7 is 0.7. Where the steps do not meet
//!   `LAST`, it ends before; where `FIRST` is the greater one, `STEP` has a minus;
//! - a logarithmic range `FIRST:LAST:logN`: `N` values, each the same multiple of the one before: `1:1000:log4` is 1, 10, 100, 1000. Between the ends
//!   they are rounded: to whole numbers where both ends are, else to three digits.

use super::decimal::Decimal;

/// No option has more values.
pub const MOST: usize = 1_000_000;

/// What is wrong with the values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// There is no `=`.
    #[error("it has no values\n  allowed: KEY=VALUE,VALUE,… or KEY=FIRST:LAST:STEP or KEY=FIRST:LAST:logN")]
    NoValues,
    /// Nothing between two commas.
    #[error("a value is empty: write \"\" for an empty text")]
    Empty,
    /// A quote or bracket without its end.
    #[error("a quote or a bracket is not closed")]
    Open,
    /// `1:10`.
    #[error("`{0}` is a range without a step\n  allowed: FIRST:LAST:STEP or FIRST:LAST:logN; in quotes it is a text")]
    NoStep(String),
    /// The step leads nowhere.
    #[error("`{range}`: steps of {step} from {first} never get to {last}")]
    Astray {
        /// As written.
        range: String,
        /// The parts of it.
        first: String,
        /// Likewise.
        last: String,
        /// Likewise.
        step: String,
    },
    /// Different units.
    #[error("`{0}`: write all its parts in the same unit")]
    Units(String),
    /// A logarithmic range from or to zero or below.
    #[error("`{0}`: both ends of a logarithmic range are above zero")]
    NotPositive(String),
    /// `log1`.
    #[error("`{0}`: a logarithmic range has at least two values")]
    TooFew(String),
    /// Rounding makes neighbours equal.
    #[error("`{0}`: so close together, values are equal after rounding; ask for fewer of them")]
    TooClose(String),
    /// More than [`MOST`].
    #[error("more than {MOST} values")]
    TooMany,
    /// The same value a second time.
    #[error("the value {0} is listed twice")]
    Twice(String),
    /// Members of a zipped option have different lengths.
    #[error("keys that are varied together need as many values: {0}")]
    Lengths(String),
    /// A key a second time.
    #[error("`{0}` is varied twice")]
    KeyTwice(String),
    /// A search goes through numbers.
    #[error(
        "`{0}` is not a number in the unit of the others: a search goes from the least value to the greatest\n  allowed: FIRST:LAST:STEP, FIRST:LAST of whole numbers, FIRST:LAST:logN, or a list of numbers"
    )]
    NoOrder(String),
    /// Too many points.
    #[error("all of them together are more than {0} points; vary less at once")]
    Points(u64),
}

/// Reads them all, in their order.
pub(super) fn read(text: &str) -> Result<(Vec<String>, bool), Fault> {
    let (mut values, mut is_log) = (Vec::new(), false);
    for part in parted(text, ',')? {
        let part = part.trim();
        if part.is_empty() {
            return Err(Fault::Empty);
        }
        match range(part)? {
            Some((more, log)) => {
                is_log |= log;
                values.extend(more);
            }
            None => values.push(part.to_owned()),
        }
        if values.len() > MOST {
            return Err(Fault::TooMany);
        }
    }
    let mut sorted: Vec<&String> = values.iter().collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Fault::Twice(pair[0].clone())),
        None => Ok((values, is_log)),
    }
}

/// The pieces between separators that stand in no quotes and no brackets.
pub(super) fn parted(text: &str, separator: char) -> Result<Vec<&str>, Fault> {
    let (mut parts, mut start, mut depth, mut quote, mut escaped) = (Vec::new(), 0, 0_u32, None, false);
    for (at, c) in text.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some('"') if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None => match c {
                '"' | '\'' => quote = Some(c),
                '[' | '{' => depth += 1,
                ']' | '}' => depth = depth.checked_sub(1).ok_or(Fault::Open)?,
                c if c == separator && depth == 0 => {
                    parts.push(&text[start..at]);
                    start = at + c.len_utf8();
                }
                _ => {}
            },
        }
    }
    parts.push(&text[start..]);
    if quote.is_none() && depth == 0 { Ok(parts) } else { Err(Fault::Open) }
}

/// What is no range is a value.
fn range(text: &str) -> Result<Option<(Vec<String>, bool)>, Fault> {
    let parts: Vec<&str> = text.split(':').collect();
    let ends = || Some((Decimal::read(parts.first()?)?, Decimal::read(parts.get(1)?)?));
    let Some((first, last)) = ends() else { return Ok(None) };
    match parts[2..] {
        [] => Err(Fault::NoStep(text.to_owned())),
        [step] => match (step.trim().strip_prefix("log"), Decimal::read(step)) {
            (Some(count), _) => logarithmic(text, &first, &last, count).map(|values| Some((values, true))),
            (None, Some(step)) => linear(text, &first, &last, &step).map(|values| Some((values, false))),
            (None, None) => Err(Fault::NoStep(text.to_owned())),
        },
        _ => Ok(None),
    }
}

fn linear(text: &str, first: &Decimal, last: &Decimal, step: &Decimal) -> Result<Vec<String>, Fault> {
    if first.unit != last.unit || first.unit != step.unit {
        return Err(Fault::Units(text.to_owned()));
    }
    let scale = first.scale.max(last.scale).max(step.scale);
    let (from, to, by) = (first.scaled(scale), last.scaled(scale), step.scaled(scale));
    if by == 0 || (to - from).signum() * by.signum() < 0 {
        let [first, last, step] = [first, last, step].map(ToString::to_string);
        return Err(Fault::Astray { range: text.to_owned(), first, last, step });
    }
    let steps = (to - from) / by;
    if steps >= MOST as i128 {
        return Err(Fault::TooMany);
    }
    let value = |at: i128| Decimal { digits: from + at * by, scale, unit: first.unit.clone() }.to_string();
    Ok((0..=steps).map(value).collect())
}

fn logarithmic(text: &str, first: &Decimal, last: &Decimal, count: &str) -> Result<Vec<String>, Fault> {
    if first.unit != last.unit {
        return Err(Fault::Units(text.to_owned()));
    }
    if first.digits <= 0 || last.digits <= 0 {
        return Err(Fault::NotPositive(text.to_owned()));
    }
    let count: usize = count.trim().parse().map_err(|_| Fault::NoStep(text.to_owned()))?;
    match count {
        0 | 1 => return Err(Fault::TooFew(text.to_owned())),
        MOST.. => return Err(Fault::TooMany),
        _ => {}
    }
    let whole = first.is_whole() && last.is_whole();
    let (low, high) = (first.value(), last.value());
    let between = |at: usize| {
        let value = low * libm::pow(high / low, at as f64 / (count - 1) as f64);
        format!("{}{}", if whole { format!("{:.0}", libm::round(value)) } else { three_digits(value) }, first.unit)
    };
    let inner = (1..count - 1).map(between);
    let values: Vec<String> = std::iter::once(first.to_string()).chain(inner).chain([last.to_string()]).collect();
    if values.windows(2).any(|pair| pair[0] == pair[1]) { Err(Fault::TooClose(text.to_owned())) } else { Ok(values) }
}

/// Rounded to three digits, and at least one behind the point.
fn three_digits(value: f64) -> String {
    let decimals = (2 - libm::floor(libm::log10(value)) as i32).max(1) as usize;
    let text = format!("{value:.decimals$}");
    Decimal::read(&text).map_or(text, |decimal| decimal.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> String {
        read(text).expect(text).0.join(" ")
    }

    #[test]
    fn ranges_have_both_ends_and_no_rounding() {
        assert_eq!(values("0.5:0.95:0.05"), "0.5 0.55 0.6 0.65 0.7 0.75 0.8 0.85 0.9 0.95");
        assert_eq!(values("1ms:3ms:1ms"), "1ms 2ms 3ms");
        assert_eq!(values("1:10:4"), "1 5 9");
        assert_eq!(values("10:1:-3"), "10 7 4 1");
        assert_eq!(values("10%:30%:10%"), "10% 20% 30%");
        assert_eq!(values("0.9:1.1:0.1"), "0.9 1.0 1.1");
        assert_eq!(values("5:5:1"), "5");
    }

    #[test]
    fn logarithmic_ranges_have_equal_ratios() {
        assert_eq!(values("1:1000:log4"), "1 10 100 1000");
        assert_eq!(values("1:1000:log7"), "1 3 10 32 100 316 1000");
        assert_eq!(values("0.01:1:log5"), "0.01 0.0316 0.1 0.316 1");
        assert_eq!(values("1ms:1000ms:log3"), "1ms 32ms 1000ms");
        assert_eq!(values("100:1:log3"), "100 10 1");
        assert!(read("1:1000:log7").expect("a range").1 && !read("1,10,100").expect("a list").1);
    }

    #[test]
    fn lists_are_parted_at_commas_that_nothing_encloses() {
        assert_eq!(values("1,10,100"), "1 10 100");
        assert_eq!(read(r#""a, b",'c',["x", "y"],{ dist = "exponential", mean = "1ms" }"#).expect("a list").0.len(), 4);
        assert_eq!(values("0.1, 0.5:0.7:0.1"), "0.1 0.5 0.6 0.7");
        // Addresses, times of day and other texts with colons are no ranges.
        assert_eq!(values("10.0.0.1:8080,a:b:c,\"1:2:3\""), "10.0.0.1:8080 a:b:c \"1:2:3\"");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let fault = |text: &str| read(text).expect_err(text);
        assert_eq!(fault("1,,2"), Fault::Empty);
        assert_eq!(fault(""), Fault::Empty);
        assert_eq!(fault("\"a"), Fault::Open);
        assert_eq!(fault("a]"), Fault::Open);
        assert_eq!(fault("1:10"), Fault::NoStep("1:10".into()));
        assert_eq!(fault("1:10:x"), Fault::NoStep("1:10:x".into()));
        assert!(matches!(fault("1:10:0"), Fault::Astray { .. }));
        assert!(matches!(fault("1:10:-1"), Fault::Astray { .. }));
        assert_eq!(fault("1ms:1s:100ms"), Fault::Units("1ms:1s:100ms".into()));
        assert_eq!(fault("0:10:log3"), Fault::NotPositive("0:10:log3".into()));
        assert_eq!(fault("1:10:log1"), Fault::TooFew("1:10:log1".into()));
        assert_eq!(fault("1:3:log9"), Fault::TooClose("1:3:log9".into()));
        assert_eq!(fault("0:100000000:1"), Fault::TooMany);
        assert_eq!(fault("1,2,1"), Fault::Twice("1".into()));
    }
}
