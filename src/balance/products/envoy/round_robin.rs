//! Envoy's round robin, with weights and slow start; and, with weights that backends report, its client-side weighted round robin.
//!
//! **Rule.** Each list has its own [turns](super::schedule): going round while its weights are equal, by earliest deadline otherwise or while a
//! backend is in [slow start](super::slow_start). A weight that changes in place counts from that backend's next turn; in a list of equal weights, from the
//! next change of the list. **Cost.** O(1), O(log n) with weights. **Where it fails.** It never looks at load.

use super::balancer::{At, Envoy, Fresh, Within};
use super::client_side_weights::{Periods, Validity, median};
use super::cluster::{FAIL_ON_PANIC, OVERPROVISIONING, Options, PANIC, Spread};
use super::schedule::Turns;
use super::slow_start::SlowStart;
use super::{BREAKS, BREAKS_REPORTED, PRODUCT};
use crate::balance::{BackendId, Ctx, Listed, Listens, Pool, Report, Reports, Request, State};
use crate::catalogue::{Entry, Kind, Parameter, Values};
use crate::time::{SimTime, Span};

pub(super) const WINDOW: Parameter = Parameter::with_default(
    "slow_start_window",
    Kind::Span,
    "0s",
    "how long a backend that has become healthy takes to its full share; 0s: none",
);
pub(super) const AGGRESSION: Parameter =
    Parameter::with_default("slow_start_aggression", Kind::Above(0.0, 100.0), "1", "1 is a straight ramp, above 1 rises fast at first");
pub(super) const LEAST: Parameter = Parameter::with_default(
    "slow_start_least",
    Kind::Share,
    "10%",
    "the least share of its weight: below it a backend would never warm up",
);

pub(in crate::balance) static LISTED: Listed = Listed::new(
    Entry {
        name: "envoy/round-robin",
        summary: "Envoy's turns: by earliest deadline where weights differ, with slow start",
        text: "Each in turn while weights are equal, earliest deadline first (1 ÷ weight apart) where they differ or a backend is in slow start. Begins \
               at a drawn place. Priorities, overprovisioning and panic as in all of Envoy's. O(1), O(log n) with weights.",
        parameters: &[WINDOW, AGGRESSION, LEAST, PANIC, OVERPROVISIONING, FAIL_ON_PANIC],
        reference: "Envoy, source/extensions/load_balancing_policies/round_robin, common/load_balancer_impl.cc",
    },
    |values| Box::new(Envoy::new(Options::of(values, Spread::Even), Box::new(RoundRobin::new(slow_start(values))))),
)
.of(PRODUCT)
.breaks(BREAKS);

pub(in crate::balance) static CLIENT_SIDE_WEIGHTED: Listed = Listed::new(
    Entry {
        name: "envoy/client-side-weighted-round-robin",
        summary: "Envoy's turns by weights that backends report: requests a second ÷ utilisation",
        text: "Weight = rps ÷ (utilisation + penalty × eps ÷ rps) of a backend's last report, once reports have come for `blackout_period` and while the last one is no \
               older than `expiration_period`; others get the median. Every `weight_update_period` the weights go into earliest deadline first. O(log n) per pick.",
        parameters: &[
            Parameter::with_default("blackout_period", Kind::Span, "10s", "reports count only after this: a new backend's first ones mislead"),
            Parameter::with_default("expiration_period", Kind::Span, "3m", "a report older than this does not count"),
            Parameter::with_default("weight_update_period", Kind::Period, "1s", "how often weights are taken over"),
            Parameter::with_default("error_utilization_penalty", Kind::Number(0.0, 1e6), "1", "how much an error counts as utilisation"),
            PANIC,
            OVERPROVISIONING,
            FAIL_ON_PANIC,
        ],
        reference: "Envoy, source/extensions/load_balancing_policies/client_side_weighted_round_robin",
    },
    |values| {
        let mut rule = RoundRobin::new(SlowStart::OFF);
        rule.reported = Some(Reported::new(values));
        Box::new(Envoy::new(Options::of(values, Spread::Even), Box::new(rule)))
    },
)
.of(PRODUCT)
.breaks(BREAKS_REPORTED);

pub(super) fn slow_start(values: &Values) -> SlowStart {
    SlowStart {
        window: values.span("slow_start_window"),
        aggression: values.number("slow_start_aggression"),
        least_percent: values.number("slow_start_least") * 100.0,
    }
}

/// Slow start over a list: whether it is on, and what it makes of a weight.
#[derive(Clone, Debug)]
pub(super) struct Ramp {
    slow_start: SlowStart,
    since: Vec<Option<SimTime>>,
}

impl Ramp {
    pub(super) fn new(slow_start: SlowStart) -> Self {
        Self { slow_start, since: Vec::new() }
    }

    /// Takes over since when backends are healthy; says whether somebody is in slow start.
    pub(super) fn rebuild(&mut self, fresh: &Fresh<'_>) -> bool {
        if self.slow_start.window == Span::ZERO {
            return false;
        }
        self.since = fresh.healthy_since.to_vec();
        self.since.iter().flatten().max().is_some_and(|&since| fresh.now.since(since) <= self.slow_start.window)
    }

    /// What a backend's weight is multiplied by.
    #[inline]
    pub(super) fn factor(&self, backend: BackendId, now: SimTime) -> f64 {
        match self.since.get(backend.index()) {
            Some(&Some(since)) => self.slow_start.factor(now.since(since)),
            _ => 1.0,
        }
    }
}

/// The rule.
#[derive(Debug)]
pub(super) struct RoundRobin {
    turns: Vec<Turns>,
    /// Each list's counter, which outlives its turns.
    indices: Vec<u64>,
    ramp: Ramp,
    reported: Option<Reported>,
}

impl RoundRobin {
    pub(super) fn new(slow_start: SlowStart) -> Self {
        Self { turns: Vec::new(), indices: Vec::new(), ramp: Ramp::new(slow_start), reported: None }
    }

    #[inline]
    fn weight(ramp: &Ramp, reported: Option<&Reported>, backend: BackendId, pool: &Pool, now: SimTime) -> f64 {
        let weight = reported.map_or_else(|| pool.weight(backend), |reported| reported.weight(backend));
        weight * ramp.factor(backend, now)
    }
}

impl Within for RoundRobin {
    fn rebuild(&mut self, fresh: &Fresh<'_>) {
        let is_slow = self.ramp.rebuild(fresh);
        if let Some(reported) = &mut self.reported {
            reported.update(fresh.pool, fresh.now);
        }
        let weigh = |&backend: &BackendId| Self::weight(&self.ramp, self.reported.as_ref(), backend, fresh.pool, fresh.now);
        let turns = |list: &Vec<BackendId>| Turns::new(&list.iter().map(weigh).collect::<Vec<_>>(), is_slow, fresh.seed);
        self.turns = fresh.cluster.lists().iter().map(turns).collect();
        self.indices.resize(self.turns.len().max(self.indices.len()), fresh.seed);
    }

    fn is_stale(&mut self, pool: &Pool, now: SimTime) -> bool {
        self.reported.as_mut().is_some_and(|reported| reported.is_due(now) && reported.update(pool, now))
    }

    #[inline]
    fn pick(&mut self, at: &At<'_>, _: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Option<BackendId> {
        let (ramp, reported) = (&self.ramp, self.reported.as_ref());
        let weight = |place: u32| Self::weight(ramp, reported, at.backends[place as usize], pool, ctx.now);
        let place = self.turns[at.list].next(&mut self.indices[at.list], weight)?;
        Some(at.backends[place as usize])
    }

    fn listens(&self) -> Listens {
        let reports = if self.reported.is_some() { Reports::Answers } else { Reports::Never };
        Listens { reports, ..Listens::NOTHING }
    }

    fn reported(&mut self, backend: BackendId, report: &Report, now: SimTime) {
        if let Some(reported) = &mut self.reported {
            reported.take(backend, report, now);
        }
    }
}

/// Weights as backends report them.
#[derive(Debug)]
struct Reported {
    periods: Periods,
    update_period: Span,
    penalty: f64,
    due: SimTime,
    known: Vec<Known>,
    /// What is gone by, of every backend.
    weights: Vec<u32>,
    /// The weights that hold, for their median; and the new ones, until they are gone by.
    valid: Vec<u32>,
    next: Vec<u32>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    weight: u32,
    since: Option<SimTime>,
    last: Option<SimTime>,
}

impl Reported {
    fn new(values: &Values) -> Self {
        Self {
            periods: Periods { blackout: values.span("blackout_period"), expiration: values.span("expiration_period") },
            update_period: values.span("weight_update_period"),
            penalty: values.number("error_utilization_penalty"),
            due: SimTime::ZERO,
            known: Vec::new(),
            weights: Vec::new(),
            valid: Vec::new(),
            next: Vec::new(),
        }
    }

    fn weight(&self, backend: BackendId) -> f64 {
        f64::from(self.weights.get(backend.index()).copied().unwrap_or(1))
    }

    fn take(&mut self, backend: BackendId, report: &Report, now: SimTime) {
        let said = super::client_side_weights::Report {
            rps: report.rps,
            eps: report.eps,
            application_utilization: report.utilization,
            ..super::client_side_weights::Report::default()
        };
        let Some(weight) = said.weight(&[], self.penalty) else { return };
        self.known.resize(self.known.len().max(backend.index() + 1), Known::default());
        let known = &mut self.known[backend.index()];
        (known.weight, known.last) = (weight, Some(now));
        known.since.get_or_insert(now);
    }

    fn is_due(&self, now: SimTime) -> bool {
        now >= self.due
    }

    /// Takes over the weights that hold now; says whether any has changed.
    fn update(&mut self, pool: &Pool, now: SimTime) -> bool {
        self.due = now + self.update_period;
        self.known.resize(pool.len(), Known::default());
        self.valid.clear();
        self.next.clear();
        for (known, id) in self.known.iter_mut().zip(0..) {
            let validity = self.periods.validity(known.since, known.last, now);
            if validity == Validity::Expired {
                known.since = None;
            }
            // A weight of 0 is a capacity too small to say: as good as the least. Here 0 is no weight.
            let weight = if validity == Validity::Valid { known.weight.max(1) } else { 0 };
            self.next.push(weight);
            if weight > 0 && pool.state(BackendId(id)) != State::Absent {
                self.valid.push(weight);
            }
        }
        let missing = median(&mut self.valid);
        self.next.iter_mut().filter(|weight| **weight == 0).for_each(|weight| *weight = missing);
        let is_new = self.next != self.weights;
        std::mem::swap(&mut self.next, &mut self.weights);
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing::Bench;
    use crate::balance::{Balancer, State};
    use crate::random::Stream;

    fn bench(weights: &[f64]) -> Bench {
        let options = Options { overprovisioning: 140.0, panic_threshold: 50.0, fail_on_panic: false, spread: Spread::Even };
        Bench::new(Box::new(Envoy::new(options, Box::new(RoundRobin::new(SlowStart::OFF)))), weights)
    }

    #[test]
    fn turns_are_in_proportion_and_weight_zero_has_none() {
        assert_eq!(bench(&[1.0, 2.0, 0.0]).split(3, 3_000), [1_000, 2_000, 0]);
        assert_eq!(bench(&[1.0; 4]).split(4, 400), [100; 4]);
        assert_eq!(bench(&[]).pick_key(1), crate::balance::Pick::None);
    }

    #[test]
    fn who_is_down_gets_nothing_until_too_many_are() {
        let mut bench = bench(&[1.0; 3]);
        bench.pool.set_state(BackendId(0), State::Down);
        bench.renew();
        assert_eq!(bench.split(3, 100), [0, 50, 50]);
        bench.pool.set_state(BackendId(1), State::Down);
        bench.renew();
        assert_eq!(bench.split(3, 90), [30, 30, 30]);
    }

    #[test]
    fn reported_weights_count_after_the_blackout() {
        let mut values = Values::default();
        for (name, seconds) in [("blackout_period", 10), ("expiration_period", 180), ("weight_update_period", 1)] {
            values.set(name, crate::catalogue::Value::Span(Span(seconds * 1_000_000_000)));
        }
        for (name, number) in [("error_utilization_penalty", 1.0), ("panic_threshold", 0.5), ("overprovisioning", 1.4)] {
            values.set(name, crate::catalogue::Value::Number(number));
        }
        values.set("fail_traffic_on_panic", crate::catalogue::Value::Bool(false));
        let mut balancer = (CLIENT_SIDE_WEIGHTED.build)(&values);
        let mut chance = Stream::new(1);
        let pool = Pool::new([crate::balance::Member::new("a:1"), crate::balance::Member::new("b:1")].into());
        let mut share = |balancer: &mut Box<dyn Balancer>, second: u64| {
            let mut counts = [0_u32; 2];
            for _ in 0..400 {
                let mut ctx = Ctx { now: SimTime(second * 1_000_000_000), chance: &mut chance };
                if let crate::balance::Pick::Backend(backend) = balancer.pick(&Request::default(), &pool, &mut ctx) {
                    counts[backend.index()] += 1;
                }
            }
            counts
        };
        balancer.members(&pool, &mut Ctx { now: SimTime::ZERO, chance: &mut Stream::new(2) });
        for (id, rps) in [(0, 100.0), (1, 300.0)] {
            let report = Report { rps, utilization: 0.5, ..Report::default() };
            balancer.reported(BackendId(id), &report, &pool, &mut Ctx { now: SimTime::ZERO, chance: &mut Stream::new(2) });
        }
        assert_eq!(share(&mut balancer, 9), [200, 200]);
        // A schedule does not begin at the start of a round.
        assert!(share(&mut balancer, 10)[0].abs_diff(100) <= 1);
        assert_eq!(share(&mut balancer, 200), [200, 200]);
    }
}
