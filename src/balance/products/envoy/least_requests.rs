//! The balancer over the rules of [`super::least_request`].

use super::balancer::{At, Envoy, Fresh, Within};
use super::cluster::{FAIL_ON_PANIC, OVERPROVISIONING, Options, PANIC, Spread};
use super::least_request::{full_scan, n_choices, weight};
use super::round_robin::{AGGRESSION, LEAST, Ramp, WINDOW, slow_start};
use super::schedule::past;
use super::{BREAKS, PRODUCT};
use crate::balance::edf::Edf;
use crate::balance::{BackendId, Ctx, Listed, Pool, Request};
use crate::catalogue::{Entry, Kind, Parameter, Values};
use crate::time::SimTime;

pub(in crate::balance) static LISTED: Listed = Listed::new(
    Entry {
        name: "envoy/least-request",
        summary: "Envoy's least request: two choices, a full scan, or weights divided by requests in flight",
        text: "Equal weights: the fewest in flight of `choice_count` drawn with replacement (the first of equals), or of all, drawn evenly among equals. Unequal \
               weights or slow start: earliest deadline first by weight ÷ (in flight + 1)^bias, looked at once per turn. O(choices), O(n) or O(log n).",
        parameters: &[
            Parameter::with_default("selection", Kind::Choice(&["n-choices", "full-scan"]), "n-choices", "how many are looked at while weights are equal"),
            Parameter::with_default("choice_count", Kind::Whole(2, 1_000_000), "2", "how many are drawn"),
            Parameter::with_default("active_request_bias", Kind::Number(0.0, 1e6), "1", "how much requests in flight count against a weight; 0: not at all"),
            WINDOW,
            AGGRESSION,
            LEAST,
            PANIC,
            OVERPROVISIONING,
            FAIL_ON_PANIC,
        ],
        reference: "Envoy, source/extensions/load_balancing_policies/least_request",
    },
    |values| Box::new(Envoy::new(Options::of(values, Spread::Even), Box::new(LeastRequest::new(values)))),
)
.of(PRODUCT)
.breaks(BREAKS);

/// The rule.
#[derive(Debug)]
pub(super) struct LeastRequest {
    scans: bool,
    choices: u32,
    bias: f64,
    ramp: Ramp,
    /// Where weights differ.
    schedules: Vec<Option<Edf>>,
}

impl LeastRequest {
    pub(super) fn new(values: &Values) -> Self {
        Self {
            scans: values.text("selection") == "full-scan",
            choices: values.whole("choice_count") as u32,
            bias: values.number("active_request_bias"),
            ramp: Ramp::new(slow_start(values)),
            schedules: Vec::new(),
        }
    }

    #[inline]
    fn weight(bias: f64, ramp: &Ramp, backend: BackendId, pool: &Pool, now: SimTime) -> f64 {
        weight(pool.weight(backend), pool.in_flight(backend), bias) * ramp.factor(backend, now)
    }
}

impl Within for LeastRequest {
    fn rebuild(&mut self, fresh: &Fresh<'_>) {
        let is_slow = self.ramp.rebuild(fresh);
        let schedule = |list: &Vec<BackendId>| {
            let is_equal = list.windows(2).all(|pair| fresh.pool.weight(pair[0]) == fresh.pool.weight(pair[1]));
            if list.len() < 2 || is_equal && !is_slow {
                return None;
            }
            let weigh = |&backend: &BackendId| Self::weight(self.bias, &self.ramp, backend, fresh.pool, fresh.now);
            Some(Edf::with_past((0..).zip(list.iter().map(weigh)), past(fresh.seed)))
        };
        self.schedules = fresh.cluster.lists().iter().map(schedule).collect();
    }

    #[inline]
    fn pick(&mut self, at: &At<'_>, _: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Option<BackendId> {
        let load = |place: usize| pool.in_flight(at.backends[place]);
        let place = match &mut self.schedules[at.list] {
            Some(edf) => {
                let (bias, ramp) = (self.bias, &self.ramp);
                edf.next(|place| Self::weight(bias, ramp, at.backends[place as usize], pool, ctx.now)).map(|place| place as usize)
            }
            None if self.scans => full_scan(at.backends.len(), || ctx.chance.bits(), load),
            None => n_choices(at.backends.len(), self.choices, || ctx.chance.bits(), load),
        };
        place.map(|place| at.backends[place])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing::Bench;
    use crate::catalogue::Value;
    use crate::time::Span;

    fn bench(selection: &str, weights: &[f64]) -> Bench {
        let mut values = Values::default();
        values.set("selection", Value::Text(selection.into()));
        values.set("choice_count", Value::Whole(2));
        values.set("slow_start_window", Value::Span(Span::ZERO));
        values.set("fail_traffic_on_panic", Value::Bool(false));
        let numbers = [
            ("active_request_bias", 1.0),
            ("slow_start_aggression", 1.0),
            ("slow_start_least", 0.1),
            ("panic_threshold", 0.5),
            ("overprovisioning", 1.4),
        ];
        numbers.into_iter().for_each(|(name, number)| values.set(name, Value::Number(number)));
        Bench::new((LISTED.build)(&values), weights)
    }

    #[test]
    fn a_full_scan_fills_everybody_before_anybody_gets_a_second() {
        let mut bench = bench("full-scan", &[1.0; 5]);
        let mut first: Vec<u32> = (0..5).map(|_| bench.send()).collect();
        first.sort_unstable();
        assert_eq!(first, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn two_choices_are_drawn_with_replacement() {
        let mut bench = bench("n-choices", &[1.0; 3]);
        (0..5).for_each(|_| bench.pool.sent(BackendId(0)));
        // Drawn twice: 1/9. Five standard deviations of Binomial(90000, 1/9) are 471.
        assert!(bench.split(3, 90_000)[0].abs_diff(10_000) < 471);
    }

    #[test]
    fn unequal_weights_give_turns() {
        assert_eq!(bench("n-choices", &[1.0, 2.0]).split(2, 3_000), [1_000, 2_000]);
    }
}
