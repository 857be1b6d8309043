//! Keys, clients and backends as the record names them: they go where the product sends them, and where the log says they went.

use super::{Place, code, counts, json, said, scenario};
use crate::cli::evenkeel;
use serde_json::Value;
use std::collections::BTreeMap;

const POOL: &str = "[[backends]]\nname = \"web\"\ncount = 5";
/// The addresses that backends have where none are given.
const BACKENDS: &str = "web-0=10.0.0.1:8080,web-1=10.0.0.2:8080,web-2=10.0.0.3:8080,web-3=10.0.0.4:8080,web-4=10.0.0.5:8080";

const KEYS: usize = 150;

fn key(number: usize) -> String {
    format!("/img/{}/é {}.png", number * 7919 % 1009, number % 13)
}

fn client(number: usize) -> String {
    format!("203.0.{}.{}", number % 29, number * 31 % 251)
}

fn place(name: &str) -> Place {
    let line = |number: usize| format!("{},1000,{},{}\n", number * 100_000, key(number), client(number));
    let text: String = (0..KEYS).map(line).collect();
    Place::new(name).with("t.csv", format!("time_ns,work_ns,key,client\n{text}"))
}

/// Where a run sent each request.
fn sent(place: &Place, balancer: &str) -> Vec<String> {
    place.attempts(&scenario(&[balancer], "file = \"t.csv\"", "", POOL)).into_iter().map(|attempt| attempt.backend).collect()
}

fn asked(balancer: &str, flag: &str, of: &dyn Fn(usize) -> String) -> Vec<String> {
    let names: Vec<String> = (0..KEYS).map(of).collect();
    let words: Vec<&str> = names.iter().flat_map(|name| [flag, &**name]).collect();
    let answer = json(&evenkeel(&[&["pick", "--balancer", balancer, "--backends", BACKENDS], &words[..]].concat()));
    answer["picks"].as_array().expect("a list").iter().map(|pick| pick.as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn keys_go_where_the_product_sends_them() {
    let place = place("words-keys");
    for balancer in [
        "nginx/hash",
        "nginx/hash-consistent",
        "ring-hash",
        "maglev",
        "hash",
        "rendezvous",
        "jump-hash",
        "envoy/ring-hash",
        "envoy/maglev",
        "haproxy/uri",
        "pingora/ketama",
        "caddy/uri-hash",
        "dubbo/consistenthash",
    ] {
        let (run, pick) = (sent(&place, balancer), asked(balancer, "--key", &key));
        assert_eq!(run, pick, "{balancer}");
        assert!(run.iter().any(|backend| *backend != run[0]), "{balancer}: not all at one");
    }
}

#[test]
fn clients_go_where_the_product_sends_them() {
    let place = place("words-clients");
    for balancer in ["source-hash", "nginx/ip-hash", "haproxy/source", "caddy/ip-hash", "ipvs/sh", "ipvs/mh", "traefik/hrw"] {
        let (run, pick) = (sent(&place, balancer), asked(balancer, "--client", &client));
        assert_eq!(run, pick, "{balancer}");
        assert!(run.iter().any(|backend| *backend != run[0]), "{balancer}: not all at one");
    }
}

#[test]
fn a_backend_is_found_by_name_by_address_and_by_order() {
    let log = |names: [&str; 3]| {
        let line = |number: usize| format!("{},1000,{}\n", number * 1000, names[[0, 1, 1, 2, 2, 2][number % 6]]);
        format!("time_ns,work_ns,backend\n{}", (0..600).map(line).collect::<String>())
    };
    let three = "[[backends]]\nname = \"web\"\ncount = 3";
    let addressed = "[[backends]]\nname = \"web\"\ncount = 3\naddress = \"192.168.7.1:80\"";
    for (name, names, backends, expected) in [
        ("words-by-name", ["web-2", "web-0", "web-1"], three, [200, 300, 100]),
        ("words-by-address", ["192.168.7.3:80", "192.168.7.1:80", "192.168.7.2:80"], addressed, [200, 300, 100]),
        ("words-by-order", ["app/b", "app/a", "app/c"], three, [200, 100, 300]),
    ] {
        let place = Place::new(name).with("t.csv", log(names));
        let result = place.result(&scenario(&["as-recorded", "round-robin"], "file = \"t.csv\"", "", backends), &[]);
        let of = |balancer: &str| counts(&result, balancer).into_iter().map(|(_, count)| count).collect::<Vec<_>>();
        assert_eq!((of("as-recorded"), of("round-robin")), (expected.to_vec(), vec![200; 3]), "{name}");
    }
    // No name fits, and there are not as many: in turn.
    let place = Place::new("words-by-nothing").with("t.csv", log(["x", "y", "z"]));
    let result = place.result(&scenario(&["as-recorded"], "file = \"t.csv\"", "", "[[backends]]\nname = \"web\"\ncount = 4"), &[]);
    assert!(counts(&result, "as-recorded").iter().all(|(_, count)| *count == 150));
}

#[test]
fn a_recorded_backend_that_is_down_is_avoided() {
    let line = |number: usize| format!("{},1000,web-{}\n", number * 1_000_000, number % 2);
    let log = format!("time_ns,work_ns,backend\n{}", (0..1000).map(line).collect::<String>());
    let place = Place::new("words-down").with("t.csv", log);
    // One leaves for half of the time, so that whoever chooses knows it.
    let fault = "[[fault]]\nkind = \"leave\"\ntarget = \"web-1\"\nat = \"500ms\"";
    let result = place
        .result(&scenario(&["as-recorded"], "file = \"t.csv\"", "", &format!("[[backends]]\nname = \"web\"\ncount = 3\n{fault}")), &[]);
    let of: BTreeMap<String, u64> = counts(&result, "as-recorded").into_iter().collect();
    assert_eq!((of["web-1"], of.values().sum::<u64>()), (250, 1000), "{of:?}");
    assert_eq!(result["results"][0]["requests"]["failed"], 0);
    assert!(of["web-0"] > 500 && of["web-2"] > 100, "whom it would have had is shared: {of:?}");
}

/// What nobody may find in anything that was made anonymous.
const SECRETS: [&str; 4] = ["/account/4711", "198.51.100.23", "mallory", "/private"];

#[test]
fn anonymous_is_anonymous() {
    let line =
        |number: usize| format!("{},1000,{}/{},{}\n", number * 1000, SECRETS[[0, 3][number % 2]], number % 7, SECRETS[[1, 2][number % 2]]);
    let log = format!("time_ns,work_ns,key,client\n{}", (0..500).map(line).collect::<String>());
    let place = Place::new("words-anonymous").with("t.csv", log);
    let convert = |from: &str, to: &str, secret: &str| {
        let (from, to) = (place.path(from), place.path(to));
        let output = evenkeel(&["trace", "convert", &from, "-o", &to, "--anonymise", secret]);
        assert_eq!(code(&output), 0, "{}", said(&output));
        assert!(!said(&output).contains(secret));
    };
    convert("t.csv", "a.evk", "first secret");
    convert("t.csv", "again.evk", "first secret");
    convert("t.csv", "other.evk", "second secret");
    convert("t.csv", "a.out.csv", "first secret");
    assert!(place.read("a.evk") == place.read("again.evk"), "the same secret gives the same hashes");
    super::converted(&place.path("a.evk"), &place.path("b.out.csv"), &[]);
    assert!(place.read("a.out.csv") == place.read("b.out.csv"));
    super::converted(&place.path("other.evk"), &place.path("other.csv"), &[]);
    let column = |file: &str, at: usize| {
        let text = String::from_utf8(place.read(file)).expect("UTF-8");
        text.lines().skip(1).map(|line| line.split(',').nth(at).unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    for at in [4, 5] {
        let (first, other) = (column("a.out.csv", at), column("other.csv", at));
        assert!(first.iter().all(|hash| hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())));
        assert!(first.iter().all(|hash| !other.contains(hash)), "another secret gives other hashes");
        // Who was one is one, and who were two are two.
        let plain = String::from_utf8(place.read("t.csv")).expect("UTF-8");
        let plain: Vec<&str> = plain.lines().skip(1).map(|line| line.split(',').nth(at - 2).unwrap_or_default()).collect();
        for pair in (0..500).zip((0..500).rev()) {
            assert_eq!(plain[pair.0] == plain[pair.1], first[pair.0] == first[pair.1]);
        }
    }
    for file in ["a.evk", "other.evk", "a.out.csv"] {
        let bytes = place.read(file);
        for secret in SECRETS.iter().copied().chain(["first secret", "second secret"]) {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{file} has {secret}");
        }
    }
    let found: Value = super::inspected(&place.path("a.evk"), &[]);
    let shown = found.to_string();
    assert!(SECRETS.iter().all(|secret| !shown.contains(secret)));
}

#[test]
fn what_is_made_anonymous_later_keeps_its_times() {
    // Whole seconds are spread when they are read, and only then.
    let text: String = (0..200).map(|number| format!("{},0.001,/k{},c\n", 1_600_000_000 + number / 10, number % 9)).collect();
    let place = Place::new("words-later").with("t.csv", format!("time,work_s,key,client\n{text}"));
    super::converted(&place.path("t.csv"), &place.path("plain.evk"), &[]);
    super::converted(&place.path("plain.evk"), &place.path("later.evk"), &["--anonymise", "s"]);
    super::converted(&place.path("t.csv"), &place.path("once.evk"), &["--anonymise", "s"]);
    for file in ["plain", "later", "once"] {
        super::converted(&place.path(&format!("{file}.evk")), &place.path(&format!("{file}.csv")), &[]);
    }
    let times = |file: &str| {
        let text = String::from_utf8(place.read(file)).expect("UTF-8");
        text.lines().map(|line| line.split(',').next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(times("plain.csv"), times("later.csv"));
    assert!(place.read("later.csv") == place.read("once.csv"));
}
