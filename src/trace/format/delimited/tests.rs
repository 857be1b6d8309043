use super::*;
use crate::trace::Outcome;
use crate::trace::format::heard::{self, Heard, text};
use crate::trace::stamp::Unit;
use proptest::prelude::*;

fn hear(mut reader: Delimited, text: &[u8]) -> Result<Heard, String> {
    heard::hear(&mut reader, text)
}

fn preset(name: &str, text: &str) -> Heard {
    assert_eq!(presets::recognise(text.as_bytes()), Some(name));
    hear(Delimited::preset(name).expect("it is known"), text.as_bytes()).expect("it is read")
}

const SECOND: i64 = 1_000_000_000;

#[test]
fn columns_by_name_in_any_order() {
    let map =
        Columns::of(&[(Role::Time, "when"), (Role::Work, "took_ms"), (Role::Key, "url"), (Role::Status, "code"), (Role::Bytes, "size")]);
    let csv = b"size,url,when,code,took_ms,x\n12,\"/a,b\",1700000000.25,200,1.5,\n-,,1700000001,503,-1,\n";
    let heard = hear(Delimited::new(&map, Meaning::default()), csv).expect("it is read");
    assert_eq!(heard.other, [(1, "a header"), (2, "the times were taken for seconds, by the size of the first")]);
    let at = 1_700_000_000 * SECOND;
    let first = Entry {
        at: at + SECOND / 4,
        tick: 10_000_000,
        service: Some(1_500_000),
        key: text("/a,b"),
        status: Some(200),
        bytes: Some(12),
        ..Entry::default()
    };
    let second = Entry { at: at + SECOND, tick: 1_000_000_000, status: Some(503), outcome: Outcome::Failed, ..Entry::default() };
    assert_eq!(heard.requests, [first, second]);
}

#[test]
fn roles_without_a_name_are_found_by_theirs() {
    let csv = "Timestamp_ms;work_us;Key;input\n5;7;k;9\n";
    let heard = hear(Delimited::new(&Columns::default(), Meaning::default()), csv.as_bytes()).expect("it is read");
    let entry = Entry { at: 5_000_000, tick: 1_000_000, service: Some(7_000), key: text("k"), input: Some(9), ..Entry::default() };
    assert_eq!(heard.requests, [entry]);
    assert_eq!(heard.other, [(1, "a header")]);
}

#[test]
fn columns_by_number_where_there_is_no_header() {
    let map = Columns::of(&[(Role::Time, "2"), (Role::Duration, "1")]);
    let meaning = Meaning { time: Some(Unit::Seconds), span: Some(Unit::Milliseconds), ends: true };
    let heard = hear(Delimited::new(&map, meaning), b"took\twhen\n250\t10.5\n1\t1\t1\n").expect("it is read");
    assert_eq!(heard.other, [(1, "a header that nobody asked for")]);
    assert_eq!(heard.unreadable, [(3, "a row of 3 fields where the first has 2".to_owned())]);
    assert_eq!((heard.requests[0].at, heard.requests[0].duration), (10_250_000_000, Some(250_000_000)));
    let fault = hear(Delimited::new(&Columns::of(&[(Role::Time, "3")]), meaning), b"1,2\n").expect_err("there is no third column");
    assert_eq!(fault, "1: `time` is column 3, and the first row has 2 fields");
    let fault = hear(Delimited::new(&Columns::of(&[(Role::Key, "1")]), meaning), b"1,2\n").expect_err("there is no time");
    assert!(fault.contains("columns = { time = 1 }"), "{fault}");
}

#[test]
fn a_column_that_is_missing_is_told_with_those_found() {
    let fault = hear(Delimited::new(&Columns::of(&[(Role::Time, "timestmap")]), Meaning::default()), b"timestamp,\x1b[2J\n1,2\n");
    let fault = fault.expect_err("there is no such column");
    assert_eq!(
        fault,
        "1: there is no column \"timestmap\"; the first row has \"timestamp\", \"\\u{1b}[2J\"; did you mean \"timestamp\"?; say which it is with \
         columns = { time = \"…\" }"
    );
    let fault = hear(Delimited::new(&Columns::default(), Meaning::default()), b"a,b\n").expect_err("there is no time");
    assert!(fault.contains("no column \"time\""), "{fault}");
    let fault = hear(Delimited::new(&Columns::default(), Meaning::default()), b"1.5,2\n").expect_err("there is no header");
    assert!(fault.contains("there is no header: the first row has \"1.5\", \"2\", numbers alone"), "{fault}");
    let wide = "x,".repeat(5000);
    let fault = hear(Delimited::new(&Columns::default(), Meaning::default()), wide.as_bytes()).expect_err("it is too wide");
    assert_eq!(fault, "1: the first row has 5001 fields; a table has at most 4096");
}

#[test]
fn values_that_are_none() {
    let csv = "time,work,status,bytes\n1,1,200,1\n,1,200,1\nNaN,1,200,1\n-,1,200,1\n1e999,1,200,1\n-2,1,200,1\n2,-3,200,1\n2,nan,,\n2,,7,\n2,,,1.5\n\
               2,,99999999999999999999,\n2,,\u{fffd},18446744073709551616\n3e0,,,7.0\n";
    let heard = hear(Delimited::new(&Columns::default(), Meaning::default()), csv.as_bytes()).expect("it is read");
    let lines: Vec<u64> = heard.unreadable.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [3, 4, 5, 6, 8, 9, 10, 11, 12, 13], "{:?}", heard.unreadable);
    assert_eq!(heard.unreadable[0].1, "there is no time");
    let times: Vec<i64> = heard.requests.iter().map(|entry| entry.at / SECOND).collect();
    assert_eq!((times, heard.requests[2].bytes), (vec![1, -2, 3], Some(7)));
}

#[test]
fn empty_lines_are_no_rows() {
    let heard = hear(Delimited::new(&Columns::default(), Meaning::default()), b"\r\ntime\n\n1\n\n").expect("it is read");
    assert_eq!((heard.requests.len(), heard.unreadable.len(), heard.other.len()), (1, 0, 5));
}

#[test]
fn a_first_row_that_is_wrong_is_no_header() {
    let heard = hear(Delimited::preset("twitter-cache").expect("it is known"), b"1,k,1,many,c,get,0\n").expect("it is read");
    assert_eq!((heard.other.len(), heard.unreadable.len()), (0, 1));
}

#[test]
fn durations_without_a_unit_are_no_guess() {
    let csv = "time,work\n2024-01-01 00:00:00,5\n";
    let heard = hear(Delimited::new(&Columns::default(), Meaning::default()), csv.as_bytes()).expect("it is read");
    assert!(heard.unreadable[0].1.contains("time_unit"), "{:?}", heard.unreadable);
}

#[test]
fn units_are_guessed_by_size() {
    for (stamp, unit) in [("1700000000", 1), ("1700000000000", 1), ("1700000000000000", 1), ("1700000000000000000", 1), ("1700000000.0", 1)]
    {
        let heard =
            hear(Delimited::new(&Columns::default(), Meaning::default()), format!("time,x\n{stamp},\n").as_bytes()).expect("it is read");
        assert_eq!(heard.requests[0].at, 1_700_000_000 * SECOND * unit, "{stamp}");
    }
}

#[test]
fn load_generators() {
    let k6 = "metric_name,timestamp,metric_value,check,error,error_code,group,method,name,proto,scenario,status,subproto,tls_version,url,extra_tags\n\
              http_reqs,1595325560,1.000000,,,,,GET,http://t/,HTTP/1.1,default,200,,,http://t/,\n\
              http_req_duration,1595325560,221.5,,,,,GET,http://t/,HTTP/1.1,default,200,,,http://t/a,\n\
              http_req_duration,1595325561,3,,x,1050,,GET,http://t/,,default,0,,,http://t/b,\n";
    let heard = preset("k6-csv", k6);
    assert_eq!(heard.other[1], (2, "another metric of k6"));
    let first = &heard.requests[0];
    assert_eq!((first.at, first.duration, first.service), (1_595_325_560 * SECOND - 221_500_000, Some(221_500_000), None));
    assert_eq!((first.key.clone(), first.class.clone(), heard.requests[1].outcome), (text("http://t/a"), text("default"), Outcome::Failed));
    let vegeta = "1453136958000000001,200,1500000,0,13,,aGVsbG8=,attack,0,GET,http://a/,aGVsbG8=\n1453136958000000002,0,1,0,0,refused,,attack,1,GET,http://a/,\n";
    let heard = preset("vegeta-csv", vegeta);
    let first = &heard.requests[0];
    assert_eq!((first.at, first.tick, first.duration, first.bytes), (1_453_136_958_000_000_001, 1, Some(1_500_000), Some(13)));
    assert_eq!((heard.requests[1].outcome, heard.requests[1].status), (Outcome::Failed, None));
}

#[test]
fn published_traces() {
    let heard = preset("azure-llm", "TIMESTAMP,NumImages,ContextTokens,GeneratedTokens\r\n2023-11-16 18:17:03.9799600,0,4808,10\r\n");
    let entry = &heard.requests[0];
    assert_eq!((entry.at, entry.tick, entry.input, entry.output), (1_700_158_623_979_960_000, 100, Some(4808), Some(10)));
    let heard = preset("azure-functions-2021", "app,func,end_timestamp,duration\na,f,0.07949090003967285,0.078\n");
    let entry = &heard.requests[0];
    assert_eq!((entry.at, entry.service, entry.key.clone()), (1_490_900, Some(78_000_000), text("f")));
    let new = "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,12,3.5,ChatGPT,472,18,490,API log\n";
    let old = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,ChatGPT,472,18,490,Conversation log\n";
    let (new, old) = (preset("burstgpt", new), preset("burstgpt", old));
    assert_eq!((new.requests[0].duration, new.requests[0].client.clone()), (Some(3_500_000_000), text("12")));
    assert_eq!((old.requests[0].at, old.requests[0].duration, old.requests[0].output), (5 * SECOND, None, Some(18)));
    let genai = "gmt_create,predict_type,predict_status,exec_time_seconds,groupId\n2024-11-15 16:57:50,x,FAILED,22.5,g\n2024-11-15 16:57:50,x,PENDING,,g\n";
    let heard = preset("alibaba-genai", genai);
    assert_eq!((heard.requests[0].service, heard.requests[0].outcome), (Some(22_500_000_000), Outcome::Failed));
    assert_eq!(heard.requests.len(), 2);
    let calls = "timestamp,traceid,service,rpc_id,um,uminstanceid,rpctype,interface,dm,dminstanceid,rt\n\
                 60000,t,S,0.1,A,a1,rpc,i,B,b7,12\n60000,t,S,0.1,A,a1,rpc,i,B,b7,-11\n60000,t,S,0.1,A,a1,rpc,i,B,(?),NAN\n";
    let heard = preset("alibaba-microservices-2022", calls);
    assert_eq!((heard.requests[0].at, heard.requests[0].duration), (60 * SECOND, Some(12_000_000)));
    assert_eq!((heard.requests[0].backend.clone(), heard.requests[0].class.clone()), (text("b7"), text("B")));
    assert_eq!((heard.requests.len(), heard.other.len(), heard.unreadable.len()), (1, 2, 1));
    let heard = preset("twitter-cache", "0,q:q:1:8WTfjZU14ee,17,213,4,get,0\n");
    let entry = &heard.requests[0];
    assert_eq!((entry.bytes, entry.class.clone(), entry.client.clone()), (Some(213), text("get"), text("4")));
}

#[test]
fn samples_of_real_files() {
    let llm = include_str!("../../../../tests/data/traces/azure_llm_code_first200.csv");
    let heard = preset("azure-llm", llm);
    assert_eq!((heard.requests.len(), heard.unreadable.len()), (200, 0));
    assert_eq!(heard.requests[0].at, 1_700_158_623_979_960_000);
    let functions = include_str!("../../../../tests/data/traces/azure_functions_2021_first50.csv");
    let heard = preset("azure-functions-2021", functions);
    assert_eq!((heard.requests.len(), heard.unreadable.len()), (50, 0));
}

#[test]
fn what_may_be_a_table() {
    assert!(recognise(b"time,work\n") && recognise(b"a\tb") && recognise(b"a;b\n"));
    assert!(!recognise(b"") && !recognise(b"plain") && !recognise(b"{\"a\":1,\"b\":2}") && !recognise(b"a,\0"));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300), name in 0..presets::names().count()) {
        let _ = hear(Delimited::new(&Columns::default(), Meaning::default()), &bytes);
        let name = presets::names().nth(name).expect("it is one of them");
        let _ = (hear(Delimited::preset(name).expect("it is known"), &bytes), presets::recognise(&bytes), recognise(&bytes));
    }

    #[test]
    fn any_fields_are_read_or_refused(rows in "(time|work|[-0-9.eE\"]{0,22}|,|\n|2024-01-01T00:00:0[0-9]Z){0,60}") {
        let text = format!("time,work,duration,status\n{rows}");
        let meaning = Meaning { ends: true, ..Meaning::default() };
        let _ = hear(Delimited::new(&Columns::default(), meaning), text.as_bytes());
    }
}
