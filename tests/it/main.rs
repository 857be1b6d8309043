//! Everything that is tested from outside, as one binary.

mod bad_input;
mod cli;
mod determinism;
mod golden;
mod laws;
mod selftest;
mod theory;
mod world;
