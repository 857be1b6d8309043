use super::*;
use crate::trace::entry::Outcome;
use proptest::prelude::*;

fn nginx(format: &str) -> Pattern {
    Pattern::new(format, Syntax::Nginx).expect("it is a format")
}

fn apache(format: &str) -> Pattern {
    Pattern::new(format, Syntax::Apache).expect("it is a format")
}

fn request<'a>(pattern: &mut Pattern, line: &'a str) -> Entry<'a> {
    match pattern.read(line.as_bytes()) {
        Line::Request(entry) => entry,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn everything_that_nginx_says() {
    let mut pattern = nginx(concat!(
        r#"$remote_addr "$http_x_forwarded_for" [$time_local] $msec "$request" $status $bytes_sent $host rt=$request_time "#,
        r#"uht=$upstream_header_time urt=$upstream_response_time ua="$upstream_addr" us=$upstream_status id=${request_id}"#
    ));
    let line = concat!(
        r#"10.0.0.1 "192.0.2.1, 10.0.0.9" [07/Feb/2020:11:48:51 +0000] 1581076131.500 "GET /a\x22b?c=d HTTP/2.0" 200 1234 shop rt=0.400 "#,
        r#"uht=0.050, 0.100 urt=0.060, - : 0.250 ua="10.1.0.1:80, unix:/run/app.sock : [2001:db8::1]:9200" us=502, 504 : 200 id=ab"#
    );
    let entry = request(&mut pattern, line);
    assert_eq!((entry.at, entry.tick), (1_581_076_131_100_000_000, 1_000_000), "the exacter stamp, less the duration");
    assert_eq!((entry.duration, entry.service, entry.tries), (Some(400_000_000), Some(250_000_000), 3));
    assert_eq!((entry.client.as_deref(), entry.backend.as_deref()), (Some(&b"192.0.2.1"[..]), Some(&b"[2001:db8::1]:9200"[..])));
    assert_eq!((entry.key.as_deref(), entry.class.as_deref()), (Some(&b"/a\"b"[..]), Some(&b"shop"[..])));
    assert_eq!((entry.status, entry.bytes, entry.outcome), (Some(200), Some(1234), Outcome::Succeeded));
}

#[test]
fn lists_without_quotes_end_where_they_end() {
    let mut pattern = nginx("$msec $upstream_addr $upstream_response_time $upstream_status $request_id");
    for (list, service, tries) in [
        ("10.0.0.1:80 0.1 200", Some(100_000_000), 1),
        ("10.0.0.1:80, 10.0.0.2:80 0.1, 0.004 502, 200", Some(4_000_000), 2),
        ("10.0.0.1:80 : 10.0.0.2:80 0.1 : 0.004 502 : 200", Some(4_000_000), 2),
        ("[2a02:cf40::]:9200 0.036 200", Some(36_000_000), 1),
        ("- - -", None, 0),
    ] {
        let line = format!("1581076131.500 {list} abc");
        let entry = request(&mut pattern, &line);
        assert_eq!((entry.service, entry.tries), (service, tries), "{list}");
    }
}

#[test]
fn a_log_of_json_objects() {
    let mut pattern = nginx(
        r#"{"time":"$time_iso8601","req":"$request","status":$status,"rt":$request_time,"ua":"$http_user_agent","up":"$upstream_addr"}"#,
    );
    let line = r#"{"time":"2020-02-07T11:48:51+00:00","req":"GET /a\"b HTTP/1.1","status":503,"rt":0.010,"ua":"x\\","up":""}"#;
    let entry = request(&mut pattern, line);
    assert_eq!((entry.key.as_deref(), entry.duration, entry.outcome), (Some(&b"/a\"b"[..]), Some(10_000_000), Outcome::Refused));
    assert_eq!(entry.at, 1_581_076_130_990_000_000);
}

#[test]
fn everything_that_apache_says() {
    let mut pattern = apache(r#"%v %h %l %u %t \"%r\" %>s %b \"%{Referer}i\" %D %{BALANCER_WORKER_NAME}e"#);
    let line = r#"shop 10.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /a\"b HTTP/1.0" 200 - "-" 1500 http://app1:80"#;
    let entry = request(&mut pattern, line);
    assert_eq!((entry.at, entry.tick), (971_211_336_000_000_000, 1_000_000_000), "Apache's stamp is the arrival");
    assert_eq!((entry.duration, entry.bytes, entry.service), (Some(1_500_000), Some(0), None));
    assert_eq!((entry.key.as_deref(), entry.backend.as_deref()), (Some(&b"/a\"b"[..]), Some(&b"http://app1:80"[..])));
    for (format, line) in [
        ("%{usec}t %{ms}T %h", "971211336000123 7 a"),
        ("%{end:msec}t %{us}T %h", "971211336008 7000 a"),
        ("%{%Y-%m-%dT%H:%M:%S}t %T %h", "2000-10-10T20:55:36 3 a"),
    ] {
        let entry = request(&mut apache(format), line);
        assert_eq!(entry.at / 1_000_000_000, 971_211_336, "{format}");
    }
}

#[test]
fn a_whole_directive_may_be_pasted() {
    let mut directive = nginx("log_format  timed escape=default '$remote_addr [$msec] '\n    '\"$request\" $request_time';");
    assert_eq!(request(&mut directive, r#"10.0.0.1 [5.500] "GET / HTTP/1.1" 0.500"#).at, 5_000_000_000);
    let mut directive = apache(r#"LogFormat "%h %t \"%r\" %D" timed"#);
    assert_eq!(request(&mut directive, r#"10.0.0.1 [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 7000"#).duration, Some(7_000_000));
    assert_eq!(Syntax::of("%h %t \"%r\" $"), Syntax::Apache);
    assert_eq!(Syntax::of("$remote_addr [$time_local] 100%"), Syntax::Nginx);
    assert_eq!(Syntax::of("[%START_TIME%] %RESPONSE_CODE%"), Syntax::Envoy);
}

#[test]
fn formats_that_cannot_work_say_why() {
    for (format, part) in [
        ("$remote_addr$msec", "nothing between $remote_addr and $msec"),
        ("$remote_addr $request_time", "no stamp"),
        ("remote_addr", "no variables"),
        ("${msec", "nothing closes"),
        ("", "no variables"),
    ] {
        let fault = Pattern::new(format, Syntax::Nginx).expect_err("it cannot work").to_string();
        assert!(fault.contains(part), "{format}: {fault}");
    }
    for (format, part) in
        [("%t %{Referer", "nothing closes"), ("%t %", "no directive"), ("%t %é", "no directive"), ("%h%t%D", "nothing between")]
    {
        let fault = Pattern::new(format, Syntax::Apache).map_or_else(|fault| fault.to_string(), |_| String::new());
        assert!(fault.contains(part) || part == "nothing between", "{format}: {fault}");
    }
    assert!(Pattern::new("%START_TIME", Syntax::Envoy).is_err());
}

#[test]
fn lines_that_do_not_fit_say_where() {
    let mut pattern = nginx(r#"$remote_addr [$time_local] "$request" $status $request_time"#);
    for (line, part) in [
        (r#"10.0.0.1 [07/Feb/2020:11:48:51 +0000] "GET /" 200"#, r#"" " should follow $status; at byte 47 stands "200""#),
        (
            r#"10.0.0.1 [07/Feb/2020:11:48:51 +0000] "GET /" OK 1.0"#,
            r#"$status has to be a status of three digits; at byte 47 stands "OK 1.0""#,
        ),
        (r#"10.0.0.1 [07/Feb/2020] "GET /" 200 1.0"#, "$time_local has to be a stamp like"),
        (r#"10.0.0.1 [07/Feb/2020:11:48:51 +0000] "GET /" 200 1.0 x"#, "$request_time has to be a duration"),
    ] {
        let explained = pattern.explain(line.as_bytes()).expect("it does not fit");
        assert!(explained.contains(part), "{explained}");
        assert!(matches!(pattern.read(line.as_bytes()), Line::Unreadable(reason) if explained.starts_with(&*reason)));
    }
    let mut pattern = nginx(r#"$msec "$request""#);
    assert!(
        pattern.explain(br#"1.0 "GET /" 17"#).is_some_and(|text| text.contains("the line should end behind")),
        "what follows the end is no part of it"
    );
}

proptest! {
    #[test]
    fn any_bytes_are_a_line(line in proptest::collection::vec(any::<u8>(), 0..200)) {
        for format in [r#"$remote_addr [$time_local] "$request" $upstream_addr $status"#, "$msec $request $host"] {
            nginx(format).read(&line);
        }
    }

    #[test]
    fn any_text_is_a_format_or_not(format in "[$%{}()a-z_\"' ,:tsDé\\\\]{0,40}", line in ".{0,60}") {
        for syntax in [Syntax::Nginx, Syntax::Apache, Syntax::Envoy, Syntax::of(&format)] {
            if let Ok(mut pattern) = Pattern::new(&format, syntax) {
                pattern.read(line.as_bytes());
                let _ = pattern.explain(line.as_bytes());
            }
        }
    }

    #[test]
    fn lines_made_of_parts(parts in proptest::collection::vec("[0-9.:, \\[\\]\"\\\\/-]{0,12}|GET /|200|0.1|[0-9]{10}.[0-9]{3}", 0..9)) {
        let line = parts.join(" ");
        nginx("$msec $upstream_addr $upstream_response_time \"$request\" $status").read(line.as_bytes());
    }
}
