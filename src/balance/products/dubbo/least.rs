//! Dubbo's rules that weigh what is under way: `leastactive`, `shortestresponse`, `adaptive`.
//!
//! **`dubbo/leastactive`.** The least requests; equals by a draw, in proportion to weight where their weights differ. **`dubbo/shortestresponse`.** The least average
//! time of successes in this window (30 s) × (requests + 1), in whole milliseconds, 0 without a success; equals as above. **`dubbo/adaptive`.** Two draws; the less loaded by what providers
//! say of their processors: `load ÷ (successes ÷ (requests + 1) · weight + 1)`, 0 for who was not picked for twice the timeout; equals by a coin of their
//! weights. **Cost:** O(n), as in the product; `adaptive` O(1). **Where it fails.** An average of a window that has just begun is 0, and everybody goes there.

use super::warmup::Weights;
use crate::balance::{BackendId, Balancer, Change, Completion, Ctx, Listens, Pick, Pool, Report, Reports, Request, State};
use crate::random::Stream;
use crate::time::{SimTime, Span};

/// One of these, in proportion to weight where weights differ.
pub(super) fn draw(among: &[(BackendId, u32)], chance: &mut Stream) -> Option<BackendId> {
    let (&(first, weight), rest) = among.split_first()?;
    let total: u64 = among.iter().map(|&(_, weight)| u64::from(weight)).sum();
    if rest.is_empty() {
        return Some(first);
    }
    if total == 0 || rest.iter().all(|&(_, other)| other == weight) {
        return Some(among[chance.below(among.len() as u64) as usize].0);
    }
    let mut offset = chance.below(total);
    for &(backend, weight) in among {
        if offset < u64::from(weight) {
            return Some(backend);
        }
        offset -= u64::from(weight);
    }
    None
}

/// What is to be least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// Everybody is equal.
    Nothing,
    /// Requests under way.
    Active,
    /// The estimated response.
    Response,
}

/// A provider's successes.
#[derive(Clone, Copy, Debug, Default)]
struct Successes {
    count: u64,
    elapsed_ms: u64,
}

/// The least of something, equals by a draw.
#[derive(Debug)]
pub(super) struct Least {
    of: Of,
    weights: Weights,
    /// Of this window.
    successes: Vec<Successes>,
    window: Span,
    window_began: SimTime,
    equals: Vec<(BackendId, u32)>,
}

impl Least {
    pub(super) fn new(of: Of, warmup: Span, window: Span) -> Self {
        let weights = Weights::of(warmup);
        Self { of, weights, successes: Vec::new(), window, window_began: SimTime::ZERO, equals: Vec::new() }
    }

    fn value(&self, backend: BackendId, pool: &Pool) -> u64 {
        let active = u64::from(pool.in_flight(backend));
        let successes = self.successes[backend.index()];
        match self.of {
            Of::Nothing => 0,
            Of::Active => active,
            Of::Response => successes.elapsed_ms.checked_div(successes.count).unwrap_or(0) * (active + 1),
        }
    }
}

impl Balancer for Least {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        self.weights.rebuild(pool);
        self.successes = vec![Successes::default(); pool.len()];
        self.equals.reserve(pool.len());
    }

    fn changed(&mut self, backend: BackendId, change: Change, pool: &Pool, ctx: &mut Ctx<'_>) {
        self.successes.resize(pool.len(), Successes::default());
        if has_started(backend, change, pool) {
            self.weights.started(backend, pool, ctx.now);
        }
    }

    fn pick(&mut self, _: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        if ctx.now.since(self.window_began) > self.window {
            self.window_began = ctx.now;
            self.successes.fill(Successes::default());
        }
        let mut least = u64::MAX;
        self.equals.clear();
        for &backend in pool.eligible() {
            let value = self.value(backend, pool);
            if value < least {
                least = value;
                self.equals.clear();
            }
            if value == least {
                self.equals.push((backend, self.weights.weight(backend, pool, ctx.now)));
            }
        }
        draw(&self.equals, ctx.chance).map_or(Pick::None, Pick::Backend)
    }

    fn listens(&self) -> Listens {
        if self.of == Of::Response { Listens::ATTEMPTS } else { Listens::NOTHING }
    }

    fn finished(&mut self, completion: &Completion, _: &Pool, _: &mut Ctx<'_>) {
        if let Some(successes) = self.successes.get_mut(completion.backend.index()).filter(|_| completion.ok) {
            successes.count += 1;
            successes.elapsed_ms += completion.latency.0 / 1_000_000;
        }
    }
}

/// What is known of a provider.
#[derive(Clone, Copy, Debug, Default)]
struct Metrics {
    requests: u64,
    successes: u64,
    cpu: f64,
    picked: Option<SimTime>,
}

/// Two draws by the providers' own load.
#[derive(Debug)]
pub(super) struct Adaptive {
    pub(super) timeout: Span,
    pub(super) weights: Weights,
    metrics: Vec<Metrics>,
}

impl Adaptive {
    pub(super) fn new(timeout: Span, warmup: Span) -> Self {
        Self { timeout, weights: Weights::of(warmup), metrics: Vec::new() }
    }

    fn load(&self, backend: BackendId, weight: u32, now: SimTime) -> f64 {
        let metrics = &self.metrics[backend.index()];
        let is_forced = metrics.picked.is_none_or(|picked| now.since(picked).0 > 2 * self.timeout.0);
        let answered = metrics.successes as f64 / (metrics.requests + 1) as f64;
        if is_forced { 0.0 } else { metrics.cpu / (answered * f64::from(weight) + 1.0) }
    }

    fn lower(&self, a: BackendId, b: BackendId, pool: &Pool, ctx: &mut Ctx<'_>) -> BackendId {
        let weight = |backend| self.weights.weight(backend, pool, ctx.now);
        let weights = [weight(a), weight(b)];
        let (load_a, load_b) = (self.load(a, weights[0], ctx.now), self.load(b, weights[1], ctx.now));
        if load_a != load_b {
            return if load_a > load_b { b } else { a };
        }
        let total = u64::from(weights[0]) + u64::from(weights[1]);
        let is_first = if total > 0 { ctx.chance.below(total) < u64::from(weights[0]) } else { ctx.chance.below(2) == 0 };
        if is_first { a } else { b }
    }
}

impl Balancer for Adaptive {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        self.weights.rebuild(pool);
        self.metrics = vec![Metrics::default(); pool.len()];
    }

    fn changed(&mut self, backend: BackendId, change: Change, pool: &Pool, ctx: &mut Ctx<'_>) {
        self.metrics.resize(pool.len(), Metrics::default());
        if has_started(backend, change, pool) {
            self.weights.started(backend, pool, ctx.now);
        }
    }

    #[inline]
    fn pick(&mut self, _: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        let n = pool.eligible().len() as u64;
        let (first, second) = match n {
            0 | 1 => (0, 0),
            2 => (0, 1),
            _ => {
                let (a, b) = (ctx.chance.below(n), ctx.chance.below(n - 1));
                (a as usize, (b + u64::from(b >= a)) as usize)
            }
        };
        let (Some(a), Some(b)) = (pool.at(first), pool.at(second)) else { return Pick::None };
        let chosen = if a == b { a } else { self.lower(a, b, pool, ctx) };
        self.metrics[chosen.index()].picked = Some(ctx.now);
        Pick::Backend(chosen)
    }

    fn listens(&self) -> Listens {
        Listens { reports: Reports::Answers, ..Listens::ATTEMPTS }
    }

    fn started(&mut self, _: &Request<'_>, backend: BackendId, _: &Pool, _: &mut Ctx<'_>) {
        self.metrics[backend.index()].requests += 1;
    }

    fn finished(&mut self, completion: &Completion, _: &Pool, _: &mut Ctx<'_>) {
        self.metrics[completion.backend.index()].successes += u64::from(completion.ok);
    }

    fn reported(&mut self, backend: BackendId, report: &Report, _: &Pool, _: &mut Ctx<'_>) {
        self.metrics[backend.index()].cpu = report.utilization;
    }
}

/// Whether a change means that a provider has just started.
pub(in crate::balance::products) fn has_started(backend: BackendId, change: Change, pool: &Pool) -> bool {
    match change {
        Change::Joined => true,
        Change::State(before) => matches!(before, State::Down | State::Absent) && pool.is_eligible(backend),
        Change::Weight | Change::Left => false,
    }
}
