use super::*;
use crate::trace::entry::Stop;
use crate::trace::format::heard::Heard;
use crate::trace::recording::{Changes, in_order};
use proptest::prelude::*;
use std::io::Write;
use std::path::PathBuf;

fn sample(name: &str) -> Input {
    Input::File(PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/traces")).join(name))
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("there is room for a few bytes"))
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> Input {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).expect("there is room for a few bytes");
        Input::File(path)
    }
}

fn hear(inputs: &[Input], settings: &Settings) -> Result<(Read, Heard), Fault> {
    let mut heard = Heard::default();
    Ok((read(inputs, settings, &mut heard)?, heard))
}

fn refused(inputs: &[Input], settings: &Settings) -> String {
    hear(inputs, settings).expect_err("it is refused").to_string()
}

const LINE: &str = r#"10.1.2.3 - - [07/Feb/2020:11:48:51 +0000] "GET /a?b HTTP/1.1" 200 59 "-" "curl/7.54.0""#;

fn lines(count: usize) -> String {
    (0..count).map(|number| format!("{}\n", LINE.replace(":51 ", &format!(":{:02} ", number % 60)))).collect()
}

#[test]
fn samples_of_real_logs() {
    let (found, heard) = hear(&[sample("elastic_apache_combined_first200.log")], &Settings::default()).expect("it is read");
    assert_eq!((found.account.requests, found.account.unreadable(), found.is_complete), (200, 0, true));
    assert_eq!(found.files[0].format, Some(Format::Nginx));
    assert!(found.files[0].why.as_ref().is_some_and(|why| why.contains("Apache")), "{:?}", found.files[0]);
    assert_eq!((heard.requests[0].at, heard.requests[0].bytes), (1_431_857_103_000_000_000, Some(203_023)));
    let (found, heard) = hear(&[sample("haproxy_httplog_beats.log")], &Settings::default()).expect("it is read");
    assert_eq!((found.account.requests, found.files[0].format), (5, Some(Format::Haproxy)));
    let services: Vec<_> = heard.requests.iter().map(|entry| entry.service.map(|service| service / 1_000_000)).collect();
    assert_eq!(services, [Some(0), Some(55), Some(30), Some(15), None]);
    let (found, heard) = hear(&[sample("nginx_ingress_beats.log")], &Settings::default()).expect("it is read");
    assert_eq!((found.account.requests, found.files[0].format), (5, Some(Format::IngressNginx)));
    assert_eq!((heard.requests[3].tries, heard.requests[3].service), (2, Some(4_000_000)));
    assert_eq!(heard.requests[3].backend.as_deref(), Some(&b"172.17.0.7:8080"[..]));
    assert_eq!((heard.requests[1].tries, &heard.requests[1].backend), (0, &None));
}

#[test]
fn every_sample_is_recognised() {
    for (name, format, requests) in [
        ("azure_llm_code_first200.csv", Format::AzureLlm, 200),
        ("azure_functions_2021_first50.csv", Format::AzureFunctions2021, 50),
        ("mooncake_conversation_first60.jsonl", Format::Mooncake, 60),
    ] {
        let (found, _) = hear(&[sample(name)], &Settings::default()).expect("it is read");
        assert_eq!((found.files[0].format, found.account.requests), (Some(format), requests), "{name}");
    }
}

#[test]
fn counts_a_minute_take_their_durations_from_a_second_table() {
    let settings = |durations| Settings { choices: Choices { durations, ..Choices::default() }, ..Settings::default() };
    let inputs = [sample("azure_functions_2019_invocations.csv")];
    let (found, _) = hear(&inputs, &settings(None)).expect("it is read");
    assert!(found.account.requests > 0 && found.account.with_service == 0, "{found:?}");
    let (timed, _) = hear(&inputs, &settings(Some(sample("azure_functions_2019_durations.csv")))).expect("it is read");
    assert!(timed.account.requests == found.account.requests && timed.account.with_service > 0, "{timed:?}");
}

#[test]
fn one_in_a_hundred_may_be_unreadable() {
    let folder = Folder::new();
    let file = folder.file("a.log", format!("{}nonsense\n{}", lines(150), lines(150)));
    let (found, heard) = hear(std::slice::from_ref(&file), &Settings::default()).expect("one of 301 may");
    assert_eq!((found.account.requests, heard.unreadable.len(), heard.unreadable[0].0), (300, 1, 151));
    assert!(
        found.warnings[0].contains("1 of 301 records") && found.warnings[0].contains("a.log:151: \"nonsense\""),
        "{:?}",
        found.warnings
    );
    let text = refused(&[file], &Settings { strict: true, ..Settings::default() });
    assert!(text.contains("a.log:151: ") && text.contains("\"nonsense\""), "{text}");
    let file = folder.file("b.log", format!("{}{}", lines(150), "nonsense\n1 2 3\n".repeat(3)));
    let text = refused(&[file], &Settings::default());
    assert!(text.contains("6 of 156 records") && text.contains("more than one in a hundred") && text.contains("b.log:151"), "{text}");
}

#[test]
fn a_wrong_log_format_says_where_it_stopped() {
    let folder = Folder::new();
    let mut settings = Settings::default();
    settings.choices.log_format = Some(r#"$remote_addr - $remote_user [$time_local] "$request" $status $request_time"#.into());
    let text = refused(&[folder.file("a.log", lines(20_100))], &settings);
    assert!(text.contains("$request_time has to be a duration") && text.contains("at byte 67 stands \"59"), "{text}");
    assert!(text.contains("10001 of 10001 records"), "it does not read on for long: {text}");
    settings.format = Some(Format::Alb);
    assert!(refused(&[folder.file("a.log", lines(1))], &settings).contains("goes with nginx, apache or envoy"));
}

#[test]
fn layouts_that_change_are_counted() {
    let folder = Folder::new();
    let timed = lines(50).replace("\"\n", "\" 0.250\n");
    let (found, _) = hear(&[folder.file("a.log", format!("{}{timed}", lines(70)))], &Settings::default()).expect("both are known");
    assert_eq!(found.files[0].layouts, [("combined", 70), ("combined with $request_time", 50)]);
    assert!(found.warnings[0].contains("three decimals"), "{:?}", found.warnings);
    assert_eq!(found.account.with_duration, 50);
}

#[test]
fn what_has_no_requests_says_what_it_has() {
    let folder = Folder::new();
    let cloudfront = folder.file("a.log", "#Version: 1.0\n#Fields: date time c-ip\n\n");
    let settings = Settings { format: Some(Format::Cloudfront), ..Settings::default() };
    let text = refused(&[cloudfront], &settings);
    assert!(text.contains("0 requests") && text.contains("1 × empty lines, 2 × header lines") && text.contains("cloudfront"), "{text}");
    let text = refused(&[folder.file("b.log", "")], &Settings::default());
    assert!(text.contains("0 requests"), "{text}");
    let text = refused(&[folder.file("c.log", "hello\x1b world\n")], &Settings::default());
    assert!(text.contains("begins with \"hello\\u{1b} world") && text.contains("haproxy, envoy"), "{text}");
}

#[test]
fn what_is_cut_off_says_how_far_it_was_read() {
    let folder = Folder::new();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(lines(20_000).as_bytes()).expect("memory takes all");
    let packed = encoder.finish().expect("memory takes all");
    let (found, _) = hear(&[folder.file("a.log.gz", &packed)], &Settings::default()).expect("it is whole");
    assert_eq!((found.account.requests, found.warnings.len()), (20_000, 0));
    let fault = hear(&[folder.file("b.log.gz", &packed[..packed.len() - 4])], &Settings::default()).expect_err("it is cut off");
    let text = fault.to_string();
    assert!(fault.is_from_outside() && text.contains("cut off") && text.contains("requests had been read"), "{text}");
}

#[test]
fn long_lines_are_counted_and_left_out() {
    let folder = Folder::new();
    let file = folder.file("a.log", format!("{}{}\n{}", lines(150), "x".repeat(2 << 20), lines(150).replace('\n', "\r\n")));
    let (found, _) = hear(&[file], &Settings::default()).expect("one of 301 may");
    assert_eq!((found.account.requests, found.account.unreadable()), (300, 1));
    assert!(found.warnings[0].contains("longer than the limit") && found.warnings[0].contains("a.log:151"), "{:?}", found.warnings);
}

#[test]
fn in_order_from_several_files() {
    let folder = Folder::new();
    let inputs = [folder.file("b.log", lines(60)), folder.file("a.log", lines(30)), folder.file("empty.log", "")];
    let mut settings = Settings::default();
    settings.order.entries = 16;
    let mut arrivals = Vec::new();
    let found = in_order(&inputs, &settings, &Changes::default(), &mut |entry| {
        arrivals.push(entry.at);
        Ok(())
    })
    .expect("it is read");
    assert!(arrivals.len() == 90 && arrivals.is_sorted());
    assert_eq!((found.order.requests, found.order.backwards, found.files.len()), (90, 0, 3));
    assert!(found.warnings.iter().any(|warning| warning.ends_with("empty.log is empty")), "{:?}", found.warnings);
    let found = in_order(&inputs, &settings, &Changes::default(), &mut |_| Err(Stop)).expect("stopping is no fault");
    assert!(!found.is_complete);
}

#[test]
fn the_whole_sample_is_out_of_order_and_comes_out_in_it() {
    let mut last = i64::MIN;
    let found = in_order(&[sample("elastic_apache_combined_first200.log")], &Settings::default(), &Changes::default(), &mut |entry| {
        assert!(entry.at >= last);
        last = entry.at;
        Ok(())
    })
    .expect("it is read");
    assert_eq!((found.order.requests, found.order.runs), (200, 0));
    assert!(found.order.backwards > 50 && found.order.greatest_ns <= 59_000_000_000, "{:?}", found.order);
}

/// Text that comes near to all formats.
fn near_text() -> impl Strategy<Value = Vec<u8>> {
    const PARTS: [&str; 40] = [
        "10.1.2.3",
        " - - ",
        "[07/Feb/2020:11:48:51 +0000] ",
        "\"GET /a?b HTTP/1.1\"",
        " 200 59",
        "\"-\"",
        "\"",
        "\\",
        " ",
        "\n",
        "\r\n",
        "\t",
        ",",
        "{",
        "}",
        "[",
        "]",
        ":",
        "0/0/1/7/+8",
        "web/a",
        "1/1/0/0/0 0/0",
        "[10/Dec/2018:12:01:46.395]",
        "-1",
        "1e999",
        "NaN",
        "2016-04-15T20:17:00.310Z",
        "time,work\n",
        "\"time\":",
        "\"resourceSpans\":",
        "\"data\":",
        "\"log\":{\"entries\":[",
        "#Fields: date time",
        "9223372036854775807",
        "-9223372036854775808",
        "null",
        "http ",
        "HashOwner,HashApp,HashFunction,Trigger,1",
        "\u{feff}",
        "%",
        "0.250",
    ];
    let part =
        prop_oneof![8 => (0..PARTS.len()).prop_map(|at| PARTS[at].as_bytes().to_vec()), 1 => proptest::collection::vec(any::<u8>(), 0..20)];
    proptest::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn any_bytes_are_read_by_every_format_or_refused(bytes in near_text(), strict in any::<bool>()) {
        let folder = Folder::new();
        let file = folder.file("a", &bytes);
        for format in Format::all().map(Some).chain([None]) {
            if let Err(fault) = hear(std::slice::from_ref(&file), &Settings { format, strict, ..Settings::default() }) {
                let text = fault.to_string();
                let is_fit_to_show = !text.is_empty() && !text.contains('\u{1b}');
                prop_assert!(is_fit_to_show, "{}", text.escape_debug());
            }
        }
    }
}
