//! Everything that is tested from outside, as one binary.

mod architecture;
mod bad_input;
mod blessed;
mod cli;
mod determinism;
mod golden;
mod laws;
mod pages;
mod readme;
mod selftest;
mod svg;
mod theory;
mod world;
