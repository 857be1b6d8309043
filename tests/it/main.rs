//! Everything that is tested from outside, as one binary.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "what a test computes beside the program need not be the same bits everywhere"
)]

mod architecture;
mod bad_input;
mod blessed;
mod browser;
mod cli;
mod conformance;
mod detail;
mod determinism;
mod eventful;
mod folder;
mod gallery;
mod gate;
mod golden;
mod impact;
mod laws;
mod pages;
mod pick;
mod published;
mod readme;
mod selftest;
mod svg;
mod sweep;
mod theory;
mod trace;
mod tune;
mod world;
