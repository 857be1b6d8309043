//! What figures say in words: values with their units, names that are short and harmless.

use crate::report::{figures, neutral};

/// A label for running text.
pub(in crate::report) fn name(label: &str) -> String {
    let start: String = label.chars().take(200).collect();
    neutral::fitted(&start, 40)
}

/// Part of a file's name.
pub(super) fn slug(label: &str) -> String {
    let mut slug = String::new();
    for c in label.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
        if slug.len() >= 40 {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "unnamed".into() } else { slug.into() }
}

/// Milliseconds, or seconds where there are many: `41 ms`, `1.20 s`.
pub(in crate::report) fn ms(value: f64) -> String {
    if value >= 9999.5 { format!("{} s", figures::short(value / 1000.0)) } else { format!("{} ms", figures::short(value)) }
}

/// What may not be there.
pub(in crate::report) fn or_dash(value: Option<f64>, write: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| "–".into(), write)
}

/// Seconds.
pub(in crate::report) fn s(value: f64) -> String {
    format!("{} s", figures::short(value))
}

/// `a, b and c`.
pub(in crate::report) fn and(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [firsts @ .., last] => format!("{} and {last}", firsts.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_units_and_names_are_harmless() {
        assert_eq!(ms(41.2), "41.2 ms");
        assert_eq!(ms(12_000.0), "12.0 s");
        assert_eq!(slug("Nginx / least_conn <script>"), "nginx-least-conn-script");
        assert_eq!(slug("負荷"), "unnamed");
        assert_eq!(and(&["a".into(), "b".into(), "c".into()]), "a, b and c");
    }
}
