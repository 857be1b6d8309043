//! Traefik v3's balancers.
//!
//! **`traefik/wrr`.** Earliest deadline first: a server's deadline moves on by 1 ÷ weight with each turn. **Ties** and rounding are those of a binary heap of
//! doubles in Go's order of sifting. Servers that are down take their turns, in vain. **`traefik/p2c`.** Two draws, the second one further where both are the same,
//! which favours neighbours; the second only if it has fewer requests. **`traefik/hrw`.** Weighted rendezvous hashing of the client's address with the
//! server's. **`traefik/leasttime`** (3.6). The least average time of the last 100 answers times requests, over weight; equals by deadlines. **Cost:** `wrr` O(log n), `p2c` O(1)
//! where all are up, the others O(n), as in the product. **Where it fails.** `hrw` gives a hot client to one server whatever happens.

use crate::balance::hash::fnv1a_64;
use crate::balance::{BackendId, Balancer, Change, Completion, Ctx, Law, Listed, Listens, Pick, Pool, Request};
use crate::catalogue::Entry;

pub(in crate::balance) const LISTED: &[&Listed] = &[&WRR, &P2C, &HRW, &LEAST_TIME];

/// A binary heap of deadlines with the order of sifting of Go's `container/heap`.
#[derive(Clone, Debug, Default)]
pub struct Deadlines {
    heap: Vec<(f64, BackendId)>,
}

impl Deadlines {
    /// Adds one.
    pub fn push(&mut self, deadline: f64, backend: BackendId) {
        self.heap.push((deadline, backend));
        let mut at = self.heap.len() - 1;
        while at > 0 && self.heap[at].0 < self.heap[(at - 1) / 2].0 {
            self.heap.swap(at, (at - 1) / 2);
            at = (at - 1) / 2;
        }
    }

    /// Takes the least.
    pub fn pop(&mut self) -> Option<(f64, BackendId)> {
        let last = self.heap.len().checked_sub(1)?;
        self.heap.swap(0, last);
        let mut at = 0;
        while 2 * at + 1 < last {
            let (left, right) = (2 * at + 1, 2 * at + 2);
            let least = if right < last && self.heap[right].0 < self.heap[left].0 { right } else { left };
            if self.heap[least].0 >= self.heap[at].0 {
                break;
            }
            self.heap.swap(at, least);
            at = least;
        }
        self.heap.pop()
    }
}

fn weighted(pool: &Pool) -> impl Iterator<Item = BackendId> {
    pool.present().filter(|&backend| pool.weight(backend) > 0.0)
}

/// Earliest deadline first.
#[derive(Debug, Default)]
struct Wrr {
    deadlines: Deadlines,
    /// The deadline of the last turn.
    now: f64,
}

impl Balancer for Wrr {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        *self = Self::default();
        weighted(pool).for_each(|backend| self.deadlines.push(1.0 / pool.weight(backend), backend));
    }

    fn changed(&mut self, _: BackendId, change: Change, pool: &Pool, ctx: &mut Ctx<'_>) {
        if !matches!(change, Change::State(_)) {
            self.members(pool, ctx);
        }
    }

    fn pick(&mut self, _: &Request<'_>, pool: &Pool, _: &mut Ctx<'_>) -> Pick {
        if !pool.eligible().iter().any(|&backend| pool.weight(backend) > 0.0) {
            return Pick::None;
        }
        while let Some((deadline, backend)) = self.deadlines.pop() {
            self.now = deadline;
            self.deadlines.push(deadline + 1.0 / pool.weight(backend), backend);
            if pool.is_eligible(backend) {
                return Pick::Backend(backend);
            }
        }
        Pick::None
    }
}

/// Two draws.
#[derive(Debug)]
struct P2c;

impl Balancer for P2c {
    fn members(&mut self, _: &Pool, _: &mut Ctx<'_>) {}

    #[inline]
    fn pick(&mut self, _: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        let n = pool.eligible().len() as u64;
        if n < 2 {
            return pool.at(0).map_or(Pick::None, Pick::Backend);
        }
        let (first, mut second) = (ctx.chance.below(n), ctx.chance.below(n));
        if first == second {
            second = (second + 1) % n;
        }
        match (pool.at(first as usize), pool.at(second as usize)) {
            (Some(first), Some(second)) if pool.in_flight(second) < pool.in_flight(first) => Pick::Backend(second),
            (first, _) => first.map_or(Pick::None, Pick::Backend),
        }
    }
}

/// The highest score.
#[derive(Debug, Default)]
struct Hrw {
    client: String,
}

/// How a server of this weight scores for a client: its weight over −ln of a hash in (0, 1).
#[must_use]
pub fn hrw_score(client: &[u8], server: &[u8], weight: f64) -> f64 {
    const TWO_TO_64: f64 = 18_446_744_073_709_551_616.0;
    weight / -libm::log(fnv1a_64(&[client, server]) as f64 / TWO_TO_64)
}

impl Balancer for Hrw {
    fn members(&mut self, _: &Pool, _: &mut Ctx<'_>) {}

    fn pick(&mut self, request: &Request<'_>, pool: &Pool, _: &mut Ctx<'_>) -> Pick {
        let client = request.client(&mut self.client).as_bytes();
        let mut best = None;
        for &backend in pool.eligible() {
            let weight = pool.weight(backend);
            if weight > 0.0 {
                let score = hrw_score(client, pool.member(backend).address.as_bytes(), weight);
                if best.is_none_or(|(_, highest)| score > highest) {
                    best = Some((backend, score));
                }
            }
        }
        best.map_or(Pick::None, |(backend, _)| Pick::Backend(backend))
    }
}

/// How many answers an average is over.
const SAMPLES: usize = 100;

/// The last answers of a server, and its deadline among equals.
#[derive(Clone, Debug, Default)]
struct Answers {
    milliseconds: Vec<f64>,
    next: usize,
    sum: f64,
    deadline: f64,
}

impl Answers {
    fn add(&mut self, ms: f64) {
        if self.milliseconds.len() < SAMPLES {
            self.milliseconds.push(ms);
        } else {
            self.sum -= std::mem::replace(&mut self.milliseconds[self.next], ms);
        }
        self.next = (self.next + 1) % SAMPLES;
        self.sum += ms;
    }

    fn average(&self) -> f64 {
        if self.milliseconds.is_empty() { 0.0 } else { self.sum / self.milliseconds.len() as f64 }
    }
}

/// The least time.
#[derive(Debug, Default)]
struct LeastTime {
    answers: Vec<Answers>,
    ties: Vec<BackendId>,
}

impl Balancer for LeastTime {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        self.answers = vec![Answers { milliseconds: Vec::with_capacity(SAMPLES), ..Answers::default() }; pool.len()];
        self.ties.reserve(pool.len());
        let mut deadline = 0.0;
        for backend in weighted(pool) {
            deadline += 1.0 / pool.weight(backend);
            self.answers[backend.index()].deadline = deadline;
        }
    }

    fn changed(&mut self, _: BackendId, change: Change, pool: &Pool, ctx: &mut Ctx<'_>) {
        if !matches!(change, Change::State(_)) {
            self.members(pool, ctx);
        }
    }

    fn pick(&mut self, _: &Request<'_>, pool: &Pool, _: &mut Ctx<'_>) -> Pick {
        let mut least = f64::INFINITY;
        self.ties.clear();
        for &backend in pool.eligible().iter().filter(|&&backend| pool.weight(backend) > 0.0) {
            let average = self.answers[backend.index()].average();
            let score = average * (1.0 + f64::from(pool.in_flight(backend))) / pool.weight(backend);
            if score < least {
                least = score;
                self.ties.clear();
            }
            if score == least {
                self.ties.push(backend);
            }
        }
        if let [only] = self.ties[..] {
            return Pick::Backend(only);
        }
        let deadline = |backend: BackendId| self.answers[backend.index()].deadline;
        let Some(&first) = self.ties.iter().min_by(|&&a, &&b| deadline(a).total_cmp(&deadline(b))) else { return Pick::None };
        self.answers[first.index()].deadline += 1.0 / pool.weight(first);
        Pick::Backend(first)
    }

    fn listens(&self) -> Listens {
        Listens::ATTEMPTS
    }

    fn finished(&mut self, completion: &Completion, _: &Pool, _: &mut Ctx<'_>) {
        if let Some(answers) = self.answers.get_mut(completion.backend.index()) {
            answers.add(completion.latency.as_millis_f64());
        }
    }
}

const PRODUCT: &str = "Traefik v3 (fd5a576d)";
const UNWEIGHTED: &[(Law, &str)] = &[(Law::ZeroWeight, "it does not look at weights"), (Law::Weights, "it does not look at weights")];

const fn of(name: &'static str, summary: &'static str, text: &'static str, reference: &'static str) -> Entry {
    Entry { name, summary, text, parameters: &[], reference }
}

static WRR: Listed = Listed::new(
    of(
        "traefik/wrr",
        "Traefik's default: earliest deadline first",
        "A server's deadline moves on by 1 ÷ weight with each turn; the earliest is next, by a binary heap. Who is down takes its turns in vain. O(log n) per pick.",
        "traefik/traefik, pkg/server/service/loadbalancer/wrr/wrr.go",
    ),
    |_| Box::new(Wrr::default()),
)
.of(PRODUCT);

static P2C: Listed = Listed::new(
    of(
        "traefik/p2c",
        "Traefik's p2c: the less busy of two draws",
        "Two draws with replacement, the second moved on by one where they are the same; the first unless the second has fewer requests. O(1) per pick.",
        "traefik/traefik, pkg/server/service/loadbalancer/p2c/p2c.go",
    ),
    |_| Box::new(P2c),
)
.of(PRODUCT)
.breaks(UNWEIGHTED);

static HRW: Listed = Listed::new(
    of(
        "traefik/hrw",
        "Traefik's hrw: the highest random weight of client and server",
        "Weighted rendezvous hashing: weight ÷ −ln of the FNV-1a of the client's and the server's address. Cost: O(n), as in the product.",
        "traefik/traefik, pkg/server/service/loadbalancer/hrw/hrw.go",
    ),
    |_| Box::new(Hrw::default()),
)
.of(PRODUCT)
.by_key()
.breaks(&[(Law::Weights, "FNV-1a mixes short addresses badly: shares are off by up to a quarter")]);

static LEAST_TIME: Listed = Listed::new(
    of(
        "traefik/leasttime",
        "Traefik's leasttime: the least average time × (1 + requests) ÷ weight",
        "The average of the last 100 answers, 0 where there was none, times the requests in flight and this one, over the weight; the least is taken, equals by deadlines \
         that only ties move on. Cost: O(n), as in the product.",
        "traefik/traefik, pkg/server/service/loadbalancer/leasttime/leasttime.go",
    ),
    |_| Box::new(LeastTime::default()),
)
.of(PRODUCT)
.approximate("the time to the first byte is the time to the answer here")
.breaks(&[(Law::Weights, "of equally fast and idle servers the heaviest have the least score and get everything")]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::State;
    use crate::balance::testing::Bench;

    #[test]
    fn equals_are_sifted_as_in_go() {
        let mut bench = Bench::new(Box::new(Wrr::default()), &[1.0; 3]);
        assert_eq!((0..6).map(|_| bench.pick()).collect::<Vec<_>>(), [0, 2, 1, 2, 1, 0]);
        (0..3).for_each(|at| bench.pool.set_state(BackendId(at), State::Down));
        assert_eq!(bench.pick_key(1), Pick::None);
    }

    #[test]
    fn idle_and_unknown_servers_take_turns_by_weight() {
        let counts = Bench::new(Box::new(LeastTime::default()), &[3.0, 1.0]).split(2, 400);
        // The second's first deadline is one turn of the first further off.
        assert!(counts[0].abs_diff(300) <= 1, "{counts:?}");
    }
}
