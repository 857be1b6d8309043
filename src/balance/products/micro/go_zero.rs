//! go-zero's p2c: two draws by the square root of latency times requests.
//!
//! **Rule.** Up to three times two different backends are drawn, until both are healthy (success above a half). The load is `√(lag + 1) · (requests + 1)`; the less
//! loaded is chosen, unless the other was not chosen for a second: then that one, so that nobody's average grows old. **Ties** go to the first drawn.
//! **Cost:** O(1). **Where it fails.** Unknown backends have the least load of all: a new one is flooded until its first answer.

use super::ewma::Average;
use crate::balance::{BackendId, Balancer, Change, Completion, Ctx, Listens, Pick, Pool, Request};
use crate::time::{SimTime, Span};

/// The time over which latency and success are averaged.
pub const DECAY_NS: u64 = 10_000_000_000;
const FORCED_AFTER: Span = Span(1_000_000_000);
const DRAWS: usize = 3;

/// What go-zero knows of a backend.
#[derive(Clone, Copy, Debug, Default)]
pub struct Connection {
    /// Its averages.
    pub average: Average,
    picked: Option<SimTime>,
}

impl Connection {
    /// One with these averages.
    #[must_use]
    pub fn of(average: Average) -> Self {
        Self { average, picked: None }
    }

    /// Whether more than half of its answers are good.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.average.success > 500
    }

    /// Its load with so many requests under way.
    #[must_use]
    pub fn load(&self, in_flight: u64) -> u64 {
        let lag = ((self.average.lag_ns + 1) as f64).sqrt() as u64;
        match lag * (in_flight + 1) {
            0 => 0x7fff_ffff,
            load => load,
        }
    }

    fn is_stale(&self, now: SimTime) -> bool {
        self.picked.is_none_or(|picked| now.since(picked) > FORCED_AFTER)
    }
}

/// The balancer.
#[derive(Debug, Default)]
pub(super) struct GoZero {
    connections: Vec<Connection>,
}

impl GoZero {
    fn two(&self, pool: &Pool, ctx: &mut Ctx<'_>) -> Option<(BackendId, BackendId)> {
        let n = pool.eligible().len() as u64;
        if n <= 2 {
            return Some((pool.at(0)?, pool.at(n.saturating_sub(1) as usize)?));
        }
        let mut two = None;
        for _ in 0..DRAWS {
            let (a, b) = (ctx.chance.below(n), ctx.chance.below(n - 1));
            let drawn = (pool.at(a as usize)?, pool.at((b + u64::from(b >= a)) as usize)?);
            two = Some(drawn);
            if [drawn.0, drawn.1].iter().all(|backend| self.connections[backend.index()].is_healthy()) {
                break;
            }
        }
        two
    }
}

impl Balancer for GoZero {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        self.connections = vec![Connection::default(); pool.len()];
    }

    fn changed(&mut self, backend: BackendId, change: Change, pool: &Pool, _: &mut Ctx<'_>) {
        self.connections.resize(pool.len(), Connection::default());
        if !matches!(change, Change::Weight) {
            self.connections[backend.index()] = Connection::default();
        }
    }

    #[inline]
    fn pick(&mut self, _: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        let Some((a, b)) = self.two(pool, ctx) else { return Pick::None };
        let load = |backend: BackendId| self.connections[backend.index()].load(u64::from(pool.in_flight(backend)));
        let (less, more) = if load(a) > load(b) { (b, a) } else { (a, b) };
        let chosen = if less != more && self.connections[more.index()].is_stale(ctx.now) { more } else { less };
        self.connections[chosen.index()].picked = Some(ctx.now);
        Pick::Backend(chosen)
    }

    fn listens(&self) -> Listens {
        Listens::ATTEMPTS
    }

    fn finished(&mut self, completion: &Completion, _: &Pool, ctx: &mut Ctx<'_>) {
        if let Some(connection) = self.connections.get_mut(completion.backend.index()) {
            connection.average.add(ctx.now.0, ctx.now.0.saturating_sub(completion.latency.0), completion.ok, DECAY_NS);
        }
    }
}
