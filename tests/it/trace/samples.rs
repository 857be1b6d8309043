//! Public samples of real logs and traces, through every command. What is expected was found by reading them in a way of its own, as plainly as can be.

use super::{Place, converted, inspected, scenario};
use serde_json::Value;
use std::path::Path;

/// A sample: how many requests it has, and when they arrived, in nanoseconds, as it stands in the file.
struct Sample {
    file: &'static str,
    format: &'static str,
    arrivals: fn(&str) -> Vec<i128>,
    /// What it says of a request.
    has: &'static [&'static str],
    /// Where the work comes from.
    work: &'static str,
}

const DRAWN: &str = "work = { dist = \"exponential\", mean = \"10ms\" }";
const TOKENS: &str = "work = { from = \"tokens\", base = \"20ms\", per_input = \"20us\", per_output = \"10ms\" }";

const SAMPLES: [Sample; 7] = [
    Sample {
        file: "elastic_apache_combined_first200.log",
        format: "nginx",
        arrivals: |text| text.lines().map(|line| between(line, "[", "]")).map(common).collect(),
        has: &["key", "client", "status", "bytes"],
        work: "work = { from = \"bytes\", base = \"2ms\", per_kb = \"20us\" }",
    },
    Sample {
        file: "nginx_ingress_beats.log",
        format: "ingress-nginx",
        // The stamp is the end; the time that it took stands behind the length of the request, the first number behind the last quotation mark.
        arrivals: |text| {
            let took = |line: &str| decimal(line.rsplit('"').next().expect("a rest").split_whitespace().nth(1).expect("a time"));
            text.lines().map(|line| common(between(line, "[", "]")) - took(line)).collect()
        },
        has: &["work", "duration", "key", "client", "backend", "class", "status", "bytes"],
        work: "",
    },
    Sample {
        file: "haproxy_httplog_beats.log",
        format: "haproxy",
        // The first bracket is that of the process.
        arrivals: |text| text.lines().map(|line| between(&line[line.find("]: ").expect("a prefix")..], "[", "]")).map(common).collect(),
        has: &["work", "duration", "queued", "key", "client", "backend", "class", "status", "bytes"],
        work: DRAWN,
    },
    Sample {
        file: "azure_llm_code_first200.csv",
        format: "azure-llm",
        // All of one day.
        arrivals: |text| {
            text.lines().skip(1).map(|line| clock(line.split(',').next().expect("a stamp").split_once(' ').expect("a date").1)).collect()
        },
        has: &["tokens"],
        work: TOKENS,
    },
    Sample {
        file: "azure_functions_2021_first50.csv",
        format: "azure-functions-2021",
        arrivals: |text| {
            let cells = text.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
            cells.map(|cells| decimal(cells[2]) - decimal(cells[3])).collect()
        },
        has: &["work", "key", "class"],
        work: "",
    },
    Sample {
        file: "mooncake_conversation_first60.jsonl",
        format: "mooncake",
        arrivals: |text| {
            let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
            lines.map(|line| i128::from(line["timestamp"].as_i64().expect("a number")) * 1_000_000).collect()
        },
        has: &["key", "tokens"],
        work: TOKENS,
    },
    Sample {
        file: "azure_functions_2019_invocations.csv",
        format: "azure-functions-2019",
        // Counts a minute: as many in each minute, somewhere in it.
        arrivals: |text| {
            let counts = |line: &str| line.split(',').skip(4).map(|count| count.parse::<usize>().expect("a count")).collect::<Vec<_>>();
            let minutes = text.lines().skip(1).flat_map(|line| counts(line).into_iter().enumerate().collect::<Vec<_>>());
            minutes.flat_map(|(minute, count)| vec![minute as i128 * 60_000_000_000; count]).collect()
        },
        has: &["key", "class"],
        work: DRAWN,
    },
];

fn path(file: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/traces").join(file).to_string_lossy().into_owned()
}

fn between<'a>(line: &'a str, open: &str, close: &str) -> &'a str {
    line.split_once(open).and_then(|(_, rest)| rest.split_once(close)).expect("both are there").0
}

/// Nanoseconds of a decimal number of seconds.
fn decimal(text: &str) -> i128 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{:0<9}", &fraction[..fraction.len().min(9)]).parse().expect("a decimal number")
}

/// `12:14:14.655`.
fn clock(text: &str) -> i128 {
    let parts: Vec<i128> = text.splitn(3, ':').map(decimal).collect();
    parts[0] * 3600 + parts[1] * 60 + parts[2]
}

/// `06/Feb/2009:12:14:14.655 +0000`; all samples are of UTC. Days are counted year by year.
fn common(text: &str) -> i128 {
    const MONTHS: [(&str, i128); 12] = [
        ("Jan", 31),
        ("Feb", 28),
        ("Mar", 31),
        ("Apr", 30),
        ("May", 31),
        ("Jun", 30),
        ("Jul", 31),
        ("Aug", 31),
        ("Sep", 30),
        ("Oct", 31),
        ("Nov", 30),
        ("Dec", 31),
    ];
    let (date, time) = text.split_once(':').expect("a time");
    let parts: Vec<&str> = date.split('/').collect();
    let (day, year): (i128, i128) = (parts[0].parse().expect("a day"), parts[2].parse().expect("a year"));
    let is_leap = |year: i128| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut days: i128 = (1970..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum();
    let month = MONTHS.iter().position(|(name, _)| *name == parts[1]).expect("a month");
    days += MONTHS[..month].iter().map(|(_, days)| days).sum::<i128>() + i128::from(is_leap(year) && month > 1) + day - 1;
    days * 86_400_000_000_000 + clock(time.split(' ').next().expect("a time"))
}

/// Standard deviation of the gaps, as of a sample (by one less than their number), by their mean.
fn gap_variation(arrivals: &[i128]) -> f64 {
    let gaps: Vec<f64> = arrivals.windows(2).map(|two| (two[1] - two[0]) as f64).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let variance = gaps.iter().map(|gap| (gap - mean) * (gap - mean)).sum::<f64>() / (gaps.len() - 1) as f64;
    variance.sqrt() / mean
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn inspect_finds_what_a_plain_reading_finds() {
    for Sample { file, format, arrivals, has, .. } in SAMPLES {
        let text = std::fs::read_to_string(path(file)).expect("the sample is there");
        let mut expected = arrivals(&text);
        expected.sort_unstable();
        let found = inspected(&path(file), &["--spread", "none"]);
        assert_eq!((&found["format"], &found["records"], &found["skipped"]), (&format.into(), &expected.len().into(), &0.into()), "{file}");
        for (what, is_there) in found["has"].as_object().expect("an object") {
            assert_eq!(is_there.as_bool(), Some(has.contains(&&**what)), "{file}: {what}");
        }
        let span = (expected[expected.len() - 1] - expected[0]) as f64 / 1e9;
        if format == "azure-functions-2019" {
            assert!((number(&found["span_s"]) - span).abs() < 60.0, "{file}");
            continue;
        }
        let near = |found: &Value, expected: f64| (number(found) - expected).abs() <= 1e-9 * expected.abs();
        assert!(near(&found["span_s"], span), "{file}: {} not {span}", found["span_s"]);
        assert!(near(&found["rate_rps"], (expected.len() - 1) as f64 / span), "{file}");
        let variation = gap_variation(&expected);
        assert!((number(&found["gap_cv"]) - variation).abs() < 1e-6 * variation, "{file}: {} not {variation}", found["gap_cv"]);
        let ties = expected.windows(2).filter(|two| two[0] == two[1]).count();
        assert_eq!(found["ties"], ties, "{file}");
        assert_eq!(found["first"].is_null(), format == "azure-functions-2021" || format == "mooncake", "{file}");
    }
}

#[test]
fn shares_and_sums_are_those_of_the_lines() {
    let ingress = inspected(&path("nginx_ingress_beats.log"), &[]);
    // The one who answered is the last one tried: the fourth line names two.
    let shares: Vec<(&str, u64)> = ingress["backends"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (one["name"].as_str().unwrap_or_default(), one["requests"].as_u64().unwrap_or(0)))
        .collect();
    assert_eq!(shares, [("172.17.0.5:8080", 2), ("172.17.0.7:8080", 1), ("[2a02:cf40::]:9200", 1)]);
    assert_eq!(ingress["retried"], 1);
    // Times of the backends: 0.000, 0.000, 0.004 and 0.036 s; one request reached none.
    assert!((number(&ingress["work_ms"]["mean"]) - 10.0).abs() < 1e-9, "{}", ingress["work_ms"]);
    let haproxy = inspected(&path("haproxy_httplog_beats.log"), &[]);
    assert_eq!((&haproxy["outcomes"]["succeeded"], &haproxy["outcomes"]["refused"]), (&4.into(), &1.into()));
    // Tr of 0, 55, 30 and 15 ms.
    assert!((number(&haproxy["work_ms"]["mean"]) - 25.0).abs() < 1e-9, "{}", haproxy["work_ms"]);
    let tokens = |column: usize| {
        let text = std::fs::read_to_string(path("azure_llm_code_first200.csv")).expect("the sample is there");
        text.lines().skip(1).map(|line| line.split(',').nth(column).expect("a cell").parse::<f64>().expect("a number")).sum::<f64>() / 200.0
    };
    let llm = inspected(&path("azure_llm_code_first200.csv"), &[]);
    assert!((number(&llm["input"]["mean"]) - tokens(1)).abs() < 1e-6 && (number(&llm["output"]["mean"]) - tokens(2)).abs() < 1e-6);
    let apache = std::fs::read_to_string(path("elastic_apache_combined_first200.log")).expect("the sample is there");
    let clients: std::collections::BTreeSet<&str> = apache.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(number(&inspected(&path("elastic_apache_combined_first200.log"), &[])["clients"]["distinct"]), clients.len() as f64);
}

#[test]
fn a_log_its_compact_form_and_its_table_are_the_same_traffic() {
    for Sample { file, work, .. } in SAMPLES {
        let place = Place::new(&format!("samples-{file}"));
        std::fs::copy(path(file), place.path(file)).expect("the folder can be written");
        converted(&place.path(file), &place.path("t.evk"), &[]);
        converted(&place.path("t.evk"), &place.path("t.csv"), &[]);
        converted(&place.path(file), &place.path("u.csv"), &[]);
        assert!(place.read("t.csv") == place.read("u.csv"), "{file}: one table, whichever way");
        converted(&place.path(file), &place.path("u.evk"), &[]);
        assert!(place.read("t.evk") == place.read("u.evk"), "{file}: the same bytes every time");
        converted(&place.path("t.evk"), &place.path("copy.evk"), &[]);
        assert!(place.read("t.evk") == place.read("copy.evk"), "{file}: a copy is one");
        let (log, tape) = (inspected(&place.path(file), &[]), inspected(&place.path("t.evk"), &[]));
        for (key, value) in log.as_object().expect("an object") {
            // What was met while reading is told by the reading alone.
            assert!(
                ["files", "others", "skipped_by_reason", "backwards", "backwards_s"].contains(&&**key) || tape[key] == *value,
                "{file}: {key}"
            );
        }
        let text = |of: &str| {
            scenario(
                &["round-robin", "least-connections", "ring-hash"],
                &format!("file = \"{of}\", rate = \"100/s\""),
                work,
                "[[backends]]\nname = \"web\"\ncount = 3",
            )
        };
        let (of_log, of_tape) = (place.result(&text(file), &[]), place.result(&text("t.evk"), &[]));
        assert_eq!(of_log["results"], of_tape["results"], "{file}");
        assert_eq!(of_log["scenario"]["plan_sha256"], of_tape["scenario"]["plan_sha256"], "{file}");
        assert_eq!(of_log["results"][0]["requests"]["offered"], log["records"], "{file}");
    }
}

#[test]
fn the_table_reads_back_as_the_same_requests() {
    for Sample { file, .. } in SAMPLES {
        let place = Place::new(&format!("samples-back-{file}"));
        converted(&path(file), &place.path("t.csv"), &[]);
        converted(&place.path("t.csv"), &place.path("back.csv"), &["--as", "csv"]);
        let (first, back) = (place.read("t.csv"), place.read("back.csv"));
        let rows = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).expect("UTF-8");
            // What a table has no column for: waiting in the balancer's queue, how it ended without a status, tries.
            let keep = |line: &str| {
                line.split(',').enumerate().filter(|(at, _)| ![3, 9, 13].contains(at)).map(|(_, cell)| cell.to_owned()).collect::<Vec<_>>()
            };
            text.lines().map(keep).collect::<Vec<_>>()
        };
        assert_eq!(rows(first), rows(back), "{file}");
    }
}
