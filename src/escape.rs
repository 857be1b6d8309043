//! Foreign text made safe to show: no control, escape or bidirectional character reaches a terminal raw. The one list of such characters is here.

/// Whether a character may not be shown as it is: it would move the cursor, reorder text or hide (C0, C1, line and paragraph separators, bidirectional controls,
/// invisible marks).
pub(crate) fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Appends one character, escaped where it must be.
pub(crate) fn push_visible(out: &mut String, c: char) {
    match c {
        '\0' => out.push_str("\\0"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{a0}' => out.push_str("\\u{a0}"),
        c if is_harmful(c) => out.extend(c.escape_unicode()),
        c => out.push(c),
    }
}

/// The text, escaped, and cut to `limit` characters.
pub(crate) fn visible(text: &str, limit: usize) -> String {
    let mut out = String::new();
    for (index, c) in text.chars().enumerate() {
        if index == limit {
            out.push('…');
            break;
        }
        push_visible(&mut out, c);
    }
    out
}

/// The text in quotes, escaped, and cut to 40 characters: how messages show what was found.
pub(crate) fn shown(text: &str) -> String {
    format!("\"{}\"", visible(text, 40))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_stays() {
        assert_eq!(shown("a\u{1b}[2Jb\u{202e}\0\n"), "\"a\\u{1b}[2Jb\\u{202e}\\0\\n\"");
        assert_eq!(visible("é日本", 9), "é日本");
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(shown(&"x".repeat(1000)), format!("\"{}…\"", "x".repeat(40)));
    }
}
