//! What balancers chose and what they saw then: as lines of JSON, and as a trace for chrome://tracing and Perfetto.
//!
//! In the trace every result is a process; its first track has choices and faults as instants, and every backend is a track of its own, with a slice for each
//! attempt from being sent to its end. Attempts that overlap at one backend are side by side, on further tracks of it.

use super::neutral;
use crate::measure::record::Failure;
use crate::measure::trace::{Attempt, Candidate, Chosen, Event, Traced, What};
use serde_json::{Value, json};

/// A line for each event of each result, in order.
#[must_use]
pub fn lines(traced: &[Traced]) -> String {
    traced.iter().flat_map(|of| of.events.iter().map(move |event| safe(&line(of, event)))).collect()
}

/// One trace of all.
#[must_use]
pub fn chrome(traced: &[Traced]) -> String {
    let mut events = Vec::new();
    for (process, of) in traced.iter().enumerate() {
        let name = of.variant.iter().map(|variant| format!("{variant}: ")).collect::<String>() + of.balancer.as_str();
        events.push(named("process_name", process, 0, &name));
        events.push(named("thread_name", process, 0, "choices"));
        events.extend(of.events.iter().filter_map(|event| instant(process, of, event)));
        let mut track = 1;
        for (backend, known) in of.backends.iter().enumerate() {
            for (lane, slices) in lanes(of, backend as u32).into_iter().enumerate() {
                let more = if lane == 0 { String::new() } else { format!(" ({})", lane + 1) };
                events.push(named("thread_name", process, track, &format!("{}{more}", known.name)));
                events.extend(slices.iter().map(|slice| slice.drawn(process, track)));
                track += 1;
            }
        }
    }
    safe(&json!({ "displayTimeUnit": "ms", "traceEvents": events }))
}

/// An attempt from being sent to its end.
struct Slice {
    from: u64,
    to: u64,
    attempt: Attempt,
    end: &'static str,
}

impl Slice {
    fn of(event: &Event, at: u32) -> Option<Self> {
        let to = event.at;
        match event.what {
            What::Answered { attempt, backend, sent } if backend == at => Some(Self { from: sent, to, attempt, end: "answered" }),
            What::Lost { attempt, backend, sent, cause } if backend == at => Some(Self { from: sent, to, attempt, end: reason(cause) }),
            _ => None,
        }
    }

    fn drawn(&self, process: usize, track: usize) -> Value {
        json!({ "ph": "X", "cat": "attempt", "name": format!("request {}", self.attempt.request), "pid": process, "tid": track,
                "ts": us(self.from), "dur": us(self.to - self.from), "args": { "attempt": self.attempt.number, "end": self.end } })
    }
}

/// The attempts at a backend, in as many lanes as there were of them at once: what is in one lane does not overlap.
fn lanes(of: &Traced, backend: u32) -> Vec<Vec<Slice>> {
    let mut slices: Vec<Slice> = of.events.iter().filter_map(|event| Slice::of(event, backend)).collect();
    slices.sort_by_key(|slice| (slice.from, slice.attempt));
    let mut lanes: Vec<Vec<Slice>> = vec![Vec::new()];
    for slice in slices {
        let is_free = |lane: &Vec<Slice>| lane.last().is_none_or(|last| last.to <= slice.from);
        match lanes.iter().position(is_free) {
            Some(free) => lanes[free].push(slice),
            None => lanes.push(vec![slice]),
        }
    }
    lanes
}

fn reason(cause: Option<Failure>) -> &'static str {
    cause.map_or("another was faster", Failure::name)
}

fn us(ns: u64) -> f64 {
    ns as f64 / 1e3
}

/// On one line, with its end.
fn safe(value: &Value) -> String {
    super::json::safe(&value.to_string())
}

fn named(what: &str, process: usize, track: usize, name: &str) -> Value {
    json!({ "ph": "M", "name": what, "pid": process, "tid": track, "args": { "name": neutral::plain(name) } })
}

/// A number that JavaScript reads exactly, else a text.
fn number(request: u64) -> Value {
    if request < 1 << 53 { json!(request) } else { json!(format!("{request:016x}")) }
}

fn name(of: &Traced, backend: u32) -> &str {
    of.backends.get(backend as usize).map_or("", |backend| &backend.name)
}

fn line(of: &Traced, event: &Event) -> Value {
    let mut line = json!({ "balancer": of.balancer, "variant": of.variant, "time_s": event.at as f64 / 1e9 });
    let more = match &event.what {
        What::Pick { attempt, instance, candidates, left_out, chosen } => {
            json!({ "event": "pick", "request": number(attempt.request), "attempt": attempt.number, "instance": instance, "chosen": choice(of, *chosen),
                    "candidates": candidates.iter().map(|one| candidate(of, one)).collect::<Vec<_>>(), "left_out": left_out })
        }
        What::Answered { attempt, backend, sent } => ended(of, "answered", *attempt, (*backend, *sent), event.at),
        What::Lost { attempt, backend, sent, cause } => {
            let mut value = ended(of, "lost", *attempt, (*backend, *sent), event.at);
            value["cause"] = json!(reason(*cause));
            value
        }
        What::Fault { fault, begins, backends } => {
            let known = of.faults.get(usize::from(*fault)).map(|fault| fault.name.as_str());
            json!({ "event": "fault", "fault": known, "begins": begins,
                    "backends": backends.iter().map(|&backend| name(of, backend)).collect::<Vec<_>>() })
        }
    };
    if let (Some(line), Value::Object(more)) = (line.as_object_mut(), more) {
        line.extend(more);
    }
    line
}

fn ended(of: &Traced, what: &str, attempt: Attempt, (backend, sent): (u32, u64), at: u64) -> Value {
    json!({ "event": what, "request": number(attempt.request), "attempt": attempt.number, "backend": name(of, backend), "sent_s": sent as f64 / 1e9,
            "took_ms": (at - sent) as f64 / 1e6 })
}

fn candidate(of: &Traced, one: &Candidate) -> Value {
    json!({ "backend": name(of, one.backend), "eligible": one.is_eligible, "in_flight": one.in_flight, "weight": one.weight })
}

/// A backend's name; `"wait"` and `null` are what the pick script says, too.
fn choice(of: &Traced, chosen: Chosen) -> Value {
    match chosen {
        Chosen::Backend(backend) => json!(name(of, backend)),
        Chosen::Wait => json!("wait"),
        Chosen::Nobody => Value::Null,
    }
}

/// A choice or a fault, as an instant.
fn instant(process: usize, of: &Traced, event: &Event) -> Option<Value> {
    let (name, args) = match &event.what {
        What::Pick { attempt, chosen, .. } => (
            format!("pick for {}", attempt.request),
            json!({ "request": number(attempt.request), "attempt": attempt.number, "chosen": choice(of, *chosen) }),
        ),
        What::Fault { fault, begins, .. } => {
            let known = of.faults.get(usize::from(*fault)).map_or("", |fault| &fault.name);
            (format!("{} {}", neutral::plain(known), if *begins { "begins" } else { "ends" }), line(of, event))
        }
        What::Answered { .. } | What::Lost { .. } => return None,
    };
    Some(json!({ "ph": "i", "s": "t", "name": name, "pid": process, "tid": 0, "ts": us(event.at), "args": args }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::setup::{Backend, Fault};

    fn traced() -> Vec<Traced> {
        let attempt = Attempt { request: 7, number: 1 };
        let candidates = vec![Candidate { backend: 0, is_eligible: true, in_flight: 3, weight: 2.0 }];
        let events = [
            (1_000, What::Pick { attempt, instance: 0, candidates, left_out: 0, chosen: Chosen::Backend(0) }),
            (2_000, What::Fault { fault: 0, begins: true, backends: vec![0] }),
            (5_000, What::Lost { attempt, backend: 0, sent: 1_000, cause: Some(Failure::Crashed) }),
            (9_000, What::Answered { attempt: Attempt { request: u64::MAX, number: 2 }, backend: 0, sent: 6_000 }),
        ];
        let backend = Backend { name: "web\u{1b}[2J".into(), capacity: 1.0, workers: Some(1), ..Backend::default() };
        vec![Traced {
            balancer: "p2c".into(),
            variant: None,
            backends: [backend].into(),
            faults: [Fault { name: "lose one".into(), kind: "crash".into() }].into(),
            events: events.into_iter().map(|(at, what)| Event { at, what }).collect(),
        }]
    }

    #[test]
    fn every_line_is_an_object() {
        let text = lines(&traced());
        let all: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
        assert_eq!(
            all.iter().map(|line| line["event"].as_str().expect("it has one")).collect::<Vec<_>>(),
            ["pick", "fault", "lost", "answered"]
        );
        assert_eq!(
            (&all[0]["candidates"][0]["in_flight"], &all[2]["cause"], &all[2]["took_ms"]),
            (&json!(3), &json!("crashed"), &json!(0.004))
        );
        assert_eq!((&all[1]["fault"], &all[3]["request"]), (&json!("lose one"), &json!("ffffffffffffffff")));
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn a_trace_has_a_track_for_each_backend_and_ends_what_it_begins() {
        let text = chrome(&traced());
        let trace: Value = serde_json::from_str(&text).expect("it is JSON");
        let events = trace["traceEvents"].as_array().expect("a list");
        let count = |phase: &str| events.iter().filter(|event| event["ph"] == phase).count();
        assert_eq!(["M", "i", "X"].map(count), [3, 2, 2]);
        assert!(!text.contains('\u{1b}'));
    }
}
