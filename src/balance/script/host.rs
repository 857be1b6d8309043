//! What a script meets: handles on the pool, requests, and functions that are the same everywhere.

use crate::balance::{BackendId, Completion, Ctx, Digits, Member, Pool, Report, Request};
use crate::random::Stream;
use rhai::packages::{
    ArithmeticPackage, BasicArrayPackage, BasicIteratorPackage, BasicMapPackage, BasicStringPackage, LogicPackage, Package,
};
use rhai::{Engine, EvalAltResult, FLOAT, INT, ImmutableString};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use xxhash_rust::xxh64::xxh64;

/// What the script's handles look at. Counts are kept up by events, one at a time; a pick copies nothing.
#[derive(Debug)]
struct Seen {
    pool: Pool,
    now: f64,
    chance: Stream,
}

/// A handle on the pool.
#[derive(Clone, Debug)]
pub(super) struct Handle(Arc<Mutex<Seen>>);

impl Default for Handle {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Seen { pool: Pool::new([].into()), now: 0.0, chance: Stream::new(0) })))
    }
}

impl Handle {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pool has changed.
    pub(super) fn renew(&self, pool: &Pool) {
        self.seen().pool = pool.clone();
    }

    pub(super) fn count(&self, backend: BackendId, pool: &Pool) {
        self.seen().pool.set_in_flight(backend, pool.in_flight(backend));
    }

    pub(super) fn recount(&self, pool: &Pool) {
        self.seen().pool.copy_counts(pool);
    }

    /// Lends time and chance for one call.
    pub(super) fn lend(&self, ctx: &mut Ctx<'_>) {
        let mut seen = self.seen();
        seen.now = ctx.now.0 as f64 / 1e9;
        std::mem::swap(&mut seen.chance, ctx.chance);
    }

    pub(super) fn take_back(&self, ctx: &mut Ctx<'_>) {
        std::mem::swap(&mut self.seen().chance, ctx.chance);
    }

    pub(super) fn backend(&self, id: BackendId) -> Backend {
        Backend { handle: self.clone(), id }
    }

    fn at(&self, place: INT) -> Result<Backend, Box<EvalAltResult>> {
        let found = usize::try_from(place).ok().and_then(|place| self.seen().pool.at(place));
        found.map(|id| self.backend(id)).ok_or_else(|| format!("there is no backend {place}: {} are eligible", self.len()).into())
    }

    fn len(&self) -> INT {
        self.seen().pool.eligible().len() as INT
    }

    fn below(&self, n: INT) -> INT {
        self.seen().chance.below(u64::try_from(n).unwrap_or(0)) as INT
    }

    fn random(&self) -> rhai::Dynamic {
        let n = self.len();
        if n == 0 { rhai::Dynamic::UNIT } else { self.at(self.below(n)).map_or(rhai::Dynamic::UNIT, rhai::Dynamic::from) }
    }
}

impl IntoIterator for Handle {
    type Item = Backend;
    type IntoIter = Walk;
    fn into_iter(self) -> Walk {
        Walk { handle: self, at: 0 }
    }
}

/// A walk over the eligible backends.
pub(super) struct Walk {
    handle: Handle,
    at: usize,
}

impl Iterator for Walk {
    type Item = Backend;
    fn next(&mut self) -> Option<Backend> {
        let id = self.handle.seen().pool.at(self.at)?;
        self.at += 1;
        Some(self.handle.backend(id))
    }
}

/// A handle on one backend.
#[derive(Clone, Debug)]
pub(super) struct Backend {
    handle: Handle,
    id: BackendId,
}

impl Backend {
    pub(super) fn id(&self) -> BackendId {
        self.id
    }

    fn member<T>(&self, read: impl FnOnce(&Member) -> T) -> T {
        read(self.handle.seen().pool.member(self.id))
    }
}

/// A request, as the script sees it.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    id: u64,
    attempt: u32,
    class: i32,
    key: Option<ImmutableString>,
    client: ImmutableString,
}

impl Asked {
    pub(super) fn of(request: &Request<'_>) -> Self {
        let (mut digits, mut room) = (Digits::default(), String::new());
        let key = request.key(&mut digits).map(|key| String::from_utf8_lossy(key).as_ref().into());
        Self { id: request.id, attempt: request.attempt, class: request.class, key, client: request.client(&mut room).into() }
    }
}

/// The end of an attempt.
#[derive(Clone, Debug)]
pub(super) struct End {
    request: u64,
    backend: Backend,
    ok: bool,
    latency: f64,
}

impl End {
    pub(super) fn of(completion: &Completion, backend: Backend) -> Self {
        Self { request: completion.request, backend, ok: completion.ok, latency: completion.latency.0 as f64 / 1e9 }
    }
}

/// What a backend says of itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct State(pub(super) Report);

/// An engine with nothing in it but what is bounded and the same on every machine.
pub(super) fn engine(steps: u64) -> Engine {
    let mut engine = Engine::new_raw();
    engine.register_global_module(ArithmeticPackage::new().as_shared_module());
    engine.register_global_module(LogicPackage::new().as_shared_module());
    engine.register_global_module(BasicStringPackage::new().as_shared_module());
    engine.register_global_module(BasicIteratorPackage::new().as_shared_module());
    engine.register_global_module(BasicArrayPackage::new().as_shared_module());
    engine.register_global_module(BasicMapPackage::new().as_shared_module());
    // `**` would be the platform's; pow is ours.
    ["**", "**=", "eval"].into_iter().for_each(|symbol| {
        engine.disable_symbol(symbol);
    });
    engine
        .set_max_operations(steps)
        .set_max_call_levels(32)
        .set_max_expr_depths(64, 64)
        .set_max_variables(256)
        .set_max_functions(256)
        .set_max_string_size(64 << 10)
        .set_max_array_size(1 << 20)
        .set_max_map_size(1 << 20);
    things(&mut engine);
    functions(&mut engine);
    engine
}

fn things(engine: &mut Engine) {
    engine
        .register_type_with_name::<Handle>("Pool")
        .register_iterator::<Handle>()
        .register_indexer_get(|pool: &mut Handle, place: INT| pool.at(place))
        .register_get("len", |pool: &mut Handle| pool.len())
        .register_fn("len", |pool: &mut Handle| pool.len())
        .register_get("now", |pool: &mut Handle| pool.seen().now)
        .register_fn("below", |pool: &mut Handle, n: INT| pool.below(n))
        .register_fn("unit", |pool: &mut Handle| pool.seen().chance.unit())
        .register_fn("random", |pool: &mut Handle| pool.random());
    engine
        .register_type_with_name::<Backend>("Backend")
        .register_fn("==", |a: &mut Backend, b: Backend| a.id == b.id)
        .register_fn("!=", |a: &mut Backend, b: Backend| a.id != b.id)
        .register_get("id", |backend: &mut Backend| INT::from(backend.id.0))
        .register_get("name", |backend: &mut Backend| ImmutableString::from(backend.member(|member| member.name.clone())))
        .register_get("address", |backend: &mut Backend| ImmutableString::from(backend.member(|member| member.address.clone())))
        .register_get("zone", |backend: &mut Backend| ImmutableString::from(backend.member(|member| member.zone.clone())))
        .register_get("priority", |backend: &mut Backend| INT::from(backend.member(|member| member.priority)))
        .register_get("backup", |backend: &mut Backend| backend.member(|member| member.backup))
        .register_get("weight", |backend: &mut Backend| backend.handle.seen().pool.weight(backend.id))
        .register_get("in_flight", |backend: &mut Backend| INT::from(backend.handle.seen().pool.in_flight(backend.id)))
        .register_get("eligible", |backend: &mut Backend| backend.handle.seen().pool.is_eligible(backend.id))
        .register_fn("label", |backend: &mut Backend, key: &str| {
            ImmutableString::from(backend.member(|member| member.label(key).unwrap_or_default().to_owned()))
        });
    engine
        .register_type_with_name::<Asked>("Request")
        .register_get("id", |request: &mut Asked| request.id as INT)
        .register_get("attempt", |request: &mut Asked| INT::from(request.attempt))
        .register_get("class", |request: &mut Asked| INT::from(request.class))
        .register_get("key", |request: &mut Asked| request.key.clone().map_or(rhai::Dynamic::UNIT, rhai::Dynamic::from))
        .register_get("client", |request: &mut Asked| request.client.clone());
    engine
        .register_type_with_name::<End>("End")
        .register_get("request", |end: &mut End| end.request as INT)
        .register_get("backend", |end: &mut End| end.backend.clone())
        .register_get("ok", |end: &mut End| end.ok)
        .register_get("latency", |end: &mut End| end.latency);
    engine
        .register_type_with_name::<State>("Report")
        .register_get("rps", |report: &mut State| report.0.rps)
        .register_get("eps", |report: &mut State| report.0.eps)
        .register_get("utilization", |report: &mut State| report.0.utilization)
        .register_get("in_flight", |report: &mut State| INT::from(report.0.in_flight))
        .register_get("latency", |report: &mut State| report.0.latency.0 as FLOAT / 1e9)
        .register_get("service", |report: &mut State| report.0.service.0 as FLOAT / 1e9);
}

/// Mathematics through the one library of the house, and a hash.
fn functions(engine: &mut Engine) {
    engine
        .register_fn("sqrt", |x: FLOAT| libm::sqrt(x))
        .register_fn("exp", |x: FLOAT| libm::exp(x))
        .register_fn("ln", |x: FLOAT| libm::log(x))
        .register_fn("pow", |x: FLOAT, y: FLOAT| libm::pow(x, y))
        .register_fn("floor", |x: FLOAT| libm::floor(x))
        .register_fn("ceil", |x: FLOAT| libm::ceil(x))
        .register_fn("to_int", |x: FLOAT| x as INT)
        .register_fn("to_float", |x: INT| x as FLOAT)
        .register_fn("min", |a: FLOAT, b: FLOAT| a.min(b))
        .register_fn("max", |a: FLOAT, b: FLOAT| a.max(b))
        .register_fn("min", |a: INT, b: INT| a.min(b))
        .register_fn("max", |a: INT, b: INT| a.max(b))
        .register_fn("hash", |text: &str| (xxh64(text.as_bytes(), 0) >> 1) as INT);
}
