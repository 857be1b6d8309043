//! What each balancer instance believes of each backend, and why.
//!
//! A backend is believed to be absent, down or up. Several reasons may speak against it at once; it is up when none does. With too few that nothing speaks against, an
//! instance panics and uses all that are there. Nothing here has a clock or touches a balancer: what has changed is handed back.

use crate::balance::State;
use crate::client::breaker::{self, Backoff, ConsecutiveFailures};
use crate::client::{Caller, Limits};
use crate::dist::math::pow;
use crate::health::ejection::{AtOnce, Ejections, Product, Times};
use crate::health::outlier::{Enough, Volume, by_failure_percentage, by_success_rate};
use crate::health::{Active, Health, Outlier, SlowStart};
use crate::time::{SimTime, Span};

/// What speaks against a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Reason {
    /// It is not on the list.
    Absent = 1,
    /// It failed its probes.
    Probes = 4,
    /// It was ejected as an outlier.
    Ejected = 8,
    /// A breaker is shut.
    Breaker = 16,
    /// For oracles: it is down.
    Truth = 32,
}

/// The reasons that count as unhealthy.
const UNHEALTHY: u8 = Reason::Probes as u8 | Reason::Ejected as u8 | Reason::Breaker as u8 | Reason::Truth as u8;

/// A change of what an instance believes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) instance: u32,
    pub(super) backend: u32,
    pub(super) state: State,
}

/// All instances' beliefs about the backends of one service.
#[derive(Debug)]
pub(super) struct Beliefs {
    rules: Health,
    backends: u32,
    /// What it says in the configuration.
    written: Vec<State>,
    /// By instance and backend.
    reasons: Vec<u8>,
    shown: Vec<State>,
    /// By instance: backends on the list, those of them that nothing speaks against, and whether it panics.
    present: Vec<u32>,
    healthy: Vec<u32>,
    panics: Vec<bool>,
    checks: Vec<Check>,
    outliers: Vec<Watched>,
    ejected: Vec<u32>,
    breakers: Vec<ConsecutiveFailures>,
    /// Since when it is warming up; `u64::MAX`: it is not.
    warming: Vec<u64>,
}

/// How a backend's probes went.
#[derive(Clone, Copy, Debug, Default)]
struct Check {
    /// In a row, against what is believed.
    against: u32,
}

/// How an instance's attempts at a backend went.
#[derive(Clone, Copy, Debug, Default)]
struct Watched {
    errors: u32,
    successes: u32,
    failures: u32,
    ejections: Ejections,
}

impl Beliefs {
    /// Everything as it is written, and who is not there from the start absent.
    pub(super) fn new(rules: &Health, caller: &Caller, instances: usize, written: Vec<State>) -> Self {
        let backends = written.len();
        let of_pairs = |is_needed: bool| if is_needed { instances * backends } else { 0 };
        let breaker = breaker_of(&caller.breaker);
        let is_up = written.iter().filter(|state| state.is_eligible()).count() as u32;
        Self {
            backends: backends as u32,
            reasons: vec![0; instances * backends],
            shown: written.iter().copied().cycle().take(instances * backends).collect(),
            present: vec![is_up; instances],
            healthy: vec![is_up; instances],
            panics: vec![false; instances],
            checks: vec![Check::default(); of_pairs(rules.active.is_some())],
            outliers: vec![Watched::default(); of_pairs(rules.outlier.is_some())],
            ejected: vec![0; instances],
            breakers: breaker.map_or_else(Vec::new, |breaker| vec![breaker; instances * backends]),
            warming: vec![u64::MAX; of_pairs(rules.slow_start.is_some())],
            rules: rules.clone(),
            written,
        }
    }

    /// Whether attempts are to be noted.
    pub(super) fn listens(&self) -> bool {
        !self.outliers.is_empty() || !self.breakers.is_empty()
    }

    /// The probes, if there are any.
    pub(super) fn active(&self) -> Option<&Active> {
        self.rules.active.as_ref()
    }

    /// The rules for outliers, if there are any.
    pub(super) fn outlier(&self) -> Option<&Outlier> {
        self.rules.outlier.as_ref()
    }

    /// How many instances there are.
    pub(super) fn instances(&self) -> u32 {
        self.present.len() as u32
    }

    /// How many backends there are.
    pub(super) fn backends(&self) -> u32 {
        self.backends
    }

    fn at(&self, instance: u32, backend: u32) -> usize {
        instance as usize * self.backends as usize + backend as usize
    }

    /// A reason begins or ceases to speak against a backend.
    pub(super) fn set(&mut self, instance: u32, backend: u32, reason: Reason, speaks: bool, verdicts: &mut Vec<Verdict>) {
        let at = self.at(instance, backend);
        let before = self.reasons[at];
        let after = if speaks { before | reason as u8 } else { before & !(reason as u8) };
        if before == after {
            return;
        }
        self.reasons[at] = after;
        let is_usable = self.written[backend as usize].is_eligible();
        let is_present = |reasons: u8| is_usable && reasons & Reason::Absent as u8 == 0;
        let is_healthy = |reasons: u8| is_present(reasons) && reasons & UNHEALTHY == 0;
        let (present, healthy) = (&mut self.present[instance as usize], &mut self.healthy[instance as usize]);
        *present = *present + u32::from(is_present(after)) - u32::from(is_present(before));
        *healthy = *healthy + u32::from(is_healthy(after)) - u32::from(is_healthy(before));
        let panics = f64::from(*healthy) < self.rules.panic_below * f64::from(*present);
        if std::mem::replace(&mut self.panics[instance as usize], panics) == panics {
            self.show(instance, backend, verdicts);
        } else {
            (0..self.backends).for_each(|backend| self.show(instance, backend, verdicts));
        }
    }

    /// What is to be believed now, where that is new.
    fn show(&mut self, instance: u32, backend: u32, verdicts: &mut Vec<Verdict>) {
        let at = self.at(instance, backend);
        let reasons = self.reasons[at];
        let state = if reasons & Reason::Absent as u8 != 0 {
            State::Absent
        } else if reasons & UNHEALTHY != 0 && !self.panics[instance as usize] {
            State::Down
        } else {
            self.written[backend as usize]
        };
        if std::mem::replace(&mut self.shown[at], state) != state {
            verdicts.push(Verdict { instance, backend, state });
        }
    }

    // -- probes

    /// A probe has been answered, or not. Says whether the next is to come early.
    pub(super) fn checked(&mut self, instance: u32, backend: u32, ok: bool, verdicts: &mut Vec<Verdict>) -> bool {
        let Some(active) = &self.rules.active else { return false };
        let (unhealthy_after, healthy_after) = (active.unhealthy_after, active.healthy_after);
        let at = self.at(instance, backend);
        let is_healthy = self.reasons[at] & Reason::Probes as u8 == 0;
        if ok == is_healthy {
            self.checks[at].against = 0;
            return false;
        }
        self.checks[at].against += 1;
        if self.checks[at].against < if is_healthy { unhealthy_after } else { healthy_after } {
            return true;
        }
        self.checks[at].against = 0;
        self.set(instance, backend, Reason::Probes, is_healthy, verdicts);
        false
    }

    // -- passive judgement

    /// An attempt has been sent: a breaker that lets one through shuts behind it.
    pub(super) fn sent(&mut self, instance: u32, backend: u32, now: u64, verdicts: &mut Vec<Verdict>) {
        let at = self.at(instance, backend);
        if let Some(breaker) = self.breakers.get_mut(at)
            && !matches!(breaker.state(), breaker::State::Open { .. })
            && breaker.admit(SimTime(now))
        {
            self.set(instance, backend, Reason::Breaker, true, verdicts);
        }
    }

    /// An attempt has ended. Where a breaker shuts, until when.
    pub(super) fn noted(&mut self, instance: u32, backend: u32, ok: bool, now: u64, verdicts: &mut Vec<Verdict>) -> Option<u64> {
        self.note_outlier(instance, backend, ok, now, verdicts);
        let at = self.at(instance, backend);
        let breaker = self.breakers.get_mut(at)?;
        let before = breaker.state();
        breaker.ended(ok, SimTime(now), 0.0);
        match (before, breaker.state()) {
            (_, breaker::State::Open { .. }) => {
                self.set(instance, backend, Reason::Breaker, false, verdicts);
                None
            }
            // What was under way when it shut ends without a say.
            (breaker::State::Shut { .. }, _) | (_, breaker::State::Probation { .. }) => None,
            (_, breaker::State::Shut { until, .. }) => {
                self.set(instance, backend, Reason::Breaker, true, verdicts);
                Some(until.0)
            }
        }
    }

    /// The time of a breaker is up: it lets one through.
    pub(super) fn reopen(&mut self, instance: u32, backend: u32, now: u64, verdicts: &mut Vec<Verdict>) {
        let at = self.at(instance, backend);
        if let Some(breaker::State::Shut { until, .. }) = self.breakers.get(at).map(ConsecutiveFailures::state)
            && until.0 <= now
        {
            self.set(instance, backend, Reason::Breaker, false, verdicts);
        }
    }

    fn note_outlier(&mut self, instance: u32, backend: u32, ok: bool, now: u64, verdicts: &mut Vec<Verdict>) {
        let at = self.at(instance, backend);
        let Some(watched) = self.outliers.get_mut(at) else { return };
        if ok {
            watched.successes += 1;
            watched.errors = 0;
            return;
        }
        watched.failures += 1;
        watched.errors += 1;
        let limit = self.rules.outlier.as_ref().and_then(|outlier| outlier.consecutive_errors);
        if limit.is_some_and(|limit| watched.errors >= limit) {
            watched.errors = 0;
            self.eject(instance, backend, now, verdicts);
        }
    }

    fn eject(&mut self, instance: u32, backend: u32, now: u64, verdicts: &mut Vec<Verdict>) {
        let at = self.at(instance, backend);
        let Some(rules) = &self.rules.outlier else { return };
        let out = self.ejected[instance as usize];
        if self.outliers[at].ejections.is_out() || !at_once(rules).allows(u64::from(out), u64::from(self.present[instance as usize])) {
            return;
        }
        if self.outliers[at].ejections.eject(SimTime(now), &times(rules), Span::ZERO) {
            self.ejected[instance as usize] += 1;
            self.set(instance, backend, Reason::Ejected, true, verdicts);
        }
    }

    /// An interval of outlier detection has ended for an instance: rates are judged, and ejections that are over end.
    pub(super) fn sweep(&mut self, instance: u32, now: u64, verdicts: &mut Vec<Verdict>) {
        let Some(rules) = self.rules.outlier.clone() else { return };
        let range = self.at(instance, 0)..self.at(instance, self.backends);
        let volumes: Vec<Volume> = self.outliers[range.clone()].iter().map(Watched::volume).collect();
        self.outliers[range].iter_mut().for_each(|watched| (watched.successes, watched.failures) = (0, 0));
        let mut found = Vec::new();
        if let Some(rule) = rules.success_rate {
            let enough = Enough { requests: f64::from(rule.min_requests), backends: rule.min_backends as usize };
            found.extend(by_success_rate(&volumes, enough, rule.deviations * 1000.0));
        }
        if let Some(rule) = rules.failure_percentage {
            let enough = Enough { requests: f64::from(rule.min_requests), backends: rule.min_backends as usize };
            found.extend(by_failure_percentage(&volumes, enough, rule.above * 100.0, rules.product == Product::Grpc));
        }
        for backend in found {
            self.eject(instance, backend as u32, now, verdicts);
        }
        for backend in 0..self.backends {
            let at = self.at(instance, backend);
            if self.outliers[at].ejections.interval(SimTime(now), &times(&rules)) {
                self.ejected[instance as usize] -= 1;
                self.set(instance, backend, Reason::Ejected, false, verdicts);
            }
        }
    }

    // -- slow start

    /// A backend may be used again: whether it warms up from now on.
    pub(super) fn warms(&mut self, instance: u32, backend: u32, now: u64) -> Option<SlowStart> {
        let slow_start = self.rules.slow_start?;
        let at = self.at(instance, backend);
        self.warming[at] = now;
        Some(slow_start)
    }

    /// What a backend's weight is multiplied by now, and when that changes next; `None` where it is not warming up.
    pub(super) fn warmth(&mut self, instance: u32, backend: u32, now: u64) -> Option<(f64, Option<u64>)> {
        let slow_start = self.rules.slow_start?;
        let at = self.at(instance, backend);
        let since = self.warming[at];
        if since == u64::MAX {
            return None;
        }
        let passed = now - since;
        if passed >= slow_start.window.0 {
            self.warming[at] = u64::MAX;
            return Some((1.0, None));
        }
        let share = passed as f64 / slow_start.window.0 as f64;
        let factor = pow(share, 1.0 / slow_start.aggression).max(slow_start.min);
        let step = (slow_start.window.0 / WARM_STEPS).max(1);
        Some((factor, Some((now + step).min(since + slow_start.window.0))))
    }
}

/// A slow start has so many steps.
const WARM_STEPS: u64 = 50;

impl Watched {
    fn volume(&self) -> Volume {
        let requests = f64::from(self.successes) + f64::from(self.failures);
        let percent = if requests == 0.0 { 0.0 } else { 100.0 * f64::from(self.successes) / requests };
        Volume { requests, percent }
    }
}

fn at_once(rules: &Outlier) -> AtOnce {
    let percent = rules.max_ejected * 100.0;
    match rules.product {
        Product::Envoy => AtOnce::Envoy { percent, always_one: rules.always_one },
        Product::Grpc => AtOnce::Grpc { percent },
    }
}

fn times(rules: &Outlier) -> Times {
    Times { product: rules.product, base: rules.ejection, most: rules.max_ejection, interval: rules.interval }
}

/// The breaker of one backend, where there is one.
fn breaker_of(limits: &Limits) -> Option<ConsecutiveFailures> {
    let second = Span(1_000_000_000);
    let backoff = Backoff { least: limits.least.unwrap_or(second), most: limits.most.unwrap_or(Span(60 * second.0)), jitter: 0.0 };
    Some(ConsecutiveFailures::new(limits.consecutive_failures?, backoff))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beliefs(rules: Health, backends: usize) -> Beliefs {
        Beliefs::new(&rules, &Caller::default(), 1, vec![State::Up; backends])
    }

    fn states(verdicts: &mut Vec<Verdict>) -> Vec<(u32, State)> {
        verdicts.drain(..).map(|verdict| (verdict.backend, verdict.state)).collect()
    }

    #[test]
    fn it_is_up_again_when_nothing_speaks_against_it() {
        let (mut beliefs, mut verdicts) = (beliefs(Health::default(), 2), Vec::new());
        beliefs.set(0, 1, Reason::Probes, true, &mut verdicts);
        beliefs.set(0, 1, Reason::Ejected, true, &mut verdicts);
        beliefs.set(0, 1, Reason::Probes, false, &mut verdicts);
        assert_eq!(states(&mut verdicts), [(1, State::Down)]);
        beliefs.set(0, 1, Reason::Ejected, false, &mut verdicts);
        assert_eq!(states(&mut verdicts), [(1, State::Up)]);
    }

    #[test]
    fn with_too_few_all_are_used() {
        let (mut beliefs, mut verdicts) = (beliefs(Health { panic_below: 0.5, ..Health::default() }, 4), Vec::new());
        (0..2).for_each(|backend| beliefs.set(0, backend, Reason::Probes, true, &mut verdicts));
        assert_eq!(states(&mut verdicts), [(0, State::Down), (1, State::Down)]);
        beliefs.set(0, 2, Reason::Probes, true, &mut verdicts);
        assert_eq!(states(&mut verdicts), [(0, State::Up), (1, State::Up)]);
        // Who is gone does not count, neither as healthy nor as there.
        beliefs.set(0, 0, Reason::Absent, true, &mut verdicts);
        assert_eq!(states(&mut verdicts), [(0, State::Absent)]);
        beliefs.set(0, 1, Reason::Probes, false, &mut verdicts);
        assert_eq!(states(&mut verdicts), [(2, State::Down)]);
    }
}
