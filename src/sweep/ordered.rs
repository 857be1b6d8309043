//! The values that a search goes through: numbers of one unit, from the least to the greatest.
//!
//! Written as for `--vary` (see [`super::values`]), and as `FIRST:LAST` where both are whole: steps of one then. The order in which they are written does not matter.

use super::decimal::Decimal;
use super::values::{self, Fault};

/// Reads `KEY=VALUES`: the key, and its values in ascending order; none of them for a `KEY` alone.
///
/// # Errors
/// What is wrong with the values.
pub fn read(option: &str) -> Result<(String, Vec<String>), Fault> {
    let Some((key, text)) = option.split_once('=') else { return Ok((option.trim().to_owned(), Vec::new())) };
    if text.trim().is_empty() {
        return Err(Fault::NoValues);
    }
    let stepped: Vec<String> = values::parted(text, ',')?.into_iter().map(stepped).collect();
    let (values, _) = values::read(&stepped.join(","))?;
    let numbers = values.into_iter().map(|value| Decimal::read(&value).map(|number| (number, value.clone())).ok_or(Fault::NoOrder(value)));
    let mut numbers = numbers.collect::<Result<Vec<_>, _>>()?;
    let unit = numbers.first().map(|(first, _)| first.unit.clone()).unwrap_or_default();
    if let Some((_, value)) = numbers.iter().find(|(number, _)| number.unit != unit) {
        return Err(Fault::NoOrder(value.clone()));
    }
    let scale = numbers.iter().map(|(number, _)| number.scale).max().unwrap_or(0);
    numbers.sort_by_key(|(number, _)| number.scaled(scale));
    match numbers.windows(2).find(|pair| pair[0].0.scaled(scale) == pair[1].0.scaled(scale)) {
        Some(pair) => Err(Fault::Twice(pair[1].1.clone())),
        None => Ok((key.trim().to_owned(), numbers.into_iter().map(|(_, value)| value).collect())),
    }
}

/// `1:100` as `1:100:1`.
fn stepped(part: &str) -> String {
    let ends: Option<Vec<Decimal>> = part.split(':').map(Decimal::read).collect();
    match ends.as_deref() {
        Some([first, last]) if first.is_whole() && last.is_whole() && first.unit == last.unit => {
            let step = if first.digits <= last.digits { "1" } else { "-1" };
            format!("{part}:{step}{}", first.unit)
        }
        _ => part.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> String {
        read(&format!("k={text}")).expect(text).1.join(" ")
    }

    #[test]
    fn values_come_from_the_least_to_the_greatest() {
        assert_eq!(values("1:5"), "1 2 3 4 5");
        assert_eq!(values("5:1"), "1 2 3 4 5");
        assert_eq!(values("10ms:12ms"), "10ms 11ms 12ms");
        assert_eq!(values("0.1:0.3:0.1"), "0.1 0.2 0.3");
        assert_eq!(values("8,2,0.5"), "0.5 2 8");
        assert_eq!(values("1:100:log3"), "1 10 100");
        assert_eq!(read("a.b"), Ok(("a.b".to_owned(), Vec::new())));
    }

    #[test]
    fn what_has_no_order_is_refused() {
        assert_eq!(read("k=a,b"), Err(Fault::NoOrder("a".into())));
        assert_eq!(read("k=1ms,2s"), Err(Fault::NoOrder("2s".into())));
        assert_eq!(read("k=0.1:0.9"), Err(Fault::NoStep("0.1:0.9".into())));
        assert_eq!(read("k=1,1.0"), Err(Fault::Twice("1.0".into())));
        assert_eq!(read("k="), Err(Fault::NoValues));
    }
}
