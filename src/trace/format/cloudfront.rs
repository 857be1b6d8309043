//! Standard logs of AWS CloudFront: columns between tabs, which the header names.

use std::borrow::Cow;

use memchr::memchr_iter;

use super::values;
use crate::trace::entry::{Entry, Line, LineFormat, Outcome};
use crate::trace::stamp::{self, Span, Unit};

/// Columns that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Date,
    Time,
    Client,
    Host,
    Path,
    Status,
    Bytes,
    Result,
    Taken,
    FirstByte,
    Other,
}

/// Reads lines by the last `#Fields` header before them.
#[derive(Clone, Debug)]
pub struct Cloudfront {
    columns: Vec<Column>,
}

/// The columns of a standard log.
const STANDARD: &str = "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) \
    cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol \
    ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte";

/// More columns than this are not looked at.
const MOST_COLUMNS: usize = 256;

impl Default for Cloudfront {
    fn default() -> Self {
        Self { columns: columns(STANDARD.as_bytes()) }
    }
}

fn columns(header: &[u8]) -> Vec<Column> {
    let names = header.split(u8::is_ascii_whitespace).filter(|name| !name.is_empty());
    names.take(MOST_COLUMNS).map(column).collect()
}

fn column(name: &[u8]) -> Column {
    match name {
        b"date" => Column::Date,
        b"time" => Column::Time,
        b"c-ip" => Column::Client,
        b"x-host-header" => Column::Host,
        b"cs-uri-stem" => Column::Path,
        b"sc-status" => Column::Status,
        b"sc-bytes" => Column::Bytes,
        b"x-edge-result-type" => Column::Result,
        b"time-taken" => Column::Taken,
        b"time-to-first-byte" => Column::FirstByte,
        _ => Column::Other,
    }
}

impl LineFormat for Cloudfront {
    fn read<'a>(&mut self, line: &'a [u8]) -> Line<'a> {
        if line.is_empty() {
            return Line::Other("empty lines");
        }
        if let Some(header) = line.strip_prefix(b"#") {
            if let Some(names) = header.strip_prefix(b"Fields:") {
                self.columns = columns(names);
            }
            return Line::Other("header lines");
        }
        self.request(line).map_or_else(|reason| Line::Unreadable(reason.into()), Line::Request)
    }
}

impl Cloudfront {
    fn request<'a>(&self, line: &'a [u8]) -> Result<Entry<'a>, &'static str> {
        let mut entry = Entry::default();
        let (mut date, mut time): (&[u8], &[u8]) = (b"", b"");
        let mut count = 0;
        let mut start = 0;
        for end in memchr_iter(b'\t', line).chain([line.len()]) {
            let text = &line[start..end];
            start = end + 1;
            let Some(&column) = self.columns.get(count) else { break };
            count += 1;
            match column {
                Column::Date => date = text,
                Column::Time => time = text,
                column => take(&mut entry, column, text)?,
            }
        }
        if count < self.columns.len() {
            return Err("fewer columns than the header names");
        }
        arrive(&mut entry, date, time)?;
        Ok(entry)
    }
}

fn take<'a>(entry: &mut Entry<'a>, column: Column, text: &'a [u8]) -> Result<(), &'static str> {
    match column {
        Column::Client => entry.client = values::present(text).map(Into::into),
        Column::Host => entry.class = values::present(text).map(Into::into),
        Column::Path => entry.key = values::present(text).map(Cow::Borrowed),
        Column::Bytes => entry.bytes = values::whole(text),
        Column::Status => {
            entry.status = values::status(text).ok_or("sc-status has to be three digits")?;
            if entry.outcome != Outcome::Refused {
                entry.outcome = values::outcome(entry.status, None);
            }
        }
        Column::Result if matches!(text, b"LimitExceeded" | b"CapacityExceeded") => entry.outcome = Outcome::Refused,
        Column::Taken => entry.duration = seconds(text).ok_or("time-taken has to be seconds")?,
        Column::FirstByte => entry.service = seconds(text).ok_or("time-to-first-byte has to be seconds")?,
        _ => {}
    }
    Ok(())
}

fn seconds(text: &[u8]) -> Option<Option<u64>> {
    match stamp::span(text, Unit::Seconds)? {
        Span::Known(span) => Some(Some(span)),
        Span::NotReached => Some(None),
    }
}

/// Date and time are those of the answer's end.
fn arrive(entry: &mut Entry<'_>, date: &[u8], time: &[u8]) -> Result<(), &'static str> {
    const WRONG: &str = "date and time have to be like 2019-12-04 and 21:02:31";
    let (Ok(date), true) = (<[u8; 10]>::try_from(date), (8..=18).contains(&time.len())) else { return Err(WRONG) };
    let mut text = [b' '; 29];
    text[..10].copy_from_slice(&date);
    text[11..11 + time.len()].copy_from_slice(time);
    let stamp = stamp::iso(&text[..11 + time.len()]).ok_or(WRONG)?;
    let before = i64::try_from(entry.duration.unwrap_or(0)).map_err(|_| WRONG)?;
    entry.at = stamp.at.checked_sub(before).ok_or(WRONG)?;
    entry.tick = stamp.tick;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "2024-03-01\t12:00:02\tFRA56-P1\t392\t192.0.2.100\tGET\td1.cloudfront.net\t/index.html\t200\t-\tMozilla/5.0\t-\t-\tHit\tID==\tshop.example\thttps\t23\t1.500\t-\tTLSv1.2\tECDHE\tHit\tHTTP/2.0\t-\t-\t11040\t0.250\tHit\ttext/html\t78\t-\t-";

    #[test]
    fn a_request_with_and_without_its_header() {
        let header = format!("#Fields: {STANDARD} x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end");
        for lines in [vec![LINE], vec!["#Version: 1.0", &header, LINE]] {
            let mut reader = Cloudfront::default();
            let Some(Line::Request(entry)) = lines.into_iter().map(|line| reader.read(line.as_bytes())).last() else {
                panic!("it is a request")
            };
            assert_eq!((entry.at, entry.tick), (1_709_294_400_500_000_000, 1_000_000_000));
            assert_eq!((entry.duration, entry.service, entry.bytes), (Some(1_500_000_000), Some(250_000_000), Some(392)));
            assert_eq!((entry.key.as_deref(), entry.class.as_deref()), (Some(&b"/index.html"[..]), Some(&b"shop.example"[..])));
            assert_eq!((entry.status, entry.outcome), (Some(200), Outcome::Succeeded));
        }
    }

    #[test]
    fn what_cannot_be_read() {
        for wrong in [LINE.replace("1.500", "x"), LINE.replace("12:00:02", "12"), LINE[..60].to_owned(), "nonsense".into()] {
            assert!(matches!(Cloudfront::default().read(wrong.as_bytes()), Line::Unreadable(_)), "{wrong}");
        }
        let refused = LINE.replace("\tHit\tID", "\tCapacityExceeded\tID").replace("\t200\t", "\t503\t");
        let mut reader = Cloudfront::default();
        assert!(matches!(reader.read(refused.as_bytes()), Line::Request(Entry { outcome: Outcome::Refused, .. })));
    }
}
