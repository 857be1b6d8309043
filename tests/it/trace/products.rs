//! Logs that a real nginx and a real HAProxy write on the spot, of requests whose way and times are known from the other side: the client's clock and the backends' own counts.
//!
//! It needs nginx and HAProxy. Where one is missing the test says so and passes; where `EVENKEEL_CI` is set it fails.

use super::{Place, converted, counts, inspected, json, scenario};
use crate::cli::evenkeel;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const MS: u64 = 1_000_000;
/// How long each backend sleeps over a request, in milliseconds, and its weight.
const BACKENDS: [(u64, u64); 3] = [(4, 3), (9, 2), (25, 1)];
const CLIENTS: usize = 6;
const EACH: usize = 500;
/// Clocks of milliseconds, rounded down at both ends.
const ROUNDING: u64 = 3 * MS;

/// So long nothing is stopped.
const PATIENCE: u64 = 10_000 * MS;

/// A backend: its port, and how many requests it has answered.
struct Backend {
    port: u16,
    served: Arc<AtomicU64>,
}

impl Backend {
    /// Answers in threads of its own until the test ends.
    fn start(sleep: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there are free ports");
        let port = listener.local_addr().expect("it is bound").port();
        let served = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&served);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let count = Arc::clone(&count);
                std::thread::spawn(move || answer(stream, sleep, &count));
            }
        });
        Self { port, served }
    }
}

fn answer(stream: TcpStream, sleep: Duration, count: &AtomicU64) {
    let mut lines = BufReader::new(&stream).lines();
    // To the empty line behind the head.
    if lines.by_ref().map_while(Result::ok).take_while(|line| !line.is_empty()).count() == 0 {
        return;
    }
    count.fetch_add(1, Ordering::SeqCst);
    std::thread::sleep(sleep);
    let _ = (&stream).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
}

/// A program that ends with the test, whatever becomes of it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn program(name: &str) -> Option<PathBuf> {
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).chain([PathBuf::from("/usr/sbin")]).collect();
    let found = folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        assert!(std::env::var_os("EVENKEEL_CI").is_none(), "{name} is missing");
        // Written past the test runner, which keeps back what passing tests print.
        let _ = writeln!(std::io::stderr(), "skipped: the log of a real {name}: it is not installed");
    }
    found
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("there are free ports").port()
}

fn wait_for(what: &str, is_there: impl Fn() -> bool) {
    for _ in 0..600 {
        if is_there() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{what} does not come");
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_nanos() as u64
}

/// One request; when it began and ended by the client's clock.
fn ask(port: u16, path: &str) -> (u64, u64) {
    let from = now();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the product listens");
    write!(stream, "GET {path}?q=1 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").expect("it reads");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("it answers");
    assert!(text.starts_with("HTTP/1.1 200") && text.ends_with("ok"), "{text}");
    (from, now())
}

/// Clients who each send one request after the other; by path, when each began and ended.
fn load(port: u16) -> BTreeMap<String, (u64, u64)> {
    let client = move |client: usize| {
        let paths = (0..EACH).map(move |number| format!("/client{client}/{number}"));
        paths.map(|path| (path.clone(), ask(port, &path))).collect::<Vec<_>>()
    };
    let all: Vec<_> = (0..CLIENTS).map(|number| std::thread::spawn(move || client(number))).collect();
    all.into_iter().flat_map(|client| client.join().expect("it has its answers")).collect()
}

/// A request as the table of `convert` has it.
struct Row {
    at: u64,
    work: u64,
    key: String,
    backend: String,
    status: String,
}

fn rows(place: &Place, log: &str, more: &[&str]) -> Vec<Row> {
    converted(&place.path(log), &place.path("log.csv"), &[more, &["--strict", "--spread", "none"]].concat());
    let text = String::from_utf8(place.read("log.csv")).expect("UTF-8");
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |at: usize| cells[at].parse().expect("a number");
        Row { at: number(0), work: number(1), key: cells[4].into(), backend: cells[6].into(), status: cells[8].into() }
    };
    text.lines().skip(1).map(row).collect()
}

/// Everything that has to hold of a log, whichever product wrote it. `name` is what its log calls a backend, `keys` what a scenario says of the file beside its name.
fn holds(
    place: &Place,
    log: &str,
    more: &[&str],
    keys: &str,
    backends: &[Backend],
    name: impl Fn(usize) -> String,
    asked: &BTreeMap<String, (u64, u64)>,
) {
    let rows = rows(place, log, more);
    assert_eq!(rows.len(), CLIENTS * EACH, "every request is in the log, once");
    // A machine that is busy stops a product between its reading the clock and its reading the request: few of them, and not for long.
    let mut late = 0;
    for Row { at, work, key, backend, status } in &rows {
        let (from, to) = asked.get(key).unwrap_or_else(|| panic!("nobody asked for {key}"));
        let is_within = |slack: u64| *from <= at + slack && at + work <= to + slack;
        assert!(is_within(PATIENCE), "{key} arrived at {at} and took {work}, and was out from {from} to {to}");
        late += usize::from(!is_within(ROUNDING));
        let number = (0..BACKENDS.len()).find(|&number| name(number) == *backend).unwrap_or_else(|| panic!("{backend} is none of ours"));
        // A noisy machine makes it longer, and nothing makes it shorter.
        assert!(work + ROUNDING >= BACKENDS[number].0 * MS, "{key}: {backend} took {work}");
        assert_eq!(status, "200");
    }
    assert!(20 * late <= rows.len(), "{late} of {} do not agree with the client's clock", rows.len());
    // Who was asked how often: by the backends' own counts, by the rule of the weights, by inspect, and by a run that goes as recorded.
    let served: Vec<u64> = backends.iter().map(|backend| backend.served.load(Ordering::SeqCst)).collect();
    let total = (CLIENTS * EACH) as u64;
    assert_eq!(served.iter().sum::<u64>(), total);
    for ((_, weight), served) in BACKENDS.iter().zip(&served) {
        assert!(served.abs_diff(total * weight / 6) <= 6, "{served:?}");
    }
    let found = inspected(&place.path(log), more);
    assert_eq!((&found["records"], &found["skipped"], &found["retried"]), (&total.into(), &0.into(), &0.into()));
    let share = |number: usize| {
        let all = found["backends"].as_array().expect("a list");
        all.iter().find(|one| one["name"] == name(number)).and_then(|one| one["requests"].as_u64())
    };
    assert_eq!((0..3).map(|number| share(number).unwrap_or(0)).collect::<Vec<_>>(), served);
    // By their addresses where the log has those, by their names otherwise.
    let group = |number: usize| format!("[[backends]]\nname = \"b{number}\"\naddress = \"{}\"\n", name(number));
    let text =
        scenario(&["as-recorded", "least-connections"], &format!("file = {log:?}{keys}"), "", &(0..3).map(group).collect::<String>());
    let result: Value = json(&place.run(&text, &[]));
    assert_eq!(counts(&result, "as-recorded").into_iter().map(|(_, count)| count).collect::<Vec<_>>(), served);
    assert_eq!(result["results"][1]["requests"]["succeeded"], total);
    calibrated(place, log, more, &name);
}

/// What `calibrate` makes of it. The sleeps are known, so the speeds are: 4 ÷ 9 and 4 ÷ 25, but for what product, kernel and machine add to each, the same for all of them.
/// Nobody waits for a worker, since a backend has a thread for each; and the product went in turn, by weights.
fn calibrated(place: &Place, log: &str, more: &[&str], name: &impl Fn(usize) -> String) {
    let calibrate = |format: &str| evenkeel(&[&["trace", "calibrate", &place.path(log), "--format", format], more].concat());
    let _ = writeln!(std::io::stderr(), "{log}\n{}", String::from_utf8_lossy(&calibrate("table").stdout));
    let found = json(&calibrate("json"));
    let backend = |number: usize| {
        let all = found["backends"].as_array().expect("a list");
        all.iter().find(|one| one["name"] == name(number)).expect("it has answered").clone()
    };
    let median = |number: usize| backend(number)["median_ms"].as_f64().expect("a number");
    let added = median(0) - BACKENDS[0].0 as f64;
    for (number, (sleep, _)) in BACKENDS.into_iter().enumerate() {
        assert!(median(number) + 1.0 >= sleep as f64, "{number}: {}", median(number));
        let speed = backend(number)["speed"].as_f64().expect("a number");
        let expected = (4.0 + added) / (sleep as f64 + added);
        assert!((speed / expected - 1.0).abs() < 0.25, "{number}: {speed} for {expected}");
        assert_eq!(backend(number)["workers"], "unlimited");
    }
    assert_eq!(found["rules"][0]["rule"], "weighted-round-robin", "{}", found["rules"]);
    let p50 = |of: &str| {
        let all = found["latencies"].as_array().expect("a list");
        let found = all.iter().find(|one| one["of"] == of && one["load"] == "all");
        found.and_then(|one| one["latency_ms"]["p50"].as_f64()).expect("a number")
    };
    assert!((p50("as-recorded") / p50("recorded") - 1.0).abs() < 0.1, "{} for {}", p50("as-recorded"), p50("recorded"));
}

fn lines(place: &Place, file: &str) -> usize {
    std::fs::read_to_string(place.0.join(file)).map_or(0, |text| text.matches('\n').count())
}

fn backends() -> Vec<Backend> {
    BACKENDS.iter().map(|&(sleep, _)| Backend::start(Duration::from_millis(sleep))).collect()
}

fn start(place: &Place, command: &mut Command, port: u16) -> Running {
    let output = || std::fs::File::create(place.0.join("stdout.log")).expect("the folder can be written");
    let errors = || std::fs::File::create(place.0.join("stderr.log")).expect("the folder can be written");
    let running = Running(command.stdin(Stdio::null()).stdout(output()).stderr(errors()).spawn().expect("it starts"));
    wait_for("the product", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    running
}

#[test]
fn the_log_of_a_real_nginx() {
    const FORMAT: &str = "$remote_addr $msec $request_time \"$request\" $status $body_bytes_sent $upstream_addr $upstream_response_time \"$http_user_agent\"";
    let Some(nginx) = program("nginx") else { return };
    let (place, backends, port) = (Place::new("products-nginx"), backends(), free_port());
    let servers: String =
        backends.iter().zip(BACKENDS).map(|(backend, (_, weight))| format!("server 127.0.0.1:{} weight={weight};", backend.port)).collect();
    let temporary: String =
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].iter().map(|name| format!("{name}_temp_path {};", place.path(name))).collect();
    let conf = format!(
        "daemon off; master_process off; pid {}; error_log {};\nevents {{ worker_connections 256; }}\nhttp {{ {temporary}\nlog_format timed '{FORMAT}';\naccess_log {} timed;\n\
         upstream web {{ {servers} }}\nserver {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://web; }} }} }}\n",
        place.path("pid"),
        place.path("error.log"),
        place.path("access.log"),
    );
    let conf = place.write("nginx.conf", conf);
    let prefix = place.path("");
    let running = start(&place, Command::new(nginx).args(["-p", &prefix, "-e", &place.path("error.log"), "-c", &conf]), port);
    let asked = load(port);
    wait_for("the last line", || lines(&place, "access.log") >= CLIENTS * EACH);
    drop(running);
    let name = |number: usize| format!("127.0.0.1:{}", backends[number].port);
    let keys = format!(", log_format = '{FORMAT}'");
    holds(&place, "access.log", &["--log-format", FORMAT], &keys, &backends, name, &asked);
}

#[test]
fn the_log_of_a_real_haproxy() {
    let Some(haproxy) = program("haproxy") else { return };
    let (place, backends, port) = (Place::new("products-haproxy"), backends(), free_port());
    let server =
        |(number, backend): (usize, &Backend)| format!("  server s{number} 127.0.0.1:{} weight {}\n", backend.port, BACKENDS[number].1);
    let servers: String = backends.iter().enumerate().map(server).collect();
    let conf = format!(
        "global\n  log stdout format raw local0\n  maxconn 256\ndefaults\n  mode http\n  log global\n  option httplog\n  option dontlognull\n  timeout connect 10s\n  timeout client 60s\n  \
         timeout server 60s\nfrontend www\n  bind 127.0.0.1:{port}\n  default_backend app\nbackend app\n  balance roundrobin\n{servers}"
    );
    let conf = place.write("haproxy.cfg", conf);
    // Its stamps are local time, without a zone.
    let running = start(&place, Command::new(haproxy).args(["-db", "-f", &conf]).env("TZ", "UTC"), port);
    let asked = load(port);
    wait_for("the last line", || lines(&place, "stdout.log") >= CLIENTS * EACH);
    drop(running);
    holds(&place, "stdout.log", &["--as", "haproxy"], ", format = \"haproxy\"", &backends, |number| format!("app/s{number}"), &asked);
}
