//! Prequal: probe a few backends ahead of time, and take the one with the least latency among those that are not busy.
//!
//! **Rule.** Each pick sends `probes` probes to backends drawn without replacement; answers (requests in flight, and the latency to expect) go to a
//! pool of at most `pool_size`, where they stay until they are used up, too old, pushed out by newer ones, or removed: `removals` a pick, the oldest and the worst in turn.
//! A pick takes the best of the pool: *cold* ones, with no more in flight than most (the `hot_quantile` of late answers), by latency; if all are hot, the
//! one with the fewest in flight. It then counts one more in flight there. With fewer than two probes it draws. **Ties.** The oldest probe. **Cost.** O(pool).
//! **Who ships it.** YouTube. **Where it shines.** Many clients, each with its own view: probes say what everybody has in flight. **Where it fails.** A
//! backend that fails fast looks idle.

use super::{BackendId, Balancer, Change, Ctx, Law, Listed, Listens, Pick, Pool, Report, Reports, Request};
use crate::catalogue::{Entry, Kind, Parameter, Values};
use crate::random::Stream;
use crate::time::{SimTime, Span};

pub(super) static LISTED: Listed = Listed::new(
    Entry {
        name: "prequal",
        summary: "the least latency among probed backends that are not busy",
        text: "Every pick sends a few probes; the pool of answers gives the cold one (in flight no more than the `hot_quantile` of late answers) with the least latency, or the hot \
               one with the fewest in flight. Probes are used a few times, and expire. With fewer than two in the pool it draws. O(pool) per pick.",
        parameters: &[
            Parameter::with_default("pool_size", Kind::Whole(2, 1000), "16", "how many answers are kept"),
            Parameter::with_default("probes", Kind::Number(0.0, 100.0), "3", "probes a pick; a fraction adds up"),
            Parameter::with_default("removals", Kind::Number(0.0, 100.0), "1", "answers removed a pick, the oldest and the worst in turn"),
            Parameter::with_default("hot_quantile", Kind::Share, "84%", "of late answers so many have no more in flight than a cold one: 2^-0.25"),
            Parameter::with_default("expiry", Kind::Period, "1s", "an answer older than this is not used"),
            Parameter::with_default("spare", Kind::Number(0.0, 100.0), "1", "how much more often answers may be used than the pool needs"),
        ],
        reference: "B. Wydrowski et al., Load is not what you should balance: introducing Prequal (NSDI 2024)",
    },
    |values| Box::new(Prequal::new(values)),
)
.approximate("written from descriptions and open implementations of the paper's rule, not from its code")
.breaks(&[(Law::ZeroWeight, "it does not look at weights"), (Law::Weights, "it does not look at weights")]);

/// Of so many answers the quantile of requests in flight is taken.
const REMEMBERED: usize = 128;

/// An answer in the pool.
#[derive(Clone, Copy, Debug)]
struct Answer {
    backend: BackendId,
    at: SimTime,
    uses: u32,
}

#[derive(Debug)]
struct Prequal {
    pool_size: usize,
    probed: f64,
    removed: f64,
    hot_quantile: f64,
    expiry: Span,
    spare: f64,
    /// Oldest first, beside what each said.
    answers: Vec<Answer>,
    said: Vec<Probe>,
    /// Requests in flight of the last answers, in a ring.
    late: Vec<u32>,
    next_late: usize,
    /// The same, sorted.
    sorted: Vec<u32>,
    /// How often an answer may be used.
    uses: f64,
    due_probes: f64,
    due_removals: f64,
    removes_oldest: bool,
    /// Places for drawing without replacement.
    deck: Vec<u32>,
}

impl Prequal {
    fn new(values: &Values) -> Self {
        Self {
            pool_size: values.whole("pool_size") as usize,
            probed: values.number("probes"),
            removed: values.number("removals"),
            hot_quantile: values.number("hot_quantile"),
            expiry: values.span("expiry"),
            spare: values.number("spare"),
            answers: Vec::new(),
            said: Vec::new(),
            late: Vec::new(),
            next_late: 0,
            sorted: Vec::new(),
            uses: 1.0,
            due_probes: 0.0,
            due_removals: 0.0,
            removes_oldest: true,
            deck: Vec::new(),
        }
    }

    fn remove(&mut self, place: usize) {
        self.answers.remove(place);
        self.said.remove(place);
    }

    /// Takes out what is too old, or of somebody who may not be picked.
    fn clean(&mut self, pool: &Pool, now: SimTime) {
        for place in (0..self.answers.len()).rev() {
            let answer = self.answers[place];
            if now.since(answer.at) > self.expiry || !pool.is_eligible(answer.backend) {
                self.remove(place);
            }
        }
    }

    /// More in flight than this is hot.
    fn threshold(&self) -> f64 {
        let last = self.sorted.len().saturating_sub(1);
        let at = ((self.sorted.len() as f64 * self.hot_quantile) as usize).min(last);
        self.sorted.get(at).copied().map_or(f64::INFINITY, f64::from)
    }

    fn remember(&mut self, in_flight: u32) {
        if self.late.len() < REMEMBERED {
            self.late.push(in_flight);
        } else {
            let gone = std::mem::replace(&mut self.late[self.next_late], in_flight);
            self.next_late = (self.next_late + 1) % REMEMBERED;
            let at = self.sorted.partition_point(|&late| late < gone);
            self.sorted.remove(at);
        }
        let at = self.sorted.partition_point(|&late| late < in_flight);
        self.sorted.insert(at, in_flight);
    }

    /// Removes what is due to be: the oldest and the worst in turn.
    fn thin(&mut self) {
        self.due_removals += self.removed;
        while self.due_removals >= 1.0 {
            self.due_removals -= 1.0;
            let place = if self.removes_oldest { (!self.answers.is_empty()).then_some(0) } else { worst(&self.said, self.threshold()) };
            self.removes_oldest = !self.removes_oldest;
            place.into_iter().for_each(|place| self.remove(place));
        }
    }
}

/// A fraction rounded up as often as it says.
fn rounded(number: f64, chance: &mut Stream) -> u32 {
    let whole = number.floor();
    whole as u32 + u32::from(chance.unit() < number - whole)
}

impl Balancer for Prequal {
    fn members(&mut self, pool: &Pool, ctx: &mut Ctx<'_>) {
        let n = pool.eligible().len();
        self.deck = (0..n as u32).collect();
        self.uses = uses(self.pool_size as f64, n.max(1) as f64, self.probed, self.removed, self.spare).unwrap_or(self.pool_size as f64);
        self.clean(pool, ctx.now);
    }

    fn changed(&mut self, _: BackendId, change: Change, pool: &Pool, ctx: &mut Ctx<'_>) {
        if change != Change::Weight {
            self.members(pool, ctx);
        }
    }

    fn pick(&mut self, _: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        self.due_probes += self.probed;
        self.clean(pool, ctx.now);
        if self.answers.len() < 2 {
            let place = ctx.chance.below(pool.eligible().len() as u64) as usize;
            return pool.at(place).map_or(Pick::None, Pick::Backend);
        }
        let place = best(&self.said, self.threshold()).expect("there are two answers");
        let backend = self.answers[place].backend;
        self.said[place].in_flight += 1.0;
        self.answers[place].uses -= 1;
        if self.answers[place].uses == 0 {
            self.remove(place);
        }
        self.thin();
        Pick::Backend(backend)
    }

    fn listens(&self) -> Listens {
        Listens { reports: Reports::Probes, ..Listens::NOTHING }
    }

    fn reported(&mut self, backend: BackendId, report: &Report, _: &Pool, ctx: &mut Ctx<'_>) {
        self.remember(report.in_flight);
        if self.answers.len() == self.pool_size {
            self.remove(0);
        }
        self.answers.push(Answer { backend, at: ctx.now, uses: rounded(self.uses, ctx.chance).max(1) });
        self.said.push(Probe { in_flight: f64::from(report.in_flight), latency: report.latency.0 as f64 });
    }

    fn probes(&mut self, pool: &Pool, ctx: &mut Ctx<'_>, probe: &mut dyn FnMut(BackendId)) {
        let n = self.deck.len();
        let due = (self.due_probes as usize).min(n);
        self.due_probes -= self.due_probes.floor();
        for drawn in 0..due {
            let other = drawn + ctx.chance.below((n - drawn) as u64) as usize;
            self.deck.swap(drawn, other);
            pool.at(self.deck[drawn] as usize).into_iter().for_each(&mut *probe);
        }
    }
}

/// What a probe said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probe {
    /// Requests in flight there, from everybody.
    pub in_flight: f64,
    /// The latency to expect, in any unit.
    pub latency: f64,
}

impl Probe {
    fn is_hot(&self, threshold: f64) -> bool {
        self.in_flight > threshold
    }
}

/// The place of the best: of the cold ones, with no more than `threshold` in flight, the one with the least latency; if all are hot, the one with
/// the fewest in flight. Ties to the first.
#[must_use]
pub fn best(probes: &[Probe], threshold: f64) -> Option<usize> {
    let score = |probe: &Probe| if probe.is_hot(threshold) { (true, probe.in_flight) } else { (false, probe.latency) };
    let mut best: Option<usize> = None;
    for (place, probe) in probes.iter().enumerate() {
        if best.is_none_or(|best| score(probe) < score(&probes[best])) {
            best = Some(place);
        }
    }
    best
}

/// The place of the worst, the reverse of the best: of the hot ones the one with the most in flight, else the one with the most latency. Ties to the first.
#[must_use]
pub fn worst(probes: &[Probe], threshold: f64) -> Option<usize> {
    let score = |probe: &Probe| if probe.is_hot(threshold) { (true, probe.in_flight) } else { (false, probe.latency) };
    let mut worst: Option<usize> = None;
    for (place, probe) in probes.iter().enumerate() {
        if worst.is_none_or(|worst| score(probe) > score(&probes[worst])) {
            worst = Some(place);
        }
    }
    worst
}

/// How often a probe may be used, with a pool of `pool` probes over `backends`, `probed` and `removed` a request: so that the pool neither
/// runs dry nor stale, with `delta` to spare. `None` where more is removed than comes in.
#[must_use]
pub fn uses(pool: f64, backends: f64, probed: f64, removed: f64, delta: f64) -> Option<f64> {
    let kept = (1.0 - pool / backends) * probed - removed;
    (kept > 0.0).then(|| ((1.0 + delta) / kept).max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probes(of: &[(f64, f64)]) -> Vec<Probe> {
        of.iter().map(|&(in_flight, latency)| Probe { in_flight, latency }).collect()
    }

    fn prequal() -> Prequal {
        let mut values = Values::default();
        values.set("pool_size", crate::catalogue::Value::Whole(16));
        values.set("expiry", crate::catalogue::Value::Span(Span(1_000_000_000)));
        for (name, number) in [("probes", 3.0), ("removals", 1.0), ("hot_quantile", 0.84), ("spare", 1.0)] {
            values.set(name, crate::catalogue::Value::Number(number));
        }
        Prequal::new(&values)
    }

    #[test]
    fn without_answers_it_draws_and_with_them_it_knows() {
        let mut bench = super::super::testing::Bench::new(Box::new(prequal()), &[1.0; 4]);
        assert!(bench.split(4, 4_000).iter().all(|&count| count > 800));
        let mut chance = Stream::new(1);
        let mut probed = Vec::new();
        bench.balancer.probes(&bench.pool, &mut Ctx { now: SimTime::ZERO, chance: &mut chance }, &mut |backend| probed.push(backend.0));
        probed.sort_unstable();
        assert_eq!(probed, [0, 1, 2, 3]);
        for (id, latency) in [(0, 90), (1, 10), (2, 50)] {
            let report = Report { in_flight: 1, latency: Span(latency), ..Report::default() };
            bench.balancer.reported(BackendId(id), &report, &bench.pool, &mut Ctx { now: SimTime::ZERO, chance: &mut chance });
        }
        assert_eq!(bench.pick(), 1);
    }

    #[test]
    fn the_quantile_is_of_the_last_answers() {
        let mut rule = prequal();
        (0..200).for_each(|in_flight| rule.remember(in_flight));
        assert_eq!((rule.sorted.len(), rule.sorted[0], rule.threshold()), (128, 72, f64::from(72 + 107)));
    }

    #[test]
    fn cold_ones_go_by_latency_and_hot_ones_by_load() {
        let mixed = probes(&[(3.0, 10.0), (1.0, 50.0), (9.0, 1.0)]);
        assert_eq!((best(&mixed, 5.0), worst(&mixed, 5.0)), (Some(0), Some(2)));
        assert_eq!((best(&mixed, 0.0), worst(&mixed, 9.0)), (Some(1), Some(1)));
        assert_eq!(best(&[], 1.0), None);
    }

    #[test]
    fn a_probe_is_used_as_often_as_the_pool_needs() {
        assert_eq!(uses(16.0, 100.0, 5.0, 0.25, 1.0), Some(1.0));
        assert_eq!(uses(16.0, 16.0, 5.0, 1.0, 1.0), None);
    }
}
