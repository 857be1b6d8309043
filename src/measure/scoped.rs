//! The observer of some of the requests: those to a service, of a class, or that arrive during or after a fault.
//!
//! Only cells of which a gate asks for it are run with one. A request belongs to a part by what it is and when it *arrives*, whatever becomes of it later: while an occurrence of the
//! fault is on (from its begin up to its end), or after one has ended and before the next begins. Warm-up and what comes before the first occurrence belong to neither.
//! Of a service they are the requests and calls to it, as `services` of the result counts them; a call arrives when it is made.
//!
//! What is measured of a part is a [`Record`] again, whose window is as long as all the time that belongs to the part: its numbers are read as those of all requests are.

use super::record::{Failure, Record};
use super::recorder::{Recorder, Recording};
use super::witness::Witness;
use crate::engine::{Edge, Ending, Observer, Request};
use crate::fault::{Occurrences, Window};
use crate::fleet::Account;
use crate::plan::Plan;
use crate::time::{SimTime, Span};

/// Some of the requests, by names: those that everything which is set applies to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// To this service.
    pub service: Option<String>,
    /// Of this class.
    pub class: Option<String>,
    /// That arrive then, of this fault.
    pub phase: Option<(Phase, String)>,
}

/// When, of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// While it is on.
    During,
    /// When it is over, until it comes again.
    After,
}

/// Watches some of the requests of a cell; several parts, in the order in which they were asked for.
#[derive(Debug)]
pub struct Scoped {
    parts: Vec<PartOf>,
    service_of: Vec<u16>,
    opens: u64,
    closes: u64,
}

#[derive(Debug)]
struct PartOf {
    /// `None`: all of the traffic's.
    service: Option<u16>,
    /// By source; `None`: all.
    sources: Option<Vec<bool>>,
    phase: Option<(Phase, Times)>,
    /// The plan has nothing of this name.
    is_empty: bool,
    record: Record,
}

/// When a fault is on: as far as anybody has asked.
#[derive(Debug)]
struct Times {
    occurrences: Occurrences,
    known: Vec<Window>,
    /// Whether there may be more.
    has_more: bool,
}

impl Times {
    fn new(occurrences: Occurrences) -> Self {
        Self { occurrences, known: Vec::new(), has_more: true }
    }

    /// Learns of all that begin by then.
    fn learn(&mut self, until: u64) {
        while self.has_more && self.known.last().is_none_or(|last| last.begins <= until) {
            match self.occurrences.next() {
                Some(window) => self.known.push(window),
                None => self.has_more = false,
            }
        }
    }

    fn contains(&mut self, phase: Phase, at: u64) -> bool {
        self.learn(at);
        let begun = self.known.partition_point(|window| window.begins <= at);
        let Some(last) = begun.checked_sub(1).map(|last| self.known[last]) else { return false };
        match phase {
            Phase::During => at < last.ends,
            Phase::After => at >= last.ends,
        }
    }

    /// How much of a stretch of time belongs to the phase.
    fn within(&mut self, phase: Phase, opens: u64, closes: u64) -> u64 {
        self.learn(closes);
        let overlap = |from: u64, to: u64| to.min(closes).saturating_sub(from.max(opens));
        let one = |(at, window): (usize, &Window)| match phase {
            Phase::During => overlap(window.begins, window.ends),
            Phase::After => overlap(window.ends, self.known.get(at + 1).map_or(u64::MAX, |next| next.begins)),
        };
        self.known.iter().enumerate().map(one).sum()
    }
}

impl PartOf {
    fn new(scope: &Scope, plan: &Plan, replication: u32) -> Self {
        let named = |name: &String| plan.services.iter().position(|service| service.name == *name);
        let service = scope.service.as_ref().map(named);
        let of_class = |class: &String| plan.sources.iter().map(|source| source.class.as_ref().unwrap_or(&source.name) == class).collect();
        let sources: Option<Vec<bool>> = scope.class.as_ref().map(of_class);
        let times = |(phase, name): &(Phase, String)| {
            let number = plan.faults.iter().position(|fault| fault.name == *name)?;
            Some((*phase, Times::new(Occurrences::new(&plan.faults[number], number as u64, plan.seed, replication.into()))))
        };
        let phase = scope.phase.as_ref().map(times);
        Self {
            is_empty: service == Some(None) || phase.as_ref().is_some_and(Option::is_none),
            service: service.flatten().map(|number| number as u16),
            sources,
            phase: phase.flatten(),
            record: Record::default(),
        }
    }

    /// Whether a request is meant, of the traffic's or of a service's.
    fn takes(&mut self, request: &Request) -> bool {
        request.measured
            && !self.is_empty
            && self.sources.as_ref().is_none_or(|sources| sources.get(usize::from(request.source)).copied().unwrap_or(false))
            && self.phase.as_mut().is_none_or(|(phase, times)| times.contains(*phase, request.arrival))
    }

    fn takes_of_traffic(&mut self, request: &Request) -> bool {
        self.service.is_none() && !request.is_call() && self.takes(request)
    }

    /// Whether an attempt at a backend of that service is meant.
    fn takes_attempt(&mut self, request: &Request, service: u16) -> bool {
        match self.service {
            Some(mine) => mine == service && self.takes(request),
            None => self.takes_of_traffic(request),
        }
    }
}

impl Scoped {
    /// A watcher of these parts of a replication of the plan.
    #[must_use]
    pub fn new(plan: &Plan, replication: u32, scopes: &[Scope]) -> Self {
        let service_of = plan.services.iter().zip(0..).flat_map(|(service, number)| service.backends.clone().map(move |_| number));
        Self {
            parts: scopes.iter().map(|scope| PartOf::new(scope, plan, replication)).collect(),
            service_of: service_of.collect(),
            opens: 0,
            closes: u64::MAX,
        }
    }

    /// What was measured of each part.
    #[must_use]
    pub fn finish(self, ending: &Ending) -> Vec<Record> {
        let (opens, closes) = (self.opens, self.closes.min(ending.end.0));
        let finish = |mut part: PartOf| {
            let time = match &mut part.phase {
                Some((phase, times)) => times.within(*phase, opens, closes),
                None => closes.saturating_sub(opens),
            };
            let Record { offered, succeeded, failed, .. } = part.record;
            Record {
                unfinished: offered.saturating_sub(succeeded + failed),
                window_start: SimTime::ZERO,
                window_end: SimTime::ZERO + Span(time),
                ..part.record
            }
        };
        self.parts.into_iter().map(finish).collect()
    }

    fn attempt(&mut self, request: &Request, backend: u32, count: fn(&mut Record) -> &mut u64) {
        let service = self.service_of[backend as usize];
        for part in &mut self.parts {
            if part.takes_attempt(request, service) {
                *count(&mut part.record) += 1;
            }
        }
    }
}

impl Observer for Scoped {
    fn arrived(&mut self, request: &Request) {
        for part in &mut self.parts {
            part.record.offered += u64::from(part.takes_of_traffic(request));
        }
    }

    fn sent(&mut self, request: &Request, backend: u32) {
        self.attempt(request, backend, |record| &mut record.attempts);
    }

    fn retried(&mut self, request: &Request, backend: u32) {
        self.attempt(request, backend, |record| &mut record.retries);
    }

    fn hedged(&mut self, request: &Request, backend: u32) {
        self.attempt(request, backend, |record| &mut record.hedges);
    }

    fn succeeded(&mut self, request: &Request, _backend: u32, wait: u64, now: u64) {
        for part in &mut self.parts {
            if part.takes_of_traffic(request) {
                part.record.succeeded += 1;
                part.record.latency.record(now - request.arrival);
                part.record.wait.record(wait);
                part.record.waited += u64::from(wait > 0);
            }
        }
    }

    fn failed(&mut self, request: &Request, cause: Failure, now: u64) {
        for part in &mut self.parts {
            if part.takes_of_traffic(request) {
                part.record.failed += 1;
                part.record.failures[cause as usize] += 1;
                part.record.failed_latency.record(now - request.arrival);
            }
        }
    }

    fn served(&mut self, request: &Request, service: u16, path: Option<&[u64]>, now: u64) {
        for part in &mut self.parts {
            if part.service == Some(service) && part.takes(request) {
                let record = &mut part.record;
                record.offered += 1;
                let (count, times) = match path {
                    Some(_) => (&mut record.succeeded, &mut record.latency),
                    None => (&mut record.failed, &mut record.failed_latency),
                };
                *count += 1;
                times.record(now - request.arrival);
            }
        }
    }

    fn window(&mut self, edge: Edge, now: u64, _in_system_area: u128, _accounts: &[Account]) {
        match edge {
            Edge::Opens => self.opens = now,
            Edge::Closes => self.closes = now,
        }
    }
}

impl Recording for ((Recorder, Witness), Scoped) {
    fn finish(self, ending: &Ending) -> Record {
        Record { scopes: self.1.finish(ending), ..self.0.finish(ending) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Fault, Kind, Repeats, Target};

    /// From 5 s on, every 10 s for 2 s.
    fn times() -> Times {
        let second = 1_000_000_000;
        let fault = Fault {
            name: "x".into(),
            kind: Kind::Crash,
            target: Target { written: "all".into(), among: vec![0], draw: None },
            at: Span(5 * second),
            lasts: Some(Span(2 * second)),
            repeats: Repeats::Every(Span(10 * second)),
        };
        Times::new(Occurrences::new(&fault, 0, 1, 0))
    }

    #[test]
    fn a_request_belongs_to_what_is_on_when_it_arrives() {
        let mut times = times();
        let second = 1_000_000_000;
        let mut both = |at: u64| [times.contains(Phase::During, at), times.contains(Phase::After, at)];
        // Asked out of order: answers come later than arrivals.
        for (at, expected) in [
            (16 * second, [true, false]),
            (4 * second, [false, false]),
            (5 * second - 1, [false, false]),
            (5 * second, [true, false]),
            (7 * second - 1, [true, false]),
            (7 * second, [false, true]),
            (15 * second - 1, [false, true]),
            (15 * second, [true, false]),
        ] {
            assert_eq!(both(at), expected, "{at}");
        }
    }

    #[test]
    fn the_time_of_a_part_is_what_of_it_is_measured() {
        let second = 1_000_000_000;
        let mut times = times();
        let mut within = |opens: u64, closes: u64| {
            [Phase::During, Phase::After].map(|phase| times.within(phase, opens * second, closes * second) / second)
        };
        assert_eq!(within(0, 30), [6, 3 + 8 + 8]);
        assert_eq!(within(6, 16), [1 + 1, 8]);
        assert_eq!(within(0, 5), [0, 0]);
    }
}
