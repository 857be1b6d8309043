//! A pick script, done: what was picked, step by step.

use super::desk::{Desk, Tried};
use crate::balance::{self, BackendId, Pick, Said};
use crate::random::{Purpose, Stream, derive};
use crate::scenario::{Asked, Diagnostics, Fault, PickScript, Step};
use serde_json::{Map, Value, json};

/// Numbers that `repeat` gives its requests begin here: what a script says is below.
const OWN_NUMBERS: u64 = 1 << 60;

/// What came of a script.
#[derive(Debug)]
struct Answer<'s> {
    script: &'s PickScript,
    desk: Desk,
    names: Vec<String>,
    picks: Vec<Value>,
    counts: Vec<u64>,
    attempts: Vec<Value>,
    status: Vec<Value>,
    dispatched: usize,
    next: u64,
}

/// Does a script, and says what came of it as JSON.
///
/// # Errors
/// A step that cannot be done: a request that is open already is opened again.
pub fn answer(script: &PickScript) -> Result<Value, Diagnostics> {
    let balancer = balance::build(script.kind, &script.values).expect("the decoder knows only kinds of the catalogue");
    let chance = Stream::scripted(script.draws.iter().copied(), derive(script.seed, 0, Purpose::Balancer, 0));
    let mut answer = Answer {
        script,
        desk: Desk::new(balancer, script.members.clone(), chance),
        names: script.members.iter().map(|member| member.name.clone()).collect(),
        picks: Vec::new(),
        counts: vec![0; script.names.len()],
        attempts: Vec::new(),
        status: Vec::new(),
        dispatched: 0,
        next: OWN_NUMBERS,
    };
    for (at, step) in script.steps.iter().enumerate() {
        answer.step(step).map_err(|fault| script.fault(at, fault))?;
    }
    Ok(answer.json())
}

impl Answer<'_> {
    fn step(&mut self, step: &Step) -> Result<(), Fault> {
        match step {
            Step::Pick(number, asked) => {
                self.is_free(*number)?;
                let Asked { said, class } = asked.clone();
                let pick = self.desk.pick(*number, said, class);
                self.picked(pick);
            }
            Step::Request(number, asked) => {
                self.is_free(*number)?;
                let Asked { said, class } = asked.clone();
                let tried = self.desk.request(*number, said, class);
                self.tried(&tried);
            }
            Step::Retry(number) => {
                let pick = if self.desk.is_open(*number) { self.desk.retry(*number) } else { Pick::None };
                self.picked(pick);
            }
            Step::Done(number, ok, latency) => self.desk.done(*number, *ok, *latency),
            Step::Repeat(times, keys, clients) => self.repeat(*times, keys, clients),
            Step::Advance(span) => self.desk.advance(*span),
            Step::Weights(weights) => weights.iter().for_each(|&(backend, weight)| self.desk.set_weight(backend, weight)),
            Step::States(states) => states.iter().for_each(|&(backend, state)| self.desk.set_state(backend, state)),
            Step::Refusing(backends) => self.desk.refuse(backends.iter().copied()),
            Step::Add(member) => {
                self.names.push(member.name.clone());
                self.desk.join(Clone::clone(member));
            }
            Step::Remove(backend) => self.desk.leave(*backend),
            Step::Rebuild => self.desk.rebuild(),
            Step::InFlight(counts) => counts.iter().for_each(|&(backend, count)| self.desk.set_in_flight(backend, count)),
            Step::Reports(reports) => reports.iter().for_each(|(backend, report)| self.desk.report(*backend, report)),
        }
        if let Some(trouble) = self.desk.trouble() {
            return Err(Fault::File(trouble));
        }
        while let Some(&(_, backend)) = self.desk.dispatched().get(self.dispatched) {
            self.dispatched += 1;
            self.counts[backend.index()] += 1;
        }
        Ok(())
    }

    fn is_free(&self, number: u64) -> Result<(), Fault> {
        if self.desk.is_open(number) { Err(Fault::TwiceNamed(format!("request {number} is open already"))) } else { Ok(()) }
    }

    fn repeat(&mut self, times: u64, keys: &[String], clients: &[String]) {
        let word = |words: &[String], at: u64| words.get(at.checked_rem(words.len() as u64)? as usize).cloned();
        for at in 0..times {
            let number = self.next;
            self.next += 1;
            let said = Said { key: word(keys, at), client: word(clients, at), criteria: Vec::new() };
            let pick = self.desk.pick(number, said, 0);
            self.picked(pick);
            self.desk.done(number, true, None);
        }
    }

    fn picked(&mut self, pick: Pick) {
        if let Pick::Backend(backend) = pick {
            self.counts[backend.index()] += 1;
        }
        let word = match pick {
            Pick::Backend(backend) => self.name(backend),
            Pick::Wait => json!("wait"),
            Pick::None => Value::Null,
        };
        self.picks.push(word);
    }

    fn tried(&mut self, tried: &Tried) {
        tried.attempts.iter().for_each(|backend| self.counts[backend.index()] += 1);
        let last = tried.attempts.last().map_or(Value::Null, |&backend| self.name(backend));
        self.picks.push(match tried.status {
            Some(200) => last,
            Some(_) => Value::Null,
            None => json!("wait"),
        });
        self.attempts.push(tried.attempts.iter().map(|&backend| self.name(backend)).collect());
        self.status.push(json!(tried.status));
    }

    fn name(&self, backend: BackendId) -> Value {
        json!(self.names[backend.index()])
    }

    fn json(self) -> Value {
        // A name that left and came again is one name.
        let mut counts = Map::new();
        for (name, count) in self.script.names.iter().zip(&self.counts) {
            let so_far = counts.get(name).and_then(Value::as_u64).unwrap_or(0);
            counts.insert(name.clone(), json!(so_far + count));
        }
        let dispatched: Vec<Value> = self.desk.dispatched().iter().map(|&(number, backend)| json!([number, self.name(backend)])).collect();
        let mut answer = Map::new();
        answer.insert("picks".into(), Value::Array(self.picks));
        answer.insert("counts".into(), Value::Object(counts));
        if !self.attempts.is_empty() {
            answer.insert("attempts".into(), Value::Array(self.attempts));
            answer.insert("status".into(), Value::Array(self.status));
        }
        if !dispatched.is_empty() {
            answer.insert("dispatched".into(), Value::Array(dispatched));
        }
        Value::Object(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{NoFiles, Source, load_pick_script};

    fn ask(text: &str) -> String {
        let script = load_pick_script(&Source::new("ask.json", text.as_bytes()), &NoFiles).expect("it is right");
        answer(&script).expect("it can be done").to_string()
    }

    #[test]
    fn a_script_is_done_step_by_step() {
        let text = r#"{"balancer": {"kind": "least-connections", "ties": "first"},
            "backends": [{"name": "a"}, {"name": "b", "weight": 2}],
            "steps": [{"pick": 1}, {"pick": 2, "key": "/x"}, {"done": 1}, {"pick": 3}, {"down": "a"}, {"repeat": 2},
                      {"remove": "b"}, {"pick": 9}, {"add": {"name": "b"}}, {"pick": 10}]}"#;
        assert_eq!(ask(text), r#"{"picks":["a","b","a","b","b",null,"b"],"counts":{"a":2,"b":4}}"#);
    }

    #[test]
    fn requests_say_their_attempts_and_those_that_waited_where_they_went() {
        let text = r#"{"balancer": "central-queue", "backends": [{"name": "a"}, {"name": "b"}],
            "steps": [{"refusing": ["a", "b"]}, {"request": 1}, {"refusing": []}, {"pick": 2}, {"pick": 3}, {"pick": 4}, {"done": 2}]}"#;
        let answer: Value = serde_json::from_str(&ask(text)).expect("JSON");
        assert_eq!(answer["status"], json!([503]));
        assert_eq!(answer["picks"][3], "wait");
        assert_eq!(answer["dispatched"], json!([[4, answer["picks"][1]]]));
    }

    #[test]
    fn a_request_is_not_opened_twice() {
        let text = r#"{"balancer": "round-robin", "backends": [{}], "steps": [{"pick": 1}, {"pick": 1}]}"#;
        let script = load_pick_script(&Source::new("ask.json", text.as_bytes()), &NoFiles).expect("it reads");
        let found = answer(&script).expect_err("request 1 is open").to_string();
        assert!(found.contains("request 1 is open already") && found.contains("steps[1]"), "{found}");
    }

    #[test]
    fn scripted_draws_go_first() {
        let text = r#"{"balancer": "random", "backends": [{"name": "a"}, {"name": "b"}], "draws": ["18446744073709551615", "0"], "steps": [{"repeat": 2}]}"#;
        assert_eq!(ask(text), r#"{"picks":["b","a"],"counts":{"a":1,"b":1}}"#);
    }
}
