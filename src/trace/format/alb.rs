//! Access logs of AWS application load balancers.

use memchr::{memchr, memrchr};

use super::values;
use crate::trace::entry::{Entry, Line, LineFormat};
use crate::trace::stamp::{self, Span, Unit};

/// Reads their lines.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alb;

/// Places of the fields, counted from 0.
mod place {
    pub(super) const TIME: usize = 1;
    pub(super) const CLIENT: usize = 3;
    pub(super) const TARGET: usize = 4;
    pub(super) const TIMES: std::ops::Range<usize> = 5..8;
    pub(super) const STATUS: usize = 8;
    pub(super) const SENT: usize = 11;
    pub(super) const REQUEST: usize = 12;
    pub(super) const GROUP: usize = 16;
    pub(super) const DOMAIN: usize = 18;
    pub(super) const CREATED: usize = 21;
    pub(super) const TARGETS: usize = 25;
}

/// Fields that are looked at.
const FIELDS: usize = 26;

/// Types of requests; the same buckets hold lines of other kinds.
const TYPES: [&[u8]; 6] = [b"http", b"https", b"h2", b"grpcs", b"ws", b"wss"];

impl LineFormat for Alb {
    fn read<'a>(&mut self, line: &'a [u8]) -> Line<'a> {
        request(line).unwrap_or_else(|reason| Line::Unreadable(reason.into()))
    }
}

fn request(line: &[u8]) -> Result<Line<'_>, &'static str> {
    let kind = &line[..memchr(b' ', line).unwrap_or(line.len())];
    if !TYPES.contains(&kind) {
        return match kind {
            [] if line.is_empty() => Ok(Line::Other("empty lines")),
            b"tls" => Ok(Line::Other("lines of a network load balancer")),
            kind if stamp::iso(kind).is_some() => Ok(Line::Other("lines of a connection log")),
            _ => Err("the line should begin with http, https, h2, grpcs, ws or wss"),
        };
    }
    let fields = fields(line)?;
    let mut entry = Entry::default();
    let [before, service, after] = times(&fields)?;
    entry.service = service;
    entry.duration = before.zip(service).zip(after).and_then(|((a, b), c)| a.checked_add(b)?.checked_add(c));
    arrive(&mut entry, &fields)?;
    entry.status = values::status(fields[place::STATUS]).ok_or("elb_status_code has to be three digits")?;
    entry.bytes = values::whole(fields[place::SENT]);
    entry.key = values::path_of_request(fields[place::REQUEST]);
    entry.client = values::present(values::without_port(fields[place::CLIENT])).map(Into::into);
    let target = values::present(fields[place::TARGET]);
    entry.backend = target.map(Into::into);
    let list = fields[place::TARGETS].split(|&byte| byte == b' ').filter(|target| values::present(target).is_some()).count();
    entry.tries = u32::try_from(list.max(usize::from(target.is_some()))).unwrap_or(u32::MAX);
    entry.class = values::present(group(fields[place::GROUP])).or_else(|| values::present(fields[place::DOMAIN])).map(Into::into);
    entry.outcome = values::outcome(entry.status, Some(target.is_some()));
    Ok(Line::Request(entry))
}

/// Times in seconds: before the target, at the target, behind it; `None` where it was not sent on.
fn times(fields: &[&[u8]; FIELDS]) -> Result<[Option<u64>; 3], &'static str> {
    let mut times = [None; 3];
    for (slot, text) in times.iter_mut().zip(&fields[place::TIMES]) {
        *slot = match stamp::span(text, Unit::Seconds).ok_or("the three processing times have to be seconds or -1")? {
            Span::Known(time) => Some(time),
            Span::NotReached => None,
        };
    }
    Ok(times)
}

/// It arrived at `request_creation_time`; lines of before that was written have the answer's instant alone.
fn arrive(entry: &mut Entry<'_>, fields: &[&[u8]; FIELDS]) -> Result<(), &'static str> {
    const WRONG: &str = "time has to be a stamp like 2018-07-02T22:23:00.186641Z";
    let (stamp, before) = match stamp::iso(fields[place::CREATED]) {
        Some(created) => (created, 0),
        None => (stamp::iso(fields[place::TIME]).ok_or(WRONG)?, entry.duration.unwrap_or(0)),
    };
    entry.at = i64::try_from(before).ok().and_then(|before| stamp.at.checked_sub(before)).ok_or(WRONG)?;
    entry.tick = stamp.tick;
    Ok(())
}

/// `name` of `arn:aws:elasticloadbalancing:region:account:targetgroup/name/id`.
fn group(arn: &[u8]) -> &[u8] {
    let inner = memchr(b'/', arn).map_or(arn, |slash| &arn[slash + 1..]);
    memrchr(b'/', inner).map_or(inner, |slash| &inner[..slash])
}

/// The fields between spaces; quotation marks hold what has spaces. Lines of old logs end earlier, but not before the request.
fn fields(line: &[u8]) -> Result<[&[u8]; FIELDS], &'static str> {
    let mut fields: [&[u8]; FIELDS] = [b"-"; FIELDS];
    let mut rest = line;
    let mut count = 0;
    for slot in &mut fields {
        if rest.is_empty() {
            break;
        }
        let (field, after) = match rest.strip_prefix(b"\"") {
            Some(inner) => quoted(inner)?,
            None => rest.split_at(memchr(b' ', rest).unwrap_or(rest.len())),
        };
        *slot = field;
        count += 1;
        rest = after.strip_prefix(b" ").unwrap_or(after);
    }
    if count > place::REQUEST { Ok(fields) } else { Err("the line ends before the request (13 fields at least)") }
}

/// Up to a quotation mark that a space or the line's end follows.
fn quoted(inner: &[u8]) -> Result<(&[u8], &[u8]), &'static str> {
    let mut from = 0;
    while let Some(at) = memchr(b'"', &inner[from..]).map(|at| at + from) {
        if matches!(inner.get(at + 1), None | Some(b' ')) && !inner[..at].ends_with(b"\\") {
            return Ok((&inner[..at], &inner[at + 1..]));
        }
        from = at + 1;
    }
    Err("a quotation mark is never closed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::entry::Outcome;

    fn read(line: &str) -> Line<'_> {
        Alb.read(line.as_bytes())
    }

    fn request(line: &str) -> Entry<'_> {
        match read(line) {
            Line::Request(entry) => entry,
            other => panic!("{line}: {other:?}"),
        }
    }

    const LINE: &str = r#"https 2024-03-01T12:00:01.500000Z app/shop/0123456789abcdef 192.0.2.7:40210 10.0.1.5:8080 0.001 0.250 0.002 200 200 34 366 "GET https://shop.example:443/a b/c?d=1 HTTP/1.1" "agent \x22of\x22 none" ECDHE-RSA TLSv1.2 arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/cart/0a1b "Root=1-2-3" "shop.example" "-" 0 2024-03-01T12:00:01.247000Z "forward" "-" "-" "10.0.1.4:8080 10.0.1.5:8080" "502 200" "-" "-" TID_1"#;

    #[test]
    fn a_request() {
        let entry = request(LINE);
        assert_eq!((entry.at, entry.tick), (1_709_294_401_247_000_000, 1_000));
        assert_eq!((entry.service, entry.duration, entry.queued), (Some(250_000_000), Some(253_000_000), None));
        assert_eq!((entry.client.as_deref(), entry.backend.as_deref()), (Some(&b"192.0.2.7"[..]), Some(&b"10.0.1.5:8080"[..])));
        assert_eq!((entry.class.as_deref(), entry.tries, entry.bytes), (Some(&b"cart"[..]), 2, Some(366)));
        assert_eq!(entry.key.as_deref(), Some(&b"/a"[..]));
        let old = request(&LINE[..LINE.find(" \"agent").expect("it is there")]);
        assert_eq!(old.at, 1_709_294_401_247_000_000, "the end less the three times");
    }

    #[test]
    fn what_was_not_sent_on() {
        let line = LINE.replace("10.0.1.5:8080 0.001 0.250 0.002 200 200", "- -1 -1 -1 503 -").replace("10.0.1.4:8080 10.0.1.5:8080", "-");
        let entry = request(&line);
        assert_eq!((entry.service, entry.duration, entry.backend, entry.tries), (None, None, None, 0));
        assert_eq!((entry.status, entry.outcome), (Some(503), Outcome::Refused));
    }

    #[test]
    fn what_is_no_request() {
        assert!(matches!(read("tls 2.0 2020-04-01T08:51:42 net/x"), Line::Other("lines of a network load balancer")));
        assert!(matches!(read("2024-03-01T12:00:01.500000Z 192.0.2.7 40210 443 TLSv1.2"), Line::Other("lines of a connection log")));
        for wrong in ["nonsense", "https 2024", &LINE.replace("0.250", "-7"), &LINE.replace(" 200 200 ", " 2000 200 ")] {
            assert!(matches!(read(wrong), Line::Unreadable(_)), "{wrong}");
        }
    }
}
