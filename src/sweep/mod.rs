//! Sweeps: a scenario over a grid of values, of any size, on any number of machines, and nothing lost.
//!
//! [`grid`] reads what is varied, [`plan`] makes cells of it, a [`journal`] keeps what each of them came to.

mod decimal;
mod frame;
pub mod grid;
pub mod journal;
pub mod plan;
pub mod values;
