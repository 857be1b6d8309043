//! From bytes to text: what is not a scenario at all is said so in its own words, before any parser sees it.

use super::diagnostic::{Fault, Finding};
use super::position::{Place, Sources};

/// The largest scenario that is read, in bytes: larger ones are lists that belong into a trace file.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The smallest scenario that runs, to show to who has none.
pub(crate) const SMALLEST: &str = "balancers = [\"round-robin\", \"random\"]\n[run]\nrequests = 100000\n[traffic]\narrivals = { process = \"poisson\", load = 0.8 }\nwork = { dist = \"exponential\", mean = \"10ms\" }\n[[backends]]\ncount = 10";

/// What files of other kinds begin with.
const MAGIC: [(&[u8], &str); 14] = [
    (b"\x1f\x8b", "gzip data"),
    (b"\x28\xb5\x2f\xfd", "zstd data"),
    (b"BZh", "bzip2 data"),
    (b"\xfd7zXZ", "xz data"),
    (b"PK\x03\x04", "a zip archive or a spreadsheet"),
    (b"PAR1", "a parquet file"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program (ELF)"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\xd4\xc3\xb2\xa1", "a pcap capture"),
    (b"\x0a\x0d\x0d\x0a", "a pcapng capture"),
];

/// The text of a scenario, or what else it is.
pub(crate) fn decode(name: &str, bytes: &[u8], limit: usize, sources: &mut Sources) -> Result<String, Vec<Finding>> {
    let text = text(name, bytes, limit, sources)?;
    let findings = not_toml(&text, 0);
    if findings.is_empty() { Ok(text) } else { Err(findings) }
}

/// The text of a scenario without byte-order mark and with LF line ends, or all that forbids to read it.
///
/// The text is added to `sources` as soon as there is one, so that findings can show their line.
pub(crate) fn text(name: &str, bytes: &[u8], limit: usize, sources: &mut Sources) -> Result<String, Vec<Finding>> {
    let refuse = |sources: &mut Sources, text: &str, span: std::ops::Range<usize>, finding: fn(Place, Fault) -> Finding, fault: Fault| {
        let source = sources.add(name, text.to_owned(), false);
        finding(Place::new(source, span), fault)
    };
    if let Some((fault, help)) = not_text(bytes, limit) {
        return Err(vec![refuse(sources, "", 0..0, Finding::error, fault).help(help)]);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.replace("\r\n", "\n"),
        Err(error) => return Err(vec![not_utf8(name, bytes, error.valid_up_to(), sources)]),
    };
    sources.add(name, text.clone(), false);
    Ok(text)
}

/// Why a scenario of that many bytes is refused.
pub(crate) fn size_fault(bytes: usize, limit: usize) -> Fault {
    Fault::Limit(format!("the scenario is {}; the limit is {}", size(bytes), size(limit)))
}

fn size(bytes: usize) -> String {
    match bytes {
        1_048_576.. if bytes.is_multiple_of(1_048_576) => format!("{} MiB", bytes / 1_048_576),
        1_048_576.. => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
        _ => format!("{bytes} bytes"),
    }
}

/// What to do about the size.
pub(crate) const SIZE_HELP: &str = "put long lists in a trace file, or raise the limit with --max-scenario-size";

/// Faults that need no look at characters.
fn not_text(bytes: &[u8], limit: usize) -> Option<(Fault, &'static str)> {
    if let Some((_, what)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        let fault = Fault::NotText(format!("not a text file ({what})"));
        return Some((fault, "scenarios are TOML text; is it recorded traffic? see `evenkeel trace inspect`"));
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || has_every_other_byte_zero(bytes) {
        return Some((Fault::Encoding("the file looks like UTF-16".into()), "save it as UTF-8"));
    }
    (bytes.len() > limit).then(|| (size_fault(bytes.len(), limit), SIZE_HELP))
}

/// UTF-16 without a mark: ASCII with zeros in between.
fn has_every_other_byte_zero(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(64)];
    let zeros = |first: usize| start.iter().skip(first).step_by(2).filter(|&&byte| byte == 0).count();
    start.len() >= 8 && (zeros(0) * 2 == start.len() || zeros(1) * 2 == start.len())
}

/// A byte that is not UTF-8, with the line as far as it can be read.
fn not_utf8(name: &str, bytes: &[u8], offset: usize, sources: &mut Sources) -> Finding {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let source = sources.add(name, text, false);
    let byte = bytes[offset];
    let looks = if byte >= 0xa0 { format!(" (in Latin-1 it is `{}`)", char::from(byte)) } else { String::new() };
    let count = String::from_utf8_lossy(&bytes[offset..]).matches('\u{fffd}').count();
    let more = if count > 1 { format!("; {} more like it follow", count - 1) } else { String::new() };
    Finding::error(Place::new(source, offset..offset + 3), Fault::Encoding(format!("the byte 0x{byte:02X} is not UTF-8{looks}{more}")))
        .allowed("text in UTF-8")
        .help("save the file as UTF-8")
}

/// Text that the TOML parser would misjudge.
fn not_toml(text: &str, source: usize) -> Vec<Finding> {
    let start = Place::new(source, 0..0);
    let is_blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    if let Some(finding) = lone_return(text, source) {
        return vec![finding];
    }
    if text.lines().all(is_blank) {
        return vec![
            Finding::error(start, Fault::Empty).allowed("a scenario in TOML").help(format!("the smallest scenario is\n{SMALLEST}")),
        ];
    }
    if let Some(finding) = conflict(text, source).or_else(|| json(text, source)) {
        return vec![finding];
    }
    control(text, source)
}

/// Line ends of old: CR only.
fn lone_return(text: &str, source: usize) -> Option<Finding> {
    let at = text.find('\r')?;
    let count = text.matches('\r').count();
    let more = if count > 1 { format!(" ({count} in the file)") } else { String::new() };
    let finding = Finding::error(Place::new(source, at..at + 1), Fault::Encoding(format!("the line ends with CR only{more}")));
    Some(finding.allowed("lines that end with LF or CRLF").help("convert the line ends to LF"))
}

/// The marks of an unresolved merge.
fn conflict(text: &str, source: usize) -> Option<Finding> {
    let mut offset = 0;
    let mut start = None;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if line.starts_with("<<<<<<< ") && start.is_none() {
            start = Some((index + 1, offset));
        }
        if let (Some((first, at)), true) = (start, line.starts_with(">>>>>>>")) {
            let fault = Fault::OtherFormat(format!("this looks like an unresolved merge conflict (lines {first}-{})", index + 1));
            return Some(Finding::error(Place::new(source, at..at + 7), fault).help("keep one of the two sides and remove the marks"));
        }
        offset += line.len();
    }
    None
}

/// JSON begins with `{`, or with `[` and a value; a table header with `[` and a name.
fn json(text: &str, source: usize) -> Option<Finding> {
    let at = text.find(|c: char| !c.is_whitespace())?;
    let rest = text[at..].strip_prefix('[').map(str::trim_start);
    let is_json = text[at..].starts_with('{') || rest.is_some_and(|rest| rest.starts_with('{'));
    let finding = || Finding::error(Place::new(source, at..at + 1), Fault::OtherFormat("this looks like JSON; scenarios are TOML".into()));
    is_json.then(|| {
        finding()
            .help("in TOML a table is [name] on a line of its own, and its keys follow as name = value; `evenkeel new` writes an example")
    })
}

/// Control characters, which TOML has only as escapes: at most the first of each line.
fn control(text: &str, source: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let body = line.trim_end_matches('\n');
        if let Some((at, c)) = body.char_indices().find(|(_, c)| c.is_ascii_control() && *c != '\t') {
            let name = if c == '\0' { "NUL (\\0)".to_owned() } else { format!("U+{:04X}", u32::from(c)) };
            let finding = Finding::error(
                Place::new(source, offset + at..offset + at + 1),
                Fault::Encoding(format!("the control character {name} is not allowed in TOML")),
            );
            findings.push(finding.allowed("printable text").help(format!("remove it, or write \"\\u{:04X}\"", u32::from(c))));
        }
        offset += line.len();
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> String {
        let mut sources = Sources::default();
        let findings = decode("f.toml", bytes, 1000, &mut sources).expect_err("the bytes are no scenario");
        super::super::diagnostic::diagnostics(&sources, findings).to_string()
    }

    #[test]
    fn line_ends_and_marks_make_no_difference() {
        let mut sources = Sources::default();
        assert_eq!(decode("f", b"\xef\xbb\xbfa = 1\r\nb = 2\r\n", 1000, &mut sources).expect("it is text"), "a = 1\nb = 2\n");
    }

    #[test]
    fn each_has_its_own_words() {
        assert!(refused(b"\xff\xfea\0").contains("UTF-16"));
        assert!(refused(b"a\0=\0 \x001\0\n\0").contains("UTF-16"));
        assert!(refused(b"x = 1\nn = \"caf\xe9\"\n").contains("f.toml:2:9"));
        assert!(refused(&[b' '; 1001]).contains("limit"));
        assert!(refused(b"# nothing\n").contains("empty"));
        assert!(refused(b"[{\"a\": 1}]").contains("JSON"));
    }
}
