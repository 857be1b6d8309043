//! **evenkeel** compares load balancers by simulation: the same requests, one balancer after the other, with statistics that say how sure the
//! answer is.
//!
//! ```text
//!  text ──scenario──▶ Scenario ──plan──▶ Plan ──engine──▶ Record ──measure──▶ Summary ──report──▶ bytes
//!         + overrides            names are            one cell,             over all              table,
//!                                numbers              one thread            replications          JSON, …
//! ```
//!
//! Every arrow is a function, every value between two arrows is a plain type that prints. In the order of that line:
//!
//! - [`scenario`] reads a file, and says of everything that is wrong with it where it stands and what would be right.
//! - [`plan`] fills in every default and turns every name into a number.
//! - [`engine`] runs one *cell* (a balancer × a replication): [`traffic`] is pulled, a [`balance::Balancer`] picks, the [`fleet`] serves.
//! - [`measure`] makes records, merges replications, and computes intervals and comparisons.
//! - [`gate`] judges rules and baselines, for machines that merge or do not.
//! - [`report`] shows a summary and computes nothing.
//! - [`pick`] drives one balancer by hand.
//! - [`theory`] says what must come out, where queueing theory knows.
//! - [`run`] puts these together over all cells, on any number of threads with the same bytes; `sweep` does so over grids of scenarios, `tune` searches them; `cli` is the program.
//!
//! Below all of them: [`time`] (whole nanoseconds), [`random`] (named streams), [`dist`] (portable distributions), [`catalogue`] (what users can name).
//!
//! # An example
//!
//! ```
//! use evenkeel::{report, run::Job, scenario};
//!
//! let text = r#"
//!     balancers = ["random", "least-connections"]
//!     [run]
//!     requests = 20000
//!     [traffic]
//!     arrivals = { process = "poisson", load = 0.8 }
//!     work = { dist = "exponential", mean = "10ms" }
//!     [[backends]]
//!     name = "web"
//!     count = 10
//! "#;
//! let source = scenario::Source::new("example.toml", text.as_bytes());
//! let loaded = scenario::load(&source, &[], &scenario::NoFiles)?;
//! let job = Job::new(&loaded).expect("nothing in it depends on what is not there");
//! let summary = job.run(1, &|_requests| true).summary.expect("it was not interrupted");
//!
//! let p99 = |at: usize| summary.results[at].latency_ms.p99.expect("requests were answered");
//! assert!(p99(1) < p99(0) / 2.0, "least connections keeps the tail short");
//! println!("{}", report::table::draw(&summary, &report::style::uncoloured));
//! # Ok::<(), scenario::Diagnostics>(())
//! ```
//!
//! The same bytes come out on every machine, for every number of threads.

// The made-up results that the page's tests draw are written once, for the tests in here and for those in tests/it.
#[cfg(test)]
extern crate self as evenkeel;

pub mod balance;
pub mod catalogue;
#[cfg(feature = "cli")]
pub mod cli;
pub mod client;
pub mod dist;
pub mod engine;
mod escape;
pub mod fault;
pub mod fleet;
pub mod gate;
pub mod health;
pub mod measure;
pub mod pick;
pub mod plan;
pub mod random;
pub mod report;
pub mod run;
pub mod scenario;
pub mod selftest;
pub mod slab;
#[cfg(feature = "cli")]
pub mod sweep;
pub mod theory;
pub mod time;
pub mod trace;
pub mod traffic;
#[cfg(feature = "cli")]
pub mod tune;
