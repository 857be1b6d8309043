//! C3: ranks backends by a latency that grows with the cube of their queue, and limits the rate to each.
//!
//! **Rule.** Lowest score of all: smoothed response time − service time + (1 + own in flight × clients + reported queue)³ × service time. Backends say their
//! queue and service time with every answer. One that has not answered yet comes first. **Ties.** The first. **Cost.** O(n): it looks at all, of which in a
//! store there are three. **Who ships it.** Cassandra (in part), Elasticsearch by a rule of its own. **Where it shines.** Replicas whose speed
//! changes by the second. **Where it fails.** Scanning many backends; and clients that all think the same one best, which `clients` is to prevent.

use super::{BackendId, Balancer, Change, Completion, Ctx, Law, Listed, Listens, Pick, Pool, Report, Reports, Request};
use crate::catalogue::{Entry, Kind, Parameter};

const CLIENTS: Parameter = Parameter::with_default(
    "clients",
    Kind::Whole(1, 1_000_000),
    "1",
    "how many clients send as this one does: its own requests in flight count as often",
);

const UNWEIGHTED: &[(Law, &str)] = &[(Law::ZeroWeight, "it does not look at weights"), (Law::Weights, "it does not look at weights")];

pub(super) static LISTED: Listed = Listed::new(
    Entry {
        name: "c3",
        summary: "the least response time plus the cube of the queue to expect",
        text: "Score = response − service + (1 + in flight × clients + reported queue)³ × service, smoothed with `alpha`; the least of all, an unknown one first. O(n) per pick.",
        parameters: &[Parameter::with_default("alpha", Kind::Above(0.0, 1.0), "0.9", "what a new sample counts for"), CLIENTS],
        reference: "L. Suresh et al., C3: cutting tail latency in cloud data stores via adaptive replica selection (NSDI 2015)",
    },
    |values| {
        let alpha = values.number("alpha");
        Box::new(Ranked { alpha, service_alpha: alpha, clients: values.whole("clients") as f64, whole_queue: false, known: Vec::new() })
    },
)
.approximate("ranks only: rates are not limited")
.breaks(UNWEIGHTED);

pub(super) static ELASTICSEARCH: Listed = Listed::new(
    Entry {
        name: "elasticsearch/ars",
        summary: "Elasticsearch's adaptive replica selection: C3's ranks without its rates",
        text: "C3's score with alpha 0.3 for response time and queue, the service time as last reported, and the smoothed queue cut to a whole number; the least of all, \
               an unknown one first. O(n) per pick.",
        parameters: &[CLIENTS],
        reference: "Elasticsearch, ResponseCollectorService",
    },
    |values| {
        Box::new(Ranked { alpha: 0.3, service_alpha: 1.0, clients: values.whole("clients") as f64, whole_queue: true, known: Vec::new() })
    },
)
.of("Elasticsearch 8")
.approximate("the statistics of nodes that were not chosen are not moved towards the chosen one's")
.breaks(UNWEIGHTED);

/// What a client knows of a backend; `None` until it has answered, or reported. In milliseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    response: Option<f64>,
    service: Option<f64>,
    queue: Option<f64>,
}

#[derive(Debug)]
struct Ranked {
    alpha: f64,
    service_alpha: f64,
    clients: f64,
    whole_queue: bool,
    known: Vec<Known>,
}

fn smooth(kept: &mut Option<f64>, sample: f64, alpha: f64) {
    *kept = Some(kept.map_or(sample, |kept| alpha * sample + (1.0 - alpha) * kept));
}

impl Ranked {
    /// `None`, which comes first, of who has not answered yet.
    #[inline]
    fn rank(&self, backend: BackendId, pool: &Pool) -> Option<f64> {
        let known = self.known[backend.index()];
        let response = known.response?;
        let queue = known.queue.unwrap_or(0.0);
        let queue = if self.whole_queue { queue.trunc() } else { queue };
        let expected = expected_queue(f64::from(pool.in_flight(backend)), self.clients, queue);
        Some(score(response, known.service.unwrap_or(response), expected))
    }
}

impl Balancer for Ranked {
    fn members(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        self.known.resize(pool.len(), Known::default());
    }

    fn changed(&mut self, backend: BackendId, change: Change, pool: &Pool, ctx: &mut Ctx<'_>) {
        self.members(pool, ctx);
        if change == Change::Left {
            self.known[backend.index()] = Known::default();
        }
    }

    fn pick(&mut self, _: &Request<'_>, pool: &Pool, _: &mut Ctx<'_>) -> Pick {
        super::power_of_d::least_loaded(pool.eligible().iter().copied(), |backend| {
            // Unknown ones come first, and among them those with the fewest in flight.
            (self.rank(backend, pool), pool.in_flight(backend))
        })
        .map_or(Pick::None, Pick::Backend)
    }

    fn listens(&self) -> Listens {
        Listens { reports: Reports::Answers, ..Listens::ATTEMPTS }
    }

    fn finished(&mut self, completion: &Completion, _: &Pool, _: &mut Ctx<'_>) {
        let known = &mut self.known[completion.backend.index()];
        smooth(&mut known.response, completion.latency.as_millis_f64(), self.alpha);
    }

    fn reported(&mut self, backend: BackendId, report: &Report, _: &Pool, _: &mut Ctx<'_>) {
        let known = &mut self.known[backend.index()];
        smooth(&mut known.queue, f64::from(report.in_flight), self.alpha);
        smooth(&mut known.service, report.service.as_millis_f64(), self.service_alpha);
    }
}

/// The score of a backend, the lower the better: response time less service time, plus service time × the cube of the queue to expect. The cube
/// keeps a short queue attractive and makes a long one much worse, where a plain product would send a fast server a long queue.
#[must_use]
pub fn score(response: f64, service: f64, queue: f64) -> f64 {
    response - service + queue * queue * queue * service
}

/// The queue to expect: this request, what this client has there as if all `clients` did the same, and what the backend reports.
#[must_use]
pub fn expected_queue(outstanding: f64, clients: f64, reported: f64) -> f64 {
    1.0 + outstanding * clients + reported
}

/// How the rate to a backend grows again after it has been cut: fast at first, flat near where it was cut, then fast again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CubicRate {
    /// How much of the rate is cut off.
    pub beta: f64,
    /// How fast it grows.
    pub gamma: f64,
}

impl CubicRate {
    /// The rate so many milliseconds after the last cut, when it was `most`.
    #[must_use]
    pub fn after(&self, most: f64, ms: f64) -> f64 {
        let since_flat = ms - libm::cbrt(self.beta * most / self.gamma);
        self.gamma * since_flat * since_flat * since_flat + most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_backends_come_first_and_then_the_best_rank() {
        let rule = Ranked { alpha: 0.3, service_alpha: 1.0, clients: 1.0, whole_queue: true, known: Vec::new() };
        let mut bench = super::super::testing::Bench::new(Box::new(rule), &[1.0; 3]);
        let mut chance = crate::random::Stream::new(1);
        for (id, milliseconds) in [(0, 30), (1, 10)] {
            let mut ctx = Ctx { now: crate::time::SimTime::ZERO, chance: &mut chance };
            let latency = crate::time::Span(milliseconds * 1_000_000);
            let completion = Completion { request: 1, backend: BackendId(id), ok: true, latency };
            bench.balancer.finished(&completion, &bench.pool, &mut ctx);
            bench.balancer.reported(BackendId(id), &Report { service: latency, ..Report::default() }, &bench.pool, &mut ctx);
        }
        assert_eq!(bench.pick(), 2);
        bench.pool.set_state(BackendId(2), super::super::State::Down);
        assert_eq!([bench.send(), bench.send()], [1, 0]);
    }

    #[test]
    fn a_queue_counts_by_its_cube() {
        assert_eq!(score(150.0, 100.0, expected_queue(1.0, 5.0, 0.0)), 21_650.0);
        assert_eq!(score(200.0, 199.0, expected_queue(3.0, 5.0, 1.0)), 977_688.0);
    }

    #[test]
    fn a_cut_rate_begins_where_it_was_cut_to() {
        let rate = CubicRate { beta: 0.2, gamma: 4e-6 };
        assert!((rate.after(100.0, 0.0) - 80.0).abs() < 1e-9);
        assert!(rate.after(100.0, 300.0) > 100.0);
    }
}
