//! Recorded traffic that is wrong, hostile or not there: the right exit code, and a message that names file, line and reason.

use super::{Place, code, converted, inspected, json, said, scenario};
use crate::cli::evenkeel;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::process::Output;

const ONE: &str = "[[backends]]\nname = \"b\"";

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(bytes).expect("it is memory");
    packed.finish().expect("it is memory")
}

/// So many good lines.
fn lines(count: u64) -> String {
    (0..count).map(|number| format!("{},1000,/k{}\n", number * 1_000_000, number % 7)).collect()
}

fn table(count: u64) -> String {
    format!("time_ns,work_ns,key\n{}", lines(count))
}

/// What `inspect`, `convert` and `run` say of a file.
fn all(place: &Place, file: &str, more: &[&str]) -> [Output; 3] {
    let path = place.path(file);
    let arrivals = format!("file = {file:?}");
    [
        evenkeel(&[&["trace", "inspect", &path], more].concat()),
        evenkeel(&[&["trace", "convert", &path, "--out", &place.path("out.evk")], more].concat()),
        place.run(&scenario(&["random"], &arrivals, "", ONE), &[]),
    ]
}

/// All three end so, with these words and nothing a terminal obeys, and write nothing.
fn refused(place: &Place, file: &str, codes: [i32; 3], says: &[&str]) {
    for (output, expected) in all(place, file, &[]).iter().zip(codes) {
        let text = said(output);
        assert_eq!(code(output), expected, "{file}: {text}");
        // Diagnostics of a scenario cut long texts; what they begin with has the file.
        let is_whole = !text.contains("…\n -->");
        assert!(!is_whole || says.iter().all(|word| text.contains(word)), "{file} says {text}, not {says:?}");
        assert!(text.contains(file) && !text.contains('\u{1b}'), "{file}: {text}");
        assert!(expected == 0 || output.stdout.is_empty(), "{file}");
    }
    let left: Vec<_> = std::fs::read_dir(&place.0).expect("it is there").flatten().map(|entry| entry.file_name()).collect();
    assert!(codes[1] == 0 || left.iter().all(|name| !name.to_string_lossy().contains("out.evk")), "{left:?}");
}

#[test]
fn what_is_no_file_to_be_read() {
    let place = Place::new("refused-none");
    refused(&place, "missing.log", [2; 3], &["no such file"]);
    std::fs::create_dir(place.0.join("folder.log")).expect("it can be made");
    refused(&place, "folder.log", [2; 3], &["it is a folder"]);
    let output = evenkeel(&["trace", "inspect", &place.path("*.txt")]);
    assert!(code(&output) == 2 && said(&output).contains("no file fits the pattern"), "{}", said(&output));
    place.write("pcap.log", [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0]);
    refused(&place, "pcap.log", [2; 3], &["capture"]);
    place.write("table.csv", b"PAR1\x15\x04\x15");
    refused(&place, "table.csv", [2; 3], &["Parquet"]);
    place.write("book.csv", b"PK\x03\x04\x14\x00\x06\x00");
    refused(&place, "book.csv", [2; 3], &["ZIP"]);
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_are_refused_at_once() {
    let place = Place::new("refused-pipe");
    let made = std::process::Command::new("mkfifo").arg(place.path("pipe.log")).status().expect("there is a mkfifo");
    assert!(made.success());
    refused(&place, "pipe.log", [2; 3], &["it is a pipe"]);
    for device in ["/dev/zero", "/dev/urandom"] {
        let output = evenkeel(&["trace", "inspect", device]);
        assert!(code(&output) == 2 && said(&output).contains("it is a device"), "{}", said(&output));
    }
}

#[test]
fn nothing_is_in_it() {
    let place = Place::new("refused-empty").with("empty.csv", "").with("blank.log", "\n\n\n").with("head.csv", "time_ns,work_ns\n");
    for file in ["empty.csv", "blank.log", "head.csv"] {
        refused(&place, file, [2; 3], &["0 requests"]);
    }
    place.write("empty.csv.gz", gz(b""));
    refused(&place, "empty.csv.gz", [2; 3], &["0 requests"]);
}

#[test]
fn a_table_without_its_column_says_what_it_has() {
    let place = Place::new("refused-column").with("t.csv", format!("tiem,work_ns,key\n{}", lines(9)));
    refused(
        &place,
        "t.csv",
        [2; 3],
        &["no column \"time\"", "\"tiem\", \"work_ns\", \"key\"", "did you mean \"tiem\"?", "columns = { time"],
    );
    let mapped = inspected(&place.path("t.csv"), &["--as", "csv", "--column", "time=tiem", "--time-unit", "ns"]);
    assert_eq!(mapped["records"], 9);
    let output = evenkeel(&["trace", "inspect", &place.path("t.csv"), "--column", "tiem"]);
    assert!(code(&output) == 2 && said(&output).contains("ROLE=NAME"), "{}", said(&output));
}

#[test]
fn one_line_in_a_hundred_may_be_wrong() {
    let bad = |good: u64, bad: &str| format!("{}{bad}{}", table(good), lines(1));
    let place = Place::new("refused-some").with("few.csv", bad(200, "5,1000,/k,7\n")).with("many.csv", bad(20, "5,1000,/k,7\n"));
    let says = ["1 of", "a row of 4 fields where the first has 3", "few.csv:202"];
    refused(&place, "few.csv", [0; 3], &says);
    std::fs::remove_file(place.0.join("out.evk")).expect("it was written");
    refused(&place, "many.csv", [0, 2, 2], &["1 of 22", "a row of 4 fields", "many.csv:22"]);
    for output in all(&place, "few.csv", &["--strict"]).iter().take(2) {
        assert!(code(output) == 2 && said(output).contains("few.csv:202: a row of 4 fields"), "{}", said(output));
    }
    let output = place.run(&scenario(&["random"], "file = \"few.csv\", strict = true", "", ONE), &[]);
    assert!(code(&output) == 2 && said(&output).contains("few.csv:202"), "{}", said(&output));
    // Five kinds of faults: each with its count and its first line.
    let kinds = "5,1000,/k,7\nx,1000,/k\n-,1000,/k\n5,-3,/k\n1e999,1000,/k\n5,abc,/k\n";
    place.write("kinds.csv", format!("{}{}", bad(2000, kinds), kinds.repeat(2)));
    let found = inspected(&place.path("kinds.csv"), &[]);
    assert_eq!((&found["records"], &found["skipped"]), (&2001.into(), &18.into()));
    let reasons = found["skipped_by_reason"].as_array().expect("a list");
    assert!(reasons.len() >= 4, "{reasons:?}");
    for reason in reasons {
        assert!(reason["line"].as_u64().is_some_and(|line| (2002..=2007).contains(&line)), "{reason}");
        assert!(reason["count"].as_u64().is_some_and(|count| count % 3 == 0), "{reason}");
    }
}

#[test]
fn a_quote_that_nobody_closed() {
    let place = Place::new("refused-quote").with("t.csv", format!("{}7,1000,\"/k\n{}", table(100), lines(50_000)));
    refused(&place, "t.csv", [2; 3], &["t.csv:102", "quot"]);
}

#[test]
fn lines_that_never_end() {
    let place = Place::new("refused-long").with("t.jsonl", format!("{{\"time_ns\":1,\"work_ns\":2,\"key\":\"{}", "a".repeat(3 << 20)));
    refused(&place, "t.jsonl", [2; 3], &["t.jsonl:1", "longer than the limit"]);
}

#[test]
fn stamps_that_are_none() {
    for (name, stamp) in [("nan", "NaN"), ("minus", "-"), ("void", ""), ("huge", "1e999"), ("day", "2024-02-30T00:00:00Z")] {
        let place = Place::new(&format!("refused-stamp-{name}")).with("t.csv", format!("{}{stamp},1,/k\n", table(5)));
        refused(&place, "t.csv", [0, 2, 2], &["t.csv:7", "time"]);
    }
    // A leap second is the start of the next; a date without a zone is UTC.
    let place = Place::new("refused-leap").with("t.csv", "time,work_s\n2016-12-31T23:59:60Z,0.1\n2017-01-01 00:00:00.5,0.1\n");
    let found = inspected(&place.path("t.csv"), &["--spread", "none"]);
    assert!((found["span_s"].as_f64().expect("a number") - 0.5).abs() < 1e-9, "{found}");
}

#[test]
fn clocks_that_jump() {
    // An hour and more back, for good; a unit that changes; and somewhat out of order, which is how logs are.
    let stamp = |number: u64| if number < 1000 { 20_000 + number } else { 10_000 + number };
    let text: String = (0..2000).map(|number| format!("{},0.001\n", stamp(number))).collect();
    let place = Place::new("refused-clock").with("back.csv", format!("time_s,work_s\n{text}"));
    let warnings = inspected(&place.path("back.csv"), &[])["warnings"].to_string();
    assert!(warnings.contains("from request 1001 on the stamps are 9999 s back"), "{warnings}");
    let stamp = |number: u64| if number < 5000 { number } else { 5000 + (number - 5000) * 1000 };
    let text: String = (0..10_000).map(|number| format!("{},0.001\n", stamp(number))).collect();
    place.write("unit.csv", format!("time_s,work_s\n{text}"));
    let warnings = inspected(&place.path("unit.csv"), &[])["warnings"].to_string();
    assert!(warnings.contains(" times longer") && warnings.contains("the unit of the stamps"), "{warnings}");
    // Three milliseconds back: put in order, whatever comes twice is there twice.
    place.write("order.csv", "time_ns,work_ns,key\n5000000,1,b\n2000000,1,a\n9000000,1,c\n9000000,1,c\n");
    converted(&place.path("order.csv"), &place.path("ordered.csv"), &[]);
    let keys: Vec<String> = String::from_utf8(place.read("ordered.csv"))
        .expect("UTF-8")
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(4).unwrap_or_default().into())
        .collect();
    assert_eq!(keys, ["a", "b", "c", "c"]);
}

#[test]
fn files_that_follow_each_other_are_no_clock_that_was_set() {
    let text = |from: u64| format!("time_s,work_s\n{}", (from..from + 500).map(|number| format!("{number},0.001\n")).collect::<String>());
    let place = Place::new("refused-rotated").with("access.log", text(100_000)).with("access.log.1", text(50_000));
    let found =
        json(&evenkeel(&["trace", "inspect", &place.path("access.log"), &place.path("access.log.1"), "--as", "csv", "--format", "json"]));
    assert_eq!(found["records"], 1000);
    assert!(!found["warnings"].to_string().contains("clock"), "{}", found["warnings"]);
    let output = place.run(&scenario(&["random"], "file = \"access.log*\", format = \"csv\"", "", ONE), &[]);
    assert_eq!(json(&output)["results"][0]["requests"]["offered"], 1000);
    assert!(!said(&output).contains("clock"), "{}", said(&output));
}

#[test]
fn packed_files_that_are_broken() {
    let whole = gz(table(20_000).as_bytes());
    let mut wrong = whole.clone();
    let crc = wrong.len() - 6;
    wrong[crc] ^= 1;
    let place = Place::new("refused-gz");
    place.write("cut.csv.gz", &whole[..whole.len() - 8]);
    refused(&place, "cut.csv.gz", [3, 3, 2], &["cut off", "requests had been read"]);
    place.write("half.csv.gz", &whole[..whole.len() / 2]);
    refused(&place, "half.csv.gz", [3, 3, 2], &["cut off", "requests had been read"]);
    place.write("crc.csv.gz", &wrong);
    refused(&place, "crc.csv.gz", [3, 3, 2], &["checksum"]);
    // Members one after the other are one file; what else follows is left out, with a word.
    place.write("two.csv.gz", [gz(table(10).as_bytes()), gz(lines(5).as_bytes())].concat());
    assert_eq!(inspected(&place.path("two.csv.gz"), &[])["records"], 15);
    place.write("tail.csv.gz", [gz(table(10).as_bytes()), b"garbage".to_vec()].concat());
    let found = inspected(&place.path("tail.csv.gz"), &[]);
    assert!(found["records"] == 10 && found["warnings"].to_string().contains("behind the last gzip member"), "{found}");
    // What a file is shows in its bytes.
    place.write("plain.csv.gz", table(10));
    place.write("packed.csv", gz(table(10).as_bytes()));
    for (file, says) in [("plain.csv.gz", "plain text"), ("packed.csv", "gzip")] {
        let found = inspected(&place.path(file), &[]);
        assert!(found["records"] == 10 && found["warnings"].to_string().contains(says), "{found}");
    }
    place.write("twice.csv.gz", gz(&gz(table(10).as_bytes())));
    refused(&place, "twice.csv.gz", [2; 3], &["packed twice"]);
    place.write("good.csv.zst", ruzstd::encoding::compress_to_vec(table(10).as_bytes(), ruzstd::encoding::CompressionLevel::Fastest));
    assert_eq!(inspected(&place.path("good.csv.zst"), &[])["records"], 10);
}

/// A zstd frame of so many blocks of 128 KiB of one byte each.
fn zstd_of_one_byte(blocks: usize, window: u8) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0, window];
    for block in 0..blocks {
        let head = u32::from(block + 1 == blocks) | 1 << 1 | (128 << 10) << 3;
        frame.extend(&head.to_le_bytes()[..3]);
        frame.push(b'x');
    }
    frame
}

#[test]
fn bombs_are_left_alone() {
    let place = Place::new("refused-bomb");
    // 272 MiB out of 9 KB, and out of some 300 KB.
    place.write("bomb.log.zst", zstd_of_one_byte(2176, 7 << 3));
    let member = gz(&vec![b'x'; 16 << 20]);
    place.write("bomb.log.gz", member.repeat(17));
    for file in ["bomb.log.zst", "bomb.log.gz"] {
        let output = evenkeel(&["trace", "inspect", &place.path(file), "--as", "nginx"]);
        assert!(code(&output) == 3 && said(&output).contains("bomb"), "{}", said(&output));
    }
    // A window of two gigabytes.
    place.write("window.log.zst", zstd_of_one_byte(1, 21 << 3));
    let output = evenkeel(&["trace", "inspect", &place.path("window.log.zst")]);
    assert!(code(&output) == 3 && said(&output).contains("window"), "{}", said(&output));
}

#[test]
fn a_log_format_that_does_not_fit() {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/traces/elastic_apache_combined_first200.log");
    let inspect = |format: &str| evenkeel(&["trace", "inspect", sample, "--log-format", format]);
    let output = inspect("$remote_addr|$time_local|$request");
    assert!(code(&output) == 2 && said(&output).contains("200.log:1") && said(&output).contains('|'), "{}", said(&output));
    let output = inspect("$remote_addr $status");
    assert!(code(&output) == 2 && said(&output).contains("time"), "{}", said(&output));
    let output = evenkeel(&["trace", "inspect", sample, "--as", "ngnix"]);
    assert!(code(&output) == 2 && said(&output).contains("did you mean nginx"), "{}", said(&output));
    let output = evenkeel(&["trace", "inspect", sample, "--as", "haproxy", "--log-format", "$x"]);
    assert!(code(&output) == 2 && said(&output).contains("goes with nginx, apache or envoy"), "{}", said(&output));
}

#[test]
fn hostile_texts_reach_neither_terminals_nor_formulas() {
    let keys = ["\u{1b}[2J\u{1b}]0;owned\u{7}", "<script>alert(1)</script>", "=cmd|' /C calc'!A0", "+1+1", "@SUM(1)", "-2", "a\u{202e}b"];
    let line = |number: usize| {
        format!("{},1000,\"{}\",\"{}\",\"{}\"\n", number * 1000, keys[number % 7], keys[(number + 1) % 7], keys[(number + 2) % 7])
    };
    let place = Place::new("refused-hostile");
    place.write("t.csv", format!("time_ns,work_ns,key,client,backend\n{}", (0..700).map(line).collect::<String>()));
    let output = evenkeel(&["trace", "inspect", &place.path("t.csv")]);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(code_of(&output.status) == 0 && !text.contains('\u{1b}') && !text.contains('\u{7}') && !text.contains('\u{202e}'), "{text}");
    assert_eq!(inspected(&place.path("t.csv"), &[])["keys"]["distinct"], 7.0, "in JSON they are what they are");
    converted(&place.path("t.csv"), &place.path("u.csv"), &[]);
    let table = String::from_utf8(place.read("u.csv")).expect("UTF-8");
    for cell in table.lines().skip(1).flat_map(|line| line.split(',').skip(4).take(3)) {
        let start = cell.trim_start_matches('"').chars().next().unwrap_or(' ');
        assert!(!"=+-@\t\r".contains(start), "{cell}");
    }
    let backends = "[[backends]]\nname = \"b\"\ncount = 7";
    let out = place.path("report");
    let output = place.run(&scenario(&["as-recorded", "nginx/hash"], "file = \"t.csv\"", "", backends), &["--out", &out]);
    json(&output);
    let page = String::from_utf8(place.read("report/report.html")).expect("UTF-8");
    assert!(!page.contains("<script>alert(1)"));
    // A name of a file is a text of strangers, too.
    let output = evenkeel(&["trace", "inspect", "no\u{1b}[31msuch.log"]);
    assert!(code(&output) == 2 && !said(&output).contains('\u{1b}'), "{}", said(&output));
}

fn code_of(status: &std::process::ExitStatus) -> i32 {
    status.code().expect("it ended by itself")
}

#[test]
fn trace_files_that_are_damaged() {
    let place = Place::new("refused-tape").with("t.csv", table(40_000));
    converted(&place.path("t.csv"), &place.path("t.evk"), &[]);
    let whole = place.read("t.evk");
    place.write("cut.evk", &whole[..whole.len() - 1]);
    refused(&place, "cut.evk", [2; 3], &["cut off"]);
    let mut later = whole.clone();
    later[8] = 9;
    place.write("later.evk", &later);
    refused(&place, "later.evk", [2; 3], &["version 9"]);
    // One bit in a hundred places: said, and never a panic.
    for part in 0..100 {
        let mut changed = whole.clone();
        let at = 16 + (whole.len() - 17) * part / 100;
        changed[at] ^= 1 << (part % 8);
        place.write("changed.evk", &changed);
        let output = evenkeel(&["trace", "inspect", &place.path("changed.evk")]);
        assert!(
            code(&output) == 2 && (said(&output).contains("damaged") || said(&output).contains("cut off")),
            "byte {at}: {}",
            said(&output)
        );
    }
    place.write("t.evk.gz", gz(&whole));
    for files in [vec!["t.evk", "t.csv"], vec!["t.evk.gz"]] {
        let paths: Vec<String> = files.iter().map(|file| place.path(file)).collect();
        let words: Vec<&str> = ["trace", "inspect"].into_iter().chain(paths.iter().map(String::as_str)).collect();
        let output = evenkeel(&words);
        assert!(code(&output) == 2 && said(&output).contains("which is read by itself"), "{}", said(&output));
    }
}

#[test]
fn what_cannot_be_written_leaves_nothing() {
    let place = Place::new("refused-out").with("t.csv", table(100));
    std::fs::create_dir_all(place.0.join("is-a-folder.evk/in")).expect("it can be made");
    for (out, expected) in [("is-a-folder.evk", 3), ("no/such/folder/x.evk", 3), ("x.parquet", 2), ("x", 2)] {
        let output = evenkeel(&["trace", "convert", &place.path("t.csv"), "--out", &place.path(out)]);
        assert_eq!(code(&output), expected, "{out}: {}", said(&output));
    }
    let mut left: Vec<_> = std::fs::read_dir(&place.0).expect("it is there").flatten().map(|entry| entry.file_name()).collect();
    left.sort();
    assert_eq!(left, ["is-a-folder.evk", "t.csv"]);
}

#[cfg(unix)]
#[test]
fn a_conversion_that_is_ended_leaves_no_half_file() {
    use std::process::{Command, Stdio};
    let place = Place::new("refused-interrupted");
    let mut child = Command::new(env!("CARGO_BIN_EXE_evenkeel"))
        .args(["trace", "convert", "-", "--as", "csv", "--out", &place.path("x.evk")])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut input = child.stdin.take().expect("it is piped");
    // More than a pipe holds: when all is written, the program is reading.
    input.write_all(table(50_000).as_bytes()).expect("the program reads");
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("there is a kill");
    assert!(killed.success());
    // It may be waiting for more, and look only then.
    let _ = input.write_all(table(50_000).as_bytes());
    let status = child.wait().expect("it ends");
    drop(input);
    assert_ne!(status.code(), Some(0));
    assert_eq!(std::fs::read_dir(&place.0).expect("it is there").count(), 0);
}
