//! Balancers in front of other balancers: which group of backends, then an inner balancer of that group.
//!
//! Each group has an inner balancer of its own that sees only that group: everybody else is absent from its pool. What the outer one is told
//! goes on to the inner ones that it concerns. **Cost.** What the route costs, and a copy of each change of count.

use super::{BackendId, Balancer, Change, Completion, Ctx, Listens, Pick, Pool, Release, Report, Reports, Request, State, build};
use crate::catalogue::Values;
use crate::time::SimTime;
use std::fmt::Debug;

/// What chooses between groups.
pub(super) trait Route: Send + Debug {
    /// The groups, made anew; a backend may be in several. Their order is their number.
    fn groups(&mut self, pool: &Pool, ctx: &mut Ctx<'_>) -> Vec<Vec<BackendId>>;

    /// The group of a request. Somebody in it should be eligible.
    fn choose(&mut self, request: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Option<usize>;

    /// Whether it goes by weights, and so makes its groups anew when one changes. Who is in which may not depend on them.
    fn is_weighted(&self) -> bool {
        false
    }

    /// Something has ended: for routes that go by load.
    fn moved(&mut self, _by: i64, _now: SimTime) -> bool {
        false
    }

    /// Whether it is told of every start and end.
    fn is_told(&self) -> bool {
        false
    }
}

/// How inner balancers are made.
#[derive(Debug)]
pub(super) struct Inner {
    kind: &'static str,
    values: Values,
}

impl Inner {
    /// The balancer that a parameter names.
    pub(super) fn of(values: &Values, parameter: &str) -> Self {
        let (kind, values) = values.balancer(parameter);
        Self { kind, values: values.clone() }
    }

    fn build(&self) -> Box<dyn Balancer> {
        build(self.kind, &self.values).expect("the decoder knows only kinds of the catalogue")
    }
}

/// One group.
#[derive(Debug)]
struct Group {
    pool: Pool,
    balancer: Box<dyn Balancer>,
    is_in: Vec<bool>,
}

impl Group {
    fn contains(&self, backend: BackendId) -> bool {
        self.is_in.get(backend.index()) == Some(&true)
    }
}

/// A route with inner balancers.
#[derive(Debug)]
pub(super) struct Fan<R> {
    route: R,
    inner: Inner,
    groups: Vec<Group>,
    listens: Listens,
}

impl<R: Route> Fan<R> {
    pub(super) fn new(route: R, inner: Inner) -> Self {
        let listens = inner.build().listens();
        Self { route, inner, groups: Vec::new(), listens }
    }

    fn regroup(&mut self, pool: &Pool, ctx: &mut Ctx<'_>) {
        let groups = self.route.groups(pool, ctx);
        self.groups.truncate(groups.len());
        for (at, backends) in groups.into_iter().enumerate() {
            let mut is_in = vec![false; pool.len()];
            backends.iter().for_each(|backend| is_in[backend.index()] = true);
            let mut narrowed = pool.clone();
            let outside = (0..).map(BackendId).zip(&is_in).filter(|(_, is_in)| !**is_in);
            outside.for_each(|(backend, _)| narrowed.set_state(backend, State::Absent));
            match self.groups.get_mut(at) {
                Some(group) => (group.pool, group.is_in) = (narrowed, is_in),
                None => self.groups.push(Group { pool: narrowed, balancer: self.inner.build(), is_in }),
            }
            let group = &mut self.groups[at];
            group.balancer.members(&group.pool, ctx);
        }
    }

    fn of(&mut self, backend: BackendId) -> impl Iterator<Item = &mut Group> {
        self.groups.iter_mut().filter(move |group| group.contains(backend))
    }

    fn told(&mut self, by: i64, pool: &Pool, ctx: &mut Ctx<'_>) {
        if self.route.moved(by, ctx.now) {
            self.regroup(pool, ctx);
        }
    }
}

impl<R: Route> Balancer for Fan<R> {
    fn members(&mut self, pool: &Pool, ctx: &mut Ctx<'_>) {
        self.regroup(pool, ctx);
    }

    fn changed(&mut self, backend: BackendId, change: Change, pool: &Pool, ctx: &mut Ctx<'_>) {
        if change != Change::Weight {
            return self.regroup(pool, ctx);
        }
        for group in self.of(backend) {
            group.pool.set_weight(backend, pool.weight(backend));
            group.balancer.changed(backend, change, &group.pool, ctx);
        }
        if self.route.is_weighted() {
            self.route.groups(pool, ctx);
        }
    }

    #[inline]
    fn pick(&mut self, request: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        let Some(group) = self.route.choose(request, pool, ctx).and_then(|at| self.groups.get_mut(at)) else { return Pick::None };
        group.balancer.pick(request, &group.pool, ctx)
    }

    fn release(&mut self, _: &Pool, ctx: &mut Ctx<'_>) -> Release {
        let answers = self.groups.iter_mut().map(|group| group.balancer.release(&group.pool, ctx));
        answers.into_iter().find(|answer| *answer != Release::Nobody).unwrap_or(Release::Nobody)
    }

    fn listens(&self) -> Listens {
        Listens { counts: true, attempts: self.listens.attempts || self.route.is_told(), ..self.listens }
    }

    #[inline]
    fn counted(&mut self, backend: BackendId, pool: &Pool, ctx: &mut Ctx<'_>) {
        let is_told = self.listens.counts;
        for group in self.of(backend) {
            group.pool.set_in_flight(backend, pool.in_flight(backend));
            if is_told {
                group.balancer.counted(backend, &group.pool, ctx);
            }
        }
    }

    fn recounted(&mut self, pool: &Pool, ctx: &mut Ctx<'_>) {
        for group in &mut self.groups {
            group.pool.copy_counts(pool);
            if self.listens.counts {
                group.balancer.recounted(&group.pool, ctx);
            }
        }
    }

    fn reported(&mut self, backend: BackendId, report: &Report, _: &Pool, ctx: &mut Ctx<'_>) {
        if self.listens.reports != Reports::Never {
            self.of(backend).for_each(|group| group.balancer.reported(backend, report, &group.pool, ctx));
        }
    }

    fn probes(&mut self, _: &Pool, ctx: &mut Ctx<'_>, probe: &mut dyn FnMut(BackendId)) {
        self.groups.iter_mut().for_each(|group| group.balancer.probes(&group.pool, ctx, probe));
    }

    fn started(&mut self, request: &Request<'_>, backend: BackendId, pool: &Pool, ctx: &mut Ctx<'_>) {
        if self.listens.attempts {
            self.of(backend).for_each(|group| group.balancer.started(request, backend, &group.pool, ctx));
        }
        self.told(1, pool, ctx);
    }

    fn finished(&mut self, completion: &Completion, pool: &Pool, ctx: &mut Ctx<'_>) {
        if self.listens.attempts {
            self.of(completion.backend).for_each(|group| group.balancer.finished(completion, &group.pool, ctx));
        }
        self.told(-1, pool, ctx);
    }

    fn trouble(&self) -> Option<String> {
        self.groups.iter().find_map(|group| group.balancer.trouble())
    }

    fn ended(&mut self, request: u64) {
        self.groups.iter_mut().for_each(|group| group.balancer.ended(request));
    }
}
