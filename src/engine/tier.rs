//! The balancer instances: who sees what, and which one a request goes to.
//!
//! With `view = "own"` each instance counts its own requests; with `"shared"` all see the same counts, exact or as of the last multiple of
//! `refresh`. Oracles see the truth, and there is one of each whatever the tier says.

use super::connections::Connections;
use super::words::Words;
use super::{Choice, Request, Stopped};
use crate::balance::{self, BackendId, Balancer, Change, Completion, Ctx, Listens, Pick, Pool, Release, Sees, State};
use crate::plan::{BalancerPlan, Plan};
use crate::random::{Numbered, Purpose, Stream, below, derive, mix};
use crate::scenario::{Assign, Picks, View};
use crate::slab::NIL;
use crate::time::{SimTime, Span};
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

/// All instances of a cell's balancer.
#[derive(Debug)]
pub(super) struct Tier {
    instances: Vec<Instance>,
    /// One for each instance, or one for all.
    pools: Vec<Pool>,
    /// The exact counts behind a stale view.
    live: Option<Pool>,
    counts: Counts,
    assign: Assign,
    assignment: Numbered,
    /// Where each calling backend is an instance: which, by the backend's number.
    by_caller: Option<Vec<u32>>,
    /// The number of the first backend: the balancers' own numbers begin with 0.
    first: u32,
    connections: Option<Connections>,
    refresh: u64,
    pub(super) next_refresh: u64,
    /// Requests held by all instances together.
    held: usize,
    /// One instance with exact counts and a pick for every request, which is what most scenarios have.
    plain: bool,
    /// What recorded requests say in words.
    words: Option<Box<Words>>,
}

/// How counts reach the pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counts {
    Own,
    Shared,
    Stale { adds_own: bool },
    Truth,
}

#[derive(Debug)]
struct Instance {
    balancer: Box<dyn Balancer>,
    chance: Stream,
    listens: Listens,
    /// It listens to nothing.
    is_deaf: bool,
    held: Waiting,
}

/// Requests that a balancer holds.
#[derive(Debug, Default)]
struct Waiting {
    /// By the request's number.
    by_number: BTreeMap<u64, Held>,
    /// Numbers in the order of their coming; some may have gone.
    order: VecDeque<u64>,
}

impl Waiting {
    fn push(&mut self, number: u64, held: Held) {
        self.by_number.insert(number, held);
        self.order.push_back(number);
    }

    fn oldest(&mut self) -> Option<u64> {
        while let Some(number) = self.order.front() {
            if self.by_number.contains_key(number) {
                return Some(*number);
            }
            self.order.pop_front();
        }
        None
    }
}

/// A request that is held.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) request: u32,
    pub(super) since: u64,
}

/// Who is balanced by whom.
#[derive(Debug)]
pub(super) struct Setting<'p> {
    pub(super) balancer: &'p BalancerPlan,
    /// The backends, by number.
    pub(super) backends: Range<u32>,
    /// Which of the plan's balancers this is, for streams of its own.
    pub(super) number: u64,
    /// The calling backends, each of which is an instance; empty: `tier.instances`.
    pub(super) callers: Vec<u32>,
    /// Instances judge backends, each by itself.
    pub(super) judges: bool,
}

impl Tier {
    pub(super) fn new(plan: &Plan, setting: &Setting<'_>, replication: u64) -> Self {
        let balancer = setting.balancer;
        let build = || balance::build(balancer.kind, &balancer.values).expect("the decoder knows only kinds of the catalogue");
        let counts = match plan.tier.view {
            _ if build().sees() == Sees::Truth => Counts::Truth,
            View::Own => Counts::Own,
            View::Shared if plan.tier.refresh == 0 => Counts::Shared,
            View::Shared => Counts::Stale { adds_own: plan.tier.adds_own },
        };
        let is_by_caller = !setting.callers.is_empty() && counts != Counts::Truth;
        let instances = match counts {
            Counts::Truth => 1,
            _ if is_by_caller => setting.callers.len() as u64,
            _ => u64::from(plan.tier.instances),
        };
        let by_caller = is_by_caller.then(|| {
            let mut instance_of = vec![NIL; plan.backend_count() as usize];
            setting.callers.iter().zip(0..).for_each(|(&backend, instance)| instance_of[backend as usize] = instance);
            instance_of
        });
        let members: Arc<[_]> = plan.members()[setting.backends.start as usize..setting.backends.end as usize].into();
        let own_pools = matches!(counts, Counts::Own | Counts::Stale { adds_own: true }) || setting.judges && counts != Counts::Truth;
        let pool = if counts == Counts::Truth { Pool::truth(members) } else { Pool::new(members) };
        let stale = matches!(counts, Counts::Stale { .. });
        let mut tier = Self {
            instances: (0..instances)
                .map(|index| Instance::new(build(), derive(plan.seed, replication, Purpose::Balancer, setting.number << 32 | index)))
                .collect(),
            live: stale.then(|| pool.clone()),
            pools: vec![pool; if own_pools { instances as usize } else { 1 }],
            counts,
            assign: plan.tier.assign,
            assignment: Numbered::new(derive(plan.seed, replication, Purpose::Assignment, setting.number)),
            by_caller,
            first: setting.backends.start,
            connections: Connections::new(plan, replication),
            refresh: plan.tier.refresh,
            next_refresh: if stale { plan.tier.refresh } else { u64::MAX },
            held: 0,
            words: Words::new(plan),
            plain: instances == 1 && matches!(counts, Counts::Own | Counts::Shared) && plan.tier.picks == Picks::Request,
        };
        (0..tier.instances.len()).for_each(|at| tier.renew(at, 0));
        tier
    }

    /// Whether there is but one instance.
    pub(super) fn is_single(&self) -> bool {
        self.instances.len() == 1
    }

    /// Whether and how backends are to say how they are.
    pub(super) fn listens_to_reports(&self) -> balance::Reports {
        self.instances[0].listens.reports
    }

    /// How many instances there are.
    pub(super) fn instance_count(&self) -> u64 {
        self.instances.len() as u64
    }

    /// A backend's report reaches an instance.
    pub(super) fn reported(&mut self, instance: u32, backend: u32, report: &balance::Report, now: u64) {
        let pool = self.pool_of(instance);
        let Instance { balancer, chance, .. } = &mut self.instances[instance as usize];
        balancer.reported(BackendId(backend), report, &self.pools[pool], &mut Ctx { now: SimTime(now), chance });
    }

    /// Which backends an instance wants to probe after a pick.
    pub(super) fn probes(&mut self, instance: u32, now: u64) -> Vec<u32> {
        let pool = self.pool_of(instance);
        let Instance { balancer, chance, listens, .. } = &mut self.instances[instance as usize];
        let mut backends = Vec::new();
        if listens.reports == balance::Reports::Probes {
            balancer.probes(&self.pools[pool], &mut Ctx { now: SimTime(now), chance }, &mut |backend| backends.push(backend.0));
        }
        backends
    }

    /// What trouble an instance is in.
    pub(super) fn trouble(&self) -> Result<(), Stopped> {
        match self.instances.iter().find_map(|instance| instance.balancer.trouble()) {
            Some(trouble) => Err(Stopped::Trouble(trouble)),
            None => Ok(()),
        }
    }

    /// A request has left the system.
    #[inline(always)]
    pub(super) fn over(&mut self, request: &Request) {
        let instance = self.instance_of(request);
        let instance = &mut self.instances[instance as usize];
        if instance.listens.attempts {
            instance.balancer.ended(request.number);
        }
    }

    #[inline]
    fn pool_of(&self, instance: u32) -> usize {
        if self.pools.len() == 1 { 0 } else { instance as usize }
    }

    /// Tells an instance to look at its pool anew.
    fn renew(&mut self, instance: usize, now: u64) {
        let pool = self.pool_of(instance as u32);
        let Instance { balancer, chance, .. } = &mut self.instances[instance];
        balancer.members(&self.pools[pool], &mut Ctx { now: SimTime(now), chance });
    }

    /// The instance that a request goes to: a function of the request, so that it need not be kept.
    #[inline]
    pub(super) fn instance_of(&self, request: &Request) -> u32 {
        match (self.instances.len(), self.assign) {
            (1, _) => 0,
            _ if self.by_caller.is_some() => self.caller_of(request),
            (n, Assign::Random) => below(self.assignment.bits(request.number), n as u64) as u32,
            (n, Assign::Client) => below(mix(self.assignment.bits(0) ^ u64::from(request.client)), n as u64) as u32,
        }
    }

    /// The instance that the calling backend of a call is.
    fn caller_of(&self, request: &Request) -> u32 {
        self.by_caller.as_ref().map_or(0, |instance_of| instance_of[request.client as usize])
    }

    /// Whether the product that the balancer is tries again by itself.
    pub(super) fn retries(&mut self, known: &balance::Request<'_>, request: &Request, now: u64) -> bool {
        let instance = self.instance_of(request);
        let pool = self.pool_of(instance);
        let Instance { balancer, chance, .. } = &mut self.instances[instance as usize];
        balancer.retries(known, &self.pools[pool], &mut Ctx { now: SimTime(now), chance })
    }

    /// The number of the first backend: the balancers' own numbers begin with 0.
    pub(super) fn first(&self) -> u32 {
        self.first
    }

    /// What an instance sees in flight at a backend, by the balancer's own number.
    pub(super) fn in_flight(&self, instance: u32, backend: u32) -> u32 {
        self.pools[self.pool_of(instance)].in_flight(BackendId(backend))
    }

    /// What an instance has in flight in all.
    pub(super) fn in_flight_in_all(&self, instance: u32) -> u64 {
        let pool = &self.pools[self.pool_of(instance)];
        (0..pool.len() as u32).map(|backend| u64::from(pool.in_flight(BackendId(backend)))).sum()
    }

    /// How many requests an instance holds.
    pub(super) fn waiting(&self, instance: u32) -> u64 {
        self.instances[instance as usize].held.by_number.len() as u64
    }

    /// What the configuration says of each backend.
    pub(super) fn written(&self) -> Vec<State> {
        let pool = &self.pools[0];
        (0..pool.len() as u32).map(|backend| pool.member(BackendId(backend)).state).collect()
    }

    /// An instance believes something else of a backend from now on. Whether it may be picked now and could not be before.
    pub(super) fn believe(&mut self, instance: u32, backend: u32, state: State, now: u64) -> bool {
        let (backend, pool) = (BackendId(backend), self.pool_of(instance));
        let before = self.pools[pool].state(backend);
        if before == state {
            return false;
        }
        self.pools[pool].set_state(backend, state);
        let change = match (before, state) {
            (State::Absent, _) => Change::Joined,
            (_, State::Absent) => Change::Left,
            _ => Change::State(before),
        };
        self.tell_changed(instance, backend, change, now);
        state.is_eligible() && !before.is_eligible()
    }

    /// An instance multiplies a backend's weight from now on.
    pub(super) fn reweigh(&mut self, instance: u32, backend: u32, factor: f64, now: u64) {
        let (backend, pool) = (BackendId(backend), self.pool_of(instance));
        let weight = self.pools[pool].member(backend).weight * factor;
        self.pools[pool].set_weight(backend, weight);
        self.tell_changed(instance, backend, Change::Weight, now);
    }

    fn tell_changed(&mut self, instance: u32, backend: BackendId, change: Change, now: u64) {
        let pool = self.pool_of(instance);
        let Instance { balancer, chance, .. } = &mut self.instances[instance as usize];
        balancer.changed(backend, change, &self.pools[pool], &mut Ctx { now: SimTime(now), chance });
    }

    /// The instance's choice for an attempt of a request.
    #[inline]
    pub(super) fn pick(&mut self, known: &balance::Request<'_>, request: &Request, now: u64) -> Pick {
        if let (true, [instance], [pool], None) = (self.plain, &mut self.instances[..], &self.pools[..], &self.words) {
            return instance.balancer.pick(known, pool, &mut Ctx { now: SimTime(now), chance: &mut instance.chance });
        }
        self.pick_of_many(known, request, now)
    }

    #[inline(never)]
    fn pick_of_many(&mut self, known: &balance::Request<'_>, request: &Request, now: u64) -> Pick {
        let instance = self.instance_of(request);
        let pool = self.pool_of(instance);
        let known = &match &mut self.words {
            Some(words) => words.add(known, request, self.first),
            None => *known,
        };
        let instance = &mut self.instances[instance as usize];
        let mut ctx = Ctx { now: SimTime(now), chance: &mut instance.chance };
        match &mut self.connections {
            None => instance.balancer.pick(known, &self.pools[pool], &mut ctx),
            Some(connections) => {
                let is_usable = |backend| self.pools[pool].is_eligible(backend);
                connections.pick(request, is_usable, || instance.balancer.pick(known, &self.pools[pool], &mut ctx))
            }
        }
    }

    /// The connection of a request is broken, or left: the next request that would use it opens another.
    pub(super) fn hang_up(&mut self, request: &Request) {
        if let Some(connections) = &mut self.connections {
            connections.hang_up(request);
        }
    }

    /// A choice that has just been made, and what was seen.
    pub(super) fn choice(&self, request: &Request, pick: Pick, now: u64) -> Choice<'_> {
        let instance = self.instance_of(request);
        Choice { now, instance, pool: &self.pools[self.pool_of(instance)], first: self.first, pick }
    }

    /// An attempt has been sent.
    #[inline(always)]
    pub(super) fn sent(&mut self, request: &Request, backend: u32, now: u64) {
        let backend = BackendId(backend);
        if let (true, [instance], [pool]) = (self.plain, &mut self.instances[..], &mut self.pools[..]) {
            pool.sent(backend);
            if instance.is_deaf {
                return;
            }
        } else {
            self.count(self.instance_of(request), backend, now, Pool::sent);
        }
        self.tell_sent(request, backend, now);
    }

    #[inline(never)]
    fn tell_sent(&mut self, request: &Request, backend: BackendId, now: u64) {
        if self.plain {
            self.tell(0, backend, now);
        }
        let instance = self.instance_of(request);
        let pool = self.pool_of(instance);
        let Instance { balancer, chance, listens, .. } = &mut self.instances[instance as usize];
        if listens.attempts {
            balancer.started(&request.known(0), backend, &self.pools[pool], &mut Ctx { now: SimTime(now), chance });
        }
    }

    /// An attempt's answer has come back to its instance.
    #[inline(always)]
    pub(super) fn ended(&mut self, request: &Request, backend: u32, ok: bool, latency: u64, now: u64) {
        let backend = BackendId(backend);
        if let (true, [instance], [pool]) = (self.plain, &mut self.instances[..], &mut self.pools[..]) {
            pool.ended(backend);
            if instance.is_deaf {
                return;
            }
        } else if self.counts != Counts::Truth {
            self.count(self.instance_of(request), backend, now, Pool::ended);
        }
        self.tell_ended(request, backend, ok, latency, now);
    }

    #[inline(never)]
    fn tell_ended(&mut self, request: &Request, backend: BackendId, ok: bool, latency: u64, now: u64) {
        if self.plain {
            self.tell(0, backend, now);
        }
        let instance = self.instance_of(request);
        let pool = self.pool_of(instance);
        let Instance { balancer, chance, listens, .. } = &mut self.instances[instance as usize];
        if listens.attempts {
            let completion = Completion { request: request.number, backend, ok, latency: Span(latency) };
            balancer.finished(&completion, &self.pools[pool], &mut Ctx { now: SimTime(now), chance });
        }
    }

    /// Counts a send or an end wherever it shows, and tells who listens.
    #[inline(never)]
    fn count(&mut self, instance: u32, backend: BackendId, now: u64, change: impl Fn(&mut Pool, BackendId)) {
        match self.counts {
            Counts::Own => {
                let pool = self.pool_of(instance);
                change(&mut self.pools[pool], backend);
                self.tell(instance as usize, backend, now);
            }
            Counts::Truth => {
                change(&mut self.pools[0], backend);
                self.tell(0, backend, now);
            }
            Counts::Shared => {
                self.pools.iter_mut().for_each(|pool| change(pool, backend));
                (0..self.instances.len()).for_each(|at| self.tell(at, backend, now));
            }
            Counts::Stale { adds_own } => self.count_behind(instance, backend, now, adds_own, change),
        }
    }

    #[inline(never)]
    fn count_behind(&mut self, instance: u32, backend: BackendId, now: u64, adds_own: bool, change: impl Fn(&mut Pool, BackendId)) {
        let live = self.live.as_mut().expect("a stale view has the live counts behind it");
        let before = live.in_flight(backend);
        change(live, backend);
        // Own sends show at once where asked; ends show with the next renewal.
        if adds_own && live.in_flight(backend) > before {
            let pool = self.pool_of(instance);
            change(&mut self.pools[pool], backend);
            self.tell(instance as usize, backend, now);
        }
    }

    #[inline]
    fn tell(&mut self, instance: usize, backend: BackendId, now: u64) {
        let pool = self.pool_of(instance as u32);
        let Instance { balancer, chance, listens, .. } = &mut self.instances[instance];
        if listens.counts {
            balancer.counted(backend, &self.pools[pool], &mut Ctx { now: SimTime(now), chance });
        }
    }

    /// Whether the balancer is an oracle, to be told of what happens at backends.
    #[inline]
    pub(super) fn sees_truth(&self) -> bool {
        self.counts == Counts::Truth
    }

    /// For oracles: an attempt is done at its backend.
    pub(super) fn completed(&mut self, backend: u32, ready_at: u64, now: u64) {
        self.pools[0].ended(BackendId(backend));
        self.ready(backend, ready_at, now);
    }

    /// For oracles: when a new request could be served at a backend.
    pub(super) fn ready(&mut self, backend: u32, ready_at: u64, now: u64) {
        self.pools[0].set_ready_at(BackendId(backend), ready_at);
        self.tell(0, BackendId(backend), now);
    }

    /// Holds a request until something ends.
    pub(super) fn hold(&mut self, instance: u32, number: u64, held: Held) {
        self.held += 1;
        self.instances[instance as usize].held.push(number, held);
    }

    /// Whether any instance holds a request.
    #[inline]
    pub(super) fn holds_any(&self) -> bool {
        self.held > 0
    }

    /// Which of the requests that an instance holds goes now: its number, and where to unless the balancer is to be asked as for any other.
    pub(super) fn whose_turn(&mut self, instance: u32, now: u64) -> Option<(u64, Option<BackendId>)> {
        let pool = self.pool_of(instance);
        let Instance { balancer, chance, held, .. } = &mut self.instances[instance as usize];
        let oldest = held.oldest()?;
        match balancer.release(&self.pools[pool], &mut Ctx { now: SimTime(now), chance }) {
            Release::Oldest => Some((oldest, None)),
            Release::Held(number, backend) => Some((number, Some(backend))),
            Release::Nobody => None,
        }
    }

    /// A request that an instance holds.
    pub(super) fn held(&self, instance: u32, number: u64) -> Held {
        *self.instances[instance as usize].held.by_number.get(&number).expect("a balancer releases only what it holds")
    }

    /// A request is no longer held.
    pub(super) fn let_go(&mut self, instance: u32, number: u64) {
        let gone = self.instances[instance as usize].held.by_number.remove(&number);
        self.held -= usize::from(gone.is_some());
    }

    /// Shows the counts as they are now to everybody. Nothing happens before `quiet_until`, so renewals up to then would show the same.
    pub(super) fn renew_view(&mut self, now: u64, quiet_until: u64) {
        let live = self.live.as_ref().expect("a stale view has the live counts behind it");
        self.pools.iter_mut().for_each(|pool| pool.copy_counts(live));
        for at in 0..self.instances.len() {
            let pool = self.pool_of(at as u32);
            let Instance { balancer, chance, listens, .. } = &mut self.instances[at];
            if listens.counts {
                balancer.recounted(&self.pools[pool], &mut Ctx { now: SimTime(now), chance });
            }
        }
        self.next_refresh = (quiet_until / self.refresh).saturating_add(1).saturating_mul(self.refresh);
    }
}

impl Instance {
    fn new(balancer: Box<dyn Balancer>, seed: u64) -> Self {
        let listens = balancer.listens();
        Self { listens, is_deaf: listens == Listens::NOTHING, balancer, chance: Stream::new(seed), held: Waiting::default() }
    }
}
