//! A balancer written as a script.
//!
//! **Rule.** Whatever the script's `pick` says. The textbook's least connections is
//!
//! ```text
//! fn pick(request, pool) {
//!     let best = pool[0];
//!     for backend in pool {
//!         if backend.in_flight < best.in_flight { best = backend; }
//!     }
//!     best
//! }
//! ```
//!
//! The language is [Rhai](https://rhai.rs). `pool` and `backend` are handles: nothing is copied for a pick. What a script remembers it keeps in
//! `this`, a map of its own that lives as long as the balancer. **Events** are functions too, called if they are there: `members(pool)` at the start
//! and at every change, `started(request, backend)`, `finished(end)`. **Chance** comes from the seed: `pool.random()`, `pool.below(n)`,
//! `pool.unit()`. There is no clock but `pool.now`, no file, no module. **Limits**: steps for each call (`steps`), memory, depth; a script that
//! breaks them, or fails, ends the run with the place in the script. **Cost.** A microsecond a pick and more: a hundred times a built-in.

mod host;

use super::{BackendId, Balancer, Completion, Ctx, Law, Listed, Listens, Pick, Pool, Report, Reports, Request};
use crate::catalogue::{Entry, Kind, Parameter, Values};
use host::{Asked, Backend, End, Handle, State};
use rhai::{AST, CallFnOptions, Dynamic, Engine, FuncArgs, Scope};

pub(super) static LISTED: Listed = Listed::new(
    Entry {
        name: "script",
        summary: "your own rule, written in a file",
        text: "A Rhai script with a function `pick(request, pool)` that gives a backend of the pool, or () for none. `pool` is what a loop goes \
               through: the eligible backends, each with name, address, zone, weight, in_flight, priority, label(key); pool[i] and pool.len; \
               pool.random(), pool.below(n), pool.unit() for chance; pool.now in seconds. `request` has id, key, client, attempt. What the script \
               remembers it keeps in `this`. If they are there, members(pool), started(request, backend) and finished(end) are called, where \
               end has request, backend, ok and latency in seconds; reported(backend, report) asks for a report with every answer. sqrt, exp, ln, \
               pow and hash(text) are the same on every machine. About a hundred times slower than a built-in balancer.",
        parameters: &[
            Parameter::optional("file", Kind::File, "the script"),
            Parameter::with_default("steps", Kind::Whole(100, 1_000_000_000), "1000000", "operations that one call may take: more is an endless loop"),
        ],
        reference: "https://rhai.rs",
    },
    |values| Box::new(Script::new(values)),
)
.checked(|values| {
    let (name, text) = values.file("file");
    compile(name, text, values.whole("steps")).map(|_| ())
})
.breaks(&[
    (Law::OnlyEligible, "a script picks whom it names, also one that it remembers"),
    (Law::ZeroWeight, "a script may look at weights or not"),
    (Law::NobodyLeft, "a script picks whom it names"),
    (Law::Weights, "a script may look at weights or not"),
    (Law::AnswersAtOnce, "a script may say \"wait\""),
]);

/// Which functions the script has besides `pick`.
#[derive(Clone, Copy, Debug, Default)]
struct Events {
    members: bool,
    started: bool,
    finished: bool,
    reported: bool,
}

/// A script with its memory.
struct Script {
    name: String,
    engine: Engine,
    ast: AST,
    events: Events,
    /// What the script calls `this`.
    this: Dynamic,
    handle: Handle,
    trouble: Option<String>,
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Script").field("name", &self.name).field("events", &self.events).field("this", &self.this).finish_non_exhaustive()
    }
}

/// A script that is understood, or why not, with its place.
fn compile(name: &str, text: &str, steps: u64) -> Result<(Engine, AST, Events), String> {
    let engine = host::engine(steps);
    let ast = engine.compile(text).map_err(|error| at(name, error.position(), &error.err_type().to_string()))?;
    let has =
        |function: &str, parameters: usize| ast.iter_functions().any(|known| known.name == function && known.params.len() == parameters);
    if !has("pick", 2) {
        return Err(format!("{name}: there is no function pick(request, pool); write fn pick(request, pool) {{ pool.random() }}"));
    }
    let events =
        Events { members: has("members", 1), started: has("started", 2), finished: has("finished", 1), reported: has("reported", 2) };
    Ok((engine, ast, events))
}

/// A message with its place in the script.
fn at(name: &str, place: rhai::Position, what: &str) -> String {
    match (place.line(), place.position()) {
        (Some(line), Some(column)) => format!("{name}:{line}:{column}: {what}"),
        (Some(line), None) => format!("{name}:{line}: {what}"),
        _ => format!("{name}: {what}"),
    }
}

impl Script {
    fn new(values: &Values) -> Self {
        let (name, text) = values.file("file");
        let (engine, ast, events) = compile(name, text, values.whole("steps")).expect("the decoder has compiled it before");
        Self { name: name.to_owned(), engine, ast, events, this: rhai::Map::new().into(), handle: Handle::default(), trouble: None }
    }

    /// Calls a function with time and chance lent to it; `None` once it has failed.
    fn call(&mut self, function: &str, arguments: impl FuncArgs, ctx: &mut Ctx<'_>) -> Option<Dynamic> {
        if self.trouble.is_some() {
            return None;
        }
        self.handle.lend(ctx);
        let options = CallFnOptions::new().eval_ast(false).rewind_scope(true).bind_this_ptr(&mut self.this);
        let result = self.engine.call_fn_with_options::<Dynamic>(options, &mut Scope::new(), &self.ast, function, arguments);
        self.handle.take_back(ctx);
        result.map_err(|error| self.trouble = Some(at(&self.name, innermost(&error), &format!("in {function}: {error}")))).ok()
    }

    fn fails(&mut self, what: String) -> Pick {
        self.trouble.get_or_insert(format!("{}: {what}", self.name));
        Pick::None
    }
}

/// The place where it went wrong, within functions that call each other.
fn innermost(error: &rhai::EvalAltResult) -> rhai::Position {
    match error {
        rhai::EvalAltResult::ErrorInFunctionCall(_, _, inner, _) => innermost(inner),
        error => error.position(),
    }
}

impl Balancer for Script {
    fn members(&mut self, pool: &Pool, ctx: &mut Ctx<'_>) {
        self.handle.renew(pool);
        if self.events.members {
            let pool = self.handle.clone();
            self.call("members", (pool,), ctx);
        }
    }

    fn pick(&mut self, request: &Request<'_>, _: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        let arguments = (Asked::of(request), self.handle.clone());
        let Some(chosen) = self.call("pick", arguments, ctx) else { return Pick::None };
        if chosen.is_unit() {
            return Pick::None;
        }
        if let Some(backend) = chosen.read_lock::<Backend>() {
            return Pick::Backend(backend.id());
        }
        match chosen.into_string() {
            Ok(word) if word == "wait" => Pick::Wait,
            Ok(word) => self.fails(format!("pick gave the text \"{word}\"; it must give a backend, () or \"wait\"")),
            Err(kind) => self.fails(format!("pick gave a value of type {kind}; it must give a backend, () or \"wait\"")),
        }
    }

    fn listens(&self) -> Listens {
        Listens {
            counts: true,
            attempts: self.events.started || self.events.finished,
            reports: if self.events.reported { Reports::Answers } else { Reports::Never },
        }
    }

    fn counted(&mut self, backend: BackendId, pool: &Pool, _: &mut Ctx<'_>) {
        self.handle.count(backend, pool);
    }

    fn recounted(&mut self, pool: &Pool, _: &mut Ctx<'_>) {
        self.handle.recount(pool);
    }

    fn started(&mut self, request: &Request<'_>, backend: BackendId, _: &Pool, ctx: &mut Ctx<'_>) {
        if self.events.started {
            let backend = self.handle.backend(backend);
            self.call("started", (Asked::of(request), backend), ctx);
        }
    }

    fn finished(&mut self, completion: &Completion, _: &Pool, ctx: &mut Ctx<'_>) {
        if self.events.finished {
            let end = End::of(completion, self.handle.backend(completion.backend));
            self.call("finished", (end,), ctx);
        }
    }

    fn reported(&mut self, backend: BackendId, report: &Report, _: &Pool, ctx: &mut Ctx<'_>) {
        if self.events.reported {
            let backend = self.handle.backend(backend);
            self.call("reported", (backend, State(*report)), ctx);
        }
    }

    fn trouble(&self) -> Option<String> {
        self.trouble.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;
    use super::*;
    use crate::catalogue::Value;

    fn values(text: &str) -> Values {
        let mut values = Values::default();
        values.set("file", Value::File("my.rhai".into(), text.into()));
        values.set("steps", Value::Whole(10_000));
        values
    }

    fn bench(text: &str, weights: &[f64]) -> Bench {
        let values = values(text);
        (LISTED.check)(&values).expect("the script compiles");
        Bench::new(Box::new(Script::new(&values)), weights)
    }

    fn refused(text: &str) -> String {
        (LISTED.check)(&values(text)).expect_err("it is wrong")
    }

    const LEAST: &str = "fn pick(request, pool) {
        let best = pool[0];
        for backend in pool { if backend.in_flight < best.in_flight { best = backend; } }
        best
    }";

    #[test]
    fn the_textbooks_least_connections_is_least_connections() {
        let mut bench = bench(LEAST, &[1.0; 3]);
        assert_eq!([bench.send(), bench.send(), bench.send(), bench.send()], [0, 1, 2, 0]);
        bench.finish(1);
        assert_eq!(bench.send(), 1);
    }

    #[test]
    fn what_it_keeps_in_this_stays() {
        let text = "fn members(pool) { this.next = 0; } fn pick(request, pool) { this.next += 1; pool[this.next % pool.len] }";
        let mut bench = bench(text, &[1.0; 3]);
        assert_eq!([bench.pick(), bench.pick(), bench.pick(), bench.pick()], [1, 2, 0, 1]);
    }

    #[test]
    fn chance_comes_from_the_seed() {
        let text =
            "fn pick(request, pool) { let a = pool.random(); let b = pool.random(); if a.in_flight <= b.in_flight { a } else { b } }";
        let picks = |mut bench: Bench| (0..50).map(|_| bench.send()).collect::<Vec<_>>();
        assert_eq!(picks(bench(text, &[1.0; 5])), picks(bench(text, &[1.0; 5])));
    }

    #[test]
    fn a_script_that_is_wrong_is_refused_with_its_place() {
        assert!(
            refused("fn pick(request, pool) {\n  pool[0\n}").starts_with("my.rhai:3:1: "),
            "{}",
            refused("fn pick(request, pool) {\n  pool[0\n}")
        );
        assert!(refused("fn choose(pool) { pool[0] }").contains("there is no function pick(request, pool)"));
        for banned in ["import \"x\" as x; fn pick(r, p) { p[0] }", "fn pick(r, p) { eval(\"p[0]\") }", "fn pick(r, p) { 2.0 ** 0.5 }"] {
            assert!(refused(banned).starts_with("my.rhai:1:"), "{banned}");
        }
    }

    #[test]
    fn a_script_that_fails_says_where() {
        for (text, said) in [
            ("fn pick(request, pool) {\n  no_such(1)\n}", "my.rhai:2:3: "),
            ("fn pick(request, pool) {\n  loop { let x = 1; }\n}", "my.rhai: in pick: Too many operations"),
            ("fn pick(request, pool) { let a = [0]; loop { a += a; } }", "my.rhai: in pick: Size of array"),
            ("fn pick(request, pool) { pick(request, pool) }", "Stack overflow"),
            ("fn pick(request, pool) { 7 }", "my.rhai: pick gave a value of type i64"),
            ("fn pick(request, pool) { pool[9] }", "there is no backend 9"),
        ] {
            let mut bench = bench(text, &[1.0; 2]);
            assert_eq!(bench.pick_key(1), Pick::None);
            let trouble = bench.balancer.trouble().expect("it failed");
            assert!(trouble.contains(said), "{trouble}");
        }
    }

    #[test]
    fn mathematics_is_that_of_the_house() {
        for held in [
            "sqrt(2.0) > 1.4142 && sqrt(2.0) < 1.4143",
            "exp(1.0) < 2.7183",
            "ln(exp(1.0)) == 1.0",
            "pow(2.0, 10.0) == 1024.0",
            "hash(\"a\") != hash(\"b\")",
            "hash(request.key) >= 0",
            "max(1, 2) == 2 && floor(2.7).to_int() == 2",
        ] {
            let text = format!("fn pick(request, pool) {{ if {held} {{ pool[1] }} else {{ pool[0] }} }}");
            assert_eq!(bench(&text, &[1.0; 2]).pick(), 1, "{held}");
        }
    }
}
