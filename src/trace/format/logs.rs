//! The logs of nginx and Apache by the format strings that most of them have.

use super::Tally;
use super::pattern::{Pattern, Syntax};
use crate::trace::entry::{Entry, Line, LineFormat};

/// The layout that both products call combined, in nginx's words.
const COMBINED: &str =
    r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent""#;

/// What ingress-nginx writes behind it.
const INGRESS: &str = " $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr \
    $upstream_response_length $upstream_response_time $upstream_status $req_id";

/// What is appended to `combined`, the version's name, and whether it is a guess that only numbers of three decimals confirm.
const NGINX: [(&str, &str, bool); 6] = [
    ("", "combined", false),
    (" $request_time", "combined with $request_time", true),
    (" $request_time $upstream_response_time", "combined with $request_time $upstream_response_time", true),
    (r#" "$http_x_forwarded_for""#, "main (combined with $http_x_forwarded_for)", false),
    (r#" "$http_x_forwarded_for" $request_time"#, "main with $request_time", true),
    (r#" "$http_x_forwarded_for" $request_time $upstream_response_time"#, "main with $request_time $upstream_response_time", true),
];

/// Apache's, by names of its manual.
const APACHE: [(&str, &str); 4] = [
    (r#"%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-agent}i""#, "combined"),
    (r#"%h %l %u %t "%r" %>s %b"#, "common"),
    (r#"%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i""#, "vhost_combined"),
    (r#"%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-agent}i" %I %O"#, "combinedio"),
];

/// One of several layouts of a log.
struct Version {
    name: &'static str,
    pattern: Pattern,
    is_guess: bool,
}

/// A log whose lines may have several layouts, since its configuration changed: the one that fitted last is tried first.
pub(super) struct Versions {
    versions: Vec<Version>,
    current: usize,
    tally: Tally,
}

impl Versions {
    fn of(formats: impl IntoIterator<Item = (String, &'static str, bool)>, syntax: Syntax, tally: &Tally) -> Self {
        let version = |(format, name, is_guess): (String, _, _)| {
            let pattern = Pattern::new(&format, syntax).expect("the built-in formats are formats");
            Version { name, pattern, is_guess }
        };
        Self { versions: formats.into_iter().map(version).collect(), current: 0, tally: tally.clone() }
    }

    /// nginx, and ingress-nginx with its own layout first.
    pub(super) fn nginx(is_ingress: bool, tally: &Tally) -> Self {
        let mut formats: Vec<_> = NGINX.iter().map(|&(more, name, is_guess)| (format!("{COMBINED}{more}"), name, is_guess)).collect();
        let common = COMBINED.split(" \"$http_referer").next().unwrap_or(COMBINED);
        formats.push((common.to_owned(), "common", false));
        let ingress = (format!("{COMBINED}{INGRESS}"), "ingress-nginx upstreaminfo", false);
        formats.insert(if is_ingress { 0 } else { formats.len() }, ingress);
        Self::of(formats, Syntax::Nginx, tally)
    }

    /// Apache.
    pub(super) fn apache(tally: &Tally) -> Self {
        Self::of(APACHE.map(|(format, name)| (format.to_owned(), name, false)), Syntax::Apache, tally)
    }

    /// The version that fits a line.
    pub(super) fn fitting(&mut self, line: &[u8]) -> Option<&'static str> {
        let fits = |version: &mut Version| version.request(line).is_some();
        self.versions.iter_mut().find_map(|version| fits(version).then_some(version.name))
    }

    /// Why the line fits none, by the version that lines fitted before.
    pub(super) fn explain(&mut self, line: &[u8]) -> Option<String> {
        self.versions.get_mut(self.current)?.pattern.explain(line)
    }

    #[cold]
    fn other_version<'a>(&mut self, line: &'a [u8]) -> Option<Entry<'a>> {
        let found = self.versions.iter_mut().enumerate().find_map(|(index, version)| Some((index, version.request(line)?)));
        let (index, entry) = found?;
        self.current = index;
        self.tally.count(self.versions[index].name);
        Some(entry)
    }
}

impl Version {
    #[inline]
    fn request<'a>(&mut self, line: &'a [u8]) -> Option<Entry<'a>> {
        if self.is_guess && !ends_in_seconds(line) {
            return None;
        }
        self.pattern.request(line)
    }
}

impl LineFormat for Versions {
    #[inline]
    fn read<'a>(&mut self, line: &'a [u8]) -> Line<'a> {
        let version = &mut self.versions[self.current];
        if let Some(entry) = version.request(line) {
            self.tally.count(version.name);
            return Line::Request(entry);
        }
        match self.other_version(line) {
            Some(entry) => Line::Request(entry),
            None if line.is_empty() => Line::Other("empty lines"),
            None if is_error_log(line) => Line::Other("lines of an error log"),
            None => Line::Unreadable(self.versions[self.current].pattern.reason(line)),
        }
    }
}

/// Whether the line's last word is a time as nginx writes all its times: seconds with three decimals, or a hyphen behind such a time.
fn ends_in_seconds(line: &[u8]) -> bool {
    match line {
        [.., digit, b'.', a, b, c] => [digit, a, b, c].iter().all(|byte| byte.is_ascii_digit()),
        [before @ .., b' ', b'-'] => before.last().is_some_and(u8::is_ascii_digit),
        _ => false,
    }
}

/// `2020/01/31 10:00:00 [error] …` of nginx, `[Fri Jan 31 …] [core:error] …` of Apache.
fn is_error_log(line: &[u8]) -> bool {
    let is_nginx = matches!(line, [b'2', _, _, _, b'/', _, _, b'/', _, _, b' ', _, _, b':', _, _, b':', _, _, b' ', b'[', ..]);
    is_nginx || matches!(line, [b'[', a, b, c, b' ', ..] if [a, b, c].iter().all(|byte| byte.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"10.1.2.3 - - [07/Feb/2020:11:48:51 +0000] "GET /a?b HTTP/1.1" 200 59 "-" "curl/7.54.0""#;

    fn at(line: &str, reader: &mut Versions) -> (i64, Option<u64>, Option<u64>) {
        match reader.read(line.as_bytes()) {
            Line::Request(entry) => (entry.at, entry.duration, entry.service),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn versions_are_counted() {
        const END: i64 = 1_581_076_131_000_000_000;
        let tally = Tally::default();
        let mut reader = Versions::nginx(false, &tally);
        assert_eq!(at(LINE, &mut reader), (END, None, None));
        assert_eq!(at(&format!("{LINE} 0.250"), &mut reader), (END - 250_000_000, Some(250_000_000), None));
        assert_eq!(at(&format!("{LINE} 0.250 0.125, 0.100"), &mut reader), (END - 250_000_000, Some(250_000_000), Some(100_000_000)));
        assert_eq!(at(&format!("{LINE} 0.250 -"), &mut reader), (END - 250_000_000, Some(250_000_000), None));
        assert_eq!(at(&format!("{LINE} \"192.0.2.1\" 0.250"), &mut reader).1, Some(250_000_000));
        assert_eq!(at(LINE, &mut reader), (END, None, None));
        let names: Vec<_> = tally.counts().into_iter().filter(|(_, count)| *count == 2).map(|(name, _)| name).collect();
        assert_eq!(names, ["combined", "combined with $request_time $upstream_response_time"]);
    }

    #[test]
    fn numbers_that_may_be_anything_are_not_guessed() {
        for more in [" 12", " 0.25", " 1 2 3", " \"a\" b", " x"] {
            let line = format!("{LINE}{more}");
            assert!(matches!(Versions::nginx(false, &Tally::default()).read(line.as_bytes()), Line::Unreadable(_)), "{line}");
        }
    }

    #[test]
    fn what_is_no_request_at_all() {
        let mut reader = Versions::nginx(true, &Tally::default());
        assert!(matches!(reader.read(b""), Line::Other(_)));
        assert!(matches!(reader.read(b"2020/01/31 10:00:00 [error] 7#7: *1 connect() failed"), Line::Other(_)));
        assert!(matches!(reader.read(b"nonsense"), Line::Unreadable(_)));
    }

    #[test]
    fn apache_stamps_are_arrivals() {
        let mut reader = Versions::apache(&Tally::default());
        assert_eq!(at(&format!("{LINE} 100 2000"), &mut reader).0, 1_581_076_131_000_000_000);
        assert_eq!(at(&format!("shop.example:443 {LINE}"), &mut reader).0, 1_581_076_131_000_000_000);
    }
}
