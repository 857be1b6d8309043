//! Pinned results: a small scenario for each feature, with a hash over everything it gave.
//!
//! They hold on every machine and platform. Where one changes on purpose, the results of users change with it: paste the new table, and say so in the
//! changelog.

use evenkeel::engine;
use evenkeel::measure::record::Record;
use evenkeel::measure::recorder::Recorder;
use evenkeel::plan::Plan;
use evenkeel::random::mix;
use evenkeel::scenario::{self, NoFiles, Source};

/// What differs from a small scenario: `[[traffic]]`, `[[backends]]`, the balancer's table, and the rest.
struct Small {
    name: &'static str,
    traffic: &'static str,
    backends: &'static str,
    balancer: &'static str,
    rest: &'static str,
}

const POISSON: &str = "arrivals = { process = \"poisson\", rate = \"350/s\" }\nwork = { dist = \"exponential\", mean = \"10ms\" }";
const FIVE: &str = "count = 5";
const LEAST: &str = "kind = \"least-connections\"";

const fn balancing(name: &'static str, balancer: &'static str) -> Small {
    Small { name, traffic: POISSON, backends: FIVE, balancer, rest: "" }
}

const fn arriving(name: &'static str, traffic: &'static str) -> Small {
    Small { name, traffic, backends: FIVE, balancer: LEAST, rest: "" }
}

const fn serving(name: &'static str, backends: &'static str) -> Small {
    Small { name, traffic: POISSON, backends, balancer: LEAST, rest: "" }
}

const fn knowing(name: &'static str, balancer: &'static str, rest: &'static str) -> Small {
    Small { name, traffic: POISSON, backends: FIVE, balancer, rest }
}

const UNEQUAL: &str = "count = 3\nweight = 3\nspeed = 2\n[[backends]]\nname = \"slow\"\ncount = 2\nspeed = 0.5";

static SMALL: &[Small] = &[
    balancing("round-robin", "kind = \"round-robin\""),
    Small { backends: UNEQUAL, ..balancing("weighted-round-robin", "kind = \"weighted-round-robin\"") },
    balancing("random", "kind = \"random\""),
    Small { backends: UNEQUAL, ..balancing("weighted-random", "kind = \"weighted-random\"") },
    balancing("least-connections", LEAST),
    balancing("least-connections first", "kind = \"least-connections\"\nties = \"first\""),
    balancing("least-connections round", "kind = \"least-connections\"\nties = \"round-robin\""),
    Small { backends: UNEQUAL, ..balancing("least-connections weighted", "kind = \"least-connections\"\nweighted = true") },
    balancing("power-of-d", "kind = \"power-of-d\""),
    balancing("power-of-d repeated", "kind = \"power-of-d\"\nchoices = 3\ndistinct = false"),
    balancing("power-of-d deck", "kind = \"power-of-d\"\nchoices = 3"),
    balancing("ring-hash", "kind = \"ring-hash\""),
    balancing("join-shortest-queue", "kind = \"join-shortest-queue\""),
    balancing("least-work", "kind = \"least-work\""),
    balancing("central-queue", "kind = \"central-queue\""),
    arriving("constant", "arrivals = { process = \"constant\", rate = \"350/s\" }\nwork = { dist = \"erlang\", k = 3, mean = \"10ms\" }"),
    arriving(
        "renewal",
        "arrivals = { process = \"renewal\", gap = { dist = \"lognormal\", mean = \"3ms\", cv = 1.5 } }\nwork = { dist = \"gamma\", mean = \"10ms\", cv = 0.7 }",
    ),
    arriving(
        "mmpp",
        "arrivals = { process = \"mmpp\", states = [{ rate = \"100/s\", mean_stay = \"1s\" }, { rate = \"600/s\", mean_stay = \"500ms\" }] }\nwork = { dist = \"weibull\", shape = 0.8, mean = \"10ms\" }",
    ),
    arriving(
        "on-off",
        "arrivals = { process = \"on-off\", on = \"200ms\", off = \"100ms\", rate = \"300/s\" }\nwork = { dist = \"hyperexponential\", mean = \"10ms\", cv = 2 }",
    ),
    arriving(
        "batch",
        "arrivals = { process = \"batch\", size = { dist = \"geometric\", mean = 3 }, rate = \"300/s\" }\nwork = { dist = \"uniform\", min = \"5ms\", max = \"15ms\" }",
    ),
    arriving(
        "closed",
        "arrivals = { process = \"closed\", clients = 8, think = { dist = \"exponential\", mean = \"10ms\" } }\nwork = { dist = \"exponential\", mean = \"10ms\" }",
    ),
    arriving(
        "wave",
        "arrivals = { process = \"poisson\", rate = \"300/s\", shape = { wave = { amplitude = 0.5, period = \"2s\" } } }\nwork = { dist = \"pareto\", alpha = 2.5, min = \"4ms\", max = \"400ms\" }",
    ),
    arriving(
        "ramp",
        "arrivals = { process = \"poisson\", rate = \"300/s\", shape = { ramp = { from = 0.5, to = 1.5, over = \"4s\" } } }\nwork = { dist = \"normal\", mean = \"10ms\", stddev = \"4ms\" }",
    ),
    arriving(
        "spike",
        "arrivals = { process = \"poisson\", rate = \"300/s\", shape = { spike = { at = \"1s\", for = \"500ms\", factor = 3 } } }\nwork = \"8ms\"",
    ),
    arriving(
        "steps",
        "arrivals = { process = \"poisson\", rate = \"300/s\", shape = { steps = [[\"1s\", 1.5], [\"2s\", 0.5]] } }\nwork = { dist = \"mixture\", parts = [{ share = 0.9, dist = \"constant\", value = \"5ms\" }, { share = 0.1, dist = \"exponential\", mean = \"40ms\" }] }",
    ),
    arriving(
        "zipf keys",
        "arrivals = { process = \"poisson\", rate = \"300/s\" }\nwork = \"9ms\"\nkeys = { dist = \"zipf\", count = 1000, exponent = 1.1 }",
    ),
    arriving(
        "clients",
        "arrivals = { process = \"poisson\", rate = \"300/s\" }\nwork = \"9ms\"\nclients = { count = 20, connections = 2, requests_per_connection = 10 }",
    ),
    serving("lifo", "count = 5\ndiscipline = \"lifo\""),
    serving("processor sharing", "count = 5\ndiscipline = \"processor-sharing\""),
    serving("priority", "count = 5\ndiscipline = \"priority\""),
    serving("several workers", "count = 2\nworkers = 3"),
    serving("unlimited workers", "count = 2\nworkers = \"unlimited\""),
    serving("bounded queue", "count = 4\nqueue = 1"),
    serving("per in flight", "count = 2\nworkers = 4\nper_in_flight = \"1ms\""),
    serving("network", "count = 5\nnetwork = { dist = \"exponential\", mean = \"2ms\" }"),
    serving("cache", "count = 3\ncache = { keys = 50, hit = 0.2 }"),
    knowing("own views", LEAST, "[tier]\ninstances = 4"),
    knowing("shared view", LEAST, "[tier]\ninstances = 4\nview = \"shared\""),
    knowing("stale view", LEAST, "[tier]\ninstances = 4\nview = \"shared\"\nrefresh = \"20ms\""),
    knowing(
        "stale view with own",
        "kind = \"power-of-d\"",
        "[tier]\ninstances = 4\nview = \"shared\"\nrefresh = \"20ms\"\nadds_own = true",
    ),
    Small {
        traffic: "zone = \"a\"\narrivals = { process = \"poisson\", rate = \"350/s\" }\nwork = \"9ms\"\nclients = { count = 20, connections = 3, requests_per_connection = 7 }",
        ..knowing("connections", LEAST, "[tier]\ninstances = 3\nassign = \"client\"\npicks = \"connection\"")
    },
    Small {
        traffic: "zone = \"a\"\narrivals = { process = \"poisson\", rate = \"250/s\" }\nwork = \"9ms\"\n[[traffic]]\nname = \"more\"\nzone = \"b\"\npriority = -1\narrivals = { process = \"poisson\", rate = \"100/s\" }\nwork = \"9ms\"",
        backends: "count = 3\nzone = \"a\"\ndiscipline = \"priority\"\n[[backends]]\nname = \"far\"\ncount = 2\nzone = \"b\"",
        ..knowing("zones", LEAST, "[tier]\nzone = \"a\"\n[network]\nbetween = [ { from = \"a\", to = \"b\", delay = \"3ms\" } ]")
    },
    Small {
        traffic: "arrivals = { process = \"poisson\", load = 1.3 }\nwork = { dist = \"exponential\", mean = \"10ms\" }",
        ..knowing("overload", LEAST, "")
    },
];

/// The hashes, in the order of the scenarios.
const PINNED: &[(&str, u64)] = &[
    ("round-robin", 0x8e36_ca39_2430_4291),
    ("weighted-round-robin", 0x420c_4393_ee2d_cf85),
    ("random", 0x2e7b_8907_ff0b_a717),
    ("weighted-random", 0xcaf6_306b_7522_31d4),
    ("least-connections", 0x0ac0_a31f_9753_8b1c),
    ("least-connections first", 0xe865_936d_90d2_da7d),
    ("least-connections round", 0x6e5e_1cc4_b905_84a0),
    ("least-connections weighted", 0xe5ae_ff00_75f6_4db0),
    ("power-of-d", 0x078a_7844_c6ce_c3b3),
    ("power-of-d repeated", 0x14d4_f770_c503_6cd2),
    ("power-of-d deck", 0xf2e3_31a7_b1b2_6f8b),
    ("ring-hash", 0xdf8c_e24c_1cfa_7c47),
    ("join-shortest-queue", 0x0ac0_a31f_9753_8b1c),
    ("least-work", 0x8b9f_60a5_b184_b8c7),
    ("central-queue", 0x452a_087f_17a2_6490),
    ("constant", 0x3f57_518d_ee88_2ef3),
    ("renewal", 0x604c_28a3_c845_fe90),
    ("mmpp", 0x3923_66cc_6164_bd10),
    ("on-off", 0xf0c4_6ca4_12ab_371e),
    ("batch", 0x1fa9_4309_592b_8312),
    ("closed", 0x5e29_1646_95bc_2129),
    ("wave", 0x8c42_f5b0_b5ae_faa6),
    ("ramp", 0x67f6_c2ce_6dfd_3639),
    ("spike", 0x2d62_a761_76b7_8066),
    ("steps", 0x6d03_fa8c_d92e_ca32),
    ("zipf keys", 0x9c6b_5bb6_329e_0a66),
    ("clients", 0x9c6b_5bb6_329e_0a66),
    ("lifo", 0x6316_1afc_e194_6b2a),
    ("processor sharing", 0xa8a1_9c66_115f_8e55),
    ("priority", 0x0ac0_a31f_9753_8b1c),
    ("several workers", 0xe8c6_9721_bcfd_25a8),
    ("unlimited workers", 0x813e_de0f_80fb_a34f),
    ("bounded queue", 0x550a_e814_da99_3531),
    ("per in flight", 0x4cf7_0b66_ea31_de76),
    ("network", 0x77ac_ee2b_5edf_3ffd),
    ("cache", 0xd68a_11c1_04b9_6eb0),
    ("own views", 0x81a8_58c7_4168_1b08),
    ("shared view", 0x18f0_6bf3_1d55_b177),
    ("stale view", 0x0365_95ac_d690_1777),
    ("stale view with own", 0x150f_5c23_4d52_e890),
    ("connections", 0x0d19_9b08_6ba1_c7c6),
    ("zones", 0xf88b_cf66_2573_84d6),
    ("overload", 0x247a_312e_449d_8a2f),
];

fn run(small: &Small) -> Record {
    let Small { name, traffic, backends, balancer, rest } = small;
    let text = format!(
        "[run]\nrequests = 4000\n[[traffic]]\n{traffic}\n[[backends]]\nname = \"web\"\n{backends}\n[[balancer]]\n{balancer}\n{rest}\n"
    );
    let loaded =
        scenario::load(&Source::new(name, text.as_bytes()), &[], &NoFiles).unwrap_or_else(|faults| panic!("{name}: {faults:#?}\n{text}"));
    let plan = Plan::new(&loaded.variants[0].scenario, None).expect("the golden scenarios can be planned");
    let (recorder, ending) = engine::run(&plan, 0, 1, Recorder::new(&plan), &mut |_| true).expect("nobody interrupts");
    recorder.finish(&ending)
}

/// Over every decision and outcome, the main counts, and percentiles.
fn digest(record: &Record) -> u64 {
    let counts =
        [record.fingerprint, record.offered, record.succeeded, record.failed, record.attempts, record.waited, record.events, record.end.0];
    let areas =
        [record.latency.sum() as u64, record.wait.sum() as u64, record.in_system_area as u64, record.overloaded_at.map_or(0, |at| at.0)];
    let percentiles = [0.5, 0.99, 0.999].map(|share| record.latency.quantile(share).unwrap_or(0));
    let backends = record.backends.iter().flat_map(|backend| [backend.requests, backend.in_flight_max, backend.busy_area as u64]);
    counts.into_iter().chain(areas).chain(percentiles).chain(backends).fold(0, |hash, value| mix(hash ^ value))
}

#[test]
fn results_are_what_they_were() {
    let now: Vec<(&str, u64)> = SMALL.iter().map(|small| (small.name, digest(&run(small)))).collect();
    if now != PINNED {
        let changed: Vec<&str> = now.iter().filter(|entry| !PINNED.contains(entry)).map(|(name, _)| *name).collect();
        let table: String = now.iter().map(|(name, hash)| format!("    ({name:?}, 0x{hash:016x}),\n")).collect();
        panic!("results have changed ({}): say so in the changelog, and paste\n{table}", changed.join(", "));
    }
}
