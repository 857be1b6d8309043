//! HAProxy's `option httplog`, with whatever a syslog daemon put before it.

use std::str::FromStr;

use memchr::{memchr, memchr_iter, memrchr};

use super::values;
use crate::trace::entry::{Entry, Line, LineFormat};
use crate::trace::stamp::{self, Span, Stamp, Unit};

/// What the last of the five timers is: one line cannot tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timers {
    /// `Ta`: from the first byte of the request on, which is when the line is stamped. The default since 1.8.
    #[default]
    Ta,
    /// `Tt`: from the connection's start on, which is when the line is stamped, until the first timer (`Tq`: handshakes, idle time and the request) is over.
    Tt,
}

impl FromStr for Timers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "Ta" => Ok(Self::Ta),
            "Tt" => Ok(Self::Tt),
            _ => Err(format!("HAProxy's last timer is Ta (since 1.8) or Tt (before), not {text:?}")),
        }
    }
}

/// Reads HAProxy's lines.
#[derive(Clone, Copy, Debug, Default)]
pub struct Haproxy {
    timers: Timers,
}

/// More fields than this between server and timers are none that anybody put there.
const MOST_EXTRA: usize = 8;

impl Haproxy {
    /// With these timers.
    #[must_use]
    pub fn new(timers: Timers) -> Self {
        Self { timers }
    }

    fn request<'a>(self, line: &'a [u8]) -> Result<Line<'a>, &'static str> {
        let Some((before, stamp, after)) = accepted(line) else { return no_request(line) };
        let mut words = Words { rest: after };
        let frontend = words.next().ok_or("the line ends behind its stamp")?;
        if frontend.ends_with(b":") {
            return Ok(Line::Other("connections that failed before a request"));
        }
        let backend = words.next().filter(|word| memchr(b'/', word).is_some()).ok_or("backend/server should stand behind the frontend")?;
        let timers = words
            .by_ref()
            .take(MOST_EXTRA)
            .find(|word| is_timers(word))
            .ok_or("no timers (five numbers with slashes) behind the server")?;
        let timers: Vec<&[u8]> = timers.split(|&byte| byte == b'/').collect();
        let [first, queued, _, service, total] = timers[..] else { return Ok(Line::Other("lines of TCP connections")) };
        let mut entry = Entry { at: stamp.at, tick: stamp.tick, ..Entry::default() };
        entry.queued = milliseconds(queued).ok_or("Tw has to be milliseconds")?;
        entry.service = milliseconds(service).ok_or("Tr has to be milliseconds")?;
        entry.duration = milliseconds(total).ok_or(self.name_of_total())?;
        if self.timers == Timers::Tt {
            // The request is there, and can wait or be served, from the end of Tq on.
            let idle = milliseconds(first).ok_or("Tq has to be milliseconds")?.unwrap_or(0);
            entry.at = entry.at.saturating_add_unsigned(idle);
            entry.duration = entry.duration.map(|total| total.saturating_sub(idle));
        }
        entry.status = words.next().and_then(values::status).ok_or("the status should follow the timers")?;
        let bytes = words.next().ok_or("the number of bytes should follow the status")?;
        // With a plus the log was written before the answer ended.
        entry.bytes =
            if bytes.starts_with(b"+") { None } else { Some(values::whole(bytes).ok_or("the number of bytes should follow the status")?) };
        // Two captured cookies and the state at the end.
        let retries = words.by_ref().nth(3).and_then(retries).ok_or("five counts of connections should follow the state")?;
        let is_sent = !backend.ends_with(b"/<NOSRV>");
        entry.class = Some(backend[..memrchr(b'/', backend).unwrap_or(backend.len())].into());
        if is_sent {
            entry.backend = Some(backend.into());
            entry.tries = retries.saturating_add(1);
        }
        entry.outcome = values::outcome(entry.status, Some(is_sent));
        entry.client = client(before).map(Into::into);
        entry.key = quoted(words.rest).and_then(values::path_of_request);
        Ok(Line::Request(entry))
    }

    fn name_of_total(self) -> &'static str {
        match self.timers {
            Timers::Ta => "Ta has to be milliseconds",
            Timers::Tt => "Tt has to be milliseconds",
        }
    }
}

impl LineFormat for Haproxy {
    fn read<'a>(&mut self, line: &'a [u8]) -> Line<'a> {
        self.request(line).unwrap_or_else(|reason| Line::Unreadable(reason.into()))
    }
}

/// Words between single spaces.
struct Words<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = memchr(b' ', self.rest).unwrap_or(self.rest.len());
        let word = &self.rest[..end];
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        Some(word)
    }
}

/// What stands before `[06/Feb/2009:12:14:14.655] `, that stamp, and what stands behind it.
fn accepted(line: &[u8]) -> Option<(&[u8], Stamp, &[u8])> {
    memchr_iter(b'[', line).take(MOST_EXTRA).find_map(|open| {
        let inner = &line[open + 1..];
        let close = memchr(b']', &inner[..inner.len().min(40)])?;
        let stamp = stamp::common_log(&inner[..close])?;
        let after = inner[close + 1..].strip_prefix(b" ")?;
        Some((line[..open].trim_ascii_end(), stamp, after))
    })
}

/// Lines without a stamp in brackets.
fn no_request(line: &[u8]) -> Result<Line<'_>, &'static str> {
    if line.trim_ascii().is_empty() {
        return Ok(Line::Other("empty lines"));
    }
    match memchr::memmem::find(line, b"haproxy") {
        Some(_) => Ok(Line::Other("messages of HAProxy that are no requests")),
        None => Err("no stamp like [06/Feb/2009:12:14:14.655]"),
    }
}

/// `0/-1/-1/-1/+0`, or three numbers for TCP.
fn is_timers(word: &[u8]) -> bool {
    let slashes = word.iter().filter(|&&byte| byte == b'/').count();
    (slashes == 4 || slashes == 2) && word.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'/'))
}

/// A timer; one with a plus was written before it was over.
fn milliseconds(text: &[u8]) -> Option<Option<u64>> {
    match stamp::span(text.strip_prefix(b"+").unwrap_or(text), Unit::Milliseconds)? {
        Span::Known(_) if text.starts_with(b"+") => Some(None),
        Span::Known(span) => Some(Some(span)),
        Span::NotReached => Some(None),
    }
}

/// The last of `actconn/feconn/beconn/srv_conn/retries`, which has a plus where the request went to another server.
fn retries(word: &[u8]) -> Option<u32> {
    let parts: Vec<&[u8]> = word.split(|&byte| byte == b'/').take(6).collect();
    let [_, _, _, _, retries] = parts[..] else { return None };
    u32::try_from(values::whole(retries.strip_prefix(b"+").unwrap_or(retries))?).ok()
}

/// The address of the last word, `10.0.0.1:38862`, which for IPv6 has no brackets.
fn client(before: &[u8]) -> Option<&[u8]> {
    let word = &before[memrchr(b' ', before).map_or(0, |space| space + 1)..];
    values::present(&word[..memrchr(b':', word).unwrap_or(word.len())])
}

/// The request behind queues and captured headers; very long ones have no quotation mark at their end.
fn quoted(rest: &[u8]) -> Option<&[u8]> {
    let mut from = 0;
    let open = loop {
        let at = from + memchr(b'"', &rest[from..])?;
        // A captured header may have quotation marks too; the request's comes behind a space and is followed by a method.
        if at > 0 && rest[at - 1] == b' ' && rest.get(at + 1).is_some_and(|byte| byte.is_ascii_uppercase() || *byte == b'<') {
            break at + 1;
        }
        from = at + 1;
    };
    let inner = &rest[open..];
    Some(&inner[..memchr(b'"', inner).unwrap_or(inner.len())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::entry::Outcome;

    fn read(line: &str) -> Line<'_> {
        Haproxy::default().read(line.as_bytes())
    }

    #[test]
    fn what_comes_before_the_request_is_not_of_it_in_old_logs() {
        let line = "10.1.2.3:4711 [06/Feb/2009:12:14:14.655] http-in static/srv1 900/10/2/69/1009 200 2750 - - ---- 1/1/1/1/0 0/0 \"GET /index.html HTTP/1.1\"";
        let Line::Request(entry) = Haproxy::new(Timers::Tt).read(line.as_bytes()) else { panic!("it is one") };
        let new = request(line);
        assert_eq!((entry.at - new.at, entry.duration, entry.service), (900_000_000, Some(109_000_000), Some(69_000_000)));
        assert_eq!(new.duration, Some(1_009_000_000));
    }

    fn request(line: &str) -> Entry<'_> {
        match read(line) {
            Line::Request(entry) => entry,
            other => panic!("{line}: {other:?}"),
        }
    }

    const TAIL: &str = r#"www~ app/web1 10/20/1/55/86 200 3097 - - ---- 2/2/0/0/+3 0/0 {a "b" c} {} "GET /app/x?y=1 HTTP/1.1""#;

    #[test]
    fn a_request_with_everything() {
        for prefix in ["Feb  6 12:14:14 host haproxy[1]: ", "<134>1 2009-02-06T12:14:14Z host haproxy 1 - - ", ""] {
            let line = format!("{prefix}2001:db8::1:4711 [06/Feb/2009:12:14:14.655] {TAIL}");
            let entry = request(&line);
            assert_eq!((entry.at, entry.tick), (1_233_922_454_655_000_000, 1_000_000));
            assert_eq!((entry.queued, entry.service, entry.duration), (Some(20_000_000), Some(55_000_000), Some(86_000_000)));
            assert_eq!((entry.status, entry.bytes, entry.tries, entry.outcome), (Some(200), Some(3097), 4, Outcome::Succeeded));
            assert_eq!(entry.key.as_deref(), Some(&b"/app/x"[..]));
            assert_eq!(entry.client.as_deref(), Some(&b"2001:db8::1"[..]));
            assert_eq!((entry.backend.as_deref(), entry.class.as_deref()), (Some(&b"app/web1"[..]), Some(&b"app"[..])));
        }
    }

    #[test]
    fn phases_that_were_not_reached_and_what_is_not_over() {
        let entry =
            request(r#"1.2.3.4:5 [10/Dec/2018:12:01:46.395] web web/<NOSRV> 0/-1/-1/-1/0 503 213 - - SC-- 1/1/0/0/0 0/0 "GET / HTTP/1.1""#);
        assert_eq!((entry.queued, entry.service, entry.duration, entry.backend, entry.tries), (None, None, Some(0), None, 0));
        assert_eq!(entry.outcome, Outcome::Refused);
        let entry = request(r#"1.2.3.4:5 [10/Dec/2018:12:01:46.395] web web/a 0/0/1/7/+8 200 +213 - - ---- 1/1/0/0/0 0/0 "<BADREQ>"#);
        assert_eq!((entry.service, entry.duration, entry.bytes, entry.key), (Some(7_000_000), None, None, None));
    }

    #[test]
    fn what_is_no_request() {
        assert!(matches!(
            read("1.2.3.4:5 [10/Dec/2018:12:01:46.395] web app/a 1/2/3 10 -- 1/1/1/1/0 0/0"),
            Line::Other("lines of TCP connections")
        ));
        assert!(matches!(read("1.2.3.4:5 [10/Dec/2018:12:01:46.395] web/1: SSL handshake failure"), Line::Other(_)));
        assert!(matches!(read("Feb  6 12:14:14 host haproxy[1]: Proxy web started."), Line::Other(_)));
        assert!(matches!(read("nonsense"), Line::Unreadable(_)));
        assert!(matches!(
            read("1.2.3.4:5 [10/Dec/2018:12:01:46.395] web app/a 1/2/3/4/x 200 1 - - ---- 1/1/1/1/0 0/0"),
            Line::Unreadable(_)
        ));
    }
}
