//! What is measured, and what can be said of it.
pub mod histogram;
pub mod record;
pub mod recorder;
mod tallies;
