//! The short questions: where do these keys go, what is the split, which keys move?

use super::desk::Desk;
use crate::balance::{self, Member, Pick, Said, client_address};
use crate::random::{Purpose, Stream, derive};
use crate::scenario::PickScript;
use serde_json::{Map, Value, json};

/// Moves that are listed one by one; beyond, they are only counted.
const MOVES_LISTED: usize = 1000;

/// What is asked of the balancer of a script without steps.
#[derive(Debug)]
pub struct Question<'s> {
    /// The balancer, its backends and the seed.
    pub script: &'s PickScript,
    /// These keys, in turn; none: every request has its number for a key.
    pub keys: Vec<String>,
    /// These clients, in turn; none: every request has a client of its own.
    pub clients: Vec<String>,
    /// So many requests; `None`: one for each key.
    pub count: Option<u64>,
    /// Backends that leave, by their place in the script.
    pub remove: Vec<usize>,
    /// Backends that join.
    pub add: Vec<Member>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswerable {
    /// The balancer does not go by key.
    #[error("{0} does not go by key or client: nothing stays, so nothing moves; ask for the split with --count instead")]
    NotByKey(&'static str),
    /// The balancer is in trouble, which it describes.
    #[error("{0}")]
    Trouble(String),
}

/// How many picks are made where nothing else is said: enough to see a pattern.
const PATTERN: u64 = 20;

impl Question<'_> {
    /// The answer as JSON.
    ///
    /// # Errors
    /// A question that means nothing to this balancer.
    pub fn answer(&self) -> Result<Value, Unanswerable> {
        let by_key = balance::find(self.script.kind).is_some_and(|listed| listed.by_key);
        if self.remove.is_empty() && self.add.is_empty() {
            return if self.count.is_some() { self.split(by_key) } else { self.picks() };
        }
        if by_key { self.moves() } else { Err(Unanswerable::NotByKey(self.script.kind)) }
    }

    fn desk(&self) -> Desk {
        let balancer = balance::build(self.script.kind, &self.script.values).expect("the decoder knows only kinds of the catalogue");
        let chance = Stream::scripted(self.script.draws.iter().copied(), derive(self.script.seed, 0, Purpose::Balancer, 0));
        Desk::new(balancer, self.script.members.clone(), chance)
    }

    fn requests(&self) -> u64 {
        match (self.count, self.keys.len().max(self.clients.len())) {
            (Some(count), _) => count,
            (None, 0) => PATTERN,
            (None, said) => said as u64,
        }
    }

    fn said(&self, number: u64) -> Said {
        let word = |words: &[String]| words.get(number.checked_rem(words.len() as u64)? as usize).cloned();
        Said {
            key: Some(word(&self.keys).unwrap_or_else(|| number.to_string())),
            client: Some(word(&self.clients).unwrap_or_else(|| client_address(number as u32).to_string())),
            criteria: Vec::new(),
        }
    }

    /// One request after the other: where each goes, or that there is no place.
    fn ask(&self, desk: &mut Desk, mut tell: impl FnMut(u64, Option<usize>)) -> Result<(), Unanswerable> {
        for number in 0..self.requests() {
            let pick = desk.pick(number, self.said(number), 0);
            desk.done(number, true, None);
            tell(number, if let Pick::Backend(backend) = pick { Some(backend.index()) } else { None });
        }
        desk.trouble().map_or(Ok(()), |trouble| Err(Unanswerable::Trouble(trouble)))
    }

    fn name(&self, place: Option<usize>) -> Value {
        let members = self.script.members.iter().chain(&self.add);
        place.and_then(|at| members.map(|member| &member.name).nth(at)).map_or(Value::Null, |name| json!(name))
    }

    fn picks(&self) -> Result<Value, Unanswerable> {
        let mut picks = Vec::new();
        let mut counts = vec![0_u64; self.script.members.len()];
        self.ask(&mut self.desk(), |_, place| {
            picks.push(self.name(place));
            place.into_iter().for_each(|at| counts[at] += 1);
        })?;
        let counts: Map<String, Value> =
            self.script.members.iter().zip(counts).map(|(member, count)| (member.name.clone(), json!(count))).collect();
        Ok(json!({"picks": picks, "counts": counts}))
    }

    fn split(&self, by_key: bool) -> Result<Value, Unanswerable> {
        let mut desk = self.desk();
        let before = desk.chance().clone();
        let mut counts = vec![0_u64; self.script.members.len()];
        self.ask(&mut desk, |_, place| place.into_iter().for_each(|at| counts[at] += 1))?;
        let requests = self.requests();
        let by = match (by_key, *desk.chance() == before) {
            (true, _) => "keys",
            (false, false) => "chance",
            (false, true) => "rule",
        };
        let split = |(member, &count): (&Member, &u64)| {
            let share = count as f64 / requests.max(1) as f64;
            let error = (by != "rule").then(|| standard_error(share, requests));
            (member.name.clone(), json!({"picks": count, "share": share, "standard_error": error}))
        };
        let split: Map<String, Value> = self.script.members.iter().zip(&counts).map(split).collect();
        Ok(json!({"requests": requests, "split_by": by, "split": split}))
    }

    fn moves(&self) -> Result<Value, Unanswerable> {
        let mut before = Vec::new();
        let mut desk = self.desk();
        self.ask(&mut desk, |_, place| before.push(place))?;
        let mut desk = self.desk();
        for &at in &self.remove {
            desk.leave(crate::balance::BackendId(at as u32));
        }
        for member in &self.add {
            desk.join(member.clone());
        }
        let (mut moved, mut moves) = (0_u64, Vec::new());
        self.ask(&mut desk, |number, place| {
            let was = before[number as usize];
            if was != place {
                moved += 1;
                if moves.len() < MOVES_LISTED {
                    moves.push(json!({"key": self.said(number).key, "from": self.name(was), "to": self.name(place)}));
                }
            }
        })?;
        let keys = self.requests();
        let share = moved as f64 / keys.max(1) as f64;
        Ok(json!({"keys": keys, "moved": moved, "moved_share": share, "standard_error": standard_error(share, keys), "moves": moves}))
    }
}

/// Of a share of so many independent draws.
fn standard_error(share: f64, of: u64) -> f64 {
    (share * (1.0 - share) / of.max(1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{NoFiles, Source, load_pick_script};

    fn script(kind: &str) -> PickScript {
        let text = format!(r#"{{"balancer": "{kind}", "backends": [{{"name": "a"}}, {{"name": "b"}}, {{"name": "c"}}]}}"#);
        load_pick_script(&Source::new("ask.json", text.as_bytes()), &NoFiles).expect("it is right")
    }

    fn question(script: &PickScript) -> Question<'_> {
        Question { script, keys: Vec::new(), clients: Vec::new(), count: None, remove: Vec::new(), add: Vec::new() }
    }

    #[test]
    fn a_split_says_what_it_varies_by() {
        for (kind, by) in [("round-robin", "rule"), ("random", "chance"), ("ring-hash", "keys")] {
            let script = script(kind);
            let answer = Question { count: Some(3000), ..question(&script) }.answer().expect("it has a split");
            assert_eq!(answer["split_by"], by);
            let b = &answer["split"]["b"];
            let share = b["share"].as_f64().expect("a number");
            // For binomials four standard errors of 0.0086; a ring of 160 points a backend varies by another 0.05.
            assert!((share - 1.0 / 3.0).abs() < 0.2, "{kind} {share}");
            let error = b["standard_error"].as_f64();
            assert_eq!(error.is_some(), by != "rule");
            assert!(error.is_none_or(|error| (error - (share * (1.0 - share) / 3000.0).sqrt()).abs() < 1e-12));
        }
    }

    #[test]
    fn only_the_keys_of_who_leaves_move() {
        let script = script("ring-hash");
        let answer = Question { count: Some(500), remove: vec![1], ..question(&script) }.answer().expect("it goes by key");
        let moves = answer["moves"].as_array().expect("a list");
        assert_eq!(answer["moved"], json!(moves.len()));
        assert!(!moves.is_empty() && moves.iter().all(|moved| moved["from"] == "b" && moved["to"] != "b"));
        let none = Question { count: Some(5), remove: vec![0], ..question(&self::script("random")) }.answer();
        assert_eq!(none, Err(Unanswerable::NotByKey("random")));
    }

    #[test]
    fn without_a_question_a_pattern_is_shown() {
        let script = script("round-robin");
        let answer = question(&script).answer().expect("it picks");
        assert_eq!(answer["picks"].as_array().map(Vec::len), Some(20));
        assert_eq!(answer["counts"], json!({"a": 7, "b": 7, "c": 6}));
    }
}
