//! The balancer over the rules of [`super::weights`] and [`super::stride`].
//!
//! The schedule is made anew every update period, and when the set of connected backends changes; the counter goes on, from a drawn start. C++ orders backends
//! by address, and uses the counter's value before it counts; Go keeps the list's order, and uses the value after.

use super::listed::nobody;
use super::stride::{Implementation, reschedule};
use super::weights::{Weight, weight};
use crate::balance::stride::Stride;
use crate::balance::{BackendId, Balancer, Change, Ctx, Listens, Pick, Pool, Report, Reports, Request};
use crate::catalogue::Values;
use crate::time::{SimTime, Span};

/// Turns by reported weights.
#[derive(Debug)]
pub(in crate::balance) struct Weighted {
    implementation: Implementation,
    blackout: Span,
    expiration: Span,
    update_period: Span,
    penalty: f64,
    weights: Vec<Weight>,
    /// The connected ones, in the implementation's order.
    ready: Vec<BackendId>,
    /// Their weights, as of the last look.
    read: Vec<f64>,
    stride: Stride,
    /// Without it they go round.
    is_weighted: bool,
    due: SimTime,
    sequence: Option<u32>,
}

impl Weighted {
    pub(in crate::balance) fn new(values: &Values) -> Self {
        let implementation = match values.get("implementation") {
            Some(_) if values.text("implementation") == "go" => Implementation::Go,
            _ => Implementation::Core,
        };
        Self {
            implementation,
            blackout: values.span("blackout_period"),
            expiration: values.span("weight_expiration_period"),
            update_period: values.span("weight_update_period"),
            penalty: values.number("error_utilization_penalty"),
            weights: Vec::new(),
            ready: Vec::new(),
            read: Vec::new(),
            stride: Stride::default(),
            is_weighted: false,
            due: SimTime::ZERO,
            sequence: None,
        }
    }

    fn reschedule(&mut self, now: SimTime) {
        self.due = now + self.update_period;
        self.read.clear();
        for backend in &self.ready {
            let weight = &mut self.weights[backend.index()];
            self.read.push(weight.at(now, self.blackout, self.expiration));
            weight.renew(now, self.expiration);
        }
        self.is_weighted = reschedule(self.implementation, &mut self.read, &mut self.stride);
    }
}

impl Balancer for Weighted {
    fn members(&mut self, pool: &Pool, ctx: &mut Ctx<'_>) {
        self.sequence.get_or_insert_with(|| ctx.chance.bits() as u32);
        self.weights.resize(pool.len(), Weight::default());
        self.ready = pool.eligible().to_vec();
        if self.implementation == Implementation::Core {
            self.ready.sort_by(|&a, &b| pool.member(a).address.cmp(&pool.member(b).address));
        }
        self.reschedule(ctx.now);
    }

    fn changed(&mut self, backend: BackendId, change: Change, pool: &Pool, ctx: &mut Ctx<'_>) {
        if let Change::State(before) = change
            && !before.is_eligible()
            && pool.is_eligible(backend)
        {
            self.weights[backend.index()].reconnected();
        }
        if change != Change::Weight {
            self.members(pool, ctx);
        }
    }

    #[inline]
    fn pick(&mut self, _: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        if self.ready.is_empty() {
            return nobody(pool);
        }
        if ctx.now >= self.due {
            self.reschedule(ctx.now);
        }
        let sequence = self.sequence.get_or_insert(0);
        let implementation = self.implementation;
        let mut next = || {
            let before = *sequence;
            *sequence = before.wrapping_add(1);
            if implementation == Implementation::Core { before } else { *sequence }
        };
        let place = if self.is_weighted { self.stride.pick(next) } else { next() as usize % self.ready.len() };
        Pick::Backend(self.ready[place])
    }

    fn listens(&self) -> Listens {
        Listens { reports: Reports::Answers, ..Listens::NOTHING }
    }

    fn reported(&mut self, backend: BackendId, report: &Report, _: &Pool, ctx: &mut Ctx<'_>) {
        let reported = weight(report.rps, report.eps, report.utilization, self.penalty);
        if let (Some(reported), Some(weight)) = (reported, self.weights.get_mut(backend.index())) {
            weight.report(reported, ctx.now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing::Bench;
    use crate::random::Stream;

    #[test]
    fn without_reports_it_goes_round_and_with_them_shares_follow() {
        for implementation in [Implementation::Core, Implementation::Go] {
            let rule = Weighted {
                implementation,
                blackout: Span::ZERO,
                expiration: Span(u64::MAX),
                update_period: Span(1),
                penalty: 1.0,
                weights: Vec::new(),
                ready: Vec::new(),
                read: Vec::new(),
                stride: Stride::default(),
                is_weighted: false,
                due: SimTime::ZERO,
                sequence: None,
            };
            let mut bench = Bench::new(Box::new(rule), &[1.0; 3]);
            assert_eq!(bench.split(3, 300), [100; 3]);
            let mut chance = Stream::new(1);
            for (id, rps) in [(0, 100.0), (1, 200.0), (2, 300.0)] {
                let report = Report { rps, utilization: 0.5, ..Report::default() };
                bench.balancer.reported(BackendId(id), &report, &bench.pool, &mut Ctx { now: SimTime::ZERO, chance: &mut chance });
            }
            bench.renew();
            let counts = bench.split(3, 6_000);
            assert!(counts.iter().zip([1_000, 2_000, 3_000]).all(|(count, wanted)| count.abs_diff(wanted) <= 2), "{counts:?}");
        }
    }
}
