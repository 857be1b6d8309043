use super::*;
use crate::trace::format::heard::text;
use proptest::prelude::*;

const SECOND: i64 = 1_000_000_000;

fn preset(name: &str) -> JsonLines {
    JsonLines::preset(name).expect("it is known")
}

fn request<'a>(format: &mut JsonLines, line: &'a str) -> Entry<'a> {
    match format.read(line.as_bytes()) {
        Line::Request(entry) => entry,
        other => panic!("{other:?}: {line}"),
    }
}

#[test]
fn paths_lead_through_objects_and_arrays() {
    let columns = Columns::of(&[
        (Role::Time, "log.at"),
        (Role::Work, "log.took_us"),
        (Role::Key, "tags.http.url"),
        (Role::Client, "ids.1.name"),
        (Role::Backend, "ids.0"),
    ]);
    let mut format = JsonLines::new(&columns, Meaning { time: Some(Unit::Seconds), ..Meaning::default() });
    let entry = request(
        &mut format,
        r#" {"x":[{"log":1}],"ids":["b",{"name":"c\u00e9"}],"log":{"took_us":"12.5","at":1.000000001},"tags":{"http.url":"/a","http":{"no":1}}} "#,
    );
    let expected = Entry {
        at: SECOND + 1,
        tick: 1,
        service: Some(12_500),
        key: text("/a"),
        client: text("cé"),
        backend: text("b"),
        ..Entry::default()
    };
    assert_eq!(entry, expected);
    assert!(matches!(entry.key, Some(Cow::Borrowed(_))), "what has no escapes is not copied");
    let nested = request(&mut format, r#"{"log":{"at":2},"tags":{"http":{"url":"/b"}}}"#);
    assert_eq!((nested.at, nested.key), (2 * SECOND, text("/b")));
}

#[test]
fn members_called_like_roles_are_found() {
    let mut format = JsonLines::new(&Columns::default(), Meaning::default());
    let entry = request(&mut format, r#"{"timestamp":1700000000000,"duration":5,"status":502,"bytes":null,"key":"-"}"#);
    assert_eq!((entry.at, entry.duration, entry.outcome), (1_700_000_000 * SECOND, Some(5_000_000), Outcome::Failed));
    assert_eq!((entry.bytes, entry.key), (None, None));
    assert_eq!(format.guessed(), Some("the times were taken for milliseconds, by the size of the first"));
}

#[test]
fn known_formats() {
    let entry =
        request(&mut preset("mooncake"), r#"{"timestamp": 27482, "input_length": 6955, "output_length": 52, "hash_ids": [46, 47]}"#);
    assert_eq!((entry.at, entry.input, entry.output, entry.key), (27_482_000_000, Some(6955), Some(52), text("47")));
    let entry = request(&mut preset("mooncake"), r#"{"timestamp": 1, "input_length": 5, "output_length": 2, "hash_ids": [46]}"#);
    assert_eq!(entry.key, text("46"));
    let line = r#"{"metric":"http_req_duration","type":"Point","data":{"time":"2023-05-15T09:49:51.5+02:00","value":500,"tags":{"scenario":"default","status":"200","url":"http://t/"}}}"#;
    let entry = request(&mut preset("k6-json"), line);
    assert_eq!((entry.at, entry.duration, entry.status), (1_684_136_991 * SECOND, Some(500_000_000), Some(200)));
    assert_eq!(
        preset("k6-json").read(br#"{"type":"Metric","data":{},"metric":"http_req_duration"}"#),
        Line::Other("the definition of a metric of k6")
    );
    assert_eq!(preset("k6-json").read(br#"{"type":"Point","data":{},"metric":"vus"}"#), Line::Other("another metric of k6"));
    let line = r#"{"attack":"a","seq":0,"code":0,"timestamp":"2019-02-26T00:00:00.000000001Z","latency":53,"bytes_out":1,"bytes_in":7,"error":"no","body":null,"method":"GET","url":"http://t/","headers":null}"#;
    let entry = request(&mut preset("vegeta-json"), line);
    assert_eq!((entry.at % SECOND, entry.duration, entry.bytes, entry.outcome), (1, Some(53), Some(7), Outcome::Failed));
}

#[test]
fn envoy_with_texts_or_numbers() {
    let texts = r#"{"start_time":"2016-04-15T20:17:00.310Z","duration":"12","x-envoy-upstream-service-time":"9","upstream_host":"10.0.0.1:80","response_code":"200","path":"/p","x-envoy-original-path":"-","x_forwarded_for":"1.2.3.4","bytes_sent":"154","response_flags":"-"}"#;
    let entry = request(&mut preset("envoy-json"), texts);
    let expected = Entry {
        at: 1_460_751_420 * SECOND + 310_000_000,
        tick: 1_000_000,
        service: Some(9_000_000),
        duration: Some(12_000_000),
        key: text("/p"),
        client: text("1.2.3.4"),
        backend: text("10.0.0.1:80"),
        status: Some(200),
        bytes: Some(154),
        ..Entry::default()
    };
    assert_eq!(entry, expected);
    let numbers = r#"{"start_time":"2016-04-15T20:17:00.310Z","duration":0,"upstream_service_time":null,"upstream_host":null,"response_code":503,"response_flags":"UH"}"#;
    let entry = request(&mut preset("envoy-json"), numbers);
    assert_eq!((entry.service, entry.backend, entry.outcome), (None, None, Outcome::Refused));
}

#[test]
fn lines_that_cannot_be_read() {
    let mut format = JsonLines::new(&Columns::default(), Meaning { time: Some(Unit::Seconds), ..Meaning::default() });
    let deep = format!("{{\"a\":{}", "[".repeat(10_000));
    let huge = format!("{{\"time\":{}}}", "9".repeat(1000));
    for line in [
        "{",
        "[]",
        "1",
        "{}",
        "{\"time\":null}",
        "{\"time\":[1]}",
        "{\"time\":{\"a\":1}}",
        "{\"time\":NaN}",
        "{\"time\":\"NaN\"}",
        "{\"time\":1e999}",
        "{\"time\":1}x",
        "{\"time\":1,\"work\":-2}",
        "{\"time\":1,\"status\":7}",
        "{\"time\":\"\\q\"}",
        "{\"time\":1,\"bytes\":1.5}",
        "{\"time\":true}",
        &deep,
        &huge,
    ] {
        assert!(matches!(format.read(line.as_bytes()), Line::Unreadable(_)), "{line}");
    }
    assert_eq!(format.read(b" \r"), Line::Other("an empty line"));
    assert!(
        matches!(format.read(b"\xef\xbb\xbf{\"time\":-1,\"key\":\"\xff\"}"), Line::Request(entry) if entry.key.as_deref() == Some(b"\xff"))
    );
}

#[test]
fn the_sample_of_mooncake() {
    let sample = include_str!("../../../../tests/data/traces/mooncake_conversation_first60.jsonl");
    assert_eq!(recognise_preset(sample.as_bytes()), Some("mooncake"));
    let mut format = preset("mooncake");
    let entries: Vec<_> = sample.lines().map(|line| request(&mut format, line)).collect();
    assert_eq!((entries.len(), entries[0].input, entries[0].key.clone()), (60, Some(6758), text("1")));
    assert!(entries.is_sorted_by_key(|entry| entry.at));
}

#[test]
fn first_lines_tell_the_format() {
    for (head, name) in [
        (r#"{"type":"Metric","data":{"name":"vus"},"metric":"vus"}"#, Some("k6-json")),
        (r#"{"attack":"","seq":0,"code":200,"timestamp":"2019","latency":1}"#, Some("vegeta-json")),
        (r#"{"start_time":"2016","response_code":200}"#, Some("envoy-json")),
        (r#"{"a":1}"#, None),
        ("[1]", None),
    ] {
        assert_eq!(recognise_preset(head.as_bytes()), name, "{head}");
    }
    assert!(recognise(b"{\"a\"") && recognise(b"{ }") && !recognise(b"{a") && !recognise(b""));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(line in proptest::collection::vec(any::<u8>(), 0..200)) {
        names().for_each(|name| drop(preset(name).read(&line)));
        let _ = (JsonLines::new(&Columns::default(), Meaning::default()).read(&line), recognise(&line), recognise_preset(&line));
    }

    #[test]
    fn any_members_are_read_or_refused(members in "((\"(time|work|status|key|hash_ids)\"|[0-9.eE-]{1,25}|null|\"\\\\u[0-9d]{4}\"|[\\[\\]{}:,]))*") {
        let _ = JsonLines::new(&Columns::default(), Meaning::default()).read(format!("{{\"time\":{members}}}").as_bytes());
    }

    #[test]
    fn any_paths_are_followed(path in "[a.0]{0,8}", line in "([a0.\":,{}\\[\\]]|\"a\":|1){0,30}") {
        let columns = Columns::of(&[(Role::Time, &path)]);
        let _ = JsonLines::new(&columns, Meaning::default()).read(format!("{{{line}}}").as_bytes());
    }
}
