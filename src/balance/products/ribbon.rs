//! Netflix Ribbon's rules, with the statistics that they look at.
//!
//! **`ribbon/round-robin`.** A counter over all servers, increased before use; who is dead is passed over, ten tries in all. **`ribbon/weighted-response-time`.** Every 30 s a server's weight
//! becomes the sum of all average response times less its own; a draw in proportion. Before there are any, round robin. **`ribbon/availability-filtering`.** Round robin past servers whose circuit is
//! open or which have all the requests that they may: [`blackout_seconds`]. **`ribbon/zone-avoidance`.** One of the worst zones is left out first: [`Zones`]. **Cost:** O(n), as in the product, but for the
//! round robin. **Where it fails.** With two servers, one of which has all the response time, that one's weight is 0.

use crate::balance::{BackendId, Balancer, Change, Completion, Ctx, Law, Listed, Listens, Pick, Pool, Request};
use crate::catalogue::Entry;
use crate::random::Stream;
use crate::time::{SimTime, Span};

pub(in crate::balance) const LISTED: &[&Listed] = &[&ROUND_ROBIN, &WEIGHTED_RESPONSE_TIME, &AVAILABILITY_FILTERING, &ZONE_AVOIDANCE];

/// Failures of connections in a row that open a circuit.
pub const CONNECTION_FAILURES: u32 = 3;
/// What a circuit stays open for at first, in seconds; twice as long with each further failure.
pub const TRIP_FACTOR_SECONDS: u64 = 10;
/// The longest that a circuit stays open, in seconds.
pub const TRIP_MAX_SECONDS: u64 = 30;

/// For how many seconds from the last failure a circuit is open after so many in a row.
#[must_use]
pub fn blackout_seconds(failures: u32, threshold: u32, factor: u64, most: u64) -> u64 {
    failures.checked_sub(threshold).map_or(0, |beyond| ((1_u64 << beyond.min(16)) * factor).min(most))
}

/// Weights from response times.
#[derive(Clone, Debug, Default)]
pub struct ResponseTimes {
    /// Where each server's share ends: the sum of all averages less its own, added up in order.
    pub accumulated: Vec<f64>,
    turns: u32,
}

impl ResponseTimes {
    /// Takes the averages of all servers.
    pub fn weigh(&mut self, averages: &[f64]) {
        let total: f64 = averages.iter().sum();
        let add = |sum: &mut f64, average: &f64| {
            *sum += total - average;
            Some(*sum)
        };
        self.accumulated.clear();
        self.accumulated.extend(averages.iter().scan(0.0, add));
    }

    /// The place of the server that a draw from 0 to 1 means among `n`; by turns where weights are missing.
    pub fn choose(&mut self, draw: f64, n: usize) -> Option<usize> {
        let total = self.accumulated.last().copied().unwrap_or(0.0);
        if total < 0.001 || self.accumulated.len() != n {
            self.turns = self.turns.wrapping_add(1);
            return (self.turns as usize).checked_rem(n);
        }
        self.accumulated.iter().position(|&end| end >= draw * total)
    }
}

/// What is known of a server.
#[derive(Clone, Copy, Debug, Default)]
struct Stats {
    answers: u64,
    total_ms: f64,
    failures: u32,
    last_failure: SimTime,
}

impl Stats {
    fn note(&mut self, completion: &Completion, now: SimTime) {
        self.answers += 1;
        self.total_ms += completion.latency.as_millis_f64();
        if completion.ok {
            self.failures = 0;
        } else {
            self.failures += 1;
            self.last_failure = now;
        }
    }

    fn average_ms(&self) -> f64 {
        if self.answers == 0 { 0.0 } else { self.total_ms / self.answers as f64 }
    }

    fn is_tripped(&self, now: SimTime) -> bool {
        let open = blackout_seconds(self.failures, CONNECTION_FAILURES, TRIP_FACTOR_SECONDS, TRIP_MAX_SECONDS);
        open > 0 && now.since(self.last_failure) < Span(open * 1_000_000_000)
    }
}

/// A zone's servers at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Zone {
    /// How many.
    pub servers: u32,
    /// Of these, with an open circuit.
    pub tripped: u32,
    /// Requests there.
    pub requests: u32,
}

/// Zones, and which of them are used.
#[derive(Debug, Default)]
pub struct Zones {
    names: Vec<String>,
    zones: Vec<Zone>,
    used: Vec<bool>,
    worst: Vec<usize>,
}

impl Zones {
    /// Decides which zones are used: not those that are empty or dead, and not one of the worst, drawn by size, unless all carry less than 0.2 requests a server
    /// and none is dead.
    pub fn decide(&mut self, chance: &mut Stream) {
        let (mut greatest, mut is_limited) = (0.0, false);
        self.worst.clear();
        self.used.clear();
        self.used.resize(self.zones.len(), true);
        if self.zones.len() < 2 {
            return;
        }
        for (at, zone) in self.zones.iter().enumerate() {
            let load = f64::from(zone.requests) / f64::from(zone.servers.saturating_sub(zone.tripped));
            if zone.servers == 0 || f64::from(zone.tripped) / f64::from(zone.servers) >= 0.99999 {
                (self.used[at], is_limited) = (false, true);
            } else if (load - greatest).abs() < 0.000_001 {
                self.worst.push(at);
            } else if load > greatest {
                greatest = load;
                self.worst.clear();
                self.worst.push(at);
            }
        }
        if greatest < 0.2 && !is_limited {
            return;
        }
        let servers: u32 = self.worst.iter().map(|&at| self.zones[at].servers).sum();
        let mut draw = chance.below(u64::from(servers)) as u32;
        for &at in &self.worst {
            if draw < self.zones[at].servers {
                self.used[at] = false;
                return;
            }
            draw -= self.zones[at].servers;
        }
    }
}

/// How servers are chosen.
#[derive(Debug)]
enum Rule {
    RoundRobin,
    WeightedResponseTime { times: ResponseTimes, next: SimTime },
    AvailabilityFiltering { turns: usize },
    ZoneAvoidance { zones: Zones, turns: usize },
}

#[derive(Debug)]
struct Ribbon {
    rule: Rule,
    servers: Vec<BackendId>,
    /// By backend.
    stats: Vec<Stats>,
    zone_of: Vec<usize>,
    counter: usize,
    scratch: Vec<BackendId>,
    averages: Vec<f64>,
}

/// Weights are made anew so often.
const WEIGHING: Span = Span(30_000_000_000);

impl Ribbon {
    fn boxed(rule: Rule) -> Box<dyn Balancer> {
        Box::new(Self {
            rule,
            servers: Vec::new(),
            stats: Vec::new(),
            zone_of: Vec::new(),
            counter: 0,
            scratch: Vec::new(),
            averages: Vec::new(),
        })
    }

    /// The next server alive, ten tries.
    fn turn(&mut self, pool: &Pool) -> Option<BackendId> {
        let n = self.servers.len();
        for _ in 0..10.min(n * 10) {
            self.counter = (self.counter + 1) % n;
            let server = self.servers[self.counter];
            if pool.is_eligible(server) {
                return Some(server);
            }
        }
        None
    }

    fn is_available(&self, server: BackendId, pool: &Pool, now: SimTime) -> bool {
        let is_full = pool.member(server).max_in_flight.is_some_and(|most| pool.in_flight(server) >= most);
        !is_full && !self.stats[server.index()].is_tripped(now)
    }

    /// Whether a server's zone is used.
    fn is_in_use(&self, server: BackendId) -> bool {
        match &self.rule {
            Rule::ZoneAvoidance { zones, .. } => zones.used.get(self.zone_of[server.index()]).copied().unwrap_or(true),
            Rule::RoundRobin | Rule::WeightedResponseTime { .. } | Rule::AvailabilityFiltering { .. } => true,
        }
    }

    fn by_response_time(&mut self, pool: &Pool, ctx: &mut Ctx<'_>) -> Option<BackendId> {
        let Rule::WeightedResponseTime { times, next } = &mut self.rule else { return None };
        if ctx.now >= *next {
            *next = SimTime(ctx.now.0.saturating_add(WEIGHING.0));
            self.averages.clear();
            self.averages.extend(self.servers.iter().map(|server| self.stats[server.index()].average_ms()));
            times.weigh(&self.averages);
        }
        // Ribbon draws until it finds one alive. Where the only ones alive weigh nothing that is never.
        for _ in 0..100 {
            let server = self.servers[times.choose(ctx.chance.unit(), self.servers.len())?];
            if pool.is_eligible(server) {
                return Some(server);
            }
        }
        pool.at(0)
    }

    /// By turns among those alive that pass; among all alive where nobody does.
    fn filtered(&mut self, pool: &Pool, ctx: &mut Ctx<'_>) -> Option<BackendId> {
        let mut scratch = std::mem::take(&mut self.scratch);
        // In a zone that is used and available; available; alive.
        for (asks_zone, asks_availability) in [(true, true), (false, true), (false, false)] {
            let passes = |server: BackendId| {
                (!asks_zone || self.is_in_use(server)) && (!asks_availability || self.is_available(server, pool, ctx.now))
            };
            scratch.clear();
            scratch.extend(pool.eligible().iter().copied().filter(|&server| passes(server)));
            if !scratch.is_empty() {
                break;
            }
        }
        let chosen = match &mut self.rule {
            Rule::AvailabilityFiltering { turns } | Rule::ZoneAvoidance { turns, .. } => {
                let at = turns.checked_rem(scratch.len());
                *turns = turns.wrapping_add(1);
                at.map(|at| scratch[at])
            }
            Rule::RoundRobin | Rule::WeightedResponseTime { .. } => None,
        };
        self.scratch = scratch;
        chosen
    }

    fn look_at_zones(&mut self, pool: &Pool, ctx: &mut Ctx<'_>) {
        let Rule::ZoneAvoidance { zones, .. } = &mut self.rule else { return };
        zones.zones.fill(Zone::default());
        for &server in pool.eligible() {
            let zone = &mut zones.zones[self.zone_of[server.index()]];
            zone.servers += 1;
            zone.tripped += u32::from(self.stats[server.index()].is_tripped(ctx.now));
            zone.requests += pool.in_flight(server);
        }
        zones.decide(ctx.chance);
    }

    fn find_zones(&mut self, pool: &Pool) {
        let Rule::ZoneAvoidance { zones, .. } = &mut self.rule else { return };
        *zones = Zones::default();
        self.zone_of.clear();
        for at in 0..pool.len() {
            let name = &pool.member(BackendId(at as u32)).zone;
            let known = zones.names.iter().position(|known| known == name);
            self.zone_of.push(known.unwrap_or(zones.names.len()));
            if known.is_none() {
                zones.names.push(name.clone());
            }
        }
        zones.zones = vec![Zone::default(); zones.names.len()];
        zones.used.reserve(zones.names.len());
        zones.worst.reserve(zones.names.len());
    }
}

impl Balancer for Ribbon {
    fn members(&mut self, pool: &Pool, ctx: &mut Ctx<'_>) {
        self.servers = pool.present().collect();
        self.stats.resize(pool.len(), Stats::default());
        self.scratch.reserve(pool.len());
        self.averages.reserve(pool.len());
        self.find_zones(pool);
        if let Rule::WeightedResponseTime { next, times } = &mut self.rule {
            *next = ctx.now;
            times.accumulated.reserve(pool.len());
        }
        self.counter = self.counter.checked_rem(self.servers.len()).unwrap_or(0);
    }

    fn changed(&mut self, _: BackendId, change: Change, pool: &Pool, ctx: &mut Ctx<'_>) {
        if matches!(change, Change::Joined | Change::Left) {
            self.members(pool, ctx);
        }
    }

    fn pick(&mut self, _: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        if pool.eligible().is_empty() || self.servers.is_empty() {
            return Pick::None;
        }
        let chosen = match &self.rule {
            Rule::RoundRobin => self.turn(pool),
            Rule::WeightedResponseTime { .. } => self.by_response_time(pool, ctx),
            Rule::AvailabilityFiltering { .. } => {
                let available = (0..11).find_map(|_| self.turn(pool).filter(|&server| self.is_available(server, pool, ctx.now)));
                available.or_else(|| self.filtered(pool, ctx))
            }
            Rule::ZoneAvoidance { .. } => {
                self.look_at_zones(pool, ctx);
                self.filtered(pool, ctx)
            }
        };
        chosen.map_or(Pick::None, Pick::Backend)
    }

    fn listens(&self) -> Listens {
        if matches!(self.rule, Rule::RoundRobin) { Listens::NOTHING } else { Listens::ATTEMPTS }
    }

    fn finished(&mut self, completion: &Completion, _: &Pool, ctx: &mut Ctx<'_>) {
        self.stats[completion.backend.index()].note(completion, ctx.now);
    }
}

const PRODUCT: &str = "Netflix Ribbon 2";
const UNWEIGHTED: &[(Law, &str)] = &[(Law::ZeroWeight, "it does not look at weights"), (Law::Weights, "it does not look at weights")];

const fn of(name: &'static str, summary: &'static str, text: &'static str, reference: &'static str) -> Entry {
    Entry { name, summary, text, parameters: &[], reference }
}

static ROUND_ROBIN: Listed = Listed::new(
    of(
        "ribbon/round-robin",
        "Ribbon's RoundRobinRule: a counter, ten tries",
        "The counter is increased before use; who is dead is passed over, but after ten tries nobody is found. O(1) per pick.",
        "Netflix/ribbon, RoundRobinRule.java",
    ),
    |_| Ribbon::boxed(Rule::RoundRobin),
)
.of(PRODUCT)
.breaks(UNWEIGHTED);

static WEIGHTED_RESPONSE_TIME: Listed = Listed::new(
    of(
        "ribbon/weighted-response-time",
        "Ribbon's WeightedResponseTimeRule: drawn by how much faster than all others together",
        "Every 30 s a server's weight becomes the sum of all average response times less its own. Round robin before that. Cost: O(n), as in the product.",
        "Netflix/ribbon, WeightedResponseTimeRule.java",
    ),
    |_| Ribbon::boxed(Rule::WeightedResponseTime { times: ResponseTimes::default(), next: SimTime::ZERO }),
)
.of(PRODUCT)
.approximate("after a hundred draws of servers that are dead the first alive is taken, where Ribbon draws for ever")
.breaks(UNWEIGHTED);

static AVAILABILITY_FILTERING: Listed = Listed::new(
    of(
        "ribbon/availability-filtering",
        "Ribbon's AvailabilityFilteringRule: turns past open circuits and full servers",
        "Round robin past servers with three failures in a row, for 10 s, 20 s and then 30 s, and past those with all the requests they may have. O(1) per pick, O(n) where eleven turns \
         find nobody.",
        "Netflix/ribbon, AvailabilityFilteringRule.java, ServerStats.java",
    ),
    |_| Ribbon::boxed(Rule::AvailabilityFiltering { turns: 0 }),
)
.of(PRODUCT)
.approximate("every failure counts as one of a connection")
.breaks(UNWEIGHTED);

static ZONE_AVOIDANCE: Listed = Listed::new(
    of(
        "ribbon/zone-avoidance",
        "Ribbon's default, ZoneAvoidanceRule: turns outside the worst zone",
        "Dead zones and one of the worst loaded are left out, unless none is dead and all carry less than 0.2 requests a server; then as availability-filtering. Cost: O(n), as in \
         the product.",
        "Netflix/ribbon, ZoneAvoidanceRule.java",
    ),
    |_| Ribbon::boxed(Rule::ZoneAvoidance { zones: Zones::default(), turns: 0 }),
)
.of(PRODUCT)
.approximate("every failure counts as one of a connection")
.breaks(UNWEIGHTED);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circuit_stays_open_for_thirty_seconds_at_most() {
        assert_eq!([2, 3, 4, 5, 9, 40].map(|failures| blackout_seconds(failures, 3, 10, 30)), [0, 10, 20, 30, 30, 30]);
    }

    #[test]
    fn who_takes_all_the_time_gets_nothing() {
        let mut times = ResponseTimes::default();
        assert_eq!([times.choose(0.5, 2), times.choose(0.5, 2)], [Some(1), Some(0)], "turns");
        times.weigh(&[0.0, 10.0]);
        assert_eq!([times.choose(0.01, 2), times.choose(0.99, 2)], [Some(0), Some(0)]);
    }

    #[test]
    fn a_dead_zone_is_left_out_and_a_worst_one_with_it() {
        let zone = |tripped, requests| Zone { servers: 2, tripped, requests };
        let mut zones = Zones { zones: vec![zone(0, 1), zone(2, 0), zone(0, 5)], ..Zones::default() };
        zones.decide(&mut Stream::new(1));
        assert_eq!(zones.used, [true, false, false]);
        zones.zones = vec![zone(0, 0), zone(0, 0)];
        zones.decide(&mut Stream::new(1));
        assert_eq!(zones.used, [true, true]);
    }
}
