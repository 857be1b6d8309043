//! Two choices by a signal: how candidates are drawn, and what they are compared by, each apart.
//!
//! A [`Signal`] turns the latencies of a backend into a load. [`TwoChoices`] draws two backends and takes the one with the lower load, the first on a
//! tie. Products differ in how they draw, in what they do about backends that are down, and in their signals; each combination is a line in the
//! product's file. **Cost.** O(1) per pick, and O(1) per answer.

use super::power_of_d::{least_loaded, other_than};
use super::products::finagle::p2c::Status;
use super::{BackendId, Balancer, Change, Completion, Ctx, Listens, Pick, Pool, Request, State};
use crate::random::Stream;
use crate::time::SimTime;
use std::fmt::Debug;

/// What a load is made of.
pub(super) trait Signal: Send + Debug {
    /// What is kept of a backend.
    type Kept: Clone + Send + Debug;

    /// What is known of a backend that has just come.
    fn begin(&self, now: SimTime) -> Self::Kept;

    /// Its load now, the lower the better. Changes nothing.
    fn load(&self, kept: &Self::Kept, in_flight: u32, now: SimTime) -> f64;

    /// What the product does to what it keeps when it reads a load.
    fn read(&self, _kept: &mut Self::Kept, _now: SimTime) {}

    /// An attempt has ended.
    fn ended(&self, _kept: &mut Self::Kept, _completion: &Completion, _now: SimTime) {}

    /// Whether it is told of ends.
    fn is_told(&self) -> bool {
        true
    }
}

/// Requests in flight: nothing is kept.
#[derive(Debug)]
pub(super) struct InFlight;

impl Signal for InFlight {
    type Kept = ();

    fn begin(&self, _: SimTime) {}

    #[inline]
    fn load(&self, (): &(), in_flight: u32, _: SimTime) -> f64 {
        f64::from(in_flight)
    }

    fn is_told(&self) -> bool {
        false
    }
}

/// Two places among at least two.
pub(super) type Draw = fn(usize, &mut Stream) -> (usize, usize);

/// The second steps over the first: Finagle's and Linkerd's way.
pub(super) fn stepping(n: usize, chance: &mut Stream) -> (usize, usize) {
    let first = chance.below(n as u64) as usize;
    (first, other_than(first, chance.below(n as u64 - 1) as usize))
}

/// What is done about backends that are not eligible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ineligible {
    /// They are not drawn.
    LeftOut,
    /// They are drawn and lose; after so many pairs without an eligible one the last is taken as it is: Finagle's way.
    Drawn(u32),
}

/// The rule.
#[derive(Debug)]
pub(super) struct TwoChoices<S: Signal> {
    signal: S,
    draw: Draw,
    ineligible: Ineligible,
    candidates: Vec<BackendId>,
    kept: Vec<Option<S::Kept>>,
}

impl<S: Signal> TwoChoices<S> {
    pub(super) fn new(signal: S, draw: Draw, ineligible: Ineligible) -> Self {
        Self { signal, draw, ineligible, candidates: Vec::new(), kept: Vec::new() }
    }

    /// Healthier first, then less loaded.
    #[inline]
    fn rank(&self, backend: BackendId, pool: &Pool, now: SimTime) -> (Status, f64) {
        let kept = self.kept[backend.index()].as_ref().expect("every candidate has come");
        (status(pool.state(backend)), self.signal.load(kept, pool.in_flight(backend), now))
    }

    #[inline]
    fn once(&mut self, pool: &Pool, ctx: &mut Ctx<'_>) -> Option<BackendId> {
        let n = self.candidates.len();
        if n < 2 {
            return self.candidates.first().copied();
        }
        let (a, b) = (self.draw)(n, ctx.chance);
        let pair = [self.candidates[a], self.candidates[b]];
        let chosen = least_loaded(pair, |backend| self.rank(backend, pool, ctx.now));
        for backend in pair {
            self.signal.read(self.kept[backend.index()].as_mut().expect("every candidate has come"), ctx.now);
        }
        chosen
    }
}

/// A backend's status as Finagle would have it.
#[inline]
pub(super) fn status(state: State) -> Status {
    match state {
        State::Up | State::Degraded => Status::Open,
        State::Busy => Status::Busy,
        State::Down | State::Maintenance | State::Draining | State::Connecting | State::Absent => Status::Closed,
    }
}

impl<S: Signal> Balancer for TwoChoices<S> {
    fn members(&mut self, pool: &Pool, ctx: &mut Ctx<'_>) {
        let is_candidate = |backend: &BackendId| self.ineligible != Ineligible::LeftOut || pool.is_eligible(*backend);
        self.candidates.clear();
        self.candidates.extend(pool.present().filter(is_candidate));
        self.kept.resize(pool.len(), None);
        for backend in &self.candidates {
            self.kept[backend.index()].get_or_insert_with(|| self.signal.begin(ctx.now));
        }
    }

    fn changed(&mut self, backend: BackendId, change: Change, pool: &Pool, ctx: &mut Ctx<'_>) {
        if change == Change::Left {
            self.kept[backend.index()] = None;
        }
        if change != Change::Weight {
            self.members(pool, ctx);
        }
    }

    #[inline]
    fn pick(&mut self, _: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        let tries = match self.ineligible {
            Ineligible::LeftOut => 1,
            Ineligible::Drawn(tries) => tries + 1,
        };
        let mut chosen = None;
        for _ in 0..tries {
            chosen = self.once(pool, ctx);
            if chosen.is_none_or(|backend| status(pool.state(backend)) == Status::Open) {
                break;
            }
        }
        chosen.map_or(Pick::None, Pick::Backend)
    }

    fn listens(&self) -> Listens {
        if self.signal.is_told() { Listens::ATTEMPTS } else { Listens::NOTHING }
    }

    #[inline]
    fn finished(&mut self, completion: &Completion, _: &Pool, ctx: &mut Ctx<'_>) {
        // Who has left is not remembered.
        if let Some(Some(kept)) = self.kept.get_mut(completion.backend.index()) {
            self.signal.ended(kept, completion, ctx.now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;
    use super::*;

    #[test]
    fn of_three_the_most_loaded_is_never_taken() {
        let mut bench = Bench::new(Box::new(TwoChoices::new(InFlight, stepping, Ineligible::LeftOut)), &[1.0; 3]);
        (0..5).for_each(|_| bench.pool.sent(BackendId(0)));
        assert_eq!(bench.split(3, 1_000)[0], 0);
        bench.pool.set_state(BackendId(1), State::Down);
        bench.renew();
        assert_eq!(bench.split(3, 10), [0, 0, 10]);
        bench.pool.set_state(BackendId(2), State::Down);
        bench.renew();
        assert_eq!(bench.split(3, 10), [10, 0, 0]);
    }

    #[test]
    fn drawn_all_the_same_who_is_down_loses_and_is_taken_when_nobody_is_up() {
        let mut bench = Bench::new(Box::new(TwoChoices::new(InFlight, stepping, Ineligible::Drawn(4))), &[1.0; 2]);
        bench.pool.set_state(BackendId(0), State::Down);
        bench.renew();
        assert_eq!(bench.split(2, 10), [0, 10]);
        bench.pool.set_state(BackendId(1), State::Down);
        bench.renew();
        assert_eq!(bench.split(2, 1_000).iter().sum::<u32>(), 1_000);
    }
}
