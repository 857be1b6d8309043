//! Which format a file is, by its first bytes.

use memchr::memmem;

use super::logs::Versions;
use super::{Format, Tally, alb, cloudfront, delimited, envoy, haproxy, har, json, presets, worldcup};
use crate::trace::entry::{Line, LineFormat};

/// A format, and why it is that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// The format.
    pub format: Format,
    /// What of the file says so.
    pub why: String,
}

/// How many lines are looked at.
const LINES: usize = 20;

/// Looks at the first bytes of a file, 64 KiB of which are enough. `None` if nothing fits.
#[must_use]
pub fn recognise(head: &[u8]) -> Option<Recognised> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let found = |format, why: &str| Some(Recognised { format, why: why.to_owned() });
    let first = head.trim_ascii_start().first()?;
    if worldcup::recognise(head) {
        return found(Format::Worldcup98, "records of 20 bytes whose stamps are of 1998");
    }
    if matches!(first, b'{' | b'[')
        && let Some(json) = of_json(head)
    {
        return Some(json);
    }
    if head.contains(&0) {
        return None;
    }
    if let Some(format) = presets::recognise(head).and_then(Format::by_name) {
        return found(format, "the columns of its first line");
    }
    if head.starts_with(b"HashOwner,HashApp,HashFunction") {
        return found(Format::AzureFunctions2019, "the columns of its first line");
    }
    if let Some(log) = of_log(head) {
        return Some(log);
    }
    let line = head.split(|&byte| byte == b'\n').next()?;
    match delimited::recognise(head) {
        true if line.contains(&b'\t') => found(Format::Tsv, "a first line with tabs"),
        true => found(Format::Csv, "a first line with columns"),
        false => None,
    }
}

/// One JSON text, or lines of them.
fn of_json(head: &[u8]) -> Option<Recognised> {
    let found = |format, why: &str| Some(Recognised { format, why: why.to_owned() });
    let has = |word: &str| memmem::find(head, format!("\"{word}\"").as_bytes()).is_some();
    if has("resourceSpans") {
        return found(Format::Otlp, "JSON with resourceSpans");
    }
    if let Some(format) = json::recognise_preset(head).and_then(Format::by_name) {
        return found(format, "the members of its first line's JSON");
    }
    if har::recognise(head) {
        return found(Format::Har, "JSON with a log");
    }
    if has("data") && has("traceID") {
        return found(Format::Jaeger, "JSON with data and traceID");
    }
    if json::recognise(head) {
        return found(Format::Jsonl, "lines that are JSON objects");
    }
    None
}

/// The log whose reader understands most of the first lines: more than half of those that are requests or could be.
fn of_log(head: &[u8]) -> Option<Recognised> {
    let is_whole = head.len() < 60_000;
    let mut lines: Vec<&[u8]> = head.split(|&byte| byte == b'\n').take(LINES + 1).collect();
    // The last one may be cut off.
    if lines.len() > LINES || !is_whole {
        lines.pop();
    }
    let lines: Vec<&[u8]> =
        lines.into_iter().map(|line| line.strip_suffix(b"\r").unwrap_or(line)).filter(|line| !line.is_empty()).collect();
    let readers: [(Format, &str, Box<dyn LineFormat>); 5] = [
        (Format::Alb, "lines with a load balancer's 13 fields or more", Box::new(alb::Alb)),
        (Format::Cloudfront, "lines with CloudFront's columns", Box::new(cloudfront::Cloudfront::default())),
        (Format::Haproxy, "lines with a stamp, backend/server and five timers", Box::new(haproxy::Haproxy::default())),
        (Format::Envoy, "lines of Envoy's default format", Box::new(envoy::pattern())),
        (Format::Nginx, "", Box::new(Versions::nginx(false, &Tally::default()))),
    ];
    for (format, why, mut reader) in readers {
        let (mut requests, mut unreadable) = (0, 0);
        for line in &lines {
            match reader.read(line) {
                Line::Request(_) => requests += 1,
                Line::Other(_) => {}
                Line::Unreadable(_) => unreadable += 1,
            }
        }
        if requests > unreadable {
            let (format, why) = if format == Format::Nginx { of_combined(&lines) } else { (format, why.to_owned()) };
            return Some(Recognised { format, why });
        }
    }
    let apache = lines.iter().find_map(|line| Versions::apache(&Tally::default()).fitting(line));
    apache.map(|name| Recognised { format: Format::Apache, why: format!("a line with Apache's layout {name}") })
}

/// Which of the products that write `combined` it may be.
fn of_combined(lines: &[&[u8]]) -> (Format, String) {
    let mut reader = Versions::nginx(true, &Tally::default());
    let name = lines.iter().find_map(|line| reader.fitting(line)).unwrap_or("combined");
    match name {
        name if name.starts_with("ingress") => (Format::IngressNginx, format!("lines with the layout {name}")),
        _ if lines.first().is_some_and(|line| begins_with_host(line)) => {
            (Format::Apache, "lines with Apache's layout vhost_combined".to_owned())
        }
        name => {
            let note = "Apache writes that too: its stamps are arrivals, nginx's are ends";
            (Format::Nginx, format!("lines with nginx's layout {name} ({note})"))
        }
    }
}

/// `shop.example:443 `, which Apache's vhost_combined has before the client.
fn begins_with_host(line: &[u8]) -> bool {
    let word = line.split(|&byte| byte == b' ').next().unwrap_or(line);
    let mut parts = word.split(|&byte| byte == b':');
    let (host, port, more) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next());
    !host.is_empty() && !port.is_empty() && port.iter().all(u8::is_ascii_digit) && more.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_known_by_what_is_in_them() {
        let combined = r#"10.1.2.3 - - [07/Feb/2020:11:48:51 +0000] "GET /a?b HTTP/1.1" 200 59 "-" "curl/7.54.0""#;
        for (head, format) in [
            (combined, "nginx"),
            (&format!("{combined} 0.250"), "nginx"),
            (&format!("shop:80 {combined}"), "apache"),
            (&format!("{combined} 89 0.001 [default-web-8080] [] 172.17.0.5:8080 59 0.000 200 529a"), "ingress-nginx"),
            (
                r#"1.2.3.4:5 [10/Dec/2018:12:01:46.395] web web/<NOSRV> 0/-1/-1/-1/0 503 213 - - SC-- 1/1/0/0/0 0/0 "GET / HTTP/1.1""#,
                "haproxy",
            ),
            (r#"[2016-04-15T20:17:00.310Z] "GET / HTTP/1.1" 503 UH 0 19 3 - "-" "-" "-" "a" "-""#, "envoy"),
            (
                "#Version: 1.0\n2024-03-01\t12:00:02\tFRA56-P1\t392\t192.0.2.100\tGET\td1\t/\t200\t-\t-\t-\t-\tHit\tID\th\thttps\t23\t1.5\t-\t-\t-\t-\t-\t-\t-\t1\t0.2",
                "cloudfront",
            ),
            (
                r#"h2 2024-03-01T12:00:01.5Z app/s/0 192.0.2.7:40210 - -1 -1 -1 503 - 34 366 "GET https://shop.example:443/a HTTP/1.1" "a" - -"#,
                "alb",
            ),
            ("TIMESTAMP,ContextTokens,GeneratedTokens\n", "azure-llm"),
            ("HashOwner,HashApp,HashFunction,Trigger,1,2\n", "azure-functions-2019"),
            (r#"{"timestamp": 0, "input_length": 1, "output_length": 2, "hash_ids": [0]}"#, "mooncake"),
            (r#"{"resourceSpans":[]}"#, "otlp"),
            (r#"{"data":[{"traceID":"1"}]}"#, "jaeger"),
            (r#"{"log":{"entries":[]}}"#, "har"),
            (r#"{"time":1}"#, "jsonl"),
            ("time,work\n1,2\n", "csv"),
            ("time\twork\n1\t2\n", "tsv"),
        ] {
            let recognised = recognise(head.as_bytes()).unwrap_or_else(|| panic!("{head} is known"));
            assert_eq!(recognised.format.name(), format, "{head}");
            assert!(!recognised.why.is_empty());
        }
        assert_eq!(recognise(b""), None);
        assert_eq!(recognise(b"hello world\n"), None);
        assert_eq!(recognise(b"\0\x01\x02,\n"), None);
    }
}
