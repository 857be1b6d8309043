//! Envoy's default text log, and what its flags mean.

use super::pattern::{Pattern, Syntax};
use crate::trace::entry::Outcome;

/// The format string that Envoy has if none is given.
const DEFAULT: &str = concat!(
    r#"[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% "#,
    r#"%BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "#,
    r#""%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%""#
);

/// A reader of the default format.
pub(super) fn pattern() -> Pattern {
    Pattern::new(DEFAULT, Syntax::Envoy).expect("the default format is a format")
}

/// Flags that say that no backend saw the request: no healthy host, no route, no cluster, circuit breaker open, limited, denied.
const REFUSED: [&[u8]; 9] = [b"UH", b"NR", b"NC", b"UO", b"RL", b"RLSE", b"UAEX", b"OM", b"IH"];

/// Flags that say that a backend, or the way to it, failed.
const FAILED: [&[u8]; 10] = [b"UF", b"UT", b"URX", b"UR", b"UC", b"LR", b"UPE", b"SI", b"DT", b"UMSDR"];

/// How a request ended by its flags (`UF,URX`), if they say so.
pub(super) fn outcome_of_flags(flags: &[u8]) -> Option<Outcome> {
    let has = |known: &[&[u8]]| flags.split(|&byte| byte == b',').any(|flag| known.contains(&flag));
    if has(&REFUSED) {
        return Some(Outcome::Refused);
    }
    has(&FAILED).then_some(Outcome::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::entry::{Line, LineFormat};

    #[test]
    fn a_request() {
        let line = concat!(
            r#"[2016-04-15T20:17:00.310Z] "POST /api/v1/locations?a=b HTTP/2" 204 - 154 0 226 100 "10.0.35.28, 10.0.0.9" "nsq2http" "#,
            r#""cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2" "locations" "tcp://10.0.2.1:80""#
        );
        let Line::Request(entry) = pattern().read(line.as_bytes()) else { panic!("it is a request") };
        assert_eq!((entry.at, entry.tick), (1_460_751_420_310_000_000, 1_000_000));
        assert_eq!((entry.duration, entry.service, entry.status, entry.bytes), (Some(226_000_000), Some(100_000_000), Some(204), Some(0)));
        assert_eq!((entry.key.as_deref(), entry.client.as_deref()), (Some(&b"/api/v1/locations"[..]), Some(&b"10.0.35.28"[..])));
        assert_eq!((entry.class.as_deref(), entry.backend.as_deref()), (Some(&b"locations"[..]), Some(&b"tcp://10.0.2.1:80"[..])));
        assert_eq!(entry.outcome, Outcome::Succeeded);
    }

    #[test]
    fn flags_tell_refused_from_failed() {
        for (flags, status, expected) in [("UH", 503, Outcome::Refused), ("UF,URX", 503, Outcome::Failed), ("UT", 504, Outcome::Failed)] {
            let line = format!(r#"[2016-04-15T20:17:00.310Z] "GET / HTTP/1.1" {status} {flags} 0 19 3 - "-" "-" "-" "a" "-""#);
            let Line::Request(entry) = pattern().read(line.as_bytes()) else { panic!("it is a request") };
            assert_eq!((entry.outcome, entry.service, entry.backend), (expected, None, None), "{flags}");
        }
    }
}
