//! Backends as recorded traffic shows them: how fast, how many workers, and who chose among them.
//!
//! docs/src/trace-calibrate.md has the definitions. One pass to see how time per request hangs on what a backend had in flight, a second for the work of requests
//! that nobody kept waiting.

mod choices;
mod inferred;
mod workers;

pub use choices::{Guess, Rule};
pub use workers::{Level, Workers};

use super::fit::work::{self, Law, Values};
use super::tape::{Block, Column, Columns, Fault, NONE, Tape};
use choices::{Choices, Turns};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The most backends that are calibrated.
pub const MOST: usize = 1000;
/// Requests in flight at a backend that are told apart, at most.
const LEVELS: usize = 256;
/// Requests in flight at all, at most: a record that never ends its requests takes no more memory.
const IN_FLIGHT: usize = 1 << 20;
/// Values that are kept for medians and for the law of work, at most.
const VALUES: usize = 65_536;

/// A backend.
#[derive(Clone, Debug, PartialEq)]
pub struct Backend {
    /// As the record calls it.
    pub name: String,
    /// Requests that it answered, and that say how long they took.
    pub requests: u64,
    /// Its speed by that of the fastest.
    pub speed: f64,
    /// How many requests it serves at once.
    pub workers: Workers,
    /// The median time of a request that it did not keep waiting, in nanoseconds.
    pub median: f64,
    /// The most it had in flight when a request came, that one included.
    pub in_flight: usize,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// In the order of their names.
    pub backends: Vec<Backend>,
    /// How well each rule explains the choices, best first.
    pub rules: Vec<Guess>,
    /// Laws of work at the speed of the fastest backend.
    pub work: Vec<Law>,
    /// What to know before trusting it.
    pub remarks: Vec<String>,
}

/// Why nothing can be calibrated.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The tape cannot be read.
    #[error("the trace cannot be read: {0}")]
    Tape(#[from] Fault),
    /// Something is missing.
    #[error("{0}")]
    Missing(String),
}

/// How long requests took, as the backends have to answer for it: what the record says of them, with the queue before them where it tells that apart; whole durations,
/// with the way to the client in them, only where it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Took {
    Service,
    Duration,
}

impl Took {
    fn of(tape: &Tape) -> Self {
        if tape.total(Column::Service).count > 0 { Self::Service } else { Self::Duration }
    }

    /// In nanoseconds; `None` where nobody knows.
    fn time(self, service: Option<u64>, duration: Option<u64>, queued: Option<u64>) -> Option<u64> {
        match self {
            Self::Service => service.map(|service| service.saturating_add(queued.unwrap_or(0))),
            Self::Duration => duration,
        }
    }
}

impl Calibration {
    /// Calibrates the backends of a tape.
    ///
    /// # Errors
    /// It cannot be read, or does not say who answered and how long it took.
    pub fn of(tape: &Tape) -> Result<Self, Trouble> {
        let names = tape.names(Column::Backend);
        let missing = |text: &str| Err(Trouble::Missing(text.into()));
        match names.len() {
            0 => return missing("the record does not say which backend answered"),
            count if count > MOST => {
                return Err(Trouble::Missing(format!("the record has {count} backends; at most {MOST} are calibrated")));
            }
            _ => {}
        }
        let took = match Took::of(tape) {
            Took::Service => Column::Service,
            Took::Duration => Column::Duration,
        };
        if tape.total(took).sum <= 0.0 {
            return missing("the record does not say how long requests took");
        }
        let mut order: Vec<usize> = (0..names.len()).collect();
        order.sort_by_key(|&number| names.get(number));
        let mut place = vec![0; order.len()];
        order.iter().enumerate().for_each(|(at, &number)| place[number] = at);
        let (mut levels, mut choices) = (vec![Level::none(LEVELS); order.len()], Choices::new(order.len()));
        let mut failed = 0_u64;
        each(tape, &place, &mut |seen| {
            choices.add(seen.backend, seen.in_flight);
            if seen.has_failed {
                failed += 1;
            } else {
                levels[seen.backend].add(seen.others, seen.time);
            }
        })?;
        let mut turns = Turns::new(choices.shares());
        each(tape, &place, &mut |seen| turns.add(seen.backend))?;
        let workers: Vec<Workers> = levels.iter().map(Level::workers).collect();
        let kept = kept(tape, &place, &workers)?;
        let medians: Vec<f64> = kept.iter().map(|values| median(values)).collect();
        let fastest = medians.iter().copied().filter(|&median| median > 0.0).fold(f64::MAX, f64::min);
        let backends: Vec<Backend> = order
            .iter()
            .enumerate()
            .map(|(at, &number)| Backend {
                name: String::from_utf8_lossy(names.get(number)).into_owned(),
                requests: levels[at].requests(),
                speed: if medians[at] > 0.0 { fastest / medians[at] } else { 1.0 },
                workers: workers[at],
                median: medians[at],
                in_flight: levels[at].most(),
            })
            .collect();
        let works: Vec<f64> =
            kept.iter().zip(&backends).flat_map(|(values, backend)| values.iter().map(|value| value * backend.speed)).collect();
        let mean = works.iter().sum::<f64>() / works.len().max(1) as f64;
        let mut found =
            Self { backends, rules: choices.rules(&turns), work: work::fit(&Values { some: works, mean, cell: 1.0 }), remarks: Vec::new() };
        found.remarks = found.limits(tape, failed);
        Ok(found)
    }

    /// The limits of trust.
    fn limits(&self, tape: &Tape, failed: u64) -> Vec<String> {
        let mut said = Vec::new();
        if failed > 0 {
            said.push(format!("{failed} requests that failed are left out of speeds, workers and latencies: an error says little of how long an answer takes"));
        }
        let few = self.backends.iter().filter(|backend| backend.requests < 200).count();
        if few > 0 {
            said.push(format!(
                "{few} of {} backends have fewer than 200 requests: their speed is known within 10% at best, their workers hardly",
                self.backends.len()
            ));
        }
        let never = self.backends.iter().filter(|backend| backend.workers == Workers::Unlimited).count();
        if never > 0 {
            said.push(format!(
                "time per request never rises with what is in flight at {never} of {} backends: the load was never high enough to see the limit of their workers, or there is none",
                self.backends.len()
            ));
        }
        if Took::of(tape) == Took::Duration {
            said.push("the record has whole durations only: time on the network and to the client counts as time of the backend".into());
        }
        let tick = tape.total(Column::Tick).max;
        let median = self.backends.iter().map(|backend| backend.median).fold(f64::MAX, f64::min);
        if tick as f64 > 0.1 * median {
            said.push(format!(
                "stamps are exact to {} ms, which is more than a tenth of a request: what was in flight is known roughly only",
                tick as f64 / 1e6
            ));
        }
        if let [best, second, ..] = &self.rules[..]
            && best.ln_likelihood - second.ln_likelihood < 0.01
        {
            said.push(format!("the choices tell {} hardly from {}", best.rule.name(), second.rule.name()));
        }
        said
    }
}

/// A request as it finds the backends.
struct Seen<'s> {
    backend: usize,
    /// What it takes, in nanoseconds.
    time: u64,
    /// It was answered with an error, or not at all.
    has_failed: bool,
    /// Requests that its backend had in flight before it.
    others: usize,
    /// Of all backends, by their order.
    in_flight: &'s [u32],
    /// Of all together.
    all: u32,
    /// The number of its record.
    number: u64,
}

/// What of the first so many records is known that were answered: requests in flight when it came, and how long it took, in nanoseconds.
///
/// # Errors
/// The tape cannot be read.
pub fn times(tape: &Tape, most: usize) -> Result<Vec<Option<(u32, u64)>>, Fault> {
    let place: Vec<usize> = (0..tape.names(Column::Backend).len()).collect();
    let mut times = vec![None; usize::try_from(tape.records()).unwrap_or(most).min(most)];
    each(tape, &place, &mut |seen| {
        if let Some(time) = times.get_mut(seen.number as usize).filter(|_| !seen.has_failed) {
            *time = Some((seen.all, seen.time));
        }
    })?;
    Ok(times)
}

/// Goes through the requests with a backend and a time, in order of arrival, with what is in flight: those that have arrived and not yet been answered.
fn each(tape: &Tape, place: &[usize], out: &mut dyn FnMut(&Seen<'_>)) -> Result<(), Fault> {
    let took = Took::of(tape);
    let mut ends: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
    let mut in_flight = vec![0_u32; place.len()];
    let mut block = Block::new(Columns::of(&[Column::Service, Column::Duration, Column::Queued, Column::Backend, Column::Outcome]));
    let mut before = 0;
    for number in 0..tape.blocks() {
        tape.read(number, &mut block)?;
        for record in 0..block.len() {
            let at = block.at()[record];
            let Some(&backend) = place.get(block.value(Column::Backend, record) as usize) else { continue };
            let known = |column| Some(block.value(column, record)).filter(|&value| value != NONE);
            let Some(time) = took.time(known(Column::Service), known(Column::Duration), known(Column::Queued)) else { continue };
            while let Some(&Reverse((end, which))) = ends.peek().filter(|end| end.0.0 <= at) {
                debug_assert!(end <= at, "looked at just now");
                in_flight[which] -= 1;
                ends.pop();
            }
            let has_failed = !matches!(block.value(Column::Outcome, record), 0 | NONE);
            let (all, others) = (ends.len() as u32, in_flight[backend] as usize);
            out(&Seen { backend, time, has_failed, others, in_flight: &in_flight, all, number: before + record as u64 });
            if ends.len() < IN_FLIGHT {
                in_flight[backend] += 1;
                ends.push(Reverse((at.saturating_add(time), backend)));
            }
        }
        before += block.len() as u64;
    }
    Ok(())
}

/// Of each backend, the times of requests that found a worker free; evenly spread over the record.
fn kept(tape: &Tape, place: &[usize], workers: &[Workers]) -> Result<Vec<Vec<f64>>, Fault> {
    let mut kept: Vec<Vec<f64>> = vec![Vec::new(); workers.len()];
    let mut every = vec![1_u64; workers.len()];
    let mut number = vec![0_u64; workers.len()];
    let most = (VALUES / workers.len().max(1)).max(64);
    each(tape, place, &mut |seen| {
        let at = seen.backend;
        let is_free = match workers[at] {
            Workers::Unlimited => true,
            Workers::Some(count) => seen.others < count as usize,
        };
        if !is_free || seen.has_failed {
            return;
        }
        if number[at].is_multiple_of(every[at]) {
            kept[at].push(seen.time.max(1) as f64);
            if kept[at].len() == most {
                // Every other one, and from now on half as many.
                let mut odd = false;
                kept[at].retain(|_| {
                    odd = !odd;
                    odd
                });
                every[at] *= 2;
            }
        }
        number[at] += 1;
    })?;
    Ok(kept)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests;
