//! Names made harmless: titles and labels are written by whoever wrote the scenario.
//!
//! What a terminal would obey (escape sequences, other controls) or what reorders the text around it (bidirectional overrides) is shown as
//! its code instead, `\u{1b}`. CSV cells that a spreadsheet would run as formulas get a leading quote (OWASP, CSV
//! injection). Markdown's own signs are escaped.

use crate::escape;

/// Whether a character may not reach a terminal. Joiners may: emoji and some scripts are written with them.
#[must_use]
pub fn is_harmful(c: char) -> bool {
    escape::is_harmful(c) && !matches!(c, '\u{200c}' | '\u{200d}')
}

/// For a terminal, on one line.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_harmful(c) { shown.extend(c.escape_unicode()) } else { shown.push(c) }
    }
    shown
}

/// For one cell of a CSV file: never a formula, quoted where RFC 4180 asks for it.
#[must_use]
pub fn csv(text: &str) -> String {
    let mut cell = plain(text);
    // Also after spaces, which spreadsheets trim; and in the full-width forms, which some of them read.
    if cell.trim_start().starts_with(['=', '+', '-', '@', '|', '%', '＝', '＋', '－', '＠']) {
        cell.insert(0, '\'');
    }
    if cell.contains([',', '"', ';']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

/// For running text or a table cell in Markdown: no markup, no HTML, no links, no mentions.
#[must_use]
pub fn markdown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in plain(text).chars() {
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            // Inside a table a backslash does not protect these everywhere, and links and mentions are found after escaping.
            '|' => shown.push_str("&#124;"),
            '@' => shown.push_str("&#64;"),
            ':' => shown.push_str("&#58;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '~' | '!' | '$' | '^' => {
                shown.push('\\');
                shown.push(c);
            }
            _ => shown.push(c),
        }
    }
    shown
}

/// For running text or a quoted attribute of HTML or SVG: no markup, and nothing that ends an attribute or a comment.
#[must_use]
pub fn html(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in plain(text).chars() {
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&#39;"),
            '`' => shown.push_str("&#96;"),
            _ => shown.push(c),
        }
    }
    shown
}

/// How many columns of a terminal a text takes: two for East Asian wide characters and emoji, none for combining marks.
#[must_use]
pub fn width(text: &str) -> usize {
    text.chars().map(columns).sum()
}

fn columns(c: char) -> usize {
    match c {
        '\u{300}'..='\u{36f}' | '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

/// Made harmless, and no wider than so many columns: what is cut off is marked with `…`.
#[must_use]
pub fn fitted(text: &str, most: usize) -> String {
    let text = plain(text);
    if width(&text) <= most {
        return text;
    }
    let mut kept = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += columns(c);
        if used > most {
            break;
        }
        kept.push(c);
    }
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_no_commands() {
        assert_eq!(plain("a\u{1b}[31mb\nc\t\u{9b}2J\u{202e}d\u{7f}"), "a\\u{1b}[31mb\\u{a}c\\u{9}\\u{9b}2J\\u{202e}d\\u{7f}");
        assert_eq!(plain("Zwölf Bäume – 負荷"), "Zwölf Bäume – 負荷");
    }

    #[test]
    fn a_spreadsheet_runs_nothing() {
        for formula in ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "  =1", "＝1"] {
            assert!(csv(formula).trim_start_matches('"').starts_with('\''), "{formula}");
        }
        assert_eq!(csv("\t=1"), "\\u{9}=1");
        assert_eq!(csv("p2c"), "p2c");
        assert_eq!(csv("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(csv("two\r\nlines"), "two\\u{d}\\u{a}lines");
    }

    #[test]
    fn markdown_has_no_markup_left() {
        assert_eq!(markdown("a|b"), "a&#124;b");
        assert_eq!(markdown("<img src=x onerror=alert(1)>"), "&lt;img src=x onerror=alert\\(1\\)&gt;");
        assert_eq!(markdown("[x](http://y) @you"), "\\[x\\]\\(http&#58;//y\\) &#64;you");
        assert_eq!(markdown("a\nb"), "a\\\\u\\{a\\}b");
    }

    #[test]
    fn html_has_no_markup_left() {
        assert_eq!(html("</script><b a='x' b=\"y\">&`]]>"), "&lt;/script&gt;&lt;b a=&#39;x&#39; b=&quot;y&quot;&gt;&amp;&#96;]]&gt;");
        assert_eq!(html("a\u{202e}b\0"), "a\\u{202e}b\\u{0}");
    }

    #[test]
    fn widths_are_those_of_a_terminal() {
        assert_eq!(width("負荷 a"), 6);
        assert_eq!(fitted("least-connections", 9), "least-co…");
        assert_eq!(fitted("負荷分散", 6), "負荷…");
        assert_eq!(fitted("short", 9), "short");
        assert_eq!(width(&fitted(&"\u{1b}".repeat(100), 20)), 20);
    }
}
