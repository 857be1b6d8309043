//! Everything that is tested from outside, as one binary.

mod bad_input;
mod golden;
mod laws;
mod theory;
mod world;
