//! Power of d choices: look at a few, take the least loaded of them.
//!
//! **Rule.** Draw `choices` eligible backends (different ones, with `distinct`), take the least loaded. The load is the requests in flight as this instance sees
//! them, the smoothed latency of its own requests, or what the backend has said with its last answer. With `beta` below 1 it looks only that often and
//! otherwise takes the first drawn: the (1 + β) choice, which saves looks and still keeps the gap bounded.
//! **Ties.** The one drawn first, which is as good as a coin. More choices than backends: all of them. **Cost.** O(choices).
//! **Who ships it.** Envoy, Linkerd, Finagle, Traefik, nginx, with two. **Where it shines.** Many instances and stale counts: two looks
//! give most of what looking at everybody would, and never herd. **Where it fails.** One instance with exact counts: least connections is
//! better there.

use super::{BackendId, Balancer, Completion, Ctx, Law, Listed, Listens, Pick, Pool, Report, Reports, Request};
use crate::catalogue::{Entry, Kind, Parameter};
use crate::random::Stream;

pub(super) static LISTED: Listed = Listed::new(
    Entry {
        name: "power-of-d",
        summary: "the least loaded of a few drawn at random",
        text: "Draws `choices` eligible backends and takes the least loaded; ties to the first drawn. O(choices) per pick. Two choices give most of what looking at everybody \
               would, and hold up with many instances and stale counts. The load is what is in flight, the smoothed latency, or what backends report.",
        parameters: &[
            Parameter::with_default(
                "choices",
                Kind::Whole(1, 1_000_000),
                "2",
                "how many are drawn; two is where nearly all of the gain is",
            ),
            Parameter::with_default("distinct", Kind::Bool, "true", "draw different backends; false: the same one may be drawn twice"),
            Parameter::with_default(
                "load",
                Kind::Choice(&["in-flight", "latency", "reported"]),
                "in-flight",
                "what is compared: requests in flight, the smoothed latency of own requests, or the requests that the backend said it had with its last answer",
            ),
            Parameter::with_default("beta", Kind::Share, "1", "how often it looks; otherwise the first drawn is taken"),
        ],
        reference: "M. Mitzenmacher, The power of two choices in randomized load balancing (2001)",
    },
    |values| {
        let (choices, distinct, beta) = (values.whole("choices") as usize, values.bool("distinct"), values.number("beta"));
        match values.text("load") {
            "latency" => of(Latency::default(), choices, distinct, beta),
            "reported" => of(Reported::default(), choices, distinct, beta),
            _ => of(InFlight, choices, distinct, beta),
        }
    },
).breaks(&[(Law::ZeroWeight, "it does not look at weights"), (Law::Weights, "it does not look at weights")]);

/// The least loaded of some candidates; of equal ones the first.
#[inline]
pub fn least_loaded<T: Copy, L: PartialOrd>(candidates: impl IntoIterator<Item = T>, load: impl Fn(T) -> L) -> Option<T> {
    let mut candidates = candidates.into_iter();
    let mut best = candidates.next()?;
    let mut least = load(best);
    for candidate in candidates {
        let load = load(candidate);
        (best, least) = if load < least { (candidate, load) } else { (best, least) };
    }
    Some(best)
}

/// The second of two different places, from a draw among one fewer: it steps over the first.
#[inline]
#[must_use]
pub fn other_than(first: usize, drawn: usize) -> usize {
    drawn + usize::from(drawn >= first)
}

/// How candidates are drawn: kept apart from comparing them.
trait Draw: Send + std::fmt::Debug {
    /// The next candidate's place among `n`, the `drawn`-th of this pick.
    fn place(&mut self, drawn: usize, n: usize, chance: &mut Stream) -> usize;
    /// There are now `n` to draw from.
    fn prepare(&mut self, n: usize);
    /// No pick can have more candidates than this.
    fn most(&self, n: usize) -> usize;
}

/// Independent draws.
#[derive(Debug)]
struct Repeated;

impl Draw for Repeated {
    #[inline]
    fn place(&mut self, _: usize, n: usize, chance: &mut Stream) -> usize {
        chance.below(n as u64) as usize
    }
    fn prepare(&mut self, _: usize) {}
    fn most(&self, _: usize) -> usize {
        usize::MAX
    }
}

/// Two different ones, without a memory of all: the second draw steps over the first.
#[derive(Debug, Default)]
struct Pair {
    first: usize,
}

impl Draw for Pair {
    #[inline]
    fn place(&mut self, drawn: usize, n: usize, chance: &mut Stream) -> usize {
        let place = chance.below((n - drawn) as u64) as usize;
        if drawn == 0 {
            self.first = place;
            return place;
        }
        other_than(self.first, place)
    }
    fn prepare(&mut self, _: usize) {}
    fn most(&self, n: usize) -> usize {
        n
    }
}

/// The first of a shuffled deck: each pick goes on shuffling the deck that the last one left.
#[derive(Debug, Default)]
struct Deck {
    deck: Vec<u32>,
}

impl Draw for Deck {
    #[inline]
    fn place(&mut self, drawn: usize, n: usize, chance: &mut Stream) -> usize {
        let at = drawn + chance.below((n - drawn) as u64) as usize;
        self.deck.swap(drawn, at);
        self.deck[drawn] as usize
    }
    fn prepare(&mut self, n: usize) {
        self.deck = (0..n as u32).collect();
    }
    fn most(&self, n: usize) -> usize {
        n
    }
}

/// What is compared.
trait Load: Send + std::fmt::Debug + 'static {
    /// The lower the better.
    type Value: PartialOrd;

    fn of(&self, backend: BackendId, pool: &Pool) -> Self::Value;

    /// Room for so many backends.
    fn prepare(&mut self, _n: usize) {}

    fn listens(&self) -> Listens {
        Listens::NOTHING
    }

    fn finished(&mut self, _completion: &Completion) {}

    fn reported(&mut self, _backend: BackendId, _report: &Report) {}
}

#[derive(Debug)]
struct InFlight;

impl Load for InFlight {
    type Value = u32;

    #[inline]
    fn of(&self, backend: BackendId, pool: &Pool) -> u32 {
        pool.in_flight(backend)
    }
}

/// Latencies of own requests: an average that forgets, in nanoseconds. Nobody is known to be slow before the first answer.
#[derive(Debug, Default)]
struct Latency(Vec<f64>);

/// The weight of a new latency: ten answers remember most of it.
const NEW: f64 = 0.1;

impl Load for Latency {
    type Value = f64;

    #[inline]
    fn of(&self, backend: BackendId, _: &Pool) -> f64 {
        self.0[backend.index()]
    }

    fn prepare(&mut self, n: usize) {
        self.0.resize(n, 0.0);
    }

    fn listens(&self) -> Listens {
        Listens::ATTEMPTS
    }

    fn finished(&mut self, completion: &Completion) {
        let (kept, new) = (&mut self.0[completion.backend.index()], completion.latency.0 as f64);
        *kept = if *kept == 0.0 { new } else { *kept + NEW * (new - *kept) };
    }
}

/// What backends said last.
#[derive(Debug, Default)]
struct Reported(Vec<u32>);

impl Load for Reported {
    type Value = u32;

    #[inline]
    fn of(&self, backend: BackendId, _: &Pool) -> u32 {
        self.0[backend.index()]
    }

    fn prepare(&mut self, n: usize) {
        self.0.resize(n, 0);
    }

    fn listens(&self) -> Listens {
        Listens { reports: Reports::Answers, ..Listens::NOTHING }
    }

    fn reported(&mut self, backend: BackendId, report: &Report) {
        self.0[backend.index()] = report.in_flight;
    }
}

#[derive(Debug)]
struct PowerOfD<D, L> {
    draw: D,
    load: L,
    choices: usize,
    beta: f64,
}

fn of<L: Load>(load: L, choices: usize, distinct: bool, beta: f64) -> Box<dyn Balancer> {
    match distinct {
        true if choices == 2 => Box::new(PowerOfD { draw: Pair::default(), load, choices, beta }),
        true => Box::new(PowerOfD { draw: Deck::default(), load, choices, beta }),
        false => Box::new(PowerOfD { draw: Repeated, load, choices, beta }),
    }
}

impl<D: Draw, L: Load> Balancer for PowerOfD<D, L> {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        self.draw.prepare(pool.eligible().len());
        self.load.prepare(pool.len());
    }

    #[inline]
    fn pick(&mut self, _: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        let n = pool.eligible().len();
        if n == 0 {
            return Pick::None;
        }
        // Where it always looks nothing is drawn for that.
        let choices = if self.beta < 1.0 && ctx.chance.unit() >= self.beta { 1 } else { self.choices.min(self.draw.most(n)) };
        let draw = |drawn| pool.at(self.draw.place(drawn, n, ctx.chance)).expect("a place below the number of the eligible");
        least_loaded((0..choices).map(draw), |backend| self.load.of(backend, pool)).map_or(Pick::None, Pick::Backend)
    }

    fn listens(&self) -> Listens {
        self.load.listens()
    }

    fn finished(&mut self, completion: &Completion, _: &Pool, _: &mut Ctx<'_>) {
        self.load.finished(completion);
    }

    fn reported(&mut self, backend: BackendId, report: &Report, _: &Pool, _: &mut Ctx<'_>) {
        self.load.reported(backend, report);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;
    use super::*;
    use crate::time::{SimTime, Span};

    fn bench(choices: usize, distinct: bool, n: usize) -> Bench {
        Bench::new(of(InFlight, choices, distinct, 1.0), &vec![1.0; n])
    }

    #[test]
    fn two_distinct_of_three_never_take_the_fullest() {
        let mut bench = bench(2, true, 3);
        (0..5).for_each(|_| bench.pool.sent(BackendId(0)));
        bench.pool.sent(BackendId(1));
        let counts = bench.split(3, 30_000);
        // {0,1} → 1, {0,2} → 2, {1,2} → 2. Binomial(30000, 1/3): five standard deviations are 408.
        assert_eq!(counts[0], 0);
        assert!(counts[1].abs_diff(10_000) < 408, "{counts:?}");
    }

    #[test]
    fn with_replacement_the_fullest_is_taken_when_drawn_twice() {
        let mut bench = bench(2, false, 3);
        (0..5).for_each(|_| bench.pool.sent(BackendId(0)));
        let counts = bench.split(3, 90_000);
        // Drawn twice: 1/9. Five standard deviations of Binomial(90000, 1/9) are 471.
        assert!(counts[0].abs_diff(10_000) < 471, "{counts:?}");
    }

    #[test]
    fn one_plus_beta_looks_only_sometimes() {
        let mut bench = Bench::new(of(InFlight, 2, true, 0.5), &[1.0; 2]);
        bench.pool.sent(BackendId(0));
        let counts = bench.split(2, 40_000);
        // Half of the picks look and take 1; of the others half do. Binomial(40000, 1/4): five standard deviations are 433.
        assert!(counts[0].abs_diff(10_000) < 433, "{counts:?}");
    }

    #[test]
    fn latency_and_reports_are_loads_too() {
        let told = |balancer: Box<dyn Balancer>| {
            let mut bench = Bench::new(balancer, &[1.0; 2]);
            let completion = Completion { request: 1, backend: BackendId(0), ok: true, latency: Span(5_000_000) };
            let mut chance = Stream::new(1);
            let mut ctx = Ctx { now: SimTime::ZERO, chance: &mut chance };
            bench.balancer.finished(&completion, &bench.pool, &mut ctx);
            bench.balancer.reported(BackendId(0), &Report { in_flight: 3, ..Report::default() }, &bench.pool, &mut ctx);
            bench.split(2, 100)
        };
        assert_eq!(told(of(Latency::default(), 2, true, 1.0)), [0, 100]);
        assert_eq!(told(of(Reported::default(), 2, true, 1.0)), [0, 100]);
    }

    #[test]
    fn more_choices_than_backends_means_all_of_them() {
        let mut bench = bench(9, true, 4);
        [0, 1, 3].into_iter().for_each(|id| bench.pool.sent(BackendId(id)));
        assert_eq!(bench.split(4, 20), [0, 0, 20, 0]);
        // All equal: every backend is drawn first as often. Binomial(40000, 1/4): five standard deviations are 433.
        bench.pool.sent(BackendId(2));
        assert!(bench.split(4, 40_000).iter().all(|count| count.abs_diff(10_000) < 433));
    }

    #[test]
    fn one_choice_is_random_and_one_backend_is_that_backend() {
        assert!(bench(1, true, 2).split(2, 20_000).iter().all(|count| count.abs_diff(10_000) < 354));
        assert_eq!(bench(2, true, 1).split(1, 9), [9]);
        assert_eq!(bench(2, true, 0).pick_key(1), Pick::None);
    }
}
