//! A balancer of one's own, made outside the crate and compared with those inside on the built-in quickstart.
//!
//! ```text
//! cargo run --release --example own_balancer
//! ```
//!
//! The rule: *stay with a backend until it has three requests in flight, then go to the emptier of two drawn at random*. It keeps connections warm and
//! still looks before it leaps.

use evenkeel::balance::{self, BackendId, Balancer, Ctx, Listed, Pick, Pool, Request};
use evenkeel::catalogue::{Entry, Kind, Parameter};
use evenkeel::{report, run::Job, scenario};

/// What scenarios, error messages and `evenkeel balancers` know of it.
static STAY: Listed = Listed::new(
    Entry {
        name: "example/stay",
        summary: "stays with a backend until it is busy",
        text: "Stays with one backend while it has fewer than `busy` requests in flight, then goes to the emptier of two drawn at random.",
        parameters: &[Parameter::with_default("busy", Kind::Whole(1, 1000), "3", "in flight from which on a backend is left")],
        reference: "",
    },
    |values| Box::new(Stay { busy: values.whole("busy") as u32, at: None }),
);

#[derive(Debug)]
struct Stay {
    busy: u32,
    at: Option<BackendId>,
}

impl Balancer for Stay {
    fn members(&mut self, _: &Pool, _: &mut Ctx<'_>) {
        self.at = None;
    }

    fn pick(&mut self, _: &Request<'_>, pool: &Pool, ctx: &mut Ctx<'_>) -> Pick {
        if let Some(at) = self.at.filter(|&at| pool.in_flight(at) < self.busy) {
            return Pick::Backend(at);
        }
        let mut draw = || pool.at(ctx.chance.below(pool.eligible().len() as u64) as usize);
        let (Some(a), Some(b)) = (draw(), draw()) else { return Pick::None };
        let emptier = if pool.in_flight(b) < pool.in_flight(a) { b } else { a };
        self.at = Some(emptier);
        Pick::Backend(emptier)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    balance::register(&STAY)?;
    let text = scenario::QUICKSTART.replacen("balancers = [", "balancers = [\"example/stay\", ", 1);
    let source = scenario::Source::new("quickstart with example/stay", text.as_bytes());
    let loaded = match scenario::load(&source, &[], &scenario::NoFiles) {
        Ok(loaded) => loaded,
        Err(found) => return Err(found.to_string().into()),
    };
    let job = Job::new(&loaded).map_err(|found| format!("{found:?}"))?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let summary = job.run(threads, &|_| true).summary.ok_or("interrupted")?;
    println!("{}", report::table::draw(&summary, &report::style::uncoloured));
    Ok(())
}
