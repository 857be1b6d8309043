//! Wrong scenarios, each with the answer it must get: place, path, what was found, what is allowed, what to write instead.
//!
//! A case is scored on six points; a case counts as asked only with all of them. Points that a fault of the whole file
//! cannot have (a key, where there is none) are marked so in the case.

use std::fmt::Write as _;

use evenkeel::scenario::{Diagnostics, FileFault, Files, Loaded, Override, QUICKSTART, STARTER, Severity, Source, load};

/// What a case must get.
#[derive(Clone, Copy, PartialEq)]
enum Outcome {
    /// It is refused.
    Refused,
    /// It runs with a warning.
    Warned,
    /// It runs.
    Accepted,
}
use Outcome::{Accepted, Refused, Warned};

/// One entry of the catalogue of bad inputs.
struct Case {
    id: &'static str,
    input: Input,
    outcome: Outcome,
    /// Line and column of the first fault; (0, 0) for an option on the command line.
    at: (usize, usize),
    /// The path of the first fault; empty for faults of the whole file.
    path: &'static str,
    /// What the answer says.
    says: Vec<&'static str>,
    /// How many faults there are: never more than there are causes.
    faults: usize,
}

/// What is loaded.
struct Input {
    bytes: Vec<u8>,
    set: Vec<&'static str>,
}

/// A folder with nothing in it.
struct Nothing;

impl Files for Nothing {
    fn read(&self, path: &str, _limit: usize) -> Result<Vec<u8>, FileFault> {
        Err(FileFault { tried: format!("/scenarios/{path}"), reason: "no such file".into() })
    }
}

const BASE: &str = "balancers = [\"random\", \"ring-hash\"]
[run]
requests = 1000
[traffic]
arrivals = { process = \"poisson\", rate = \"800/s\" }
work = { dist = \"exponential\", mean = \"10ms\" }
[[backends]]
name = \"web\"
count = 3
";

fn read(input: &Input) -> Result<Loaded, Diagnostics> {
    let changes: Vec<Override> = input.set.iter().map(|text| Override::set(text)).collect();
    load(&Source::new("f.toml", &input.bytes), &changes, &Nothing)
}

/// A case that is a whole file.
fn file(id: &'static str, bytes: impl Into<Vec<u8>>, at: (usize, usize), path: &'static str, says: &[&'static str]) -> Case {
    Case { id, input: Input { bytes: bytes.into(), set: Vec::new() }, outcome: Refused, at, path, says: says.to_vec(), faults: 1 }
}

/// A case that is [`BASE`] with one text replaced.
fn with(id: &'static str, from: &str, to: &str, at: (usize, usize), path: &'static str, says: &[&'static str]) -> Case {
    assert!(BASE.contains(from), "{id}: the base has {from}");
    file(id, BASE.replacen(from, to, 1), at, path, says)
}

/// A case that is [`BASE`] with an option.
fn set(id: &'static str, text: &'static str, path: &'static str, says: &[&'static str]) -> Case {
    Case { input: Input { bytes: BASE.into(), set: vec![text] }, ..file(id, BASE, (0, 0), path, says) }
}

impl Case {
    fn warned(self) -> Self {
        Self { outcome: Warned, ..self }
    }

    fn accepted(self) -> Self {
        Self { outcome: Accepted, faults: 0, ..self }
    }

    fn faults(self, faults: usize) -> Self {
        Self { faults, ..self }
    }
}

/// Entries of the catalogue that are about something this version has not.
const NOT_YET: [(&str, &str); 8] = [
    ("B21", "saved results"),
    ("B22", "no key is deprecated"),
    ("D01", "judged by the plan"),
    ("D03", "judged by the report"),
    ("D04", "gate"),
    ("D08", "saved results"),
    ("D09", "no balancer needs reports"),
    ("A20-cli", "the size is asked before reading by the program; the limit itself is A20 here"),
];

/// [`BASE`] with rules for a gate behind it: the first stands in line 11.
fn expect(id: &'static str, rule: &str, at: (usize, usize), path: &'static str, says: &[&'static str]) -> Case {
    file(id, format!("{BASE}[[expect]]\n{rule}\n"), at, path, says)
}

/// [`BASE`] with a fault that ends, one that does not, and a rule in line 24.
fn expect_of_fault(id: &'static str, rule: &str, at: (usize, usize), path: &'static str, says: &[&'static str]) -> Case {
    let faults = "[[fault]]\nkind = \"slow\"\nname = \"brownout\"\ntarget = \"web-0\"\nfactor = 0.5\nat = \"100ms\"\nfor = \"100ms\"\n[[fault]]\nkind = \"slow\"\nname = \"for good\"\ntarget = \"web-1\"\nfactor = 0.5\nat = \"900ms\"\n";
    file(id, format!("{BASE}{faults}[[expect]]\n{rule}\n"), at, path, says)
}

fn rules() -> Vec<Case> {
    let ends = "latency.p50 < 250ms";
    vec![
        expect("C25", "rule = \"latency.p101 < 1s\"", (11, 9), "expect[0].rule", &["unknown metric", "at most 100", "did you mean"]),
        expect("C25-p0", "rule = \"latency.p0 < 1s\"", (11, 9), "expect[0].rule", &["unknown metric"]),
        expect(
            "C25-few",
            "rule = \"latency.p99.9999999 < 1s\"",
            (11, 9),
            "expect[0].rule",
            &["hardly more than the maximum", "raise run.requests"],
        )
        .warned(),
        expect("C25-fine", "rule = \"latency.p50 < 250ms\"", (0, 0), "", &[]).accepted(),
        expect(
            "C25-metric",
            "rule = \"latncy.mean < 1s\"",
            (11, 9),
            "expect[0].rule",
            &["unknown metric \"latncy.mean\"", "did you mean latency.mean?"],
        ),
        expect("C25-unit", "rule = \"latency.p50 < 250\"", (11, 23), "expect[0].rule", &["has no unit", "250ms or 250s"]),
        expect("C25-equal", "rule = \"errors.timeout == 0\"", (11, 24), "expect[0].rule", &["never exactly", "write <= or >="]),
        expect("C25-none", "rule = \"latency.p50\"", (11, 9), "expect[0].rule", &["no comparison", "latency.p50 < 250ms"]),
        expect("C25-percent", "rule = \"latency.p50 < 80%\"", (11, 23), "expect[0].rule", &["is no share", "add than"]),
        expect(
            "C25-ratio",
            "rule = \"latency.p50 < 0.8x\"\nthan = \"random\"",
            (11, 23),
            "expect[0].rule",
            &["percentage of the other", "write 80%"],
        ),
        expect(
            "C25-backend",
            "rule = \"backends.web-9.utilization < 90%\"",
            (11, 9),
            "expect[0].rule",
            &["unknown metric", "backends.web-"],
        ),
        expect("C25-missing", "balancer = \"random\"", (10, 1), "expect[0].rule", &["`rule` is missing", "latency.p99 < 250ms"]),
        expect("C25-key", &format!("rule = \"{ends}\"\nbalancr = \"random\""), (12, 1), "expect[0].balancr", &["did you mean `balancer`?"]),
        expect(
            "C25-balancer",
            &format!("rule = \"{ends}\"\nbalancer = \"randon\""),
            (12, 12),
            "expect[0].balancer",
            &["unknown balancer", "did you mean \"random\"?"],
        ),
        expect(
            "C25-than",
            "rule = \"latency.p50 < 80%\"\nthan = \"p2c\"",
            (12, 8),
            "expect[0].than",
            &["unknown balancer", "\"random\", \"ring-hash\""],
        ),
        expect(
            "C25-itself",
            "rule = \"latency.p50 < 80%\"\nbalancer = \"random\"\nthan = \"random\"",
            (13, 8),
            "expect[0].than",
            &["held against itself"],
        ),
        expect(
            "C25-variant",
            &format!("rule = \"{ends}\"\nvariant = \"x\""),
            (12, 11),
            "expect[0].variant",
            &["unknown variant", "there are none"],
        ),
        expect("C25-class", &format!("rule = \"{ends}\"\nclass = \"gold\""), (12, 9), "expect[0].class", &["unknown class", "\"traffic\""]),
        expect(
            "C25-service",
            &format!("rule = \"{ends}\"\nservice = \"cart\""),
            (12, 11),
            "expect[0].service",
            &["unknown service", "there are none"],
        ),
        expect("C25-fault", &format!("rule = \"{ends}\"\nduring = \"x\""), (12, 10), "expect[0].during", &["unknown fault"]),
        expect(
            "C25-part",
            "rule = \"fairness.jain_requests > 0.9\"\nclass = \"traffic\"",
            (11, 9),
            "expect[0].rule",
            &["not known with `class`", "latency.mean"],
        ),
        expect_of_fault(
            "C25-phase",
            &format!("rule = \"{ends}\"\nduring = \"brownot\""),
            (25, 10),
            "expect[0].during",
            &["did you mean \"brownout\"?"],
        ),
        expect_of_fault(
            "C25-end",
            &format!("rule = \"{ends}\"\nafter = \"for good\""),
            (25, 9),
            "expect[0].after",
            &["lasts to the end", "`during`"],
        ),
        expect_of_fault(
            "C25-both",
            &format!("rule = \"{ends}\"\nafter = \"brownout\"\nduring = \"brownout\""),
            (26, 1),
            "expect[0].during",
            &["both set"],
        ),
        expect_of_fault(
            "C25-phases",
            &format!("rule = \"{ends}\"\nduring = \"for good\"\n[[expect]]\nrule = \"errors.timeout < 1%\"\nafter = \"brownout\""),
            (0, 0),
            "",
            &[],
        )
        .accepted(),
    ]
}

fn syntax() -> Vec<Case> {
    vec![
        file("A01", "", (1, 1), "", &["scenario is empty", "smallest", "[[backends]]"]),
        file("A02", "# nothing\n\n  # more\n", (1, 1), "", &["scenario is empty", "smallest"]),
        file("A03", "rate = ", (1, 8), "rate", &["rate = \"800/s\"", "a rate"]),
        file("A04", "title = \"abc\n", (1, 13), "", &["missing closing quote"]),
        file("A05", "[run]\nseed = 01\n", (2, 8), "", &["zero", "write 1", "0o1"]),
        file("A06", "\n\nx = 1\n[run]\nseed = 1\n\n\n\nseed = 2\n", (9, 1), "", &["`seed` is set twice", "first set here, at line 5"])
            .faults(2),
        file("A07", "[[backends]]\nname = \"a\"\n[backends]\nname = \"b\"\n", (3, 2), "", &["backends is a list; use [[backends]]"]),
        file("A08", "a = 1\rb = 2\r", (1, 6), "", &["CR only", "convert", "LF"]),
        file("A09", BASE.replace('\n', "\r\n"), (0, 0), "", &[]).accepted(),
        file("A10", format!("\u{feff}{BASE}"), (0, 0), "", &[]).accepted(),
        file("A11", b"\xff\xfea\0 \0=\0".to_vec(), (1, 1), "", &["looks like UTF-16", "save it as UTF-8"]),
        file("A12", b"a\nb\nc\nd\ne\nf\nname = \"caf\xe9\"\n".to_vec(), (7, 12), "", &["0xE9", "UTF-8"]),
        file("A13", "a = \"x\0y\"\n", (1, 7), "", &["\\0"]),
        file("A14", "a = \"x\u{1b}[2J\"\n", (1, 7), "", &["U+001B"]),
        file("A15", b"\x1f\x8b\x08\0\0\0".to_vec(), (1, 1), "", &["not a text file (gzip data)", "evenkeel trace inspect"]),
        file("A15-png", b"\x89PNG\r\n\x1a\n".to_vec(), (1, 1), "", &["not a text file", "PNG"]),
        file("A15-elf", b"\x7fELF\x02\x01".to_vec(), (1, 1), "", &["not a text file", "ELF"]),
        file("A16", "{\"run\": {\"seed\": 1}}\n", (1, 1), "", &["looks like JSON; scenarios are TOML"]),
        file("A17", "rate: 5\n", (1, 5), "", &["expected `=`; YAML-style `:` found"]),
        file("A18", "[".repeat(200_000), (1, 3), "", &["not TOML"]),
        file("A19", format!("{} = 1\n", vec!["a"; 1000].join(".")), (1, 1), "", &["too many parts"]),
        file("A20", vec![b'#'; 5 << 20], (1, 1), "", &["limit is 4 MiB", "--max-scenario-size", "trace file"]),
        file(
            "A21",
            BASE.replace("\"web\"", &format!("\"{}\"", "n".repeat(3 << 20))),
            (8, 8),
            "backends[0] (\"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn…\").name",
            &["too long", "256", "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn…"],
        ),
        file(
            "A22",
            "a = 1\n\n\n<<<<<<< HEAD\nb = 2\n=======\nb = 3\n\n>>>>>>> x\n",
            (4, 1),
            "",
            &["unresolved merge conflict (lines 4-9)"],
        ),
        with("A23", "\"web\"", "“web”", (8, 8), "", &["typographic quote U+201C", "use \""]),
        file("A-bracket", "title = [1, 2\n[run]\nseed = 1\n", (2, 1), "", &["comma is missing here", "closing bracket"]).faults(2),
        with("A24", "count =", "count\u{a0}=", (9, 6), "", &["U+00A0"]),
    ]
}

fn structure() -> Vec<Case> {
    let many: String = (0..500).map(|index| format!("zzz{index} = 1\n")).collect();
    vec![
        with("B01", "balancers", "balncers", (1, 1), "balncers", &["unknown key", "did you mean `balancers`?", "title, question"]),
        file(
            "B01-kind",
            format!("{BASE}[[balancer]]\nknd = \"power-of-d\"\n"),
            (11, 1),
            "balancer[0].knd",
            &["did you mean `kind`?", "power-of-d"],
        ),
        file(
            "B02",
            format!("{BASE}[[backends]]\nname = \"b\"\n[[backends]]\nname = \"c\"\n[[backends]]\nname = \"d\"\nwieght = 2\n"),
            (16, 1),
            "backends[3] (\"d\").wieght",
            &["did you mean `weight`?"],
        ),
        with("B03", "[traffic]", "[traffic]\ntimeout = \"1s\"", (5, 1), "traffic.timeout", &["`timeout` belongs in [client]"]),
        with("B04", "balancers", "Balancers", (1, 1), "Balancers", &["did you mean `balancers`?"]),
        with("B04-caps", "balancers", "BALANCERS", (1, 1), "BALANCERS", &["did you mean `balancers`?"]),
        with("B05", "\"random\"", "\"least_conn\"", (1, 14), "balancers[0]", &["\"least_conn\"", "least-connections", "round-robin"]),
        with("B06", "\"random\"", "\"power-of-d \"", (1, 14), "balancers[0]", &["\"power-of-d \"", "remove the blanks"]),
        with("B07", "\"random\"", "\"\"", (1, 14), "balancers[0]", &["\"\"", "round-robin"]),
        file("B07-kind", format!("{BASE}[[balancer]]\nkind = \"\"\n"), (11, 8), "balancer[0] (\"\").kind", &["round-robin"]),
        with("B08", "\"random\"", "\"power-of-2\"", (1, 14), "balancers[0]", &["did you mean `power-of-d` with `choices = 2`"]),
        with("B08-p2c", "\"random\"", "\"p2c\"", (1, 14), "balancers[0]", &["did you mean `power-of-d` with `choices = 2`"]),
        file(
            "B09",
            format!("{BASE}[[balancer]]\nkind = \"round-robin\"\npoints = 100\n"),
            (12, 1),
            "balancer[0] (\"round-robin\").points",
            &["no effect with kind = \"round-robin\"", "used by ring-hash"],
        ),
        with("B10", "requests = 1000", "seed = 1", (2, 1), "run.requests", &["add the line requests = 200000"]),
        with("B10-no-run", "[run]\nrequests = 1000\n", "", (1, 1), "run", &["[run]", "requests = 200000"]),
        with(
            "B11",
            "requests = 1000",
            "requests = 1000\nduration = \"9s\"",
            (4, 1),
            "run.duration",
            &["exactly one of", "f.toml:3:1", "f.toml:4:1"],
        ),
        with("B12", "[[backends]]\nname = \"web\"\ncount = 3\n", "", (1, 1), "backends", &["at least 1", "[[backends]]"]),
        file(
            "B12-empty",
            format!("backends = []\n{}", BASE.replace("[[backends]]\nname = \"web\"\ncount = 3\n", "")),
            (1, 12),
            "backends",
            &["at least 1"],
        ),
        file(
            "B13",
            format!("{BASE}[[backends]]\nname = \"web\"\n"),
            (11, 8),
            "backends[1] (\"web\").name",
            &["f.toml:8:8", "f.toml:11:8", "\"web\""],
        ),
        file(
            "B13-made",
            format!("{BASE}[[backends]]\nname = \"web-2\"\n"),
            (11, 8),
            "backends[1] (\"web-2\").name",
            &["f.toml:8:8", "f.toml:11:8", "web-2"],
        ),
        file("B13-fine", format!("{BASE}[[backends]]\nname = \"web-3\"\n"), (0, 0), "", &[]).accepted(),
        with("B15", "\"web\"", "\"\"", (8, 8), "backends[0] (\"\").name", &["blank"]),
        with("B15-blank", "\"web\"", "\" \"", (8, 8), "backends[0] (\" \").name", &["blank"]),
        with(
            "B20",
            "work = { dist = \"exponential\", mean = \"10ms\" }",
            "work = { dist = \"empirical\", file = \"x.txt\" }",
            (6, 37),
            "traffic.work.file",
            &["/scenarios/x.txt", "no such file", "relative to the scenario"],
        ),
        file("B23", format!("{many}{BASE}"), (1, 1), "zzz0", &["unknown key", "and 480 more"]).faults(500),
        file(
            "B24",
            format!("run.seed = 1\n{}", BASE.replace("requests = 1000", "requests = 1000\nseed = 2")),
            (3, 2),
            "",
            &["set twice", "first set here, at line 1"],
        )
        .faults(2),
        with("B-label", "\"ring-hash\"", "\"random\"", (1, 24), "balancers[1]", &["two balancers are called \"random\"", "f.toml:1:14"]),
        with(
            "B-kind-of-product",
            "\"random\"",
            "\"nginx/leastconn\"",
            (1, 14),
            "balancers[0]",
            &["unknown balancer", "nginx/least-conn", "nginx/ip-hash"],
        ),
        with(
            "B-kind",
            "\"random\"",
            "\"madlev\"",
            (1, 14),
            "balancers[0]",
            &["unknown balancer", "did you mean \"maglev\"?", "`evenkeel balancers`"],
        ),
        with("B-kind-needs-a-file", "\"random\"", "\"script\"", (1, 14), "balancers[0].file", &["`file` is missing", "kind = \"script\""]),
        with(
            "B-recorded-without-a-file",
            "process = \"poisson\"",
            "process = \"recorded\"",
            (5, 12),
            "traffic.arrivals.file",
            &["`file` is missing", "access.log"],
        ),
        with(
            "B-work-of-no-record",
            "work = { dist = \"exponential\", mean = \"10ms\" }",
            "work = { from = \"trace\" }",
            (6, 10),
            "traffic.work.from",
            &["process is \"recorded\"", "exponential"],
        ),
        with("B-labels", "count = 3", "labels = { version = 2 }", (9, 22), "backends[0] (\"web\").labels.version", &["expected"]),
        with("B-state", "count = 3", "state = \"ill\"", (9, 9), "backends[0] (\"web\").state", &["unknown", "draining"]),
        file(
            "B-style",
            format!("{BASE}[[balancer]]\nkind = \"weighted-round-robin\"\nstyle = \"edv\"\n"),
            (12, 9),
            "balancer[0] (\"weighted-round-robin\").style",
            &["did you mean \"edf\"?"],
        ),
        file(
            "B-inner",
            format!("{BASE}[[balancer]]\nkind = \"sticky\"\nbalancer = {{ kind = \"random\", x = 1 }}\n"),
            (12, 31),
            "balancer[0] (\"sticky\").balancer.x",
            &["unknown key `x`"],
        ),
        file(
            "B-whole-weights",
            format!("{BASE}weight = 1.5\n[[balancer]]\nkind = \"nginx/round-robin\"\n"),
            (10, 10),
            "backends[0] (\"web\").weight",
            &["takes only whole weights", "the balancer is here", "multiply all weights by 10: 15"],
        ),
        file(
            "C22",
            format!("{BASE}weight = 0.3\n[[backends]]\nname = \"b\"\n[[balancer]]\nkind = \"haproxy/roundrobin\"\n"),
            (10, 10),
            "backends[0] (\"web\").weight",
            &["takes only whole weights", "multiply all weights by 10: 3, 10"],
        ),
        file(
            "C32",
            format!("{BASE}[[balancer]]\nkind = \"maglev\"\ntable_size = 65536\n"),
            (10, 1),
            "balancer[0] (\"maglev\")",
            &["prime", "65521", "65537"],
        ),
    ]
}

fn numbers() -> Vec<Case> {
    let rate = |id, to: &str, says: &[&'static str]| with(id, "\"800/s\"", to, (5, 42), "traffic.arrivals.rate", says);
    let load_ =
        |id, to: &str, says: &[&'static str]| with(id, "rate = \"800/s\"", &format!("load = {to}"), (5, 42), "traffic.arrivals.load", says);
    let backend = |id, key: &str, at, path, says: &[&'static str]| with(id, "count = 3", key, (9, at), path, says);
    let length =
        |id, to: &str, says: &[&'static str]| with(id, "requests = 1000", &format!("duration = {to}"), (3, 12), "run.duration", says);
    let seed = |id, to: &str, says: &[&'static str]| {
        with(id, "requests = 1000", &format!("requests = 1000\nseed = {to}"), (4, 8), "run.seed", says)
    };
    let work =
        |id, to: &str, at, path, says: &[&'static str]| with(id, "{ dist = \"exponential\", mean = \"10ms\" }", to, (6, at), path, says);
    let share = |id, to: &str, says: &[&'static str]| {
        backend(id, &format!("cache = {{ keys = 9, hit = {to} }}"), 27, "backends[0] (\"web\").cache.hit", says)
    };
    vec![
        backend("C01-speed", "speed = nan", 9, "backends[0] (\"web\").speed", &["not a number"]),
        load_("C01-load", "nan", &["not a number"]),
        rate("C01-rate", "\"nan/s\"", &["not a finite number"]),
        load_("C02", "inf", &["finite", "process = \"closed\""]),
        rate("C02-rate", "\"inf/s\"", &["finite", "process = \"closed\""]),
        rate("C03", "\"1e308/s\"", &["1e9/s", "nanoseconds"]),
        load_("C04", "1e400", &["overflow"]),
        rate("C05", "\"-5/s\"", &["below zero"]),
        rate("C06", "\"0/s\"", &["no traffic", "above zero"]),
        load_("C06-load", "0", &["no traffic"]),
        load_("C07", "-0.0", &["no traffic"]),
        file(
            "C08",
            BASE.replace("requests = 1000", "duration = \"60s\"").replace("800/s", "1e-300/s"),
            (5, 42),
            "traffic.arrivals.rate",
            &["no request is expected within 1m", "3e292 years"],
        )
        .warned(),
        rate("C08-requests", "\"1e-300/s\"", &["584"]),
        rate("C09", "1000", &["no unit", "write rate = \"1000/s\""]),
        rate("C09-text", "\"1000\"", &["no unit", "write rate = \"1000/s\""]),
        rate("C10", "\"1k/s\"", &["unit", "\"1000/s\"", "\"800/s\"", "\"50/min\"", "\"3/h\""]),
        length("C11", "10", &["10 what?", "\"10s\"", "\"10ms\""]),
        length("C12", "\"10 minutes\"", &["unit", "\"10m\""]),
        length("C12-M", "\"10M\"", &["unit", "\"10m\"", "m is minutes"]),
        length("C12-S", "\"10S\"", &["unit", "\"10s\""]),
        length("C13", "\"0s\"", &["above zero"]),
        length("C14", "\"600 years\"", &["unit", "584 years"]),
        length("C14-hours", "\"6000000h\"", &["too large", "584 years"]),
        length("C15", "\"-5s\"", &["below zero"]),
        seed("C16", "-1", &["below 0", "2^64 - 1"]),
        seed("C17", "18446744073709551616", &["above 18446744073709551615"]),
        seed("C17-huge", "999999999999999999999999999999999999999999", &["too large"]),
        seed("C18", "1.0", &["whole number", "write 1"]),
        backend("C19", "count = 1_000_000_000", 9, "backends[0] (\"web\").count", &["1000000"]),
        file(
            "C19-sum",
            format!("{}[[backends]]\nname = \"b\"\ncount = 1000000\n", BASE.replace("count = 3", "count = 900000")),
            (12, 9),
            "backends[1] (\"b\").count",
            &["1900000 backends", "GB", "limit is 1000000"],
        ),
        backend("C20", "weight = 0", 10, "backends[0] (\"web\").weight", &["no backend can receive traffic"]),
        file("C21", format!("{}weight = 4294967295\n", BASE.replace(", \"ring-hash\"", "")), (0, 0), "", &[]).accepted(),
        share("C23", "1.5", &["above 1", "\"20%\""]),
        share("C23-negative", "-0.1", &["below 0"]),
        share("C23-nan", "nan", &["not a number"]),
        share("C23-percent", "\"120%\"", &["above 1"]),
        work(
            "C24",
            "{ dist = \"mixture\", parts = [{ share = 0.5, dist = \"constant\", value = \"1ms\" }, { share = 0.49, dist = \"constant\", value = \"2ms\" }] }",
            36,
            "traffic.work.parts",
            &["add up to 0.99", "0.5"],
        ),
        work(
            "C24-more",
            "{ dist = \"hyperexponential\", parts = [{ share = 0.5, mean = \"1ms\" }, { share = 0.51, mean = \"2ms\" }] }",
            45,
            "traffic.work.parts",
            &["add up to 1.01"],
        ),
        work("C24-none", "{ dist = \"mixture\", parts = [] }", 36, "traffic.work.parts", &["no parts"]),
        backend("C27", "workers = 0", 11, "backends[0] (\"web\").workers", &["below 1", "unlimited"]),
        backend("C28", "queue = -1", 9, "backends[0] (\"web\").queue", &["leave `queue` out"]),
        work("C29", "{ dist = \"pareto\", alpha = 0.9, min = \"1ms\" }", 35, "traffic.work.alpha", &["infinite mean", "do not settle"])
            .warned(),
        work("C29-zero", "{ dist = \"pareto\", alpha = 0, min = \"1ms\" }", 35, "traffic.work.alpha", &["above 0"]),
        work("C30", "{ dist = \"lognormal\", median = \"1s\", p99 = \"3e50s\" }", 51, "traffic.work.p99", &["too large", "584 years"]),
        work("C30-sigma", "{ dist = \"lognormal\", median = \"1s\", p99 = \"500d\" }", 8, "traffic.work", &[]).accepted(),
        work(
            "C30-quantile",
            "{ dist = \"lognormal\", median = \"1ns\", p99 = \"200000d\" }",
            8,
            "traffic.work",
            &["99.9% quantile", "584 years"],
        ),
        file(
            "C31",
            format!("{}[[balancer]]\nname = \"big\"\nkind = \"ring-hash\"\npoints = 10000\n", BASE.replace("count = 3", "count = 2000")),
            (13, 10),
            "balancer[0] (\"big\").points",
            &["points", "bytes", "10,000,000"],
        ),
        file(
            "C31-range",
            format!("{BASE}[[balancer]]\nname = \"big\"\nkind = \"ring-hash\"\npoints = 100_000_000\n"),
            (13, 10),
            "balancer[0] (\"big\").points",
            &["above 10000"],
        ),
        file(
            "C33",
            format!("{BASE}[[balancer]]\nkind = \"power-of-d\"\nchoices = 5\n"),
            (12, 11),
            "balancer[0] (\"power-of-d\").choices",
            &["3 backends"],
        )
        .warned(),
        file(
            "C33-zero",
            format!("{BASE}[[balancer]]\nkind = \"power-of-d\"\nchoices = 0\n"),
            (12, 11),
            "balancer[0] (\"power-of-d\").choices",
            &["below 1"],
        ),
        file(
            "C33-one",
            format!("{BASE}[[balancer]]\nkind = \"power-of-d\"\nchoices = 1\n"),
            (12, 11),
            "balancer[0] (\"power-of-d\").choices",
            &["this is random"],
        )
        .warned(),
        with("C35", "requests = 1000", "duration = \"10s\"\nwarmup = \"10s\"", (4, 10), "run.warmup", &["f.toml:3:12", "f.toml:4:10"]),
        with("C35-share", "requests = 1000", "requests = 1000\nwarmup = \"100%\"", (4, 10), "run.warmup", &["nothing would be left"]),
        work(
            "C36",
            "{ dist = \"empirical\", quantiles = [[0.5, \"8ms\"], [0.4, \"9ms\"]] }",
            57,
            "traffic.work.quantiles[1]",
            &["entry 1", "ascend"],
        ),
        work(
            "C36-twice",
            "{ dist = \"empirical\", quantiles = [[0.5, \"8ms\"], [0.5, \"9ms\"]] }",
            57,
            "traffic.work.quantiles[1]",
            &["entry 1", "twice"],
        ),
        work("C36-empty", "{ dist = \"empirical\", quantiles = [] }", 42, "traffic.work.quantiles", &["empty list"]),
        with(
            "C36-steps",
            "rate = \"800/s\"",
            "rate = \"8/s\", shape = { steps = [[\"9s\", 1], [\"8s\", 2]] }",
            (5, 79),
            "traffic.arrivals.shape.steps[1]",
            &["step 1", "ascend"],
        ),
    ]
}

fn meaning() -> Vec<Case> {
    vec![
        with(
            "D06",
            "[[backends]]",
            "keys = { count = 1 }\n[[backends]]",
            (7, 18),
            "traffic.keys.count",
            &["all traffic goes to one backend"],
        )
        .warned(),
        with(
            "D10",
            "process = \"poisson\", rate = \"800/s\"",
            "process = \"closed\", clients = 0",
            (5, 44),
            "traffic.arrivals.clients",
            &["below 1"],
        ),
        with("D-load", "rate = \"800/s\" }", "load = 0.8 }\n# c", (5, 42), "traffic.arrivals.load", &[]).accepted(),
        file(
            "D-unlimited",
            BASE.replace("rate = \"800/s\"", "load = 0.8").replace("count = 3", "workers = \"unlimited\""),
            (5, 42),
            "traffic.arrivals.load",
            &["unlimited", "f.toml:9:11"],
        ),
        set("F05", "traffic.arrivals.rate=abc", "traffic.arrivals.rate", &["--set traffic.arrivals.rate=abc", "\"abc\"", "\"800/s\""]),
        set("F05-unknown", "nosuch=1", "nosuch", &["--set nosuch=1", "unknown key `nosuch`"]),
        set("F05-value", "a", "a", &["--set a", "KEY=VALUE"]),
        set("F05-typo", "run.sead=1", "run.sead", &["--set run.sead=1", "did you mean `seed`?"]),
        set("F05-member", "backends.wob.count=1", "backends.wob", &["\"wob\"", "did you mean \"web\"?"]),
        set("F05-made", "backends.web-0.speed=2", "backends.web-0", &["members of the group \"web\""]),
        set("F05-path", "run..seed=1", "run..seed", &["not a dotted key"]),
        set("F05-pair", "run.duration=9s", "", &[]).accepted(),
        set("F05-escape", "title=\u{1b}[2J", "", &[]).accepted(),
    ]
}

/// Two services, one of which calls the other.
const SERVICES: &str = "balancers = [\"random\"]
[run]
requests = 1000
[traffic]
arrivals = { process = \"poisson\", rate = \"80/s\" }
[[service]]
name = \"a\"
work = \"1ms\"
calls = [{ to = \"b\" }]
[[service.backends]]
name = \"web\"
[[service]]
name = \"b\"
work = \"2ms\"
[[service.backends]]
name = \"db\"
";

/// Everything about failures, at once.
const FAILURES: &str = "balancers = [\"random\"]
[run]
duration = \"60s\"
[traffic]
arrivals = { process = \"poisson\", load = 0.5 }
work = \"10ms\"
[[backends]]
name = \"web\"
count = 8
zone = \"a\"
[client]
timeout = \"1s\"
attempt_timeout = { dist = \"uniform\", min = \"100ms\", max = \"200ms\" }
patience = \"500ms\"
cancels = false
redraw = true
[client.retry]
max = 3
on = [\"refused\", \"no-backend\"]
backoff = { base = \"10ms\", factor = 3, max = \"1s\", jitter = \"equal\" }
budget = { share = 0.2, at_least = 5 }
avoid_tried = true
[client.hedge]
after = \"p95\"
max = 2
[client.breaker]
max_in_flight = 10
consecutive_failures = 7
least = \"1s\"
most = \"60s\"
[client.throttle]
k = 1.5
window = \"1m\"
[health]
panic_below = \"50%\"
slow_start = { window = \"30s\", aggression = 2, min = \"5%\" }
[health.active]
interval = \"5s\"
fast_interval = \"1s\"
takes = \"1ms\"
[health.outlier]
rules = \"grpc\"
success_rate = { deviations = 2, min_requests = 10 }
failure_percentage = { above = \"50%\" }
[discovery]
kind = \"registry\"
delay = { dist = \"exponential\", mean = \"1s\" }
[autoscale]
backends = \"web\"
target_utilization = 0.6
min = 2
max = 20
start_up = \"8s\"
[[fault]]
kind = \"flap\"
target = \"random:2\"
up = \"1s\"
down = \"2s\"
mtbf = \"1m\"
mttr = \"10s\"
[[fault]]
kind = \"deploy\"
target = \"web-*\"
batch = 2
drain = \"1s\"
takes = \"2s\"
factor = 0.5
over = \"3s\"
at = \"10s\"
[[fault]]
kind = \"partition\"
target = \"zone:a\"
from = [\"balancer:0\"]
at = \"20s\"
for = \"1s\"
every = \"5s\"
[[fault]]
kind = \"surge\"
factor = 3
at = \"30s\"
for = \"5s\"
";

#[test]
fn everything_about_failures_is_accepted() {
    let loaded = load(&Source::new("f.toml", FAILURES.as_bytes()), &[], &Nothing).unwrap_or_else(|faults| panic!("{faults}"));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
}

/// What goes wrong, and what is done about it.
fn failures() -> Vec<Case> {
    let more = |id, text: &str, at, path, says: &[&'static str]| file(id, format!("{BASE}{text}"), at, path, says);
    let crash = |id, text: &str, at, path, says: &[&'static str]| {
        file(id, format!("{BASE}[[fault]]\nkind = \"crash\"\ntarget = \"web-1\"\n{text}"), at, path, says)
    };
    let timed = |text: &str| format!("{}{text}", BASE.replace("requests = 1000", "duration = \"60s\""));
    vec![
        more(
            "B14",
            "[[fault]]\nkind = \"crash\"\ntarget = \"web-9\"\nat = \"1s\"\n",
            (12, 10),
            "fault[0] (\"crash\").target",
            &["unknown backend or group \"web-9\"", "did you mean \"web-2\"?", "\"web-0\", \"web-1\""],
        ),
        more(
            "B14-typo",
            "[[fault]]\nkind = \"crash\"\ntarget = \"wbe\"\nat = \"1s\"\n",
            (12, 10),
            "fault[0] (\"crash\").target",
            &["did you mean \"web\"?"],
        ),
        more(
            "B14-count",
            "[[fault]]\nname = \"x\"\nkind = \"crash\"\ntarget = \"random:4\"\nat = \"1s\"\n",
            (13, 10),
            "fault[0] (\"x\").target",
            &["3 backends", "random:1"],
        ),
        more(
            "B14-zone",
            "[[fault]]\nkind = \"crash\"\ntarget = \"zone:a\"\nat = \"1s\"\n",
            (12, 10),
            "fault[0] (\"crash\").target",
            &["unknown zone \"a\"", "zone"],
        ),
        more(
            "B14-from",
            "[client]\ntimeout = \"1s\"\n[[fault]]\nkind = \"partition\"\ntarget = \"web\"\nfrom = \"balancer:1\"\nat = \"1s\"\n",
            (15, 8),
            "fault[0] (\"partition\").from",
            &["unknown balancer instance", "tier.instances"],
        ),
        more(
            "B14-source",
            "[[fault]]\nkind = \"surge\"\ntarget = \"trafic\"\nfactor = 2\nat = \"1s\"\n",
            (12, 10),
            "fault[0] (\"surge\").target",
            &["unknown traffic source", "did you mean \"traffic\"?"],
        ),
        crash("B16", "at = \"10s\"\nfor = \"-5s\"\n", (14, 7), "fault[0] (\"crash\").for", &["below zero", "above zero"]),
        crash("B16-zero", "at = \"10s\"\nfor = \"0s\"\n", (14, 7), "fault[0] (\"crash\").for", &["above zero"]),
        file(
            "B17",
            timed("[[fault]]\nkind = \"crash\"\ntarget = \"web-1\"\nat = \"90s\"\n"),
            (13, 6),
            "fault[0] (\"crash\").at",
            &["it never happens (the run ends at 1m)"],
        )
        .warned(),
        crash(
            "B18",
            "at = \"5s\"\nfor = \"5s\"\n[[fault]]\nkind = \"slow\"\ntarget = \"web\"\nfactor = 0.5\nat = \"8s\"\nfor = \"5s\"\n",
            (19, 6),
            "fault[1] (\"slow\").at",
            &["overlaps \"crash:web-1\"", "from 8s to 10s", "f.toml:11:8"],
        )
        .warned(),
        crash(
            "B18-join",
            "at = \"5s\"\nfor = \"5s\"\n[[fault]]\nkind = \"join\"\ntarget = \"web-1\"\nat = \"8s\"\n",
            (18, 6),
            "fault[1] (\"join\").at",
            &["overlaps \"crash:web-1\"", "from 5s to 8s"],
        )
        .warned(),
        crash("B18-after", "at = \"5s\"\nfor = \"5s\"\n[[fault]]\nkind = \"crash\"\ntarget = \"web\"\nat = \"10s\"\n", (0, 0), "", &[])
            .accepted(),
        file(
            "B19",
            SERVICES.replace("work = \"2ms\"", "work = \"2ms\"\ncalls = [{ to = \"a\", share = 0.1 }]"),
            (15, 17),
            "service[1] (\"b\").calls[0].to",
            &["calls in a circle: a → b → a"],
        ),
        file(
            "B19-itself",
            SERVICES.replace("to = \"b\"", "to = \"a\""),
            (9, 17),
            "service[0] (\"a\").calls[0].to",
            &["calls in a circle: a → a"],
        ),
        file(
            "B19-unknown",
            SERVICES.replace("to = \"b\"", "to = \"bb\""),
            (9, 17),
            "service[0] (\"a\").calls[0].to",
            &["unknown service \"bb\"", "did you mean \"b\"?"],
        ),
        file(
            "B19-many",
            SERVICES.replace("to = \"b\"", "to = \"b\", count = 10000"),
            (9, 9),
            "service[0] (\"a\").calls",
            &["10001 requests", "at most 10000"],
        ),
        file("B-service", SERVICES, (0, 0), "", &[]).accepted(),
        file(
            "B-service-backends",
            SERVICES.replacen("[[service]]", "[[backends]]\nname = \"c\"\n[[service]]", 1),
            (6, 3),
            "backends",
            &["[[service.backends]]", "f.toml:8:1"],
        ),
        file(
            "B-service-work",
            SERVICES.replacen("[[service]]", "work = \"3ms\"\n[[service]]", 1),
            (6, 8),
            "traffic.work",
            &["set twice", "f.toml:9:8", "service \"a\""],
        ),
        file(
            "B-service-no-work",
            SERVICES.replace("work = \"1ms\"\n", ""),
            (4, 1),
            "traffic.work",
            &["`work` is missing", "to the service \"a\""],
        ),
        file(
            "B-service-called",
            SERVICES.replace("work = \"2ms\"\n", ""),
            (12, 1),
            "service[1] (\"b\").work",
            &["`work` is missing", "it is called here", "f.toml:9:17"],
        ),
        file(
            "B-service-unreached",
            SERVICES.replace("calls = [{ to = \"b\" }]\n", ""),
            (12, 8),
            "service[1] (\"b\")",
            &["no request reaches the service \"b\""],
        )
        .warned(),
        file(
            "B-service-to",
            SERVICES.replacen("[[service]]", "to = \"c\"\n[[service]]", 1),
            (6, 6),
            "traffic.to",
            &["unknown service \"c\"", "\"a\", \"b\""],
        ),
        file(
            "B-service-groups",
            SERVICES.replace("\"db\"", "\"web\""),
            (16, 8),
            "service[1] (\"b\").backends[0] (\"web\").name",
            &["two backends are called \"web\"", "f.toml:11:8"],
        ),
        file(
            "B-service-empty",
            SERVICES.replace("[[service.backends]]\nname = \"db\"\n", ""),
            (12, 1),
            "service[1] (\"b\").backends",
            &["`[[service.backends]]` is missing"],
        ),
        with("B-to", "[traffic]", "[traffic]\nto = \"a\"", (5, 1), "traffic.to", &["no effect without [[service]]"]),
        more("B-owner", "[client]\nmtbf = \"1s\"\n", (11, 1), "client.mtbf", &["`mtbf` belongs in [fault]"]),
        more("B-fault", "[fault]\nkind = \"crash\"\n", (10, 1), "fault", &["fault is a list; use [[fault]]"]),
        more(
            "B-fault-kind",
            "[[fault]]\nkind = \"crsh\"\ntarget = \"all\"\n",
            (11, 8),
            "fault[0] (\"crsh\").kind",
            &["unknown fault \"crsh\"", "did you mean \"crash\"?"],
        ),
        crash(
            "B-fault-key",
            "at = \"1s\"\nfactor = 2\n",
            (14, 1),
            "fault[0] (\"crash\").factor",
            &["no effect with kind = \"crash\"", "used by slow, join, deploy, surge"],
        ),
        crash("B-fault-at", "", (10, 1), "fault[0] (\"crash\").at", &["`at` is missing"]),
        crash("B-fault-mttr", "mtbf = \"1s\"\n", (10, 1), "fault[0] (\"crash\").mttr", &["`mttr` is missing"]),
        crash(
            "B-fault-drawn",
            "mtbf = \"1s\"\nmttr = \"1s\"\nevery = \"9s\"\n",
            (15, 1),
            "fault[0] (\"crash\").every",
            &["`mtbf` and `every` are both set"],
        ),
        crash(
            "B-fault-every",
            "at = \"1s\"\nfor = \"9s\"\nevery = \"5s\"\n",
            (15, 9),
            "fault[0] (\"crash\").every",
            &["overlap itself", "f.toml:14:7"],
        ),
        crash("B-fault-no-end", "at = \"1s\"\nevery = \"5s\"\n", (10, 1), "fault[0] (\"crash\").for", &["`for` is missing"]),
        crash(
            "B-fault-twice",
            "at = \"1s\"\nfor = \"1s\"\nname = \"x\"\n[[fault]]\nkind = \"crash\"\nname = \"x\"\ntarget = \"web-1\"\nat = \"2s\"\n",
            (18, 8),
            "fault[1] (\"x\").name",
            &["two faults are called \"x\"", "f.toml:15:8"],
        ),
        more(
            "B-join-every",
            "[[fault]]\nkind = \"join\"\ntarget = \"web-1\"\nat = \"1s\"\nevery = \"5s\"\n",
            (14, 1),
            "fault[0] (\"join\").every",
            &["no effect with kind = \"join\""],
        ),
        more(
            "B-leave",
            "[[fault]]\nkind = \"leave\"\ntarget = \"web-1\"\nat = \"1s\"\ndrain = \"5s\"\nfor = \"5s\"\n",
            (15, 7),
            "fault[0] (\"leave\").for",
            &["it never leaves", "f.toml:14:9"],
        ),
        more(
            "B-deploy",
            "[[fault]]\nkind = \"deploy\"\ntarget = \"web\"\nat = \"1s\"\ntakes = \"5s\"\nevery = \"10s\"\n",
            (15, 9),
            "fault[0] (\"deploy\").every",
            &["all its batches take 15s"],
        ),
        more(
            "B-hang",
            "[[fault]]\nkind = \"hang\"\ntarget = \"web-1\"\nat = \"1s\"\nfor = \"1s\"\n",
            (11, 8),
            "fault[0] (\"hang\").kind",
            &["never end, and count as unfinished", "timeout = \"1s\""],
        )
        .warned(),
        file(
            "B-surge-closed",
            format!(
                "{}[[fault]]\nkind = \"surge\"\ntarget = \"all\"\nfactor = 2\nat = \"1s\"\n",
                BASE.replace("process = \"poisson\", rate = \"800/s\"", "process = \"closed\", clients = 9")
            ),
            (12, 10),
            "fault[0] (\"surge\").target",
            &["is closed", "as fast as they are answered"],
        ),
        more(
            "C23-fault",
            "[[fault]]\nkind = \"loss\"\ntarget = \"all\"\nat = \"1s\"\nshare = 1.5\n[client]\ntimeout = \"1s\"\n",
            (14, 9),
            "fault[0] (\"loss\").share",
            &["above 1"],
        ),
        more("C26", "[client]\ntimeout = \"0ms\"\n", (11, 11), "client.timeout", &["every request would fail at once", "leave it out"]),
        more("C26-patience", "[client]\npatience = \"0s\"\n", (11, 12), "client.patience", &["queue = 0"]),
        more("C34", "[client.retry]\nmax = 1000000\nbackoff = \"0s\"\n", (11, 7), "client.retry.max", &["multiplied", "backoff"]).warned(),
        more("C-retry-on", "[client.retry]\non = [\"timout\"]\n", (11, 7), "client.retry.on[0]", &["did you mean \"timeout\"?"]),
        more(
            "C-backoff",
            "[client.retry]\nbackoff = { base = \"1s\", max = \"1ms\" }\n",
            (11, 32),
            "client.retry.backoff.max",
            &["below base", "at least base, 1s"],
        ),
        more(
            "C-backoff-key",
            "[client.retry]\nbackoff = { bass = \"1s\" }\n",
            (11, 13),
            "client.retry.backoff.bass",
            &["did you mean `base`?"],
        ),
        more(
            "C-budget",
            "[client.retry]\nbudget = { ratio = 1.5 }\n",
            (11, 20),
            "client.retry.budget.ratio",
            &["more retries", "at most 1"],
        )
        .warned(),
        more("C-budget-share", "[client.retry]\nbudget = { share = 1.5 }\n", (11, 20), "client.retry.budget.share", &["above 1"]),
        more("C-budget-kind", "[client.retry]\nbudget = 3\n", (11, 10), "client.retry.budget", &["ratio, min_per_second", "tokens, ratio"]),
        more("C-hedge", "[client]\nhedge = { after = \"p101\" }\n", (11, 19), "client.hedge.after", &["no such percentile", "p95"]),
        more("C-hedge-unit", "[client]\nhedge = { after = 50 }\n", (11, 19), "client.hedge.after", &["no unit"]),
        file(
            "C-hedge-alone",
            format!("{}[client.hedge]\nafter = \"p95\"\n", BASE.replace("count = 3", "count = 1")),
            (10, 1),
            "client.hedge",
            &["a hedge without a second backend"],
        )
        .warned(),
        more(
            "C-breaker",
            "[client.breaker]\nleast = \"1s\"\n",
            (11, 1),
            "client.breaker.least",
            &["no effect without `consecutive_failures`"],
        ),
        more("C-healthy", "[health.active]\nhealthy_after = 0\n", (11, 17), "health.active.healthy_after", &["below 1"]),
        more("C-outlier", "[health.outlier]\n", (10, 1), "health.outlier.max_ejected", &["nobody is ever ejected", "34%"]).warned(),
        more("C-discovery", "[discovery]\nkind = \"dsn\"\n", (11, 8), "discovery.kind", &["did you mean \"dns\"?"]),
        more("C-ttl", "[discovery]\nkind = \"dns\"\n", (10, 1), "discovery.ttl", &["`ttl` is missing"]),
        more("C-autoscale", "[autoscale]\ntarget_utilization = 0.5\nmin = 4\nmax = 2\n", (13, 7), "autoscale.max", &["below min = 4"]),
        more(
            "C-autoscale-count",
            "[autoscale]\ntarget_utilization = 0.5\nmax = 2\n",
            (12, 7),
            "autoscale.max",
            &["begins with a count of 3", "min ≤ count ≤ max"],
        ),
        more(
            "C-autoscale-group",
            "[autoscale]\nbackends = \"wob\"\ntarget_utilization = 0.5\nmax = 9\n",
            (11, 12),
            "autoscale.backends",
            &["did you mean \"web\"?"],
        ),
        more(
            "C-autoscale-names",
            "[[backends]]\nname = \"web-5\"\n[autoscale]\ntarget_utilization = 0.5\nmax = 9\n",
            (14, 7),
            "autoscale.max",
            &["may come to be called \"web-5\""],
        ),
        more(
            "D02",
            "[[fault]]\nkind = \"crash\"\ntarget = \"all\"\nat = \"0s\"\n",
            (12, 10),
            "fault[0] (\"crash\").target",
            &["no request can succeed"],
        )
        .warned(),
        file(
            "D05",
            format!("{}[client]\ntimeout = \"5ms\"\n", BASE.replace("{ dist = \"exponential\", mean = \"10ms\" }", "\"10ms\"")),
            (11, 11),
            "client.timeout",
            &["every request times out", "10ms"],
        )
        .warned(),
        more(
            "D05-attempt",
            "[client]\ntimeout = \"1s\"\nattempt_timeout = \"2s\"\n",
            (12, 19),
            "client.attempt_timeout",
            &["never made again", "f.toml:11:11"],
        )
        .warned(),
        file(
            "D07",
            timed("[health.active]\ninterval = \"2m\"\n"),
            (11, 12),
            "health.active.interval",
            &["most are never probed", "f.toml:3:12"],
        )
        .warned(),
        set("F05-fault", "fault.0.at=1s", "fault", &["fault"]),
    ]
}

/// The points that an answer misses, in words.
fn misses(case: &Case) -> Vec<String> {
    let mut misses = Vec::new();
    let result = read(&case.input);
    let found = match (&result, case.outcome) {
        (Ok(loaded), Warned | Accepted) => &loaded.warnings,
        (Err(faults), Refused) => faults,
        (Ok(_), Refused) => return vec!["it was not refused".into()],
        (Err(faults), Warned | Accepted) => return vec![format!("it was refused:\n{faults}")],
    };
    let text = found.to_string();
    let mut miss = |is_missed: bool, what: String| misses.extend(is_missed.then_some(what));
    miss(found.len() != case.faults, format!("6: {} faults, not {}", found.len(), case.faults));
    let Some(first) = found.iter().find(|one| case.outcome == Refused || one.severity == Severity::Warning) else {
        miss(case.faults > 0, "no answer".into());
        return misses;
    };
    let first = found.iter().find(|one| (one.location.line, one.location.column) == case.at).unwrap_or(first);
    let place = if case.at == (0, 0) { (0, 0) } else { (first.location.line, first.location.column) };
    miss(
        place != case.at || first.location.is_flag != (case.at == (0, 0)),
        format!("1: at {}:{}", first.location.line, first.location.column),
    );
    miss(first.path != case.path && !(case.path.is_empty() && first.path.is_empty()), format!("2: path {}", first.path));
    miss(first.fault.to_string().is_empty(), "3: nothing is said".into());
    miss(first.location.excerpt.text.chars().count() > 110, "3: the window is too wide".into());
    miss(text.chars().any(|c| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c)), "3: raw control characters".into());
    miss(
        first.allowed.is_none() && !["not-text", "encoding", "other-format", "limit", "empty"].contains(&first.fault.code()),
        "4: nothing is said to be allowed".into(),
    );
    miss(first.help.is_empty(), "5: no suggestion".into());
    for says in &case.says {
        miss(!text.contains(says), format!("it does not say {says:?}"));
    }
    miss(case.faults < 3 && text.len() > 2048 && case.id != "B12", format!("{} bytes are too long", text.len()));
    miss(
        read(&case.input).err().map(|faults| faults.to_string()) != result.as_ref().err().map(ToString::to_string),
        "not the same twice".into(),
    );
    if !misses.is_empty() {
        misses.push(text.chars().take(3000).collect());
    }
    misses
}

#[test]
fn every_bad_input_gets_its_answer() {
    let cases: Vec<Case> = [syntax(), rules(), structure(), numbers(), meaning(), failures()].into_iter().flatten().collect();
    let mut report = String::new();
    let mut held = 0;
    for case in &cases {
        let misses = misses(case);
        held += usize::from(misses.is_empty());
        if !misses.is_empty() {
            let _ = writeln!(report, "{}: {}\n", case.id, misses.join("\n  "));
        }
    }
    println!("bad inputs: {held} of {} as asked ({} not yet)", cases.len(), NOT_YET.len());
    assert!(report.is_empty(), "bad inputs: {held} of {} as asked\n{report}", cases.len());
}

#[test]
fn every_entry_of_the_catalogue_is_here() {
    let cases: Vec<Case> = [syntax(), rules(), structure(), numbers(), meaning(), failures()].into_iter().flatten().collect();
    let ids: Vec<&str> =
        cases.iter().map(|case| case.id).chain(NOT_YET.iter().map(|(id, _)| *id)).filter_map(|id| id.split('-').next()).collect();
    for (section, count) in [("A", 24), ("B", 24), ("C", 36), ("D", 10)] {
        for number in 1..=count {
            let id = format!("{section}{number:02}");
            assert!(ids.contains(&id.as_str()), "{id} is neither a case nor on the list of what is not yet");
        }
    }
}

#[test]
fn every_fault_of_a_file_is_found_at_once() {
    let text = BASE
        .replace("requests = 1000", "requests = 0\nseed = -1")
        .replace("800/s", "800")
        .replace("count = 3", "count = 3\nspeed = nan\nwieght = 1");
    let faults = load(&Source::new("f.toml", text.as_bytes()), &[], &Nothing).expect_err("five values are wrong");
    let lines: Vec<usize> = faults.iter().map(|fault| fault.location.line).collect();
    assert_eq!(lines, [3, 4, 6, 11, 12], "{faults}");
}

#[test]
fn a_fault_of_syntax_hides_no_other_fault() {
    let text = BASE.replace("requests = 1000", "requests = ").replace("name = \"web\"", "nmae = \"web\"");
    let faults = load(&Source::new("f.toml", text.as_bytes()), &[], &Nothing).expect_err("two lines are wrong");
    let lines: Vec<usize> = faults.iter().map(|fault| fault.location.line).collect();
    assert_eq!(lines, [3, 8], "{faults}");
}

#[test]
fn options_that_stand_for_a_key_have_its_rules() {
    for value in ["", "0x1G", "-1", "1.5", "18446744073709551616"] {
        let faults = load(&Source::new("f.toml", BASE.as_bytes()), &[Override::option("--seed", "run.seed", value)], &Nothing)
            .expect_err("that is no seed");
        let text = faults.to_string();
        assert!(
            faults.len() == 1 && text.contains(&format!("--seed {value}").trim_end().to_owned()) && text.contains("run.seed"),
            "{text}"
        );
    }
    assert!(load(&Source::new("f.toml", BASE.as_bytes()), &[Override::option("--seed", "run.seed", "0x1F")], &Nothing).is_ok());
}

#[test]
fn no_option_panics() {
    let keys = [
        "",
        ".",
        "a.",
        "\"",
        "run",
        "run.seed",
        "run.seed.x",
        "traffic",
        "traffic.0",
        "traffic.0.0.0",
        "traffic.arrivals",
        "traffic.work.mean",
        "backends",
        "backends.0",
        "backends.web",
        "backends.web.x.y",
        "balancers",
        "balancers.0",
        "balancers.0.kind",
        "balancer.random.x",
        "balancer.0.kind",
        "variant",
        "variant.0.set",
        "variant.0.name",
        "\"run\".seed",
        "network.between.0.from",
        "tier.view",
        "client",
        "client.retry",
        "client.retry.backoff",
        "client.retry.budget",
        "client.retry.on",
        "client.hedge.after",
        "health.slow_start",
        "health.outlier.success_rate",
        "discovery",
        "autoscale.max",
        "fault",
        "service",
    ];
    let values = [
        "",
        "0",
        "-1",
        "nan",
        "1e400",
        "[]",
        "{}",
        "[[]]",
        "x",
        "\"x\"",
        "{ a = 1",
        "1979-05-27",
        "true",
        "\u{1b}",
        "{ dist = \"mixture\", parts = [{ share = 1, dist = \"mixture\" }] }",
        "[{ kind = \"deploy\" }]",
        "[{ name = \"a\", backends = [{}], calls = [{ to = \"a\" }] }]",
    ];
    for (key, value) in keys.iter().flat_map(|key| values.iter().map(move |value| (key, value))) {
        for text in [BASE, STARTER] {
            let result = load(&Source::new("f.toml", text.as_bytes()), &[Override::set(&format!("{key}={value}"))], &Nothing);
            assert!(result.map_or_else(|faults| faults.has_errors() && !faults.to_string().contains('\u{1b}'), |_| true), "{key}={value}");
        }
    }
}

#[test]
fn large_files_of_faults_take_linear_time() {
    let unknown: String = (0..100_000).map(|index| format!("zzz{index} = 1\n")).collect();
    let one_line = format!("a = [{}]\n", "1, ".repeat(1_000_000));
    let links = format!("[network]\nbetween = [{}]\n", "{ from = \"a\", to = \"b\", delay = \"1ms\" }, ".repeat(50_000));
    for text in [format!("{unknown}{BASE}"), format!("{one_line}{BASE}"), format!("{BASE}{links}")] {
        let faults = load(&Source::new("f.toml", text.as_bytes()), &[], &Nothing).expect_err("all of it is wrong");
        assert!(faults.to_string().len() < 20_000);
    }
}

/// Every way to break one line of a scenario.
fn mutations(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut mutations = Vec::new();
    let joined = |index: usize, line: &str| [&lines[..index], &[line], &lines[index + 1..]].concat().join("\n");
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#')) {
        mutations.push(joined(index, ""));
        mutations.push(joined(index, &format!("{line}\n{line}")));
        let Some((key, _)) = line.split_once('=') else { continue };
        for value in [
            "0",
            "-1",
            "nan",
            "inf",
            "1e308",
            "9223372036854775808",
            "true",
            "\"\"",
            "\"x\"",
            "[]",
            "{}",
            "[1]",
            "[[]]",
            "{ dist = 1 }",
            "1979-05-27",
            "\"1e999s\"",
            "\"-0%\"",
        ] {
            mutations.push(joined(index, &format!("{key}= {value}")));
        }
        for (at, _) in line.match_indices(|c: char| c.is_ascii_digit()) {
            for number in ["0", "-1", "nan", "inf", "1e308", "9223372036854775808"] {
                mutations.push(joined(index, &format!("{}{number}{}", &line[..at], &line[at + 1..])));
            }
        }
        mutations.push(joined(index, &line[..line.char_indices().nth(line.chars().count() / 2).map_or(0, |(at, _)| at)]));
    }
    mutations
}

#[test]
fn no_mutation_of_a_shipped_scenario_panics() {
    let plain: String = STARTER
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = ") && !rest.starts_with("arrivals")).unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n");
    let mut count = 0;
    for text in [QUICKSTART, STARTER, &plain, BASE, SERVICES, FAILURES] {
        for mutation in mutations(text) {
            if let Err(faults) = load(&Source::new("f.toml", mutation.as_bytes()), &[], &Nothing) {
                assert!(faults.has_errors() && faults.iter().all(|fault| !fault.help.is_empty()), "{faults}");
            }
            count += 1;
        }
    }
    assert!(count > 1000, "{count} mutations are too few to mean anything");
}
