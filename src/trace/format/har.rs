//! HAR 1.2: what a browser's developer tools save.

use std::borrow::Cow;
use std::io::BufRead;

use super::columns::{set_status, whole_number};
use super::pull::{JsonFault, Kind, Pull};
use super::{Document, DocumentFault};
use crate::trace::stamp::{self, Span, Unit};
use crate::trace::{Entry, Reason, Sink};

/// Reads HAR: `startedDateTime` is the arrival, `timings.wait` the service, `time` the duration, `serverIPAddress` the backend.
///
/// An entry is held at a time, and none of its bodies.
#[derive(Clone, Debug, Default)]
pub struct Har {
    found: Found,
    number: u64,
}

/// What is kept of an entry: empty where it is missing.
#[derive(Clone, Debug, Default)]
struct Found {
    started: Vec<u8>,
    time: Vec<u8>,
    wait: Vec<u8>,
    url: Vec<u8>,
    address: Vec<u8>,
    status: Vec<u8>,
    size: Vec<u8>,
    body_size: Vec<u8>,
}

type Json<'i> = Pull<&'i mut dyn BufRead>;

impl Har {
    /// A reader.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The members of `log`; true if entries were among them.
    fn entries_of(&mut self, json: &mut Json<'_>, sink: &mut dyn Sink) -> Result<bool, DocumentFault> {
        let mut found = false;
        let mut members = open(json, Kind::Object, "log is no object: this is no HAR")?;
        while json.next_key(&mut members).map_err(|fault| json.locate(fault))? {
            if json.text() == b"entries" {
                found = true;
                self.entries(json, sink)?;
            } else {
                json.skip().map_err(|fault| json.locate(fault))?;
            }
        }
        Ok(found)
    }

    fn entries(&mut self, json: &mut Json<'_>, sink: &mut dyn Sink) -> Result<(), DocumentFault> {
        let mut members = open(json, Kind::Array, "log.entries is no list: this is no HAR")?;
        while json.next_item(&mut members).map_err(|fault| json.locate(fault))? {
            self.number += 1;
            self.found.clear();
            self.found.read(json).map_err(|fault| json.locate(fault))?;
            match self.found.entry() {
                Ok(entry) => sink.request(&entry)?,
                Err(reason) => sink.unreadable(self.number, reason)?,
            }
        }
        Ok(())
    }
}

fn open(json: &mut Json<'_>, kind: Kind, fault: &'static str) -> Result<super::pull::Members, DocumentFault> {
    let opened = match json.kind() {
        Ok(found) if found == kind => json.enter(),
        Ok(_) => Err(JsonFault::Wrong(fault)),
        Err(fault) => Err(fault),
    };
    opened.map_err(|fault| json.locate(fault))
}

impl Document for Har {
    fn read(&mut self, input: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), DocumentFault> {
        let mut json = Pull::new(input);
        self.number = 0;
        json.byte_order_mark().map_err(|fault| json.locate(fault))?;
        let mut found = false;
        let mut members = open(&mut json, Kind::Object, "the text is no JSON object: this is no HAR")?;
        while json.next_key(&mut members).map_err(|fault| json.locate(fault))? {
            if json.text() == b"log" {
                found |= self.entries_of(&mut json, sink)?;
            } else {
                json.skip().map_err(|fault| json.locate(fault))?;
            }
        }
        if !found {
            return Err(json.locate(JsonFault::Wrong("there is no log.entries: this is no HAR")));
        }
        json.end()
    }
}

impl Found {
    fn clear(&mut self) {
        let Self { started, time, wait, url, address, status, size, body_size } = self;
        [started, time, wait, url, address, status, size, body_size].into_iter().for_each(Vec::clear);
    }

    fn read(&mut self, json: &mut Json<'_>) -> Result<(), JsonFault> {
        if json.kind()? != Kind::Object {
            return json.skip();
        }
        let mut members = json.enter()?;
        while json.next_key(&mut members)? {
            match json.text() {
                b"startedDateTime" => json.keep(&mut self.started)?,
                b"time" => json.keep(&mut self.time)?,
                b"serverIPAddress" => json.keep(&mut self.address)?,
                b"request" => members_of(json, &mut [(b"url", &mut self.url)])?,
                b"timings" => members_of(json, &mut [(b"wait", &mut self.wait)])?,
                b"response" => self.response(json)?,
                _ => json.skip()?,
            }
        }
        Ok(())
    }

    fn response(&mut self, json: &mut Json<'_>) -> Result<(), JsonFault> {
        if json.kind()? != Kind::Object {
            return json.skip();
        }
        let mut members = json.enter()?;
        while json.next_key(&mut members)? {
            match json.text() {
                b"status" => json.keep(&mut self.status)?,
                b"bodySize" => json.keep(&mut self.body_size)?,
                b"content" => members_of(json, &mut [(b"size", &mut self.size)])?,
                _ => json.skip()?,
            }
        }
        Ok(())
    }

    fn entry(&self) -> Result<Entry<'_>, Reason> {
        if self.started.is_empty() {
            return Err("there is no startedDateTime".into());
        }
        let stamp = stamp::iso(&self.started).ok_or("startedDateTime is no date as 2016-04-15T20:17:00.310Z")?;
        let text = |text: &'static str| Reason::Borrowed(text);
        let mut entry = Entry {
            at: stamp.at,
            tick: stamp.tick,
            service: span(&self.wait).ok_or(text("timings.wait is no time in milliseconds"))?,
            duration: span(&self.time).ok_or(text("time is no time in milliseconds"))?,
            key: present(&self.url),
            backend: present(&self.address),
            // -1 is a size that is not known.
            bytes: whole_number(&self.body_size).or_else(|| whole_number(&self.size)),
            ..Entry::default()
        };
        set_status(&mut entry, &self.status)?;
        Ok(entry)
    }
}

/// Keeps some members of the object that comes next.
fn members_of(json: &mut Json<'_>, wanted: &mut [(&[u8], &mut Vec<u8>)]) -> Result<(), JsonFault> {
    if json.kind()? != Kind::Object {
        return json.skip();
    }
    let mut members = json.enter()?;
    while json.next_key(&mut members)? {
        match wanted.iter_mut().find(|(key, _)| *key == json.text()) {
            Some((_, into)) => json.keep(into)?,
            None => json.skip()?,
        }
    }
    Ok(())
}

fn present(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    (!text.is_empty()).then_some(Cow::Borrowed(text))
}

fn span(text: &[u8]) -> Option<Option<u64>> {
    if text.is_empty() {
        return Some(None);
    }
    match stamp::span(text, Unit::Milliseconds)? {
        Span::Known(span) => Some(Some(span)),
        Span::NotReached => Some(None),
    }
}

/// Whether a file's first bytes may be those of a HAR.
#[must_use]
pub fn recognise(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let has = |word: &str| memchr::memmem::find(head, word.as_bytes()).is_some();
    head.starts_with(b"{") && has("\"log\"") && (has("\"entries\"") || has("\"creator\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Outcome;
    use crate::trace::format::heard::{hear, text};
    use proptest::prelude::*;

    const SAMPLE: &str = r#"{"log":{"version":"1.2","creator":{"name":"x","version":"1"},"entries":[
      {"startedDateTime":"2024-05-01T12:00:00.123+02:00","time":45.25,
       "request":{"method":"GET","url":"https://a/\u0062","headers":[{"name":"x","value":"y"}]},
       "response":{"status":200,"content":{"size":1234,"text":"{\"entries\":[\\"},"bodySize":-1},
       "timings":{"blocked":-1,"send":1,"wait":40.5,"receive":3.75},"serverIPAddress":"10.1.2.3"},
      {"timings":{"wait":-1},"startedDateTime":"2024-05-01T10:00:01Z","time":0,"request":{"url":"u"},"response":{"status":0,"bodySize":7}},
      {"time":1}, {"startedDateTime":"yesterday"}, {"startedDateTime":"2024-05-01T10:00:01Z","time":"NaN"}, 5
    ]}}"#;

    #[test]
    fn entries_are_requests() {
        let heard = hear(&mut Har::new(), format!("\u{feff}{SAMPLE}").as_bytes()).expect("it is read");
        let at = 1_714_557_600_000_000_000;
        let first = Entry {
            at: at + 123_000_000,
            tick: 1_000_000,
            service: Some(40_500_000),
            duration: Some(45_250_000),
            key: text("https://a/b"),
            backend: text("10.1.2.3"),
            status: Some(200),
            bytes: Some(1234),
            ..Entry::default()
        };
        assert_eq!(heard.requests[0], first);
        let second = &heard.requests[1];
        assert_eq!((second.at - at, second.service, second.duration), (1_000_000_000, None, Some(0)));
        assert_eq!((second.outcome, second.bytes, heard.requests.len()), (Outcome::Failed, Some(7), 2));
        let lines: Vec<u64> = heard.unreadable.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [3, 4, 5, 6]);
        assert!(recognise(SAMPLE.as_bytes()) && !recognise(b"{\"log\":1}"));
    }

    #[test]
    fn what_is_no_har() {
        for (wrong, word) in [
            ("", "breaks off"),
            ("[]", "no HAR"),
            ("{}", "log.entries"),
            ("{\"log\":1}", "log is no object"),
            ("{\"log\":{\"entries\":{}}}", "no list"),
            ("{\"log\":{\"entries\":[]}} x", "follows"),
            ("{\"log\":{\"entries\":[{\"a\":", "breaks off"),
        ] {
            let fault = hear(&mut Har::new(), wrong.as_bytes()).expect_err("it is no HAR");
            assert!(fault.contains(word), "{wrong}: {fault}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0..SAMPLE.len(), with: u8) {
            let mut sample = SAMPLE.as_bytes().to_vec();
            sample[at] = with;
            let _ = (hear(&mut Har::new(), &bytes[..]), hear(&mut Har::new(), &sample[..]), recognise(&bytes));
        }
    }
}
