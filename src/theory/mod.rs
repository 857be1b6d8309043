//! What queueing theory says of a plan, where it has a closed form: to be set beside what was measured.
//!
//! A plan is recognised as a model only where it is exactly that: requests that arrive at random at an unchanging rate, work of one law, backends with their
//! workers and nothing else (no network, limits, caches, faults, timeouts, services). Then
//!
//! | backends and balancer | model |
//! | --- | --- |
//! | one backend with one worker, or `random` over any number | M/G/1 by Pollaczek and Khinchine; with exponential work every percentile |
//! | the same with processor sharing | M/G/1-PS, whatever the law of work |
//! | one backend with c workers, or `random` over such; exponential work | M/M/c by Erlang |
//! | `central-queue` over equal workers, exponential work | M/M/c over all of them |
//! | `round-robin` over equal backends with one worker, exponential work | E_n/M/1 |
//! | any other balancer over equal backends, exponential work | at least the one queue of M/M/c: nobody can do better |

pub mod agreement;
pub mod formulas;
pub mod moments;

use crate::dist::Dist;
use crate::plan::Plan;
use crate::scenario::{Discipline, Picks, Shape};
use crate::traffic::{SourcePlan, Timing};
use formulas::{erlang_c, mg1_sojourn, mm1_quantile, mm1_sojourn, mmc_sojourn, round_robin_sigma};

/// A figure that theory knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// The metric's path: `latency.mean`.
    pub metric: &'static str,
    /// The model: `M/M/1 each`.
    pub model: String,
    /// Whether the value is what must come out, or only what nobody can be below.
    pub is_bound: bool,
    /// Milliseconds, or a share.
    pub value: f64,
}

/// What is known of a balancer of a plan: nothing, where the plan is no model.
#[must_use]
pub fn known(plan: &Plan, balancer: usize) -> Vec<Known> {
    let Some(pool) = Pool::of(plan) else { return Vec::new() };
    match plan.balancers[balancer].kind {
        _ if pool.backends.len() == 1 => pool.apart(),
        "random" => pool.apart(),
        "central-queue" => pool.together(false),
        "round-robin" => pool.in_turn(),
        _ => pool.together(true),
    }
}

/// A plan that is a model. Times in nanoseconds.
struct Pool {
    /// Requests per nanosecond.
    rate: f64,
    work: Dist,
    /// The squared coefficient of variation of work.
    variation: f64,
    /// Speed and workers of each.
    backends: Vec<(f64, u32)>,
    is_shared: bool,
}

impl Pool {
    fn of(plan: &Plan) -> Option<Self> {
        let [source] = &plan.sources[..] else { return None };
        let is_bare = !plan.is_eventful() && plan.links.is_empty() && plan.tier.picks == Picks::Request;
        if !is_bare || !is_steady(source) || plan.services.len() != 1 {
            return None;
        }
        let first = plan.groups.first()?;
        let is_bare = |group: &crate::fleet::GroupPlan| {
            group.queue.is_none()
                && group.network == Dist::Constant(0.0)
                && group.per_in_flight == 0
                && group.cache.is_none()
                && group.discipline == first.discipline
                && group.initially == group.count
        };
        let is_plain = matches!(first.discipline, Discipline::Fifo | Discipline::ProcessorSharing);
        if !is_plain || !plan.groups.iter().all(is_bare) {
            return None;
        }
        let each = |group: &crate::fleet::GroupPlan| Some(vec![(group.speed, group.workers?); group.count as usize]);
        let backends: Vec<Vec<(f64, u32)>> = plan.groups.iter().map(each).collect::<Option<_>>()?;
        Some(Self {
            rate: plan.rate? / 1e9,
            variation: moments::squared_cv(&source.work)?,
            work: source.work.clone(),
            backends: backends.concat(),
            is_shared: first.discipline == Discipline::ProcessorSharing,
        })
    }

    fn is_exponential(&self) -> bool {
        matches!(self.work, Dist::Exponential { .. })
    }

    /// Whether all backends are the same.
    fn is_even(&self) -> bool {
        self.backends.iter().all(|backend| backend == &self.backends[0])
    }

    /// Each backend has an equal share of a Poisson process to itself.
    fn apart(&self) -> Vec<Known> {
        let rate = self.rate / self.backends.len() as f64;
        let Some(mean) = self.backends.iter().map(|&backend| self.sojourn(backend, rate)).sum::<Option<f64>>() else { return Vec::new() };
        let mean = mean / self.backends.len() as f64;
        let (speed, workers) = self.backends[0];
        let unit = self.work.mean() / speed;
        let load = rate * unit / f64::from(workers);
        let model = self.name(workers);
        let mut known = vec![equals("latency.mean", &model, mean / 1e6)];
        if self.is_even() && !self.is_shared {
            let waits = if workers == 1 { load } else { erlang_c(workers, rate * unit) };
            known.push(equals("wait_share", &model, waits));
            if workers == 1 && self.is_exponential() {
                known.push(equals("latency.p50", &model, unit * mm1_quantile(load, 0.5) / 1e6));
                known.push(equals("latency.p99", &model, unit * mm1_quantile(load, 0.99) / 1e6));
            }
        }
        known
    }

    /// The mean sojourn at one backend; `None` where it is overloaded, or no formula is at hand.
    fn sojourn(&self, (speed, workers): (f64, u32), rate: f64) -> Option<f64> {
        let unit = self.work.mean() / speed;
        let offered = rate * unit;
        if offered >= f64::from(workers) {
            return None;
        }
        match workers {
            1 if self.is_shared => Some(unit * mm1_sojourn(offered)),
            1 => Some(unit * mg1_sojourn(offered, self.variation)),
            _ if self.is_exponential() => Some(unit * mmc_sojourn(workers, offered)),
            _ => None,
        }
    }

    /// All workers have one queue: what comes out, or a bound for those who know less.
    fn together(&self, is_bound: bool) -> Vec<Known> {
        if !self.is_even() || !self.is_exponential() || self.is_shared {
            return Vec::new();
        }
        let (speed, workers) = self.backends[0];
        let (unit, servers) = (self.work.mean() / speed, self.backends.len() as u32 * workers);
        let offered = self.rate * unit;
        if offered >= f64::from(servers) {
            return Vec::new();
        }
        let model = format!("M/M/{servers}, one queue");
        let mean = Known { is_bound, ..equals("latency.mean", &model, unit * mmc_sojourn(servers, offered) / 1e6) };
        let waits = equals("wait_share", &model, erlang_c(servers, offered));
        if is_bound { vec![mean] } else { vec![mean, waits] }
    }

    /// Each backend gets every n-th request: E_n/M/1, whose sojourn is exponential.
    fn in_turn(&self) -> Vec<Known> {
        let (speed, workers) = self.backends[0];
        let (unit, n) = (self.work.mean() / speed, self.backends.len() as u32);
        let load = self.rate * unit / f64::from(n);
        if !self.is_even() || !self.is_exponential() || self.is_shared || workers != 1 || load >= 1.0 {
            return self.together(true);
        }
        let sigma = round_robin_sigma(n, load);
        let (model, mean) = (format!("E{n}/M/1 each"), unit / (1.0 - sigma) / 1e6);
        let quantile = |share: f64| mean * mm1_quantile(0.0, share);
        vec![
            equals("latency.mean", &model, mean),
            equals("wait_share", &model, sigma),
            equals("latency.p50", &model, quantile(0.5)),
            equals("latency.p99", &model, quantile(0.99)),
        ]
    }

    fn name(&self, workers: u32) -> String {
        let law = match self.work {
            Dist::Exponential { .. } => "M",
            Dist::Constant(_) => "D",
            _ => "G",
        };
        let (shared, each) = (if self.is_shared { "-PS" } else { "" }, if self.backends.len() == 1 { "" } else { " each" });
        format!("M/{law}/{workers}{shared}{each}")
    }
}

/// Whether requests come at random at a rate that does not change.
fn is_steady(source: &SourcePlan) -> bool {
    let is_poisson = matches!(&source.timing, Timing::Renewal { gap: Dist::Exponential { .. }, .. });
    is_poisson && source.shape == Shape::Flat && source.surges.is_empty()
}

fn equals(metric: &'static str, model: &str, value: f64) -> Known {
    Known { metric, model: model.into(), is_bound: false, value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{self, NoFiles, Source};

    fn known_of(text: &str) -> Vec<(&'static str, String, bool, f64)> {
        let loaded = scenario::load(&Source::new("test", text.as_bytes()), &[], &NoFiles).expect("the scenario is valid");
        let plan = Plan::new(&loaded.variants[0].scenario, None).expect("it can be planned");
        known(&plan, 0).into_iter().map(|known| (known.metric, known.model, known.is_bound, (known.value * 1e6).round() / 1e6)).collect()
    }

    fn scenario(balancer: &str, load: f64, work: &str, backends: &str, more: &str) -> String {
        format!(
            "balancers = [\"{balancer}\"]\n[run]\nrequests = 1000\n[traffic]\narrivals = {{ process = \"poisson\", load = {load} }}\nwork = {work}\n{more}\n\
             [[backends]]\n{backends}\n"
        )
    }

    const EXPONENTIAL: &str = r#"{ dist = "exponential", mean = "10ms" }"#;

    #[test]
    fn models_are_recognised_and_have_their_reference_values() {
        // The values are those of the reference cases mm1-0.5, rr-2-0.5 and of Erlang's formula.
        let each = known_of(&scenario("random", 0.5, EXPONENTIAL, "count = 4", ""));
        assert_eq!(each[0], ("latency.mean", "M/M/1 each".into(), false, 20.0));
        assert_eq!(each[3], ("latency.p99", "M/M/1 each".into(), false, 92.103_404));
        let turns = known_of(&scenario("round-robin", 0.5, EXPONENTIAL, "count = 2", ""));
        assert_eq!(turns[0], ("latency.mean", "E2/M/1 each".into(), false, 16.180_34));
        let one = known_of(&scenario("central-queue", 0.5, EXPONENTIAL, "count = 2", ""));
        assert_eq!(
            one,
            [("latency.mean", "M/M/2, one queue".into(), false, 13.333_333), ("wait_share", "M/M/2, one queue".into(), false, 0.333_333)]
        );
        let other = known_of(&scenario("least-connections", 0.5, EXPONENTIAL, "count = 2", ""));
        assert_eq!(other, [("latency.mean", "M/M/2, one queue".into(), true, 13.333_333)]);
        let equal = known_of(&scenario("random", 0.5, "\"10ms\"", "count = 4", ""));
        assert_eq!(equal[0], ("latency.mean", "M/D/1 each".into(), false, 15.0));
        let shared = known_of(&scenario("random", 0.5, "\"10ms\"", "discipline = \"processor-sharing\"", ""));
        assert_eq!(shared, [("latency.mean", "M/D/1-PS".into(), false, 20.0)]);
        let workers = known_of(&scenario("round-robin", 0.5, EXPONENTIAL, "workers = 2", ""));
        assert_eq!(workers[0], ("latency.mean", "M/M/2".into(), false, 13.333_333));
    }

    #[test]
    fn what_is_no_model_has_no_theory() {
        for text in [
            scenario("random", 1.1, EXPONENTIAL, "count = 4", ""),
            scenario("random", 0.5, EXPONENTIAL, "count = 4\nqueue = 5", ""),
            scenario("random", 0.5, EXPONENTIAL, "network = \"1ms\"", ""),
            scenario("random", 0.5, EXPONENTIAL, "count = 4", "[client]\ntimeout = \"1s\""),
            scenario("random", 0.5, "{ dist = \"pareto\", alpha = 1.5, min = \"1ms\" }", "count = 4", ""),
            scenario("round-robin", 0.5, "\"10ms\"", "count = 4", ""),
            scenario("least-connections", 0.5, EXPONENTIAL, "speed = 2\n[[backends]]\nname = \"b\"", ""),
        ] {
            assert_eq!(known_of(&text), [], "{text}");
        }
    }
}
