use super::*;
use crate::trace::format::heard::{hear, text};
use proptest::prelude::*;

const OTLP: &str = r#"{"resourceSpans":[{"resource":{"attributes":[
  {"key":"service.name","value":{"stringValue":"shop"}},{"key":"host.name","value":{"stringValue":"h7"}}]},
  "scopeSpans":[{"scope":{},"spans":[
  {"traceId":"ab","kind":2,"startTimeUnixNano":"1700000000000000001","endTimeUnixNano":"1700000000000000501",
   "attributes":[{"value":{"stringValue":"/r"},"key":"http.route"},{"key":"http.target","value":{"stringValue":"/a?b"}},
    {"key":"http.response.status_code","value":{"intValue":"503"}},{"key":"net.peer.ip","value":{"stringValue":"1.2.3.4"}}],"status":{}},
  {"kind":"SPAN_KIND_SERVER","startTimeUnixNano":5,"endTimeUnixNano":5,"status":{"code":"STATUS_CODE_ERROR"},"attributes":{}},
  {"kind":3,"startTimeUnixNano":"1"},
  {"kind":2,"startTimeUnixNano":"9","endTimeUnixNano":"8"}, {"kind":2}, 7]}]}]}"#;

#[test]
fn spans_of_opentelemetry() {
    let two = format!(
        "{OTLP}\n{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{{\"kind\":2,\"startTimeUnixNano\":1,\"endTimeUnixNano\":2}}]}}]}}]}}\n"
    );
    let heard = hear(&mut Otlp::new(), two.as_bytes()).expect("it is read");
    let first = Entry {
        at: 1_700_000_000_000_000_001,
        tick: 1,
        service: Some(500),
        duration: Some(500),
        key: text("/a?b"),
        client: text("1.2.3.4"),
        backend: text("h7"),
        class: text("shop"),
        status: Some(503),
        outcome: Outcome::Failed,
        ..Entry::default()
    };
    assert_eq!(heard.requests[0], first);
    assert_eq!((heard.requests[1].service, heard.requests[1].outcome), (Some(0), Outcome::Failed));
    assert_eq!((heard.requests[1].key.clone(), heard.requests[1].class.clone()), (None, text("shop")));
    assert_eq!((heard.requests[2].at, heard.requests[2].class.clone(), heard.requests.len()), (1, None, 3));
    let other: Vec<u64> = heard.other.iter().map(|(number, _)| *number).collect();
    assert_eq!(other, [3, 6, 7]);
    let unreadable: Vec<u64> = heard.unreadable.iter().map(|(number, _)| *number).collect();
    assert_eq!(unreadable, [4, 5]);
    assert!(recognise_otlp(OTLP.as_bytes()) && !recognise_otlp(b"{}"));
}

const JAEGER: &str = r#"{"data":[{"traceID":"1","spans":[
  {"traceID":"1","spanID":"a","operationName":"o","references":[],"startTime":1700000000000001,"duration":1500,"processID":"p1",
   "tags":[{"key":"span.kind","type":"string","value":"server"},{"key":"http.url","value":"/x"},{"key":"http.status_code","type":"int64","value":200},
           {"key":"error","type":"bool","value":true}]},
  {"spanID":"b","references":[{"refType":"CHILD_OF"}],"startTime":2,"duration":1,"tags":[{"key":"span.kind","value":"client"}]},
  {"spanID":"c","startTime":2,"duration":-1,"processID":"p2","tags":[{"key":"span.kind","value":"server"}]}],
  "processes":{"p1":{"serviceName":"shop","tags":[{"key":"hostname","value":"h7"}]}}},
 {"spans":[{"spanID":"d","startTime":3,"duration":4,"processID":"nobody"},{"startTime":3,"duration":4,"references":[{}]},
  {"startTime":3,"duration":4,"parentSpanID":"d"}]}],"total":0}"#;

#[test]
fn spans_of_jaeger() {
    let heard = hear(&mut Jaeger::new(), JAEGER.as_bytes()).expect("it is read");
    let first = Entry {
        at: 1_700_000_000_000_001_000,
        tick: 1000,
        service: Some(1_500_000),
        duration: Some(1_500_000),
        key: text("/x"),
        backend: text("h7"),
        class: text("shop"),
        status: Some(200),
        outcome: Outcome::Failed,
        ..Entry::default()
    };
    assert_eq!(heard.requests[0], first);
    assert_eq!((heard.requests.len(), heard.requests[1].at, heard.requests[1].class.clone()), (2, 3000, None));
    assert_eq!(heard.unreadable, [(3, "duration is no number of microseconds".to_owned())]);
    assert_eq!(heard.other.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2, 5, 6]);
    assert!(recognise_jaeger(JAEGER.as_bytes()) && !recognise_jaeger(OTLP.as_bytes()));
}

#[test]
fn a_trace_that_is_too_large_is_said_to_be() {
    let spans = "{\"startTime\":1,\"duration\":1},".repeat(100_003);
    let long = format!("{{\"data\":[{{\"spans\":[{}]}}]}}", spans.trim_end_matches(','));
    let heard = hear(&mut Jaeger::new(), long.as_bytes()).expect("it is read");
    assert_eq!((heard.requests.len(), heard.unreadable.len(), heard.unreadable[0].0), (100_000, 3, 100_001));
}

#[test]
fn what_are_no_spans() {
    for wrong in ["[]", "{", "1", "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{]}"] {
        assert!(hear(&mut Otlp::new(), wrong.as_bytes()).is_err(), "{wrong}");
        assert!(hear(&mut Jaeger::new(), wrong.as_bytes()).is_err(), "{wrong}");
    }
    assert!(hear(&mut Jaeger::new(), &b"{\"traces\":[]}"[..]).expect_err("it is none").contains("called data"));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0..JAEGER.len(), with: u8) {
        let changed = |text: &str| {
            let mut text = text.as_bytes().to_vec();
            let at = at % text.len();
            text[at] = with;
            text
        };
        let _ = (hear(&mut Otlp::new(), &bytes[..]), hear(&mut Jaeger::new(), &bytes[..]));
        let _ = (hear(&mut Otlp::new(), &changed(OTLP)[..]), hear(&mut Jaeger::new(), &changed(JAEGER)[..]));
    }
}
