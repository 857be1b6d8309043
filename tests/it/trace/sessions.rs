//! `loop = "session"`: clients who wait for their answers before they go on.

use super::{Place, scenario};

const MS: u64 = 1_000_000;

/// In milliseconds: arrival, work (which is what it took then), client. Of c1 the second is sent 20 ms after the first's end, the third while the second is out, the fourth 25 ms after
/// the second's end, which is the last; of c2 the second 39 ms after the first's end.
const LOG: [(u64, u64, &str); 7] =
    [(0, 10, "c1"), (10, 1, "c2"), (30, 5, "c1"), (32, 1, "c1"), (50, 2, "c2"), (60, 2, "c1"), (70, 3, "c3")];

/// The log as a table; `column` is what the times are called.
fn log(column: &str) -> String {
    let line = |&(at, took, client): &(u64, u64, &str)| format!("{},{},{client}\n", 1_000_000_000 + at * MS, took * MS);
    format!("time_ns,{column},client\n{}", LOG.iter().map(line).collect::<String>())
}

/// When each was sent and how long it took, in microseconds, in the order of being sent.
fn sent(place: &Place, arrivals: &str, traffic: &str, speed: &str) -> Vec<(u64, u64)> {
    let backends = format!("[[backends]]\nname = \"b\"\nworkers = \"unlimited\"\nspeed = {speed}");
    let text = scenario(&["random"], &format!("file = \"t.csv\"{arrivals}"), traffic, &backends);
    let mut all: Vec<_> = place.attempts(&text).iter().map(|attempt| (attempt.sent / 1000, attempt.took / 1000)).collect();
    all.sort_unstable();
    all
}

fn ms(pairs: &[(f64, f64)]) -> Vec<(u64, u64)> {
    pairs.iter().map(|pair| ((pair.0 * 1e3) as u64, (pair.1 * 1e3) as u64)).collect()
}

#[test]
fn who_is_slow_delays_the_next_request_of_the_same_client() {
    // The record says how long the backend took, and nothing of the whole: that is what the client waited at least.
    for (name, column, traffic) in
        [("sessions-work", "work_ns", ""), ("sessions-duration", "duration_ns", "work = { from = \"duration\" }")]
    {
        let place = Place::new(name).with("t.csv", log(column));
        let open: Vec<(u64, u64)> = LOG.iter().map(|&(at, work, _)| (at * 1000, work * 10_000)).collect();
        assert_eq!(sent(&place, "", traffic, "0.1"), open, "open: nobody waits");
        // c1: answered at 100, sent again at 120 with the one that went along; both are over at 170, and 25 later comes the last. c2: answered at 20, sent again at 59.
        let slow = [(0.0, 100.0), (10.0, 10.0), (59.0, 20.0), (70.0, 30.0), (120.0, 10.0), (120.0, 50.0), (195.0, 20.0)];
        assert_eq!(sent(&place, ", loop = \"session\"", traffic, "0.1"), ms(&slow), "{name}");
        // Twice as fast: times between requests are halved, the work is not.
        let faster = [(0.0, 100.0), (5.0, 10.0), (34.5, 20.0), (35.0, 30.0), (110.0, 10.0), (110.0, 50.0), (172.5, 20.0)];
        assert_eq!(sent(&place, ", loop = \"session\", scale = 2", traffic, "0.1"), ms(&faster), "{name}");
        // Nobody sends sooner than recorded, however fast the answers come.
        for speed in ["1", "10"] {
            assert_eq!(sent(&place, ", loop = \"session\"", traffic, speed), sent(&place, "", traffic, speed), "{name}: speed {speed}");
        }
    }
}

#[test]
fn a_client_alone_goes_from_answer_to_answer() {
    // Thinks and works of some pattern; in the record nobody waited.
    let (mut now, mut log, mut all) = (0, String::from("time_ns,work_ns,duration_ns,client\n"), Vec::new());
    for number in 0..300_u64 {
        let (work, think) = ((number * 37 % 11 + 1) * MS, number * 53 % 17 * MS);
        log.push_str(&format!("{now},{work},{work},only\n"));
        all.push((now, think));
        now += work + think;
    }
    let place = Place::new("sessions-alone").with("t.csv", log);
    let backends = "[[backends]]\nname = \"fast\"\n[[backends]]\nname = \"slow\"\nspeed = 0.2";
    for balancer in ["round-robin", "random"] {
        let attempts = place.attempts(&scenario(&[balancer], "file = \"t.csv\", loop = \"session\"", "", backends));
        assert_eq!(attempts.len(), 300);
        for (pair, logged) in attempts.windows(2).zip(all.windows(2)) {
            let (answered, (_, think), (recorded, _)) = (pair[0].sent + pair[0].took, logged[0], logged[1]);
            assert_eq!(pair[1].sent, (answered + think).max(recorded), "{balancer}: request {}", pair[1].request);
        }
    }
}

#[test]
fn a_round_begins_whoever_still_waits() {
    let place = Place::new("sessions-repeat").with("t.csv", log("work_ns"));
    let all = sent(&place, ", loop = \"session\", repeat = 3", "", "1");
    // 70 ms and a mean gap: 81 2/3 ms a round.
    let expected: Vec<u64> =
        (0..3).flat_map(|round| LOG.map(|(at, ..)| (at as f64 * 1e3 + f64::from(round) * 70_000.0 * 7.0 / 6.0) as u64)).collect();
    assert_eq!(all.iter().map(|pair| pair.0).collect::<Vec<_>>(), expected);
}
