//! A load-balancing simulator: the same requests against every balancer, and honest statistics about what came of it.
//!
//! ```text
//!  text ──scenario──▶ Scenario ──plan──▶ Plan ──engine, one cell──▶ Record ──measure──▶ Summary ──report──▶ bytes
//!                                          │                          ▲
//!                                       balancer × replication ── run, cells side by side
//! ```
//!
//! A *scenario* is what was written, a *plan* what will run, a *cell* one balancer in one replication on one thread, a *record* what was
//! measured, a *summary* what can be said of it. Each is a plain value; each arrow is one function.
//!
//! ```
//! use evenkeel::report::{style, table};
//! use evenkeel::run::Job;
//! use evenkeel::scenario::{self, NoFiles, Source};
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
//! let loaded = scenario::load(&Source::new("example.toml", text.as_bytes()), &[], &NoFiles).map_err(|faults| faults.to_string())?;
//! let job = Job::new(&loaded).map_err(|faults| format!("{faults:?}"))?;
//! let summary = job.run(2, &|_requests| true).summary.expect("nobody interrupted it");
//!
//! let [random, least] = &summary.results[..] else { panic!("there are two balancers") };
//! assert!(least.latency_ms.p99 < random.latency_ms.p99);
//! print!("{}", table::draw(&summary, &style::uncoloured));
//! # Ok::<(), String>(())
//! ```
//!
//! The same scenario and seed give the same summary on every machine, to the last bit: see `docs/src/determinism.md`.
//!
//! # In reading order
//!
//! - [`time`], [`random`], [`dist`]: nanoseconds, streams of chance, distributions over portable mathematics.
//! - [`balance`]: the rules, each a file that explains itself. Begin with [`balance::Balancer`].
//! - [`traffic`], [`fleet`]: where requests come from, and what they meet.
//! - [`catalogue`], [`scenario`], [`plan`]: what can be named, what was written, what will run.
//! - [`engine`]: the event loop. [`run`]: all cells of a scenario.
//! - [`measure`], [`report`]: from records to intervals and comparisons, and to text.
//!
//! # Features
//!
//! `cli` (default) is the program: command line, threads, files. `threads` alone runs cells side by side. Without either, the crate is the
//! simulation core, which touches no file, clock, thread or environment and builds for `wasm32-unknown-unknown`.

pub mod balance;
pub mod catalogue;
#[cfg(feature = "cli")]
pub mod cli;
pub mod dist;
pub mod engine;
pub mod fleet;
pub mod measure;
pub mod plan;
pub mod random;
pub mod report;
pub mod run;
pub mod scenario;
pub mod slab;
pub mod time;
pub mod traffic;
