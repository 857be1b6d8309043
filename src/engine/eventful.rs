//! Cells in which more can happen to a request than one attempt that is answered: what they have beside plain ones, and what is on their agenda.
//!
//! A request sets out; its balancer chooses; an attempt is sent, and perhaps another beside it; attempts end by an answer, a refusal, a crash or by being
//! given up; the request tries again or is concluded. What happens at once is never done inside what caused it, but put on the agenda for the same
//! instant: a retry after a refusal, the end of a call that could not be made. So nothing here calls itself. Requests, attempts, and attempts at their backend
//! (visits) have a file each.

use super::access::{Access, Ways};
use super::agenda::Item;
use super::beliefs::Verdict;
use super::conditions::Conditions;
use super::errands::Errands;
use super::paths::Paths;
use super::requests::Why;
use super::scaling::Scaling;
use super::tier::Tier;
use super::ways::OnTheWay;
use super::{Cell, Observer, Request};
use crate::balance::{self, Pick};
use crate::dist::Sampler;
use crate::plan::Plan;
use crate::random::{Numbered, Purpose, derive};
use crate::scenario::Via;

/// What an eventful cell has beside a plain one.
#[derive(Debug)]
pub(super) struct Events {
    pub(super) errands: Errands,
    pub(super) paths: Paths,
    pub(super) ways: OnTheWay,
    pub(super) accesses: Vec<Access>,
    /// By source: the access that its requests take.
    pub(super) entries: Vec<u16>,
    /// By service: the access that calls to it take, and whether each calling backend balances by itself.
    pub(super) call_access: Vec<u16>,
    pub(super) is_direct: Vec<bool>,
    pub(super) conditions: Conditions,
    pub(super) scaling: Option<Scaling>,
    pub(super) works: Vec<Option<(Sampler, Numbered)>>,
    pub(super) redraws: Numbered,
    pub(super) source_works: Vec<Sampler>,
    /// Verdicts that are being carried out.
    pub(super) verdicts: Vec<Verdict>,
    /// The service of each backend.
    pub(super) service_of: Vec<u16>,
    pub(super) probes: Numbered,
    /// Worker-time whose use has been told.
    pub(super) spent: u128,
    /// When a request last got on, and when one was last over.
    pub(super) last_progress: u64,
    pub(super) last_over: u64,
    /// The number of events at which the outside is looked at next.
    pub(super) next_pulse: u64,
    /// When arrivals ended.
    pub(super) closed_at: u64,
}

impl Events {
    pub(super) fn new(plan: &Plan, ways: Ways, replication: u64) -> Self {
        let work = |(service, index): (&crate::plan::ServicePlan, u64)| {
            let stream = Numbered::new(derive(plan.seed, replication, Purpose::Work, 1 << 32 | index));
            service.work.as_ref().map(|work| (Sampler::new(work), stream))
        };
        let service_of = plan.services.iter().zip(0..).flat_map(|(service, index)| service.backends.clone().map(move |_| index));
        Self {
            errands: Errands::default(),
            paths: Paths::new(plan.services.len()),
            ways: OnTheWay::default(),
            accesses: ways.accesses,
            entries: ways.entries,
            call_access: ways.call_access,
            is_direct: plan.services.iter().map(|service| service.via == Via::Callers).collect(),
            conditions: Conditions::new(plan, replication),
            scaling: Scaling::new(plan),
            works: plan.services.iter().zip(0..).map(work).collect(),
            redraws: Numbered::new(derive(plan.seed, replication, Purpose::Work, 1 << 33)),
            source_works: plan.sources.iter().map(|source| Sampler::new(&source.work)).collect(),
            verdicts: Vec::new(),
            service_of: service_of.collect(),
            probes: Numbered::new(derive(plan.seed, replication, Purpose::Probes, 0)),
            spent: 0,
            last_progress: 0,
            last_over: 0,
            next_pulse: super::PULSE,
            closed_at: u64::MAX,
        }
    }
}

impl Events {
    /// Whether any balancer but the first is told how backends are.
    pub(super) fn any_reports(&self) -> bool {
        let mut tiers = self.accesses.iter().filter_map(|access| access.tier.as_ref());
        tiers.any(|tier| tier.listens_to_reports() != balance::Reports::Never)
    }
}

impl<O: Observer, const EVENTFUL: bool> Cell<'_, O, EVENTFUL> {
    /// The balancer of an access.
    #[inline]
    pub(super) fn tier_of(&mut self, access: u16) -> &mut Tier {
        if EVENTFUL { self.events.accesses[access as usize].tier.as_mut().unwrap_or(&mut self.tier) } else { &mut self.tier }
    }

    /// Shows what a balancer has chosen.
    pub(super) fn tell_pick(&mut self, access: u16, request: &Request, pick: Pick) {
        let other = if EVENTFUL { self.events.accesses[access as usize].tier.as_ref() } else { None };
        let tier = other.unwrap_or(&self.tier);
        self.observer.picked(request, &tier.choice(request, pick, self.now));
    }

    /// A balancer's instance for a request.
    #[inline]
    pub(super) fn instance_of(&mut self, access: u16, request: &Request) -> u32 {
        self.tier_of(access).instance_of(request)
    }

    /// Something of the agenda happens.
    pub(super) fn take(&mut self, item: Item) {
        match item {
            Item::Answered(slot, _) => self.returned(slot),
            Item::Done { request, backend, wait, ok } => self.returned_to_client(request, backend, wait, ok),
            Item::Reach(slot) => self.reach_backend(slot, false),
            Item::Enter(id) => self.enter(id),
            Item::Probe(slot) => self.probe_arrives(slot),
            Item::Report(slot) => self.report_arrives(slot),
            Item::Send(source, client) => self.arrive_closed(source, client),
            Item::Expire(id, _) => self.expire(id),
            Item::GiveUp(slot, _) => self.time_out(slot),
            Item::Tire(slot, _) => self.tire(slot),
            Item::TireHeld(id, _) => self.tire_held(id),
            Item::Hedge(id, _) => self.hedge(id),
            // Where nobody has been answered for that long after the last arrival, nobody will be.
            Item::Again(..) if self.is_hopeless() => {}
            Item::Again(id, _) => self.choose(id, Why::Retry),
            Item::Fail(id, _, cause) => self.fail_errand(id, cause),
            Item::CallFailed(slot, _) => self.call_failed(slot),
            Item::WarmUp(backend) => self.warm_up(backend),
            Item::Check { access, instance, backend } => self.check(access, instance, backend),
            Item::Checked { access, instance, backend, ok, sent } => self.checked(access, instance, backend, ok, sent),
            Item::Sweep(access) => self.sweep(access),
            Item::Reopen { access, instance, backend } => self.reopen(access, instance, backend),
            Item::Warm { access, instance, backend } => self.warm(access, instance, backend),
            Item::Learn { access, instance, backend, listed } => self.learn(access, instance, backend, listed),
            Item::Ask { access, instance } => self.ask(access, instance),
            Item::Scale => self.scale(),
            Item::Started(number) => self.started(number),
            Item::Drained(number) => self.drained(number),
        }
    }
}
