//! Laws that need no expected value: what must hold for every scenario, and how two related scenarios must be related.
//!
//! Scenarios are drawn whole. The generator's seed is fixed and nothing is kept between runs, so a failure is the same everywhere; it prints the
//! scenario, shrunk.

mod allocations;
mod catalogue;
mod interrupted;
mod oracles;
mod random_worlds;
mod related;
mod sampled;
mod timelines;
mod trace;
