//! The observer that writes down what balancers choose, and what they see then: for so many choices, and until the attempts that came of them have ended.

use super::record::Failure;
use super::setup::{Backend, Fault};
use crate::balance::{BackendId, Pick};
use crate::engine::{Choice, Observer, Request};
use crate::fault::Change;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// So many candidates are written down of a choice.
pub const CANDIDATES: u32 = 64;

/// What was traced of one balancer.
#[derive(Clone, Debug)]
pub struct Traced {
    /// Its label.
    pub balancer: String,
    /// The variant.
    pub variant: Option<String>,
    /// All backends, by number.
    pub backends: Arc<[Backend]>,
    /// All faults, by number.
    pub faults: Arc<[Fault]>,
    /// What happened, in order.
    pub events: Vec<Event>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When, in nanoseconds.
    pub at: u64,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A balancer chose for an attempt.
    Pick {
        /// The attempt.
        attempt: Attempt,
        /// Which instance of the balancer.
        instance: u32,
        /// The backends as that instance knew them; at most [`CANDIDATES`] of them.
        candidates: Vec<Candidate>,
        /// How many more there were.
        left_out: u32,
        /// What it chose.
        chosen: Chosen,
    },
    /// An attempt was answered.
    Answered {
        /// The attempt.
        attempt: Attempt,
        /// Where.
        backend: u32,
        /// When it was sent, in nanoseconds.
        sent: u64,
    },
    /// An attempt ended otherwise.
    Lost {
        /// The attempt.
        attempt: Attempt,
        /// Where.
        backend: u32,
        /// When it was sent, in nanoseconds.
        sent: u64,
        /// Why; `None`: another was faster.
        cause: Option<Failure>,
    },
    /// A fault begins or ends to show.
    Fault {
        /// Which.
        fault: u16,
        /// Whether it begins.
        begins: bool,
        /// Where.
        backends: Vec<u32>,
    },
}

/// One attempt for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attempt {
    /// The request's number; of a call between services, 64 bits that tell it from others.
    pub request: u64,
    /// Which attempt for it, from 1.
    pub number: u8,
}

/// What a balancer instance knew of a backend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// Its number.
    pub backend: u32,
    /// Whether it might be chosen.
    pub is_eligible: bool,
    /// Requests in flight there, as far as the instance knew.
    pub in_flight: u32,
    /// Its weight.
    pub weight: f64,
}

/// A choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// This backend.
    Backend(u32),
    /// To wait.
    Wait,
    /// None: nobody was eligible.
    Nobody,
}

/// Writes events down.
#[derive(Debug)]
pub struct Tracer<'a> {
    events: &'a mut Vec<Event>,
    /// Set when there is nothing more to come.
    is_done: &'a Cell<bool>,
    left: u64,
    /// When the last choice that was written down was made, if it was the last choice.
    chosen_at: Option<u64>,
    /// Attempts that are out, by request and backend, in the order in which they were sent: their numbers, and when. Calls of attempts that run side by side bear one
    /// request's number, so that the number of an attempt alone does not tell them apart.
    out: BTreeMap<(u64, u32), Vec<(u8, u64)>>,
}

impl<'a> Tracer<'a> {
    /// Writes down so many choices.
    pub fn new(picks: u64, events: &'a mut Vec<Event>, is_done: &'a Cell<bool>) -> Self {
        Self { events, is_done, left: picks, chosen_at: None, out: BTreeMap::new() }
    }

    /// The attempt that has ended there: the one of this number, else the one that was sent first.
    fn end(&mut self, request: &Request, backend: u32, event: impl FnOnce(Attempt, u64) -> Event) {
        let std::collections::btree_map::Entry::Occupied(mut there) = self.out.entry((request.number, backend)) else { return };
        let place = there.get().iter().position(|&(number, _)| number == request.attempts).unwrap_or(0);
        let (number, sent) = there.get_mut().remove(place);
        if there.get().is_empty() {
            there.remove();
        }
        self.events.push(event(Attempt { request: request.number, number }, sent));
        self.is_done.set(self.left == 0 && self.out.is_empty());
    }
}

impl Observer for Tracer<'_> {
    const PICKS: bool = true;

    fn picked(&mut self, request: &Request, choice: &Choice<'_>) {
        self.chosen_at = None;
        if self.left == 0 {
            return self.is_done.set(self.out.is_empty());
        }
        self.left -= 1;
        self.chosen_at = Some(choice.now);
        let all = choice.pool.len() as u32;
        let known = |backend: u32| Candidate {
            backend: choice.first + backend,
            is_eligible: choice.pool.is_eligible(BackendId(backend)),
            in_flight: choice.pool.in_flight(BackendId(backend)),
            weight: choice.pool.weight(BackendId(backend)),
        };
        let what = What::Pick {
            attempt: Attempt { request: request.number, number: request.attempts.saturating_add(1) },
            instance: choice.instance,
            candidates: (0..all.min(CANDIDATES)).map(known).collect(),
            left_out: all.saturating_sub(CANDIDATES),
            chosen: match choice.pick {
                Pick::Backend(backend) => Chosen::Backend(choice.first + backend.0),
                Pick::Wait => Chosen::Wait,
                Pick::None => Chosen::Nobody,
            },
        };
        self.events.push(Event { at: choice.now, what });
    }

    fn sent(&mut self, request: &Request, backend: u32) {
        // An attempt is sent at the instant of its choice.
        if let Some(now) = self.chosen_at.take() {
            self.out.entry((request.number, backend)).or_default().push((request.attempts, now));
        }
    }

    fn answered(&mut self, request: &Request, backend: u32, latency: u64) {
        self.end(request, backend, |attempt, sent| Event { at: sent + latency, what: What::Answered { attempt, backend, sent } });
    }

    fn lost(&mut self, request: &Request, backend: u32, cause: Option<Failure>, now: u64) {
        self.end(request, backend, |attempt, sent| Event { at: now, what: What::Lost { attempt, backend, sent, cause } });
    }

    fn fault(&mut self, change: &Change, now: u64) {
        if !self.is_done.get() {
            let what = What::Fault { fault: change.fault, begins: change.begins, backends: change.backends.clone() };
            self.events.push(Event { at: now, what });
        }
    }
}
