//! Sweeps: a scenario over a grid of values, of any size, on any number of machines, and nothing lost.
//!
//! [`grid`] reads what is varied, [`plan`] makes cells of it ([`listing`] prints them), [`shard`] says which of them are whose. [`work`] runs them, a
//! [`journal`] in a [`folder`] keeps what each came to, and [`harvest`] makes results of that: the only way to results, so that they are the same bytes whether a sweep was
//! run whole, was killed and gone on with, or was put together from parts.

mod decimal;
pub mod folder;
mod frame;
pub mod grid;
pub mod harvest;
pub mod journal;
pub mod judge;
pub mod listing;
pub mod ordered;
pub mod plan;
pub mod scene;
pub mod shard;
pub mod values;
pub mod work;
