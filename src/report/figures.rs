//! Numbers as people read them: three significant digits, no exponents where they can be avoided, no locale.

/// Three significant digits, four from 1000 on (whole numbers): `0.0123`, `1.23`, `12.3`, `123`, `1234`; beyond ten million, `1.23e8`.
#[must_use]
pub fn short(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        return "0".into();
    }
    if !(1e-4..1e7).contains(&size) {
        return format!("{value:.2e}");
    }
    format!("{value:.*}", decimals(size))
}

/// Decimals that leave three significant digits. Judged after rounding, so that 9.999 is 10.0 and not 10.00.
fn decimals(size: f64) -> usize {
    match size {
        s if s < 0.000_999_5 => 6,
        s if s < 0.009_995 => 5,
        s if s < 0.099_95 => 4,
        s if s < 0.999_5 => 3,
        s if s < 9.995 => 2,
        s if s < 99.95 => 1,
        _ => 0,
    }
}

/// A value with its interval, both to the same decimals: `12.3 ±0.4`; one decimal more where the interval would not be seen: `11.69 ±0.03`.
#[must_use]
pub fn with_interval(value: Option<f64>, half: Option<f64>) -> String {
    match (value, half) {
        (None, _) => "–".into(),
        (Some(value), None) => short(value),
        (Some(value), Some(half)) if (1e-4..1e7).contains(&value.abs()) && half < 1e7 => {
            let usual = decimals(value.abs());
            let unseen = half > 0.0 && format!("{half:.usual$}").bytes().all(|byte| matches!(byte, b'0' | b'.'));
            let decimals = usual + usize::from(unseen);
            format!("{value:.decimals$} ±{half:.decimals$}")
        }
        (Some(value), Some(half)) => format!("{} ±{}", short(value), short(half)),
    }
}

/// A multiple: `1.42x ±0.03`, `35.1x ±2.0`.
#[must_use]
pub fn ratio(value: f64, bounds: Option<[f64; 2]>) -> String {
    if !(0.01..9999.5).contains(&value) {
        return format!("{}x", short(value));
    }
    let decimals = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
    match bounds {
        Some([low, high]) => format!("{value:.decimals$}x ±{:.decimals$}", (high - low) / 2.0),
        None => format!("{value:.decimals$}x"),
    }
}

/// A share as a percentage that does not hide what is there: `0%` is none at all, `<0.01%` is some.
pub(super) fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    match percent {
        0.0 => "0%".into(),
        p if p < 0.01 => "<0.01%".into(),
        p if p < 9.995 => format!("{p:.2}%"),
        p if p < 99.95 => format!("{p:.1}%"),
        p => format!("{p:.0}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_are_kept() {
        for (value, text) in [
            (0.0, "0"),
            (0.012_345, "0.0123"),
            (0.000_123_45, "0.000123"),
            (0.123_45, "0.123"),
            (1.234_5, "1.23"),
            (9.994, "9.99"),
            (9.999, "10.0"),
            (12.345, "12.3"),
            (99.96, "100"),
            (123.45, "123"),
            (1234.5, "1234"),
            (123_456_789.0, "1.23e8"),
            (1e-9, "1.00e-9"),
            (-12.345, "-12.3"),
        ] {
            assert_eq!(short(value), text);
        }
    }

    #[test]
    fn intervals_share_the_decimals() {
        assert_eq!(with_interval(Some(12.345), Some(0.432)), "12.3 ±0.4");
        assert_eq!(with_interval(Some(236.0), Some(12.4)), "236 ±12");
        assert_eq!(with_interval(Some(11.694), Some(0.028)), "11.69 ±0.03");
        assert_eq!(with_interval(Some(11.694), Some(0.0)), "11.7 ±0.0");
        assert_eq!(with_interval(Some(1.0), None), "1.00");
        assert_eq!(with_interval(None, Some(1.0)), "–");
    }

    #[test]
    fn ratios_and_percentages() {
        assert_eq!(ratio(1.4242, Some([1.39, 1.45])), "1.42x ±0.03");
        assert_eq!(ratio(35.12, Some([33.0, 37.0])), "35.1x ±2.0");
        assert_eq!(ratio(1.0, None), "1.00x");
        for (share, text) in [(0.0, "0%"), (1e-6, "<0.01%"), (0.0123, "1.23%"), (0.5, "50.0%"), (1.0, "100%")] {
            assert_eq!(percent(share), text);
        }
    }
}
